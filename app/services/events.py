"""The one door through which anything becomes a fact.

`record` collects while a service runs. `write` puts everything that the transaction changed about its cases, with all
facts, counters, stream entries, reads and the stored answer, into **one** statement just before the commit.

Hash chain (what `hoichan verify` recomputes):
    data_hash = sha256(the stored text of data)
    hash      = sha256(previous hash ‖ chain ␀ seq ␀ id ␀ type ␀ at ␀ actor ␀ data_hash), ␀ being a NUL byte,
with seq in decimal, id and actor as lower-case hyphenated text (no actor: empty), `at` as ISO 8601 UTC in microseconds.
Data past its retention can be blanked: the chain needs only data_hash.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text

from app.identifiers import new_id
from app.models.consultation import Consultation
from app.schemas.consultation import header
from app.schemas.events import TYPES
from app.services import case_rows
from app.work import Answer, Entry, Fact, Work

FIRST_HASH = b"\x00" * 32


def record(
    work: Work,
    case: Consultation,
    event_type: str,
    data: dict[str, Any] | None = None,
    *,
    to: Iterable[UUID] = (),
    attach: dict[str, dict[str, Any]] | None = None,
    event_id: UUID | None = None,
) -> Fact:
    """Collect one fact about a case, which must be locked. `to`: people whose own stream must hear it too."""
    kind = TYPES[event_type]
    case.version += 1
    case.updated_at = work.now
    streams = [f"consultation:{case.id}"]
    if kind.board:
        streams += sorted({f"hospital:{h}" for h in _boards(case)})
    streams += sorted({f"user:{user}" for user in to})
    fact = Fact(
        id=event_id or new_id(work.now),
        type=event_type,
        chain=streams[0],
        n=case.version,
        data={"consultation_id": case.id, **(data or {})},
        streams=tuple(streams),
        consultation=case,
        attach=attach or {},
    )
    work.facts.append(fact)
    work.cases.setdefault(case.id, case)
    return fact


async def record_about(work: Work, chain: str, event_type: str, data: dict[str, Any]) -> Fact:
    """Collect one fact about duty or an account, in the chain of that hospital or user (its counter row is locked)."""
    found = await work.session.execute(_CHAIN, {"name": chain})
    row = found.one()
    taken = sum(1 for f in work.facts if f.chain == chain)
    fact = Fact(new_id(work.now), event_type, chain, row.chain_seq + 1 + taken, data, (chain,))
    if not taken:
        work.chain_heads[chain] = bytes(row.chain_hash) or FIRST_HASH
    work.facts.append(fact)
    return fact


async def write(work: Work, answer: Answer | None = None) -> list[Entry]:
    """Write everything collected, and return the entries for the hub to deliver after the commit."""
    if not work.facts and not work.cases and not work.reads and answer is None:
        return []
    parameters = _fact_arrays(work) | case_rows.parameters(work) | _read_arrays(work) | _answer(work, answer)
    result = await work.session.execute(_WRITE_NEW if work.new_cases else _WRITE, parameters)
    bases = {row.name: row.base for row in result}
    return list(_entries(work, bases))


def chain_hash(
    previous: bytes,
    chain: str,
    seq: int,
    event_id: UUID,
    event_type: str,
    at: datetime,
    actor: UUID | None,
    data_hash: bytes,
) -> bytes:
    """Return the hash of one fact, given that of the one before it."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (chain, str(seq), str(event_id), event_type, stamp, str(actor or ""))
    return sha256(previous + b"\x00".join(f.encode() for f in fields) + b"\x00" + data_hash).digest()


def _boards(case: Consultation) -> Iterable[UUID]:
    yield case.hospital_id
    for callout in case.callouts:
        yield callout.hospital_id


def _fact_arrays(work: Work) -> dict[str, Any]:
    actor = work.actor
    heads = dict(work.chain_heads)
    headers = {case_id: header(case) for case_id, case in work.cases.items()}
    ids, chains, seqs, types, cases, texts, data_hashes, hashes = [], [], [], [], [], [], [], []
    entry_streams, entry_events, entry_ords = [], [], []
    counts: dict[str, int] = {}
    fixed: list[tuple[str, UUID, int]] = []
    for fact in work.facts:
        case = fact.consultation
        if case is not None:
            fact.data["header"] = headers[case.id]
            previous = heads.get(fact.chain) or bytes(case.head_hash or b"") or FIRST_HASH
        else:
            previous = heads.get(fact.chain, FIRST_HASH)
        stored = to_json(fact.data)
        data_hash = sha256(stored).digest()
        digest = chain_hash(
            previous, fact.chain, fact.n, fact.id, fact.type, work.now, actor.id if actor else None, data_hash
        )
        heads[fact.chain] = digest
        if case is not None:
            case.head_hash = digest
        ids.append(fact.id)
        chains.append(fact.chain)
        seqs.append(fact.n)
        types.append(fact.type)
        cases.append(case.id if case else None)
        texts.append(stored.decode())
        data_hashes.append(data_hash)
        hashes.append(digest)
        for stream in fact.streams:
            if case is not None and stream == fact.chain:
                fixed.append((stream, fact.id, fact.n))
                continue
            counts[stream] = counts.get(stream, 0) + 1
            entry_streams.append(stream)
            entry_events.append(fact.id)
            entry_ords.append(counts[stream])
    plain = [chain for chain in heads if any(f.chain == chain and f.consultation is None for f in work.facts)]
    return {
        "now": work.now,
        "actor": actor.id if actor else None,
        "actor_name": actor.name if actor else None,
        "event_ids": ids,
        "chains": chains,
        "seqs": seqs,
        "types": types,
        "case_ids": cases,
        "texts": texts,
        "data_hashes": data_hashes,
        "hashes": hashes,
        "count_streams": sorted(counts),
        "count_ns": [counts[s] for s in sorted(counts)],
        "entry_streams": entry_streams,
        "entry_events": entry_events,
        "entry_ords": entry_ords,
        "fixed_streams": [f[0] for f in fixed],
        "fixed_events": [f[1] for f in fixed],
        "fixed_ns": [f[2] for f in fixed],
        "chain_names": plain,
        "chain_seqs": [max(f.n for f in work.facts if f.chain == chain) for chain in plain],
        "chain_hashes": [heads[chain] for chain in plain],
    }


