"""What must not be forgotten once a case is held: advice that nobody has read back, and what was said by telephone."""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.identifiers import new_id
from app.models.urgency import Urgency

UNREAD_AFTER = {
    Urgency.RED: timedelta(minutes=5),
    Urgency.ORANGE: timedelta(minutes=5),
    Urgency.YELLOW: timedelta(minutes=15),
    Urgency.GREEN: timedelta(minutes=15),
}
RING_ON_AFTER = timedelta(minutes=2)


class Reach(IntEnum):
    """How far a reminder has gone: nobody, the ward's people, its telephone, a coordinator of the asking side."""

    NOBODY = -1
    WARD = 0
    TELEPHONE = 1
    COORDINATOR = 2


class Reminder(Base):
    """One piece of advice that waits to be read back; `next_due_at` is its timer until it is closed."""

    __tablename__ = "reminder"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    event_id: Mapped[UUID] = mapped_column(unique=True, comment="the opinion or conclusion")
    step: Mapped[int] = mapped_column(default=-1, comment="-1 nobody yet; then requester, ward, coordinator")
    opened_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (next_due_at IS NOT NULL)", name="open_has_due_time"),
        Index("ix_reminder_due", "next_due_at", postgresql_where=text("closed_at IS NULL")),
    )

    @classmethod
    def of(cls, case_id: UUID, advice: UUID, urgency: str, *, now: datetime) -> "Reminder":
        """Wait for this advice to be read back: 5 min in a red or orange case, 15 in a yellow or green one."""
        due = now + UNREAD_AFTER[Urgency(urgency)]
        return cls(
            id=new_id(now),
            consultation_id=case_id,
            event_id=advice,
            step=Reach.NOBODY,
            opened_at=now,
            next_due_at=due,
            closed_at=None,
        )

    def ring(self, *, telephone: bool, now: datetime) -> Reach:
        """Go one step further, and say how far: at the end it stays with the coordinator, every 2 min.

        Without a telephone of the ward that step is passed over. After an outage one step is taken.
        """
        step = min(self.step + 1, Reach.COORDINATOR)
        if step == Reach.TELEPHONE and not telephone:
            step = Reach.COORDINATOR
        self.step = step
        self.next_due_at = now + RING_ON_AFTER
        return Reach(step)

    def hurry(self, urgency: str, *, now: datetime) -> bool:
        """The patient is worse: what nobody was rung for yet rings as early as in a case of this urgency."""
        if self.step != Reach.NOBODY or self.next_due_at is None:
            return False
        before, self.next_due_at = self.next_due_at, max(now, self.opened_at + UNREAD_AFTER[Urgency(urgency)])
        self.next_due_at = min(before, self.next_due_at)
        return self.next_due_at < before

    def close(self, *, now: datetime) -> None:
        """It was read back, corrected, or nobody needs it any more."""
        self.closed_at = now
        self.next_due_at = None


class Side(StrEnum):
    """Which of the two sides of a case somebody stands on."""

    ASKING = "asking"
    ANSWERING = "answering"


class TelephoneCall(Base):
    """A conversation by telephone about a case; confirmed by the other side it counts as heard."""

    __tablename__ = "telephone_call"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    at: Mapped[datetime] = mapped_column(comment="when it took place")
    by_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    by_name: Mapped[str]
    side: Mapped[str] = mapped_column(comment="asking or answering: who wrote it down")
    text: Mapped[str] = mapped_column(default="", comment="what was said, typed")
    recorded_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    confirmed_by_name: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]

    @property
    def confirmed(self) -> bool:
        """Whether both sides say that it took place."""
        return self.confirmed_at is not None

    def confirm(self, by_id: UUID, by_name: str, *, now: datetime) -> None:
        """The other side says so too."""
        self.confirmed_by = by_id
        self.confirmed_by_name = by_name
        self.confirmed_at = now
