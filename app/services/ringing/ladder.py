"""Ringing people: every offer made, taken back or run out becomes facts here, and nowhere else."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from app.identifiers import new_id
from app.models.callout import BY_TELEPHONE, COORDINATOR, HOLDER_GONE, Callout, CalloutState, Candidate, Duty, Offer
from app.models.consultation import Consultation, Ending
from app.models.urgency import Urgency
from app.schemas import consultation as show
from app.services.facts import events
from app.services.ringing import fairness, routing
from app.services.ringing.routing import Desk, Now, preview
from app.work import Work

HAND_OVER_UNACCEPTED_S = 15 * 60


async def open_callout(
    work: Work,
    case: Consultation,
    desk: Desk,
    *,
    reason: str,
    also: Iterable[Candidate] = (),
    policy: dict[str, Any] | None = None,
    duty: Duty | None = None,
    question: str | None = None,
) -> list[Offer]:
    """Begin to ring a desk: freeze its policy, take the first step that has somebody, record nothing yet.

    A quiet callout is as urgent as nothing is, whatever the patient was then: it asks, and wakes nobody.
    `also` are people rung with the first step: those who were ringing already, or the holder. With nobody on duty, not
    even a coordinator, the coordinators of either hospital are rung whether they are or not.
    """
    frozen = policy or desk.policy
    now = work.now
    given = desk.duty if duty is None else duty
    quiet = reason == BY_TELEPHONE
    uncounted = case.drill or quiet
    on_duty = await fairness.counted(work, frozen, case.urgency, _watched(given, desk.duty), uncounted=uncounted)
    callout = Callout(
        id=new_id(now),
        consultation_id=case.id,
        desk_id=desk.id,
        desk_name=desk.name,
        desk_phone=desk.phone,
        hospital_id=desk.hospital_id,
        hospital_name=desk.hospital_name,
        specialty=desk.specialty,
        urgency=Urgency.GREEN if quiet else case.urgency,
        state=CalloutState.RINGING,
        policy=frozen,
        preview=preview(frozen, on_duty),
        step=-1,
        round=0,
        step_started_at=now,
        step_due_at=now,
        next_due_at=now,
        opened_at=now,
        reason=reason,
        ended_reason=None,
        question=question,
        passed_over=[],
        duty_until=on_duty.until,
        duty_seen=on_duty.seen,
    )
    callout.offers = []
    case.callouts.append(callout)
    made = callout.advance(on_duty, now=now, never=case.requester_id)
    if not made:
        anybody = await routing.duty_for(work, desk.id, case.hospital_id)
        anybody = await fairness.counted(work, frozen, case.urgency, anybody, uncounted=uncounted)
        made = callout.advance(anybody, now=now, never=case.requester_id)
    for candidate in also:
        extra = callout.offer_to(candidate, now=now)
        if extra:
            made.append(extra)
    return made


async def record_opened(work: Work, case: Consultation, callout: Callout, made: list[Offer], *, said: str = "") -> None:
    """Record a callout that opened after the request itself, whom it rings, and what was said to them."""
    words = {"said": said} if said else {}
    events.record(work, case, "callout.opened", _ladder(callout) | {"callout": callout} | words)
    record_step(work, case, callout, made)


def record_step(work: Work, case: Consultation, callout: Callout, made: Iterable[Offer]) -> None:
    """Record the offers of a step, what is scheduled next, and the end of the ladder when it is reached."""
    for offer in made:
        record_offer_made(work, case, callout, offer)
    if not callout.ringing:
        return
    events.record(work, case, "escalation.scheduled", _ladder(callout) | {"callout": callout})
    if callout.on_last_step:
        rung = [o.doctor_id for o in callout.offers if o.role == COORDINATOR and o.rings]
        data = _ladder(callout) | {"callout": callout}
        events.record(work, case, "escalation.exhausted", data, to=rung)


def record_offer_made(work: Work, case: Consultation, callout: Callout, offer: Offer, **more: str | bool) -> None:
    """Record one offer; the card itself is attached on delivery, so that it ends with the share."""
    events.record(
        work,
        case,
        "offer.made",
        offer_data(callout, offer) | more,
        to=[offer.doctor_id],
        attach={"user": {"offer": show.offer_card(case, callout, offer)}},
    )


def record_withdrawn(work: Work, case: Consultation, callout: Callout, offer: Offer) -> None:
    """Tell a doctor, and everyone who watches, that the offer is taken back, and why."""
    data = offer_data(callout, offer) | {
        "reason": offer.reason,
        "at": work.now,
        "holder": case.holder_id,
        "holder_name": case.holder_name,
    }
    events.record(work, case, "offer.withdrawn", data, to=[offer.doctor_id])


def record_ending(work: Work, case: Consultation, ending: Ending) -> None:
    """Record offers taken back and callouts that ended with them."""
    by_id = {c.id: c for c in case.callouts}
    for offer in ending.withdrawn:
        record_withdrawn(work, case, by_id[offer.callout_id], offer)
    for callout in ending.callouts:
        record_ended(work, case, callout)


def record_ended(work: Work, case: Consultation, callout: Callout, *, to: Iterable[UUID] = ()) -> None:
    """Record that a desk is rung no longer, and why."""
    data = _ladder(callout) | {"callout": callout}
    events.record(work, case, "callout.ended", data, to=to)


async def duty_now(work: Work, case: Consultation, callout: Callout) -> Now:
    """Return who can be rung for a callout now, counted where its order or their capacity needs it."""
    duty = await routing.duty_of(work, callout, case.hospital_id)
    return await fairness.counted(work, callout.policy, callout.urgency, duty, uncounted=case.drill or callout.quiet)


def reconcile(work: Work, case: Consultation, callout: Callout, duty: Duty) -> bool:
    """Bring what rings into line with who is on duty now; whether anything is different. No step's time moves."""
    before = (list(callout.passed_over or ()), [o.off_duty_at for o in callout.offers])
    made, taken_back = callout.reconcile(duty, now=work.now, never=case.requester_id)
    for offer in made:
        record_offer_made(work, case, callout, offer)
    for offer in taken_back:
        record_withdrawn(work, case, callout, offer)
    after = (list(callout.passed_over or ()), [o.off_duty_at for o in callout.offers])
    noted = look(callout, duty)
    return noted or bool(made or taken_back) or before != after


