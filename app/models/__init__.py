"""The tables; importing this package makes them all known to the metadata."""

from app.models import (
    access,
    agreement,
    callout,
    consultation,
    desk,
    discussion,
    escalation,
    event,
    idempotency,
    installation,
    organization,
    rota,
    specialty,
    user,
)

__all__ = [
    "access",
    "agreement",
    "callout",
    "consultation",
    "desk",
    "discussion",
    "escalation",
    "event",
    "idempotency",
    "installation",
    "organization",
    "rota",
    "specialty",
    "user",
]
