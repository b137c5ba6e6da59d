/**
 * The part of the request form that only a case handled by telephone has: when it was asked and answered, by whom, and
 * what was said. Both times echo their date, because a night has two of them.
 *
 *   <${Told} told put specialty error />      check(told) -> [{ field, detail }]      body(told) -> what is sent
 *   asked(told) -> ISO instant of asking, or null
 */
import "../strings/told.js";
import { html, Icon } from "../core/html.js";
import { get } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { echo, Field, Pick, readClock, Text } from "../core/form.js";
import { fmtDate, fromVietnam, t, vietnam } from "../core/i18n.js";
import { ReadFailed, useRead } from "./reads.js";

const DAY_MS = 86400e3;
const BACK_DAYS = 7;
const MOST_DESKS = 3;
const OF_A_DESK = ["primary", "backup", "head_of_shift", "red_team"];
const OTHER = "other";

const dayOf = (ms) => vietnam(ms).toISOString().slice(0, 10);

function instant({ day, clock }) {
  const read = readClock(clock);
  return read ? fromVietnam(day || dayOf(serverNow()), read).toISOString() : null;
}

export const asked = (told) => instant(told.asked);

/** Everything that stops sending, in the order of the form. */
export function check(told) {
  const errors = [];
  const say = (field, key) => errors.push({ field: `telephone.${field}`, detail: t(key) });
  const times = { asked_at: instant(told.asked), answered_at: instant(told.answered) };
  if (!times.asked_at) say("asked_at", "tf.error.asked");
  if (!times.answered_at) say("answered_at", "tf.error.answered");
  for (const [field, at] of Object.entries(times)) if (at && Date.parse(at) > serverNow() + 60e3) say(field, "tf.error.future");
  if (times.asked_at && times.answered_at && times.answered_at < times.asked_at) say("answered_at", "tf.error.order");
  if (!told.by) say("answered_by", "tf.error.who");
  if (told.by === OTHER && !/[\p{L}\p{N}]/u.test(told.name)) say("answered_by_name", "tf.error.name");
  if (!/[\p{L}\p{N}]/u.test(told.text)) say("text", "tf.error.text");
  return errors;
}

export function body(told) {
  const who = told.by === OTHER ? { answered_by_name: told.name.trim() } : { answered_by: told.by };
  return {
    telephone: { asked_at: instant(told.asked), answered_at: instant(told.answered), ...who, text: told.text.trim() },
    ...(told.by !== OTHER && told.desk ? { desk_id: told.desk } : {}),
  };
}

/** Who was on duty at the desks that this hospital may ask, at that time. */
async function onDutyThen(specialty, at) {
  const { items } = await get(`/desks?specialty=${encodeURIComponent(specialty)}`);
  const desks = items.filter((d) => d.may_ask).slice(0, MOST_DESKS);
  const calls = await Promise.all(desks.map((d) => get(`/desks/${d.id}/on-call?at=${encodeURIComponent(at)}`)));
  const all = calls.flatMap(({ on_call }, i) => on_call.filter((p) => OF_A_DESK.includes(p.role)).map((p) => ({ ...p, desk: desks[i].id, hospital: desks[i].hospital_name })));
  return all.filter((p, i) => all.findIndex((x) => x.doctor === p.doctor) === i);
}

export function Told({ told, put, specialty, error }) {
  const answered = instant(told.answered);
  const [people, failed] = useRead(() => onDutyThen(specialty, answered), specialty && answered && `${specialty} ${answered}`);
  const chosen = told.by && told.by !== OTHER && !(people ?? []).some((p) => p.doctor === told.by) ? [[told.by, told.shown]] : [];
  const options = [...(people ?? []).map((p) => [p.doctor, `${p.doctor_name} · ${p.hospital}`]), ...chosen, [OTHER, t("tf.other")]];
  const pick = (by) => {
    const who = (people ?? []).find((p) => p.doctor === by);
    put((was) => ({ ...was, by, ...(who ? { desk: who.desk, shown: `${who.doctor_name} · ${who.hospital}` } : {}) }));
  };
  return html`<section id="s-t"><h2 class="fs"><b aria-hidden="true"><${Icon} name="phone" /></b>${t("tf.section")}</h2>
    <div class="two x">
      <${When} id="f-telephone.asked_at" label=${t("tf.asked")} when=${told.asked} put=${(asked) => put((was) => ({ ...was, asked }))} error=${error("telephone.asked_at")} />
      <${When} id="f-telephone.answered_at" label=${t("tf.answered")} when=${told.answered} put=${(x) => put((was) => ({ ...was, answered: x }))} error=${error("telephone.answered_at")} />
    </div>
    <${Pick} id="f-telephone.answered_by" label=${t("tf.who")} value=${told.by} onPick=${pick} options=${options} error=${error("telephone.answered_by")} />
    ${!(specialty && answered) && html`<p class="cap">${t("tf.who_first")}</p>`}<${ReadFailed} failed=${failed} words=${t("tf.who_unread")} />
    ${told.by === OTHER && html`<${Text} id="f-telephone.answered_by_name" label=${t("tf.name")} hint=${t("tf.name_hint")} value=${told.name} onInput=${(name) => put((was) => ({ ...was, name }))} error=${error("telephone.answered_by_name")} />`}
    <${Text} id="f-telephone.text" label=${t("tf.text")} hint=${t("tf.text_hint")} rows="4" value=${told.text} onInput=${(text) => put((was) => ({ ...was, text }))} error=${error("telephone.text")} />
  </section>`;
}

/** A date of the last week and a time; a draft keeps the date that it meant, also past midnight. */
function When({ id, label, when, put, error }) {
  const today = dayOf(serverNow());
  const days = Array.from({ length: BACK_DAYS + 1 }, (_, i) => dayOf(serverNow() - i * DAY_MS));
  const all = when.day && !days.includes(when.day) ? [...days, when.day] : days;
  const at = instant(when);
  const words = (day) => {
    const date = fmtDate(fromVietnam(day, "12:00"));
    return day === days[0] ? t("tf.today", { date }) : day === days[1] ? t("tf.yesterday", { date }) : date;
  };
  return html`<${Field} id=${id} label=${html`${label} <span class="vh">${t("tf.clock")}</span>`} error=${error} hint=${at ? echo(at) : ""}>
    <div class="row when"><select class="in" aria-label=${`${label}: ${t("tf.day")}`} value=${when.day || today} onChange=${(e) => put({ ...when, day: e.target.value })}>
        ${all.map((day) => html`<option key=${day} value=${day}>${words(day)}</option>`)}</select>
      <input class="in clock" id=${id} inputmode="numeric" autocomplete="off" placeholder="02:40" value=${when.clock} aria-invalid=${error ? "true" : undefined}
        aria-describedby=${[error && `${id}-e`, at && `${id}-h`].filter(Boolean).join(" ") || undefined} onInput=${(e) => put({ day: when.day || today, clock: e.target.value })} /></div></${Field}>`;
}
