"""Leave: asked for by a doctor, decided by the head of a rota or the administrator, then compiled into every rota."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from app.errors import Forbidden, InTheWay, Invalid, NotFound
from app.identifiers import new_id
from app.models.desk import Desk
from app.models.duty_change import Leave, LeaveState
from app.models.rota import DutySlot, Layer, Schedule
from app.models.rota_rules import Leave as LeaveRule
from app.models.rota_rules import Slot
from app.models.user import ANSWERING, User, UserSpecialty
from app.policy import DutyAction, Verdict, decide_duty, standings_to
from app.schemas.duty_asks import LeaveDecisionIn, LeaveIn
from app.services.rostering import duty_moves
from app.services.rostering import rota_documents as documents
from app.services.rostering.duty_asks import leave_read
from app.services.rostering.duty_settled import Settled, resettle
from app.services.rostering.rotas import Owner, Rota, names_of, schedules_of_hospital, span_of
from app.services.rostering.swaps import allow_own
from app.work import Work

Json = dict[str, Any]


async def ask(work: Work, body: LeaveIn) -> Json:
    """Ask for leave. Raises Forbidden, Invalid (over already) and InTheWay (asked for already)."""
    allow_own(work, DutyAction.ASK_LEAVE)
    if body.end <= work.now:
        raise Invalid("to", "Khoảng nghỉ này đã qua.", "This leave is over already.")
    row = Leave(
        id=new_id(work.now),
        doctor_id=work.subject.id,
        during=Range(max(body.start, work.now), body.end),
        state=LeaveState.REQUESTED,
        reason=body.reason,
        made_at=work.now,
        decided_by=None,
        decided_at=None,
    )
    try:
        async with work.session.begin_nested():
            work.session.add(row)
            await work.session.flush()
    except IntegrityError:
        raise await _asked_already(work, body) from None
    await duty_moves.record(work, _facts(work, row, work.subject.hospital_id, "leave.requested"))
    return leave_read(work, row, {work.subject.id: work.subject.name}, decides=False)


async def listed(work: Work) -> list[Json]:
    """The actor's own leave, and what the actor decides about; what has ended is left out. By start."""
    decides = await _decides_for(work)
    rows = (
        await work.session.scalars(
            select(Leave)
            .where(
                or_(Leave.doctor_id == work.subject.id, Leave.doctor_id.in_(decides)),
                func.upper(Leave.during) > work.now,
            )
            .order_by(func.lower(Leave.during), Leave.id)
        )
    ).all()
    names = await names_of(work, {person for row in rows for person in (row.doctor_id, row.decided_by)})
    return [leave_read(work, row, names, decides=row.doctor_id in decides) for row in rows]


async def decide(work: Work, leave_id: UUID, body: LeaveDecisionIn) -> Json:
    """Approve or decline; what is approved leaves gaps, which the answer lists, and duty that it does not end.

    Nobody decides about their own. Raises NotFound, Forbidden and NoLongerOpen.
    """
    row = await _locked(work, leave_id)
    if row.doctor_id == work.subject.id:
        raise Forbidden
    if row.doctor_id not in await _decides_for(work):
        raise NotFound

    kept: list[tuple[Owner, Slot]] = []

    async def change(rotas: list[Rota]) -> None:
        row.decide(approve=body.approve, by=work.subject.id, now=work.now)
        kept.extend(await _kept(work, row, rotas))

    settled = await _settled(work, row, change, counts=body.approve)
    await _tell(work, row, settled, body.reason)
    return await _read(work, row, settled, kept, decides=True)


async def withdraw(work: Work, leave_id: UUID) -> Json:
    """Take leave back; what was approved is duty again from now on. Raises NotFound and NoLongerOpen."""
    row = await _locked(work, leave_id)
    decides = row.doctor_id in await _decides_for(work)
    if row.doctor_id != work.subject.id and not decides:
        raise NotFound

    async def change(_rotas: list[Rota]) -> None:
        row.withdraw(now=work.now)

    settled = await _settled(work, row, change, counts=row.state == LeaveState.APPROVED)
    await _tell(work, row, settled, "")
    return await _read(work, row, settled, (), decides=decides)


async def _asked_already(work: Work, body: LeaveIn) -> InTheWay:
    """Say what is in the way; where it was withdrawn in this moment, the time that was asked for."""
    there = await _there(work, body)
    during = there.during if there is not None else Range(body.start, body.end)
    return InTheWay(
        kind="leave",
        id=str(there.id) if there is not None else None,
        who=work.subject.name,
        doctor=str(work.subject.id),
        **{"from": _written(during.lower), "to": _written(during.upper)},
    )


async def _there(work: Work, body: LeaveIn) -> Leave | None:
    found: Leave | None = await work.session.scalar(
        select(Leave)
        .where(
            Leave.doctor_id == work.subject.id,
            Leave.state.in_((LeaveState.REQUESTED, LeaveState.APPROVED)),
            Leave.during.overlaps(Range(max(body.start, work.now), body.end)),
        )
        .order_by(func.lower(Leave.during))
    )
    return found


def _written(instant: datetime | None) -> str:
    return instant.isoformat() if instant else ""


