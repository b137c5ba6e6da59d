"""The order of one stream in this process: every fact once, none too early, none left out."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST_AHEAD: Final = 1000


@dataclass(slots=True)
class Sequence(Generic[T]):
    """`head` is the last place handed on; it is unknown until the stream has been read for the first time.

    What comes too early waits. Waiting is bounded: what finds no room is read from the database in its turn.
    """

    head: int | None = None
    ahead: dict[int, T] | None = None

    def arrive(self, n: int, fact: T) -> list[tuple[int, T]]:
        """Take the fact at place `n`; return what may be handed on now, in order."""
        if self.head is None or n > self.head + 1:
            self.ahead = {} if self.ahead is None else self.ahead
            if len(self.ahead) < MOST_AHEAD:
                self.ahead.setdefault(n, fact)
            return []
        if n <= self.head:
            return []
        self.head = n
        return [(n, fact), *self._follow()]

    def begin(self, head: int) -> list[tuple[int, T]]:
        """Learn the head from a read of the database; return what waited and may be handed on now."""
        if self.head is not None:
            return []
        self.head = head
        return self._follow()

    @property
    def waits(self) -> bool:
        """Whether something is missing before what has arrived."""
        return self.head is not None and self.ahead is not None

    def _follow(self) -> list[tuple[int, T]]:
        ready: list[tuple[int, T]] = []
        if self.ahead is None or self.head is None:
            return ready
        while (fact := self.ahead.pop(self.head + 1, None)) is not None:
            self.head += 1
            ready.append((self.head, fact))
        self.ahead = {n: f for n, f in self.ahead.items() if n > self.head} or None
        return ready
