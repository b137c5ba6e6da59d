// «Not my duty»: who was rung says that the rota is wrong. It is said on the board until somebody puts it aside, also where the
// board was not open when it came. Importing this module is enough: it listens from then on.
import { html, Icon, useEffect, useState } from "../core/html.js";
import { fmtTime, t } from "../core/i18n.js";
import { useStore } from "../core/store.js";
import { onEvent } from "../core/stream.js";
import { drillCls, marked } from "./drill.js";
import { roleText } from "./facts.js";

let said = [];
const watchers = new Set();

function keep(list) {
  said = list;
  watchers.forEach((fn) => fn(list));
}

onEvent((e) => {
  if (e.t !== "duty.disputed" || !e.s.startsWith("user:") || said.some((x) => x.id === e.id)) return;
  keep([{ id: e.id, to: e.s, at: e.at, ...e.d }, ...said]);
});

export function Disputed() {
  const [list, set] = useState(said);
  const me = useStore((s) => s.me?.id);
  useEffect(() => {
    set(said);
    watchers.add(set);
    return () => watchers.delete(set);
  }, []);
  return list.filter((x) => x.to === `user:${me}`).map((x) => html`<section class=${`note warn row wrap${drillCls(x)}`} style=${{ marginBottom: "8px" }} role="alert" key=${x.id}><${Icon} name="warn" />
    <span style=${{ flex: "1 1 220px" }}>${marked(x, t("b.disputed", { name: x.doctor_name ?? "", role: roleText(x.role).toLowerCase(), desk: x.desk_name ?? "", time: fmtTime(x.at) }))}</span>
    <a class="btn s o" href=${`/rota?desk=${x.desk}`}>${t("w.open_rota")}</a>
    <button type="button" class="btn s g" onClick=${() => keep(said.filter((y) => y.id !== x.id))}>${t("p.close")}</button></section>`);
}
