"""One socket as the hub sees it: what it hears, and what waits to be written.

All that a socket is told in one turn of the loop leaves as one frame. While the other end takes what it is sent, that
costs no task: only a write that must wait becomes one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from types import coroutine
from typing import Any, Final

from app.realtime.protocol import Close
from app.work import Subject

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_QUEUED: Final = 1000
"""Envelopes that may wait. Beyond it nothing is queued: the socket re-reads the database when it can be written to."""
MOST_QUEUED_CHARACTERS: Final = 256 * 1024
LARGEST_BATCH: Final = 256 * 1024
"""Characters of envelopes sent as one frame. In UTF-8 they stay below 1 MiB, beyond which common clients hang up."""
MOST_HELD: Final = 500


class Sub:
    """One stream that one socket hears.

    `last` is the place of what was queued last; None asks for a snapshot. While `held` is a list the database is being
    read (or must be), and what happens meanwhile waits there; `missed` is the highest place that found no room.
    """

    __slots__ = ("barred", "held", "last", "line", "missed", "origin", "stream")

    def __init__(self, line: "Line", stream: str, last: int | None, origin: str) -> None:
        """Start to hear, held back until the state has been read."""
        self.line = line
        self.stream = stream
        self.last = last
        self.origin = origin
        self.held: list[tuple[int, str]] | None = []
        self.missed = 0
        self.barred = 0


class Line:
    """One signed-in socket."""

    __slots__ = (
        "_abort",
        "_closing",
        "_due",
        "_room",
        "_send",
        "_writer",
        "blocked_since",
        "gone",
        "language",
        "muted",
        "on_want",
        "ping_at",
        "queue",
        "queued",
        "subject",
        "subs",
        "unsubscribed",
        "wanted",
    )

    def __init__(
        self,
        subject: Subject,
        send: Send,
        *,
        language: str = "vi",
        abort: Callable[[Send], None] | None = None,
    ) -> None:
        """Speak for `subject` through an ASGI `send`; `abort` drops a connection that cannot even be closed."""
        self.subject = subject
        self.language = language
        self.subs: dict[str, Sub] = {}
        self.unsubscribed: set[str] | None = None
        self.wanted: dict[str, Sub] = {}
        self.on_want: Callable[[Line], None] | None = None
        self.queue: list[tuple[Sub | None, str]] = []
        self.queued = 0
        self.muted = 0
        self.gone = False
        self.ping_at = 0.0
        self.blocked_since: float | None = None
        self._send = send
        self._abort = abort
        self._closing: tuple[Close, str] | None = None
        self._room: asyncio.Event | None = None
        self._writer: asyncio.Task[None] | None = None
        self._due = False

    # --- what it hears ----------------------------------------------------------------------------------------------

    def put(self, sub: Sub, n: int, text: str) -> None:
        """Queue the event at place `n`, once and in order, or note that the database must be read first."""
        if sub.held is not None:
            if len(sub.held) < MOST_HELD and not (sub.barred or self.muted or self.full):
                sub.held.append((n, text))
            else:
                sub.missed = max(sub.missed, n)
            return
        if sub.last is not None and n <= sub.last:
            return
        if n - 1 != sub.last or sub.barred or self.muted or self.full:
            sub.missed = max(sub.missed, n)
            self.hold(sub)
            return
        sub.last = n
        self.queue.append((sub, text))
        self.queued += len(text)
        if not self._due:
            self._write_soon()

    def hold(self, sub: Sub) -> None:
        """Hold a stream back until the database has been read for it."""
        if sub.held is None:
            sub.held = []
        if not sub.barred and not self.muted and not self.gone:
            self.wanted[sub.stream] = sub
            if self.on_want is not None:
                self.on_want(self)

    def release(self, sub: Sub, last: int, texts: list[tuple[int, str]], snapshot: str | None) -> None:
        """Send what was read (a snapshot, or the events after the last one), then what happened meanwhile."""
        if self.subs.get(sub.stream) is not sub or sub.held is None or sub.barred or self.muted:
            return
        if sub.stream in self.wanted:  # asked for once more meanwhile: that read will answer
            return
        held, sub.held = sub.held, None
        sub.origin = "had"
        if snapshot is not None:
            sub.last = last
            self._queue(sub, snapshot)
        for n, text in texts:
            if n - 1 == sub.last:
                sub.last = n
                self._queue(sub, text)
        for n, text in held:
            self.put(sub, n, text)
        if sub.missed > (sub.last or 0):
            self.hold(sub)

    def take_wanted(self, most: int) -> list[Sub]:
        """Return streams that the database must be read for."""
        waiting = list(self.wanted.items())
        self.wanted = dict(waiting[most:])
        return [s for name, s in waiting[:most] if self.subs.get(name) is s and s.held is not None and not s.barred]

    def forget(self, sub: Sub) -> None:
        """Drop a stream and all that waits of it."""
        if self.subs.get(sub.stream) is sub:
            del self.subs[sub.stream]
        self.wanted.pop(sub.stream, None)
        self.queue = [item for item in self.queue if item[0] is not sub]
        self.queued = sum(len(text) for _, text in self.queue)

    @property
    def heads(self) -> dict[str, int]:
        """How far each stream has been queued; streams that are being read are left out."""
        return {s.stream: s.last for s in self.subs.values() if s.held is None and s.last is not None}

    # --- what it says -----------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether so much waits that nothing more may be queued."""
        return self.queued > MOST_QUEUED_CHARACTERS or len(self.queue) > MOST_QUEUED

    def say(self, text: str) -> None:
        """Queue an envelope that has no place in a stream."""
        if not self.muted:
            self._queue(None, text)

    def whisper(self, text: str) -> None:
        """Queue something that may be lost, if there is room."""
        if not self.full:
            self.say(text)

    def close(self, code: Close, *, drop: bool = False) -> None:
        """Say what waits (or drop it) and close."""
        if self._closing is None and not self.gone:
            self._closing = (code, code.name.lower().replace("_", " "))
            self._hear_nothing()
            if drop:
                self.queue, self.queued = [], 0
            if not self._due:
                self._write_soon()

    def hang_up(self) -> None:
        """The connection is lost: nothing more can be said."""
        self.gone = True
        self.queue, self.queued = [], 0
        self._hear_nothing()
        self._make_room()

    def abort(self) -> None:
        """Drop a connection whose other end reads nothing, not even a close frame."""
        if self._writer is not None:
            self._writer.cancel()
        self.hang_up()
        if self._abort is not None:
            self._abort(self._send)

    @property
    def closing(self) -> bool:
        """Whether nothing more will be said."""
        return self.gone or self._closing is not None

    async def room(self) -> None:
        """Wait until there is room: whoever does not read is not answered."""
        while self.full and not self.gone:
            self._room = self._room or asyncio.Event()
            self._room.clear()
            await self._room.wait()

    async def drained(self, within_s: float) -> None:
        """Wait, not for ever, until everything is written."""
        self._write_now()
        if self._writer is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._writer), within_s)

    def _hear_nothing(self) -> None:
        for sub in self.subs.values():
            sub.held, sub.barred = [], 1
        self.wanted = {}

    def _queue(self, sub: Sub | None, text: str) -> None:
        if self.closing:
            return
        self.queue.append((sub, text))
        self.queued += len(text)
        if not self._due:
            self._write_soon()

    def _write_soon(self) -> None:
        self._due = True
        asyncio.get_running_loop().call_soon(self._write_now)

    def write(self) -> None:
        """Let what is queued leave now, before the turn of the loop ends."""
        if self._due:
            self._write_now()

    def _write_now(self) -> None:
        """Write without a task as far as nothing must be waited for."""
        if self._writer is None and not self.gone:
            self._due = True
            writing = self._write()
            try:
                waits_for = writing.send(None)
            except StopIteration:
                self._due = False
            else:
                self._writer = asyncio.get_running_loop().create_task(_go_on(writing, waits_for))

    async def _write(self) -> None:
        """Write what waits, as few frames as clients take, until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while self.queue and not self.gone:
                queue = self._take_batch()
                text = queue[0][1] if len(queue) == 1 else f"[{','.join([text for _, text in queue])}]"
                del queue
                self.blocked_since = loop.time()
                await self._send({"type": "websocket.send", "text": text})
                self.blocked_since = None
                self._make_room()
            if self._closing is not None and not self.gone:
                code, reason = self._closing
                self.blocked_since = loop.time()
                await self._send({"type": "websocket.close", "code": int(code), "reason": reason})
                self.hang_up()
        except (OSError, RuntimeError):  # the other end is gone, or the server has closed already
            self.hang_up()
        finally:
            self.blocked_since = None
            self._writer = None
            self._due = False

    def _take_batch(self) -> list[tuple[Sub | None, str]]:
        batch, self.queue = self.queue, []
        if self.queued > LARGEST_BATCH:
            size = 0
            for taken, (_, text) in enumerate(batch):
                size += len(text)
                if taken and size > LARGEST_BATCH:
                    batch, self.queue = batch[:taken], batch[taken:]
                    break
        self.queued = sum(len(text) for _, text in self.queue)
        return batch

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()


async def _go_on(started: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _rest_of(started, waits_for)


@coroutine
def _rest_of(started: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Finish, within a task, a coroutine that was started without one and waits for something."""
    while True:
        try:
            try:
                given = yield waits_for
            except BaseException as error:  # noqa: BLE001 (handed on: a cancellation, above all)
                waits_for = started.throw(error)
            else:
                waits_for = started.send(given)
        except StopIteration:
            return
