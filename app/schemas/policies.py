"""Escalation policies, the preview of a ladder, a desk's load and a doctor's waiting queue, as they go in and out."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from app.models.urgency import Urgency
from app.schemas import examples
from app.schemas.body import Body
from app.schemas.case_parts import DoctorRead, Read

Mode: TypeAlias = Literal["all", "one_by_one", "least_offered"]
Clock: TypeAlias = Literal["wall", "working_hours"]
ChannelKind: TypeAlias = Literal["push", "sms", "voice", "email"]
Source: TypeAlias = Literal["desk", "hospital", "default"]

_STEPS: Final[list[Any]] = [
    {"who": ["primary"], "mode": "all", "timeout_s": 300, "clock": "wall", "channels": ["push", "voice"]},
    {"who": ["backup", "head_of_shift"], "mode": "least_offered", "timeout_s": 120},
    {"who": ["coordinator"], "timeout_s": 120},
]
_KEPT: Final[list[Any]] = [
    {"mode": "all", "clock": "wall", "channels": [], "skip_empty": True, "keep": True} | step for step in _STEPS
]
_POLICY: Final[dict[str, Any]] = {
    "urgency": "orange",
    "source": "desk",
    "desk": examples.DESK_ID,
    "hospital": examples.CENTRAL_ID,
    "version": 3,
    "steps": _KEPT,
    "answer_due_s": 900,
    "silent_s": 600,
    "valid_from": "2026-11-23T20:05:41Z",
    "own": True,
}
_RUNG: Final[dict[str, Any]] = {
    "doctor": examples.FIRST_ID,
    "doctor_name": examples.FIRST,
    "role": "primary",
    "at": "2026-11-23T20:05:41Z",
}


class StepIn(Body):
    """One step of a ladder."""

    who: list[str] = Field(
        max_length=50,
        description="primary, backup, head_of_shift, red_team (or team), leadership, coordinator, `user:<id>` for one "
        "person, `desk:<id>` for the first on call of a partner desk",
    )
    mode: Mode = Field("all", description="In turns, each person has `timeout_s`")
    timeout_s: int = Field(description="10 s to 7 days (red and orange: 30 min); from when the step really began")
    clock: Clock = Field(
        "wall", description="working_hours: 07:00 to 17:00, without weekends and holidays; not for red and orange"
    )
    channels: list[ChannelKind] = Field(
        default=[], max_length=8, description="Beside the application; empty: each doctor's own order"
    )
    skip_empty: StrictBool = Field(default=True, description="false: an empty step waits its time while others ring")
    keep: StrictBool = Field(default=True, description="false: its sound stops when the next step begins")


class PolicyIn(Body):
    """A ladder for one urgency. Cases that ring already keep the one with which they began."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"steps": _STEPS, "silent_s": 600, "answer_due_s": 900, "version": 2}]}
    )

    steps: list[StepIn] = Field(max_length=50, description="The last one must ring a coordinator")
    silent_s: int = Field(ge=30, le=7 * 24 * 3600, description="Seconds without a word after acceptance")
    answer_due_s: int | None = Field(
        None, ge=60, le=30 * 24 * 3600, description="When an opinion is due; as before when left out"
    )
    version: int | None = Field(None, description="The version that was edited; 412 when there is a newer one")


class StepRead(Read):
    """One step as it is kept."""

    who: list[str]
    mode: Mode
    timeout_s: int
    clock: Clock
    channels: list[ChannelKind]
    skip_empty: bool
    keep: bool


class PolicyRead(Read):
    """The ladder in force: the desk's own, else the hospital's, else the default."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POLICY]})

    urgency: Urgency
    source: Source = Field(description="Whose it is")
    own: bool = Field(description="Whether it was set for exactly what was asked for")
    desk: UUID | None
    hospital: UUID
    version: int
    steps: list[StepRead]
    answer_due_s: int
    silent_s: int
    valid_from: datetime


class RungRead(DoctorRead):
    """Somebody who would be rung."""

    role: str
    at: datetime


class LadderStepRead(Read):
    """One step of a ladder as it would run if nobody answered."""

    step: int
    who: list[str]
    mode: Mode
    clock: Clock
    timeout_s: int
    at: datetime | None = Field(description="When it would begin; null: it would be passed")
    at_local: str | None = Field(description="The same in Vietnam time")
    rung: list[RungRead]
    passed_over: list[DoctorRead] = Field(description="On duty, but they hold as many cases as they can now")
    skipped: str | None = Field(description="nobody: nobody is on duty for it, or all of them ring already")


class LadderDesk(Read):
    """A desk that could be rung, and why it is where it is in the order."""

    id: UUID
    name: str
    hospital: UUID
    hospital_name: str
    specialty: str
    why: Literal["agreement", "department_agreement", "fallback", "same_specialty", "emergency_desk"]
    rank: int | None = Field(description="Rank of the agreement")
    agreement: UUID | None
    left_out: str | None = Field(description="first_step_empty: a later desk has somebody at once; null: this is it")


class LadderRead(Read):
    """Who would be rung, when and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "hospital": examples.ASKING_ID,
                    "specialty": "K04",
                    "urgency": "orange",
                    "at": "2026-11-23T20:05:41Z",
                    "known_until": "2027-02-21T20:00:00Z",
                    "compiled": True,
                    "warnings": [],
                    "desk": {
                        "id": examples.DESK_ID,
                        "name": examples.DESK,
                        "hospital": examples.CENTRAL_ID,
                        "hospital_name": examples.CENTRAL,
                        "specialty": "K04",
                        "why": "agreement",
                        "rank": 1,
                        "agreement": examples.CASE_ID,
                        "left_out": None,
                    },
                    "considered": [],
                    "policy": {"source": "default", "version": 1, "silent_s": 600, "answer_due_s": 900},
                    "steps": [
                        {
                            "step": 0,
                            "who": ["primary"],
                            "mode": "all",
                            "clock": "wall",
                            "timeout_s": 300,
                            "at": "2026-11-23T20:05:41Z",
                            "at_local": "2026-11-24T03:05:41+07:00",
                            "rung": [_RUNG],
                            "passed_over": [],
                            "skipped": None,
                        }
                    ],
                    "coordinator": "on_duty",
                }
            ]
        }
    )

    hospital: UUID
    specialty: str
    urgency: Urgency
    at: datetime
    compiled: bool = Field(description="false: beyond what is compiled; worked out from the rotas as they stand")
    known_until: datetime | None = Field(description="Until when the rotas of this desk are compiled")
    warnings: list[str] = Field(description="outside_agreement, other_specialty")
    desk: LadderDesk
    considered: list[LadderDesk] = Field(description="Every desk in routing order")
    policy: dict[str, Any] = Field(description="Whose ladder, its version, silent_s, answer_due_s")
    steps: list[LadderStepRead]
    coordinator: Literal["on_duty", "all_of_the_hospital", "other_party", "nobody"] = Field(
        description="Who stands at the end: the one on duty, else every coordinator there, else those who ask"
    )


