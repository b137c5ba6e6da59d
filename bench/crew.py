"""Several processes of one kind under one parent, any of which may be killed; the parent puts another in its place."""

import asyncio
import contextlib
import json
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import psutil  # type: ignore[import-untyped]

from bench.servers import Server


@dataclass(slots=True)
class Crew:
    """The processes of one side."""

    start: Callable[[], Server]
    """Starts the parent, which writes into its log which process has begun."""
    mean_life_s: float = 1.0
    """How long until the next of them is killed."""
    parent: Server | None = None
    size: int = 0
    kills: int = 0

    async def begin(self, how_many: int, patience_s: float = 60.0) -> None:
        """Start them, and wait until each has begun."""
        self.parent, self.size = self.start(), how_many
        if not await self.all_up(perf_counter() + patience_s):
            words = self.parent.log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"not all processes came up:\n{words}")

    async def be_killed(self, seconds: float, chance: random.Random) -> None:
        """Kill one at random again and again, without a word.

        The next is killed only when all are up: a slow machine sees fewer kills, and not a house without anybody.
        """
        until = perf_counter() + seconds
        while (pause := self.mean_life_s * chance.uniform(0.6, 1.4)) < until - perf_counter():
            await asyncio.sleep(pause)
            if not await self.all_up(until):
                break
            os.kill(chance.choice(self.members()), signal.SIGKILL)
            self.kills += 1
        await asyncio.sleep(max(0.0, until - perf_counter()))

    async def end(self) -> None:
        """End all."""
        if self.parent is not None:
            await self.parent.stop()
        self.parent = None

    async def all_up(self, until: float) -> bool:
        """Wait until all have begun; whether they have by then."""
        while perf_counter() < until:
            if len(self.members()) == self.size:
                return True
            await asyncio.sleep(0.02)
        return False

    def members(self) -> list[int]:
        """Return those that have begun and live."""
        assert self.parent is not None
        begun = []
        for line in self.parent.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if said["event"] == "a process serves":
                    begun.append(said["process"])
        return [pid for pid in begun if psutil.pid_exists(pid)]
