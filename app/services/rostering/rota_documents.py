"""The documents of a rota in the words of the contract: as the editor reads them, and as facts keep them."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import Range

from app.models.rota import Holiday, ImportedShift, Layer, Override, Schedule, TemporaryRota

Json = dict[str, Any]


def layer(row: Layer) -> Json:
    """Turns of doctors in one role."""
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "priority": row.priority,
        "on": row.on,
        "turns": row.turns,
        "rotation": row.rotation,
        "windows": row.windows,
    }


def override(row: Override) -> Json:
    """An exception."""
    return {
        "id": row.id,
        "kind": row.kind,
        "role": row.role,
        "doctor": row.doctor_id,
        "by": row.by_id,
        **span(row.during),
        "reason": row.reason,
    }


def temporary(row: TemporaryRota) -> Json:
    """A rota for a while."""
    return {"id": row.id, "roles": row.roles, **span(row.during), "shifts": row.shifts, "reason": row.reason}


def holiday(row: Holiday) -> Json:
    """A date that is not what the calendar says."""
    return {
        "id": row.id,
        "date": row.day,
        "kind": row.kind,
        "as": row.as_day,
        "name": row.name,
        "hospital": row.hospital_id,
        "source": row.source,
    }


def imported(row: ImportedShift) -> Json:
    """A shift of a rota that is kept elsewhere."""
    return {
        "id": row.id,
        "source": row.source,
        "uid": row.uid,
        "recurrence_id": row.recurrence_id,
        "sequence": row.sequence,
        "role": row.role,
        "doctor": row.doctor_id,
        **span(row.during),
    }


def settings(row: Schedule) -> Json:
    """What holds for the whole rota."""
    return {
        "zone": row.zone,
        "head": row.head_id,
        "required_roles": row.required_roles,
        "rest_hours": row.rest_hours,
    }


def span(during: Range[datetime]) -> Json:
    """A stored stretch of time."""
    return {"from": during.lower, "to": during.upper}
