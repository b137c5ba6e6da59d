// What both sides do once a case is held, and moving it by hand: note a telephone call, give the asking side to a colleague,
// ask a second specialty, ring another desk, take a later step. Loaded when first opened; every dialog names the patient.
import "../strings/after.js";
import { html, Icon, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { latestAt, readClock } from "../core/form.js";
import { fmtDate, fmtTime, lang, t } from "../core/i18n.js";
import { useStore } from "../core/store.js";
import { ActButton, ActionState, may, useAction } from "./action.js";
import { openBody, path } from "./dialogs.js";
import { nameList, roleText, stepNames } from "./facts.js";
import { PatientLine } from "./patient.js";
import { ReadFailed, useRead } from "./reads.js";

// --- a conversation by telephone ---------------------------------------------------------------------------------------

export const callNoteDialog = (c) => openBody(t("f.call"), CallNote, { c });

function CallNote({ c, close }) {
  const [time, setTime] = useState(fmtTime(serverNow()));
  const [text, setText] = useState("");
  const [run, action] = useAction();
  const clock = readClock(time);
  const at = clock && latestAt(clock);
  const send = async (e) => {
    e.preventDefault();
    if (!at) return;
    const body = { at: at.toISOString(), ...(text.trim() ? { text: text.trim() } : {}) };
    if (await run({ path: path(c, "calls"), body, caseId: c.id, what: "call", expiresAfter: 600 })) close(true);
  };
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} />
    <p class="cap">${t("f.call_hint")}</p>
    <div><label for="call-at">${t("f.call_at")} <span class="opt num">${at ? fmtDate(at) : ""}</span></label>
      <input id="call-at" class="in clock" inputmode="numeric" autocomplete="off" value=${time} onInput=${(e) => setTime(e.target.value)} aria-invalid=${at ? undefined : "true"} aria-describedby=${at ? undefined : "call-e"} />
      ${!at && html`<p class="err" id="call-e"><${Icon} name="warn" />${t("error.clock")}</p>`}</div>
    <div><label for="call-text">${t("f.call_text")} <span class="opt">${t("p.optional")}</span></label><textarea id="call-text" class="in" rows="4" value=${text} onInput=${(e) => setText(e.target.value)}></textarea></div>
    <${ActionState} action=${action} />
    <${ActButton} type="submit" cls="btn p blk" icon="check" busy=${action.busy} disabled=${!at}>${t("f.call_save")}</${ActButton}></form>`;
}

// --- the owner of the asking side --------------------------------------------------------------------------------------

export const wardOwnerDialog = (c) => openBody(t("f.owner"), WardOwner, { c });

function WardOwner({ c, close }) {
  const me = useStore((s) => s.me);
  const [people, failed] = useRead(() => get("/me/colleagues").then((r) => r.items));
  const [run, action] = useAction();
  const known = (c.participants ?? []).filter((p) => ["requester", "colleague"].includes(p.role) && !p.left_at).map((p) => ({ user: p.user, name: p.name }));
  const mine = people?.some((p) => p.user === me.id) || !people ? [] : [{ user: me.id, name: me.name }];
  const all = [...(people ?? []), ...known, ...mine].filter((p, i, list) => p.user !== c.ward_owner && list.findIndex((x) => x.user === p.user) === i);
  const pick = async ({ user, name }) => {
    if (await run({ path: path(c, "ward-owner"), body: { user_id: user }, caseId: c.id, what: "ward-owner" })) close(name);
  };
  return html`<${PatientLine} c=${c} /><p class="cap">${t("f.owner_hint", { name: c.ward_owner_name })}</p><${ActionState} action=${action} />
    ${!people && !failed && html`<p class="sub">${t("p.loading")}</p>`}<${ReadFailed} failed=${failed} words=${t("f.owner_unread")} />
    ${people && !all.length && html`<p class="note warn"><${Icon} name="warn" /><span>${t("f.owner_none")}</span></p>`}
    <ul class="stack-s">${all.map((p) => html`<li key=${p.user}><button type="button" class="btn o blk pk-row" disabled=${Boolean(action.busy)} onClick=${() => pick(p)}><span lang="vi">${p.name}</span>
      ${p.online !== undefined && html`<span class=${`chip ${p.online ? "ok" : "warn"}`}>${t(p.online ? "p.online" : "p.phone_only")}</span>`}</button></li>`)}</ul>`;
}

// --- moving a case by hand -----------------------------------------------------------------------------------------------

/** Desks that the reader may choose from, this case's own left out; and whether they could not be read. */
function useDesks(exclude) {
  const [desks, failed] = useRead(() => get("/desks").then((r) => r.items));
  return [desks?.filter((d) => !exclude.includes(d.id)) ?? null, failed];
}

const plain = (s) => s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();

export const secondSpecialtyDialog = (c) => openBody(t("f.second"), SecondSpecialty, { c });

function SecondSpecialty({ c, close }) {
  const specialties = useStore((s) => s.specialties);
  const [code, setCode] = useState("");
  const [question, setQuestion] = useState("");
  const [run, action] = useAction();
  const asked = [c.specialty, ...(c.callouts ?? []).filter((x) => x.state === "ringing" && x.reason === "second_specialty").map((x) => x.specialty)];
  const send = async (e) => {
    e.preventDefault();
    const text = question.trim();
    if (!code || !text) return;
    if (await run({ path: path(c, "specialties"), body: { specialty: code, question: text }, caseId: c.id, what: "specialty", expiresAfter: 300 })) close(specialties.find((s) => s.code === code)?.[lang()] ?? code);
  };
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} /><p class="cap">${t("f.second_hint")}</p>
    <div><label for="sp-code">${t("request.specialty")}</label><select id="sp-code" class="in" value=${code} onChange=${(e) => setCode(e.target.value)}><option value="">${t("f.choose")}</option>
      ${specialties.filter((s) => !asked.includes(s.code)).map((s) => html`<option key=${s.code} value=${s.code}>${s[lang()] ?? s.vi}</option>`)}</select></div>
    <div><label for="sp-q">${t("f.second_q")}</label><textarea id="sp-q" class="in" rows="3" value=${question} onInput=${(e) => setQuestion(e.target.value)}></textarea></div>
    <${ActionState} action=${action} />
    <${ActButton} type="submit" cls="btn p blk" icon="bell" busy=${action.busy} disabled=${!code || !question.trim()}>${t("f.second_do")}</${ActButton}></form>`;
}

