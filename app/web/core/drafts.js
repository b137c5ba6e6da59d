/**
 * Forms survive a reload, a crash and a switch of application: encrypted drafts, saved within 300 ms of a key.
 *
 *   const [value, set, { savedAt, ready, drop, exchange, instead, flush }] = useDraft("request", emptyForm, join, begun)
 *   drop(kept, next)     what was written is sent: the form is `next` or empty, and once `kept` is done, so is the draft
 *   instead              the draft as the device keeps it, for what is made of it and shall take its place there
 *   exchange(next)       `next` comes into the form; what stands there steps aside if begun(it, next)
 *   flush()              save now; done when it is on the device
 *   join(kept, typed)    what becomes of a kept draft when somebody typed before it was there; else what was
 *                        typed stays, and the kept one steps aside if begun(kept, typed)
 *
 *   useAsides(form) -> [{ id, value, savedAt }]      forms that stepped aside, the oldest first
 *   bring(form, next, begun)  takeUp(form, id, begun)  dropAside(id)      while the form itself is not open
 *
 * A draft is bound to its user and its form key; use the case's id in the key (`message:${id}`), so that words can never
 * land in another patient's case.
 */
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { serverNow } from "./clock.js";
import * as db from "./db.js";

const PAUSE = 300;

/** Writing takes a moment: what is done to a form is done in order, so that words already sent never come back as a draft. */
const writing = new Map();
/** The mark of what this page last read or saved of a form: only that is dropped, never what another tab has saved since. */
const marks = new Map();

function inOrder(form, work) {
  const next = (writing.get(form) ?? Promise.resolve()).then(work, work);
  writing.set(form, next);
  return next;
}

export const loadDraft = (form, owner = db.owner()) => inOrder(form, async () => {
  const kept = await db.one("drafts", form, owner);
  marks.set(form, kept?.meta?.mark);
  return kept?.value ?? null;
});

export const saveDraft = (form, value, { owner = db.owner(), after } = {}) => inOrder(form, async () => {
  await after;
  const savedAt = new Date(serverNow()).toISOString();
  const mark = `${Date.now()}-${Math.random()}`;
  await db.put("drafts", form, { value, savedAt }, { mark }, { owner });
  marks.set(form, mark);
  return savedAt;
});

export const dropDraft = (form, { owner = db.owner(), after } = {}) => inOrder(form, async () => {
  await after;
  await db.remove("drafts", form, { owner, only: known(form) });
});

const known = (form) => ({ meta }) => meta?.mark === marks.get(form);

// --- forms that stepped aside ---------------------------------------------------------------------------------------

const watching = new Set();
const told = () => watching.forEach((fn) => fn());

const setAside = (form, value, owner = db.owner()) => inOrder(form, async () => {
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  await db.put("drafts", `${form}/${id}`, { value, savedAt: new Date(serverNow()).toISOString() }, {}, { owner });
  told();
});

export async function bring(form, next, begun) {
  const kept = await loadDraft(form);
  if (kept && begun(kept.value, next)) await setAside(form, kept.value);
  await saveDraft(form, next);
}

export async function takeUp(form, id, begun) {
  const kept = await db.one("drafts", id);
  if (kept) await bring(form, kept.value.value, begun);
  await dropAside(id);
}

export async function dropAside(id) {
  await db.remove("drafts", id);
  told();
}

export function useAsides(form) {
  const [asides, set] = useState([]);
  useEffect(() => {
    let gone = false;
    const read = () => db.all("drafts", `${form}/`).then((rows) => {
      if (!gone) set(rows.map(({ id, value }) => ({ id, ...value })).sort((a, b) => a.savedAt.localeCompare(b.savedAt)));
    }, () => {});
    read();
    watching.add(read);
    return () => {
      gone = true;
      watching.delete(read);
    };
  }, [form]);
  return asides;
}

// --- the open form --------------------------------------------------------------------------------------------------

export function useDraft(form, initial, join = (kept, typed) => typed, begun = () => false) {
  const [value, setValue] = useState(initial);
  const [savedAt, setSavedAt] = useState(null);
  const [ready, setReady] = useState(false);
  const owner = useRef(db.owner()).current; // who types here, also while somebody else signs in
  const pending = useRef(null);
  const touched = useRef(false);
  const latest = useRef(initial);
  latest.current = value;
  const drops = useRef(0);

  const flush = useCallback(async () => {
    if (!pending.current) return writing.get(form);
    const { value: words, timer } = pending.current;
    const now = drops.current;
    clearTimeout(timer);
    pending.current = null;
    const at = await saveDraft(form, words, { owner });
    if (now === drops.current) setSavedAt(at);
    return at;
  }, [form]);

  const set = useCallback((change) => {
    touched.current = true;
    setValue((before) => {
      const next = typeof change === "function" ? change(before) : change;
      const timer = pending.current?.timer ?? setTimeout(() => flush().catch(() => {}), PAUSE);
      pending.current = { value: next, timer };
      return next;
    });
  }, [form]);

  useEffect(() => {
    let gone = false;
    setReady(false);
    loadDraft(form, owner).catch(() => null).then((kept) => {
      if (gone) return;
      if (kept && touched.current) {
        if (begun(kept.value, latest.current)) setAside(form, kept.value, owner).catch(() => {});
        set((typed) => join(kept.value, typed));
      } else if (kept) {
        setValue(kept.value);
        setSavedAt(kept.savedAt);
      }
      setReady(true);
    });
    const leaving = () => { flush().catch(() => {}); };
    const hidden = () => document.visibilityState === "hidden" && leaving();
    document.addEventListener("visibilitychange", hidden);
    // A page on its way out lives until the next one comes: long enough to encrypt and save, as after `pagehide` it is not.
    addEventListener("beforeunload", leaving);
    addEventListener("pagehide", leaving);
    return () => {
      gone = true;
      leaving();
      touched.current = false;
      document.removeEventListener("visibilitychange", hidden);
      removeEventListener("beforeunload", leaving);
      removeEventListener("pagehide", leaving);
    };
  }, [form]);

  const drop = useCallback((kept, next) => {
    touched.current = true;
    drops.current += 1;
    clearTimeout(pending.current?.timer);
    pending.current = null;
    setSavedAt(null);
    setValue(next ?? initial);
    return next ? saveDraft(form, next, { owner, after: kept }) : dropDraft(form, { owner, after: kept });
  }, [form]);

  const exchange = useCallback((next) => {
    if (begun(latest.current, next)) setAside(form, latest.current, owner).catch(() => {});
    set(next);
  }, [form]);

  const instead = { store: "drafts", id: form, only: known(form) };
  return [value, set, { savedAt, ready, drop, exchange, instead, flush }];
}
