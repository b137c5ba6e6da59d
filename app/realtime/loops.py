"""Loops that outlive every fault, and the things that rest because something in them failed."""

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import structlog

from app.clock import monotonic

log = structlog.get_logger()
AFTER_FAULT_S: Final = 0.5
FORGOTTEN_AFTER_S: Final = 60.0
LONGEST_REST_S: Final = 5.0
"""What fails again and again is tried no less often than this; meanwhile a watch says that it is overdue."""


class Loop:
    """Does one thing again and again, whatever happens in it, until it is stopped or cancelled."""

    def __init__(
        self,
        once: Callable[[], Awaitable[float]],
        *,
        what: str,
        wake: asyncio.Event | None = None,
        first_s: float = 0.0,
        after_fault_s: float = AFTER_FAULT_S,
    ) -> None:
        """`once` returns for how many seconds to pause. `wake` ends a pause. `first_s`: the pause before the first."""
        self._once = once
        self._what = what
        self._wake = wake or asyncio.Event()
        self._pause_s = first_s
        self._after_fault_s = after_fault_s
        self._stopped = False

    async def run(self) -> None:
        """Go on until stopped; a fault is said, without its message, which may hold patient data."""
        await self._rest()
        while not self._stopped:
            self._wake.clear()  # before looking: what changes while we look wakes us again
            try:
                self._pause_s = await self._once()
            except Exception as error:  # noqa: BLE001 (the loop must outlive everything)
                log.warning("paused after a fault", what=self._what, error=type(error).__name__)
                self._pause_s = self._after_fault_s
            await self._rest()

    def stop(self) -> None:
        """End at the next chance: what is under way is finished."""
        self._stopped = True
        self._wake.set()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._pause_s)


def every(seconds: float, once: Callable[[], Awaitable[object]], *, what: str, first_s: float = 0.0) -> Loop:
    """Return a loop that does it after `first_s` and then at this distance; after a fault it is tried again sooner."""

    async def then_pause() -> float:
        await once()
        return seconds

    return Loop(then_pause, what=what, first_s=first_s, after_fault_s=min(seconds, 5.0))


class Resting:
    """What failed a moment ago: left out for a while, so that it holds up nothing else, and tried again."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._until: dict[UUID, tuple[float, float]] = {}
        """Until when (monotonic), and for how long this time."""

    def now(self) -> list[UUID]:
        """Return what is left out at this moment."""
        moment = monotonic()
        for one in [one for one, (until, _) in self._until.items() if until + FORGOTTEN_AFTER_S < moment]:
            del self._until[one]
        return [one for one, (until, _) in self._until.items() if until > moment]

    def over_in(self) -> float | None:
        """Return in how many seconds the first may be looked at again; None when nothing rests."""
        moment = monotonic()
        return min((until - moment for until, _ in self._until.values() if until > moment), default=None)

    def waits(self) -> bool:
        """Whether something is left out because somebody else has it in their hands."""
        moment = monotonic()
        return any(until > moment and not pause for until, pause in self._until.values())

    def wait(self, one: UUID, seconds: float) -> None:
        """Leave it out for so long: nothing failed, but somebody else has it in their hands."""
        if self._until.get(one, (0.0, 0.0))[0] < monotonic() + seconds:
            self._until[one] = (monotonic() + seconds, 0.0)

    def failed(self, one: UUID, error: Exception, said: str, **what: str) -> None:
        """Say it, without its message, which may hold patient data; leave it out, each time twice as long."""
        _, last = self._until.get(one, (0.0, 0.0))
        pause = min(max(AFTER_FAULT_S, 2 * last), LONGEST_REST_S)
        self._until[one] = (monotonic() + pause, pause)
        frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-8:]]
        log.error(said, **what, error=type(error).__name__, frames=frames)

    def well(self, one: UUID) -> None:
        """Nothing failed in it this time."""
        self._until.pop(one, None)
