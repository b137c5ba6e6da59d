"""The consultation record (biên bản hội chẩn): the form's own fields, and the annex for consultation at a distance.

Labels are those of form 27/BV2 (formerly 40/BV-01) as hospital software prints them; the official form decides.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.models.consultation import Status
from app.models.urgency import Urgency
from app.schemas import examples
from app.schemas.case_parts import (
    CallRead,
    ConclusionRead,
    MessageRead,
    OutcomeRead,
    Read,
    ReadBackRead,
    SafetyRead,
    TelephoneRead,
)
from app.schemas.vitals import VitalsRead


class FormField(Read):
    """One box of the form."""

    key: str
    label: str = Field(description="As printed on the form, Vietnamese")
    value: str | None = Field(description="Null: nobody has recorded it; it is never guessed")


class TimelineRow(Read):
    """One fact of the case in words."""

    n: int
    at: datetime
    by_name: str | None = Field(description="Null: the system, by a timer")
    type: str
    text: str = Field(description="Vietnamese")


class RecordPerson(Read):
    """Somebody who took part, with the licence to practise."""

    user: UUID
    name: str
    role: str = Field(description="requester, colleague, assigned, team, invited, former")
    hospital_name: str | None
    licence: str | None
    joined_at: datetime
    left_at: datetime | None


class OpinionRead(MessageRead):
    """An opinion, the vital signs it was given on, and who read it back."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.OPINION]})

    vitals: VitalsRead | None
    read_backs: list[ReadBackRead]


class RecordConclusion(ConclusionRead):
    """A conclusion with its read-backs; superseded ones stay."""

    superseded: bool
    read_backs: list[ReadBackRead]


class RequestRead(Read):
    """What the asking side wrote, by ISBAR, as it stands now; every change is in the timeline."""

    question: str
    situation: str
    background: str
    assessment: str
    recommendation: str


class RecordAnnex(Read):
    """What a consultation at a distance adds to the form."""

    asking_hospital: str
    answering_hospitals: list[str] = Field(description="Those whose desks were rung; the one that held the case first")
    specialty: str = Field(description="Name, Vietnamese")
    urgency: Urgency
    channel: list[Literal["text", "telephone"]] = Field(description="How the two sides spoke")
    requested_at: datetime = Field(description="Of a case that was handled by telephone, when it was asked there")
    started_at: datetime | None = Field(description="First acceptance; by telephone, when it was answered there")
    answered_at: datetime | None = Field(description="First opinion or conclusion, or confirmed call")
    ended_at: datetime | None = Field(description="The conclusion that stands")
    patient_informed: bool | None = Field(description="Null: not recorded")
    files: list[str] = Field(max_length=0, description="Files opened, and when; this version takes none")
    warnings: list[str]
    people: list[RecordPerson]
    request: RequestRead
    safety: SafetyRead
    vitals: list[VitalsRead]
    timeline: list[TimelineRow]
    opinions: list[OpinionRead]
    conclusions: list[RecordConclusion]
    calls: list[CallRead] = Field(description="By telephone: typed by one side, confirmed by the other or not yet")
    telephone: TelephoneRead | None = Field(description="Handled by telephone and entered afterwards; else null")
    outcomes: list[OutcomeRead]


class RecordRead(Read):
    """The record as the facts have it at this moment. A draft until the specialist has concluded."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RECORD]})

    form: Literal["27/BV2"]
    title: str
    state: Literal["draft", "final"]
    made_at: datetime
    consultation_id: UUID
    number: str
    version: int = Field(description="Head of the case's stream that this was built from")
    status: Status
    demo: bool
    drill: bool
    health_department: str | None
    fields: list[FormField] = Field(description="The boxes of the form, in its order")
    missing: list[str] = Field(description="Keys of boxes that nobody has filled")
    annex: RecordAnnex
    text: str = Field(description="The whole as plain Vietnamese text, for the hospital's own file")
