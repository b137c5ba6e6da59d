"""What people read and hear beyond the socket, in both languages, and nothing about a patient.

A template takes only the words that it names, from what its kind may carry (`WORDS`): what else a caller puts there
never leaves the house. A drill says so with its first word on every channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.models.working_hours import ZONE

Sentence = tuple[str, str]

DRILL: Final[Sentence] = ("DIỄN TẬP", "DRILL")
URGENCIES: Final[Mapping[str, Sentence]] = {
    "red": ("Báo động đỏ", "Red alert"),
    "orange": ("Mức cam", "Orange"),
    "yellow": ("Mức vàng", "Yellow"),
    "green": ("Mức xanh", "Green"),
}
ROLES: Final[Mapping[str, Sentence]] = {
    "primary": ("(trực chính)", "(primary)"),
    "backup": ("(trực hai)", "(backup)"),
    "head_of_shift": ("(trưởng ca trực)", "(head of shift)"),
    "red_team": ("(kíp báo động đỏ)", "(red team)"),
    "leadership": ("(trực lãnh đạo)", "(leadership)"),
    "coordinator": ("(điều phối)", "(coordinator)"),
}
WORDS: Final = frozenset(
    {
        "urgency",
        "place",
        "role",
        "at",
        "from",
        "to",
        "days",
        "more",
        "asking",
        "answering",
        "specialty",
        "ward",
        "doctor_name",
    }
)
"""Everything that a template may name: duty, desks, wards, doctors, times. Never anything about a patient."""
_PLACES: Final = ("place", "desk_name", "desk", "hospital_name")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One notice, ready to go out."""

    title: str
    text: str
    spoken: str = ""
    """What a call says, its menu included."""
    menu: Mapping[str, str] = field(default_factory=dict)
    """Key to answer: `accept`, `decline`, `here`, `again`."""


@dataclass(frozen=True, slots=True)
class _Template:
    title: Sentence
    text: Sentence
    menu: Mapping[str, str] = field(default_factory=dict)
    keys: Sentence = ("", "")


_OFFER_KEYS: Final[Sentence] = (
    "Bấm 1 để nhận. Bấm 2 nếu không nhận được. Bấm 3 để nghe lại.",
    "Press 1 to accept. Press 2 if you cannot. Press 3 to hear it again.",
)
_HERE_KEYS: Final[Sentence] = (
    "Bấm 1 nếu bạn có mặt. Bấm 3 để nghe lại.",
    "Press 1 if you are there. Press 3 to hear it again.",
)
_AGAIN_KEYS: Final[Sentence] = ("Bấm 3 để nghe lại.", "Press 3 to hear it again.")

