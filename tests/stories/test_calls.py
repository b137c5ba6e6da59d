"""What was said by telephone: typed by one side, confirmed by the other."""

from datetime import timedelta
from uuid import uuid4

from tests.staff import Staff
from tests.stories.telling import WARD_MATE, held, read


async def test_a_call_counts_once_the_other_side_confirms_it_and_ends_the_answer_clock(house: Staff) -> None:
    case, requester, first = await held(house)
    house.hotline.clock.advance(minutes=4)
    at = (house.hotline.clock.now() - timedelta(minutes=1)).isoformat()
    seen = await requester.do(case, "calls", {"at": at, "text": "BS dặn: tenecteplase 35 mg."})
    [call] = seen["calls"]
    assert (call["side"], call["confirmed_at"], seen["answered_at"]) == ("asking", None, None)
    told = await first.hears_event("call.recorded", case)
    assert told["d"]["call"]["text"] == "BS dặn: tenecteplase 35 mg."
    path = f"calls/{call['id']}/confirmation"
    for own_side in (requester, house[WARD_MATE]):
        assert (await own_side.post(f"/consultations/{case['id']}/{path}")).status_code == 403
    seen = await first.do(case, path)
    assert seen["calls"][0]["confirmed_by_name"] == first.name
    assert seen["answered_at"][:19] == "2026-11-23T20:07:00"
    await requester.hears_event("call.confirmed", case)
    again = await first.post(f"/consultations/{case['id']}/{path}")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/confirmed")
    await house.hotline.fast_forward(hours=2)
    assert house.rung(await read(requester, case)) == []


async def test_the_same_confirmation_sent_twice_is_done_once(house: Staff) -> None:
    case, requester, first = await held(house)
    key, at = str(uuid4()), house.hotline.clock.now().isoformat()
    path = f"/consultations/{case['id']}/calls"
    answers = [await requester.post(path, {"at": at, "text": "Một lần."}, key=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    [call] = (await read(requester, case))["calls"]
    key = str(uuid4())
    answers = [await first.post(f"{path}/{call['id']}/confirmation", key=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 200]
    history = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    types = [fact["type"] for fact in history]
    assert (types.count("call.recorded"), types.count("call.confirmed")) == (1, 1)


async def test_a_call_in_the_future_or_without_a_zone_or_days_old_is_refused_by_its_field(house: Staff) -> None:
    case, requester, _ = await held(house)
    now = house.hotline.clock.now()
    wrong = [
        (now + timedelta(minutes=5)).isoformat(),
        now.replace(tzinfo=None).isoformat(),
        (now - timedelta(days=3)).isoformat(),
    ]
    for at in wrong:
        answer = await requester.post(f"/consultations/{case['id']}/calls", {"at": at})
        assert answer.status_code == 422, at
        assert answer.json()["errors"][0]["field"] == "at", at
    assert (await read(requester, case))["calls"] == []


async def test_a_call_before_the_patient_got_worse_is_no_answer_to_the_question_as_it_is_now(house: Staff) -> None:
    case, requester, first = await held(house)
    at = house.hotline.clock.now().isoformat()
    house.hotline.clock.advance(minutes=5)
    await requester.do(case, "urgency", {"urgency": "red", "reason": "Ngừng tim"})
    seen = await requester.do(case, "calls", {"at": at, "text": "Lúc chưa nặng: theo dõi."})
    seen = await first.do(case, f"calls/{seen['calls'][0]['id']}/confirmation")
    assert seen["answered_at"] is None
    assert seen["heard_at"]


async def test_the_record_has_what_was_said_by_telephone_with_who_wrote_and_who_confirmed_it(house: Staff) -> None:
    case, requester, first = await held(house)
    at = house.hotline.clock.now().isoformat()
    seen = await first.do(case, "calls", {"at": at, "text": "Dặn tiêm tenecteplase 35 mg."})
    open_call = await requester.do(case, "calls", {"at": at, "text": "Hỏi giờ chuyển."})
    await requester.do(case, f"calls/{seen['calls'][0]['id']}/confirmation")
    assert len(open_call["calls"]) == 2
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()
    assert record["annex"]["channel"] == ["text", "telephone"]
    told, unconfirmed = record["annex"]["calls"]
    assert (told["by_name"], told["confirmed_by_name"]) == (first.name, requester.name)
    assert unconfirmed["confirmed_by_name"] is None
    assert "TRAO ĐỔI QUA ĐIỆN THOẠI" in record["text"]
    assert f"Qua điện thoại, bên tư vấn ghi: Dặn tiêm tenecteplase 35 mg. {first.name}" in record["text"]
    assert "bên kia xác nhận: chưa" in record["text"]
    assert "nhắn tin, điện thoại" in record["text"]


async def test_a_call_of_another_case_cannot_be_confirmed_in_this_one(house: Staff) -> None:
    case, requester, first = await held(house)
    other, _, _ = await held(house)
    at = house.hotline.clock.now().isoformat()
    seen = await requester.do(other, "calls", {"at": at})
    path = f"/consultations/{case['id']}/calls/{seen['calls'][0]['id']}/confirmation"
    assert (await first.post(path)).status_code == 404
