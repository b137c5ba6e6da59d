"""Moves by hand: a later step now, another desk instead, a second specialty beside."""

import pytest

from tests.hotline import Json, Person
from tests.staff import Staff
from tests.stories.laddering import callout, moment
from tests.stories.telling import CONCLUSION, DISPATCHER, REQUESTER, held, listening, read

QUESTION = "Có chỉ định dẫn lưu màng phổi không?"


def desk_at(house: Staff, specialty: str) -> tuple[str, Person]:
    """A desk of another specialty at the answering hospital, and a doctor of it."""
    hospital = house["tn-timmach-1"].account["hospital"]
    account = next(
        a
        for a in house.hotline.accounts
        if a.get("desk") and a["hospital"] == hospital and a["specialty"] == specialty and a["role"] == "specialist"
    )
    return str(account["desk"]), house[account["username"]]


async def beside(house: Staff, case: Json, by: Person, specialty: str = "K02", **more) -> Json:
    body = {"specialty": specialty, "question": QUESTION} | more
    return await by.do(case, "specialties", body)


async def both_rung(house: Staff, requester: Person) -> tuple[Json, Person, Person]:
    """A case that rings a desk and, beside it, a second specialty, and the first who is rung at each."""
    case = await beside(house, await house.hotline.ask("K04", by=requester), requester)
    return case, house.rung(case, callout=0)[0], house.rung(case, callout=1)[0]


# --- a second specialty -------------------------------------------------------------------------------------------


async def test_a_second_specialty_is_asked_its_own_question_and_the_case_stays_with_its_holder(house: Staff) -> None:
    case, requester, holder = await held(house)
    asked = await beside(house, case, holder)
    second = asked["callouts"][1]
    assert (second["reason"], second["question"], second["specialty"]) == ("second_specialty", QUESTION, "K02")
    assert second["hospital"] == asked["callouts"][0]["hospital"], "the answering side asks its own hospital first"
    consultant = house.rung(asked, callout=1)[0]
    [card] = [o for o in (await consultant.get("/offers")).json()["items"] if o["consultation_id"] == case["id"]]
    assert (card["question"], card["card"]["question"]) == (QUESTION, case["question"])
    taken = await consultant.do(case, "acceptance")
    assert taken["holder"] == house.id_of(holder)
    part = next(p for p in taken["participants"] if p["user"] == house.id_of(consultant))
    assert part["role"] == "consultant"
    await requester.hears_event("participant.joined", case, user=house.id_of(consultant))
    told = await requester.hears_event("offer.accepted", case, doctor=house.id_of(consultant))
    assert told["d"]["holder"] == house.id_of(holder)
    await consultant.do(case, "messages", {"text": "Chưa cần dẫn lưu.", "opinion": True})
    refused = await consultant.post(f"/consultations/{case['id']}/conclusion", CONCLUSION)
    assert refused.status_code == 403
    await holder.do(case, "conclusion", CONCLUSION)


