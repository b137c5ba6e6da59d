"""Who answers for a specialty asked by a hospital now: agreements by rank, then desks, then who is on duty there.

One statement brings everything that a request needs, so that the hot path makes one round trip before its write.
Order of desks: agreement's rank, hospital before department, start of the agreement, its id, the desk's rank in it;
the first desk whose first step has somebody. Outside any agreement, red and orange ring all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import text

from app.errors import NoAgreement, NobodyToRing
from app.models.callout import COORDINATOR, Candidate, Duty
from app.models.urgency import Urgency
from app.services import case_rows  # noqa: F401  (keeps the statements of the hot path together at import)
from app.work import Work

OUTSIDE_AGREEMENT = "outside_agreement"
OTHER_SPECIALTY = "other_specialty"


@dataclass(slots=True)
class Desk:
    """A desk that could be rung, with its policy and who is on duty for it now."""

    id: UUID
    name: str
    phone: str | None
    specialty: str
    hospital_id: UUID
    hospital_name: str
    tier: int
    policy: dict[str, Any]
    duty: Duty

    def first_step_has_somebody(self, never: UUID) -> bool:
        """Whether the first step would ring anyone but the requester."""
        return any(
            c.doctor_id != never for who in self.policy["steps"][0]["who"] for c in self.duty.get(who, ())
        )


@dataclass(slots=True)
class Route:
    """Where a request goes, its case number, and what must be said about the way."""

    number: str
    desk: Desk
    warnings: list[str]


async def route(work: Work, *, specialty: str, urgency: Urgency, desk_id: UUID | None) -> Route:
    """Find the desk for a new request. Raises NoAgreement (routine, outside agreements) or NobodyToRing."""
    subject = work.subject
    row = (
        await work.session.execute(
            _ROUTE,
            {
                "hospital": subject.hospital_id,
                "specialty": specialty,
                "urgency": urgency.value,
                "desk": desk_id,
                "now": work.now,
            },
        )
    ).one()
    desks = [_desk(d) for d in from_json(row.desks)] if row.desks else []
    number = f"HC-{row.number:04d}"
    return Route(number, *choose(desks, urgency=urgency, specialty=specialty, wanted=desk_id, never=subject.id))


def choose(
    desks: Sequence[Desk], *, urgency: Urgency, specialty: str, wanted: UUID | None, never: UUID
) -> tuple[Desk, list[str]]:
    """Choose among candidate desks, which are in routing order; tier 0 is within an agreement."""
    agreed = [d for d in desks if d.tier == 0]
    chosen = [d for d in desks if d.id == wanted] if wanted else []
    if chosen:
        desk = chosen[0]
        if desk.tier == 0:
            return desk, []
    if not wanted and agreed:
        return next((d for d in agreed if d.first_step_has_somebody(never)), agreed[0]), []
    if urgency not in (Urgency.RED, Urgency.ORANGE):
        raise NoAgreement(could_ask=", ".join(dict.fromkeys(d.hospital_name for d in agreed)) or "—")
    ordered = chosen + [d for d in desks if d not in chosen]
    if not ordered:
        raise NobodyToRing
    same = [d for d in ordered if d.specialty == specialty] or ordered
    desk = chosen[0] if chosen else next((d for d in same if d.first_step_has_somebody(never)), same[0])
    warnings = [] if desk.tier == 0 else [OUTSIDE_AGREEMENT]
    return desk, warnings if desk.specialty == specialty else [*warnings, OTHER_SPECIALTY]


async def desk_now(work: Work, desk_id: UUID, urgency: str) -> Desk | None:
    """Load one desk with the policy in force and who is on duty for it now."""
    row = (
        await work.session.execute(_DESK, {"desk": desk_id, "urgency": urgency, "now": work.now})
    ).one_or_none()
    return _desk(from_json(row.desk)) if row else None


async def duty_for(work: Work, desk_id: UUID, asking_hospital: UUID) -> Duty:
    """Return who can be rung for a desk now, by role; with no coordinator on duty, all of that hospital's, else theirs.

    «Theirs» are the coordinators of the asking hospital: the end of the ladder always is a human.
    """
    rows = await work.session.execute(_DUTY, {"desk": desk_id, "asking": asking_hospital, "now": work.now})
    duty: dict[str, list[Candidate]] = {}
    spare: dict[str, list[Candidate]] = {}
    for row in rows:
        target = duty if row.kind == "duty" else spare
        target.setdefault(row.role if row.kind == "duty" else row.kind, []).append(
            Candidate(row.doctor_id, row.name, row.role)
        )
    if not duty.get(COORDINATOR):
        duty[COORDINATOR] = spare.get("same_hospital") or spare.get("other_party") or []
    return duty


def preview(policy: dict[str, Any], duty: Duty) -> list[dict[str, Any]]:
    """Return who each step would ring now: what the requester is shown before the steps are reached."""
    return [
        {
            "who": step["who"],
            "doctors": [
                {"doctor": str(c.doctor_id), "doctor_name": c.name} for who in step["who"] for c in duty.get(who, ())
            ],
        }
        for step in policy["steps"]
    ]


def _desk(data: dict[str, Any]) -> Desk:
    duty: dict[str, list[Candidate]] = {}
    for d in data["duty"] or ():
        duty.setdefault(d["role"], []).append(Candidate(UUID(d["doctor_id"]), d["name"], d["role"]))
    return Desk(
        id=UUID(data["id"]),
        name=data["name"],
        phone=data["phone"],
        specialty=data["specialty"],
        hospital_id=UUID(data["hospital_id"]),
        hospital_name=data["hospital_name"],
        tier=data["tier"],
        policy=data["policy"],
        duty=duty,
    )


def answer_due(now: datetime, policy: dict[str, Any]) -> datetime:
    """Return when the question must be answered (by an opinion or conclusion), wall clock."""
    from datetime import timedelta  # noqa: PLC0415

    return now + timedelta(seconds=policy["answer_due_s"])


_DESK_JSON = """
json_build_object(
  'id', k.id, 'name', k.name, 'phone', k.phone, 'specialty', k.specialty, 'hospital_id', k.hospital_id,
  'hospital_name', h.short_name, 'tier', {tier},
  'policy', (SELECT json_build_object('id', p.id, 'version', p.version, 'steps', p.steps, 'answer_due_s', p.answer_due_s)
             FROM escalation_policy p
             WHERE p.superseded_at IS NULL AND p.urgency = CAST(:urgency AS text)
               AND (p.desk_id = k.id OR p.hospital_id = k.hospital_id OR (p.desk_id IS NULL AND p.hospital_id IS NULL))
             ORDER BY p.desk_id NULLS LAST, p.hospital_id NULLS LAST LIMIT 1),
  'duty', (SELECT json_agg(json_build_object('doctor_id', u.id, 'name', u.name, 'role', d.role) ORDER BY lower(d.during), u.name)
           FROM schedule s JOIN duty_slot d ON d.schedule_id = s.id JOIN user_account u ON u.id = d.doctor_id
           WHERE (s.desk_id = k.id OR s.hospital_id = k.hospital_id)
             AND upper(d.during) > CAST(:now AS timestamptz) AND d.during @> CAST(:now AS timestamptz) AND u.active)
)
"""

_ROUTE = text(f"""
WITH asking AS (
  SELECT o.id, o.department_id, o.fallback_desks FROM organization o WHERE o.id = CAST(:hospital AS uuid)
), agreed AS (
  SELECT ad.desk_id, min(row_number) AS place FROM (
    SELECT ad.desk_id, row_number() OVER (
             ORDER BY a.rank, (a.asking_id <> q.id), lower(a.during), a.id, ad.rank) AS row_number
    FROM asking q JOIN agreement a ON a.asking_id IN (q.id, q.department_id)
    JOIN agreement_desk ad ON ad.agreement_id = a.id
    WHERE a.specialty = CAST(:specialty AS text) AND a.during @> CAST(:now AS timestamptz)
  ) ad GROUP BY ad.desk_id
), outside AS (
  SELECT k.id AS desk_id, CASE WHEN q.fallback_desks ? k.id::text THEN 1 WHEN k.specialty = CAST(:specialty AS text) THEN 2 ELSE 3 END AS tier
  FROM asking q, desk k
  WHERE k.active AND NOT EXISTS (SELECT 1 FROM agreed)
    AND (q.fallback_desks ? k.id::text OR k.specialty = CAST(:specialty AS text) OR k.specialty = 'K02'
         OR k.id = CAST(:desk AS uuid))
), candidates AS (
  SELECT desk_id, 0 AS tier, place FROM agreed
  UNION ALL
  SELECT desk_id, tier, 0 FROM (SELECT * FROM outside ORDER BY tier, desk_id LIMIT 12) f
  UNION ALL
  SELECT k.id, 2, 0 FROM desk k WHERE k.id = CAST(:desk AS uuid) AND k.active
     AND k.id NOT IN (SELECT desk_id FROM agreed) AND k.id NOT IN (SELECT desk_id FROM outside)
)
SELECT nextval('case_number') AS number,
  (SELECT json_agg({_DESK_JSON.format(tier="c.tier")} ORDER BY c.tier, c.place, k.name)
   FROM candidates c JOIN desk k ON k.id = c.desk_id AND k.active JOIN organization h ON h.id = k.hospital_id)::text AS desks
""")

_DESK = text(f"""
SELECT {_DESK_JSON.format(tier="0")}::text AS desk
FROM desk k JOIN organization h ON h.id = k.hospital_id WHERE k.id = CAST(:desk AS uuid) AND k.active
""")

_DUTY = text("""
SELECT 'duty' AS kind, d.role, u.id AS doctor_id, u.name
FROM desk k JOIN schedule s ON s.desk_id = k.id OR s.hospital_id = k.hospital_id
JOIN duty_slot d ON d.schedule_id = s.id JOIN user_account u ON u.id = d.doctor_id
WHERE k.id = CAST(:desk AS uuid) AND upper(d.during) > CAST(:now AS timestamptz)
  AND d.during @> CAST(:now AS timestamptz) AND u.active
UNION ALL
SELECT CASE WHEN u.hospital_id = k.hospital_id THEN 'same_hospital' ELSE 'other_party' END, 'coordinator', u.id, u.name
FROM desk k JOIN user_account u ON u.role = 'coordinator' AND u.active
  AND u.hospital_id IN (k.hospital_id, CAST(:asking AS uuid))
WHERE k.id = CAST(:desk AS uuid)
ORDER BY 1, 4
""")
