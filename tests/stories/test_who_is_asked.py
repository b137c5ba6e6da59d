"""Which desk is rung, and what the asking doctor is warned of."""

from tests.hotline import Person
from tests.staff import Staff
from tests.stories.telling import REQUESTER, WARD_MATE, listening, read

TWIN = {"patient": {"label": "MC-017", "sex": "male", "age_years": 58}}


async def ask(person: Person, **body) -> dict:
    answer = await person.post("/consultations", {"question": "?1", "patient": {"label": "MC-017"}} | body)
    return {"status_code": answer.status_code} | answer.json()


async def test_an_emergency_outside_any_agreement_rings_all_the_same_and_says_so(house: Staff) -> None:
    requester = house[REQUESTER]
    for urgency in ("red", "orange"):
        case = await ask(requester, specialty="K28", urgency=urgency)
        assert case["status_code"] == 201
        assert "outside_agreement" in case["warnings"]
        assert house.rung(case)
        card = (await house.rung(case)[0].get("/offers")).json()["items"][-1]["card"]
        assert "outside_agreement" in card["warnings"]


async def test_an_emergency_in_a_specialty_that_no_desk_has_rings_an_emergency_desk(house: Staff) -> None:
    case = await ask(house[REQUESTER], specialty="K13", urgency="orange")
    assert set(case["warnings"]) == {"outside_agreement", "other_specialty"}
    [first] = house.rung(case)
    assert first.account["specialty"] == "K02"
    case = await first.do(case, "acceptance")
    assert case["holder"] == house.id_of(first)


async def test_a_routine_request_outside_any_agreement_is_not_sent_and_says_whom_one_could_ask(house: Staff) -> None:
    for urgency in ("yellow", "green"):
        refused = await ask(house[REQUESTER], specialty="K28", urgency=urgency)
        assert refused["status_code"] == 409
        assert refused["type"] == "/problems/no-agreement"
        assert any("Tai Mũi Họng" in hospital for hospital in refused["could_ask"])
        assert "Tai Mũi Họng" in refused["detail"]
    [row] = await house.execute("SELECT count(*) AS n FROM consultation")
    assert row.n == 0


async def test_where_a_desk_has_nobody_at_all_the_next_is_rung_and_with_none_the_request_is_not_taken(
    house: Staff,
) -> None:
    requester = house[REQUESTER]
    first_desk = (await ask(requester, specialty="K04", urgency="orange"))["callouts"][0]["desk"]
    await house.execute("UPDATE user_account SET active = false WHERE role = 'coordinator'")
    await house.execute(
        "DELETE FROM duty_slot d USING schedule s, desk k WHERE s.id = d.schedule_id AND k.id = CAST(:desk AS uuid) "
        "AND (s.desk_id = k.id OR s.hospital_id = k.hospital_id)",
        desk=first_desk,
    )
    await house.execute("DELETE FROM duty_slot WHERE role <> 'backup'")
    case = await ask(requester, specialty="K04", urgency="orange", patient={"label": "MC-018"})
    assert case["status_code"] == 201
    [call] = case["callouts"]
    assert call["desk"] != first_desk
    assert {o["role"] for o in call["offers"]} == {"backup"}
    await house.execute("DELETE FROM duty_slot")
    for urgency in ("red", "yellow"):
        refused = await ask(requester, specialty="K04", urgency=urgency, patient={"label": "MC-019"})
        assert (refused["status_code"], refused["type"]) == (409, "/problems/nobody-to-ring")
    assert len(await house.execute("SELECT id FROM consultation")) == 2


async def test_a_case_that_rings_nobody_is_overdue_whatever_its_due_time_says(house: Staff) -> None:
    case = await ask(house[REQUESTER], specialty="K04", urgency="orange")
    house.hotline.clock.advance(seconds=29)
    await house.execute("UPDATE offer SET state = 'withdrawn'")
    await house.execute("UPDATE callout SET next_due_at = next_due_at + interval '1 day'")
    timers = house.hotline.app.state.timers
    assert await timers.check() == 0
    house.hotline.clock.advance(seconds=2)
    assert await timers.check() == 1
    assert case["callouts"][0]["state"] == "ringing"


async def test_of_several_desks_the_first_whose_first_step_has_somebody_is_rung(house: Staff) -> None:
    requester = house["gialai-capcuu-1"] if "gialai-capcuu-1" in house.by_username else None
    asking = requester or next(
        p
        for p in house.by_username.values()
        if p.account["role"] == "requester"
        and "K27" in p.account["may_ask"]
        and p.account["hospital"] != house[REQUESTER].account["hospital"]
        and "K28" in p.account["may_ask"]
    )
    first_desk = (await ask(asking, specialty="K27", urgency="yellow"))["callouts"][0]["desk"]
    await house.execute(
        "DELETE FROM duty_slot WHERE role = 'primary' AND schedule_id = "
        "(SELECT id FROM schedule WHERE desk_id = CAST(:desk AS uuid))",
        desk=first_desk,
    )
    again = await ask(asking, specialty="K27", urgency="yellow")
    assert again["callouts"][0]["desk"] != first_desk
    assert house.rung(again)


