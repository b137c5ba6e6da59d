"""Rotas as they are written: whose they are, who may be on them, and everything that their compilation reads."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import Range

from app.errors import NotFound
from app.models.desk import Desk
from app.models.duty_change import Leave, LeaveState, Swap, SwapState
from app.models.organization import Organization, OrganizationKind
from app.models.rota import Holiday, ImportedShift, Layer, Override, Schedule, TemporaryRota
from app.models.rota_format import read_holiday, read_layer, read_shift, read_zone
from app.models.rota_rules import (
    DESK_ROLES,
    HOSPITAL_ROLES,
    Change,
    Gap,
    Shift,
    Slot,
    Temporary,
    compile_rota,
    gaps,
)
from app.models.rota_rules import Holiday as HolidayRule
from app.models.rota_rules import Layer as LayerRule
from app.models.rota_rules import Leave as LeaveRule
from app.models.rota_rules import Override as OverrideRule
from app.models.rota_rules import Swap as SwapRule
from app.models.spans import Span
from app.models.user import ANSWERING, Role, User, UserSpecialty
from app.policy import Standing, standings_to
from app.work import Work

EVER: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose rota it is: a desk's, or a hospital's."""

    hospital_id: UUID
    name: str
    desk_id: UUID | None = None
    specialty: str | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that its rota can have."""
        return DESK_ROLES if self.desk_id is not None else HOSPITAL_ROLES

    @property
    def called(self) -> dict[str, Any]:
        """What facts and answers call it by."""
        return {"desk": self.desk_id, "desk_name": self.name, "hospital": self.hospital_id}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be on a rota, and in which roles of it."""

    id: UUID
    name: str
    licence: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rota:
    """One rota, with everything that its compilation needs."""

    schedule_id: UUID
    owner: Owner
    zone: str
    head_id: UUID | None
    required_roles: tuple[str, ...]
    rest_hours: int
    version: int
    compiled_until: datetime | None = None
    layers: list[LayerRule] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """What its layers are called, in their order."""
    overrides: list[OverrideRule] = field(default_factory=list)
    temporaries: list[Temporary] = field(default_factory=list)
    holidays: list[HolidayRule] = field(default_factory=list)
    swaps: list[SwapRule] = field(default_factory=list)
    leaves: list[LeaveRule] = field(default_factory=list)
    imported: list[Shift] = field(default_factory=list)
    gone: frozenset[UUID] = frozenset()
    """Whom it names and who could not accept a case here: on duty nowhere, so what it gives them is a gap."""

    def compiled(self, start: datetime, end: datetime) -> list[Slot]:
        """Everybody's duty between two instants: the one function behind preview, publication and live duty."""
        if start >= end:
            return []
        slots = compile_rota(
            read_zone(self.zone),
            self.layers,
            self.overrides,
            self.temporaries,
            self.holidays,
            start,
            end,
            swaps=self.swaps,
            leaves=self.leaves,
            imported=self.imported,
        )
        return [slot for slot in slots if slot.doctor not in self.gone]

    async def compiled_aside(self, start: datetime, end: datetime) -> list[Slot]:
        """`compiled`, beside everything else: months of a large rota take a second, in which others must be rung."""
        return await asyncio.to_thread(self.compiled, start, end)

    def gaps_in(self, slots: Iterable[Slot], start: datetime, end: datetime) -> list[Gap]:
        """When its required roles have nobody."""
        return gaps(slots, self.required_roles, start, end)


async def owner_of(
    work: Work, *, desk_id: UUID | None = None, hospital_id: UUID | None = None, lock: bool = False
) -> Owner:
    """Find a desk or a hospital that may have a rota; `lock` keeps others from making its first one. Raises NotFound.

    The lock is one that nothing which merely refers to the desk waits for.
    """
    if desk_id is not None:
        chosen = select(Desk).where(Desk.id == desk_id, Desk.active)
        desk = await work.session.scalar(chosen.with_for_update(key_share=True) if lock else chosen)
        if desk is None:
            raise NotFound
        return Owner(desk.hospital_id, desk.name, desk.id, desk.specialty)
    which = select(Organization).where(
        Organization.id == hospital_id, Organization.active, Organization.kind == OrganizationKind.HOSPITAL
    )
    hospital = await work.session.scalar(which.with_for_update(key_share=True) if lock else which)
    if hospital is None:
        raise NotFound
    return Owner(hospital.id, hospital.short_name)


