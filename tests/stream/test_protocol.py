"""What a client may say, and that whatever it says is answered and never raised."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotFound
from app.realtime import protocol
from app.realtime.protocol import Ack, Close, Hello, Refusal, Resume, Subscribe, Unsubscribe

CASE = "consultation:01933333-0000-7000-8000-000000000001"
ME = "user:01933333-0000-7000-8000-000000000002"
OFFER = "01933333-0000-7000-8000-000000000003"


def parse(message: Any) -> Any:
    [parsed] = protocol.parse(json.dumps(message))
    return parsed


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"k": "hello"}, Hello()),
        ({"k": "hello", "token": "t" * 43}, Hello("t" * 43)),
        ({"k": "hello", "token": None, "cursors": {}}, Hello()),
        ({"k": "hello", "cursors": {CASE: ["e1", 7]}}, Hello(None, {CASE: ("e1", 7)})),
        ({"k": "hello", "cursors": {CASE.upper().replace("CONSULTATION", "consultation"): ["e1", 0]}},
         Hello(None, {CASE: ("e1", 0)})),
        ({"k": "subscribe", "s": CASE}, Subscribe(CASE)),
        ({"k": "unsubscribe", "s": CASE}, Unsubscribe(CASE)),
        ({"k": "resume", "s": CASE}, Resume(CASE)),
        ({"k": "resume", "s": CASE, "cursor": None}, Resume(CASE)),
        ({"k": "resume", "s": CASE, "cursor": ["e1", 3]}, Resume(CASE, ("e1", 3))),
        ({"k": "ack", "s": ME, "n": 4, "as": "delivered"}, Ack(ME, 4, seen=False)),
        ({"k": "ack", "s": ME, "n": 4, "as": "seen"}, Ack(ME, 4, seen=True)),
        ({"k": "ack", "s": ME, "offer_id": OFFER, "as": "seen"}, Ack(ME, 0, seen=True, offer_id=UUID(OFFER))),
        ({"k": "ack", "s": ME, "n": 4, "as": "seen", "later": "version"}, Ack(ME, 4, seen=True)),
    ],
)  # fmt: skip
def test_a_message_is_understood(said: Any, meant: Any) -> None:
    assert parse(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        None,
        1,
        "hello",
        {},
        {"k": None},
        {"k": "event"},
        {"k": ["hello"]},
        {"k": "hello", "token": 5},
        {"k": "hello", "token": ""},
        {"k": "hello", "token": "t" * 600},
        {"k": "hello", "cursors": []},
        {"k": "hello", "cursors": {CASE: 7}},
        {"k": "hello", "cursors": {CASE: ["e1", -1]}},
        {"k": "hello", "cursors": {CASE: ["e1", True]}},
        {"k": "hello", "cursors": {CASE: ["e1", 1.5]}},
        {"k": "hello", "cursors": {CASE: ["e1", 10**30]}},
        {"k": "hello", "cursors": {"everything": ["e1", 1]}},
        {"k": "subscribe"},
        {"k": "subscribe", "s": None},
        {"k": "subscribe", "s": "consultation:"},
        {"k": "subscribe", "s": "consultation:1"},
        {"k": "subscribe", "s": "ward:01933333-0000-7000-8000-000000000001"},
        {"k": "subscribe", "s": CASE + "'; DROP TABLE event"},
        {"k": "resume", "s": CASE, "cursor": "newest"},
        {"k": "ack", "s": ME, "as": "seen"},
        {"k": "ack", "s": ME, "n": "4", "as": "seen"},
        {"k": "ack", "s": ME, "n": 4},
        {"k": "ack", "s": ME, "n": 4, "as": "read"},
        {"k": "ack", "s": ME, "n": 4, "as": "seen", "offer_id": "mine"},
    ],
)
def test_what_is_wrong_with_a_message_is_said_in_both_languages(said: Any) -> None:
    refusal = parse(said)
    assert isinstance(refusal, Refusal)
    for language in ("vi", "en"):
        envelope = json.loads(protocol.refuse(refusal, language))
        assert envelope["k"] == "error"
        assert envelope["type"] == "invalid-message"
        assert envelope["title"]
        assert envelope["detail"]


@pytest.mark.parametrize("text", ["", "{", "hello", "\x00", "[1,", "{'k': 'hello'}", '{"k": "hello"', "[" * 100_000])
def test_a_frame_that_is_not_json_is_refused(text: str) -> None:
    assert protocol.parse(text) == [protocol.NOT_JSON]


def test_a_frame_may_hold_several_messages_but_not_any_number() -> None:
    both = json.dumps([{"k": "subscribe", "s": CASE}, {"k": "unsubscribe", "s": CASE}])
    assert protocol.parse(both) == [Subscribe(CASE), Unsubscribe(CASE)]
    assert isinstance(protocol.parse("[]")[0], Refusal)
    assert isinstance(protocol.parse(json.dumps([{"k": "subscribe", "s": CASE}] * 101))[0], Refusal)


def test_only_so_many_cursors_are_kept_and_the_newest_cases_among_them() -> None:
    names = [f"consultation:01933333-0000-7000-8000-{i:012d}" for i in range(300)]
    hello = parse({"k": "hello", "cursors": {name: ["e1", 1] for name in names}})
    assert isinstance(hello, Hello)
    assert set(hello.cursors) == set(names[-protocol.MOST_CURSORS :])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
messages = st.fixed_dictionaries(
    {"k": st.sampled_from(["hello", "subscribe", "unsubscribe", "resume", "ack"]) | anything},
    optional={
        "s": st.sampled_from([CASE, ME]) | anything,
        "n": anything,
        "as": st.sampled_from(["seen", "delivered"]) | anything,
        "cursor": anything,
        "cursors": st.dictionaries(st.sampled_from([CASE, ME]), anything) | anything,
        "token": anything,
        "offer_id": anything,
    },
)


@given(st.text() | (messages | anything).map(json.dumps))
def test_nothing_that_a_client_says_raises(text: str) -> None:
    for said in protocol.parse(text):
        if isinstance(said, Refusal):
            json.loads(protocol.refuse(said, "vi"))


def test_a_token_is_in_no_log() -> None:
    assert "secret" not in repr(Hello("secret"))


def test_close_codes_say_whether_to_come_back() -> None:
    back = {c for c in Close if 4000 <= c < 4500}
    gone = {Close.UNAUTHENTICATED, Close.BAD_ORIGIN, Close.PROTOCOL}
    assert back | gone == set(Close)
    assert all(4500 <= c < 5000 for c in gone)


def test_a_problem_on_the_stream_reads_as_over_http() -> None:
    envelope = json.loads(protocol.problem(NotFound(), "en", CASE))
    assert envelope == {
        "k": "error",
        "type": "not-found",
        "title": "Not found",
        "detail": "There is no such item, or it is not yours to see.",
        "re": CASE,
    }


def test_an_event_is_spliced_from_what_is_shared_and_what_is_not() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    event_id, by = uuid4(), uuid4()
    at = datetime(2026, 11, 23, 20, 8, tzinfo=UTC)
    tail = protocol.event_tail(event_id, "message.posted", at, by, '{"a":"đỏ"}')
    assert json.loads(protocol.event_head(CASE, "e1", 9) + tail) == {
        "k": "event",
        "s": CASE,
        "e": "e1",
        "n": 9,
        "id": str(event_id),
        "t": "message.posted",
        "at": "2026-11-23T20:08:00Z",
        "by": str(by),
        "d": {"a": "đỏ"},
    }
