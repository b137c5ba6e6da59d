"""The composition root: builds the application and runs what must run beside it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import structlog
from fastapi import FastAPI
from sqlalchemy import text

from app import __version__
from app.channels.ways import ways_out
from app.channels.web_push import new_private_key
from app.clock import Clock, DatabaseClock, monotonic
from app.config import Settings
from app.database import make_engine, make_immediate_sessions, make_sessions
from app.outages import is_database_away
from app.prepared import Prepared
from app.realtime.dispatcher import Dispatcher
from app.realtime.house import House
from app.realtime.hub import Hub
from app.realtime.loops import every
from app.realtime.relay import Relay
from app.realtime.shift_ends import EVERY_S as SHIFT_ENDS_EVERY_S
from app.realtime.shift_ends import ShiftEnds
from app.realtime.socket import StreamEndpoint
from app.realtime.timers import Timers
from app.realtime.watches import ROTAS_AT_ONCE, Watches
from app.routers import (
    after,
    agreements,
    answer_links,
    answers,
    auth,
    channels,
    consultations,
    dev,
    discussion,
    feeds,
    gateway,
    health,
    leaves,
    me,
    moves,
    network,
    offers,
    policies,
    problems,
    rotas,
    swaps,
    watch,
    web,
)
from app.routers.openapi import install_openapi
from app.routers.shell import Shell
from app.services.people.sessions import Sessions
from app.services.people.sign_in import Guard
from app.services.rostering import duty_watch, holidays
from app.services.rostering.duty import behind, compile_duty
from app.work import Work

log = structlog.get_logger()
ROUTERS = (
    consultations,
    answers,
    health,
    auth,
    me,
    channels,
    network,
    rotas,
    swaps,
    leaves,
    feeds,
    watch,
    agreements,
    moves,
    policies,
    discussion,
    after,
    offers,
    gateway,
    answer_links,
    dev,
    web,
)
"""In the order in which they are matched: those that ring people first, the pages of the browser client last."""
CLOCK_EVERY_S = 10.0
CLOCK_ASKED = 5
COMPILE_EVERY = timedelta(hours=24)
COMPILE_AFTER_S, SHIFT_ENDS_AFTER_S = 2.0, 4.0
"""What rings people begins at once; what has hours or minutes of time waits until that is under way."""
RETRY_S = 0.5
ANSWERS_KEPT = timedelta(days=14)
"""How long a repeated Idempotency-Key is still answered; the answers hold patient data and go after that."""


def create_app(settings: Settings, *, clock: Clock | None = None, background: bool = True) -> FastAPI:
    """Build one process. `settings.database_url` must say which PostgreSQL; it need not be up yet.

    Tests pass their own `clock`, and `background=False` to drive the timers themselves.
    """
    house = _house(settings, clock or DatabaseClock())

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relay = Relay(house)
        timers = Timers(house)
        watches = Watches(house)
        app.state.timers, app.state.watches = timers, watches
        app.state.shift_ends = ShiftEnds(house)
        app.state.dispatcher = dispatcher = Dispatcher(house)
        await _wait_for_database(house)
        client = httpx.AsyncClient()
        house.outside = ways_out(settings, client, house.clock, push_key=await _push_key(house), capture=house.demo)
        await relay.start()
        clock = every(CLOCK_EVERY_S, lambda: _set_clock(house), what="clock", first_s=CLOCK_EVERY_S)
        tasks = [asyncio.create_task(clock.run())]
        if background:
            loops = (
                timers,
                watches,
                dispatcher,
                every(COMPILE_EVERY.total_seconds(), lambda: _compile(house), what="duty", first_s=COMPILE_AFTER_S),
                every(
                    SHIFT_ENDS_EVERY_S,
                    app.state.shift_ends.run_due,
                    what="ends of duty",
                    first_s=SHIFT_ENDS_AFTER_S,
                ),
            )
            tasks += [asyncio.create_task(loop.run()) for loop in loops]
        house.ready = True
        try:
            yield
        finally:
            house.ready = False
            timers.stop()
            await dispatcher.stop()
            watches.stop()
            await house.hub.close()
            await relay.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            timers.close()
            await client.aclose()
            await house.engine.dispose()

    app = FastAPI(title="hoichan", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.house = house
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    app.mount("/assets", web.assets, name="assets")
    install_openapi(app)
    app.add_middleware(Shell, stream=StreamEndpoint(house), body_limit=settings.body_limit)
    return app


def _house(settings: Settings, clock: Clock) -> House:
    if not settings.database_url:
        raise SystemExit("DATABASE_URL is not set")  # the command line starts the embedded PostgreSQL and sets it
    engine = make_engine(settings.database_url, pool_size=settings.pool_size)
    database = make_sessions(engine)
    return House(
        settings=settings,
        engine=engine,
        database=database,
        autocommit=make_immediate_sessions(engine),
        clock=clock,
        hub=Hub(database),
        sessions=Sessions(database, clock),
        guard=Guard(settings),
    )


async def _wait_for_database(house: House) -> None:
    """A process may be started before its database: it waits, not ready, and crashes for nothing."""
    while True:
        try:
            await _read_installation(house)
        except Exception as error:
            if not is_database_away(error):
                raise
            log.warning("waiting for the database", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)
        else:
            return


async def _read_installation(house: House) -> None:
    await _set_clock(house)
    async with house.database() as session:
        row = (await session.execute(text("SELECT epoch, demo, name FROM installation"))).one()
    house.epoch, house.demo, house.name = row.epoch or secrets.token_hex(8), row.demo, row.name
    house.hub.epoch = house.epoch


async def _push_key(house: House) -> str:
    """The private key that signs pushes: the configured one, or this installation's own, made by whoever is first."""
    if house.settings.vapid_private_key:
        return house.settings.vapid_private_key
    async with house.database() as session:
        await session.execute(_KEEP_PUSH_KEY, {"key": new_private_key()})
        await session.commit()
        return str((await session.execute(text("SELECT vapid_private_key FROM installation"))).scalar_one())


