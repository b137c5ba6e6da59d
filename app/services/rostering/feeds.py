"""Calendar feeds: a secret address that shows duty to a calendar, until it is revoked. Duty only, nothing of patients.

The secret (256 bits) is shown once and kept as its SHA-256. It ends with the account that made it, and for a rota when
that account could not make it any more. What is near comes from the slots that route live calls, what is further ahead
from compiling the rota; an event keeps the id of its slot.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import func, select, true
from sqlalchemy.dialects.postgresql import Range

from app.errors import NotFound
from app.identifiers import new_id
from app.models.feed import Feed
from app.models.rota import DutySlot, Schedule
from app.models.user import User
from app.policy import DutyAction, Verdict, allow_duty, decide_duty, standings_to
from app.schemas.duty_asks import FeedIn
from app.services.facts.events import record_about
from app.services.rostering.duty_calendar import Duty, write
from app.services.rostering.rotas import (
    Rota,
    names_of,
    owner_of,
    read_rotas,
    schedule_id_of,
    schedules_of_hospital,
    standings,
)
from app.services.rostering.swaps import allow_own
from app.work import Subject, Work

Json = dict[str, Any]
PAST: Final = timedelta(days=30)


async def make(work: Work, body: FeedIn) -> tuple[Json, str]:
    """Make a feed of one's own duty, of a desk or of a hospital's own rota; return it and its secret."""
    schedule_id = None
    if body.desk is None and body.hospital is None:
        allow_own(work, DutyAction.MAKE_OWN_FEED)
    else:
        owner = await owner_of(work, desk_id=body.desk, hospital_id=body.hospital)
        schedule_id = await schedule_id_of(work, owner)
        head = await work.session.scalar(select(Schedule.head_id).where(Schedule.id == schedule_id))
        allow_duty(DutyAction.MAKE_ROTA_FEED, standings(work, owner, head))
        if schedule_id is None:
            raise NotFound
    secret = secrets.token_urlsafe(32)
    row = Feed(
        id=new_id(work.now),
        digest=_digest(secret),
        made_by=work.subject.id,
        doctor_id=None if schedule_id else work.subject.id,
        schedule_id=schedule_id,
        made_at=work.now,
        revoked_at=None,
    )
    work.session.add(row)
    await work.session.flush()
    await _record(work, row, "feed_made")
    [read] = await _read(work, [row])
    return read, secret


async def mine(work: Work) -> list[Json]:
    """The actor's feeds that still work, without their secrets."""
    rows = await work.session.scalars(
        select(Feed).where(Feed.made_by == work.subject.id, Feed.revoked_at.is_(None)).order_by(Feed.made_at, Feed.id)
    )
    return await _read(work, list(rows))


async def revoke(work: Work, feed_id: UUID) -> None:
    """End a feed of one's own. Raises NotFound."""
    row = await work.session.scalar(
        select(Feed)
        .where(Feed.id == feed_id, Feed.made_by == work.subject.id, Feed.revoked_at.is_(None))
        .with_for_update()
    )
    if row is None:
        raise NotFound
    row.revoked_at = work.now
    await work.session.flush()
    await _record(work, row, "feed_revoked")


async def calendar(work: Work, secret: str, days: int) -> bytes:
    """The calendar behind a secret: 30 days back, and as many ahead as asked for.

    Raises NotFound for a secret that is unknown or revoked: the same answer.
    """
    feed = await work.session.scalar(
        select(Feed)
        .join(User, User.id == Feed.made_by)
        .where(Feed.digest == _digest(secret), Feed.revoked_at.is_(None), User.active)
    )
    if feed is None:
        raise NotFound
    maker = await work.session.get(User, feed.made_by)
    rotas = await read_rotas(work, await _of(work, feed, maker))
    if feed.schedule_id is not None and not _may_still_see(maker, rotas):
        raise NotFound
    end = work.now + timedelta(days=days)
    duties = await _near(work, feed, rotas, end)
    for rota in rotas:
        await _join(duties, feed, rota, end, work.now)
    names = await names_of(work, (duty.doctor for duty in duties))
    name = rotas[0].owner.name if feed.schedule_id is not None and rotas else names.get(feed.made_by, "hoichan")
    zone = rotas[0].zone if rotas else "Asia/Ho_Chi_Minh"
    return write(duties, names, name=name, zone=zone, whose=feed.schedule_id is not None)


