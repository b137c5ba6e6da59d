// An edit of a rota while it is being made: changes are kept on this device as a draft, each is shown by the server's dry run
// (the function that live calls use), and nothing counts until it is published. Somebody else may publish meanwhile: nothing
// is locked, the rota is read again, and the draft stays.
import { useCallback, useEffect, useMemo, useRef, useState } from "../core/html.js";
import { get, request } from "../core/api.js";
import { serverNow } from "../core/clock.js";
import { useDraft } from "../core/drafts.js";
import { t } from "../core/i18n.js";
import { onEvent } from "../core/stream.js";
import { getState } from "../core/store.js";
import { useAction } from "../parts/action.js";
import { iso } from "./rota-time.js";

const LISTS = { layer: "layers", override: "overrides", temporary: "temporaries", holiday: "holidays" };
const EMPTY = { changes: [], reason: "" };

export const ownerPath = (owner) => `/${owner.kind === "hospital" ? "hospitals" : "desks"}/${owner.id}`;

/** What the server is sent of a change. */
const sent = ({ op, kind, id, body }) => ({ op, kind, ...(id ? { id } : {}), ...(op === "put" ? { body } : {}) });

/** The rota's documents with the changes of the draft in them; each document says what the draft does to it. */
export function applied(rota, changes) {
  const out = { ...rota };
  for (const kind of Object.keys(LISTS)) out[LISTS[kind]] = [...rota[LISTS[kind]]];
  const name = (id) => rota.people.find((p) => p.id === id)?.name ?? "";
  for (const c of changes) {
    if (c.kind === "settings") {
      Object.assign(out, c.body);
      if ("head" in c.body) out.head_name = name(c.body.head);
      continue;
    }
    const list = LISTS[c.kind];
    const known = out[list].find((x) => x.id === c.id);
    if (c.op === "delete") {
      out[list] = out[list].map((x) => (x === known ? { ...x, draft: "deleted", change: c.key } : x));
      continue;
    }
    const made = { ...known, ...c.body, id: c.id ?? c.key, draft: c.id ? "edited" : "new", change: c.key };
    if (c.kind === "layer") Object.assign(made, { name: c.body.name ?? "", on: c.body.on ?? "any", priority: c.body.priority ?? 0, rotation: c.body.rotation ?? null, windows: c.body.windows ?? null });
    if (c.kind === "override") Object.assign(made, { doctor_name: name(c.body.doctor), by: c.body.by ?? null, by_name: c.body.by ? name(c.body.by) : null });
    if (c.kind === "temporary") made.shifts = c.body.shifts.map((s) => ({ ...s, doctor_name: name(s.doctor) }));
    if (c.kind === "holiday") made.hospital = rota.hospital;
    out[list] = known ? out[list].map((x) => (x === known ? made : x)) : [...out[list], made];
  }
  return out;
}

/** Documents of the draft that count: deleted ones are shown struck out, and are not drawn as duty. */
export const standing = (list) => list.filter((x) => x.draft !== "deleted");

/** Who published in between, as a 412 says; nobody by name after a network file. */
const namedBy = (error) => ({ names: [error.extra?.by_name].filter(Boolean) });

/**
 * @param owner {kind: "desk" | "hospital", id}    @param from, to  the time that is looked at
 * -> { rota, readOnly, error, reload, changes, docs, preview, problem, busy, news, keep, drop, discard, publish, action }
 */
