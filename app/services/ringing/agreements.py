"""Agreements between two parties: made, changed and read by both, and warned of before they end.

A party is a hospital, or a health department, which stands for its hospitals. The past of a term is never changed. The
database refuses two agreements of the same parties for one specialty at one time; the answer says which is in the way.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import delete, or_, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from app.errors import AgreementEnded, AgreementOverlaps, Forbidden, Invalid, NotFound, Stale
from app.identifiers import new_id
from app.models.agreement import Agreement, AgreementDesk
from app.models.desk import Desk
from app.models.organization import Organization, OrganizationKind
from app.models.specialty import Specialty
from app.models.user import Role, User
from app.policy import DutyAction, Verdict, allow_duty, decide_duty, standings_to
from app.services.facts import events
from app.services.facts.authors import last_author
from app.services.outside import notices
from app.services.outside.notices import Announcement
from app.work import Subject, Work

_JUST_NOW: Final = timedelta(minutes=1)
Json = dict[str, Any]
Parties = Mapping[UUID, Organization]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An agreement as somebody wants it, or a change of one: what is None stays."""

    rank: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    desks: Sequence[UUID] | None = None
    title: str | None = None
    endless: bool = False
    """It has no end any more."""


# Reading


async def list_(
    work: Work, *, party: UUID | None = None, specialty: str | None = None, state: str | None = None
) -> list[Json]:
    """Agreements that the actor's hospital is a party of, itself or through its department; by specialty and start."""
    allow_duty(DutyAction.SEE_AGREEMENT, standings_to(work.subject, [work.subject.hospital_id], departments=True))
    chosen = select(Agreement).order_by(Agreement.specialty, Agreement.rank, Agreement.during, Agreement.id)
    if party is not None:
        chosen = chosen.where(or_(Agreement.asking_id == party, Agreement.answering_id == party))
    if specialty is not None:
        chosen = chosen.where(Agreement.specialty == specialty)
    found = (await work.session.scalars(chosen)).all()
    parties = await _parties(work, {p for a in found for p in (a.asking_id, a.answering_id)})
    members = await _members(work, parties)
    seen = [a for a in found if _sees(work.subject, a, parties, members) and state in (None, a.state(work.now))]
    return await _shown(work, seen, parties)


async def expiring(work: Work, hospital_id: UUID) -> list[Json]:
    """Agreements under which a hospital answers and that end within 60 days: what its board shows."""
    rows = await work.session.execute(_EXPIRING, {"hospital": hospital_id, "now": work.now})
    return [dict(row) for row in rows.mappings()]


# Making and changing


async def make(work: Work, asking: UUID, answering: UUID, specialty: str, wanted: Wanted) -> Json:
    """Agree that one party answers a specialty for another. Raises Invalid, Forbidden or AgreementOverlaps."""
    parties = await _parties(work, {asking, answering}, lock=True)
    for field, party in (("asking", asking), ("answering", answering)):
        if party not in parties or not parties[party].active:
            raise Invalid(field, "Không có bệnh viện hay Sở Y tế này.", "There is no such hospital or department.")
    if asking == answering:
        raise Invalid("answering", "Hai bên phải khác nhau.", "The two parties must differ.")
    if not _may(work.subject, DutyAction.SET_AGREEMENT, parties.values()):
        raise Forbidden
    if not await work.session.scalar(select(Specialty.active).where(Specialty.code == specialty)):
        raise Invalid("specialty", f"Không có chuyên khoa {specialty}.", f"There is no specialty {specialty}.")
    start, end = wanted.start or work.now, wanted.end
    _check_term(start, end)
    if end is not None and end <= work.now:
        raise Invalid("to", "Thời hạn đã qua.", "The term is over already.")
    await _check_desks(work, wanted.desks or (), specialty, answering)
    agreement = Agreement(
        id=new_id(work.now),
        asking_id=asking,
        answering_id=answering,
        specialty=specialty,
        rank=wanted.rank or 1,
        during=Range(start, end),
        title=wanted.title or "",
        version=1,
    )
    await _store(work, agreement, wanted, (start, end))
    return await _changed(work, agreement, parties, None)