async def owners_of(work: Work, schedule_ids: Iterable[UUID]) -> dict[UUID, Owner]:
    """Whose these rotas are, also where the desk has been closed meanwhile."""
    chosen = select(Schedule.id, Schedule.desk_id, Schedule.hospital_id).where(Schedule.id.in_(set(schedule_ids)))
    rows = (await work.session.execute(chosen)).all()
    desks = await _by_id(work, Desk, {row.desk_id for row in rows})
    hospitals = await _by_id(work, Organization, {row.hospital_id for row in rows})
    found = {}
    for row in rows:
        desk, hospital = desks.get(row.desk_id), hospitals.get(row.hospital_id)
        if desk is not None:
            found[row.id] = Owner(desk.hospital_id, desk.name, desk.id, desk.specialty)
        elif hospital is not None:
            found[row.id] = Owner(hospital.id, hospital.short_name)
    return found


async def _by_id(work: Work, model: Any, ids: set[UUID | None]) -> dict[UUID, Any]:
    wanted = ids - {None}
    rows = await work.session.scalars(select(model).where(model.id.in_(wanted))) if wanted else ()
    return {row.id: row for row in rows}


async def schedule_id_of(work: Work, owner: Owner) -> UUID | None:
    """The rota of an owner, if there is one yet."""
    where = (
        Schedule.desk_id == owner.desk_id if owner.desk_id is not None else Schedule.hospital_id == owner.hospital_id
    )
    found: UUID | None = await work.session.scalar(select(Schedule.id).where(where))
    return found


async def schedules_of_hospital(work: Work, hospital_id: UUID) -> list[UUID]:
    """All rotas of a hospital and its desks."""
    found = await work.session.scalars(
        select(Schedule.id)
        .outerjoin(Desk, Desk.id == Schedule.desk_id)
        .where(or_(Schedule.hospital_id == hospital_id, Desk.hospital_id == hospital_id))
    )
    return list(found)


def standings(work: Work, owner: Owner, head_id: UUID | None, *, doctor: UUID | None = None) -> frozenset[Standing]:
    """How the actor stands to a rota, and to the duty of a doctor on it."""
    return standings_to(work.subject, [owner.hospital_id], head=head_id, specialty=owner.specialty, doctor=doctor)


async def candidates(work: Work, owner: Owner) -> dict[UUID, Candidate]:
    """Who may be on a rota: active doctors of its hospital, at a desk those with its specialty. By name."""
    chosen = select(User.id, User.name, User.licence, User.role).where(
        User.active, User.hospital_id == owner.hospital_id, User.role.in_(ANSWERING)
    )
    if owner.specialty is not None:
        has = select(UserSpecialty.user_id).where(UserSpecialty.specialty == owner.specialty)
        chosen = chosen.where(User.id.in_(has))
    found = {}
    for row in await work.session.execute(chosen.order_by(User.name, User.id)):
        able = owner.roles if row.role == Role.COORDINATOR or owner.desk_id is not None else ("leadership",)
        found[row.id] = Candidate(row.id, row.name, row.licence, able)
    return found


async def names_of(work: Work, people: Iterable[UUID | None]) -> dict[UUID, str]:
    """People's names."""
    chosen = {person for person in people if person is not None}
    rows = await work.session.execute(select(User.id, User.name).where(User.id.in_(chosen)))
    return {row.id: row.name for row in rows}


