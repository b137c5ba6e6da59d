"""The parts that a case is read in: its patient, vital signs, callouts, people, messages, conclusions and outcomes."""

from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.models.callout import CalloutState, OfferState
from app.models.urgency import Urgency
from app.schemas import examples
from app.schemas.patient import Sex, System
from app.schemas.requests import SafetyState

Attendance: TypeAlias = Literal["coming", "cannot", "stood_down"]


class Read(BaseModel):
    """Something that the server tells. Clients must let fields pass that they do not know."""


class IdentifierRead(Read):
    """A number that stands for the patient somewhere else."""

    system: System
    value: str


class PatientRead(Read):
    """The patient. On an offer card birth date and identifiers are held back."""

    label: str = Field(description="Name, or the temporary code that the asking side uses")
    sex: Sex
    birth_date: date | None
    age_years: int | None = Field(description="Completed years when the request was made")
    age_months: int | None = Field(description="Completed months, for a child; the whole age")
    weight_kg: float | None = Field(description="kg")
    identifiers: list[IdentifierRead]


class DiagnosisRead(Read):
    """The main working diagnosis."""

    code: str | None = Field(description="ICD-10")
    text: str | None


class SafetyFact(Read):
    """What must be known before a medicine is advised. `none` was asked and is no; `not_asked` is not safe."""

    state: SafetyState
    text: str


class SafetyRead(Read):
    """Shown on every card and beside the conclusion."""

    allergies: SafetyFact
    anticoagulant: SafetyFact
    pregnancy: SafetyFact
    weight: SafetyFact


class OfferRead(Read):
    """One doctor rung by a callout. Delivered, seen and answered are separate facts with separate times."""

    id: UUID
    doctor: UUID
    doctor_name: str
    role: str = Field(
        description="primary, backup, head_of_shift, red_team, leadership, coordinator, on_duty, holder, …"
    )
    step: int = Field(description="Step of the ladder that rang this doctor, from 0")
    state: OfferState
    reason: str | None = Field(description="Why declined or withdrawn: procedure, busy, taken, cancelled, …")
    reason_text: str | None
    made_at: datetime
    delivered_at: datetime | None = Field(description="When a device said that it has it")
    seen_at: datetime | None
    undelivered: bool = Field(description="30 s passed and no device has it: telephone")
    expired_at: datetime | None = Field(description="When its sound ended; it can still be accepted")
    answered_at: datetime | None
    answered_via: Literal["client", "voice", "link"] | None = Field(
        description="How the answer came: in the client, by a key in a call, by a single-use link"
    )
    attendance: Attendance | None = Field(description="Red team, after the leader accepted")


class DoctorRead(Read):
    """A doctor, by name."""

    doctor: UUID
    doctor_name: str


class LadderStep(Read):
    """One step of the ladder as it was frozen when the callout opened."""

    step: int
    who: list[str] = Field(description="Roles rung, `user:<id>` for one person, `desk:<id>` for a partner desk")
    mode: Literal["all", "one_by_one", "least_offered"] = "all"
    sticky: bool = Field(default=False, description="Rings first the doctor who knows the patient")
    at: datetime | None = Field(description="When it began, or will if nobody takes the case; null: it will not")
    started: bool
    doctors: list[DoctorRead] = Field(description="Rung, or to be rung as the rota stands now")
    passed_over: list[DoctorRead] = Field(default=[], description="On duty, but they hold as many cases as they can")


class CalloutRead(Read):
    """One desk being rung for one consultation, with its ladder and everybody rung."""

    id: UUID
    desk: UUID
    desk_name: str
    desk_phone: str | None
    hospital: UUID
    hospital_name: str
    specialty: str = Field(description="Code of the desk's specialty")
    urgency: Urgency
    state: CalloutState
    step: int = Field(description="Present step, from 0")
    steps_total: int
    round: int = Field(description="How many times the last step has rung")
    next_due_at: datetime | None = Field(description="When the next person is rung; null when it no longer rings")
    opened_at: datetime
    ended_at: datetime | None
    reason: str | None = Field(description="Why it opened: request, urgency_raised, forwarded, second_specialty, …")
    ended_reason: str | None = Field(None, description="Why it ended: taken, cancelled, rerouted, superseded, …")
    question: str | None = Field(None, description="What this desk is asked, where it is not the case's question")
    note: str | None = Field(None, description="What whoever hands the case over wrote to whoever takes it")
    note_by_name: str | None = None
    offers: list[OfferRead]
    ladder: list[LadderStep]


