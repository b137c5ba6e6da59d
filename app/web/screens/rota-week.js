// A week of a rota: how it is written (layers, exceptions) above, what comes of it (exactly what rings) below, gaps hatched and
// named. On a phone the same week is a list of days.
import "../strings/rota.js";
import { html, Icon, useRef } from "../core/html.js";
import { serverNow } from "../core/clock.js";
import { fmtDate, fmtTime, t } from "../core/i18n.js";
import { roleText } from "../parts/facts.js";
import { standing } from "./rota-draft.js";
import { clip, clockSpan, dateOf, DAY, dayShort, drawable, HOUR, hours, lanes, layerBlocks, layerText, longDay, midnight, overlaps, ROLES, shortSpan, spanText, together, WEEK, within } from "./rota-time.js";

const ms = (at) => Date.parse(at);
const LANE = 46;

/** The rows above the results: a layer each, then what replaces layers. Lower rows win within a role. */
export function writtenRows(docs, from, to) {
  if (!docs) return [];
  const order = (a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || a.priority - b.priority;
  const name = (id) => docs.people.find((p) => p.id === id)?.name ?? t("r.unknown");
  const rows = [...docs.layers].sort(order).map((layer) => ({
    key: `layer-${layer.id}`, kind: "layer", doc: layer, title: layer.name || roleText(layer.role),
    sub: `${layer.name ? `${roleText(layer.role)} · ` : ""}${layerText(layer)}`,
    blocks: drawable(docs.zone) && layer.draft !== "deleted"
      ? layerBlocks(layer, standing(docs.holidays), from, to).map((b) => ({ ...b, people: b.ids.map((id) => ({ id, name: name(id) })), kind: "layer", doc: layer })) : [],
  }));
  const exceptions = [
    ...docs.overrides.map((o) => ({ ...o, kind: "override", doc: o, people: [{ id: o.by ?? o.doctor, name: o.by_name ?? o.doctor_name }],
      note: o.kind === "replace" ? t("r.instead_of", { name: o.doctor_name }) : t(`r.kind.${o.kind}`), note_name: o.kind === "replace" ? o.doctor_name : null, what: o.kind })),
    ...docs.temporaries.flatMap((x) => x.shifts.map((s, i) => ({ ...s, key: `${x.id}-${i}`, kind: "temporary", doc: x, draft: x.draft, people: [{ id: s.doctor, name: s.doctor_name }], note: t("r.temporary") }))),
    ...docs.imported.map((s) => ({ ...s, kind: "imported", doc: s, people: [{ id: s.doctor, name: s.doctor_name }], note: t("r.imported") })),
    ...docs.swaps.filter((s) => s.state === "taken").flatMap((s) => [s, ...(s.return ? [{ ...s, ...s.return, taker: s.giver, taker_name: s.giver_name, giver_name: s.taker_name }] : [])])
      .map((s) => ({ ...s, kind: "swap", doc: s, people: [{ id: s.taker, name: s.taker_name }], note: t("r.instead_of", { name: s.giver_name }), note_name: s.giver_name })),
    ...docs.leaves.filter((l) => l.state === "approved").map((l) => ({ ...l, kind: "leave", doc: l, people: [{ id: l.doctor, name: l.doctor_name }], note: t("r.leave") })),
  ].filter((x) => overlaps(x, from, to)).map((x) => ({ ...clip(x, from, to), full: { from: x.from, to: x.to } }));
  rows.push({ key: "exceptions", kind: "exceptions", title: t("r.overrides"), sub: t("r.overrides_sub"), blocks: exceptions.sort((a, b) => ms(a.from) - ms(b.from)) });
  return rows;
}

/** What comes of it, a row for each role: { role, blocks, gaps }. */
export function resultRows(slots, gaps, required = []) {
  const roles = [...new Set([...required, ...slots.map((s) => s.role), ...gaps.map((g) => g.role)])].sort((a, b) => ROLES.indexOf(a) - ROLES.indexOf(b));
  return roles.map((role, i) => ({
    key: `result-${role}`, kind: "result", role, sub: i ? "" : t("r.as_rings"), title: t("r.result", { role: roleText(role) }),
    blocks: together(slots.filter((s) => s.role === role)).map((b) => ({ ...b, kind: "slot", role })),
    gaps: gaps.filter((g) => g.role === role).map((g) => ({ ...g, kind: "gap", why: g.kind })),
  }));
}

export function Week({ written, results, week, book, colour, select, selected, moved }) {
  const box = useRef(null);
  const now = serverNow();
  const at = (now - week) / WEEK;
  const rows = [...written, ...results];

  /** Arrow keys: along a row, or to the block of the next row at the same time. */
  const keys = (e) => {
    const here = e.target.closest?.("button.bk");
    if (!here) return;
    const all = [...box.current.querySelectorAll("button.bk")];
    let to = null;
    if (e.key === "ArrowRight" || e.key === "ArrowLeft") {
      const row = all.filter((b) => b.dataset.row === here.dataset.row);
      to = row[row.indexOf(here) + (e.key === "ArrowRight" ? 1 : -1)];
    } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const names = [...new Set(all.map((b) => b.dataset.row))];
      const row = names[names.indexOf(here.dataset.row) + (e.key === "ArrowDown" ? 1 : -1)];
      const near = (b) => Math.abs(Number(b.dataset.at) - Number(here.dataset.at));
      to = all.filter((b) => b.dataset.row === row).sort((a, b) => near(a) - near(b))[0];
    } else if (e.key === "Home") [to] = all;
    else if (e.key === "End") to = all.at(-1);
    else return;
    e.preventDefault();
    to?.focus();
  };
  const first = rows.flatMap((r) => r.blocks.map((_, i) => `${r.key}:${i}`))[0];
  const chosen = rows.flatMap((r) => r.blocks.map((b, i) => [`${r.key}:${i}`, b])).find(([, b]) => selected && blockKey(b) === selected)?.[0] ?? first;

  return html`<div class="wk" tabindex="0" role="region" aria-label=${t("r.week")} onKeyDown=${keys}><div class="wk-in" ref=${box} role="grid" aria-label=${t("r.week_grid")}>
    <div class="wr wr-d" role="row"><div class="h" role="columnheader"><span class="cap">${t("r.lower_wins")}${book.key && html` · <span lang="vi">${book.key}</span>`}</span></div><div class="tk" role="none">${[0, 1, 2, 3, 4, 5, 6].map((i) => html`<div key=${i} role="columnheader" class=${at * 7 >= i && at * 7 < i + 1 ? "to" : ""}>${dayShort(i)} <span class="num">${fmtDate(week + i * DAY, { year: false })}</span></div>`)}</div></div>
    ${rows.map((row) => html`<${Row} key=${row.key} row=${row} week=${week} now=${at} book=${book} colour=${colour} select=${select} selected=${selected} focusable=${chosen} moved=${moved} />`)}
  </div></div>`;
}

