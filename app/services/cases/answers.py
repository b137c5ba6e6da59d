"""Answering a callout: accept, decline, come, stand down, forward, assign, hand over."""

from uuid import UUID

from sqlalchemy import select

from app.errors import AtCapacity, Invalid, NotEligible, NotFound, NotRinging, WrongState
from app.models.callout import COORDINATOR, SECOND_SPECIALTY, Callout, Candidate, Duty
from app.models.consultation import Acceptance, Consultation, Status
from app.models.user import ANSWERING, User, UserSpecialty
from app.policy import Action
from app.schemas import consultation as show
from app.services.cases import calls, specialty_names, wrong_rota
from app.services.cases.consultations import Seen, answer, locked
from app.services.facts import events
from app.services.ringing import fairness, ladder, routing
from app.work import Work

NOT_ON_DUTY = "not_on_duty"
NOT_ME = "not_me"


async def accept(work: Work, case_id: UUID, *, via: str = "client") -> Seen:
    """Make the actor responsible for the patient's question; exactly one doctor can win. `via`: client, voice, link."""
    case, on_duty_at = await locked(work, case_id, Action.ACCEPT)
    if case.holder_id == work.subject.id and not _rings_for(case, work.subject.id):
        if case.status == Status.ACTIVE:
            return answer(work, case, on_duty_at)
        raise WrongState(status=case.status)
    if work.optimistic and case.quiet:
        raise events.Overtaken  # the call that is confirmed with it is written beside it, under the lock
    await _check_room(work, case, on_duty_at)
    try:
        acceptance = case.accept(by=work.subject.person, now=work.now, on_duty_at=on_duty_at)
    except NotEligible as refused:
        code = refused.extra["specialty"]
        needed = await specialty_names.named(work, code)
        raise NotEligible(specialty=code, specialty_vi=needed.vi, specialty_en=needed.en) from refused
    acceptance.offer.answered_via = via
    _record_acceptance(work, case, acceptance)
    if acceptance.confirmed is not None:
        await calls.record_confirmed(work, case, acceptance.confirmed)
    return answer(work, case, on_duty_at)


async def _check_room(work: Work, case: Consultation, on_duty_at: list[UUID]) -> None:
    """Nobody takes more routine cases than they can hold; most doctors have no limit, and nothing is asked for them."""
    if work.subject.capacity is None or case.drill:
        return
    callout = case.callout_for(work.subject.person, on_duty_at)
    if callout is None or callout.parallel or callout.quiet or not fairness.room_counts(callout.urgency):
        return
    if work.optimistic:
        raise events.Overtaken  # the case is locked before its doctors, here as everywhere
    held, capacity = await fairness.room_of(work, work.subject.id, lock=True)
    if capacity is not None and held >= capacity:
        raise AtCapacity(held=held, capacity=capacity)


async def refuse(work: Work, case_id: UUID, reason: str, said: str | None, *, via: str = "client") -> Seen:
    """Decline; when nobody of this step is left, the next person is rung at once.

    Whoever says that this is not their duty shows that the rota is wrong: the next is rung without waiting for others
    of the step, and those who keep the rota are told.
    """
    case, on_duty_at = await locked(work, case_id, Action.DECLINE)
    if reason == NOT_ME and not all(c.quiet for c in case.ringing_callouts if c.open_offer_of(work.subject.id)):
        raise Invalid(
            "reason",
            "Lý do này chỉ dùng khi được nhờ xác nhận cuộc gọi điện thoại.",
            "This reason is for a telephone call that is to be confirmed.",
        )
    declined = case.refuse(by=work.subject.person, reason=reason, text=said, now=work.now)
    for callout, offer in declined:
        offer.answered_via = via
        data = ladder.offer_data(callout, offer) | {"reason": reason, "text": said, "at": work.now}
        events.record(work, case, "offer.declined", data, to=[offer.doctor_id])
        if reason == NOT_ON_DUTY and not callout.quiet:
            await wrong_rota.tell(work, case, callout, offer)
    for callout, offer in {c.id: (c, o) for c, o in declined}.values():
        wrong = reason == NOT_ON_DUTY and offer.step == callout.step and not callout.on_last_step
        assigned = callout.quiet and callout.on_last_step  # the coordinator is told at once, and not tomorrow
        if callout.ringing and (wrong or assigned or callout.should_advance(work.now)):
            ladder.step_up(work, case, callout, await _duty(work, case, callout))
    return answer(work, case, on_duty_at)


