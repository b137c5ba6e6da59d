"""Wall-clock time in a zone, turned into instants: the one place that knows about daylight saving.

Two rules, both from the rota contract: a wall-clock time that does not exist (the clocks jumped over it)
means the first instant after the jump; one that occurs twice (the clocks went back) means its first
occurrence.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_NO_TIME = timedelta(0)
_SECOND = timedelta(seconds=1)


class Clockface:
    """One zone's wall clock. Remembers what it worked out, because rotas ask for the same times again."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._known: dict[datetime, datetime] = {}

    def instant(self, local: datetime) -> datetime:
        """The UTC instant at which the wall clock shows ``local`` (a naive time)."""
        known = self._known.get(local)
        if known is None:
            known = self._known[local] = self._work_out(local)
        return known

    def midnight(self, day: date) -> datetime:
        """The UTC instant at which a local date begins."""
        return self.instant(datetime.combine(day, time.min))

    def local(self, instant: datetime) -> datetime:
        """What the wall clock shows at an instant, as a naive time."""
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def _work_out(self, local: datetime) -> datetime:
        aware = local.replace(tzinfo=self.zone, fold=0)
        before = aware.utcoffset() or _NO_TIME
        after = aware.replace(fold=1).utcoffset() or _NO_TIME
        naive_utc = local.replace(tzinfo=UTC)
        if after > before:  # only inside a jump does the later reading have the larger offset (PEP 495)
            return self._end_of_jump(naive_utc - after, naive_utc - before, before)
        return naive_utc - before

    def _end_of_jump(self, early: datetime, late: datetime, before: timedelta) -> datetime:
        """The instant in ``(early, late]`` at which the offset stops being ``before``; zones jump on whole seconds."""
        early, late = early.replace(microsecond=0), late.replace(microsecond=0)
        while late - early > _SECOND:
            middle = early + timedelta(seconds=(late - early) // _SECOND // 2)
            if middle.astimezone(self.zone).utcoffset() == before:
                early = middle
            else:
                late = middle
        return late
