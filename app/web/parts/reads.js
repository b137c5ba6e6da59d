// Reading something for a dialog. That it could not be read is said, with a way to try again: it is not the same as nobody or none.
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { t } from "../core/i18n.js";

/**
 * const [value, failed] = useRead(load, key);      `value` is null until it was read; `failed` goes into <ReadFailed>
 * @param load  () => Promise, called again for another `key`; without a key nothing is read
 */
export function useRead(load, key = "once") {
  const [state, set] = useState({ value: null, failed: false });
  const [tries, again] = useReducer((n) => n + 1, 0);
  useEffect(() => {
    let gone = false;
    set({ value: null, failed: false });
    if (key) load().then((value) => !gone && set({ value, failed: false }), () => !gone && set({ value: null, failed: true }));
    return () => { gone = true; };
  }, [key, tries]);
  return [state.value, state.failed && again];
}

/** @param failed  second value of useRead()   @param words  what could not be read */
export function ReadFailed({ failed, words }) {
  if (!failed) return null;
  return html`<div class="note bad row wrap" role="alert"><${Icon} name="warn" /><span class="grow">${words}</span><button type="button" class="btn s o" onClick=${failed}><${Icon} name="refresh" />${t("error.retry")}</button></div>`;
}
