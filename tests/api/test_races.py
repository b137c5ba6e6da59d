"""Who wins, and what the others are told: acceptance at once, too late, of the wrong case, by the wrong person."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from tests.hotline import Json, Person
from tests.policy.cast import take_out
from tests.staff import Staff

DESK, CENTRAL = "tn-timmach-1", "K04"


async def fifty_on_call(house: Staff, role: str) -> list[Person]:
    account = house[DESK].account
    doctors = await house.newcomers(50, hospital=account["hospital"], specialties=[CENTRAL])
    await house.put_on_duty(doctors, desk=account["desk"], role=role)
    return doctors


@pytest.mark.parametrize(("urgency", "role"), [("orange", "primary"), ("red", "red_team")])
async def test_of_fifty_doctors_who_accept_at_once_one_wins_and_the_others_are_told_who(
    house: Staff, urgency: str, role: str
) -> None:
    doctors = await fifty_on_call(house, role)
    requester = await house["sonla-capcuu-1"].connect()
    case = await house.hotline.ask("K04", urgency=urgency, by=requester)
    assert set(map(house.id_of, doctors)) <= {o["doctor"] for o in case["callouts"][0]["offers"]}
    path = f"/consultations/{case['id']}/acceptance"
    answers = await asyncio.gather(*(doctor.post(path) for doctor in doctors))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 49}
    won = next(a.json() for a in answers if a.status_code == 200)
    winner = house.by_id[won["holder"]]
    assert won["status"] == "active"
    for answer in answers:
        if answer.status_code == 409:
            problem = answer.json()
            assert problem["type"] == "/problems/taken"
            assert problem["holder"] == house.id_of(winner)
            assert problem["holder_name"] == winner.name
            assert problem["at"]
            assert winner.name in problem["detail"]
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    states = Counter(o["state"] for o in read["callouts"][0]["offers"])
    assert states["accepted"] == 1
    still_rung = {o["doctor"] for o in read["callouts"][0]["offers"] if o["state"] == "made"}
    # In a red alert the others still owe the leader an answer; otherwise everybody is let go.
    assert bool(still_rung) == (urgency == "red")
    history = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    assert [e["type"] for e in history].count("offer.accepted") == 1
    await requester.hears_event("offer.accepted", case, doctor=house.id_of(winner))


async def test_an_expired_offer_can_be_accepted_while_the_case_rings(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    await house.execute(
        "UPDATE escalation_policy SET steps = jsonb_set(steps, '{0,keep}', 'false') WHERE urgency = 'orange'"
    )
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await house.hotline.fast_forward(seconds=31)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    offer = next(o for o in read["callouts"][0]["offers"] if o["doctor"] == house.id_of(first))
    assert offer["expired_at"]
    assert offer["state"] == "made"
    await first.do(case, "acceptance")
    assert (await requester.get(f"/consultations/{case['id']}")).json()["holder"] == house.id_of(first)


async def test_a_cancelled_case_is_accepted_by_nobody_and_says_so_in_both_languages(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await requester.do(case, "cancellation", {})
    for language, word in (("vi", "đã hủy"), ("en", "cancelled")):
        answer = await house.hotline.http.post(
            f"/api/v1/consultations/{case['id']}/acceptance",
            headers=first.headers | {"Idempotency-Key": str(uuid4()), "Accept-Language": language},
        )
        assert answer.status_code == 409
        assert word in answer.json()["detail"]
        assert answer.json()["state"] == "cancelled"


async def test_cancellation_and_acceptance_at_once_end_in_one_of_the_two(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    for _ in range(10):
        case = await house.hotline.ask("K04", by=requester)
        [first] = house.rung(case)
        accepted, cancelled = await asyncio.gather(
            first.post(f"/consultations/{case['id']}/acceptance"),
            requester.post(f"/consultations/{case['id']}/cancellation", {}),
        )
        read = (await requester.get(f"/consultations/{case['id']}")).json()
        assert cancelled.status_code == 200
        assert read["status"] == "cancelled"
        assert accepted.status_code in (200, 409)
        assert (read["holder"] is not None) == (accepted.status_code == 200)


async def test_a_foreign_case_is_not_there(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house["sonla-capcuu-1"])
    stranger = house["tudu-sanphu-1"]
    foreign = await stranger.post(f"/consultations/{case['id']}/acceptance")
    absent = await stranger.post(f"/consultations/{uuid4()}/acceptance")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.content == absent.content


async def test_a_doctor_on_duty_who_was_not_rung_may_take_a_ringing_case_until_the_duty_ends(house: Staff) -> None:
    account = house[DESK].account
    doctors = await house.newcomers(2, hospital=account["hospital"], specialties=["K04"])
    await house.put_on_duty(doctors, desk=account["desk"], role="backup", hours=1 / 60)
    case, other = [await house.hotline.ask("K04", by=house["sonla-capcuu-1"]) for _ in range(2)]
    await doctors[0].do(case, "acceptance")
    house.hotline.clock.advance(seconds=61)
    answer = await doctors[1].post(f"/consultations/{other['id']}/acceptance")
    assert answer.status_code == 404


async def test_a_doctor_who_was_rung_may_accept_although_the_duty_has_just_ended(house: Staff) -> None:
    account = house[DESK].account
    [doctor] = await house.newcomers(1, hospital=account["hospital"], specialties=["K04"])
    await house.put_on_duty([doctor], desk=account["desk"], role="primary", hours=1 / 60)
    case = await house.hotline.ask("K04", by=house["sonla-capcuu-1"])
    assert doctor in house.rung(case)
    house.hotline.clock.advance(seconds=61)
    await doctor.do(case, "acceptance")


async def test_a_doctor_without_the_specialty_is_told_what_is_needed(house: Staff) -> None:
    account = house[DESK].account
    [doctor] = await house.newcomers(1, hospital=account["hospital"], specialties=["K18"])
    await house.put_on_duty([doctor], desk=account["desk"], role="primary")
    case = await house.hotline.ask("K04", by=house["sonla-capcuu-1"])
    answer = await doctor.post(f"/consultations/{case['id']}/acceptance")
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/not-eligible"
    assert "Tim mạch (K04)" in answer.json()["detail"]


async def test_whoever_was_taken_out_a_moment_ago_decides_nothing_any_more(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await first.do(case, "acceptance")
    [guest] = await house.newcomers(1, hospital=first.account["hospital"], specialties=["K04"])
    await requester.do(case, "participants", {"user_id": house.id_of(guest), "role": "invited"})
    said = {"text": "Cho thêm heparin", "opinion": True}
    out, opinion = await asyncio.gather(
        take_out(requester, case, house.id_of(guest)), guest.post(f"/consultations/{case['id']}/messages", said)
    )
    assert out is None
    assert opinion.status_code in (201, 403)
    late = await guest.post(f"/consultations/{case['id']}/messages", said)
    assert late.status_code == 403
    history = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    left = next(e["n"] for e in history if e["type"] == "participant.left")
    assert all(e["n"] < left for e in history if e["type"] == "message.posted")


async def test_the_former_holder_concludes_nothing_after_the_hand_over(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await first.do(case, "acceptance")
    [successor] = await house.newcomers(1, hospital=first.account["hospital"], specialties=["K04"])
    await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
    await successor.do(case, "acceptance")
    conclusion = {"summary": "a", "conclusion": "b", "plan": "c"}
    for command, body in (("conclusion", conclusion), ("hand-over", {"user_id": house.id_of(first)})):
        answer = await first.post(f"/consultations/{case['id']}/{command}", body)
        assert answer.status_code == 403, command
    await successor.do(case, "conclusion", conclusion)


async def test_one_doctor_in_two_tabs_accepts_once_and_both_tabs_are_told_so(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    other_tab = Person(house.hotline, first.account, first.token)
    for tab in (first, other_tab):
        await tab.connect()
        await tab.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    answers = await asyncio.gather(*(tab.post(f"/consultations/{case['id']}/acceptance") for tab in (first, other_tab)))
    assert [a.status_code for a in answers] == [200, 200]
    assert {a.json()["holder"] for a in answers} == {house.id_of(first)}
    for tab in (first, other_tab):
        await tab.hears_event("offer.accepted", case)
    await other_tab.disconnect()
    history = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    assert [e["type"] for e in history].count("offer.accepted") == 1


async def test_two_doctors_who_correct_the_request_at_once_both_keep_their_correction(house: Staff) -> None:
    one, other = house["sonla-capcuu-1"], house["sonla-capcuu-2"]
    case = await house.hotline.ask("K04", by=one)
    path = f"/consultations/{case['id']}"
    answers = await asyncio.gather(
        *(one.patch(path, {"background": f"tiền sử {n}"}) for n in range(5)),
        *(other.patch(path, {"assessment": f"nhận định {n}"}) for n in range(5)),
    )
    assert {a.status_code for a in answers} == {200}
    read = (await one.get(path)).json()
    assert read["background"].startswith("tiền sử")
    assert read["assessment"].startswith("nhận định")
    assert read["version"] == case["version"] + 10


async def test_a_crowd_that_does_everything_at_once_leaves_one_true_history(house: Staff) -> None:
    requester, dispatcher = house["sonla-capcuu-1"], house["tn-dieuphoi-1"]
    doctors = await fifty_on_call(house, "primary")
    case = await house.hotline.ask("K04", by=requester)
    path = f"/consultations/{case['id']}"
    spare = house.id_of(house["tn-lanhdao-3"])
    answers = await asyncio.gather(
        *(d.post(f"{path}/acceptance") for d in doctors[:15]),
        *(d.post(f"{path}/refusal", {"reason": "busy"}) for d in doctors[15:30]),
        *(requester.post(f"{path}/messages", {"text": f"tin {n}"}) for n in range(5)),
        requester.post(f"{path}/urgency", {"urgency": "red", "reason": "nặng lên"}),
        dispatcher.post(f"{path}/assignment", {"user_id": spare}),
        requester.post(f"{path}/vitals", {"taken_at": "2026-11-23T20:00:00Z", "pulse": 38}),
    )
    assert all(a.status_code in (200, 201, 404, 409, 422) for a in answers), Counter(a.status_code for a in answers)
    history = (await requester.get(f"{path}/history")).json()["items"]
    assert [e["n"] for e in history] == list(range(1, len(history) + 1))
    read = (await requester.get(path)).json()
    assert read["version"] == len(history)
    assert read["holder"] or read["status"] == "ringing"
    for callout in read["callouts"]:
        assert sum(o["state"] == "accepted" for o in callout["offers"]) <= 1
        assert (callout["state"] == "ringing") == (callout["next_due_at"] is not None)


async def test_a_page_of_the_list_follows_the_one_before_without_gap_or_repetition(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    asked: list[Json] = []
    for _ in range(53):
        asked.append(await house.hotline.ask("K04", urgency="green", by=requester))
        house.hotline.clock.advance(seconds=0.001)
    found: list[str] = []
    cursor = None
    while True:
        page = (await requester.get("/consultations", **({"cursor": cursor} if cursor else {}))).json()
        found += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [case["id"] for case in reversed(asked)]
    only = (await requester.get("/consultations", q=asked[0]["number"])).json()["items"]
    assert [row["id"] for row in only] == [asked[0]["id"]]
