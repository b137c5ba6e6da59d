"""After acceptance: telephone calls, the owner of the asking side, drills that are real, and the end of a duty."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from app.routers.edge import CommandRoute, HouseDep, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.reads import ConsultationRead
from app.schemas.requests import CallConfirmationIn, CallIn, RealIn, ShiftHandOverIn, WardOwnerIn
from app.schemas.shift_end import ShiftHandOverRead, ToHandOverRead
from app.services.cases import calls, drills, shift_end, ward

router = APIRouter(prefix="/api/v1", route_class=CommandRoute)
_CASE = "/consultations/{consultation_id}"
_ERRORS = problems(400, 401, 403, 404, 409, 422)


@router.post(
    f"{_CASE}/calls",
    status_code=201,
    response_model=ConsultationRead,
    summary="Note a conversation by telephone",
    tags=["discussion"],
    responses=_ERRORS,
)
async def record_call(consultation_id: UUID, body: CallIn, work: WorkDep, house: HouseDep) -> Response:
    """Either side writes down that the two spoke, and what was said. It counts once the other side confirms it."""
    return json_response((await calls.record(work, consultation_id, body)).as_read(demo=house.demo), 201)


@router.post(
    f"{_CASE}/calls/{{call_id}}/confirmation",
    response_model=ConsultationRead,
    summary="Confirm a conversation by telephone",
    tags=["discussion"],
    responses=_ERRORS,
)
async def confirm_call(
    consultation_id: UUID, call_id: UUID, work: WorkDep, house: HouseDep, _body: CallConfirmationIn | None = None
) -> Response:
    """The other side says that it took place as written: from then on it is a word of the holder, and an answer."""
    return json_response((await calls.confirm(work, consultation_id, call_id)).as_read(demo=house.demo))


@router.post(
    f"{_CASE}/ward-owner",
    response_model=ConsultationRead,
    summary="Hand the asking side to a colleague of the ward",
    tags=["discussion"],
    responses=_ERRORS,
)
async def name_ward_owner(consultation_id: UUID, body: WardOwnerIn, work: WorkDep, house: HouseDep) -> Response:
    """Name who answers for the asking side; they are told, and advice that is not read back rings at them too."""
    return json_response((await ward.name_owner(work, consultation_id, body.user_id)).as_read(demo=house.demo))


@router.post(
    f"{_CASE}/real",
    status_code=201,
    response_model=ConsultationRead,
    summary="Drill: this is real",
    tags=["consultations"],
    responses=_ERRORS,
)
async def make_real(consultation_id: UUID, work: WorkDep, house: HouseDep, body: RealIn | None = None) -> Response:
    """Open a real case out of a drill and ring it at once. The drill ends; its vital signs and facts stay behind."""
    seen = await drills.make_real(work, consultation_id, body or RealIn())
    location = f"/api/v1/consultations/{seen.case.id}"
    return json_response(seen.as_read(demo=house.demo), 201, {"Location": location})


@router.get(
    "/me/hand-over",
    response_model=ToHandOverRead,
    summary="What I would hand over now",
    tags=["answering"],
    responses=problems(401, 403),
)
async def to_hand_over(work: ReadDep) -> Response:
    """List the cases that the caller holds, advice not read back yet, and who is next on duty; it is logged."""
    return json_response({"items": await shift_end.to_hand_over(work)})


@router.post(
    "/me/hand-over",
    response_model=ShiftHandOverRead,
    summary="Hand over at the end of my duty",
    tags=["answering"],
    responses=_ERRORS,
)
async def hand_over(work: WorkDep, body: ShiftHandOverIn | None = None) -> Response:
    """Ring the successor for each case. The caller holds it until it is accepted; after 15 min a coordinator rings."""
    return json_response({"items": await shift_end.hand_over(work, body or ShiftHandOverIn())})
