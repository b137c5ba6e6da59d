"""The warnings of a publication, in words: what it brings that is worth thinking about, and what was there before."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from app.models import rota_warnings
from app.models.desk import Desk
from app.models.organization import Organization
from app.models.rota import DutySlot, Schedule
from app.models.rota_format import HOME_ZONE
from app.models.rota_rules import Override, Slot
from app.models.rota_warnings import Doubt, Elsewhere
from app.models.user import User
from app.services.rostering.rotas import Candidate, Rota
from app.work import Work

Json = dict[str, Any]
MOST: Final = 100
_AROUND: Final = timedelta(days=4)
"""How far beyond the window duty is looked at, to see how long it is and what rest follows it."""


async def thoughts(
    work: Work,
    rota: Rota,
    was: Rota | None,
    people: Mapping[UUID, Candidate],
    start: datetime,
    end: datetime,
    *,
    put: Iterable[Override] = (),
) -> list[Json]:
    """Warn of a rota between two instants, and of overrides just `put` in it; what `was` so before is not new."""
    low, high = start - _AROUND, end + _AROUND
    after = await rota.compiled_aside(max(low, work.now), high)
    before = await was.compiled_aside(max(low, work.now), high) if was else []
    stored = await _stored(work, {slot.doctor for slot in (*after, *before)}, low, high)
    served = [Slot(s.doctor, s.role, s.start, min(s.end, work.now)) for id_, s, _ in stored if id_ == rota.schedule_id]
    served = [slot for slot in served if slot.start < slot.end]
    elsewhere = [Elsewhere(slot, place) for id_, slot, place in stored if id_ != rota.schedule_id]
    found = _found(rota, [*served, *after], elsewhere, people, start, end)
    found += await _without_effect(rota, put)
    known = set(_found(was, [*served, *before], elsewhere, people, start, end)) if was else set()
    names = await _names(work, {warning.doctor for warning in found if warning.doctor})
    chosen = sorted(found, key=lambda warning: warning in known)[:MOST]
    return [_said(work, warning, names, new=warning not in known) for warning in chosen]


async def _without_effect(rota: Rota, put: Iterable[Override]) -> list[Doubt]:
    """Overrides that leave everybody's duty as it would be without them."""
    found = []
    for override in put:
        span = (override.start, override.end)
        alone = replace(rota, layers=[layer for layer in rota.layers if layer.role == override.role])
        others = [other for other in rota.overrides if other != override]
        if await alone.compiled_aside(*span) == await replace(alone, overrides=others).compiled_aside(*span):
            found.append(Doubt("no_effect", override.doctor, override.role, *span))
    return found


def _found(
    rota: Rota,
    slots: list[Slot],
    elsewhere: list[Elsewhere],
    people: Mapping[UUID, Candidate],
    start: datetime,
    end: datetime,
) -> list[Doubt]:
    found = rota_warnings.find(
        slots,
        elsewhere,
        rota.gaps_in(slots, start, end),
        zip(rota.names, rota.layers, strict=True),
        rota.leaves,
        required_roles=rota.required_roles,
        rest_hours=rota.rest_hours,
        licensed={person.id for person in people.values() if person.licence},
        eligible={person.id: person.roles for person in people.values()},
    )
    return [w for w in found if w.start is None or w.end is None or (w.start < end and w.end > start)]


async def _stored(
    work: Work, doctors: Collection[UUID], start: datetime, end: datetime
) -> list[tuple[UUID, Slot, str]]:
    """The duty of these doctors in all rotas, with the name of each one's desk or hospital."""
    rows = await work.session.execute(
        select(
            DutySlot.schedule_id,
            DutySlot.doctor_id,
            DutySlot.role,
            func.lower(DutySlot.during),
            func.upper(DutySlot.during),
            func.coalesce(Desk.name, Organization.short_name),
        )
        .join(Schedule, Schedule.id == DutySlot.schedule_id)
        .outerjoin(Desk, Desk.id == Schedule.desk_id)
        .outerjoin(Organization, Organization.id == Schedule.hospital_id)
        .where(DutySlot.doctor_id.in_(doctors), DutySlot.during.overlaps(Range(start, end)))
    )
    return [(row[0], Slot(*row[1:5]), row[5]) for row in rows]


async def _names(work: Work, doctors: Collection[UUID]) -> dict[UUID, str]:
    rows = await work.session.execute(select(User.id, User.name).where(User.id.in_(doctors)))
    return {row.id: row.name for row in rows}


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "rest": (
        "{who} chỉ nghỉ {hours} giờ giữa hai ca trực, từ {from} đến {to}.",
        "{who} has only {hours} h of rest between two duties, from {from} to {to}.",
    ),
    "long_duty": (
        "{who} trực chính liên tục {hours} giờ, từ {from} đến {to}.",
        "{who} is first on call for {hours} h without a break, from {from} to {to}.",
    ),
    "gap": ("Không có ai giữ {role} từ {from} đến {to}.", "Nobody is {role} from {from} to {to}."),
    "two_desks": (
        "{who} cùng lúc trực ở {place}, từ {from} đến {to}.",
        "{who} is on duty at {place} at the same time, from {from} to {to}.",
    ),
    "empty_layer": ("Lớp «{place}» ({role}) không có ai.", "Nobody is in the layer “{place}” ({role})."),
    "no_required_roles": (
        "Không vai trò nào bắt buộc phải có người: nơi này không có ai trực thì cũng không ai được báo.",
        "No role needs somebody: nobody is told when nobody is on duty here.",
    ),
    "no_effect": (
        "Thay đổi cho {who} ({role}) từ {from} đến {to} không làm ca trực nào khác đi.",
        "The change for {who} ({role}) from {from} to {to} moves nobody's duty.",
    ),
    "on_leave": (
        "{who} đang nghỉ phép mà vẫn có ca {role} từ {from} đến {to}.",
        "{who} is on leave, and is {role} all the same from {from} to {to}.",
    ),
    "licence_missing": ("{who} chưa có số giấy phép hành nghề.", "{who} has no practice licence on record."),
    "not_eligible": (
        "{who} có trong một lớp {role} nhưng không còn trực ở đây được.",
        "{who} is in a layer of {role}, and may not be on duty here any more.",
    ),
}
_ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "primary": ("trực chính", "first on call"),
    "backup": ("trực dự bị", "backup"),
    "head_of_shift": ("trưởng tua", "head of shift"),
    "red_team": ("đội báo động đỏ", "red team"),
    "leadership": ("trực lãnh đạo", "leadership"),
    "coordinator": ("điều phối", "coordinator"),
}


def _said(work: Work, warning: Doubt, names: Mapping[UUID, str], *, new: bool) -> Json:
    language = int(work.language == "en")
    who = names.get(warning.doctor, "?") if warning.doctor else ""
    role = _ROLES.get(warning.role or "", ("", ""))[language]
    hours = f"{warning.hours:.10g}" if warning.hours is not None else ""
    words = {
        "who": who,
        "role": role,
        "place": warning.place or "–",
        "hours": hours if language else hours.replace(".", ","),
        "from": _clock(warning.start),
        "to": _clock(warning.end),
    }
    return {
        "code": warning.code,
        "detail": _WORDS[warning.code][language].format_map(words),
        "doctor": warning.doctor,
        "doctor_name": who or None,
        "role": warning.role,
        "from": warning.start,
        "to": warning.end,
        "new": new,
    }


def _clock(instant: datetime | None) -> str:
    return instant.astimezone(ZoneInfo(HOME_ZONE)).strftime("%H:%M %d/%m") if instant else ""
