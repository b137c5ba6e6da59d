"""What happens when a callout's time has come, and when a device says that an offer arrived.

The state row is the timer. The models decide, and what they change is written with its facts in one transaction, under
the lock of the case or refused when somebody was faster: exactly once with any number of processes and any crash.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from app.errors import NotFound
from app.models.callout import Callout, Offer
from app.models.consultation import Consultation
from app.prepared import Line, Prepared
from app.services.cases import after, reminders
from app.services.facts import case_rows, events
from app.services.ringing import fairness, ladder, routing
from app.work import Work

OVERDUE = timedelta(seconds=30)
PASSED_OVER = timedelta(milliseconds=5)
"""After it one looks whether a case that was in somebody else's hands has been done."""
AHEAD = timedelta(seconds=1)
"""A case is claimed before it is due, so that it is in somebody's hands, and decided, when its time comes."""
ABANDONED = timedelta(milliseconds=8)
"""What is overdue for longer is done whoever has it in their hands, and decided `PASSED_OVER` after its time: a killed
process holds its claims until the kernel has taken it apart and PostgreSQL has noticed. If it lives after all, one of
the two writes is refused."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOBODY = UUID(int=0)
"""When nothing was due, and for whom nobody is on duty."""
AT_ONCE = 20
"""As many processes may each have a case in its hands."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A case that is due, or will be within a second, as it stands; in no other process's hands."""

    case_id: UUID
    at: datetime
    """When it is to be acted on: when it is due, or a little later if somebody else has it in their hands."""
    body: str


async def claim(
    line: Line, now: datetime, *, but: Collection[UUID] = ()
) -> tuple[Claim, datetime] | tuple[None, datetime | None]:
    """Claim a case for as long as this connection lives, or until the next claim over it; and say when to look again.

    That is when the case is due, or a moment after one that another process has in its hands and may die with.

    A claim saves work and guards nothing: what is done about the case is written as if anybody else might have been
    faster. What another process has in its hands is left to it for a moment; what is overdue by `ABANDONED` is done
    whoever has claimed it, but after all that is free. `but`: cases that are left out for now, because something in
    them failed a moment ago.
    """
    parameters = {
        "now": now,
        "soon": now + AHEAD,
        "abandoned": ABANDONED,
        "moment": PASSED_OVER,
        "but": list(but),
    }
    [(case_id, at, look_again, body)] = await line.rows(_CLAIM, parameters)
    return (None, look_again) if case_id is None else (Claim(case_id, at, body), look_again)


async def warm_up(line: Line, work: Work) -> None:
    """Do everything once for nobody, so that it is prepared and planned on this connection; `work` goes over it too."""
    await claim(line, LONG_AGO)
    await routing.duty_for(work, NOBODY, NOBODY)
    await events.write_nothing(work)


async def decide(work: Work, claim: Claim) -> bool:
    """Ring the next person for a claimed case at `work.now`, which may lie ahead: all but the write.

    The work is optimistic: what changes in the case meanwhile is refused by the write; a change of duty is noticed by
    the counter that was read with it, and followed like any other while it rings.

    False when that will not do: because something else is due in it than a callout, or nothing was said that the write
    could be refused for. Then `fire` does it under the lock of the case.
    """
    case = case_rows.opened(claim.body)
    if case.next_due_at is not None or case.reminders:
        return False
    work.cases[case.id] = case
    for callout in ladder.due(case, work.now):
        await _come_due(work, case, callout)
    if not work.facts:
        return False
    events.seal(work)
    return True


async def changed(work: Work, since: datetime | None = None) -> tuple[list[UUID], datetime]:
    """Return cases for which duty has changed, or a doctor has room again, and the database's time of this look.

    Changes of duty are those `since` an instant, by the clock of the database; without it, all that were not seen yet.
    Without a change a look costs next to nothing; with one it costs with everything that rings.
    """
    [(looked_at, moved)] = await _DUTY_MOVED.rows(work.session, {"since": since})
    rows = await _ROOM_AGAIN.rows(work.session, {})
    if moved:
        rows = [*await _DUTY_CHANGED.rows(work.session, {}), *rows]
    return [row[0] for row in rows], looked_at


async def fire(work: Work, case_id: UUID) -> bool | None:
    """Do what is due in one case now; False when nothing is any more, None when another process has it in its hands."""
    try:
        case, _ = await case_rows.load(work, case_id, lock=True, wait=False)
    except NotFound:
        return None
    due = ladder.due(case, work.now)
    done = [await (_come_due(work, case, c) if c in due else _look_again(work, case, c)) for c in case.ringing_callouts]
    silent = await after.fire(work, case)
    unread = await reminders.fire(work, case)
    return any(done) or silent or unread


