// The coordinator's board: every open case of the hospital by urgency, then time left; who is on call; where the rota has gaps.
// Rows are headers only. Opening a case is an audited read.
import "../parts/rings.js";
import { html, Icon, useEffect, useMemo, useRef, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow, useTick } from "../core/clock.js";
import { fmtDate, fmtTime, fmtWhen, lang, t, vietnam } from "../core/i18n.js";
import { navigate } from "../core/router.js";
import { AppBar, DataAge, Loading, notify, openDialog } from "../core/shell.js";
import { getState, putOnCall, specialtyName, useStore } from "../core/store.js";
import { onEvent } from "../core/stream.js";
import { tel, useTelephones } from "../core/telephones.js";
import { ActButton, ActionState, useAction } from "../parts/action.js";
import { clockText, secondsTo, spanText } from "../parts/countdown.js";
import { assignDialog, DialogHead, path } from "../parts/dialogs.js";
import { Disputed } from "../parts/disputed.js";
import { Drill, drillCls, marked } from "../parts/drill.js";
import { byUrgencyThenDue, isQuiet, nameList, personText, roleText, toldText } from "../parts/facts.js";
import { DoctorPicker } from "../parts/picker.js";
import { shortcutsDialog, useShortcuts } from "../parts/rail.js";
import { actedOn, openAlarms, openOffers } from "../parts/rings.js";
import { SoundButton, SoundNotice } from "../parts/sound.js";
import { Urgency } from "../parts/urgency.js";

const OPEN = ["ringing", "active"];
const DAY_MS = 86400e3;
const AHEAD_DAYS = 14;

const specialty = (code) => specialtyName(code, lang());
const problem = (h) => [h.diagnosis_code, specialty(h.specialty)].filter(Boolean).join(" · ");

export function Board() {
  const me = useStore((s) => s.me);
  const boards = useStore((s) => s.boards);
  useStore((s) => ({ alarms: s.alarms, offers: s.offers, headers: s.headers, consultations: s.consultations })); // what alarmsOf reads
  const [view, setView] = useState("open");
  const [filter, setFilter] = useState({ specialty: "", hospital: "" });
  useTick();
  useEffect(() => onEvent(rereadDesk), []);

  const rows = useMemo(() => [...new Map([...boards.values()].flatMap((b) => [...b.consultations.values()]).map((h) => [h.consultation_id ?? h.id, h])).values()], [boards]);
  const open = rows.filter((h) => OPEN.includes(h.status));
  const concluded = rows.filter((h) => h.status === "concluded" && h.outcome_due_at);
  const known = boards.size > 0; // before the board has been read, nobody knows that there is nothing
  const lists = { open, free: open.filter((h) => !h.holder), outcome: concluded };
  const shown = lists[view].filter((h) => (!filter.specialty || h.specialty === filter.specialty) && (!filter.hospital || h.hospital === filter.hospital)).sort(byUrgencyThenDue);
  const alarms = alarmsOf(getState());
  const late = open.filter(isLate).length;
  useShortcuts({ KeyX: () => alarms[0] && takeDialog(alarms[0]), Help: shortcutsDialog });

  return html`<div class="board">
    <${AppBar} title=${t("nav.board")} sub=${me.hospital_name} mini actions=${html`${known && html`<span class="row dsk b-counts">
        <span class="chip bad"><${Icon} name="warn" />${t("b.late", { n: late })}</span>
        <span class="chip warn"><${Icon} name="bell" />${t("b.ringing", { n: open.filter((h) => h.status === "ringing" && !h.holder && !isQuiet(h)).length })}</span>
        <span class="chip ok"><${Icon} name="user" />${t("b.held", { n: open.filter((h) => h.holder).length })}</span>
        <b class="num b-clock">${fmtTime(serverNow(), { seconds: true })}</b></span>`}<${SoundButton} />`} />
    ${alarms.length > 0 && html`<${AlarmBar} alarm=${alarms[0]} more=${alarms.length - 1} />`}
    <div class="bd">
      <main class="bl">
        ${alarms.length > 0 && html`<${SoundNotice} />`}
        <div class="filters">
          <div class="seg" role="group" aria-label=${t("b.filter")}>${["open", "free", "outcome"].map((x) => html`<button type="button" key=${x} aria-current=${view === x ? "true" : undefined} onClick=${() => setView(x)}>${t(`b.view.${x}`)} <span class="num">${known ? lists[x].length : ""}</span></button>`)}</div>
          <${Choose} label=${t("b.specialty")} value=${filter.specialty} set=${(v) => setFilter({ ...filter, specialty: v })} options=${unique(lists[view], "specialty").map((code) => [code, specialty(code)])} />
          <${Choose} label=${t("b.hospital")} value=${filter.hospital} set=${(v) => setFilter({ ...filter, hospital: v })} options=${unique(lists[view], "hospital").map((id) => [id, lists[view].find((h) => h.hospital === id).hospital_name])} />
          <span class="cap end dsk">${t("b.sorted")}</span>
        </div>
        <${DataAge} />
        <${Disputed} />
        <${ToConfirm} />
        <${Cases} rows=${shown} view=${view} known=${known} />
      </main>
      <${Desks} boards=${boards} />
    </div>
  </div>`;
}

