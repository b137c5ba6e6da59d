"""A watch over duty that has stopped is found from outside: at `/overdue`, and by the watchdog on another machine."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.channels.gateway import Gateway, Route, Signer
from app.watchdog import Watchdog, Watched
from tests.channels.fakes import provider
from tests.hotline import Hotline
from tests.watch.test_duty_told import EIGHT
from tests.watch.ward import Ward


async def overdue(hotline: Hotline) -> int:
    """What the door says: its status, with nothing else in the body than whether."""
    answer = await hotline.http.get("/overdue")
    assert answer.json() == {"overdue": answer.status_code == 503}
    return answer.status_code


async def nobody_watches(desk: Ward, *, seconds_after_eight: float) -> None:
    """It is some time after a change of shift, and no loop has told of it."""
    desk.hotline.clock.advance(seconds=(EIGHT - desk.now).total_seconds() + seconds_after_eight)


async def test_duty_that_nobody_tells_is_overdue_at_the_second_look_until_it_is_told(desk: Ward) -> None:
    assert await overdue(desk.hotline) == 200
    await nobody_watches(desk, seconds_after_eight=29)
    assert await overdue(desk.hotline) == 200
    desk.hotline.clock.advance(seconds=2)
    assert await overdue(desk.hotline) == 200  # the loop may be at it this moment
    desk.hotline.clock.advance(seconds=6)
    assert await overdue(desk.hotline) == 503
    assert await desk.hotline.app.state.watches.check() == ["shifts"]
    await desk.hotline.run_due()
    assert await overdue(desk.hotline) == 200


LATE = {
    "gaps": """
INSERT INTO duty_gap (id, schedule_id, role, during, kind, found_at, told, next_told_at)
SELECT gen_random_uuid(), CAST(:rota AS uuid), 'red_team', tstzrange(at, at + interval '1 day'), 'nobody', at, 1, at
FROM CAST(:at AS timestamptz) AS at""",
    "unanswered": """
INSERT INTO reachability_check (id, schedule_id, role, doctor_id, starts_at, ends_at, asked_at, state)
SELECT gen_random_uuid(), id, 'primary', head_id, at, at + interval '1 day', at - interval '15 minutes', 'asked'
FROM schedule, CAST(:at AS timestamptz) AS at WHERE id = CAST(:rota AS uuid)""",
    "swaps": """
INSERT INTO swap (id, schedule_id, role, giver_id, during, state, note, made_at)
SELECT gen_random_uuid(), id, 'primary', head_id, tstzrange(at, at + interval '8 hours'), 'offered', '', at
FROM schedule, CAST(:at AS timestamptz) AS at WHERE id = CAST(:rota AS uuid)""",
    "agreements": """
UPDATE agreement SET warned_days = NULL, during = tstzrange(lower(during), at + interval '60 days')
FROM CAST(:at AS timestamptz) AS at, schedule s
WHERE s.id = CAST(:rota AS uuid)
  AND agreement.id = (SELECT id FROM agreement WHERE upper(during) > CAST(:at AS timestamptz) ORDER BY id LIMIT 1)""",
}


@pytest.mark.parametrize("kind", LATE)
async def test_each_kind_that_is_watched_is_seen_from_outside(desk: Ward, kind: str) -> None:
    await desk.staff.execute(LATE[kind], rota=desk.schedule, at=desk.now)
    desk.hotline.clock.advance(seconds=31)
    assert await overdue(desk.hotline) == 200
    desk.hotline.clock.advance(seconds=6)
    assert await desk.hotline.app.state.watches.check() == [kind]
    assert await overdue(desk.hotline) == 503
    await desk.hotline.run_due()
    assert await overdue(desk.hotline) == 200


async def test_what_is_late_for_a_moment_now_and_then_is_no_alarm(desk: Ward) -> None:
    for hour in (8, 20):
        at = EIGHT + timedelta(hours=hour - 8)
        desk.hotline.clock.advance(seconds=(at - desk.now).total_seconds() + 31)
        assert await overdue(desk.hotline) == 200
        await desk.hotline.run_due()
        assert await overdue(desk.hotline) == 200


async def test_the_watchdog_telephones_when_the_watch_over_duty_has_stopped(desk: Ward, tmp_path: Path) -> None:
    hotline = desk.hotline
    people = [Watched("Trưởng phòng CNTT", "+84912345678", None)]
    with provider() as gateway:
        async with httpx.AsyncClient() as outside:
            route = Route(f"{gateway.url}/voice", '{"to": "{to}", "text": "{text}", "key": "{key}"}')
            voice = Gateway(route, Signer("s", hotline.clock), outside, path="/gateway/voice")
            house = f"http://127.0.0.1:{hotline.port}"
            dog = Watchdog(house, people, {"voice": voice}, hotline.http, hotline.clock, tmp_path / "watch.json")
            await dog.look()
            await nobody_watches(desk, seconds_after_eight=31)
            for _ in range(3):
                assert not gateway.received
                await dog.look()
                hotline.clock.advance(seconds=20)
            [call] = gateway.received
            assert call.json["to"] == "+84912345678"
            assert hotline.clock.now() - EIGHT < timedelta(minutes=2)
            await hotline.run_due()
            assert await dog.look() is None
