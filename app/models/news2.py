"""NEWS2, the National Early Warning Score 2, as a table and the rule that reads it.

Source: Royal College of Physicians, *National Early Warning Score (NEWS) 2*, London 2017, charts 1 and 2. NEWS2 © Royal
College of Physicians 2017; reproduced unmodified, and wherever a score is shown that acknowledgement is shown with it.

The score may only raise concern. A missing value makes it *incomplete* and gives no total; there is none for children
under 16, in pregnancy, or where age or pregnancy is not known (the chart was made for adults who are not pregnant).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf
from typing import Any, Final, Literal, Protocol, TypeAlias

from app.models.urgency import Urgency

Points: TypeAlias = Literal[0, 1, 2, 3]
Scale: TypeAlias = Literal[1, 2]
State: TypeAlias = Literal["complete", "incomplete", "not_applicable"]
Band: TypeAlias = Literal["low", "single3", "medium", "high"]
WhyNot: TypeAlias = Literal["under_16", "pregnant", "age_unknown", "pregnancy_unknown"]
Rows: TypeAlias = tuple[tuple[float, float, Points], ...]

PARTS: Final = ("respiration", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature")

# Each row: lowest value, highest value, points; as printed, so that the page and the code can be laid side by side.
RESPIRATION: Final[Rows] = ((-inf, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, inf, 3))
SPO2_SCALE_1: Final[Rows] = ((-inf, 91, 3), (92, 93, 2), (94, 95, 1), (96, inf, 0))
SPO2_SCALE_2_AIR: Final[Rows] = ((-inf, 83, 3), (84, 85, 2), (86, 87, 1), (88, inf, 0))
SPO2_SCALE_2_OXYGEN: Final[Rows] = (
    (-inf, 83, 3),
    (84, 85, 2),
    (86, 87, 1),
    (88, 92, 0),
    (93, 94, 1),
    (95, 96, 2),
    (97, inf, 3),
)
SYSTOLIC: Final[Rows] = ((-inf, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, inf, 3))
PULSE: Final[Rows] = ((-inf, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, inf, 3))
TEMPERATURE: Final[Rows] = ((-inf, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, inf, 2))
ON_OXYGEN: Final[Mapping[bool, Points]] = {True: 2, False: 0}
CONSCIOUSNESS: Final[Mapping[str, Points]] = {
    "alert": 0,
    "confusion": 3,
    "voice": 3,
    "pain": 3,
    "unresponsive": 3,
}

MEDIUM_FROM: Final = 5
HIGH_FROM: Final = 7
ADULT_FROM_YEARS: Final = 16

# Women in whom "pregnant?" must be answered before there is a score. The ages are those at which radiology departments
# ask the same question before an exposure (12 to 55 years: guidance of the UK's Society and College of Radiographers to
# IR(ME)R 2017). Below 16 there is no score anyway; a man, or a woman of 70, is scored without the question.
MAY_BE_PREGNANT_YEARS: Final = range(12, 56)

# What a band asks for, in this house's urgencies: >= 7 emergency, 5-6 and any single 3 urgent (chart 2). Never green:
# a low score does not exclude serious illness. Never red either: a red alert is a doctor's call.
_SUGGESTS: Final[Mapping[Band, Urgency | None]] = {
    "high": Urgency.ORANGE,
    "medium": Urgency.YELLOW,
    "single3": Urgency.YELLOW,
    "low": None,
}

# A rise of this much, or a total of HIGH_FROM, prompts to raise the urgency of an open case.
_RISE: Final = 3


class VitalSet(Protocol):
    """One set of vital signs, taken at one time. NEWS2 is never put together from two sets."""

    @property
    def respiration(self) -> int | None:
        """Breaths a minute."""

    @property
    def spo2(self) -> int | None:
        """Oxygen saturation in per cent."""

    @property
    def spo2_scale(self) -> int | None:
        """2 only in confirmed hypercapnic respiratory failure (target 88-92 %); otherwise 1."""

    @property
    def on_oxygen(self) -> bool | None:
        """Whether supplemental oxygen is given; None when not recorded."""

    @property
    def systolic(self) -> int | None:
        """Systolic blood pressure in mmHg."""

    @property
    def pulse(self) -> int | None:
        """Beats a minute."""

    @property
    def consciousness(self) -> str | None:
        """alert, confusion (new), voice, pain or unresponsive."""

    @property
    def temperature(self) -> float | Decimal | None:
        """Degrees Celsius."""


@dataclass(frozen=True, slots=True)
class News2:
    """A score with everything that explains it; `as_read` is how it goes to clients and into facts."""

    state: State
    scale: Scale
    total: int | None = None
    band: Band | None = None
    parts: Mapping[str, Points | None] = field(default_factory=lambda: dict.fromkeys(PARTS))
    missing: tuple[str, ...] = ()
    suggests: Urgency | None = None
    why_not: WhyNot | None = None

    def as_read(self) -> dict[str, Any]:
        """Return the score as plain JSON values."""
        return {
            "total": self.total,
            "state": self.state,
            "band": self.band,
            "parts": dict(self.parts),
            "missing": list(self.missing),
            "scale": self.scale,
            "suggests": self.suggests.value if self.suggests else None,
            "why_not": self.why_not,
        }


def assess(vitals: VitalSet, *, age_years: int | None, sex: str, pregnancy: str) -> News2:
    """Score one set of vital signs.

    `age_years` is the age when the set was taken; `sex` male, female, other or unknown; `pregnancy` the state of that
    safety field: "value" means pregnant, "none" not pregnant, "unknown" and "not_asked" what they say.

    An incomplete set has no total and no band. It still suggests an urgency when the values that are there already
    reach a band: whatever is missing can only add to it.
    """
    scale: Scale = 2 if vitals.spo2_scale == 2 else 1
    why_not = not_applicable(age_years=age_years, sex=sex, pregnancy=pregnancy)
    if why_not:
        return News2(state="not_applicable", scale=scale, why_not=why_not)
    parts = _parts(vitals, scale)
    known = [points for points in parts.values() if points is not None]
    band = _band(known)
    missing = tuple(name for name in PARTS if not _given(vitals, name))
    if missing:
        return News2(state="incomplete", scale=scale, parts=parts, missing=missing, suggests=_SUGGESTS[band])
    return News2(state="complete", scale=scale, total=sum(known), band=band, parts=parts, suggests=_SUGGESTS[band])


def not_applicable(*, age_years: int | None, sex: str, pregnancy: str) -> WhyNot | None:
    """Say why this patient has no NEWS2, or None when it may be used.

    A woman of child-bearing age must have been asked whether she is pregnant. Where not even the sex was said, the
    score is given: it can only raise concern, and a hurried request at night must not lose it.
    """
    if age_years is not None and age_years < ADULT_FROM_YEARS:
        return "under_16"
    if pregnancy == "value":
        return "pregnant"
    if age_years is None:
        return "age_unknown"
    asked = pregnancy in ("none", "unknown")
    if age_years in MAY_BE_PREGNANT_YEARS and pregnancy != "none" and (sex == "female" or (asked and sex != "male")):
        return "pregnancy_unknown"
    return None


def raises(suggested: Urgency | None, urgency: Urgency) -> bool:
    """Whether a suggestion is more urgent than the case is now. There is no suggestion to lower."""
    return suggested is not None and suggested.rank < urgency.rank


def prompts_raise(before: int | None, total: int | None) -> bool:
    """Whether a new total asks for a second look at the urgency: 7 or more, or 3 more than the total before."""
    if total is None:
        return False
    return total >= HIGH_FROM or (before is not None and total - before >= _RISE)


def _parts(vitals: VitalSet, scale: Scale) -> dict[str, Points | None]:
    return {
        "respiration": points_of(RESPIRATION, vitals.respiration),
        "spo2": _spo2_points(vitals.spo2, scale, on_oxygen=vitals.on_oxygen),
        "oxygen": None if vitals.on_oxygen is None else ON_OXYGEN[vitals.on_oxygen],
        "systolic": points_of(SYSTOLIC, vitals.systolic),
        "pulse": points_of(PULSE, vitals.pulse),
        "consciousness": None if vitals.consciousness is None else CONSCIOUSNESS[vitals.consciousness],
        "temperature": points_of(TEMPERATURE, vitals.temperature),
    }


def _spo2_points(spo2: int | None, scale: Scale, *, on_oxygen: bool | None) -> Points | None:
    """On scale 2 a saturation of 93 % and more means nothing until it is known whether oxygen is given."""
    if scale == 1:
        return points_of(SPO2_SCALE_1, spo2)
    air, oxygen = points_of(SPO2_SCALE_2_AIR, spo2), points_of(SPO2_SCALE_2_OXYGEN, spo2)
    if on_oxygen is None:
        return air if air == oxygen else None
    return oxygen if on_oxygen else air


def points_of(rows: Rows, value: float | Decimal | None) -> Points | None:
    """Look a value up. One that falls between two printed rows counts as the worse of them."""
    if value is None:
        return None
    exact = float(value)
    above: Points = 0
    for low, high, points in rows:
        if exact < low:
            return max(above, points)
        if exact <= high:
            return points
        above = points
    raise ValueError(f"not a number: {value!r}")


def _given(vitals: VitalSet, part: str) -> bool:
    return getattr(vitals, "on_oxygen" if part == "oxygen" else part) is not None


def _band(points: list[Points]) -> Band:
    total = sum(points)
    if total >= HIGH_FROM:
        return "high"
    if total >= MEDIUM_FROM:
        return "medium"
    return "single3" if 3 in points else "low"
