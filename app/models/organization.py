"""Hospitals, the health departments they belong to, and their wards."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class OrganizationKind(StrEnum):
    """Who can be a party of an agreement."""

    HOSPITAL = "hospital"
    HEALTH_DEPARTMENT = "health_department"


class Organization(Base):
    """A hospital or a health department (Sở Y tế), which stands for its member hospitals in agreements."""

    __tablename__ = "organization"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True, comment="stable key of the network file")
    kind: Mapped[str]
    name: Mapped[str]
    short_name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(default=list)
    facility_code: Mapped[str | None]
    province: Mapped[str | None]
    former_province: Mapped[str | None]
    technical_level: Mapped[str | None]
    legacy_tier: Mapped[str | None]
    phone: Mapped[str | None]
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"), index=True)
    fallback_desks: Mapped[list[str]] = mapped_column(default=list, comment="desk ids rung outside any agreement")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Ward(Base):
    """A ward (khoa) that asks; its doctors share its cases and its telephone."""

    __tablename__ = "ward"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    hospital_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    phone: Mapped[str | None]

    __table_args__ = (Index(None, "hospital_id", "name", unique=True),)
