"""What doctors ask of their own duty: swaps and leave."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.errors import NoLongerOpen


class SwapState(StrEnum):
    """A swap is offered until it is taken, taken back, or begins without a taker."""

    OFFERED = "offered"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Swap(Base):
    """Part or all of one duty, offered to a colleague; with `returns` it is an exchange, all of it or nothing."""

    __tablename__ = "swap"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    giver_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    taker_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    returns: Mapped[Range[datetime] | None] = mapped_column(
        TSTZRANGE, comment="the taker's duty that the giver takes in exchange"
    )
    state: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(state = 'taken') = (taker_id IS NOT NULL)", name="taken_by_somebody"),
        CheckConstraint("NOT isempty(during)", name="not_empty"),
        ExcludeConstraint(
            ("schedule_id", "="),
            ("role", "="),
            ("giver_id", "="),
            ("during", "&&"),
            where=text("state = 'offered'"),
            name="ex_swap_offered_once",
        ),
        Index("ix_swap_open", text("lower(during)"), postgresql_where=text("state = 'offered'")),
    )

    @property
    def starts_at(self) -> datetime:
        """When the first of the two duties begins: what is not taken by then lapses."""
        starts = [during.lower for during in (self.during, self.returns) if during is not None]
        return min(start for start in starts if start is not None)

    def take(self, *, by: UUID, now: datetime) -> None:
        """A colleague takes it over. Raises NoLongerOpen when it was answered already or has begun."""
        self._must_be_open(now)
        self.state, self.taker_id, self.answered_at = SwapState.TAKEN, by, now

    def withdraw(self, *, now: datetime) -> None:
        """The giver keeps the duty after all. Raises NoLongerOpen."""
        self._must_be_open(now)
        self.state, self.answered_at = SwapState.WITHDRAWN, now

    def lapse(self, *, now: datetime) -> bool:
        """Nobody took it and it begins: the duty stays with its giver. Says whether that is so."""
        if self.state != SwapState.OFFERED or self.starts_at > now:
            return False
        self.state, self.answered_at = SwapState.LAPSED, now
        return True

    def _must_be_open(self, now: datetime) -> None:
        if self.state != SwapState.OFFERED:
            raise NoLongerOpen(state=self.state)
        if self.starts_at <= now:
            raise NoLongerOpen(state=SwapState.LAPSED.value)


class LeaveState(StrEnum):
    """Leave counts once it is approved."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Leave(Base):
    """Absence of a doctor, in every role at every desk, once approved."""

    __tablename__ = "leave"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        ExcludeConstraint(
            ("doctor_id", "="),
            ("during", "&&"),
            where=text("state IN ('requested', 'approved')"),
            name="ex_leave_one_at_a_time",
        ),
        CheckConstraint("NOT isempty(during)", name="not_empty"),
    )

    def decide(self, *, approve: bool, by: UUID, now: datetime) -> None:
        """The head of a rota or the administrator decides. Raises NoLongerOpen."""
        if self.state != LeaveState.REQUESTED:
            raise NoLongerOpen(state=self.state)
        self._must_not_be_over(now)
        self.state = LeaveState.APPROVED if approve else LeaveState.DECLINED
        self.decided_by, self.decided_at = by, now

    def withdraw(self, *, now: datetime) -> None:
        """It is not needed any more; what has been taken of it stays. Raises NoLongerOpen."""
        if self.state not in (LeaveState.REQUESTED, LeaveState.APPROVED):
            raise NoLongerOpen(state=self.state)
        self._must_not_be_over(now)
        if self.state == LeaveState.APPROVED and self.during.lower is not None and self.during.lower < now:
            self.during = Range(self.during.lower, now)
        else:
            self.state = LeaveState.WITHDRAWN

    def _must_not_be_over(self, now: datetime) -> None:
        if self.during.upper is not None and self.during.upper <= now:
            raise NoLongerOpen(state="ended")
