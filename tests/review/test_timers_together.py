"""Several processes keep time on one database: whatever is due is done once, whoever is first, whoever dies."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.main import create_app
from app.realtime.house import House
from app.realtime.timers import Timers
from app.services.cases import escalation
from app.work import Answer, Work
from tests.hotline import Hotline
from tests.staff import Staff, everybody

LOCK_CASE = text("SELECT 1 FROM consultation WHERE id = CAST(:id AS uuid) FOR UPDATE")
PROCESSES = 3
CASES = 12


@pytest_asyncio.fixture
async def staff(hotline: Hotline) -> Staff:
    """Everybody, signed in."""
    return await everybody(hotline)


@pytest_asyncio.fixture
async def timers(hotline: Hotline) -> AsyncIterator[list[Timers]]:
    """The loops of several processes, each with its own connections; time passes for all alike."""
    async with AsyncExitStack() as stack:
        loops = []
        for _ in range(PROCESSES):
            app = create_app(hotline.app.state.house.settings, clock=hotline.clock, background=False)
            await stack.enter_async_context(app.router.lifespan_context(app))
            loops.append(app.state.timers)
        yield loops


class Doomed(House):
    """A process that is killed just before it would commit."""

    holding: asyncio.Event
    wakes: asyncio.Event

    async def commit(self, work: Work, answer: Answer | None = None) -> None:
        """Come as far as this, and no further unless it is woken."""
        self.holding.set()
        await self.wakes.wait()
        await super().commit(work, answer)


@asynccontextmanager
async def with_a_case_in_its_hands(house: House) -> AsyncIterator[tuple[Doomed, asyncio.Task[object]]]:
    """Another process with the same database, just before it would commit; in the end it has died."""
    doomed = Doomed(**{f.name: getattr(house, f.name) for f in fields(house)})
    doomed.holding, doomed.wakes = asyncio.Event(), asyncio.Event()
    timers = Timers(doomed)
    task: asyncio.Task[object] = asyncio.create_task(timers.run_due())
    await doomed.holding.wait()
    try:
        yield doomed, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        timers.close()


async def _ringing(staff: Staff) -> list[str]:
    """Cases that nobody answers, all of them due at the same instant."""
    requester = staff["sonla-capcuu-1"]
    return [(await staff.hotline.ask("K04", by=requester))["id"] for _ in range(CASES)]


async def _steps(staff: Staff, cases: list[str]) -> Counter[tuple[str, int]]:
    """How often each case came to each step of its ladder."""
    rows = await staff.execute(
        "SELECT CAST(consultation_id AS text) AS id, CAST(data->>'step' AS integer) AS step FROM event "
        "WHERE type = 'escalation.scheduled' AND consultation_id = ANY(CAST(:cases AS uuid[]))",
        cases=cases,
    )
    return Counter((row.id, row.step) for row in rows)


async def test_processes_that_look_at_the_same_moment_ring_each_next_person_once(
    staff: Staff, timers: list[Timers]
) -> None:
    cases = await _ringing(staff)
    for step in (1, 2):
        staff.hotline.clock.advance(seconds=31)
        async with asyncio.timeout(30):
            await asyncio.gather(*(loop.run_due() for loop in timers))
        steps = await _steps(staff, cases)
        assert {steps[case, step] for case in cases} == {1}
        assert set(steps.values()) == {1}


async def test_what_a_killed_process_had_in_its_hands_is_done_by_another_and_once(
    staff: Staff, timers: list[Timers]
) -> None:
    cases = await _ringing(staff)
    staff.hotline.clock.advance(seconds=30)
    async with asyncio.timeout(30):
        async with with_a_case_in_its_hands(timers[0].house):
            # All but that one; it is looked at again soon, and never spun on.
            assert await timers[1].run_due() == staff.hotline.clock.now() + escalation.PASSED_OVER
            assert len(await _steps(staff, cases)) == 2 * CASES - 1
        await timers[2].run_due()
    steps = await _steps(staff, cases)
    assert len(steps) == 2 * CASES
    assert set(steps.values()) == {1}


async def test_a_process_that_stops_without_dying_keeps_nobody_silent_and_rings_nobody_twice_when_it_wakes(
    staff: Staff, timers: list[Timers]
) -> None:
    cases = await _ringing(staff)
    staff.hotline.clock.advance(seconds=30)
    async with asyncio.timeout(30), with_a_case_in_its_hands(timers[0].house) as (stopped, asleep):
        await timers[1].run_due()
        assert len(await _steps(staff, cases)) == 2 * CASES - 1
        staff.hotline.clock.advance(seconds=2 * escalation.ABANDONED.total_seconds())
        await timers[2].run_due()
        assert len(await _steps(staff, cases)) == 2 * CASES
        stopped.wakes.set()
        await asleep
    assert set((await _steps(staff, cases)).values()) == {1}


async def test_a_case_is_claimed_before_it_is_due_and_by_another_when_its_process_dies(
    staff: Staff, timers: list[Timers]
) -> None:
    [case, *_] = await _ringing(staff)
    staff.hotline.clock.advance(seconds=29.5)
    due = await timers[0].ring()
    assert due == staff.hotline.clock.now() + timedelta(seconds=0.5)
    await timers[1].ring()  # the others are in its hands, one of them claimed
    staff.hotline.clock.advance(seconds=0.5)
    timers[0].close()
    async with asyncio.timeout(30):
        await timers[1].ring()
    assert (await _steps(staff, [case]))[case, 1] == 1


async def test_who_waits_with_a_later_case_rings_the_earlier_one_of_a_process_that_died(
    staff: Staff, timers: list[Timers]
) -> None:
    requester = staff["sonla-capcuu-1"]
    first = (await staff.hotline.ask("K04", by=requester))["id"]
    staff.hotline.clock.advance(seconds=0.4)
    second = (await staff.hotline.ask("K04", by=requester))["id"]
    staff.hotline.clock.advance(seconds=29.2)
    now = staff.hotline.clock.now()
    assert await timers[0].ring() == now + timedelta(seconds=0.4)
    assert await timers[1].ring() == now + timedelta(seconds=0.4) + escalation.PASSED_OVER  # its own is due at 0.8
    timers[0].close()
    staff.hotline.clock.advance(seconds=0.41)
    async with asyncio.timeout(30):
        while await timers[1].ring() != now + timedelta(seconds=0.8):
            pass  # PostgreSQL has not noticed yet that the other one is gone
    steps = await _steps(staff, [first, second])
    assert (steps[first, 1], steps[second, 1]) == (1, 0)


async def test_a_case_that_a_command_has_in_its_hands_when_it_comes_due_is_rung_as_soon_as_it_is_free(
    staff: Staff, timers: list[Timers]
) -> None:
    case = (await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"]))["id"]
    async with asyncio.timeout(30):
        async with staff.sql() as command:
            await command.execute(LOCK_CASE, {"id": case})
            staff.hotline.clock.advance(seconds=31)
            look_again = await timers[0].ring()
            assert look_again is not None
            assert look_again <= staff.hotline.clock.now() + escalation.PASSED_OVER
            passing = asyncio.create_task(timers[0].run_due())
        await passing
    assert (await _steps(staff, [case]))[case, 1] == 1


@pytest.mark.parametrize(("late_s", "counts_from_now"), [(0.3, False), (9.0, True)])
async def test_what_was_decided_beforehand_holds_for_a_moment_and_then_a_step_has_its_whole_time_from_now(
    staff: Staff, timers: list[Timers], late_s: float, *, counts_from_now: bool
) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", by=requester)
    staff.hotline.clock.advance(seconds=29.5)
    due = await timers[0].ring()
    assert due is not None
    staff.hotline.clock.advance(seconds=0.5 + late_s)
    async with asyncio.timeout(30):
        await timers[0].ring()
    [_, second] = (await requester.get(f"/consultations/{case['id']}")).json()["callouts"][0]["offers"]
    assert datetime.fromisoformat(second["made_at"]) == (staff.hotline.clock.now() if counts_from_now else due)
