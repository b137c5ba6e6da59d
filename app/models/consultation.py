"""A consultation (ca hội chẩn): the patient's question, who holds it, and every change it can go through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.errors import Invalid, MustAct, NotEligible, NotRinging, Taken, WrongState
from app.models.after import AFTER, HEARD, HELD, SILENT_AFTER, TYPED_TO_THE_MINUTE, Wait
from app.models.callout import (
    COORDINATOR,
    HOLDER_GONE,
    SECOND_SPECIALTY,
    Callout,
    CalloutState,
    Candidate,
    Offer,
    OfferState,
)
from app.models.discussion import Conclusion, Outcome, Participant, ReadBack, VitalSigns
from app.models.reminder import Reminder, Side, TelephoneCall
from app.models.urgency import Urgency

OUTCOME_DUE = timedelta(hours=24)
UNDO_RED = timedelta(seconds=10)


class Status(StrEnum):
    """ringing → active → concluded → closed, or cancelled."""

    RINGING = "ringing"
    ACTIVE = "active"
    CONCLUDED = "concluded"
    CLOSED = "closed"
    CANCELLED = "cancelled"


OPEN = (Status.RINGING, Status.ACTIVE)
LIVE = (Status.RINGING, Status.ACTIVE, Status.CONCLUDED)


@dataclass(frozen=True, slots=True)
class Person:
    """The one who acts, as the models need to know them."""

    id: UUID
    name: str
    licence: str | None = None
    hospital_id: UUID | None = None
    hospital_name: str | None = None
    specialties: frozenset[str] = frozenset()


@dataclass(slots=True)
class Acceptance:
    """What an acceptance changed."""

    callout: Callout
    offer: Offer
    withdrawn: list[Offer]
    ended: list[Callout]
    handed_over_from: UUID | None
    again: bool = False
    confirmed: TelephoneCall | None = None
    """What was said by telephone before the case was entered, which the acceptance confirms."""


@dataclass(slots=True)
class Ending:
    """Callouts that stopped and offers that were taken back with them."""

    callouts: list[Callout] = field(default_factory=list)
    withdrawn: list[Offer] = field(default_factory=list)

    def let_go(self, ringing: Iterable[Callout], *, now: datetime) -> None:
        """End what rang because nobody had said anything: there is a word."""
        for callout in ringing:
            self.withdrawn += callout.withdraw_open(HEARD, now=now)
            callout.end(CalloutState.ENDED, HEARD, now=now)
            self.callouts.append(callout)


class Consultation(Base):
    """The case. The row is also the counter of its stream (`version`) and the head of its hash chain (`head_hash`).

    Names of hospital, ward and people are kept as they were when the request was made: the record must show that night.
    """

    __tablename__ = "consultation"
    __allow_unmapped__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    hospital_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    hospital_name: Mapped[str]
    ward_id: Mapped[UUID | None] = mapped_column(ForeignKey("ward.id"))
    ward_name: Mapped[str | None]
    ward_phone: Mapped[str | None]
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    requester_name: Mapped[str]
    requester_phone: Mapped[str | None]
    requester_licence: Mapped[str | None]
    specialty: Mapped[str] = mapped_column(ForeignKey("specialty.code"))
    urgency: Mapped[str]
    status: Mapped[str]
    question: Mapped[str]
    situation: Mapped[str]
    background: Mapped[str]
    assessment: Mapped[str]
    recommendation: Mapped[str]
    kind_of_help: Mapped[str | None]
    label: Mapped[str]
    sex: Mapped[str]
    birth_date: Mapped[date | None]
    age_years: Mapped[int | None]
    age_months: Mapped[int | None]
    weight_kg: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    identifiers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    diagnosis_code: Mapped[str | None]
    diagnosis_text: Mapped[str | None]
    safety: Mapped[dict[str, Any]] = mapped_column(JSONB)
    warnings: Mapped[list[str]] = mapped_column(JSONB, default=list)
    drill: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    head_hash: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    holder_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    holder_name: Mapped[str | None]
    holder_licence: Mapped[str | None]
    held_since: Mapped[datetime | None]
    answer_due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None] = mapped_column(comment="the holder's last message or confirmed call")
    next_due_at: Mapped[datetime | None] = mapped_column(
        comment="when a held case has been silent, or unanswered, too long"
    )
    ward_owner_id: Mapped[UUID | None] = mapped_column(comment="who answers for the asking side; empty: the requester")
    telephoned_at: Mapped[datetime | None] = mapped_column(
        comment="when the question was asked by telephone; the case was entered afterwards, at created_at"
    )
    told_at: Mapped[datetime | None] = mapped_column(comment="when the answer was heard on the telephone")
    told_by_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("user_account.id"), comment="who answered, as the ward says; empty: known by name only"
    )
    told_by_name: Mapped[str | None]
    outcome_due_at: Mapped[datetime | None]
    written_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    concluded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]

    said: int
    """How many messages there are."""
    callouts: list[Callout]
    participants: list[Participant]
    vitals: list[VitalSigns]
    conclusions: list[Conclusion]
    read_backs: list[ReadBack]
    outcomes: list[Outcome]
    calls: list[TelephoneCall]
    reminders: list[Reminder]
    """Of advice that waits to be read back; closed ones are not loaded."""

    __table_args__ = (
        CheckConstraint("(holder_id IS NULL) = (held_since IS NULL)", name="holder_since"),
        CheckConstraint("status <> 'active' OR holder_id IS NOT NULL", name="active_is_held"),
        CheckConstraint("(telephoned_at IS NULL) = (told_at IS NULL)", name="asked_and_told"),
        Index("ix_consultation_hospital_open", "hospital_id", postgresql_where=text("status IN ('ringing','active')")),
        Index("ix_consultation_hospital_created", "hospital_id", "created_at"),
        Index("ix_consultation_ward_live", "ward_id", postgresql_where=text("status NOT IN ('closed','cancelled')")),
        Index("ix_consultation_created", "created_at", "id"),
        Index("ix_consultation_holder_active", "holder_id", postgresql_where=text("status = 'active'")),
        Index(
            "ix_consultation_identifiers",
            "identifiers",
            postgresql_using="gin",
            postgresql_ops={"identifiers": "jsonb_path_ops"},
            postgresql_where=text("identifiers <> '[]'"),
        ),
        Index("ix_consultation_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
    )

    # --- what is so -------------------------------------------------------------------------------------------------

    @property
    def ringing_callouts(self) -> list[Callout]:
        """Callouts that still ask somebody."""
        return [c for c in self.callouts if c.ringing]

    @property
    def held_through(self) -> Callout:
        """The callout that was accepted last; while none has been, the one that was opened last.

        A second specialty asked in parallel holds nothing.
        """
        own = [c for c in self.callouts if not c.parallel]
        accepted = [c for c in own if c.state == CalloutState.ACCEPTED]
        return (accepted or own)[-1]

    @property
    def conclusion(self) -> Conclusion | None:
        """The conclusion that stands."""
        return self.conclusions[-1] if self.conclusions else None

    @property
    def newest_vitals(self) -> VitalSigns | None:
        """The set of vital signs taken last."""
        return max(self.vitals, key=lambda v: (v.taken_at, v.recorded_at), default=None)

    def offers_to(self, user_id: UUID) -> list[Offer]:
        """All offers ever made to this doctor in this case."""
        return [o for c in self.callouts for o in c.offers if o.doctor_id == user_id]

    def participant(self, user_id: UUID) -> Participant | None:
        """Return the doctor's part in the case, present or past."""
        return next((p for p in self.participants if p.user_id == user_id), None)

    def needs_somebody(self, callout: Callout) -> bool:
        """Whether this callout may not fall silent.

        Nobody holds the case, its holder has gone or says nothing, or a second specialty still owes its answer.
        """
        return self.holder_id is None or callout.reason in (HOLDER_GONE, SECOND_SPECIALTY, *AFTER)

    @property
    def asked_at(self) -> datetime:
        """When the question was asked: by telephone, if the case was entered afterwards."""
        return self.telephoned_at or self.created_at

    @property
    def told(self) -> TelephoneCall | None:
        """The conversation because of which the case was entered afterwards."""
        return self.calls[0] if self.telephoned_at and self.calls else None

    @property
    def quiet(self) -> bool:
        """Whether the case only waits for somebody to confirm what was said by telephone."""
        own = [c for c in self.ringing_callouts if not c.parallel]
        return bool(own) and all(c.quiet for c in own)

    @property
    def ward_owner(self) -> UUID:
        """Who answers for the asking side: the requester, or whom the asking side has named since."""
        return self.ward_owner_id or self.requester_id

    def side_of(self, user_id: UUID) -> Side:
        """Which side this person stands on; a colleague of the ward asks without a part in the case."""
        part = self.participant(user_id)
        if part is None:
            return Side.ANSWERING if self.offers_to(user_id) else Side.ASKING
        asks = part.role == "requester" or (part.role == "colleague" and part.hospital_id == self.hospital_id)
        return Side.ASKING if asks else Side.ANSWERING

    def callout_for(self, by: Person, on_duty_at: Sequence[UUID]) -> Callout | None:
        """Return the callout that an acceptance by this doctor answers: one that rings them, else one of their desk.

        With two desks ringing, what this doctor can take goes before what only a colleague can; and the patient's
        question, which nobody may hold yet, before that of a second specialty.
        """
        ringing = sorted(self.ringing_callouts, key=lambda c: c.parallel)
        for callouts in ([c for c in ringing if c.specialty in by.specialties], ringing):
            for callout in callouts:
                if callout.open_offer_of(by.id):
                    return callout
            for callout in callouts:
                if callout.desk_id in on_duty_at and not callout.personal:
                    return callout
        return None

    def is_member(self, user_id: UUID) -> bool:
        """Whether this person takes part now."""
        part = self.participant(user_id)
        return part is not None and part.left_at is None

    def only_consults(self, user_id: UUID) -> bool:
        """Whether this person answers for a second specialty and for nothing else here.

        What they say is no word of whoever holds the case, and no answer to the patient's question.
        """
        part = self.participant(user_id)
        if part is None or part.role in ("assigned", "team"):
            return False
        return part.role == "consultant" or any(
            c.parallel and o.state == OfferState.ACCEPTED and o.doctor_id == user_id
            for c in self.callouts
            for o in c.offers
        )

    def require(self, *statuses: Status) -> None:
        """Refuse what is not possible in the present state."""
        if self.status not in statuses:
            raise WrongState(status=self.status)

    def enter_told(self, call: TelephoneCall, *, asked_at: datetime, told_by: UUID | None, told_by_name: str) -> None:
        """Keep when this was asked and answered by telephone, and by whom, as the ward says."""
        self.telephoned_at = asked_at
        self.told_at = call.at
        self.told_by_id = told_by
        self.told_by_name = told_by_name
        self.calls.append(call)

    # --- answering --------------------------------------------------------------------------------------------------

    def accept(self, *, by: Person, now: datetime, on_duty_at: Sequence[UUID]) -> Acceptance:
        """Make `by` responsible for the patient's question; exactly one doctor can win a callout.

        Of a second specialty asked in parallel they become a consultant: the case stays with its holder, or goes on
        ringing for one. An expired offer is as good as a fresh one while the callout rings; a doctor on duty at the
        desk needs no offer.
        Raises Taken, NotRinging, NotEligible or WrongState.
        """
        if self.status in (Status.CANCELLED, Status.CLOSED, Status.CONCLUDED):
            raise WrongState(status=self.status)
        callout, offer = self._answerable(by, now=now, on_duty_at=on_duty_at)
        if self._has_it_already(by, callout):
            # Awake is not yet a word to the ward: the own sound ends, the others ring on.
            offer.withdraw(HELD, now=now)
            callout.reschedule()
            return Acceptance(callout, offer, [offer], [], None, again=True)
        if callout.specialty not in by.specialties:
            raise NotEligible(specialty=callout.specialty)
        if callout.parallel:
            return self._consult(callout, offer, by, now)
        former = self.holder_id if self.holder_id != by.id else None
        offer.accept(now=now)
        if callout.urgency == Urgency.RED:
            withdrawn = [o for o in callout.offers if o.state == OfferState.MADE and o.role == COORDINATOR]
            for other in withdrawn:
                other.withdraw("taken", now=now)
        else:
            withdrawn = callout.withdraw_open("taken", now=now)
        callout.end(CalloutState.ACCEPTED, None, now=now)
        ended = [c for c in self.callouts if c.ringing and not c.parallel]
        for other_callout in ended:
            withdrawn += other_callout.withdraw_open("taken", now=now)
            other_callout.end(CalloutState.ENDED, "taken", now=now)
        for own in (o for c in self.callouts if not c.parallel for o in c.offers if o.doctor_id == by.id):
            # A member of a red team to whom the case was handed over owes the former leader no answer any more.
            if own.state == OfferState.MADE:
                own.withdraw("taken", now=now)
                withdrawn.append(own)
        self._hold(by, now)
        confirmed = self._confirm_told(by, now) if callout.quiet else None
        self._wait_anew()
        return Acceptance(callout, offer, withdrawn, ended, former, confirmed=confirmed)

    def refuse(self, *, by: Person, reason: str, text: str | None, now: datetime) -> list[tuple[Callout, Offer]]:
        """Decline every open offer to `by`; a coordinator at the end of the ladder cannot."""
        open_offers = [(c, o) for c in self.callouts for o in c.offers if o.doctor_id == by.id and o.rings]
        if not open_offers:
            raise NotRinging(status=self.status)
        if any(o.role == COORDINATOR and self.needs_somebody(c) for c, o in open_offers):
            raise MustAct
        for _, offer in open_offers:
            offer.decline(reason, text, now=now)
        return open_offers

    def attend(self, *, by: Person, coming: bool, now: datetime) -> list[tuple[Callout, Offer]]:
        """A member of the red team answers the leader: coming, or cannot (which is a refusal).

        Whoever was rung a second time, because the first leader said nothing, answers both at once.
        """
        owed = self._team_offers(by.id)
        if coming:
            owed = [(c, o) for c, o in owed if o.rings] or owed
            self.join(by, "team", now=now)
        else:
            self._leave_team(by.id)
        for _, offer in owed:
            offer.attend("coming" if coming else "cannot", now=now)
            if not coming:
                offer.decline("cannot", None, now=now)
        return owed

    def stand_down(self, *, user_id: UUID | None, now: datetime) -> list[Offer]:
        """The leader needs one member, or all who have not answered, no longer."""
        stood: list[Offer] = []
        for callout in self.callouts:
            if callout.state != CalloutState.ACCEPTED:
                continue
            for offer in callout.offers:
                if offer.state == OfferState.MADE and user_id in (None, offer.doctor_id):
                    if user_id is None and offer.attendance == "coming":
                        continue
                    offer.attend("stood_down", now=now)
                    offer.withdraw("stood_down", now=now)
                    self._leave_team(offer.doctor_id)
                    stood.append(offer)
        return stood

    # --- changing ---------------------------------------------------------------------------------------------------

    def raise_urgency(self, urgency: Urgency, *, answer_due_at: datetime, now: datetime) -> Ending:
        """The patient is worse. The running callouts end; the caller opens each anew, from its first step."""
        self.require(*OPEN)
        if urgency.rank >= Urgency(self.urgency).rank:
            raise Invalid("urgency", "Chỉ nâng mức khẩn, không hạ.", "Urgency can only be raised.")
        self.urgency = urgency
        # What was owed already is owed no later than it was; what was answered is owed anew.
        self.answer_due_at = answer_due_at if self.answered_at else min(self.answer_due_at, answer_due_at)
        self.answered_at = None
        if self.status == Status.ACTIVE:
            self.next_due_at = min(self.next_due_at or self.answer_due_at, self.answer_due_at)
        ending = Ending()
        for callout in self.ringing_callouts:
            ending.withdrawn += callout.withdraw_open("superseded", now=now)
            callout.end(CalloutState.ENDED, "superseded", now=now)
            ending.callouts.append(callout)
        return ending

    def cancel(self, *, reason: str | None, now: datetime) -> Ending:
        """The requester takes the request back; everybody who was rung is told.

        A red alert is undone for 10 s without a reason; later one is asked for.
        """
        self.require(*OPEN)
        if self.urgency == Urgency.RED and not reason and now - self.created_at > UNDO_RED:
            raise Invalid(
                "reason",
                "Báo động đỏ đã quá 10 giây: ghi lý do hủy.",
                "The red alert is older than 10 seconds: give a reason.",
            )
        self.status = Status.CANCELLED
        self.cancelled_at = now
        self.cancel_reason = reason
        return self._end_all("cancelled", now=now)

    def conclude(self, *, now: datetime) -> Ending:
        """The holder has given the conclusion; a further one supersedes it."""
        self.require(Status.ACTIVE, Status.CONCLUDED)
        if self.concluded_at is None:
            self.concluded_at = now
            self.outcome_due_at = now + OUTCOME_DUE
        self.status = Status.CONCLUDED
        self.answered_at = self.answered_at or now
        return self._end_all("concluded", now=now)

    # --- after acceptance -------------------------------------------------------------------------------------------

    def answer(self, *, by: UUID, now: datetime) -> Ending:
        """An opinion was given: the answer-due clock ends here, not at acceptance.

        An opinion of a consultant answers the question of their own specialty: what the case is owed stays owed.
        """
        if self.only_consults(by):
            return Ending()
        self.answered_at = self.answered_at or now
        return self._heard(now)

    def hear(self, *, now: datetime) -> Ending:
        """The holder has said something. It is a word and no answer: what is owed stays owed."""
        return self._heard(now)

    def confirm_call(self, call: TelephoneCall, *, by: Person, now: datetime) -> Ending:
        """Both sides say that they spoke: as good as a word, and an answer if it was asked for before that.

        A call with a consultant is neither for the case: its holder has said nothing by it.
        """
        call.confirm(by.id, by.name, now=now)
        speaker = call.by_id if call.side == Side.ANSWERING else by.id
        beside = self.consulted(by=speaker, at=call.at, now=now)
        if self.only_consults(speaker):
            return beside
        wait = self._wait
        if wait.is_answer(call.at):
            self.answered_at = self.answered_at or max(call.at, self.asked_at)
        return self._heard(now, beside) if wait.is_word(call.at) else beside

    def fall_due(self, now: datetime) -> str | None:
        """The time for a word, or for the answer, is up: say which was missed, and when to look again.

        None when nothing was missed, or somebody is rung for it already.
        """
        wait = self._wait
        missed = wait.missed(now) if self.status == Status.ACTIVE else None
        if missed is None:
            self._wait_anew()
            return None
        self._look_by(now + wait.silence)
        own = (c for c in self.ringing_callouts if not c.parallel)
        return None if any(self.needs_somebody(c) or c.reason == "urgency_raised" for c in own) else missed

    @property
    def _wait(self) -> Wait:
        """What is owed by the holder, and since when."""
        raised = [c.opened_at for c in self.callouts if c.reason == "urgency_raised"]
        frozen = [c.policy["silent_s"] for c in self.callouts if c.policy.get("silent_s") and not c.parallel]
        return Wait(
            urgency=Urgency(self.urgency),
            silent_s=frozen[-1] if frozen else None,
            held_since=self.held_since or self.created_at,
            asked_at=max([self.asked_at, *raised]),
            answer_due_at=self.answer_due_at,
            heard_at=self.heard_at,
            answered_at=self.answered_at,
        )

    def _wait_anew(self) -> None:
        self._look_by(self._wait.due)

    def _look_by(self, holder_due: datetime | None) -> None:
        """Look again when the holder's time is up, or that of a consultant, whichever comes first."""
        owed = [_word_due(callout, offer) for callout, offer in self._owed_beside()]
        if holder_due is not None and self.status == Status.ACTIVE:
            owed.append(holder_due)
        self.next_due_at = min(owed, default=None)

    def _heard(self, now: datetime, beside: Ending | None = None) -> Ending:
        """Whoever rang because of the silence is let go. An answer that is still owed is asked for again later."""
        if self.status == Status.ACTIVE:
            self.heard_at = now
        ending = beside or Ending()
        ending.let_go((c for c in self.ringing_callouts if c.reason in AFTER), now=now)
        due = self._wait.due
        if due is not None and due <= now:
            due = now + self._wait.silence if ending.callouts else self.next_due_at or due
        self._look_by(due)
        return ending

    # --- a second specialty that was accepted ------------------------------------------------------------------------

    def silent_consultants(self, now: datetime) -> list[tuple[Callout, Offer]]:
        """Return the second specialties whose consultant accepted and has said nothing in time, as they accepted."""
        return [(callout, offer) for callout, offer in self._owed_beside() if _word_due(callout, offer) <= now]

    def consulted(self, *, by: UUID, at: datetime, now: datetime) -> Ending:
        """A consultant has said something: it is owed no longer, and whoever rang because of the silence is let go."""
        ending = Ending()
        for accepted in self._accepted_beside(by):
            if at + TYPED_TO_THE_MINUTE <= (accepted.ended_at or at):
                continue
            accepted.ended_reason = HEARD
            ending.let_go((c for c in self.ringing_callouts if c.asks_the_same(accepted)), now=now)
        return ending

    def _accepted_beside(self, by: UUID) -> list[Callout]:
        """Callouts of second specialties that this doctor accepted and has said nothing about yet."""
        return [
            c
            for c in self.callouts
            if c.parallel and c.state == CalloutState.ACCEPTED and c.ended_reason is None
            if any(o.doctor_id == by and o.state == OfferState.ACCEPTED for o in c.offers)
        ]

    def _owed_beside(self) -> list[tuple[Callout, Offer]]:
        """What consultants owe and nobody is rung for, as long as the case is open and they take part in it."""
        return [
            (callout, offer)
            for offer in (o for c in self.callouts if c.parallel for o in c.offers if o.state == OfferState.ACCEPTED)
            if self.status in OPEN and self.is_member(offer.doctor_id)
            for callout in self._accepted_beside(offer.doctor_id)
            if callout.id == offer.callout_id and not any(c.asks_the_same(callout) for c in self.ringing_callouts)
        ]

    # --- the end ----------------------------------------------------------------------------------------------------

    def report_outcome(self, due: str, *, now: datetime) -> bool:
        """Note what became of the patient; the one at discharge closes the case. Returns whether it closed."""
        self.require(Status.CONCLUDED)
        if due != "discharge":
            self.outcome_due_at = None if due == "7d" else self.created_at + timedelta(days=7)
            return False
        self.status = Status.CLOSED
        self.closed_at = now
        self.outcome_due_at = None
        return True

    def join(self, person: Person, role: str, *, now: datetime) -> Participant:
        """Take part from now on; somebody who had left comes back."""
        part = self.participant(person.id)
        if part is None:
            part = Participant(
                consultation_id=self.id,
                user_id=person.id,
                name=person.name,
                role=role,
                hospital_id=person.hospital_id,
                hospital_name=person.hospital_name,
                joined_at=now,
                delivered_n=0,
                seen_n=0,
            )
            self.participants.append(part)
            return part
        if part.left_at is not None:
            part.left_at = None
            part.joined_at = now
        if part.role != "requester":
            part.role = role
        return part

    def name_ward_owner(self, user_id: UUID) -> UUID:
        """Let somebody else answer for the asking side; returns who did before."""
        before = self.ward_owner
        self.ward_owner_id = user_id
        return before

    # --- inside -----------------------------------------------------------------------------------------------------

    def _answerable(self, by: Person, *, now: datetime, on_duty_at: Sequence[UUID]) -> tuple[Callout, Offer]:
        callout = self.callout_for(by, on_duty_at)
        if callout is not None:
            return callout, callout.open_offer_of(by.id) or self._own_offer(callout, by, now)
        if self.holder_id is not None and (self.offers_to(by.id) or on_duty_at):
            raise Taken(
                holder=str(self.holder_id),
                holder_name=self.holder_name,
                at=self.held_since.isoformat() if self.held_since else None,
            )
        raise NotRinging(status=self.status)

    def _has_it_already(self, by: Person, callout: Callout) -> bool:
        """Whether this rings them because they have said nothing since they accepted the same before."""
        if callout.parallel:
            return any(callout.asks_the_same(accepted) for accepted in self._accepted_beside(by.id))
        return by.id == self.holder_id and callout.reason in AFTER

    def _confirm_told(self, by: Person, now: datetime) -> TelephoneCall | None:
        """Whoever takes a case that was entered afterwards says that it was them: the answer is the one given then."""
        call = self.told
        if call is None or call.confirmed:
            return None
        call.confirm(by.id, by.name, now=now)
        self.answered_at = call.at
        self.heard_at = now
        return call

    def _consult(self, callout: Callout, offer: Offer, by: Person, now: datetime) -> Acceptance:
        """Answer for a second specialty: take part from now on, and leave the case where it is."""
        offer.accept(now=now)
        withdrawn = callout.withdraw_open("taken", now=now)
        callout.end(CalloutState.ACCEPTED, None, now=now)
        for before in self.callouts:
            # Somebody else answers the question of a consultant who said nothing: it is owed by one of them.
            if before is not callout and before.state == CalloutState.ACCEPTED and before.asks_the_same(callout):
                before.ended_reason = before.ended_reason or "taken"
        if not self.is_member(by.id):
            self.join(by, "consultant", now=now)
        due = _word_due(callout, offer)
        self.next_due_at = min(self.next_due_at or due, due)
        return Acceptance(callout, offer, withdrawn, [], None)

    def _own_offer(self, callout: Callout, by: Person, now: datetime) -> Offer:
        """A doctor on duty who steps in unasked, or who declined and can come after all."""
        offer = callout.offer_to(Candidate(by.id, by.name, "on_duty"), now=now)
        assert offer is not None
        return offer

    def _leave_team(self, user_id: UUID) -> None:
        part = self.participant(user_id)
        if part is not None and part.role == "team":
            part.role = "former"

    def _team_offers(self, user_id: UUID) -> list[tuple[Callout, Offer]]:
        led = [c for c in self.callouts if c.state == CalloutState.ACCEPTED and c.urgency == Urgency.RED]
        found = [(c, o) for c in led for o in c.offers if o.doctor_id == user_id and o.state == OfferState.MADE]
        if not found:
            raise NotRinging(status=self.status)
        return found

    def _hold(self, by: Person, now: datetime) -> None:
        if self.holder_id is not None and self.holder_id != by.id:
            former = self.participant(self.holder_id)
            if former is not None:
                former.role = "former"
        if self.holder_id != by.id:
            self.held_since = now
            self.heard_at = None
        self.holder_id = by.id
        self.holder_name = by.name
        self.holder_licence = by.licence
        self.status = Status.ACTIVE
        self.join(by, "assigned", now=now)

    def _end_all(self, reason: str, *, now: datetime) -> Ending:
        ending = Ending()
        self.next_due_at = None
        for callout in self.callouts:
            ending.withdrawn += callout.withdraw_open(reason, now=now)
            if callout.ringing:
                callout.end(CalloutState.ENDED, reason, now=now)
                ending.callouts.append(callout)
        return ending


def _word_due(callout: Callout, accepted: Offer) -> datetime:
    """When a consultant owes a word: as soon after they accepted as the holder of such a case does."""
    frozen = callout.policy.get("silent_s")
    silence = timedelta(seconds=frozen) if frozen else SILENT_AFTER[Urgency(callout.urgency)]
    return (accepted.answered_at or callout.opened_at) + silence
