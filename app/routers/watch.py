"""What is watched about duty: gaps in rotas, and «are you there?»."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.routers.edge import CommandRoute, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.watch import CheckAnswerIn, CheckList, CheckRead, GapList
from app.services.rostering import gaps, reachability

router = APIRouter(prefix="/api/v1", tags=["duty"], route_class=CommandRoute)


@router.get("/gaps", response_model=GapList, summary="Gaps in rotas", responses=problems(401, 403, 404, 422))
async def open_gaps(
    work: ReadDep,
    desk: Annotated[UUID | None, Query(description="Only of this desk")] = None,
    hospital: Annotated[UUID | None, Query(description="Only of this hospital")] = None,
) -> Response:
    """Return open gaps of the next 14 days at the caller's hospital, and in rotas that the caller heads, by start.

    `nobody`: a required role has nobody. `unreachable`: whoever is on duty did not answer «are you there?».
    """
    return json_response({"items": await gaps.list_open(work, desk=desk, hospital=hospital)})


@router.get("/duty/checks", response_model=CheckList, summary="«Are you there?»: mine", responses=problems(401))
async def my_checks(work: ReadDep) -> Response:
    """Return what the caller is asked before a duty; also what was not answered in time, while that duty lasts."""
    return json_response({"items": await reachability.mine(work)})


@router.post(
    "/duty/checks/{check_id}/answer",
    response_model=CheckRead,
    summary="«I am here»",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def answer_check(check_id: UUID, work: WorkDep, _body: CheckAnswerIn | None = None) -> Response:
    """Answer «are you there?». It counts for every duty that the caller is asked about now; late, it ends the alarm.

    Answering again changes nothing. 409 once the duty is over.
    """
    return json_response(await reachability.answer_mine(work, check_id))
