"""What a bench reports: a figure, the floor or peer it was measured against in the same run, and its target."""

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. With a target, it is the ratio to the floor that counts, or the value when `absolute`."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    target: float | None = None
    at_least: bool = False
    absolute: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times the floor."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool:
        """Whether the target was met; a figure printed beside others has none, and nothing to miss."""
        if self.target is None:
            return True
        judged = self.value if self.absolute else self.ratio
        if judged is None:
            return False
        return judged >= self.target if self.at_least else judged <= self.target

    def as_json(self) -> dict[str, str | float | bool | None]:
        """Return the figure as the contract writes it."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "floor": None if self.floor is None else round(self.floor, 4),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": self.target,
            "met": self.met,
        }


def p50(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """Return the value that 99 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def print_table(title: str, figures: Iterable[Figure]) -> None:
    """Print each figure beside its floor, the ratio and the target."""
    rows = [("", "figure", "floor", "ratio", "target", "met")]
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        target = "" if figure.target is None else f"{sign} {_short(figure.target)}{'' if figure.absolute else 'x'}"
        rows.append(
            (
                figure.name,
                f"{_short(figure.value)} {figure.unit}",
                "" if figure.floor is None else _short(figure.floor),
                "" if figure.ratio is None else f"{figure.ratio:.2f}x",
                target,
                "" if figure.target is None else ("yes" if figure.met else "NO"),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    print(f"\n{title}")
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
    sys.stdout.flush()


def write_json(path: Path, figures: Iterable[Figure]) -> None:
    """Write the figures as the contract names them."""
    path.write_text(
        json.dumps({"figures": [f.as_json() for f in figures]}, ensure_ascii=False, indent=1) + "\n", "utf-8"
    )


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