def _may_still_see(maker: User | None, rotas: list[Rota]) -> bool:
    if maker is None:
        return False
    subject = Subject(maker.id, maker.name, maker.role, hospital_id=maker.hospital_id)
    return any(
        decide_duty(DutyAction.MAKE_ROTA_FEED, standings_to(subject, [rota.owner.hospital_id], head=rota.head_id))
        is Verdict.ALLOW
        for rota in rotas
    )


async def _of(work: Work, feed: Feed, maker: User | None) -> set[UUID]:
    """The rotas that a feed reads: one, or all in which its doctor may be on duty."""
    if feed.schedule_id is not None:
        return {feed.schedule_id}
    hospital = maker.hospital_id if maker else None
    ids = set(await schedules_of_hospital(work, hospital)) if hospital is not None else set()
    elsewhere = select(DutySlot.schedule_id).where(
        DutySlot.doctor_id == feed.doctor_id, func.upper(DutySlot.during) > work.now - PAST
    )
    return ids | set(await work.session.scalars(elsewhere))


async def _near(work: Work, feed: Feed, rotas: list[Rota], end: datetime) -> list[Duty]:
    """Duty as it is worked out, each stretch whole."""
    by_id = {rota.schedule_id: rota for rota in rotas}
    whose = DutySlot.doctor_id == feed.doctor_id if feed.doctor_id is not None else true()
    rows = await work.session.execute(
        select(
            DutySlot.id,
            DutySlot.schedule_id,
            DutySlot.doctor_id,
            DutySlot.role,
            func.lower(DutySlot.during),
            func.upper(DutySlot.during),
        )
        .where(
            DutySlot.schedule_id.in_(by_id),
            whose,
            func.upper(DutySlot.during) > work.now - PAST,
            DutySlot.during.overlaps(Range(work.now - PAST, end)),
        )
        .order_by(func.lower(DutySlot.during), DutySlot.role, DutySlot.doctor_id)
    )
    return [
        Duty(id_, by_id[schedule].owner.name, doctor, role, start, last, by_id[schedule].version, schedule)
        for id_, schedule, doctor, role, start, last in rows
    ]


async def _join(duties: list[Duty], feed: Feed, rota: Rota, end: datetime, now: datetime) -> None:
    """Add what lies beyond what is worked out; duty that was cut there only because of that goes on."""
    start = max(rota.compiled_until or now, now)
    cut = {
        (duty.doctor, duty.role): place
        for place, duty in enumerate(duties)
        if duty.schedule_id == rota.schedule_id and duty.end == start
    }
    for slot in await rota.compiled_aside(start, end):
        if feed.doctor_id not in (None, slot.doctor):
            continue
        place = cut.get((slot.doctor, slot.role)) if slot.start == start else None
        if place is not None:
            duties[place] = replace(duties[place], end=slot.end)
            continue
        id_ = uuid5(rota.schedule_id, f"{slot.doctor}/{slot.role}/{slot.start.isoformat()}")
        duties.append(
            Duty(id_, rota.owner.name, slot.doctor, slot.role, slot.start, slot.end, rota.version, rota.schedule_id)
        )


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def _record(work: Work, row: Feed, change: str) -> None:
    data = {"user": work.subject.id, "change": change, "feed": row.id, "schedule": row.schedule_id}
    await record_about(work, f"user:{work.subject.id}", "account.changed", data)


async def _read(work: Work, rows: list[Feed]) -> list[Json]:
    ids = {row.schedule_id for row in rows if row.schedule_id is not None}
    rotas = {rota.schedule_id: rota for rota in await read_rotas(work, ids)}
    found = []
    for row in rows:
        owner = rotas[row.schedule_id].owner if row.schedule_id is not None else None
        found.append(
            {
                "id": row.id,
                "desk": owner.desk_id if owner else None,
                "hospital": owner.hospital_id if owner and owner.desk_id is None else None,
                "name": owner.name if owner else work.subject.name,
                "made_at": row.made_at,
            }
        )
    return found
