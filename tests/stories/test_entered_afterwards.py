"""Cases that were handled by telephone while the system was away, entered afterwards with their true times."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.hotline import NIGHT, Json, Person
from tests.staff import Staff
from tests.stories.telling import CONCLUSION, DISPATCHER, REQUESTER, listening, offer_to, one_more_specialist, read

ASKED, ANSWERED = NIGHT - timedelta(minutes=90), NIGHT - timedelta(minutes=70)
SAID = "Hỏi tiêu sợi huyết hay chuyển. BS dặn tenecteplase 35 mg tĩnh mạch, rồi chuyển."
DOCTOR = "tn-timmach-2"


def body(**told: Any) -> Json:
    """What the ward types once the system is back; `told` changes what it says of the call."""
    urgency = told.pop("urgency", "orange")
    call = {"asked_at": ASKED.isoformat(), "answered_at": ANSWERED.isoformat(), "text": SAID} | told
    return {
        "specialty": "K04",
        "urgency": urgency,
        "question": "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?",
        "patient": {"label": "MC-017", "sex": "male", "age_years": 58},
        "telephone": {name: value for name, value in call.items() if value is not None},
    }


async def enter(house: Staff, **told: Any) -> Json:
    """Enter such a case; the doctor on call is named unless a name is."""
    if "answered_by_name" not in told:
        told = {"answered_by": house.id_of(house[DOCTOR])} | told
    answer = await house[REQUESTER].post("/consultations/telephone", body(**told))
    assert answer.status_code == 201, answer.text
    case: Json = answer.json()
    return case


async def history(person: Person, case: Json) -> list[Json]:
    facts: list[Json] = (await person.get(f"/consultations/{case['id']}/history")).json()["items"]
    return facts


async def test_the_doctor_spoken_to_confirms_and_the_case_goes_on_with_its_true_times(house: Staff) -> None:
    requester, doctor = house[REQUESTER], house[DOCTOR]
    await listening(requester, doctor)
    case = await enter(house)
    assert case["created_at"][:19] == "2026-11-23T20:04:00"
    assert (case["telephone"]["asked_at"], case["telephone"]["answered_at"]) == (
        "2026-11-23T18:34:00Z",
        "2026-11-23T18:54:00Z",
    )
    assert case["telephone"]["answered_by_name"] == doctor.name
    assert house.rung(case) == [doctor]
    told = await doctor.hears_event("offer.made", case)
    card = told["d"]["offer"]
    assert (card["quiet"], card["card"]["telephone"]["text"]) == (True, SAID)
    seen = await doctor.do(case, "acceptance")
    assert (seen["status"], seen["holder_name"]) == ("active", doctor.name)
    assert seen["answered_at"] == "2026-11-23T18:54:00Z"
    [call] = seen["calls"]
    assert (call["text"], call["by_name"], call["side"]) == (SAID, requester.name, "asking")
    assert (call["confirmed_by_name"], call["confirmed_at"]) == (doctor.name, "2026-11-23T20:04:00Z")
    await requester.hears_event("call.confirmed", case)
    await house.hotline.fast_forward(hours=30)
    assert house.rung(await read(requester, case)) == []
    concluded = await doctor.do(case, "conclusion", CONCLUSION)
    [unread] = concluded["unread"]
    await requester.do(case, "read-back", {"event_id": unread["event_id"], "understood": True, "text": "35 mg."})
    closed = await requester.do(case, "outcome", {"at": "discharge", "result": "transferred", "text": ""})
    assert closed["status"] == "closed"


async def test_the_record_has_the_true_times_the_time_of_entry_and_who_confirmed_field_by_field(house: Staff) -> None:
    requester, doctor = house[REQUESTER], house[DOCTOR]
    case = await enter(house)
    draft = (await requester.get(f"/consultations/{case['id']}/record")).json()
    assert draft["annex"]["started_at"] is None
    assert "chưa có người xác nhận" in draft["text"]
    house.hotline.clock.advance(minutes=30)
    await doctor.do(case, "acceptance")
    await doctor.do(case, "conclusion", CONCLUSION)
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()
    annex = record["annex"]
    assert annex["channel"] == ["text", "telephone"]
    assert annex["requested_at"] == "2026-11-23T18:34:00Z"
    assert annex["started_at"] == annex["answered_at"] == "2026-11-23T18:54:00Z"
    assert annex["telephone"] == {
        "asked_at": "2026-11-23T18:34:00Z",
        "answered_at": "2026-11-23T18:54:00Z",
        "entered_at": "2026-11-23T20:04:00Z",
        "answered_by": house.id_of(doctor),
        "answered_by_name": doctor.name,
        "entered_by_name": requester.name,
        "text": SAID,
        "confirmed_by_name": doctor.name,
        "confirmed_at": "2026-11-23T20:34:00Z",
    }
    boxes = {f["key"]: f["value"] for f in record["fields"]}
    assert boxes["consulted_at"] == "01 giờ 54, ngày 24/11/2026"
    assert (
        f"Hỏi qua điện thoại lúc 01 giờ 34, ngày 24/11/2026; {doctor.name} trả lời lúc 01 giờ 54, ngày 24/11/2026. "
        f"{requester.name} nhập lúc 03 giờ 04, ngày 24/11/2026; {doctor.name} xác nhận lúc 03 giờ 34, ngày 24/11/2026."
    ) in record["text"]
    assert f"Qua điện thoại, bên yêu cầu ghi: {SAID} {requester.name}" in record["text"]
    timeline = [row["text"] for row in annex["timeline"]]
    assert timeline[0] == "Nhập ca đã hỏi qua điện thoại lúc 01:34 24/11/2026, mức Cam"
    assert f"Nhờ xác nhận cuộc gọi: {doctor.name}" in timeline
    assert f"Xác nhận cuộc gọi và nhận ca: {doctor.name}" in timeline


async def test_a_red_case_entered_afterwards_rings_nobody_and_is_never_called_late(house: Staff) -> None:
    requester, doctor, dispatcher = house[REQUESTER], house[DOCTOR], house[DISPATCHER]
    await listening(requester, doctor, dispatcher)
    case = await enter(house, urgency="red")
    assert house.rung(case) == [doctor]
    header = (await requester.get("/consultations")).json()["items"][0]
    assert (header["quiet"], header["exhausted"], header["urgency"]) == (True, False, "red")
    assert set(header["telephone"]) == {"asked_at", "answered_at", "entered_at"}
    await house.hotline.fast_forward(hours=11)
    seen = await read(requester, case)
    assert house.rung(seen) == [doctor]
    assert not {f["type"] for f in await history(requester, case)} & {
        "offer.undelivered",
        "escalation.exhausted",
        "consultation.silent",
    }
    assert not dispatcher.has_heard("escalation.exhausted", case)
    seen = await doctor.do(case, "acceptance")
    assert house.rung(seen) == []
    assert [p["role"] for p in seen["participants"]] == ["requester", "assigned"]


async def test_when_nobody_confirms_in_twelve_hours_a_coordinator_is_asked_and_again_every_day(house: Staff) -> None:
    dispatcher = house[DISPATCHER]
    case = await enter(house, urgency="red")
    await house.hotline.fast_forward(hours=11, minutes=59)
    assert house.rung(await read(house[REQUESTER], case), role="coordinator") == []
    await house.hotline.fast_forward(minutes=1)
    seen = await read(dispatcher, case)
    asked = house.rung(seen, role="coordinator")
    assert asked
    assert house[DOCTOR] in house.rung(seen)
    snapshot = await dispatcher.connect()
    user = await snapshot.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    assert user["d"]["alarms"] == []
    await house.hotline.fast_forward(hours=48)
    rounds = [f for f in await history(dispatcher, case) if f["type"] == "escalation.exhausted"]
    assert [f["at"][:16] for f in rounds] == ["2026-11-24T08:04", "2026-11-25T08:04", "2026-11-26T08:04"]
    seen = await house[DOCTOR].do(case, "acceptance")
    assert seen["answered_at"] == "2026-11-23T18:54:00Z"


async def test_whoever_was_not_asked_says_so_and_the_coordinator_assigns_the_one_who_was(house: Staff) -> None:
    other = await one_more_specialist(house)
    case = await enter(house)
    refused = await house[DOCTOR].post(f"/consultations/{case['id']}/refusal", {"reason": "not_me"})
    assert refused.status_code == 200, refused.text
    seen = await read(house[REQUESTER], case)
    [dispatcher, *_] = house.rung(seen, role="coordinator")
    assert offer_to(seen, house, house[DOCTOR])["reason"] == "not_me"
    await dispatcher.do(case, "assignment", {"user_id": house.id_of(other)})
    await house.hotline.fast_forward(hours=3)
    before = len(await history(dispatcher, case))
    refused = await other.post(f"/consultations/{case['id']}/refusal", {"reason": "not_me"})
    assert refused.status_code == 200, refused.text
    again = (await history(dispatcher, case))[before:]
    assert [f["type"] for f in again if f["type"].startswith("escalation.")] == [
        "escalation.scheduled",
        "escalation.exhausted",
    ]
    words = (await house[REQUESTER].get(f"/consultations/{case['id']}/record")).json()["text"]
    assert f"Từ chối: {other.name} (không phải người đã trả lời qua điện thoại)" in words
    assert "Nhờ điều phối tìm người xác nhận" in words


async def test_with_a_name_only_the_coordinator_is_asked_at_once_and_assigns_a_doctor(house: Staff) -> None:
    typed = "BS trực Tim mạch, chưa rõ tên"
    case = await enter(house, answered_by_name=typed)
    asked = house.rung(case)
    assert {a.account["role"] for a in asked} == {"coordinator"}
    assert case["telephone"]["answered_by_name"] == typed
    await asked[0].connect()
    board = await asked[0].hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("hospital:"))
    assert case["number"] in str(board)
    assert typed not in str(board)
    refused = await asked[0].post(f"/consultations/{case['id']}/refusal", {"reason": "not_me"})
    assert refused.status_code == 409
    doctor = house[DOCTOR]
    await asked[0].do(case, "assignment", {"user_id": house.id_of(doctor)})
    seen = await doctor.do(case, "acceptance")
    assert seen["calls"][0]["confirmed_by_name"] == doctor.name
    assert seen["telephone"]["answered_by_name"] == typed


async def test_times_people_and_words_that_cannot_be_are_refused_by_their_field(house: Staff) -> None:
    now = NIGHT
    specialists = [p for p in house.by_id.values() if p.account["role"] == "specialist"]
    elsewhere = next(p for p in specialists if p.account["hospital"] != desk_of(house))
    wrong: list[tuple[str, Json]] = [
        ("telephone.asked_at", {"asked_at": (now + timedelta(hours=1)).isoformat()}),
        ("telephone.answered_at", {"answered_at": (now + timedelta(minutes=2)).isoformat()}),
        ("telephone.answered_at", {"answered_at": (ASKED - timedelta(minutes=1)).isoformat()}),
        ("telephone.asked_at", {"asked_at": (now - timedelta(days=8)).isoformat()}),
        ("telephone.asked_at", {"asked_at": ASKED.replace(tzinfo=None).isoformat()}),
        ("telephone.text", {"text": "…"}),
        ("telephone.text", {"text": None}),
        ("telephone.answered_by", {"answered_by": None}),
        ("telephone.answered_by", {"answered_by_name": "BS trực"}),
        ("telephone.answered_by", {"answered_by": str(uuid4())}),
        ("telephone.answered_by", {"answered_by": house.id_of(house[REQUESTER])}),
        ("telephone.answered_by", {"answered_by": house.id_of(elsewhere)}),
        ("telephone.answered_by", {"answered_by": house.id_of(await other_specialty(house))}),
    ]
    for field, told in wrong:
        sent = body(**{"answered_by": house.id_of(house[DOCTOR])} | told)
        for language in ("vi", "en"):
            answer = await house.hotline.http.post(
                "/api/v1/consultations/telephone",
                json=sent,
                headers=house[REQUESTER].headers | {"Idempotency-Key": str(uuid4()), "Accept-Language": language},
            )
            assert answer.status_code == 422, (told, answer.text)
            assert field in [e["field"] for e in answer.json()["errors"]], (told, answer.text)
    assert "the specialty Cardiology (K04)" in answer.text  # the last of them, in English
    assert (await house[REQUESTER].get("/consultations")).json()["items"] == []


def desk_of(house: Staff) -> str:
    hospital: str = house[DOCTOR].account["hospital"]
    return hospital


async def other_specialty(house: Staff) -> Person:
    [doctor] = await house.newcomers(1, hospital=desk_of(house), specialties=["K11"])
    return doctor


async def test_the_same_key_twice_makes_one_case_and_both_answers_are_the_same(house: Staff) -> None:
    requester, key = house[REQUESTER], str(uuid4())
    sent = body(answered_by=house.id_of(house[DOCTOR]))
    first, second = await asyncio.gather(*(requester.post("/consultations/telephone", sent, key=key) for _ in range(2)))
    assert first.json() == second.json()
    assert len((await requester.get("/consultations")).json()["items"]) == 1
    again = await requester.post("/consultations/telephone", body(answered_by_name="BS trực"), key=key)
    assert again.status_code == 422


async def test_two_confirmations_at_once_make_one_holder_and_confirm_the_call_once(house: Staff) -> None:
    other = await one_more_specialist(house)
    case = await enter(house, answered_by_name="BS trực Tim mạch")
    [dispatcher, *_] = house.rung(case)
    for doctor in (house[DOCTOR], other):
        await dispatcher.do(case, "assignment", {"user_id": house.id_of(doctor)})
    answers = await asyncio.gather(
        *(doctor.post(f"/consultations/{case['id']}/acceptance") for doctor in (house[DOCTOR], other))
    )
    assert sorted(a.status_code for a in answers) == [200, 409]
    seen = await read(house[REQUESTER], case)
    assert seen["calls"][0]["confirmed_by"] == seen["holder"]
    types = [f["type"] for f in await history(house[REQUESTER], case)]
    assert (types.count("call.recorded"), types.count("call.confirmed")) == (1, 1)


async def test_a_patient_who_gets_worse_is_rung_for_as_ever_and_the_old_answer_answers_nothing(house: Staff) -> None:
    requester, doctor = house[REQUESTER], house[DOCTOR]
    case = await enter(house)
    forwarded = await doctor.post(f"/consultations/{case['id']}/forwarding", {"desk_id": case["callouts"][0]["desk"]})
    assert (forwarded.status_code, forwarded.json()["errors"][0]["field"]) == (422, "desk_id")
    assert "re_route" not in (await read(requester, case))["may"]
    moved = await requester.post(f"/consultations/{case['id']}/re-route", {"desk_id": case["callouts"][0]["desk"]})
    assert (moved.status_code, moved.json()["errors"][0]["field"]) == (422, "desk_id")
    seen = await requester.do(case, "urgency", {"urgency": "red", "reason": "Ngừng tim"})
    assert [(c["state"], c["ended_reason"]) for c in seen["callouts"]] == [("ended", "superseded"), ("ringing", None)]
    refused = await doctor.post(f"/consultations/{case['id']}/refusal", {"reason": "not_me"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")
    seen = await doctor.do(case, "acceptance")
    assert (seen["answered_at"], seen["calls"][0]["confirmed_at"]) == (None, None)
    await house.hotline.fast_forward(minutes=6)
    assert len(house.rung(await read(requester, case))) > 1
    seen = await doctor.do(case, f"calls/{case['calls'][0]['id']}/confirmation")
    assert seen["answered_at"] is None


async def test_what_was_said_by_telephone_takes_nobodys_turn_and_nobodys_room(house: Staff) -> None:
    doctor = house[DOCTOR]
    await house.execute(f"UPDATE user_account SET capacity = 1 WHERE id = '{house.id_of(doctor)}'")
    told = [await enter(house, urgency="green") for _ in range(2)]
    real = await house.hotline.ask("K04", urgency="yellow", by=house[REQUESTER])
    assert not [f for c in real["callouts"] for step in c["ladder"] for f in step["passed_over"]]
    house.hotline.clock.advance(minutes=1)
    load = (await house[DISPATCHER].get(f"/desks/{real['callouts'][0]['desk']}/load")).json()
    assert sum(row["offers"] for row in load["items"]) == len(house.rung(real))
    for case in told:  # whoever is full can still say that it was them
        assert (await doctor.do(case, "acceptance"))["holder"] == house.id_of(doctor)
