"""Reading the database for the hub: what a socket must be told first, and what a stream is missing.

The seam between what is read and what is live: the socket is registered and live events are held back, state and head
are read in one REPEATABLE READ transaction, what was read is sent, and of what was held back only what is newer. Who
may hear a stream, and whether the session is still good, is read in the same transaction.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app import outages
from app.errors import DatabaseAway, NotFound
from app.models.consultation import Consultation
from app.realtime import protocol
from app.realtime.line import Line, Sub
from app.realtime.protocol import Close
from app.schemas.events import CONSULTATION, USER, kind_of
from app.services.views import streams
from app.services.views.snapshots import Circumstances
from app.services.views.streams import Told
from app.work import Subject, Work

if TYPE_CHECKING:
    from app.realtime.hub import Hub

AT_ONCE: Final = 6
"""Sockets that are read for at the same time: a thousand that come back at once must leave requests their turn."""
STREAMS_A_READ: Final = 20
FILLED_AT_ONCE: Final = 200
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 3.0

T = TypeVar("T")
log = structlog.get_logger()


class CatchUp:
    """Reads for the sockets of one process; while the database is away it waits, and the sockets stay."""

    def __init__(self, hub: "Hub", database: async_sessionmaker[AsyncSession]) -> None:
        """Read this database for this hub."""
        self._hub = hub
        self._database = database
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._serving: set[Line] = set()
        self._to_fill: dict[str, None] = {}
        self._filling = False
        self._tasks: set[asyncio.Task[None]] = set()

    def open_soon(self, line: Line, cursors: Mapping[str, tuple[str, int]] | None = None) -> None:
        """Let a socket hear its own streams, and those it heard before."""
        self._run(self._open(line, cursors or {}))

    async def _open(self, line: Line, cursors: Mapping[str, tuple[str, int]]) -> None:
        own = await self._patiently(line, partial(self._own_streams, line))
        for name in dict.fromkeys([*(own or ()), *cursors]) if own is not None else ():
            epoch, n = cursors.get(name, ("", 0))
            last = n if epoch == self._hub.epoch else None
            if name not in (line.unsubscribed or ()):
                self._hub.subscribe(line, name, last=last, origin="had" if name in cursors else "own")

    def want(self, line: Line) -> None:
        """Read soon for the streams that the socket waits for."""
        if line not in self._serving and not line.gone:
            self._serving.add(line)
            self._run(self._serve(line))

    def fill(self, names: Iterable[str]) -> None:
        """Read soon what these streams have said that this process does not know."""
        self._to_fill.update((name, None) for name in names if name in self._hub.streams)
        if self._to_fill and not self._filling:
            self._filling = True
            self._run(self._fill())

    async def stop(self) -> None:
        """Read nothing more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- for one socket -----------------------------------------------------------------------------------------------

    async def _serve(self, line: Line) -> None:
        try:
            while not line.closing:
                await line.room()
                subs = line.take_wanted(STREAMS_A_READ)
                if not subs:
                    break
                found = await self._patiently(line, partial(self._read, line, subs))
                if found is not None:
                    self._hand_over(line, subs, found)
        finally:
            self._serving.discard(line)
        if line.wanted and not line.closing:
            self.want(line)

    def _hand_over(self, line: Line, subs: Iterable[Sub], found: Mapping[str, streams.Found | None]) -> None:
        for sub in subs:
            one = found.get(sub.stream)
            if line.subs.get(sub.stream) is not sub:
                continue
            if one is not None:
                self._hub.release(sub, one)
            elif sub.origin == "had":
                self._hub.end(sub, "not-found")
            else:
                self._hub.leave(sub)
                if sub.origin == "asked":
                    line.say(protocol.problem(NotFound(), line.language, sub.stream))

    async def _read(self, line: Line, subs: Iterable[Sub]) -> dict[str, streams.Found | None]:
        async with self._gate, self._moment(line.subject) as work:
            if not await self._still_signed_in(work, line):
                return {}
            wanted = {sub.stream: sub.last for sub in subs}
            found = await streams.read(work, wanted, self._circumstances())
            # The moment is over: its reads are logged in a transaction of their own, because a row of the log refers to
            # its case, and a frozen view of a case that has moved on cannot be referred to.
            await work.session.commit()
            await streams.write_reads(work.session, streams.reads_of(work))
            await work.session.commit()
            return found

    async def _own_streams(self, line: Line) -> list[str]:
        async with self._gate, self._moment(line.subject) as work:
            return await streams.own_streams(work) if await self._still_signed_in(work, line) else []

    async def _still_signed_in(self, work: Work, line: Line) -> bool:
        changed = await streams.changed_sessions(work.session, [line.subject], work.now)
        for ended in changed.values():
            self._hub.sign_out(line) if ended else line.close(Close.GOING_AWAY, drop=True)
        return not changed

    # --- for whole streams --------------------------------------------------------------------------------------------

    async def _fill(self) -> None:
        pause, at_once = FIRST_PAUSE_S, FILLED_AT_ONCE
        try:
            while self._to_fill:
                names = list(self._to_fill)[:at_once]
                for name in names:
                    del self._to_fill[name]  # told again while it is read, it is read again: the read may be too early
                try:
                    again = await self._fill_some(names)
                    pause, at_once = FIRST_PAUSE_S, min(2 * at_once, FILLED_AT_ONCE)
                except Exception as error:  # noqa: BLE001 (the database is away, or one row is bad: tried again)
                    log.warning("streams wait to be read", error=type(error).__name__, streams=len(names))
                    again = names
                    # One stream that cannot be read holds up no other: these go to the end, in ever smaller parts.
                    at_once = max(1, at_once // 2)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
                self._to_fill.update((name, None) for name in again)
        finally:
            self._filling = False

    async def _fill_some(self, names: Iterable[str]) -> list[str]:
        """Read on from the heads of these streams; return those that have still more to say."""
        hub = self._hub
        heads: dict[str, int] = {}
        for name in names:
            stream = hub.streams.get(name)
            if stream is not None and stream.order.head is not None:
                heads[name] = stream.order.head
        if not heads:
            return []
        listeners = [sub.line for name in heads for sub in hub.streams[name].subs]
        subjects = {line.subject.session_id: line.subject for line in listeners}
        async with self._gate, self._moment(None) as work:
            changed = await streams.changed_sessions(work.session, subjects.values(), work.now)
            cases = await streams.members(work, [name for name in heads if kind_of(name) == CONSULTATION])
            told = await self._told(work, heads, cases)
            await work.session.commit()
        for line in listeners:
            if line.subject.session_id in changed:
                hub.sign_out(line) if changed[line.subject.session_id] else line.close(Close.GOING_AWAY, drop=True)
        for name, facts in told.items():
            hub.feed(name, facts, cases.get(name))
        return [name for name, facts in told.items() if len(facts) >= streams.MOST_MISSED]

    async def _told(
        self, work: Work, heads: Mapping[str, int], cases: dict[str, Consultation]
    ) -> dict[str, list[Told]]:
        """Read each person's own stream as that person, because it may show offer cards."""
        shared = {name: n for name, n in heads.items() if kind_of(name) != USER}
        told = await streams.missed(work, shared, cases, self._circumstances())
        for name in heads.keys() - shared.keys():
            stream = self._hub.streams.get(name)
            subject = next((sub.line.subject for sub in stream.subs), None) if stream else None
            if subject is not None:
                own = Work(work.session, subject, work.now)
                told |= await streams.missed(own, {name: heads[name]}, {}, self._circumstances())
        return told

    # --- inside -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _moment(self, subject: Subject | None) -> AsyncIterator[Work]:
        """One moment of the database, in a session of its own that lasts as long as the reading."""
        async with self._database() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield Work(session, subject, self._hub.clock.now())

    async def _patiently(self, line: Line, read: Callable[[], Awaitable[T]]) -> T | None:
        """Read for a socket, however long the database is away; None when the socket closed meanwhile."""
        pause = FIRST_PAUSE_S
        while not line.closing:
            try:
                return await read()
            except outages.TROUBLE as error:
                log.warning("a socket waits for the database", error=type(error).__name__)
                if pause == FIRST_PAUSE_S:
                    line.say(protocol.problem(DatabaseAway(), line.language))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            except Exception as error:  # noqa: BLE001 (a fault of ours must not leave a screen that looks live)
                frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-8:]]
                # never the message, which may hold patient data
                log.error("a stream could not be read", error=type(error).__name__, frames=frames)  # noqa: TRY400
                line.close(Close.UNAVAILABLE)
        return None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _circumstances(self) -> Circumstances:
        return Circumstances(self._hub.demo, self._hub.online)
