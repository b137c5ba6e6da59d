// Countdowns to a moment that the server named. Past it, the client does not know what happened: it says that it is checking.
import { html, useEffect, useRef } from "../core/html.js";
import { announce } from "../core/shell.js";
import { lang, t } from "../core/i18n.js";
import { serverNow, useTick } from "../core/clock.js";

/** Whole seconds until `iso` by the server's clock; negative once past; null without a time. */
export const secondsTo = (iso) => (iso ? Math.ceil((Date.parse(iso) - serverNow()) / 1000) : null);

/** "0:40", "10:40", "12 giờ 52"; minus sign when negative. */
export function clockText(seconds) {
  const s = Math.abs(seconds);
  const sign = seconds < 0 ? "−" : "";
  const mm = Math.floor(s / 60);
  if (mm >= 60) return `${sign}${Math.floor(mm / 60)} ${t("p.hour")} ${String(mm % 60).padStart(2, "0")}`;
  return `${sign}${mm}:${String(s % 60).padStart(2, "0")}`;
}

/** "3 giờ 51 phút", "6 phút", "dưới 1 phút". */
export function spanText(seconds) {
  const mm = Math.floor(Math.max(0, seconds) / 60);
  if (mm < 1) return t("p.under_minute");
  const days = Math.floor(mm / 1440);
  if (days >= 2) return t("p.days", { n: days });
  const h = Math.floor(mm / 60);
  if (!h) return t("p.minutes", { n: mm });
  return mm % 60 ? t("p.hours_minutes", { h, m: mm % 60 }) : t("p.hours", { n: h });
}

const SPOKEN = [300, 120, 60, 30, 0];

/**
 * A countdown to the next step, never "time since".
 * @param to        ISO time of the server, or null
 * @param className class of the element ("cd", "tm", "t")
 * @param speak     words announced at 5:00, 2:00, 1:00, 0:30 and 0 (only the one main countdown of a screen)
 * @param over      what to show once past; default "đang kiểm tra…"
 */
export function Countdown({ to, className = "", speak = "", over }) {
  useTick();
  const left = secondsTo(to);
  const last = useRef(null);
  useEffect(() => {
    if (speak && left != null && left !== last.current && SPOKEN.includes(left) && last.current !== null) {
      announce(left === 0 ? speak : `${clockText(left)} · ${speak}`);
    }
    last.current = left;
  }, [left, speak]);
  if (left == null) return null;
  const past = left < 0;
  return html`<span class=${`${className} num${past ? " past" : ""}`} role="timer" aria-live="off" lang=${lang()}>
    ${past ? over ?? t("p.checking") : clockText(left)}
  </span>`;
}
