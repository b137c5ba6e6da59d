/**
 * The requesting doctor's home: every case of the ward with its holder line. On a ward PC the chosen case stands beside
 * the list, with the live ladder.
 */
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { fmtWhen, lang, t } from "../core/i18n.js";
import { useOutbox } from "../core/outbox.js";
import { AppBar, DataAge, Failed, HotlineLink, Loading } from "../core/shell.js";
import { putHeaders, specialtyName, useStore } from "../core/store.js";
import { useUnread } from "../core/unread.js";
import { Holder } from "../parts/holder.js";
import { Urgency } from "../parts/urgency.js";
import { Drill, drillCls } from "../parts/drill.js";
import { isQuiet, personText, toldText } from "../parts/facts.js";
import { useWide } from "../core/wide.js";
import { useModule } from "../core/lazy.js";
import { takeUp } from "../core/drafts.js";
import { begun } from "../core/requests.js";
import { navigate } from "../core/router.js";
import { useTitle } from "../core/title.js";
import { BegunRequests } from "./begun.js";
import { Queued } from "./queued.js";

const RANK = ["red", "orange", "yellow", "green"];
const DONE_FOR_MS = 24 * 3600e3;

/** Cases nobody holds, the most urgent first; then held ones, those awaiting an outcome, and finished ones, which leave after a day. */
const STAGES = { ringing: 1, active: 1, concluded: 2, closed: 3, cancelled: 3 };
const stage = (h) => (h.status === "ringing" && !h.holder && !isQuiet(h) ? 0 : STAGES[h.status] ?? 3);
const byUrgency = (a, b) => RANK.indexOf(a.urgency) - RANK.indexOf(b.urgency);
const newestFirst = (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at);

export function order(headers) {
  return headers
    .filter((h) => stage(h) < 3 || serverNow() - Date.parse(h.updated_at ?? h.created_at) < DONE_FOR_MS)
    .sort((a, b) => stage(a) - stage(b) || (stage(a) === 0 ? Boolean(a.drill) - Boolean(b.drill) || byUrgency(a, b) : 0) || newestFirst(a, b));
}

export function Home({ selected: asked = null }) {
  const me = useStore((s) => s.me);
  const headers = useStore((s) => s.headers);
  const queued = useOutbox().filter((item) => item.what === "request");
  const wide = useWide();
  const pane = useModule(wide && (() => import("./waiting.js"))); // a phone opens the waiting screen instead
  const [read, setRead] = useState("loading");
  const [tries, again] = useReducer((n) => n + 1, 0);
  const back = useStore((s) => s.connection.back?.at);
  useTitle(t("nav.cases"));
  useEffect(() => {
    setRead((was) => (was === "done" ? was : "loading"));
    get("/consultations").then(({ items }) => {
      putHeaders(items);
      setRead("done");
    }, (error) => setRead(error));
  }, [tries, back]);

  const cases = order([...headers.values()].filter((h) => h.label !== undefined) /* other wards of the hospital: their header is no case of ours */);
  const selected = cases.find((h) => h.id === asked) ?? cases[0];
  const failed = read !== "loading" && read !== "done" && !cases.length;
  return html`<div class="home">
    <${AppBar} />
    <main class="home-main"><div class="colL">
      <h1 class="h1">${t("nav.cases")} <span class="cap">${cases.length || ""}</span></h1>
      <div class="list">
        ${queued.map((item) => html`<${Queued} key=${item.id} item=${item} />`)}
        <${BegunRequests} onTake=${({ id }) => takeUp("request", id, begun).then(() => navigate("/request"))} />
        <${BegunRequests} form="telephone" onTake=${({ id }) => takeUp("telephone", id, begun).then(() => navigate("/request/telephone"))} />
        ${cases.map((h) => html`<${Row} key=${h.id} h=${h} current=${wide && h.id === selected?.id} />`)}
        ${!cases.length && read === "loading" && html`<${Loading} />`}
        ${failed && html`<${Failed} error=${read} title=${t("home.failed")} onRetry=${again} />`}
        ${!cases.length && !queued.length && read === "done" && html`<div class="ctr empty"><span class="ill"><${Icon} name="send" /></span><b class="h3">${t("home.empty")}</b><span class="sub">${t("home.empty_sub")}</span></div>`}
      </div>
      <${DataAge} />
      <p class="cap home-phone"><a href="/request/telephone"><${Icon} name="edit" /> ${t("told.enter")}</a></p>
      <p class="cap home-phone"><a href="/telephones"><${Icon} name="phone" /> ${t("nav.phones")}</a></p>
    </div>
    ${wide && html`<section class="paneR" aria-label=${t("home.selected")}>${selected && pane ? html`<${pane.CasePane} key=${selected.id} id=${selected.id} />` : html`<${HotlineLink} cls="btn o" />`}</section>`}
    </main>
    <div class="dock" role="region" aria-label=${t("nav.actions")}>
      <a class="btn red xl dk" href="/red-alert"><${Icon} name="siren" />${t("red.action")}</a>
      <a class="btn p xl grow dk" href="/request"><${Icon} name="plus" />${t("request.new")}</a>
    </div>
  </div>`;
}

/** One case, held or ringing, with the line that says who has it and what comes next. */
function Row({ h, current }) {
  const unread = useUnread(h.id);
  const where = [specialtyName(h.specialty, lang()), h.answering_hospital_name].filter(Boolean).join(" · ");
  const problem = (h.situation || h.question || "").split("\n")[0];
  return html`<a class=${`case${drillCls(h)}`} href=${`/cases/${h.id}`} aria-current=${current ? "true" : undefined}>
    <div class="row wrap"><${Drill} c=${h} /><${Urgency} level=${h.urgency} /><span class="cap end num">${h.number} · ${fmtWhen(h.created_at)}</span></div>
    <p class="pt"><span>${personText(h)}</span>${h.label ? html` · <span lang="vi">${h.label}</span>` : ""}${problem ? html` · <span lang="vi">${problem}</span>` : ""}</p>
    <p class="sub">${where}</p>
    ${h.telephone && html`<p class="sub">${toldText(h)}</p>`}
    <${Holder} c=${h} />
    ${unread > 0 && html`<p class="unread"><span class="badge">${unread}</span> ${t("home.unread")}</p>`}
  </a>`;
}