async def test_while_nobody_holds_the_case_a_consultant_does_not_end_its_ringing(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    asked = await beside(house, case, house[REQUESTER])
    first, consultant = house.rung(asked, callout=0)[0], house.rung(asked, callout=1)[0]
    taken = await consultant.do(case, "acceptance")
    assert (taken["status"], taken["holder"]) == ("ringing", None)
    assert taken["callouts"][0]["state"] == "ringing"
    assert (await first.do(case, "acceptance"))["holder"] == house.id_of(first)


@pytest.mark.parametrize("heard", ["opinion", "call"])
@pytest.mark.parametrize("held_first", [False, True])
async def test_what_a_consultant_says_ends_nothing_that_the_holder_owes(
    house: Staff, heard: str, *, held_first: bool
) -> None:
    requester = house[REQUESTER]
    case, holder, consultant = await both_rung(house, requester)
    if held_first:
        await holder.do(case, "acceptance")
        await consultant.do(case, "acceptance")
        await house.hotline.fast_forward(minutes=10, seconds=1)
    else:
        await consultant.do(case, "acceptance")
    if heard == "opinion":
        await consultant.do(case, "messages", {"text": "Chưa cần dẫn lưu.", "opinion": True})
    else:
        at = house.hotline.clock.now().isoformat()
        seen = await consultant.do(case, "calls", {"at": at, "text": "Chưa cần dẫn lưu."})
        await requester.do(case, f"calls/{seen['calls'][0]['id']}/confirmation")
    assert (await read(requester, case))["answered_at"] is None
    if not held_first:
        await holder.do(case, "acceptance")
        await holder.do(case, "messages", {"text": "ok"})
        await house.hotline.fast_forward(minutes=16)
    ringing = [c for c in (await read(requester, case))["callouts"] if c["state"] == "ringing" and not c["question"]]
    assert [c["reason"] for c in ringing] == ["silent" if held_first else "overdue"]
    assert house.id_of(holder) in {o["doctor"] for o in ringing[0]["offers"] if o["state"] == "made"}


@pytest.mark.parametrize("held_first", [False, True])
async def test_a_consultant_who_says_nothing_is_rung_with_the_next_step_until_there_is_a_word(
    house: Staff, *, held_first: bool
) -> None:
    requester = house[REQUESTER]
    case, holder, consultant = await both_rung(house, requester)
    if held_first:
        await holder.do(case, "acceptance")
        await holder.do(case, "messages", {"text": "Tôi xem ngay.", "opinion": True})
        opinion = (await read(requester, case))["unread"][0]["event_id"]
        await requester.do(case, "read-back", {"event_id": opinion, "understood": True})
    await consultant.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=9, seconds=59)
    assert len([c for c in (await read(requester, case))["callouts"] if c["question"]]) == 1
    await house.hotline.fast_forward(seconds=2)
    [again] = [c for c in (await read(requester, case))["callouts"] if c["question"] and c["state"] == "ringing"]
    assert (again["reason"], again["question"], again["desk"]) == (
        "second_specialty",
        QUESTION,
        case["callouts"][1]["desk"],
    )
    rung = [house.by_id[o["doctor"]] for o in again["offers"] if o["state"] == "made"]
    assert consultant in rung
    assert len(rung) >= 2
    # Awake is no word: the own sound ends, the others ring on, and nobody is rung for it a second time.
    await consultant.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=30)
    [again] = [c for c in (await read(requester, case))["callouts"] if c["question"] and c["state"] == "ringing"]
    assert house.id_of(consultant) not in {o["doctor"] for o in again["offers"] if o["state"] == "made"}
    assert "coordinator" in {o["role"] for o in again["offers"] if o["state"] == "made"}
    await consultant.do(case, "messages", {"text": "Tôi đang xem phim."})
    await house.hotline.fast_forward(hours=1)
    beside_it = [c for c in (await read(requester, case))["callouts"] if c["question"]]
    assert [(c["state"], c["ended_reason"]) for c in beside_it] == [("accepted", "heard"), ("ended", "heard")]


async def test_whoever_accepts_for_a_silent_consultant_owes_the_word_instead(house: Staff) -> None:
    case, requester, holder = await held(house)
    await holder.do(case, "messages", {"text": "Tôi xem ngay."})
    consultant = house.rung(await beside(house, case, holder), callout=1)[0]
    await consultant.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=10, seconds=1)
    seen = await read(requester, case)
    other = next(p for p in house.rung(seen, callout=2) if p is not consultant)
    await other.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=10, seconds=1)
    beside_it = [c for c in (await read(requester, case))["callouts"] if c["question"]]
    assert [(c["state"], c["ended_reason"]) for c in beside_it] == [
        ("accepted", "taken"),
        ("accepted", None),
        ("ringing", None),
    ]
    assert other in house.rung({"callouts": beside_it[-1:]})


