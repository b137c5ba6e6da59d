"""The ladder as a machine: whatever happens in whatever order, a case that nobody holds rings a human, with a due time.

The real models, without a database: random ladders, random duty, answers, silence, lost devices and jumps of time.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.errors import Invalid, MustAct, NotRinging, Problem, Taken, WrongState
from app.models.callout import COORDINATOR, Callout, CalloutState, Candidate, Duty, Offer, OfferState
from app.models.consultation import Consultation, Person, Status
from app.models.urgency import Urgency
from app.services.ringing.routing import preview

START = datetime(2026, 11, 23, 20, 4, tzinfo=UTC)
SPECIALTY = "K04"
ROLES = ("primary", "backup", "head_of_shift", "leadership", "red_team")
PEOPLE = [UUID(int=n) for n in range(1, 9)]
REQUESTER = UUID(int=99)
DESK = UUID(int=1000)

steps = st.lists(
    st.fixed_dictionaries(
        {
            "who": st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True),
            "timeout_s": st.integers(1, 900),
            "clock": st.sampled_from(["wall", "working_hours"]),
            "keep": st.booleans(),
            "mode": st.sampled_from(["all", "all", "one_by_one", "least_offered"]),
            "skip_empty": st.booleans(),
        }
    ),
    max_size=4,
).map(lambda rungs: [*rungs, {"who": [COORDINATOR], "timeout_s": 120}])

# A small hospital: one doctor may stand in several roles, the coordinator's included; some roles have nobody.
rotas = st.fixed_dictionaries(
    {role: st.lists(st.sampled_from([*PEOPLE, REQUESTER]), max_size=3, unique=True) for role in ROLES}
    | {COORDINATOR: st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True)}
)


def on_duty(rota: dict[str, list[UUID]], full: frozenset[UUID] = frozenset()) -> Duty:
    return {
        role: [
            Candidate(p, f"BS {p.int}", role, full=p in full, crowded=p in full, offers_24h=p.int % 3) for p in people
        ]
        for role, people in rota.items()
    }


def person(user_id: UUID) -> Person:
    return Person(user_id, f"BS {user_id.int}", specialties=frozenset({SPECIALTY}))


def a_case(urgency: Urgency) -> Consultation:
    case = Consultation(
        id=uuid4(),
        requester_id=REQUESTER,
        specialty=SPECIALTY,
        urgency=urgency,
        status=Status.RINGING,
        created_at=START,
        answer_due_at=START + timedelta(minutes=15),
    )
    case.callouts, case.participants = [], []
    return case


def ring(case: Consultation, ladder: list[dict], duty: Duty, now: datetime) -> Callout:
    """Open a callout and take its first step, as the service does."""
    policy = {"steps": ladder, "answer_due_s": 900}
    callout = Callout(
        id=uuid4(),
        consultation_id=case.id,
        desk_id=DESK,
        specialty=SPECIALTY,
        urgency=case.urgency,
        state=CalloutState.RINGING,
        policy=policy,
        preview=preview(policy, duty),
        passed_over=[],
        step=-1,
        round=0,
        step_started_at=now,
        step_due_at=now,
        next_due_at=now,
        opened_at=now,
    )
    callout.offers = []
    case.callouts.append(callout)
    callout.advance(duty, now=now, never=REQUESTER)
    return callout


class ACaseAtNight(RuleBasedStateMachine):
    @initialize(ladder=steps, rota=rotas, urgency=st.sampled_from([Urgency.RED, Urgency.ORANGE, Urgency.YELLOW]))
    def somebody_asks(self, ladder: list[dict], rota: dict, urgency: Urgency) -> None:
        self.now = START
        self.ladder, self.duty = ladder, on_duty(rota)
        self.case = a_case(urgency)
        self.wins: list[UUID] = []
        ring(self.case, ladder, self.duty, self.now)

    # --- what the timer loop does ---------------------------------------------------------------------------------

    def fire(self) -> None:
        for callout in self.case.ringing_callouts:
            assert callout.next_due_at is not None
            if callout.next_due_at > self.now:
                continue
            callout.note_undelivered(self.now)
            if callout.should_advance(self.now):
                self.step_up(callout)
            elif callout.duty_until is not None and callout.duty_until <= self.now:
                self.look(callout)
            else:
                callout.reschedule()
            assert callout.next_due_at > self.now, "the loop would spin"

    def look(self, callout: Callout, duty_until: datetime | None = None) -> None:
        """Duty may have changed: newcomers ring, nobody is lost, and no step's time moves."""
        due, before = callout.step_due_at, {o.id: o.state for o in callout.offers}
        made, taken_back = callout.reconcile(self.duty, now=self.now, never=REQUESTER)
        callout.look_at(preview(callout.policy, self.duty), duty_until, {})
        assert callout.step_due_at == due
        assert {o.id for o in callout.offers} == before.keys() | {o.id for o in made}
        assert all(o.state == before.get(o.id, o.state) or o in taken_back for o in callout.offers)

    def step_up(self, callout: Callout) -> None:
        self.look(callout)
        before = (callout.step, callout.round, callout.step_due_at, len(callout.offers))
        callout.advance(self.duty, now=self.now, never=REQUESTER)
        assert callout.step >= before[0]
        assert callout.step_due_at > self.now
        assert (callout.step, callout.round, callout.step_due_at, len(callout.offers)) != before

    @rule(seconds=st.integers(1, 700))
    def time_passes(self, seconds: int) -> None:
        """Nobody overslept: the loop looks at every due time on the way."""
        target = self.now + timedelta(seconds=seconds)
        for turn in count():
            assert turn < 10_000, "time does not pass"
            dues = [c.next_due_at for c in self.case.ringing_callouts if c.next_due_at <= target]
            if not dues:
                break
            self.now = max(self.now, min(dues))
            self.fire()
        self.now = target

    @rule(hours=st.integers(1, 200))
    def the_server_was_down(self, hours: int) -> None:
        """After an outage one step is taken, and later ones count anew from now."""
        before = {c.id: c.step for c in self.case.ringing_callouts}
        self.now += timedelta(hours=hours)
        self.fire()
        for callout in self.case.ringing_callouts:
            skipped = callout.steps[before[callout.id] + 1 : callout.step]
            known = {o.doctor_id for o in callout.offers}
            left_out = [
                c
                for step in skipped
                for who in step["who"]
                for c in self.duty.get(who, ())
                if c.doctor_id != REQUESTER and not c.full and c.doctor_id not in known
            ]
            assert not left_out, "a step that had somebody new was skipped"

    @rule(rota=rotas, full=st.frozensets(st.sampled_from(PEOPLE), max_size=3), hours=st.integers(1, 12))
    def the_shift_changes(self, rota: dict, full: frozenset[UUID], hours: int) -> None:
        """Some hold as many cases as they can; the loop looks at every ringing callout within a second."""
        routine = self.case.urgency not in (Urgency.RED, Urgency.ORANGE)
        self.duty = on_duty(rota, full if routine else frozenset())
        for callout in self.case.ringing_callouts:
            self.look(callout, self.now + timedelta(hours=hours))
            if callout.should_advance(self.now):
                self.step_up(callout)

    @rule()
    def the_process_is_killed_and_another_looks(self) -> None:
        """Whatever was committed is there; looking again at what was seen already changes nothing."""
        for callout in self.case.ringing_callouts:
            self.look(callout, callout.duty_until)
            seen = [(o.id, o.state) for o in callout.offers]
            self.look(callout, callout.duty_until)
            assert seen == [(o.id, o.state) for o in callout.offers]

    @precondition(lambda self: any(not c.on_last_step for c in self.case.ringing_callouts))
    @rule(by=st.integers(1, 4))
    def the_coordinator_takes_a_later_step(self, by: int) -> None:
        callout = next(c for c in self.case.ringing_callouts if not c.on_last_step)
        before = [o.doctor_id for o in callout.offers if o.rings]
        callout.jump(min(callout.step + by, len(callout.steps) - 1), self.duty, now=self.now, never=REQUESTER)
        assert set(before) <= {o.doctor_id for o in callout.offers if o.rings}

    # --- what people do -------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(PEOPLE), how=st.sampled_from(["deliver", "see"]))
    def a_device_answers(self, who: UUID, how: str) -> None:
        for callout in self.case.callouts:
            offer = callout.open_offer_of(who)
            if offer is not None:
                getattr(offer, how)(now=self.now)
                if callout.ringing:
                    callout.release_leavers(now=self.now)
                    callout.reschedule()

    @rule(who=st.sampled_from(PEOPLE), on_duty_here=st.sampled_from([False] * 7 + [True]))
    def somebody_accepts(self, *, who: UUID, on_duty_here: bool) -> None:
        was_ringing = bool(self.case.ringing_callouts)
        is_rung = any(c.open_offer_of(who) for c in self.case.ringing_callouts)
        try:
            done = self.case.accept(by=person(who), now=self.now, on_duty_at=[DESK] if on_duty_here else [])
        except (Taken, NotRinging, WrongState):
            if is_rung:
                raise
            return
        assert was_ringing
        assert self.case.holder_id == who
        assert not self.case.ringing_callouts
        assert done.offer.state == OfferState.ACCEPTED
        self.wins.append(who)

    @rule(who=st.sampled_from(PEOPLE))
    def somebody_declines(self, who: UUID) -> None:
        try:
            declined = self.case.refuse(by=person(who), reason="busy", text=None, now=self.now)
        except MustAct:
            assert self.case.holder_id is None
            return
        except NotRinging:
            return
        for callout, _ in declined:
            if callout.ringing and callout.should_advance(self.now):
                self.step_up(callout)

    @precondition(lambda self: self.case.ringing_callouts)
    @rule(who=st.sampled_from(PEOPLE))
    def the_coordinator_assigns(self, who: UUID) -> None:
        callout = self.case.ringing_callouts[-1]
        callout.offer_to(Candidate(who, f"BS {who.int}", "assigned"), now=self.now)
        if callout.on_last_step:
            callout.give_time(now=self.now)

    @rule(urgency=st.sampled_from(list(Urgency)), ladder=steps)
    def the_patient_gets_worse(self, urgency: Urgency, ladder: list[dict]) -> None:
        rung = [o for c in self.case.ringing_callouts for o in c.offers if o.rings]
        before = Urgency(self.case.urgency)
        try:
            self.case.raise_urgency(urgency, answer_due_at=self.now + timedelta(minutes=5), now=self.now)
        except (WrongState, Invalid):
            assert urgency.rank >= before.rank or self.case.status not in (Status.RINGING, Status.ACTIVE)
            return
        assert urgency.rank < before.rank
        callout = ring(self.case, ladder, self.duty, self.now)
        for offer in rung:
            callout.offer_to(Candidate(offer.doctor_id, offer.doctor_name, offer.role), now=self.now)

    @precondition(lambda self: self.case.status == Status.ACTIVE and not self.case.ringing_callouts)
    @rule(who=st.sampled_from(PEOPLE))
    def the_holder_hands_over(self, who: UUID) -> None:
        named = f"user:{who}"
        ladder = [{"who": [named], "timeout_s": 900}, {"who": [COORDINATOR], "timeout_s": 120}]
        ring(self.case, ladder, {**self.duty, named: [Candidate(who, f"BS {who.int}", "hand_over")]}, self.now)

    @precondition(lambda self: self.case.status == Status.ACTIVE and self.case.urgency == Urgency.RED)
    @rule(who=st.sampled_from(PEOPLE), coming=st.booleans())
    def a_member_of_the_red_team_answers(self, *, who: UUID, coming: bool) -> None:
        try:
            answered = self.case.attend(by=person(who), coming=coming, now=self.now)
        except NotRinging:
            return
        assert answered
        assert not any(offer.rings for _, offer in answered)
        assert self.case.holder_id is not None

    @precondition(lambda self: self.case.holder_id is not None)
    @rule(who=st.none() | st.sampled_from(PEOPLE))
    def the_leader_stands_somebody_down(self, who: UUID | None) -> None:
        for offer in self.case.stand_down(user_id=who, now=self.now):
            assert offer.state == OfferState.WITHDRAWN
            assert offer.doctor_id != self.case.holder_id

    @precondition(lambda self: len(self.case.callouts) > 2)
    @rule()
    def the_requester_cancels(self) -> None:
        try:
            self.case.cancel(reason="Người bệnh đã được chuyển đi", now=self.now)
        except Problem:
            assert self.case.status == Status.CANCELLED
        assert not any(o.state == OfferState.MADE for c in self.case.callouts for o in c.offers)

    # --- what must always be so -----------------------------------------------------------------------------------

    @invariant()
    def every_ringing_callout_has_a_due_time(self) -> None:
        for callout in self.case.callouts:
            assert (callout.next_due_at is not None) == callout.ringing

    @invariant()
    def a_case_that_nobody_holds_rings_a_human(self) -> None:
        if self.case.status == Status.RINGING:
            assert self.case.ringing_callouts
            for callout in self.case.ringing_callouts:
                assert any(o.rings for o in callout.offers), "silence"

    @invariant()
    def who_has_no_room_waits_or_rings_but_not_both(self) -> None:
        for callout in self.case.ringing_callouts:
            assert not [d for d in callout.passed_over if callout.open_offer_of(UUID(d))]

    @invariant()
    def nobody_is_accepted_twice(self) -> None:
        for callout in self.case.callouts:
            accepted = [o for o in callout.offers if o.state == OfferState.ACCEPTED]
            assert len(accepted) <= 1
            assert (callout.state == CalloutState.ACCEPTED) == bool(accepted)
        assert (self.case.holder_id is None) == (not self.wins)
        assert self.case.holder_id == (self.wins[-1] if self.wins else None)

    @invariant()
    def nobody_is_rung_twice_for_one_callout(self) -> None:
        for callout in self.case.callouts:
            open_to = [o.doctor_id for o in callout.offers if o.state == OfferState.MADE]
            assert len(open_to) == len(set(open_to))

    @invariant()
    def nobody_is_offered_their_own_request(self) -> None:
        assert not self.case.offers_to(REQUESTER)

    @invariant()
    def the_case_is_held_exactly_from_the_first_acceptance_on(self) -> None:
        if self.case.status == Status.ACTIVE:
            assert self.case.holder_id is not None
        if self.case.status == Status.RINGING:
            assert self.case.holder_id is None


