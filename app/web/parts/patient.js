// The patient line: which patient this is, wherever somebody writes, signs or calls (hazard 10).
import { html } from "../core/html.js";
import { num, t } from "../core/i18n.js";
import { personText } from "./facts.js";

/**
 * Label, sex, age, weight, hospital and case number in one line.
 * @param c       ConsultationRead or ConsultationHeader
 * @param where   also name the hospital and ward (default true)
 * @param heading element of the first line: "p" (default), "h2", …
 */
export function PatientLine({ c, where = true, heading = "p" }) {
  const label = c.patient?.label ?? c.label;
  const kg = c.patient?.weight_kg;
  return html`<div class="pline">
    <${heading} class="pl-who">
      <b class="pl-label">${label ?? t("p.no_label")}</b>
      <span>${personText(c)}${kg != null ? `, ${num(kg, "kg")}` : ""}</span>
      <span class="pl-no num">${c.number}</span>
    </${heading}>
    ${where && html`<p class="cap">${[c.hospital_name, c.ward_name].filter(Boolean).join(" · ")}</p>`}
  </div>`;
}
