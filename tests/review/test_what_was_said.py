"""Who reads what was said after they left, and what becomes of advice that is corrected."""

from tests.hotline import Json, Person
from tests.staff import Staff

LATER = "NÓI VỀ SAU"


async def held(staff: Staff) -> tuple[Json, Person, Person]:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", by=requester)
    [first] = staff.rung(case)
    await first.do(case, "acceptance")
    return case, requester, first


async def colleague(staff: Staff, of: Person) -> Person:
    [person] = await staff.newcomers(1, hospital=of.account["hospital"], specialties=["K04"])
    return person


async def take_out(by: Person, case: Json, user_id: str) -> None:
    path = f"/api/v1/consultations/{case['id']}/participants/{user_id}"
    answer = await by.hotline.http.delete(path, headers=by.headers | {"Idempotency-Key": f"out-{user_id}"})
    assert answer.status_code == 200, answer.text


async def test_somebody_who_was_taken_out_reads_what_they_took_part_in_and_nothing_later(staff: Staff) -> None:
    case, requester, first = await held(staff)
    invited = await colleague(staff, first)
    await requester.do(case, "participants", {"user_id": staff.id_of(invited), "role": "invited"})
    await requester.do(case, "messages", {"text": "Lúc còn tham gia"})
    await take_out(requester, case, staff.id_of(invited))
    staff.hotline.clock.advance(minutes=1)
    await requester.do(case, "messages", {"text": LATER})
    await first.do(case, "messages", {"text": LATER, "opinion": True})
    conclusion = {"summary": LATER, "conclusion": LATER, "plan": LATER}
    await first.do(case, "conclusion", conclusion)
    await requester.do(case, "outcome", {"at": "24h", "result": "treated_locally", "text": LATER})
    for what in ("", "/messages", "/history", "/record"):
        path = f"/consultations/{case['id']}{what}"
        read = await invited.get(path)
        assert read.status_code == (404 if what == "/record" else 200)
        assert LATER not in read.text, what
        assert LATER in (await requester.get(path)).text, what
    assert "Lúc còn tham gia" in (await invited.get(f"/consultations/{case['id']}/messages")).text


async def test_somebody_who_comes_back_reads_everything(staff: Staff) -> None:
    case, requester, first = await held(staff)
    invited = await colleague(staff, first)
    await requester.do(case, "participants", {"user_id": staff.id_of(invited), "role": "invited"})
    await take_out(requester, case, staff.id_of(invited))
    staff.hotline.clock.advance(minutes=1)
    await requester.do(case, "messages", {"text": LATER})
    await requester.do(case, "participants", {"user_id": staff.id_of(invited), "role": "invited"})
    assert LATER in (await invited.get(f"/consultations/{case['id']}/messages")).text


async def test_a_former_holder_can_be_asked_back_into_the_case(staff: Staff) -> None:
    case, requester, first = await held(staff)
    successor = await colleague(staff, first)
    await first.do(case, "hand-over", {"user_id": staff.id_of(successor)})
    await successor.do(case, "acceptance")
    refused = await first.post(f"/consultations/{case['id']}/messages", {"text": "Tôi còn nhớ"})
    assert refused.status_code == 403
    await requester.do(case, "participants", {"user_id": staff.id_of(first), "role": "invited"})
    await first.do(case, "messages", {"text": "Tôi còn nhớ"})


async def test_a_correction_of_advice_is_advice_and_must_be_read_back(staff: Staff) -> None:
    case, _, first = await held(staff)
    opinion = await first.do(case, "messages", {"text": "Tenecteplase 53 mg", "opinion": True})
    corrected = {"text": "Tenecteplase 35 mg", "supersedes": opinion["event_id"]}
    refused = await first.post(f"/consultations/{case['id']}/messages", corrected)
    assert refused.status_code == 422
    assert [e["field"] for e in refused.json()["errors"]] == ["opinion"]
    assert (await first.do(case, "messages", corrected | {"opinion": True}))["opinion"]
