"""Every type of event, listed once: which boards hear it, and what each kind of stream may show of it.

A projection is an allow-list. `hospital:` carries the board header only: never free text, label or identifier.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONSULTATION, USER, HOSPITAL = "consultation", "user", "hospital"

HEADER_FIELDS = frozenset({"consultation_id", "header"})
OFFER_FIELDS = frozenset({"offer_id", "doctor", "doctor_name", "role", "step", "due_at", "callout_id", "reason", "at"})
LADDER_FIELDS = frozenset({"callout_id", "step", "due_at", "round", "desk", "desk_name", "next_names", "reason"})
ADVICE_FIELDS = frozenset({"event_id", "step", "due_at", "opinion_at", "changed"})
SILENT_FIELDS = frozenset({"holder", "holder_name", "at", "why", "since"})
DUTY_FIELDS = frozenset(
    {
        "desk",
        "desk_name",
        "hospital",
        "schedule",
        "role",
        "doctor",
        "doctor_name",
        "from",
        "to",
        "kind",
        "at",
        "check_id",
        "gap_id",
        "answer_by",
        "told",
        "running",
        "why",
    }
)
ROTA_FIELDS = frozenset({"desk", "desk_name", "hospital", "schedule", "version", "by_name"})
SWAP_FIELDS = DUTY_FIELDS | {"swap_id", "state", "taker", "taker_name", "return"}
LEAVE_FIELDS = frozenset({"leave_id", "doctor", "doctor_name", "from", "to", "state", "by_name"})
CAPACITY_FIELDS = frozenset({"desk", "desk_name", "doctor", "doctor_name", "before", "capacity", "by_name", "at"})
AGREEMENT_FIELDS = frozenset(
    {"agreement_id", "asking", "asking_name", "answering", "answering_name", "specialty", "from", "to", "state"}
)


@dataclass(frozen=True, slots=True)
class EventType:
    """How far a fact is heard, and its allow-lists beyond the header."""

    board: bool = True
    hospital: frozenset[str] = frozenset()
    user: frozenset[str] = frozenset()


TYPES: Mapping[str, EventType] = {
    "consultation.requested": EventType(),
    "consultation.updated": EventType(),
    "consultation.urgency_raised": EventType(hospital=frozenset({"urgency"}), user=frozenset({"urgency"})),
    "consultation.handed_over": EventType(hospital=frozenset({"holder", "holder_name"})),
    "consultation.concluded": EventType(),
    "consultation.closed": EventType(),
    "consultation.cancelled": EventType(),
    "vitals.recorded": EventType(board=False),
    "callout.opened": EventType(hospital=LADDER_FIELDS),
    "callout.ended": EventType(hospital=LADDER_FIELDS, user=LADDER_FIELDS),
    "escalation.scheduled": EventType(hospital=LADDER_FIELDS),
    "escalation.exhausted": EventType(hospital=LADDER_FIELDS, user=LADDER_FIELDS),
    "offer.made": EventType(hospital=OFFER_FIELDS, user=OFFER_FIELDS | {"offer"}),
    "offer.delivered": EventType(hospital=OFFER_FIELDS),
    "offer.undelivered": EventType(hospital=OFFER_FIELDS),
    "offer.seen": EventType(hospital=OFFER_FIELDS),
    "offer.accepted": EventType(hospital=OFFER_FIELDS, user=OFFER_FIELDS | {"holder", "holder_name"}),
    "offer.declined": EventType(hospital=OFFER_FIELDS, user=OFFER_FIELDS),
    "offer.withdrawn": EventType(hospital=OFFER_FIELDS, user=OFFER_FIELDS | {"holder", "holder_name"}),
    "offer.expired": EventType(hospital=OFFER_FIELDS, user=OFFER_FIELDS),
    "attendance.answered": EventType(hospital=OFFER_FIELDS | {"coming"}, user=OFFER_FIELDS | {"coming"}),
    "team.stood_down": EventType(hospital=OFFER_FIELDS, user=OFFER_FIELDS),
    "participant.joined": EventType(hospital=frozenset({"user", "role"}), user=frozenset({"user", "role"})),
    "participant.left": EventType(hospital=frozenset({"user", "role"}), user=frozenset({"user", "role"})),
    "message.posted": EventType(board=False),
    "advice.read_back": EventType(board=False, user=frozenset({"event_id", "understood"})),
    "conclusion.drafted": EventType(board=False),
    "outcome.reported": EventType(),
    "record.signed": EventType(),
    "record.addendum_added": EventType(),
    "attachment.added": EventType(board=False),
    "advice.unread": EventType(hospital=ADVICE_FIELDS, user=ADVICE_FIELDS),
    "consultation.silent": EventType(hospital=SILENT_FIELDS, user=SILENT_FIELDS),
    "ward.owner_named": EventType(hospital=frozenset({"user"}), user=frozenset({"user"})),
    "duty.disputed": EventType(hospital=DUTY_FIELDS | {"drill"}, user=DUTY_FIELDS | {"drill"}),
    "call.recorded": EventType(board=False),
    "call.confirmed": EventType(board=False),
    "waiting.changed": EventType(board=False),
    "duty.started": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.ended": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS | {"open_cases"}),
    "duty.moved": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS | {"added", "removed"}),
    "duty.corrected": EventType(hospital=DUTY_FIELDS),
    "duty.gap_found": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.gap_moved": EventType(hospital=DUTY_FIELDS),
    "duty.gap_told": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.gap_closed": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.check_asked": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.check_answered": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.check_dropped": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "duty.unreachable": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "presence.changed": EventType(hospital=frozenset({"user", "name", "online"})),
    "rota.published": EventType(hospital=ROTA_FIELDS, user=ROTA_FIELDS),
    "override.added": EventType(hospital=DUTY_FIELDS, user=DUTY_FIELDS),
    "swap.offered": EventType(hospital=SWAP_FIELDS, user=SWAP_FIELDS),
    "swap.ended": EventType(hospital=SWAP_FIELDS, user=SWAP_FIELDS),
    "leave.requested": EventType(hospital=LEAVE_FIELDS, user=LEAVE_FIELDS),
    "leave.decided": EventType(hospital=LEAVE_FIELDS, user=LEAVE_FIELDS),
    "policy.changed": EventType(hospital=frozenset({"desk", "urgency", "version"})),
    "agreement.changed": EventType(hospital=AGREEMENT_FIELDS),
    "agreement.expiring": EventType(hospital=AGREEMENT_FIELDS | {"days"}, user=AGREEMENT_FIELDS | {"days"}),
    "capacity.changed": EventType(board=False, user=CAPACITY_FIELDS),
    "access.revoked": EventType(board=False),
    "account.changed": EventType(board=False),
}


def kind_of(stream: str) -> str:
    """Return which kind of stream a name belongs to."""
    return stream.partition(":")[0]


def projection(kind: str, event_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a stream of this kind may show of an event."""
    if kind == CONSULTATION:
        return dict(data)
    known = TYPES.get(event_type, EventType())
    allowed = HEADER_FIELDS | (known.hospital if kind == HOSPITAL else known.user)
    return {field: value for field, value in data.items() if field in allowed}