async def _come_due(work: Work, case: Consultation, callout: Callout) -> bool:
    """A callout's time has come: somebody to ring, a device that was not reached, a duty that begins or ends."""
    _note_undelivered(work, case, callout)
    work.touched = True
    if callout.should_advance(work.now):
        ladder.step_up(work, case, callout, await ladder.duty_now(work, case, callout))
    elif callout.duty_until is not None and callout.duty_until <= work.now:
        await _look_again(work, case, callout)
    if callout.ringing:
        callout.reschedule()
    return True


async def _look_again(work: Work, case: Consultation, callout: Callout) -> bool:
    """Who is on duty, or has room, may have changed: ring newcomers; whether anything was different."""
    changed = ladder.reconcile(work, case, callout, await ladder.duty_now(work, case, callout))
    if changed and callout.should_advance(work.now):
        ladder.step_up(work, case, callout, await ladder.duty_now(work, case, callout))
    work.touched = work.touched or changed
    return changed


async def acknowledge(work: Work, case_id: UUID, offer_id: UUID, how: str) -> bool:
    """Note that an offer was delivered to, or seen by, the doctor it was made to; the first of each counts."""
    case, _ = await case_rows.load(work, case_id, lock=True)
    for callout in case.callouts:
        for offer in callout.offers:
            if offer.id == offer_id and offer.doctor_id == work.subject.id:
                return _acknowledge(work, case, callout, offer, how)
    raise NotFound


async def overdue(work: Work) -> list[tuple[UUID, datetime]]:
    """Return cases whose due time passed over 30 s ago, or that ring with nobody rung for as long.

    An alarm of its own, apart from the timer loop.
    """
    rows = await work.session.execute(_OVERDUE, {"before": work.now - OVERDUE})
    return [(row.consultation_id, row.next_due_at) for row in rows]


def _note_undelivered(work: Work, case: Consultation, callout: Callout) -> None:
    for offer in callout.note_undelivered(work.now):
        events.record(work, case, "offer.undelivered", ladder.offer_data(callout, offer) | {"at": work.now})


def _acknowledge(work: Work, case: Consultation, callout: Callout, offer: Offer, how: str) -> bool:
    delivered_before = offer.delivered_at is not None
    changed = offer.see(now=work.now) if how == "seen" else offer.deliver(now=work.now)
    if not changed:
        return False
    if callout.ringing:
        callout.reschedule()
    data = ladder.offer_data(callout, offer) | {"at": work.now}
    if not delivered_before:
        events.record(work, case, "offer.delivered", data)
    if how == "seen":
        events.record(work, case, "offer.seen", data)
    for leaver in callout.release_leavers(now=work.now) if callout.ringing else ():
        ladder.record_withdrawn(work, case, callout, leaver)
    return True


# From what is due to its case, never the other way round (OFFSET 0): cases, drills among them, are kept for ever.
_CASE = "CROSS JOIN LATERAL (SELECT id, drill FROM consultation WHERE id = {}.consultation_id OFFSET 0) c"
_KINDS = (
    (f"callout k {_CASE.format('k')}", "k.state = 'ringing'", "k.next_due_at"),
    ("consultation c", "true", "c.next_due_at"),
    (f"reminder r {_CASE.format('r')}", "r.closed_at IS NULL", "r.next_due_at"),
)
"""Somebody is to be rung; silence after acceptance; advice that nobody has read."""


def _first(which: str, until: str) -> str:
    """Name the cases of each kind that have waited longest, or come next."""
    return " UNION ALL ".join(
        f"(SELECT c.id, c.drill, {place} AS kind, {at} AS at FROM {rows} "  # noqa: S608 (constants of this module)
        f"WHERE {when} AND {which} AND {at} <= CAST(:{until} AS timestamptz) AND c.id <> ALL (CAST(:but AS uuid[])) "
        f"ORDER BY {at} LIMIT {AT_ONCE})"
        for place, (rows, when, at) in enumerate(_KINDS)
    )


def _next_look(rows: str, case_id: str) -> str:
    """Say when one kind of due time must be looked at next; a moment later if somebody else has it in their hands."""
    mine = f"{rows} AND {case_id} <> ALL (CAST(:but AS uuid[])) AND next_due_at"
    return f"""
  (SELECT CASE WHEN min(next_due_at) <= CAST(:soon AS timestamptz)
               THEN min(next_due_at) + CAST(:moment AS interval) ELSE min(next_due_at) END
   FROM {mine} > CAST(:now AS timestamptz)),
  (SELECT CAST(:now AS timestamptz) + CAST(:moment AS interval)
   WHERE EXISTS (SELECT 1 FROM {mine} <= CAST(:now AS timestamptz)))"""  # noqa: S608


_FREE = "pg_try_advisory_lock(hashtextextended('due:' || id, 0))"

