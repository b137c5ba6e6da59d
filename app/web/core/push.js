/**
 * Being reached when the page is closed: this device's push subscription, and the order of all one's channels.
 *
 *   read()          { channels, own, push_key, kinds, capturing, supported, denied, here, endpoint }
 *   turnOn(read)    ask for permission, subscribe, and put this device first; throws when it cannot be
 *   turnOff(read)   take this device off the list
 *   forgetDevice()  after signing out: nobody's rings are shown here any more
 *   put(channels)   replace the list, as the server has it or a form
 *   tryOut(kind?)   send a test to oneself on every channel (of a kind); returns how many
 */
import { get, request } from "./api.js";
import { lang } from "./i18n.js";

const MOST = 8;
const supported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

async function subscription() {
  if (!supported()) return null;
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}

export async function read() {
  const [mine, own] = await Promise.all([get("/me/channels"), subscription().catch(() => null)]);
  const here = Boolean(own && mine.channels.some((c) => c.kind === "push" && c.address === own.endpoint));
  return { ...mine, endpoint: own?.endpoint ?? null, supported: supported(), denied: supported() && Notification.permission === "denied", here };
}

export async function turnOn({ push_key: key }) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("denied");
  const registration = await navigator.serviceWorker.ready;
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const { endpoint, keys } = made.toJSON();
  const device = { kind: "push", address: endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth }, language: lang() };
  // The numbers that the hospital has noted stay in the list: a phone that is flat must still be called elsewhere.
  const { channels } = await get("/me/channels");
  await put([device, ...channels.filter((c) => c.address !== endpoint)].slice(0, MOST));
}

export async function turnOff() {
  const own = await subscription();
  const { channels } = await get("/me/channels");
  await put(channels.filter((c) => c.kind !== "push" || c.address !== own?.endpoint));
  await own?.unsubscribe();
}

export async function forgetDevice() {
  await (await subscription().catch(() => null))?.unsubscribe().catch(() => {});
}

export const tryOut = async (kind) => (await request("POST", "/me/channels/test", { body: kind ? { kind } : {}, key: crypto.randomUUID() })).sent;

export const put = (channels) => request("PUT", "/me/channels", { body: { channels: channels.map(({ able, ...c }) => c) } });

function bytes(base64) {
  const plain = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}
