"""Whose a rota is, and whom to tell about it: its head, administrators and coordinators of its hospital."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app.models.rota import Schedule
from app.models.user import MAY_HEAD
from app.work import Work


@dataclass(frozen=True, slots=True)
class Place:
    """The rota of a desk or of a hospital; or a desk that has no rota."""

    owner_id: UUID
    """The rota; the desk where there is none."""
    schedule_id: UUID | None
    desk_id: UUID | None
    desk_name: str | None
    hospital_id: UUID
    hospital_name: str
    head_id: UUID | None
    active: bool
    required_roles: list[str]
    compiled_until: datetime | None

    @property
    def board(self) -> str:
        """The chain, and the stream, of the hospital whose duty it is."""
        return f"hospital:{self.hospital_id}"

    @property
    def name(self) -> str:
        """What people call it."""
        return self.desk_name or self.hospital_name

    def facts(self) -> dict[str, Any]:
        """What every fact about this rota carries."""
        return {
            "desk": self.desk_id,
            "desk_name": self.desk_name,
            "hospital": self.hospital_id,
            "schedule": self.schedule_id,
        }


async def lock_rotas(work: Work, owner_ids: Collection[UUID], *, wait: bool = True) -> list[UUID]:
    """Lock rotas (and desks without one) before anything that hangs on them; return those that are ours now.

    Publishing and compiling lock the same rows first, so nobody waits in a circle. Without `wait`, what another
    process holds is left to it.
    """
    parameters = {"ids": sorted(set(owner_ids))}
    found = [row.id for row in await work.session.execute(_LOCK if wait else _LOCK_FREE, parameters)]
    if len(found) < len(parameters["ids"]):
        found += [row.id for row in await work.session.execute(_LOCK_DESKS if wait else _LOCK_FREE_DESKS, parameters)]
    return found


async def places(work: Work, owner_ids: Collection[UUID]) -> dict[UUID, Place]:
    """Everything that must be known of these rotas and of these desks without one."""
    rows = await work.session.execute(_PLACES, {"ids": list(set(owner_ids))})
    return {row.owner_id: Place(*row) for row in rows}


async def unplanned_desks(work: Work) -> list[UUID]:
    """Desks that answer and have no rota."""
    return [row.id for row in await work.session.execute(_UNPLANNED)]


async def heads(work: Work, of: Collection[Place]) -> Mapping[UUID, list[UUID]]:
    """Who is responsible for each rota: its head, or, without one there, the administrators of its hospital."""
    named = {place.head_id for place in of if place.head_id is not None}
    rows = await work.session.execute(
        _ADMINS, {"people": list(named), "hospitals": list({place.hospital_id for place in of})}
    )
    known: set[tuple[UUID, UUID]] = set()
    admins: dict[UUID, list[UUID]] = defaultdict(list)
    for row in rows:
        if row.role == "admin":
            admins[row.hospital_id].append(row.id)
        if row.id in named and row.role in MAY_HEAD:
            known.add((row.id, row.hospital_id))
    return {
        place.owner_id: [head]
        if (head := place.head_id) is not None and (head, place.hospital_id) in known
        else admins[place.hospital_id]
        for place in of
    }


async def responsible(work: Work, desk_id: UUID) -> list[UUID]:
    """Who is responsible for the rota of a desk, also where it has none."""
    schedule_id = await work.session.scalar(select(Schedule.id).where(Schedule.desk_id == desk_id))
    found = await heads(work, (await places(work, [schedule_id or desk_id])).values())
    return [person for people in found.values() for person in people]


async def administrators(work: Work, hospital_id: UUID) -> list[UUID]:
    """Who administers a hospital."""
    rows = await work.session.execute(_ADMINS, {"people": [], "hospitals": [hospital_id]})
    return [row.id for row in rows]


@dataclass(slots=True)
class Coordinators:
    """Those of one hospital."""

    on_duty: list[UUID] = field(default_factory=list)
    others: list[UUID] = field(default_factory=list)

    def apart_from(self, doctor: UUID | None = None) -> list[UUID]:
        """Whoever is on duty now; where nobody is but this doctor, all of the others."""
        return [c for c in self.on_duty if c != doctor] or [c for c in self.others if c != doctor]


async def coordinators(work: Work, hospital_ids: Collection[UUID]) -> Mapping[UUID, Coordinators]:
    """Coordinators, by hospital."""
    rows = await work.session.execute(_COORDINATORS, {"hospitals": list(hospital_ids), "now": work.now})
    found = {hospital: Coordinators() for hospital in hospital_ids}
    for row in rows:
        there = found[row.hospital_id]
        (there.on_duty if row.on_duty else there.others).append(row.id)
    return found


async def all_rotas(work: Work) -> list[UUID]:
    """Every rota there is."""
    return list(await work.session.scalars(select(Schedule.id).order_by(Schedule.id)))


async def rotas_of(work: Work, doctor_id: UUID) -> list[UUID]:
    """The rotas of this doctor's hospital and its desks: where their duty is, or would be."""
    return [row.id for row in await work.session.execute(_ROTAS_OF, {"doctor": doctor_id})]


