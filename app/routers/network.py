"""The network: specialties, hospitals, desks, duty; and what can be read without signing in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.routers.edge import CommandRoute, HouseDep, PlainWorkDep, ReadDep, json_response
from app.routers.problems import problems
from app.schemas.directory import (
    DeskList,
    DutyList,
    HospitalList,
    InstallationRead,
    OnCallList,
    QueryInstant,
    SpecialtyList,
    TelephoneList,
)
from app.schemas.text import Line
from app.services.views import directory

router = APIRouter(prefix="/api/v1", tags=["network"], route_class=CommandRoute)
_KEPT = {"Cache-Control": "public, max-age=300"}
From = Annotated[QueryInstant | None, Query(alias="from", description="ISO 8601 with its zone; now when left out")]
To = Annotated[QueryInstant | None, Query(alias="to", description="At most 100 days later; 7 days when left out")]
"""A stretch of duty that is asked about, as every route that shows duty takes it."""
_ERRORS = problems(401, 404, 422)


@router.get("/specialties", response_model=SpecialtyList, summary="List specialties", responses=problems(401))
async def specialties(work: ReadDep) -> Response:
    """Return codes and names of the specialties in use, in the Ministry's order."""
    return json_response({"items": await directory.specialties(work)})


@router.get("/hospitals", response_model=HospitalList, summary="List hospitals", responses=problems(401))
async def hospitals(work: ReadDep) -> Response:
    """Return every hospital and health department of the network."""
    return json_response({"items": await directory.hospitals(work)})


@router.get("/desks", response_model=DeskList, summary="List desks", responses=problems(401, 422))
async def desks(
    work: ReadDep,
    specialty: Annotated[Line | None, Query(max_length=20, description="Code, K04")] = None,
    hospital: Annotated[UUID | None, Query(description="Answering hospital")] = None,
) -> Response:
    """Return the desks that answer; `may_ask` tells whether an agreement of the caller's hospital is in force."""
    return json_response({"items": await directory.desks(work, specialty=specialty, hospital=hospital)})


@router.get("/desks/{desk_id}/on-call", response_model=OnCallList, summary="Who is on call", responses=_ERRORS)
async def on_call(
    desk_id: UUID,
    work: ReadDep,
    house: HouseDep,
    at: Annotated[QueryInstant | None, Query(description="ISO 8601 with its zone; now when left out")] = None,
) -> Response:
    """Return who is on duty at the desk and for its hospital at one instant, by the slots that route live calls."""
    return json_response(await directory.on_call(work, desk_id, at, online=house.hub.online))


@router.get("/desks/{desk_id}/duty", response_model=DutyList, summary="Duty and its gaps", responses=_ERRORS)
async def duty(
    desk_id: UUID,
    work: ReadDep,
    start: From = None,
    end: To = None,
) -> Response:
    """Return slots and gaps of the desk and its hospital between two instants; a gap is a required role with nobody."""
    return json_response(await directory.duty_of(work, desk_id, start, end))


@router.get(
    "/telephones",
    response_model=TelephoneList,
    summary="Whom to telephone when the system is away",
    responses=problems(),
)
async def telephones(work: PlainWorkDep) -> Response:
    """Return numbers of desks, wards, coordinators and hospitals. Public, and holds no personal data; keep a copy."""
    return json_response({"at": work.now, "items": await directory.telephones(work)}, headers=_KEPT)


@router.get("/installation", response_model=InstallationRead, summary="What this installation is")
async def installation(house: HouseDep) -> Response:
    """Return its name, and whether it is a demonstration. Public."""
    return json_response({"name": house.name, "demo": house.demo}, headers={"Cache-Control": "public, max-age=60"})
