"""Reads of patient data that the stream makes by itself: noted at once, written together a moment later."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.services.views.streams import Read, write_reads

WRITE_AFTER_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0

log = structlog.get_logger()


class ReadLog:
    """What live deliveries showed to whom. While the database is away it is kept, and written when it is back."""

    def __init__(self, database: async_sessionmaker[AsyncSession], now: Callable[[], datetime]) -> None:
        """Write to this database, stamped with this clock."""
        self._database = database
        self._now = now
        self._waiting: dict[Read, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, user_id: UUID, case_id: UUID, view: str, via: str) -> None:
        """Note one read; the same read by another window of the same person a moment later is the same."""
        self._waiting.setdefault(Read(user_id, case_id, view, via), self._now())
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def flush(self) -> None:
        """Write what waits now: the process is about to end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._waiting:
            await self._write_waiting()

    async def _write(self) -> None:
        pause = WRITE_AFTER_S
        while self._waiting:
            await asyncio.sleep(pause)
            try:
                await self._write_waiting()
                pause = WRITE_AFTER_S
            except Exception as error:  # noqa: BLE001 (kept until the database takes it)
                log.warning("reads wait to be logged", error=type(error).__name__, reads=len(self._waiting))
                pause = min(pause * 2, LONGEST_PAUSE_S)
        self._task = None

    async def _write_waiting(self) -> None:
        batch = dict(self._waiting)
        async with self._database() as session:
            await write_reads(session, batch)
            await session.commit()
        for read in batch:
            self._waiting.pop(read, None)
