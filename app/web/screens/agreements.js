// Agreements between hospitals (and departments): who answers which specialty for whom, until when. Administrators of either
// party and the platform's operator write; coordinators read.
import "../strings/run.js";
import { html, Icon, useEffect, useMemo, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { Text } from "../core/form.js";
import { fmtDate, fmtWhen, fromVietnam, lang, t, vietnam } from "../core/i18n.js";
import { AppBar, Failed, Loading, notify } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import { useTitle } from "../core/title.js";
import { ActButton, errorText, useAction } from "../parts/action.js";
import { openBody } from "../parts/dialogs.js";
import { Options } from "./policy-editor.js";
import { Moment, Until } from "./rota-forms.js";

const FAR_DAYS = 400;
const STATES = ["current", "upcoming", "ended"];

export function Agreements() {
  const me = useStore((s) => s.me);
  const specialties = useStore((s) => s.specialties);
  const [items, setItems] = useState(null);
  const [error, setError] = useState(null);
  const [state, setState] = useState("current");
  const [q, setQ] = useState("");
  const [tries, again] = useReducer((n) => n + 1, 0);
  useTitle(t("nav.agreements"));
  useEffect(() => {
    setError(null);
    get("/agreements").then((r) => setItems(r.items), setError);
  }, [tries]);
  const edits = ["admin", "operator"].includes(me.role);
  const words = (a) => `${a.asking_name} ${a.answering_name} ${specialtyName(a.specialty, lang())} ${a.title}`.toLocaleLowerCase("vi");
  const shown = useMemo(() => (items ?? []).filter((a) => a.state === state && (!q || words(a).includes(q.toLocaleLowerCase("vi")))).sort((a, b) => (a.days_left ?? 1e6) - (b.days_left ?? 1e6) || a.rank - b.rank), [items, state, q, specialties]);
  const edit = async (agreement) => {
    const done = await openBody(t(agreement ? "g.edit" : "g.new"), AgreementForm, { agreement, me });
    if (!done) return;
    notify(t("g.saved"), "ok");
    again();
  };
  return html`<${AppBar} title=${t("nav.agreements")} sub=${me.hospital_name ?? me.name} back="/" mini />
    <main class="run stack"><div class="row wrap">
        <div class="seg" role="group" aria-label=${t("g.state")}>${STATES.map((x) => html`<button type="button" key=${x} aria-current=${state === x ? "true" : undefined} onClick=${() => setState(x)}>${t(`g.${x}`)} <span class="num">${(items ?? []).filter((a) => a.state === x).length}</span></button>`)}</div>
        <input class="in b-sel" type="search" aria-label=${t("g.find")} placeholder=${t("g.find")} value=${q} onInput=${(e) => setQ(e.target.value)} />
        ${edits && html`<button type="button" class="btn p end" onClick=${() => edit(null)}><${Icon} name="plus" />${t("g.new")}</button>`}</div>
      ${error ? html`<${Failed} error=${error} title=${t("error.screen")} onRetry=${again} />` : !items ? html`<${Loading} />` : html`<div class="agr">
        ${shown.map((a) => html`<${Agreement} key=${a.id} a=${a} edit=${() => edit(a)} />`)}</div>${!shown.length && html`<p class="card sub">${t("g.none")}</p>`}`}</main>`;
}

/** How soon it ends, in words and in the colour of what must be done: 60, 30, 7 days. */
function Left({ a }) {
  if (a.state !== "current" || a.days_left > FAR_DAYS) return null;
  if (a.days_left == null) return html`<span class="chip">${t("g.no_end")}</span>`;
  const kind = a.days_left <= 7 ? "bad" : a.days_left <= 30 ? "warn" : a.days_left <= 60 ? "info" : "ok";
  return html`<span class=${`chip ${kind}`}>${kind !== "ok" && html`<${Icon} name="warn" />`}${t("g.left", { n: a.days_left })}</span>`;
}

function Agreement({ a, edit }) {
  return html`<article class="card agr-card"><div class="row wrap"><b class="grow">${specialtyName(a.specialty, lang())}</b><${Left} a=${a} /></div>
    <p class="agr-to"><span lang="vi">${a.asking_name}</span><${Icon} name="chev" /><span class="vh">${t("g.asks")}</span><span lang="vi">${a.answering_name}</span></p>
    <p class="sub">${a.desks.map((d, i) => html`<span key=${d.desk} lang="vi">${i ? ", " : ""}${d.desk_name}</span>`)}</p>
    <p class="cap">${[t("g.rank_n", { n: a.rank }), a.to ? t("g.term", { from: fmtDate(a.from), to: fmtDate(a.to) }) : t("g.term_open", { from: fmtDate(a.from) })].join(" · ")}${a.title ? html`<br /><span lang="vi">${a.title}</span>` : ""}</p>
    ${a.may_change && html`<p class="row wrap"><button type="button" class="btn s o" onClick=${edit}><${Icon} name="edit" />${t("g.edit")}</button></p>`}</article>`;
}

function AgreementForm({ agreement: a, me, close }) {
  const specialties = useStore((s) => s.specialties);
  const [parties, setParties] = useState([]);
  const [desks, setDesks] = useState([]);
  const own = me.hospital ?? "";
  const [form, setForm] = useState(a ? { asking: a.asking, answering: a.answering, specialty: a.specialty, rank: String(a.rank), from: a.from, to: a.to, desks: a.desks.map((d) => d.desk), title: a.title }
    : { asking: "", answering: own, specialty: "", rank: "1", from: fromVietnam(vietnam(serverNow()).toISOString().slice(0, 10), "00:00").toISOString(), to: null, desks: [], title: "" });
  const [missing, setMissing] = useState([]);
  const [run, action] = useAction();
  const put = (k) => (v) => setForm((f) => ({ ...f, [k]: v }));
  useEffect(() => {
    get("/hospitals").then((r) => setParties(r.items), () => {});
    get("/desks").then((r) => setDesks(r.items), () => {});
  }, []);
  const party = parties.find((p) => p.id === form.answering);
  const able = desks.filter((d) => d.specialty === form.specialty && (party?.kind === "health_department" || d.hospital === form.answering));
  const names = Object.fromEntries([...(a?.desks ?? []).map((d) => [d.desk, `${d.desk_name}`]), ...desks.map((d) => [d.id, `${d.name} · ${d.hospital_name}`])]);
  const begun = Boolean(a) && Date.parse(a.from) <= serverNow();
  const send = async (e) => {
    e.preventDefault();
    const lacks = [...(a ? [] : ["asking", "answering", "specialty"]).filter((k) => !form[k]), ...(form.desks.length ? [] : ["desks"]), ...(/^\d{1,4}$/.test(form.rank) && Number(form.rank) > 0 ? [] : ["rank"]), ...(form.from ? [] : ["from"])];
    setMissing(lacks);
    if (form.unread) document.getElementById("g-t")?.focus(); // it says below itself that it cannot be read
    if (lacks.length || form.unread) return;
    const term = (form.to || null) === (a?.to ?? null) ? {} : form.to ? { to: form.to } : { endless: true };
    const body = a ? { version: a.version, rank: Number(form.rank), ...(begun || form.from === a.from ? {} : { from: form.from }), ...term, desks: form.desks, title: form.title.trim() }
      : { asking: form.asking, answering: form.answering, specialty: form.specialty, rank: Number(form.rank), from: form.from, ...term, desks: form.desks, title: form.title.trim() };
    if (await run({ path: a ? `/agreements/${a.id}` : "/agreements", method: a ? "PATCH" : "POST", body, what: "agreement", expiresAfter: 60 })) close(true);
  };
  const endNow = async () => {
    if (await run({ path: `/agreements/${a.id}`, method: "PATCH", body: { version: a.version, to: new Date(serverNow()).toISOString() }, what: "agreement", expiresAfter: 60 })) close(true);
  };
  const said = (field) => action.error?.errors?.find((x) => String(x.field).replace(/^body\./, "") === field)?.detail ?? (missing.includes(field) ? t("g.need") : null);
  const loose = (action.error?.errors ?? []).filter((x) => !["asking", "answering", "specialty", "rank", "from", "to", "desks", "title"].includes(String(x.field).replace(/^body\./, "")));
  const partyOptions = parties.map((p) => [p.id, p.short_name ?? p.name]);
  return html`<form class="stack" onSubmit=${send} novalidate>
    ${action.error && html`<div class="note bad" role="alert"><${Icon} name="warn" /><span><b>${action.error.status === 412 ? t("g.stale", { name: action.error.extra?.by_name ?? t("l.somebody") }) : errorText(action.error)}</b>
      ${action.error.is?.("agreement-overlaps") ? html`<br />${t("g.overlap", { from: fmtWhen(action.error.extra?.from), to: action.error.extra?.to ? fmtWhen(action.error.extra.to) : "…" })}` : ""}${loose.map((x) => html`<br />${x.detail}`)}</span></div>`}
    ${a ? html`<p class="agr-to"><span lang="vi">${a.asking_name}</span><${Icon} name="chev" /><span lang="vi">${a.answering_name}</span> · ${specialtyName(a.specialty, lang())}</p>`
    : html`<${Options} id="g-a" label=${t("g.asking")} value=${form.asking} empty=${t("l.choose")} options=${partyOptions} set=${put("asking")} error=${said("asking")} />
      <${Options} id="g-b" label=${t("g.answering")} value=${form.answering} empty=${t("l.choose")} options=${partyOptions} set=${(v) => setForm((f) => ({ ...f, answering: v, desks: [] }))} error=${said("answering")} />
      <${Options} id="g-s" label=${t("request.specialty")} value=${form.specialty} empty=${t("l.choose")} options=${specialties.map((s) => [s.code, s[lang()] ?? s.vi])} set=${(v) => setForm((f) => ({ ...f, specialty: v, desks: [] }))} error=${said("specialty")} />`}
    <div role="group" aria-label=${t("g.desks")}><span class="lbl">${t("g.desks")}</span>${said("desks") && html`<p class="err" role="alert"><${Icon} name="warn" />${said("desks")}</p>`}
      <ol class="desk-order">${form.desks.map((id, i) => html`<li key=${id}><span class="grow" lang="vi">${i + 1} · ${names[id] ?? id}</span>
        ${i > 0 && html`<button type="button" class="btn s g" onClick=${() => put("desks")([...form.desks.slice(0, i - 1), id, form.desks[i - 1], ...form.desks.slice(i + 1)])}>${t("l.up")}</button>`}
        <button type="button" class="ib" aria-label=${t("l.remove", { name: names[id] ?? "" })} onClick=${() => put("desks")(form.desks.filter((x) => x !== id))}><${Icon} name="x" /></button></li>`)}</ol>
      ${able.some((d) => !form.desks.includes(d.id)) ? html`<select class="in" aria-label=${t("g.add_desk")} onChange=${(e) => { if (e.target.value) put("desks")([...form.desks, e.target.value]); e.target.value = ""; }}><option value="">${t("g.add_desk")}</option>${able.filter((d) => !form.desks.includes(d.id)).map((d) => html`<option key=${d.id} value=${d.id}>${names[d.id]}</option>`)}</select>`
      : !form.desks.length && html`<p class="cap">${t("g.no_desks")}</p>`}</div>
    ${begun ? html`<p class="sub">${t("g.begun", { date: fmtWhen(a.from) })}</p>` : html`<${Moment} id="g-f" label=${t("g.from")} value=${form.from} onInput=${put("from")} error=${said("from")} />`}
    <${Until} id="g-t" label=${t("g.to")} opt=${t("p.optional")} value=${form.to} onInput=${(to, words) => setForm((f) => ({ ...f, to, unread: !to && words.trim() !== "" }))} error=${said("to")} />
    <${Text} id="g-r" label=${t("g.rank")} hint=${t("g.rank_hint")} value=${form.rank} inputmode="numeric" onInput=${put("rank")} error=${said("rank")} />
    <${Text} id="g-n" label=${t("g.title")} opt=${t("p.optional")} value=${form.title} onInput=${put("title")} error=${said("title")} />
    <${ActButton} type="submit" cls="btn p blk" icon="check" busy=${action.busy}>${t("l.save")}</${ActButton}>
    ${a && a.state === "current" && html`<button type="button" class="btn red-o blk" disabled=${Boolean(action.busy)} onClick=${endNow}>${t("g.end_now")}</button>`}</form>`;
}
