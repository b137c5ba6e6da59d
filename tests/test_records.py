"""What is read of a case: the models hold for what is really built, and the record says what happened, no more."""

import contextlib
import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import text

from app.identifiers import new_id
from app.models.callout import Candidate
from app.models.consultation import Consultation
from app.models.discussion import Conclusion, Message, Outcome, ReadBack
from app.models.urgency import Urgency
from app.schemas import case_parts, directory, reads, record, vitals
from app.schemas import consultation as show
from app.schemas.requests import RED_EXAMPLE, REQUEST_EXAMPLE, RequestIn
from app.services.cases import consultations, discussion, record_timeline, record_words
from app.services.ringing import ladder
from app.services.ringing.routing import Desk, Now, Route
from app.work import Subject, Work
from tests.hotline import NIGHT, Hotline, Json, Person

ASKING, CENTRAL, DESK = (new_id(NIGHT) for _ in range(3))
REQUESTER = Subject(
    new_id(NIGHT),
    "BS Khoa Cấp cứu 1",
    "requester",
    hospital_id=ASKING,
    hospital_name="BVĐK Mộc Châu",
    ward_name="Khoa Cấp cứu",
)
DOCTOR = Subject(
    new_id(NIGHT),
    "BS trực Tim mạch 1",
    "specialist",
    hospital_id=CENTRAL,
    hospital_name="BVTW Thái Nguyên",
    licence="000003/DEMO-CCHN",
    specialties=frozenset({"K04"}),
)
STEPS = [
    {"who": ["primary"], "timeout_s": 300},
    {"who": ["backup"], "timeout_s": 240},
    {"who": ["coordinator"], "timeout_s": 120},
]


def a_work(subject: Subject = REQUESTER, **later: float) -> Work:
    """A unit of work without a database: nothing here reads or writes."""
    return Work(None, subject, NIGHT + timedelta(**later))


def a_case(body: Json = REQUEST_EXAMPLE) -> Consultation:
    """A case as the service makes it, with its first callout ringing."""
    work = a_work()
    duty = Now(
        {
            "primary": [Candidate(DOCTOR.id, DOCTOR.name, "primary")],
            "backup": [Candidate(new_id(NIGHT), "BS trực Tim mạch 2", "backup")],
        }
    )
    desk = Desk(
        DESK,
        "Bàn trực Tim mạch",
        None,
        "K04",
        CENTRAL,
        "BVTW Thái Nguyên",
        0,
        {"steps": STEPS, "answer_due_s": 900},
        duty,
    )
    request = RequestIn.model_validate({k: v for k, v in body.items() if k != "written_at"} | {"vitals": []})
    case = consultations._new_case(work, request, Route("HC-0412", desk, ["outside_agreement"]))
    case.join(REQUESTER.person, "requester", now=work.now)
    with contextlib.suppress(StopIteration):  # somebody is on duty, so it asks nothing of the database and ends at once
        ladder.open_callout(work, case, desk, reason="request").send(None)
    return case


def with_vitals(case: Consultation) -> Consultation:
    """Add a full set, and one with a doubtful value and a missing one."""
    at = NIGHT.isoformat()
    for values in (
        {
            "pulse": 52,
            "systolic": 94,
            "diastolic": 60,
            "respiration": 22,
            "temperature": 36.6,
            "spo2": 93,
            "on_oxygen": True,
            "oxygen_l_min": 3,
            "consciousness": "alert",
        },
        {"pulse": 250, "systolic": 94},
    ):
        taken = vitals.VitalsIn.model_validate({"taken_at": at} | values)
        case.vitals.append(consultations._vital_signs(a_work(), case, taken))
    return case


def concluded(case: Consultation) -> Consultation:
    """Let the doctor accept and conclude twice, the asking side read back, and the outcome be told."""
    work = a_work(DOCTOR, minutes=5)
    case.accept(by=DOCTOR.person, now=work.now, on_duty_at=())
    before = None
    for plan in ("Tenecteplase 40 mg", "Tenecteplase 35 mg"):
        made = Conclusion(
            id=new_id(work.now),
            consultation_id=case.id,
            at=work.now,
            author_id=DOCTOR.id,
            author_name=DOCTOR.name,
            author_licence=DOCTOR.licence,
            summary="Đau ngực giờ thứ 2.",
            conclusion="Nhồi máu cơ tim cấp thành dưới.",
            plan=plan,
            decision=None,
            supersedes=before,
        )
        case.conclude(now=work.now)
        case.conclusions.append(made)
        before = made.id
    back = {"by_id": REQUESTER.id, "by_name": REQUESTER.name, "text": ""}
    case.read_backs.append(
        ReadBack(id=new_id(work.now), consultation_id=case.id, event_id=before, understood=True, at=work.now, **back)
    )
    case.outcomes.append(
        Outcome(
            id=new_id(work.now), consultation_id=case.id, due="24h", result="transferred", reported_at=work.now, **back
        )
    )
    return case


