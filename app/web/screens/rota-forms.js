// The forms of a rota's documents: every block has one, nothing needs dragging. A form is kept into the draft only after the
// server has shown what it does; what the server refuses is said at its field.
import "../strings/rota.js";
import { html, Icon, useRef, useState } from "../core/html.js";
import { Field, Pick, readClock, Text } from "../core/form.js";
import { serverNow } from "../core/clock.js";
import { fromVietnam, t } from "../core/i18n.js";
import { roleText } from "../parts/facts.js";
import { ActButton } from "../parts/action.js";
import { dateOf, DAY, DAYS, dayName, dayShort, fromLocal, HOUR, iso, local, longDay, midnight, readTyped, typed } from "./rota-time.js";

export function Choice({ id, label, value, options, onInput, error, hint, opt, empty }) {
  return html`<${Field} id=${id} label=${label} error=${error} hint=${hint} opt=${opt}><select class="in" id=${id} aria-invalid=${error ? "true" : undefined} aria-describedby=${error ? `${id}-e` : undefined} onChange=${(e) => onInput(e.target.value)}>
    ${empty !== undefined && html`<option value="" selected=${!value}>${empty}</option>`}${options.map(([v, words]) => html`<option key=${v} value=${v} selected=${v === value}>${words}</option>`)}</select></${Field}>`;
}

/** A field whose words are read as something else: they stay as typed, and what was understood is said below. */
function Read({ id, label, value, show, read, say, onInput, error, hint, opt, placeholder, inputmode }) {
  const [words, setWords] = useState(show(value));
  const given = useRef(value);
  if (value !== given.current) { // set from outside, not by these keys
    given.current = value;
    if (read(words) !== value) setTimeout(() => setWords(show(value)), 0);
  }
  const understood = read(words);
  const wrong = error ?? (words.trim() && !understood ? t("r.not_read", { example: placeholder }) : null);
  const type = (text) => {
    setWords(text);
    given.current = read(text);
    onInput(given.current, text);
  };
  return html`<${Text} id=${id} label=${label} opt=${opt} value=${words} onInput=${type} error=${wrong} hint=${[!wrong && understood && say?.(understood), hint].filter(Boolean).join(" ") || undefined} placeholder=${placeholder} inputmode=${inputmode} />`;
}

/** A moment in Vietnam time; the value is an instant. */
export const Moment = (props) => html`<${Read} ...${props} placeholder="24/11/2026 19:00" show=${(at) => typed(local(at))} read=${(words) => fromLocal(readTyped(words))} say=${longDay} />`;
/** When something ends: a moment, or a date alone, which counts whole. `onInput` is also given the words, which may say nothing that can be read. */
export const Until = (props) => html`<${Read} ...${props} placeholder="31/12/2026" show=${(at) => typed(local(at))} read=${readUntil}
  say=${(at) => (midnight(Date.parse(at)) === Date.parse(at) ? t("r.whole_day", { day: longDay(Date.parse(at) - 1) }) : longDay(at))} />`;
const readUntil = (words) => {
  const day = readTyped(words) ? "" : readTyped(words, { time: false });
  return day ? iso(fromVietnam(day, "00:00").getTime() + DAY) : fromLocal(readTyped(words));
};
/** Wall-clock time without a zone: where a rotation begins. */
const Naive = (props) => html`<${Read} ...${props} placeholder="24/11/2026 08:00" show=${typed} read=${(words) => readTyped(words)} say=${(x) => longDay(fromLocal(x))} />`;
const Day = (props) => html`<${Read} ...${props} placeholder="24/11/2026" show=${typed} read=${(words) => readTyped(words, { time: false })} say=${(x) => longDay(fromLocal(`${x}T12:00`))} />`;
const Hour = (props) => html`<${Read} ...${props} placeholder="19:00" inputmode="numeric" show=${(x) => x} read=${(words) => readClock(words) ?? ""} />`;

