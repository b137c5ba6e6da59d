"""The sockets of this process: who hears what, in order, and nobody who may not.

Facts arrive right after their commit (`deliver`) or are read from the database (`feed`). Commits of transactions that
ran at the same time may arrive out of order: what comes too early waits until what is missing is there, or is read.
Everything here is synchronous and touches no database; `catch_up` reads for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.clock import Clock, DatabaseClock, monotonic
from app.models.consultation import Consultation
from app.policy import hears
from app.realtime import protocol
from app.realtime.bars import ACCOUNT, SESSION, Bars, Target
from app.realtime.catch_up import CatchUp
from app.realtime.line import Line, Sub
from app.realtime.protocol import Close
from app.realtime.reads import ReadLog
from app.realtime.roster import Roster
from app.realtime.sequence import Sequence as Order
from app.schemas.events import CONSULTATION, HOSPITAL, USER, kind_of, projection
from app.services.views.snapshots import of_unspoken
from app.services.views.streams import Found, Told
from app.work import Answer, Entry, Fact, Subject

__all__ = ["ACCOUNT", "SESSION", "Hub"]

MOST_SOCKETS: Final = 20
"""Sockets of one account in one process."""
MOST_STREAMS: Final = 500
"""Streams that one socket may hear."""
WAIT_FOR_MISSING_S: Final = 0.05
SLOW_AFTER_S: Final = 10.0
"""A socket whose other end has read nothing for so long is closed, and dropped when not even that can be said."""
PING_EARLY: Final = 0.85
"""Pings go out a little before their time, so that a busy moment makes no client doubt its connection."""

STARTS: Final = frozenset(
    {
        "consultation.requested",
        "consultation.handed_over",
        "offer.accepted",
        "attendance.answered",
        "participant.joined",
    }
)
"""Facts that may make a case readable for somebody: their sockets begin to hear it by themselves."""
ENDS: Final = "participant.left"


class Audience:
    """Who may hear of a case, as it is after one commit; asked once per person."""

    __slots__ = ("_known", "case")

    def __init__(self, case: Consultation) -> None:
        """Judge by this state of the case."""
        self.case = case
        self._known: dict[UUID, bool] = {}

    def hears(self, subject: Subject) -> bool:
        """Whether the subject may hear what is said in the case now."""
        known = self._known.get(subject.id)
        if known is None:
            known = self._known[subject.id] = hears(subject, self.case)
        return known


@dataclass(slots=True)
class Arrival:
    """A fact on its way into one stream, rendered once for all streams of its kind."""

    type: str
    tail: str
    audience: Audience | None = None
    shows_card_of: UUID | None = None
    """The case whose offer card this carries: showing it is a read."""
    case_id: UUID | None = None


@dataclass(slots=True)
class Stream:
    """A stream that somebody here hears."""

    name: str
    kind: str
    order: Order[Arrival] = field(default_factory=Order)
    subs: set[Sub] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None


class Hub:
    """All sockets of one process."""

    def __init__(self, database: async_sessionmaker[AsyncSession], clock: Clock | None = None) -> None:
        """Serve nobody yet. The relay brings `epoch`, `clock` and `demo` from the house."""
        self.epoch = ""
        self.clock: Clock = clock or DatabaseClock()
        self.demo = False
        self.roster = Roster(self._presence)
        self.streams: dict[str, Stream] = {}
        self.bars = Bars()
        self.reads = ReadLog(database, self._now)
        self.catch_up = CatchUp(self, database)
        self.on_commit: Callable[[list[str]], None] | None = None
        self.last_words: list[Callable[[], Awaitable[None]]] = []

    # --- sockets come and go ----------------------------------------------------------------------------------------

    def add(self, line: Line) -> bool:
        """Take in a signed-in socket; False when its account has too many."""
        subject = line.subject
        if len(self.roster.by_user.get(subject.id, ())) >= MOST_SOCKETS:
            return False
        line.muted = self.bars.on(SESSION, subject.session_id) + self.bars.on(ACCOUNT, subject.id)
        line.on_want = self.catch_up.want
        self.roster.add(line)
        return True

    def remove(self, line: Line) -> None:
        """Let a socket go."""
        line.hang_up()
        if line in self.roster.lines:
            self.roster.remove(line)
            for sub in list(line.subs.values()):
                self.leave(sub)

    def online(self, user_id: UUID) -> bool:
        """Whether the user has a socket in this process."""
        return user_id in self.roster.by_user

    async def close(self) -> None:
        """Send everybody away; they come back to the next process."""
        lines = list(self.roster.lines)
        for line in lines:
            line.close(Close.GOING_AWAY)
        await asyncio.gather(*(line.drained(1.0) for line in lines))
        self.roster.stop()

    # --- streams begin and end --------------------------------------------------------------------------------------

    def subscribe(self, line: Line, name: str, *, last: int | None = None, origin: str = "own") -> Sub | None:
        """Begin to hear a stream, held back until it has been read; None when there are too many.

        `last`: the place the client has read up to. `origin`: `own` (found for it: refused silently), `asked` (refused
        with an error), `had` (refused as ended).
        """
        known = line.subs.get(name)
        if known is not None:
            return known
        if len(line.subs) >= MOST_STREAMS or line.closing:
            return None
        sub = self._join(line, name, last, origin)
        line.hold(sub)
        return sub

    def resume(self, line: Line, name: str, cursor: tuple[str, int] | None) -> bool:
        """Read a stream again for a client that saw a gap. What it was sent is never sent twice: then a snapshot."""
        sub = line.subs.get(name)
        if sub is None:
            return False
        epoch, n = cursor or ("", -1)
        if epoch != self.epoch or n != sub.last:
            sub.last = None
        line.hold(sub)
        return True

    def unsubscribe(self, line: Line, name: str) -> None:
        """Stop hearing a stream; it does not begin again by itself."""
        line.unsubscribed = {*(line.unsubscribed or ()), name}
        sub = line.subs.get(name)
        if sub is not None:
            self.leave(sub)

    def leave(self, sub: Sub) -> None:
        """Stop hearing a stream without a word."""
        sub.line.forget(sub)
        stream = self.streams.get(sub.stream)
        if stream is None:
            return
        stream.subs.discard(sub)
        if not stream.subs:
            del self.streams[sub.stream]
            if stream.timer is not None:
                stream.timer.cancel()

    def end(self, sub: Sub, why: str) -> None:
        """Tell a socket that a stream ended for it, and send nothing of it any more."""
        line = sub.line
        self.leave(sub)
        line.say(protocol.ended(sub.stream, why))

    def release(self, sub: Sub, found: Found) -> None:
        """Hand what was read for one socket to it, and go on live."""
        texts = [(told.n, self._text(sub.stream, told.n, _tail(told))) for told in found.events]
        snapshot = None
        if found.snapshot is not None:
            snapshot = protocol.snapshot(sub.stream, self.epoch, found.head, found.snapshot)
        sub.line.release(sub, found.head, texts, snapshot)
        stream = self.streams.get(sub.stream)
        if stream is None:
            return
        if stream.order.head is None:
            self._send_on(stream, stream.order.begin(found.head))
        elif sub.held is None and sub.last is not None and sub.last < stream.order.head:
            sub.line.hold(sub)  # another socket's read, made later, was handed over first: read once more

    # --- facts arrive -----------------------------------------------------------------------------------------------

    def deliver(
        self,
        entries: Sequence[Entry],
        *,
        at: datetime,
        actor: Subject | None,
        barred: Iterable[Target] = (),
        answer: Answer | None = None,
    ) -> None:
        """Send on what one transaction committed; settle whom it barred first. `answer`: what its actor is answered."""
        for target in barred:
            self.settle(target)
        if self.on_commit is not None:
            self.on_commit(self._hints(entries, barred))
        if not self.roster.lines:
            return
        begin: dict[tuple[Line, str], Consultation] = {}
        lines: dict[Line, None] = {}
        people = [entry for entry in entries if kind_of(entry.stream) != HOSPITAL]
        boards = [entry for entry in entries if kind_of(entry.stream) == HOSPITAL]
        for stream, n, arrival in self._arrivals(people, at, actor, begin):
            self._arrive(stream, n, arrival)
            lines |= dict.fromkeys(sub.line for sub in stream.subs)
        # People who wait for this are told before boards, beginners and the answer to the command are made ready; and
        # whoever did it waits least.
        by, beginning = actor.id if actor else None, {line for line, _ in begin}
        for line in sorted(lines, key=lambda line: line.subject.id == by):
            if line not in beginning:
                line.write()
        for stream, n, arrival in self._arrivals(boards, at, actor, begin):
            self._arrive(stream, n, arrival)
        for (line, name), case in begin.items():
            own = answer is not None and answer.shows == case.id and actor is not None and actor.id == line.subject.id
            self._begin_with(line, name, case, answer.body if answer and own else None)

    def feed(self, name: str, told: Iterable[Told], case: Consultation | None) -> None:
        """Send on what was read from the database: facts of another process, or what came too late."""
        stream = self.streams.get(name)
        audience = Audience(case) if case is not None else None
        for fact in told:
            if stream is None or not stream.subs or (stream.kind == CONSULTATION and audience is None):
                return
            shows = fact.case_id if fact.card else None
            arrival = Arrival(fact.type, _tail(fact), audience, shows, fact.case_id)
            if stream.kind == USER and fact.type in STARTS and fact.case_id is not None:
                for sub in list(stream.subs):
                    self.subscribe(sub.line, f"consultation:{fact.case_id}")
            self._arrive(stream, fact.n, arrival)

    def whisper(self, name: str, text: str) -> None:
        """Send something that has no place in the stream to all who hear it."""
        stream = self.streams.get(name)
        for sub in stream.subs if stream else ():
            if sub.held is None and not sub.barred:
                sub.line.whisper(text)

    # --- who may hear no more ---------------------------------------------------------------------------------------

    def bar(self, targets: Iterable[Target]) -> None:
        """Let nothing more through to these, before the commit that removes them. See `bars` for what a target is."""
        for target in targets:
            self.bars.add(target, monotonic())
            for line, sub in self._touched(target):
                if sub is not None:
                    sub.barred += 1
                else:
                    line.muted += 1

    def unbar(self, targets: Iterable[Target]) -> None:
        """The commit failed: read what was withheld, and go on."""
        for target in targets:
            if not self.bars.drop(target):
                continue
            for line, sub in self._touched(target):
                if sub is not None:
                    sub.barred = max(0, sub.barred - 1)
                    line.hold(sub)
                else:
                    line.muted = max(0, line.muted - 1)
                    self.recheck(line)

    def settle(self, target: Target) -> None:
        """The commit is done: what they heard has ended for good."""
        touched = self._touched(target)
        self.bars.drop(target)
        for line, sub in touched:
            if sub is not None:
                self.end(sub, "left")
            else:
                self.sign_out(line)

    def sign_out(self, line: Line) -> None:
        """The session ended or the account was closed: say nothing more, not even what waits."""
        line.muted = 0
        line.close(Close.UNAUTHENTICATED, drop=True)

    def recheck(self, line: Line) -> None:
        """Trust nothing about this socket until the database has been asked again."""
        for sub in list(line.subs.values()):
            line.hold(sub)

    def reset(self, epoch: str) -> None:
        """A backup was restored: everything anybody has read may be different now."""
        self.epoch = epoch
        for stream in self.streams.values():
            stream.order = Order()
            for sub in stream.subs:
                sub.last, sub.missed = None, 0
                sub.line.hold(sub)

    # --- once a second ----------------------------------------------------------------------------------------------

    def tick(self, heartbeat_s: float) -> None:
        """Ping whose turn it is, close who reads nothing, and ask about bars that nobody settled."""
        moment, now, loop_time = monotonic(), self._now(), asyncio.get_running_loop().time()
        for line in list(self.roster.lines):
            blocked = 0.0 if line.blocked_since is None else loop_time - line.blocked_since
            if blocked > 2 * SLOW_AFTER_S and line.closing:
                line.abort()
            elif blocked > SLOW_AFTER_S:
                line.close(Close.SLOW_READER, drop=True)
            elif line.ping_at <= moment:
                if line.ping_at:
                    line.whisper(protocol.ping(now, self.epoch, line.heads))
                line.ping_at = moment + heartbeat_s * PING_EARLY
        for target in self.bars.unsettled(moment):
            self.unbar([target])

    # --- inside -----------------------------------------------------------------------------------------------------

    def _arrivals(
        self,
        entries: Iterable[Entry],
        at: datetime,
        actor: Subject | None,
        begin: dict[tuple[Line, str], Consultation],
    ) -> Iterator[tuple[Stream, int, Arrival]]:
        """Yield what arrives in which stream; into `begin` comes who will hear a case that was under way before."""
        by = actor.id if actor else None
        rendered: dict[tuple[UUID, str], Arrival] = {}
        audiences: dict[UUID, Audience] = {}
        for entry in entries:
            kind, fact, case = kind_of(entry.stream), entry.fact, entry.fact.consultation
            audience = None
            if case is not None and kind == CONSULTATION:
                audience = audiences.setdefault(case.id, Audience(case))
                if fact.type in STARTS:
                    begin |= {(line, entry.stream): case for line in self._start(audience, entry)}
            stream = self.streams.get(entry.stream)
            if stream is None:
                continue
            arrival = rendered.get((fact.id, kind))
            if arrival is None:
                arrival = rendered[(fact.id, kind)] = _arrival(fact, kind, at, by, audience)
            yield stream, entry.n, arrival

    def _start(self, audience: Audience, entry: Entry) -> Iterator[Line]:
        """Let the sockets of everybody who takes part now hear the case: a new one from its first fact.

        Those who are to begin with the case as it is now are returned; they can wait until the others have been told.
        """
        case, name = audience.case, entry.stream
        lines = [line for p in case.participants if p.left_at is None for line in self._lines_of(p.user_id)]
        lines += self._lines_of(case.requester_id)
        if case.ward_id is not None:
            lines += self.roster.by_ward.get(case.ward_id, ())
        for line in dict.fromkeys(lines):
            if name in line.subs or name in (line.unsubscribed or ()) or not audience.hears(line.subject):
                continue
            if entry.n > 1 and case.said:
                self.subscribe(line, name)
            elif entry.n > 1:
                yield line
            elif not line.closing and len(line.subs) < MOST_STREAMS:
                sub = self._join(line, name, 0, "had")
                sub.held = None
                self.streams[name].order.head = 0
                self.reads.note(line.subject.id, case.id, "full", "subscription")

    def _begin_with(self, line: Line, name: str, case: Consultation, shown: str | None) -> None:
        """Let somebody hear a case that was just committed, from what is known of it here: nothing need be read.

        `shown`: the case as this person is shown it, where that is known already.
        """
        if line.closing or len(line.subs) >= MOST_STREAMS or name in line.subs:
            return
        sub = self._join(line, name, None, "own")
        sub.held = []
        snapshot = of_unspoken(case, line.subject, demo=self.demo, shown=shown)
        self.release(sub, Found(case.version, snapshot=snapshot))
        self.reads.note(line.subject.id, case.id, "full", "subscription")

    def _arrive(self, stream: Stream, n: int, arrival: Arrival) -> None:
        self._send_on(stream, stream.order.arrive(n, arrival))

    def _send_on(self, stream: Stream, ready: Iterable[tuple[int, Arrival]]) -> None:
        for n, arrival in ready:
            text = self._text(stream.name, n, arrival.tail)
            for sub in list(stream.subs):
                if arrival.audience is not None and not arrival.audience.hears(sub.line.subject):
                    self.end(sub, "left" if arrival.type == ENDS else "not-found")
                    continue
                sub.line.put(sub, n, text)
                if arrival.shows_card_of is not None:
                    self.reads.note(sub.line.subject.id, arrival.shows_card_of, "card", "offer")
        if stream.order.waits:
            if stream.timer is None:
                loop = asyncio.get_running_loop()
                stream.timer = loop.call_later(WAIT_FOR_MISSING_S, self._missing, stream)
        elif stream.timer is not None:
            stream.timer.cancel()
            stream.timer = None

    def _missing(self, stream: Stream) -> None:
        stream.timer = None
        if stream.order.waits and self.streams.get(stream.name) is stream:
            self.catch_up.fill([stream.name])

    def _join(self, line: Line, name: str, last: int | None, origin: str) -> Sub:
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = Stream(name, kind_of(name))
        sub = Sub(line, stream.name, last, origin)  # one name for all who hear it
        sub.barred = self.bars.on(name, line.subject.id)
        stream.subs.add(sub)
        line.subs[stream.name] = sub
        return sub

    def _touched(self, target: Target) -> list[tuple[Line, Sub | None]]:
        what, who = target
        found = UUID(who)
        if what == SESSION:
            return [(line, None) for line in self.roster.by_session.get(found, ())]
        if what == ACCOUNT:
            return [(line, None) for line in self._lines_of(found)]
        return [(line, line.subs[what]) for line in self._lines_of(found) if what in line.subs]

    def _lines_of(self, user_id: UUID) -> tuple[Line, ...]:
        return self.roster.by_user.get(user_id, ())

    def _hints(self, entries: Iterable[Entry], barred: Iterable[Target]) -> list[str]:
        """Name what other processes must look at: streams, people for whom a case begins, and who was barred."""
        names = {entry.stream for entry in entries}
        for entry in entries:
            case = entry.fact.consultation
            if case is not None and entry.n == 1 and entry.fact.type == "consultation.requested":
                names.add(f"new:{case.requester_id}:{case.ward_id or ''}")
        for what, who in barred:
            names.add(f"{what}:{who}" if what == SESSION else f"account:{who}")
        return sorted(names)

    def _presence(self, subject: Subject, online: bool) -> None:  # noqa: FBT001 (a callback)
        if subject.hospital_id is not None:
            board = f"hospital:{subject.hospital_id}"
            self.whisper(board, protocol.presence(board, subject.id, subject.name, online=online))

    def _text(self, stream: str, n: int, tail: str) -> str:
        return protocol.event_head(stream, self.epoch, n) + tail

    def _now(self) -> datetime:
        return self.clock.now()


def _arrival(fact: Fact, kind: str, at: datetime, by: UUID | None, audience: Audience | None) -> Arrival:
    attached: Mapping[str, object] = fact.attach.get(kind, {})
    if kind == CONSULTATION and not attached:
        d = fact.stored  # such a stream shows all of it, as it is written
    else:
        d = fact.show(projection(kind, fact.type, fact.data) | dict(attached))
    case_id = fact.consultation.id if fact.consultation else None
    shows = case_id if kind == USER and attached else None
    return Arrival(fact.type, protocol.event_tail(fact.id, fact.type, at, by, d), audience, shows, case_id)


def _tail(told: Told) -> str:
    return protocol.event_tail(told.id, told.type, told.at, told.by, told.d)
