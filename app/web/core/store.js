/**
 * What this page knows, and how streams change it.
 *
 *   state = { session, me, installation, specialties, consultations, headers, offers, alarms, advice, boards, connection }
 *     session        "starting" | "out" | "in" | "ended"
 *     consultations  Map id -> ConsultationRead + { messages: [MessageRead] in the stream's order, ended?: why }
 *     headers        Map id -> ConsultationHeader (lists)      offers  Map offer_id -> OfferRead + { n, gone? }
 *     offersRead     whether the server has said which there are: before that, none is not nobody
 *     alarms         Map consultation_id -> { consultation_id, number, round, at }
 *     advice         Map event_id -> { consultation_id, event_id, step, due_at, opinion_at, changed, number? }: not read back
 *     boards         Map hospital -> { consultations: Map id -> ConsultationHeader, desks: [] }
 *     connection     { state: "live" | "reconnecting" | "offline", since, lastAt, slow, back }
 *   useStore(selector)   re-renders when the selection changes (compared one level deep)
 *   setState(patch)      absorb(path, json): the answer of a command
 *   applySnapshot, applyEvent, applyMarker, applyPresence: pure, (state, …) -> state; unknown event types change nothing but the header they carry
 */
import { useLayoutEffect, useReducer, useRef } from "./html.js";
import { serverNow } from "./clock.js";

export const initial = () => ({
  session: "starting", me: null, installation: null, specialties: [],
  consultations: new Map(), headers: new Map(), offers: new Map(), offersRead: false, alarms: new Map(), advice: new Map(), boards: new Map(),
  connection: { state: "reconnecting", since: serverNow(), lastAt: null, slow: false, back: null },
});

let state = initial();
const listeners = new Set();

export const getState = () => state;

export function setState(patch) {
  const next = typeof patch === "function" ? patch(state) : { ...state, ...patch };
  if (next === state) return;
  state = next;
  [...listeners].forEach((fn) => fn(state));
}

/** Forget everything about patients (signed out); the installation and the words stay. */
export function clear(session) {
  setState((s) => ({ ...initial(), installation: s.installation, specialties: s.specialties, connection: s.connection, session }));
}

