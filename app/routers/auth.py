"""Signing in and out.

No Idempotency-Key: these are no commands on a case. A repeated sign-in opens one more session, which harms nothing.
"""

from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.errors import InsecureTransport
from app.routers.edge import CommandRoute, HouseDep, OwnWorkDep, PlainWorkDep, refuse_cross_site
from app.routers.problems import problems
from app.schemas.account import MeRead, SignIn, TokenForm, TokenRead
from app.services.people import accounts, sessions, sign_in
from app.services.people.sessions import BEARER, BROWSER, COOKIE
from app.services.people.sign_in import Visitor

DEVICE_COOKIE = "__Host-hoichan-device"
DEVICE_DAYS = 400
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})

router = APIRouter(prefix="/api/v1/auth", tags=["signing in"], route_class=CommandRoute)


@router.post("/token", summary="Sign a program in", responses=problems(401, 403, 413, 422, 429))
async def token(
    form: Annotated[TokenForm, Form()], work: PlainWorkDep, house: HouseDep, request: Request, response: Response
) -> TokenRead:
    """Get a bearer token with the password form of OAuth 2. It is opaque, and can be revoked at once.

    Unknown account, wrong password and deactivated account get the same 401 after the same time. Only failures are
    limited, per account and address; 429 says in how many seconds to try again.
    """
    refuse_cross_site(request)
    lifetime = timedelta(hours=house.settings.token_hours)
    _, made = await sign_in.sign_in(
        work, house.guard, form.username, form.password, Visitor(address_of(request)), BEARER, lifetime
    )
    response.headers["Cache-Control"] = "no-store"
    return TokenRead(access_token=made, expires_in=int(lifetime.total_seconds()))


async def _json_or_form(request: Request) -> SignIn:
    """Read the credentials as JSON, or as the same form that programs send for a token."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            form = await request.form()
            return SignIn.model_validate({name: form.get(name) for name in ("username", "password")})
        return SignIn.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


_SESSION_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": SignIn.model_json_schema(), "example": SignIn.model_json_schema()["examples"][0]}
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}


@router.post(
    "/session",
    summary="Sign a browser in",
    responses=problems(401, 403, 413, 422, 429),
    openapi_extra=_SESSION_BODY,
)
async def open_session(
    body: Annotated[SignIn, Depends(_json_or_form)],
    work: PlainWorkDep,
    house: HouseDep,
    request: Request,
    response: Response,
) -> MeRead:
    """Open a browser session: the cookie `__Host-hoichan` is HttpOnly, Secure and SameSite=Strict.

    Over https only, or on the machine itself (loopback); otherwise 403. The request must come from this site's own
    page. A second cookie, of no use for signing in, shows that this browser has signed in before: its owner can then
    not be locked out by somebody else's guesses.
    """
    refuse_cross_site(request)
    refuse_insecure(request)
    visitor = Visitor(
        address_of(request), device=request.cookies.get(DEVICE_COOKIE), replaces=request.cookies.get(COOKIE)
    )
    lifetime = timedelta(hours=house.settings.session_hours)
    _, made = await sign_in.sign_in(work, house.guard, body.username, body.password, visitor, BROWSER, lifetime)
    keep_cookie(response, made, lifetime)
    _set(response, DEVICE_COOKIE, sign_in.device_of(made), timedelta(days=DEVICE_DAYS))
    return await accounts.me(work, demo=house.demo)


@router.delete("/session", status_code=204, summary="Sign out", responses=problems(401, 403))
async def close_session(
    work: OwnWorkDep,
    response: Response,
    everywhere: Annotated[bool, Query(description="End all sessions of this account, programs' tokens too")] = False,  # noqa: FBT002 (a query parameter)
) -> None:
    """End this session, by cookie or bearer token; its sockets receive nothing after the answer."""
    ended = await sessions.revoke(work, work.subject.id, only=None if everywhere else work.subject.session_id)
    if everywhere:
        await accounts.tell_of_sign_out_everywhere(work, len(ended))
    _set(response, COOKIE, "", timedelta(0))


def keep_cookie(response: Response, made: str, lifetime: timedelta) -> None:
    """Hand the browser its session; scripts cannot read it, and no other site can make the browser send it."""
    response.headers["Cache-Control"] = "no-store"
    _set(response, COOKIE, made, lifetime)


def address_of(request: Request) -> str:
    """Where the call comes from. The server has already believed X-Forwarded-For of trusted proxies, of nobody else."""
    return request.client.host if request.client else ""


def refuse_insecure(request: Request) -> None:
    """Refuse a browser session over plain HTTP from another machine: anybody on the way could take it."""
    if request.url.scheme != "https" and not is_from_this_machine(request):
        raise InsecureTransport


def is_from_this_machine(request: Request) -> bool:
    """Whether somebody on the server itself calls.

    A proxy on this machine that is not trusted looks like this machine itself; what it adds to the request tells.
    """
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-proto", "via"))
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    try:
        here = ip_address(address_of(request)).is_loopback
    except ValueError:
        here = False
    return here and not forwarded and name.lower() in _HERE


def _set(response: Response, name: str, value: str, lifetime: timedelta) -> None:
    response.set_cookie(
        name, value, max_age=int(lifetime.total_seconds()), path="/", secure=True, httponly=True, samesite="strict"
    )
