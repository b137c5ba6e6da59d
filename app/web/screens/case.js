// One consultation, for both sides: the patient at the left, the discussion in the middle, the record at the right.
// Under 1000 px the three are tabs. What the reader may do is what the server says (`may`); nothing else is shown.
import "../parts/rings.js";
import { html, Icon, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../core/html.js";
import { useTick } from "../core/clock.js";
import { useDraft } from "../core/drafts.js";
import { fmtWhen, t } from "../core/i18n.js";
import { useModule } from "../core/lazy.js";
import { command, discard, resend, retryNow, useOutbox } from "../core/outbox.js";
import { AppBar, announce, DataAge, Failed, Loading, notify, openDialog } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { ackMessage, refresh, watch } from "../core/stream.js";
import { hotline } from "../core/telephones.js";
import { reading } from "../core/unread.js";
import { useWide } from "../core/wide.js";
import { ActButton, ActionState, errorText, may, useAction } from "../parts/action.js";
import { callDialog, DialogHead, path } from "../parts/dialogs.js";
import { Drill, DrillBand, marked } from "../parts/drill.js";
import { acceptedText, isQuiet, nameList, personText, ringing, roleText, specialtyName, toldText } from "../parts/facts.js";
import { Holder } from "../parts/holder.js";
import { Ladder } from "../parts/ladder.js";
import { Bubble, doneWords, SystemLine } from "../parts/message.js";
import { PatientLine } from "../parts/patient.js";
import { Rail, useShortcuts } from "../parts/rail.js";
import { corrects } from "../parts/rings.js";
import { Safety } from "../parts/safety.js";
import { SoundButton } from "../parts/sound.js";
import { Todo, unnamed } from "../parts/todo.js";
import { Urgency } from "../parts/urgency.js";
import { Warnings, Worse } from "../parts/warnings.js";
import { NewsTotal, Trend, Vitals } from "../parts/vitals.js";

/** The dialogs come after the first picture of the case; a tap before that waits for them. */
const casework = () => import("../parts/casework.js");
const opened = (module, name, c) => module.then((m) => m[name](c), () => notify(t("p.err.network"), "bad"));
const work = (name, c) => opened(casework(), name, c);
const care = (name, c) => opened(import("../parts/aftercare.js"), name, c);

const SHOWN = 200;
const SEEN_AFTER_MS = 1000;
const TABS = ["summary", "discussion", "record"];

export function Case({ id }) {
  const c = useStore((s) => s.consultations.get(id));
  const me = useStore((s) => s.me);
  const [error, setError] = useState(null);
  const [tab, setTab] = useState("discussion");
  const [paper, setPaper] = useState(false);
  const printed = useModule(paper && (() => import("./record.js")));
  useEffect(() => watch(id), [id]);
  useEffect(() => reading(id), [id]);
  const read = () => {
    setError(null);
    refresh(id).catch(setError);
  };
  useEffect(read, [id]);
  useEffect(() => { casework().catch(() => {}); }, []);
  const toRead = (eventId) => {
    setTab((c.messages ?? []).some((m) => m.event_id === eventId) || !c.conclusion ? "discussion" : "record");
    setTimeout(() => showReadBack(eventId), 50);
  };
  const asked = new URLSearchParams(location.search).get("read");
  const there = Boolean(asked && c?.view === "full" && (c.messages ?? []).length);
  useEffect(() => { if (there) toRead(asked); }, [there, asked]);

  if (!c) {
    return html`<${AppBar} back="/" title=${t("c.title")} /><main class="mid">${error ? html`<${Failed} error=${error} onRetry=${read} />` : html`<${Loading} />`}</main>`;
  }
  if (paper) return printed ? html`<${printed.Record} c=${c} close=${() => setPaper(false)} />` : html`<main class="mid"><${Loading} /></main>`;
  const mine = isAsking(c, me);
  if (c.view === "header") return html`<${HeaderOnly} c=${c} />`;
  return html`<div class=${`casev tab-${tab}`}>
    <${AppBar} back=${mine ? "/" : me.role === "coordinator" ? "/board" : "/desk"} title=${html`<span>${c.patient.label}</span> · ${personText(c)}`} sub=${`${c.number} · ${[c.hospital_name, c.ward_name].filter(Boolean).join(" · ")}`} mini
      actions=${html`${me.role === "specialist" && html`<${SoundButton} />`}<button type="button" class="ib" aria-label=${t("p.call")} onClick=${() => callDialog(c, mine)}><${Icon} name="phone" /></button>`} />
    ${c.ended && html`<p class="note warn strip" role="alert"><${Icon} name="lock" /><span>${t("c.ended")}</span></p>`}
    <${DrillBand} c=${c} />
    <${ToldNote} c=${c} />
    <${UnreadNote} c=${c} read=${toRead} />
    <${SilentNote} c=${c} me=${me} />
    ${may(c, "raise_urgency") && html`<${Worse} c=${c} cls="strip" raise=${() => work("urgencyDialog", c)} />`}
    <nav class="tabs-row" aria-label=${t("c.panes")}><div class="seg" role="tablist">
      ${TABS.map((x) => html`<button type="button" role="tab" key=${x} id=${`tab-${x}`} aria-selected=${tab === x ? "true" : "false"} aria-current=${tab === x ? "page" : undefined} aria-controls=${`pane-${x}`} onClick=${() => setTab(x)}>${t(`c.tab.${x}`)}</button>`)}
    </div></nav>
    <div class="case3">
      <${Rail} current="" />
      <${Summary} c=${c} />
      <${Discussion} key=${id} c=${c} me=${me} mine=${mine} shown=${tab === "discussion"} />
      <${RecordPane} key=${`r${id}`} c=${c} mine=${mine} print=${() => setPaper(true)} />
    </div>
  </div>`;
}

/** Whether the reader is of the side that asked: its ward holds the patient. */
export const isAsking = (c, me) => me.role === "requester" && (c.requester === me.id || c.hospital === me.hospital);

/** Scroll to the question that waits for an answer, and put the focus there. */
function showReadBack(eventId) {
  const form = document.querySelector(`[data-read="${CSS.escape(eventId)}"]`);
  form?.scrollIntoView({ block: "center" });
  form?.querySelector("button")?.focus({ preventScroll: true });
}

/** The ward is rung until advice is read back: what was said when, and one tap to answer (hazards 8 and 9). */
function UnreadNote({ c, read }) {
  const open = (c.unread ?? []).filter((x) => x.step >= 0);
  if (!open.length || ["cancelled", "closed"].includes(c.status)) return null;
  const [x] = open;
  const reach = t(`c.ur.step.${Math.min(x.step, 2)}`);
  if (!may(c, "read_back")) return html`<p class="note warn strip" role="status"><${Icon} name="bell" /><span>${t("c.ur.wait", { time: fmtWhen(x.opinion_at) })} ${reach}</span></p>`;
  return html`<div class="note bad strip unread-note" role="alert"><${Icon} name="bell" /><span class="grow"><b>${t(corrects(c, x.event_id) ? "c.ur.changed" : "c.ur.note", { time: fmtWhen(x.opinion_at) })}</b> ${reach}</span>
    <button type="button" class="btn p" onClick=${() => read(x.event_id)}><${Icon} name="check" />${t("c.ur.read")}</button></div>`;
}

/** Handled by telephone and entered afterwards: both times, who answered, and who has confirmed it. */
function ToldNote({ c }) {
  const told = c.telephone;
  if (!told) return null;
  const waits = isQuiet(c) ? t("told.waits", { names: nameList(ringing(c).map((o) => o.name)) }) : t("told.unconfirmed");
  return html`<p class="note info strip told-note"><${Icon} name="phone" /><span><b>${toldText(c)}.</b> ${t("told.answered", { name: told.answered_by_name, time: fmtWhen(told.answered_at) })} ${told.confirmed_at ? t("told.confirmed", { name: told.confirmed_by_name, time: fmtWhen(told.confirmed_at) }) : waits}</span></p>`;
}

/** Held, and yet it rings: why, who is rung beside the holder, and what ends it. */
function SilentNote({ c, me }) {
  const callout = (c.callouts ?? []).find((x) => x.state === "ringing" && ["silent", "overdue"].includes(x.reason));
  if (!callout || !c.holder) return null;
  const others = nameList(ringing(c).filter((o) => o.doctor !== c.holder).map((o) => o.name));
  const mine = c.holder === me.id;
  return html`<div class=${`note strip ${mine ? "bad" : "warn"}`} role=${mine ? "alert" : "status"}><${Icon} name="bell" /><span class="grow"><b>${t(`c.silent.${callout.reason}${mine ? ".me" : ""}`, { name: c.holder_name, time: fmtWhen(c.held_since) })}</b>
    ${others ? t("c.silent.also", { names: others }) : ""} ${mine ? t(`c.silent.stop.${callout.reason}`) : ""}</span></div>`;
}

function HeaderOnly({ c }) {
  return html`<${AppBar} back="/" title=${marked(c, c.number)} /><main class="mid stack"><${Drill} c=${c} /><${Urgency} level=${c.urgency} big /><b>${personText(c)}</b>
    <p class="sub">${[c.hospital_name, c.ward_name].filter(Boolean).join(" · ")}</p><${Holder} c=${c} /><p class="cap">${t("c.header_only")}</p></main>`;
}

// --- the patient ------------------------------------------------------------------------------------------------------

const TEXTS = ["situation", "background", "assessment", "recommendation"];
/** Vital signs have their own button here, and what was written is corrected with the rest; who the patient is stands here alone. */
const wanting = ({ key, done }) => key !== "vitals" && (!done || ["patient", "situation"].includes(key));

function Summary({ c }) {
  useTick(60000);
  const ringing = (c.callouts ?? []).filter((x) => x.state === "ringing" && x.reason !== "telephone");
  const led = c.urgency === "red" && c.holder;
  const missing = TEXTS.filter((k) => !c[k]);
  return html`<aside class="col sum" id="pane-summary" aria-labelledby="tab-summary">
    <div class="row wrap"><${Drill} c=${c} /><${Urgency} level=${c.urgency} /><span class="cap end num">${c.number}</span></div>
    <${PatientLine} c=${c} heading="h2" />
    <div class="blk2"><${Holder} c=${c} /></div>
    <${Warnings} c=${c} cls="note" />
    ${may(c, "update") && html`<details class="blk2" open=${unnamed(c)}><summary class="sec-h">${t("c.add")}</summary><${Todo} c=${c} may=${(right) => may(c, right)} only=${wanting} /></details>`}
    ${(ringing.length > 0 || led) && (ringing.length ? ringing : c.callouts.slice(-1)).map((x) => html`<details class="blk2" key=${x.id} open=${!c.holder || led}><summary class="sec-h">${t("c.ladder", { desk: x.desk_name })}</summary>${x.question && html`<p class="sub" lang="vi"><b>${x.question}</b></p>`}<${Ladder} c=${c} callout=${x} phone /></details>`)}
    <${Team} c=${c} />
    <section class="blk2"><${NewsTotal} vitals=${c.vitals} />
      <div class="gap"><${Vitals} vitals=${c.vitals} urgency=${c.urgency} columns=${3} small /></div>
      <${Trend} vitals=${c.vitals} />
      ${may(c, "record_vitals") && html`<button type="button" class="btn s o blk gap" onClick=${() => work("vitalsDialog", c)}><${Icon} name="plus" />${t("p.vitals_add")}</button>`}
    </section>
    <section class="blk2"><h3 class="sec-h">${t("p.safety.title")}</h3><${Safety} c=${c} list /></section>
    <dl class="dl blk2">
      ${TEXTS.filter((k) => c[k]).map((k) => html`<dt key=${k}>${t(`c.f.${k}`)}</dt><dd class="typed" lang="vi">${c[k]}</dd>`)}
      ${c.diagnosis && html`<dt>${t("c.f.diagnosis")}</dt><dd lang="vi">${[c.diagnosis.code, c.diagnosis.text].filter(Boolean).join(" · ")}</dd>`}
      ${missing.length > 0 && html`<dt>${t("p.not_given_title")}</dt><dd class="missing">${missing.map((k) => t(`c.f.${k}`).toLowerCase()).join(", ")}</dd>`}
    </dl>
    <section class="blk2"><h3 class="sec-h">${t("c.people")}</h3>
      ${c.ward_owner_name && c.ward_owner !== c.requester && html`<p class="sub">${t("c.owner_is", { name: c.ward_owner_name })}</p>`}<ul class="people">
      ${(c.participants ?? []).map((p) => html`<li key=${p.user + p.joined_at} class=${p.left_at ? "left" : ""}><b>${p.name}</b> <span class="sub">${[roleText(p.role), p.hospital_name].filter(Boolean).join(" · ")}</span>
        ${p.attendance && html` <span class=${`chip ${p.attendance === "coming" ? "ok" : ""}`}>${t(`p.attendance.${p.attendance}`)}</span>`}</li>`)}</ul></section>
    <div class="blk2 acts2">
      ${may(c, "update") && html`<button type="button" class="btn s o" onClick=${() => work("editDialog", c)}><${Icon} name="edit" />${t("p.edit")}</button>`}
      ${may(c, "raise_urgency") && c.urgency !== "red" && html`<button type="button" class="btn s red-o" onClick=${() => work("urgencyDialog", c)}><${Icon} name="siren" />${t("p.raise")}</button>`}
      ${may(c, "name_ward_owner") && html`<button type="button" class="btn s o" onClick=${async () => { const name = await care("wardOwnerDialog", c); if (name) notify(t("c.owner_done", { name }), "ok"); }}><${Icon} name="users" />${t("c.owner_give")}</button>`}
      ${may(c, "cancel") && html`<button type="button" class="btn s g" onClick=${() => work("cancelDialog", c)}>${t("p.cancel")}…</button>`}
    </div>
    <${DataAge} />
  </aside>`;
}

/** The red team after its leader accepted: who comes, and standing down by the leader. */
function Team({ c }) {
  const [run, action] = useAction();
  const me = useStore((s) => s.me.id);
  const rung = (c.callouts ?? []).flatMap((x) => x.offers).filter((o) => o.state === "made" && o.doctor !== c.holder);
  const unanswered = rung.filter((o) => !o.attendance);
  const mine = rung.find((o) => o.doctor === me && !o.attendance);
  const attend = (coming) => run({ path: path(c, "attendance"), body: { coming }, caseId: c.id, what: "attendance" });
  if (!(c.urgency === "red" && c.holder && rung.length)) return null;
  return html`<div class="stack-s blk2">
    ${mine && html`<p><b>${t("d.leads", { name: c.holder_name })}</b> ${t("d.coming_ask")}</p><div class="row">
      <${ActButton} cls="btn p s" icon="check" busy=${action.busy} onClick=${() => attend(true)}>${t("p.attendance.coming")}</${ActButton}>
      <${ActButton} cls="btn o s" icon="x" disabled=${Boolean(action.busy)} onClick=${() => attend(false)}>${t("p.attendance.cannot")}</${ActButton}></div>`}
    ${may(c, "stand_down") && unanswered.length > 0 && html`<${ActButton} cls="btn s o blk" icon="users" busy=${action.busy} onClick=${() => run({ path: path(c, "stand-down"), caseId: c.id, what: "stand-down" })}>${t("c.stand_down", { n: unanswered.length })}</${ActButton}>`}
    <${ActionState} action=${action} /></div>`;
}

// --- the discussion -----------------------------------------------------------------------------------------------------

const BLANK = { text: "", opinion: false, supersedes: null };

/**
 * Words that come into the field before those that stand there already. A correction is of one message alone: what stood
 * there steps aside, and comes back when it is sent or given up.
 */
function ahead(words, d) {
  if (!d.text.trim()) return { ...words, aside: words.aside ?? d.aside };
  if (!words.text.trim() || (d.supersedes && d.supersedes === words.supersedes)) return d;
  if (words.supersedes || d.supersedes) return { ...words, aside: d };
  return { ...words, text: `${words.text}\n${d.text}`, aside: d.aside };
}

function Discussion({ c, me, mine, shown }) {
  const [run, action] = useAction();
  const outbox = useOutbox(c.id);
  const wide = useWide(); // there the holder stands beside the discussion, and on a phone above it
  const draft = useDraft(`message:${c.id}`, BLANK, ahead);
  // The stream may be faster than the answer: what the server already shows is no longer queued.
  const arrived = (x) => (c.messages ?? []).some((m) => m.author === me.id && m.written_at && Date.parse(m.written_at) === Date.parse(x.body.written_at));
  const queued = outbox.filter((x) => x.what === "message" && !arrived(x));
  const accept = async () => {
    if (await run({ path: path(c, "acceptance"), caseId: c.id, what: "accept", expiresAfter: 30 })) notify(t("c.accepted"), "ok");
  };
  return html`<main class="disc" id="pane-discussion" aria-labelledby="tab-discussion">
    <header class="dh">${!wide && html`<${Holder} c=${c} />`}<h1 lang="vi">${c.question || html`<span class="missing">${t("d.no_question")}</span>`}</h1>
      <div class="row wrap dh-acts">${(wide || !mine) && html`<${Opened} c=${c} mine=${mine} />`}
        <span class="end row wrap">
        ${may(c, "accept") && !c.holder && html`<${ActButton} cls="btn s p" icon="check" busy=${action.busy} onClick=${accept}>${t(isQuiet(c) ? "told.confirm" : "d.accept")}</${ActButton}>`}
        <button type="button" class="btn s o dsk" onClick=${() => callDialog(c, mine)}><${Icon} name="phone" />${t("p.call")}</button>
        ${may(c, "record_call") && html`<button type="button" class="btn s o" onClick=${async () => { if (await care("callNoteDialog", c)) notify(t("c.call_saved"), "ok"); }}><${Icon} name="edit" />${t("c.call_note")}</button>`}
        ${may(c, "invite") && html`<button type="button" class="btn s o" onClick=${async () => { const name = await work("inviteDialog", c); if (name) notify(t("c.invited", { name }), "ok"); }}><${Icon} name="users" />${t("p.invite")}</button>`}
        ${may(c, "hand_over") && c.holder && html`<button type="button" class="btn s o" onClick=${async () => { const name = await work("handOverDialog", c); if (name) notify(t("c.handing", { name }), "ok"); }}><${Icon} name="swap" />${t("p.handover")}</button>`}
        ${may(c, "re_route", "ask_specialty", "jump") && html`<button type="button" class="ib" aria-label=${t("c.more")} onClick=${() => care("moreDialog", c)}><${Icon} name="dots" /></button>`}</span></div>
      <${OtherQuestions} c=${c} />
      <${ActionState} action=${action} phone=${hotline()?.phone} />
    </header>
    ${queued.length > 0 && html`<${QueueBar} n=${queued.length} />`}
    <${Log} c=${c} me=${me} mine=${mine} queued=${queued} draft=${draft} shown=${shown} />
    ${may(c, "post_message") && !c.ended ? html`<${Composer} c=${c} mine=${mine} draft=${draft} />` : html`<p class="cap comp-off">${t(c.ended ? "c.ended" : "c.no_writing")}</p>`}
  </main>`;
}

/** What other specialties are asked beside the case's own question. */
function OtherQuestions({ c }) {
  const list = useStore((s) => s.specialties);
  const asked = (c.callouts ?? []).filter((x) => x.question);
  if (!asked.length) return null;
  return html`<ul class="sub other-q">${asked.map((x) => html`<li key=${x.id}><b>${specialtyName(x.specialty, list)}:</b> <span lang="vi">${x.question}</span></li>`)}</ul>`;
}

/** Whom the other side consists of, and whether they have read: from facts, never guessed. */
function Opened({ c, mine }) {
  const other = (c.participants ?? []).filter((p) => !p.left_at && (mine ? p.user === c.holder : p.user === c.requester));
  if (!other.length) return null;
  return html`<span class="sub">${nameList(other.map((p) => p.name))}</span>`;
}

function QueueBar({ n }) {
  const state = useStore((s) => s.connection.state);
  if (state === "live") return null;
  return html`<div class="note warn q-bar" role="status"><${Icon} name="refresh" /><span class="grow"><b>${t(state === "offline" ? "c.offline" : "c.reconnecting")}</b> ${t("c.queued", { n })}</span>
    <button type="button" class="btn s o" onClick=${() => retryNow()}>${t("c.try_now")}</button></div>`;
}

/** Facts that belong into the discussion, worked out from what the case holds: [{at, icon, text, said?}]; `said` was typed by somebody. */
function factsOf(c) {
  const facts = [];
  for (const call of c.callouts ?? []) {
    if (call.note) facts.push({ at: call.opened_at, icon: "swap", text: t("c.fact.note", { name: call.note_by_name, time: fmtWhen(call.opened_at) }), said: call.note });
    for (const o of call.offers) {
      if (o.state === "accepted" && o.answered_at) facts.push({ at: o.answered_at, icon: "check", text: acceptedText(o, t(call.reason === "telephone" ? "c.fact.confirmed" : "c.fact.accepted", { name: o.doctor_name, time: fmtWhen(o.answered_at) })) });
      if (o.attendance === "coming") facts.push({ at: o.answered_at ?? o.made_at, icon: "users", text: t("c.fact.coming", { name: o.doctor_name }) });
    }
  }
  (c.vitals ?? []).forEach((v, i, all) => {
    if (Date.parse(v.recorded_at) - Date.parse(c.created_at) < 2000) return;
    const before = all[i - 1]?.news2?.total;
    const change = v.news2?.total != null ? ` · NEWS2 ${before != null ? `${before} → ` : ""}${v.news2.total}` : "";
    facts.push({ at: v.recorded_at, icon: "ecg", text: t("c.fact.vitals", { time: fmtWhen(v.taken_at) }) + change });
  });
  for (const p of c.participants ?? []) {
    if (p.role === "invited") facts.push({ at: p.joined_at, icon: "users", text: t("c.fact.joined", { name: p.name }) });
    if (p.left_at) facts.push({ at: p.left_at, icon: "user", text: t("c.fact.left", { name: p.name }) });
  }
  for (const k of c.conclusions ?? (c.conclusion ? [c.conclusion] : [])) facts.push({ at: k.at, icon: "file", text: t(k.supersedes ? "c.fact.reconcluded" : "c.fact.concluded", { name: k.by_name, time: fmtWhen(k.at) }) });
  for (const o of c.outcomes ?? []) facts.push({ at: o.reported_at, icon: "check", text: t("c.fact.outcome", { at: t(`p.at.${o.at}`), result: t(`p.result.${o.result}`), name: o.by_name }) });
  for (const k of c.calls ?? []) facts.push({ at: k.recorded_at, call: k });
  if (c.cancelled_at) facts.push({ at: c.cancelled_at, icon: "x", text: [t("p.h.cancelled"), c.cancel_reason].filter(Boolean).join(" · ") });
  return facts.filter((f) => f.at);
}

/** The server's order of messages, with each fact before the first message that came after it. */
function timeline(c, messages) {
  const facts = factsOf(c).sort((a, b) => (a.at < b.at ? -1 : 1));
  const rows = [];
  for (const m of messages) {
    while (facts.length && Date.parse(facts[0].at) <= Date.parse(m.at)) rows.push({ fact: facts.shift() });
    rows.push({ m });
  }
  return [...rows, ...facts.map((fact) => ({ fact }))];
}

function Log({ c, me, mine, queued, draft, shown }) {
  const [limit, setLimit] = useState(SHOWN);
  const messages = c.messages ?? [];
  const visible = messages.slice(-limit);
  const rows = useMemo(() => timeline(c, visible), [c, visible.length]);
  const box = useRef(null);
  const atEnd = useRef(true);
  const end = () => {
    const el = box.current;
    if (el) el.scrollTop = el.scrollHeight;
  };
  useLayoutEffect(() => {
    if (atEnd.current) end();
  }, [rows.length, queued.length, shown]);
  useSeen(c, messages, shown);
  useAnnounced(messages, me);
  return html`<div class="msgs" role="log" aria-live="off" aria-label=${t("c.tab.discussion")} tabindex="0" ref=${box}
      onScroll=${(e) => { const el = e.currentTarget; atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight < 60; }}>
    ${messages.length > limit && html`<button type="button" class="btn s o older" onClick=${() => setLimit(limit + SHOWN)}>${t("c.older")}</button>`}
    ${!rows.length && !queued.length && html`<p class="day">${t("c.no_messages")}</p>`}
    ${rows.map(({ m, fact }) => (m ? html`<${Message} key=${m.event_id} m=${m} c=${c} me=${me} mine=${mine} draft=${draft} />` : fact.call ? html`<${CallLine} key=${fact.call.id} c=${c} call=${fact.call} mine=${mine} />` : html`<${SystemLine} key=${fact.at + fact.text} icon=${fact.icon} said=${fact.said}>${fact.text}</${SystemLine}>`))}
    ${queued.map((x) => html`<${Unsent} key=${x.id} item=${x} draft=${draft} />`)}
  </div>`;
}

/** A conversation by telephone, as one side wrote it down; the other side confirms it. */
function CallLine({ c, call, mine }) {
  const [run, action] = useAction();
  const theirs = call.side !== (mine ? "asking" : "answering");
  const confirm = () => run({ path: path(c, `calls/${call.id}/confirmation`), body: {}, caseId: c.id, what: "call-confirm", expiresAfter: 600 });
  return html`<div class="day call-line"><${Icon} name="phone" /><span>${t("c.call_line", { time: fmtWhen(call.at), name: call.by_name })}${call.text ? html` <span lang="vi" class="call-text">${call.text}</span>` : ""}<br />
    ${call.confirmed_at ? t("c.call_confirmed", { name: call.confirmed_by_name, time: fmtWhen(call.confirmed_at) }) : t(theirs ? "c.call_ask" : "c.call_waits")}<${ActionState} action=${action} /></span>
    ${!call.confirmed_at && theirs && may(c, "confirm_call") && html`<${ActButton} cls="btn s p" icon="check" busy=${action.busy} onClick=${confirm}>${t("c.call_confirm")}</${ActButton}>`}</div>`;
}

const ASKING = ["requester", "colleague"];

/** How far the other side has received and seen my messages; that a colleague of mine has read them helps nobody there. */
function stateOf(m, c, mine) {
  const others = (c.participants ?? []).filter((p) => !p.left_at && p.role !== "former" && ASKING.includes(p.role) !== mine);
  if (others.some((p) => (p.seen_n ?? 0) >= m.n)) return "seen";
  return others.some((p) => (p.delivered_n ?? 0) >= m.n) ? "delivered" : "sent";
}

function Message({ m, c, me, mine, draft }) {
  const own = m.author === me.id;
  const replaced = m.superseded_by && c.messages.find((x) => x.event_id === m.superseded_by);
  const replaces = m.supersedes && c.messages.find((x) => x.event_id === m.supersedes);
  const readBacks = (c.read_backs ?? []).filter((r) => r.event_id === m.event_id);
  const asks = m.opinion && !replaced && may(c, "read_back") && !readBacks.some((r) => r.understood);
  const correct = () => draft[1]((d) => ahead({ text: m.text, opinion: m.opinion, supersedes: m.event_id }, d));
  return html`<${Bubble} m=${m} mine=${own} state=${stateOf(m, c, mine)} replaces=${replaces} replaced=${m.superseded_by ? replaced ?? { at: m.at, author_name: m.author_name } : null}
      cites=${m.opinion && m.vitals_id ? c.vitals?.find((v) => v.id === m.vitals_id) : null} readBacks=${readBacks}>
    ${m.opinion && !replaced && !mine && !readBacks.length && html`<p class="cap rb-wait"><${Icon} name="clock" />${t("c.rb.waiting")}</p>`}
    ${asks && html`<${ReadBack} c=${c} eventId=${m.event_id} corrects=${Boolean(m.supersedes)} />`}
    ${own && !replaced && may(c, "post_message") && html`<button type="button" class="m-act" onClick=${correct}>${t("c.correct")}</button>`}
  </${Bubble}>`;
}

/**
 * The requesting side says what it understood. After a correction it is also asked whether the earlier advice was already
 * carried out (hazard 9), before it can say «understood».
 */
function ReadBack({ c, eventId, corrects }) {
  const [run, action] = useAction();
  const [unclear, setUnclear] = useState(false);
  const [done, setDone] = useState(null);
  const [text, setText] = useState("");
  const send = (understood) => {
    const body = { event_id: eventId, understood, ...(text.trim() ? { text: text.trim() } : {}), ...(corrects && done !== null ? { done_already: done } : {}) };
    return run({ path: path(c, "read-back"), body, caseId: c.id, what: "read-back", expiresAfter: 600 });
  };
  return html`<div class="rb-ask" role="group" aria-label=${t("c.rb.title")} data-read=${eventId}>
    <p class="cap"><b>${t("c.rb.title")}</b></p>
    ${corrects && html`<div class="row wrap" role="radiogroup" aria-label=${t("c.rb.done_ask")}><span class="cap">${t("c.rb.done_ask")}</span>
      ${[true, false].map((v) => html`<button type="button" role="radio" key=${String(v)} class="btn s o" aria-checked=${done === v ? "true" : "false"} onClick=${() => setDone(v)}>${done === v && html`<${Icon} name="check" />`}${t(v ? "c.rb.done" : "c.rb.not_done")}</button>`)}</div>`}
    ${unclear && html`<input class="in" aria-label=${t("c.rb.what")} placeholder=${t("c.rb.what")} value=${text} onInput=${(e) => setText(e.target.value)} ref=${(el) => el && !el.dataset.f && ((el.dataset.f = "1"), el.focus())} />`}
    <div class="row wrap">
      ${!unclear && html`<${ActButton} cls="btn s p" icon="check" busy=${action.busy} disabled=${corrects && done === null} onClick=${() => send(true)}>${t("c.rb.yes")}</${ActButton}>`}
      ${!unclear && html`<button type="button" class="btn s o" onClick=${() => setUnclear(true)}>${t("c.rb.no")}</button>`}
      ${unclear && html`<${ActButton} cls="btn s p" icon="send" busy=${action.busy} disabled=${!text.trim() || (corrects && done === null)} onClick=${() => send(false)}>${t("c.rb.send")}</${ActButton}><button type="button" class="btn s g" onClick=${() => setUnclear(false)}>${t("p.back")}</button>`}
    </div><${ActionState} action=${action} /></div>`;
}

/** A message still on this device: waiting, on its way, or refused with the reason. */
function Unsent({ item, draft }) {
  const refused = item.state === "refused";
  const sending = item.state === "sending"; // what is on its way can neither be taken back nor changed
  const state = refused || item.stale ? "failed" : item.state === "sending" ? "sending" : "queued";
  const edit = () => {
    const [, set, { flush }] = draft;
    set((d) => ahead({ text: item.body.text, opinion: Boolean(item.body.opinion), supersedes: item.body.supersedes ?? null }, d));
    discard(item.id, flush());
  };
  return html`<${Bubble} m=${{ ...item.body, at: item.createdAt }} mine state=${state} problem=${refused ? errorText(item.error) : ""}>
    ${state === "failed" && !refused && item.tries > 0 && html`<p class="cap">${t("c.may_be_there")}</p>`}
    ${state === "failed" && !sending && html`<div class="row m-acts"><button type="button" class="btn s g" onClick=${() => discard(item.id)}>${t("c.delete")}</button>
      <button type="button" class="btn s o" onClick=${edit}>${t("c.edit")}</button>
      <button type="button" class="btn s p" onClick=${() => (refused ? resend(item.id) : retryNow(item.id))}><${Icon} name="refresh" />${t("c.again")}</button></div>`}
    ${item.stale && !refused && hotline() && html`<p class="cap"><a href=${`tel:${hotline().phone}`}><${Icon} name="phone" /> ${hotline().phone}</a></p>`}
  </${Bubble}>`;
}

/** Marks how far this reader has received and seen the discussion; seen needs a visible pane for one second. */
function useSeen(c, messages, shown) {
  const last = messages[messages.length - 1]?.n ?? 0;
  const live = useStore((s) => s.connection.state === "live");
  useEffect(() => {
    if (!last || !live) return undefined;
    ackMessage(c.id, last, "delivered");
    let timer = 0;
    const look = () => {
      clearTimeout(timer);
      const wide = matchMedia("(min-width:1000px)").matches;
      if (document.visibilityState === "visible" && (shown || wide)) timer = setTimeout(() => ackMessage(c.id, last, "seen"), SEEN_AFTER_MS);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [c.id, last, shown, live]);
}

/** New messages of others are read out once, politely. */
function useAnnounced(messages, me) {
  const known = useRef(messages.length);
  useEffect(() => {
    for (const m of messages.slice(known.current)) if (m.author !== me.id) announce(`${m.author_name}: ${m.text}`);
    known.current = messages.length;
  }, [messages.length]);
}

// What is written into the case stays Vietnamese, whatever the language of the screen: the other side reads it.
const QUICK = ["Cần thêm ECG", "Đồng ý xử trí", "Chuyển viện ngay"];

/** Writing: the patient stands above the field, and the draft belongs to this case alone (hazard 10). */
function Composer({ c, mine, draft: [draft, set, { drop }] }) {
  const opinions = may(c, "give_opinion");
  const corrected = draft.supersedes && c.messages.find((m) => m.event_id === draft.supersedes);
  const field = useRef(null);
  useEffect(() => {
    if (draft.supersedes) field.current?.focus();
  }, [draft.supersedes]);
  const send = (e) => {
    e?.preventDefault();
    const text = draft.text.trim();
    if (!text) return;
    const body = { text, ...(draft.opinion && opinions ? { opinion: true } : {}), ...(draft.supersedes ? { supersedes: draft.supersedes } : {}) };
    const { kept } = command({ path: path(c, "messages"), body, caseId: c.id, optimistic: true, what: "message" });
    drop(kept, draft.aside).catch(() => {});
  };
  const key = (e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && !e.isComposing && send(e);
  return html`<form class="composer" onSubmit=${send}>
    <div class="cp-top row wrap"><span class="cp-who"><b>${c.patient.label}</b> · ${personText(c)} · <span class="num">${c.number}</span></span>
      ${opinions && html`<button type="button" class=${`btn s ${draft.opinion ? "p" : "g"} end`} aria-pressed=${draft.opinion ? "true" : "false"} onClick=${() => set((d) => ({ ...d, opinion: !d.opinion }))}><${Icon} name="pin" />${t("c.as_opinion")}</button>`}</div>
    ${corrected && html`<p class="note info cp-corr"><${Icon} name="edit" /><span class="grow">${t("c.correcting", { time: fmtWhen(corrected.at) })} <s lang="vi">${corrected.text}</s></span><button type="button" class="btn s g" onClick=${() => set((d) => d.aside ?? BLANK)}>${t("c.correct_stop")}</button></p>`}
    ${opinions && !draft.text && !corrected && html`<div class="qr" aria-label=${t("c.quick")}>${QUICK.map((text) => html`<button type="button" key=${text} lang="vi" class="btn s o" onClick=${() => { set((d) => ({ ...d, text })); field.current?.focus(); }}>${text}</button>`)}</div>`}
    <div class="comp"><textarea ref=${field} class="in" rows="1" aria-label=${t(draft.opinion ? "p.opinion" : "c.message")} placeholder=${t("c.write_to", { name: mine ? c.holder_name ?? t("c.desk_side") : c.requester_name })} value=${draft.text}
        onInput=${(e) => { set((d) => ({ ...d, text: e.target.value })); grow(e.target); }} onKeyDown=${key}></textarea>
      <button class="btn p comp-send" aria-label=${t("c.send")} disabled=${!draft.text.trim()}><${Icon} name="send" /></button></div>
  </form>`;
}

function grow(el) {
  el.style.height = "auto";
  el.style.height = `${Math.min(el.scrollHeight + 3, 180)}px`;
}

// --- the record -------------------------------------------------------------------------------------------------------

/** The decision as it is stored (Vietnamese, a line of the form) and the key of the words on its button. */
const DECISIONS = [["Điều trị tại chỗ", "c.decide.here"], ["Chuyển viện ngay", "c.decide.transfer"], ["Chuyển viện sau xử trí", "c.decide.after"], ["Cần thêm dữ kiện", "c.decide.more"]];
const EMPTY = { summary: "", conclusion: "", plan: "", decision: "" };

function RecordPane({ c, mine, print }) {
  const [again, setAgain] = useState(false);
  const writes = may(c, "conclude") && (!c.conclusion || again);
  return html`<section class="rec col" id="pane-record" aria-labelledby="tab-record">
    ${writes ? html`<${ConclusionForm} c=${c} print=${print} done=${() => setAgain(false)} back=${c.conclusion ? () => setAgain(false) : null} />`
      : html`<div class="body stack"><div class="row"><h2 class="h3">${t("c.record")}</h2><span class="end"></span>
          <button type="button" class="btn s o" onClick=${print}><${Icon} name="print" />${t("c.record_open")}</button></div>
        ${c.conclusion ? html`<${ConclusionView} c=${c} mine=${mine} />` : html`<p class="sub">${t("c.no_conclusion")}</p>`}
        ${c.conclusion && may(c, "conclude") && html`<button type="button" class="btn s o blk" onClick=${() => setAgain(true)}><${Icon} name="edit" />${t("c.reconclude")}</button>`}
        ${c.conclusion && html`<${Outcomes} c=${c} />`}
        <p class="note"><${Icon} name="info" /><span>${t("c.advice")}</span></p></div>`}
  </section>`;
}

function ConclusionView({ c, mine }) {
  const k = c.conclusion;
  const earlier = (c.conclusions ?? []).filter((x) => x.event_id !== k.event_id);
  const readBacks = (c.read_backs ?? []).filter((r) => r.event_id === k.event_id);
  return html`<article class="concl stack">
    <${PatientLine} c=${c} /><${Safety} c=${c} />
    <${ConclusionText} k=${k} />
    ${readBacks.map((r) => html`<p key=${r.at} class=${`rb ${r.understood ? "ok" : "no"}`}><${Icon} name=${r.understood ? "check" : "help"} /><span><b>${t(r.understood ? "p.rb.understood" : "p.rb.unclear", { name: r.by_name })}</b> ${fmtWhen(r.at)}${doneWords(r)}${r.text ? html`<br />${r.text}` : ""}</span></p>`)}
    ${may(c, "read_back") && !readBacks.some((r) => r.understood) && html`<${ReadBack} c=${c} eventId=${k.event_id} corrects=${Boolean(k.supersedes)} />`}
    ${!mine && !readBacks.length && html`<p class="cap rb-wait"><${Icon} name="clock" />${t("c.rb.waiting")}</p>`}
    ${earlier.map((x) => html`<details key=${x.event_id} class="old-concl"><summary>${t("c.earlier", { time: fmtWhen(x.at) })}</summary><s><${ConclusionText} k=${x} /></s></details>`)}
  </article>`;
}

function ConclusionText({ k }) {
  return html`<div class="stack-s">
    ${k.decision && html`<p class="decision"><${Icon} name="amb" /><b lang="vi">${k.decision}</b></p>`}
    ${["summary", "conclusion", "plan"].map((f) => k[f] && html`<div key=${f}><h3 class="sec-h">${t(`c.k.${f}`)}</h3><p class="typed" lang="vi">${k[f]}</p></div>`)}
    <p class="cap">${t("c.concluded_by", { name: k.by_name, time: fmtWhen(k.at) })}</p></div>`;
}

function Outcomes({ c }) {
  return html`<section class="blk2 stack-s"><h3 class="sec-h">${t("c.outcomes")}</h3>
    ${(c.outcomes ?? []).map((o) => html`<p key=${o.at} class="sub"><b>${t(`p.at.${o.at}`)}: ${t(`p.result.${o.result}`)}</b> · ${o.by_name} ${fmtWhen(o.reported_at)}${o.text ? html`<br /><span lang="vi">${o.text}</span>` : ""}</p>`)}
    ${c.outcome_due_at && c.status === "concluded" && html`<p class="sub">${t("p.h.outcome_due", { time: fmtWhen(c.outcome_due_at) })}</p>`}
    ${may(c, "report_outcome") && c.status === "concluded" && html`<button type="button" class="btn p blk" onClick=${() => work("outcomeDialog", c)}><${Icon} name="plus" />${t("p.outcome")}</button>`}</section>`;
}

function ConclusionForm({ c, print, done, back }) {
  const [form, set, { savedAt, drop }] = useDraft(`conclusion:${c.id}`, c.conclusion ? { ...EMPTY, ...pick(c.conclusion) } : EMPTY);
  const put = (k) => (e) => set((f) => ({ ...f, [k]: e.target.value }));
  const opinions = (c.messages ?? []).filter((m) => m.opinion && !m.superseded_by);
  const insert = () => opinions.length && set((f) => ({ ...f, plan: [f.plan.trim(), ...opinions.map((m) => m.text).filter((x) => !f.plan.includes(x))].filter(Boolean).join("\n") }));
  const missing = ["summary", "conclusion", "plan"].filter((k) => !form[k].trim());
  const confirm = async () => {
    const ok = await openDialog((close) => html`<${DialogHead} title=${t("c.confirm")} close=${close} /><${Confirm} c=${c} form=${form} missing=${missing} close=${close} />`, { label: t("c.confirm") });
    if (!ok) return;
    drop();
    done();
    notify(t("c.concluded_done"), "ok");
  };
  useShortcuts({ KeyG: insert });
  const key = (e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && !e.isComposing && (e.preventDefault(), confirm());
  const area = (k, rows) => html`<div key=${k}><label for=${`k-${k}`}>${t(`c.k.${k}`)}</label><textarea id=${`k-${k}`} class="in" rows=${rows} value=${form[k]} onInput=${put(k)} onKeyDown=${key}></textarea></div>`;
  return html`<div class="body stack"><div class="row"><h2 class="h3">${t("c.record")}</h2><span class="chip end">${t("c.draft")}${savedAt ? ` · ${fmtWhen(savedAt)}` : ""}</span><button type="button" class="ib" aria-label=${t("c.record_open")} onClick=${print}><${Icon} name="print" /></button></div>
      <${PatientLine} c=${c} where=${false} /><${Safety} c=${c} />
      <div><span class="lbl" id="ldec">${t("c.k.decision")}</span><div class="pick" role="radiogroup" aria-labelledby="ldec">
        ${DECISIONS.map(([stored, k]) => html`<button type="button" role="radio" key=${k} aria-checked=${form.decision === stored ? "true" : "false"} onClick=${() => set((f) => ({ ...f, decision: f.decision === stored ? "" : stored }))}>${form.decision === stored && html`<${Icon} name="check" />`}${t(k)}</button>`)}</div></div>
      ${area("summary", 4)}${area("conclusion", 3)}${area("plan", 4)}
      ${opinions.length > 0 && html`<button type="button" class="btn s o blk" onClick=${insert}><${Icon} name="plus" />${t("c.insert")} <kbd>G</kbd></button>`}
      <p class="note"><${Icon} name="info" /><span>${t("c.advice")}</span></p></div>
    <footer class="ft stack-s"><button type="button" class="btn p blk" onClick=${confirm}><${Icon} name="edit" />${t("c.conclude")} <kbd>Ctrl ↵</kbd></button>
      ${back && html`<button type="button" class="btn g blk" onClick=${back}>${t("p.back")}</button>`}
      ${missing.length > 0 && html`<p class="cap ctr-t">${t("c.missing", { list: missing.map((k) => t(`c.k.${k}`).toLowerCase()).join(", ") })}</p>`}</footer>`;
}

const pick = ({ summary, conclusion, plan, decision }) => ({ summary: summary ?? "", conclusion: conclusion ?? "", plan: plan ?? "", decision: decision ?? "" });

/** Before concluding: the patient by label, age, sex and number, the safety facts, and the text as it will stand. */
function Confirm({ c, form, missing, close }) {
  const [run, action] = useAction();
  const [same, setSame] = useState(false);
  const send = async () => {
    const body = { summary: form.summary.trim(), conclusion: form.conclusion.trim(), plan: form.plan.trim(), ...(form.decision ? { decision: form.decision } : {}) };
    if (await run({ path: path(c, "conclusion"), body, caseId: c.id, what: "conclude", expiresAfter: 120 })) close(true);
  };
  return html`<div class="stack confirm">
    <div class="confirm-who"><p class="cap">${t("c.confirm_who")}</p><p class="confirm-name"><b>${c.patient.label}</b> · ${personText(c)}</p><p class="num"><b>${c.number}</b> · ${[c.hospital_name, c.ward_name].filter(Boolean).join(" · ")}</p></div>
    <${Safety} c=${c} list />
    ${missing.length > 0 && html`<p class="note bad" role="alert"><${Icon} name="warn" /><span>${t("c.missing", { list: missing.map((k) => t(`c.k.${k}`).toLowerCase()).join(", ") })}</span></p>`}
    <${ConclusionText} k=${{ ...form, by_name: "", at: null }} />
    <label class="row same"><input type="checkbox" class="cb" checked=${same} onChange=${(e) => setSame(e.target.checked)} /><span>${t("c.confirm_same")}</span></label>
    <${ActionState} action=${action} phone=${c.requester_phone ?? hotline()?.phone} />
    <${ActButton} cls="btn p xl blk" icon="check" busy=${action.busy} disabled=${!same || missing.length > 0} onClick=${send}>${t("c.conclude_do")}</${ActButton}>
    <button type="button" class="btn g blk" onClick=${() => close()}>${t("p.back")}</button></div>`;
}
