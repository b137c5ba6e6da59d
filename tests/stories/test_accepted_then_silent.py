"""Accepted, and then nothing: the case rings again until the ward has a word, and an answer."""

import pytest

from tests.hotline import Json, Person
from tests.staff import Staff
from tests.stories.telling import CONCLUSION, DISPATCHER, held, listening, offer_to, one_more_specialist, read

# From acceptance: without a word, and to the answer that is owed.
SILENT_S = {"red": 180, "orange": 600, "yellow": 1800, "green": 4 * 3600}
ANSWER_S = {"red": 300, "orange": 900, "yellow": 3600, "green": 24 * 3600}


def ringing(case: Json, reason: str) -> list[Json]:
    return [c for c in case["callouts"] if c["state"] == "ringing" and c["reason"] == reason]


def rung_by(house: Staff, callout: Json) -> list[Person]:
    return [house.by_id[o["doctor"]] for o in callout["offers"] if o["state"] == "made"]


@pytest.mark.parametrize("urgency", SILENT_S)
async def test_a_holder_who_says_nothing_is_rung_with_the_next_step_and_stays_the_holder(
    house: Staff, urgency: str
) -> None:
    case, requester, first = await held(house, urgency=urgency)
    await house.hotline.fast_forward(seconds=SILENT_S[urgency] - 1)
    assert not ringing(await read(requester, case), "silent")
    await house.hotline.fast_forward(seconds=2)
    seen = await read(requester, case)
    [callout] = ringing(seen, "silent")
    assert (seen["status"], seen["holder"]) == ("active", house.id_of(first))
    rung = rung_by(house, callout)
    assert first in rung
    assert len(rung) >= 2
    assert callout["ladder"][0]["who"] == (["red_team"] if urgency == "red" else ["backup"])
    told = await requester.hears_event("consultation.silent", case, why="silent")
    assert told["d"]["holder_name"] == first.name
    await first.hears_event("offer.made", case, callout_id=callout["id"])


@pytest.mark.parametrize("urgency", ANSWER_S)
async def test_an_answer_that_is_overdue_rings_the_holder_and_the_next_step_though_the_holder_said_ok(
    house: Staff, urgency: str
) -> None:
    case, requester, first = await held(house, urgency=urgency)
    await first.do(case, "messages", {"text": "ok"})
    await house.hotline.fast_forward(seconds=ANSWER_S[urgency] - 1)
    assert not [c for c in (await read(requester, case))["callouts"] if c["reason"] in ("silent", "overdue")]
    await house.hotline.fast_forward(seconds=2)
    [callout] = ringing(await read(requester, case), "overdue")
    assert first in rung_by(house, callout)
    await requester.hears_event("consultation.silent", case, why="overdue")
    # A further «ok» is a word: the ring ends, and what is owed is asked for again after the time of silence.
    await first.do(case, "messages", {"text": "ok, đang xem"})
    assert not ringing(await read(requester, case), "overdue")
    await house.hotline.fast_forward(seconds=SILENT_S[urgency] - 1)
    assert not ringing(await read(requester, case), "overdue")
    await house.hotline.fast_forward(seconds=2)
    assert ringing(await read(requester, case), "overdue")
    await first.do(case, "messages", {"text": "Tiêu sợi huyết ngay.", "opinion": True})
    seen = await read(requester, case)
    assert not ringing(seen, "overdue")
    await requester.do(case, "read-back", {"event_id": seen["unread"][0]["event_id"], "understood": True})
    await house.hotline.fast_forward(hours=30)
    assert house.rung(await read(requester, case)) == [] or urgency == "red"


