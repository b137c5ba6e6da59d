"""The timer loop: rings the next person when a callout's time has come, in every process alike.

It claims a due case with SKIP LOCKED, so any number of processes share the work and each step happens exactly once.
A case in which something fails rests a moment, and holds up no other.
A second, slower watch looks for due times that passed unnoticed: silence is a fault.
"""

import asyncio
import contextlib
import traceback
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from app.clock import monotonic
from app.realtime.house import LOOKS_EVERY, House
from app.services.cases import escalation

log = structlog.get_logger()
LONGEST_SLEEP_S = LOOKS_EVERY.total_seconds()
WATCH_EVERY_S = 10.0
AFTER_FAULT_S = 0.5
CHANGES_EVERY_S = 0.45
"""A change of duty is followed within a second: looks are this far apart at least, and a second at most."""
LONGEST_REST_S = 5.0
"""A case that fails again and again is tried no less often than this; meanwhile the watch says that it is overdue."""
FORGOTTEN_AFTER_S = 60.0


class Timers:
    """One process's share of the ringing."""

    def __init__(self, house: House) -> None:
        """Work for this house."""
        self.house = house
        self._stop = asyncio.Event()
        self._resting: dict[UUID, tuple[float, float]] = {}
        """Cases in which something failed: until when (monotonic) they rest, and for how long this time."""
        self._changes_at = 0.0
        """When (monotonic) changes of duty and room are looked for next."""

    async def run(self) -> None:
        """Fire what is due, then sleep until the next due time, a wake-up, or a second."""
        while not self._stop.is_set():
            self.house.timers.clear()  # before looking: what changes while we look wakes us again
            try:
                earliest = await self.run_due(changes=self._time_for_changes())
                pause = self._pause(earliest)
            except Exception as error:  # noqa: BLE001 (the loop must outlive everything)
                log.warning("timers paused", error=type(error).__name__)
                pause = AFTER_FAULT_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.house.timers.wait(), pause)

    async def run_due(self, *, changes: bool = True) -> datetime | None:
        """Fire everything that is due and free; return the earliest time at which something will be.

        `changes`: look also for cases whose duty, or whose doctors' room, has changed. It costs with all that rings.
        """
        nothing_to_do: list[UUID] = []
        while True:
            async with self.house.work(None) as work:
                case_id, earliest = await escalation.next_due(
                    work, but=[*self._left_out(), *nothing_to_do], changes=changes
                )
                if case_id is None:
                    return earliest
                try:
                    if await escalation.fire(work, case_id):
                        await self.house.commit(work)
                    else:
                        nothing_to_do.append(case_id)  # seen in this round: it is not looked at again and again
                except Exception as error:  # noqa: BLE001 (one case must not silence the others)
                    self._rest(case_id, error)
                else:
                    self._resting.pop(case_id, None)

    def _time_for_changes(self) -> bool:
        moment = monotonic()
        if moment < self._changes_at:
            return False
        self._changes_at = moment + CHANGES_EVERY_S
        return True

    def _left_out(self) -> list[UUID]:
        moment = monotonic()
        for case_id in [c for c, (until, _) in self._resting.items() if until + FORGOTTEN_AFTER_S < moment]:
            del self._resting[case_id]
        return [case_id for case_id, (until, _) in self._resting.items() if until > moment]

    def _rest(self, case_id: UUID, error: Exception) -> None:
        _, last = self._resting.get(case_id, (0.0, 0.0))
        pause = min(max(AFTER_FAULT_S, 2 * last), LONGEST_REST_S)
        self._resting[case_id] = (monotonic() + pause, pause)
        frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-8:]]
        # never the message, which may hold patient data
        log.error(
            "a due time could not be acted on", consultation=str(case_id), error=type(error).__name__, frames=frames
        )

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
        return max(0.0, min(wait, LONGEST_SLEEP_S))  # what came due while we looked does not wait
