"""A rota is edited whole or not at all, shown before it is saved, against the version that was seen."""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from app.models.rota_rules import DESK_ROLES, Slot
from app.services.people.network import import_network
from app.services.rostering import holidays
from app.services.rostering.rotas import Rota
from tests.api.rota_desk import Desk, cleared
from tests.hotline import Json
from tests.staff import Staff


@pytest_asyncio.fixture
async def desk(staff: Staff) -> Desk:
    return Desk(await cleared(staff))


async def test_the_head_reads_the_whole_rota_and_who_may_be_on_it(desk: Desk) -> None:
    rota = await desk.rota()
    assert rota["head"] == desk.ids[0]
    assert {layer["role"] for layer in rota["layers"]} == set(rota["roles"])
    assert {person["id"] for person in rota["people"]} >= set(desk.ids)
    assert "publish_rota" in rota["may"]
    assert "set_rota" not in rota["may"]
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


async def test_nobody_waits_while_months_of_a_rota_are_worked_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    aside: list[bool] = []
    compiled = Rota.compiled

    def noted(rota: Rota, start: datetime, end: datetime) -> list[Slot]:
        aside.append(threading.current_thread() is not threading.main_thread())
        return compiled(rota, start, end)

    monkeypatch.setattr(Rota, "compiled", noted)
    await desk.publish(desk.override("add", 6, 1, 2))
    assert len(aside) > 4
    leave = (await desk.doctors[5].post("/leaves", {"from": desk.at(1), "to": desk.at(9000)})).json()
    approved = await desk.staff["tn-quantri"].post(f"/leaves/{leave['id']}/approval", {"approve": True})
    assert approved.status_code == 200
    address = (await desk.head.post("/feeds", {"desk": desk.id})).json()["url"]
    assert (await desk.staff.hotline.http.get(f"{address}?days=400")).status_code == 200
    assert all(aside)


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
    desk.staff.hotline.clock.advance(seconds=3600)
    rota = await desk.rota()
    [override] = rota["overrides"]
    await desk.publish({"op": "delete", "kind": "override", "id": override["id"]})
    assert await desk.on() == [on]
    rows = await desk.staff.execute("SELECT upper(during) AS end FROM override")
    assert [row.end for row in rows] == [desk.now]


async def test_an_edit_of_a_version_that_is_not_the_present_one_is_told_so(desk: Desk) -> None:
    version = (await desk.rota())["version"]
    admin = desk.staff["tn-quantri"]
    await desk.publish(desk.override("add", 5, 1, 2), by=admin)
    for dry_run in (False, True):
        answer = await desk.send(desk.override("add", 6, 1, 2), version=version, dry_run=dry_run)
        assert answer.status_code == 412
        assert answer.json()["type"] == "/problems/stale"
        assert (answer.json()["version"], answer.json()["by_name"]) == (version + 1, admin.account["name"])


async def test_after_a_network_file_nobody_is_named(desk: Desk) -> None:
    house, admin = desk.staff.hotline.app.state.house, desk.staff["tn-quantri"]
    [row] = await desk.staff.execute(
        "SELECT d.id, d.key FROM desk d JOIN schedule s ON s.desk_id = d.id WHERE d.hospital_id = CAST(:h AS uuid) "
        "AND d.id <> CAST(:own AS uuid) AND s.head_id IS NOT NULL AND s.required_roles <> '[]' ORDER BY d.key LIMIT 1",
        h=desk.hospital,
        own=desk.id,
    )
    path = f"/desks/{row.id}/rota"
    version = (await admin.get(path)).json()["version"]
    line = {"kind": "rota", "desk": row.key, "required_roles": [], "layers": []}
    async with house.work(None) as work:
        report = await import_network(work, json.dumps(line), password_hash="$none$")
        assert (report.errors, report.changed) == ([], 1)
        await house.commit(work)
    answer = await admin.post(path, {"version": version, "dry_run": True, "changes": []})
    assert (answer.status_code, answer.json()["by_name"]) == (412, None)
    assert answer.json()["detail"].startswith("Nay là phiên bản")