export function useRotaEdit(owner, from, to) {
  const [rota, setRota] = useState(null);
  const [readOnly, setReadOnly] = useState(false);
  const [error, setError] = useState(null);
  const [preview, setPreview] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [news, setNews] = useState(null);
  const [draft, setDraft, { drop: dropDraft, ready }] = useDraft(`rota:${owner.kind}:${owner.id}`, EMPTY);
  const [run, action] = useAction();
  const now = useRef({});
  const path = `${ownerPath(owner)}/rota`;

  const reload = useCallback(async () => {
    try {
      const read = await get(path);
      setRota(read);
      setReadOnly(!read.may.some((m) => ["publish_rota", "override_soon"].includes(m)));
      setError(null);
      return read;
    } catch (e) {
      // Who may not read how the rota is written still sees what comes out of it.
      if ([403, 404].includes(e.status)) setReadOnly(true);
      else setError(e);
      return null;
    }
  }, [path]);
  useEffect(() => { reload(); }, [path]);

  const changes = draft.changes;
  const mayPublish = rota?.may.includes("publish_rota");
  now.current = { rota, changes, from, to };

  /** Ask the server what these changes would do. A version that is not the latest is read anew and asked again. */
  const ask = useCallback(async (list, again = true) => {
    const { rota: known, from: a, to: b } = now.current;
    const start = Math.max(a, serverNow());
    const body = { version: known.version, dry_run: true, changes: list.map(sent), ...(b > start + 60e3 ? { from: iso(start), to: iso(b) } : {}) };
    try {
      return await request("POST", path, { body, key: crypto.randomUUID() });
    } catch (e) {
      if (e.status !== 412 || !again) throw e;
      const read = await reload();
      if (!read) throw e;
      if (list.length) setNews((n) => n ?? namedBy(e));
      now.current.rota = read;
      return ask(list, false);
    }
  }, [path, reload]);

  const asked = changes.length > 0 || mayPublish;
  useEffect(() => {
    if (!rota || readOnly || !asked || !ready) {
      setPreview(null);
      return undefined;
    }
    let gone = false;
    setBusy(true);
    ask(changes).then((answer) => {
      if (gone) return;
      setPreview(answer);
      setProblem(null);
    }, (e) => {
      if (gone) return;
      setPreview(null);
      setProblem(changes.length ? e : null);
    }).finally(() => !gone && setBusy(false));
    return () => { gone = true; };
  }, [rota?.version, readOnly, asked, ready, changes, from, to]);

  // What others publish is on the screen at once; who edits is told by name.
  useEffect(() => onEvent((e) => {
    const mine = owner.kind === "hospital" ? !e.d?.desk && e.d?.hospital === owner.id : e.d?.desk === owner.id;
    if (e.t !== "rota.published" || !mine) return;
    const { rota: known, changes: list } = now.current;
    if (!known || (e.d.version && e.d.version <= known.version)) return;
    reload();
    if (e.d.by_name && e.d.by_name !== getState().me?.name && list.length) setNews({ names: [e.d.by_name] });
  }), [owner.kind, owner.id, reload]);

  const put = (list) => setDraft((d) => ({ ...d, changes: list }));

  /** Take a change into the draft once the server has shown what it does: null, or why not. */
  const keep = async (change) => {
    const rest = changes.filter((c) => c.key !== change.key);
    const at = changes.findIndex((c) => c.key === change.key);
    const list = at < 0 ? [...rest, change] : changes.map((c) => (c.key === change.key ? change : c));
    try {
      await ask(list);
    } catch (e) {
      if (e.status && !e.temporary) return refusal(e, list, change.key);
    }
    put(list);
    return null;
  };

  const drop = (key) => put(changes.filter((c) => c.key !== key));
  const discard = () => {
    setNews(null);
    dropDraft(undefined, EMPTY);
  };

  const publish = async () => {
    const body = { version: now.current.rota.version, reason: draft.reason ?? "", changes: changes.map(sent) };
    const answer = await run({ path, body, what: "publish", expiresAfter: 60 });
    if (!answer) return null;
    dropDraft(undefined, EMPTY);
    setNews(null);
    await reload();
    return answer;
  };
  // Refused because somebody else was first: read it again, keep the draft, say who.
  useEffect(() => {
    if (action.error?.status !== 412) return;
    const told = namedBy(action.error);
    action.clear();
    reload().then((read) => read && setNews((n) => n ?? told));
  }, [action.error]);

  const docs = useMemo(() => (rota ? applied(rota, changes) : null), [rota, changes]);
  return {
    owner, rota, docs, readOnly, error, reload, changes, preview, problem, busy, news, action, keep, drop, discard, publish,
    reason: draft.reason ?? "", setReason: (reason) => setDraft((d) => ({ ...d, reason })),
    clearNews: () => setNews(null), may: (name) => Boolean(rota?.may.includes(name)),
  };
}

/** A refusal in words: which field of this change, or what is in the way: { fields: { path: detail }, text }. */
export function refusal(e, changes, key) {
  const fields = {}, others = [];
  const at = changes.findIndex((c) => c.key === key);
  for (const { field, detail } of e.errors ?? []) {
    const mine = new RegExp(`^changes\\.${at}\\.(?:body\\.)?(.*)$`).exec(field);
    if (mine) fields[mine[1]] = detail;
    else others.push(detail);
  }
  const text = Object.keys(fields).length && !others.length ? t("r.fix_fields", { n: Object.keys(fields).length }) : [e.detail || e.title || t("p.err.fault"), ...others].join(" ");
  return { fields, text };
}
