"""What is said, what is corrected, and what was understood."""

import pytest

from tests.hotline import Json
from tests.staff import Staff
from tests.stories.telling import CONCLUSION, DISPATCHER, WARD_MATE, held, one_more_specialist, read


async def messages(person, case) -> list[dict]:
    return (await person.get(f"/consultations/{case['id']}/messages")).json()["items"]


async def test_a_message_is_no_answer_and_an_opinion_ends_the_answer_clock(house: Staff) -> None:
    case, requester, first = await held(house)
    assert case["answer_due_at"]
    assert case["answered_at"] is None
    await first.do(case, "messages", {"text": "Tôi xem đây."})
    assert (await read(requester, case))["answered_at"] is None
    house.hotline.clock.advance(minutes=4)
    await first.do(case, "messages", {"text": "Tiêu sợi huyết ngay.", "opinion": True})
    assert (await read(requester, case))["answered_at"][:19] == "2026-11-23T20:08:00"
    told = await requester.hears(
        lambda m: m["k"] == "event" and m["t"] == "message.posted" and m["d"]["message"]["opinion"]
    )
    assert told["d"]["header"]["answered_at"]


async def test_a_conclusion_without_an_opinion_before_it_ends_the_answer_clock_too(house: Staff) -> None:
    case, _, first = await held(house)
    case = await first.do(case, "conclusion", CONCLUSION)
    assert case["answered_at"] == case["concluded_at"]


async def test_a_correction_supersedes_an_opinion_and_hides_nothing_and_needs_a_new_read_back(house: Staff) -> None:
    case, requester, first = await held(house)
    opinion = await first.do(case, "messages", {"text": "Enoxaparin 80 mg.", "opinion": True})
    await requester.do(case, "read-back", {"event_id": opinion["event_id"], "understood": True, "text": "80 mg"})
    corrected = await first.do(
        case, "messages", {"text": "Enoxaparin 60 mg.", "opinion": True, "supersedes": opinion["event_id"]}
    )
    assert corrected["supersedes"] == opinion["event_id"]
    old, new = await messages(requester, case)
    assert (old["text"], old["superseded_by"]) == ("Enoxaparin 80 mg.", corrected["event_id"])
    assert (new["text"], new["superseded_by"]) == ("Enoxaparin 60 mg.", None)
    seen = await read(requester, case)
    assert corrected["event_id"] not in {b["event_id"] for b in seen["read_backs"]}
    back = {"event_id": corrected["event_id"], "understood": True, "text": "60 mg, chưa tiêm"}
    seen = await requester.do(case, "read-back", back)
    assert {b["event_id"] for b in seen["read_backs"]} == {opinion["event_id"], corrected["event_id"]}
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()["text"]
    assert "Enoxaparin 80 mg." in record
    assert "Enoxaparin 60 mg." in record


async def test_not_understood_is_a_read_back_that_everybody_sees(house: Staff) -> None:
    case, _, first = await held(house)
    opinion = await first.do(case, "messages", {"text": "Bolus rồi duy trì.", "opinion": True})
    unclear = {"event_id": opinion["event_id"], "understood": False, "text": "Liều bao nhiêu?"}
    await house[WARD_MATE].do(case, "read-back", unclear)
    told = await first.hears(lambda m: m["k"] == "event" and "read_back" in m["d"])
    assert told["d"]["read_back"]["understood"] is False
    assert told["d"]["read_back"]["text"] == "Liều bao nhiêu?"


async def test_only_the_asking_side_reads_back_and_only_advice(house: Staff) -> None:
    case, requester, first = await held(house)
    opinion = await first.do(case, "messages", {"text": "Chuyển ngay.", "opinion": True})
    plain = await first.do(case, "messages", {"text": "Xe đi lúc mấy giờ?"})
    mine = {"event_id": opinion["event_id"], "understood": True}
    assert (await first.post(f"/consultations/{case['id']}/read-back", mine)).status_code == 403
    not_advice = {"event_id": plain["event_id"], "understood": True}
    assert (await requester.post(f"/consultations/{case['id']}/read-back", not_advice)).status_code == 422


async def test_a_second_conclusion_supersedes_the_first_which_stays(house: Staff) -> None:
    case, requester, first = await held(house)
    before = (await first.do(case, "conclusion", CONCLUSION))["conclusion"]
    await requester.do(case, "read-back", {"event_id": before["event_id"], "understood": True})
    seen = await first.do(case, "conclusion", CONCLUSION | {"plan": "Can thiệp thì đầu."})
    now = seen["conclusion"]
    assert now["supersedes"] == before["event_id"]
    assert now["plan"] == "Can thiệp thì đầu."
    assert [c["plan"] for c in seen["conclusions"]] == [CONCLUSION["plan"], "Can thiệp thì đầu."]
    await requester.do(case, "read-back", {"event_id": now["event_id"], "understood": True})
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()["text"]
    assert "Can thiệp thì đầu." in record


