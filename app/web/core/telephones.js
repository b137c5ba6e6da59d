/**
 * The telephone list: it works signed out and without a network, because the last copy stays on the device. Public
 * numbers of desks, coordinators, wards and hospitals; no personal data.
 *
 *   useTelephones() -> { at, items } | null    for a component: it is drawn again when another list arrives
 *   loadTelephones() -> the same               freshly read when the server answers
 *   hotline() -> { name, phone, tel } | null   the number for "Gọi tổng đài trực"; preferHospital(id) sets whose
 *   deskPhone(specialty, hospital)             tel(phone) -> "tel:+84…" for a link
 */
import { get } from "./api.js";
import { useEffect, useState } from "./html.js";

const KEPT = "hoichan.telephones", PREFERRED = "hoichan.hotline";
let list = read(KEPT);
const listeners = new Set();

function read(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

function keep(key, value) {
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* a private window: this page only */ }
}

export async function loadTelephones() {
  list = await get("/telephones");
  keep(KEPT, list);
  listeners.forEach((fn) => fn(list));
  return list;
}

/** The list as it is now. One that arrives after the drawing and before anybody listens must not be missed: no number is shown then. */
export function useTelephones() {
  const [, draw] = useState(list);
  useEffect(() => {
    listeners.add(draw);
    draw(list);
    return () => listeners.delete(draw);
  }, []);
  return list;
}

/** The answering hospital of this ward's agreement: its coordinator is the hotline of this device from now on. */
export function preferHospital(id) {
  if (id) keep(PREFERRED, id);
}

const of = (kind, where) => list?.items.find((x) => x.kind === kind && x.phone && (!where || where(x)));

export function hotline() {
  const hospital = read(PREFERRED);
  const found = (hospital && of("coordinator", (x) => x.hospital === hospital))
    ?? (hospital && of("hospital", (x) => x.hospital === hospital)) ?? of("coordinator") ?? of("desk") ?? of("hospital");
  return found ? { name: found.name, hospital_name: found.hospital_name, phone: found.phone } : null;
}

export function deskPhone(specialty, hospital) {
  return of("desk", (x) => x.specialty === specialty && (!hospital || x.hospital === hospital))?.phone ?? null;
}

/** A dialable link; without a number, the list itself. */
export const tel = (phone) => (phone ? `tel:${phone.replace(/[^\d+]/g, "")}` : "/telephones");
