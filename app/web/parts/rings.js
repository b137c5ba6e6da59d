// What rings on this device, worked out from the store on every change. Importing this module is enough: it starts with the page.
import { connectionLost, keepAwake, ring, setClock, tick } from "../alarm.js";
import { me } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { lang, num, t } from "../core/i18n.js";
import { getState, setState, specialtyName, subscribe } from "../core/store.js";
import { notify } from "../core/shell.js";
import { ackOffer, onEvent, watch } from "../core/stream.js";
import { patientText, URGENCIES } from "./facts.js";

const ASSIGNED_PAUSE_MS = 120e3;
const TOLD_AGAIN_MS = 60e3;
const acted = new Map();

/** The newest the store knows of an offer's consultation: the live one, else the card that came with the offer. */
export const offerCase = (state, offer) => {
  const live = state.consultations.get(offer.consultation_id);
  const header = state.headers.get(offer.consultation_id);
  const base = live ?? offer.card ?? { id: offer.consultation_id };
  if (!live && header && (header.version ?? 0) > (base.version ?? 0)) {
    return { ...base, urgency: header.urgency, status: header.status, holder: header.holder, holder_name: header.holder_name };
  }
  return base;
};

/** What the reader answered as a member of a red team: "coming", "cannot", "stood_down" or null. */
export function myAttendance(c, me) {
  for (const callout of c.callouts ?? []) {
    const mine = callout.offers.find((o) => o.doctor === me && o.attendance);
    if (mine) return mine.attendance;
  }
  return (c.participants ?? []).find((p) => p.user === me)?.attendance ?? null;
}

/** The state of an offer as the case itself tells it: the answer of a command is there before the stream's event. */
function toldByCase(offer, c) {
  for (const callout of c.callouts ?? []) {
    const same = callout.offers.find((o) => o.id === offer.offer_id);
    if (same) return same.state;
  }
  return offer.state;
}

/** Somebody else was first (409): this offer stops ringing now, whether or not the stream has told so yet. */
export function dropOffer(offerId) {
  setState((s) => {
    const offer = s.offers.get(offerId);
    return offer ? { ...s, offers: new Map(s.offers).set(offerId, { ...offer, state: "withdrawn", reason: "taken", gone: null }) } : s;
  });
}

/** Offers that still wait for the reader's answer, most urgent first, drills after everything real: [{offer, c}]. */
export function openOffers(state) {
  return [...state.offers.values()]
    .filter((offer) => offer.state === "made" && !offer.gone)
    .map((offer) => ({ offer, c: offerCase(state, offer) }))
    .filter(({ offer, c }) => toldByCase(offer, c) === "made")
    .filter(({ offer, c }) => !["cancelled", "concluded", "closed"].includes(c.status) && !(offer.attendance || myAttendance(c, state.me?.id)))
    .sort((a, b) => Boolean(a.c.drill) - Boolean(b.c.drill) || URGENCIES.indexOf(a.c.urgency) - URGENCIES.indexOf(b.c.urgency) || (a.offer.made_at < b.offer.made_at ? -1 : 1));
}

/** Whether advice takes the place of earlier advice (hazard 9). */
export const corrects = (c, eventId) => [...(c.messages ?? []), ...(c.conclusions ?? [])].some((x) => x.event_id === eventId && x.supersedes);

/** Advice that rings the reader because nobody has read it back, oldest first: of the ward, or of the asking side's coordinator. */
export function rungAdvice(state) {
  const { me } = state;
  if (!["requester", "coordinator"].includes(me?.role)) return [];
  const all = new Map(state.advice);
  for (const c of state.consultations.values()) {
    const mine = c.hospital === me.hospital && (me.role === "coordinator" || (c.may ?? []).includes("read_back"));
    if (!mine || ["cancelled", "closed"].includes(c.status)) continue;
    for (const x of c.unread ?? []) if (x.step >= (me.role === "coordinator" ? 2 : 0)) all.set(x.event_id, { ...all.get(x.event_id), ...x, consultation_id: c.id, number: c.number, changed: corrects(c, x.event_id) });
  }
  // A coordinator is told again every 2 min; what is no longer told is over.
  const over = (x) => ["cancelled", "closed"].includes(state.headers.get(x.consultation_id)?.status) || (me.role === "coordinator" && serverNow() - Date.parse(x.due_at) > TOLD_AGAIN_MS);
  return [...all.values()].filter((x) => !over(x)).sort((a, b) => (a.opinion_at < b.opinion_at ? -1 : 1));
}

