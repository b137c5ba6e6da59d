"""One running hotline for all tests of a file: they look, and change nothing that another one counts on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.config import Settings
from tests.conftest import a_copy
from tests.hotline import Hotline, Json, open_hotline
from tests.staff import Staff, everybody


@pytest_asyncio.fixture(scope="module")
async def shared_hotline(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hotline]:
    """A running server with the demo network, at night."""
    name, accounts = demo_template
    folder: Path = tmp_path_factory.mktemp("hotline")
    async with a_copy(server_url, name) as url:
        settings = Settings(database_url=url, data_dir=folder, host="127.0.0.1", port=0)
        async with open_hotline(settings, accounts) as running:
            yield running


@pytest_asyncio.fixture(scope="module")
async def staff(shared_hotline: Hotline) -> Staff:
    """Everybody of it, signed in."""
    return await everybody(shared_hotline)
