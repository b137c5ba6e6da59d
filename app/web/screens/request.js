/**
 * The request in ISBAR order, made to be sent within 60 seconds and completed while it rings. Needed to send: specialty,
 * urgency, question, patient label; weight under 16. Errors are said on sending only.
 */
import { html, Icon, useEffect, useMemo, useRef, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { nowIso, serverNow } from "../core/clock.js";
import { dropAside, useDraft } from "../core/drafts.js";
import { doubt, echo, Field, latestAt, Measure, Pick, readClock, readMeasure, Text, Triage } from "../core/form.js";
import { fmtDuration, fmtTime, fmtWhen, lang, num, t } from "../core/i18n.js";
import { useModule } from "../core/lazy.js";
import { asksPregnancy, assess, digits } from "../core/news2.js";
import { discard, resend, retryNow, useOutbox } from "../core/outbox.js";
import { ageYears, begun, check, checkVitals, EMPTY, EMPTY_TOLD, hasVitals, isChild, measured, MEASURES, SAFETY, send, similar } from "../core/requests.js";
import { navigate } from "../core/router.js";
import { announce, AppBar, HotlineLink, Loading, notify, openDialog } from "../core/shell.js";
import { getState, specialtyName, useStore } from "../core/store.js";
import { hotline, tel } from "../core/telephones.js";
import { useTitle } from "../core/title.js";
import { Drill, DrillSwitch, FormBand, marked } from "../parts/drill.js";
import { nameList, personText, roleText } from "../parts/facts.js";
import { Urgency } from "../parts/urgency.js";
import { BegunRequests } from "./begun.js";
import { correct, NextTry } from "./queued.js";
import { bare } from "./telephones.js";

const RANK = ["red", "orange", "yellow", "green"];
const FIELDS = { "patient.label": "label", "patient.age_years": "age", "patient.age_months": "age", "patient.weight_kg": "weight", "patient.sex": "sex", "diagnosis.text": "diagnosis" };
const CONSCIOUS = ["alert", "confusion", "voice", "pain", "unresponsive"];

/** `telephone`: the same form for a case that was handled by telephone, with what is said of the call. */
export function Request({ telephone = false }) {
  const part = useModule(telephone && (() => import("../parts/told.js")));
  const [sentId, setSent] = useState(null);
  const queued = useOutbox().filter((item) => item.what === "request");
  const [told, setTold] = useState([]);
  const own = queued.find((item) => item.id === sentId);
  const title = t(telephone ? "told.enter" : "request.new");
  useTitle(marked(own?.body, title));
  if (own) return html`<${Pending} item=${own} onAgain=${setSent} onEdit=${(errors) => { setTold(fromServer(errors)); setSent(null); }} />`;
  if (telephone && !part) return html`<${AppBar} title=${title} back="/" closing mini plain /><main class="mid"><${Loading} /></main>`;
  return html`<${Form} key=${telephone} onSent=${setSent} others=${queued} told=${told} part=${part} />`;
}

/** Queue it, watch it, and go to the case the moment the server has stored it. `more`: of a case handled by telephone. */
export function submit(form, { red = false, more, instead, onSent }) {
  return follow(send(form, { red, more, instead }), onSent);
}

function follow(sent, onSent) {
  if (!sent) return null;
  onSent?.(sent.id);
  sent.promise.then((read) => {
    const here = ["/request", "/request/telephone", "/red-alert"].includes(location.pathname);
    if (!read) { // another tab of this doctor has sent it: the list shows the case
      if (here) navigate("/", { replace: true });
      return;
    }
    const words = t(read.telephone ? "told.stored" : "request.stored", { number: read.number });
    announce(words, true);
    if (here) navigate(`/cases/${read.id}`, { replace: true });
    else notify(words, "ok");
  }, (error) => error.type !== "discarded" && announce(t("conn.request_refused"), true));
  return sent;
}

/** With no network the telephone is dialled at once, and the alert waits in parallel. */
export function dialIfOffline() {
  const line = hotline();
  if (getState().connection.state === "offline" && line) location.href = tel(line.phone);
}

function Form({ onSent, others, told, part }) {
  const me = useStore((s) => s.me);
  const kind = part ? "telephone" : "request";
  const [form, setForm, draft] = useDraft(kind, part ? { ...EMPTY, told: EMPTY_TOLD } : EMPTY, undefined, begun);
  const [errors, setErrors] = useState(told);
  const [busy, setBusy] = useState(false);
  const summary = useRef(null);
  const news2 = useMemo(() => scoreOf(form), [form]);
  const rings = useLadder(part ? "" : form.specialty, form.urgency);
  const put = (field) => (value) => setForm((f) => ({ ...f, [field]: value }));
  const putTold = (change) => setForm((f) => ({ ...f, told: change(f.told) }));
  const found = (options) => [...check(form, options), ...(part ? part.check(form.told) : [])];
  // What was measured was measured when the ward asked.
  const measuredAt = (f) => minute((part && part.asked(f.told)) || nowIso());
  const putVital = (field) => (value) => setForm((f) => ({ ...f, vitals: { ...f.vitals, taken_at: f.vitals.taken_at ?? measuredAt(f), [field]: value } }));
  const still = errors.length ? found().map((e) => e.field) : [];
  const open = errors.filter((e) => e.server || still.includes(e.field)); // what has been put right is not shown any more
  const error = (field) => {
    const said = open.find((e) => e.field === field);
    return said && (said.own ?? said.detail);
  };

  useEffect(() => { if (!part) copied(draft); }, [draft.ready]);
  useEffect(() => restoreFocus(draft.ready), [draft.ready]);
  const latest = useRef(null);
  useEffect(() => {
    const key = (e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && !document.querySelector("dialog[open]") && latest.current();
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);

  const sendNow = async ({ red = false } = {}) => {
    if (busy) return;
    const wrong = found({ red });
    setErrors(wrong);
    if (wrong.length) {
      setTimeout(() => summary.current?.focus(), 0);
      return;
    }
    setBusy(true);
    const left = red ? check(form).filter((e) => e.own).map((e) => e.detail) : [];
    if (left.length) notify(`${t("red.left_out")} ${left.join("; ")}`, "warn", 30);
    if (red && !form.drill) dialIfOffline();
    if (!form.drill) noteUse(form.specialty);
    const { promise, kept } = submit(form, { red, more: part ? part.body(form.told) : {}, instead: draft.instead, onSent });
    await draft.drop(kept.catch(() => promise)).catch(() => {});
  };
  latest.current = sendNow;
  const redNow = () => (form.specialty ? sendNow({ red: true }) : navigate("/red-alert"));

  const kg = readMeasure("weight_kg", form.weight);
  const done = (section) => sectionDone(section, form);
  const like = similar(form, [...getState().headers.values()], me);
  const enough = !part && !check(form).length;
  const sendWords = t(busy ? "sending" : form.drill && !part ? "drill.send" : part ? "tf.send" : "request.send");
  const saved = draft.savedAt ? t("request.draft_saved", { time: fmtTime(draft.savedAt, { seconds: true }) }) : t("request.draft_none");
  return html`<div class="req">
    <div class="top2"><${AppBar} title=${t(part ? "told.enter" : "request.new")} sub=${saved} back="/" closing mini plain actions=${!part && html`<button type="button" class="btn s red" onClick=${redNow}><${Icon} name="siren" />${t("red.action")}</button>`} />
      <nav class="steps" aria-label="ISBAR">${["i", "s", "b", "a", "r"].map((x) => html`<a key=${x} href=${`#s-${x}`} class=${done(x) ? "ok" : ""} onClick=${(e) => jump(e, x)} aria-label=${`${x.toUpperCase()}: ${t(`request.${x}`)}${done(x) ? `, ${t("request.filled")}` : ""}`}>${x.toUpperCase()}${done(x) && html`<${Icon} name="check" />`}</a>`)}</nav></div>
    <${FormBand} on=${form.drill} off=${() => put("drill")(false)} />
    <main class="req-main"><form class="form" onSubmit=${(e) => { e.preventDefault(); sendNow(); }} novalidate>
      ${open.length > 0 && html`<div class="note bad summary" role="alert" tabindex="-1" ref=${summary}><${Icon} name="warn" /><span><b>${t("error.summary", { n: open.length })}</b>
        ${open.map((e) => html`<br /><a href=${`#f-${e.field}`} onClick=${(x) => toField(x, e.field)}>${e.detail}</a>`)}</span></div>`}
      ${others.length > 0 && html`<p class="note warn"><${Icon} name="clock" /><span>${t("request.others", { n: others.length })} <a href="/">${t("nav.cases")}</a></span></p>`}
      ${draft.ready && html`<${BegunRequests} form=${kind} onTake=${({ id, value }) => { draft.exchange(value); draft.flush().then(() => dropAside(id)).catch(() => {}); }} />`}
      ${part && html`<p class="note info"><${Icon} name="phone" /><span>${t("tf.hint")} <a href="/request">${t("tf.now")}</a></span></p>`}
      <section id="s-i"><h2 class="fs"><b aria-hidden="true">I</b>${t("request.i")}</h2>
        <div class="two pt">
          <${Text} id="f-label" label=${t("request.label")} value=${form.label} onInput=${put("label")} error=${error("label")} />
          <${Text} id="f-age" label=${t("request.age")} value=${form.age} inputmode="numeric" onInput=${put("age")} error=${error("age")} />
          <${Pick} id="f-age_unit" label=${t("request.age_unit")} value=${form.age_unit} onPick=${put("age_unit")} options=${[["years", t("request.years")], ["months", t("request.months")]]} />
          <${Text} id="f-weight" label=${t("request.weight")} opt=${isChild(form) ? t("request.weight_child") : "kg"} value=${form.weight} inputmode="decimal" onInput=${put("weight")} error=${error("weight") ?? (kg.ask ? kg.error : null)} warn=${doubt("weight_kg", kg.value)} />
        </div>
        <${Pick} id="f-sex" label=${t("request.sex")} value=${form.sex} onPick=${put("sex")} options=${["male", "female", "unknown"].map((x) => [x, t(`request.sex.${x}`)])} />
        ${like.map((h) => html`<p key=${h.id} class="note warn" role="status"><${Icon} name="users" /><span>${t("request.similar")} <b lang="vi">${[h.number, h.label, personText(h)].filter(Boolean).join(" · ")}</b>. <a href=${`/cases/${h.id}`}>${t("request.similar_open")}</a></span></p>`)}
      </section>
      <section id="s-s"><h2 class="fs"><b aria-hidden="true">S</b>${t("request.s")}</h2>
        <${Specialty} value=${form.specialty} onPick=${(code) => setForm((f) => ({ ...f, specialty: code, ...(part && code !== f.specialty ? { told: { ...f.told, by: "" } } : {}) }))} error=${error("specialty")} />
        ${!part && html`<${FirstRung} found=${rings} urgency=${form.urgency} />`}
        <${Triage} id="f-urgency" value=${form.urgency} onPick=${put("urgency")} error=${error("urgency")} />
        ${below(form.urgency, news2.suggests) && html`<p class="note warn" role="status"><${Icon} name="warn" /><span>${t("request.below", { level: t(`urgency.short.${news2.suggests}`) })}</span></p>`}
        <${Text} id="f-question" label=${t("request.question")} rows="3" value=${form.question} onInput=${put("question")} error=${error("question")} />
        <${Text} id="f-situation" label=${t("request.situation")} opt=${t("request.optional")} value=${form.situation} onInput=${put("situation")} error=${error("situation")} />
      </section>
      ${part && html`<${part.Told} told=${form.told} put=${putTold} specialty=${form.specialty} error=${error} />`}
      <section id="s-a"><h2 class="fs"><b aria-hidden="true">A</b>${t("request.a")}</h2>
        <${VitalsFields} v=${form.vitals} put=${putVital} error=${error} patient=${personOf(form)} />
        ${asksPregnancy({ age_years: ageYears(form), sex: form.sex || "unknown" }) && hasVitals(form.vitals) && form.sex !== "male" && html`<${Pick} id="f-pregnant" label=${t("request.pregnant")} value=${form.safety.pregnancy.state} opt=${t("request.pregnant_why")}
          onPick=${(state) => setForm((f) => ({ ...f, safety: { ...f.safety, pregnancy: { ...f.safety.pregnancy, state } } }))} options=${["none", "value", "unknown"].map((x) => [x, t(`request.pregnant.${x}`)])} />`}
        <div class="card news-card"><${News} news2=${news2} any=${hasVitals(form.vitals)} /></div>
      </section>
      <section id="s-b"><h2 class="vh">${t("request.b")}</h2><details class="more" open=${Boolean(error("background"))}><summary><${Icon} name="plus" /><span class="grow">${t("request.b_more")}</span><span class="cap">${done("b") ? html`<${Icon} name="check" />` : t("request.later")}</span></summary>
        <div class="stack more-in"><${SafetyFields} id="f" safety=${form.safety} sex=${form.sex} onChange=${(x, v) => setForm((f) => ({ ...f, safety: { ...f.safety, [x]: v } }))} />
        <${Text} id="f-background" label=${t("request.background")} hint=${t("request.background_hint")} rows="4" value=${form.background} onInput=${put("background")} error=${error("background")} /></div></details>
        <details class="more" open=${Boolean(error("assessment"))}><summary><${Icon} name="plus" /><span class="grow">${t("request.a_more")}</span><span class="cap">${form.assessment || form.diagnosis ? html`<${Icon} name="check" />` : t("request.later")}</span></summary>
        <div class="stack more-in"><${Text} id="f-diagnosis" label=${t("request.diagnosis")} value=${form.diagnosis} onInput=${put("diagnosis")} error=${error("diagnosis")} />
        <${Text} id="f-assessment" label=${t("request.assessment")} hint=${t("request.assessment_hint")} rows="4" value=${form.assessment} onInput=${put("assessment")} error=${error("assessment")} /></div></details>
        <details class="more" id="s-r" open=${Boolean(error("recommendation"))}><summary><${Icon} name="plus" /><span class="grow">${t("request.r_more")}</span><span class="cap">${done("r") ? html`<${Icon} name="check" />` : t("request.later")}</span></summary>
        <div class="stack more-in"><${Text} id="f-recommendation" label=${t("request.recommendation")} hint=${t("request.recommendation_hint")} rows="4" value=${form.recommendation} onInput=${put("recommendation")} error=${error("recommendation")} /></div></details>
        <button type="button" class="btn g" onClick=${() => clearForm(draft)}>${t("request.clear")}</button>
      </section>
      <${DrillSwitch} on=${Boolean(form.drill)} set=${put("drill")} />
    </form>
    <aside class="side stack"><div class="card stack"><${News} news2=${news2} any=${hasVitals(form.vitals)} /><hr />
      ${form.urgency && html`<${Urgency} level=${form.urgency} big />`}
      ${!part && html`<${WhoRings} found=${rings} urgency=${form.urgency} />`}
      <button type="button" class=${`btn p xl blk${busy ? " busy" : ""}`} disabled=${busy} onClick=${() => sendNow()}><${Icon} name=${busy ? "refresh" : "send"} />${sendWords}</button>
      <p class="cap ctr-t"><kbd>Ctrl</kbd> <kbd>Enter</kbd></p></div>
      ${enough && html`<p class="note ok"><${Icon} name="check" /><span>${t("request.enough")}</span></p>`}
    </aside></main>
    <div class="dock" role="region" aria-label=${t("nav.actions")}><div class="row dock-news"><${Total} news2=${news2} small /><span class="cap">NEWS2<br />${news2.band ? t(`p.news.short.${news2.band}`) : ""}</span></div>
      <button type="button" class=${`btn p xl grow${busy ? " busy" : ""}`} disabled=${busy} onClick=${() => sendNow()}><${Icon} name=${busy ? "refresh" : "send"} />${sendWords}</button></div>
  </div>`;
}

// --- while it is not yet a request ------------------------------------------------------------------------------------

/** Sent is said after the server has stored it. Before that: this device alone knows, and here is the telephone. */
export function Pending({ item, onEdit, onAgain }) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 3000);
    return () => clearTimeout(timer);
  }, []);
  const refused = item.state === "refused";
  const alarming = slow || refused || item.state === "retrying";
  const edit = async () => {
    await correct(item);
    onEdit(item.error?.errors ?? []);
  };
  const line = hotline();
  return html`<${AppBar} title=${t(item.body.telephone ? "told.enter" : item.body.urgency === "red" ? "red.title" : "request.new")} back="/" mini plain />
    ${item.body.drill && html`<p class="drill-band"><b>${t("drill.word")}</b><span>${t("drill.nobody")}</span></p>`}
    <main class="mid stack pending">
      ${alarming ? html`<div class="unsent-big" role="alert"><${Icon} name="warn" /><b>${t(refused ? "request.refused" : "conn.request_unsent")}</b></div>`
      : html`<div class="note info" role="status"><${Icon} name="refresh" cls="spin" /><span>${t("sending")}</span></div>`}
      <div class="card stack-s queued"><div class="row"><${Drill} c=${item.body} /><${Urgency} level=${item.body.urgency} /><span class="cap end">${specialtyName(item.body.specialty, lang())}</span></div>
        ${item.body.patient?.label && html`<b lang="vi">${item.body.patient.label}</b>`}
        ${item.body.question && html`<p lang="vi">${item.body.question}</p>`}
        <p class="sub">${refused ? "" : html`${t("request.kept_at", { time: fmtWhen(item.createdAt) })} <${NextTry} item=${item} />`}</p></div>
      ${refused && html`<div class="note bad"><${Icon} name="warn" /><span>${item.error?.detail || item.error?.title}
        ${(item.error?.errors ?? []).map((e) => html`<br />${e.detail}`)}</span></div>`}
      ${alarming && html`<a class="btn red xl blk" href=${tel(line?.phone)}><${Icon} name="phone" />${t("phone.short")}${line ? html` <span class="num nowrap">${line.phone}</span>` : ""}</a>`}
      ${!refused && alarming && html`<button class="btn o blk" onClick=${() => retryNow(item.id)}><${Icon} name="refresh" />${t("conn.try_now")}</button>`}
      ${refused && html`<div class="row wrap"><button class="btn p" onClick=${edit}><${Icon} name="edit" />${t("msg.edit")}</button><button class="btn o" onClick=${() => follow(resend(item.id), onAgain)}>${t("msg.again")}</button><button class="btn g" onClick=${() => { discard(item.id); navigate("/"); }}>${t("msg.delete")}</button></div>`}
      ${!refused && alarming && item.state !== "sending" && html`<button type="button" class="btn g blk" onClick=${() => { discard(item.id); notify(t("request.stopped"), "warn", 10); navigate("/"); }}>${t("request.stop")}</button>`}
      <p class="cap">${t("request.pending_hint")}</p>
    </main>`;
}

// --- parts of the form -------------------------------------------------------------------------------------------------

const USED = "hoichan.specialties";
const FIRST = ["K04", "STROKE", "K02", "K27", "K18", "K24", "K19"];

function used() {
  try { return JSON.parse(localStorage.getItem(USED)) ?? {}; } catch { return {}; }
}

function noteUse(code) {
  const counts = used();
  counts[code] = (counts[code] ?? 0) + 1;
  try { localStorage.setItem(USED, JSON.stringify(counts)); } catch { /* next time the usual five */ }
}

/** This device's most used five; before there is a habit, the usual emergencies. */
export function favourites(specialties) {
  const counts = used();
  const usual = (s) => {
    const at = FIRST.findIndex((x) => s.code === x || (x === "STROKE" && /stroke/i.test(s.en)));
    return at < 0 ? 99 : at;
  };
  return [...specialties].sort((a, b) => (counts[b.code] ?? 0) - (counts[a.code] ?? 0) || usual(a) - usual(b)).slice(0, 5);
}

function Specialty({ value, onPick, error }) {
  const specialties = useStore((s) => s.specialties);
  const five = useMemo(() => favourites(specialties), [specialties]);
  const shown = value && !five.some((s) => s.code === value) ? [...five, specialties.find((s) => s.code === value) ?? { code: value, vi: value, en: value }] : five;
  const all = async () => {
    const code = await openDialog((close) => html`<${AllSpecialties} specialties=${specialties} onPick=${close} />`, { label: t("request.specialty") });
    if (code) onPick(code);
  };
  return html`<${Pick} id="f-specialty" label=${t("request.specialty")} error=${error} value=${value} onPick=${onPick}
    options=${shown.map((s) => [s.code, s[lang()] ?? s.vi])}
    extra=${html`<div class="pick"><button type="button" onClick=${all}><${Icon} name="search" />${t("request.all", { n: specialties.length })}</button></div>`} />`;
}

function AllSpecialties({ specialties, onPick }) {
  const [wanted, setWanted] = useState("");
  const found = specialties.filter((s) => bare(`${s.vi} ${s.en} ${s.code}`).includes(bare(wanted)));
  return html`<header class="row dlg-h"><h2 class="h3 grow">${t("request.specialty")}</h2><button type="button" class="ib" aria-label=${t("nav.close")} onClick=${() => onPick()}><${Icon} name="x" /></button></header>
    <div class="stack-s"><label for="sp-find">${t("request.find")}</label>
    <input id="sp-find" class="in" type="search" value=${wanted} autofocus onInput=${(e) => setWanted(e.target.value)} onKeyDown=${(e) => { if (e.key === "Enter" && found.length) { e.preventDefault(); onPick(found[0].code); } }} />
    <ul class="all-sp">${found.map((s) => html`<li key=${s.code}><button type="button" class="btn o blk left" onClick=${() => onPick(s.code)}>${s[lang()] ?? s.vi}</button></li>`)}</ul>
    ${!found.length && html`<p class="sub">${t("phones.no_match")}</p>`}</div>`;
}

/**
 * Who would be rung if it were sent now and nobody answered, from the functions that ring: {ladder, on_call} | {error}.
 * Before an urgency is chosen the desk alone counts, and an emergency's is looked for: it exists without an agreement too.
 */
function useLadder(specialty, urgency) {
  const hospital = useStore((s) => s.me.hospital);
  const [found, setFound] = useState(null);
  useEffect(() => {
    let gone = false;
    setFound(null);
    if (!specialty) return undefined;
    (async () => {
      const ladder = await get(`/ladder?${new URLSearchParams({ hospital, specialty, urgency: urgency || "orange" })}`);
      const { on_call } = await get(`/desks/${ladder.desk.id}/on-call`).catch(() => ({ on_call: [] }));
      if (!gone) setFound({ ladder, on_call });
    })().catch((error) => !gone && setFound({ error }));
    return () => { gone = true; };
  }, [hospital, specialty, urgency]);
  return found;
}

/** The first who is rung, beside the specialty; and what must be said about the way. */
function FirstRung({ found, urgency }) {
  if (!found) return null;
  const warn = (words, cls = "warn") => html`<p class=${`note ${cls}`}><${Icon} name="warn" /><span>${words}</span></p>`;
  const { error, ladder, on_call } = found;
  if (error?.is("nobody-to-ring")) return warn(t("request.no_desk"), "bad");
  if (error && !error.is("no-agreement")) return html`<p class="cap">${t("request.who_failed")}</p>`;
  if (error || ladder.warnings.includes("outside_agreement")) return warn(t(["red", "orange"].includes(urgency) ? "request.no_agreement_urgent" : "request.no_agreement"));
  const [first] = ladder.steps.slice(0, -1).flatMap((s) => s.rung);
  if (!first) return warn(t("request.nobody", { desk: ladder.desk.name }));
  const duty = on_call.find((p) => p.doctor === first.doctor);
  const until = duty ? t("request.on_call", { hospital: ladder.desk.hospital_name, time: fmtWhen(duty.to) }) : t("request.rung_first", { hospital: ladder.desk.hospital_name });
  return html`<p class="note info"><${Icon} name="user" /><span><b lang="vi">${first.doctor_name}</b> ${until}${duty?.online ? `, ${t("request.online")}` : ""}.</span></p>`;
}

/** Each step with its people, and when it begins; a step that would be passed is not shown. */
function WhoRings({ found, urgency }) {
  if (!found?.ladder || !urgency) return null;
  const { steps, at, coordinator } = found.ladder;
  const end = steps[steps.length - 1];
  const when = (s) => {
    const after = (Date.parse(s.at) - Date.parse(at)) / 1000;
    return after < 1 ? t("request.at_once") : after < 3600 ? t("request.after", { time: fmtDuration(after) }) : fmtWhen(s.at);
  };
  const who = (s) => {
    if (s === end) return t("request.who_last");
    if (s.rung.length > 2 && s.rung.every((x) => x.role === "red_team")) return t("request.who_red", { n: s.rung.length });
    const roles = [...new Set(s.rung.map((x) => roleText(x.role).toLowerCase()))].join(", ");
    return html`<span lang="vi">${nameList(s.rung.map((x) => x.doctor_name))}</span>${roles ? `, ${roles}` : ""}`;
  };
  return html`<div><p><b>${t("request.who")}</b></p><ol class="sub who">
    ${steps.filter((s) => s.at && (s.rung.length || s === end)).map((s, i) => html`<li key=${s.step}>${i + 1} · ${who(s)} — <span class="num">${when(s)}</span></li>`)}</ol>
    ${coordinator === "nobody" && html`<p class="cap warn-t"><${Icon} name="warn" />${t("request.who_none")}</p>`}
    <p class="cap">${t("request.who_hint")}</p></div>`;
}

/** One set, one time. The time is the first key's minute and can be corrected; the date is always said. */
export function VitalsFields({ v, put, error, patient, id = "f" }) {
  const m = measured(v);
  const [clock, setClock] = useState(null);
  const read = clock === null ? null : readClock(clock);
  const setTime = () => {
    if (read) put("taken_at")(latestAt(read).toISOString());
    setClock(null);
  };
  const shown = digits(m, patient);
  return html`
    <div class="row wrap taken">${clock === null ? html`<span class="cap">${v.taken_at ? echo(v.taken_at) : t("form.taken_none")}</span>
      <button type="button" class="linkish" onClick=${() => setClock(fmtTime(v.taken_at ?? serverNow()))}>${t("form.change_time")}</button>`
    : html`<${Field} id=${`${id}-time`} label=${t("form.taken_at")} error=${read ? null : t("error.clock")} hint=${read ? echo(latestAt(read)) : ""}>
        <div class="row"><input class="in clock" id=${`${id}-time`} inputmode="numeric" value=${clock} onInput=${(e) => setClock(e.target.value)} onKeyDown=${(e) => { if (e.key === "Enter") { e.preventDefault(); setTime(); } }} />
        <button type="button" class="btn s o" disabled=${!read} onClick=${setTime}>${t("form.ok")}</button></div></${Field}>`}</div>
    <div class="vg">${MEASURES.map((name) => html`<${Measure} key=${name} id=${`${id}-vitals.${name}`} name=${name} value=${v[name]} onInput=${put(name)} error=${error(`vitals.${name}`)} digit=${shown[name] ?? null} />`)}</div>
    <div class="two x">
      <${Pick} id=${`${id}-o2`} label=${t("vitals.breathing")} digit=${shown.oxygen} value=${v.oxygen} onPick=${put("oxygen")} options=${[["air", t("vitals.air")], ["oxygen", t("vitals.oxygen")]]} />
      <${Pick} id=${`${id}-cs`} label=${t("vitals.consciousness")} digit=${shown.consciousness} value=${v.consciousness} onPick=${put("consciousness")} options=${CONSCIOUS.map((x) => [x, x === "alert" ? t("vitals.c.short") : x[0].toUpperCase(), t(`vitals.c.${x}`)])} />
    </div>
    ${v.oxygen === "oxygen" && html`<div class="vg"><${Measure} id=${`${id}-vitals.oxygen_l_min`} name="oxygen_l_min" value=${v.oxygen_l_min} onInput=${put("oxygen_l_min")} error=${error("vitals.oxygen_l_min")} /></div>`}
    <details class="scale"><summary class="cap">${t(v.scale === 2 ? "vitals.scale2_on" : "vitals.scale1_on")}</summary>
      <${Pick} id=${`${id}-scale`} label=${t("vitals.scale")} value=${String(v.scale)} onPick=${(x) => put("scale")(Number(x))} options=${[["1", t("vitals.scale1")], ["2", t("vitals.scale2")]]} /><p class="cap">${t("vitals.scale_hint")}</p></details>`;
}

/** Allergy, anticoagulant, pregnancy, weight: value, none, unknown and "not asked" are four different facts. */
export function SafetyFields({ id, safety, sex, onChange }) {
  return SAFETY.filter((x) => x !== "pregnancy" || sex !== "male").map((x) => html`<div key=${x} class="stack-s">
    <${Pick} id=${`${id}-safety-${x}`} label=${t(`safety.${x}`)} value=${safety[x]?.state ?? "not_asked"} onPick=${(state) => onChange(x, { ...safety[x], state })}
      options=${(x === "weight" ? ["value", "unknown", "not_asked"] : ["value", "none", "unknown", "not_asked"]).map((s) => [s, t(`safety.${x}.${s}`)])} />
    ${safety[x]?.state === "value" && html`<${Text} id=${`${id}-safety-${x}-t`} label=${t(`safety.${x}.what`)} value=${safety[x].text} onInput=${(text) => onChange(x, { ...safety[x], text })} />`}
  </div>`);
}

export function Total({ news2, small = false }) {
  const step = { low: 0, single3: 1, medium: 2, high: 3 }[news2.band];
  const none = news2.state === "not_applicable";
  return html`<span class=${`nw tot ${small ? "sm " : ""}${step === undefined ? "nx0" : `n${step}`}`}>${news2.total ?? (none ? "–" : "?")}</span>`;
}

/** The total with its words; what is missing is named, and a low score says what it does not exclude. */
export function News({ news2, any }) {
  const parts = news2.missing.map((x) => t(`p.m.${x}`)).join(", ");
  const head = news2.state === "complete" ? `NEWS2 · ${t(`news.${news2.band}`)}` : "NEWS2";
  const words = news2.state === "not_applicable" ? t(news2.why_not === "under_16" || news2.why_not === "pregnant" ? "news.not_for" : `p.news.why.${news2.why_not}`)
    : news2.state === "incomplete" ? (any ? t("news.incomplete", { value: parts }) : t("news.none")) : "";
  return html`<div aria-live="polite"><div class="news"><${Total} news2=${news2} /><div><div class="lab">${head}</div>
    ${words && html`<div class="cap">${words}</div>`}
    ${news2.suggests && html`<div class="cap">${t("news.suggest", { level: t(`urgency.short.${news2.suggests}`) })}</div>`}
    ${news2.band === "low" && html`<div class="cap">${t("p.news.low_excludes_nothing")}</div>`}</div></div>
    <p class="cap news-c">${t("news.adults")} NEWS2 © Royal College of Physicians 2017.</p></div>`;
}

// --- rules of the form -------------------------------------------------------------------------------------------------

/** The server's complaints, each at its field of this form. */
const fromServer = (errors) => errors.map(({ field, detail }) => {
  const path = String(field ?? "").replace(/^body\./, "").replace(/^vitals\.0\./, "vitals.");
  return { field: FIELDS[path] ?? path, detail, server: true };
});

const minute = (iso) => `${iso.slice(0, 16)}:00Z`;
const below = (urgency, suggests) => Boolean(urgency && suggests && RANK.indexOf(urgency) > RANK.indexOf(suggests));

const personOf = (form) => ({ age_years: ageYears(form), sex: form.sex || "unknown", pregnancy: form.safety.pregnancy.state });
const scoreOf = (form) => assess(measured(form.vitals), personOf(form));

function sectionDone(section, form) {
  switch (section) {
    case "i": return Boolean(form.label.trim());
    case "s": return Boolean(form.specialty && form.urgency && form.question.trim());
    case "b": return Boolean(form.background.trim()) || SAFETY.some((x) => form.safety[x].state !== "not_asked");
    case "a": return hasVitals(form.vitals) && !checkVitals(form.vitals).length;
    default: return Boolean(form.recommendation.trim());
  }
}

function jump(e, section) {
  e.preventDefault();
  const node = document.getElementById(`s-${section}`);
  const closed = node?.matches("details") ? node : section === "b" ? node?.querySelector("details") : null;
  if (closed) closed.open = true;
  node?.scrollIntoView({ block: "start" });
  node?.querySelector("input, textarea, button")?.focus({ preventScroll: true });
}

/** Follow a link of the error summary into its field, opening the row it is in. */
function toField(e, field) {
  e.preventDefault();
  const node = document.getElementById(`f-${field}`);
  node?.closest("details")?.setAttribute("open", "");
  const target = node?.matches("[role=radiogroup]") ? node.querySelector("[role=radio]") : node;
  target?.focus();
}

const FOCUS = "hoichan.focus";

/** Reload and app switch bring the doctor back to the same field. */
function restoreFocus(ready) {
  if (!ready) return undefined;
  const last = sessionStorage.getItem(FOCUS);
  if (last) document.getElementById(last)?.focus();
  const note = (e) => e.target.id?.startsWith("f-") && sessionStorage.setItem(FOCUS, e.target.id);
  document.addEventListener("focusin", note);
  return () => {
    document.removeEventListener("focusin", note);
    sessionStorage.removeItem(FOCUS);
  };
}

/**
 * "Ring again" after a cancellation: the words and the patient, never vital signs, allergies or advice of the old case. It
 * is copied once, whatever reloads follow, and a request that was begun steps aside.
 */
function copied(draft) {
  const id = new URLSearchParams(location.search).get("copy");
  if (!id || !draft.ready) return;
  history.replaceState({}, "", location.pathname);
  const c = getState().consultations.get(id);
  if (!c) return;
  const months = c.patient?.age_months ?? null;
  draft.exchange({
    ...EMPTY, label: c.patient?.label ?? "", sex: c.patient?.sex ?? "", specialty: c.specialty, urgency: c.urgency,
    age: num(months ?? c.patient?.age_years), age_unit: months === null ? "years" : "months",
    question: c.question ?? "", situation: c.situation ?? "",
  });
}

async function clearForm(draft) {
  const sure = await openDialog((close) => html`<h2 class="h3">${t("request.clear_sure")}</h2>
    <div class="row end"><button class="btn o" autofocus onClick=${() => close(false)}>${t("request.keep")}</button><button class="btn red-o" onClick=${() => close(true)}>${t("request.clear")}</button></div>`, { label: t("request.clear") });
  if (sure) await draft.drop();
}
