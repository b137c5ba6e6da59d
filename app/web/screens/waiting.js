/**
 * After sending: the live ladder of the policy frozen on this case, the countdown to its next step, and what can be done
 * meanwhile: telephone, raise the urgency, complete the rest, cancel.
 *
 *   Waiting({ id })     the page on a phone            CasePane({ id })     the same beside the list of a ward PC
 */
import { html, Icon, useEffect, useState } from "../core/html.js";
import { secondsUntil, useTick } from "../core/clock.js";
import { fmtDuration, fmtTime, fmtWhen, lang, t } from "../core/i18n.js";
import { command } from "../core/outbox.js";
import { AppBar, DataAge, Failed, HotlineLink, Loading, notify } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import * as stream from "../core/stream.js";
import { tel } from "../core/telephones.js";
import { reading } from "../core/unread.js";
import { Countdown } from "../parts/countdown.js";
import { callDialog } from "../parts/dialogs.js";
import { Drill, DrillBand } from "../parts/drill.js";
import { currentCallout, isQuiet, nameList, nextStep, ringing, toldText } from "../parts/facts.js";
import { Holder } from "../parts/holder.js";
import { Ladder } from "../parts/ladder.js";
import { PatientLine } from "../parts/patient.js";
import { Safety } from "../parts/safety.js";
import { Todo } from "../parts/todo.js";
import { Urgency } from "../parts/urgency.js";
import { Warnings, Worse } from "../parts/warnings.js";
import { Vitals } from "../parts/vitals.js";

const UNDO_S = 10;
/** A dialog of the case, loaded when it is first opened. */
const casework = (dialog, c) => import("../parts/casework.js").then((m) => m[dialog](c), () => notify(t("error.network"), "bad"));
const may = (c, what) => !c.may || c.may.includes(what);

export function Waiting({ id }) {
  const c = useStore((s) => s.consultations.get(id));
  useEffect(() => reading(id), [id]);
  const callout = currentCallout(c);
  const sub = [c.number, specialtyName(c.specialty, lang()), callout?.hospital_name].filter(Boolean).join(" · ");
  return html`<${AppBar} title=${t(c.status === "ringing" ? "wait.title" : "wait.cancelled")} sub=${sub} back="/" mini />
    <${DrillBand} c=${c} />
    <main class="mid stack wait">
      <div class="row"><${Drill} c=${c} /><${Urgency} level=${c.urgency} /></div>
      <${PatientLine} c=${c} where=${false} />
      ${c.question && html`<p class="question q-s" lang="vi">${c.question}</p>`}
      <${Body} c=${c} />
    </main>`;
}

/** The chosen case on a ward PC: live while it is shown. */
export function CasePane({ id }) {
  const c = useStore((s) => s.consultations.get(id));
  const [error, setError] = useState(null);
  useEffect(() => stream.watch(id), [id]);
  useEffect(() => reading(id), [id]);
  useEffect(() => {
    setError(null);
    if (!c?.may) stream.refresh(id).catch(setError);
  }, [id]);
  if (!c) return error ? html`<${Failed} error=${error} onRetry=${() => stream.refresh(id).catch(setError)} />` : html`<${Loading} />`;
  const callout = currentCallout(c);
  const where = [c.number, `${t("wait.sent")} ${fmtWhen(c.created_at)}`, specialtyName(c.specialty, lang()), callout?.hospital_name].filter(Boolean).join(" · ");
  return html`<${DrillBand} c=${c} /><div class="row pane-h"><${Drill} c=${c} /><${Urgency} level=${c.urgency} big /><span class="sub end">${where}</span></div>
    ${c.question && html`<h2 class="question" lang="vi">${c.question}</h2>`}
    <${PatientLine} c=${c} where=${false} />
    <${Body} c=${c} pane />`;
}

function Body({ c, pane = false }) {
  const callout = currentCallout(c);
  const unheld = c.status === "ringing" && !c.holder;
  return html`
    <${Undo} c=${c} />
    <${Warnings} c=${c} outside="wait.outside" />
    ${may(c, "raise_urgency") && html`<${Worse} c=${c} raise=${() => casework("urgencyDialog", c)} />`}
    <div class="waitgrid"><div class="stack">
      ${c.telephone && html`<p class="note info"><${Icon} name="phone" /><span>${toldText(c)}</span></p>`}
      ${unheld && callout && !isQuiet(c) ? html`<${Hero} c=${c} />` : html`<${Holder} c=${c} />`}
      ${c.status === "cancelled" && html`<div class="note"><${Icon} name="info" /><span>${t("wait.cancelled_told")}${c.cancel_reason ? html` <span lang="vi">${c.cancel_reason}</span>` : ""}</span></div>`}
      ${callout && c.status !== "cancelled" && callout.reason !== "telephone" && html`<section class="card" aria-label=${t("wait.ladder")}><${Ladder} c=${c} callout=${callout} phone /></section>`}
      <${DataAge} />
    </div>
    <div class="stack">
      <${Actions} c=${c} callout=${callout} pane=${pane} />
      ${c.status === "ringing" && html`<section class="card" aria-label=${t("wait.add")}><div class="sec-h">${t("wait.add")}</div><${Todo} c=${c} may=${(right) => may(c, right)} /></section>`}
      ${may(c, "cancel") && ["ringing", "active"].includes(c.status) && html`<button type="button" class="btn g" onClick=${() => casework("cancelDialog", c)}>${t("request.cancel")}</button>`}
      ${c.status === "cancelled" && html`<a class="btn p" href=${`/request?copy=${c.id}`}><${Icon} name="bell" />${t("wait.again")}</a>`}
    </div></div>
    <section class="wait-vit"><div class="sec-h">${t("wait.vitals")}</div><${Vitals} vitals=${c.vitals} urgency=${c.urgency} small=${!pane} /><${Safety} c=${c} /></section>
  `;
}

