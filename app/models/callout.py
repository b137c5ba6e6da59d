"""Callouts: one desk being rung for one consultation, step by step, until a human has it.

The rules of a step (frozen on the callout with its policy when it opens):
- `mode` all: everybody of the step at once; one_by_one: the next person after `timeout_s`, or at once when the last one
  declined or no device was reached; least_offered: the same, whoever was asked least comes first.
- `skip_empty` (usual): a step with nobody is passed at once. Otherwise it waits its time, as long as somebody rings.
- `keep` (usual): its offers ring on when the next step begins. Otherwise their sound stops.
- `clock`: wall, or working_hours without weekends and holidays.

A callout opened because of `BY_TELEPHONE` is quiet: the patient waits for nothing, and a doctor is asked to confirm
what was said by telephone. Nothing rings, no delivery is waited for, and its last step asks again once a day.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.identifiers import new_id
from app.models.offer import (
    ASSIGNED,
    COORDINATOR,
    OFF_DUTY,
    ROLES_OF_DUTY,
    STAND_INS,
    UNDELIVERED_AFTER,
    Candidate,
    Duty,
    Offer,
    OfferState,
)
from app.models.working_hours import after_working_time

RING_AGAIN_AFTER = timedelta(seconds=120)
ASK_AGAIN_AFTER = timedelta(days=1)
STAND_IN_FROM_ROUND = 3
"""A coordinator who has been rung twice and has not acted is not waited for alone."""
WORKING_HOURS = "working_hours"
HOLDER_GONE = "holder_gone"
PASSED_ON = ("hand_over", "forwarded", "assigned", "shift_end")
SECOND_SPECIALTY = "second_specialty"
BY_TELEPHONE = "telephone"
ONE_BY_ONE, LEAST_OFFERED = "one_by_one", "least_offered"


class CalloutState(StrEnum):
    """A callout rings until somebody holds the case or nobody needs to."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    ENDED = "ended"


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
    duty_until: Mapped[datetime | None] = mapped_column(comment="when duty next begins or ends for somebody rung here")
    duty_seen: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default="{}", default=dict, comment="duty_version of each rota, by its owner, when last looked"
    )

    offers: list[Offer]

    __table_args__ = (
        CheckConstraint("state <> 'ringing' OR next_due_at IS NOT NULL", name="ringing_has_due_time"),
        Index("ix_callout_due", "next_due_at", postgresql_where=text("state = 'ringing'")),
        Index("ix_callout_desk_open", "desk_id", postgresql_where=text("state = 'ringing'")),
        Index("ix_callout_waiting", "id", postgresql_where=text("state = 'ringing' AND passed_over <> '[]'")),
        Index("ix_callout_rung_again", "id", postgresql_where=text("state = 'ringing' AND round > 1")),
    )

    # --- what is so ------------------------------------------------------------------------------------------------

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
    def passes_on(self) -> bool:
        """Whether a case that has its holder is passed on to one named person: no device in 30 s is no emergency."""
        return self.personal and self.reason in PASSED_ON

    @property
    def parallel(self) -> bool:
        """Whether a second specialty is asked beside the first: accepting it makes a consultant, not a holder."""
        return self.reason == SECOND_SPECIALTY

    def asks_the_same(self, other: "Callout") -> bool:
        """Whether both put the same question of a second specialty to the same desk."""
        return self.parallel and other.parallel and (self.desk_id, self.question) == (other.desk_id, other.question)

    @property
    def quiet(self) -> bool:
        """Whether somebody is asked to confirm what was said already, and nobody waits for it."""
        return self.reason == BY_TELEPHONE

    @property
    def again_after(self) -> timedelta:
        """When the end of the ladder asks again."""
        return ASK_AGAIN_AFTER if self.quiet else RING_AGAIN_AFTER

    @property
    def on_last_step(self) -> bool:
        """Whether the end of the ladder is reached: from here it rings until a human holds the case."""
        return self.step >= len(self.steps) - 1

    def open_offer_of(self, doctor_id: UUID) -> Offer | None:
        """Return the doctor's offer that can still be answered; expiry stops the sound only."""
        return next((o for o in self.offers if o.doctor_id == doctor_id and o.state == OfferState.MADE), None)

    def should_advance(self, now: datetime) -> bool:
        """Whether the next person must be rung now: time is up, all of this step declined, or none was reached."""
        if self.step_due_at <= now:
            return True
        if self.on_last_step:
            return not any(o.rings for o in self.offers) or self._coordinators_just_missed()
        asked = self._awaited()
        if not asked:
            return not self._waits_though_empty()
        if all(o.state in (OfferState.DECLINED, OfferState.WITHDRAWN) for o in asked):
            return True
        unhurried = self.passes_on or self.steps[self.step].get("clock") == WORKING_HOURS
        return not unhurried and all(o.reaches_nobody for o in asked if o.state == OfferState.MADE)

    def rung_again(self) -> list[Offer]:
        """Open offers of earlier steps to people whom the present step rings once more (the whole red team)."""
        who = self.steps[self.step]["who"]
        return [o for o in self.offers if o.rings and o.step < self.step and o.made_for(who)]

    # --- ringing ---------------------------------------------------------------------------------------------------

    def advance(self, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        """Take the next turn, or the next step that has somebody; at the end of the ladder ring round again.

        Earlier offers ring on, unless their step says otherwise. `never` (the requester) is offered nothing. The new
        step's time runs from now, not from when it should have started.
        """
        if self.step >= 0 and self._in_turns(self.step):
            turn = self._offer(self.step, duty, now=now, never=never)
            if turn:
                self._start_time(now)
                return turn
        if self.on_last_step:
            return self._ring_again(duty, now=now, never=never)
        self._leave_step(now)
        return self._take_step(self.step + 1, duty, now=now, never=never)

    def jump(self, step: int, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        """Take a later step now, leaving out those between; everybody rung so far rings on."""
        return self._take_step(step, duty, now=now, never=never)

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
        self._waits_no_longer(candidate.doctor_id)
        self.reschedule()
        return offer

    def give_time(self, *, now: datetime) -> None:
        """A coordinator acted: ring the coordinators again only after two minutes; ask them again after a day."""
        self.step_started_at = now
        self.step_due_at = now + self.again_after
        self.reschedule()

    def note_undelivered(self, now: datetime) -> list[Offer]:
        """Mark the offers that reached no device within 30 s; a quiet one may wait for its doctor."""
        if self.quiet:
            return []
        late = [o for o in self.offers if o.awaits_delivery and o.made_at + UNDELIVERED_AFTER <= now]
        for offer in late:
            offer.undelivered_at = now
        self.reschedule()
        return late

    def end(self, state: CalloutState, reason: str | None, *, now: datetime) -> None:
        """Stop ringing. `reason` stays why it was opened; `ended_reason` says why it ended."""
        self.state = state
        self.ended_reason = reason
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
        awaited = [] if self.quiet else self.offers
        waits = [o.made_at + UNDELIVERED_AFTER for o in awaited if o.awaits_delivery]
        changes = [self.duty_until] if self.duty_until else []
        self.next_due_at = min([self.step_due_at, *waits, *changes])

    def look_by(self, moment: datetime) -> None:
        """Be looked at by then at the latest: somebody whom it rang is gone, and the next may have to be rung."""
        self.reschedule()
        self.next_due_at = min(self.next_due_at or moment, moment)

    # --- when duty changes while it rings --------------------------------------------------------------------------

    def look_at(self, preview: list[dict[str, Any]], until: datetime | None, seen: Mapping[str, Any]) -> bool:
        """Note who is on duty, until when that holds, and which state of the rotas says so; whether that is new."""
        changed = self.preview != preview or self.duty_until != until or self.duty_seen != dict(seen)
        self.preview, self.duty_until, self.duty_seen = preview, until, dict(seen)
        self.reschedule()
        return changed

    def reconcile(self, duty: Duty, *, now: datetime, never: UUID) -> tuple[list[Offer], list[Offer]]:
        """Ring whoever has come on duty in a step already reached; the step's time stands.

        Whoever has gone off duty rings on until a successor's device has the offer. Returns the offers made and those
        taken back. Must be called before `look_at`, which forgets who was on duty before.
        """
        self._note_leavers(duty, now)
        made = [o for step in range(self.step + 1) for o in self._offer_newcomers(step, duty, now=now, never=never)]
        self._forget_who_left_the_queue(duty)
        taken_back = self.release_leavers(now=now)
        self.reschedule()
        return made, taken_back

    def release_leavers(self, *, now: datetime) -> list[Offer]:
        """Take back the offers of those who went off duty and whose successor has been reached."""
        released = [
            o
            for o in self.offers
            if o.state == OfferState.MADE and o.off_duty_at is not None and any(s.succeeds(o) for s in self.offers)
        ]
        for offer in released:
            offer.withdraw(OFF_DUTY, now=now)
        return released

    def _note_leavers(self, duty: Duty, now: datetime) -> None:
        reached = {who for step in self.steps[: self.step + 1] for who in step["who"] if who in ROLES_OF_DUTY}
        for offer in self.offers:
            if offer.state != OfferState.MADE or offer.role not in ROLES_OF_DUTY:
                continue
            stays = any(c.doctor_id == offer.doctor_id for who in {offer.role, *reached} for c in duty.get(who, ()))
            if not stays and not self._stands_in(offer, duty):
                offer.off_duty_at = offer.off_duty_at or now
            elif stays:
                offer.off_duty_at = None

    def _stands_in(self, offer: Offer, duty: Duty) -> bool:
        """Whether it rings a coordinator who was not on duty when it was made: no duty of theirs has ended."""
        before = {d["doctor"] for step in self.preview or () for d in step["doctors"]}
        behind = {c.doctor_id for group in STAND_INS for c in duty.get(group, ())}
        known = offer.off_duty_at is not None or str(offer.doctor_id) in before
        return offer.role == COORDINATOR and offer.doctor_id in behind and not known

    def _offer_newcomers(self, step: int, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        if self._in_turns(step) and step == self.step:
            # In turns a newcomer waits for the turn, unless whoever has it now is going, or nobody has it.
            own = [o for o in self.offers if o.step == step and o.rings and o.off_duty_at is None]
            return [] if own or not self._leaving(step) else self._offer(step, duty, now=now, never=never)
        before = {d["doctor"] for d in self.preview[step]["doctors"]} if step < len(self.preview or ()) else set()
        queued = set(self.passed_over or ())
        made: list[Offer] = []
        for candidate in self._not_asked(step, duty, never=never):
            if str(candidate.doctor_id) not in before or str(candidate.doctor_id) in queued:
                made += self._ring(step, candidate, now)
        return made

    def _leaving(self, step: int) -> bool:
        return any(o.step == step and o.rings and o.off_duty_at is not None for o in self.offers)

    # --- who had no room -------------------------------------------------------------------------------------------

    def _pass_over(self, doctor_id: UUID) -> None:
        if str(doctor_id) not in (self.passed_over or ()):
            self.passed_over = [*(self.passed_over or ()), str(doctor_id)]

    def _waits_no_longer(self, doctor_id: UUID) -> None:
        if str(doctor_id) in (self.passed_over or ()):
            self.passed_over = [d for d in self.passed_over if d != str(doctor_id)]

    def _forget_who_left_the_queue(self, duty: Duty) -> None:
        reached = {who for step in self.steps[: self.step + 1] for who in step["who"]}
        on_duty = {str(c.doctor_id) for who in reached for c in duty.get(who, ())}
        if any(d not in on_duty for d in self.passed_over or ()):
            self.passed_over = [d for d in self.passed_over if d in on_duty]

    # --- inside ----------------------------------------------------------------------------------------------------

    def _take_step(self, step: int, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        self.step = step
        made = self._offer(self.step, duty, now=now, never=never)
        while not made and not self.on_last_step and not self._anybody_in_step() and not self._waits_though_empty():
            self.step += 1
            made = self._offer(self.step, duty, now=now, never=never)
        for offer in self.rung_again():
            offer.expired_at = None
        self._start_time(now)
        if self.on_last_step:
            self.round += 1
        return made

    def _ring_again(self, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        self.round += 1
        made: list[Offer] = []
        for step in range(len(self.steps)):
            for candidate in self._not_asked(step, duty, never=never):
                made += self._ring(step, candidate, now)
        made += self._ring_stand_ins(duty, now=now, never=never)
        for offer in self.offers:
            if offer.state == OfferState.MADE:
                offer.expired_at = None
        self.step_started_at = now
        self.step_due_at = now + self.again_after
        self.reschedule()
        return made

    def _ring_stand_ins(self, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        """Ring the next coordinators behind those on duty, if none of them is reached or they have not acted for long.

        Not for a case that its holder only passes on: there the coordinator may take their time.
        """
        if self.quiet or self.passes_on:
            return []
        if self.round < STAND_IN_FROM_ROUND and not self._reaches_no_coordinator():
            return []
        asked = {o.doctor_id for o in self.offers if o.role == COORDINATOR or o.state == OfferState.MADE} | {never}
        for group in STAND_INS:
            made = [o for c in duty.get(group, ()) if c.doctor_id not in asked for o in self._ring(self.step, c, now)]
            if made:
                return made
        return []

    def _leave_step(self, now: datetime) -> None:
        if self.step < 0 or self.steps[self.step].get("keep", True):
            return
        for offer in self.offers:
            if offer.step == self.step and offer.state == OfferState.MADE:
                offer.expired_at = now

    def _offer(self, step: int, duty: Duty, *, now: datetime, never: UUID) -> list[Offer]:
        """Ring everybody of the step who was not asked yet; in turns, only the first of them."""
        made: list[Offer] = []
        for candidate in self._not_asked(step, duty, never=never):
            made += self._ring(step, candidate, now)
            if made and self._in_turns(step):
                break
        return made

    def _ring(self, step: int, candidate: Candidate, now: datetime) -> list[Offer]:
        offer = self.offer_to(candidate, now=now)
        if offer is None:
            return []
        offer.step = step
        return [offer]

    def _not_asked(self, step: int, duty: Duty, *, never: UUID) -> list[Candidate]:
        """Return whom the step can still ring, in order; who has no room is passed over, but never a coordinator."""
        found: list[Candidate] = []
        for who in self.steps[step]["who"]:
            # Whoever was asked is not asked again, but a coordinator who declined as a doctor is still the coordinator.
            known = {
                o.doctor_id
                for o in self.offers
                if (who != COORDINATOR or o.role == COORDINATOR) and not o.taken_back_off_duty
            }
            known |= {c.doctor_id for c in found} | {never}
            for candidate in (c for c in duty.get(who, ()) if c.doctor_id not in known):
                known.add(candidate.doctor_id)
                queued = str(candidate.doctor_id) in (self.passed_over or ())
                if who != COORDINATOR and (candidate.crowded if queued else candidate.full):
                    self._pass_over(candidate.doctor_id)
                else:
                    found.append(candidate)
        if self.steps[step].get("mode") == LEAST_OFFERED:
            found.sort(key=lambda c: c.fairness)
        return found

    def _in_turns(self, step: int) -> bool:
        return in_turns(self.steps[step])

    def _asked_by_step(self) -> list[Offer]:
        """Offers of this step, and earlier ones to the people whom it rings again (the whole red team, once more)."""
        who = self.steps[self.step]["who"]
        return [o for o in self.offers if o.step == self.step or o.made_for(who)]

    def _awaited(self) -> list[Offer]:
        """The offers whose answers this step waits for; in turns, the last one's."""
        asked = self._asked_by_step()
        own = [o for o in asked if o.step == self.step]
        return own[-1:] if own and self._in_turns(self.step) else asked

    def _reaches_no_coordinator(self) -> bool:
        """Whether no device of any coordinator who is rung has the offer."""
        rung = [o for o in self.offers if o.role == COORDINATOR and o.state == OfferState.MADE]
        return bool(rung) and all(o.reaches_nobody for o in rung)

    def _coordinators_just_missed(self) -> bool:
        """Whether that has turned out since it last rang: others are rung now and not after the two minutes."""
        last = max((o.undelivered_at for o in self.offers if o.role == COORDINATOR and o.undelivered_at), default=None)
        acted = any(o.role == ASSIGNED and o.made_at >= self.step_started_at for o in self.offers)
        missed = last is not None and last > self.step_started_at and self._reaches_no_coordinator()
        return missed and not acted and not self.quiet

    def _anybody_in_step(self) -> bool:
        """Whether somebody whom this step rings again can be reached."""
        return any(o.state == OfferState.MADE and not o.reaches_nobody for o in self._asked_by_step())

    def _waits_though_empty(self) -> bool:
        """An empty step may wait its time, but only while somebody rings: a ladder never begins with silence."""
        audible = any(o.rings and o.expired_at is None and not o.reaches_nobody for o in self.offers)
        return audible and not self.steps[self.step].get("skip_empty", True)

    def _start_time(self, now: datetime) -> None:
        self.step_started_at = now
        self.step_due_at = after_time_of(self.policy, self.steps[self.step], now)
        if self.on_last_step:
            # Whatever the policy lets it wait: behind it there is nobody.
            self.step_due_at = min(self.step_due_at, now + self.again_after)
        self.reschedule()


def in_turns(step: Mapping[str, Any]) -> bool:
    """Whether a step rings its people one after the other."""
    return step.get("mode") in (ONE_BY_ONE, LEAST_OFFERED)


def after_time_of(policy: Mapping[str, Any], step: Mapping[str, Any], now: datetime) -> datetime:
    """Return when the time of a step that starts now is up, on the step's own clock."""
    timeout = timedelta(seconds=step["timeout_s"])
    if step.get("clock") != WORKING_HOURS:
        return now + timeout
    return after_working_time(now, timeout, policy.get("holidays") or {})


__all__ = [
    "ASK_AGAIN_AFTER",
    "BY_TELEPHONE",
    "COORDINATOR",
    "HOLDER_GONE",
    "LEAST_OFFERED",
    "OFF_DUTY",
    "ONE_BY_ONE",
    "RING_AGAIN_AFTER",
    "SECOND_SPECIALTY",
    "UNDELIVERED_AFTER",
    "WORKING_HOURS",
    "Callout",
    "CalloutState",
    "Candidate",
    "Duty",
    "Offer",
    "OfferState",
    "after_time_of",
    "in_turns",
]
