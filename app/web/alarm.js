// The ring: sound, title, vibration, wake lock. Not a medical alarm and claims no conformity; it borrows the burst
// structure of IEC 60601-1-8 (more pulses, faster, sooner again = more urgent) with a melody of its own.
//
// One looping buffer per level that holds its own silence, so throttled timers in a background tab cannot slow it.
// The caller says *what rings now* with `ring([...])`; whatever is no longer in the list falls silent at once.
import { serverNow } from "./core/clock.js";
import { ringTitle } from "./core/title.js";

const RATE = 16000;
const C5 = 523, E5 = 659, G5 = 784;

/** Bursts by level: [frequency, start in seconds] of each pulse; `every` includes the silence; gain from → to over `ramp` s after `hold` s. */
const BURST = {
  red: {
    pulse: 0.12,
    every: 4,
    notes: [[C5, 0], [E5, 0.2], [G5, 0.4], [G5, 0.72], [G5, 0.92], [C5, 1.6], [E5, 1.8], [G5, 2.0], [G5, 2.32], [G5, 2.52]],
    gain: [0.6, 1], hold: 0, ramp: 20, vibrate: [400, 150, 400, 150, 400],
  },
  orange: { pulse: 0.18, every: 8, notes: [[C5, 0], [E5, 0.28], [G5, 0.56]], gain: [0.6, 1], hold: 60, ramp: 1, vibrate: [300, 150, 300] },
  yellow: { pulse: 0.18, every: 30, notes: [[C5, 0], [E5, 0.28]], gain: [0.6, 0.6], hold: 0, ramp: 0, vibrate: [200] },
  // A drill of any urgency: two notes up and down, as no real ring has them; never louder, and it can always be silenced.
  drill: { pulse: 0.3, every: 8, notes: [[587, 0], [880, 0.4], [587, 0.8]], gain: [0.5, 0.5], hold: 0, ramp: 0, vibrate: [200] },
  // Advice that nobody has read back: two notes down and up again.
  advice: { pulse: 0.18, every: 8, notes: [[G5, 0], [C5, 0.28], [G5, 0.56]], gain: [0.6, 0.6], hold: 0, ramp: 0, vibrate: [300, 150, 300] },
  green: { pulse: 0.2, every: 0, notes: [[440, 0]], gain: [0.5, 0.5], hold: 0, ramp: 0, vibrate: [] },
  tick: { pulse: 0.06, every: 0, notes: [[880, 0]], gain: [0.4, 0.4], hold: 0, ramp: 0, vibrate: [] },
  lost: { pulse: 0.25, every: 60, notes: [[C5, 0], [392, 0.35]], gain: [0.5, 0.5], hold: 0, ramp: 0, vibrate: [] },
};
const RANK = ["red", "orange", "yellow", "green"];
const SILENCE_MS = 120e3;

let ctx = null;
let playing = null;
const buffers = {};
const silencedUntil = new Map();
const greenPlayed = new Set();
const listeners = new Set();
let rings = [];
let skipped = false;
let lastTick = 0;
let lostSince = null;
let lostQuiet = false;
let titleTimer = 0;
let vibrateTimer = 0;
let wakeWanted = false;
let wakeLock = null;

/** Sound of this device: "on" | "blocked" (a gesture is needed or audio is missing) | "phone" (the doctor chose the telephone only). */
export function soundState() {
  if (ctx?.state === "running") return "on";
  return skipped ? "phone" : "blocked";
}

/** Called with soundState() and the ring list whenever either changes. Returns the unsubscribe function. */
export function onAlarm(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}
const tell = () => {
  for (const fn of listeners) fn();
};

/** What rings now, most urgent first, drills after everything real: [{id, level, title, due_at, silenced}]. */
export const ringingNow = () => rings.map((r) => ({ ...r, silenced: isSilenced(r) }));

function open() {
  const Audio = window.AudioContext ?? window.webkitAudioContext;
  if (ctx || !Audio) return Boolean(ctx);
  ctx = new Audio();
  ctx.onstatechange = () => {
    apply();
    tell();
  };
  return true;
}

