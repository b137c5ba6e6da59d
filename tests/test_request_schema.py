"""The bodies of a request and of every command: what is needed, what contradicts itself, what is said about it."""

import json
import re
import string
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from app.models import clinical
from app.models.clinical import Age, age_on, temporary_label
from app.schemas import messages, requests, text
from app.schemas.body import Body
from app.schemas.patient import PatientIn
from app.schemas.requests import (
    ConclusionIn,
    ConsultationPatch,
    ForwardingIn,
    MessageIn,
    ParticipantIn,
    RefusalIn,
    RequestIn,
    UrgencyIn,
)

NOW = datetime(2026, 11, 23, 20, 8, 20, tzinfo=UTC)  # 03:08:20 on the 24th on the wards
ID = "0199a3c2-7b41-7d2e-9c55-2f60b1a4d803"
LEAST = {"specialty": "K04", "urgency": "orange", "question": "Chuyển hay giữ?", "patient": {"label": "MC-017"}}
BODIES = sorted(
    (
        body
        for body in vars(requests).values()
        if isinstance(body, type) and issubclass(body, Body) and body is not Body
    ),
    key=lambda body: body.__name__,
)


def asked(**values):
    return RequestIn.model_validate(LEAST | values)


def complaints(make, language="vi"):
    with pytest.raises(ValidationError) as caught:
        make()
    return {item["field"]: item["detail"] for item in messages.complaints(caught.value.errors(), language)}


def refused(language="vi", **values):
    return complaints(lambda: asked(**values).check(NOW), language)


def patient(**values):
    return {"patient": {"label": "MC-017"} | values}


def refused_by(body, value, language="vi"):
    return complaints(lambda: body.model_validate(value), language)


# What is needed


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_body_has_an_example_and_every_example_is_accepted(body):
    examples = body.model_config.get("json_schema_extra", {}).get("examples", [])
    assert examples or body.__name__ == "SafetyPatch"
    for given_example in examples:
        read = body.model_validate(given_example)
        if hasattr(read, "check"):
            read.check(NOW)


def test_the_example_of_a_request_keeps_all_that_was_written():
    read = RequestIn.model_validate(requests.REQUEST_EXAMPLE)
    assert read.doubts(NOW) == []
    assert read.question == requests.REQUEST_EXAMPLE["question"]
    assert read.patient.weight_kg == 64
    assert read.diagnosis.code == "I21.1"


def test_four_fields_are_enough_and_the_rest_is_unknown_or_not_asked():
    read = asked()
    read.check(NOW)
    assert (read.situation, read.vitals, read.diagnosis, read.patient.sex) == ("", [], None, "unknown")
    assert {name: fact["state"] for name, fact in read.safety.model_dump().items()} == dict.fromkeys(
        ("allergies", "anticoagulant", "pregnancy", "weight"), "not_asked"
    )


def test_a_red_alert_needs_its_specialty_only():
    read = RequestIn.model_validate({"specialty": "K04", "urgency": "red"})
    read.check(NOW)
    assert (read.question, read.patient.label) == ("", "")


@pytest.mark.parametrize(
    ("without", "language", "said"),
    [
        ("specialty", "vi", {"specialty": "Thiếu chuyên khoa. Cần điền trước khi gửi."}),
        ("urgency", "vi", {"urgency": "Thiếu mức khẩn. Cần điền trước khi gửi."}),
        ("question", "vi", {"question": "Thiếu câu hỏi cụ thể. Cần điền trước khi gửi."}),
        ("patient", "vi", {"patient.label": "Thiếu tên hoặc mã tạm. Cần điền trước khi gửi."}),
        ("patient", "en", {"patient.label": "Name or temporary code is missing. Fill it in to send."}),
    ],
)
def test_what_is_missing_is_named_under_its_own_field(without, language, said):
    body = {name: value for name, value in LEAST.items() if name != without}
    assert refused_by(RequestIn, body, language) == said


@pytest.mark.parametrize("nothing", ["", "   ", "\n\t", "\u200b", "…", "?!", "\u2800", None])
def test_a_question_or_label_that_would_look_empty_is_none(nothing):
    assert set(refused(question=nothing, patient={"label": nothing})) == {"question", "patient.label"}


def test_an_unknown_field_is_refused_wherever_it_stands():
    said = refused(exercise=True, patient={"label": "MC-017", "name": "x"}, vitals=[{"pusle": 1}])
    assert set(said) == {"exercise", "patient.name", "vitals.0.pusle", "vitals.0.taken_at"}


