"""A duty ends while cases are open: nothing is taken from anybody, and nothing is left to chance."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from app.services.cases import shift_end
from app.work import Work
from tests.hotline import Json, Person
from tests.staff import Staff
from tests.stories.telling import CONCLUSION, REQUESTER, held, one_more_specialist, read


async def duty_ends(house: Staff, doctor: Person, *, minutes: float) -> None:
    """Let the doctor's duty at the desk end so many minutes from now, with nothing after it."""
    end = house.hotline.clock.now() + timedelta(minutes=minutes)
    await house.execute(
        "DELETE FROM duty_slot WHERE doctor_id = CAST(:id AS uuid) AND lower(during) >= :end",
        id=house.id_of(doctor),
        end=end,
    )
    await house.execute(
        "UPDATE duty_slot SET during = tstzrange(lower(during), :end) "
        "WHERE doctor_id = CAST(:id AS uuid) AND upper(during) > :end",
        id=house.id_of(doctor),
        end=end,
    )


async def next_on_duty(house: Staff, doctor: Person, *, minutes: float) -> Person:
    """Somebody who takes over the doctor's role at the desk then."""
    successor = await one_more_specialist(house)
    await house.execute(
        "INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during) "
        "SELECT gen_random_uuid(), id, CAST(:doctor AS uuid), 'primary', tstzrange(:start, :end) "
        "FROM schedule WHERE desk_id = CAST(:desk AS uuid)",
        doctor=house.id_of(successor),
        desk=doctor.account["desk"],
        start=house.hotline.clock.now() + timedelta(minutes=minutes),
        end=house.hotline.clock.now() + timedelta(hours=12),
    )
    return successor


async def nobody_else_primary(house: Staff, doctor: Person, *, minutes: float) -> None:
    """Take others off the role for the hours after that."""
    await house.execute(
        "DELETE FROM duty_slot d USING schedule s WHERE s.id = d.schedule_id AND s.desk_id = CAST(:desk AS uuid) "
        "AND d.role = 'primary' AND d.doctor_id <> CAST(:id AS uuid) AND d.during && tstzrange(:start, :end)",
        desk=doctor.account["desk"],
        id=house.id_of(doctor),
        start=house.hotline.clock.now() + timedelta(minutes=minutes),
        end=house.hotline.clock.now() + timedelta(hours=12),
    )


async def answered(house: Staff) -> tuple[Json, Person, Person]:
    case, requester, first = await held(house)
    opinion = await first.do(case, "messages", {"text": "Truyền dịch, theo dõi.", "opinion": True})
    await requester.do(case, "read-back", {"event_id": opinion["event_id"], "understood": True})
    return case, requester, first


async def test_the_doctor_sees_what_is_open_and_unread_and_who_is_next(house: Staff) -> None:
    case, _, first = await held(house)
    opinion = await first.do(case, "messages", {"text": "Chuyển ngay.", "opinion": True})
    await nobody_else_primary(house, first, minutes=60)
    await duty_ends(house, first, minutes=60)
    successor = await next_on_duty(house, first, minutes=60)
    listed = (await first.get("/me/hand-over")).json()["items"]
    [entry] = [e for e in listed if e["case"]["id"] == case["id"]]
    assert [u["event_id"] for u in entry["unread"]] == [opinion["event_id"]]
    assert entry["successor"]["user"] == house.id_of(successor)
    assert entry["handing_to"] == []
    rows = await house.execute(
        "SELECT via FROM access_log WHERE user_id = CAST(:who AS uuid) AND consultation_id = CAST(:case AS uuid)",
        who=house.id_of(first),
        case=case["id"],
    )
    assert "list" in {row.via for row in rows}