/** Several of a few: toggles with their own state, for weekdays and roles. */
function Many({ id, label, value, options, onPick, error, hint }) {
  const flip = (x) => onPick(options.map(([v]) => v).filter((v) => (v === x ? !value.includes(v) : value.includes(v))));
  return html`<div class="field" role="group" aria-labelledby=${`${id}-l`}><span class="lbl" id=${`${id}-l`}>${label}</span>${error && html`<p class="err" id=${`${id}-e`}><${Icon} name="warn" />${error}</p>`}
    <div class="pick small">${options.map(([v, words, full]) => html`<button type="button" key=${v} aria-pressed=${value.includes(v) ? "true" : "false"} aria-label=${full} onClick=${() => flip(v)}>${value.includes(v) && html`<${Icon} name="check" />`}${words}</button>`)}</div>
    ${hint && html`<p class="cap">${hint}</p>`}</div>`;
}

const nextHour = () => iso(Math.ceil(serverNow() / HOUR) * HOUR);

/** A new document, as its form begins. */
export function blank(kind, rota, given = {}) {
  const from = given.from ?? nextHour();
  const to = given.to ?? iso(Date.parse(from) + 12 * HOUR);
  const role = given.role ?? rota.roles[0];
  if (kind === "layer") return { name: "", role, priority: 0, on: "any", turns: [[]], rotation: null, windows: null };
  if (kind === "temporary") return { roles: [role], from, to, shifts: [], reason: "" };
  if (kind === "holiday") return { date: dateOf(from), kind: "off", as: null, name: "" };
  if (kind === "settings") return { required_roles: rota.version ? rota.required_roles : rota.roles.filter((r) => r === "primary"), head: rota.head, rest_hours: rota.rest_hours };
  return { kind: given.kind ?? "replace", role, doctor: given.doctor ?? "", by: "", from, to, reason: "" };
}

/** What an override lacks; the rest is the server's to say. */
function unfilled(b) {
  const needs = ["doctor", ...(b.kind === "replace" ? ["by"] : []), "from", "to", "reason"].filter((x) => !String(b[x] ?? "").trim());
  return Object.fromEntries(needs.map((x) => [x, t("r.needed")]));
}

/** The body of a document that is there already. */
function bodyOf(kind, doc) {
  const take = (...names) => Object.fromEntries(names.map((n) => [n, doc[n] ?? null]));
  if (kind === "layer") return { ...take("name", "role", "priority", "on", "turns", "rotation", "windows"), name: doc.name ?? "" };
  if (kind === "override") return { ...take("kind", "role", "doctor", "by", "from", "to", "reason") };
  if (kind === "temporary") return { ...take("roles", "from", "to", "reason"), shifts: doc.shifts.map(({ role, doctor, from, to }) => ({ role, doctor, from, to })) };
  return take("date", "kind", "as", "name");
}

/** What is sent: nothing that does not belong to this kind. */
function tidy(kind, b) {
  if (kind === "override") return { kind: b.kind, role: b.role, doctor: b.doctor || null, ...(b.kind === "replace" ? { by: b.by || null } : {}), from: b.from || null, to: b.to || null, reason: b.reason };
  if (kind === "layer") return { ...b, priority: Number(b.priority) || 0, rotation: b.rotation && { ...b.rotation, every: Number(b.rotation.every) || 1 }, windows: b.windows?.length ? b.windows.map((w) => ({ ...w, plus_days: w.plus_days === "" ? null : w.plus_days })) : null };
  if (kind === "holiday") return { date: b.date, kind: b.kind, name: b.name ?? "", ...(b.kind === "working" && b.as ? { as: b.as } : {}) };
  if (kind === "settings") return { required_roles: b.required_roles, rest_hours: Number(b.rest_hours), ...(b.head ? { head: b.head } : {}) };
  return b;
}

/**
 * @param edit   what useRotaEdit gives      @param kind of the document      @param doc  the one that is changed, or null
 * @param given  what a new one begins with  @param done()
 */
