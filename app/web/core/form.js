/**
 * Form fields with one behaviour everywhere: visible labels tied to their field, errors in words above it, comma and
 * point both accepted, an ambiguous separator asked about, arrow keys in radio groups.
 *
 *   <Field id label error opt hint>control</Field>
 *   <Text id label value onInput error rows? inputmode? />
 *   <Measure id part value onInput error digit />        a vital sign: unit inside the label, NEWS2 digit inside the field
 *   <Pick id label options value onPick error />         options [[value, words, full?]]: chips that are a radio group
 *   <Triage value onPick />                              the four urgencies
 *   readClock(text) -> "03:02" | null                    latestAt(clock) -> the last instant at which it was that time
 *   readMeasure(name, text) -> { value } | { error } | { ask } | {}      doubt(name, value) -> sentence | null
 */
import { html, Icon, useRef } from "./html.js";
import { serverNow } from "./clock.js";
import { fmtDate, fmtTime, fromVietnam, num, parseNumber, t, vietnam } from "./i18n.js";
import { Urgency } from "../parts/urgency.js";

/** What a value can be: refused outside low–high (or 0 where an arrest may give it), doubted outside usual. As the server's. */
export const RANGES = {
  pulse: { low: 20, high: 300, usual: [30, 220], example: 94, unit: "u.min", zero: true },
  systolic: { low: 26, high: 300, usual: [50, 250], example: 118, unit: "mmHg", zero: true },
  diastolic: { low: 10, high: 200, usual: [20, 150], example: 76, unit: "mmHg", zero: true },
  respiration: { low: 2, high: 120, usual: [6, 80], example: 18, unit: "u.min", zero: true },
  temperature: { low: 13, high: 43, usual: [33, 41.5], example: 36.6, unit: "°C", decimals: 1 },
  spo2: { low: 0, high: 100, usual: [50, 100], example: 97, unit: "%" },
  oxygen_l_min: { low: 0, high: 100, usual: [0, 70], example: 3, unit: "u.lmin", decimals: 1 },
  weight_kg: { low: 0.2, high: 500, usual: [0.4, 200], example: 52, unit: "kg", decimals: 3 },
};
export const unitOf = (name) => (RANGES[name].unit.startsWith("u.") ? t(RANGES[name].unit) : RANGES[name].unit);

/** Read what was typed in a measured field; nothing is guessed, and only what cannot be is refused. */
export function readMeasure(name, text) {
  const limits = RANGES[name];
  const typed = parseNumber(text);
  if (typed.empty) return {};
  if (typed.ambiguous) {
    const [decimal, whole] = typed.ambiguous;
    const can = (x) => (limits.decimals || Number.isInteger(x)) && x >= limits.low && x <= limits.high;
    return { ask: typed.ambiguous.filter(can), error: t("error.ambiguous", { a: num(decimal, unitOf(name)), b: num(whole, unitOf(name)) }) };
  }
  const { low, high, example, zero, decimals } = limits;
  const possible = typed.value !== undefined && ((typed.value >= low && typed.value <= high) || (zero && typed.value === 0));
  if (!possible) {
    if (name === "weight_kg" && typed.value > 500 && typed.value <= 10000) return { error: t("error.grams", { a: num(typed.value), b: num(typed.value / 1000) }) };
    if (name === "temperature" && typed.value > 43 && typed.value <= 115) {
      return { error: t("error.fahrenheit", { a: num(typed.value), c: num(Math.round(((typed.value - 32) / 1.8) * 10) / 10) }) };
    }
    if (name === "systolic" && typed.value >= 4 && typed.value < 26) return { error: t("error.cmhg") };
    return { error: t("error.range", { a: num(low), b: num(high), c: num(example) }) };
  }
  if (!decimals && !Number.isInteger(typed.value)) return { error: t("error.whole", { c: num(example) }) };
  return { value: typed.value };
}

/** What is possible but unlikely: said at once, and sent all the same. */
export function doubt(name, value) {
  if (value === undefined || value === null) return null;
  if (value === 0 && RANGES[name].zero) return t("doubt.zero");
  const [low, high] = RANGES[name].usual;
  return value < low || value > high ? t("doubt.unusual", { a: num(low), b: num(high) }) : null;
}

/** "3:02", "0302", "3h02" -> "03:02"; null when it is no time of day. */
export function readClock(text) {
  const typed = /^(\d{1,2})\s*[:hg.]?\s*(\d{2})$/i.exec(String(text ?? "").trim());
  if (!typed || typed[1] > 23 || typed[2] > 59) return null;
  return `${typed[1].padStart(2, "0")}:${typed[2]}`;
}

/** The last time it was that o'clock: 23:50 entered at 00:10 was yesterday. Echo its date wherever this is used. */
export function latestAt(clock) {
  const now = serverNow();
  const date = (ms) => vietnam(ms).toISOString().slice(0, 10);
  const today = fromVietnam(date(now), clock);
  return today.getTime() <= now + 60e3 ? today : fromVietnam(date(now - 86400e3), clock);
}

export const echo = (iso) => t("form.taken_echo", { time: fmtTime(iso), date: fmtDate(iso) });

const describe = (id, error, hint) => [error && `${id}-e`, hint && `${id}-h`].filter(Boolean).join(" ") || undefined;

