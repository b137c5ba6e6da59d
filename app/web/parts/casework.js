// What a member does in a case besides writing: invite, hand over, raise the urgency, measure, complete, cancel, report. Every
// dialog names the patient. Loaded after the case is on the screen.
import { html, Icon, useRef, useState } from "../core/html.js";
import { nowIso, serverNow } from "../core/clock.js";
import { useDraft } from "../core/drafts.js";
import { latestAt, Measure, Pick, readClock, readMeasure } from "../core/form.js";
import { fmtDate, fmtTime, fmtWhen, num, t } from "../core/i18n.js";
import { digits } from "../core/news2.js";
import { checkVitals, EMPTY_VITALS, hasVitals, measured, MEASURES, vitalsBody } from "../core/requests.js";
import { useStore } from "../core/store.js";
import { hotline } from "../core/telephones.js";
import { ActButton, ActionState, useAction } from "./action.js";
import { openBody, path } from "./dialogs.js";
import { currentCallout, URGENCIES } from "./facts.js";
import { PatientLine } from "./patient.js";
import { DoctorPicker } from "./picker.js";
import { Urgency } from "./urgency.js";
import { vitalsLine } from "./vitals.js";

export const inviteDialog = (c) => openBody(t("p.invite"), Invite, { c });

function Invite({ c, close }) {
  const [run, action] = useAction();
  const inside = (c.participants ?? []).filter((p) => !p.left_at).map((p) => p.user);
  const pick = async ({ user_id, name }) => {
    if (await run({ path: path(c, "participants"), body: { user_id, role: "invited" }, caseId: c.id, what: "invite" })) close(name);
  };
  return html`<${PatientLine} c=${c} /><p class="cap">${t("p.invite_hint")}</p><${ActionState} action=${action} />
    <${DoctorPicker} desk=${currentCallout(c)?.desk} deskName=${currentCallout(c)?.desk_name} exclude=${inside} onPick=${pick} busy=${Boolean(action.busy)} />`;
}

/** The holder stays until the successor accepts. */
export const handOverDialog = (c) => openBody(t("p.handover"), HandOver, { c });

function HandOver({ c, close }) {
  const me = useStore((s) => s.me.id);
  const [run, action] = useAction();
  const [note, setNote] = useState("");
  const pick = async ({ user_id, name }) => {
    const body = note.trim() ? { user_id, note: note.trim() } : { user_id };
    if (await run({ path: path(c, "hand-over"), body, caseId: c.id, what: "hand-over" })) close(name);
  };
  return html`<${PatientLine} c=${c} /><p class="cap">${t("p.handover_hint")}</p>
    <div><label for="ho-note">${t("p.handover_note")} <span class="opt">${t("p.optional")}</span></label><textarea id="ho-note" class="in" rows="2" value=${note} aria-describedby="ho-note-h" onInput=${(e) => setNote(e.target.value)}></textarea>
      <p class="cap" id="ho-note-h">${t("p.handover_note_hint")}</p></div>
    <${ActionState} action=${action} />
    <${DoctorPicker} desk=${currentCallout(c)?.desk} deskName=${currentCallout(c)?.desk_name} exclude=${[me]} onPick=${pick} busy=${Boolean(action.busy)} />`;
}

/** Urgency can only be raised: the new ladder starts from its first step and the holder is rung. */
export const urgencyDialog = (c) => openBody(t("p.raise"), Raise, { c });

