/**
 * What surrounds every screen: app bar, demo band, banners, dialogs, live regions, the end of a session.
 *
 *   <Shell> children </Shell>                     once, in app.js
 *   <AppBar title sub back mini actions />        mark or back link, title, connection chip, language, menu
 *   <Connection mini />                           the chip alone
 *   openDialog((close) => vnode, { label })       -> Promise of what close(value) was given; Escape gives undefined
 *   announce(text, assertive = false)             for screen readers
 *   notify(text, kind = "info", seconds = 6)      a line under the app bar: info | ok | warn | bad
 *   useAge() -> seconds | null                    age of the data when it is over 30 s
 *   <HotlineLink cls label />                     "Gọi tổng đài trực", from the numbers kept on this device
 */
import { html, Icon, useEffect, useRef, useState } from "./html.js";
import { serverNow, skewSeconds, useTick } from "./clock.js";
import { fmtTime, has, lang, setLang, t } from "./i18n.js";
import { discard, resend, retryNow, sentSoFar, useOutbox } from "./outbox.js";
import { navigate, usePath } from "./router.js";
import { useStore } from "./store.js";
import { hotline, tel, useTelephones } from "./telephones.js";

const AGE_LIMIT_S = 30, SKEW_LIMIT_S = 60, BACK_MS = 4000;

// --- live regions ---------------------------------------------------------------------------------------------------

export function announce(text, assertive = false) {
  const name = assertive ? "say-now" : "say";
  const top = [...document.querySelectorAll(`dialog[open] .${name}`)].pop(); // beside an open dialog nothing is read out
  const region = top ?? document.getElementById(name);
  if (!region) return;
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 50); // the same words twice are two announcements
}

// --- dialogs and notices ----------------------------------------------------------------------------------------------

const dialogs = new Set();
const notices = new Set();
let dialogQueue = [], noticeList = [];

export function openDialog(view, { label = "" } = {}) {
  return new Promise((resolve) => {
    const entry = { id: Math.random(), label, back: document.activeElement, view, resolve };
    dialogQueue = [...dialogQueue, entry];
    dialogs.forEach((fn) => fn(dialogQueue));
  });
}

function closeDialog(entry, value) {
  dialogQueue = dialogQueue.filter((x) => x !== entry);
  dialogs.forEach((fn) => fn(dialogQueue));
  entry.resolve(value);
  setTimeout(() => entry.back?.isConnected && entry.back.focus(), 0);
}

export function notify(text, kind = "info", seconds = 6) {
  const entry = { id: Math.random(), text, kind };
  noticeList = [...noticeList, entry];
  notices.forEach((fn) => fn(noticeList));
  announce(text, kind === "bad" || kind === "warn");
  setTimeout(() => {
    noticeList = noticeList.filter((x) => x !== entry);
    notices.forEach((fn) => fn(noticeList));
  }, seconds * 1000);
}

/** Whoever signs in next must read and hear nothing of what was said to the one before. */
function forgetWhatWasSaid() {
  [...dialogQueue].forEach((entry) => closeDialog(entry, undefined));
  noticeList = [];
  notices.forEach((fn) => fn(noticeList));
  ["say", "say-now"].forEach((id) => { document.getElementById(id).textContent = ""; });
}

function useSet(set, first) {
  const [value, put] = useState(first);
  useEffect(() => {
    set.add(put);
    return () => set.delete(put);
  }, []);
  return value;
}

/** A modal dialog: focus enters, stays and returns; Escape and the backdrop close it. */
function Dialog({ entry }) {
  const box = useRef(null);
  const outside = useRef(false); // a selection that is dragged out of a field must not close what was typed
  const close = (value) => closeDialog(entry, value);
  useEffect(() => {
    const node = box.current;
    node.showModal();
    (node.querySelector("[autofocus]") ?? node.querySelector("button, input, textarea, a[href]"))?.focus();
  }, []);
  return html`<dialog class="dlg" ref=${box} aria-label=${entry.label}
    onCancel=${(e) => { e.preventDefault(); close(undefined); }}
    onPointerDown=${(e) => { outside.current = e.target === box.current; }}
    onClick=${(e) => e.target === box.current && outside.current && close(undefined)}>
    <div class="dlg-in">${entry.view(close)}</div>
    <div class="vh say" aria-live="polite"></div><div class="vh say-now" aria-live="assertive"></div>
  </dialog>`;
}

