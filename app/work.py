"""What every service function is handed: the session, who acts, when, and what has happened so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from app.models.consultation import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from app.models.consultation import Consultation


@dataclass(frozen=True, slots=True)
class Subject:
    """The account behind a request or a socket, as authorisation sees it."""

    id: UUID
    name: str
    role: str
    username: str = ""
    hospital_id: UUID | None = None
    hospital_name: str | None = None
    ward_id: UUID | None = None
    ward_name: str | None = None
    ward_phone: str | None = None
    licence: str | None = None
    phone: str | None = None
    specialties: frozenset[str] = frozenset()
    capacity: int | None = None
    session_id: UUID | None = None
    session_kind: str = "bearer"
    session_expires_at: datetime | None = None
    must_change_password: bool = False

    @property
    def person(self) -> Person:
        """The same human, as the models need to know them."""
        return Person(self.id, self.name, self.licence, self.hospital_id, self.hospital_name, self.specialties)


@dataclass(slots=True)
class Fact:
    """One thing that happened, collected while the service runs and written just before the commit."""

    id: UUID
    type: str
    chain: str
    n: int
    data: dict[str, Any]
    streams: tuple[str, ...]
    consultation: Consultation | None = None
    header: str = ""
    """The board row of its case as the transaction leaves it (JSON), the last field of what is stored and shown."""
    stored: str = ""
    """`data` with the header as it is written and hashed, once it is."""
    attach: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What a live delivery carries beside the stored data, by kind of stream; never stored."""

    def show(self, data: Mapping[str, Any]) -> str:
        """Return some data of this fact as JSON, with the header: that is rendered once for all facts of a case."""
        text = to_json(data).decode()
        return f'{text[:-1]},"header":{self.header}}}' if self.header else text


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact's place in one stream, as the hub delivers it after the commit."""

    stream: str
    n: int
    fact: Fact


@dataclass(slots=True)
class Command:
    """The idempotency of one command."""

    key: str
    fingerprint: bytes
    consultation_id: UUID | None = None


@dataclass(slots=True)
class Answer:
    """A 2xx answer as it will be stored and sent."""

    status: int
    body: str
    location: str | None = None
    shows: UUID | None = None
    """The case of which the body is all that its actor may read."""


@dataclass(slots=True)
class Work:
    """One transaction's worth of doing."""

    session: AsyncSession
    actor: Subject | None
    now: datetime
    language: str = "vi"
    command: Command | None = None
    clock: Callable[[], datetime] | None = None
    """Where an edge read `now`; without it (a command line, a test) time stands still."""
    cases: dict[UUID, Consultation] = field(default_factory=dict)
    new_cases: set[UUID] = field(default_factory=set)
    facts: list[Fact] = field(default_factory=list)
    optimistic: bool = False
    """Nothing is locked, and each statement is its own transaction: its one write tells whether another was faster."""
    sealed: Mapping[str, Any] | None = None
    """What will be written, rendered and hashed beforehand."""
    touched: bool = False
    """A case's rows changed without a fact (a timer was set anew)."""
    chain_heads: dict[str, bytes] = field(default_factory=dict)
    """Hash-chain heads of hospitals and users whose counter rows this transaction holds."""
    reads: list[tuple[UUID, str, str]] = field(default_factory=list)
    barred: list[tuple[str, str]] = field(default_factory=list)
    """(stream or `session:<id>` or `user:<id>`, subject) that must receive nothing after this commit."""

    def look_at_the_clock(self) -> None:
        """A lock was waited for: what is cut from here on is cut at this instant, not at that of the request."""
        if self.clock is not None:
            self.now = max(self.now, self.clock())

    @property
    def subject(self) -> Subject:
        """The one who acts; a request without one never reaches a service that asks."""
        assert self.actor is not None
        return self.actor