async def change(work: Work, agreement_id: UUID, version: int, wanted: Wanted) -> Json:
    """Change rank, term, desks or title. What has passed stays: a beginning is fixed then, an end is never before now.

    Raises NotFound, Forbidden, Stale, AgreementEnded, Invalid or AgreementOverlaps.
    """
    agreement = await work.session.get(Agreement, agreement_id)
    if agreement is None:
        raise NotFound
    parties = await _parties(work, {agreement.asking_id, agreement.answering_id}, lock=True)
    await work.session.refresh(agreement, with_for_update=True)
    members = await _members(work, parties)
    if not _sees(work.subject, agreement, parties, members):
        raise NotFound
    if not _may(work.subject, DutyAction.SET_AGREEMENT, parties.values()):
        raise Forbidden
    if agreement.version != version:
        about = {"agreement_id": agreement.id}
        by_name = await last_author(work, f"hospital:{agreement.answering_id}", "agreement.changed", about)
        raise Stale(version=agreement.version, by_name=by_name)
    if agreement.state(work.now) == "ended":
        raise AgreementEnded
    start, end = wanted.start or agreement.start, None if wanted.endless else wanted.end or agreement.end
    _check_term(start, end)
    if start != agreement.start and min(start, agreement.start) < work.now:
        raise Invalid("from", "Thời gian đã qua không sửa được.", "What has passed cannot be changed.")
    if end is not None and work.now - _JUST_NOW <= end < work.now:
        end = max(work.now, start)  # «now», by the clock of a device
    if end is not None and end < work.now:
        raise Invalid("to", "Không thể kết thúc trước lúc này.", "It cannot end before now.")
    if wanted.desks is not None:
        await _check_desks(work, wanted.desks, agreement.specialty, agreement.answering_id)
    before = _term(agreement, await _desks_of(work, [agreement.id]))
    await _store(work, agreement, wanted, (start, end))
    return await _changed(work, agreement, parties, before)


def _check_term(start: datetime, end: datetime | None) -> None:
    for field, at in (("from", start), ("to", end)):
        if at is not None and not 1970 <= at.year <= 2200:
            raise Invalid(field, "Chỉ từ năm 1970 đến năm 2200.", "Only from the year 1970 to 2200.")
    if end is not None and end <= start:
        raise Invalid("to", "«to» phải sau «from».", "`to` must be after `from`.")


async def _check_desks(work: Work, desks: Sequence[UUID], specialty: str, answering: UUID) -> None:
    """Each desk is of the specialty, and of the answering hospital or of a member of the answering department."""
    rows = await work.session.execute(
        select(Desk.id, Desk.specialty, Desk.active, Organization.id.label("hospital"), Organization.department_id)
        .join(Organization, Organization.id == Desk.hospital_id)
        .where(Desk.id.in_(desks))
    )
    found = {row.id: row for row in rows}
    for place, desk_id in enumerate(desks):
        row, field = found.get(desk_id), f"desks.{place}"
        if row is None or not row.active:
            raise Invalid(field, "Không có bàn trực này.", "There is no such desk.")
        if desk_id in desks[:place]:
            raise Invalid(field, "Bàn trực này đã có ở trên.", "This desk is listed already.")
        if row.specialty != specialty:
            raise Invalid(
                field,
                f"Bàn trực này là {row.specialty}, không phải {specialty}.",
                f"This desk is of {row.specialty}, not of {specialty}.",
            )
        if answering not in (row.hospital, row.department_id):
            raise Invalid(
                field, "Bàn trực này không thuộc bên trả lời.", "This desk does not belong to the answering party."
            )


