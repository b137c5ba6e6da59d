/**
 * Words, times and numbers as the reader sees them.
 *
 *   t("wait.ringing", { doctor })   the sentence in the chosen language ({name} holes are filled)
 *   lang(), setLang("vi" | "en"), onLang(fn)
 *   fmtTime(iso, { seconds })  "03:04"         fmtWhen(iso)  "03:04", "hôm qua 21:15" or "23/11 21:15"
 *   fmtDate(iso)  "24/11/2026"                 fmtDuration(seconds)  "10:40"
 *   num(value, unit)  "36,6 °C": decimal comma in both languages, never a thousands separator
 *   parseNumber(text) -> { value } | { ambiguous } | { bad } | { empty }: comma and point both accepted
 *
 * Only sentences are translated. Codes are what is stored, and what a doctor typed is shown as typed, so switching the
 * language can never change a fact.
 */
import { serverNow } from "./clock.js";

/** Only the chosen language is loaded: half of the words on a slow line. The other one comes when it is asked for. */
const LOAD = {
  vi: () => Promise.all([import("../strings/vi.js"), import("../strings/desk.vi.js")]),
  en: () => Promise.all([import("../strings/en.js"), import("../strings/desk.en.js")]),
};
const STRINGS = {};
/** Words of screens that few people open, loaded with the screen: see addStrings. */
const MORE = [];

async function load(code) {
  const words = STRINGS[code] ?? Object.assign({}, ...(await LOAD[code]()).map((m) => m.default));
  const more = await Promise.all(MORE.map((files) => files[code]()));
  STRINGS[code] = Object.assign(words, ...more.map((m) => m.default));
}

/** Words that come with a screen: `await addStrings({ vi: () => import("…"), en: () => import("…") })`, once, before it is drawn. */
export async function addStrings(files) {
  MORE.push(files);
  await load(current);
}

const KEPT = "hoichan.lang";
const listeners = new Set();
let current = read() === "en" ? "en" : "vi";
await load(current);
document.documentElement.lang = current;

function read() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

export const lang = () => current;

/** Change the language at once; forms keep what was typed, because nothing is unmounted. */
export async function setLang(next) {
  const wanted = next === "en" ? "en" : "vi";
  try { await load(wanted); } catch { return; } // offline before this language was ever loaded: nothing changes
  current = wanted;
  document.documentElement.lang = current;
  try { localStorage.setItem(KEPT, current); } catch { /* a private window: the choice lasts for this page */ }
  listeners.forEach((fn) => fn(current));
}

export function onLang(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** The sentence for `key`; the key itself when there is none (a test compares the languages key by key). */
export function t(key, params) {
  const sentence = STRINGS[current][key] ?? key;
  return params ? sentence.replace(/\{(\w+)\}/g, (hole, name) => params[name] ?? hole) : sentence;
}

/** Whether a sentence exists, for keys that are built from data (`role.${role}`). */
export const has = (key) => key in STRINGS[current];

/**
 * Vietnam time: UTC+7 all year since 1975, without daylight saving; a fixed shift is exact and spares a slow phone the
 * time zone tables. Returns a Date whose UTC fields read as Vietnam wall time.
 */
export const vietnam = (at) => new Date(new Date(at).getTime() + 7 * 3600e3);

/** The instant of a Vietnam wall time, for example ("2026-11-24", "03:02"). */
export const fromVietnam = (date, time) => new Date(`${date}T${time.length === 5 ? time + ":00" : time}+07:00`);

const two = (n) => String(n).padStart(2, "0");

export function fmtTime(at, { seconds = false } = {}) {
  if (!at) return "";
  const d = vietnam(at);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${seconds ? ":" + two(d.getUTCSeconds()) : ""}`;
}

export function fmtDate(at, { year = true } = {}) {
  if (!at) return "";
  const d = vietnam(at);
  return `${two(d.getUTCDate())}/${two(d.getUTCMonth() + 1)}${year ? "/" + d.getUTCFullYear() : ""}`;
}

/** Days between the Vietnam dates of an instant and of now: 0 today, -1 yesterday, 1 tomorrow. */
export function dayOffset(at) {
  const day = (x) => Math.floor(vietnam(x).getTime() / 86400e3);
  return day(at) - day(serverNow());
}

/** A time with its date as soon as it is not today's: an hour alone is ambiguous around midnight. */
export function fmtWhen(at, options) {
  if (!at) return "";
  const off = dayOffset(at);
  const time = fmtTime(at, options);
  if (off === 0) return time;
  if (off === -1) return `${t("day.yesterday")} ${time}`;
  if (off === 1) return `${t("day.tomorrow")} ${time}`;
  return `${fmtDate(at, { year: vietnam(at).getUTCFullYear() !== vietnam(serverNow()).getUTCFullYear() })} ${time}`;
}

/** "0:40", "10:40", from an hour on "3 giờ 51 phút" (or "3:51:02" with `clock`). Negative reads as 0:00. */
export function fmtDuration(seconds, { clock = false } = {}) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  const hours = Math.floor(s / 3600), minutes = Math.floor((s % 3600) / 60);
  return clock ? `${hours}:${two(minutes)}:${two(s % 60)}` : t("time.hours_minutes", { h: hours, m: minutes });
}

export function num(value, unit) {
  if (value === null || value === undefined || value === "") return "";
  return String(value).replace(".", ",") + (unit ? ` ${unit}` : "");
}

/**
 * Read a typed number. One comma or point is a decimal sign. Exactly three digits after it ("3.500", "1,200") could be
 * thousands: that is asked, never guessed ("0,850" can only be a decimal). Letters, two separators or a sign in the middle are refused.
 */
export function parseNumber(text) {
  const typed = String(text ?? "").trim();
  if (!typed) return { empty: true };
  if (!/^-?\d+([.,]\d+)?$/.test(typed)) return { bad: true };
  if (/^[1-9]\d{0,2}[.,]\d{3}$/.test(typed)) {
    return { ambiguous: [Number(typed.replace(",", ".")), Number(typed.replace(/[.,]/, ""))] };
  }
  return { value: Number(typed.replace(",", ".")) };
}
