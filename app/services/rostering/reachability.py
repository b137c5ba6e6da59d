"""«Are you there?»: asked before a duty that does not follow one's own, and an alarm when nobody answers.

Asked once per doctor, rota and start, 15 min before; a duty that was put on the rota later than that is asked about at
once. An answer says that the person is there, so it answers all that they are asked. Whoever did not answer is still
rung for patients: the alarm is for the coordinator.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select, text

from app.errors import CheckOver, NotByEmail, NotFound
from app.identifiers import new_id
from app.models.duty_watch import PASSING, CheckState, DutyGap, GapKind, ReachabilityCheck
from app.models.rota import DutySlot
from app.policy import DutyAction, allow_duty, standings_to
from app.services.outside.notices import Announcement
from app.services.rostering import gaps, rota_people
from app.services.rostering.gaps import Speech
from app.services.rostering.rota_people import Place
from app.work import Work

BEFORE: Final = timedelta(minutes=15)
AFTER: Final = timedelta(minutes=15)
"""How late a duty that has begun is still asked about; what began before nobody looked is not."""
MOST_AT_ONCE: Final = 50
ROLES: Final = ("primary", "backup", "head_of_shift", "red_team", "coordinator", "leadership")
Json = dict[str, Any]


# Asking


async def to_ask(work: Work, but: Collection[UUID], limit: int) -> list[UUID]:
    """Rotas in which somebody must be asked now."""
    rows = await work.session.execute(_ROTAS_TO_ASK, _window(work) | {"but": list(but), "most": limit})
    return [row.schedule_id for row in rows]


async def ask(work: Work, schedule_ids: Collection[UUID]) -> int:
    """Ask whoever begins a duty in these rotas within 15 min, once; return how many were asked."""
    ours = await rota_people.lock_rotas(work, schedule_ids, wait=False)
    rows = (await work.session.execute(_TO_ASK, _window(work) | {"ids": ours, "most": MOST_AT_ONCE})).all()
    if not rows:
        return 0
    places = await rota_people.places(work, ours)
    speech = Speech()
    for row in rows:
        check = ReachabilityCheck(
            id=new_id(work.now),
            schedule_id=row.schedule_id,
            role=row.role,
            doctor_id=row.doctor_id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            asked_at=work.now,
            state=CheckState.ASKED,
        )
        work.session.add(check)
        place = places[row.schedule_id]
        data = facts_of(check, place, row.doctor_name) | {"answer_by": check.answer_by, "at": work.now}
        speech.facts.append((f"user:{check.doctor_id}", "duty.check_asked", data))
        words = {"place": place.name, "role": check.role, "from": check.starts_at, "answer_by": check.answer_by}
        said = Announcement("reachability", about(check), about(check), words, urgent=True)
        speech.calls.append(([check.doctor_id], said))
    await speech.say(work)
    return len(rows)


def _window(work: Work) -> Json:
    return {"now": work.now, "since": work.now - AFTER, "until": work.now + BEFORE, "roles": list(ROLES)}


# Answering


async def answer(work: Work, check_id: UUID, doctor_id: UUID, via: str) -> ReachabilityCheck:
    """The doctor is there, says the client, a key pressed in a call, a link or a text message; and so at every desk.

    A late answer closes the alarm. Answering again changes nothing. Raises NotFound (no such check, or another's),
    CheckOver (the duty has ended) or NotByEmail.
    """
    if via not in PASSING:
        raise NotByEmail
    checks = await _of_doctor(work, doctor_id, check_id)
    await rota_people.lock_rotas(work, {check.schedule_id for check in checks})
    checks = await _of_doctor(work, doctor_id, check_id, lock=True)
    asked = next((check for check in checks if check.id == check_id), None)
    if asked is None:
        raise NotFound
    if asked.state == CheckState.ANSWERED:
        return asked
    if not asked.is_open(work.now):
        raise CheckOver
    places = await rota_people.places(work, {check.schedule_id for check in checks})
    speech = Speech()
    for check in checks:
        if check.is_open(work.now):
            await _answered(work, speech, check, places[check.schedule_id], via)
    await speech.say(work)
    return asked


async def _answered(work: Work, speech: Speech, check: ReachabilityCheck, place: Place, via: str) -> None:
    if check.answer(via, work.now):
        await gaps.close_unreachable(work, speech, place, check.doctor_id, check.starts_at, "answered")
    speech.ended.append(about(check))
    data = facts_of(check, place, await _name(work, check.doctor_id)) | {"at": work.now}
    for chain in (place.board, f"user:{check.doctor_id}"):
        speech.facts.append((chain, "duty.check_answered", data))


async def answer_mine(work: Work, check_id: UUID) -> Json:
    """Answer in the client."""
    check = await work.session.get(ReachabilityCheck, check_id)
    doctor = check.doctor_id if check is not None else None
    allow_duty(DutyAction.ANSWER_CHECK, standings_to(work.subject, (), doctor=doctor))
    answered = await answer(work, check_id, work.subject.id, "client")
    places = await rota_people.places(work, [answered.schedule_id])
    return shown(answered, places[answered.schedule_id])


async def mine(work: Work) -> list[Json]:
    """What I am asked, soonest first: also what I have not answered in time, as long as that duty lasts."""
    checks = [check for check in await _of_doctor(work, work.subject.id, None) if check.is_open(work.now)]
    places = await rota_people.places(work, {check.schedule_id for check in checks})
    return [shown(check, places[check.schedule_id]) for check in checks]


def shown(check: ReachabilityCheck, place: Place) -> Json:
    """One check as its doctor reads it."""
    return {
        "id": check.id,
        "hospital": place.hospital_id,
        "hospital_name": place.hospital_name,
        "desk": place.desk_id,
        "desk_name": place.desk_name,
        "role": check.role,
        "from": check.starts_at,
        "to": check.ends_at,
        "asked_at": check.asked_at,
        "answer_by": check.answer_by,
        "state": check.state,
        "answered_at": check.answered_at,
        "via": check.via,
    }


# When nobody answers


async def unanswered(work: Work, but: Collection[UUID], limit: int) -> list[UUID]:
    """Rotas in which the time to answer has run out for somebody."""
    rows = await work.session.execute(_RUN_OUT, {"now": work.now, "but": list(but), "most": limit})
    return [row.schedule_id for row in rows]


async def alarm(work: Work, schedule_ids: Collection[UUID]) -> int:
    """Tell coordinators of whoever did not answer by the start of their duty; return how many checks were settled."""
    ours = await rota_people.lock_rotas(work, schedule_ids, wait=False)
    rows = await work.session.execute(_UNANSWERED, {"now": work.now, "ids": ours, "most": MOST_AT_ONCE})
    ids = [row.id for row in rows]
    if not ids:
        return 0
    checks = (
        await work.session.scalars(
            select(ReachabilityCheck)
            .where(ReachabilityCheck.id.in_(ids))
            .order_by(ReachabilityCheck.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()
    places = await rota_people.places(work, ours)
    speech = Speech()
    opened: list[DutyGap] = []
    for check in checks:
        slots = await _slots(work, check)
        if slots:
            check.give_up()
            opened += [_gap(work, slot) for slot in slots]
        else:
            await _drop(work, speech, check, places[check.schedule_id])
    work.session.add_all(opened)
    await gaps.tell(work, speech, opened, places)
    names = await gaps.doctor_names(work, opened)
    for gap in opened:
        data = gaps.facts_of(gap, places[gap.owner_id], names) | {"at": work.now}
        speech.facts.append((f"user:{gap.doctor_id}", "duty.unreachable", data))
    await speech.say(work)
    return len(checks)


async def _slots(work: Work, check: ReachabilityCheck) -> Sequence[DutySlot]:
    found = await work.session.scalars(
        select(DutySlot)
        .where(
            DutySlot.schedule_id == check.schedule_id,
            DutySlot.doctor_id == check.doctor_id,
            func.lower(DutySlot.during) == check.starts_at,
            func.upper(DutySlot.during) > work.now,
        )
        .order_by(DutySlot.role)
        .execution_options(populate_existing=True)
    )
    return found.all()


def _gap(work: Work, slot: DutySlot) -> DutyGap:
    return DutyGap(
        id=new_id(work.now),
        schedule_id=slot.schedule_id,
        role=slot.role,
        during=slot.during,
        kind=GapKind.UNREACHABLE,
        doctor_id=slot.doctor_id,
        found_at=work.now,
        told=0,
        next_told_at=work.now,
    )


# When the rota changes


async def follow(work: Work, speech: Speech, places: Mapping[UUID, Place]) -> None:
    """Checks and their alarms go with the duty that they are about: its end moves, or it is there no longer."""
    rows = await work.session.execute(_FOLLOW, {"ids": list(places), "now": work.now})
    for row in rows.all():
        check = await work.session.get(ReachabilityCheck, row.id, with_for_update=True, populate_existing=True)
        if check is None:
            continue
        if row.ends_at is None:
            await _drop(work, speech, check, places[check.schedule_id])
        else:
            await _move_end(work, check, row)


async def _move_end(work: Work, check: ReachabilityCheck, row: Row[Any]) -> None:
    check.ends_at = row.ends_at
    open_gaps = await work.session.scalars(
        select(DutyGap).where(
            DutyGap.schedule_id == check.schedule_id,
            DutyGap.doctor_id == check.doctor_id,
            DutyGap.closed_at.is_(None),
            func.lower(DutyGap.during) == check.starts_at,
        )
    )
    for gap in open_gaps:
        slot = next((slot for slot in await _slots(work, check) if slot.role == gap.role), None)
        gap.move(gap.start, slot.during.upper if slot and slot.during.upper else work.now, work.now)


async def _drop(work: Work, speech: Speech, check: ReachabilityCheck, place: Place) -> None:
    if check.state == CheckState.UNANSWERED:
        await gaps.close_unreachable(work, speech, place, check.doctor_id, check.starts_at, "moved")
    speech.ended.append(about(check))
    data = facts_of(check, place, await _name(work, check.doctor_id)) | {"at": work.now}
    speech.facts.append((f"user:{check.doctor_id}", "duty.check_dropped", data))
    await work.session.delete(check)


def facts_of(check: ReachabilityCheck, place: Place, doctor_name: str | None) -> Json:
    """What every fact about a check carries."""
    return place.facts() | {
        "check_id": check.id,
        "role": check.role,
        "doctor": check.doctor_id,
        "doctor_name": doctor_name,
        "from": check.starts_at,
        "to": check.ends_at,
    }


def about(check: ReachabilityCheck) -> str:
    """What the question's notices stop with."""
    return f"check:{check.id}"


async def _of_doctor(
    work: Work, doctor_id: UUID, check_id: UUID | None, *, lock: bool = False
) -> Sequence[ReachabilityCheck]:
    """The open checks of a doctor, and the one that is named."""
    chosen = (
        select(ReachabilityCheck)
        .where(
            ReachabilityCheck.doctor_id == doctor_id,
            (ReachabilityCheck.id == check_id)
            | ((ReachabilityCheck.state != CheckState.ANSWERED) & (ReachabilityCheck.ends_at > work.now)),
        )
        .order_by(ReachabilityCheck.starts_at, ReachabilityCheck.id)
        .execution_options(populate_existing=True)
    )
    return (await work.session.scalars(chosen.with_for_update() if lock else chosen)).all()


async def _name(work: Work, doctor_id: UUID) -> str | None:
    name: str | None = await work.session.scalar(_NAME, {"id": doctor_id})
    return name


_NAME = text("SELECT name FROM user_account WHERE id = CAST(:id AS uuid)")

_STARTING = """
  d.start_told_at IS NULL AND lower(d.during) <= CAST(:until AS timestamptz)
  AND lower(d.during) > CAST(:since AS timestamptz) AND upper(d.during) > CAST(:now AS timestamptz)
  AND d.role = ANY(CAST(:roles AS text[])) AND u.active
  AND NOT EXISTS (SELECT 1 FROM reachability_check c WHERE c.schedule_id = d.schedule_id
                  AND c.doctor_id = d.doctor_id AND c.starts_at = lower(d.during))
  AND NOT EXISTS (SELECT 1 FROM duty_slot p WHERE p.schedule_id = d.schedule_id AND p.doctor_id = d.doctor_id
                  AND lower(p.during) < lower(d.during) AND upper(p.during) >= lower(d.during))
"""
_ROTAS_TO_ASK = text(f"""
SELECT d.schedule_id FROM duty_slot d JOIN user_account u ON u.id = d.doctor_id
WHERE {_STARTING} AND d.schedule_id <> ALL (CAST(:but AS uuid[]))
GROUP BY 1 ORDER BY min(lower(d.during)) LIMIT :most
""")  # noqa: S608  # a constant of this module
_TO_ASK = text(f"""
SELECT DISTINCT ON (d.schedule_id, d.doctor_id, lower(d.during))
       d.schedule_id, d.doctor_id, u.name AS doctor_name, d.role, lower(d.during) AS starts_at,
       max(upper(d.during)) OVER (PARTITION BY d.schedule_id, d.doctor_id, lower(d.during)) AS ends_at
FROM duty_slot d JOIN user_account u ON u.id = d.doctor_id
WHERE {_STARTING} AND d.schedule_id = ANY(CAST(:ids AS uuid[]))
ORDER BY d.schedule_id, d.doctor_id, lower(d.during), array_position(CAST(:roles AS text[]), d.role) LIMIT :most
""")  # noqa: S608  # a constant of this module

_WITHIN = "greatest(c.starts_at, c.asked_at + interval '5 minutes') <= CAST(:now AS timestamptz)"
_RUN_OUT = text(f"""
SELECT c.schedule_id FROM reachability_check c
WHERE c.state = 'asked' AND c.starts_at <= CAST(:now AS timestamptz) AND {_WITHIN}
  AND c.schedule_id <> ALL (CAST(:but AS uuid[]))
GROUP BY 1 ORDER BY min(c.starts_at) LIMIT :most
""")  # noqa: S608  # a constant of this module
_UNANSWERED = text(f"""
SELECT c.id FROM reachability_check c
WHERE c.state = 'asked' AND c.starts_at <= CAST(:now AS timestamptz) AND {_WITHIN}
  AND c.schedule_id = ANY(CAST(:ids AS uuid[]))
ORDER BY c.starts_at, c.id LIMIT :most
""")  # noqa: S608  # a constant of this module

# Checks whose duty ends at another time than they say, or is gone (no end).
_FOLLOW = text("""
SELECT c.id, s.ends_at FROM reachability_check c
LEFT JOIN LATERAL (
  SELECT max(upper(d.during)) AS ends_at FROM duty_slot d
  WHERE d.schedule_id = c.schedule_id AND d.doctor_id = c.doctor_id AND lower(d.during) = c.starts_at
) s ON true
WHERE c.schedule_id = ANY(CAST(:ids AS uuid[])) AND c.state IN ('asked', 'unanswered')
  AND c.ends_at > CAST(:now AS timestamptz) AND s.ends_at IS DISTINCT FROM c.ends_at
ORDER BY c.id
""")
