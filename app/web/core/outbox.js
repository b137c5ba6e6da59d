/**
 * Commands on their way to the server. What is tapped is kept on this device first, then sent, in order per case and in
 * parallel across cases, under an idempotency key made at the tap: sent twice, it happens once.
 *
 *   const { id, promise, kept } = command({ path, method: "POST", body, caseId, optimistic, what, expiresAfter, form, instead })
 *   promise        the server's JSON (null: another tab sent it), or an ApiError once a person must decide (refused) or
 *                  it was given up
 *   kept           done when it is on this device; only then may the words that it was made of be dropped elsewhere
 *   form           what a person filled in to make it: kept with it and gone with it, so that a refusal can be corrected
 *   instead        the draft that it was made of, which it replaces on this device ({ instead } of useDraft)
 *   subscribe(caseId | null, fn) -> stop        fn(items) at once and on every change; null: all of this user
 *   useOutbox(caseId)                           the same as a hook
 *   retryNow(id?)  resend(id, body?)  discard(id, after?)
 *
 * An item: { id, caseId, path, method, body, form, what, optimistic, state, on, stale, tries, nextAt, createdAt, error }.
 * state: queued | sending | retrying | refused | sent. `stale` is set after 2 min: say "not sent" and offer the
 * telephone; it keeps trying. `on`: the device that keeps it, or only the page when keeping failed; before either is known
 * ("its way") nothing is sent. A refused item stays until a person edits, resends or deletes it.
 *
 * optimistic false (accept, decline, assign, conclude, cancel): the screen changes only on the answer. Give those
 * `expiresAfter` seconds where acting late would be wrong (an acceptance by somebody who walked away): from then on it is
 * not sent any more, whatever wakes this page up, and is given up with the error type "expired"; or "unanswered" if it was
 * sent before and nobody knows whether it arrived. What an earlier page left is shown as refused: a person decides.
 */
import { useEffect, useState } from "./html.js";
import { ApiError, request } from "./api.js";
import { nowIso, serverNow } from "./clock.js";
import * as db from "./db.js";
import { lastUser } from "./device.js";
import { absorb } from "./store.js";

const STEPS = [1, 2, 4, 8, 15, 30]; // seconds, then every 30 s; ± 20 %
const STALE_MS = 120e3;
/** What must not wait behind a message that does not get through. */
const AHEAD = new Set(["accept", "decline", "cancel", "urgency", "attendance", "coming", "cannot", "read-back"]);
const CARRIES_WRITTEN_AT = /^\/consultations(\/telephone|\/[^/]+\/messages)?$/;

let items = new Map();
let user = null, paused = true, clock = null;
const waiting = new Map(); // id -> { promise, resolve, reject }
const listeners = new Map(); // caseId | null -> Set
const tabs = globalThis.BroadcastChannel ? new BroadcastChannel("hoichan.outbox") : null;

/** Bind to the signed-in user, take up what an earlier page left, and start sending. */
export async function start(userId) {
  user = userId;
  paused = false;
  const kept = await db.all("outbox");
  if (user !== userId) return;
  const earlier = kept.filter((row) => !items.has(row.id)).sort((a, b) => Date.parse(a.value.createdAt) - Date.parse(b.value.createdAt));
  items = new Map([...earlier.map((row) => {
    const state = row.value.state === "refused" ? "refused" : "queued";
    const tries = Math.max(1, row.value.tries); // whether the earlier page had sent it already, nobody knows
    return [row.id, { ...row.value, state, tries, on: "device", error: row.value.error ?? null }];
  }), ...items]);
  clock ??= setInterval(tick, 1000);
  changed();
  pump();
}

/** The session ended: keep everything, send nothing until this user is back. */
export function pause() {
  paused = true;
}

/** Another user signs in: this page forgets the former one's commands (they stay encrypted on the device, unless shared). */
export function leave() {
  paused = true;
  user = null;
  items = new Map();
  changed();
}