def red(case: Consultation) -> Consultation:
    """The same, raised to red."""
    case.raise_urgency(Urgency.RED, answer_due_at=NIGHT, now=NIGHT)
    return case


def holds(model: type[BaseModel], value: Any) -> None:
    """Assert that a model describes what is built: the same fields, neither more nor fewer, and the same values."""
    built = json.loads(to_json(value))
    assert model.model_validate(built).model_dump(mode="json", by_alias=True, exclude_unset=True) == built


CASES = {
    "just asked": a_case,
    "red with nothing but its specialty": lambda: a_case(RED_EXAMPLE),
    "with vital signs": lambda: with_vitals(a_case()),
    "concluded, corrected, read back and reported": lambda: concluded(with_vitals(a_case())),
    "raised": lambda: red(a_case()),
}


@pytest.mark.parametrize("name", CASES)
def test_the_models_describe_what_is_built_of_a_case(name):
    case = CASES[name]()
    for view in ("full", "card", "header"):
        holds(reads.ConsultationRead, show.full(case, may=["accept"], view=view, demo=True))
    holds(reads.ConsultationHeader, show.header(case))
    holds(reads.ConsultationPage, {"items": [show.header(case, content=True)], "next": None})
    callout = case.callouts[0]
    holds(case_parts.CalloutRead, show.callout(callout))
    holds(reads.OfferPage, {"items": [show.offer_card(case, callout, callout.offers[0])]})


@pytest.mark.parametrize(
    ("born", "years", "said"),
    [
        # It is 03:04 of the 24th on the ward, and still the 23rd in UTC.
        (date(1968, 11, 24), 58, "58"),
        (date(1968, 11, 25), 57, "57"),
        (date(2025, 11, 24), 1, "12 tháng"),
        (date(2026, 11, 24), 0, "0 tháng"),
        (date(2026, 11, 25), None, None),
    ],
)
def test_the_age_is_that_of_the_wards_day(born: date, years: int | None, said: str | None):
    case = a_case()
    case.birth_date, case.age_years, case.age_months = born, None, None
    assert show.header(case)["age_years"] == years
    assert record_words.age(case) == said


@pytest.mark.parametrize(
    ("years", "months", "said"),
    [(58, None, "58"), (1, None, "1"), (0, None, "dưới 1 tuổi"), (0, 8, "8 tháng"), (None, 30, "30 tháng")],
)
def test_an_age_that_was_typed_is_as_exact_as_it_was_said(years: int | None, months: int | None, said: str):
    case = a_case()
    case.birth_date, case.age_years, case.age_months = None, years, months
    assert record_words.age(case) == said


def test_the_models_describe_messages_and_facts():
    said = Message(
        id=new_id(NIGHT),
        consultation_id=new_id(NIGHT),
        n=7,
        author_id=DOCTOR.id,
        author_name=DOCTOR.name,
        author_hospital_name=None,
        text="Tiêu sợi huyết.",
        opinion=True,
        at=NIGHT,
        written_at=None,
        supersedes=None,
        superseded_by=None,
        vitals_id=None,
    )
    holds(reads.MessagePage, {"items": [show.message(said)], "next": 7})

    class Row:
        id, seq, type, at, actor_id, actor_name = new_id(NIGHT), 1, "offer.made", NIGHT, None, None
        data = None

    holds(reads.HistoryPage, {"items": [discussion.history_row(Row)], "next": None})


def models_with_examples() -> list[type[BaseModel]]:
    found = [
        m for module in (case_parts, reads, record, directory) for m in vars(module).values() if isinstance(m, type)
    ]
    return sorted(
        {
            m
            for m in found
            if issubclass(m, BaseModel) and "examples" in (m.model_config.get("json_schema_extra") or {})
        },
        key=lambda m: m.__name__,
    )


