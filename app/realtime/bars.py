"""Who must receive nothing any more, from just before the commit that says so.

A target is a pair, as services leave it in `Work.barred`:
    ("consultation:<id>", "<user id>")   a person removed from a case
    ("session", "<session id>")          one sign-in that ended
    ("user", "<user id>")                an account: deactivated, or all its sessions ended
"""

from collections.abc import Iterator
from typing import Final, TypeAlias
from uuid import UUID

Target: TypeAlias = tuple[str, str]

SESSION: Final = "session"
ACCOUNT: Final = "user"
SETTLED_WITHIN_S: Final = 5.0
"""A bar about which nothing was heard for so long is lifted; the database is asked before anything more is sent."""


class Bars:
    """Targets that are barred now, how often, and since when."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Begin with nobody barred."""
        self._held: dict[Target, tuple[int, float]] = {}

    def add(self, target: Target, moment: float) -> None:
        """Bar once more."""
        count, _ = self._held.get(target, (0, moment))
        self._held[target] = (count + 1, moment)

    def drop(self, target: Target) -> bool:
        """Lift one bar; False when there was none."""
        count, moment = self._held.pop(target, (0, 0.0))
        if count > 1:
            self._held[target] = (count - 1, moment)
        return count > 0

    def on(self, what: str, who: UUID | None) -> int:
        """Return how many bars lie on it."""
        return self._held.get((what, str(who)), (0, 0.0))[0]

    def unsettled(self, moment: float) -> Iterator[Target]:
        """Yield, once per bar, targets about which nothing was heard in time."""
        for target, (count, since) in list(self._held.items()):
            if moment - since > SETTLED_WITHIN_S:
                yield from [target] * count
