"""Who is rung first, who has no room, and what waits for them."""

from datetime import timedelta

from tests.hotline import Json, Person
from tests.staff import Staff
from tests.stories.laddering import (
    ADMIN,
    callout,
    cardiologists,
    desk_of,
    moment,
    names,
    offers,
    only_on_duty,
    set_ladder,
)
from tests.stories.telling import CONCLUSION, REQUESTER, delivered, listening, read

TURNS = {"who": ["primary"], "mode": "least_offered", "timeout_s": 60}
TOGETHER = {"who": ["primary"], "timeout_s": 600}


async def ask(house: Staff, urgency: str, **more) -> Json:
    return await house.hotline.ask("K04", by=house[REQUESTER], urgency=urgency, **more)


async def first_of(house: Staff, urgency: str = "orange") -> Person:
    [who] = house.rung(await ask(house, urgency))
    return who


async def test_whoever_was_asked_least_today_is_asked_first(house: Staff) -> None:
    people = await cardiologists(house, 3)
    await set_ladder(house, [TURNS])
    await only_on_duty(house, people)
    asked = []
    for _ in range(6):
        asked += names([await first_of(house)])
        house.hotline.clock.advance(seconds=1)
    assert sorted(asked[:3]) == sorted(names(people))
    assert asked[3:] == asked[:3]


async def test_in_turns_a_refusal_rings_the_next_at_once(house: Staff) -> None:
    people = await cardiologists(house, 2)
    await set_ladder(house, [TURNS])
    await only_on_duty(house, people)
    case = await ask(house, "orange")
    [first] = house.rung(case)
    await first.do(case, "refusal", {"reason": "busy"})
    [second] = house.rung(await read(house[REQUESTER], case))
    assert {*names([first, second])} == {*names(people)}
    assert (await callout(house, case))["step"] == 0


async def hold(house: Staff, who: Person, urgency: str = "yellow") -> Json:
    case = await ask(house, urgency)
    return await who.do(case, "acceptance")


async def test_a_routine_case_passes_over_who_has_no_room_and_waits_for_them(house: Staff) -> None:
    [busy] = await cardiologists(house, 1, capacity=1)
    [free] = await cardiologists(house, 1)
    await set_ladder(house, [TOGETHER], urgency="yellow")
    await only_on_duty(house, [busy, free])
    held = await hold(house, busy)
    waits = await ask(house, "yellow")
    assert house.rung(waits) == [free]
    assert [d["doctor"] for d in waits["callouts"][0]["ladder"][0]["passed_over"]] == [house.id_of(busy)]
    queue = (await busy.get("/me/waiting")).json()
    assert [row["consultation_id"] for row in queue["items"]] == [waits["id"]]
    assert (queue["held"], queue["capacity"]) == (1, 1)
    await moment(house)
    assert house.rung(await read(house[REQUESTER], waits)) == [free]

    await busy.do(held, "conclusion", CONCLUSION)
    await moment(house)
    assert offers(await callout(house, waits), house) == dict.fromkeys(names([free, busy]), ("made", None))
    assert (await busy.get("/me/waiting")).json()["items"] == []
    assert (await busy.do(waits, "acceptance"))["holder"] == house.id_of(busy)


async def give_room(house: Staff, doctor: Person, capacity: int | None) -> None:
    path = f"/desks/{await desk_of(house)}/doctors/{house.id_of(doctor)}/capacity"
    answer = await house[ADMIN].put(path, {"capacity": capacity})
    assert answer.status_code == 200, answer.text


async def test_when_an_administrator_gives_more_room_the_queue_moves_at_once_and_no_further_than_there_is_room(
    house: Staff,
) -> None:
    [busy] = await cardiologists(house, 1)
    await set_ladder(house, [TOGETHER], urgency="yellow")
    await only_on_duty(house, [busy])
    await give_room(house, busy, 1)
    await hold(house, busy)
    waiting = []
    for _ in range(3):
        waiting.append(await ask(house, "yellow"))
        house.hotline.clock.advance(seconds=1)
    await give_room(house, busy, 2)
    await moment(house)
    rings = [busy in house.rung(await read(house[REQUESTER], case)) for case in waiting]
    assert rings == [True, False, False]
    assert (await busy.do(waiting[0], "acceptance"))["holder"] == house.id_of(busy)
    await give_room(house, busy, None)
    await moment(house)
    assert [busy in house.rung(await read(house[REQUESTER], case)) for case in waiting[1:]] == [True, True]
    assert (await busy.get("/me/waiting")).json()["items"] == []


async def test_with_less_room_what_rings_goes_on_and_is_counted_by_the_new_number_when_it_is_accepted(
    house: Staff,
) -> None:
    [doctor] = await cardiologists(house, 1)
    await set_ladder(house, [TOGETHER], urgency="yellow")
    await only_on_duty(house, [doctor])
    held = await hold(house, doctor)
    rings = await ask(house, "yellow")
    await give_room(house, doctor, 1)
    await moment(house)
    assert house.rung(await read(house[REQUESTER], rings)) == [doctor]
    refused = await doctor.post(f"/consultations/{rings['id']}/acceptance")
    assert (refused.status_code, refused.json()["capacity"]) == (409, 1)
    await doctor.do(held, "conclusion", CONCLUSION)
    await doctor.do(rings, "acceptance")


