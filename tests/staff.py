"""The whole network signed in at once, and newcomers: sessions are written straight into the database.

Signing in by password takes a tenth of a second by design; `tests/test_sign_in.py` proves that door.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.hotline import PATIENCE_S, Hotline, Json, Person

SIGNED_IN_FOR = timedelta(days=30)


@dataclass(repr=False)
class Staff:
    """Everybody of one running hotline, by user name and by identifier."""

    hotline: Hotline
    by_username: dict[str, Person] = field(default_factory=dict)
    by_id: dict[str, Person] = field(default_factory=dict)

    def __getitem__(self, username: str) -> Person:
        return self.by_username[username]

    def id_of(self, person: Person) -> str:
        return str(person.account["id"])

    def rung(self, case: Json, *, role: str | None = None, callout: int | None = None) -> list[Person]:
        """The people whom a case, as it was read, rings."""
        chosen = case["callouts"] if callout is None else [case["callouts"][callout]]
        return [
            self.by_id[o["doctor"]]
            for c in chosen
            for o in c["offers"]
            if o["state"] == "made" and o["attendance"] is None and role in (None, o["role"])
        ]

    async def newcomers(
        self,
        how_many: int,
        *,
        role: str = "specialist",
        hospital: str,
        ward: str | None = None,
        specialties: Sequence[str] = (),
    ) -> list[Person]:
        """People who have just begun to work at a hospital (and ward), by identifier."""
        made = []
        async with self.sql() as session:
            for _ in range(how_many):
                user_id, token = str(uuid4()), secrets.token_urlsafe(32)
                username = f"moi-{user_id[:8]}"
                await session.execute(
                    _NEWCOMER,
                    {
                        "id": user_id,
                        "username": username,
                        "name": f"BS mới {user_id[:8]}",
                        "role": role,
                        "hospital": hospital,
                        "ward": ward,
                        "specialties": list(specialties),
                        "now": self.hotline.clock.now(),
                    },
                )
                account = {"username": username, "name": f"BS mới {user_id[:8]}", "role": role, "hospital": hospital}
                made.append(await self._enter(session, account | {"id": user_id}, token))
        return made

    async def put_on_duty(self, people: Sequence[Person], *, desk: str, role: str, hours: float = 24) -> None:
        """Put people on duty at a desk from an hour ago on."""
        now = self.hotline.clock.now()
        async with self.sql() as session:
            for person in people:
                await session.execute(
                    _ON_DUTY,
                    {
                        "id": str(uuid4()),
                        "desk": desk,
                        "doctor": self.id_of(person),
                        "role": role,
                        "start": now - timedelta(hours=1),
                        "end": now + timedelta(hours=hours),
                    },
                )

    async def execute(self, statement: str, **values: Any) -> Sequence[Row[Any]]:
        """Do something to the database that no door of the house does."""
        async with self.sql() as session:
            result = await session.execute(text(statement), values)
            return result.all() if result.returns_rows else []

    @asynccontextmanager
    async def sql(self) -> AsyncIterator[AsyncSession]:
        async with self.hotline.app.state.house.database() as session:
            yield session
            await session.commit()

    async def until_somebody_waits_for_a_lock(self) -> None:
        """Return once some other transaction in this database is held up by a lock."""
        async with asyncio.timeout(PATIENCE_S):
            while not (await self.execute(_WAITING))[0].n:
                await asyncio.sleep(0.01)

    async def _enter(self, session: AsyncSession, account: Json, token: str) -> Person:
        now = self.hotline.clock.now()
        await session.execute(
            _SESSION,
            {
                "id": str(uuid4()),
                "user": account["id"],
                "digest": sha256(token.encode()).digest(),
                "now": now,
                "end": now + SIGNED_IN_FOR,
            },
        )
        person = Person(self.hotline, account, token)
        self.by_username[account["username"]] = self.by_id[account["id"]] = person
        self.hotline.people[account["username"]] = person
        return person


async def everybody(hotline: Hotline) -> Staff:
    """Sign the whole network in."""
    staff = Staff(hotline)
    ids = {row.username: str(row.id) for row in await staff.execute("SELECT id, username FROM user_account")}
    tokens = {a["username"]: secrets.token_urlsafe(32) for a in hotline.accounts}
    now = hotline.clock.now()
    async with staff.sql() as session:
        await session.execute(
            _SESSIONS,
            {
                "ids": [uuid4() for _ in tokens],
                "users": [UUID(ids[username]) for username in tokens],
                "digests": [sha256(token.encode()).digest() for token in tokens.values()],
                "now": now,
                "end": now + SIGNED_IN_FOR,
            },
        )
    for account in hotline.accounts:
        username = account["username"]
        person = Person(hotline, account | {"id": ids[username]}, tokens[username])
        staff.by_username[username] = staff.by_id[ids[username]] = person
        hotline.people[username] = person
    return staff


_WAITING = """
SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_SESSION = text("""
INSERT INTO session (id, user_id, digest, kind, created_at, expires_at)
VALUES (CAST(:id AS uuid), CAST(:user AS uuid), :digest, 'bearer', :now, :end)
""")
_SESSIONS = text("""
INSERT INTO session (id, user_id, digest, kind, created_at, expires_at)
SELECT k.id, k.user_id, k.digest, 'bearer', CAST(:now AS timestamptz), CAST(:end AS timestamptz)
FROM unnest(CAST(:ids AS uuid[]), CAST(:users AS uuid[]), CAST(:digests AS bytea[])) AS k(id, user_id, digest)
""")
_NEWCOMER = text("""
WITH account AS (
  INSERT INTO user_account (id, username, password_hash, must_change_password, name, role, hospital_id, ward_id,
                            active, demo, created_at)
  VALUES (CAST(:id AS uuid), :username, '', false, :name, :role, CAST(:hospital AS uuid), CAST(:ward AS uuid),
          true, true, :now)
  RETURNING id
), counter AS (
  INSERT INTO stream (name, head, chain_seq, chain_hash) VALUES ('user:' || CAST(:id AS text), 0, 0, '')
)
INSERT INTO user_specialty (user_id, specialty) SELECT a.id, s FROM account a, unnest(CAST(:specialties AS text[])) s
""")
_ON_DUTY = text("""
INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during)
SELECT CAST(:id AS uuid), s.id, CAST(:doctor AS uuid), :role,
       tstzrange(CAST(:start AS timestamptz), CAST(:end AS timestamptz))
FROM schedule s WHERE s.desk_id = CAST(:desk AS uuid)
""")
