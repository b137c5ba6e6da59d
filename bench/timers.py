"""How late the next person is rung: three server processes, one database, 3,000 ringing cases, and random kills.

Each ringing case is a copy of a sample that the product made; its time comes once, in one of the rounds, or not at all:
fifty a second, so that rounds of 20 s use them up. The floor
is a bare loop with SKIP LOCKED (timer_floor.py) in as many processes, killed as often, with the same due times, which
writes the rows that the product wrote for the samples. Late is when the fact was committed, by the database's clock.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.identifiers import new_id
from bench.client import Http
from bench.crew import Crew
from bench.figures import Figure, p50, p99
from bench.main_job import FLOOR, PRODUCT
from bench.product import ask, choose_pairs, sign_in
from bench.servers import Ground, Server, ground, launch

SQL = Path(__file__).with_name("timers.sql")
LEAD_S = 2.5
"""Between setting the due times and the first: every process looks at least once a second."""
LONGEST_ROUND_S = 20.0
"""A person who was rung and not reached is due again after 30 s; that should not fall into the round."""
PATIENCE_S = 30.0
"""What has not been done so long after the end of a round is lost."""
SEED = 7
NEVER = -1


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    timers: int = 3000
    """Ringing cases that are open."""
    due_per_s: int = 50
    """Cases whose time comes in each second of a round; those left over are open all the while."""
    rounds: int = 3
    processes: int = 3
    pairs: int = 24


@dataclass(slots=True)
class Side:
    """What all rounds of one side measured."""

    late_ms: list[list[float]] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    early: int = 0
    kills: int = 0


async def run(seconds: float) -> list[Figure]:
    """Measure, and return medians of rounds; the worst of all rounds for the longest."""
    return await measure(Size(), seconds)


async def measure(size: Size, seconds: float) -> list[Figure]:
    """Let floor and product take turns, each with the round's share of due times."""
    seconds = min(seconds, LONGEST_ROUND_S)
    async with ground() as under, AsyncExitStack() as stack:
        await _prepare(under, size, seconds)
        sides = {FLOOR: Side(), PRODUCT: Side()}
        for turn in range(size.rounds):
            for name, side in sides.items():
                crew = _crew(under, name, size.processes)
                stack.push_async_callback(crew.end)
                await _round(under, name, crew, side, turn, size, seconds)
    return figures(size, sides[FLOOR], sides[PRODUCT])


async def _prepare(under: Ground, size: Size, seconds: float) -> None:
    """Make samples with the product, let their time come once, and copy what they were before."""
    await _tell_commit_times(under)
    await under.make(PRODUCT)
    server = await under.product(PRODUCT)
    async with under.connection(PRODUCT) as connection:
        await connection.execute(await asyncio.to_thread(SQL.read_text, "utf-8"))
        # A new house learns of the holidays a little later, which moves every duty: that is no news for what rings.
        await _until(connection, "SELECT count(*) FROM installation WHERE NOT EXISTS (SELECT FROM holiday)")
        samples = await _samples(under, server, size.pairs)
        await keep(connection, samples)
        await connection.execute(
            "UPDATE callout SET step_due_at = now(), next_due_at = now() WHERE consultation_id = ANY($1)", samples
        )
        await _until(connection, "SELECT count(*) FROM callout WHERE consultation_id = ANY($1) AND step = 0", samples)
        await server.stop()
        await copy(connection, await rung(connection), size, seconds)
        # A real installation and no demo, so that a process started again loads nothing before it serves.
        await connection.execute("UPDATE installation SET demo = false")
        await connection.execute("VACUUM ANALYZE")
    await under.make(FLOOR, template=PRODUCT)


async def keep(connection: Any, samples: list[UUID]) -> None:
    """Note what ringing cases are like whose time has not come yet."""
    # Every device has the offer, so that the step's own time is what comes; and who rings has been written to already.
    await connection.execute(
        "UPDATE offer SET delivered_at = made_at, noticed_at = made_at WHERE consultation_id = ANY($1)", samples
    )
    await connection.execute("SELECT bench.keep($1)", samples)


async def rung(connection: Any) -> list[UUID]:
    """Note what was written for them when it had come, and return those that took the next step then."""
    await connection.execute("SELECT bench.keep_after()")
    rows = await connection.fetch(
        "SELECT DISTINCT consultation_id AS id FROM bench.event_after "
        "WHERE type = 'escalation.scheduled' AND data->>'step' = '1'"
    )
    return [row["id"] for row in rows]


