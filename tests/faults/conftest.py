"""A server process of one's own, with the demo network in an embedded PostgreSQL of one's own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.server import Night, Server, night_around


@pytest_asyncio.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One data directory for the tests of a file: it goes through all their deaths."""
    running = Server(tmp_path_factory.mktemp("house"))
    try:
        yield await running.start()
    finally:
        await running.clear_away()


@pytest_asyncio.fixture
async def night(server: Server) -> AsyncIterator[Night]:
    """The people around the server, each test's own."""
    people = night_around(server)
    async with people.http:
        yield people
        for person in people.people.values():
            await person.disconnect()
    server.disarm()
