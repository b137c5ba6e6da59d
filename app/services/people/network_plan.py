"""What a network file would change: each line checked against the others and against what is stored. No database here.

Things are known by what the file calls them: organisations, wards and desks by key, people by user name, rotas by their
owner, holidays by hospital and date, agreements by parties, specialty and start. An id, once given, stays.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range

from app.identifiers import new_id
from app.models.organization import OrganizationKind
from app.models.rota_format import read_layer, write_rotation, write_windows
from app.models.rota_rules import DESK_ROLES, HOSPITAL_ROLES
from app.models.rota_rules import Layer as LayerRule
from app.models.user import ANSWERING, Role
from app.schemas.body import Body
from app.schemas.network import (
    AgreementLine,
    DepartmentLine,
    DeskLine,
    HolidayLine,
    HospitalLine,
    LayerBody,
    PersonLine,
    RotaLine,
    SpecialtyLine,
    WardLine,
)

Row: TypeAlias = dict[str, Any]
Line = TypeVar("Line", bound=Body)

_NEW: Final[Mapping[str, Row]] = {
    "specialty": {"active": True},
    "organization": {
        "aliases": [],
        "facility_code": None,
        "province": None,
        "former_province": None,
        "technical_level": None,
        "legacy_tier": None,
        "phone": None,
        "department_id": None,
        "fallback_desks": [],
        "active": True,
    },
    "ward": {"phone": None},
    "desk": {"phone": None, "active": True},
    "user_account": {
        "must_change_password": True,
        "hospital_id": None,
        "ward_id": None,
        "licence": None,
        "phone": None,
        "email": None,
        "capacity": None,
        "capacity_version": 1,
        "active": True,
    },
    "schedule": {"desk_id": None, "hospital_id": None, "head_id": None, "version": 1, "compiled_until": None},
    "holiday": {"as_day": None},
    "agreement": {"rank": 1, "title": ""},
}
"""What a new row has where its line says nothing."""


@dataclass(slots=True)
class Stored:
    """What the database holds of the network: rows by what a file calls them, and the lists that hang on them."""

    rows: dict[str, dict[Hashable, Row]]
    specialties_of: dict[UUID, set[str]]
    layers_of: dict[UUID, list[Row]]
    desks_of: dict[UUID, dict[UUID, int]]


@dataclass(slots=True)
class Thing:
    """One row as it will be."""

    row: Row
    kind: str = ""
    line: int | None = None
    new: bool = False
    before: Row | None = None
    touched: bool = False

    @property
    def changes(self) -> Row:
        """The columns whose value will be another one."""
        before = self.before or {}
        return {name: value for name, value in self.row.items() if name in before and before[name] != value}

    @property
    def changed(self) -> bool:
        """Whether something that was there will be different."""
        return not self.new and (self.touched or bool(self.changes))


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one line, in Vietnamese and English; `path` is dotted, `line` counts from 1."""

    line: int
    path: str
    vi: str
    en: str

    def detail(self, language: str = "vi") -> str:
        """Say it in `vi` or `en`."""
        return self.en if language == "en" else self.vi


