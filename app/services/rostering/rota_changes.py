"""Carrying out the changes of one publication on the documents of a rota. What has been served stays as it was.

An override or a temporary rota that has begun is cut at the moment of the edit: its past stays, its future is deleted
or written anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from app.database import Base
from app.errors import InTheWay, Invalid
from app.identifiers import new_id
from app.models.rota import DutySlot, Holiday, Layer, Override, Schedule, TemporaryRota
from app.models.rota_format import read_layer, write_rotation, write_shift, write_windows
from app.models.rota_rules import RotaError, Shift
from app.models.user import MAY_HEAD, User
from app.schemas.rota import Change, HolidayIn, LayerIn, OverrideIn, SettingsIn, TemporaryIn
from app.services.rostering import rota_documents as documents
from app.services.rostering.rotas import Candidate, Owner, names_of
from app.work import Work

Json = dict[str, Any]
MOST_LAYERS: Final = 100
_WHEN_DOES_NOT_MATTER: Final = {"synchronize_session": False}


class Changed(NamedTuple):
    """What became of one change."""

    op: str
    kind: str
    id: UUID | None
    before: Json | None
    after: Json | None


@dataclass(slots=True)
class Editor:
    """One rota being edited, which must be locked."""

    work: Work
    owner: Owner
    schedule_id: UUID
    people: Mapping[UUID, Candidate]
    complaints: list[tuple[str, str, str]] = field(default_factory=list)
    _strangers: list[tuple[str, UUID, str]] = field(default_factory=list)

    async def carry_out(self, changes: Iterable[Change]) -> list[Changed]:
        """Carry out the changes in the order in which they were sent. Raises Invalid and InTheWay."""
        listed = list(changes)
        for number, change in enumerate(listed):
            await self._check(f"changes.{number}.body", change)
        await self._refuse()
        return [await self._one(f"changes.{number}", change) for number, change in enumerate(listed)]

    async def _check(self, place: str, change: Change) -> None:
        """Whether the people and roles that a change names can be on this rota."""
        body = change.body
        if isinstance(body, LayerIn):
            self._check_layer(place, body)
        elif isinstance(body, OverrideIn):
            await self._check_override(place, body)
        elif isinstance(body, TemporaryIn):
            self._check_temporary(place, body)
        elif isinstance(body, SettingsIn):
            for number, role in enumerate(body.required_roles or ()):
                self._role(f"{place}.required_roles.{number}", role)
            await self._head(f"{place}.head", body.head)

    def _check_layer(self, place: str, body: LayerIn) -> None:
        self._role(f"{place}.role", body.role)
        for turn, people in enumerate(body.turns):
            for seat, person in enumerate(people):
                self._person(f"{place}.turns.{turn}.{seat}", person, body.role)

    async def _check_override(self, place: str, body: OverrideIn) -> None:
        """Whoever is taken out may be somebody who can be on duty here no more, but nobody who never could."""
        self._role(f"{place}.role", body.role)
        if body.kind == "add":
            self._person(f"{place}.doctor", body.doctor, body.role)
        elif not await self._known_here(body.doctor):
            self._strangers.append((f"{place}.doctor", body.doctor, body.role))
        if body.by is not None:
            self._person(f"{place}.by", body.by, body.role)
        self._to_come(f"{place}.to", body.end)

    def _check_temporary(self, place: str, body: TemporaryIn) -> None:
        for number, role in enumerate(body.roles):
            self._role(f"{place}.roles.{number}", role)
        for number, shift in enumerate(body.shifts):
            self._person(f"{place}.shifts.{number}.doctor", shift.doctor, shift.role)
        self._to_come(f"{place}.to", body.end)

    def _role(self, place: str, role: str) -> None:
        if role not in self.owner.roles:
            able = ", ".join(self.owner.roles)
            self.complaints.append(
                (place, f"Lịch này chỉ có các vai trò: {able}.", f"This rota has these roles only: {able}.")
            )

    def _person(self, place: str, person: UUID, role: str) -> None:
        candidate = self.people.get(person)
        if candidate is None or (role in self.owner.roles and role not in candidate.roles):
            self._strangers.append((place, person, role))

    async def _known_here(self, person: UUID) -> bool:
        """Whether somebody is of this hospital, or has been on this rota."""
        was_on = select(DutySlot.id).where(DutySlot.schedule_id == self.schedule_id, DutySlot.doctor_id == person)
        known = select(User.id).where(User.id == person, (User.hospital_id == self.owner.hospital_id) | was_on.exists())
        return person in self.people or await self.work.session.scalar(known) is not None

    def _to_come(self, place: str, end: datetime) -> None:
        if end <= self.work.now:
            self.complaints.append(
                (
                    place,
                    "Đã qua. Quá khứ không sửa được ở đây; dùng đính chính ca trực.",
                    "This is past. The past is not edited here; record a correction of duty.",
                )
            )

    async def _head(self, place: str, head: UUID | None) -> None:
        if head is None:
            return
        known = await self.work.session.scalar(
            select(User.id).where(
                User.id == head, User.active, User.hospital_id == self.owner.hospital_id, User.role.in_(MAY_HEAD)
            )
        )
        if known is None:
            self._strangers.append((place, head, "head"))

    async def _refuse(self) -> None:
        known = [person for _, person, _ in self._strangers if await self._known_here(person)]
        names = await names_of(self.work, known) if known else {}  # who is of another hospital is nobody here
        for place, person, role in self._strangers:
            self.complaints.append(_stranger(place, names.get(person), role, self.owner))
        if self.complaints:
            raise Invalid.all(self.complaints)

    async def _one(self, place: str, change: Change) -> Changed:
        body = change.body
        if isinstance(body, LayerIn):
            return await self._put_layer(place, change.id, body)
        if isinstance(body, OverrideIn):
            return await self._put_override(place, change.id, body)
        if isinstance(body, TemporaryIn):
            return await self._put_temporary(place, change.id, body)
        if isinstance(body, HolidayIn):
            return await self._put_holiday(place, change.id, body)
        if isinstance(body, SettingsIn):
            return await self._put_settings(body)
        assert change.id is not None
        return await self._delete(place, change.kind, change.id)

    async def _put_layer(self, place: str, id_: UUID | None, body: LayerIn) -> Changed:
        rotation = body.rotation.model_dump() if body.rotation else None
        windows = [window.model_dump() for window in body.windows] if body.windows else None
        try:
            rule = read_layer(body.role, body.priority, body.on, body.turns, rotation, windows)
        except RotaError as reason:
            vi, en = f"Lịch tự mâu thuẫn: {reason}.", f"The rota contradicts itself: {reason}."
            raise Invalid(f"{place}.body", vi, en) from None
        values = {
            "name": body.name,
            "role": body.role,
            "priority": body.priority,
            "on": body.on,
            "turns": [[str(person) for person in turn] for turn in body.turns],
            "rotation": write_rotation(rule.rotation),
            "windows": write_windows(rule.windows),
        }
        before = None
        if id_ is not None:
            before = documents.layer(await self._row(place, Layer, id_))
            await self._update(Layer, id_, values)
        else:
            id_ = await self._insert(Layer, values | {"schedule_id": self.schedule_id})
            await self._not_too_many(place)
        return Changed("put", "layer", id_, before, {"id": id_, **values})

    async def _not_too_many(self, place: str) -> None:
        chosen = select(func.count()).select_from(Layer).where(Layer.schedule_id == self.schedule_id)
        if (await self.work.session.execute(chosen)).scalar_one() > MOST_LAYERS:
            raise Invalid(place, f"Nhiều nhất {MOST_LAYERS} lớp.", f"At most {MOST_LAYERS} layers.")

    async def _put_override(self, place: str, id_: UUID | None, body: OverrideIn) -> Changed:
        during = Range(max(body.start, self.work.now), body.end)
        values = {
            "kind": body.kind,
            "role": body.role,
            "doctor_id": body.doctor,
            "by_id": body.by,
            "during": during,
            "reason": body.reason,
            "made_by": self.work.subject.id,
        }
        before, made_at = None, self.work.now
        try:
            async with self.work.session.begin_nested():
                if id_ is not None:
                    row = await self._row(place, Override, id_)
                    before, made_at = documents.override(row), row.made_at  # what was made later still stands above it
                    if await self._cut(Override, row):
                        id_ = None
                    else:
                        await self._update(Override, id_, values)
                if id_ is None:
                    made = {"schedule_id": self.schedule_id, "made_at": made_at}
                    id_ = await self._insert(Override, values | made)
        except IntegrityError as error:
            raise await self._override_in_the_way(body, during, id_, error) from None
        after = documents.override(await self._row(place, Override, id_))
        return Changed("put", "override", id_, before, after)

    async def _override_in_the_way(
        self, body: OverrideIn, during: Range[datetime], id_: UUID | None, error: IntegrityError
    ) -> Exception:
        chosen = select(Override.id, Override.during, User.name).join(User, User.id == Override.doctor_id)
        chosen = chosen.where(
            Override.schedule_id == self.schedule_id,
            Override.role == body.role,
            Override.kind == body.kind,
            Override.doctor_id == body.doctor,
            Override.during.overlaps(during),
        )
        if id_ is not None:
            chosen = chosen.where(Override.id != id_)
        there = (await self.work.session.execute(chosen.order_by(func.lower(Override.during)))).first()
        if there is None:
            return error
        return InTheWay(
            kind="override",
            id=str(there.id),
            who=there.name,
            doctor=str(body.doctor),
            **{"from": there.during.lower.isoformat(), "to": there.during.upper.isoformat()},
        )

    async def _put_temporary(self, place: str, id_: UUID | None, body: TemporaryIn) -> Changed:
        shifts = [write_shift(Shift(s.role, s.doctor, s.start, s.end)) for s in body.shifts]
        values = {
            "roles": list(dict.fromkeys(body.roles)),
            "during": Range(max(body.start, self.work.now), body.end),
            "shifts": shifts,
            "reason": body.reason,
            "made_by": self.work.subject.id,
        }
        before, made_at = None, self.work.now
        if id_ is not None:
            row = await self._row(place, TemporaryRota, id_)
            before, made_at = documents.temporary(row), row.made_at
            if await self._cut(TemporaryRota, row):
                id_ = None
            else:
                await self._update(TemporaryRota, id_, values)
        if id_ is None:
            made = {"schedule_id": self.schedule_id, "made_at": made_at}
            id_ = await self._insert(TemporaryRota, values | made)
        after = documents.temporary(await self._row(place, TemporaryRota, id_))
        return Changed("put", "temporary", id_, before, after)

    async def _put_holiday(self, place: str, id_: UUID | None, body: HolidayIn) -> Changed:
        values = {"day": body.date, "kind": body.kind, "as_day": body.as_day, "name": body.name}
        before = None
        try:
            async with self.work.session.begin_nested():
                if id_ is not None:
                    before = documents.holiday(await self._row(place, Holiday, id_))
                    await self._update(Holiday, id_, values)
                else:
                    own = {"hospital_id": self.owner.hospital_id, "source": "own"}
                    id_ = await self._insert(Holiday, values | own)
        except IntegrityError as error:
            there = await self.work.session.scalar(
                select(Holiday).where(Holiday.hospital_id == self.owner.hospital_id, Holiday.day == body.date)
            )
            if there is None:
                raise
            day = there.day.isoformat()
            raise InTheWay(
                kind="holiday", id=str(there.id), who=there.name or day, **{"from": day, "to": day}
            ) from error
        return Changed("put", "holiday", id_, before, documents.holiday(await self._row(place, Holiday, id_)))

    async def _put_settings(self, body: SettingsIn) -> Changed:
        given = {"zone": body.zone, "head_id": body.head, "rest_hours": body.rest_hours}
        values: Json = {name: value for name, value in given.items() if value is not None}
        if body.required_roles is not None:
            values["required_roles"] = list(dict.fromkeys(body.required_roles))
        before = documents.settings(await self._schedule())
        if values:
            await self._update(Schedule, self.schedule_id, values)
        return Changed("put", "settings", None, before, documents.settings(await self._schedule()))

    async def _schedule(self) -> Schedule:
        chosen = select(Schedule).where(Schedule.id == self.schedule_id).execution_options(populate_existing=True)
        return (await self.work.session.scalars(chosen)).one()

    async def _delete(self, place: str, kind: str, id_: UUID) -> Changed:
        model = _MODELS[kind]
        row = await self._row(place, model, id_)
        before = _DOCUMENTS[kind](row)
        if not (isinstance(row, Override | TemporaryRota) and await self._cut(model, row)):
            await self.work.session.execute(
                delete(model).where(model.id == id_).execution_options(**_WHEN_DOES_NOT_MATTER)
            )
        return Changed("delete", kind, id_, before, None)

    async def _cut(self, model: Any, row: Any) -> bool:
        """End what has begun at this moment; its past stays. Says whether it had begun."""
        begun = row.during.lower is None or row.during.lower < self.work.now
        if begun:
            await self._update(model, row.id, {"during": Range(row.during.lower, self.work.now)})
        return bool(begun)

    async def _row(self, place: str, model: Any, id_: UUID) -> Any:
        """A document of this rota (a holiday: of this hospital) that has not ended."""
        chosen = select(model).where(model.id == id_).execution_options(populate_existing=True)
        if model is Holiday:
            chosen = chosen.where(Holiday.hospital_id == self.owner.hospital_id)
        else:
            chosen = chosen.where(model.schedule_id == self.schedule_id)
        if model in (Override, TemporaryRota):
            chosen = chosen.where(func.upper(model.during) > self.work.now)
        row = await self.work.session.scalar(chosen)
        if row is None:
            raise Invalid(
                f"{place}.id",
                "Không có mục này trong lịch, hoặc mục đã kết thúc.",
                "There is no such document in this rota, or it has ended.",
            )
        return row

    async def _insert(self, model: type[Base], values: Json) -> UUID:
        id_ = new_id(self.work.now)
        await self.work.session.execute(insert(model).values(id=id_, **values))
        return id_

    async def _update(self, model: Any, id_: UUID, values: Json) -> None:
        await self.work.session.execute(
            update(model).where(model.id == id_).values(values).execution_options(**_WHEN_DOES_NOT_MATTER)
        )


_MODELS: Final[Mapping[str, Any]] = {
    "layer": Layer,
    "override": Override,
    "temporary": TemporaryRota,
    "holiday": Holiday,
}
_DOCUMENTS: Final[Mapping[str, Any]] = {
    "layer": documents.layer,
    "override": documents.override,
    "temporary": documents.temporary,
    "holiday": documents.holiday,
}


def _stranger(place: str, name: str | None, role: str, owner: Owner) -> tuple[str, str, str]:
    if name is None:
        return place, "Không có tài khoản này.", "There is no such account."
    if role == "head":
        return (
            place,
            f"{name} không phụ trách lịch này được: cần bác sĩ hoặc quản trị đang làm việc tại bệnh viện.",
            f"{name} cannot be the head of this rota: a doctor or administrator active at the hospital is needed.",
        )
    if owner.specialty is None:
        return (
            place,
            f"{name} không giữ vai trò {role} được: cần người đang làm việc tại bệnh viện với tài khoản phù hợp.",
            f"{name} cannot have the role {role}: somebody active at the hospital with a fitting account is needed.",
        )
    return (
        place,
        f"{name} không trực ở bàn này được: cần bác sĩ đang làm việc tại bệnh viện, chuyên khoa {owner.specialty}.",
        f"{name} cannot be on duty at this desk: a doctor active at its hospital with specialty {owner.specialty}.",
    )
