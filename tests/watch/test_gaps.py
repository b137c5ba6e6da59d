"""A gap in a rota is found when it is made, told until it is closed, and shown to whoever must act."""

from datetime import UTC, datetime

from tests.staff import Staff
from tests.watch.ward import Ward, facts

FRIDAY = datetime(2026, 11, 27, 13, tzinfo=UTC)  # 20:00 in Vietnam
SATURDAY = datetime(2026, 11, 28, 1, tzinfo=UTC)


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
