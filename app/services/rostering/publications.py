"""Publishing a rota: an edit shown as what it changes before it is saved, and saved whole or not at all.

A dry run does everything that a real one does, in a savepoint that is then rolled back: preview and live cannot differ.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import Invalid, Stale
from app.identifiers import new_id
from app.models.rota import Override as OverrideRow
from app.models.rota import Schedule
from app.models.rota_format import HOME_ZONE
from app.models.rota_rules import Override, Slot
from app.models.user import Role, User
from app.policy import SOON, DutyAction, allow_duty, is_coordinators
from app.schemas.rota import Change, LayerIn, OverrideIn, PublicationIn, SettingsIn, TemporaryIn
from app.services.facts.authors import last_author
from app.services.rostering import duty_moves
from app.services.rostering.duty import settle
from app.services.rostering.duty_moves import Move
from app.services.rostering.duty_settled import FURTHEST, as_far_as
from app.services.rostering.duty_watch import after_compile
from app.services.rostering.rota_changes import Changed, Editor
from app.services.rostering.rota_thoughts import thoughts
from app.services.rostering.rotas import (
    Candidate,
    Owner,
    Rota,
    candidates,
    names_of,
    owner_of,
    read_rotas,
    schedule_id_of,
    schedules_of_hospital,
    span_of,
    standings,
)
from app.work import Work

Json = dict[str, Any]
USUAL: Final = timedelta(days=14)
LONGEST: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Window:
    """The time of which slots and gaps are shown."""

    start: datetime
    end: datetime


async def publish(
    work: Work, body: PublicationIn, *, desk_id: UUID | None = None, hospital_id: UUID | None = None
) -> Json:
    """Carry out an edit of a rota, or show what it would do.

    Raises NotFound and Forbidden, Stale when somebody else has edited it meanwhile, Invalid with the place of each
    error, and InTheWay for what may not overlap. The first publication makes the rota (version 0).
    """
    changes = body.read()
    window = _window(work, body)
    owner = await owner_of(work, desk_id=desk_id, hospital_id=hospital_id)
    await _allow(work, owner, changes)
    if not changes and not body.dry_run:
        raise Invalid("changes", "Không có gì để lưu.", "There is nothing to save.")
    await owner_of(work, desk_id=desk_id, hospital_id=hospital_id, lock=True)
    async with work.session.begin_nested() as savepoint:
        edit = await _edit(work, owner, body, changes)
        moves = await edit.moves(work.now)
        answer = await _answer(work, edit, body, window, moves)
        if body.dry_run:
            await savepoint.rollback()
    if body.dry_run:
        return answer
    await settle(work, edit.after)
    await tell_of(work, owner, edit.schedule_id, edit.version + 1, moves, body.reason, edit.changed)
    await after_compile(work, [rota.schedule_id for rota in edit.after])
    return answer


def _window(work: Work, body: PublicationIn) -> Window:
    start = max(body.start or work.now, work.now)
    end = body.end or start + USUAL
    if end <= start:
        raise Invalid("to", "«to» phải sau «from» và sau bây giờ.", "`to` must be after `from` and after now.")
    if end - start > LONGEST:
        raise Invalid("to", f"Nhiều nhất {LONGEST.days} ngày.", f"At most {LONGEST.days} days.")
    if end > work.now + FURTHEST:
        raise Invalid("to", f"Xa nhất {FURTHEST.days} ngày.", f"At most {FURTHEST.days} days ahead.")
    return Window(start, end)


async def _allow(work: Work, owner: Owner, changes: Sequence[Change]) -> None:
    """A coordinator helps out tonight: overrides that start within 24 h; holidays are the whole hospital's.

    Who heads a rota and whom it must have is the administrator's to say: no head hands the rota on, or ends its alarms.
    """
    schedule_id = await schedule_id_of(work, owner)
    head = await work.session.scalar(select(Schedule.head_id).where(Schedule.id == schedule_id))
    stands = standings(work, owner, head)
    kinds = {change.kind for change in changes}
    if "holiday" in kinds:
        allow_duty(DutyAction.SET_HOLIDAYS, stands)
    if "settings" in kinds:
        allow_duty(DutyAction.SET_ROTA, stands)
    if kinds == {"override"} and await _all_soon(work, schedule_id, changes):
        allow_duty(DutyAction.OVERRIDE_SOON, stands)
    else:
        allow_duty(DutyAction.PUBLISH_ROTA, stands)


async def _all_soon(work: Work, schedule_id: UUID | None, changes: Sequence[Change]) -> bool:
    soon = work.now + SOON
    if any(isinstance(change.body, OverrideIn) and change.body.start > soon for change in changes):
        return False
    ids = [change.id for change in changes if change.id is not None]
    chosen = (
        select(OverrideRow.during, User.role)
        .outerjoin(User, User.id == OverrideRow.made_by)
        .where(OverrideRow.id.in_(ids), OverrideRow.schedule_id == schedule_id)
    )
    there = await work.session.execute(chosen) if ids else ()
    return all(is_coordinators(work.now, *span_of(during), by_coordinator=r == Role.COORDINATOR) for during, r in there)


@dataclass(frozen=True, slots=True)
class _Edit:
    """An edit that has been carried out: the rotas it touches, as they were and as they are."""

    owner: Owner
    schedule_id: UUID
    version: int
    before: list[Rota]
    after: list[Rota]
    changed: list[Changed]
    people: dict[UUID, Candidate]
    until: datetime
    """As far ahead as it changes anything, and at least as far as duty is compiled."""

    @property
    def rota(self) -> Rota:
        """The rota that is edited; a holiday touches others as well."""
        return next(rota for rota in self.after if rota.schedule_id == self.schedule_id)

    @property
    def put(self) -> list[Override]:
        """The overrides that it made or changed."""
        places = [c.after for c in self.changed if c.op == "put" and c.kind == "override" and c.after is not None]
        known = {(place["kind"], place["role"], place["doctor"], place["from"]) for place in places}
        return [o for o in self.rota.overrides if (o.kind.value, o.role, o.doctor, o.start) in known]

    async def moves(self, start: datetime) -> list[Move]:
        """What it does to everybody's duty."""
        old = {rota.schedule_id: await rota.compiled_aside(start, self.until) for rota in self.before}
        found = []
        for rota in self.after:
            now = await rota.compiled_aside(start, self.until)
            added, removed = duty_moves.difference(old.get(rota.schedule_id, []), now)
            if added or removed:
                found.append(Move(rota.schedule_id, rota.owner, added, removed))
        return found