const unique = (rows, key) => [...new Set(rows.map((h) => h[key]).filter(Boolean))].sort();
const isLate = (h) => !isQuiet(h) && (OPEN.includes(h.status) && !h.answered_at && secondsTo(h.answer_due_at) < 0) || (h.exhausted && !h.holder);

function Choose({ label, value, set, options }) {
  return html`<select class="in b-sel" aria-label=${label} value=${value} onChange=${(e) => set(e.target.value)}><option value="">${label}</option>${options.map(([v, words]) => html`<option key=${v} value=${v}>${words}</option>`)}</select>`;
}

// --- the alarm ------------------------------------------------------------------------------------------------------------

/** Everything that rings this coordinator: ends of ladders, and offers given to the coordinator as a step. */
function alarmsOf(state) {
  const offers = openOffers(state).filter(({ offer }) => !offer.quiet);
  const all = openAlarms(state).map((a) => ({ ...a, offer: offers.find(({ offer }) => offer.consultation_id === a.consultation_id)?.offer ?? null }));
  for (const { offer, c } of offers) {
    if (all.some((a) => a.consultation_id === offer.consultation_id)) continue;
    const board = [...state.boards.values()].map((b) => b.consultations.get(offer.consultation_id)).find(Boolean);
    all.push({ consultation_id: offer.consultation_id, number: c.number, offer, header: board ?? state.headers.get(offer.consultation_id) ?? { ...c, ...c.patient } });
  }
  // Cases that nobody holds come first.
  return all.sort((a, b) => (a.header && b.header ? Boolean(a.header.drill) - Boolean(b.header.drill) || Boolean(a.header.holder) - Boolean(b.header.holder) || byUrgencyThenDue(a.header, b.header) : 0));
}

function AlarmBar({ alarm, more }) {
  const h = alarm.header;
  const overdue = h?.answer_due_at ? -secondsTo(h.answer_due_at) : 0;
  const phone = useHospitalPhone(h);
  const round = Math.max(alarm.round ?? 0, h?.round ?? 0);
  return html`<section class=${`alarm${drillCls(h)}`} role="alert" aria-label=${t("b.alarm")}><${Icon} name="siren" />
    <div class="grow"><b class="alarm-t">${h ? marked(h, t(h.holder ? "b.unanswered_held" : "b.unanswered", { what: `${specialty(h.specialty)}, ${personText(h)}`, where: h.hospital_name ?? "" })) : t("b.unanswered_no", { number: alarm.number ?? "" })}</b>
      <div aria-live="off">${[h?.holder && t("b.held_by", { name: h.holder_name }), !h?.holder && h?.steps_total > 1 && t("b.all_steps", { n: h.steps_total - 1 }), t("b.ringing_you", { n: round + 1 }), overdue > 0 && !h?.answered_at && t("b.overdue_by", { time: clockText(overdue) }), more > 0 && t("b.more", { n: more })].filter(Boolean).join(" ")}</div></div>
    <button type="button" class="btn" onClick=${() => takeDialog(alarm)}><${Icon} name="check" />${t("b.take")} <kbd>X</kbd></button>
    ${phone && html`<a class="btn gh" href=${tel(phone)}><${Icon} name="phone" />${t("b.call_hospital")}</a>`}
  </section>`;
}

function useHospitalPhone(h) {
  const mine = (useTelephones()?.items ?? []).filter((x) => x.hospital === h?.hospital && x.phone);
  return (mine.find((x) => x.kind === "ward" && x.name === h?.ward_name) ?? mine.find((x) => x.kind === "hospital") ?? mine[0])?.phone ?? null;
}

