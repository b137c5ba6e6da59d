"""The description of the API for those who build on it: OpenAPI at /openapi.json, and a page to read it at /docs."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse

from app import errors
from app.errors import Problem
from app.realtime.protocol import Close
from app.routers.problems import PROBLEM_JSON, problems
from app.schemas.events import TYPES

WEB: Final = Path(__file__).resolve().parent.parent / "web"
Json = dict[str, Any]

TAGS: Final[list[Json]] = [
    {"name": "signing in", "description": "Bearer tokens for programs, cookie sessions for browsers."},
    {
        "name": "network",
        "description": "Specialties, hospitals, desks (bàn trực), duty, and the public telephone list.",
    },
    {"name": "on call", "description": "Ladders and their preview, the load of a desk."},
    {"name": "consultations", "description": "A case from the asking side: request, complete, raise, cancel, read."},
    {
        "name": "answering",
        "description": "Offers and their answers: accept, decline, come, forward, assign, hand over.",
    },
    {"name": "discussion", "description": "Messages, opinions and read-backs, conclusion, record, outcome."},
    {
        "name": "rotas",
        "description": "Who is on duty when: rotas, swaps, leave, holidays, calendars in and out.",
    },
    {"name": "gateways", "description": "What SMS and voice gateways tell: keys pressed in a call, and receipts."},
    {"name": "duty", "description": "What is watched about duty: gaps in rotas, «are you there?»."},
    {"name": "agreements", "description": "Who answers which specialty for whom, and until when."},
    {"name": "health", "description": "For load balancers and watchdogs; without credentials."},
]

_NOT_A_WORD: Final = re.compile(r"\W")
_STATES: Final = {"/health": {"status": "ok"}, "/ready": {"status": "ready"}, "/overdue": {"overdue": False}}

PARAMETERS: Final = {
    "consultation_id": "The consultation's id",
    "desk_id": "The desk's id",
    "hospital_id": "The hospital's id",
    "swap_id": "The swap's id",
    "leave_id": "The leave's id",
    "feed_id": "The feed's id",
    "secret": "The secret part of the address",
    "urgency": "red, orange, yellow or green",
    "user_id": "The account's id",
    "call_id": "The noted conversation by telephone",
    "check_id": "The check's id",
    "agreement_id": "The agreement's id",
    "cursor": "`next` of the page before",
}


def install_openapi(app: FastAPI) -> None:
    """Describe the application, which must be complete, and serve the page that shows it."""

    def openapi() -> Json:
        if not app.openapi_schema:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(WEB / "docs.html", headers={"Cache-Control": "no-cache"})


def describe(app: FastAPI) -> Json:
    """Return the OpenAPI document: FastAPI's, with shared errors and an example beside every body."""
    document = get_openapi(
        title="hoichan",
        version=app.version,
        openapi_version=app.openapi_version,
        summary="A consultation hotline between hospitals",
        description=_description(),
        routes=app.routes,
        tags=TAGS,
    )
    components = document.setdefault("components", {})
    schemas: Json = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    components["responses"] = {}
    taken: set[str] = set()
    for where, operation in operations(document):
        method, path = where.split(" ", 1)
        name = _name(operation, path, method.lower())
        operation["operationId"] = name if name not in taken else f"{name}_{len(taken)}"
        taken.add(name)
        if path.startswith("/api/"):
            _complete_problems(operation)
        for body in _bodies(operation):
            if path in _STATES:
                body.setdefault("example", _STATES[path])
        _say_what_comes(operation, schemas)
        _share_problems(operation, components["responses"])
        _explain_parameters(operation)
        for body in _bodies(operation):
            _show_example(body, schemas)
    # FastAPI's own shape of a validation error is never sent.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield every operation with its name, `POST /api/v1/consultations`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield f"{method.upper()} {path}", operation


def _description() -> str:
    rows = [f"| {p.status} | `/problems/{p.type}` | {p.title[0]} / {p.title[1]} |" for p in _problems()]
    words = (WEB / "docs.md").read_text(encoding="utf-8")
    filled = {
        "{problems}": "\n".join(rows),
        "{closes}": ", ".join(f"`{c.value}` {c.name.lower().replace('_', ' ')}" for c in Close),
        "{events}": ", ".join(f"`{name}`" for name in TYPES),
    }
    for gap, text in filled.items():
        words = words.replace(gap, text)
    return words


def _problems() -> list[type[Problem]]:
    found = {
        p.type: p for p in vars(errors).values() if isinstance(p, type) and issubclass(p, Problem) and p is not Problem
    }
    return sorted(found.values(), key=lambda p: (p.status, p.type))


def _name(operation: Json, path: str, method: str) -> str:
    """A client made from the document calls `accept`, not the whole path in words."""
    long: str = operation["operationId"]
    return long.removesuffix(f"{_NOT_A_WORD.sub('_', path)}_{method}")


