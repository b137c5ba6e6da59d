"""When a gap is told again, and which of today's gaps are those that were known: pure, without a database.

A gap is found once. Where it still overlaps what was known it is the same gap, however it moved or shrank.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from app.models.rota_rules import Gap

AHEAD: Final = timedelta(days=14)
"""How far ahead gaps are looked for."""
FAR, NEAR, NOW = timedelta(days=1), timedelta(hours=6), timedelta(minutes=10)
SOON: Final = timedelta(hours=24)
"""From here on coordinators on duty are told too, every hour."""
COMING: Final = timedelta(days=3)


def told_every(start: datetime, now: datetime) -> timedelta:
    """How often the head of a rota is told of a gap that begins then: more often the nearer it is."""
    ahead = start - now
    if ahead <= timedelta():
        return NOW
    if ahead <= SOON:
        return timedelta(hours=1)
    return NEAR if ahead <= COMING else FAR


def next_telling(start: datetime, end: datetime, now: datetime) -> datetime:
    """When a gap that was told just now is told again: by its pace, when the pace changes, or when it is over."""
    changes = (start - COMING, start - SOON, start, end)
    return min(now + told_every(start, now), *(at for at in changes if at > now))


class Known(NamedTuple):
    """A gap that was found before and is not closed."""

    id: UUID
    role: str
    start: datetime
    end: datetime


@dataclass(slots=True)
class Comparison:
    """What became of the gaps of one rota."""

    kept: list[tuple[UUID, Gap]] = field(default_factory=list)
    """Known gaps, and where they lie now."""
    new: list[Gap] = field(default_factory=list)
    parts: list[tuple[UUID, Gap]] = field(default_factory=list)
    """Further pieces of a known gap that somebody filled in the middle: nothing new to tell."""
    filled: list[UUID] = field(default_factory=list)
    merged: list[UUID] = field(default_factory=list)
    """Known gaps that became part of another known one."""


def compare(known: Iterable[Known], found: Sequence[Gap]) -> Comparison:
    """Which found gaps are known ones, which are new, and which known ones are filled.

    The earliest known gap that overlaps a found one becomes it; what else overlaps is a part of it.
    """
    done = Comparison()
    left = sorted(known, key=lambda gap: (gap.start, gap.id))
    taken: dict[UUID, Known] = {}
    for gap in sorted(found, key=lambda gap: (gap.start, gap.role)):
        same = [k for k in left if _overlap(k, gap)]
        free = next((k for k in same if k.id not in taken), None)
        if free is not None:
            taken[free.id] = free
            done.kept.append((free.id, gap))
        elif same:
            done.parts.append((same[0].id, gap))
        else:
            done.new.append(gap)
    for k in left:
        if k.id not in taken:
            (done.merged if any(_overlap(k, gap) for gap in found) else done.filled).append(k.id)
    return done


def _overlap(known: Known, gap: Gap) -> bool:
    return known.role == gap.role and known.start < gap.end and gap.start < known.end
