// Choosing a doctor who is on call now, or a whole desk: for forwarding, assigning, inviting and handing over.
import { html, Icon, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { t } from "../core/i18n.js";
import { roleText } from "./facts.js";
import { ReadFailed, useRead } from "./reads.js";

const plain = (s) => s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();

/** People on call at a desk now, or at an instant: {list, loading, failed}. Nobody is on call only if it did not fail. */
export function useOnCall(desk, at = null) {
  const [list, failed] = useRead(() => get(`/desks/${desk}/on-call${at ? `?at=${encodeURIComponent(at)}` : ""}`).then((r) => r.on_call), desk && `${desk} ${at}`);
  return { list: list ?? [], loading: Boolean(desk) && !list && !failed, failed };
}

/**
 * @param desk      id of the desk opened first (the one of the case)
 * @param deskName  its name
 * @param specialty only desks of this specialty are offered beside it; omit for all
 * @param exclude   user ids not offered (myself, the holder)
 * @param onPick    ({user_id, name}) or, with `desks`, ({desk_id, name})
 * @param desks     whether a whole desk may be chosen
 * @param at        who was on call then, instead of now
 * @param busy      disables the list while a command is under way
 */
export function DoctorPicker({ desk, deskName, specialty, exclude = [], onPick, desks: wholeDesks = false, at = null, busy = false }) {
  const [q, setQ] = useState("");
  const [open, setOpen] = useState(null);
  const [desks, failed] = useRead(() => get(`/desks${specialty ? `?specialty=${encodeURIComponent(specialty)}` : ""}`).then((r) => r.items), specialty || "all");
  const others = (desks ?? []).filter((d) => d.id !== desk && (!q || plain(`${d.name} ${d.hospital_name}`).includes(plain(q))));
  return html`<div class="stack picker">
    ${desk && html`<${People} desk=${desk} at=${at} title=${deskName} exclude=${exclude} onPick=${onPick} busy=${busy} />`}
    <div><label for="pick-q">${t("p.pick.search")}</label><input id="pick-q" class="in" value=${q} onInput=${(e) => setQ(e.target.value)} autocomplete="off" /></div>
    <ul class="stack-s">
      ${others.slice(0, 12).map(
        (d) => html`<li key=${d.id}>
          <button type="button" class="btn o blk pk-row" aria-expanded=${open === d.id} onClick=${() => setOpen(open === d.id ? null : d.id)}>
            <span><b>${d.name}</b><br /><span class="sub">${d.hospital_name}</span></span><${Icon} name="down" /></button>
          ${open === d.id && html`<div class="pk-in">
            ${wholeDesks && html`<button type="button" class="btn o blk pk-row" disabled=${busy} onClick=${() => onPick({ desk_id: d.id, name: d.name })}><span>${t("p.pick.whole_desk")}</span><${Icon} name="users" /></button>`}
            <${People} desk=${d.id} at=${at} exclude=${exclude} onPick=${onPick} busy=${busy} /></div>`}
        </li>`,
      )}
      ${failed && html`<li><${ReadFailed} failed=${failed} words=${t("p.pick.desks_failed")} /></li>`}
      ${desks && !others.length && html`<li class="sub">${t("p.pick.none")}</li>`}
    </ul>
  </div>`;
}

function People({ desk, at, title, exclude, onPick, busy }) {
  const { list, loading, failed } = useOnCall(desk, at);
  const people = list.filter((p, i) => !exclude.includes(p.doctor) && list.findIndex((x) => x.doctor === p.doctor) === i);
  return html`<div class="stack-s">
    ${title && html`<p class="lbl">${title}</p>`}
    ${loading && html`<p class="sub">${t("p.loading")}</p>`}
    <${ReadFailed} failed=${failed} words=${t("p.pick.failed")} />
    ${!loading && !failed && !people.length && html`<p class="sub">${t("p.pick.nobody")}</p>`}
    ${people.map(
      (p) => html`<button type="button" key=${p.doctor} class="btn o blk pk-row" disabled=${busy} onClick=${() => onPick({ user_id: p.doctor, name: p.doctor_name, role: p.role })}>
        <span>${p.doctor_name}<br /><span class="sub">${roleText(p.role)}${p.phone && html` · <span class="num nowrap">${p.phone}</span>`}</span></span>
        <span class=${`chip ${p.online ? "ok" : "warn"}`}>${t(p.online ? "p.online" : "p.phone_only")}</span>
      </button>`,
    )}
  </div>`;
}
