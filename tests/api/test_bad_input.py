"""Bad input at the wire: answered in words, its field named, nothing changed, and never a fault of the server."""

import base64
import gzip
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.schemas.requests import REQUEST_EXAMPLE
from tests.hotline import Hotline, Json
from tests.staff import Staff

GOOD: Json = REQUEST_EXAMPLE
NOWHERE = "0199a3c2-7b41-7d2e-9c55-2f60b1a4d803"
VITALS = {"taken_at": "2026-11-23T20:00:00Z"}
MANY = "\u0301" * 40


def changed(**fields: Any) -> Json:
    return GOOD | fields


def patient(**fields: Any) -> Json:
    return changed(patient=GOOD["patient"] | fields)


def vitals(**fields: Any) -> Json:
    return changed(vitals=[VITALS | fields])


# What is sent to POST /consultations, and the fields that the answer must name.
REFUSED: list[tuple[str, Any, set[str]]] = [
    ("nothing at all", {}, {"specialty", "urgency"}),
    ("a list", [], {""}),
    ("a string", "K04", {""}),
    ("null", None, {""}),
    ("a number for a text", changed(question=17), {"question"}),
    ("a list for a text", changed(question=["?"]), {"question"}),
    ("an object for a text", changed(question={"vi": "?"}), {"question"}),
    ("a text for an object", changed(patient="MC-017"), {"patient"}),
    ("a text for a list", changed(vitals="94/60"), {"vitals"}),
    ("a text for a truth", vitals(pulse=88, on_oxygen="có"), {"vitals.0.on_oxygen"}),
    ("a name the contract does not know", changed(priority=1), {"priority"}),
    ("an unknown urgency", changed(urgency="purple"), {"urgency"}),
    ("an unknown specialty", changed(specialty="K99"), {"specialty"}),
    ("a specialty that is an attack", changed(specialty="K04'; DROP TABLE consultation; --"), {"specialty"}),
    ("a desk that does not exist", changed(desk_id=str(uuid4())), {"desk_id"}),
    ("a desk that is no identifier", changed(desk_id="tn-timmach"), {"desk_id"}),
    ("an unknown diagnosis form", changed(diagnosis={"code": "hello"}), {"diagnosis.code"}),
    ("an unknown safety state", changed(safety={"allergies": {"state": "maybe"}}), {"safety.allergies.state"}),
    ("NUL", changed(question="Đau\x00 ngực"), {"question"}),
    ("half a surrogate pair", changed(question="Đau \ud83d ngực"), {"question"}),
    ("marks heaped on a letter", changed(question=f"Đa{MANY}u"), {"question"}),
    ("nothing but invisible characters", changed(question="\u200b\u2060\ufeff \u202e"), {"question"}),
    ("an escape sequence", patient(label="\x1b[31mMC-017"), {"patient.label"}),
    ("a question without end", changed(question="ơ" * 2001), {"question"}),
    ("a background without end", changed(background="ơ" * 20_001), {"background"}),
    ("a hundred and one sets of vital signs", changed(vitals=[VITALS | {"pulse": 88}] * 101), {"vitals"}),
    ("eleven identifiers", patient(identifiers=[{"system": "other", "value": "1"}] * 11), {"patient.identifiers"}),
    (
        "an unknown kind of identifier",
        patient(identifiers=[{"system": "zalo", "value": "1"}]),
        {"patient.identifiers.0.system"},
    ),
    ("a birth date to come", patient(age_years=None, birth_date="2027-01-01"), {"patient.birth_date"}),
    ("age and birth date that disagree", patient(age_years=30, birth_date="1968-05-17"), {"patient.age_years"}),
    (
        "a birth date that could be read two ways",
        patient(age_years=None, birth_date="05/06/1968"),
        {"patient.birth_date"},
    ),
    ("a day that does not exist", patient(age_years=None, birth_date="2026-02-30"), {"patient.birth_date"}),
    ("a negative age", patient(age_years=-1), {"patient.age_years"}),
    ("an age of 400", patient(age_years=400), {"patient.age_years"}),
    ("an age with a fraction", patient(age_years=58.5), {"patient.age_years"}),
    ("a child without a weight", patient(age_years=4, weight_kg=None), {"patient.weight_kg"}),
    ("a weight in grams", patient(weight_kg=3500), {"patient.weight_kg"}),
    ("a weight that could be read two ways", patient(weight_kg="3.500"), {"patient.weight_kg"}),
    ("an empty set of vital signs", vitals(), {"vitals.0"}),
    ("diastolic above systolic", vitals(systolic=80, diastolic=120), {"vitals.0.diastolic"}),
    ("pressures in cmHg", vitals(systolic=12, diastolic=8), {"vitals.0.systolic", "vitals.0.diastolic"}),
    ("a temperature in Fahrenheit", vitals(temperature=98.6), {"vitals.0.temperature"}),
    ("a pulse of a thousand", vitals(pulse=1000), {"vitals.0.pulse"}),
    ("saturation above one hundred", vitals(spo2=101), {"vitals.0.spo2"}),
    ("oxygen flow on air", vitals(on_oxygen=False, oxygen_l_min=3), {"vitals.0.oxygen_l_min"}),
    ("an unknown consciousness", vitals(consciousness="asleep"), {"vitals.0.consciousness"}),
    ("vital signs from the future", vitals(pulse=88, taken_at="2026-11-24T20:00:00Z"), {"vitals.0.taken_at"}),
    ("vital signs of last year", vitals(pulse=88, taken_at="2025-11-24T20:00:00Z"), {"vitals.0.taken_at"}),
    ("a time without a zone", vitals(pulse=88, taken_at="2026-11-23T20:00:00"), {"vitals.0.taken_at"}),
    ("a time that is a number", vitals(pulse=88, taken_at=1_795_464_000), {"vitals.0.taken_at"}),
    ("two things wrong", changed(urgency="purple", question=""), {"urgency"}),
    ("a written time without a zone", changed(written_at="2026-11-24T03:05"), {"written_at"}),
]


