"""What is owed after acceptance, as plain rules: when somebody must look, what counts as a word and as an answer."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.models.after import AFTER, OVERDUE, SILENT, Wait
from app.models.callout import COORDINATOR, Callout, CalloutState, Candidate, Duty
from app.models.consultation import Consultation, Person, Status
from app.models.reminder import Reach, Reminder, Side, TelephoneCall
from app.models.urgency import Urgency

START = datetime(2026, 11, 23, 20, 4, tzinfo=UTC)
REQUESTER, FIRST, SECOND, DISPATCHER = (UUID(int=n) for n in range(1, 5))
DESK = uuid4()
LADDER = [
    {"who": ["primary"], "timeout_s": 300},
    {"who": ["backup"], "timeout_s": 240},
    {"who": [COORDINATOR], "timeout_s": 120},
]
DUTY: Duty = {
    "primary": [Candidate(FIRST, "BS 1", "primary")],
    "backup": [Candidate(SECOND, "BS 2", "backup")],
    COORDINATOR: [Candidate(DISPATCHER, "Điều phối", COORDINATOR)],
}


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def waiting(*, held: float = 0, due: float = 15, heard: float | None = None, answered: float | None = None) -> Wait:
    return Wait(
        urgency=Urgency.ORANGE,
        silent_s=600,
        held_since=minutes(held),
        asked_at=START,
        answer_due_at=minutes(due),
        heard_at=None if heard is None else minutes(heard),
        answered_at=None if answered is None else minutes(answered),
    )


@pytest.mark.parametrize(
    ("wait", "looked_at", "missed_then"),
    [
        (waiting(), 10, SILENT),
        (waiting(heard=2), 15, OVERDUE),
        (waiting(heard=2, answered=9), None, None),
        # Answered by a colleague before anybody held it: the holder still owes a word.
        (waiting(held=5, answered=3), 15, SILENT),
        # Accepted when the time was nearly up, or past: the time of silence remains.
        (waiting(held=14), 24, OVERDUE),
        (waiting(held=40), 50, OVERDUE),
        (waiting(held=40, heard=41), 50, OVERDUE),
    ],
)
def test_when_somebody_must_look_and_what_was_missed_then(
    wait: Wait, looked_at: float | None, missed_then: str | None
) -> None:
    assert wait.due == (None if looked_at is None else minutes(looked_at))
    if looked_at is not None:
        assert wait.missed(minutes(looked_at) - timedelta(seconds=1)) is None
        assert wait.missed(minutes(looked_at)) == missed_then


@pytest.mark.parametrize("urgency", list(Urgency))
def test_without_a_word_in_the_frozen_policy_the_time_of_silence_follows_the_urgency(urgency: Urgency) -> None:
    expected = {"red": 3, "orange": 10, "yellow": 30, "green": 240}[urgency]
    wait = Wait(urgency, None, START, START, minutes(5000), None, None)
    assert wait.due == minutes(expected)


def test_what_was_said_before_counts_by_the_minute_in_which_it_was_said() -> None:
    wait = waiting(held=10)
    assert not wait.is_word(minutes(9))
    assert wait.is_word(minutes(9.5)), "people write down the minute, not the second"
    assert wait.is_answer(START)
    assert not wait.is_answer(START - timedelta(minutes=2))


@pytest.mark.parametrize(("urgency", "after"), [("red", 5), ("orange", 5), ("yellow", 15), ("green", 15)])
def test_a_reminder_goes_to_the_ward_its_telephone_and_the_coordinator_and_stays_there(
    urgency: str, after: float
) -> None:
    reminder = Reminder.of(uuid4(), uuid4(), urgency, now=START)
    reached = []
    for expected in (after, after + 2, after + 4, after + 6, after + 8):
        assert reminder.next_due_at == minutes(expected)
        reached.append(reminder.ring(telephone=True, now=minutes(expected)))
    assert reached == [Reach.WARD, Reach.TELEPHONE, Reach.COORDINATOR, Reach.COORDINATOR, Reach.COORDINATOR]
    reminder.close(now=minutes(60))
    assert (reminder.next_due_at, reminder.closed_at) == (None, minutes(60))


@pytest.mark.parametrize(
    ("raised_at", "rung_before", "due"),
    [(2, False, 5), (5, False, 5), (9, False, 9), (16, True, 17)],
)
def test_advice_given_before_the_patient_got_worse_waits_no_longer_than_advice_given_now(
    raised_at: float, *, rung_before: bool, due: float
) -> None:
    reminder = Reminder.of(uuid4(), uuid4(), "yellow", now=START)
    if rung_before:
        reminder.ring(telephone=True, now=minutes(15))
    reminder.hurry("orange", now=minutes(raised_at))
    assert reminder.next_due_at == minutes(due)


def test_without_a_telephone_of_the_ward_the_coordinator_is_next() -> None:
    reminder = Reminder.of(uuid4(), uuid4(), "red", now=START)
    assert [reminder.ring(telephone=False, now=minutes(n)) for n in (5, 7)] == [Reach.WARD, Reach.COORDINATOR]


def a_case() -> Consultation:
    case = Consultation(
        id=uuid4(),
        requester_id=REQUESTER,
        specialty="K04",
        urgency=Urgency.ORANGE,
        status=Status.RINGING,
        created_at=START,
        answer_due_at=minutes(15),
    )
    case.callouts, case.participants, case.calls, case.reminders = [], [], [], []
    return case


def person(user_id: UUID) -> Person:
    return Person(user_id, f"BS {user_id.int}", specialties=frozenset({"K04"}))


def ring(case: Consultation, now: datetime, *, reason: str, also: Candidate | None = None) -> Callout:
    """Open a callout as the services do."""
    policy = {"id": str(DESK), "steps": LADDER[1:] if also else LADDER, "answer_due_s": 900, "silent_s": 600}
    callout = Callout(
        id=uuid4(),
        consultation_id=case.id,
        desk_id=DESK,
        specialty="K04",
        urgency=case.urgency,
        state=CalloutState.RINGING,
        policy=policy,
        step=-1,
        round=0,
        step_started_at=now,
        step_due_at=now,
        next_due_at=now,
        opened_at=now,
        reason=reason,
    )
    callout.offers = []
    case.callouts.append(callout)
    callout.advance(DUTY, now=now, never=REQUESTER)
    if also:
        callout.offer_to(also, now=now)
    return callout


class AHeldCase(RuleBasedStateMachine):
    """Whatever a holder says or leaves unsaid, somebody looks, and somebody is rung until there is a word."""

    @initialize()
    def somebody_accepts_it(self) -> None:
        self.now = START
        self.case = a_case()
        ring(self.case, self.now, reason="request")
        self.case.accept(by=person(FIRST), now=self.now, on_duty_at=[])

    @rule(seconds=st.integers(1, 4000))
    def time_passes(self, seconds: int) -> None:
        target = self.now + timedelta(seconds=seconds)
        while self.case.next_due_at is not None and self.case.next_due_at <= target:
            self.now = max(self.now, self.case.next_due_at)
            why = self.case.fall_due(self.now)
            assert self.case.next_due_at is None or self.case.next_due_at > self.now, "the loop would spin"
            if why is not None:
                assert self.case.holder_id is not None
                holder = Candidate(self.case.holder_id, "BS", "holder")
                ring(self.case, self.now, reason=why, also=holder)
        self.now = target

    @precondition(lambda self: self.case.status == Status.ACTIVE)
    @rule(answers=st.booleans())
    def the_holder_speaks(self, *, answers: bool) -> None:
        assert self.case.holder_id is not None
        if answers:
            self.case.answer(by=self.case.holder_id, now=self.now)
        else:
            self.case.hear(now=self.now)
        assert not self._after()
        assert self.case.heard_at == self.now
        assert not answers or self.case.answered_at is not None

    @precondition(lambda self: self.case.status == Status.ACTIVE)
    @rule(ago=st.integers(0, 3000))
    def a_call_is_confirmed(self, ago: int) -> None:
        call = TelephoneCall(
            id=uuid4(), at=self.now - timedelta(seconds=ago), by_id=REQUESTER, side=Side.ASKING, confirmed_at=None
        )
        self.case.confirm_call(call, by=person(FIRST), now=self.now)
        assert call.confirmed
        if ago < 60:
            assert not self._after()
            assert self.case.answered_at is not None

    @rule(who=st.sampled_from([FIRST, SECOND]))
    def somebody_rung_accepts(self, who: UUID) -> None:
        if not any(c.open_offer_of(who) for c in self.case.ringing_callouts):
            return
        before = self.case.holder_id
        done = self.case.accept(by=person(who), now=self.now, on_duty_at=[])
        assert self.case.holder_id == who
        if done.again:
            assert before == who
            assert self._after(), "awake is not yet a word"
        elif before != who:
            assert self.case.heard_at is None

    @precondition(lambda self: self.case.status == Status.ACTIVE)
    @rule()
    def the_patient_gets_worse(self) -> None:
        if self.case.urgency == Urgency.RED:
            return
        self.case.raise_urgency(Urgency.RED, answer_due_at=self.now + timedelta(minutes=5), now=self.now)
        ring(self.case, self.now, reason="urgency_raised")

    @precondition(lambda self: self.case.status == Status.ACTIVE and len(self.case.callouts) > 4)
    @rule(cancels=st.booleans())
    def it_ends(self, *, cancels: bool) -> None:
        self.case.cancel(reason="Đã chuyển", now=self.now) if cancels else self.case.conclude(now=self.now)

    def _after(self) -> list[Callout]:
        return [c for c in self.case.ringing_callouts if c.reason in AFTER]

    @invariant()
    def a_case_that_owes_anything_has_a_due_time(self) -> None:
        case = self.case
        if case.status != Status.ACTIVE:
            assert case.next_due_at is None
        elif case.heard_at is None or case.answered_at is None:
            assert case.next_due_at is not None
        else:
            assert case.next_due_at is None
            assert not self._after()

    @invariant()
    def nobody_is_rung_twice_over_for_the_same_silence(self) -> None:
        assert len(self._after()) <= 1

    @invariant()
    def the_one_who_cannot_decline_is_the_coordinator_behind_a_silent_holder(self) -> None:
        assert all(self.case.needs_somebody(c) for c in self._after())


TestAHeldCase = AHeldCase.TestCase
TestAHeldCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