export function command({ path, method = "POST", body = {}, caseId = null, optimistic = false, what = "command",
  expiresAfter = null, form, instead }) {
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const createdAt = nowIso();
  const sent = CARRIES_WRITTEN_AT.test(path) && method === "POST" && !body.written_at ? { ...body, written_at: createdAt } : body;
  const item = {
    id, user, path, method, body: sent, form, caseId, optimistic, what, expiresAfter, createdAt,
    state: "queued", on: "its way", tries: 0, nextAt: 0, error: null, stale: false,
  };
  items.set(id, item);
  const promise = outcome(id);
  changed(caseId);
  const kept = keep(item, instead);
  kept.then(() => (db.onDevice() ? "device" : "page"), () => "page").then((on) => {
    if (items.has(id)) items.set(id, { ...items.get(id), on });
    pump();
  });
  return { id, promise, kept };
}

const keep = ({ id, ...rest }, instead = null) =>
  db.put("outbox", id, { id, ...rest }, { what: rest.what, createdAt: rest.createdAt }, { instead });

function update(id, change) {
  const item = items.get(id);
  if (!item) return null;
  const next = { ...item, ...change };
  items.set(id, next);
  changed(next.caseId);
  return next;
}

/** What becomes of a command: one promise for all who wait for it. */
function outcome(id) {
  if (!waiting.has(id)) {
    const entry = {};
    entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    entry.promise.catch(() => {}); // the item itself tells the screen; a caller who listens gets the error too
    waiting.set(id, entry);
  }
  return waiting.get(id).promise;
}

function settle(id, how, value) {
  waiting.get(id)?.[how](value);
  waiting.delete(id);
}

/** The first unsent item of each case, and all that go ahead; a refused one waits for a person and holds nobody up. */
function heads() {
  const lanes = new Map();
  for (const item of items.values()) {
    if (item.state === "refused" || item.state === "sent") continue;
    const lane = item.caseId && !AHEAD.has(item.what) ? item.caseId : item.id;
    if (!lanes.has(lane)) lanes.set(lane, item);
  }
  return lanes.values();
}

function pump() {
  if (paused || !user || (lastUser() ?? user) !== user) return; // in another tab somebody else has signed in
  giveUp();
  for (const item of heads()) {
    if (item.state !== "sending" && item.on !== "its way" && item.nextAt <= performance.now()) send(item);
  }
}

async function send(item) {
  update(item.id, { state: "sending", tries: item.tries + 1 });
  const exchange = async () => {
    const kept = item.on === "page" || (await db.one("outbox", item.id).catch(() => item));
    if (!kept) return { elsewhere: true }; // another tab of this user has sent or deleted it
    return { json: await request(item.method, item.path, { body: item.body, key: item.id }) };
  };
  try {
    const { json, elsewhere } = await exclusively(item.id, exchange);
    await db.remove("outbox", item.id).catch(() => {});
    tabs?.postMessage({ gone: item.id, sent: true });
    if (!elsewhere && json) absorb(item.path, json);
    const done = items.get(item.id);
    items.delete(item.id);
    sentCount += 1;
    changed(item.caseId, done && { ...done, state: "sent" });
    settle(item.id, "resolve", json ?? null);
  } catch (error) {
    failed(item.id, error instanceof ApiError ? error : new ApiError({ type: "fault", detail: String(error) }));
  }
  pump();
}

const exclusively = (id, work) =>
  navigator.locks ? navigator.locks.request(`hoichan.outbox.${id}`, work) : work();

function failed(id, error) {
  const item = items.get(id);
  if (!item) return;
  if (error.status === 401) {
    pause();
    update(id, { state: "queued", nextAt: 0 });
    return;
  }
  if (error.temporary) {
    const step = STEPS[Math.min(item.tries - 1, STEPS.length - 1)];
    const wait = Math.max(error.retryAfter ?? 0, step) * (0.8 + Math.random() * 0.4);
    const next = update(id, { state: "retrying", nextAt: performance.now() + wait * 1000, error: plain(error) });
    if (next) tick();
    return;
  }
  refuse(id, error);
}

