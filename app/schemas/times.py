"""Instants and dates as they come in. An instant without its zone is refused."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)(Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_instant(value: Any) -> datetime:
    """Read an ISO 8601 date and time with a zone, and return it in UTC.

    Raises PydanticCustomError time_form (not such a text, or no such day or hour) or time_zone (no zone).
    """
    if isinstance(value, datetime):
        instant = value
    elif isinstance(value, str) and (found := _INSTANT.fullmatch(value.strip())):
        day, clock, zone = found.groups()
        try:
            instant = datetime.fromisoformat(f"{day}T{clock}{(zone or '').upper()}")
        except ValueError:
            raise PydanticCustomError("time_form", "A date and time with a zone is needed") from None
    else:
        raise PydanticCustomError("time_form", "A date and time with a zone is needed")
    if instant.tzinfo is None:
        raise PydanticCustomError("time_zone", "The time zone is missing")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time_form", "A date and time with a zone is needed") from None


def read_date(value: Any) -> date:
    """Read a calendar date written 1968-05-17; raises PydanticCustomError date_form.

    17/05/1968 is refused, because 05/06/1968 could be read two ways.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise PydanticCustomError("date_form", "A date as 1968-05-17 is needed")


Instant: TypeAlias = Annotated[
    datetime, BeforeValidator(read_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
CalendarDate: TypeAlias = Annotated[
    date, BeforeValidator(read_date), WithJsonSchema({"type": "string", "format": "date"})
]
