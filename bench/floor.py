"""The floor: raw ASGI that calls one plpgsql function for each command, on the same server settings as the product.

It writes the same rows as the product, learnt from finished sample cases in its database, and pushes the offer and the
acceptance to bare sockets. It checks nothing and decides nothing: what remains is HTTP, sockets and a durable commit.
"""

import argparse
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn

from app.identifiers import new_id
from app.serving import WIRE

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Row = dict[str, Any]

SQL = Path(__file__).with_name("floor.sql")
POOL = 20
_LABEL = re.compile(rb'"label":"([^"]+)"')
_REQUEST = "SELECT floor_request($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"
_ACCEPTANCE = "SELECT floor_acceptance($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"


@dataclass(slots=True)
class Facts:
    """The events of one command in a sample case, and where they were entered."""

    events: list[Row]
    entries: list[tuple[str, int, int]]
    """Stream, place (absolute in the case's own stream, otherwise counted from the head), index of the event."""
    names: list[str]
    counts: list[int]
    answer: str


@dataclass(slots=True)
class Sample:
    """One finished case of the product, as rows to copy."""

    case: Row
    vitals: Row
    callout: Row
    offer: Row
    asker: Row
    answerer: Row
    request: Facts
    acceptance: Facts


class Floor:
    """The ASGI application: /request/<sample>, /acceptance/<sample>/<case>, and the socket /stream/<user>."""

    def __init__(self, url: str, cases: Sequence[UUID], sizes: tuple[int, int]) -> None:
        self._url = url
        self._cases = cases
        self._pads = ["x" * size for size in sizes]
        self._pool: asyncpg.Pool[Any] | None = None
        self._samples: list[Sample] = []
        self._sockets: dict[str, list[Send]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope["path"].split("/")[2:], receive, send)
        else:
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(self._url, min_size=2, max_size=POOL)
        async with self._pool.acquire() as connection:
            self._samples = [await _read_sample(connection, case) for case in self._cases]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        _, what, *rest = scope["path"].split("/")
        if what == "request":
            key = next((v for n, v in scope["headers"] if n == b"idempotency-key"), b"").decode()
            await _reply(send, 201, await self._request(self._samples[int(rest[0])], body, key))
        elif what == "acceptance":
            key = next((v for n, v in scope["headers"] if n == b"idempotency-key"), b"").decode()
            await _reply(send, 200, await self._accept(self._samples[int(rest[0])], UUID(rest[1]), key))
        elif what == "say":
            if rest[1:]:
                await self._keep(UUID(rest[1]), body)
            await self._push(rest[0], body.decode())
            await _reply(send, 200, "{}")
        elif what == "answer":
            assert self._pool is not None
            found = await self._pool.fetchval("SELECT body FROM stored_answer WHERE key = $1", rest[0])
            await _reply(send, 200, found)
        else:
            await _reply(send, 200, "{}")

    async def _request(self, sample: Sample, body: bytes, key: str) -> str:
        now = datetime.now(UTC)
        new, call = new_id(now), new_id(now)
        found = _LABEL.search(body)
        label = found.group(1).decode() if found else ""
        facts, entries, names = _copy(sample.request, sample.case["id"], new, now)
        answer = sample.request.answer.replace(str(sample.case["id"]), str(new))
        case = sample.case | {"id": new, "label": label, "created_at": now, "updated_at": now}
        asker = sample.case["requester_id"]
        assert self._pool is not None
        await self._pool.execute(
            _REQUEST,
            tuple(case.values()),
            tuple((sample.vitals | {"id": new_id(now), "consultation_id": new}).values()),
            tuple((sample.callout | {"id": call, "consultation_id": new}).values()),
            tuple((sample.offer | {"id": new_id(now), "consultation_id": new, "callout_id": call}).values()),
            tuple((sample.asker | {"consultation_id": new}).values()),
            facts,
            entries,
            names,
            sample.request.counts,
            (asker, key, sha256(body).digest(), 201, answer, None, new, now),
        )
        frame = (
            f'{{"k":"event","t":"offer.made","d":{{"consultation_id":"{new}",'
            f'"offer":{{"card":{{"patient":{{"label":"{label}"}}}}}},"pad":"{self._pads[0]}"}}}}'
        )
        await self._push(str(sample.offer["doctor_id"]), frame)
        return answer

    async def _accept(self, sample: Sample, case_id: UUID, key: str) -> str:
        now = datetime.now(UTC)
        facts, entries, names = _copy(sample.acceptance, sample.case["id"], case_id, now)
        answer = sample.acceptance.answer.replace(str(sample.case["id"]), str(case_id))
        doctor = sample.offer["doctor_id"]
        assert self._pool is not None
        await self._pool.execute(
            _ACCEPTANCE,
            case_id,
            doctor,
            now,
            sample.acceptance.events[-1]["seq"],
            tuple((sample.answerer | {"consultation_id": case_id}).values()),
            facts,
            entries,
            names,
            sample.acceptance.counts,
            (doctor, key, sha256(key.encode()).digest(), 200, answer, None, case_id, now),
        )
        frame = f'{{"k":"event","t":"offer.accepted","d":{{"consultation_id":"{case_id}","pad":"{self._pads[1]}"}}}}'
        await self._push(str(sample.case["requester_id"]), frame)
        return answer

    async def _keep(self, user: UUID, body: bytes) -> None:
        """Commit one row, as little as a message can be."""
        now = datetime.now(UTC)
        assert self._pool is not None
        await self._pool.execute(
            "INSERT INTO stored_answer (user_id, key, fingerprint, status, body, at) VALUES ($1,$2,$3,201,$4,$5)",
            *(user, str(new_id(now)), sha256(body).digest(), body.decode(), now),
        )

    async def _replay(self, stream: str, after: int, send: Send) -> None:
        """Send what a stream has said after a place, as stored, in one frame."""
        assert self._pool is not None
        rows = await self._pool.fetch(
            "SELECT v.data::text AS d FROM stream_entry k JOIN event v ON v.id = k.event_id "
            "WHERE k.stream = $1 AND k.seq > $2 ORDER BY k.seq",
            *(stream, after),
        )
        await send({"type": "websocket.send", "text": "[" + ",".join(row["d"] for row in rows) + "]"})

    async def _push(self, user: str, frame: str) -> None:
        for send in self._sockets.get(user, ()):
            await send({"type": "websocket.send", "text": frame})

    async def _socket(self, names: list[str], receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "hotline.v1"})
        user = names[0]
        if names[1:]:
            await self._replay(user, int(names[1]), send)
        sockets = self._sockets.setdefault(user, [])
        sockets.append(send)
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            sockets.remove(send)


