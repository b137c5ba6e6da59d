"""What must not leak: to boards, to those who are only asked, and to those who no longer take part."""

import json
from typing import Any
from uuid import uuid4

from app.services.people.accounts import deactivate_account
from tests.hotline import Json, Person
from tests.policy.cast import take_out
from tests.staff import Staff

# Every text below is written somewhere in the case; none may be found where it does not belong.
SECRET = "BÍ-MẬT"
IDENTIFIER = "DN4141234567890"
BORN = "1968-05-17"
REQUEST: Json = {
    "question": f"{SECRET} câu hỏi",
    "situation": f"{SECRET} diễn biến",
    "background": f"{SECRET} tiền sử",
    "assessment": f"{SECRET} nhận định",
    "recommendation": f"{SECRET} đề nghị",
    "patient": {
        "label": f"{SECRET} họ tên",
        "sex": "male",
        "birth_date": BORN,
        "weight_kg": 64,
        "identifiers": [{"system": "bhyt", "value": IDENTIFIER}],
    },
    "diagnosis": {"code": "I21.1", "text": f"{SECRET} chẩn đoán"},
    "safety": {"allergies": {"state": "value", "text": f"{SECRET} dị ứng"}},
}


def of_stream(person: Person, kind: str) -> list[Json]:
    """Everything heard on one kind of stream."""
    return [m for m in person.heard if str(m.get("s", "")).startswith(f"{kind}:")]


def text_of(anything: Any) -> str:
    return json.dumps(anything, ensure_ascii=False)


async def live(staff: Staff) -> Json:
    """A whole life in which everybody types a secret wherever something can be typed."""
    requester, dispatcher = staff["sonla-capcuu-1"], staff["tn-dieuphoi-1"]
    case = await staff.hotline.ask("K04", urgency="yellow", by=requester, **REQUEST)
    [first] = staff.rung(case)
    colleagues = [p for u, p in staff.by_username.items() if u.startswith("tn-timmach-") and p is not first]
    await first.do(case, "forwarding", {"user_id": staff.id_of(colleagues[0]), "reason": f"{SECRET} chuyển tiếp"})
    await colleagues[0].do(case, "refusal", {"reason": "other", "text": f"{SECRET} từ chối"})
    await requester.do(case, "urgency", {"urgency": "orange", "reason": f"{SECRET} nặng lên"})
    await first.do(case, "acceptance")
    await dispatcher.do(case, "messages", {"text": f"{SECRET} ghi chú điều phối"})
    await requester.do(
        case, "vitals", {"taken_at": "2026-11-23T20:00:00Z", "pulse": 52, "systolic": 94, "diastolic": 60}
    )
    await requester.patch(f"/consultations/{case['id']}", {"background": f"{SECRET} tiền sử mới"})
    opinion = await first.do(case, "messages", {"text": f"{SECRET} ý kiến", "opinion": True})
    await requester.do(
        case, "read-back", {"event_id": opinion["event_id"], "understood": True, "text": f"{SECRET} đọc lại"}
    )
    successor = staff.id_of(colleagues[1])
    await first.do(case, "hand-over", {"user_id": successor, "note": f"{SECRET} bàn giao"})
    await staff.by_id[successor].do(case, "acceptance")
    given = {"summary": f"{SECRET} tóm tắt", "conclusion": f"{SECRET} kết luận", "plan": f"{SECRET} hướng"}
    await staff.by_id[successor].do(case, "conclusion", given | {"decision": f"{SECRET} quyết định"})
    await requester.do(case, "outcome", {"at": "discharge", "result": "transferred", "text": f"{SECRET} kết quả"})
    other = await staff.hotline.ask("K04", by=requester, **REQUEST)
    await requester.do(other, "cancellation", {"reason": f"{SECRET} lý do hủy"})
    return case


async def test_a_board_never_shows_a_name_an_identifier_or_anything_that_was_typed(house: Staff) -> None:
    boards = [await house[u].connect() for u in ("tn-dieuphoi-1", "sonla-dieuphoi-1")]
    late = house["tn-dieuphoi-2"]
    await late.connect()
    start = await late.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("hospital:"))
    await late.disconnect()
    case = await live(house)
    await house.hotline.ask("K04", by=house["sonla-capcuu-1"], **REQUEST)
    for coordinator in boards:
        await coordinator.hears_event("consultation.closed", case)
        await coordinator.hears_event("consultation.cancelled")
    late.heard.clear()
    await late.connect({start["s"]: [start["e"], start["n"]]})
    await late.hears_event("consultation.cancelled")
    newly = await house["tn-dieuphoi-3"].connect()
    await newly.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("hospital:"))
    for coordinator in (*boards, late, newly):
        board = of_stream(coordinator, "hospital")
        assert board
        for secret in (SECRET, IDENTIFIER, BORN):
            assert secret not in text_of(board)
    told = {m["t"] for m in of_stream(boards[0], "hospital") if m["k"] == "event"}
    assert {"offer.made", "offer.declined", "consultation.urgency_raised", "callout.opened"} <= told
    assert {m["t"] for m in of_stream(late, "hospital") if m["k"] == "event"} == told - {"presence.changed"}


