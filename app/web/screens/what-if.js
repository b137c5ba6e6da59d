// «If … asks … at …»: the live way and the live ladder run for another moment with nobody answering. Nobody is rung.
import "../strings/run.js";
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { fmtDate, fmtTime, fromVietnam, lang, t, vietnam } from "../core/i18n.js";
import { pagesOf } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { URGENCIES } from "../parts/facts.js";
import { ActButton } from "../parts/action.js";
import { Pick } from "../core/form.js";
import { durationText, Options } from "./policy-editor.js";
import { Moment } from "./rota-forms.js";

const NEW_YEAR = /(lunar new year|tết nguyên đán|tết âm)/i, EVE = /(eve|giao thừa|29|30)/i;
const isoDay = (at) => vietnam(at).toISOString().slice(0, 10);

/** The first day of Tết that lies ahead, from the country's days off; null when it cannot be read. */
function useTet(me) {
  const [day, setDay] = useState(null);
  useEffect(() => {
    const today = isoDay(serverNow());
    const year = Number(today.slice(0, 4));
    Promise.all([year, year + 1].map((y) => get(`/holidays?year=${y}`))).then((found) => {
      const first = (r) => r.items.filter((h) => NEW_YEAR.test(h.name) && !EVE.test(h.name)).map((h) => h.date).sort()[0];
      setDay(found.map(first).find((date) => date >= today) ?? null);
    }, () => {});
  }, [me.id]);
  return day;
}

export function WhatIf({ desk, name }) {
  const me = useStore((s) => s.me);
  const specialties = useStore((s) => s.specialties);
  const [parties, setParties] = useState([]);
  const [form, setForm] = useState({ hospital: "", specialty: "", urgency: "orange", at: new Date(serverNow()).toISOString() });
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const tet = useTet(me);
  const put = (k) => (v) => setForm((f) => ({ ...f, [k]: v }));
  useEffect(() => {
    const none = { items: [] };
    const agreements = pagesOf(me.role).some(([path]) => path === "/agreements") ? get("/agreements?state=current").catch(() => none) : none;
    Promise.all([get("/hospitals"), agreements]).then(([h, a]) => {
      const hospitals = h.items.filter((x) => x.kind !== "health_department");
      setParties(hospitals);
      const asking = a.items.filter((x) => x.answering === me.hospital).map((x) => x.asking);
      setForm((f) => ({ ...f, hospital: f.hospital || (hospitals.find((x) => asking.includes(x.id))?.id ?? me.hospital ?? "") }));
    }, setError);
  }, [me.id]);
  useEffect(() => { if (desk) setForm((f) => ({ ...f, specialty: desk.specialty })); }, [desk?.id]);
  const ask = async (e) => {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      setFound(await get(`/ladder?${new URLSearchParams({ hospital: form.hospital, specialty: form.specialty, urgency: form.urgency, at: form.at })}`));
    } catch (x) {
      setFound(null);
      setError(x);
    }
    setBusy(false);
  };
  const ready = form.hospital && form.specialty && form.at;
  return html`<section class="card what-if" aria-label=${t("l.if")}><h2 class="h3">${t("l.if")}</h2><p class="cap">${t("l.if_hint")}</p>
    <form class="stack gap" onSubmit=${ask}>
      <${Options} id="if-h" label=${t("l.if_hospital")} value=${form.hospital} empty=${t("l.choose")} options=${parties.map((x) => [x.id, x.short_name ?? x.name])} set=${put("hospital")} />
      <${Options} id="if-s" label=${t("request.specialty")} value=${form.specialty} empty=${t("l.choose")} options=${specialties.map((s) => [s.code, s[lang()] ?? s.vi])} set=${put("specialty")} />
      <${Pick} id="if-u" label=${t("request.urgency")} value=${form.urgency} onPick=${put("urgency")} options=${URGENCIES.map((u) => [u, t(`urgency.short.${u}`)])} />
      <${Moment} id="if-t" label=${t("l.at")} value=${form.at} onInput=${put("at")} />
      <div class="row wrap"><button type="button" class="btn s o" onClick=${() => put("at")(new Date(serverNow()).toISOString())}>${t("l.now")}</button>
        ${tet && html`<button type="button" class="btn s o" onClick=${() => put("at")(fromVietnam(tet, "02:00").toISOString())}>${t("l.tet", { date: fmtDate(fromVietnam(tet, "12:00")) })}</button>`}</div>
      <${ActButton} type="submit" cls="btn p blk" icon="search" busy=${busy} disabled=${!ready}>${t("l.if_ask")}</${ActButton}></form>
    ${error && html`<p class="note bad gap" role="alert"><${Icon} name="warn" /><span>${error.detail || t("error.network")}${(error.errors ?? []).map((x) => html`<br />${x.detail}`)}</span></p>`}
    ${found && html`<${Answer} r=${found} name=${name} />`}</section>`;
}

