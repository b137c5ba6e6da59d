"""When gaps are told again, and which of them are the same: tables, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.agreement import warning_due
from app.models.duty_watch import DutyGap, GapKind, Range
from app.models.gap_rules import Known, compare, next_telling, told_every
from app.models.rota_rules import Gap

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def gap(start: float, end: float, role: str = "primary") -> Gap:
    return Gap(role, at(start), at(end))


def known(id_: UUID, start: float, end: float, role: str = "primary") -> Known:
    return Known(id_, role, at(start), at(end))


PACE = [
    # hours ahead, minutes between tellings
    (14 * 24, 24 * 60),
    (72.01, 24 * 60),
    (72, 6 * 60),
    (24.01, 6 * 60),
    (24, 60),
    (0.01, 60),
    (0, 10),
    (-5, 10),
]


@pytest.mark.parametrize(("ahead", "minutes"), PACE)
def test_a_gap_is_told_the_more_often_the_nearer_it_is(ahead: float, minutes: float) -> None:
    assert told_every(at(ahead), NOW) == timedelta(minutes=minutes)


NEXT = [
    # starts, ends, is told next (hours from now)
    (100, 110, 24),
    (80, 90, 8),  # three days before, when the pace changes
    (72, 80, 6),
    (26, 30, 2),  # a day before, when coordinators are told too
    (24, 30, 1),
    (0.5, 8, 0.5),  # when it begins
    (-1, 8, 1 / 6),
    (-1, 0.1, 0.1),  # when it is over
]


@pytest.mark.parametrize(("start", "end", "then"), NEXT)
def test_a_gap_is_told_again_by_its_pace_or_when_the_pace_changes(start: float, end: float, then: float) -> None:
    assert next_telling(at(start), at(end), NOW) == at(then)


SAME = [
    # known, found -> kept, new, parts, filled, merged
    ("nothing", [], [], [], [], [], [], []),
    ("a new one", [], [gap(5, 9)], [], [gap(5, 9)], [], [], []),
    ("the same", [known(ONE, 5, 9)], [gap(5, 9)], [(ONE, gap(5, 9))], [], [], [], []),
    ("it shrank", [known(ONE, 5, 9)], [gap(6, 8)], [(ONE, gap(6, 8))], [], [], [], []),
    ("it moved", [known(ONE, 5, 9)], [gap(8, 12)], [(ONE, gap(8, 12))], [], [], [], []),
    ("it only touches", [known(ONE, 5, 9)], [gap(9, 12)], [], [gap(9, 12)], [], [ONE], []),
    ("it is filled", [known(ONE, 5, 9)], [], [], [], [], [ONE], []),
    ("another role", [known(ONE, 5, 9, "backup")], [gap(5, 9)], [], [gap(5, 9)], [], [ONE], []),
    (
        "filled in the middle",
        [known(ONE, 5, 9)],
        [gap(5, 6), gap(8, 9)],
        [(ONE, gap(5, 6))],
        [],
        [(ONE, gap(8, 9))],
        [],
        [],
    ),
    ("two become one", [known(ONE, 5, 6), known(TWO, 8, 9)], [gap(5, 9)], [(ONE, gap(5, 9))], [], [], [], [TWO]),
    (
        "two that both move",
        [known(ONE, 1, 3), known(TWO, 3, 5)],
        [gap(2, 3), gap(4, 5)],
        [(ONE, gap(2, 3)), (TWO, gap(4, 5))],
        [],
        [],
        [],
        [],
    ),
]


@pytest.mark.parametrize(
    ("before", "found", "kept", "new", "parts", "filled", "merged"), [s[1:] for s in SAME], ids=[s[0] for s in SAME]
)
def test_a_gap_that_overlaps_a_known_one_is_that_gap(before, found, kept, new, parts, filled, merged) -> None:
    done = compare(before, found)
    assert (done.kept, done.new, done.parts, done.filled, done.merged) == (kept, new, parts, filled, merged)


spans = st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda s: (s[0], s[0] + s[1]))


@st.composite
def apart(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Stretches that neither overlap nor touch, as gaps of one role are."""
    taken: list[tuple[int, int]] = []
    for start, end in sorted(draw(st.lists(spans, max_size=6))):
        if not taken or start > taken[-1][1]:
            taken.append((start, end))
    return taken


@given(apart(), apart())
def test_every_found_gap_has_one_row_and_every_known_one_one_fate(before, after) -> None:
    rows = [known(UUID(int=n + 1), *span) for n, span in enumerate(before)]
    found = [gap(*span) for span in after]
    done = compare(rows, found)
    assert sorted([g for _, g in done.kept] + done.new + [g for _, g in done.parts]) == sorted(found)
    assert sorted([k for k, _ in done.kept] + done.filled + done.merged) == sorted(r.id for r in rows)
    assert len({k for k, _ in done.kept}) == len(done.kept)


def a_row(start: float, end: float, **more) -> DutyGap:
    fields = {"told": 1, "next_told_at": at(24), "kind": GapKind.NOBODY, "schedule_id": ONE} | more
    return DutyGap(id=ONE, role="primary", during=Range(at(start), at(end)), found_at=at(-10), **fields)


MOVES = [
    # the row, where it lies now -> where the row says, when it is told next
    ("nothing changed", (30, 40), (30, 40), (30, 40), 24),
    ("later", (30, 40), (35, 50), (35, 50), 24),
    ("earlier is told at once", (30, 40), (20, 40), (20, 40), 0),
    ("the past stays", (-5, 10), (0, 10), (-5, 10), 24),
    ("the past stays and the end moves", (-5, 10), (0, 12), (-5, 12), 12),
    ("it begins later than now after all", (-5, 10), (2, 10), (2, 10), 10),
    ("over sooner than it would be told", (1, 40), (1, 3), (1, 3), 3),
]


@pytest.mark.parametrize(("row", "lies", "says", "told"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_where_a_gap_lies_moves_and_what_has_passed_does_not(row, lies, says, told) -> None:
    moved = a_row(*row)
    assert moved.move(at(lies[0]), at(lies[1]), NOW) is (row != says)
    assert (moved.start, moved.end, moved.next_told_at) == (at(says[0]), at(says[1]), at(told))


def test_somebody_unreachable_is_told_of_hourly_and_not_every_ten_minutes() -> None:
    row = a_row(0, 24, kind=GapKind.UNREACHABLE, told=0)
    assert row.tell(NOW) == 1
    assert row.next_told_at == at(1)
    assert row.tell(at(23.5)) == 2
    assert row.next_told_at == at(24)


WARNED = [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0.5, 7), (0, None), (-1, None)]


@pytest.mark.parametrize(("days", "warning"), WARNED)
def test_both_parties_are_warned_60_30_and_7_days_before_the_end(days: float, warning: int | None) -> None:
    assert warning_due(NOW + timedelta(days=days), NOW) == warning
    assert warning_due(None, NOW) is None
