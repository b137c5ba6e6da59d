// A drill says so first, wherever it is shown: in a word, in a colour that no urgency uses, and with a dashed edge (hazard 21).
import { html } from "../core/html.js";
import { t } from "../core/i18n.js";
import { navigate } from "../core/router.js";
import { hotline } from "../core/telephones.js";
import { ActButton, ActionState, may, useAction } from "./action.js";

/** The words, with «DIỄN TẬP» before them in a drill. */
export const marked = (c, words) => (c?.drill ? `${t("drill.word")} · ${words}` : words);

/** Added to a class name: the dashed edge of a drill. */
export const drillCls = (c) => (c?.drill ? " is-drill" : "");

/** The mark in a list or on a card; nothing for a patient. */
export function Drill({ c }) {
  return c?.drill ? html`<span class="drill">${t("drill.word")}</span>` : null;
}

/** Across the page of a drill; whoever asked says with one tap that it has become real. */
export function DrillBand({ c }) {
  const [run, action] = useAction();
  if (!c?.drill) return null;
  const real = async () => {
    const made = await run({ path: `/consultations/${c.id}/real`, body: {}, caseId: c.id, what: "real", expiresAfter: 120 });
    if (made?.id) navigate(`/cases/${made.id}`);
  };
  return html`<aside class="drill-band" aria-label=${t("drill.word")}><b>${t("drill.word")}</b><span class="grow">${t("drill.nobody")}</span>
    ${may(c, "make_real") && html`<${ActButton} cls="btn red" icon="siren" busy=${action.busy} onClick=${real}>${t("drill.real")}</${ActButton}>`}
    <${ActionState} action=${action} phone=${hotline()?.phone} /></aside>`;
}

/** The band of a form that will send a drill; one tap makes it a request for a patient. */
export function FormBand({ on, off }) {
  if (!on) return null;
  return html`<aside class="drill-band" aria-label=${t("drill.word")}><b>${t("drill.word")}</b><span class="grow">${t("drill.form")}</span>
    <button type="button" class="btn red-o" onClick=${off}>${t("drill.real")}</button></aside>`;
}

/** The switch, apart from everything that a patient needs. */
export function DrillSwitch({ on, set }) {
  return html`<label class=${`row drill-sw${on ? " on" : ""}`}><input type="checkbox" role="switch" class="cb" checked=${on} onChange=${(e) => set(e.target.checked)} />
    <span><b>${t("drill.switch")}</b><span class="cap">${t("drill.switch_hint")}</span></span></label>`;
}
