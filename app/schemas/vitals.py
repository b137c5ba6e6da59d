"""Vital signs: a set as it is taken, and as it is read back with its NEWS2."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeAlias
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from app.models import clinical
from app.models.clinical import VITALS, Doubt
from app.schemas.body import Body, Complaint, refuse
from app.schemas.numbers import in_range, number_schema, read_number, rounded, whole
from app.schemas.times import Instant

MEASURED = ("pulse", "systolic", "diastolic", "respiration", "temperature", "spo2", "on_oxygen", "oxygen_l_min")
VALUES = (*MEASURED, "consciousness")


def _measured(name: str) -> BeforeValidator:
    limits = VITALS[name]

    def read(value: Any) -> int | float | None:
        return in_range(value, limits)

    return BeforeValidator(read)


def _read_temperature(value: Any) -> float | None:
    """Refuse °F in its own words, with the same temperature in °C where there is one."""
    number = read_number(value)
    if number is None:
        return None
    degrees = float(number)
    if clinical.FAHRENHEIT_ABOVE < degrees <= clinical.FAHRENHEIT_TO:
        converted = clinical.celsius(degrees)
        raise PydanticCustomError(
            "temperature_fahrenheit",
            "This looks like Fahrenheit; give °C",
            {"celsius": converted if VITALS["temperature"].possible(converted) else None},
        )
    return in_range(value, VITALS["temperature"])


def _read_systolic(value: Any) -> int | float | None:
    """Refuse cmHg in its own words: 12 is a systolic pressure of 120 mmHg."""
    number = read_number(value)
    if number is not None and number in clinical.CENTIMETRES_OF_MERCURY:
        raise PydanticCustomError(
            "pressure_cmhg", "This looks like cmHg; give mmHg", {"mmhg": int(rounded(number, 0)) * 10}
        )
    return in_range(value, VITALS["systolic"])


_SCALE = whole(1, 2, 1)

Pulse: TypeAlias = Annotated[int | None, _measured("pulse"), number_schema(VITALS["pulse"])]
Systolic: TypeAlias = Annotated[int | None, BeforeValidator(_read_systolic), number_schema(VITALS["systolic"])]
Diastolic: TypeAlias = Annotated[int | None, _measured("diastolic"), number_schema(VITALS["diastolic"])]
Respiration: TypeAlias = Annotated[int | None, _measured("respiration"), number_schema(VITALS["respiration"])]
Temperature: TypeAlias = Annotated[
    float | None, BeforeValidator(_read_temperature), number_schema(VITALS["temperature"])
]
Spo2: TypeAlias = Annotated[int | None, _measured("spo2"), number_schema(VITALS["spo2"])]
OxygenFlow: TypeAlias = Annotated[float | None, _measured("oxygen_l_min"), number_schema(VITALS["oxygen_l_min"])]
Spo2Scale: TypeAlias = Annotated[
    Literal[1, 2],
    BeforeValidator(lambda value: in_range(value, _SCALE) or 1),
    WithJsonSchema({"type": "integer", "enum": [1, 2]}),
]
Consciousness: TypeAlias = Literal["alert", "confusion", "voice", "pain", "unresponsive"]

EXAMPLE: dict[str, Any] = {
    "taken_at": "2026-11-24T03:02:00+07:00",
    "pulse": 52,
    "systolic": 94,
    "diastolic": 60,
    "respiration": 22,
    "temperature": 36.6,
    "spo2": 93,
    "spo2_scale": 1,
    "on_oxygen": True,
    "oxygen_l_min": 3,
    "consciousness": "alert",
}


class VitalsIn(Body):
    """One set of vital signs, taken at one time. What was not measured is left out: missing is never zero or normal."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    taken_at: Instant = Field(description="When the set was taken, ISO 8601 with its zone; not when it was typed")
    pulse: Pulse = Field(None, description="Pulse, beats/min")
    systolic: Systolic = Field(None, description="Systolic blood pressure, mmHg")
    diastolic: Diastolic = Field(None, description="Diastolic blood pressure, mmHg; below the systolic")
    respiration: Respiration = Field(None, description="Respiratory rate, breaths/min")
    temperature: Temperature = Field(None, description="Body temperature, °C, to a tenth")
    spo2: Spo2 = Field(None, description="Oxygen saturation, %")
    spo2_scale: Spo2Scale = Field(
        1, description="NEWS2 scale for SpO2: 2 only in confirmed hypercapnic respiratory failure, otherwise 1"
    )
    on_oxygen: StrictBool | None = Field(None, description="Breathing supplemental oxygen (true) or air (false)")
    oxygen_l_min: OxygenFlow = Field(None, description="Oxygen flow, l/min")
    consciousness: Consciousness | None = Field(
        None, description="ACVPU: alert, confusion (new), responds to voice, to pain, unresponsive"
    )

    @model_validator(mode="after")
    def _one_plausible_set(self) -> Self:
        """Refuse an empty set and values that contradict each other; a flow of oxygen says that oxygen is given."""
        refuse("VitalsIn", self._contradictions())
        if self.on_oxygen is None and self.oxygen_l_min:
            self.on_oxygen = True
        return self

    def _contradictions(self) -> Iterator[Complaint]:
        if all(getattr(self, name) is None for name in VALUES):
            yield Complaint((), "vitals_empty")
        # No output at all is written 0/0; otherwise the upper pressure is above the lower one.
        if self.systolic is not None and self.diastolic and self.diastolic >= self.systolic:
            yield Complaint(("diastolic",), "diastolic_not_below", {"systolic": self.systolic})
        if self.on_oxygen is False and self.oxygen_l_min:
            yield Complaint(("oxygen_l_min",), "oxygen_on_air", {"flow": self.oxygen_l_min})

    def check(self, now: datetime) -> None:
        """Refuse a set that was not taken yet, or so long ago that the date must be a slip. Raises ValidationError.

        To be called by whoever knows the time, before anything is stored.
        """
        refuse("VitalsIn", self.complaints(now))

    def complaints(self, now: datetime) -> Iterator[Complaint]:
        """Name what cannot be, seen from now."""
        if self.taken_at > now + clinical.MAY_BE_AHEAD:
            yield Complaint(("taken_at",), "taken_in_future", {"now": now.isoformat()})
        elif now - self.taken_at > clinical.TAKEN_WITHIN:
            yield Complaint(("taken_at",), "taken_too_long_ago", {"days": clinical.TAKEN_WITHIN.days})

    def doubts(self, now: datetime) -> list[Doubt]:
        """Name what is accepted but worth a second look; `messages.warning` puts it into words."""
        doubts = list(clinical.doubtful(self.values()))
        if now - self.taken_at > clinical.LATELY:
            doubts.append(Doubt("taken_at", "taken_days_ago", {"days": (now - self.taken_at).days}))
        return doubts

    def values(self) -> dict[str, Any]:
        """Return what was measured, None where it was not; `spo2_scale` and `taken_at` are no measurements."""
        return {name: getattr(self, name) for name in VALUES}