TestACaseAtNight = ACaseAtNight.TestCase
# The same cases on every run; a failing one is printed as found, because making it small takes minutes.
TestACaseAtNight.settings = settings(
    max_examples=100, stateful_step_count=35, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)


# --- single rules, by name --------------------------------------------------------------------------------------

FIRST, SECOND, THIRD, DISPATCHER = PEOPLE[:4]
LADDER = [
    {"who": ["primary"], "timeout_s": 300},
    {"who": ["backup"], "timeout_s": 240},
    {"who": [COORDINATOR], "timeout_s": 120},
]
RED_LADDER = [
    {"who": ["red_team"], "timeout_s": 120},
    {"who": ["red_team"], "timeout_s": 60},
    {"who": [COORDINATOR], "timeout_s": 120},
]


@pytest.fixture
def night() -> SimpleNamespace:
    rota = {"primary": [FIRST], "backup": [SECOND], "red_team": [FIRST, SECOND, THIRD], COORDINATOR: [DISPATCHER]}
    duty = on_duty(rota)
    case = a_case(Urgency.ORANGE)
    return SimpleNamespace(case=case, duty=duty, callout=ring(case, LADDER, duty, START))


def rung(callout: Callout) -> list[UUID]:
    return [o.doctor_id for o in callout.offers if o.rings]


