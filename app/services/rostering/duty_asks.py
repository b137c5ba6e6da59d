"""What doctors ask of their own duty, as it is shown: swaps and leave, and what the reader may do with them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from app.models.duty_change import Leave, LeaveState, Swap, SwapState
from app.services.rostering import rota_documents as documents
from app.services.rostering.rotas import Candidate, Owner
from app.work import Work

Json = dict[str, Any]


def swap_read(work: Work, row: Swap, owner: Owner, names: Mapping[UUID, str], people: Mapping[UUID, Candidate]) -> Json:
    """A swap, as the actor sees it."""
    mine = row.giver_id == work.subject.id
    candidate = people.get(work.subject.id)
    may = []
    if row.state == SwapState.OFFERED and row.during.lower is not None and row.during.lower > work.now:
        if mine:
            may = ["withdraw"]
        elif candidate is not None and row.role in candidate.roles:
            may = ["take"]
    return {
        "id": row.id,
        **owner.called,
        "role": row.role,
        "giver": row.giver_id,
        "giver_name": names.get(row.giver_id, ""),
        "taker": row.taker_id,
        "taker_name": names.get(row.taker_id) if row.taker_id else None,
        **documents.span(row.during),
        "return": documents.span(row.returns) if row.returns is not None else None,
        "state": row.state,
        "note": row.note,
        "made_at": row.made_at,
        "answered_at": row.answered_at,
        "may": may,
    }


def leave_read(work: Work, row: Leave, names: Mapping[UUID, str], *, decides: bool) -> Json:
    """A leave, as the actor sees it; its reason is for the doctor and for who decides."""
    mine = row.doctor_id == work.subject.id
    may = []
    if row.state == LeaveState.REQUESTED and decides and not mine:
        may.append("decide")
    if row.state in _STANDS and mine:
        may.append("withdraw")
    return {
        "id": row.id,
        "doctor": row.doctor_id,
        "doctor_name": names.get(row.doctor_id, ""),
        **documents.span(row.during),
        "state": row.state,
        "reason": row.reason if mine or decides else None,
        "made_at": row.made_at,
        "decided_by": row.decided_by,
        "decided_by_name": names.get(row.decided_by) if row.decided_by else None,
        "decided_at": row.decided_at,
        "may": may,
    }


_STANDS: Collection[str] = (LeaveState.REQUESTED, LeaveState.APPROVED)