@pytest.mark.parametrize(("field", "value"), [("urgency", "đỏ"), ("urgency", "RED"), ("kind_of_help", "ct")])
def test_a_choice_lists_what_can_be_chosen(field, value):
    assert "chọn một trong" in refused(**{field: value})[field]


@pytest.mark.parametrize("code", ["", " ", "K 04", "K04; DROP", "Tim mạch", "K" * 30, "../K04"])
def test_a_specialty_is_a_code(code):
    assert "mã" in refused(specialty=code)["specialty"]


def test_errors_of_several_fields_come_in_one_answer():
    said = refused(
        urgency="purple", patient={"label": 17, "weight_kg": 3500}, vitals=[{"taken_at": "03:02", "temperature": 98.6}]
    )
    assert set(said) == {
        "urgency", "patient.label", "patient.weight_kg", "vitals.0.taken_at", "vitals.0.temperature"
    }  # fmt: skip


def test_vital_signs_are_put_in_the_order_in_which_they_were_taken():
    at = ["2026-11-24T03:02:00+07:00", "2026-11-23T18:40:00Z", "2026-11-24T02:30:00+07:00"]
    read = asked(vitals=[{"taken_at": taken, "pulse": 94} for taken in at])
    assert [vitals.taken_at.hour * 60 + vitals.taken_at.minute for vitals in read.vitals] == [18 * 60 + 40, 1170, 1202]


def test_a_set_of_vital_signs_from_the_future_is_named_by_its_place():
    assert set(refused(vitals=[{"taken_at": "2026-11-25T03:02:00Z", "pulse": 94}])) == {"vitals.0.taken_at"}


# The patient


@pytest.mark.parametrize(
    ("born", "given_age", "agrees"),
    [
        ("1968-05-17", {"age_years": 58}, True),
        ("1968-05-17", {"age_years": 59}, True),
        ("1968-05-17", {"age_years": 57}, True),
        ("1968-05-17", {"age_years": 60}, False),
        ("1968-05-17", {"age_years": 8}, False),
        ("2026-06-24", {"age_months": 5, "weight_kg": 6}, True),
        ("2026-06-24", {"age_months": 9, "weight_kg": 6}, False),
    ],
)
def test_an_age_and_a_birth_date_that_disagree_are_refused(born, given_age, agrees):
    values = patient(birth_date=born, **given_age)
    if agrees:
        asked(**values).check(NOW)
    else:
        (said,) = refused(**values).values()
        assert "không khớp ngày sinh" in said


def test_a_disagreement_says_the_age_by_the_birth_date():
    assert refused(**patient(birth_date="1968-05-17", age_years=85)) == {
        "patient.age_years": "Tuổi không khớp ngày sinh (theo ngày sinh là 58 tuổi). Sửa một trong hai."
    }


def test_months_are_the_whole_age():
    asked(**patient(age_years=1, age_months=15, weight_kg=10))
    assert "từ 12 đến 23" in refused(**patient(age_years=1, age_months=3))["patient.age_months"]


@pytest.mark.parametrize(
    ("born", "said"),
    [
        ("2026-11-25", "Ngày sinh ở tương lai. Kiểm tra lại ngày."),
        ("1890-01-01", "Theo ngày sinh, người bệnh hơn 130 tuổi. Kiểm tra năm sinh."),
        ("17/05/1968", "Ngày sinh không phải là một ngày. Ghi năm-tháng-ngày, ví dụ 1968-05-17."),
        ("1968-02-30", "Ngày sinh không phải là một ngày. Ghi năm-tháng-ngày, ví dụ 1968-05-17."),
        (1968, "Ngày sinh không phải là một ngày. Ghi năm-tháng-ngày, ví dụ 1968-05-17."),
    ],
)
def test_a_birth_date_that_cannot_be_is_refused(born, said):
    assert refused(**patient(birth_date=born)) == {"patient.birth_date": said}


def test_a_child_born_after_midnight_on_the_ward_was_not_born_in_the_future():
    # 20:08 UTC is already the 24th in Vietnam.
    asked(**patient(birth_date="2026-11-24", weight_kg=3.1)).check(NOW)


@pytest.mark.parametrize("age", [{"age_years": 15}, {"age_months": 5}, {"birth_date": "2010-11-25"}, {"age_years": 0}])
def test_under_16_the_weight_is_needed(age):
    assert set(refused(**patient(**age))) == {"patient.weight_kg"}
    asked(**patient(**age, weight_kg="12,5")).check(NOW)


