// Vital signs with their time, and NEWS2 exactly as the server worked it out. A missing value is never zero and never normal.
// NEWS2 © Royal College of Physicians 2017.
import { html, Icon } from "../core/html.js";
import { fmtWhen, num, t } from "../core/i18n.js";
import { serverNow, useTick } from "../core/clock.js";
import { spanText } from "./countdown.js";
import { OLD_AFTER_MIN } from "./facts.js";

const LETTER = { alert: "A", confusion: "C", voice: "V", pain: "P", unresponsive: "U" };
const plain = (v) => (v == null ? null : num(v));

/** The cells of the grid: [key, part of NEWS2, unit, how to print it from a set]. */
const CELLS = [
  ["respiration", "respiration", "p.u.min", (v) => plain(v.respiration)],
  ["spo2", "spo2", "%", (v) => plain(v.spo2)],
  ["oxygen", "oxygen", "p.u.lmin", oxygenText],
  ["bp", "systolic", "mmHg", pressureText],
  ["pulse", "pulse", "p.u.min", (v) => plain(v.pulse)],
  ["consciousness", "consciousness", "", (v) => LETTER[v.consciousness] ?? null],
  ["temperature", "temperature", "°C", (v) => plain(v.temperature)],
];

function oxygenText(v) {
  if (v.on_oxygen === false) return t("p.air");
  if (v.on_oxygen === true) return v.oxygen_l_min != null ? num(v.oxygen_l_min) : t("p.yes");
  return null;
}

function pressureText(v) {
  if (v.systolic == null && v.diastolic == null) return null;
  return `${v.systolic ?? "?"}/${v.diastolic ?? "?"}`;
}

const unitText = (unit) => (unit.startsWith("p.") ? t(unit) : unit);

/** Age of a set in seconds, by the server's clock. */
export const ageSeconds = (set) => Math.max(0, (serverNow() - Date.parse(set.taken_at)) / 1000);

/** Whether a set is called old for this urgency: 15 min red, 30 orange, 60 other. */
export const isOld = (set, urgency) => ageSeconds(set) > (OLD_AFTER_MIN[urgency] ?? 60) * 60;

/** The colour step 0–3 of a NEWS2 total: 0–4 white (one single 3: yellow), 5–6 orange, 7 and more red. */
export const bandStep = (news2) => ({ low: 0, single3: 1, medium: 2, high: 3 })[news2?.band] ?? null;

/** One NEWS2 digit. @param value 0–3, or null: a dashed question mark. */
export function Digit({ value, missing }) {
  if (value == null && !missing) return null;
  return html`<span class=${`nw ${value == null ? "nx0" : `n${value}`}`}>
    <span aria-hidden="true">${value ?? "?"}</span><span class="vh">${value == null ? t("p.news.missing_digit") : t("p.news.digit", { n: value })}</span>
  </span>`;
}

/**
 * The grid of the newest set: value, unit, NEWS2 digit; the eighth cell is the total. Values of an older set appear
 * with their own time and without a digit, because NEWS2 comes from one set only.
 * @param vitals   VitalsRead[], oldest first
 * @param urgency  decides when a value is called old
 * @param columns  4 (card) or 3 (case summary); 3 leaves the total to <NewsTotal>
 * @param small    dense cells
 */
