// Allergy, anticoagulant, pregnancy, weight. "Unknown" and "not asked" are findings of their own and stand out (hazard 15).
import { html, Icon } from "../core/html.js";
import { num, t } from "../core/i18n.js";

const FIELDS = ["allergies", "anticoagulant", "pregnancy", "weight"];

/** [{field, label, text, state, open}] of a consultation; `open` marks what nobody has asked or knows. Pregnancy is left out for a male. */
export function safetyFacts(c) {
  const safety = c.safety ?? {};
  const patient = c.patient ?? {};
  return FIELDS.filter((f) => f !== "pregnancy" || patient.sex !== "male").map((field) => {
    const given = safety[field] ?? { state: "not_asked" };
    let { state } = given;
    let text = given.text || "";
    if (field === "weight" && patient.weight_kg != null) {
      state = "value";
      const kg = num(patient.weight_kg, "kg");
      text = !text || text === kg ? kg : `${kg} · ${text}`;
    }
    const open = state === "unknown" || state === "not_asked" || (state === "value" && !text);
    const words =
      state === "value" ? text || t("p.safety.value") : [t(`p.safety.${state === "none" ? `none.${field}` : state}`), text].filter(Boolean).join(" · ");
    return { field, label: t(`p.safety.${field}`), text: words, state, open };
  });
}

/**
 * Safety facts beside the patient and beside the conclusion.
 * @param c     ConsultationRead
 * @param list  as a definition list (case view) instead of one wrapping line (cards)
 */
export function Safety({ c, list = false }) {
  const facts = safetyFacts(c);
  if (list) {
    return html`<dl class="dl safety">
      ${facts.map(
        (f) => html`<dt>${f.label}</dt><dd class=${f.open ? "sf-open" : f.state === "value" ? "sf-val" : ""}>${f.open && html`<${Icon} name="warn" />`}${f.text}</dd>`,
      )}
    </dl>`;
  }
  return html`<ul class="safety-line" aria-label=${t("p.safety.title")}>
    ${facts.map(
      (f) => html`<li class=${f.open ? "sf-open" : f.state === "value" ? "sf-val" : ""}>
        ${f.open && html`<${Icon} name="warn" />`}<span class="sf-l">${f.label}:</span> <b>${f.text}</b>
      </li>`,
    )}
  </ul>`;
}
