"""Every command once, however often it is sent: the Idempotency-Key over HTTP."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.hotline import Hotline, Json, Person
from tests.policy.cast import take_out
from tests.staff import Staff

RED: Json = {"specialty": "K04", "urgency": "red"}


async def post(person: Person, path: str, body: Json, key: str | None) -> httpx.Response:
    headers = person.headers | ({} if key is None else {"Idempotency-Key": key})
    return await person.hotline.http.post(f"/api/v1{path}", headers=headers, json=body)


async def messages(person: Person, case: Json) -> list[str]:
    return [m["text"] for m in (await person.get(f"/consultations/{case['id']}/messages")).json()["items"]]


@pytest.mark.parametrize("key", [None, "", "x" * 201, "khóa".encode(), b"a\tb"], ids=repr)
async def test_a_command_without_a_usable_key_is_refused_and_not_done(
    shared_hotline: Hotline, staff: Staff, key: str | bytes | None
) -> None:
    requester = staff["sonla-capcuu-1"]
    [before] = await staff.execute("SELECT count(*) AS n FROM consultation")
    headers: dict[str, str | bytes] = dict(requester.headers)
    if key is not None:
        headers["Idempotency-Key"] = key
    for language, word in (("vi", "Thiếu"), ("en", "missing")):
        answer = await shared_hotline.http.post(
            "/api/v1/consultations", headers=headers | {"Accept-Language": language}, json=RED
        )
        assert answer.status_code == 400
        assert answer.json()["type"] == "/problems/idempotency-key-missing"
        assert word in answer.json()["title"]
    [after] = await staff.execute("SELECT count(*) AS n FROM consultation")
    assert after.n == before.n


async def test_every_command_asks_for_a_key(shared_hotline: Hotline, staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await shared_hotline.ask("K04", by=requester)
    bodies: dict[str, Json] = {
        "vitals": {"taken_at": "2026-11-23T20:00:00Z", "pulse": 88},
        "urgency": {"urgency": "red"},
        "cancellation": {},
        "acceptance": {},
        "refusal": {"reason": "busy"},
        "attendance": {"coming": True},
        "stand-down": {},
        "forwarding": {"user_id": str(uuid4())},
        "assignment": {"user_id": str(uuid4())},
        "hand-over": {"user_id": str(uuid4())},
        "messages": {"text": "Đã rõ"},
        "read-back": {"event_id": str(uuid4()), "understood": True},
        "conclusion": {"summary": "a", "conclusion": "b", "plan": "c"},
        "outcome": {"at": "24h", "result": "died"},
        "participants": {"user_id": str(uuid4())},
    }
    for command, body in bodies.items():
        answer = await post(requester, f"/consultations/{case['id']}/{command}", body, None)
        assert answer.json()["type"] == "/problems/idempotency-key-missing", command


async def test_a_repeated_request_is_answered_as_the_first_was_and_rings_nobody_twice(
    shared_hotline: Hotline, staff: Staff
) -> None:
    requester, key = staff["sonla-capcuu-1"], str(uuid4())
    first = await post(requester, "/consultations", RED, key)
    again = await post(requester, "/consultations", RED, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    [row] = await staff.execute(
        "SELECT count(*) AS n FROM offer WHERE consultation_id = CAST(:id AS uuid)", id=first.json()["id"]
    )
    assert row.n == len(first.json()["callouts"][0]["offers"])


async def test_the_same_request_twenty_times_at_once_is_one_case_and_twenty_same_answers(
    shared_hotline: Hotline, staff: Staff
) -> None:
    requester, key = staff["sonla-capcuu-1"], str(uuid4())
    answers = await asyncio.gather(*(post(requester, "/consultations", RED, key) for _ in range(20)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert sum("idempotent-replayed" not in a.headers for a in answers) == 1


@pytest.mark.parametrize("command", ["messages", "acceptance", "refusal"])
async def test_the_same_command_ten_times_at_once_has_one_effect(
    shared_hotline: Hotline, staff: Staff, command: str
) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await shared_hotline.ask("K04", by=requester)
    [first] = staff.rung(case)
    person = requester if command == "messages" else first
    body: Json = {"messages": {"text": "Mạch 38"}, "acceptance": {}, "refusal": {"reason": "busy"}}[command]
    key, path = str(uuid4()), f"/consultations/{case['id']}/{command}"
    answers = await asyncio.gather(*(post(person, path, body, key) for _ in range(10)))
    assert {a.status_code for a in answers} == {201 if command == "messages" else 200}
    done = [a for a in answers if "idempotent-replayed" not in a.headers]
    assert len(done) == 1
    if command != "refusal":  # whoever declined reads no more than the identifier of it
        assert len({a.content for a in answers}) == 1
    history = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    facts = [e["type"] for e in history]
    fact = {"messages": "message.posted", "acceptance": "offer.accepted", "refusal": "offer.declined"}[command]
    assert facts.count(fact) == 1


async def test_a_key_that_belongs_to_another_command_is_refused(shared_hotline: Hotline, staff: Staff) -> None:
    requester, key = staff["sonla-capcuu-1"], str(uuid4())
    case = (await post(requester, "/consultations", RED, key)).json()
    path = f"/consultations/{case['id']}/messages"
    other = [
        ("/consultations", RED | {"question": "Khác"}),
        (path, {"text": "Mạch 38"}),
        (f"/consultations/{case['id']}/cancellation", {}),
    ]
    for where, body in other:
        answer = await post(requester, where, body, key)
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/idempotency-key-reused"
    assert await messages(requester, case) == []
    assert (await requester.get(f"/consultations/{case['id']}")).json()["status"] == "ringing"


async def test_a_key_is_ones_own(shared_hotline: Hotline, staff: Staff) -> None:
    key = str(uuid4())
    one, other = staff["sonla-capcuu-1"], staff["mocchau-capcuu-1"]
    first, second = await post(one, "/consultations", RED, key), await post(other, "/consultations", RED, key)
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


async def test_a_refused_command_may_be_sent_again_with_its_key_and_is_done_when_it_can_be(
    shared_hotline: Hotline, staff: Staff
) -> None:
    requester, key = staff["sonla-capcuu-1"], str(uuid4())
    case = await shared_hotline.ask("K04", urgency="red", by=requester)
    leader, member, *_ = staff.rung(case)
    path = f"/consultations/{case['id']}/attendance"
    early = await post(member, path, {"coming": True}, key)
    assert early.status_code == 409
    await leader.do(case, "acceptance")
    assert (await post(member, path, {"coming": True}, key)).status_code == 200
    again = await post(member, path, {"coming": True}, key)
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_repeated_command_is_answered_although_it_could_not_be_done_any_more(
    shared_hotline: Hotline, staff: Staff
) -> None:
    requester, key = staff["sonla-capcuu-1"], str(uuid4())
    case = await shared_hotline.ask("K04", by=requester)
    path = f"/consultations/{case['id']}/messages"
    first = await post(requester, path, {"text": "Chuyển viện"}, key)
    await requester.do(case, "cancellation", {})
    again = await post(requester, path, {"text": "Chuyển viện"}, key)
    assert (again.status_code, again.content) == (201, first.content)
    new = await post(requester, path, {"text": "Chuyển viện"}, str(uuid4()))
    assert new.status_code == 409


async def test_a_replay_after_losing_access_gives_the_identifier_and_nothing_else(
    shared_hotline: Hotline, staff: Staff
) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await shared_hotline.ask("K04", by=requester, question="BÍ-MẬT?")
    [first] = staff.rung(case)
    keys = {"forwarding": str(uuid4()), "refusal": str(uuid4())}
    forwarded = {"user_id": staff.id_of(staff["tn-lanhdao-3"])}
    path = f"/consultations/{case['id']}"
    before = await post(first, f"{path}/forwarding", forwarded, keys["forwarding"])
    assert "BÍ-MẬT" in before.text
    await post(first, f"{path}/refusal", {"reason": "busy"}, keys["refusal"])
    replayed = await post(first, f"{path}/forwarding", forwarded, keys["forwarding"])
    assert replayed.status_code == 200
    assert replayed.json() == {"id": case["id"]}


async def test_a_replay_after_the_account_moved_away_gives_the_identifier_only(
    shared_hotline: Hotline, staff: Staff
) -> None:
    hospital = staff["tn-timmach-1"].account["hospital"]
    [guest] = await staff.newcomers(1, hospital=hospital, specialties=["K04"])
    requester, key = staff["sonla-capcuu-1"], str(uuid4())
    case = await shared_hotline.ask("K04", by=requester)
    await requester.do(case, "participants", {"user_id": staff.id_of(guest), "role": "invited"})
    said = {"text": "Ý kiến của khách", "opinion": True}
    assert (await post(guest, f"/consultations/{case['id']}/messages", said, key)).status_code == 201
    await take_out(requester, case, staff.id_of(guest))
    await staff.execute("UPDATE user_account SET role = 'admin' WHERE id = CAST(:id AS uuid)", id=staff.id_of(guest))
    shared_hotline.app.state.house.sessions.clear()
    replayed = await post(guest, f"/consultations/{case['id']}/messages", said, key)
    assert replayed.status_code == 201
    assert replayed.json() == {"id": case["id"]}


async def test_a_replay_needs_a_live_session(shared_hotline: Hotline, staff: Staff) -> None:
    hospital = staff["tn-timmach-1"].account["hospital"]
    [guest] = await staff.newcomers(1, hospital=hospital, specialties=["K04"])
    case = await shared_hotline.ask("K04", by=staff["sonla-capcuu-1"])
    await staff["tn-dieuphoi-1"].do(case, "assignment", {"user_id": staff.id_of(guest)})
    key, path = str(uuid4()), f"/consultations/{case['id']}/acceptance"
    assert (await post(guest, path, {}, key)).status_code == 200
    out = await shared_hotline.http.delete("/api/v1/auth/session", headers=guest.headers)
    assert out.status_code == 204
    assert (await post(guest, path, {}, key)).status_code == 401
