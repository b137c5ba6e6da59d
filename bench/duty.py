"""Compiling the duty of the whole network, 90 days ahead, against inserting the same slots into an empty copy."""

from datetime import UTC, datetime
from time import perf_counter

from app.database import make_engine, make_sessions
from app.services.duty import compile_duty
from app.work import Work
from bench.figures import Figure, p50
from bench.main_job import PRODUCT
from bench.servers import Ground, ground

ROUNDS = 3


async def run(_seconds: float) -> list[Figure]:
    """Compile from nothing, three times, and copy what was compiled."""
    async with ground() as under:
        await under.make(PRODUCT)
        await (await under.product(PRODUCT)).stop()
        took: dict[str, list[float]] = {"floor": [], "compile": []}
        slots = 0
        for _ in range(ROUNDS):
            slots, copied = await _copy(under)
            took["floor"].append(copied)
            took["compile"].append(await _compile(under))
    return [Figure(f"duty of 90 days compiled, {slots:,} slots", p50(took["compile"]), "s", p50(took["floor"]))]


async def _copy(under: Ground) -> tuple[int, float]:
    async with under.connection(PRODUCT) as connection:
        await connection.execute("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE duty_slot INCLUDING ALL)")
        began = perf_counter()
        await connection.execute("INSERT INTO copied SELECT * FROM duty_slot")
        took = perf_counter() - began
        return await connection.fetchval("SELECT count(*) FROM copied"), took


async def _compile(under: Ground) -> float:
    async with under.connection(PRODUCT) as connection:
        await connection.execute("TRUNCATE duty_slot; UPDATE schedule SET compiled_until = NULL")
    engine = make_engine(under.url(PRODUCT), pool_size=2)
    began = perf_counter()
    async with make_sessions(engine)() as session:
        await compile_duty(Work(session, None, datetime.now(UTC)))
        await session.commit()
    took = perf_counter() - began
    await engine.dispose()
    return took
