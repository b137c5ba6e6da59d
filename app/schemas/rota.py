"""The bodies of edits to a rota: its layers, overrides, temporary rotas, holidays and settings, and late truth."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.models.rota_format import read_zone
from app.models.rota_rules import RotaError
from app.schemas import examples
from app.schemas.body import Body, Complaint, refuse
from app.schemas.directory import RotaRole
from app.schemas.network import Weekday
from app.schemas.text import Label, Line, needed
from app.schemas.times import CalendarDate, Instant

ChangeKind: TypeAlias = Literal["layer", "override", "temporary", "holiday", "settings"]
OverrideKind: TypeAlias = Literal["add", "remove", "replace"]
OnDays: TypeAlias = Literal["any", "ordinary", "holiday"]
HolidayKindName: TypeAlias = Literal["off", "working"]

LONGEST_OVERRIDE: Final = timedelta(days=400)
MOST_CHANGES: Final = 100

LAYER: Final[dict[str, Any]] = {
    "name": "Trực đêm trong tuần",
    "role": "primary",
    "priority": 0,
    "on": "any",
    "turns": [[examples.FIRST_ID], [examples.SECOND_ID]],
    "rotation": {"unit": "day", "every": 1, "anchor": "2026-11-23T08:00"},
    "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "20:00", "end": "08:00"}],
}
OVERRIDE: Final[dict[str, Any]] = {
    "kind": "replace",
    "role": "primary",
    "doctor": examples.FIRST_ID,
    "by": examples.SECOND_ID,
    "from": "2026-11-27T13:00:00Z",
    "to": "2026-11-28T01:00:00Z",
    "reason": "Đi hội nghị",
}
TEMPORARY: Final[dict[str, Any]] = {
    "roles": ["primary"],
    "from": "2027-02-05T17:00:00Z",
    "to": "2027-02-06T17:00:00Z",
    "shifts": [
        {
            "role": "primary",
            "doctor": examples.SECOND_ID,
            "from": "2027-02-05T17:00:00Z",
            "to": "2027-02-06T17:00:00Z",
        }
    ],
    "reason": "Tết Nguyên đán",
}
HOLIDAY: Final[dict[str, Any]] = {"date": "2026-11-28", "kind": "working", "as": "mon", "name": "Làm bù"}
SETTINGS: Final[dict[str, Any]] = {
    "zone": "Asia/Ho_Chi_Minh",
    "head": examples.FIRST_ID,
    "required_roles": ["primary", "backup"],
    "rest_hours": 12,
}


def _anchor(text: str) -> str:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is not None or "T" not in text or not 1970 <= read.year <= 2200:
        raise PydanticCustomError("anchor_form", "A local date and time without a zone is needed")
    return read.replace(second=0, microsecond=0).isoformat(timespec="minutes")


def _hour(text: str) -> str:
    try:
        read = time.fromisoformat(text) if len(text) == len("20:00") else None
    except ValueError:
        read = None
    if read is None:
        raise PydanticCustomError("hour_form", "A time of day is needed, 20:00")
    return read.isoformat(timespec="minutes")


def _zone(name: str) -> str:
    try:
        read_zone(name)
    except RotaError:
        raise PydanticCustomError("zone_form", "An IANA zone is needed") from None
    return name


def _reach(instant: datetime) -> datetime:
    if not 1970 <= instant.year <= 2200:
        raise PydanticCustomError("time_reach", "From 1970 to 2200 only")
    return instant


Anchor: TypeAlias = Annotated[str, AfterValidator(_anchor)]
Hour: TypeAlias = Annotated[str, AfterValidator(_hour)]
ZoneName: TypeAlias = Annotated[str, AfterValidator(_zone), Field(max_length=64)]
When: TypeAlias = Annotated[Instant, AfterValidator(_reach)]
NeededLine: TypeAlias = Annotated[Line, AfterValidator(needed)]


class SpanIn(Body):
    """A stretch of time, half-open, in instants with their zone."""

    start: When = Field(alias="from", description="ISO 8601 with its zone")
    end: When = Field(alias="to", description="Not included")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        refuse(type(self).__name__, self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if self.end <= self.start:
            yield Complaint(("to",), "end_not_after_start")


class RotationIn(Body):
    """Turns change at `anchor` + k × `every` units of wall-clock time, for ever, before the anchor too."""

    unit: Literal["hour", "day", "week"]
    every: Annotated[int, Field(ge=1, le=1000)] = 1
    anchor: Anchor = Field(description="Wall-clock time in the rota's zone, without an offset: 2026-01-05T08:00")


class WindowIn(Body):
    """Hours in which a layer is on."""

    days: list[Weekday] = Field(default_factory=list, max_length=7, description="All, when left out")
    start: Hour = Field(description="Wall-clock time, 20:00")
    end: Hour = Field(description="Wall-clock time; the next day when it is not after `start`")
    plus_days: Annotated[int, Field(ge=0, le=31)] | None = Field(
        None, description="How many days after its start the window ends"
    )

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.plus_days == 0 and self.end <= self.start:
            refuse("window", [Complaint(("end",), "end_not_after_start")])
        return self


class LayerIn(Body):
    """Who is usually on in one role: turns of one or more people, one after the other."""

    model_config = ConfigDict(json_schema_extra={"examples": [LAYER]})

    name: Label = Field("", description="For people; decides nothing")
    role: RotaRole
    priority: Annotated[int, Field(ge=-1000, le=1000)] = Field(
        0, description="At each instant the highest with somebody on wins; equal ones unite"
    )
    on: OnDays = Field("any", description="Which dates count, by the date on which a window starts")
    turns: Annotated[list[Annotated[list[UUID], Field(max_length=20)]], Field(min_length=1, max_length=100)] = Field(
        description="Lists of people who are on together; an empty turn lets a lower layer through"
    )
    rotation: RotationIn | None = Field(None, description="Needed with several turns")
    windows: Annotated[list[WindowIn], Field(min_length=1, max_length=50)] | None = Field(
        None, description="Around the clock, when left out"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        refuse("layer", self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if self.rotation is None and len(self.turns) > 1:
            yield Complaint(("rotation",), "rotation_needed")
        for number, turn in enumerate(self.turns):
            for seat, person in enumerate(turn):
                if person in turn[:seat]:
                    yield Complaint(("turns", number, seat), "twice")


class OverrideIn(SpanIn):
    """An exception: somebody added, taken out, or replaced by somebody else."""

    model_config = ConfigDict(json_schema_extra={"examples": [OVERRIDE]})

    kind: OverrideKind
    role: RotaRole
    doctor: UUID = Field(description="Who is added, taken out or replaced")
    by: UUID | None = Field(None, description="Who takes over; with `replace` only")
    reason: NeededLine

    def _complaints(self) -> Iterator[Complaint]:
        yield from super()._complaints()
        if self.end - self.start > LONGEST_OVERRIDE:
            yield Complaint(("to",), "too_long_a_time", {"days": LONGEST_OVERRIDE.days})
        if self.kind == "replace" and self.by is None:
            yield Complaint(("by",), "needed")
        if self.kind != "replace" and self.by is not None:
            yield Complaint(("by",), "only_with_replace")
        if self.by is not None and self.by == self.doctor:
            yield Complaint(("by",), "replaced_by_oneself")


class ShiftIn(SpanIn):
    """One person's duty in a temporary rota."""

    role: RotaRole
    doctor: UUID


