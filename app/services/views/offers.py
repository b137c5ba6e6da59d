"""Offers to one doctor: what rings now, with the card that is needed to decide."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.models.callout import Callout, Offer, OfferState
from app.models.consultation import Consultation
from app.policy import Action, Verdict, decide, facts_of
from app.schemas import consultation as show
from app.services.cases.consultations import log_read
from app.services.facts import case_rows
from app.work import Work


async def open_to(work: Work, *, demo: bool = False) -> list[dict[str, Any]]:
    """Return every offer that the actor can still answer: what is real first, then the oldest.

    Each card is a read of its case, and logged.
    """
    subject = work.subject
    found = await work.session.scalars(
        select(Offer.consultation_id).where(Offer.doctor_id == subject.id, Offer.state == OfferState.MADE)
    )
    case_ids = set(found)
    cases = await case_rows.load_many(work, case_ids) if case_ids else []
    open_offers = [entry for case in cases for entry in _of(work, case)]
    for case in {case.id: case for case, _, _ in open_offers}.values():
        log_read(work, case, "card", "offer")
    return [
        show.offer_card(case, callout, offer, may_accept=callout.specialty in subject.specialties, demo=demo)
        for case, callout, offer in sorted(open_offers, key=_real_first)
    ]


def _of(work: Work, case: Consultation) -> list[tuple[Consultation, Callout, Offer]]:
    if decide(work.subject, Action.READ_CARD, facts_of(case, work.subject, ())) is not Verdict.ALLOW:
        return []
    mine = ((c, c.open_offer_of(work.subject.id)) for c in case.callouts)
    return [(case, callout, offer) for callout, offer in mine if offer is not None]


def _real_first(entry: tuple[Consultation, Callout, Offer]) -> tuple[bool, datetime, UUID]:
    case, _, offer = entry
    return case.drill, offer.made_at, offer.id
