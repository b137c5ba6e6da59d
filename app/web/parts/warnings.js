// What the server found odd about a case when it was asked: both doctors read it (hazard 10).
import { html, Icon } from "../core/html.js";
import { t } from "../core/i18n.js";

const KNOWN = ["like_open_case", "other_specialty"];

/** @param outside  the sentence for a case outside every agreement: it is told differently to who asks   @param cls  of each note */
export function Warnings({ c, outside = "d.outside", cls = "note warn" }) {
  const codes = c.warnings ?? [];
  const words = [...(codes.includes("outside_agreement") ? [outside] : []), ...KNOWN.filter((code) => codes.includes(code)).map((code) => `c.warn.${code}`)];
  return words.map((key) => html`<p class=${cls} key=${key}><${Icon} name="warn" /><span>${t(key)}</span></p>`);
}
