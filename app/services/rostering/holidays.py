"""Holidays of Vietnam: seeded once from the pinned library, and from then on the hospitals' own to edit.

An upgrade of the library changes nothing by itself: `hoichan holidays` shows what differs, `--apply` takes it over.
Hospitals' own rows and rows that a network file brought are never touched.
"""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import NotFound
from app.identifiers import new_id
from app.models.organization import Organization
from app.models.rota import Holiday
from app.models.rota_format import HOME_ZONE, read_zone
from app.models.rota_rules import WEEKDAYS
from app.policy import Action, allow
from app.services.rostering import duty_moves, rota_people
from app.services.rostering.duty_moves import Move
from app.services.rostering.duty_settled import resettle
from app.services.rostering.rota_view import holidays_of
from app.services.rostering.rotas import Rota
from app.work import Work

Json = dict[str, Any]
YEARS: Final = 3
"""This year and the next two."""
_NAMED_DATE: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
"""The library names the worked date in the name of its day off."""


class Day(NamedTuple):
    """What a date is: off, or worked (as which weekday)."""

    kind: str
    as_day: str | None
    name: str

    def __str__(self) -> str:
        """As the command line shows it."""
        return (
            self.name
            if self.kind == "off"
            else f"{self.name} [{self.kind}{f' as {self.as_day}' if self.as_day else ''}]"
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What the library says otherwise than the rows of the country, by date."""

    added: dict[date, Day]
    changed: dict[date, tuple[Day, Day]]
    removed: dict[date, Day]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.changed or self.removed)

    def lines(self) -> list[str]:
        """The difference as the command line prints it."""
        rows = [(day, f"+ {day} {new}") for day, new in self.added.items()]
        rows += [(day, f"~ {day} {old} → {new}") for day, (old, new) in self.changed.items()]
        rows += [(day, f"- {day} {old}") for day, old in self.removed.items()]
        return [line for _, line in sorted(rows)]


async def seed(work: Work) -> int:
    """Bring in the country's holidays for each of the coming years that has none of them yet; return how many.

    What was added by hand or by a file stays, and keeps no Tết away. Any number of processes may do this at once. Duty
    follows: gaps are found, and whoever is moved is told, but for the very first time, when nobody knew their duty yet.
    """
    first = _today(work).year
    years = func.date_part("year", Holiday.day)
    known = await work.session.execute(
        select(years).where(Holiday.hospital_id.is_(None), Holiday.source == "library").distinct()
    )
    there = {int(row[0]) for row in known}
    missing = [year for year in range(first, first + YEARS) if year not in there]
    if not missing:
        return 0
    added = await asyncio.to_thread(library, missing)
    moves = await _moved(work, Difference(added, {}, {}))
    if there:
        await duty_moves.tell(work, moves)
    return len(added)


async def compare(work: Work, years: Iterable[int] | None = None) -> Difference:
    """What the library says otherwise than the country's rows that came from it."""
    first = _today(work).year
    chosen = sorted(years) if years is not None else list(range(first, first + YEARS))
    says = await asyncio.to_thread(library, chosen)
    rows = await work.session.execute(
        select(Holiday.day, Holiday.kind, Holiday.as_day, Holiday.name, Holiday.source).where(
            Holiday.hospital_id.is_(None), func.date_part("year", Holiday.day).in_(chosen)
        )
    )
    there = {row.day: (row.source, Day(row.kind, row.as_day, row.name)) for row in rows}
    return Difference(
        added={day: new for day, new in says.items() if day not in there},
        changed={
            day: (there[day][1], new)
            for day, new in says.items()
            if day in there and there[day][0] == "library" and there[day][1] != new
        },
        removed={day: old for day, (source, old) in there.items() if source == "library" and day not in says},
    )


async def take_over(work: Work, difference: Difference) -> None:
    """Take over what the library says, and let duty follow: gaps are found and whoever is moved is told, at once."""
    await duty_moves.tell(work, await _moved(work, difference))


async def _moved(work: Work, difference: Difference) -> list[Move]:
    async def change(_rotas: list[Rota]) -> None:
        await apply(work, difference)

    return (await resettle(work, await rota_people.all_rotas(work), change)).moves


async def apply(work: Work, difference: Difference) -> None:
    """Take over what the library says; rotas are to be compiled afterwards."""
    await _add(work, difference.added)
    of_library = Holiday.hospital_id.is_(None) & (Holiday.source == "library")
    for day, (_, new) in difference.changed.items():
        await work.session.execute(update(Holiday).where(of_library, Holiday.day == day).values(**new._asdict()))
    if difference.removed:
        await work.session.execute(delete(Holiday).where(of_library, Holiday.day.in_(difference.removed)))


async def of_year(work: Work, year: int | None, hospital_id: UUID | None) -> Json:
    """The holidays of a year: the country's, and those of a hospital (the actor's unless said otherwise)."""
    allow(work, Action.SEE_NETWORK)
    if hospital_id is not None and await work.session.get(Organization, hospital_id) is None:
        raise NotFound
    year = year or _today(work).year
    whose = hospital_id or work.subject.hospital_id
    return {"year": year, "items": await holidays_of(work, whose, date(year, 1, 1), date(year + 1, 1, 1))}


def library(years: Iterable[int]) -> dict[date, Day]:
    """What the pinned library says about Vietnam: Tết, days in lieu, and Saturdays worked for a bridge day.

    A worked Saturday follows the weekday of the day off that it stands for.
    """
    import holidays  # noqa: PLC0415 (a big package that serving needs once a year)

    chosen = set(years)
    found = holidays.country_holidays("VN", years=sorted(chosen), language="vi")
    days = {day: Day("off", None, "; ".join(found.get_list(day))) for day in sorted(found) if day.year in chosen}
    stands_for = {}
    for day, off in days.items():
        for named in _NAMED_DATE.findall(off.name):
            stands_for[date(*map(int, reversed(named)))] = day
    for day in sorted(found.weekend_workdays):
        if day.year in chosen:
            off_day = stands_for.get(day)
            as_day = WEEKDAYS[off_day.weekday()] if off_day else None
            days[day] = Day("working", as_day, f"Làm bù cho ngày {off_day:%d/%m/%Y}" if off_day else "Làm bù")
    return days


def _today(work: Work) -> date:
    return work.now.astimezone(read_zone(HOME_ZONE)).date()


async def _add(work: Work, days: dict[date, Day]) -> None:
    if not days:
        return
    rows = [
        {"id": new_id(work.now), "hospital_id": None, "day": day, **what._asdict(), "source": "library"}
        for day, what in days.items()
    ]
    await work.session.execute(insert(Holiday).on_conflict_do_nothing(), rows)
