"""Wake-ups go together, survive a lost connection, and are never what truth depends on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Self

import asyncpg
import pytest

from app.realtime import notifier
from app.realtime.notifier import Notifier, PostgresBus, RedisBus


class SlowBus:
    def __init__(self) -> None:
        self.said: list[list[str]] = []
        self.free = asyncio.Event()

    async def run(self, hear: Any) -> None:
        """Nobody listens."""

    async def publish(self, me: str, names: Iterable[str]) -> None:
        assert me
        self.said.append(list(names))
        await self.free.wait()


async def test_what_is_said_while_a_wake_up_is_under_way_goes_together_with_the_next() -> None:
    bus = SlowBus()
    speaks = Notifier(bus)
    running = asyncio.create_task(speaks.run())
    for name in "abcab":
        speaks.tell([name])
        await asyncio.sleep(0)
    bus.free.set()
    for _ in range(5):
        await asyncio.sleep(0)
    running.cancel()
    assert bus.said[0] == ["a"]
    assert [name for said in bus.said[1:] for name in said] == ["b", "c", "a"]
    assert len(bus.said) <= 3


async def test_postgresql_carries_wake_ups_again_after_its_connection_was_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "AGAIN_AFTER_S", 0.05)
    heard: list[tuple[str, list[str]]] = []
    bus = PostgresBus(database_url)
    running = asyncio.create_task(bus.run(lambda who, names: heard.append((who, names))))

    async def comes_through(name: str) -> None:
        async with asyncio.timeout(5):
            while ("me", [name]) not in heard:
                with contextlib.suppress(ConnectionError, asyncpg.InterfaceError):
                    await bus.publish("me", [name])
                await asyncio.sleep(0.02)

    await comes_through("user:1")
    bus._driver.terminate()
    await comes_through("user:2")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class FakeRedis:
    """As much of a Redis as a wake-up needs."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = False

    @classmethod
    def from_url(cls, _url: str, **_: Any) -> "FakeRedis":
        return cls()

    def pubsub(self) -> "FakeRedis":
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to give back."""

    async def subscribe(self, channel: str) -> None:
        await self.messages.put({"type": "subscribe", "data": channel.encode()})

    async def listen(self) -> AsyncIterator[Any]:
        while True:
            yield await self.messages.get()

    async def publish(self, channel: str, payload: str) -> None:
        assert channel == notifier.CHANNEL
        await self.messages.put({"type": "message", "data": payload.encode()})

    async def aclose(self) -> None:
        self.closed = True


async def test_redis_carries_wake_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.asyncio.Redis", FakeRedis)
    heard: list[tuple[str, list[str]]] = []
    bus = RedisBus("redis://nowhere")
    running = asyncio.create_task(bus.run(lambda who, names: heard.append((who, names))))
    await bus.publish("me", ["user:1", "user:2"])
    await bus.publish("me", [])
    for _ in range(5):
        await asyncio.sleep(0)
    assert heard == [("me", ["user:1", "user:2"]), ("me", [])]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert bus._redis.closed
