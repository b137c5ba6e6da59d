"""Vital signs as they come in: units, decimals, times; what is refused, what is doubted, what is old."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.models.clinical import VITALS
from app.schemas import messages
from app.schemas.vitals import EXAMPLE, VALUES, VitalsIn

NOW = datetime(2026, 11, 23, 20, 8, 20, tzinfo=UTC)
TAKEN = "2026-11-24T03:02:00+07:00"


def read(**values):
    return VitalsIn.model_validate({"taken_at": TAKEN} | values)


def refused(language="vi", now=NOW, **values):
    """The complaints about a set, {field: detail}."""
    with pytest.raises(ValidationError) as caught:
        read(**values).check(now)
    return {item["field"]: item["detail"] for item in messages.complaints(caught.value.errors(), language)}


def doubted(now=NOW, **values):
    return {doubt.field: doubt.code for doubt in read(**values).doubts(now)}


def test_the_example_of_the_contract_is_accepted_as_it_stands():
    vitals = VitalsIn.model_validate(EXAMPLE)
    vitals.check(NOW)
    assert vitals.doubts(NOW) == []
    assert vitals.values() == {name: EXAMPLE[name] for name in VALUES}
    assert vitals.taken_at == datetime(2026, 11, 23, 20, 2, tzinfo=UTC)


def test_one_value_is_enough_and_what_was_not_measured_stays_unknown():
    vitals = read(pulse=94)
    assert {name for name, value in vitals.values().items() if value is not None} == {"pulse"}
    assert vitals.spo2_scale == 1


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_null_and_an_empty_box_are_the_same_as_not_sent(nothing):
    vitals = read(pulse=94, systolic=nothing, temperature=nothing, oxygen_l_min=nothing, spo2_scale=nothing)
    assert (vitals.systolic, vitals.temperature, vitals.oxygen_l_min, vitals.spo2_scale) == (None, None, None, 1)


@pytest.mark.parametrize("values", [{}, {"pulse": None}, {"spo2_scale": 2}, {"temperature": ""}])
def test_a_set_without_any_value_is_refused(values):
    assert refused(**values) == {"": "Chưa có chỉ số nào. Nhập ít nhất một sinh hiệu."}


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("temperature", 36.6, 36.6),
        ("temperature", "36.6", 36.6),
        ("temperature", "36,6", 36.6),
        ("temperature", " 36,6 ", 36.6),
        ("temperature", 37, 37.0),
        ("temperature", 36.699999999999996, 36.7),
        ("temperature", "38,05", 38.1),
        ("oxygen_l_min", "0,5", 0.5),
        ("oxygen_l_min", "0,500", 0.5),
        ("pulse", "94", 94),
        ("pulse", 94.0, 94),
        ("pulse", "94,0", 94),
        ("pulse", "+94", 94),
        ("pulse", "094", 94),
        ("spo2", 0, 0),
        ("spo2", 100, 100),
    ],
)
def test_a_number_is_read_as_it_is_written_in_either_language(field, given, kept):
    assert getattr(read(**{field: given}), field) == kept


@pytest.mark.parametrize(
    "text", ["3.500", "1,234", "36.600", "1.234,5", "1,234.5", "1 234", "1.234.567", "12'345", "-1,234"]
)
def test_a_separator_that_may_mean_thousands_is_asked_about(text):
    said = refused(oxygen_l_min=text)["oxygen_l_min"]
    assert said.startswith("Lưu lượng oxy: dấu chấm hoặc phẩy này có thể là phần thập phân hoặc hàng nghìn.")


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        "ba mươi",
        "36,6 °C",
        "NaN",
        "Infinity",
        "1e2",
        "٣٧",
        "３７",
        "36..6",
        "36,6,",
        [36.6],
        {"v": 1},
        "9" * 99,
        float("nan"),
        float("inf"),
        float("-inf"),
    ],
)
def test_what_is_no_number_is_never_made_one(value):
    assert refused(temperature=value)["temperature"].startswith("Nhiệt độ cần một con số")


@pytest.mark.parametrize("field", ["pulse", "systolic", "diastolic", "respiration", "spo2"])
def test_a_count_has_no_decimals(field):
    assert "cần số nguyên" in refused(**{field: 94.5})[field]


def test_a_refusal_names_field_range_and_an_example_in_both_languages():
    assert refused(pulse=900) == {"pulse": "Mạch ngoài giới hạn. Nhập số từ 20 đến 300, ví dụ 94."}
    assert refused("en", pulse=900) == {"pulse": "Pulse is out of range. Enter 20 to 300, for example 94."}
    assert refused(temperature="12,9") == {"temperature": "Nhiệt độ ngoài giới hạn. Nhập số từ 13 đến 43, ví dụ 36,6."}


@pytest.mark.parametrize("field", sorted(VITALS))
def test_the_edges_of_every_range_are_in_and_the_next_step_is_out(field):
    limits = VITALS[field]
    step = 10**-limits.decimals
    for value in (limits.low, limits.high):
        assert getattr(read(**{field: value}), field) == value
    for value in (limits.low - step, limits.high + step):
        if not (limits.zero and value == 0):
            assert field in refused(**{field: round(value, 3)})


@pytest.mark.parametrize("value", [-1, -0.5, 10**400, -(10**400), 1e308, "-40"])
def test_absurd_numbers_are_out_of_range_and_break_nothing(value):
    assert set(refused(oxygen_l_min=value)) == {"oxygen_l_min"}


@pytest.mark.parametrize(
    ("fahrenheit", "vietnamese", "english"),
    [
        (98.6, "Nhiệt độ này giống độ F. Ghi theo °C (37).", "This temperature looks like Fahrenheit. Give °C (37)."),
        (
            "101,3",
            "Nhiệt độ này giống độ F. Ghi theo °C (38,5).",
            "This temperature looks like Fahrenheit. Give °C (38.5).",
        ),
        (115, "Nhiệt độ này giống độ F. Ghi theo °C.", "This temperature looks like Fahrenheit. Give °C."),
        (43.1, "Nhiệt độ này giống độ F. Ghi theo °C.", "This temperature looks like Fahrenheit. Give °C."),
    ],
)
def test_fahrenheit_is_recognised_and_never_converted_in_silence(fahrenheit, vietnamese, english):
    assert refused(temperature=fahrenheit) == {"temperature": vietnamese}
    assert refused("en", temperature=fahrenheit) == {"temperature": english}


def test_a_pressure_in_cmhg_is_recognised():
    assert refused(systolic=12) == {"systolic": "Huyết áp này giống cmHg. Ghi theo mmHg (120)."}


@pytest.mark.parametrize(("systolic", "diastolic"), [(80, 80), (60, 94)])
def test_a_diastolic_pressure_that_is_not_below_the_systolic_is_refused(systolic, diastolic):
    said = refused(systolic=systolic, diastolic=diastolic)
    assert said == {
        "diastolic": f"Huyết áp tâm trương phải thấp hơn tâm thu ({systolic}). Kiểm tra hai số có bị đảo không."
    }


def test_an_arrest_can_be_written_as_zeros_and_is_doubted():
    assert doubted(pulse=0, systolic=0, diastolic=0, respiration=0) == dict.fromkeys(
        ("pulse", "systolic", "diastolic", "respiration"), "zero"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("pulse", 25), ("pulse", 250), ("systolic", 40), ("temperature", 42), ("spo2", 20), ("respiration", 100)],
)
def test_what_is_unlikely_is_accepted_and_doubted(field, value):
    assert doubted(**{field: value}) == {field: "unusual"}


def test_a_doubt_is_said_in_either_language():
    (doubt,) = read(temperature=42).doubts(NOW)
    assert messages.warning(doubt, "vi") == {
        "field": "temperature",
        "detail": "Nhiệt độ ngoài khoảng thường gặp (33 đến 41,5). Đo lại hoặc kiểm tra số đã nhập.",
    }
    assert messages.warning(doubt, "en")["detail"].startswith("Temperature is outside what is usual (33 to 41.5).")


def test_a_flow_says_that_oxygen_is_given_and_contradicts_air():
    assert read(oxygen_l_min=3).on_oxygen is True
    assert read(oxygen_l_min=0).on_oxygen is None
    assert "oxygen_l_min" in refused(on_oxygen=False, oxygen_l_min=3)
    assert read(on_oxygen=False, oxygen_l_min=0).on_oxygen is False
    assert doubted(on_oxygen=True, oxygen_l_min=0) == {"oxygen_l_min": "oxygen_without_flow"}


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", "có", []])
def test_oxygen_is_true_or_false_and_nothing_is_taken_for_it(value):
    assert "on_oxygen" in refused(on_oxygen=value)


@pytest.mark.parametrize(("value", "kept"), [(1, 1), (2, 2), ("2", 2), (None, 1)])
def test_the_saturation_scale_is_1_unless_2_is_asked_for(value, kept):
    assert read(spo2=93, spo2_scale=value).spo2_scale == kept


@pytest.mark.parametrize("value", [0, 3, True, "ba", 1.5])
def test_there_is_no_third_saturation_scale(value):
    assert "spo2_scale" in refused(spo2=93, spo2_scale=value)


@pytest.mark.parametrize("value", ["A", "Alert", "drowsy", 0, True])
def test_consciousness_is_one_of_the_five_words(value):
    assert refused(consciousness=value) == {
        "consciousness": "Ý thức: chọn một trong alert, confusion, voice, pain, unresponsive."
    }


def test_a_field_that_the_contract_does_not_know_is_refused_by_name():
    assert refused(pulse=94, sp02=97) == {
        "sp02": "Không có trường sp02. Kiểm tra tên trường; không có gì bị bỏ qua âm thầm."
    }


# Times


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24T03:02:00+07:00", datetime(2026, 11, 23, 20, 2, tzinfo=UTC)),
        ("2026-11-23T20:02:00Z", datetime(2026, 11, 23, 20, 2, tzinfo=UTC)),
        ("2026-11-23t20:02:00z", datetime(2026, 11, 23, 20, 2, tzinfo=UTC)),
        ("2026-11-23 20:02+00:00", datetime(2026, 11, 23, 20, 2, tzinfo=UTC)),
        ("2026-11-23T20:02:00.123456Z", datetime(2026, 11, 23, 20, 2, 0, 123456, tzinfo=UTC)),
        ("2026-11-24T00:02:00+0700", datetime(2026, 11, 23, 17, 2, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_zone_is_kept_as_the_same_instant_in_utc(text, instant):
    vitals = read(pulse=94, taken_at=text)
    assert vitals.taken_at == instant
    assert vitals.taken_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused_saying_why():
    assert refused(pulse=94, taken_at="2026-11-24T03:02:00") == {
        "taken_at": "Giờ đo thiếu múi giờ, nên không biết là giờ nào. Thêm +07:00 (giờ Việt Nam) hoặc Z (UTC)."
    }


@pytest.mark.parametrize(
    "value",
    [
        "03:02",
        "2026-11-24",
        "24/11/2026 03:02",
        1795464120,
        True,
        [],
        "2026-02-30T03:02:00Z",
        "2026-11-24T25:02:00Z",
        "2026-11-24T03:02:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "９999-11-24T03:02:00Z",
        "2026-W48-2T03:02:00Z",
    ],
)
def test_what_is_no_time_is_refused(value):
    assert refused(pulse=94, taken_at=value)["taken_at"].startswith("Giờ đo cần ngày, giờ và múi giờ")


@pytest.mark.parametrize("value", [None, ...])
def test_the_time_is_the_one_thing_that_must_be_there(value):
    body = {"pulse": 94} | ({"taken_at": value} if value is None else {})
    with pytest.raises(ValidationError) as caught:
        VitalsIn.model_validate(body)
    assert messages.complaints(caught.value.errors(), "en") == [
        {"field": "taken_at", "detail": "Time taken is missing. Fill it in to send."}
    ]


def test_a_future_time_is_refused_beyond_a_minute_of_clock_error():
    taken = NOW + timedelta(seconds=60)
    read(pulse=94, taken_at=taken).check(NOW)
    assert "taken_at" in refused(pulse=94, taken_at=taken + timedelta(seconds=1))


def test_a_time_long_past_is_doubted_and_then_refused():
    assert doubted(pulse=94, taken_at=NOW - timedelta(days=7)) == {}
    assert doubted(pulse=94, taken_at=NOW - timedelta(days=9)) == {"taken_at": "taken_days_ago"}
    read(pulse=94, taken_at=NOW - timedelta(days=90)).check(NOW)
    assert "taken_at" in refused(pulse=94, taken_at=NOW - timedelta(days=91))
    # A year mistyped.
    assert "taken_at" in refused(pulse=94, taken_at="2025-11-24T03:02:00+07:00")


# Whatever arrives

HOSTILE = st.text("\x00\x1b\ud800\udfff\u202e\u200b\u0301\ufeff\U0001f600ễ٣３½ a\n", max_size=6)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE | st.text("0123456789.,-+eE' ", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=4,
)
FIELDS = st.sampled_from([*VitalsIn.model_fields])


@given(st.dictionaries(FIELDS | HOSTILE, ANYTHING, max_size=6))
@example({"\ud800": 1})
@example({"pulse": 1.7976931348623157e308, "taken_at": TAKEN})
@example({"systolic": 10**5000, "taken_at": TAKEN})
def test_whatever_arrives_is_read_or_refused_in_words(body):
    try:
        vitals = VitalsIn.model_validate(body)
        vitals.check(NOW)
    except ValidationError as refusal:
        for language in ("vi", "en"):
            said = messages.complaints(refusal.errors(), language)
            json.dumps(said, ensure_ascii=False).encode()
            assert not any("{" in complaint["detail"] for complaint in said)
    else:
        assert any(value is not None for value in vitals.values().values())


@given(st.floats(0, 1000, allow_nan=False).map(lambda value: round(value, 2)))
def test_point_and_comma_always_mean_the_same_number(value):
    def outcome(written):
        try:
            return read(temperature=written).temperature
        except ValidationError as refusal:
            return refusal.errors()[0]["type"]

    plain = f"{value:.2f}"
    assert outcome(plain) == outcome(plain.replace(".", ",")) == outcome(value)
