"""How many cases a doctor holds at once: who sets it, what is refused, and who hears of it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.hotline import Json, Person
from tests.staff import Staff

ADMIN, OTHER_ADMIN, DOCTOR = "tn-quantri", "sonla-quantri", "tn-timmach-1"


def place(staff: Staff, doctor: Person | None = None) -> str:
    account = staff[DOCTOR].account
    return f"/desks/{account['desk']}/doctors/{staff.id_of(doctor) if doctor else account['id']}/capacity"


async def newcomer(staff: Staff, *specialties: str, **more: Any) -> Person:
    hospital = more.pop("hospital", staff[ADMIN].account["hospital"])
    [person] = await staff.newcomers(1, hospital=hospital, specialties=specialties, **more)
    return person


async def row_of(staff: Staff, doctor: Person) -> Json:
    read = (await staff[ADMIN].get(f"/desks/{staff[DOCTOR].account['desk']}/load")).json()
    return next(row for row in read["items"] if row["doctor"] == staff.id_of(doctor))


async def test_what_is_set_stands_beside_the_load_with_its_version(staff: Staff) -> None:
    admin, doctor = staff[ADMIN], await newcomer(staff, "K04")
    await staff.put_on_duty([doctor], desk=staff[DOCTOR].account["desk"], role="primary")
    before = await row_of(staff, doctor)
    assert (before["capacity"], before["held"]) == (None, 0)
    answer = await admin.put(place(staff, doctor), {"capacity": 3, "version": before["capacity_version"]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "doctor": staff.id_of(doctor),
        "doctor_name": doctor.account["name"],
        "held": 0,
        "capacity": 3,
        "capacity_version": before["capacity_version"] + 1,
    }
    after = await row_of(staff, doctor)
    assert (after["capacity"], after["capacity_version"]) == (3, before["capacity_version"] + 1)
    assert (await doctor.get("/me/waiting")).json()["capacity"] == 3
    assert (await admin.put(place(staff, doctor), {"capacity": None})).json()["capacity"] is None


async def test_two_who_change_it_do_not_overwrite_each_other(staff: Staff) -> None:
    admin, doctor = staff[ADMIN], await newcomer(staff, "K04")
    path = place(staff, doctor)
    answers = await asyncio.gather(*(admin.put(path, {"capacity": n, "version": 1}) for n in (2, 3, 4)))
    assert sorted(a.status_code for a in answers) == [200, 412, 412]
    refused = next(a for a in answers if a.status_code == 412).json()
    assert (refused["type"], refused["version"]) == ("/problems/stale", 2)
    assert refused["by_name"] == admin.account["name"]
    assert refused["capacity"] in (2, 3, 4)
    again = await admin.put(path, {"capacity": 5, "version": 2})
    assert (again.json()["capacity"], again.json()["capacity_version"]) == (5, 3)
    # Without a version it is set whatever it is; what is so already is no change.
    assert (await admin.put(path, {"capacity": 5})).json()["capacity_version"] == 3


async def test_the_doctor_hears_of_it_and_nobody_else_and_it_is_a_fact_of_their_chain(staff: Staff) -> None:
    admin, doctor, colleague = staff[ADMIN], await newcomer(staff, "K04"), staff["tn-dieuphoi-1"]
    await doctor.connect()
    await colleague.connect()
    await admin.put(place(staff, doctor), {"capacity": 2})
    heard = await doctor.hears(lambda m: m["k"] == "event" and m["t"] == "capacity.changed")
    assert (heard["d"]["before"], heard["d"]["capacity"]) == (None, 2)
    assert heard["d"]["by_name"] == admin.account["name"]
    assert not [m for m in colleague.heard if m.get("t") == "capacity.changed"]
    await admin.put(place(staff, doctor), {"capacity": 2})  # is so already
    facts = await staff.execute(
        "SELECT data FROM event WHERE type = 'capacity.changed' AND chain = :chain", chain=f"user:{staff.id_of(doctor)}"
    )
    assert [(f.data["before"], f.data["capacity"]) for f in facts] == [(None, 2)]


async def test_a_repeated_command_changes_it_once(staff: Staff) -> None:
    doctor, key = await newcomer(staff, "K04"), str(uuid4())
    first = await staff[ADMIN].put(place(staff, doctor), {"capacity": 4, "version": 1}, key=key)
    again = await staff[ADMIN].put(place(staff, doctor), {"capacity": 4, "version": 1}, key=key)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"capacity": -1}, "capacity"),
        ({"capacity": 1001}, "capacity"),
        ({"capacity": 2.5}, "capacity"),
        ({"capacity": "3"}, "capacity"),
        ({"capacity": True}, "capacity"),
        ({"capacity": 10**30}, "capacity"),
        ({"capacity": 3, "version": 0}, "version"),
        ({"room": 3}, "room"),
    ],
)
async def test_what_is_no_number_of_cases_is_refused_by_its_field_in_both_languages(
    staff: Staff, body: Json, field: str
) -> None:
    said = set()
    for language in ("vi", "en"):
        headers = staff[ADMIN].headers | {"Idempotency-Key": str(uuid4()), "Accept-Language": language}
        answer = await staff.hotline.http.put(f"/api/v1{place(staff)}", headers=headers, json=body)
        assert answer.status_code == 422, answer.text
        assert [e["field"] for e in answer.json()["errors"]] == [field]
        said.add(answer.json()["errors"][0]["detail"])
    assert len(said) == 2


async def test_administrators_of_the_hospital_set_it_and_the_head_of_the_desks_rota(staff: Staff) -> None:
    head = await newcomer(staff, "K04")
    await staff.execute(
        "UPDATE schedule SET head_id = CAST(:who AS uuid) WHERE desk_id = CAST(:desk AS uuid)",
        who=staff.id_of(head),
        desk=staff[DOCTOR].account["desk"],
    )
    for who, status in (
        (staff[ADMIN], 200),
        (head, 200),
        (staff["tn-dieuphoi-1"], 403),
        (staff[DOCTOR], 403),
        (staff[OTHER_ADMIN], 404),
        (staff["sonla-capcuu-1"], 404),
        (staff["vanhanh"], 404),
    ):
        assert (await who.put(place(staff), {"capacity": 3})).status_code == status, who.account["username"]
        load = await who.get(f"/desks/{staff[DOCTOR].account['desk']}/load")
        if load.status_code == 200:
            assert load.json()["may"] == (["set_capacity"] if status == 200 else [])


async def test_whoever_has_no_duty_at_the_desk_is_not_found_there(staff: Staff) -> None:
    gone = await newcomer(staff, "K04")
    await staff.execute("UPDATE user_account SET active = false WHERE id = CAST(:id AS uuid)", id=staff.id_of(gone))
    for somebody in (
        gone,
        await newcomer(staff, "K02"),
        await newcomer(staff, "K04", hospital=staff[OTHER_ADMIN].account["hospital"]),
        await newcomer(staff, role="requester"),
        staff[ADMIN],
    ):
        assert (await staff[ADMIN].put(place(staff, somebody), {"capacity": 3})).status_code == 404
    nowhere = f"/desks/{uuid4()}/doctors/{staff.id_of(staff[DOCTOR])}/capacity"
    assert (await staff[ADMIN].put(nowhere, {"capacity": 3})).status_code == 404
    assert (await staff[ADMIN].put(place(staff).replace(staff.id_of(staff[DOCTOR]), "me"), {})).status_code == 404