async def test_an_offer_card_holds_the_question_and_no_identifier_or_birth_date(house: Staff) -> None:
    requester = house["sonla-capcuu-1"]
    doctors = [p for u, p in house.by_username.items() if u.startswith("tn-timmach-")]
    for doctor in doctors:
        await doctor.connect()
    case = await house.hotline.ask("K04", by=requester, **REQUEST)
    [first] = house.rung(case)
    await first.hears_event("offer.made", case)
    await requester.patch(f"/consultations/{case['id']}", {"background": "Đang dùng clopidogrel"})
    await first.hears_event("consultation.updated", case)
    await first.disconnect()
    live_frames = text_of(first.heard)
    first.heard.clear()
    await first.connect()
    await first.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:") and m["d"]["offers"])
    shown = [
        live_frames,
        text_of(first.heard),
        (await first.get("/offers")).text,
        (await first.get(f"/consultations/{case['id']}")).text,
    ]
    for frames in shown:
        assert f"{SECRET} câu hỏi" in frames
        assert "clopidogrel" in frames
        assert IDENTIFIER not in frames
        assert BORN not in frames
    for doctor in doctors:
        if doctor is not first:
            await doctor.settled()
            assert SECRET not in text_of(doctor.heard)
    await first.do(case, "acceptance")
    assert IDENTIFIER in (await first.get(f"/consultations/{case['id']}")).text


async def assert_share_ended(house: Staff, doctor: Person, case: Json) -> None:
    """The doctor knows that there was an offer, and can read no more than the board header of it."""
    read = await doctor.get(f"/consultations/{case['id']}")
    assert read.json()["view"] == "header"
    assert SECRET not in read.text
    assert (await doctor.get("/offers")).json()["items"] == []
    listed = (await doctor.get("/consultations")).text
    assert case["number"] in listed
    assert SECRET not in listed
    # Neither live, nor in what is read again after an absence, nor in a snapshot.
    doctor.heard.clear()
    changed = await house["sonla-capcuu-1"].patch(f"/consultations/{case['id']}", {"situation": f"{SECRET} về sau"})
    assert changed.status_code in (200, 409)
    await doctor.settled()
    await doctor.disconnect()
    epoch = house.hotline.app.state.house.epoch
    for cursors in ({f"user:{house.id_of(doctor)}": [epoch, 0]}, {}):
        await doctor.connect(cursors)
        await doctor.settled()
        await doctor.disconnect()
    assert SECRET not in text_of(doctor.heard)


async def test_a_declined_offer_shows_its_card_no_more(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house["sonla-capcuu-1"], **REQUEST)
    [first] = house.rung(case)
    await first.connect()
    await first.do(case, "refusal", {"reason": "procedure"})
    await first.hears_event("offer.declined", case)
    await assert_share_ended(house, first, case)


async def test_an_offer_that_somebody_else_took_shows_its_card_no_more(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house["sonla-capcuu-1"], **REQUEST)
    [first] = house.rung(case)
    await first.connect()
    second = next(p for u, p in house.by_username.items() if u.startswith("tn-timmach-") and p is not first)
    await first.do(case, "forwarding", {"user_id": house.id_of(second)})
    await second.do(case, "acceptance")
    withdrawn = await first.hears_event("offer.withdrawn", case)
    assert withdrawn["d"]["holder_name"] == second.name
    await assert_share_ended(house, first, case)


async def test_when_the_ringing_ends_without_anybody_the_card_is_shown_no_more(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house["sonla-capcuu-1"], **REQUEST)
    [first] = house.rung(case)
    await first.connect()
    await house["sonla-capcuu-1"].do(case, "cancellation", {"reason": "Bấm nhầm"})
    await first.hears_event("offer.withdrawn", case)
    await assert_share_ended(house, first, case)


async def test_a_red_team_member_who_was_not_needed_reads_the_card_until_the_conclusion_and_no_longer(
    house: Staff,
) -> None:
    case = await house.hotline.ask("K04", urgency="red", by=house["sonla-capcuu-1"], **REQUEST)
    leader, member, *_ = house.rung(case)
    await leader.do(case, "acceptance")
    assert (await member.get(f"/consultations/{case['id']}")).json()["view"] == "card"
    await leader.do(case, "conclusion", {"summary": "Tóm tắt", "conclusion": "Kết luận", "plan": "Hướng"})
    read = await member.get(f"/consultations/{case['id']}")
    assert read.json()["view"] == "header"
    assert SECRET not in read.text