function refuse(id, error) {
  const next = update(id, { state: "refused", error: plain(error) });
  if (!next) return;
  if (next.optimistic || next.what === "request" || !waiting.has(id)) keep(next).catch(() => {});
  else { // the button that was pressed says why; nothing is left to resend
    items.delete(id);
    db.remove("outbox", id).catch(() => {});
    changed(next.caseId);
  }
  settle(id, "reject", error);
}

const plain = ({ status, type, title, detail, errors, extra }) => ({ status, type, title, detail, errors, ...extra });

const ageMs = (item) => serverNow() - Date.parse(item.createdAt);

/** What would be done too late is not done: whoever tapped may have walked away. */
function giveUp() {
  for (const item of [...items.values()]) {
    if (item.expiresAfter && ageMs(item) > item.expiresAfter * 1000 && (item.state === "queued" || item.state === "retrying")) {
      refuse(item.id, new ApiError({ type: item.tries ? "unanswered" : "expired", detail: item.error?.detail ?? "" }));
    }
  }
}

function tick() {
  for (const item of items.values()) {
    if (!item.stale && ageMs(item) > STALE_MS && item.state !== "refused") update(item.id, { stale: true });
  }
  giveUp();
  pump();
}

/** Try at once: the network is back, the page is in front again, or a person tapped. */
export function retryNow(id = null) {
  for (const item of items.values()) {
    if ((id === null || item.id === id) && (item.state === "retrying" || item.state === "queued")) {
      items.set(item.id, { ...item, nextAt: 0 });
    }
  }
  pump();
}

/** After a refusal: the same words, or corrected ones, as a new command under a new key. Before it: the same command, at once. */
export function resend(id, body) {
  const item = items.get(id);
  if (!item) return null;
  if (item.state !== "refused") {
    retryNow(id);
    return { id, promise: outcome(id) };
  }
  const again = command({ ...item, body: body ?? item.body });
  discard(id, again.kept);
  return again;
}

/** `after`: its words are being kept elsewhere; until that is done, they stay here too. */
export function discard(id, after = null) {
  const item = items.get(id);
  if (!item) return;
  items.delete(id);
  Promise.resolve(after).then(() => db.remove("outbox", id)).catch(() => {});
  tabs?.postMessage({ gone: id });
  settle(id, "reject", new ApiError({ type: "discarded" }));
  changed(item.caseId);
}

/** How many commands reached the server since this page was opened; the "back online" bar counts with it. */
let sentCount = 0;
export const sentSoFar = () => sentCount;

export function list(caseId = null) {
  const mine = [...items.values()].filter((item) => item.state !== "sent");
  return caseId === null ? mine : mine.filter((item) => item.caseId === caseId);
}

export function subscribe(caseId, fn) {
  if (!listeners.has(caseId)) listeners.set(caseId, new Set());
  listeners.get(caseId).add(fn);
  fn(list(caseId));
  return () => listeners.get(caseId)?.delete(fn);
}

function changed(caseId) {
  if (caseId) listeners.get(caseId)?.forEach((fn) => fn(list(caseId)));
  else if (caseId === undefined) listeners.forEach((fns, id) => id !== null && fns.forEach((fn) => fn(list(id))));
  listeners.get(null)?.forEach((fn) => fn(list()));
}

export function useOutbox(caseId = null) {
  const [now, set] = useState(() => list(caseId));
  useEffect(() => subscribe(caseId, set), [caseId]);
  return now;
}

addEventListener("online", () => retryNow());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && retryNow());
if (tabs) {
  tabs.onmessage = ({ data }) => {
    const item = items.get(data.gone);
    if (!item || item.state === "sending") return;
    items.delete(data.gone);
    changed(item.caseId);
    settle(data.gone, ...(data.sent ? ["resolve", null] : ["reject", new ApiError({ type: "discarded" })]));
  };
}
