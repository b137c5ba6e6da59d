"""One socket never receives n ≤ the last it was sent for a stream, and never a gap: whatever happens in whatever order.

The machine commits facts whose deliveries come in any order (or never), reads the database at one moment and hands over
what it read at a later one, lets sockets come, resume, read slowly and be barred, and looks at every envelope.
"""

import asyncio
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from app.realtime import line as line_module
from app.realtime.hub import Hub
from app.realtime.line import Line, Sub
from app.realtime.sequence import Sequence
from app.schemas.events import HOSPITAL
from app.services.views.streams import MOST_MISSED, Found, Told
from app.work import Entry, Fact, Subject

NOW = datetime(2026, 11, 23, 20, 8, tzinfo=UTC)
HOSPITALS = [UUID(int=1), UUID(int=2)]
STREAMS = [f"{HOSPITAL}:{h}" for h in HOSPITALS]


def test_facts_are_handed_on_in_order_however_they_arrive() -> None:
    for seed in range(200):
        shuffled = list(range(1, 21))
        random.Random(seed).shuffle(shuffled)
        sequence: Sequence[str] = Sequence(head=0)
        got = [n for arriving in shuffled for n, _ in sequence.arrive(arriving, str(arriving))]
        assert got == list(range(1, 21))
        assert not sequence.waits


def test_a_fact_that_arrives_twice_is_handed_on_once() -> None:
    sequence: Sequence[str] = Sequence(head=0)
    assert sequence.arrive(1, "a") == [(1, "a")]
    assert sequence.arrive(1, "a") == []
    assert sequence.arrive(3, "c") == []
    assert sequence.waits
    assert sequence.arrive(3, "c") == []
    assert sequence.arrive(2, "b") == [(2, "b"), (3, "c")]


def test_what_arrives_before_the_first_read_waits_for_it() -> None:
    sequence: Sequence[str] = Sequence()
    assert sequence.arrive(6, "f") == []
    assert sequence.arrive(8, "h") == []
    assert sequence.begin(5) == [(6, "f")]
    assert sequence.waits
    assert sequence.arrive(7, "g") == [(7, "g"), (8, "h")]
    assert not sequence.waits


class Device:
    """The other end of a socket: checks every envelope, and may stop reading."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self.lost: set[str] = set()
        """Streams whose place this device has lost: it drops events and waits for the snapshot it asked for."""
        self.reads = asyncio.Event()
        self.reads.set()
        self.closed: int | None = None

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        if message["type"] == "websocket.close":
            self.closed = message["code"]
            return
        frame = json.loads(message["text"])
        for envelope in frame if isinstance(frame, list) else [frame]:
            self.take(envelope)

    def take(self, envelope: dict[str, Any]) -> None:
        stream = envelope["s"]
        if envelope["k"] == "snapshot":
            assert envelope["n"] >= self.last.get(stream, 0)
            self.last[stream] = envelope["n"]
            self.lost.discard(stream)
        elif envelope["k"] == "event" and stream not in self.lost:
            assert envelope["n"] == self.last[stream] + 1, (envelope["n"], self.last)
            self.last[stream] = envelope["n"]


class Reader:
    """In place of the database's reader: two steps, so that anything may happen between reading and handing over."""

    def __init__(self) -> None:
        self.wanting: dict[Line, None] = {}
        self.to_fill: dict[str, None] = {}

    def want(self, line: Line) -> None:
        self.wanting[line] = None

    def fill(self, names: Iterable[str]) -> None:
        self.to_fill.update(dict.fromkeys(names))


