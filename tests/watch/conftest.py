"""The demo network with its duty watched."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.config import Settings
from tests.conftest import a_copy
from tests.hotline import Hotline, Json, open_hotline
from tests.staff import Staff, everybody
from tests.watch.ward import Ward

CARDIOLOGY = "tn-timmach-1"  # the head of the rota of the cardiology desk in Thái Nguyên


@pytest_asyncio.fixture
async def house(hotline: Hotline) -> AsyncIterator[Staff]:
    """A running hotline at night whose duty is watched, and everybody of it."""
    staff = await everybody(hotline)
    # As if the watch had gone on all day: whoever is on duty was told so.
    await staff.execute(
        "UPDATE duty_slot SET start_told_at = lower(during) WHERE lower(during) <= :now", now=hotline.clock.now()
    )
    hotline.watch = True
    await hotline.run_due()
    yield staff


@pytest_asyncio.fixture
async def desk(house: Staff) -> Ward:
    """The cardiology desk."""
    head = house[CARDIOLOGY]
    [row] = await house.execute(
        "SELECT id FROM schedule WHERE desk_id = CAST(:desk AS uuid)", desk=head.account["desk"]
    )
    return Ward(house, head.account["desk"], head.account["hospital"], str(row.id), head)


@pytest_asyncio.fixture(scope="module")
async def shared(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Staff]:
    """One running hotline for tests that change nothing."""
    name, accounts = demo_template
    folder: Path = tmp_path_factory.mktemp("hotline")
    async with a_copy(server_url, name) as url:
        settings = Settings(database_url=url, data_dir=folder, host="127.0.0.1", port=0)
        async with open_hotline(settings, accounts) as running:
            yield await everybody(running)
