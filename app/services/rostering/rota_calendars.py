"""Rotas kept in a calendar (iCalendar, RFC 5545), read into shifts: series expanded, floating times in the rota's zone.

A file that would keep the server busy for long is refused in words: rules by the minute, rules that may never match,
more than 5,000 shifts, and series that began so long ago, or are so many, that counting through them takes seconds.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.models.civil_time import Clockface
from app.models.rota_import import MOST_ROWS, REACH, Entry, Sheet, in_reach, role_named, without_role

ROLE: Final = "X-HOICHAN-ROLE"
DOCTOR: Final = "X-HOICHAN-DOCTOR"
_FREQUENCIES: Final = frozenset({"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_HOURS: Final = {"HOURLY": 1, "DAILY": 24, "WEEKLY": 24 * 7, "MONTHLY": 24 * 28, "YEARLY": 24 * 365}
_LOOKED_AT: Final = {"MONTHLY": 31, "YEARLY": 366}
"""Days of a period that are looked at one by one."""
_MOST_STEPS: Final = 200_000
"""Over all series of a file, from the first day of each: a weekly one takes 52 a year."""
_LONGEST: Final = timedelta(days=400)
_SELDOM: Final = frozenset({"BYMONTHDAY", "BYSETPOS", "BYMONTH"})
_EXOTIC: Final = frozenset({"BYSECOND", "BYYEARDAY", "BYWEEKNO", "BYEASTER"})
_MISSED: Final = {
    "HOURLY": frozenset({"BYDAY", "BYMONTH", "BYMONTHDAY"}),
    "DAILY": frozenset({"BYDAY", "BYMONTH", "BYMONTHDAY"}),
    "WEEKLY": frozenset({"BYMONTH", "BYMONTHDAY"}),
    "MONTHLY": frozenset({"BYMONTH"}),
    "YEARLY": frozenset[str](),
}
"""What every second or seventh of a period may pass by for ever: every seventh day, if it is a Monday."""
_MONTHS: Final = 12
_WEEKS: Final = 4
_DAY: Final = timedelta(days=1)
_UTC: Final = ZoneInfo("UTC")


def looks_like_one(raw: bytes) -> bool:
    """Whether a file is a calendar, whatever it was called when it was sent."""
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].upper() == b"BEGIN:VCALENDAR"


def read_calendar(raw: bytes, clock: Clockface, start: datetime, end: datetime) -> Sheet:
    """Read the events of a calendar; those that repeat within the two instants only."""
    import icalendar  # noqa: PLC0415 (big, and needed by an import alone)

    sheet = Sheet()
    try:
        calendars = icalendar.Calendar.from_ical(raw, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        calendars = []
    if not calendars or not _whole(raw):
        sheet.complain(1, "Tệp không phải iCalendar trọn vẹn.", "The file is not a whole, readable iCalendar.")
        return sheet
    lines, patience = iter(_lines(raw)), _Patience()
    for calendar in calendars:
        _read_one(sheet, calendar, lines, clock, (start, end), patience)
    return sheet


@dataclass(slots=True)
class _Patience:
    """How much counting through series a file is still allowed."""

    left: int = _MOST_STEPS

    def suffices(self, events: Iterable[Any], until: datetime) -> bool:
        """Take off what expanding these takes; False when it is too much."""
        self.left -= sum(_steps(event, until) for event in events if "RRULE" in event)
        return self.left >= 0


def _whole(raw: bytes) -> bool:
    """Whether everything that begins also ends: half a file would look like duty that was taken out."""
    begun: list[bytes] = []
    for line in raw.upper().splitlines():
        word, _, name = line.strip().partition(b":")
        if word == b"BEGIN":
            begun.append(name)
        elif word == b"END" and (not begun or begun.pop() != name):
            return False
    return not begun


def _lines(raw: bytes) -> Iterator[int]:
    """On which line each event begins."""
    for number, line in enumerate(raw.splitlines(), start=1):
        if line.strip().upper() == b"BEGIN:VEVENT":
            yield number


def _read_one(
    sheet: Sheet,
    calendar: Any,
    lines: Iterator[int],
    clock: Clockface,
    horizon: tuple[datetime, datetime],
    patience: "_Patience",
) -> None:
    series: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    called_off = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    for event in calendar.walk("VEVENT"):
        line = next(lines, 1)
        sheet.rows += 1
        if _sound(sheet, line, event) and _zones_known(sheet, line, event):
            series[str(event["UID"])].append((line, event))
    zones = list(calendar.walk("VTIMEZONE"))
    for events in series.values():
        if len(sheet.entries) > MOST_ROWS:
            sheet.complain(events[0][0], f"Nhiều nhất {MOST_ROWS} ca trực.", f"At most {MOST_ROWS} shifts.")
            return
        if not patience.suffices((event for _, event in events), horizon[1]):
            sheet.complain(
                events[0][0],
                "Các chuỗi lặp trong tệp quá dài hoặc quá nhiều. Cho chuỗi bắt đầu ở ngày gần đây hơn, hoặc chia tệp.",
                "The series of this file are too long or too many. Let them begin at a later date, or divide the file.",
            )
            return
        sheet.entries += _entries(sheet, events, zones, clock, horizon, called_off=called_off)


def _sound(sheet: Sheet, line: int, event: Any) -> bool:
    """Whether an event can be read at all."""
    before = len(sheet.complaints)
    for name, _ in event.errors:
        sheet.complain(line, f"Không đọc được {name}.", f"{name} cannot be read.")
    if not event.errors:
        if not str(event.get("UID", "")).strip():
            sheet.complain(line, "Thiếu UID.", "The UID is missing.")
        if not hasattr(event.get("DTSTART"), "dt"):
            sheet.complain(line, "Thiếu DTSTART, hoặc có hai.", "DTSTART is missing, or there twice.")
        _times_sound(sheet, line, event)
        if (rule := event.get("RRULE")) is not None and not _modest(rule):
            sheet.complain(
                line,
                "Quy tắc lặp này không dùng cho lịch trực: lặp theo giờ, ngày, tuần, tháng hoặc năm.",
                "This rule is not for duty: repeat by the hour, day, week, month or year.",
            )
    return len(sheet.complaints) == before


def _times_sound(sheet: Sheet, line: int, event: Any) -> None:
    """The library reads an hour, a length or a period where a date belongs, and the other way round."""
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        said = getattr(event.get(name), "dt", None)
        if said is not None and not isinstance(said, date):
            sheet.complain(line, f"{name} không phải ngày giờ.", f"{name} is no date or time.")
        elif said is not None and said.year not in REACH:
            sheet.complain(line, f"{name} ngoài khoảng dùng được.", f"{name} is out of reach.")
    length = getattr(event.get("DURATION"), "dt", None)
    if length is not None and not (isinstance(length, timedelta) and abs(length) <= _LONGEST):
        sheet.complain(line, "DURATION ngoài khoảng dùng được.", "DURATION is out of reach.")


def _zones_known(sheet: Sheet, line: int, event: Any) -> bool:
    """Whether each time that names a zone has it: one that is unknown would be read as the rota's own."""
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        said = event.get(name)
        zone = getattr(said, "params", {}).get("TZID")
        if zone and isinstance(getattr(said, "dt", None), datetime) and said.dt.tzinfo is None:
            sheet.complain(line, f"Không rõ múi giờ {zone} ở {name}.", f"The zone {zone} in {name} is not known.")
            return False
    return True


