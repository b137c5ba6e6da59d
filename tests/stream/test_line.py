"""One socket: frames are batched, what waits is bounded, and who does not read holds up nobody."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from app.clock import FakeClock
from app.realtime import bars, hub, line
from app.realtime.hub import ACCOUNT, SESSION, Hub
from app.realtime.line import Line, Sub
from app.realtime.protocol import Close
from app.schemas.events import TYPES
from app.services.views.streams import Found
from app.work import Entry, Fact, Subject

NOW = datetime(2026, 11, 23, 20, 8, tzinfo=UTC)
BOARD = UUID(int=1)
STREAM = f"hospital:{BOARD}"


class Wire:
    """What an ASGI server does with what is sent, and whether it can be written to."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.code: int | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.aborted = False

    async def send(self, message: Any) -> None:
        await self.writable.wait()
        if message["type"] == "websocket.close":
            self.code = message["code"]
        else:
            self.frames.append(message["text"])

    def abort(self, _send: Any) -> None:
        self.aborted = True

    @property
    def said(self) -> list[Any]:
        frames = [json.loads(f) for f in self.frames]
        return [e for f in frames for e in (f if isinstance(f, list) else [f])]


class NoReader:
    def __init__(self) -> None:
        self.wanting: list[Line] = []
        self.to_fill: list[str] = []

    def want(self, wanting: Line) -> None:
        self.wanting.append(wanting)

    def fill(self, names: Any) -> None:
        self.to_fill += names


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def the_hub() -> Iterator[Hub]:
    made = Hub(cast("Any", None), FakeClock(NOW))
    made.epoch = "e1"
    made.catch_up = cast("Any", NoReader())
    yield made
    made.roster.stop()


def someone(**more: Any) -> Subject:
    return Subject(uuid4(), "Điều phối 1", "coordinator", hospital_id=BOARD, session_id=uuid4(), **more)


def listens(the_hub: Hub, wire: Wire, subject: Subject | None = None, last: int = 0) -> Line:
    made = Line(subject or someone(), wire.send, abort=wire.abort)
    assert the_hub.add(made)
    sub = the_hub.subscribe(made, STREAM, last=last)
    assert sub is not None
    [taken] = made.take_wanted(9)
    the_hub.release(taken, Found(last))
    return made


def committed(*places: int) -> list[Entry]:
    return [Entry(STREAM, n, Fact(uuid4(), "duty.started", STREAM, n, {}, (STREAM,))) for n in places]


def deliver(the_hub: Hub, *places: int) -> None:
    the_hub.deliver(committed(*places), at=NOW, actor=None)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


def places(wire: Wire) -> list[int]:
    return [e["n"] for e in wire.said if e["k"] == "event"]


async def test_one_envelope_is_a_frame_and_many_are_one_array(the_hub: Hub, wire: Wire) -> None:
    listens(the_hub, wire)
    deliver(the_hub, 1)
    await settled()
    deliver(the_hub, 2, 3, 4)
    await settled()
    assert [json.loads(f)["n"] if f[0] == "{" else [e["n"] for e in json.loads(f)] for f in wire.frames] == [
        1,
        [2, 3, 4],
    ]


async def test_an_idle_socket_has_no_writer(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire)
    deliver(the_hub, 1)
    await settled()
    assert made._writer is None
    wire.writable.clear()
    deliver(the_hub, 2)
    await settled()
    assert made._writer is not None
    wire.writable.set()
    await settled()
    assert made._writer is None
    assert places(wire) == [1, 2]


async def test_what_waits_for_a_reader_that_does_not_read_is_bounded_and_read_again_later(
    the_hub: Hub, wire: Wire
) -> None:
    made = listens(the_hub, wire)
    wire.writable.clear()
    for n in range(1, 5001):
        deliver(the_hub, n)
        if n % 100 == 0:
            await asyncio.sleep(0)
    assert len(made.queue) <= line.MOST_QUEUED + 1
    sub = made.subs[STREAM]
    assert not sub.held
    wire.writable.set()
    await settled()
    got = places(wire)
    assert got == list(range(1, len(got) + 1))
    assert the_hub.catch_up.wanting
    assert sub.last == got[-1]
    assert sub.missed == 5000


