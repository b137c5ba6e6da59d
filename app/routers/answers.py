"""Answers to a callout: acceptance, refusal, attendance, stand-down, forwarding, assignment, hand-over."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from app.routers.direct import DirectRoute
from app.routers.edge import CaseResponse, DecideDep, HouseDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.reads import ConsultationRead
from app.schemas.requests import (
    AcceptanceIn,
    AssignmentIn,
    AttendanceIn,
    ForwardingIn,
    HandOverIn,
    RefusalIn,
    StandDownIn,
)
from app.services.cases import answers

router = APIRouter(prefix="/api/v1/consultations/{consultation_id}", tags=["answering"], route_class=DirectRoute)
_ERRORS = problems(400, 401, 403, 404, 409, 422)


@router.post(
    "/acceptance",
    response_model=ConsultationRead,
    summary="Take responsibility for a ringing consultation",
    responses=_ERRORS,
)
async def accept(
    consultation_id: UUID, work: DecideDep, house: HouseDep, _body: AcceptanceIn | None = None
) -> Response:
    """Exactly one doctor can win; the others are answered 409 with who holds the case and since when.

    An expired offer is as good as a fresh one while the consultation rings. In a red alert acceptance names the leader
    and the rest of the team rings on.
    """
    return CaseResponse(await answers.accept(work, consultation_id), house)


@router.post("/refusal", response_model=ConsultationRead, summary="Decline an offer", responses=_ERRORS)
async def refuse(consultation_id: UUID, body: RefusalIn, work: WorkDep, house: HouseDep) -> Response:
    """Say why; the next person is rung at once. A coordinator cannot silence a case that nobody holds (409)."""
    seen = await answers.refuse(work, consultation_id, body.reason, body.text or None)
    return json_response(seen.as_read(demo=house.demo))


@router.post("/attendance", response_model=ConsultationRead, summary="Red team: coming, or cannot", responses=_ERRORS)
async def attend(consultation_id: UUID, body: AttendanceIn, work: WorkDep, house: HouseDep) -> Response:
    """A member of a red team answers after the leader has accepted."""
    return json_response((await answers.attend(work, consultation_id, coming=body.coming)).as_read(demo=house.demo))


@router.post("/stand-down", response_model=ConsultationRead, summary="Red team: let members go", responses=_ERRORS)
async def stand_down(consultation_id: UUID, body: StandDownIn, work: WorkDep, house: HouseDep) -> Response:
    """The leader stands one member down, or all who have not answered."""
    return json_response((await answers.stand_down(work, consultation_id, body.user_id)).as_read(demo=house.demo))


@router.post("/forwarding", response_model=ConsultationRead, summary="Pass the case on", responses=_ERRORS)
async def forward(consultation_id: UUID, body: ForwardingIn, work: WorkDep, house: HouseDep) -> Response:
    """Ring another doctor or desk; it rings on here until it is taken there."""
    seen = await answers.forward(work, consultation_id, user_id=body.user_id, desk_id=body.desk_id, reason=body.reason)
    return json_response(seen.as_read(demo=house.demo))


@router.post(
    "/assignment", response_model=ConsultationRead, summary="Coordinator: ring a named doctor", responses=_ERRORS
)
async def assign(consultation_id: UUID, body: AssignmentIn, work: WorkDep, house: HouseDep) -> Response:
    """A new offer on top of the others; the case stays ringing and the coordinator is rung again after 2 min."""
    seen = await answers.assign(work, consultation_id, body.user_id, callout_id=body.callout_id)
    return json_response(seen.as_read(demo=house.demo))


@router.post("/hand-over", response_model=ConsultationRead, summary="Hand the case over", responses=_ERRORS)
async def hand_over(consultation_id: UUID, body: HandOverIn, work: WorkDep, house: HouseDep) -> Response:
    """The holder stays until the successor accepts; after 15 min unaccepted the coordinator is rung."""
    seen = await answers.hand_over(work, consultation_id, body.user_id, body.note)
    return json_response(seen.as_read(demo=house.demo))
