"""«Are you there?» is asked before a duty that does not follow one's own; silence is an alarm for the coordinator."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.errors import CheckOver, NotByEmail
from app.services.rostering import reachability
from tests.hotline import Json, Person
from tests.staff import Staff
from tests.watch.ward import Ward, facts

EIGHT = datetime(2026, 11, 24, 1, tzinfo=UTC)  # 08:00 in Vietnam; it is 03:04
NIGHTFALL = datetime(2026, 11, 24, 13, tzinfo=UTC)


@pytest_asyncio.fixture
async def asking(desk: Ward) -> Ward:
    """The desk of a hospital that asks; the demonstration does not by itself."""
    desk.hotline.app.state.house.settings.reachability = "on"
    return desk


@pytest_asyncio.fixture
async def newcomer(asking: Ward) -> Person:
    """Somebody who is second on call from eight in the morning until eight at night, for the first time."""
    [person] = await asking.staff.newcomers(1, hospital=asking.hospital, specialties=["K04"])
    await asking.publish(asking.override("add", person, EIGHT, NIGHTFALL, role="backup"))
    return person


async def until(desk: Ward, at: datetime) -> None:
    await desk.hotline.fast_forward(seconds=(at - desk.now).total_seconds())


async def checks(person: Person) -> list[Json]:
    answer = await person.get("/duty/checks")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def said(desk: Ward, person: Person, *types: str) -> list[tuple[str, str]]:
    """What was said of this person: type, and kind of chain."""
    found = await facts(desk.staff, *types)
    me = desk.staff.id_of(person)
    return [(f.type.removeprefix("duty."), f.chain.partition(":")[0]) for f in found if f.data.get("doctor") == me]


async def has_channel(desk: Ward, person: Person, kind: str = "sms") -> None:
    await desk.staff.execute(
        "INSERT INTO channel (id, user_id, kind, address, position, added_at) "
        "VALUES (:id, CAST(:user AS uuid), :kind, '0900 000 001', 1, :now)",
        id=uuid4(),
        user=desk.staff.id_of(person),
        kind=kind,
        now=desk.now,
    )


async def notices(desk: Ward, person: Person) -> list[tuple[str, str, bool]]:
    rows = await desk.staff.execute(
        "SELECT kind, state, urgent FROM notice WHERE user_id = CAST(:user AS uuid) ORDER BY made_at, id",
        user=desk.staff.id_of(person),
    )
    return [(row.kind, row.state, row.urgent) for row in rows]


async def test_a_demonstration_asks_nobody_unless_it_is_told_to(desk: Ward) -> None:
    await desk.hotline.fast_forward(hours=6)
    assert await facts(desk.staff, "duty.check_asked", "duty.unreachable") == []


async def test_whoever_begins_a_duty_is_asked_once_a_quarter_of_an_hour_before_it(
    asking: Ward, newcomer: Person
) -> None:
    await has_channel(asking, newcomer)
    await newcomer.connect()
    await until(asking, EIGHT - timedelta(minutes=15, seconds=1))
    assert await checks(newcomer) == []
    await until(asking, EIGHT - timedelta(minutes=15))
    asked = await newcomer.hears_event("duty.check_asked")
    [check] = await checks(newcomer)
    assert asked["d"]["check_id"] == check["id"]
    assert (check["role"], check["state"], check["from"], check["answer_by"]) == (
        "backup",
        "asked",
        "2026-11-24T01:00:00Z",
        "2026-11-24T01:00:00Z",
    )
    await until(asking, EIGHT - timedelta(minutes=1))
    assert await said(asking, newcomer, "duty.check_asked") == [("check_asked", "user")]
    assert await notices(asking, newcomer) == [("reachability", "waiting", True)]
    answered = await newcomer.post(f"/duty/checks/{check['id']}/answer", {})
    assert (answered.status_code, answered.json()["state"], answered.json()["via"]) == (200, "answered", "client")
    assert await checks(newcomer) == []
    assert await notices(asking, newcomer) == [("reachability", "stopped", True)]
    again = await newcomer.post(f"/duty/checks/{check['id']}/answer", {})
    assert again.json()["answered_at"] == answered.json()["answered_at"]
    await until(asking, EIGHT + timedelta(hours=1))
    assert await said(asking, newcomer, "duty.check_answered", "duty.unreachable") == [
        ("check_answered", "hospital"),
        ("check_answered", "user"),
    ]


async def test_whoever_is_on_duty_in_that_rota_already_in_any_role_is_not_asked(asking: Ward) -> None:
    [going_on] = await asking.on("backup", asking.now)
    assert [going_on] == await asking.on("primary", EIGHT)  # the demo's second of today is the first of tomorrow
    await until(asking, EIGHT + timedelta(minutes=20))
    assert await said(asking, going_on, "duty.check_asked", "duty.unreachable") == []


async def test_nobody_answers_so_the_coordinator_is_rung_and_the_doctor_is_rung_for_patients_all_the_same(
    asking: Ward, newcomer: Person
) -> None:
    await until(asking, EIGHT - timedelta(seconds=1))
    assert await asking.gaps() == []
    await until(asking, EIGHT)
    coordinator = await asking.coordinator()
    await coordinator.connect()
    [gap] = [g for g in await asking.gaps() if g["doctor"] == asking.staff.id_of(newcomer)]
    assert (gap["kind"], gap["role"], gap["to"], gap["running"], gap["hours_left"]) == (
        "unreachable",
        "backup",
        "2026-11-24T13:00:00Z",
        True,
        0.0,
    )
    told = await facts(asking.staff, "duty.unreachable")
    heard_by = (f"hospital:{asking.hospital}", *(f"user:{asking.staff.id_of(p)}" for p in (newcomer, coordinator)))
    assert sorted(f.chain for f in told if f.data["gap_id"] == gap["id"]) == sorted(heard_by)
    snapshot = await coordinator.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("hospital:"))
    [board] = [d for d in snapshot["d"]["desks"] if d["desk"] == asking.desk]
    away = {p["doctor"]: p["reachable"] for p in board["on_call"]}
    assert away[asking.staff.id_of(newcomer)] is False
    assert gap["id"] in [g["id"] for g in board["gaps"] if g["kind"] == "unreachable"]
    requester = asking.staff["mocchau-capcuu-1"]
    case = await asking.hotline.ask("K04", by=requester)
    await asking.hotline.fast_forward(minutes=6)
    assert newcomer in asking.staff.rung((await requester.get(f"/consultations/{case['id']}")).json())


async def test_a_head_who_cannot_be_reached_where_nobody_coordinates_is_told_to_the_administrators(
    asking: Ward, newcomer: Person
) -> None:
    await asking.staff.execute(
        "UPDATE user_account SET active = false WHERE role = 'coordinator' AND hospital_id = CAST(:h AS uuid)",
        h=asking.hospital,
    )
    await asking.staff.execute(
        "UPDATE schedule SET head_id = CAST(:d AS uuid) WHERE id = CAST(:s AS uuid)",
        d=asking.staff.id_of(newcomer),
        s=asking.schedule,
    )
    await until(asking, EIGHT)
    told = [
        f for f in await facts(asking.staff, "duty.unreachable") if f.data["doctor"] == asking.staff.id_of(newcomer)
    ]
    acts = f"user:{asking.staff.id_of(asking.staff['tn-quantri'])}"
    assert acts in {fact.chain for fact in told}


async def test_a_late_answer_ends_the_alarm_and_until_then_it_is_told_every_hour(
    asking: Ward, newcomer: Person
) -> None:
    await until(asking, EIGHT)
    coordinator = await asking.coordinator()
    await has_channel(asking, coordinator)
    await until(asking, EIGHT + timedelta(hours=2, minutes=10))
    [gap] = [g for g in await asking.gaps() if g["doctor"] == asking.staff.id_of(newcomer)]
    assert gap["told"] == 3
    assert ("alarm", "waiting", True) in await notices(asking, coordinator)
    [check] = await checks(newcomer)
    assert check["state"] == "unanswered"
    assert (await newcomer.post(f"/duty/checks/{check['id']}/answer", {})).status_code == 200
    assert gap["id"] not in [g["id"] for g in await asking.gaps()]
    [closed] = await facts(asking.staff, "duty.gap_closed", chain=f"hospital:{asking.hospital}")
    assert (closed.data["gap_id"], closed.data["why"]) == (gap["id"], "answered")
    await until(asking, EIGHT + timedelta(hours=6))
    assert gap["id"] not in [g["id"] for g in await asking.gaps()]


async def test_duty_that_is_taken_away_takes_its_question_and_its_alarm_along(asking: Ward, newcomer: Person) -> None:
    await newcomer.connect()
    await until(asking, EIGHT - timedelta(minutes=10))
    assert len(await checks(newcomer)) == 1
    await asking.publish(asking.without_overrides())
    await newcomer.hears_event("duty.check_dropped")
    assert await checks(newcomer) == []
    await until(asking, EIGHT + timedelta(minutes=1))
    assert await said(asking, newcomer, "duty.unreachable", "duty.started") == []


async def test_duty_that_is_taken_away_after_the_alarm_closes_it(asking: Ward, newcomer: Person) -> None:
    await until(asking, EIGHT + timedelta(minutes=1))
    [gap] = [g for g in await asking.gaps() if g["doctor"] == asking.staff.id_of(newcomer)]
    await asking.publish(asking.without_overrides())
    await asking.hotline.run_due()
    assert gap["id"] not in [g["id"] for g in await asking.gaps()]
    assert await checks(newcomer) == []


async def test_duty_put_on_the_rota_at_the_last_moment_is_asked_about_at_once_and_has_five_minutes(
    asking: Ward,
) -> None:
    [substitute] = await asking.staff.newcomers(1, hospital=asking.hospital, specialties=["K04"])
    await asking.publish(
        asking.override("add", substitute, asking.now, asking.now + timedelta(hours=4), role="primary")
    )
    await asking.hotline.run_due()
    [check] = await checks(substitute)
    begun = datetime.fromisoformat(check["from"])
    assert begun == asking.now
    assert datetime.fromisoformat(check["answer_by"]) == begun + timedelta(minutes=5)
    await asking.hotline.fast_forward(minutes=4, seconds=59)
    assert await said(asking, substitute, "duty.unreachable") == []
    await asking.hotline.fast_forward(seconds=1)
    assert await said(asking, substitute, "duty.unreachable")
    await asking.publish(
        asking.override(
            "remove", substitute, asking.now + timedelta(hours=1), asking.now + timedelta(hours=4), role="primary"
        )
    )
    [gap] = [g for g in await asking.gaps() if g["doctor"] == asking.staff.id_of(substitute)]
    assert datetime.fromisoformat(gap["to"]) == asking.now + timedelta(hours=1)
    await asking.hotline.fast_forward(hours=1)
    assert gap["id"] not in [g["id"] for g in await asking.gaps()]
    refused = await substitute.post(f"/duty/checks/{check['id']}/answer", {})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/check-over")


async def test_one_answer_says_it_for_every_desk(asking: Ward, newcomer: Person) -> None:
    other = asking.staff["tn-noi-1"].account["desk"]
    await asking.staff.execute(
        "INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during) SELECT :id, s.id, CAST(:doctor AS uuid), "
        "'backup', tstzrange(:start, :end) FROM schedule s WHERE s.desk_id = CAST(:desk AS uuid)",
        id=uuid4(),
        doctor=asking.staff.id_of(newcomer),
        desk=other,
        start=EIGHT,
        end=NIGHTFALL,
    )
    await until(asking, EIGHT - timedelta(minutes=15))
    both = await checks(newcomer)
    assert sorted(c["desk"] for c in both) == sorted([other, asking.desk])
    await newcomer.post(f"/duty/checks/{both[0]['id']}/answer", {})
    assert await checks(newcomer) == []


async def test_a_question_is_answered_by_its_doctor_alone_and_by_what_proves_something(
    asking: Ward, newcomer: Person
) -> None:
    await until(asking, EIGHT - timedelta(minutes=15))
    [check] = await checks(newcomer)
    for somebody in (asking.head, await asking.coordinator(), asking.staff["vanhanh"], asking.staff["tn-quantri"]):
        assert (await somebody.post(f"/duty/checks/{check['id']}/answer", {})).status_code == 404
        assert check["id"] not in [c["id"] for c in await checks(somebody)]
    for path, body, status in (
        (f"/duty/checks/{uuid4()}/answer", {}, 404),
        ("/duty/checks/me/answer", {}, 404),
        (f"/duty/checks/{check['id']}/answer", {"here": True}, 422),
    ):
        assert (await newcomer.post(path, body)).status_code == status, path
    house = asking.hotline.app.state.house
    me, this = UUID(asking.staff.id_of(newcomer)), UUID(check["id"])
    async with house.work(None) as work:
        with pytest.raises(NotByEmail):
            await reachability.answer(work, this, me, "email")
    async with house.work(None) as work:
        done = await reachability.answer(work, this, me, "voice")
        await house.commit(work)
    assert (done.state, done.via) == ("answered", "voice")
    await until(asking, NIGHTFALL)
    async with house.work(None) as work:
        with pytest.raises(CheckOver):
            await asking_again(asking.staff, work, this, me)


async def asking_again(staff: Staff, work, check: UUID, doctor: UUID) -> None:
    """The same question as if it had never been answered."""
    await work.session.execute(
        reachability.text("UPDATE reachability_check SET state = 'unanswered' WHERE id = :id").bindparams(id=check)
    )
    await reachability.answer(work, check, doctor, "voice")
