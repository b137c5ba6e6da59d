// Urgency: a shape, a word and a colour, so that it never rests on colour alone.
import { html } from "../core/html.js";
import { t } from "../core/i18n.js";

const mark = {
  red: () => html`<path class="mk" d="M7.3 1.5h9.4l6 6v9l-6 6H7.3l-6-6v-9Z" /><path class="gl" d="M12 6.5v7M12 17.3v.2" />`,
  orange: () => html`<path class="mk" d="M12 1.8 23.3 21.5H.7Z" /><path class="gl" d="M12 9v5.5M12 18v.2" />`,
  yellow: () => html`<path class="mk" d="M12 .8 23.2 12 12 23.2.8 12Z" /><path class="gl" d="M12 7v5.5l3 2" />`,
  green: () => html`<circle class="mk" cx="12" cy="12" r="11" /><path class="gl" d="m7 12.5 3.5 3.5 6.5-7.5" />`,
};

/**
 * Urgency mark: octagon Đỏ, triangle Cam, diamond Vàng, disc Xanh.
 * @param level  "red" | "orange" | "yellow" | "green"
 * @param short  "Cam" instead of "Cam · Cấp cứu" (lists)
 * @param big    28 px mark (cards)
 */
export function Urgency({ level, short = false, big = false }) {
  const draw = mark[level];
  if (!draw) return null;
  return html`<span class=${`u u-${level}${big ? " big" : ""}`}>
    <svg viewBox="0 0 24 24" aria-hidden="true">${draw()}</svg>
    <span>${t(short ? `urgency.short.${level}` : `urgency.${level}`)}</span>
  </span>`;
}
