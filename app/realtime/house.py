"""What one serving process holds, and the only place where it commits facts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.channels.port import Outside
from app.clock import Clock
from app.config import Settings
from app.prepared import Immediate, Line
from app.realtime.hub import Hub
from app.services.facts import events
from app.services.people.sessions import Sessions
from app.services.rostering.watch_times import Lateness
from app.work import Answer, Command, Subject, Work

if TYPE_CHECKING:
    from app.services.people.sign_in import Guard


LOOKS_EVERY = timedelta(seconds=1)
"""How long the timer loop sleeps at most."""


@dataclass(slots=True)
class House:
    """One process's settings, clock, database, signed-in sessions and sockets."""

    settings: Settings
    engine: AsyncEngine
    database: async_sessionmaker[AsyncSession]
    autocommit: async_sessionmaker[Immediate]
    """Sessions in which each statement is its own transaction."""
    clock: Clock
    hub: Hub
    sessions: Sessions
    guard: "Guard"
    epoch: str = ""
    demo: bool = False
    name: str = "hoichan"
    ready: bool = False
    hears_wake_ups: Callable[[], bool] = lambda: False
    """Whether what wakes the processes of this house is there; the relay knows."""
    outside: Outside = field(default_factory=Outside)
    """The ways out of the house: pushes, text messages, calls, e-mail."""
    notices: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after a commit, so that the dispatcher looks for messages to plan, to send and to end."""
    timers: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a due time may have changed, so that the timer loop looks again."""
    late_duty: Lateness = field(default_factory=Lateness)
    """What of the watch over duty was late when this process last looked, for its log and for `/overdue`."""

    @property
    def asks_whether_reachable(self) -> bool:
        """Whether «are you there?» is asked before a duty: in a demonstration nobody could answer for 394 people."""
        return self.settings.reachability == "on" or (self.settings.reachability == "auto" and not self.demo)

    @asynccontextmanager
    async def work(
        self, actor: Subject | None, *, language: str = "vi", command: Command | None = None
    ) -> AsyncIterator[Work]:
        """Begin a transaction; what is not committed when the block ends is rolled back."""
        async with self.database() as session:
            now = self.clock.now()
            yield Work(session, actor, now, language=language, command=command, clock=self.clock.now)

    @asynccontextmanager
    async def glance(self, at: datetime | None = None, *, over: Line | None = None) -> AsyncIterator[Work]:
        """Begin what consists of prepared statements, each a transaction of its own; `at`: as if it were then.

        `over`: the connection that they go over; by default whichever is free.
        """
        async with self.autocommit() as session:
            session.line = over
            yield Work(session, None, at or self.clock.now())

    async def commit(self, work: Work, answer: Answer | None = None) -> None:
        """Write what was collected, commit, and only then deliver.

        Whoever loses access in this transaction is barred before the commit and unbarred if it fails, so that nobody
        receives anything after the commit that removed them.
        """
        self.hub.bar(work.barred)
        try:
            entries = await events.write(work, answer)
            if work.session.in_transaction():
                await work.session.commit()
        except BaseException:
            self.hub.unbar(work.barred)
            raise
        self.sessions.forget(work.barred)
        self.hub.deliver(entries, at=work.now, actor=work.actor, barred=work.barred, answer=answer)
        self.notices.set()

    def note_due_times(self, work: Work) -> None:
        """Let the timer loop look again if something is due before it would look by itself."""
        soon = work.now + LOOKS_EVERY
        if any(c.next_due_at and c.next_due_at <= soon for case in work.cases.values() for c in case.callouts):
            self.timers.set()

    def timers_changed(self) -> None:
        """Let the timer loop look at the due times again."""
        self.timers.set()