/** What would happen, in words and in Vietnam time. */
function Answer({ r, name }) {
  const day = isoDay(r.at);
  const when = (at) => `${fmtTime(at, { seconds: true })}${isoDay(at) === day ? "" : ` ${fmtDate(at, { year: false })}`}`;
  const people = (s) => [...new Set(s.rung.map((x) => x.doctor_name))];
  return html`<div class="lad stack-s" role="status"><p class="w-desk"><b lang="vi">${r.desk.name}</b> · <span lang="vi">${r.desk.hospital_name}</span></p>
    <p class="sub">${t(`l.why.${r.desk.why}`, { n: r.desk.rank ?? "" })}. ${t(`l.source_long.${r.policy.source}`, { n: r.policy.version })}</p>
    ${r.warnings.map((w) => html`<p key=${w} class="note warn"><${Icon} name="warn" /><span>${t(`l.warn.${w}`)}</span></p>`)}
    ${!r.compiled && html`<p class="note info"><${Icon} name="info" /><span>${t("l.beyond")}</span></p>`}
    <ol class="ladder gap">${r.steps.map((s) => html`<li key=${s.step} class=${s.at ? "wait" : "wait skip"}><span class="n">${s.step + 1}</span>
      <div><div class="nm" lang="vi">${people(s).join(", ") || s.who.map(name).join(", ")}</div>
        <div class="facts"><span>${s.who.map(name).join(", ")}</span><span>${t(`l.mode.${s.mode}`)}</span><span>${s.clock === "working_hours" ? t("l.clock.working_hours") : ""}</span></div>
        ${s.mode !== "all" && s.rung.length > 1 && html`<div class="facts">${s.rung.map((x) => html`<span key=${x.doctor + x.at}><span lang="vi">${x.doctor_name}</span> ${when(x.at)}</span>`)}</div>`}
        ${s.passed_over.length > 0 && html`<div class="facts"><span class="missing">${t("l.full", { names: s.passed_over.map((x) => x.doctor_name).join(", ") })}</span></div>`}
        ${s.skipped && html`<div class="facts"><span class="missing">${t("l.skipped")}</span></div>`}</div>
      <div class="at num">${s.at ? when(s.at) : "—"}<small>${s.at ? t("l.for", { time: durationText(s.timeout_s) }) : ""}</small></div></li>`)}</ol>
    <p class=${r.coordinator === "nobody" ? "note bad" : "sub"}>${t(`l.end.${r.coordinator}`)}</p>
    ${r.considered.length > 1 && html`<details><summary class="cap">${t("l.considered", { n: r.considered.length })}</summary><ol class="stack-s gap">${r.considered.map((d, i) => html`<li key=${d.id} class="sub">${i + 1} · <span lang="vi">${d.name}, ${d.hospital_name}</span> · ${t(`l.why.${d.why}`, { n: d.rank ?? "" })}${d.left_out ? ` · ${t("l.left_out")}` : ""}</li>`)}</ol></details>`}</div>`;
}
