"""Agreements (thỏa thuận hợp tác): who may ask whom, in which specialty, until when."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

WARNINGS_DAYS: Final = (7, 30, 60)
"""How many days (of 24 h) before its end both parties are warned."""


class Agreement(Base):
    """One specialty that one party answers for another; a health department stands for its member hospitals."""

    __tablename__ = "agreement"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asking_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    answering_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    specialty: Mapped[str] = mapped_column(ForeignKey("specialty.code"))
    rank: Mapped[int] = mapped_column(default=1)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    title: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    warned_days: Mapped[int | None] = mapped_column(comment="the last warning before its end: 60, 30 or 7 days")

    __table_args__ = (
        ExcludeConstraint(
            ("asking_id", "="),
            ("answering_id", "="),
            ("specialty", "="),
            ("during", "&&"),
            name="ex_agreement_one_at_a_time",
        ),
        CheckConstraint("NOT isempty(during)", name="not_empty"),
    )

    @property
    def start(self) -> datetime:
        """Since when it holds; every agreement has a beginning."""
        assert self.during.lower is not None
        return self.during.lower

    @property
    def end(self) -> datetime | None:
        """Until when; none: until it is given an end."""
        return self.during.upper

    def state(self, now: datetime) -> str:
        """Upcoming, current or ended."""
        if now < self.start:
            return "upcoming"
        return "current" if self.end is None or now < self.end else "ended"

    def days_left(self, now: datetime) -> int | None:
        """Whole days (of 24 h) until its end, rounded up; None without an end."""
        return None if self.end is None else max(0, -((now - self.end) // timedelta(days=1)))

    def change(self, *, rank: int | None, title: str | None, start: datetime, end: datetime | None) -> None:
        """Take over what is given; an agreement with another end is warned of anew."""
        if end != self.end:
            self.warned_days = None
        self.during = Range(start, end)
        self.rank = rank if rank is not None else self.rank
        self.title = title if title is not None else self.title
        self.version += 1

    def warn(self, now: datetime) -> int | None:
        """Return the warning that is due now (60, 30 or 7 days), once each; of several passed, the nearest to the end.

        An agreement that was prolonged by whatever way, and is not near its end any more, starts anew.
        """
        due = warning_due(self.end, now)
        if due == self.warned_days:
            return None
        self.warned_days = due
        return due


def warning_due(end: datetime | None, now: datetime) -> int | None:
    """Which warning an agreement with this end has reached."""
    if end is None or end <= now:
        return None
    return next((days for days in WARNINGS_DAYS if end - timedelta(days=days) <= now), None)


class AgreementDesk(Base):
    """A desk that answers under an agreement, in the order of its rank."""

    __tablename__ = "agreement_desk"

    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("agreement.id", ondelete="CASCADE"), primary_key=True)
    desk_id: Mapped[UUID] = mapped_column(ForeignKey("desk.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(default=1)