async def _store(work: Work, agreement: Agreement, wanted: Wanted, term: tuple[datetime, datetime | None]) -> None:
    """Write a new agreement, or the change of one; raises AgreementOverlaps, by the database's word."""
    start, end = term
    key = {
        "id": agreement.id,
        "asking": agreement.asking_id,
        "answering": agreement.answering_id,
        "specialty": agreement.specialty,
        "start": start,
        "end": end,
    }
    try:
        async with work.session.begin_nested():
            if agreement in work.session:
                agreement.change(rank=wanted.rank, title=wanted.title, start=start, end=end)
            work.session.add(agreement)
            await work.session.flush()
    except IntegrityError as error:
        if not isinstance(getattr(error.orig, "__cause__", None), asyncpg.ExclusionViolationError):
            raise
        raise await _in_the_way(work, key) from None
    if wanted.desks is not None:
        await work.session.execute(delete(AgreementDesk).where(AgreementDesk.agreement_id == agreement.id))
        ranked = enumerate(wanted.desks, start=1)
        work.session.add_all(AgreementDesk(agreement_id=agreement.id, desk_id=d, rank=rank) for rank, d in ranked)
        await work.session.flush()


async def _in_the_way(work: Work, key: Json) -> AgreementOverlaps:
    """Name the agreement that the database refused to overlap."""
    row = (await work.session.execute(_OVERLAPPING, key)).first()
    if row is None:  # it went away in the same instant
        return AgreementOverlaps(specialty=key["specialty"], since="…", until="…", named="…")
    until = row.until.isoformat() if row.until else None
    return AgreementOverlaps(
        agreement_id=str(row.id),
        specialty=key["specialty"],
        since=row.since.date().isoformat(),
        until=row.until.date().isoformat() if row.until else "…",
        named=row.title or str(row.id),
        **{"from": row.since.isoformat(), "to": until},
    )


async def _changed(work: Work, agreement: Agreement, parties: Parties, before: Json | None) -> Json:
    """Record the change at both parties, and return the agreement as it is read."""
    after = _term(agreement, await _desks_of(work, [agreement.id]))
    data = _facts(agreement, parties, work.now) | {"before": before, "after": after}
    chains = sorted({f"hospital:{agreement.asking_id}", f"hospital:{agreement.answering_id}"})
    await events.record_each_about(work, [(chain, "agreement.changed", data) for chain in chains])
    return (await _shown(work, [agreement], parties))[0]


# Warning


async def due(work: Work, but: Collection[UUID], limit: int) -> list[UUID]:
    """Agreements that have reached 60, 30 or 7 days before their end and were not warned of it."""
    rows = await work.session.execute(_WARNINGS, {"now": work.now, "but": list(but), "most": limit})
    return [row.id for row in rows]


