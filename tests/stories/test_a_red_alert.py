"""A red alert rings a whole team at once; the first to accept leads, and nobody else is let go by that alone."""

import pytest

from tests.hotline import Person
from tests.staff import Staff
from tests.stories.telling import REQUESTER, delivered, listening, offer_to, read


async def alert(house: Staff) -> tuple[dict, Person, list[Person]]:
    requester = house[REQUESTER]
    doctors = [p for u, p in house.by_username.items() if u.startswith("tn-timmach-")]
    await listening(requester, *doctors)
    answer = await requester.post("/consultations", {"specialty": "K04", "urgency": "red"})
    assert answer.status_code == 201
    case = answer.json()
    return case, requester, house.rung(case)


async def test_one_tap_rings_the_whole_team_at_once(house: Staff) -> None:
    case, _, team = await alert(house)
    assert len(team) >= 3
    assert case["patient"]["label"]
    assert {o["step"] for o in case["callouts"][0]["offers"]} == {0}
    for member in team:
        rung = await member.hears_event("offer.made", case)
        assert rung["d"]["offer"]["card"]["patient"]["label"] == case["patient"]["label"]


async def test_the_first_to_accept_leads_and_the_others_ring_on_until_they_answer(house: Staff) -> None:
    case, requester, (leader, coming, cannot, *_) = await alert(house)
    await leader.do(case, "acceptance")
    for member in (coming, cannot):
        told = await member.hears_event("offer.accepted", case)
        assert told["d"]["holder_name"] == leader.name
        assert offer_to(await read(requester, case), house, member)["state"] == "made"
    await leader.do(case, "messages", {"text": "Ép tim, tôi đang xuống.", "opinion": True})
    # They ring as long as they do not answer, and the ladder goes no further: the case is held.
    await house.hotline.fast_forward(minutes=30)
    seen = await read(requester, case)
    assert {offer_to(seen, house, m)["state"] for m in (coming, cannot)} == {"made"}
    assert not [o for o in seen["callouts"][0]["offers"] if o["role"] == "coordinator"]

    await coming.do(case, "attendance", {"coming": True})
    await requester.hears_event("attendance.answered", case, coming=True)
    await leader.hears_event("attendance.answered", case, coming=True)
    await cannot.do(case, "attendance", {"coming": False})
    seen = await read(requester, case)
    assert offer_to(seen, house, coming)["attendance"] == "coming"
    assert offer_to(seen, house, cannot)["attendance"] == "cannot"
    assert house.rung(seen) == []
    assert seen["holder_name"] == leader.name
    # Whoever comes takes part; whoever cannot reads the header only.
    assert (await read(coming, case))["view"] == "full"
    assert (await read(cannot, case))["view"] == "header"


async def test_the_leader_stands_one_member_down_or_all_who_have_not_answered(house: Staff) -> None:
    case, requester, (leader, coming, one, *others) = await alert(house)
    [extra] = others or [None]
    await leader.do(case, "acceptance")
    await coming.do(case, "attendance", {"coming": True})
    await leader.do(case, "stand-down", {"user_id": house.id_of(one)})
    await one.hears_event("team.stood_down", case)
    seen = await read(requester, case)
    assert offer_to(seen, house, one)["attendance"] == "stood_down"
    assert offer_to(seen, house, coming)["attendance"] == "coming"
    if extra is not None:
        await leader.do(case, "stand-down", {})
        assert offer_to(await read(requester, case), house, extra)["attendance"] == "stood_down"
    nobody_left = await leader.post(f"/consultations/{case['id']}/stand-down", {})
    assert nobody_left.status_code == 409
    refused = await coming.post(f"/consultations/{case['id']}/stand-down", {})
    assert refused.status_code == 403


@pytest.mark.parametrize("coming", [True, False])
async def test_a_member_who_was_rung_twice_answers_both_leaders_at_once(house: Staff, *, coming: bool) -> None:
    case, requester, (leader, second, third, *_) = await alert(house)
    await leader.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=3, seconds=1)
    await second.do(case, "acceptance")
    seen = await read(requester, case)
    assert house.rung(seen).count(third) == 2
    assert "attend" in (await read(third, case))["may"]
    await third.do(case, "attendance", {"coming": coming})
    seen = await read(requester, case)
    assert third not in house.rung(seen)
    mine = [o for c in seen["callouts"] for o in c["offers"] if o["doctor"] == house.id_of(third)]
    assert {o["attendance"] for o in mine} == {"coming" if coming else "cannot"}
    assert "attend" not in (await read(third, case))["may"] or coming


async def test_a_member_who_is_not_the_leader_is_told_who_leads(house: Staff) -> None:
    case, _, (leader, second, *_) = await alert(house)
    await leader.do(case, "acceptance")
    answer = await second.post(f"/consultations/{case['id']}/acceptance")
    assert answer.status_code == 409
    assert answer.json()["holder_name"] == leader.name


async def test_nobody_answers_attendance_before_somebody_leads(house: Staff) -> None:
    case, _, (first, *_) = await alert(house)
    early = await first.post(f"/consultations/{case['id']}/attendance", {"coming": True})
    assert early.status_code == 409
    assert early.json()["type"] == "/problems/not-ringing"


async def test_a_team_that_does_not_answer_is_rung_again_and_then_the_coordinator(house: Staff) -> None:
    case, requester, team = await alert(house)
    for member in team:
        await delivered(house, member, case)
    await house.hotline.fast_forward(minutes=2, seconds=1)
    seen = await read(requester, case)
    assert seen["callouts"][0]["step"] == 1
    assert house.rung(seen) == team
    await house.hotline.fast_forward(minutes=1)
    seen = await read(requester, case)
    assert [p for p in house.rung(seen) if p not in team] == house.rung(seen, role="coordinator") != []


async def test_a_red_alert_is_undone_for_ten_seconds_and_needs_a_reason_after_that(house: Staff) -> None:
    case, requester, team = await alert(house)
    house.hotline.clock.advance(seconds=9)
    await requester.do(case, "cancellation", {})
    for member in team:
        told = await member.hears_event("offer.withdrawn", case)
        assert told["d"]["reason"] == "cancelled"
    case = (await requester.post("/consultations", {"specialty": "K04", "urgency": "red"})).json()
    house.hotline.clock.advance(seconds=11)
    refused = await requester.post(f"/consultations/{case['id']}/cancellation", {})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "reason"
    await requester.do(case, "cancellation", {"reason": "Người bệnh đã tử vong"})


async def test_a_case_that_is_taken_back_tells_everybody_who_was_rung_by_name(house: Staff) -> None:
    case, requester, team = await alert(house)
    await team[0].do(case, "acceptance")
    await requester.do(case, "cancellation", {"reason": "Bấm nhầm"})
    for member in team[1:]:
        told = await member.hears_event("offer.withdrawn", case, reason="cancelled")
        assert told["d"]["doctor_name"] == member.name
    await team[0].hears_event("consultation.cancelled", case)
    seen = await read(requester, case)
    assert seen["status"] == "cancelled"
    assert seen["cancel_reason"] == "Bấm nhầm"
    assert house.rung(seen) == []
    again = await requester.post("/consultations", {"specialty": "K04", "urgency": "red"})
    assert again.status_code == 201
