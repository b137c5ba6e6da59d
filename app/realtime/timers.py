"""The timer loop: rings the next person when a callout's time has come, in every process alike.

It claims a due case with SKIP LOCKED, so any number of processes share the work and each step happens exactly once.
A second, slower watch looks for due times that passed unnoticed: silence is a fault.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog

from app.realtime.house import House
from app.services import escalation

log = structlog.get_logger()
LONGEST_SLEEP_S = 1.0
PASSED_OVER_S = 0.05
WATCH_EVERY_S = 10.0
AFTER_FAULT_S = 0.5


class Timers:
    """One process's share of the ringing."""

    def __init__(self, house: House) -> None:
        """Work for this house."""
        self.house = house
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Fire what is due, then sleep until the next due time, a wake-up, or a second."""
        while not self._stop.is_set():
            try:
                earliest = await self.run_due()
                pause = self._pause(earliest)
            except Exception as error:  # noqa: BLE001 (the loop must outlive everything)
                log.warning("timers paused", error=type(error).__name__)
                pause = AFTER_FAULT_S
            self.house.timers.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.house.timers.wait(), pause)

    async def run_due(self) -> datetime | None:
        """Fire everything that is due and free; return the earliest time at which something will be."""
        while True:
            async with self.house.work(None) as work:
                case_id, earliest = await escalation.next_due(work)
                if case_id is None:
                    return earliest
                if await escalation.fire(work, case_id):
                    await self.house.commit(work)

    async def watch(self) -> None:
        """Look apart from the loop for due times that passed over 30 s ago, and say so loudly."""
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), WATCH_EVERY_S)
                return
            await self.check()

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

    def stop(self) -> None:
        """End both loops at the next chance."""
        self._stop.set()
        self.house.timers.set()

    def _pause(self, earliest: datetime | None) -> float:
        if earliest is None:
            return LONGEST_SLEEP_S
        wait = (earliest - self.house.clock.now()) / timedelta(seconds=1)
        return PASSED_OVER_S if wait <= 0 else min(wait, LONGEST_SLEEP_S)