export function Vitals({ vitals, urgency, columns = 4, small = false }) {
  useTick();
  const set = vitals?.[vitals.length - 1];
  if (!set) return html`<p class="missing"><${Icon} name="warn" />${t("p.no_vitals")}</p>`;
  const news2 = set.news2;
  const scored = news2 && news2.state !== "not_applicable";
  const old = isOld(set, urgency);
  return html`<div>
    <div class=${`vit vit-${columns}${small ? " sm" : ""}${old ? " old" : ""}`}>
      ${CELLS.map(([key, part, unit, print]) => {
        const own = print(set);
        const earlier = own == null ? earlierSet(vitals, print) : null;
        const text = own ?? (earlier && print(earlier));
        return html`<div key=${key}>
          <span class="l clip">${t(`p.v.${key}`)} <small>${unitText(unit)}</small></span>
          <span class=${`v${own == null ? " none" : ""}${/[^\d\s.,/–-]{3}/.test(text ?? "") ? " word" : ""}`}>
            ${text ?? t("p.not_measured")}
            ${earlier && html`<small class="v-at">${fmtWhen(earlier.taken_at)}</small>`}
          </span>
          ${scored && html`<${Digit} value=${own == null ? null : news2.parts?.[part]} missing />`}
        </div>`;
      })}
      ${columns === 4 && html`<${TotalCell} news2=${news2} />`}
    </div>
    <p class="cap vit-at">
      ${t("p.taken_at", { time: fmtWhen(set.taken_at), ago: spanText(ageSeconds(set)) })}
      ${old && html` <span class="chip warn"><${Icon} name="clock" />${t("p.old")}</span>`}
      ${columns === 4 && news2?.suggests && html` <span>${t("p.news.suggest", { level: t(`urgency.short.${news2.suggests}`) })}</span>`}
      ${columns === 4 && news2 && newsNote(news2) && html` <span>${newsNote(news2)}</span>`}
    </p>
    ${(set.warnings ?? []).map((w) => html`<p class="cap v-warn"><${Icon} name="warn" />${w.detail}</p>`)}
  </div>`;
}

function earlierSet(vitals, print) {
  for (let i = vitals.length - 2; i >= 0; i--) if (print(vitals[i]) != null) return vitals[i];
  return null;
}

function TotalCell({ news2 }) {
  const step = bandStep(news2);
  if (news2?.state !== "complete" || step == null) {
    return html`<div class="tt nx0"><b>${news2?.state === "not_applicable" ? "–" : "?"}</b><span>NEWS2<br />${t(news2?.state === "not_applicable" ? "p.news.not_used" : "p.news.incomplete")}</span></div>`;
  }
  return html`<div class=${`tt n${step}`}><b>${news2.total}</b><span>NEWS2<br />${t(`p.news.short.${news2.band}`)}</span></div>`;
}

/** What must be said beside a score: what is missing, why it is not used, that low excludes nothing. Empty when nothing. */
export function newsNote(news2) {
  if (news2.state === "not_applicable") return t(`p.news.why.${news2.why_not ?? "age_unknown"}`);
  if (news2.state === "incomplete") return t("p.news.incomplete_of", { value: (news2.missing ?? []).map((m) => t(`p.m.${m}`)).join(", ") });
  if (news2.band === "low") return t("p.news.low_excludes_nothing");
  return "";
}

/**
 * The NEWS2 total in big, with its band in words and the change since the set before.
 * @param vitals  VitalsRead[], oldest first
 */
export function NewsTotal({ vitals }) {
  const sets = (vitals ?? []).filter((v) => v.news2);
  const last = sets[sets.length - 1];
  if (!last) return null;
  const { news2 } = last;
  const step = bandStep(news2);
  const complete = news2.state === "complete" && step != null;
  const before = sets.slice(0, -1).filter((v) => v.news2.state === "complete").pop();
  return html`<div class="news">
    <span class=${`nw tot ${complete ? `n${step}` : "nx0"}`}>${complete ? news2.total : news2.state === "not_applicable" ? "–" : "?"}</span>
    <div>
      <div class="lab">NEWS2${complete ? ` · ${t(`p.news.${news2.band}`)}` : ""}</div>
      ${complete && before && html`<div class="cap num">${t("p.news.change", { a: before.news2.total, at: fmtWhen(before.taken_at), b: news2.total, bt: fmtWhen(last.taken_at) })}</div>`}
      ${newsNote(news2) && html`<div class="cap">${newsNote(news2)}</div>`}
      ${complete && news2.scale === 2 && html`<div class="cap">${t("p.news.scale2")}</div>`}
      <div class="cap">NEWS2 © Royal College of Physicians 2017</div>
    </div>
  </div>`;
}