async def send(
    hotline: Hotline, staff: Staff, body: Any, *, path: str = "/consultations", **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = staff["sonla-capcuu-1"].headers | {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await hotline.http.post(f"/api/v1{path}", content=content, headers=sent)


async def cases(staff: Staff) -> int:
    [row] = await staff.execute("SELECT count(*) AS n FROM consultation")
    return int(row.n)


@pytest.mark.parametrize(("what", "body", "fields"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_cannot_be_is_refused_by_the_name_of_its_field_in_both_languages(
    shared_hotline: Hotline, staff: Staff, what: str, body: Any, fields: set[str]
) -> None:
    before = await cases(staff)
    said = {}
    for language in ("vi", "en"):
        answer = await send(shared_hotline, staff, body, Accept_Language=language)
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["type"] == "/problems/invalid"
        assert problem["status"] == 422
        named = {error["field"] for error in problem["errors"]}
        assert fields <= named
        assert all(error["detail"] for error in problem["errors"])
        said[language] = [problem["title"], *(error["detail"] for error in problem["errors"])]
    assert said["vi"] != said["en"]
    assert await cases(staff) == before


UNREADABLE = {
    "not JSON": b"specialty=K04&urgency=red",
    "half a JSON": b'{"specialty": "K04", "urg',
    "not UTF-8": b'{"specialty": "K04", "question": "\xff\xfe"}',
    "nested without end": b"[" * 50_000 + b"]" * 50_000,
    "nothing": b"",
    "compressed": gzip.compress(json.dumps(GOOD).encode()),
    "a number that is none": b'{"specialty": "K04", "urgency": "red", "patient": {"weight_kg": NaN}}',
    "an endless number": b'{"specialty": "K04", "urgency": "red", "patient": {"weight_kg": 1e999}}',
    "a number of ten thousand digits": b'{"specialty": "K04", "urgency": "red", "patient": {"age_years": '
    + b"9" * 10_000
    + b"}}",
    "a broken character in the name of a field": b'{"specialty": "K04", "urgency": "red", "\\ud800": 1}',
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_cannot_be_read_is_said_so(shared_hotline: Hotline, staff: Staff, what: str) -> None:
    answer = await send(shared_hotline, staff, UNREADABLE[what])
    assert answer.status_code in (400, 422), answer.text
    problem = answer.json()
    assert problem["title"]
    assert problem["status"] == answer.status_code


async def test_a_body_of_another_kind_is_refused(shared_hotline: Hotline, staff: Staff) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = await send(shared_hotline, staff, GOOD, Content_Type=kind)
        assert answer.status_code in (400, 415, 422)


async def test_a_body_that_is_too_large_is_refused_unread(shared_hotline: Hotline, staff: Staff) -> None:
    for language, title, detail in (
        ("vi", "Nội dung quá lớn", "Tối đa 1000000 byte."),
        ("en", "The body is too large", "At most 1000000 bytes."),
    ):
        answer = await send(
            shared_hotline, staff, b'{"question": "' + b"x" * 1_000_001 + b'"}', Accept_Language=language
        )
        assert answer.json() == {
            "type": "/problems/too-large",
            "title": title,
            "status": 413,
            "detail": detail,
            "limit": 1_000_000,
        }
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_hides_its_size_is_refused_where_it_becomes_too_large(
    shared_hotline: Hotline, staff: Staff
) -> None:
    async def without_end() -> Any:
        for _ in range(40):
            yield b" " * 50_000

    headers = staff["sonla-capcuu-1"].headers | {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    answer = await shared_hotline.http.post("/api/v1/consultations", content=without_end(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/too-large"


async def test_the_largest_request_that_is_allowed_is_taken(shared_hotline: Hotline, staff: Staff) -> None:
    passage = "ơ" * 20_000
    body = changed(background=passage, assessment=passage, situation=passage, recommendation=passage)
    answer = await send(shared_hotline, staff, body)
    assert answer.status_code == 201
    assert answer.json()["background"] == passage


@pytest.mark.parametrize(
    "typed",
    [
        "Đau ngực 💔 giờ thứ 2",
        "Đau ngực".encode().decode(),
        "<script>alert(1)</script>",
        "'; DROP TABLE consultation; --",
        "{{7*7}} ${jndi:ldap://x} %s %(x)s \\u0000",
        "ệ ỗ ữ ắ ẵ",
        "مريض 病人 🇻🇳",
        "1 < 2 & 3 > 2",
    ],
)
async def test_whatever_people_type_comes_back_as_typed(shared_hotline: Hotline, staff: Staff, typed: str) -> None:
    answer = await send(shared_hotline, staff, changed(question=typed))
    assert answer.status_code == 201
    read = await staff["sonla-capcuu-1"].get(f"/consultations/{answer.json()['id']}")
    assert read.json()["question"] == typed


async def test_a_number_that_overrides_the_direction_of_reading_is_made_plain(
    shared_hotline: Hotline, staff: Staff
) -> None:
    answer = await send(shared_hotline, staff, changed(question="Heparin \u202e0005\u202c đơn vị?"))
    assert answer.json()["question"] == "Heparin 0005 đơn vị?"


def cursor(at: str) -> str:
    """A page cursor as nobody was ever given."""
    made = json.dumps([at, NOWHERE])
    return base64.urlsafe_b64encode(made.encode()).decode().rstrip("=")


# Addresses that mean nothing, and what they are answered.
ADDRESSES = [
    ("/consultations/1", {404, 422}),
    ("/consultations/..%2F..%2Fetc%2Fpasswd", {404, 422}),
    ("/consultations/%00", {404, 422}),
    (f"/consultations/{NOWHERE}%00", {404, 422}),
    (f"/consultations/{NOWHERE}", {404}),
    (f"/consultations/{NOWHERE}/messages?cursor=-1", {422}),
    (f"/consultations/{NOWHERE}/messages?cursor=99999999999999999999999", {422}),
    (f"/consultations/{NOWHERE}/messages?cursor=x", {422}),
    (f"/consultations/{NOWHERE}/history?cursor=9223372036854775808", {422}),
    ("/consultations?q=%00", {200, 422}),
    ("/consultations?q=%25%5F%5C", {200}),
    ("/consultations?q=%ED%A0%80", {200, 422}),
    ("/consultations?specialty=%00", {200, 422}),
    ("/consultations?specialty=" + "K" * 21, {422}),
    ("/consultations?q=" + "x" * 101, {422}),
    ("/consultations?status=asleep", {422}),
    ("/consultations?hospital=tn", {422}),
    ("/consultations?cursor=%00", {422}),
    ("/consultations?cursor=abc", {422}),
    ("/consultations?cursor=W10", {422}),
    (f"/consultations?cursor={cursor('2026-11-23T20:00:00')}", {422}),
    (f"/consultations?cursor={cursor('2026-11-23T20:00:00Z')}", {200}),
    (f"/consultations?cursor={cursor('0001-01-01T00:00:00+23:59')}", {422}),
    (f"/consultations?cursor={cursor('0001-01-01T00:00:00Z')}", {200}),
    ("/consultations?cursor=WzE3LCJ4Il0", {422}),
    ("/desks?specialty=%00", {200, 422}),
    ("/desks?hospital=x", {422}),
    (f"/desks/{NOWHERE}/on-call", {404}),
    ("/desks/x/on-call", {404, 422}),
    ("/desks/{desk}/on-call?at=now", {422}),
    ("/desks/{desk}/on-call?at=0001-01-01T00:00:00Z", {200, 422}),
    ("/desks/{desk}/on-call?at=9999-12-31T23:59:59Z", {200, 422}),
    ("/desks/{desk}/on-call?at=2026-11-24T03:00:00", {422}),
    ("/desks/{desk}/duty?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z", {422}),
    ("/desks/{desk}/duty?from=2026-11-24T00:00:00Z&to=2126-11-23T00:00:00Z", {422}),
    ("/desks/{desk}/duty?from=9999-12-31T23:00:00Z", {200, 422}),
    ("/desks/{desk}/duty?from=0001-01-01T00:00:00Z", {200, 422}),
    ("/nothing-here", {404}),
]


@pytest.mark.parametrize(("address", "statuses"), ADDRESSES, ids=[a for a, _ in ADDRESSES])
async def test_an_address_that_means_nothing_is_answered_in_words(
    shared_hotline: Hotline, staff: Staff, address: str, statuses: set[int]
) -> None:
    desk = staff["tn-timmach-1"].account["desk"]
    case = await shared_hotline.ask("K04", by=staff["sonla-capcuu-1"])
    for path in dict.fromkeys((address, address.replace(NOWHERE, case["id"]))):
        answer = await shared_hotline.http.get(
            f"/api/v1{path.replace('{desk}', desk)}", headers=staff["sonla-capcuu-1"].headers
        )
        there = {200} if path != address and "cursor" not in path and "%00" not in path else set()
        assert answer.status_code in statuses | there, answer.text
        assert answer.json()


async def test_a_method_that_is_not_there_is_said_so(shared_hotline: Hotline, staff: Staff) -> None:
    for method in ("PUT", "DELETE", "TRACE", "PROPFIND"):
        answer = await shared_hotline.http.request(
            method, "/api/v1/consultations", headers=staff["sonla-capcuu-1"].headers
        )
        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_routine_request_outside_any_agreement_is_told_whom_it_could_ask(
    shared_hotline: Hotline, staff: Staff
) -> None:
    for language, word in (("vi", "thỏa thuận"), ("en", "agreement")):
        answer = await send(shared_hotline, staff, changed(specialty="K28", urgency="yellow"), Accept_Language=language)
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/no-agreement"
        assert any("Tai Mũi Họng" in hospital for hospital in answer.json()["could_ask"])
        assert word in answer.json()["title"] + answer.json()["detail"]


# Commands that name something that is not there, or the wrong thing.
async def test_commands_about_people_and_things_that_are_not_there_name_the_field(
    shared_hotline: Hotline, staff: Staff
) -> None:
    case = await shared_hotline.ask("K04", by=staff["sonla-capcuu-1"])
    [first] = staff.rung(case)
    dispatcher, requester = staff["tn-dieuphoi-1"], staff["sonla-capcuu-1"]
    stranger, admin = staff.id_of(staff["tudu-sanphu-1"]), staff.id_of(staff["tn-quantri"])
    other_specialty = staff.id_of(staff["tn-nhi-1"])
    refused = [
        (dispatcher, "assignment", {"user_id": str(uuid4())}, "user_id"),
        (dispatcher, "assignment", {"user_id": stranger}, "user_id"),
        (dispatcher, "assignment", {"user_id": admin}, "user_id"),
        (dispatcher, "assignment", {"user_id": other_specialty}, "user_id"),
        (dispatcher, "assignment", {"user_id": staff.id_of(requester)}, "user_id"),
        (dispatcher, "assignment", {}, "user_id"),
        (first, "forwarding", {}, "user_id"),
        (first, "forwarding", {"user_id": str(uuid4())}, "user_id"),
        (first, "forwarding", {"user_id": staff.id_of(first)}, "user_id"),
        (first, "forwarding", {"desk_id": str(uuid4())}, "desk_id"),
        (first, "forwarding", {"desk_id": str(uuid4()), "user_id": str(uuid4())}, "user_id"),
        (first, "refusal", {"reason": 7}, "reason"),
        (first, "refusal", {"reason": "other"}, "text"),
        (requester, "participants", {"user_id": stranger}, "user_id"),
        (requester, "participants", {"user_id": admin}, "user_id"),
        (requester, "participants", {"user_id": other_specialty, "role": "holder"}, "role"),
        (requester, "urgency", {"urgency": "yellow", "reason": "đỡ hơn"}, "urgency"),
        (requester, "urgency", {"urgency": "orange", "reason": "như cũ"}, "urgency"),
        (requester, "urgency", {"urgency": "orange"}, "reason"),
        (requester, "read-back", {"event_id": str(uuid4()), "understood": True}, "event_id"),
        (requester, "read-back", {"event_id": case["id"], "understood": "yes"}, "understood"),
        (requester, "messages", {"text": "  "}, "text"),
        (requester, "messages", {"text": "x" * 10_001}, "text"),
        (requester, "messages", {"text": "Sửa", "supersedes": str(uuid4())}, "supersedes"),
        (requester, "vitals", {"taken_at": "2026-11-23T20:00:00Z"}, ""),
    ]
    for person, command, body, field in refused:
        answer = await person.post(f"/consultations/{case['id']}/{command}", body)
        assert answer.status_code == 422, (command, body, answer.text)
        assert field in {e["field"] for e in answer.json()["errors"]}, (command, body, answer.text)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert read["version"] == case["version"]


async def test_only_the_newest_of_ones_own_messages_is_corrected(shared_hotline: Hotline, staff: Staff) -> None:
    requester, mate = staff["sonla-capcuu-1"], staff["sonla-capcuu-2"]
    case = await shared_hotline.ask("K04", by=requester)
    other = await shared_hotline.ask("K04", by=requester)
    first = await requester.do(case, "messages", {"text": "Huyết áp 94/60"})
    correction = {"text": "Huyết áp 74/40", "supersedes": first["event_id"]}
    for person, where in ((mate, case), (requester, other)):
        answer = await person.post(f"/consultations/{where['id']}/messages", correction)
        assert answer.status_code == 422
    await requester.do(case, "messages", correction)
    answer = await requester.post(f"/consultations/{case['id']}/messages", correction)
    assert answer.status_code == 422
