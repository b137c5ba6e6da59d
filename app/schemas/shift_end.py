"""What a doctor hands over at the end of a duty."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas import examples
from app.schemas.case_parts import Read, UnreadRead
from app.schemas.reads import ConsultationHeader


class SuccessorRead(Read):
    """Who is on duty at the desk of the case once the caller's duty has ended."""

    user: UUID
    name: str
    role: str
    since: datetime = Field(description="When that duty begins, or began")


class HeldCase(Read):
    """One case that the caller holds, or has concluded while its conclusion is not read back."""

    case: ConsultationHeader
    unread: list[UnreadRead] = Field(description="Advice that nobody has read back yet")
    handing_to: list[str] = Field(description="Who is being rung to take it over already")
    successor: SuccessorRead | None = Field(
        description="Null: nobody is next on duty, name somebody; or the case is concluded"
    )


class ToHandOverRead(Read):
    """Every case that the caller holds, or whose conclusion nobody has read back, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "case": examples.HEADER,
                            "unread": [examples.UNREAD],
                            "handing_to": [],
                            "successor": {
                                "user": examples.SECOND_ID,
                                "name": examples.SECOND,
                                "role": "primary",
                                "since": "2026-11-24T00:00:00Z",
                            },
                        }
                    ]
                }
            ]
        }
    )

    items: list[HeldCase]


class HandedCase(Read):
    """One case, and who is rung for it now."""

    consultation_id: UUID
    number: str
    user: UUID | None
    name: str | None


class ShiftHandOverRead(Read):
    """What is being handed over; each case stays with the caller until it is accepted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "consultation_id": examples.CASE_ID,
                            "number": "HC-0412",
                            "user": examples.SECOND_ID,
                            "name": examples.SECOND,
                        }
                    ]
                }
            ]
        }
    )

    items: list[HandedCase]
