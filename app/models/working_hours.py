"""The clock of routine requests: it runs on working days from 07:00 to 17:00 Vietnam time, when hospitals are staffed.

Source: the default ladder of routine (Xanh) requests counts its minutes in working hours. Weekends and holidays of the
country and of the answering hospital do not count; a day off that is worked instead does (Vietnam swaps working days).
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OPENS, CLOSES = time(7), time(17)
SATURDAY = 5


def after_working_time(start: datetime, amount: timedelta, works: Mapping[str, bool] | None = None) -> datetime:
    """Return when `amount` of working time has passed since `start`, in the zone of `start`.

    `works`: the days that are not what their weekday says, by ISO date, and whether they are worked.
    """
    at = start.astimezone(ZONE)
    while True:
        opens = datetime.combine(at.date(), OPENS, ZONE)
        closes = datetime.combine(at.date(), CLOSES, ZONE)
        at = max(at, opens)
        if _is_worked(at.date(), works or {}) and at < closes:
            if at + amount <= closes:
                return (at + amount).astimezone(start.tzinfo)
            amount -= closes - at
        at = datetime.combine(at.date() + timedelta(days=1), OPENS, ZONE)


def _is_worked(day: date, works: Mapping[str, bool]) -> bool:
    return works.get(day.isoformat(), day.weekday() < SATURDAY)
