/**
 * What this device keeps: commands not yet sent, drafts, and small copies for starting without a network. Everything is
 * encrypted with a key per user that never leaves the browser (WebCrypto, not extractable); without IndexedDB it lives
 * in memory for as long as the page.
 *
 *   useUser(id, { shared })  binds to a user; on a shared device the others' keys and data are dropped -> { dropped }
 *   put(store, id, value, meta), all(store), one(store, id), remove(store, id)      of the bound user only
 */
const NAME = "hoichan", VERSION = 1;
const STORES = ["outbox", "drafts", "kept"];
const memory = new Map(); // `${store}/${user}/${id}` -> row, when there is no IndexedDB
let opened = null, user = null, key = null;

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

async function run(store, mode, work) {
  const db = await open();
  if (!db) return undefined;
  return new Promise((resolve, reject) => {
    const tx = db.transaction(store, mode);
    const request = work(tx.objectStore(store));
    tx.oncomplete = () => resolve(request?.result);
    tx.onerror = () => reject(tx.error);
    tx.onabort = () => reject(tx.error);
  });
}

/** Whether kept data survive a reload here. */
export const durable = async () => Boolean(await open()) && Boolean(globalThis.crypto?.subtle);

export async function useUser(id, { shared = false } = {}) {
  user = id;
  key = null;
  if (!id || !(await durable())) return { dropped: 0 };
  let dropped = 0;
  if (shared) {
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
  }
  const known = await run("keys", "readonly", (s) => s.get(id));
  key = known?.key ?? (await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]));
  if (!known) await run("keys", "readwrite", (s) => s.put({ user: id, key }));
  return { dropped };
}

/** Store `value` encrypted; `meta` stays readable (no patient data in it). Resolves when it is on the device. */
export async function put(store, id, value, meta = {}) {
  if (!key) {
    memory.set(`${store}/${user}/${id}`, { id, value, meta });
    return;
  }
  const owner = user;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(JSON.stringify(value)));
  await run(store, "readwrite", (s) => s.put({ user: owner, id, iv, data, meta }));
}

async function decrypted(row) {
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: row.iv }, key, row.data);
    return { id: row.id, meta: row.meta, value: JSON.parse(new TextDecoder().decode(plain)) };
  } catch {
    return null; // written under a key that was dropped: nobody can read it, and nobody should
  }
}

export async function one(store, id) {
  if (!key) return memory.get(`${store}/${user}/${id}`) ?? null;
  const row = await run(store, "readonly", (s) => s.get([user, id]));
  return row ? decrypted(row) : null;
}

export async function all(store) {
  if (!key) return [...memory].filter(([k]) => k.startsWith(`${store}/${user}/`)).map(([, row]) => row);
  const rows = await run(store, "readonly", (s) => s.getAll(IDBKeyRange.bound([user], [user, []])));
  return (await Promise.all(rows.map(decrypted))).filter(Boolean);
}

export async function remove(store, id) {
  if (!key) memory.delete(`${store}/${user}/${id}`);
  else await run(store, "readwrite", (s) => s.delete([user, id]));
}