function Raise({ c, close }) {
  const [run, action] = useAction();
  const [level, setLevel] = useState(null);
  const [reason, setReason] = useState("");
  const higher = URGENCIES.slice(0, URGENCIES.indexOf(c.urgency));
  const send = async (e) => {
    e.preventDefault();
    if (!level || !reason.trim()) return;
    if (await run({ path: path(c, "urgency"), body: { urgency: level, reason: reason.trim() }, caseId: c.id, what: "urgency", expiresAfter: 300 })) close(true);
  };
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} /><p class="cap">${t("p.raise_hint")}</p>
    <div class="urg" role="radiogroup" aria-label=${t("p.raise")}>${higher.map((u) => html`<button type="button" role="radio" key=${u} class=${`u-${u}`} aria-checked=${level === u ? "true" : "false"} onClick=${() => setLevel(u)}><${Urgency} level=${u} /></button>`)}</div>
    <div><label for="ur-why">${t("p.reason_label")}</label><input id="ur-why" class="in" value=${reason} onInput=${(e) => setReason(e.target.value)} /></div>
    <${ActionState} action=${action} phone=${hotline()?.phone} />
    <${ActButton} type="submit" cls="btn p blk" icon="bell" busy=${action.busy} disabled=${!level || !reason.trim()}>${t("p.raise")}</${ActButton}></form>`;
}

export const cancelDialog = (c) => openBody(t("p.cancel"), Cancel, { c });

function Cancel({ c, close }) {
  const [run, action] = useAction();
  const [reason, setReason] = useState("");
  const needed = c.urgency === "red"; // the ten seconds without a reason have a button of their own
  const send = async (e) => {
    e.preventDefault();
    if (needed && !reason.trim()) return;
    if (await run({ path: path(c, "cancellation"), body: reason.trim() ? { reason: reason.trim() } : {}, caseId: c.id, what: "cancel" })) close(true);
  };
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} /><p class="note warn"><${Icon} name="warn" /><span>${t("p.cancel_hint")}</span></p>
    <div><label for="ca-why">${t("p.reason_label")} <span class="opt">${t(needed ? "p.cancel_why" : "p.optional")}</span></label><input id="ca-why" class="in" value=${reason} onInput=${(e) => setReason(e.target.value)} /></div>
    <${ActionState} action=${action} phone=${hotline()?.phone} />
    <${ActButton} type="submit" cls="btn red-o blk" icon="x" busy=${action.busy} disabled=${needed && !reason.trim()}>${t("p.cancel_do")}</${ActButton}></form>`;
}

export const outcomeDialog = (c) => openBody(t("p.outcome"), Outcome, { c });

const RESULTS = ["treated_locally", "transferred", "transfer_avoided", "diagnosis_changed", "died"];

