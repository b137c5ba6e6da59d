/**
 * Pages by path: `navigate("/request")`, `usePath()`; plain <a href="/…"> links are followed without a reload.
 * `beforeLeave(fn)` may hold a page (fn returns false to stay). `arrive()` puts the focus where a new page begins, and
 * `focusIsFree()` says that no control has it.
 */
import { useEffect, useState } from "./html.js";

const listeners = new Set();
const guards = new Set();

export function navigate(path, { replace = false } = {}) {
  for (const guard of guards) if (guard(path) === false) return;
  if (path !== location.pathname + location.search) history[replace ? "replaceState" : "pushState"]({}, "", path);
  listeners.forEach((fn) => fn());
  if (!location.hash) scrollTo(0, 0);
}

export function beforeLeave(fn) {
  guards.add(fn);
  return () => guards.delete(fn);
}

export function usePath() {
  const [, setHref] = useState(location.href);
  useEffect(() => {
    const changed = () => setHref(location.href);
    listeners.add(changed);
    addEventListener("popstate", changed);
    return () => {
      listeners.delete(changed);
      removeEventListener("popstate", changed);
    };
  }, []);
  return location.pathname;
}

const SETTLES_MS = 3000;
let started = false, watch = null;

/**
 * A new page stands there: whoever cannot see it is told by the focus, which else is lost with the page before. Not at the
 * start, which a browser announces by itself, and never away from a control or a dialog that has it.
 */
export function arrive() {
  if (!started) {
    started = true;
    return;
  }
  watch?.disconnect();
  if (!focusIsFree()) return;
  begin();
  // What stands there at first may give way to what has been read; then the focus goes on to that.
  const mine = watch = new MutationObserver(() => document.activeElement === document.body && begin());
  mine.observe(document.querySelector(".page"), { childList: true, subtree: true });
  setTimeout(() => mine.disconnect(), SETTLES_MS);
}

function begin() {
  const page = document.querySelector(".page");
  const heading = [...page.querySelectorAll("h1")].find((h) => h.checkVisibility());
  const target = page.querySelector("[autofocus]") ?? heading ?? page.querySelector("main");
  if (!target) return;
  if (!target.matches("input, textarea, button, a")) {
    target.tabIndex = -1;
    target.dataset.arrived = "";
  }
  target.focus({ preventScroll: true });
}

/** Nothing that can be used has the focus: none, or where a new page began. */
export function focusIsFree() {
  const at = document.activeElement;
  return !at || at === document.body || at.dataset.arrived !== undefined;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const href = link.getAttribute("href");
  if (!href.startsWith("/") || href.startsWith("/docs") || href.startsWith("/api") || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  navigate(href);
});