class LoadRow(DoctorRead):
    """What a stretch of time cost one doctor at this desk."""

    offers: int = Field(description="How often they were rung")
    acceptances: int
    declined: int
    night_rings: int = Field(description="Rung between 22:00 and 06:00, Vietnam time")
    hours: float = Field(description="Hours on duty")
    shifts: int
    rings_per_shift: float | None = Field(description="Null: rung without having been on duty")
    held: int = Field(description="Cases held now, at whatever desk; drills do not count")
    capacity: int | None = Field(description="Cases held at once before routine ones pass by; null: any number")
    capacity_version: int = Field(description="Names the capacity that was seen, for setting it")


class LoadRead(Read):
    """The load of a desk between two instants, drills left out, most rung first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "desk": examples.DESK_ID,
                    "from": "2026-11-16T17:00:00Z",
                    "to": "2026-11-23T17:00:00Z",
                    "items": [
                        {
                            "doctor": examples.FIRST_ID,
                            "doctor_name": examples.FIRST,
                            "offers": 9,
                            "acceptances": 7,
                            "declined": 1,
                            "night_rings": 4,
                            "hours": 36.0,
                            "shifts": 3,
                            "rings_per_shift": 3.0,
                            "held": 1,
                            "capacity": 3,
                            "capacity_version": 2,
                        }
                    ],
                    "may": ["set_capacity"],
                }
            ]
        }
    )

    desk: UUID
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    items: list[LoadRow]
    may: list[Literal["set_capacity"]] = Field(description="What the caller may do about these doctors")


class CapacityIn(Body):
    """How many cases a doctor holds at once before yellow and green ones pass by. Red and orange never do."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"capacity": 3, "version": 2}]})

    capacity: int | None = Field(None, strict=True, ge=0, le=1000, description="Left out or null: any number")
    version: int | None = Field(
        None, strict=True, ge=1, description="`capacity_version` that was seen; otherwise 412. Left out: whatever it is"
    )


class CapacityRead(DoctorRead):
    """What a doctor has room for now, at whatever desk a case rings."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "doctor": examples.FIRST_ID,
                    "doctor_name": examples.FIRST,
                    "held": 1,
                    "capacity": 3,
                    "capacity_version": 3,
                }
            ]
        }
    )

    held: int
    capacity: int | None = Field(description="Null: any number")
    capacity_version: int


class WaitingRow(Read):
    """A case that rings at others because its next doctor has no room."""

    consultation_id: UUID
    callout_id: UUID
    number: str
    urgency: Urgency
    specialty: str
    hospital_name: str
    desk_name: str
    opened_at: datetime


class WaitingList(Read):
    """What waits for the reader: by urgency, then age. The first of them is offered when a case is concluded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "held": 3,
                    "capacity": 3,
                    "items": [
                        {
                            "consultation_id": examples.CASE_ID,
                            "callout_id": examples.CASE_ID,
                            "number": "HC-0117",
                            "urgency": "yellow",
                            "specialty": "K04",
                            "hospital_name": examples.ASKING,
                            "desk_name": examples.DESK,
                            "opened_at": "2026-11-23T20:05:41Z",
                        }
                    ],
                }
            ]
        }
    )

    held: int
    capacity: int | None = Field(description="Null: any number")
    items: list[WaitingRow]


class JumpIn(Body):
    """A coordinator takes a later step of the ladder now; everybody rung so far rings on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"step": 3}]})

    step: int = Field(ge=0, le=50, description="Counted from 0, as in `ladder`")
    callout_id: UUID | None = Field(None, description="Which ringing desk, when there are several")


__all__ = [
    "CapacityIn",
    "CapacityRead",
    "JumpIn",
    "LadderRead",
    "LoadRead",
    "PolicyIn",
    "PolicyRead",
    "WaitingList",
]
