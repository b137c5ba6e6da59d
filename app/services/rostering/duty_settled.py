"""Working duty out anew after something that is no edit of a rota: a swap, a leave, an import."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.models.rota_rules import Gap
from app.services.rostering.duty import HORIZON_DAYS, settle
from app.services.rostering.duty_moves import Move, difference
from app.services.rostering.duty_watch import after_compile
from app.services.rostering.rotas import Owner, Rota, read_rotas
from app.work import Work


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
    await settle(work, after)
    await after_compile(work, [rota.schedule_id for rota in after])
    return _compared(work, before, after)


def _compared(work: Work, before: list[Rota], after: list[Rota]) -> Settled:
    start, end = work.now, work.now + timedelta(days=HORIZON_DAYS)
    moves, opened = [], []
    for old, new in zip(before, after, strict=True):
        was, is_ = old.compiled(start, end), new.compiled(start, end)
        added, removed = difference(was, is_)
        if added or removed:
            moves.append(Move(new.schedule_id, new.owner, added, removed))
        known = set(old.gaps_in(was, start, end))
        opened += [(new.owner, gap) for gap in new.gaps_in(is_, start, end) if gap not in known]
    return Settled(moves, opened)
