"""Ladders that are put in force, what is refused, and what becomes of cases that ring meanwhile."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.hotline import Json
from tests.staff import Staff

LAST = {"who": ["coordinator"], "timeout_s": 120}
GOOD = {"steps": [{"who": ["primary"], "timeout_s": 300}, LAST], "silent_s": 600}
ADMIN, OTHER_ADMIN = "tn-quantri", "sonla-quantri"


def ladder(*steps: Json, **more: Any) -> Json:
    return {"steps": [*steps, LAST], "silent_s": 600} | more


def place(staff: Staff, urgency: str = "orange", *, hospital: bool = False) -> str:
    account = staff["tn-timmach-1"].account
    return (
        f"/hospitals/{account['hospital']}/policies/{urgency}"
        if hospital
        else f"/desks/{account['desk']}/policies/{urgency}"
    )


async def test_the_default_holds_until_the_hospital_and_then_the_desk_has_its_own(staff: Staff) -> None:
    reader, admin = staff["tn-timmach-1"], staff[ADMIN]
    sources = []
    for path in (None, place(staff, "green", hospital=True), place(staff, "green")):
        if path:
            assert (await admin.put(path, GOOD)).status_code == 200
        read = (await reader.get(place(staff, "green"))).json()
        sources.append((read["source"], read["own"], len(read["steps"])))
    assert [s[:2] for s in sources] == [("default", False), ("hospital", False), ("desk", True)]
    whole = (await reader.get(place(staff, "green", hospital=True))).json()
    assert (whole["source"], whole["own"]) == ("hospital", True)


async def test_each_version_is_a_row_and_a_fact_of_the_hospital(staff: Staff) -> None:
    admin, path = staff[ADMIN], place(staff, "yellow")
    first = (await admin.put(path, GOOD)).json()
    again = (await admin.put(path, GOOD | {"silent_s": 900, "version": first["version"]})).json()
    assert again["version"] == first["version"] + 1
    stale = await admin.put(path, GOOD | {"version": first["version"]})
    assert stale.status_code == 412
    assert stale.json()["version"] == again["version"]
    assert stale.json()["by_name"] == admin.account["name"]
    assert stale.json()["detail"].startswith(f"{admin.account['name']} vừa sửa. Nay là phiên bản")
    rows = await staff.execute(
        "SELECT version, superseded_at FROM escalation_policy WHERE urgency = 'yellow' AND desk_id = CAST(:d AS uuid) "
        "ORDER BY version",
        d=staff["tn-timmach-1"].account["desk"],
    )
    assert [(r.version, r.superseded_at is None) for r in rows] == [(first["version"], False), (again["version"], True)]
    [fact] = await staff.execute("SELECT data FROM event WHERE type = 'policy.changed' ORDER BY seq DESC LIMIT 1")
    assert (fact.data["before"]["silent_s"], fact.data["after"]["silent_s"]) == (600, 900)


async def test_a_repeated_command_makes_one_version(staff: Staff) -> None:
    path, key = place(staff, "green"), str(uuid4())
    first = (await staff[ADMIN].put(path, GOOD, key=key)).json()
    again = await staff[ADMIN].put(path, GOOD, key=key)
    assert again.json() == first
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_what_was_written_is_read_back_in_one_spelling(staff: Staff) -> None:
    who = staff.id_of(staff["tn-timmach-2"])
    partner = next(
        a["desk"]
        for a in staff.hotline.accounts
        if a.get("desk") and a["desk"] != staff["tn-timmach-1"].account["desk"]
    )
    step = {
        "who": ["team", "red_team", f"user:{who}", f"desk:{partner}"],
        "mode": "least_offered",
        "timeout_s": 3600,
        "clock": "working_hours",
        "channels": ["voice", "push", "voice"],
        "skip_empty": False,
        "keep": False,
    }
    read = (await staff[ADMIN].put(place(staff, "yellow"), ladder(step, answer_due_s=300))).json()
    assert read["steps"][0] == step | {
        "who": ["red_team", f"user:{who}", f"desk:{partner}"],
        "channels": ["voice", "push"],
    }
    assert read["answer_due_s"] == 300


WRONG = {
    "no step": ({"steps": [], "silent_s": 600}, "steps"),
    "silence at the end": ({"steps": [{"who": ["primary"], "timeout_s": 60}], "silent_s": 600}, "steps.0.who"),
    "no time": (ladder({"who": ["primary"], "timeout_s": 9}), "steps.0.timeout_s"),
    "over a week": (ladder({"who": ["primary"], "timeout_s": 7 * 86400 + 1}), "steps.0.timeout_s"),
    "days in an emergency": (ladder({"who": ["primary"], "timeout_s": 1801}), "steps.0.timeout_s"),
    "an emergency in working hours": (
        ladder({"who": ["primary"], "timeout_s": 60, "clock": "working_hours"}),
        "steps.0.clock",
    ),
    "unknown role": (ladder({"who": ["primary", "cleaner"], "timeout_s": 60}), "steps.0.who.1"),
    "not an id": (ladder({"who": ["user:me"], "timeout_s": 60}), "steps.0.who.0"),
    "nobody": (ladder({"who": [], "timeout_s": 60}), "steps.0.who"),
    "unknown person": (ladder({"who": [f"user:{uuid4()}"], "timeout_s": 60}), "steps.0.who.0"),
    "unknown desk": (ladder({"who": [f"desk:{uuid4()}"], "timeout_s": 60}), "steps.0.who.0"),
    "too many": (ladder(*({"who": ["primary"], "timeout_s": 60} for _ in range(20))), "steps"),
    "no such mode": (ladder({"who": ["primary"], "timeout_s": 60, "mode": "loudest"}), "steps.0.mode"),
    "no such channel": (ladder({"who": ["primary"], "timeout_s": 60, "channels": ["fax"]}), "steps.0.channels.0"),
    "silent for ever": (GOOD | {"silent_s": 0}, "silent_s"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_with_a_ladder_is_named_in_both_languages(staff: Staff, case: str) -> None:
    body, field = WRONG[case]
    for language in ("vi", "en"):
        admin = staff[ADMIN]
        answer = await staff.hotline.http.put(
            f"/api/v1{place(staff)}",
            headers=admin.headers | {"Idempotency-Key": str(uuid4()), "Accept-Language": language},
            json=body,
        )
        assert answer.status_code == 422, answer.text
        assert [e["field"] for e in answer.json()["errors"]] == [field]
        assert answer.json()["errors"][0]["detail"]


async def test_a_requester_or_an_inactive_doctor_or_the_desk_itself_is_nobody_to_name(staff: Staff) -> None:
    [gone] = await staff.newcomers(1, hospital=staff[ADMIN].account["hospital"], specialties=["K04"])
    await staff.execute("UPDATE user_account SET active = false WHERE id = CAST(:id AS uuid)", id=staff.id_of(gone))
    named = [
        f"user:{staff.id_of(staff['sonla-capcuu-1'])}",
        f"user:{staff.id_of(gone)}",
        f"desk:{staff['tn-timmach-1'].account['desk']}",
    ]
    answer = await staff[ADMIN].put(place(staff), ladder({"who": named, "timeout_s": 60}))
    assert sorted(e["field"] for e in answer.json()["errors"]) == ["steps.0.who.0", "steps.0.who.1", "steps.0.who.2"]


async def test_only_administrators_of_the_hospital_set_it_and_only_its_staff_read_it(staff: Staff) -> None:
    for username, sets, reads in (
        (ADMIN, 200, 200),
        ("tn-dieuphoi-1", 403, 200),
        ("tn-timmach-1", 403, 200),
        (OTHER_ADMIN, 404, 404),
        ("sonla-capcuu-1", 404, 404),
        ("vanhanh", 404, 404),
    ):
        for hospital in (False, True):
            path = place(staff, "green", hospital=hospital)
            assert (await staff[username].put(path, GOOD)).status_code == sets, username
            assert (await staff[username].get(path)).status_code == reads, username
    nowhere = f"/desks/{uuid4()}/policies/orange"
    assert (await staff[ADMIN].put(nowhere, GOOD)).status_code == 404
    assert (await staff[ADMIN].get(place(staff).replace("orange", "purple"))).status_code == 404


async def test_two_administrators_at_once_make_two_versions_one_after_the_other(staff: Staff) -> None:
    path = place(staff, "orange")
    answers = await asyncio.gather(*(staff[ADMIN].put(path, GOOD) for _ in range(4)))
    assert [a.status_code for a in answers] == [200] * 4
    assert len({a.json()["version"] for a in answers}) == 4


async def test_a_case_that_rings_keeps_the_ladder_with_which_it_began(staff: Staff) -> None:
    before = [{"who": ["primary"], "timeout_s": 120}, {"who": ["backup"], "timeout_s": 120}]
    await staff[ADMIN].put(place(staff), ladder(*before))
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    await staff[ADMIN].put(place(staff), ladder(before[0]))
    read = (await staff["sonla-capcuu-1"].get(f"/consultations/{case['id']}")).json()
    assert [s["who"] for s in read["callouts"][0]["ladder"]] == [["primary"], ["backup"], ["coordinator"]]
    [row] = await staff.execute("SELECT policy FROM callout WHERE consultation_id = CAST(:id AS uuid)", id=case["id"])
    assert row.policy["silent_s"] == 600
    younger = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    assert [s["who"] for s in younger["callouts"][0]["ladder"]] == [["primary"], ["coordinator"]]


async def test_a_step_may_ring_a_named_person_and_a_partner_desk(staff: Staff) -> None:
    named = staff["tn-timmach-3"] if "tn-timmach-3" in staff.by_username else staff["tn-timmach-2"]
    partner = next(
        a for a in staff.hotline.accounts if a.get("desk") and a["desk"] != staff["tn-timmach-1"].account["desk"]
    )
    await staff[ADMIN].put(
        place(staff),
        ladder({"who": [f"user:{staff.id_of(named)}", f"desk:{partner['desk']}"], "timeout_s": 60}),
    )
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    rung = staff.rung(case)
    assert rung[0] is named
    assert [p.account["desk"] for p in rung[1:]] == [partner["desk"]]


async def test_the_routine_clock_leaves_out_a_holiday_of_the_hospital(staff: Staff) -> None:
    step = {"who": ["primary"], "timeout_s": 2 * 3600, "clock": "working_hours"}
    await staff[ADMIN].put(place(staff, "green"), ladder(step))
    before = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"], urgency="green")
    due = datetime.fromisoformat(before["callouts"][0]["next_due_at"])
    await staff.execute(
        "INSERT INTO holiday (id, hospital_id, day, kind) "
        "VALUES (gen_random_uuid(), CAST(:hospital AS uuid), :day, 'off')",
        hospital=staff[ADMIN].account["hospital"],
        day=due.date(),
    )
    after = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"], urgency="green")
    assert datetime.fromisoformat(after["callouts"][0]["next_due_at"]) == due + timedelta(days=1)
