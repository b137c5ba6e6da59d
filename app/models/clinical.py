"""Plain clinical arithmetic: which values can be, how old is too old, how old is the patient. No database, no clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

# Vietnam has kept +07:00 without summer time since 1975; birthdays and "today" are those of the ward.
WARD_ZONE: Final = timezone(timedelta(hours=7))


class Doubt(NamedTuple):
    """Something accepted that a person should look at again; `code` is put into words where it is shown."""

    field: str
    code: str
    ctx: Mapping[str, Any] = MappingProxyType({})

    def under(self, prefix: str) -> "Doubt":
        """The same doubt about a field of something larger: `vitals.0` + `pulse`."""
        return Doubt(f"{prefix}.{self.field}", self.code, self.ctx)


# --- Vital signs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Range:
    """What a vital sign can be.

    Outside `low`..`high` it is refused as a slip of the pen or of the unit; outside `usual_low`..`usual_high` it is
    accepted and doubted. The ranges span newborns to the aged. `zero` allows exactly 0 besides, which a doctor writes
    in cardiac arrest; it is doubted, because it must not stand for "not measured".
    """

    low: float
    high: float
    usual_low: float
    usual_high: float
    example: float
    unit: str
    decimals: int = 0
    zero: bool = False

    def possible(self, value: float) -> bool:
        """Whether a living (or just arrested) patient can have this value."""
        return self.low <= value <= self.high or (self.zero and value == 0)


# Working limits for a person's slip, not reference values of health; the clinical safety officer may move them.
VITALS: Final[Mapping[str, Range]] = MappingProxyType(
    {
        "pulse": Range(20, 300, 30, 220, 94, "/min", zero=True),
        # 25 mmHg and less is a pressure in cmHg ("12/8"), as some wards still write it.
        "systolic": Range(26, 300, 50, 250, 118, "mmHg", zero=True),
        "diastolic": Range(10, 200, 20, 150, 76, "mmHg", zero=True),
        "respiration": Range(2, 120, 6, 80, 18, "/min", zero=True),
        # Lowest body temperature survived in accidental hypothermia: 13.7 °C (Gilbert, Lancet 2000).
        "temperature": Range(13.0, 43.0, 33.0, 41.5, 36.6, "°C", decimals=1),
        "spo2": Range(0, 100, 50, 100, 97, "%"),
        "oxygen_l_min": Range(0, 100, 0, 70, 3, "l/min", decimals=1),
    }
)
WEIGHT: Final = Range(0.2, 500, 0.4, 200, 52, "kg", decimals=2)

# A thermometer in Fahrenheit shows 43.1 to 115 for anyone warm enough to be asked about.
FAHRENHEIT_ABOVE: Final = 43.0
FAHRENHEIT_TO: Final = 115.0
CENTIMETRES_OF_MERCURY: Final = range(4, 26)
GRAMS: Final = (500.0, 10_000.0)


def celsius(fahrenheit: float) -> float:
    """Convert °F to °C, to a tenth."""
    return round((fahrenheit - 32) / 1.8, 1)


def doubtful(values: Mapping[str, Any]) -> Iterator[Doubt]:
    """Name what is possible but unlikely in one set of vital signs; keys as in `VITALS`, None is not measured."""
    for name, limits in VITALS.items():
        value = values.get(name)
        if value is None:
            continue
        if value == 0 and limits.zero:
            yield Doubt(name, "zero")
        elif not limits.usual_low <= value <= limits.usual_high:
            yield Doubt(name, "unusual", {"low": limits.usual_low, "high": limits.usual_high})
    if values.get("on_oxygen") and values.get("oxygen_l_min") == 0:
        yield Doubt("oxygen_l_min", "oxygen_without_flow")


# --- Time ----------------------------------------------------------------------------------------------------------

MAY_BE_AHEAD: Final = timedelta(seconds=60)
LATELY: Final = timedelta(days=7)
TAKEN_WITHIN: Final = timedelta(days=90)


def written_at(device_time: datetime | None, now: datetime) -> tuple[datetime | None, Doubt | None]:
    """Return what can be believed of the time at which a device says something was written, and the doubt about it.

    A wrong clock blocks nothing: a time over 60 s ahead, or over 7 days back, is left out and the doubt says so; up
    to 60 s ahead is taken as now.
    """
    if device_time is None:
        return None, None
    if device_time > now + MAY_BE_AHEAD:
        return None, Doubt("written_at", "device_clock_ahead")
    if now - device_time > LATELY:
        return None, Doubt("written_at", "device_clock_behind")
    return min(device_time, now), None


def ward_day(now: datetime) -> date:
    """The calendar day on the wards at an instant."""
    return now.astimezone(WARD_ZONE).date()


# --- Age -----------------------------------------------------------------------------------------------------------

OLDEST_YEARS: Final = 130
CHILD_BELOW_YEARS: Final = 16


class Age(NamedTuple):
    """A completed age: years, the completed months since the last birthday, the days since then."""

    years: int
    months: int
    days: int

    @property
    def in_months(self) -> int:
        """The whole age in completed months."""
        return self.years * 12 + self.months


def age_on(birth_date: date, day: date) -> Age:
    """Work out a completed age. Someone born on 29 February has their birthday on 1 March in common years.

    Raises ValueError when the birth date lies after the day.
    """
    if birth_date > day:
        raise ValueError("born after the day asked about")
    months = (day.year - birth_date.year) * 12 + day.month - birth_date.month
    if day.day < birth_date.day:
        months -= 1
    return Age(months // 12, months % 12, (day - _monthly(birth_date, months)).days)


def _monthly(start: date, months: int) -> date:
    """The day a number of months after a start; the 1st of the next month where that month is too short."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    try:
        return date(year, month + 1, start.day)
    except ValueError:
        following, first = divmod(year * 12 + month + 1, 12)
        return date(following, first + 1, 1)


