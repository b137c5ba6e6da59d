"""Each test of this folder has a hotline of its own."""

import pytest

from tests.staff import Staff


@pytest.fixture
def staff(house: Staff) -> Staff:
    """Everybody, signed in."""
    return house
