"""What stories about ladders are told with: another policy, doctors on duty for a while, what is known of a callout."""

from collections.abc import Sequence
from typing import Any

from tests.hotline import Json, Person
from tests.staff import Staff
from tests.stories.telling import REQUESTER, read

ADMIN = "tn-quantri"
LAST = {"who": ["coordinator"], "timeout_s": 120}


async def desk_of(house: Staff, username: str = "tn-timmach-1") -> str:
    """The desk at which somebody has duty."""
    return str(house[username].account["desk"])


async def set_ladder(house: Staff, steps: Sequence[Json], *, urgency: str = "orange", **more: Any) -> Json:
    """Let the administrator of the answering hospital put a ladder in force for the desk."""
    body = {"steps": [*steps, LAST], "silent_s": 600} | more
    answer = await house[ADMIN].put(f"/desks/{await desk_of(house)}/policies/{urgency}", body)
    assert answer.status_code == 200, answer.text
    policy: Json = answer.json()
    return policy


async def cardiologists(house: Staff, how_many: int, *, capacity: int | None = None) -> list[Person]:
    """Cardiologists of the answering hospital who are not on duty."""
    hospital = house["tn-timmach-1"].account["hospital"]
    people = await house.newcomers(how_many, hospital=hospital, specialties=["K04"])
    if capacity is not None:
        for person in people:
            await house.execute(
                "UPDATE user_account SET capacity = :n WHERE id = CAST(:id AS uuid)", n=capacity, id=house.id_of(person)
            )
        house.hotline.app.state.house.sessions.clear()
    return people


async def only_on_duty(house: Staff, people: Sequence[Person], *, role: str = "primary") -> None:
    """Let these and nobody else be on duty in a role of the desk, from now on."""
    await off_duty(house, role)
    await house.put_on_duty(people, desk=await desk_of(house), role=role)


async def off_duty(house: Staff, role: str, person: Person | None = None) -> None:
    """End the duty of one doctor, or of everybody in a role: their slots are cut at this moment."""
    await house.execute(
        "DELETE FROM duty_slot d USING schedule s WHERE s.id = d.schedule_id AND s.desk_id = CAST(:desk AS uuid) "
        "AND d.role = :role AND (CAST(:who AS uuid) IS NULL OR d.doctor_id = CAST(:who AS uuid))",
        desk=await desk_of(house),
        role=role,
        who=house.id_of(person) if person else None,
    )


async def moment(house: Staff) -> None:
    """Let the timer loop look once, as it does every second."""
    await house.hotline.fast_forward(seconds=1)


async def callout(house: Staff, case: Json, index: int = 0) -> Json:
    """A callout as the asking side sees it now."""
    found: Json = (await read(house[REQUESTER], case))["callouts"][index]
    return found


def offers(call: Json, house: Staff) -> dict[str, tuple[str, str | None]]:
    """State and reason of the newest offer to each, by user name."""
    return {house.by_id[o["doctor"]].account["username"]: (o["state"], o["reason"]) for o in call["offers"]}


def names(people: Sequence[Person]) -> list[str]:
    """User names."""
    return [str(p.account["username"]) for p in people]
