"""How many cases a doctor holds at once: set by whoever is responsible for the duty at one of their desks.

It is the doctor's own, at whatever desk a case rings. Nothing here looks for what waits: the timer loop sees room
within a second, whatever made it. With less of it nothing that rings or is held changes.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.errors import NotFound, Stale
from app.models.desk import Desk
from app.models.rota import Schedule
from app.models.user import ANSWERING, User, UserSpecialty
from app.policy import DutyAction, Standing, allow_duty, standings_to
from app.schemas.policies import CapacityIn
from app.services.facts import events
from app.services.facts.authors import last_author
from app.services.ringing import fairness
from app.work import Work

Json = dict[str, Any]


async def desk_and_standings(work: Work, desk_id: UUID) -> tuple[Desk, frozenset[Standing]]:
    """Find a desk, and how the actor stands to its duty. Raises NotFound."""
    chosen = select(Desk, Schedule.head_id).outerjoin(Schedule, Schedule.desk_id == Desk.id).where(Desk.id == desk_id)
    row = (await work.session.execute(chosen)).one_or_none()
    if row is None:
        raise NotFound
    desk, head_id = row
    return desk, standings_to(work.subject, [desk.hospital_id], head=head_id, specialty=desk.specialty)


async def set_at_desk(work: Work, desk_id: UUID, doctor_id: UUID, wanted: CapacityIn) -> Json:
    """Let a doctor of a desk hold so many cases at once, and tell them.

    Raises NotFound (also for somebody who has no duty at this desk), Forbidden, and Stale when somebody else has
    changed it meanwhile.
    """
    desk, standings = await desk_and_standings(work, desk_id)
    allow_duty(DutyAction.SET_CAPACITY, standings)
    doctor = await _doctor(work, desk, doctor_id)
    if wanted.version is not None and wanted.version != doctor.capacity_version:
        by_name = await last_author(work, f"user:{doctor.id}", "capacity.changed", {"doctor": doctor.id})
        raise Stale(version=doctor.capacity_version, by_name=by_name, capacity=doctor.capacity)
    before = doctor.capacity
    if doctor.hold_at_most(wanted.capacity):
        await work.session.flush()
        await _tell(work, desk, doctor, before)
    held, _ = await fairness.room_of(work, doctor.id)
    return {
        "doctor": doctor.id,
        "doctor_name": doctor.name,
        "held": held,
        "capacity": doctor.capacity,
        "capacity_version": doctor.capacity_version,
    }


async def _doctor(work: Work, desk: Desk, doctor_id: UUID) -> User:
    """Lock a doctor who may be on duty at the desk: acceptances count under the same lock."""
    has_it = select(UserSpecialty.user_id).where(UserSpecialty.specialty == desk.specialty)
    doctor = await work.session.scalar(
        select(User)
        .where(
            User.id == doctor_id,
            User.active,
            User.hospital_id == desk.hospital_id,
            User.role.in_(ANSWERING),
            User.id.in_(has_it),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if doctor is None:
        raise NotFound
    return doctor


async def _tell(work: Work, desk: Desk, doctor: User, before: int | None) -> None:
    data = {
        "desk": desk.id,
        "desk_name": desk.name,
        "doctor": doctor.id,
        "doctor_name": doctor.name,
        "before": before,
        "capacity": doctor.capacity,
        "by_name": work.subject.name,
        "at": work.now,
    }
    await events.record_about(work, f"user:{doctor.id}", "capacity.changed", data)
