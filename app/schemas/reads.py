"""What is read of a case, described for clients. `consultation.py` beside this builds exactly these objects.

The services answer with plain objects, so that the hot path builds nothing twice; a test holds both to each other.
Every instant is ISO 8601 in UTC with `Z`. A field is null when nobody has said it, and never left out for that.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from app.models.callout import OfferState
from app.models.consultation import Status
from app.models.urgency import Urgency
from app.schemas import examples
from app.schemas.case_parts import (
    Attendance,
    CalloutRead,
    CallRead,
    ConclusionRead,
    DiagnosisRead,
    DoctorRead,
    MessageRead,
    OfferRead,
    OutcomeRead,
    ParticipantRead,
    PatientRead,
    Read,
    ReadBackRead,
    SafetyRead,
    TelephoneRead,
    TelephoneTimesRead,
    UnreadRead,
)
from app.schemas.patient import Sex
from app.schemas.record import RecordRead
from app.schemas.requests import KindOfHelp
from app.schemas.vitals import News2Read, VitalsRead


class CaseRead(Read):
    """The whole case (`full`), or what an offer opens (`card`): no identifiers, participants or conclusions."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CASE]})

    id: UUID
    number: str = Field(description="Case number, as it is said on the telephone")
    version: int = Field(description="Head of the case's stream; grows by one with every fact")
    view: Literal["full", "card"]
    status: Status
    urgency: Urgency
    specialty: str = Field(description="Code")
    question: str
    situation: str
    background: str
    assessment: str
    recommendation: str
    kind_of_help: KindOfHelp | None
    patient: PatientRead
    diagnosis: DiagnosisRead | None
    safety: SafetyRead
    vitals: list[VitalsRead] = Field(description="Oldest first")
    news2: News2Read | None = Field(description="Of the newest set alone")
    hospital: UUID = Field(description="Asking hospital")
    hospital_name: str
    ward: UUID | None
    ward_name: str | None
    ward_phone: str | None
    requester: UUID
    requester_name: str
    requester_phone: str | None
    requester_licence: str | None
    holder: UUID | None = Field(description="Who answers for the question; null: nobody yet")
    holder_name: str | None
    holder_licence: str | None
    held_since: datetime | None
    heard_at: datetime | None = Field(description="The holder's last word: message, opinion or confirmed call")
    ward_owner: UUID = Field(description="Who answers for the asking side: the requester, unless a colleague was named")
    ward_owner_name: str
    callouts: list[CalloutRead] = Field(description="Oldest first")
    participants: list[ParticipantRead]
    warnings: list[str] = Field(description="outside_agreement, other_specialty")
    answer_due_at: datetime = Field(description="When an opinion or a conclusion is due")
    answered_at: datetime | None
    written_at: datetime | None
    created_at: datetime
    updated_at: datetime
    concluded_at: datetime | None
    closed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    conclusion: ConclusionRead | None = Field(description="The one that stands")
    conclusions: list[ConclusionRead] = Field(description="All, oldest first; the last one stands")
    outcomes: list[OutcomeRead]
    read_backs: list[ReadBackRead]
    calls: list[CallRead] = Field(description="Conversations by telephone, oldest first")
    unread: list[UnreadRead] = Field(description="Advice that nobody has read back yet")
    outcome_due_at: datetime | None
    telephone: TelephoneRead | None = Field(description="Handled by telephone and entered afterwards; else null")
    drill: bool = Field(description="An exercise, not a patient")
    demo: bool = Field(description="Demonstration data: not for patients")
    may: list[str] = Field(description="What the reader may do now: accept, decline, post_message, conclude, …")


class RingingRead(DoctorRead):
    """Somebody whose device rings now."""

    role: str
    delivered_at: datetime | None
    seen_at: datetime | None
    undelivered: bool