async def test_accepting_the_case_leaves_the_second_specialty_ringing_to_its_own_end(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    asked = await beside(house, case, house[REQUESTER])
    await house.rung(asked, callout=0)[0].do(case, "acceptance")
    await house.hotline.fast_forward(minutes=30)
    second = await callout(house, case, 1)
    assert second["state"] == "ringing"
    assert "coordinator" in {o["role"] for o in second["offers"]}
    row = next(r for r in (await house[DISPATCHER].get("/consultations")).json()["items"] if r["id"] == case["id"])
    assert row["holder"] is not None
    assert row["ringing"]


async def test_when_the_patient_gets_worse_both_are_asked_anew_each_its_own_question(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER], urgency="yellow")
    await beside(house, case, house[REQUESTER])
    worse = await house[REQUESTER].do(case, "urgency", {"urgency": "orange", "reason": "Tụt huyết áp"})
    ringing = [c for c in worse["callouts"] if c["state"] == "ringing"]
    assert [(c["reason"], c["question"]) for c in ringing] == [("urgency_raised", None), ("second_specialty", QUESTION)]
    assert {c["urgency"] for c in ringing} == {"orange"}
    assert {c["ended_reason"] for c in worse["callouts"] if c["state"] == "ended"} == {"superseded"}


async def test_a_second_specialty_is_asked_by_specialty_or_by_desk_and_never_twice(house: Staff) -> None:
    case, _, holder = await held(house)
    desk, _ = desk_at(house, "K02")
    path = f"/consultations/{case['id']}/specialties"
    for body, field in (
        ({"question": QUESTION}, "specialty"),
        ({"specialty": "K02", "desk_id": desk, "question": QUESTION}, "specialty"),
        ({"desk_id": desk}, "question"),
        ({"desk_id": case["id"], "question": QUESTION}, "desk_id"),
        ({"specialty": "K99", "question": QUESTION}, "specialty"),
    ):
        answer = await holder.post(path, body)
        assert answer.status_code == 422, answer.text
        assert [e["field"] for e in answer.json()["errors"]] == [field]
    await holder.do(case, "specialties", {"desk_id": desk, "question": QUESTION})
    again = await holder.post(path, {"specialty": "K02", "question": QUESTION})
    assert again.json()["errors"][0]["field"] == "desk_id"


async def test_a_routine_second_specialty_of_the_asking_side_goes_by_agreements(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER], urgency="yellow")
    refused = await house[REQUESTER].post(
        f"/consultations/{case['id']}/specialties", {"specialty": "K28", "question": QUESTION}
    )
    assert refused.json()["type"] == "/problems/no-agreement"


async def test_a_consultant_may_pass_the_question_on_and_it_stays_a_question_beside(house: Staff) -> None:
    case, _, holder = await held(house)
    asked = await beside(house, case, holder)
    consultant = house.rung(asked, callout=1)[0]
    elsewhere = next(
        str(a["desk"]) for a in house.hotline.accounts if a.get("desk") and a["specialty"] not in ("K02", "K04")
    )
    passed = await consultant.do(case, "forwarding", {"desk_id": elsewhere, "reason": "Đúng hơn"})
    seen = await read(house[REQUESTER], passed)
    assert (seen["callouts"][-1]["reason"], seen["callouts"][-1]["question"]) == ("second_specialty", QUESTION)
    assert seen["holder"] == house.id_of(holder)


# --- a later step -------------------------------------------------------------------------------------------------


async def test_a_coordinator_takes_a_later_step_and_everybody_rings_on(house: Staff) -> None:
    await listening(house[REQUESTER])
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    [first] = house.rung(case)
    jumped = await house[DISPATCHER].do(case, "step", {"step": 3, "callout_id": case["callouts"][0]["id"]})
    call = jumped["callouts"][0]
    assert call["step"] == 3
    assert first in house.rung(jumped)
    assert {o["role"] for o in call["offers"]} == {"primary", "leadership"}
    await house[REQUESTER].hears_event("escalation.scheduled", case, step=3)