async def test_new_vital_signs_reach_the_card_of_everybody_who_is_rung_and_the_holder_live(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    doctors = [p for u, p in house.by_username.items() if u.startswith("tn-timmach-")]
    for person in (requester, *doctors):
        await person.connect()
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await requester.do(
        case, "vitals", {"taken_at": "2026-11-23T20:03:00Z", "pulse": 38, "systolic": 74, "diastolic": 40}
    )
    told = await first.hears_event("vitals.recorded", case)
    assert told["s"].startswith("user:")
    assert told["d"]["card"]["vitals"][-1]["pulse"] == 38
    await requester.patch(
        f"/consultations/{case['id']}",
        {"safety": {"anticoagulant": {"state": "value", "text": "Clopidogrel 75 mg/ngày"}}},
    )
    told = await first.hears_event("consultation.updated", case)
    assert told["d"]["card"]["safety"]["anticoagulant"]["text"] == "Clopidogrel 75 mg/ngày"
    await first.do(case, "acceptance")
    await first.hears(lambda m: m["k"] == "snapshot" and m["s"] == f"consultation:{case['id']}")
    await requester.do(case, "vitals", {"taken_at": "2026-11-23T20:04:00Z", "pulse": 30})
    told = await first.hears(
        lambda m: m["k"] == "event" and m["t"] == "vitals.recorded" and m["s"] == f"consultation:{case['id']}"
    )
    assert told["d"]["vitals"]["pulse"] == 30
    for doctor in doctors:
        if doctor is not first:
            assert not doctor.has_heard("vitals.recorded", case)


@pytest.mark.parametrize(
    ("asked", "corrected", "stands"),
    [
        ({"age_years": 8, "weight_kg": 8}, {"age_months": 8}, (None, 8)),
        ({"age_months": 8, "weight_kg": 8}, {"age_years": 58}, (58, None)),
        ({"age_years": 0, "weight_kg": 8}, {"age_months": 8}, (0, 8)),
    ],
)
async def test_a_corrected_age_takes_the_place_of_one_in_another_unit_that_contradicts_it(
    house: Staff, asked: Json, corrected: Json, stands: tuple[int | None, int | None]
) -> None:
    requester = house["sonla-capcuu-1"]
    case = await house.hotline.ask("K04", by=requester, patient={"label": "MC-017", "sex": "male"} | asked)
    seen = (await requester.patch(f"/consultations/{case['id']}", {"patient": corrected})).json()
    assert (seen["patient"]["age_years"], seen["patient"]["age_months"]) == stands


async def test_an_opinion_cites_the_vital_signs_that_were_there_when_it_was_given(house: Staff) -> None:
    case, requester, first = await held(house)
    before = await first.do(case, "messages", {"text": "Cho biết huyết áp.", "opinion": True})
    assert before["vitals_id"] is None
    seen = await requester.do(case, "vitals", {"taken_at": "2026-11-23T20:03:00Z", "systolic": 94, "diastolic": 60})
    after = await first.do(case, "messages", {"text": "Truyền dịch 250 ml.", "opinion": True})
    assert after["vitals_id"] == seen["vitals"][-1]["id"]


async def test_an_invited_colleague_hears_and_speaks_from_the_invitation_on(house: Staff) -> None:
    case, requester, first = await held(house)
    guest = await one_more_specialist(house)
    await guest.connect()
    await first.do(case, "participants", {"user_id": house.id_of(guest), "role": "invited"})
    snapshot = await guest.hears(lambda m: m["k"] == "snapshot" and m["s"] == f"consultation:{case['id']}")
    assert snapshot["d"]["consultation"]["id"] == case["id"]
    await guest.do(case, "messages", {"text": "Đồng ý.", "opinion": True})
    told = await requester.hears(lambda m: m["k"] == "event" and m["t"] == "message.posted")
    assert told["d"]["message"]["author_name"] == guest.name


async def test_a_coordinator_reads_the_content_by_a_logged_read_and_may_leave_a_note(house: Staff) -> None:
    case, requester, _ = await held(house)
    dispatcher = house[DISPATCHER]
    assert (await read(dispatcher, case))["view"] == "full"
    await dispatcher.do(case, "messages", {"text": "Đã báo xe cấp cứu."})
    rows = await house.execute(
        "SELECT view FROM access_log WHERE user_id = CAST(:who AS uuid) AND consultation_id = CAST(:case AS uuid)",
        who=house.id_of(dispatcher),
        case=case["id"],
    )
    assert "full" in {row.view for row in rows}
    assert [m["text"] for m in await messages(requester, case)] == ["Đã báo xe cấp cứu."]
