"""Offers: what rings for the caller."""

from fastapi import APIRouter
from fastapi.responses import Response

from app.routers.edge import CommandRoute, HouseDep, ReadDep, json_response
from app.routers.problems import problems
from app.schemas.reads import OfferPage
from app.services.views import offers

router = APIRouter(prefix="/api/v1/offers", tags=["answering"], route_class=CommandRoute)


@router.get("", response_model=OfferPage, summary="Open offers to me", responses=problems(401))
async def open_offers(work: ReadDep, house: HouseDep) -> Response:
    """Return every offer that the caller can still answer, with its card. An expired one can still be accepted.

    Each card is a read of patient data and is logged.
    """
    return json_response({"items": await offers.open_to(work, demo=house.demo)})
