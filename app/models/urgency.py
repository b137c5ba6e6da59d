"""The four urgencies, in the hospital's own triage words."""

from enum import StrEnum


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


_ORDER = {Urgency.RED: 0, Urgency.ORANGE: 1, Urgency.YELLOW: 2, Urgency.GREEN: 3}