async def test_a_slow_socket_delays_no_other(the_hub: Hub, wire: Wire) -> None:
    slow = Wire()
    listens(the_hub, slow)
    listens(the_hub, wire)
    slow.writable.clear()
    deliver(the_hub, 1)
    await settled()
    assert places(wire) == [1]
    assert slow.frames == []
    slow.writable.set()
    await settled()
    assert places(slow) == [1]


async def test_a_socket_that_reads_nothing_is_closed_and_then_dropped(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire)
    wire.writable.clear()
    deliver(the_hub, 1)
    await settled()
    assert made.blocked_since is not None
    the_hub.tick(25)
    assert not made.closing
    made.blocked_since -= hub.SLOW_AFTER_S
    the_hub.tick(25)
    assert made.closing
    deliver(the_hub, 2)
    assert not wire.aborted
    made.blocked_since -= hub.SLOW_AFTER_S
    the_hub.tick(25)
    await settled()
    assert wire.aborted
    assert made._writer is None
    assert made.queue == []


async def test_a_slow_socket_that_reads_at_last_is_told_to_come_again(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire)
    wire.writable.clear()
    deliver(the_hub, 1)
    await settled()
    assert made.blocked_since is not None
    made.blocked_since -= hub.SLOW_AFTER_S
    the_hub.tick(25)
    wire.writable.set()
    await settled()
    assert wire.code == Close.SLOW_READER


async def test_more_than_can_be_held_back_while_the_database_is_read_is_read_again(
    the_hub: Hub, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "MOST_HELD", 2)
    made = listens(the_hub, wire)
    the_hub.resume(made, STREAM, None)
    [sub] = made.take_wanted(9)
    deliver(the_hub, 1, 2, 3, 4)
    the_hub.release(sub, Found(0, snapshot="{}"))
    await settled()
    assert places(wire) == [1, 2]
    assert made.take_wanted(9) == [sub]


async def test_what_was_withheld_from_somebody_barred_is_read_when_the_commit_fails(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire)
    target = (SESSION, str(made.subject.session_id))
    the_hub.bar([target])
    deliver(the_hub, 1)
    await settled()
    assert wire.frames == []
    the_hub.unbar([target])
    assert [s.stream for s in made.take_wanted(9)] == [STREAM]


@pytest.mark.parametrize("kind", [SESSION, ACCOUNT])
async def test_an_ended_session_hears_nothing_after_the_commit_not_even_what_waited(
    the_hub: Hub, wire: Wire, kind: str
) -> None:
    made = listens(the_hub, wire)
    who = made.subject.session_id if kind == SESSION else made.subject.id
    wire.writable.clear()
    deliver(the_hub, 1)  # on its way before the bar: the writer has it
    await settled()
    deliver(the_hub, 2)
    the_hub.bar([(kind, str(who))])
    deliver(the_hub, 3)
    the_hub.deliver(committed(4), at=NOW, actor=None, barred=[(kind, str(who))])
    wire.writable.set()
    await settled()
    assert places(wire) == [1]
    assert wire.code == Close.UNAUTHENTICATED


async def test_a_socket_that_comes_while_its_account_is_barred_hears_nothing(the_hub: Hub, wire: Wire) -> None:
    subject = someone()
    the_hub.bar([(ACCOUNT, str(subject.id))])
    made = Line(subject, wire.send)
    assert the_hub.add(made)
    the_hub.subscribe(made, STREAM, last=0)
    assert made.take_wanted(9) == []
    the_hub.unbar([(ACCOUNT, str(subject.id))])
    assert len(made.take_wanted(9)) == 1


