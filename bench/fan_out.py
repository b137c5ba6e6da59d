"""One message to everybody who takes part: sent → heard by the last of forty sockets, and deliveries per second.

The floor commits one row and pushes the same frame to as many bare sockets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from time import perf_counter

from pydantic_core import to_json

from bench.client import Http, Reply, open_socket
from bench.figures import Figure, p50, p99
from bench.main_job import FLOOR, PRODUCT
from bench.product import choose_pairs, listen, sign_in
from bench.servers import ground

ROUNDS = 3
WINDOWS = 18
"""Sockets of each of the two who take part (one account may have twenty)."""
AT_A_TIME = 8
PATIENCE_S = 20.0
_texts = count(1)

Say = Callable[[str], Awaitable[Reply]]


class Crowd:
    """Counts who has heard which text."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._left: dict[str, tuple[int, asyncio.Future[float]]] = {}

    def expect(self, text: str) -> asyncio.Future[float]:
        """Return what is set when the last socket has heard the text."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._left[text] = (self.size, future)
        return future

    def heard(self, frame: bytes, arrived: float) -> None:
        """Take one frame, which may hold several texts."""
        for part in frame.split(b"<<")[1:]:
            text = part.partition(b">>")[0].decode()
            left, future = self._left.get(text, (0, None))
            if future is None:
                continue
            self._left[text] = (left - 1, future)
            if left == 1:
                del self._left[text]
                future.set_result(arrived)


async def run(seconds: float) -> list[Figure]:
    """Talk in one case, floor and product by turns."""
    async with ground() as under, AsyncExitStack() as stack:
        await under.make(PRODUCT)
        product = await under.product(PRODUCT)
        stack.push_async_callback(product.stop)
        people = await sign_in(under, PRODUCT, [a["username"] for a in under.accounts(PRODUCT)])
        http = Http(product.port)
        [pair] = await choose_pairs(http, under.accounts(PRODUCT), people, 1)
        floor = await under.floor(PRODUCT)
        stack.push_async_callback(floor.stop)
        floor_http = Http(floor.port)
        crowds = {FLOOR: Crowd(2 * WINDOWS), PRODUCT: Crowd(2 * WINDOWS)}
        for person in (pair.asker, pair.answerer):
            for _ in range(WINDOWS):
                socket = await listen(product.port, person, lambda _envelope, _at: None)
                socket.on_text = crowds[PRODUCT].heard
                stack.callback(socket.close)
                stack.callback((await open_socket(floor.port, "/stream/all", crowds[FLOOR].heard)).close)
        await asyncio.sleep(1.5)
        path = f"/api/v1/consultations/{pair.sample}/messages"
        says: dict[str, Say] = {
            FLOOR: lambda text: floor_http.request(
                "POST", f"/say/all/{pair.asker.id}", body=to_json({"text": f"<<{text}>>", "pad": "x" * 1200})
            ),
            PRODUCT: lambda text: http.request(
                "POST", path, headers=pair.answerer.command(), body=to_json({"text": f"<<{text}>>"})
            ),
        }
        latency: dict[str, list[list[float]]] = {FLOOR: [], PRODUCT: []}
        rate: dict[str, list[float]] = {FLOOR: [], PRODUCT: []}
        for _ in range(ROUNDS):
            for side, say in says.items():
                latency[side].append(await _talk(crowds[side], say, seconds / 2, 1))
                began = perf_counter()
                heard = await _talk(crowds[side], say, seconds / 2, AT_A_TIME)
                rate[side].append(len(heard) * 2 * WINDOWS / (perf_counter() - began))
    return [
        Figure(
            "message sent to heard by the last p50",
            p50(map(p50, latency[PRODUCT])),
            "ms",
            p50(map(p50, latency[FLOOR])),
        ),
        Figure(
            "message sent to heard by the last p99",
            p50(map(p99, latency[PRODUCT])),
            "ms",
            p50(map(p99, latency[FLOOR])),
        ),
        Figure("deliveries per second, one case", p50(rate[PRODUCT]), "/s", p50(rate[FLOOR])),
    ]


async def _talk(crowd: Crowd, say: Say, seconds: float, at_a_time: int) -> list[float]:
    took: list[float] = []
    until = perf_counter() + seconds

    async def keep_talking() -> None:
        while perf_counter() < until:
            text = f"{next(_texts)}"
            heard = crowd.expect(text)
            began = perf_counter()
            (await say(text)).expect(200, 201)
            took.append((await asyncio.wait_for(heard, PATIENCE_S) - began) * 1000)

    await asyncio.gather(*(keep_talking() for _ in range(at_a_time)))
    return took
