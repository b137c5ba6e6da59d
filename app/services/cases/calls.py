"""Conversations by telephone: one side writes down that they took place, the other side says so too."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from app.errors import Confirmed, Forbidden, Invalid, NotFound
from app.identifiers import new_id
from app.models import clinical
from app.models.consultation import Consultation
from app.models.reminder import Side, TelephoneCall
from app.policy import Action
from app.schemas import consultation as show
from app.schemas.requests import CallIn
from app.services.cases import after
from app.services.cases.consultations import Seen, answer, locked
from app.services.facts import events
from app.work import Work

BEFORE_THE_REQUEST = timedelta(hours=24)
"""A ward may telephone first and ask in writing afterwards, but not days later."""


async def record(work: Work, case_id: UUID, said: CallIn) -> Seen:
    """Write down that the two sides spoke by telephone; it counts once the other side has confirmed it."""
    case, on_duty_at = await locked(work, case_id, Action.RECORD_CALL)
    _check(said, case, work)
    call = TelephoneCall(
        id=new_id(work.now),
        consultation_id=case.id,
        at=min(said.at, work.now),
        by_id=work.subject.id,
        by_name=work.subject.name,
        side=case.side_of(work.subject.id),
        text=said.text,
        recorded_at=work.now,
        confirmed_by=None,
        confirmed_by_name=None,
        confirmed_at=None,
    )
    work.session.add(call)
    await work.session.flush()
    case.calls.append(call)
    events.record(work, case, "call.recorded", {"call": show.call(call)}, to=_other_side(case, call), event_id=call.id)
    return answer(work, case, on_duty_at)


async def confirm(work: Work, case_id: UUID, call_id: UUID) -> Seen:
    """Say that a conversation took place as the other side wrote it down.

    From then on it is as good as a word, and as an answer. Raises NotFound, Forbidden (the own side) or Confirmed.
    """
    case, on_duty_at = await locked(work, case_id, Action.CONFIRM_CALL)
    call = next((c for c in case.calls if c.id == call_id), None)
    if call is None:
        raise NotFound
    if case.side_of(work.subject.id) == call.side:
        raise Forbidden
    if call.confirmed:
        raise Confirmed(by_name=call.confirmed_by_name)
    ending = case.confirm_call(call, by=work.subject.person, now=work.now)
    await record_confirmed(work, case, call)
    after.heard(work, case, ending)
    return answer(work, case, on_duty_at)


async def record_confirmed(work: Work, case: Consultation, call: TelephoneCall) -> None:
    """Keep that the other side has confirmed a call, and tell whoever wrote it down. The case must be locked."""
    await work.session.execute(
        update(TelephoneCall)
        .where(TelephoneCall.id == call.id)
        .values(
            confirmed_by=call.confirmed_by, confirmed_by_name=call.confirmed_by_name, confirmed_at=call.confirmed_at
        )
        .execution_options(synchronize_session=False)
    )
    events.record(work, case, "call.confirmed", {"call": show.call(call)}, to=[call.by_id])


def only_to_confirm(field: str) -> Invalid:
    """Say that a case whose patient waits for nothing rings no other desk."""
    return Invalid(
        field,
        "Ca này chỉ chờ xác nhận cuộc gọi, không gọi bàn khác. Cần hỏi ngay thì nâng mức khẩn hoặc gửi yêu cầu mới.",
        "This case only waits for its call to be confirmed, and rings no other desk. To ask now, raise the urgency or "
        "send a new request.",
    )


def _check(said: CallIn, case: Consultation, work: Work) -> None:
    if said.at > work.now + clinical.MAY_BE_AHEAD:
        raise Invalid(
            "at",
            "Giờ gọi ở tương lai. Kiểm tra ngày, giờ và đồng hồ của máy.",
            "The time of the call lies in the future. Check date, time and this device's clock.",
        )
    if said.at < case.created_at - BEFORE_THE_REQUEST:
        raise Invalid(
            "at",
            "Giờ gọi sớm hơn yêu cầu quá một ngày. Kiểm tra ngày.",
            "The call is more than a day older than the request. Check the date.",
        )


def _other_side(case: Consultation, call: TelephoneCall) -> list[UUID]:
    if call.side == Side.ANSWERING:
        return [case.ward_owner]
    return [case.holder_id] if case.holder_id else []
