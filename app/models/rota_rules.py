"""Who is on call, worked out from a rota: the one pure function behind preview, publication and live duty.

A rota is layers (who is usually on), imported shifts, taken swaps, approved leave, overrides and temporary rotas.
``compile_rota`` turns them into slots, for each role on its own and in this order:

1. at each instant imported shifts with somebody on win; otherwise the highest ``priority`` among the layers with
   somebody on; equal priorities unite;
2. taken swaps; 3. approved leave subtracts; 4. overrides in the order in which they were made, each seeing the
   result so far; 5. a temporary rota replaces all of this for the roles it names.

Leave and removals leave a gap: nothing falls through to a lower layer and no turn moves. Everything is
half-open, ``[start, end)``. Rotas are written in the wall-clock time of their zone; slots are in UTC.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from app.models.civil_time import Clockface
from app.models.spans import Span, Spans, common, minus, tidy

DESK_ROLES = ("primary", "backup", "head_of_shift", "red_team")
HOSPITAL_ROLES = ("leadership", "coordinator")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = timedelta(days=1)
_EVERY_DAY = frozenset(range(7))


class RotaError(ValueError):
    """A rota that contradicts itself; the text says in what, for the person who wrote it."""


class On(StrEnum):
    """On which dates a layer counts; the date is the one on which a window starts."""

    ANY = "any"
    ORDINARY = "ordinary"
    HOLIDAY = "holiday"


class Unit(StrEnum):
    """The unit in which a rotation counts."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