/** What tells one block from another, over repaints. */
export const blockKey = (b) => `${b.kind}:${b.doc?.id ?? b.role}:${b.from}`;

function Row({ row, week, now, book, colour, select, selected, focusable, moved }) {
  const { rows, count } = lanes(row.blocks);
  const gaps = row.gaps ?? [];
  const left = (x) => (ms(x.from) - week) / WEEK;
  const place = (x, lane = 0) => ({ left: `${left(x) * 100}%`, width: `${Math.max(0.004, (ms(x.to) - ms(x.from)) / WEEK) * 100}%`, top: `${6 + lane * LANE}px` });
  const layer = row.kind === "layer";
  return html`<div class=${`wr${row.kind === "result" ? " res" : ""}${row.doc?.draft ? ` dr ${row.doc.draft}` : ""}`} role="row">
    <div class="h" role="rowheader">${layer ? html`<button type="button" class="h-b" onClick=${() => select({ kind: "layer", doc: row.doc })}><b>${row.title}</b></button>` : html`<b>${row.title}</b>`}
      <span class="cap">${row.kind === "result" ? (gaps.length ? html`<span class="gap-n">${t("r.gaps_n", { n: gaps.length })}</span>` : row.sub ?? "") : row.sub}</span>
      ${row.doc?.draft && html`<span class="chip info">${t(`r.draft.${row.doc.draft}`)}</span>`}</div>
    <div class="tk" role="none" style=${{ minHeight: `${Math.max(58, 12 + count * LANE)}px` }}>
      ${rows.map(({ block, lane }, i) => html`<${Block} key=${blockKey(block) + i} block=${block} id=${`${row.key}:${i}`} style=${place(block, lane)} row=${row.key} book=${book} colour=${colour} select=${select} pressed=${selected === blockKey(block)} tab=${focusable === `${row.key}:${i}`} moved=${row.kind === "result" && moved(block, row.role)} />`)}
      ${gaps.filter((g) => g.why === "unreachable").map((g) => html`<span role="gridcell" class="cell un" key=${`u${g.from}`} style=${place(g)} title=${gapName(g)}><span class="vh">${gapName(g)}</span></span>`)}
      ${gaps.filter((g) => g.why !== "unreachable").map((g) => html`<span role="gridcell" class="cell" key=${`g${g.from}`} style=${place(g)}><button type="button" class="bk gp" data-row=${row.key} data-at=${ms(g.from)} tabindex=${-1} aria-label=${[t("r.missing"), clockSpan(g), gapName(g)].join(" ")} title=${gapName(g)} onClick=${() => select(g)}><b>${t("r.missing")}</b><span>${clockSpan(g)}</span></button></span>`)}
      ${now >= 0 && now < 1 && html`<span class="nl" aria-hidden="true" style=${{ left: `${now * 100}%` }}></span>`}
    </div></div>`;
}

