// The specialist's desk: who is ringing me, what I hold, and the wake-up card with the doctor's own question as its headline.
import "../parts/rings.js";
import { enableSound, phoneOnly, silence } from "../alarm.js";
import { html, Icon, useEffect, useRef, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow, useTick } from "../core/clock.js";
import { fmtTime, fmtWhen, lang, t } from "../core/i18n.js";
import { focusIsFree, navigate } from "../core/router.js";
import { announce, AppBar, HotlineLink, Loading, notify } from "../core/shell.js";
import { getState, putHeaders, specialtyName, useStore } from "../core/store.js";
import { ackOffer, watch } from "../core/stream.js";
import { hotline } from "../core/telephones.js";
import { useUnread } from "../core/unread.js";
import { ActButton, ActionState, may, useAction } from "../parts/action.js";
import { Clamp } from "../parts/clamp.js";
import { clockText, Countdown, secondsTo, spanText } from "../parts/countdown.js";
import { DeclineReasons, declineDialog, forwardDialog, path } from "../parts/dialogs.js";
import { Drill, drillCls, DrillBand, marked } from "../parts/drill.js";
import { currentCallout, lateText, nameList, nextStep, personText, problemText, roleText } from "../parts/facts.js";
import { withdrawnText, MiniLadder } from "../parts/ladder.js";
import { useOnCall } from "../parts/picker.js";
import { Rail, shortcutsDialog, useShortcuts } from "../parts/rail.js";
import { dropOffer, offerCase, openOffers } from "../parts/rings.js";
import { Safety } from "../parts/safety.js";
import { ToldCard } from "../parts/told-card.js";
import { SoundButton, SoundNotice, useAlarm } from "../parts/sound.js";
import { Urgency } from "../parts/urgency.js";
import { Warnings } from "../parts/warnings.js";
import { Vitals } from "../parts/vitals.js";

const REASON_SHOWN_MS = 6000;
const SEEN_AFTER_MS = 1000;

export function Desk() {
  const me = useStore((s) => s.me);
  const state = useStore((s) => ({ offers: s.offers, consultations: s.consultations, headers: s.headers }));
  const [chosen, setChosen] = useState(null);
  const [taken, setTaken] = useState(null);
  const stage = useRef(null);
  useTick();
  const rung = useStore((s) => s.offersRead);
  const back = useStore((s) => s.connection.back?.at);
  const [read, setRead] = useState("loading");
  useEffect(() => {
    const lists = ["active", "concluded"].map((status) => get(`/consultations?status=${status}`).then((r) => putHeaders(r.items)));
    Promise.all(lists).then(() => setRead("done"), () => setRead((was) => (was === "done" ? was : "failed")));
  }, [back]);

  const open = openOffers({ ...getState(), ...state });
  const ringing = open.filter(({ offer }) => !offer.quiet);
  const told = open.filter(({ offer }) => offer.quiet);
  const headers = [...state.headers.values()];
  const held = headers.filter((h) => h.holder === me.id && h.status === "active").sort(newest);
  const joined = headers.filter((h) => h.status === "active" && h.holder !== me.id && isMember(state.consultations.get(h.id), me.id)).sort(newest);
  const done = headers.filter((h) => h.holder === me.id && h.status === "concluded").sort(newest);
  const current = ringing.find(({ offer }) => offer.offer_id === chosen) ?? ringing[0] ?? null;

  useGone(state.offers, setTaken);
  useNewOffers(ringing, stage, () => setChosen(null));
  const move = (by) => {
    if (!ringing.length) return;
    const at = ringing.findIndex(({ offer }) => offer === current?.offer);
    setChosen(ringing[(at + by + ringing.length) % ringing.length].offer.offer_id);
  };
  useShortcuts({ KeyJ: () => move(1), KeyK: () => move(-1), KeyM: () => silence(), Help: shortcutsDialog, F6: () => stage.current?.querySelector(".wake")?.focus() });

  return html`<div class=${`desk${current ? " has-card" : ""}`}>
    <${DutyBar} held=${held.length} />
    ${held.length > 0 && !(me.desks ?? []).length && html`<div class="note warn strip" role="alert"><${Icon} name="swap" /><b class="grow">${t("d.ended_open", { n: held.length })}</b><button type="button" class="btn s p" onClick=${handOver}>${t("d.hand_over")}</button></div>`}
    <div class="app">
      <${Rail} current="/desk" />
      <aside class="queue" aria-label=${t("d.queue")}>
        <${Group} title=${t("d.ringing_me")} n=${ringing.length} known=${rung} empty=${rung && t("d.nothing_rings")}>
          ${ringing.map(({ offer, c }) => html`<${QueueOffer} key=${offer.offer_id} offer=${offer} c=${c} on=${offer === current?.offer} choose=${() => setChosen(offer.offer_id)} />`)}
        </${Group}>
        <${Group} title=${t("d.i_hold")} n=${held.length} known=${read === "done"} empty=${read !== "loading" && t(read === "failed" ? "home.failed" : "d.hold_none")}>${held.map((h) => html`<${QueueCase} key=${h.id} h=${h} />`)}</${Group}>
        ${joined.length > 0 && html`<${Group} title=${t("d.joined")} n=${joined.length}>${joined.map((h) => html`<${QueueCase} key=${h.id} h=${h} />`)}</${Group}>`}
        ${done.length > 0 && html`<${Group} title=${t("d.concluded")} n=${done.length}>${done.map((h) => html`<${QueueCase} key=${h.id} h=${h} />`)}</${Group}>`}
      </aside>
      <main class="stage" ref=${stage}>
        ${taken && html`<${Taken} taken=${taken} close=${() => setTaken(null)} />`}
        ${current && html`<${SoundNotice} />`}
        ${current
          ? html`<${WakeCard} key=${current.offer.offer_id} offer=${current.offer} c=${current.c} taken=${setTaken} />`
          : !told.length && html`<${Quiet} held=${held} />`}
        ${told.map(({ offer, c }) => html`<${ToldCard} key=${offer.offer_id} offer=${offer} c=${c} useReceipts=${useReceipts} />`)}
      </main>
    </div>
  </div>`;
}

