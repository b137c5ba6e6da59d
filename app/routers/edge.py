"""Where a request becomes a unit of work, and where it is committed: before the answer, or not at all.

A command carries an Idempotency-Key. Its 2xx answer is stored in the transaction of its effect; a repeated key is
answered from there, also when the repeated command would fail by now, and is never done twice.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, OAuth2PasswordBearer
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.errors import CrossSite, KeyMissing, KeyReused, NotFound, PasswordChangeNeeded, Problem, Unauthenticated
from app.models.idempotency import StoredAnswer
from app.policy import facts_of, view_of
from app.realtime.house import House
from app.routers.problems import language_of
from app.services.cases.consultations import Seen
from app.services.facts import case_rows
from app.services.facts.events import Overtaken
from app.services.people.sessions import COOKIE_NAMES
from app.work import Answer, Command, Subject, Work

Handler = Callable[[Request], Awaitable[Response]]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
KEY_LENGTH = 200

_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False, scheme_name="token")
_cookie = APIKeyCookie(name=COOKIE_NAMES[0], auto_error=False, scheme_name="browser session")


def house_of(request: Request) -> House:
    """Return what this process holds."""
    house: House = request.app.state.house
    return house


async def _house(request: Request) -> House:
    return house_of(request)


HouseDep = Annotated[House, Depends(_house)]


async def caller(request: Request) -> Subject:
    """Find out who calls, without FastAPI."""
    return await subject_of(request, await _bearer(request), None)


async def subject_of(
    request: Request,
    token: Annotated[str | None, Security(_bearer)],
    _described: Annotated[str | None, Security(_cookie)],
) -> Subject:
    """Find out who calls, by bearer token or browser session; a browser's commands must come from our own page."""
    if token is None:
        token = next((v for name in COOKIE_NAMES if (v := request.cookies.get(name))), None)
        if token and request.method not in SAFE:
            refuse_cross_site(request)
    subject = await house_of(request).sessions.subject(token) if token else None
    if subject is None:
        raise Unauthenticated
    if subject.must_change_password and request.url.path not in _WITH_OLD_PASSWORD:
        raise PasswordChangeNeeded
    return subject


_WITH_OLD_PASSWORD = frozenset({"/api/v1/me", "/api/v1/me/password", "/api/v1/auth/session"})
SubjectDep = Annotated[Subject, Depends(subject_of)]


def refuse_cross_site(request: Request) -> None:
    """Refuse a browser's command that another site caused. Browsers always send Origin with such a request."""
    origin = request.headers.get("origin")
    if origin is not None:
        allowed = {request.headers.get("host", "")}
        public = house_of(request).settings.public_url
        if public:
            allowed.add(urlsplit(public).netloc)
        if _host_of(origin) not in allowed:
            raise CrossSite
    elif request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise CrossSite


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


async def reading(request: Request, subject: SubjectDep) -> Work:
    """Begin a unit of work that reads; what it reads of patients is logged before the answer leaves."""
    return _begin(request, subject, None, one_statement=True)


KEY_HEADER = "Idempotency-Key"
KeyHeader = Annotated[
    str | None,
    Header(
        alias=KEY_HEADER,
        description="One key per command, made by the client: a repeated key is answered, not done again",
        examples=["5d2a9c1e-0a57-4f0e-9d0c-6a1f0c1b7a11"],
    ),
]


async def commanding(request: Request, subject: SubjectDep, key: KeyHeader = None) -> Work:
    """Begin a unit of work that changes something, exactly once per key."""
    return _begin(request, subject, await _command(request, key))


async def asking(request: Request, subject: SubjectDep, key: KeyHeader = None) -> Work:
    """Begin a unit of work that locks nothing and is written by one statement: a new request."""
    return _begin(request, subject, await _command(request, key), one_statement=True)


async def deciding(request: Request, subject: SubjectDep, key: KeyHeader = None) -> Work:
    """Begin a unit of work whose whole effect is the one write: optimistic first, under the lock when overtaken."""
    command = await _command(request, key)
    if request.state.overtaken:
        return _begin(request, subject, command)
    work = _begin(request, subject, command, one_statement=True)
    work.optimistic = True
    return work


async def _command(request: Request, key: str | None) -> Command:
    if not key or len(key) > KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise KeyMissing
    body = await request.body()
    query = f"?{request.url.query}" if request.url.query else ""
    return Command(key, sha256(f"{request.method} {request.url.path}{query}\n".encode() + body).digest())