async def test_of_several_that_wait_the_most_urgent_then_the_oldest_is_offered_and_no_more_than_there_is_room_for(
    house: Staff,
) -> None:
    [busy] = await cardiologists(house, 1, capacity=1)
    for urgency in ("yellow", "green"):
        await set_ladder(house, [TOGETHER], urgency=urgency)
    await only_on_duty(house, [busy])
    held = await hold(house, busy)
    waiting = []
    for urgency in ("green", "yellow", "yellow"):
        waiting.append(await ask(house, urgency))
        house.hotline.clock.advance(seconds=1)
    green, yellow, younger = waiting
    listed = [row["consultation_id"] for row in (await busy.get("/me/waiting")).json()["items"]]
    assert listed == [yellow["id"], younger["id"], green["id"]]
    await busy.do(held, "conclusion", CONCLUSION)
    await moment(house)
    rung = [c["id"] for c in waiting if busy in house.rung(await read(house[REQUESTER], c))]
    assert rung == [yellow["id"]]
    await busy.do(yellow, "refusal", {"reason": "procedure"})
    await moment(house)
    rung = [c["id"] for c in waiting if busy in house.rung(await read(house[REQUESTER], c))]
    assert rung == [younger["id"]]


async def test_an_emergency_rings_whoever_is_on_duty_and_is_taken_all_the_same(house: Staff) -> None:
    [busy] = await cardiologists(house, 1, capacity=1)
    await set_ladder(house, [TOGETHER], urgency="yellow")
    await set_ladder(house, [TOGETHER], urgency="orange")
    await only_on_duty(house, [busy])
    await hold(house, busy)
    case = await ask(house, "orange")
    assert house.rung(case) == [busy]
    assert (await busy.do(case, "acceptance"))["holder"] == house.id_of(busy)


async def test_room_is_counted_again_at_acceptance(house: Staff) -> None:
    [doctor] = await cardiologists(house, 1, capacity=1)
    await set_ladder(house, [TOGETHER], urgency="yellow")
    await only_on_duty(house, [doctor])
    one, other = await ask(house, "yellow"), await ask(house, "yellow")
    assert house.rung(one) == house.rung(other) == [doctor]
    await doctor.do(one, "acceptance")
    refused = await doctor.post(f"/consultations/{other['id']}/acceptance")
    assert refused.status_code == 409
    assert (refused.json()["type"], refused.json()["held"]) == ("/problems/at-capacity", 1)
    assert "1" in refused.json()["detail"]
    await doctor.do(one, "conclusion", CONCLUSION)
    await doctor.do(other, "acceptance")


async def test_with_nobody_who_has_room_a_coordinator_is_rung(house: Staff) -> None:
    [busy] = await cardiologists(house, 1, capacity=0)
    await set_ladder(house, [TOGETHER], urgency="yellow")
    await only_on_duty(house, [busy])
    case = await ask(house, "yellow")
    assert {o["role"] for o in case["callouts"][0]["offers"]} == {"coordinator"}


# --- the doctor who knows the patient -----------------------------------------------------------------------------

KNOWN = {"label": "MC-018", "identifiers": [{"system": "cccd", "value": "038068001234"}]}


async def test_the_doctor_who_knows_the_patient_is_rung_first_and_alone_for_a_minute(house: Staff) -> None:
    known, other = await cardiologists(house, 2)
    await set_ladder(house, [TOGETHER])
    await only_on_duty(house, [known, other])
    before = await ask(house, "orange", patient=KNOWN)
    await known.do(before, "acceptance")
    house.hotline.clock.advance(hours=2)
    await listening(house[REQUESTER], known)
    case = await ask(house, "orange", patient=KNOWN)
    assert house.rung(case) == [known]
    assert case["callouts"][0]["ladder"][0]["sticky"]
    await delivered(house, known, case)
    await house.hotline.fast_forward(seconds=59)
    assert house.rung(await read(house[REQUESTER], case)) == [known]
    await house.hotline.fast_forward(seconds=2)
    assert house.rung(await read(house[REQUESTER], case)) == [known, other]
    named = await ask(house, "orange", previous_id=before["id"])
    assert house.rung(named) == [known]


async def test_nobody_is_waited_for_who_is_not_reachable_or_not_on_duty_or_when_it_is_red(house: Staff) -> None:
    known, other = await cardiologists(house, 2)
    await set_ladder(house, [TOGETHER])
    await only_on_duty(house, [known, other])
    before = await ask(house, "orange", patient=KNOWN)
    await known.do(before, "acceptance")
    assert set(names(house.rung(await ask(house, "orange", patient=KNOWN)))) == set(names([known, other]))
    await known.connect()
    assert not (await ask(house, "red", patient=KNOWN))["callouts"][0]["ladder"][0]["sticky"]
    house.hotline.clock.advance(hours=1)
    await house.execute(
        "UPDATE consultation SET held_since = :long_ago WHERE id = CAST(:id AS uuid)",
        long_ago=house.hotline.clock.now() - timedelta(days=31),
        id=before["id"],
    )
    assert set(names(house.rung(await ask(house, "orange", patient=KNOWN)))) == set(names([known, other]))


async def test_a_case_that_one_may_not_read_names_no_doctor(house: Staff) -> None:
    known, other = await cardiologists(house, 2)
    await set_ladder(house, [TOGETHER])
    await only_on_duty(house, [known, other])
    before = await ask(house, "orange")
    await known.do(before, "acceptance")
    await known.connect()
    stranger = house["sonla-hstc-1"]
    case = await house.hotline.ask("K04", by=stranger, urgency="orange", previous_id=before["id"])
    assert len(house.rung(case)) == 2
