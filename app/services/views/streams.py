"""What a stream has said and how things stand: read in one transaction, so that state and head agree.

A stream is `consultation:<id>` (its members), `user:<id>` (what needs me) or `hospital:<id>` (the coordinator's board).
The caller opens a REPEATABLE READ transaction, which makes what is read here one moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identifiers import new_id
from app.models.consultation import Consultation
from app.policy import facts_of, hears, readable_stream, view_of
from app.schemas import consultation as show
from app.schemas.events import CONSULTATION, USER, kind_of, projection
from app.services.facts import case_rows
from app.services.views import snapshots
from app.services.views.snapshots import Circumstances
from app.work import Subject, Work

MOST_MISSED: Final = 500
"""Facts that are read one by one after an absence; further behind, a snapshot is shorter."""
MOST_OWN_CASES: Final = 100
"""Cases heard from the start: open ones first, then the newest; any other is subscribed to by name."""
_CARDS: Final = frozenset({"offer.made", "consultation.updated", "vitals.recorded"})


class Read(NamedTuple):
    """One read of patient data, as the access log keeps it."""

    user_id: UUID
    case_id: UUID
    view: str
    via: str


@dataclass(frozen=True, slots=True)
class Told:
    """One fact as one kind of stream may show it; `d` is JSON."""

    n: int
    id: UUID
    type: str
    at: datetime
    by: UUID | None
    d: str
    case_id: UUID | None
    card: bool = False
    """Whether it carries an offer card."""


@dataclass(slots=True)
class Found:
    """What one reader is sent of one stream: a snapshot (JSON) as of `head`, or the events up to it."""

    head: int
    snapshot: str | None = None
    events: list[Told] = field(default_factory=list)


async def changed_sessions(session: AsyncSession, subjects: Iterable[Subject], now: datetime) -> dict[UUID, bool]:
    """Return sessions that are not what they were: True when they have ended, False when the account has changed."""
    known = {s.session_id: s for s in subjects if s.session_id is not None}
    rows = await session.execute(
        _CHANGED_SESSIONS,
        {
            "ids": list(known),
            "roles": [s.role for s in known.values()],
            "hospitals": [s.hospital_id for s in known.values()],
            "wards": [s.ward_id for s in known.values()],
            "now": now,
        },
    )
    return {row.id: row.ended for row in rows}


async def own_streams(work: Work) -> list[str]:
    """Return the streams that the subject hears without asking: its own, its board, its cases that are not closed."""
    subject = work.subject
    own = [f"user:{subject.id}"]
    if subject.hospital_id is not None:
        own.append(f"hospital:{subject.hospital_id}")
    parameters = {
        "user": subject.id,
        "ward": subject.ward_id,
        "hospital": subject.hospital_id,
        "most": MOST_OWN_CASES,
    }
    rows = await work.session.execute(_OWN_CASES, parameters)
    return [name for name in own if readable_stream(subject, name)] + [f"consultation:{row.id}" for row in rows]


async def read(work: Work, wanted: Mapping[str, int | None], circumstances: Circumstances) -> dict[str, Found | None]:
    """Read streams for the subject: what followed the place each was read up to, or a snapshot. Not readable: None.

    Content that is shown is noted in `work.reads`; the caller writes it with `write_reads` before it commits.
    """
    subject = work.subject
    cases = await _cases(work, [name for name in wanted if kind_of(name) == CONSULTATION])
    readable = [name for name in wanted if _readable(subject, name, cases)]
    heads = await _heads(work, readable, cases)
    found: dict[str, Found | None] = {name: Found(heads[name]) if name in heads else None for name in wanted}
    behind = {name: after for name in heads if (after := wanted[name]) is not None and after < heads[name]}
    near = {name: after for name, after in behind.items() if heads[name] - after <= MOST_MISSED}
    for name, told in (await missed(work, near, cases, circumstances)).items():
        if len(told) == heads[name] - near[name]:
            found[name] = Found(heads[name], events=told)
    unread: list[str] = []
    for name, one in found.items():
        after = wanted[name]
        if one is not None and not one.events and (after is None or after != one.head):
            unread.append(name)
    for name, snapshot in (await snapshots.of(work, unread, cases, circumstances)).items():
        found[name] = Found(heads[name], snapshot=to_json(snapshot).decode())
    work.reads += [(case.id, "full", "subscription") for name, case in cases.items() if found[name] is not None]
    return found


async def missed(
    work: Work,
    after: Mapping[str, int],
    cases: dict[str, Consultation],
    circumstances: Circumstances,
) -> dict[str, list[Told]]:
    """Return what streams have said after a place, in order, `MOST_MISSED` at most of each.

    An offer card is shown on a `user:` stream only while the offer is open, and as things stand now.
    """
    if not after:
        return {}
    parameters = {"names": list(after), "after": list(after.values()), "most": MOST_MISSED}
    rows = (await work.session.execute(_MISSED, parameters)).all()
    with_cards = {r.consultation_id for r in rows if kind_of(r.stream) == USER and r.type in _CARDS}
    known = {case.id: case for case in cases.values()}
    for case in await case_rows.load_many(work, with_cards - known.keys()) if with_cards - known.keys() else ():
        known[case.id] = case
    told: dict[str, list[Told]] = {name: [] for name in after}
    for row in rows:
        told[row.stream].append(_told(work, row, known.get(row.consultation_id), circumstances))
    return told


async def behind(session: AsyncSession, heads: Mapping[str, int]) -> list[str]:
    """Return which streams have said more than this process knows."""
    cases = {UUID(name.partition(":")[2]): n for name, n in heads.items() if kind_of(name) == CONSULTATION}
    others = {name: n for name, n in heads.items() if kind_of(name) != CONSULTATION}
    rows = await session.execute(
        _BEHIND,
        {
            "names": list(others),
            "heads": list(others.values()),
            "ids": list(cases),
            "versions": list(cases.values()),
        },
    )
    return [row.name for row in rows]


async def just_made(session: AsyncSession, since: datetime) -> list[tuple[UUID, UUID, UUID | None]]:
    """Return cases made since then, each with its requester and ward: their sockets hear it from the start."""
    rows = await session.execute(_JUST_MADE, {"since": since})
    return [(row.id, row.requester_id, row.ward_id) for row in rows]


async def members(work: Work, names: Iterable[str]) -> dict[str, Consultation]:
    """Load the cases of these streams, by the stream's name: who may hear them follows from it."""
    return await _cases(work, names)