export const gapName = (g) => t(g.why === "unreachable" || g.kind === "unreachable" ? "r.gap_unreachable" : "r.gap", { role: roleText(g.role).toLowerCase(), time: spanText(g) });

function Block({ block, style, row, book, colour, select, pressed, tab, moved }) {
  const h = hours(block.from, block.to);
  const say = h >= 20 ? book.long : h >= 10 ? book.mid : book.tiny;
  const names = block.people.map((p) => say(p.name)).join(", ");
  const full = [block.people.map((p) => p.name).join(", "), block.note, spanText(block), block.draft && t(`r.draft.${block.draft}`)].filter(Boolean).join(" · ");
  const off = block.what === "remove" || block.kind === "leave";
  const cls = ["bk", `p${colour(block.people[0].id)}`, block.kind === "override" || block.kind === "temporary" || block.kind === "imported" || block.kind === "swap" ? "ov" : "", off ? "off" : "", block.draft ? `dr ${block.draft}` : "", moved ? "mv" : "", Date.parse(block.to) <= serverNow() ? "past" : ""].filter(Boolean).join(" ");
  const note = block.note_name ? t("r.instead_of", { name: book.mid(block.note_name) }) : block.note;
  return html`<span role="gridcell" class="cell" style=${style}><button type="button" class=${cls} data-row=${row} data-at=${Date.parse(block.from)} tabindex=${tab ? 0 : -1} aria-pressed=${pressed ? "true" : "false"} aria-label=${[names, note && h >= 9 && note, full].filter(Boolean).join(" · ")} title=${full} onClick=${() => select(block)}>
    <b lang="vi">${names}</b>${note && h >= 9 && html`<span>${note}</span>`}</button></span>`;
}

// --- on a phone -----------------------------------------------------------------------------------------------------------

/** The same week as a list of days: who is on from when to when, gaps in red. */
export function Days({ results, written, week, select }) {
  const now = serverNow();
  const days = [0, 1, 2, 3, 4, 5, 6].map((i) => week + i * DAY);
  return html`<div class="wk days" role="region" aria-label=${t("r.week")}>
    ${days.map((day) => html`<${Day} key=${day} results=${results} written=${written} day=${day} select=${select}
      open=${(missing) => missing || (now >= day && now < day + DAY) || (day > now && day - now < 2 * DAY) || (week > now && day < week + 2 * DAY)} />`)}
  </div>`;
}

