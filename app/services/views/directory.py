"""The network, asked about: specialties, hospitals, desks, who is on duty, and whom to telephone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from app.errors import Invalid, NotFound
from app.models.clinical import WARD_ZONE
from app.models.desk import Desk
from app.models.organization import Organization
from app.models.rota import Schedule
from app.models.rota_rules import Gap, Slot
from app.models.specialty import Specialty
from app.models.user import User
from app.policy import Action, allow
from app.services.rostering import duty
from app.work import Work

LONGEST: Final = timedelta(days=100)
USUAL: Final = timedelta(days=7)
Json = dict[str, Any]


async def specialties(work: Work) -> list[Json]:
    """Every specialty in use, in the Ministry's order."""
    allow(work, Action.SEE_NETWORK)
    found = await work.session.scalars(
        select(Specialty).where(Specialty.active).order_by(Specialty.position, Specialty.code)
    )
    return [{"code": s.code, "vi": s.vi, "en": s.en} for s in found]


async def hospitals(work: Work) -> list[Json]:
    """Hospitals and health departments, by name."""
    allow(work, Action.SEE_NETWORK)
    found = await work.session.scalars(
        select(Organization).where(Organization.active).order_by(Organization.kind.desc(), Organization.name)
    )
    return [
        {
            "id": o.id,
            "name": o.name,
            "short_name": o.short_name,
            "province": o.province,
            "facility_code": o.facility_code,
            "phone": o.phone,
            "kind": o.kind,
        }
        for o in found
    ]


async def desks(work: Work, *, specialty: str | None = None, hospital: UUID | None = None) -> list[Json]:
    """Desks, those that the caller's hospital may ask first.

    With a specialty: desks of that specialty, and those that answer for it under an agreement of the caller's hospital.
    """
    allow(work, Action.SEE_NETWORK)
    rows = await work.session.execute(
        _DESKS,
        {"asking": work.subject.hospital_id, "specialty": specialty, "hospital": hospital, "now": work.now},
    )
    return [dict(row) for row in rows.mappings()]


async def on_call(work: Work, desk_id: UUID, at: datetime | None, *, online: Callable[[UUID], bool]) -> Json:
    """Who is on call at a desk and for its hospital at an instant, now if none is given.

    Raises NotFound, and Invalid where the rota is not worked out so far ahead: an empty list must mean nobody.
    """
    allow(work, Action.SEE_DUTY)
    rotas = await _rotas(work, desk_id)
    at = at or work.now
    _check_reach("at", at)
    known_until = rotas.known_until
    if known_until is not None and at >= known_until:
        day = known_until.astimezone(WARD_ZONE).strftime("%H:%M %d/%m/%Y")
        raise Invalid("at", f"Lịch trực mới tính đến {day}.", f"The rota is worked out until {day} only.")
    people = [
        *await duty.on_duty(work, desk_id, at),
        *await duty.on_duty_of_hospital(work, rotas.desk.hospital_id, at),
    ]
    listed = [
        {
            "doctor": p.doctor_id,
            "doctor_name": p.doctor_name,
            "role": p.role,
            "from": p.start,
            "to": p.end,
            "phone": p.phone,
            "online": online(p.doctor_id),
        }
        for p in people
    ]
    return {"desk": desk_id, "at": at, "on_call": listed}


async def duty_of(work: Work, desk_id: UUID, start: datetime | None, end: datetime | None) -> Json:
    """Duty of a desk and of its hospital between two instants, a week from now if none are given, with the gaps.

    Beyond what is worked out there are no gaps, because nothing is known. Raises NotFound, and Invalid for an end
    before its start or more than 100 days.
    """
    allow(work, Action.SEE_DUTY)
    start = start or work.now
    _check_reach("from", start)
    end = end or start + USUAL
    _check_span(start, end)
    rotas = await _rotas(work, desk_id)
    own = await duty.duty_of_desk(work, desk_id, start, end)
    hospitals_ = await duty.duty_of_hospital(work, rotas.desk.hospital_id, start, end)
    gaps = own.gaps if rotas.own else [Gap("primary", start, end)]
    slots = [*own.slots, *hospitals_.slots]
    names = await _names(work, (s.doctor for s in slots))
    return {
        "desk": desk_id,
        "from": start,
        "to": end,
        "known_until": rotas.known_until,
        "slots": [_slot(s, names) for s in sorted(slots, key=lambda s: (s.start, s.role, s.doctor))],
        "gaps": _in_order(
            [
                *_gaps(gaps, rotas.own.compiled_until if rotas.own else None),
                *_gaps(hospitals_.gaps, rotas.hospitals.compiled_until if rotas.hospitals else None),
                *_gaps([*own.unreachable, *hospitals_.unreachable], None, "unreachable"),
            ]
        ),
    }


async def duty_of_hospital(work: Work, hospital_id: UUID, start: datetime | None, end: datetime | None) -> Json:
    """The same of a hospital's own rota: leadership and coordinators. Without a rota there are no gaps."""
    allow(work, Action.SEE_DUTY)
    start = start or work.now
    _check_reach("from", start)
    end = end or start + USUAL
    _check_span(start, end)
    hospital = await work.session.get(Organization, hospital_id)
    if hospital is None or not hospital.active:
        raise NotFound
    rota = await work.session.scalar(select(Schedule).where(Schedule.hospital_id == hospital_id))
    read = await duty.duty_of_hospital(work, hospital_id, start, end)
    names = await _names(work, (s.doctor for s in read.slots))
    known_until = rota.compiled_until if rota else None
    return {
        "hospital": hospital_id,
        "from": start,
        "to": end,
        "known_until": known_until,
        "slots": [_slot(s, names) for s in read.slots],
        "gaps": _in_order([*_gaps(read.gaps, known_until), *_gaps(read.unreachable, None, "unreachable")]),
    }