@pytest.mark.parametrize("model", models_with_examples(), ids=lambda m: m.__name__)
def test_every_example_is_what_its_model_describes(model):
    for example in model.model_config["json_schema_extra"]["examples"]:
        holds(model, example)


def test_every_kind_of_fact_of_a_case_can_be_told_even_when_its_data_have_been_blanked():
    told_elsewhere = {"message.posted"}  # without its data nobody knows whether it was an opinion
    for event_type in record_timeline._FACTS:
        words = record_timeline.words_of(event_type, None)
        assert words or event_type in told_elsewhere
        assert "None" not in (words or "")


# --- With a server ---------------------------------------------------------------------------------------------------


async def told(hotline: Hotline) -> tuple[Json, Person, Person]:
    """A case from request to conclusion, with an opinion that was corrected and a conclusion that was superseded."""
    asker = await hotline.requester()
    vitals_ = [
        {
            "taken_at": NIGHT.isoformat(),
            "pulse": 52,
            "systolic": 94,
            "diastolic": 60,
            "spo2": 93,
            "on_oxygen": True,
            "oxygen_l_min": 3,
        }
    ]
    case = await hotline.ask(by=asker, vitals=vitals_, diagnosis={"code": "I21.1", "text": "Nhồi máu cơ tim"})
    first = (await hotline.rung(case))[0]
    hotline.clock.advance(seconds=40)
    await first.do(case, "acceptance")
    hotline.clock.advance(seconds=60)
    wrong = await first.do(case, "messages", {"text": "Tenecteplase 40 mg", "opinion": True})
    right = await first.do(
        case, "messages", {"text": "Tenecteplase 35 mg", "opinion": True, "supersedes": wrong["event_id"]}
    )
    await asker.do(case, "messages", {"text": "Rõ, đang bơm"})
    await asker.do(case, "read-back", {"event_id": right["event_id"], "understood": True, "text": "35 mg một lần"})
    for plan in ("Chuyển ngay", "Chuyển sau bơm"):
        hotline.clock.advance(seconds=30)
        await first.do(
            case,
            "conclusion",
            {"summary": "Đau ngực giờ thứ 2", "conclusion": "Nhồi máu cơ tim", "plan": plan, "decision": "Chuyển viện"},
        )
    return case, asker, first


async def test_the_record_has_every_word_of_the_facts_field_by_field(hotline: Hotline):
    case, asker, first = await told(hotline)
    await asker.do(case, "outcome", {"at": "24h", "result": "transferred", "text": "Đã can thiệp"})
    answer = await asker.get(f"/consultations/{case['id']}/record")
    assert answer.status_code == 200, answer.text
    built = answer.json()
    holds(record.RecordRead, built)
    boxes = {f["key"]: f["value"] for f in built["fields"]}
    me, doctor = await asker.me(), await first.me()
    assert built["state"] == "final"
    assert boxes["hospital"] == me["hospital_name"]
    assert boxes["health_department"]
    assert boxes["record_number"] == case["number"]
    assert boxes["patient_name"] == "MC-017"
    assert boxes["age"] == "58"
    assert boxes["sex"] == "Nam"
    assert boxes["diagnosis"] == "Nhồi máu cơ tim (I21.1)"
    assert boxes["consulted_at"] == "03 giờ 04, ngày 24/11/2026"
    assert boxes["chair"] == f"{doctor['name']} ({doctor['hospital_name']}), số GPHN {doctor['licence']}"
    assert boxes["secretary"] == f"{me['name']} ({me['hospital_name']}), số GPHN {me['licence']}"
    assert boxes["summary"] == "Đau ngực giờ thứ 2"
    assert boxes["conclusion"] == "Nhồi máu cơ tim\nQuyết định: Chuyển viện"
    assert boxes["further_treatment"] == "Chuyển sau bơm"
    assert {"admission_number", "bed", "room", "treated_from", "chair_signature", "patient_informed"} <= set(
        built["missing"]
    )
    annex = built["annex"]
    assert annex["asking_hospital"] == me["hospital_name"]
    assert annex["answering_hospitals"] == [doctor["hospital_name"]]
    assert annex["patient_informed"] is None
    assert [o["text"] for o in annex["opinions"]] == ["Tenecteplase 40 mg", "Tenecteplase 35 mg"]
    assert annex["opinions"][0]["superseded_by"] == annex["opinions"][1]["event_id"]
    assert annex["opinions"][1]["vitals"]["systolic"] == 94
    assert [r["text"] for r in annex["opinions"][1]["read_backs"]] == ["35 mg một lần"]
    assert [(c["plan"], c["superseded"]) for c in annex["conclusions"]] == [
        ("Chuyển ngay", True),
        ("Chuyển sau bơm", False),
    ]
    assert [o["text"] for o in annex["outcomes"]] == ["Đã can thiệp"]
    assert [p["name"] for p in annex["people"]] == [me["name"], doctor["name"]]
    said = [row["text"] for row in annex["timeline"]]
    for words in (
        "Gửi yêu cầu, mức Cam",
        f"Đổ chuông: {doctor['name']}",
        f"Tiếp nhận: {doctor['name']}",
        "Ghi ý kiến hội chẩn",
        "Sửa ý kiến hội chẩn",
        "Bên yêu cầu đọc lại: đã hiểu",
        "Kết luận",
        "Sửa kết luận (bản trước vẫn giữ)",
        "Báo kết quả 24 giờ: Đã chuyển viện",
    ):
        assert words in said
    for words in (
        "KHÔNG DÙNG CHO NGƯỜI BỆNH",
        "Số giường: (chưa ghi)",
        "Chuyển sau bơm",
        "[đã sửa, xem ý kiến sau]",
        "HA 94/60 mmHg",
        "thở –/phút",
        "NEWS2 chưa đủ",
    ):
        assert words in built["text"]
    assert "Rõ, đang bơm" not in built["text"]