@dataclass(slots=True)
class Plan:
    """Everything that the import would do, and everything that stands in its way."""

    stored: Stored
    now: datetime
    account: Row
    """What every new account has in common: its password hash, and whether it is a demonstration."""
    things: dict[str, dict[Hashable, Thing]] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    specialties_of: dict[UUID, set[str]] = field(default_factory=dict)
    new_layers: list[Row] = field(default_factory=list)
    old_layers: list[UUID] = field(default_factory=list)
    desks_of: dict[UUID, dict[UUID, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with what is stored."""
        self.things = {
            table: {key: Thing(dict(row), before=row) for key, row in self.stored.rows.get(table, {}).items()}
            for table in _NEW
        }
        self.specialties_of = {user: set(codes) for user, codes in self.stored.specialties_of.items()}

    def take(self, lines: Sequence[tuple[int, Body]]) -> None:
        """Plan all lines; their order in the file means nothing, except to specialties, which are listed in it."""
        _each(lines, SpecialtyLine, self._specialty)
        _each(lines, DepartmentLine, self._department)
        _each(lines, HospitalLine, self._hospital)
        _each(lines, WardLine, self._ward)
        _each(lines, DeskLine, self._desk)
        _each(lines, PersonLine, self._person)
        _each(lines, HospitalLine, self._fallback_desks)
        _each(lines, RotaLine, self._rota)
        _each(lines, HolidayLine, self._holiday)
        _each(lines, AgreementLine, self._agreement)
        self._agreements_do_not_overlap()
        self.complaints.sort(key=lambda complaint: (complaint.line, complaint.path))

    # One kind of line after the other

    def _specialty(self, number: int, line: SpecialtyLine) -> None:
        known = self.things["specialty"]
        given = _given(line, "vi", "en", "active")
        if line.code not in known:
            given["position"] = 1 + max((thing.row["position"] for thing in known.values()), default=-1)
        self._put("specialty", line.code, number, line.kind, given | {"code": line.code})

    def _department(self, number: int, line: DepartmentLine) -> None:
        given = _given(line, "key", "name", "short_name", "province", "former_province", "phone")
        self._party(number, line.kind, line.key, given | {"kind": OrganizationKind.HEALTH_DEPARTMENT.value})

    def _hospital(self, number: int, line: HospitalLine) -> None:
        given = _given(line, "key", "name", "short_name", "province", "former_province", "phone", "active")
        given |= _given(line, "facility_code", "technical_level", "legacy_tier", "aliases")
        if line.department is not None:
            given["department_id"] = self._id_of("organization", line.department, number, "department", _DEPARTMENT)
        self._party(number, line.kind, line.key, given | {"kind": OrganizationKind.HOSPITAL.value})

    def _party(self, number: int, kind: str, key: str, given: Row) -> None:
        there = self.things["organization"].get(key)
        if there is not None and there.line is None and there.row["kind"] != given["kind"]:
            self._complain(number, "key", f"«{key}» đã là một tổ chức loại khác.", f"'{key}' is another kind of party.")
            return
        self._put("organization", key, number, kind, given, {"created_at": self.now})

    def _ward(self, number: int, line: WardLine) -> None:
        given = _given(line, "key", "name", "phone")
        given["hospital_id"] = self._id_of("organization", line.hospital, number, "hospital", _HOSPITAL)
        twin = (given["hospital_id"], line.name)
        if any(
            key != line.key and (thing.row["hospital_id"], thing.row["name"]) == twin
            for key, thing in self.things["ward"].items()
        ):
            self._complain(number, "name", "Bệnh viện đã có khoa tên này.", "The hospital has a ward of this name.")
        self._put("ward", line.key, number, line.kind, given)

    def _desk(self, number: int, line: DeskLine) -> None:
        given = _given(line, "key", "specialty", "name", "phone", "active")
        given["hospital_id"] = self._id_of("organization", line.hospital, number, "hospital", _HOSPITAL)
        self._known_specialty(line.specialty, number, "specialty")
        self._put("desk", line.key, number, line.kind, given)

    def _person(self, number: int, line: PersonLine) -> None:
        given = _given(line, "username", "name", "licence", "phone", "email", "capacity") | {"role": line.role.value}
        if line.hospital is not None:
            given["hospital_id"] = self._id_of("organization", line.hospital, number, "hospital", _HOSPITAL)
        elif line.role is not Role.OPERATOR:
            self._complain(number, "hospital", "Vai trò này cần bệnh viện.", "This role needs a hospital.")
        if line.ward is not None:
            given["ward_id"] = self._id_of("ward", line.ward, number, "ward", "khoa|ward")
            ward = self.things["ward"].get(line.ward)
            if ward is not None and ward.row["hospital_id"] != given.get("hospital_id"):
                self._complain(number, "ward", "Khoa thuộc bệnh viện khác.", "The ward belongs to another hospital.")
        for place, code in enumerate(line.specialties):
            self._known_specialty(code, number, f"specialties.{place}")
        if line.role is Role.SPECIALIST and not line.specialties:
            self._complain(
                number, "specialties", "Bác sĩ hội chẩn cần chuyên khoa.", "A specialist needs at least one specialty."
            )
        person = self._put(
            "user_account", line.username, number, line.kind, given, self.account | {"created_at": self.now}
        )
        if "capacity" in person.changes:
            person.row["capacity_version"] += 1
        if "specialties" in line.model_fields_set or person.new:
            wanted = set(line.specialties)
            person.touched |= wanted != self.specialties_of.get(person.row["id"], set())
            self.specialties_of[person.row["id"]] = wanted

    def _fallback_desks(self, number: int, line: HospitalLine) -> None:
        hospital = self.things["organization"].get(line.key)
        if hospital is not None and "fallback_desks" in line.model_fields_set:
            found = [
                self._id_of("desk", key, number, f"fallback_desks.{place}", _DESK)
                for place, key in enumerate(line.fallback_desks)
            ]
            hospital.row["fallback_desks"] = [str(desk_id) for desk_id in found if desk_id]

    def _rota(self, number: int, line: RotaLine) -> None:
        if (line.desk is None) == (line.hospital is None):
            self._complain(
                number, "desk", "Cần đúng một: desk hoặc hospital.", "Exactly one is needed: desk or hospital."
            )
            return
        if line.desk is not None:
            owner = self._id_of("desk", line.desk, number, "desk", _DESK)
            given: Row = {"desk_id": owner}
            desk = self.things["desk"].get(line.desk)
            home, specialty = (desk.row["hospital_id"], desk.row["specialty"]) if desk else (None, None)
        else:
            owner = self._id_of("organization", line.hospital or "", number, "hospital", _HOSPITAL)
            given = {"hospital_id": owner}
            home, specialty = owner, None
        layers = self._layers(number, line, home, specialty)
        given["zone"] = line.zone
        if line.head is not None:
            given["head_id"] = self._id_of("user_account", line.head, number, "head", _PERSON)
        roles = [role for role in DESK_ROLES + HOSPITAL_ROLES if role in line.required_roles]
        self._possible_roles(number, line, "required_roles", line.required_roles)
        if owner is None or layers is None:
            return
        if "required_roles" in line.model_fields_set:
            given["required_roles"] = roles
        always = {"primary"} if line.desk is not None else set()  # a desk is never without anybody by oversight
        wanted = {layer.role for layer in layers} | always
        used = [role for role in DESK_ROLES + HOSPITAL_ROLES if role in wanted]
        rota = self._put("schedule", owner, number, line.kind, given, {"required_roles": used})
        rota.touched |= self._replace_layers(rota.row["id"], layers)
        if rota.changed:
            rota.row["version"] = rota.row["version"] + 1

    def _layers(self, number: int, line: RotaLine, home: UUID | None, specialty: str | None) -> list[LayerRule] | None:
        """Read the layers; None when one cannot be read."""
        layers = []
        self._possible_roles(number, line, "layers", [layer.role for layer in line.layers])
        for place, body in enumerate(line.layers):
            where = f"layers.{place}"
            needs = _Needs(body.role, home, specialty)
            turns = [
                [self._doctor(number, f"{where}.turns.{turn}.{seat}", name, needs) for seat, name in enumerate(names)]
                for turn, names in enumerate(body.turns)
            ]
            if all(doctor is not None for doctors in turns for doctor in doctors):
                layer = self._layer(number, where, body, [[d for d in doctors if d is not None] for doctors in turns])
                if layer is not None:
                    layers.append(layer)
        return layers if len(layers) == len(line.layers) else None

    def _layer(self, number: int, where: str, body: LayerBody, turns: list[list[UUID]]) -> LayerRule | None:
        rotation = body.rotation.model_dump() if body.rotation else None
        windows = [window.model_dump() for window in body.windows] if body.windows else None
        try:
            return read_layer(body.role, body.priority, body.on, turns, rotation, windows)
        except ValueError as reason:
            self._complain(
                number, where, f"Lịch trực tự mâu thuẫn: {reason}.", f"The rota contradicts itself: {reason}."
            )
            return None

    def _doctor(self, number: int, where: str, username: str, needs: "_Needs") -> UUID | None:
        """Find somebody on a rota, who must be able to answer there: the same people whom the editor offers."""
        doctor = self._id_of("user_account", username, number, where, _PERSON)
        if doctor is None:
            return None
        person = self.things["user_account"][username].row
        if not person["active"]:
            self._complain(number, where, f"Tài khoản «{username}» đã ngừng.", f"The account '{username}' is inactive.")
        if needs.hospital is not None and person["hospital_id"] != needs.hospital:
            self._complain(
                number, where, f"«{username}» thuộc bệnh viện khác.", f"'{username}' belongs to another hospital."
            )
        if person["role"] not in needs.able:
            vi = f"Vai trò «{person['role']}» của «{username}» không trực được {needs.role}."
            self._complain(number, where, vi, f"'{username}' is a {person['role']} and cannot be on as {needs.role}.")
        if needs.specialty is not None and needs.specialty not in self.specialties_of.get(doctor, set()):
            self._complain(
                number,
                where,
                f"«{username}» không có chuyên khoa {needs.specialty} của bàn trực.",
                f"'{username}' does not have the desk's specialty {needs.specialty}.",
            )
        return doctor

    def _possible_roles(self, number: int, line: RotaLine, where: str, roles: Iterable[str]) -> None:
        for role in dict.fromkeys(roles):
            if role not in line.possible_roles:
                possible = ", ".join(line.possible_roles)
                self._complain(
                    number,
                    where,
                    f"Lịch này không có vai {role}; chỉ có: {possible}.",
                    f"No role {role} here: {possible}.",
                )

    def _replace_layers(self, schedule_id: UUID, wanted: Sequence[LayerRule]) -> bool:
        """Keep layers that stay, drop and add the others; say whether anything was."""
        missing = Counter(wanted)
        for row in self.stored.layers_of.get(schedule_id, ()):
            there = read_layer(
                row["role"], row["priority"], row["on_days"], row["turns"], row["rotation"], row["windows"]
            )
            if missing[there] > 0:
                missing[there] -= 1
            else:
                self.old_layers.append(row["id"])
        added = list(missing.elements())
        self.new_layers += [_layer_row(schedule_id, layer, self.now) for layer in added]
        kept = len(wanted) - len(added)
        return bool(added) or kept < len(self.stored.layers_of.get(schedule_id, ()))

    def _holiday(self, number: int, line: HolidayLine) -> None:
        hospital = None
        if line.hospital is not None:
            hospital = self._id_of("organization", line.hospital, number, "hospital", _HOSPITAL)
        if line.as_day is not None and line.type == "off":
            self._complain(number, "as", "Ngày nghỉ không thay cho thứ nào.", "A day off does not stand for a weekday.")
        # Its own from now on: what the library says otherwise later changes it no more.
        given: dict[str, Any] = {"hospital_id": hospital, "day": line.day, "kind": line.type, "as_day": line.as_day}
        given["source"] = "own"
        self._put("holiday", (hospital, line.day), number, line.kind, given)

    def _agreement(self, number: int, line: AgreementLine) -> None:
        parties = {
            side: self._id_of("organization", key, number, side, "bên|party")
            for side, key in (("asking", line.asking), ("answering", line.answering))
        }
        self._known_specialty(line.specialty, number, "specialty")
        if line.end is not None and line.end <= line.start:
            self._complain(number, "to", "Kết thúc trước khi bắt đầu.", "It ends before it starts.")
            return
        desks = [self._answering_desk(number, line, place, key) for place, key in enumerate(line.desks)]
        asking, answering = parties["asking"], parties["answering"]
        if asking is None or answering is None:
            return
        given = _given(line, "rank", "title") | {
            "asking_id": asking,
            "answering_id": answering,
            "specialty": line.specialty,
            "during": Range(line.start, line.end),
        }
        agreement = self._put("agreement", (asking, answering, line.specialty, line.start), number, line.kind, given)
        ranked = {desk: rank for rank, desk in enumerate(desks, start=1) if desk is not None}
        self.desks_of[agreement.row["id"]] = ranked
        agreement.touched |= ranked != self.stored.desks_of.get(agreement.row["id"], {})

    def _answering_desk(self, number: int, line: AgreementLine, place: int, key: str) -> UUID | None:
        """Find a desk of an agreement: of its specialty, at the answering hospital or one of the department's."""
        found = self._id_of("desk", key, number, f"desks.{place}", _DESK)
        answering = self.things["organization"].get(line.answering)
        if found is None or answering is None:
            return found
        desk = self.things["desk"][key].row
        homes = [thing.row for thing in self.things["organization"].values() if thing.row["id"] == desk["hospital_id"]]
        party = answering.row["id"]
        if not any(party in (home["id"], home["department_id"]) for home in homes):
            self._complain(
                number, f"desks.{place}", f"«{key}» không thuộc bên trả lời.", f"'{key}' is not of the answering party."
            )
        if desk["specialty"] != line.specialty:
            self._complain(
                number,
                f"desks.{place}",
                f"«{key}» là bàn trực {desk['specialty']}, không phải {line.specialty}.",
                f"'{key}' is a desk of {desk['specialty']}, not of {line.specialty}.",
            )
        return found

    def _agreements_do_not_overlap(self) -> None:
        """Two agreements of the same parties for one specialty may not hold at one time; the database agrees."""
        terms: dict[Hashable, list[Thing]] = defaultdict(list)
        for thing in self.things["agreement"].values():
            terms[thing.row["asking_id"], thing.row["answering_id"], thing.row["specialty"]].append(thing)
        for same in terms.values():
            same.sort(key=lambda thing: thing.row["during"].lower)
            for earlier, later in pairwise(same):
                until = earlier.row["during"].upper
                if until is None or until > later.row["during"].lower:
                    number = max(earlier.line or 0, later.line or 0)
                    other = earlier if later.line == number else later
                    since = other.row["during"].lower.date().isoformat()
                    self._complain(
                        number,
                        "from",
                        f"Trùng thời hạn với thỏa thuận bắt đầu {since} ({_place(other, 'vi')}).",
                        f"Overlaps the agreement that starts {since} ({_place(other, 'en')}).",
                    )

    # What they share

    def _put(self, table: str, key: Hashable, number: int, kind: str, given: Row, only_new: Row | None = None) -> Thing:
        """Make or change what a line names. A field that it does not mention stays as it is."""
        thing = self.things[table].get(key)
        if thing is not None and thing.line is not None:
            self._complain(number, "", f"Đã có ở dòng {thing.line}.", f"This is on line {thing.line} already.")
            return thing
        if thing is None:
            row = dict(_NEW[table]) | (only_new or {}) | given
            if table != "specialty":
                row["id"] = new_id(self.now)
            thing = self.things[table][key] = Thing(row, new=True)
        else:
            thing.row |= given
        thing.kind, thing.line = kind, number
        return thing

    def _id_of(self, table: str, key: str, number: int, where: str, what: str) -> UUID | None:
        """Find the id of what a line refers to, or complain."""
        thing = self.things[table].get(key)
        kinds = {_DEPARTMENT: OrganizationKind.HEALTH_DEPARTMENT, _HOSPITAL: OrganizationKind.HOSPITAL}
        if thing is not None and (what not in kinds or thing.row["kind"] == kinds[what].value):
            return cast("UUID", thing.row["id"])
        vi, en = what.split("|")
        self._complain(
            number,
            where,
            f"Không có {vi} «{key}» trong tệp hay trong hệ thống.",
            f"There is no {en} '{key}' in the file or in the system.",
        )
        return None

    def _known_specialty(self, code: str, number: int, where: str) -> None:
        if code not in self.things["specialty"]:
            self._complain(number, where, f"Không có chuyên khoa {code}.", f"There is no specialty {code}.")

    def _complain(self, number: int, where: str, vi: str, en: str) -> None:
        self.complaints.append(Complaint(number, where, vi, en))


class _Needs(NamedTuple):
    """What somebody must be for a place on a rota."""

    role: str
    hospital: UUID | None
    specialty: str | None

    @property
    def able(self) -> Collection[str]:
        """The accounts that can have it: a hospital's coordination is its coordinators'."""
        return (Role.COORDINATOR,) if self.role == "coordinator" else ANSWERING


_DEPARTMENT: Final = "sở y tế|health department"
_HOSPITAL: Final = "bệnh viện|hospital"
_DESK: Final = "bàn trực|desk"
_PERSON: Final = "tài khoản|account"


def _each(lines: Iterable[tuple[int, Body]], kind: type[Line], plan: Callable[[int, Line], None]) -> None:
    for number, line in lines:
        if type(line) is kind:
            plan(number, line)


def _given(line: Body, *names: str) -> Row:
    """The fields that a line mentions."""
    return {name: getattr(line, name) for name in names if name in line.model_fields_set}


def _layer_row(schedule_id: UUID, layer: LayerRule, now: datetime) -> Row:
    return {
        "id": new_id(now),
        "schedule_id": schedule_id,
        "role": layer.role,
        "priority": layer.priority,
        "on_days": layer.on.value,
        "turns": [[str(doctor) for doctor in turn] for turn in layer.turns],
        "rotation": write_rotation(layer.rotation),
        "windows": write_windows(layer.windows),
    }


def _place(thing: Thing, language: str) -> str:
    if thing.line is None:
        return "đã lưu" if language == "vi" else "stored"
    return f"dòng {thing.line}" if language == "vi" else f"line {thing.line}"


def tally(things: Collection[Thing]) -> dict[str, tuple[int, int]]:
    """How many of each kind are added and changed."""
    counted: dict[str, tuple[int, int]] = {}
    for thing in things:
        if thing.line is not None:
            added, changed = counted.get(thing.kind, (0, 0))
            counted[thing.kind] = (added + thing.new, changed + thing.changed)
    return counted