/** "Nhận xử lý": accept it oneself where the specialty allows, or assign a doctor. It rings on until somebody holds the case. */
function takeDialog(alarm) {
  const h = { id: alarm.consultation_id, ...alarm.header };
  return openDialog((close) => html`<${DialogHead} title=${t("b.take")} close=${close} /><${Take} alarm=${alarm} h=${h} close=${close} />`, { label: t("b.take") });
}

function Take({ alarm, h, close }) {
  const [run, action] = useAction();
  const phone = useHospitalPhone(h);
  const accept = async () => {
    if (!(await run({ path: path(h, "acceptance"), caseId: h.id, what: "accept", expiresAfter: 30 }))) return;
    close(true);
    navigate(`/cases/${h.id}`);
  };
  // Somebody holds the case and the extra doctor is no longer needed: said in the record, with the name of who decided.
  const leave = async () => {
    if (await run({ path: path(h, "refusal"), body: { reason: "other", text: `Đã có ${h.holder_name} giữ ca` }, caseId: h.id, what: "decline" })) close(true);
  };
  const assign = async ({ user_id, name }) => {
    if (!(await run({ path: path(h, "assignment"), body: { user_id }, caseId: h.id, what: "assign" }))) return;
    actedOn(h.id, alarm.round ?? h.round ?? 0);
    notify(t("b.assigned", { name }), "ok");
    close(true);
  };
  return html`<div class="stack"><p class="row wrap"><${Drill} c=${h} /><${Urgency} level=${h.urgency ?? "red"} /> <b>${personText(h)}</b> <span class="cap">${[h.number, h.hospital_name, h.ward_name].filter(Boolean).join(" · ")}</span></p>
    <p class="row wrap"><a class="btn s o" href=${`/cases/${h.id}`} onClick=${() => close()}><${Icon} name="eye" />${t("b.open_case")}</a>
      ${phone && html`<a class="btn s o" href=${tel(phone)}><${Icon} name="phone" />${t("b.call_hospital")} ${phone}</a>`}</p>
    ${h.holder && alarm.offer && html`<p class="note info"><${Icon} name="user" /><span class="grow">${t("b.held_by", { name: h.holder_name })}</span><${ActButton} cls="btn s o" busy=${action.busy === "decline"} onClick=${leave}>${t("b.leave")}</${ActButton}></p>`}
    ${alarm.offer?.may_accept && html`<${ActButton} cls="btn p blk" icon="check" busy=${action.busy === "accept"} onClick=${accept}>${t("b.accept_myself")}</${ActButton}>`}
    <p class="cap">${t("p.assign_hint")}</p><${ActionState} action=${action} phone=${phone} />
    <${DoctorPicker} desk=${h.desk} deskName=${h.desk_name} specialty=${h.specialty} onPick=${assign} busy=${Boolean(action.busy)} /></div>`;
}

/** Calls that nobody has confirmed, and that this coordinator is asked about: no sound, and the alarm's place stays free. */
function ToConfirm() {
  const offers = useStore((s) => s.offers);
  const mine = openOffers({ ...getState(), offers }).filter(({ offer }) => offer.quiet);
  if (!mine.length) return null;
  return html`<section class="note info stack-s to-confirm" aria-label=${t("b.quiet")}><p><${Icon} name="phone" /> ${t("b.quiet_ask", { n: mine.length })}</p>
    <ul class="stack-s">${mine.map(({ offer, c }) => html`<li key=${offer.offer_id} class="row wrap"><${Drill} c=${c} /><b class="nowrap">${c.number}</b><span class="grow">${[c.hospital_name, toldText(c), c.telephone?.answered_by_name && t("told.answered", { name: c.telephone.answered_by_name, time: fmtWhen(c.telephone.answered_at) })].filter(Boolean).join(" · ")}</span>
      <button type="button" class="btn s o" onClick=${async () => { const name = await assignDialog({ ...c, desk: offer.desk, desk_name: offer.desk_name }); if (name) notify(t("b.assigned", { name }), "ok"); }}>${t("b.assign")}</button></li>`)}</ul></section>`;
}

// --- the table ------------------------------------------------------------------------------------------------------------