const newest = (a, b) => (a.updated_at ?? a.created_at) < (b.updated_at ?? b.created_at) ? 1 : -1;
const isMember = (c, me) => (c?.participants ?? []).some((p) => p.user === me && !p.left_at);

/** @param known  whether the server has said how many there are: before that, none is not nothing */
function Group({ title, n, known = true, empty, children }) {
  return html`<section class="q-group"><h2 class="sec-h">${title}${known || n > 0 ? ` · ${n}` : ""}</h2>${n > 0 ? children : empty && html`<p class="cap q-empty">${empty}</p>`}</section>`;
}

function QueueOffer({ offer, c, on, choose }) {
  const left = secondsTo(offer.due_at);
  return html`<button type="button" class=${`qi ringing u-${c.urgency}${drillCls(c)}`} aria-current=${on ? "true" : undefined} onClick=${choose}>
    <${Drill} c=${c} /><${Urgency} level=${c.urgency} short /><b>${[personText(c), problemText(c)].filter(Boolean).join(" · ")}</b>
    <span class="cap">${[c.hospital_name, fmtTime(offer.made_at), left != null && left >= 0 ? t("d.left", { time: clockText(left) }) : null].filter(Boolean).join(" · ")}</span>
  </button>`;
}

function QueueCase({ h }) {
  const c = useStore((s) => s.consultations.get(h.id));
  const unread = useUnread(h.id);
  const p = c ?? h;
  return html`<a class=${`qi${drillCls(h)}`} href=${`/cases/${h.id}`}><${Drill} c=${h} /><${Urgency} level=${h.urgency} short /><b>${[personText(p), problemText(p)].filter(Boolean).join(" · ")}</b>
    <span class="cap">${[h.hospital_name, h.held_since && t("d.since", { time: fmtWhen(h.held_since) }), unread > 0 && t("d.new_messages", { n: unread })].filter(Boolean).join(" · ")}</span></a>`;
}

// --- the bar on duty ---------------------------------------------------------------------------------------------------

const handOver = () => import("../parts/hand-over.js").then((m) => m.handOverDutyDialog(), () => notify(t("p.err.network"), "bad"));

