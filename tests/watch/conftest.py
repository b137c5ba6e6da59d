"""The demo network with its duty watched."""

import pytest
import pytest_asyncio

from tests.staff import Staff
from tests.watch.ward import Ward

CARDIOLOGY = "tn-timmach-1"  # the head of the rota of the cardiology desk in Thái Nguyên


@pytest_asyncio.fixture
async def house(house: Staff) -> Staff:
    """A running hotline at night whose duty is watched, and everybody of it."""
    # As if the watch had gone on all day: whoever is on duty was told so.
    await house.execute(
        "UPDATE duty_slot SET start_told_at = lower(during) WHERE lower(during) <= :now", now=house.hotline.clock.now()
    )
    house.hotline.watch = True
    await house.hotline.run_due()
    return house


@pytest_asyncio.fixture
async def desk(house: Staff) -> Ward:
    """The cardiology desk."""
    head = house[CARDIOLOGY]
    [row] = await house.execute(
        "SELECT id FROM schedule WHERE desk_id = CAST(:desk AS uuid)", desk=head.account["desk"]
    )
    return Ward(house, head.account["desk"], head.account["hospital"], str(row.id), head)


@pytest.fixture(scope="module")
def shared(staff: Staff) -> Staff:
    """One running hotline for tests that change nothing."""
    return staff