# FOR NO KEY UPDATE: slots, gaps and cases that refer to the row are written meanwhile.
_LOCK = text("SELECT id FROM schedule WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
_LOCK_FREE = text(
    "SELECT id FROM schedule WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
)
_LOCK_DESKS = text("SELECT id FROM desk WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
_LOCK_FREE_DESKS = text(
    "SELECT id FROM desk WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
)

_PLACES = text("""
SELECT s.id AS owner_id, s.id AS schedule_id, k.id AS desk_id, k.name AS desk_name, h.id AS hospital_id,
       h.short_name AS hospital_name, s.head_id, h.active AND coalesce(k.active, true) AS active, s.required_roles,
       s.compiled_until
FROM schedule s LEFT JOIN desk k ON k.id = s.desk_id
JOIN organization h ON h.id = coalesce(k.hospital_id, s.hospital_id)
WHERE s.id = ANY(CAST(:ids AS uuid[]))
UNION ALL
SELECT k.id, NULL, k.id, k.name, h.id, h.short_name, NULL, h.active AND k.active, '["primary"]'::jsonb, NULL
FROM desk k JOIN organization h ON h.id = k.hospital_id
WHERE k.id = ANY(CAST(:ids AS uuid[])) AND NOT EXISTS (SELECT 1 FROM schedule s WHERE s.desk_id = k.id)
""")

# Future slots of a closed account are gone already, so the hospital tells which rotas were meant.
_ROTAS_OF = text("""
SELECT s.id FROM user_account u
JOIN schedule s ON s.hospital_id = u.hospital_id
                OR s.desk_id IN (SELECT k.id FROM desk k WHERE k.hospital_id = u.hospital_id)
WHERE u.id = CAST(:doctor AS uuid) ORDER BY s.id
""")

_UNPLANNED = text("""
SELECT k.id FROM desk k WHERE k.active AND NOT EXISTS (SELECT 1 FROM schedule s WHERE s.desk_id = k.id) ORDER BY k.id
""")

_ADMINS = text("""
SELECT id, role, hospital_id FROM user_account
WHERE active AND (id = ANY(CAST(:people AS uuid[]))
                  OR (role = 'admin' AND hospital_id = ANY(CAST(:hospitals AS uuid[]))))
ORDER BY id
""")

_COORDINATORS = text("""
SELECT DISTINCT u.id, s.hospital_id, true AS on_duty
FROM schedule s JOIN duty_slot d ON d.schedule_id = s.id JOIN user_account u ON u.id = d.doctor_id
WHERE s.hospital_id = ANY(CAST(:hospitals AS uuid[])) AND d.role = 'coordinator'
  AND upper(d.during) > CAST(:now AS timestamptz) AND d.during @> CAST(:now AS timestamptz) AND u.active
UNION ALL
SELECT u.id, u.hospital_id, false FROM user_account u
WHERE u.role = 'coordinator' AND u.active AND u.hospital_id = ANY(CAST(:hospitals AS uuid[]))
ORDER BY 1
""")
