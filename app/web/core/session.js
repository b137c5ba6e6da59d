/**
 * Who is here: start, sign in, sign out, the end of a session, and starting without a network.
 *
 *   begin()             once, at the start of the page      enter(me)  after signing in      leave()  after signing out
 */
import { get, me as readMe, onUnauthorised } from "./api.js";
import { noteServerTime } from "./clock.js";
import * as db from "./db.js";
import { isShared, lastUser, rememberUser } from "./device.js";
import { t } from "./i18n.js";
import * as outbox from "./outbox.js";
import { forgetDevice } from "./push.js";
import { navigate } from "./router.js";
import { notify } from "./shell.js";
import { clear, getState, setState } from "./store.js";
import * as stream from "./stream.js";
import { loadTelephones, preferHospital } from "./telephones.js";

/** Signed in: bind what this device keeps to the user, send what waited, open the stream. */
export async function enter(me, { fresh = true } = {}) {
  if (fresh) noteServerTime(me.server_time);
  const before = getState().me;
  if (before && before.id !== me.id) forget("starting"); // another person at the same page sees nothing of the former one
  const { dropped } = await db.useUser(me.id, { shared: isShared() });
  rememberUser(me.id);
  await db.put("kept", "me", me).catch(() => {});
  setState({ me, session: "in", installation: { ...getState().installation, demo: me.demo } });
  keepInstallation();
  if (me.must_change_password) return; // the server takes nothing else before that
  await outbox.start(me.id);
  stream.start(me.id);
  if (dropped) notify(t("session.dropped", { n: dropped }), "warn", 20);
  loadShared();
}

/** Signed out here, or another user comes: nothing of a patient stays in this page. */
export function leave() {
  rememberUser(null);
  forgetDevice();
  forget("out");
  navigate("/sign-in");
}

function forget(session) {
  stream.stop();
  outbox.leave();
  clear(session);
}

/** Words and numbers that every screen needs; the last copies serve until they arrive. */
async function loadShared() {
  const kept = (await db.one("kept", "specialties").catch(() => null))?.value;
  if (kept && !getState().specialties.length) setState({ specialties: kept });
  get("/specialties").then(({ items }) => {
    setState({ specialties: items });
    return db.put("kept", "specialties", items);
  }).catch(() => {});
  loadTelephones().catch(() => {});
  get("/desks").then(({ items }) => preferHospital(items.find((d) => d.may_ask)?.hospital)).catch(() => {});
}

const INSTALLATION = "hoichan.installation";

function keepInstallation() {
  try { localStorage.setItem(INSTALLATION, JSON.stringify(getState().installation)); } catch { /* this page only */ }
}

async function loadInstallation() {
  try { setState({ installation: JSON.parse(localStorage.getItem(INSTALLATION)) }); } catch { /* first visit */ }
  try {
    setState({ installation: await get("/installation") });
    keepInstallation();
  } catch { /* the band shows what was known last */ }
}

/** For how long a start waits for a dead line before it goes on with what this device keeps. */
const PATIENCE_MS = 1500;

export async function begin() {
  const installation = loadInstallation();
  const answer = readMe();
  const answered = await Promise.race([answer.then(() => true, () => true), new Promise((go) => setTimeout(go, PATIENCE_MS))]);
  if (!answered) await enterOffline();
  try {
    await enter(await answer);
  } catch (error) {
    const inside = getState().session === "in";
    if (error.status === 401 || error.status === 403) inside ? end() : setState({ session: "out" });
    else if (!inside && !(await enterOffline())) setState({ session: "out" });
  }
  await installation;
  if (getState().session !== "in") loadTelephones().catch(() => {}); // the sign-in screen shows the hotline
}

/** No answer at the start: the last user of this device may write drafts and queue; the server decides on what is sent. */
async function enterOffline() {
  const id = lastUser();
  if (!id) return false;
  await db.useUser(id, { shared: isShared() });
  const me = (await db.one("kept", "me").catch(() => null))?.value;
  if (me) await enter(me, { fresh: false });
  return Boolean(me);
}

function end() {
  outbox.pause();
  stream.stop();
  setState({ session: "ended" });
}

onUnauthorised(() => getState().session === "in" && end());
