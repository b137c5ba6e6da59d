"""Moves on the ladder: a later step now, another desk instead, a second specialty beside."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from app.routers.edge import CommandRoute, HouseDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.policies import JumpIn
from app.schemas.reads import ConsultationRead
from app.schemas.requests import ReRouteIn, SpecialtyIn
from app.services.cases import moves

router = APIRouter(prefix="/api/v1/consultations/{consultation_id}", tags=["answering"], route_class=CommandRoute)
_ERRORS = problems(400, 401, 403, 404, 409, 422)


@router.post("/step", response_model=ConsultationRead, summary="Coordinator: take a later step now", responses=_ERRORS)
async def jump(consultation_id: UUID, body: JumpIn, work: WorkDep, house: HouseDep) -> Response:
    """Everybody rung so far rings on; steps between are left out. Never backwards (409)."""
    seen = await moves.jump(work, consultation_id, body.step, body.callout_id)
    return json_response(seen.as_read(demo=house.demo))


@router.post("/re-route", response_model=ConsultationRead, summary="Ring another desk instead", responses=_ERRORS)
async def re_route(consultation_id: UUID, body: ReRouteIn, work: WorkDep, house: HouseDep) -> Response:
    """What rings now ends as `rerouted` once the new desk rings. The asking side goes by agreements, as when asking."""
    seen = await moves.re_route(work, consultation_id, body.desk_id, body.reason)
    return json_response(seen.as_read(demo=house.demo))


@router.post(
    "/specialties", response_model=ConsultationRead, summary="Ask a second specialty in parallel", responses=_ERRORS
)
async def ask_specialty(consultation_id: UUID, body: SpecialtyIn, work: WorkDep, house: HouseDep) -> Response:
    """A callout of its own with its own question. Who accepts it is a consultant; the holder stays the holder."""
    seen = await moves.ask_specialty(
        work, consultation_id, specialty=body.specialty, desk_id=body.desk_id, question=body.question
    )
    return json_response(seen.as_read(demo=house.demo))
