// The holder line: who has the case or is being rung, what comes next, and when. Never missing, never "pending".
import { html, Icon } from "../core/html.js";
import { fmtWhen, t } from "../core/i18n.js";
import { useStore } from "../core/store.js";
import { Countdown } from "./countdown.js";
import { acceptedText, isQuiet, nameList, nextStep, ringing } from "./facts.js";

/**
 * What the holder line says, as data: {kind: "ring"|"has"|"done", icon, who, next, due, dueText}.
 * Works on a ConsultationRead and on a ConsultationHeader.
 */
export function holding(c) {
  const cName = c.holder_name;
  if (c.status === "cancelled") {
    return { kind: "done", icon: "x", who: t("p.h.cancelled"), next: [c.cancelled_at && fmtWhen(c.cancelled_at), c.cancel_reason].filter(Boolean).join(" · ") };
  }
  if (c.status === "closed") return { kind: "done", icon: "check", who: t("p.h.closed"), next: c.closed_at ? fmtWhen(c.closed_at) : "" };
  if (c.status === "concluded") {
    return {
      kind: "done",
      icon: "check",
      who: t("p.h.concluded", { name: cName ?? "", time: c.concluded_at ? fmtWhen(c.concluded_at) : "" }),
      next: c.outcome_due_at ? t("p.h.outcome_due", { time: fmtWhen(c.outcome_due_at) }) : "",
    };
  }
  const rung = ringing(c);
  const next = nextStep(c);
  if (c.holder) {
    const also = rung.length ? t("p.h.also_ringing", { names: nameList(rung.map((r) => r.name)) }) : "";
    const due = !c.answered_at && c.answer_due_at ? c.answer_due_at : null;
    const accepted = (c.callouts ?? []).flatMap((x) => x.offers).findLast((o) => o.state === "accepted" && o.doctor === c.holder);
    return {
      kind: "has",
      icon: "user",
      who: t("p.h.by", { name: cName }),
      next: [acceptedText(accepted, t("p.h.since", { time: fmtWhen(c.held_since) })), also].filter(Boolean).join(" · "),
      due,
      dueText: due ? t("p.h.answer_due") : "",
      over: t("b.overdue"),
    };
  }
  if (isQuiet(c)) return { kind: "done", icon: "clock", who: t("p.h.confirm", { name: nameList(rung.map((r) => r.name)) }), next: t("p.h.confirm_nx") };
  const who = rung.length ? t("p.h.ringing", { name: nameList(rung.map((r) => r.name)) }) : t("p.h.finding");
  if (!next || next.last) {
    return { kind: "ring", icon: "bell", who, next: next?.round > 0 ? t("p.h.last_round", { n: next.round + 1 }) : t("p.last"), due: next?.due_at, dueText: t("p.h.again_in") };
  }
  return { kind: "ring", icon: "bell", who, next: next.names.length ? t("p.h.next", { name: nameList(next.names) }) : "", due: next.due_at, dueText: t("p.h.in") };
}

/**
 * The line itself.
 * @param c  ConsultationRead or ConsultationHeader
 */
export function Holder({ c }) {
  const h = holding(c);
  // Past the answer-due time a live page knows that it is overdue; a page without a connection does not.
  const live = useStore((s) => s.connection.state === "live");
  return html`<div class=${`holder ${h.kind}`}>
    <${Icon} name=${h.icon} />
    <span class="who">${h.who}</span>
    <span class="nx">${h.next}</span>
    ${h.due && html`<span class="tm"><small>${h.dueText}</small><${Countdown} to=${h.due} over=${live ? h.over : undefined} /></span>`}
  </div>`;
}
