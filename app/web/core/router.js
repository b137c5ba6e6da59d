/**
 * Pages by path: `navigate("/request")`, `usePath()`; plain <a href="/…"> links are followed without a reload.
 * `beforeLeave(fn)` may hold a page (fn returns false to stay).
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

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const href = link.getAttribute("href");
  if (!href.startsWith("/") || href.startsWith("/docs") || href.startsWith("/api") || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  navigate(href);
});