AskDep = Annotated[Work, Depends(asking)]
DecideDep = Annotated[Work, Depends(deciding)]
ReadDep = Annotated[Work, Depends(reading)]
WorkDep = Annotated[Work, Depends(commanding)]


async def plain_work(request: Request) -> Work:
    """Begin a unit of work of nobody in particular: signing in."""
    return _begin(request, None, None)


async def own_work(request: Request, subject: SubjectDep) -> Work:
    """Begin a unit of work on one's own account; it needs no Idempotency-Key, because repeating it harms nobody."""
    work = _begin(request, subject, None)
    work.touched = True
    return work


PlainWorkDep = Annotated[Work, Depends(plain_work)]
OwnWorkDep = Annotated[Work, Depends(own_work)]


class CommandRoute(APIRoute):
    """A route whose unit of work is committed before its answer is sent."""

    def answering(self) -> Handler:
        """Return what calls the endpoint: FastAPI, from its signature."""
        return super().get_route_handler()

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        """Wrap the endpoint in its transaction."""
        handle = self.answering()

        async def transact(request: Request) -> Response:
            request.state.work = None
            request.state.overtaken = False
            try:
                return await _transact(request, handle)
            finally:
                work: Work | None = request.state.work
                if work is not None:
                    await _let_go(work)

        return transact


async def _transact(request: Request, handle: Handler) -> Response:
    try:
        response = await handle(request)
        work: Work | None = request.state.work
        if work is not None:
            await _commit(request, work, response)
    except Overtaken:
        await _let_go(request.state.work)
        request.state.overtaken = True
        return await _transact(request, handle)
    except (Problem, ValidationError, IntegrityError):
        replayed = await _replay(request)
        if replayed is not None:
            return replayed
        raise
    return response


async def _let_go(work: Work) -> None:
    """Give the connection back; a session whose statements were all prepared ones never took one."""
    if work.session.in_transaction():
        await work.session.close()


async def _commit(request: Request, work: Work, response: Response) -> None:
    house = house_of(request)
    answer = None
    if work.command is not None:
        body = bytes(response.body).decode()
        answer = Answer(response.status_code, body, response.headers.get("location"))
        if isinstance(response, CaseResponse):
            answer.shows = response.shows
    elif request.method in SAFE and not work.reads and not work.facts:
        return
    await house.commit(work, answer)
    house.note_due_times(work)


async def _replay(request: Request) -> Response | None:
    """Answer a command whose key was used before from what was stored with its effect."""
    work: Work | None = request.state.work
    if work is None or work.command is None or work.actor is None:
        return None
    await work.session.rollback()
    stored = (
        await work.session.execute(
            select(StoredAnswer).where(StoredAnswer.user_id == work.actor.id, StoredAnswer.key == work.command.key)
        )
    ).scalar_one_or_none()
    if stored is None:
        return None
    if stored.fingerprint != work.command.fingerprint:
        raise KeyReused
    body = stored.body
    if stored.consultation_id is not None and not await _still_reads(work, stored):
        body = to_json({"id": stored.consultation_id}).decode()
    headers = {"Idempotent-Replayed": "true"}
    if stored.location:
        headers["Location"] = stored.location
    return Response(body, stored.status, headers=headers, media_type="application/json")


async def _still_reads(work: Work, stored: StoredAnswer) -> bool:
    if stored.consultation_id is None:
        return True
    try:
        case, on_duty_at = await case_rows.load(work, stored.consultation_id)
    except NotFound:
        return False
    now = view_of(work.subject, facts_of(case, work.subject, on_duty_at))
    then = from_json(stored.body).get("view", "full")
    return now is not None and _VIEWS.index(now) >= _VIEWS.index(then)


_VIEWS = ("header", "card", "full")


def _begin(request: Request, subject: Subject | None, command: Command | None, *, one_statement: bool = False) -> Work:
    """`one_statement`: all that is written is one statement, which is atomic by itself and needs no transaction."""
    house = house_of(request)
    session = (house.autocommit if one_statement else house.database)()
    now, language = house.clock.now(), language_of(request)
    work = Work(session, subject, now, language=language, command=command, clock=house.clock.now)
    request.state.work = work
    return work


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Render what a service returned; identifiers, instants (UTC) and numbers as the contract writes them."""
    return Response(to_json(body), status, headers=headers, media_type="application/json")


class CaseResponse(Response):
    """A case as its reader may see it now."""

    def __init__(self, seen: Seen, house: House, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Render it; `shows` names it when that is all of it."""
        super().__init__(to_json(seen.as_read(demo=house.demo)), status, headers, "application/json")
        self.shows: UUID | None = seen.case.id if seen.view == "full" else None
