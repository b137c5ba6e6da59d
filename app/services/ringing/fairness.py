"""Whose turn it is, and who has no room: counted under the doctors' row locks, and only where it matters.

A routine case (yellow, green) passes over whoever holds as many cases as they can; red and orange never do. The least
offered is whoever was asked least in 24 h. Rows are locked by id, after the case and its offers and before the counters
of streams, so that two ladders that count the same doctors go one after the other and never in a circle.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.models.callout import COORDINATOR, LEAST_OFFERED, Candidate
from app.models.urgency import Urgency
from app.services.ringing.routing import Now
from app.work import Work

COUNTED = timedelta(hours=24)
_ROUTINE = frozenset({Urgency.YELLOW, Urgency.GREEN})


def room_counts(urgency: str) -> bool:
    """Whether a doctor without room is passed over for such a case; emergencies override capacity."""
    return urgency in _ROUTINE


async def counted(work: Work, policy: Mapping[str, Any], urgency: str, duty: Now, *, uncounted: bool = False) -> Now:
    """Return the same people with their counters, where the policy's order or somebody's capacity needs them.

    In the ordinary case nothing is asked of the database. `uncounted`: a drill, and a call to be
    confirmed, take nobody's turn and nobody's room.
    """
    to_count = set() if uncounted else _to_count(policy, urgency, duty)
    if not to_count:
        return duty
    await _in_transaction(work)
    await work.session.execute(_LOCK, {"ids": sorted(to_count)})
    return await _with_counters(work, urgency, duty, to_count)


async def estimated(work: Work, policy: Mapping[str, Any], urgency: str, duty: Now) -> Now:
    """Return the same as the counters stand now, without holding anybody's row: for looking, not for ringing."""
    to_count = _to_count(policy, urgency, duty)
    return await _with_counters(work, urgency, duty, to_count) if to_count else duty


async def _with_counters(work: Work, urgency: str, duty: Now, to_count: set[UUID]) -> Now:
    rows = await work.session.execute(
        _COUNTERS, {"ids": sorted(to_count), "since": work.now - COUNTED, "now": work.now}
    )
    counters = {row.id: row for row in rows}
    routine = room_counts(urgency)

    def with_counters(c: Candidate) -> Candidate:
        row = counters.get(c.doctor_id)
        if row is None:
            return c
        limited = routine and row.capacity is not None
        return replace(
            c,
            capacity=row.capacity,
            full=limited and row.held >= row.capacity,
            crowded=limited and row.held + row.rung >= row.capacity,
            offers_24h=row.offers,
            last_offer_at=row.last_offer_at,
        )

    people = {who: [with_counters(c) for c in found] for who, found in duty.items()}
    return Now(people, until=duty.until, seen=duty.seen)


async def room_of(work: Work, user_id: UUID, *, lock: bool = False) -> tuple[int, int | None]:
    """Return how many cases a doctor holds, and how many they can (None: any).

    `lock` takes their row first: two acceptances at once count each other, and count what a change has just allowed.
    """
    if lock:
        await _in_transaction(work)
        await work.session.execute(_LOCK, {"ids": [user_id]})
    row = (await work.session.execute(_ROOM, {"user": user_id})).one()
    return row.held, row.capacity


def _to_count(policy: Mapping[str, Any], urgency: str, duty: Now) -> set[UUID]:
    found: set[UUID] = set()
    for step in policy["steps"]:
        people = [c for who in step["who"] if who != COORDINATOR for c in duty.get(who, ())]
        if step.get("mode") == LEAST_OFFERED:
            found |= {c.doctor_id for c in people}
            found |= {c.doctor_id for who in step["who"] for c in duty.get(who, ())}
        if room_counts(urgency):
            found |= _limited(people)
    return found


def _limited(people: Iterable[Candidate]) -> set[UUID]:
    return {c.doctor_id for c in people if c.capacity is not None}


async def _in_transaction(work: Work) -> None:
    """A new request is written by one statement and needs no transaction; locks do. Nothing was written before."""
    connection = await work.session.connection()
    options = connection.sync_connection.get_execution_options() if connection.sync_connection else {}
    if options.get("isolation_level") == "AUTOCOMMIT":
        await work.session.rollback()
        await work.session.connection(execution_options={"isolation_level": "READ COMMITTED"})


_LOCK = text("SELECT id FROM user_account WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")

# What takes the room of a doctor `u`: the cases that they hold, and those that ring them.
HELD = """
(SELECT count(*) FROM consultation held WHERE held.holder_id = u.id AND held.status = 'active' AND NOT held.drill)
"""
RUNG = """
(SELECT count(*) FROM offer ring
 JOIN callout asks ON asks.id = ring.callout_id AND asks.state = 'ringing' AND asks.reason IS DISTINCT FROM 'telephone'
 JOIN consultation asked ON asked.id = ring.consultation_id
 WHERE ring.doctor_id = u.id AND ring.state = 'made' AND NOT asked.drill)
"""

_COUNTERS = text(f"""
SELECT u.id, u.capacity,
  CASE WHEN u.capacity IS NULL THEN 0 ELSE {HELD} END AS held,
  CASE WHEN u.capacity IS NULL THEN 0 ELSE {RUNG} END AS rung,
  f.offers, f.last_offer_at
FROM user_account u CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE o.made_at > CAST(:since AS timestamptz)) AS offers, max(o.made_at) AS last_offer_at
  FROM offer o JOIN consultation c ON c.id = o.consultation_id JOIN callout k ON k.id = o.callout_id
  WHERE o.doctor_id = u.id AND NOT c.drill AND k.reason IS DISTINCT FROM 'telephone'
    AND o.made_at > CAST(:now AS timestamptz) - interval '30 days'
) f WHERE u.id = ANY(CAST(:ids AS uuid[]))
""")  # noqa: S608 (constants of this module)

_ROOM = text(f"SELECT u.capacity, {HELD} AS held FROM user_account u WHERE u.id = CAST(:user AS uuid)")  # noqa: S608
