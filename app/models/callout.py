"""Callouts (one desk being rung for one consultation) and the offers they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.identifiers import new_id
from app.models.working_hours import after_working_time

UNDELIVERED_AFTER = timedelta(seconds=30)
RING_AGAIN_AFTER = timedelta(seconds=120)
COORDINATOR = "coordinator"
WORKING_HOURS = "working_hours"
HOLDER_GONE = "holder_gone"


class CalloutState(StrEnum):
    """A callout rings until somebody holds the case or nobody needs to."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    ENDED = "ended"


class OfferState(StrEnum):
    """An offer is open (`made`) until it is answered or taken back; expiry is a fact beside the state."""

    MADE = "made"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be rung now, and as what."""

    doctor_id: UUID
    name: str
    role: str


Duty: TypeAlias = Mapping[str, Sequence[Candidate]]
"""Who is on duty at one instant, by role of the desk and of its hospital; `user:<id>` names one person."""


class Offer(Base):
    """A doctor asked to take the case. It is also the share through which that doctor may read the offer card."""

    __tablename__ = "offer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    callout_id: Mapped[UUID] = mapped_column(ForeignKey("callout.id"), index=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    doctor_name: Mapped[str]
    role: Mapped[str]
    step: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str | None]
    reason_text: Mapped[str | None]
    made_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    undelivered_at: Mapped[datetime | None] = mapped_column(comment="when 30 s had passed without delivery")
    expired_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    attendance: Mapped[str | None] = mapped_column(comment="red team: coming, cannot or stood_down")
    attendance_at: Mapped[datetime | None]
    answered_via: Mapped[str | None] = mapped_column(comment="client, voice or link")
    noticed_at: Mapped[datetime | None] = mapped_column(comment="when its messages outside the socket were planned")

    __table_args__ = (
        Index("uq_offer_one_accepted", "callout_id", unique=True, postgresql_where=text("state = 'accepted'")),
        Index("uq_offer_one_open", "callout_id", "doctor_id", unique=True, postgresql_where=text("state = 'made'")),
        Index("ix_offer_open_to", "doctor_id", postgresql_where=text("state = 'made'")),
        Index("ix_offer_doctor_made", "doctor_id", "made_at"),
        Index("ix_offer_unnoticed", "made_at", postgresql_where=text("state = 'made' AND noticed_at IS NULL")),
    )

    @property
    def awaits_delivery(self) -> bool:
        """Whether it rings but no device has said that it arrived, and nobody has noticed that yet."""
        return self.state == OfferState.MADE and self.delivered_at is None and self.undelivered_at is None

    @property
    def reaches_nobody(self) -> bool:
        """Whether 30 s passed and no device has it yet."""
        return self.undelivered_at is not None and self.delivered_at is None

    @property
    def rings(self) -> bool:
        """Whether the doctor still owes an answer: red team members who said that they come do not."""
        return self.state == OfferState.MADE and self.attendance is None

    def deliver(self, *, now: datetime) -> bool:
        """A device has it; the first time counts."""
        if self.delivered_at is not None or self.state != OfferState.MADE:
            return False
        self.delivered_at = now
        return True

    def see(self, *, now: datetime) -> bool:
        """The doctor has looked at it; the first time counts, and seen includes delivered."""
        if self.seen_at is not None or self.state != OfferState.MADE:
            return False
        self.seen_at = now
        if self.delivered_at is None:
            self.delivered_at = now
        return True

    def accept(self, *, now: datetime) -> None:
        """This doctor has the case."""
        self.state = OfferState.ACCEPTED
        self.answered_at = now

    def decline(self, reason: str, text: str | None, *, now: datetime) -> None:
        """This doctor cannot take it, and says why."""
        self.state = OfferState.DECLINED
        self.reason = reason
        self.reason_text = text
        self.answered_at = now

    def came_by(self, via: str) -> None:
        """The answer came this way: `client`, `voice` (a key pressed in a call) or `link`."""
        self.answered_via = via

    def withdraw(self, reason: str, *, now: datetime) -> None:
        """Nobody needs this doctor's answer any more."""
        self.state = OfferState.WITHDRAWN
        self.reason = reason
        self.answered_at = now

    def attend(self, attendance: str, *, now: datetime) -> None:
        """A member of the red team says that they come, or the leader stands them down."""
        self.attendance = attendance
        self.attendance_at = now


