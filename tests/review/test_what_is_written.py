"""Only the rows of a case that a command has changed are written again."""

from tests.hotline import Json
from tests.staff import Staff

ROWS = "SELECT {table}.xmin FROM {table} WHERE consultation_id = CAST('{case}' AS uuid) ORDER BY {order}"
ORDERS = {"callout": "id", "offer": "id", "participant": "joined_at"}


async def writers(staff: Staff, case: Json) -> dict[str, list[int]]:
    """The transactions that wrote the parts of a case last."""
    found: dict[str, list[int]] = {}
    for table, order in ORDERS.items():
        rows = await staff.execute(ROWS.format(table=table, case=case["id"], order=order))
        found[table] = [row.xmin for row in rows]
    return found


async def test_a_message_writes_no_callout_no_offer_and_nobody_anew(staff: Staff) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", by=requester)
    before = await writers(staff, case)
    await requester.do(case, "messages", {"text": "Đau tăng"})
    assert await writers(staff, case) == before


async def test_an_acceptance_writes_its_callout_its_offer_and_the_doctor_but_not_who_was_there(staff: Staff) -> None:
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    before = await writers(staff, case)
    await staff.rung(case)[0].do(case, "acceptance")
    after = await writers(staff, case)
    assert set(after["callout"]).isdisjoint(before["callout"])
    assert set(after["offer"]).isdisjoint(before["offer"])
    assert after["participant"][:1] == before["participant"]
    assert len(after["participant"]) == 2