def _modest(rule: Any) -> bool:
    """Whether expanding a rule is sure to end soon: one that never matches would be looked for until the year 9999."""
    if not isinstance(rule, Mapping):
        return False
    said = {str(name).upper(): value if isinstance(value, list) else [value] for name, value in rule.items()}
    unit = str(said.get("FREQ", [""])[0]).upper()
    if unit not in _FREQUENCIES or _EXOTIC & said.keys() or len(said.get("BYMINUTE", ())) > 1:
        return False
    if not all(isinstance(end, date) for end in said.get("UNTIL", ())):
        return False
    if any(every < 1 or (every > 1 and _MISSED[unit] & said.keys()) for every in said.get("INTERVAL", ())):
        return False
    if "COUNT" in said and _SELDOM & said.keys():  # it has no end in time
        return False
    return _is_in_a_month(said) and _is_in_a_set(said, unit)


def _is_in_a_month(said: Mapping[str, list[Any]]) -> bool:
    """Whether there are such days at all: no 30 February, no sixth Monday."""
    months = [int(month) for month in said.get("BYMONTH", ())] or [1]
    days = [abs(int(day)) for day in said.get("BYMONTHDAY", ())] or [1]
    longest = max(monthrange(2024, month)[1] if 1 <= month <= _MONTHS else 0 for month in months)
    return min(days) <= longest and all(_number(day) in range(6) for day in said.get("BYDAY", ()))


