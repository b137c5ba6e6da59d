"""Calendars out and in: feeds of duty, and rotas that are kept elsewhere."""

from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from app.routers.edge import CommandRoute, HouseDep, OwnWorkDep, PlainWorkDep, ReadDep, WorkDep, json_response
from app.routers.problems import problems
from app.schemas.duty_asks import FeedIn
from app.schemas.feeds import FeedList, FeedMade, ImportRead
from app.schemas.text import Label
from app.services.rostering import feeds, rota_import

router = APIRouter(prefix="/api/v1", tags=["rotas"], route_class=CommandRoute)
_CALENDAR: Final = "text/calendar"
_EXAMPLE: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//hoichan//duty//VI\r\nBEGIN:VEVENT\r\n"
    "UID:01a20a03-a608-7fa1-9d12-3c5e7a90b1d4@hoichan\r\nDTSTAMP:20261124T010000Z\r\nDTSTART:20261124T010000Z\r\n"
    "DTEND:20261125T010000Z\r\nSUMMARY:Trực chính · Bàn trực Tim mạch\r\nCATEGORIES:primary\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
_SHEET: Final = "role,doctor,from,to\nprimary,000013/DEMO-CCHN,2026-12-24 08:00,2026-12-25 08:00\n"
_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": _SHEET},
            _CALENDAR: {"schema": {"type": "string"}, "example": _EXAMPLE},
        },
    }
}


@router.get("/feeds", response_model=FeedList, summary="My calendar feeds", responses=problems(401))
async def my_feeds(work: ReadDep) -> Response:
    """Return the caller's feeds, without their secret addresses, which are shown only once."""
    return json_response({"items": await feeds.mine(work)})


@router.post(
    "/feeds",
    status_code=201,
    response_model=FeedMade,
    summary="Make a calendar feed",
    responses=problems(401, 403, 404, 422),
)
async def make_feed(body: FeedIn, work: OwnWorkDep, house: HouseDep, request: Request) -> Response:
    """Make a secret address for a calendar: of a desk, of a hospital's own rota, or (nothing named) of one's own duty.

    The address is shown once. It needs no Idempotency-Key, because an answer that is kept would keep the secret.
    """
    read, secret = await feeds.make(work, body)
    base = (house.settings.public_url or str(request.base_url)).rstrip("/")
    return json_response(read | {"url": f"{base}/api/v1/feeds/{secret}.ics"}, 201)


@router.delete("/feeds/{feed_id}", status_code=204, summary="Revoke a calendar feed", responses=problems(401, 404, 422))
async def revoke_feed(feed_id: UUID, work: OwnWorkDep) -> None:
    """End a feed of one's own at once; its address then answers like one that never was."""
    await feeds.revoke(work, feed_id)


@router.get(
    "/feeds/{secret}.ics",
    summary="A calendar of duty",
    response_class=Response,
    responses={
        200: {"description": "iCalendar", "content": {_CALENDAR: {"schema": {"type": "string"}, "example": _EXAMPLE}}},
        304: {"description": "Nothing has changed since the ETag that was sent"},
        **problems(404, 422),
    },
)
async def feed(
    secret: str,
    work: PlainWorkDep,
    days: Annotated[int, Query(ge=1, le=400, description="How far ahead")] = 90,
    if_none_match: Annotated[str | None, Header(description="ETag of the calendar that is there already")] = None,
) -> Response:
    """Return 30 days of the past and the coming duty. The address is the credential: whoever has it sees this.

    An unknown and a revoked address get the same answer.
    """
    body = await feeds.calendar(work, secret, days)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=300"}
    if if_none_match is not None and tag in (part.strip().removeprefix("W/") for part in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=f"{_CALENDAR}; charset=utf-8")


@router.post(
    "/desks/{desk_id}/rota/import",
    response_model=ImportRead,
    summary="Import a rota that is kept elsewhere",
    responses=problems(400, 401, 403, 404, 422),
    openapi_extra=_FILE,
)
async def import_rota(  # the contract's
    desk_id: UUID,
    request: Request,
    work: WorkDep,
    *,
    dry_run: Annotated[bool, Query(description="Say what would happen, with all errors, and change nothing")] = False,
    replace: Annotated[bool, Query(description="The file is the whole: what is missing from it goes")] = False,
    source: Annotated[Label, Query(description="Tells several sources of one rota apart")] = "",
) -> Response:
    """Import a table (CSV) or a calendar (iCalendar): all of it or nothing, and the same file twice changes nothing.

    CSV: columns `role`, `doctor` (licence, e-mail or user name), `from`, `to`; names in Vietnamese too; separated by
    comma, semicolon or tab. iCalendar: identity is (rota, source, UID, RECURRENCE-ID), a higher SEQUENCE wins, series
    are expanded 90 days ahead, floating times are in the rota's zone. Any error: nothing is saved; each names its line.
    """
    raw = await request.body()
    done = await rota_import.import_rota(work, desk_id, raw, dry_run=dry_run, replace=replace, source=source)
    return json_response(done)
