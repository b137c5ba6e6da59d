"""Wake-ups between processes: hints that name streams. They are never the source of truth; a lost one is repaired.

Never inside a domain transaction: NOTIFY takes a global lock at commit. One connection of each process both says and
hears; what is said while another hint is under way goes together with the next.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.clock import monotonic
from app.database import make_engine

CHANNEL: Final = "hoichan_wake"
LARGEST_HINT: Final = 7000
"""Bytes; PostgreSQL takes 7,999."""
AGAIN_AFTER_S: Final = 0.5

log = structlog.get_logger()
Hear = Callable[[str, list[str]], None]
"""Told which process speaks, and the names it says; none is a sign of life."""


class WakeBus(Protocol):
    """How the processes of one house wake each other."""

    async def run(self, hear: Hear) -> None:
        """Connect, hear until cancelled, and connect again whenever the connection is lost."""

    async def publish(self, me: str, names: Iterable[str]) -> None:
        """Say names to all processes, this one included. A lost connection is an error."""


class PostgresBus:
    """LISTEN and NOTIFY."""

    def __init__(self, database_url: str) -> None:
        """Use this database; nothing is connected yet."""
        self._engine: AsyncEngine = make_engine(database_url, pool_size=2)
        self._driver: Any = None

    async def run(self, hear: Hear) -> None:
        """Connect, hear until cancelled, and connect again whenever the connection is lost."""
        try:
            while True:
                try:
                    async with self._engine.connect() as connection:
                        await self._listen(connection, hear)
                except Exception as error:  # noqa: BLE001 (the 1 s check covers for it meanwhile)
                    log.warning("wake-ups wait for the database", error=type(error).__name__)
                finally:
                    self._driver = None
                await asyncio.sleep(AGAIN_AFTER_S)
        finally:
            await self._engine.dispose()

    async def publish(self, me: str, names: Iterable[str]) -> None:
        """Say names to all processes, this one included."""
        if self._driver is None:
            raise ConnectionError
        for payload in payloads(me, names):
            await self._driver.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)

    async def _listen(self, connection: AsyncConnection, hear: Hear) -> None:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        lost = asyncio.Event()
        driver.add_termination_listener(lambda _: lost.set())
        try:
            await driver.add_listener(CHANNEL, lambda _c, _pid, _channel, payload: hear(*read_payload(payload)))
            self._driver = driver
            await lost.wait()
        finally:
            self._driver = None
            await connection.invalidate()


class RedisBus:
    """Valkey or Redis, where `REDIS_URL` names one: a message channel that PostgreSQL then need not carry."""

    def __init__(self, url: str) -> None:
        """Use this server; nothing is connected yet."""
        from redis.asyncio import Redis  # noqa: PLC0415 (optional: `pip install hoichan[redis]`)

        self._redis: Any = Redis.from_url(url, socket_connect_timeout=5, health_check_interval=5)

    async def run(self, hear: Hear) -> None:
        """Connect, hear until cancelled, and connect again whenever the connection is lost."""
        try:
            while True:
                try:
                    async with self._redis.pubsub() as heard:
                        await heard.subscribe(CHANNEL)
                        async for message in heard.listen():
                            if message["type"] == "message":
                                hear(*read_payload(message["data"].decode()))
                except Exception as error:  # noqa: BLE001 (the 1 s check covers for it meanwhile)
                    log.warning("wake-ups wait for Redis", error=type(error).__name__)
                await asyncio.sleep(AGAIN_AFTER_S)
        finally:
            await self._redis.aclose()

    async def publish(self, me: str, names: Iterable[str]) -> None:
        """Say names to all processes, this one included."""
        for payload in payloads(me, names):
            await self._redis.publish(CHANNEL, payload)


class Notifier:
    """The one task of a process that says what was committed, coalesced."""

    def __init__(self, bus: WakeBus) -> None:
        """Say it over this bus, as a process of a name that no other has."""
        self.me = f"{os.getpid():x}-{os.urandom(4).hex()}"
        self._bus = bus
        self._names: dict[str, None] = {}
        self._due = asyncio.Event()

    def tell(self, names: Iterable[str]) -> None:
        """Say these names soon."""
        self._names.update(dict.fromkeys(names))
        self._due.set()

    async def run(self) -> None:
        """Say what has come up, together; what cannot be said is dropped, and repaired by the others' checks."""
        while True:
            await self._due.wait()
            self._due.clear()
            names, self._names = self._names, {}
            started = monotonic()
            try:
                await self._bus.publish(self.me, names)
            except Exception as error:  # noqa: BLE001 (a hint may be lost)
                if names:
                    log.warning("a wake-up was lost", error=type(error).__name__, names=len(names))
                await asyncio.sleep(max(0.0, AGAIN_AFTER_S - (monotonic() - started)))


def payloads(me: str, names: Iterable[str]) -> Iterator[str]:
    """Pack names into as few messages as they fit in; no names make one empty sign of life."""
    payload, said = me, False
    for name in names:
        if len(payload) + len(name) + 1 > LARGEST_HINT:
            yield payload
            payload = me
        payload, said = f"{payload} {name}", True
    if payload != me or not said:
        yield payload


def read_payload(payload: str) -> tuple[str, list[str]]:
    """Return which process spoke, and the names it said."""
    me, *names = payload.split(" ")
    return me, names
