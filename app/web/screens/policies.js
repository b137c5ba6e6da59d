// The ladders of a hospital's desks: which steps a new case gets, whose they are, and what would happen for one question at one
// moment. Administrators edit; coordinators and specialists read. Address: /policies?desk=…
import "../strings/run.js";
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { fmtWhen, lang, t } from "../core/i18n.js";
import { useModule } from "../core/lazy.js";
import { navigate } from "../core/router.js";
import { AppBar, Failed, Loading } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import { useTitle } from "../core/title.js";
import { roleText, URGENCIES } from "../parts/facts.js";
import { Urgency } from "../parts/urgency.js";
import { Load } from "./load.js";
import { durationText } from "./policy-editor.js";
import { WhatIf } from "./what-if.js";

export function Policies() {
  const me = useStore((s) => s.me);
  const [desks, setDesks] = useState(null);
  const [error, setError] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  useTitle(t("nav.policies"));
  useEffect(() => {
    setError(null);
    get("/desks").then(({ items }) => setDesks(items), setError);
  }, [tries]);
  const asked = new URLSearchParams(location.search).get("desk");
  const own = (desks ?? []).filter((d) => d.hospital === me.hospital);
  const mine = own.find((d) => d.id === me.desks?.[0]?.desk) ?? own.find((d) => me.specialties?.includes(d.specialty)) ?? own[0];
  const chosen = own.find((d) => d.id === asked) ?? (asked === "hospital" ? null : mine ?? null);
  const name = (who) => roleText(who.startsWith("desk:") ? desks?.find((d) => d.id === who.slice(5))?.name ?? t("l.partner") : who.startsWith("user:") ? t("l.person") : who);
  return html`<${AppBar} title=${t("nav.policies")} sub=${me.hospital_name} back="/" mini />
    <main class="run">${error ? html`<${Failed} error=${error} title=${t("error.screen")} onRetry=${again} />` : !desks ? html`<${Loading} />` : html`<div class="pol">
      <div class="pol-l">
        <div><label for="pol-desk">${t("l.whose")}</label><select id="pol-desk" class="in" value=${chosen?.id ?? "hospital"} onChange=${(e) => navigate(`/policies?desk=${e.target.value}`, { replace: true })}>
          ${own.map((d) => html`<option key=${d.id} value=${d.id} lang="vi" selected=${d.id === chosen?.id}>${d.name}</option>`)}<option value="hospital" selected=${!chosen}>${t("l.whole")}</option></select>
          <p class="cap">${t("l.frozen")}</p></div>
        ${URGENCIES.map((urgency) => html`<${Policy} key=${`${chosen?.id ?? "hospital"}:${urgency}`} path=${chosen ? `/desks/${chosen.id}` : `/hospitals/${me.hospital}`} urgency=${urgency} name=${name} desks=${desks} desk=${chosen} />`)}
      </div>
      <div class="pol-r stack"><${WhatIf} desk=${chosen} name=${name} />${chosen && html`<${Load} key=${chosen.id} desk=${chosen} />`}</div>
    </div>`}</main>`;
}

/** One ladder in force, or its editor. */
function Policy({ path, urgency, name, desks, desk }) {
  const me = useStore((s) => s.me);
  const [policy, setPolicy] = useState(null);
  const [error, setError] = useState(null);
  const [editing, setEditing] = useState(false);
  const editor = useModule(editing && (() => import("./policy-editor.js")));
  const where = `${path}/policies/${urgency}`;
  const read = () => {
    setError(null);
    return get(where).then(setPolicy, setError);
  };
  useEffect(() => { read(); }, [where]);
  const saved = (next) => {
    setPolicy(next);
    setEditing(false);
  };
  return html`<section class="card pol-card" aria-label=${t(`urgency.${urgency}`)}>
    <div class="row wrap"><${Urgency} level=${urgency} />${policy && html`<span class=${`chip ${policy.own ? "info" : ""}`}>${t(`l.source.${policy.source}`)}</span>
      <span class="cap num">${t("l.version", { n: policy.version, time: fmtWhen(policy.valid_from) })}</span>`}
      ${policy && me.role === "admin" && !editing && html`<button type="button" class="btn s o end" onClick=${() => setEditing(true)}><${Icon} name="edit" />${t("l.edit")}</button>`}</div>
    ${error && html`<p class="note bad gap" role="alert"><${Icon} name="warn" /><span>${error.detail || t("error.network")}</span></p>`}
    ${policy && (editing && editor ? html`<${editor.PolicyEditor} where=${where} urgency=${urgency} policy=${policy} name=${name} desks=${desks} desk=${desk} done=${saved} close=${() => setEditing(false)} reread=${read} />`
      : html`<${Steps} policy=${policy} name=${name} />`)}
  </section>`;
}

function Steps({ policy, name }) {
  return html`<ol class="pol-steps">${policy.steps.map((s, i) => html`<li key=${i}><span class="pol-n">${i + 1}</span>
      <span><b lang="vi">${s.who.map(name).join(", ")}</b><br /><span class="cap">${[t(`l.mode.${s.mode}`), s.clock === "working_hours" && t("l.clock.working_hours"), s.channels.length > 0 && s.channels.map((x) => t(`account.channel.${x}`)).join(", "), !s.skip_empty && t("l.waits_empty"), !s.keep && t("l.stops")].filter(Boolean).join(" · ")}</span></span>
      <b class="num nowrap">${durationText(s.timeout_s)}</b></li>`)}</ol>
    <p class="cap gap">${t("l.silent", { time: durationText(policy.silent_s) })} · ${t("l.due", { time: durationText(policy.answer_due_s) })}</p>`;
}

export const specialtyWords = (code) => specialtyName(code, lang());
