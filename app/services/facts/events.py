"""The one door through which anything becomes a fact.

`record` collects while a service runs. `write` puts everything that the transaction changed about its cases, with all
facts, counters, stream entries, reads and the stored answer, into **one** statement just before the commit.

Hash chain (what `hoichan verify` recomputes):
    data_hash = sha256(the stored text of data)
    hash      = sha256(previous hash ‖ chain ␀ seq ␀ id ␀ type ␀ at ␀ actor ␀ name ␀ data_hash), ␀ being a NUL byte,
with seq in decimal, id and actor as lower-case hyphenated text and the actor's name as shown (no actor: both empty),
and `at` as ISO 8601 UTC in microseconds. Data past its retention can be blanked: the chain needs only data_hash.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.identifiers import new_id
from app.models.callout import Callout
from app.models.consultation import Consultation
from app.prepared import Prepared
from app.schemas.consultation import callout as show_callout
from app.schemas.consultation import header
from app.schemas.events import CONSULTATION, TYPES, kind_of
from app.services.facts import case_rows
from app.work import Answer, Entry, Fact, Work

WITH_LADDER = frozenset({"callout.opened", "escalation.scheduled"})
FIRST_HASH = b"\x00" * 32


class Overtaken(Exception):
    """Another transaction added a fact to the case after an optimistic work had read it; nothing was written."""


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


async def record_each_about(work: Work, said: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Collect many facts about duty or accounts, each (chain, type, data); the counter rows are locked at once.

    They are locked in the order of their names, with the counters of what was recorded about cases before, so that two
    that tell many never wait for each other in a circle. A chain that does not exist belongs to nobody: its facts are
    left out.
    """
    if not said:
        return
    chains = {chain for chain, _, _ in said}
    counters = {stream for fact in work.facts for stream in fact.streams if kind_of(stream) != CONSULTATION}
    found = await work.session.execute(_CHAINS, {"names": sorted(chains | counters)})
    seqs = {}
    for row in found:
        if row.name not in chains:
            continue
        taken = sum(1 for f in work.facts if f.chain == row.name)
        if not taken:
            work.chain_heads[row.name] = bytes(row.chain_hash) or FIRST_HASH
        seqs[row.name] = row.chain_seq + taken
    for chain, event_type, data in said:
        if chain in seqs:
            seqs[chain] += 1
            work.facts.append(Fact(new_id(work.now), event_type, chain, seqs[chain], dict(data), (chain,)))


async def write(work: Work, answer: Answer | None = None) -> list[Entry]:
    """Write everything collected, and return the entries for the hub to deliver after the commit.

    Raises Overtaken: two facts cannot have one place in a chain (`uq_event_chain_seq`), so what an optimistic work
    decided on a state that has passed is refused as a whole, whichever constraint is the first to notice.
    """
    if not work.facts and not work.cases and not work.reads and answer is None:
        return []
    parameters = work.sealed or _parameters(work, answer)
    try:
        rows = await _statement(work).rows(work.session, parameters)
    except IntegrityError as error:
        if not work.optimistic:
            raise
        raise Overtaken from error
    return list(_entries(work, {row[0]: row[1] for row in rows}))


def seal(work: Work) -> None:
    """Render and hash all of it now; `write` has nothing left to do but to send it. Nothing may be added any more."""
    work.sealed = _parameters(work, None)


async def write_nothing(work: Work) -> None:
    """Send the statement that rings people, with nothing in it: it is planned when the first is due."""
    await _WRITE_AT_ONCE.rows(work.session, _parameters(Work(work.session, None, work.now), None))


def _parameters(work: Work, answer: Answer | None) -> dict[str, Any]:
    return _fact_arrays(work) | case_rows.parameters(work) | _read_arrays(work) | _answer(work, answer)


def _statement(work: Work) -> Prepared:
    if not work.new_cases:
        return _WRITE_AT_ONCE if work.optimistic and work.actor is None else _WRITE
    if work.new_cases != work.cases.keys():
        return _WRITE_BOTH
    return _WRITE_TOLD if any(case.calls for case in work.cases.values()) else _WRITE_NEW


def chain_hash(
    previous: bytes,
    chain: str,
    seq: int,
    event_id: UUID,
    event_type: str,
    at: datetime,
    actor: tuple[UUID | None, str | None],
    data_hash: bytes,
) -> bytes:
    """Return the hash of one fact, given that of the one before it; `actor` is id and name, as shown."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (chain, str(seq), str(event_id), event_type, stamp, str(actor[0] or ""), actor[1] or "")
    return sha256(previous + b"\x00".join(f.encode() for f in fields) + b"\x00" + data_hash).digest()


def _boards(case: Consultation) -> Iterable[UUID]:
    yield case.hospital_id
    for callout in case.callouts:
        yield callout.hospital_id


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A fact whose place in the chain is certain."""

    fact: Fact
    data_hash: bytes
    hash: bytes