@pytest.mark.parametrize("word", ["message", "opinion", "conclusion", "call"])
async def test_the_holders_word_ends_the_ring_and_everybody_rung_is_told(house: Staff, word: str) -> None:
    case, requester, first = await held(house)
    await house.hotline.fast_forward(minutes=10, seconds=1)
    [callout] = ringing(await read(requester, case), "silent")
    [backup] = [p for p in rung_by(house, callout) if p is not first]
    await listening(backup)
    if word == "message":
        await first.do(case, "messages", {"text": "Tôi đang xem điện tim."})
    elif word == "opinion":
        await first.do(case, "messages", {"text": "Chuyển ngay.", "opinion": True})
    elif word == "conclusion":
        await first.do(case, "conclusion", CONCLUSION)
    else:
        at = house.hotline.clock.now().isoformat()
        seen = await first.do(case, "calls", {"at": at, "text": "Dặn chuyển ngay."})
        assert ringing(seen, "silent"), "one side alone says so"
        await requester.do(case, f"calls/{seen['calls'][0]['id']}/confirmation")
    assert house.rung(await read(requester, case)) == []
    await backup.hears_event("offer.withdrawn", case, reason="concluded" if word == "conclusion" else "heard")
    assert (await read(requester, case))["holder"] == house.id_of(first)


async def test_it_rings_on_to_a_coordinator_who_cannot_decline_until_there_is_a_word(house: Staff) -> None:
    case, requester, first = await held(house)
    await house.hotline.fast_forward(minutes=23)
    seen = await read(requester, case)
    dispatcher, *others = house.rung(seen, role="coordinator")
    declined = await dispatcher.post(f"/consultations/{case['id']}/refusal", {"reason": "busy"})
    assert declined.json()["type"] == "/problems/must-act"
    for person in house.rung(seen):
        if person not in (dispatcher, first, *others):
            await person.do(case, "refusal", {"reason": "procedure"})
    for _ in range(3):
        before = ringing(await read(requester, case), "silent")[0]["round"]
        await house.hotline.fast_forward(minutes=2, seconds=1)
        [callout] = ringing(await read(requester, case), "silent")
        assert callout["round"] == before + 1
        assert dispatcher in rung_by(house, callout)
    assert await house.hotline.app.state.timers.check() == 0
    await first.do(case, "messages", {"text": "Tôi đây."})
    assert house.rung(await read(requester, case)) == []


async def test_another_doctor_who_accepts_becomes_the_holder_and_owes_a_word_in_turn(house: Staff) -> None:
    case, requester, first = await held(house)
    await house.hotline.fast_forward(minutes=10, seconds=1)
    [backup] = [p for p in house.rung(await read(requester, case)) if p is not first]
    case = await backup.do(case, "acceptance")
    assert case["holder"] == house.id_of(backup)
    assert house.rung(case) == []
    await first.hears_event("consultation.handed_over", case)
    await house.hotline.fast_forward(minutes=9, seconds=58)
    assert house.rung(await read(requester, case)) == []
    await house.hotline.fast_forward(seconds=3)
    rung = house.rung(await read(requester, case))
    assert backup in rung
    assert first not in rung
    assert len(rung) == 2


async def test_a_holder_who_only_taps_accept_stops_the_own_sound_and_nobody_elses(house: Staff) -> None:
    case, requester, first = await held(house)
    await house.hotline.fast_forward(minutes=10, seconds=1)
    rung = house.rung(await read(requester, case))
    case = await first.do(case, "acceptance")
    assert case["holder"] == house.id_of(first)
    assert offer_to(case, house, first)["reason"] == "held"
    assert house.rung(case) == [p for p in rung if p is not first]
    await house.hotline.fast_forward(minutes=5)
    assert len(house.rung(await read(requester, case))) > 1
    await first.do(case, "messages", {"text": "Tôi đang xem."})
    assert house.rung(await read(requester, case)) == []


async def test_opening_the_case_is_a_word_only_of_a_holder_who_accepted_by_telephone(house: Staff) -> None:
    by_client, requester, first = await held(house)
    by_voice = await house.hotline.ask("K04", by=requester, patient={"label": "MC-018", "sex": "female"})
    await first.do(by_voice, "acceptance")
    await house.execute(
        "UPDATE offer SET answered_via = 'voice' WHERE consultation_id = CAST(:id AS uuid)", id=by_voice["id"]
    )
    house.hotline.clock.advance(minutes=5)
    for case in (by_client, by_voice):
        await read(first, case)
    await house.hotline.fast_forward(minutes=5, seconds=1)
    assert ringing(await read(requester, by_client), "silent")
    assert not ringing(await read(requester, by_voice), "silent")
    assert (await read(requester, by_voice))["heard_at"]
    # The answer is owed all the same.
    await house.hotline.fast_forward(minutes=5)
    assert ringing(await read(requester, by_voice), "overdue")


