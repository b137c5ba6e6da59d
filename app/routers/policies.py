"""Escalation policies, the preview of a ladder, the load of a desk, and what its doctors have room for."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.models.urgency import Urgency
from app.routers.edge import CommandRoute, HouseDep, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.directory import QueryInstant
from app.schemas.policies import CapacityIn, CapacityRead, LadderRead, LoadRead, PolicyIn, PolicyRead
from app.schemas.text import Line
from app.services.ringing import capacity, ladder_preview, load, policies

router = APIRouter(prefix="/api/v1", tags=["on call"], route_class=CommandRoute)
_READ = problems(401, 403, 404, 422)
_SET = problems(400, 401, 403, 404, 412, 422)


@router.get(
    "/desks/{desk_id}/policies/{urgency}", response_model=PolicyRead, summary="A desk's ladder", responses=_READ
)
async def of_desk(desk_id: UUID, urgency: Urgency, work: ReadDep) -> Response:
    """Return the ladder that a new case of this urgency gets: the desk's own, else its hospital's, else the default."""
    return json_response(await policies.of_desk(work, desk_id, urgency))


@router.put(
    "/desks/{desk_id}/policies/{urgency}", response_model=PolicyRead, summary="Set a desk's ladder", responses=_SET
)
async def set_of_desk(desk_id: UUID, urgency: Urgency, body: PolicyIn, work: WorkDep) -> Response:
    """Put a ladder in force for new cases of this urgency; what rings already keeps the one with which it began.

    The last step must ring a coordinator. Administrators of the hospital only.
    """
    return json_response(await policies.set_of_desk(work, desk_id, urgency, body))


@router.get(
    "/hospitals/{hospital_id}/policies/{urgency}",
    response_model=PolicyRead,
    summary="A hospital's ladder",
    responses=_READ,
)
async def of_hospital(hospital_id: UUID, urgency: Urgency, work: ReadDep) -> Response:
    """Return the ladder for desks that have none of their own: the hospital's, else the default."""
    return json_response(await policies.of_hospital(work, hospital_id, urgency))


@router.put(
    "/hospitals/{hospital_id}/policies/{urgency}",
    response_model=PolicyRead,
    summary="Set a hospital's ladder",
    responses=_SET,
)
async def set_of_hospital(hospital_id: UUID, urgency: Urgency, body: PolicyIn, work: WorkDep) -> Response:
    """Put a ladder in force for every desk of the hospital that has none of its own."""
    return json_response(await policies.set_of_hospital(work, hospital_id, urgency, body))


@router.get(
    "/ladder",
    response_model=LadderRead,
    summary="Who would be rung, when, and why",
    responses=problems(401, 404, 409, 422),
)
async def ladder(
    work: ReadDep,
    hospital: Annotated[UUID, Query(description="The hospital that would ask")],
    specialty: Annotated[Line, Query(max_length=20, description="Code, K04")],
    urgency: Annotated[Urgency, Query(description="red, orange, yellow or green")],
    at: Annotated[
        QueryInstant | None, Query(description="ISO 8601 with its zone, within 2 years; now when left out")
    ] = None,
) -> Response:
    """Let the live way and the live ladder run for an instant with nobody answering; nothing is stored, nobody rung.

    For one's own hospital; the answering side also for whoever asks its desks; operators for all.
    """
    return json_response(
        await ladder_preview.ladder(work, hospital=hospital, specialty=specialty, urgency=urgency, at=at)
    )


@router.get("/desks/{desk_id}/load", response_model=LoadRead, summary="What duty cost whom", responses=_READ)
async def load_of_desk(
    desk_id: UUID,
    work: ReadDep,
    start: Annotated[QueryInstant | None, Query(alias="from", description="7 days before `to` when left out")] = None,
    end: Annotated[
        QueryInstant | None, Query(alias="to", description="At most 100 days later; now when left out")
    ] = None,
) -> Response:
    """Return per doctor: rung, accepted, declined, rung at night, hours on duty, rings per shift. Drills left out."""
    return json_response(await load.of_desk(work, desk_id, start, end))


@router.put(
    "/desks/{desk_id}/doctors/{user_id}/capacity",
    response_model=CapacityRead,
    summary="Set what a doctor has room for",
    responses=_SET,
)
async def set_capacity(desk_id: UUID, user_id: UUID, body: CapacityIn, work: WorkDep, house: HouseDep) -> Response:
    """Say how many cases a doctor of the desk holds at once; it counts at every desk, and the doctor is told.

    What waits because they had no room is offered within a second; what rings already goes on. Administrators of the
    hospital, and the head of the desk's rota.
    """
    read = await capacity.set_at_desk(work, desk_id, user_id, body)
    # What this process keeps of the doctor's sessions says what they had room for before.
    house.sessions.forget([("user", str(user_id))])
    return json_response(read)
