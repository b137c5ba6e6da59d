"""What doctors ask of their own duty: swaps that are taken, exchanged, withdrawn and lapse; leave that is decided."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from app.services.rostering import leaves, swaps
from tests.api.rota_desk import Desk, cleared
from tests.hotline import Json, Person
from tests.staff import Staff


@pytest_asyncio.fixture
async def house(staff: Staff) -> Staff:
    return await cleared(staff)


async def delete(person: Person, path: str) -> httpx.Response:
    headers = person.headers | {"Idempotency-Key": str(uuid4())}
    return await person.hotline.http.delete(f"/api/v1{path}", headers=headers)


async def coming(house: Staff, role: str = "primary") -> list[Json]:
    """The coming duty of the cardiology desk in one role, which has not begun."""
    desk = house["tn-timmach-1"].account["desk"]
    read = (await house["tn-timmach-1"].get(f"/desks/{desk}/duty")).json()
    now = house.hotline.clock.now()
    return [s for s in read["slots"] if s["role"] == role and datetime.fromisoformat(s["from"]) > now]


async def on_at(house: Staff, moment: str, role: str = "primary") -> str:
    desk = house["tn-timmach-1"].account["desk"]
    read = (await house["tn-timmach-1"].get(f"/desks/{desk}/on-call", at=moment)).json()
    [doctor] = [p["doctor"] for p in read["on_call"] if p["role"] == role]
    return str(doctor)


def later(moment: str, hours: float) -> str:
    return (datetime.fromisoformat(moment) + timedelta(hours=hours)).isoformat()


async def offered(house: Staff, slot: Json, **rest: Any) -> tuple[Person, Json]:
    giver = house.by_id[slot["doctor"]]
    body = {"role": slot["role"], "from": slot["from"], "to": slot["to"], "note": "Con ốm"} | rest
    answer = await giver.post("/swaps", body)
    assert answer.status_code == 201, answer.text
    return giver, answer.json()


async def test_a_swap_inside_a_shift_moves_that_part_when_it_is_taken_and_nothing_before(house: Staff) -> None:
    slot = (await coming(house))[0]
    part = {"from": later(slot["from"], 4), "to": later(slot["from"], 8)}
    giver, swap = await offered(house, slot, **part)
    taker = house["tn-timmach-6"]
    assert await on_at(house, part["from"]) == slot["doctor"]
    [seen] = (await taker.get("/swaps")).json()["items"]
    assert (seen["id"], seen["may"]) == (swap["id"], ["take"])
    assert (await giver.get("/swaps")).json()["items"][0]["may"] == ["withdraw"]
    assert (await house["tn-nhi-1"].get("/swaps")).json()["items"] == []
    taken = await taker.post(f"/swaps/{swap['id']}/acceptance")
    assert taken.status_code == 200, taken.text
    assert (taken.json()["state"], taken.json()["taker"]) == ("taken", house.id_of(taker))
    assert await on_at(house, later(part["from"], 0.1)) == house.id_of(taker)
    assert await on_at(house, later(part["from"], -0.1)) == slot["doctor"]
    assert await on_at(house, part["to"]) == slot["doctor"]
    rows = await house.execute(
        "SELECT chain, type FROM event WHERE type IN ('swap.ended', 'duty.moved') AND at = :now",
        now=house.hotline.clock.now(),
    )
    told = {(row.chain.partition(":")[0], row.type) for row in rows}
    assert told == {("hospital", "swap.ended"), ("user", "swap.ended"), ("user", "duty.moved")}
    assert len([row for row in rows if row.type == "duty.moved"]) == 2


async def test_of_several_takers_at_once_one_gets_the_duty(house: Staff) -> None:
    _, swap = await offered(house, (await coming(house))[0])
    takers = [house["tn-timmach-5"], house["tn-timmach-6"]]
    answers = await asyncio.gather(*(taker.post(f"/swaps/{swap['id']}/acceptance") for taker in takers))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    late = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (late["type"], late["state"]) == ("/problems/no-longer-open", "taken")


async def test_an_exchange_happens_whole_or_not_at_all(house: Staff) -> None:
    first, second = (await coming(house))[:2]
    back = {"from": second["from"], "to": second["to"]}
    _, swap = await offered(house, first, **{"return": back})
    bystander = house["tn-timmach-6"]
    refused = await bystander.post(f"/swaps/{swap['id']}/acceptance")
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/duty-moved"
    assert await on_at(house, first["from"]) == first["doctor"]
    done = await house.by_id[second["doctor"]].post(f"/swaps/{swap['id']}/acceptance")
    assert done.status_code == 200, done.text
    assert await on_at(house, first["from"]) == second["doctor"]
    assert await on_at(house, second["from"]) == first["doctor"]


async def test_a_taker_must_be_of_this_desk_free_and_not_on_leave(house: Staff) -> None:
    slot = (await coming(house))[0]
    giver, swap = await offered(house, slot)
    path = f"/swaps/{swap['id']}/acceptance"
    other = await house["tn-nhi-1"].post(path)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/not-on-this-rota")
    assert (await house["tudu-sanphu-1"].post(path)).status_code == 404
    assert (await house["tn-quantri"].post(path)).status_code == 403
    assert (await giver.post(path)).status_code == 403
    away = house["tn-timmach-6"]
    leave = (await away.post("/leaves", {"from": slot["from"], "to": slot["to"]})).json()
    approved = await house["tn-timmach-1"].post(f"/leaves/{leave['id']}/approval", {"approve": True})
    assert approved.status_code == 200, approved.text
    refused = await away.post(path)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-free")


async def test_what_an_override_or_a_temporary_rota_decides_cannot_be_swapped_without_a_word(house: Staff) -> None:
    desk = Desk(house)
    giver, taker = house.by_id[(await coming(house))[0]["doctor"]], house["tn-timmach-6"]
    number, other = desk.ids.index(house.id_of(giver)) + 1, desk.ids.index(house.id_of(taker)) + 1
    third = next(n for n in range(1, 7) if n not in (number, other))
    own = next(s for s in await coming(house) if s["doctor"] == house.id_of(giver))
    theirs = next(s for s in await coming(house) if s["doctor"] == desk.ids[third - 1])
    start = (datetime.fromisoformat(own["from"]) - desk.now) / timedelta(hours=1) + 1
    taken = (datetime.fromisoformat(theirs["from"]) - desk.now) / timedelta(hours=1) + 1
    held, theirs_then, free = (start, start + 1), (taken, taken + 1), (start + 24 * 7, start + 24 * 7 + 1)
    shift = {"role": "primary", "doctor": house.id_of(giver), "from": desk.at(free[0]), "to": desk.at(free[1])}
    temporary = {"roles": ["primary"], "from": shift["from"], "to": shift["to"], "shifts": [shift]}
    changes = {
        "added": (desk.override("add", number, *free), free),
        "substitute": (desk.override("replace", third, *theirs_then, number), theirs_then),
        "temporary": ({"op": "put", "kind": "temporary", "body": temporary}, free),
        "taken out beforehand": (desk.override("remove", other, *held), held),
        "replaced beforehand": (desk.override("replace", other, *held, third), held),
    }
    back = {"return": {"from": desk.at(taken + 0.2), "to": desk.at(taken + 0.8)}}
    changes["what comes back was added"] = (desk.override("add", third, *theirs_then), held)
    for case, (change, (begins, ends)) in changes.items():
        body: Json = {"role": "primary", "from": desk.at(begins + 0.2), "to": desk.at(ends - 0.2)}
        body |= back if case == "what comes back was added" else {}
        await desk.publish(change)
        refused = await giver.post("/swaps", body)
        if refused.status_code == 201:  # nobody knows beforehand who will take it
            refused = await taker.post(f"/swaps/{refused.json()['id']}/acceptance")
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/swap-without-effect"), (
            case,
            refused.text,
        )
        await cleared(house)


async def test_what_nobody_takes_lapses_at_its_start_and_the_duty_stays(house: Staff) -> None:
    slot = (await coming(house))[0]
    giver, swap = await offered(house, slot)
    again = await giver.post("/swaps", {"role": "primary", "from": slot["from"], "to": later(slot["from"], 1)})
    assert (again.status_code, again.json()["id"]) == (409, swap["id"])
    start = datetime.fromisoformat(slot["from"])
    house.hotline.clock.advance(seconds=(start - house.hotline.clock.now()).total_seconds())
    late = await house["tn-timmach-6"].post(f"/swaps/{swap['id']}/acceptance")
    assert (late.status_code, late.json()["state"]) == (409, "lapsed")
    home = house.hotline.app.state.house
    for expected in (1, 0):
        async with home.work(None) as work:
            ids = await swaps.due(work, (), 10)
            assert await swaps.lapse(work, ids) == len(ids) == expected
            await home.commit(work)
    assert (await giver.get("/swaps")).json()["items"][0]["state"] == "lapsed"
    assert await on_at(house, slot["from"]) == slot["doctor"]


async def test_a_swap_is_withdrawn_by_its_giver_only(house: Staff) -> None:
    giver, swap = await offered(house, (await coming(house))[0])
    assert (await delete(house["tn-timmach-6"], f"/swaps/{swap['id']}")).status_code == 403
    assert (await delete(house["tudu-sanphu-1"], f"/swaps/{swap['id']}")).status_code == 404
    assert (await delete(giver, f"/swaps/{swap['id']}")).json()["state"] == "withdrawn"
    assert (await delete(giver, f"/swaps/{swap['id']}")).status_code == 409
    assert (await house["tn-timmach-6"].get("/swaps")).json()["items"] == []


async def test_what_was_in_the_way_and_has_just_gone_is_a_refusal_all_the_same(
    house: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> None:
        """Withdrawn after the database refused, and before it was looked for."""

    slot = (await coming(house))[0]
    giver, _ = await offered(house, slot)
    span = {"from": slot["from"], "to": slot["to"]}
    assert (await giver.post("/leaves", span)).status_code == 201
    for module, path, body in ((swaps, "/swaps", {"role": slot["role"], **span}), (leaves, "/leaves", span)):
        monkeypatch.setattr(module, "_there", gone)
        said = (await giver.post(path, body)).json()
        assert (said["status"], said["type"], said["id"]) == (409, "/problems/in-the-way", None)
        times = [datetime.fromisoformat(said[name]) for name in span]
        assert times == [datetime.fromisoformat(moment) for moment in span.values()]


async def test_a_swap_of_what_is_not_ones_own_coming_duty_names_the_field(house: Staff) -> None:
    slot = (await coming(house))[0]
    giver, other = house.by_id[slot["doctor"]], house["tn-timmach-6"]
    span = {"from": slot["from"], "to": slot["to"]}
    past = {"from": later(slot["from"], -72), "to": later(slot["from"], -70)}
    years = {"from": later(slot["from"], 999), "to": later(slot["from"], 99_999)}
    far = {"from": later(slot["from"], 24 * 401), "to": later(slot["from"], 24 * 401 + 1)}
    nobodys = {"from": later(slot["to"], 1), "to": later(slot["to"], 24 * 20)}
    own = next({"from": s["from"], "to": s["to"]} for s in (await coming(house))[1:] if s["doctor"] == slot["doctor"])
    refused: list[tuple[Person, Json, str]] = [
        (other, {"role": "primary", **span}, "from"),
        (giver, {"role": "primary", **span, "desk": house["tn-nhi-1"].account["desk"]}, "from"),
        (giver, {"role": "primary", **span, "to": later(slot["to"], 1)}, "from"),
        (giver, {"role": "primary", **past}, "from"),
        (giver, {"role": "primary", "from": slot["to"], "to": slot["from"]}, "to"),
        (giver, {"role": "primary", **span, "return": span}, "return.from"),
        (giver, {"role": "primary", **span, "return": past}, "return.from"),
        (giver, {"role": "primary", **span, "return": years}, "return.to"),
        (giver, {"role": "primary", **span, "return": far}, "return.to"),
        (giver, {"role": "primary", **span, "return": nobodys}, "return.from"),
        (giver, {"role": "primary", **span, "return": own}, "return.from"),
        (giver, {"role": "king", **span}, "role"),
        (giver, {**span}, "role"),
        (giver, {"role": "primary", "from": "2026-11-27T08:00", "to": slot["to"]}, "from"),
        (giver, {"role": "primary", **span, "desk": str(uuid4()), "hospital": str(uuid4())}, "desk"),
    ]
    for person, body, field in refused:
        answer = await person.post("/swaps", body)
        assert answer.status_code == 422, (body, answer.text)
        assert field in {error["field"] for error in answer.json()["errors"]}, (body, answer.text)
    assert (await house["tn-quantri"].post("/swaps", {"role": "primary", **span})).status_code == 403


async def test_approved_leave_is_taken_out_of_every_rota_and_its_gaps_are_shown(house: Staff) -> None:
    slot = (await coming(house))[0]
    doctor = house.by_id[slot["doctor"]]
    head = house["tn-timmach-1"] if doctor is not house["tn-timmach-1"] else house["tn-quantri"]
    asked = await doctor.post("/leaves", {"from": slot["from"], "to": slot["to"], "reason": "Nghỉ phép năm"})
    assert asked.status_code == 201, asked.text
    leave = asked.json()
    assert (leave["state"], leave["may"]) == ("requested", ["withdraw"])
    again = await doctor.post("/leaves", {"from": later(slot["from"], 1), "to": later(slot["to"], 1)})
    assert (again.status_code, again.json()["id"]) == (409, leave["id"])
    path = f"/leaves/{leave['id']}/approval"
    assert (await doctor.post(path, {"approve": True})).status_code == 403
    assert (await house["tn-nhi-1"].post(path, {"approve": True})).status_code == 404
    assert "decide" in (await head.get("/leaves")).json()["items"][0]["may"]
    done = await head.post(path, {"approve": True})
    assert done.status_code == 200, done.text
    gaps = [(gap["role"], gap["from"], gap["to"], gap["desk"]) for gap in done.json()["gaps"]]
    assert ("primary", slot["from"], slot["to"], doctor.account["desk"]) in gaps
    assert done.json()["still_on"] == []
    assert (await head.post(path, {"approve": False})).status_code == 409
    back = await delete(doctor, f"/leaves/{leave['id']}")
    assert (back.status_code, back.json()["state"]) == (200, "withdrawn")
    assert await on_at(house, slot["from"]) == slot["doctor"]


async def test_a_head_who_went_to_another_hospital_decides_no_leave(house: Staff) -> None:
    desk, elsewhere = house["tn-timmach-1"].account["desk"], house["tudu-sanphu-1"]
    [doctor] = await house.newcomers(1, hospital=elsewhere.account["hospital"], specialties=["K04"])
    set_head = "UPDATE schedule SET head_id = CAST(:head AS uuid) WHERE desk_id = CAST(:desk AS uuid)"
    await house.execute(set_head, head=house.id_of(elsewhere), desk=desk)
    start = house.hotline.clock.now().isoformat()
    for person in (doctor, house["tn-timmach-2"]):
        leave = (await person.post("/leaves", {"from": start, "to": later(start, 8)})).json()
        answer = await elsewhere.post(f"/leaves/{leave['id']}/approval", {"approve": True})
        assert answer.status_code == 404, answer.text
    assert (await elsewhere.get("/leaves")).json()["items"] == []
    await house.execute(set_head, head=house.id_of(house["tn-timmach-1"]), desk=desk)


async def test_approving_leave_says_which_duty_stands_above_it_and_so_does_a_publication(house: Staff) -> None:
    desk, doctor = Desk(house), house["tn-timmach-6"]
    shift = {"role": "primary", "doctor": desk.ids[5], "from": desk.at(70), "to": desk.at(71)}
    body = {"roles": ["primary"], "from": shift["from"], "to": shift["to"], "shifts": [shift]}
    temporary = {"op": "put", "kind": "temporary", "body": body}
    done = await desk.publish(desk.override("add", 6, 50, 52), temporary)
    assert "on_leave" not in {warning["code"] for warning in done["warnings"]}
    asked = (await doctor.post("/leaves", {"from": desk.at(48), "to": desk.at(96)})).json()
    approved = await house["tn-quantri"].post(f"/leaves/{asked['id']}/approval", {"approve": True})
    still = approved.json()["still_on"]
    kept = [(duty["role"], duty["desk"], *map(datetime.fromisoformat, (duty["from"], duty["to"]))) for duty in still]
    times = [tuple(desk.now + timedelta(hours=hours) for hours in span) for span in ((50, 52), (70, 71))]
    assert kept == [("primary", desk.id, *span) for span in times]
    warned = (await desk.publish(desk.override("add", 6, 80, 81)))["warnings"]
    away = {warning["from"]: warning["new"] for warning in warned if warning["code"] == "on_leave"}
    assert list(away.values()) == [True, False, False]
    assert (await delete(doctor, f"/leaves/{asked['id']}")).json()["still_on"] == []


async def test_leave_beyond_the_compiled_horizon_shows_the_gaps_that_it_will_make(house: Staff) -> None:
    doctor, now = house["tn-timmach-2"], house.hotline.clock.now()
    month = {"from": (now + timedelta(days=120)).isoformat(), "to": (now + timedelta(days=150)).isoformat()}
    asked = (await doctor.post("/leaves", month)).json()
    gaps = (await house["tn-quantri"].post(f"/leaves/{asked['id']}/approval", {"approve": True})).json()["gaps"]
    assert {gap["desk"] for gap in gaps} >= {doctor.account["desk"]}
    assert all(month["from"] <= gap["from"] < month["to"] for gap in gaps)


async def test_leave_that_has_begun_ends_now_and_stays_for_what_was_taken(house: Staff) -> None:
    doctor, now = house["tn-timmach-6"], house.hotline.clock.now()
    body = {"from": (now - timedelta(hours=3)).isoformat(), "to": (now + timedelta(days=3)).isoformat()}
    leave = (await doctor.post("/leaves", body)).json()
    assert datetime.fromisoformat(leave["from"]) == now
    await house["tn-quantri"].post(f"/leaves/{leave['id']}/approval", {"approve": True})
    house.hotline.clock.advance(seconds=3600)
    ended = (await delete(doctor, f"/leaves/{leave['id']}")).json()
    assert ended["state"] == "approved"
    assert datetime.fromisoformat(ended["to"]) == house.hotline.clock.now()
    assert (await delete(doctor, f"/leaves/{leave['id']}")).status_code == 409
    declined = (await doctor.post("/leaves", {"from": body["to"], "to": later(body["to"], 5)})).json()
    no = await house["tn-quantri"].post(
        f"/leaves/{declined['id']}/approval", {"approve": False, "reason": "Thiếu người"}
    )
    assert (no.json()["state"], no.json()["gaps"]) == ("declined", [])
    for wrong, field in (({}, "approve"), ({"approve": "có"}, "approve"), ({"approve": True, "why": "x"}, "why")):
        answer = await house["tn-quantri"].post(f"/leaves/{declined['id']}/approval", wrong)
        assert field in {error["field"] for error in answer.json()["errors"]}
