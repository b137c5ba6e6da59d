"""Importing a rota that is kept elsewhere: all of it or nothing, line by line what is wrong, and twice like once.

A shift is known by rota, source, UID and recurrence (in a table, which has no UIDs, by role, doctor and start). What is
missing from a newer file stays, unless the file is said to be the whole (`replace`). What has ended is left alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import Range

from app.errors import ImportRefused
from app.identifiers import new_id
from app.models.civil_time import Clockface
from app.models.rota import ImportedShift, Schedule
from app.models.rota_format import HOME_ZONE, read_zone
from app.models.rota_import import Entry, Sheet, read_csv
from app.models.user import User
from app.policy import DutyAction, allow_duty
from app.services.rostering import rota_documents as documents
from app.services.rostering.duty import HORIZON_DAYS
from app.services.rostering.duty_settled import resettle
from app.services.rostering.publications import first_rota, require, tell_of
from app.services.rostering.rota_calendars import looks_like_one, read_calendar
from app.services.rostering.rota_changes import Changed
from app.services.rostering.rotas import Candidate, Owner, Rota, candidates, owner_of, schedule_id_of, standings
from app.work import Work

Json = dict[str, Any]
_MOST_TOLD: Final = 200
_Identity = tuple[str, str]


@dataclass(slots=True)
class _Plan:
    """What an import would do to the shifts of one source."""

    insert: list[Json] = field(default_factory=list)
    update: list[Json] = field(default_factory=list)
    delete: list[UUID] = field(default_factory=list)
    renumber: list[Json] = field(default_factory=list)
    """Nothing changes but the sequence: older files count no more."""
    there: dict[UUID, Json] = field(default_factory=dict)
    """The shifts of this source as they were."""

    def __bool__(self) -> bool:
        return bool(self.insert or self.update or self.delete)

    def changes(self) -> list[Changed]:
        """What it does, as facts tell it: each shift before and after."""
        return [
            *(Changed("put", "imported", row["id"], None, _document(row)) for row in self.insert),
            *(
                Changed("put", "imported", row["id"], before, before | _document(row))
                for row in self.update
                for before in (self.there[row["id"]],)
            ),
            *(Changed("delete", "imported", id_, self.there[id_], None) for id_ in self.delete),
        ]


def _document(values: Json) -> Json:
    """The new values of a shift in the words of the contract."""
    during = documents.span(values["during"])
    named = {name: values[name] for name in ("id", "source", "uid", "recurrence_id") if name in values}
    return {**named, "sequence": values["sequence"], "role": values["role"], "doctor": values["doctor_id"], **during}


async def import_rota(work: Work, desk_id: UUID, raw: bytes, *, dry_run: bool, replace: bool, source: str) -> Json:
    """Import a table (CSV) or a calendar (iCalendar) into the rota of a desk, or say what that would do.

    Raises NotFound, Forbidden and, with the number of each wrong line, ImportRefused.
    """
    owner = await owner_of(work, desk_id=desk_id)
    schedule_id = await schedule_id_of(work, owner)
    row = (await work.session.execute(_HEAD.where(Schedule.id == schedule_id))).first()
    allow_duty(DutyAction.IMPORT_ROTA, standings(work, owner, row.head_id if row else None))
    sheet, kind = await _read(work, raw, row.zone if row else HOME_ZONE)
    entries = await _resolved(work, owner, sheet, calendar=kind == "ical")
    called = f"{kind}:{source}" if source else kind
    if sheet.complaints and not dry_run:
        raise ImportRefused(errors=_errors(work, sheet))
    if dry_run:
        plan = await _plan(work, schedule_id, called, entries, replace=replace)
        return _answer(work, sheet, plan, row.version if row else 0, dry_run=True)
    await owner_of(work, desk_id=desk_id, lock=True)
    schedule_id = await schedule_id_of(work, owner)
    first: _Plan | None = None
    if schedule_id is None:
        first = await _plan(work, None, called, entries, replace=replace)
        if not first:  # a rota without anything in it would say that this desk has one
            return _answer(work, sheet, first, 0, dry_run=False)
        schedule_id = await first_rota(work, owner)
    return await _carry_out(work, owner, schedule_id, called, entries, sheet, first, replace=replace)


_HEAD: Final = select(Schedule.head_id, Schedule.zone, Schedule.version)


async def _read(work: Work, raw: bytes, zone: str) -> tuple[Sheet, str]:
    clock = Clockface(read_zone(zone))
    if looks_like_one(raw):
        until = work.now + timedelta(days=HORIZON_DAYS)
        return await asyncio.to_thread(read_calendar, raw, clock, work.now, until), "ical"
    return await asyncio.to_thread(read_csv, raw, clock), "csv"


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An entry whose doctor was found; a cancellation needs none."""

    entry: Entry
    doctor: UUID | None
    identity: _Identity


