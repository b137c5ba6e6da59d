"""From the question to the outcome, as everybody who takes part sees it."""

from tests.staff import Staff
from tests.stories.telling import (
    CONCLUSION,
    DISPATCHER,
    REQUESTER,
    WARD_MATE,
    assert_gapless,
    delivered,
    events,
    held,
    listening,
    read,
)


async def test_a_doctor_asks_a_specialist_answers_and_the_record_tells_what_was_said(house: Staff) -> None:
    requester, mate, dispatcher = house[REQUESTER], house[WARD_MATE], house[DISPATCHER]
    doctors = [p for u, p in house.by_username.items() if u.startswith("tn-timmach-")]
    await listening(requester, mate, dispatcher, *doctors)

    case = await house.hotline.ask(
        "K04",
        by=requester,
        vitals=[{"taken_at": "2026-11-23T20:02:00Z", "pulse": 52, "systolic": 94, "diastolic": 60}],
        diagnosis={"code": "I21.1", "text": "Nhồi máu cơ tim thành dưới"},
    )
    stream = f"consultation:{case['id']}"
    assert case["status"] == "ringing"
    assert case["number"].startswith("HC-")
    [first] = house.rung(case)
    await delivered(house, first, case)
    await delivered(house, first, case, "seen")
    offer = (await read(requester, case))["callouts"][0]["offers"][0]
    assert offer["delivered_at"]
    assert offer["seen_at"]

    case = await first.do(case, "acceptance")
    assert (case["status"], case["holder_name"]) == ("active", first.name)
    told = await requester.hears_event("offer.accepted", case)
    assert told["d"]["holder_name"] == first.name
    await mate.hears_event("offer.accepted", case)
    await dispatcher.hears_event("offer.accepted", case)

    await first.do(case, "messages", {"text": "Có phòng can thiệp gần hơn không?"})
    await requester.do(case, "messages", {"text": "Không, gần nhất là Thái Nguyên, 7 giờ."})
    opinion = await first.do(case, "messages", {"text": "Tiêu sợi huyết ngay.", "opinion": True})
    assert opinion["vitals_id"] == case["vitals"][-1]["id"]
    await mate.do(
        case, "read-back", {"event_id": opinion["event_id"], "understood": True, "text": "Tenecteplase 35 mg"}
    )
    await first.hears_event("advice.read_back", case)

    case = await first.do(case, "conclusion", CONCLUSION)
    assert case["status"] == "concluded"
    assert case["outcome_due_at"]
    await requester.hears_event("consultation.concluded", case)
    await requester.do(case, "outcome", {"at": "24h", "result": "transferred", "text": "Đã can thiệp"})
    await requester.do(case, "outcome", {"at": "7d", "result": "transferred"})
    case = await requester.do(case, "outcome", {"at": "discharge", "result": "transferred", "text": "Ra viện"})
    assert case["status"] == "closed"
    assert case["closed_at"]

    for person in (requester, mate, first, dispatcher):
        await person.hears_event("consultation.closed", case)
        assert_gapless(person)
    # Whoever was there from the start heard every fact from the first; the doctor from the acceptance on.
    for person in (requester, mate):
        assert [e["n"] for e in events(person, stream)] == list(range(1, case["version"] + 1))
    history = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    assert [(e["n"], e["t"]) for e in events(requester, stream)] == [(h["n"], h["type"]) for h in history]
    assert [e["id"] for e in events(first, stream)][-1] == history[-1]["id"]
    for doctor in doctors:
        if doctor is not first:
            assert not events(doctor, stream)

    record = (await requester.get(f"/consultations/{case['id']}/record")).json()
    for said in (CONCLUSION["summary"], CONCLUSION["conclusion"], CONCLUSION["plan"], first.name):
        assert said in record["text"]


async def test_each_step_of_the_life_is_refused_out_of_its_time(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    outcome = {"at": "discharge", "result": "treated_locally"}
    assert (await first.post(f"/consultations/{case['id']}/conclusion", CONCLUSION)).status_code == 403
    assert (await requester.post(f"/consultations/{case['id']}/outcome", outcome)).status_code == 409
    await first.do(case, "acceptance")
    assert (await requester.post(f"/consultations/{case['id']}/outcome", outcome)).status_code == 409
    await first.do(case, "conclusion", CONCLUSION)
    assert (await requester.post(f"/consultations/{case['id']}/cancellation", {})).status_code == 409
    await requester.do(case, "outcome", outcome)
    for command, body in (("outcome", outcome), ("messages", {"text": "Còn một điều"}), ("cancellation", {})):
        answer = await requester.post(f"/consultations/{case['id']}/{command}", body)
        assert answer.status_code == 409, command
        assert answer.json()["state"] == "closed"
    assert (await first.post(f"/consultations/{case['id']}/conclusion", CONCLUSION)).status_code == 409


async def test_what_is_missing_on_the_line_comes_when_the_line_is_back(house: Staff) -> None:
    case, requester, first = await held(house)
    stream = f"consultation:{case['id']}"
    await first.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
    last = assert_gapless(first)[stream]
    epoch = house.hotline.app.state.house.epoch
    await first.disconnect()
    long = "Diễn biến dài. " * 600
    for n in range(120):
        await requester.do(case, "messages", {"text": f"{n}: {long}"})
    await first.connect({stream: [epoch, last]})
    await first.hears_event("message.posted", case)
    await first.hears(lambda m: m["k"] == "event" and m["s"] == stream and m["n"] == last + 120)
    heard = [e["n"] for e in events(first, stream)]
    assert heard == sorted(set(heard))
    assert first.closed is None


async def test_facts_of_a_case_carry_the_time_of_the_server_and_the_time_of_writing(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester, written_at="2026-11-24T02:58:00+07:00")
    assert case["written_at"] == "2026-11-23T19:58:00Z"
    assert case["created_at"].startswith("2026-11-23T20:04:00")
    late = await requester.do(case, "messages", {"text": "Mạch 38", "written_at": "2026-11-24T03:00:00+07:00"})
    assert (late["written_at"], late["at"][:16]) == ("2026-11-23T20:00:00Z", "2026-11-23T20:04")
    wrong_clock = await requester.do(case, "messages", {"text": "Mạch 40", "written_at": "2031-01-01T00:00:00Z"})
    assert wrong_clock["written_at"] is None
