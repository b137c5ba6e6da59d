"""Facts, the streams they are entered into, and the counters of those streams."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Event(Base):
    """One business fact: history, audit of changes and outbox in one. Append-only, by trigger.

    `chain` names the hash chain the fact belongs to (`consultation:<id>`, `hospital:<id>` or `user:<id>`) and `seq` its
    place in it. `data` keeps the exact text that `data_hash` was taken of, so it is `json`, never `jsonb`.
    """

    __tablename__ = "event"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    chain: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str | None]
    consultation_id: Mapped[UUID | None] = mapped_column(ForeignKey("consultation.id"))
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    data_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index("uq_event_chain_seq", "chain", "seq", unique=True),)


class StreamHead(Base):
    """The counter of a `user:` or `hospital:` stream, and the head of the hash chain of facts about it."""

    __tablename__ = "stream"

    name: Mapped[str] = mapped_column(primary_key=True)
    head: Mapped[int] = mapped_column(BigInteger, default=0)
    chain_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    chain_hash: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class StreamEntry(Base):
    """A fact's place in one stream; the order of a stream is the order of commits, without gaps."""

    __tablename__ = "stream_entry"

    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
