"""One gap in a rota: what is said of it, to whom, and how it ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import func, select, text

from app.errors import NotFound
from app.models.desk import Desk
from app.models.duty_watch import DutyGap, GapKind
from app.models.gap_rules import AHEAD, SOON
from app.models.rota import Schedule
from app.models.user import User
from app.policy import DutyAction, allow_duty, standings_to
from app.services.facts import events
from app.services.outside import notices
from app.services.outside.notices import Announcement
from app.services.rostering import rota_people
from app.services.rostering.rota_people import Place
from app.work import Work

Json = dict[str, Any]
Said: TypeAlias = tuple[str, str, Json]
"""A fact to come: chain, type, data."""


@dataclass(slots=True)
class Speech:
    """Facts and announcements that are collected first and said together, so that locks are taken in one order."""

    facts: list[Said] = field(default_factory=list)
    calls: list[tuple[list[UUID], Announcement]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """What notices were about that matters no more."""

    async def say(self, work: Work) -> None:
        """Write everything that was collected."""
        await work.session.flush()
        for about in self.ended:
            await notices.stop(work, about)
        for people, announcement in self.calls:
            await notices.tell(work, people, announcement)
        await events.record_each_about(work, self.facts)


async def tell(work: Work, speech: Speech, open_gaps: Sequence[DutyGap], places: Mapping[UUID, Place]) -> None:
    """Tell whoever must act on these gaps, the first time or once more.

    The head of the rota; within 24 hours coordinators on duty too; a gap that runs is an alarm on the board each time.
    Somebody who cannot be reached is the coordinators' business.
    """
    if not open_gaps:
        return
    involved = [places[gap.owner_id] for gap in open_gaps]
    heads = await rota_people.heads(work, involved)
    coordinators = await rota_people.coordinators(work, {place.hospital_id for place in involved})
    names = await doctor_names(work, open_gaps)
    for gap in open_gaps:
        place = places[gap.owner_id]
        first = gap.told == 0
        gap.tell(work.now)
        running = gap.is_running(work.now)
        people = list(heads[place.owner_id])
        if gap.kind == GapKind.UNREACHABLE:
            others = coordinators[place.hospital_id].apart_from(gap.doctor_id)
            people = others or [head for head in people if head != gap.doctor_id]
            people = people or await rota_people.administrators(work, place.hospital_id) or heads[place.owner_id]
        elif gap.start - work.now <= SOON:
            people = list(dict.fromkeys([*people, *coordinators[place.hospital_id].apart_from()]))
        data = facts_of(gap, place, names) | {"told": gap.told, "running": running, "at": work.now}
        kind = _FIRST[gap.kind] if first else "duty.gap_told"
        if first or running:
            speech.facts.append((place.board, kind, data))
        speech.facts += [(f"user:{person}", kind, data) for person in people]
        speech.calls.append((people, _announcement(gap, place, names, running=running)))


_FIRST: Mapping[str, str] = {GapKind.NOBODY: "duty.gap_found", GapKind.UNREACHABLE: "duty.unreachable"}


def close(work: Work, speech: Speech, gap: DutyGap, place: Place | None, people: Collection[UUID], why: str) -> None:
    """Close a gap and say so to those who were told of it. `why`: filled, merged, answered, moved or passed."""
    gap.close(work.now)
    speech.ended.append(about(gap))
    if place is not None:
        data = facts_of(gap, place, {}) | {"why": why, "at": work.now}
        chains = [place.board, *(f"user:{person}" for person in people)]
        speech.facts += [(chain, "duty.gap_closed", data) for chain in chains]


async def close_unreachable(  # whose duty it was, and why it is no alarm any more
    work: Work, speech: Speech, place: Place, doctor_id: UUID, starts_at: datetime, why: str
) -> None:
    """Somebody who could not be reached has answered, or has no duty there any more."""
    found = await work.session.scalars(
        select(DutyGap)
        .where(
            DutyGap.schedule_id == place.schedule_id,
            DutyGap.doctor_id == doctor_id,
            DutyGap.kind == GapKind.UNREACHABLE,
            DutyGap.closed_at.is_(None),
            func.lower(DutyGap.during) == starts_at,
        )
        .order_by(DutyGap.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for gap in found.all():
        coordinators = await rota_people.coordinators(work, [place.hospital_id])
        close(work, speech, gap, place, coordinators[place.hospital_id].apart_from(gap.doctor_id), why)


def facts_of(gap: DutyGap, place: Place, names: Mapping[UUID, str]) -> Json:
    """What every fact about a gap carries."""
    said = place.facts() | {
        "gap_id": gap.id,
        "role": gap.role,
        "from": gap.start,
        "to": gap.end,
        "kind": gap.kind,
    }
    if gap.doctor_id is not None:
        said |= {"doctor": gap.doctor_id, "doctor_name": names.get(gap.doctor_id)}
    return said


def about(gap: DutyGap) -> str:
    """What notices of this gap stop with."""
    return f"gap:{gap.id}"


def _announcement(gap: DutyGap, place: Place, names: Mapping[UUID, str], *, running: bool) -> Announcement:
    words = {"place": place.name, "role": gap.role, "from": gap.start, "to": gap.end, "told": gap.told}
    if gap.kind == GapKind.UNREACHABLE:
        words |= {"what": "unreachable", "doctor_name": names.get(gap.doctor_id) if gap.doctor_id else None}
        return Announcement("alarm", about(gap), f"{about(gap)}:{gap.told}", words, urgent=True)
    words["running"] = running
    return Announcement("gap", about(gap), f"{about(gap)}:{gap.told}", words, urgent=running)


async def doctor_names(work: Work, of: Sequence[DutyGap]) -> dict[UUID, str]:
    """Names of those who could not be reached."""
    doctors = {gap.doctor_id for gap in of if gap.doctor_id is not None}
    if not doctors:
        return {}
    rows = await work.session.execute(select(User.id, User.name).where(User.id.in_(doctors)))
    return {row.id: row.name for row in rows}


# Reading


async def list_open(work: Work, *, desk: UUID | None = None, hospital: UUID | None = None) -> list[Json]:
    """Open gaps of the rotas that the actor may see, by start: those of their hospital.

    Raises NotFound for a desk or hospital that is not theirs, and for whoever has nothing to do with duty.
    """
    subject = work.subject
    if desk is not None:
        row = (
            await work.session.execute(
                select(Desk.hospital_id, Desk.specialty, Schedule.head_id)
                .outerjoin(Schedule, Schedule.desk_id == Desk.id)
                .where(Desk.id == desk)
            )
        ).one_or_none()
        if row is None:
            raise NotFound
        allow_duty(DutyAction.SEE_GAPS, standings_to(subject, [row.hospital_id], head=row.head_id))
    else:
        allow_duty(DutyAction.SEE_GAPS, standings_to(subject, [hospital or subject.hospital_id]))
    rows = await work.session.execute(
        _OPEN,
        {
            "own": subject.hospital_id,
            "desk": desk,
            "hospital": hospital,
            "now": work.now,
            "until": work.now + AHEAD,
        },
    )
    return [shown(dict(row), work.now) for row in rows.mappings()]


async def of_board(work: Work, hospital_id: UUID) -> list[Json]:
    """Open gaps of a hospital and its desks in the next 14 days, by start."""
    rows = await work.session.execute(
        _OPEN,
        {
            "own": hospital_id,
            "desk": None,
            "hospital": hospital_id,
            "now": work.now,
            "until": work.now + AHEAD,
        },
    )
    return [shown(dict(row), work.now) for row in rows.mappings()]


def shown(row: Json, now: datetime) -> Json:
    """One gap as it is read."""
    start: datetime = row["from"]
    running = start <= now
    left = timedelta() if running else start - now
    return row | {"running": running, "hours_left": round(left / timedelta(hours=1), 1)}


_OPEN = text("""
SELECT g.id, g.kind, h.id AS hospital, h.short_name AS hospital_name, k.id AS desk, k.name AS desk_name,
       g.schedule_id AS schedule, g.role, lower(g.during) AS "from", upper(g.during) AS "to", g.doctor_id AS doctor,
       u.name AS doctor_name, g.found_at, g.told, g.next_told_at
FROM duty_gap g LEFT JOIN schedule s ON s.id = g.schedule_id LEFT JOIN desk k ON k.id = coalesce(g.desk_id, s.desk_id)
JOIN organization h ON h.id = coalesce(k.hospital_id, s.hospital_id) LEFT JOIN user_account u ON u.id = g.doctor_id
WHERE g.closed_at IS NULL AND upper(g.during) > CAST(:now AS timestamptz)
  AND lower(g.during) < CAST(:until AS timestamptz)
  AND h.id = CAST(:own AS uuid)
  AND (CAST(:desk AS uuid) IS NULL OR k.id = CAST(:desk AS uuid))
  AND (CAST(:hospital AS uuid) IS NULL OR h.id = CAST(:hospital AS uuid))
ORDER BY lower(g.during), k.name NULLS FIRST, g.role, g.id
""")