/** "Bật và nghe thử": must run inside a tap or key press. Plays one burst; resolves to whether this device can ring. */
export async function enableSound() {
  skipped = false;
  if (!open()) return tell(), false;
  // A device without an output never settles the promise: give up waiting, the state says the truth.
  await Promise.race([ctx.resume().catch(() => {}), new Promise((r) => setTimeout(r, 1500))]);
  if (soundState() === "on") play("orange", { loop: false, test: true });
  apply();
  tell();
  return soundState() === "on";
}

/** "Chỉ gọi điện thoại": the doctor knows that this device stays silent. */
export function phoneOnly() {
  skipped = true;
  tell();
}

// A browser that allows sound without a new gesture (the page was used before) starts by itself on the first tap or key.
function unlock() {
  if (soundState() !== "on" && !skipped && open()) ctx.resume().catch(() => {});
}
addEventListener("pointerdown", unlock, { capture: true, passive: true });
addEventListener("keydown", unlock, { capture: true, passive: true });

/**
 * Says what rings now; call it on every change. Stops within the same task whatever left the list.
 * @param list [{id, level: "red"|"orange"|"yellow"|"green", title, due_at?, made_at?, seen?, coordinator?, drill?, sound?}]
 *   a drill has one melody of its own and sounds only while nothing real does; `sound` names another burst than the level's
 *   title holds urgency and specialty only: never a patient (it is readable on a shared screen).
 */
export function ring(list) {
  // A browser that trusts this page (used here before) lets it ring without a new gesture.
  if (list.length && !skipped) open();
  rings = [...list].sort((a, b) => Boolean(a.drill) - Boolean(b.drill) || RANK.indexOf(a.level) - RANK.indexOf(b.level));
  for (const id of silencedUntil.keys()) if (!rings.some((r) => r.id === id)) silencedUntil.delete(id);
  apply();
  tell();
}

/** Silences what may be silenced, for two minutes. Red and the coordinator's ring go on. Returns whether anything fell silent. */
export function silence(id) {
  let any = false;
  for (const r of rings) {
    if ((id && r.id !== id) || loudest(r)) continue;
    silencedUntil.set(r.id, Date.now() + SILENCE_MS);
    setTimeout(apply, SILENCE_MS + 50);
    any = true;
  }
  if (lostSince) lostQuiet = any = true;
  apply();
  tell();
  return any;
}

/** Short tick for a message in a case that I hold: at most every 10 s, never over a ring. */
export function tick() {
  if (playing || Date.now() - lastTick < 10e3 || soundState() !== "on") return;
  lastTick = Date.now();
  play("tick", { loop: false });
}

/** Connection lost while on duty: two falling notes a minute until it is back. */
export function connectionLost(lost) {
  if (lost === Boolean(lostSince)) return;
  lostSince = lost ? Date.now() : null;
  lostQuiet = false;
  apply();
}

/** Keeps the screen on while on duty. */
export function keepAwake(on) {
  wakeWanted = on;
  holdScreen();
}

async function holdScreen() {
  try {
    if (wakeWanted && !wakeLock && document.visibilityState === "visible") {
      wakeLock = await navigator.wakeLock?.request("screen");
      wakeLock?.addEventListener("release", () => (wakeLock = null));
    } else if (!wakeWanted && wakeLock) {
      await wakeLock.release();
    }
  } catch {
    wakeLock = null; // Low battery or a policy: the ring does not depend on it.
  }
}
document.addEventListener("visibilitychange", holdScreen);

/** Cannot be silenced: red, and the end of a ladder. A drill always can. */
const loudest = (r) => !r.drill && (r.level === "red" || r.coordinator);

/** Which burst a ring sounds with. */
const burstOf = (r) => (r.drill ? "drill" : r.sound ?? r.level);

function isSilenced(r) {
  if (loudest(r)) return false;
  if ((silencedUntil.get(r.id) ?? 0) > Date.now()) return true;
  if (r.level === "yellow") return Boolean(r.seen);
  return r.level === "green" && (greenPlayed.has(r.id) || isNightInVietnam());
}

// Green makes no sound from 17:00 to 07:00, Vietnam time.
function isNightInVietnam() {
  const hour = (new Date(serverNow()).getUTCHours() + 7) % 24;
  return hour >= 17 || hour < 7;
}

