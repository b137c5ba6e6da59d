"""A rota as it is read by who may see it, and what publishing it does or would do."""

from datetime import date, datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas import examples
from app.schemas.case_parts import Read
from app.schemas.directory import GapRead, Interval, RotaRole, SlotRead
from app.schemas.network import Weekday
from app.schemas.rota import HOLIDAY, LAYER, OVERRIDE, SETTINGS, TEMPORARY, HolidayKindName, OnDays, OverrideKind

SwapStateName: TypeAlias = Literal["offered", "taken", "withdrawn", "lapsed"]
LeaveStateName: TypeAlias = Literal["requested", "approved", "declined", "withdrawn"]
WarningCode: TypeAlias = Literal[
    "rest",
    "long_duty",
    "gap",
    "two_desks",
    "empty_layer",
    "licence_missing",
    "not_eligible",
    "no_required_roles",
    "no_effect",
    "on_leave",
]

ROTA_DOCUMENT_ID: Final = "01a20a03-a608-7fa1-9d12-3c5e7a90b1d4"
SWAP: Final[dict[str, Any]] = {
    "id": ROTA_DOCUMENT_ID,
    "desk": examples.DESK_ID,
    "desk_name": examples.DESK,
    "hospital": examples.CENTRAL_ID,
    "role": "primary",
    "giver": examples.FIRST_ID,
    "giver_name": examples.FIRST,
    "taker": None,
    "taker_name": None,
    "from": "2026-11-27T01:00:00Z",
    "to": "2026-11-28T01:00:00Z",
    "return": None,
    "state": "offered",
    "note": "Con ốm",
    "made_at": "2026-11-23T20:05:41Z",
    "answered_at": None,
    "may": ["withdraw"],
}
LEAVE: Final[dict[str, Any]] = {
    "id": ROTA_DOCUMENT_ID,
    "doctor": examples.FIRST_ID,
    "doctor_name": examples.FIRST,
    "from": "2026-12-01T17:00:00Z",
    "to": "2026-12-08T17:00:00Z",
    "state": "requested",
    "reason": "Nghỉ phép năm",
    "made_at": "2026-11-23T20:05:41Z",
    "decided_by": None,
    "decided_by_name": None,
    "decided_at": None,
    "may": ["withdraw"],
}
_SLOT: Final[dict[str, Any]] = {
    "doctor": examples.FIRST_ID,
    "doctor_name": examples.FIRST,
    "role": "primary",
    "from": "2026-11-24T01:00:00Z",
    "to": "2026-11-25T01:00:00Z",
}
_MOVED: Final[dict[str, Any]] = _SLOT | {"desk": examples.DESK_ID}


class RotationRead(Read):
    """How turns change."""

    unit: Literal["hour", "day", "week"]
    every: int
    anchor: str = Field(description="Wall-clock time in the rota's zone, without an offset")


class WindowRead(Read):
    """Hours in which a layer is on."""

    days: list[Weekday]
    start: str
    end: str
    plus_days: int | None


class LayerRead(Read):
    """Who is usually on in one role."""

    id: UUID
    name: str
    role: RotaRole
    priority: int
    on: OnDays
    turns: list[list[UUID]]
    rotation: RotationRead | None
    windows: list[WindowRead] | None


class OverrideRead(Interval):
    """An exception that has not ended; they apply in the order in which they are listed."""

    id: UUID
    kind: OverrideKind
    role: RotaRole
    doctor: UUID
    doctor_name: str
    by: UUID | None
    by_name: str | None
    reason: str
    made_at: datetime
    made_by_name: str | None
    may: list[Literal["edit"]] = Field(description="Whether the caller may replace or delete it")


class ShiftRead(SlotRead):
    """One person's duty in a temporary rota."""


class TemporaryRead(Interval):
    """A rota for a while that has not ended."""

    id: UUID
    roles: list[RotaRole]
    shifts: list[ShiftRead]
    reason: str
    made_at: datetime
    made_by_name: str | None


class HolidayRead(Read):
    """A date that is off, or is worked. A hospital's own counts before the country's."""

    id: UUID
    date: date
    kind: HolidayKindName
    as_day: Weekday | None = Field(alias="as")
    name: str
    hospital: UUID | None = Field(description="null: of the country")
    source: Literal["library", "own"]

    model_config = ConfigDict(validate_by_name=True)


