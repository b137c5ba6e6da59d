"""Whatever a dying database does to a statement, the sender hears "come back later", never "a fault"."""

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.outages import TROUBLE, is_database_away

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


@pytest.mark.parametrize("error", AT_FAULT, ids=repr)
def test_a_fault_of_the_house_is_not_called_an_outage(error: BaseException) -> None:
    assert not is_database_away(error)
