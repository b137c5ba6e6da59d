"""Rotas that are kept elsewhere, read from their files: what a shift is before anybody has looked for its doctor.

A line that cannot be read is a complaint with its number; nothing is guessed.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

from app.models.civil_time import Clockface

MOST_ROWS: Final = 5000
REACH: Final = range(1990, 2201)
"""Years; others can only be a mistake."""


class Complaint(NamedTuple):
    """What is wrong with one line, in Vietnamese and English; lines count from 1."""

    line: int
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift as its file says it; `who` lists what may name its doctor, the surest first."""

    line: int
    role: str
    who: tuple[tuple[str, ...], ...]
    start: datetime
    end: datetime
    uid: str = ""
    recurrence_id: str = ""
    sequence: int = 0
    cancelled: bool = False
    series: bool = False
    """A cancellation of every occurrence."""


@dataclass(slots=True)
class Sheet:
    """A file that has been read."""

    entries: list[Entry] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    rows: int = 0

    def complain(self, line: int, vi: str, en: str) -> None:
        """Note what is wrong with a line."""
        self.complaints.append(Complaint(line, vi, en))


_ROLES: Final[Mapping[str, str]] = {
    "primary": "primary",
    "trucchinh": "primary",
    "chinh": "primary",
    "backup": "backup",
    "trucphu": "backup",
    "trucdubi": "backup",
    "dubi": "backup",
    "phu": "backup",
    "headofshift": "head_of_shift",
    "truongtua": "head_of_shift",
    "truongtuatruc": "head_of_shift",
    "truongkip": "head_of_shift",
    "redteam": "red_team",
    "baodongdo": "red_team",
    "doibaodongdo": "red_team",
    "kipbaodongdo": "red_team",
}
_COLUMNS: Final[Mapping[str, str]] = {
    "role": "role",
    "vaitro": "role",
    "vitri": "role",
    "doctor": "doctor",
    "bacsi": "doctor",
    "nguoitruc": "doctor",
    "from": "from",
    "start": "from",
    "tu": "from",
    "batdau": "from",
    "to": "to",
    "end": "to",
    "den": "to",
    "ketthuc": "to",
}
_DATE: Final = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4}))")
_CLOCK: Final = re.compile(r"(\d{1,2})(?::|h|g)(\d{2})(?::(\d{2}))?")


def plain(text: str) -> str:
    """Letters and digits only, without marks: «Vai trò» and `vai_tro` are one name."""
    bare = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(character for character in bare if character.isascii() and character.isalnum())


def role_named(text: str) -> str | None:
    """The role that a word means, in Vietnamese or English."""
    return _ROLES.get(plain(text))


def read_csv(raw: bytes, clock: Clockface) -> Sheet:
    """Read a table with the columns role, doctor, from, to, separated by commas, semicolons or tabs.

    Local times are those of the rota's zone.
    """
    sheet = Sheet()
    text = _decoded(raw, sheet)
    if text is None:
        return sheet
    first, _, _ = text.partition("\n")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        places = _places(next(reader, []), sheet)
        line = reader.line_num + 1
        for cells in reader if places else ():
            if any(cell.strip() for cell in cells):
                _read_row(sheet, line, cells, places, clock)
            line = reader.line_num + 1
            if sheet.rows > MOST_ROWS:
                sheet.complain(line, f"Nhiều nhất {MOST_ROWS} dòng.", f"At most {MOST_ROWS} lines.")
                break
    except csv.Error:
        sheet.complain(reader.line_num, "Dòng không đúng dạng CSV.", "This line is not CSV.")
    return sheet


def _decoded(raw: bytes, sheet: Sheet) -> str | None:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        sheet.complain(line, "Tệp không phải UTF-8.", "The file is not UTF-8.")
        return None
    if "\x00" in text:
        sheet.complain(text[: text.index("\x00")].count("\n") + 1, "Ký tự không đọc được.", "A character is not text.")
        return None
    return text


def _places(header: Sequence[str], sheet: Sheet) -> dict[str, int]:
    """Where each column stands. Columns that nobody asked for are left alone."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        known = _COLUMNS.get(plain(name))
        if known in places:
            sheet.complain(1, f"Cột {known} có hai lần.", f"The column {known} is there twice.")
        elif known is not None:
            places[known] = place
    missing = [name for name in ("role", "doctor", "from", "to") if name not in places]
    if missing:
        listed = ", ".join(missing)
        sheet.complain(
            1,
            f"Thiếu cột: {listed}. Cần: role (vai trò), doctor (bác sĩ), from (từ), to (đến).",
            f"Columns are missing: {listed}. Needed: role, doctor, from, to.",
        )
    return {} if missing else places


def _read_row(sheet: Sheet, line: int, cells: Sequence[str], places: Mapping[str, int], clock: Clockface) -> None:
    sheet.rows += 1
    said = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    role = role_named(said["role"])
    if role is None:
        known = "primary, backup, head_of_shift, red_team"
        sheet.complain(line, f"Không rõ vai trò. Dùng: {known}.", f"The role is not known. Use: {known}.")
    if not said["doctor"]:
        sheet.complain(line, "Thiếu bác sĩ.", "The doctor is missing.")
    moments = [_moment(said[name], clock) for name in ("from", "to")]
    for name, moment in zip(("from", "to"), moments, strict=True):
        if moment is None:
            sheet.complain(
                line,
                f"Cột {name} cần ngày giờ, ví dụ 2026-12-24 08:00 hoặc 24/12/2026 08:00.",
                f"The column {name} needs a date and time, for example 2026-12-24 08:00 or 24/12/2026 08:00.",
            )
    start, end = moments
    if role is None or not said["doctor"] or start is None or end is None:
        return
    if end <= start:
        sheet.complain(line, "Giờ kết thúc phải sau giờ bắt đầu.", "The end must be after the start.")
        return
    sheet.entries.append(Entry(line, role, ((said["doctor"],),), start, end))


def _moment(text: str, clock: Clockface) -> datetime | None:
    """Read an instant with its zone, or a local date and time; a date alone is its midnight."""
    try:
        if len(text) > len("2026-12-24") and (read := datetime.fromisoformat(text)).tzinfo is not None:
            return in_reach(read.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    found = _DATE.search(text)
    if found is None:
        return None
    rest = (text[: found.start()] + " " + text[found.end() :]).strip(" T")
    hour = _CLOCK.fullmatch(rest) if rest else None
    if rest and hour is None:
        return None
    year, month, day, day_, month_, year_ = (int(part) if part else 0 for part in found.groups())
    try:
        hours, minutes, seconds = (int(part or 0) for part in hour.groups()) if hour else (0, 0, 0)
        at = time(hours, minutes, seconds)
        return in_reach(clock.instant(datetime.combine(date(year or year_, month or month_, day or day_), at)))
    except (ValueError, OverflowError):
        return None


def in_reach(instant: datetime) -> datetime | None:
    """None for what is so far off that it can only be a mistake."""
    return instant if instant.year in REACH else None


def without_role(summary: str) -> Iterator[tuple[str | None, str]]:
    """A heading such as «Trực chính: tn-timmach-1», as role and rest; and whole, without a role."""
    for separator in (":", "·", " - ", " – "):
        before, found, after = summary.partition(separator)
        if found and (role := role_named(before)):
            yield role, after.strip()
    yield role_named(summary), summary.strip()
