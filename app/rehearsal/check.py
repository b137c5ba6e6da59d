"""Was anything lost or doubled? What people were told and heard, against the database (or, without it, the API)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.config import Settings
from app.database import make_engine
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.rehearsal.answering import Answering
from app.rehearsal.asking import Asking
from app.rehearsal.company import Company
from app.rehearsal.stories import Case, Story
from app.rehearsal.wire import GaveUpError

TAIL_WITHIN_S: Final = 10.0


@dataclass(slots=True)
class Findings:
    """What the check found; both lists empty is the only good end."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    against: str = ""
    """What it was checked against."""
    events: int = 0
    """Events that the database holds of these cases."""


async def check(
    settings: Settings, company: Company, asking: Asking, answering: Answering, cases: Sequence[Case]
) -> Findings:
    """Compare everything, in the database where it can be reached."""
    found = Findings()
    _ears(company, found)
    _told(asking, cases, found)
    async with _database(settings, cases) as connection:
        if connection is not None:
            found.against = "PostgreSQL"
            await _rows(connection, answering, cases, found)
            await _heads(connection, company, found)
        else:
            found.against = "API (không nối được cơ sở dữ liệu / the database cannot be reached)"
            await _api(company, cases, found)
    return found


def _ears(company: Company, found: Findings) -> None:
    for account in company.present.values():
        if account.ears is not None:
            heard = account.ears.heard
            found.lost += [f"{account.username}: gap in {gap}" for gap in heard.gaps]
            found.doubled += [f"{account.username}: heard twice {double}" for double in heard.doubles]


def _told(asking: Asking, cases: Sequence[Case], found: Findings) -> None:
    for label, ids in asking.ids.items():
        if len(ids) > 1:
            found.doubled.append(f"{label}: {len(ids)} cases for one request")
    for case in cases:
        found.lost += [f"{case.label} ({case.story}): {trouble}" for trouble in case.trouble]
        winners = set(case.winners)
        if len(winners) > 1:
            found.doubled.append(f"{case.label}: {len(winners)} doctors were told that they have the case")
        if case.id and not case.trouble and case.stage not in ("closed", "cancelled"):
            found.lost.append(f"{case.label} ({case.story}): ended as {case.stage}")


async def _rows(connection: AsyncConnection, answering: Answering, cases: Sequence[Case], found: Findings) -> None:
    asked = {case.id: case for case in cases if case.id}
    ids = [UUID(case_id) for case_id in asked]
    stored = {str(row.id): row for row in await connection.execute(_CASES, {"ids": ids})}
    found.lost += [f"{case.label}: not stored" for case_id, case in asked.items() if case_id not in stored]
    for row in stored.values():
        _one(row, asked[str(row.id)], found)
        found.events += row.events
    labels = [case.label for case in cases]
    for row in await connection.execute(_TWICE, {"labels": labels}):
        found.doubled.append(f"{row.label}: stored {row.times} times")
    for row in await connection.execute(_OFFERS, {"ids": ids}):
        heard = answering.offers_heard.get(str(row.doctor_id), set())
        case = asked[str(row.consultation_id)]
        if (
            str(row.doctor_id) in answering.company.by_id
            and str(row.id) not in heard
            and case.story is not Story.CANCELLED
        ):
            found.lost.append(f"{case.label}: the offer to {row.doctor_name} was never shown")


def _one(row: Any, case: Case, found: Findings) -> None:
    holder = case.winners[0] if case.winners else None
    stored = str(row.holder_id) if row.holder_id else None
    if holder != stored:
        found.lost.append(
            f"{case.label}: {case.holder or 'nobody'} was told to hold it; stored is {row.holder_name or 'nobody'}"
        )
    if row.accepted > (1 if holder else 0):
        found.doubled.append(f"{case.label}: {row.accepted} accepted offers")
    if row.events != row.version or row.last != row.version or row.entries != row.version:
        found.lost.append(f"{case.label}: version {row.version}, {row.events} events, {row.entries} in its stream")
    if row.said != case.posted:
        (found.lost if row.said < case.posted else found.doubled).append(
            f"{case.label}: {row.said} messages of {case.posted}"
        )


