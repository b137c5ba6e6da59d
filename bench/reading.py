"""Reads of one case over HTTP, floor and product by turns: latency one at a time, and reads per second by eight."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter
from uuid import UUID, uuid4

from pydantic_core import to_json

from bench.client import Http, Reply
from bench.figures import Figure, p50, p99
from bench.main_job import FLOOR, PRODUCT
from bench.product import Pair, choose_pairs, sign_in
from bench.servers import Ground, ground

ROUNDS = 3
READERS = 8
MESSAGES = 12

Read = Callable[[], Awaitable[Reply]]


async def compare(name: str, path: str, seconds: float) -> list[Figure]:
    """Read `/consultations/{id}{path}` and its floor for `seconds` each, three rounds."""
    async with ground() as under, AsyncExitStack() as stack:
        await under.make(PRODUCT)
        product = await under.product(PRODUCT)
        stack.push_async_callback(product.stop)
        people = await sign_in(under, PRODUCT, [a["username"] for a in under.accounts(PRODUCT)])
        http = Http(product.port)
        [pair] = await choose_pairs(http, under.accounts(PRODUCT), people, 1)
        await discuss(http, pair)
        url = f"/api/v1/consultations/{pair.sample}{path}"
        body = (await http.request("GET", url, headers=pair.asker.headers)).expect(200).body
        key = await _store(under, pair.asker.id, body.decode())
        floor = await under.floor(PRODUCT)
        stack.push_async_callback(floor.stop)
        floor_http = Http(floor.port)
        reads: dict[str, Read] = {
            FLOOR: lambda: floor_http.request("GET", f"/answer/{key}"),
            PRODUCT: lambda: http.request("GET", url, headers=pair.asker.headers),
        }
        latency: dict[str, list[list[float]]] = {FLOOR: [], PRODUCT: []}
        rate: dict[str, list[float]] = {FLOOR: [], PRODUCT: []}
        for _ in range(ROUNDS):
            for side, read in reads.items():
                latency[side].append(await _one_by_one(read, seconds / 2))
                rate[side].append(await _by_eight(read, seconds / 2))
    return [
        Figure(f"{name} p50", p50(map(p50, latency[PRODUCT])), "ms", p50(map(p50, latency[FLOOR]))),
        Figure(f"{name} p99", p50(map(p99, latency[PRODUCT])), "ms", p50(map(p99, latency[FLOOR]))),
        Figure(f"{name} per second", p50(rate[PRODUCT]), "/s", p50(rate[FLOOR])),
    ]


async def discuss(http: Http, pair: Pair) -> None:
    """Say something in the case of a pair, and conclude it."""
    path = f"/api/v1/consultations/{pair.sample}"
    for turn in range(MESSAGES):
        who = (pair.asker, pair.answerer)[turn % 2]
        body = to_json({"text": f"Huyết áp {90 + turn}/60, mạch {60 + turn}. Tiếp tục theo dõi."})
        (await http.request("POST", f"{path}/messages", headers=who.command(), body=body)).expect(201)
    conclusion = {"summary": "Đã xem ca.", "conclusion": "Nhồi máu cơ tim cấp thành dưới.", "plan": "Chuyển can thiệp."}
    reply = await http.request("POST", f"{path}/conclusion", headers=pair.answerer.command(), body=to_json(conclusion))
    reply.expect(200)


async def _store(under: Ground, user: UUID, body: str) -> str:
    key = str(uuid4())
    async with under.connection(PRODUCT) as connection:
        await connection.execute(
            "INSERT INTO stored_answer (user_id, key, fingerprint, status, body, at) VALUES ($1,$2,'',200,$3,now())",
            *(user, key, body),
        )
    return key


async def _one_by_one(read: Read, seconds: float) -> list[float]:
    took: list[float] = []
    until = perf_counter() + seconds
    while perf_counter() < until:
        began = perf_counter()
        (await read()).expect(200)
        took.append((perf_counter() - began) * 1000)
    return took


async def _by_eight(read: Read, seconds: float) -> float:
    began, done = perf_counter(), 0

    async def keep_reading() -> None:
        nonlocal done
        while perf_counter() < began + seconds:
            (await read()).expect(200)
            done += 1

    await asyncio.gather(*(keep_reading() for _ in range(READERS)))
    return done / (perf_counter() - began)