function apply() {
  const loud = rings.find((r) => !isSilenced(r));
  const want = loud ? burstOf(loud) : lostSince && !lostQuiet ? "lost" : null;
  if (want === "green") greenPlayed.add(loud.id);
  // The most urgent level that rings (of a drill: that it is one) or nothing: also what tests and styles look at.
  document.documentElement.dataset.ringing = loud ? (loud.drill ? "drill" : loud.level) : "";
  const key = want === "lost" ? "lost" : loud ? `${want}:${loud.id}` : null;
  if (playing?.key !== key && !(playing?.test && !key)) {
    stop();
    if (key && ctx?.state === "running") play(want, { loop: BURST[want].every > 0, key });
  }
  vibrate(loud ? burstOf(loud) : null);
  showTitle();
}

function vibrate(level) {
  if (level === vibrate.level) return;
  vibrate.level = level;
  clearInterval(vibrateTimer);
  if (!navigator.vibrate) return;
  const burst = level && BURST[level];
  if (!burst?.vibrate.length) {
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate(0);
    return;
  }
  const buzz = () => navigator.userActivation?.hasBeenActive !== false && navigator.vibrate(burst.vibrate);
  buzz();
  vibrateTimer = setInterval(buzz, burst.every * 1000);
}

function stop() {
  if (!playing) return;
  const { source, gain } = playing;
  playing = null;
  const now = ctx.currentTime;
  gain.gain.cancelScheduledValues(now);
  gain.gain.setTargetAtTime(0, now, 0.01);
  source.stop(now + 0.08);
}

function play(level, { loop, key = level, test = false }) {
  stop();
  const burst = BURST[level];
  const source = ctx.createBufferSource();
  const gain = ctx.createGain();
  source.buffer = buffers[level] ??= synthesise(burst);
  source.loop = loop;
  const now = ctx.currentTime;
  const [from, to] = burst.gain;
  gain.gain.setValueAtTime(from, now);
  gain.gain.setValueAtTime(from, now + burst.hold);
  gain.gain.linearRampToValueAtTime(to, now + burst.hold + burst.ramp + 0.01);
  source.connect(gain).connect(ctx.destination);
  const mine = { source, gain, key, test };
  source.onended = () => {
    if (playing === mine) {
      playing = null;
      apply();
    }
  };
  source.start();
  playing = mine;
}

/** Pulses with five harmonics (all under 4 kHz) and 15 ms rise and fall, then silence up to `every`. */
function synthesise({ pulse, every, notes }) {
  const length = Math.ceil((every || notes[notes.length - 1][1] + pulse + 0.05) * RATE);
  const buffer = ctx.createBuffer(1, length, RATE);
  const out = buffer.getChannelData(0);
  const harmonics = [1, 0.6, 0.45, 0.3, 0.2];
  const sum = harmonics.reduce((a, b) => a + b, 0);
  const edge = 0.015 * RATE;
  for (const [frequency, start] of notes) {
    const first = Math.floor(start * RATE);
    const count = Math.floor(pulse * RATE);
    for (let i = 0; i < count; i++) {
      const shape = Math.min(1, i / edge, (count - i) / edge);
      let v = 0;
      for (let h = 0; h < harmonics.length; h++) v += harmonics[h] * Math.sin((2 * Math.PI * frequency * (h + 1) * i) / RATE);
      out[first + i] += (v / sum) * shape * 0.9;
    }
  }
  return buffer;
}

// The page title counts: "(0:40) Cam – Tim mạch". It never names a patient.
let now = () => Date.now();
/** Gives the title the server's clock. */
export function setClock(fn) {
  now = fn;
}

function showTitle() {
  const top = rings[0];
  clearTimeout(titleTimer);
  if (!top) return ringTitle(null);
  const left = top.due_at ? Math.ceil((Date.parse(top.due_at) - now()) / 1000) : null;
  const count = left == null || left < 0 ? "(…)" : `(${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")})`;
  ringTitle(`${count} ${top.title}`);
  titleTimer = setTimeout(showTitle, 1000);
}
