"""Nobody answers: the night seen by those who ask and those who are rung."""

from tests.hotline import Hotline


async def test_an_emergency_rings_the_doctor_on_call_at_once(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    assert case["status"] == "ringing"
    [first] = await hotline.rung(case)
    await first.connect()
    offer = await first.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    assert offer["d"]["offers"][0]["card"]["question"] == case["question"]


async def test_an_unanswered_emergency_is_rung_at_the_backup_too_after_five_minutes(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    first_case = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(first_case)
    await first.connect()
    case = await hotline.ask("K04", by=requester)
    event = await first.hears_event("offer.made", case)
    await first.acknowledges(event, "delivered")
    await requester.hears_event("offer.delivered", case)
    await hotline.fast_forward(minutes=4, seconds=59)
    assert len(await hotline.rung(case)) == 1
    await hotline.fast_forward(seconds=2)
    rung = await hotline.rung(case)
    assert len(rung) == 2
    assert first in rung


async def test_an_offer_that_reaches_no_device_within_30_seconds_rings_the_next_doctor(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    await hotline.fast_forward(seconds=31)
    await requester.hears_event("offer.undelivered", case)
    assert len(await hotline.rung(case)) == 2


async def test_declining_rings_the_next_doctor_at_once(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(case)
    await first.do(case, "refusal", {"reason": "procedure"})
    await requester.hears_event("offer.declined", case)
    [second] = await hotline.rung(case)
    assert second is not first


async def test_the_end_of_the_ladder_is_a_coordinator_who_is_rung_until_the_case_is_held(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    await hotline.fast_forward(minutes=3)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    callout = read["callouts"][0]
    assert callout["step"] == callout["steps_total"] - 1
    coordinators = [o for o in callout["offers"] if o["role"] == "coordinator"]
    assert coordinators
    coordinator = await hotline.by_name(coordinators[0]["doctor_name"], coordinators[0]["doctor"])
    refused = await coordinator.post(f"/consultations/{case['id']}/refusal", {"reason": "busy"})
    assert refused.status_code == 409
    before = callout["round"]
    await hotline.fast_forward(minutes=5)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert read["callouts"][0]["round"] > before
    assert read["status"] == "ringing"
