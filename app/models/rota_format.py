"""The parts of a rota as they are written in JSON (files, the interface, the database), read into the rules and back.

Times of day are `"20:00"`, anchors are naive local times `"2026-01-05T08:00"`, weekdays are `"mon"` to `"sun"`; a
window without `days` is on every day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.models.rota_rules import WEEKDAYS, Holiday, HolidayKind, Layer, On, RotaError, Rotation, Shift, Unit, Window

HOME_ZONE: Final = "Asia/Ho_Chi_Minh"
_NO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory"})

_NUMBER = {name: number for number, name in enumerate(WEEKDAYS)}


def read_zone(name: str) -> ZoneInfo:
    """Find an IANA zone; raises RotaError when there is none of that name.

    What names the clock of one machine (`localtime`) or of none is no zone, though files of those names are there.
    """
    if name in _NO_ZONES:
        raise RotaError(f"unknown time zone {name}")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RotaError(f"unknown time zone {name}") from None


def read_layer(
    role: str,
    priority: int,
    on: str,
    turns: Iterable[Iterable[str | UUID]],
    rotation: Mapping[str, Any] | None,
    windows: Sequence[Mapping[str, Any]] | None,
) -> Layer:
    """Read one layer; doctors are ids. Raises RotaError."""
    return Layer(
        role,
        tuple(tuple(doctor if isinstance(doctor, UUID) else UUID(doctor) for doctor in turn) for turn in turns),
        priority,
        On(on),
        read_rotation(rotation) if rotation else None,
        tuple(read_window(window) for window in windows) if windows else None,
    )


def read_rotation(body: Mapping[str, Any]) -> Rotation:
    """Read `{unit, every, anchor}`; raises RotaError."""
    try:
        return Rotation(Unit(body["unit"]), int(body.get("every", 1)), datetime.fromisoformat(body["anchor"]))
    except (KeyError, TypeError, ValueError) as reason:
        raise _said(reason, "rotation") from None


def read_window(body: Mapping[str, Any]) -> Window:
    """Read `{days?, start, end, plus_days?}`; raises RotaError."""
    try:
        return Window(
            time.fromisoformat(body["start"]),
            time.fromisoformat(body["end"]),
            frozenset(_NUMBER[day] for day in body.get("days") or WEEKDAYS),
            body.get("plus_days"),
        )
    except (KeyError, TypeError, ValueError) as reason:
        raise _said(reason, "window") from None


def read_holiday(day: date, kind: str, as_day: str | None) -> Holiday:
    """Read a holiday's columns."""
    return Holiday(day, HolidayKind(kind), _NUMBER[as_day] if as_day else None)


def read_shift(body: Mapping[str, Any]) -> Shift:
    """Read `{role, doctor, from, to}` as it is stored; raises RotaError."""
    try:
        start, end = datetime.fromisoformat(body["from"]), datetime.fromisoformat(body["to"])
        return Shift(body["role"], UUID(body["doctor"]), start, end)
    except (KeyError, TypeError, ValueError) as reason:
        raise _said(reason, "shift") from None


def write_shift(shift: Shift) -> dict[str, str]:
    """A shift as it is stored."""
    return {
        "role": shift.role,
        "doctor": str(shift.doctor),
        "from": shift.start.isoformat(),
        "to": shift.end.isoformat(),
    }


def write_rotation(rotation: Rotation | None) -> dict[str, Any] | None:
    """The rotation as it is stored: one spelling for one meaning."""
    if rotation is None:
        return None
    anchor = rotation.anchor.isoformat(timespec="auto" if rotation.anchor.second else "minutes")
    return {"unit": rotation.unit.value, "every": rotation.every, "anchor": anchor}


def write_windows(windows: Sequence[Window] | None) -> list[dict[str, Any]] | None:
    """The windows as they are stored."""
    if windows is None:
        return None
    return [
        {
            "days": [WEEKDAYS[number] for number in sorted(window.days)],
            "start": window.start.isoformat(timespec="auto" if window.start.second else "minutes"),
            "end": window.end.isoformat(timespec="auto" if window.end.second else "minutes"),
            "plus_days": window.plus_days,
        }
        for window in windows
    ]


def _said(reason: Exception, what: str) -> RotaError:
    if isinstance(reason, RotaError):
        return reason
    if isinstance(reason, KeyError):
        return RotaError(f"{what}: {reason.args[0]!r} is missing or unknown")
    return RotaError(f"{what}: {reason}")