_LENGTH = {Unit.HOUR: timedelta(hours=1), Unit.DAY: _DAY, Unit.WEEK: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns change at ``anchor + k * every * unit`` on the wall clock, for every whole k, also before the anchor."""

    unit: Unit
    every: int
    anchor: datetime  # naive: wall-clock time in the rota's zone

    def __post_init__(self) -> None:
        if self.every < 1:
            raise RotaError("rotation.every must be at least 1")
        if self.anchor.tzinfo is not None:
            raise RotaError("rotation.anchor is wall-clock time in the rota's zone: write it without an offset")

    @property
    def period(self) -> timedelta:
        """How long one turn is on the wall clock."""
        return self.every * _LENGTH[self.unit]


@dataclass(frozen=True, slots=True)
class Window:
    """Hours in which a layer is on: from ``start`` on each of ``days`` (Monday is 0) to ``end``.

    ``plus_days`` says how many days later ``end`` is. Unsaid, it is the same day when ``end`` is after
    ``start`` and the next day otherwise (20:00 to 08:00; 08:00 to 08:00 is 24 hours).
    """

    start: time
    end: time
    days: frozenset[int] = _EVERY_DAY
    plus_days: int | None = None

    def __post_init__(self) -> None:
        if not self.days or not self.days <= _EVERY_DAY:
            raise RotaError("window.days must name at least one weekday")
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise RotaError("window times are wall-clock time in the rota's zone: write them without an offset")
        if self.length_days < 0 or (self.length_days == 0 and self.end <= self.start):
            raise RotaError("window ends before it starts")

    @property
    def length_days(self) -> int:
        """How many days after the day of its start a window ends."""
        if self.plus_days is not None:
            return self.plus_days
        return 0 if self.end > self.start else 1


@dataclass(frozen=True, slots=True)
class Layer:
    """Who is usually on in one role: turns of one or more doctors, taken one after the other.

    Without a rotation the only turn is always on. Without windows a layer is on around the clock. An empty
    turn means nobody: a lower layer shows through.
    """

    role: str
    turns: Sequence[Sequence[UUID]]
    priority: int = 0
    on: On = On.ANY
    rotation: Rotation | None = None
    windows: Sequence[Window] | None = None

    def __post_init__(self) -> None:
        if not self.turns:
            raise RotaError("a layer needs at least one turn")
        if self.rotation is None and len(self.turns) > 1:
            raise RotaError("several turns need a rotation that says when they change")


class Change(StrEnum):
    """What an override does to the people who are on."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Override:
    """A change for a stretch of time. Replacing or removing somebody who is not on does nothing."""

    kind: Change
    role: str
    doctor: UUID
    start: datetime
    end: datetime
    made_at: datetime
    by: UUID | None = None

    def __post_init__(self) -> None:
        _check_span("override", self.start, self.end)
        if (self.by is not None) != (self.kind is Change.REPLACE):
            raise RotaError("override.by names the substitute of a replacement, and only of a replacement")


@dataclass(frozen=True, slots=True)
class Swap:
    """A duty that ``taker`` took over from ``giver``; only swaps that were taken belong here.

    ``returns`` is the duty of the taker that the giver takes in exchange, in the same role.
    """

    role: str
    giver: UUID
    taker: UUID
    start: datetime
    end: datetime
    taken_at: datetime
    returns: Span | None = None

    def __post_init__(self) -> None:
        _check_span("swap", self.start, self.end)
        if self.returns is not None:
            _check_span("swap.return", *self.returns)


@dataclass(frozen=True, slots=True)
class Leave:
    """Approved absence of a doctor, in every role."""

    doctor: UUID
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _check_span("leave", self.start, self.end)


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of duty of a temporary rota, or of a rota that is kept elsewhere and was imported."""

    role: str
    doctor: UUID
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _check_span("shift", self.start, self.end)


@dataclass(frozen=True, slots=True)
class Temporary:
    """A rota for a while: from ``start`` to ``end`` only its shifts count in the roles it names.

    What its shifts leave open is a gap. Where two overlap the one made later counts.
    """

    roles: frozenset[str]
    start: datetime
    end: datetime
    shifts: Sequence[Shift]
    made_at: datetime

    def __post_init__(self) -> None:
        _check_span("temporary rota", self.start, self.end)
        if strangers := {shift.role for shift in self.shifts} - self.roles:
            raise RotaError(f"temporary rota has shifts in roles it does not name: {', '.join(sorted(strangers))}")


class HolidayKind(StrEnum):
    """Off: a day off work. Working: a day that would be off is worked (Vietnam swaps working days)."""

    OFF = "off"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class Holiday:
    """A date that is not what the calendar says; of two for one date the later in the list counts.

    ``as_weekday`` (Monday is 0) makes a worked Saturday follow, say, Monday's windows.
    """

    date: date
    kind: HolidayKind = HolidayKind.OFF
    as_weekday: int | None = None


class Slot(NamedTuple):
    """One doctor on duty in one role, in UTC, half-open; time that touches is one slot."""

    doctor: UUID
    role: str
    start: datetime
    end: datetime


class Gap(NamedTuple):
    """Nobody is on in a role that must have somebody, in UTC, half-open."""

    role: str
    start: datetime
    end: datetime


Roster: TypeAlias = dict[UUID, Spans]
"""Who is on when, in one role."""


def compile_rota(  # noqa: PLR0913  # a rota is these things; bundling them would only move the list
    zone: ZoneInfo,
    layers: Iterable[Layer],
    overrides: Iterable[Override],
    temporaries: Iterable[Temporary],
    holidays: Iterable[Holiday],
    start: datetime,
    end: datetime,
    *,
    swaps: Iterable[Swap] = (),
    leaves: Iterable[Leave] = (),
    imported: Iterable[Shift] = (),
) -> list[Slot]:
    """Everybody's duty between two instants, clipped to them, merged, sorted by start, role and doctor."""
    horizon = [(start.astimezone(UTC), end.astimezone(UTC))]
    calendar = _Calendar(Clockface(zone), {holiday.date: holiday for holiday in holidays}, horizon[0])
    by_role: dict[str, list[Layer]] = defaultdict(list)
    for layer in layers:
        by_role[layer.role].append(layer)
    rosters = {role: _usual(calendar, usual) for role, usual in by_role.items()}
    for role, shifts in _by_role(imported).items():
        rosters[role] = _above(rosters.get(role, {}), shifts)
    for swap in sorted(swaps, key=lambda swap: swap.taken_at):
        _exchange(rosters.get(swap.role, {}), swap)
    for leave in leaves:
        for roster in rosters.values():
            _remove(roster, leave.doctor, (leave.start, leave.end))
    for override in sorted(overrides, key=lambda override: override.made_at):
        _apply(rosters.setdefault(override.role, {}), override)
    for temporary in sorted(temporaries, key=lambda temporary: temporary.made_at):
        for role in temporary.roles:
            rosters[role] = _instead(rosters.get(role, {}), role, temporary)
    slots = [
        Slot(doctor, role, *span)
        for role, roster in rosters.items()
        for doctor, spans in roster.items()
        for span in common(spans, horizon)
    ]
    return sorted(slots, key=lambda slot: (slot.start, slot.role, slot.doctor))


def gaps(slots: Iterable[Slot], required_roles: Iterable[str], start: datetime, end: datetime) -> list[Gap]:
    """When a required role has nobody between two instants, sorted by start and role."""
    horizon = [(start.astimezone(UTC), end.astimezone(UTC))] if start < end else []
    covered: dict[str, list[Span]] = defaultdict(list)
    for slot in slots:
        covered[slot.role].append((slot.start, slot.end))
    found = [Gap(role, *span) for role in dict.fromkeys(required_roles) for span in minus(horizon, tidy(covered[role]))]
    return sorted(found, key=lambda gap: (gap.start, gap.role))


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The wall clock and the dates of one compilation."""

    clock: Clockface
    holidays: dict[date, Holiday]
    horizon: Span
    _dates: dict[On, Spans] = field(default_factory=dict)

    def days(self, earlier: int = 0) -> Iterable[date]:
        """The local dates that touch the horizon, and ``earlier`` ones before them."""
        day = self.clock.local(self.horizon[0]).date() - earlier * _DAY
        last = self.clock.local(self.horizon[1]).date()
        while day <= last:
            yield day
            day += _DAY

    def counts(self, day: date, on: On) -> bool:
        """Whether a layer of this kind is on for windows that start on this date."""
        if on is On.ANY:
            return True
        holiday = self.holidays.get(day)
        off = holiday is not None and holiday.kind is HolidayKind.OFF
        return off is (on is On.HOLIDAY)

    def weekday(self, day: date) -> int:
        """The weekday whose windows a date follows; Monday is 0."""
        holiday = self.holidays.get(day)
        if holiday is not None and holiday.kind is HolidayKind.WORKING and holiday.as_weekday is not None:
            return holiday.as_weekday
        return day.weekday()

    def whole_dates(self, on: On) -> Spans:
        """The dates that count, from midnight to midnight: when a layer without windows is on."""
        if on is On.ANY:
            return [self.horizon]
        if on not in self._dates:
            self._dates[on] = tidy(
                (self.clock.midnight(day), self.clock.midnight(day + _DAY))
                for day in self.days()
                if self.counts(day, on)
            )
        return self._dates[on]


def _usual(calendar: _Calendar, layers: Iterable[Layer]) -> Roster:
    """What the layers of one role say: the highest priority with somebody on, equal priorities united."""
    by_priority: dict[int, list[Layer]] = defaultdict(list)
    for layer in layers:
        by_priority[layer.priority].append(layer)
    everybody: dict[UUID, list[Span]] = defaultdict(list)
    covered: Spans = []
    for priority in sorted(by_priority, reverse=True):
        duty: dict[UUID, list[Span]] = defaultdict(list)
        for layer in by_priority[priority]:
            _add_layer(duty, calendar, layer)
        for doctor, spans in duty.items():
            everybody[doctor] += minus(tidy(spans), covered)
        covered = tidy([*covered, *(span for spans in duty.values() for span in spans)])
    return {doctor: tidy(spans) for doctor, spans in everybody.items()}


def _add_layer(duty: dict[UUID, list[Span]], calendar: _Calendar, layer: Layer) -> None:
    """Who one layer puts on, anywhere near the horizon."""
    rotation = layer.rotation
    spans = calendar.whole_dates(layer.on) if layer.windows is None else _occurrences(calendar, layer)
    if rotation is None:
        for doctor in layer.turns[0]:
            duty[doctor] += spans
        return
    turns = _turns(calendar.clock, rotation, spans)
    starts = [start for _, (start, _) in turns]
    whole = layer.windows is not None and rotation.unit is not Unit.HOUR
    for start, end in spans:
        at = bisect_right(starts, start) - 1
        while at < len(turns):
            number, (turn_start, turn_end) = turns[at]
            if turn_start >= end:
                break
            piece = (start, end) if whole else (max(start, turn_start), min(end, turn_end))
            for doctor in layer.turns[number % len(layer.turns)]:
                duty[doctor].append(piece)
            if whole:
                break
            at += 1


def _occurrences(calendar: _Calendar, layer: Layer) -> list[Span]:
    """Each time a window of a layer is open near the horizon; not joined, as each belongs to the turn at its start."""
    found = []
    for window in layer.windows or ():
        for day in calendar.days(earlier=window.length_days):
            if calendar.weekday(day) in window.days and calendar.counts(day, layer.on):
                opens = calendar.clock.instant(datetime.combine(day, window.start))
                shuts = calendar.clock.instant(datetime.combine(day + window.length_days * _DAY, window.end))
                if opens < shuts:
                    found.append((opens, shuts))
    return found


def _turns(clock: Clockface, rotation: Rotation, spans: Sequence[Span]) -> list[tuple[int, Span]]:
    """The numbered turns that touch any of the spans; turns that daylight saving left no time are consumed."""
    if not spans:
        return []
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    period = rotation.period
    number = (clock.local(first) - rotation.anchor) // period
    local = rotation.anchor + number * period
    while (start := clock.instant(local)) > first:
        number, local = number - 1, local - period
    turns = []
    while start < last:
        local += period
        end = clock.instant(local)
        if first < end and start < end:
            turns.append((number, (start, end)))
        number, start = number + 1, end
    return turns


def _by_role(shifts: Iterable[Shift]) -> dict[str, list[Shift]]:
    found: dict[str, list[Shift]] = defaultdict(list)
    for shift in shifts:
        found[shift.role].append(shift)
    return found


def _above(usual: Roster, shifts: Iterable[Shift]) -> Roster:
    """Explicit shifts of one role, and the usual roster wherever none of them has somebody on."""
    listed: dict[UUID, list[Span]] = defaultdict(list)
    for shift in shifts:
        listed[shift.doctor].append((shift.start, shift.end))
    covered = tidy(span for spans in listed.values() for span in spans)
    for doctor, spans in usual.items():
        listed[doctor] += minus(spans, covered)
    return {doctor: tidy(spans) for doctor, spans in listed.items()}


def _exchange(roster: Roster, swap: Swap) -> None:
    """Hand the giver's duty to the taker and, in an exchange, the taker's to the giver: both as they stood before."""
    given = common(roster.get(swap.giver, []), [(swap.start, swap.end)])
    returned = common(roster.get(swap.taker, []), [swap.returns]) if swap.returns else []
    for doctor, lost, won in ((swap.giver, given, returned), (swap.taker, returned, given)):
        left = minus(roster.get(doctor, []), lost)
        if lost or won:
            roster[doctor] = tidy([*left, *won])


def _apply(roster: Roster, override: Override) -> None:
    span = (override.start, override.end)
    if override.kind is Change.ADD:
        roster[override.doctor] = tidy([*roster.get(override.doctor, []), span])
    elif override.by is None:
        _remove(roster, override.doctor, span)
    else:
        _replace(roster, override.doctor, override.by, span)


def _remove(roster: Roster, doctor: UUID, span: Span) -> None:
    if doctor in roster:
        roster[doctor] = minus(roster[doctor], [span])


def _replace(roster: Roster, doctor: UUID, by: UUID, span: Span) -> None:
    handed_over = common(roster.get(doctor, []), [span])
    if handed_over:
        _remove(roster, doctor, span)
        roster[by] = tidy([*roster.get(by, []), *handed_over])


def _instead(roster: Roster, role: str, temporary: Temporary) -> Roster:
    """The roster with the temporary rota's own shifts, and nobody else's, while it lasts."""
    span = [(temporary.start, temporary.end)]
    replaced: dict[UUID, list[Span]] = defaultdict(list)
    for doctor, spans in roster.items():
        replaced[doctor] += minus(spans, span)
    for shift in temporary.shifts:
        if shift.role == role:
            replaced[shift.doctor] += common([(shift.start, shift.end)], span)
    return {doctor: tidy(spans) for doctor, spans in replaced.items()}


def _check_span(what: str, start: datetime, end: datetime) -> None:
    if start.tzinfo is None or end.tzinfo is None:
        raise RotaError(f"{what}: times need a zone")
    if start >= end:
        raise RotaError(f"{what}: ends before it starts")
