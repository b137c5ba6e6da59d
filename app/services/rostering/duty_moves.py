"""Whose future duty a change moves, and telling them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.identifiers import new_id
from app.models.rota_rules import Slot
from app.models.spans import Span, minus, tidy
from app.services.facts.events import record_about
from app.services.outside import notices
from app.services.outside.notices import Announcement
from app.services.rostering.rotas import Owner
from app.work import Work

Json = dict[str, Any]
MOST_TOLD: Final = 200
"""How many differences a fact lists; the documents before and after stand beside them and say the rest."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a change does to the duty of one rota."""

    schedule_id: UUID
    owner: Owner
    added: list[Slot]
    removed: list[Slot]

    @property
    def people(self) -> set[UUID]:
        """Whose duty it moves."""
        return {slot.doctor for slot in (*self.added, *self.removed)}


def difference(before: Iterable[Slot], after: Iterable[Slot]) -> tuple[list[Slot], list[Slot]]:
    """The duty that is added and the duty that is removed, whatever pieces it is cut into."""
    old, new = _covered(before), _covered(after)
    return _left(new, old), _left(old, new)


def _covered(slots: Iterable[Slot]) -> dict[tuple[UUID, str], list[Span]]:
    found: dict[tuple[UUID, str], list[Span]] = defaultdict(list)
    for slot in slots:
        found[slot.doctor, slot.role].append((slot.start, slot.end))
    return {key: tidy(spans) for key, spans in found.items()}


def _left(here: dict[tuple[UUID, str], list[Span]], there: dict[tuple[UUID, str], list[Span]]) -> list[Slot]:
    left = [Slot(*key, *span) for key, spans in here.items() for span in minus(spans, there.get(key, []))]
    return sorted(left, key=lambda slot: (slot.start, slot.role, slot.doctor))


async def tell(work: Work, moves: Sequence[Move], facts: Iterable[tuple[str, str, Json]] = ()) -> None:
    """Record what moved, and the `facts` about why; then tell everybody whose duty it is."""
    await record(work, [*facts, *facts_of(work, moves)])
    await notify(work, moves)


async def record(work: Work, facts: Iterable[tuple[str, str, Json]]) -> None:
    """Record facts about duty, their chains taken in the order of their names so that nobody deadlocks."""
    for chain, event_type, data in sorted(facts, key=lambda fact: fact[0]):
        await record_about(work, chain, event_type, data)


def facts_of(work: Work, moves: Sequence[Move]) -> list[tuple[str, str, Json]]:
    """One fact for each doctor and rota, in the doctor's own chain."""
    found = []
    for move in moves:
        for doctor in move.people:
            data = {
                "schedule": move.schedule_id,
                **move.owner.called,
                "doctor": doctor,
                "added": _short(slot for slot in move.added if slot.doctor == doctor),
                "removed": _short(slot for slot in move.removed if slot.doctor == doctor),
                "at": work.now,
            }
            found.append((f"user:{doctor}", "duty.moved", data))
    return found


async def notify(work: Work, moves: Sequence[Move]) -> None:
    """Tell everybody whose duty moved on their channels, but for who did it."""
    for move in moves:
        for doctor in sorted(move.people - ({work.actor.id} if work.actor else set())):
            key = f"moved:{new_id(work.now)}"
            await notices.tell(work, [doctor], Announcement("duty", key, key, words_of(move, doctor)))


def words_of(move: Move, doctor: UUID) -> Json:
    """What a notice says of it: the first duty that somebody gets, or, where they only lose some, the first of that."""
    added = [slot for slot in move.added if slot.doctor == doctor]
    removed = [slot for slot in move.removed if slot.doctor == doctor]
    first = min(added or removed, key=lambda slot: slot.start)
    return {
        "what": "removed" if not added else "moved" if removed else "added",
        "desk_name": move.owner.name,
        "role": first.role,
        "from": first.start,
        "to": first.end,
        "more": len(added) + len(removed) - 1 or None,
    }


def _short(slots: Iterable[Slot]) -> list[Json]:
    return [{"role": slot.role, "from": slot.start, "to": slot.end} for slot in slots][:MOST_TOLD]
