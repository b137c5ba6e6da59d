"""A gap found on Friday and closed before the weekend, through the doors of the house."""

from datetime import timedelta

from tests.staff import Staff

HEAD = "tn-timmach-1"


async def test_a_gap_found_on_friday_is_closed_before_the_weekend(house: Staff) -> None:
    hotline, head = house.hotline, house[HEAD]
    desk = head.account["desk"]
    friday = hotline.clock.advance(days=3, hours=5)  # 08:04
    hotline.watch = True
    await hotline.run_due()
    saturday = (friday + timedelta(days=1)).replace(hour=1, minute=0)
    [away] = [
        s
        for s in (await head.get(f"/desks/{desk}/duty", **{"from": saturday.isoformat()})).json()["slots"]
        if s["role"] == "primary" and s["from"] == saturday.isoformat().replace("+00:00", "Z")
    ]
    rota = (await head.get(f"/desks/{desk}/rota")).json()
    span = {"from": away["from"], "to": away["to"]}
    leave = {"kind": "remove", "role": "primary", "doctor": away["doctor"], "reason": "Ốm"} | span
    change = {"op": "put", "kind": "override", "body": leave}
    shown = await head.post(f"/desks/{desk}/rota", {"version": rota["version"], "dry_run": True, "changes": [change]})
    assert shown.json()["gaps"], shown.text
    assert (await head.get("/gaps", desk=desk)).json()["items"] == []  # nothing was saved
    await head.connect()
    coordinator = await house["tn-dieuphoi-1"].connect()
    saved = await head.post(f"/desks/{desk}/rota", {"version": rota["version"], "dry_run": False, "changes": [change]})
    assert saved.status_code in (200, 201), saved.text

    # The head is told at once; the coordinator sees it on the board and is told, because it is within a day.
    told = await head.hears_event("duty.gap_found", role="primary", desk=desk)
    [gap] = (await head.get("/gaps", desk=desk)).json()["items"]
    assert (told["d"]["gap_id"], gap["from"], gap["hours_left"] < 24) == (gap["id"], away["from"], True)
    await coordinator.hears_event("duty.gap_found", gap_id=gap["id"])
    await hotline.fast_forward(hours=2)
    assert (await head.hears_event("duty.gap_told", told=3))["d"]["gap_id"] == gap["id"]

    # Somebody steps in for a part, and then for the rest.
    half = saturday + timedelta(hours=12)
    found = (await head.get(f"/desks/{desk}/duty", **{"from": saturday.isoformat()})).json()["slots"]
    other = next(s["doctor"] for s in found if s["role"] == "head_of_shift")
    for start, end, left in ((away["from"], half.isoformat(), 1), (half.isoformat(), away["to"], 0)):
        body = {"kind": "add", "role": "primary", "doctor": other, "from": start, "to": end, "reason": "Thay"}
        version = (await head.get(f"/desks/{desk}/rota")).json()["version"]
        answer = await head.post(
            f"/desks/{desk}/rota",
            {"version": version, "dry_run": False, "changes": [{"op": "put", "kind": "override", "body": body}]},
        )
        assert answer.status_code in (200, 201), answer.text
        items = (await head.get("/gaps", desk=desk)).json()["items"]
        assert [i["id"] for i in items] == [gap["id"]] * left
    closed = await coordinator.hears_event("duty.gap_closed", gap_id=gap["id"])
    assert closed["d"]["why"] == "filled"
    await hotline.fast_forward(hours=3)
    assert (await head.get("/gaps", desk=desk)).json()["items"] == []
