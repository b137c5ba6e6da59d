"""Who answers for a specialty asked by a hospital now: agreements by rank, then desks, then who is on duty there.

One statement brings everything that a request needs, so that the hot path makes one round trip before its write.
Order of desks: agreement's rank, hospital before department, start of the agreement, its id, the desk's rank in it;
the first desk whose first step has somebody. Outside any agreement, red and orange ring all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import select, text

from app.errors import Invalid, NoAgreement, NobodyToRing
from app.models.callout import COORDINATOR, Callout, Candidate, Duty
from app.models.offer import OTHER_COORDINATORS, OWN_COORDINATORS
from app.models.specialty import Specialty
from app.models.urgency import EMERGENCIES, Urgency
from app.prepared import Prepared
from app.work import Work

AGREED = 0
EMERGENCY = "K02"
OUTSIDE_AGREEMENT = "outside_agreement"
OTHER_SPECIALTY = "other_specialty"
LIKE_OPEN_CASE = "like_open_case"


class Now(dict[str, list[Candidate]]):
    """Who can be rung at one instant, by role; until when that holds, and by which state of the rotas."""

    def __init__(
        self,
        people: Mapping[str, list[Candidate]] | None = None,
        *,
        until: datetime | None = None,
        seen: Mapping[str, int] | None = None,
    ) -> None:
        """Hold people by role; `seen` is each rota's `duty_version` by its owner."""
        super().__init__(people or {})
        self.until = until
        self.seen = dict(seen or {})

    def add(self, who: str, candidate: Candidate) -> None:
        """Put one more person under a role."""
        self.setdefault(who, []).append(candidate)

    def notice(self, until: datetime | None, seen: Mapping[str, int] | None) -> None:
        """It also depends on these rotas."""
        self.until = min(self.until, until) if self.until and until else self.until or until
        self.seen.update(seen or {})


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
    duty: Now

    def first_step_has_somebody(self, never: UUID) -> bool:
        """Whether the first step would ring anyone but the requester."""
        return any(c.doctor_id != never for who in self.policy["steps"][0]["who"] for c in self.duty.get(who, ()))


@dataclass(slots=True)
class Route:
    """Where a request goes, its case number, and what must be said about the way."""

    number: str
    desk: Desk
    warnings: list[str]


async def route(work: Work, *, specialty: str, urgency: Urgency, desk_id: UUID | None, label: str) -> Route:
    """Find the desk for a new request. Raises Invalid, NoAgreement (routine, outside agreements) or NobodyToRing.

    `label` is looked for among the ward's open cases: two patients of one name are told apart by a warning.
    """
    parameters = {
        "hospital": work.subject.hospital_id,
        "specialty": specialty,
        "urgency": urgency.value,
        "ward": work.subject.ward_id,
        "label": label,
        "now": work.now,
    }
    [(number, alike, found)] = await _ROUTE.rows(work.session, parameters)
    desks = await _with_outside(work, _desks(found), parameters | {"desk": desk_id})
    desk, warnings = choose(desks, urgency=urgency, specialty=specialty, wanted=desk_id, never=work.subject.id)
    if alike:
        warnings = [*warnings, LIKE_OPEN_CASE]
    return Route(f"HC-{number:04d}", desk, warnings)


async def candidates(
    work: Work, *, hospital: UUID, specialty: str, urgency: str, desk_id: UUID | None, at: datetime
) -> list[Desk]:
    """Return the desks that a hospital could ask at an instant, in routing order, as `choose` takes them."""
    parameters = {"hospital": hospital, "specialty": specialty, "urgency": urgency, "now": at}
    row = (await work.session.execute(_CANDIDATES, parameters)).one()
    return await _with_outside(work, _desks(row.desks), parameters | {"desk": desk_id})


async def instead_of(work: Work, desk: Desk, *, hospital: UUID, specialty: str, urgency: Urgency) -> list[Desk]:
    """Return the other desks that may be asked, in their order, where the first has nobody at all to ring.

    Those that are agreed; for red and orange also those outside any agreement.
    """
    parameters = {"hospital": hospital, "specialty": specialty, "urgency": urgency.value, "now": work.now}
    agreed = _desks((await work.session.execute(_CANDIDATES, parameters)).one().desks)
    emergency = urgency in EMERGENCIES
    found = await _with_outside(work, agreed, parameters | {"desk": None}, outside=emergency)
    return [d for d in found if d.id != desk.id and (emergency or d.tier == AGREED)]