def _read_arrays(work: Work) -> dict[str, Any]:
    reads = list(dict.fromkeys(work.reads))
    return {
        "read_ids": [new_id(work.now) for _ in reads],
        "read_cases": [r[0] for r in reads],
        "read_views": [r[1] for r in reads],
        "read_vias": [r[2] for r in reads],
    }


def _answer(work: Work, answer: Answer | None) -> dict[str, Any]:
    command = work.command
    stored = answer is not None and command is not None
    return {
        "answer_key": command.key if stored and command else None,
        "answer_fingerprint": command.fingerprint if stored and command else None,
        "answer_status": answer.status if answer else None,
        "answer_body": answer.body if answer else None,
        "answer_location": answer.location if answer else None,
        "answer_case": command.consultation_id if stored and command else None,
    }


def _entries(work: Work, bases: dict[str, int]) -> Iterable[Entry]:
    given: dict[str, int] = {}
    for fact in work.facts:
        for stream in fact.streams:
            if fact.consultation is not None and stream == fact.chain:
                yield Entry(stream, fact.n, fact)
            else:
                given[stream] = given.get(stream, 0) + 1
                yield Entry(stream, bases[stream] + given[stream], fact)


_CHAIN = text("SELECT chain_seq, chain_hash FROM stream WHERE name = :name FOR UPDATE")

_COMMON = """
, counted AS (
  SELECT c.stream, c.n FROM unnest(CAST(:count_streams AS text[]), CAST(:count_ns AS bigint[])) AS c(stream, n)
), locked AS (
  SELECT s.name FROM stream s WHERE s.name = ANY(CAST(:count_streams AS text[])) ORDER BY s.name FOR UPDATE
), chained AS (
  SELECT h.name, h.seq, h.hash
  FROM unnest(CAST(:chain_names AS text[]), CAST(:chain_seqs AS bigint[]), CAST(:chain_hashes AS bytea[]))
       AS h(name, seq, hash)
), bumped AS (
  UPDATE stream s SET head = s.head + c.n,
    chain_seq = coalesce(h.seq, s.chain_seq), chain_hash = coalesce(h.hash, s.chain_hash)
  FROM locked l JOIN counted c ON c.stream = l.name LEFT JOIN chained h ON h.name = l.name WHERE s.name = l.name
  RETURNING s.name, s.head - c.n AS base
), facts AS (
  INSERT INTO event (id, chain, seq, type, at, actor_id, actor_name, consultation_id, data, data_hash, hash)
  SELECT e.id, e.chain, e.seq, e.type, CAST(:now AS timestamptz), CAST(:actor AS uuid), CAST(:actor_name AS text),
         e.consultation_id, CAST(e.data AS json), e.data_hash, e.hash
  FROM unnest(CAST(:event_ids AS uuid[]), CAST(:chains AS text[]), CAST(:seqs AS bigint[]), CAST(:types AS text[]),
              CAST(:case_ids AS uuid[]), CAST(:texts AS text[]), CAST(:data_hashes AS bytea[]),
              CAST(:hashes AS bytea[]))
       AS e(id, chain, seq, type, consultation_id, data, data_hash, hash)
), entered AS (
  INSERT INTO stream_entry (stream, seq, event_id)
  SELECT k.stream, b.base + k.ord, k.event_id
  FROM unnest(CAST(:entry_streams AS text[]), CAST(:entry_events AS uuid[]), CAST(:entry_ords AS bigint[]))
       AS k(stream, event_id, ord) JOIN bumped b ON b.name = k.stream
  UNION ALL
  SELECT f.stream, f.n, f.event_id
  FROM unnest(CAST(:fixed_streams AS text[]), CAST(:fixed_events AS uuid[]), CAST(:fixed_ns AS bigint[]))
       AS f(stream, event_id, n)
), read AS (
  INSERT INTO access_log (id, at, user_id, consultation_id, view, via)
  SELECT r.id, CAST(:now AS timestamptz), CAST(:actor AS uuid), r.consultation_id, r.view, r.via
  FROM unnest(CAST(:read_ids AS uuid[]), CAST(:read_cases AS uuid[]), CAST(:read_views AS text[]),
              CAST(:read_vias AS text[])) AS r(id, consultation_id, view, via)
), answered AS (
  INSERT INTO stored_answer (user_id, key, fingerprint, status, body, location, consultation_id, at)
  SELECT CAST(:actor AS uuid), CAST(:answer_key AS text), CAST(:answer_fingerprint AS bytea),
         CAST(:answer_status AS integer), CAST(:answer_body AS text), CAST(:answer_location AS text),
         CAST(:answer_case AS uuid), CAST(:now AS timestamptz)
  WHERE CAST(:answer_key AS text) IS NOT NULL
)
SELECT name, base FROM bumped
"""

_WRITE = text(case_rows.UPDATE_CASES + case_rows.UPSERT_PARTS + _COMMON)
_WRITE_NEW = text(case_rows.INSERT_CASES + case_rows.UPSERT_PARTS + _COMMON)
