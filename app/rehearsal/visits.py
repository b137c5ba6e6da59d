"""Emergency visits as a file has them, and what of each row becomes a request.

Cells that are empty are missing and left out. Everything else is passed on as it stands (the API reads "36,6" as well
as 36.6); what it refuses, field by field, is left out of a second try, as a doctor would correct a form.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.rehearsal.specialties import suggest

URGENCY: Final[Mapping[str, str]] = {"1": "red", "2": "orange", "3": "yellow", "4": "green", "5": "green"}
CONSCIOUSNESS: Final[Mapping[str, str]] = {"1": "alert", "2": "voice", "3": "pain", "4": "unresponsive"}
SEX: Final[Mapping[str, str]] = {"1": "female", "2": "male"}
VITALS: Final[Mapping[str, str]] = {
    "systolic": "SBP",
    "diastolic": "DBP",
    "pulse": "HR",
    "respiration": "RR",
    "temperature": "BT",
    "spo2": "Saturation",
}
DIAGNOSIS, COMPLAINT, PAIN = "Diagnosis in ED", "Chief_complain", "NRS_pain"
COLUMN_OF: Final[Mapping[str, str]] = {
    **{f"vitals.0.{field}": column for field, column in VITALS.items()},
    "vitals.0.consciousness": "Mental",
    "patient.age_years": "Age",
    "patient.sex": "Sex",
    "diagnosis.text": DIAGNOSIS,
    "question": DIAGNOSIS,
    "situation": COMPLAINT,
}
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class Visit:
    """One row: its number in the full table, and its cells by column."""

    row: str
    cells: Mapping[str, str]

    def words(self, column: str) -> str:
        """Return a cell of text; one without any word ("??") says nothing."""
        text = self.cells.get(column, "").strip()
        return text if _LETTERS.search(text) else ""

    @property
    def specialties(self) -> list[str]:
        """Specialties that diagnosis and complaint suggest, best first."""
        return suggest(self.words(DIAGNOSIS), self.words(COMPLAINT), urgent=self.urgency in ("red", "orange"))

    @property
    def urgency(self) -> str:
        """The experts' triage level in the product's four; else the nurse's; without either, yellow."""
        for column in ("KTAS_expert", "KTAS_RN"):
            level = URGENCY.get(self.cells.get(column, "").strip())
            if level:
                return level
        return "yellow"

    def useless(self) -> Iterator[tuple[str, str]]:
        """Name the filled cells of text from which nothing can be made: column and what stands there."""
        for column in (DIAGNOSIS, COMPLAINT):
            cell = self.cells.get(column, "").strip()
            if cell and not self.words(column):
                yield column, cell
        pain = self.cells.get(PAIN, "").strip()
        if pain and not pain.isdecimal():
            yield PAIN, pain

    def request(
        self, *, specialty: str, label: str, now: datetime, without: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """Build the body of the request; `without` names columns that the API has refused."""
        diagnosis, complaint = self.words(DIAGNOSIS), self.words(COMPLAINT)
        subject = complaint if DIAGNOSIS in without else diagnosis or complaint
        pain = self.cells.get(PAIN, "").strip()
        body: dict[str, Any] = {
            "specialty": specialty,
            "urgency": self.urgency,
            "question": f"{subject}: xin hướng xử trí, có cần chuyển không?" if subject else "",
            "situation": "" if COMPLAINT in without else complaint,
            "assessment": f"Đau {pain}/10." if pain.isdecimal() else "",
            "patient": {"label": label, **self._patient(without)},
            "written_at": now.astimezone(UTC).isoformat(),
        }
        if diagnosis and DIAGNOSIS not in without:
            body["diagnosis"] = {"text": diagnosis}
        vitals = self._vitals(without)
        if vitals:
            body["vitals"] = [{"taken_at": now.astimezone(UTC).isoformat(), **vitals}]
        return body

    def _patient(self, without: frozenset[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        age, sex = self.cells.get("Age", "").strip(), self.cells.get("Sex", "").strip()
        if age and "Age" not in without:
            found["age_years"] = age
        if sex and "Sex" not in without:
            found["sex"] = SEX.get(sex, sex)
        return found

    def _vitals(self, without: frozenset[str]) -> dict[str, str]:
        found = {field: self.cells.get(column, "").strip() for field, column in VITALS.items() if column not in without}
        mental = self.cells.get("Mental", "").strip()
        if mental and "Mental" not in without:
            found["consciousness"] = CONSCIOUSNESS.get(mental, mental)
        return {field: value for field, value in found.items() if value}


def read_visits(file: Path, limit: int | None = None) -> list[Visit]:
    """Read a table of visits. Comma or semicolon between cells; UTF-8, or else Latin-1 as the first export was.

    Raises ValueError when it has none of the columns that a request is made from.
    """
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    head = text.partition("\n")[0]
    table = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    columns = {name.strip() for name in table.fieldnames or ()}
    if not columns & {DIAGNOSIS, COMPLAINT}:
        raise ValueError(f"no column «{DIAGNOSIS}» or «{COMPLAINT}» in {file.name}")
    visits: list[Visit] = []
    for line, row in enumerate(table, start=2):
        if limit is not None and len(visits) >= limit:
            break
        cells = {name.strip(): value for name, value in row.items() if isinstance(name, str) and isinstance(value, str)}
        if any(value.strip() for value in cells.values()):
            visits.append(Visit(cells.get("row", "").strip() or str(line), cells))
    return visits
