"""When an account is closed, what rang for it rings for others, and what it held is not left without an owner."""

from uuid import UUID

from sqlalchemy import text

from app.models.callout import HOLDER_GONE
from app.models.consultation import Consultation, Status
from app.services.facts import case_rows
from app.services.ringing import ladder, routing
from app.work import Work


async def release(work: Work, user_id: UUID) -> None:
    """Withdraw every open offer to the account, and ring coordinators for each open case that it holds."""
    for row in (await work.session.execute(_CASES, {"user": user_id})).all():
        case, _ = await case_rows.load(work, row.id, lock=True)
        await _withdraw_offers(work, case, user_id)
        if case.holder_id == user_id and case.status == Status.ACTIVE:
            await _ring_coordinators(work, case)


async def _withdraw_offers(work: Work, case: Consultation, user_id: UUID) -> None:
    for callout in case.callouts:
        offer = callout.open_offer_of(user_id)
        if offer is None:
            continue
        offer.withdraw("off_duty", now=work.now)
        ladder.record_withdrawn(work, case, callout, offer)
        if callout.ringing and callout.should_advance(work.now):
            ladder.step_up(work, case, callout, await ladder.duty_now(work, case, callout))
        elif callout.ringing:
            callout.reschedule()


async def _ring_coordinators(work: Work, case: Consultation) -> None:
    held = case.held_through
    desk = await routing.desk_now(work, held.desk_id, case.urgency)
    if desk is None:
        return
    duty = await routing.duty_for(work, desk.id, case.hospital_id)
    made = await ladder.open_callout(work, case, desk, reason=HOLDER_GONE, policy=ladder.gone_policy(), duty=duty)
    await ladder.record_opened(work, case, case.callouts[-1], made)


_CASES = text("""
SELECT id FROM consultation WHERE holder_id = CAST(:user AS uuid) AND status = 'active'
UNION SELECT consultation_id FROM offer WHERE doctor_id = CAST(:user AS uuid) AND state = 'made'
ORDER BY 1
""")
