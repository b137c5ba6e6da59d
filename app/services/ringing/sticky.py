"""The doctor who knows the patient is rung first, alone and for a minute, when on duty at the desk and reachable.

Not in a red alert, where everybody is rung at once, and not when the first step would ring nobody else anyway.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text

from app.errors import NotFound
from app.models.callout import Candidate
from app.models.consultation import Consultation
from app.models.urgency import Urgency
from app.policy import facts_of, view_of
from app.services.facts import case_rows
from app.services.ringing.routing import Desk
from app.work import Work

REMEMBERED: Final = timedelta(days=30)
ALONE_S: Final = 60
_AT_THE_DESK: Final = ("primary", "backup", "head_of_shift", "red_team")


async def put_first(
    work: Work, case: Consultation, desk: Desk, *, previous_id: UUID | None, online: Callable[[UUID], bool]
) -> None:
    """Put a first step for the doctor who held this patient in the last 30 days into the ladder, if there is one.

    Equal patients have an equal identifier at the same hospital; or the request names a case that its author may read.
    Costs nothing for a request that has neither.
    """
    if case.urgency == Urgency.RED or case.drill or (previous_id is None and not case.identifiers):
        return
    for doctor_id in await _knew(work, case, previous_id):
        known = next((c for role in _AT_THE_DESK for c in desk.duty.get(role, ()) if c.doctor_id == doctor_id), None)
        if known is None or known.doctor_id == case.requester_id or not _rings_others(desk, known):
            continue
        if online(doctor_id) or await _has_device(work, doctor_id):
            who = f"user:{doctor_id}"
            step = {"who": [who], "mode": "all", "timeout_s": ALONE_S, "clock": "wall", "sticky": True}
            desk.policy = desk.policy | {"steps": [step, *desk.policy["steps"]]}
            desk.duty[who] = [known]
            return


async def _knew(work: Work, case: Consultation, previous_id: UUID | None) -> list[UUID]:
    """Who held the patient, the latest first; a case that the author may not read counts as not named."""
    since = work.now - REMEMBERED
    found: list[UUID] = []
    if previous_id is not None:
        try:
            before, _ = await case_rows.load(work, previous_id)
        except NotFound:
            before = None
        if (
            before is not None
            and before.holder_id is not None
            and (before.held_since or before.created_at) > since
            and view_of(work.subject, facts_of(before, work.subject, ())) == "full"
        ):
            found.append(before.holder_id)
    if case.identifiers:
        equal = [to_json([identifier]).decode() for identifier in case.identifiers]
        rows = await work.session.execute(_HELD_BEFORE, {"hospital": case.hospital_id, "equal": equal, "since": since})
        found += [row.holder_id for row in rows]
    return list(dict.fromkeys(found))


def _rings_others(desk: Desk, known: Candidate) -> bool:
    """Whether the first step would ring somebody else: otherwise a minute alone is a minute lost."""
    first = desk.policy["steps"][0]["who"]
    return any(c.doctor_id != known.doctor_id for who in first for c in desk.duty.get(who, ()))


async def _has_device(work: Work, doctor_id: UUID) -> bool:
    return bool((await work.session.execute(_DEVICE, {"user": doctor_id})).scalar_one())


_HELD_BEFORE = text("""
SELECT c.holder_id FROM consultation c
WHERE c.hospital_id = CAST(:hospital AS uuid) AND c.identifiers <> '[]'
  AND c.identifiers @> ANY(CAST(:equal AS jsonb[])) AND c.holder_id IS NOT NULL AND NOT c.drill
  AND c.held_since > CAST(:since AS timestamptz)
ORDER BY c.held_since DESC LIMIT 10
""")

_DEVICE = text("""
SELECT EXISTS (SELECT 1 FROM channel WHERE user_id = CAST(:user AS uuid) AND gone_at IS NULL
               AND kind IN ('push', 'sms', 'voice'))
""")
