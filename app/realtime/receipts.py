"""«Delivered» and «seen», said by devices: of an offer a fact, of messages a marker that moves once a second."""

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from sqlalchemy import text

from app import outages
from app.errors import DatabaseAway, NotFound, Problem
from app.realtime import protocol
from app.realtime.line import Line
from app.realtime.protocol import Ack
from app.schemas.events import CONSULTATION, USER, kind_of
from app.services.cases import escalation

if TYPE_CHECKING:
    from app.realtime.house import House

MARK_EVERY_S: Final = 1.0
TRIES: Final = 3

log = structlog.get_logger()


class Receipts:
    """Takes acknowledgements for one process."""

    def __init__(self, house: "House") -> None:
        """Write to this house's database."""
        self._house = house
        self._marks: dict[tuple[UUID, UUID], tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None

    async def take(self, line: Line, ack: Ack) -> None:
        """Take one acknowledgement; what cannot be taken is said to the client, and nothing else happens."""
        if ack.stream not in line.subs:
            line.say(protocol.problem(NotFound(), line.language, ack.stream))
        elif kind_of(ack.stream) == CONSULTATION:
            self._mark(line, ack)
        elif kind_of(ack.stream) == USER:
            await self._of_offer(line, ack)

    async def stop(self) -> None:
        """Write what was marked last."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._marks:
            await self._write()

    # --- offers -------------------------------------------------------------------------------------------------------

    async def _of_offer(self, line: Line, ack: Ack) -> None:
        for left in reversed(range(TRIES)):
            try:
                await self._acknowledge(line, ack)
            except Problem as problem:
                line.say(protocol.problem(problem, line.language, ack.stream))
            except outages.TROUBLE as error:
                if left:
                    await asyncio.sleep(0.1)
                    continue
                log.warning("a receipt could not be stored", error=type(error).__name__)
                line.say(protocol.problem(DatabaseAway(), line.language, ack.stream))
            return

    async def _acknowledge(self, line: Line, ack: Ack) -> None:
        async with self._house.work(line.subject, language=line.language) as work:
            statement = _OFFER if ack.offer_id else _OFFER_AT
            parameters = {"user": line.subject.id, "offer": ack.offer_id, "name": ack.stream, "n": ack.n}
            named = {key: parameters[key] for key in (("user", "offer") if ack.offer_id else ("name", "n"))}
            row = (await work.session.execute(statement, named)).one_or_none()
            if row is None:
                raise NotFound
            how = "seen" if ack.seen else "delivered"
            if await escalation.acknowledge(work, row.consultation_id, UUID(str(row.offer_id)), how):
                await self._house.commit(work)
                self._house.timers_changed()

    # --- messages -----------------------------------------------------------------------------------------------------

    def _mark(self, line: Line, ack: Ack) -> None:
        n = min(ack.n, line.subs[ack.stream].last or 0)
        if not n:
            return
        key = (UUID(ack.stream.partition(":")[2]), line.subject.id)
        delivered, seen = self._marks.get(key, (0, 0))
        self._marks[key] = (max(delivered, n), max(seen, n if ack.seen else 0))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_marks())

    async def _write_marks(self) -> None:
        try:
            while self._marks:
                try:
                    await self._write()
                except outages.TROUBLE as error:
                    log.warning("read markers wait", error=type(error).__name__)
                await asyncio.sleep(MARK_EVERY_S)
        finally:
            self._task = None

    async def _write(self) -> None:
        marks = dict(sorted(self._marks.items()))
        async with self._house.database() as session:
            rows = await session.execute(
                _MARK,
                {
                    "cases": [case_id for case_id, _ in marks],
                    "users": [user_id for _, user_id in marks],
                    "delivered": [delivered for delivered, _ in marks.values()],
                    "seen": [seen for _, seen in marks.values()],
                },
            )
            moved = rows.all()
            await session.commit()
        for key, value in marks.items():
            if self._marks.get(key) == value:
                del self._marks[key]
        for row in moved:
            stream = f"consultation:{row.consultation_id}"
            self._house.hub.whisper(stream, protocol.marker(stream, row.user_id, row.delivered_n, row.seen_n))


_OFFER_AT = text("""
SELECT v.consultation_id, v.data->>'offer_id' AS offer_id
FROM stream_entry e JOIN event v ON v.id = e.event_id
WHERE e.stream = :name AND e.seq = :n AND v.type = 'offer.made'
""")

_OFFER = text("""
SELECT consultation_id, id AS offer_id FROM offer WHERE id = CAST(:offer AS uuid) AND doctor_id = CAST(:user AS uuid)
""")

# Rows are locked in one order, so that two processes that mark the same people never wait for each other.
_MARK = text("""
WITH marked AS (
  SELECT p.consultation_id, p.user_id,
         greatest(p.delivered_n, k.delivered) AS delivered, greatest(p.seen_n, k.seen) AS seen
  FROM unnest(CAST(:cases AS uuid[]), CAST(:users AS uuid[]), CAST(:delivered AS bigint[]), CAST(:seen AS bigint[]))
       AS k(case_id, user_id, delivered, seen)
  JOIN participant p ON p.consultation_id = k.case_id AND p.user_id = k.user_id
  WHERE (p.delivered_n < k.delivered OR p.seen_n < k.seen) AND p.left_at IS NULL
  ORDER BY p.consultation_id, p.user_id FOR UPDATE OF p
)
UPDATE participant p SET delivered_n = m.delivered, seen_n = m.seen FROM marked m
WHERE p.consultation_id = m.consultation_id AND p.user_id = m.user_id
RETURNING p.consultation_id, p.user_id, p.delivered_n, p.seen_n
""")
