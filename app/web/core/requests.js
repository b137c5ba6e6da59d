/**
 * A consultation request on this device: the empty form, what must be there, and the body that is sent.
 *
 *   EMPTY   begun(form, next) -> whether words would be lost if `next` took its place
 *   check(form, { red }) -> [{ field, detail }]      toBody(form, { red })
 *   vitalsBody(v) -> VitalsIn | null           measured(v) -> numbers for NEWS2    ageYears(form)
 *   send(form, { red, instead }) -> { id, promise, kept }           similar(form, headers, me) -> headers of like open cases
 */
import { nowIso } from "./clock.js";
import { num, parseNumber, t } from "./i18n.js";
import { doubt, readMeasure } from "./form.js";
import { command } from "./outbox.js";

export const SAFETY = ["allergies", "anticoagulant", "pregnancy", "weight"];
export const MEASURES = ["respiration", "spo2", "pulse", "systolic", "diastolic", "temperature"];
export const EMPTY_VITALS = { taken_at: null, oxygen: "", oxygen_l_min: "", consciousness: "", scale: 1 };
export const EMPTY = {
  label: "", age: "", age_unit: "years", sex: "", weight: "", specialty: "", urgency: "", question: "", situation: "",
  diagnosis: "", background: "", assessment: "", recommendation: "", drill: false,
  safety: Object.fromEntries(SAFETY.map((x) => [x, { state: "not_asked", text: "" }])), vitals: EMPTY_VITALS,
};
/** What a case that was handled by telephone says of the call: two dated times, who answered, and the words. */
export const EMPTY_TOLD = { asked: { day: "", clock: "" }, answered: { day: "", clock: "" }, by: "", desk: null, shown: "", name: "", text: "" };
const CHILD = 16, OLDEST = 130, MONTHS_BELOW = 72; // months are asked below six years

/** Whole years, from years or months; null when nothing usable was typed. */
export function ageYears({ age, age_unit }) {
  const { value } = parseNumber(age);
  if (value === undefined || value < 0 || !Number.isInteger(value)) return null;
  return age_unit === "months" ? Math.floor(value / 12) : value;
}

export const isChild = (form) => {
  const years = ageYears(form);
  return years !== null && years < CHILD;
};

/** The values of the set that can be read, as numbers; what is unreadable or missing is left out. */
export function measured(v) {
  const out = {};
  for (const name of [...MEASURES, "oxygen_l_min"]) {
    const { value } = readMeasure(name, v[name]);
    if (value !== undefined) out[name] = value;
  }
  return {
    ...out, spo2_scale: v.scale === 2 ? 2 : 1, consciousness: v.consciousness || null,
    on_oxygen: v.oxygen === "oxygen" ? true : v.oxygen === "air" ? false : null,
  };
}

export const hasVitals = (v) => MEASURES.some((x) => String(v[x] ?? "").trim()) || Boolean(v.oxygen) || Boolean(v.consciousness);

/** One set with one time; null when nothing was measured. */
export function vitalsBody(v) {
  if (!hasVitals(v)) return null;
  const m = measured(v);
  const body = { taken_at: v.taken_at ?? nowIso() };
  for (const name of MEASURES) if (m[name] !== undefined) body[name] = m[name];
  if (m.spo2 !== undefined) body.spo2_scale = m.spo2_scale;
  if (m.on_oxygen !== null) body.on_oxygen = m.on_oxygen;
  if (m.on_oxygen && m.oxygen_l_min !== undefined) body.oxygen_l_min = m.oxygen_l_min;
  if (m.consciousness) body.consciousness = m.consciousness;
  return body;
}

export function checkVitals(v) {
  const errors = [];
  for (const name of MEASURES) {
    const { error } = readMeasure(name, v[name]);
    if (error) errors.push({ field: `vitals.${name}`, detail: `${t(`vitals.${name}`)}: ${error}`, own: error });
  }
  if (v.oxygen === "oxygen") {
    const { error } = readMeasure("oxygen_l_min", v.oxygen_l_min);
    if (error) errors.push({ field: "vitals.oxygen_l_min", detail: `${t("vitals.oxygen_l_min")}: ${error}`, own: error });
  }
  const m = measured(v);
  if (m.systolic && m.diastolic && m.diastolic > m.systolic) {
    errors.push({ field: "vitals.diastolic", detail: t("error.diastolic"), own: t("error.diastolic") });
  }
  return errors;
}

