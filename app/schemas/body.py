"""What every body that comes in has in common: unknown fields are refused, and null means not sent."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


class Body(BaseModel):
    """A JSON object sent by a client.

    A field that is null counts as not sent, everywhere but in `dry_run`: clients send whole forms, and an empty box
    says nothing. A name that the contract does not know is refused instead of ignored: what a doctor wrote must not
    vanish.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            return {name: value for name, value in data.items() if value is not None}
        return data


class Complaint(NamedTuple):
    """One thing wrong with one field, found after the fields were read one by one."""

    field: tuple[str | int, ...]
    type: str
    ctx: Mapping[str, Any] = MappingProxyType({})

    def under(self, *prefix: str | int) -> "Complaint":
        """The same complaint about a part of something larger."""
        return Complaint((*prefix, *self.field), self.type, self.ctx)


def refuse(title: str, complaints: Iterable[Complaint]) -> None:
    """Raise one ValidationError that carries every complaint under its own field; return when there are none."""
    errors = [
        InitErrorDetails(
            # What each type means in words stands in messages.py, in both languages.
            type=PydanticCustomError(complaint.type, "Refused: see the detail", dict(complaint.ctx)),
            loc=complaint.field,
            input=None,
        )
        for complaint in complaints
    ]
    if errors:
        raise ValidationError.from_exception_data(title, errors, hide_input=True)