export function DocumentForm({ edit, kind, doc, given, done }) {
  const rota = edit.docs;
  const [body, setBody] = useState(() => (kind === "settings" ? blank(kind, rota) : doc ? bodyOf(kind, doc) : blank(kind, rota, given)));
  const [wrong, setWrong] = useState({ fields: {}, text: "" });
  const [busy, setBusy] = useState(false);
  const box = useRef(null);
  const draftOf = doc?.change ?? (kind === "settings" ? edit.changes.find((c) => c.kind === "settings")?.key : null);
  const set = (change) => setBody((b) => ({ ...b, ...change }));
  const err = (path) => wrong.fields[path];
  const save = async (e) => {
    e.preventDefault();
    const open = kind === "override" ? unfilled(body) : {};
    if (Object.keys(open).length) return refuse({ fields: open, text: t("r.fix_fields", { n: Object.keys(open).length }) });
    setBusy(true);
    const known = edit.changes.find((c) => c.key === draftOf);
    const change = { key: draftOf ?? crypto.randomUUID(), op: "put", kind, body: tidy(kind, body), ...(kind === "settings" ? {} : { id: known ? known.id : doc?.id }) };
    const refused = await edit.keep(change);
    setBusy(false);
    return refused ? refuse(refused) : done();
  };
  const refuse = (why) => {
    setWrong(why);
    setTimeout(() => (box.current?.querySelector("[aria-invalid=true]") ?? box.current?.querySelector(".form-err"))?.focus(), 0);
  };
  const remove = async () => {
    if (draftOf) {
      edit.drop(draftOf);
      if (!doc?.id || doc.id === draftOf) return done();
    }
    const refused = await edit.keep({ key: crypto.randomUUID(), op: "delete", kind, id: doc.id });
    if (refused) return setWrong(refused);
    return done();
  };
  const Parts = { override: OverrideFields, layer: LayerFields, temporary: TemporaryFields, holiday: HolidayFields, settings: SettingsFields }[kind];
  return html`<form class="stack r-form" ref=${box} onSubmit=${save} novalidate>
    ${wrong.text && html`<p class="note bad form-err" role="alert" tabindex="-1"><${Icon} name="warn" /><span>${wrong.text}</span></p>`}
    <${Parts} rota=${rota} body=${body} set=${set} err=${err} soonOnly=${!edit.may("publish_rota")} />
    <div class="row form-acts"><${ActButton} type="submit" cls="btn p grow" busy=${busy}>${t(`r.save.${kind}`)}</${ActButton}>
      ${doc && kind !== "settings" && doc.draft !== "deleted" && html`<button type="button" class="btn o" onClick=${remove}>${t("r.remove")}</button>`}
      ${draftOf && html`<button type="button" class="btn g" onClick=${() => { edit.drop(draftOf); done(); }}>${t("r.undo")}</button>`}</div>
    <p class="cap">${t("r.draft_hint")}</p>
  </form>`;
}

const people = (rota, role) => rota.people.filter((p) => !role || p.roles.includes(role)).map((p) => [p.id, p.name]);
const roles = (rota) => rota.roles.map((r) => [r, roleText(r)]);

function OverrideFields({ rota, body, set, err, soonOnly }) {
  return html`<${Pick} id="ov-kind" label=${t("r.f.kind")} value=${body.kind} onPick=${(kind) => set({ kind })} error=${err("kind")} options=${["replace", "add", "remove"].map((k) => [k, t(`r.kind.${k}`)])} />
    <${Choice} id="ov-role" label=${t("r.f.role")} value=${body.role} onInput=${(role) => set({ role })} error=${err("role")} options=${roles(rota)} />
    <${Choice} id="ov-doctor" label=${t(`r.f.doctor_${body.kind}`)} value=${body.doctor} onInput=${(doctor) => set({ doctor })} error=${err("doctor")} options=${people(rota, body.kind === "add" ? body.role : null)} empty=${t("r.f.choose")} />
    ${body.kind === "replace" && html`<${Choice} id="ov-by" label=${t("r.f.by")} value=${body.by} onInput=${(by) => set({ by })} error=${err("by")} options=${people(rota, body.role).filter(([id]) => id !== body.doctor)} empty=${t("r.f.choose")} />`}
    <${Moment} id="ov-from" label=${t("r.f.from")} value=${body.from} onInput=${(from) => set({ from })} error=${err("from")} hint=${soonOnly ? t("r.soon_only") : undefined} />
    <${Moment} id="ov-to" label=${t("r.f.to")} value=${body.to} onInput=${(to) => set({ to })} error=${err("to")} />
    <${Text} id="ov-reason" label=${t("r.f.reason")} value=${body.reason} onInput=${(reason) => set({ reason })} error=${err("reason")} />`;
}

