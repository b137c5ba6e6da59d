"""Who is behind a token. A token is 256 random bits; the database knows its SHA-256 only.

A process keeps the subjects of the tokens it has seen. Its own revocations empty that cache at the commit (`forget`).
What other processes and the command line change is found by one query over everything cached, at most `trust_s` old
whenever a subject is handed out: a process that could not ask does not answer.
"""

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.clock import Clock, monotonic
from app.identifiers import new_id
from app.models.user import Session
from app.work import Subject, Work

COOKIE: Final = "__Host-hoichan"
COOKIE_NAMES: Final = (COOKIE,)
"""One name everywhere: Chromium and Firefox keep `__Host-` cookies on http://localhost and http://127.0.0.1 as well."""
BEARER, BROWSER = "bearer", "cookie"
TRUST_S: Final = 2.0
ROOM: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    subject: Subject
    version: str


class Sessions:
    """The signed-in accounts that this process knows."""

    def __init__(
        self,
        database: async_sessionmaker[AsyncSession],
        clock: Clock,
        *,
        room: int = ROOM,
        trust_s: float = TRUST_S,
        stopwatch: Callable[[], float] = monotonic,
    ) -> None:
        """Know nobody yet. `room`: how many are kept; `trust_s`: how many seconds what is kept goes unchecked."""
        self._database = database
        self._clock = clock
        self._room = room
        self._trust_s = trust_s
        self._stopwatch = stopwatch
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._generation = 0
        self._checked_at = stopwatch()
        self._checking = asyncio.Lock()

    async def subject(self, token: str) -> Subject | None:
        """Return whom the token stands for, or None: unknown, ended, revoked, or the account is deactivated."""
        if not _TOKEN.fullmatch(token):
            return None
        digest = digest_of(token)
        await self._keep_trust()
        known = self._known.get(digest)
        if known is None or _expired(known.subject, self._clock):
            # A session that seems to have expired may have been prolonged since.
            return await self._read(digest)
        self._known.move_to_end(digest)
        return known.subject

    def forget(self, barred: Sequence[tuple[str, str]]) -> None:
        """Drop `("session", id)` and `("user", id)` from the cache; other pairs concern streams, not sign-ins."""
        sessions = {UUID(name) for kind, name in barred if kind == "session"}
        users = {UUID(name) for kind, name in barred if kind == "user"}
        if not sessions and not users:
            return
        self._generation += 1
        gone = [
            digest
            for digest, known in self._known.items()
            if known.subject.session_id in sessions or known.subject.id in users
        ]
        for digest in gone:
            del self._known[digest]

    def clear(self) -> None:
        """Trust nothing that is kept: every token is looked up again."""
        self._generation += 1
        self._known.clear()

    async def recheck(self) -> list[tuple[str, str]]:
        """Compare everything kept with the database in one query, and return the sessions that have ended.

        Called by the process itself when `trust_s` have passed, or sooner by whoever wants to close sockets.
        """
        before = self._stopwatch()
        kept = list(self._known.items())
        changed: Mapping[bytes, bool] = {}
        if kept:
            async with self._database() as session:
                rows = await session.execute(
                    _CHANGED,
                    {
                        "digests": [digest for digest, _ in kept],
                        "versions": [known.version for _, known in kept],
                        "now": self._clock.now(),
                    },
                )
                changed = {bytes(row.digest): row.ended for row in rows}
        ended: list[tuple[str, str]] = []
        for digest, known in kept:
            if digest in changed:
                if self._known.get(digest) is known:
                    del self._known[digest]
                if changed[digest]:
                    ended.append(("session", str(known.subject.session_id)))
        self._generation += bool(changed)
        self._checked_at = before
        return ended

    async def _keep_trust(self) -> None:
        if not self._stale():
            return
        async with self._checking:
            if self._stale():
                await self.recheck()

    def _stale(self) -> bool:
        return self._stopwatch() - self._checked_at >= self._trust_s

    async def _read(self, digest: bytes) -> Subject | None:
        generation = self._generation
        async with self._database() as session:
            found = await _find(session, digest, self._clock)
        if found is None:
            self._known.pop(digest, None)
            return None
        if generation == self._generation:
            # Otherwise somebody was barred while this was being read: what was read may be from before.
            self._known[digest] = found
            self._known.move_to_end(digest)
            while len(self._known) > self._room:
                self._known.popitem(last=False)
        return found.subject


def digest_of(token: str) -> bytes:
    """Return what the database keeps of a token."""
    return sha256(token.encode()).digest()


