"""What happens when a callout's time has come, and when a device says that an offer arrived.

The state row is the timer. Each call takes one due case under its lock, lets the models decide, and records the facts
in the same transaction: exactly once with any number of processes and any crash.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from app.errors import NotFound
from app.models.callout import Callout, Offer
from app.models.consultation import Consultation
from app.services import after, case_rows, events, ladder, reminders, routing
from app.work import Work

OVERDUE = timedelta(seconds=30)
PASSED_OVER = timedelta(milliseconds=50)


async def next_due(work: Work, *, but: Collection[UUID] = ()) -> tuple[UUID | None, datetime | None]:
    """Return a case whose time has come and that nobody has locked, and the earliest time at which one is due.

    What is due but in another process's hands is due again in a moment: that process may be killed.
    `but`: cases that are left out for now, because something in them failed a moment ago.
    """
    parameters = {"now": work.now, "again": work.now + PASSED_OVER, "but": list(but)}
    row = (await work.session.execute(_NEXT, parameters)).one()
    return row.consultation_id, row.earliest


async def fire(work: Work, case_id: UUID) -> bool:
    """Do what is due in one case now; False when nothing is due any more, or another process was first."""
    try:
        case, _ = await case_rows.load(work, case_id, lock=True, wait=False)
    except NotFound:
        return False
    callouts = ladder.due(case, work.now)
    for callout in callouts:
        _note_undelivered(work, case, callout)
        if callout.should_advance(work.now):
            ladder.step_up(work, case, callout, await routing.duty_for(work, callout.desk_id, case.hospital_id))
        else:
            callout.reschedule()
            work.touched = True
    silent = await after.fire(work, case)
    unread = await reminders.fire(work, case)
    return bool(callouts) or silent or unread


async def acknowledge(work: Work, case_id: UUID, offer_id: UUID, how: str) -> bool:
    """Note that an offer was delivered to, or seen by, the doctor it was made to; the first of each counts."""
    case, _ = await case_rows.load(work, case_id, lock=True)
    for callout in case.callouts:
        for offer in callout.offers:
            if offer.id == offer_id and offer.doctor_id == work.subject.id:
                return _acknowledge(work, case, callout, offer, how)
    raise NotFound


async def overdue(work: Work) -> list[tuple[UUID, datetime]]:
    """Return cases whose due time passed over 30 s ago: an alarm of its own, apart from the timer loop."""
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
    return True


def _first_due(drill: str) -> str:
    """Name the case that has waited longest: whoever is rung first, then silence after acceptance, then advice."""
    return f"""
  (SELECT c.id FROM callout k JOIN consultation c ON c.id = k.consultation_id AND {drill}
   WHERE k.state = 'ringing' AND k.next_due_at <= CAST(:now AS timestamptz) AND c.id <> ALL (CAST(:but AS uuid[]))
   ORDER BY k.next_due_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED),
  (SELECT c.id FROM consultation c
   WHERE c.next_due_at <= CAST(:now AS timestamptz) AND {drill} AND c.id <> ALL (CAST(:but AS uuid[]))
   ORDER BY c.next_due_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED),
  (SELECT c.id FROM reminder r JOIN consultation c ON c.id = r.consultation_id AND {drill}
   WHERE r.closed_at IS NULL AND r.next_due_at <= CAST(:now AS timestamptz) AND c.id <> ALL (CAST(:but AS uuid[]))
   ORDER BY r.next_due_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED)"""  # noqa: S608 (a constant of this module)


def _next_look(rows: str, case_id: str) -> str:
    """Say when one kind of due time must be looked at next: at the next to come, or soon if one is in others' hands."""
    mine = f"{rows} AND {case_id} <> ALL (CAST(:but AS uuid[])) AND next_due_at"
    return f"""
  (SELECT min(next_due_at) FROM {mine} > CAST(:now AS timestamptz)),
  (SELECT CAST(:again AS timestamptz) WHERE EXISTS (SELECT 1 FROM {mine} <= CAST(:now AS timestamptz)))"""  # noqa: S608


# A drill never delays what is real.
_NEXT = text(f"""
SELECT COALESCE({_first_due("NOT c.drill")}, {_first_due("c.drill")}) AS consultation_id,
  LEAST({_next_look("callout WHERE state = 'ringing'", "consultation_id")},
        {_next_look("consultation WHERE next_due_at IS NOT NULL", "id")},
        {_next_look("reminder WHERE closed_at IS NULL", "consultation_id")}) AS earliest
""")

_OVERDUE = text("""
SELECT consultation_id, min(next_due_at) AS next_due_at FROM (
  SELECT consultation_id, next_due_at FROM callout
  WHERE state = 'ringing' AND next_due_at < CAST(:before AS timestamptz)
  UNION ALL SELECT id, next_due_at FROM consultation WHERE next_due_at < CAST(:before AS timestamptz)
  UNION ALL SELECT consultation_id, next_due_at FROM reminder
  WHERE closed_at IS NULL AND next_due_at < CAST(:before AS timestamptz)
) late GROUP BY consultation_id ORDER BY 2 LIMIT 100
""")