const without = (list, i) => list.filter((_, n) => n !== i);
const withAt = (list, i, x) => list.map((y, n) => (n === i ? x : y));
function moved(list, i, by) {
  const out = [...list];
  [out[i], out[i + by]] = [out[i + by], out[i]];
  return out;
}

function LayerFields({ rota, body, set, err }) {
  const turns = body.turns;
  const setTurns = (next) => set({ turns: next, rotation: next.length > 1 ? body.rotation ?? { unit: "day", every: 1, anchor: `${dateOf(serverNow())}T08:00` } : body.rotation });
  const able = people(rota, body.role);
  const name = (id) => rota.people.find((p) => p.id === id)?.name ?? t("r.unknown");
  return html`<${Text} id="ly-name" label=${t("r.f.name")} opt=${t("r.optional")} value=${body.name} onInput=${(n) => set({ name: n })} error=${err("name")} />
    <div class="two"><${Choice} id="ly-role" label=${t("r.f.role")} value=${body.role} onInput=${(role) => set({ role })} error=${err("role")} options=${roles(rota)} />
      <${Text} id="ly-prio" label=${t("r.f.priority")} value=${String(body.priority)} onInput=${(priority) => set({ priority })} error=${err("priority")} inputmode="numeric" /></div>
    <p class="cap">${t("r.priority_hint")}</p>
    <${Choice} id="ly-on" label=${t("r.f.on")} value=${body.on} onInput=${(on) => set({ on })} error=${err("on")} options=${["any", "ordinary", "holiday"].map((x) => [x, t(`r.on.${x}`)])} />
    <fieldset class="stack-s"><legend class="lbl">${t("r.f.turns")}</legend>${err("turns") && html`<p class="err"><${Icon} name="warn" />${err("turns")}</p>`}
      <ol class="stack-s turns">${turns.map((turn, i) => html`<li key=${i}><div class="row"><b class="num">${i + 1}</b><div class="grow">
          ${turn.map((id, k) => html`<span class="chip" key=${id}>${name(id)}<button type="button" class="chip-x" aria-label=${t("r.f.take_out", { name: name(id) })} onClick=${() => setTurns(withAt(turns, i, without(turn, k)))}><${Icon} name="x" /></button></span>`)}
          ${!turn.length && html`<span class="cap">${t("r.f.nobody_turn")}</span>`}</div>
        <button type="button" class="ib" aria-label=${t("r.f.up", { n: i + 1 })} disabled=${i === 0} onClick=${() => setTurns(moved(turns, i, -1))}><span class="up"><${Icon} name="down" /></span></button>
        <button type="button" class="ib" aria-label=${t("r.f.down", { n: i + 1 })} disabled=${i === turns.length - 1} onClick=${() => setTurns(moved(turns, i, 1))}><${Icon} name="down" /></button>
        <button type="button" class="ib" aria-label=${t("r.f.drop_turn", { n: i + 1 })} disabled=${turns.length === 1} onClick=${() => setTurns(without(turns, i))}><${Icon} name="x" /></button></div>
        <select class="in" aria-label=${t("r.f.into_turn", { n: i + 1 })} onChange=${(e) => { if (e.target.value) setTurns(withAt(turns, i, [...turn, e.target.value])); e.target.value = ""; }}><option value="">${t("r.f.add_person")}</option>${able.filter(([id]) => !turn.includes(id)).map(([id, n]) => html`<option key=${id} value=${id}>${n}</option>`)}</select>
        ${Object.entries(turn).map(([k]) => err(`turns.${i}.${k}`)).filter(Boolean).map((words) => html`<p class="err"><${Icon} name="warn" />${words}</p>`)}</li>`)}</ol>
      <button type="button" class="btn s o" onClick=${() => setTurns([...turns, []])}><${Icon} name="plus" />${t("r.f.add_turn")}</button></fieldset>
    ${(turns.length > 1 || body.rotation) && html`<fieldset class="stack-s"><legend class="lbl">${t("r.f.rotation")}</legend>${err("rotation") && html`<p class="err"><${Icon} name="warn" />${err("rotation")}</p>`}
      <div class="two"><${Text} id="ly-every" label=${t("r.f.every")} inputmode="numeric" value=${String(body.rotation?.every ?? 1)} onInput=${(every) => set({ rotation: { ...body.rotation, every } })} error=${err("rotation.every")} />
        <${Choice} id="ly-unit" label=${t("r.f.unit")} value=${body.rotation?.unit} onInput=${(unit) => set({ rotation: { ...body.rotation, unit } })} error=${err("rotation.unit")} options=${["hour", "day", "week"].map((u) => [u, t(`r.unit.${u}`)])} /></div>
      <${Naive} id="ly-anchor" label=${t("r.f.anchor")} error=${err("rotation.anchor")} hint=${t("r.anchor_hint")} value=${body.rotation?.anchor ?? ""} onInput=${(anchor) => set({ rotation: { ...body.rotation, anchor } })} /></fieldset>`}
    <${Windows} body=${body} set=${set} err=${err} />`;
}

