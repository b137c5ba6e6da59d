// The rota of a desk for a week, to read: the result rows of the same calculation that routes live calls, with its gaps.
import "../parts/rings.js";
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow, useTick } from "../core/clock.js";
import { fmtDate, fmtTime, fromVietnam, lang, t, vietnam } from "../core/i18n.js";
import { AppBar, Failed, Loading } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import { roleText } from "../parts/facts.js";
import { Rail } from "../parts/rail.js";

const DAY = 86400e3;
const ROLES = ["primary", "backup", "head_of_shift", "red_team", "leadership", "coordinator"];

/** Monday 00:00, Vietnam time, of the week that holds this instant. */
function monday(ms) {
  const d = vietnam(ms);
  const date = new Date(d.getTime() - ((d.getUTCDay() + 6) % 7) * DAY).toISOString().slice(0, 10);
  return fromVietnam(date, "00:00").getTime();
}

export function Rota() {
  const me = useStore((s) => s.me);
  const [desks, setDesks] = useState(null);
  const [desk, setDesk] = useState(me.desks?.[0]?.desk ?? "");
  const [week, setWeek] = useState(monday(serverNow()));
  const [duty, setDuty] = useState(null);
  const [error, setError] = useState(null);
  const [tries, again] = useReducer((n) => n + 1, 0);
  useTick(60000);
  useEffect(() => {
    get("/desks").then((r) => {
      const own = r.items.filter((d) => d.hospital === me.hospital);
      const all = [...(own.length ? own : r.items)].sort((a, b) => a.name.localeCompare(b.name, "vi"));
      setDesks(all);
      setDesk((d) => d || all[0]?.id || "");
    }, setError);
  }, [tries]);
  useEffect(() => {
    if (!desk) return undefined;
    let gone = false;
    setDuty(null);
    setError(null);
    const iso = (ms) => encodeURIComponent(new Date(ms).toISOString());
    get(`/desks/${desk}/duty?from=${iso(week)}&to=${iso(week + 7 * DAY)}`).then((d) => !gone && setDuty(d), (e) => !gone && setError(e));
    return () => { gone = true; };
  }, [desk, week, tries]);
  const wide = me.role !== "requester";
  return html`<div class="rota"><${AppBar} title=${t("nav.rota")} sub=${t("r.zone")} mini back=${wide ? undefined : "/"} />
    <div class="app2">${wide && html`<${Rail} current="/rota" />`}<main class="ro">
      <div class="row wrap ro-h">
        <select class="in b-sel" aria-label=${t("r.desk")} value=${desk} onChange=${(e) => setDesk(e.target.value)}>${(desks ?? []).map((d) => html`<option key=${d.id} value=${d.id} selected=${d.id === desk}>${d.name || specialtyName(d.specialty, lang())}</option>`)}</select>
        <button type="button" class="ib" aria-label=${t("r.before")} onClick=${() => setWeek(week - 7 * DAY)}><${Icon} name="back" /></button>
        <b class="num">${fmtDate(week, { year: false })} – ${fmtDate(week + 6 * DAY)}</b>
        <button type="button" class="ib" aria-label=${t("r.after")} onClick=${() => setWeek(week + 7 * DAY)}><${Icon} name="chev" /></button>
        <button type="button" class="btn s g" onClick=${() => setWeek(monday(serverNow()))}>${t("r.today")}</button>
      </div>
      ${error ? html`<${Failed} error=${error} onRetry=${again} />` : !duty ? html`<${Loading} />` : html`<${Week} duty=${duty} week=${week} />`}
    </main></div></div>`;
}

/** What is over cannot be filled any more: gaps are shown from now on. */
const ahead = (gaps) => {
  const now = serverNow();
  return gaps.filter((g) => Date.parse(g.to) > now).map((g) => (Date.parse(g.from) < now ? { ...g, from: new Date(now).toISOString() } : g));
};

function Week({ duty: { slots, gaps: all }, week }) {
  const duty = { slots, gaps: ahead(all) };
  const roles = [...new Set([...duty.slots, ...duty.gaps].map((x) => x.role))].sort((a, b) => ROLES.indexOf(a) - ROLES.indexOf(b));
  const names = [...new Set(duty.slots.map((s) => s.doctor_name))].sort();
  const place = (x) => {
    const from = Math.max(0, Date.parse(x.from) - week) / (7 * DAY);
    const to = Math.min(7 * DAY, Date.parse(x.to) - week) / (7 * DAY);
    return { left: `${from * 100}%`, width: `${(to - from) * 100}%` };
  };
  const now = (serverNow() - week) / (7 * DAY);
  const words = (x) => `${fmtDate(x.from, { year: false })} ${fmtTime(x.from)} – ${fmtDate(x.to, { year: false })} ${fmtTime(x.to)}`;
  return html`${duty.gaps.length > 0 && html`<div class="note bad gap-b" role="alert"><${Icon} name="warn" /><span>${duty.gaps.slice(0, 5).map((g) => html`<b key=${g.from + g.role} class="blk-link">${t("r.gap", { role: roleText(g.role).toLowerCase(), time: words(g) })}</b>`)}</span></div>`}
    <div class="wk" tabindex="0" role="region" aria-label=${t("r.week")}><div class="wk-in">
      <div class="wr wr-d"><div class="h"></div><div class="tk">${[0, 1, 2, 3, 4, 5, 6].map((i) => html`<div key=${i} class=${now * 7 >= i && now * 7 < i + 1 ? "to" : ""}>${t(`r.d.${i}`)} <span class="num">${fmtDate(week + i * DAY, { year: false })}</span></div>`)}</div></div>
      ${roles.map((role) => html`<div class="wr" key=${role}><div class="h"><b>${roleText(role)}</b></div><ul class="tk" style=${{ height: `${lanes(duty.slots.filter((s) => s.role === role)).height}px` }}>
        ${lanes(duty.slots.filter((s) => s.role === role)).rows.map(({ slot, lane }) => html`<li class=${`bk c${names.indexOf(slot.doctor_name) % 4}`} key=${slot.from + slot.doctor} style=${{ ...place(slot), top: `${lane * 34}px` }} title=${`${slot.doctor_name} · ${words(slot)}`}><b class="clip">${slot.doctor_name.replace(/^(BS|Bác sĩ) trực /, "")}</b><span class="vh">${words(slot)}</span></li>`)}
        ${duty.gaps.filter((g) => g.role === role).map((g) => html`<li class="bk gp" key=${`g${g.from}`} style=${place(g)} title=${words(g)}><b>${t("r.missing")}</b><span class="vh">${words(g)}</span></li>`)}
        ${now >= 0 && now < 1 && html`<li class="nl" aria-hidden="true" style=${{ left: `${now * 100}%` }}></li>`}</ul></div>`)}
    </div></div>
    ${!roles.length && html`<p class="sub">${t("r.none")}</p>`}
    <p class="cap gap-t">${t("r.note")}</p>`;
}

/** Members of a team are on at the same time: each overlapping slot gets a line of its own. */
function lanes(slots) {
  const ends = [];
  const rows = [...slots].sort((a, b) => (a.from < b.from ? -1 : 1)).map((slot) => {
    let lane = ends.findIndex((end) => end <= slot.from);
    if (lane < 0) lane = ends.length;
    ends[lane] = slot.to;
    return { slot, lane };
  });
  return { rows, height: Math.max(1, ends.length) * 34 };
}