class HolidayList(Read):
    """Holidays of one year: the country's, and a hospital's own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "year": 2026,
                    "items": [
                        {"id": ROTA_DOCUMENT_ID, **HOLIDAY, "hospital": examples.CENTRAL_ID, "source": "own"},
                    ],
                }
            ]
        }
    )

    year: int
    items: list[HolidayRead]


class ImportedRead(SlotRead):
    """A shift of a rota that is kept elsewhere."""

    id: UUID
    source: str
    uid: str
    recurrence_id: str
    sequence: int


class SpanRead(Interval):
    """A stretch of time."""


class SwapRead(Interval):
    """Part or all of one duty, offered to colleagues."""

    model_config = ConfigDict(json_schema_extra={"examples": [SWAP]})

    id: UUID
    desk: UUID | None = Field(description="null: of the hospital's own rota")
    desk_name: str = Field(description="Of the desk, or of the hospital")
    hospital: UUID
    role: RotaRole
    giver: UUID
    giver_name: str
    taker: UUID | None
    taker_name: str | None
    returns: SpanRead | None = Field(alias="return", description="The taker's duty that the giver takes in exchange")
    state: SwapStateName
    note: str
    made_at: datetime
    answered_at: datetime | None
    may: list[Literal["take", "withdraw"]] = Field(description="What the caller may do with it now")


class SwapList(Read):
    """Swaps that the caller may take, and the caller's own, by start."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [SWAP]}]})

    items: list[SwapRead]


class LeaveRead(Interval):
    """Absence of a doctor; it counts once approved."""

    model_config = ConfigDict(json_schema_extra={"examples": [LEAVE]})

    id: UUID
    doctor: UUID
    doctor_name: str
    state: LeaveStateName
    reason: str | None = Field(description="null for who may neither decide it nor asked for it")
    made_at: datetime
    decided_by: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None
    may: list[Literal["decide", "withdraw"]]


class OpenedRead(GapRead):
    """A gap that was not there before."""

    desk: UUID | None = Field(description="null: in the hospital's own rota")
    desk_name: str


class KeptRead(Interval):
    """Duty that stays although its doctor is away."""

    desk: UUID | None = Field(description="null: in the hospital's own rota")
    desk_name: str
    role: RotaRole


class LeaveDecidedRead(LeaveRead):
    """A leave that was decided or withdrawn, the gaps that it leaves, and the duty that it does not end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                LEAVE
                | {"state": "approved", "may": []}
                | {
                    "decided_by": examples.SECOND_ID,
                    "decided_by_name": examples.SECOND,
                    "decided_at": "2026-11-23T20:10:00Z",
                    "gaps": [
                        {
                            "desk": examples.DESK_ID,
                            "desk_name": examples.DESK,
                            "role": "primary",
                            "from": "2026-12-02T01:00:00Z",
                            "to": "2026-12-03T01:00:00Z",
                            "kind": "nobody",
                        }
                    ],
                    "still_on": [],
                }
            ]
        }
    )

    still_on: list[KeptRead] = Field(
        description="Duty within an approved leave that an override or a temporary rota keeps: its head changes that"
    )
    gaps: list[OpenedRead] = Field(description="Required roles that have nobody now and had somebody before")


class LeaveList(Read):
    """The caller's own leave, and what the caller may decide; what has ended is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [LEAVE]}]})

    items: list[LeaveRead]


class PersonRead(Read):
    """Somebody who may be on the rota, and in which roles."""

    id: UUID
    name: str
    roles: list[RotaRole]


