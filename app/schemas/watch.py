"""Gaps in rotas, «are you there?», and agreements, as they are sent and read."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.schemas import examples
from app.schemas.body import Body, Complaint, refuse
from app.schemas.case_parts import Read
from app.schemas.directory import Interval, RotaRole
from app.schemas.requests import Specialty
from app.schemas.text import Line
from app.schemas.times import Instant

_AGREEMENT_ID: Final = "01a1949e-d680-7d05-8f6a-52c7e1b90a34"
AgreementState: TypeAlias = Literal["upcoming", "current", "ended"]

_GAP: Final[dict[str, Any]] = {
    "id": "01a20a03-a608-7a91-b7d3-1c5e90f2d846",
    "kind": "nobody",
    "hospital": examples.CENTRAL_ID,
    "hospital_name": examples.CENTRAL,
    "desk": examples.DESK_ID,
    "desk_name": examples.DESK,
    "schedule": "01a1949e-d680-7b02-9d4e-83f0c5a1b762",
    "role": "backup",
    "from": "2026-11-27T13:00:00Z",
    "to": "2026-11-28T01:00:00Z",
    "doctor": None,
    "doctor_name": None,
    "found_at": "2026-11-23T20:05:41Z",
    "told": 1,
    "next_told_at": "2026-11-24T13:00:00Z",
    "running": False,
    "hours_left": 88.9,
}
_CHECK: Final[dict[str, Any]] = {
    "id": "01a20a03-a608-7c42-9e15-6b80d3f7a259",
    "hospital": examples.CENTRAL_ID,
    "hospital_name": examples.CENTRAL,
    "desk": examples.DESK_ID,
    "desk_name": examples.DESK,
    "role": "primary",
    "from": "2026-11-24T01:00:00Z",
    "to": "2026-11-25T01:00:00Z",
    "asked_at": "2026-11-24T00:45:00Z",
    "answer_by": "2026-11-24T01:00:00Z",
    "state": "asked",
    "answered_at": None,
    "via": None,
}
_AGREEMENT: Final[dict[str, Any]] = {
    "id": _AGREEMENT_ID,
    "version": 1,
    "asking": examples.ASKING_ID,
    "asking_name": examples.ASKING,
    "answering": examples.CENTRAL_ID,
    "answering_name": examples.CENTRAL,
    "specialty": "K04",
    "rank": 1,
    "from": "2026-11-30T17:00:00Z",
    "to": "2027-11-30T17:00:00Z",
    "title": "Thỏa thuận hợp tác Tim mạch",
    "desks": [
        {
            "desk": examples.DESK_ID,
            "desk_name": examples.DESK,
            "hospital": examples.CENTRAL_ID,
            "hospital_name": examples.CENTRAL,
        }
    ],
    "state": "upcoming",
    "days_left": 372,
    "may_change": True,
}


class PlacedRead(Interval):
    """A role of the rota of a desk, or of a hospital (no desk: leadership, coordinator)."""

    hospital: UUID
    hospital_name: str
    desk: UUID | None
    desk_name: str | None
    role: RotaRole


class OpenGapRead(PlacedRead):
    """A role that must have somebody and has nobody, or somebody who did not answer."""

    id: UUID
    kind: Literal["nobody", "unreachable"]
    schedule: UUID | None = Field(description="The rota; none when the desk has no rota at all")
    doctor: UUID | None = Field(description="Who did not answer «are you there?»; still rung for patients")
    doctor_name: str | None
    found_at: datetime
    told: int = Field(description="How often the head of the rota was told")
    next_told_at: datetime
    running: bool = Field(description="It is there now: an alarm")
    hours_left: float = Field(description="Hours until it begins; 0 while it runs")


class GapList(Read):
    """Open gaps of the next 14 days, by start."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_GAP]}]})

    items: list[OpenGapRead]


class CheckAnswerIn(Body):
    """«I am here.» There is nothing to fill in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class CheckRead(PlacedRead):
    """«Are you there?» about one duty."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHECK]})

    id: UUID
    asked_at: datetime
    answer_by: datetime = Field(description="The start of duty, and never less than 5 min after the question")
    state: Literal["asked", "answered", "unanswered"]
    answered_at: datetime | None
    via: Literal["client", "link", "voice", "sms", "push"] | None


class CheckList(Read):
    """What I am asked, soonest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_CHECK]}]})

    items: list[CheckRead]


class AgreementDeskRead(Read):
    """A desk that answers under an agreement."""

    desk: UUID
    desk_name: str
    hospital: UUID
    hospital_name: str


class AgreementRead(Read):
    """One specialty that one party answers for another, from ≤ t < to."""

    model_config = ConfigDict(json_schema_extra={"examples": [_AGREEMENT]}, validate_by_name=True)

    id: UUID
    version: int = Field(description="Counts changes; a change names the one it saw")
    asking: UUID = Field(description="Hospital, or health department, which stands for its hospitals")
    asking_name: str
    answering: UUID
    answering_name: str
    specialty: str = Field(description="Code")
    rank: int = Field(description="Of several agreements of one asking party the lowest rank is asked first")
    start: datetime = Field(alias="from")
    end: datetime | None = Field(alias="to", description="None: no end was agreed")
    title: str
    desks: list[AgreementDeskRead] = Field(description="In the order in which they are tried")
    state: AgreementState
    days_left: int | None = Field(description="Whole days until its end, rounded up")
    may_change: bool = Field(description="The caller administers one of the parties, and it has not ended")


class AgreementList(Read):
    """Agreements of the caller's hospital, itself or through its department."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_AGREEMENT]}]})

    items: list[AgreementRead]


Rank: TypeAlias = Annotated[int, Field(ge=1, le=1000, strict=True)]
Desks: TypeAlias = Annotated[list[UUID], Field(min_length=1, max_length=20)]


class AgreementIn(Body):
    """An agreement: who asks, who answers, what, and for how long."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asking": examples.ASKING_ID,
                    "answering": examples.CENTRAL_ID,
                    "specialty": "K04",
                    "rank": 1,
                    "from": "2026-12-01T00:00:00+07:00",
                    "to": "2027-12-01T00:00:00+07:00",
                    "desks": [examples.DESK_ID],
                    "title": "Thỏa thuận hợp tác Tim mạch",
                }
            ]
        }
    )

    asking: UUID = Field(description="Hospital or health department")
    answering: UUID = Field(description="Hospital or health department")
    specialty: Specialty = Field(description="Code")
    rank: Rank = 1
    start: Instant = Field(alias="from", description="ISO 8601 with its zone; may be earlier than now")
    end: Instant | None = Field(default=None, alias="to", description="After `from` and after now; without it, no end")
    desks: Desks = Field(description="Desks of the answering party, of this specialty, in the order they are tried")
    title: Line = ""


class AgreementPatch(Body):
    """A change of an agreement: what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1, "to": "2028-12-01T00:00:00+07:00"}]})

    version: int = Field(ge=1, description="The version that was read; another one is answered 412")
    rank: Rank | None = None
    start: Instant | None = Field(default=None, alias="from", description="Only while it has not begun")
    end: Instant | None = Field(default=None, alias="to", description="Not before now; another end is warned of anew")
    endless: bool = Field(default=False, description="It has no end any more; not with `to`")
    desks: Desks | None = None
    title: Line | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.endless and self.end is not None:
            refuse("agreement", [Complaint(("endless",), "one_of", {"fields": "to, endless"})])
        return self
