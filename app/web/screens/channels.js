/**
 * How I am reached when the page is closed: this device, and every other channel in the order in which it is used.
 *
 * The list is a form: nothing counts before the server has answered, what it refuses is said at its field, and what was typed
 * stays. A device that began to be notified elsewhere while this page was open stays in the list.
 */
import { html, Icon, useEffect, useRef, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { lang, t } from "../core/i18n.js";
import { readClock, Text } from "../core/form.js";
import * as push from "../core/push.js";
import { announce, Failed, notify } from "../core/shell.js";

const KINDS = ["voice", "sms", "email"];
const MOST = 8;
let made = 0;

/** A channel as it stands in the form. */
const rowOf = (c) => ({ id: `ch-${++made}`, kind: c.kind, address: c.address, language: c.language, able: c.able, quiet: Boolean(c.quiet), from: c.quiet?.from.slice(0, 5) ?? "22:00", to: c.quiet?.to.slice(0, 5) ?? "06:00" });

/** The same as the server takes it; times that cannot be read are refused before. */
const channelOf = (row) => ({ kind: row.kind, address: row.address.trim(), language: row.language, ...(row.quiet ? { quiet: { from: readClock(row.from), to: readClock(row.to) } } : {}) });

const same = (rows, others) => JSON.stringify(rows.map(channelOf)) === JSON.stringify(others.map(channelOf));

export function Channels() {
  const [mine, setMine] = useState(null);
  const [failed, setFailed] = useState(null);
  const [rows, setRows] = useState([]);
  const [saved, setSaved] = useState([]);
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(null);
  const list = useRef(null);
  const dirty = !same(rows, saved);

  const take = (read, { keep = false } = {}) => {
    const fresh = read.channels.map(rowOf);
    setMine(read);
    setSaved(fresh);
    // What is being edited stays; which devices are notified is not edited here.
    const pushes = fresh.filter((x) => x.kind === "push");
    setRows((now) => (keep ? [...pushes.filter((x) => !now.some((y) => y.address === x.address)), ...now.filter((y) => y.kind !== "push" || pushes.some((x) => x.address === y.address))] : fresh));
  };
  const first = () => {
    setFailed(null);
    push.read().then(take, setFailed);
  };
  useEffect(first, []);
  if (failed && !mine) return html`<section class="card"><${Failed} error=${failed} title=${t("account.ch.unread")} onRetry=${first} /></section>`;
  if (!mine) return null;

  const act = (what) => async (...args) => {
    setBusy(what.name);
    try {
      await what(...args);
    } catch (error) {
      notify(error.message === "denied" ? t("account.push.denied") : error.errors?.[0]?.detail || (error.status ? error.detail : null) || t("account.push.failed"), "bad");
    }
    setBusy(null);
  };
  const toggle = act(async function toggle(e) {
    try {
      await (e.target.checked ? push.turnOn(mine) : push.turnOff());
    } finally {
      take(await push.read(), { keep: dirty });
    }
  });
  const tryOut = act(async function tryOut(kind) {
    notify(t("account.push.tested", { n: await push.tryOut(kind) }), "ok");
  });
  const save = async (e) => {
    e.preventDefault();
    if (!dirty) return undefined;
    const wrong = Object.fromEntries(rows.flatMap(wrongIn));
    setErrors(wrong);
    if (Object.keys(wrong).length) return focus(Object.keys(wrong)[0]);
    setBusy("save");
    try {
      const elsewhere = (await get("/me/channels")).channels.filter((c) => c.kind === "push" && ![...rows, ...saved].some((x) => x.address === c.address));
      await push.put([...rows.map(channelOf), ...elsewhere]);
      take(await push.read());
      notify(t("account.ch.saved"), "ok");
    } catch (error) {
      const named = error.errors?.length ? placed(error.errors, rows) : { "ch-all": (error.status && error.detail) || t("account.ch.offline") };
      setErrors(named);
      focus(Object.keys(named)[0]);
    }
    setBusy(null);
    return undefined;
  };
  const put = (id, change) => setRows((all) => all.map((x) => (x.id === id ? { ...x, ...change } : x)));
  const add = (kind) => {
    const row = rowOf({ kind, address: "", language: lang(), able: mine.kinds.includes(kind) });
    setRows((all) => [...all, row]);
    focus(`${row.id}-address`);
  };
  const drop = (i) => {
    setRows((all) => all.filter((_, j) => j !== i));
    setTimeout(() => list.current?.focus(), 0);
  };
  const move = (i, by) => {
    if (!rows[i + by]) return;
    setRows((all) => {
      const next = [...all];
      [next[i], next[i + by]] = [next[i + by], next[i]];
      return next;
    });
    announce(t("account.ch.place", { name: t(`account.channel.${rows[i].kind}`), n: i + by + 1, of: rows.length }));
    focus(`${rows[i].id}-${by < 0 ? "up" : "down"}`);
  };
  const able = mine.supported && !mine.denied && !mine.capturing;
  return html`<form class="card stack" onSubmit=${save} novalidate aria-labelledby="ch-title"><h2 class="h3" id="ch-title">${t("account.channels")}</h2>
    <label class="row check"><input type="checkbox" class="cb" checked=${mine.here} disabled=${Boolean(busy) || !able} onChange=${toggle} />${t("account.push")}</label>
    ${mine.capturing ? html`<p class="cap">${t("account.push.demo")} <a href="/dev/outbox" target="_blank" rel="noopener">/dev/outbox</a></p>`
      : !mine.supported ? html`<p class="cap">${t("account.push.none")}</p>`
      : mine.denied && html`<p class="cap">${t("account.push.denied")}</p>`}
    <div class="stack-s" tabindex="-1" ref=${list}><h3 class="lbl">${t("account.push.order")}</h3>
      <p class="cap">${t("account.ch.rule")}</p>
      ${!mine.own && mine.channels.length > 0 && html`<p class="note info"><${Icon} name="info" /><span>${t("account.push.noted")}</span></p>`}
      ${!rows.length && html`<p class="note warn"><${Icon} name="warn" /><span>${t("account.ch.empty")}</span></p>`}</div>
    <ol class="stack">${rows.map((row, i) => html`<li key=${row.id}><${Row} row=${row} i=${i} last=${i + 1 === rows.length} errors=${errors} put=${(change) => put(row.id, change)} move=${(by) => move(i, by)} drop=${() => drop(i)}
      tryOut=${dirty ? null : () => tryOut(row.kind)} busy=${Boolean(busy)} here=${mine.endpoint === row.address} /></li>`)}</ol>
    ${rows.length < MOST && html`<div class="row wrap" role="group" aria-label=${t("account.ch.add")}>${KINDS.map((kind) => html`<button type="button" key=${kind} class="btn s o" onClick=${() => add(kind)}><${Icon} name="plus" />${t(`account.channel.${kind}`)}</button>`)}</div>`}
    ${errors["ch-all"] && html`<p class="note bad" role="alert" id="ch-all" tabindex="-1"><${Icon} name="warn" /><span>${errors["ch-all"]}</span></p>`}
    <div class="row wrap"><button class="btn p" disabled=${Boolean(busy)} aria-disabled=${dirty ? undefined : "true"}>${t(busy === "save" ? "sending" : "account.ch.save")}</button>
      ${dirty ? html`<span class="cap">${t("account.ch.unsaved")}</span><button type="button" class="btn g" disabled=${Boolean(busy)} onClick=${() => { setErrors({}); take(mine); }}>${t("account.ch.undo")}</button>`
        : rows.length > 0 && html`<button type="button" class="btn o" disabled=${Boolean(busy)} onClick=${() => tryOut()}>${t("account.push.test")}</button>`}</div></form>`;
}

/** One channel: where, when it is quiet, its place in the order, and a message to try it. */
function Row({ row, i, last, errors, put, move, drop, tryOut, busy, here }) {
  const name = t(`account.channel.${row.kind}`);
  const labelled = `${i + 1} · ${name}`;
  const at = (field) => `${row.id}-${field}`;
  const hint = { voice: "account.ch.number_hint", sms: "account.ch.number_hint" }[row.kind];
  return html`<fieldset class="chan stack-s"><legend>${labelled}</legend>
    ${row.kind === "push" ? html`<p class="sub">${t(here ? "account.ch.this" : "account.ch.other")}</p>${errors[at("address")] && html`<p class="err" id=${at("address")} tabindex="-1"><${Icon} name="warn" />${errors[at("address")]}</p>`}`
      : html`<${Text} id=${at("address")} label=${t(row.kind === "email" ? "account.ch.email" : "account.ch.number")} value=${row.address} type=${row.kind === "email" ? "email" : "tel"} hint=${hint && t(hint)} error=${errors[at("address")]} onInput=${(address) => put({ address })} />`}
    ${!row.able && html`<p class="cap warn-t"><${Icon} name="warn" />${t("account.ch.unable")}</p>`}
    <label class="row check"><input type="checkbox" class="cb" checked=${row.quiet} onChange=${(e) => put({ quiet: e.target.checked })} />${t("account.ch.quiet")}</label>
    ${row.quiet && html`<div class="two"><${Text} id=${at("from")} label=${t("account.ch.from")} value=${row.from} inputmode="numeric" error=${errors[at("from")]} onInput=${(from) => put({ from })} />
      <${Text} id=${at("to")} label=${t("account.ch.to")} value=${row.to} inputmode="numeric" error=${errors[at("to")]} onInput=${(to) => put({ to })} /></div>
      <p class="cap">${t("account.ch.quiet_hint")}</p>`}
    <div class="row wrap"><button type="button" class="btn s g" id=${at("up")} aria-disabled=${i ? undefined : "true"} aria-label=${t("account.ch.up", { name: labelled })} onClick=${() => move(-1)}>${t("account.ch.up_short")}</button>
      <button type="button" class="btn s g" id=${at("down")} aria-disabled=${last ? "true" : undefined} aria-label=${t("account.ch.down", { name: labelled })} onClick=${() => move(1)}>${t("account.ch.down_short")}</button>
      ${tryOut && row.able && html`<button type="button" class="btn s o" disabled=${busy} aria-label=${t("account.ch.try", { name: labelled })} onClick=${tryOut}>${t("account.ch.try_short")}</button>`}
      <button type="button" class="btn s red-o" aria-label=${t("account.ch.drop", { name: labelled })} onClick=${drop}>${t("account.ch.drop_short")}</button></div></fieldset>`;
}

/** What can be seen to be wrong without asking: an empty address, a time of day that is none. */
function wrongIn(row) {
  const wrong = row.address.trim() ? [] : [[`${row.id}-address`, t("account.ch.need")]];
  if (!row.quiet) return wrong;
  return [...wrong, ...["from", "to"].filter((k) => !readClock(row[k])).map((k) => [`${row.id}-${k}`, t("account.ch.bad_time")])];
}

/** The server's complaints at their fields, `channels.1.quiet.from`; the others together. */
function placed(said, rows) {
  const found = {};
  for (const { field, detail } of said) {
    const [, i, part, edge] = /^channels\.(\d+)\.(\w+)(?:\.(\w+))?/.exec(field) ?? [];
    const where = part === "quiet" ? edge ?? "from" : "address";
    const key = rows[i] ? `${rows[i].id}-${where}` : "ch-all";
    found[key] ??= detail;
  }
  return found;
}

const focus = (id) => setTimeout(() => document.getElementById(id)?.focus(), 0);
