"""Whoever rewrites what happened is found, and the row is named."""

from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text

from app.models.consultation import Status
from app.services.facts import events
from app.services.facts.verify import Finding, Report, verify
from tests.hotline import Hotline, Json

THIRD = 3


async def report_of(hotline: Hotline) -> Report:
    async with hotline.app.state.house.database() as session:
        await session.execute(text("SELECT 1"))  # as the command line does, to set its clock
        return await verify(session)


async def tamper(hotline: Hotline, *statements: str, **values: Any) -> None:
    """Change rows as somebody with the whole database in their hands would: triggers and foreign keys asleep."""
    async with hotline.app.state.house.database() as session:
        await session.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            await session.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
        await session.execute(text("SET session_replication_role = origin"))
        await session.commit()


async def a_story(hotline: Hotline) -> Json:
    """A case asked, taken, answered, concluded and reported."""
    asker = await hotline.requester()
    case = await hotline.ask(by=asker)
    doctor = (await hotline.rung(case))[0]
    await doctor.do(case, "acceptance")
    said = await doctor.do(case, "messages", {"text": "Tenecteplase 35 mg", "opinion": True})
    await asker.do(case, "read-back", {"event_id": said["event_id"], "understood": True, "text": "35 mg"})
    await doctor.do(case, "conclusion", {"summary": "Đau ngực", "conclusion": "Nhồi máu cơ tim", "plan": "Chuyển"})
    return await asker.do(case, "outcome", {"at": "discharge", "result": "transferred"})


async def fact(hotline: Hotline, case: Json, seq: int) -> UUID:
    async with hotline.app.state.house.database() as session:
        found = await session.execute(
            text("SELECT id FROM event WHERE chain = :chain AND seq = :seq"), {"chain": chain_of(case), "seq": seq}
        )
        row: UUID = found.scalar_one()
        return row


def chain_of(case: Json) -> str:
    return f"consultation:{case['id']}"


async def test_an_untouched_history_is_sound(hotline: Hotline):
    case = await a_story(hotline)
    assert case["status"] == Status.CLOSED
    await a_story(hotline)
    report = await report_of(hotline)
    assert report.findings == []
    assert report.facts > case["version"]
    assert report.entries > report.facts
    assert report.chains >= 2


ONE_ROW = {
    "its data": ("data", "data = '{}'"),
    "its type": ("link", "type = 'consultation.cancelled'"),
    "its time": ("link", "at = at - interval '1 minute'"),
    "its actor": ("link", "actor_id = NULL"),
    "its actor's name": ("link", "actor_name = 'BS khác'"),
    "the hash of its data": ("fields", "data_hash = sha256('x')"),
    "its data and their hash": ("link", "data = '{}', data_hash = sha256('{}')"),
    "its hash": ("hash", "hash = sha256('x')"),
}


async def test_each_fact_that_was_changed_is_named_and_no_other(hotline: Hotline):
    expected = set()
    for what, change in ONE_ROW.values():
        case = await a_story(hotline)
        update = f"UPDATE event SET {change} WHERE chain = :chain AND seq = :seq"
        await tamper(hotline, update, chain=chain_of(case), seq=THIRD)
        expected.add((chain_of(case), THIRD, await fact(hotline, case, THIRD), what))
    found = (await report_of(hotline)).findings
    assert {(f.where, f.seq, f.row, f.what) for f in found} == expected
    assert len(found) == len(expected)
    assert all(str(f.row) in str(f) for f in found)


async def test_a_fact_rewritten_with_its_hashes_breaks_the_chain_at_the_next(hotline: Hotline):
    case = await a_story(hotline)
    async with hotline.app.state.house.database() as session:
        before, row = (
            await session.execute(
                text("SELECT * FROM event WHERE chain = :c AND seq IN (2, 3) ORDER BY seq"), {"c": chain_of(case)}
            )
        ).all()
    body = to_json({"forged": True})
    data_hash = events.sha256(body).digest()
    forged = events.chain_hash(
        before.hash, row.chain, row.seq, row.id, row.type, row.at, (row.actor_id, row.actor_name), data_hash
    )
    await tamper(
        hotline,
        "UPDATE event SET data = CAST(:body AS json), data_hash = :data_hash, hash = :hash WHERE id = :id",
        body=body.decode(),
        data_hash=data_hash,
        hash=forged,
        id=row.id,
    )
    [found] = (await report_of(hotline)).findings
    assert (found.seq, found.what) == (THIRD + 1, "link")


