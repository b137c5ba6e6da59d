// One's own duty of the next weeks: offer part or all of it for a swap, take a colleague's, ask for leave; who is responsible for
// a rota decides about leave here too.
import "../strings/rota.js";
import { html, Icon, useEffect, useReducer, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { t } from "../core/i18n.js";
import { Failed, Loading, notify } from "../core/shell.js";
import { onEvent } from "../core/stream.js";
import { Text } from "../core/form.js";
import { ActButton, ActionState, useAction } from "../parts/action.js";
import { openBody } from "../parts/dialogs.js";
import { roleText } from "../parts/facts.js";
import { Choice, Moment } from "./rota-forms.js";
import { DAY, iso, spanText } from "./rota-time.js";

const AHEAD = 28 * DAY;
const ms = (at) => Date.parse(at);

/** My duty and that of colleagues at the desks of my specialties, and of the hospital: [{ owner, name, slots }]. */
async function dutyOf(me) {
  const now = serverNow();
  const q = `from=${encodeURIComponent(iso(now))}&to=${encodeURIComponent(iso(now + AHEAD))}`;
  const { items } = await get("/desks");
  const desks = items.filter((d) => d.hospital === me.hospital && (me.specialties ?? []).includes(d.specialty));
  const all = [...desks.map((d) => ({ owner: { desk: d.id }, name: d.name, path: `/desks/${d.id}`, own: (s) => !["leadership", "coordinator"].includes(s.role) })),
    ...(me.role === "coordinator" ? [{ owner: { hospital: me.hospital }, name: me.hospital_name, path: `/hospitals/${me.hospital}`, own: () => true }] : [])];
  return Promise.all(all.map(async (x) => ({ ...x, slots: (await get(`${x.path}/duty?${q}`)).slots.filter(x.own) })));
}

export function Mine({ me, edit }) {
  const [state, set] = useState({ duty: null, swaps: [], leaves: [], error: null });
  const [tries, again] = useReducer((n) => n + 1, 0);
  useEffect(() => {
    let gone = false;
    Promise.all([dutyOf(me), get("/swaps"), get("/leaves")]).then(
      ([duty, swaps, leaves]) => !gone && set({ duty, swaps: swaps.items, leaves: leaves.items, error: null }),
      (error) => !gone && set((s) => ({ ...s, error })),
    );
    return () => { gone = true; };
  }, [tries, me.id]);
  useEffect(() => onEvent((e) => /^(duty\.moved|swap\.|leave\.|rota\.published)/.test(e.t) && again()), []);
  if (state.error && !state.duty) return html`<${Failed} error=${state.error} onRetry=${again} />`;
  if (!state.duty) return html`<${Loading} />`;
  const mine = state.duty.flatMap((d) => d.slots.filter((s) => s.doctor === me.id).map((s) => ({ ...s, at: d }))).sort((a, b) => ms(a.from) - ms(b.from) || a.role.localeCompare(b.role));
  const now = serverNow();
  const open = state.swaps.filter((s) => s.state === "offered" && s.may.includes("take"));
  const given = state.swaps.filter((s) => s.giver === me.id && s.state === "offered");
  const past = state.swaps.filter((s) => s.state !== "offered").slice(0, 10);
  const decide = state.leaves.filter((l) => l.may.includes("decide") && l.state === "requested");
  const leaves = state.leaves.filter((l) => l.doctor === me.id);
  const others = state.leaves.filter((l) => l.doctor !== me.id && l.state === "approved");
  const doctor = ["specialist", "coordinator"].includes(me.role);
  return html`<div class="mine">${doctor && html`<section class="card"><h2 class="h3">${t("r.m.mine")}</h2>${!mine.length && html`<p class="sub">${t("r.m.mine_none")}</p>`}
      <ul>${mine.slice(0, 40).map((s) => {
        const offered = given.find((x) => x.role === s.role && (x.desk ?? null) === (s.at.owner.desk ?? null) && ms(x.from) < ms(s.to) && ms(x.to) > ms(s.from));
        return html`<li class="duty" key=${s.from + s.role + s.at.name}><span class="grow"><b>${spanText(s)}</b><br /><span class="sub">${roleText(s.role)} · ${s.at.name}</span></span>
          ${ms(s.from) <= now && ms(s.to) > now && html`<span class="chip ok">${t("r.m.now")}</span>`}
          ${offered ? html`<span class="chip warn">${t("r.m.offered")}</span>` : ms(s.from) > now + 60e3 && html`<button type="button" class="btn s o" aria-label=${t("r.m.offer_of", { time: spanText(s) })} onClick=${() => openBody(t("r.m.offer"), Offer, { slot: s, me }).then((ok) => ok && again())}><${Icon} name="swap" />${t("r.m.offer")}</button>`}</li>`;
      })}</ul></section>`}<div class="mine-c">
    ${decide.length > 0 && html`<section class="card"><h2 class="h3">${t("r.m.decide")}</h2><ul>${decide.map((l) => html`<${Decide} key=${l.id} leave=${l} done=${again} />`)}</ul></section>`}
    ${doctor && html`<section class="card"><h2 class="h3">${t("r.m.open")}</h2>${!open.length && html`<p class="sub">${t("r.m.open_none")}</p>`}<ul>${open.map((s) => html`<${Take} key=${s.id} swap=${s} done=${again} />`)}</ul></section>
    ${(given.length > 0 || past.length > 0) && html`<section class="card"><h2 class="h3">${t("r.m.swaps")}</h2><ul>${[...given, ...past].map((s) => html`<${MySwap} key=${s.id} swap=${s} me=${me} done=${again} />`)}</ul></section>`}
    <section class="card"><div class="row"><h2 class="h3 grow">${t("r.m.leave")}</h2><button type="button" class="btn s o" onClick=${() => openBody(t("r.m.ask_leave"), AskLeave, {}).then((ok) => ok && again())}><${Icon} name="plus" />${t("r.m.ask_leave")}</button></div>
      ${!leaves.length && html`<p class="sub">${t("r.m.leave_none")}</p>`}<ul>${leaves.map((l) => html`<${MyLeave} key=${l.id} leave=${l} done=${again} />`)}</ul></section>`}
    ${others.length > 0 && html`<section class="card"><h2 class="h3">${t("r.m.others")}</h2><ul>${others.map((l) => html`<${MyLeave} key=${l.id} leave=${l} named done=${again} />`)}</ul></section>`}
    ${edit.docs && !doctor && !decide.length && html`<p class="sub">${t("r.m.decide_none")}</p>`}
  </div></div>`;
}

const STATE = { offered: "warn", requested: "warn", taken: "ok", approved: "ok", declined: "bad", withdrawn: "", lapsed: "" };
const StateChip = ({ state }) => html`<span class=${`chip ${STATE[state] ?? ""}`}>${t(`r.state.${state}`)}</span>`;

/** "A colleague's duty, and in exchange mine": what taking it means, then one button. */
function Take({ swap, done }) {
  const [run, action] = useAction();
  const take = async () => {
    if (!(await run({ path: `/swaps/${swap.id}/acceptance`, what: "swap" }))) return;
    notify(t("r.m.taken"), "ok");
    done();
  };
  return html`<li class="duty"><span class="grow"><b>${spanText(swap)}</b><br /><span class="sub">${roleText(swap.role)} · ${swap.desk_name} · ${t("r.m.from", { name: swap.giver_name })}${swap.note ? ` · ${swap.note}` : ""}</span>
      ${swap.return && html`<br /><span class="sub">${t("r.m.return", { name: swap.giver_name, time: spanText(swap.return) })}</span>`}</span>
    <${ActButton} cls="btn s p" busy=${action.busy === "swap"} onClick=${take}>${t("r.m.take")}</${ActButton}><${ActionState} action=${action} /></li>`;
}

function MySwap({ swap, me, done }) {
  const [run, action] = useAction();
  const withdraw = async () => (await run({ path: `/swaps/${swap.id}`, method: "DELETE", what: "swap" })) && done();
  const other = swap.giver === me.id ? (swap.taker_name ? t("r.m.to", { name: swap.taker_name }) : t("r.m.nobody_yet")) : t("r.m.from", { name: swap.giver_name });
  return html`<li class="duty"><span class="grow"><b>${spanText(swap)}</b><br /><span class="sub">${roleText(swap.role)} · ${swap.desk_name} · ${other}</span></span><${StateChip} state=${swap.state} />
    ${swap.may.includes("withdraw") && html`<${ActButton} cls="btn s o" busy=${action.busy === "swap"} onClick=${withdraw}>${t("r.m.withdraw")}</${ActButton}>`}<${ActionState} action=${action} /></li>`;
}

function fieldsOf(action) {
  return Object.fromEntries((action.error?.errors ?? []).map((e) => [e.field, e.detail]));
}

function Offer({ slot, me, close }) {
  const [form, set] = useState({ from: slot.from, to: slot.to, back: "", note: "" });
  const [run, action] = useAction();
  const now = serverNow();
  const theirs = slot.at.slots.filter((s) => s.role === slot.role && s.doctor !== me.id && ms(s.from) > now && (ms(s.to) <= ms(slot.from) || ms(s.from) >= ms(slot.to)));
  const back = theirs.find((s) => `${s.doctor}${s.from}` === form.back);
  const send = async (e) => {
    e.preventDefault();
    const body = { role: slot.role, from: form.from, to: form.to, note: form.note, ...slot.at.owner, ...(back ? { return: { from: back.from, to: back.to } } : {}) };
    if (!(await run({ path: "/swaps", body, what: "swap" }))) return;
    notify(t("r.m.offered_ok"), "ok");
    close(true);
  };
  const wrong = fieldsOf(action);
  return html`<form class="stack" onSubmit=${send} novalidate><p class="sub">${roleText(slot.role)} · ${slot.at.name}<br /><b>${spanText(slot)}</b></p><p class="cap">${t("r.m.offer_hint")}</p>
    <${Moment} id="sw-from" label=${t("r.f.from")} value=${form.from} onInput=${(from) => set({ ...form, from })} error=${wrong.from} />
    <${Moment} id="sw-to" label=${t("r.f.to")} value=${form.to} onInput=${(to) => set({ ...form, to })} error=${wrong.to} />
    <${Choice} id="sw-back" label=${t("r.m.back")} opt=${t("r.optional")} value=${form.back} onInput=${(x) => set({ ...form, back: x })} error=${wrong["return.from"] ?? wrong.return} empty=${t("r.m.no_back")} options=${theirs.slice(0, 60).map((s) => [`${s.doctor}${s.from}`, `${s.doctor_name} · ${spanText(s)}`])} />
    <${Text} id="sw-note" label=${t("r.m.note")} opt=${t("r.optional")} value=${form.note} onInput=${(note) => set({ ...form, note })} error=${wrong.note} />
    <${ActionState} action=${action} /><${ActButton} type="submit" cls="btn p blk" busy=${action.busy === "swap"}>${t("r.m.offer_send")}</${ActButton}></form>`;
}

function AskLeave({ close }) {
  const [form, set] = useState({ from: "", to: "", reason: "" });
  const [run, action] = useAction();
  const send = async (e) => {
    e.preventDefault();
    if (!(await run({ path: "/leaves", body: { ...form, from: form.from || null, to: form.to || null }, what: "leave" }))) return;
    notify(t("r.m.asked"), "ok");
    close(true);
  };
  const wrong = fieldsOf(action);
  return html`<form class="stack" onSubmit=${send} novalidate><p class="cap">${t("r.m.leave_hint")}</p>
    <${Moment} id="lv-from" label=${t("r.f.from")} value=${form.from} onInput=${(from) => set({ ...form, from })} error=${wrong.from} />
    <${Moment} id="lv-to" label=${t("r.f.to")} value=${form.to} onInput=${(to) => set({ ...form, to })} error=${wrong.to} />
    <${Text} id="lv-reason" label=${t("r.f.reason")} opt=${t("r.optional")} value=${form.reason} onInput=${(reason) => set({ ...form, reason })} error=${wrong.reason} />
    <${ActionState} action=${action} /><${ActButton} type="submit" cls="btn p blk" busy=${action.busy === "leave"}>${t("r.m.ask_send")}</${ActButton}></form>`;
}

function MyLeave({ leave, named = false, done }) {
  const [run, action] = useAction();
  const withdraw = async () => (await run({ path: `/leaves/${leave.id}`, method: "DELETE", what: "leave" })) && done();
  return html`<li class="duty"><span class="grow"><b>${named ? `${leave.doctor_name} · ` : ""}${spanText(leave)}</b><br /><span class="sub">${[leave.reason, leave.decided_by_name && t("r.m.decided_by", { name: leave.decided_by_name })].filter(Boolean).join(" · ")}</span></span><${StateChip} state=${leave.state} />
    ${leave.may.includes("withdraw") && ["requested", "approved"].includes(leave.state) && html`<${ActButton} cls="btn s o" busy=${action.busy === "leave"} onClick=${withdraw}>${t(named ? "r.m.end_leave" : "r.m.withdraw")}</${ActButton}>`}<${ActionState} action=${action} /></li>`;
}

/** Yes or no, and which gaps a yes has left. */
function Decide({ leave, done }) {
  const [run, action] = useAction();
  const [reason, setReason] = useState("");
  const say = (approve) => async () => {
    const answer = await run({ path: `/leaves/${leave.id}/approval`, body: { approve, reason }, what: approve ? "approve" : "refuse" });
    if (!answer) return;
    const kept = answer.still_on?.[0];
    if (kept) notify(t("r.m.leaves_duty", { name: leave.doctor_name, n: answer.still_on.length, first: `${roleText(kept.role).toLowerCase()}, ${spanText(kept)}` }), "bad", 30);
    if (answer.gaps?.length) notify(t("r.m.leaves_gaps", { n: answer.gaps.length, first: `${roleText(answer.gaps[0].role).toLowerCase()}, ${spanText(answer.gaps[0])}` }), "bad", 30);
    else if (!kept) notify(t(approve ? "r.m.approved" : "r.m.declined"), "ok");
    done();
  };
  return html`<li class="duty"><span class="grow"><b>${leave.doctor_name} · ${spanText(leave)}</b>${leave.reason && html`<br /><span class="sub">${leave.reason}</span>`}</span>
    <input class="in" aria-label=${`${t("r.m.answer")}: ${leave.doctor_name}`} placeholder=${t("r.m.answer")} value=${reason} onInput=${(e) => setReason(e.target.value)} />
    <span class="row"><${ActButton} cls="btn s o" busy=${action.busy === "refuse"} onClick=${say(false)}>${t("r.m.refuse")}</${ActButton}><${ActButton} cls="btn s p" busy=${action.busy === "approve"} onClick=${say(true)}>${t("r.m.approve")}</${ActButton}></span><${ActionState} action=${action} /></li>`;
}
