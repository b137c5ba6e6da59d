// Times of a rota: weeks and days of Vietnam, stretches of duty, and when a layer is on. Pure; what is drawn of layers explains
// the rota, while the result rows always come from the server, which computes them as it does for live calls.
import { serverNow } from "../core/clock.js";
import { fmtDate, fmtTime, fromVietnam, t, vietnam } from "../core/i18n.js";

export const HOUR = 3600e3, DAY = 24 * HOUR, WEEK = 7 * DAY;
export const ROLES = ["primary", "backup", "head_of_shift", "red_team", "leadership", "coordinator"];
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const SHIFT = 7 * HOUR; // Vietnam has had one offset, without daylight saving, since 1975

const ms = (at) => (typeof at === "number" ? at : Date.parse(at));
export const iso = (at) => new Date(at).toISOString();
/** "2026-11-24" in Vietnam. */
export const dateOf = (at) => vietnam(at).toISOString().slice(0, 10);
/** Midnight in Vietnam of a date "2026-11-24", or of the day that holds an instant. */
export const midnight = (at) => fromVietnam(typeof at === "string" ? at : dateOf(at), "00:00").getTime();
const weekday = (at) => (vietnam(at).getUTCDay() + 6) % 7;
/** Monday 00:00 of the week that holds this instant. */
export const monday = (at) => midnight(at) - weekday(at) * DAY;

/** The month that holds an instant: { first, from, weeks, before, after }, its weeks whole; before and after are days of its neighbours. */
export function monthOf(at) {
  const first = midnight(`${dateOf(at).slice(0, 7)}-01`);
  const next = midnight(`${dateOf(first + 32 * DAY).slice(0, 7)}-01`);
  const from = monday(first);
  return { first, from, weeks: Math.ceil((next - from) / WEEK), before: first - 15 * DAY, after: next + 14 * DAY };
}

/** Wall-clock time in Vietnam, "2026-11-24T19:00". */
export const local = (at) => (at ? new Date(ms(at) + SHIFT).toISOString().slice(0, 16) : "");
/** "2026-11-24T19:00" as it is read and typed here: "24/11/2026 19:00". Never the browser's own field: its order of day and month follows the device's language, and 04/11 would be two dates. */
export const typed = (naive) => (naive ? `${naive.slice(8, 10)}/${naive.slice(5, 7)}/${naive.slice(0, 4)}${naive.length > 10 ? ` ${naive.slice(11, 16)}` : ""}` : "");
/** What was typed: "24/11 19:00", "24-11-2026 19h00" -> "2026-11-24T19:00"; a missing year is the one that lies nearest. "" when it is no date and time. */
export function readTyped(text, { time = true } = {}) {
  const m = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?(?:[\s,]+(\d{1,2})(?:[:hg.](\d{2})?)?)?$/i.exec(String(text ?? "").trim());
  if (!m || (time && m[4] === undefined)) return "";
  const two = (x) => String(x ?? 0).padStart(2, "0");
  const at = (year) => `${year}-${two(m[2])}-${two(m[1])}`;
  const now = serverNow();
  const this_ = vietnam(now).getUTCFullYear();
  const year = m[3] ?? [this_ - 1, this_, this_ + 1].sort((a, b) => Math.abs(Date.parse(`${at(a)}T12:00Z`) - now) - Math.abs(Date.parse(`${at(b)}T12:00Z`) - now))[0];
  const day = new Date(`${at(year)}T00:00Z`);
  if (!Number.isFinite(day.getTime()) || day.toISOString().slice(0, 10) !== at(year) || Number(m[4] ?? 0) > 23 || Number(m[5] ?? 0) > 59) return "";
  return time ? `${at(year)}T${two(m[4])}:${two(m[5])}` : at(year);
}
export const fromLocal = (naive) => (naive ? fromVietnam(naive.slice(0, 10), naive.slice(11, 16)).toISOString() : "");

/** Number of the week as calendars here count it (ISO 8601). */
export function weekNumber(mondayMs) {
  const thursday = vietnam(mondayMs + 3 * DAY);
  return 1 + Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / WEEK);
}

export const dayName = (i) => t(`r.day.${i}`);
export const dayShort = (i) => t(`r.d.${i}`);
export const longDay = (at) => `${dayName(weekday(at))} ${fmtDate(at, { year: false })}`;
export const hours = (a, b) => Math.round(((ms(b) - ms(a)) / HOUR) * 10) / 10;
export const hoursText = (n) => t("r.hours", { n: String(n).replace(".", ",") });