class TemporaryIn(SpanIn):
    """A rota for a while. In the roles it names only its shifts count; what they leave open is a gap."""

    model_config = ConfigDict(json_schema_extra={"examples": [TEMPORARY]})

    roles: Annotated[list[RotaRole], Field(min_length=1, max_length=6)]
    shifts: Annotated[list[ShiftIn], Field(max_length=500)]
    reason: Line = ""

    def _complaints(self) -> Iterator[Complaint]:
        yield from super()._complaints()
        if self.end - self.start > LONGEST_OVERRIDE:
            yield Complaint(("to",), "too_long_a_time", {"days": LONGEST_OVERRIDE.days})
        for number, shift in enumerate(self.shifts):
            if shift.role not in self.roles:
                yield Complaint(("shifts", number, "role"), "role_not_named")
            if shift.end <= self.start or self.end <= shift.start:
                yield Complaint(("shifts", number, "from"), "shift_outside")


class HolidayIn(Body):
    """A date that is off for this hospital, or is worked although it would be off."""

    model_config = ConfigDict(json_schema_extra={"examples": [HOLIDAY]})

    date: CalendarDate
    kind: HolidayKindName
    as_day: Weekday | None = Field(None, alias="as", description="The weekday whose windows a worked day follows")
    name: Label = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not 1970 <= self.date.year <= 2200:
            refuse("holiday", [Complaint(("date",), "time_reach")])
        if self.kind == "off" and self.as_day is not None:
            refuse("holiday", [Complaint(("as",), "only_when_worked")])
        return self


class SettingsIn(Body):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [SETTINGS]})

    zone: ZoneName | None = Field(None, description="IANA zone of all local times")
    head: UUID | None = Field(None, description="Who is responsible for the rota and is told of its gaps")
    required_roles: Annotated[list[RotaRole], Field(max_length=6)] | None = Field(
        None, description="A time when one of these has nobody is a gap"
    )
    rest_hours: Annotated[int, Field(ge=0, le=72)] | None = Field(
        None, description="Hours of rest between duties, below which it warns"
    )


