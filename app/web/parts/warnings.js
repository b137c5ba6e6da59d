// What stands above everything else of a case: what the server found odd about it when it was asked (hazard 10), and that the
// patient has become worse (hazard 7).
import { html, Icon } from "../core/html.js";
import { t } from "../core/i18n.js";
import { URGENCIES } from "./facts.js";

const KNOWN = ["like_open_case", "other_specialty"];

/** @param outside  the sentence for a case outside every agreement: it is told differently to who asks   @param cls  of each note */
export function Warnings({ c, outside = "d.outside", cls = "note warn" }) {
  const codes = c.warnings ?? [];
  const words = [...(codes.includes("outside_agreement") ? [outside] : []), ...KNOWN.filter((code) => codes.includes(code)).map((code) => `c.warn.${code}`)];
  return words.map((key) => html`<p class=${cls} key=${key}><${Icon} name="warn" /><span>${t(key)}</span></p>`);
}

/**
 * Whether a set that was added while the case is open prompts to raise the urgency, as the server judges it: NEWS2 of 7 and more,
 * or 3 more than the set before. A set that came with the request does so where it asks for more than was chosen. Urgency that was
 * raised since has answered it. It only ever suggests upwards.
 */
export function worse(c) {
  if (c.urgency === "red" || !["ringing", "active"].includes(c.status)) return false;
  const sets = (c.vitals ?? []).filter((v) => v.news2?.state === "complete");
  const last = sets.at(-1);
  if (!last) return false;
  const raised = (c.callouts ?? []).some((x) => x.reason === "urgency_raised" && Date.parse(x.opened_at) >= Date.parse(last.recorded_at));
  if (raised) return false;
  const { total, suggests } = last.news2;
  const added = Date.parse(last.recorded_at) > Date.parse(c.created_at);
  const higher = suggests && URGENCIES.indexOf(suggests) < URGENCIES.indexOf(c.urgency);
  const before = sets.at(-2)?.news2.total;
  return (total >= 7 && (added || Boolean(higher))) || (before !== undefined && total - before >= 3);
}

/** @param raise  opens what raises the urgency */
export function Worse({ c, cls = "", raise }) {
  if (!worse(c)) return null;
  return html`<p class=${`note warn ${cls}`} role="status"><${Icon} name="warn" /><span class="grow">${t("c.worse")}</span><button type="button" class="btn s o" onClick=${raise}>${t("p.raise")}</button></p>`;
}
