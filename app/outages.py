"""What a database that is away, or too busy, looks like through SQLAlchemy and through asyncpg itself."""

from typing import Final

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_WHILE_CONNECTING: Final = AsyncAdapt_asyncpg_dbapi.Error
"""What the pool raises, unwrapped, when a new connection dies before it is one."""

TROUBLE: Final = (
    SQLAlchemyError,
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    _WHILE_CONNECTING,
)
"""Everything that a statement can raise because of the database."""

_LOST: Final = (
    PoolTimeout,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,  # the connection ended between two messages of one statement
)
_BUSY: Final = (
    asyncpg.OperatorInterventionError,  # shut down, crashed, or the statement took too long
    asyncpg.TransactionRollbackError,  # a deadlock was broken
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # the standby, before it has taken over
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""Nothing was stored, and the same command may well succeed in a moment."""


def is_database_away(error: BaseException) -> bool:
    """Whether the database could not be reached, was shut down, or is too busy to do this now."""
    if isinstance(error, (*_LOST, *_BUSY)):
        return True
    if isinstance(error, DBAPIError):
        return (
            error.connection_invalidated
            or isinstance(error, (InterfaceError, OperationalError))
            or (error.orig is not None and is_database_away(error.orig))
        )
    if isinstance(error, _WHILE_CONNECTING):
        return error.__cause__ is not None and is_database_away(error.__cause__)
    return False