def look(callout: Callout, duty: Duty) -> bool:
    """Keep who is on duty now beside the callout, with what tells that it has changed; whether that is new."""
    watched = duty if isinstance(duty, Now) else Now(until=callout.duty_until, seen=callout.duty_seen)
    return callout.look_at(preview(callout.policy, duty), watched.until, watched.seen)


def step_up(work: Work, case: Consultation, callout: Callout, duty: Duty) -> None:
    """Ring the next person now: time is up, all of this step declined, or no device was reached."""
    reconcile(work, case, callout, duty)
    expired_before = {o.id for o in callout.offers if o.expired_at}
    made = callout.advance(duty, now=work.now, never=case.requester_id)
    for offer in callout.offers:
        if offer.expired_at and offer.id not in expired_before:
            events.record(work, case, "offer.expired", offer_data(callout, offer), to=[offer.doctor_id])
    if callout.on_last_step and not case.needs_somebody(callout) and not any(o.rings for o in callout.offers):
        # Everybody has said no, and the case has its holder: it ends here, and the holder is told.
        callout.end(CalloutState.ENDED, "unanswered", now=work.now)
        record_ended(work, case, callout, to=[case.holder_id] if case.holder_id else [])
        return
    for offer in callout.rung_again():
        record_offer_made(work, case, callout, offer, again=True)
    record_step(work, case, callout, made)


def _watched(duty: Duty, desk: Now) -> Now:
    """A ladder for one person (a hand-over) watches the rotas of its desk like any other."""
    if isinstance(duty, Now):
        return duty
    return Now({who: list(people) for who, people in duty.items()}, until=desk.until, seen=desk.seen)


def offer_data(callout: Callout, offer: Offer) -> dict[str, Any]:
    """Return what every event about an offer carries."""
    return {
        "offer_id": offer.id,
        "callout_id": callout.id,
        "doctor": offer.doctor_id,
        "doctor_name": offer.doctor_name,
        "role": offer.role,
        "step": offer.step,
        "due_at": callout.step_due_at,
        "callout": callout,
    }


def hand_over_policy(name: str, user_id: UUID, *, note: str = "", by: str = "") -> dict[str, Any]:
    """Return the ladder of a hand-over: one named doctor, then after 15 min the coordinator.

    With it goes what `by` wrote to them; whoever reads the case's content reads it (hazard 24).
    """
    said = {"note": note, "note_by_name": by} if note else {}
    return said | {
        "id": None,
        "version": 1,
        "name": name,
        "steps": [
            {"who": [f"user:{user_id}"], "timeout_s": HAND_OVER_UNACCEPTED_S},
            {"who": [COORDINATOR], "timeout_s": 120},
        ],
        "answer_due_s": HAND_OVER_UNACCEPTED_S,
    }


def gone_policy() -> dict[str, Any]:
    """Return the ladder of a case whose holder's account was closed: coordinators, until somebody has taken it."""
    steps = [{"who": [COORDINATOR], "timeout_s": 120}]
    return {"id": None, "version": 1, "name": HOLDER_GONE, "steps": steps, "answer_due_s": HAND_OVER_UNACCEPTED_S}


def due(case: Consultation, now: datetime) -> list[Callout]:
    """Return the callouts that must be looked at now."""
    return [c for c in case.ringing_callouts if c.next_due_at is not None and c.next_due_at <= now]


def _ladder(callout: Callout) -> dict[str, Any]:
    following = callout.preview[callout.step + 1 : callout.step + 2]
    return {
        "callout_id": callout.id,
        "desk": callout.desk_id,
        "desk_name": callout.desk_name,
        "step": callout.step,
        "round": callout.round,
        "reason": callout.reason if callout.ringing else callout.ended_reason,
        "due_at": callout.step_due_at if callout.ringing else None,
        "next_names": [d["doctor_name"] for step in following for d in step["doctors"]],
    }
