"""What keeps this process's sockets true while other processes commit: wake-ups, and a check once a second.

A wake-up names streams that have moved; what they said is read from the database. The check finds, in three queries
for all sockets together, streams that have moved without one, sessions that ended elsewhere, and a restored database.
A process that is alone says and reads next to nothing.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from sqlalchemy import text

from app.clock import monotonic
from app.realtime.line import Line
from app.realtime.loops import every
from app.realtime.notifier import Notifier, PostgresBus, RedisBus, WakeBus
from app.realtime.protocol import Close
from app.schemas.events import kind_of
from app.services.views import streams

if TYPE_CHECKING:
    from app.realtime.house import House

CHECK_EVERY_S: Final = 1.0
SILENT_AFTER_S: Final = 2.5
"""A bus that has not even brought our own sign of life is not trusted to bring anything."""
DEAF_AFTER_S: Final = 10.0
"""A bus that is silent for so long is away, or this process looks no more; a failover or a busy second is neither."""
JUST_MADE: Final = timedelta(seconds=10)
ALONE_AFTER_S: Final = 5.0
"""A process that heard no other for so long says nothing but a sign of life."""

log = structlog.get_logger()


class Relay:
    """Runs everything that the stream needs beside requests, in one process."""

    def __init__(self, house: "House", bus: WakeBus | None = None) -> None:
        """Work for this house; over Redis where it is configured, otherwise over its PostgreSQL."""
        self.house = house
        self._bus = bus
        self._notifier: Notifier | None = None
        self._heard_another_at = -ALONE_AFTER_S
        self._heard_self_at = -SILENT_AFTER_S
        self._started_at = -DEAF_AFTER_S
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin; the house knows its epoch by now."""
        house, hub = self.house, self.house.hub
        hub.epoch, hub.clock, hub.demo = house.epoch, house.clock, house.demo
        self._started_at = monotonic()
        house.hears_wake_ups = lambda: self.hears
        bus = self._bus or self._make_bus()
        self._notifier = Notifier(bus)
        heartbeat = house.settings.heartbeat_s
        self._tasks = [
            asyncio.create_task(bus.run(self.hear)),
            asyncio.create_task(self._notifier.run()),
            asyncio.create_task(every(CHECK_EVERY_S, self.check, what="the stream's check").run()),
            asyncio.create_task(every(min(CHECK_EVERY_S, heartbeat / 10), self._tick, what="the heartbeat").run()),
        ]

    async def stop(self) -> None:
        """Write what is left to write, and end."""
        await self.house.hub.close()
        await self.house.hub.catch_up.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for last in (*self.house.hub.last_words, self.house.hub.reads.flush):
            with contextlib.suppress(Exception):  # the database may be gone before us
                await last()

    def hear(self, who: str, names: list[str]) -> None:
        """Another process has committed something: read the streams it names that are heard here."""
        self._heard_self_at = monotonic()
        if self._notifier is None or who == self._notifier.me:
            return
        if self.alone:
            log.info("another process serves this house too")
        self._heard_another_at = monotonic()
        hub = self.house.hub
        hub.on_commit = self._notifier.tell
        hub.catch_up.fill(name for name in names if kind_of(name) in ("consultation", "user", "hospital"))
        for name in names:
            kind, _, rest = name.partition(":")
            if kind == "new":
                self._own_case_made(rest)
            elif kind in ("session", "account"):
                self._ended_elsewhere("session" if kind == "session" else "user", rest)

    @property
    def alone(self) -> bool:
        """Whether this process hears itself, and no other has been heard for a while."""
        now = monotonic()
        return now - self._heard_another_at > ALONE_AFTER_S and now - self._heard_self_at < SILENT_AFTER_S

    @property
    def hears(self) -> bool:
        """Whether the bus has brought anything lately, be it our own sign of life; who has just begun may wait."""
        return monotonic() - max(self._heard_self_at, self._started_at) < DEAF_AFTER_S

    async def check(self) -> None:
        """Look for what no wake-up told: streams that moved, sessions that ended, a database that was restored."""
        if self._notifier is not None:
            self._notifier.tell(())
        hub = self.house.hub
        if self.alone:
            hub.on_commit = None
        if not hub.roster.lines:
            return
        heads = {s.name: s.order.head for s in hub.streams.values() if s.order.head is not None}
        lines = [line for line in hub.roster.lines if line.subject.session_id is not None]
        async with self.house.database() as session:
            epoch = (await session.execute(_EPOCH)).scalar_one()
            changed = await streams.changed_sessions(session, (o.subject for o in lines), self.house.clock.now())
            moved = await streams.behind(session, heads)
            made = () if self.alone else await streams.just_made(session, self.house.clock.now() - JUST_MADE)
        for line in lines:
            ended = changed.get(line.subject.session_id) if line.subject.session_id else None
            if ended is not None:
                hub.sign_out(line) if ended else line.close(Close.GOING_AWAY, drop=True)
        if epoch != hub.epoch:
            log.warning("the database was restored: everybody reads anew")
            self.house.epoch = epoch
            hub.reset(epoch)
        hub.catch_up.fill(moved)
        for case_id, requester, ward in made:
            for line in self._colleagues(requester, ward):
                if f"consultation:{case_id}" not in {*line.subs, *(line.unsubscribed or ())}:
                    hub.catch_up.open_soon(line)

    async def _tick(self) -> None:
        self.house.hub.tick(self.house.settings.heartbeat_s)

    def _make_bus(self) -> WakeBus:
        settings = self.house.settings
        return RedisBus(settings.redis_url) if settings.redis_url else PostgresBus(settings.database_url or "")

    def _own_case_made(self, people: str) -> None:
        """A case was made for a requester and a ward: their sockets here find it among their own."""
        requester, _, ward = people.partition(":")
        for line in self._colleagues(UUID(requester), UUID(ward) if ward else None):
            self.house.hub.catch_up.open_soon(line)

    def _colleagues(self, requester: UUID, ward: UUID | None) -> Iterable[Line]:
        roster = self.house.hub.roster
        lines = roster.by_user.get(requester, ())
        return dict.fromkeys([*lines, *(roster.by_ward.get(ward, ()) if ward else ())])

    def _ended_elsewhere(self, kind: str, who: str) -> None:
        """A session or an account ended in another process: nothing goes out before the database was asked."""
        self.house.sessions.forget([(kind, who)])
        roster = self.house.hub.roster
        index = roster.by_session if kind == "session" else roster.by_user
        for line in index.get(UUID(who), ()):
            self.house.hub.recheck(line)


_EPOCH = text("SELECT epoch FROM installation")
