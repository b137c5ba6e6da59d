"""The patient of a request: as little as is known, nothing that contradicts itself."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.models import clinical
from app.models.clinical import WEIGHT, Doubt
from app.schemas.body import Body, Complaint, refuse
from app.schemas.numbers import in_range, number_schema, read_number, reads, rounded, whole
from app.schemas.text import Label, needed, safe
from app.schemas.times import CalendarDate

Sex: TypeAlias = Literal["male", "female", "other", "unknown"]
System: TypeAlias = Literal["cccd", "cmnd", "bhyt", "passport", "temporary", "other"]

# Formats in use; numbers that differ are doubted, never refused, because cards are old, foreign and badly lit.
_FORMATS: Final = {
    "cccd": re.compile(r"[0-9]{12}"),
    "cmnd": re.compile(r"[0-9]{9}"),
    "bhyt": re.compile(r"[A-Z]{2}[0-9]{13}|[0-9]{10}"),
    "passport": re.compile(r"[A-Z0-9]{6,9}"),
}
_YEARS: Final = whole(0, clinical.OLDEST_YEARS, 58)
_MONTHS: Final = whole(0, clinical.CHILD_BELOW_YEARS * 12 - 1, 15)


def _read_weight(value: Any) -> int | float | None:
    """Refuse grams in their own words: a newborn of 3500 is 3.5 kg."""
    number = read_number(value)
    if number is not None and clinical.GRAMS[0] < number <= clinical.GRAMS[1]:
        raise PydanticCustomError(
            "weight_grams", "This looks like grams; give kg", {"kilograms": rounded(number / 1000, 2)}
        )
    return in_range(value, WEIGHT)


Weight: TypeAlias = Annotated[float | None, BeforeValidator(_read_weight), number_schema(WEIGHT)]
Years: TypeAlias = Annotated[int | None, reads(_YEARS), number_schema(_YEARS)]
Months: TypeAlias = Annotated[int | None, reads(_MONTHS), number_schema(_MONTHS)]
IdentifierValue: TypeAlias = Annotated[
    str,
    AfterValidator(lambda text: safe(text, limit=40, one_line=True)),
    AfterValidator(needed),
    Field(json_schema_extra={"minLength": 1, "maxLength": 40}),
]


class IdentifierIn(Body):
    """A number that stands for the patient somewhere else. None is required in an emergency."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"system": "bhyt", "value": "DN4141234567890"}]})

    system: System = Field(
        description="cccd (12 digits), cmnd (9, old), bhyt (15 characters or the last 10), passport, temporary, other"
    )
    value: IdentifierValue = Field(description="As printed; an unusual format is accepted with a warning")

    def doubts(self) -> Iterator[Doubt]:
        """Name a format that the system does not use."""
        expected = _FORMATS.get(self.system)
        if expected and not expected.fullmatch(re.sub(r"[\s.-]", "", self.value).upper()):
            yield Doubt("value", f"identifier_{self.system}")


class PatientFields(Body):
    """What both a request and a correction may say about the patient."""

    sex: Sex | None = None
    birth_date: CalendarDate | None = Field(None, description="Birth date, 1968-05-17; or give `age_years`")
    age_years: Years = Field(None, description="Age in completed years, when the birth date is not known")
    age_months: Months = Field(
        None, description="For a child: the whole age in completed months (1 year 3 months is 15)"
    )
    weight_kg: Weight = Field(None, description="Weight, kg, to 10 g; required under 16 years unless red")
    identifiers: list[IdentifierIn] | None = Field(None, max_length=10, description="All that are known")

    @model_validator(mode="after")
    def _ages_agree(self) -> Self:
        disagreement = clinical.ages_disagree(
            birth_date=None, years=self.age_years, months=self.age_months, on=date.min
        )
        if disagreement:
            field, ctx = disagreement
            refuse(type(self).__name__, [Complaint((field,), "age_months_disagree", ctx)])
        return self

    def complaints(self, now: datetime) -> Iterator[Complaint]:
        """Name what cannot be, seen from now: a birth to come, too long ago, or not the age given beside it."""
        if self.birth_date is None:
            return
        today = clinical.ward_day(now)
        if self.birth_date > today:
            yield Complaint(("birth_date",), "born_in_future")
        elif clinical.age_on(self.birth_date, today).years > clinical.OLDEST_YEARS:
            yield Complaint(("birth_date",), "born_too_long_ago", {"years": clinical.OLDEST_YEARS})
        elif disagreement := clinical.ages_disagree(
            birth_date=self.birth_date, years=self.age_years, months=self.age_months, on=today
        ):
            field, ctx = disagreement
            yield Complaint((field,), "age_disagrees", ctx)

    def doubts(self) -> Iterator[Doubt]:
        """Name what is accepted but worth a second look."""
        for place, identifier in enumerate(self.identifiers or ()):
            for doubt in identifier.doubts():
                yield doubt.under(f"identifiers.{place}")
        if self.weight_kg is not None and not WEIGHT.usual_low <= self.weight_kg <= WEIGHT.usual_high:
            yield Doubt("weight_kg", "unusual", {"low": WEIGHT.usual_low, "high": WEIGHT.usual_high})

    def years(self, now: datetime) -> int | None:
        """The age in completed years, or None when nothing says it."""
        return clinical.age_years(
            birth_date=self.birth_date,
            years=self.age_years,
            months=self.age_months,
            on=clinical.ward_day(now),
        )


EXAMPLE: dict[str, Any] = {
    "label": "MC-017",
    "sex": "male",
    "age_years": 58,
    "weight_kg": 64,
    "identifiers": [{"system": "bhyt", "value": "DN4141234567890"}],
}


class PatientIn(PatientFields):
    """The patient as the requesting doctor knows them. Only the label is needed, and in a red alert not even that."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    label: Label = Field("", description="Name, or a temporary code; generated for a red alert without one")
    sex: Sex = Field("unknown", description="Sex; unknown when nobody has said")
    identifiers: list[IdentifierIn] = Field(default_factory=list, max_length=10)


class PatientPatch(PatientFields):
    """What is corrected or completed later; what is left out stays as it is.

    That a new age agrees with a birth date given earlier is for the service to see, with `clinical.ages_disagree`.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"weight_kg": 64, "age_years": 58}]})

    label: Annotated[Label, AfterValidator(needed)] | None = Field(None, description="Name, or a temporary code")
