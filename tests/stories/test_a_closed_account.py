"""An account is closed while it rings, and while it holds a case: others are rung, and no case is left without one."""

from app.services.people import accounts
from tests.hotline import Person
from tests.staff import Staff
from tests.stories.laddering import callout, moment, offers, set_ladder
from tests.stories.telling import REQUESTER, read


async def closed(house: Staff, person: Person) -> None:
    """Somebody at the server closes the account."""
    running = house.hotline.app.state.house
    async with running.work(None) as work:
        await accounts.deactivate_account(work, person.account["username"])
        await running.commit(work)


async def test_when_the_only_one_who_is_rung_is_gone_the_next_step_rings_within_a_second(house: Staff) -> None:
    await set_ladder(house, [{"who": ["primary"], "timeout_s": 600}, {"who": ["backup"], "timeout_s": 600}])
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    [leaver] = house.rung(case)
    await closed(house, leaver)
    await moment(house)
    after = await read(house[REQUESTER], case)
    [next_one] = house.rung(after)
    assert {o["role"] for o in after["callouts"][0]["offers"] if o["state"] == "made"} == {"backup"}
    assert next_one is not leaver
    assert offers(await callout(house, case), house)[leaver.account["username"]] == ("withdrawn", "off_duty")


async def test_what_the_account_held_rings_coordinators_at_once(house: Staff) -> None:
    case = await house.hotline.ask("K04", by=house[REQUESTER])
    [leaver] = house.rung(case)
    await leaver.do(case, "acceptance")
    await closed(house, leaver)
    gone = await callout(house, case, 1)
    assert (gone["reason"], gone["state"]) == ("holder_gone", "ringing")
    assert {o["role"] for o in gone["offers"]} == {"coordinator"}