async def _edit(work: Work, owner: Owner, body: PublicationIn, changes: Sequence[Change]) -> _Edit:
    schedule_id = await schedule_id_of(work, owner)
    touched = {schedule_id} if schedule_id is not None else set()
    if any(change.kind == "holiday" for change in changes):
        touched |= set(await schedules_of_hospital(work, owner.hospital_id))
    before = await read_rotas(work, touched, lock=True)
    version = next((rota.version for rota in before if rota.schedule_id == schedule_id), 0)
    if body.version != version:
        raise await _stale(work, owner, schedule_id, version)
    if schedule_id is None:
        schedule_id = await first_rota(work, owner)
        touched.add(schedule_id)
    people = await candidates(work, owner)
    changed = await Editor(work, owner, schedule_id, people).carry_out(changes)
    if version == 0 and not any(isinstance(c.body, SettingsIn) and c.body.required_roles for c in changes):
        await require(work, schedule_id, _roles_of(changes) | ({"primary"} if owner.desk_id is not None else set()))
    await work.session.execute(
        update(Schedule)
        .where(Schedule.id == schedule_id)
        .values(version=version + 1)
        .execution_options(synchronize_session=False)
    )
    after = await read_rotas(work, touched)
    until = as_far_as(work.now, before, after)
    return _Edit(owner, schedule_id, version, before, after, changed, people, until)


async def first_rota(work: Work, owner: Owner) -> UUID:
    """Make the rota of an owner who has none. Somebody who made it in this moment has made this edit stale."""
    id_ = new_id(work.now)
    try:
        async with work.session.begin_nested():
            await work.session.execute(
                insert(Schedule).values(
                    id=id_,
                    desk_id=owner.desk_id,
                    hospital_id=None if owner.desk_id is not None else owner.hospital_id,
                    zone=HOME_ZONE,
                    required_roles=[],
                    version=0,
                )
            )
    except IntegrityError:
        raise await _stale(work, owner, await schedule_id_of(work, owner), 1) from None
    return id_


