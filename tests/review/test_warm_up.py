"""Whoever takes a case in hand can ring for it at once: all that is sent then is planned on that connection before."""

from typing import Any

from sqlalchemy import text

from app.database import Base
from app.prepared import Prepared
from app.realtime.house import House
from app.realtime.timers import Timers
from tests.hotline import Hotline

_PLANNED = Prepared("""
SELECT statement FROM pg_prepared_statements WHERE generic_plans > 0 AND statement NOT LIKE '%pg_prepared_statements%'
""")


async def planned(timers: Timers) -> set[str]:
    """Name what needs no planning any more on the connection of these timers."""
    return {row[0] for row in await timers._line.rows(_PLANNED, {})}


async def how_many_rows(house: House) -> dict[str, Any]:
    async with house.database() as session:
        return {t: await session.scalar(text(f'SELECT count(*) FROM "{t}"')) for t in Base.metadata.tables}


async def test_what_rings_the_next_person_is_planned_before_a_case_is_in_hand(hotline: Hotline) -> None:
    house = hotline.app.state.house
    timers = Timers(house)
    try:
        await timers.ring()
        warm = await planned(timers)
        case = await hotline.ask("K04")
        asker = await hotline.requester("K04")
        await timers.ring()
        hotline.clock.advance(minutes=2)
        await timers.ring()
        now = (await asker.get(f"/consultations/{case['id']}")).json()
        assert [callout["step"] for callout in now["callouts"]] == [1]
        assert await planned(timers) == warm
    finally:
        timers.close()


async def test_to_warm_up_writes_nothing_and_claims_nothing(hotline: Hotline) -> None:
    house = hotline.app.state.house
    await hotline.ask("K04")
    hotline.clock.advance(minutes=2)  # so that it would ring if it could
    before = await how_many_rows(house)
    timers = Timers(house)
    try:
        await timers._line.begins()
        await timers._warm_up()
        assert await how_many_rows(house) == before
        assert timers._held is None
        held = Prepared("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert [tuple(row) for row in await timers._line.rows(held, {})] == [(0,)]
    finally:
        timers.close()
