"""The few statements of the hot path: built once, prepared once for each connection, sent with nothing in between.

SQLAlchemy takes longer over a statement than PostgreSQL does. Where each statement is its own transaction anyway, a
prepared one goes to asyncpg itself, over a connection of the same pool; within a transaction it goes through the
session, like every other statement.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

_NAME: Final = re.compile(r"(?<![:\w]):(\w+)")


class Immediate(AsyncSession):
    """A session in which each statement is its own transaction; nothing may be added to it."""

    line: "Line | None" = None
    """What its prepared statements go over; by default over whatever connection is free."""


class Prepared:
    """One statement, with its parameters as `:names`."""

    def __init__(self, sql: str) -> None:
        """Number the parameters, as PostgreSQL knows them."""
        names = list(dict.fromkeys(_NAME.findall(sql)))
        places = {name: f"${place}" for place, name in enumerate(names, 1)}
        self._names: Final = names
        self._sql: Final = _NAME.sub(lambda found: places[found.group(1)], sql)
        self._text: Final = text(sql)

    async def rows(self, session: AsyncSession, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Run it and return its rows, whose columns are found by their places."""
        # A session that holds a connection already must not wait for a second one.
        if isinstance(session, Immediate) and not session.in_transaction():
            if session.line is not None:
                return await session.line.rows(self, parameters)
            assert isinstance(session.bind, AsyncEngine)
            return await self.run(session.bind, self.in_order(parameters))
        return (await session.execute(self._text, parameters)).all()

    async def run(self, engine: AsyncEngine, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run it as a transaction of its own, over any connection. Raises IntegrityError or what asyncpg raises."""
        taken = await _connection(engine)
        try:
            return await self.over(taken, arguments)
        finally:
            await greenlet_spawn(taken.close)

    def in_order(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the values as PostgreSQL counts them."""
        return [parameters[name] for name in self._names]

    async def over(self, taken: PoolProxiedConnection, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run it over this connection; after what nobody can know the outcome of, the connection is thrown away."""
        try:
            found: Sequence[Sequence[Any]] = await _driver(taken).fetch(self._sql, *arguments)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(None, None, error, hide_parameters=True) from error
        except asyncpg.PostgresError:
            raise
        except BaseException as error:
            taken.invalidate(error)  # whether it was done nobody knows: what comes next must not find half an answer
            raise
        return found


class Line:
    """One connection of the pool, held: what a statement locks for its session stays locked until one lets it go.

    What is sent over it again and again is prepared and planned on it, which the first time takes ten times as long.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        """Take none until it is needed."""
        self._engine: Final = engine
        self._taken: PoolProxiedConnection | None = None
        self._turn: Final = asyncio.Lock()

    async def begins(self) -> bool:
        """Whether another connection had to be taken, on which nothing is prepared yet."""
        if self._taken is not None and not _driver(self._taken).is_closed():
            return False
        self.close()
        self._taken = await _connection(self._engine)
        return True

    async def rows(self, statement: Prepared, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Run a statement over it, as a transaction of its own; what PostgreSQL refuses leaves the connection good."""
        async with self._turn:
            await self.begins()
            assert self._taken is not None
            try:
                return await statement.over(self._taken, statement.in_order(parameters))
            except (asyncpg.PostgresError, IntegrityError):
                raise
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End the connection, and with it whatever it holds."""
        taken, self._taken = self._taken, None
        if taken is not None and taken.is_valid:
            taken.invalidate()


async def _connection(engine: AsyncEngine) -> PoolProxiedConnection:
    """Take a connection that is not known to be dead from the pool."""
    while True:
        taken = await engine.raw_connection()
        if not _driver(taken).is_closed():
            return taken
        taken.invalidate()


def _driver(taken: PoolProxiedConnection) -> Any:
    return taken.driver_connection
