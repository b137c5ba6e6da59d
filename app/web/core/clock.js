/**
 * The server's time on this device.
 *
 *   serverNow()      milliseconds, the server's clock carried forward by the monotonic performance.now()
 *   noteServerTime(iso | ms, { coarse })   a sample: welcome and ping frames, MeRead.server_time; coarse: the Date header
 *   secondsUntil(iso)  negative once past      useTick(ms)  re-render every second      skewSeconds()  device minus server
 *
 * The device's own clock is never used for a countdown: it may be hours off on a ward PC. A skew over 60 s is said in a
 * banner and blocks nothing.
 */
import { useEffect, useState } from "./html.js";

const WINDOW = 8; // the latest samples; the least delayed of them wins
let samples = [];
let coarse = null;

/**
 * A sample that travelled for a while makes the server look slow, so the largest offset of the window is nearest the
 * truth. performance.now() may stand still while a device sleeps: the first sample after waking is larger and wins.
 */
export function noteServerTime(at, { coarse: rough = false } = {}) {
  const ms = typeof at === "number" ? at : Date.parse(at);
  if (!Number.isFinite(ms)) return;
  const offset = ms - performance.now();
  if (rough) {
    const before = coarse;
    coarse = offset + 500; // the Date header has whole seconds: half a second is the expected remainder
    // This device slept when the same clock has jumped. That the web server and the database differ proves nothing.
    if (before !== null && Math.abs(before - coarse) > 5000) samples = [];
    return;
  }
  samples = [...samples.slice(1 - WINDOW), offset];
}

const best = () => (samples.length ? Math.max(...samples) : null);

export function serverNow() {
  return performance.now() + (best() ?? coarse ?? Date.now() - performance.now());
}

export const nowIso = () => new Date(serverNow()).toISOString();

export const secondsUntil = (iso) => (Date.parse(iso) - serverNow()) / 1000;

/** How far this device's clock is from the server's, in seconds; 0 before the first sample. */
export function skewSeconds() {
  return samples.length || coarse !== null ? Math.round((Date.now() - serverNow()) / 1000) : 0;
}

const tickers = new Map();

/** Re-render at each full period of server time; all screens share one timer. */
export function useTick(ms = 1000) {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    let ticker = tickers.get(ms);
    if (!ticker) {
      ticker = { fns: new Set(), timer: null };
      const run = () => {
        ticker.timer = setTimeout(run, ms - (serverNow() % ms));
        ticker.fns.forEach((fn) => fn((n) => n + 1));
      };
      ticker.timer = setTimeout(run, ms - (serverNow() % ms));
      tickers.set(ms, ticker);
    }
    ticker.fns.add(setTick);
    return () => {
      ticker.fns.delete(setTick);
      if (!ticker.fns.size) {
        clearTimeout(ticker.timer);
        tickers.delete(ms);
      }
    };
  }, [ms]);
  return tick;
}
