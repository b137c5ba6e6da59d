"""Rotas as they are written (layers, overrides, temporary rotas, imports, holidays) and as compiled (duty slots)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
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
    version: Mapped[int] = mapped_column(default=1, comment="counts publications; an edit names the one it saw")
    rest_hours: Mapped[int] = mapped_column(server_default="12", comment="rest between duties below which it warns")
    compiled_until: Mapped[datetime | None]
    duty_version: Mapped[int] = mapped_column(
        BigInteger, server_default="0", default=0, comment="counts changes of its slots, by trigger"
    )
    duty_changed_at: Mapped[datetime | None] = mapped_column(
        comment="when that counter moved last, by the clock of the database"
    )

    __table_args__ = (CheckConstraint("num_nonnulls(desk_id, hospital_id) = 1", name="one_owner"),)


class Layer(Base):
    """Turns of doctors in one role; the highest-priority layer with somebody on wins."""

    __tablename__ = "layer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(server_default="", default="")
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
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))

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


class TemporaryRota(Base):
    """A rota for a while: it replaces everything else for the roles it names; what its shifts leave open is a gap."""

    __tablename__ = "temporary_rota"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    roles: Mapped[list[str]]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    shifts: Mapped[list[dict[str, Any]]] = mapped_column(comment="{role, doctor, from, to}")
    reason: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (CheckConstraint("NOT isempty(during)", name="not_empty"),)


class ImportedShift(Base):
    """One shift of a rota that is kept elsewhere, by its identity there; above every layer, below overrides."""

    __tablename__ = "imported_shift"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(comment="csv or ical, and what the caller calls it")
    uid: Mapped[str]
    recurrence_id: Mapped[str] = mapped_column(default="")
    sequence: Mapped[int] = mapped_column(default=0, comment="a higher one wins")
    role: Mapped[str]
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)

    __table_args__ = (
        Index("uq_imported_shift_identity", "schedule_id", "source", "uid", "recurrence_id", unique=True),
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
    name: Mapped[str] = mapped_column(server_default="", default="")
    source: Mapped[str] = mapped_column(server_default="own", default="own", comment="library or own")

    __table_args__ = (Index(None, "hospital_id", "day", unique=True, postgresql_nulls_not_distinct=True),)


class DutySlot(Base):
    """One doctor on duty in one role for one stretch of time: what routing reads."""

    __tablename__ = "duty_slot"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    role: Mapped[str]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    start_told_at: Mapped[datetime | None] = mapped_column(comment="when the doctor was told that it began")
    end_told_at: Mapped[datetime | None] = mapped_column(comment="when the doctor was told that it ended")

    __table_args__ = (
        # In this order its index also says who is on call at an instant, and is all that is read for it.
        ExcludeConstraint(
            ("schedule_id", "="),
            ("during", "&&"),
            ("role", "="),
            ("doctor_id", "="),
            name="ex_duty_slot_one_doctor_once",
        ),
        CheckConstraint("NOT isempty(during)", name="not_empty"),
        Index("ix_duty_slot_schedule_until", "schedule_id", func.upper(text("during"))),
        Index("ix_duty_slot_schedule_from", "schedule_id", func.lower(text("during"))),
        Index("ix_duty_slot_start_untold", func.lower(text("during")), postgresql_where=text("start_told_at IS NULL")),
        Index("ix_duty_slot_end_untold", func.upper(text("during")), postgresql_where=text("end_told_at IS NULL")),
        Index("ix_duty_slot_doctor_until", "doctor_id", func.upper(text("during"))),
    )
