"""Telephone numbers: as people write them, and as networks take them (E.164)."""

import re
from typing import Final

_VIETNAMESE: Final = re.compile(r"0[1-9]\d{8,9}")
_DEMONSTRATION: Final = re.compile(r"0\d{7,10}")
_E164: Final = re.compile(r"\+[1-9]\d{7,14}")


def e164(number: str | None, *, noted: bool = False) -> str | None:
    """Return a telephone number in E.164, or None when it is none; a number without a country is Vietnamese.

    `noted`: it stands in the network file, where the demonstration has numbers that nobody can have.
    """
    plain = re.sub(r"[\s.()\-]", "", number or "")
    if plain.startswith("00"):
        plain = f"+{plain[2:]}"
    if (_DEMONSTRATION if noted else _VIETNAMESE).fullmatch(plain):
        return f"+84{plain[1:]}"
    if plain.startswith("+840"):
        plain = f"+84{plain[4:]}"
    return plain if _E164.fullmatch(plain) else None
