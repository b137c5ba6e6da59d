"""A rota is edited whole or not at all, shown before it is saved, against the version that was seen."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.hotline import Hotline, Json, Person
from tests.staff import Staff, everybody


@pytest_asyncio.fixture
async def house(hotline: Hotline) -> AsyncIterator[Staff]:
    yield await everybody(hotline)


class Desk:
    """The cardiology desk, its head, and shorthand for editing its rota."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self.head = staff["tn-timmach-1"]
        self.doctors = [staff[f"tn-timmach-{number}"] for number in range(1, 7)]
        self.ids = [staff.id_of(doctor) for doctor in self.doctors]
        self.id = self.head.account["desk"]
        self.path = f"/desks/{self.id}/rota"

    @property
    def now(self) -> datetime:
        return self.staff.hotline.clock.now()

    def at(self, hours: float) -> str:
        return (self.now + timedelta(hours=hours)).isoformat()

    async def rota(self, by: Person | None = None) -> Json:
        answer = await (by or self.head).get(self.path)
        assert answer.status_code == 200, answer.text
        read: Json = answer.json()
        return read

    async def send(self, *changes: Json, by: Person | None = None, **rest: Any) -> Any:
        version = rest.pop("version", None)
        if version is None:
            version = (await self.rota())["version"]
        return await (by or self.head).post(self.path, {"version": version, "changes": list(changes), **rest})

    async def publish(self, *changes: Json, by: Person | None = None, **rest: Any) -> Json:
        answer = await self.send(*changes, by=by, **rest)
        assert answer.status_code == 200, answer.text
        done: Json = answer.json()
        return done

    def override(self, kind: str, doctor: int, start: float, end: float, by: int | None = None, **rest: Any) -> Json:
        body = {"kind": kind, "role": "primary", "doctor": self.ids[doctor - 1], "from": self.at(start)}
        body |= {"to": self.at(end), "reason": "Đi hội nghị"} | ({"by": self.ids[by - 1]} if by else {}) | rest
        return {"op": "put", "kind": "override", "body": body}

    async def on(self, role: str = "primary") -> list[str]:
        read = (await self.head.get(f"/desks/{self.id}/on-call")).json()
        return [person["doctor"] for person in read["on_call"] if person["role"] == role]

    async def slots(self) -> dict[str, tuple[Any, ...]]:
        rows = await self.staff.execute(
            "SELECT d.id, d.doctor_id, d.role, lower(d.during) AS start, upper(d.during) AS end FROM duty_slot d "
            "JOIN schedule s ON s.id = d.schedule_id WHERE s.desk_id = CAST(:desk AS uuid)",
            desk=self.id,
        )
        return {str(row.id): (str(row.doctor_id), row.role, row.start, row.end) for row in rows}


@pytest.fixture
def desk(house: Staff) -> Desk:
    return Desk(house)


async def test_the_head_reads_the_whole_rota_and_who_may_be_on_it(desk: Desk) -> None:
    rota = await desk.rota()
    assert rota["head"] == desk.ids[0]
    assert {layer["role"] for layer in rota["layers"]} == set(rota["roles"])
    assert {person["id"] for person in rota["people"]} >= set(desk.ids)
    assert "publish_rota" in rota["may"]
    assert (await desk.rota(desk.staff["tn-dieuphoi-1"]))["may"] == ["override_soon", "make_rota_feed"]
    stranger = await desk.staff["tudu-sanphu-1"].get(desk.path)
    absent = await desk.staff["tudu-sanphu-1"].get(f"/desks/{uuid4()}/rota")
    assert stranger.status_code == absent.status_code == 404
    assert stranger.content == absent.content