# A drill is looked for only when nothing real is due: it never delays what is. The lock is of the session: it ends with
# the process, or with its next claim.
_CLAIM = Prepared(f"""
WITH freed AS MATERIALIZED (
  SELECT pg_advisory_unlock_all()
), real AS MATERIALIZED (
  {_first("NOT c.drill", "soon")}
), drills AS MATERIALIZED (
  {_first("c.drill AND NOT EXISTS (SELECT 1 FROM real WHERE real.at <= CAST(:now AS timestamptz))", "now")}
), found AS MATERIALIZED (
  SELECT d.id, d.at FROM freed, (SELECT * FROM real UNION ALL SELECT * FROM drills) d
  ORDER BY greatest(d.at, CAST(:now AS timestamptz)), d.drill, d.kind, d.at LIMIT {6 * AT_ONCE}
), due AS MATERIALIZED (
  SELECT id, at FROM found WHERE at <= CAST(:now AS timestamptz) AND {_FREE} LIMIT 1
), abandoned AS MATERIALIZED (
  SELECT id, at + CAST(:abandoned AS interval) AS at FROM found
  WHERE at <= CAST(:now AS timestamptz) - CAST(:moment AS interval) AND NOT EXISTS (SELECT FROM due) LIMIT 1
), ahead AS MATERIALIZED (
  SELECT id, at FROM found WHERE at > CAST(:now AS timestamptz)
  AND NOT EXISTS (SELECT FROM due) AND NOT EXISTS (SELECT FROM abandoned) AND {_FREE} LIMIT 1
), mine AS (
  TABLE due UNION ALL TABLE abandoned UNION ALL TABLE ahead
)
SELECT mine.id, mine.at,
  CASE WHEN mine.id IS NOT NULL THEN LEAST(mine.at,
    (SELECT min(greatest(f.at, CAST(:now AS timestamptz))) + CAST(:moment AS interval)
     FROM found f WHERE f.id <> mine.id))
  ELSE LEAST(
    {_next_look("callout WHERE state = 'ringing'", "consultation_id")},
    {_next_look("consultation WHERE next_due_at IS NOT NULL", "id")},
    {_next_look("reminder WHERE closed_at IS NULL", "consultation_id")}) END,
  (SELECT {case_rows.BODY} FROM consultation c WHERE c.id = mine.id)
FROM (SELECT) one LEFT JOIN mine ON true
""")  # noqa: S608

_DUTY_MOVED = Prepared("""
SELECT statement_timestamp(), EXISTS (
  SELECT 1 FROM schedule WHERE duty_changed_at > coalesce(CAST(:since AS timestamptz), '-infinity'))
""")

# A ringing callout keeps, for each rota it depends on, the counter that every change of its slots moves.
_DUTY_CHANGED = Prepared("""
SELECT k.consultation_id FROM callout k CROSS JOIN LATERAL jsonb_each_text(k.duty_seen) e
JOIN schedule s ON coalesce(s.desk_id, s.hospital_id) = CAST(e.key AS uuid)
WHERE k.state = 'ringing' AND s.duty_version <> CAST(e.value AS bigint)
GROUP BY k.consultation_id ORDER BY min(array_position(ARRAY['red', 'orange', 'yellow', 'green'], k.urgency))
""")

# The waiting queue of a doctor who has room again: what passed them over, by urgency, then age.
_ROOM_AGAIN = Prepared(f"""
SELECT k.consultation_id
FROM callout k CROSS JOIN LATERAL jsonb_array_elements_text(k.passed_over) w
JOIN user_account u ON u.id = CAST(w AS uuid) AND u.active
WHERE k.state = 'ringing' AND k.passed_over <> '[]'
  AND (u.capacity IS NULL OR u.capacity > {fairness.HELD} + {fairness.RUNG})
GROUP BY k.consultation_id
ORDER BY min(array_position(ARRAY['red', 'orange', 'yellow', 'green'], k.urgency)), min(k.opened_at), k.consultation_id
""")  # noqa: S608 (constants of the code)

_OVERDUE = text("""
SELECT consultation_id, min(next_due_at) AS next_due_at FROM (
  SELECT consultation_id, next_due_at FROM callout
  WHERE state = 'ringing' AND next_due_at < CAST(:before AS timestamptz)
  UNION ALL SELECT consultation_id, step_started_at FROM callout k
  WHERE state = 'ringing' AND step_started_at < CAST(:before AS timestamptz) AND reason IS DISTINCT FROM 'telephone'
    AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.callout_id = k.id AND o.state = 'made')
  UNION ALL SELECT id, next_due_at FROM consultation WHERE next_due_at < CAST(:before AS timestamptz)
  UNION ALL SELECT consultation_id, next_due_at FROM reminder
  WHERE closed_at IS NULL AND next_due_at < CAST(:before AS timestamptz)
) late GROUP BY consultation_id ORDER BY 2 LIMIT 100
""")