async def copy(connection: Any, samples: list[UUID], size: Size, seconds: float) -> None:
    """Make many ringing cases of them, each with a round in which its time will come, or with none."""
    now = datetime.now(UTC)
    in_round = min(int(size.due_per_s * seconds), size.timers // size.rounds)
    await connection.execute(
        "SELECT bench.copy($1, $2, $3)",
        [new_id(now) for _ in range(size.timers)],
        [samples[place % len(samples)] for place in range(size.timers)],
        [turn if (turn := place // in_round) < size.rounds else NEVER for place in range(size.timers)],
    )


async def _tell_commit_times(under: Ground) -> None:
    async with under.connection() as connection:
        await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await under.postgres.stop()
    await under.postgres.start()


async def _samples(under: Ground, server: Server, count: int) -> list[UUID]:
    """Ask as many pairs of doctors as there are, and leave them ringing."""
    accounts = under.accounts(PRODUCT)
    people = await sign_in(under, PRODUCT, [a["username"] for a in accounts])
    http = Http(server.port)
    samples = []
    for pair in await choose_pairs(http, accounts, people, count):
        case = (await ask(http, pair.asker, pair.specialty, "T-sample")).expect(201).json()
        samples.append(UUID(case["id"]))
    http.close()
    return samples


def _crew(under: Ground, name: str, processes: int) -> Crew:
    arguments = ["bench.timer_floor", "--url", under.url(FLOOR)] if name == FLOOR else ["app.cli", "serve"]
    environment = {
        "DATABASE_URL": under.url(PRODUCT),
        "HOICHAN_DATA_DIR": str(under.folder / PRODUCT),
        "HOICHAN_LOG_LEVEL": "INFO",
    }
    arguments += ["--processes", str(processes)]
    return Crew(lambda: launch(arguments, environment, under.folder / f"{name}-{uuid4()}.log"))


async def _round(under: Ground, name: str, crew: Crew, side: Side, turn: int, size: Size, seconds: float) -> None:
    await crew.begin(size.processes)
    chance = random.Random(SEED + turn)  # both sides die alike
    async with under.connection(name) as connection:
        await connection.execute(
            "SELECT bench.schedule($1, clock_timestamp() + make_interval(secs => $2), $3)", turn, LEAD_S, seconds
        )
        await asyncio.sleep(LEAD_S)
        await crew.be_killed(seconds, chance)
        await _until(connection, "SELECT bench.still_due($1)", turn)
        await crew.end()
        rows = await connection.fetch("SELECT * FROM bench.outcome($1)", turn)
        side.early = sum(row["times"] for row in await connection.fetch("SELECT * FROM bench.outcome($1)", NEVER))
        await connection.execute("SELECT bench.retire($1)", turn)
    side.late_ms.append([row["late_ms"] for row in rows])
    side.lost += sum(row["times"] == 0 for row in rows)
    side.doubled += sum(row["times"] > 1 for row in rows)
    side.kills += crew.kills
    crew.kills = 0


async def _until(connection: Any, question: str, *about: object) -> None:
    """Wait until a count is nought, or for as long as patience lasts."""
    for _ in range(int(PATIENCE_S / 0.1)):
        if not await connection.fetchval(question, *about):
            return
        await asyncio.sleep(0.1)


def figures(size: Size, floor: Side, product: Side) -> list[Figure]:
    """Compare medians of rounds, and the longest of all rounds."""

    def median(side: Side, of: Callable[[list[float]], float]) -> float:
        return p50(of(late) for late in side.late_ms)

    due = sum(map(len, product.late_ms))
    return [
        Figure("next person rung late p50", median(product, p50), "ms", median(floor, p50)),
        Figure("next person rung late p99", median(product, p99), "ms", median(floor, p99), target=2.0),
        Figure("next person rung late at most", max(map(max, product.late_ms)), "ms", max(map(max, floor.late_ms))),
        Figure(f"due times, of {size.timers:,} open; {product.kills} kills", due, ""),
        Figure("lost", product.lost, "", target=0, absolute=True),
        Figure("doubled", product.doubled, "", target=0, absolute=True),
        Figure("acted on before its time", product.early, "", target=0, absolute=True),
    ]
