"""The bodies of what doctors ask of their own duty: swaps, leave, feeds."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas import examples
from app.schemas.body import Body, Complaint
from app.schemas.directory import RotaRole
from app.schemas.rota import SpanIn
from app.schemas.text import Line

LONGEST_LEAVE: Final = timedelta(days=400)
LONGEST_EXCHANGE: Final = timedelta(days=31)


class ReturnIn(SpanIn):
    """A duty of the taker that the giver takes in exchange."""


class SwapIn(SpanIn):
    """Part or all of one coming duty of one's own, offered to colleagues; with `return`, an exchange."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "role": "primary",
                    "from": "2026-11-27T01:00:00Z",
                    "to": "2026-11-28T01:00:00Z",
                    "return": {"from": "2026-11-29T01:00:00Z", "to": "2026-11-30T01:00:00Z"},
                    "note": "Con ốm",
                }
            ]
        }
    )

    role: RotaRole
    returns: ReturnIn | None = Field(None, alias="return", description="In the same role of the same rota")
    desk: UUID | None = Field(None, description="Needed when one has this role at several desks at that time")
    hospital: UUID | None = Field(None, description="Instead of a desk: of the hospital's own rota")
    note: Line = ""

    def _complaints(self) -> Iterator[Complaint]:
        yield from super()._complaints()
        if self.desk is not None and self.hospital is not None:
            yield Complaint(("desk",), "one_of", {"fields": "desk, hospital"})
        if self.returns is not None and self.returns.start < self.end and self.start < self.returns.end:
            yield Complaint(("return", "from"), "exchange_overlaps")
        if self.returns is not None and self.returns.end - self.returns.start > LONGEST_EXCHANGE:
            yield Complaint(("return", "to"), "too_long_a_time", {"days": LONGEST_EXCHANGE.days})


class LeaveIn(SpanIn):
    """Absence that is asked for; a start in the past means from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"from": "2026-12-01T00:00:00+07:00", "to": "2026-12-08T00:00:00+07:00", "reason": "Nghỉ phép năm"}
            ]
        }
    )

    reason: Line = ""

    def _complaints(self) -> Iterator[Complaint]:
        yield from super()._complaints()
        if self.end - self.start > LONGEST_LEAVE:
            yield Complaint(("to",), "too_long_a_time", {"days": LONGEST_LEAVE.days})


class LeaveDecisionIn(Body):
    """Yes or no."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"approve": True}]})

    approve: bool
    reason: Line = ""


class FeedIn(Body):
    """What the calendar shows: a desk, a hospital's own rota, or (nothing named) one's own duty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"desk": examples.DESK_ID}]})

    desk: UUID | None = None
    hospital: UUID | None = None
