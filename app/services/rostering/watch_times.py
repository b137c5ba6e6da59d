"""When something about duty is due next, of each kind that is watched: one look, affordable every second."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from app.models.duty_watch import ANSWER_WITHIN
from app.services.rostering.reachability import AFTER, BEFORE, ROLES
from app.work import Work

LOOK_EVERY: Final = timedelta(hours=1)
OVERDUE: Final = timedelta(seconds=30)
CONFIRMED_AFTER: Final = timedelta(seconds=5)


async def next_due(work: Work, *, ask: bool) -> dict[str, datetime]:
    """The earliest due time of each kind; kinds with nothing due within the hour may be missing."""
    row = (
        await work.session.execute(
            _NEXT,
            {
                "now": work.now,
                "ask": ask,
                "since": work.now - AFTER,
                "soon": work.now + BEFORE + LOOK_EVERY,
                "before": BEFORE,
                "within": ANSWER_WITHIN,
                "roles": list(ROLES),
            },
        )
    ).one()
    return {kind: at for kind, at in row._mapping.items() if at is not None}  # noqa: SLF001  # its public name


async def overdue(work: Work, *, ask: bool) -> list[tuple[str, datetime]]:
    """Kinds of which something was due over 30 s ago and was not done: an alarm of its own."""
    found = await next_due(work, ask=ask)
    return [(kind, at) for kind, at in found.items() if at < work.now - OVERDUE]


class Lateness:
    """What one process remembers of its readings: only what is late in two of them, 5 s apart, has stopped.

    What came onto a rota with a time that has passed (a network file, the first look after an outage) is late at once,
    and done within a second.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._since: dict[str, datetime] = {}

    async def read(self, work: Work, *, ask: bool) -> dict[str, datetime]:
        """Return the kinds that were late 5 s ago or longer and are so still, with the due time that passed."""
        late = dict(await overdue(work, ask=ask))
        self._since = {kind: self._since.get(kind, work.now) for kind in late}
        return {kind: late[kind] for kind, since in self._since.items() if work.now - since >= CONFIRMED_AFTER}


_NEXT = text("""
SELECT
  (SELECT greatest(lower(d.during) - CAST(:before AS interval), CAST(:since AS timestamptz))
   FROM duty_slot d JOIN user_account u ON u.id = d.doctor_id
   WHERE CAST(:ask AS boolean) AND d.start_told_at IS NULL AND lower(d.during) <= CAST(:soon AS timestamptz)
     AND lower(d.during) > CAST(:since AS timestamptz) AND upper(d.during) > CAST(:now AS timestamptz)
     AND d.role = ANY(CAST(:roles AS text[])) AND u.active
     AND NOT EXISTS (SELECT 1 FROM reachability_check c WHERE c.schedule_id = d.schedule_id
                     AND c.doctor_id = d.doctor_id AND c.starts_at = lower(d.during))
     AND NOT EXISTS (SELECT 1 FROM duty_slot p WHERE p.schedule_id = d.schedule_id AND p.doctor_id = d.doctor_id
                     AND lower(p.during) < lower(d.during) AND upper(p.during) >= lower(d.during))
   ORDER BY lower(d.during) LIMIT 1) AS ask,
  (SELECT min(greatest(starts_at, asked_at + CAST(:within AS interval)))
   FROM reachability_check WHERE state = 'asked') AS unanswered,
  least((SELECT min(lower(during)) FROM duty_slot WHERE start_told_at IS NULL),
        (SELECT min(upper(during)) FROM duty_slot WHERE end_told_at IS NULL)) AS shifts,
  (SELECT min(next_told_at) FROM duty_gap WHERE closed_at IS NULL) AS gaps,
  (SELECT min(least(lower(during), lower(returns))) FROM swap WHERE state = 'offered') AS swaps,
  (SELECT min(upper(a.during) - w.days * interval '24 hours')
   FROM agreement a, unnest(ARRAY[7, 30, 60]) AS w (days)
   WHERE upper(a.during) > CAST(:now AS timestamptz)
     AND (a.warned_days IS NULL OR w.days < a.warned_days)) AS agreements
""")
