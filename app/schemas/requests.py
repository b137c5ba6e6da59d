"""The bodies of the commands on a consultation: the request itself (ISBAR), its correction, and everything after."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, get_args
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from app.models import clinical
from app.models.clinical import Doubt
from app.models.urgency import Urgency
from app.schemas.body import Body, Complaint, refuse
from app.schemas.patient import EXAMPLE as PATIENT_EXAMPLE
from app.schemas.patient import PatientIn, PatientPatch
from app.schemas.text import Label, Line, NeededMessage, NeededPassage, Note, Passage, Question, needed, says_nothing
from app.schemas.times import Instant
from app.schemas.vitals import EXAMPLE as VITALS_EXAMPLE
from app.schemas.vitals import VitalsIn

# ICD-10 as used in Vietnam: a letter, two characters, and up to four more after an optional point; 7 in all without it.
_ICD10: Final = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
_EXAMPLE_ID: Final = "0199a3c2-7b41-7d2e-9c55-2f60b1a4d803"

KindOfHelp: TypeAlias = Literal["diagnosis", "treatment", "surgery", "transfer", "imaging"]
SafetyState: TypeAlias = Literal["value", "none", "unknown", "not_asked"]


def _specialty(code: str) -> str:
    code = code.strip()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}", code):
        raise PydanticCustomError("specialty_form", "A specialty is a code such as K04")
    return code


def _icd10(code: str) -> str:
    """Read "i21.1" as I21.1; the dagger and the asterisk of dual coding are dropped."""
    code = code.strip().rstrip("†*+").strip().upper()
    if code and not _ICD10.fullmatch(code):
        raise PydanticCustomError("icd10_form", "An ICD-10 code looks like I21.1")
    return code


Specialty: TypeAlias = Annotated[str, AfterValidator(_specialty)]
Icd10: TypeAlias = Annotated[str, AfterValidator(_icd10)]


class DiagnosisIn(Body):
    """The main working diagnosis; further ones belong in the assessment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "I21.1", "text": "Nhồi máu cơ tim cấp thành dưới"}]}
    )

    code: Icd10 = Field("", description="ICD-10, up to 7 characters and a point; upper case is made of lower case")
    text: Line = Field("", description="The diagnosis in words")


class SafetyFactIn(Body):
    """Something that can kill when nobody has asked. "none" is an answer; "unknown" and "not_asked" are not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "value", "text": "Penicillin: phát ban"}]})

    state: SafetyState = Field(
        "not_asked", description="value (yes; see text), none (asked: no), unknown (asked: nobody knows), not_asked"
    )
    text: Line = Field("", description="What exactly; or who said so")

    @model_validator(mode="after")
    def _text_is_an_answer(self) -> Self:
        if self.text and "state" not in self.model_fields_set:
            self.state = "value"
        return self


class SafetyIn(Body):
    """Shown on every card and beside the conclusion."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "allergies": {"state": "none"},
                    "anticoagulant": {"state": "unknown", "text": "Người nhà không rõ thuốc đang dùng"},
                    "pregnancy": {"state": "none"},
                    "weight": {"state": "value", "text": "64 kg"},
                }
            ]
        }
    )

    allergies: SafetyFactIn = Field(default_factory=SafetyFactIn, description="Allergies to medicines and others")
    anticoagulant: SafetyFactIn = Field(default_factory=SafetyFactIn, description="Anticoagulants, platelet inhibitors")
    pregnancy: SafetyFactIn = Field(default_factory=SafetyFactIn, description="value: pregnant; none: not pregnant")
    weight: SafetyFactIn = Field(
        default_factory=SafetyFactIn, description="Becomes value by itself when the patient's weight_kg is given"
    )


class SafetyPatch(Body):
    """Facts asked later; what is left out stays as it is."""

    allergies: SafetyFactIn | None = None
    anticoagulant: SafetyFactIn | None = None
    pregnancy: SafetyFactIn | None = None
    weight: SafetyFactIn | None = None


