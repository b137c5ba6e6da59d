"""What duty costs: a desk's load by doctor, and what waits for a doctor who has no room."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.errors import Invalid
from app.models.rota_rules import Slot
from app.models.spans import Span, tidy
from app.policy import Action, DutyAction, Verdict, allow, allow_duty, decide_duty
from app.services.ringing import fairness
from app.services.ringing.capacity import desk_and_standings
from app.services.rostering import duty_corrections
from app.work import Work

Json = dict[str, Any]
USUAL: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=100)


async def of_desk(work: Work, desk_id: UUID, start: datetime | None, end: datetime | None) -> Json:
    """Return what duty cost every doctor of a desk (rung, accepted, declined, at night, hours), and their room now.

    The last 7 days when nothing is said. Raises NotFound, Forbidden, Invalid (end before start, over 100 days).
    """
    _, standings = await desk_and_standings(work, desk_id)
    allow_duty(DutyAction.READ_ROTA, standings)
    end = end or work.now
    start = start or end - USUAL
    if end <= start:
        raise Invalid("to", "«to» phải sau «from».", "`to` must be after `from`.")
    if end - start > LONGEST:
        raise Invalid("to", f"Nhiều nhất {LONGEST.days} ngày.", f"At most {LONGEST.days} days.")
    served = _served(await duty_corrections.as_it_was(work, desk_id, start, end))
    asked = {"desk": desk_id, "start": start, "end": end, "doctors": list(served)}
    rows = await work.session.execute(_LOAD, asked)
    items = [
        {
            "doctor": row.doctor_id,
            "doctor_name": row.name,
            "offers": row.offers,
            "acceptances": row.acceptances,
            "declined": row.declined,
            "night_rings": row.night_rings,
            "hours": round(hours.total_seconds() / 3600, 2),
            "shifts": shifts,
            "rings_per_shift": round(row.offers / shifts, 2) if shifts else None,
            "held": row.held,
            "capacity": row.capacity,
            "capacity_version": row.capacity_version,
        }
        for row in rows
        for hours, shifts in (served.get(row.doctor_id, (timedelta(), 0)),)
    ]
    may = [a.value for a in (DutyAction.SET_CAPACITY,) if decide_duty(a, standings) is Verdict.ALLOW]
    return {"desk": desk_id, "from": start, "to": end, "items": items, "may": may}


def _served(slots: Iterable[Slot]) -> dict[UUID, tuple[timedelta, int]]:
    """How long each doctor was on duty, and in how many stretches; with two roles at once they are on duty once."""
    spans: dict[UUID, list[Span]] = defaultdict(list)
    for slot in slots:
        spans[slot.doctor].append((slot.start, slot.end))
    found = {}
    for doctor, those in spans.items():
        whole = tidy(those)
        found[doctor] = (sum((end - start for start, end in whole), timedelta()), len(whole))
    return found


async def waiting(work: Work) -> Json:
    """Return the cases that ring at others because the actor has no room, the first to be offered first."""
    allow(work, Action.SEE_WAITING)
    found = (await work.session.execute(_WAITING, {"actor": str(work.subject.id)})).all()
    held, capacity = await fairness.room_of(work, work.subject.id)
    return {"held": held, "capacity": capacity, "items": [dict(row._mapping) for row in found]}  # noqa: SLF001


_LOAD = text(f"""
WITH rung AS (
  SELECT o.doctor_id, count(*) AS offers, count(*) FILTER (WHERE o.state = 'accepted') AS acceptances,
    count(*) FILTER (WHERE o.state = 'declined') AS declined,
    count(*) FILTER (WHERE extract(hour FROM o.made_at AT TIME ZONE 'Asia/Ho_Chi_Minh') >= 22
                        OR extract(hour FROM o.made_at AT TIME ZONE 'Asia/Ho_Chi_Minh') < 6) AS night_rings
  FROM callout k JOIN consultation c ON c.id = k.consultation_id AND NOT c.drill
  JOIN offer o ON o.callout_id = k.id
  WHERE k.desk_id = CAST(:desk AS uuid) AND k.reason IS DISTINCT FROM 'telephone'
    AND o.made_at >= CAST(:start AS timestamptz)
    AND o.made_at < CAST(:end AS timestamptz)
  GROUP BY o.doctor_id
)
SELECT u.id AS doctor_id, u.name, coalesce(r.offers, 0) AS offers, coalesce(r.acceptances, 0) AS acceptances,
  coalesce(r.declined, 0) AS declined, coalesce(r.night_rings, 0) AS night_rings,
  u.capacity, u.capacity_version, {fairness.HELD} AS held
FROM user_account u LEFT JOIN rung r ON r.doctor_id = u.id
WHERE r.doctor_id IS NOT NULL OR u.id = ANY(CAST(:doctors AS uuid[]))
ORDER BY offers DESC, u.name, u.id
""")  # noqa: S608 (constants of the code)

_WAITING = text("""
SELECT k.consultation_id, k.id AS callout_id, c.number, k.urgency, k.specialty, c.hospital_name, k.desk_name,
       k.opened_at
FROM callout k JOIN consultation c ON c.id = k.consultation_id
WHERE k.state = 'ringing' AND k.passed_over <> '[]' AND k.passed_over ? CAST(:actor AS text)
ORDER BY array_position(ARRAY['red', 'orange', 'yellow', 'green'], k.urgency), k.opened_at, k.id
""")
