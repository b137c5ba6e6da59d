"""Escalation policies: the ladder that is frozen on each callout when it opens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class EscalationPolicy(Base):
    """The steps for one urgency: of a desk, else of its hospital, else the default (both empty)."""

    __tablename__ = "escalation_policy"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    desk_id: Mapped[UUID | None] = mapped_column(ForeignKey("desk.id"))
    hospital_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    urgency: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    answer_due_s: Mapped[int]
    silent_s: Mapped[int] = mapped_column(
        server_default="900", default=900, comment="seconds without a word after acceptance, then it rings again"
    )
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    valid_from: Mapped[datetime]
    superseded_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("num_nonnulls(desk_id, hospital_id) <= 1", name="one_owner"),
        Index(
            "uq_escalation_policy_current",
            "desk_id",
            "hospital_id",
            "urgency",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )
