"""Gaps in rotas: found as soon as a rota is compiled, told until they are closed, and never forgotten.

A required role that has nobody within 14 days is one row of `duty_gap`. Its row is its timer: every process looks for
rows whose next telling is due. Rotas are locked before their gaps and checks, and those before the chains of facts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import Range

from app.identifiers import new_id
from app.models.duty_watch import DutyGap, GapKind
from app.models.gap_rules import AHEAD, Comparison, Known, compare
from app.models.installation import Installation
from app.models.rota import DutySlot
from app.models.rota_rules import Gap, Slot, gaps
from app.models.user import User
from app.services.rostering import gaps as one_gap
from app.services.rostering import reachability, rota_people
from app.services.rostering.gaps import Said, Speech
from app.services.rostering.rota_people import Place
from app.work import Work

MOST_AT_ONCE: Final = 50


async def after_compile(work: Work, schedule_ids: Collection[UUID], also: Iterable[Said] = ()) -> None:
    """Bring gaps and checks into line with what the slots of these rotas say; tell what is new and what is closed.

    Call it in the transaction that compiled them, which holds the locks of their rows. Desks without a rota may be
    among the ids: each is a gap of `primary` as far as one looks. `also`: facts about why, each (chain, type, data),
    recorded with the others so that all chains are locked at once.
    """
    places = await rota_people.places(work, schedule_ids)
    speech = Speech(facts=list(also))
    await reachability.follow(work, speech, places)
    found = await _found(work, places)
    known = await _known(work, places)
    fresh: list[DutyGap] = []
    for owner, place in places.items():
        if place.schedule_id is None or place.compiled_until is not None:  # unknown is not nobody
            fresh += await _apply(work, speech, place, known[owner], found[owner])
    await one_gap.tell(work, speech, fresh, places)
    await speech.say(work)


async def look(work: Work, owner_ids: Collection[UUID]) -> int:
    """Look at rotas again as time goes on: the window of 14 days moves, and accounts are closed.

    Rotas that somebody is publishing are skipped: they are looked at there.
    """
    ours = await rota_people.lock_rotas(work, owner_ids, wait=False)
    await after_compile(work, ours)
    return len(ours)


async def to_look_at(work: Work) -> list[UUID]:
    """Every rota, and every desk that has none."""
    return [*await rota_people.all_rotas(work), *await rota_people.unplanned_desks(work)]


async def last_look(work: Work) -> datetime | None:
    """When a process last looked at all rotas."""
    return await work.session.scalar(select(Installation.duty_looked_at))


async def note_look(work: Work, at: datetime) -> None:
    """Let processes that start within the hour rely on this look."""
    await work.session.execute(update(Installation).values(duty_looked_at=at))


async def due(work: Work, but: Collection[UUID], limit: int) -> list[UUID]:
    """Rotas (or desks without one) of which a gap must be told again, or is over."""
    rows = await work.session.execute(_DUE, {"now": work.now, "but": list(but), "most": limit})
    return [row.owner_id for row in rows]


async def tell_again(work: Work, owner_ids: Collection[UUID]) -> int:
    """Tell what is due of these rotas once more, or close what is over; return how many gaps were dealt with."""
    ours = await rota_people.lock_rotas(work, owner_ids, wait=False)
    chosen = (
        select(DutyGap)
        .where(
            or_(DutyGap.schedule_id.in_(ours), DutyGap.desk_id.in_(ours)),
            DutyGap.closed_at.is_(None),
            DutyGap.next_told_at <= work.now,
        )
        .order_by(DutyGap.next_told_at, DutyGap.id)
        .limit(MOST_AT_ONCE)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    open_gaps = (await work.session.scalars(chosen)).all()
    if not open_gaps:
        return 0
    places = await rota_people.places(work, {gap.owner_id for gap in open_gaps})
    speech = Speech()
    live: list[DutyGap] = []
    for gap in open_gaps:
        if gap.end <= work.now or gap.owner_id not in places:
            one_gap.close(work, speech, gap, places.get(gap.owner_id), (), "passed")
        else:
            live.append(gap)
    await one_gap.tell(work, speech, live, places)
    await speech.say(work)
    return len(open_gaps)


async def _found(work: Work, places: Mapping[UUID, Place]) -> dict[UUID, list[Gap]]:
    """When required roles of these rotas have nobody, from now to 14 days ahead."""
    until = work.now + AHEAD
    rows = await work.session.execute(
        select(
            DutySlot.schedule_id,
            DutySlot.doctor_id,
            DutySlot.role,
            func.lower(DutySlot.during),
            func.upper(DutySlot.during),
        )
        .join(User, User.id == DutySlot.doctor_id)
        .where(DutySlot.schedule_id.in_(places), DutySlot.during.overlaps(Range(work.now, until)), User.active)
    )
    slots: dict[UUID, list[Slot]] = defaultdict(list)
    for schedule_id, *slot in rows:
        slots[schedule_id].append(Slot(*slot))
    return {
        owner: gaps(slots[owner], place.required_roles if place.active else (), work.now, _known_until(place, until))
        for owner, place in places.items()
    }


def _known_until(place: Place, until: datetime) -> datetime:
    return until if place.schedule_id is None else min(until, place.compiled_until or until)


async def _known(work: Work, places: Mapping[UUID, Place]) -> dict[UUID, list[DutyGap]]:
    """Open gaps of these rotas; a desk's gap of the time when it had no rota is its rota's now."""
    desks = {place.desk_id: owner for owner, place in places.items() if place.desk_id is not None}
    rows = await work.session.scalars(
        select(DutyGap)
        .where(
            or_(DutyGap.schedule_id.in_(places), DutyGap.desk_id.in_(desks)),
            DutyGap.kind == GapKind.NOBODY,
            DutyGap.closed_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    known: dict[UUID, list[DutyGap]] = defaultdict(list)
    for gap in rows:
        owner = desks[gap.desk_id] if gap.desk_id is not None else gap.owner_id
        known[owner].append(gap)
    return known


async def _apply(
    work: Work, speech: Speech, place: Place, known: Sequence[DutyGap], found: Sequence[Gap]
) -> list[DutyGap]:
    """Close, move and open gaps of one rota; return those that nobody has been told of."""
    rows = {gap.id: gap for gap in known}
    done = compare([Known(gap.id, gap.role, gap.start, gap.end) for gap in known], found)
    await _close(work, speech, place, rows, done)
    # The later first: no two open gaps of one role ever begin at the same time on the way.
    for gap_id, now_at in sorted(done.kept, key=lambda kept: kept[1].start, reverse=True):
        gap = rows[gap_id]
        gap.schedule_id, gap.desk_id = place.schedule_id, None if place.schedule_id else place.desk_id
        if gap.move(now_at.start, now_at.end, work.now):
            data = one_gap.facts_of(gap, place, {}) | {"at": work.now}
            speech.facts.append((place.board, "duty.gap_moved", data))
        await work.session.flush()
    parts = [(_new(work, place, gap), rows[whole]) for whole, gap in done.parts]
    for part, whole_gap in parts:
        part.found_at, part.told, part.next_told_at = whole_gap.found_at, whole_gap.told, whole_gap.next_told_at
        data = one_gap.facts_of(part, place, {}) | {"told": part.told, "running": False, "at": work.now}
        speech.facts.append((place.board, "duty.gap_found", data))
    fresh = [_new(work, place, gap) for gap in done.new]
    work.session.add_all([part for part, _ in parts])
    work.session.add_all(fresh)
    return fresh


async def _close(work: Work, speech: Speech, place: Place, rows: Mapping[UUID, DutyGap], done: Comparison) -> None:
    ended = [(gap_id, "filled") for gap_id in done.filled] + [(gap_id, "merged") for gap_id in done.merged]
    if not ended:
        return
    heads = await rota_people.heads(work, [place])
    for gap_id, why in ended:
        gap = rows[gap_id]
        over = gap.end <= work.now
        one_gap.close(work, speech, gap, place, () if over else heads[place.owner_id], "passed" if over else why)
    await work.session.flush()


def _new(work: Work, place: Place, gap: Gap) -> DutyGap:
    return DutyGap(
        id=new_id(work.now),
        schedule_id=place.schedule_id,
        desk_id=None if place.schedule_id else place.desk_id,
        role=gap.role,
        during=Range(gap.start, gap.end),
        kind=GapKind.NOBODY,
        found_at=work.now,
        told=0,
        next_told_at=work.now,
    )


_DUE = text("""
SELECT coalesce(g.schedule_id, g.desk_id) AS owner_id FROM duty_gap g
WHERE g.closed_at IS NULL AND g.next_told_at <= CAST(:now AS timestamptz)
  AND coalesce(g.schedule_id, g.desk_id) <> ALL (CAST(:but AS uuid[]))
GROUP BY 1 ORDER BY min(g.next_told_at) LIMIT :most
""")
