"""Wall-clock time in a zone, turned into instants: the one place that knows about daylight saving.

Two rules, both from the rota contract: a wall-clock time that does not exist (the clocks jumped over it)
means the first instant after the jump; one that occurs twice (the clocks went back) means its first
occurrence.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_NO_TIME = timedelta(0)
_SECOND = timedelta(seconds=1)


class Clockface:
    """One zone's wall clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Show the time of `zone`."""
        self.zone = zone

    def instant(self, local: datetime) -> datetime:
        """The UTC instant at which the wall clock shows `local` (a naive time)."""
        return _instant(self.zone, local)

    def midnight(self, day: date) -> datetime:
        """The UTC instant at which a local date begins."""
        return _instant(self.zone, datetime.combine(day, time.min))

    def local(self, instant: datetime) -> datetime:
        """What the wall clock shows at an instant, as a naive time."""
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)


@lru_cache(maxsize=16_384)  # the rotas of a hospital change hands at the same few times of day
def _instant(zone: ZoneInfo, local: datetime) -> datetime:
    aware = local.replace(tzinfo=zone, fold=0)
    before = aware.utcoffset() or _NO_TIME
    after = aware.replace(fold=1).utcoffset() or _NO_TIME
    naive_utc = local.replace(tzinfo=UTC)
    if after > before:  # only inside a jump does the later reading have the larger offset (PEP 495)
        return _end_of_jump(zone, naive_utc - after, naive_utc - before, before)
    return naive_utc - before


def _end_of_jump(zone: ZoneInfo, early: datetime, late: datetime, before: timedelta) -> datetime:
    """The instant in `(early, late]` at which the offset stops being `before`; zones jump on whole seconds."""
    early, late = early.replace(microsecond=0), late.replace(microsecond=0)
    while late - early > _SECOND:
        middle = early + timedelta(seconds=(late - early) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