async def write_reads(session: AsyncSession, reads: Mapping[Read, datetime]) -> None:
    """Write reads of patient data into the access log."""
    if not reads:
        return
    await session.execute(
        _LOG_READS,
        {
            "ids": [new_id(at) for at in reads.values()],
            "ats": list(reads.values()),
            "users": [r.user_id for r in reads],
            "cases": [r.case_id for r in reads],
            "views": [r.view for r in reads],
            "vias": [r.via for r in reads],
        },
    )


def reads_of(work: Work) -> dict[Read, datetime]:
    """Return what the subject has read in this transaction."""
    return {Read(work.subject.id, case_id, view, via): work.now for case_id, view, via in work.reads}


# --- inside --------------------------------------------------------------------------------------------------------


def _readable(subject: Subject, name: str, cases: Mapping[str, Consultation]) -> bool:
    case = cases.get(name)
    return hears(subject, case) if case is not None else readable_stream(subject, name) is True


async def _cases(work: Work, names: Iterable[str]) -> dict[str, Consultation]:
    ids = [UUID(name.partition(":")[2]) for name in names]
    return {f"consultation:{c.id}": c for c in await case_rows.load_many(work, ids)} if ids else {}


async def _heads(work: Work, names: Iterable[str], cases: Mapping[str, Consultation]) -> dict[str, int]:
    """Return the places last given. A stream whose row is missing has said nothing yet."""
    counted = {name: 0 for name in names if name not in cases}
    if counted:
        rows = await work.session.execute(_HEADS, {"names": list(counted)})
        counted |= {row.name: row.head for row in rows}
    return {name: counted[name] if name in counted else cases[name].version for name in names}


