"""The tables; importing this package makes them all known to the metadata."""

from sqlalchemy.orm import configure_mappers

from app.models import (
    access,
    agreement,
    callout,
    channel,
    consultation,
    desk,
    discussion,
    duty_change,
    duty_watch,
    escalation,
    event,
    feed,
    idempotency,
    installation,
    organization,
    reminder,
    rota,
    specialty,
    user,
)

# Rows are also made without a query before them (`case_rows.fresh`), which is what configures mappers otherwise.
configure_mappers()

__all__ = [
    "access",
    "agreement",
    "callout",
    "channel",
    "consultation",
    "desk",
    "discussion",
    "duty_change",
    "duty_watch",
    "escalation",
    "event",
    "feed",
    "idempotency",
    "installation",
    "organization",
    "reminder",
    "rota",
    "specialty",
    "user",
]
