"""The wire format of errors: RFC 9457 problem details, in the caller's language. The only place that knows it."""

import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from app.errors import DatabaseAway, Invalid, NotFound, Problem
from app.outages import is_database_away
from app.schemas import messages

log = structlog.get_logger()
PROBLEM_JSON = "application/problem+json"
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

STATUS_WORDS = {
    "ringing": ("đang đổ chuông", "ringing"),
    "active": ("đã có người giữ", "held"),
    "concluded": ("đã kết luận", "concluded"),
    "closed": ("đã đóng", "closed"),
    "cancelled": ("đã hủy", "cancelled"),
}
STATE_WORDS = {
    "offered": ("đang chờ người nhận", "waits for a taker"),
    "taken": ("đã có người nhận", "has been taken"),
    "lapsed": ("đã hết hạn vì ca trực đã bắt đầu", "has lapsed, because the duty has begun"),
    "requested": ("đang chờ duyệt", "waits for approval"),
    "approved": ("đã được duyệt", "has been approved"),
    "declined": ("đã bị từ chối", "has been declined"),
    "withdrawn": ("đã được rút lại", "has been withdrawn"),
    "ended": ("đã kết thúc", "has ended"),
}
_HTTP_TITLES = {
    400: ("Yêu cầu không đọc được", "The request cannot be read"),
    404: ("Không tìm thấy", "Not found"),
    405: ("Không dùng được phương thức này", "Method not allowed"),
    415: ("Kiểu nội dung không hỗ trợ", "Unsupported content type"),
    500: ("Lỗi ở máy chủ", "A server fault"),
}
_FAULT = (
    "Lỗi ở máy chủ, không phải do bạn. Những gì máy chủ đã nhận vẫn còn nguyên.",
    "A server fault, not yours. What the server had accepted is still there.",
)


def language_of(request: Request) -> str:
    """Return `vi` or `en`, whichever the caller prefers; Vietnamese unless English is asked for."""
    best, chosen = 0.0, "vi"
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, quality = part.strip().partition(";q=")
        name = tag[:2].lower()
        if name not in ("vi", "en"):
            continue
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if weight > best:
            best, chosen = weight, name
    return chosen


def respond(
    status: int,
    kind: str,
    title: str,
    detail: str,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render one problem."""
    body = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, **(extra or {})}
    return Response(to_json(body), status, headers=dict(headers or {}), media_type=PROBLEM_JSON)


def render(request: Request, problem: Problem) -> Response:
    """Render a named error."""
    language = language_of(request)
    index = int(language == "en")
    words = dict(problem.extra)
    if "at" in words and isinstance(words["at"], str):
        words["at_local"] = datetime.fromisoformat(words["at"]).astimezone(VIETNAM).strftime("%H:%M:%S")
    for edge in ("from", "to"):
        if isinstance(words.get(edge), str):
            words[f"{edge}_local"] = datetime.fromisoformat(words[edge]).astimezone(VIETNAM).strftime("%H:%M %d/%m/%Y")
    if isinstance(words.get("could_ask"), list):
        words["could_ask"] = ", ".join(words["could_ask"]) or "—"
    if isinstance(words.get("state"), str):
        words["state_words"] = STATE_WORDS.get(words["state"], (words["state"],) * 2)[index]
    if "status" in words:
        words["status"] = STATUS_WORDS.get(words["status"], (words["status"],) * 2)[index]
    shown = type(problem).__new__(type(problem))
    Problem.__init__(shown, **words)
    title, detail = shown.sentence(language)
    extra = {("state" if k == "status" else k): v for k, v in problem.extra.items() if k != "count"}
    if isinstance(problem, Invalid):
        extra["errors"] = [{"field": f, "detail": en if index else vi} for f, vi, en in problem.errors]
    headers: dict[str, str] = {}
    retry = problem.extra.get("retry_s") or problem.retry_after
    if retry:
        headers["Retry-After"] = str(retry)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return respond(problem.status, problem.type, title, detail, extra=extra, headers=headers)


def render_validation(request: Request, errors: Sequence[Mapping[str, Any]]) -> Response:
    """Render bad input: which field, and why."""
    language = language_of(request)
    listed = messages.complaints(errors, "en" if language == "en" else "vi")
    index = int(language == "en")
    title, detail = Invalid.title[index], Invalid.detail[index].format(count=len(listed))
    return respond(422, "invalid", title, detail, extra={"errors": listed})


def install(app: FastAPI) -> None:
    """Teach the application to render every error as a problem."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return render(request, error)

    @app.exception_handler(RequestValidationError)
    async def _invalid_request(request: Request, error: RequestValidationError) -> Response:
        if all(tuple(e.get("loc", ()))[:1] == ("path",) for e in error.errors()):
            return render(request, NotFound())  # what cannot be an identifier names nothing
        return render_validation(request, error.errors())

    @app.exception_handler(ValidationError)
    async def _invalid(request: Request, error: ValidationError) -> Response:
        return render_validation(request, [dict(e) for e in error.errors(include_url=False, include_input=False)])

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        index = int(language_of(request) == "en")
        title = _HTTP_TITLES.get(error.status_code, ("Không thực hiện được", "Not done"))[index]
        return respond(error.status_code, "http", title, title, headers=error.headers)


def fault(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw. The log gets the kind and the place, never the message: it may hold patient data."""
    if is_database_away(error):
        log.warning("database away", error=type(error).__name__)
        return render(request, DatabaseAway())
    frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-12:]]
    log.error("server fault", method=request.method, error=type(error).__name__, frames=frames)
    index = int(language_of(request) == "en")
    return respond(500, "fault", _HTTP_TITLES[500][index], _FAULT[index])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an endpoint for OpenAPI."""
    words = {
        400: "Idempotency-Key is missing, or the body cannot be read",
        401: "No valid session or token",
        403: "The account may not do this",
        404: "Absent, or not for this caller: the same answer",
        409: "Not possible in the present state; says who holds the case",
        412: "Somebody else has edited it meanwhile; says the present version",
        413: "The body is too large",
        422: "Bad input; `errors` names each field",
        429: "Too many failed sign-ins",
        503: "The database is away; what was sent may be stored or not: send it again with the same key",
    }
    example = {"type": "/problems/taken", "title": "Someone else accepted first", "status": 409, "detail": "…"}
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {PROBLEM_JSON: {"schema": schema, "example": example}}
    return {
        s: {
            "description": words[s],
            "content": {PROBLEM_JSON: {**content[PROBLEM_JSON], "example": example | {"status": s}}},
        }
        for s in (*statuses, 503)
    }
