"""Duty written as an iCalendar: in UTC, the role named, the same bytes for the same duty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.services.rostering.rota_calendars import DOCTOR, ROLE

_ROLES: Final[Mapping[str, str]] = {
    "primary": "Trực chính",
    "backup": "Trực dự bị",
    "head_of_shift": "Trưởng tua",
    "red_team": "Báo động đỏ",
    "leadership": "Trực lãnh đạo",
    "coordinator": "Điều phối",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One stretch of duty; `version` is that of its rota, and rises whenever it is published."""

    id: UUID
    place: str
    doctor: UUID
    role: str
    start: datetime
    end: datetime
    version: int
    schedule_id: UUID


def write(duties: Iterable[Duty], names: Mapping[UUID, str], *, name: str, zone: str, whose: bool) -> bytes:
    """Write a calendar. `whose`: it shows several people, so each event says whose duty it is."""
    import icalendar  # noqa: PLC0415 (big, and needed by calendars alone)

    calendar = icalendar.Calendar()
    for key, value in (
        ("prodid", "-//hoichan//duty//VI"),
        ("version", "2.0"),
        ("calscale", "GREGORIAN"),
        ("method", "PUBLISH"),
        ("x-wr-calname", f"Lịch trực – {name}"),
        ("x-wr-timezone", zone),
        ("x-published-ttl", "PT1H"),
    ):
        calendar.add(key, value)
    for duty in duties:
        who = names.get(duty.doctor, "")
        event = icalendar.Event()
        event.add("uid", f"{duty.id}@hoichan")
        event.add("sequence", duty.version)
        event.add("dtstamp", duty.start.astimezone(UTC))
        event.add("dtstart", duty.start.astimezone(UTC))
        event.add("dtend", duty.end.astimezone(UTC))
        event.add("summary", " · ".join([_ROLES[duty.role], *([who] if whose else []), duty.place]))
        event.add("categories", [duty.role])
        event.add(ROLE, duty.role)
        event.add(DOCTOR, str(duty.doctor))
        calendar.add_component(event)
    return bytes(calendar.to_ical())