async def test_a_conclusion_that_nobody_has_read_back_is_on_the_list_and_is_not_handed_over(house: Staff) -> None:
    case, requester, first = await held(house)
    seen = await first.do(case, "conclusion", CONCLUSION)
    [entry] = (await first.get("/me/hand-over")).json()["items"]
    assert (entry["case"]["id"], entry["case"]["status"]) == (case["id"], "concluded")
    assert [u["event_id"] for u in entry["unread"]] == [seen["conclusion"]["event_id"]]
    assert entry["successor"] is None
    assert (await first.post("/me/hand-over", {})).json()["items"] == []
    event = {"event_id": seen["conclusion"]["event_id"], "understood": True}
    await requester.do(case, "read-back", event)
    assert (await first.get("/me/hand-over")).json()["items"] == []


async def test_all_that_is_open_is_handed_to_the_next_on_duty_at_once_and_stays_until_it_is_accepted(
    house: Staff,
) -> None:
    case, requester, first = await answered(house)
    other = await house.hotline.ask("K04", by=requester, patient={"label": "MC-018", "sex": "female"})
    await first.do(other, "acceptance")
    await nobody_else_primary(house, first, minutes=30)
    await duty_ends(house, first, minutes=30)
    successor = await next_on_duty(house, first, minutes=30)
    answer = await first.post("/me/hand-over", {"note": "Hết ca trực"})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert {i["consultation_id"] for i in items} == {case["id"], other["id"]}
    assert {i["user"] for i in items} == {house.id_of(successor)}
    assert case["patient"]["label"] not in answer.text
    for handed in (case, other):
        seen = await read(requester, handed)
        assert seen["holder"] == house.id_of(first)
        assert house.rung(seen) == [successor]
        assert (await successor.do(handed, "acceptance"))["holder"] == house.id_of(successor)


async def test_handing_over_twice_rings_nobody_twice(house: Staff) -> None:
    case, requester, first = await answered(house)
    successor = await one_more_specialist(house)
    body = {"user_id": house.id_of(successor), "cases": [case["id"]]}
    first_answer, second_answer = [await first.post("/me/hand-over", body) for _ in range(2)]
    assert first_answer.json() == second_answer.json()
    assert house.rung(await read(requester, case)) == [successor]
    assert len([c for c in (await read(requester, case))["callouts"] if c["reason"] == "hand_over"]) == 1


async def test_nobody_hands_over_what_they_do_not_hold_and_without_a_successor_somebody_must_be_named(
    house: Staff,
) -> None:
    case, _, first = await answered(house)
    stranger = await one_more_specialist(house)
    foreign = {"user_id": house.id_of(first), "cases": [case["id"]]}
    assert (await stranger.post("/me/hand-over", foreign)).status_code == 404
    assert (await house[REQUESTER].post("/me/hand-over")).status_code == 403
    await house.execute(
        "DELETE FROM duty_slot d USING schedule s WHERE s.id = d.schedule_id AND s.desk_id = CAST(:desk AS uuid) "
        "AND d.doctor_id <> CAST(:id AS uuid)",
        desk=first.account["desk"],
        id=house.id_of(first),
    )
    answer = await first.post("/me/hand-over")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "user_id"


async def test_a_quarter_of_an_hour_after_the_end_of_duty_the_coordinator_is_rung_once_for_each_case(
    house: Staff,
) -> None:
    case, requester, first = await answered(house)
    await duty_ends(house, first, minutes=30)
    ends = house.hotline.app.state.shift_ends
    await house.hotline.fast_forward(minutes=44, seconds=59)
    await ends.run_due()
    assert house.rung(await read(requester, case)) == []
    await house.hotline.fast_forward(seconds=2)
    await asyncio.gather(ends.run_due(), ends.run_due(), ends.run_due())
    await ends.run_due()
    seen = await read(requester, case)
    [callout] = [c for c in seen["callouts"] if c["reason"] == "shift_end"]
    assert seen["holder"] == house.id_of(first)
    [dispatcher] = house.rung(seen, role="coordinator")
    # The case is held, so the coordinator may let it be, and is not rung for this end of duty again.
    await dispatcher.do(case, "refusal", {"reason": "other", "text": "BS ở lại giữ ca"})
    await house.hotline.fast_forward(hours=1)
    await ends.run_due()
    assert house.rung(await read(requester, case)) == []
    facts = (await requester.get(f"/consultations/{case['id']}/history")).json()["items"]
    opened = [f["d"]["reason"] for f in facts if f["type"] == "callout.opened"]
    assert opened == ["shift_end"]
    assert callout["id"] == next(f for f in facts if f["type"] == "callout.opened")["d"]["callout_id"]