async def _resolved(work: Work, owner: Owner, sheet: Sheet, *, calendar: bool) -> list[_Resolved]:
    """Find the doctor of each entry, and refuse what is there twice."""
    people = await candidates(work, owner)
    named = await _names(work, people, calendar=calendar)
    found: dict[_Identity, _Resolved] = {}
    for entry in sheet.entries:
        if entry.cancelled:
            identity = (entry.uid, "*" if entry.series else entry.recurrence_id)
            found[identity] = _Resolved(entry, None, identity)
            continue
        doctor = _doctor(sheet, entry, named)
        if doctor is None:
            continue
        uid = entry.uid or f"{entry.role}/{doctor}/{entry.start:%Y%m%dT%H%M%SZ}"
        identity = (uid, entry.recurrence_id)
        if identity in found:
            line = found[identity].entry.line
            sheet.complain(entry.line, f"Trùng với dòng {line}.", f"The same as line {line}.")
            continue
        found[identity] = _Resolved(entry, doctor, identity)
    return list(found.values())


async def _names(work: Work, people: dict[UUID, Candidate], *, calendar: bool) -> dict[str, set[UUID]]:
    """Whom a licence, an e-mail address or a user name means; in a calendar also an id, or the whole name."""
    rows = await work.session.execute(
        select(User.id, User.licence, User.email, User.username, User.name).where(User.id.in_(people))
    )
    found: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        for name in (row.licence, row.email, row.username, *((str(row.id), row.name) if calendar else ())):
            if name and name.strip():
                found[" ".join(name.casefold().split())].add(row.id)
    return found


def _doctor(sheet: Sheet, entry: Entry, named: dict[str, set[UUID]]) -> UUID | None:
    for names in entry.who:
        meant = set().union(*(named.get(" ".join(name.casefold().split()), set()) for name in names))
        if len(meant) > 1:
            sheet.complain(
                entry.line,
                "Nhiều bác sĩ khớp với dòng này. Ghi số giấy phép hành nghề hoặc e-mail của một người.",
                "Several doctors fit this line. Give the licence or e-mail of one.",
            )
            return None
        if meant:
            return meant.pop()
    sheet.complain(
        entry.line,
        "Không tìm thấy bác sĩ này trong số người trực được ở bàn (số giấy phép, e-mail hoặc tên đăng nhập).",
        "There is no such doctor among those who may be on duty at this desk (licence, e-mail or user name).",
    )
    return None


async def _plan(
    work: Work, schedule_id: UUID | None, source: str, entries: Iterable[_Resolved], *, replace: bool
) -> _Plan:
    rows = await work.session.scalars(
        select(ImportedShift)
        .where(
            ImportedShift.schedule_id == schedule_id,
            ImportedShift.source == source,
        )
        .execution_options(populate_existing=True)
    )
    stored: dict[_Identity, ImportedShift] = {(row.uid, row.recurrence_id): row for row in rows}
    plan = _Plan(there={row.id: documents.imported(row) for row in stored.values()})
    kept, gone = set(), set()
    for resolved in entries:
        if resolved.doctor is None:
            gone |= {key for key in stored if _cancels(resolved, key, stored[key])}
        elif resolved.entry.end > work.now:
            kept.add(resolved.identity)
            _put(work, plan, stored.get(resolved.identity), resolved, source)
    if replace:
        gone |= {key for key in stored if key not in kept}
    plan.delete = [stored[key].id for key in sorted(gone) if (stored[key].during.upper or work.now) > work.now]
    return plan


