// What a consultation says about itself: pure readings of ConsultationRead or ConsultationHeader.
// Nothing here guesses. What the server has not said is returned as null, and the parts print it as unknown.
import { fmtWhen, has, lang, t } from "../core/i18n.js";

/** A request that waited on its device says both times, "viết 03:04 · đến 03:09"; otherwise nothing (hazards 1 and 17). */
export function lateText(c) {
  if (!c.written_at || Date.parse(c.created_at) - Date.parse(c.written_at) <= 60e3) return "";
  return `${t("p.written_at", { time: fmtWhen(c.written_at) })} · ${t("p.arrived_at")} ${fmtWhen(c.created_at)}`;
}

/** Whether the case only waits for somebody to confirm what was said by telephone: nobody is rung for it. */
export function isQuiet(c) {
  if (!c?.callouts?.length) return Boolean(c?.quiet);
  const own = c.callouts.filter((x) => x.state === "ringing" && x.reason !== "second_specialty");
  return own.length > 0 && own.every((x) => x.reason === "telephone");
}

/** "Hỏi qua điện thoại lúc 01:34, nhập lúc 03:04" of a case that was entered afterwards; otherwise nothing. */
export const toldText = (c) => (c.telephone ? t("told.line", { asked: fmtWhen(c.telephone.asked_at), entered: fmtWhen(c.telephone.entered_at) }) : "");

/** Order of urgency, most urgent first. */
export const URGENCIES = ["red", "orange", "yellow", "green"];

/** Minutes after which a measured value is called old, by urgency (hazard 12). */
export const OLD_AFTER_MIN = { red: 15, orange: 30, yellow: 60, green: 60 };

/**
 * "58 tuổi", "8 tháng tuổi", "dưới 1 tuổi" or "chưa rõ tuổi". Months stand only where somebody gave months: "1 tuổi" is not
 * twelve months, and a newborn is not nought months old. Accepts a patient or a header.
 */
export function ageText(p) {
  const { age_years: years, age_months: months } = p;
  if (months != null && (years == null || years < 2)) return t("p.months", { n: months });
  if (years == null) return t("p.age_unknown");
  return years < 1 ? t("p.under_1") : t("p.years", { n: years });
}

/** "Nam", "Nữ", … */
export const sexText = (p) => t(`p.sex.${p.sex ?? "unknown"}`);

/** "Nam 58 tuổi", in either language, from a consultation or a header. */
export function personText(c) {
  const p = c.patient ?? c;
  return lang() === "vi" ? `${sexText(p)} ${ageText(p)}` : `${sexText(p)}, ${ageText(p)}`;
}

/** The patient in one line, for dialogs and spoken names: label, sex, age, case number. */
export const patientText = (c) =>
  [c.patient?.label ?? c.label, personText(c), c.number].filter(Boolean).join(" · ");

/** The callout that rings now, else the last one, else null. */
export function currentCallout(c) {
  const all = c.callouts ?? [];
  return all.find((x) => x.state === "ringing") ?? all[all.length - 1] ?? null;
}

/** Who is being rung: [{name, role, delivered_at, seen_at, undelivered}]. */
export function ringing(c) {
  if (c.callouts) {
    return c.callouts
      .filter((x) => x.state === "ringing")
      .flatMap((x) => x.offers.filter((o) => o.state === "made"))
      .map((o) => ({ ...o, name: o.doctor_name }));
  }
  return (c.ringing ?? []).map((o) => ({ ...o, name: o.doctor_name }));
}

/**
 * The next step of the ladder: {names, role, due_at, last}. `due_at` is when somebody more is rung;
 * `last` says that the ladder has no further step and the last one rings again and again.
 */
export function nextStep(c) {
  if (c.callouts) {
    const call = c.callouts.find((x) => x.state === "ringing");
    if (!call) return null;
    const step = (call.ladder ?? []).find((s) => !s.started);
    return {
      names: step ? stepNames(step) : [],
      due_at: call.next_due_at,
      last: !step,
      round: call.round ?? 0,
    };
  }
  if (c.status !== "ringing" && !c.next_due_at) return null;
  const last = c.steps_total != null && c.step != null && c.step + 1 >= c.steps_total;
  return { names: c.next_names ?? [], due_at: c.next_due_at ?? null, last, round: c.round ?? 0 };
}

/** Names of a planned step: its people as resolved now, else its roles in words. */
export function stepNames(step) {
  const people = (step.doctors ?? []).map((d) => d.doctor_name).filter(Boolean);
  return people.length ? people : (step.who ?? []).map(roleText);
}

/** "trực chính", "điều phối viên", …; a step that names one person or a desk says so, and an unknown role is shown as it came. */
export function roleText(role) {
  const key = `role.${String(role).replace(/:.*/, "")}`;
  return has(key) ? t(key) : role;
}

/** "A", "A, B" or "A, B và 3 người khác". */
export function nameList(names) {
  const unique = [...new Set(names)];
  if (unique.length <= 2) return unique.join(", ");
  return t("p.and_more", { names: unique.slice(0, 2).join(", "), n: unique.length - 2 });
}

/** One line on the problem: the coded or written diagnosis, else the situation's first line, else null. */
export function problemText(c) {
  const text = c.diagnosis?.text || c.situation || c.diagnosis?.code || c.diagnosis_code;
  return text ? String(text).split("\n")[0] : null;
}

/** An acceptance in words; one that came by a key in a call says so, because that doctor has not seen the case yet. */
export const acceptedText = (offer, words) => (offer?.answered_via === "voice" ? `${words} · ${t("p.by_phone")}` : words);

/** Name of a specialty code in the reader's language; the code itself while the list is unknown. */
export function specialtyName(code, list) {
  const s = (list ?? []).find((x) => x.code === code);
  return s ? s[lang()] ?? s.vi : code;
}

/** Sort of the board: what is real before drills, what rings before what is to be confirmed, then urgency, then time left (overdue first), held and answered ones after. */
export function byUrgencyThenDue(a, b) {
  const u = Boolean(a.drill) - Boolean(b.drill) || isQuiet(a) - isQuiet(b) || URGENCIES.indexOf(a.urgency) - URGENCIES.indexOf(b.urgency);
  if (u) return u;
  const due = (c) => (c.answered_at || !c.answer_due_at ? Infinity : Date.parse(c.answer_due_at));
  return due(a) - due(b) || (a.created_at < b.created_at ? -1 : 1);
}