function Windows({ body, set, err }) {
  const list = body.windows ?? [];
  const put = (i, change) => set({ windows: withAt(list, i, { ...list[i], ...change }) });
  return html`<fieldset class="stack-s"><legend class="lbl">${t("r.f.windows")}</legend>
    ${!list.length && html`<p class="cap">${t("r.around_the_clock")}</p>`}
    ${list.map((w, i) => html`<div class="win stack-s" key=${i}>
      <${Many} id=${`w${i}-days`} label=${t("r.f.days")} value=${w.days ?? []} onPick=${(days) => put(i, { days })} error=${err(`windows.${i}.days`)} options=${DAYS.map((d, n) => [d, dayShort(n), dayName(n)])} hint=${w.days?.length ? undefined : t("r.every_day")} />
      <div class="two"><${Hour} id=${`w${i}-start`} label=${t("r.f.start")} value=${w.start} onInput=${(start) => put(i, { start })} error=${err(`windows.${i}.start`)} /><${Hour} id=${`w${i}-end`} label=${t("r.f.end")} value=${w.end} onInput=${(end) => put(i, { end })} error=${err(`windows.${i}.end`)} /></div>
      <div class="row"><span class="cap grow">${t(w.plus_days > 1 ? "r.ends_after" : w.plus_days === 0 || (w.plus_days == null && w.end > w.start) ? "r.ends_same" : "r.ends_next", { n: w.plus_days })}</span><button type="button" class="btn s o" onClick=${() => set({ windows: list.length > 1 ? without(list, i) : null })}>${t("r.f.drop_window")}</button></div></div>`)}
    <button type="button" class="btn s o" onClick=${() => set({ windows: [...list, { days: ["mon", "tue", "wed", "thu", "fri"], start: "19:00", end: "07:00", plus_days: null }] })}><${Icon} name="plus" />${t("r.f.add_window")}</button></fieldset>`;
}