async def telephones(work: Work) -> list[Json]:
    """Numbers of hospitals, coordinators, desks and wards, for when the system is away. Public: no person's number.

    A coordinator has no number of the office in the data, so the way there is the hospital's switchboard, and the
    entry says so.
    """
    rows = await work.session.execute(_TELEPHONES)
    return [dict(row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class _Rotas:
    """The rotas that a desk's ladder reads: its own, and its hospital's."""

    desk: Desk
    own: Schedule | None
    hospitals: Schedule | None

    @property
    def known_until(self) -> datetime | None:
        """Until when both are worked out."""
        ends = [s.compiled_until for s in (self.own, self.hospitals) if s is not None and s.compiled_until is not None]
        return min(ends, default=None)


async def _rotas(work: Work, desk_id: UUID) -> _Rotas:
    desk = await work.session.get(Desk, desk_id)
    if desk is None or not desk.active:
        raise NotFound
    found = await work.session.scalars(
        select(Schedule).where((Schedule.desk_id == desk_id) | (Schedule.hospital_id == desk.hospital_id))
    )
    by_owner = {s.desk_id or s.hospital_id: s for s in found}
    return _Rotas(desk, by_owner.get(desk_id), by_owner.get(desk.hospital_id))


def _check_reach(field: str, instant: datetime) -> None:
    """Refuse instants so far off that local time cannot be worked out for them."""
    if not 1970 <= instant.year <= 2200:
        raise Invalid(field, "Chỉ từ năm 1970 đến năm 2200.", "Only from the year 1970 to 2200.")


def _check_span(start: datetime, end: datetime) -> None:
    if end <= start:
        raise Invalid("to", "«to» phải sau «from».", "`to` must be after `from`.")
    if end - start > LONGEST:
        raise Invalid("to", f"Nhiều nhất {LONGEST.days} ngày.", f"At most {LONGEST.days} days.")


async def _names(work: Work, doctors: Iterable[UUID]) -> dict[UUID, str]:
    rows = await work.session.execute(select(User.id, User.name).where(User.id.in_(set(doctors))))
    return {row.id: row.name for row in rows}


def _slot(slot: Slot, names: dict[UUID, str]) -> Json:
    return {
        "doctor": slot.doctor,
        "doctor_name": names[slot.doctor],
        "role": slot.role,
        "from": slot.start,
        "to": slot.end,
    }


def _in_order(gaps: list[Json]) -> list[Json]:
    return sorted(gaps, key=lambda gap: (gap["from"], gap["role"], gap["kind"]))


def _gaps(gaps: Iterable[Gap], known_until: datetime | None, kind: str = "nobody") -> list[Json]:
    return [
        {"role": g.role, "from": g.start, "to": min(g.end, known_until or g.end), "kind": kind}
        for g in gaps
        if known_until is None or g.start < known_until
    ]


_DESKS = text("""
SELECT * FROM (
  SELECT k.id, k.name, k.specialty, k.hospital_id AS hospital, h.short_name AS hospital_name, k.phone,
    EXISTS (
      SELECT 1 FROM organization q JOIN agreement a ON a.asking_id IN (q.id, q.department_id)
      JOIN agreement_desk ad ON ad.agreement_id = a.id AND ad.desk_id = k.id
      WHERE q.id = CAST(:asking AS uuid) AND a.during @> CAST(:now AS timestamptz)
        AND (CAST(:specialty AS text) IS NULL OR a.specialty = CAST(:specialty AS text))
    ) AS may_ask,
    (SELECT count(DISTINCT d.doctor_id) FROM schedule s JOIN duty_slot d ON d.schedule_id = s.id
       JOIN user_account u ON u.id = d.doctor_id AND u.active
     WHERE s.desk_id = k.id AND d.role = 'red_team' AND upper(d.during) > CAST(:now AS timestamptz)
       AND d.during @> CAST(:now AS timestamptz)) AS red_team_size
  FROM desk k JOIN organization h ON h.id = k.hospital_id
  WHERE k.active AND h.active AND (CAST(:hospital AS uuid) IS NULL OR k.hospital_id = CAST(:hospital AS uuid))
) d
WHERE CAST(:specialty AS text) IS NULL OR d.specialty = CAST(:specialty AS text) OR d.may_ask
ORDER BY d.may_ask DESC, d.hospital_name, d.name
""")

_TELEPHONES = text("""
SELECT h.id AS hospital, h.short_name AS hospital_name, n.name, n.specialty, n.phone, n.kind
FROM organization h CROSS JOIN LATERAL (
  SELECT 1 AS place, 'coordinator' AS kind, 'Điều phối (qua tổng đài bệnh viện)' AS name, NULL AS specialty, h.phone
  WHERE EXISTS (SELECT 1 FROM schedule s JOIN layer l ON l.schedule_id = s.id
                WHERE s.hospital_id = h.id AND l.role = 'coordinator')
  UNION ALL
  SELECT 2, 'desk', k.name, k.specialty, k.phone FROM desk k WHERE k.hospital_id = h.id AND k.active
  UNION ALL
  SELECT 3, 'ward', w.name, NULL, w.phone FROM ward w WHERE w.hospital_id = h.id AND w.phone IS NOT NULL
  UNION ALL
  SELECT 4, 'hospital', h.name, NULL, h.phone WHERE h.phone IS NOT NULL
) n
WHERE h.active AND h.kind = 'hospital'
ORDER BY EXISTS (SELECT 1 FROM desk k WHERE k.hospital_id = h.id AND k.active) DESC, h.short_name, n.place, n.name
""")
