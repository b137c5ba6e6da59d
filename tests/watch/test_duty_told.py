"""Duty that begins and ends is told to its doctor and to the board: once, and with what must be handed over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from app.services.cases import shift_facts
from app.services.rostering.duty import compile_duty
from app.services.rostering.rotas import read_rotas
from tests.hotline import Hotline, Person, open_hotline
from tests.staff import Staff, everybody
from tests.watch.ward import Ward, facts

EIGHT = datetime(2026, 11, 24, 1, tzinfo=UTC)  # 08:00 in Vietnam; it is 03:04
TOLD = ("duty.started", "duty.ended")


async def until(desk: Ward, at: datetime) -> None:
    await desk.hotline.fast_forward(seconds=(at - desk.now).total_seconds())


async def told(desk: Ward, person: Person, since: datetime) -> list[tuple[str, str]]:
    """What this doctor was told of this desk since then: type and role."""
    found = await facts(desk.staff, *TOLD, chain=f"user:{desk.staff.id_of(person)}")
    return [(f.type, f.data["role"]) for f in found if f.at >= since and f.data["desk"] == desk.desk]


async def test_duty_that_is_under_way_when_the_watch_begins_is_told_once(hotline: Hotline) -> None:
    house = await everybody(hotline)
    hotline.watch = True
    await hotline.run_due()
    found = await facts(house, *TOLD)
    assert {f.type for f in found} == {"duty.started"}
    slots = await house.execute("SELECT count(*) AS n FROM duty_slot WHERE lower(during) <= '2026-11-23T20:04:00Z'")
    assert len(found) == 2 * slots[0].n  # the doctor, and the board
    await house.hotline.fast_forward(minutes=30)
    assert len(await facts(house, *TOLD)) == len(found)


async def test_at_eight_who_comes_and_who_goes_is_told_and_who_stays_in_another_role_has_not_gone(desk: Ward) -> None:
    [goes] = await desk.on("primary", desk.now)
    [changes_role] = await desk.on("backup", desk.now)
    [comes] = await desk.on("backup", EIGHT)
    await desk.publish(
        desk.override("remove", goes, EIGHT - timedelta(days=1), EIGHT + timedelta(days=1), role="red_team")
    )
    await goes.connect()
    await until(desk, EIGHT - timedelta(seconds=1))
    before = desk.now
    await until(desk, EIGHT)
    assert await told(desk, changes_role, before) == [("duty.started", "primary")]
    assert await told(desk, comes, before) == [("duty.started", "backup")]
    assert await told(desk, goes, before) == [("duty.ended", "primary")]
    heard = await goes.hears_event("duty.ended", role="primary")
    assert heard["d"]["open_cases"] == []
    await until(desk, EIGHT + timedelta(hours=2))
    assert await told(desk, goes, before) == [("duty.ended", "primary")]


async def test_whoever_goes_with_a_case_in_hand_is_told_so(desk: Ward) -> None:
    [goes] = await desk.on("primary", desk.now)
    await desk.publish(
        desk.override("remove", goes, EIGHT - timedelta(days=1), EIGHT + timedelta(days=1), role="red_team")
    )
    case = await desk.hotline.ask("K04", by=desk.staff["mocchau-capcuu-1"])
    await goes.do(case, "acceptance")
    await until(desk, EIGHT)
    ended = [f for f in await facts(desk.staff, "duty.ended") if f.data["doctor"] == desk.staff.id_of(goes)]
    for fact in ended:
        [held] = fact.data["open_cases"]
        assert (held["consultation_id"], held["number"]) == (case["id"], case["number"])
        assert "MC-017" not in str(fact.data)
    assert len(ended) == 2


async def test_a_duty_that_a_publication_cuts_short_ends_now(desk: Ward) -> None:
    [primary] = await desk.on("primary", desk.now)
    [substitute] = await desk.staff.newcomers(1, hospital=desk.hospital, specialties=["K04"])
    await desk.hotline.fast_forward(minutes=1)
    before = desk.now
    tomorrow = desk.now + timedelta(days=1)
    await desk.publish(
        desk.override("remove", primary, before, tomorrow, role="red_team"),
        desk.override("replace", primary, before, EIGHT, role="primary", by=substitute),
    )
    await desk.hotline.run_due()
    ended = await told(desk, primary, before)
    assert ended
    assert {what for what, _ in ended} == {"duty.ended"}
    assert await told(desk, substitute, before) == [("duty.started", "primary")]


async def test_what_ended_long_before_anybody_was_there_to_tell_it_is_not_told(desk: Ward) -> None:
    before = len(await facts(desk.staff, *TOLD))
    desk.hotline.clock.advance(days=20)
    await desk.hotline.run_due()
    late = (await facts(desk.staff, *TOLD))[before:]
    assert all(datetime.fromisoformat(f.data["to"]) > desk.now - timedelta(hours=12) for f in late)
    assert (
        await desk.staff.execute(
            "SELECT 1 FROM duty_slot WHERE (lower(during) <= :now AND start_told_at IS NULL) "
            "OR (upper(during) <= :now AND end_told_at IS NULL)",
            now=desk.now,
        )
        == []
    )


# Two processes, and what happens when one fails


@pytest_asyncio.fixture
async def other(house: Staff) -> AsyncIterator[Hotline]:
    """A second process on the same database, at the same time."""
    first = house.hotline
    async with open_hotline(first.app.state.house.settings, first.accounts, at=first.clock.now()) as running:
        yield running


async def test_two_processes_tell_everything_of_a_morning_once(desk: Ward, other: Hotline) -> None:
    desk.hotline.app.state.house.settings.reachability = "on"  # both processes share the settings
    await desk.remove("backup", EIGHT + timedelta(hours=1), EIGHT + timedelta(hours=5))
    both = (desk.hotline, other)
    for at in (
        EIGHT - timedelta(minutes=15),
        EIGHT,
        EIGHT + timedelta(hours=1),
        EIGHT + timedelta(hours=1, minutes=10),
    ):
        for hotline in both:
            hotline.clock.advance(seconds=(at - hotline.clock.now()).total_seconds())
        await asyncio.gather(*(hotline.app.state.watches.run_due() for hotline in both for _ in range(2)))
        await asyncio.gather(*(hotline.app.state.watches.run_due() for hotline in both))
    found = await facts(
        desk.staff, *TOLD, "duty.check_asked", "duty.unreachable", "duty.gap_found", "duty.gap_told", "duty.gap_closed"
    )
    seen = Counter(
        (
            f.type,
            f.chain,
            f.data["desk"],
            f.data["role"],
            f.data["doctor"] if "doctor" in f.data else f.data["told"],
            f.data["from"],
            f.data.get("told"),
        )
        for f in found
    )
    assert {f.type for f in found} >= {*TOLD, "duty.check_asked", "duty.unreachable", "duty.gap_told"}
    assert [what for what, times in seen.items() if times > 1] == []
    changed = await desk.staff.execute("SELECT count(*) AS n FROM duty_slot WHERE lower(during) = :at", at=EIGHT)
    begun = [f for f in found if f.type == "duty.started" and f.data["from"] == "2026-11-24T01:00:00Z"]
    assert len(begun) == 2 * changed[0].n > 100
    checks = await desk.staff.execute("SELECT count(*) AS n FROM reachability_check WHERE state = 'unanswered'")
    asked = [f for f in found if f.type == "duty.check_asked"]
    assert len(asked) == checks[0].n > 10
    gaps = await desk.staff.execute("SELECT count(DISTINCT key) AS keys, count(*) AS n FROM notice WHERE kind = 'gap'")
    assert gaps[0].keys == gaps[0].n


async def test_what_a_process_did_not_commit_before_it_died_is_due_still(
    desk: Ward, other: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hotline in (desk.hotline, other):
        hotline.clock.advance(seconds=(EIGHT - hotline.clock.now()).total_seconds())
    before = len(await facts(desk.staff, *TOLD))
    house = desk.hotline.app.state.house
    async with house.work(None) as work:
        rotas = await shift_facts.due(work, [], 10)
        assert await shift_facts.tell(work, rotas) > 0
        await work.session.rollback()  # as when the process is killed
    assert len(await facts(desk.staff, *TOLD)) == before
    await other.app.state.watches.run_due()
    morning = [f for f in await facts(desk.staff, "duty.started") if f.data["from"] == "2026-11-24T01:00:00Z"]
    slots = await desk.staff.execute("SELECT count(*) AS n FROM duty_slot WHERE lower(during) = :at", at=EIGHT)
    assert len(morning) == 2 * slots[0].n


async def test_a_rota_in_which_something_fails_rests_and_holds_up_no_other_and_is_an_alarm(
    desk: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = shift_facts.tell

    async def fails(work, ids) -> int:
        if UUID(desk.schedule) in ids:
            raise RuntimeError
        return await tell(work, ids)

    monkeypatch.setattr("app.realtime.watches.shift_facts.tell", fails)
    watches = desk.hotline.app.state.watches
    before = desk.now
    desk.hotline.clock.advance(seconds=(EIGHT - desk.now).total_seconds())
    await watches.run_due()
    begun = [f for f in await facts(desk.staff, "duty.started") if f.at > before]
    assert begun
    assert desk.desk not in {f.data["desk"] for f in begun}
    assert await watches.check() == []
    desk.hotline.clock.advance(seconds=31)
    assert await watches.check() == []  # the loop may be at it this moment
    desk.hotline.clock.advance(seconds=10)
    assert await watches.check() == ["shifts"]
    monkeypatch.setattr("app.realtime.watches.shift_facts.tell", tell)
    watches._resting.well(UUID(desk.schedule))
    await watches.run_due()
    assert await watches.check() == []
    assert desk.desk in {f.data["desk"] for f in await facts(desk.staff, "duty.started") if f.at > before}


async def test_a_publication_is_not_held_up_by_the_watch_nor_the_watch_by_a_publication(desk: Ward) -> None:
    house = desk.hotline.app.state.house
    desk.hotline.clock.advance(seconds=(EIGHT - desk.now).total_seconds())
    async with house.work(None) as publishing:
        await publishing.session.connection()
        await read_rotas(publishing, [UUID(desk.schedule)], lock=True)
        earliest = await asyncio.wait_for(desk.hotline.app.state.watches.run_due(), 20)
        assert earliest <= desk.now  # what is being published is due still
    assert await desk.hotline.app.state.watches.run_due() > desk.now


async def test_duty_is_cut_when_the_rota_is_had_and_not_when_it_was_first_asked_for(desk: Ward) -> None:
    [goes] = await desk.on("primary", desk.now)
    [comes] = await desk.staff.newcomers(1, hospital=desk.hospital, specialties=["K04"])
    statement, values = desk.override("replace", goes, desk.now, EIGHT, role="primary", by=comes)
    house = desk.hotline.app.state.house
    async with house.work(None) as work:
        await (await work.session.connection()).exec_driver_sql(statement, tuple(values.values()))
        desk.hotline.clock.advance(seconds=40)  # somebody else has the rota meanwhile
        await compile_duty(work, schedule_ids=[UUID(desk.schedule)])
        await house.commit(work)
    for person, bound in ((goes, "upper"), (comes, "lower")):
        [slot] = await desk.staff.execute(
            f"SELECT {bound}(during) AS at FROM duty_slot WHERE schedule_id = CAST(:s AS uuid) AND role = 'primary' "
            "AND doctor_id = CAST(:d AS uuid) AND during && tstzrange(CAST(:now AS timestamptz) - interval '1 hour', "
            "CAST(:now AS timestamptz) + interval '1 hour')",
            s=desk.schedule,
            d=desk.staff.id_of(person),
            now=desk.now,
        )
        assert slot.at == desk.now


async def test_the_loop_runs_by_itself_and_stops_when_it_is_told_to(desk: Ward) -> None:
    watches = desk.hotline.app.state.watches
    desk.hotline.clock.advance(seconds=(EIGHT - desk.now).total_seconds())
    running = asyncio.create_task(watches.run())
    async with asyncio.timeout(10):
        while not [f for f in await facts(desk.staff, "duty.started") if f.at == desk.now]:
            await asyncio.sleep(0.02)
    watches.stop()
    await asyncio.wait_for(running, 5)


async def test_a_swap_that_nobody_takes_lapses_at_its_start(desk: Ward) -> None:
    [giver] = await desk.on("backup", EIGHT)
    offered = await giver.post(
        "/swaps",
        {
            "desk": desk.desk,
            "role": "backup",
            "from": EIGHT.isoformat(),
            "to": (EIGHT + timedelta(hours=4)).isoformat(),
        },
    )
    assert offered.status_code == 201, offered.text
    await until(desk, EIGHT - timedelta(seconds=1))
    assert await facts(desk.staff, "swap.ended") == []
    await until(desk, EIGHT)
    ended = await facts(desk.staff, "swap.ended")
    assert {f.data["state"] for f in ended} == {"lapsed"}
