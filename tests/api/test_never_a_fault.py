"""Whatever arrives at any door that takes a body: an answer in words, never a fault of the server."""

import json
import re
from itertools import cycle
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hotline import Hotline
from tests.policy import tables
from tests.staff import Staff

PLACES = sorted(path for (method, path), _ in tables.routes().items() if method in ("POST", "PATCH"))
METHODS = {path: next(m for (m, p) in tables.routes() if p == path and m in ("POST", "PATCH")) for path in PLACES}
# fmt: off
NAMES = [
    "specialty", "urgency", "question", "situation", "background", "assessment", "patient", "vitals", "diagnosis",
    "safety", "desk_id", "written_at", "label", "sex", "birth_date", "age_years", "age_months", "weight_kg",
    "identifiers", "system", "value", "state", "text", "allergies", "taken_at", "pulse", "systolic", "diastolic",
    "temperature", "spo2", "spo2_scale", "on_oxygen", "oxygen_l_min", "consciousness", "reason", "coming", "user_id",
    "role", "opinion", "supersedes", "event_id", "understood", "summary", "conclusion", "plan", "decision", "at",
    "result", "note", "code", "username", "password", "current", "new",
]
VALUES = [
    "K04", "red", "orange", "green", "male", "other", "value", "none", "24h", "discharge", "transferred", "procedure",
    "busy", "invited", "team", "I21.1", "bhyt", "alert", "2026-11-23T20:00:00Z", "2026-11-23T20:00:00", "1968-05-17",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "NaN", "-0", "3.500", "3,5", "1e400", "'", '"', "%s",
    "\ud800", "\x00", "\u202e", "\\",
]
# fmt: on

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(VALUES)
    | st.uuids().map(str)
)
names = st.sampled_from(NAMES) | st.text(max_size=4)
bodies = st.recursive(
    leaves, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=6), max_leaves=12
)
# Mostly objects with names that mean something, so that they get past the first look.
plausible = st.dictionaries(st.sampled_from(NAMES), bodies, max_size=8)


async def test_no_body_makes_the_server_fail(shared_hotline: Hotline, staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await shared_hotline.ask("K04", by=requester)
    [first] = staff.rung(case)
    people = [requester, first, staff["tn-dieuphoi-1"]]

    async def send(path: str, body: Any, who: int, *, real: bool) -> None:
        known = {"{consultation_id}": case["id"]} if real else {}
        where = re.sub(r"\{\w+\}", lambda name: known.get(name.group(), str(uuid4())), path)
        headers = people[who].headers | {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        answer = await shared_hotline.http.request(
            METHODS[path], where, content=json.dumps(body).encode(), headers=headers
        )
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]

    runs: list[tuple[str, Any, int, bool]] = []
    places = cycle(PLACES)

    @settings(max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(plausible | bodies, st.integers(0, 2), st.booleans())
    def collect(body: Any, who: int, real: bool) -> None:  # noqa: FBT001 (hypothesis fills it)
        runs.append((next(places), body, who, real))

    collect()
    assert {path for path, *_ in runs} == set(PLACES)
    for path, body, who, real in runs:
        await send(path, body, who, real=real)
    read = await requester.get(f"/consultations/{case['id']}")
    assert read.status_code == 200