AnyBody: TypeAlias = LayerIn | OverrideIn | TemporaryIn | HolidayIn | SettingsIn
_BODIES: Final[dict[str, type[AnyBody]]] = {
    "layer": LayerIn,
    "override": OverrideIn,
    "temporary": TemporaryIn,
    "holiday": HolidayIn,
    "settings": SettingsIn,
}


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PydanticCustomError("model_type", "A JSON object is needed")
    return value


class ChangeIn(Body):
    """One change. `put` makes a new document or, with an id, replaces that one whole; `delete` takes it out."""

    op: Literal["put", "delete"]
    kind: ChangeKind
    id: UUID | None = Field(None, description="Of what is replaced or deleted; never with settings")
    body: Annotated[Any, PlainValidator(_object, json_schema_input_type=AnyBody)] | None = Field(
        None, description="By kind: layer, override, temporary, holiday or settings"
    )


class Change(NamedTuple):
    """One change that was read."""

    op: str
    kind: str
    id: UUID | None
    body: AnyBody | None


class PublicationIn(Body):
    """An edit of a rota: all of its changes or none, against the version that was seen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 3,
                    "dry_run": True,
                    "reason": "Lịch tháng 12",
                    "changes": [
                        {"op": "put", "kind": "layer", "body": LAYER},
                        {"op": "put", "kind": "override", "body": OVERRIDE},
                    ],
                }
            ]
        }
    )

    @model_validator(mode="before")
    @classmethod
    def _says_whether_for_real(cls, data: Any) -> Any:
        """A dry run that is null must not publish: who sends it meant one thing or the other."""
        if isinstance(data, dict) and "dry_run" in data and data["dry_run"] is None:
            refuse("publication", [Complaint(("dry_run",), "bool_type")])
        return data

    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="The version that was seen; 0 for a rota that does not exist yet"
    )
    dry_run: bool = Field(default=False, description="Show what would change and save nothing")
    reason: Line = ""
    changes: Annotated[list[ChangeIn], Field(max_length=MOST_CHANGES)]
    start: When | None = Field(None, alias="from", description="Slots and gaps from here, now when left out")
    end: When | None = Field(None, alias="to", description="14 days later when left out; at most 100 days")

    def read(self) -> list[Change]:
        """Read the body of each change by its kind; every complaint names its place, `changes.2.body.windows.0.end`."""
        complaints: list[Complaint] = []
        found: list[Change] = []
        for number, change in enumerate(self.changes):
            wrong = _wrong(change)
            complaints += [complaint.under("changes", number) for complaint in wrong]
            try:
                body = _BODIES[change.kind].model_validate(change.body) if change.op == "put" and not wrong else None
            except ValidationError as error:
                complaints += [
                    Complaint(("changes", number, "body", *each["loc"]), each["type"], each.get("ctx") or {})
                    for each in error.errors(include_url=False, include_input=False)
                ]
                body = None
            found.append(Change(change.op, change.kind, change.id, body))
        refuse("publication", complaints)
        return found


def _wrong(change: ChangeIn) -> list[Complaint]:
    if change.op == "delete":
        if change.kind == "settings":
            return [Complaint(("kind",), "settings_stay")]
        return [Complaint(("id",), "needed")] if change.id is None else []
    if change.body is None:
        return [Complaint(("body",), "missing")]
    return [Complaint(("id",), "settings_stay")] if change.kind == "settings" and change.id is not None else []


class CorrectionIn(SpanIn):
    """Late truth about the past, for reports only: who was on duty really. Nothing that was routed changes.

    `by` was there in the place of `doctor`; without `by`, `doctor` was not there; without `doctor`, `by` was there
    beside whom the rota named.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "role": "primary",
                    "doctor": examples.FIRST_ID,
                    "by": examples.SECOND_ID,
                    "from": "2026-11-22T13:00:00Z",
                    "to": "2026-11-23T01:00:00Z",
                    "reason": "Ốm, đổi trực qua điện thoại",
                }
            ]
        }
    )

    role: RotaRole
    doctor: UUID | None = None
    by: UUID | None = None
    reason: NeededLine

    def _complaints(self) -> Iterator[Complaint]:
        yield from super()._complaints()
        if self.doctor is None and self.by is None:
            yield Complaint(("doctor",), "needed")
        if self.doctor is not None and self.doctor == self.by:
            yield Complaint(("by",), "replaced_by_oneself")
