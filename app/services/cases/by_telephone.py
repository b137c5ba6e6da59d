"""Cases that were handled by telephone while there was no other way, entered afterwards with their true times.

Nobody waits for anything any more, so nothing rings: the doctor whom the ward names is asked to confirm, for half a
day; then, or at once where only a name is known, a coordinator of the answering hospital is asked, once a day, and can
assign somebody. Whoever accepts says that it was them: the case has its holder, and the call that the ward wrote down
counts as the answer, at the time at which it was given.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.errors import Invalid
from app.identifiers import new_id
from app.models.callout import ASK_AGAIN_AFTER, BY_TELEPHONE, COORDINATOR, Candidate
from app.models.consultation import Consultation
from app.models.reminder import Side, TelephoneCall
from app.policy import Action, allow
from app.schemas import consultation as show
from app.schemas.requests import TelephoneIn, TelephoneRequestIn
from app.services.cases import consultations, specialty_names
from app.services.cases.consultations import Seen
from app.services.facts import case_rows, events
from app.services.ringing import ladder
from app.services.ringing.routing import Desk
from app.work import Work

CONFIRM_WITHIN = timedelta(hours=12)
"""How long only the doctor spoken to is asked: a night and a rest after it."""


async def enter(work: Work, request: TelephoneRequestIn) -> Seen:
    """Make a case of what was asked and answered by telephone, and ask whoever answered to confirm it.

    Raises as a request does, and Invalid for a doctor who could not have answered for that desk.
    """
    allow(work, Action.ENTER_TELEPHONE_CASE)
    request.check(work.now)
    case, desk = await consultations.begin(work, request)
    said = request.telephone
    doctor = await _doctor(work, said.answered_by, desk) if said.answered_by else None
    call = _call(work, case, said)
    name = doctor.name if doctor else said.answered_by_name
    case.enter_told(call, asked_at=min(said.asked_at, work.now), told_by=said.answered_by, told_by_name=name)
    case.answer_due_at = work.now + CONFIRM_WITHIN
    duty = desk.duty if doctor is None else {**desk.duty, _named(doctor): [doctor]}
    made = await ladder.open_callout(work, case, desk, reason=BY_TELEPHONE, policy=_policy(doctor), duty=duty)
    requested = events.record(work, case, "consultation.requested")
    events.record(work, case, "call.recorded", {"call": show.call(call)}, event_id=call.id)
    ladder.record_step(work, case, case.callouts[0], made)
    body = requested.data["consultation"] = show.full(case)
    return replace(consultations.answer(work, case), rendered=body)


def _policy(doctor: Candidate | None) -> dict[str, Any]:
    """Return the ladder: whoever answered, for half a day, then the coordinators, once a day."""
    named = [{"who": [_named(doctor)], "timeout_s": int(CONFIRM_WITHIN.total_seconds())}] if doctor else []
    last = {"who": [COORDINATOR], "timeout_s": int(ASK_AGAIN_AFTER.total_seconds())}
    return {
        "id": None,
        "version": 1,
        "name": BY_TELEPHONE,
        "steps": [*named, last],
        "answer_due_s": int(CONFIRM_WITHIN.total_seconds()),
    }


def _named(doctor: Candidate) -> str:
    return f"user:{doctor.doctor_id}"


def _call(work: Work, case: Consultation, said: TelephoneIn) -> TelephoneCall:
    return case_rows.fresh(
        TelephoneCall,
        id=new_id(work.now),
        consultation_id=case.id,
        at=min(said.answered_at, work.now),
        by_id=work.subject.id,
        by_name=work.subject.name,
        side=Side.ASKING,
        text=said.text,
        recorded_at=work.now,
    )


async def _doctor(work: Work, user_id: UUID, desk: Desk) -> Candidate:
    """The doctor spoken to must be able to take the case: of the desk's hospital, with its specialty."""
    parameters = {"user": user_id, "hospital": desk.hospital_id, "specialty": desk.specialty}
    row = (await work.session.execute(_DOCTOR, parameters)).one_or_none()
    if row is None:
        raise Invalid(
            "telephone.answered_by",
            f"Không có bác sĩ này ở {desk.hospital_name}. Chọn lại, hoặc ghi tên người đã trả lời.",
            f"There is no such doctor at {desk.hospital_name}. Choose again, or write the name of whoever answered.",
        )
    if not row.able:
        needed = await specialty_names.named(work, desk.specialty)
        raise Invalid(
            "telephone.answered_by",
            f"Bác sĩ này không có chuyên khoa {needed.vi}. Chọn lại, hoặc ghi tên người đã trả lời.",
            f"This doctor does not have the specialty {needed.en}. Choose again, or write the name instead.",
        )
    return Candidate(user_id, row.name, BY_TELEPHONE)


_DOCTOR = text("""
SELECT u.name, EXISTS (SELECT 1 FROM user_specialty s
                       WHERE s.user_id = u.id AND s.specialty = CAST(:specialty AS text)) AS able
FROM user_account u
WHERE u.id = CAST(:user AS uuid) AND u.active AND u.role IN ('specialist', 'coordinator')
  AND u.hospital_id = CAST(:hospital AS uuid)
""")