async def read_rotas(work: Work, schedule_ids: Collection[UUID] | None = None, *, lock: bool = False) -> list[Rota]:
    """Read rotas (all, unless some are named), what has ended left out.

    `lock` takes them in one order, so that two processes that compile at once do it one after the other; whoever waited
    goes on at the instant at which it has them, for what others did meanwhile is past.
    """
    chosen = select(Schedule).order_by(Schedule.id).execution_options(populate_existing=True)
    if schedule_ids is not None:
        chosen = chosen.where(Schedule.id.in_(schedule_ids))
    schedules = (await work.session.scalars(chosen.with_for_update() if lock else chosen)).all()
    if lock:
        work.look_at_the_clock()
    parts = await _parts(work, [schedule.id for schedule in schedules])
    owners = await _owners(work)
    found = []
    for schedule in schedules:
        owner = owners[schedule.desk_id or schedule.hospital_id]
        layers = parts.layers[schedule.id]
        swaps, overrides = parts.swaps[schedule.id], parts.overrides[schedule.id]
        temporaries, imported = parts.temporaries[schedule.id], parts.imported[schedule.id]
        named = {doctor for _, layer in layers for turn in layer.turns for doctor in turn}
        named |= {doctor for change in overrides for doctor in (change.doctor, change.by) if doctor is not None}
        named |= {shift.doctor for shift in (*imported, *(s for temporary in temporaries for s in temporary.shifts))}
        named |= {doctor for swap in swaps for doctor in (swap.giver, swap.taker)}
        found.append(
            Rota(
                schedule.id,
                owner,
                schedule.zone,
                schedule.head_id,
                tuple(schedule.required_roles),
                schedule.rest_hours,
                schedule.version,
                schedule.compiled_until,
                layers=[layer for _, layer in layers],
                names=[name for name, _ in layers],
                overrides=overrides,
                temporaries=temporaries,
                holidays=[*parts.holidays[None], *parts.holidays[owner.hospital_id]],
                swaps=swaps,
                leaves=parts.leaves,
                imported=imported,
                gone=frozenset(named - parts.able[owner.specialty]),
            )
        )
    return found


def span_of(during: Range[datetime]) -> Span:
    """A stored stretch of time as a pair."""
    return during.lower or EVER, during.upper or NEVER


@dataclass(frozen=True, slots=True)
class _Parts:
    layers: dict[UUID, list[tuple[str, LayerRule]]]
    overrides: dict[UUID, list[OverrideRule]]
    temporaries: dict[UUID, list[Temporary]]
    swaps: dict[UUID, list[SwapRule]]
    imported: dict[UUID, list[Shift]]
    holidays: dict[UUID | None, list[HolidayRule]]
    leaves: list[LeaveRule]
    able: dict[str | None, set[UUID]]


async def _parts(work: Work, ids: list[UUID]) -> _Parts:
    return _Parts(
        await _layers(work, ids),
        await _overrides(work, ids),
        await _temporaries(work, ids),
        await _swaps(work, ids),
        await _imported(work, ids),
        await _holidays(work),
        await _leaves(work),
        await _able(work),
    )


async def _layers(work: Work, ids: list[UUID]) -> dict[UUID, list[tuple[str, LayerRule]]]:
    found: dict[UUID, list[tuple[str, LayerRule]]] = defaultdict(list)
    columns = (Layer.role, Layer.priority, Layer.on, Layer.turns, Layer.rotation, Layer.windows)
    chosen = select(Layer.schedule_id, Layer.name, *columns).where(Layer.schedule_id.in_(ids)).order_by(Layer.id)
    for row in await work.session.execute(chosen):
        found[row[0]].append((row[1], read_layer(*row[2:])))
    return found


async def _overrides(work: Work, ids: list[UUID]) -> dict[UUID, list[OverrideRule]]:
    found: dict[UUID, list[OverrideRule]] = defaultdict(list)
    columns = (Override.kind, Override.role, Override.doctor_id, Override.during, Override.made_at, Override.by_id)
    chosen = select(Override.schedule_id, *columns).where(
        Override.schedule_id.in_(ids), func.upper(Override.during) > work.now
    )
    for schedule, kind, role, doctor, during, made, by in await work.session.execute(
        chosen.order_by(Override.made_at, Override.id)
    ):
        found[schedule].append(OverrideRule(Change(kind), role, doctor, *span_of(during), made, by))
    return found


