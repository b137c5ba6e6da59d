"""The end of a duty: the cases that a doctor still holds, their hand-over, and what happens when nobody arranged it.

Nothing is taken from the holder. A quarter of an hour after the end of duty a coordinator is rung for each case that is
still held and offered to nobody: the callout with the reason `shift_end` is itself the mark that this was done.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.errors import Invalid, NotFound
from app.models.callout import Callout
from app.models.consultation import Consultation, Status
from app.policy import Action, allow
from app.schemas import consultation as show
from app.schemas.requests import ShiftHandOverIn
from app.services.cases import answers
from app.services.cases.consultations import locked, log_read
from app.services.facts import case_rows
from app.services.ringing import ladder, routing
from app.work import Work

SHIFT_END = "shift_end"
UNARRANGED_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Successor:
    """Who is on duty at the desk of a case once the holder's duty there has ended."""

    user_id: UUID
    name: str
    role: str
    since: datetime


async def open_cases(work: Work, doctor_id: UUID) -> list[dict[str, Any]]:
    """Return the cases that a doctor holds, oldest first, as `duty.ended` tells of them: nothing about a patient."""
    return (await open_cases_of(work, [doctor_id]))[doctor_id]


async def open_cases_of(work: Work, doctor_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The same for several doctors; whoever holds nothing has an empty list."""
    held: dict[UUID, list[dict[str, Any]]] = {doctor_id: [] for doctor_id in doctor_ids}
    if not held:
        return held
    for row in await work.session.execute(_HELD, {"doctors": list(held)}):
        case = {"consultation_id": row.id, "number": row.number, "urgency": row.urgency}
        held[row.holder_id].append(case | {"held_since": row.held_since})
    return held


async def to_hand_over(work: Work) -> list[dict[str, Any]]:
    """List what the actor would hand over now: each case held, its unread advice, and who would get it.

    Cases that they have concluded and whose conclusion nobody has read back stand there too, with nobody to get them.
    """
    allow(work, Action.SEE_OWN_CASES)
    listed_ids = [row.id for row in await work.session.execute(_TO_HAND_OVER, {"doctor": work.subject.id})]
    cases = await case_rows.load_many(work, listed_ids) if listed_ids else []
    listed = []
    for case in cases:
        log_read(work, case, "card", "list")
        successor = await _successor(work, case) if case.status == Status.ACTIVE else None
        listed.append(
            {
                "case": show.header(case, content=True),
                "unread": [show.unread(r) for r in case.reminders],
                "handing_to": [o.doctor_name for c in _handing(case) for o in c.offers if o.rings],
                "successor": {
                    "user": successor.user_id,
                    "name": successor.name,
                    "role": successor.role,
                    "since": successor.since,
                }
                if successor
                else None,
            }
        )
    return listed


async def hand_over(work: Work, said: ShiftHandOverIn) -> list[dict[str, Any]]:
    """Offer the cases that the actor holds to the successor; each stays with the actor until it is accepted.

    A case that is being handed over already is left as it is. All of it, or nothing. Raises NotFound for a case that
    the actor does not hold, and Invalid where there is no successor to ring.
    """
    allow(work, Action.SEE_OWN_CASES)
    held = [row["consultation_id"] for row in await open_cases(work, work.subject.id)]
    if set(said.cases) - set(held):
        raise NotFound
    offered = []
    # In the order of their ids, so that two who lock several cases never wait for each other in a circle.
    for case_id in sorted(said.cases or held):
        case, _ = await locked(work, case_id, Action.HAND_OVER)
        if not _handing(case):
            await answers.open_hand_over(work, case, said.user_id or await _named(work, case), said.note)
        to = next((o for c in _handing(case) for o in c.offers if o.rings), None)
        offered.append(
            {
                "consultation_id": case.id,
                "number": case.number,
                "user": to.doctor_id if to else None,
                "name": to.doctor_name if to else None,
            }
        )
    if work.command:
        work.command.consultation_id = None  # the answer is about several cases, and says nothing of any patient
    return offered


async def unarranged(work: Work, *, but: Collection[UUID] = ()) -> UUID | None:
    """Return a case whose holder's duty ended a quarter of an hour ago and that nobody was asked to take; locked."""
    parameters = {"now": work.now, "before": work.now - UNARRANGED_AFTER, "but": list(but)}
    row = (await work.session.execute(_UNARRANGED, parameters)).first()
    return row.id if row else None


async def ring_coordinator(work: Work, case_id: UUID) -> bool:
    """Ring a coordinator for a case that was left with a doctor who has gone; once for each end of a duty."""
    try:
        case, _ = await case_rows.load(work, case_id, lock=True, wait=False)
    except NotFound:
        return False
    if case.status != Status.ACTIVE or _handing(case):
        return False
    desk = await routing.desk_now(work, case.held_through.desk_id, case.urgency)
    if desk is None:
        return False
    duty = await routing.duty_for(work, desk.id, case.hospital_id)
    policy = ladder.gone_policy() | {"name": SHIFT_END}
    made = await ladder.open_callout(work, case, desk, reason=SHIFT_END, policy=policy, duty=duty)
    await ladder.record_opened(work, case, case.callouts[-1], made)
    return True


def _handing(case: Consultation) -> list[Callout]:
    """Callouts through which the case is being passed on already."""
    return [c for c in case.ringing_callouts if c.personal]


async def _named(work: Work, case: Consultation) -> UUID:
    successor = await _successor(work, case)
    if successor is None:
        raise Invalid(
            "user_id",
            f"Không thấy ai trực kế tiếp cho ca {case.number}. Chọn một bác sĩ.",
            f"Nobody is next on duty for case {case.number}. Choose a doctor.",
        )
    return successor.user_id


async def _successor(work: Work, case: Consultation) -> Successor | None:
    """Whoever is on duty at the desk of the case when the actor's duty there has ended; in the actor's role first."""
    held = case.held_through
    parameters = {
        "desk": held.desk_id,
        "specialty": held.specialty,
        "doctor": work.subject.id,
        "never": case.requester_id,
        "now": work.now,
    }
    row = (await work.session.execute(_SUCCESSOR, parameters)).first()
    return Successor(row.doctor_id, row.name, row.role, row.since) if row else None


_HELD = text("""
SELECT holder_id, id, number, urgency, held_since FROM consultation
WHERE holder_id = ANY(CAST(:doctors AS uuid[])) AND status = 'active' ORDER BY created_at, id
""")

_TO_HAND_OVER = text("""
SELECT id FROM consultation WHERE holder_id = CAST(:doctor AS uuid) AND status = 'active'
UNION
SELECT c.id FROM reminder r JOIN consultation c ON c.id = r.consultation_id
WHERE r.closed_at IS NULL AND c.holder_id = CAST(:doctor AS uuid) AND c.status = 'concluded'
""")

_SUCCESSOR = text("""
WITH own AS (
  SELECT d.role, upper(d.during) AS until FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id
  WHERE s.desk_id = CAST(:desk AS uuid) AND d.doctor_id = CAST(:doctor AS uuid)
    AND lower(d.during) <= CAST(:now AS timestamptz)
  ORDER BY upper(d.during) DESC LIMIT 1
), moment AS (
  SELECT greatest(CAST(:now AS timestamptz), (SELECT until FROM own)) AS at
)
SELECT d.doctor_id, u.name, d.role, lower(d.during) AS since
FROM moment m JOIN schedule s ON s.desk_id = CAST(:desk AS uuid) JOIN duty_slot d ON d.schedule_id = s.id
JOIN user_account u ON u.id = d.doctor_id AND u.active
JOIN user_specialty p ON p.user_id = u.id AND p.specialty = CAST(:specialty AS text)
WHERE d.during @> m.at AND d.doctor_id NOT IN (CAST(:doctor AS uuid), CAST(:never AS uuid))
ORDER BY d.role IS DISTINCT FROM (SELECT role FROM own),
  array_position(ARRAY['primary', 'backup', 'head_of_shift', 'red_team'], d.role::text), u.name, u.id LIMIT 1
""")

# The last duty of the holder since the case was taken has ended, nobody is asked, and no coordinator was rung since
# then. Duty anywhere counts, at the desk, on the hospital's rota or at a partner desk: whoever has any has not gone.
_UNARRANGED = text("""
SELECT c.id FROM consultation c
JOIN LATERAL (
  SELECT max(upper(d.during)) AS until, bool_or(upper(d.during) > CAST(:now AS timestamptz)) AS goes_on
  FROM duty_slot d
  WHERE d.doctor_id = c.holder_id AND upper(d.during) > c.held_since
    AND d.during && tstzrange(c.held_since, CAST(:now AS timestamptz), '[]')
) duty ON true
WHERE c.status = 'active' AND c.id <> ALL (CAST(:but AS uuid[]))
  AND NOT duty.goes_on AND duty.until <= CAST(:before AS timestamptz)
  AND NOT EXISTS (SELECT 1 FROM callout k WHERE k.consultation_id = c.id
                  AND ((k.state = 'ringing' AND k.policy->>'id' IS NULL)
                       OR (k.policy->>'name' = 'shift_end' AND k.opened_at >= duty.until)))
ORDER BY c.drill, duty.until LIMIT 1 FOR UPDATE OF c SKIP LOCKED
""")
