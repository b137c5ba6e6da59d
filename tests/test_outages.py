"""Whatever a dying database does to a statement, the sender hears "come back later", never "a fault"."""

import itertools

import asyncpg
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.clock import monotonic
from app.outages import TROUBLE, is_database_away
from app.realtime.relay import DEAF_AFTER_S
from tests.hotline import Hotline

Unwrapped = AsyncAdapt_asyncpg_dbapi.Error


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


ENDED_BETWEEN_MESSAGES = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
AWAY = [
    PoolTimeout(),
    ConnectionResetError(),
    TimeoutError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.CrashShutdownError("terminating connection"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    ENDED_BETWEEN_MESSAGES,
    caused(Unwrapped("while connecting"), ENDED_BETWEEN_MESSAGES),
    DBAPIError(None, None, caused(Unwrapped("in a session"), ENDED_BETWEEN_MESSAGES)),
]
AT_FAULT = [
    ValueError("ours"),
    asyncpg.UndefinedColumnError("ours"),
    caused(Unwrapped("ours"), asyncpg.UndefinedColumnError("ours")),
    DBAPIError(None, None, caused(Unwrapped("ours"), asyncpg.DivisionByZeroError("ours"))),
]


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_a_database_that_is_away_is_told_from_a_fault(error: BaseException) -> None:
    assert is_database_away(error)
    assert isinstance(error, TROUBLE)


async def test_a_house_is_ready_while_it_can_write_and_hears_the_bus(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = hotline.app.state.house

    async def ready() -> int:
        with structlog.testing.capture_logs() as said:
            answer = await hotline.http.get("/ready")
        assert bool(said) is (answer.status_code == 503)
        return answer.status_code

    assert await ready() == 200

    with monkeypatch.context() as silent:
        later = monotonic() + DEAF_AFTER_S / 2
        silent.setattr("app.realtime.relay.monotonic", lambda: later)
        assert await ready() == 200
        looks = itertools.count(later + DEAF_AFTER_S, DEAF_AFTER_S)  # whatever was heard, it was long ago
        silent.setattr("app.realtime.relay.monotonic", lambda: next(looks))
        assert await ready() == 503

    with monkeypatch.context() as broken:
        broken.setattr(house, "database", None)
        assert await ready() == 503

    async with house.database() as session:
        await session.execute(
            text(f'ALTER DATABASE "{house.engine.url.database}" SET default_transaction_read_only = on')
        )
        await session.commit()
    await house.engine.dispose()
    assert await ready() == 503


@pytest.mark.parametrize("error", AT_FAULT, ids=repr)
def test_a_fault_of_the_house_is_not_called_an_outage(error: BaseException) -> None:
    assert not is_database_away(error)