def offer_of(callout: Callout, who: UUID) -> Offer:
    found = callout.open_offer_of(who)
    assert found is not None
    return found


def test_a_step_without_anybody_is_passed_over_at_once() -> None:
    callout = ring(a_case(Urgency.ORANGE), LADDER, on_duty({"backup": [SECOND], COORDINATOR: [DISPATCHER]}), START)
    assert rung(callout) == [SECOND]
    assert callout.step == 1


def test_with_nobody_on_duty_the_coordinator_is_rung_at_once() -> None:
    callout = ring(a_case(Urgency.ORANGE), LADDER, on_duty({COORDINATOR: [DISPATCHER]}), START)
    assert rung(callout) == [DISPATCHER]


def test_a_doctor_who_asked_is_not_rung_for_the_own_question() -> None:
    callout = ring(a_case(Urgency.ORANGE), LADDER, on_duty({"primary": [REQUESTER], "backup": [SECOND]}), START)
    assert rung(callout) == [SECOND]


def test_an_earlier_offer_rings_on_when_the_next_doctor_is_added(night: SimpleNamespace) -> None:
    offer_of(night.callout, FIRST).deliver(now=START)
    night.callout.advance(night.duty, now=START + timedelta(minutes=5), never=REQUESTER)
    assert rung(night.callout) == [FIRST, SECOND]


