"""Advice that nobody reads back: the ward rings, then its telephone, then the coordinator, until it is understood."""

import asyncio
from datetime import timedelta

import pytest

from tests.hotline import Json, Person
from tests.staff import Staff
from tests.stories.telling import CONCLUSION, WARD_MATE, held, listening, read

UNREAD_S = {"red": 300, "orange": 300, "yellow": 900, "green": 900}


async def advised(house: Staff, **request: str) -> tuple[Json, Person, Person, Json]:
    case, requester, first = await held(house, **request)
    opinion = await first.do(case, "messages", {"text": "Enoxaparin 80 mg.", "opinion": True})
    return case, requester, first, opinion


async def notices(house: Staff, case: Json) -> list[tuple[str, str | None, str]]:
    """To the ward's telephone, and on channels that people chose; what the hospital has noted is used besides."""
    rows = await house.execute(
        "SELECT channel, user_id::text AS user, state FROM notice "
        "WHERE consultation_id = CAST(:id AS uuid) AND kind = 'advice' "
        "AND (user_id IS NULL OR channel_id IS NOT NULL) ORDER BY made_at, channel",
        id=case["id"],
    )
    return [(r.channel, r.user, r.state) for r in rows]


def steps(person: Person, case: Json) -> list[int]:
    return [
        m["d"]["step"]
        for m in person.heard
        if m["k"] == "event"
        and m["t"] == "advice.unread"
        and m["s"].startswith("user:")
        and m["d"]["consultation_id"] == case["id"]
    ]


@pytest.mark.parametrize("urgency", UNREAD_S)
async def test_unread_advice_rings_the_ward_then_its_telephone_then_the_coordinator_until_it_is_read_back(
    house: Staff, urgency: str
) -> None:
    mate = house[WARD_MATE]
    coordinators = [p for u, p in house.by_username.items() if u.startswith("sonla-dieuphoi-")]
    await listening(mate, *coordinators)
    for person in (mate, *coordinators):
        await person.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    case, requester, _, opinion = await advised(house, urgency=urgency)
    await house.hotline.fast_forward(seconds=UNREAD_S[urgency] - 1)
    assert not requester.has_heard("advice.unread", case)
    await house.hotline.fast_forward(seconds=2)
    for person in (requester, mate):
        await person.hears_event("advice.unread", case, event_id=opinion["event_id"], step=0)
    assert await notices(house, case) == []
    await house.hotline.fast_forward(minutes=2)
    await requester.hears_event("advice.unread", case, step=1)
    assert await notices(house, case) == [("voice", None, "waiting")]
    await house.hotline.fast_forward(minutes=2)
    await requester.hears_event("advice.unread", case, step=2)
    await house.hotline.fast_forward(minutes=4)
    for person in (requester, mate, *coordinators):
        await person.settled()
    # Whoever is on duty as coordinator of the asking hospital.
    [coordinator] = [p for p in coordinators if steps(p, case)]
    assert steps(requester, case) == [0, 1, 2, 2, 2]
    assert steps(coordinator, case) == [2, 2, 2]
    seen = await mate.do(case, "read-back", {"event_id": opinion["event_id"], "understood": True})
    assert seen["unread"] == []
    assert await notices(house, case) == [("voice", None, "stopped")] * 4
    await house.hotline.fast_forward(hours=3)
    await coordinator.settled()
    assert steps(coordinator, case) == [2, 2, 2]


async def test_people_with_channels_are_told_outside_the_socket_without_a_word_about_the_patient(house: Staff) -> None:
    case, requester, _, opinion = await advised(house)
    await house.execute(
        "INSERT INTO channel (id, user_id, kind, address, position, added_at) "
        "VALUES (gen_random_uuid(), CAST(:user AS uuid), 'sms', '0912000111', 0, :now)",
        user=house.id_of(requester),
        now=house.hotline.clock.now(),
    )
    await house.hotline.fast_forward(minutes=5, seconds=1)
    rows = await house.execute(
        "SELECT words::text AS words, urgent, user_id::text AS who FROM notice WHERE channel_id IS NOT NULL"
    )
    assert [(r.urgent, r.who) for r in rows] == [(True, house.id_of(requester))]
    for secret in (case["patient"]["label"], "Enoxaparin", case["question"]):
        assert secret not in rows[0].words
    assert opinion["event_id"] not in rows[0].words


async def test_not_understood_rings_on(house: Staff) -> None:
    case, requester, _, opinion = await advised(house)
    await requester.do(case, "read-back", {"event_id": opinion["event_id"], "understood": False, "text": "Liều?"})
    await house.hotline.fast_forward(minutes=5, seconds=1)
    await requester.hears_event("advice.unread", case)


async def test_a_conclusion_too_waits_to_be_read_back_and_closing_the_case_ends_the_ringing(house: Staff) -> None:
    case, requester, first = await held(house)
    seen = await first.do(case, "conclusion", CONCLUSION)
    assert [u["event_id"] for u in seen["unread"]] == [seen["conclusion"]["event_id"]]
    await house.hotline.fast_forward(minutes=5, seconds=1)
    await requester.hears_event("advice.unread", case, event_id=seen["conclusion"]["event_id"])
    await requester.do(case, "outcome", {"at": "discharge", "result": "transferred"})
    assert (await read(requester, case))["unread"] == []
    await house.hotline.fast_forward(hours=1)
    await requester.settled()
    assert steps(requester, case) == [0]