class Warning(BaseModel):  # noqa: A001 - the contract's name for it; nothing here warns in Python's sense
    """A value that was accepted and should be looked at again."""

    field: str
    detail: str = Field(description="In Vietnamese")
    detail_en: str = Field(description="In English")


class News2Parts(BaseModel):
    """The points of each part; null where the value is missing or where NEWS2 does not apply."""

    respiration: int | None = None
    spo2: int | None = None
    oxygen: int | None = None
    systolic: int | None = None
    pulse: int | None = None
    consciousness: int | None = None
    temperature: int | None = None


class News2Read(BaseModel):
    """NEWS2 of one set. NEWS2 © Royal College of Physicians 2017. A low score does not exclude serious illness."""

    total: int | None = Field(description="Null unless complete: a missing value is not 0")
    state: Literal["complete", "incomplete", "not_applicable"]
    band: Literal["low", "single3", "medium", "high"] | None
    parts: News2Parts
    missing: list[str] = Field(description="Parts without a value")
    scale: Literal[1, 2] = Field(description="SpO2 scale used")
    suggests: Literal["red", "orange", "yellow"] | None = Field(
        description="At least this urgency; only ever a reason to raise. The doctor decides"
    )
    why_not: Literal["under_16", "pregnant", "age_unknown", "pregnancy_unknown"] | None


class VitalsRead(BaseModel):
    """One stored set: who recorded it and when, what was doubted, and its NEWS2."""

    id: UUID
    taken_at: datetime
    recorded_at: datetime
    recorded_by_name: str
    pulse: int | None
    systolic: int | None
    diastolic: int | None
    respiration: int | None
    temperature: float | None
    spo2: int | None
    spo2_scale: Literal[1, 2]
    on_oxygen: bool | None
    oxygen_l_min: float | None
    consciousness: Consciousness | None
    warnings: list[Warning]
    news2: News2Read
