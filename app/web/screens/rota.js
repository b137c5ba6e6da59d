// The rota of a desk or of a hospital: who is on duty when, exactly as live calls will use it, and (for those who may) its editor.
// Address: /rota?desk=…&week=2026-11-23&view=week|month|mine|exchange
import "../parts/rings.js";
import "../strings/rota.js";
import { html, Icon, useEffect, useMemo, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow, useTick } from "../core/clock.js";
import { fmtDate, lang, t, vietnam } from "../core/i18n.js";
import { useModule } from "../core/lazy.js";
import { navigate } from "../core/router.js";
import { AppBar, Failed, Loading, openDialog } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import { onEvent } from "../core/stream.js";
import { useWide } from "../core/wide.js";
import { Disputed } from "../parts/disputed.js";
import { Rail, useShortcuts } from "../parts/rail.js";
import { ownerPath, useRotaEdit } from "./rota-draft.js";
import { Add, Chosen, Draft, NowOn, paneTitle, PublishButtons, published, RingsAt, Sheet } from "./rota-editor.js";
import { MonthOnPhone } from "./rota-month.js";
import { blockKey, Days, GapBanner, Hours, Legend, Month, resultRows, Week, writtenRows } from "./rota-week.js";
import { clip, dateOf, DAY, HOUR, iso, midnight, monday, monthOf, nameBook, overlaps, WEEK, weekNumber } from "./rota-time.js";

const ms = (at) => Date.parse(at);

/** What the address says: { owner, week, view }. */
function readAddress(me, desks) {
  const q = new URLSearchParams(location.search);
  const own = me.desks?.[0]?.desk;
  const first = desks?.find((d) => d.hospital === me.hospital && me.specialties?.includes(d.specialty)) ?? desks?.[0];
  const desk = q.get("desk") ?? (q.get("hospital") ? null : own ?? first?.id ?? null);
  const week = /^\d{4}-\d\d-\d\d$/.test(q.get("week") ?? "") ? monday(midnight(q.get("week"))) : monday(serverNow());
  return {
    owner: desk ? { kind: "desk", id: desk } : q.get("hospital") ? { kind: "hospital", id: q.get("hospital") } : null,
    week: Number.isFinite(week) ? week : monday(serverNow()), view: ["month", "mine", "exchange"].includes(q.get("view")) ? q.get("view") : "week",
  };
}

function go({ owner, week, view }, options) {
  const q = new URLSearchParams({ [owner.kind]: owner.id, week: dateOf(week + HOUR) });
  if (view !== "week") q.set("view", view);
  navigate(`/rota?${q}`, options);
}

export function Rota() {
  const me = useStore((s) => s.me);
  const [desks, setDesks] = useState(null);
  const [error, setError] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  useEffect(() => {
    get("/desks").then((r) => {
      const own = r.items.filter((d) => d.hospital === me.hospital);
      setDesks([...(own.length ? own : r.items)].sort((a, b) => a.name.localeCompare(b.name, "vi")));
    }, setError);
  }, [tries]);
  const at = readAddress(me, desks);
  const wide = me.role !== "requester";
  const frame = (body, actions) => html`<div class="rota"><${AppBar} title=${t("nav.rota")} sub=${t("r.zone")} mini back=${wide ? undefined : "/"} actions=${actions} />
    <div class="app2">${wide && html`<${Rail} current="/rota" />`}${body}</div></div>`;
  if (error && !desks) return frame(html`<main class="ro"><${Failed} error=${error} onRetry=${again} /></main>`);
  if (!at.owner) return frame(html`<main class="ro">${desks ? html`<p class="sub">${t("r.no_desk")}</p>` : html`<${Loading} />`}</main>`);
  return html`<${RotaOf} key=${`${at.owner.kind}:${at.owner.id}`} at=${at} desks=${desks ?? []} frame=${frame} me=${me} />`;
}

