// What a stretch of time cost each doctor of a desk: a night, or a week (hazard 20: rings per shift are reported). Beside it what
// each holds now and has room for; administrators and the head of the rota change that here.
import "../strings/run.js";
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { Text } from "../core/form.js";
import { fmtWhen, fromVietnam, num, t, vietnam } from "../core/i18n.js";
import { notify } from "../core/shell.js";
import { ActButton, errorText, useAction } from "../parts/action.js";
import { openBody } from "../parts/dialogs.js";

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
  const edit = async (row) => {
    const now = await openBody(t("n.room"), Room, { desk, row });
    if (!now) return;
    setRead((r) => ({ ...r, items: r.items.map((x) => (x.doctor === now.doctor ? { ...x, ...now } : x)) }));
    notify(t("n.room_saved", { name: now.doctor_name, n: roomText(now.capacity) }), "ok");
  };
  const sets = read?.may.includes("set_capacity");
  return html`<section class="card" aria-label=${t("n.title")}><div class="row wrap"><h2 class="h3">${t("n.title")}</h2>
      <div class="seg end" role="group" aria-label=${t("n.span")}>${["night", "week"].map((x) => html`<button type="button" key=${x} aria-current=${span === x ? "true" : undefined} onClick=${() => setSpan(x)}>${t(`n.${x}`)}</button>`)}</div></div>
    ${error && html`<p class="note bad gap" role="alert"><${Icon} name="warn" /><span>${error.detail || t("error.network")}</span></p>`}
    ${read && html`<p class="cap gap">${t("n.between", { from: fmtWhen(read.from), to: fmtWhen(read.to) })}</p>
      ${read.items.length ? html`<div class="scroll-x gap" tabindex="0" role="region" aria-label=${t("n.title")}><table class="load"><thead><tr><th scope="col">${t("n.doctor")}</th><th scope="col">${t("n.held")}</th>${COLUMNS.map((c) => html`<th scope="col" key=${c}>${t(`n.${c}`)}</th>`)}</tr></thead>
        <tbody>${read.items.map((row) => html`<tr key=${row.doctor}><td lang="vi">${row.doctor_name}</td><td class="num nowrap">${num(row.held)} / ${row.capacity == null ? html`–<span class="vh"> ${t("n.any")}</span>` : num(row.capacity)}
          ${sets && html` <button type="button" class="ib" aria-label=${t("n.room_of", { name: row.doctor_name })} title=${t("n.room")} onClick=${() => edit(row)}><${Icon} name="edit" /></button>`}</td>${COLUMNS.map((c) => html`<td key=${c} class="num">${row[c] == null ? "–" : num(row[c])}</td>`)}</tr>`)}</tbody></table></div>` : html`<p class="sub gap">${t("n.none")}</p>`}`}</section>`;
}

const roomText = (capacity) => (capacity == null ? t("n.any") : num(capacity));

/** How many cases one doctor holds at once. What the server refuses is said at the field; somebody else's change before a second try. */
function Room({ desk, row, close }) {
  const [words, setWords] = useState(row.capacity == null ? "" : String(row.capacity));
  const [wrong, setWrong] = useState(null);
  const [version, setVersion] = useState(row.capacity_version);
  const [run, action] = useAction();
  const stale = action.error?.status === 412 ? action.error : null;
  useEffect(() => { if (stale) setVersion(stale.extra.version); }, [stale]);
  const send = async (e) => {
    e.preventDefault();
    const typed = words.trim();
    setWrong(typed && !/^\d{1,6}$/.test(typed) ? t("n.room_bad") : null);
    if (typed && !/^\d{1,6}$/.test(typed)) return document.getElementById("room")?.focus();
    const body = { version, ...(typed ? { capacity: Number(typed) } : {}) };
    const now = await run({ path: `/desks/${desk.id}/doctors/${row.doctor}/capacity`, method: "PUT", body, what: "capacity", expiresAfter: 60 });
    return now && close(now);
  };
  const said = wrong ?? action.error?.errors?.find((x) => String(x.field).endsWith("capacity"))?.detail ?? null;
  return html`<form class="stack" onSubmit=${send} novalidate><p class="sub"><b lang="vi">${row.doctor_name}</b> · ${t("n.holds", { n: row.held })}</p>
    ${action.error && !said && html`<p class="note bad" role="alert"><${Icon} name="warn" /><span>${stale ? t("n.room_stale", { n: roomText(stale.extra.capacity), name: stale.extra.by_name ?? t("l.somebody") }) : errorText(action.error)}</span></p>`}
    <${Text} id="room" label=${t("n.room")} opt=${t("n.room_opt")} hint=${t("n.room_hint")} value=${words} inputmode="numeric" onInput=${setWords} error=${said} />
    <${ActButton} type="submit" cls="btn p blk" icon="check" busy=${action.busy}>${t("l.save")}</${ActButton}></form>`;
}
