"""A gap in a rota is found when it is made, told until it is closed, and shown to whoever must act."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.hotline import Person
from tests.staff import Staff
from tests.watch.ward import Ward, facts

FRIDAY = datetime(2026, 11, 27, 13, tzinfo=UTC)  # 20:00 in Vietnam
SATURDAY = datetime(2026, 11, 28, 1, tzinfo=UTC)


async def until(desk: Ward, at: datetime) -> None:
    await desk.hotline.fast_forward(seconds=(at - desk.now).total_seconds())


async def test_the_demo_has_no_gaps_and_nobody_is_told_of_any(house: Staff) -> None:
    assert await facts(house, "duty.gap_found", "duty.unreachable", "duty.check_asked") == []
    assert (await house["tn-timmach-1"].get("/gaps")).json() == {"items": []}


async def test_a_gap_is_found_and_told_with_the_publication_that_makes_it_and_closed_with_the_one_that_fills_it(
    desk: Ward,
) -> None:
    await desk.head.connect()
    await desk.remove("backup", FRIDAY, SATURDAY)
    told = await desk.head.hears_event("duty.gap_found")
    [gap] = await desk.gaps()
    assert told["d"]["gap_id"] == gap["id"]
    assert (gap["role"], gap["from"], gap["to"], gap["kind"]) == (
        "backup",
        "2026-11-27T13:00:00Z",
        "2026-11-28T01:00:00Z",
        "nobody",
    )
    assert (gap["told"], gap["running"], gap["desk"]) == (1, False, desk.desk)
    await desk.publish(desk.without_overrides())
    assert await desk.gaps() == []
    closed = await desk.head.hears_event("duty.gap_closed")
    assert (closed["d"]["gap_id"], closed["d"]["why"]) == (gap["id"], "filled")
    chains = [(f.type, f.chain.partition(":")[0]) for f in await facts(desk.staff, "duty.gap_found", "duty.gap_closed")]
    assert sorted(chains) == sorted(
        [(kind, chain) for kind in ("duty.gap_found", "duty.gap_closed") for chain in ("hospital", "user")]
    )


async def test_a_gap_that_nobody_fills_is_told_ever_more_often_and_is_an_alarm_while_it_runs(desk: Ward) -> None:
    await desk.staff.execute(
        "INSERT INTO channel (id, user_id, kind, address, position, added_at) "
        "VALUES (:id, CAST(:user AS uuid), 'email', 'head@example.vn', 1, :now)",
        id=uuid4(),
        user=desk.staff.id_of(desk.head),
        now=desk.now,
    )
    coordinator = await desk.coordinator()
    await desk.remove("backup", FRIDAY, SATURDAY)

    async def told(person: Person) -> int:
        chain = f"user:{desk.staff.id_of(person)}"
        return len(await facts(desk.staff, "duty.gap_found", "duty.gap_told", chain=chain))

    assert (await told(desk.head), await told(coordinator)) == (1, 0)
    await until(desk, FRIDAY - timedelta(hours=72))  # the pace changes
    assert await told(desk.head) == 2
    await until(desk, FRIDAY - timedelta(hours=24, seconds=1))
    assert (await told(desk.head), await told(coordinator)) == (2 + 7, 0)
    await until(desk, FRIDAY - timedelta(seconds=1))
    assert await told(desk.head) == 9 + 24
    on_duty = await desk.coordinator()
    assert await told(on_duty) > 0
    board = f"hospital:{desk.hospital}"
    assert await facts(desk.staff, "duty.gap_told", chain=board) == []
    await until(desk, FRIDAY + timedelta(minutes=30))
    running = await facts(desk.staff, "duty.gap_told", chain=board)
    assert [f.data["running"] for f in running] == [True] * 4
    [gap] = await desk.gaps()
    assert (gap["running"], gap["hours_left"], gap["told"]) == (True, 0.0, 33 + 4)
    sent = await desk.staff.execute(
        "SELECT key, urgent FROM notice WHERE kind = 'gap' AND address = 'head@example.vn' AND user_id = "
        "CAST(:head AS uuid)",
        head=desk.staff.id_of(desk.head),
    )
    assert len({row.key for row in sent}) == len(sent) == 37
    assert sum(row.urgent for row in sent) == 4
    await until(desk, SATURDAY)
    assert await desk.gaps() == []
    [closed] = await facts(desk.staff, "duty.gap_closed")
    assert (closed.data["why"], closed.data["to"]) == ("passed", "2026-11-28T01:00:00Z")
    assert [row.state for row in await desk.staff.execute("SELECT DISTINCT state FROM notice WHERE kind = 'gap'")] == [
        "stopped"
    ]


async def test_a_gap_that_shrinks_or_moves_is_the_same_gap_and_alarms_nobody_anew(desk: Ward) -> None:
    await desk.remove("backup", FRIDAY, SATURDAY)
    [gap] = await desk.gaps()
    [substitute] = await desk.staff.newcomers(1, hospital=desk.hospital, specialties=["K04"])
    await desk.publish(desk.override("add", substitute, FRIDAY, FRIDAY + timedelta(hours=4), role="backup"))
    [shrunk] = await desk.gaps()
    assert (shrunk["id"], shrunk["from"], shrunk["told"]) == (gap["id"], "2026-11-27T17:00:00Z", 1)
    middle = FRIDAY + timedelta(hours=6)
    await desk.publish(desk.override("add", substitute, middle, middle + timedelta(hours=1), role="backup"))
    parts = await desk.gaps()
    assert [(p["from"], p["told"]) for p in parts] == [("2026-11-27T17:00:00Z", 1), ("2026-11-27T20:00:00Z", 1)]
    assert [p["found_at"] for p in parts] == [gap["found_at"]] * 2
    await desk.hotline.run_due()
    head = f"user:{desk.staff.id_of(desk.head)}"
    assert [f.type for f in await facts(desk.staff, "duty.gap_found", "duty.gap_told", chain=head)] == [
        "duty.gap_found"
    ]
    assert len(await facts(desk.staff, "duty.gap_moved")) == 2


async def test_a_gap_that_begins_earlier_than_was_told_is_told_at_once(desk: Ward) -> None:
    await desk.remove("backup", FRIDAY, SATURDAY)
    [gap] = await desk.gaps()
    await desk.publish(desk.without_overrides())
    await desk.remove("backup", FRIDAY, SATURDAY)
    [again] = await desk.gaps()
    assert again["id"] != gap["id"]  # it was closed meanwhile
    await desk.remove("backup", FRIDAY - timedelta(hours=6), FRIDAY)
    await desk.hotline.run_due()
    [nearer] = await desk.gaps()
    assert (nearer["id"], nearer["from"], nearer["told"]) == (again["id"], "2026-11-27T07:00:00Z", 2)


async def test_a_desk_without_a_rota_is_a_gap_that_becomes_its_rotas(desk: Ward) -> None:
    [row] = await desk.staff.execute(
        "INSERT INTO desk (id, key, hospital_id, specialty, name, active) "
        "VALUES (:id, 'tn-moi', CAST(:h AS uuid), 'K28', 'Bàn trực mới', true) RETURNING id",
        id=uuid4(),
        h=desk.hospital,
    )
    new = str(row.id)
    await desk.hotline.fast_forward(hours=1)
    admin = desk.staff["tn-quantri"]
    [gap] = (await admin.get("/gaps", desk=new)).json()["items"]
    assert (gap["role"], gap["schedule"], gap["running"], gap["desk_name"]) == ("primary", None, True, "Bàn trực mới")
    assert await facts(desk.staff, "duty.gap_found", chain=f"user:{desk.staff.id_of(admin)}")
    before = gap["told"]
    await desk.hotline.fast_forward(minutes=10)
    [gap] = (await admin.get("/gaps", desk=new)).json()["items"]
    assert gap["told"] == before + 1
    schedule = uuid4()
    await desk.staff.execute(
        "INSERT INTO schedule (id, desk_id, zone, required_roles, version, compiled_until) "
        "VALUES (:id, CAST(:desk AS uuid), 'Asia/Ho_Chi_Minh', '[\"primary\"]', 1, :until)",
        id=schedule,
        desk=new,
        until=desk.now + timedelta(days=90),
    )
    await desk.hotline.app.state.watches.look()
    [same] = (await admin.get("/gaps", desk=new)).json()["items"]
    assert (same["id"], same["schedule"], same["from"]) == (gap["id"], str(schedule), gap["from"])
    doctor = desk.staff["tn-timmach-1"]
    await desk.staff.put_on_duty([doctor], desk=new, role="primary", hours=24 * 20)
    await desk.hotline.app.state.watches.look()
    assert (await admin.get("/gaps", desk=new)).json() == {"items": []}


async def test_the_window_moves_and_a_closed_account_is_a_gap(desk: Ward) -> None:
    far = desk.now + timedelta(days=14, hours=3)
    await desk.remove("primary", far, far + timedelta(hours=2))
    assert await desk.gaps() == []
    await desk.hotline.fast_forward(hours=4)
    [gap] = await desk.gaps()
    assert (gap["role"], gap["told"]) == ("primary", 1)
    [leader] = await desk.on("head_of_shift", desk.now)
    await desk.staff.execute(
        "UPDATE user_account SET active = false WHERE id = CAST(:id AS uuid)", id=desk.staff.id_of(leader)
    )
    await desk.hotline.fast_forward(hours=1)
    admin = desk.staff["tn-quantri"]
    assert {g["role"] for g in await desk.gaps(admin)} >= {"primary", "head_of_shift"}


async def test_gaps_are_read_by_their_hospital_and_by_the_head_and_by_nobody_else(desk: Ward) -> None:
    await desk.remove("backup", FRIDAY, SATURDAY)
    for reader in ("tn-timmach-2", "tn-noi-1", "tn-dieuphoi-1", "tn-quantri"):
        assert len((await desk.staff[reader].get("/gaps")).json()["items"]) == 1, reader
        assert len(await desk.gaps(desk.staff[reader])) == 1
    for stranger in ("tudu-sanphu-1", "sonla-dieuphoi-1", "sonla-quantri"):
        assert (await desk.staff[stranger].get("/gaps")).json()["items"] == []
        assert (await desk.staff[stranger].get("/gaps", desk=desk.desk)).status_code == 404
        assert (await desk.staff[stranger].get("/gaps", hospital=desk.hospital)).status_code == 404
    for nobody in ("mocchau-capcuu-1", "vanhanh", "tichhop-sonla"):
        assert (await desk.staff[nobody].get("/gaps")).status_code == 404
    assert (await desk.head.get("/gaps", desk=str(uuid4()))).status_code == 404


async def test_a_head_who_moved_to_another_hospital_hears_and_reads_no_more_of_the_rota(desk: Ward) -> None:
    await desk.staff.execute(
        "UPDATE user_account SET hospital_id = (SELECT id FROM organization WHERE key = 'mocchau') "
        "WHERE id = CAST(:id AS uuid)",
        id=desk.staff.id_of(desk.head),
    )
    await desk.remove("backup", FRIDAY, SATURDAY)
    told = {fact.chain for fact in await facts(desk.staff, "duty.gap_found") if fact.chain.startswith("user:")}
    assert told == {f"user:{desk.staff.id_of(desk.staff['tn-quantri'])}"}
    moved = await desk.hotline.sign_in(desk.head.account)
    assert (await moved.get("/gaps")).json()["items"] == []
    for path, query in (("/gaps", {"desk": desk.desk}), (f"/desks/{desk.desk}/rota", {})):
        assert (await moved.get(path, **query)).status_code == 404


@pytest.mark.parametrize("query", [{"desk": "x"}, {"hospital": "1"}])
async def test_a_filter_that_is_no_identifier_is_named(shared: Staff, query: dict) -> None:
    refused = await shared["tn-timmach-1"].get("/gaps", **query)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] in query
