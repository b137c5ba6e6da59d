/** Completing the request while it rings: one part of ISBAR at a time, sent as a correction of that part. */
import { html, Icon, useState } from "../core/html.js";
import { useDraft } from "../core/drafts.js";
import { Measure, Pick, readMeasure, Text } from "../core/form.js";
import { num, parseNumber, t } from "../core/i18n.js";
import { command } from "../core/outbox.js";
import { check, EMPTY, SAFETY } from "../core/requests.js";
import { HotlineLink, openDialog } from "../core/shell.js";
import { PatientLine } from "../parts/patient.js";
import { SafetyFields } from "./request.js";

const PATHS = { patient: "request.i", situation: "request.situation_diagnosis", safety: "request.safety", background: "request.background", assessment: "request.assessment", recommendation: "request.recommendation" };

export const completeDialog = (c, part) =>
  openDialog((close) => html`<header class="row dlg-h"><h2 class="h3 grow">${t(PATHS[part])}</h2>
    <button type="button" class="ib" aria-label=${t("nav.close")} onClick=${() => close()}><${Icon} name="x" /></button></header>
    <div class="stack"><${Part} c=${c} part=${part} close=${close} /></div>`, { label: t(PATHS[part]) });

/** What the case says now, as the fields of the part. */
function now(c, part) {
  if (part === "patient") {
    const months = c.patient?.age_years === null || c.patient?.age_years < 2 ? c.patient?.age_months : null;
    return { label: c.patient?.label ?? "", age: num(months ?? c.patient?.age_years), age_unit: months !== null && months !== undefined ? "months" : "years", sex: c.patient?.sex ?? "", weight: num(c.patient?.weight_kg) };
  }
  if (part === "situation") return { situation: c.situation ?? "", diagnosis: c.diagnosis?.text ?? "" };
  if (part === "safety") return Object.fromEntries(SAFETY.map((x) => [x, c.safety?.[x] ?? { state: "not_asked", text: "" }]));
  return { [part]: c[part] ?? "" };
}

/** What cannot be sent of this part, {field: sentence}: nothing is dropped in silence, and what was told is not untold. */
function faults(c, part, form) {
  if (part !== "patient") return {};
  const before = now(c, part);
  const emptied = (x) => before[x] && !String(form[x]).trim();
  const unread = check({ ...EMPTY, age: form.age, age_unit: form.age_unit, weight: form.weight }).filter((x) => x.own);
  return {
    ...(form.label.trim() ? {} : { label: t("error.label") }), ...(emptied("age") ? { age: t("error.age") } : {}),
    ...(emptied("weight") ? { weight: readMeasure("weight_kg", "–").error } : {}), ...Object.fromEntries(unread.map((x) => [x.field, x.own])),
  };
}

/** Only what was changed is sent, so that a colleague's correction of another field stays. */
function changes(c, part, form) {
  const before = now(c, part);
  const changed = (x) => JSON.stringify(form[x]) !== JSON.stringify(before[x]);
  if (part === "patient") {
    const patient = {};
    if (changed("label")) patient.label = form.label.trim();
    if (changed("sex")) patient.sex = form.sex;
    const { value: age } = parseNumber(form.age);
    if ((changed("age") || changed("age_unit")) && age !== undefined) Object.assign(patient, form.age_unit === "months" && age < 72 ? { age_months: age } : { age_years: form.age_unit === "months" ? Math.floor(age / 12) : age });
    const { value: kg } = readMeasure("weight_kg", form.weight);
    if (changed("weight") && kg !== undefined) patient.weight_kg = kg;
    return Object.keys(patient).length ? { patient } : {};
  }
  if (part === "situation") {
    return { ...(changed("situation") ? { situation: form.situation.trim() } : {}), ...(changed("diagnosis") ? { diagnosis: { code: c.diagnosis?.code ?? "", text: form.diagnosis.trim() } } : {}) };
  }
  if (part === "safety") {
    const safety = Object.fromEntries(SAFETY.filter(changed).map((x) => [x, { state: form[x].state, text: form[x].state === "value" ? form[x].text?.trim() ?? "" : "" }]));
    return Object.keys(safety).length ? { safety } : {};
  }
  return changed(part) ? { [part]: form[part].trim() } : {};
}

function Part({ c, part, close }) {
  const [form, set, draft] = useDraft(`complete:${c.id}:${part}`, now(c, part));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [late, setLate] = useState(false);
  const [wrong, setWrong] = useState({});
  const put = (field) => (value) => set((f) => ({ ...f, [field]: value }));
  const send = async (e) => {
    e.preventDefault();
    const found = faults(c, part, form);
    setWrong(found);
    if (Object.keys(found).length) {
      document.getElementById(`cp-${Object.keys(found)[0]}`)?.focus();
      return;
    }
    const body = changes(c, part, form);
    if (!Object.keys(body).length) {
      close();
      return;
    }
    setBusy(true);
    setError(null);
    const timer = setTimeout(() => setLate(true), 3000);
    const sent = command({ path: `/consultations/${c.id}`, method: "PATCH", body, caseId: c.id, what: "update", optimistic: true });
    try {
      await sent.promise;
      await draft.drop();
      close(true);
    } catch (fault) {
      setError(fault.errors?.map((x) => x.detail).join(" ") || fault.detail || t("error.server"));
      setBusy(false);
    }
    clearTimeout(timer);
  };
  const focus = { autofocus: true };
  return html`<form class="stack" onSubmit=${send}><${PatientLine} c=${c} where=${false} />
    ${error && html`<p class="note bad" role="alert"><${Icon} name="warn" /><span>${error}</span></p>`}
    ${part === "patient" && html`<${Text} id="cp-label" label=${t("request.label")} value=${form.label} onInput=${put("label")} error=${wrong.label} ...${focus} />
      <div class="two"><${Text} id="cp-age" label=${t("request.age")} value=${form.age} inputmode="numeric" onInput=${put("age")} error=${wrong.age} />
      <${Pick} id="cp-unit" label=${t("request.age_unit")} value=${form.age_unit} onPick=${put("age_unit")} options=${[["years", t("request.years")], ["months", t("request.months")]]} /></div>
      <${Pick} id="cp-sex" label=${t("request.sex")} value=${form.sex} onPick=${put("sex")} options=${["male", "female", "unknown"].map((x) => [x, t(`request.sex.${x}`)])} />
      <${Measure} id="cp-weight" name="weight_kg" value=${form.weight} onInput=${put("weight")} error=${wrong.weight} showError />`}
    ${part === "situation" && html`<${Text} id="cp-sit" label=${t("request.situation")} rows="3" value=${form.situation} onInput=${put("situation")} ...${focus} />
      <${Text} id="cp-dx" label=${t("request.diagnosis")} value=${form.diagnosis} onInput=${put("diagnosis")} />`}
    ${part === "safety" && html`<${SafetyFields} id="cp" safety=${form} sex=${c.patient?.sex} onChange=${(x, v) => set((f) => ({ ...f, [x]: v }))} />`}
    ${["background", "assessment", "recommendation"].includes(part) && html`<${Text} id="cp-text" label=${t(PATHS[part])} hint=${t(`request.${part}_hint`)} rows="6" value=${form[part]} onInput=${put(part)} ...${focus} />`}
    ${busy && late && html`<p class="note warn" role="status"><${Icon} name="clock" /><span>${t("request.slow")}</span></p><${HotlineLink} />`}
    <button class=${`btn p blk${busy ? " busy" : ""}`} disabled=${busy}>${busy && html`<${Icon} name="refresh" />`}${t(busy ? "sending" : "request.add_send")}</button>
  </form>`;
}
