"""What doctors ask of their own duty: swaps and leave."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


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
        Index("ix_swap_open", text("lower(during)"), postgresql_where=text("state = 'offered'")),
    )


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
