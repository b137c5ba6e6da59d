// What a stretch of time cost each doctor of a desk: a night, or a week (hazard 20: rings per shift are reported).
import "../strings/run.js";
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { fmtWhen, fromVietnam, num, t, vietnam } from "../core/i18n.js";

const DAY = 86400e3;
const COLUMNS = ["offers", "acceptances", "declined", "night_rings", "rings_per_shift", "hours"];

/** The last night that has begun: 17:00 to 07:00, Vietnam time. */
function lastNight() {
  const now = serverNow();
  const today = (at) => vietnam(at).toISOString().slice(0, 10);
  const evening = fromVietnam(today(now), "17:00").getTime();
  const from = evening <= now ? evening : evening - DAY;
  return [new Date(from), new Date(Math.min(now, from + 14 * 3600e3))];
}

export function Load({ desk }) {
  const [span, setSpan] = useState("night");
  const [read, setRead] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    const [from, to] = span === "night" ? lastNight() : [new Date(serverNow() - 7 * DAY), new Date(serverNow())];
    setError(null);
    get(`/desks/${desk.id}/load?${new URLSearchParams({ from: from.toISOString(), to: to.toISOString() })}`).then(setRead, setError);
  }, [desk.id, span]);
  return html`<section class="card" aria-label=${t("n.title")}><div class="row wrap"><h2 class="h3">${t("n.title")}</h2>
      <div class="seg end" role="group" aria-label=${t("n.span")}>${["night", "week"].map((x) => html`<button type="button" key=${x} aria-current=${span === x ? "true" : undefined} onClick=${() => setSpan(x)}>${t(`n.${x}`)}</button>`)}</div></div>
    ${error && html`<p class="note bad gap" role="alert"><${Icon} name="warn" /><span>${error.detail || t("error.network")}</span></p>`}
    ${read && html`<p class="cap gap">${t("n.between", { from: fmtWhen(read.from), to: fmtWhen(read.to) })}</p>
      ${read.items.length ? html`<div class="scroll-x gap" tabindex="0" role="region" aria-label=${t("n.title")}><table class="load"><thead><tr><th scope="col">${t("n.doctor")}</th>${COLUMNS.map((c) => html`<th scope="col" key=${c}>${t(`n.${c}`)}</th>`)}</tr></thead>
        <tbody>${read.items.map((row) => html`<tr key=${row.doctor}><td lang="vi">${row.doctor_name}</td>${COLUMNS.map((c) => html`<td key=${c} class="num">${row[c] == null ? "–" : num(row[c])}</td>`)}</tr>`)}</tbody></table></div>` : html`<p class="sub gap">${t("n.none")}</p>`}`}</section>`;
}