async def test_a_case_that_nobody_has_concluded_is_a_draft_that_guesses_nothing(hotline: Hotline):
    asker = await hotline.requester()
    case = await hotline.ask(by=asker, urgency="red", patient={}, question="")
    built = (await asker.get(f"/consultations/{case['id']}/record")).json()
    holds(record.RecordRead, built)
    assert built["state"] == "draft"
    assert {"age", "sex", "diagnosis", "consulted_at", "chair", "summary", "conclusion", "further_treatment"} <= set(
        built["missing"]
    )
    assert "BẢN NHÁP" in built["text"]


async def test_history_has_every_fact_gapless_and_pages(hotline: Hotline, monkeypatch):
    case, asker, _ = await told(hotline)
    whole = (await asker.get(f"/consultations/{case['id']}/history")).json()
    holds(reads.HistoryPage, whole)
    version = (await asker.get(f"/consultations/{case['id']}")).json()["version"]
    assert [row["n"] for row in whole["items"]] == list(range(1, version + 1))
    assert whole["next"] is None
    monkeypatch.setattr("app.services.cases.records.PAGE", 4)
    page = (await asker.get(f"/consultations/{case['id']}/history")).json()
    following = (await asker.get(f"/consultations/{case['id']}/history", cursor=page["next"])).json()
    assert page["items"] + following["items"] == whole["items"][:8]


async def test_a_stranger_gets_the_same_answer_for_history_and_record_as_for_a_case_that_does_not_exist(
    hotline: Hotline,
):
    case = await hotline.ask()
    stranger = await hotline.requester("K27", index=-1)
    for what in ("history", "record"):
        foreign = await stranger.get(f"/consultations/{case['id']}/{what}")
        absent = await stranger.get(f"/consultations/{new_id(NIGHT)}/{what}")
        assert (foreign.status_code, foreign.json()) == (absent.status_code, absent.json()) == (404, absent.json())


async def test_reads_of_history_record_and_offers_are_logged(hotline: Hotline):
    asker = await hotline.requester()
    case = await hotline.ask(by=asker)
    doctor = (await hotline.rung(case))[0]
    await asker.get(f"/consultations/{case['id']}/history")
    await asker.get(f"/consultations/{case['id']}/record")
    await doctor.get("/offers")
    async with hotline.app.state.house.database() as session:
        rows = await session.execute(
            text("SELECT DISTINCT via, view FROM access_log WHERE consultation_id = :id"), {"id": UUID(case["id"])}
        )
        assert {("history", "full"), ("record", "full"), ("offer", "card")} <= {tuple(row) for row in rows}


