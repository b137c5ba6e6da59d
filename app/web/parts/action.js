// Commands whose effect the screen must not guess: accept, decline, assign, conclude. The button says that it is being sent,
// the telephone appears after 3 s, and only the server's answer changes anything.
import { html, Icon, useCallback, useEffect, useRef, useState } from "../core/html.js";
import { has, t } from "../core/i18n.js";
import { command } from "../core/outbox.js";
import { refresh } from "../core/stream.js";

/**
 * const [run, action] = useAction();
 * `run({path, body, caseId, what, expiresAfter})` resolves to the server's answer, or to null when it was refused or one is under way;
 * `action` = {busy, slow, error, clear}; `busy` names the `what` that is under way.
 */
export function useAction() {
  const [state, set] = useState({ busy: null, slow: false, error: null });
  const alive = useRef(true);
  useEffect(() => () => (alive.current = false), []);
  const under = useRef(false); // a second tap, or Enter, is no second command
  const run = useCallback(async ({ expiresAfter = 60, ...spec }) => {
    if (under.current) return null;
    under.current = true;
    set({ busy: spec.what ?? "command", slow: false, error: null });
    const slow = setTimeout(() => alive.current && set((s) => ({ ...s, slow: true })), 3000);
    try {
      const answer = (await command({ ...spec, expiresAfter }).promise) ?? {};
      if (alive.current) set({ busy: null, slow: false, error: null });
      return answer;
    } catch (error) {
      if (error.type === "unanswered" && spec.caseId) refresh(spec.caseId).catch(() => {}); // the case tells whether it arrived
      if (alive.current) set({ busy: null, slow: false, error });
      return null;
    } finally {
      under.current = false;
      clearTimeout(slow);
    }
  }, []);
  const clear = useCallback(() => set({ busy: null, slow: false, error: null }), []);
  return [run, { ...state, clear }];
}

/** Why a command was refused, in words. */
export function errorText(error) {
  const key = `p.err.${String(error.type ?? "").split("/").pop()}`;
  if (has(key)) return t(key);
  return error.detail || error.title || t("p.err.fault");
}

/**
 * Under the buttons of an action: nothing, "still sending, telephone …", or the reason of a refusal.
 * @param action  second value of useAction()
 * @param phone   telephone offered meanwhile
 */
export function ActionState({ action, phone }) {
  if (action.error) {
    const list = action.error.errors ?? [];
    return html`<div class="note bad" role="alert"><${Icon} name="warn" /><span>${errorText(action.error)}
      ${list.length > 0 && html`<ul class="err-list">${list.map((e) => html`<li>${e.detail}</li>`)}</ul>`}</span></div>`;
  }
  if (!action.slow) return null;
  return html`<div class="note warn" role="status"><${Icon} name="clock" /><span>${t("p.slow")}
    ${phone && html` <a href=${`tel:${phone}`}><b>${t("p.call_number", { phone })}</b></a>`}</span></div>`;
}

/** A button that keeps its width and says "Đang gửi…" while its command is under way. */
export function ActButton({ cls = "btn p", busy = false, disabled = false, icon, kbd, onClick, children, type = "button", ...rest }) {
  return html`<button type=${type} class=${`${cls}${busy ? " busy" : ""}`} disabled=${disabled} aria-disabled=${busy ? "true" : undefined}
      onClick=${(e) => (busy ? e.preventDefault() : onClick?.(e))} ...${rest}>
    ${icon && html`<${Icon} name=${busy ? "refresh" : icon} />`}<span>${busy ? t("p.sending") : children}</span>${kbd && !busy && html` <kbd>${kbd}</kbd>`}
  </button>`;
}

/** Whether the reader may do something now; several names mean any of them. The server decides, the client only shows. */
export const may = (c, ...names) => names.some((n) => (c?.may ?? []).includes(n));