async def test_what_was_made_later_still_stands_above_a_running_override_that_is_edited(desk: Desk) -> None:
    [on] = await desk.on()
    number = desk.ids.index(on) + 1
    first, second = (n for n in (1, 2, 3, 4) if n != number), 5
    substitute = next(first)
    done = await desk.publish(desk.override("replace", number, 0, 3, by=substitute))
    desk.staff.hotline.clock.advance(seconds=1)
    await desk.publish(desk.override("replace", substitute, 1, 3, by=second))
    desk.staff.hotline.clock.advance(minutes=30)
    change = desk.override("replace", number, -0.5, 2.4, by=substitute, reason="Sửa lý do")
    await desk.publish(change | {"id": done["changes"][0]["id"]})
    assert await desk.on(at=desk.at(0.1)) == [desk.ids[substitute - 1]]
    assert await desk.on(at=desk.at(1)) == [desk.ids[second - 1]]


async def test_a_rota_that_begins_with_one_night_or_with_its_settings_needs_somebody_all_the_same(desk: Desk) -> None:
    admin, ids = desk.staff["tn-quantri"], desk.ids
    settings_ = {"op": "put", "kind": "settings", "body": {"required_roles": [], "rest_hours": 8}}
    shift = {"role": "backup", "doctor": ids[0], "from": desk.at(1), "to": desk.at(2)}
    body = {"roles": ["backup"], "from": shift["from"], "to": shift["to"], "shifts": [shift]}
    first: list[tuple[Json, list[str]]] = [
        (desk.override("add", 1, 1, 2), ["primary"]),
        ({"op": "put", "kind": "temporary", "body": body}, ["backup", "primary"]),
        (settings_, ["primary"]),
    ]
    for change, required in first:
        [row] = await desk.staff.execute(
            "INSERT INTO desk (id, key, hospital_id, specialty, name, active) "
            "VALUES (gen_random_uuid(), 'tn-moi', CAST(:h AS uuid), 'K04', 'Bàn trực mới', true) RETURNING id",
            h=desk.hospital,
        )
        path = f"/desks/{row.id}/rota"
        done = await admin.post(path, {"version": 0, "changes": [change]})
        assert done.status_code == 200, done.text
        assert (await admin.get(path)).json()["required_roles"] == required
        assert [g["role"] for g in done.json()["gaps"]][:1] == required[:1]
        await desk.staff.execute(
            "DELETE FROM duty_gap WHERE desk_id = :d OR schedule_id IN (SELECT id FROM schedule WHERE desk_id = :d)",
            d=row.id,
        )
        await desk.staff.execute("DELETE FROM schedule WHERE desk_id = :d", d=row.id)
        await desk.staff.execute("DELETE FROM desk WHERE id = :d", d=row.id)


async def test_what_lies_beyond_the_compiled_horizon_is_shown_and_told_with_its_publication(desk: Desk) -> None:
    far = desk.override("add", 6, 24 * 120, 24 * 120 + 8)
    shown = await desk.publish(far, dry_run=True)
    done = await desk.publish(far)
    for answer in (shown, done):
        assert [(s["doctor"], s["from"][:10]) for s in answer["added"]] == [(desk.ids[5], desk.at(24 * 120)[:10])]
    [row] = await desk.staff.execute(
        "SELECT data FROM event WHERE type = 'duty.moved' AND at = :now AND chain = :chain",
        now=desk.now,
        chain=f"user:{desk.ids[5]}",
    )
    assert row.data["added"]
    [made] = done["changes"]
    taken_back = await desk.publish({"op": "delete", "kind": "override", "id": made["id"]})
    assert taken_back["removed"] == done["added"]


async def test_a_holiday_beyond_the_compiled_horizon_is_shown_with_its_publication(desk: Desk) -> None:
    admin, path = desk.staff["tn-quantri"], f"/hospitals/{desk.hospital}/rota"
    day = (desk.now + timedelta(days=200)).date().isoformat()
    layer = {"role": "primary", "priority": 9, "on": "holiday", "turns": [[desk.ids[5]]]}
    put = await desk.publish({"op": "put", "kind": "layer", "body": layer})
    off = {"op": "put", "kind": "holiday", "body": {"date": day, "kind": "off", "name": "Ngày của bệnh viện"}}
    version = (await admin.get(path)).json()["version"]
    answer = (await admin.post(path, {"version": version, "changes": [off], "dry_run": True})).json()
    assert desk.ids[5] in {slot["doctor"] for slot in answer["added"] if slot["to"][:10] >= day}
    await desk.publish({"op": "delete", "kind": "layer", "id": put["changes"][0]["id"]})


