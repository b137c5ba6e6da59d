"""The shift changes, the rota is edited, an agreement ends: while a case rings."""

import asyncio
from datetime import timedelta
from uuid import UUID

from app.services.cases import departures, escalation
from tests.hotline import Person
from tests.staff import Staff
from tests.stories.laddering import (
    ADMIN,
    callout,
    cardiologists,
    desk_of,
    moment,
    names,
    off_duty,
    offers,
    only_on_duty,
    set_ladder,
)
from tests.stories.telling import REQUESTER, delivered, listening, offer_to, read

PRIMARY = {"who": ["primary"], "timeout_s": 600}


async def slot_until(house: Staff, person: Person, seconds: float) -> None:
    await house.execute(
        "UPDATE duty_slot SET during = tstzrange(lower(during), :end) WHERE doctor_id = CAST(:who AS uuid)",
        end=house.hotline.clock.now() + timedelta(seconds=seconds),
        who=house.id_of(person),
    )


async def slot_from(house: Staff, person: Person, seconds: float) -> None:
    await house.put_on_duty([person], desk=await desk_of(house), role="primary")
    await house.execute(
        "UPDATE duty_slot SET during = tstzrange(:start, upper(during)) WHERE doctor_id = CAST(:who AS uuid)",
        start=house.hotline.clock.now() + timedelta(seconds=seconds),
        who=house.id_of(person),
    )


async def test_at_the_end_of_the_shift_the_successor_is_rung_within_a_second_and_the_first_until_that_arrives(
    house: Staff,
) -> None:
    first, second = await cardiologists(house, 2)
    await set_ladder(house, [PRIMARY, {"who": ["backup"], "timeout_s": 60}])
    await only_on_duty(house, [first])
    await slot_until(house, first, 100)
    await slot_from(house, second, 100)
    await listening(house[REQUESTER], first, second)
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    await delivered(house, first, case)
    due = (await callout(house, case))["next_due_at"]
    await house.hotline.fast_forward(seconds=99)
    assert offers(await callout(house, case), house).keys() == set(names([first]))
    await house.hotline.fast_forward(seconds=2)
    ringing = await callout(house, case)
    assert offers(ringing, house) == dict.fromkeys(names([first, second]), ("made", None))
    assert ringing["next_due_at"] == due, "a step's time stands"
    await delivered(house, second, case)
    taken_back = await first.hears_event("offer.withdrawn", case)
    assert taken_back["d"]["reason"] == "off_duty"
    assert offers(await callout(house, case), house)[names([first])[0]] == ("withdrawn", "off_duty")
    await second.do(case, "acceptance")


async def test_a_publication_while_it_rings_is_seen_within_a_second_and_exactly_once(house: Staff) -> None:
    first, second = await cardiologists(house, 2)
    await set_ladder(house, [PRIMARY])
    await only_on_duty(house, [first])
    await listening(house[REQUESTER], first)
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    await delivered(house, first, case)
    await off_duty(house, "primary", first)
    await house.put_on_duty([second], desk=await desk_of(house), role="primary")
    for _ in range(3):
        await moment(house)
    made = (await callout(house, case))["offers"]
    assert [house.by_id[o["doctor"]] for o in made] == [first, second]


async def test_an_override_published_while_it_rings_rings_the_replacement_and_lets_the_first_go_once_that_arrives(
    house: Staff,
) -> None:
    people = [house[f"tn-timmach-{n}"] for n in range(1, 7)]
    await listening(house[REQUESTER], *people)
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    [first] = house.rung(case)
    desk = await desk_of(house)
    rota = (await house[ADMIN].get(f"/desks/{desk}/rota")).json()
    on = {s["doctor"] for s in (await first.get(f"/desks/{desk}/on-call")).json()["on_call"]}
    second = next(p for p in people if house.id_of(p) not in on)
    await delivered(house, first, case)
    now = house.hotline.clock.now()
    body = {"kind": "replace", "role": "primary", "doctor": house.id_of(first), "by": house.id_of(second)}
    body |= {"from": now.isoformat(), "to": (now + timedelta(hours=2)).isoformat(), "reason": "Ốm"}
    change = {"op": "put", "kind": "override", "body": body}
    published = await house[ADMIN].post(f"/desks/{desk}/rota", {"version": rota["version"], "changes": [change]})
    assert published.status_code == 200, published.text
    for _ in range(2):
        await moment(house)
    assert [house.by_id[o["doctor"]] for o in (await callout(house, case))["offers"]] == [first, second]
    assert offers(await callout(house, case), house)[names([first])[0]] == ("made", None)
    await delivered(house, second, case)
    assert offers(await callout(house, case), house)[names([first])[0]] == ("withdrawn", "off_duty")
    assert (await second.do(case, "acceptance"))["holder"] == house.id_of(second)


async def test_a_step_that_is_removed_while_it_escalates_is_rung_all_the_same(house: Staff) -> None:
    first, second = await cardiologists(house, 2)
    later = {"who": ["backup"], "timeout_s": 60}
    await set_ladder(house, [PRIMARY, later])
    await only_on_duty(house, [first])
    await only_on_duty(house, [second], role="backup")
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    await set_ladder(house, [PRIMARY])
    await house.hotline.fast_forward(seconds=31)
    assert house.rung(await read(house[REQUESTER], case)) == [first, second]
    await set_ladder(house, [])
    await house.hotline.fast_forward(seconds=61)
    ringing = await callout(house, case)
    assert [o["role"] for o in ringing["offers"]][:3] == ["primary", "backup", "coordinator"]
    younger = await house.hotline.ask("K04", by=house[REQUESTER])
    assert {o["role"] for o in younger["callouts"][0]["offers"]} == {"coordinator"}


