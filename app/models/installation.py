"""This installation: its epoch, and whether it is a demonstration."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Installation(Base):
    """One row. `epoch` changes when a backup is restored, never at a restart: clients then drop their cursors."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, default=1, autoincrement=False)
    epoch: Mapped[str]
    demo: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(default="hoichan")
    created_at: Mapped[datetime]
    vapid_private_key: Mapped[str | None] = mapped_column(
        comment="signs web pushes; made at the first start, shared by all processes"
    )

    duty_looked_at: Mapped[datetime | None] = mapped_column(
        comment="when a process last looked at all rotas for gaps, as time goes on"
    )

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