REQUEST_EXAMPLE: Final[dict[str, Any]] = {
    "specialty": "K04",
    "urgency": "orange",
    "question": "Sốc nhẹ, ST chênh lên thành dưới. Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?",
    "situation": "Đau ngực sau xương ức giờ thứ 2, vã mồ hôi.",
    "background": "Tăng huyết áp 10 năm, hút thuốc lá. Không có tiền sử xuất huyết.",
    "assessment": "ECG 02:58: ST chênh lên DII, DIII, aVF; block nhĩ thất độ I. Đã cho aspirin 300 mg lúc 03:00.",
    "recommendation": "BVĐK Mộc Châu có thuốc tiêu sợi huyết, không có phòng can thiệp. Đi Thái Nguyên khoảng 7 giờ.",
    "kind_of_help": "treatment",
    "patient": PATIENT_EXAMPLE,
    "vitals": [VITALS_EXAMPLE],
    "diagnosis": {"code": "I21.1", "text": "Nhồi máu cơ tim cấp thành dưới"},
    "safety": {
        "allergies": {"state": "none"},
        "anticoagulant": {"state": "unknown", "text": "Người nhà không rõ thuốc đang dùng"},
        "pregnancy": {"state": "none"},
        "weight": {"state": "value", "text": "64 kg"},
    },
    "written_at": "2026-11-24T03:05:40+07:00",
}
RED_EXAMPLE: Final[dict[str, Any]] = {"specialty": "K04", "urgency": "red"}


class RequestIn(Body):
    """A request for consultation, by ISBAR.

    Needed: specialty, urgency, question, patient.label; under 16 years the weight too (or `safety.weight` unknown). A
    red alert needs its specialty only; everything else is completed while it rings.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [REQUEST_EXAMPLE, RED_EXAMPLE]})

    specialty: Specialty = Field(description="Code from GET /specialties, K04 for cardiology")
    urgency: Urgency = Field(description="red 5 min, orange 15 min, yellow 60 min, green 24 h to an answer")
    question: Question = Field("", description="The specific question; needed unless red")
    situation: Passage = Field("", description="S: what happens now")
    background: Passage = Field("", description="B: onset, history, medicines, tests")
    assessment: Passage = Field("", description="A: findings, what was given and when, trend")
    recommendation: Passage = Field("", description="R: what can be done here, plans for transfer")
    kind_of_help: KindOfHelp | None = Field(None, description="What is asked for most")
    patient: PatientIn = Field(default_factory=PatientIn)
    vitals: list[VitalsIn] = Field(default_factory=list, max_length=100, description="In any order; each with its time")
    diagnosis: DiagnosisIn | None = None
    safety: SafetyIn = Field(default_factory=SafetyIn)
    desk_id: UUID | None = Field(None, description="A desk to ring; otherwise routed by agreement, specialty and duty")
    previous_id: UUID | None = Field(
        None, description="An earlier case of the same patient: its doctor is rung first for 60 s, if on duty now"
    )
    written_at: Instant | None = Field(
        None, description="The device's time of writing; a wrong clock is noted and blocks nothing"
    )
    drill: StrictBool = Field(
        default=False, description="An exercise: rings like a real request and says DIỄN TẬP everywhere; never changes"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        refuse("RequestIn", self._lacks())
        self.vitals.sort(key=lambda vitals: vitals.taken_at)
        if self.diagnosis and not (self.diagnosis.code or self.diagnosis.text):
            self.diagnosis = None
        if self.patient.weight_kg is not None and self.safety.weight.state != "value":
            self.safety.weight = SafetyFactIn(state="value", text=_kilograms(self.patient.weight_kg))
        return self

    def _lacks(self) -> Iterator[Complaint]:
        if self.urgency is Urgency.RED:
            return
        if says_nothing(self.question):
            yield Complaint(("question",), "needed")
        if says_nothing(self.patient.label):
            yield Complaint(("patient", "label"), "needed")

    def check(self, now: datetime) -> None:
        """Refuse what the time shows to be wrong; raises ValidationError with every complaint under its field.

        To be called by whoever knows the time, before anything is stored.
        """
        refuse("RequestIn", self.complaints(now))

    def complaints(self, now: datetime) -> Iterator[Complaint]:
        """Name what cannot be, seen from now."""
        for complaint in self.patient.complaints(now):
            yield complaint.under("patient")
        if self._weight_is_due(now):
            yield Complaint(("patient", "weight_kg"), "weight_needed", {"years": clinical.CHILD_BELOW_YEARS})
        for place, vitals in enumerate(self.vitals):
            for complaint in vitals.complaints(now):
                yield complaint.under("vitals", place)

    def _weight_is_due(self, now: datetime) -> bool:
        """Under 16 doses go by weight; only a red alert, or having said that it is unknown, does without."""
        if self.urgency is Urgency.RED or self.patient.weight_kg is not None:
            return False
        years = self.patient.years(now)
        return years is not None and years < clinical.CHILD_BELOW_YEARS and self.safety.weight.state != "unknown"

    def doubts(self, now: datetime) -> list[Doubt]:
        """Name what is accepted but worth a second look, fields as dotted paths into this body."""
        doubts = [doubt.under("patient") for doubt in self.patient.doubts()]
        for place, vitals in enumerate(self.vitals):
            doubts += [doubt.under(f"vitals.{place}") for doubt in vitals.doubts(now)]
        if self.patient.sex == "male" and self.safety.pregnancy.state == "value":
            doubts.append(Doubt("safety.pregnancy", "pregnant_male"))
        _, clock = clinical.written_at(self.written_at, now)
        return [*doubts, clock] if clock else doubts


TELEPHONE_EXAMPLE: Final[dict[str, Any]] = {
    "asked_at": "2026-11-24T02:40:00+07:00",
    "answered_at": "2026-11-24T02:55:00+07:00",
    "answered_by": _EXAMPLE_ID,
    "text": "Hỏi tiêu sợi huyết hay chuyển. BS dặn tenecteplase 35 mg tĩnh mạch một lần, rồi chuyển.",
}


class TelephoneIn(Body):
    """A conversation that took place while there was no other way: when, with whom, and what was said."""

    model_config = ConfigDict(json_schema_extra={"examples": [TELEPHONE_EXAMPLE]})

    asked_at: Instant = Field(description="When the question was asked; not in the future, at most 7 days ago")
    answered_at: Instant = Field(description="When the answer was heard; not before `asked_at`, not in the future")
    answered_by: UUID | None = Field(None, description="The doctor spoken to, of the hospital that is asked")
    answered_by_name: Line = Field("", description="Instead of `answered_by`: the name, where there is no account")
    text: Annotated[Note, AfterValidator(needed)] = Field(description="What was asked and advised, as heard")

    @model_validator(mode="after")
    def _by_somebody(self) -> Self:
        if (self.answered_by is None) == says_nothing(self.answered_by_name):
            refuse("TelephoneIn", [Complaint(("answered_by",), "told_by_one")])
        return self

    def complaints(self, now: datetime) -> Iterator[Complaint]:
        """Name what cannot be, seen from now."""
        for name, at in (("asked_at", self.asked_at), ("answered_at", self.answered_at)):
            if at > now + clinical.MAY_BE_AHEAD:
                yield Complaint((name,), "told_in_future")
            elif now - at > clinical.LATELY:
                yield Complaint((name,), "told_too_long_ago", {"days": clinical.LATELY.days})
        if self.answered_at < self.asked_at:
            yield Complaint(("answered_at",), "told_before_asked")


class TelephoneRequestIn(RequestIn):
    """A request that was asked and answered by telephone, entered afterwards: everything of a request, and the call."""

    model_config = ConfigDict(json_schema_extra={"examples": [REQUEST_EXAMPLE | {"telephone": TELEPHONE_EXAMPLE}]})

    telephone: TelephoneIn

    def complaints(self, now: datetime) -> Iterator[Complaint]:
        """Name what cannot be, seen from now."""
        yield from super().complaints(now)
        for complaint in self.telephone.complaints(now):
            yield complaint.under("telephone")


class ConsultationPatch(Body):
    """What is completed or corrected while the case is open. What is left out, or null, stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "background": "Tăng huyết áp 10 năm. Đang dùng clopidogrel 75 mg.",
                    "safety": {"anticoagulant": {"state": "value", "text": "Clopidogrel 75 mg/ngày"}},
                    "patient": {"weight_kg": 64},
                }
            ]
        }
    )

    question: Annotated[Question, AfterValidator(needed)] | None = Field(None, description="The specific question")
    situation: Passage | None = None
    background: Passage | None = None
    assessment: Passage | None = None
    recommendation: Passage | None = None
    kind_of_help: KindOfHelp | None = None
    patient: PatientPatch | None = None
    diagnosis: DiagnosisIn | None = Field(None, description="Replaces the old one; empty code and text remove it")
    safety: SafetyPatch | None = None
    written_at: Instant | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.changes():
            refuse("ConsultationPatch", [Complaint((), "nothing_to_change")])
        return self

    def check(self, now: datetime) -> None:
        """Refuse what the time shows to be wrong; raises ValidationError."""
        if self.patient:
            refuse("ConsultationPatch", (complaint.under("patient") for complaint in self.patient.complaints(now)))

    def doubts(self, now: datetime) -> list[Doubt]:
        """Name what is accepted but worth a second look."""
        doubts = [doubt.under("patient") for doubt in self.patient.doubts()] if self.patient else []
        _, clock = clinical.written_at(self.written_at, now)
        return [*doubts, clock] if clock else doubts

    def changes(self) -> dict[str, Any]:
        """Return what was sent and nothing else, `patient`, `diagnosis` and `safety` as nested objects."""
        sent = self.model_dump(exclude_none=True, exclude_unset=True, exclude={"written_at", "safety", "diagnosis"})
        if self.diagnosis is not None:
            sent["diagnosis"] = self.diagnosis.model_dump()
        if self.safety is not None:
            # A fact is replaced whole: its state and its text belong together.
            sent["safety"] = self.safety.model_dump(exclude_none=True)
        return {name: value for name, value in sent.items() if value != {}}