/** Cases at the end of their ladder that ring the reader as coordinator: [{consultation_id, number, round, header}]. */
export function openAlarms(state) {
  const all = new Map();
  for (const alarm of state.alarms.values()) all.set(alarm.consultation_id, alarm);
  return [...all.values()]
    .map((alarm) => ({ ...alarm, header: boardHeader(state, alarm.consultation_id) ?? alarm.header ?? null }))
    .filter((alarm) => !alarm.header || (!alarm.header.holder && alarm.header.status === "ringing"));
}

function boardHeader(state, id) {
  for (const board of state.boards.values()) if (board.consultations.has(id)) return board.consultations.get(id);
  return state.headers.get(id) ?? null;
}

/** The coordinator assigned somebody: the ring pauses until the next round, two minutes at most. It never ends before the case is held. */
export function actedOn(consultationId, round) {
  acted.set(consultationId, { round, until: serverNow() + ASSIGNED_PAUSE_MS });
  setTimeout(sync, ASSIGNED_PAUSE_MS + 100);
  sync();
}

const pausedByAction = (alarm) => {
  const mine = acted.get(alarm.consultation_id);
  return mine && (alarm.round ?? 0) <= (mine.round ?? 0) && serverNow() < mine.until;
};

/** In the title too, the first word of a drill says that it is one. */
const named = (c, words) => (c?.drill ? `${t("drill.word")} – ${words}` : words);

function sync() {
  const state = getState();
  if (state.session !== "in" && state.session !== "ended") return ring([]);
  const cut = state.connection.state !== "live";
  // Without a connection the ring goes on to the next due time; after that somebody else is being rung.
  const stale = (due) => cut && due && Date.parse(due) < serverNow();
  const list = [];
  for (const { offer, c } of openOffers(state)) {
    if (offer.quiet || offer.expired_at || stale(offer.due_at)) continue;
    if (offer.role === "coordinator") {
      const round = boardHeader(state, c.id)?.round ?? 0;
      if (pausedByAction({ consultation_id: c.id, round })) continue;
      list.push({ id: offer.offer_id, consultation: c.id, level: "red", coordinator: true, drill: c.drill, title: named(c, t("a.title_alarm")), due_at: offer.due_at });
      continue;
    }
    list.push({
      id: offer.offer_id,
      consultation: c.id,
      level: c.urgency ?? "orange",
      drill: c.drill,
      title: named(c, `${t(`urgency.short.${c.urgency ?? "orange"}`)} – ${specialtyName(c.specialty, lang()) || offer.desk_name || ""}`),
      due_at: offer.due_at,
      seen: Boolean(offer.seen_at),
    });
  }
  for (const alarm of openAlarms(state)) {
    if (pausedByAction(alarm) || list.some((r) => r.consultation === alarm.consultation_id)) continue;
    const { header } = alarm;
    list.push({ id: `alarm:${alarm.consultation_id}`, consultation: alarm.consultation_id, level: "red", coordinator: true, drill: header?.drill, title: named(header, t("a.title_alarm")), due_at: header?.next_due_at });
  }
  for (const x of rungAdvice(state)) {
    const c = state.consultations.get(x.consultation_id) ?? state.headers.get(x.consultation_id);
    const urgent = ["red", "orange"].includes(c?.urgency ?? "orange");
    list.push({ id: `advice:${x.event_id}`, consultation: x.consultation_id, level: urgent ? "orange" : "yellow", sound: "advice", drill: c?.drill, title: named(c, t("a.title_advice")) });
  }
  ring(list);
  const onDuty = (state.me?.desks?.length ?? 0) > 0 || state.me?.role === "coordinator";
  connectionLost(onDuty && state.connection.state === "offline");
  keepAwake(onDuty && state.session === "in");
}