class RotaRead(Read):
    """A rota as it is written, whole; what has ended is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "desk": examples.DESK_ID,
                    "desk_name": examples.DESK,
                    "hospital": examples.CENTRAL_ID,
                    "version": 3,
                    **{name: SETTINGS[name] for name in ("zone", "head", "required_roles", "rest_hours")},
                    "head_name": examples.FIRST,
                    "roles": ["primary", "backup", "head_of_shift", "red_team"],
                    "known_until": "2027-02-21T20:00:00Z",
                    "layers": [
                        {
                            "id": ROTA_DOCUMENT_ID,
                            **LAYER,
                            "windows": [{**LAYER["windows"][0], "plus_days": None}],
                        }
                    ],
                    "overrides": [
                        {
                            "id": ROTA_DOCUMENT_ID,
                            **OVERRIDE,
                            "doctor_name": examples.FIRST,
                            "by_name": examples.SECOND,
                            "made_at": "2026-11-23T20:05:41Z",
                            "made_by_name": examples.FIRST,
                            "may": ["edit"],
                        }
                    ],
                    "temporaries": [
                        {
                            "id": ROTA_DOCUMENT_ID,
                            **TEMPORARY,
                            "shifts": [{**TEMPORARY["shifts"][0], "doctor_name": examples.SECOND}],
                            "made_at": "2026-11-23T20:05:41Z",
                            "made_by_name": examples.FIRST,
                        }
                    ],
                    "holidays": [{"id": ROTA_DOCUMENT_ID, **HOLIDAY, "hospital": examples.CENTRAL_ID, "source": "own"}],
                    "imported": [],
                    "swaps": [SWAP],
                    "leaves": [LEAVE],
                    "people": [
                        {
                            "id": examples.FIRST_ID,
                            "name": examples.FIRST,
                            "roles": ["primary", "backup", "head_of_shift", "red_team"],
                        }
                    ],
                    "may": ["publish_rota", "override_soon", "import_rota", "decide_leave", "make_rota_feed"],
                }
            ]
        }
    )

    desk: UUID | None = Field(description="null: of the hospital's own rota")
    desk_name: str = Field(description="Of the desk, or of the hospital")
    hospital: UUID
    version: int = Field(description="0: there is none yet; the first publication makes it")
    zone: str
    head: UUID | None
    head_name: str | None
    required_roles: list[RotaRole]
    rest_hours: int
    roles: list[RotaRole] = Field(description="Those that this rota can have")
    known_until: datetime | None = Field(description="Duty is worked out until then")
    layers: list[LayerRead]
    overrides: list[OverrideRead]
    temporaries: list[TemporaryRead]
    holidays: list[HolidayRead]
    imported: list[ImportedRead]
    swaps: list[SwapRead]
    leaves: list[LeaveRead]
    people: list[PersonRead]
    may: list[str] = Field(description="What the caller may do: publish_rota, set_rota, set_holidays, override_soon, …")


class MovedRead(SlotRead):
    """Duty that somebody gets or loses."""

    desk: UUID | None = Field(description="Of which desk; null: of the hospital's own rota")


class WarningRead(Read):
    """Something to think about. It never blocks."""

    code: WarningCode
    detail: str = Field(description="In the caller's language")
    doctor: UUID | None
    doctor_name: str | None
    role: RotaRole | None
    start: datetime | None = Field(alias="from")
    end: datetime | None = Field(alias="to")
    new: bool = Field(description="This edit brings it; it was not there before")

    model_config = ConfigDict(validate_by_name=True)


class ChangedRead(Read):
    """What became of one change, in the order in which they were sent."""

    op: Literal["put", "delete"]
    kind: str
    id: UUID | None = Field(description="Of the document; settings have none")


class PublicationRead(Interval):
    """What a publication did, or in a dry run would do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 4,
                    "dry_run": False,
                    "from": "2026-11-23T20:05:41Z",
                    "to": "2026-12-07T20:05:41Z",
                    "changes": [{"op": "put", "kind": "layer", "id": ROTA_DOCUMENT_ID}],
                    "slots": [_SLOT],
                    "gaps": [
                        {
                            "role": "backup",
                            "from": "2026-11-25T13:00:00Z",
                            "to": "2026-11-26T01:00:00Z",
                            "kind": "nobody",
                        }
                    ],
                    "added": [_MOVED],
                    "removed": [],
                    "warnings": [
                        {
                            "code": "rest",
                            "detail": "BS trực Tim mạch 1 chỉ nghỉ 4 giờ giữa hai ca (cần 12 giờ).",
                            "doctor": examples.FIRST_ID,
                            "doctor_name": examples.FIRST,
                            "role": "primary",
                            "from": "2026-11-25T01:00:00Z",
                            "to": "2026-11-25T05:00:00Z",
                            "new": True,
                        }
                    ],
                }
            ]
        }
    )

    version: int = Field(description="After it; in a dry run the present one, which a real one must name")
    dry_run: bool
    changes: list[ChangedRead]
    slots: list[SlotRead] = Field(description="Duty as it then is, from `from` to `to`")
    gaps: list[GapRead]
    added: list[MovedRead] = Field(description="Duty that people get, 90 days ahead")
    removed: list[MovedRead] = Field(description="Duty that people lose, 90 days ahead")
    warnings: list[WarningRead] = Field(description="At most 100")


class CorrectionRead(Interval):
    """Late truth, as it was recorded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": ROTA_DOCUMENT_ID,
                    "desk": examples.DESK_ID,
                    "role": "primary",
                    "doctor": examples.FIRST_ID,
                    "by": examples.SECOND_ID,
                    "from": "2026-11-22T13:00:00Z",
                    "to": "2026-11-23T01:00:00Z",
                    "at": "2026-11-23T20:05:41Z",
                }
            ]
        }
    )

    event_id: UUID
    desk: UUID
    role: RotaRole
    doctor: UUID | None
    by: UUID | None
    at: datetime
