"""Several processes of one kind, any of which may be killed and is started again at once."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from bench.servers import Server


@dataclass(slots=True)
class Crew:
    """The processes of one side."""

    start: Callable[[], Server]
    is_ready: Callable[[Server], bool]
    mean_life_s: float = 1.0
    """How long until the next of them is killed."""
    members: list[Server] = field(default_factory=list)
    kills: int = 0

    async def begin(self, how_many: int, patience_s: float = 60.0) -> None:
        """Start them, and wait until each is ready."""
        self.members = [self.start() for _ in range(how_many)]
        if not await self._all_up(perf_counter() + patience_s):
            words = [member.log.read_text(errors="replace")[-1000:] for member in self.members]
            raise RuntimeError("not all processes came up:\n" + "\n".join(words))

    async def be_killed(self, seconds: float, chance: random.Random) -> None:
        """Kill one at random again and again, without a word, and put another in its place at once.

        The next is killed only when all are up: a slow machine sees fewer kills, and not a house without anybody.
        """
        until = perf_counter() + seconds
        while (pause := self.mean_life_s * chance.uniform(0.6, 1.4)) < until - perf_counter():
            await asyncio.sleep(pause)
            if not await self._all_up(until):
                break
            place = chance.randrange(len(self.members))
            await self._end(place)
            self.members[place] = self.start()
            self.kills += 1
        await asyncio.sleep(max(0.0, until - perf_counter()))

    async def end(self) -> None:
        """Kill all."""
        for place in range(len(self.members)):
            await self._end(place)
        self.members = []

    async def _all_up(self, until: float) -> bool:
        while perf_counter() < until:
            if all(map(self.is_ready, self.members)):
                return True
            await asyncio.sleep(0.02)
        return False

    async def _end(self, place: int) -> None:
        process = self.members[place].process
        process.kill()
        await asyncio.to_thread(process.wait)
