"""One person's socket: hears the stream, keeps cursors, comes back after a break, and counts every gap and double."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from pydantic_core import from_json, to_json
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

SUBPROTOCOL: Final = "hotline.v1"
COME_BACK_S: Final = 0.3
STOP_FROM: Final = 4500

Envelope = dict[str, Any]
OnEvent = Callable[[Envelope, float], None]


@dataclass(slots=True)
class Heard:
    """What went wrong on the way to one person, by stream; and what did not."""

    events: int = 0
    gaps: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    snapshots: int = 0
    reconnects: int = 0
    errors: list[str] = field(default_factory=list)


class Ears:
    """A device on the stream, with a bearer token: `on_event` gets what is new, `on_snapshot` where it starts."""

    def __init__(self, url: str, token: str, on_event: OnEvent, on_snapshot: OnEvent) -> None:
        """Nothing is opened before `run`."""
        self._url = url.replace("http", "ws", 1) + "/api/v1/stream"
        self._token = token
        self._on_event = on_event
        self._on_snapshot = on_snapshot
        self._socket: ClientConnection | None = None
        self._online = asyncio.Event()
        self._away_until = 0.0
        self._stopped = False
        self.welcomed = asyncio.Event()
        self.user_id = ""
        self.cursors: dict[str, tuple[str, int]] = {}
        self.heard = Heard()

    @property
    def online(self) -> bool:
        """Whether the device is connected now."""
        return self._socket is not None and self.welcomed.is_set()

    async def run(self) -> None:
        """Stay on the stream until `stop`, whatever happens to the connection."""
        while not self._stopped:
            wait = self._away_until - perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                await self._listen()
            self._socket = None
            self.welcomed.clear()
            if not self._stopped:
                self.heard.reconnects += 1
                await asyncio.sleep(COME_BACK_S)

    def drop(self, seconds: float) -> None:
        """Fall off the network for some seconds, without a good-bye."""
        self._away_until = perf_counter() + seconds
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.transport.abort()

    def acknowledge(self, stream: str, n: int, how: str) -> None:
        """Tell the server that an offer or message has arrived (`delivered`) or was looked at (`seen`)."""
        self._say({"k": "ack", "s": stream, "n": n, "as": how})

    async def stop(self) -> None:
        """Leave for good."""
        self._stopped = True
        if self._socket is not None:
            with contextlib.suppress(OSError, WebSocketException):
                await self._socket.close()

    def place(self, stream: str) -> int | None:
        """How far this person has heard a stream; None when they do not hear it."""
        cursor = self.cursors.get(stream)
        return cursor[1] if cursor else None

    async def _listen(self) -> None:
        async with connect(
            self._url,
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
            compression=None,
            max_size=None,
            max_queue=None,
            open_timeout=15,
            proxy=None,
        ) as socket:
            cursors = {stream: list(cursor) for stream, cursor in self.cursors.items()}
            await socket.send(to_json({"k": "hello", "token": self._token, "cursors": cursors}).decode())
            self._socket = socket
            async for frame in socket:
                arrived = perf_counter()
                if arrived < self._away_until:
                    return  # it fell off the network: what was on its way is lost to it
                said = from_json(frame)
                for envelope in said if isinstance(said, list) else (said,):
                    self._take(envelope, arrived)
            if (socket.close_code or 0) >= STOP_FROM:
                self.heard.errors.append(f"closed {socket.close_code} {socket.close_reason}")
                self._stopped = True

    def _take(self, envelope: Envelope, arrived: float) -> None:
        kind = envelope.get("k")
        if arrived < self._away_until:
            return
        if kind == "event":
            self._event(envelope, arrived)
        elif kind == "snapshot":
            self.heard.snapshots += 1
            self.cursors[envelope["s"]] = (envelope["e"], envelope["n"])
            self._on_snapshot(envelope, arrived)
        elif kind == "welcome":
            self.user_id = envelope["user"]["id"]
            self.welcomed.set()
        elif kind == "ended":
            self.cursors.pop(envelope["s"], None)
        elif kind == "error":
            self.heard.errors.append(f"{envelope.get('type')}: {envelope.get('detail')}")

    def _event(self, envelope: Envelope, arrived: float) -> None:
        stream, n = envelope["s"], envelope["n"]
        known = self.cursors.get(stream)
        expected = known[1] + 1 if known else 1
        if n < expected:
            self.heard.doubles.append(f"{stream} n={n}")
            return
        if n > expected:
            self.heard.gaps.append(f"{stream} {expected}–{n - 1}")
        self.cursors[stream] = (envelope["e"], n)
        self.heard.events += 1
        self._on_event(envelope, arrived)
        if perf_counter() < self._away_until:
            # The device fell off the network while this was on its way: it never had it.
            if known:
                self.cursors[stream] = known
            else:
                del self.cursors[stream]
            self.heard.events -= 1

    def _say(self, message: Envelope) -> None:
        socket = self._socket
        if socket is not None:
            task = asyncio.ensure_future(_send(socket, to_json(message).decode()))
            _sending.add(task)
            task.add_done_callback(_sending.discard)


async def _send(socket: ClientConnection, text: str) -> None:
    with contextlib.suppress(OSError, WebSocketException):
        await socket.send(text)


_sending: set[asyncio.Future[None]] = set()