/** "Thứ Sáu 27/11, 19:00 đến 07:00 (12 giờ)": the second date only when it is not the same night. */
export function spanText(x) {
  const from = ms(x.from), to = ms(x.to);
  const far = to - from > DAY || (dateOf(to) !== dateOf(from) && fmtTime(to) > "12:00");
  return t("r.span", { from: `${longDay(from)}, ${fmtTime(from)}`, to: far ? `${longDay(to)}, ${fmtTime(to)}` : fmtTime(to), hours: hoursText(hours(from, to)) });
}

/** "24/11 19:00 – 25/11 07:00", for lists and titles. */
export const shortSpan = (x) => `${fmtDate(x.from, { year: false })} ${fmtTime(x.from)} – ${dateOf(x.to) === dateOf(x.from) ? "" : `${fmtDate(x.to, { year: false })} `}${fmtTime(x.to)}`;

/** "00–08", "19:30–07" for a gap in a narrow block. */
export const clockSpan = (x) => [x.from, x.to].map((at) => fmtTime(at).replace(/:00$/, "")).join("–");

export const overlaps = (x, from, to) => ms(x.from) < to && ms(x.to) > from;
export const clip = (x, from, to) => ({ ...x, whole: x.whole ?? x, from: iso(Math.max(ms(x.from), from)), to: iso(Math.min(ms(x.to), to)) });
export const within = (list, from, to) => list.filter((x) => overlaps(x, from, to)).map((x) => clip(x, from, to));

/** People with the very same stretch stand in one block: the members of a team. [{ from, to, people: [{ id, name }] }] */
export function together(slots) {
  const found = new Map();
  for (const s of slots) {
    const key = `${ms(s.from)}-${ms(s.to)}`;
    const block = found.get(key) ?? { from: s.from, to: s.to, people: [] };
    block.people.push({ id: s.doctor, name: s.doctor_name });
    found.set(key, block);
  }
  return [...found.values()].sort((a, b) => ms(a.from) - ms(b.from));
}

/** Blocks that overlap get lines of their own: [{ block, lane }] and how many lines there are. */
export function lanes(blocks) {
  const ends = [];
  const rows = blocks.map((block) => {
    let lane = ends.findIndex((end) => end <= ms(block.from));
    if (lane < 0) lane = ends.length;
    ends[lane] = ms(block.to);
    return { block, lane };
  });
  return { rows, count: Math.max(1, ends.length) };
}

// --- layers ---------------------------------------------------------------------------------------------------------------

/** Whether layers of a zone can be drawn here: on a phone without time-zone tables only Vietnam's can. */
export const drawable = (zone) => ["Asia/Ho_Chi_Minh", "Asia/Saigon", "Asia/Bangkok"].includes(zone);
const UNIT = { hour: HOUR, day: DAY, week: WEEK };
const clock = (text) => Number(text.slice(0, 2)) * HOUR + Number(text.slice(3, 5)) * 60e3;

