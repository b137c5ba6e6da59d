"""What will happen to each case: fixed by the seed, so that a rehearsal can be repeated."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from app.rehearsal.visits import Visit


class Story(StrEnum):
    """How the answering side behaves."""

    PROMPT = "prompt"
    """The first who is rung takes it."""
    DECLINED = "declined"
    """The first declines, the next takes it."""
    LATE = "late"
    """The first sees it and takes some seconds."""
    DROPPED = "dropped"
    """The first one's device falls off the network with the offer on its way; it comes back after the next was rung."""
    NOBODY = "nobody"
    """Everybody declines, up to the coordinator, who assigns."""
    CONTESTED = "contested"
    """Everybody who is rung takes it at the same moment: one must win."""
    CANCELLED = "cancelled"
    """The asking doctor takes it back while it rings."""


_WEIGHTS: Final = {
    Story.PROMPT: 60,
    Story.DECLINED: 16,
    Story.LATE: 10,
    Story.NOBODY: 6,
    Story.CONTESTED: 5,
    Story.CANCELLED: 3,
}
DROPPED_ONE_IN: Final = 40
SENT_TWICE: Final = 0.08


@dataclass(slots=True)
class Case:
    """One visit on its way through the house, as all who play a part in it know it."""

    visit: Visit
    story: Story
    specialty: str
    label: str
    asker: str
    """User name of the requesting doctor."""
    sent_twice: bool
    mood: random.Random
    id: str = ""
    asked_at: float = 0.0
    shown_at: float | None = None
    shown_to_first: bool = False
    """The offer was shown by the device of somebody in the first step, without a break of its network."""
    accepted_at: float | None = None
    told_at: float | None = None
    holder: str = ""
    winners: list[str] = field(default_factory=list)
    """User ids whose acceptance was answered with success."""
    step: int = -1
    role: str = ""
    escalated: bool = False
    declines: int = 0
    assigned: set[str] = field(default_factory=set)
    dropped: bool = False
    """The break of the network that the story asks for has happened."""
    refused: dict[str, str] = field(default_factory=dict)
    """Columns that the API refused, with its words."""
    turned_away: str = ""
    """Why the whole request was refused; empty when it was taken."""
    trouble: list[str] = field(default_factory=list)
    posted: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)
    heard: dict[str, asyncio.Event] = field(default_factory=dict)
    """By type of event: set when the asking doctor's own socket has heard it."""
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By type of event: the newest that the asking doctor's socket heard."""
    stage: str = "waiting"

    def hear(self, event_type: str) -> asyncio.Event:
        """Return what is set when the asking doctor hears of an event of this type."""
        return self.heard.setdefault(event_type, asyncio.Event())


def choose_stories(count: int, seed: int) -> list[Story]:
    """Draw a story for each visit; one in forty meets a broken network, spread over the whole."""
    chance = random.Random(seed)  # noqa: S311 (a rehearsal, not a secret)
    kinds: Sequence[Story] = list(_WEIGHTS)
    stories = chance.choices(kinds, weights=list(_WEIGHTS.values()), k=count)
    for place in range(DROPPED_ONE_IN // 4, count, DROPPED_ONE_IN):
        stories[place] = Story.DROPPED
    return stories