async def open_session(work: Work, user_id: UUID, kind: str, lifetime: timedelta) -> tuple[Subject, str]:
    """Sign an account in; its row must be locked. Returns whom and the token, which nobody will see again."""
    token = secrets.token_urlsafe(32)
    digest = digest_of(token)
    row = Session(
        id=new_id(work.now),
        user_id=user_id,
        digest=digest,
        kind=kind,
        created_at=work.now,
        expires_at=work.now + lifetime,
        revoked_at=None,
    )
    work.session.add(row)
    await work.session.flush()
    found = await _find_at(work.session, {"digest": digest, "now": work.now})
    assert found is not None  # it was written just now
    return found.subject, token


async def prolong(work: Work, lifetime: timedelta) -> bool:
    """Give a browser session its whole life again once half of it is over; whoever keeps working is never put out."""
    subject = work.subject
    ends = subject.session_expires_at
    if subject.session_kind != BROWSER or ends is None or ends - work.now > lifetime / 2:
        return False
    prolonged = await work.session.scalar(
        update(Session)
        .where(Session.id == subject.session_id, Session.revoked_at.is_(None), Session.expires_at > work.now)
        .values(expires_at=work.now + lifetime)
        .returning(Session.id)
    )
    return prolonged is not None


async def revoke(work: Work, user_id: UUID, *, only: UUID | None = None, but: UUID | None = None) -> list[UUID]:
    """End sessions of an account (all, `only` one, or all `but` one) with this commit, on every socket too."""
    ending = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
    if only is not None:
        ending = ending.where(Session.id == only)
    if but is not None:
        ending = ending.where(Session.id != but)
    ended = list(await work.session.scalars(ending.values(revoked_at=work.now).returning(Session.id)))
    work.barred += [("session", str(session_id)) for session_id in ended]
    return ended


async def revoke_token(work: Work, token: str, *, unless_of: UUID) -> None:
    """End the session that a browser held before somebody else signed in on it."""
    owner = await work.session.execute(
        select(Session.id, Session.user_id).where(Session.digest == digest_of(token), Session.user_id != unless_of)
    )
    for session_id, user_id in owner:
        await revoke(work, user_id, only=session_id)


_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def _expired(subject: Subject, clock: Clock) -> bool:
    return subject.session_expires_at is None or subject.session_expires_at <= clock.now()


async def _find(session: AsyncSession, digest: bytes, clock: Clock) -> _Known | None:
    return await _find_at(session, {"digest": digest, "now": clock.now()})


async def _find_at(session: AsyncSession, parameters: Mapping[str, Any]) -> _Known | None:
    row = (await session.execute(_SUBJECT, parameters)).one_or_none()
    if row is None:
        return None
    subject = Subject(
        id=row.user_id,
        name=row.name,
        role=row.role,
        username=row.username,
        hospital_id=row.hospital_id,
        hospital_name=row.hospital_name,
        ward_id=row.ward_id,
        ward_name=row.ward_name,
        ward_phone=row.ward_phone,
        licence=row.licence,
        phone=row.phone,
        specialties=frozenset(row.specialties),
        capacity=row.capacity,
        session_id=row.session_id,
        session_kind=row.kind,
        session_expires_at=row.expires_at,
        must_change_password=row.must_change_password,
    )
    return _Known(subject, row.version)


# Every row that a subject is made of, and the transaction that wrote it last.
_VERSION = "concat_ws(' ', s.xmin, u.xmin, o.xmin, w.xmin, k.codes)"
_JOINS = """
  JOIN user_account u ON u.id = s.user_id AND u.active
  LEFT JOIN organization o ON o.id = u.hospital_id
  LEFT JOIN ward w ON w.id = u.ward_id
  LEFT JOIN LATERAL (
    SELECT array_agg(us.specialty ORDER BY us.specialty) AS codes FROM user_specialty us WHERE us.user_id = u.id
  ) k ON true
"""
_VALID = "s.revoked_at IS NULL AND s.expires_at > CAST(:now AS timestamptz)"

_SUBJECT: Final = text(f"""
SELECT s.id AS session_id, s.kind, s.expires_at, u.id AS user_id, u.username, u.name, u.role, u.licence, u.phone,
       u.capacity, u.must_change_password, u.hospital_id, o.short_name AS hospital_name, u.ward_id, w.name AS ward_name,
       w.phone AS ward_phone, coalesce(k.codes, '{{}}') AS specialties, {_VERSION} AS version
FROM session s {_JOINS}
WHERE s.digest = CAST(:digest AS bytea) AND {_VALID}
""")  # noqa: S608 (all parts stand in this file)

_CHANGED: Final = text(f"""
SELECT c.digest, now_.version IS NULL AS ended
FROM unnest(CAST(:digests AS bytea[]), CAST(:versions AS text[])) AS c(digest, version)
LEFT JOIN LATERAL (
  SELECT {_VERSION} AS version FROM session s {_JOINS} WHERE s.digest = c.digest AND {_VALID}
) now_ ON true
WHERE now_.version IS DISTINCT FROM c.version
""")  # noqa: S608 (all parts stand in this file)
