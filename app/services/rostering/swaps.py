"""Swaps: a doctor offers part or all of a coming duty, a colleague takes it, and duty moves at once.

Not taken, it lapses at its start and the duty stays where it was. With `return` it is an exchange, all or nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from app.errors import DutyMoved, Forbidden, InTheWay, Invalid, NotFound, NotFree, NotOnThisRota, SwapWithoutEffect
from app.identifiers import new_id
from app.models.duty_change import Swap, SwapState
from app.models.rota import DutySlot, Schedule
from app.models.rota_rules import Swap as SwapRule
from app.models.spans import Span, common, minus, tidy
from app.policy import DutyAction, Standing, Verdict, allow_duty, decide_duty, standings_to
from app.schemas.duty_asks import SwapIn
from app.services.rostering import duty_moves
from app.services.rostering.duty_asks import swap_read
from app.services.rostering.duty_settled import resettle
from app.services.rostering.rotas import (
    Candidate,
    Owner,
    Rota,
    candidates,
    names_of,
    owner_of,
    owners_of,
    read_rotas,
    span_of,
    standings,
)
from app.work import Work

Json = dict[str, Any]
_REMEMBERED: Final = timedelta(days=30)
_FURTHEST: Final = timedelta(days=400)
"""A duty further ahead than any change of a rota may reach is nobody's yet."""


async def offer(work: Work, body: SwapIn) -> Json:
    """Offer a coming duty of one's own.

    Raises Forbidden, Invalid (no such duty, which desk?, or nobody has what is to come back), InTheWay and
    SwapWithoutEffect (whoever might take it).
    """
    allow_own(work, DutyAction.OFFER_SWAP)
    if body.start <= work.now:
        raise Invalid("from", "Ca này đã bắt đầu hoặc đã qua.", "This duty has begun or is over.")
    if body.returns is not None and body.returns.start <= work.now:
        raise Invalid("return.from", "Ca này đã bắt đầu hoặc đã qua.", "This duty has begun or is over.")
    if body.returns is not None and body.returns.end > work.now + _FURTHEST:
        raise Invalid("return.to", f"Xa nhất {_FURTHEST.days} ngày.", f"At most {_FURTHEST.days} days ahead.")
    schedule_id, owner = await _rota_of(work, body)
    [rota] = await read_rotas(work, [schedule_id])
    row = Swap(
        id=new_id(work.now),
        schedule_id=schedule_id,
        role=body.role,
        giver_id=work.subject.id,
        taker_id=None,
        during=Range(body.start, body.end),
        returns=Range(body.returns.start, body.returns.end) if body.returns else None,
        state=SwapState.OFFERED,
        note=body.note,
        made_at=work.now,
        answered_at=None,
    )
    people = await candidates(work, owner)
    able = [person.id for person in people.values() if body.role in person.roles]
    _must_be_possible(work, rota, row, able)
    try:
        async with work.session.begin_nested():
            work.session.add(row)
            await work.session.flush()
    except IntegrityError:
        raise await _offered_already(work, schedule_id, body) from None
    await duty_moves.record(work, _facts(work, row, owner, "swap.offered", able))
    return await _read(work, row, owner, people)


async def mine(work: Work) -> list[Json]:
    """Open swaps that the actor may take, and the actor's own of the last 30 days, by start."""
    me, now = work.subject.id, work.now
    own = or_(Swap.giver_id == me, Swap.taker_id == me)
    rows = (
        await work.session.scalars(
            select(Swap)
            .where(
                or_(
                    (Swap.state == SwapState.OFFERED) & (func.lower(Swap.during) > now),
                    own & (func.upper(Swap.during) > now - _REMEMBERED),
                )
            )
            .order_by(func.lower(Swap.during), Swap.id)
        )
    ).all()
    owners = await owners_of(work, {row.schedule_id for row in rows})
    owners = {id_: owner for id_, owner in owners.items() if owner.hospital_id == work.subject.hospital_id}
    people = {owner: await candidates(work, owner) for owner in set(owners.values())}
    names = await names_of(work, {person for row in rows for person in (row.giver_id, row.taker_id)})
    found = []
    for row in rows:
        owner = owners.get(row.schedule_id)
        if owner is None:
            continue
        read = swap_read(work, row, owner, names, people[owner])
        if me in (row.giver_id, row.taker_id) or "take" in read["may"]:
            found.append(read)
    return found