async def test_an_override_that_moves_nobody_and_a_rota_that_needs_nobody_are_warned_of(desk: Desk) -> None:
    [on] = await desk.on(at=desk.at(1))
    number = desk.ids.index(on) + 1
    other = next(n for n in (1, 2, 3, 4) if n != number)
    nothing = {"op": "put", "kind": "settings", "body": {"required_roles": []}}
    variants = [
        (desk.override("remove", number, 1, 1.5), set()),
        (desk.override("replace", number, 1, 1.5, by=6), set()),
        (desk.override("add", 6, 1, 1.5), set()),
        (desk.override("remove", other, 1, 1.5), {"no_effect"}),
        (desk.override("replace", other, 1, 1.5, by=6), {"no_effect"}),
        (desk.override("add", number, 1, 1.5), {"no_effect"}),
        (nothing, {"no_required_roles"}),
    ]
    for change, expected in variants:
        done = await desk.publish(change, dry_run=True, by=desk.staff["tn-quantri"])
        new = {warning["code"] for warning in done["warnings"] if warning["new"]}
        assert new & {"no_effect", "no_required_roles"} == expected, change


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


AGAIN = {
    "ex_override_one_of_a_kind": """
INSERT INTO override (id, schedule_id, role, kind, doctor_id, during, reason, made_at)
SELECT gen_random_uuid(), schedule_id, role, kind, doctor_id, during, '', made_at FROM override LIMIT 1
""",
    "ex_duty_slot_one_doctor_once": """
INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during)
SELECT gen_random_uuid(), schedule_id, doctor_id, role,
       tstzrange(lower(during) + interval '1 minute', upper(during) + interval '1 minute')
FROM duty_slot LIMIT 1
""",
}


@pytest.mark.parametrize("constraint", AGAIN)
async def test_the_database_itself_refuses_what_may_not_overlap(desk: Desk, constraint: str) -> None:
    await desk.publish(desk.override("add", 5, 1, 2))
    with pytest.raises(IntegrityError, match=constraint):
        await desk.staff.execute(AGAIN[constraint])


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
    [row] = await desk.staff.execute(
        "SELECT data, actor_id FROM event WHERE type = 'rota.published' AND at = :now", now=desk.now
    )
    assert str(row.actor_id) == desk.ids[0]
    assert row.data["reason"] == "Đổi ca"
    assert row.data["changes"][0]["after"]["reason"] == "Đi hội nghị"
    assert row.data["added_total"] == row.data["removed_total"] == 1
    for person in (first, second, board):
        await person.disconnect()


async def test_a_temporary_rota_replaces_its_roles_and_leaves_its_own_gaps(desk: Desk) -> None:
    shift = {"role": "primary", "doctor": desk.ids[5], "from": desk.at(1), "to": desk.at(3)}
    body = {"roles": ["primary"], "from": desk.at(1), "to": desk.at(6), "shifts": [shift], "reason": "Tết"}
    done = await desk.publish({"op": "put", "kind": "temporary", "body": body})
    assert {"role": "primary", "from": stamp(desk.at(3)), "to": stamp(desk.at(6)), "kind": "nobody"} in done["gaps"]
    assert "gap" in {warning["code"] for warning in done["warnings"] if warning["new"]}
    assert await desk.on(at=desk.at(2)) == [desk.ids[5]]
    assert await desk.on(at=desk.at(4)) == []
    [there] = (await desk.rota())["temporaries"]
    desk.staff.hotline.clock.advance(seconds=2 * 3600)
    longer = body | {"to": stamp(desk.at(5)), "shifts": [shift | {"to": stamp(desk.at(5))}]}
    done = await desk.publish({"op": "put", "kind": "temporary", "id": there["id"], "body": longer})
    assert done["changes"][0]["id"] != there["id"]
    assert await desk.on(at=desk.at(4)) == [desk.ids[5]]
    await desk.publish({"op": "delete", "kind": "temporary", "id": done["changes"][0]["id"]})
    assert (await desk.rota())["temporaries"] == []


