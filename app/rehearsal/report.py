"""The table at the end of a rehearsal, and the same as JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.rehearsal.check import Findings
from app.rehearsal.company import Company
from app.rehearsal.stories import Case

SHOWN = 20


@dataclass(slots=True)
class Report:
    """What happened to all visits of one rehearsal."""

    cases: Sequence[Case]
    findings: Findings
    company: Company
    took_s: float
    late_takers: int

    @property
    def sound(self) -> bool:
        """Nothing lost, nothing doubled, and something was asked."""
        return not self.findings.lost and not self.findings.doubled and any(case.id for case in self.cases)

    def as_json(self) -> dict[str, Any]:
        """Return all figures; times in milliseconds."""
        cases = self.cases
        asked = [c for c in cases if c.id]
        held = [c for c in asked if c.holder]
        shown = [(c.shown_at - c.asked_at) * 1000 for c in asked if c.shown_at and c.shown_to_first]
        told = [(c.told_at - c.accepted_at) * 1000 for c in held if c.told_at and c.accepted_at]
        ears = [a.ears.heard for a in self.company.present.values() if a.ears]
        return {
            "visits": len(cases),
            "asked": len(asked),
            "answered": len(held),
            "cancelled": sum(c.stage == "cancelled" for c in cases),
            "turned_away": sum(bool(c.turned_away) for c in cases),
            "corrected": sum(bool(c.refused and c.id) for c in cases),
            "answered_by": dict(Counter(_who(c) for c in held).most_common()),
            "urgency": dict(Counter(c.visit.urgency for c in asked)),
            "specialties": dict(Counter(c.specialty for c in asked).most_common()),
            "stories": dict(Counter(c.story.value for c in cases).most_common()),
            "escalated": sum(c.escalated for c in asked),
            "assigned_by_coordinator": sum(bool(c.assigned) for c in asked),
            "came_second": self.late_takers,
            "request_to_offer_ms": _quantiles(shown),
            "acceptance_to_told_ms": _quantiles(told),
            "people": len(ears),
            "events_heard": sum(h.events for h in ears),
            "reconnects": sum(h.reconnects for h in ears),
            "commands_sent_again": self.company.wire.resent,
            "events_stored": self.findings.events,
            "lost": len(self.findings.lost),
            "doubled": len(self.findings.doubled),
            "checked_against": self.findings.against,
            "seconds": round(self.took_s, 1),
            "findings": [*self.findings.lost, *self.findings.doubled],
            "refused_cells": [
                {"row": c.visit.row, "field": column, "value": c.visit.cells.get(column, ""), "detail": detail}
                for c in cases
                for column, detail in c.refused.items()
            ],
            "turned_away_rows": [{"row": c.visit.row, "detail": c.turned_away} for c in cases if c.turned_away],
            "useless_cells": [
                {"row": c.visit.row, "field": column, "value": value}
                for c in cases
                for column, value in c.visit.useless()
            ],
        }

    def write(self, file: Path) -> None:
        """Write it as JSON."""
        file.write_text(json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n", "utf-8")

    def print(self, console: Console) -> None:
        """Print the table, what the API refused, and what is wrong."""
        said = self.as_json()
        table = Table(title="Diễn tập / Rehearsal", show_header=False, title_justify="left")
        for name, value in _lines(said):
            table.add_row(name, value)
        console.print(table)
        _cells(console, "API không nhận / the API refused", said["refused_cells"])
        _rows(console, "Không gửi được / turned away", said["turned_away_rows"])
        useless = Counter((cell["field"], cell["value"]) for cell in said["useless_cells"])
        if useless:
            words = ", ".join(f"{field} «{value}» ×{times}" for (field, value), times in useless.most_common(6))
            console.print(f"Không dùng được / of no use: {words}", markup=False)
        for name, findings in (("MẤT / LOST", self.findings.lost), ("TRÙNG / DOUBLED", self.findings.doubled)):
            for finding in findings[:SHOWN]:
                console.print(f"{name}: {finding}", markup=False, style="bold red")
            if len(findings) > SHOWN:
                console.print(f"… {len(findings) - SHOWN}", markup=False)


def _lines(said: dict[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Lượt khám / visits", f"{said['visits']} ({said['seconds']} s, {said['people']} người / people)"
    corrected = (
        f"{said['corrected']} sau khi sửa / after a correction, {said['turned_away']} không gửi được / turned away"
    )
    yield "Đã hỏi / asked", f"{said['asked']} ({corrected})"
    yield "Mức khẩn / urgency", _counts(said["urgency"])
    yield "Đã tiếp nhận / answered", f"{said['answered']} ({said['cancelled']} hủy / cancelled)"
    for who, times in said["answered_by"].items():
        yield f"  {who}", str(times)
    yield (
        "Leo thang / escalated",
        f"{said['escalated']} ({said['assigned_by_coordinator']} điều phối phân công / assigned)",
    )
    yield "Đến sau / came second", str(said["came_second"])
    yield "Gửi → hiện lời mời / request → offer shown", _times(said["request_to_offer_ms"])
    yield "Tiếp nhận → người hỏi biết / acceptance → requester told", _times(said["acceptance_to_told_ms"])
    again = f"{said['reconnects']} kết nối lại / reconnects, {said['commands_sent_again']} gửi lại / sent again"
    yield "Sự kiện / events", f"{said['events_heard']} nghe / heard, {said['events_stored']} lưu / stored; {again}"
    yield "Mất / lost", str(said["lost"])
    yield "Trùng / doubled", str(said["doubled"])
    yield "Đối chiếu với / checked against", said["checked_against"]


def _who(case: Case) -> str:
    return f"bước / step {case.step} {case.role}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counts.items())


def _times(quantiles: dict[str, float | int]) -> str:
    if not quantiles["count"]:
        return "–"
    return f"p50 {quantiles['p50']} ms, p99 {quantiles['p99']} ms (n={quantiles['count']})"


def _quantiles(values: list[float]) -> dict[str, float | int]:
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "p50": 0, "p99": 0}

    def at(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1)

    return {"count": len(ordered), "p50": at(0.5), "p99": at(0.99)}


def _cells(console: Console, title: str, cells: list[dict[str, str]]) -> None:
    if not cells:
        return
    table = Table("row", "field", "value", "detail", title=f"{title}: {len(cells)}", title_justify="left")
    for cell in cells[:SHOWN]:
        table.add_row(cell["row"], cell["field"], cell["value"], cell["detail"])
    if len(cells) > SHOWN:
        table.add_row("…", "", "", f"+{len(cells) - SHOWN} (--json)")
    console.print(table)


def _rows(console: Console, title: str, rows: list[dict[str, str]]) -> None:
    for row in rows[:SHOWN]:
        console.print(f"{title}: {row['row']}: {row['detail']}", markup=False)
