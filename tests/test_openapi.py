"""The description of the API: complete, pleasant, and true."""

import json
import re

import pytest

from app.config import Settings
from app.main import create_app
from app.routers.openapi import operations
from app.routers.problems import PROBLEM_JSON
from app.schemas.events import TYPES
from tests.hotline import Hotline, Json

OPEN_TO_ALL = {
    "GET /health",
    "GET /ready",
    "GET /overdue",
    "POST /gateway/voice",
    "POST /gateway/sms",
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/session",
    "GET /api/v1/telephones",
    "GET /api/v1/installation",
    "GET /api/v1/feeds/{secret}.ics",
}


def described() -> Json:
    app = create_app(Settings(database_url="postgresql+asyncpg://nobody@127.0.0.1:1/none"))
    document: Json = json.loads(json.dumps(app.openapi()))
    return document


DOCUMENT = described()
OPERATIONS = dict(operations(DOCUMENT))


def response(operation: Json, status: str) -> Json:
    found: Json = operation["responses"][status]
    if "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
    return found


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does_and_every_body_has_an_example(name):
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    bodies = list(operation.get("requestBody", {}).get("content", {}).values())
    for status in operation["responses"]:
        bodies += response(operation, status).get("content", {}).values()
    for body in bodies:
        assert body.get("schema"), body
        assert "example" in body or body.get("examples"), body
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description"), parameter["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_lists_its_errors_as_problems(name):
    operation = OPERATIONS[name]
    statuses = set(operation["responses"])
    if name.endswith(("/health", "/ready", "/overdue")):
        return
    assert "503" in statuses
    if name not in OPEN_TO_ALL:
        assert {"401", "403"} <= statuses
    if "requestBody" in operation:
        assert {"413", "422"} <= statuses
    if "{" in name:
        assert {"404", "422"} <= statuses
    for status in (s for s in statuses if s >= "400"):
        content = response(operation, status)["content"]
        assert list(content) == [PROBLEM_JSON], (name, status)
        assert content[PROBLEM_JSON]["example"]["status"] == int(status)


@pytest.mark.parametrize("name", OPERATIONS)
def test_only_what_must_be_open_is_open(name):
    assert bool(OPERATIONS[name].get("security")) is (name not in OPEN_TO_ALL)


@pytest.mark.parametrize("name", [n for n in OPERATIONS if "/consultations" in n and not n.startswith("GET")])
def test_every_command_about_a_case_names_its_idempotency_key(name):
    names = [p["name"].lower() for p in OPERATIONS[name]["parameters"]]
    assert "idempotency-key" in names
    assert "400" in OPERATIONS[name]["responses"]


def test_references_lead_somewhere_and_operations_have_names_of_their_own():
    components = DOCUMENT["components"]
    for kind, name in set(re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(DOCUMENT))):
        assert name in components[kind], name
    names = [o["operationId"] for o in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    tags = {t["name"] for t in DOCUMENT["tags"]}
    assert {o["tags"][0] for o in OPERATIONS.values()} <= tags


def test_schemas_are_described():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description") or schema.get("enum") or name.startswith("Body_"), name


def test_the_stream_and_its_events_are_described():
    words = DOCUMENT["info"]["description"]
    for word in ("hotline.v1", "hello", "welcome", "snapshot", "resume", "ack", "ping", "ended", "Idempotency-Key"):
        assert word in words
    for event_type in TYPES:
        assert f"`{event_type}`" in words
    assert not re.search(r"\{(problems|closes|events)\}", words)
    assert "/problems/taken" in words


def test_examples_begin_with_what_a_reader_looks_for_first():
    ask = OPERATIONS["POST /api/v1/consultations"]
    sent = ask["requestBody"]["content"]["application/json"]["example"]
    assert list(sent)[:3] == ["specialty", "urgency", "question"]
    read = ask["responses"]["201"]["content"]["application/json"]["example"]
    assert list(read)[:3] == ["id", "number", "version"]
    assert next(iter(read["patient"])) == "label"
    assert list(read["callouts"][0]["offers"][0])[:2] == ["id", "doctor"]


async def test_errors_are_what_their_description_says(hotline: Hotline):
    asker = await hotline.requester()
    answer = await asker.get("/consultations/01a20a03-a608-7d2e-9c55-2f60b1a4d803")
    example = response(OPERATIONS["GET /api/v1/consultations/{consultation_id}"], "404")["content"][PROBLEM_JSON]
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json() == example["example"]
