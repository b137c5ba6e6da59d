"""A command that locks nothing and is overtaken between its read and its write: decided again, and done once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.prepared import Immediate
from app.services.facts import events
from app.work import Answer, Entry, Work
from tests.hotline import Hotline, Json, Person
from tests.staff import Staff, everybody


@pytest.fixture
async def staff(hotline: Hotline) -> Staff:
    return await everybody(hotline)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], Awaitable[object]]], list[bool]]:
    """Let something happen after the first work with a fact of this type has decided, and before it writes."""
    write = events.write

    def arrange(event_type: str, happens: Callable[[], Awaitable[object]]) -> list[bool]:
        locked: list[bool] = []

        async def overtaken(work: Work, answer: Answer | None = None) -> list[Entry]:
            if event_type in {fact.type for fact in work.facts}:
                locked.append(not isinstance(work.session, Immediate))
                if len(locked) == 1:
                    await happens()
            return await write(work, answer)

        monkeypatch.setattr(events, "write", overtaken)
        return locked

    return arrange


async def history(person: Person, case: Json) -> list[Json]:
    items: list[Json] = (await person.get(f"/consultations/{case['id']}/history")).json()["items"]
    assert [item["n"] for item in items] == list(range(1, len(items) + 1))
    return items


Meanwhile = Callable[[str, Callable[[], Awaitable[object]]], list[bool]]


async def test_an_acceptance_that_nobody_overtakes_locks_nothing(staff: Staff, meanwhile: Meanwhile) -> None:
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    locked = meanwhile("offer.accepted", lambda: asyncio.sleep(0))
    await staff.rung(case)[0].do(case, "acceptance")
    assert locked == [False]


async def test_an_acceptance_overtaken_by_a_message_is_decided_again_under_the_lock(
    staff: Staff, meanwhile: Meanwhile
) -> None:
    requester = await staff["sonla-capcuu-1"].connect()
    case = await staff.hotline.ask("K04", by=requester)
    [first] = staff.rung(case)
    locked = meanwhile("offer.accepted", lambda: requester.do(case, "messages", {"text": "Đau tăng"}))
    accepted = await first.do(case, "acceptance")
    assert locked == [False, True]
    assert accepted["holder"] == staff.id_of(first)
    types = [item["type"] for item in await history(requester, case)]
    assert types.count("offer.accepted") == 1
    assert types.index("message.posted") < types.index("offer.accepted")
    await requester.hears_event("offer.accepted", case)


async def test_an_acceptance_overtaken_by_a_cancellation_is_refused_and_leaves_nothing(
    staff: Staff, meanwhile: Meanwhile
) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", by=requester)
    [first] = staff.rung(case)
    meanwhile("offer.accepted", lambda: requester.do(case, "cancellation"))
    answer = await first.post(f"/consultations/{case['id']}/acceptance")
    assert answer.status_code == 409
    assert answer.json()["state"] == "cancelled"
    assert "offer.accepted" not in [item["type"] for item in await history(requester, case)]


async def test_an_acceptance_overtaken_by_its_own_repetition_is_answered_with_what_was_done(
    staff: Staff, meanwhile: Meanwhile
) -> None:
    requester = staff["sonla-capcuu-1"]
    case = await staff.hotline.ask("K04", by=requester)
    [first] = staff.rung(case)
    path, key = f"/consultations/{case['id']}/acceptance", "one-key"
    done: list[Json] = []

    async def repeat() -> None:
        done.append((await first.post(path, key=key)).json())

    meanwhile("offer.accepted", repeat)
    answer = await first.post(path, key=key)
    assert answer.status_code == 200
    assert answer.headers["idempotent-replayed"] == "true"
    assert answer.json() == done[0]
    assert [item["type"] for item in await history(requester, case)].count("offer.accepted") == 1


async def test_an_acceptance_overtaken_by_a_timer_that_only_moved_keeps_what_it_decided(
    staff: Staff, meanwhile: Meanwhile
) -> None:
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    await staff.execute("UPDATE callout SET next_due_at = opened_at WHERE state = 'ringing'")
    meanwhile("offer.accepted", staff.hotline.app.state.timers.run_due)
    accepted = await staff.rung(case)[0].do(case, "acceptance")
    assert accepted["callouts"][0]["state"] == "accepted"
    assert accepted["callouts"][0]["next_due_at"] is None