def _complete_problems(operation: Json) -> None:
    """List what the surroundings of every endpoint may answer, whether or not the endpoint says so itself."""
    also = [503]
    if operation.get("security"):
        also += [401, 403]
    if "requestBody" in operation:
        also += [413, 422]
    if "422" in operation["responses"]:
        also.append(422)
    described = problems(*also)
    for status in also:
        if PROBLEM_JSON not in operation["responses"].get(str(status), {}).get("content", {}):
            operation["responses"][str(status)] = described[status]
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _share_problems(operation: Json, shared: Json) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if PROBLEM_JSON not in content:
            continue
        if (example := _EXAMPLES.get(status)) is not None:
            content[PROBLEM_JSON]["example"] = example
        name = f"Problem{status}"
        # FastAPI adds its own JSON schema to some; only the problem is ever sent.
        shared[name] = {"description": response["description"], "content": {PROBLEM_JSON: content[PROBLEM_JSON]}}
        operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _say_what_comes(operation: Json, schemas: Json) -> None:
    for response in operation["responses"].values():
        if response.get("description") != "Successful Response":
            continue
        response["description"] = "Done"
        for body in response.get("content", {}).values():
            for name in _references(body.get("schema", {})):
                response["description"] = schemas[name].get("description", "Done").split("\n", 1)[0]


def _explain_parameters(operation: Json) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "Idempotency-Key":
            # Without it the answer is a problem of its own (400) and not a complaint about a field.
            parameter |= {"required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
            parameter["example"] = "5d2a9c1e-0a57-4f0e-9d0c-6a1f0c1b7a11"
        parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))


def _bodies(operation: Json) -> Iterator[Json]:
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content_type, body in part.get("content", {}).items():
            if content_type != PROBLEM_JSON:
                yield body


def _show_example(body: Json, schemas: Json) -> None:
    """Repeat the schema's own example beside the body, where every tool looks for it, in the order of its fields."""
    if "example" in body or "examples" in body:
        return
    for reference in _references(body.get("schema", {})):
        found = schemas.get(reference, {}).get("examples")
        if found:
            body["example"] = _in_order(found[0], schemas[reference], schemas)
            return


def _in_order(value: Any, schema: Json, schemas: Json) -> Any:
    """Pydantic sorts the keys of an example by alphabet; a reader wants the patient before the plan."""
    shapes = [schema, *(schemas[name] for name in _references(schema))]
    shapes += [schemas[name] for shape in shapes[1:] for name in _references(shape)]
    if isinstance(value, list):
        items: Json = next((s["items"] for s in _options(shapes) if "items" in s), {})
        return [_in_order(item, items, schemas) for item in value]
    if not isinstance(value, dict):
        return value
    fields: Json = next((s["properties"] for s in shapes if value.keys() <= s.get("properties", {}).keys()), {})
    known = [name for name in fields if name in value]
    return {
        n: _in_order(value[n], fields.get(n, {}), schemas) for n in (*known, *(n for n in value if n not in fields))
    }


def _options(shapes: Iterable[Json]) -> Iterator[Json]:
    for shape in shapes:
        yield shape
        yield from shape.get("anyOf", ())


def _references(schema: Json) -> Iterable[str]:
    for option in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if "$ref" in option:
            yield option["$ref"].rsplit("/", 1)[1]


def _example(problem: type[Problem], **extra: Any) -> Json:
    detail = problem.detail[0]
    for name, value in (*extra.items(), ("at_local", "03:06:20"), ("count", 1), ("retry_s", 30)):
        detail = detail.replace(f"{{{name}}}", str(value))
    return {
        "type": f"/problems/{problem.type}",
        "title": problem.title[0],
        "status": problem.status,
        "detail": detail,
        **extra,
    }


_EXAMPLES: Final[dict[str, Json]] = {
    "400": _example(errors.KeyMissing),
    "401": _example(errors.Unauthenticated),
    "403": _example(errors.Forbidden),
    "404": _example(errors.NotFound),
    "409": _example(
        errors.Taken,
        holder="01a1949e-d680-7302-a7d4-94c0e1b5f268",
        holder_name="BS trực Tim mạch 1",
        at="2026-11-23T20:06:20Z",
    ),
    "412": _example(errors.Stale, version=4, by_name="BS trực Tim mạch 1"),
    "413": _example(errors.TooLarge, limit=1_000_000),
    "422": _example(
        errors.Invalid,
        errors=[{"field": "vitals.0.temperature", "detail": "Đây có vẻ là °F. Ghi theo °C: 37,5."}],
    ),
    "429": _example(errors.TooManyAttempts, retry_s=30),
    "503": _example(errors.DatabaseAway),
}

_PROBLEM: Final[Json] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Further members depend on the type: 409 taken carries holder, holder_name and at.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Stable: /problems/taken"},
        "title": {"type": "string", "description": "In the caller's language"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In the caller's language, with what to do"},
        "errors": {
            "type": "array",
            "description": "With 422: what is wrong, by field",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "Dotted path: vitals.0.temperature"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
    "examples": [_EXAMPLES["409"]],
}
