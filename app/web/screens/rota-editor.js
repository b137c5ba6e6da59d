// The pane beside the week: the block that is chosen, the draft with what it changes, and who would be rung at any time.
import "../strings/rota.js";
import { html, Icon, useEffect, useRef, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { fmtWhen, t } from "../core/i18n.js";
import { DataAge, notify } from "../core/shell.js";
import { tel } from "../core/telephones.js";
import { Text } from "../core/form.js";
import { ActButton, ActionState, errorText } from "../parts/action.js";
import { roleText } from "../parts/facts.js";
import { DocumentForm, Moment } from "./rota-forms.js";
import { hours, hoursText, iso, layerText, longDay, overlaps, ROLES, shortSpan, spanText } from "./rota-time.js";

const ms = (at) => Date.parse(at);

/** Title of the pane for what is chosen. */
export function paneTitle(chosen) {
  if (chosen.new) return t(`r.new.${chosen.new}`);
  if (chosen.kind === "settings") return t("r.settings");
  if (chosen.kind === "gap") return t("r.gap_title", { role: roleText(chosen.role).toLowerCase(), day: longDay(chosen.from) });
  if (chosen.kind === "slot") return `${roleText(chosen.role)} · ${longDay(chosen.from)}`;
  if (chosen.kind === "layer") return t("r.layer_title", { name: chosen.doc.name || roleText(chosen.doc.role) });
  if (chosen.kind === "holiday") return t("r.holiday_title");
  return `${t(`r.what.${chosen.kind}`)} · ${longDay(chosen.full?.from ?? chosen.from)}`;
}

/** The chosen block: its form where it may be changed, otherwise what there is to know about it. */
export function Chosen({ edit, chosen, choose }) {
  const done = () => choose(null);
  const may = edit.may("publish_rota") || edit.may("override_soon");
  if (chosen.new) return html`<${DocumentForm} key=${`new-${chosen.new}-${chosen.given?.from ?? ""}`} edit=${edit} kind=${chosen.new} given=${chosen.given} done=${done} />`;
  if (chosen.kind === "settings") return html`<${DocumentForm} key="settings" edit=${edit} kind="settings" done=${done} />`;
  if (chosen.kind === "gap") return may ? html`<p class="sub">${spanText(chosen)}</p><${DocumentForm} key=${`gap-${chosen.from}`} edit=${edit} kind="override" given=${{ kind: "add", role: chosen.role, from: iso(Math.max(ms(chosen.from), serverNow() + 60e3)), to: chosen.to }} done=${done} />` : html`<p class="sub">${spanText(chosen)}</p>`;
  if (chosen.kind === "slot") return html`<${Slot} edit=${edit} slot=${chosen} choose=${choose} may=${may} />`;
  const doc = edit.docs && ["layer", "override", "temporary", "holiday"].includes(chosen.kind) ? edit.docs[{ layer: "layers", override: "overrides", temporary: "temporaries", holiday: "holidays" }[chosen.kind]].find((x) => x.id === chosen.doc.id) ?? chosen.doc : chosen.doc;
  const past = doc.to && ms(doc.to) <= serverNow();
  const editable = !past && (edit.may("publish_rota") || (chosen.kind === "override" && edit.may("override_soon") && (doc.draft === "new" || doc.may?.includes("edit")))) && ["layer", "override", "temporary", "holiday"].includes(chosen.kind) && !(chosen.kind === "holiday" && (!doc.hospital || !edit.may("set_holidays")));
  if (doc.draft === "deleted") return html`<p class="note warn"><${Icon} name="info" /><span>${t("r.will_go")}</span></p><button type="button" class="btn o blk" onClick=${() => { edit.drop(doc.change); done(); }}>${t("r.undo")}</button>`;
  return html`<${Facts} kind=${chosen.kind} doc=${doc} />${past && html`<p class="cap">${t("r.past")}</p>`}
    ${editable && html`<${DocumentForm} key=${`${doc.id}-${doc.change ?? ""}`} edit=${edit} kind=${chosen.kind} doc=${doc} done=${done} />`}`;
}

function Facts({ kind, doc }) {
  const rows = {
    layer: () => [["r.f.role", roleText(doc.role)], ["r.f.windows", layerText(doc)]],
    override: () => [["r.when", spanText(doc)], ["r.f.role", roleText(doc.role)], doc.kind === "replace" && ["r.replaces", doc.doctor_name], doc.made_by_name && ["r.made_by", `${doc.made_by_name}, ${fmtWhen(doc.made_at)}`]],
    temporary: () => [["r.when", spanText(doc)], ["r.f.roles", doc.roles.map(roleText).join(", ")], doc.made_by_name && ["r.made_by", `${doc.made_by_name}, ${fmtWhen(doc.made_at)}`]],
    imported: () => [["r.when", spanText(doc)], ["r.f.role", roleText(doc.role)], ["r.f.doctor", doc.doctor_name], ["r.source", doc.source]],
    swap: () => [["r.when", spanText(doc)], ["r.f.role", roleText(doc.role)], ["r.f.doctor", doc.taker_name], ["r.replaces", doc.giver_name]],
    leave: () => [["r.when", spanText(doc)], ["r.f.doctor", doc.doctor_name]],
    holiday: () => [["r.f.date", doc.date], ["r.f.day_is", t(`r.holiday.${doc.kind}`)], ["r.source", t(doc.hospital ? "r.own" : "r.national")]],
  }[kind]?.() ?? [];
  return html`<dl class="r-facts">${rows.filter(Boolean).map(([key, value]) => html`<dt key=${key}>${t(key)}</dt><dd>${value}</dd>`)}</dl>`;
}

function Slot({ edit, slot, choose, may }) {
  const past = ms(slot.to) <= serverNow();
  const from = iso(Math.max(ms(slot.from), serverNow()));
  const able = edit.rota?.roles.includes(slot.role);
  return html`<dl class="r-facts"><dt>${t("r.when")}</dt><dd><b>${spanText(slot)}</b></dd><dt>${t("r.f.role")}</dt><dd>${roleText(slot.role)}</dd><dt>${t("r.f.doctor")}</dt><dd>${slot.people.map((p) => p.name).join(", ")}</dd></dl>
    ${past && html`<p class="cap">${t("r.past")}</p>`}
    ${!past && may && able && slot.people.map((p) => html`<div class="row wrap" key=${p.id}>${["replace", "remove"].map((kind) => html`<button type="button" key=${kind} class="btn s o" onClick=${() => choose({ new: "override", given: { kind, role: slot.role, doctor: p.id, from, to: slot.to } })}>${t(`r.do.${kind}`, { name: slot.people.length > 1 ? p.name : "" })}</button>`)}</div>`)}
    ${!past && may && able && html`<button type="button" class="btn s o" onClick=${() => choose({ new: "override", given: { kind: "add", role: slot.role, from, to: slot.to } })}>${t("r.do.add")}</button>`}`;
}

/** What may be added, for those who may. */
export function Add({ edit, choose, given }) {
  if (edit.readOnly || !edit.rota) return null;
  const all = edit.may("publish_rota");
  const kinds = ["override", ...(all ? ["layer", "temporary"] : []), ...(edit.may("set_holidays") ? ["holiday"] : [])];
  return html`<section><h2 class="sec-h">${t("r.add")}</h2><div class="row wrap add-row">${kinds.map((kind) => html`<button type="button" key=${kind} class="btn s o" onClick=${() => choose({ new: kind, given })}><${Icon} name="plus" />${t(`r.what.${kind}`)}</button>`)}
      ${edit.may("set_rota") && html`<button type="button" class="btn s g" onClick=${() => choose({ kind: "settings" })}>${t("r.settings")}</button>`}</div>
    ${all && edit.docs.holidays.length > 0 && html`<details class="r-hol"><summary>${t("r.holidays_n", { n: edit.docs.holidays.length })}</summary><ul>${edit.docs.holidays.map((h) => html`<li key=${h.id}><button type="button" class="linkish" onClick=${() => choose({ kind: "holiday", doc: h })}>${h.date.split("-").reverse().join("/")} · ${h.name || t(`r.holiday.${h.kind}`)}</button></li>`)}</ul></details>`}</section>`;
}

// --- the draft ------------------------------------------------------------------------------------------------------------

function changeText(edit, c) {
  const list = { layer: "layers", override: "overrides", temporary: "temporaries", holiday: "holidays" }[c.kind];
  const doc = c.body ?? edit.rota[list]?.find((x) => x.id === c.id) ?? {};
  const name = (id) => edit.rota.people.find((p) => p.id === id)?.name ?? "";
  const what = t(`r.what.${c.kind}`);
  const verb = t(`r.verb.${c.op === "delete" ? "delete" : c.id ? "edit" : c.kind === "settings" ? "edit" : "new"}`);
  const more = {
    override: () => [t(`r.kind.${doc.kind}`), doc.kind === "replace" ? `${name(doc.doctor)} → ${name(doc.by)}` : name(doc.doctor), shortSpan(doc)],
    layer: () => [doc.name || roleText(doc.role), layerText({ on: "any", rotation: null, windows: null, turns: [], ...doc })], temporary: () => [shortSpan(doc)],
    holiday: () => [(doc.date ?? "").split("-").reverse().join("/")], settings: () => [],
  }[c.kind]();
  return { head: `${verb} ${what.toLowerCase()}`, rest: more.filter(Boolean).join(" · ") };
}

/** The changes, what they do to whom, what to think about, and the way to publish them. */
export function Draft({ edit, book, publish, dock }) {
  const { changes, preview, problem, busy } = edit;
  if (!changes.length || !edit.rota) return null;
  const fresh = (preview?.warnings ?? []).filter((w) => w.new);
  return html`<section class="stack-s draft"><h2 class="sec-h">${t("r.draft_n", { n: changes.length })} <span class="end" role="status">${busy ? t("r.working") : ""}</span></h2>
    <ol class="stack-s">${changes.map((c) => {
      const { head, rest } = changeText(edit, c);
      return html`<li key=${c.key} class="row top"><span class="grow"><b>${head}</b><br /><span class="sub">${rest}</span></span><button type="button" class="ib" aria-label=${t("r.undo_one", { what: head })} onClick=${() => edit.drop(c.key)}><${Icon} name="x" /></button></li>`;
    })}</ol>
    ${problem && html`<div class="note bad" role="alert"><${Icon} name="warn" /><span>${errorText(problem)}${(problem.errors ?? []).length > 0 && html`<ul>${problem.errors.map((e) => html`<li key=${e.field}>${e.detail}</li>`)}</ul>`}</span></div>`}
    ${preview && html`<${Difference} preview=${preview} book=${book} />`}
    ${fresh.length > 0 && html`<div class="note warn"><${Icon} name="warn" /><ul>${fresh.slice(0, 6).map((w, i) => html`<li key=${i}>${w.detail}</li>`)}${fresh.length > 6 && html`<li>${t("r.warnings_more", { n: fresh.length - 6 })}</li>`}</ul></div>`}
    ${preview && !fresh.length && html`<p class="note ok"><${Icon} name="check" /><span>${t("r.no_warnings")}</span></p>`}
    <${Text} id="dr-reason" label=${t("r.why")} opt=${t("r.optional")} value=${edit.reason} onInput=${edit.setReason} />
    <${ActionState} action=${edit.action} />
    ${dock && html`<div class="row">${publish}</div>`}
  </section>`;
}

/** Duty that people get and lose, by person. */
function Difference({ preview, book }) {
  const by = new Map();
  for (const [list, key] of [[preview.added, "added"], [preview.removed, "removed"]]) for (const s of list) {
    const row = by.get(s.doctor) ?? { name: s.doctor_name, added: [], removed: [] };
    row[key].push(s);
    by.set(s.doctor, row);
  }
  if (!by.size) return html`<p class="cap">${t("r.no_difference")}</p>`;
  const sum = (list) => Math.round(list.reduce((n, s) => n + hours(s.from, s.to), 0));
  const says = (list) => `${hoursText(sum(list))}: ${list.slice(0, 2).map((s) => `${roleText(s.role).toLowerCase()} ${shortSpan(s)}`).join("; ")}${list.length > 2 ? ` … (+${list.length - 2})` : ""}`;
  return html`<div><h3 class="lbl">${t("r.difference")}</h3><ul class="diff">${[...by.values()].slice(0, 8).map((row) => html`<li key=${row.name}><b lang="vi" title=${row.name}>${book.long(row.name)}</b>
    ${row.added.length > 0 && html`<span class="plus">+ ${says(row.added)}</span>`}${row.removed.length > 0 && html`<span class="minus">− ${says(row.removed)}</span>`}</li>`)}</ul>${by.size > 8 && html`<p class="cap">${t("r.people_more", { n: by.size - 8 })}</p>`}</div>`;
}

export function PublishButtons({ edit, publish, discard }) {
  const n = edit.changes.length;
  if (!n) return null;
  return html`<button type="button" class="btn o r-drop" disabled=${Boolean(edit.action.busy)} onClick=${discard}>${t("r.discard")}</button>
    <${ActButton} cls="btn p r-pub" busy=${edit.action.busy === "publish"} disabled=${Boolean(edit.problem)} onClick=${publish}>${t("r.publish", { n })}</${ActButton}>`;
}

export const published = (answer) => notify(t("r.published", { n: answer.version }), "ok");

// --- who rings ---------------------------------------------------------------------------------------------------------------

/** Who would be rung at a time: by the rota as published, or as the draft would have it. */
export function RingsAt({ edit, required }) {
  const [at, setAt] = useState(() => iso(serverNow()));
  const [state, set] = useState({ list: null, error: null });
  const { owner, preview, changes } = edit;
  const drafted = changes.length > 0 && preview && at >= preview.from && at < preview.to;
  useEffect(() => {
    if (!at) return undefined;
    let gone = false;
    const q = encodeURIComponent(at);
    const ask = owner.kind === "desk" ? get(`/desks/${owner.id}/on-call?at=${q}`).then((r) => r.on_call)
      : get(`/hospitals/${owner.id}/duty?from=${q}&to=${encodeURIComponent(iso(ms(at) + 60e3))}`).then((r) => r.slots);
    ask.then((list) => !gone && set({ list, error: null }), (error) => !gone && set({ list: null, error }));
    return () => { gone = true; };
  }, [owner.kind, owner.id, at, edit.rota?.version]);
  let list = state.list;
  if (list && drafted) list = [...preview.slots.filter((s) => overlaps(s, ms(at), ms(at) + 1)), ...list.filter((s) => !edit.rota.roles.includes(s.role))];
  const roles = list ? [...new Set([...required, ...list.map((s) => s.role)])].filter((r) => r !== "red_team").sort((a, b) => ROLES.indexOf(a) - ROLES.indexOf(b)) : [];
  return html`<section class="stack-s"><h2 class="sec-h">${t("r.rings_at")}</h2>
    <${Moment} id="at" label=${t("r.moment")} value=${at} onInput=${setAt} />
    ${state.error && html`<p class="note bad" role="alert"><${Icon} name="warn" /><span>${errorText(state.error)}</span></p>`}
    <ol class="rings" aria-live="polite">${roles.map((role, i) => {
      const on = list.filter((s) => s.role === role);
      return html`<li key=${role} class=${on.length ? "" : "miss"}><span class="num">${i + 1} ·</span> ${on.length ? html`<span><b>${on.map((s) => s.doctor_name).join(", ")}</b> <span class="cap">${roleText(role)}</span></span>` : html`<b>${t("r.missing_role", { role: roleText(role).toLowerCase() })}</b>`}</li>`;
    })}</ol>
    ${list && !roles.length && html`<p class="sub">${t("p.nobody_on")}</p>`}
    ${drafted && html`<p class="cap">${t("r.by_draft")}</p>`}
    <p class="sub"><a href=${`/policies?desk=${owner.kind === "desk" ? owner.id : "hospital"}`}>${t("r.see_ladder")}</a></p></section>`;
}

/** Who is on call now, with telephone and whether a device of theirs is connected. */
export function NowOn({ owner, version, book }) {
  const [state, set] = useState({ list: null, error: null });
  useEffect(() => {
    let gone = false;
    const read = () => {
      const now = serverNow();
      const ask = owner.kind === "desk" ? get(`/desks/${owner.id}/on-call`).then((r) => r.on_call)
        : get(`/hospitals/${owner.id}/duty?from=${encodeURIComponent(iso(now))}&to=${encodeURIComponent(iso(now + 60e3))}`).then((r) => r.slots);
      ask.then((list) => !gone && set({ list, error: null }), (error) => !gone && set((s) => ({ ...s, error })));
    };
    read();
    const timer = setInterval(read, 60e3);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [owner.kind, owner.id, version]);
  const list = state.list ?? [];
  const roles = ROLES.filter((role) => list.some((p) => p.role === role));
  return html`<section class="now-on" aria-label=${t("r.now_on")}><h2 class="sec-h">${t("r.now_on")}</h2>
    ${state.error && !state.list && html`<p class="sub">${errorText(state.error)}</p>`}
    <ul>${roles.map((role) => html`<li key=${role}><span class="cap">${roleText(role)}</span>${role === "red_team" ? html`<b lang="vi">${list.filter((p) => p.role === role).map((p) => book.mid(p.doctor_name)).join(", ")}</b>` : list.filter((p) => p.role === role).map((p) => html`<div key=${p.doctor}><b lang="vi" title=${p.doctor_name}>${book.long(p.doctor_name)}</b>
      <span class="row wrap">${p.phone && html`<a class="num nowrap" href=${tel(p.phone)}><${Icon} name="phone" />${p.phone}</a>`}${"online" in p && html`<span class=${`on-line ${p.online ? "yes" : ""}`}><span class=${`dot${p.online ? "" : " hollow"}`}></span>${t(p.online ? "p.online" : "p.phone_only")}</span>`}</span></div>`)}</li>`)}</ul>
    ${state.list && !list.length && html`<p class="note bad"><${Icon} name="warn" /><span>${t("p.nobody_on")}</span></p>`}<${DataAge} /></section>`;
}

/** A pane that covers a phone's screen; focus goes in and comes back. */
export function Sheet({ title, close, children }) {
  const box = useRef(null);
  useEffect(() => {
    const back = document.activeElement;
    box.current.showModal();
    return () => setTimeout(() => back?.isConnected && back.focus(), 0);
  }, []);
  return html`<dialog class="dlg r-sheet" ref=${box} aria-label=${title} onCancel=${(e) => { e.preventDefault(); close(); }}><div class="dlg-in">
    <header class="row dlg-h"><h2 class="h3 grow">${title}</h2><button type="button" class="ib" aria-label=${t("p.close")} onClick=${close}><${Icon} name="x" /></button></header>${children}</div></dialog>`;
}