/** When a layer is on between two instants, and who: [{ from, to, ids }]. The rules are those of the server's rota. */
export function layerBlocks(layer, holidays, from, to) {
  // A hospital's own row counts before the country's.
  const special = new Map([...holidays].sort((a, b) => Boolean(a.hospital) - Boolean(b.hospital)).map((h) => [h.date, h]));
  const counts = (day) => layer.on === "any" || (special.get(dateOf(day))?.kind === "off") === (layer.on === "holiday");
  const turnDay = (day) => {
    const h = special.get(dateOf(day));
    return h?.kind === "working" && h.as ? h.as : DAYS[weekday(day)];
  };
  const spans = [];
  if (!layer.windows) {
    if (layer.on === "any") spans.push([from, to]);
    else for (let day = midnight(from); day < to; day += DAY) if (counts(day)) join(spans, [Math.max(day, from), Math.min(day + DAY, to)]);
  } else {
    for (const w of layer.windows) {
      const later = w.plus_days ?? (w.end > w.start ? 0 : 1);
      for (let day = midnight(from) - later * DAY; day < to; day += DAY) {
        if (!(w.days?.length ? w.days : DAYS).includes(turnDay(day)) || !counts(day)) continue;
        const open = day + clock(w.start), shut = day + later * DAY + clock(w.end);
        if (open < to && shut > from && open < shut) spans.push([open, shut]);
      }
    }
    spans.sort((a, b) => a[0] - b[0]);
  }
  const found = [];
  const put = (a, b, ids) => ids.length && a < to && b > from && found.push({ from: iso(Math.max(a, from)), to: iso(Math.min(b, to)), ids });
  if (!layer.rotation) spans.forEach(([a, b]) => put(a, b, layer.turns[0] ?? []));
  else {
    const period = layer.rotation.every * UNIT[layer.rotation.unit];
    const anchor = fromVietnam(layer.rotation.anchor.slice(0, 10), layer.rotation.anchor.slice(11, 16)).getTime();
    const size = layer.turns.length;
    const turn = (n) => layer.turns[((n % size) + size) % size];
    const whole = layer.windows && layer.rotation.unit !== "hour";
    for (const [a, b] of spans) {
      let n = Math.floor((a - anchor) / period);
      if (whole) put(a, b, turn(n));
      else for (; anchor + n * period < b; n += 1) put(Math.max(a, anchor + n * period), Math.min(b, anchor + (n + 1) * period), turn(n));
    }
  }
  return found;
}

function join(spans, next) {
  const last = spans.at(-1);
  if (last && last[1] >= next[0]) last[1] = Math.max(last[1], next[1]);
  else spans.push(next);
}

/** "T2–T6, 19:00–07:00 · đổi mỗi ngày 08:00" */
export function layerText(layer) {
  const parts = (layer.windows ?? []).map((w) => `${daysText(w.days)}, ${w.start}–${w.end}${w.plus_days > 1 ? ` (+${w.plus_days})` : ""}`);
  if (!layer.windows) parts.push(t("r.around_the_clock"));
  if (layer.on !== "any") parts.push(t(`r.on.${layer.on}`).toLowerCase());
  if (layer.rotation && layer.turns.length > 1) parts.push(t(layer.rotation.every > 1 ? "r.turns_every" : "r.turns", { n: layer.rotation.every, unit: t(`r.unit.${layer.rotation.unit}`), time: layer.rotation.anchor.slice(11, 16) }));
  return parts.join(" · ");
}

/** "T2–T6", "T7, CN", "hằng ngày" */
export function daysText(days) {
  const at = DAYS.map((d, i) => ((days ?? []).includes(d) ? i : -1)).filter((i) => i >= 0);
  if (!at.length || at.length === 7) return t("r.every_day");
  if (at.length > 2 && at.at(-1) - at[0] === at.length - 1) return `${dayShort(at[0])}–${dayShort(at.at(-1))}`;
  return at.map(dayShort).join(", ");
}

// --- names ------------------------------------------------------------------------------------------------------------------

/** Short names for narrow blocks: what everybody's name begins with is said once, "TM = Tim mạch". */
export function nameBook(names) {
  const plain = (name) => name.replace(/^(BS|Bác sĩ|BSCK\w*|ThS|TS|PGS|GS)\.?\s+(trực\s+)?/i, "");
  const all = [...new Set(names)].map(plain);
  const words = all.map((n) => n.split(" "));
  let common = 0;
  while (all.length > 1 && words.every((w) => w.length > common + 1 && w[common] === words[0][common])) common += 1;
  const shared = common ? words[0].slice(0, common) : [];
  const mark = shared.length ? shared.flatMap((w) => w.split("–")).map((w) => w[0].toUpperCase()).join("").slice(0, 4) : "";
  return {
    key: mark && `${mark} = ${shared.join(" ")}`,
    long: plain,
    mid: (name) => (shared.length && plain(name).startsWith(`${shared.join(" ")} `) ? `${mark} ${plain(name).split(" ").slice(common).join(" ")}` : initials(plain(name))),
    tiny: (name) => (shared.length && plain(name).startsWith(`${shared.join(" ")} `) ? plain(name).split(" ").slice(common).join(" ") : plain(name).split(" ").at(-1)),
  };
}

/** "Nguyễn Văn An" reads as "NV An": the given name is what people are called by. */
const initials = (name) => {
  const words = name.split(" ");
  return words.length < 3 || /\d/.test(words.at(-1)) ? name : `${words.slice(0, -1).map((w) => w[0]).join("")} ${words.at(-1)}`;
};