function RotaOf({ at, desks, frame, me }) {
  const { owner, week, view } = at;
  const wide = useWide();
  const [duty, setDuty] = useState(null);
  const [error, setError] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  const [chosen, choose] = useState(null);
  const month = view === "month";
  const mid = vietnam(week + 3 * DAY + 12 * HOUR);
  const page = monthOf(week + 3 * DAY);
  const from = month ? page.from : week;
  const to = from + (month ? page.weeks : 1) * WEEK;
  const edit = useRotaEdit(owner, from, to);
  useTick(60000);
  useEffect(() => {
    let gone = false;
    setError(null);
    const q = (x) => encodeURIComponent(iso(x));
    get(`${ownerPath(owner)}/duty?from=${q(from)}&to=${q(to)}`).then((d) => !gone && setDuty(d), (e) => !gone && setError(e));
    return () => { gone = true; };
  }, [owner.id, from, to, tries, edit.rota?.version]);
  useEffect(() => onEvent((e) => /^(rota\.published|duty\.(moved|gap_|unreachable)|swap\.|leave\.decided)/.test(e.t) && again()), []);

  const now = serverNow();
  const fresh = edit.preview && edit.changes.length > 0;
  const shown = useMemo(() => {
    if (!duty) return null;
    const roles = edit.rota?.roles ?? [];
    const theirs = (x) => roles.includes(x.role);
    if (!fresh) return { slots: duty.slots, gaps: duty.gaps };
    // What has been stays as it was; what is to come is what the dry run says.
    const cut = ms(edit.preview.from);
    const old = (x) => !theirs(x) || ms(x.from) < cut;
    const before = (list) => list.filter(old).map((x) => (theirs(x) && ms(x.to) > cut ? { ...x, to: iso(cut) } : x));
    return { slots: joined([...before(duty.slots), ...edit.preview.slots]), gaps: [...before(duty.gaps).filter((g) => !theirs(g) || g.kind === "unreachable"), ...edit.preview.gaps] };
  }, [duty, edit.preview, fresh, edit.rota]);
  const results = useMemo(() => (shown ? resultRows(shown.slots, ahead(shown.gaps), edit.docs?.required_roles ?? []) : []), [shown, edit.docs]);
  const written = useMemo(() => (month ? [] : writtenRows(edit.docs, from, to)), [edit.docs, from, to, month]);
  const people = useMemo(() => [...(edit.rota?.people ?? []).map((p) => [p.id, p.name]), ...(shown?.slots ?? []).map((s) => [s.doctor, s.doctor_name])], [edit.rota, shown]);
  const book = useMemo(() => {
    const own = edit.rota?.people.length ? edit.rota.people.map((p) => p.name) : (shown?.slots ?? []).filter((s) => !["leadership", "coordinator"].includes(s.role)).map((s) => s.doctor_name);
    return nameBook(own.filter((n) => /trực|^BS/.test(n)).length ? own.filter((n) => /trực|^BS/.test(n)) : own);
  }, [edit.rota, shown]);
  const order = useMemo(() => [...new Set(people.map(([id]) => id))], [people]);
  const colour = (id) => Math.max(0, order.indexOf(id)) % 4;
  const moved = (block) => fresh && [...edit.preview.added].some((s) => overlaps(s, ms(block.from), ms(block.to)) && block.people.some((p) => p.id === s.doctor));
  const gaps = results.flatMap((r) => r.gaps).sort((a, b) => ms(a.from) - ms(b.from));
  const mayEdit = Boolean(edit.rota) && !edit.readOnly;

  const find = (gap) => choose({ ...gap, kind: "gap" });
  const publish = async () => {
    const answer = await edit.publish();
    if (!answer) return;
    choose(null);
    published(answer);
    again();
  };
  const discard = async () => {
    const sure = await openDialog((close) => html`<h2 class="h3">${t("r.discard_sure", { n: edit.changes.length })}</h2><div class="row end dlg-acts"><button class="btn o" autofocus onClick=${() => close(false)}>${t("r.keep_draft")}</button><button class="btn red-o" onClick=${() => close(true)}>${t("r.discard")}</button></div>`, { label: t("r.discard") });
    if (!sure) return;
    edit.discard();
    choose(null);
  };
  const remove = () => {
    if (!chosen?.doc || !["layer", "override", "temporary"].includes(chosen.kind) || !edit.may("publish_rota")) return;
    if (chosen.doc.draft === "new") edit.drop(chosen.doc.change);
    else edit.keep({ key: crypto.randomUUID(), op: "delete", kind: chosen.kind, id: chosen.doc.id });
    choose(null);
  };
  useShortcuts({ KeyN: () => mayEdit && choose({ new: "override" }), Delete: remove, Backspace: remove, Escape: () => choose(null) });

  const shift = (by) => go({ owner, view, week: month ? monday(by > 0 ? page.after : page.before) : week + by * WEEK });
  const buttons = html`<${PublishButtons} edit=${edit} publish=${publish} discard=${discard} />`;
  const pane = html`${chosen ? html`<section class="stack"><header class="row"><h2 class="h3 grow">${paneTitle(chosen)}</h2>${wide && html`<button type="button" class="ib" aria-label=${t("p.close")} onClick=${() => choose(null)}><${Icon} name="x" /></button>`}</header><${Chosen} edit=${edit} chosen=${chosen} choose=${choose} /></section>` : html`<${Add} edit=${edit} choose=${choose} />`}`;
  const name = edit.rota?.desk_name ?? desks.find((d) => d.id === owner.id)?.name ?? me.hospital_name;
  const Mine = useModule(view === "mine" && (() => import("./rota-mine.js")))?.Mine;
  const Exchange = useModule(view === "exchange" && (() => import("./rota-exchange.js")))?.Exchange;
  const tabs = ["week", "month", ...(["specialist", "coordinator"].includes(me.role) || edit.may("decide_leave") ? ["mine"] : []), ...(edit.may("import_rota") || edit.may("make_rota_feed") || me.role === "specialist" ? ["exchange"] : [])];

  const body = html`<main class="ro">
    <div class="row wrap ro-h">
      <select class="in b-sel" aria-label=${t("r.desk")} onChange=${(e) => { const [kind, id] = e.target.value.split(":"); go({ owner: { kind, id }, week, view }); }}>
        ${!desks.some((d) => d.id === owner.id) && owner.kind === "desk" && html`<option value=${`desk:${owner.id}`} selected>${name}</option>`}
        ${desks.map((d) => html`<option key=${d.id} value=${`desk:${d.id}`} selected=${d.id === owner.id}>${d.name || specialtyName(d.specialty, lang())}</option>`)}
        ${me.hospital && html`<option value=${`hospital:${me.hospital}`} selected=${owner.kind === "hospital"}>${t("r.hospital_rota")}</option>`}</select>
      <div class="row ro-wk"><button type="button" class="ib" aria-label=${t(month ? "r.month_before" : "r.before")} onClick=${() => shift(-1)}><${Icon} name="back" /></button>
        <b class="num nowrap" aria-live="polite">${month ? t("r.month_of", { m: mid.getUTCMonth() + 1, y: mid.getUTCFullYear() }) : t("r.week_of", { n: weekNumber(week), from: fmtDate(week, { year: false }).replace(/\/.*/, dateOf(week + HOUR).slice(5, 7) === dateOf(week + 6 * DAY + HOUR).slice(5, 7) ? "" : "$&"), to: fmtDate(week + 6 * DAY) })}</b>
        <button type="button" class="ib" aria-label=${t(month ? "r.month_after" : "r.after")} onClick=${() => shift(1)}><${Icon} name="chev" /></button>
        <button type="button" class="btn s g" onClick=${() => go({ owner, week: monday(now), view })}>${t("r.today")}</button></div>
      <nav class="seg end" aria-label=${t("r.views")}>${tabs.map((v) => html`<button type="button" key=${v} aria-current=${view === v ? "true" : undefined} onClick=${() => go({ owner, week, view: v })}>${t(`r.view.${v}`)}</button>`)}</nav>
    </div>
    <${Disputed} />
    ${edit.news && html`<div class="note info r-news" role="alert"><${Icon} name="info" /><span class="grow">${t("r.news", { name: edit.news.names.join(", ") || t("r.somebody"), desk: name ?? "" })}</span><button type="button" class="btn s o" onClick=${edit.clearNews}>${t("r.seen")}</button></div>`}
    ${view === "mine" ? (Mine ? html`<${Mine} me=${me} edit=${edit} />` : html`<${Loading} />`)
    : view === "exchange" ? (Exchange ? html`<${Exchange} owner=${owner} edit=${edit} name=${name} onSaved=${() => { edit.reload(); again(); }} />` : html`<${Loading} />`)
    : error || edit.error ? html`<${Failed} error=${error ?? edit.error} onRetry=${() => { again(); edit.reload(); }} />`
    : !shown ? html`<${Loading} />` : html`
      <${GapBanner} gaps=${gaps} onFind=${mayEdit ? find : null} />
      ${!month && html`<${NowOn} owner=${owner} version=${`${edit.rota?.version}-${tries}`} book=${book} />`}
      ${month && !wide ? html`<${MonthOnPhone} results=${results} first=${page.first} from=${from} weeks=${page.weeks} book=${book} open=${(day) => go({ owner, week: monday(day), view: "week" })} select=${choose} />`
      : month ? html`<${Month} results=${results} first=${page.first} from=${from} weeks=${page.weeks} book=${book} open=${(day) => go({ owner, week: monday(day), view: "week" })} />`
      : wide ? html`<${Week} written=${written} results=${results} week=${week} book=${book} colour=${colour} select=${choose} selected=${chosen && !chosen.new && chosen.kind !== "settings" ? blockKey(chosen) : null} moved=${moved} />`
      : html`<${Days} written=${written} results=${results} week=${week} select=${choose} />`}
      ${!results.length && html`<p class="sub">${t("r.none")}</p>`}
      ${duty.known_until && ms(duty.known_until) < to && html`<p class="cap">${t("r.known_until", { date: fmtDate(duty.known_until) })}</p>`}
      ${!month && wide && html`<${Legend} editable=${mayEdit} />`}
      ${!month && html`<${Hours} slots=${shown.slots.map((s) => clip(s, from, to))} role=${owner.kind === "desk" ? "primary" : "coordinator"} warnings=${edit.preview?.warnings ?? []} book=${book} week=${week} />`}
      ${!wide && html`<${Layers} edit=${edit} written=${written} choose=${choose} />`}
      ${!wide && html`<${Add} edit=${edit} choose=${choose} /><${Draft} edit=${edit} book=${book} /><${RingsAt} edit=${edit} required=${edit.docs?.required_roles ?? []} />`}`}
  </main>
  ${wide && (view === "week" || month) && html`<aside class="rr" aria-label=${t("r.pane")}>${pane}<${Draft} edit=${edit} book=${book} />${(chosen || mayEdit) && html`<hr />`}<${RingsAt} edit=${edit} required=${edit.docs?.required_roles ?? []} /></aside>`}
  ${!wide && chosen && html`<${Sheet} title=${paneTitle(chosen)} close=${() => choose(null)}><div class="stack"><${Chosen} edit=${edit} chosen=${chosen} choose=${choose} /></div></${Sheet}>`}
  ${!wide && edit.changes.length > 0 && html`<div class="dock">${buttons}</div>`}`;
  return frame(body, wide ? buttons : null);
}