function Outcome({ c, close }) {
  const [run, action] = useAction();
  const done = (c.outcomes ?? []).map((o) => o.at);
  const [at, setAt] = useState(["24h", "7d", "discharge"].find((x) => !done.includes(x)) ?? "discharge");
  const [result, setResult] = useState("");
  const [text, setText] = useState("");
  const send = async (e) => {
    e.preventDefault();
    if (result && (await run({ path: path(c, "outcome"), body: { at, result, ...(text.trim() ? { text: text.trim() } : {}) }, caseId: c.id, what: "outcome", expiresAfter: 300 }))) close(true);
  };
  const radio = (list, value, set, label, name) => html`<div><span class="lbl">${label}</span><div class="pick" role="radiogroup" aria-label=${label}>
    ${list.map((x) => html`<button type="button" role="radio" key=${x} aria-checked=${value === x ? "true" : "false"} onClick=${() => set(x)}>${t(`p.${name}.${x}`)}</button>`)}</div></div>`;
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} />
    ${radio(["24h", "7d", "discharge"], at, setAt, t("p.outcome_at"), "at")}
    ${radio(RESULTS, result, setResult, t("p.outcome_result"), "result")}
    <div><label for="oc-text">${t("p.outcome_text")} <span class="opt">${t("p.optional")}</span></label><textarea id="oc-text" class="in" rows="3" value=${text} onInput=${(e) => setText(e.target.value)}></textarea></div>
    ${at === "discharge" && html`<p class="cap">${t("p.outcome_closes")}</p>`}
    <${ActionState} action=${action} />
    <${ActButton} type="submit" cls="btn p blk" icon="check" busy=${action.busy} disabled=${!result}>${t("p.outcome_send")}</${ActButton}></form>`;
}

// --- vital signs -------------------------------------------------------------------------------------------------------

/** A new set of vital signs. The last set stands beside the form with its time; nothing of it is reused by itself. */
export const vitalsDialog = (c) => openBody(t("p.vitals_add"), VitalsForm, { c });

function VitalsForm({ c, close }) {
  const last = c.vitals?.[c.vitals.length - 1];
  const [form, set, draft] = useDraft(`vitals:${c.id}`, { ...EMPTY_VITALS, scale: last?.spo2_scale ?? 1, time: "" });
  const [errors, setErrors] = useState([]);
  const [run, action] = useAction();
  const summary = useRef(null);
  // What was typed at one was measured at one, however long the form lies open or waits as a draft.
  const begun = new Date(form.taken_at ?? serverNow());
  const time = form.time || fmtTime(begun);
  const clock = readClock(time);
  const takenAt = form.time ? clock && latestAt(clock) : begun;
  const put = (key) => (value) => set((f) => ({ ...f, taken_at: f.taken_at ?? nowIso(), [key]: value }));
  const send = async (e) => {
    e.preventDefault();
    const found = checkVitals(form);
    if (!takenAt) found.unshift({ field: "time", detail: t("p.vit.bad_time") });
    if (!found.length && !hasVitals(form)) found.push({ field: "vitals.respiration", detail: t("p.vit.empty") });
    setErrors(found);
    if (found.length) return setTimeout(() => summary.current?.focus(), 0);
    const body = { ...vitalsBody(form), taken_at: takenAt.toISOString() };
    if (await run({ path: path(c, "vitals"), body, caseId: c.id, what: "vitals", expiresAfter: 600 })) {
      draft.drop();
      close(true);
    }
    return undefined;
  };
  const own = (name) => errors.find((x) => x.field === `vitals.${name}`)?.own;
  const shown = digits(measured(form), { age_years: yearsOf(c.patient), sex: c.patient?.sex, pregnancy: c.safety?.pregnancy?.state });
  const field = (name) => html`<${Measure} key=${name} id=${`v-${name}`} name=${name} value=${form[name]} onInput=${put(name)} error=${own(name)} digit=${shown[name] ?? null} />`;
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} />
    ${errors.length > 0 && html`<div class="note bad" role="alert" tabindex="-1" ref=${summary}><${Icon} name="warn" /><span>${errors.map((x) => html`<span class="blk-link" key=${x.field}>${x.detail}</span>`)}</span></div>`}
    ${last && html`<p class="cap">${t("p.vit.before", { time: fmtWhen(last.taken_at) })} ${vitalsLine(last)}</p>`}
    <div><label for="v-time">${t("p.vit.time")} <span class="opt num">${takenAt ? fmtDate(takenAt) : ""}</span></label>
      <input id="v-time" class="in" inputmode="numeric" autocomplete="off" value=${time} onInput=${(e) => put("time")(e.target.value)} aria-invalid=${takenAt ? undefined : "true"} /></div>
    <div class="vgrid">${MEASURES.map(field)}</div>
    <${Pick} id="v-oxygen" label=${t("p.v.oxygen")} value=${form.oxygen} onPick=${put("oxygen")} options=${[["air", t("p.air")], ["oxygen", t("p.vit.on_oxygen")]]} />
    ${form.oxygen === "oxygen" && field("oxygen_l_min")}
    <${Pick} id="v-scale" label=${t("vitals.scale")} value=${String(form.scale)} onPick=${(x) => put("scale")(Number(x))} options=${[["1", t("vitals.scale1")], ["2", t("vitals.scale2")]]} />
    ${form.scale === 2 && html`<p class="cap">${t("vitals.scale_hint")}</p>`}
    <${Pick} id="v-consciousness" label=${t("p.v.consciousness")} value=${form.consciousness} onPick=${put("consciousness")} options=${CONSCIOUS.map((v) => [v, t(`p.consc.${v}`)])} />
    <${ActionState} action=${action} />
    <${ActButton} type="submit" cls="btn p blk" icon="check" busy=${action.busy}>${t("p.vit.save")}</${ActButton}></form>`;
}

const CONSCIOUS = ["alert", "confusion", "voice", "pain", "unresponsive"];
const yearsOf = (patient) => patient?.age_years ?? (patient?.age_months != null ? Math.floor(patient.age_months / 12) : null);