class UrgencyIn(Body):
    """A new urgency. The reason is kept; to raise to red takes no reason, because nothing may slow that down."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"urgency": "red", "reason": "Huyết áp 70/40, mạch 38, lơ mơ."}]}
    )

    urgency: Urgency
    reason: Note = Field("", description="Why; needed unless red")

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.urgency is not Urgency.RED and says_nothing(self.reason):
            refuse("UrgencyIn", [Complaint(("reason",), "needed")])
        return self


class AcceptanceIn(Body):
    """Nothing to say: taking the case is the whole message."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class AttendanceIn(Body):
    """A member of a red team answers after the leader has accepted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"coming": True}]})

    coming: StrictBool = Field(description="true: coming; false: cannot come")


class StandDownIn(Body):
    """The leader of a red team lets members go."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": _EXAMPLE_ID}]})

    user_id: UUID | None = Field(None, description="One member; everybody who has not answered when left out")


RefusalReason: TypeAlias = Literal["procedure", "wrong_specialty", "busy", "not_on_duty", "not_me", "other"]
_REASONS: Final = frozenset(get_args(RefusalReason))


class RefusalIn(Body):
    """An offered doctor cannot take the case; the next one is rung at once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "procedure"}]})

    reason: RefusalReason = Field(
        description="procedure: in a procedure; wrong_specialty; busy: with another red case; "
        "not_on_duty: the rota is wrong, the coordinator is told; not_me: somebody else was asked by telephone (only "
        "where a call is to be confirmed); other: see text. "
        "Words instead of a code are kept as the text of «other»"
    )
    text: Note = Field("", description="Needed when the reason is other")

    @model_validator(mode="before")
    @classmethod
    def _words_are_a_text(cls, data: Any) -> Any:
        """Nothing may slow a refusal down: whoever writes the reason in words has said enough."""
        if isinstance(data, dict) and isinstance(data.get("reason"), str) and data["reason"] not in _REASONS:
            words = ". ".join(w for w in (data["reason"], data.get("text")) if isinstance(w, str) and w)
            return {**data, "reason": "other", "text": words}
        return data

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.reason == "other" and says_nothing(self.text):
            refuse("RefusalIn", [Complaint(("text",), "needed")])
        return self


class AssignmentIn(Body):
    """A coordinator rings a named doctor, on top of those who are rung already."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": _EXAMPLE_ID}]})

    user_id: UUID
    callout_id: UUID | None = Field(None, description="Which ringing desk, when there are several")


class ForwardingIn(Body):
    """An offered or assigned doctor passes the case on, to a doctor or to a desk; it rings here until taken there."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"desk_id": _EXAMPLE_ID, "reason": "Nghi bóc tách động mạch chủ"}]}
    )

    user_id: UUID | None = None
    desk_id: UUID | None = None
    reason: Note = ""

    @model_validator(mode="after")
    def _to_one(self) -> Self:
        if (self.user_id is None) == (self.desk_id is None):
            refuse("ForwardingIn", [Complaint(("user_id",), "one_of", {"fields": "user_id, desk_id"})])
        return self


class ReRouteIn(Body):
    """Another desk is rung instead of the one that rings now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"desk_id": _EXAMPLE_ID, "reason": "Đúng ra là bàn Ngoại lồng ngực"}]}
    )

    desk_id: UUID
    reason: Note = Field("", description="Why; kept, and shown to who is rung")


class SpecialtyIn(Body):
    """A second specialty is asked in parallel; the case stays with its holder."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"specialty": "K11", "question": "Có chỉ định dẫn lưu màng phổi không?"}]}
    )

    specialty: Specialty | None = None
    desk_id: UUID | None = None
    question: Annotated[Question, AfterValidator(needed)] = Field(description="What this specialty is asked")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.specialty is None) == (self.desk_id is None):
            refuse("SpecialtyIn", [Complaint(("specialty",), "one_of", {"fields": "specialty, desk_id"})])
        return self


class CancellationIn(Body):
    """The requester takes the request back. No reason is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Bấm nhầm"}, {}]})

    reason: Note = ""


