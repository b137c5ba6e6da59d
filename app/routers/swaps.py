"""Swaps of duty between colleagues."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from app.routers.edge import CommandRoute, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.duty_asks import SwapIn
from app.schemas.rota_reads import SwapList, SwapRead
from app.services.rostering import swaps

router = APIRouter(prefix="/api/v1/swaps", tags=["rotas"], route_class=CommandRoute)


@router.get("", response_model=SwapList, summary="Swaps I may take, and mine", responses=problems(401))
async def my_swaps(work: ReadDep) -> Response:
    """Return open swaps that the caller may take, and the caller's own of the last 30 days, by start."""
    return json_response({"items": await swaps.mine(work)})


@router.post(
    "",
    status_code=201,
    response_model=SwapRead,
    summary="Offer a duty",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def offer_swap(body: SwapIn, work: WorkDep) -> Response:
    """Offer part or all of one coming duty; with `return` as an exchange. Not taken, it lapses at its start."""
    return json_response(await swaps.offer(work, body), 201)


@router.post(
    "/{swap_id}/acceptance",
    response_model=SwapRead,
    summary="Take a colleague's duty",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def take_swap(swap_id: UUID, work: WorkDep) -> Response:
    """Take it over at once; of several who try, one does.

    409 says why not: not of this rota, on duty in that role or on leave, answered already, or the duty has moved.
    """
    return json_response(await swaps.take(work, swap_id))


@router.delete(
    "/{swap_id}",
    response_model=SwapRead,
    summary="Take an offered duty back",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def withdraw_swap(swap_id: UUID, work: WorkDep) -> Response:
    """Keep the duty after all, while nobody has taken it."""
    return json_response(await swaps.withdraw(work, swap_id))
