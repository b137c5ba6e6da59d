"""Two processes on one database: asked at the one, rung at the other, against everything within one process."""

import asyncio
from contextlib import AsyncExitStack

from bench.client import Http
from bench.figures import Figure, p50, p99
from bench.main_job import PRODUCT, Product, steadily
from bench.product import Pair, Person, choose_pairs, sign_in
from bench.servers import Server, ground

ROUNDS = 3
PAIRS = 24


async def run(seconds: float) -> list[Figure]:
    """Let half of the rounds cross from process to process."""
    async with ground() as under, AsyncExitStack() as stack:
        await under.make(PRODUCT)
        first = await under.product(PRODUCT)
        stack.push_async_callback(first.stop)
        second = await under.product(PRODUCT)
        stack.push_async_callback(second.stop)
        people = await sign_in(under, PRODUCT, [a["username"] for a in under.accounts(PRODUCT)])
        pairs = await choose_pairs(Http(first.port), under.accounts(PRODUCT), people, PAIRS)
        listeners = list({p.id: p for pair in pairs for p in (pair.asker, pair.answerer)}.values())
        sides: dict[str, Product] = {}
        for name, heard_at in (("within", first), ("across", second)):
            sides[name] = await _listening(first, heard_at, pairs, listeners, stack)
        offers: dict[str, list[list[float]]] = {"within": [], "across": []}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                lives = await steadily(side, seconds)
                offers[name].append([(life.offered - life.asked) * 1000 for life in lives])
    return [
        Figure(
            "request to offer in another process p50",
            p50(map(p50, offers["across"])),
            "ms",
            p50(map(p50, offers["within"])),
        ),
        Figure(
            "request to offer in another process p99",
            p50(map(p99, offers["across"])),
            "ms",
            p50(map(p99, offers["within"])),
        ),
    ]


async def _listening(
    asked: Server, heard_at: Server, pairs: list[Pair], listeners: list[Person], stack: AsyncExitStack
) -> Product:
    side = Product(heard_at, pairs)
    for socket in await side.connect(listeners):
        stack.callback(socket.close)
    side.http = Http(asked.port)
    await asyncio.sleep(1.0)
    return side