async def test_offers_show_what_rings_for_me_with_a_card_without_identifiers(hotline: Hotline):
    patient = {
        "label": "MC-017",
        "sex": "male",
        "age_years": 58,
        "identifiers": [{"system": "cccd", "value": "001068000001"}],
    }
    case = await hotline.ask(patient=patient)
    doctor = (await hotline.rung(case))[0]
    page = (await doctor.get("/offers")).json()
    holds(reads.OfferPage, page)
    [offer] = page["items"]
    assert offer["consultation_id"] == case["id"]
    assert offer["may_accept"] is True
    assert offer["card"]["patient"]["identifiers"] == []
    assert "001068000001" not in json.dumps(page)
    await doctor.do(case, "acceptance")
    assert (await doctor.get("/offers")).json() == {"items": []}


async def test_the_network_is_described_and_its_duty_has_no_gaps(hotline: Hotline):
    asker = await hotline.requester("K04")
    desks = (await asker.get("/desks", specialty="K04")).json()
    holds(directory.DeskList, desks)
    desk = desks["items"][0]
    assert desk["may_ask"]
    assert desk["red_team_size"] > 0
    on_call = (await asker.get(f"/desks/{desk['id']}/on-call")).json()
    holds(directory.OnCallList, on_call)
    assert {p["role"] for p in on_call["on_call"]} >= {
        "primary",
        "backup",
        "head_of_shift",
        "red_team",
        "leadership",
        "coordinator",
    }
    duty = (await asker.get(f"/desks/{desk['id']}/duty")).json()
    holds(directory.DutyList, duty)
    assert duty["slots"]
    assert duty["gaps"] == []
    for path, model in (("/specialties", directory.SpecialtyList), ("/hospitals", directory.HospitalList)):
        holds(model, (await asker.get(path)).json())


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-24T03:00:00"}, "from"),
        ({"from": "2026-11-24T03:00:00Z", "to": "2026-11-24T02:00:00Z"}, "to"),
        ({"from": "2026-11-24T03:00:00Z", "to": "2027-11-24T02:00:00Z"}, "to"),
    ],
)
async def test_duty_refuses_times_without_a_zone_backwards_or_too_far_apart(hotline: Hotline, query, field):
    asker = await hotline.requester("K04")
    desk = (await asker.get("/desks", specialty="K04")).json()["items"][0]
    answer = await asker.get(f"/desks/{desk['id']}/duty", **query)
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["field"]


async def test_a_plus_that_was_not_escaped_is_read_as_the_plus_that_it_was(hotline: Hotline):
    asker = await hotline.requester("K04")
    desk = (await asker.get("/desks", specialty="K04")).json()["items"][0]
    raw = f"/api/v1/desks/{desk['id']}/on-call?at=2026-11-24T03:04:00+07:00"
    answer = await hotline.http.get(raw, headers=asker.headers)
    assert answer.json()["at"] == "2026-11-23T20:04:00Z"


async def test_beyond_the_horizon_nobody_is_said_to_be_missing(hotline: Hotline):
    asker = await hotline.requester("K04")
    desk = (await asker.get("/desks", specialty="K04")).json()["items"][0]
    far = NIGHT + timedelta(days=95)
    duty = (
        await asker.get(
            f"/desks/{desk['id']}/duty", **{"from": far.isoformat(), "to": (far + timedelta(days=2)).isoformat()}
        )
    ).json()
    assert duty["slots"] == duty["gaps"] == []
    assert (await asker.get(f"/desks/{desk['id']}/on-call", at=far.isoformat())).status_code == 422


async def test_the_telephone_list_and_the_installation_are_public_and_name_nobody(hotline: Hotline):
    answer = await hotline.http.get("/api/v1/telephones")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["cache-control"]
    listed = answer.json()
    holds(directory.TelephoneList, listed)
    assert {item["kind"] for item in listed["items"]} == {"desk", "coordinator", "ward", "hospital"}
    asker = await hotline.requester("K04")
    desk = (await asker.get("/desks", specialty="K04")).json()["items"][0]
    people = {p["phone"] for p in (await asker.get(f"/desks/{desk['id']}/on-call")).json()["on_call"]}
    assert not people & {item["phone"] for item in listed["items"]}
    assert not {a["name"] for a in hotline.accounts} & {item["name"] for item in listed["items"]}
    installation = (await hotline.http.get("/api/v1/installation")).json()
    holds(directory.InstallationRead, installation)
    assert installation["demo"] is True