def test_a_step_that_does_not_keep_stops_the_sound_and_can_still_be_accepted(night: SimpleNamespace) -> None:
    night.callout.steps[0]["keep"] = False
    night.callout.advance(night.duty, now=START + timedelta(minutes=5), never=REQUESTER)
    assert offer_of(night.callout, FIRST).expired_at
    night.case.accept(by=person(FIRST), now=START + timedelta(minutes=6), on_duty_at=[])
    assert night.case.holder_id == FIRST


def test_a_coordinator_who_declined_as_a_doctor_is_rung_as_coordinator_all_the_same() -> None:
    case = a_case(Urgency.ORANGE)
    duty = on_duty({"primary": [FIRST], COORDINATOR: [FIRST]})
    callout = ring(case, LADDER, duty, START)
    case.refuse(by=person(FIRST), reason="busy", text=None, now=START)
    callout.advance(duty, now=START, never=REQUESTER)
    assert rung(callout) == [FIRST]
    with pytest.raises(MustAct):
        case.refuse(by=person(FIRST), reason="busy", text=None, now=START)


def test_at_the_end_of_the_ladder_nobody_declines_the_case_into_silence() -> None:
    case = a_case(Urgency.ORANGE)
    duty = on_duty({"primary": [FIRST], COORDINATOR: [FIRST]})
    callout = ring(case, LADDER, duty, START)
    callout.advance(duty, now=START, never=REQUESTER)
    assert callout.on_last_step
    assert [o.role for o in callout.offers if o.rings] == ["primary"]
    case.refuse(by=person(FIRST), reason="busy", text=None, now=START)
    assert callout.should_advance(START)
    callout.advance(duty, now=START, never=REQUESTER)
    assert [o.role for o in callout.offers if o.rings] == [COORDINATOR]


