// Where administrators and the platform's operator begin: what they may look after, and what needs them now.
import "../strings/run.js";
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { t } from "../core/i18n.js";
import { AppBar, pagesOf } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { useTitle } from "../core/title.js";

const SOON_DAYS = 60;

/** How many things need somebody now, by address: {"/rota": 2}; what cannot be read stays unsaid. */
function useNeeds(role) {
  const [needs, set] = useState({});
  useEffect(() => {
    const count = (path, reading, rule) => get(reading).then((r) => set((now) => ({ ...now, [path]: r.items.filter(rule).length })), () => {});
    if (role === "admin") count("/rota", "/gaps", () => true);
    count("/agreements", "/agreements?state=current", (a) => a.days_left != null && a.days_left <= SOON_DAYS);
  }, [role]);
  return needs;
}

export function Start() {
  const me = useStore((s) => s.me);
  const needs = useNeeds(me.role);
  useTitle(t("nav.start"));
  return html`<${AppBar} /><main class="run"><h1 class="h1">${t("nav.start")}</h1>
    <div class="tiles">${pagesOf(me.role).filter(([path]) => path !== "/").map(([path, key, icon]) => html`<a key=${path} class="card tile" href=${path}><${Icon} name=${icon} /><b>${t(key)}</b>
      <span class="cap">${t(`s.what.${path.slice(1)}`)}${needs[path] > 0 ? html`<br /><b class="missing">${t(`s.needs.${path.slice(1)}`, { n: needs[path] })}</b>` : ""}</span></a>`)}</div></main>`;
}
