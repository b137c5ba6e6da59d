"""Who would be rung, when and why; and what duty cost whom."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from tests.hotline import NIGHT, Json, Person
from tests.staff import Staff


def instant(at: datetime) -> str:
    return at.isoformat()


async def preview(who: Person, hospital: str, specialty: str = "K04", urgency: str = "orange", **more: Any) -> Any:
    return await who.get("/ladder", hospital=hospital, specialty=specialty, urgency=urgency, **more)


async def shown(who: Person, hospital: str, specialty: str = "K04", urgency: str = "orange", **more: Any) -> Json:
    answer = await preview(who, hospital, specialty, urgency, **more)
    assert answer.status_code == 200, answer.text
    seen: Json = answer.json()
    return seen


async def test_the_preview_is_what_happens(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    own = requester.account["hospital"]
    for urgency in ("red", "orange", "yellow", "green"):
        seen = await shown(requester, own, urgency=urgency)
        case = await staff.hotline.ask("K04", by=requester, urgency=urgency)
        call = case["callouts"][0]
        assert seen["desk"]["id"] == call["desk"]
        assert seen["warnings"] == [w for w in case["warnings"] if w != "like_open_case"]
        first = seen["steps"][0]
        assert [d["doctor"] for d in first["rung"]] == [o["doctor"] for o in call["offers"] if o["step"] == 0]
        planned = [(s["who"], s["at"]) for s in call["ladder"]]
        assert [(s["who"]) for s in seen["steps"]] == [who for who, _ in planned]
        if urgency != "green":
            assert [s["at"][:19] for s in seen["steps"] if s["at"]] == [at[:19] for _, at in planned]


async def test_it_says_why_this_desk_and_who_stands_at_the_end(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    seen = await shown(requester, requester.account["hospital"])
    assert seen["desk"]["why"] in ("agreement", "department_agreement")
    assert seen["desk"]["rank"] >= 1
    assert seen["desk"]["left_out"] is None
    assert seen["coordinator"] == "on_duty"
    assert seen["policy"]["source"] == "default"
    assert seen["steps"][0]["at_local"].endswith("+07:00")
    outside = await shown(requester, requester.account["hospital"], specialty="K28")
    assert outside["warnings"][0] == "outside_agreement"
    assert outside["desk"]["why"] == "fallback", "the hospital's own fallback desks go before the specialty's"
    assert [d["why"] for d in outside["considered"]] == sorted(
        (d["why"] for d in outside["considered"]), key=["fallback", "same_specialty", "emergency_desk"].index
    )
    routine = await preview(requester, requester.account["hospital"], specialty="K28", urgency="yellow")
    assert routine.json()["type"] == "/problems/no-agreement"


async def test_another_hour_has_its_own_people(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    own = requester.account["hospital"]
    nights = [await shown(requester, own, at=instant(NIGHT + timedelta(days=day))) for day in range(4)]
    assert all(seen["compiled"] for seen in nights)
    assert all(seen["steps"][0]["rung"] for seen in nights)
    assert len({seen["steps"][0]["rung"][0]["doctor"] for seen in nights}) > 1


async def test_beyond_what_is_compiled_the_rotas_are_worked_out_and_two_years_are_the_limit(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    own = requester.account["hospital"]
    far = await shown(requester, own, at=instant(NIGHT + timedelta(days=300)))
    assert not far["compiled"]
    assert far["steps"][0]["rung"]
    near = await shown(requester, own, at=instant(NIGHT + timedelta(days=50)))
    desk = near["desk"]["id"]
    worked_out = await _worked_out(staff, desk, near)
    assert [d["doctor"] for d in near["steps"][0]["rung"]] == worked_out
    for days in (800, -800):
        answer = await preview(requester, own, at=instant(NIGHT + timedelta(days=days)))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "at"


async def _worked_out(staff: Staff, desk: str, near: Json) -> list[str]:
    """Let the same instant count as not compiled, and look again."""
    await staff.execute(
        "UPDATE schedule SET compiled_until = :now WHERE desk_id = CAST(:desk AS uuid)", now=NIGHT, desk=desk
    )
    again = await shown(staff["sonla-capcuu-1"], near["hospital"], at=near["at"])
    assert not again["compiled"]
    return [d["doctor"] for d in again["steps"][0]["rung"]]


async def test_a_step_in_turns_shows_each_turn_and_an_empty_one_says_so(staff: Staff) -> None:
    account = staff["tn-timmach-1"].account
    steps = [
        {"who": ["red_team"], "mode": "one_by_one", "timeout_s": 60},
        {"who": [f"user:{staff.id_of(staff['tn-timmach-1'])}"], "timeout_s": 30},
        {"who": ["coordinator"], "timeout_s": 120},
    ]
    await staff["tn-quantri"].put(f"/desks/{account['desk']}/policies/red", {"steps": steps, "silent_s": 180})
    requester = staff["sonla-capcuu-1"]
    seen = await shown(requester, requester.account["hospital"], urgency="red")
    turns = [datetime.fromisoformat(d["at"]) for d in seen["steps"][0]["rung"]]
    assert len(turns) > 1
    assert {b - a for a, b in pairwise(turns)} == {timedelta(seconds=60)}
    assert seen["policy"]["source"] == "desk"


async def test_everybody_sees_their_own_side_and_nobody_anothers(staff: Staff) -> None:
    sonla = staff["sonla-capcuu-1"].account["hospital"]
    elsewhere = staff["tudu-sanphu-1"]
    seen = {
        username: (await preview(staff[username], sonla)).status_code
        for username in (
            "sonla-capcuu-1",
            "sonla-dieuphoi-1",
            "sonla-quantri",
            "tichhop-sonla",
            "tn-timmach-1",
            "tn-dieuphoi-1",
            "tn-quantri",
            "vanhanh",
            "mocchau-capcuu-1",
            "tudu-sanphu-1",
        )
    }
    assert {name for name, status in seen.items() if status == 404} == {"mocchau-capcuu-1", "tudu-sanphu-1"}
    assert set(seen.values()) == {200, 404}
    assert (await preview(elsewhere, str(uuid4()))).status_code == 404
    assert (await preview(staff["vanhanh"], str(uuid4()))).status_code == 404
    assert (await preview(staff["sonla-capcuu-1"], sonla, specialty="K99")).status_code == 422


async def test_nothing_is_stored_and_nobody_is_rung_by_looking(staff: Staff) -> None:
    before = await staff.execute("SELECT (SELECT count(*) FROM event) AS e, (SELECT count(*) FROM callout) AS c")
    await shown(staff["sonla-capcuu-1"], staff["sonla-capcuu-1"].account["hospital"])
    assert (
        await staff.execute("SELECT (SELECT count(*) FROM event) AS e, (SELECT count(*) FROM callout) AS c") == before
    )


# --- load ---------------------------------------------------------------------------------------------------------


async def test_a_nights_load_is_counted_by_doctor(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    desk = staff["tn-timmach-1"].account["desk"]
    [doctor] = await staff.newcomers(1, hospital=staff["tn-timmach-1"].account["hospital"], specialties=["K04"])
    await staff.put_on_duty([doctor], desk=desk, role="primary", hours=5)
    cases = [await staff.hotline.ask("K04", by=requester) for _ in range(3)]
    await doctor.do(cases[0], "acceptance")
    await doctor.do(cases[1], "refusal", {"reason": "busy"})
    until = instant(NIGHT + timedelta(hours=2))
    answer = await staff["tn-dieuphoi-1"].get(f"/desks/{desk}/load", to=until)
    assert answer.status_code == 200, answer.text
    row = next(r for r in answer.json()["items"] if r["doctor"] == staff.id_of(doctor))
    assert (row["offers"], row["acceptances"], row["declined"], row["night_rings"]) == (3, 1, 1, 3)
    assert (row["hours"], row["shifts"], row["rings_per_shift"]) == (3.0, 1, 3.0)


@pytest.mark.parametrize(("start", "end"), [(0, 0), (1, 0), (-101 * 24, 0)])
async def test_a_stretch_that_is_none_or_too_long_is_refused(staff: Staff, start: int, end: int) -> None:
    desk = staff["tn-timmach-1"].account["desk"]
    span = {"from": instant(NIGHT + timedelta(hours=start)), "to": instant(NIGHT + timedelta(hours=end))}
    answer = await staff["tn-timmach-1"].get(f"/desks/{desk}/load", **span)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "to"


async def test_the_load_of_a_desk_is_its_own_hospitals(staff: Staff) -> None:
    desk = staff["tn-timmach-1"].account["desk"]
    for username in ("sonla-capcuu-1", "tudu-sanphu-1", "sonla-quantri", "vanhanh"):
        assert (await staff[username].get(f"/desks/{desk}/load")).status_code == 404
    assert (await staff["tn-quantri"].get(f"/desks/{uuid4()}/load")).status_code == 404
