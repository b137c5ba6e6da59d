"""Coming back after a break: from opening the socket to having heard everything that was missed in a case.

The floor opens a bare socket and sends the stored rows of the same stream in one frame.
"""

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

from bench.client import open_socket
from bench.figures import Figure, p50, p99
from bench.main_job import FLOOR, PRODUCT
from bench.product import Person, choose_pairs, listen, sign_in
from bench.reading import discuss
from bench.servers import Server, ground

ROUNDS = 3
TIMES = 40
TALKS = 12
PATIENCE_S = 20.0


async def run(_seconds: float) -> list[Figure]:
    """Miss over a hundred events of one case, and come back forty times a round."""
    from bench.client import Http  # noqa: PLC0415

    async with ground() as under, AsyncExitStack() as stack:
        await under.make(PRODUCT)
        product = await under.product(PRODUCT)
        stack.push_async_callback(product.stop)
        people = await sign_in(under, PRODUCT, [a["username"] for a in under.accounts(PRODUCT)])
        http = Http(product.port)
        [pair] = await choose_pairs(http, under.accounts(PRODUCT), people, 1)
        for _ in range(TALKS):
            await discuss(http, pair)
        stream = f"consultation:{pair.sample}"
        floor = await under.floor(PRODUCT)
        stack.push_async_callback(floor.stop)
        case = (await http.request("GET", f"/api/v1/consultations/{pair.sample}", headers=pair.asker.headers)).json()
        epoch = await _epoch(product, pair.asker)
        took: dict[str, list[list[float]]] = {FLOOR: [], PRODUCT: []}
        for _ in range(ROUNDS):
            took[FLOOR].append([await _floor(floor, stream) for _ in range(TIMES)])
            took[PRODUCT].append(
                [await _product(product, pair.asker, stream, epoch, case["version"]) for _ in range(TIMES)]
            )
    missed = case["version"] - 1
    return [
        Figure(
            f"back and up to date, {missed} events missed p50",
            p50(map(p50, took[PRODUCT])),
            "ms",
            p50(map(p50, took[FLOOR])),
        ),
        Figure(
            f"back and up to date, {missed} events missed p99",
            p50(map(p99, took[PRODUCT])),
            "ms",
            p50(map(p99, took[FLOOR])),
        ),
    ]


async def _epoch(server: Server, person: Person) -> str:
    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def heard(envelope: dict[str, Any], _arrived: float) -> None:
        if envelope["k"] == "welcome" and not said.done():
            said.set_result(envelope["epoch"])

    socket = await listen(server.port, person, heard)
    epoch = await asyncio.wait_for(said, PATIENCE_S)
    socket.close()
    return epoch


async def _product(server: Server, person: Person, stream: str, epoch: str, head: int) -> float:
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def heard(envelope: dict[str, Any], arrived: float) -> None:
        if envelope.get("s") == stream and envelope["n"] == head and not done.done():
            done.set_result(arrived)

    began = perf_counter()
    socket = await listen(server.port, person, heard, {stream: [epoch, 1]})
    at = await asyncio.wait_for(done, PATIENCE_S)
    socket.close()
    return (at - began) * 1000


async def _floor(server: Server, stream: str) -> float:
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    began = perf_counter()
    socket = await open_socket(
        server.port, f"/stream/{stream}/1", lambda _text, at: None if done.done() else done.set_result(at)
    )
    at = await asyncio.wait_for(done, PATIENCE_S)
    socket.close()
    return (at - began) * 1000
