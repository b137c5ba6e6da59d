"""The loop that watches duty: gaps told again, «are you there?», duty told, agreements that end, swaps not taken.

Rows are the timers and their rotas are claimed with SKIP LOCKED, so any number of processes share the work, each thing
happens exactly once, and whatever was under way when a process died is due still. A rota in which something fails
rests a moment and holds up no other. What stays overdue is an alarm of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from app.realtime.house import LOOKS_EVERY, House
from app.realtime.loops import Loop, Resting
from app.services.cases import shift_facts
from app.services.ringing import agreements
from app.services.rostering import duty_watch, reachability, swaps, watch_times
from app.work import Work

log = structlog.get_logger()
LONGEST_SLEEP_S = LOOKS_EVERY.total_seconds()
PASSED_OVER_S = 0.05
WATCH_EVERY_S = 10.0
ROTAS_AT_ONCE: Final = 25


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that is watched: in which rotas (or agreements) it is due, and what is done about it."""

    name: str
    due: Callable[[Work, Collection[UUID], int], Awaitable[list[UUID]]]
    act: Callable[[Work, Collection[UUID]], Awaitable[int]]


class Watches:
    """One process's share of watching duty."""

    def __init__(self, house: House) -> None:
        """Watch for this house."""
        self.house = house
        self._looked_at: datetime | None = None
        self._resting = Resting()
        self._kinds = (
            Kind("ask", reachability.to_ask, reachability.ask),
            Kind("unanswered", reachability.unanswered, reachability.alarm),
            Kind("shifts", shift_facts.due, self._tell_shifts),
            Kind("gaps", duty_watch.due, duty_watch.tell_again),
            Kind("swaps", swaps.due, swaps.lapse),
            Kind("agreements", agreements.due, agreements.warn),
        )
        self._loops = (
            Loop(self._do_due, what="watches", first_s=LONGEST_SLEEP_S),
            Loop(self._watch, what="the watch over watches", first_s=WATCH_EVERY_S),
        )

    async def run(self) -> None:
        """Do what is due, and watch that it is done, until stopped."""
        await asyncio.gather(*(loop.run() for loop in self._loops))

    def stop(self) -> None:
        """End at the next chance."""
        for loop in self._loops:
            loop.stop()

    async def run_due(self) -> datetime:
        """Do everything that is due and free; return the earliest time at which something will be."""
        now = self.house.clock.now()
        if self._looked_at is None:
            self._looked_at = await self._looked_before(now)
        looked = self._looked_at is None or now >= self._looked_at + watch_times.LOOK_EVERY
        if looked:
            await self.look()
        due = await self._next_due()
        for kind in self._kinds:
            if looked or (kind.name in due and due[kind.name] <= now):
                await self._do(kind)
        assert self._looked_at is not None
        due = await self._next_due()
        return min([self._looked_at + watch_times.LOOK_EVERY, *due.values()])

    async def look(self) -> None:
        """Look at all rotas for gaps, as the window moves on: every hour, and at the start if nobody has within one."""
        async with self.house.work(None) as work:
            everything = await duty_watch.to_look_at(work)
        for at in range(0, len(everything), ROTAS_AT_ONCE):
            await self._act("look", duty_watch.look, everything[at : at + ROTAS_AT_ONCE])
        self._looked_at = self.house.clock.now()
        async with self.house.work(None) as work:
            await duty_watch.note_look(work, self._looked_at)
            await work.session.commit()

    async def check(self) -> list[str]:
        """Return the kinds that were overdue at an earlier check and are still: each is an alarm."""
        try:
            async with self.house.work(None) as work:
                late = await self.house.late_duty.read(work, ask=self.house.asks_whether_reachable)
        except Exception as error:  # noqa: BLE001 (a check that fails is itself reported)
            log.warning("watches could not be checked", error=type(error).__name__)
            return []
        for kind, due_at in sorted(late.items()):
            log.error("a watch over duty is overdue", kind=kind, due_at=due_at.isoformat())
        return sorted(late)

    async def _looked_before(self, now: datetime) -> datetime | None:
        """When another process, or this one before it was started again, looked at all rotas, if that still counts."""
        async with self.house.work(None) as work:
            at = await duty_watch.last_look(work)
        return at if at is not None and at <= now else None

    async def _next_due(self) -> dict[str, datetime]:
        async with self.house.work(None) as work:
            return await watch_times.next_due(work, ask=self.house.asks_whether_reachable)

    async def _do(self, kind: Kind) -> None:
        if kind.name == "ask" and not self.house.asks_whether_reachable:
            return
        while True:
            async with self.house.work(None) as work:
                ids = await kind.due(work, self._resting.now(), ROTAS_AT_ONCE)
            if not ids or not await self._act(kind.name, kind.act, ids):
                return

    async def _act(self, name: str, act: Callable[[Work, Collection[UUID]], Awaitable[int]], ids: list[UUID]) -> int:
        """Act in several rotas at once; when that fails, in each alone, so that one does not hold up the others."""
        try:
            return await self._commit(act, ids)
        except Exception as error:  # noqa: BLE001 (one rota must not silence the others)
            if len(ids) == 1:
                self._resting.failed(ids[0], error, "a watch over duty failed", kind=name, rota=str(ids[0]))
                return 0
        return sum([await self._act(name, act, [one]) for one in ids])

    async def _commit(self, act: Callable[[Work, Collection[UUID]], Awaitable[int]], ids: list[UUID]) -> int:
        async with self.house.work(None) as work:
            done = await act(work, ids)
            if done:
                await self.house.commit(work)
        for one in ids:
            self._resting.well(one)
        return done

    async def _tell_shifts(self, work: Work, ids: Collection[UUID]) -> int:
        """Whoever begins a duty that was put on the rota this instant is asked before it counts as begun."""
        if self.house.asks_whether_reachable:
            await reachability.ask(work, ids)
        return await shift_facts.tell(work, ids)

    async def _do_due(self) -> float:
        wait = (await self.run_due() - self.house.clock.now()) / timedelta(seconds=1)
        return PASSED_OVER_S if wait <= 0 else min(wait, LONGEST_SLEEP_S)

    async def _watch(self) -> float:
        await self.check()
        return WATCH_EVERY_S
