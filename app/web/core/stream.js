/**
 * The live connection (WebSocket, subprotocol hotline.v1) and the truth about it.
 *
 *   start(userId), stop()
 *   watch(consultationId) -> unwatch      keep a case live; while there is no socket for 30 s it is read every 10 s
 *   refresh(consultationId)               read it now (after events that change what the reader may do)
 *   ack(stream, n, "delivered" | "seen")  ackOffer(offer_id, as)  ackMessage(consultationId, n, as)
 *   onEvent(fn) -> stop                   every event after it was applied (alarms, announcements)
 *
 * connection.state: live; reconnecting after 2 s without a socket or past a heartbeat; offline after 10 s, or at once
 * when the device says so. An event already applied is dropped; after a gap the stream is asked to resume and nothing is
 * applied until it does. Close codes 4000–4499 reconnect; from 4500 on the session has ended.
 */
import { get, me } from "./api.js";
import { noteServerTime, serverNow } from "./clock.js";
import { retryNow, sentSoFar } from "./outbox.js";
import { applyEvent, applyMarker, applyPresence, applySnapshot, getState, putConsultation, setState } from "./store.js";

const RECONNECTING_MS = 2000, OFFLINE_MS = 10000, SLOW_MS = 30000, POLL_MS = 10000;
const STEPS = [0.3, 1, 2, 4, 8, 15];

let socket = null, userId = null, wanted = false;
let cursors = {}; // stream -> [epoch, seq]
let asked = new Set(); // streams whose gap is being repaired
let heartbeat = 25000, lastFrame = 0, downSince = null, tries = 0, next = null, watchdog = null, lastPoll = 0;
let wasDown = null; // { sent, messages } at the loss, for the words on coming back
const watched = new Map(); // id -> count
const refreshing = new Map();
const hearers = new Set();

export function start(id) {
  if (wanted && userId === id) return;
  if (userId !== id) {
    cursors = {};
    userId = id;
  }
  wanted = true;
  downSince ??= performance.now();
  watchdog ??= setInterval(check, 500);
  connect();
}

export function stop() {
  wanted = false;
  clearTimeout(next);
  clearInterval(watchdog);
  watchdog = null;
  cursors = {};
  close();
  say({ state: "offline", slow: false, back: null }); // nothing comes in any more, and the screen must not look alive
}

function close() {
  const old = socket;
  socket = null;
  if (!old) return;
  old.onclose = old.onmessage = old.onerror = old.onopen = null;
  old.close();
}

