"""Late truth: who was on duty really. Appended for reports; what was routed stays as it was."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import Range

from app.errors import Invalid
from app.models.rota import DutySlot, Schedule
from app.models.rota_rules import Change, Override, Shift, Slot, compile_rota
from app.models.user import ANSWERING, User
from app.policy import DutyAction, allow_duty
from app.schemas.rota import CorrectionIn
from app.services.facts.events import record_about
from app.services.rostering.rotas import Owner, names_of, owner_of, standings
from app.work import Work

Json = dict[str, Any]
_FURTHEST_BACK: Final = timedelta(days=400)


async def correct(work: Work, desk_id: UUID, body: CorrectionIn) -> Json:
    """Record who was on duty at a desk really, in time that is past. Raises NotFound, Forbidden and Invalid."""
    owner = await owner_of(work, desk_id=desk_id)
    schedule = await work.session.scalar(select(Schedule).where(Schedule.desk_id == desk_id))
    allow_duty(DutyAction.PUBLISH_ROTA, standings(work, owner, schedule.head_id if schedule else None))
    _check(work, owner, body)
    if body.doctor is not None and not await _was_on(work, schedule, body):
        raise Invalid(
            "doctor",
            "Người này không trực vai trò đó trong khoảng giờ này.",
            "This person was not on duty in this role at that time.",
        )
    if body.by is not None and not await _works_here(work, owner, body.by):
        raise Invalid("by", "Không có bác sĩ này tại bệnh viện.", "There is no such doctor at this hospital.")
    names = await names_of(work, [body.doctor, body.by])
    data = {
        "schedule": schedule.id if schedule else None,
        **owner.called,
        "role": body.role,
        "doctor": body.doctor,
        "doctor_name": names.get(body.doctor) if body.doctor else None,
        "by": body.by,
        "by_name": names.get(body.by) if body.by else None,
        "from": body.start,
        "to": body.end,
        "reason": body.reason,
        "at": work.now,
    }
    fact = await record_about(work, f"hospital:{owner.hospital_id}", "duty.corrected", data)
    return {"event_id": fact.id, **{name: data[name] for name in ("desk", "role", "doctor", "by", "from", "to", "at")}}


async def as_it_was(work: Work, desk_id: UUID, start: datetime, end: datetime) -> list[Slot]:
    """Who was on duty at a desk between two instants, as far as anybody has said it: for reports, never for ringing.

    Each correction sees the result of those before it, as overrides do; in place of somebody who was not on, nobody is.
    """
    asked = {"desk": desk_id, "start": start, "end": end}
    served = [Shift(row.role, row.doctor_id, row.first, row.last) for row in await work.session.execute(_SERVED, asked)]
    said = [_read(row) for row in await work.session.execute(_CORRECTED, asked | {"desk_said": str(desk_id)})]
    return compile_rota(ZoneInfo("UTC"), [], said, [], [], start, end, imported=served)


def _read(row: Any) -> Override:
    by = UUID(row.by) if row.by else None
    kind = Change.ADD if row.doctor is None else Change.REMOVE if by is None else Change.REPLACE
    doctor = UUID(row.doctor or row.by)
    return Override(kind, row.role, doctor, row.first, row.last, row.at, by if kind is Change.REPLACE else None)


_SERVED = text("""
SELECT d.role, d.doctor_id, lower(d.during) AS first, upper(d.during) AS last
FROM schedule s JOIN duty_slot d ON d.schedule_id = s.id
WHERE s.desk_id = CAST(:desk AS uuid)
  AND d.during && tstzrange(CAST(:start AS timestamptz), CAST(:end AS timestamptz))
""")

_CORRECTED = text("""
SELECT e.at, e.data ->> 'role' AS role, e.data ->> 'doctor' AS doctor, e.data ->> 'by' AS by,
       CAST(e.data ->> 'from' AS timestamptz) AS first, CAST(e.data ->> 'to' AS timestamptz) AS last
FROM desk k JOIN event e ON e.chain = 'hospital:' || k.hospital_id
WHERE k.id = CAST(:desk AS uuid) AND e.type = 'duty.corrected' AND e.data ->> 'desk' = :desk_said
  AND CAST(e.data ->> 'from' AS timestamptz) < CAST(:end AS timestamptz)
  AND CAST(e.data ->> 'to' AS timestamptz) > CAST(:start AS timestamptz)
ORDER BY e.seq
""")


def _check(work: Work, owner: Owner, body: CorrectionIn) -> None:
    if body.role not in owner.roles:
        able = ", ".join(owner.roles)
        raise Invalid("role", f"Lịch này chỉ có các vai trò: {able}.", f"This rota has these roles only: {able}.")
    if body.end > work.now:
        raise Invalid(
            "to",
            "Đính chính chỉ cho quá khứ. Ca sắp tới: sửa lịch trực.",
            "A correction is for the past only. Edit the rota for what is to come.",
        )
    if body.start < work.now - _FURTHEST_BACK:
        days = _FURTHEST_BACK.days
        raise Invalid("from", f"Nhiều nhất {days} ngày trước.", f"At most {days} days ago.")


async def _was_on(work: Work, schedule: Schedule | None, body: CorrectionIn) -> bool:
    found = exists().where(
        DutySlot.schedule_id == (schedule.id if schedule else None),
        DutySlot.role == body.role,
        DutySlot.doctor_id == body.doctor,
        func.upper(DutySlot.during) > body.start,
        DutySlot.during.overlaps(Range(body.start, body.end)),
    )
    return bool(await work.session.scalar(select(found)))


async def _works_here(work: Work, owner: Owner, person: UUID) -> bool:
    found = exists().where(
        User.id == person,
        User.hospital_id == owner.hospital_id,
        User.role.in_(ANSWERING),
    )
    return bool(await work.session.scalar(select(found)))
