"""The stream on real sockets: who may come in, what each hears of a case, and that nothing is lost on the way."""

import asyncio
import json
from collections import defaultdict
from typing import Any

import pytest
import websockets
from sqlalchemy import text

from app.realtime import protocol, relay
from app.realtime.protocol import Close
from app.services.views import streams
from tests.hotline import PATIENCE_S, SUBPROTOCOL, Hotline, Json, Person

DEMO_QUESTION = "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?"


def url(hotline: Hotline) -> str:
    return f"ws://127.0.0.1:{hotline.port}/api/v1/stream"


async def knock(
    hotline: Hotline, *first: Any, protocols: list[str] | None = None, **more: Any
) -> tuple[int, list[Json]]:
    """Connect, say something, and return the close code and what was said before it."""
    names = [websockets.Subprotocol(p) for p in ([SUBPROTOCOL] if protocols is None else protocols)]
    said: list[Json] = []
    async with asyncio.timeout(5), websockets.connect(url(hotline), subprotocols=names or None, **more) as socket:
        try:
            for message in first:
                await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
        except websockets.ConnectionClosed:
            pass
        try:
            async for frame in socket:
                message = json.loads(frame)
                said += message if isinstance(message, list) else [message]
        except websockets.ConnectionClosed:
            pass
        assert socket.close_code is not None
        return socket.close_code, said


def events_of(person: Person, stream: str) -> list[Json]:
    return [m for m in person.heard if m["k"] == "event" and m["s"] == stream]


def in_order(person: Person) -> None:
    """Every stream: a first state or n=1, then each place once, in order."""
    last: dict[str, int] = defaultdict(int)
    for m in person.heard:
        if m["k"] == "snapshot":
            assert m["n"] >= last[m["s"]]
            last[m["s"]] = m["n"]
        elif m["k"] == "event":
            assert m["n"] == last[m["s"]] + 1, (m["s"], m["n"], last[m["s"]])
            last[m["s"]] = m["n"]


def cursors(person: Person) -> Json:
    return {m["s"]: [m["e"], m["n"]] for m in person.heard if m["k"] in ("event", "snapshot")}


async def snapshot_of(person: Person, kind: str) -> Json:
    found = await person.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith(kind))
    data: Json = found["d"]
    return data


async def has_noted(hotline: Hotline, case: Json, *wanted: tuple[str, str, str]) -> None:
    """Wait until the access log says who read the case, how much of it and by which way; notes go in together."""
    async with asyncio.timeout(PATIENCE_S):
        while not set(wanted) <= await reads(hotline, case):
            await asyncio.sleep(0.02)


async def reads(hotline: Hotline, case: Json) -> set[tuple[str, str, str]]:
    async with hotline.app.state.house.database() as session:
        rows = await session.execute(
            text(
                "SELECT u.name, a.view, a.via FROM access_log a JOIN user_account u ON u.id = a.user_id "
                "WHERE a.consultation_id = CAST(:case AS uuid)"
            ),
            {"case": case["id"]},
        )
        return {(row.name, row.view, row.via) for row in rows}


# --- at the door ------------------------------------------------------------------------------------------------------


