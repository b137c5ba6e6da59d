/**
 * The browser client's entry: who is here, which screen, and the frame around it.
 *
 * Screens are loaded when first opened, so a requesting doctor's phone never downloads the coordinator's board. The
 * specialist, case, board and rota screens live in screens/{desk,case,board,rota}.js.
 */
import "./core/theme.js";
import { html, render, useEffect, useErrorBoundary, useReducer, useState } from "./core/html.js";
import { onLang, t } from "./core/i18n.js";
import { useModule } from "./core/lazy.js";
import { arrive, navigate, usePath } from "./core/router.js";
import { AppBar, Failed, HotlineLink, Loading, Shell } from "./core/shell.js";
import { getState, useStore } from "./core/store.js";
import { begin } from "./core/session.js";
import * as stream from "./core/stream.js";
import { useTitle } from "./core/title.js";
import { preferHospital } from "./core/telephones.js";
import { useWide } from "./core/wide.js";
import { isQuiet } from "./parts/facts.js";

const SCREENS = {
  "sign-in": [() => import("./screens/sign-in.js"), "SignIn"],
  home: [() => import("./screens/home.js"), "Home"],
  request: [() => import("./screens/request.js"), "Request"],
  "red-alert": [() => import("./screens/red-alert.js"), "RedAlert"],
  patient: [() => import("./screens/waiting.js"), "Waiting"],
  telephones: [() => import("./screens/telephones.js"), "Telephones"],
  account: [() => import("./screens/account.js"), "Account"],
  case: [() => import("./screens/case.js"), "Case"],
  desk: [() => import("./screens/desk.js"), "Desk"],
  board: [() => import("./screens/board.js"), "Board"],
  rota: [() => import("./screens/rota.js"), "Rota"],
  start: [() => import("./screens/start.js"), "Start"],
  policies: [() => import("./screens/policies.js"), "Policies"],
  agreements: [() => import("./screens/agreements.js"), "Agreements"],
};

/** Where a role starts. */
const HOME = { requester: "home", specialist: "desk", coordinator: "board", admin: "start", operator: "start" };

/** Screens that show nothing to anybody else: an old link that leads there leads to where the reader begins. */
const ONLY = { desk: "specialist", board: "coordinator" };

/** The screen for a path: [name, props]. */
export function route(path, me) {
  const [, first = "", second] = path.split("/");
  if (first === "telephones") return ["telephones", {}];
  if (first === "sign-in" || !me) return ["sign-in", {}];
  if (me.must_change_password) return ["account", {}];
  if (first === "cases" && second) return ["a-case", { id: second }];
  if (first === "request" || first === "red-alert") return me.role === "requester" ? [first, second === "telephone" ? { telephone: true } : {}] : [HOME[me.role] ?? "account", {}];
  if (ONLY[first] && ONLY[first] !== me.role) return [HOME[me.role] ?? "account", {}];
  if (["account", "desk", "board", "rota", "policies", "agreements"].includes(first)) return [first, {}];
  return [HOME[me.role] ?? "account", {}];
}

/** Titles of the screens that do not say their own. */
const TITLES = { desk: "nav.desk", board: "nav.board", rota: "nav.rota" };

/** Whether somebody may be on duty: such a person's device rings, and asks whether they are there. */
const onCallAccount = (me) => ["specialist", "coordinator"].includes(me?.role);

function Screen({ name, props }) {
  const [loaded, setLoaded] = useState({});
  const [error, setError] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  const [broken, reset] = useErrorBoundary((e) => console.error(e));
  useTitle(TITLES[name] ? t(TITLES[name]) : null);
  useEffect(() => {
    setError(null);
    reset();
    const [load, component] = SCREENS[name];
    let gone = false;
    load().then((module) => !gone && setLoaded({ name, Component: module[component] }), (e) => {
      console.error(e);
      if (!gone) setError(e);
    });
    return () => { gone = true; };
  }, [name, tries]);
  useEffect(() => {
    if (loaded.name === name) arrive();
  }, [loaded.name === name, name]);
  if (error || broken) {
    return html`<${AppBar} /><main class="mid"><${Failed} error=${{ status: error ? 0 : 500 }} title=${t("error.screen")} onRetry=${() => (error ? location.reload() : again())} /></main>`;
  }
  return loaded.name === name ? html`<${loaded.Component} ...${props} />` : html`<main class="mid"><${Loading} /></main>`;
}