function TemporaryFields({ rota, body, set, err }) {
  const shifts = body.shifts;
  const put = (i, change) => set({ shifts: withAt(shifts, i, { ...shifts[i], ...change }) });
  const add = () => {
    const last = shifts.at(-1);
    const from = last?.to ?? body.from;
    set({ shifts: [...shifts, { role: last?.role ?? body.roles[0], doctor: "", from, to: iso(Math.min(Date.parse(from) + 12 * HOUR, Math.max(Date.parse(body.to), Date.parse(from) + HOUR))) }] });
  };
  return html`<p class="cap">${t("r.temporary_hint")}</p>
    <${Many} id="tm-roles" label=${t("r.f.roles")} value=${body.roles} onPick=${(r) => set({ roles: r })} error=${err("roles")} options=${roles(rota)} />
    <${Moment} id="tm-from" label=${t("r.f.from")} value=${body.from} onInput=${(from) => set({ from })} error=${err("from")} />
    <${Moment} id="tm-to" label=${t("r.f.to")} value=${body.to} onInput=${(to) => set({ to })} error=${err("to")} />
    <${Text} id="tm-reason" label=${t("r.f.reason")} opt=${t("r.optional")} value=${body.reason} onInput=${(reason) => set({ reason })} error=${err("reason")} />
    <fieldset class="stack-s"><legend class="lbl">${t("r.f.shifts")}</legend>${err("shifts") && html`<p class="err"><${Icon} name="warn" />${err("shifts")}</p>`}
      ${shifts.map((s, i) => html`<div class="win stack-s" key=${i}><div class="two"><${Choice} id=${`s${i}-role`} label=${t("r.f.role")} value=${s.role} onInput=${(role) => put(i, { role })} error=${err(`shifts.${i}.role`)} options=${roles(rota).filter(([r]) => body.roles.includes(r))} />
          <${Choice} id=${`s${i}-doc`} label=${t("r.f.doctor")} value=${s.doctor} onInput=${(doctor) => put(i, { doctor })} error=${err(`shifts.${i}.doctor`)} options=${people(rota, s.role)} empty=${t("r.f.choose")} /></div>
        <${Moment} id=${`s${i}-from`} label=${t("r.f.from")} value=${s.from} onInput=${(from) => put(i, { from })} error=${err(`shifts.${i}.from`)} />
        <${Moment} id=${`s${i}-to`} label=${t("r.f.to")} value=${s.to} onInput=${(to) => put(i, { to })} error=${err(`shifts.${i}.to`)} />
        <button type="button" class="btn s o" onClick=${() => set({ shifts: without(shifts, i) })}>${t("r.f.drop_shift")}</button></div>`)}
      <button type="button" class="btn s o" onClick=${add}><${Icon} name="plus" />${t("r.f.add_shift")}</button></fieldset>`;
}

function HolidayFields({ body, set, err }) {
  return html`<${Day} id="hd-date" label=${t("r.f.date")} error=${err("date")} value=${body.date} onInput=${(date) => set({ date })} />
    <${Pick} id="hd-kind" label=${t("r.f.day_is")} value=${body.kind} onPick=${(kind) => set({ kind })} error=${err("kind")} options=${["off", "working"].map((k) => [k, t(`r.holiday.${k}`)])} />
    ${body.kind === "working" && html`<${Choice} id="hd-as" label=${t("r.f.as")} value=${body.as} onInput=${(as) => set({ as: as || null })} error=${err("as")} options=${DAYS.map((d, i) => [d, dayName(i)])} empty=${t("r.f.as_itself")} />`}
    <${Text} id="hd-name" label=${t("r.f.name")} opt=${t("r.optional")} value=${body.name} onInput=${(name) => set({ name })} error=${err("name")} />
    <p class="cap">${t("r.holiday_hint")}</p>`;
}

function SettingsFields({ rota, body, set, err }) {
  return html`<${Many} id="st-roles" label=${t("r.f.required")} value=${body.required_roles} onPick=${(required_roles) => set({ required_roles })} error=${err("required_roles")} options=${roles(rota)} hint=${t("r.required_hint")} />
    <${Choice} id="st-head" label=${t("r.f.head")} value=${body.head} onInput=${(head) => set({ head: head || null })} error=${err("head")} options=${people(rota)} empty=${t("r.f.no_head")} hint=${t("r.head_hint")} />
    <${Text} id="st-rest" label=${t("r.f.rest")} inputmode="numeric" value=${String(body.rest_hours ?? "")} onInput=${(rest_hours) => set({ rest_hours })} error=${err("rest_hours")} />`;
}
