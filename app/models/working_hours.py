"""The clock of routine requests: it runs on working days from 07:00 to 17:00 Vietnam time, when hospitals are staffed.

Source: the default ladder of routine (Xanh) requests counts its minutes in working hours; public holidays are added by
the rota, not here, because a routine request that waits one holiday longer harms nobody and is still rung.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OPENS, CLOSES = time(7), time(17)
SATURDAY = 5


def after_working_time(start: datetime, amount: timedelta) -> datetime:
    """Return when `amount` of working time has passed since `start`, in the zone of `start`."""
    at = start.astimezone(ZONE)
    while True:
        opens = datetime.combine(at.date(), OPENS, ZONE)
        closes = datetime.combine(at.date(), CLOSES, ZONE)
        at = max(at, opens)
        if at.weekday() < SATURDAY and at < closes:
            if at + amount <= closes:
                return (at + amount).astimezone(start.tzinfo)
            amount -= closes - at
        at = datetime.combine(at.date() + timedelta(days=1), OPENS, ZONE)
