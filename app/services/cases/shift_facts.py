"""Duty that begins and duty that ends, told to its doctor and to the board of its hospital: exactly once.

The slot is its own timer: `start_told_at` and `end_told_at`. Hundreds of slots change at one hour, so they are told in
portions, each in a transaction of its own that locks the chains of facts in one statement and briefly.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.services.cases import shift_end
from app.services.facts import events
from app.services.rostering import rota_people
from app.work import Work

MOST_AT_ONCE: Final = 50
FORGOTTEN_AFTER: Final = timedelta(hours=12)
"""What ended longer ago than this while nobody was there to tell it is marked as told and not told."""
Json = dict[str, Any]


async def due(work: Work, but: Collection[UUID], limit: int) -> list[UUID]:
    """Rotas in which a duty has begun or ended that was not told."""
    rows = await work.session.execute(_DUE, {"now": work.now, "but": list(but), "most": limit})
    return [row.schedule_id for row in rows]


async def tell(work: Work, schedule_ids: Collection[UUID]) -> int:
    """Tell one portion of what began and ended in these rotas; return how many slots that were."""
    ours = await rota_people.lock_rotas(work, schedule_ids, wait=False)
    parameters = {"ids": ours, "now": work.now, "most": MOST_AT_ONCE}
    begun = (await work.session.execute(_BEGUN, parameters)).all()
    ended = (await work.session.execute(_ENDED, parameters)).all()
    if not begun and not ended:
        return 0
    places = await rota_people.places(work, {row.schedule_id for row in (*begun, *ended)})
    leaving = {row.doctor_id for row in ended if not row.goes_on}
    holding = await shift_end.open_cases_of(work, leaving)
    said: list[tuple[str, str, Json]] = []
    for rows, event_type in ((ended, "duty.ended"), (begun, "duty.started")):
        for row in rows:
            if row.goes_on or row.ends_at < work.now - FORGOTTEN_AFTER:
                continue
            place = places[row.schedule_id]
            data = place.facts() | {
                "role": row.role,
                "doctor": row.doctor_id,
                "doctor_name": row.doctor_name,
                "from": row.starts_at,
                "to": row.ends_at,
                "at": work.now,
            }
            if event_type == "duty.ended":
                data["open_cases"] = holding[row.doctor_id]
            said += [(place.board, event_type, data), (f"user:{row.doctor_id}", event_type, data)]
    await work.session.execute(_TOLD, {"begun": [r.id for r in begun], "ended": [r.id for r in ended], "now": work.now})
    await events.record_each_about(work, said)
    return len(begun) + len(ended)


_DUE = text("""
SELECT schedule_id FROM (
  SELECT schedule_id, lower(during) AS at FROM duty_slot
  WHERE start_told_at IS NULL AND lower(during) <= CAST(:now AS timestamptz)
  UNION ALL
  SELECT schedule_id, upper(during) FROM duty_slot
  WHERE end_told_at IS NULL AND upper(during) <= CAST(:now AS timestamptz)
) d WHERE schedule_id <> ALL (CAST(:but AS uuid[]))
GROUP BY 1 ORDER BY min(at), 1 LIMIT :most
""")

_SLOT = """
SELECT d.id, d.schedule_id, d.doctor_id, u.name AS doctor_name, d.role, lower(d.during) AS starts_at,
       upper(d.during) AS ends_at, EXISTS (
  SELECT 1 FROM duty_slot n WHERE n.schedule_id = d.schedule_id AND n.doctor_id = d.doctor_id AND n.id <> d.id
    AND {goes_on}) AS goes_on
FROM duty_slot d JOIN user_account u ON u.id = d.doctor_id
WHERE d.schedule_id = ANY(CAST(:ids AS uuid[])) AND {due}
ORDER BY {at}, d.id LIMIT :most FOR UPDATE OF d SKIP LOCKED
"""
# A duty of the same role that touches it was told already; another role is news.
_BEGUN = text(
    _SLOT.format(
        goes_on="n.role = d.role AND upper(n.during) = lower(d.during)",
        due="d.start_told_at IS NULL AND lower(d.during) <= CAST(:now AS timestamptz)",
        at="lower(d.during)",
    )
)
# It has not ended for the doctor as long as anything of that rota goes on or follows at once.
_ENDED = text(
    _SLOT.format(
        goes_on="lower(n.during) <= upper(d.during) AND upper(n.during) > upper(d.during)",
        due="d.end_told_at IS NULL AND upper(d.during) <= CAST(:now AS timestamptz)",
        at="upper(d.during)",
    )
)
_TOLD = text("""
UPDATE duty_slot SET
  start_told_at = CASE WHEN id = ANY(CAST(:begun AS uuid[])) THEN CAST(:now AS timestamptz) ELSE start_told_at END,
  end_told_at = CASE WHEN id = ANY(CAST(:ended AS uuid[])) THEN CAST(:now AS timestamptz) ELSE end_told_at END
WHERE id = ANY(CAST(:begun AS uuid[])) OR id = ANY(CAST(:ended AS uuid[]))
""")
