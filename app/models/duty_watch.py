"""What is watched about duty: gaps in rotas, and whether the one on duty can be reached."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class GapKind(StrEnum):
    """Nobody is on the rota; or somebody is, and did not answer the test at the start of their duty."""

    NOBODY = "nobody"
    UNREACHABLE = "unreachable"


class DutyGap(Base):
    """A required role without anybody, told again and again until it is closed."""

    __tablename__ = "duty_gap"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
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
        CheckConstraint("(closed_at IS NULL) = (next_told_at IS NOT NULL)", name="open_is_told"),
        Index(
            "uq_duty_gap_open",
            "schedule_id",
            "role",
            "kind",
            text("lower(during)"),
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_duty_gap_due", "next_told_at", postgresql_where=text("closed_at IS NULL")),
    )


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
        Index("uq_reachability_check_once", "schedule_id", "role", "doctor_id", "starts_at", unique=True),
        Index("ix_reachability_check_due", "starts_at", postgresql_where=text("state = 'asked'")),
    )
