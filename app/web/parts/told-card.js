// What a ward wrote down of a call, for the doctor who is asked to confirm it. Nobody waits: it makes no sound and takes
// nobody's focus, and it stands below whatever rings.
import { html, Icon, useEffect } from "../core/html.js";
import { fmtWhen, t } from "../core/i18n.js";
import { navigate } from "../core/router.js";
import { notify } from "../core/shell.js";
import { watch } from "../core/stream.js";
import { ActButton, ActionState, useAction } from "./action.js";
import { path } from "./dialogs.js";
import { Drill, DrillBand, drillCls } from "./drill.js";
import { personText } from "./facts.js";
import { Safety } from "./safety.js";
import { Urgency } from "./urgency.js";
import { Vitals } from "./vitals.js";

/**
 * @param offer      the quiet offer
 * @param c          its consultation (live, else the card)
 * @param useReceipts  says that it was seen
 */
export function ToldCard({ offer, c, useReceipts }) {
  const [run, action] = useAction();
  const told = c.telephone ?? {};
  useReceipts(offer);
  useEffect(() => watch(offer.consultation_id), [offer.consultation_id]);
  const confirm = async () => {
    if (await run({ path: path(c, "acceptance"), caseId: c.id, what: "accept", expiresAfter: 60 })) navigate(`/cases/${c.id}`);
  };
  const notMe = async () => {
    if (await run({ path: path(c, "refusal"), body: { reason: "not_me" }, caseId: c.id, what: "decline", expiresAfter: 120 })) notify(t("told.not_me_done"), "ok");
  };
  const id = `told-${offer.offer_id}`;
  return html`<article class=${`card stack told-card${drillCls(c)}`} aria-labelledby=${id}>
    <${DrillBand} c=${c} />
    <header class="stack-s"><h2 class="h3" id=${id}>${t("told.card")}</h2>
      <p class="sub">${t("told.card_hint", { answered: fmtWhen(told.answered_at) })}</p></header>
    <p class="row wrap"><${Drill} c=${c} /><${Urgency} level=${c.urgency} short /><b lang="vi">${c.patient?.label ?? t("p.no_label")}</b> <span>${personText(c)}</span> <span class="cap">${[c.number, c.hospital_name, c.ward_name].filter(Boolean).join(" · ")}</span></p>
    <p class="sub">${t("told.line", { asked: fmtWhen(told.asked_at), entered: fmtWhen(told.entered_at) })} · ${t("told.by", { name: told.entered_by_name ?? c.requester_name })}</p>
    <div><h3 class="sec-h">${t("told.text")}</h3><p class="typed" lang="vi">${told.text}</p></div>
    ${c.question && html`<div><h3 class="sec-h">${t("d.question")}</h3><p class="typed" lang="vi">${c.question}</p></div>`}
    <details><summary class="cap">${t("told.patient")}</summary><div class="stack gap"><${Vitals} vitals=${c.vitals} urgency=${c.urgency} small /><${Safety} c=${c} list /></div></details>
    <${ActionState} action=${action} phone=${c.requester_phone ?? c.ward_phone} />
    <div class="row wrap">${offer.may_accept && html`<${ActButton} cls="btn p" icon="check" busy=${action.busy === "accept"} onClick=${confirm}>${t("told.confirm")}</${ActButton}>`}
      ${offer.role !== "coordinator" && html`<${ActButton} cls="btn o" icon="x" busy=${action.busy === "decline"} onClick=${notMe}>${t("told.not_me")}</${ActButton}>`}</div>
  </article>`;
}
