"""The routes for which somebody waits beside a patient: called without solving FastAPI's tree of dependencies.

The signature of the endpoint stays the contract, for OpenAPI too. It is read once, at the start; FastAPI goes through
it for each request. Whatever is not plainly right is left to FastAPI, whose words for it are those of every route.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from uuid import UUID

from fastapi import Request
from fastapi.params import Depends
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from app.routers.edge import KEY_HEADER, CommandRoute, Handler, asking, caller, deciding, house_of
from app.work import Subject, Work

Begin = Callable[[Request, Subject, str | None], Awaitable[Work]]
_BEGINNINGS: tuple[Begin, ...] = (asking, deciding)
_JSON = "application/json"
_IDENTIFIER = TypeAdapter(UUID)


class DirectRoute(CommandRoute):
    """A route that is called directly, when its unit of work is one that a single statement writes."""

    def answering(self) -> Handler:
        """Return what calls the endpoint: itself when it is of this kind, else FastAPI."""
        by_fastapi = super().answering()
        call = _Call.of(self.endpoint)
        if call is None:
            return by_fastapi

        async def answer(request: Request) -> Any:
            given = await call.given(request)
            if given is None:
                return await by_fastapi(request)
            given[call.work] = await call.begin(request, await caller(request), request.headers.get(KEY_HEADER))
            return await self.endpoint(**given)

        return answer


class _Call:
    """What an endpoint is called with: its work, the house, identifiers of the path, and a body."""

    def __init__(self, work: str, begin: Begin) -> None:
        self.work = work
        self.begin = begin
        self._houses: list[str] = []
        self._identifiers: list[str] = []
        self._bodies: list[tuple[str, TypeAdapter[Any], bool]] = []

    @classmethod
    def of(cls, endpoint: Callable[..., Any]) -> "_Call | None":
        """Read the signature; None when it begins its work in another way."""
        hints = get_type_hints(endpoint, include_extras=True)
        hints.pop("return", None)
        begun = {name: begin for name, hint in hints.items() if (begin := _dependency(hint)) in _BEGINNINGS}
        if len(begun) != 1:
            return None
        [(work, begin)] = begun.items()
        call = cls(work, begin)
        for name, hint in hints.items():
            if name == work:
                continue
            if _dependency(hint) is not None:
                call._houses.append(name)
            elif hint is UUID:
                call._identifiers.append(name)
            else:
                call._bodies.append((name, TypeAdapter(hint), type(None) in get_args(hint)))
        return call

    async def given(self, request: Request) -> dict[str, Any] | None:
        """Return the arguments beside the work, or None when anything about the request is unusual."""
        try:
            given: dict[str, Any] = {
                name: _IDENTIFIER.validate_python(request.path_params[name]) for name in self._identifiers
            }
            for name, adapter, may_be_left_out in self._bodies:
                body = await request.body()
                if not body and may_be_left_out:
                    given[name] = None
                elif request.headers.get("content-type") == _JSON:
                    given[name] = adapter.validate_json(body)
                else:
                    return None
        except (ClientDisconnect, ValidationError):
            return None
        for name in self._houses:
            given[name] = house_of(request)
        return given


def _dependency(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        return next((given.dependency for given in get_args(hint)[1:] if isinstance(given, Depends)), None)
    return None
