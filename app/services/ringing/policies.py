"""Escalation policies: read what is in force, and put a new version in force. Nothing that rings already changes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app.errors import Invalid, NotFound, Stale
from app.identifiers import new_id
from app.models.desk import Desk
from app.models.escalation import EscalationPolicy
from app.models.ladder_policy import Wrong, named, normal, wrong_with
from app.models.organization import Organization, OrganizationKind
from app.models.urgency import Urgency
from app.models.user import User
from app.policy import DutyAction, allow_duty, standings_to
from app.schemas.policies import PolicyIn
from app.services.facts import events
from app.work import Work

Json = dict[str, Any]


async def of_desk(work: Work, desk_id: UUID, urgency: Urgency) -> Json:
    """Return the ladder that a new case of this urgency would get at a desk, and whose it is."""
    desk = await _desk(work, desk_id, DutyAction.READ_ROTA)
    return _shown(await _in_force(work, urgency, desk.hospital_id, desk_id), desk.hospital_id, desk_id)


async def of_hospital(work: Work, hospital_id: UUID, urgency: Urgency) -> Json:
    """Return the ladder for the desks of a hospital that have none of their own."""
    await _hospital(work, hospital_id, DutyAction.READ_ROTA)
    return _shown(await _in_force(work, urgency, hospital_id, None), hospital_id, None)


async def set_of_desk(work: Work, desk_id: UUID, urgency: Urgency, wanted: PolicyIn) -> Json:
    """Put a ladder in force for a desk. Raises NotFound, Forbidden, Stale or Invalid, naming each step."""
    desk = await _desk(work, desk_id, DutyAction.SET_POLICY, lock=True)
    return await _put(work, urgency, wanted, desk.hospital_id, desk_id)


async def set_of_hospital(work: Work, hospital_id: UUID, urgency: Urgency, wanted: PolicyIn) -> Json:
    """Put a ladder in force for every desk of a hospital that has none of its own."""
    await _hospital(work, hospital_id, DutyAction.SET_POLICY, lock=True)
    return await _put(work, urgency, wanted, hospital_id, None)


async def _put(work: Work, urgency: Urgency, wanted: PolicyIn, hospital_id: UUID, desk_id: UUID | None) -> Json:
    before = await _in_force(work, urgency, hospital_id, desk_id)
    if wanted.version is not None and wanted.version != before.version:
        raise Stale(version=before.version, by_name=await _maker(work, before))
    steps = [step.model_dump() for step in wanted.steps]
    await _check(work, steps, urgency, desk_id)
    own = before if _is_own(before, desk_id) else None
    if own is not None:
        own.superseded_at = work.now
        await work.session.flush()
    new = EscalationPolicy(
        id=new_id(work.now),
        desk_id=desk_id,
        hospital_id=None if desk_id else hospital_id,
        urgency=urgency.value,
        version=before.version + 1,
        steps=[normal(step) for step in steps],
        answer_due_s=wanted.answer_due_s or before.answer_due_s,
        silent_s=wanted.silent_s,
        made_by=work.subject.id,
        valid_from=work.now,
        superseded_at=None,
    )
    work.session.add(new)
    await work.session.flush()
    told = {
        "hospital": hospital_id,
        "desk": desk_id,
        "urgency": urgency.value,
        "version": new.version,
        "by_name": work.subject.name,
        "before": _told(before),
        "after": _told(new),
    }
    await events.record_about(work, f"hospital:{hospital_id}", "policy.changed", told)
    return _shown(new, hospital_id, desk_id)


async def _maker(work: Work, policy: EscalationPolicy) -> str | None:
    name: str | None = await work.session.scalar(select(User.name).where(User.id == policy.made_by))
    return name


async def _check(work: Work, steps: Sequence[Mapping[str, Any]], urgency: Urgency, desk_id: UUID | None) -> None:
    wrong = list(wrong_with(steps, urgency))
    if not wrong:
        wrong = [*await _unknown_people(work, steps), *await _unknown_desks(work, steps, desk_id)]
    if wrong:
        problem = Invalid(*wrong[0])
        problem.extra["count"] = len(wrong)
        problem.errors = [(w.field, w.vi, w.en) for w in wrong]
        raise problem


async def _unknown_people(work: Work, steps: Sequence[Mapping[str, Any]]) -> list[Wrong]:
    people = named(steps, "user")
    if not people:
        return []
    rows = await work.session.execute(_ANSWERING, {"ids": [user_id for _, user_id in people]})
    known = {row.id for row in rows}
    return [
        Wrong(
            field,
            "Không có bác sĩ đang hoạt động này ở một bệnh viện trả lời.",
            "There is no such active doctor at an answering hospital.",
        )
        for field, user_id in people
        if user_id not in known
    ]


async def _unknown_desks(work: Work, steps: Sequence[Mapping[str, Any]], desk_id: UUID | None) -> list[Wrong]:
    desks = named(steps, "desk")
    if not desks:
        return []
    known = set(await work.session.scalars(select(Desk.id).where(Desk.id.in_([d for _, d in desks]), Desk.active)))
    return [
        Wrong(field, "Không có bàn trực bạn này.", "There is no such partner desk.")
        for field, partner in desks
        if partner not in known or partner == desk_id
    ]


async def _desk(work: Work, desk_id: UUID, action: DutyAction, *, lock: bool = False) -> Desk:
    chosen = select(Desk).where(Desk.id == desk_id)
    desk = await work.session.scalar(chosen.with_for_update(key_share=True) if lock else chosen)
    if desk is None:
        raise NotFound
    allow_duty(action, standings_to(work.subject, [desk.hospital_id], specialty=desk.specialty))
    return desk


async def _hospital(work: Work, hospital_id: UUID, action: DutyAction, *, lock: bool = False) -> None:
    chosen = select(Organization).where(Organization.id == hospital_id, Organization.kind == OrganizationKind.HOSPITAL)
    if await work.session.scalar(chosen.with_for_update(key_share=True) if lock else chosen) is None:
        raise NotFound
    allow_duty(action, standings_to(work.subject, [hospital_id]))


async def _in_force(work: Work, urgency: Urgency, hospital_id: UUID, desk_id: UUID | None) -> EscalationPolicy:
    found = await work.session.scalars(
        select(EscalationPolicy)
        .where(
            EscalationPolicy.superseded_at.is_(None),
            EscalationPolicy.urgency == urgency.value,
            (EscalationPolicy.desk_id == desk_id)
            | (EscalationPolicy.hospital_id == hospital_id)
            | (EscalationPolicy.desk_id.is_(None) & EscalationPolicy.hospital_id.is_(None)),
        )
        .order_by(EscalationPolicy.desk_id.nulls_last(), EscalationPolicy.hospital_id.nulls_last())
        .limit(1)
    )
    return found.one()


def _is_own(policy: EscalationPolicy, desk_id: UUID | None) -> bool:
    return policy.desk_id == desk_id if desk_id else policy.hospital_id is not None


def _shown(policy: EscalationPolicy, hospital_id: UUID, desk_id: UUID | None) -> Json:
    source = "desk" if policy.desk_id else "hospital" if policy.hospital_id else "default"
    return {
        "urgency": policy.urgency,
        "source": source,
        "own": _is_own(policy, desk_id),
        "desk": desk_id,
        "hospital": hospital_id,
        "version": policy.version,
        "steps": [normal(step) for step in policy.steps],
        "answer_due_s": policy.answer_due_s,
        "silent_s": policy.silent_s,
        "valid_from": policy.valid_from,
    }


def _told(policy: EscalationPolicy) -> Json:
    return {
        "version": policy.version,
        "steps": policy.steps,
        "answer_due_s": policy.answer_due_s,
        "silent_s": policy.silent_s,
    }


_ANSWERING = text("""
SELECT u.id FROM user_account u
WHERE u.id = ANY(CAST(:ids AS uuid[])) AND u.active AND u.role IN ('specialist', 'coordinator')
  AND EXISTS (SELECT 1 FROM desk k WHERE k.hospital_id = u.hospital_id AND k.active)
""")