def test_a_red_alert_or_a_weight_said_to_be_unknown_goes_without():
    asked(urgency="red", **patient(age_years=3)).check(NOW)
    asked(safety={"weight": {"state": "unknown"}}, **patient(age_years=3)).check(NOW)
    assert refused(safety={"weight": {"state": "not_asked"}}, **patient(age_years=3))


@pytest.mark.parametrize("age", [{}, {"age_years": 16}, {"birth_date": "2010-11-24"}])
def test_an_adult_or_unknown_age_needs_no_weight(age):
    asked(**patient(**age)).check(NOW)


def test_a_weight_in_grams_is_recognised_and_an_ambiguous_one_asked_about():
    assert refused(**patient(weight_kg=3500)) == {"patient.weight_kg": "Cân nặng này giống gam. Ghi theo kg (3,5)."}
    assert "phần thập phân hoặc hàng nghìn" in refused(**patient(weight_kg="3.500"))["patient.weight_kg"]
    assert asked(**patient(weight_kg="0,850")).patient.weight_kg == 0.85


def test_a_weight_given_is_also_the_safety_fact():
    read = asked(**patient(weight_kg=12.5), safety={"weight": {"state": "not_asked"}})
    assert read.safety.weight.model_dump() == {"state": "value", "text": "12,5 kg"}


def test_what_is_said_about_a_fact_is_an_answer_unless_the_state_says_otherwise():
    read = asked(safety={"allergies": {"text": "Penicillin"}, "anticoagulant": {"state": "unknown", "text": "hôn mê"}})
    assert read.safety.allergies.state == "value"
    assert read.safety.anticoagulant.state == "unknown"


@pytest.mark.parametrize(
    ("system", "value", "doubted"),
    [
        ("cccd", "014068001234", False),
        ("cccd", "014 068 001 234", False),
        ("cccd", "14068001234", True),
        ("cmnd", "050123456", False),
        ("cmnd", "05012345", True),
        ("bhyt", "DN4141234567890", False),
        ("bhyt", "dn 4 14 1234567890", False),
        ("bhyt", "1234567890", False),
        ("bhyt", "DN414123", True),
        ("passport", "C1234567", False),
        ("passport", "C1", True),
        ("temporary", "TẠM-7K4M", False),
        ("other", "Hồ sơ 12/2026", False),
    ],
)
def test_an_unusual_identifier_is_doubted_and_never_refused(system, value, doubted):
    read = asked(**patient(identifiers=[{"system": system, "value": value}]))
    assert [doubt.field for doubt in read.doubts(NOW)] == ["patient.identifiers.0.value"] * doubted
    assert read.patient.identifiers[0].value == value


@pytest.mark.parametrize("value", ["", "---", "1" * 41, "12\x003", 14068001234])
def test_an_absurd_identifier_is_refused(value):
    assert set(refused(**patient(identifiers=[{"system": "cccd", "value": value}]))) == {"patient.identifiers.0.value"}


def test_a_pregnant_man_is_doubted_not_refused():
    read = asked(safety={"pregnancy": {"state": "value"}}, **patient(sex="male"))
    assert [doubt.code for doubt in read.doubts(NOW)] == ["pregnant_male"]


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("I21.1", "I21.1"),
        ("i21.1", "I21.1"),
        (" I10 ", "I10"),
        ("I211", "I211"),
        ("A17.0†", "A17.0"),
        ("G01*", "G01"),
        ("S52.501A", "S52.501A"),
        ("U07.1", "U07.1"),
    ],
)
def test_a_diagnosis_code_is_read_kindly(code, kept):
    assert asked(diagnosis={"code": code}).diagnosis.code == kept


@pytest.mark.parametrize("code", ["21.1", "I2", "I21.", "I21.12345", "I21; I10", "nhồi máu", "ⅠI21", "I21.1\u0000"])
def test_a_diagnosis_code_that_is_none_is_refused(code):
    assert set(refused(diagnosis={"code": code})) == {"diagnosis.code"}


def test_an_empty_diagnosis_is_no_diagnosis():
    assert asked(diagnosis={"code": "", "text": " "}).diagnosis is None


# Clocks of devices


