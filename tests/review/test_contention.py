"""Transactions that meet: nobody waits in a circle, and who waited too long is told to try again."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.outages import is_database_away
from app.services.people import accounts
from tests.staff import Staff

LOCK_PART = text(
    "SELECT 1 FROM participant WHERE consultation_id = CAST(:id AS uuid) AND user_id = CAST(:user AS uuid) FOR UPDATE"
)


async def test_who_waited_too_long_for_a_lock_is_told_to_try_again(staff: Staff) -> None:
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    lock = text("SELECT 1 FROM consultation WHERE id = CAST(:id AS uuid) FOR UPDATE")
    async with staff.sql() as first:
        await first.execute(lock, {"id": case["id"]})
        with pytest.raises(DBAPIError) as waited:
            await _try(staff, lock, case["id"], "SET LOCAL lock_timeout = '50ms'")
        assert is_database_away(waited.value)
        with pytest.raises(DBAPIError) as slow:
            await _try(staff, lock, case["id"], "SET LOCAL statement_timeout = '50ms'")
        assert is_database_away(slow.value)
    with pytest.raises(DBAPIError) as standby:
        await _try(staff, lock, case["id"], "SET TRANSACTION READ ONLY")
    assert is_database_away(standby.value)
    with pytest.raises(DBAPIError) as wrong:
        await _try(staff, text("SELECT 1 / 0 WHERE :id <> ''"), case["id"], "SELECT 1")
    assert not is_database_away(wrong.value)


async def test_read_markers_and_commands_lock_the_people_of_a_case_in_the_same_order(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", by=requester)
    people = await staff.newcomers(2, hospital=staff.rung(case)[0].account["hospital"], specialties=["K04"])
    low, high = sorted(people, key=staff.id_of)
    await staff.put_on_duty([high], desk=case["callouts"][0]["desk"], role="primary")
    await high.do(case, "acceptance")
    await requester.do(case, "participants", {"user_id": staff.id_of(low), "role": "invited"})
    await high.do(case, "hand-over", {"user_id": staff.id_of(low), "note": ""})
    async with staff.sql() as marking:
        await marking.execute(LOCK_PART, {"id": case["id"], "user": staff.id_of(low)})
        # It writes both: who gives the case away joined first, and has the higher identifier.
        command = asyncio.create_task(low.post(f"/consultations/{case['id']}/acceptance"))
        await staff.until_somebody_waits_for_a_lock()
        await marking.execute(LOCK_PART, {"id": case["id"], "user": staff.id_of(high)})
    taken = await command
    assert taken.status_code == 200, taken.text
    assert taken.json()["holder"] == staff.id_of(low)


async def test_an_account_is_closed_while_a_case_rings_it_and_neither_waits_for_the_other(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    [first] = staff.rung(await staff.hotline.ask("K04", by=requester))
    house = staff.hotline.app.state.house
    async with house.work(None) as work:
        await accounts._locked(work, first.account["username"])
        case = await staff.hotline.ask("K04", by=requester)  # the account's row is held all the while
        assert staff.rung(case) == [first]
        await accounts.deactivate_account(work, first.account["username"])
        await house.commit(work)
    await staff.hotline.run_due()
    left = staff.rung((await requester.get(f"/consultations/{case['id']}")).json())
    assert left
    assert first not in left


async def _try(staff: Staff, statement: object, case_id: str, before: str) -> None:
    session: AsyncSession
    async with staff.hotline.app.state.house.database() as session:
        await session.execute(text(before))
        await session.execute(statement, {"id": case_id})
