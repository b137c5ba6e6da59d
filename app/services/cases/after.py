"""After acceptance: what rings again when the holder says nothing, or when the answer is overdue.

The row of the case is the timer (`consultation.next_due_at`), set by the verbs of the model. The holder stays the
holder; the holder and the next step of the ladder that was accepted are rung, on to a coordinator, until there is a
word or somebody else accepts. A consultant of a second specialty owes a word in the same way, whoever holds the case.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.models.callout import SECOND_SPECIALTY, Callout, Candidate, Offer
from app.models.consultation import Consultation, Ending
from app.services.facts import events
from app.services.ringing import ladder, routing
from app.work import Work

BY_TELEPHONE = "voice"


async def fire(work: Work, case: Consultation) -> bool:
    """Ring again for this case if it is time; False when it is not."""
    if case.next_due_at is None or case.next_due_at > work.now:
        return False
    work.touched = True
    if case.heard_at is None and await _opened_after_voice(work, case):
        heard(work, case, case.hear(now=work.now))
    for callout, offer in case.silent_consultants(work.now):
        await _ask_again(work, case, callout, offer)
    why = case.fall_due(work.now)
    if why is not None:
        await _ring(work, case, why)
    return True


def heard(work: Work, case: Consultation, ending: Ending) -> None:
    """Tell everybody who was rung because of the silence that there is a word."""
    ladder.record_ending(work, case, ending)


async def _ring(work: Work, case: Consultation, why: str) -> None:
    held = _ladder_of(case)
    desk = await routing.desk_now(work, held.desk_id, case.urgency)
    if desk is None or case.holder_id is None:
        return
    data = {"why": why, "holder": case.holder_id, "holder_name": case.holder_name, "at": work.now}
    told = [case.holder_id, case.requester_id]
    events.record(work, case, "consultation.silent", data | {"since": case.held_since}, to=told)
    holder = Candidate(case.holder_id, case.holder_name or "", "holder")
    policy = _steps_after(held, case.holder_id)
    duty = await routing.duty_for(work, desk.id, case.hospital_id, policy=policy)
    made = await ladder.open_callout(work, case, desk, reason=why, also=[holder], policy=policy, duty=duty)
    await ladder.record_opened(work, case, case.callouts[-1], made)


async def _ask_again(work: Work, case: Consultation, asked: Callout, accepted: Offer) -> None:
    """Ring a consultant who has said nothing, and the next step of their desk, with the question that they accepted."""
    desk = await routing.desk_now(work, asked.desk_id, case.urgency)
    assert desk is not None  # a desk that was rung once is closed, and never deleted
    consultant = Candidate(accepted.doctor_id, accepted.doctor_name, "consultant")
    policy = _steps_after(asked, accepted.doctor_id)
    duty = await routing.duty_for(work, desk.id, case.hospital_id, policy=policy)
    made = await ladder.open_callout(
        work, case, desk, reason=SECOND_SPECIALTY, also=[consultant], policy=policy, duty=duty, question=asked.question
    )
    await ladder.record_opened(work, case, case.callouts[-1], made)


def _ladder_of(case: Consultation) -> Callout:
    """The ladder that was accepted; behind a hand-over to one person stands the desk's own ladder."""
    held = case.held_through
    ladders = [c for c in case.callouts if not c.personal and c.desk_id == held.desk_id]
    return held if not held.personal or not ladders else ladders[-1]


def _steps_after(held: Callout, doctor_id: UUID | None) -> dict[str, Any]:
    """The steps after the one at which whoever accepted stood; behind the last one it stands again."""
    step = next((o.step for o in held.offers if o.doctor_id == doctor_id), 0)
    return held.policy | {"steps": held.steps[step + 1 :] or held.steps[-1:]}


async def _opened_after_voice(work: Work, case: Consultation) -> bool:
    """Whether a holder who accepted by telephone has opened the case since: only then is opening it a word."""
    accepted = [o for o in case.held_through.offers if o.doctor_id == case.holder_id and o.answered_via is not None]
    if not any(o.answered_via == BY_TELEPHONE for o in accepted):
        return False
    part = case.participant(case.holder_id) if case.holder_id else None
    if part is not None and part.seen_n > 0 and part.joined_at == case.held_since:
        return True
    row = await work.session.execute(_OPENED, {"case": case.id, "holder": case.holder_id, "since": case.held_since})
    return bool(row.scalar())


# What the holder's own hands asked for; a device that reconnects is no opening.
_OPENED = text("""
SELECT EXISTS (SELECT 1 FROM access_log WHERE consultation_id = CAST(:case AS uuid) AND user_id = CAST(:holder AS uuid)
               AND at > CAST(:since AS timestamptz) AND view = 'full'
               AND via IN ('read', 'messages', 'history', 'record'))
""")
