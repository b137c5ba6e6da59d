"""Agreements (thỏa thuận hợp tác): who may ask whom, in which specialty, until when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


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


class AgreementDesk(Base):
    """A desk that answers under an agreement, in the order of its rank."""

    __tablename__ = "agreement_desk"

    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("agreement.id", ondelete="CASCADE"), primary_key=True)
    desk_id: Mapped[UUID] = mapped_column(ForeignKey("desk.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(default=1)