_KEEP_PUSH_KEY = text("UPDATE installation SET vapid_private_key = :key WHERE vapid_private_key IS NULL")


async def _set_clock(house: House) -> None:
    """Take over the database's time from the quickest of a few answers: the error is half of its round trip at most."""
    if not isinstance(house.clock, DatabaseClock):
        return
    async with house.glance() as work:
        answers = [await _ask_the_time(work) for _ in range(CLOCK_ASKED)]
    at, told, took = min(answers, key=lambda answer: answer[2])
    house.clock.set(told, took, at=at)


async def _ask_the_time(work: Work) -> tuple[float, datetime, float]:
    """Return when it was answered (monotonic), the answer, and how long it took in seconds."""
    before = monotonic()
    [(told,)] = await _NOW.rows(work.session, {})
    after = monotonic()
    return after, told, after - before


_NOW = Prepared("SELECT clock_timestamp()")


async def _compile(house: House) -> None:
    async with house.work(None) as work:
        await holidays.seed(work)
        await house.commit(work)
    while await _compile_some(house):
        pass
    async with house.work(None) as work:
        await work.session.execute(_FORGET_ANSWERS, {"before": work.now - ANSWERS_KEPT})
        await house.commit(work)


async def _compile_some(house: House) -> int:
    """Few at a time: whoever publishes a rota must not wait for all of them."""
    async with house.work(None) as work:
        rotas = await behind(work, limit=ROTAS_AT_ONCE)
        if rotas:
            await compile_duty(work, schedule_ids=rotas)
            await duty_watch.after_compile(work, rotas)
            await house.commit(work)
    return len(rotas)


_FORGET_ANSWERS = text("DELETE FROM stored_answer WHERE at < CAST(:before AS timestamptz)")
