"""What must not be forgotten once a case is held: advice that nobody has read back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


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