async def _with_outside(
    work: Work, desks: list[Desk], parameters: dict[str, Any], *, outside: bool = False
) -> list[Desk]:
    """Add the desks outside any agreement where none is agreed or another is named, and the people named in steps."""
    wanted = parameters["desk"]
    if outside or not desks or (wanted is not None and all(d.id != wanted for d in desks)):
        await _must_exist(work, parameters["specialty"])
        asked = {k: parameters[k] for k in ("hospital", "specialty", "urgency", "now", "desk")}
        found = await work.session.execute(_OUTSIDE, asked)
        known = {d.id for d in desks}
        desks = desks + [d for d in _desks(found.one().desks) if d.id not in known]
    await _add_named(work, [(d.policy, d.duty) for d in desks], parameters["now"])
    return desks


def choose(
    desks: Sequence[Desk], *, urgency: Urgency, specialty: str, wanted: UUID | None, never: UUID
) -> tuple[Desk, list[str]]:
    """Choose among candidate desks, which are in routing order; return the desk and what must be said about the way.

    A desk that is asked for by name is rung; within an agreement for every urgency, outside only for red and orange.
    """
    named = [d for d in desks if d.id == wanted]
    if wanted is not None and not named:
        raise Invalid("desk_id", "Không có bàn trực này.", "There is no such desk.")
    agreed = [d for d in desks if d.tier == AGREED]
    if named and named[0].tier == AGREED:
        return named[0], []
    if wanted is None and agreed:
        return _first_reachable(agreed, never), []
    if urgency not in EMERGENCIES:
        could_ask = agreed or [d for d in desks if d.specialty == specialty]
        raise NoAgreement(could_ask=list(dict.fromkeys(d.hospital_name for d in could_ask)))
    if not desks:
        raise NobodyToRing
    desk = named[0] if named else _first_reachable(desks, never)
    return desk, warnings_of(desk, specialty)


def warnings_of(desk: Desk, specialty: str) -> list[str]:
    """Return what must be said about asking this desk for a specialty."""
    if desk.tier == AGREED:
        return []
    return [OUTSIDE_AGREEMENT] if desk.specialty == specialty else [OUTSIDE_AGREEMENT, OTHER_SPECIALTY]


def _first_reachable(desks: Sequence[Desk], never: UUID) -> Desk:
    return next((d for d in desks if d.first_step_has_somebody(never)), desks[0])


async def _must_exist(work: Work, specialty: str) -> None:
    found = await work.session.scalar(select(Specialty.active).where(Specialty.code == specialty))
    if not found:
        raise Invalid("specialty", f"Không có chuyên khoa {specialty}.", f"There is no specialty {specialty}.")


async def desk_now(work: Work, desk_id: UUID, urgency: str, *, open_only: bool = False) -> Desk | None:
    """Load one desk with the policy in force and who is on duty for it now.

    A case that a desk was rung for stays that desk's when the desk is closed meanwhile; `open_only` is for new ones.
    """
    row = (await work.session.execute(_DESK, {"desk": desk_id, "urgency": urgency, "now": work.now})).one_or_none()
    if row and open_only and not row.active:
        return None
    if row is None:
        return None
    desk = _desk(from_json(row.desk))
    await _add_named(work, [(desk.policy, desk.duty)], work.now)
    return desk


