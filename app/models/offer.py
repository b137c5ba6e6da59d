"""Offers: one doctor asked to take one case, and everything that becomes of the asking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

UNDELIVERED_AFTER = timedelta(seconds=30)
COORDINATOR = "coordinator"
ASSIGNED = "assigned"
"""Of an offer: a coordinator has chosen this doctor."""
OWN_COORDINATORS, OTHER_COORDINATORS = "own_coordinators", "other_coordinators"
STAND_INS = (OWN_COORDINATORS, OTHER_COORDINATORS)
"""Who is rung behind a coordinator on duty who is not reached: all of that hospital's, then the other party's."""
OFF_DUTY = "off_duty"
ROLES_OF_DUTY = frozenset({"primary", "backup", "head_of_shift", "red_team", "leadership", COORDINATOR})


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
    capacity: int | None = None
    """How many cases they hold at once; None: any number."""
    full: bool = False
    """Holds as many cases as they can: is passed over for this one."""
    crowded: bool = False
    """Full, counting also what rings at them now: a waiting case waits on."""
    offers_24h: int = 0
    last_offer_at: datetime | None = None

    @property
    def fairness(self) -> tuple[int, float, UUID]:
        """Whose turn it is: fewest offers in 24 h, then the oldest last offer, then the identifier."""
        return (self.offers_24h, self.last_offer_at.timestamp() if self.last_offer_at else 0.0, self.doctor_id)


Duty: TypeAlias = Mapping[str, Sequence[Candidate]]
"""Who can be rung at one instant, by role of the desk and of its hospital.

`user:<id>` names one person, `desk:<id>` the first on call of a partner desk; `STAND_INS` stand behind the last step.
"""


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
    off_duty_at: Mapped[datetime | None] = mapped_column(
        comment="when the duty ended for which it was made; taken back once a successor has theirs"
    )

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

    @property
    def taken_back_off_duty(self) -> bool:
        """Whether it ended with the doctor's duty: when they are on duty again they can be asked again."""
        return self.state == OfferState.WITHDRAWN and self.reason == OFF_DUTY

    def made_for(self, who: Sequence[str]) -> bool:
        """Whether a step that rings these would ring this doctor in the same part."""
        return self.role in who or f"user:{self.doctor_id}" in who

    def succeeds(self, other: "Offer") -> bool:
        """Whether somebody of the same role, who stays on duty, has a ringing device: the other may stop."""
        return (
            self.rings
            and self.role == other.role
            and self.doctor_id != other.doctor_id
            and self.off_duty_at is None
            and self.delivered_at is not None
        )

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
