"""«If this hospital asks for that at such an hour, this happens»: the live functions, asked about another instant.

The way (`routing.candidates`, `choose`) and the ladder (`Callout.advance`) are those that ring patients' doctors; here
the callout is never stored, and nobody ever answers. Duty at the instant comes from the compiled slots, and beyond what
is compiled from the rotas as they stand now.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from app.errors import Invalid, NotFound
from app.models.callout import COORDINATOR, Callout, CalloutState, Candidate, in_turns
from app.models.organization import Organization, OrganizationKind
from app.models.rota import Schedule
from app.models.urgency import Urgency
from app.models.user import User
from app.models.working_hours import ZONE
from app.policy import Action, allow, sees_ladder
from app.services.ringing import fairness, routing
from app.services.ringing.routing import Desk, Now
from app.services.rostering import duty
from app.work import Work

Json = dict[str, Any]
FURTHEST: Final = timedelta(days=2 * 366)
NOBODY: Final = UUID(int=0)
"""Who asks is not known, so nobody is left out for having asked."""


async def ladder(work: Work, *, hospital: UUID, specialty: str, urgency: Urgency, at: datetime | None) -> Json:
    """Return the desk, the ladder and every reason. Raises NotFound, NoAgreement, NobodyToRing, Invalid (2 years)."""
    allow(work, Action.SEE_LADDER)
    when = at or work.now
    if abs(when - work.now) > FURTHEST:
        raise Invalid("at", "Chỉ xem được trong vòng 2 năm.", "Only within 2 years of now.")
    asking = await work.session.get(Organization, hospital)
    if asking is None or asking.kind != OrganizationKind.HOSPITAL:
        raise NotFound
    desks = await routing.candidates(
        work, hospital=hospital, specialty=specialty, urgency=urgency.value, desk_id=None, at=when
    )
    if not sees_ladder(work.subject, hospital, [d.hospital_id for d in desks]):
        raise NotFound
    known = await _compiled_until(work, desks)
    for desk in desks:
        if _is_beyond(known, desk, when):
            await _work_out(work, desk, when)
    chosen, warnings = routing.choose(desks, urgency=urgency, specialty=specialty, wanted=None, never=NOBODY)
    if not sees_ladder(work.subject, hospital, [chosen.hospital_id]):
        raise NotFound
    end = await _end_of_ladder(work, chosen, hospital)
    people = await fairness.estimated(work, chosen.policy, urgency.value, chosen.duty)
    why = await _reasons(work, hospital, specialty, when)
    return {
        "hospital": hospital,
        "specialty": specialty,
        "urgency": urgency.value,
        "at": when,
        "compiled": not _is_beyond(known, chosen, when),
        "known_until": _known_until(known, chosen),
        "warnings": warnings,
        "desk": _desk(chosen, chosen, why),
        "considered": [_desk(d, chosen, why) for d in desks],
        "policy": {k: chosen.policy[k] for k in ("source", "version", "silent_s", "answer_due_s")},
        "steps": walk(chosen.policy, people, urgency=urgency.value, at=when),
        "coordinator": end,
    }


def walk(policy: Json, people: Now, *, urgency: str, at: datetime) -> list[Json]:
    """Let a ladder run with nobody answering, and return what each step would do and when."""
    callout = Callout(
        id=NOBODY,
        consultation_id=NOBODY,
        urgency=urgency,
        state=CalloutState.RINGING,
        policy=policy,
        preview=routing.preview(policy, people),
        step=-1,
        round=0,
        step_started_at=at,
        step_due_at=at,
        next_due_at=at,
        opened_at=at,
        passed_over=[],
    )
    callout.offers = []
    started: dict[int, datetime] = {}
    rounds = len(policy["steps"]) + sum(len(found) for found in people.values()) + 1
    for _ in range(rounds):
        now = callout.step_due_at
        if callout.step >= 0 and callout.on_last_step and (callout.round > 1 or not in_turns(callout.steps[-1])):
            break
        callout.advance(people, now=now, never=NOBODY)
        for offer in callout.offers:
            offer.delivered_at = offer.delivered_at or now
        started.setdefault(callout.step, now)
    return [_step(callout, index, started.get(index)) for index in range(len(callout.steps))]


def _step(callout: Callout, index: int, at: datetime | None) -> Json:
    step = callout.steps[index]
    on_duty = {d["doctor"]: d for d in callout.preview[index]["doctors"]}
    rung = [o for o in callout.offers if o.step == index and (at is not None)]
    return {
        "step": index,
        "who": step["who"],
        "mode": step.get("mode", "all"),
        "clock": step.get("clock", "wall"),
        "timeout_s": step["timeout_s"],
        "at": at,
        "at_local": at.astimezone(ZONE).isoformat() if at else None,
        "rung": [{"doctor": o.doctor_id, "doctor_name": o.doctor_name, "role": o.role, "at": o.made_at} for o in rung],
        "passed_over": [d for doctor, d in on_duty.items() if doctor in callout.passed_over],
        "skipped": None if at is not None else "nobody",
    }


def _desk(desk: Desk, chosen: Desk, why: dict[UUID, tuple[str, int | None, UUID | None]]) -> Json:
    reason, rank, agreement = why.get(desk.id, (_OUTSIDE.get(desk.tier, "fallback"), None, None))
    return {
        "id": desk.id,
        "name": desk.name,
        "hospital": desk.hospital_id,
        "hospital_name": desk.hospital_name,
        "specialty": desk.specialty,
        "why": reason,
        "rank": rank,
        "agreement": agreement,
        "left_out": None if desk is chosen else _left_out(desk),
    }


def _left_out(desk: Desk) -> str:
    return "later_in_order" if desk.first_step_has_somebody(NOBODY) else "first_step_empty"


_OUTSIDE = {1: "fallback", 2: "same_specialty", 3: "emergency_desk"}


async def _reasons(
    work: Work, hospital: UUID, specialty: str, at: datetime
) -> dict[UUID, tuple[str, int | None, UUID | None]]:
    rows = await work.session.execute(_AGREEMENTS, {"hospital": hospital, "specialty": specialty, "at": at})
    found: dict[UUID, tuple[str, int | None, UUID | None]] = {}
    for row in rows:
        found.setdefault(row.desk_id, (row.why, row.rank, row.id))
    return found


async def _compiled_until(work: Work, desks: Sequence[Desk]) -> dict[UUID, Schedule]:
    owners = {owner for d in desks for owner in (d.id, d.hospital_id)}
    rows = await work.session.scalars(
        select(Schedule).where(Schedule.desk_id.in_(owners) | Schedule.hospital_id.in_(owners))
    )
    return {owner: s for s in rows if (owner := s.desk_id or s.hospital_id) is not None}


def _known_until(known: dict[UUID, Schedule], desk: Desk) -> datetime | None:
    ends = [known[o].compiled_until for o in (desk.id, desk.hospital_id) if o in known]
    return min((e for e in ends if e is not None), default=None)


def _is_beyond(known: dict[UUID, Schedule], desk: Desk, at: datetime) -> bool:
    until = _known_until(known, desk)
    return until is not None and at >= until


async def _work_out(work: Work, desk: Desk, at: datetime) -> None:
    """Put into a desk's duty whom its rotas name at an instant that has not been compiled yet."""
    slots = await duty.worked_out(work, [desk.id, desk.hospital_id], at)
    names = {
        row.id: row
        for row in await work.session.execute(
            select(User.id, User.name, User.capacity).where(User.id.in_({s.doctor for s in slots}), User.active)
        )
    }
    for role in [role for role in desk.duty if ":" not in role]:
        del desk.duty[role]
    for slot in sorted(slots, key=lambda s: (s.start, names[s.doctor].name if s.doctor in names else "")):
        if slot.doctor in names:
            row = names[slot.doctor]
            desk.duty.add(slot.role, Candidate(slot.doctor, row.name, slot.role, row.capacity))


async def _end_of_ladder(work: Work, desk: Desk, asking: UUID) -> str:
    """Fill in who stands in for a coordinator when none is on duty, as live routing does, and say which."""
    if desk.duty.get(COORDINATOR):
        return "on_duty"
    people = await routing.coordinators(work, desk.id, asking)
    own, other = people.get("same_hospital") or [], people.get("other_party") or []
    desk.duty[COORDINATOR] = own or other
    return "all_of_the_hospital" if own else "other_party" if other else "nobody"


_AGREEMENTS = text("""
SELECT ad.desk_id, a.id, a.rank,
       CASE WHEN a.asking_id = q.id THEN 'agreement' ELSE 'department_agreement' END AS why
FROM organization q JOIN agreement a ON a.asking_id IN (q.id, q.department_id)
JOIN agreement_desk ad ON ad.agreement_id = a.id
WHERE q.id = CAST(:hospital AS uuid) AND a.specialty = CAST(:specialty AS text)
  AND a.during @> CAST(:at AS timestamptz)
ORDER BY a.rank, (a.asking_id <> q.id), lower(a.during), a.id, ad.rank
""")