function DutyBar({ held }) {
  const me = useStore((s) => s.me);
  const specialties = useStore((s) => s.specialties);
  const duty = me.desks?.[0];
  const until = duty?.until;
  const words = duty
    ? html`<span class="chip ok duty-chip"><${Icon} name="bell" />${t("d.on_duty", { role: (duty.roles ?? []).map((r) => roleText(r).toLowerCase()).join(", ") })}</span>
        <b class="duty-sp">${nameList(me.desks.map((d) => specialtyName(d.specialty, lang())))}</b>`
    : html`<span class="chip duty-chip"><${Icon} name="clock" />${t("d.off_duty")}</span>`;
  const sub = until ? t("d.until", { time: fmtWhen(until), left: spanText((Date.parse(until) - serverNow()) / 1000) }) : me.name;
  return html`<${AppBar} title=${words} sub=${sub} mini
    actions=${html`${duty && html`<${Backup} desk=${duty.desk} roles=${duty.roles ?? []} me=${me.id} />`}${held > 0 && html`<button type="button" class="btn s o" aria-label=${t("d.hand_over")} onClick=${handOver}><${Icon} name="swap" /><span class="dsk">${t("d.hand_over")}</span></button>`}<${SoundButton} />`} key=${specialties.length} />`;
}

/** Who is rung beside me at this desk. */
function Backup({ desk, roles, me }) {
  const { list } = useOnCall(desk);
  const other = list.find((p) => p.doctor !== me && (roles.includes("primary") ? p.role === "backup" : p.role === "primary"));
  if (!other) return null;
  return html`<span class="dback sub dsk"><${Icon} name="users" /><span>${roleText(other.role)}: <b>${other.doctor_name}</b></span>
    <span class=${`conn${other.online ? "" : " off"}`}>${other.online && html`<span class="dot"></span>`}${t(other.online ? "p.online" : "p.phone_only")}</span></span>`;
}

/** Nothing rings: the state of the duty, and the sound test that starts it. */
function Quiet({ held }) {
  const me = useStore((s) => s.me);
  const { sound } = useAlarm();
  const { state } = useStore((s) => s.connection);
  const known = useStore((s) => s.offersRead);
  const onDuty = (me.desks ?? []).length > 0;
  const [failed, setFailed] = useState(false);
  if (onDuty && sound === "blocked") {
    return html`<section class="ctr quiet"><span class="ill w"><${Icon} name="vol" /></span><h1 class="h3">${t("a.blocked")}</h1><p class="sub">${t("a.blocked_hint")}</p>
      ${failed && html`<p class="note bad" role="alert"><${Icon} name="warn" />${t("a.failed")}</p>`}
      <button type="button" class="btn p xl" onClick=${async () => setFailed(!(await enableSound()))}><${Icon} name="vol" />${t("a.test")}</button>
      <button type="button" class="btn g" onClick=${phoneOnly}>${t("a.skip")}</button></section>`;
  }
  if (state === "offline") {
    return html`<section class="ctr quiet" role="status"><span class="ill w"><${Icon} name="off" /></span><h1 class="h3">${t("d.quiet_offline")}</h1><${HotlineLink} /></section>`;
  }
  if (!known) return html`<${Loading} />`; // nothing is known yet: not that nothing rings
  return html`<section class="ctr quiet"><span class="ill"><${Icon} name="check" /></span><h1 class="h3">${t("d.quiet")}</h1>
    <p class="sub">${t(onDuty ? (sound === "on" ? "d.quiet_on" : "a.skipped") : "d.quiet_off")}</p>
    ${held.length > 0 && html`<p class="sub">${t("d.quiet_held", { n: held.length })}</p>`}</section>`;
}

// --- news of offers -----------------------------------------------------------------------------------------------------

/** An offer that was taken back: the ring has stopped, and the reason stands for 6 s. */
function useGone(offers, setTaken) {
  const shown = useRef(new Set());
  useEffect(() => {
    for (const offer of offers.values()) {
      if (offer.state !== "withdrawn" || !offer.gone || shown.current.has(offer.offer_id)) continue;
      shown.current.add(offer.offer_id);
      if (serverNow() - Date.parse(offer.gone) > REASON_SHOWN_MS) continue;
      // Replaced by a new ring of the same case (urgency raised): the card says so itself, and the ring has not stopped.
      if (offer.quiet || offer.reason === "superseded" || openOffers(getState()).some((x) => x.offer.consultation_id === offer.consultation_id)) continue;
      const c = offerCase(getState(), offer);
      const name = offer.by_name ?? c.holder_name;
      const entry = { name: offer.reason === "taken" ? name : null, at: offer.gone, reason: offer.reason, c };
      setTaken(entry);
      announce(takenText(entry), true);
      setTimeout(() => setTaken((now) => (now === entry ? null : now)), REASON_SHOWN_MS);
    }
  }, [offers]);
}

