"""A drill works like a request and says so everywhere; when it turns out to be real, one tap is enough."""

from uuid import uuid4

import pytest

from tests.staff import Staff
from tests.stories.telling import CONCLUSION, DISPATCHER, REQUESTER, listening, read


@pytest.mark.parametrize("urgency", ["red", "orange", "yellow", "green"])
async def test_a_drill_rings_like_a_request_and_says_so_on_every_card_board_and_document(
    house: Staff, urgency: str
) -> None:
    requester, board = house[REQUESTER], house[DISPATCHER]
    await listening(requester, board)
    await board.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("hospital:"))
    case = await house.hotline.ask("K04", by=requester, urgency=urgency, drill=True)
    assert case["drill"] is True
    assert case["status"] == "ringing"
    assert case["patient"]["label"] == "DIỄN TẬP · MC-017"
    first = house.rung(case)[0]
    await listening(first)
    [offer] = [o for o in (await first.get("/offers")).json()["items"] if o["consultation_id"] == case["id"]]
    assert offer["card"]["drill"] is True
    assert offer["card"]["patient"]["label"].startswith("DIỄN TẬP")
    told = await board.hears_event("consultation.requested", case)
    assert told["d"]["header"]["drill"] is True
    await first.do(case, "acceptance")
    told = await requester.hears_event("offer.accepted", case)
    assert told["d"]["header"]["drill"] is True
    await first.do(case, "conclusion", CONCLUSION)
    record = (await requester.get(f"/consultations/{case['id']}/record")).json()
    assert record["drill"] is True
    assert record["text"].startswith("DIỄN TẬP")
    assert record["title"].startswith("DIỄN TẬP")
    row = next(r for r in (await requester.get("/consultations")).json()["items"] if r["id"] == case["id"])
    assert (row["drill"], row["label"]) == (True, "DIỄN TẬP · MC-017")


async def test_what_is_typed_back_with_the_mark_is_not_marked_twice_and_a_drill_stays_one(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester, drill=True)
    answer = await requester.patch(f"/consultations/{case['id']}", {"patient": {"label": case["patient"]["label"]}})
    assert answer.json()["patient"]["label"] == "DIỄN TẬP · MC-017"
    refused = await requester.patch(f"/consultations/{case['id']}", {"drill": False})
    assert refused.status_code == 422
    assert (await read(requester, case))["drill"] is True


async def test_what_is_real_rings_first_in_lists_and_timers(house: Staff) -> None:
    requester = house[REQUESTER]
    drill = await house.hotline.ask("K04", by=requester, drill=True)
    house.hotline.clock.advance(seconds=5)
    real = await house.hotline.ask("K04", by=requester)
    first = house.rung(real)[0]
    items = [o["consultation_id"] for o in (await first.get("/offers")).json()["items"]]
    assert items == [real["id"], drill["id"]]
    assert "like_open_case" not in real["warnings"], "nobody is taken for a patient of a drill"
    house.hotline.clock.advance(seconds=40)
    fired = await house.execute(
        "SELECT 1 FROM callout WHERE state = 'ringing' AND next_due_at <= :now", now=house.hotline.clock.now()
    )
    assert len(fired) == 2
    await house.hotline.app.state.timers.run_due()
    rows = await house.execute(
        "SELECT v.consultation_id::text AS id FROM event v JOIN stream_entry e ON e.event_id = v.id "
        "WHERE v.type = 'offer.undelivered' AND e.stream = :board ORDER BY e.seq",
        board=f"hospital:{requester.account['hospital']}",
    )
    assert [r.id for r in rows] == [real["id"], drill["id"]]


async def test_this_is_real_opens_a_real_case_in_one_tap_and_ends_the_drill(house: Staff) -> None:
    requester = house[REQUESTER]
    await listening(requester)
    vitals = {"taken_at": "2026-11-23T20:03:00Z", "pulse": 52}
    safety = {"allergies": {"state": "value", "text": "Penicillin"}}
    drill = await house.hotline.ask("K04", by=requester, drill=True, vitals=[vitals], safety=safety)
    [first] = house.rung(drill)
    await listening(first)
    await first.do(drill, "acceptance")
    key = str(uuid4())
    path = f"/consultations/{drill['id']}/real"
    answers = [await requester.post(path, key=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    real = answers[0].json()
    assert answers[0].headers["Location"].endswith(real["id"])
    assert answers[1].json()["id"] == real["id"]
    assert (real["drill"], real["status"]) == (False, "ringing")
    assert (real["specialty"], real["urgency"], real["question"]) == ("K04", "orange", drill["question"])
    assert real["callouts"][0]["desk"] == drill["callouts"][0]["desk"]
    assert real["patient"]["label"].startswith("TẠM-")
    assert real["vitals"] == []
    assert {fact["state"] for fact in real["safety"].values()} == {"not_asked"}
    await first.hears_event("offer.made", real)
    ended = await read(requester, drill)
    assert (ended["status"], ended["cancel_reason"]) == ("cancelled", "Chuyển thành ca thật")
    cancelled = await first.hears_event("consultation.cancelled", drill)
    assert cancelled["d"]["header"]["drill"] is True
    facts = (await requester.get(f"/consultations/{real['id']}/history")).json()["items"]
    assert facts[0]["d"]["from_drill"] == drill["id"]
    facts = (await requester.get(f"/consultations/{drill['id']}/history")).json()["items"]
    assert next(f for f in facts if f["type"] == "consultation.cancelled")["d"]["real_case"] == real["id"]
    again = await requester.post(path)
    assert again.status_code == 409
    await house.hotline.fast_forward(seconds=31)
    assert len(house.rung(await read(requester, real))) == 2


async def test_a_red_drill_with_the_real_question_and_label_given_along(house: Staff) -> None:
    requester = house[REQUESTER]
    drill = await house.hotline.ask("K04", by=requester, drill=True, urgency="red")
    house.hotline.clock.advance(minutes=1)
    given = {"question": "Ngừng tim thật khi đang diễn tập", "label": "MC-099"}
    real = await requester.do(drill, "real", given)
    assert (real["question"], real["patient"]["label"], real["urgency"]) == (*given.values(), "red")
    assert len(house.rung(real)) >= 3


async def test_only_a_drill_can_turn_out_to_be_real(house: Staff) -> None:
    requester = house[REQUESTER]
    case = await house.hotline.ask("K04", by=requester)
    answer = await requester.post(f"/consultations/{case['id']}/real")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-a-drill")
    assert "make_real" not in (await read(requester, case))["may"]
    drill = await house.hotline.ask("K04", by=requester, drill=True)
    assert "make_real" in drill["may"]


async def test_a_drill_that_nobody_reads_back_says_drill_on_every_channel(house: Staff) -> None:
    requester = house[REQUESTER]
    drill = await house.hotline.ask("K04", by=requester, drill=True)
    [first] = house.rung(drill)
    await first.do(drill, "acceptance")
    await first.do(drill, "messages", {"text": "Diễn tập: chuyển.", "opinion": True})
    await house.hotline.fast_forward(minutes=8)
    rows = await house.execute("SELECT drill FROM notice WHERE consultation_id = CAST(:id AS uuid)", id=drill["id"])
    assert rows
    assert all(r.drill for r in rows)