async def _stale(work: Work, owner: Owner, schedule_id: UUID | None, version: int) -> Stale:
    about = {"schedule": schedule_id}
    by_name = await last_author(work, f"hospital:{owner.hospital_id}", "rota.published", about)
    return Stale(version=version, by_name=by_name)


def _roles_of(changes: Iterable[Change]) -> set[str]:
    """The roles in which these changes put somebody on duty."""
    roles = set[str]()
    for change in changes:
        body = change.body
        if isinstance(body, TemporaryIn):
            roles.update(body.roles)
        elif isinstance(body, LayerIn) or (isinstance(body, OverrideIn) and body.kind != "remove"):
            roles.add(body.role)
    return roles


async def require(work: Work, schedule_id: UUID, roles: Collection[str]) -> None:
    """Unless said otherwise, a new rota must have somebody in each role that it names, a desk's in `primary` too.

    An empty rota, or one that begins with a single night, must not end the alarm that a desk has nobody.
    """
    await work.session.execute(
        update(Schedule)
        .where(Schedule.id == schedule_id)
        .values(required_roles=sorted(roles))
        .execution_options(synchronize_session=False)
    )


async def _answer(work: Work, edit: _Edit, body: PublicationIn, window: Window, moves: Sequence[Move]) -> Json:
    rota = edit.rota
    slots = await rota.compiled_aside(window.start, window.end)
    gaps = rota.gaps_in(slots, window.start, window.end)
    was = next((old for old in edit.before if old.schedule_id == edit.schedule_id), None)
    warnings = await thoughts(work, rota, was, edit.people, window.start, window.end, put=edit.put)
    names = await names_of(work, {s.doctor for s in slots}.union(*(move.people for move in moves)))
    return {
        "version": edit.version if body.dry_run else edit.version + 1,
        "dry_run": body.dry_run,
        "from": window.start,
        "to": window.end,
        "changes": [{"op": c.op, "kind": c.kind, "id": c.id} for c in edit.changed],
        "slots": [slot_read(slot, names) for slot in slots],
        "gaps": [{"role": gap.role, "from": gap.start, "to": gap.end, "kind": "nobody"} for gap in gaps],
        "added": _moved(((move.owner, slot) for move in moves for slot in move.added), names),
        "removed": _moved(((move.owner, slot) for move in moves for slot in move.removed), names),
        "warnings": warnings,
    }


def slot_read(slot: Slot, names: dict[UUID, str]) -> Json:
    """A slot as it is shown."""
    return {
        "doctor": slot.doctor,
        "doctor_name": names.get(slot.doctor, ""),
        "role": slot.role,
        "from": slot.start,
        "to": slot.end,
    }


def _moved(slots: Iterable[tuple[Owner, Slot]], names: dict[UUID, str]) -> list[Json]:
    listed = sorted(slots, key=lambda it: (it[1].start, it[1].role, it[1].doctor, str(it[0].desk_id)))
    return [slot_read(slot, names) | {"desk": owner.desk_id} for owner, slot in listed]


async def tell_of(
    work: Work,
    owner: Owner,
    schedule_id: UUID,
    version: int,
    moves: Sequence[Move],
    reason: str,
    changed: Iterable[Changed],
) -> None:
    """Record one publication, and tell everybody whose duty it moved."""
    added = [slot for move in moves for slot in move.added]
    removed = [slot for move in moves for slot in move.removed]
    data = {
        "schedule": schedule_id,
        **owner.called,
        "version": version,
        "by_name": work.actor.name if work.actor else None,
        "reason": reason,
        "changes": [c._asdict() for c in changed],
        "added": _compact(added),
        "removed": _compact(removed),
        "added_total": len(added),
        "removed_total": len(removed),
    }
    fact = (f"hospital:{owner.hospital_id}", "rota.published", data)
    await duty_moves.tell(work, moves, [fact])


def _compact(slots: Sequence[Slot]) -> list[Json]:
    return [
        {"doctor": slot.doctor, "role": slot.role, "from": slot.start, "to": slot.end}
        for slot in slots[: duty_moves.MOST_TOLD]
    ]
