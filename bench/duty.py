"""Compiling the duty of 500 desks, 90 days ahead; and who is on call now, asked of a year of slots.

The pure function is measured apart from reading the rotas and writing the slots; the floor inserts the same slots with
one statement. Who is on call is asked with the product's own statements, timed inside the database.
"""

import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli import bring_up_to_date
from app.database import make_engine, make_sessions
from app.models.rota import Schedule
from app.models.rota_rules import DESK_ROLES
from app.services.ringing import routing
from app.services.rostering.duty import HORIZON_DAYS, compile_duty
from app.work import Work
from bench import rotas
from bench.figures import Figure, p50, p99
from bench.servers import Ground, ground

DATABASE = "duty"
YEAR = timedelta(days=365)
ON_CALL_MS = 2.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    desks: int = 500
    rounds: int = 3
    doctors: int = 5000
    at_once: int = 5
    """Doctors on duty in each role of the large desk."""
    questions: int = 2000


async def run(_seconds: float) -> list[Figure]:
    """Measure; the sizes are fixed, so that figures of different runs are about the same work."""
    return await measure(Size())


async def measure(size: Size) -> list[Figure]:
    """Compile first, then ask beside what was compiled."""
    now = datetime.now(UTC)
    async with ground() as under:
        await under.make(DATABASE)
        await bring_up_to_date(under.url(DATABASE))
        async with _engine(under) as engine:
            written = [rotas.write(number, now) for number in range(size.desks)]
            async with make_sessions(engine)() as session:
                await rotas.store(session, written, now)
                await session.commit()
            compiling = await _compiling(under, engine, written, size, now)
            desk_id = await _large_desk(under, engine, size, now)
            return [*compiling, *await _asking(under, engine, desk_id, size, now)]