/** Rows do not move while a pointer or the focus is inside: a chip says that there is something new and applies it. */
function useHeldOrder(rows) {
  const [held, setHeld] = useState(false);
  const order = useRef([]);
  const ids = rows.map(idOf);
  if (!held) order.current = ids;
  const kept = order.current.filter((id) => ids.includes(id));
  const waiting = held ? ids.filter((id) => !kept.includes(id)).length : 0;
  const moved = held && (waiting > 0 || kept.join() !== ids.join());
  const byId = new Map(rows.map((h) => [idOf(h), h]));
  return { rows: kept.map((id) => byId.get(id)), moved, waiting, hold: setHeld, apply: () => { order.current = ids; } };
}

const idOf = (h) => h.consultation_id ?? h.id;

/** @param known  whether the board has been read: before that nobody knows that it is empty */
function Cases({ rows, view, known }) {
  const held = useHeldOrder(rows);
  const [, redraw] = useState(0);
  const box = useRef(null);
  const release = () => setTimeout(() => {
    if (box.current && !box.current.contains(document.activeElement) && !box.current.matches(":hover")) held.hold(false);
  }, 0);
  const list = held.rows;
  return html`<div ref=${box} class="cases-box" onPointerEnter=${(e) => e.pointerType === "mouse" && held.hold(true)} onPointerLeave=${release} onFocusIn=${() => held.hold(true)} onFocusOut=${release}>
    ${held.moved && html`<button type="button" class="chip info upd" onClick=${() => { held.apply(); redraw((n) => n + 1); }}><${Icon} name="refresh" />${held.waiting ? t("b.update_n", { n: held.waiting }) : t("b.update")}</button>`}
    ${!list.length && (known ? html`<p class="card sub">${t(`b.none.${view}`)}</p>` : html`<${Loading} />`)}
    ${list.length > 0 && html`<table class="cases dsk-t"><caption class="vh">${t(`b.view.${view}`)}</caption><thead><tr>${["level", "case", "left", "who"].map((k) => html`<th scope="col" key=${k}>${t(`b.col.${k}`)}</th>`)}<th scope="col"><span class="vh">${t("b.col.act")}</span></th></tr></thead>
      <tbody>${list.map((h) => html`<${Row} key=${idOf(h)} h=${h} />`)}</tbody></table>
      <ul class="cards">${list.map((h) => html`<${Card} key=${idOf(h)} h=${h} />`)}</ul>`}
  </div>`;
}

/** Time left to the answer: {text, note, part} of a row. */
function leftOf(h) {
  if (h.status === "concluded") return { text: h.outcome_due_at ? fmtWhen(h.outcome_due_at) : "—", note: t("b.outcome_due") };
  if (isQuiet(h)) return { text: "—", note: toldText(h) };
  if (h.telephone && h.answered_at < h.created_at) return { text: "—", note: toldText(h) };
  if (h.answered_at) return { text: "—", note: t("b.answered_in", { time: spanText((Date.parse(h.answered_at) - Date.parse(h.created_at)) / 1000) }) };
  if (!h.answer_due_at) return { text: "—", note: "" };
  const left = secondsTo(h.answer_due_at);
  const total = (Date.parse(h.answer_due_at) - Date.parse(h.created_at)) / 1000 || 1;
  return { text: clockText(left), note: left < 0 ? t("b.overdue") : t("b.due_at", { time: fmtWhen(h.answer_due_at) }), part: Math.min(1, 1 - left / total) };
}

/** Who has it, or who is being rung and what comes next: {kind, icon, who, note}. */
function whoOf(h) {
  if (h.holder) return { kind: "ok", icon: "user", who: h.holder_name, note: t("b.since", { time: fmtWhen(h.held_since) }) };
  const rung = h.ringing ?? [];
  const step = h.steps_total ? t("b.step", { a: (h.step ?? 0) + 1, b: h.steps_total }) : "";
  if (h.exhausted) return { kind: "bad", icon: "bell", who: t("b.ringing_coordinator"), note: [step, t("b.round", { n: (h.round ?? 0) + 1 })].filter(Boolean).join(" · ") };
  if (isQuiet(h)) return { kind: "", icon: "clock", who: nameList(rung.map((r) => r.doctor_name)), note: t("b.quiet") };
  const seen = rung.find((r) => r.seen_at);
  const delivered = rung.find((r) => r.delivered_at);
  const fact = seen ? t("p.seen", { time: fmtWhen(seen.seen_at) }) : delivered ? t("p.delivered", { time: fmtWhen(delivered.delivered_at) }) : rung.some((r) => r.undelivered) ? t("p.undelivered") : t("p.delivering");
  const left = secondsTo(h.next_due_at);
  const next = left == null ? "" : left < 0 ? t("p.checking") : t("b.next", { time: clockText(left) });
  return { kind: "warn", icon: "bell", who: rung.length ? nameList(rung.map((r) => r.doctor_name)) : t("p.h.finding"), note: [fact, next].filter(Boolean).join(" · ") };
}

