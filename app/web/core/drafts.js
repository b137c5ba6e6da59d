/**
 * Forms survive a reload, a crash and a switch of application: encrypted drafts, saved within 300 ms of a key.
 *
 *   const [value, set, { savedAt, ready, drop, instead, flush }] = useDraft("request", emptyForm, join)
 *   drop(kept, next)     what was written is sent: the form is `next` or empty, and once `kept` is done, so is the draft
 *   instead              the draft as the device keeps it, for what is made of it and shall take its place there
 *   flush()              save now; done when it is on the device
 *   join(kept, typed)    what becomes of a kept draft when somebody typed before it was there; else what was typed stays
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

export function useDraft(form, initial, join = (kept, typed) => typed) {
  const [value, setValue] = useState(initial);
  const [savedAt, setSavedAt] = useState(null);
  const [ready, setReady] = useState(false);
  const owner = useRef(db.owner()).current; // who types here, also while somebody else signs in
  const pending = useRef(null);
  const touched = useRef(false);
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

  const instead = { store: "drafts", id: form, only: known(form) };
  return [value, set, { savedAt, ready, drop, instead, flush }];
}