async def take(work: Work, swap_id: UUID) -> Json:
    """Take over a colleague's duty (and in an exchange give one's own), at once.

    Raises NotFound, Forbidden, NotOnThisRota, NoLongerOpen, DutyMoved (somebody does not hold what is swapped any more)
    NotFree (on duty in that role, or on leave) and SwapWithoutEffect.
    """
    row, owner = await _locked(work, swap_id)
    people = await candidates(work, owner)
    _allow_taking(work, row, owner, people)

    async def change(rotas: list[Rota]) -> None:
        row.take(by=work.subject.id, now=work.now)
        await _check(work, row, rotas[0])

    settled = await resettle(work, [row.schedule_id], change)
    await duty_moves.tell(work, settled.moves, _facts(work, row, owner, "swap.ended", [work.subject.id]))
    return await _read(work, row, owner, people)


async def withdraw(work: Work, swap_id: UUID) -> Json:
    """Keep the duty after all. Raises NotFound, Forbidden and NoLongerOpen."""
    row, owner = await _locked(work, swap_id)
    if not standings(work, owner, None):
        raise NotFound
    if row.giver_id != work.subject.id:
        raise Forbidden
    row.withdraw(now=work.now)
    await work.session.flush()
    people = await candidates(work, owner)
    able = [person.id for person in people.values() if row.role in person.roles]
    await duty_moves.record(work, _facts(work, row, owner, "swap.ended", able))
    return await _read(work, row, owner, people)


async def due(work: Work, but: Collection[UUID], limit: int) -> list[UUID]:
    """Swaps that nobody took and that begin now."""
    chosen = select(Swap.id).where(Swap.state == SwapState.OFFERED, work.now >= _BEGINS, Swap.id.not_in(but))
    return list(await work.session.scalars(chosen.order_by(Swap.id).limit(limit)))