const ICONS = { info: "info", ok: "check", warn: "warn", bad: "warn" };

function Notices() {
  const all = useSet(notices, noticeList);
  return all.map((n) => html`<div key=${n.id} class=${`note strip ${n.kind}`}><${Icon} name=${ICONS[n.kind]} /><span>${n.text}</span></div>`);
}

// --- the connection ---------------------------------------------------------------------------------------------------

export function Connection({ mini = false }) {
  const state = useStore((s) => s.connection.state);
  const slow = useStore((s) => s.connection.slow);
  const words = state !== "live" && slow ? t("conn.slow") : t({ live: "conn.live", reconnecting: "conn.re", offline: "conn.off" }[state]);
  return html`<span class=${`conn ${mini ? "mini " : ""}${{ reconnecting: "re", offline: "off" }[state] ?? ""}`} role="status">
    ${state === "offline" ? html`<${Icon} name="off" />` : html`<span class="dot"></span>`}<span class="lb">${words}</span>
  </span>`;
}

/** Seconds since anything was heard from the server, when that is over 30 s; then the screen must say so. */
export function useAge() {
  useTick(5000);
  const { state, lastAt } = useStore((s) => s.connection);
  if (state === "live" || !lastAt) return null;
  const age = (serverNow() - lastAt) / 1000;
  return age > AGE_LIMIT_S ? age : null;
}

/** "dữ liệu lúc 03:01" under lists and cases whose data are old. */
export function DataAge() {
  const age = useAge();
  const lastAt = useStore((s) => s.connection.lastAt);
  return age === null ? null : html`<p class="cap age" role="status"><${Icon} name="clock" /> ${t("conn.data_at", { time: fmtTime(lastAt) })}</p>`;
}

function OfflineBar() {
  const { state, since, back, slow } = useStore((s) => s.connection);
  const all = useOutbox();
  const queued = all.filter((item) => item.state !== "refused");
  const path = usePath();
  const refused = all.find((item) => item.state === "refused" && item.what === "request");
  const shown = path === "/" || path.startsWith("/request") || path === "/red-alert"; // there the request itself says it
  const [greenUntil, setGreen] = useState(0);
  useTick();
  useEffect(() => {
    if (back) setGreen(performance.now() + BACK_MS);
  }, [back?.at]);
  const requests = queued.filter((item) => item.what === "request").sort((a, b) => Boolean(a.body?.drill) - Boolean(b.body?.drill));
  const words = [];
  if (state === "offline") {
    words.push(t(slow ? "conn.slow_poll" : "conn.off_since", { time: fmtTime(since) }));
    if (queued.length) words.push(t(queued.some((item) => item.on === "page") ? "conn.queued_on_page" : "conn.queued", { n: queued.length }));
  }
  return html`
    ${requests.length > 0 && requests.some((r) => r.state === "retrying" || r.stale || state === "offline") && html`<${UnsentRequest} item=${requests[0]} />`}
    ${refused && !shown && html`<${UnsentRequest} item=${refused} refused />`}
    ${state === "offline" && html`<div class="note strip warn" role="status"><${Icon} name="off" /><span>${words.join(" ")}</span></div>`}
    ${back && state === "live" && performance.now() < greenUntil && html`<div class="note strip ok" role="status"><${Icon} name="check" />
      <span>${t("conn.back", { time: fmtTime(back.at), n: sentSoFar() - back.sent, m: back.messages })}</span></div>`}
  `;
}