async def test_data_blanked_after_their_retention_are_counted_and_break_nothing(hotline: Hotline):
    case = await a_story(hotline)
    await tamper(hotline, "UPDATE event SET data = NULL WHERE chain = :chain", chain=chain_of(case))
    report = await report_of(hotline)
    assert report.sound
    assert report.blanked == case["version"]


async def test_a_fact_that_was_taken_out_is_missed(hotline: Hotline):
    case = await a_story(hotline)
    await tamper(hotline, "DELETE FROM event WHERE chain = :chain AND seq = :seq", chain=chain_of(case), seq=THIRD)
    found = (await report_of(hotline)).findings
    assert (chain_of(case), THIRD) in {(f.where, f.seq) for f in found if f.what == "missing"}


async def test_a_tail_that_was_cut_off_shows_against_the_head(hotline: Hotline):
    case = await a_story(hotline)
    last = case["version"]
    await tamper(
        hotline,
        "DELETE FROM stream_entry s USING event e WHERE e.id = s.event_id AND e.chain = :chain AND e.seq >= :seq",
        "DELETE FROM event WHERE chain = :chain AND seq >= :seq",
        chain=chain_of(case),
        seq=last - 1,
    )
    found = (await report_of(hotline)).findings
    assert (chain_of(case), last, "tail") in {(f.where, f.seq, f.what) for f in found}


async def test_a_head_that_was_changed_shows(hotline: Hotline):
    case = await a_story(hotline)
    await tamper(hotline, "UPDATE consultation SET head_hash = sha256('x') WHERE id = CAST(:id AS uuid)", id=case["id"])
    [found] = (await report_of(hotline)).findings
    assert (found.where, found.seq, found.what) == (chain_of(case), case["version"], "head")


async def test_an_entry_missing_from_a_stream_shows(hotline: Hotline):
    case = await a_story(hotline)
    board = f"hospital:{case['hospital']}"
    await tamper(hotline, "DELETE FROM stream_entry WHERE stream = :stream AND seq = 2", stream=board)
    [found] = (await report_of(hotline)).findings
    assert (found.where, found.seq, found.what) == (board, 2, "missing")


async def test_the_last_entries_of_a_stream_cannot_be_cut_off_unseen(hotline: Hotline):
    case = await a_story(hotline)
    board = f"hospital:{case['hospital']}"
    await tamper(hotline, "DELETE FROM stream_entry WHERE stream = :stream AND seq > 2", stream=board)
    [found] = (await report_of(hotline)).findings
    assert (found.where, found.what) == (board, "entry")


SHOWN = {
    "message": "text = 'Tenecteplase 53 mg'",
    "conclusion": "plan = 'Ở lại'",
    "read_back": "understood = false",
    "outcome": "result = 'died'",
}


async def test_what_doctors_read_must_be_what_the_facts_say(hotline: Hotline):
    case = await a_story(hotline)
    for table, change in SHOWN.items():
        update = f"UPDATE {table} SET {change} WHERE consultation_id = CAST(:id AS uuid)"
        await tamper(hotline, update, id=case["id"])
    found = (await report_of(hotline)).findings
    assert sorted((f.where, f.what) for f in found) == sorted((table, "shown") for table in SHOWN)


async def test_facts_about_one_hospital_chain_from_transaction_to_transaction(hotline: Hotline):
    case = await hotline.ask()
    house = hotline.app.state.house
    for found_at in ("02:00", "03:00"):
        async with house.work(None) as work:
            await events.record_about(work, f"hospital:{case['hospital']}", "duty.gap_found", {"at": found_at})
            await events.record_about(work, f"hospital:{case['hospital']}", "duty.ended", {"at": found_at})
            await house.commit(work)
    assert (await report_of(hotline)).findings == []
    async with house.database() as session:
        chain = f"hospital:{case['hospital']}"
        rows = await session.execute(text("SELECT seq FROM event WHERE chain = :c ORDER BY seq"), {"c": chain})
        assert list(rows.scalars())[-4:] == [1, 2, 3, 4]


async def test_verifying_writes_nothing_and_says_so_in_lines(hotline: Hotline):
    await a_story(hotline)
    report = await report_of(hotline)
    assert list(report.lines(quiet=True)) == []
    assert "Sound" in list(report.lines())[-1]
    report.add(Finding("consultation:x", 1, None, "data", "…"))
    assert not report.sound
    assert list(report.lines(quiet=True)) == ["SAI / WRONG  consultation:x #1: data: …"]