async def duty_for(
    work: Work,
    desk_id: UUID,
    asking_hospital: UUID,
    *,
    policy: Mapping[str, Any] | None = None,
) -> Now:
    """Return who can be rung for a desk now, by role; with no coordinator on duty, all of that hospital's, else theirs.

    «Theirs» are the coordinators of the asking hospital: the end of the ladder always is a human. Both stand behind
    those on duty too (`STAND_INS`). With a policy, also the people and partner desks that its steps name.
    """
    when = work.now
    rows = await _DUTY.rows(work.session, {"desk": desk_id, "asking": asking_hospital, "now": when})
    duty = Now()
    spare: dict[str, list[Candidate]] = {}
    for kind, role, doctor_id, name, capacity in rows:
        if kind == "rotas":
            watched = from_json(name)
            duty.notice(_instant(watched["until"]), watched["seen"])
        elif kind == "duty":
            duty.add(role, Candidate(doctor_id, name, role, capacity))
        else:
            spare.setdefault(kind, []).append(Candidate(doctor_id, name, role, capacity))
    duty[OWN_COORDINATORS] = spare.get("same_hospital", [])
    duty[OTHER_COORDINATORS] = spare.get("other_party", [])
    if not duty.get(COORDINATOR):
        duty[COORDINATOR] = duty[OWN_COORDINATORS] or duty[OTHER_COORDINATORS]
    if policy is not None:
        await _add_named(work, [(policy, duty)], when)
    return duty


async def coordinators(work: Work, desk_id: UUID, asking_hospital: UUID) -> dict[str, list[Candidate]]:
    """Return who stands in when no coordinator is on duty: those of the desk's hospital, and of the asking one."""
    rows = await _DUTY.rows(work.session, {"desk": desk_id, "asking": asking_hospital, "now": work.now})
    spare: dict[str, list[Candidate]] = {}
    for kind, role, doctor_id, name, capacity in rows:
        if kind in ("same_hospital", "other_party"):
            spare.setdefault(kind, []).append(Candidate(doctor_id, name, role, capacity))
    return spare


async def duty_of(work: Work, callout: Callout, asking_hospital: UUID) -> Now:
    """Return who can be rung for a callout now, people and partner desks of its frozen policy included."""
    return await duty_for(work, callout.desk_id, asking_hospital, policy=callout.policy)


async def _add_named(work: Work, asked: Iterable[tuple[Mapping[str, Any], Now]], at: datetime) -> None:
    """Find the people and partner desks that steps name; policies that name none cost nothing."""
    named = [(who, duty) for policy, duty in asked for step in policy["steps"] for who in step["who"] if ":" in who]
    if not named:
        return
    ids: dict[str, set[str]] = {"user": set(), "desk": set()}
    for who, _ in named:
        kind, _, name = who.partition(":")
        ids[kind].add(name)
    rows = await work.session.execute(_NAMED, {"users": list(ids["user"]), "desks": list(ids["desk"]), "now": at})
    found: dict[str, list[Candidate]] = {}
    rotas: dict[str, Any] = {}
    for row in rows:
        if row.doctor_id is None:
            rotas[row.who] = from_json(row.name)
        else:
            found.setdefault(row.who, []).append(Candidate(row.doctor_id, row.name, row.role, row.capacity))
    for who, duty in named:
        duty[who] = found.get(who, [])
        if who in rotas:
            duty.notice(_instant(rotas[who]["until"]), rotas[who]["seen"])


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


def _desks(body: str | None) -> list[Desk]:
    return [_desk(d) for d in from_json(body)] if body else []


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _desk(data: dict[str, Any]) -> Desk:
    duty = Now(until=_instant(data["until"]), seen=data["seen"])
    for d in data["duty"] or ():
        duty.add(d["role"], Candidate(UUID(d["doctor_id"]), d["name"], d["role"], d["capacity"]))
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
    return now + timedelta(seconds=policy["answer_due_s"])


# A day that is not what its weekday says: those of the hospital count after those of the country.
_HOLIDAYS = """
(SELECT json_object_agg(y.day, y.kind = 'working' AND coalesce(y.as_day NOT IN ('sat', 'sun'), true)
                        ORDER BY y.hospital_id NULLS FIRST)
 FROM holiday y WHERE (y.hospital_id IS NULL OR y.hospital_id = k.hospital_id)
   AND y.day BETWEEN CAST(CAST(:now AS timestamptz) AS date) - 2 AND CAST(CAST(:now AS timestamptz) AS date) + 400)
"""

