"""Passing a case on: forwarding, assignment by the coordinator, and the hand-over at the end of a shift."""

import pytest

from tests.staff import Staff
from tests.stories.telling import (
    CONCLUSION,
    DISPATCHER,
    REQUESTER,
    delivered,
    events,
    held,
    listening,
    offer_to,
    one_more_specialist,
    read,
)


async def test_a_rung_doctor_forwards_it_and_it_rings_on_here_until_it_is_taken_there(house: Staff) -> None:
    requester, colleague = house[REQUESTER], await one_more_specialist(house)
    await listening(requester, colleague)
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await listening(first)
    said = {"user_id": house.id_of(colleague), "reason": "Nghi bóc tách động mạch chủ"}
    case = await first.do(case, "forwarding", said)
    assert house.rung(case) == [first, colleague]
    assert case["status"] == "ringing"
    told = await requester.hears_event("offer.made", case, doctor=house.id_of(colleague))
    assert told["d"]["said"] == "Nghi bóc tách động mạch chủ"
    assert told["d"]["forwarded_by"] == first.name
    case = await colleague.do(case, "acceptance")
    assert case["holder"] == house.id_of(colleague)
    assert offer_to(case, house, first)["state"] == "withdrawn"
    await first.hears_event("offer.withdrawn", case, reason="taken")


async def test_a_holder_forwards_to_another_desk_and_holds_it_until_it_is_taken_there(house: Staff) -> None:
    case, requester, first = await held(house)
    desk = house["tn-longnguc-1"].account["desk"]
    case = await first.do(case, "forwarding", {"desk_id": desk, "reason": "Bóc tách động mạch chủ"})
    assert (case["status"], case["holder"]) == ("active", house.id_of(first))
    [surgeon] = house.rung(case)
    assert surgeon.account["specialty"] == "K21"
    assert case["callouts"][-1]["desk"] == desk
    case = await surgeon.do(case, "acceptance")
    assert case["holder"] == house.id_of(surgeon)
    assert case["status"] == "active"
    await requester.hears_event("consultation.handed_over", case)
    await surgeon.do(case, "conclusion", CONCLUSION)


async def test_a_coordinator_rings_a_named_doctor_on_top_of_the_others_and_is_asked_again_after_two_minutes(
    house: Staff,
) -> None:
    requester, colleague = house[REQUESTER], await one_more_specialist(house)
    await listening(requester, colleague)
    case = await house.hotline.ask("K04", by=requester)
    await house.hotline.fast_forward(minutes=3)
    seen = await read(requester, case)
    dispatcher, *_ = house.rung(seen, role="coordinator")
    rung, rounds = house.rung(seen), seen["callouts"][0]["round"]
    seen = await dispatcher.do(case, "assignment", {"user_id": house.id_of(colleague)})
    assert seen["status"] == "ringing"
    assert house.rung(seen) == [*rung, colleague]
    await delivered(house, colleague, case)
    await house.hotline.fast_forward(minutes=1, seconds=59)
    assert (await read(requester, case))["callouts"][0]["round"] == rounds
    await house.hotline.fast_forward(seconds=2)
    assert (await read(requester, case))["callouts"][0]["round"] == rounds + 1
    assert dispatcher in house.rung(await read(requester, case))
    seen = await colleague.do(case, "acceptance")
    assert seen["holder"] == house.id_of(colleague)
    assert house.rung(seen) == []


async def test_whoever_reads_nothing_any_more_is_let_in_by_a_new_ring_at_any_time_and_each_read_is_logged(
    house: Staff,
) -> None:
    requester, dispatcher = house[REQUESTER], house[DISPATCHER]
    stranger = await one_more_specialist(house)
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await first.do(case, "refusal", {"reason": "procedure"})
    assert (await stranger.get(f"/consultations/{case['id']}")).status_code == 404
    assert (await read(first, case))["view"] == "header"
    for doctor in (first, stranger):
        await dispatcher.do(case, "assignment", {"user_id": house.id_of(doctor)})
        assert (await read(doctor, case))["view"] == "card"
    assert (await stranger.do(case, "acceptance"))["view"] == "full"
    rows = await house.execute(
        "SELECT user_id, view FROM access_log WHERE consultation_id = CAST(:id AS uuid)", id=case["id"]
    )
    logged = {(str(row.user_id), row.view) for row in rows}
    assert {(house.id_of(first), "card"), (house.id_of(stranger), "card"), (house.id_of(stranger), "full")} <= logged


async def test_a_coordinator_cannot_make_an_unheld_case_silent_and_takes_it_only_with_the_specialty(
    house: Staff,
) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    await house.hotline.fast_forward(minutes=3)
    dispatcher, *_ = house.rung(await read(requester, case), role="coordinator")
    declined = await dispatcher.post(f"/consultations/{case['id']}/refusal", {"reason": "busy"})
    assert declined.json()["type"] == "/problems/must-act"
    accepted = await dispatcher.post(f"/consultations/{case['id']}/acceptance")
    assert accepted.json()["type"] == "/problems/not-eligible"
    await house.execute(
        "INSERT INTO user_specialty (user_id, specialty) VALUES (CAST(:id AS uuid), 'K04')",
        id=house.id_of(dispatcher),
    )
    house.hotline.app.state.house.sessions.clear()
    seen = await dispatcher.do(case, "acceptance")
    assert seen["holder"] == house.id_of(dispatcher)