export function Field({ id, label, opt, error, hint, warn, children }) {
  return html`<div class="field">
    <label for=${id}>${label}${opt ? html` <span class="opt">${opt}</span>` : ""}</label>
    ${error && html`<p class="err" id=${`${id}-e`}><${Icon} name="warn" />${error}</p>`}
    ${children}
    ${warn && html`<p class="cap warn-t" role="status"><${Icon} name="warn" />${warn}</p>`}
    ${hint && html`<p class="cap" id=${`${id}-h`}>${hint}</p>`}
  </div>`;
}

export function Text({ id, label, opt, value, onInput, error, hint, warn, rows, inputmode, placeholder, ...rest }) {
  const shared = {
    id, class: "in", value: value ?? "", onInput: (e) => onInput(e.target.value), placeholder,
    "aria-invalid": error ? "true" : undefined, "aria-describedby": describe(id, error, hint), ...rest,
  };
  return html`<${Field} id=${id} label=${label} opt=${opt} error=${error} hint=${hint} warn=${warn}>
    ${rows ? html`<textarea ...${shared} rows=${rows}></textarea>` : html`<input ...${shared} inputmode=${inputmode} autocomplete="off" />`}
  </${Field}>`;
}

/** One NEWS2 digit; decorative marks are silent, the words are read. */
export function Digit({ value }) {
  if (value === null || value === undefined) return null;
  return html`<span class=${`nw n${value}`}><span aria-hidden="true">${value}</span><span class="vh">${t("vitals.digit", { n: value })}</span></span>`;
}

export function Measure({ id, name, value, onInput, error, digit = null, showError = false }) {
  const read = readMeasure(name, value);
  const said = error ?? (read.ask || showError ? read.error : null);
  const doubtful = !said && doubt(name, read.value);
  const words = t(`vitals.${name}`);
  return html`<div class=${`vin${said ? " bad" : ""}`}>
    <label class="l" for=${id}>${words} <span class="un">${unitOf(name)}</span></label>
    <input class="in" id=${id} inputmode="decimal" autocomplete="off" value=${value ?? ""} onInput=${(e) => onInput(e.target.value)}
      aria-invalid=${said ? "true" : undefined} aria-describedby=${said || doubtful ? `${id}-e` : undefined} />
    <${Digit} value=${digit} />
    ${said && html`<p class="err" id=${`${id}-e`} role="status"><${Icon} name="warn" /><span>${said}</span></p>`}
    ${read.ask && html`<div class="pick ask">${read.ask.map((x) => html`<button type="button" onClick=${() => onInput(num(x === Math.trunc(x) ? x : Number(x.toFixed(3))))}>${num(x, unitOf(name))}</button>`)}</div>`}
    ${doubtful && html`<p class="cap warn-t" id=${`${id}-e`} role="status"><${Icon} name="warn" />${doubtful}</p>`}
  </div>`;
}

/** Arrow keys move through a radio group and choose; only the chosen (or first) option takes part in tabbing. */
function useRadio(options, value, onPick) {
  const box = useRef(null);
  const move = (e) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const at = options.indexOf(document.activeElement?.dataset.value ?? value);
    const next = options[(at + step + options.length) % options.length];
    onPick(next);
    setTimeout(() => box.current?.querySelector(`[data-value="${next}"]`)?.focus(), 0);
  };
  const option = (x) => ({
    type: "button", role: "radio", "data-value": x, "aria-checked": x === value ? "true" : "false",
    tabindex: x === value || (!options.includes(value) && x === options[0]) ? 0 : -1, onClick: () => onPick(x),
  });
  return { box, move, option };
}

export function Pick({ id, label, options, value, onPick, error, opt, extra = null, digit = null }) {
  const { box, move, option } = useRadio(options.map(([x]) => x), value, onPick);
  return html`<div class="field">
    <span class="lbl" id=${`${id}-l`}>${label}${opt ? html` <span class="opt">${opt}</span>` : ""}<${Digit} value=${digit} /></span>
    ${error && html`<p class="err" id=${`${id}-e`}><${Icon} name="warn" />${error}</p>`}
    <div class="row wrap pick-row">
      <div class="pick" id=${id} tabindex="-1" role="radiogroup" ref=${box} onKeyDown=${move} aria-labelledby=${`${id}-l`} aria-describedby=${error ? `${id}-e` : undefined}>
        ${options.map(([x, words, full]) => html`<button key=${x} ...${option(x)} aria-label=${full} title=${full}>${x === value && html`<${Icon} name="check" />`}${words}</button>`)}
      </div>${extra}
    </div>
    ${options.find(([x, , full]) => full && x === value) && html`<p class="cap">${options.find(([x]) => x === value)[2]}</p>`}
  </div>`;
}

const LEVELS = ["red", "orange", "yellow", "green"];

export function Triage({ id, value, onPick, error }) {
  const { box, move, option } = useRadio(LEVELS, value, onPick);
  return html`<div class="field">
    <span class="lbl" id=${`${id}-l`}>${t("request.urgency")}</span>
    ${error && html`<p class="err" id=${`${id}-e`}><${Icon} name="warn" />${error}</p>`}
    <div class="urg" id=${id} tabindex="-1" role="radiogroup" ref=${box} onKeyDown=${move} aria-labelledby=${`${id}-l`} aria-describedby=${error ? `${id}-e` : undefined}>
      ${LEVELS.map((level) => html`<button key=${level} class=${`u-${level}`} ...${option(level)}><${Urgency} level=${level} short /><span class="cap">${t(`request.due.${level}`)}</span></button>`)}
    </div>
  </div>`;
}