async def _heads(connection: AsyncConnection, company: Company, found: Findings) -> None:
    """Everybody's own stream must have been heard to its end; the last frames may still be on their way."""
    heads: Mapping[str, int] = {
        row.name: row.head
        for row in await connection.execute(_HEADS, {"names": [f"user:{user}" for user in company.by_id]})
    }
    loop = asyncio.get_running_loop()
    until = loop.time() + TAIL_WITHIN_S
    for name, head in heads.items():
        account = company.by_id[name.partition(":")[2]]
        while account.ears and (account.ears.place(name) or 0) < head and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        place = account.ears.place(name) if account.ears else None
        if (place or 0) < head:
            found.lost.append(f"{account.username}: heard their stream to {place} of {head}")


async def _api(company: Company, cases: Sequence[Case], found: Findings) -> None:
    for case in cases:
        if not case.id:
            continue
        token = company.present[case.asker].token
        try:
            read = (await company.wire.read(token, f"/consultations/{case.id}")).said
            history = (await company.wire.read(token, f"/consultations/{case.id}/history")).said["items"]
        except (GaveUpError, KeyError, TypeError) as error:
            found.lost.append(f"{case.label}: cannot be read ({error})")
            continue
        holder = case.winners[0] if case.winners else None
        if read.get("holder") != holder:
            found.lost.append(f"{case.label}: {holder} was told to hold it; stored is {read.get('holder')}")
        if [item["n"] for item in history] != list(range(1, read["version"] + 1)):
            found.lost.append(f"{case.label}: its history has gaps")
        found.events += len(history)
        for callout in read["callouts"]:
            accepted = [o for o in callout["offers"] if o["state"] == "accepted"]
            if len(accepted) > 1:
                found.doubled.append(f"{case.label}: {len(accepted)} accepted offers")


@contextlib.asynccontextmanager
async def _database(settings: Settings, cases: Sequence[Case]) -> AsyncIterator[AsyncConnection | None]:
    """Connect to the database behind the server: DATABASE_URL, or the embedded one of the data directory.

    None when neither is there, or when it holds none of these cases: then the server has another one.
    """
    embedded: EmbeddedPostgres | None = None
    url = settings.database_url
    try:
        if not url and (settings.data_dir / "postgres" / "cluster" / "postmaster.pid").exists():
            embedded = EmbeddedPostgres(settings.data_dir)
            url = await embedded.start()
    except (EmbeddedPostgresError, OSError):
        url = None
    try:
        async with contextlib.AsyncExitStack() as stack:
            yield await _connected(stack, url, [UUID(case.id) for case in cases if case.id]) if url else None
    finally:
        if embedded is not None:
            await embedded.stop()


async def _connected(stack: contextlib.AsyncExitStack, url: str, ids: list[UUID]) -> AsyncConnection | None:
    engine = make_engine(url, pool_size=2)
    stack.push_async_callback(engine.dispose)
    try:
        connection = await stack.enter_async_context(engine.connect())
        known = (await connection.execute(_KNOWN, {"ids": ids})).scalar()
    except (SQLAlchemyError, OSError):
        return None
    return connection if known or not ids else None


_KNOWN: Final = text("SELECT EXISTS (SELECT 1 FROM consultation WHERE id = ANY(CAST(:ids AS uuid[])))")
_TWICE: Final = text(
    "SELECT label, count(*) AS times FROM consultation WHERE label = ANY(CAST(:labels AS text[])) "
    "GROUP BY label HAVING count(*) > 1"
)
_OFFERS: Final = text(
    "SELECT id, consultation_id, doctor_id, doctor_name FROM offer WHERE consultation_id = ANY(CAST(:ids AS uuid[]))"
)
_HEADS: Final = text("SELECT name, head FROM stream WHERE name = ANY(CAST(:names AS text[]))")
_CASES: Final = text("""
SELECT c.id, c.version, c.holder_id, c.holder_name,
       (SELECT count(*) FROM event e WHERE e.chain = 'consultation:' || c.id) AS events,
       (SELECT max(e.seq) FROM event e WHERE e.chain = 'consultation:' || c.id) AS last,
       (SELECT count(*) FROM stream_entry k WHERE k.stream = 'consultation:' || c.id) AS entries,
       (SELECT count(*) FROM offer o WHERE o.consultation_id = c.id AND o.state = 'accepted') AS accepted,
       (SELECT count(*) FROM message m WHERE m.consultation_id = c.id) AS said
FROM consultation c WHERE c.id = ANY(CAST(:ids AS uuid[]))
""")