async def lapse(work: Work, swap_ids: Collection[UUID]) -> int:
    """End those of these that nobody took by their start; what another process holds is left to it."""
    rows = (
        await work.session.scalars(
            select(Swap)
            .where(Swap.id.in_(swap_ids), Swap.state == SwapState.OFFERED)
            .order_by(Swap.id)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    ).all()
    owners = await owners_of(work, {row.schedule_id for row in rows})
    ended = [row for row in rows if row.lapse(now=work.now)]
    await work.session.flush()
    facts = [fact for row in ended for fact in _facts(work, row, owners[row.schedule_id], "swap.ended", ())]
    await duty_moves.record(work, facts)
    return len(ended)


_BEGINS: Final = func.least(func.lower(Swap.during), func.lower(Swap.returns))


def allow_own(work: Work, action: DutyAction) -> None:
    """Only who can be on duty has duty of their own. Raises Forbidden."""
    stands = standings_to(work.subject, [], doctor=work.subject.id)
    if decide_duty(action, stands) is not Verdict.ALLOW:
        raise Forbidden


def _allow_taking(work: Work, row: Swap, owner: Owner, people: dict[UUID, Candidate]) -> None:
    stands = standings(work, owner, None)
    if not stands:
        raise NotFound
    candidate = people.get(work.subject.id)
    colleague = bool({Standing.STAFF, Standing.COORDINATOR} & stands)
    if colleague and (candidate is None or row.role not in candidate.roles):
        raise NotOnThisRota(doctor=str(work.subject.id), doctor_name=work.subject.name)
    allow_duty(DutyAction.TAKE_SWAP, stands)
    if row.giver_id == work.subject.id:
        raise Forbidden


async def _rota_of(work: Work, body: SwapIn) -> tuple[UUID, Owner]:
    """The one rota in which the actor has this whole stretch of duty."""
    chosen = (
        select(Schedule.id, Schedule.desk_id, Schedule.hospital_id)
        .join(DutySlot, DutySlot.schedule_id == Schedule.id)
        .where(
            DutySlot.doctor_id == work.subject.id,
            DutySlot.role == body.role,
            func.upper(DutySlot.during) > work.now,
            DutySlot.during.contains(Range(body.start, body.end)),
        )
        .order_by(Schedule.id)
    )
    if body.desk is not None:
        chosen = chosen.where(Schedule.desk_id == body.desk)
    if body.hospital is not None:
        chosen = chosen.where(Schedule.hospital_id == body.hospital)
    rows = (await work.session.execute(chosen)).all()
    if not rows:
        raise Invalid(
            "from",
            "Bạn không có ca trực nào bao trọn khoảng giờ này ở vai trò đó.",
            "You have no duty in this role that covers all of this time.",
        )
    if len(rows) > 1:
        raise Invalid(
            "desk",
            "Bạn trực vai trò này ở nhiều nơi cùng giờ. Nêu rõ bàn trực (desk) hoặc bệnh viện (hospital).",
            "You have this role in several places at that time. Say which desk or hospital.",
        )
    [row] = rows
    return row.id, await owner_of(work, desk_id=row.desk_id, hospital_id=row.hospital_id)


async def _offered_already(work: Work, schedule_id: UUID, body: SwapIn) -> InTheWay:
    """Say what is in the way; where it was withdrawn or taken in this moment, the time that was offered."""
    there = await _there(work, schedule_id, body)
    start, end = span_of(there.during) if there is not None else (body.start, body.end)
    return InTheWay(
        kind="swap",
        id=str(there.id) if there is not None else None,
        who=work.subject.name,
        doctor=str(work.subject.id),
        **{"from": start.isoformat(), "to": end.isoformat()},
    )


async def _there(work: Work, schedule_id: UUID, body: SwapIn) -> Swap | None:
    found: Swap | None = await work.session.scalar(
        select(Swap)
        .where(
            Swap.schedule_id == schedule_id,
            Swap.role == body.role,
            Swap.giver_id == work.subject.id,
            Swap.state == SwapState.OFFERED,
            Swap.during.overlaps(Range(body.start, body.end)),
        )
        .order_by(func.lower(Swap.during))
    )
    return found


async def _locked(work: Work, swap_id: UUID) -> tuple[Swap, Owner]:
    row = await work.session.scalar(
        select(Swap).where(Swap.id == swap_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row, (await owners_of(work, [row.schedule_id]))[row.schedule_id]


async def _check(work: Work, row: Swap, rota: Rota) -> None:
    """Both hold now what they give, and are free for what they take."""
    assert row.taker_id is not None
    given = span_of(row.during)
    names = await names_of(work, [row.giver_id, row.taker_id])
    _must_hold(rota, row.role, row.giver_id, given, names)
    _must_be_free(rota, row.role, row.taker_id, given, names)
    if row.returns is not None:
        returned = span_of(row.returns)
        _must_hold(rota, row.role, row.taker_id, returned, names)
        _must_be_free(rota, row.role, row.giver_id, returned, names)
    moved = {row.taker_id: given} | ({row.giver_id: span_of(row.returns)} if row.returns is not None else {})
    _must_move(work, rota, row, moved, names)


def _must_be_possible(work: Work, rota: Rota, row: Swap, able: Iterable[UUID]) -> None:
    """Anybody could take the duty; in an exchange somebody holds the whole of what is asked for, and can give it."""
    given, me = span_of(row.during), {work.subject.id: work.subject.name}
    if row.returns is None:
        _must_move(work, rota, row, {uuid4(): given}, me)
        return
    returned = span_of(row.returns)
    slots = [slot for slot in rota.compiled(*returned) if slot.role == row.role]
    held = {slot.doctor for slot in slots if (slot.start, slot.end) == returned}
    holders = [doctor for doctor in able if doctor in held and doctor != row.giver_id]
    if not holders:
        raise Invalid(
            "return.from",
            "Không đồng nghiệp nào trực trọn khoảng giờ này ở vai trò đó.",
            "No colleague has this role for all of this time.",
        )
    refusals = []
    for holder in holders:
        try:
            _must_move(work, rota, row, {holder: given, row.giver_id: returned}, me)
        except SwapWithoutEffect as refusal:
            refusals.append(refusal)
    if len(refusals) == len(holders):
        raise refusals[0]


def _must_move(work: Work, rota: Rota, row: Swap, to: Mapping[UUID, Span], names: dict[UUID, str]) -> None:
    """Whoever is to have these stretches has them once the swap is taken, and whoever gives them has them no more."""
    taker = next(doctor for doctor in to if doctor != row.giver_id)
    returns = span_of(row.returns) if row.returns is not None else None
    swap = SwapRule(row.role, row.giver_id, taker, *span_of(row.during), work.now, returns)
    after = replace(rota, swaps=[*rota.swaps, swap])
    for doctor, span in to.items():
        former = taker if doctor == row.giver_id else row.giver_id
        if minus([span], _duty(after, row.role, doctor, span)) or _duty(after, row.role, former, span):
            raise SwapWithoutEffect(**_said(former, names, span))


def _must_hold(rota: Rota, role: str, doctor: UUID, span: Span, names: dict[UUID, str]) -> None:
    if minus([span], _duty(rota, role, doctor, span)):
        raise DutyMoved(**_said(doctor, names, span))


def _must_be_free(rota: Rota, role: str, doctor: UUID, span: Span, names: dict[UUID, str]) -> None:
    leave = tidy((leave.start, leave.end) for leave in rota.leaves if leave.doctor == doctor)
    busy = [*_duty(rota, role, doctor, span), *common(leave, [span])]
    if busy:
        raise NotFree(**_said(doctor, names, min(busy)))


def _duty(rota: Rota, role: str, doctor: UUID, span: Span) -> list[Span]:
    return [(slot.start, slot.end) for slot in rota.compiled(*span) if slot.role == role and slot.doctor == doctor]


def _said(doctor: UUID, names: dict[UUID, str], span: Span) -> dict[str, str]:
    def written(instant: datetime) -> str:
        return instant.isoformat()

    who = {"doctor": str(doctor), "doctor_name": names.get(doctor, "")}
    return who | {"from": written(span[0]), "to": written(span[1])}


def _facts(work: Work, row: Swap, owner: Owner, event_type: str, to: Iterable[UUID]) -> list[tuple[str, str, Json]]:
    """The same fact for the hospital, for the giver and for whoever else is concerned."""
    data = {
        "swap_id": row.id,
        "schedule": row.schedule_id,
        **owner.called,
        "role": row.role,
        "doctor": row.giver_id,
        "taker": row.taker_id,
        "taker_name": work.actor.name if work.actor and row.taker_id == work.actor.id else None,
        "from": row.during.lower,
        "to": row.during.upper,
        "return": {"from": row.returns.lower, "to": row.returns.upper} if row.returns is not None else None,
        "state": row.state,
        "at": work.now,
    }
    chains = [f"hospital:{owner.hospital_id}", *(f"user:{person}" for person in {row.giver_id, *to})]
    return [(chain, event_type, dict(data)) for chain in chains]


async def _read(work: Work, row: Swap, owner: Owner, people: dict[UUID, Candidate]) -> Json:
    names = await names_of(work, [row.giver_id, row.taker_id])
    return swap_read(work, row, owner, names, people)
