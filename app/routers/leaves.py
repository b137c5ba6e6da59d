"""Leave of doctors, and the holidays of the country and of hospitals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.routers.edge import CommandRoute, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.duty_asks import LeaveDecisionIn, LeaveIn
from app.schemas.rota_reads import HolidayList, LeaveDecidedRead, LeaveList, LeaveRead
from app.services.rostering import holidays, leaves

router = APIRouter(prefix="/api/v1", tags=["rotas"], route_class=CommandRoute)
_DECIDING = problems(400, 401, 403, 404, 409, 422)


@router.get("/leaves", response_model=LeaveList, summary="My leave, and what I decide", responses=problems(401))
async def my_leaves(work: ReadDep) -> Response:
    """Return the caller's own leave and, for heads of rotas and administrators, that of their people."""
    return json_response({"items": await leaves.listed(work)})


@router.post(
    "/leaves",
    status_code=201,
    response_model=LeaveRead,
    summary="Ask for leave",
    responses=problems(400, 401, 403, 409, 422),
)
async def ask_leave(body: LeaveIn, work: WorkDep) -> Response:
    """Ask for leave; it counts once approved. 409 when some of the time was asked for already."""
    return json_response(await leaves.ask(work, body), 201)


@router.post(
    "/leaves/{leave_id}/approval",
    response_model=LeaveDecidedRead,
    summary="Approve or decline a leave",
    responses=_DECIDING,
)
async def decide_leave(leave_id: UUID, body: LeaveDecisionIn, work: WorkDep) -> Response:
    """Decide about somebody else's leave. Approved, it is taken out of every rota of the doctor at once; see `gaps`."""
    return json_response(await leaves.decide(work, leave_id, body))


@router.delete("/leaves/{leave_id}", response_model=LeaveDecidedRead, summary="Take a leave back", responses=_DECIDING)
async def withdraw_leave(leave_id: UUID, work: WorkDep) -> Response:
    """Take one's own leave back, or (head, administrator) end somebody's; what has been taken of it stays."""
    return json_response(await leaves.withdraw(work, leave_id))


@router.get("/holidays", response_model=HolidayList, summary="Holidays", responses=problems(401, 404, 422))
async def list_holidays(
    work: ReadDep,
    year: Annotated[int | None, Query(ge=1970, le=2200, description="This year when left out")] = None,
    hospital: Annotated[UUID | None, Query(description="Whose own ones too; the caller's when left out")] = None,
) -> Response:
    """Return the country's holidays and a hospital's own, by date. A hospital's own counts before the country's."""
    return json_response(await holidays.of_year(work, year, hospital))