function Act({ h }) {
  if (!OPEN.includes(h.status)) return null;
  const alarm = h.exhausted && !h.holder;
  const assign = async () => {
    if (alarm) return takeDialog(alarmsOf(getState()).find((a) => a.consultation_id === idOf(h)) ?? { consultation_id: idOf(h), header: h, round: h.round });
    const name = await assignDialog({ ...h, id: idOf(h) });
    if (name) notify(t("b.assigned", { name }), "ok");
    return undefined;
  };
  const more = () => import("../parts/aftercare.js").then((m) => m.moreDialog({ ...h, id: idOf(h), view: null }), () => notify(t("p.err.network"), "bad"));
  return html`<span class="row b-acts"><button type="button" class=${`btn s ${alarm ? "p" : "o"}`} onClick=${assign}>${t(alarm ? "b.take" : h.holder ? "b.reassign" : "b.assign")}</button>
    <button type="button" class="ib" aria-label=${`${t("c.more")} · ${h.number}`} onClick=${more}><${Icon} name="dots" /></button></span>`;
}

function Row({ h }) {
  const left = leftOf(h);
  const who = whoOf(h);
  return html`<tr class=${`${isLate(h) ? "late" : ""}${drillCls(h)}`}>
    <td><${Drill} c=${h} /> <${Urgency} level=${h.urgency} short /></td>
    <td><a class="case-link" href=${`/cases/${idOf(h)}`}><b>${[personText(h), problem(h)].filter(Boolean).join(" · ")}</b></a><span class="cap">${[h.hospital_name, h.ward_name].filter(Boolean).join(" · ")} · <span class="nowrap">${h.number}</span></span></td>
    <td class="due num">${left.text}<small>${left.note}</small>${left.part != null && html`<div class=${`meter w100 ${h.urgency}`}><i style=${{ width: `${Math.round(left.part * 100)}%` }}></i></div>`}</td>
    <td><span class=${`chip ${who.kind}`}><${Icon} name=${who.icon} />${who.who}</span><div class="cap num">${who.note}</div></td>
    <td class="act"><${Act} h=${h} /></td></tr>`;
}

function Card({ h }) {
  const left = leftOf(h);
  const who = whoOf(h);
  return html`<li class=${`card b-card${isLate(h) ? " late" : ""}${drillCls(h)}`}>
    <div class="row wrap"><${Drill} c=${h} /><${Urgency} level=${h.urgency} short /><b class="end num due">${left.text}</b></div>
    <a class="case-link" href=${`/cases/${idOf(h)}`}><b>${[personText(h), problem(h)].filter(Boolean).join(" · ")}</b></a><p class="cap">${[h.hospital_name, h.number, left.note].filter(Boolean).join(" · ")}</p>
    <div class="row wrap b-who"><span class=${`chip ${who.kind}`}><${Icon} name=${who.icon} />${who.who}</span><span class="cap num">${who.note}</span><span class="end"><${Act} h=${h} /></span></div></li>`;
}

/** Duty began, ended or was published: who is on call at that desk is read again, once for a burst of facts. */
const reading = new Map();
function rereadDesk({ t: type, s, d }) {
  if (!s.startsWith("hospital:") || typeof d?.desk !== "string" || !/^(duty\.(started|ended|moved)|rota\.published)/.test(type) || reading.has(d.desk)) return;
  reading.set(d.desk, setTimeout(() => {
    reading.delete(d.desk);
    get(`/desks/${d.desk}/on-call`).then((r) => putOnCall(s.slice("hospital:".length), d.desk, r.on_call.filter((p) => !["leadership", "coordinator"].includes(p.role))), () => {});
  }, 500));
}

// --- who is on call ---------------------------------------------------------------------------------------------------------

