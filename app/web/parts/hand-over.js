// The end of a duty: every open case and all unread advice in one list, the successor already chosen, one button (hazard 24).
import "../strings/after.js";
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { fmtWhen, t } from "../core/i18n.js";
import { notify, openDialog } from "../core/shell.js";
import { useStore } from "../core/store.js";
import { ActButton, ActionState, useAction } from "./action.js";
import { DialogHead } from "./dialogs.js";
import { Drill, drillCls } from "./drill.js";
import { nameList, personText, problemText, roleText } from "./facts.js";
import { DoctorPicker } from "./picker.js";
import { Urgency } from "./urgency.js";

export const handOverDutyDialog = () =>
  openDialog((close) => html`<${DialogHead} title=${t("h.title")} close=${close} /><${HandOverDuty} close=${close} />`, { label: t("h.title") });

function HandOverDuty({ close }) {
  const me = useStore((s) => s.me);
  const [items, setItems] = useState(null);
  const [failed, setFailed] = useState(false);
  const [tries, again] = useReducer((n) => n + 1, 0);
  const [to, setTo] = useState(null);
  const [choosing, setChoosing] = useState(false);
  const [note, setNote] = useState("");
  const [run, action] = useAction();
  useEffect(() => {
    setFailed(false);
    get("/me/hand-over").then((r) => setItems(r.items), () => setFailed(true));
  }, [tries]);
  if (failed) return html`<div class="stack"><p class="note bad" role="alert"><${Icon} name="warn" /><span>${t("h.failed")}</span></p><button type="button" class="btn o" onClick=${again}>${t("error.retry")}</button></div>`;
  if (!items) return html`<p class="sub">${t("p.loading")}</p>`;
  if (!items.length) return html`<p class="note ok"><${Icon} name="check" /><span>${t("h.none")}</span></p>`;
  const held = (x) => x.case.status === "active"; // a concluded case is here for its advice that nobody has read back
  const open = items.filter((x) => held(x) && !x.handing_to.length);
  const lost = open.filter((x) => !x.successor);
  const successors = [...new Map(open.filter((x) => x.successor).map((x) => [x.successor.user, x.successor])).values()];
  const send = async () => {
    const body = { ...(to ? { user_id: to.user_id } : {}), cases: open.map((x) => x.case.id), ...(note.trim() ? { note: note.trim() } : {}) };
    const done = await run({ path: "/me/hand-over", body, what: "hand-over-duty" });
    if (!done) return;
    notify(t("h.done", { name: nameList(done.items.map((x) => x.name).filter(Boolean)), n: done.items.length }), "ok", 12);
    close(true);
  };
  return html`<div class="stack"><p class="cap">${t("h.hint")}</p>
    <ul class="stack-s ho-list">${items.map((x) => html`<li key=${x.case.id} class=${`card ho${drillCls(x.case)}`}>
      <div class="row wrap"><${Drill} c=${x.case} /><${Urgency} level=${x.case.urgency} short /><span class="cap num end">${x.case.number}</span></div>
      <b lang="vi">${[x.case.label, personText(x.case), problemText(x.case)].filter(Boolean).join(" · ")}</b>
      <p class="cap">${[x.case.hospital_name, x.case.held_since && t("d.since", { time: fmtWhen(x.case.held_since) })].filter(Boolean).join(" · ")}</p>
      ${x.unread.length > 0 && html`<p class="missing"><${Icon} name="warn" />${t("h.unread", { n: x.unread.length })}</p>`}
      ${held(x) && html`<p class="sub"><${Icon} name=${x.handing_to.length ? "bell" : "user"} /> ${x.handing_to.length ? t("h.handing", { name: nameList(x.handing_to) }) : to ? to.name : x.successor ? t("h.next_named", { name: x.successor.name, role: roleText(x.successor.role).toLowerCase(), time: fmtWhen(x.successor.since) }) : t("h.nobody")}</p>`}</li>`)}</ul>
    ${open.length > 0 && html`<div><span class="lbl" id="ho-to">${t("h.to")}</span><div class="pick" role="radiogroup" aria-labelledby="ho-to">
        ${successors.length > 0 && html`<button type="button" role="radio" aria-checked=${to ? "false" : "true"} onClick=${() => { setTo(null); setChoosing(false); }}>${!to && html`<${Icon} name="check" />`}${successors.length === 1 ? successors[0].name : t("h.next")}</button>`}
        ${to && html`<button type="button" role="radio" aria-checked="true"><${Icon} name="check" />${to.name}</button>`}
        <button type="button" role="radio" aria-checked="false" aria-expanded=${choosing ? "true" : "false"} onClick=${() => setChoosing(!choosing)}>${t("h.somebody")}</button></div></div>
      ${choosing && html`<${DoctorPicker} desk=${me.desks?.[0]?.desk ?? open[0].case.desk} deskName=${me.desks?.[0]?.desk_name ?? open[0].case.desk_name} exclude=${[me.id]} onPick=${(who) => { setTo(who); setChoosing(false); }} />`}
      <div><label for="hod-note">${t("h.note")} <span class="opt">${t("p.optional")}</span></label><textarea id="hod-note" class="in" rows="2" value=${note} aria-describedby="hod-note-h" onInput=${(e) => setNote(e.target.value)}></textarea>
        <p class="cap" id="hod-note-h">${t("h.note_hint")}</p></div>
      <${ActionState} action=${action} />
      <${ActButton} cls="btn p xl blk" icon="swap" busy=${action.busy} disabled=${lost.length > 0 && !to} onClick=${send}>${t("h.send", { n: open.length })}</${ActButton}>`}
  </div>`;
}