@pytest.mark.parametrize(
    ("ahead", "kept", "doubt"),
    [
        (timedelta(minutes=-3), timedelta(minutes=-3), None),
        (timedelta(days=-7), timedelta(days=-7), None),
        (timedelta(days=-8), None, "device_clock_behind"),
        (timedelta(seconds=60), timedelta(0), None),
        (timedelta(hours=7), None, "device_clock_ahead"),
    ],
)
def test_a_wrong_clock_on_the_device_is_noted_and_blocks_nothing(ahead, kept, doubt):
    read = asked(written_at=NOW + ahead)
    read.check(NOW)
    assert [found.code for found in read.doubts(NOW)] == ([doubt] if doubt else [])
    believed, _ = clinical.written_at(read.written_at, NOW)
    assert believed == (None if kept is None else NOW + kept)


def test_a_time_of_writing_without_a_zone_is_refused():
    assert "múi giờ" in refused(written_at="2026-11-24T03:02:00")["written_at"]


# Corrections


def test_a_correction_carries_only_what_was_sent():
    patch = ConsultationPatch.model_validate(
        {
            "background": "",
            "question": None,
            "patient": {"weight_kg": "64,5", "birth_date": None},
            "safety": {"anticoagulant": {"state": "value", "text": "Clopidogrel"}},
            "written_at": "2026-11-24T03:02:00+07:00",
        }
    )
    assert patch.changes() == {
        "background": "",
        "patient": {"weight_kg": 64.5},
        "safety": {"anticoagulant": {"state": "value", "text": "Clopidogrel"}},
    }


def test_a_diagnosis_is_replaced_whole_or_emptied():
    assert ConsultationPatch.model_validate({"diagnosis": {"text": "Viêm cơ tim"}}).changes() == {
        "diagnosis": {"code": "", "text": "Viêm cơ tim"}
    }
    assert ConsultationPatch.model_validate({"diagnosis": {}}).changes() == {"diagnosis": {"code": "", "text": ""}}


@pytest.mark.parametrize("nothing", [{}, {"question": None}, {"patient": {}}, {"safety": {}}])
def test_a_correction_of_nothing_is_refused(nothing):
    assert refused_by(ConsultationPatch, nothing) == {"": "Không có gì để sửa. Gửi ít nhất một trường."}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"question": " "}, "question"),
        ({"patient": {"label": ""}}, "patient.label"),
        ({"urgency": "red"}, "urgency"),
        ({"vitals": []}, "vitals"),
        ({"patient": {"birth_date": "2030-01-01"}}, "patient.birth_date"),
    ],
)
def test_a_correction_takes_nothing_that_may_not_be_corrected(value, field):
    assert set(complaints(lambda: ConsultationPatch.model_validate(value).check(NOW))) == {field}


# The other commands


@pytest.mark.parametrize(
    ("body", "value", "field"),
    [
        (UrgencyIn, {"urgency": "orange"}, "reason"),
        (UrgencyIn, {"reason": "x"}, "urgency"),
        (RefusalIn, {"reason": "…"}, "text"),
        (RefusalIn, {"reason": "other", "text": " "}, "text"),
        (ForwardingIn, {}, "user_id"),
        (ForwardingIn, {"user_id": ID, "desk_id": ID}, "user_id"),
        (ForwardingIn, {"user_id": "17"}, "user_id"),
        (MessageIn, {"text": "\u200b \n"}, "text"),
        (MessageIn, {"text": "a" * 10_001}, "text"),
        (MessageIn, {"text": "ok", "opinion": "true"}, "opinion"),
        (ConclusionIn, {"summary": "a", "conclusion": "", "plan": "b"}, "conclusion"),
        (ParticipantIn, {"user_id": ID, "role": "assigned"}, "role"),
    ],
)
def test_a_command_says_what_it_lacks(body, value, field):
    assert set(refused_by(body, value)) == {field}


def test_raising_to_red_waits_for_no_reason():
    assert UrgencyIn.model_validate({"urgency": "red"}).reason == ""


