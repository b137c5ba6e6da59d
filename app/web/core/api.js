/**
 * HTTP to the server: reads and the session. Commands go through outbox.js, which uses `request` from here.
 *
 *   get(path)                     JSON of /api/v1 + path
 *   signIn(username, password)    -> MeRead; signOut({ everywhere }); me(); changePassword(current, next)
 *   ApiError                      { status, type, title, detail, errors, retryAfter, extra }; status 0 = no answer
 *   onUnauthorised(fn)            called on a 401 outside signing in: the session has ended
 */
import { noteServerTime } from "./clock.js";
import { lang } from "./i18n.js";

const BASE = "/api/v1";
const unauthorised = new Set();

export class ApiError extends Error {
  constructor({ status = 0, type = "about:blank", title = "", detail = "", errors = [], retryAfter = null, ...extra }) {
    super(detail || title || `HTTP ${status}`);
    Object.assign(this, { status, type, title, detail, errors, retryAfter, extra });
  }

  /** Nobody answered, or the server could not: the same command may be sent again unchanged. */
  get temporary() {
    return this.status === 0 || this.status >= 500 || [408, 425, 429].includes(this.status);
  }

  is(name) {
    return String(this.type).split("/").pop() === name;
  }
}

export function onUnauthorised(fn) {
  unauthorised.add(fn);
  return () => unauthorised.delete(fn);
}

/** One exchange, at most `timeout` ms; with a `type`, the body is sent as it is. Throws ApiError; a body that is no JSON from a proxy is a temporary fault. */
export async function request(method, path, { body, type, key, timeout = 10000, quiet401 = false } = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeout);
  const headers = { Accept: "application/json", "Accept-Language": lang() };
  if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response, text;
  try {
    response = await fetch(BASE + path, {
      method, headers, body: body === undefined || type ? body : JSON.stringify(body), signal: abort.signal,
      credentials: "same-origin", cache: "no-store",
    });
    const date = response.headers.get("Date");
    if (date) noteServerTime(date, { coarse: true });
    text = await response.text();
  } catch (error) {
    throw Object.assign(new ApiError({ type: abort.signal.aborted ? "timeout" : "network" }), { cause: error });
  } finally {
    clearTimeout(timer);
  }
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError({ status: response.ok ? 502 : response.status, type: "not-json" });
  }
  if (response.ok) return json;
  const problem = json && typeof json === "object" ? json : {};
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const error = new ApiError({ ...problem, status: response.status, retryAfter });
  if (response.status === 401 && !quiet401) unauthorised.forEach((fn) => fn(error));
  throw error;
}

export const get = (path, options) => request("GET", path, options);

/** Open a browser session; the cookie is the server's, this page never sees it. */
export const signIn = (username, password) =>
  request("POST", "/auth/session", { body: { username, password }, quiet401: true });

export const signOut = ({ everywhere = false } = {}) =>
  request("DELETE", `/auth/session?everywhere=${everywhere}`, { quiet401: true });

export const me = () => request("GET", "/me", { quiet401: true });

export const changePassword = (current, next) =>
  request("POST", "/me/password", { body: { current, new: next }, key: crypto.randomUUID() });
