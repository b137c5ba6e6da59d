"""Numbers as people write them: 36.6 and "36,6" are the same; "3.500" is asked about, never guessed."""

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.models.clinical import Range

# Longer than any number anyone measures; keeps hostile digits away from the parser.
_LONGEST: Final = 24
_PLAIN: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
# "3.500": three and a half, or three thousand five hundred? With a leading zero it can only be a decimal.
_AMBIGUOUS: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[., '][0-9]{3})+(?:[.,][0-9]+)?")


def read_number(value: Any) -> Decimal | None:
    """Read a JSON number, or a string with a decimal point or comma; None for an empty string.

    Raises PydanticCustomError number_type (true, a list, words, units), number_finite (NaN, infinity) or
    number_ambiguous (a separator that may mean thousands).
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise PydanticCustomError("number_type", "A number is needed")
    if isinstance(value, str):
        return _read_text(value.strip())
    if isinstance(value, int):
        # Nothing measured has more than 24 digits; only the fact that it is out of range matters.
        return Decimal(value) if abs(value) < 10**_LONGEST else Decimal(10**_LONGEST).copy_sign(value)
    if not math.isfinite(value):
        raise PydanticCustomError("number_finite", "A finite number is needed")
    return Decimal(str(value))


def _read_text(text: str) -> Decimal | None:
    if not text:
        return None
    if len(text) > _LONGEST:
        raise PydanticCustomError("number_type", "A number is needed")
    if _AMBIGUOUS.fullmatch(text) or (not _PLAIN.fullmatch(text) and _GROUPED.fullmatch(text)):
        raise PydanticCustomError("number_ambiguous", "This separator can mean decimals or thousands")
    if not _PLAIN.fullmatch(text):
        raise PydanticCustomError("number_type", "A number is needed")
    return Decimal(text.replace(",", "."))


def rounded(value: Decimal, decimals: int) -> int | float:
    """Round half up to the places in which the value is kept; a whole number stays an int.

    Raises PydanticCustomError number_whole when a whole number was wanted and this is none.
    """
    if decimals:
        return float(value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
    if value != value.to_integral_value():
        raise PydanticCustomError("number_whole", "A whole number is needed")
    return int(value)


def in_range(value: Any, limits: Range) -> int | float | None:
    """Read one measured value and refuse what cannot be; raises number_* errors or number_range with the range."""
    number = read_number(value)
    if number is None:
        return None
    if not limits.possible(float(number)):
        raise PydanticCustomError(
            "number_range",
            "Enter {low} to {high}, for example {example}",
            {"low": limits.low, "high": limits.high, "example": limits.example},
        )
    return rounded(number, limits.decimals)


def reads(limits: Range) -> BeforeValidator:
    """Make the validator of a field that is measured within limits."""

    def read(value: Any) -> int | float | None:
        return in_range(value, limits)

    return BeforeValidator(read)


def number_schema(limits: Range) -> WithJsonSchema:
    """Describe such a field in the OpenAPI document."""
    return WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "number" if limits.decimals else "integer",
                    "minimum": 0 if limits.zero else limits.low,
                    "maximum": limits.high,
                },
                {
                    "type": "string",
                    "pattern": r"^[0-9]+([.,][0-9]+)?$",
                    "description": "The same number as typed; the decimal separator may be a comma",
                },
                {"type": "null"},
            ]
        }
    )


def whole(low: int, high: int, example: int) -> Range:
    """A plain count: every whole number from low to high is as good as another."""
    return Range(low, high, low, high, example, "")
