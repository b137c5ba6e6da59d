"""The routes that are called directly answer as FastAPI would, however the request comes."""

import json
from uuid import uuid4

import pytest

from app.routers import answers, consultations
from app.routers.direct import DirectRoute
from tests.hotline import Hotline, Json
from tests.staff import Staff

RED: Json = {"specialty": "K04", "urgency": "red"}
KINDS = ["application/json", "application/json; charset=utf-8", "application/problem+json", "text/plain", None]


def test_the_routes_that_ring_and_that_stop_ringing_are_direct() -> None:
    for router, path in ((consultations.router, ""), (answers.router, "/acceptance")):
        found = [r for r in router.routes if isinstance(r, DirectRoute) and r.path == router.prefix + path]
        assert any("POST" in route.methods for route in found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        json.dumps(RED).encode(),
        b"",
        b"null",
        b"{",
        b"\xff",
        b"[]",
        b'{"specialty":"K04","urgency":"red","label":1}',
        b'{"specialty":"K04","urgency":"red","question":"\\ud800"}',
    ],
    ids=repr,
)
async def test_a_request_means_the_same_directly_and_through_the_tree_of_dependencies(
    shared_hotline: Hotline, staff: Staff, monkeypatch: pytest.MonkeyPatch, kind: str | None, body: bytes
) -> None:
    requester = staff["sonla-capcuu-1"]

    async def send(path: str) -> tuple[int, Json]:
        headers = requester.headers | {"Idempotency-Key": str(uuid4())}
        if kind is not None:
            headers["Content-Type"] = kind
        answer = await shared_hotline.http.post(f"/api/v1{path}", headers=headers, content=body)
        told = answer.json()
        return answer.status_code, told if answer.is_error else {"urgency": told["urgency"], "view": told["view"]}

    paths = ("/consultations", f"/consultations/{uuid4()}/acceptance", "/consultations/nothing/acceptance")
    directly = [await send(path) for path in paths]
    monkeypatch.setattr("app.routers.direct._JSON", "no content type at all")
    assert directly == [await send(path) for path in paths]