/** A request that only this device knows of is not a request: say it across the whole width, with the telephone. */
function UnsentRequest({ item, refused = false }) {
  const line = hotline();
  const words = t(refused ? "conn.request_refused" : item.on === "page" ? "conn.request_on_page" : "conn.request_unsent");
  return html`<div class="unsent" role="alert">
    <${Icon} name="warn" /><b class="grow">${item.body?.drill ? `${t("drill.word")} · ` : ""}${words}</b>
    ${refused ? html`<a class="btn s unsent-o" href="/"><${Icon} name="edit" />${t("conn.look")}</a>`
    : html`<button class="btn s unsent-o" onClick=${() => retryNow(item.id)}><${Icon} name="refresh" />${t("conn.try_now")}</button>`}
    <a class="btn s unsent-p" href=${tel(line?.phone)}><${Icon} name="phone" />${t("phone.short")}${line ? " " + line.phone : ""}</a>
  </div>`;
}

/** What the server refused and no open screen shows: a person decides. */
function Refused() {
  const path = usePath();
  const elsewhere = ({ what, caseId }) => what !== "message" || path !== `/cases/${caseId}`; // the open case shows its own
  const items = useOutbox().filter((item) => item.state === "refused" && item.what !== "request" && elsewhere(item));
  const unknown = (item) => item.error?.type === "unanswered";
  const why = ({ error }) => (has(`p.err.${error?.type}`) ? t(`p.err.${error.type}`) : error?.detail || error?.title || "");
  return items.map((item) => html`<div key=${item.id} class="note strip bad" role="alert"><${Icon} name="warn" />
    <span class="grow"><b>${t(unknown(item) ? "msg.unknown" : "msg.failed")}: ${t(has(`what.${item.what}`) ? `what.${item.what}` : "what.command")}</b> ${why(item)}
      ${item.caseId && path !== `/cases/${item.caseId}` && html` <a href=${`/cases/${item.caseId}`}>${t("conn.open_case")}</a>`}</span>
    <button class="btn s o" onClick=${() => resend(item.id)}>${t("msg.again")}</button>
    <button class="btn s g" onClick=${() => discard(item.id)}>${t("msg.delete")}</button>
  </div>`);
}

function SkewBar() {
  useTick(10000);
  const skew = skewSeconds();
  const signedIn = useStore((s) => s.session === "in");
  if (!signedIn || Math.abs(skew) <= SKEW_LIMIT_S) return null;
  return html`<div class="note strip warn" role="status"><${Icon} name="clock" /><span>${t("clock.skew", { n: Math.round(Math.abs(skew) / 60) || 1, way: t(skew > 0 ? "clock.ahead" : "clock.behind") })}</span></div>`;
}

// --- bars ---------------------------------------------------------------------------------------------------------------

/** Demo data must never be taken for a patient: on every screen, sign-in too, and it cannot be closed. */
export function DemoBand() {
  const demo = useStore((s) => s.installation?.demo);
  return demo ? html`<aside class="demo-band" aria-label="demo">${t("demo.band")}</aside>` : null;
}

