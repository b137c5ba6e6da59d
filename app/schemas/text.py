"""Text as people type and paste it, made safe to store, to show and to sign.

Normalised without asking (nothing readable changes):
- Unicode NFC, so that "ễ" is one thing however the keyboard made it;
- line ends of every kind (CRLF, CR, vertical tab, form feed, NEL, U+2028, U+2029) become a line feed; where only one
  line makes sense, any run of white space becomes a space;
- characters that nobody sees are removed: zero-width space, word joiner, soft hyphen, byte-order mark, and all marks
  and overrides of writing direction (telephones paste them around numbers, and they can make a dose read backwards);
- white space at both ends is removed.

Refused, with its place: NUL and the other control characters, halves of surrogate pairs, and more than eight combining
marks on one letter (they draw over the lines above and below). Too long is refused, never cut.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

LABEL: Final = 120
LINE: Final = 300
QUESTION: Final = 2_000
NOTE: Final = 2_000
MESSAGE: Final = 10_000
PASSAGE: Final = 20_000

_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_UNSEEN: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_REFUSED: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_MARKS: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_HEAPED: Final = re.compile(f"[{_MARKS}]{{9}}")


def safe(text: str, *, limit: int, one_line: bool = False) -> str:
    """Return the text in the form in which it is kept. `limit` is counted in characters after normalising.

    Raises PydanticCustomError text_control, text_marks or text_too_long.
    """
    if refused := _REFUSED.search(text):
        raise PydanticCustomError(
            "text_control",
            "Character {code} at position {position} cannot be stored",
            {"code": f"U+{ord(refused.group()):04X}", "position": refused.start() + 1},
        )
    if len(text) > 4 * limit:
        raise _too_long(limit, len(text))
    if not text.isascii():
        if heaped := _HEAPED.search(text):
            raise PydanticCustomError(
                "text_marks", "Too many marks on one letter at position {position}", {"position": heaped.start() + 1}
            )
        text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    text = " ".join(text.split()) if one_line else _LINE_ENDS.sub("\n", text).strip()
    if len(text) > limit:
        raise _too_long(limit, len(text))
    return text


def _too_long(limit: int, length: int) -> PydanticCustomError:
    return PydanticCustomError(
        "text_too_long", "At most {limit} characters, this has {length}", {"limit": limit, "length": length}
    )


def says_nothing(text: str) -> bool:
    """Whether there is no letter and no digit in it, so that it would look empty on a card."""
    return not any(character.isalnum() for character in text)


def needed(text: str) -> str:
    """Refuse text that says nothing where something must be said."""
    if says_nothing(text):
        raise PydanticCustomError("needed", "This must be filled in")
    return text


def _not_blank(text: str) -> str:
    """Refuse an empty message; a thumb or three dots say something."""
    if not text.strip():
        raise PydanticCustomError("needed", "This must be filled in")
    return text


def _safely(limit: int, *, one_line: bool = False) -> Callable[[str], str]:
    def validate(text: str) -> str:
        return safe(text, limit=limit, one_line=one_line)

    return validate


def _schema(limit: int, least: int = 0) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "maxLength": limit}
    return WithJsonSchema(schema | {"minLength": least} if least else schema)


Label: TypeAlias = Annotated[str, AfterValidator(_safely(LABEL, one_line=True)), _schema(LABEL)]
Line: TypeAlias = Annotated[str, AfterValidator(_safely(LINE, one_line=True)), _schema(LINE)]
Question: TypeAlias = Annotated[str, AfterValidator(_safely(QUESTION)), _schema(QUESTION)]
Note: TypeAlias = Annotated[str, AfterValidator(_safely(NOTE)), _schema(NOTE)]
Passage: TypeAlias = Annotated[str, AfterValidator(_safely(PASSAGE)), _schema(PASSAGE)]

NeededPassage: TypeAlias = Annotated[
    str, AfterValidator(_safely(PASSAGE)), AfterValidator(needed), _schema(PASSAGE, least=1)
]
NeededMessage: TypeAlias = Annotated[
    str, AfterValidator(_safely(MESSAGE)), AfterValidator(_not_blank), _schema(MESSAGE, least=1)
]