async def attend(work: Work, case_id: UUID, *, coming: bool) -> Seen:
    """A member of the red team tells the leader: coming, or cannot."""
    case, on_duty_at = await locked(work, case_id, Action.ATTEND)
    told = [case.holder_id] if case.holder_id else []
    for callout, offer in case.attend(by=work.subject.person, coming=coming, now=work.now):
        data = ladder.offer_data(callout, offer) | {"coming": coming, "at": work.now}
        events.record(work, case, "attendance.answered", data, to=[offer.doctor_id, *told])
    return answer(work, case, on_duty_at)


async def stand_down(work: Work, case_id: UUID, user_id: UUID | None) -> Seen:
    """The leader lets one member go, or all who have not answered."""
    case, on_duty_at = await locked(work, case_id, Action.STAND_DOWN)
    stood = case.stand_down(user_id=user_id, now=work.now)
    if not stood:
        raise NotRinging(status=case.status)
    by_id = {c.id: c for c in case.callouts}
    for offer in stood:
        data = ladder.offer_data(by_id[offer.callout_id], offer) | {"at": work.now, "reason": "stood_down"}
        events.record(work, case, "team.stood_down", data, to=[offer.doctor_id])
    return answer(work, case, on_duty_at)


async def assign(work: Work, case_id: UUID, user_id: UUID, *, callout_id: UUID | None = None) -> Seen:
    """A coordinator rings a named doctor on top of the others; a case that is held is handed over to them.

    With several desks ringing, the one that is named; else the patient's question before that of a second specialty.
    """
    case, on_duty_at = await locked(work, case_id, Action.ASSIGN)
    ringing = sorted(case.ringing_callouts, key=lambda c: not c.parallel)
    if callout_id is not None:
        ringing = [c for c in ringing if c.id == callout_id]
        if not ringing:
            raise Invalid("callout_id", "Lượt gọi này không còn đổ chuông.", "This callout does not ring.")
    callout = ringing[-1] if ringing else case.held_through
    candidate = await _eligible(work, case, user_id, callout.specialty, "assigned")
    if not ringing:
        await _open_hand_over(work, case, candidate, "assigned")
        return answer(work, case, on_duty_at)
    offer = callout.offer_to(candidate, now=work.now)
    if offer:
        ladder.record_offer_made(work, case, callout, offer)
    if callout.on_last_step:
        callout.give_time(now=work.now)
    data = {"callout": callout, "callout_id": callout.id, "due_at": callout.step_due_at}
    events.record(
        work, case, "escalation.scheduled", data | {"assigned_by": work.subject.name}, to=_coordinators(callout)
    )
    return answer(work, case, on_duty_at)


async def forward(work: Work, case_id: UUID, *, user_id: UUID | None, desk_id: UUID | None, reason: str) -> Seen:
    """Pass the case on to a doctor or a desk; it keeps ringing here until it is taken there."""
    case, on_duty_at = await locked(work, case_id, Action.FORWARD)
    own = _rings_for(case, work.subject.id)
    if own is None and case.holder_id != work.subject.id:
        # A member of a red team who still owes the leader an answer has nothing to pass on.
        raise NotRinging(status=case.status)
    if desk_id is not None:
        if own is not None and own.quiet:
            raise calls.only_to_confirm("desk_id")
        desk = await routing.desk_now(work, desk_id, case.urgency, open_only=True)
        if desk is None:
            raise Invalid("desk_id", "Không có bàn trực này.", "There is no such desk.")
        if any(c.desk_id == desk_id and not c.personal for c in case.ringing_callouts):
            raise Invalid("desk_id", "Bàn này đang được gọi rồi.", "This desk is being rung already.")
        beside = own.question if own is not None and own.parallel else None
        why = SECOND_SPECIALTY if beside else "forwarded"
        made = await ladder.open_callout(work, case, desk, reason=why, question=beside)
        await ladder.record_opened(work, case, case.callouts[-1], made, said=reason)
        return answer(work, case, on_duty_at)
    assert user_id is not None
    callout = own or case.held_through
    candidate = await _eligible(work, case, user_id, callout.specialty, "forwarded")
    if own is None:
        await _open_hand_over(work, case, candidate, "forwarded", reason)
        return answer(work, case, on_duty_at)
    offer = own.offer_to(candidate, now=work.now)
    if offer is None:
        raise Invalid("user_id", "Người này đang được gọi rồi.", "This doctor is being rung already.")
    # What the doctor typed is free text: it has a name of its own, which no board shows.
    said = {"forwarded_by": work.subject.name, "said": reason}
    ladder.record_offer_made(work, case, own, offer, **said)
    return answer(work, case, on_duty_at)