function Desks({ boards }) {
  const desks = [...boards.values()].flatMap((b) => b.desks ?? []);
  const own = [...boards.entries()].flatMap(([hospital, b]) => (b.gaps ?? []).map((g) => ({ ...g, desk: { hospital, desk_name: t("b.own_rota") } })));
  const now = serverNow();
  const all = [...desks.flatMap((d) => (d.gaps ?? []).map((g) => ({ ...g, desk: d }))), ...own].filter((g) => Date.parse(g.to) > now).sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  const away = all.filter((g) => g.kind === "unreachable");
  const missing = all.filter((g) => g.kind !== "unreachable");
  const rows = [...desks, ...(own.length ? [own[0].desk] : [])].filter((d) => all.some((g) => g.desk.desk_name === d.desk_name && g.desk.desk === d.desk));
  return html`<aside class="br"><h2 class="sec-h">${t("b.on_call")} ${boards.size > 0 && html`<span class="end">${t("b.desks", { n: desks.length })}</span>`}</h2>
    ${away.length > 0 && html`<div class="note bad gap-b" role="alert"><${Icon} name="phone" /><ul class="b-gaps"><li><b>${t("b.away_n", { n: away.length })}</b></li>${away.slice(0, 6).map((g) => html`<li key=${g.id}>${t("b.away", { name: g.doctor_name, role: roleText(g.role).toLowerCase(), desk: g.desk.desk_name, time: fmtWhen(g.from) })}</li>`)}</ul></div>`}
    <ul class="on">${desks.map((d) => html`<${DeskRow} key=${d.desk} d=${d} now=${now} />`)}</ul>
    <h2 class="sec-h gap-t">${t("b.gaps_14")} <a class="end tl" href="/rota">${t("b.see_rota")}</a></h2>
    ${rows.length > 0 && html`<div class="g24">${rows.map((d) => html`<span class="clip" key=${`n${d.desk}`}>${d.specialty ? specialty(d.specialty) : d.desk_name}</span><span class="trk" key=${`t${d.desk}`}>${all.filter((g) => g.desk.desk === d.desk).map((g) => html`<span class=${`gap ${g.kind}`} key=${g.id} style=${strip(g, now)}><span class="vh">${gapText(g)}</span></span>`)}</span>`)}
      <span></span><span class="hrs num" aria-hidden="true">${[0, 3, 7, 10, 14].map((d) => html`<span key=${d}>${fmtDate(now + d * DAY_MS, { year: false })}</span>`)}</span></div>`}
    ${missing.length > 0 ? html`<div class="note bad gap-t"><${Icon} name="warn" /><ul class="b-gaps"><li><b>${t("b.gaps_n", { n: missing.length })}</b></li>${missing.slice(0, 8).map((g) => html`<li key=${g.id}><a href=${rotaOf(g)}>${gapText(g)}</a></li>`)}</ul></div>` : desks.length > 0 && html`<p class="note ok gap-t"><${Icon} name="check" /><span>${t("b.no_gaps")}</span></p>`}
  </aside>`;
}

const strip = (g, now) => {
  const part = (at) => Math.min(1, Math.max(0, (Date.parse(at) - now) / (AHEAD_DAYS * DAY_MS)));
  return { left: `${Math.min(98, part(g.from) * 100)}%`, width: `${Math.max(2, (part(g.to) - part(g.from)) * 100)}%` };
};
const rotaOf = (g) => `/rota?${g.desk.desk ? `desk=${g.desk.desk}` : `hospital=${g.desk.hospital}`}&week=${vietnam(Math.max(serverNow(), Date.parse(g.from))).toISOString().slice(0, 10)}`;
const gapText = (g) => t("b.gap", { desk: g.desk.desk_name, role: roleText(g.role).toLowerCase(), from: fmtWhen(g.from), to: fmtWhen(g.to) });

function DeskRow({ d, now }) {
  const missing = (d.gaps ?? []).find((g) => g.kind !== "unreachable" && Date.parse(g.from) <= now && Date.parse(g.to) > now);
  const first = (d.on_call ?? []).find((p) => p.role === "primary") ?? d.on_call?.[0];
  const chip = !first ? ["bad", "warn", t("p.nobody_on")] : missing ? ["bad", "warn", t("b.gap_until", { time: fmtTime(missing.to) })] : first.reachable === false ? ["bad", "phone", t("b.not_there")] : first.online ? ["ok", "check", t("p.online")] : ["warn", "phone", t("p.phone_only")];
  return html`<li><span><b>${d.desk_name}</b><br /><span class="sub">${first?.doctor_name ?? ""}${missing && first ? ` · ${t("b.lacks", { role: roleText(missing.role).toLowerCase() })}` : ""}</span></span>
    <span class=${`chip ${chip[0]}`}><${Icon} name=${chip[1]} />${chip[2]}</span></li>`;
}
