"""Memory of an idle socket with 2,000 open: how much the server process grows for each."""

import asyncio
from collections.abc import Awaitable, Callable

from bench.client import Socket, open_socket
from bench.figures import Figure, p50
from bench.main_job import FLOOR, PRODUCT, idle
from bench.product import Person, sign_in
from bench.servers import Server, ground

OPEN = 2000
WARM = 100
ROUNDS = 3
SETTLE_S = 2.0
MOST_KB = 25.0

Open = Callable[[int], Awaitable[Socket]]


async def run(_seconds: float) -> list[Figure]:
    """Open 2,000 sockets at the floor and at the product by turns, each on a fresh process."""
    grown: dict[str, list[float]] = {FLOOR: [], PRODUCT: []}
    async with ground() as under:
        await under.make(PRODUCT)
        await (await under.product(PRODUCT)).stop()
        people = list((await sign_in(under, PRODUCT, [a["username"] for a in under.accounts(PRODUCT)])).values())
        for _ in range(ROUNDS):
            floor = await under.floor(PRODUCT)
            grown[FLOOR].append(await _growth(floor, _at_floor(floor)))
            await floor.stop()
            product = await under.product(PRODUCT)
            grown[PRODUCT].append(await _growth(product, _at_product(product, people)))
            await product.stop()
    name = "memory of an idle socket, 2,000 open"
    return [Figure(name, p50(grown[PRODUCT]), "kB", p50(grown[FLOOR]), MOST_KB, absolute=True)]


def _at_product(product: Server, people: list[Person]) -> Open:
    async def one(n: int) -> Socket:
        return await idle(product.port, people[n % len(people)])

    return one


def _at_floor(floor: Server) -> Open:
    async def one(n: int) -> Socket:
        return await open_socket(floor.port, f"/stream/{n}", lambda _text, _arrived: None)

    return one


async def _growth(server: Server, one: Open) -> float:
    """Open some first, so that what is loaded once is not counted for each."""
    sockets = [await one(n) for n in range(WARM)]
    await asyncio.sleep(SETTLE_S)
    before = server.rss_kb()
    for start in range(WARM, WARM + OPEN, 50):
        sockets += await asyncio.gather(*(one(n) for n in range(start, start + 50)))
    await asyncio.sleep(SETTLE_S)
    lost = sum(socket.closed for socket in sockets)
    if lost:
        raise RuntimeError(f"{lost} sockets were closed (code {next(s.close_code for s in sockets if s.closed)})")
    grown = (server.rss_kb() - before) / OPEN
    for socket in sockets:
        socket.close()
    return grown
