"""Agreements between hospitals and health departments: who answers which specialty for whom."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.routers.edge import CommandRoute, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.requests import Specialty
from app.schemas.watch import AgreementIn, AgreementList, AgreementPatch, AgreementRead, AgreementState
from app.services.ringing import agreements
from app.services.ringing.agreements import Wanted

router = APIRouter(prefix="/api/v1/agreements", tags=["agreements"], route_class=CommandRoute)


@router.get("", response_model=AgreementList, summary="List agreements", responses=problems(401, 403, 404, 422))
async def list_agreements(
    work: ReadDep,
    party: Annotated[UUID | None, Query(description="Hospital or department that asks or answers")] = None,
    specialty: Annotated[Specialty | None, Query(description="Code, K04")] = None,
    state: Annotated[AgreementState | None, Query(description="upcoming, current or ended")] = None,
) -> Response:
    """Return agreements of the caller's hospital, itself or through its department; operators see the departments'."""
    return json_response({"items": await agreements.list_(work, party=party, specialty=specialty, state=state)})


@router.post(
    "",
    response_model=AgreementRead,
    status_code=201,
    summary="Make an agreement",
    responses=problems(400, 401, 403, 409, 422),
)
async def make_agreement(body: AgreementIn, work: WorkDep) -> Response:
    """Agree that one party answers a specialty for another. Made by an administrator of either party.

    409 names the agreement of the same two parties and specialty whose term overlaps; agreements with different
    parties may overlap and are ordered by rank.
    """
    wanted = Wanted(rank=body.rank, start=body.start, end=body.end, desks=body.desks, title=body.title)
    made = await agreements.make(work, body.asking, body.answering, body.specialty, wanted)
    return json_response(made, 201, {"Location": f"/api/v1/agreements/{made['id']}"})


@router.patch(
    "/{agreement_id}",
    response_model=AgreementRead,
    summary="Change or prolong an agreement",
    responses=problems(400, 401, 403, 404, 409, 412, 422),
)
async def change_agreement(agreement_id: UUID, body: AgreementPatch, work: WorkDep) -> Response:
    """Change rank, term, desks or title; what is left out stays, and what has passed cannot be changed.

    To end an agreement now, set `to` to now; `endless` takes its end away. 412 when somebody else has changed it since
    it was read.
    """
    wanted = Wanted(body.rank, body.start, body.end, body.desks, body.title, endless=body.endless)
    return json_response(await agreements.change(work, agreement_id, body.version, wanted))
