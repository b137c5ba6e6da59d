"""The loops that ring, in every process alike: when a callout's time has come, and when duty or room has changed.

Each process claims the case that is due, or comes next, so any number of them share the work; each step happens exactly
once because of what is written, not because of the claim (ADR 10). A case in which something fails rests a moment, and
holds up no other; however many rotas change, whoever is due is rung beside that and not after it. A third, slower look
finds due times that passed unnoticed: silence is a fault.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from app.clock import monotonic
from app.prepared import Line
from app.realtime.house import LOOKS_EVERY, House
from app.realtime.loops import Loop, Resting
from app.services.cases import escalation
from app.services.cases.escalation import Claim
from app.work import Work

log = structlog.get_logger()
LONGEST_SLEEP_S: Final = LOOKS_EVERY.total_seconds()
CHANGES_EVERY_S: Final = 0.5
"""A change of duty is followed within a second. A look costs with everything that rings."""
A_MOMENT: Final = timedelta(seconds=5)
"""Within it what was read before a change of duty is written, as good as always."""
ALL_EVERY_S: Final = 60.0
STALE: Final = timedelta(seconds=1)
"""What was decided for an instant that has passed for longer is decided anew: a step has its whole time from now."""
WATCH_EVERY_S: Final = 10.0


class Timers:
    """One process's share of the ringing."""

    def __init__(self, house: House) -> None:
        """Work for this house."""
        self.house = house
        self._resting = Resting()
        self._line = Line(house.engine)
        self._held: tuple[Claim, Work | None] | None = None
        """What is in this process's hands, decided before its time comes."""
        self._passed_over = False
        """Whether something was left to whoever has it in their hands, since somebody asked."""
        self._changes_since: datetime | None = None
        self._all_again_at = 0.0
        """When (monotonic) all changes of duty are looked for again, also those that must have been seen."""
        self._loops = (
            Loop(self._ring, what="due times", wake=house.timers),
            Loop(self._follow, what="changes of duty", first_s=CHANGES_EVERY_S),
            Loop(self._watch, what="the watch over due times", first_s=WATCH_EVERY_S),
        )

    async def run(self) -> None:
        """Ring, follow changes and watch until stopped."""
        await asyncio.gather(*(loop.run() for loop in self._loops))

    def stop(self) -> None:
        """End at the next chance."""
        for loop in self._loops:
            loop.stop()

    def close(self) -> None:
        """Let go of what is in this process's hands, as its end would."""
        self._line.close()

    async def run_due(self) -> datetime | None:
        """Do all that is due or changed now; return the earliest time at which something will be.

        What is in somebody else's hands this instant, as when a device says that it was reached, is waited for.
        """
        while True:
            self._passed_over = self._resting.waits()  # asked before the looks, which leave it out
            await self.ring()
            await self.follow_changes()
            earliest = await self.ring()
            if not self._passed_over:
                return earliest
            await asyncio.sleep(2 * escalation.PASSED_OVER.total_seconds())

    async def ring(self) -> datetime | None:
        """Act on every due time that has come and is free; return the earliest time at which something will be."""
        while True:
            now, look_again = self.house.clock.now(), None
            if self._held is None or self._held[0].at > now:
                look_again = await self._take_in_hand(now)
            if self._held is None:
                return look_again
            claim, decided = self._held
            if claim.at > self.house.clock.now():
                return look_again
            self._held = None
            if not await self._ring_at_once(decided) and not await self._fire(claim.case_id):
                # Due, and nothing was done: somebody else is at it, and it is not looked at again without a pause.
                self._pass_over(claim.case_id)

    async def follow_changes(self) -> None:
        """Look once at every case whose duty, or whose doctors' room, has changed since it was last looked at.

        A case may be opened on what was read before a change and written after it: so each look goes back a moment, and
        everything is looked at each minute.
        """
        everything = monotonic() >= self._all_again_at
        async with self.house.glance() as work:
            cases, looked_at = await escalation.changed(work, None if everything else self._changes_since)
        resting = self._resting.now()
        for case_id in cases:
            if case_id not in resting and await self._fire(case_id) is None:
                self._pass_over(case_id)
        self._changes_since = looked_at - A_MOMENT
        if everything:
            self._all_again_at = monotonic() + ALL_EVERY_S

    async def check(self) -> int:
        """Return how many cases are overdue; each is an alarm, and the loop is woken."""
        try:
            async with self.house.work(None) as work:
                late = await escalation.overdue(work)
        except Exception as error:  # noqa: BLE001 (a check that fails is itself reported)
            log.warning("due times could not be checked", error=type(error).__name__)
            return 0
        for case_id, due in late:
            log.error("due time passed unnoticed", consultation=str(case_id), due_at=due.isoformat())
        if late:
            self.house.timers_changed()
        return len(late)

    async def _take_in_hand(self, now: datetime) -> datetime | None:
        """Claim what is due or comes next, and decide it; return when to look again."""
        if await self._line.begins():
            await self._warm_up()
        rests = self._resting.over_in()  # asked before the look, which leaves out what rests, due all the same
        claim, look_again = await escalation.claim(self._line, now, but=self._resting.now())
        if claim is None:
            self._held = None
        elif self._held is None or self._held[0] != claim:
            self._held = claim, await self._decide(claim)
        if rests is None:
            return look_again
        rested = now + timedelta(seconds=rests)
        return rested if look_again is None else min(look_again, rested)

    async def _warm_up(self) -> None:
        """Have all planned before anything is in hand: to ring for the first time takes a tenth of a second."""
        async with self.house.glance(over=self._line) as work:
            await escalation.warm_up(self._line, work)

    async def _decide(self, claim: Claim) -> Work | None:
        """Do before its time comes all but the write; None when it needs the lock of the case."""
        try:
            async with self.house.glance(max(claim.at, self.house.clock.now()), over=self._line) as work:
                work.optimistic = True
                return work if await escalation.decide(work, claim) else None
        except Exception as error:  # noqa: BLE001 (done under the lock when its time comes, where a fault is told)
            log.info("a due time could not be decided beforehand", error=type(error).__name__)
            return None

    async def _ring_at_once(self, decided: Work | None) -> bool:
        """Write it, as nearly always; False when it needs the lock of the case, or this process has stood still."""
        if decided is None or self.house.clock.now() - decided.now > STALE:
            return False
        try:
            async with self.house.glance(over=self._line) as work:
                decided.session = work.session
                await self.house.commit(decided)
        except Exception as error:  # noqa: BLE001 (tried once more under the lock, where a fault is told)
            log.info("a due time is acted on under the lock", error=type(error).__name__)
            return False
        return True

    async def _fire(self, case_id: UUID) -> bool | None:
        """Do what is due in one case; False when nothing was, None when another process has it, or it rests."""
        try:
            async with self.house.work(None) as work:
                done = await escalation.fire(work, case_id)
                if done:
                    await self.house.commit(work)
        except Exception as error:  # noqa: BLE001 (one case must not silence the others)
            self._resting.failed(case_id, error, "a due time could not be acted on", consultation=str(case_id))
            return None
        self._resting.well(case_id)
        return done

    def _pass_over(self, case_id: UUID) -> None:
        self._passed_over = True
        self._resting.wait(case_id, escalation.PASSED_OVER.total_seconds())

    async def _ring(self) -> float:
        earliest = await self.ring()
        if earliest is None:
            return LONGEST_SLEEP_S
        wait = (earliest - self.house.clock.now()) / timedelta(seconds=1)
        return max(0.0, min(wait, LONGEST_SLEEP_S))  # what came due while we looked does not wait

    async def _follow(self) -> float:
        await self.follow_changes()
        return CHANGES_EVERY_S

    async def _watch(self) -> float:
        await self.check()
        return WATCH_EVERY_S
