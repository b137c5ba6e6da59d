"""The only place that reads the clock. The database's clock decides; this process keeps the offset to it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        ...


class DatabaseClock:
    """Monotonic time of this machine, set to the database's clock, so that no step of the local clock is ever seen."""

    def __init__(self) -> None:
        """Start from the local clock until the database has been asked."""
        self._base = datetime.now(UTC)
        self._at = time.monotonic()

    def now(self) -> datetime:
        """Return the database's time as far as this process knows it."""
        return self._base + timedelta(seconds=time.monotonic() - self._at)

    def set(self, told: datetime, round_trip: float, at: float) -> None:
        """Take over the database's answer: half a round trip (seconds) old when it came, at `at` (monotonic)."""
        self._base = told.astimezone(UTC) + timedelta(seconds=round_trip / 2)
        self._at = at


class FakeClock:
    """A clock that stands still until it is moved: for tests and rehearsals of time."""

    def __init__(self, at: datetime) -> None:
        """Stand at `at`."""
        self._now = at

    def now(self) -> datetime:
        """Return where the clock stands."""
        return self._now

    def advance(self, **delta: float) -> datetime:
        """Move forward, by the arguments of `timedelta`."""
        self._now += timedelta(**delta)
        return self._now


def monotonic() -> float:
    """Seconds of an arbitrary clock that never steps; for measuring and waiting."""
    return time.monotonic()
