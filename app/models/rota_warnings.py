"""What is worth thinking about before a rota is published. None of it blocks: at night any duty is better than none.

Rest between duties and the length of a duty are counted over all rotas of a doctor. A red team is called in, so being
on its list is no duty that needs rest.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from app.models.rota_rules import DESK_ROLES, Gap, Layer, Leave, Slot
from app.models.spans import Span, Spans, common, tidy

LONGEST_PRIMARY: Final = timedelta(hours=24)
CALLED_IN: Final = frozenset({"red_team"})


class Doubt(NamedTuple):
    """One thing to think about; two with the same fields are the same thing."""

    code: str
    doctor: UUID | None = None
    role: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    hours: float | None = None
    """How much rest there is, or how long the duty is."""
    place: str | None = None
    """The other desk, or the layer."""


class Elsewhere(NamedTuple):
    """A slot of another rota, by the name of its desk."""

    slot: Slot
    place: str


def find(  # noqa: PLR0913  # what a rota is judged by
    slots: Sequence[Slot],
    elsewhere: Iterable[Elsewhere],
    gaps: Iterable[Gap],
    layers: Iterable[tuple[str, Layer]],
    leaves: Iterable[Leave],
    *,
    required_roles: Collection[str],
    rest_hours: int,
    licensed: Collection[UUID],
    eligible: Mapping[UUID, Collection[str]],
) -> list[Doubt]:
    """Everything worth thinking about in the slots of one rota, by code and time."""
    others: dict[UUID, list[Elsewhere]] = defaultdict(list)
    for other in elsewhere:
        others[other.slot.doctor].append(other)
    own: dict[UUID, list[Slot]] = defaultdict(list)
    for slot in slots:
        own[slot.doctor].append(slot)
    away: dict[UUID, list[Span]] = defaultdict(list)
    for leave in leaves:
        away[leave.doctor].append((leave.start, leave.end))
    found = [Doubt("gap", role=gap.role, start=gap.start, end=gap.end) for gap in gaps]
    if not required_roles:
        found.append(Doubt("no_required_roles"))
    for doctor, here in own.items():
        there = others[doctor]
        everywhere = [*here, *(other.slot for other in there)]
        found += _short_rests(doctor, everywhere, timedelta(hours=rest_hours))
        found += _long_duties(doctor, everywhere)
        found += _at_two_desks(doctor, here, there)
        found += _on_leave(doctor, here, tidy(away[doctor]))
        if doctor not in licensed and any(slot.role in DESK_ROLES for slot in here):
            found.append(Doubt("licence_missing", doctor))
    return sorted([*found, *_of_layers(layers, eligible)], key=_order)


def _order(warning: Doubt) -> tuple[str, float, str, str]:
    start = warning.start.timestamp() if warning.start else 0.0
    return warning.code, start, warning.role or "", str(warning.doctor or "")


def _short_rests(doctor: UUID, slots: Iterable[Slot], least: timedelta) -> Iterable[Doubt]:
    """Rest between the end of one duty and the start of the next; duties that overlap or go on are one."""
    worked = sorted((slot for slot in slots if slot.role not in CALLED_IN), key=lambda slot: (slot.start, slot.end))
    spans = tidy((slot.start, slot.end) for slot in worked)
    roles = {slot.start: slot.role for slot in reversed(worked)}
    for (_, end), (start, _) in pairwise(spans):
        if start - end < least:
            hours = (start - end) / timedelta(hours=1)
            yield Doubt("rest", doctor, roles[start], end, start, round(hours, 2))


def _long_duties(doctor: UUID, slots: Iterable[Slot]) -> Iterable[Doubt]:
    for start, end in tidy((slot.start, slot.end) for slot in slots if slot.role == "primary"):
        if end - start > LONGEST_PRIMARY:
            yield Doubt("long_duty", doctor, "primary", start, end, round((end - start) / timedelta(hours=1), 2))


def _at_two_desks(doctor: UUID, here: Iterable[Slot], there: Sequence[Elsewhere]) -> Iterable[Doubt]:
    for slot in here:
        for other in there:
            start, end = max(slot.start, other.slot.start), min(slot.end, other.slot.end)
            if start < end:
                yield Doubt("two_desks", doctor, slot.role, start, end, place=other.place)


def _on_leave(doctor: UUID, here: Iterable[Slot], away: Spans) -> Iterable[Doubt]:
    """What stands above leave: an override or a temporary rota has put somebody on who is away."""
    for slot in here:
        for start, end in common([(slot.start, slot.end)], away):
            yield Doubt("on_leave", doctor, slot.role, start, end)


def _of_layers(layers: Iterable[tuple[str, Layer]], eligible: Mapping[UUID, Collection[str]]) -> Iterable[Doubt]:
    for name, layer in layers:
        people = {doctor for turn in layer.turns for doctor in turn}
        if not people:
            yield Doubt("empty_layer", role=layer.role, place=name)
        for doctor in sorted(people):
            if layer.role not in eligible.get(doctor, ()):
                yield Doubt("not_eligible", doctor, layer.role)
