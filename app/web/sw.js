/**
 * The shell without a network: pages, scripts, styles and the telephone list. Patient data are never cached; of the API
 * only the public telephone list is.
 *
 * The server writes the digest of the client's files where the version stands, so every release installs a whole new
 * cache and no page ever mixes two. Without a digest (a server that serves this file as it is) the network comes first.
 */
const VERSION = "__WEB_VERSION__";
const RELEASED = !VERSION.startsWith("__");
const CACHE = `hoichan-${VERSION}`;
const NUMBERS = "hoichan-telephones";
const LIST = "/api/v1/telephones";
/** Always the server's: its API, its pages for developers, and the pages behind single-use links. */
const SERVED = ["/api/", "/docs", "/a/", "/dev/", "/gateway/", "/feeds/"];
/** The page, and every file that it or its modules name: read from the files themselves, so that no list can be forgotten. */
const NAMED = /(?:from|import\(?)\s*"(\.[^"]+\.js)"|(?:href|src)="(\/(?:assets\/[^"]+|manifest\.webmanifest))"|url\("?([^":)]+\.svg)"?\)|addStyles\("([^"]+)"\)/g;

async function gather(cache) {
  const seen = new Set(["/"]);
  let wave = ["/"];
  while (wave.length) {
    const found = await Promise.all(wave.map(async (path) => {
      const response = await fetch(path, { cache: "reload" });
      if (!response.ok) {
        if (path === "/" || path === "/assets/app.js") throw new Error(`${path}: ${response.status}`);
        return [];
      }
      await cache.put(path, response.clone());
      const text = path.endsWith(".svg") ? "" : await response.text();
      return [...text.matchAll(NAMED)].map((m) => new URL(m[1] ?? m[2] ?? m[3] ?? m[4], new URL(path, location.origin)).pathname);
    }));
    wave = [...new Set(found.flat())].filter((path) => !seen.has(path));
    wave.forEach((path) => seen.add(path));
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await gather(cache);
    await caches.open(NUMBERS).then((numbers) => numbers.add(LIST)).catch(() => {});
    if (!RELEASED) self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((n) => n.startsWith("hoichan-") && n !== CACHE && n !== NUMBERS).map((n) => caches.delete(n)));
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data === "activate") event.waitUntil(activateAlone());
});

/** Another page that is open goes on with the modules it began with. */
async function activateAlone() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length <= 1) await self.skipWaiting();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === LIST) event.respondWith(numbers(request));
  else if (SERVED.some((path) => url.pathname.startsWith(path)) || url.pathname === "/openapi.json") return;
  else if (request.mode === "navigate") event.respondWith(page(request));
  else if (url.pathname.startsWith("/assets/") || url.pathname === "/manifest.webmanifest") event.respondWith(asset(request, url.pathname));
});

/**
 * A push says that somebody is asked, and nothing about a patient. A later one about the same thing takes its place; one
 * that clears takes it off the screen, because somebody has answered.
 */
self.addEventListener("push", (event) => {
  let said = null;
  try { said = event.data?.json(); } catch { /* not ours, or broken: it is still worth opening the page */ }
  event.waitUntil(said?.clear ? close(said.tag) : show(said ?? {}));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url, answer } = event.notification.data ?? {};
  event.waitUntil(open(event.action === "answer" && answer ? answer : url ?? "/"));
});

async function close(tag) {
  for (const shown of await self.registration.getNotifications({ tag })) shown.close();
}

function show({ title = "hoichan", body = "", tag = "hoichan", lang = "vi", loud = true, url, answer }) {
  return self.registration.showNotification(title, {
    body, tag, lang, renotify: true, requireInteraction: loud, icon: "/assets/icon.svg", badge: "/assets/icon.svg",
    vibrate: loud ? [400, 200, 400, 200, 800] : [200], data: { url, answer },
    actions: answer ? [{ action: "answer", title: lang === "en" ? "Answer" : "Trả lời" }] : [],
  });
}

/** A page that is open comes to the front, where the browser lets it, and is led there without a reload: what rings goes on. */
async function open(url) {
  const there = new URL(url, location.origin);
  if (there.origin !== location.origin) return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = there.pathname.startsWith("/a/") ? null : pages.find((p) => new URL(p.url).pathname === there.pathname) ?? pages[0];
  if (!page) {
    await self.clients.openWindow(there.href);
    return;
  }
  await page.focus().catch(() => {});
  if (new URL(page.url).pathname !== there.pathname) page.postMessage({ open: there.pathname + there.search });
}

/** The newest list when the server answers within 5 s, otherwise the last one; its own date says how old it is. */
async function numbers(request) {
  const cache = await caches.open(NUMBERS);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(5000) });
    if (response.ok) await cache.put(LIST, response.clone());
    if (response.status < 500) return response;
  } catch { /* the kept list is what it is for */ }
  const kept = await cache.match(LIST);
  return kept ? Response.json({ ...(await kept.json()), kept: true }) : Response.error(); // the page says that it is a kept one
}

async function page(request) {
  const cache = await caches.open(CACHE);
  if (RELEASED) {
    const kept = await cache.match("/");
    if (kept) return kept;
  }
  try {
    return await fetch(request);
  } catch {
    return (await cache.match("/")) ?? Response.error();
  }
}

async function asset(request, path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (RELEASED && kept) return kept;
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(path, response.clone());
    return response;
  } catch {
    return kept ?? Response.error();
  }
}
