"""`python -m bench NAME [--seconds S] [--json FILE]`: run one bench, or all."""

import argparse
import asyncio
import importlib
import sys
from pathlib import Path

import uvloop

from bench.figures import Figure, print_table, write_json

BENCHES = {
    "main-job": "main_job",
    "sockets": "sockets",
    "start": "start",
    "timers": "timers",
    "duty": "duty",
    "fan-out": "fan_out",
    "relay": "relay",
    "resume": "resume",
    "case-view": "case_view",
    "record": "record",
}
LATER = ("scale", "upload", "search")


def main() -> int:
    """Run what was named; 1 when a target was missed, 2 when there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=[*BENCHES, *LATER, "all"])
    parser.add_argument("--seconds", type=float, default=10.0, help="Length of one round (default 10)")
    parser.add_argument("--json", type=Path, help="Write the figures here as well")
    options = parser.parse_args()
    if options.name in LATER:
        print(f"{options.name}: this version has nothing to measure there", file=sys.stderr)
        return 2
    names = list(BENCHES) if options.name == "all" else [options.name]
    figures: list[Figure] = []
    for name in names:
        found = run(name, options.seconds)
        print_table(name, found)
        figures += found
    if options.json:
        write_json(options.json, figures)
    return 0 if all(figure.met for figure in figures) else 1


def run(name: str, seconds: float) -> list[Figure]:
    """Run one bench on a loop of its own."""
    bench = importlib.import_module(f"bench.{BENCHES[name]}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found: list[Figure] = runner.run(bench.run(seconds))
    return found


if __name__ == "__main__":
    sys.exit(main())