_TEMPLATES: Final[Mapping[str, _Template]] = {
    "offer": _Template(
        ("Có ca hội chẩn cần bạn trả lời", "A consultation needs your answer"),
        ("{urgency}{, place}. Mở hoichan để trả lời.", "{urgency}{, place}. Open hoichan to answer."),
        {"1": "accept", "2": "decline", "3": "again"},
        _OFFER_KEYS,
    ),
    "confirmation": _Template(
        ("Có cuộc gọi cần bạn xác nhận", "A telephone call needs your confirmation"),
        (
            "Một khoa ghi là đã hỏi ý kiến qua điện thoại{, place}. Không ai đang chờ. Mở hoichan để đọc và xác nhận.",
            "A ward wrote down advice given by telephone{, place}. Nobody waits. Open hoichan to read and confirm it.",
        ),
        {"3": "again"},
        _AGAIN_KEYS,
    ),
    "reachability": _Template(
        ("Bạn có mặt để trực không?", "Are you there for your duty?"),
        (
            "Ca trực{ role}{, place} bắt đầu lúc {from}. Trả lời để biết bạn nghe được máy.",
            "Your duty{ role}{, place} begins at {from}. Answer to show that you can be reached.",
        ),
        {"1": "here", "3": "again"},
        _HERE_KEYS,
    ),
    "gap": _Template(
        ("Lịch trực có chỗ trống", "The rota has a gap"),
        (
            "Chưa có người{ role}{, place}{ từ: from}{ đến: to}. Mở hoichan để xếp người.",
            "Nobody is on{ role}{, place}{ from: from}{ to: to}. Open hoichan to fill it.",
        ),
    ),
    "advice": _Template(
        ("Có ý kiến hội chẩn chưa được xác nhận đã đọc và hiểu", "Advice has not been read back"),
        (
            "Ý kiến{ cho: ward}{ lúc: at} chưa được khoa xác nhận đã đọc và hiểu. Mở hoichan để đọc và xác nhận.",
            "Advice{ for: ward}{ of: at} has not been confirmed by the ward. Open hoichan to read and confirm it.",
        ),
        {"3": "again"},
        _AGAIN_KEYS,
    ),
    "alarm:unreachable": _Template(
        ("Không liên lạc được người trực", "The one on duty cannot be reached"),
        (
            "{doctor_name}{, place}{ từ: from} chưa trả lời kiểm tra đầu ca. Mở hoichan để tìm người thay.",
            "{doctor_name}{, place}{ from: from} did not answer the test at the start of duty. Open hoichan.",
        ),
        {"3": "again"},
        _AGAIN_KEYS,
    ),
    "alarm:not_on_duty": _Template(
        ("Lịch trực có thể sai", "The rota may be wrong"),
        (
            "{doctor_name}{, place}{ lúc: at} báo là không phải ca trực của mình. Mở hoichan để sửa lịch.",
            "{doctor_name}{, place}{ at: at} says that it is not their duty. Open hoichan to correct the rota.",
        ),
        {"3": "again"},
        _AGAIN_KEYS,
    ),
    "alarm": _Template(
        ("Đường dây nóng cần bạn xem ngay", "The hotline needs you now"),
        (
            "{urgency}{, place}. Có việc quá giờ mà chưa ai xử trí. Mở hoichan ngay.",
            "{urgency}{, place}. Something is overdue and nobody has acted. Open hoichan now.",
        ),
        {"3": "again"},
        _AGAIN_KEYS,
    ),
    "duty": _Template(
        ("Ca trực của bạn thay đổi", "Your duty"),
        (
            "Ca trực{ role}{, place}{ từ: from}{ đến: to}. Mở hoichan để xem.",
            "Duty{ role}{, place}{ from: from}{ to: to}. Open hoichan to see it.",
        ),
    ),
    "duty:added": _Template(
        ("Bạn có thêm ca trực", "You have a new duty"),
        (
            "Bạn được xếp trực{ role}{, place}{ từ: from}{ đến: to}{; và: more}. Mở hoichan để xem.",
            "You are now on duty{ role}{, place}{ from: from}{ to: to}{; and: more}. Open hoichan to see it.",
        ),
    ),
    "duty:removed": _Template(
        ("Bạn không còn ca trực", "A duty is no longer yours"),
        (
            "Bạn không còn trực{ role}{, place}{ từ: from}{ đến: to}{; và: more}. Mở hoichan để xem.",
            "You are no longer on duty{ role}{, place}{ from: from}{ to: to}{; and: more}. Open hoichan to see it.",
        ),
    ),
    "duty:moved": _Template(
        ("Ca trực của bạn thay đổi", "Your duty has changed"),
        (
            "Bạn được xếp trực{ role}{, place}{ từ: from}{ đến: to}{; và: more}. Mở hoichan để xem.",
            "You are now on duty{ role}{, place}{ from: from}{ to: to}{; and: more}. Open hoichan to see it.",
        ),
    ),
    "agreement": _Template(
        ("Thỏa thuận hội chẩn sắp hết hạn", "An agreement ends soon"),
        (
            "Thỏa thuận{ của: asking}{ với: answering}{, specialty} hết hạn{ sau: days}{ vào: to}. Mở hoichan.",
            "The agreement{ of: asking}{ with: answering}{, specialty} ends{ in: days}{ on: to}. Open hoichan.",
        ),
    ),
    "test": _Template(
        ("Thử kênh báo của hoichan", "A test of your hoichan channel"),
        (
            "Bạn nghe hoặc đọc được tin này thì kênh này dùng được. Không có ca nào đang chờ.",
            "If you hear or read this, the channel works. No case is waiting.",
        ),
        {"1": "here", "3": "again"},
        _HERE_KEYS,
    ),
    "clear": _Template(("", ""), ("", "")),
    "hangup": _Template(("", ""), ("", "")),
}


def render(kind: str, words: Mapping[str, Any], *, language: str = "vi", drill: bool = False) -> Rendered:
    """Fill the template of a kind; an unknown kind says only that hoichan must be opened."""
    index = int(language == "en")
    why = words.get("why") or words.get("what")
    template = _TEMPLATES.get(f"{kind}:{why}") or _TEMPLATES.get(kind, _TEMPLATES["alarm"])
    given = {
        **words,
        "place": next((words[name] for name in _PLACES if words.get(name)), None),
        "doctor_name": words.get("doctor_name") or words.get("doctor"),
    }
    known = {name: _said(name, value, index) for name, value in given.items() if name in WORDS and value is not None}
    title, body = template.title[index], _fill(template.text[index], known)
    first = f"{DRILL[index]} · " if drill and title else ""
    spoken = f"{first}{title.rstrip('?.')}. {body} {template.keys[index]}".strip() if title else ""
    title, body = first + title, first + body
    return Rendered(title, body, spoken, template.menu)


def menu_of(kind: str) -> Mapping[str, str]:
    """Return what each key of a call of this kind answers."""
    return _TEMPLATES[kind].menu if kind in _TEMPLATES else {}


def _said(name: str, value: Any, index: int) -> str:
    if name == "urgency":
        return URGENCIES.get(str(value), (str(value),) * 2)[index]
    if name == "days":
        return (f"{value} ngày", f"{value} days")[index]
    if name == "more":
        return (f"{value} thay đổi khác", f"{value} more change{'s' if value != 1 else ''}")[index]
    if name == "role":
        return ROLES.get(str(value), (str(value),) * 2)[index]
    if name in ("at", "from", "to"):
        return _time(value)
    return str(value)


def _time(value: Any) -> str:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    local = moment.astimezone(ZONE)
    return f"{local:%H:%M} {local.day}/{local.month}"


def _fill(pattern: str, words: Mapping[str, str]) -> str:
    """Fill `{word}`, `{, word}` and `{ before: word}`: what stands before a word is said only with it."""
    said = []
    rest = pattern
    while rest:
        plain, brace, rest = rest.partition("{")
        said.append(plain)
        if not brace:
            break
        hole, _, rest = rest.partition("}")
        before, colon, name = hole.rpartition(":")
        if not colon:
            name = hole.lstrip(", ")
            before = hole[: len(hole) - len(name)]
        else:
            before, name = f"{before} ", name.strip()
        if words.get(name):
            said.append(before + words[name])
    return "".join(said).lstrip(". ,")
