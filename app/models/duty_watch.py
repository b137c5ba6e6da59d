"""What is watched about duty: gaps in rotas, and whether the one on duty can be reached."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.gap_rules import next_telling

UNREACHABLE_AGAIN: Final = timedelta(hours=1)
"""How often coordinators are told again of somebody who did not answer; the board shows it all the time."""
ANSWER_WITHIN: Final = timedelta(minutes=5)
"""The least time to answer «are you there?», for duty that was put on the rota at the last moment."""
PASSING: Final = frozenset({"client", "link", "voice", "sms", "push"})
"""How «are you there?» may be answered; e-mail alone proves nothing about tonight."""


class GapKind(StrEnum):
    """Nobody is on the rota; or somebody is, and did not answer the test at the start of their duty."""

    NOBODY = "nobody"
    UNREACHABLE = "unreachable"


class DutyGap(Base):
    """A required role without anybody, told again and again until it is closed."""

    __tablename__ = "duty_gap"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID | None] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    desk_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("desk.id", ondelete="CASCADE"), comment="a desk that has no rota at all"
    )
    role: Mapped[str]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    kind: Mapped[str] = mapped_column(comment="nobody or unreachable")
    doctor_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("user_account.id"), comment="who could not be reached; still rung for patients"
    )
    found_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    told: Mapped[int] = mapped_column(default=0, comment="how often the head of the rota was told")
    next_told_at: Mapped[datetime | None] = mapped_column(comment="when the head is told again; empty once closed")

    __table_args__ = (
        CheckConstraint("NOT isempty(during)", name="not_empty"),
        CheckConstraint("num_nonnulls(schedule_id, desk_id) = 1", name="one_owner"),
        CheckConstraint("(closed_at IS NULL) = (next_told_at IS NOT NULL)", name="open_is_told"),
        Index(
            "uq_duty_gap_open",
            "schedule_id",
            "desk_id",
            "role",
            "kind",
            "doctor_id",
            text("lower(during)"),
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_duty_gap_due", "next_told_at", postgresql_where=text("closed_at IS NULL")),
    )

    @property
    def owner_id(self) -> UUID:
        """The rota; or the desk that has none."""
        owner = self.schedule_id or self.desk_id
        assert owner is not None
        return owner

    @property
    def start(self) -> datetime:
        """When it begins; the range always has both ends."""
        assert self.during.lower is not None
        return self.during.lower

    @property
    def end(self) -> datetime:
        """When it is over, whether or not anybody filled it."""
        assert self.during.upper is not None
        return self.during.upper

    def is_running(self, now: datetime) -> bool:
        """Whether it is there at this moment: an alarm."""
        return self.start <= now < self.end

    def tell(self, now: datetime) -> int:
        """Count one telling, and set the time of the next; return which telling this is, from 1."""
        self.told += 1
        if self.kind == GapKind.UNREACHABLE:
            self.next_told_at = min(now + UNREACHABLE_AGAIN, self.end)
        else:
            self.next_told_at = next_telling(self.start, self.end, now)
        return self.told

    def move(self, start: datetime, end: datetime, now: datetime) -> bool:
        """Take over where the gap lies now; the past stays. Return whether it moved.

        A gap that begins earlier than was told is told again at once; one that shrank, moved away or grew at its end
        waits for its next telling.
        """
        if start <= now and self.start <= now:
            start = self.start
        if (start, end) == (self.start, self.end):
            return False
        if start < self.start:
            self.next_told_at = now
        elif self.next_told_at is not None:
            self.next_told_at = min(self.next_told_at, end)
        self.during = Range(start, end)
        return True

    def close(self, now: datetime) -> None:
        """It is filled, answered or over."""
        self.closed_at, self.next_told_at = now, None


class CheckState(StrEnum):
    """«Are you there?» waits for an answer until the duty begins."""

    ASKED = "asked"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"


class ReachabilityCheck(Base):
    """«Are you there?», sent on every channel 15 min before a duty that does not follow one's own."""

    __tablename__ = "reachability_check"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    role: Mapped[str]
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    state: Mapped[str]
    answered_at: Mapped[datetime | None]
    via: Mapped[str | None] = mapped_column(comment="client, link, voice or sms; e-mail alone never passes")

    __table_args__ = (
        Index("uq_reachability_check_once", "schedule_id", "doctor_id", "starts_at", unique=True),
        Index("ix_reachability_check_due", "starts_at", postgresql_where=text("state = 'asked'")),
    )

    @property
    def answer_by(self) -> datetime:
        """Until when an answer keeps the alarm away: the start of duty, and never less than five minutes."""
        return max(self.starts_at, self.asked_at + ANSWER_WITHIN)

    def is_open(self, now: datetime) -> bool:
        """Whether an answer still means something: also late, as long as the duty lasts."""
        return self.state != CheckState.ANSWERED and self.ends_at > now

    def answer(self, via: str, now: datetime) -> bool:
        """The doctor is there; return whether that ends an alarm."""
        late = self.state == CheckState.UNANSWERED
        self.state, self.via, self.answered_at = CheckState.ANSWERED, via, now
        return late

    def give_up(self) -> None:
        """The duty begins and nobody has answered."""
        self.state = CheckState.UNANSWERED
