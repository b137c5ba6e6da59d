"""How late the next doctor is rung: offers that no device acknowledges are due after 30 s.

The floor is the clock itself (a timer that is never late); the trial of this design was 0.8 ms at p50 and 5.9 at p99.
"""

import asyncio

from bench.client import Http
from bench.figures import Figure, p50, p99
from bench.main_job import PRODUCT
from bench.product import ask, choose_pairs, sign_in
from bench.servers import ground

CASES = 200
DUE_S = 30
SPARE_S = 8


async def run(_seconds: float) -> list[Figure]:
    """Ask two hundred times, answer nothing, and look at when the facts were recorded."""
    async with ground() as under:
        await under.make(PRODUCT)
        server = await under.product(PRODUCT)
        people = await sign_in(under, PRODUCT, [a["username"] for a in under.accounts(PRODUCT)])
        http = Http(server.port)
        pairs = await choose_pairs(http, under.accounts(PRODUCT), people, 12)
        for turn in range(CASES):
            pair = pairs[turn % len(pairs)]
            (await ask(http, pair.asker, pair.specialty, f"T-{turn}")).expect(201)
        await asyncio.sleep(DUE_S + SPARE_S)
        async with under.connection(PRODUCT) as connection:
            rows = await connection.fetch(
                "SELECT o.id, extract(epoch FROM e.at - o.made_at) - $1 AS late, "
                "count(*) OVER (PARTITION BY o.id) AS times "
                "FROM offer o JOIN event e ON e.consultation_id = o.consultation_id AND e.type = 'offer.undelivered' "
                "AND e.data->>'offer_id' = o.id::text WHERE o.step = 0",
                DUE_S,
            )
        await server.stop()
    late = [float(row["late"]) * 1000 for row in rows]
    once = sum(row["times"] == 1 for row in rows)
    return [
        Figure("next doctor rung late p50", p50(late), "ms"),
        Figure("next doctor rung late p99", p99(late), "ms"),
        Figure("due times acted on exactly once", once / CASES, "of all", target=1.0, absolute=True, at_least=True),
    ]