async def test_a_layer_is_put_replaced_and_deleted_and_settings_keep_what_they_do_not_name(desk: Desk) -> None:
    body = {"role": "backup", "priority": 9, "turns": [[desk.ids[4]]], "windows": [{"start": "20:00", "end": "08:00"}]}
    done = await desk.publish({"op": "put", "kind": "layer", "body": body | {"name": "Đêm"}})
    id_ = done["changes"][0]["id"]
    layer = next(layer for layer in (await desk.rota())["layers"] if layer["id"] == id_)
    assert (layer["name"], layer["rotation"], len(layer["windows"][0]["days"])) == ("Đêm", None, 7)
    assert {slot["doctor"] for slot in done["added"]} == {desk.ids[4]}
    empty = {"op": "put", "kind": "layer", "id": id_, "body": body | {"turns": [[]]}}
    assert "empty_layer" in {warning["code"] for warning in (await desk.publish(empty))["warnings"]}
    settings_ = {"op": "put", "kind": "settings", "body": {"rest_hours": 10, "required_roles": ["primary"]}}
    admin, gone = desk.staff["tn-quantri"], {"op": "delete", "kind": "layer", "id": id_}
    assert (await desk.send(gone, settings_)).status_code == 403  # whom a rota must have is not its head's to say
    await desk.publish(gone, settings_, by=admin)
    rota = await desk.rota()
    assert (rota["rest_hours"], rota["required_roles"], rota["head"]) == (10, ["primary"], desk.ids[0])
    assert id_ not in {layer["id"] for layer in rota["layers"]}
    back = {"rest_hours": 12, "required_roles": rota["roles"]}
    await desk.publish({"op": "put", "kind": "settings", "body": back}, by=admin)


async def test_holidays_are_the_administrators_and_move_every_desk_of_the_hospital(desk: Desk) -> None:
    admin = desk.staff["tn-quantri"]
    day = (desk.now + timedelta(days=20)).date().isoformat()
    layer = {"role": "primary", "priority": 9, "on": "holiday", "turns": [[desk.ids[5]]]}
    put = await desk.publish({"op": "put", "kind": "layer", "body": layer})
    assert put["added"] == put["removed"] == []
    off = {"op": "put", "kind": "holiday", "body": {"date": day, "kind": "off", "name": "Ngày của bệnh viện"}}
    assert (await desk.send(off)).status_code == 403
    path = f"/hospitals/{desk.hospital}/rota"
    version = (await admin.get(path)).json()["version"]
    answer = await admin.post(path, {"version": version, "changes": [off]})
    assert answer.status_code == 200, answer.text
    assert {(slot["doctor"], slot["desk"]) for slot in answer.json()["added"]} == {(desk.ids[5], desk.id)}
    again = await admin.post(path, {"version": version + 1, "changes": [off]})
    assert (again.status_code, again.json()["kind"], again.json()["from"]) == (409, "holiday", day)
    listed = (await admin.get("/holidays", year=int(day[:4]))).json()["items"]
    assert [(h["date"], h["name"], h["hospital"]) for h in listed] == [(day, "Ngày của bệnh viện", desk.hospital)]
    await desk.publish({"op": "delete", "kind": "layer", "id": put["changes"][0]["id"]})


async def test_holidays_of_a_year_that_comes_move_duty_and_whoever_is_moved_is_told(desk: Desk) -> None:
    house, doctor = desk.staff.hotline.app.state.house, desk.ids[5]
    layer = {"role": "primary", "priority": 9, "on": "holiday", "turns": [[doctor]]}
    put = await desk.publish({"op": "put", "kind": "layer", "body": layer})
    told = []
    for begins in (True, False):  # a house that has just been set up tells nobody of what nobody knew
        await desk.staff.execute("DELETE FROM holiday" + ("" if begins else " WHERE day > '2026-12-31'"))
        async with house.work(None) as work:
            assert await holidays.seed(work) > 10
            await house.commit(work)
        moved = "SELECT data FROM event WHERE type = 'duty.moved' AND data ->> 'doctor' = :d AND data ->> 'at' = :at"
        at = desk.now.isoformat().replace("+00:00", "Z")
        told.append([row.data["added"] for row in await desk.staff.execute(moved, d=doctor, at=at)])
        new_year = datetime(2027, 1, 1, 3, tzinfo=UTC)
        assert doctor in {slot[0] for slot in (await desk.slots()).values() if slot[2] <= new_year < slot[3]}
        desk.staff.hotline.clock.advance(seconds=1)
    assert told[0] == []
    assert told[1][0][0]["from"][:10] == "2026-12-31"
    await desk.publish({"op": "delete", "kind": "layer", "id": put["changes"][0]["id"]})


