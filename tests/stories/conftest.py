"""The whole network is signed in, so that a story can begin where it begins in the hospital."""

import pytest_asyncio

from tests.hotline import Hotline
from tests.staff import Staff, everybody


@pytest_asyncio.fixture
async def house(hotline: Hotline) -> Staff:
    """A running hotline at night, and everybody of it by user name."""
    return await everybody(hotline)