async def test_a_holder_who_took_the_case_by_hand_over_has_the_desks_ladder_behind_them(house: Staff) -> None:
    case, requester, first = await held(house)
    await first.do(case, "messages", {"text": "Đang xem."})
    successor = house["tn-lanhdao-3"]
    await house.execute(
        "INSERT INTO user_specialty (user_id, specialty) VALUES (CAST(:id AS uuid), 'K04') ON CONFLICT DO NOTHING",
        id=house.id_of(successor),
    )
    house.hotline.app.state.house.sessions.clear()
    await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
    await successor.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=10, seconds=1)
    [callout] = ringing(await read(requester, case), "silent")
    assert callout["ladder"][0]["who"] == ["backup"]
    assert successor in rung_by(house, callout)


async def test_silence_is_counted_by_the_policy_that_was_frozen_when_the_case_rang(house: Staff) -> None:
    await house.execute("UPDATE escalation_policy SET silent_s = 60 WHERE urgency = 'orange'")
    case, requester, _ = await held(house)
    await house.execute("UPDATE escalation_policy SET silent_s = 6000 WHERE urgency = 'orange'")
    await house.hotline.fast_forward(seconds=61)
    assert ringing(await read(requester, case), "silent")


async def test_a_server_that_was_away_rings_once_when_it_is_back_and_the_alarm_tells_meanwhile(house: Staff) -> None:
    case, requester, _ = await held(house)
    timers = house.hotline.app.state.timers
    house.hotline.clock.advance(minutes=40)
    assert await timers.check() == 1
    await house.hotline.fast_forward(seconds=0)
    assert await timers.check() == 0
    seen = await read(requester, case)
    after = [c for c in seen["callouts"] if c["reason"] in ("silent", "overdue")]
    assert [c["reason"] for c in after] == ["overdue"]
    assert after[0]["step"] == 0


async def test_raised_to_red_the_answer_is_owed_in_five_minutes_and_what_was_said_before_counts_for_nothing(
    house: Staff,
) -> None:
    case, requester, first = await held(house)
    await first.do(case, "messages", {"text": "Theo dõi thêm.", "opinion": True})
    house.hotline.clock.advance(hours=1)
    case = await requester.do(case, "urgency", {"urgency": "red", "reason": "Ngừng tim"})
    assert case["answer_due_at"][:19] == "2026-11-23T21:09:00"
    await first.do(case, "acceptance")
    await house.hotline.fast_forward(minutes=5, seconds=1)
    assert ringing(await read(requester, case), "overdue")


async def test_nobody_is_rung_for_a_case_that_was_cancelled_or_concluded(house: Staff) -> None:
    for end in ("cancellation", "conclusion"):
        case, requester, first = await held(house)
        if end == "cancellation":
            await requester.do(case, end, {"reason": "Đã chuyển"})
        else:
            seen = await first.do(case, end, CONCLUSION)
            advice = {"event_id": seen["conclusion"]["event_id"], "understood": True}
            await requester.do(case, "read-back", advice)
        await house.hotline.fast_forward(hours=2)
        assert house.rung(await read(requester, case)) == []


async def test_a_coordinator_assigns_a_case_whose_holder_is_silent(house: Staff) -> None:
    case, requester, first = await held(house)
    await house.hotline.fast_forward(minutes=10, seconds=1)
    named = await one_more_specialist(house)
    await house[DISPATCHER].do(case, "assignment", {"user_id": house.id_of(named)})
    case = await named.do(case, "acceptance")
    assert case["holder"] == house.id_of(named)
    assert house.rung(await read(requester, case)) == []
    assert case["callouts"][0]["offers"][0]["doctor"] == house.id_of(first)