/**
 * A case of one's own that nobody has taken yet is the waiting screen (on a ward PC beside the list); everything else is
 * the case view.
 */
function CaseScreen({ id }) {
  const waiting = useStore((s) => s.me?.role === "requester" && ["ringing", "cancelled"].includes(s.consultations.get(id)?.status)
    && !s.consultations.get(id)?.holder && !isQuiet(s.consultations.get(id))) && !location.search.includes("view=full");
  const known = useStore((s) => s.consultations.has(id));
  const wide = useWide();
  const [error, setError] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  const number = useStore((s) => s.consultations.get(id)?.number ?? "");
  const drill = useStore((s) => s.consultations.get(id)?.drill);
  const numbered = drill ? `${t("drill.word")} · ${number}` : number;
  useTitle(waiting && wide ? null : waiting ? `${numbered} · ${t("wait.title")}` : numbered || t("c.title"));
  useEffect(() => stream.watch(id), [id]);
  useEffect(() => {
    setError(null);
    if (!getState().consultations.get(id)?.may) stream.refresh(id).catch(setError);
  }, [id, tries]);
  if (!known && error) return html`<${AppBar} back="/" title=${t("error.open")} /><main class="mid"><${Failed} error=${error} onRetry=${again} /></main>`;
  if (!known) return html`<${AppBar} back="/" title="…" /><main class="mid"><${Loading} /></main>`;
  if (waiting && wide) return html`<${Screen} name="home" props=${{ selected: id }} />`;
  return html`<${Screen} name=${waiting ? "patient" : "case"} props=${{ id }} />`;
}

function App() {
  const path = usePath();
  const [, again] = useReducer((n) => n + 1, 0);
  const me = useStore((s) => s.me);
  const session = useStore((s) => s.session);
  const unread = useStore((s) => s.advice.size > 0 || [...s.consultations.values()].some((c) => (c.unread ?? []).some((x) => x.step >= 0)));
  const advice = useModule(unread && ["requester", "coordinator"].includes(me?.role) && (() => import("./parts/advice.js")));
  const watch = useModule(onCallAccount(me) && (() => import("./parts/presence-check.js")));
  const elsewhere = useModule(onCallAccount(me) && (() => import("./parts/elsewhere.js")));
  useEffect(() => onLang(again), []);
  useEffect(() => {
    if (!onCallAccount(me)) return;
    preferHospital(me.hospital);
    import("./parts/rings.js").catch(console.error); // whichever screen is open, this device rings
  }, [me?.id]);
  useEffect(() => {
    if (session === "out" && !["/sign-in", "/telephones"].includes(path)) {
      navigate(`/sign-in${path === "/" ? "" : `?next=${encodeURIComponent(path)}`}`, { replace: true });
    }
  }, [session, path]);
  if (session === "starting" && path !== "/telephones") {
    return html`<${Shell}><main class="mid"><${Loading} /><div class="starting"><${HotlineLink} /></div></main></${Shell}>`;
  }
  const [name, props] = route(path, session === "out" ? null : me);
  return html`<${Shell}>${watch && me && session !== "out" && html`<${watch.PresenceChecks} key=${`c${me.id}`} /><${watch.HeadGaps} key=${`g${me.id}`} />`}${elsewhere && me && session === "in" && html`<${elsewhere.ElsewhereRings} />`}${advice && me && session !== "out" && html`<${advice.AdviceBar} />`}${name === "a-case" ? html`<${CaseScreen} key=${props.id} ...${props} />` : html`<${Screen} name=${name} props=${props} />`}</${Shell}>`;
}

/** A new version waits until a page starts and no other is open: never in the middle of a call, a ring or a sentence. */
async function registerWorker() {
  if (!("serviceWorker" in navigator)) return;
  try {
    navigator.serviceWorker.addEventListener("message", ({ data }) => data?.open && navigate(data.open)); // a notification was tapped
    const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/" });
    if (registration.waiting && navigator.serviceWorker.controller && performance.now() < 5000) {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      registration.waiting.postMessage("activate");
    }
  } catch { /* not available here: the page works, without an offline start */ }
}

render(html`<${App} />`, document.getElementById("app"));
begin();
registerWorker();
