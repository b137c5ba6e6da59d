// What the reader is told about the sound of this device.
import { enableSound, onAlarm, ringingNow, soundState } from "../alarm.js";
import { html, Icon, useEffect, useReducer } from "../core/html.js";
import { t } from "../core/i18n.js";
import { useStore } from "../core/store.js";
import { hotline, tel } from "../core/telephones.js";

/** {sound: "on" | "blocked" | "phone", rings}: re-renders when either changes. */
export function useAlarm() {
  const [, again] = useReducer((n) => n + 1, 0);
  useEffect(() => onAlarm(again), []);
  return { sound: soundState(), rings: ringingNow() };
}

/** State of the sound in the app bar; a tap plays the test. */
export function SoundButton() {
  const { sound } = useAlarm();
  const on = sound === "on";
  return html`<button type="button" class=${`btn s ${on ? "g" : "o"} sound-btn`} onClick=${enableSound} title=${t("a.test")}>
    <${Icon} name="vol" /><span class=${on ? "dsk" : ""}>${t(on ? "a.on" : "a.off")}</span><span class="vh"> · ${t("a.test")}</span></button>`;
}

/** One line when this device is silent while something rings: over the card, or as a `strip` under the line of the ring. */
export function SoundNotice({ cls = "gap-b" }) {
  const { sound } = useAlarm();
  const connection = useStore((s) => s.connection.state);
  if (connection === "offline") return html`<div class=${`note warn ${cls}`} role="status"><${Icon} name="off" /><span>${t("d.cut_off")} ${hotline() ? html`<a href=${tel(hotline().phone)}><b>${hotline().phone}</b></a>` : ""}</span></div>`;
  if (sound === "on") return null;
  return html`<div class=${`note warn row ${cls}`} role="alert"><${Icon} name="vol" /><span class="grow">${t(sound === "phone" ? "a.skipped" : "a.blocked")}</span>
    <button type="button" class="btn s p" onClick=${enableSound}>${t("a.test")}</button></div>`;
}

