"""What every bench stands on: a PostgreSQL of its own, and the product and the floor as processes beside this one."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import psutil  # type: ignore[import-untyped]
from sqlalchemy.engine import make_url

from app.embedded import EmbeddedPostgres
from bench.client import Http

START_WITHIN_S = 60.0


@dataclass(slots=True)
class Server:
    """One server process on this machine."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    async def ready(self, path: str = "/ready") -> float:
        """Wait until it answers 200, and return when it did; a server that ends instead is an error with its log."""
        until = perf_counter() + START_WITHIN_S
        http = Http(self.port)
        while perf_counter() < until:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if (await http.request("GET", path)).status == 200:
                    at = perf_counter()
                    http.close()
                    return at
            await asyncio.sleep(0.005)
        raise RuntimeError(f"the server did not come up:\n{self.log.read_text(errors='replace')[-3000:]}")

    async def stop(self) -> None:
        """Stop it as Ctrl-C does, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(self.process.wait, 15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)

    def cpu_s(self) -> float:
        """Seconds of processor time that it has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def rss_kb(self) -> float:
        """Memory that it holds, kB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1024


@dataclass(slots=True)
class Ground:
    """A PostgreSQL of this run and a folder for everything else."""

    folder: Path
    postgres: EmbeddedPostgres

    def url(self, database: str) -> str:
        """Return the address of one database, for asyncpg."""
        made = make_url(self.postgres.url).set(drivername="postgresql", database=database)
        return made.render_as_string(hide_password=False)

    @asynccontextmanager
    async def connection(self, database: str = "postgres") -> AsyncIterator[Any]:
        """Connect for as long as the block lasts."""
        connection = await asyncpg.connect(self.url(database))
        try:
            yield connection
        finally:
            await connection.close()

    async def make(self, database: str, *, template: str = "template0") -> None:
        """Make a database; a template must have no connections."""
        async with self.connection() as connection:
            await connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    async def product(self, database: str) -> Server:
        """Start `hoichan demo` on a database, as it is shipped, and wait until it is ready."""
        environment = {
            "DATABASE_URL": self.url(database),
            "HOICHAN_DATA_DIR": str(self.folder / database),
            "HOICHAN_LOG_LEVEL": "WARNING",
        }
        server = launch(["app.cli", "demo"], environment, self.folder / f"{database}.log")
        await server.ready()
        return server

    async def floor(self, database: str, *, cases: Sequence[UUID] = (), sizes: tuple[int, int] = (0, 0)) -> Server:
        """Start the floor on a database, and wait until it is ready."""
        async with self.connection(database) as connection:
            sql = await asyncio.to_thread((Path(__file__).with_name("floor.sql")).read_text, "utf-8")
            await connection.execute(sql)
        arguments = ["--url", self.url(database), "--cases", ",".join(map(str, cases))]
        arguments += ["--sizes", f"{sizes[0]},{sizes[1]}"]
        server = launch(["bench.floor", *arguments], {}, self.folder / f"{database}-floor.log")
        await server.ready()
        return server

    def accounts(self, database: str) -> list[dict[str, Any]]:
        """Return who can sign in."""
        found: list[dict[str, Any]] = json.loads((self.folder / database / "demo-accounts.json").read_text("utf-8"))
        return found

    def cpu_s(self) -> float:
        """Seconds of processor time that PostgreSQL has used, its back ends included."""
        pid = int((self.folder / "postgres" / "launched").read_text())
        parent = psutil.Process(pid)
        total = 0.0
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Have a durable PostgreSQL in a folder of its own, gone afterwards."""
    allow_many_sockets()
    with tempfile.TemporaryDirectory(prefix="hoichan-bench-") as name:
        postgres = EmbeddedPostgres(Path(name))
        await postgres.start()
        try:
            yield Ground(Path(name), postgres)
        finally:
            await postgres.stop()


def launch(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Server:
    """Start a module of ours as a process of its own, on a free port of this machine."""
    chosen = free_port()
    environment = {**os.environ, **environment, "HOICHAN_HOST": "127.0.0.1", "HOICHAN_PORT": str(chosen)}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
    return Server(chosen, process, log)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def allow_many_sockets(wanted: int = 8192) -> None:
    """Raise the number of open files that this process and those it starts may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
