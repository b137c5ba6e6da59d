"""Working duty out anew after something that is no edit of a rota: a swap, a leave, holidays, a file."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from app.models.rota_rules import Gap, Holiday, Leave, Override, Shift, Swap, Temporary
from app.services.rostering.duty import HORIZON_DAYS, settle
from app.services.rostering.duty_moves import Move, difference
from app.services.rostering.duty_watch import after_compile
from app.services.rostering.rotas import Owner, Rota, read_rotas
from app.work import Work

_Part: TypeAlias = Override | Temporary | Holiday | Swap | Leave | Shift
FURTHEST: Final = timedelta(days=400)
"""Nobody is told of duty that is further ahead."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What it did to the duty of each rota."""

    moves: list[Move]
    gaps: list[tuple[Owner, Gap]]
    """Required roles that have nobody now and had somebody before."""


async def resettle(
    work: Work, schedule_ids: Collection[UUID], change: Callable[[list[Rota]], Awaitable[None]]
) -> Settled:
    """Lock these rotas, make the change, bring their slots into line with what they then say, and look for gaps."""
    before = await read_rotas(work, schedule_ids, lock=True)
    await change(before)
    await work.session.flush()
    after = await read_rotas(work, schedule_ids)
    settled = await compared(work, before, after)  # before anything else is locked: it takes seconds for a country
    await settle(work, after)
    await after_compile(work, [rota.schedule_id for rota in after])
    return settled


async def compared(work: Work, before: list[Rota], after: list[Rota]) -> Settled:
    """What a change does to the duty of rotas, these as they were and as they are, in the same order."""
    start, end = work.now, as_far_as(work.now, before, after)
    moves, opened = [], []
    for old, new in zip(before, after, strict=True):
        if replace(old, version=new.version, compiled_until=new.compiled_until) == new:
            continue
        was, is_ = await old.compiled_aside(start, end), await new.compiled_aside(start, end)
        added, removed = difference(was, is_)
        if added or removed:
            moves.append(Move(new.schedule_id, new.owner, added, removed))
        known = set(old.gaps_in(was, start, end))
        opened += [(new.owner, gap) for gap in new.gaps_in(is_, start, end) if gap not in known]
    return Settled(moves, opened)


def as_far_as(now: datetime, before: Iterable[Rota], after: Iterable[Rota]) -> datetime:
    """How far ahead a change must be compared: its last day, at least as far as duty is compiled, at most 400 days.

    Whoever is put on duty next Tết, or off it, learns it now, and not when the horizon has come so far.
    """
    old = {rota.schedule_id: _parts(rota) for rota in before}
    ends = {now + timedelta(days=HORIZON_DAYS)}
    for rota in after:  # a rota that is new brings neither the holidays nor the leave that were there before it
        ends |= {_end(part) for part in old.get(rota.schedule_id, {*rota.holidays, *rota.leaves}) ^ _parts(rota)}
    return min(max(ends), now + FURTHEST)


def _parts(rota: Rota) -> set[_Part]:
    """What a rota says of single times."""
    return {*rota.overrides, *rota.temporaries, *rota.holidays, *rota.swaps, *rota.leaves, *rota.imported}


def _end(part: _Part) -> datetime:
    """When it ends; what begins on a holiday may go on into the next day."""
    if isinstance(part, Holiday):
        return datetime.combine(part.date, time(), UTC) + timedelta(days=2)
    returns = part.returns if isinstance(part, Swap) else None
    return max(part.end, returns[1]) if returns else part.end