async def test_the_holder_stays_until_the_successor_accepts_who_reads_what_was_left_for_them(house: Staff) -> None:
    case, requester, first = await held(house)
    successor = await one_more_specialist(house)
    dispatcher = house[DISPATCHER]
    await listening(successor, dispatcher)
    case = await first.do(case, "hand-over", {"user_id": house.id_of(successor), "note": "Chờ troponin lúc 06:00"})
    assert (case["status"], case["holder"]) == ("active", house.id_of(first))
    assert house.rung(case) == [successor]
    opened = await requester.hears_event("callout.opened", case)
    assert opened["d"]["said"] == "Chờ troponin lúc 06:00"
    note = {"note": "Chờ troponin lúc 06:00", "note_by_name": first.name}
    [offer] = (await successor.get("/offers")).json()["items"]
    assert offer | note == offer
    made = await successor.hears(lambda m: m.get("t") == "offer.made" and "offer" in m["d"])
    assert made["d"]["offer"] | note == made["d"]["offer"]
    await first.do(case, "messages", {"text": "Tôi vẫn giữ ca đến khi bàn giao xong.", "opinion": True})
    case = await successor.do(case, "acceptance")
    assert case["holder"] == house.id_of(successor)
    await first.hears_event("consultation.handed_over", case)
    assert (await read(first, case))["view"] == "full"
    roles = {p["user"]: p["role"] for p in case["participants"]}
    assert roles[house.id_of(first)] == "former"
    assert roles[house.id_of(successor)] == "assigned"
    for reader in (successor, first, requester):
        handed = (await read(reader, case))["callouts"][-1]
        assert handed | note == handed
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()
    assert "(bàn giao: Chờ troponin lúc 06:00)" in str(record["annex"]["timeline"])
    board = f"hospital:{dispatcher.account['hospital']}"
    await dispatcher.hears(lambda m: m.get("t") == "consultation.handed_over" and m["s"] == board)
    assert not [event for event in events(dispatcher, board) if "troponin" in str(event)]
    # What rings again for the new holder was left for nobody.
    await house.hotline.fast_forward(minutes=10, seconds=1)
    again = (await read(requester, case))["callouts"][-1]
    assert (again["reason"], again["note"]) == ("silent", None)


@pytest.mark.parametrize("reached", [True, False])
async def test_a_hand_over_that_nobody_accepts_rings_the_coordinator_after_fifteen_minutes(
    house: Staff, *, reached: bool
) -> None:
    case, requester, first = await held(house)
    await first.do(case, "messages", {"text": "Truyền dịch, theo dõi sát.", "opinion": True})
    successor = await one_more_specialist(house)
    await listening(successor)
    await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
    if reached:
        await delivered(house, successor, case)
    await house.hotline.fast_forward(minutes=14, seconds=59)
    assert house.rung(await read(requester, case)) == [successor]
    await house.hotline.fast_forward(seconds=2)
    seen = await read(requester, case)
    [dispatcher] = house.rung(seen, role="coordinator")
    assert seen["holder"] == house.id_of(first)
    # The case is held, so the coordinator may let it be; the successor is rung on.
    seen = await dispatcher.do(case, "refusal", {"reason": "busy"})
    assert successor in house.rung(await read(requester, case))


async def test_a_successor_without_the_specialty_is_refused_in_words_that_name_it(house: Staff) -> None:
    case, _, first = await held(house)
    [stranger] = await house.newcomers(1, hospital=first.account["hospital"], specialties=["K18"])
    answer = await first.post(f"/consultations/{case['id']}/hand-over", {"user_id": house.id_of(stranger)})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] == "Bác sĩ này không có chuyên khoa Tim mạch (K04)."


async def test_only_whom_a_hand_over_is_offered_to_may_take_it(house: Staff) -> None:
    case, _, first = await held(house)
    successor, colleague = await one_more_specialist(house), await one_more_specialist(house)
    await house.put_on_duty([colleague], desk=first.account["desk"], role="backup")
    await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
    assert "accept" in (await read(successor, case))["may"]
    assert "accept" not in (await read(colleague, case))["may"]
    assert (await colleague.post(f"/consultations/{case['id']}/acceptance")).status_code == 409


async def test_a_successor_who_declines_leaves_the_case_where_it_was(house: Staff) -> None:
    case, requester, first = await held(house)
    successor = await one_more_specialist(house)
    await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
    await successor.do(case, "refusal", {"reason": "procedure"})
    seen = await read(requester, case)
    assert (seen["status"], seen["holder"]) == ("active", house.id_of(first))
    assert house.rung(seen, role="coordinator")


async def test_nobody_hands_a_case_to_the_one_who_holds_it(house: Staff) -> None:
    case, _, first = await held(house)
    for command in ("hand-over", "forwarding"):
        answer = await first.post(f"/consultations/{case['id']}/{command}", {"user_id": house.id_of(first)})
        assert answer.status_code == 422, command
    answer = await house[DISPATCHER].post(f"/consultations/{case['id']}/assignment", {"user_id": house.id_of(first)})
    assert answer.status_code == 422


async def test_a_coordinator_may_give_a_held_case_to_another_doctor_who_must_accept_it(house: Staff) -> None:
    case, requester, first = await held(house)
    successor = await one_more_specialist(house)
    await house[DISPATCHER].do(case, "assignment", {"user_id": house.id_of(successor)})
    assert (await read(requester, case))["holder"] == house.id_of(first)
    assert (await successor.do(case, "acceptance"))["holder"] == house.id_of(successor)


async def test_a_conclusion_ends_the_ringing_of_a_hand_over(house: Staff) -> None:
    case, requester, first = await held(house)
    successor = await one_more_specialist(house)
    await listening(successor)
    await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
    await successor.hears_event("offer.made", case)
    await first.do(case, "conclusion", CONCLUSION)
    await successor.hears_event("offer.withdrawn", case, reason="concluded")
    assert house.rung(await read(requester, case)) == []
    await house.hotline.fast_forward(hours=1)
    assert house.rung(await read(requester, case)) == []
