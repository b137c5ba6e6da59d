"""What is said on the stream (subprotocol hotline.v1): messages in, envelopes out, close codes.

A frame is one envelope or an array of them. Nothing that a client sends raises: it is a message or a refusal that says
what is wrong. Event types are listed once, in `app.schemas.events`; what a stream may show of each stands beside them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Final, TypeAlias
from uuid import UUID

from pydantic_core import from_json, to_json

from app.errors import Problem
from app.schemas.events import TYPES
from app.work import Subject

__all__ = ["TYPES"]

SUBPROTOCOL: Final = "hotline.v1"
HELLO_WITHIN_S: Final = 10.0
LARGEST_FRAME: Final = 64 * 1024
"""Characters of one frame from a client; a hello with two hundred cursors needs a fifth of it."""
LARGEST_BATCH: Final = 100
MOST_CURSORS: Final = 200
LONGEST_TOKEN: Final = 512
KINDS: Final = ("consultation", "user", "hospital")


class Close(IntEnum):
    """Why a socket was closed. 4000 to 4499: connect again, with a growing pause. From 4500 on: do not."""

    GOING_AWAY = 4000
    SLOW_READER = 4001
    UNAVAILABLE = 4002
    PASSWORD_CHANGE_NEEDED = 4003
    HELLO_LATE = 4008
    TOO_MANY = 4029
    UNAUTHENTICATED = 4501
    BAD_ORIGIN = 4503
    PROTOCOL = 4504


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message: who calls (browsers: by cookie) and how far each stream was read."""

    token: str | None = field(default=None, repr=False)
    cursors: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Hear one more stream."""

    stream: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Hear a stream no longer."""

    stream: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The client saw a gap (or lost its store) and asks for what follows `cursor`, or for a snapshot."""

    stream: str
    cursor: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """The client has, or its user has seen, everything up to `n` (a case), or the offer at `n` (one's own stream)."""

    stream: str
    n: int
    seen: bool
    offer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was wrong with a message, in both languages."""

    type: str
    vi: str
    en: str
    re: str | None = None
    """What it is about: a stream, or the field of a message."""


Message: TypeAlias = Hello | Subscribe | Unsubscribe | Resume | Ack

_TITLES: Final = {
    "not-json": ("Khung không phải JSON", "Not JSON"),
    "binary": ("Khung nhị phân", "Binary frame"),
    "too-large": ("Khung quá lớn", "Frame too large"),
    "invalid-message": ("Thông điệp không hợp lệ", "Invalid message"),
    "too-many": ("Quá nhiều", "Too many"),
}
NOT_JSON: Final = Refusal("not-json", "Mỗi khung phải là JSON.", "Every frame must be JSON.")
BINARY: Final = Refusal("binary", "Chỉ nhận khung văn bản.", "Only text frames are taken.")
TOO_LARGE: Final = Refusal("too-large", "Một khung tối đa 64 KB.", "A frame may have 64 KB at most.")
HELLO_FIRST: Final = Refusal("invalid-message", "Thông điệp đầu phải là hello.", "The first message must be hello.")
HELLO_ONCE: Final = Refusal("invalid-message", "Chỉ hello một lần.", "Say hello once only.")
TOO_MANY_SOCKETS: Final = Refusal(
    "too-many", "Tài khoản này đang mở quá nhiều cửa sổ.", "This account has too many windows open."
)
TOO_MANY_STREAMS: Final = Refusal("too-many", "Đang theo dõi quá nhiều luồng.", "Too many streams are watched.")


def parse(text: str) -> list[Message | Refusal]:
    """Read one frame from a client."""
    try:
        said = from_json(text)
    except ValueError:
        return [NOT_JSON]
    if not isinstance(said, list):
        return [_message(said)]
    if not 0 < len(said) <= LARGEST_BATCH:
        return [_invalid("k", f"1–{LARGEST_BATCH}")]
    return [_message(one) for one in said]


def stream_name(value: Any) -> str | None:
    """Return the canonical name of a stream, or None when this is none."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    kind, _, name = value.partition(":")
    identifier = _uuid(name)
    return f"{kind}:{identifier}" if kind in KINDS and identifier else None


def _message(said: Any) -> Message | Refusal:
    if not isinstance(said, dict):
        return _invalid("k", "object")
    kind = said.get("k")
    if kind == "hello":
        return _hello(said)
    if not isinstance(kind, str) or kind not in _ABOUT_A_STREAM:
        return _invalid("k", "hello subscribe unsubscribe resume ack")
    stream = stream_name(said.get("s"))
    if stream is None:
        return _invalid("s", "consultation:… user:… hospital:…", kind)
    return _ABOUT_A_STREAM[kind](said, stream)


def _hello(said: dict[str, Any]) -> Hello | Refusal:
    token = said.get("token")
    if token is not None and not (isinstance(token, str) and 0 < len(token) <= LONGEST_TOKEN):
        return _invalid("token", "string", "hello")
    cursors = said.get("cursors", {})
    if not isinstance(cursors, dict):
        return _invalid("cursors", "object", "hello")
    known: dict[str, tuple[str, int]] = {}
    for name, value in cursors.items():
        stream, cursor = stream_name(name), _cursor(value)
        if stream is None or cursor is None:
            return _invalid("cursors", "{stream: [epoch, n]}", "hello")
        known[stream] = cursor
    newest = dict(sorted(known.items(), reverse=True)[:MOST_CURSORS])  # names of cases sort by the time of asking
    return Hello(token, newest)


def _resume(said: dict[str, Any], stream: str) -> Resume | Refusal:
    given = said.get("cursor")
    cursor = _cursor(given)
    if given is not None and cursor is None:
        return _invalid("cursor", "[epoch, n]", "resume")
    return Resume(stream, cursor)


def _ack(said: dict[str, Any], stream: str) -> Ack | Refusal:
    how, offer = said.get("as"), said.get("offer_id")
    offer_id = _uuid(offer)
    if offer is not None and offer_id is None:
        return _invalid("offer_id", "UUID", "ack")
    n = _place(said.get("n", 0 if offer_id else None))
    if n is None:
        return _invalid("n", "0…", "ack")
    if how not in ("delivered", "seen"):
        return _invalid("as", "delivered seen", "ack")
    return Ack(stream, n, how == "seen", offer_id)


_ABOUT_A_STREAM: Final[Mapping[str, Callable[[dict[str, Any], str], Message | Refusal]]] = {
    "subscribe": lambda _, stream: Subscribe(stream),
    "unsubscribe": lambda _, stream: Unsubscribe(stream),
    "resume": _resume,
    "ack": _ack,
}


def _cursor(value: Any) -> tuple[str, int] | None:
    if not (isinstance(value, list) and len(value) == 2):
        return None
    epoch, n = value[0], _place(value[1])
    return (epoch, n) if isinstance(epoch, str) and len(epoch) <= 64 and n is not None else None


def _place(n: Any) -> int | None:
    return n if isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1 << 53 else None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _invalid(name: str, expected: str, kind: str | None = None) -> Refusal:
    return Refusal(
        "invalid-message",
        f"Trường «{name}» phải là: {expected}.",
        f"Field '{name}' must be: {expected}.",
        f"{kind}.{name}" if kind else name,
    )


# --- envelopes -----------------------------------------------------------------------------------------------------


def welcome(subject: Subject, *, heartbeat_s: int, at: datetime, epoch: str) -> str:
    """Say who is recognised and how often a ping will come."""
    user = {"id": subject.id, "name": subject.name, "role": subject.role}
    return _json({"k": "welcome", "user": user, "heartbeat_s": heartbeat_s, "at": at, "epoch": epoch})


def event_tail(event_id: UUID, event_type: str, at: datetime, by: UUID | None, d: str) -> str:
    """Render what is the same in every stream of a kind; `d` is JSON already. Goes behind `event_head`."""
    return _json({"id": event_id, "t": event_type, "at": at, "by": by})[1:-1] + ',"d":' + d + "}"


def event_head(stream: str, epoch: str, n: int) -> str:
    """Render what differs from stream to stream: its name and the place in it."""
    return f'{{"k":"event","s":"{stream}","e":"{epoch}","n":{n},'


def snapshot(stream: str, epoch: str, n: int, d: str) -> str:
    """Tell all that a stream has said up to `n`; `d` is JSON already."""
    return f'{{"k":"snapshot","s":"{stream}","e":"{epoch}","n":{n},"d":{d}}}'


def ended(stream: str, why: str) -> str:
    """Nothing more will come on this stream. Why: left, not-found, signed-out."""
    return _json({"k": "ended", "s": stream, "why": why})


def ping(at: datetime, epoch: str, heads: Mapping[str, int]) -> str:
    """Tell how far each stream has been sent, so that a lost frame shows although nothing follows it."""
    return _json({"k": "ping", "at": at, "heads": {stream: [epoch, n] for stream, n in heads.items()}})


def marker(stream: str, user: UUID, delivered_n: int, seen_n: int) -> str:
    """Tell how far a participant has read. It has no place in the stream: a snapshot holds the newest."""
    return _json({"k": "marker", "s": stream, "user": user, "delivered_n": delivered_n, "seen_n": seen_n})


def presence(stream: str, user: UUID, name: str, *, online: bool) -> str:
    """Tell a board that somebody can be reached here, or not. It has no place in the stream either."""
    return _json({"k": "presence", "s": stream, "user": user, "name": name, "online": online})


def refuse(refusal: Refusal, language: str) -> str:
    """Say what was wrong with a message."""
    index = 1 if language == "en" else 0
    title = _TITLES[refusal.type][index]
    return _error(refusal.type, title, refusal.en if index else refusal.vi, refusal.re)


def problem(error: Problem, language: str, re: str | None = None) -> str:
    """Say what went wrong, in the words that HTTP uses for it."""
    return _error(error.type, *error.sentence(language), re)


def _error(kind: str, title: str, detail: str, re: str | None) -> str:
    envelope = {"k": "error", "type": kind, "title": title, "detail": detail}
    return _json(envelope if re is None else envelope | {"re": re})


def _json(value: Any) -> str:
    return to_json(value).decode()
