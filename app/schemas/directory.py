"""The network as clients read it: specialties, hospitals, desks, who is on duty, and the telephone list."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field

from app.models.organization import OrganizationKind
from app.schemas import examples
from app.schemas.case_parts import DoctorRead, Read
from app.schemas.times import Instant

_LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) (?=[0-9]{2}:?[0-9]{2}$)", re.IGNORECASE)


def _plus(value: Any) -> Any:
    """A `+` that was not escaped in a query string arrives as a space; after a `T` time it can be nothing else."""
    return _LOST_PLUS.sub(r"\1+", value) if isinstance(value, str) else value


QueryInstant: TypeAlias = Annotated[Instant, BeforeValidator(_plus)]
RotaRole: TypeAlias = Literal["primary", "backup", "head_of_shift", "red_team", "leadership", "coordinator"]
NumberKind: TypeAlias = Literal["desk", "coordinator", "ward", "hospital"]

_DESK: Final[dict[str, Any]] = {
    "id": examples.DESK_ID,
    "name": examples.DESK,
    "specialty": "K04",
    "hospital": examples.CENTRAL_ID,
    "hospital_name": examples.CENTRAL,
    "phone": "0208 000 104",
    "may_ask": True,
    "red_team_size": 4,
}
_ON_CALL: Final[dict[str, Any]] = {
    "desk": examples.DESK_ID,
    "at": "2026-11-23T20:05:41Z",
    "on_call": [
        {
            "doctor": examples.FIRST_ID,
            "doctor_name": examples.FIRST,
            "role": "primary",
            "from": "2026-11-23T12:00:00Z",
            "to": "2026-11-24T00:00:00Z",
            "phone": "0208 000 120",
            "online": True,
        }
    ],
}
_DUTY: Final[dict[str, Any]] = {
    "desk": examples.DESK_ID,
    "from": "2026-11-22T17:00:00Z",
    "to": "2026-11-29T17:00:00Z",
    "known_until": "2027-02-21T20:00:00Z",
    "slots": [
        {
            "doctor": examples.FIRST_ID,
            "doctor_name": examples.FIRST,
            "role": "primary",
            "from": "2026-11-23T12:00:00Z",
            "to": "2026-11-24T00:00:00Z",
        }
    ],
    "gaps": [{"role": "backup", "from": "2026-11-25T12:00:00Z", "to": "2026-11-26T00:00:00Z", "kind": "nobody"}],
}


class SpecialtyRead(Read):
    """A specialty; the code is the Ministry's where there is one."""

    code: str
    vi: str
    en: str


class SpecialtyList(Read):
    """Every specialty in use, in the Ministry's order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"code": "K04", "vi": "Tim mạch", "en": "Cardiology"}]}]}
    )

    items: list[SpecialtyRead]


class HospitalRead(Read):
    """A hospital, or a health department (Sở Y tế), which stands for its hospitals in agreements."""

    id: UUID
    name: str
    short_name: str
    province: str | None
    facility_code: str | None = Field(description="MA_CSKCB, 5 characters; says nothing about the province")
    phone: str | None
    kind: OrganizationKind


class HospitalList(Read):
    """Every party of the network, by name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "id": examples.CENTRAL_ID,
                            "name": "Bệnh viện Trung ương Thái Nguyên",
                            "short_name": examples.CENTRAL,
                            "province": "Thái Nguyên",
                            "facility_code": "D0001",
                            "phone": "0208 000 101",
                            "kind": "hospital",
                        }
                    ]
                }
            ]
        }
    )

    items: list[HospitalRead]


class DeskRead(Read):
    """A desk (bàn trực): one specialty at one hospital that answers."""

    id: UUID
    name: str
    specialty: str = Field(description="Code")
    hospital: UUID
    hospital_name: str
    phone: str | None
    may_ask: bool = Field(description="The caller's hospital has an agreement in force that this desk answers")
    red_team_size: int = Field(description="People that a red alert would ring here now")


class DeskList(Read):
    """Desks, those that the caller may ask first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_DESK]}]})

    items: list[DeskRead]


class Interval(Read):
    """A stretch of time, half-open, UTC."""

    model_config = ConfigDict(validate_by_name=True)

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")


class SlotRead(DoctorRead, Interval):
    """One doctor on duty in one role."""

    role: RotaRole


class OnCallRead(SlotRead):
    """Somebody on call at the instant asked for."""

    phone: str | None
    online: bool = Field(description="A device of theirs is connected now; it decides the channel, never who is rung")


class OnCallList(Read):
    """Who is on call: the desk's own people, then leadership and coordination of its hospital."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ON_CALL]})

    desk: UUID
    at: datetime
    on_call: list[OnCallRead]


class GapRead(Interval):
    """A role that must have somebody has nobody, or nobody who could be reached when their duty began."""

    role: RotaRole
    kind: Literal["nobody", "unreachable"]


class DutyList(Interval):
    """Duty between two instants, clipped to them, sorted by start and role."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DUTY]})

    desk: UUID
    known_until: datetime | None = Field(description="The rota is worked out until then; nothing is known of later")
    slots: list[SlotRead]
    gaps: list[GapRead]


class HospitalDutyList(Interval):
    """Leadership and coordination of a hospital between two instants, clipped to them, sorted by start and role."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {name: value for name, value in _DUTY.items() if name != "desk"}
                | {"hospital": examples.CENTRAL_ID, "gaps": []}
            ]
        }
    )

    hospital: UUID
    known_until: datetime | None = Field(description="The rota is worked out until then; nothing is known of later")
    slots: list[SlotRead]
    gaps: list[GapRead]


class TelephoneRead(Read):
    """A number of a desk, ward, coordinator or hospital; never a person's."""

    hospital: UUID
    hospital_name: str
    name: str
    specialty: str | None = Field(description="Code, for a desk")
    phone: str | None
    kind: NumberKind


class TelephoneList(Read):
    """Whom to telephone when the system is away. Print it, and keep it with its date."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-23T20:05:41Z",
                    "items": [
                        {
                            "hospital": examples.CENTRAL_ID,
                            "hospital_name": examples.CENTRAL,
                            "name": examples.DESK,
                            "specialty": "K04",
                            "phone": "0208 000 104",
                            "kind": "desk",
                        }
                    ],
                }
            ]
        }
    )

    at: datetime
    items: list[TelephoneRead]


class InstallationRead(Read):
    """What a sign-in page must know before anybody has signed in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "hoichan", "demo": True}]})

    name: str
    demo: bool = Field(description="Demonstration data: not for patients. Every page says so")
