"""Routine requests wait for working hours: 07:00 to 17:00 on working days, Vietnam time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.working_hours import after_working_time

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


# 23/11/2026 is a Monday.
@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-24T08:00", 120, "2026-11-24T10:00"),  # in the middle of a working day
        ("2026-11-24T03:04", 120, "2026-11-24T09:00"),  # at night the clock stands until seven
        ("2026-11-24T16:00", 120, "2026-11-25T08:00"),  # an hour today, an hour tomorrow
        ("2026-11-24T15:00", 120, "2026-11-24T17:00"),  # ends exactly when the day ends
        ("2026-11-24T17:00", 120, "2026-11-25T09:00"),  # asked exactly when the day ends
        ("2026-11-24T20:00", 120, "2026-11-25T09:00"),  # in the evening
        ("2026-11-27T16:00", 120, "2026-11-30T08:00"),  # Friday's second hour is Monday's first
        ("2026-11-28T10:00", 120, "2026-11-30T09:00"),  # Saturday
        ("2026-11-29T23:59", 120, "2026-11-30T09:00"),  # Sunday night
        ("2026-11-24T07:00", 480, "2026-11-24T15:00"),  # the eight hours to the coordinator within one day
        ("2026-11-24T12:00", 480, "2026-11-25T10:00"),
        ("2026-12-31T16:30", 60, "2027-01-01T07:30"),  # holidays are the rota's business
    ],
)
def test_working_time_stands_still_at_night_and_at_weekends(start: str, minutes: int, end: str) -> None:
    assert after_working_time(local(start), timedelta(minutes=minutes)) == local(end)


def test_the_answer_is_in_the_zone_of_the_question() -> None:
    asked = local("2026-11-24T03:04").astimezone(UTC)
    due = after_working_time(asked, timedelta(minutes=120))
    assert due == local("2026-11-24T09:00")
    assert due.tzinfo is UTC


def worked(start: datetime, end: datetime) -> timedelta:
    """Count working minutes one by one: slow, and too simple to be wrong."""
    total, at = timedelta(), start.astimezone(VIETNAM)
    while at < end:
        if at.weekday() < 5 and 7 <= at.hour < 17:
            total += timedelta(minutes=1)
        at += timedelta(minutes=1)
    return total


WHOLE_MINUTES = st.integers(0, 60 * 24 * 400).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


@settings(max_examples=50, deadline=None)
@given(WHOLE_MINUTES, st.integers(1, 1200))
def test_exactly_the_asked_working_time_lies_between_start_and_end(start: datetime, minutes: int) -> None:
    amount = timedelta(minutes=minutes)
    end = after_working_time(start, amount)
    assert worked(start, end) == amount
    assert worked(start, end - timedelta(minutes=1)) < amount


@settings(deadline=None)
@given(WHOLE_MINUTES, st.integers(0, 3000), st.integers(1, 600))
def test_asking_later_is_never_due_earlier(start: datetime, later: int, minutes: int) -> None:
    amount = timedelta(minutes=minutes)
    assert after_working_time(start, amount) <= after_working_time(start + timedelta(minutes=later), amount)