/**
 * Trend of systolic pressure and pulse over the last sets, drawn over real time.
 * @param vitals  VitalsRead[], oldest first; nothing is drawn for fewer than two values
 */
export function Trend({ vitals }) {
  const sets = (vitals ?? []).filter((v) => v.systolic != null || v.pulse != null).slice(-6);
  if (sets.length < 2) return null;
  const values = sets.flatMap((v) => [v.systolic, v.pulse]).filter((v) => v != null);
  const low = Math.min(40, ...values) - 5;
  const high = Math.max(120, ...values) + 5;
  const y = (v) => 14 + ((high - v) / (high - low)) * 62;
  const t0 = Date.parse(sets[0].taken_at);
  const span = Date.parse(sets[sets.length - 1].taken_at) - t0 || 1;
  const x = (v) => 44 + ((Date.parse(v.taken_at) - t0) / span) * 230;
  const points = (key) => sets.filter((v) => v[key] != null).map((v) => ({ x: x(v), y: y(v[key]), v: v[key] }));
  const line = (ps) => ps.map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(" ");
  const bp = points("systolic");
  const pulse = points("pulse");
  const spoken = t("p.trend.spoken", { bp: bp.map((p) => p.v).join(", "), pulse: pulse.map((p) => p.v).join(", ") });
  return html`<figure class="trend-fig">
    <figcaption class="row cap">
      <span class="tr-k tr-bp">${t("p.trend.bp")}</span><span class="tr-k tr-pulse">${t("p.v.pulse")}</span>
      <span class="end num">${fmtWhen(sets[0].taken_at)} – ${fmtWhen(sets[sets.length - 1].taken_at)}</span>
    </figcaption>
    <svg class="trend" viewBox="0 0 300 92" role="img" aria-label=${spoken}>
      ${[40, 80, 120, 160, 200].filter((v) => v > low && v < high).map((v) => html`<path class="tr-g" d=${`M34 ${y(v)}H292`} /><text class="tr-a" x="4" y=${y(v) + 4}>${v}</text>`)}
      <polyline class="tr-l1" points=${line(bp)} />
      <polyline class="tr-l2" points=${line(pulse)} />
      ${bp.map((p) => html`<circle class="tr-d1" cx=${p.x} cy=${p.y} r="4" /><text class="tr-t" x=${p.x} y=${p.y - 7}>${p.v}</text>`)}
      ${pulse.map((p) => html`<rect class="tr-d2" x=${p.x - 3} y=${p.y - 3} width="6" height="6" /><text class="tr-t" x=${p.x} y=${p.y + 15}>${p.v}</text>`)}
    </svg>
  </figure>`;
}

/** A set in one line, for quotes and system lines: "HA 94/60, mạch 52, thở 22, SpO₂ 93 % (3 l/phút), 36,6 °C, A · NEWS2 8". */
export function vitalsLine(set) {
  const bits = [
    pressureText(set) && `${t("p.s.bp")} ${pressureText(set)}`,
    set.pulse != null && `${t("p.s.pulse")} ${num(set.pulse)}`,
    set.respiration != null && `${t("p.s.respiration")} ${num(set.respiration)}`,
    set.spo2 != null && `SpO₂ ${num(set.spo2, "%")}`,
    set.on_oxygen != null && `${t("p.s.oxygen")} ${oxygenText(set)}${set.oxygen_l_min != null ? ` ${t("p.u.lmin")}` : ""}`,
    set.temperature != null && num(set.temperature, "°C"),
    set.consciousness && LETTER[set.consciousness],
  ].filter(Boolean);
  const total = set.news2?.state === "complete" ? ` · NEWS2 ${set.news2.total}` : "";
  return bits.join(", ") + total;
}