/** On a phone the layers are a list; each opens its form. */
function Layers({ edit, written, choose }) {
  const layers = written.filter((r) => r.kind === "layer");
  if (!layers.length) return null;
  return html`<details class="card r-layers"><summary><b>${t("r.layers_n", { n: layers.length })}</b></summary><ul>${layers.map((r) => html`<li key=${r.key}><button type="button" class="lay-b" onClick=${() => choose({ kind: "layer", doc: r.doc })}><b>${r.title}</b><span class="cap">${r.sub}</span>${r.doc.draft && html`<span class="chip info">${t(`r.draft.${r.doc.draft}`)}</span>`}</button></li>`)}</ul></details>`;
}

/** What is over cannot be filled any more: gaps are shown from now on. */
const ahead = (gaps) => {
  const now = serverNow();
  return gaps.filter((g) => ms(g.to) > now).map((g) => (ms(g.from) < now ? { ...g, from: iso(now) } : g));
};

/** Duty that was cut at now and goes on is one block. */
function joined(slots) {
  const out = [];
  for (const s of [...slots].sort((a, b) => ms(a.from) - ms(b.from))) {
    const last = out.find((x) => x.doctor === s.doctor && x.role === s.role && ms(x.to) === ms(s.from));
    if (last) last.to = s.to;
    else out.push({ ...s });
  }
  return out;
}
