// The answer ladder: one row per step of the policy frozen on this callout, one row per member of a team that rings at once.
import { html, Icon } from "../core/html.js";
import { fmtWhen, has, t } from "../core/i18n.js";
import { Countdown } from "./countdown.js";
import { acceptedText, lateText, nameList, roleText, stepNames } from "./facts.js";

/** Rows of a callout, in the order in which people are rung: {key, kind, name, role, offer, at, state, last}. */
export function ladderRows(callout) {
  const steps = callout.ladder ?? [];
  const rows = [];
  for (const step of steps) {
    const offers = callout.offers.filter((o) => o.step === step.step);
    const last = step === steps[steps.length - 1];
    if (offers.length) for (const offer of offers) rows.push(offerRow(step, offer, callout, last));
    else rows.push(plannedRow(step, callout, last));
  }
  // Assignments and forwards are offers outside the ladder: they are rung too, so they are shown.
  const known = new Set(steps.map((s) => s.step));
  for (const offer of callout.offers.filter((o) => !known.has(o.step))) rows.push(offerRow(null, offer, callout, false));
  return rows;
}

function offerRow(step, offer, callout, last) {
  // A red team rings on after its leader accepted, until each answers or is stood down.
  const rings = callout.state === "ringing" || (callout.state === "accepted" && callout.urgency === "red" && !offer.attendance);
  const kind = offer.state === "accepted" || offer.attendance === "coming" ? "ok" : offer.state === "made" && rings ? "now" : "past";
  return { key: offer.id, kind, name: offer.doctor_name, role: roleText(offer.role), offer, at: offer.made_at, last, step };
}

function plannedRow(step, callout, last) {
  const waiting = callout.state === "ringing" && !step.started;
  const role = (step.who ?? []).map(roleText).join(", ");
  const names = stepNames(step);
  const resolved = (step.doctors ?? []).length > 0;
  return {
    key: `s${step.step}`,
    kind: waiting ? "wait" : "skip",
    name: nameList(names),
    role: resolved ? role : "",
    at: waiting ? step.at : null,
    last,
    step,
    empty: step.started && !resolved,
  };
}

function Facts({ offer, ringing }) {
  const known = offer.reason && (has(`p.reason.${offer.reason}`) ? t(`p.reason.${offer.reason}`) : offer.reason);
  const typed = offer.reason_text && html`<span lang="vi">${offer.reason_text}</span>`;
  const reason = typed && offer.reason !== "other" ? html`${known}: ${typed}` : typed || known; // what somebody typed says more than «other»
  return html`<div class="facts">
      ${offer.delivered_at && html`<span><${Icon} name="checks" />${t("p.delivered", { time: fmtWhen(offer.delivered_at) })}</span>`}
      ${offer.seen_at && html`<span><${Icon} name="eye" />${t("p.seen", { time: fmtWhen(offer.seen_at) })}</span>`}
      ${ringing && !offer.delivered_at && html`<span class=${offer.undelivered ? "f-bad" : ""}><${Icon} name=${offer.undelivered ? "warn" : "clock"} />${t(offer.undelivered ? "p.undelivered" : "p.delivering")}</span>`}
    </div>
    <div class="facts">
      ${offer.state === "made" && html`<span>${t(offer.expired_at ? "p.expired" : ringing ? "p.not_accepted" : "p.not_answered")}</span>`}
      ${offer.state === "accepted" && html`<span><b>${acceptedText(offer, t("p.accepted_at", { time: fmtWhen(offer.answered_at) }))}</b></span>`}
      ${offer.state === "declined" && html`<span>${t("p.declined_at", { time: fmtWhen(offer.answered_at) })}${reason ? html` · ${reason}` : ""}</span>`}
      ${offer.state === "withdrawn" && html`<span>${withdrawnText(offer.reason)}</span>`}
      ${offer.attendance && html`<span><b>${t(`p.attendance.${offer.attendance}`)}</b></span>`}
    </div>`;
}

/** Why an offer was taken back, in words. */
export function withdrawnText(reason) {
  const key = `p.withdrawn.${String(reason ?? "").replaceAll(" ", "_")}`;
  return t(has(key) ? key : "p.withdrawn.");
}

/**
 * The ladder of one callout.
 * @param c        ConsultationRead: gives "request sent" its time
 * @param callout  CalloutRead
 * @param phone    also show the desk's telephone under a row that could not be delivered (requester)
 */
export function Ladder({ c, callout, phone = false }) {
  const rows = ladderRows(callout);
  const next = rows.find((r) => r.kind === "wait");
  return html`<ol class="ladder">
    <li class="past">
      <span class="n"><${Icon} name="check" /></span>
      <div><div class="nm">${t("p.sent")}</div><div class="facts"><span>${[t("p.stored"), lateText(c)].filter(Boolean).join(" · ")}</span></div></div>
      <div class="at num">${fmtWhen(callout.opened_at ?? c.created_at)}</div>
    </li>
    ${rows.map((r) => html`<${Row} key=${r.key} r=${r} callout=${callout} next=${r === next} phone=${phone} />`)}
  </ol>`;
}

function Row({ r, callout, next, phone }) {
  const icon = { ok: "check", now: "bell", past: "x" }[r.kind] ?? (r.last ? "user" : null);
  return html`<li class=${r.kind === "skip" ? "wait skip" : r.kind} aria-current=${r.kind === "now" ? "step" : undefined}>
    <span class="n">${icon ? html`<${Icon} name=${icon} />` : r.step ? r.step.step + 1 : ""}</span>
    <div>
      <div class="nm">${r.name}</div>
      ${r.role && r.role !== r.name && html`<div class="facts"><span>${r.role}</span></div>`}
      ${r.offer && html`<${Facts} offer=${r.offer} ringing=${r.kind === "now"} />`}
      ${r.empty && html`<div class="facts"><span>${t("p.nobody_on")}</span></div>`}
      ${r.last && callout.state === "ringing" && html`<div class="facts"><span>${t("p.last")}</span></div>`}
      ${phone && r.offer?.undelivered && callout.desk_phone && html`<div class="facts"><a href=${`tel:${callout.desk_phone}`}><${Icon} name="phone" />${t("p.call_desk")} ${callout.desk_phone}</a></div>`}
    </div>
    <div class="at num">
      ${r.at ? fmtWhen(r.at) : ""}
      ${r.kind === "now" && html`<small>${t("p.ringing")}</small>`}
      ${next && callout.next_due_at && html`<small>${t("p.h.in")} <${Countdown} to=${callout.next_due_at} /></small>`}
    </div>
  </li>`;
}

/**
 * The rest of the ladder as one row of names and times, for the card of somebody who is being rung.
 * @param callout CalloutRead
 * @param me      my user id: my own row reads "Bạn"
 */
export function MiniLadder({ callout, me }) {
  const rows = ladderRows(callout).slice(0, 7);
  return html`<ol class="mini">
    ${rows.map((r) => {
      const mine = r.offer?.doctor === me;
      const fact = r.offer?.seen_at ? t("p.seen", { time: fmtWhen(r.offer.seen_at) }) : r.offer?.delivered_at ? t("p.delivered", { time: fmtWhen(r.offer.delivered_at) }) : r.at ? fmtWhen(r.at) : "";
      return html`<li key=${r.key} class=${r.kind}><b>${mine ? t("p.you") : r.name}</b>${r.kind === "past" && r.offer?.state === "declined" ? t("p.declined") : fact}</li>`;
    })}
  </ol>`;
}