async def test_a_bar_that_nobody_settles_is_asked_about(
    the_hub: Hub, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = listens(the_hub, wire)
    the_hub.bar([(ACCOUNT, str(made.subject.id))])
    the_hub.tick(25)
    assert made.muted
    monkeypatch.setattr(bars, "SETTLED_WITHIN_S", -1.0)
    the_hub.tick(25)
    assert not made.muted
    assert len(made.take_wanted(9)) == 1  # and that read asks for the session too


async def test_a_stream_that_ended_takes_along_what_waited_of_it(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire)
    wire.writable.clear()
    made.say('{"k":"ping"}')
    await settled()
    deliver(the_hub, 1)
    the_hub.end(made.subs[STREAM], "left")
    deliver(the_hub, 2)
    wire.writable.set()
    await settled()
    assert [e["k"] for e in wire.said] == ["ping", "ended"]
    assert the_hub.streams == {}


async def test_two_sockets_read_at_different_moments_both_hear_everything(the_hub: Hub, wire: Wire) -> None:
    early, late = Line(someone(), wire.send), Line(someone(), Wire().send)
    for made in (early, late):
        the_hub.add(made)
        the_hub.subscribe(made, STREAM)
    [first] = early.take_wanted(9)
    [second] = late.take_wanted(9)
    the_hub.release(second, Found(1, snapshot="{}"))  # read after the commit of 1, whose delivery is under way
    the_hub.release(first, Found(0, snapshot="{}"))  # read before it
    deliver(the_hub, 1)
    assert early.take_wanted(9) == [first]
    the_hub.release(first, Found(1, snapshot="{}"))
    deliver(the_hub, 2)
    await settled()
    assert [(e["k"], e["n"]) for e in wire.said] == [("snapshot", 0), ("snapshot", 1), ("event", 2)]


async def test_what_is_missing_between_two_facts_is_read_after_a_moment(
    the_hub: Hub, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "WAIT_FOR_MISSING_S", 0.01)
    listens(the_hub, wire)
    deliver(the_hub, 2)
    await settled()
    assert wire.frames == []
    await until(lambda: the_hub.catch_up.to_fill)
    assert the_hub.catch_up.to_fill == [STREAM]
    deliver(the_hub, 1)
    await settled()
    assert places(wire) == [1, 2]


async def test_pings_carry_how_far_each_stream_was_sent(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire)
    the_hub.tick(25)
    deliver(the_hub, 1, 2)
    made.ping_at = 0.001
    the_hub.tick(25)
    await settled()
    assert wire.said[-1] == {"k": "ping", "at": "2026-11-23T20:08:00Z", "heads": {STREAM: ["e1", 2]}}


async def test_nobody_opens_more_than_so_many_sockets(the_hub: Hub) -> None:
    subject = someone()
    lines = [Line(subject, Wire().send) for _ in range(hub.MOST_SOCKETS + 1)]
    assert [the_hub.add(made) for made in lines] == [True] * hub.MOST_SOCKETS + [False]
    the_hub.remove(lines[0])
    assert the_hub.add(lines[-1])


async def test_a_board_is_told_who_comes_and_who_stays_away(
    the_hub: Hub, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.roster.AWAY_AFTER_S", 0.01)
    listens(the_hub, wire)
    doctor = someone()
    first = Line(doctor, Wire().send)
    the_hub.add(first)
    the_hub.remove(first)
    again = Line(doctor, Wire().send)
    the_hub.add(again)  # a reload is no absence
    the_hub.remove(again)
    await until(lambda: not the_hub.online(doctor.id) and not the_hub.roster._leaving)
    await settled()
    told = [(e["user"], e["online"]) for e in wire.said if e["k"] == "presence"]
    assert told == [(str(doctor.id), True), (str(doctor.id), False)]
    assert not the_hub.online(doctor.id)


async def test_after_a_restored_backup_everybody_is_told_anew(the_hub: Hub, wire: Wire) -> None:
    made = listens(the_hub, wire, last=7)
    the_hub.reset("e2")
    [sub] = made.take_wanted(9)
    assert sub.last is None
    the_hub.release(sub, Found(3, snapshot="{}"))
    deliver(the_hub, 4)
    await settled()
    assert [(e["k"], e["e"], e["n"]) for e in wire.said] == [("snapshot", "e2", 3), ("event", "e2", 4)]


def test_every_type_of_event_is_past_tense_and_listed_once() -> None:
    assert len(TYPES) == len(set(TYPES))
    assert all("." in name for name in TYPES)


def test_a_subscription_keeps_little() -> None:
    assert not hasattr(Sub(cast("Any", None), STREAM, None, "own"), "__dict__")
    assert not hasattr(Line(someone(), Wire().send), "__dict__")


def test_time_is_the_houses() -> None:
    made = Hub(cast("Any", None), FakeClock(NOW))
    assert made._now() - NOW == timedelta(0)
