"""Several processes on one port: whichever dies, another takes its place, and none outlives the house."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from tests.conftest import a_copy
from tests.faults.server import PATIENCE_S, Server
from tests.hotline import Json

pytestmark = pytest.mark.slow
BEGUN = "a process serves"


@pytest_asyncio.fixture
async def house(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path: Path
) -> AsyncIterator[tuple[Server, list[psutil.Process]]]:
    """A server of two processes, and these two."""
    async with a_copy(server_url, demo_template[0]) as url:
        server = Server(tmp_path, url, settings={"HOICHAN_PROCESSES": "2"})
        try:
            await server.start()
            async with asyncio.timeout(PATIENCE_S):
                while len(begun(server)) < 2:
                    await asyncio.sleep(0.02)
            yield server, begun(server)
        finally:
            if server.process is not None and server.process.poll() is None:
                await server.kill()


def begun(server: Server) -> list[psutil.Process]:
    """Whoever has said that it serves, and lives."""
    said = [json.loads(line) for line in server.log.splitlines() if BEGUN in line]
    return [psutil.Process(one["process"]) for one in said if psutil.pid_exists(one["process"])]


async def test_another_takes_the_place_of_one_that_dies_and_all_end_with_the_house(
    house: tuple[Server, list[psutil.Process]],
) -> None:
    server, [first, second] = house
    again = asyncio.create_task(server.says(BEGUN))
    await asyncio.sleep(0)
    os.kill(first.pid, signal.SIGKILL)
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as http:
        assert (await http.get("/ready")).status_code == 200  # by the other, at once
    await again
    assert "a serving process has died" in server.log
    [stayed, new] = begun(server)
    assert stayed == second
    assert new.pid != first.pid
    assert await server.stop() == 0
    _, alive = psutil.wait_procs([stayed, new], timeout=0)
    assert alive == []


async def test_nobody_serves_on_when_the_parent_is_killed(house: tuple[Server, list[psutil.Process]]) -> None:
    server, both = house
    await server.kill()
    _, alive = await asyncio.to_thread(psutil.wait_procs, both, PATIENCE_S)
    assert alive == []