export function Mark() {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" fill="currentColor"></rect>
    <g class="mark-in"><path d="M16 11.8v8.4M11.8 16h8.4"></path><path d="M6.8 18.6A9.6 9.6 0 0 1 13 6.9M25.2 18.6A9.6 9.6 0 0 0 19 6.9M10 23.5a9.6 9.6 0 0 0 12 0"></path></g></svg>`;
}

export function Language() {
  const now = lang();
  const key = (e) => ["ArrowLeft", "ArrowRight"].includes(e.key) && setLang(lang() === "vi" ? "en" : "vi");
  return html`<div class="seg lang" role="radiogroup" aria-label="Ngôn ngữ / Language" onKeyDown=${key}>
    ${["vi", "en"].map((code) => html`<button type="button" role="radio" lang=${code} aria-checked=${now === code ? "true" : "false"}
      aria-label=${code === "vi" ? "Tiếng Việt" : "English"} onClick=${() => setLang(code)}>${code.toUpperCase()}</button>`)}
  </div>`;
}

/** Pages by role: those that a role may open, in the order in which they are needed. */
export const PAGES = {
  requester: [["/", "nav.cases", "bell"], ["/telephones", "nav.phones", "phone"], ["/account", "nav.account", "user"]],
  specialist: [["/desk", "nav.desk", "bell"], ["/rota", "nav.rota", "cal"], ["/policies", "nav.policies", "steps"], ["/telephones", "nav.phones", "phone"], ["/account", "nav.account", "user"]],
  coordinator: [["/board", "nav.board", "grid"], ["/rota", "nav.rota", "cal"], ["/policies", "nav.policies", "steps"], ["/agreements", "nav.agreements", "file"], ["/telephones", "nav.phones", "phone"], ["/account", "nav.account", "user"]],
  admin: [["/", "nav.start", "grid"], ["/rota", "nav.rota", "cal"], ["/policies", "nav.policies", "steps"], ["/agreements", "nav.agreements", "file"], ["/telephones", "nav.phones", "phone"], ["/account", "nav.account", "user"]],
  operator: [["/", "nav.start", "grid"], ["/agreements", "nav.agreements", "file"], ["/telephones", "nav.phones", "phone"], ["/account", "nav.account", "user"]],
};
export const pagesOf = (role) => PAGES[role] ?? [["/telephones", "nav.phones", "phone"], ["/account", "nav.account", "user"]];

const menus = new Set();
let menuOpen = false;
/** Whether the menu is open outlives the bar that shows it: a screen that is drawn anew must not close it under a finger. */
function setOpen(open) {
  menuOpen = open;
  menus.forEach((fn) => fn(open));
}

function Menu() {
  const open = useSet(menus, menuOpen);
  const me = useStore((s) => s.me);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const outside = (e) => !box.current?.contains(e.target) && setOpen(false);
    const escape = (e) => {
      if (e.key !== "Escape") return;
      setOpen(false);
      box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("click", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("click", outside);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  if (!me) return null;
  return html`<div class="menu" ref=${box}>
    <button type="button" class="ib" aria-label=${t("nav.menu")} aria-expanded=${open ? "true" : "false"} onClick=${() => setOpen(!menuOpen)}><${Icon} name="menu" /></button>
    ${open && html`<nav class="menu-list" aria-label=${t("nav.menu")}>
      <p class="cap menu-who">${me.name}</p>
      ${pagesOf(me.role).map(([path, key, icon]) => html`<a href=${path} aria-current=${location.pathname === path ? "page" : undefined} onClick=${() => setOpen(false)}><${Icon} name=${icon} />${t(key)}</a>`)}
      <div class="menu-lang"><${Language} /></div>
    </nav>`}
  </div>`;
}

/**
 * The bar on top. Without `title` it names the hospital, the ward and the reader.
 * @param back     path of a back link (instead of the mark); backLabel for it; closing: an x instead of an arrow
 * @param mini     the connection is a dot on a phone   @param actions  vnodes before the menu
 * @param plain    without language and menu (forms that fill a phone)
 */
export function AppBar({ title, sub, back, closing = false, mini = false, actions = null, plain = false }) {
  const me = useStore((s) => s.me);
  const where = me?.hospital_name ?? t("app.brand");
  return html`<header class=${`bar${back ? " has-back" : ""}`}>
    ${back ? html`<a class="ib" href=${back} aria-label=${t(closing ? "nav.close" : "nav.back")}><${Icon} name=${closing ? "x" : "back"} /></a>`
    : html`<a class="mark-link" href="/" aria-label=${t("app.name")}><${Mark} /></a>`}
    <div class="grow">
      ${title ? html`<h1 class="bar-t clip">${title}</h1>` : html`<div class="bar-t clip">${where}</div>`}
      <div class="cap clip">${sub ?? [me?.ward_name, me?.name].filter(Boolean).join(" · ")}</div>
    </div>
    <${Connection} mini=${mini} />
    ${actions}
    ${!plain && html`<${Language} /><${Menu} />`}
  </header>`;
}

export function HotlineLink({ cls = "btn o blk", label }) {
  useTelephones();
  const line = hotline();
  return html`<a class=${cls} href=${tel(line?.phone)}><${Icon} name="phone" /><span>${label ?? t("phone.hotline")}${line ? html` <b class="num nowrap">${line.phone}</b>` : ""}</span></a>`;
}

/** Over the blurred page: nothing is lost, sign in again. The telephone stays. */
function SessionEnded({ onAgain }) {
  const queued = useOutbox().filter((item) => item.state !== "refused").length;
  const box = useRef(null);
  useEffect(() => box.current?.showModal(), []);
  return html`<dialog class="dlg ended" ref=${box} aria-label=${t("session.ended")} onCancel=${(e) => e.preventDefault()}>
    <div class="dlg-in ctr" role="alert">
      <span class="ill n"><${Icon} name="lock" /></span>
      <h2 class="h3">${t("session.ended")}</h2>
      <p class="sub">${t(queued ? "session.kept" : "session.kept_draft", { n: queued })}</p>
      <button class="btn p blk" autofocus onClick=${onAgain}>${t("session.again")}</button>
      <${HotlineLink} cls="btn g blk" />
    </div>
  </dialog>`;
}

/** The frame of the page: the band first, then what must be said, then the screen. */
export function Shell({ children }) {
  const session = useStore((s) => s.session);
  const open = useSet(dialogs, dialogQueue);
  const path = usePath();
  const ended = session === "ended" && !["/sign-in", "/telephones"].includes(path);
  useEffect(() => {
    if (session === "ended" || session === "out") forgetWhatWasSaid();
  }, [session]);
  return html`
    <${DemoBand} />
    ${session !== "out" && html`<${OfflineBar} /><${SkewBar} /><${Refused} />`}
    <${Notices} />
    <div class=${`page${ended ? " blurred" : ""}`}>${children}</div>
    ${open.map((entry) => html`<${Dialog} key=${entry.id} entry=${entry} />`)}
    ${ended && html`<${SessionEnded} onAgain=${() => navigate(`/sign-in?next=${encodeURIComponent(path)}`)} />`}
  `;
}

/** Loading: nothing for 400 ms, then calm bars and the words; the call button still works. */
export function Loading() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return html`<div aria-busy="true"></div>`;
  return html`<div class="loading" role="status" aria-busy="true">
    <div class="card sk-card"><div class="sk sk-1"></div><div class="sk sk-2"></div><div class="sk sk-3"></div></div>
    <div class="card sk-card"><div class="sk sk-1"></div><div class="sk sk-2"></div><div class="sk sk-3"></div></div>
    <p class="cap">${t("loading")}</p>
  </div>`;
}

/** A read that failed: whose fault, whether anything is lost, what to do. */
export function Failed({ error, onRetry, title, phone }) {
  const missing = error?.status === 404;
  const words = missing ? t("error.missing") : error?.status === 0 ? t("error.network") : error?.status >= 500 ? t("error.server") : error?.detail || error?.title || t("error.server");
  return html`<div class="ctr failed" role="alert">
    <span class="ill w"><${Icon} name="warn" /></span>
    <h2 class="h3">${title ?? t("error.open")}</h2>
    <p class="sub">${words}</p>
    <div class="row wrap">
      ${onRetry && html`<button class="btn p" onClick=${onRetry}><${Icon} name="refresh" />${t("error.retry")}</button>`}
      ${phone ? html`<a class="btn o" href=${tel(phone)}><${Icon} name="phone" />${t("phone.desk")}</a>` : html`<${HotlineLink} cls="btn o" />`}
    </div>
  </div>`;
}
