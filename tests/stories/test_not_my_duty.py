"""«Not my duty»: the next is rung at once, and those who keep the rota hear of it."""

from tests.staff import Staff
from tests.stories.telling import REQUESTER, listening, read


async def test_not_my_duty_rings_the_next_at_once_and_tells_the_coordinator_and_the_head_of_the_rota(
    house: Staff,
) -> None:
    requester = house[REQUESTER]
    coordinators = [p for u, p in house.by_username.items() if u.startswith("tn-dieuphoi-")]
    head = house["tn-quantri"]
    await listening(requester, head, *coordinators)
    for person in (head, *coordinators):
        await person.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    case = await house.hotline.ask("K04", by=requester)
    [first] = house.rung(case)
    await house.execute(
        "UPDATE schedule SET head_id = CAST(:head AS uuid) WHERE desk_id = CAST(:desk AS uuid)",
        head=house.id_of(head),
        desk=first.account["desk"],
    )
    for person in (head, *coordinators):
        await house.execute(
            "INSERT INTO channel (id, user_id, kind, address, position, added_at) "
            "VALUES (gen_random_uuid(), CAST(:user AS uuid), 'sms', '0912000111', 0, :now)",
            user=house.id_of(person),
            now=house.hotline.clock.now(),
        )
    await first.do(case, "refusal", {"reason": "not_on_duty"})
    [second] = house.rung(await read(requester, case))
    assert second is not first
    told = await head.hears_event("duty.disputed", case, doctor=house.id_of(first))
    assert told["s"] == f"user:{house.id_of(head)}"
    assert told["d"]["desk_name"]
    rows = await house.execute("SELECT user_id::text AS who, kind, urgent, words::text AS words FROM notice")
    told_outside = {r.who for r in rows}
    assert house.id_of(head) in told_outside
    assert told_outside & {house.id_of(c) for c in coordinators}
    assert {(r.kind, r.urgent) for r in rows} == {("alarm", True)}
    assert case["patient"]["label"] not in rows[0].words
    coordinator = next(c for c in coordinators if house.id_of(c) in told_outside)
    await coordinator.hears_event("duty.disputed", case)


async def test_the_next_step_is_rung_though_others_of_the_step_still_ring(house: Staff) -> None:
    requester = house[REQUESTER]
    desk = house["tn-timmach-1"].account["desk"]
    hospital = house["tn-timmach-1"].account["hospital"]
    more = await house.newcomers(2, hospital=hospital, specialties=["K04"])
    await house.put_on_duty(more, desk=desk, role="primary")
    await house.execute(
        "UPDATE schedule SET head_id = CAST(:head AS uuid) WHERE desk_id = CAST(:desk AS uuid)",
        head=house.id_of(house["tudu-sanphu-1"]),
        desk=desk,
    )
    case = await house.hotline.ask("K04", by=requester)
    rung = house.rung(case)
    assert len(rung) == 3
    await more[0].do(case, "refusal", {"reason": "not_on_duty"})
    told = await house.execute(
        "SELECT DISTINCT s.stream FROM stream_entry s JOIN event e ON e.id = s.event_id WHERE e.type = 'duty.disputed'"
    )
    streams = {row.stream for row in told}
    assert f"user:{house.id_of(house['tn-quantri'])}" in streams  # whoever went to another hospital keeps no rota here
    assert f"user:{house.id_of(house['tudu-sanphu-1'])}" not in streams
    seen = await read(requester, case)
    assert seen["callouts"][0]["step"] == 1
    assert len(house.rung(seen)) == 3
    # Saying it a second time, or of an earlier step, does not climb further.
    await more[1].do(case, "refusal", {"reason": "not_on_duty"})
    assert (await read(requester, case))["callouts"][0]["step"] == 1