async def test_a_correction_rings_the_ward_at_once_and_asks_whether_the_old_advice_was_carried_out(
    house: Staff,
) -> None:
    case, requester, first, opinion = await advised(house)
    await requester.do(case, "read-back", {"event_id": opinion["event_id"], "understood": True})
    changed = {"text": "Enoxaparin 60 mg.", "opinion": True, "supersedes": opinion["event_id"]}
    corrected = await first.do(case, "messages", changed)
    told = await requester.hears_event("advice.unread", case, event_id=corrected["event_id"])
    assert told["d"]["changed"] is True
    assert [u["event_id"] for u in (await read(requester, case))["unread"]] == [corrected["event_id"]]
    await house.hotline.fast_forward(minutes=2, seconds=1)
    await requester.hears_event("advice.unread", case, step=1)
    about_the_old = {"event_id": opinion["event_id"], "understood": True, "done_already": True}
    assert (await requester.post(f"/consultations/{case['id']}/read-back", about_the_old)).status_code == 422
    back = {"event_id": corrected["event_id"], "understood": True, "text": "60 mg", "done_already": True}
    seen = await requester.do(case, "read-back", back)
    assert seen["read_backs"][-1]["done_already"] is True
    told = await first.hears_event("advice.read_back", case)
    told = await first.hears(
        lambda m: m["k"] == "event" and m["t"] == "advice.read_back" and m["d"].get("read_back", {}).get("done_already")
    )
    assert told["d"]["read_back"]["text"] == "60 mg"
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()["text"]
    assert "Ý kiến trước đã được thực hiện" in record


async def test_a_correction_of_advice_that_nobody_had_read_closes_the_old_one(house: Staff) -> None:
    case, requester, first, opinion = await advised(house)
    changed = {"text": "Enoxaparin 60 mg.", "opinion": True, "supersedes": opinion["event_id"]}
    corrected = await first.do(case, "messages", changed)
    await house.hotline.fast_forward(minutes=6)
    await requester.settled()
    unread = [m["d"]["event_id"] for m in requester.heard if m.get("t") == "advice.unread"]
    assert set(unread) == {corrected["event_id"]}


async def test_without_a_telephone_of_the_ward_the_coordinator_is_rung_in_its_place(house: Staff) -> None:
    case, requester, _, _ = await advised(house)
    await house.execute("UPDATE consultation SET ward_phone = NULL WHERE id = CAST(:id AS uuid)", id=case["id"])
    await house.hotline.fast_forward(minutes=7, seconds=2)
    await requester.hears_event("advice.unread", case, step=2)
    assert await notices(house, case) == []


async def test_a_read_back_while_the_reminder_fires_is_never_followed_by_a_ring(house: Staff) -> None:
    case, requester, _, opinion = await advised(house)
    house.hotline.clock.advance(minutes=5, seconds=1)
    back = {"event_id": opinion["event_id"], "understood": True}
    await asyncio.gather(
        house.hotline.app.state.timers.run_due(),
        requester.do(case, "read-back", back),
        house.hotline.app.state.timers.run_due(),
    )
    await house.hotline.fast_forward(minutes=30)
    facts = [f["type"] for f in (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]]
    assert facts.count("advice.read_back") == 1
    assert facts.count("advice.unread") <= 1
    if "advice.unread" in facts:
        assert facts.index("advice.unread") < facts.index("advice.read_back")


async def test_a_server_that_was_away_takes_one_step_and_the_alarm_tells_meanwhile(house: Staff) -> None:
    case, requester, _, _ = await advised(house)
    timers = house.hotline.app.state.timers
    house.hotline.clock.advance(hours=2)
    assert await timers.check() == 1
    await asyncio.gather(timers.run_due(), timers.run_due())
    assert await timers.check() == 0
    await requester.settled()
    assert steps(requester, case) == [0]
    [unread] = (await read(requester, case))["unread"]
    due = house.hotline.clock.now() + timedelta(minutes=2)
    assert unread["due_at"][:19] == due.isoformat()[:19]


async def test_the_owner_of_the_asking_side_is_named_and_told_and_rung(house: Staff) -> None:
    case, requester, first = await held(house)
    mate = house[WARD_MATE]
    await listening(mate)
    await mate.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    assert (await read(first, case))["ward_owner_name"] == requester.name
    seen = await requester.do(case, "ward-owner", {"user_id": house.id_of(mate)})
    assert (seen["ward_owner"], seen["ward_owner_name"]) == (house.id_of(mate), mate.name)
    assert seen["requester"] == house.id_of(requester)
    assert {p["user"]: p["role"] for p in seen["participants"]}[house.id_of(mate)] == "colleague"
    await mate.hears_event("ward.owner_named", case)
    assert (await read(first, case))["ward_owner"] == house.id_of(mate)
    for stranger in ("mocchau-capcuu-1", "tn-timmach-1", "sonla-hstc-1"):
        body = {"user_id": house.id_of(house[stranger])}
        assert (await requester.post(f"/consultations/{case['id']}/ward-owner", body)).status_code == 422, stranger
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()["text"]
    assert f"Người phụ trách bên yêu cầu: {mate.name}" in record