async def test_a_dry_run_shows_exactly_what_publishing_does_and_saves_nothing(desk: Desk) -> None:
    [on] = await desk.on()
    number = desk.ids.index(on) + 1
    change = desk.override("replace", number, 1, 3, by=number % 4 + 1)
    before, rota = await desk.slots(), await desk.rota()
    shown = await desk.publish(change, dry_run=True)
    assert await desk.slots() == before
    assert await desk.rota() == rota
    done = await desk.publish(change)
    assert done["version"] == shown["version"] + 1 == rota["version"] + 1
    for part in ("slots", "gaps", "added", "removed", "warnings", "from", "to"):
        assert done[part] == shown[part], part
    live = (await desk.head.get(f"/desks/{desk.id}/duty", **{"from": done["from"], "to": done["to"]})).json()
    assert [s for s in live["slots"] if s["role"] in rota["roles"]] == done["slots"]
    assert [(s["doctor"], s["role"]) for s in done["removed"]] == [(on, "primary")]


async def test_a_replacement_now_keeps_the_past_and_the_ids_of_what_stays(desk: Desk) -> None:
    [on] = await desk.on()
    number = desk.ids.index(on) + 1
    other = number % 4 + 1
    before = await desk.slots()
    await desk.publish(desk.override("replace", number, -2, 2, by=other))
    after = await desk.slots()
    changed = {key for key, slot in before.items() if after.get(key) != slot}
    assert len(changed) == 1
    [cut] = changed
    assert after[cut][3] == desk.now
    assert await desk.on() == [desk.ids[other - 1]]
    await desk.staff.hotline.fast_forward(hours=1)
    rota = await desk.rota()
    [override] = rota["overrides"]
    await desk.publish({"op": "delete", "kind": "override", "id": override["id"]})
    assert await desk.on() == [on]
    rows = await desk.staff.execute("SELECT upper(during) AS end FROM override")
    assert [row.end for row in rows] == [desk.now]


async def test_an_edit_of_a_version_that_is_not_the_present_one_is_told_so(desk: Desk) -> None:
    version = (await desk.rota())["version"]
    await desk.publish(desk.override("add", 5, 1, 2))
    answer = await desk.send(desk.override("add", 6, 1, 2), version=version)
    assert answer.status_code == 412
    assert answer.json()["type"] == "/problems/stale"
    assert answer.json()["version"] == version + 1


async def test_of_two_identical_overrides_at_once_one_commits(desk: Desk) -> None:
    change = desk.override("add", 5, 1, 2)
    version = (await desk.rota())["version"]
    answers = await asyncio.gather(*(desk.send(change, version=version) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    again = await desk.send(change)
    assert again.status_code == 409
    problem = again.json()
    assert (problem["type"], problem["kind"], problem["doctor"]) == ("/problems/in-the-way", "override", desk.ids[4])
    assert desk.doctors[4].name in problem["detail"]
    assert problem["id"] == (await desk.rota())["overrides"][0]["id"]


async def test_whoever_is_moved_is_told_and_one_fact_says_what_was_published(desk: Desk) -> None:
    [on] = await desk.on()
    number = desk.ids.index(on) + 1
    first = await desk.doctors[number - 1].connect()
    second = await desk.doctors[number % 4].connect()
    board = await desk.staff["tn-dieuphoi-1"].connect()
    await board.send({"k": "subscribe", "s": f"hospital:{desk.head.account['hospital']}"})
    await board.hears(lambda m: m["k"] == "snapshot")
    await desk.publish(desk.override("replace", number, 1, 3, by=number % 4 + 1), reason="Đổi ca")
    lost = await first.hears(lambda m: m.get("t") == "duty.moved")
    won = await second.hears(lambda m: m.get("t") == "duty.moved")
    assert lost["d"]["removed"][0]["role"] == won["d"]["added"][0]["role"] == "primary"
    told = await board.hears(lambda m: m.get("t") == "rota.published")
    assert told["d"]["desk"] == desk.id
    assert "reason" not in told["d"]
    [row] = await desk.staff.execute("SELECT data, actor_id FROM event WHERE type = 'rota.published'")
    assert str(row.actor_id) == desk.ids[0]
    assert row.data["reason"] == "Đổi ca"
    assert row.data["changes"][0]["after"]["reason"] == "Đi hội nghị"
    assert row.data["added_total"] == row.data["removed_total"] == 1
