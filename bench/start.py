"""Start with data present: from the command to `/ready` answering 200, PostgreSQL included.

The floor does what no version could leave out: a Python process that starts the same PostgreSQL on the same data,
connects, and answers.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.client import Http
from bench.figures import Figure, p50
from bench.product import ask, person_of
from bench.servers import Server, launch

ROUNDS = 5
CASES = 40
WITHIN_S = 2.0


async def run(_seconds: float) -> list[Figure]:
    """Start once to make the data, then by turns with the floor."""
    with TemporaryDirectory(prefix="hoichan-bench-") as name:
        folder = Path(name)
        first, server = await _started(["app.cli", "demo"], folder)
        await _ask_some(server, folder)
        await server.stop()
        took: dict[str, list[float]] = {"bench.start_floor": [], "app.cli": []}
        for _ in range(ROUNDS):
            for command in (["bench.start_floor"], ["app.cli", "demo"]):
                seconds, server = await _started(command, folder)
                took[command[0]].append(seconds)
                await server.stop()
    floor, product = p50(took["bench.start_floor"]), p50(took["app.cli"])
    return [
        Figure("start with data present to ready", product, "s", floor, WITHIN_S, absolute=True),
        Figure("first start, from an empty folder", first, "s"),
    ]


async def _started(command: list[str], folder: Path) -> tuple[float, Server]:
    began = perf_counter()
    environment = {"HOICHAN_DATA_DIR": str(folder), "HOICHAN_LOG_LEVEL": "WARNING", "DATABASE_URL": ""}
    server = launch(command, environment, folder / "start.log")
    return await server.ready() - began, server


async def _ask_some(server: Server, folder: Path) -> None:
    http = Http(server.port)
    asker, specialty = await person_of(http, folder, "requester")
    for place in range(CASES):
        (await ask(http, asker, specialty, f"start-{place}")).expect(201)
    http.close()
