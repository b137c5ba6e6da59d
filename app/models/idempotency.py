"""Answers to commands, kept so that a retried command is answered and not done again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class StoredAnswer(Base):
    """The 2xx answer to one Idempotency-Key of one account, committed with the effect."""

    __tablename__ = "stored_answer"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, comment="SHA-256 of method, path and body")
    status: Mapped[int]
    body: Mapped[str]
    location: Mapped[str | None]
    consultation_id: Mapped[UUID | None]
    at: Mapped[datetime]

    __table_args__ = (Index(None, "at"),)
