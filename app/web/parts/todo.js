// What the ward has not said yet, one row for each part of the request: the way to it while it rings, and afterwards. After a red
// alert, which asks for a specialty and nothing else, this is where the patient gets a name, an age and a sex.
import { html, Icon } from "../core/html.js";
import { fmtWhen, has, t } from "../core/i18n.js";
import { useOutbox } from "../core/outbox.js";
import { notify } from "../core/shell.js";

const opened = (module, open) => module.then(open, () => notify(t("error.network"), "bad"));
const casework = (dialog, c) => opened(import("./casework.js"), (m) => m[dialog](c));
const complete = (c, part) => opened(import("../screens/complete.js"), (m) => m.completeDialog(c, part));

/** [{ key, words, done, open }] of a consultation, in the order of ISBAR. */
function rowsOf(c) {
  const last = c.vitals?.at(-1);
  const asked = (x) => c.safety?.[x] && c.safety[x].state !== "not_asked";
  const { sex, age_years, age_months, weight_kg } = c.patient ?? {};
  const news = last?.news2?.state === "complete" ? ` · NEWS2 ${last.news2.total}` : "";
  const part = (key, words, done) => ({ key, words: t(words), done: Boolean(done), open: () => complete(c, key), right: "update" });
  return [
    { key: "vitals", words: last ? `${t("wait.vitals_at", { time: fmtWhen(last.taken_at) })}${news}` : t("request.a"), done: Boolean(last), open: () => casework("vitalsDialog", c), right: "record_vitals" },
    part("patient", "request.i", sex !== "unknown" && (age_years ?? age_months ?? null) !== null && weight_kg),
    part("situation", "request.situation_diagnosis", c.situation || c.diagnosis),
    part("safety", "request.safety", ["allergies", "anticoagulant"].every(asked)),
    part("background", "request.background", c.background),
    part("assessment", "request.assessment", c.assessment),
    part("recommendation", "request.recommendation", c.recommendation),
  ];
}

/** Whether age, sex or weight of the patient is still to be said. */
export const unnamed = (c) => rowsOf(c).some((r) => r.key === "patient" && !r.done);

/**
 * @param c     ConsultationRead
 * @param may   (right) => whether the reader may do it now
 * @param only  (row) => whether the row is shown at all
 */
export function Todo({ c, may, only = () => true }) {
  const queued = useOutbox(c.id);
  const rows = rowsOf(c).filter((r) => only(r) && (may(r.right) || r.done));
  return html`<div class="todo">
    ${rows.map((r) => html`<button type="button" key=${r.key} disabled=${!may(r.right)} onClick=${r.open}>
      <${Icon} name=${r.done ? "check" : "plus"} cls=${r.done ? "ok" : ""} /><span class="grow">${r.words}</span><${Icon} name="chev" /></button>`)}
    ${queued.filter((i) => i.state !== "refused" && has(`what.${i.what}`)).map((i) => html`<p key=${i.id} class="sub"><${Icon} name="clock" /> ${t(`what.${i.what}`)}: ${t("request.queued")}</p>`)}
  </div>`;
}
