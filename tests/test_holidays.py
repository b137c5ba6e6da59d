"""Vietnam's holidays: seeded once, the hospitals' own from then on, and an upgrade of the library changes nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest_asyncio
from sqlalchemy import func, select

from app.database import make_engine, make_sessions
from app.models.rota import Holiday
from app.services.rostering import holidays
from app.services.rostering.holidays import Day
from app.work import Work

NOW = datetime(2026, 11, 23, 20, 8, tzinfo=UTC)


@pytest_asyncio.fixture
async def work(database_url: str) -> AsyncIterator[Work]:
    engine = make_engine(database_url)
    async with make_sessions(engine)() as session:
        yield Work(session, None, NOW)
    await engine.dispose()


def test_the_library_knows_tet_by_its_name_and_the_saturday_that_is_worked_for_a_bridge_day() -> None:
    known = holidays.library([2026, 2027])
    assert known[date(2027, 2, 6)] == Day("off", None, "Tết Nguyên Đán")
    assert known[date(2026, 9, 2)] == Day("off", None, "Quốc khánh")
    assert known[date(2026, 8, 31)].kind == "off"
    assert known[date(2026, 8, 22)] == Day("working", "mon", "Làm bù cho ngày 31/08/2026")


async def test_three_years_are_seeded_once_and_what_was_added_by_hand_stays_and_keeps_no_tet_away(work: Work) -> None:
    row = Holiday(id=uuid4(), hospital_id=None, day=date(2027, 3, 3), kind="off", name="Ngày của tỉnh")
    work.session.add(row)
    await work.session.flush()
    assert await holidays.seed(work) > 20
    assert await holidays.seed(work) == 0
    years = func.date_part("year", Holiday.day)
    counts = {int(year): n for year, n in await work.session.execute(select(years, func.count()).group_by(years))}
    assert counts.keys() == {2026, 2027, 2028}
    assert counts[2027] > 10
    assert await work.session.scalar(select(Holiday.name).where(Holiday.day == date(2027, 3, 3))) == "Ngày của tỉnh"


async def test_what_the_library_says_otherwise_is_shown_and_taken_over_only_when_asked(work: Work) -> None:
    await holidays.seed(work)
    assert not await holidays.compare(work)
    rows = {row.day: row for row in await work.session.scalars(select(Holiday))}
    rows[date(2026, 9, 2)].name = "Tết Độc lập"
    rows[date(2026, 9, 1)].day = date(2026, 9, 3)
    rows[date(2027, 1, 1)].source = "own"
    rows[date(2027, 1, 1)].name = "Năm mới"
    await work.session.flush()
    difference = await holidays.compare(work)
    assert difference.lines() == [
        "+ 2026-09-01 Quốc khánh",
        "~ 2026-09-02 Tết Độc lập → Quốc khánh",
        "- 2026-09-03 Quốc khánh",
    ]
    assert (await holidays.compare(work, [2028])).lines() == []
    await holidays.apply(work, difference)
    assert not await holidays.compare(work)
    own = await work.session.scalar(select(Holiday.name).where(Holiday.day == date(2027, 1, 1)))
    assert own == "Năm mới"