def _told(work: Work, row: Any, case: Consultation | None, circumstances: Circumstances) -> Told:
    kind = kind_of(row.stream)
    d, card = row.data or "{}", False
    if kind != CONSULTATION:
        data = projection(kind, row.type, from_json(d))
        if kind == USER and case is not None and row.type in _CARDS:
            attached = _card(work.subject, row.type, data, case, circumstances)
            data, card = data | attached, bool(attached)
            if card:
                work.reads.append((case.id, "card", "offer"))
        d = to_json(data).decode()
    return Told(row.seq, row.id, row.type, row.at, row.actor_id, d, row.consultation_id, card)


def _card(
    subject: Subject, event_type: str, data: Mapping[str, Any], case: Consultation, circumstances: Circumstances
) -> dict[str, Any]:
    if event_type == "offer.made":
        for callout in case.callouts:
            offer = callout.open_offer_of(subject.id)
            if offer is not None and str(offer.id) == data.get("offer_id"):
                may_accept = callout.specialty in subject.specialties
                card = show.offer_card(case, callout, offer, may_accept=may_accept, demo=circumstances.demo)
                return {"offer": card}
        return {}
    if view_of(subject, facts_of(case, subject, ())) not in ("card", "full"):
        return {}
    return {"card": show.full(case, view="card", demo=circumstances.demo)}


_CHANGED_SESSIONS = text("""
SELECT k.id, u.id IS NULL AS ended
FROM unnest(CAST(:ids AS uuid[]), CAST(:roles AS text[]), CAST(:hospitals AS uuid[]), CAST(:wards AS uuid[]))
     AS k(id, role, hospital, ward)
LEFT JOIN session s ON s.id = k.id AND s.revoked_at IS NULL AND s.expires_at > CAST(:now AS timestamptz)
LEFT JOIN user_account u ON u.id = s.user_id AND u.active
WHERE u.id IS NULL OR u.role <> k.role OR u.hospital_id IS DISTINCT FROM k.hospital OR u.ward_id IS DISTINCT FROM k.ward
""")

_OWN_CASES = text("""
SELECT c.id FROM consultation c
WHERE c.status NOT IN ('closed', 'cancelled') AND (
  (c.hospital_id = CAST(:hospital AS uuid)
   AND (c.requester_id = CAST(:user AS uuid) OR c.ward_id = CAST(:ward AS uuid)))
  OR c.id IN (SELECT p.consultation_id FROM participant p
              WHERE p.user_id = CAST(:user AS uuid) AND p.left_at IS NULL))
ORDER BY c.status = 'concluded', c.created_at DESC LIMIT :most
""")

_HEADS = text("SELECT name, head FROM stream WHERE name = ANY(CAST(:names AS text[]))")

_MISSED = text("""
SELECT e.stream, e.seq, v.id, v.type, v.at, v.actor_id, v.consultation_id, v.data::text AS data
FROM unnest(CAST(:names AS text[]), CAST(:after AS bigint[])) AS k(name, after)
CROSS JOIN LATERAL (SELECT s.stream, s.seq, s.event_id FROM stream_entry s
                    WHERE s.stream = k.name AND s.seq > k.after ORDER BY s.seq LIMIT :most) e
JOIN event v ON v.id = e.event_id ORDER BY e.stream, e.seq
""")

_BEHIND = text("""
SELECT s.name FROM unnest(CAST(:names AS text[]), CAST(:heads AS bigint[])) AS k(name, head)
JOIN stream s ON s.name = k.name WHERE s.head > k.head
UNION ALL
SELECT 'consultation:' || c.id FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[])) AS k(id, version)
JOIN consultation c ON c.id = k.id WHERE c.version > k.version
""")

_JUST_MADE = text("SELECT id, requester_id, ward_id FROM consultation WHERE created_at > CAST(:since AS timestamptz)")

_LOG_READS = text("""
INSERT INTO access_log (id, at, user_id, consultation_id, view, via)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[]), CAST(:users AS uuid[]),
                     CAST(:cases AS uuid[]), CAST(:views AS text[]), CAST(:vias AS text[]))
""")
