"""Several serving processes under one parent, which puts another in the place of each that dies.

They are forked from a process that has loaded the program already (`loaded`), so the next one rings a tenth of a second
after the last has died, and what all of them read is in memory once. They share one socket; what makes them one house
is the database (ADR 11).
"""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any, Final

import structlog

from app import serving
from app.clock import monotonic
from app.config import Settings
from app.realtime.loops import Loop
from app.running import log_to_stderr, loop_factory

YOUNG_S: Final = 1.0
"""A process that does not live so long is not started again at once."""
LONGEST_PAUSE_S: Final = 10.0
ENDS_WITHIN_S: Final = serving.GRACE_S + 5.0

log = structlog.get_logger()


async def keep(settings: Settings, sock: socket.socket, ready: Callable[[], None]) -> None:
    """Keep `settings.processes` of them serving until SIGINT or SIGTERM; `ready` is called when all serve."""
    family = Family(_serve, (settings, sock), settings.processes, ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, family.end)
    await family.run()


class Family:
    """So many processes that do the same."""

    def __init__(
        self, target: Callable[..., None], arguments: tuple[Any, ...], count: int, ready: Callable[[], None]
    ) -> None:
        """`target` is called in each, with the arguments and a connection over which it says that it has begun.

        `ready` is called once, when all have begun.
        """
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["app.loaded"])
        self._target = target
        self._arguments = arguments
        self._ready: Callable[[], None] | None = ready
        self._told, self._tell = self._context.Pipe(duplex=False)
        self._serving: set[int] = set()
        self._ending = asyncio.Event()
        self._places = [Loop(self._one_after_another(), what="a serving process") for _ in range(count)]

    async def run(self) -> None:
        """Keep them until told to end."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._told.fileno(), self._begun)
        try:
            await asyncio.gather(*(place.run() for place in self._places))
        finally:
            loop.remove_reader(self._told.fileno())

    def end(self) -> None:
        """Have them end, and start no more."""
        self._ending.set()
        for place in self._places:
            place.stop()

    def _begun(self) -> None:
        begun = self._told.recv()
        self._serving.add(begun)
        log.info("a process serves", process=begun)
        if self._ready is not None and len(self._serving) == len(self._places):
            self._ready()
            self._ready = None

    def _one_after_another(self) -> Callable[[], Awaitable[float]]:
        """Return what has one process serve until it dies, and says for how long to pause before the next."""
        pause = 0.0

        async def one() -> float:
            nonlocal pause
            began = monotonic()
            process = await asyncio.to_thread(self._start)
            await self._watch(process)
            if not self._ending.is_set():
                self._serving.discard(process.pid or 0)
                log.error("a serving process has died", process=process.pid, code=process.exitcode)
            pause = 0.0 if monotonic() - began > YOUNG_S else min(max(2 * pause, 0.1), LONGEST_PAUSE_S)
            return pause

        return one

    def _start(self) -> ForkServerProcess:
        process = self._context.Process(target=self._target, args=(*self._arguments, self._tell), daemon=True)
        process.start()
        return process

    async def _watch(self, process: ForkServerProcess) -> None:
        """Wait until it has ended; when all shall end, let it finish what it is at."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(process.sentinel, ended.set)
        try:
            await _first_of(ended, self._ending)
            if not ended.is_set():
                process.terminate()
                await asyncio.wait_for(ended.wait(), ENDS_WITHIN_S)
        except TimeoutError:
            log.warning("a serving process would not end", process=process.pid)
            process.kill()
        finally:
            loop.remove_reader(process.sentinel)
            await asyncio.to_thread(process.join)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _serve(settings: Settings, sock: socket.socket, tell: Connection) -> None:
    """Serve, in a process that was forked for it."""
    log_to_stderr(settings.log_level)
    parent = multiprocessing.parent_process()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(
            serving.serve(settings, sock, lambda: tell.send(os.getpid()), parent=parent.sentinel if parent else None)
        )