async def warn(work: Work, agreement_ids: Collection[UUID]) -> int:
    """Warn administrators of both parties, and show it on both boards; return how many agreements were looked at."""
    found = (
        await work.session.scalars(
            select(Agreement)
            .where(Agreement.id.in_(agreement_ids))
            .order_by(Agreement.id)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    ).all()
    parties = await _parties(work, {p for a in found for p in (a.asking_id, a.answering_id)})
    admins = await _admins(work, parties)
    said: list[tuple[str, str, Json]] = []
    for agreement in found:
        days = agreement.warn(work.now)
        if days is None:
            continue
        asking, answering = agreement.asking_id, agreement.answering_id
        people = sorted({*admins[asking], *admins[answering]})
        data = _facts(agreement, parties, work.now) | {"days": days}
        chains = [f"hospital:{asking}", f"hospital:{answering}", *(f"user:{person}" for person in people)]
        said += [(chain, "agreement.expiring", data) for chain in chains]
        await notices.tell(work, people, _announcement(agreement, parties, days))
    await work.session.flush()
    await events.record_each_about(work, said)
    return len(found)


def _announcement(agreement: Agreement, parties: Parties, days: int) -> Announcement:
    assert agreement.end is not None
    words = {
        "asking": parties[agreement.asking_id].short_name,
        "answering": parties[agreement.answering_id].short_name,
        "specialty": agreement.specialty,
        "days": days,
        "to": agreement.end,
    }
    key = f"agreement:{agreement.id}:{agreement.end.isoformat()}:{days}"
    return Announcement("agreement", f"agreement:{agreement.id}", key, words)


# What they share


def _may(subject: Subject, action: DutyAction, parties: Iterable[Organization], also: Iterable[UUID] = ()) -> bool:
    """Whether the subject may do this as one of these parties, or as one of the hospitals in `also`."""
    parties = list(parties)
    departments = any(party.kind == OrganizationKind.HEALTH_DEPARTMENT for party in parties)
    standings = standings_to(subject, [*(party.id for party in parties), *also], departments=departments)
    return decide_duty(action, standings) is Verdict.ALLOW


async def _parties(work: Work, ids: Collection[UUID], *, lock: bool = False) -> Parties:
    """Load parties; locked, so that of two agreements of the same parties one is stored after the other."""
    chosen = select(Organization).where(Organization.id.in_(ids)).order_by(Organization.id)
    found = await work.session.scalars(chosen.with_for_update(key_share=True) if lock else chosen)
    return {party.id: party for party in found}


async def _members(work: Work, parties: Parties) -> Mapping[UUID, list[UUID]]:
    """The hospitals that each of these departments stands for, as of now."""
    rows = await work.session.execute(
        select(Organization.department_id, Organization.id).where(Organization.department_id.in_(parties))
    )
    members: dict[UUID, list[UUID]] = defaultdict(list)
    for department, hospital in rows:
        if department is not None:
            members[department].append(hospital)
    return members


def _sees(subject: Subject, agreement: Agreement, parties: Parties, members: Mapping[UUID, list[UUID]]) -> bool:
    """Whether it is an agreement of the subject's hospital, itself or through its department."""
    both = (agreement.asking_id, agreement.answering_id)
    also = [hospital for party in both for hospital in members.get(party, ())]
    return _may(subject, DutyAction.SEE_AGREEMENT, (parties[party] for party in both), also)


async def _admins(work: Work, parties: Parties) -> Mapping[UUID, list[UUID]]:
    """Who administers each party: a hospital's administrators; the platform's operators for a department."""
    rows = await work.session.execute(
        select(User.id, User.role, User.hospital_id).where(User.active, User.role.in_((Role.ADMIN, Role.OPERATOR)))
    )
    admins: dict[UUID, list[UUID]] = defaultdict(list)
    operators: list[UUID] = []
    for user_id, role, hospital in rows:
        if role == Role.OPERATOR:
            operators.append(user_id)
        elif hospital is not None:
            admins[hospital].append(user_id)
    return {
        party.id: operators if party.kind == OrganizationKind.HEALTH_DEPARTMENT else admins[party.id]
        for party in parties.values()
    }


async def _desks_of(work: Work, agreement_ids: Collection[UUID]) -> Mapping[UUID, list[Json]]:
    rows = await work.session.execute(
        select(
            AgreementDesk.agreement_id,
            Desk.id,
            Desk.name,
            Desk.hospital_id,
            Organization.short_name,
        )
        .join(Desk, Desk.id == AgreementDesk.desk_id)
        .join(Organization, Organization.id == Desk.hospital_id)
        .where(AgreementDesk.agreement_id.in_(agreement_ids))
        .order_by(AgreementDesk.rank, Desk.id)
    )
    found: dict[UUID, list[Json]] = defaultdict(list)
    for agreement_id, desk, name, hospital, hospital_name in rows:
        found[agreement_id].append(
            {"desk": desk, "desk_name": name, "hospital": hospital, "hospital_name": hospital_name}
        )
    return found


async def _shown(work: Work, of: Sequence[Agreement], parties: Parties) -> list[Json]:
    desks = await _desks_of(work, [agreement.id for agreement in of])
    return [
        {
            "id": a.id,
            "version": a.version,
            "asking": a.asking_id,
            "asking_name": parties[a.asking_id].short_name,
            "answering": a.answering_id,
            "answering_name": parties[a.answering_id].short_name,
            "specialty": a.specialty,
            "rank": a.rank,
            "from": a.start,
            "to": a.end,
            "title": a.title,
            "desks": desks.get(a.id, []),
            "state": a.state(work.now),
            "days_left": a.days_left(work.now),
            "may_change": a.state(work.now) != "ended"
            and _may(work.subject, DutyAction.SET_AGREEMENT, (parties[a.asking_id], parties[a.answering_id])),
        }
        for a in of
    ]


def _facts(agreement: Agreement, parties: Parties, now: datetime) -> Json:
    """What every fact about an agreement carries; boards are shown no title."""
    return {
        "agreement_id": agreement.id,
        "asking": agreement.asking_id,
        "asking_name": parties[agreement.asking_id].short_name,
        "answering": agreement.answering_id,
        "answering_name": parties[agreement.answering_id].short_name,
        "specialty": agreement.specialty,
        "from": agreement.start,
        "to": agreement.end,
        "state": agreement.state(now),
    }


def _term(agreement: Agreement, desks: Mapping[UUID, list[Json]]) -> Json:
    return {
        "rank": agreement.rank,
        "from": agreement.start,
        "to": agreement.end,
        "title": agreement.title,
        "desks": [desk["desk"] for desk in desks.get(agreement.id, ())],
        "version": agreement.version,
    }


_OVERLAPPING = text("""
SELECT id, lower(during) AS since, upper(during) AS until, title FROM agreement
WHERE asking_id = CAST(:asking AS uuid) AND answering_id = CAST(:answering AS uuid)
  AND specialty = CAST(:specialty AS text) AND id <> CAST(:id AS uuid)
  AND during && tstzrange(CAST(:start AS timestamptz), CAST(:end AS timestamptz))
ORDER BY lower(during) LIMIT 1
""")

# The nearest warning that the term has reached differs from the last one given.
_WARNINGS = text("""
SELECT id FROM agreement
WHERE id <> ALL (CAST(:but AS uuid[]))
  AND warned_days IS DISTINCT FROM CASE
    WHEN upper(during) IS NULL OR upper(during) <= CAST(:now AS timestamptz) THEN
      CASE WHEN upper(during) <= CAST(:now AS timestamptz) THEN warned_days END
    WHEN upper(during) <= CAST(:now AS timestamptz) + interval '168 hours' THEN 7
    WHEN upper(during) <= CAST(:now AS timestamptz) + interval '720 hours' THEN 30
    WHEN upper(during) <= CAST(:now AS timestamptz) + interval '1440 hours' THEN 60
  END
ORDER BY id LIMIT :most
""")

_EXPIRING = text("""
SELECT a.id AS agreement_id, a.asking_id AS asking, q.short_name AS asking_name, a.answering_id AS answering,
       r.short_name AS answering_name, a.specialty, lower(a.during) AS "from", upper(a.during) AS "to",
       CAST(ceil(extract(epoch FROM upper(a.during) - CAST(:now AS timestamptz)) / 86400) AS integer) AS days_left
FROM agreement a JOIN organization q ON q.id = a.asking_id JOIN organization r ON r.id = a.answering_id
JOIN organization h ON h.id = CAST(:hospital AS uuid)
WHERE a.answering_id IN (h.id, h.department_id) AND a.during @> CAST(:now AS timestamptz)
  AND upper(a.during) <= CAST(:now AS timestamptz) + interval '1440 hours'
ORDER BY upper(a.during), a.id
""")