class ParticipantIn(Body):
    """Somebody is invited into the case and may read and write in it from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": _EXAMPLE_ID, "role": "invited"}]})

    user_id: UUID
    role: Literal["invited", "team"] = "invited"


class MessageIn(Body):
    """A message of the discussion; as an opinion it is advice, which the requesting side reads back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "Tiêu sợi huyết ngay nếu không chống chỉ định: tenecteplase 35 mg, một lần, tĩnh mạch.",
                    "opinion": True,
                    "written_at": "2026-11-24T03:12:05+07:00",
                }
            ]
        }
    )

    text: NeededMessage = Field(description="Kept as typed; never translated, never corrected")
    opinion: StrictBool = Field(default=False, description="Whether this is an opinion (ý kiến hội chẩn)")
    written_at: Instant | None = Field(None, description="The device's time of writing")
    supersedes: UUID | None = Field(None, description="The message that this one corrects; it stays, struck out")


class ReadBackIn(Body):
    """The requesting side says what it understood of one opinion or conclusion."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": _EXAMPLE_ID,
                    "understood": True,
                    "text": "Tenecteplase 35 mg tiêm tĩnh mạch một lần, rồi chuyển.",
                }
            ]
        }
    )

    event_id: UUID = Field(description="The opinion or conclusion")
    understood: StrictBool
    text: Note = Field("", description="The advice in one's own words, or what is not clear")
    done_already: StrictBool | None = Field(
        None, description="Of a correction only: whether the old advice was carried out before this one was read"
    )


class ConclusionIn(Body):
    """The specialist's conclusion, in the three parts of the consultation record (form 27/BV2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "summary": "Nam 58 tuổi, đau ngực giờ thứ 2, ST chênh lên thành dưới, huyết áp 94/60.",
                    "conclusion": "Nhồi máu cơ tim cấp thành dưới, sốc tim giai đoạn sớm.",
                    "plan": "1. Tenecteplase 35 mg tĩnh mạch. 2. Chuyển BV Trung ương Thái Nguyên ngay sau bơm.",
                    "decision": "Chuyển viện sau bơm",
                }
            ]
        }
    )

    summary: NeededPassage = Field(description="Tóm tắt quá trình diễn biến bệnh, điều trị và chăm sóc")
    conclusion: NeededPassage = Field(description="Kết luận")
    plan: NeededPassage = Field(description="Hướng điều trị tiếp")
    decision: Line | None = Field(None, description="Quyết định: treat there, transfer, more data needed, …")


class OutcomeIn(Body):
    """What became of the patient. The outcome at discharge closes the case."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"at": "24h", "result": "transferred", "text": "Đã can thiệp, huyết áp 110/70."}]
        }
    )

    at: Literal["24h", "7d", "discharge"]
    result: Literal["treated_locally", "transferred", "transfer_avoided", "diagnosis_changed", "died"] = Field(
        description="transfer_avoided: a transfer was intended before the advice and not done after it"
    )
    text: Note = ""


class HandOverIn(Body):
    """The holder offers the case to a successor and keeps it until it is accepted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": _EXAMPLE_ID, "note": "Chờ troponin lúc 06:00."}]}
    )

    user_id: UUID
    note: Note = ""


class CallIn(Body):
    """The two sides spoke by telephone. It counts once somebody of the other side has confirmed it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"at": "2026-11-24T03:10:00+07:00", "text": "Dặn tiêm tenecteplase 35 mg, rồi chuyển."}]
        }
    )

    at: Instant = Field(description="When the call took place; not in the future")
    text: Note = Field("", description="What was said, typed")


class CallConfirmationIn(Body):
    """Nothing to say: the call took place as it was written down."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class WardOwnerIn(Body):
    """Who answers for the asking side from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": _EXAMPLE_ID}]})

    user_id: UUID = Field(description="A requesting doctor of the same ward")


class RealIn(Body):
    """This drill is real. One tap is enough; what is known already may come along."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"question": "Ngừng tim khi đang diễn tập, xin vào hỗ trợ ngay."}]}
    )

    question: Question = Field("", description="The question of the drill when left out")
    label: Label = Field("", description="A label made by the house when left out")


class ShiftHandOverIn(Body):
    """The doctor whose duty ends offers the cases they hold to a successor, and keeps each until it is accepted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"user_id": _EXAMPLE_ID, "cases": [_EXAMPLE_ID], "note": "Hết ca trực"}]}
    )

    user_id: UUID | None = Field(None, description="The next on duty at the desk of each case when left out")
    cases: list[UUID] = Field(default_factory=list, max_length=100, description="All cases held when left out")
    note: Note = ""


def _kilograms(weight: float) -> str:
    return f"{weight:g} kg".replace(".", ",")