class StreamMachine(RuleBasedStateMachine):
    lines = Bundle("lines")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.hub = Hub(cast("Any", None))
        self.hub.epoch = "e1"
        self.reader = Reader()
        self.hub.catch_up = cast("Any", self.reader)
        self.heads = dict.fromkeys(STREAMS, 0)
        self.undelivered: list[Entry] = []
        self.read: list[tuple[Line, list[Sub], dict[str, Found]]] = []
        self.filled: list[tuple[str, list[Told]]] = []
        self.devices: dict[Line, Device] = {}
        self.barred: list[tuple[str, str]] = []

    def teardown(self) -> None:
        try:
            self.check_everything_is_heard()
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.hub.roster.stop()
            self.loop.close()

    def run(self, do: Any) -> None:
        async def now() -> None:
            do()
            for _ in range(5):
                await asyncio.sleep(0)

        self.loop.run_until_complete(now())

    @rule(target=lines, cursor=st.none() | st.integers(0, 30))
    def a_socket_comes(self, cursor: int | None) -> Line:
        device = Device()
        line = Line(Subject(uuid4(), "Điều phối", "coordinator", hospital_id=HOSPITALS[0]), device.send)
        self.devices[line] = device

        def come() -> None:
            self.hub.add(line)
            for name in STREAMS:
                # a client may claim any place: also one that the database (restored) has not reached
                if cursor is not None:
                    device.last[name] = min(cursor, self.heads[name])
                self.hub.subscribe(line, name, last=None if cursor is None else device.last[name])

        self.run(come)
        return line

    @rule(line=lines)
    def a_socket_goes(self, line: Line) -> None:
        self.devices[line].reads.set()
        self.run(lambda: self.hub.remove(line))

    @rule(stream=st.sampled_from(STREAMS), facts=st.integers(1, 4))
    def a_transaction_commits(self, stream: str, facts: int) -> None:
        for _ in range(facts):
            self.heads[stream] += 1
            fact = Fact(uuid4(), "duty.started", stream, self.heads[stream], {}, (stream,))
            self.undelivered.append(Entry(stream, self.heads[stream], fact))

    @rule(random_=st.randoms(use_true_random=False), most=st.integers(1, 8))
    def commits_are_delivered_in_any_order(self, random_: random.Random, most: int) -> None:
        random_.shuffle(self.undelivered)
        for entry in self.undelivered[:most]:
            self.run(lambda entry=entry: self.hub.deliver([entry], at=NOW, actor=None))
        self.undelivered = self.undelivered[most:]

    @rule(pick=st.integers(0, 50))
    def a_wake_up_is_lost(self, pick: int) -> None:
        if self.undelivered:
            self.undelivered.pop(pick % len(self.undelivered))

    @rule()
    def the_check_finds_what_was_lost(self) -> None:
        self.reader.fill(s.name for s in self.hub.streams.values() if (s.order.head or 0) < self.heads[s.name])

    @rule()
    def the_database_is_read_for_a_socket(self) -> None:
        for line in self.reader.wanting.keys() - {line for line, _, _ in self.read}:  # one read at a time
            del self.reader.wanting[line]
            subs = line.take_wanted(20)
            self.read.append((line, subs, {sub.stream: self.found(sub) for sub in subs}))

    @rule(pick=st.integers(0, 10))
    def what_was_read_is_handed_over(self, pick: int) -> None:
        if self.read:
            line, subs, found = self.read.pop(pick % len(self.read))

            def hand_over() -> None:
                for sub in subs:
                    if line.subs.get(sub.stream) is sub:
                        self.hub.release(sub, found[sub.stream])

            self.run(hand_over)

    @rule()
    def streams_are_read(self) -> None:
        names, self.reader.to_fill = self.reader.to_fill, {}
        for name in names:
            stream = self.hub.streams.get(name)
            if stream is not None and stream.order.head is not None:
                self.filled.append((name, self.told(name, stream.order.head)))

    @rule(pick=st.integers(0, 10))
    def what_was_read_of_a_stream_is_fed(self, pick: int) -> None:
        if self.filled:
            name, told = self.filled.pop(pick % len(self.filled))
            self.run(lambda: self.hub.feed(name, told, None))

    @rule(line=lines, reads=st.booleans())
    def a_device_reads_or_does_not(self, line: Line, reads: bool) -> None:  # noqa: FBT001
        def switch() -> None:
            if reads:
                self.devices[line].reads.set()
            else:
                self.devices[line].reads.clear()

        self.run(switch)

    @rule(line=lines, stream=st.sampled_from(STREAMS), forgot=st.booleans())
    def a_device_asks_to_resume(self, line: Line, stream: str, forgot: bool) -> None:  # noqa: FBT001
        device = self.devices[line]
        cursor = None if forgot else ("e1", device.last.get(stream, 0))

        def ask() -> None:
            if self.hub.resume(line, stream, cursor) and forgot:
                device.last.pop(stream, None)
                device.lost.add(stream)

        self.run(ask)

    @rule(line=lines, whole=st.booleans())
    def somebody_is_barred(self, line: Line, whole: bool) -> None:  # noqa: FBT001
        target = ("user" if whole else STREAMS[0], str(line.subject.id))
        self.barred.append(target)
        self.run(lambda: self.hub.bar([target]))

    @rule()
    def their_transactions_fail(self) -> None:
        barred, self.barred = self.barred, []
        self.run(lambda: self.hub.unbar(barred))

    @invariant()
    def little_waits(self) -> None:
        for line in self.devices:
            assert line.queued <= line_module.MOST_QUEUED_CHARACTERS + 10_000
            assert all(len(sub.held or ()) <= line_module.MOST_HELD for sub in line.subs.values())

    def found(self, sub: Sub) -> Found:
        head = self.heads[sub.stream]
        if sub.last is None or sub.last > head or head - sub.last > MOST_MISSED:
            return Found(head, snapshot="{}")
        return Found(head, events=self.told(sub.stream, sub.last))

    def told(self, stream: str, after: int) -> list[Told]:
        return [
            Told(n, uuid4(), "duty.started", NOW, None, "{}", None) for n in range(after + 1, self.heads[stream] + 1)
        ]

    def check_everything_is_heard(self) -> None:
        """However it went: once everything is read, every device has heard everything."""
        for device in self.devices.values():
            self.run(device.reads.set)
        self.their_transactions_fail()
        for _ in range(6):
            self.the_check_finds_what_was_lost()
            self.the_database_is_read_for_a_socket()
            while self.read:
                self.what_was_read_is_handed_over(0)
            self.streams_are_read()
            while self.filled:
                self.what_was_read_of_a_stream_is_fed(0)
        for line, device in self.devices.items():
            for name in STREAMS if not line.closing else ():
                assert device.last[name] == self.heads[name], (name, device.last, self.heads)


@pytest.fixture(autouse=True)
def _small_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "MOST_QUEUED", 5)
    monkeypatch.setattr(line_module, "MOST_HELD", 2)
    monkeypatch.setattr("app.realtime.hub.WAIT_FOR_MISSING_S", 0)


TestOrder = StreamMachine.TestCase
TestOrder.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