async def test_a_ladder_goes_up_only(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    coordinator = house[DISPATCHER]
    path = f"/consultations/{case['id']}/step"
    await coordinator.do(case, "step", {"step": 2})
    for step in (2, 1, 0):
        answer = await coordinator.post(path, {"step": step})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-forward")
    assert (await coordinator.post(path, {"step": 17})).status_code == 422
    assert (await coordinator.post(path, {"step": -1})).status_code == 422
    assert (await coordinator.post(path, {"step": 3, "callout_id": case["id"]})).status_code == 422
    await house.rung(await read(house[REQUESTER], case))[0].do(case, "acceptance")
    assert (await coordinator.post(path, {"step": 3})).json()["type"] == "/problems/not-ringing"


async def test_the_end_of_the_ladder_reached_by_hand_rings_the_coordinator_like_any_other(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    last = case["callouts"][0]["steps_total"] - 1
    jumped = await house[DISPATCHER].do(case, "step", {"step": last})
    assert jumped["callouts"][0]["round"] == 1
    assert house.rung(jumped, role="coordinator")
    await house.hotline.fast_forward(minutes=3)
    assert (await callout(house, case))["round"] >= 2


# --- another desk -------------------------------------------------------------------------------------------------


async def test_another_desk_rings_instead_and_the_first_is_told_why_it_stopped(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await listening(first)
    desk, _ = desk_at(house, "K02")
    moved = await requester.do(case, "re-route", {"desk_id": desk, "reason": "Sốc, cần hồi sức"})
    before, after = moved["callouts"]
    assert (before["state"], before["reason"], before["ended_reason"]) == ("ended", "request", "rerouted")
    assert (after["state"], after["desk"], after["reason"]) == ("ringing", desk, "rerouted")
    taken_back = await first.hears_event("offer.withdrawn", case)
    assert taken_back["d"]["reason"] == "rerouted"
    assert (await house.rung(moved, callout=1)[0].do(case, "acceptance"))["status"] == "active"
    again = await requester.post(f"/consultations/{case['id']}/re-route", {"desk_id": case["id"]})
    assert again.status_code == 422


async def test_a_holder_keeps_the_case_until_the_other_desk_has_it(house: Staff) -> None:
    case, _, holder = await held(house)
    desk, _ = desk_at(house, "K02")
    moved = await holder.do(case, "re-route", {"desk_id": desk, "reason": "Việc của hồi sức"})
    assert (moved["holder"], moved["status"]) == (house.id_of(holder), "active")
    successor = house.rung(moved, callout=1)[0]
    assert (await successor.do(case, "acceptance"))["holder"] == house.id_of(successor)


async def test_the_desk_that_rings_already_and_one_outside_agreements_are_refused(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester, urgency="yellow")
    same = await requester.post(f"/consultations/{case['id']}/re-route", {"desk_id": case["callouts"][0]["desk"]})
    assert same.json()["errors"][0]["field"] == "desk_id"
    strange = next(str(a["desk"]) for a in house.hotline.accounts if a.get("desk") and a["specialty"] == "K28")
    outside = await requester.post(f"/consultations/{case['id']}/re-route", {"desk_id": strange})
    assert outside.json()["type"] == "/problems/no-agreement"
    assert (await read(requester, case))["callouts"][0]["state"] == "ringing", "nothing stopped for it"
    urgent = await house.hotline.ask("K04", by=requester)
    moved = await requester.do(urgent, "re-route", {"desk_id": strange})
    assert "outside_agreement" in moved["warnings"]


async def test_a_second_specialty_rings_on_when_the_first_is_re_routed(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    await beside(house, case, requester)
    other = next(
        str(a["desk"])
        for a in house.hotline.accounts
        if a.get("desk") and a["specialty"] not in ("K02", "K04") and a["role"] == "specialist"
    )
    moved = await requester.do(case, "re-route", {"desk_id": other})
    assert [(c["reason"], c["state"]) for c in moved["callouts"]] == [
        ("request", "ended"),
        ("second_specialty", "ringing"),
        ("rerouted", "ringing"),
    ]
    await moment(house)