export function subscribe(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

export function useStore(selector = (s) => s) {
  const [, again] = useReducer((n) => n + 1, 0);
  const held = useRef(null);
  held.current = { selector, value: selector(state) };
  useLayoutEffect(() => {
    const check = () => {
      if (!same(held.current.selector(state), held.current.value)) again();
    };
    check();
    return subscribe(check);
  }, []);
  return held.current.value;
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object" || a instanceof Map || b instanceof Map) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => Object.is(a[k], b[k]));
}

/** The specialty's name in the language asked for; the code when it is not known here. */
export function specialtyName(code, language) {
  const found = state.specialties.find((s) => s.code === code);
  return found ? found[language] ?? found.vi : code ?? "";
}

// --- reading streams: pure functions --------------------------------------------------------------------------------

const kindOf = (stream) => stream.slice(0, stream.indexOf(":"));
const subjectOf = (stream) => stream.slice(stream.indexOf(":") + 1);
const withEntry = (map, key, value) => new Map(map).set(key, value);
function without(map, key) {
  const next = new Map(map);
  next.delete(key);
  return next;
}

/** A snapshot replaces what its stream had told; what other streams told stays. */
export function applySnapshot(s, stream, d, n) {
  const kind = kindOf(stream);
  if (kind === "consultation") {
    const read = { ...d.consultation, messages: inOrder(d.messages ?? []) };
    return settleAdvice(withHeader({ ...s, consultations: withEntry(s.consultations, read.id, read) }, headerOf(read)), read);
  }
  if (kind === "user") {
    const offers = new Map((d.offers ?? []).map((offer) => [offer.offer_id, { ...offer, n }]));
    const alarms = new Map((d.alarms ?? []).map((alarm) => [alarm.consultation_id, alarm]));
    const advice = new Map((d.advice ?? []).map((x) => [x.event_id, x]));
    return { ...s, offers, offersRead: true, alarms, advice };
  }
  if (kind === "hospital") {
    const consultations = new Map((d.consultations ?? []).map((h) => [idOf(h), h]));
    const board = { ...d, consultations, desks: d.desks ?? [] };
    return { ...s, boards: withEntry(s.boards, subjectOf(stream), board) };
  }
  return s;
}

export function applyEvent(s, event) {
  const kind = kindOf(event.s);
  const d = event.d ?? {};
  if (kind === "consultation") return onConsultation(s, event, d);
  if (kind === "user") return onUser(s, event, d);
  if (kind === "hospital") return onHospital(s, event, d);
  return s;
}

function onConsultation(s, event, d) {
  const id = d.consultation_id ?? subjectOf(event.s);
  const before = s.consultations.get(id);
  let read = before;
  if (d.consultation) read = { ...d.consultation, messages: before?.messages ?? [] };
  if (read) {
    read = { ...read, ...(d.header ? shared(d.header) : {}) };
    if (d.message) read.messages = withMessage(read.messages, d.message);
    if (d.vitals) {
      read.vitals = byTime(upsert(read.vitals ?? [], d.vitals, "id"));
      read.news2 = read.vitals.at(-1)?.news2 ?? null;
    }
    if (d.callout) read.callouts = upsert(read.callouts ?? [], d.callout, "id");
    if (d.participants) read.participants = withMarks(d.participants, before?.participants);
    if (d.conclusion) read.conclusion = d.conclusion;
    if (d.read_back) read.read_backs = upsert(read.read_backs ?? [], d.read_back, "event_id");
    if (d.call) read.calls = upsert(read.calls ?? [], d.call, "id");
    read.unread = unreadAfter(read.unread ?? [], event, d);
    if (d.outcome) read.outcomes = upsert(read.outcomes ?? [], d.outcome, "at");
  }
  let next = read && read !== before ? { ...s, consultations: withEntry(s.consultations, id, read) } : s;
  // a header has no label: of a case asked on another device, the row is made of the case itself
  if (read && (d.consultation || !d.header)) next = withHeader(next, headerOf(read));
  if (d.header) next = withHeader(next, d.header);
  return settleAdvice(settleAlarm(next, d.header), read && read !== before ? read : null);
}

/** Advice that waits to be read back, after one more fact. */
function unreadAfter(unread, event, d) {
  if (event.t === "advice.unread") return upsert(unread, { event_id: d.event_id, step: d.step, due_at: d.due_at, opinion_at: d.opinion_at, changed: d.changed }, "event_id");
  const read = d.read_back?.understood ? d.read_back.event_id : d.message?.supersedes ?? d.conclusion?.supersedes;
  return read && unread.some((x) => x.event_id === read) ? unread.filter((x) => x.event_id !== read) : unread;
}

/** What a case says of its unread advice is the truth: what it no longer names rings no longer. */
function settleAdvice(s, read) {
  if (!read || !Array.isArray(read.unread) || read.view === "card" || read.view === "header") return s;
  const waiting = new Set(["cancelled", "closed"].includes(read.status) ? [] : read.unread.map((x) => x.event_id));
  const kept = [...s.advice].filter(([id, x]) => x.consultation_id !== read.id || waiting.has(id));
  return kept.length === s.advice.size ? s : { ...s, advice: new Map(kept) };
}

function onUser(s, event, d) {
  let next = s;
  const offer = d.offer ?? s.offers.get(d.offer_id);
  if (offer) {
    const n = event.t === "offer.made" ? event.n : offer.n ?? event.n;
    const changed = { ...offer, ...offerFacts(event, d), n };
    next = { ...next, offers: withEntry(next.offers, offer.offer_id, changed) };
  }
  if (d.card) next = withCard(next, d.card);
  if (event.t === "escalation.exhausted" && d.reason !== "telephone") {
    const alarm = {
      consultation_id: d.consultation_id, number: d.number ?? d.header?.number, round: d.round ?? d.header?.round ?? 0,
      at: event.at, header: d.header,
    };
    next = { ...next, alarms: withEntry(next.alarms, d.consultation_id, alarm) };
  }
  if (event.t === "advice.unread") {
    const { event_id, consultation_id, step, due_at, opinion_at, changed } = d;
    next = { ...next, advice: withEntry(next.advice, event_id, { event_id, consultation_id, step, due_at, opinion_at, changed, number: d.header?.number }) };
  }
  if (event.t === "advice.read_back" && d.understood && next.advice.has(d.event_id)) next = { ...next, advice: without(next.advice, d.event_id) };
  if (d.header) next = withHeader(next, d.header);
  return settleAlarm(next, d.header);
}

/** What changed on a card that rings is on it at once, also where the case is known by its card only (hazard 16). */
function withCard(s, card) {
  const offers = new Map([...s.offers].map(([id, offer]) => [id, offer.consultation_id === card.id ? { ...offer, card } : offer]));
  const known = s.consultations.get(card.id);
  return { ...s, offers, consultations: known?.view === "card" ? withEntry(s.consultations, card.id, { ...known, ...card }) : s.consultations };
}

function offerFacts(event, d) {
  switch (event.t) {
    case "offer.made": return { due_at: d.due_at ?? d.offer?.due_at };
    case "offer.delivered": return { delivered_at: d.delivered_at ?? event.at };
    case "offer.seen": return { seen_at: d.seen_at ?? event.at };
    case "offer.expired": return { expired_at: event.at };
    case "offer.accepted": return { state: d.state ?? "accepted", answered_at: event.at };
    case "offer.declined": return { state: "declined", reason: d.reason ?? null, gone: event.at };
    case "offer.withdrawn": return { state: "withdrawn", reason: d.reason ?? null, by_name: d.holder_name ?? d.header?.holder_name ?? null, gone: event.at };
    case "attendance.answered": return { attendance: d.coming ? "coming" : "cannot" };
    case "team.stood_down": return { state: "withdrawn", reason: "stood_down", attendance: "stood_down", gone: event.at };
    case "escalation.scheduled": return { due_at: d.due_at ?? d.next_due_at ?? null };
    default: return {};
  }
}

function onHospital(s, event, d) {
  const hospital = subjectOf(event.s);
  const board = s.boards.get(hospital) ?? { consultations: new Map(), desks: [] };
  let next = board;
  if (d.header) next = { ...next, consultations: withEntry(next.consultations, idOf(d.header), d.header) };
  if (event.t === "presence.changed") next = withPresence(next, d.user ?? d.doctor, d.online);
  if (d.gap_id) next = withGap(next, event.t, d);
  if (d.desks) next = { ...next, desks: d.desks };
  else if (d.desk && typeof d.desk === "object") next = { ...next, desks: upsert(next.desks, d.desk, "desk") };
  const after = next === board ? s : { ...s, boards: withEntry(s.boards, hospital, next) };
  return settleAlarm(d.header ? withHeader(after, d.header) : after, d.header);
}

/** A gap that was found, moved, told again or closed, at its desk or in the hospital's own rota. */
function withGap(board, type, d) {
  const put = (gaps = []) => (type === "duty.gap_closed" ? gaps.filter((g) => g.id !== d.gap_id) : upsert(gaps, {
    id: d.gap_id, role: d.role, from: d.from, to: d.to, kind: d.kind, doctor: d.doctor ?? null, doctor_name: d.doctor_name ?? null,
    ...(d.running === undefined ? {} : { running: d.running }), ...(d.told === undefined ? {} : { told: d.told }),
  }, "id"));
  if (!d.desk) return { ...board, gaps: put(board.gaps) };
  return { ...board, desks: board.desks.map((x) => (x.desk === d.desk ? { ...x, gaps: put(x.gaps) } : x)) };
}

/** Who is on call at a desk of a board, as it was just read. */
export function putOnCall(hospital, desk, on_call) {
  setState((s) => {
    const board = s.boards.get(hospital);
    if (!board) return s;
    const known = (p) => board.desks.find((x) => x.desk === desk)?.on_call?.find((k) => k.doctor === p.doctor);
    const people = on_call.map((p) => ({ ...p, until: p.to, reachable: known(p)?.reachable ?? true }));
    return { ...s, boards: withEntry(s.boards, hospital, { ...board, desks: board.desks.map((x) => (x.desk === desk ? { ...x, on_call: people } : x)) }) };
  });
}

/** How far a participant has received and read; it has no place in the stream, so the newest wins. */
export function applyMarker(s, { s: stream, user, delivered_n, seen_n }) {
  const read = s.consultations.get(subjectOf(stream));
  if (!read) return s;
  const participants = (read.participants ?? []).map((p) => (p.user === user ? { ...p, delivered_n, seen_n } : p));
  return { ...s, consultations: withEntry(s.consultations, read.id, { ...read, participants }) };
}

const withMarks = (participants, before = []) => participants.map((p) => {
  const known = before.find((x) => x.user === p.user);
  return { ...p, delivered_n: p.delivered_n ?? known?.delivered_n, seen_n: p.seen_n ?? known?.seen_n };
});

/** Somebody on a desk can be reached on a device, or not. */
export function applyPresence(s, { s: stream, user, online }) {
  const board = s.boards.get(subjectOf(stream));
  return board ? { ...s, boards: withEntry(s.boards, subjectOf(stream), withPresence(board, user, online)) } : s;
}

const withPresence = (board, user, online) => ({ ...board, desks: board.desks.map((desk) => ({
  ...desk, on_call: (desk.on_call ?? []).map((p) => (p.doctor === user ? { ...p, online } : p)),
})) });

/** The coordinator is rung until the case is held, closed or cancelled, and not a second longer. */
function settleAlarm(s, header) {
  if (!header || !s.alarms.has(idOf(header))) return s;
  return header.holder || header.status !== "ringing" ? { ...s, alarms: without(s.alarms, idOf(header)) } : s;
}

export const idOf = (header) => header.id ?? header.consultation_id;

function withHeader(s, header) {
  const id = idOf(header);
  const before = s.headers.get(id);
  // an older header (a list fetched before the event arrived) must not undo a newer fact
  if (before && (before.version ?? 0) > (header.version ?? 0)) return s;
  // a board header carries no label, question or situation: keep what a readable source has told
  return { ...s, headers: withEntry(s.headers, id, { ...before, ...header, id }) };
}

/** Fields with the same meaning in a header and in a consultation. */
const SHARED = ["version", "status", "urgency", "holder", "holder_name", "held_since", "answer_due_at", "answered_at",
  "updated_at", "concluded_at", "outcome_due_at", "number"];
const shared = (header) => Object.fromEntries(SHARED.filter((k) => k in header).map((k) => [k, header[k]]));

/** The list row of a consultation that is known in full. */
export function headerOf(c) {
  const ringing = (c.callouts ?? []).filter((x) => x.state === "ringing").at(-1) ?? (c.callouts ?? []).at(-1);
  const upcoming = (ringing?.ladder ?? []).find((step) => !step.started);
  const head = {
    id: c.id, consultation_id: c.id, number: c.number, version: c.version, status: c.status, urgency: c.urgency,
    specialty: c.specialty, hospital: c.hospital, hospital_name: c.hospital_name, ward_name: c.ward_name,
    sex: c.patient?.sex, age_years: c.patient?.age_years, age_months: c.patient?.age_months,
    diagnosis_code: c.diagnosis?.code ?? null, requester_name: c.requester_name, holder: c.holder,
    holder_name: c.holder_name, held_since: c.held_since, answer_due_at: c.answer_due_at, answered_at: c.answered_at,
    created_at: c.created_at, concluded_at: c.concluded_at, outcome_due_at: c.outcome_due_at, updated_at: c.updated_at,
    demo: c.demo, drill: c.drill, label: c.patient?.label, question: c.question, situation: c.situation, ward: c.ward,
    requester: c.requester, telephone: c.telephone ?? null, quiet: ringing?.state === "ringing" && ringing.reason === "telephone",
  };
  if (!ringing) return head;
  return {
    ...head, desk: ringing.desk, desk_name: ringing.desk_name, answering_hospital: ringing.hospital,
    answering_hospital_name: ringing.hospital_name, step: ringing.step, steps_total: ringing.steps_total,
    round: ringing.round, next_due_at: ringing.state === "ringing" ? ringing.next_due_at : null,
    next_names: upcoming ? upcoming.doctors.map((d) => d.doctor_name) : [], next_who: upcoming?.who ?? [],
    ringing: (ringing.offers ?? []).filter((o) => o.state === "made").map(({ doctor, doctor_name, role, delivered_at, seen_at }) =>
      ({ doctor, doctor_name, role, delivered_at, seen_at })),
  };
}

function upsert(list, item, key) {
  return list.some((x) => x[key] === item[key])
    ? list.map((x) => (x[key] === item[key] ? { ...x, ...item } : x))
    : [...list, item];
}

const byTime = (vitals) => [...vitals].sort((a, b) => Date.parse(a.taken_at) - Date.parse(b.taken_at));
const inOrder = (messages) => [...messages].sort((a, b) => a.n - b.n);

/** The server's order, whatever the order of arrival; a correction marks the message it supersedes, never hides it. */
function withMessage(messages, message) {
  const marked = message.supersedes
    ? messages.map((m) => (m.event_id === message.supersedes ? { ...m, superseded_by: message.event_id } : m))
    : messages;
  return inOrder(upsert(marked, message, "event_id"));
}

// --- answers of reads and commands ----------------------------------------------------------------------------------

/** Take in a whole consultation (GET or the answer of a command); `messages` where they were read too. */
export function putConsultation(read, messages) {
  setState((s) => {
    const before = s.consultations.get(read.id);
    const stale = before && (before.version ?? 0) > (read.version ?? 0);
    const merged = { ...(stale ? before : read), messages: before?.messages ?? [] };
    merged.participants = withMarks(merged.participants ?? [], before?.participants);
    if (messages) merged.messages = messages.reduce(withMessage, merged.messages);
    delete merged.ended;
    return settleAdvice(withHeader({ ...s, consultations: withEntry(s.consultations, read.id, merged) }, headerOf(merged)), merged);
  });
}

export function putHeaders(items) {
  setState((s) => items.reduce(withHeader, s));
}

/** The 2xx body of a command: ConsultationRead, or MessageRead for `…/messages`. */
export function absorb(path, json) {
  const message = /^\/consultations\/([^/]+)\/messages$/.exec(path);
  if (message) {
    setState((s) => {
      const before = s.consultations.get(message[1]);
      if (!before) return s;
      const read = { ...before, messages: withMessage(before.messages, json) };
      return { ...s, consultations: withEntry(s.consultations, before.id, read) };
    });
  } else if (json.id && json.status && json.number !== undefined && "urgency" in json) {
    putConsultation(json);
  }
}