# Text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Sốc nhẹ", "Sốc nhẹ"),
        ("So\u0302\u0301c", "S\u1ed1c"),
        ("  a\r\nb\rc\x0bd\u2028e  ", "a\nb\nc\nd\ne"),
        ("a\tb", "a\tb"),
        ("\u202a0123456789\u202c", "0123456789"),
        ("liều \u202e01 mg", "liều 01 mg"),
        ("\ufeffa\u200bb\u00adc", "abc"),
        ("👨\u200d⚕️ ok", "👨\u200d⚕️ ok"),
    ],
)
def test_text_is_kept_as_typed_but_for_what_nobody_sees(typed, kept):
    assert MessageIn.model_validate({"text": typed + "!"}).text == text.safe(typed + "!", limit=99)
    assert text.safe(typed, limit=99) == kept


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x9f", "\ud800"])
def test_control_characters_and_broken_ones_are_refused(character):
    said = refused_by(MessageIn, {"text": f"ab{character}c"})["text"]
    assert "Xóa ký tự đó rồi gửi lại." in said


def test_a_control_character_is_named_with_its_place():
    assert refused_by(MessageIn, {"text": "ab\x07c"}) == {
        "text": "Nội dung có ký tự điều khiển (U+0007, vị trí 3). Xóa ký tự đó rồi gửi lại."
    }


def test_marks_heaped_on_one_letter_are_refused():
    assert "quá nhiều dấu" in refused_by(MessageIn, {"text": "a" + "\u0301" * 9})["text"]
    MessageIn.model_validate({"text": "a" + "\u0301" * 3})


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("question", 2_000),
        ("situation", 20_000),
        ("background", 20_000),
        ("assessment", 20_000),
        ("recommendation", 20_000),
    ],
)
def test_long_text_is_refused_and_never_cut(field, limit):
    longest = "ễ" * limit
    assert getattr(asked(**{field: longest}), field) == longest
    assert f"tối đa {limit}" in refused(**{field: longest + "x"})[field]
    # Counted as people count, however the keyboard composed it.
    assert getattr(asked(**{field: "e\u0302\u0303" * limit}), field) == longest


def test_a_label_is_one_line():
    assert asked(patient={"label": " Vô danh\n 2\t B "}).patient.label == "Vô danh 2 B"


# Ages and labels


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(1968, 5, 17), date(2026, 5, 16), Age(57, 11, 29)),
        (date(1968, 5, 17), date(2026, 5, 17), Age(58, 0, 0)),
        (date(2026, 11, 24), date(2026, 11, 24), Age(0, 0, 0)),
        (date(2026, 11, 1), date(2026, 11, 24), Age(0, 0, 23)),
        (date(2012, 2, 29), date(2025, 2, 28), Age(12, 11, 30)),
        (date(2012, 2, 29), date(2025, 3, 1), Age(13, 0, 0)),
        (date(2026, 1, 31), date(2026, 3, 1), Age(0, 1, 0)),
        (date(2025, 12, 31), date(2026, 1, 1), Age(0, 0, 1)),
    ],
)
def test_an_age_is_completed_years_months_and_days(born, on, age):
    assert age_on(born, on) == age


@given(st.dates(), st.dates())
def test_an_age_is_never_negative_and_never_ahead_of_its_birthday(one, other):
    born, on = sorted((one, other))
    years, months, days = age_on(born, on)
    assert 0 <= months < 12
    assert 0 <= days < 31
    assert 0 <= years == on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def test_nobody_has_an_age_before_birth():
    with pytest.raises(ValueError, match="born after"):
        age_on(date(2026, 11, 25), date(2026, 11, 24))


def test_temporary_labels_are_unique_and_neighbours_look_unlike():
    labels = [temporary_label(number) for number in range(160_000)]
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch("TẠM-[CDFGHJKMNPRTVWX34679]{4}", label) for label in labels[:200])
    for first in range(0, 4000, 7):
        for step in (1, 2, 3, 9, 10):
            assert not any(a == b for a, b in zip(labels[first][4:], labels[first + step][4:], strict=True))


def test_temporary_labels_go_on_after_the_last_of_four_letters():
    assert len(temporary_label(159_999)) == 8
    assert len(temporary_label(160_000)) == 9
    assert len({temporary_label(number) for number in range(159_000, 161_000)}) == 2_000
    with pytest.raises(ValueError, match="numbered"):
        temporary_label(-1)


# Words


def sentences():
    return {**messages._SENTENCES, **messages._WARNINGS, "unknown": messages._UNKNOWN}


def slots(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name} - {"field", "field_lower"}


@pytest.mark.parametrize("kind", sorted(sentences()))
def test_every_sentence_is_plain_and_stands_in_both_languages(kind):
    vietnamese, english = sentences()[kind]
    for sentence in (vietnamese, english):
        assert sentence.endswith(".")
        assert not re.search(r"[!…]|[Vv]ui lòng|[Pp]lease|[Oo]ops|[Ll]ỗi|[Ee]rror", sentence)
    assert slots(vietnamese) == slots(english)


