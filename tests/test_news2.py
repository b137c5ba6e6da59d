"""NEWS2 against the published chart, value by value."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import news2
from app.models.urgency import Urgency


@dataclass(frozen=True)
class Set:
    respiration: int | None = 16
    spo2: int | None = 98
    spo2_scale: int | None = 1
    on_oxygen: bool | None = False
    systolic: int | None = 120
    pulse: int | None = 70
    consciousness: str | None = "alert"
    temperature: float | Decimal | None = 37.0


NORMAL = Set()


def score(vitals, age_years=58, sex="male", pregnancy="not_asked"):
    return news2.assess(vitals, age_years=age_years, sex=sex, pregnancy=pregnancy)


def point(part, **values):
    return score(replace(NORMAL, **values)).parts[part]


def spread(*bands):
    """("0-8", 3) -> (0, 3), (1, 3), …"""
    for band, points in bands:
        low, _, high = band.partition("-")
        for value in range(int(low), int(high or low) + 1):
            yield value, points


# The chart, written down a second time and in another form than the code has it.
RESPIRATION = [*spread(("0-8", 3), ("9-11", 1), ("12-20", 0), ("21-24", 2), ("25-120", 3))]
SCALE_1 = [*spread(("0-91", 3), ("92-93", 2), ("94-95", 1), ("96-100", 0))]
SCALE_2_AIR = [*spread(("0-83", 3), ("84-85", 2), ("86-87", 1), ("88-100", 0))]
SCALE_2_OXYGEN = [
    *spread(("0-83", 3), ("84-85", 2), ("86-87", 1), ("88-92", 0), ("93-94", 1), ("95-96", 2), ("97-100", 3))
]
SYSTOLIC = [*spread(("0-90", 3), ("91-100", 2), ("101-110", 1), ("111-219", 0), ("220-300", 3))]
PULSE = [*spread(("0-40", 3), ("41-50", 1), ("51-90", 0), ("91-110", 1), ("111-130", 2), ("131-300", 3))]
TENTHS = [*spread(("130-350", 3), ("351-360", 1), ("361-380", 0), ("381-390", 1), ("391-430", 2))]


def test_respiration_scores_as_printed():
    assert [point("respiration", respiration=value) for value, _ in RESPIRATION] == [
        points for _, points in RESPIRATION
    ]


@pytest.mark.parametrize("on_oxygen", [True, False])
def test_saturation_on_scale_1_scores_as_printed_with_and_without_oxygen(on_oxygen):
    for value, points in SCALE_1:
        assert point("spo2", spo2=value, on_oxygen=on_oxygen) == points, value


def test_saturation_on_scale_2_scores_as_printed_on_air():
    for value, points in SCALE_2_AIR:
        assert point("spo2", spo2=value, spo2_scale=2, on_oxygen=False) == points, value


def test_saturation_on_scale_2_scores_as_printed_on_oxygen():
    for value, points in SCALE_2_OXYGEN:
        assert point("spo2", spo2=value, spo2_scale=2, on_oxygen=True) == points, value


def test_systolic_pressure_scores_as_printed():
    assert [point("systolic", systolic=value) for value, _ in SYSTOLIC] == [points for _, points in SYSTOLIC]


def test_pulse_scores_as_printed():
    assert [point("pulse", pulse=value) for value, _ in PULSE] == [points for _, points in PULSE]


@pytest.mark.parametrize("kind", [float, Decimal])
def test_temperature_scores_as_printed_tenth_by_tenth(kind):
    for tenths, points in TENTHS:
        assert point("temperature", temperature=kind(f"{tenths / 10:.1f}")) == points, tenths


def test_only_an_alert_patient_scores_nothing_for_consciousness():
    levels = ["alert", "confusion", "voice", "pain", "unresponsive"]
    assert [point("consciousness", consciousness=level) for level in levels] == [0, 3, 3, 3, 3]


def test_oxygen_scores_two_and_air_nothing():
    assert point("oxygen", on_oxygen=True) == 2
    assert point("oxygen", on_oxygen=False) == 0


@pytest.mark.parametrize(
    ("value", "points"), [(35.04, 3), (35.05, 3), (36.05, 1), (38.05, 1), (39.05, 2), (39.0999, 2)]
)
def test_a_value_between_two_printed_rows_counts_as_the_worse(value, points):
    assert point("temperature", temperature=value) == points


def test_a_value_that_is_no_number_is_never_given_points():
    with pytest.raises(ValueError, match="not a number"):
        news2.points_of(news2.PULSE, float("nan"))


@pytest.mark.parametrize(
    ("vitals", "total", "band", "suggests"),
    [
        (NORMAL, 0, "low", None),
        (replace(NORMAL, respiration=22, pulse=95), 3, "low", None),
        (replace(NORMAL, respiration=22, spo2=93), 4, "low", None),
        (replace(NORMAL, systolic=90), 3, "single3", Urgency.YELLOW),
        (replace(NORMAL, systolic=90, pulse=95), 4, "single3", Urgency.YELLOW),
        (replace(NORMAL, respiration=22, spo2=93, pulse=95), 5, "medium", Urgency.YELLOW),
        (replace(NORMAL, systolic=90, spo2=93), 5, "medium", Urgency.YELLOW),
        (replace(NORMAL, systolic=90, spo2=93, pulse=95), 6, "medium", Urgency.YELLOW),
        (replace(NORMAL, systolic=90, spo2=93, on_oxygen=True), 7, "high", Urgency.ORANGE),
        # The chest pain of the request form: 22/min, 93 % on 3 l, 94/60, 52/min, alert, 36.6 °C.
        (
            Set(respiration=22, spo2=93, on_oxygen=True, systolic=94, pulse=52, temperature=36.6),
            8,
            "high",
            Urgency.ORANGE,
        ),
        (Set(3, 80, 1, True, 70, 150, "unresponsive", 34.0), 20, "high", Urgency.ORANGE),
    ],
)
def test_totals_and_bands_follow_the_chart(vitals, total, band, suggests):
    result = score(vitals)
    assert (result.state, result.total, result.band, result.suggests) == ("complete", total, band, suggests)


def test_a_low_score_suggests_nothing_because_it_does_not_exclude_serious_illness():
    assert score(NORMAL).suggests is None


NAMES = {
    "respiration": "respiration",
    "spo2": "spo2",
    "oxygen": "on_oxygen",
    "systolic": "systolic",
    "pulse": "pulse",
    "consciousness": "consciousness",
    "temperature": "temperature",
}


@pytest.mark.parametrize("part", news2.PARTS)
def test_any_missing_value_makes_the_score_incomplete_and_never_zero(part):
    result = score(replace(NORMAL, **{NAMES[part]: None}))
    assert (result.state, result.total, result.band, result.missing) == ("incomplete", None, None, (part,))
    assert result.parts[part] is None


def test_an_incomplete_set_that_is_already_bad_enough_still_suggests():
    result = score(replace(NORMAL, temperature=None, systolic=80, respiration=30, spo2=85))
    assert (result.total, result.band, result.suggests) == (None, None, Urgency.ORANGE)


def test_on_scale_2_a_high_saturation_means_nothing_until_oxygen_is_known():
    unknown = score(Set(spo2=97, spo2_scale=2, on_oxygen=None))
    assert unknown.parts["spo2"] is None
    assert unknown.missing == ("oxygen",)
    assert score(Set(spo2=85, spo2_scale=2, on_oxygen=None)).parts["spo2"] == 2


def test_the_scale_used_is_recorded():
    assert [score(replace(NORMAL, spo2_scale=scale)).scale for scale in (1, 2, None)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("age", "sex", "pregnancy", "why"),
    [
        (15, "male", "none", "under_16"),
        (0, "unknown", "not_asked", "under_16"),
        (15, "female", "value", "under_16"),
        (30, "female", "value", "pregnant"),
        (None, "female", "value", "pregnant"),
        (60, "female", "value", "pregnant"),
        (None, "male", "not_asked", "age_unknown"),
        (None, "female", "none", "age_unknown"),
        (16, "female", "not_asked", "pregnancy_unknown"),
        (55, "female", "unknown", "pregnancy_unknown"),
        (40, "unknown", "not_asked", None),
        (40, "other", "not_asked", None),
        (40, "unknown", "unknown", "pregnancy_unknown"),
        (16, "male", "not_asked", None),
        (40, "male", "unknown", None),
        (56, "female", "not_asked", None),
        (70, "unknown", "not_asked", None),
        (30, "female", "none", None),
    ],
)
def test_there_is_no_score_for_a_child_in_pregnancy_or_when_unknown(age, sex, pregnancy, why):
    result = score(NORMAL, age, sex, pregnancy)
    assert result.why_not == why
    assert result.state == ("not_applicable" if why else "complete")
    if why:
        assert (result.total, result.band, result.suggests, result.missing) == (None, None, None, ())
        assert set(result.parts) == set(news2.PARTS)
        assert set(result.parts.values()) == {None}


@pytest.mark.parametrize(
    ("suggested", "urgency", "raises"),
    [
        (Urgency.ORANGE, Urgency.RED, False),
        (Urgency.ORANGE, Urgency.ORANGE, False),
        (Urgency.ORANGE, Urgency.YELLOW, True),
        (Urgency.YELLOW, Urgency.GREEN, True),
        (Urgency.YELLOW, Urgency.ORANGE, False),
        (None, Urgency.GREEN, False),
    ],
)
def test_a_suggestion_only_ever_raises(suggested, urgency, raises):
    assert news2.raises(suggested, urgency) is raises


@pytest.mark.parametrize(
    ("before", "total", "prompts"),
    [(None, 7, True), (7, 7, True), (0, 3, True), (0, 2, False), (6, 4, False), (None, 6, False), (5, None, False)],
)
def test_seven_or_a_rise_of_three_prompts_a_second_look_at_the_urgency(before, total, prompts):
    assert news2.prompts_raise(before, total) is prompts


def test_a_score_is_read_as_plain_json():
    assert score(replace(NORMAL, systolic=90, temperature=None)).as_read() == {
        "total": None,
        "state": "incomplete",
        "band": None,
        "parts": {
            "respiration": 0,
            "spo2": 0,
            "oxygen": 0,
            "systolic": 3,
            "pulse": 0,
            "consciousness": 0,
            "temperature": None,
        },
        "missing": ["temperature"],
        "scale": 1,
        "suggests": "yellow",
        "why_not": None,
    }


SETS = st.builds(
    Set,
    st.none() | st.integers(0, 120),
    st.none() | st.integers(0, 100),
    st.sampled_from([1, 2]),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 300),
    st.none() | st.integers(0, 300),
    st.none() | st.sampled_from(sorted(news2.CONSCIOUSNESS)),
    st.none() | st.floats(13, 43),
)
_RANK = {None: 4} | {urgency: urgency.rank for urgency in Urgency}


@given(SETS, st.integers(16, 110))
def test_filling_in_a_missing_value_never_makes_the_suggestion_milder(vitals, age):
    before = score(vitals, age)
    for part in before.missing:
        name = NAMES[part]
        after = score(replace(vitals, **{name: getattr(NORMAL, name)}), age)
        assert _RANK[after.suggests] <= _RANK[before.suggests]


@given(SETS)
def test_a_total_is_the_sum_of_seven_known_parts_or_nothing(vitals):
    result = score(vitals)
    if result.state == "complete":
        assert result.total == sum(result.parts.values())
        assert not result.missing
    else:
        assert result.total is None
        assert result.missing
