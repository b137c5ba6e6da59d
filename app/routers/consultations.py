"""Consultations: ask, read, list, complete, and the commands of the asking side."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic_core import from_json, to_json

from app.errors import Invalid
from app.models.consultation import Status
from app.routers.direct import DirectRoute
from app.routers.edge import AskDep, CaseResponse, HouseDep, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.reads import ConsultationPage, ConsultationRead
from app.schemas.requests import CancellationIn, ConsultationPatch, RequestIn, TelephoneRequestIn, UrgencyIn
from app.schemas.text import Line
from app.schemas.times import read_instant
from app.schemas.vitals import VitalsIn
from app.services.cases import by_telephone, consultations

router = APIRouter(prefix="/api/v1/consultations", tags=["consultations"], route_class=DirectRoute)


@router.post(
    "",
    status_code=201,
    response_model=ConsultationRead,
    summary="Ask for a consultation",
    responses=problems(400, 401, 403, 409, 413, 422),
)
async def ask(body: RequestIn, work: AskDep, house: HouseDep) -> Response:
    """Take a request by ISBAR and ring the specialist on call; 201 means stored and ringing.

    Red needs the specialty only. Outside any agreement red and orange ring all the same (`warnings`); yellow and green
    are answered 409 with the hospitals that could be asked.
    """
    seen = await consultations.ask(work, body, online=house.hub.online)
    location = f"/api/v1/consultations/{seen.case.id}"
    return CaseResponse(seen, house, 201, {"Location": location})


@router.post(
    "/telephone",
    status_code=201,
    response_model=ConsultationRead,
    summary="Enter a case that was handled by telephone",
    responses=problems(400, 401, 403, 409, 413, 422),
)
async def enter_telephone_case(body: TelephoneRequestIn, work: AskDep, house: HouseDep) -> Response:
    """Keep a case with its true times. Nothing rings: the doctor spoken to is asked to confirm, by accepting.

    After 12 h without a word, after «not me», and at once where only a name is known, a coordinator of the answering
    hospital is asked, and again every day.
    """
    seen = await by_telephone.enter(work, body)
    return CaseResponse(seen, house, 201, {"Location": f"/api/v1/consultations/{seen.case.id}"})


@router.get(
    "", response_model=ConsultationPage, summary="List consultations, newest first", responses=problems(401, 422)
)
async def page(
    work: ReadDep,
    status: Annotated[list[Status] | None, Query(description="One or several; all when left out")] = None,
    specialty: Annotated[Line | None, Query(max_length=20, description="Code, K04")] = None,
    hospital: Annotated[UUID | None, Query(description="Asking hospital")] = None,
    q: Annotated[Line | None, Query(max_length=100, description="Part of the case number or hospital name")] = None,
    cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before")] = None,
) -> Response:
    """List the cases whose board header the caller may see, 50 a page; label and question only of readable cases."""
    rows, following = await consultations.page(
        work,
        statuses=[s.value for s in status or ()],
        specialty=specialty,
        hospital=hospital,
        query=q,
        cursor=_decode(cursor) if cursor else None,
    )
    return json_response({"items": rows, "next": _encode(*following) if following else None})


@router.get(
    "/{consultation_id}",
    response_model=ConsultationRead,
    summary="Read a consultation",
    responses=problems(401, 404, 422),
)
async def read(consultation_id: UUID, work: ReadDep, house: HouseDep) -> Response:
    """Return the case in the widest view the caller may have (`view`: full, card or header). The read is logged."""
    return json_response((await consultations.read(work, consultation_id)).as_read(demo=house.demo))


@router.patch(
    "/{consultation_id}",
    response_model=ConsultationRead,
    summary="Complete or correct the request while it is open",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def update(consultation_id: UUID, body: ConsultationPatch, work: WorkDep, house: HouseDep) -> Response:
    """Change ISBAR fields; what is left out stays. Offer cards and the holder see the change at once."""
    return json_response((await consultations.update(work, consultation_id, body)).as_read(demo=house.demo))


@router.post(
    "/{consultation_id}/vitals",
    response_model=ConsultationRead,
    summary="Record vital signs",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def record_vitals(consultation_id: UUID, body: VitalsIn, work: WorkDep, house: HouseDep) -> Response:
    """Add a set of vital signs with its own time; NEWS2 is worked out from this set alone."""
    return json_response((await consultations.record_vitals(work, consultation_id, body)).as_read(demo=house.demo))


@router.post(
    "/{consultation_id}/urgency",
    response_model=ConsultationRead,
    summary="Raise the urgency",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def raise_urgency(consultation_id: UUID, body: UrgencyIn, work: WorkDep, house: HouseDep) -> Response:
    """The patient is worse: the new urgency's ladder starts from its first step and the holder is rung."""
    seen = await consultations.raise_urgency(work, consultation_id, body.urgency, body.reason)
    return json_response(seen.as_read(demo=house.demo))


@router.post(
    "/{consultation_id}/cancellation",
    response_model=ConsultationRead,
    summary="Take the request back",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def cancel(consultation_id: UUID, body: CancellationIn, work: WorkDep, house: HouseDep) -> Response:
    """Stop all ringing; everybody who was rung is told. A red alert older than 10 s needs a reason."""
    return json_response(
        (await consultations.cancel(work, consultation_id, body.reason or None)).as_read(demo=house.demo)
    )


def _encode(at: datetime, case_id: UUID) -> str:
    return base64.urlsafe_b64encode(to_json([at, case_id])).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, case_id = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return read_instant(at), UUID(case_id)
    except (ValueError, TypeError, binascii.Error, AttributeError):
        raise Invalid("cursor", "Con trỏ trang không đúng.", "The page cursor is not right.") from None