async def test_a_coordinator_makes_overrides_that_start_within_a_day_and_nothing_else(desk: Desk) -> None:
    coordinator = desk.staff["tn-dieuphoi-1"]
    soon, late = desk.override("add", 5, 23, 30), desk.override("add", 6, 25, 30)
    assert (await desk.send(soon, by=coordinator)).status_code == 200
    assert (await desk.send(late, by=coordinator)).status_code == 403
    await desk.publish(late)
    ids = {o["doctor"]: o["id"] for o in (await desk.rota())["overrides"]}
    for doctor, status in ((6, 403), (5, 200)):
        answer = await desk.send({"op": "delete", "kind": "override", "id": ids[desk.ids[doctor - 1]]}, by=coordinator)
        assert answer.status_code == status
    settings_ = {"op": "put", "kind": "settings", "body": {"rest_hours": 1}}
    assert (await desk.send(settings_, by=coordinator)).status_code == 403
    made = {  # by whom, and for how many hours; the third is nothing that a night undoes
        (await desk.publish(desk.override("add", doctor, 0, hours), by=by))["changes"][0]["id"]: theirs
        for doctor, hours, by, theirs in (
            (2, 12, desk.head, True),
            (3, 900, coordinator, True),
            (5, 900, desk.head, False),
        )
    }
    desk.staff.hotline.clock.advance(hours=1)
    listed = {o["id"]: o["may"] == ["edit"] for o in (await desk.rota(coordinator))["overrides"] if o["id"] in made}
    assert listed == made
    assert all(o["may"] == ["edit"] for o in (await desk.rota())["overrides"])
    for id_, theirs in made.items():
        later = desk.override("add", 6, 1, 2) | {"id": id_}
        for change in (later, {"op": "delete", "kind": "override", "id": id_}):
            answer = await desk.send(change, by=coordinator, dry_run=True)
            assert answer.status_code == (200 if theirs else 403), answer.text
    assert (await desk.send(soon, by=desk.doctors[1])).status_code == 403
    assert (await desk.send(soon, by=desk.staff["tudu-sanphu-1"])).status_code == 404


