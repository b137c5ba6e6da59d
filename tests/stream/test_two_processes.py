"""Two servers on one database: what one commits, people on the other hear, with or without a wake-up."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import pytest_asyncio

from app.realtime.notifier import LARGEST_HINT, payloads, read_payload
from app.realtime.protocol import Close
from app.services.views import streams
from tests.hotline import Hotline, Person, open_hotline
from tests.stream.test_socket import in_order, snapshot_of


@pytest_asyncio.fixture
async def other(hotline: Hotline) -> AsyncIterator[Hotline]:
    """A second server on the same database; both know of each other."""
    async with open_hotline(hotline.app.state.house.settings, hotline.accounts) as running:
        yield running


async def at(place: Hotline, person: Person) -> Person:
    """The same person, with a window open at another server."""
    return await Person(place, person.account, person.token).connect()


async def hears_of(person: Person, case: dict[str, Any]) -> None:
    """Wait until a window shows the case: only from then on does it hear as events what happens to it."""
    stream = f"consultation:{case['id']}"
    await person.hears(lambda m: m.get("s") == stream and m["k"] in ("snapshot", "event"))


async def a_night_on_two_servers(hotline: Hotline, other: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    elsewhere = await at(other, requester)
    known = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(known)
    doctor = await at(other, first)
    await snapshot_of(doctor, "user:")

    case = await hotline.ask("K04", by=requester, question="Có mổ không?")
    made = await doctor.hears_event("offer.made", case)
    assert made["d"]["offer"]["card"]["question"] == "Có mổ không?"
    await hears_of(elsewhere, case)
    await doctor.acknowledges(made)
    await requester.hears_event("offer.delivered", case)
    await first.do(case, "acceptance")  # by HTTP at the first server
    read = await doctor.hears(lambda m: m["k"] == "snapshot" and m["s"] == f"consultation:{case['id']}")
    assert read["d"]["consultation"]["holder_name"] == first.name
    await doctor.do(case, "messages", {"text": "Mổ ngay.", "opinion": True})  # by HTTP at the second
    for person in (requester, elsewhere, doctor):
        await person.hears_event("message.posted", case)
        in_order(person)


async def test_a_night_on_two_servers(hotline: Hotline, other: Hotline) -> None:
    await a_night_on_two_servers(hotline, other)


async def test_the_same_night_when_every_wake_up_is_lost(
    hotline: Hotline, other: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*_: Any) -> None:
        return None

    monkeypatch.setattr("app.realtime.relay.Relay.hear", deaf)
    for server in (hotline, other):
        server.app.state.house.hub.on_commit = deaf
    requester = await (await hotline.requester("K04")).connect()
    elsewhere = await at(other, requester)
    known = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(known)
    doctor = await at(other, first)
    await snapshot_of(doctor, "user:")
    case = await hotline.ask("K04", by=requester)
    made = await doctor.hears_event("offer.made", case)
    await hears_of(elsewhere, case)
    await doctor.acknowledges(made)
    await requester.hears_event("offer.delivered", case)
    await doctor.do(case, "acceptance")
    await requester.hears_event("offer.accepted", case)
    await elsewhere.hears_event("offer.accepted", case)
    in_order(requester)
    in_order(elsewhere)


async def test_what_is_told_while_it_is_being_read_is_read_once_more(
    hotline: Hotline, other: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    requester = await hotline.requester("K04")
    elsewhere = await at(other, requester)
    case = await hotline.ask("K04", by=requester)
    await hears_of(elsewhere, case)

    missed, fill = streams.missed, other.app.state.house.hub.catch_up.fill
    has_read, told_again, goes_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reads_and_dawdles(*args: Any) -> dict[str, list[streams.Told]]:
        told = await missed(*args)
        has_read.set()
        await goes_on.wait()
        return told

    def hears_again(names: Iterable[str]) -> None:
        told = list(names)
        fill(told)
        if f"consultation:{case['id']}" in told:
            told_again.set()

    async def finds_nothing(*_: Any) -> list[str]:
        return []

    monkeypatch.setattr(streams, "behind", finds_nothing)  # the check once a second would find it late
    monkeypatch.setattr(streams, "missed", reads_and_dawdles)
    await requester.do(case, "messages", {"text": "Huyết áp 90/60."})
    await has_read.wait()
    monkeypatch.setattr(other.app.state.house.hub.catch_up, "fill", hears_again)
    await requester.do(case, "messages", {"text": "Huyết áp 80/50."})
    await told_again.wait()
    goes_on.set()
    await elsewhere.hears(lambda m: m.get("t") == "message.posted" and m["d"]["message"]["text"] == "Huyết áp 80/50.")


async def test_a_session_that_ends_at_one_server_closes_its_windows_at_the_other(
    hotline: Hotline, other: Hotline
) -> None:
    requester = await (await hotline.requester("K04")).connect()
    elsewhere = await at(other, requester)
    await hotline.http.delete("/api/v1/auth/session", params={"everywhere": "true"}, headers=requester.headers)
    await elsewhere.hears(lambda m: m["k"] == "closed")
    assert elsewhere.closed == Close.UNAUTHENTICATED


def test_names_are_packed_into_few_wake_ups_that_postgresql_takes() -> None:
    names = [f"consultation:01933333-0000-7000-8000-{n:012d}" for n in range(1000)]
    packed = list(payloads("me", names))
    assert max(map(len, packed)) <= LARGEST_HINT
    assert len(packed) < 10
    assert [name for payload in packed for name in read_payload(payload)[1]] == names
    assert [read_payload(p) for p in payloads("me", [])] == [("me", [])]