def _is_in_a_set(said: Mapping[str, list[Any]], unit: str) -> bool:
    """Whether a place (the last working day) is looked for only among as many weekdays as every month has."""
    if "BYSETPOS" not in said:
        return True
    places = all(1 <= abs(int(place)) <= _WEEKS for place in said["BYSETPOS"])
    weekdays = bool(said.get("BYDAY")) and all(_number(day) == 0 for day in said["BYDAY"])
    return unit in ("MONTHLY", "YEARLY") and places and weekdays and "BYMONTHDAY" not in said


def _number(weekday: Any) -> int:
    """The 2 of `-2MO`; 0 for `MO`."""
    return int(str(weekday).lstrip("+-")[:-2] or 0)


def _steps(event: Any, until: datetime) -> int:
    """How many times the expansion of a series looks for the next, from its first day on; more rather than fewer."""
    said = {str(name).upper(): value if isinstance(value, list) else [value] for name, value in event["RRULE"].items()}
    unit = str(said["FREQ"][0]).upper()
    start = event["DTSTART"].dt
    last = min([until.date(), *(_day(end) for end in said.get("UNTIL", ()))])
    hours = max(0, (last - _day(start)).days + 2) * 24
    periods = hours // (_HOURS[unit] * int(said.get("INTERVAL", [1])[0])) + 1
    within = 1 if unit == "HOURLY" else max(1, len(said.get("BYHOUR", ())))
    return periods * max(_LOOKED_AT.get(unit, 1), within * max(1, len(said.get("BYDAY", ()))))


def _day(said: date) -> date:
    return date(said.year, said.month, said.day)


def _entries(
    sheet: Sheet,
    events: list[tuple[int, Any]],
    zones: Iterable[Any],
    clock: Clockface,
    horizon: tuple[datetime, datetime],
    *,
    called_off: bool,
) -> Iterator[Entry]:
    """The shifts of one UID."""
    line, first = events[0]
    if all("RRULE" not in event and "RDATE" not in event and "RECURRENCE-ID" not in event for _, event in events):
        line, newest = max(events, key=lambda it: _sequence(it[1]))  # the same event twice: the newer one
        yield from _shift(sheet, line, newest, clock, "", called_off=called_off)
        return
    master = next((event for _, event in events if "RECURRENCE-ID" not in event), None)
    if master is not None and (called_off or _cancelled(master)):
        start = _instant(master["DTSTART"].dt, clock)
        uid = str(first["UID"])
        yield Entry(line, "", (), start, start, uid, "", _sequence(master), cancelled=True, series=True)
        return
    lines = {_recurrence(event, clock): number for number, event in events if "RECURRENCE-ID" in event}
    for occurrence in _expanded(sheet, line, [event for _, event in events], zones, horizon):
        place = _recurrence(occurrence, clock)
        for entry in _shift(sheet, lines.get(place, line), occurrence, clock, place, called_off=called_off):
            if entry.end > horizon[0] and entry.start < horizon[1]:
                yield entry


def _expanded(
    sheet: Sheet, line: int, events: list[Any], zones: Iterable[Any], horizon: tuple[datetime, datetime]
) -> list[Any]:
    import icalendar  # noqa: PLC0415
    import recurring_ical_events  # type: ignore[import-untyped]  # noqa: PLC0415

    for event in events:
        if "RRULE" in event:
            _end(event, horizon[1])
    part = icalendar.Calendar()
    part.subcomponents = [*zones, *events]
    try:
        # Floating times are compared as they stand, so a day more on both sides; the shifts are cut afterwards.
        return list(recurring_ical_events.of(part).between(horizon[0] - 32 * _DAY, horizon[1] + _DAY))
    except Exception:  # noqa: BLE001 (whatever a stranger's file makes the library do, it is the file that is wrong)
        sheet.complain(line, "Không mở được chuỗi lặp này.", "This series cannot be expanded.")
        return []


