"""The discussion of a case: messages, read-back, conclusion, outcome, participants, history and record."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.routers.edge import CommandRoute, HouseDep, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas import consultation as show
from app.schemas.reads import AttachmentPage, ConsultationRead, HistoryPage, MessagePage, MessageRead, RecordRead
from app.schemas.requests import ConclusionIn, MessageIn, OutcomeIn, ParticipantIn, ReadBackIn
from app.services.cases import discussion, records

router = APIRouter(prefix="/api/v1/consultations/{consultation_id}", tags=["discussion"], route_class=CommandRoute)
_ERRORS = problems(400, 401, 403, 404, 409, 422)
_READ_ERRORS = problems(401, 404, 422)
LAST_PLACE = 2**53 - 1  # what every client can count to


@router.post("/messages", status_code=201, response_model=MessageRead, summary="Say something", responses=_ERRORS)
async def post_message(consultation_id: UUID, body: MessageIn, work: WorkDep) -> Response:
    """Post a message; with `opinion` it is advice that the requesting side reads back. Nothing sent is ever deleted."""
    return json_response(show.message(await discussion.post_message(work, consultation_id, body)), 201)


@router.get("/messages", response_model=MessagePage, summary="Read the discussion", responses=_READ_ERRORS)
async def messages(
    consultation_id: UUID,
    work: ReadDep,
    cursor: Annotated[int, Query(ge=0, le=LAST_PLACE, description="`next` of the page before")] = 0,
) -> Response:
    """Return messages in the server's order, 200 a page."""
    found, following = await discussion.messages(work, consultation_id, cursor)
    return json_response({"items": [show.message(m) for m in found], "next": following})


@router.post("/read-back", response_model=ConsultationRead, summary="Read advice back", responses=_ERRORS)
async def read_back(consultation_id: UUID, body: ReadBackIn, work: WorkDep, house: HouseDep) -> Response:
    """The requesting side says what it understood of one opinion or conclusion; a correction needs a new one."""
    return json_response((await discussion.read_back(work, consultation_id, body)).as_read(demo=house.demo))


@router.post("/conclusion", response_model=ConsultationRead, summary="Conclude", responses=_ERRORS)
async def conclude(consultation_id: UUID, body: ConclusionIn, work: WorkDep, house: HouseDep) -> Response:
    """The holder concludes. A further conclusion supersedes the last one, which stays readable."""
    return json_response((await discussion.conclude(work, consultation_id, body)).as_read(demo=house.demo))


@router.post("/outcome", response_model=ConsultationRead, summary="Report the outcome", responses=_ERRORS)
async def report_outcome(consultation_id: UUID, body: OutcomeIn, work: WorkDep, house: HouseDep) -> Response:
    """Tell what became of the patient at 24 h, 7 days or discharge; discharge closes the case."""
    return json_response((await discussion.report_outcome(work, consultation_id, body)).as_read(demo=house.demo))


@router.post("/participants", response_model=ConsultationRead, summary="Invite somebody", responses=_ERRORS)
async def invite(consultation_id: UUID, body: ParticipantIn, work: WorkDep, house: HouseDep) -> Response:
    """Let a doctor of either hospital into the case from now on."""
    seen = await discussion.invite(work, consultation_id, body.user_id, body.role)
    return json_response(seen.as_read(demo=house.demo))


@router.delete(
    "/participants/{user_id}", response_model=ConsultationRead, summary="Take somebody out", responses=_ERRORS
)
async def leave(consultation_id: UUID, user_id: UUID, work: WorkDep, house: HouseDep) -> Response:
    """End an invitation; nothing reaches that person after the answer."""
    return json_response((await discussion.leave(work, consultation_id, user_id)).as_read(demo=house.demo))


@router.get("/attachments", response_model=AttachmentPage, summary="List files", responses=_READ_ERRORS)
async def attachments(consultation_id: UUID, work: ReadDep) -> Response:
    """Return the files of the case; this version takes none, so the list is empty."""
    await discussion.messages(work, consultation_id, 0)
    return json_response({"items": []})


@router.get("/history", response_model=HistoryPage, summary="Read the history", responses=_READ_ERRORS)
async def history(
    consultation_id: UUID, work: ReadDep, cursor: Annotated[int, Query(ge=0, le=LAST_PLACE)] = 0
) -> Response:
    """Return every fact of the case in order, 500 a page."""
    rows, following = await records.history(work, consultation_id, cursor)
    return json_response({"items": rows, "next": following})


@router.get(
    "/record", response_model=RecordRead, summary="The consultation record (form 27/BV2)", responses=_READ_ERRORS
)
async def record(consultation_id: UUID, work: ReadDep) -> Response:
    """Return the record built from the facts, with the form's own labels and the annex for remote consultation."""
    return json_response(await records.record(work, consultation_id))
