"""Identifiers: UUIDv7 (RFC 9562), so that rows made later sort later."""

import os
from datetime import datetime
from uuid import UUID


def new_id(at: datetime) -> UUID:
    """Make an identifier that carries the milliseconds of `at` and 74 random bits."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return UUID(int=value)
