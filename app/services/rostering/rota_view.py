"""A rota as the editor reads it: its documents, who may be on it, and what the reader may do."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select

from app.models.duty_change import Leave, LeaveState, Swap, SwapState
from app.models.rota import Holiday, ImportedShift, Layer, Override, Schedule, TemporaryRota
from app.models.rota_format import HOME_ZONE, read_zone
from app.models.user import Role, User
from app.policy import DutyAction, Standing, Verdict, allow_duty, decide_duty, is_coordinators
from app.services.rostering import rota_documents as documents
from app.services.rostering.duty_asks import leave_read, swap_read
from app.services.rostering.rotas import Candidate, Owner, candidates, names_of, owner_of, span_of, standings
from app.work import Work

Json = dict[str, Any]
_OFFERABLE: Final = (
    DutyAction.PUBLISH_ROTA,
    DutyAction.SET_ROTA,
    DutyAction.SET_HOLIDAYS,
    DutyAction.OVERRIDE_SOON,
    DutyAction.IMPORT_ROTA,
    DutyAction.DECIDE_LEAVE,
    DutyAction.MAKE_ROTA_FEED,
)


async def read(work: Work, *, desk_id: UUID | None = None, hospital_id: UUID | None = None) -> Json:
    """The whole rota of a desk or a hospital; version 0 where there is none yet. Raises NotFound and Forbidden."""
    owner = await owner_of(work, desk_id=desk_id, hospital_id=hospital_id)
    where = Schedule.desk_id == desk_id if desk_id is not None else Schedule.hospital_id == hospital_id
    schedule = await work.session.scalar(select(Schedule).where(where))
    stands = standings(work, owner, schedule.head_id if schedule else None)
    allow_duty(DutyAction.READ_ROTA, stands)
    people = await candidates(work, owner)
    return {
        **owner.called,
        **await _settings(work, owner, schedule),
        **await _documents(work, owner, schedule, people, stands),
        "people": [{"id": p.id, "name": p.name, "roles": p.roles} for p in people.values()],
        "may": [action.value for action in _OFFERABLE if decide_duty(action, stands) is Verdict.ALLOW],
    }


async def _settings(work: Work, owner: Owner, schedule: Schedule | None) -> Json:
    if schedule is None:
        unset: Json = {"zone": HOME_ZONE, "head": None, "required_roles": [], "rest_hours": 12}
        return {"version": 0, **unset, "head_name": None, "roles": owner.roles, "known_until": None}
    names = await names_of(work, [schedule.head_id])
    return {
        "version": schedule.version,
        **documents.settings(schedule),
        "head_name": names.get(schedule.head_id) if schedule.head_id else None,
        "roles": owner.roles,
        "known_until": schedule.compiled_until,
    }


async def _documents(
    work: Work, owner: Owner, schedule: Schedule | None, people: dict[UUID, Candidate], stands: frozenset[Standing]
) -> Json:
    id_, now, session = (schedule.id if schedule else None), work.now, work.session
    layers = await session.scalars(
        select(Layer).where(Layer.schedule_id == id_).order_by(Layer.role, Layer.priority.desc(), Layer.id)
    )
    overrides = (
        await session.scalars(
            select(Override)
            .where(Override.schedule_id == id_, func.upper(Override.during) > now)
            .order_by(Override.made_at, Override.id)
        )
    ).all()
    temporaries = (
        await session.scalars(
            select(TemporaryRota)
            .where(TemporaryRota.schedule_id == id_, func.upper(TemporaryRota.during) > now)
            .order_by(TemporaryRota.made_at, TemporaryRota.id)
        )
    ).all()
    imported = (
        await session.scalars(
            select(ImportedShift)
            .where(ImportedShift.schedule_id == id_, func.upper(ImportedShift.during) > now)
            .order_by(func.lower(ImportedShift.during), ImportedShift.id)
        )
    ).all()
    swaps = (
        await session.scalars(
            select(Swap)
            .where(
                Swap.schedule_id == id_,
                Swap.state.in_((SwapState.OFFERED, SwapState.TAKEN)),
                or_(func.upper(Swap.during) > now, func.upper(Swap.returns) > now),
            )
            .order_by(func.lower(Swap.during), Swap.id)
        )
    ).all()
    leaves = (
        await session.scalars(
            select(Leave)
            .where(
                Leave.doctor_id.in_(people),
                Leave.state.in_((LeaveState.REQUESTED, LeaveState.APPROVED)),
                func.upper(Leave.during) > now,
            )
            .order_by(func.lower(Leave.during), Leave.id)
        )
    ).all()
    names = await names_of(work, _people(overrides, temporaries, imported, swaps, leaves))
    zone = read_zone(schedule.zone if schedule else HOME_ZONE)
    decides = decide_duty(DutyAction.DECIDE_LEAVE, stands) is Verdict.ALLOW
    editable = await _editable(work, overrides, stands)
    return {
        "layers": [documents.layer(row) for row in layers],
        "overrides": [
            documents.override(row)
            | {
                "doctor_name": names.get(row.doctor_id, ""),
                "by_name": names.get(row.by_id) if row.by_id else None,
                "made_at": row.made_at,
                "made_by_name": names.get(row.made_by) if row.made_by else None,
                "may": ["edit"] if row.id in editable else [],
            }
            for row in overrides
        ],
        "temporaries": [
            documents.temporary(row)
            | {
                "shifts": [shift | {"doctor_name": names.get(UUID(shift["doctor"]), "")} for shift in row.shifts],
                "made_at": row.made_at,
                "made_by_name": names.get(row.made_by) if row.made_by else None,
            }
            for row in temporaries
        ],
        "holidays": await holidays_of(work, owner.hospital_id, now.astimezone(zone).date().replace(month=1, day=1)),
        "imported": [documents.imported(row) | {"doctor_name": names.get(row.doctor_id, "")} for row in imported],
        "swaps": [swap_read(work, row, owner, names, people) for row in swaps],
        "leaves": [leave_read(work, row, names, decides=decides) for row in leaves],
    }


async def _editable(work: Work, overrides: Iterable[Override], stands: frozenset[Standing]) -> set[UUID]:
    """Which overrides the reader may replace or delete."""
    if decide_duty(DutyAction.PUBLISH_ROTA, stands) is Verdict.ALLOW:
        return {row.id for row in overrides}
    if decide_duty(DutyAction.OVERRIDE_SOON, stands) is not Verdict.ALLOW:
        return set()
    made_by = {row.made_by for row in overrides if row.made_by is not None}
    chosen = select(User.id).where(User.id.in_(made_by), User.role == Role.COORDINATOR)
    colleagues = set(await work.session.scalars(chosen)) if made_by else set()
    return {
        row.id
        for row in overrides
        if is_coordinators(work.now, *span_of(row.during), by_coordinator=row.made_by in colleagues)
    }


def _people(
    overrides: Iterable[Override],
    temporaries: Iterable[TemporaryRota],
    imported: Iterable[ImportedShift],
    swaps: Iterable[Swap],
    leaves: Iterable[Leave],
) -> set[UUID | None]:
    found: set[UUID | None] = set()
    for leave in leaves:
        found |= {leave.doctor_id, leave.decided_by}
    for override in overrides:
        found |= {override.doctor_id, override.by_id, override.made_by}
    for temporary in temporaries:
        found |= {temporary.made_by, *(UUID(shift["doctor"]) for shift in temporary.shifts)}
    for swap in swaps:
        found |= {swap.giver_id, swap.taker_id}
    return found | {shift.doctor_id for shift in imported}


async def holidays_of(work: Work, hospital_id: UUID | None, start: date, end: date | None = None) -> list[Json]:
    """The country's holidays and a hospital's own, from one date to another, by date."""
    chosen = select(Holiday).where(
        or_(Holiday.hospital_id.is_(None), Holiday.hospital_id == hospital_id), Holiday.day >= start
    )
    if end is not None:
        chosen = chosen.where(Holiday.day < end)
    rows = await work.session.scalars(chosen.order_by(Holiday.day, Holiday.hospital_id.nulls_first()))
    return [documents.holiday(row) for row in rows]