async def test_who_may_not_come_in_is_told_why_and_whether_to_come_back(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await hotline.requester()
    own = f"http://127.0.0.1:{hotline.port}"
    hello = {"k": "hello", "token": person.token}
    cookie = {"Cookie": f"__Host-hoichan={person.token}"}

    assert (await knock(hotline, hello, origin="https://evil.example"))[0] == Close.BAD_ORIGIN
    assert (await knock(hotline, hello, origin="null"))[0] == Close.BAD_ORIGIN
    assert (await knock(hotline, {"k": "hello"}, additional_headers=cookie))[0] == Close.BAD_ORIGIN
    assert (await knock(hotline, {"k": "hello"}, origin=own))[0] == Close.UNAUTHENTICATED
    assert (await knock(hotline, {"k": "hello", "token": "x" * 43}))[0] == Close.UNAUTHENTICATED
    assert (await knock(hotline, {"k": "hello", "token": "'; DROP"}))[0] == Close.UNAUTHENTICATED
    assert (await knock(hotline, hello, protocols=["hotline.v0"]))[0] in (Close.PROTOCOL, 1006)
    assert (await knock(hotline, hello, protocols=[]))[0] == Close.PROTOCOL

    code, said = await knock(hotline, {"k": "subscribe", "s": f"user:{(await person.me())['id']}"})
    assert (code, [m["k"] for m in said]) == (Close.PROTOCOL, ["error"])
    code, said = await knock(hotline, b"\x00\x01")
    assert (code, [m["type"] for m in said]) == (Close.PROTOCOL, ["binary"])

    monkeypatch.setattr(protocol, "HELLO_WITHIN_S", 0.1)
    assert (await knock(hotline))[0] == Close.HELLO_LATE


async def test_a_browser_comes_in_by_its_cookie_from_its_own_page(hotline: Hotline) -> None:
    account = next(a for a in hotline.accounts if a["role"] == "requester")
    answer = await hotline.http.post(
        "/api/v1/auth/session", json={"username": account["username"], "password": account["password"]}
    )
    cookie = answer.headers["set-cookie"].partition(";")[0]
    async with websockets.connect(
        url(hotline),
        subprotocols=[websockets.Subprotocol(SUBPROTOCOL)],
        additional_headers={"Cookie": f"theme=dark; {cookie}"},
        origin=websockets.Origin(f"http://127.0.0.1:{hotline.port}"),
    ) as socket:
        assert socket.subprotocol == SUBPROTOCOL
        await socket.send(json.dumps({"k": "hello", "cursors": {}}))
        frame = json.loads(await socket.recv())
        welcome = frame[0] if isinstance(frame, list) else frame
        assert welcome["k"] == "welcome"
        assert welcome["heartbeat_s"] == 25
        assert welcome["user"]["name"] == account["name"]
        assert welcome["epoch"]


async def test_frames_that_cannot_be_understood_are_answered_and_too_many_close_the_socket(hotline: Hotline) -> None:
    person = await hotline.requester()
    hello = {"k": "hello", "token": person.token}
    code, said = await knock(hotline, hello, "{", b"\xff", "[]", '"hello"', {"k": "hello"})
    errors = [m["type"] for m in said if m["k"] == "error"]
    assert code == Close.PROTOCOL
    assert errors == ["not-json", "binary", "invalid-message", "invalid-message", "invalid-message"]
    code, said = await knock(hotline, hello, json.dumps({"k": "x" * 70_000}))
    assert code == Close.PROTOCOL
    assert [m["type"] for m in said if m["k"] == "error"] == ["too-large"]


async def test_an_account_has_only_so_many_sockets(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.realtime.hub.MOST_SOCKETS", 1)
    person = await (await hotline.requester()).connect()
    code, said = await knock(hotline, {"k": "hello", "token": person.token})
    assert code == Close.TOO_MANY
    assert said[0]["type"] == "too-many"


# --- a case -----------------------------------------------------------------------------------------------------------


async def test_each_hears_of_a_case_what_is_theirs_to_hear(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    same_ward = [
        a
        for a in hotline.accounts
        if a["role"] == "requester"
        and (a["hospital"], a["ward_name"]) == (requester.account["hospital"], requester.account["ward_name"])
        and a["username"] != requester.account["username"]
    ]
    colleague = await (await hotline.sign_in(same_ward[0])).connect()
    stranger = await (
        await hotline.sign_in(
            next(
                a
                for a in hotline.accounts
                if a["role"] == "requester" and a["hospital"] != requester.account["hospital"]
            )
        )
    ).connect()
    case = await hotline.ask("K04", by=requester, patient={"label": "Ông Một", "sex": "male", "age_years": 58,
        "identifiers": [{"system": "cccd", "value": "001099000001"}]})  # fmt: skip
    [first] = await hotline.rung(case)
    coordinator_account = next(
        a for a in hotline.accounts if a["role"] == "coordinator" and a["hospital"] == first.account["hospital"]
    )
    coordinator = await (await hotline.sign_in(coordinator_account)).connect()
    await first.connect()
    offered = await snapshot_of(first, "user:")
    assert [o["consultation_id"] for o in offered["offers"]] == [case["id"]]
    assert offered["offers"][0]["card"]["question"] == DEMO_QUESTION

    second = await hotline.ask("K04", by=requester, question="Có chuyển viện không?")
    stream = f"consultation:{second['id']}"
    for person in (requester, colleague):
        requested = await person.hears_event("consultation.requested", second)
        assert requested["n"] == 1
        assert requested["d"]["consultation"]["question"] == "Có chuyển viện không?"
        await person.hears_event("escalation.scheduled", second)
    made = await first.hears_event("offer.made", second)
    assert made["s"].startswith("user:")
    assert made["d"]["offer"]["card"]["question"] == "Có chuyển viện không?"
    assert made["d"]["offer"]["card"]["patient"]["identifiers"] == []
    assert set(made["d"]) >= {"consultation_id", "offer_id", "doctor", "step", "due_at", "header"}
    board = await coordinator.hears_event("offer.made", second)
    assert board["s"] == f"hospital:{coordinator.account['hospital']}"
    on_the_board = json.dumps([m for m in coordinator.heard if m["k"] != "welcome"], ensure_ascii=False)
    assert "Có chuyển viện không?" not in on_the_board
    assert DEMO_QUESTION not in on_the_board
    assert "Ông Một" not in on_the_board
    assert "001099000001" not in json.dumps(first.heard)
    assert not events_of(first, stream)
    await stranger.settled()
    assert second["id"] not in json.dumps(stranger.heard)

    opened = [(person.name, "full", "subscription") for person in (requester, colleague)]
    await has_noted(hotline, second, *opened, (first.name, "card", "offer"))
    for person in (requester, colleague, first, coordinator):
        in_order(person)


async def test_acceptance_brings_the_case_to_the_doctor_and_the_doctor_to_the_case(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(case)
    await first.connect()
    await snapshot_of(first, "user:")
    stream = f"consultation:{case['id']}"
    await first.send({"k": "subscribe", "s": stream})  # too early: being rung opens the card only
    await first.hears(lambda m: m["k"] == "error" and m.get("re") == stream)
    await first.do(case, "acceptance")
    told = await requester.hears_event("offer.accepted", case)
    assert told["d"]["header"]["holder_name"] == first.name
    read = await snapshot_of(first, "consultation:")
    assert read["consultation"]["view"] == "full"
    assert read["consultation"]["holder_name"] == first.name
    assert "conclude" in read["consultation"]["may"]
    await requester.do(case, "messages", {"text": "Đã tiêm."})
    message = await first.hears_event("message.posted", case)
    assert message["d"]["message"]["text"] == "Đã tiêm."
    await first.do(case, "messages", {"text": "Chuyển ngay.", "opinion": True})
    await requester.hears_event("message.posted", case)
    in_order(first)
    in_order(requester)
    await has_noted(hotline, case, (first.name, "full", "subscription"))


async def test_receipts_of_an_offer_count_once_and_only_from_the_doctor(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    known = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(known)
    await first.connect()
    [card] = (await snapshot_of(first, "user:"))["offers"]
    me = f"user:{(await first.me())['id']}"
    await first.send({"k": "ack", "s": me, "n": card["n"], "as": "delivered"})  # known from the snapshot
    await requester.hears_event("offer.delivered", known)

    case = await hotline.ask("K04", by=requester)
    made = await first.hears_event("offer.made", case)
    await first.acknowledges(made)
    await first.acknowledges(made)
    await requester.hears_event("offer.delivered", case)
    await first.send({"k": "ack", "s": me, "n": 0, "offer_id": made["d"]["offer_id"], "as": "seen"})
    await requester.hears_event("offer.seen", case)
    await first.settled()
    types = [m["t"] for m in events_of(requester, f"consultation:{case['id']}")]
    assert types.count("offer.delivered") == 1
    assert types.count("offer.seen") == 1

    # nobody acknowledges for somebody else, and not something else
    await requester.send({"k": "ack", "s": me, "n": made["n"], "as": "seen"})
    await requester.hears(lambda m: m["k"] == "error" and m.get("re") == me)
    await first.send({"k": "ack", "s": me, "n": 999, "as": "seen"})
    await first.hears(lambda m: m["k"] == "error" and m["type"] == "not-found")


async def test_a_reader_moves_one_marker_that_others_see(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    [first] = await hotline.rung(case)
    await first.connect()
    await first.do(case, "acceptance")
    await snapshot_of(first, "consultation:")
    await requester.do(case, "messages", {"text": "Một"})
    message = await first.hears_event("message.posted", case)
    stream = f"consultation:{case['id']}"
    await first.send({"k": "ack", "s": stream, "n": message["n"], "as": "delivered"})
    await first.send({"k": "ack", "s": stream, "n": 10_000, "as": "seen"})  # further than anything that was sent
    me = (await first.me())["id"]
    seen = await requester.hears(lambda m: m["k"] == "marker" and m["user"] == me and m["seen_n"] > 0)
    assert seen["seen_n"] == seen["delivered_n"] == message["n"]
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    part = next(p for p in read["participants"] if p["user"] == me)
    assert (part["delivered_n"], part["seen_n"]) == (message["n"], message["n"])


# --- gone and back ----------------------------------------------------------------------------------------------------


async def test_whoever_comes_back_hears_exactly_what_was_missed(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    stream = f"consultation:{case['id']}"
    await requester.hears_event("escalation.scheduled", case)
    await requester.settled()
    known = cursors(requester)
    await requester.disconnect()
    [first] = await hotline.rung(case)
    await first.do(case, "acceptance")
    for number in range(5):
        await first.do(case, "messages", {"text": f"{number}"})
    requester.heard.clear()
    await requester.connect(known)
    await requester.hears(
        lambda m: m["k"] == "event" and m["t"] == "message.posted" and m["d"]["message"]["text"] == "4"
    )
    assert not [m for m in requester.heard if m["k"] == "snapshot" and m["s"] == stream]
    missed = [m["n"] for m in events_of(requester, stream)]
    assert missed == list(range(known[stream][1] + 1, known[stream][1] + 1 + len(missed)))


@pytest.mark.parametrize("why", ["other epoch", "too far behind", "ahead of the server"])
async def test_whoever_cannot_be_told_what_was_missed_is_told_how_things_stand(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    stream = f"consultation:{case['id']}"
    await requester.hears_event("escalation.scheduled", case)
    await requester.disconnect()
    epoch = hotline.app.state.house.epoch
    monkeypatch.setattr(streams, "MOST_MISSED", 1)
    cursor = {"other epoch": ["e0", 1], "too far behind": [epoch, 1], "ahead of the server": [epoch, 99]}[why]
    requester.heard.clear()
    await requester.connect({stream: cursor})
    snapshot = await requester.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
    assert snapshot["d"]["consultation"]["id"] == case["id"]
    in_order(requester)


async def test_whoever_sees_a_gap_asks_and_is_told(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    stream = f"consultation:{case['id']}"
    await requester.hears_event("escalation.scheduled", case)
    await requester.send({"k": "resume", "s": stream})
    snapshot = await requester.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
    assert snapshot["n"] == case["version"]
    await requester.send({"k": "unsubscribe", "s": stream})
    await requester.settled()
    await requester.do(case, "messages", {"text": "không nghe"})
    await requester.settled()
    assert not requester.has_heard("message.posted", case)
    requester.heard.clear()
    await requester.send({"k": "resume", "s": stream, "cursor": [snapshot["e"], snapshot["n"]]})
    missed = await requester.hears_event("message.posted", case)
    assert missed["n"] == snapshot["n"] + 1


async def test_a_coordinator_opens_a_case_by_a_logged_read_and_a_stranger_does_not(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    stream = f"consultation:{case['id']}"
    [first] = await hotline.rung(case)
    coordinator = await hotline.sign_in(
        next(a for a in hotline.accounts if a["role"] == "coordinator" and a["hospital"] == first.account["hospital"])
    )
    await coordinator.connect()
    board = await snapshot_of(coordinator, "hospital:")
    assert case["id"] in [row["consultation_id"] for row in board["consultations"]]
    assert any(desk["on_call"] for desk in board["desks"])
    assert not [m for m in coordinator.heard if m.get("s") == stream]
    await coordinator.send({"k": "subscribe", "s": stream})
    opened = await coordinator.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
    assert opened["d"]["consultation"]["question"] == DEMO_QUESTION
    await has_noted(hotline, case, (coordinator.name, "full", "subscription"))

    for person in (await first.connect(), await (await hotline.requester("K04", index=9)).connect()):
        await person.send({"k": "subscribe", "s": stream})  # being rung opens the card, not the case
        refused = await person.hears(lambda m: m["k"] == "error" and m.get("re") == stream)
        assert refused["type"] == "not-found"
        await person.send({"k": "subscribe", "s": f"user:{(await requester.me())['id']}"})
        await person.hears(lambda m: m["k"] == "error" and m.get("re", "").startswith("user:"))


# --- no longer --------------------------------------------------------------------------------------------------------


async def test_signing_out_closes_every_window_of_that_session(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    answer = await hotline.http.delete("/api/v1/auth/session", params={"everywhere": "true"}, headers=requester.headers)
    assert answer.status_code == 204
    await requester.hears(lambda m: m["k"] == "closed")
    assert requester.closed == Close.UNAUTHENTICATED


async def test_a_session_ended_by_somebody_else_is_closed_within_moments(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    async with hotline.app.state.house.database() as session:  # as `hoichan account deactivate` does beside the server
        await session.execute(
            text("UPDATE user_account SET active = false WHERE username = :name"),
            {"name": requester.account["username"]},
        )
        await session.commit()
    await requester.hears(lambda m: m["k"] == "closed")
    assert requester.closed == Close.UNAUTHENTICATED


async def test_a_member_who_was_removed_hears_nothing_after_that_commit(hotline: Hotline) -> None:
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    stream = f"consultation:{case['id']}"
    [first] = await hotline.rung(case)
    await first.do(case, "acceptance")
    guest = await hotline.sign_in(
        next(
            a
            for a in hotline.accounts
            if a["role"] == "specialist"
            and a["hospital"] == first.account["hospital"]
            and a["username"] != first.account["username"]
        )
    )
    await guest.connect()
    guest_id = (await guest.me())["id"]
    await requester.do(case, "participants", {"user_id": guest_id, "role": "invited"})
    await guest.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
    await requester.do(case, "messages", {"text": "còn nghe"})
    await guest.hears_event("message.posted", case)

    from app.services.cases import discussion  # noqa: PLC0415 (the service behind the route that removes people)

    house = hotline.app.state.house
    subject = await house.sessions.subject(requester.token)
    async with house.work(subject) as work:
        from uuid import UUID  # noqa: PLC0415

        await discussion.leave(work, UUID(case["id"]), UUID(guest_id))
        await house.commit(work)
    ended = await guest.hears(lambda m: m["k"] == "ended")
    assert (ended["s"], ended["why"]) == (stream, "left")
    heard = len(guest.heard)
    await requester.do(case, "messages", {"text": "không còn nghe"})
    await guest.settled()
    assert not [m for m in guest.heard[heard:] if m.get("s") == stream]
    await guest.send({"k": "subscribe", "s": stream})
    await guest.hears(lambda m: m["k"] == "error" and m.get("re") == stream)


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_pings_carry_heads(hotline: Hotline) -> None:
    hotline.app.state.house.settings.heartbeat_s = 1
    person = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=person)
    stream = f"consultation:{case['id']}"
    ping = await person.hears(lambda m: m["k"] == "ping" and stream in m["heads"])
    assert ping["heads"][stream] == [hotline.app.state.house.epoch, case["version"]]
    assert ping["at"].endswith("Z")


async def test_while_the_database_is_away_sockets_stay_and_hear_everything_when_it_is_back(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = hotline.app.state.house
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    stream = f"consultation:{case['id']}"
    await requester.hears_event("escalation.scheduled", case)
    reader, real = house.hub.catch_up, house.hub.catch_up._database

    def away() -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(reader, "_database", away)
    await requester.send({"k": "resume", "s": stream})
    told = await requester.hears(lambda m: m["k"] == "error")
    assert told["type"] == "unavailable"
    await requester.do(case, "messages", {"text": "trong lúc đó"})
    monkeypatch.setattr(reader, "_database", real)
    snapshot = await requester.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
    assert [m["text"] for m in snapshot["d"]["messages"]] == ["trong lúc đó"]
    in_order(requester)


async def test_a_client_that_never_reads_is_dropped_and_delays_nobody(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.hub.SLOW_AFTER_S", 0.3)
    hub = hotline.app.state.house.hub
    requester = await (await hotline.requester("K04")).connect()
    await snapshot_of(requester, "user:")
    deaf = await websockets.connect(url(hotline), subprotocols=[websockets.Subprotocol(SUBPROTOCOL)], max_queue=1)
    await deaf.send(json.dumps({"k": "hello", "token": requester.token}))
    async with asyncio.timeout(10):
        while len(hub.roster.lines) < 2:
            await asyncio.sleep(0.01)
        [(_, line)] = hub.roster.by_user.values()
        while line.blocked_since is None:
            line.whisper(json.dumps({"k": "marker", "s": "x" * 200_000}))
            await asyncio.sleep(0)
        for _ in range(1000):
            line.whisper(json.dumps({"k": "marker", "s": "x" * 1000}))
        assert line.queued < 300_000
        case = await hotline.ask("K04", by=requester)
        await requester.hears_event("consultation.requested", case)
        while line in hub.roster.lines:
            await asyncio.sleep(0.05)
    assert line.queue == []
    deaf.transport.abort()


async def test_a_lost_wake_up_is_repaired_within_moments(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    house = hotline.app.state.house
    requester = await (await hotline.requester("K04")).connect()
    case = await hotline.ask("K04", by=requester)
    await requester.hears_event("escalation.scheduled", case)
    with monkeypatch.context() as patched:
        patched.setattr(house.hub, "deliver", lambda *_, **__: None)
        await requester.do(case, "messages", {"text": "một"})
        await requester.do(case, "messages", {"text": "hai"})
    assert relay.CHECK_EVERY_S <= 1
    await requester.hears(lambda m: m["k"] == "event" and m["d"].get("message", {}).get("text") == "hai")
    in_order(requester)


async def test_a_restored_backup_tells_everybody_anew(hotline: Hotline) -> None:
    house = hotline.app.state.house
    requester = await (await hotline.requester("K04")).connect()
    await snapshot_of(requester, "user:")
    async with house.database() as session:
        await session.execute(text("UPDATE installation SET epoch = 'restored'"))
        await session.commit()
    again = await requester.hears(lambda m: m["k"] == "snapshot" and m["e"] == "restored")
    assert again["s"].startswith("user:")
    assert house.epoch == "restored"