const takenText = ({ name, at, reason, c }) => marked(c, name ? t("d.taken", { name, time: fmtTime(at, { seconds: true }) }) : withdrawnText(reason));

function Taken({ taken, close }) {
  const { rings } = useAlarm();
  return html`<div class="note ok gap-b row" role="alert"><${Icon} name="user" /><span class="grow"><b>${takenText(taken)}</b> ${rings.length ? "" : t("d.taken_hint")}</span>
    <button type="button" class="ib" aria-label=${t("p.close")} onClick=${close}><${Icon} name="x" /></button></div>`;
}

/** A new offer is announced; the card does not steal the focus from a text field. */
function useNewOffers(ringing, stage, realCame) {
  const known = useRef(null);
  const ids = ringing.map(({ offer }) => offer.offer_id).join();
  useEffect(() => {
    const before = known.current;
    known.current = new Set(ringing.map(({ offer }) => offer.offer_id));
    const fresh = ringing.filter(({ offer }) => !before?.has(offer.offer_id));
    // A patient is never behind a drill that somebody is looking at.
    if (fresh.some(({ c }) => !c.drill) && ringing.some(({ c }) => c.drill)) realCame();
    for (const { c } of fresh) announce(marked(c, t("d.new_offer", { level: t(`urgency.${c.urgency}`), hospital: c.hospital_name ?? "", question: c.question || t("d.no_question") })), true);
    if (fresh.length && focusIsFree()) stage.current?.querySelector(".wake")?.focus({ preventScroll: true });
  }, [ids]);
}

