"""A case that two desks are rung for, or that changed hands: nobody rung in vain, nobody shut out who could take it."""

from tests.hotline import Json, Person
from tests.staff import Staff


async def forwarded(staff: Staff, urgency: str = "orange") -> tuple[Json, Person, Person, Json]:
    """A case of cardiology that was passed on to a desk of another specialty: case, requester, first doctor, desk."""
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", urgency=urgency, by=requester)
    [first] = staff.rung(case)
    desks = (await requester.get("/desks")).json()["items"]
    other = next(
        d for d in desks if d["hospital"] == case["callouts"][0]["hospital"] and d["specialty"] not in ("K04", "K02")
    )
    await first.do(case, "forwarding", {"desk_id": other["id"], "reason": "Nghi bóc tách động mạch chủ"})
    return case, requester, first, other


async def read(person: Person, case: Json) -> Json:
    found: Json = (await person.get(f"/consultations/{case['id']}")).json()
    return found


async def history(person: Person, case: Json) -> list[Json]:
    rows: list[Json] = (await person.get(f"/consultations/{case['id']}/history")).json()["items"]
    return rows


async def test_raising_the_urgency_rings_every_desk_that_rang(staff: Staff) -> None:
    case, requester, first, other = await forwarded(staff)
    raised = await requester.do(case, "urgency", {"urgency": "red"})
    ringing = [c for c in raised["callouts"] if c["state"] == "ringing"]
    assert {c["desk"] for c in ringing} == {case["callouts"][0]["desk"], other["id"]}
    assert all(c["urgency"] == "red" for c in ringing)
    assert (await first.do(case, "acceptance"))["holder"] == staff.id_of(first)


async def test_raising_the_urgency_of_a_held_case_rings_the_desk_that_holds_it(staff: Staff) -> None:
    case, requester, first, other = await forwarded(staff)
    await first.do(case, "acceptance")
    raised = await requester.do(case, "urgency", {"urgency": "red"})
    [ringing] = [c for c in raised["callouts"] if c["state"] == "ringing"]
    assert ringing["desk"] == case["callouts"][0]["desk"] != other["id"]
    assert staff.id_of(first) in {o["doctor"] for o in ringing["offers"]}


async def test_a_desk_that_is_rung_no_longer_because_another_took_the_case_is_a_fact(staff: Staff) -> None:
    case, requester, first, other = await forwarded(staff)
    await first.do(case, "acceptance")
    ended = [row for row in await history(requester, case) if row["type"] == "callout.ended"]
    assert [(row["d"]["desk"], row["d"]["reason"]) for row in ended] == [(other["id"], "taken")]
    assert all(c["state"] != "ringing" for c in (await read(requester, case))["callouts"])


async def test_who_is_rung_at_two_desks_takes_the_one_they_have_the_specialty_for(staff: Staff) -> None:
    case, requester, first, other = await forwarded(staff)
    # First on the ladder of the other specialty too, and before their own: as a coordinator who is a cardiologist.
    await staff.execute(
        "UPDATE callout SET specialty = CASE WHEN desk_id = CAST(:desk AS uuid) THEN 'K04' ELSE 'K02' END "
        "WHERE consultation_id = CAST(:id AS uuid)",
        id=case["id"],
        desk=other["id"],
    )
    await staff.put_on_duty([first], desk=other["id"], role="backup")
    assert (await first.do(case, "acceptance"))["holder"] == staff.id_of(first)
    states = {c["desk"]: c["state"] for c in (await read(requester, case))["callouts"]}
    assert states == {case["callouts"][0]["desk"]: "ended", other["id"]: "accepted"}


async def test_a_member_of_a_red_team_who_takes_the_case_over_is_rung_no_more(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", urgency="red", by=requester)
    leader, member, *_ = [p for p in staff.rung(case) if p.account["role"] == "specialist"]
    await leader.do(case, "acceptance")
    await leader.do(case, "hand-over", {"user_id": staff.id_of(member)})
    await member.do(case, "acceptance")
    assert (await member.get("/offers")).json()["items"] == []
    [part] = [p for p in (await read(requester, case))["participants"] if p["user"] == staff.id_of(member)]
    assert part["role"] == "assigned"


async def test_a_case_that_had_been_forwarded_is_handed_over_within_the_specialty_that_holds_it(staff: Staff) -> None:
    case, _, first, _ = await forwarded(staff)
    await first.do(case, "acceptance")
    [colleague] = await staff.newcomers(1, hospital=first.account["hospital"], specialties=["K04"])
    handed = await first.do(case, "hand-over", {"user_id": staff.id_of(colleague)})
    [ringing] = [c for c in handed["callouts"] if c["state"] == "ringing"]
    assert ringing["desk"] == case["callouts"][0]["desk"]
    assert (await colleague.do(case, "acceptance"))["holder"] == staff.id_of(colleague)
