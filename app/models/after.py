"""What the holder of a case owes the ward after acceptance: a word soon, and an answer by its time. Pure arithmetic."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.models.urgency import Urgency

SILENT = "silent"
"""Why a callout opened: the holder has said nothing since acceptance."""
OVERDUE = "overdue"
"""Why a callout opened: the time for an opinion, a conclusion or a confirmed call has passed."""
AFTER = (SILENT, OVERDUE)
HEARD = "heard"
"""Why those who rang because of the silence were let go; and of an accepted second specialty, that it has spoken."""
HELD = "held"
"""Why an offer was taken back: the one who is rung has the case already, and is awake."""

SILENT_AFTER = {
    Urgency.RED: timedelta(minutes=3),
    Urgency.ORANGE: timedelta(minutes=10),
    Urgency.YELLOW: timedelta(minutes=30),
    Urgency.GREEN: timedelta(hours=4),
}
"""For callouts whose frozen policy says nothing about silence."""
TYPED_TO_THE_MINUTE = timedelta(minutes=1)
"""People write down the minute of a telephone call, not its second."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What the ward waits for, and since when."""

    urgency: Urgency
    silent_s: int | None
    held_since: datetime
    asked_at: datetime
    """When the question was asked, or the urgency raised last: an earlier word does not answer it."""
    answer_due_at: datetime
    heard_at: datetime | None
    answered_at: datetime | None

    @property
    def silence(self) -> timedelta:
        """How long the holder may say nothing."""
        return timedelta(seconds=self.silent_s) if self.silent_s else SILENT_AFTER[self.urgency]

    @property
    def due(self) -> datetime | None:
        """When somebody must look; None when there was a word and an answer."""
        owed = [self._word_due] if self.heard_at is None else []
        owed += [self._answer_due] if self.answered_at is None else []
        return min(owed, default=None)

    def missed(self, now: datetime) -> str | None:
        """Which of the two has not come in time: a late answer weighs more than silence."""
        if self.answered_at is None and self._answer_due <= now:
            return OVERDUE
        return SILENT if self.heard_at is None and self._word_due <= now else None

    def is_word(self, at: datetime) -> bool:
        """Whether something said at this time was said by the present holder."""
        return at + TYPED_TO_THE_MINUTE > self.held_since

    def is_answer(self, at: datetime) -> bool:
        """Whether something said at this time answers the question as it stands."""
        return at + TYPED_TO_THE_MINUTE > self.asked_at

    @property
    def _word_due(self) -> datetime:
        return self.held_since + self.silence

    @property
    def _answer_due(self) -> datetime:
        """Whoever accepts when the time is nearly up, or past, is given the time of silence to answer."""
        return max(self.answer_due_at, self._word_due)
