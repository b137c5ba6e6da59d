"""Every door of the application: methods and paths of all its routes, however they are nested."""

from collections.abc import Iterable, Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

from app.config import Settings
from app.main import create_app


def application() -> FastAPI:
    """The application, without a database behind it."""
    return create_app(Settings(database_url="postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))


def doors(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Each method and path; a route of a kind that is not known here is an error, never passed over."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            assert not route.include_context.prefix
            yield from doors(included.routes)
        elif isinstance(route, Mount):
            yield "MOUNT", route.path
        elif isinstance(route, (APIRoute, Route)):
            yield from ((method, route.path) for method in route.methods or () if method != "HEAD")
        else:
            raise AssertionError(f"a door of a new kind: {route}")
