"""Nobody answers: the night seen by those who ask and those who are rung."""

from tests.staff import Staff
from tests.stories.telling import DISPATCHER, REQUESTER, delivered, listening, read


async def test_an_emergency_rings_the_doctor_on_call_at_once(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    assert case["status"] == "ringing"
    [first] = house.rung(case)
    await first.connect()
    offer = await first.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    assert offer["d"]["offers"][0]["card"]["question"] == case["question"]


async def test_an_unanswered_emergency_is_rung_at_the_backup_too_after_five_minutes(house: Staff) -> None:
    requester = house[REQUESTER]
    first, *_ = house.rung(await house.hotline.ask("K04", by=requester))
    await listening(requester, first)
    case = await house.hotline.ask("K04", by=requester)
    await delivered(house, first, case)
    await house.hotline.fast_forward(minutes=4, seconds=59)
    assert house.rung(await read(requester, case)) == [first]
    await house.hotline.fast_forward(seconds=2)
    rung = house.rung(await read(requester, case))
    assert len(rung) == 2
    assert first in rung
    await requester.hears_event("escalation.scheduled", case, step=1)


async def test_an_offer_that_reaches_no_device_within_30_seconds_rings_the_next_doctor(house: Staff) -> None:
    requester = house[REQUESTER]
    await listening(requester)
    case = await house.hotline.ask("K04", by=requester)
    await house.hotline.fast_forward(seconds=29)
    assert len(house.rung(await read(requester, case))) == 1
    await house.hotline.fast_forward(seconds=2)
    await requester.hears_event("offer.undelivered", case)
    seen = await read(requester, case)
    assert len(house.rung(seen)) == 2
    assert seen["callouts"][0]["offers"][0]["undelivered"]
    assert seen["callouts"][0]["desk_phone"]


async def test_declining_rings_the_next_doctor_at_once(house: Staff) -> None:
    requester = house[REQUESTER]
    await listening(requester)
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await first.do(case, "refusal", {"reason": "procedure"})
    told = await requester.hears_event("offer.declined", case)
    assert told["d"]["reason"] == "procedure"
    [second] = house.rung(await read(requester, case))
    assert second is not first


async def test_the_requester_sees_who_rings_and_who_rings_next_and_when(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    callout = case["callouts"][0]
    assert callout["next_due_at"][:19] == "2026-11-23T20:09:00"
    planned = [(rung["who"], rung["at"][11:16], rung["started"]) for rung in callout["ladder"]]
    assert planned == [
        (["primary"], "20:04", True),
        (["backup"], "20:09", False),
        (["head_of_shift"], "20:13", False),
        (["leadership"], "20:16", False),
        (["coordinator"], "20:19", False),
    ]
    assert all(rung["doctors"] for rung in callout["ladder"])


async def test_the_end_of_the_ladder_is_a_coordinator_who_is_rung_until_the_case_is_held(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    await house.hotline.fast_forward(minutes=3)
    seen = await read(requester, case)
    callout = seen["callouts"][0]
    assert callout["step"] == callout["steps_total"] - 1
    coordinator, *others = house.rung(seen, role="coordinator")
    # No device has it there: the other coordinators of that hospital and then those of the asking one are rung too.
    assert len({o.account["hospital"] for o in (coordinator, *others)}) == 2
    await coordinator.connect()
    alarms = await coordinator.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    assert [a["number"] for a in alarms["d"]["alarms"]] == [case["number"]]
    refused = await coordinator.post(f"/consultations/{case['id']}/refusal", {"reason": "busy"})
    assert refused.status_code == 409
    for _ in range(3):
        before = (await read(requester, case))["callouts"][0]["round"]
        await house.hotline.fast_forward(minutes=2, seconds=1)
        seen = await read(requester, case)
        assert seen["callouts"][0]["round"] == before + 1
        assert seen["status"] == "ringing"
    board = house[DISPATCHER]
    row = next(r for r in (await board.get("/consultations")).json()["items"] if r["id"] == case["id"])
    assert row["exhausted"] is True
    holder = house.rung(seen)[0]
    await holder.do(case, "acceptance")
    await holder.do(case, "messages", {"text": "Chuyển ngay.", "opinion": True})
    await house.hotline.fast_forward(minutes=10)
    assert house.rung(await read(requester, case)) == []


async def test_after_an_outage_one_step_is_taken_and_later_ones_count_anew(house: Staff) -> None:
    requester = house[REQUESTER]
    first, *_ = house.rung(await house.hotline.ask("K04", by=requester))
    await listening(requester, first)
    case = await house.hotline.ask("K04", by=requester)
    await delivered(house, first, case)
    house.hotline.clock.advance(hours=3)
    await house.hotline.fast_forward(seconds=0)
    seen = (await read(requester, case))["callouts"][0]
    assert seen["step"] == 1
    assert seen["next_due_at"][:19] == "2026-11-23T23:08:00"


async def test_nothing_rings_unnoticed_past_its_time(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    timers = house.hotline.app.state.timers
    house.hotline.clock.advance(seconds=59)
    assert await timers.check() == 0
    house.hotline.clock.advance(seconds=2)
    assert await timers.check() == 1
    await house.hotline.fast_forward(seconds=0)
    assert await timers.check() == 0
    assert len(house.rung(await read(house[REQUESTER], case))) == 2
