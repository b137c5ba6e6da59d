"""Moves on the ladder by hand: jump to a later step, ring another desk instead, ask a second specialty beside.

Each opens or moves a callout of its own and closes nothing before what comes instead rings.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from app.errors import Invalid, NobodyToRing, NotForward, NotRinging
from app.models.callout import SECOND_SPECIALTY, Callout, CalloutState, Offer
from app.models.consultation import Consultation, Ending
from app.models.urgency import Urgency
from app.policy import Action, Relation, facts_of
from app.services.cases import calls
from app.services.cases.consultations import Seen, answer, locked
from app.services.facts import events
from app.services.ringing import ladder, routing
from app.work import Work

REROUTED = "rerouted"


async def jump(work: Work, case_id: UUID, step: int, callout_id: UUID | None) -> Seen:
    """A coordinator takes a later step now; everybody rung so far rings on. Raises NotForward, NotRinging, Invalid."""
    case, on_duty_at = await locked(work, case_id, Action.JUMP)
    callout = _ringing(case, callout_id)
    if step >= len(callout.steps):
        raise Invalid(
            "step",
            f"Bậc thang này có {len(callout.steps)} nấc, đánh số từ 0.",
            f"This ladder has {len(callout.steps)} steps, counted from 0.",
        )
    if step <= callout.step:
        raise NotForward(step=callout.step)
    duty = await ladder.duty_now(work, case, callout)
    ladder.reconcile(work, case, callout, duty)
    made = callout.jump(step, duty, now=work.now, never=case.requester_id)
    for offer in callout.rung_again():
        ladder.record_offer_made(work, case, callout, offer, again=True)
    ladder.record_step(work, case, callout, made)
    return answer(work, case, on_duty_at)


async def re_route(work: Work, case_id: UUID, desk_id: UUID, reason: str) -> Seen:
    """Ring another desk instead: what rings now is closed as `rerouted` once the new desk rings, and not before.

    The asking side is bound by agreements as for a new request. A holder stays until somebody accepts there.
    """
    case, on_duty_at = await locked(work, case_id, Action.RE_ROUTE)
    if case.quiet:
        raise calls.only_to_confirm("desk_id")
    _not_rung_already(case, desk_id)
    desk = await routing.desk_now(work, desk_id, case.urgency, open_only=True)
    if desk is None:
        raise Invalid("desk_id", "Không có bàn trực này.", "There is no such desk.")
    if _asks(work, case, on_duty_at):
        desk = await _agreed(work, case, desk.specialty, desk_id)
    instead_of = [c for c in case.ringing_callouts if not c.personal and not c.parallel]
    made = await _open(work, case, desk, reason=REROUTED)
    ending = Ending()
    for callout in instead_of:
        ending.withdrawn += callout.withdraw_open(REROUTED, now=work.now)
        callout.end(CalloutState.ENDED, REROUTED, now=work.now)
        ending.callouts.append(callout)
    await ladder.record_opened(work, case, case.callouts[-1], made, said=reason)
    ladder.record_ending(work, case, ending)
    return answer(work, case, on_duty_at)


async def ask_specialty(
    work: Work, case_id: UUID, *, specialty: str | None, desk_id: UUID | None, question: str
) -> Seen:
    """Ask a second specialty beside the first, with a question of its own.

    Whoever accepts there takes part as a consultant; the case stays with its holder, and its own callout rings on. The
    answering side asks its own hospital first; the asking side goes by agreements.
    """
    case, on_duty_at = await locked(work, case_id, Action.ASK_SPECIALTY)
    if desk_id is not None:
        known = await routing.desk_now(work, desk_id, case.urgency, open_only=True)
        if known is None:
            raise Invalid("desk_id", "Không có bàn trực này.", "There is no such desk.")
        specialty = known.specialty
        desk = await _agreed(work, case, specialty, desk_id) if _asks(work, case, on_duty_at) else known
    else:
        assert specialty is not None
        own = None if _asks(work, case, on_duty_at) else await _own_desk(work, case, specialty)
        desk = own or await _agreed(work, case, specialty, None)
    _not_rung_already(case, desk.id)
    made = await _open(work, case, desk, reason=SECOND_SPECIALTY, question=question)
    await ladder.record_opened(work, case, case.callouts[-1], made)
    return answer(work, case, on_duty_at)


async def _open(
    work: Work, case: Consultation, desk: routing.Desk, *, reason: str, question: str | None = None
) -> list[Offer]:
    made = await ladder.open_callout(work, case, desk, reason=reason, question=question)
    if not made:
        raise NobodyToRing
    return made


def _ringing(case: Consultation, callout_id: UUID | None) -> Callout:
    """The callout that is named, else the patient's own before one of a second specialty."""
    ringing = sorted(case.ringing_callouts, key=lambda c: not c.parallel)
    if callout_id is not None:
        ringing = [c for c in case.callouts if c.id == callout_id]
        if not ringing:
            raise Invalid("callout_id", "Ca này không có lượt gọi đó.", "This case has no such callout.")
    if not ringing or not ringing[-1].ringing:
        raise NotRinging(status=case.status)
    return ringing[-1]


def _not_rung_already(case: Consultation, desk_id: UUID) -> None:
    if any(c.desk_id == desk_id and not c.personal for c in case.ringing_callouts):
        raise Invalid("desk_id", "Bàn này đang được gọi rồi.", "This desk is being rung already.")


def _asks(work: Work, case: Consultation, on_duty_at: Sequence[UUID]) -> bool:
    """Whether the actor speaks for the asking side, which is bound by agreements."""
    relations = facts_of(case, work.subject, on_duty_at).relations
    return not relations & {Relation.HOLDER, Relation.COORDINATOR_ANSWERING}


async def _agreed(work: Work, case: Consultation, specialty: str, desk_id: UUID | None) -> routing.Desk:
    desks = await routing.candidates(
        work, hospital=case.hospital_id, specialty=specialty, urgency=case.urgency, desk_id=desk_id, at=work.now
    )
    desk, warnings = routing.choose(
        desks, urgency=Urgency(case.urgency), specialty=specialty, wanted=desk_id, never=case.requester_id
    )
    case.warnings = [*case.warnings, *(w for w in warnings if w not in case.warnings)]
    if warnings:
        events.record(work, case, "consultation.updated", {"changed": ["warnings"], "warnings": case.warnings})
    return desk


async def _own_desk(work: Work, case: Consultation, specialty: str) -> routing.Desk | None:
    """The desk of that specialty at the answering hospital, the first whose first step has somebody."""
    rows = await work.session.execute(_OWN_DESKS, {"hospital": case.held_through.hospital_id, "specialty": specialty})
    found = [await routing.desk_now(work, row.id, case.urgency) for row in rows]
    desks = [desk for desk in found if desk is not None]
    return next((d for d in desks if d.first_step_has_somebody(case.requester_id)), None)


_OWN_DESKS = text("""
SELECT id FROM desk WHERE hospital_id = CAST(:hospital AS uuid) AND specialty = CAST(:specialty AS text) AND active
ORDER BY name, id
""")