def _seal(work: Work) -> tuple[list[_Sealed], dict[str, bytes]]:
    """Render and hash every fact in order; return them with the new heads of the chains they belong to."""
    actor = _actor(work)
    heads = dict(work.chain_heads)
    headers = {case_id: to_json(header(case)).decode() for case_id, case in work.cases.items()}
    callouts: dict[tuple[UUID, bool], dict[str, Any]] = {}
    sealed = []
    for fact in work.facts:
        case = fact.consultation
        if case is not None:
            fact.header = headers[case.id]
            _render_callout(fact, callouts)
            heads.setdefault(fact.chain, bytes(case.head_hash or b"") or FIRST_HASH)
        fact.stored = fact.show(fact.data)
        data_hash = sha256(fact.stored.encode()).digest()
        digest = chain_hash(heads[fact.chain], fact.chain, fact.n, fact.id, fact.type, work.now, actor, data_hash)
        heads[fact.chain] = digest
        if case is not None:
            case.head_hash = digest
        sealed.append(_Sealed(fact, data_hash, digest))
    return sealed, heads


def _render_callout(fact: Fact, rendered: dict[tuple[UUID, bool], dict[str, Any]]) -> None:
    """Show the callout that a fact is about as the transaction leaves it; its ladder only where the ladder changed."""
    callout = fact.data.get("callout")
    if isinstance(callout, Callout):
        key = (callout.id, fact.type in WITH_LADDER)
        if key not in rendered:
            rendered[key] = show_callout(callout, ladder=key[1])
        fact.data["callout"] = rendered[key]


def _actor(work: Work) -> tuple[UUID | None, str | None]:
    return (work.actor.id, work.actor.name) if work.actor else (None, None)


def _fact_arrays(work: Work) -> dict[str, Any]:
    sealed, heads = _seal(work)
    actor_id, actor_name = _actor(work)
    last = {s.fact.chain: s.fact.n for s in sealed if s.fact.consultation is None}
    return {
        "now": work.now,
        "actor": actor_id,
        "actor_name": actor_name,
        "event_ids": [s.fact.id for s in sealed],
        "chains": [s.fact.chain for s in sealed],
        "seqs": [s.fact.n for s in sealed],
        "types": [s.fact.type for s in sealed],
        "case_ids": [s.fact.consultation.id if s.fact.consultation else None for s in sealed],
        "texts": [s.fact.stored for s in sealed],
        "data_hashes": [s.data_hash for s in sealed],
        "hashes": [s.hash for s in sealed],
        "chain_names": list(last),
        "chain_seqs": list(last.values()),
        "chain_hashes": [heads[chain] for chain in last],
        **_entry_arrays(work),
    }


def _entry_arrays(work: Work) -> dict[str, Any]:
    """A fact's place in its own case's stream is known; in every other stream the counter gives it."""
    own = [(f.chain, f.id, f.n) for f in work.facts if f.consultation is not None]
    counts: dict[str, int] = {}
    counted: list[tuple[str, UUID, int]] = []
    for fact in work.facts:
        for stream in fact.streams:
            if fact.consultation is None or stream != fact.chain:
                counts[stream] = counts.get(stream, 0) + 1
                counted.append((stream, fact.id, counts[stream]))
    names = sorted(counts)
    return {
        "count_streams": names,
        "count_ns": [counts[name] for name in names],
        "entry_streams": [e[0] for e in counted],
        "entry_events": [e[1] for e in counted],
        "entry_ords": [e[2] for e in counted],
        "fixed_streams": [e[0] for e in own],
        "fixed_events": [e[1] for e in own],
        "fixed_ns": [e[2] for e in own],
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
_CHAINS = text(
    "SELECT name, chain_seq, chain_hash FROM stream WHERE name = ANY(CAST(:names AS text[])) ORDER BY name FOR UPDATE"
)

_COMMON = """
, counted AS (
  SELECT c.stream, c.n FROM unnest(CAST(:count_streams AS text[]), CAST(:count_ns AS bigint[])) AS c(stream, n)
), locked AS (
  SELECT s.name FROM stream s
  WHERE s.name = ANY(CAST(:count_streams AS text[])) AND (SELECT count(*) FROM held) >= 0
  ORDER BY s.name FOR UPDATE
), chained AS (
  SELECT h.name, h.seq, h.hash
  FROM unnest(CAST(:chain_names AS text[]), CAST(:chain_seqs AS bigint[]), CAST(:chain_hashes AS bytea[]))
       AS h(name, seq, hash)
), bumped AS (
  UPDATE stream s SET head = s.head + c.n,
    chain_seq = coalesce(h.seq, s.chain_seq), chain_hash = coalesce(h.hash, s.chain_hash)
  FROM locked l JOIN counted c ON c.stream = l.name LEFT JOIN chained h ON h.name = l.name
  WHERE s.name = l.name AND s.name = ANY(CAST(:count_streams AS text[]))
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

_WRITE = Prepared(case_rows.UPDATE_CASES + case_rows.UPSERT_PARTS + _COMMON)
# What nobody waits for does not wait for anybody who holds the case; it is tried again.
_WRITE_AT_ONCE = Prepared(case_rows.UPDATE_CASES_AT_ONCE + case_rows.UPSERT_PARTS + _COMMON)
_WRITE_NEW = Prepared(case_rows.INSERT_CASES + case_rows.UPSERT_PARTS + _COMMON)
_WRITE_TOLD = Prepared(case_rows.INSERT_TOLD_CASES + case_rows.UPSERT_PARTS + _COMMON)
_WRITE_BOTH = Prepared(case_rows.INSERT_AND_UPDATE_CASES + case_rows.UPSERT_PARTS + _COMMON)