async def test_the_first_publication_makes_the_rota_and_two_at_once_make_one(desk: Desk) -> None:
    admin = desk.staff["tn-quantri"]
    [row] = await desk.staff.execute(
        "INSERT INTO desk (id, key, hospital_id, specialty, name, active) "
        "VALUES (gen_random_uuid(), 'tn-moi', CAST(:h AS uuid), 'K04', 'Bàn trực mới', true) RETURNING id",
        h=desk.hospital,
    )
    path = f"/desks/{row.id}/rota"
    empty = (await admin.get(path)).json()
    assert (empty["version"], empty["layers"], empty["head"]) == (0, [], None)
    layer = {"op": "put", "kind": "layer", "body": {"role": "primary", "turns": [[desk.ids[0]]]}}
    edit: Json = {"version": 0, "changes": [layer]}
    shown = (await admin.post(path, edit | {"dry_run": True})).json()
    assert (await admin.get(path)).json()["version"] == 0
    answers = await asyncio.gather(*(admin.post(path, edit) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    done = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (done["version"], done["slots"]) == (1, shown["slots"])
    assert (await admin.get(path)).json()["required_roles"] == ["primary"]
    assert {w["code"] for w in done["warnings"]} >= {"two_desks", "long_duty"}
    starts = await desk.staff.execute(
        "SELECT lower(d.during) AS start FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id WHERE s.desk_id = :d",
        d=row.id,
    )
    assert [r.start for r in starts] == [desk.now]  # nobody was on duty before it was published
    await desk.staff.execute("DELETE FROM schedule WHERE desk_id = :d", d=row.id)
    await desk.staff.execute("DELETE FROM desk WHERE id = :d", d=row.id)


def wrong_changes(desk: Desk) -> list[tuple[Json, str]]:
    """A change that cannot be, and the place that the answer must name."""
    stranger, nobody = desk.staff.id_of(desk.staff["tn-nhi-1"]), str(uuid4())
    elsewhere = desk.staff.id_of(desk.staff["mocchau-capcuu-1"])
    layer: Json = {"role": "primary", "turns": [[desk.ids[0]]]}
    override = desk.override("add", 5, 1, 2)["body"]
    shift = {"role": "primary", "doctor": desk.ids[0], "from": desk.at(1), "to": desk.at(2)}
    temporary: Json = {"roles": ["primary"], "from": desk.at(1), "to": desk.at(2), "shifts": [shift]}
    window = {"start": "08:00", "end": "16:00"}

    def put(kind: str, body: Any, **rest: Any) -> Json:
        return {"op": "put", "kind": kind, "body": body, **rest}

    return [
        ({"op": "put", "kind": "layer"}, "body"),
        ({"op": "put", "kind": "king", "body": {}}, "kind"),
        ({"op": "burn", "kind": "layer", "body": layer}, "op"),
        ({"op": "delete", "kind": "layer"}, "id"),
        ({"op": "delete", "kind": "layer", "id": nobody}, "id"),
        ({"op": "delete", "kind": "settings"}, "kind"),
        (put("layer", layer, id=nobody), "id"),
        (put("layer", "x"), "body"),
        (put("layer", layer | {"colour": "red"}), "body.colour"),
        (put("layer", layer | {"role": "leadership"}), "body.role"),
        (put("layer", layer | {"role": "king"}), "body.role"),
        (put("layer", layer | {"turns": []}), "body.turns"),
        (put("layer", layer | {"turns": [[stranger]]}), "body.turns.0.0"),
        (put("layer", layer | {"turns": [[desk.ids[0], desk.ids[0]]]}), "body.turns.0.1"),
        (put("layer", layer | {"turns": [[nobody]]}), "body.turns.0.0"),
        (put("layer", layer | {"turns": [["x"]]}), "body.turns.0.0"),
        (put("layer", layer | {"turns": [[desk.ids[0]], [desk.ids[1]]]}), "body.rotation"),
        (put("layer", layer | {"priority": 10**6}), "body.priority"),
        (put("layer", layer | {"on": "monday"}), "body.on"),
        (put("layer", layer | {"windows": []}), "body.windows"),
        (put("layer", layer | {"windows": [window | {"end": "25:00"}]}), "body.windows.0.end"),
        (put("layer", layer | {"windows": [window, window | {"end": "07:00", "plus_days": 0}]}), "body.windows.1.end"),
        (put("layer", layer | {"windows": [window | {"days": ["monday"]}]}), "body.windows.0.days.0"),
        (put("layer", layer | {"rotation": {"unit": "month", "anchor": "2026-01-01T08:00"}}), "body.rotation.unit"),
        (put("layer", layer | {"rotation": {"unit": "day", "anchor": "2026-02-30T08:00"}}), "body.rotation.anchor"),
        (put("layer", layer | {"rotation": {"unit": "day", "anchor": "2026-02-03T08:00Z"}}), "body.rotation.anchor"),
        (put("override", override | {"kind": "swap"}), "body.kind"),
        (put("override", override | {"doctor": stranger}), "body.doctor"),
        (put("override", override | {"kind": "remove", "doctor": nobody}), "body.doctor"),
        (put("override", override | {"kind": "remove", "doctor": elsewhere}), "body.doctor"),
        (put("override", override | {"kind": "replace", "doctor": nobody, "by": desk.ids[0]}), "body.doctor"),
        (put("override", override | {"by": desk.ids[0]}), "body.by"),
        (put("override", override | {"kind": "replace"}), "body.by"),
        (put("override", override | {"kind": "replace", "by": stranger}), "body.by"),
        (put("override", override | {"kind": "replace", "by": override["doctor"]}), "body.by"),
        (put("override", override | {"reason": " "}), "body.reason"),
        (put("override", override | {"from": desk.at(3)}), "body.to"),
        (put("override", override | {"from": desk.at(-5), "to": desk.at(-4)}), "body.to"),
        (put("override", override | {"to": desk.at(24 * 500)}), "body.to"),
        (put("override", override | {"from": "2026-11-27T08:00"}), "body.from"),
        (put("override", override | {"to": "9999-12-31T23:59:59Z"}), "body.to"),
        (put("temporary", temporary | {"roles": []}), "body.roles"),
        (put("temporary", temporary | {"roles": ["backup"]}), "body.shifts.0.role"),
        (put("temporary", temporary | {"roles": ["primary", "leadership"]}), "body.roles.1"),
        (put("temporary", temporary | {"shifts": [shift | {"doctor": stranger}]}), "body.shifts.0.doctor"),
        (put("temporary", temporary | {"shifts": [shift | {"to": desk.at(1)}]}), "body.shifts.0.to"),
        (
            put("temporary", temporary | {"shifts": [shift | {"from": desk.at(2), "to": desk.at(3)}]}),
            "body.shifts.0.from",
        ),
        (put("settings", {"zone": "Mars/Olympus"}), "body.zone"),
        (put("settings", {"zone": "../etc/passwd"}), "body.zone"),
        *((put("settings", {"zone": name}), "body.zone") for name in ("localtime", "posixrules", "Factory")),
        (put("settings", {"head": stranger[:-1]}), "body.head"),
        (put("settings", {"head": desk.staff.id_of(desk.staff["tudu-sanphu-1"])}), "body.head"),
        (put("settings", {"required_roles": ["coordinator"]}), "body.required_roles.0"),
        (put("settings", {"rest_hours": -1}), "body.rest_hours"),
        (put("settings", {"rest_hours": 8}, id=nobody), "id"),
    ]


async def test_every_error_names_its_place_in_both_languages_and_saves_nothing(desk: Desk) -> None:
    before, good, admin = await desk.rota(), desk.override("add", 6, 3, 4), desk.staff["tn-quantri"]
    for change, place in wrong_changes(desk):
        said = set()
        for language in ("vi", "en"):
            headers = admin.headers | {"Idempotency-Key": str(uuid4()), "Accept-Language": language}
            body = {"version": before["version"], "changes": [good, change]}
            answer = await desk.staff.hotline.http.post(f"/api/v1{desk.path}", json=body, headers=headers)
            assert answer.status_code == 422, (change, answer.text)
            errors = {error["field"]: error["detail"] for error in answer.json()["errors"]}
            assert f"changes.1.{place}" in errors, (change, answer.text)
            said.add(errors[f"changes.1.{place}"])
        assert len(said) == 2, (change, said)
    assert await desk.rota() == before
    for body, field in (
        ({"changes": []}, "version"),
        ({"version": -1, "changes": []}, "version"),
        ({"version": before["version"], "changes": [good], "dry_run": None}, "dry_run"),
        ({"version": 2**40, "changes": []}, "version"),
        ({"version": before["version"], "changes": []}, "changes"),
        ({"version": before["version"], "changes": [good] * 101}, "changes"),
        ({"version": before["version"], "changes": [], "dry_run": True, "to": desk.at(-1)}, "to"),
        ({"version": before["version"], "changes": [], "dry_run": True, "to": desk.at(24 * 101)}, "to"),
    ):
        answer = await desk.head.post(desk.path, body)
        assert answer.status_code == 422, (body, answer.text)
        assert field in {error["field"] for error in answer.json()["errors"]}, answer.text


async def test_people_of_another_hospital_are_not_told_from_nobody(desk: Desk) -> None:
    elsewhere = desk.staff.id_of(desk.staff["mocchau-capcuu-1"])
    override = desk.override("add", 5, 1, 2)["body"]
    shift = {"role": "primary", "from": desk.at(1), "to": desk.at(2)}
    temporary: Json = {"roles": ["primary"], "from": desk.at(1), "to": desk.at(2)}
    said: list[Json] = []
    for person in (elsewhere, str(uuid4())):
        bodies: list[tuple[str, Json]] = [
            ("override", override | {"doctor": person}),
            ("override", override | {"kind": "remove", "doctor": person}),
            ("override", override | {"kind": "replace", "by": person}),
            ("layer", {"role": "primary", "turns": [[person]]}),
            ("temporary", temporary | {"shifts": [shift | {"doctor": person}]}),
            ("settings", {"head": person}),
        ]
        changes = [{"op": "put", "kind": kind, "body": body} for kind, body in bodies]
        refused = await desk.send(*changes, by=desk.staff["tn-quantri"])
        assert refused.status_code == 422, refused.text
        said.append(refused.json()["errors"])
    assert said[0] == said[1]
    assert len(said[0]) == 6


async def test_late_truth_is_appended_for_the_past_only_and_moves_nothing(desk: Desk) -> None:
    desk.staff.hotline.clock.advance(seconds=3 * 3600)
    [on] = await desk.on(at=desk.at(-1))
    span = {"role": "primary", "from": desk.at(-2), "to": desk.at(-1), "reason": "Ốm, đổi qua điện thoại"}

    async def hours() -> dict[str, float]:
        read = await desk.head.get(f"/desks/{desk.id}/load", **{"from": desk.at(-2.5), "to": desk.at(-0.5)})
        return {item["doctor"]: item["hours"] for item in read.json()["items"]}

    before, path = await desk.slots(), f"/desks/{desk.id}/duty-corrections"
    served = await hours()
    other = next(id_ for id_ in desk.ids if id_ not in served)
    beside = {role for role in DESK_ROLES if role != "primary" and on in await desk.on(role, at=desk.at(-1.5))}
    bodies = [{"doctor": on, "by": other}, {"doctor": on}, {"by": other}, *({"doctor": on, "role": r} for r in beside)]
    for body in bodies:
        answer = await desk.head.post(path, span | body)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["doctor"], answer.json()["by"]) == (body.get("doctor"), body.get("by"))
    assert await desk.slots() == before
    assert await hours() == served | {on: 1.0, other: 1.0}  # a report, which says who was there
    for wrong, field in (
        (span, "doctor"),
        (span | {"doctor": on, "by": on}, "by"),
        (span | {"doctor": other}, "doctor"),
        (span | {"doctor": on, "to": desk.at(1)}, "to"),
        (span | {"doctor": on, "from": desk.at(-24 * 500)}, "from"),
        (span | {"doctor": on, "role": "leadership"}, "role"),
        (span | {"doctor": on, "by": str(uuid4())}, "by"),
        (span | {"doctor": on, "reason": ""}, "reason"),
    ):
        answer = await desk.head.post(path, wrong)
        assert answer.status_code == 422, (wrong, answer.text)
        assert field in {error["field"] for error in answer.json()["errors"]}, (wrong, answer.text)
    assert (await desk.staff["tn-dieuphoi-1"].post(path, span | {"doctor": on})).status_code == 403
    assert (await desk.staff["tudu-sanphu-1"].post(path, span | {"doctor": on})).status_code == 404


async def test_who_was_on_duty_is_read_also_when_their_account_is_closed_now(desk: Desk) -> None:
    [on] = await desk.on()
    then = desk.at(0)
    desk.staff.hotline.clock.advance(seconds=1)
    reader = desk.staff["tn-dieuphoi-1"]
    await desk.staff.execute("UPDATE user_account SET active = false WHERE id = CAST(:id AS uuid)", id=on)
    try:
        found = {}
        for at in (then, desk.at(0)):
            read = (await reader.get(f"/desks/{desk.id}/on-call", at=at)).json()["on_call"]
            found[at] = [person["doctor"] for person in read if person["role"] == "primary"]
    finally:
        await desk.staff.execute("UPDATE user_account SET active = true WHERE id = CAST(:id AS uuid)", id=on)
    assert list(found.values()) == [[on], []]


async def test_the_duty_of_a_hospital_is_read_by_everybody(desk: Desk) -> None:
    asker = desk.staff["sonla-capcuu-1"]
    read = (await asker.get(f"/hospitals/{desk.hospital}/duty")).json()
    assert {slot["role"] for slot in read["slots"]} == {"leadership", "coordinator"}
    assert read["gaps"] == []
    [row] = await desk.staff.execute("SELECT id FROM schedule WHERE hospital_id = CAST(:h AS uuid)", h=desk.hospital)
    await desk.staff.execute(
        "INSERT INTO duty_gap (id, schedule_id, role, during, kind, found_at, told, next_told_at) VALUES "
        "(gen_random_uuid(), :s, 'leadership', tstzrange(:a, :b), 'unreachable', :a, 0, :a)",
        s=row.id,
        a=desk.now,
        b=desk.now + timedelta(hours=2),
    )
    read = (await asker.get(f"/hospitals/{desk.hospital}/duty")).json()
    assert [(gap["role"], gap["kind"]) for gap in read["gaps"]] == [("leadership", "unreachable")]
    await desk.staff.execute("DELETE FROM duty_gap")
    assert (await asker.get(f"/hospitals/{uuid4()}/duty")).status_code == 404


def stamp(text: str) -> str:
    """An instant as answers write it."""
    return text.replace("+00:00", "Z")


edits = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "replace"]),
        st.integers(1, 6),
        st.integers(1, 6),
        st.integers(-10, 200),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
