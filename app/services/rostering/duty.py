"""Duty as routing reads it: rotas compiled into slots, and the questions asked of them.

Compiling touches the future only. The past never changes; a duty that goes on keeps its slot; a slot that stays as it
is keeps its id.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Select, TextClause, bindparam, func, or_, select, text, true, update
from sqlalchemy.dialects.postgresql import ARRAY, Range
from sqlalchemy.types import DateTime, Text, Uuid

from app.identifiers import new_id
from app.models.duty_watch import DutyGap, GapKind
from app.models.rota import DutySlot, Schedule
from app.models.rota_rules import Gap, Slot, gaps
from app.models.user import User
from app.services.rostering.rotas import Rota, read_rotas
from app.work import Work

HORIZON_DAYS: Final = 90
_AT_ONCE: Final = 10_000
"""Slots written by one statement: it must not run into the time that a statement may take."""
_FRESH: Final = timedelta(minutes=10)
_LOOK_BACK: Final = timedelta(days=8)
"""How far back the first compilation looks for the start of duties that go on: a weekly turn and a day."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a compilation did, in slots."""

    schedules: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One doctor on duty in one role."""

    doctor_id: UUID
    doctor_name: str
    role: str
    start: datetime
    end: datetime
    phone: str | None
    owner_id: UUID
    """The desk, or the hospital for leadership and coordinators."""


@dataclass(frozen=True, slots=True)
class DutyRead:
    """Slots and gaps of one rota between two instants."""

    slots: list[Slot]
    gaps: list[Gap]
    unreachable: list[Gap]
    """When somebody is on who did not answer the test at the start of the duty; patients ring them all the same."""


async def compile_duty(
    work: Work, horizon_days: int = HORIZON_DAYS, schedule_ids: Collection[UUID] | None = None
) -> Compiled:
    """Bring the slots of all rotas (or of some) into line with what the rotas say, from now to the horizon.

    Whoever could not accept a case there is not on duty: what the rota gives a closed account, or somebody who does not
    have the desk's specialty any more, is a gap.
    """
    return await settle(work, await read_rotas(work, schedule_ids, lock=True), horizon_days, backdate=True)


async def behind(work: Work, limit: int, horizon_days: int = HORIZON_DAYS) -> list[UUID]:
    """Return some rotas, now locked, whose slots do not reach the horizon, and that no other process is at.

    What was worked out within the last ten minutes reaches far enough: processes that start together do it once.
    """
    reached = work.now + timedelta(days=horizon_days) - _FRESH
    chosen = (
        select(Schedule.id)
        .where(or_(Schedule.compiled_until.is_(None), Schedule.compiled_until < reached))
        .order_by(Schedule.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await work.session.scalars(chosen))


async def settle(
    work: Work, rotas: Collection[Rota], horizon_days: int = HORIZON_DAYS, *, backdate: bool = False
) -> Compiled:
    """Bring the slots of these rotas, which must be locked, into line with what they say.

    `backdate`: a rota that never had slots comes from elsewhere (a network file), where the duty that goes on has begun
    before now; otherwise nobody was on duty before it was published.
    """
    present = await _present(work, [rota.schedule_id for rota in rotas])
    until = work.now + timedelta(days=horizon_days)
    plan = _Plan([], [], [])
    for rota in rotas:
        stored = present.get(rota.schedule_id, [])
        first = backdate and rota.compiled_until is None and not stored
        wanted = await rota.compiled_aside(work.now - _LOOK_BACK if first else work.now, until)
        _compare(plan, rota.schedule_id, stored, wanted, None if first else work.now, work.now)
    await _carry_out(work, plan)
    await work.session.execute(
        update(Schedule)
        .where(Schedule.id.in_([rota.schedule_id for rota in rotas]))
        .values(compiled_until=until)
        .execution_options(synchronize_session=False)
    )
    return Compiled(len(rotas), len(plan.insert), len(plan.resize), len(plan.delete))


async def worked_out(work: Work, owners: Collection[UUID], at: datetime) -> list[Slot]:
    """Whom the rotas of some desks and hospitals name at an instant, whether or not it is compiled yet."""
    ids = set(
        await work.session.scalars(
            select(Schedule.id).where(Schedule.desk_id.in_(owners) | Schedule.hospital_id.in_(owners))
        )
    )
    moment = timedelta(microseconds=1)
    return [slot for rota in await read_rotas(work, ids) for slot in rota.compiled(at, at + moment)]


async def on_duty(work: Work, desk_id: UUID, at: datetime) -> list[OnDuty]:
    """Who is on call at a desk at an instant, primary first."""
    return await _people(work, _on_duty_at(work, at).where(Schedule.desk_id == desk_id))


async def on_duty_of_hospital(work: Work, hospital_id: UUID, at: datetime) -> list[OnDuty]:
    """Who has leadership and coordination of a hospital at an instant."""
    return await _people(work, _on_duty_at(work, at).where(Schedule.hospital_id == hospital_id))


async def on_duty_at_desks(work: Work, desk_ids: Collection[UUID], at: datetime) -> dict[UUID, list[OnDuty]]:
    """Who is on call at several desks; a desk with nobody has an empty list."""
    found: dict[UUID, list[OnDuty]] = {desk_id: [] for desk_id in desk_ids}
    for person in await _people(work, _on_duty_at(work, at).where(Schedule.desk_id.in_(desk_ids))):
        found[person.owner_id].append(person)
    return found


async def duty_of_doctor(work: Work, doctor_id: UUID, at: datetime) -> list[OnDuty]:
    """Every role that a doctor has at an instant, at desks and for hospitals."""
    return await _people(work, _on_duty_at(work, at).where(DutySlot.doctor_id == doctor_id))


async def duty_of_desk(work: Work, desk_id: UUID, start: datetime, end: datetime) -> DutyRead:
    """Slots and gaps of a desk between two instants: clipped, merged, sorted by start, role and doctor."""
    return await _duty(work, select(Schedule).where(Schedule.desk_id == desk_id), start, end)


async def duty_of_hospital(work: Work, hospital_id: UUID, start: datetime, end: datetime) -> DutyRead:
    """The same for the rota of a hospital."""
    return await _duty(work, select(Schedule).where(Schedule.hospital_id == hospital_id), start, end)


async def gaps_of_desks(
    work: Work, desk_ids: Collection[UUID], start: datetime, end: datetime
) -> dict[UUID, list[Gap]]:
    """When required roles of desks have nobody; a desk without a rota is one gap of the first on call."""
    schedules = (await work.session.scalars(select(Schedule).where(Schedule.desk_id.in_(desk_ids)))).all()
    slots = await _slots(work, [schedule.id for schedule in schedules], start, end)
    found = {desk_id: [Gap("primary", start, end)] for desk_id in desk_ids}
    for schedule in schedules:
        if schedule.desk_id is not None:
            found[schedule.desk_id] = gaps(slots[schedule.id], schedule.required_roles, start, end)
    return found


# From what is there to what is wanted


class _Stored(NamedTuple):
    """A slot in the database that has not ended."""

    id: UUID
    doctor: UUID
    role: str
    start: datetime
    end: datetime


_Resize: TypeAlias = tuple[UUID, datetime, datetime, bool]
"""Slot, start, new end, and whether it grows."""


@dataclass(slots=True)
class _Plan:
    insert: list[tuple[UUID, Slot]]
    resize: list[_Resize]
    delete: list[UUID]


async def _present(work: Work, schedule_ids: Collection[UUID]) -> dict[UUID, list[_Stored]]:
    """Slots that have not ended, by schedule."""
    rows = await work.session.execute(
        select(
            DutySlot.schedule_id,
            DutySlot.id,
            DutySlot.doctor_id,
            DutySlot.role,
            func.lower(DutySlot.during),
            func.upper(DutySlot.during),
        ).where(DutySlot.schedule_id.in_(schedule_ids), func.upper(DutySlot.during) > work.now)
    )
    found: dict[UUID, list[_Stored]] = defaultdict(list)
    for schedule_id, *slot in rows:
        found[schedule_id].append(_Stored(*slot))
    return found


def _compare(  # the arguments are the two sides and the cut between past and future
    plan: _Plan,
    schedule_id: UUID,
    stored: Iterable[_Stored],
    wanted: Iterable[Slot],
    cut: datetime | None,
    now: datetime,
) -> None:
    """Note what must be done so that the stored slots say what is wanted; nothing before `cut` changes."""
    future = {(slot.doctor, slot.role, max(slot.start, cut) if cut else slot.start): slot for slot in stored}
    for slot in wanted:
        if slot.end <= now:
            continue
        there = future.pop((slot.doctor, slot.role, slot.start), None)
        if there is None:
            plan.insert.append((schedule_id, slot))
        elif there.end != slot.end:
            plan.resize.append((there.id, there.start, slot.end, slot.end > there.end))
    for there in future.values():
        if there.start < now:
            plan.resize.append((there.id, there.start, now, False))
        else:
            plan.delete.append(there.id)


async def _carry_out(work: Work, plan: _Plan) -> None:
    """Delete, shrink, grow, insert: in this order no two slots of one doctor ever overlap on the way."""
    if plan.delete:
        await work.session.execute(_DELETE, {"ids": plan.delete})
    for grows in (False, True):
        chosen = [change for change in plan.resize if change[3] is grows]
        if chosen:
            ids, starts, ends, _ = zip(*chosen, strict=True)
            await work.session.execute(_RESIZE, {"ids": list(ids), "starts": list(starts), "ends": list(ends)})
    for first in range(0, len(plan.insert), _AT_ONCE):
        slots = plan.insert[first : first + _AT_ONCE]
        await work.session.execute(
            _INSERT,
            {
                "ids": [new_id(work.now) for _ in slots],
                "schedules": [schedule_id for schedule_id, _ in slots],
                "doctors": [slot.doctor for _, slot in slots],
                "roles": [slot.role for _, slot in slots],
                "starts": [slot.start for _, slot in slots],
                "ends": [slot.end for _, slot in slots],
            },
        )


_IDS: Final = ARRAY(Uuid())
_TIMES: Final = ARRAY(DateTime(timezone=True))


def _statement(sql: str, **types: Any) -> TextClause:
    return text(sql).bindparams(*(bindparam(name, type_=type_) for name, type_ in types.items()))


_DELETE: Final = _statement("DELETE FROM duty_slot WHERE id = ANY(:ids)", ids=_IDS)
_RESIZE: Final = _statement(
    "UPDATE duty_slot SET during = tstzrange(change.first, change.last) "
    "FROM unnest(:ids, :starts, :ends) AS change (id, first, last) WHERE duty_slot.id = change.id",
    ids=_IDS,
    starts=_TIMES,
    ends=_TIMES,
)
_INSERT: Final = _statement(
    "INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during) "
    "SELECT id, schedule_id, doctor_id, role, tstzrange(first, last) "
    "FROM unnest(:ids, :schedules, :doctors, :roles, :starts, :ends) "
    "AS slot (id, schedule_id, doctor_id, role, first, last)",
    ids=_IDS,
    schedules=_IDS,
    doctors=_IDS,
    roles=ARRAY(Text()),
    starts=_TIMES,
    ends=_TIMES,
)


# Questions


def _on_duty_at(work: Work, at: datetime) -> Select[Any]:
    """Whom slots name at an instant; an account that is closed is on duty no more, and was before it was closed."""
    return (
        select(
            DutySlot.doctor_id,
            User.name,
            DutySlot.role,
            func.lower(DutySlot.during),
            func.upper(DutySlot.during),
            User.phone,
            func.coalesce(Schedule.desk_id, Schedule.hospital_id),
        )
        .join(Schedule, Schedule.id == DutySlot.schedule_id)
        .join(User, User.id == DutySlot.doctor_id)
        .where(DutySlot.during.contains(at), true() if at < work.now else User.active)
    )


_ORDER: Final = ("primary", "backup", "head_of_shift", "leadership", "coordinator", "red_team")


async def _people(work: Work, chosen: Select[Any]) -> list[OnDuty]:
    people = [OnDuty(*row) for row in await work.session.execute(chosen)]
    return sorted(people, key=lambda person: (_ORDER.index(person.role), person.start, person.doctor_name))


async def _duty(work: Work, chosen: Select[Schedule], start: datetime, end: datetime) -> DutyRead:
    schedule = await work.session.scalar(chosen)
    if schedule is None:
        return DutyRead([], [], [])
    slots = (await _slots(work, [schedule.id], start, end))[schedule.id]
    return DutyRead(
        slots, gaps(slots, schedule.required_roles, start, end), await _unreachable(work, schedule.id, start, end)
    )


async def _unreachable(work: Work, schedule_id: UUID, start: datetime, end: datetime) -> list[Gap]:
    rows = await work.session.execute(
        select(DutyGap.role, func.lower(DutyGap.during), func.upper(DutyGap.during))
        .where(
            DutyGap.schedule_id == schedule_id,
            DutyGap.kind == GapKind.UNREACHABLE,
            DutyGap.closed_at.is_(None),
            DutyGap.during.overlaps(Range(start, end)),
        )
        .order_by(func.lower(DutyGap.during), DutyGap.role)
    )
    return [Gap(role, max(first, start), min(last, end)) for role, first, last in rows]


async def _slots(work: Work, schedule_ids: Collection[UUID], start: datetime, end: datetime) -> dict[UUID, list[Slot]]:
    """Slots that touch a stretch of time, clipped to it, sorted, by schedule."""
    rows = await work.session.execute(
        select(
            DutySlot.schedule_id,
            DutySlot.doctor_id,
            DutySlot.role,
            func.lower(DutySlot.during),
            func.upper(DutySlot.during),
        ).where(DutySlot.schedule_id.in_(schedule_ids), DutySlot.during.overlaps(Range(start, end)))
    )
    found: dict[UUID, list[Slot]] = {schedule_id: [] for schedule_id in schedule_ids}
    for schedule_id, doctor, role, first, last in rows:
        found[schedule_id].append(Slot(doctor, role, max(first, start), min(last, end)))
    for slots in found.values():
        slots.sort(key=lambda slot: (slot.start, slot.role, slot.doctor))
    return found