async def on_the_hospitals_rota(house: Staff, doctor: Person) -> None:
    """Give the doctor duty among the hospital's leadership, from an hour ago until tomorrow."""
    now = house.hotline.clock.now()
    await house.execute(
        "INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during) "
        "SELECT gen_random_uuid(), s.id, u.id, 'leadership', tstzrange(:start, :end) "
        "FROM user_account u JOIN schedule s ON s.hospital_id = u.hospital_id WHERE u.id = CAST(:id AS uuid)",
        id=house.id_of(doctor),
        start=now - timedelta(hours=1),
        end=now + timedelta(days=1),
    )


@pytest.mark.parametrize("whose", ["with a second specialty", "of the hospital's leadership"])
async def test_the_coordinator_is_rung_whatever_the_duty_was_and_whoever_was_asked_beside(
    house: Staff, whose: str
) -> None:
    case, requester, first = await answered(house)
    if whose == "with a second specialty":
        asked = await first.do(case, "specialties", {"specialty": "K02", "question": "Dẫn lưu không?"})
        consultant = house.rung(asked, callout=1)[0]
        await consultant.do(case, "acceptance")
        await consultant.do(case, "messages", {"text": "Chưa cần."})
    else:
        await house.execute("DELETE FROM duty_slot WHERE doctor_id = CAST(:id AS uuid)", id=house.id_of(first))
        await on_the_hospitals_rota(house, first)
    await duty_ends(house, first, minutes=30)
    await house.hotline.fast_forward(minutes=45, seconds=1)
    await house.hotline.app.state.shift_ends.run_due()
    assert [c["reason"] for c in (await read(requester, case))["callouts"]][-1] == "shift_end"


@pytest.mark.parametrize("why", ["handing over", "on duty again", "on duty elsewhere", "taken after duty"])
async def test_nobody_is_rung_for_a_case_that_is_looked_after(house: Staff, why: str) -> None:
    if why == "taken after duty":
        case, requester, first = await answered(house)
        await duty_ends(house, first, minutes=-30)
    else:
        case, requester, first = await answered(house)
        await duty_ends(house, first, minutes=10)
    if why == "handing over":
        successor = await one_more_specialist(house)
        await successor.connect()
        house.hotline.clock.advance(minutes=20)
        await first.do(case, "hand-over", {"user_id": house.id_of(successor)})
        house.hotline.clock.advance(minutes=6)
    elif why == "on duty elsewhere":
        await on_the_hospitals_rota(house, first)
        house.hotline.clock.advance(minutes=40)
    elif why == "on duty again":
        await house.put_on_duty([first], desk=first.account["desk"], role="backup", hours=24)
        house.hotline.clock.advance(minutes=40)
    else:
        house.hotline.clock.advance(minutes=40)
    await house.hotline.app.state.shift_ends.run_due()
    assert not [c for c in (await read(requester, case))["callouts"] if c["reason"] == "shift_end"]


async def test_the_end_of_a_duty_is_told_with_what_is_still_held(house: Staff) -> None:
    case, _, first = await answered(house)
    async with house.sql() as session:
        work = Work(session, None, house.hotline.clock.now())
        told = await shift_end.open_cases(work, UUID(house.id_of(first)))
    assert [str(t["consultation_id"]) for t in told] == [case["id"]]
    assert set(told[0]) == {"consultation_id", "number", "urgency", "held_since"}
