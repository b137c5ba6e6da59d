// Whichever page is open, whoever is rung sees it: one line that leads to the ring, and whether this device is silent.
import { html, Icon } from "../core/html.js";
import { t } from "../core/i18n.js";
import { usePath } from "../core/router.js";
import { useStore } from "../core/store.js";
import { Countdown } from "./countdown.js";
import { SoundNotice, useAlarm } from "./sound.js";

/** Nothing on the page that shows the ring itself: desk, board, and the case that rings. */
export function ElsewhereRings() {
  const path = usePath();
  const role = useStore((s) => s.me?.role);
  const rings = useAlarm().rings.filter((r) => path !== `/cases/${r.consultation}`);
  const home = role === "coordinator" ? "/board" : "/desk";
  if (!rings.length || ["/", "/desk", home].includes(path)) return null;
  return html`<div role="alert"><a class="note bad strip ring-strip" href=${home}><${Icon} name="bell" /><b class="grow">${t("c.rings", { title: rings[0].title, n: rings.length })}</b>
    <${Countdown} to=${rings[0].due_at} /><span class="btn s o">${t("c.rings_open")}</span></a></div><${SoundNotice} cls="strip" />`;
}