async def a_discussion(house: Staff) -> tuple[Json, Person, Person]:
    """A held case with an invited doctor who listens; returns the case, the requester and the invited one."""
    requester = await house["sonla-capcuu-1"].connect()
    case = await house.hotline.ask("K04", by=requester, **REQUEST)
    [first] = house.rung(case)
    await first.do(case, "acceptance")
    invited = next(p for u, p in house.by_username.items() if u.startswith("tn-timmach-") and p is not first)
    await invited.connect()
    await requester.do(case, "participants", {"user_id": house.id_of(invited), "role": "invited"})
    await requester.do(case, "messages", {"text": "Mọi người nghe được"})
    await invited.hears(lambda m: m.get("s") == f"consultation:{case['id']}")
    await invited.hears(lambda m: "Mọi người nghe được" in text_of(m))
    return case, requester, invited


async def says_something_secret(case: Json, requester: Person) -> None:
    await requester.do(case, "messages", {"text": f"{SECRET} về sau"})
    await requester.hears(lambda m: f"{SECRET} về sau" in text_of(m))


async def test_somebody_who_was_taken_out_hears_nothing_after_the_commit(house: Staff) -> None:
    case, requester, invited = await a_discussion(house)
    invited.heard.clear()
    await take_out(requester, case, house.id_of(invited))
    await says_something_secret(case, requester)
    ended = await invited.hears(lambda m: m["k"] == "ended")
    assert ended["s"] == f"consultation:{case['id']}"
    await invited.settled()
    assert SECRET not in text_of(invited.heard)
    after = invited.heard[invited.heard.index(ended) + 1 :]
    assert not [m for m in after if m.get("s") == ended["s"]]
    await invited.send({"k": "subscribe", "s": ended["s"]})
    refused = await invited.hears(lambda m: m["k"] == "error" and m.get("re") is not None)
    assert refused["type"] == "not-found"
    assert (await invited.post(f"/consultations/{case['id']}/messages", {"text": "Còn tôi?"})).status_code == 403


async def test_a_session_ended_from_another_device_hears_and_reads_nothing_more(house: Staff) -> None:
    case, requester, invited = await a_discussion(house)
    phone = house.by_username.pop(invited.account["username"])
    async with house.sql() as session:
        desktop = await house._enter(session, invited.account, uuid4().hex + "0123456789a")
    phone.heard.clear()
    gone = await house.hotline.http.delete("/api/v1/auth/session", params={"everywhere": True}, headers=desktop.headers)
    assert gone.status_code == 204
    await says_something_secret(case, requester)
    await phone.hears(lambda m: m["k"] == "closed")
    assert phone.closed is not None
    assert phone.closed >= 4500
    assert SECRET not in text_of(phone.heard)
    for person in (phone, desktop):
        assert (await person.get(f"/consultations/{case['id']}")).status_code == 401


async def test_a_closed_account_hears_reads_and_answers_nothing_more(house: Staff) -> None:
    case, requester, invited = await a_discussion(house)
    invited.heard.clear()
    running = house.hotline.app.state.house
    async with running.work(None) as work:
        await deactivate_account(work, invited.account["username"])
        await running.commit(work)
    await says_something_secret(case, requester)
    await invited.hears(lambda m: m["k"] == "closed")
    assert invited.closed is not None
    assert invited.closed >= 4500
    assert SECRET not in text_of(invited.heard)
    assert (await invited.get(f"/consultations/{case['id']}")).status_code == 401
    assert (await invited.post(f"/consultations/{case['id']}/messages", {"text": "Còn tôi?"})).status_code == 401


async def test_a_token_is_never_read_back_from_the_address(house: Staff) -> None:
    person = house["sonla-capcuu-1"]
    answer = await house.hotline.http.get("/api/v1/me", params={"token": person.token, "access_token": person.token})
    assert answer.status_code == 401


async def test_every_read_of_a_patient_is_logged_and_a_board_header_is_none(house: Staff) -> None:
    requester, dispatcher = house["sonla-capcuu-1"], house["tn-dieuphoi-1"]
    case = await house.hotline.ask("K04", by=requester, **REQUEST)
    [first] = house.rung(case)
    [bystander] = await house.newcomers(1, hospital=first.account["hospital"], specialties=["K04"])
    await house.put_on_duty([bystander], desk=case["callouts"][0]["desk"], role="backup")
    await dispatcher.get(f"/consultations/{case['id']}")
    await first.get("/offers")
    await first.get(f"/consultations/{case['id']}")
    assert (await bystander.get(f"/consultations/{case['id']}")).json()["view"] == "header"
    await dispatcher.get(f"/consultations/{case['id']}/record")
    rows = await house.execute(
        "SELECT user_id, view, via FROM access_log WHERE consultation_id = CAST(:id AS uuid)", id=case["id"]
    )
    logged = {(str(row.user_id), row.view) for row in rows}
    assert (house.id_of(dispatcher), "full") in logged
    assert (house.id_of(first), "card") in logged
    assert house.id_of(bystander) not in {user for user, _ in logged}