function connect() {
  clearTimeout(next);
  if (!wanted) return;
  close();
  asked = new Set();
  const ws = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/stream`, "hotline.v1");
  socket = ws;
  ws.onopen = () => ws.send(JSON.stringify({ k: "hello", cursors }));
  ws.onmessage = ({ data }) => {
    lastFrame = performance.now();
    try { frame(JSON.parse(data)); } catch (error) { console.error("stream", error); }
  };
  ws.onclose = ({ code }) => {
    if (socket !== ws) return;
    socket = null;
    down();
    if (code >= 4500) ended();
    else again(code);
  };
}

function again(code) {
  const wait = STEPS[Math.min(tries, STEPS.length - 1)] * (0.8 + Math.random() * 0.4);
  tries += 1;
  // a refusal before the handshake has no code of ours: ask HTTP whether the session is still good
  if (code === 1006 && tries === 3) me().catch((error) => error.status === 401 && ended());
  clearTimeout(next);
  next = setTimeout(connect, wait * 1000);
}

function ended() {
  stop();
  setState((s) => (s.session === "in" ? { ...s, session: "ended" } : s));
}

function down() {
  if (downSince === null) {
    downSince = performance.now();
    wasDown = { sent: sentSoFar(), at: serverNow(), fresh: 0 };
  }
}

/** Every half second: how long has it been quiet, and what must be said about it. */
function check() {
  const now = performance.now();
  if (socket?.readyState === 1 && downSince === null && now - lastFrame > heartbeat + RECONNECTING_MS) {
    down(); // half open: the socket looks alive and says nothing
    connect();
  }
  const quiet = downSince === null ? 0 : now - downSince;
  const shown = quiet >= OFFLINE_MS || (quiet > 0 && navigator.onLine === false) ? "offline" : quiet >= RECONNECTING_MS ? "reconnecting" : null;
  if (shown) say({ state: shown });
  if (quiet >= SLOW_MS && now - lastPoll >= POLL_MS) {
    lastPoll = now;
    watched.forEach((_, id) => poll(id));
  } else if (downSince === null && unread.size && now - lastPoll >= POLL_MS) {
    lastPoll = now;
    unread.forEach((id) => (watched.has(id) && !refreshing.has(id) ? refresh(id).catch(() => {}) : unread.delete(id)));
  }
}

function say(change) {
  setState((s) => {
    const before = s.connection;
    if (Object.keys(change).every((k) => before[k] === change[k])) return s;
    const since = change.state && change.state !== before.state ? serverNow() : before.since;
    return { ...s, connection: { ...before, since, ...change } };
  });
}

async function poll(id) {
  try {
    await read(id);
    say({ slow: true, lastAt: serverNow() });
  } catch {
    say({ slow: false }); // not even that gets through
  }
}

async function read(id) {
  const [consultation, messages] = await Promise.all([
    get(`/consultations/${id}`),
    get(`/consultations/${id}/messages`).catch((error) => (error.status === 404 ? null : Promise.reject(error))),
  ]);
  putConsultation(consultation, messages?.items);
  return consultation;
}

/** Cases whose last reading failed: they are read again every 10 s, and with the next connection. */
const unread = new Set();

/** Read a case now; calls within the same half second are one. */
export function refresh(id) {
  if (!refreshing.has(id)) {
    refreshing.set(id, new Promise((resolve, reject) => setTimeout(() => {
      refreshing.delete(id);
      read(id).then((read) => { unread.delete(id); resolve(read); }, (error) => {
        if (error.temporary) unread.add(id);
        reject(error);
      });
    }, 300)));
    refreshing.get(id).catch(() => {});
  }
  return refreshing.get(id);
}

// --- frames -----------------------------------------------------------------------------------------------------------

function frame(parsed) {
  const envelopes = Array.isArray(parsed) ? parsed : [parsed];
  let state = getState();
  const heard = [];
  for (const e of envelopes) {
    if (e.k === "event") {
      if (!accept(e)) continue;
      state = applyEvent(state, e);
      heard.push(e);
    } else if (e.k === "snapshot") {
      cursors[e.s] = [e.e, e.n];
      asked.delete(e.s);
      state = applySnapshot(state, e.s, e.d, e.n);
    } else if (e.k === "ended") {
      delete cursors[e.s];
      state = withEnded(state, e);
    } else if (e.k === "marker") state = applyMarker(state, e);
    else if (e.k === "presence") state = applyPresence(state, e);
    else if (e.k === "welcome") welcome(e);
    else if (e.k === "ping") ping(e);
    else if (e.k === "error") console.warn("stream", e.type, e.detail);
  }
  const connection = { ...getState().connection, lastAt: serverNow() };
  setState({ ...getState(), ...pick(state), connection });
  heard.forEach(told);
}

const pick = ({ consultations, headers, offers, offersRead, alarms, advice, boards }) => ({ consultations, headers, offers, offersRead, alarms, advice, boards });

function withEnded(state, { s, why }) {
  const id = s.slice(s.indexOf(":") + 1);
  const before = state.consultations.get(id);
  if (!before) return state;
  return { ...state, consultations: new Map(state.consultations).set(id, { ...before, ended: why ?? "ended" }) };
}

/** Whether this event comes next. Seen before: dropped. A gap or another epoch: the stream is asked to resume. */
function accept(e) {
  const known = cursors[e.s];
  if (known && known[0] === e.e && e.n <= known[1]) return false;
  if (known ? known[0] !== e.e || e.n !== known[1] + 1 : e.n !== 1) {
    resume(e.s);
    return false;
  }
  cursors[e.s] = [e.e, e.n];
  asked.delete(e.s);
  return true;
}

function resume(stream) {
  if (asked.has(stream)) return;
  asked.add(stream);
  tell({ k: "resume", s: stream, cursor: cursors[stream] ?? null });
}

function welcome(e) {
  noteServerTime(e.at);
  heartbeat = (e.heartbeat_s ?? 25) * 1000;
  tries = 0;
  const back = wasDown && performance.now() - downSince >= RECONNECTING_MS ? wasDown : null;
  downSince = null;
  wasDown = null;
  say({ state: "live", slow: false, back: back && { at: serverNow(), sent: back.sent, messages: 0 } });
  watched.forEach((_, id) => {
    subscribe(id);
    if (back || unread.has(id)) refresh(id).catch(() => {}); // what the reader may do may have moved meanwhile
  });
  retryNow();
}

/** Heads tell of what was lost on the way without anything following it. */
function ping(e) {
  noteServerTime(e.at);
  for (const [stream, [epoch, n]] of Object.entries(e.heads ?? {})) {
    const known = cursors[stream];
    if (known && (known[0] !== epoch || known[1] < n)) resume(stream);
  }
}

/** What the reader may do follows from rules only the server knows: read it again after events that move them. */
const MOVES_RIGHTS = /^(offer\.(made|accepted|declined|withdrawn)|consultation\.|participant\.|callout\.|attendance\.|team\.|advice\.|call\.|ward\.|outcome\.|record\.|access\.)/;

function told(e) {
  const { back } = getState().connection;
  if (back && e.t === "message.posted" && e.by !== userId) say({ back: { ...back, messages: back.messages + 1 } });
  const id = e.d?.consultation_id;
  if (id && watched.has(id) && MOVES_RIGHTS.test(e.t)) refresh(id).catch(() => {});
  hearers.forEach((fn) => fn(e));
}

export function onEvent(fn) {
  hearers.add(fn);
  return () => hearers.delete(fn);
}

function tell(envelope) {
  if (socket?.readyState === 1) socket.send(JSON.stringify(envelope));
}

function subscribe(id) {
  const stream = `consultation:${id}`;
  if (!cursors[stream]) tell({ k: "subscribe", s: stream });
}

export function watch(id) {
  watched.set(id, (watched.get(id) ?? 0) + 1);
  subscribe(id);
  return () => {
    const left = watched.get(id) - 1;
    if (left > 0) watched.set(id, left);
    else watched.delete(id);
  };
}

export function ack(stream, n, as) {
  if (n) tell({ k: "ack", s: stream, n, as });
}

/** "Delivered" when the card is drawn, "seen" when it was visible for a second: the requesting doctor reads both. */
export function ackOffer(offerId, as) {
  const offer = getState().offers.get(offerId);
  if (offer) tell({ k: "ack", s: `user:${userId}`, n: offer.n ?? 0, as, offer_id: offerId });
}

export const ackMessage = (id, n, as) => ack(`consultation:${id}`, n, as);

addEventListener("online", () => {
  if (wanted && !(socket?.readyState === 1 && downSince === null)) connect();
});
addEventListener("offline", () => {
  if (!wanted) return;
  down();
  close();
  say({ state: "offline" });
  again();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && wanted && socket?.readyState !== 1) connect();
});