class Callout(Base):
    """The ladder of one desk for one consultation, with the policy as it was when it opened.

    `next_due_at` is the timer: while the callout rings it is never empty, so silence is impossible.
    """

    __tablename__ = "callout"
    __allow_unmapped__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    desk_id: Mapped[UUID] = mapped_column(ForeignKey("desk.id"))
    desk_name: Mapped[str]
    desk_phone: Mapped[str | None]
    hospital_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    hospital_name: Mapped[str]
    specialty: Mapped[str]
    urgency: Mapped[str]
    state: Mapped[str]
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="{steps, answer_due_s, version}, frozen")
    preview: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, comment="who each step would ring")
    step: Mapped[int]
    round: Mapped[int] = mapped_column(default=0)
    step_started_at: Mapped[datetime]
    step_due_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    ended_reason: Mapped[str | None]
    question: Mapped[str | None] = mapped_column(comment="what this desk is asked, where it is not the case's question")
    passed_over: Mapped[list[str]] = mapped_column(
        JSONB, server_default="[]", default=list, comment="doctors on duty who had no room for this case"
    )

    offers: list[Offer]

    __table_args__ = (
        CheckConstraint("state <> 'ringing' OR next_due_at IS NOT NULL", name="ringing_has_due_time"),
        Index("ix_callout_due", "next_due_at", postgresql_where=text("state = 'ringing'")),
        Index("ix_callout_desk_open", "desk_id", postgresql_where=text("state = 'ringing'")),
    )

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The frozen ladder."""
        steps: list[dict[str, Any]] = self.policy["steps"]
        return steps

    @property
    def ringing(self) -> bool:
        """Whether anybody is still asked."""
        return self.state == CalloutState.RINGING

    @property
    def personal(self) -> bool:
        """Whether it was opened for one named person (a hand-over) and not for whoever is on duty at the desk."""
        return self.policy.get("id") is None

    @property
    def on_last_step(self) -> bool:
        """Whether the end of the ladder is reached: from here it rings until a human holds the case."""
        return self.step >= len(self.steps) - 1

    def open_offer_of(self, doctor_id: UUID) -> Offer | None:
        """Return the doctor's offer that can still be answered; expiry stops the sound only."""
        return next((o for o in self.offers if o.doctor_id == doctor_id and o.state == OfferState.MADE), None)

    def advance(self, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        """Take the next step that has somebody; at the end of the ladder ring round again.

        Earlier offers ring on, unless their step says otherwise. `never` (the requester) is offered nothing. The new
        step's time runs from now, not from when it should have started.
        """
        if self.on_last_step:
            return self._ring_again(duty, now=now, never=never)
        self._leave_step(now)
        self.step += 1
        made = self._offer(self.step, duty, now=now, never=never)
        while not made and not self._anybody_in_step() and not self.on_last_step:
            self.step += 1
            made = self._offer(self.step, duty, now=now, never=never)
        self._start_step(now)
        return made

    def offer_to(self, candidate: Candidate, *, now: datetime) -> Offer | None:
        """Ring one more person on top of the others; nobody is rung twice for one callout."""
        if self.open_offer_of(candidate.doctor_id):
            return None
        offer = Offer(
            id=new_id(now),
            callout_id=self.id,
            consultation_id=self.consultation_id,
            doctor_id=candidate.doctor_id,
            doctor_name=candidate.name,
            role=candidate.role,
            step=max(self.step, 0),
            state=OfferState.MADE,
            made_at=now,
        )
        self.offers.append(offer)
        self.reschedule()
        return offer

    def give_time(self, *, now: datetime) -> None:
        """A coordinator acted: ring the coordinators again only after two minutes."""
        self.step_started_at = now
        self.step_due_at = now + RING_AGAIN_AFTER
        self.reschedule()

    def note_undelivered(self, now: datetime) -> list[Offer]:
        """Mark the offers that reached no device within 30 s."""
        late = [o for o in self.offers if o.awaits_delivery and o.made_at + UNDELIVERED_AFTER <= now]
        for offer in late:
            offer.undelivered_at = now
        self.reschedule()
        return late

    def should_advance(self, now: datetime) -> bool:
        """Whether the next person must be rung now: time is up, all of this step declined, or none was reached."""
        if self.step_due_at <= now:
            return True
        if self.on_last_step:
            return not any(o.rings for o in self.offers)
        unhurried = self.steps[self.step].get("clock") == WORKING_HOURS
        asked = self._asked_by_step()
        if all(o.state in (OfferState.DECLINED, OfferState.WITHDRAWN) for o in asked):
            return True
        return not unhurried and all(o.reaches_nobody for o in asked if o.state == OfferState.MADE)

    def end(self, state: CalloutState, reason: str | None, *, now: datetime) -> None:
        """Stop ringing."""
        self.state = state
        self.reason = reason or self.reason
        self.next_due_at = None
        self.ended_at = now

    def withdraw_open(self, reason: str, *, now: datetime, keep: Sequence[Offer] = ()) -> list[Offer]:
        """Take back every open offer but those kept."""
        taken_back = [o for o in self.offers if o.state == OfferState.MADE and o not in keep]
        for offer in taken_back:
            offer.withdraw(reason, now=now)
        return taken_back

    def reschedule(self) -> None:
        """Work out when this callout must be looked at again."""
        waits = [o.made_at + UNDELIVERED_AFTER for o in self.offers if o.awaits_delivery]
        self.next_due_at = min([self.step_due_at, *waits])

    def _ring_again(self, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        self.round += 1
        made = [o for step in range(len(self.steps)) for o in self._offer(step, duty, now=now, never=never)]
        for offer in self.offers:
            if offer.state == OfferState.MADE:
                offer.expired_at = None
        self.step_started_at = now
        self.step_due_at = now + RING_AGAIN_AFTER
        self.reschedule()
        return made

    def rung_again(self) -> list[Offer]:
        """Open offers of earlier steps to people whom the present step rings once more (the whole red team)."""
        who = set(self.steps[self.step]["who"])
        return [o for o in self.offers if o.rings and o.step < self.step and o.role in who]

    def _leave_step(self, now: datetime) -> None:
        if self.step < 0 or self.steps[self.step].get("keep", True):
            return
        for offer in self.offers:
            if offer.step == self.step and offer.state == OfferState.MADE:
                offer.expired_at = now

    def _offer(self, step: int, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        made: list[Offer] = []
        for who in self.steps[step]["who"]:
            # Whoever was asked is not asked again, but a coordinator who declined as a doctor is still the coordinator.
            known = {o.doctor_id for o in self.offers if who != COORDINATOR or o.role == COORDINATOR}
            for candidate in duty.get(who, ()):
                if candidate.doctor_id in known or candidate.doctor_id == never:
                    continue
                known.add(candidate.doctor_id)
                offer = self.offer_to(candidate, now=now)
                if offer:
                    offer.step = step
                    made.append(offer)
        return made

    def _asked_by_step(self) -> list[Offer]:
        """Offers of this step, and earlier ones to the people whom it rings again (the whole red team, once more)."""
        who = set(self.steps[self.step]["who"])
        return [o for o in self.offers if o.step == self.step or o.role in who]

    def _anybody_in_step(self) -> bool:
        """Whether somebody whom this step rings again can be reached."""
        return any(o.state == OfferState.MADE and not o.reaches_nobody for o in self._asked_by_step())

    def _after_timeout(self, now: datetime) -> datetime:
        step = self.steps[self.step]
        timeout = timedelta(seconds=step["timeout_s"])
        return after_working_time(now, timeout) if step.get("clock") == WORKING_HOURS else now + timeout

    def _start_step(self, now: datetime) -> None:
        self.step_started_at = now
        self.step_due_at = self._after_timeout(now)
        if self.on_last_step:
            self.round += 1
        self.reschedule()