def test_one_member_of_the_red_team_who_cannot_come_does_not_hurry_the_coordinator() -> None:
    case = a_case(Urgency.RED)
    duty = on_duty({"red_team": [FIRST, SECOND, THIRD], COORDINATOR: [DISPATCHER]})
    callout = ring(case, RED_LADDER, duty, START)
    for member in (FIRST, SECOND, THIRD):
        offer_of(callout, member).deliver(now=START)
    callout.advance(duty, now=START + timedelta(minutes=2), never=REQUESTER)
    assert callout.step == 1
    case.refuse(by=person(FIRST), reason="busy", text=None, now=START + timedelta(minutes=2))
    assert not callout.should_advance(START + timedelta(minutes=2))
    for member in (SECOND, THIRD):
        case.refuse(by=person(member), reason="busy", text=None, now=START + timedelta(minutes=2))
    assert callout.should_advance(START + timedelta(minutes=2))


def test_a_red_team_that_no_device_reaches_is_not_waited_for() -> None:
    duty = on_duty({"red_team": [FIRST, SECOND], COORDINATOR: [DISPATCHER]})
    callout = ring(a_case(Urgency.RED), RED_LADDER, duty, START)
    later = START + timedelta(seconds=30)
    callout.note_undelivered(later)
    assert callout.should_advance(later)
    callout.advance(duty, now=later, never=REQUESTER)
    assert rung(callout) == [FIRST, SECOND, DISPATCHER]


def test_an_emergency_that_reached_no_device_moves_on_and_a_routine_request_waits() -> None:
    for clock, moves_on in (("wall", True), ("working_hours", False)):
        ladder = [{"who": ["primary"], "timeout_s": 7200, "clock": clock}, *LADDER[1:]]
        callout = ring(a_case(Urgency.GREEN), ladder, on_duty({"primary": [FIRST], COORDINATOR: [DISPATCHER]}), START)
        later = START + timedelta(seconds=30)
        assert [o.doctor_id for o in callout.note_undelivered(later)] == [FIRST]
        assert callout.should_advance(later) is moves_on
