// «Bạn có mặt để trực không?»: asked before a duty begins, on whichever screen is open, until it is answered; and for who is
// responsible for a rota, that somebody is missing in it.
import { tick } from "../alarm.js";
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow, useTick } from "../core/clock.js";
import { fmtTime, fmtWhen, t, vietnam } from "../core/i18n.js";
import { usePath } from "../core/router.js";
import { announce } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { onEvent } from "../core/stream.js";
import { ActButton, ActionState, useAction } from "./action.js";
import { roleText } from "./facts.js";

const GREEN_MS = 6000;

export function PresenceChecks() {
  const me = useStore((s) => s.me);
  const live = useStore((s) => s.connection.state === "live");
  const [checks, setChecks] = useState([]);
  const [green, setGreen] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  const [run, action] = useAction();
  useTick(10000);
  useEffect(() => {
    let gone = false;
    get("/duty/checks").then((r) => !gone && setChecks(r.items), () => {});
    return () => { gone = true; };
  }, [me.id, tries, live]);
  useEffect(() => onEvent((e) => {
    if (!e.s.startsWith("user:") || !/^duty\.(check_|unreachable)/.test(e.t)) return;
    if (e.t === "duty.check_asked") {
      tick();
      announce(t("w.check"), true);
    }
    again();
  }), []);
  const now = serverNow();
  const open = checks.filter((c) => c.state !== "answered" && Date.parse(c.to) > now);
  const answer = async (check) => {
    const done = await run({ path: `/duty/checks/${check.id}/answer`, what: "check", expiresAfter: 900 });
    again();
    if (!done) return;
    setGreen(done.answered_at);
    setTimeout(() => setGreen(null), GREEN_MS);
    setChecks([]); // one answer is the answer to everything that was asked
  };
  if (!open.length) return green ? html`<div class="note strip ok" role="status"><${Icon} name="check" /><b>${t("w.here_ok", { time: fmtTime(green) })}</b></div>` : null;
  const [c] = open;
  const late = c.state === "unanswered" || Date.parse(c.answer_by) < now;
  return html`<section class=${`presence${late ? " late" : ""}`} role="alertdialog" aria-labelledby="presence-q" aria-describedby="presence-w">
    <div class="grow"><h2 class="h3" id="presence-q">${t("w.check")}</h2>
      <p id="presence-w">${t(late ? "w.check_late" : "w.check_more", { role: roleText(c.role), desk: c.desk_name || c.hospital_name, from: fmtWhen(c.from), to: fmtWhen(c.to), by: fmtTime(c.answer_by) })}</p><${ActionState} action=${action} /></div>
    <${ActButton} cls="btn p xl" icon="check" busy=${action.busy === "check"} onClick=${() => answer(c)}>${t("w.here")}</${ActButton}></section>`;
}

/** Gaps of the rotas that the reader is responsible for; on the rota itself they stand there. */
export function HeadGaps() {
  const me = useStore((s) => s.me);
  const path = usePath();
  const [gaps, setGaps] = useState([]);
  const [later, setLater] = useState({});
  const [tries, again] = useReducer((n) => n + 1, 0);
  useEffect(() => {
    if (me.role !== "specialist") return undefined; // coordinators have them on their board
    let gone = false;
    headed(me).then((found) => !gone && setGaps(found), () => {});
    return () => { gone = true; };
  }, [me.id, tries]);
  useEffect(() => onEvent((e) => {
    if (/^duty\.gap_/.test(e.t) && e.s.startsWith("user:")) again();
  }), []);
  const now = serverNow();
  const open = gaps.filter((g) => Date.parse(g.to) > now && later[g.id] !== g.told);
  if (!open.length || path === "/rota") return null;
  const [g] = open;
  const day = vietnam(Math.max(now, Date.parse(g.from))).toISOString().slice(0, 10);
  return html`<div class="note strip bad head-gap" role="alert"><${Icon} name="warn" /><span class="grow"><b>${t("w.gap", { role: roleText(g.role).toLowerCase(), desk: g.desk_name, from: fmtWhen(g.from), to: fmtWhen(g.to) })}</b> ${open.length > 1 ? t("w.gap_more", { n: open.length - 1 }) : ""}</span>
    <a class="btn s o" href=${`/rota?desk=${g.desk}&week=${day}`}>${t("w.open_rota")}</a><button type="button" class="btn s g" onClick=${() => setLater({ ...later, ...Object.fromEntries(open.map((x) => [x.id, x.told])) })}>${t("w.later")}</button></div>`;
}

/** Gaps of rotas whose head is the reader; the list itself is also that of the hospital. */
async function headed(me) {
  const gaps = (await get("/gaps")).items.filter((g) => g.kind === "nobody" && g.desk);
  const heads = await Promise.all([...new Set(gaps.map((g) => g.desk))].map((desk) => get(`/desks/${desk}/rota`).then((r) => [desk, r.head], () => [desk, null])));
  const mine = new Set(heads.filter(([, head]) => head === me.id).map(([desk]) => desk));
  return gaps.filter((g) => mine.has(g.desk));
}
