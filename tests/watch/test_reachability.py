"""«Are you there?» is asked before a duty that does not follow one's own, and silence is an alarm for the coordinator."""

from datetime import timedelta

import pytest
import pytest_asyncio

from app.errors import CheckOver, NotByEmail
from app.services import reachability
from tests.hotline import Hotline, Json, Person
from tests.staff import Staff
from tests.watch.ward import Ward, facts

MORNING = {"hours": 4, "minutes": 41}  # from 03:04 to 07:45: a quarter before eight
CHECKS = ("duty.check_asked", "duty.check_answered", "duty.unreachable", "duty.check_dropped")


@pytest_asyncio.fixture
async def asking(desk: Ward) -> Ward:
    """The desk of a hospital that asks; the demonstration does not by itself."""
    desk.hotline.app.state.house.settings.reachability = "on"
    return desk


async def checks(person: Person) -> list[Json]:
    answer = await person.get("/duty/checks")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def asked_at(desk: Ward) -> list[Person]:
    """Everybody of this desk who was asked."""
    found = await facts(desk.staff, "duty.check_asked")
    return [desk.staff.by_id[f.data["doctor"]] for f in found if f.data["desk"] == desk.desk]


async def incoming(desk: Ward) -> Person:
    """Who begins as primary at eight."""
    [person] = await desk.on("primary", desk.now.replace(hour=1, minute=30) + timedelta(days=desk.now.hour > 1))
    return person


async def settle_everybody_else(desk: Ward, *silent: Person) -> None:
    """Everybody but these says that they are there."""
    for row in await desk.staff.execute("SELECT DISTINCT doctor_id FROM reachability_check WHERE state = 'asked'"):
        person = desk.staff.by_id[str(row.doctor_id)]
        if person not in silent:
            for check in await checks(person):
                await person.post(f"/duty/checks/{check['id']}/answer", {})


async def test_a_demonstration_asks_nobody_unless_it_is_told_to(desk: Ward) -> None:
    await desk.hotline.fast_forward(hours=6)
    assert await facts(desk.staff, *CHECKS) == []


async def test_whoever_begins_a_duty_is_asked_a_quarter_of_an_hour_before_once(asking: Ward) -> None:
    first = await incoming(asking)
    [before] = await asking.on("primary", asking.now)
    assert first is not before
    await asking.hotline.fast_forward(hours=4, minutes=40)
    assert await asked_at(asking) == []
    await asking.hotline.fast_forward(minutes=1)
    people = await asked_at(asking)
    assert first in people
    assert len(people) == len(set(people))
    [check] = await checks(first)
    assert (check["role"], check["state"], check["answer_by"]) == ("primary", "asked", check["from"])
    await asking.hotline.fast_forward(minutes=5)
    assert await asked_at(asking) == people


async def test_whoever_goes_on_in_another_role_is_not_asked(asking: Ward) -> None:
    [going_on] = await asking.on("backup", asking.now)  # the demo's backup is the next primary
    assert going_on is await incoming(asking)
    eight = asking.now.replace(hour=1, minute=0) + timedelta(days=1)
    await asking.hotline.fast_forward(**MORNING)
    people = await asked_at(asking)
    assert going_on not in people
    assert set(people).isdisjoint(await asking.on("backup", asking.now))
    assert set(people) <= set(await asking.on("backup", eight) + await asking.on("primary", eight))
