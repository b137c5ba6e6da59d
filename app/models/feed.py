"""Calendar feeds: a secret address that shows the duty of a doctor or a desk to a calendar, until it is revoked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Feed(Base):
    """One iCalendar address, kept only as the SHA-256 of its secret."""

    __tablename__ = "feed"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    doctor_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    schedule_id: Mapped[UUID | None] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("num_nonnulls(doctor_id, schedule_id) = 1", name="one_subject"),)
