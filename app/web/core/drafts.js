/**
 * Forms survive a reload, a crash and a switch of application: encrypted drafts, saved 300 ms after the last key.
 *
 *   const [value, set, { savedAt, ready, drop }] = useDraft("request", emptyForm)
 *
 * A draft is bound to its user and its form key; use the case's id in the key (`message:${id}`), so that words can never
 * land in another patient's case.
 */
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { serverNow } from "./clock.js";
import * as db from "./db.js";

const PAUSE = 300;

export async function loadDraft(form) {
  return (await db.one("drafts", form))?.value ?? null;
}

/** Writing takes a moment: what is done to a form is done in order, so that words already sent never come back as a draft. */
const writing = new Map();

function inOrder(form, work) {
  const next = (writing.get(form) ?? Promise.resolve()).then(work, work);
  writing.set(form, next);
  return next;
}

export const saveDraft = (form, value) => inOrder(form, async () => {
  const savedAt = new Date(serverNow()).toISOString();
  await db.put("drafts", form, { value, savedAt });
  return savedAt;
});

export const dropDraft = (form) => inOrder(form, () => db.remove("drafts", form));

export function useDraft(form, initial) {
  const [value, setValue] = useState(initial);
  const [savedAt, setSavedAt] = useState(null);
  const [ready, setReady] = useState(false);
  const pending = useRef(null);

  useEffect(() => {
    let gone = false;
    setReady(false);
    loadDraft(form).catch(() => null).then((kept) => {
      if (gone) return;
      if (kept && pending.current === null) {
        setValue(kept.value);
        setSavedAt(kept.savedAt);
      }
      setReady(true);
    });
    const flush = () => {
      if (!pending.current) return;
      clearTimeout(pending.current.timer);
      saveDraft(form, pending.current.value).catch(() => {});
      pending.current = null;
    };
    const hidden = () => document.visibilityState === "hidden" && flush();
    document.addEventListener("visibilitychange", hidden);
    addEventListener("pagehide", flush);
    return () => {
      gone = true;
      flush();
      document.removeEventListener("visibilitychange", hidden);
      removeEventListener("pagehide", flush);
    };
  }, [form]);

  const set = useCallback((change) => {
    setValue((before) => {
      const next = typeof change === "function" ? change(before) : change;
      clearTimeout(pending.current?.timer);
      const timer = setTimeout(() => {
        pending.current = null;
        saveDraft(form, next).then(setSavedAt, () => {});
      }, PAUSE);
      pending.current = { value: next, timer };
      return next;
    });
  }, [form]);

  const drop = useCallback(() => {
    clearTimeout(pending.current?.timer);
    pending.current = null;
    setSavedAt(null);
    setValue(initial);
    return dropDraft(form);
  }, [form]);

  return [value, set, { savedAt, ready, drop }];
}