class ParticipantRead(Read):
    """One person's part in the case, and how far they have read."""

    user: UUID
    name: str
    role: Literal["requester", "colleague", "assigned", "team", "invited", "consultant", "former"]
    hospital_name: str | None
    joined_at: datetime
    left_at: datetime | None
    attendance: Attendance | None
    delivered_n: int = Field(description="Highest place in the case's stream that reached a device of theirs")
    seen_n: int = Field(description="Highest place that they have seen")


class ConclusionRead(Read):
    """A conclusion (kết luận), in the parts of the consultation record."""

    event_id: UUID = Field(description="What a read-back names")
    at: datetime
    by: UUID
    by_name: str
    by_licence: str | None
    summary: str
    conclusion: str
    plan: str
    decision: str | None
    supersedes: UUID | None = Field(description="The conclusion that this one replaces; that one stays readable")


class ReadBackRead(Read):
    """What the requesting side said it understood of one opinion or conclusion."""

    event_id: UUID = Field(description="The opinion or conclusion read back")
    by: UUID
    by_name: str
    understood: bool
    text: str
    at: datetime
    done_already: bool | None = Field(description="Of a correction: whether the old advice was carried out before")


class CallRead(Read):
    """A conversation by telephone, typed by one side and confirmed by the other."""

    id: UUID
    at: datetime = Field(description="When it took place")
    by: UUID
    by_name: str
    side: Literal["asking", "answering"] = Field(description="Who wrote it down")
    text: str
    recorded_at: datetime
    confirmed_by: UUID | None
    confirmed_by_name: str | None
    confirmed_at: datetime | None = Field(
        description="Null: the other side has not said so yet, and it counts for nothing"
    )


class TelephoneTimesRead(Read):
    """A case that was entered after it had been handled by telephone: when it was asked and answered, when entered."""

    asked_at: datetime = Field(description="When the question was asked on the telephone")
    answered_at: datetime = Field(description="When the answer was heard")
    entered_at: datetime = Field(description="When the case was entered; the server's clock, as `created_at`")


class TelephoneRead(TelephoneTimesRead):
    """What the ward says about that conversation, and who has confirmed it."""

    answered_by: UUID | None = Field(description="Null: known by name only")
    answered_by_name: str = Field(description="As the account or the ward says")
    entered_by_name: str
    text: str = Field(description="What was asked and advised, as the ward heard it")
    confirmed_by_name: str | None = Field(description="Null: nobody has confirmed it")
    confirmed_at: datetime | None


class UnreadRead(Read):
    """Advice that nobody has read back yet."""

    event_id: UUID = Field(description="The opinion or conclusion")
    opinion_at: datetime
    step: int = Field(description="-1 nobody rung yet, 0 the ward, 1 its telephone, 2 the asking side's coordinator")
    due_at: datetime = Field(description="When it is rung for again")


class OutcomeRead(Read):
    """What became of the patient."""

    at: Literal["24h", "7d", "discharge"]
    result: Literal["treated_locally", "transferred", "transfer_avoided", "diagnosis_changed", "died"]
    text: str
    by: UUID
    by_name: str
    reported_at: datetime


class MessageRead(Read):
    """A message of the discussion. A corrected one stays readable and says by what it was superseded."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MESSAGE]})

    event_id: UUID
    n: int = Field(description="Place in the case's stream")
    text: str
    opinion: bool = Field(description="Advice (ý kiến hội chẩn), which the requesting side reads back")
    author: UUID
    author_name: str
    author_hospital_name: str | None
    at: datetime = Field(description="When the server took it")
    written_at: datetime | None = Field(description="The device's time of writing, where it can be believed")
    supersedes: UUID | None
    superseded_by: UUID | None
    vitals_id: UUID | None = Field(description="The newest set of vital signs when an opinion was given")
