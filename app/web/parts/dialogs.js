// The dialogs that must be there at once: answering an offer, assigning, calling. Each sends one command and closes only when
// the server has answered.
import { html, Icon, useState } from "../core/html.js";
import { t } from "../core/i18n.js";
import { openDialog } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { hotline, tel } from "../core/telephones.js";
import { ActionState, useAction } from "./action.js";
import { Drill } from "./drill.js";
import { currentCallout, isQuiet, personText } from "./facts.js";
import { DoctorPicker } from "./picker.js";
import { Urgency } from "./urgency.js";

const REASONS = ["procedure", "wrong_specialty", "busy", "not_on_duty"];

/** Heading of a dialog with its cross. */
export function DialogHead({ title, close }) {
  return html`<header class="row dlg-h"><h2 class="h3 grow">${title}</h2>
    <button type="button" class="ib" aria-label=${t("p.close")} onClick=${() => close()}><${Icon} name="x" /></button></header>`;
}

/** A dialog with a heading: Body is given props and `close`. */
export const openBody = (title, Body, props) =>
  openDialog((close) => html`<${DialogHead} title=${title} close=${close} /><div class="stack"><${Body} ...${props} close=${close} /></div>`, { label: title });

/** Command path of a consultation. */
export const path = (c, verb) => `/consultations/${c.id}/${verb}`;

// --- answering an offer ------------------------------------------------------------------------------------------------

/** The reasons for declining: one tap each, "Lý do khác…" asks for words. `decline({reason, text?})` sends it. */
export function DeclineReasons({ decline, busy, small = false }) {
  const [other, setOther] = useState(false);
  const [text, setText] = useState("");
  const cls = small ? "btn s o" : "btn o blk left";
  return html`<div class=${small ? "rs" : "stack-s"}>
    ${REASONS.map((reason) => html`<button type="button" key=${reason} class=${cls} disabled=${busy} onClick=${() => decline({ reason })}>${t(`p.reason.${reason}`)}</button>`)}
    ${!other && html`<button type="button" class=${cls} disabled=${busy} onClick=${() => setOther(true)}>${t("p.reason.other")}…</button>`}
    ${other && html`<form class="row grow" onSubmit=${(e) => { e.preventDefault(); if (text.trim()) decline({ reason: "other", text: text.trim() }); }}>
      <input class="in" aria-label=${t("p.reason.other")} value=${text} onInput=${(e) => setText(e.target.value)} autofocus ref=${(el) => el && !el.dataset.f && ((el.dataset.f = 1), el.focus())} />
      <button class="btn p" disabled=${busy || !text.trim()}>${t("p.decline")}</button></form>`}
  </div>`;
}

export const declineDialog = (c, next, decline) =>
  openBody(t("p.decline_why"), ({ close }) => html`<${DeclineReasons} decline=${(why) => { decline(why); close(); }} />
    ${next && html`<p class="cap">${t("p.decline_next", { name: next })}</p>`}`, {});

/** Passing the ring on: to a doctor on call or to another desk. It rings on here until the other accepts. */
export const forwardDialog = (c, offer) => openBody(t("p.forward"), Forward, { c, offer });

function Forward({ c, offer, close }) {
  const me = useStore((s) => s.me.id);
  const [run, action] = useAction();
  const pick = async ({ user_id, desk_id, name }) => {
    const body = user_id ? { user_id } : { desk_id };
    if (await run({ path: path(c, "forwarding"), body, caseId: c.id, what: "forward" })) close(name);
  };
  return html`<p class="cap">${t("p.forward_hint")}</p>
    <${ActionState} action=${action} />
    <${DoctorPicker} desk=${offer.desk} deskName=${offer.desk_name} exclude=${[me]} desks onPick=${pick} busy=${Boolean(action.busy)} />`;
}

/** A coordinator assigns a doctor: one more offer on top of the others; the case rings on until somebody accepts. */
export const assignDialog = (c) => openBody(t("p.assign"), Assign, { c });

function Assign({ c, close }) {
  const [run, action] = useAction();
  const callout = currentCallout(c);
  const pick = async ({ user_id, name }) => {
    if (await run({ path: path(c, "assignment"), body: { user_id }, caseId: c.id, what: "assign" })) close(name);
  };
  return html`<p class="row wrap"><${Drill} c=${c} /><${Urgency} level=${c.urgency} /> <b>${personText(c)}</b> <span class="cap">${c.number} · ${c.hospital_name}</span></p>
    <p class="cap">${t("p.assign_hint")}</p>
    <${ActionState} action=${action} />
    <${DoctorPicker} desk=${c.desk ?? callout?.desk} deskName=${c.desk_name ?? callout?.desk_name} at=${isQuiet(c) ? c.telephone?.answered_at : null} specialty=${c.specialty} exclude=${[c.holder]} onPick=${pick} busy=${Boolean(action.busy)} />`;
}

// --- calling --------------------------------------------------------------------------------------------------------------

/** Before a call: which patient to name first, and every number that reaches the other side. */
export const callDialog = (c, mine) => openBody(t("p.call"), Call, { c, mine });

function Call({ c, mine }) {
  const callouts = (c.callouts ?? []).filter((x) => x.desk_phone);
  const rows = [
    !mine && c.requester_phone && [c.requester_name, c.requester_phone],
    !mine && c.ward_phone && [`${c.ward_name ?? ""} · ${c.hospital_name}`, c.ward_phone],
    ...callouts.filter((x, i) => callouts.findIndex((y) => y.desk_phone === x.desk_phone) === i).map((x) => [`${x.desk_name} · ${x.hospital_name}`, x.desk_phone]),
    hotline() && [t("p.hotline"), hotline().phone],
  ].filter(Boolean);
  return html`<div class="note info"><${Icon} name="info" /><span>${t("p.call_say")}<br /><b class="call-say">${[c.number, c.patient?.label, personText(c)].filter(Boolean).join(" · ")}</b></span></div>
    ${rows.map(([name, phone]) => html`<a key=${phone + name} class="btn o blk left" href=${tel(phone)}><${Icon} name="phone" /><span class="grow">${name}</span><b class="num nowrap">${phone}</b></a>`)}
    ${!rows.length && html`<p class="sub">${t("p.call_none")}</p>`}`;
}
