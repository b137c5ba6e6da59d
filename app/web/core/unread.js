/** Messages that came while their case was not open: useUnread(id) -> count. Opening the case (markRead) clears it. */
import { useEffect, useState } from "./html.js";
import { getState, subscribe } from "./store.js";
import { onEvent } from "./stream.js";

const counts = new Map();
const open = new Map();
const listeners = new Set();
const tell = () => listeners.forEach((fn) => fn((n) => n + 1));

onEvent((e) => {
  const id = e.d?.consultation_id;
  if (e.t !== "message.posted" || !e.s.startsWith("consultation:") || e.by === getState().me?.id || open.get(id)) return;
  counts.set(id, (counts.get(id) ?? 0) + 1);
  tell();
});

// Nothing that was counted for one person is shown to the next.
let reader = getState().me?.id;
subscribe(({ me }) => {
  if (me?.id === reader) return;
  reader = me?.id;
  counts.clear();
  tell();
});

/** Call while a case is on the screen; the returned function says that it no longer is. */
export function reading(id) {
  open.set(id, (open.get(id) ?? 0) + 1);
  counts.delete(id);
  tell();
  return () => open.set(id, open.get(id) - 1);
}

export function useUnread(id) {
  const [, again] = useState(0);
  useEffect(() => {
    listeners.add(again);
    return () => listeners.delete(again);
  }, []);
  return counts.get(id) ?? 0;
}
