"""Who read which patient's data, when, and in what form."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class AccessLog(Base):
    """One read of patient data. Append-only, by trigger."""

    __tablename__ = "access_log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"))
    view: Mapped[str] = mapped_column(comment="full, card or header")
    via: Mapped[str] = mapped_column(comment="read, messages, history, record, list, subscription or offer")

    __table_args__ = (Index(None, "consultation_id", "at"), Index(None, "user_id", "at"))
