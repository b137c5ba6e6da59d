// One message of the discussion. What a doctor typed is printed as typed; a correction strikes the original out and hides nothing.
import { html, Icon } from "../core/html.js";
import { fmtWhen, t } from "../core/i18n.js";
import { vitalsLine } from "./vitals.js";

const STATE = {
  queued: ["clock", "p.msg.queued"],
  sending: ["clock", "p.sending"],
  sent: ["check", "p.msg.sent"],
  delivered: ["checks", "p.msg.delivered"],
  seen: ["checks", "p.msg.seen"],
  failed: ["warn", "p.msg.failed"],
};

/**
 * @param m         MessageRead, or {text, at, opinion} of a message still on this device
 * @param mine      written by the reader
 * @param state     "queued" | "sending" | "sent" | "delivered" | "seen" | "failed"; only shown on my own
 * @param problem   why the server refused it, in words (state "failed")
 * @param replaces  the message that this one corrects, if any
 * @param replaced  the message that corrects this one, if any
 * @param cites     VitalsRead that the author had before them when giving an opinion
 * @param readBacks read_backs of this message: [{by_name, understood, text, at}]
 * @param children  actions under the bubble (correct, read back, send again)
 */
export function Bubble({ m, mine, state, problem, replaces, replaced, cites, readBacks = [], children }) {
  const cls = ["m", mine && "me", m.opinion && "op", (state === "queued" || state === "sending") && "q", state === "failed" && "f", replaced && "old"].filter(Boolean).join(" ");
  const late = m.written_at && m.at && Date.parse(m.at) - Date.parse(m.written_at) > 60e3;
  return html`<div class=${cls} id=${m.event_id ? `m-${m.event_id}` : undefined} lang="vi">
    ${!mine && html`<div class="by">${[m.author_name, m.author_hospital_name].filter(Boolean).join(" · ")}</div>`}
    ${m.opinion && html`<div class="by by-op"><${Icon} name="pin" />${t("p.opinion")}</div>`}
    ${replaces && html`<div class="by by-corr"><${Icon} name="edit" />${t("p.corrects", { time: fmtWhen(replaces.at) })}</div>`}
    ${replaced ? html`<s class="m-text">${m.text}</s>` : html`<div class="m-text">${m.text}</div>`}
    ${replaced && html`<div class="by by-corr">${t("p.corrected", { time: fmtWhen(replaced.at), name: replaced.author_name })}</div>`}
    ${cites && html`<div class="cap m-cite">${t("p.cites", { time: fmtWhen(cites.taken_at) })} ${vitalsLine(cites)}</div>`}
    <div class="tm">
      ${late && html`<span>${t("p.written_at", { time: fmtWhen(m.written_at) })}</span>`}
      ${m.at && html`<time class="num" datetime=${m.at}>${late ? `${t("p.arrived_at")} ` : ""}${fmtWhen(m.at)}</time>`}
      ${mine && STATE[state] && html`<span class=${`st st-${state}`}><${Icon} name=${STATE[state][0]} cls=${state === "seen" ? "rd" : ""} />${problem || t(STATE[state][1])}</span>`}
    </div>
    ${readBacks.map(
      (r) => html`<div class=${`rb ${r.understood ? "ok" : "no"}`}><${Icon} name=${r.understood ? "check" : "help"} />
        <span><b>${t(r.understood ? "p.rb.understood" : "p.rb.unclear", { name: r.by_name })}</b> <span class="num">${fmtWhen(r.at)}</span>${doneWords(r)}${r.text ? html`<br /><span>${r.text}</span>` : ""}</span></div>`,
    )}
    ${children}
  </div>`;
}

/** Of a corrected advice: whether the old one was carried out before (hazard 9). */
export const doneWords = (r) => (r.done_already == null ? "" : html` · <b>${t(r.done_already ? "c.rb.done_before" : "c.rb.not_done_before")}</b>`);

/** A fact inside the discussion: accepted, new vital signs, joined. @param icon, children  @param said  what somebody typed with it */
export function SystemLine({ icon, said, children }) {
  return html`<p class=${said ? "day call-line" : "day"}>${icon && html`<${Icon} name=${icon} />`}<span>${children}${said && html` <span lang="vi" class="call-text">${said}</span>`}</span></p>`;
}