async def _locked(work: Work, leave_id: UUID) -> Leave:
    row = await work.session.scalar(
        select(Leave).where(Leave.id == leave_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row


async def _decides_for(work: Work) -> set[UUID]:
    """Whose leave the actor decides: an administrator everybody's at the hospital, a head the rota's people's.

    A head who went to another hospital heads nothing there, nor anything here any more.
    """
    subject = work.subject
    if subject.hospital_id is None:
        return set()
    able = User.role.in_(ANSWERING)
    of_hospital = select(User.id).where(User.hospital_id == subject.hospital_id, able)
    stands = standings_to(subject, [subject.hospital_id])
    if decide_duty(DutyAction.DECIDE_LEAVE, stands) is Verdict.ALLOW:
        return set(await work.session.scalars(of_hospital))
    headed = (
        await work.session.execute(
            select(Schedule.id, Desk.specialty)
            .outerjoin(Desk, Desk.id == Schedule.desk_id)
            .where(
                Schedule.head_id == subject.id,
                func.coalesce(Schedule.hospital_id, Desk.hospital_id) == subject.hospital_id,
            )
        )
    ).all()
    stands = standings_to(subject, [subject.hospital_id], head=subject.id)
    if not headed or decide_duty(DutyAction.DECIDE_LEAVE, stands) is not Verdict.ALLOW:
        return set()
    ids = [row.id for row in headed]
    seated = exists().where(Layer.schedule_id.in_(ids), cast(Layer.turns, Text).contains(cast(User.id, Text)))
    on_duty = exists().where(
        DutySlot.schedule_id.in_(ids), DutySlot.doctor_id == User.id, func.upper(DutySlot.during) > work.now
    )
    specialised = exists().where(
        UserSpecialty.user_id == User.id,
        UserSpecialty.specialty.in_([row.specialty for row in headed if row.specialty]),
    )
    return set(await work.session.scalars(of_hospital.where(or_(seated, on_duty, specialised))))


async def _settled(work: Work, row: Leave, change: Callable[[list[Rota]], Awaitable[None]], *, counts: bool) -> Settled:
    """Make the change and, where it counts, work out every rota that the doctor is on, or may be on.

    Those are the rotas of the hospital, and any other in which the doctor has duty to come.
    """
    if not counts:
        await change([])
        await work.session.flush()
        return Settled([], [])
    hospital = await work.session.scalar(select(User.hospital_id).where(User.id == row.doctor_id))
    ids = set(await schedules_of_hospital(work, hospital)) if hospital is not None else set()
    ids |= set(
        await work.session.scalars(
            select(DutySlot.schedule_id).where(
                DutySlot.doctor_id == row.doctor_id, func.upper(DutySlot.during) > work.now
            )
        )
    )
    return await resettle(work, ids, change)


async def _kept(work: Work, row: Leave, rotas: Iterable[Rota]) -> list[tuple[Owner, Slot]]:
    """Duty within the leave that stands above it: from an override or a temporary rota that names the doctor."""
    start, end = span_of(row.during)
    found: list[tuple[Owner, Slot]] = []
    for rota in rotas:
        named = {person for override in rota.overrides for person in (override.doctor, override.by)}
        named |= {shift.doctor for temporary in rota.temporaries for shift in temporary.shifts}
        if row.doctor_id in named:
            after = replace(rota, leaves=[*rota.leaves, LeaveRule(row.doctor_id, start, end)])
            slots = await after.compiled_aside(max(start, work.now), end)
            found += [(rota.owner, slot) for slot in slots if slot.doctor == row.doctor_id]
    return found


async def _tell(work: Work, row: Leave, settled: Settled, reason: str) -> None:
    hospital = await work.session.scalar(select(User.hospital_id).where(User.id == row.doctor_id))
    await duty_moves.tell(work, settled.moves, _facts(work, row, hospital, "leave.decided", reason=reason))


def _facts(work: Work, row: Leave, hospital: UUID | None, event_type: str, **more: Any) -> list[tuple[str, str, Json]]:
    """The same fact for the hospital and for the doctor; reasons stay in the record and off the board."""
    data = {
        "leave_id": row.id,
        "doctor": row.doctor_id,
        **documents.span(row.during),
        "state": row.state,
        "by_name": work.subject.name,
        "leave_reason": row.reason,
        **more,
    }
    chains = [f"user:{row.doctor_id}"] + ([f"hospital:{hospital}"] if hospital else [])
    return [(chain, event_type, dict(data)) for chain in chains]


async def _read(work: Work, row: Leave, settled: Settled, kept: Iterable[tuple[Owner, Slot]], *, decides: bool) -> Json:
    names = await names_of(work, [row.doctor_id, row.decided_by])
    gaps = [
        {"desk": owner.desk_id, "desk_name": owner.name, "role": gap.role, "from": gap.start, "to": gap.end}
        | {"kind": "nobody"}
        for owner, gap in settled.gaps
    ]
    gaps.sort(key=lambda gap: (gap["from"], gap["role"], str(gap["desk"])))
    still_on = [
        {"desk": owner.desk_id, "desk_name": owner.name, "role": slot.role, "from": slot.start, "to": slot.end}
        for owner, slot in kept
    ]
    still_on.sort(key=lambda duty: (duty["from"], duty["role"], str(duty["desk"])))
    return leave_read(work, row, names, decides=decides) | {"gaps": gaps, "still_on": still_on}
