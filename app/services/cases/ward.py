"""The asking side of a case has a named owner: the requester, until a colleague of the ward takes it on."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.errors import Invalid
from app.models.consultation import Person
from app.models.organization import Organization
from app.models.user import Role, User
from app.policy import Action, allow
from app.schemas import consultation as show
from app.services.cases.consultations import Seen, answer, locked
from app.services.facts import events
from app.work import Work


async def name_owner(work: Work, case_id: UUID, user_id: UUID) -> Seen:
    """Let a colleague of the ward answer for the asking side from now on; the requester stays the requester."""
    case, on_duty_at = await locked(work, case_id, Action.NAME_WARD_OWNER)
    user = await work.session.get(User, user_id)
    if (
        user is None
        or not user.active
        or user.role != Role.REQUESTER
        or user.hospital_id != case.hospital_id
        or (user.ward_id != case.ward_id and not case.is_member(user_id))
    ):
        raise Invalid("user_id", "Không có bác sĩ này ở khoa yêu cầu.", "No such doctor of the asking ward.")
    if case.ward_owner == user_id:
        return answer(work, case, on_duty_at)
    hospital = await work.session.get(Organization, user.hospital_id)
    person = Person(user.id, user.name, user.licence, user.hospital_id, hospital.short_name if hospital else None)
    if not case.is_member(user_id):
        case.join(person, "colleague", now=work.now)
        parts = [show.participant(p, case) for p in case.participants]
        joined = {"user": user.id, "role": "colleague", "participants": parts}
        events.record(work, case, "participant.joined", joined, to=[user.id])
    before = case.name_ward_owner(user_id)
    data = {"user": user.id, "user_name": user.name, "before": before}
    events.record(work, case, "ward.owner_named", data, to=sorted({user.id, before}))
    return answer(work, case, on_duty_at)


async def colleagues(work: Work, *, online: Callable[[UUID], bool]) -> list[dict[str, Any]]:
    """Return who of the actor's ward may answer for its cases, by name: those who ask there, the actor included."""
    allow(work, Action.ASK)
    if work.subject.ward_id is None:
        return []
    found = await work.session.execute(
        select(User.id, User.name)
        .where(User.ward_id == work.subject.ward_id, User.role == Role.REQUESTER, User.active)
        .order_by(User.name, User.id)
    )
    return [{"user": row.id, "name": row.name, "online": online(row.id)} for row in found]
