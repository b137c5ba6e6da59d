// Free text of unknown length in a small space. Text that is cut says so, and one tap shows all of it (hazard 16).
import { html, useLayoutEffect, useRef, useState } from "../core/html.js";
import { t } from "../core/i18n.js";

/**
 * @param text   what a doctor typed: shown as typed, line breaks kept
 * @param lines  how many lines before it is cut
 */
export function Clamp({ text, lines = 3 }) {
  const ref = useRef(null);
  const [open, setOpen] = useState(false);
  const [cut, setCut] = useState(false);
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el || open) return undefined;
    const measure = () => setCut(el.scrollHeight > el.clientHeight + 2);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(el);
    return () => observer.disconnect();
  }, [text, open]);
  return html`<span class="clamp-box" lang="vi"><span ref=${ref} class=${open ? "clamp open" : "clamp"} style=${{ WebkitLineClamp: lines }}>${text}</span>
    ${(cut || open) && html`<button type="button" class="clamp-more" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? "p.less" : "p.more")}</button>`}</span>`;
}
