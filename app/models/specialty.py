"""The Ministry's specialties, as editable data."""

from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Specialty(Base):
    """A specialty; its code is the Ministry's K-code where there is one."""

    __tablename__ = "specialty"

    code: Mapped[str] = mapped_column(primary_key=True)
    vi: Mapped[str]
    en: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