def _cancels(resolved: _Resolved, key: _Identity, row: ImportedShift) -> bool:
    uid, recurrence = resolved.identity
    return key[0] == uid and recurrence in ("*", key[1]) and resolved.entry.sequence >= row.sequence


def _put(work: Work, plan: _Plan, there: ImportedShift | None, resolved: _Resolved, source: str) -> None:
    entry = resolved.entry
    values = {
        "role": entry.role,
        "doctor_id": resolved.doctor,
        "during": Range(entry.start, entry.end),
        "sequence": entry.sequence,
    }
    if there is None:
        uid, recurrence = resolved.identity
        plan.insert.append(
            {"id": new_id(work.now), "source": source, "uid": uid, "recurrence_id": recurrence, **values}
        )
    elif entry.sequence >= there.sequence:
        different = {name for name, value in values.items() if getattr(there, name) != value}
        if different:
            (plan.renumber if different == {"sequence"} else plan.update).append({"id": there.id, **values})


async def _carry_out(
    work: Work,
    owner: Owner,
    schedule_id: UUID,
    source: str,
    entries: list[_Resolved],
    sheet: Sheet,
    first: _Plan | None,
    *,
    replace: bool,
) -> Json:
    """Carry an import out; of a rota that was made for it the `first` plan is the plan."""
    plans: list[tuple[_Plan, int]] = []

    async def change(rotas: list[Rota]) -> None:
        plan = first or await _plan(work, schedule_id, source, entries, replace=replace)
        plans.append((plan, rotas[0].version))
        await _write(work, schedule_id, plan)
        if not plan:
            return
        if rotas[0].version == 0:
            await require(work, schedule_id, {e.entry.role for e in entries if e.doctor is not None} | {"primary"})
        await work.session.execute(
            update(Schedule)
            .where(Schedule.id == schedule_id)
            .values(version=rotas[0].version + 1)
            .execution_options(synchronize_session=False)
        )

    settled = await resettle(work, [schedule_id], change)
    [(plan, version)] = plans
    if plan:
        version += 1
        await tell_of(work, owner, schedule_id, version, settled.moves, f"import {source}", plan.changes())
    return _answer(work, sheet, plan, version, dry_run=False)


async def _write(work: Work, schedule_id: UUID, plan: _Plan) -> None:
    if plan.delete:
        await work.session.execute(
            delete(ImportedShift).where(ImportedShift.id.in_(plan.delete)).execution_options(synchronize_session=False)
        )
    for values in (*plan.update, *plan.renumber):
        chosen = {name: value for name, value in values.items() if name != "id"}
        await work.session.execute(
            update(ImportedShift)
            .where(ImportedShift.id == values["id"])
            .values(chosen)
            .execution_options(synchronize_session=False)
        )
    if plan.insert:
        rows = [{"schedule_id": schedule_id, **values} for values in plan.insert]
        await work.session.execute(insert(ImportedShift), rows)


def _answer(work: Work, sheet: Sheet, plan: _Plan, version: int, *, dry_run: bool) -> Json:
    return {
        "rows": sheet.rows,
        "added": len(plan.insert),
        "changed": len(plan.update),
        "removed": len(plan.delete),
        "errors": _errors(work, sheet),
        "dry_run": dry_run,
        "version": version,
    }


def _errors(work: Work, sheet: Sheet) -> list[Json]:
    listed = sorted(sheet.complaints, key=lambda complaint: complaint.line)[:_MOST_TOLD]
    return [{"line": c.line, "detail": c.en if work.language == "en" else c.vi} for c in listed]