def test_every_refusal_and_doubt_that_the_code_can_raise_has_its_words():
    app = Path(clinical.__file__).parent.parent
    modules = ["body", "numbers", "patient", "requests", "text", "times", "vitals"]
    source = (app / "models/clinical.py").read_text()
    source += "".join((app / f"schemas/{module}.py").read_text() for module in modules)
    raised = set(re.findall(r'(?:PydanticCustomError\(\s*|Complaint\(\([^()]*\), )"([a-z_]+)"', source))
    assert {"needed", "number_range", "text_control", "weight_needed", "vitals_empty"} <= raised
    assert raised <= set(messages._SENTENCES)
    doubted = set(re.findall(r'Doubt\([^,()]+, "([a-z_]+)"', source))
    assert {"zero", "unusual", "device_clock_ahead"} <= doubted
    assert doubted <= set(messages._WARNINGS)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "error",
    [
        {},
        {"type": "never_heard_of_it", "loc": ("body", "pulse"), "msg": "x"},
        {"type": "number_range", "loc": ("body", "pulse")},
        {"type": "literal_error", "loc": ("x",), "ctx": {"expected": "'a' or 'b'"}},
        {"type": "json_invalid", "loc": ("body", 17), "ctx": {"error": "Expecting value"}},
        {"type": "missing", "loc": ("header", "Idempotency-Key")},
        {"type": "extra_forbidden", "loc": ("body", "a\ud800{b}" + "c" * 500)},
    ],
)
def test_any_error_becomes_a_sentence(error, language):
    said = messages.explain(error, language)
    assert said.endswith(".")
    assert len(said) < 250
    said.encode()


def test_a_place_is_a_dotted_path_that_can_be_sent_back():
    assert messages.path(("body", "vitals", 0, "temperature")) == "vitals.0.temperature"
    assert messages.path(("query", "cursor")) == "cursor"
    assert messages.path(()) == ""
    messages.path(("body", "\ud800" * 999)).encode()


def test_pydantic_never_speaks_for_itself():
    class Odd(BaseModel):
        when: datetime
        ratio: float

    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({"when": "x", "ratio": "y"})
    for complaint in messages.complaints(caught.value.errors(), "vi"):
        assert "Input" not in complaint["detail"]


def test_no_answer_is_longer_than_fifty_complaints():
    assert len(refused(**{f"x{place}": 1 for place in range(500)})) == 50


# Whatever arrives

HOSTILE = st.text("\x00\x1b\ud800\udfff\u202e\u200b\u0301\ufeff\U0001f600ễ٣½ a\n{}", max_size=6)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE | st.sampled_from([ID, "I21.1", "1968-05-17"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["label", "birth_date", "state", "text", "value", "code", "system"]), inner)
        | st.dictionaries(HOSTILE, inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted({name for body in BODIES for name in body.model_fields}))


@given(st.sampled_from(BODIES), st.dictionaries(NAMES | HOSTILE, ANYTHING, max_size=5) | ANYTHING, st.booleans())
@example(RequestIn, {"\ud800": 1}, True)
@example(PatientIn, {"age_years": 10**5000, "weight_kg": -(10**400)}, False)
def test_whatever_arrives_is_read_or_refused_in_words(body, value, complete):
    if complete and isinstance(value, dict):
        value = LEAST | value
    try:
        read = body.model_validate(value)
        if hasattr(read, "check"):
            read.check(NOW)
        if isinstance(read, RequestIn | ConsultationPatch):
            read.doubts(NOW)
        if isinstance(read, RequestIn):
            assert read.urgency == "red" or not text.says_nothing(read.question)
        read.model_dump_json().encode()
    except ValidationError as refusal:
        for language in ("vi", "en"):
            json.dumps(messages.complaints(refusal.errors(), language), ensure_ascii=False).encode()


@given(st.text(st.sampled_from("aễ\u0301\u0302 \n\r\t\u200b\u202e\x0b"), max_size=40))
def test_safe_text_is_safe_once_and_for_all(typed):
    try:
        kept = text.safe(typed, limit=40)
    except ValueError:
        return
    assert text.safe(kept, limit=40) == kept
    assert kept == kept.strip()
    assert not set(kept) & set("\u200b\u202e\r\x0b")