@asynccontextmanager
async def _engine(under: Ground) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(under.url(DATABASE), pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


# Compiling


async def _compiling(
    under: Ground, engine: AsyncEngine, written: list[rotas.Rota], size: Size, now: datetime
) -> list[Figure]:
    took: dict[str, list[float]] = {"floor": [], "whole": [], "pure": [], "again": []}
    slots = 0
    for _ in range(size.rounds):
        async with under.connection(DATABASE) as connection:
            await connection.execute("TRUNCATE duty_slot; UPDATE schedule SET compiled_until = NULL")
        took["whole"].append(await _compile(engine, now))
        took["again"].append(await _compile(engine, now))
        began = perf_counter()
        for rota in written:
            rota.compile(now, now + timedelta(days=HORIZON_DAYS))
        took["pure"].append(perf_counter() - began)
        slots, copied = await _copy(under)
        took["floor"].append(copied)
    floor, whole, pure = p50(took["floor"]), p50(took["whole"]), p50(took["pure"])
    return [
        Figure(f"{HORIZON_DAYS} days of {size.desks} desks compiled, {slots:,} slots", whole, "s", floor),
        Figure("of it the pure function", pure, "s"),
        Figure("of it reading rotas and writing slots", max(0.0, whole - pure), "s", floor),
        Figure("compiled again, nothing changed", p50(took["again"]), "s", floor),
    ]


async def _compile(engine: AsyncEngine, now: datetime) -> float:
    began = perf_counter()
    async with make_sessions(engine)() as session:
        await compile_duty(Work(session, None, now))
        await session.commit()
    return perf_counter() - began


async def _copy(under: Ground) -> tuple[int, float]:
    """Insert the same slots into an empty copy of the table, with its indexes and exclusion, by one statement."""
    async with under.connection(DATABASE) as connection:
        await connection.execute("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE duty_slot INCLUDING ALL)")
        rows = await connection.fetch(
            "SELECT id, schedule_id, doctor_id, role, lower(during) AS first, upper(during) AS last FROM duty_slot"
        )
        columns = list(zip(*(tuple(row) for row in rows), strict=True))
        began = perf_counter()
        await connection.execute(
            "INSERT INTO copied (id, schedule_id, doctor_id, role, during) "
            "SELECT i, s, d, r, tstzrange(f, l) FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], "
            "$5::timestamptz[], $6::timestamptz[]) AS x(i, s, d, r, f, l)",
            *columns,
        )
        took = perf_counter() - began
        await connection.execute("DROP TABLE copied")
        return len(rows), took


# Asking


async def _large_desk(under: Ground, engine: AsyncEngine, size: Size, now: datetime) -> UUID:
    """Make a desk whose duty goes round thousands of doctors: by day and by night, for a year, all of it to come."""
    hospital = rotas.name("hospital", 1)
    desk_id, schedule_id = rotas.name("large desk", 1), rotas.name("large rota", 1)
    doctors = [rotas.name("of the large desk", number) for number in range(size.doctors)]
    async with make_sessions(engine)() as session:
        session.add(rotas.desk(desk_id, hospital))
        session.add_all(rotas.doctor(user_id, hospital, now) for user_id in doctors)
        await session.flush()
        session.add(Schedule(id=schedule_id, desk_id=desk_id, required_roles=["primary"], compiled_until=now + YEAR))
        await session.commit()
    async with under.connection(DATABASE) as connection:
        await connection.execute(_YEAR_OF_SLOTS, schedule_id, doctors, list(DESK_ROLES), size.at_once, now)
    async with under.connection(DATABASE) as connection:
        await connection.execute("VACUUM ANALYZE")
    return desk_id


_YEAR_OF_SLOTS = """
INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during)
SELECT gen_random_uuid(), $1, ($2::uuid[])[1 + (shift * 20 + place) % cardinality($2::uuid[])],
       ($3::text[])[1 + place % cardinality($3::text[])],
       tstzrange($5::timestamptz + shift * interval '12 hours', $5::timestamptz + (shift + 1) * interval '12 hours')
FROM generate_series(0, 729) AS shift, generate_series(0, $4::int * cardinality($3::text[]) - 1) AS place
"""


async def _asking(under: Ground, engine: AsyncEngine, desk_id: UUID, size: Size, now: datetime) -> list[Figure]:
    hospital = rotas.name("hospital", 1)

    async def next_person(work: Work) -> None:
        await routing.duty_for(work, desk_id, hospital)

    async def new_request(work: Work) -> None:
        await routing.desk_now(work, desk_id, "orange")

    chance = random.Random(1)
    instants = [now + YEAR * chance.random() for _ in range(size.questions)]
    figures = []
    for name, ask in (("for the next step", next_person), ("with desk and policy", new_request)):
        question = await _question(engine, ask, now)
        async with under.connection(DATABASE) as connection:
            took = await _time(connection, question, instants)
            alone = await _by_index_alone(connection, question)
        figures += [
            Figure(f"who is on call, {name}, p50", p50(took), "ms"),
            Figure(f"who is on call, {name}, p99", p99(took), "ms", target=ON_CALL_MS, absolute=True),
            Figure("  slots read from an index alone", alone, "of all", target=1.0, absolute=True, at_least=True),
        ]
    return figures


@dataclass(frozen=True, slots=True)
class Question:
    """One statement of the product, as it was sent."""

    sql: str
    parameters: tuple[Any, ...]

    def types(self) -> Iterator[str]:
        """The types of its parameters."""
        for value in self.parameters:
            yield {UUID: "uuid", datetime: "timestamptz", str: "text"}[type(value)]


async def _question(engine: AsyncEngine, ask: Callable[[Work], Awaitable[None]], now: datetime) -> Question:
    """Let the product ask once, and keep the statement that reads the slots."""
    sent: list[Question] = []

    def keep(_c: Any, _k: Any, statement: str, parameters: tuple[Any, ...], *_: Any) -> None:
        if "duty_slot" in statement:
            sent.append(Question(statement, tuple(parameters)))

    event.listen(engine.sync_engine, "before_cursor_execute", keep)
    try:
        async with make_sessions(engine)() as session:
            await ask(Work(session, None, now))
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", keep)
    return sent[0]


async def _time(connection: Any, question: Question, instants: list[datetime]) -> list[float]:
    """Ask at many instants inside the database, with the plan that the product's connections use; milliseconds."""
    arguments = ", ".join(f"p{n} {kind}" for n, kind in enumerate(question.types(), 1))
    asked = re.sub(r"\$(\d+)", r"p\1", question.sql)
    moments = "".join(f"p{n} := moment; " for n, kind in enumerate(question.types(), 1) if kind == "timestamptz")
    await connection.execute(f"""
        DROP FUNCTION IF EXISTS ask_at;
        CREATE FUNCTION ask_at(instants timestamptz[], {arguments}) RETURNS double precision[]
        LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off AS $ask$
        DECLARE moment timestamptz; began timestamptz; took double precision[] := '{{}}';
        BEGIN
          FOREACH moment IN ARRAY instants LOOP
            {moments}
            began := clock_timestamp();
            PERFORM * FROM ({asked}) answer;
            took := took || extract(epoch FROM clock_timestamp() - began)::double precision * 1000;
          END LOOP;
          RETURN took;
        END $ask$
    """)
    places = ", ".join(f"${n}" for n in range(2, len(question.parameters) + 2))
    call = f"SELECT ask_at($1, {places})"
    await connection.fetchval(call, instants[:20], *question.parameters)
    found: list[float] = await connection.fetchval(call, instants, *question.parameters)
    return found


async def _by_index_alone(connection: Any, question: Question) -> float:
    """Return which share of the accesses that ask who is on at the instant never touch the table, by its own plan.

    When the next duty begins or ends is found by one row of another index.
    """
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE who ({', '.join(question.types())}) AS {question.sql}")
    values = ", ".join(f"'{value}'" for value in question.parameters)
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE who ({values})"))
    slots = [node for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") == "duty_slot"]
    accesses = [n for n in slots if any("during @>" in str(n.get(part)) for part in ("Index Cond", "Filter"))]
    alone = [n for n in accesses if n["Node Type"] == "Index Only Scan" and n["Heap Fetches"] == 0]
    return len(alone) / len(accesses)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