async def test_whatever_is_edited_the_preview_is_what_then_is_live(desk: Desk, edit: list[tuple[Any, ...]]) -> None:
    await cleared(desk.staff)
    changes = [
        desk.override(kind, doctor, start, start + length, by=by if kind == "replace" else None)
        for kind, doctor, by, start, length in edit
        if start + length > 0 and not (kind == "replace" and by == doctor)
    ]
    version = (await desk.rota())["version"]
    shown = await desk.send(*changes, version=version, dry_run=True)
    done = await desk.send(*changes, version=version, dry_run=not changes)
    assert shown.status_code == done.status_code
    if done.status_code != 200:
        assert done.status_code == 409  # two overrides of one kind of one doctor overlap
        return
    parts = ("slots", "gaps", "added", "removed", "warnings", "from", "to")
    assert {part: shown.json()[part] for part in parts} == {part: done.json()[part] for part in parts}
    span = {"from": done.json()["from"], "to": done.json()["to"]}
    live = (await desk.head.get(f"/desks/{desk.id}/duty", **span)).json()
    of_desk = [slot for slot in live["slots"] if slot["role"] not in ("leadership", "coordinator")]
    assert of_desk == done.json()["slots"]
    assert [gap for gap in live["gaps"] if gap["role"] not in ("leadership", "coordinator")] == done.json()["gaps"]
