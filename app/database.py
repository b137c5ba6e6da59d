"""The engine, the session factory and the names that constraints get."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.prepared import Immediate

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the house."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[Mapping[Any, Any]] = {
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[str]: JSONB(),
    }


Row = TypeVar("Row", bound=Base)


class _Plain:
    """The values of a row; what is not among them (a method, a value not loaded) the row itself is asked for."""

    __slots__ = ("__dict__", "row")
    row: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


def plain(row: Row) -> Row:
    """Return the row for reading only, without SQLAlchemy's instruments: they cost more than what is read."""
    seen = _Plain()
    seen.row = row
    seen.__dict__ = row.__dict__
    return cast("Row", seen)


def async_url(url: str) -> str:
    """The same database, spoken to through asyncpg, however its URL was written."""
    for prefix in ("postgres://", "postgresql://", "postgresql+psycopg2://", "postgresql+psycopg://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    return url


def make_engine(url: str, *, pool_size: int = 20) -> AsyncEngine:
    """Connect on demand; a statement may run 15 s and wait for a lock 5 s, never for ever."""
    return create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=10,
        pool_timeout=5,
        pool_pre_ping=False,
        pool_use_lifo=True,  # the same few connections, which have their statements prepared
        hide_parameters=True,  # parameters are patient data; errors end up in logs
        connect_args={
            "timeout": 5,
            "max_cached_statement_lifetime": 0,  # planned again every five minutes, somebody would be rung late by it
            "command_timeout": 20,  # a server that vanished without a word must not hold a doctor up
            "server_settings": {
                "application_name": "hoichan",
                "statement_timeout": "15000",
                "lock_timeout": "5000",
                "idle_in_transaction_session_timeout": "30000",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",  # prepared once; planning costs more than running
                "enable_seqscan": "off",  # and made when tables may be empty: a plan must not count on their staying so
                "timezone": "UTC",  # rows rendered as JSON by the database carry its zone
            },
        },
    )


def make_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions whose objects stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False, autoflush=False)


def make_immediate_sessions(engine: AsyncEngine) -> async_sessionmaker[Immediate]:
    """Sessions in which each statement is its own transaction, over connections of the same pool."""
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    return async_sessionmaker(alone, class_=Immediate, expire_on_commit=False, autoflush=False)