def age_years(*, birth_date: date | None, years: int | None, months: int | None = None, on: date) -> int | None:
    """The age in completed years by the best that is known: birth date, then years, then months; None when unknown."""
    if birth_date is not None and birth_date <= on:
        return age_on(birth_date, on).years
    if years is not None:
        return years
    return None if months is None else months // 12


AgeField = Literal["birth_date", "age_years", "age_months"]


def ages_disagree(
    *, birth_date: date | None, years: int | None, months: int | None, on: date
) -> tuple[AgeField, Mapping[str, int]] | None:
    """Name the field that contradicts another, with what the other says; None when they agree or only one is given.

    Years may differ from the birth date by one (counted by calendar year, as is common, or a birthday in between),
    months by two. Months are the whole age, so that 1 year 3 months is 15.
    """
    if birth_date is not None and birth_date <= on:
        age = age_on(birth_date, on)
        if years is not None and abs(age.years - years) > 1:
            return "age_years", {"years": age.years}
        if months is not None and abs(age.in_months - months) > 2:
            return "age_months", {"months": age.in_months}
    if years is not None and months is not None and months // 12 != years:
        return "age_months", {"years": years, "first": years * 12, "last": years * 12 + 11}
    return None


# --- Temporary labels ----------------------------------------------------------------------------------------------

# No letter that is taken for a digit or another letter, at a glance or over the telephone, and no vowel, so that no
# label spells a word.
_LETTERS: Final = "CDFGHJKMNPRTVWX34679"
_LABELS: Final = len(_LETTERS) ** 4
# Odd and no multiple of 5, so that every number has its own label. Of all strides tried this one keeps neighbours
# furthest apart: two labels out of 11 in a row differ in all four places, two out of 101 in at least three.
_STRIDE: Final = 57_417
_OFFSET: Final = 77_777


def temporary_label(number: int) -> str:
    """Name a patient whom nobody could name yet, from the number of the case: "TẠM-7K4M".

    One number, one label. The next numbers look unlike it, so that two red alerts of one night are not mixed up.
    Numbers past 160,000 get a fifth and further letter. Raises ValueError below 0.
    """
    if number < 0:
        raise ValueError("cases are numbered from 0")
    high, low = divmod(number, _LABELS)
    letters = _letters((low * _STRIDE + _OFFSET) % _LABELS, 4)
    return f"TẠM-{_letters(high, 1) if high else ''}{letters}"


def _letters(value: int, least: int) -> str:
    letters = ""
    while value or len(letters) < least:
        value, place = divmod(value, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return letters
