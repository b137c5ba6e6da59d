"""Drills: everything works as for a patient and says DIỄN TẬP, until somebody says that it is real."""

from uuid import UUID

from app.errors import NotADrill
from app.models.consultation import Consultation
from app.models.urgency import Urgency
from app.policy import Action
from app.schemas.patient import PatientIn
from app.schemas.requests import RealIn, RequestIn
from app.services.cases import consultations
from app.services.cases.consultations import Seen, locked
from app.services.ringing import routing
from app.work import Work

IT_IS_REAL = "Chuyển thành ca thật"


async def make_real(work: Work, case_id: UUID, said: RealIn) -> Seen:
    """Open a real case out of a drill and ring it at once; the drill ends as cancelled.

    Specialty, urgency, desk and question come along. Vital signs, safety facts and label belong to nobody and do not:
    the real patient gets a label of the house until the ward gives one. Raises NotADrill.
    """
    drill, _ = await locked(work, case_id, Action.MAKE_REAL)
    if not drill.drill:
        raise NotADrill
    seen = await consultations.ask(work, await _request(work, drill, said), from_drill=drill.id)
    await consultations.call_off(work, drill, IT_IS_REAL, real_case=seen.case.id, real_number=seen.case.number)
    return seen


async def _request(work: Work, drill: Consultation, said: RealIn) -> RequestIn:
    """What was asked in the drill; not validated anew, because an emergency is not sent back for a missing label."""
    desk_id = drill.callouts[0].desk_id
    desk = await routing.desk_now(work, desk_id, drill.urgency, open_only=True)
    return RequestIn.model_construct(
        specialty=drill.specialty,
        urgency=Urgency(drill.urgency),
        question=said.question or drill.question,
        patient=PatientIn.model_construct(label=said.label),
        desk_id=desk_id if desk else None,
    )
