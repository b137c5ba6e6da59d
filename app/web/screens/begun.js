/** Requests that were begun and made room for another one: nobody knows of them but this device, and none is lost. */
import { html, Icon, useState } from "../core/html.js";
import { dropAside, useAsides } from "../core/drafts.js";
import { fmtWhen, lang, t } from "../core/i18n.js";
import { openDialog } from "../core/shell.js";
import { specialtyName } from "../core/store.js";
import { Drill, drillCls } from "../parts/drill.js";
import { Urgency } from "../parts/urgency.js";

/** @param onTake  takes one up again: onTake({ id, value, savedAt })   @param form  "request", or "telephone" */
export function BegunRequests({ form = "request", onTake }) {
  const [taken, setTaken] = useState([]); // it stands in the form at once, and here only until that is on the device
  const take = (aside) => { setTaken([...taken, aside.id]); onTake(aside); };
  return useAsides(form).filter((aside) => !taken.includes(aside.id))
    .map((aside) => html`<${Begun} key=${aside.id} aside=${aside} onTake=${() => take(aside)} />`);
}

function Begun({ aside: { id, value, savedAt }, onTake }) {
  const words = [value.label, value.question].filter((x) => x?.trim()).join(" · ");
  const drop = async () => (await surely(words)) && dropAside(id);
  return html`<section class=${`card queued${drillCls(value)}`} aria-label=${t("request.begun")}>
    <div class="row wrap"><${Drill} c=${value} />${value.urgency && html`<${Urgency} level=${value.urgency} />`}<span class="chip end"><${Icon} name="edit" />${t("request.begun")}</span></div>
    <p lang="vi"><b>${words || specialtyName(value.specialty, lang())}</b></p>
    <p class="sub">${t("request.begun_at", { time: fmtWhen(savedAt) })}</p>
    <div class="row wrap"><button type="button" class="btn o grow" onClick=${onTake}><${Icon} name="edit" />${t("request.take_up")}</button><button type="button" class="btn g" onClick=${drop}>${t("request.clear")}</button></div>
  </section>`;
}

const surely = (words) => openDialog((close) => html`<h2 class="h3">${t("request.drop_sure")}</h2><p lang="vi">${words}</p>
  <div class="row end"><button class="btn o" autofocus onClick=${() => close(false)}>${t("request.keep")}</button><button class="btn red-o" onClick=${() => close(true)}>${t("request.clear")}</button></div>`, { label: t("request.clear") });
