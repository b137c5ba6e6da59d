"""Who is on call, as a rota says it: daylight saving, overnight windows, priorities, overrides, gaps."""

import time as stopwatch
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.civil_time import Clockface
from app.models.rota_rules import (
    Change,
    Gap,
    Holiday,
    HolidayKind,
    Layer,
    Leave,
    On,
    Override,
    RotaError,
    Rotation,
    Shift,
    Slot,
    Swap,
    Temporary,
    Unit,
    Window,
    compile_rota,
    gaps,
)
from app.models.spans import Spans

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NEW_YORK = ZoneInfo("America/New_York")  # 2026: clocks jump 8 March 02:00, go back 1 November 02:00
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # half an hour: back 5 April 2026 02:00, forward 4 October 2026 02:00

AN, BINH, CHI, DUNG = (UUID(int=number) for number in range(1, 5))
MON_TO_FRI = frozenset(range(5))
MADE = datetime(2026, 1, 1, tzinfo=UTC)

Rota: TypeAlias = dict[str, Any]


def at(text: str, zone: ZoneInfo = HANOI, fold: int = 0) -> datetime:
    """A wall-clock time, as the instant it means."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def layer(*turns: Sequence[UUID] | UUID, **rest: Any) -> Layer:
    """A layer of the first doctor on call, unless said otherwise."""
    listed = [[turn] if isinstance(turn, UUID) else turn for turn in turns]
    return Layer(**{"role": "primary", "turns": listed, **rest})


def every(number: int, unit: str, anchor: str) -> Rotation:
    return Rotation(Unit(unit), number, datetime.fromisoformat(anchor))


def hours(start: str, end: str, days: frozenset[int] = frozenset(range(7)), plus_days: int | None = None) -> Window:
    return Window(time.fromisoformat(start), time.fromisoformat(end), days, plus_days)


def override(kind: str, doctor: UUID, start: str, end: str, by: UUID | None = None, made: int = 0) -> Override:
    return Override(Change(kind), "primary", doctor, at(start), at(end), MADE + timedelta(minutes=made), by)


def compiled(  # noqa: PLR0913, PLR0917  # as many as a rota has parts
    layers: Sequence[Layer],
    start: str,
    end: str,
    zone: ZoneInfo = HANOI,
    overrides: Sequence[Override] = (),
    temporaries: Sequence[Temporary] = (),
    holidays: Sequence[Holiday] = (),
    swaps: Sequence[Swap] = (),
    leaves: Sequence[Leave] = (),
    imported: Sequence[Shift] = (),
) -> list[Slot]:
    horizon = at(start, zone), at(end, zone)
    beside = {"swaps": swaps, "leaves": leaves, "imported": imported}
    return compile_rota(zone, layers, overrides, temporaries, holidays, *horizon, **beside)


def told(slots: Sequence[Slot], zone: ZoneInfo = HANOI) -> list[tuple[UUID, str, str]]:
    """Slots as people would read them: doctor, first and last wall-clock time."""

    def clock(instant: datetime) -> str:
        return instant.astimezone(zone).strftime("%d/%m %H:%M")

    return [(slot.doctor, clock(slot.start), clock(slot.end)) for slot in slots]


def lengths(slots: Sequence[Slot]) -> list[float]:
    return [(slot.end - slot.start) / timedelta(hours=1) for slot in slots]


# Rotations and daylight saving


def test_a_hand_over_at_a_time_that_does_not_exist_happens_when_the_clocks_have_jumped() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-03-06T02:30"))]
    slots = compiled(rota, "2026-03-07T02:30", "2026-03-10T02:30", NEW_YORK)
    assert told(slots, NEW_YORK) == [
        (BINH, "07/03 02:30", "08/03 03:00"),
        (AN, "08/03 03:00", "09/03 02:30"),
        (BINH, "09/03 02:30", "10/03 02:30"),
    ]
    assert lengths(slots) == [23.5, 23.5, 24]


def test_a_hand_over_in_the_repeated_hour_happens_at_its_first_occurrence_and_leaves_no_gap() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-10-30T01:30"))]
    slots = compiled(rota, "2026-10-31T01:30", "2026-11-02T01:30", NEW_YORK)
    assert [slot.doctor for slot in slots] == [BINH, AN]
    assert slots[0].end == slots[1].start == at("2026-11-01T01:30", NEW_YORK, fold=0)
    assert lengths(slots) == [24, 25]
    assert gaps(slots, ["primary"], slots[0].start, slots[-1].end) == []


def test_hourly_turns_lose_one_when_clocks_jump_and_have_one_of_two_hours_when_they_go_back() -> None:
    rota = [layer(AN, BINH, CHI, rotation=every(1, "hour", "2026-03-08T00:00"))]
    spring = compiled(rota, "2026-03-08T00:00", "2026-03-08T05:00", NEW_YORK)
    assert told(spring, NEW_YORK) == [
        (AN, "08/03 00:00", "08/03 01:00"),
        (BINH, "08/03 01:00", "08/03 03:00"),
        (AN, "08/03 03:00", "08/03 04:00"),  # the turn of 02:00 to 03:00 was CHI's: consumed
        (BINH, "08/03 04:00", "08/03 05:00"),
    ]
    assert lengths(spring) == [1, 1, 1, 1]
    autumn = compiled(
        [layer(AN, BINH, CHI, rotation=every(1, "hour", "2026-11-01T00:00"))],
        "2026-11-01T00:00",
        "2026-11-01T03:00",
        NEW_YORK,
    )
    assert [slot.doctor for slot in autumn] == [AN, BINH, CHI]
    assert lengths(autumn) == [1, 2, 1]


def test_three_hourly_turns_last_two_and_four_hours_across_the_changes() -> None:
    rota = [layer(AN, BINH, rotation=every(3, "hour", "2026-03-08T00:00"))]
    spring = compiled(rota, "2026-03-08T00:00", "2026-03-08T09:00", NEW_YORK)
    autumn = compiled(rota, "2026-11-01T00:00", "2026-11-01T09:00", NEW_YORK)
    assert lengths(spring) == [2, 3, 3]
    assert lengths(autumn) == [4, 3, 3]


def test_half_hour_daylight_saving_makes_shifts_half_an_hour_shorter_and_longer() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-04-01T02:15"))]
    back = compiled(rota, "2026-04-03T02:15", "2026-04-06T02:15", LORD_HOWE)
    assert lengths(back) == [24, 24.5, 24]
    hourly = [layer(AN, BINH, CHI, rotation=every(1, "hour", "2026-04-05T00:00"))]
    assert lengths(compiled(hourly, "2026-04-05T00:00", "2026-04-05T03:00", LORD_HOWE)) == [1, 1.5, 1]
    forward = compiled(rota, "2026-10-03T02:15", "2026-10-05T02:15", LORD_HOWE)
    assert told(forward, LORD_HOWE)[0][1:] == ("03/10 02:15", "04/10 02:30")
    assert lengths(forward) == [23.75, 23.75]


def test_a_daily_turn_at_eight_lasts_23_and_25_hours_across_the_changes() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-01-01T08:00"))]
    assert lengths(compiled(rota, "2026-03-06T08:00", "2026-03-09T08:00", NEW_YORK)) == [24, 23, 24]
    assert lengths(compiled(rota, "2026-10-30T08:00", "2026-11-02T08:00", NEW_YORK)) == [24, 25, 24]


def test_a_weekly_turn_that_changes_in_the_repeated_hour_changes_at_its_first_occurrence() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "week", "2026-10-25T01:30"))]
    slots = compiled(rota, "2026-10-25T01:30", "2026-11-08T01:30", NEW_YORK)
    assert [slot.doctor for slot in slots] == [AN, BINH]
    assert slots[1].start == at("2026-11-01T01:30", NEW_YORK, fold=0)
    assert lengths(slots) == [7 * 24, 7 * 24 + 1]


def test_turns_are_counted_backwards_before_the_anchor_too() -> None:
    rota = [layer(AN, BINH, CHI, rotation=every(2, "day", "2026-06-10T08:00"))]
    assert [slot.doctor for slot in compiled(rota, "2026-06-04T08:00", "2026-06-12T08:00")] == [AN, BINH, CHI, AN]


def test_a_date_that_a_zone_skipped_consumes_its_turn() -> None:
    apia = ZoneInfo("Pacific/Apia")  # 30 December 2011 did not happen
    rota = [layer(AN, BINH, CHI, rotation=every(1, "day", "2011-12-28T08:00"))]
    slots = compiled(rota, "2011-12-28T08:00", "2012-01-01T08:00", apia)
    assert told(slots, apia) == [
        (AN, "28/12 08:00", "29/12 08:00"),
        (BINH, "29/12 08:00", "31/12 00:00"),
        (CHI, "31/12 00:00", "31/12 08:00"),
        (AN, "31/12 08:00", "01/01 08:00"),
    ]


def test_vietnam_has_no_daylight_saving_and_a_month_of_daily_turns_is_even() -> None:
    rota = [layer(AN, BINH, CHI, rotation=every(1, "day", "2024-01-01T08:00"))]
    slots = compiled(rota, "2026-02-01T08:00", "2026-03-03T08:00")
    assert set(lengths(slots)) == {24}
    assert len(slots) == 30


# Windows


def test_overnight_windows_on_working_days_end_on_saturday_morning_and_begin_on_monday_night() -> None:
    rota = [layer(AN, windows=[hours("20:00", "08:00", MON_TO_FRI)])]
    slots = compiled(rota, "2026-11-20T12:00", "2026-11-24T12:00")  # 20 November 2026 is a Friday
    assert told(slots) == [(AN, "20/11 20:00", "21/11 08:00"), (AN, "23/11 20:00", "24/11 08:00")]

    def on(moment: str) -> bool:
        return any(slot.start <= at(moment) < slot.end for slot in slots)

    assert on("2026-11-21T07:00")
    assert not on("2026-11-21T08:00")
    assert not on("2026-11-23T07:00")


def test_a_window_that_began_before_the_horizon_is_still_on() -> None:
    rota = [layer(AN, windows=[hours("20:00", "08:00", frozenset({4}), plus_days=3)])]
    slots = compiled(rota, "2026-11-22T00:00", "2026-11-27T00:00")
    assert told(slots) == [(AN, "22/11 00:00", "23/11 08:00")]


def test_a_window_of_several_days_lasts_the_whole_weekend() -> None:
    rota = [layer(AN, windows=[hours("17:00", "07:30", frozenset({4}), plus_days=3)])]
    assert told(compiled(rota, "2026-11-19T00:00", "2026-11-26T00:00")) == [(AN, "20/11 17:00", "23/11 07:30")]


def test_a_night_belongs_wholly_to_the_turn_at_its_start_in_a_daily_rotation() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-11-16T00:00"), windows=[hours("20:00", "08:00")])]
    assert told(compiled(rota, "2026-11-16T12:00", "2026-11-18T12:00")) == [
        (AN, "16/11 20:00", "17/11 08:00"),
        (BINH, "17/11 20:00", "18/11 08:00"),
    ]


def test_turns_advance_with_the_calendar_also_on_days_without_a_window() -> None:
    rota = [
        layer(AN, BINH, rotation=every(1, "day", "2026-11-16T00:00"), windows=[hours("08:00", "16:00", MON_TO_FRI)])
    ]
    slots = compiled(rota, "2026-11-16T00:00", "2026-11-24T00:00")
    assert [slot.doctor for slot in slots] == [AN, BINH, AN, BINH, AN, BINH]  # Saturday and Sunday used up two turns


def test_hourly_turns_are_cut_inside_a_window() -> None:
    rota = [layer(AN, BINH, rotation=every(6, "hour", "2026-11-16T00:00"), windows=[hours("20:00", "08:00")])]
    assert told(compiled(rota, "2026-11-16T12:00", "2026-11-17T12:00")) == [
        (BINH, "16/11 20:00", "17/11 00:00"),
        (AN, "17/11 00:00", "17/11 06:00"),
        (BINH, "17/11 06:00", "17/11 08:00"),
    ]


def test_a_window_of_24_hours_ends_where_the_next_begins_also_across_daylight_saving() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-01-01T02:30"), windows=[hours("02:30", "02:30")])]
    for month in ("2026-03", "2026-11"):
        slots = compiled(rota, f"{month}-01T00:00", f"{month}-15T00:00", NEW_YORK)
        assert gaps(slots, ["primary"], at(f"{month}-01T00:00", NEW_YORK), at(f"{month}-15T00:00", NEW_YORK)) == []


# Priorities, holidays


def test_the_highest_priority_with_somebody_on_wins_and_equal_priorities_unite() -> None:
    rota = [
        layer(AN, priority=1),
        layer(BINH, priority=2, windows=[hours("08:00", "16:00")]),
        layer(CHI, priority=2, windows=[hours("12:00", "20:00")]),
    ]
    assert told(compiled(rota, "2026-11-16T00:00", "2026-11-17T00:00")) == [
        (AN, "16/11 00:00", "16/11 08:00"),
        (BINH, "16/11 08:00", "16/11 16:00"),
        (CHI, "16/11 12:00", "16/11 20:00"),
        (AN, "16/11 20:00", "17/11 00:00"),
    ]


def test_an_empty_turn_lets_the_lower_layer_through() -> None:
    rota = [layer(AN), layer(BINH, [], priority=1, rotation=every(1, "day", "2026-11-16T00:00"))]
    assert told(compiled(rota, "2026-11-16T00:00", "2026-11-18T00:00")) == [
        (BINH, "16/11 00:00", "17/11 00:00"),
        (AN, "17/11 00:00", "18/11 00:00"),
    ]


def test_the_holiday_layer_counts_from_the_date_on_which_its_window_starts() -> None:
    rota = [
        layer(AN, on=On.ORDINARY, windows=[hours("20:00", "08:00")]),
        layer(BINH, on=On.HOLIDAY, windows=[hours("20:00", "08:00")]),
    ]
    tet = [Holiday(date(2027, 2, 6))]
    assert told(compiled(rota, "2027-02-05T12:00", "2027-02-08T12:00", holidays=tet)) == [
        (AN, "05/02 20:00", "06/02 08:00"),
        (BINH, "06/02 20:00", "07/02 08:00"),
        (AN, "07/02 20:00", "08/02 08:00"),
    ]


def test_a_layer_without_windows_is_on_for_the_whole_of_each_date_that_counts() -> None:
    rota = [layer(AN, on=On.ORDINARY), layer(BINH, on=On.HOLIDAY)]
    holidays = [Holiday(date(2026, 9, 2))]
    assert told(compiled(rota, "2026-09-01T00:00", "2026-09-04T00:00", holidays=holidays)) == [
        (AN, "01/09 00:00", "02/09 00:00"),
        (BINH, "02/09 00:00", "03/09 00:00"),
        (AN, "03/09 00:00", "04/09 00:00"),
    ]


def test_a_saturday_worked_as_monday_follows_mondays_windows() -> None:
    rota = [layer(AN, windows=[hours("08:00", "16:00", frozenset({0}))])]
    worked = [Holiday(date(2026, 11, 21), HolidayKind.WORKING, as_weekday=0)]
    assert told(compiled(rota, "2026-11-20T00:00", "2026-11-23T00:00", holidays=worked)) == [
        (AN, "21/11 08:00", "21/11 16:00")
    ]


# What is laid on top


def test_a_replacement_inside_a_shift_gives_three_slots() -> None:
    slots = compiled(
        [layer(AN)],
        "2026-11-16T08:00",
        "2026-11-17T08:00",
        overrides=[override("replace", AN, "2026-11-16T12:00", "2026-11-16T14:00", by=BINH)],
    )
    assert told(slots) == [
        (AN, "16/11 08:00", "16/11 12:00"),
        (BINH, "16/11 12:00", "16/11 14:00"),
        (AN, "16/11 14:00", "17/11 08:00"),
    ]


@pytest.mark.parametrize("kind", ["replace", "remove"])
def test_changing_somebody_who_is_not_on_does_nothing(kind: str) -> None:
    by = CHI if kind == "replace" else None
    change = override(kind, BINH, "2026-11-16T12:00", "2026-11-16T14:00", by=by)
    slots = compiled([layer(AN)], "2026-11-16T08:00", "2026-11-17T08:00", overrides=[change])
    assert told(slots) == [(AN, "16/11 08:00", "17/11 08:00")]


def test_a_removal_leaves_a_gap_and_nothing_falls_through_to_a_lower_layer() -> None:
    slots = compiled(
        [layer(AN, priority=1), layer(BINH)],
        "2026-11-16T08:00",
        "2026-11-17T08:00",
        overrides=[override("remove", AN, "2026-11-16T12:00", "2026-11-16T14:00")],
    )
    assert [slot.doctor for slot in slots] == [AN, AN]
    assert gaps(slots, ["primary", "backup"], at("2026-11-16T08:00"), at("2026-11-17T08:00")) == [
        Gap("backup", at("2026-11-16T08:00"), at("2026-11-17T08:00")),
        Gap("primary", at("2026-11-16T12:00"), at("2026-11-16T14:00")),
    ]


def test_overrides_are_applied_in_the_order_in_which_they_were_made() -> None:
    night = "2026-11-16T20:00", "2026-11-17T08:00"
    handed_on = [
        override("replace", BINH, *night, by=CHI, made=2),
        override("replace", AN, *night, by=BINH, made=1),
        override("add", DUNG, "2026-11-17T00:00", "2026-11-17T02:00", made=3),
    ]
    assert told(compiled([layer(AN)], *night, overrides=handed_on)) == [
        (CHI, "16/11 20:00", "17/11 08:00"),
        (DUNG, "17/11 00:00", "17/11 02:00"),
    ]
    too_early = [
        override("replace", BINH, *night, by=CHI, made=1),
        override("replace", AN, *night, by=BINH, made=2),
    ]
    assert told(compiled([layer(AN)], *night, overrides=too_early)) == [(BINH, "16/11 20:00", "17/11 08:00")]


def test_a_swap_covers_part_of_a_shift_and_only_where_the_giver_is_on() -> None:
    swap = Swap("primary", AN, BINH, at("2026-11-16T04:00"), at("2026-11-16T12:00"), MADE)
    slots = compiled([layer(AN)], "2026-11-16T08:00", "2026-11-17T08:00", swaps=[swap])
    assert told(slots) == [(BINH, "16/11 08:00", "16/11 12:00"), (AN, "16/11 12:00", "17/11 08:00")]
    nobody = Swap("backup", AN, BINH, swap.start, swap.end, MADE)
    assert told(compiled([layer(AN)], "2026-11-16T08:00", "2026-11-17T08:00", swaps=[nobody])) == [
        (AN, "16/11 08:00", "17/11 08:00")
    ]


def test_leave_takes_a_doctor_off_in_every_role_after_swaps_and_before_overrides() -> None:
    span = at("2026-11-16T12:00"), at("2026-11-16T16:00")
    slots = compiled(
        [layer(AN), layer(BINH, role="backup")],
        "2026-11-16T12:00",
        "2026-11-16T16:00",
        swaps=[Swap("backup", BINH, AN, *span, MADE)],
        leaves=[Leave(AN, *span)],
        overrides=[override("add", AN, "2026-11-16T15:00", "2026-11-16T16:00")],
    )
    assert [(slot.role, slot.doctor) for slot in slots] == [("primary", AN)]
    assert told(slots) == [(AN, "16/11 15:00", "16/11 16:00")]


def test_a_temporary_rota_replaces_everything_for_its_roles_and_leaves_its_own_gaps() -> None:
    tet = Temporary(
        frozenset({"primary"}),
        at("2027-02-06T00:00"),
        at("2027-02-07T00:00"),
        [Shift("primary", CHI, at("2027-02-06T08:00"), at("2027-02-06T20:00"))],
        MADE,
    )
    slots = compiled(
        [layer(AN), layer(BINH, role="backup")],
        "2027-02-05T00:00",
        "2027-02-08T00:00",
        overrides=[override("add", DUNG, "2027-02-06T00:00", "2027-02-06T08:00")],
        temporaries=[tet],
    )
    assert told([slot for slot in slots if slot.role == "primary"]) == [
        (AN, "05/02 00:00", "06/02 00:00"),
        (CHI, "06/02 08:00", "06/02 20:00"),
        (AN, "07/02 00:00", "08/02 00:00"),
    ]
    assert told([slot for slot in slots if slot.role == "backup"]) == [(BINH, "05/02 00:00", "08/02 00:00")]
    uncovered = gaps(slots, ["primary"], at("2027-02-05T00:00"), at("2027-02-08T00:00"))
    assert [(gap.start, gap.end) for gap in uncovered] == [
        (at("2027-02-06T00:00"), at("2027-02-06T08:00")),
        (at("2027-02-06T20:00"), at("2027-02-07T00:00")),
    ]


def test_a_swap_inside_a_shift_gives_three_slots_and_one_that_nobody_took_gives_one() -> None:
    span = at("2026-11-16T12:00"), at("2026-11-16T14:00")
    taken = compiled(
        [layer(AN)], "2026-11-16T08:00", "2026-11-17T08:00", swaps=[Swap("primary", AN, BINH, *span, MADE)]
    )
    assert told(taken) == [
        (AN, "16/11 08:00", "16/11 12:00"),
        (BINH, "16/11 12:00", "16/11 14:00"),
        (AN, "16/11 14:00", "17/11 08:00"),
    ]
    assert told(compiled([layer(AN)], "2026-11-16T08:00", "2026-11-17T08:00")) == [(AN, "16/11 08:00", "17/11 08:00")]


def test_an_exchange_gives_each_the_others_duty() -> None:
    rota = [layer(AN, BINH, rotation=every(1, "day", "2026-11-16T08:00"))]
    swap = Swap(
        "primary",
        AN,
        BINH,
        at("2026-11-16T08:00"),
        at("2026-11-17T08:00"),
        MADE,
        (at("2026-11-17T20:00"), at("2026-11-18T08:00")),
    )
    assert told(compiled(rota, "2026-11-16T08:00", "2026-11-18T08:00", swaps=[swap])) == [
        (BINH, "16/11 08:00", "17/11 20:00"),
        (AN, "17/11 20:00", "18/11 08:00"),
    ]


def test_an_imported_shift_is_above_every_layer_in_its_role_while_it_lasts_and_below_leave_and_overrides() -> None:
    shifts = [
        Shift("primary", CHI, at("2026-11-16T12:00"), at("2026-11-16T20:00")),
        Shift("head_of_shift", DUNG, at("2026-11-16T12:00"), at("2026-11-16T13:00")),
    ]
    usual = [layer(AN, priority=7), layer(BINH, role="backup")]
    slots = compiled(usual, "2026-11-16T08:00", "2026-11-17T08:00", imported=shifts)
    assert told([slot for slot in slots if slot.role == "primary"]) == [
        (AN, "16/11 08:00", "16/11 12:00"),
        (CHI, "16/11 12:00", "16/11 20:00"),
        (AN, "16/11 20:00", "17/11 08:00"),
    ]
    assert told([slot for slot in slots if slot.role == "backup"]) == [(BINH, "16/11 08:00", "17/11 08:00")]
    assert told([slot for slot in slots if slot.role == "head_of_shift"]) == [(DUNG, "16/11 12:00", "16/11 13:00")]
    without = compiled(
        usual,
        "2026-11-16T12:00",
        "2026-11-16T20:00",
        imported=shifts[:1],
        leaves=[Leave(CHI, at("2026-11-16T12:00"), at("2026-11-16T16:00"))],
        overrides=[override("add", DUNG, "2026-11-16T12:00", "2026-11-16T14:00")],
    )
    assert told([slot for slot in without if slot.role == "primary"]) == [
        (DUNG, "16/11 12:00", "16/11 14:00"),
        (CHI, "16/11 16:00", "16/11 20:00"),
    ]


@pytest.mark.parametrize(
    ("nonsense", "why"),
    [
        (layer, "at least one turn"),
        (lambda: layer(AN, BINH), "need a rotation"),
        (lambda: every(0, "day", "2026-01-01T08:00"), "at least 1"),
        (lambda: every(1, "day", "2026-01-01T08:00+07:00"), "without an offset"),
        (lambda: hours("08:00", "07:00", plus_days=0), "ends before it starts"),
        (lambda: hours("08:00", "07:00", frozenset()), "at least one weekday"),
        (lambda: override("add", AN, "2026-01-02T00:00", "2026-01-01T00:00"), "ends before it starts"),
        (lambda: override("replace", AN, "2026-01-01T00:00", "2026-01-02T00:00"), "substitute"),
        (lambda: override("add", AN, "2026-01-01T00:00", "2026-01-02T00:00", by=BINH), "substitute"),
        (lambda: Swap("primary", AN, BINH, *(at("2026-01-02T00:00"),) * 2, MADE), "ends before it starts"),
        (
            lambda: Swap("primary", AN, BINH, MADE, MADE + timedelta(1), MADE, (MADE, MADE)),
            "swap.return: ends before it starts",
        ),
    ],
)
def test_a_rota_that_contradicts_itself_is_refused_in_words(nonsense: Callable[[], object], why: str) -> None:
    with pytest.raises(RotaError, match=why):
        nonsense()


# Properties: the compiler agrees with the definition, asked instant by instant

ZONES = [HANOI, NEW_YORK, LORD_HOWE, ZoneInfo("Europe/London")]
FROM = datetime(2026, 10, 24, tzinfo=UTC)  # the clocks of London and New York go back in these days
DAYS = 10

doctors = st.sampled_from([AN, BINH, CHI, DUNG])
roles = st.sampled_from(["primary", "backup"])
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
instants = st.integers(0, DAYS * 48).map(lambda half_hours: FROM + half_hours * timedelta(minutes=30))
spans = st.tuples(instants, st.integers(1, 96)).map(lambda it: (it[0], it[0] + it[1] * timedelta(minutes=30)))
rotations = st.builds(
    Rotation,
    st.sampled_from(Unit),
    st.integers(1, 5),
    st.integers(-100, 100).map(lambda it: datetime(2026, 10, 25, 1, 30) + it * timedelta(minutes=90)),  # noqa: DTZ001  # wall clock
)
windows = st.builds(Window, times, times, st.frozensets(st.integers(0, 6), min_size=1), st.sampled_from([None, 1, 3]))


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    rotation = draw(st.none() | rotations)
    turn = st.lists(doctors, max_size=2, unique=True)
    turns = draw(st.lists(turn, min_size=1, max_size=4 if rotation else 1))
    shape = draw(st.none() | st.lists(windows, min_size=1, max_size=2))
    return Layer(draw(roles), turns, draw(st.integers(0, 2)), draw(st.sampled_from(On)), rotation, shape)


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    kind = draw(st.sampled_from(Change))
    start, end = draw(spans)
    made = MADE + timedelta(minutes=draw(st.integers(0, 100)))
    by = draw(doctors) if kind is Change.REPLACE else None
    return Override(kind, draw(roles), draw(doctors), start, end, made, by)


@st.composite
def temporaries(draw: st.DrawFn) -> Temporary:
    start, end = draw(spans)
    role = draw(roles)
    shifts = draw(st.lists(st.builds(lambda d, s: Shift(role, d, *s), doctors, spans), max_size=3))
    return Temporary(frozenset({role}), start, end, shifts, MADE + timedelta(minutes=draw(st.integers(0, 100))))


@st.composite
def swaps(draw: st.DrawFn) -> Swap:
    giver = draw(doctors)
    taker = draw(doctors.filter(lambda doctor: doctor != giver))
    taken = MADE + timedelta(minutes=draw(st.integers(0, 100)))
    return Swap(draw(roles), giver, taker, *draw(spans), taken, draw(st.none() | spans))


holidays = st.builds(
    Holiday,
    st.integers(0, DAYS).map(lambda it: (FROM + timedelta(days=it)).date()),
    st.sampled_from(HolidayKind),
    st.none() | st.integers(0, 6),
)
rotas = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(ZONES),
        "layers": st.lists(layers(), max_size=4),
        "overrides": st.lists(overrides(), max_size=4),
        "temporaries": st.lists(temporaries(), max_size=2),
        "holidays": st.lists(holidays, max_size=3),
        "swaps": st.lists(swaps(), max_size=2),
        "leaves": st.lists(st.builds(lambda doctor, span: Leave(doctor, *span), doctors, spans), max_size=2),
        "imported": st.lists(st.builds(lambda r, d, span: Shift(r, d, *span), roles, doctors, spans), max_size=3),
    }
)


def on_by_definition(rota: Rota, role: str, moment: datetime) -> set[UUID]:  # noqa: C901  # one rule after the other
    """Who is on in a role at one instant, read off the rules one by one: slow, and too simple to be wrong."""
    clock = Clockface(rota["zone"])
    marked = {holiday.date: holiday for holiday in rota["holidays"]}
    on = {it.doctor for it in rota["imported"] if it.role == role and it.start <= moment < it.end}
    for priority in (2, 1, 0):
        if on:
            break
        for usual in rota["layers"]:
            if usual.role == role and usual.priority == priority:
                on |= _of_layer(usual, clock, marked, moment)
    for swap in sorted(rota["swaps"], key=lambda it: it.taken_at):
        if swap.role == role:
            _exchange(on, swap, moment)
    on -= {it.doctor for it in rota["leaves"] if it.start <= moment < it.end}
    for change in sorted(rota["overrides"], key=lambda it: it.made_at):
        if change.role == role and change.start <= moment < change.end:
            if change.kind is Change.ADD:
                on.add(change.doctor)
            elif change.doctor in on:
                on.discard(change.doctor)
                on |= {change.by} if change.by else set()
    for temporary in sorted(rota["temporaries"], key=lambda it: it.made_at):
        if role in temporary.roles and temporary.start <= moment < temporary.end:
            on = {it.doctor for it in temporary.shifts if it.start <= moment < it.end}
    return on


def _exchange(on: set[UUID], swap: Swap, moment: datetime) -> None:
    given = swap.start <= moment < swap.end and swap.giver in on
    returned = swap.returns is not None and swap.returns[0] <= moment < swap.returns[1] and swap.taker in on
    on -= ({swap.giver} if given else set()) | ({swap.taker} if returned else set())
    on |= ({swap.taker} if given else set()) | ({swap.giver} if returned else set())


def _of_layer(usual: Layer, clock: Clockface, marked: dict[date, Holiday], moment: datetime) -> set[UUID]:
    def counts(day: date) -> bool:
        off = day in marked and marked[day].kind is HolidayKind.OFF
        return usual.on is On.ANY or off is (usual.on is On.HOLIDAY)

    def weekday(day: date) -> int:
        mark = marked.get(day)
        swapped = mark is not None and mark.kind is HolidayKind.WORKING and mark.as_weekday is not None
        return mark.as_weekday if swapped else day.weekday()

    def turn(instant: datetime) -> set[UUID]:
        rotation = usual.rotation
        if rotation is None:
            return set(usual.turns[0])
        number = (clock.local(instant) - rotation.anchor) // rotation.period + 3  # surely too late
        while clock.instant(rotation.anchor + number * rotation.period) > instant:
            number -= 1
        return set(usual.turns[number % len(usual.turns)])

    if usual.windows is None:
        return turn(moment) if counts(clock.local(moment).date()) else set()
    found: set[UUID] = set()
    for window in usual.windows:
        for back in range(window.length_days + 2):
            day = clock.local(moment).date() - timedelta(days=back)
            opens = clock.instant(datetime.combine(day, window.start))
            shuts = clock.instant(datetime.combine(day + timedelta(days=window.length_days), window.end))
            if opens <= moment < shuts and weekday(day) in window.days and counts(day):
                split = usual.rotation is not None and usual.rotation.unit is Unit.HOUR
                found |= turn(moment if split else opens)
    return found


@settings(max_examples=150, deadline=None)
@given(rotas, st.lists(instants, min_size=5, max_size=15))
def test_the_compiled_rota_says_at_every_instant_what_the_rules_say(rota: Rota, moments: list[datetime]) -> None:
    slots = compile_rota(**rota, start=FROM, end=FROM + timedelta(days=DAYS, minutes=30))
    for moment in moments:
        for role in ("primary", "backup"):
            on = {slot.doctor for slot in slots if slot.role == role and slot.start <= moment < slot.end}
            assert on == on_by_definition(rota, role, moment)


@settings(max_examples=150, deadline=None)
@given(rotas, spans)
def test_slots_and_gaps_partition_the_horizon(rota: Rota, horizon: tuple[datetime, datetime]) -> None:
    slots = compile_rota(**rota, start=horizon[0], end=horizon[1])
    assert slots == sorted(slots, key=lambda slot: (slot.start, slot.role, slot.doctor))
    for role in ("primary", "backup"):
        covered = sorted((slot.start, slot.end) for slot in slots if slot.role == role)
        open_time = [(gap.start, gap.end) for gap in gaps(slots, [role], *horizon)]
        edges = sorted({horizon[0], horizon[1], *(edge for span in [*covered, *open_time] for edge in span)})
        assert edges[0] == horizon[0]
        assert edges[-1] == horizon[1]
        for start, end in pairwise(edges):
            filled = any(slot_start <= start and end <= slot_end for slot_start, slot_end in covered)
            empty = any(gap_start <= start and end <= gap_end for gap_start, gap_end in open_time)
            assert filled is not empty
    _check_merged(slots)


def _check_merged(slots: list[Slot]) -> None:
    by_doctor: dict[tuple[UUID, str], Spans] = {}
    for slot in slots:
        assert slot.start < slot.end
        by_doctor.setdefault((slot.doctor, slot.role), []).append((slot.start, slot.end))
    for duty in by_doctor.values():
        assert all(earlier[1] < later[0] for earlier, later in pairwise(duty))


@settings(max_examples=100, deadline=None)
@given(rotas, instants)
def test_a_horizon_cut_in_two_gives_the_same_duty(rota: Rota, cut: datetime) -> None:
    end = FROM + timedelta(days=DAYS, minutes=30)
    whole = compile_rota(**rota, start=FROM, end=end)
    early = compile_rota(**rota, start=FROM, end=cut) if cut > FROM else []
    late = compile_rota(**rota, start=cut, end=end)
    clipped = [
        Slot(slot.doctor, slot.role, max(slot.start, low), min(slot.end, high))
        for low, high in ((FROM, cut), (cut, end))
        for slot in whole
        if max(slot.start, low) < min(slot.end, high)
    ]
    assert sorted(early + late) == sorted(clipped)


def test_ninety_days_of_a_desk_compile_in_a_blink() -> None:
    turns = [[UUID(int=number)] for number in range(6)]
    rotation = every(1, "day", "2024-01-01T08:00")
    desk = [Layer(role, turns, rotation=rotation) for role in ("primary", "backup", "head_of_shift", "red_team")]
    best = 1.0
    for _ in range(5):
        began = stopwatch.perf_counter()
        slots = compiled(desk, "2026-11-24T03:08", "2027-02-22T03:08")
        best = min(best, stopwatch.perf_counter() - began)
    assert len(slots) == 4 * 91
    assert best < 0.03  # seconds; about 2 ms on a desk computer
