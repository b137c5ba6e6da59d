"""The signed-in account itself."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from app.routers.auth import address_of, keep_cookie
from app.routers.edge import CommandRoute, HouseDep, OwnWorkDep, ReadDep, json_response
from app.routers.problems import problems
from app.schemas.account import ColleagueList, MeRead, PasswordChange
from app.schemas.policies import WaitingList
from app.services.cases import ward
from app.services.people import accounts, sessions
from app.services.people.sessions import COOKIE
from app.services.ringing import load

router = APIRouter(prefix="/api/v1/me", tags=["signing in"], route_class=CommandRoute)


@router.get("", summary="Who I am, and where I am on duty now", responses=problems(401))
async def me(work: ReadDep, house: HouseDep, request: Request, response: Response) -> MeRead:
    """Tell the account about itself. A browser session whose life is half over gets the whole again."""
    read = await accounts.me(work, demo=house.demo)
    lifetime = timedelta(hours=house.settings.session_hours)
    if await sessions.prolong(work, lifetime):
        await house.commit(work)
        keep_cookie(response, request.cookies[COOKIE], lifetime)
    response.headers["Cache-Control"] = "no-store"
    return read


@router.get(
    "/waiting", response_model=WaitingList, summary="Cases that wait until I have room", responses=problems(401, 403)
)
async def waiting(work: ReadDep) -> Response:
    """Return what rings at others because I hold as many cases as I can; the first is offered when I conclude one."""
    return json_response(await load.waiting(work))


@router.get("/colleagues", response_model=ColleagueList, summary="Who asks at my ward", responses=problems(401, 403))
async def colleagues(work: ReadDep, house: HouseDep) -> Response:
    """Return the requesting doctors of the caller's ward: those to whom a case's asking side can be handed."""
    return json_response({"items": await ward.colleagues(work, online=house.hub.online)})


@router.post("/password", status_code=204, summary="Change my password", responses=problems(401, 403, 413, 422, 429))
async def change_password(body: PasswordChange, work: OwnWorkDep, house: HouseDep, request: Request) -> None:
    """Replace the password and end all other sessions of the account. It needs no Idempotency-Key.

    422 names `current` when the present password is wrong, and `new` with the rule that the new one breaks. Wrong
    present passwords are limited like failed sign-ins.
    """
    await accounts.change_password(work, house.guard, body.current, body.new, address_of(request))
    # This session stays, but what is kept of it says that the password must be changed.
    house.sessions.forget([("user", str(work.subject.id))])
