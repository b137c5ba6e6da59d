"""Identifiers: UUIDv7 (RFC 9562), so that rows made later sort later."""

import os
from datetime import datetime
from typing import Final
from uuid import UUID

_RANDOM_BITS: Final = 74
_last = 0


def new_id(at: datetime) -> UUID:
    """Make an identifier that carries the milliseconds of `at`; within one millisecond later ones are larger.

    The 74 random bits begin anew with each millisecond and then count up by a random step (RFC 9562, method 2), so that
    what one transaction makes keeps the order in which it was made.
    """
    global _last  # noqa: PLW0603 (the order of one process is the order of its calls)
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    fresh = milliseconds << _RANDOM_BITS | int.from_bytes(os.urandom(10), "big") >> 7
    step = int.from_bytes(os.urandom(4), "big") + 1
    _last = _last + step if _last >> _RANDOM_BITS == milliseconds else fresh
    return UUID(int=_marked(_last))


def _marked(value: int) -> int:
    """Spread 48 bits of time and 74 random ones around the marks of version 7 and of the variant."""
    time, random = value >> _RANDOM_BITS, value & ((1 << _RANDOM_BITS) - 1)
    return time << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
