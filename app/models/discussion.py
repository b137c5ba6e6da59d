"""What is said about a case: vital signs, messages, conclusions, read-backs, outcomes, and who takes part."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Participant(Base):
    """Somebody who takes part, from when to when, and how far they have read."""

    __tablename__ = "participant"

    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(comment="requester, assigned, team, invited or former")
    hospital_id: Mapped[UUID | None]
    hospital_name: Mapped[str | None]
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    delivered_n: Mapped[int] = mapped_column(BigInteger, default=0)
    seen_n: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (Index(None, "user_id"),)


class VitalSigns(Base):
    """One set of vital signs, taken at one time, with the NEWS2 worked out from this set alone."""

    __tablename__ = "vital_signs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    taken_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    recorded_by_name: Mapped[str]
    pulse: Mapped[int | None]
    systolic: Mapped[int | None]
    diastolic: Mapped[int | None]
    respiration: Mapped[int | None]
    temperature: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    spo2: Mapped[int | None]
    spo2_scale: Mapped[int] = mapped_column(default=1)
    on_oxygen: Mapped[bool | None]
    oxygen_l_min: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    consciousness: Mapped[str | None]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    news2: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Message(Base):
    """A message of the discussion; an opinion is advice that must be read back. Its id is its fact's."""

    __tablename__ = "message"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"))
    n: Mapped[int] = mapped_column(BigInteger, comment="place in the consultation's stream")
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    author_name: Mapped[str]
    author_hospital_name: Mapped[str | None]
    text: Mapped[str]
    opinion: Mapped[bool]
    at: Mapped[datetime]
    written_at: Mapped[datetime | None]
    supersedes: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"))
    superseded_by: Mapped[UUID | None]
    vitals_id: Mapped[UUID | None] = mapped_column(ForeignKey("vital_signs.id"))

    __table_args__ = (Index(None, "consultation_id", "n", unique=True),)


class Conclusion(Base):
    """The specialist's conclusion; a later one supersedes an earlier one and hides nothing. Its id is its fact's."""

    __tablename__ = "conclusion"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    at: Mapped[datetime]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    author_name: Mapped[str]
    author_licence: Mapped[str | None]
    summary: Mapped[str]
    conclusion: Mapped[str]
    plan: Mapped[str]
    decision: Mapped[str | None]
    supersedes: Mapped[UUID | None] = mapped_column(ForeignKey("conclusion.id"))


class ReadBack(Base):
    """The requesting side has read one piece of advice and says what it understood."""

    __tablename__ = "read_back"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    event_id: Mapped[UUID] = mapped_column(comment="the opinion or conclusion read back")
    by_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    by_name: Mapped[str]
    understood: Mapped[bool]
    text: Mapped[str]
    at: Mapped[datetime]
    done_already: Mapped[bool | None] = mapped_column(comment="of a correction: was the old advice carried out before")


class Outcome(Base):
    """What became of the patient, at 24 hours, 7 days or discharge."""

    __tablename__ = "outcome"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consultation_id: Mapped[UUID] = mapped_column(ForeignKey("consultation.id"), index=True)
    due: Mapped[str] = mapped_column(comment="24h, 7d or discharge")
    result: Mapped[str]
    text: Mapped[str]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    by_name: Mapped[str]
    reported_at: Mapped[datetime]