async def test_with_nobody_on_duty_anywhere_all_coordinators_of_the_hospital_are_rung_at_once(house: Staff) -> None:
    await house.execute("DELETE FROM duty_slot")
    case = await ask(house[REQUESTER], specialty="K04", urgency="orange")
    assert case["status_code"] == 201
    central = house["tn-timmach-1"].account["hospital"]
    coordinators = [a for a in house.hotline.accounts if a["role"] == "coordinator" and a["hospital"] == central]
    assert len(house.rung(case, role="coordinator")) == len(coordinators) > 1
    assert case["callouts"][0]["next_due_at"]


async def test_without_a_coordinator_there_those_of_the_asking_hospital_are_rung(house: Staff) -> None:
    await house.execute("DELETE FROM duty_slot")
    await house.execute(
        "UPDATE user_account SET active = false WHERE role = 'coordinator' AND hospital_id = CAST(:id AS uuid)",
        id=house["tn-timmach-1"].account["hospital"],
    )
    case = await ask(house[REQUESTER], specialty="K04", urgency="orange")
    assert {p.account["hospital"] for p in house.rung(case)} == {house[REQUESTER].account["hospital"]}


async def test_nobody_is_offered_their_own_request(house: Staff) -> None:
    requester = house[REQUESTER]
    desk = house["tn-timmach-1"].account["desk"]
    for role in ("primary", "red_team"):
        await house.put_on_duty([requester], desk=desk, role=role)
    for urgency in ("orange", "red"):
        case = await ask(requester, specialty="K04", urgency=urgency)
        assert house.rung(case)
        assert requester not in house.rung(case)
    await house.hotline.fast_forward(minutes=10)
    assert requester not in house.rung(await read(requester, case))
    assert (await requester.get("/offers")).json()["items"] == []
    accepted = await requester.post(f"/consultations/{case['id']}/acceptance")
    assert accepted.status_code == 403


async def test_a_routine_request_at_night_waits_for_the_morning_before_it_rings_anybody_else(house: Staff) -> None:
    requester = house[REQUESTER]
    await listening(requester)
    case = await house.hotline.ask("K04", urgency="green", by=requester)  # 03:04 on a Tuesday
    [first] = house.rung(case)
    assert case["answer_due_at"][:16] == "2026-11-24T20:04"
    # No device needs to have it within half a minute, and nobody is hurried before the day begins.
    await house.hotline.fast_forward(hours=4, minutes=50)
    assert house.rung(await read(requester, case)) == [first]
    # At eight the day shift begins: it is rung at once, and the night's doctor until a device of theirs has it.
    await house.hotline.fast_forward(minutes=10)
    seen = await read(requester, case)
    assert {o["role"] for o in seen["callouts"][0]["offers"]} == {"primary"}
    assert len(house.rung(seen)) == 2
    # Two working hours after seven: the second doctor.
    await house.hotline.fast_forward(minutes=57)
    assert len(house.rung(await read(requester, case), role="backup")) == 1
    await house.hotline.fast_forward(hours=5, minutes=55)
    assert not house.rung(await read(requester, case), role="coordinator")
    await house.hotline.fast_forward(minutes=10)
    assert house.rung(await read(requester, case), role="coordinator")


async def test_a_second_open_case_of_the_same_label_on_the_ward_warns_both_doctors_to_look_twice(house: Staff) -> None:
    requester, mate, elsewhere = house[REQUESTER], house[WARD_MATE], house["sonla-hstc-1"]
    first = await house.hotline.ask("K04", by=requester, **TWIN)
    assert "like_open_case" not in first["warnings"]
    other_ward = await house.hotline.ask("K04", by=elsewhere, **TWIN)
    assert "like_open_case" not in other_ward["warnings"]
    twin = await house.hotline.ask("K04", by=mate, patient={"label": "mc-017", "sex": "male", "age_years": 57})
    assert "like_open_case" in twin["warnings"]
    assert twin["number"] != first["number"]
    await requester.do(first, "cancellation", {})
    await mate.do(twin, "cancellation", {})
    later = await house.hotline.ask("K04", by=requester, **TWIN)
    assert "like_open_case" not in later["warnings"]


async def test_labels_made_by_the_house_are_never_alike(house: Staff) -> None:
    requester = house[REQUESTER]
    made = [await requester.post("/consultations", {"specialty": "K04", "urgency": "red"}) for _ in range(6)]
    labels = [m.json()["patient"]["label"] for m in made]
    assert len(set(labels)) == len(labels)
    assert all("like_open_case" not in m.json()["warnings"] for m in made)