// --- the request's own words ------------------------------------------------------------------------------------------

const TEXTS = ["question", "situation", "background", "assessment", "recommendation"];
const SAFETY = ["allergies", "anticoagulant", "pregnancy", "weight"];
const STATES = ["value", "none", "unknown", "not_asked"];

/** Completing or correcting the request while the case is open: words, safety facts, weight. Only what changed is sent. */
export const editDialog = (c) => openBody(t("p.edit"), Edit, { c });

function Edit({ c, close }) {
  const first = () => ({
    ...Object.fromEntries(TEXTS.map((k) => [k, c[k] ?? ""])),
    weight_kg: c.patient?.weight_kg != null ? num(c.patient.weight_kg) : "",
    safety: Object.fromEntries(SAFETY.map((k) => [k, { state: "not_asked", text: "", ...c.safety?.[k] }])),
  });
  const initial = useRef(first()).current;
  const [form, set] = useState(initial);
  const [bad, setBad] = useState("");
  const [run, action] = useAction();
  const send = async (e) => {
    e.preventDefault();
    const body = {};
    for (const k of TEXTS) if (form[k] !== initial[k]) body[k] = form[k];
    if (form.weight_kg !== initial.weight_kg) {
      const kg = readMeasure("weight_kg", form.weight_kg);
      if (kg.error) return setBad(`${t("p.safety.weight")}: ${kg.error}`);
      body.patient = { weight_kg: kg.value ?? null };
    }
    if (JSON.stringify(form.safety) !== JSON.stringify(initial.safety)) {
      body.safety = Object.fromEntries(SAFETY.map((k) => [k, form.safety[k].state === "value" ? { state: "value", text: form.safety[k].text } : { state: form.safety[k].state }]));
    }
    setBad("");
    if (!Object.keys(body).length) return close();
    if (await run({ path: `/consultations/${c.id}`, method: "PATCH", body, caseId: c.id, what: "edit", expiresAfter: 300 })) close(true);
    return undefined;
  };
  const put = (k) => (e) => set((f) => ({ ...f, [k]: e.target.value }));
  const putSafety = (k, change) => set((f) => ({ ...f, safety: { ...f.safety, [k]: { ...f.safety[k], ...change } } }));
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} />
    ${TEXTS.map((k) => html`<div key=${k}><label for=${`ed-${k}`}>${t(`c.f.${k}`)}</label><textarea id=${`ed-${k}`} class="in" rows=${k === "question" ? 2 : 3} value=${form[k]} onInput=${put(k)}></textarea></div>`)}
    <div><label for="ed-kg">${t("p.safety.weight")} <span class="opt">kg</span></label><input id="ed-kg" class="in" inputmode="decimal" value=${form.weight_kg} onInput=${put("weight_kg")} /></div>
    ${SAFETY.filter((k) => k !== "weight" && (k !== "pregnancy" || c.patient?.sex !== "male")).map((k) => html`<div key=${k}><span class="lbl">${t(`p.safety.${k}`)}</span>
      <div class="pick" role="radiogroup" aria-label=${t(`p.safety.${k}`)}>${STATES.map((s) => html`<button type="button" role="radio" key=${s} aria-checked=${form.safety[k].state === s ? "true" : "false"} onClick=${() => putSafety(k, { state: s })}>${t(s === "value" ? "p.safety.has" : s === "none" ? `p.safety.none.${k}` : `p.safety.${s}`)}</button>`)}</div>
      ${form.safety[k].state === "value" && html`<input class="in gap" aria-label=${t(`p.safety.${k}`)} value=${form.safety[k].text ?? ""} onInput=${(e) => putSafety(k, { text: e.target.value })} />`}</div>`)}
    ${bad && html`<p class="err" role="alert"><${Icon} name="warn" />${bad}</p>`}
    <${ActionState} action=${action} />
    <${ActButton} type="submit" cls="btn p blk" icon="check" busy=${action.busy}>${t("p.save")}</${ActButton}></form>`;
}
