"""The four urgencies, in the hospital's own triage words."""

from enum import StrEnum
from typing import Final


class Urgency(StrEnum):
    """Đỏ, Cam, Vàng, Xanh."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return _ORDER[self]


EMERGENCIES: Final = frozenset({Urgency.RED, Urgency.ORANGE})
"""What rings at night, through quiet hours, and outside any agreement."""
_ORDER: Final = {Urgency.RED: 0, Urgency.ORANGE: 1, Urgency.YELLOW: 2, Urgency.GREEN: 3}
