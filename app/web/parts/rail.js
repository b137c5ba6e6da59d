// The rail at the left of the wide screens: the pages of the reader's role and the list of shortcuts.
import { html, Icon, useEffect, useRef } from "../core/html.js";
import { shortcutsOn } from "../core/device.js";
import { t } from "../core/i18n.js";
import { openDialog, pagesOf } from "../core/shell.js";
import { useStore } from "../core/store.js";

const SHORTCUTS = [["A", "k.accept"], ["C", "k.forward"], ["T", "k.decline"], ["J K", "k.move"], ["G", "k.insert"], ["Ctrl ↵", "k.send"], ["M", "k.silence"], ["X", "k.take"], ["F6", "k.card"], ["?", "k.help"]];

/** The list of shortcuts. */
export const shortcutsDialog = () =>
  openDialog((close) => html`<header class="row dlg-h"><h2 class="h3 grow">${t("k.title")}</h2><button type="button" class="ib" aria-label=${t("p.close")} onClick=${() => close()}><${Icon} name="x" /></button></header>
    <dl class="ks">${SHORTCUTS.map(([key, words]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd>${t(words)}</dd>`)}</dl>
    <p class="cap">${t(shortcutsOn() ? "k.note" : "k.off")}</p>`, { label: t("k.title") });

export function Rail({ current }) {
  const role = useStore((s) => s.me?.role);
  return html`<nav class="rail" aria-label=${t("k.nav")}>
    ${pagesOf(role).map(([path, key, icon]) => html`<a key=${path} href=${path} aria-current=${current === path ? "page" : undefined}><${Icon} name=${icon} /><span>${t(key)}</span></a>`)}
    <button type="button" class="rail-help" onClick=${shortcutsDialog}><${Icon} name="help" /><span>${t("k.title")}</span><kbd>?</kbd></button>
  </nav>`;
}

const typing = (el) => el instanceof Element && (el.closest("input, textarea, select, [contenteditable]") !== null);
/** A letter that decides something is not taken from beside another button, such as the one that refuses. */
const DECIDES = new Set(["KeyA", "KeyC", "KeyT"]);
const onAnotherButton = (el) => el instanceof Element && el.closest("button, summary") !== null && !el.closest(".qi, .w-accept");

/**
 * Single-key shortcuts by physical key, so that Vietnamese typing modes do not interfere. Never in a text field, never
 * with a modifier, off when the reader turned them off, and none while a dialog is open. A button that has the focus
 * keeps its own keys; letters work from the card, the list, or when nothing has the focus.
 * @param keys {KeyA: fn} or {KeyA: {hold: 300, run: fn}}: the key must be held that long
 */
export function useShortcuts(keys) {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    let timer = 0;
    const up = () => clearTimeout(timer);
    const down = (e) => {
      if (e.repeat || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || typing(e.target) || document.querySelector("dialog[open]")) return;
      if (DECIDES.has(e.code) && onAnotherButton(e.target)) return;
      if (!shortcutsOn() && e.code !== "F6") return;
      const action = now.current[e.code === "Slash" && e.shiftKey ? "Help" : e.code];
      if (!action) return;
      e.preventDefault();
      clearTimeout(timer);
      if (action.hold) timer = setTimeout(() => action.run(), action.hold);
      else action(e);
    };
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    addEventListener("blur", up);
    return () => {
      up();
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", up);
    };
  }, []);
}
