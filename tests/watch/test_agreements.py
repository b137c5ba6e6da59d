"""Agreements are made and changed by either party, never overlap, and do not end without a warning."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.exc import IntegrityError

from tests.hotline import Json, Person
from tests.staff import Staff
from tests.watch.ward import facts

FROM, TO = "2026-12-01T00:00:00+07:00", "2027-12-01T00:00:00+07:00"


@pytest_asyncio.fixture
async def parties(house: Staff) -> dict[str, str]:
    """Ids of hospitals, departments and desks by their keys."""
    rows = await house.execute("SELECT key, id FROM organization UNION ALL SELECT key, id FROM desk")
    return {row.key: str(row.id) for row in rows}


def admin_of(house: Staff, hospital: str) -> Person:
    return next(
        p for p in house.by_username.values() if p.account["role"] == "admin" and p.account["hospital"] == hospital
    )


def body(parties: dict[str, str], **more: Any) -> Json:
    wanted = {
        "asking": parties["mocchau"],
        "answering": parties["tn"],
        "specialty": "K04",
        "from": FROM,
        "to": TO,
        "desks": [parties["tn-timmach"]],
        "title": "Thỏa thuận Tim mạch",
    } | more
    return {name: value for name, value in wanted.items() if value is not None}


def fields(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


async def test_either_party_makes_it_and_both_read_it_and_routing_follows_it(house: Staff, parties: dict) -> None:
    mine, theirs = admin_of(house, parties["mocchau"]), admin_of(house, parties["tn"])
    answer = await mine.post("/agreements", body(parties))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["state"], made["version"], made["rank"], made["may_change"]) == ("upcoming", 1, 1, True)
    assert [d["desk"] for d in made["desks"]] == [parties["tn-timmach"]]
    assert made["days_left"] == 372
    for reader in (mine, theirs, house["tn-dieuphoi-1"]):
        items = (await reader.get("/agreements", party=parties["mocchau"], state="upcoming")).json()["items"]
        assert [i["id"] for i in items] == [made["id"]]
        assert items[0]["may_change"] is (reader.account["role"] == "admin")
    found = await facts(house, "agreement.changed")
    assert sorted(f.chain for f in found) == sorted(f"hospital:{parties[key]}" for key in ("mocchau", "tn"))
    assert found[0].data["before"] is None
    assert found[0].data["after"]["desks"] == [parties["tn-timmach"]]


async def test_a_board_hears_of_a_change_and_not_of_its_title(house: Staff, parties: dict) -> None:
    coordinator = await house["tn-dieuphoi-1"].connect()
    await admin_of(house, parties["tn"]).post("/agreements", body(parties))
    heard = await coordinator.hears_event("agreement.changed")
    assert heard["d"]["asking"] == parties["mocchau"]
    assert "Thỏa thuận Tim mạch" not in str(heard)


WRONG = [
    ({"specialty": "K99"}, "specialty"),
    ({"specialty": "K02"}, "desks.0"),
    ({"to": "2026-11-30T00:00:00+07:00"}, "to"),
    ({"from": "2020-01-01T00:00:00+07:00", "to": "2021-01-01T00:00:00+07:00"}, "to"),
    ({"from": "2026-12-01"}, "from"),
    ({"from": "2026-12-01T00:00:00"}, "from"),
    ({"from": "1066-12-01T00:00:00Z"}, "from"),
    ({"from": None}, "from"),
    ({"rank": 0}, "rank"),
    ({"rank": "1"}, "rank"),
    ({"rank": 1.5}, "rank"),
    ({"desks": []}, "desks"),
    ({"desks": None}, "desks"),
    ({"desks": ["01a1949e-d680-7a01-9b3c-6f1d20c4e811"]}, "desks.0"),
    ({"desks": ["tn-timmach", "tn-timmach"], "keys": True}, "desks.1"),
    ({"desks": ["tn-noi"], "keys": True}, "desks.0"),
    ({"asking": "01a1949e-d680-7a01-9b3c-6f1d20c4e811"}, "asking"),
    ({"asking": "mocchau"}, "asking"),
    ({"title": "x" * 301}, "title"),
    ({"titel": "x"}, "titel"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=[str(w) for w, _ in WRONG])
async def test_what_is_wrong_is_named_by_its_field(shared: Staff, wrong: Json, field: str) -> None:
    rows = await shared.execute("SELECT key, id FROM organization UNION ALL SELECT key, id FROM desk")
    parties = {row.key: str(row.id) for row in rows}
    if wrong.get("keys"):
        wrong = {"desks": [parties[key] for key in wrong["desks"]]}
    answer = await admin_of(shared, parties["tn"]).post("/agreements", body(parties, **wrong))
    if None in wrong.values():
        answer = await admin_of(shared, parties["tn"]).post(
            "/agreements", {k: v for k, v in body(parties).items() if k not in wrong}
        )
    assert field in fields(answer)


async def test_a_desk_of_another_hospital_and_a_party_that_asks_itself_are_refused(
    shared: Staff,
) -> None:
    rows = await shared.execute("SELECT key, id FROM organization UNION ALL SELECT key, id FROM desk")
    parties = {row.key: str(row.id) for row in rows}
    admin = admin_of(shared, parties["mocchau"])
    elsewhere = body(parties, answering=parties["mocchau"], asking=parties["sonla"])
    assert fields(await admin.post("/agreements", elsewhere)) == ["desks.0"]
    assert fields(await admin.post("/agreements", body(parties, answering=parties["mocchau"]))) == ["answering"]


async def test_nobody_else_makes_changes_or_reads_it(house: Staff, parties: dict) -> None:
    made = (await admin_of(house, parties["tn"]).post("/agreements", body(parties))).json()
    others = {
        "an administrator elsewhere": (admin_of(house, parties["tudu"]), 404),
        "a coordinator of a party": (house["tn-dieuphoi-1"], 403),
        "a specialist of a party": (house["tn-timmach-1"], 404),
        "a requester of a party": (house["mocchau-capcuu-1"], 404),
        "the operator": (house["vanhanh"], 404),
        "an integrator": (house["tichhop-sonla"], 404),
    }
    for who, (person, status) in others.items():
        refused = await person.patch(f"/agreements/{made['id']}", {"version": 1, "rank": 2})
        assert refused.status_code == status, (who, refused.text)
        assert (await person.post("/agreements", body(parties))).status_code == 403, who
        listed = await person.get("/agreements", party=parties["mocchau"])
        seen = [i["id"] for i in listed.json().get("items", [])]
        assert (made["id"] in seen) is (who == "a coordinator of a party"), who


async def test_a_departments_agreement_is_the_operators_and_is_read_by_its_hospitals(
    house: Staff, parties: dict
) -> None:
    operator = house["vanhanh"]
    listed = (await operator.get("/agreements", party=parties["syt-sonla"], specialty="K04")).json()["items"]
    assert len(listed) == 1
    assert listed[0]["may_change"] is True
    member = admin_of(house, parties["mocchau"])
    [read] = (await member.get("/agreements", party=parties["syt-sonla"], specialty="K04")).json()["items"]
    assert read["may_change"] is False
    refused = await member.patch(f"/agreements/{read['id']}", {"version": 1, "rank": 2})
    assert refused.status_code == 403
    done = await operator.patch(f"/agreements/{read['id']}", {"version": 1, "rank": 2})
    assert (done.json()["rank"], done.json()["version"]) == (2, 2)
    found = await facts(house, "agreement.changed")
    assert {f.chain for f in found} == {f"hospital:{parties['syt-sonla']}", f"hospital:{parties['tn']}"}
    assert (found[0].data["before"]["rank"], found[0].data["after"]["rank"]) == (1, 2)


async def test_two_terms_of_the_same_parties_for_one_specialty_are_refused_by_the_database_which_names_the_other(
    house: Staff, parties: dict
) -> None:
    admin = admin_of(house, parties["tn"])
    first = (await admin.post("/agreements", body(parties))).json()
    refused = await admin.post("/agreements", body(parties, **{"from": "2027-06-01T00:00:00+07:00", "to": None}))
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "/problems/agreement-overlaps"
    assert problem["agreement_id"] == first["id"]
    assert "Thỏa thuận Tim mạch" in problem["detail"]
    next_year = body(parties, **{"from": TO, "to": None})  # touching is not overlapping
    second = await admin.post("/agreements", next_year)
    assert second.status_code == 201
    prolonged = await admin.patch(f"/agreements/{first['id']}", {"version": 1, "to": "2028-01-01T00:00:00+07:00"})
    assert (prolonged.status_code, prolonged.json()["agreement_id"]) == (409, second.json()["id"])
    other_party = await admin_of(house, parties["sonla"]).post("/agreements", body(parties, asking=parties["sonla"]))
    assert other_party.status_code == 201
    with pytest.raises(IntegrityError):
        await house.execute(
            "INSERT INTO agreement (id, asking_id, answering_id, specialty, rank, during, title) "
            "SELECT gen_random_uuid(), asking_id, answering_id, specialty, 9, during, '' FROM agreement "
            "WHERE id = CAST(:id AS uuid)",
            id=first["id"],
        )


async def test_of_two_that_are_made_at_once_one_is_stored(house: Staff, parties: dict) -> None:
    both = (admin_of(house, parties["tn"]), admin_of(house, parties["mocchau"]))
    answers = await asyncio.gather(*(who.post("/agreements", body(parties)) for who in both for _ in range(3)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409, 409]


async def test_a_change_names_the_version_it_saw_and_what_has_passed_stays(house: Staff, parties: dict) -> None:
    admin = admin_of(house, parties["tn"])
    path = f"/agreements/{(await admin.post('/agreements', body(parties))).json()['id']}"
    stale = await admin.patch(path, {"version": 7, "rank": 3})
    assert (stale.status_code, stale.json()["version"]) == (412, 1)
    assert stale.json()["by_name"] == admin.account["name"]
    sooner = await admin.patch(path, {"version": 1, "from": "2026-11-25T00:00:00+07:00"})
    assert sooner.json()["version"] == 2
    assert fields(await admin.patch(path, {"version": 2, "from": "2026-11-23T00:00:00+07:00"})) == ["from"]
    await house.hotline.fast_forward(days=2)
    assert fields(await admin.patch(path, {"version": 2, "from": "2026-12-24T00:00:00+07:00"})) == ["from"]
    assert fields(await admin.patch(path, {"version": 2, "to": "2026-11-25T12:00:00+07:00"})) == ["to"]
    assert fields(await admin.patch(path, {"rank": 2})) == ["version"]
    assert fields(await admin.patch(path, {"version": 2, "to": TO, "endless": True})) == ["endless"]
    prolonged = await admin.patch(path, {"version": 2, "endless": True})
    assert (prolonged.json()["to"], prolonged.json()["version"]) == (None, 3)
    now = house.hotline.clock.now()
    ended = await admin.patch(path, {"version": 3, "to": (now - timedelta(seconds=3)).isoformat()})
    assert (ended.json()["state"], ended.json()["to"][:19]) == ("ended", now.isoformat()[:19])
    over = await admin.patch(path, {"version": 4, "to": "2028-01-01T00:00:00+07:00"})
    assert (over.status_code, over.json()["type"]) == (409, "/problems/agreement-ended")


async def test_both_parties_are_warned_60_30_and_7_days_ahead_and_anew_when_it_is_prolonged(
    house: Staff, parties: dict
) -> None:
    mine, theirs = admin_of(house, parties["mocchau"]), admin_of(house, parties["tn"])
    await house.execute("UPDATE session SET expires_at = '2028-01-01T00:00:00Z'")
    await theirs.connect()
    ends = datetime(2027, 1, 31, 17, tzinfo=UTC)
    made = (await theirs.post("/agreements", body(parties, to=ends.isoformat()))).json()

    async def warned() -> list[int]:
        found = await facts(house, "agreement.expiring", chain=f"user:{house.id_of(mine)}")
        return [f.data["days"] for f in found]

    watches, clock = house.hotline.app.state.watches, house.hotline.clock
    for days, expected in ((61, []), (60, [60]), (59, [60]), (29, [60, 30]), (7, [60, 30, 7]), (1, [60, 30, 7])):
        clock.advance(seconds=(ends - timedelta(days=days) - clock.now()).total_seconds())
        await watches.run_due()
        assert await warned() == expected
    heard = await theirs.hears_event("agreement.expiring", days=7)
    assert heard["d"]["agreement_id"] == made["id"]
    board = house["tn-dieuphoi-1"]
    await board.connect()
    snapshot = await board.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("hospital:"))
    [shown] = snapshot["d"]["agreements_expiring"]
    assert (shown["agreement_id"], shown["days_left"], shown["asking"]) == (made["id"], 1, parties["mocchau"])
    later = (ends + timedelta(days=50)).isoformat()
    await theirs.patch(f"/agreements/{made['id']}", {"version": 1, "to": later})
    await watches.run_due()
    assert await warned() == [60, 30, 7, 60]