// Every offer that this device rings for has arrived, whichever screen is open; said again until the server has it.
const SAID_AGAIN_MS = 5e3;
const told = new Map();
function sayDelivered(state) {
  if (state.connection.state !== "live") return;
  for (const { offer } of openOffers(state)) {
    if (offer.delivered_at || serverNow() - (told.get(offer.offer_id) ?? 0) < SAID_AGAIN_MS) continue;
    told.set(offer.offer_id, serverNow());
    ackOffer(offer.offer_id, "delivered");
  }
}

// Allergy, anticoagulant, pregnancy or weight changed after advice was given: whoever holds the case is told (hazard 15).
const safetyKnown = new Map();
function watchSafety({ consultations, me }) {
  for (const c of consultations.values()) {
    if (c.holder !== me?.id || c.view === "card") continue;
    const now = JSON.stringify([c.safety, c.patient?.weight_kg]);
    const before = safetyKnown.get(c.id);
    safetyKnown.set(c.id, now);
    const advised = c.conclusion || (c.messages ?? []).some((m) => m.opinion);
    if (before === undefined || before === now || !advised) continue;
    notify(t("d.safety_changed", { who: patientText(c) }), "bad", 30);
    tick();
  }
}

// Duty changes while the page is open: what the bar says and whether this device must ring follow it.
const readMe = () => getState().session === "in" && me().then((now) => now.id === getState().me?.id && setState({ me: now }), () => {});
let lastRead = serverNow();
setInterval(() => {
  const desks = getState().me?.desks ?? [];
  if (desks.every((d) => Date.parse(d.until) > serverNow()) && serverNow() - lastRead < 600e3) return;
  lastRead = serverNow();
  readMe();
}, 30e3);
onEvent((event) => /^(duty\.|rota\.|override\.)/.test(event.t) && event.s.startsWith("user:") && readMe());

// How many cases one holds at once was changed by somebody who answers for the duty.
onEvent(({ t: type, s, d }) => type === "capacity.changed" && s.startsWith("user:") && notify(d.capacity == null ? t("d.room_any", { name: d.by_name }) : t("d.room", { name: d.by_name, n: num(d.capacity) }), "info", 20));

// The ward follows a case whose advice rings, wherever the page is: what is corrected or read back ends the ring here too.
const followed = new Map();
function followAdvice(state) {
  const wanted = new Set(state.session === "in" && state.me?.role === "requester" ? rungAdvice(state).map((x) => x.consultation_id) : []);
  for (const id of wanted) if (!followed.has(id)) followed.set(id, watch(id));
  for (const [id, stop] of followed) {
    if (wanted.has(id)) continue;
    followed.delete(id);
    stop();
  }
}

// Another person at the same page begins with nothing of the former one.
let reader = getState().me?.id;
function beginAnew({ me }) {
  if (me?.id === reader) return;
  reader = me?.id;
  [acted, told, safetyKnown].forEach((known) => known.clear());
}

setClock(serverNow);
subscribe(beginAnew);
subscribe(followAdvice);
subscribe(watchSafety);
subscribe(sync);
subscribe(sayDelivered);
sync(); // the stream may have spoken before this screen was loaded
sayDelivered(getState());
setInterval(() => sayDelivered(getState()), SAID_AGAIN_MS);
setInterval(() => getState().connection.state !== "live" && sync(), 1000);
onEvent((event) => {
  if (event.t !== "message.posted") return;
  const state = getState();
  const c = state.consultations.get(event.d?.consultation_id);
  if (c && c.holder === state.me?.id && event.by !== state.me?.id && event.d?.message?.author !== state.me?.id) tick();
});
