/**
 * NEWS2 while the doctor types; the server works it out again and its answer is the one that is kept.
 *
 *   assess(vitals, { age_years, sex, pregnancy }) -> { state, total, band, parts, missing, scale, suggests, why_not }
 *   digit(part, vitals)  0–3 or null: the points of one value, as soon as it is there
 *
 * Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017, charts 1 and 2.
 * NEWS2 © Royal College of Physicians 2017. The score only raises concern: a missing value makes it incomplete, and there
 * is none under 16, in pregnancy, or where age or pregnancy is not known.
 */
const TABLE = { // rows as printed: lowest value, highest value, points
  respiration: [[-Infinity, 8, 3], [9, 11, 1], [12, 20, 0], [21, 24, 2], [25, Infinity, 3]],
  systolic: [[-Infinity, 90, 3], [91, 100, 2], [101, 110, 1], [111, 219, 0], [220, Infinity, 3]],
  pulse: [[-Infinity, 40, 3], [41, 50, 1], [51, 90, 0], [91, 110, 1], [111, 130, 2], [131, Infinity, 3]],
  temperature: [[-Infinity, 35, 3], [35.1, 36, 1], [36.1, 38, 0], [38.1, 39, 1], [39.1, Infinity, 2]],
};
const SCALE_1 = [[-Infinity, 91, 3], [92, 93, 2], [94, 95, 1], [96, Infinity, 0]];
const SCALE_2_AIR = [[-Infinity, 83, 3], [84, 85, 2], [86, 87, 1], [88, Infinity, 0]];
const SCALE_2_OXYGEN = [[-Infinity, 83, 3], [84, 85, 2], [86, 87, 1], [88, 92, 0], [93, 94, 1], [95, 96, 2], [97, Infinity, 3]];
export const PARTS = ["respiration", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature"];
const SUGGESTS = { high: "orange", medium: "yellow", single3: "yellow", low: null };
const ADULT = 16, MAY_BE_PREGNANT = [12, 55];

/** A value between two printed rows counts as the worse of them. */
function points(rows, value) {
  if (value === null || value === undefined) return null;
  let above = 0;
  for (const [low, high, score] of rows) {
    if (value < low) return Math.max(above, score);
    if (value <= high) return score;
    above = score;
  }
  return null;
}

/** On scale 2 a saturation of 93 % and more means nothing until it is known whether oxygen is given. */
function saturation({ spo2, spo2_scale, on_oxygen }) {
  if (spo2_scale !== 2) return points(SCALE_1, spo2);
  const air = points(SCALE_2_AIR, spo2), oxygen = points(SCALE_2_OXYGEN, spo2);
  if (on_oxygen === null || on_oxygen === undefined) return air === oxygen ? air : null;
  return on_oxygen ? oxygen : air;
}

function digit(part, v) {
  switch (part) {
    case "spo2": return saturation(v);
    case "oxygen": return v.on_oxygen === true ? 2 : v.on_oxygen === false ? 0 : null;
    case "consciousness": return v.consciousness ? (v.consciousness === "alert" ? 0 : 3) : null;
    default: return points(TABLE[part], v[part]);
  }
}

/** Women in whom "pregnant?" must be answered before there is a score: 12 to 55 years, sex not male. */
export const asksPregnancy = ({ age_years, sex }) =>
  sex !== "male" && (age_years === null || age_years === undefined || (age_years >= MAY_BE_PREGNANT[0] && age_years <= MAY_BE_PREGNANT[1]));

export function whyNot({ age_years, sex, pregnancy }) {
  const known = age_years !== null && age_years !== undefined;
  if (known && age_years < ADULT) return "under_16";
  if (pregnancy === "value") return "pregnant";
  if (!known) return "age_unknown";
  // Where not even the sex was said the score is given: it can only raise concern.
  if (pregnancy !== "none" && asksPregnancy({ age_years, sex }) && (sex === "female" || pregnancy === "unknown")) return "pregnancy_unknown";
  return null;
}

/** The digit of each value beside its field; none for a child or in pregnancy, where they would mislead (hazard 14). */
export const digits = (v, patient) =>
  (["under_16", "pregnant"].includes(whyNot(patient)) ? {} : Object.fromEntries(PARTS.map((part) => [part, digit(part, v)])));

export function assess(v, patient) {
  const scale = v.spo2_scale === 2 ? 2 : 1;
  const nothing = { total: null, state: "not_applicable", band: null, parts: {}, missing: [], scale, suggests: null };
  const reason = whyNot(patient);
  if (reason) return { ...nothing, why_not: reason };
  const parts = Object.fromEntries(PARTS.map((part) => [part, digit(part, v)]));
  const given = (part) => (part === "oxygen" ? v.on_oxygen !== null && v.on_oxygen !== undefined : v[part] !== null && v[part] !== undefined && v[part] !== "");
  const missing = PARTS.filter((part) => !given(part));
  const known = Object.values(parts).filter((p) => p !== null);
  const sum = known.reduce((a, b) => a + b, 0);
  const band = sum >= 7 ? "high" : sum >= 5 ? "medium" : known.includes(3) ? "single3" : "low";
  if (missing.length) return { ...nothing, state: "incomplete", parts, missing, suggests: SUGGESTS[band], why_not: null };
  return { total: sum, state: "complete", band, parts, missing, scale, suggests: SUGGESTS[band], why_not: null };
}
