"""The patient gets worse after the question was asked."""

from tests.staff import Staff
from tests.stories.telling import DISPATCHER, REQUESTER, delivered, held, listening, offer_to, read


async def test_raised_while_it_rings_the_new_ladder_starts_from_its_first_step(house: Staff) -> None:
    requester = house[REQUESTER]
    doctors = [p for u, p in house.by_username.items() if u.startswith("tn-timmach-")]
    await listening(requester, *doctors)
    case = await house.hotline.ask("K04", urgency="yellow", by=requester)
    [first] = house.rung(case)
    await delivered(house, first, case)
    house.hotline.clock.advance(minutes=10)
    case = await requester.do(case, "urgency", {"urgency": "red", "reason": "Huyết áp 70/40"})
    before, now = case["callouts"][0], case["callouts"][-1]
    assert case["urgency"] == "red"
    assert before["state"] == "ended"
    assert (now["state"], now["step"]) == ("ringing", 0)
    assert first in house.rung(case)
    assert len(house.rung(case, role="red_team")) >= 3
    # Five minutes from now, not sixty from the question.
    assert case["answer_due_at"][:19] == "2026-11-23T20:19:00"
    for doctor in house.rung(case):
        await doctor.hears_event("offer.made", case, callout_id=now["id"])


async def test_raised_while_it_is_held_the_holder_is_rung_and_still_holds_it(house: Staff) -> None:
    case, requester, first = await held(house)
    case = await requester.do(case, "urgency", {"urgency": "red", "reason": "Ngừng tim"})
    assert (case["status"], case["holder"]) == ("active", house.id_of(first))
    assert first in house.rung(case)
    assert len(house.rung(case)) >= 3
    await first.hears_event("consultation.urgency_raised", case)
    case = await first.do(case, "acceptance")
    assert case["holder"] == house.id_of(first)
    assert case["callouts"][-1]["state"] == "accepted"


async def test_another_member_of_the_team_may_take_over_and_the_holder_is_told(house: Staff) -> None:
    case, requester, first = await held(house)
    case = await requester.do(case, "urgency", {"urgency": "red", "reason": "Ngừng tim"})
    second = next(p for p in house.rung(case) if p is not first)
    case = await second.do(case, "acceptance")
    assert case["holder"] == house.id_of(second)
    told = await first.hears_event("consultation.handed_over", case)
    assert told["d"]["header"]["holder_name"] == second.name
    assert (await read(first, case))["view"] == "full"


async def test_the_answer_is_owed_anew_after_a_raise(house: Staff) -> None:
    case, requester, first = await held(house)
    await first.do(case, "messages", {"text": "Theo dõi thêm.", "opinion": True})
    assert (await read(requester, case))["answered_at"]
    case = await requester.do(case, "urgency", {"urgency": "red", "reason": "Sốc"})
    assert case["answered_at"] is None


async def test_advice_that_waited_fifteen_minutes_waits_five_from_the_raise_on(house: Staff) -> None:
    case, requester, first = await held(house, urgency="yellow")
    await first.do(case, "messages", {"text": "Theo dõi thêm.", "opinion": True})
    await house.hotline.fast_forward(minutes=2)
    await requester.do(case, "urgency", {"urgency": "orange", "reason": "Sốc"})
    await house.hotline.fast_forward(minutes=3, seconds=1)
    await requester.hears_event("advice.unread", case, step=0)


async def test_urgency_is_never_lowered_and_the_coordinator_may_raise_it(house: Staff) -> None:
    requester, dispatcher = house[REQUESTER], house[DISPATCHER]
    case = await house.hotline.ask("K04", urgency="orange", by=requester)
    for urgency in ("orange", "yellow", "green"):
        answer = await requester.post(f"/consultations/{case['id']}/urgency", {"urgency": urgency, "reason": "đỡ"})
        assert answer.status_code == 422
    raised = await dispatcher.do(case, "urgency", {"urgency": "red", "reason": "Khoa gọi điện: tụt huyết áp"})
    assert raised["urgency"] == "red"


async def test_worse_vital_signs_say_that_the_urgency_should_be_raised_and_raise_nothing(house: Staff) -> None:
    case, requester, _ = await held(house)
    whole = {"respiration": 18, "spo2": 97, "on_oxygen": False, "systolic": 120, "diastolic": 70, "pulse": 80}
    calm = whole | {"temperature": 36.8, "consciousness": "alert"}
    await requester.do(case, "vitals", calm | {"taken_at": "2026-11-23T20:00:00Z"})
    shock = calm | {"systolic": 82, "diastolic": 40, "pulse": 134, "respiration": 26}
    seen = await requester.do(case, "vitals", shock | {"taken_at": "2026-11-23T20:03:00Z"})
    told = await requester.hears(
        lambda m: m["k"] == "event" and m["t"] == "vitals.recorded" and m["d"]["prompts_raise"]
    )
    assert told["d"]["vitals"]["news2"]["total"] >= 7
    assert seen["news2"]["suggests"] in ("red", "orange")
    assert seen["urgency"] == "orange"


async def test_a_raise_rings_whoever_was_rung_before(house: Staff) -> None:
    requester, dispatcher = house[REQUESTER], house[DISPATCHER]
    case = await house.hotline.ask("K04", urgency="yellow", by=requester)
    named = house["tn-lanhdao-3"]
    await dispatcher.do(case, "assignment", {"user_id": house.id_of(named)})
    case = await requester.do(case, "urgency", {"urgency": "orange", "reason": "Đau nhiều hơn"})
    assert named in house.rung(case)
    assert offer_to(case, house, named)["state"] == "made"