/** The one big countdown: what happens next, never "time since". Past zero it says that it is checking. */
function Hero({ c }) {
  useTick();
  const next = nextStep(c);
  const due = next?.due_at;
  const names = nameList(next?.names?.length ? next.names : ringing(c).map((r) => r.name));
  const rung = ringing(c).map((r) => r.name);
  const again = next?.last || (next?.names ?? []).every((name) => rung.includes(name)); // a red team is rung again, not added
  const what = !due ? t("wait.last")
    : again ? t("wait.round_at", { time: fmtTime(due), name: names })
      : t("wait.also_at", { time: fmtTime(due), name: names });
  const left = c.answer_due_at ? secondsUntil(c.answer_due_at) : null;
  const answer = left === null ? "" : left > 0 ? t("wait.due", { time: fmtWhen(c.answer_due_at), left: fmtDuration(left) }) : t("wait.overdue", { time: fmtWhen(c.answer_due_at) });
  return html`<div class=${`hero h-${c.urgency}`}>
    ${due && html`<${Countdown} to=${due} className="t" speak=${what} over=${html`<span class="t-check">${t("wait.checking")}</span>`} />`}
    <div><div class="hero-w">${what}</div><div class=${left !== null && left <= 0 ? "sub over" : "sub"}>${answer}</div></div>
  </div>`;
}

/** Ten seconds to take a red alert back without a reason. Everybody who was rung is told. */
function Undo({ c }) {
  useTick();
  const me = useStore((s) => s.me);
  const [busy, setBusy] = useState(false);
  const left = Math.ceil(UNDO_S + secondsUntil(c.created_at));
  if (c.telephone || c.urgency !== "red" || c.status !== "ringing" || c.requester !== me?.id || (left <= 0 && !busy)) return null;
  const undo = async () => {
    setBusy(true);
    try {
      await command({ path: `/consultations/${c.id}/cancellation`, body: {}, caseId: c.id, what: "cancel", expiresAfter: 20 }).promise;
    } catch (error) {
      // It arrived after the ten seconds: from now on whoever is rung is told why.
      if (error.status === 422) casework("cancelDialog", c);
      else notify(error.detail || t("error.server"), "bad");
    }
    setBusy(false);
  };
  return html`<div class="undo" role="status"><span class="grow">${t("red.undo")}</span>
    <button type="button" class=${`btn o${busy ? " busy" : ""}`} disabled=${busy} onClick=${undo}>${t(busy ? "sending" : "red.undo_do")} <b class="num">${Math.max(0, left)}</b></button></div>`;
}

function Actions({ c, callout, pane }) {
  const [busy, setBusy] = useState(false);
  const open = ["ringing", "active"].includes(c.status);
  const red = async () => {
    setBusy(true);
    try {
      await command({ path: `/consultations/${c.id}/urgency`, body: { urgency: "red", reason: "" }, caseId: c.id, what: "urgency", expiresAfter: 120 }).promise;
    } catch (error) {
      notify(error.status === 0 || error.is("expired") ? t("wait.red_failed") : error.detail || t("error.server"), "bad", 20);
    }
    setBusy(false);
  };
  return html`<div class="acts">
    ${callout?.desk_phone ? html`<a class="btn o" href=${tel(callout.desk_phone)} aria-label=${`${t("phone.desk")} ${callout.desk_phone}`}><${Icon} name="phone" /><span>${t("phone.desk")}<br /><small class="num">${callout.desk_phone}</small></span></a>` : html`<${HotlineLink} cls="btn o" label=${t("phone.short")} />`}
    ${open && c.urgency !== "red" && may(c, "raise_urgency") && html`<button type="button" class=${`btn red-o${busy ? " busy" : ""}`} disabled=${busy} onClick=${red}><${Icon} name=${busy ? "refresh" : "siren"} />${t(busy ? "sending" : "red.action")}</button>`}
    ${open && ["yellow", "green"].includes(c.urgency) && may(c, "raise_urgency") && html`<button type="button" class="btn o" onClick=${() => casework("urgencyDialog", c)}><${Icon} name="warn" />${t("wait.raise")}</button>`}
    <button type="button" class="btn o" onClick=${() => callDialog(c, true)}><${Icon} name="info" />${t("wait.say")}</button>
    <a class="btn o" href=${`/cases/${c.id}?view=full`}><${Icon} name="file" />${t(c.holder ? "wait.open" : "wait.discuss")}</a>
  </div>`;
}