/** One day of that list. */
export function Day({ results, written, day, select, open }) {
  const now = serverNow();
  const rows = results.map((r) => ({ ...r, list: [...within(r.blocks, day, day + DAY), ...within(r.gaps, day, day + DAY)].sort((a, b) => ms(a.from) - ms(b.from)) })).filter((r) => r.list.length);
  const exceptions = written.filter((r) => r.kind === "exceptions").flatMap((r) => r.blocks).filter((b) => overlaps(b, day, day + DAY));
  const missing = rows.some((r) => r.list.some((x) => x.kind === "gap"));
  return html`<details class=${`day-d${day + DAY <= now ? " past" : ""}`} open=${open(missing)}><summary><h2 class="h3">${longDay(day)}</h2>${now >= day && now < day + DAY && html`<span class="chip info">${t("r.is_today")}</span>`}
      ${missing && html`<span class="chip bad"><${Icon} name="warn" />${t("r.missing")}</span>`}</summary>
    ${rows.map((r) => html`<div class="day-r" key=${r.role}><h3 class="lbl">${roleText(r.role)}</h3><ul>${r.list.map((x) => html`<li key=${x.from} class=${ms(x.from) <= now && ms(x.to) > now ? "now" : ""}><span class="num">${fmtTime(x.from)}–${dateOf(x.to) === dateOf(ms(x.to) - 1) ? fmtTime(x.to) : "24:00"}</span>
      ${x.kind === "gap" ? html`<button type="button" class="day-gap" onClick=${() => select(x.whole)}><${Icon} name="warn" />${t(x.why === "unreachable" ? "r.unreachable" : "r.missing_role", { role: roleText(x.role).toLowerCase() })}</button>`
        : html`<button type="button" class="day-p" onClick=${() => select(x.whole)}>${x.people.map((p) => p.name).join(", ")}</button>`}</li>`)}</ul></div>`)}
    ${!rows.length && html`<p class="sub">${t("r.none_day")}</p>`}
    ${exceptions.length > 0 && html`<ul class="day-x">${exceptions.map((b) => html`<li key=${blockKey(b)}><button type="button" class="linkish" onClick=${() => select(b)}>${[b.people.map((p) => p.name).join(", "), b.note, shortSpan(b.full)].filter(Boolean).join(" · ")}</button></li>`)}</ul>`}
  </details>`;
}

// --- beside the week ------------------------------------------------------------------------------------------------------------

/** Gaps from now on, in words, with the way to fill them. */
export function GapBanner({ gaps, onFind }) {
  if (!gaps.length) return null;
  return html`<section class="note bad r-gaps" role="alert"><${Icon} name="warn" /><ul class="grow">${gaps.slice(0, 3).map((g) => html`<li key=${g.from + g.role}><b>${gapName(g)}.</b> ${t(g.why === "unreachable" ? "r.then_unreachable" : `r.then.${g.role}`)}</li>`)}
      ${gaps.length > 3 && html`<li>${t("r.gaps_more", { n: gaps.length - 3 })}</li>`}</ul>
    ${onFind && html`<button type="button" class="btn s o" onClick=${() => onFind(gaps[0])}>${t("r.find")}</button>`}</section>`;
}

export function Legend({ editable }) {
  return html`<div class="row wrap cap legend">
    <span class="row"><span class="lg lg-ov"></span>${t("r.override")}</span><span class="row"><span class="lg lg-gp"></span>${t("r.gap_legend")}</span>
    <span class="row"><span class="lg-now"></span>${t("r.now_past", { time: fmtTime(serverNow()) })}</span>
    ${editable && html`<span class="end dsk">${t("r.keys")} <kbd>←</kbd> <kbd>→</kbd> ${t("r.keys_select")} · <kbd>N</kbd> ${t("r.keys_add")} · <kbd>Del</kbd> ${t("r.keys_remove")}</span>`}</div>`;
}

