"""Rotas as they are written and published: of desks, and of hospitals."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from app.routers.edge import CommandRoute, ReadDep, WorkDep, json_response
from app.routers.network import From, To
from app.routers.problems import problems
from app.schemas.directory import HospitalDutyList
from app.schemas.rota import CorrectionIn, PublicationIn
from app.schemas.rota_reads import CorrectionRead, PublicationRead, RotaRead
from app.services.rostering import duty_corrections, publications, rota_view
from app.services.views import directory

router = APIRouter(prefix="/api/v1", tags=["rotas"], route_class=CommandRoute)
_READ = problems(401, 403, 404, 422)
_PUBLISH = problems(400, 401, 403, 404, 409, 412, 422)


@router.get("/desks/{desk_id}/rota", response_model=RotaRead, summary="The rota of a desk", responses=_READ)
async def desk_rota(desk_id: UUID, work: ReadDep) -> Response:
    """Return the documents of the rota, who may be on it, and what the caller may do.

    Version 0: there is none yet, and the first publication makes it.
    """
    return json_response(await rota_view.read(work, desk_id=desk_id))


@router.post(
    "/desks/{desk_id}/rota", response_model=PublicationRead, summary="Edit the rota of a desk", responses=_PUBLISH
)
async def publish_desk_rota(desk_id: UUID, body: PublicationIn, work: WorkDep) -> Response:
    """Publish changes against the version that was seen, all or none; with `dry_run` only show what they would do.

    The past never changes: duty is cut at the moment of the commit, and an override that has begun only loses its
    future. Whoever's duty moves is told. 412 gives the present version; 409 what is in the way; 422 the place of each
    error, such as `changes.2.body.windows.0.end`. A coordinator makes overrides that start within 24 h.
    """
    return json_response(await publications.publish(work, body, desk_id=desk_id))


@router.get("/hospitals/{hospital_id}/rota", response_model=RotaRead, summary="The rota of a hospital", responses=_READ)
async def hospital_rota(hospital_id: UUID, work: ReadDep) -> Response:
    """Return the rota of leadership and coordinators, as that of a desk."""
    return json_response(await rota_view.read(work, hospital_id=hospital_id))


@router.post(
    "/hospitals/{hospital_id}/rota",
    response_model=PublicationRead,
    summary="Edit the rota of a hospital",
    responses=_PUBLISH,
)
async def publish_hospital_rota(hospital_id: UUID, body: PublicationIn, work: WorkDep) -> Response:
    """Publish changes of leadership and coordinators, as those of a desk."""
    return json_response(await publications.publish(work, body, hospital_id=hospital_id))


@router.get(
    "/hospitals/{hospital_id}/duty",
    response_model=HospitalDutyList,
    summary="Duty of a hospital and its gaps",
    responses=problems(401, 404, 422),
)
async def hospital_duty(
    hospital_id: UUID,
    work: ReadDep,
    start: From = None,
    end: To = None,
) -> Response:
    """Return leadership and coordination between two instants, clipped and merged, with the gaps."""
    return json_response(await directory.duty_of_hospital(work, hospital_id, start, end))


@router.post(
    "/desks/{desk_id}/duty-corrections",
    status_code=201,
    response_model=CorrectionRead,
    summary="Record who was on duty really",
    responses=problems(400, 401, 403, 404, 422),
)
async def correct_duty(desk_id: UUID, body: CorrectionIn, work: WorkDep) -> Response:
    """Append late truth about the past, for reports only; slots and what was routed stay as they were."""
    return json_response(await duty_corrections.correct(work, desk_id, body), 201)
