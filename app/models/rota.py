"""Rotas as they are written (layers, overrides, holidays) and as they are compiled (duty slots)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Schedule(Base):
    """The rota of a desk (primary, backup, head_of_shift, red_team) or of a hospital (leadership, coordinator)."""

    __tablename__ = "schedule"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    desk_id: Mapped[UUID | None] = mapped_column(ForeignKey("desk.id"), unique=True)
    hospital_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"), unique=True)
    zone: Mapped[str] = mapped_column(default="Asia/Ho_Chi_Minh", comment="IANA zone that local times are in")
    head_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    required_roles: Mapped[list[str]] = mapped_column(default=list)
    version: Mapped[int] = mapped_column(default=1)
    compiled_until: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("num_nonnulls(desk_id, hospital_id) = 1", name="one_owner"),)


class Layer(Base):
    """Turns of doctors in one role; the highest-priority layer with somebody on wins."""

    __tablename__ = "layer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    priority: Mapped[int] = mapped_column(default=0)
    on: Mapped[str] = mapped_column("on_days", default="any", comment="any, ordinary or holiday")
    turns: Mapped[list[list[str]]] = mapped_column(JSONB, default=list)
    rotation: Mapped[dict[str, Any] | None]
    windows: Mapped[list[dict[str, Any]] | None]


class Override(Base):
    """An exception to the layers, applied in the order in which it was made."""

    __tablename__ = "override"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(comment="add, remove or replace")
    role: Mapped[str]
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]

    __table_args__ = (
        ExcludeConstraint(
            ("schedule_id", "="),
            ("role", "="),
            ("kind", "="),
            ("doctor_id", "="),
            ("during", "&&"),
            name="ex_override_one_of_a_kind",
        ),
        CheckConstraint("NOT isempty(during)", name="not_empty"),
    )


class Holiday(Base):
    """A day that a hospital keeps as a holiday, or works although it is one (with the weekday it stands for)."""

    __tablename__ = "holiday"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hospital_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(comment="off or working")
    as_day: Mapped[str | None]

    __table_args__ = (Index(None, "hospital_id", "day", unique=True, postgresql_nulls_not_distinct=True),)


class DutySlot(Base):
    """One doctor on duty in one role for one stretch of time: what routing reads."""

    __tablename__ = "duty_slot"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    role: Mapped[str]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)

    __table_args__ = (
        ExcludeConstraint(
            ("schedule_id", "="),
            ("role", "="),
            ("doctor_id", "="),
            ("during", "&&"),
            name="ex_duty_slot_one_doctor_once",
        ),
        CheckConstraint("NOT isempty(during)", name="not_empty"),
        Index("ix_duty_slot_schedule_until", "schedule_id", func.upper(text("during"))),
        Index("ix_duty_slot_doctor_until", "doctor_id", func.upper(text("during"))),
    )
