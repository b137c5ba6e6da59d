"""Desks (bàn trực): one specialty at one central hospital."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Desk(Base):
    """Where requests of one specialty ring."""

    __tablename__ = "desk"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    hospital_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    specialty: Mapped[str] = mapped_column(ForeignKey("specialty.code"))
    name: Mapped[str]
    phone: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (Index(None, "hospital_id", "specialty"), Index(None, "specialty"))
