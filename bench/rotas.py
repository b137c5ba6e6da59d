"""Rotas as large hospitals write them: four roles by day and night, weekends of 24 hours, turns, exceptions, leave."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import duty_change, rota
from app.models.desk import Desk
from app.models.organization import Organization
from app.models.rota import Schedule
from app.models.rota_format import HOME_ZONE, read_layer, read_zone
from app.models.rota_rules import DESK_ROLES, Change, Leave, Override, Slot, compile_rota
from app.models.specialty import Specialty
from app.models.user import User, UserSpecialty

DOCTORS_OF_A_DESK = 10
SPECIALTY = "K04"
_WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
_ANCHOR = "2026-01-05T08:00"  # a Monday
_SPACE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rota:
    """One desk's rota, as its rows say it."""

    schedule_id: UUID
    doctors: list[UUID]
    layers: list[dict[str, Any]]
    overrides: list[Override]
    leaves: list[Leave]

    def compile(self, start: datetime, end: datetime) -> list[Slot]:
        """Work the slots out, with the product's own function; nothing is read or written."""
        layers = [
            read_layer(x["role"], x["priority"], x["on"], x["turns"], x["rotation"], x["windows"]) for x in self.layers
        ]
        zone = read_zone(HOME_ZONE)
        return compile_rota(zone, layers, self.overrides, (), (), start, end, leaves=self.leaves)


def name(what: str, number: int) -> UUID:
    """Return the same identifier for the same thing in every run."""
    return uuid5(_SPACE, f"{what} {number}")


def write(number: int, now: datetime) -> Rota:
    """Write the rota of one desk; each desk's is its own, and the same in every run."""
    chance = random.Random(number)
    doctors = [name("doctor", number * DOCTORS_OF_A_DESK + place) for place in range(DOCTORS_OF_A_DESK)]
    layers = [layer for role in DESK_ROLES for layer in _layers(role, doctors, chance)]
    overrides = []
    for turn in range(4):
        start = now + timedelta(days=1 + 20 * turn + chance.randrange(18), hours=chance.randrange(24))
        away, instead = chance.sample(doctors, 2)
        span = (start, start + timedelta(hours=chance.choice((4, 12, 24))))
        made = now - timedelta(hours=turn)
        overrides.append(Override(Change.REPLACE, chance.choice(DESK_ROLES), away, *span, made, instead))
    leaves = []
    for doctor in chance.sample(doctors, 2):
        start = now + timedelta(days=chance.randrange(1, 80))
        leaves.append(Leave(doctor, start, start + timedelta(days=chance.randrange(2, 8))))
    return Rota(name("schedule", number), doctors, layers, overrides, leaves)


def _layers(role: str, doctors: list[UUID], chance: random.Random) -> list[dict[str, Any]]:
    """By day and by night on workdays, each with a turn of its own; the weekend is one duty of 24 hours a day."""
    by_day, by_night, weekend = (chance.sample(doctors, len(doctors)) for _ in range(3))
    return [
        _layer(role, by_day, "week", [{"days": _WORKDAYS, "start": "07:30", "end": "16:30", "plus_days": 0}]),
        _layer(role, by_night, "day", [{"days": _WORKDAYS, "start": "16:30", "end": "07:30", "plus_days": 1}]),
        _layer(role, weekend, "day", [{"days": ["sat", "sun"], "start": "07:30", "end": "07:30", "plus_days": 1}]),
    ]


def _layer(role: str, turns: list[UUID], unit: str, windows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "role": role,
        "priority": 0,
        "on": "any",
        "turns": [[str(doctor)] for doctor in turns],
        "rotation": {"unit": unit, "every": 1, "anchor": _ANCHOR},
        "windows": windows,
    }


async def store(session: AsyncSession, rotas: list[Rota], now: datetime) -> None:
    """Put a hospital with these desks, their doctors and their rotas into an empty database."""
    hospital = await _hospital(session, now)
    for one in rotas:
        desk_id = name("desk of", one.schedule_id.int)
        session.add(desk(desk_id, hospital))
        session.add_all(doctor(user_id, hospital, now) for user_id in one.doctors)
        await session.flush()
        session.add_all(UserSpecialty(user_id=user_id, specialty=SPECIALTY) for user_id in one.doctors)
        session.add(Schedule(id=one.schedule_id, desk_id=desk_id, required_roles=["primary"], compiled_until=None))
        await session.flush()
        session.add_all(rota.Layer(id=uuid4(), schedule_id=one.schedule_id, **layer) for layer in one.layers)
        session.add_all(
            rota.Override(
                id=uuid4(),
                schedule_id=one.schedule_id,
                kind=o.kind.value,
                role=o.role,
                doctor_id=o.doctor,
                by_id=o.by,
                during=Range(o.start, o.end),
                made_at=o.made_at,
            )
            for o in one.overrides
        )
        session.add_all(
            duty_change.Leave(
                id=uuid4(), doctor_id=x.doctor, during=Range(x.start, x.end), state="approved", made_at=now
            )
            for x in one.leaves
        )
    await session.flush()


async def _hospital(session: AsyncSession, now: datetime) -> UUID:
    hospital = Organization(
        id=name("hospital", 1), key="bench", kind="hospital", name="Bệnh viện", short_name="BV", created_at=now
    )
    session.add(hospital)
    if await session.get(Specialty, SPECIALTY) is None:
        session.add(Specialty(code=SPECIALTY, vi="Nội tim mạch", en="Cardiology"))
    await session.flush()
    return hospital.id


def desk(desk_id: UUID, hospital: UUID) -> Desk:
    """A desk without anything but its name."""
    return Desk(id=desk_id, key=str(desk_id), hospital_id=hospital, specialty=SPECIALTY, name="Bàn trực")


def doctor(user_id: UUID, hospital: UUID, now: datetime) -> User:
    """An account without anything but its role."""
    return User(
        id=user_id,
        username=str(user_id),
        password_hash="",
        name=f"BS {user_id.hex[:6]}",
        role="specialist",
        hospital_id=hospital,
        created_at=now,
    )
