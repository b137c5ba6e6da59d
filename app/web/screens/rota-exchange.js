// A rota that is kept elsewhere comes in as a table or a calendar, tried out before anything is saved; duty goes out as calendars,
// whose address is shown once.
import "../strings/rota.js";
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get, request } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { fmtDate, t } from "../core/i18n.js";
import { notify } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { ActButton, errorText } from "../parts/action.js";
import { ownerPath } from "./rota-draft.js";

export function Exchange({ owner, edit, name, onSaved }) {
  return html`<div class="mine">
    ${owner.kind === "desk" && edit.may("import_rota") && html`<${Import} owner=${owner} name=${name} onSaved=${onSaved} />`}
    <${Feeds} owner=${owner} edit=${edit} name=${name} /></div>`;
}

/** An exchange that is not kept for later: the button says that it is under way, and the answer or the reason is below. */
function useOnce() {
  const [state, set] = useState({ busy: null, error: null });
  const run = async (what, work) => {
    set({ busy: what, error: null });
    try {
      const answer = await work();
      set({ busy: null, error: null });
      return answer ?? {};
    } catch (error) {
      set({ busy: null, error });
      return null;
    }
  };
  return [run, state];
}

const Wrong = ({ error }) => error && html`<p class="note bad" role="alert"><${Icon} name="warn" /><span>${errorText(error)}</span></p>`;

function Import({ owner, name, onSaved }) {
  const [file, setFile] = useState(null);
  const [whole, setWhole] = useState(false);
  const [seen, setSeen] = useState(null);
  const [run, { busy, error }] = useOnce();
  const send = (dry) => async (e) => {
    e?.preventDefault();
    const type = /^BEGIN:VCALENDAR/i.test(file.text.trimStart()) ? "text/calendar" : "text/csv";
    const answer = await run(dry ? "try" : "save", () => request("POST", `${ownerPath(owner)}/rota/import?dry_run=${dry}&replace=${whole}`, { body: file.text, type: `${type}; charset=utf-8`, key: crypto.randomUUID(), timeout: 30000 }));
    if (!answer) return;
    setSeen(answer);
    if (dry || answer.errors.length) return;
    notify(t("r.x.saved", answer), "ok");
    setFile(null);
    setSeen(null);
    onSaved();
  };
  const choose = async (input) => {
    const chosen = input.files[0];
    setSeen(null);
    setFile(chosen ? { name: chosen.name, text: await chosen.text() } : null);
  };
  const counts = seen && t("r.x.counts", { rows: seen.rows, added: seen.added, changed: seen.changed, removed: seen.removed });
  return html`<section class="card stack"><h2 class="h3">${t("r.x.import", { name })}</h2><p class="sub">${t("r.x.import_hint")}</p>
    <div><label for="imp-file">${t("r.x.file")}</label><input class="in" id="imp-file" type="file" accept=".csv,.tsv,.txt,.ics,text/csv,text/calendar" onChange=${(e) => choose(e.target)} /></div>
    <label class="row check"><input class="cb" type="checkbox" checked=${whole} onChange=${(e) => { setWhole(e.target.checked); setSeen(null); }} /><span>${t("r.x.whole")}</span></label>
    <${ActButton} cls="btn o blk" busy=${busy === "try"} disabled=${!file} onClick=${send(true)}>${t("r.x.try")}</${ActButton}>
    <${Wrong} error=${error} />
    <div aria-live="polite" class="stack-s">${seen && (seen.errors.length ? html`<div class="note bad"><${Icon} name="warn" /><span><b>${t("r.x.errors", { n: seen.errors.length })}</b> ${counts}</span></div>
        <table class="imp-err"><caption class="vh">${t("r.x.errors", { n: seen.errors.length })}</caption><thead><tr><th scope="col">${t("r.x.line")}</th><th scope="col">${t("r.x.why")}</th></tr></thead><tbody>${seen.errors.slice(0, 50).map((e) => html`<tr key=${e.line + e.detail}><td class="num">${e.line}</td><td>${e.detail}</td></tr>`)}</tbody></table>`
      : html`<p class="note ok"><${Icon} name="check" /><span>${counts}</span></p>`)}</div>
    ${seen && !seen.errors.length && html`<${ActButton} cls="btn p blk" busy=${busy === "save"} onClick=${send(false)}>${t("r.x.save")}</${ActButton}>`}
    <details class="r-hol"><summary>${t("r.x.form")}</summary><p class="sub">${t("r.x.form_hint")}</p><p class="secret">role,doctor,from,to<br />primary,000013/DEMO-CCHN,${exampleDay()} 08:00,${exampleDay(1)} 08:00</p></details>
  </section>`;
}

const exampleDay = (later = 0) => fmtDate(serverNow() + (30 + later) * 86400e3).split("/").reverse().join("-");

function Feeds({ owner, edit, name }) {
  const me = useStore((s) => s.me);
  const [feeds, setFeeds] = useState(null);
  const [made, setMade] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  const [run, { busy, error }] = useOnce();
  useEffect(() => { get("/feeds").then((r) => setFeeds(r.items), () => setFeeds((f) => f ?? [])); }, [tries]);
  const make = (what, body) => async () => {
    const answer = await run(what, () => request("POST", "/feeds", { body }));
    if (!answer) return;
    setMade(answer);
    again();
  };
  const revoke = (feed) => async () => {
    if (!(await run(feed.id, () => request("DELETE", `/feeds/${feed.id}`)))) return;
    if (made?.id === feed.id) setMade(null);
    notify(t("r.x.revoked"), "ok");
    again();
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.url);
      notify(t("r.x.copied"), "ok");
    } catch {
      document.getElementById("feed-url")?.select();
    }
  };
  return html`<section class="card stack"><h2 class="h3">${t("r.x.feeds")}</h2><p class="sub">${t("r.x.feeds_hint")}</p>
    <div class="row wrap">${["specialist", "coordinator"].includes(me.role) && html`<${ActButton} cls="btn s o" icon="plus" busy=${busy === "own"} onClick=${make("own", {})}>${t("r.x.own")}</${ActButton}>`}
      ${edit.may("make_rota_feed") && html`<${ActButton} cls="btn s o" icon="plus" busy=${busy === "rota"} onClick=${make("rota", { [owner.kind]: owner.id })}>${t("r.x.of", { name })}</${ActButton}>`}</div>
    <${Wrong} error=${error} />
    ${made && html`<div class="note ok" role="status"><${Icon} name="link" /><div class="grow stack-s"><b>${t("r.x.once")}</b><input class="in secret" id="feed-url" readonly aria-label=${t("r.x.address")} value=${made.url} onFocus=${(e) => e.target.select()} /><button type="button" class="btn s p" onClick=${copy}>${t("r.x.copy")}</button></div></div>`}
    ${feeds && !feeds.length && !made && html`<p class="sub">${t("r.x.none")}</p>`}
    <ul>${(feeds ?? []).map((f) => html`<li class="duty" key=${f.id}><span class="grow"><b>${f.desk || f.hospital ? f.name : t("r.x.mine")}</b><br /><span class="sub">${t("r.x.since", { date: fmtDate(f.made_at) })}</span></span>
      <${ActButton} cls="btn s o" busy=${busy === f.id} aria-label=${t("r.x.revoke_of", { name: f.desk || f.hospital ? f.name : t("r.x.mine") })} onClick=${revoke(f)}>${t("r.x.revoke")}</${ActButton}></li>`)}</ul></section>`;
}