async def _temporaries(work: Work, ids: list[UUID]) -> dict[UUID, list[Temporary]]:
    found: dict[UUID, list[Temporary]] = defaultdict(list)
    columns = (TemporaryRota.roles, TemporaryRota.during, TemporaryRota.shifts, TemporaryRota.made_at)
    chosen = select(TemporaryRota.schedule_id, *columns).where(
        TemporaryRota.schedule_id.in_(ids), func.upper(TemporaryRota.during) > work.now
    )
    for schedule, roles, during, shifts, made in await work.session.execute(
        chosen.order_by(TemporaryRota.made_at, TemporaryRota.id)
    ):
        listed = tuple(read_shift(shift) for shift in shifts)
        found[schedule].append(Temporary(frozenset(roles), *span_of(during), listed, made))
    return found


async def _swaps(work: Work, ids: list[UUID]) -> dict[UUID, list[SwapRule]]:
    """Swaps that were taken, where at least one side of them is still to come."""
    found: dict[UUID, list[SwapRule]] = defaultdict(list)
    to_come = or_(func.upper(Swap.during) > work.now, func.upper(Swap.returns) > work.now)
    for row in await work.session.scalars(
        select(Swap)
        .where(Swap.schedule_id.in_(ids), Swap.state == SwapState.TAKEN, to_come)
        .order_by(Swap.answered_at, Swap.id)
        .execution_options(populate_existing=True)
    ):
        if row.taker_id is None:
            continue
        returns = span_of(row.returns) if row.returns is not None else None
        taken = row.answered_at or row.made_at
        found[row.schedule_id].append(
            SwapRule(row.role, row.giver_id, row.taker_id, *span_of(row.during), taken, returns)
        )
    return found


async def _imported(work: Work, ids: list[UUID]) -> dict[UUID, list[Shift]]:
    found: dict[UUID, list[Shift]] = defaultdict(list)
    columns = (ImportedShift.schedule_id, ImportedShift.role, ImportedShift.doctor_id, ImportedShift.during)
    chosen = select(*columns).where(ImportedShift.schedule_id.in_(ids), func.upper(ImportedShift.during) > work.now)
    for schedule, role, doctor, during in await work.session.execute(chosen):
        found[schedule].append(Shift(role, doctor, *span_of(during)))
    return found


async def _holidays(work: Work) -> dict[UUID | None, list[HolidayRule]]:
    """Holidays by hospital; those of the country are under None, and a hospital's own count after them."""
    found: dict[UUID | None, list[HolidayRule]] = defaultdict(list)
    for row in await work.session.execute(select(Holiday.hospital_id, Holiday.day, Holiday.kind, Holiday.as_day)):
        found[row.hospital_id].append(read_holiday(row.day, row.kind, row.as_day))
    return found


async def _leaves(work: Work) -> list[LeaveRule]:
    rows = await work.session.execute(
        select(Leave.doctor_id, Leave.during).where(
            Leave.state == LeaveState.APPROVED, func.upper(Leave.during) > work.now
        )
    )
    return [LeaveRule(row.doctor_id, *span_of(row.during)) for row in rows]


async def _able(work: Work) -> dict[str | None, set[UUID]]:
    """Who could accept a case of each specialty; under None, everybody who answers at all."""
    found: dict[str | None, set[UUID]] = defaultdict(set)
    chosen = select(User.id, UserSpecialty.specialty).outerjoin(UserSpecialty, UserSpecialty.user_id == User.id)
    for person, specialty in await work.session.execute(chosen.where(User.active, User.role.in_(ANSWERING))):
        found[None].add(person)
        found[specialty].add(person)
    return found


async def _owners(work: Work) -> dict[UUID | None, Owner]:
    found: dict[UUID | None, Owner] = {}
    for desk in await work.session.execute(select(Desk.id, Desk.name, Desk.hospital_id, Desk.specialty)):
        found[desk.id] = Owner(desk.hospital_id, desk.name, desk.id, desk.specialty)
    for hospital in await work.session.execute(select(Organization.id, Organization.short_name)):
        found[hospital.id] = Owner(hospital.id, hospital.short_name)
    return found