async def hand_over(work: Work, case_id: UUID, user_id: UUID, note: str) -> Seen:
    """Ask another doctor to take the case over; the holder stays until they accept, then 15 min to the coordinator."""
    case, on_duty_at = await locked(work, case_id, Action.HAND_OVER)
    await open_hand_over(work, case, user_id, note)
    return answer(work, case, on_duty_at)


async def open_hand_over(work: Work, case: Consultation, user_id: UUID, note: str) -> None:
    """Ring the successor for a case that the actor holds and has locked. Raises Invalid."""
    candidate = await _eligible(work, case, user_id, case.held_through.specialty, "hand_over")
    await _open_hand_over(work, case, candidate, "hand_over", note)


def _record_acceptance(work: Work, case: Consultation, done: Acceptance) -> None:
    subject = work.subject
    if done.again:
        ladder.record_withdrawn(work, case, done.callout, done.offer)
        return
    data = ladder.offer_data(done.callout, done.offer) | {
        "at": work.now,
        "holder": case.holder_id,
        "holder_name": case.holder_name,
        "participants": [show.participant(p, case) for p in case.participants],
    }
    others = [o.doctor_id for o in done.callout.offers if o.rings and o.doctor_id != subject.id]
    events.record(work, case, "offer.accepted", data, to=[subject.id, *others])
    if done.callout.parallel:
        joined = {"user": subject.id, "role": "consultant", "participants": data["participants"]}
        events.record(work, case, "participant.joined", joined, to=[subject.id])
    by_id = {c.id: c for c in case.callouts}
    for offer in done.withdrawn:
        ladder.record_withdrawn(work, case, by_id[offer.callout_id], offer)
    for callout in done.ended:
        ladder.record_ended(work, case, callout)
    if done.handed_over_from is not None:
        events.record(
            work,
            case,
            "consultation.handed_over",
            {"from": done.handed_over_from, "holder": subject.id, "holder_name": subject.name},
            to=[done.handed_over_from],
        )


async def _open_hand_over(work: Work, case: Consultation, to: Candidate, reason: str, note: str = "") -> None:
    held = case.held_through
    desk = await routing.desk_now(work, held.desk_id, case.urgency)
    if desk is None:
        raise NotFound
    if any(c.open_offer_of(to.doctor_id) for c in case.ringing_callouts):
        raise Invalid("user_id", "Người này đang được gọi rồi.", "This doctor is being rung already.")
    who = f"user:{to.doctor_id}"
    duty = {**await _duty(work, case, held), who: [to]}
    policy = ladder.hand_over_policy(reason, to.doctor_id, note=note, by=work.subject.name)
    made = await ladder.open_callout(work, case, desk, reason=reason, policy=policy, duty=duty)
    await ladder.record_opened(work, case, case.callouts[-1], made, said=note)


async def _eligible(work: Work, case: Consultation, user_id: UUID, specialty: str, role: str) -> Candidate:
    """The person must be an active doctor of the answering side with the specialty, not the one who asked or has it."""
    user = await work.session.get(User, user_id)
    answering = {c.hospital_id for c in case.callouts}
    if (
        user is None
        or not user.active
        or user.role not in ANSWERING
        or (user.hospital_id not in answering and user.hospital_id != work.subject.hospital_id)
        or user.id == case.requester_id
    ):
        raise Invalid(
            "user_id", "Không có bác sĩ này ở bệnh viện trả lời.", "No such doctor at the answering hospital."
        )
    if user.id == case.holder_id:
        raise Invalid("user_id", "Người này đang giữ ca.", "This doctor holds the case already.")
    has = await work.session.execute(
        select(UserSpecialty).where(UserSpecialty.user_id == user_id, UserSpecialty.specialty == specialty)
    )
    if has.one_or_none() is None:
        needed = await specialty_names.named(work, specialty)
        raise Invalid(
            "user_id",
            f"Bác sĩ này không có chuyên khoa {needed.vi}.",
            f"This doctor does not have the specialty {needed.en}.",
        )
    return Candidate(user.id, user.name, role)


async def _duty(work: Work, case: Consultation, callout: Callout) -> Duty:
    return await ladder.duty_now(work, case, callout)


def _rings_for(case: Consultation, user_id: UUID) -> Callout | None:
    return next((c for c in case.ringing_callouts if c.open_offer_of(user_id)), None)


def _coordinators(callout: Callout) -> list[UUID]:
    return [o.doctor_id for o in callout.offers if o.role == COORDINATOR and o.rings]
