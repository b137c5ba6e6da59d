"""People with an account, their specialties, and the sessions they are signed in by."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Role(StrEnum):
    """What an account is for; duty on a rota decides who is rung."""

    REQUESTER = "requester"
    SPECIALIST = "specialist"
    COORDINATOR = "coordinator"
    ADMIN = "admin"
    OPERATOR = "operator"
    INTEGRATOR = "integrator"


ANSWERING: Final = frozenset({Role.SPECIALIST, Role.COORDINATOR})
"""Whose accounts can accept a case, and so be on duty."""
MAY_HEAD: Final = ANSWERING | {Role.ADMIN}
"""Whose accounts can be responsible for a rota."""


class User(Base):
    """One person (or one integration) and what they are allowed to be."""

    __tablename__ = "user_account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str]
    role: Mapped[str]
    hospital_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"), index=True)
    ward_id: Mapped[UUID | None] = mapped_column(ForeignKey("ward.id"), index=True)
    licence: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    capacity: Mapped[int | None] = mapped_column(comment="cases held at once before they are passed over; empty: any")
    capacity_version: Mapped[int] = mapped_column(
        server_default="1", default=1, comment="counts changes of capacity; an edit names the one it saw"
    )
    active: Mapped[bool] = mapped_column(default=True)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_user_account_username", text("lower(username)"), unique=True),
        # The end of every ladder: looked for at each step, among all the doctors of a hospital.
        Index("ix_user_account_coordinator", "hospital_id", postgresql_where=text("role = 'coordinator'")),
    )

    def hold_at_most(self, capacity: int | None) -> bool:
        """Set how many cases are held at once before routine ones pass by (None: any); whether that is new."""
        if capacity == self.capacity:
            return False
        self.capacity = capacity
        self.capacity_version += 1
        return True


class UserSpecialty(Base):
    """A specialty that a doctor may take responsibility in."""

    __tablename__ = "user_specialty"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    specialty: Mapped[str] = mapped_column(ForeignKey("specialty.code"), primary_key=True)


class Session(Base):
    """An opaque token, kept only as its SHA-256, so that a stolen database signs nobody in."""

    __tablename__ = "session"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    kind: Mapped[str] = mapped_column(comment="bearer or cookie")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
