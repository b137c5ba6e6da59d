"""The floor of the timers: one process that claims what is due with SKIP LOCKED, writes the rows, and sleeps.

It loads the product's program and uses nothing of it, so that starting one again costs the machine the same on either
side: what is compared is how the time is kept, and not how long Python takes to import.
"""

import argparse
import asyncio

import asyncpg
import uvloop

import app.main  # noqa: F401 (its weight only)

LONGEST_SLEEP_S = 1.0
PASSED_OVER_S = 0.05


async def main(url: str) -> None:
    """Fire what is due for as long as the process lives: a statement and a commit each."""
    connection = await asyncpg.connect(url, server_settings={"application_name": "floor", "jit": "off"})
    step = await connection.prepare("SELECT * FROM bench.floor_step()")
    print("ready", flush=True)
    while True:
        row = await step.fetchrow()
        assert row is not None
        if not row["fired"]:
            longest = PASSED_OVER_S if row["passed_over"] else LONGEST_SLEEP_S
            await asyncio.sleep(max(0.0, min(longest, LONGEST_SLEEP_S if row["wait_s"] is None else row["wait_s"])))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.timer_floor")
    parser.add_argument("--url", required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parser.parse_args().url))
