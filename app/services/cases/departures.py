"""When an account is closed, what rang for it rings for others, and what it held is not left without an owner."""

from uuid import UUID

from sqlalchemy import text

from app.errors import NotFound
from app.models.callout import HOLDER_GONE
from app.models.consultation import Consultation, Status
from app.services.facts import case_rows
from app.services.ringing import ladder, routing
from app.work import Work


async def lock_cases(work: Work, user_id: UUID) -> None:
    """Lock every case that rings the account or is held by it, by id: before rotas, accounts and chains."""
    await work.session.execute(_LOCK_CASES, {"user": user_id})


async def release(work: Work, user_id: UUID) -> None:
    """Withdraw every open offer to the account, and ring coordinators for each open case that it holds.

    Its cases were locked at the beginning. One that came to it since is taken only if it is free: where somebody is at
    it just now, the ladder goes on without the account, and a silent holder is rung for, as always.
    """
    for row in (await work.session.execute(_CASES, {"user": user_id})).all():
        try:
            case, _ = await case_rows.load(work, row.id, lock=True, wait=False)
        except NotFound:
            continue
        _withdraw_offers(work, case, user_id)
        if case.holder_id == user_id and case.status == Status.ACTIVE:
            await _ring_coordinators(work, case)


def _withdraw_offers(work: Work, case: Consultation, user_id: UUID) -> None:
    for callout in case.callouts:
        offer = callout.open_offer_of(user_id)
        if offer is None:
            continue
        offer.withdraw("off_duty", now=work.now)
        ladder.record_withdrawn(work, case, callout, offer)
        if callout.ringing:
            # Whom to ring next is the timer loop's business, within a second: it locks other doctors by their ids.
            callout.look_by(work.now)


async def _ring_coordinators(work: Work, case: Consultation) -> None:
    held = case.held_through
    desk = await routing.desk_now(work, held.desk_id, case.urgency)
    if desk is None:
        return
    duty = await routing.duty_for(work, desk.id, case.hospital_id)
    made = await ladder.open_callout(work, case, desk, reason=HOLDER_GONE, policy=ladder.gone_policy(), duty=duty)
    await ladder.record_opened(work, case, case.callouts[-1], made)


_OF = """
SELECT id FROM consultation WHERE holder_id = CAST(:user AS uuid) AND status = 'active'
UNION SELECT consultation_id FROM offer WHERE doctor_id = CAST(:user AS uuid) AND state = 'made'
"""
_CASES = text(f"{_OF} ORDER BY 1")
_LOCK_CASES = text(f"SELECT id FROM consultation WHERE id IN ({_OF}) ORDER BY id FOR UPDATE")  # noqa: S608 (a constant)