# When the duty of a desk and its hospital next changes, and the state of their rotas that says so.
_ROTAS = """
  'until', (SELECT min(least(
      (SELECT min(upper(d.during)) FROM duty_slot d WHERE d.schedule_id = s.id
         AND upper(d.during) > CAST(:now AS timestamptz)),
      (SELECT min(lower(d.during)) FROM duty_slot d WHERE d.schedule_id = s.id
         AND lower(d.during) > CAST(:now AS timestamptz))))
    FROM schedule s WHERE s.desk_id = k.id OR s.hospital_id = k.hospital_id),
  'seen', json_build_object(
      k.id, coalesce((SELECT s.duty_version FROM schedule s WHERE s.desk_id = k.id), 0),
      k.hospital_id, coalesce((SELECT s.duty_version FROM schedule s WHERE s.hospital_id = k.hospital_id), 0))
"""

_DESK_FORM = """
json_build_object(
  'id', k.id, 'name', k.name, 'phone', k.phone, 'specialty', k.specialty, 'hospital_id', k.hospital_id,
  'hospital_name', h.short_name, 'tier', {tier},
  'policy', (SELECT json_build_object('id', p.id, 'version', p.version, 'steps', p.steps,
                                      'answer_due_s', p.answer_due_s, 'silent_s', p.silent_s,
                                      'source', CASE WHEN p.desk_id IS NOT NULL THEN 'desk'
                                                     WHEN p.hospital_id IS NOT NULL THEN 'hospital'
                                                     ELSE 'default' END,
                                      'holidays', CASE WHEN p.steps @> '[{{"clock": "working_hours"}}]'
                                                       THEN {holidays} END)
             FROM escalation_policy p
             WHERE p.superseded_at IS NULL AND p.urgency = CAST(:urgency AS text)
               AND (p.desk_id = k.id OR p.hospital_id = k.hospital_id OR (p.desk_id IS NULL AND p.hospital_id IS NULL))
             ORDER BY p.desk_id NULLS LAST, p.hospital_id NULLS LAST LIMIT 1),
  'duty', (SELECT json_agg(json_build_object('doctor_id', u.id, 'name', u.name, 'role', d.role, 'capacity', u.capacity)
                           ORDER BY lower(d.during), u.name)
           FROM schedule s JOIN duty_slot d ON d.schedule_id = s.id JOIN user_account u ON u.id = d.doctor_id
           WHERE (s.desk_id = k.id OR s.hospital_id = k.hospital_id)
             AND upper(d.during) > CAST(:now AS timestamptz) AND d.during @> CAST(:now AS timestamptz) AND u.active),
  {rotas})
"""


def _desk_json(tier: str) -> str:
    return _DESK_FORM.format(tier=tier, holidays=_HOLIDAYS, rotas=_ROTAS)


_AGREED = """
WITH asking AS (
  SELECT o.id, o.department_id FROM organization o WHERE o.id = CAST(:hospital AS uuid)
), agreed AS (
  SELECT ad.desk_id, min(ad.place) AS place FROM (
    SELECT ad.desk_id, row_number() OVER (
             ORDER BY a.rank, (a.asking_id <> q.id), lower(a.during), a.id, ad.rank) AS place
    FROM asking q JOIN agreement a ON a.asking_id IN (q.id, q.department_id)
    JOIN agreement_desk ad ON ad.agreement_id = a.id
    JOIN desk k ON k.id = ad.desk_id AND k.active
    JOIN organization h ON h.id = k.hospital_id AND h.active AND a.answering_id IN (h.id, h.department_id)
    WHERE a.specialty = CAST(:specialty AS text) AND a.during @> CAST(:now AS timestamptz)
  ) ad GROUP BY ad.desk_id
)
"""
_AGREED_DESKS = f"""
  (SELECT json_agg({_desk_json(str(AGREED))} ORDER BY a.place)
   FROM agreed a JOIN desk k ON k.id = a.desk_id
   JOIN organization h ON h.id = k.hospital_id)::text AS desks
"""  # noqa: S608

# The braces are filled with constants of this module.
_ROUTE = Prepared(f"""
{_AGREED}
SELECT nextval('case_number') AS number,
  EXISTS (SELECT 1 FROM consultation c WHERE c.ward_id = CAST(:ward AS uuid) AND c.status IN ('ringing', 'active')
          AND lower(c.label) = lower(CAST(:label AS text)) AND c.label <> '' AND NOT c.drill) AS alike,
  {_AGREED_DESKS}
""")  # noqa: S608