async def test_a_change_that_another_process_saw_first_is_not_acted_on_twice(house: Staff) -> None:
    first, second = await cardiologists(house, 2)
    await set_ladder(house, [PRIMARY])
    await only_on_duty(house, [first])
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    await house.put_on_duty([second], desk=await desk_of(house), role="primary")
    timers = house.hotline.app.state.timers
    for _ in range(3):
        await timers.run_due()
    seen = await read(house[REQUESTER], case)
    assert len([o for o in seen["callouts"][0]["offers"] if o["doctor"] == house.id_of(second)]) == 1
    version = seen["version"]
    await timers.run_due()
    assert (await read(house[REQUESTER], case))["version"] == version


async def test_a_closed_account_that_rings_is_replaced_at_once(house: Staff) -> None:
    first, second = await cardiologists(house, 2)
    await set_ladder(house, [PRIMARY, {"who": ["backup"], "timeout_s": 60}])
    await only_on_duty(house, [first])
    await only_on_duty(house, [second], role="backup")
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    running = house.hotline.app.state.house
    await house.execute("UPDATE user_account SET active = false WHERE id = CAST(:id AS uuid)", id=house.id_of(first))
    async with running.work(None) as work:
        await departures.release(work, UUID(house.id_of(first)))
        await running.commit(work)
    await house.hotline.run_due()
    ringing = offers(await callout(house, case), house)
    assert ringing == {names([first])[0]: ("withdrawn", "off_duty"), names([second])[0]: ("made", None)}


async def test_an_agreement_that_ends_while_a_case_rings_changes_nothing_for_it(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    [first] = house.rung(case)
    await house.execute(
        "UPDATE agreement SET during = tstzrange(lower(during), :now) WHERE during @> CAST(:now AS timestamptz)",
        now=house.hotline.clock.now(),
    )
    await house.hotline.fast_forward(minutes=6)
    assert len(house.rung(await read(house[REQUESTER], case))) > 1
    held = await first.do(case, "acceptance")
    assert held["holder"] == house.id_of(first)
    after = await house[REQUESTER].post(
        "/consultations", {"specialty": "K04", "urgency": "yellow", "question": "Q1", "patient": {"label": "A1"}}
    )
    assert after.json()["type"] == "/problems/no-agreement"


async def test_a_leaver_whose_successor_never_answers_can_still_accept(house: Staff) -> None:
    first, second = await cardiologists(house, 2)
    await set_ladder(house, [PRIMARY])
    await only_on_duty(house, [first])
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    await only_on_duty(house, [second])
    await moment(house)
    assert offer_to(await read(house[REQUESTER], case), house, first)["state"] == "made"
    assert (await first.do(case, "acceptance"))["holder"] == house.id_of(first)


async def test_a_stale_timer_does_nothing(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    before = (await read(house[REQUESTER], case))["version"]
    running = house.hotline.app.state.house
    async with running.work(None) as work:
        assert not await escalation.fire(work, UUID(case["id"]))
        assert not work.facts
        assert not work.touched
    house.hotline.clock.advance(seconds=31)
    for expected in (True, False):
        async with running.work(None) as work:
            assert await escalation.fire(work, UUID(case["id"])) is expected
            await running.commit(work)
    ringing = await callout(house, case)
    assert len(ringing["offers"]) == 2
    assert (await read(house[REQUESTER], case))["version"] > before


async def test_a_process_that_was_stopped_past_a_timeout_and_a_shift_rings_each_exactly_once(house: Staff) -> None:
    first, second = await cardiologists(house, 2)
    [third] = await cardiologists(house, 1)
    await set_ladder(house, [PRIMARY, {"who": ["backup"], "timeout_s": 600}])
    await only_on_duty(house, [first])
    await only_on_duty(house, [third], role="backup")
    await slot_until(house, first, 300)
    await slot_from(house, second, 300)
    await listening(house[REQUESTER], first)
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    await delivered(house, first, case)
    house.hotline.clock.advance(minutes=40)
    await asyncio.gather(*(house.hotline.app.state.timers.run_due() for _ in range(3)))
    ringing = await callout(house, case)
    assert [house.by_id[o["doctor"]] for o in ringing["offers"]] == [first, second, third]
    assert ringing["step"] == 1
    assert ringing["next_due_at"][:16] == (house.hotline.clock.now() + timedelta(minutes=10)).isoformat()[:16]


async def test_of_several_who_accept_at_once_exactly_one_has_it(house: Staff) -> None:
    people = await cardiologists(house, 3)
    await set_ladder(house, [PRIMARY])
    await only_on_duty(house, people)
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    answers = await asyncio.gather(*(p.post(f"/consultations/{case['id']}/acceptance") for p in people))
    assert sorted(a.status_code for a in answers) == [200, 409, 409]
    states = [o["state"] for o in (await callout(house, case))["offers"]]
    assert sorted(states) == ["accepted", "withdrawn", "withdrawn"]