class ConsultationHeader(Read):
    """The board row of a case: who has it and what happens next. No free text unless the reader may read content."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.HEADER]})

    consultation_id: UUID
    id: UUID
    number: str
    version: int
    status: Status
    urgency: Urgency
    specialty: str
    hospital: UUID
    hospital_name: str
    ward_name: str | None
    requester_name: str
    sex: Sex
    age_years: int | None
    age_months: int | None
    diagnosis_code: str | None
    holder: UUID | None
    holder_name: str | None
    held_since: datetime | None
    answer_due_at: datetime
    answered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    concluded_at: datetime | None
    outcome_due_at: datetime | None
    warnings: list[str]
    drill: bool
    telephone: TelephoneTimesRead | None = Field(description="Handled by telephone and entered afterwards; else null")
    quiet: bool = Field(description="Nobody is rung: somebody is asked to confirm what was said by telephone")
    exhausted: bool = Field(description="The ladder has ended and nobody holds the case: the coordinator is rung")
    ringing: list[RingingRead]
    next_names: list[str] = Field(description="Who is rung at `next_due_at`")
    callout_id: UUID = Field(description="The callout that rings, else the one that was accepted, else the last")
    desk: UUID
    desk_name: str
    answering_hospital: UUID
    answering_hospital_name: str
    step: int
    steps_total: int
    round: int
    next_due_at: datetime | None
    label: str = Field("", description="Only where the reader may read content")
    question: str = Field("", description="Only where the reader may read content")
    situation: str = Field("", description="Only where the reader may read content")


class CaseHeaderRead(ConsultationHeader):
    """What somebody sees of a case whose content is not theirs to read."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CASE_HEADER]})

    view: Literal["header"]
    may: list[str]
    demo: bool
    callouts: list[CalloutRead] = Field(max_length=0, description="Always empty in this view")
    participants: list[ParticipantRead] = Field(max_length=0, description="Always empty in this view")


class ConsultationRead(RootModel[Annotated[CaseRead | CaseHeaderRead, Field(discriminator="view")]]):
    """The case in the widest view that its reader may have; `view` says which."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CASE]})


class ConsultationPage(Read):
    """A page of cases, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [examples.HEADER], "next": "WyIyMDI2LTExLTIzVDIwOjA1OjQxWiJd"}]}
    )

    items: list[ConsultationHeader]
    next: str | None = Field(description="`cursor` of the next page; null at the end")


class OfferCard(Read):
    """An offer to the reader, with what is needed to decide: the question and the patient, without identifiers."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.OFFER]})

    offer_id: UUID
    consultation_id: UUID
    callout_id: UUID
    desk: UUID
    desk_name: str
    question: str | None = Field(None, description="What this desk is asked, where it is not the case's question")
    note: str | None = Field(None, description="What whoever hands the case over wrote to whoever takes it")
    note_by_name: str | None = None
    step: int
    role: str
    state: OfferState
    made_at: datetime
    due_at: datetime = Field(description="When the next person is rung too")
    delivered_at: datetime | None
    seen_at: datetime | None
    expired_at: datetime | None
    attendance: Attendance | None
    doctor: UUID
    doctor_name: str
    quiet: bool = Field(
        description="Nobody waits: accepting confirms what was said by telephone (`card.telephone`), and makes no sound"
    )
    may_accept: bool = Field(description="False for a coordinator without the specialty: assign somebody")
    leader_name: str | None = Field(description="Red team: who leads already")
    card: CaseRead


class OfferPage(Read):
    """Every open offer to the reader, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [examples.OFFER]}]})

    items: list[OfferCard]


class MessagePage(Read):
    """A page of the discussion, in the server's order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [examples.MESSAGE], "next": None}]})

    items: list[MessageRead]
    next: int | None = Field(description="`cursor` of the next page; null at the end")


class FactRead(Read):
    """One fact of the case. Facts are never changed; `d` is empty once its retention has passed."""

    n: int = Field(description="Place in the case's stream, gapless from 1")
    id: UUID
    type: str = Field(description="Past tense: offer.made, message.posted, …")
    at: datetime
    by: UUID | None = Field(description="Null: the system, by a timer")
    by_name: str | None
    d: dict[str, Any] = Field(description="What the fact carries, by its type")


class HistoryPage(Read):
    """A page of the history, in order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [examples.FACT], "next": None}]})

    items: list[FactRead]
    next: int | None = Field(description="`cursor` of the next page; null at the end")


class AttachmentPage(Read):
    """The files of the case. This version takes none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": []}]})

    items: list[dict[str, Any]] = Field(max_length=0)


__all__ = [
    "AttachmentPage",
    "CalloutRead",
    "CaseHeaderRead",
    "CaseRead",
    "ConclusionRead",
    "ConsultationHeader",
    "ConsultationPage",
    "ConsultationRead",
    "FactRead",
    "HistoryPage",
    "MessagePage",
    "MessageRead",
    "OfferCard",
    "OfferPage",
    "OfferRead",
    "OutcomeRead",
    "ParticipantRead",
    "ReadBackRead",
    "RecordRead",
    "VitalsRead",
]
