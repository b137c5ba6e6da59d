"""A command that was done is answered as done, whatever the time is when its answer is asked for again."""

from datetime import timedelta

from tests.hotline import Hotline
from tests.staff import everybody


async def test_what_was_stored_is_answered_from_store_although_the_time_would_refuse_it_by_now(
    hotline: Hotline,
) -> None:
    staff = await everybody(hotline)
    requester = staff["sonla-capcuu-1"]
    case = await hotline.ask("K04", by=requester)
    path = f"/consultations/{case['id']}/vitals"
    # Vital signs may be recorded for ninety days; a device that was offline for a minute asks again just after.
    body = {"taken_at": (hotline.clock.now() - timedelta(days=90) + timedelta(minutes=1)).isoformat(), "pulse": 52}
    stored = await requester.post(path, body, key="one-and-only")
    assert stored.status_code == 200, stored.text
    hotline.clock.advance(minutes=2)
    again = await requester.post(path, body, key="one-and-only")
    assert again.status_code == 200, again.text
    assert again.headers["idempotent-replayed"] == "true"
    assert (await requester.post(path, body, key="another")).status_code == 422
