/**
 * What this device keeps: commands not yet sent, drafts, and small copies for starting without a network. Everything is
 * encrypted with a key per user that never leaves the browser (WebCrypto, not extractable); without IndexedDB it lives
 * in memory for as long as the page.
 *
 *   useUser(id, { shared })  binds to a user; on a shared device the others' keys and data are dropped -> { dropped }
 *   onDevice()               whether what the bound user keeps survives this page (a full disk, a private window: it does not)
 *   put(store, id, value, meta), all(store, beginning), one(store, id), remove(store, id)      of the bound user only
 *   owner()                  the bound user; what one user began is finished for that user, whoever signs in meanwhile
 */
const NAME = "hoichan", VERSION = 1;
const STORES = ["outbox", "drafts", "kept"];
const memory = new Map(); // `${store}/${user}/${id}` -> row, when there is no IndexedDB
const keys = new Map(); // user -> key
let opened = null, user = null;

export const owner = () => user;

function open() {
  opened ??= new Promise((resolve) => {
    let ask;
    try { ask = indexedDB.open(NAME, VERSION); } catch { resolve(null); return; }
    ask.onupgradeneeded = () => {
      ask.result.createObjectStore("keys", { keyPath: "user" });
      STORES.forEach((name) => ask.result.createObjectStore(name, { keyPath: ["user", "id"] }));
    };
    ask.onsuccess = () => resolve(ask.result);
    ask.onerror = () => resolve(null);
    ask.onblocked = () => resolve(null);
  });
  return opened;
}

async function run(stores, mode, work) {
  const db = await open();
  if (!db) return undefined;
  return new Promise((resolve, reject) => {
    const tx = db.transaction(stores, mode);
    const request = work(...[stores].flat().map((name) => tx.objectStore(name)));
    tx.oncomplete = () => resolve(request?.result);
    tx.onerror = () => reject(tx.error);
    tx.onabort = () => reject(tx.error);
  });
}

const durable = async () => Boolean(await open()) && Boolean(globalThis.crypto?.subtle);

export const onDevice = () => keys.has(user);

export async function useUser(id, { shared = false } = {}) {
  user = id;
  if (!id || !(await durable())) return { dropped: 0 };
  try {
    const dropped = shared ? await dropOthers(id) : 0;
    keys.set(id, await keyOf(id));
    return { dropped };
  } catch (error) {
    console.error(error); // nothing can be kept here: whoever is on duty must get in all the same
    return { dropped: 0 };
  }
}

async function dropOthers(id) {
  let dropped = 0;
  for (const store of STORES) {
    for (const row of await run(store, "readonly", (s) => s.getAll())) {
      if (row.user === id) continue;
      if (store === "outbox") dropped += 1;
      await run(store, "readwrite", (s) => s.delete([row.user, row.id]));
    }
  }
  for (const row of await run("keys", "readonly", (s) => s.getAll())) {
    if (row.user !== id) await run("keys", "readwrite", (s) => s.delete(row.user));
  }
  keys.forEach((_, other) => other !== id && keys.delete(other));
  return dropped;
}

/** The key of a user, made once: of two tabs that start together, the second uses the first one's. */
async function keyOf(id) {
  const find = () => run("keys", "readonly", (s) => s.get(id));
  const known = await find();
  if (known) return known.key;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await run("keys", "readwrite", (s) => s.add({ user: id, key })).catch(() => {});
  const made = await find();
  if (!made) throw new Error("no key could be kept on this device");
  return made.key;
}

/**
 * Store `value` encrypted; `meta` stays readable (no patient data in it). Resolves when it is on the device.
 * `instead`: { store, id, only }, what it was made of: it goes in the same breath, so that a crash leaves one of the two.
 */
export async function put(store, id, value, meta = {}, { owner: of = user, instead = null } = {}) {
  const key = keys.get(of);
  if (!key) {
    memory.set(`${store}/${of}/${id}`, { id, value, meta });
    if (instead) await remove(instead.store, instead.id, { owner: of, only: instead.only });
    return;
  }
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(JSON.stringify(value)));
  await run(instead ? [store, instead.store] : store, "readwrite", (s, former) => {
    if (instead) drop(former, [of, instead.id], instead.only);
    return s.put({ user: of, id, iv, data, meta });
  });
}

async function decrypted(row) {
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: row.iv }, keys.get(row.user), row.data);
    return { id: row.id, meta: row.meta, value: JSON.parse(new TextDecoder().decode(plain)) };
  } catch {
    return null; // written under a key that was dropped: nobody can read it, and nobody should
  }
}

export async function one(store, id, of = user) {
  if (!keys.has(of)) return memory.get(`${store}/${of}/${id}`) ?? null;
  const row = await run(store, "readonly", (s) => s.get([of, id]));
  return row ? decrypted(row) : null;
}

/** What is kept under names that begin so. */
export async function all(store, beginning = "") {
  if (!keys.has(user)) return [...memory].filter(([k]) => k.startsWith(`${store}/${user}/${beginning}`)).map(([, row]) => row);
  const rows = await run(store, "readonly", (s) => s.getAll(IDBKeyRange.bound([user, beginning], [user, `${beginning}\uffff`])));
  return (await Promise.all(rows.map(decrypted))).filter(Boolean);
}

/** `only(row)`: whether what is there now is what shall go. */
export async function remove(store, id, { owner: of = user, only = () => true } = {}) {
  const place = `${store}/${of}/${id}`;
  if (!keys.has(of)) {
    if (memory.has(place) && only(memory.get(place))) memory.delete(place);
    return;
  }
  await run(store, "readwrite", (s) => drop(s, [of, id], only));
}

function drop(s, key, only) {
  const ask = s.get(key);
  ask.onsuccess = () => ask.result && only(ask.result) && s.delete(key);
  return ask;
}