def _copy(
    facts: Facts, old: UUID, new: UUID, now: datetime
) -> tuple[list[tuple[Any, ...]], list[tuple[str, int, UUID]], list[str]]:
    ids = [new_id(now) for _ in facts.events]
    chain, former = f"consultation:{new}", f"consultation:{old}"
    rows = [
        tuple((event | {"id": id_, "chain": chain, "at": now, "consultation_id": new}).values())
        for event, id_ in zip(facts.events, ids, strict=True)
    ]
    entries = [(chain if stream == former else stream, place, ids[at]) for stream, place, at in facts.entries]
    return rows, entries, facts.names


async def _reply(send: Send, status: int, body: str) -> None:
    content = body.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _read_sample(connection: Any, case_id: UUID) -> Sample:
    async def rows(statement: str) -> list[Row]:
        return [dict(row) for row in await connection.fetch(statement, case_id)]

    case = (await rows("SELECT * FROM consultation WHERE id = $1"))[0]
    callout = (await rows("SELECT * FROM callout WHERE consultation_id = $1"))[0]
    offer = (await rows("SELECT * FROM offer WHERE consultation_id = $1"))[0]
    parts = await rows("SELECT * FROM participant WHERE consultation_id = $1 ORDER BY role = 'requester' DESC")
    events = await rows("SELECT * FROM event WHERE consultation_id = $1 ORDER BY seq")
    entered = await rows(
        "SELECT k.* FROM stream_entry k JOIN event e ON e.id = k.event_id WHERE e.consultation_id = $1 "
        "ORDER BY k.stream, k.seq"
    )
    answers = await rows(
        "SELECT * FROM stored_answer WHERE consultation_id = $1 OR location LIKE '%' || CAST($1 AS text) ORDER BY at"
    )
    until = next(place for place, event in enumerate(events) if event["type"] == "offer.accepted")
    callout |= {"state": "ringing", "ended_at": None, "next_due_at": callout["opened_at"].replace(year=2999)}
    return Sample(
        case=case
        | {"status": "ringing", "holder_id": None, "holder_name": None, "holder_licence": None, "held_since": None}
        | {"version": until, "head_hash": secrets.token_bytes(32)},
        vitals=(await rows("SELECT * FROM vital_signs WHERE consultation_id = $1"))[0],
        callout=callout,
        offer=offer | {"state": "made", "answered_at": None},
        asker=parts[0],
        answerer=parts[1],
        request=_facts(events[:until], entered, answers[0]["body"]),
        acceptance=_facts(events[until:], entered, answers[1]["body"]),
    )


def _facts(events: list[Row], entered: list[Row], answer: str) -> Facts:
    at = {event["id"]: place for place, event in enumerate(events)}
    counts: dict[str, int] = {}
    entries: list[tuple[str, int, int]] = []
    for entry in entered:
        if entry["event_id"] not in at:
            continue
        stream = entry["stream"]
        if stream == events[0]["chain"]:
            entries.append((stream, entry["seq"], at[entry["event_id"]]))
        else:
            counts[stream] = counts.get(stream, 0) + 1
            entries.append((stream, counts[stream], at[entry["event_id"]]))
    names = sorted(counts)
    return Facts(events, entries, names, [counts[n] for n in names], answer)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bench.floor")
    parser.add_argument("--url", required=True)
    parser.add_argument("--cases", default="", help="Finished cases to copy, comma-separated")
    parser.add_argument("--sizes", default="0,0", help="Bytes of the offer and of the acceptance frame")
    options = parser.parse_args()
    offer, accepted = (int(size) for size in options.sizes.split(","))
    cases = [UUID(case) for case in options.cases.split(",") if case]
    uvicorn.run(
        Floor(options.url, cases, (offer, accepted)),
        host="127.0.0.1",
        port=int(os.environ["HOICHAN_PORT"]),
        **WIRE,
    )


if __name__ == "__main__":
    main()
