// A month of a rota on a phone: seven columns that fit, who is on first or what is missing on each day; the chosen day in full below.
import "../strings/rota.js";
import { html, Icon, useState } from "../core/html.js";
import { serverNow } from "../core/clock.js";
import { t } from "../core/i18n.js";
import { roleText } from "../parts/facts.js";
import { Day, gapName } from "./rota-week.js";
import { clockSpan, dateOf, DAY, dayName, dayShort, HOUR, longDay, midnight, overlaps, within } from "./rota-time.js";

const ms = (at) => Date.parse(at);
const DAYS = [0, 1, 2, 3, 4, 5, 6];

/** Who comes on that day in a role; where nobody does, who is left from the day before. */
function peopleOn(row, day) {
  const on = row.blocks.filter((b) => overlaps(b, day, day + DAY));
  const coming = on.filter((b) => ms(b.from) >= day);
  return [...new Set((coming.length ? coming : on).flatMap((b) => b.people.map((p) => p.name)))];
}

export function MonthOnPhone({ results, first, from, weeks, book, open, select }) {
  const now = serverNow();
  const month = dateOf(first).slice(0, 7);
  const [chosen, choose] = useState(null);
  const days = Array.from({ length: weeks * 7 }, (_, i) => midnight(from + i * DAY + HOUR));
  // Of another month than the one that was chosen in: today, or its first day.
  const day = chosen !== null && dateOf(chosen).startsWith(month) ? chosen : dateOf(now).startsWith(month) ? midnight(now) : first;
  const primary = results.find((r) => ["primary", "leadership"].includes(r.role)) ?? results[0];
  const next = midnight(`${dateOf(first + 32 * DAY).slice(0, 7)}-01`);
  const gaps = results.flatMap((r) => r.gaps).filter((g) => overlaps(g, first, next)).sort((a, b) => ms(a.from) - ms(b.from));
  const cell = (at) => {
    const missing = results.flatMap((r) => within(r.gaps, at, at + DAY));
    const people = primary ? peopleOn(primary, at) : [];
    const gone = missing.map((g) => `${t(g.why === "unreachable" ? "r.unreachable" : "r.missing_role", { role: roleText(g.role).toLowerCase() })} ${clockSpan(g)}`);
    const cls = ["mp-d", dateOf(at).startsWith(month) ? "" : "out", now >= at && now < at + DAY ? "to" : "", at + DAY <= now ? "past" : ""].filter(Boolean).join(" ");
    return html`<td key=${at}><button type="button" class=${cls} aria-pressed=${at === day ? "true" : "false"} onClick=${() => (dateOf(at).startsWith(month) ? choose(at) : open(at))}>
      <span class="vh">${[longDay(at), now >= at && now < at + DAY && t("r.is_today"), ...gone].filter(Boolean).join(" · ")}${people.length > 0 && html` · ${roleText(primary.role)}: <span lang="vi">${people.join(", ")}</span>`}</span>
      <b class="num" aria-hidden="true">${Number(dateOf(at).slice(8))}</b>${missing.length ? html`<span class="mp-gap" aria-hidden="true">!</span>` : html`<span class="mp-who" lang="vi" aria-hidden="true">${people.map(book.tiny).join(", ")}</span>`}</button></td>`;
  };
  return html`<section class="mp" aria-label=${t("r.month")}>
    <table class="mp-t"><thead><tr>${DAYS.map((i) => html`<th scope="col" key=${i}><span aria-hidden="true">${dayShort(i)}</span><span class="vh">${dayName(i)}</span></th>`)}</tr></thead>
      <tbody>${Array.from({ length: weeks }, (_, w) => html`<tr key=${w}>${days.slice(w * 7, w * 7 + 7).map(cell)}</tr>`)}</tbody></table>
    ${primary && html`<p class="cap mp-key">${t("r.month_key", { role: roleText(primary.role).toLowerCase() })}${book.key && html` · <span lang="vi">${book.key}</span>`}</p>`}
    <div class="wk days"><${Day} key=${day} results=${results} written=${[]} day=${day} select=${select} open=${() => true} /></div>
    <button type="button" class="btn o blk" onClick=${() => open(day)}>${t("r.open_week")}<${Icon} name="chev" /></button>
    ${gaps.length > 0 && html`<section class="card mp-gaps" aria-label=${t("r.month_gaps", { n: gaps.length })}><h2 class="h3">${t("r.month_gaps", { n: gaps.length })}</h2><ul>${gaps.map((g) => html`<li key=${g.role + g.from}><button type="button" class="linkish" onClick=${() => choose(midnight(Math.max(ms(g.from), first)))}>${gapName(g)}</button></li>`)}</ul></section>`}</section>`;
}