export const reRouteDialog = (c) => openBody(t("f.route"), ReRoute, { c });

function ReRoute({ c, close }) {
  const me = useStore((s) => s.me);
  const ringing = (c.callouts ?? []).filter((x) => x.state === "ringing").map((x) => x.desk);
  const [desks, failed] = useDesks(ringing);
  const [q, setQ] = useState("");
  const [reason, setReason] = useState("");
  const [run, action] = useAction();
  const usable = (desks ?? []).filter((d) => (me.role !== "requester" || d.may_ask) && (!q || plain(`${d.name} ${d.hospital_name}`).includes(plain(q))));
  const first = (d) => (d.specialty === c.specialty ? 0 : 1);
  const shown = usable.sort((a, b) => first(a) - first(b)).slice(0, 12);
  const pick = async (d) => {
    const body = { desk_id: d.id, ...(reason.trim() ? { reason: reason.trim() } : {}) };
    if (await run({ path: path(c, "re-route"), body, caseId: c.id, what: "re-route" })) close(d.name);
  };
  return html`<${PatientLine} c=${c} /><p class="cap">${t(c.holder ? "f.route_hint_held" : "f.route_hint")}</p>
    <div><label for="rr-why">${t("p.reason_label")} <span class="opt">${t("p.optional")}</span></label><input id="rr-why" class="in" value=${reason} onInput=${(e) => setReason(e.target.value)} /></div>
    <div><label for="rr-q">${t("p.pick.search")}</label><input id="rr-q" class="in" value=${q} autocomplete="off" onInput=${(e) => setQ(e.target.value)} /></div>
    <${ActionState} action=${action} />
    ${!desks && !failed && html`<p class="sub">${t("p.loading")}</p>`}<${ReadFailed} failed=${failed} words=${t("f.route_unread")} />
    <ul class="stack-s">${shown.map((d) => html`<li key=${d.id}><button type="button" class="btn o blk pk-row" disabled=${Boolean(action.busy)} onClick=${() => pick(d)}><span lang="vi"><b>${d.name}</b><br /><span class="sub">${d.hospital_name}</span></span><${Icon} name="bell" /></button></li>`)}
      ${desks && !shown.length && html`<li class="sub">${t("p.pick.none")}</li>`}</ul>`;
}

export const jumpDialog = (c) => openBody(t("f.jump"), Jump, { c });

function Jump({ c, close }) {
  const [run, action] = useAction();
  const ringing = (c.callouts ?? []).filter((x) => x.state === "ringing" && x.step + 1 < x.steps_total);
  const take = async (callout, step) => {
    if (await run({ path: path(c, "step"), body: { step: step.step, callout_id: callout.id }, caseId: c.id, what: "step" })) close(nameList(stepNames(step)));
  };
  return html`<${PatientLine} c=${c} /><p class="cap">${t("f.jump_hint")}</p><${ActionState} action=${action} />
    ${ringing.map((x) => html`<section key=${x.id} class="stack-s">${ringing.length > 1 && html`<p class="lbl" lang="vi">${x.desk_name}</p>`}
      ${(x.ladder ?? []).filter((s) => s.step > x.step).map((s) => html`<button type="button" key=${s.step} class="btn o blk pk-row" disabled=${Boolean(action.busy)} onClick=${() => take(x, s)}>
        <span lang="vi">${s.step + 1} · ${nameList(stepNames(s))}<br /><span class="sub">${s.who.map(roleText).join(", ")}</span></span><${Icon} name="bell" /></button>`)}</section>`)}
    ${!ringing.length && html`<p class="sub">${t("f.jump_none")}</p>`}`;
}

/** What else may be done by hand, as one list: for the case and for a row of the board (there the case is read first, and that is logged). */
export const moreDialog = (c) => openBody(t("f.more"), More, { c });

const MOVES = [["jump", "f.jump", jumpDialog, "bell"], ["re_route", "f.route", reRouteDialog, "swap"], ["ask_specialty", "f.second", secondSpecialtyDialog, "plus"]];

function More({ c, close }) {
  const [whole, failed] = useRead(() => get(`/consultations/${c.id ?? c.consultation_id}`), !c.view);
  const read = c.view ? c : whole;
  if (failed) return html`<${ReadFailed} failed=${failed} words=${t("error.open")} />`;
  if (!read) return html`<p class="sub">${t("p.loading")}</p>`;
  const open = async (dialog) => {
    close();
    await dialog(read);
  };
  const possible = MOVES.filter(([right]) => may(read, right));
  return html`<${PatientLine} c=${read} /><div class="stack-s">${possible.map(([right, words, dialog, icon]) => html`<button type="button" key=${right} class="btn o blk left" onClick=${() => open(dialog)}><${Icon} name=${icon} />${t(words)}</button>`)}</div>
    ${!possible.length && html`<p class="sub">${t("f.more_none")}</p>`}`;
}
