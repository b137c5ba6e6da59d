"""The floor of the timers: processes that claim what is due with SKIP LOCKED, write the rows, and sleep.

They are kept by the product's own parent, so that to put another in the place of one that was killed costs the machine
the same on either side: what is compared is how the time is kept, and not how a process begins.
"""

import argparse
import asyncio
import os
import signal
from multiprocessing.connection import Connection

import asyncpg
import uvloop

from app.processes import Family
from app.running import log_to_stderr

LONGEST_SLEEP_S = 1.0
PASSED_OVER_S = 0.05


def begin(url: str, tell: Connection) -> None:
    """Be one of the processes."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(fire(url, tell))


async def fire(url: str, tell: Connection) -> None:
    """Fire what is due for as long as the process lives: a statement and a commit each."""
    connection = await asyncpg.connect(url, server_settings={"application_name": "floor", "jit": "off"})
    step = await connection.prepare("SELECT * FROM bench.floor_step()")
    tell.send(os.getpid())
    while True:
        row = await step.fetchrow()
        assert row is not None
        if not row["fired"]:
            longest = PASSED_OVER_S if row["passed_over"] else LONGEST_SLEEP_S
            await asyncio.sleep(max(0.0, min(longest, LONGEST_SLEEP_S if row["wait_s"] is None else row["wait_s"])))


async def main(url: str, processes: int) -> None:
    """Keep so many of them until SIGINT."""
    family = Family(begin, (url,), processes, lambda: None)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, family.end)
    await family.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.timer_floor")
    parser.add_argument("--url", required=True)
    parser.add_argument("--processes", type=int, required=True)
    options = parser.parse_args()
    log_to_stderr("INFO")
    asyncio.run(main(options.url, options.processes))
