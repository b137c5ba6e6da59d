"""One case in which something is broken must not keep any other from ringing."""

import asyncio

import pytest

from app.clock import monotonic
from app.realtime import loops
from app.realtime.loops import LONGEST_REST_S
from tests.hotline import Hotline
from tests.staff import everybody


async def test_a_case_that_cannot_be_acted_on_holds_up_no_other(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = await everybody(hotline)
    requester = staff["sonla-capcuu-1"]
    broken = await hotline.ask("K04", by=requester)
    case = await hotline.ask("K04", by=requester)
    # Due before the other one, and broken in a way that the house itself would never write.
    await staff.execute(
        "UPDATE callout SET policy = '{}', next_due_at = next_due_at - interval '1 second' "
        "WHERE consultation_id = CAST(:id AS uuid)",
        id=broken["id"],
    )
    hotline.clock.advance(seconds=31)
    async with asyncio.timeout(5):
        await hotline.app.state.timers.run_due()
    assert len(staff.rung((await requester.get(f"/consultations/{case['id']}")).json())) == 2
    # It is not given up: repaired, it rings on, and until then it is an alarm.
    hotline.clock.advance(seconds=31)
    assert await hotline.app.state.timers.check() >= 1
    await staff.execute(
        "UPDATE callout SET policy = (SELECT policy FROM callout WHERE consultation_id = CAST(:other AS uuid)) "
        "WHERE consultation_id = CAST(:id AS uuid)",
        id=broken["id"],
        other=case["id"],
    )
    rested = monotonic() + LONGEST_REST_S
    monkeypatch.setattr(loops, "monotonic", lambda: rested)
    await hotline.app.state.timers.run_due()
    assert len(staff.rung((await requester.get(f"/consultations/{broken['id']}")).json())) > 1