def _end(event: Any, until: datetime) -> None:
    """Let a rule that does not say how often end with the horizon: one that never matches is looked for to its end."""
    rule = event["RRULE"]
    start = event["DTSTART"].dt
    last = until + 2 * _DAY
    if "COUNT" in rule or any(_day(end) <= last.date() for end in rule.get("UNTIL", ())):
        return
    if not isinstance(start, datetime):
        rule["UNTIL"] = [last.date()]
    else:
        rule["UNTIL"] = [last if start.tzinfo is not None else last.replace(tzinfo=None)]


def _shift(sheet: Sheet, line: int, event: Any, clock: Clockface, place: str, *, called_off: bool) -> Iterator[Entry]:
    start, end = _span(event, clock)
    if (end is None or end <= start) and (called_off or _cancelled(event)):
        end = start + _DAY  # what is called off needs no end
    if end is None or end <= start or in_reach(end) is None:
        sheet.complain(line, "Thiếu giờ kết thúc sau giờ bắt đầu.", "An end after the start is needed.")
        return
    role, summary = _role(event)
    if role is None:
        sheet.complain(line, f"Không rõ vai trò trong {ROLE}.", f"The role in {ROLE} is not known.")
        return
    yield Entry(
        line,
        role,
        _who(event, summary),
        start,
        end,
        str(event["UID"]).strip(),
        place,
        _sequence(event),
        cancelled=called_off or _cancelled(event),
    )


def _span(event: Any, clock: Clockface) -> tuple[datetime, datetime | None]:
    start = event["DTSTART"].dt
    if hasattr(event.get("DTEND"), "dt"):
        end = event["DTEND"].dt
    elif hasattr(event.get("DURATION"), "dt"):
        end = start + event["DURATION"].dt
    elif not isinstance(start, datetime):
        end = start + _DAY
    else:
        return _instant(start, clock), None
    return _instant(start, clock), _instant(end, clock)


def _instant(said: Any, clock: Clockface) -> datetime:
    """A time with its zone as it is; a floating one, and the midnight of a date, in the rota's zone."""
    if not isinstance(said, datetime):
        return clock.midnight(said)
    return said.astimezone(UTC) if said.tzinfo is not None else clock.instant(said)


def _recurrence(event: Any, clock: Clockface) -> str:
    found = event.get("RECURRENCE-ID")
    return _instant(found.dt, clock).strftime("%Y%m%dT%H%M%SZ") if hasattr(found, "dt") else ""


def _sequence(event: Any) -> int:
    try:
        return max(0, min(int(event.get("SEQUENCE", 0)), 2**31 - 1))
    except (TypeError, ValueError):
        return 0


def _cancelled(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _role(event: Any) -> tuple[str | None, str]:
    """The role (said outright, in a category, before the heading, or first on call), and the heading without it."""
    heading = str(event.get("SUMMARY", ""))
    role, rest = next(((role, rest) for role, rest in without_role(heading) if role), (None, heading))
    if ROLE in event:
        return role_named(str(event[ROLE])), rest
    categories = event.get("CATEGORIES") or []
    for category in categories if isinstance(categories, list) else [categories]:
        for name in getattr(category, "cats", ()):
            if found := role_named(str(name)):
                return found, rest
    return role or "primary", rest


def _who(event: Any, summary: str) -> tuple[tuple[str, ...], ...]:
    """What may name the doctor, the surest first; several attendees are looked at together.

    Where somebody is named on purpose, nobody else is meant: who wrote the calendar is not on duty for a stranger.
    """
    for named in ((str(event[DOCTOR]),) if DOCTOR in event else (), _mails(event, "ATTENDEE")):
        if named:
            return (named,)
    guessed = (_mails(event, "ORGANIZER"), (summary.strip(),) if summary.strip() else ())
    return tuple(names for names in guessed if names)


def _mails(event: Any, name: str) -> tuple[str, ...]:
    found = event.get(name) or []
    mails = (str(mail) for mail in (found if isinstance(found, list) else [found]))
    return tuple(mail[len("mailto:") :] if mail.lower().startswith("mailto:") else mail for mail in mails)
