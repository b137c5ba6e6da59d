// Advice that nobody has read back: the ward is rung until it is (hazard 8). One line on every screen leads to the read-back.
import "./rings.js";
import { silence } from "../alarm.js";
import { html, Icon } from "../core/html.js";
import { fmtWhen, t } from "../core/i18n.js";
import { usePath } from "../core/router.js";
import { useStore } from "../core/store.js";
import { tel } from "../core/telephones.js";
import { marked } from "./drill.js";
import { rungAdvice } from "./rings.js";
import { SoundNotice } from "./sound.js";

/** Address of the read-back of one piece of advice. */
export const readBackPath = (x) => `/cases/${x.consultation_id}?read=${x.event_id}`;

export function AdviceBar() {
  const state = useStore((s) => ({ advice: s.advice, consultations: s.consultations, headers: s.headers, me: s.me }));
  const path = usePath();
  const online = useStore((s) => s.connection.state !== "offline");
  const rung = rungAdvice(state);
  const all = rung.filter((x) => path !== `/cases/${x.consultation_id}`);
  const ward = state.me.role === "requester";
  // Nobody may be looking at the ward's PC: that it is silent is said on every page, that of the case too.
  const silent = ward && online && rung.length > 0 && html`<${SoundNotice} cls="strip" />`;
  if (!all.length) return silent || null;
  const [x] = all;
  const h = state.headers.get(x.consultation_id);
  const number = x.number ?? h?.number ?? "";
  const phone = state.consultations.get(x.consultation_id)?.ward_phone;
  return html`<div class="note strip bad advice-bar" role="alert"><${Icon} name="bell" />
    <span class="grow"><b>${marked(h, t(ward ? (x.changed ? "c.ur.changed_bar" : "c.ur.bar") : "c.ur.bar_coord", { number, time: fmtWhen(x.opinion_at) }))}</b> ${all.length > 1 ? t("c.ur.more", { n: all.length - 1 }) : ""}</span>
    ${!ward && phone && html`<a class="btn s o" href=${tel(phone)}><${Icon} name="phone" />${phone}</a>`}
    <button type="button" class="btn s o" onClick=${() => silence(`advice:${x.event_id}`)}>${t("c.ur.hush")}</button>
    <a class="btn s p" href=${readBackPath(x)}>${t(ward ? "c.ur.read" : "c.rings_open")}</a></div>${silent}`;
}