/** Hours of each doctor as primary this week, and what somebody should think about. */
export function Hours({ slots, role, warnings, book, week }) {
  const sums = new Map();
  for (const s of slots) if (s.role === role) sums.set(s.doctor_name, (sums.get(s.doctor_name) ?? 0) + hours(s.from, s.to));
  const list = [...sums].sort(([a], [b]) => a.localeCompare(b, "vi"));
  const said = warnings.filter((w) => !w.from || overlaps(w, week, week + WEEK));
  const long = said.length ? said : longDuty(slots).map((x) => ({ detail: t("r.long", { name: x.name, hours: String(x.hours).replace(".", ","), from: longDay(ms(x.from)) }) }));
  return html`<section class="card r-hours"><h2>${t("r.hours_week", { role: roleText(role).toLowerCase() })}</h2>
    <ul>${list.map(([name, n]) => html`<li key=${name} title=${name}><span lang="vi">${book.mid(name)}</span> · <b class="num">${String(Math.round(n * 10) / 10).replace(".", ",")}</b></li>`)}</ul>
    ${long.length > 0 && html`<ul class="r-warn">${long.slice(0, 3).map((w, i) => html`<li key=${i}>${w.detail}</li>`)}${long.length > 3 && html`<li><details><summary>${t("r.warnings_more", { n: long.length - 3 })}</summary><ul>${long.slice(3).map((w, i) => html`<li key=${i}>${w.detail}</li>`)}</ul></details></li>`}</ul>`}</section>`;
}

/** 24 hours and more without a break in roles that are rung first; worked out from what is shown. */
export function longDuty(slots) {
  const found = [];
  const by = new Map();
  for (const s of slots) if (["primary", "backup"].includes(s.role)) by.set(s.doctor_name, [...(by.get(s.doctor_name) ?? []), s]);
  for (const [name, list] of by) {
    let run = null;
    for (const s of list.sort((a, b) => ms(a.from) - ms(b.from))) {
      if (run && ms(s.from) <= ms(run.to)) run.to = ms(s.to) > ms(run.to) ? s.to : run.to;
      else run = { name, from: s.from, to: s.to };
      if (found.at(-1)?.run === run) found.pop();
      if (ms(run.to) - ms(run.from) > 24 * HOUR) found.push({ run });
    }
  }
  return found.map(({ run }) => ({ ...run, hours: hours(run.from, run.to) }));
}

// --- a month -------------------------------------------------------------------------------------------------------------

/** Six weeks as a calendar: a line for each role, gaps marked; a day opens its week. */
export function Month({ results, first, from, weeks, book, open }) {
  const now = serverNow();
  const month = dateOf(first).slice(0, 7);
  const desk = results.some((r) => r.role === "primary");
  const two = results.filter((r) => (desk ? ["primary", "backup"] : ["leadership", "coordinator"]).includes(r.role) || r.gaps.length);
  return html`<div class="wk" tabindex="0" role="region" aria-label=${t("r.month")}><table class="mo"><caption class="vh">${t("r.month")}</caption><thead><tr>${[0, 1, 2, 3, 4, 5, 6].map((i) => html`<th scope="col" key=${i}>${dayShort(i)}</th>`)}</tr></thead><tbody>
    ${Array.from({ length: weeks }, (_, w) => html`<tr key=${w}>${[0, 1, 2, 3, 4, 5, 6].map((i) => {
      const day = midnight(from + (w * 7 + i) * DAY + HOUR);
      const today = now >= day && now < day + DAY;
      return html`<td key=${i} class=${`${dateOf(day).startsWith(month) ? "" : "out"}${today ? " to" : ""}${day + DAY <= now ? " past" : ""}`}>
        <button type="button" class="mo-d num" onClick=${() => open(day)}>${fmtDate(day, { year: false }).replace(/^0/, "").split("/")[0]}<span class="vh"> · ${longDay(day)}</span></button>
        <ul>${two.map((r) => {
          const gap = within(r.gaps, day, day + DAY)[0];
          const on = r.blocks.filter((b) => overlaps(b, day, day + DAY));
          const starting = on.filter((b) => ms(b.from) >= day); // whoever comes on that day; who is left from the day before stands there
          const people = [...new Set((starting.length ? starting : on).flatMap((b) => b.people.map((p) => p.name)))];
          if (!gap && !people.length) return null;
          return html`<li key=${r.role} class=${gap ? "gp" : ""}><span class="cap">${t(`r.abbr.${r.role}`)}</span> <span title=${people.join(", ")} lang=${gap ? undefined : "vi"}>${gap ? `${t("r.missing")} ${clockSpan(gap)}` : people.map(book.mid).join(", ")}</span></li>`;
        })}</ul></td>`;
    })}</tr>`)}
  </tbody></table></div>`;
}