const nothingTold = JSON.stringify(EMPTY_TOLD);
const said = ({ vitals, told = EMPTY_TOLD, ...words }) =>
  JSON.stringify({ ...EMPTY, ...words, vitals: hasVitals(vitals) ? vitals : null, told: JSON.stringify(told) === nothingTold ? null : told });

export const begun = (form, next) => said(form) !== said(EMPTY) && said(form) !== said(next);

/**
 * Everything that stops sending, in the order of the form. A red alert needs a specialty only: what cannot be read is left
 * out of it, because nothing that was typed may keep the team from being rung.
 */
export function check(form, { red = false } = {}) {
  const errors = [];
  const need = (field, key) => errors.push({ field, detail: t(key) });
  if (red) return form.specialty ? [] : [{ field: "specialty", detail: t("error.specialty") }];
  const urgent = form.urgency === "red";
  if (!urgent && !form.label.trim()) need("label", "error.label");
  if (String(form.age).trim()) {
    const years = ageYears(form);
    if (years === null || years > OLDEST) errors.push({ field: "age", detail: t("error.age"), own: t("error.age") });
  }
  if (!urgent && isChild(form) && !String(form.weight).trim() && form.safety.weight.state !== "unknown") need("weight", "error.weight");
  const { error } = readMeasure("weight_kg", form.weight);
  if (error) errors.push({ field: "weight", detail: `${t("request.weight")}: ${error}`, own: error });
  if (!form.specialty) need("specialty", "error.specialty");
  if (!form.urgency) need("urgency", "error.urgency");
  if (!urgent && !/[\p{L}\p{N}]/u.test(form.question)) need("question", "error.question");
  return [...errors, ...checkVitals(form.vitals)];
}

export function toBody(form, { red = false } = {}) {
  const years = ageYears(form) > OLDEST ? null : ageYears(form);
  const months = form.age_unit === "months" ? parseNumber(form.age).value : undefined;
  const { value: kg } = readMeasure("weight_kg", form.weight);
  const vitals = vitalsBody(form.vitals);
  if (vitals?.diastolic > vitals?.systolic) delete vitals.diastolic;
  const safety = Object.fromEntries(SAFETY.map((x) => [x, clean(form.safety[x])]));
  if (kg !== undefined && safety.weight.state === "not_asked") safety.weight = { state: "value", text: num(kg, "kg") };
  return {
    specialty: form.specialty, urgency: red ? "red" : form.urgency, question: form.question.trim(),
    situation: form.situation.trim(), background: form.background.trim(), assessment: form.assessment.trim(),
    recommendation: form.recommendation.trim(),
    patient: {
      label: form.label.trim(), sex: form.sex || "unknown",
      ...(months !== undefined && months < MONTHS_BELOW ? { age_months: months } : years !== null ? { age_years: years } : {}),
      ...(kg !== undefined ? { weight_kg: kg } : {}),
    },
    ...(form.diagnosis.trim() ? { diagnosis: { text: form.diagnosis.trim() } } : {}),
    vitals: vitals ? [vitals] : [], safety, ...(form.drill ? { drill: true } : {}),
  };
}

const clean = ({ state, text }) => ({ state, ...(text?.trim() && state === "value" ? { text: text.trim() } : {}) });

/** Doubts worth a second look before sending; they stop nothing. */
export const doubts = (v) => {
  const m = measured(v);
  return [...MEASURES, "oxygen_l_min"].filter((x) => doubt(x, m[x])).map((x) => `${t(`vitals.${x}`)}: ${doubt(x, m[x])}`);
};

/** Which form a request was filled in on, and its draft: that of a case handled by telephone, or the ordinary one. */
export const formOf = (body) => (body.telephone ? "telephone" : "request");

/**
 * Queue the request and try at once. The form stays with it until the server has stored it; "sent" is said only after that.
 * `more` is what only the form of a telephone case has.
 */
export const send = (form, { red = false, more = {}, instead } = {}) =>
  command({ path: more.telephone ? "/consultations/telephone" : "/consultations", body: { ...toBody(form, { red }), ...more }, what: "request", optimistic: true, form, instead });

/** Open cases of the same ward that may be the same patient: the same label, or the same age and sex. */
export function similar(form, headers, me) {
  const label = form.label.trim().toLocaleLowerCase("vi");
  const years = ageYears(form);
  return headers.filter((h) => ["ringing", "active"].includes(h.status) && h.hospital === me?.hospital
    && (!me?.ward_name || !h.ward_name || h.ward_name === me.ward_name)
    && ((label && h.label?.toLocaleLowerCase("vi") === label)
      || (years !== null && form.sex && form.sex !== "unknown" && h.age_years === years && h.sex === form.sex)));
}