/** "Seen" once the card has been visible for a second; that it arrived is told where the ringing is. */
function useReceipts(offer) {
  const connection = useStore((s) => s.connection.state);
  useEffect(() => {
    if (connection !== "live") return undefined;
    if (offer.seen_at) return undefined;
    let timer = 0;
    const look = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") timer = setTimeout(() => ackOffer(offer.offer_id, "seen"), SEEN_AFTER_MS);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [offer.offer_id, offer.seen_at, connection]);
}

// --- the wake-up card ----------------------------------------------------------------------------------------------------

/**
 * The card of somebody who is being rung. Everything that decides is on it; what is missing is named.
 * @param offer OfferRead, c its consultation (live, else the card), taken(entry) shows who was first
 */
export function WakeCard({ offer, c, taken }) {
  const me = useStore((s) => s.me);
  const [run, action] = useAction();
  const [raised, setRaised] = useState(null);
  const before = useRef(c.urgency);
  useTick();
  useReceipts(offer);
  useEffect(() => watch(offer.consultation_id), [offer.consultation_id]);
  useEffect(() => {
    if (before.current && c.urgency !== before.current) {
      setRaised({ from: before.current, to: c.urgency });
      announce(t("d.raised", { level: t(`urgency.${c.urgency}`) }), true);
    }
    before.current = c.urgency;
  }, [c.urgency]);

  const callout = (c.callouts ?? []).find((x) => x.id === offer.callout_id) ?? currentCallout(c);
  const next = nextStep({ ...c, callouts: callout ? [callout] : c.callouts });
  const led = c.urgency === "red" && c.holder && c.holder !== me.id;
  const canAccept = offer.may_accept || may(c, "accept");
  const due = callout?.next_due_at ?? offer.due_at;
  const left = secondsTo(due);
  const expired = Boolean(offer.expired_at);

  const accept = async () => {
    if (!canAccept || action.busy) return;
    const answer = await run({ path: path(c, "acceptance"), caseId: c.id, what: "accept", expiresAfter: 30 });
    if (answer) navigate(`/cases/${c.id}`);
  };
  // Only this device falls silent: the others ring on until there is a word.
  const hush = async () => {
    if (await run({ path: path(c, "acceptance"), caseId: c.id, what: "accept", expiresAfter: 30 })) notify(t("d.hushed"), "ok");
  };
  const decline = async (why) => {
    const answer = await run({ path: path(c, "refusal"), body: why, caseId: c.id, what: "decline", expiresAfter: 120 });
    if (answer) notify(t("d.declined_done"), "ok");
  };
  const attend = async (coming) => {
    const answer = await run({ path: path(c, "attendance"), body: { coming }, caseId: c.id, what: coming ? "coming" : "cannot" });
    if (answer && coming && openOffers(getState()).length === 0) navigate(`/cases/${c.id}`);
  };
  useEffect(() => {
    const { error } = action;
    if (!error?.is?.("taken")) return;
    dropOffer(offer.offer_id);
    taken({ name: error.extra?.holder_name ?? c.holder_name, at: error.extra?.at ?? new Date(serverNow()).toISOString(), reason: "taken", c });
  }, [action.error]);
  const forward = async () => {
    const name = await forwardDialog(c, offer);
    if (name) notify(t("d.forwarded", { name }), "ok");
  };
  const nextNames = next && !next.last ? nameList(next.names) : "";
  const refuse = () => declineDialog(c, nextNames, decline);
  useShortcuts(led || c.holder === me.id ? {} : { KeyA: { hold: 300, run: accept }, KeyC: forward, KeyT: refuse });

  const long = (c.question ?? "").length;
  const mine = c.holder === me.id && ["silent", "overdue"].includes(callout?.reason);
  const question = offer.question ?? callout?.question;
  return html`<article class=${`wake u-${c.urgency}${drillCls(c)}`} role="alertdialog" tabindex="-1" aria-labelledby="oq" aria-describedby="op">
    <${DrillBand} c=${c} />
    <header class="wtop">
      <${Urgency} level=${c.urgency} big />
      <div class="w-from"><b>${[c.hospital_name, c.ward_name].filter(Boolean).join(" · ")}</b>
        <div class="sub">${[c.requester_name, lateText(c) || t("d.sent_at", { time: fmtTime(c.created_at ?? offer.made_at) }), callout?.round > 0 && t("d.ring_no", { n: callout.round + 1 })].filter(Boolean).join(" · ")}</div></div>
      ${due && !led && html`<div class="w-count">
        ${expired ? html`<span class="cd past">${t("d.still")}</span>` : html`<${Countdown} to=${due} className="cd" speak=${nextNames ? t("d.then_rings", { name: nextNames }) : ""} />`}
        <span class="cap w-next">${expired ? t("d.expired") : left != null && left < 0 ? t("d.step_due") : nextNames ? html`${t("d.also_rings")}<br />${nextNames}` : t("d.rings_again")}</span>
      </div>`}
    </header>
    ${raised && html`<p class="note bad w-raised" role="alert"><${Icon} name="warn" /><span>${t("d.raised_from", { from: t(`urgency.short.${raised.from}`), to: t(`urgency.short.${raised.to}`) })}</span></p>`}
    <${Warnings} c=${c} cls="note w-raised" />
    <${WhyAgain} c=${c} callout=${callout} mine=${mine} />
    <div class="w-body">
      <div class="wq">
        <p class="cap">${t(question ? "d.question_own" : "d.question")}</p>
        <h1 id="oq" lang="vi" class=${long > 260 ? "q-xl" : long > 120 ? "q-l" : ""}>${question || c.question || html`<span class="missing">${t("d.no_question")}</span>`}</h1>
        <p id="op" class="sub w-who"><b>${c.patient?.label ?? t("p.no_label")}</b> · ${personText(c)} · ${c.number ?? ""}</p>
        ${question && c.question && html`<p class="w-sit"><span class="cap">${t("d.question_first")}</span> <span lang="vi">${c.question}</span></p>`}
        ${c.situation && html`<p class="w-sit"><${Clamp} text=${c.situation} lines=${2} /></p>`}
      </div>
      <div class="wgrid">
        <div class="stack">
          <${Vitals} vitals=${c.vitals} urgency=${c.urgency} />
          <${Safety} c=${c} />
        </div>
        <${CardFacts} c=${c} />
      </div>
    </div>
    <footer class="wact">
      ${led
        ? html`<p class="w-led grow"><b>${t("d.leads", { name: c.holder_name })}</b> ${t("d.coming_ask")}</p>
          <${ActButton} cls="btn p xl" icon="check" busy=${action.busy === "coming"} disabled=${action.busy === "cannot"} onClick=${() => attend(true)}>${t("p.attendance.coming")}</${ActButton}>
          <${ActButton} cls="btn o xl" icon="x" busy=${action.busy === "cannot"} disabled=${action.busy === "coming"} onClick=${() => attend(false)}>${t("p.attendance.cannot")}</${ActButton}>`
        : mine ? html`<a class="btn p xl w-accept" href=${`/cases/${c.id}`}><${Icon} name="send" />${t("d.answer_now")}</a>
          <${ActButton} cls="btn o xl w-2nd" icon="vol" busy=${action.busy === "accept"} onClick=${hush}>${t("d.hush_mine")}</${ActButton}>`
        : html`${canAccept
            ? html`<${ActButton} cls="btn p xl w-accept" icon="check" kbd="A" busy=${action.busy === "accept"} disabled=${action.busy === "decline"} onClick=${accept}>${t("d.accept")}</${ActButton}>`
            : html`<p class="w-led grow">${t("d.may_not_accept")}</p>`}
          <button type="button" class="btn o xl w-2nd" disabled=${Boolean(action.busy)} onClick=${forward}><${Icon} name="swap" /><span>${t("d.forward")}</span> <kbd>C</kbd></button>
          <${ActButton} cls="btn o xl w-2nd" icon="x" kbd="T" busy=${action.busy === "decline"} disabled=${action.busy === "accept"} onClick=${refuse}>${t("d.decline")}</${ActButton}>`}
    </footer>
    ${(action.error && !action.error.is?.("taken")) || action.slow ? html`<div class="w-state"><${ActionState} action=${action} phone=${c.requester_phone ?? c.ward_phone ?? hotline()?.phone} /></div>` : null}
  </article>
  ${!led && callout && html`<div class="below">
    <section class="card"><h2 class="sec-h">${t("d.if_nobody")}</h2><${MiniLadder} callout=${callout} me=${me.id} /></section>
    ${!mine && html`<section class="card dsk"><h2 class="sec-h">${t("d.decline_card")}</h2><${DeclineReasons} small decline=${decline} busy=${Boolean(action.busy)} /></section>`}
  </div>`}`;
}

/**
 * A held case that rings again: why, what ends it, and what whoever hands it over wrote. Somebody else's silent case is taken by
 * accepting it.
 */
function WhyAgain({ c, callout, mine }) {
  if (!c.holder || !callout || !["silent", "overdue", "shift_end", "hand_over", "second_specialty", "forwarded", "assigned"].includes(callout.reason)) return null;
  if (callout.state === "accepted") return null; // a red team that rings on is called to its leader
  const { reason, note } = callout;
  const words = mine ? [t(`c.silent.${reason}.me`, { time: fmtWhen(c.held_since) }), t(`c.silent.stop.${reason}`)]
    : [t(["silent", "overdue"].includes(reason) ? `c.silent.${reason}` : `d.why.${reason}`, { name: c.holder_name, time: fmtWhen(c.held_since) }), ["silent", "overdue"].includes(reason) && t("d.why.take")];
  return html`<p class="note warn w-raised" role="note"><${Icon} name="bell" /><span><b>${words[0]}</b> ${words[1] || ""}
    ${note && html`<br />${t("d.note", { name: callout.note_by_name })} <b class="typed" lang="vi">${note}</b>`}</span></p>`;
}

/** Background, assessment, local means, diagnosis: each named when nobody has given it (hazard 16). */
function CardFacts({ c }) {
  const rows = [["background", c.background], ["assessment", c.assessment], ["recommendation", c.recommendation], ["diagnosis", [c.diagnosis?.code, c.diagnosis?.text].filter(Boolean).join(" ")]];
  const given = rows.filter(([, text]) => text);
  const missing = rows.filter(([, text]) => !text);
  if (!c.situation) missing.unshift(["situation"]);
  return html`<dl class="facts2">
    ${given.map(([key, text]) => html`<dt key=${key}>${t(`c.f.${key}`)}</dt><dd><${Clamp} text=${text} lines=${4} /></dd>`)}
    ${missing.length > 0 && html`<dt>${t("p.not_given_title")}</dt><dd class="missing">${missing.map(([key]) => t(`c.f.${key}`).toLowerCase()).join(", ")}</dd>`}
  </dl>`;
}