_CANDIDATES = text(f"{_AGREED} SELECT {_AGREED_DESKS}")

# Outside any agreement: the hospital's own fallback desks in its order, then desks of the specialty, then emergency
# desks; of these the nearest first, as far as is known: the province before the merger of 2025, the province of today.
_OUTSIDE = text(f"""
WITH asking AS (
  SELECT o.* FROM organization o WHERE o.id = CAST(:hospital AS uuid)
), outside AS (
  SELECT k.id AS desk_id,
         CASE WHEN k.id = CAST(:desk AS uuid) OR q.fallback_desks ? k.id::text THEN 1
              WHEN k.specialty = CAST(:specialty AS text) THEN 2 ELSE 3 END AS tier,
         (SELECT f.place FROM jsonb_array_elements_text(q.fallback_desks) WITH ORDINALITY AS f (desk, place)
          WHERE f.desk = k.id::text) AS place,
         CASE WHEN h.former_province = q.former_province THEN 1
              WHEN h.province = q.province OR h.department_id = q.department_id THEN 2 ELSE 3 END AS far
  FROM asking q, desk k JOIN organization h ON h.id = k.hospital_id
  WHERE k.active AND h.active AND (q.fallback_desks ? k.id::text OR k.id = CAST(:desk AS uuid)
                      OR k.specialty IN (CAST(:specialty AS text), '{EMERGENCY}'))
  ORDER BY tier, place, far, desk_id LIMIT 12
)
SELECT json_agg({_desk_json("o.tier")} ORDER BY o.tier, o.place, o.far, k.name, k.id)::text AS desks
FROM outside o JOIN desk k ON k.id = o.desk_id JOIN organization h ON h.id = k.hospital_id
""")  # noqa: S608

_DESK = text(f"""
SELECT {_desk_json("0")}::text AS desk, k.active
FROM desk k JOIN organization h ON h.id = k.hospital_id WHERE k.id = CAST(:desk AS uuid)
""")  # noqa: S608

_DUTY = Prepared(f"""
SELECT 'duty' AS kind, d.role, u.id AS doctor_id, u.name, u.capacity
FROM desk k JOIN schedule s ON s.desk_id = k.id OR s.hospital_id = k.hospital_id
JOIN duty_slot d ON d.schedule_id = s.id JOIN user_account u ON u.id = d.doctor_id
WHERE k.id = CAST(:desk AS uuid) AND upper(d.during) > CAST(:now AS timestamptz)
  AND d.during @> CAST(:now AS timestamptz) AND u.active
UNION ALL
SELECT CASE WHEN u.hospital_id = k.hospital_id THEN 'same_hospital' ELSE 'other_party' END, 'coordinator', u.id, u.name,
       u.capacity
FROM desk k JOIN user_account u ON u.role = 'coordinator' AND u.active
  AND u.hospital_id IN (k.hospital_id, CAST(:asking AS uuid))
WHERE k.id = CAST(:desk AS uuid)
UNION ALL
SELECT 'rotas', '', NULL, json_build_object({_ROTAS})::text, NULL FROM desk k WHERE k.id = CAST(:desk AS uuid)
ORDER BY 1, 4
""")  # noqa: S608

_NAMED = text(f"""
SELECT 'user:' || u.id AS who, 'named' AS role, u.id AS doctor_id, u.name, u.capacity
FROM user_account u WHERE u.id = ANY(CAST(:users AS uuid[])) AND u.active
UNION ALL
SELECT 'desk:' || k.id, 'partner', u.id, u.name, u.capacity
FROM desk k JOIN schedule s ON s.desk_id = k.id JOIN duty_slot d ON d.schedule_id = s.id AND d.role = 'primary'
JOIN user_account u ON u.id = d.doctor_id AND u.active
WHERE k.id = ANY(CAST(:desks AS uuid[])) AND k.active AND d.during @> CAST(:now AS timestamptz)
UNION ALL
SELECT 'desk:' || k.id, '', NULL, json_build_object({_ROTAS})::text, NULL
FROM desk k WHERE k.id = ANY(CAST(:desks AS uuid[]))
ORDER BY 1, 4
""")  # noqa: S608
