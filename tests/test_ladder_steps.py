"""Each rule of a step by name: turns, fairness, empty steps, sound, clocks, capacity and duty that changes."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.models.callout import (
    BY_TELEPHONE,
    COORDINATOR,
    SECOND_SPECIALTY,
    Callout,
    CalloutState,
    Candidate,
    Duty,
    OfferState,
)
from app.models.consultation import Consultation, Person, Status
from app.models.offer import OTHER_COORDINATORS, OWN_COORDINATORS
from app.models.urgency import Urgency
from app.models.working_hours import after_working_time
from app.services.ringing.routing import preview

START = datetime(2026, 11, 23, 20, 4, tzinfo=UTC)
A, B, C, D, DISPATCHER = (UUID(int=n) for n in range(1, 6))
REQUESTER = UUID(int=99)
LAST = {"who": [COORDINATOR], "timeout_s": 120}
AT_THE_END = {COORDINATOR: [DISPATCHER]}


def on_duty(rota: dict[str, list[UUID]], **of: Candidate) -> Duty:
    known = {c.doctor_id: c for c in of.values()}
    return {
        role: [known.get(p, Candidate(p, f"BS {p.int}", role)) for p in people]
        for role, people in (rota | AT_THE_END if COORDINATOR not in rota else rota).items()
    }


def later(**delta: float) -> datetime:
    return START + timedelta(**delta)


def a_case(urgency: Urgency = Urgency.ORANGE) -> Consultation:
    case = Consultation(
        id=uuid4(),
        requester_id=REQUESTER,
        specialty="K04",
        urgency=urgency,
        status=Status.RINGING,
        created_at=START,
        answer_due_at=later(minutes=15),
    )
    case.callouts, case.participants = [], []
    return case


def ring(steps: list[dict], duty: Duty, case: Consultation | None = None, *, reason: str = "request") -> Callout:
    case = case or a_case()
    policy = {"id": str(uuid4()), "steps": steps, "answer_due_s": 900}
    callout = Callout(
        id=uuid4(),
        consultation_id=case.id,
        desk_id=uuid4(),
        specialty="K04",
        urgency=case.urgency,
        state=CalloutState.RINGING,
        policy=policy,
        preview=preview(policy, duty),
        step=-1,
        round=0,
        step_started_at=START,
        step_due_at=START,
        next_due_at=START,
        opened_at=START,
        reason=reason,
        passed_over=[],
    )
    callout.offers = []
    case.callouts.append(callout)
    callout.advance(duty, now=START, never=REQUESTER)
    return callout


def person(who: UUID) -> Person:
    return Person(who, f"BS {who.int}", specialties=frozenset({"K04"}))


def rung(callout: Callout) -> list[UUID]:
    return [o.doctor_id for o in callout.offers if o.rings]


def answer(callout: Callout, who: UUID, how: str, now: datetime) -> None:
    offer = callout.open_offer_of(who)
    assert offer is not None
    if how == "declines":
        offer.decline("busy", None, now=now)
    elif how == "reached":
        offer.deliver(now=now)
    callout.reschedule()


def advance(callout: Callout, duty: Duty, now: datetime) -> list[UUID]:
    assert callout.should_advance(now)
    return [o.doctor_id for o in callout.advance(duty, now=now, never=REQUESTER)]


# --- modes --------------------------------------------------------------------------------------------------------

TEAM = {"primary": [A, B, C]}


@pytest.mark.parametrize(
    ("mode", "first", "next_"),
    [("all", [A, B, C], [DISPATCHER]), ("one_by_one", [A], [B]), (None, [A, B, C], [DISPATCHER])],
)
def test_a_step_rings_everybody_at_once_or_one_by_one(mode: str | None, first: list[UUID], next_: list[UUID]) -> None:
    duty = on_duty(TEAM)
    callout = ring([{"who": ["primary"], "timeout_s": 60} | ({"mode": mode} if mode else {}), LAST], duty)
    assert rung(callout) == first
    assert not callout.should_advance(later(seconds=59))
    assert advance(callout, duty, later(seconds=60)) == next_


def test_one_by_one_goes_through_its_people_and_then_to_the_next_step_while_all_ring_on() -> None:
    duty = on_duty(TEAM)
    callout = ring([{"who": ["primary"], "timeout_s": 60, "mode": "one_by_one"}, LAST], duty)
    rings = [advance(callout, duty, later(minutes=n)) for n in (1, 2, 3)]
    assert rings == [[B], [C], [DISPATCHER]]
    assert rung(callout) == [A, B, C, DISPATCHER]
    assert callout.step == 1


def test_in_turns_a_refusal_rings_the_next_at_once_though_an_earlier_one_has_not_answered() -> None:
    duty = on_duty(TEAM)
    callout = ring([{"who": ["primary"], "timeout_s": 60, "mode": "one_by_one"}, LAST], duty)
    answer(callout, A, "reached", START)
    advance(callout, duty, later(minutes=1))
    answer(callout, B, "declines", later(seconds=65))
    assert advance(callout, duty, later(seconds=65)) == [C]
    assert callout.step_due_at == later(seconds=125)


def test_in_turns_a_device_that_is_not_reached_in_30_s_rings_the_next() -> None:
    duty = on_duty(TEAM)
    callout = ring([{"who": ["primary"], "timeout_s": 600, "mode": "one_by_one"}, LAST], duty)
    callout.note_undelivered(later(seconds=30))
    assert advance(callout, duty, later(seconds=30)) == [B]
    assert rung(callout) == [A, B]


def test_least_offered_rings_the_fewest_offers_then_the_oldest_then_the_identifier() -> None:
    of = {
        "a": Candidate(A, "A", "primary", offers_24h=2, last_offer_at=START - timedelta(hours=9)),
        "b": Candidate(B, "B", "backup", offers_24h=1, last_offer_at=START - timedelta(hours=1)),
        "c": Candidate(C, "C", "primary", offers_24h=1, last_offer_at=START - timedelta(hours=5)),
        "d": Candidate(D, "D", "primary", offers_24h=1, last_offer_at=START - timedelta(hours=5)),
    }
    duty = on_duty({"primary": [A, C, D], "backup": [B]}, **of)
    callout = ring([{"who": ["primary", "backup"], "timeout_s": 60, "mode": "least_offered"}, LAST], duty)
    turns = [rung(callout), *(advance(callout, duty, later(minutes=n)) for n in (1, 2, 3, 4))]
    assert turns == [[C], [D], [B], [A], [DISPATCHER]]


def test_a_doctor_never_asked_comes_first() -> None:
    of = {"a": Candidate(A, "A", "primary", offers_24h=0, last_offer_at=START - timedelta(days=3))}
    duty = on_duty({"primary": [A, B]}, **of)
    callout = ring([{"who": ["primary"], "timeout_s": 60, "mode": "least_offered"}, LAST], duty)
    assert rung(callout) == [B]


def test_two_coordinators_in_turns_are_both_rung_before_it_rings_round_again() -> None:
    duty = on_duty({COORDINATOR: [DISPATCHER, D]})
    callout = ring([{"who": [COORDINATOR], "timeout_s": 30, "mode": "one_by_one"}], duty)
    assert rung(callout) == [DISPATCHER]
    assert advance(callout, duty, later(seconds=30)) == [D]
    assert callout.round == 1
    assert advance(callout, duty, later(seconds=60)) == []
    assert callout.round == 2
    assert rung(callout) == [DISPATCHER, D]


# --- empty steps, sound, frozen policy ----------------------------------------------------------------------------


def test_an_empty_step_that_waits_waits_its_time_while_somebody_rings() -> None:
    duty = on_duty({"primary": [A]})
    steps = [{"who": ["primary"], "timeout_s": 60}, {"who": ["backup"], "timeout_s": 90, "skip_empty": False}, LAST]
    callout = ring(steps, duty)
    answer(callout, A, "reached", START)
    assert advance(callout, duty, later(seconds=60)) == []
    assert callout.step == 1
    assert not callout.should_advance(later(seconds=149))
    assert advance(callout, duty, later(seconds=150)) == [DISPATCHER]


@pytest.mark.parametrize("silence", ["nobody is rung yet", "the only one declined"])
def test_an_empty_step_never_waits_in_silence(silence: str) -> None:
    waits = {"who": ["backup"], "timeout_s": 900, "skip_empty": False}
    if silence == "nobody is rung yet":
        assert rung(ring([waits, LAST], on_duty({}))) == [DISPATCHER]
        return
    duty = on_duty({"primary": [A]})
    callout = ring([{"who": ["primary"], "timeout_s": 60}, waits, LAST], duty)
    answer(callout, A, "reached", START)
    advance(callout, duty, later(seconds=60))
    answer(callout, A, "declines", later(seconds=70))
    assert advance(callout, duty, later(seconds=70)) == [DISPATCHER]


@pytest.mark.parametrize("keep", [True, False])
def test_a_step_that_does_not_keep_stops_its_sound_when_it_is_left_and_not_between_its_turns(*, keep: bool) -> None:
    duty = on_duty(TEAM)
    callout = ring([{"who": ["primary"], "timeout_s": 60, "mode": "one_by_one", "keep": keep}, LAST], duty)
    for n in (1, 2):
        advance(callout, duty, later(minutes=n))
        assert not [o for o in callout.offers if o.expired_at]
    advance(callout, duty, later(minutes=3))
    assert [o.doctor_id for o in callout.offers if o.expired_at] == ([] if keep else [A, B, C])
    assert callout.open_offer_of(A) is not None


def test_whom_a_later_step_rings_once_more_is_heard_again_though_the_earlier_one_did_not_keep_its_sound() -> None:
    duty = on_duty({"primary": [A]})
    step = {"who": ["primary"], "timeout_s": 20, "keep": False}
    callout = ring([step, step, LAST], duty)
    answer(callout, A, "reached", START)
    assert advance(callout, duty, later(seconds=20)) == []
    assert callout.step == 1
    assert [o.expired_at for o in callout.offers] == [None]


def test_a_step_removed_from_the_policy_while_it_escalates_is_still_taken() -> None:
    duty = on_duty({"primary": [A], "backup": [B]})
    in_force = [{"who": ["primary"], "timeout_s": 60}, {"who": ["backup"], "timeout_s": 60}, LAST]
    callout = ring([dict(step) for step in in_force], duty)
    del in_force[1]
    assert advance(callout, duty, later(minutes=1)) == [B]


def test_a_jump_leaves_out_the_steps_between_and_everybody_rings_on() -> None:
    duty = on_duty({"primary": [A], "backup": [B], "leadership": [C]})
    roles = ("primary", "backup", "leadership")
    callout = ring([*({"who": [r], "timeout_s": 60, "keep": False} for r in roles), LAST], duty)
    made = callout.jump(2, duty, now=later(seconds=5), never=REQUESTER)
    assert [o.doctor_id for o in made] == [C]
    assert rung(callout) == [A, C]
    assert not [o for o in callout.offers if o.expired_at]
    assert callout.step_due_at == later(seconds=65)


@pytest.mark.parametrize(
    ("timeout_s", "clock", "waits_s"),
    [(7 * 24 * 3600, "wall", 120), (3600, "working_hours", 120), (120, "wall", 120), (45, "wall", 45)],
)
def test_the_end_of_the_ladder_is_rung_again_within_two_minutes_whatever_the_policy_lets_it_wait(
    timeout_s: int, clock: str, waits_s: int
) -> None:
    duty = on_duty({})
    callout = ring([{"who": [COORDINATOR], "timeout_s": timeout_s, "clock": clock}], duty)
    answer(callout, DISPATCHER, "reached", START)
    assert callout.next_due_at == later(seconds=waits_s)
    advance(callout, duty, later(seconds=waits_s))
    assert (callout.round, callout.next_due_at) == (2, later(seconds=waits_s + 120))


@pytest.mark.parametrize("reached", [False, True])
def test_behind_a_coordinator_who_does_not_act_stand_the_others_of_the_hospital_and_then_the_other_party(
    *, reached: bool
) -> None:
    people = {str(p): Candidate(p, f"BS {p.int}", COORDINATOR) for p in (A, B, DISPATCHER)}
    duty = on_duty({OWN_COORDINATORS: [DISPATCHER, A], OTHER_COORDINATORS: [B, REQUESTER]}, **people)
    callout = ring([LAST], duty)
    if reached:
        # Whose device has it, and who does nothing, is waited for twice: from the third round on others ring too.
        answer(callout, DISPATCHER, "reached", START)
        assert advance(callout, duty, later(minutes=2)) == []
        assert advance(callout, duty, later(minutes=4)) == [A]
        answer(callout, A, "reached", later(minutes=4))
        assert advance(callout, duty, later(minutes=6)) == [B]
    else:
        for seconds, rings in ((30, [A]), (60, [B]), (90, [])):
            now = later(seconds=seconds)
            assert callout.next_due_at == now
            callout.note_undelivered(now)
            assert advance(callout, duty, now) == rings
        assert callout.next_due_at == later(seconds=210)
    assert rung(callout) == [DISPATCHER, A, B]
    assert {o.role for o in callout.offers} == {COORDINATOR}
    callout.reconcile(duty, now=later(minutes=7), never=REQUESTER)
    assert rung(callout) == [DISPATCHER, A, B], "nobody's duty has ended"


@pytest.mark.parametrize("reason", ["hand_over", "shift_end", BY_TELEPHONE])
def test_for_a_case_that_is_held_or_only_to_be_confirmed_one_coordinator_is_enough(reason: str) -> None:
    duty = on_duty({OWN_COORDINATORS: [DISPATCHER, A]})
    callout = ring([LAST], duty, reason=reason)
    callout.policy = callout.policy | {"id": None}
    callout.note_undelivered(later(seconds=30))
    for days in range(1, 5):
        assert callout.advance(duty, now=later(days=days), never=REQUESTER) == []


def test_the_time_runs_from_when_a_step_really_began() -> None:
    duty = on_duty({"primary": [A], "backup": [B], "leadership": [C]})
    steps = [{"who": [r], "timeout_s": 60} for r in ("primary", "backup", "leadership")]
    callout = ring([*steps, LAST], duty)
    advance(callout, duty, later(hours=5))
    assert callout.step == 1
    assert rung(callout) == [A, B]
    assert callout.step_due_at == later(hours=5, minutes=1)


def test_why_it_opened_stays_and_why_it_ended_is_beside_it() -> None:
    case = a_case()
    callout = ring([{"who": ["primary"], "timeout_s": 60}, LAST], on_duty({"primary": [A]}), case)
    case.cancel(reason="Bấm nhầm", now=later(seconds=9))
    assert (callout.reason, callout.ended_reason) == ("request", "cancelled")


# --- the routine clock --------------------------------------------------------------------------------------------

FRIDAY_16H = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)  # 16:00 in Vietnam


@pytest.mark.parametrize(
    ("works", "ends"),
    [
        ({}, (2026, 11, 30, 8)),  # an hour on Friday, the second on Monday from 07:00
        ({"2026-11-30": False}, (2026, 12, 1, 8)),  # Monday is a holiday
        ({"2026-11-28": True}, (2026, 11, 28, 8)),  # that Saturday is worked instead
        ({"2026-11-27": False, "2026-11-30": False}, (2026, 12, 1, 9)),
    ],
)
def test_working_hours_leave_out_weekends_and_holidays(works: dict[str, bool], ends: tuple[int, ...]) -> None:
    year, month, day, hour = ends
    until = after_working_time(FRIDAY_16H, timedelta(hours=2), works)
    local = until + timedelta(hours=7)
    assert (local.date(), local.hour) == (date(year, month, day), hour)


def test_the_holidays_frozen_with_the_policy_move_the_step() -> None:
    duty = on_duty({"primary": [A]})
    step = {"who": ["primary"], "timeout_s": 2 * 3600, "clock": "working_hours"}
    case = a_case(Urgency.GREEN)
    callout = ring([step, LAST], duty, case)
    before = callout.step_due_at
    day = (before + timedelta(hours=7)).date().isoformat()
    callout.policy = callout.policy | {"holidays": {day: False}}
    callout.step = -1
    callout.offers.clear()
    callout.advance(duty, now=START, never=REQUESTER)
    assert callout.step_due_at == before + timedelta(days=1)


# --- duty that changes while it rings -----------------------------------------------------------------------------


def shift_change(steps: list[dict], before: dict, after: dict) -> tuple[Callout, list[UUID], list[UUID]]:
    callout = ring(steps, on_duty(before))
    due = callout.step_due_at
    made, taken_back = callout.reconcile(on_duty(after), now=later(seconds=20), never=REQUESTER)
    assert callout.step_due_at == due, "a change of duty moves no timer"
    return callout, [o.doctor_id for o in made], [o.doctor_id for o in taken_back]


PRIMARY = [{"who": ["primary"], "timeout_s": 300}, {"who": ["backup"], "timeout_s": 300}, LAST]


def test_a_newcomer_in_a_step_already_reached_is_rung_at_once_and_the_leaver_rings_on() -> None:
    callout, made, taken_back = shift_change(PRIMARY, {"primary": [A]}, {"primary": [B]})
    assert made == [B]
    assert taken_back == []
    assert rung(callout) == [A, B]


def test_the_leaver_is_let_go_once_a_successors_device_has_the_offer() -> None:
    callout, _, _ = shift_change(PRIMARY, {"primary": [A]}, {"primary": [B]})
    assert callout.release_leavers(now=later(seconds=21)) == []
    answer(callout, B, "reached", later(seconds=22))
    [gone] = callout.release_leavers(now=later(seconds=22))
    assert (gone.doctor_id, gone.state, gone.reason) == (A, OfferState.WITHDRAWN, "off_duty")
    assert rung(callout) == [B]


def test_whoever_leaves_a_gap_rings_on() -> None:
    callout, made, taken_back = shift_change(PRIMARY, {"primary": [A]}, {"primary": []})
    assert (made, taken_back) == ([], [])
    assert rung(callout) == [A]


def test_a_colleague_who_stays_and_was_reached_lets_the_leaver_go_at_once() -> None:
    callout = ring(PRIMARY, on_duty({"primary": [A, B]}))
    answer(callout, B, "reached", START)
    _, taken_back = callout.reconcile(on_duty({"primary": [B]}), now=later(seconds=20), never=REQUESTER)
    assert [o.doctor_id for o in taken_back] == [A]


def test_a_successor_who_declined_lets_nobody_go() -> None:
    callout, _, _ = shift_change(PRIMARY, {"primary": [A]}, {"primary": [B]})
    answer(callout, B, "reached", later(seconds=22))
    answer(callout, B, "declines", later(seconds=23))
    assert callout.release_leavers(now=later(seconds=23)) == []


def test_whoever_comes_back_on_duty_is_a_leaver_no_more() -> None:
    callout, _, _ = shift_change(PRIMARY, {"primary": [A]}, {"primary": [B]})
    callout.reconcile(on_duty({"primary": [A, B]}), now=later(seconds=25), never=REQUESTER)
    answer(callout, B, "reached", later(seconds=26))
    assert callout.release_leavers(now=later(seconds=26)) == []


def test_a_newcomer_in_a_step_not_reached_waits_for_it() -> None:
    _, made, _ = shift_change(PRIMARY, {"primary": [A], "backup": [B]}, {"primary": [A], "backup": [C]})
    assert made == []


def test_in_turns_a_newcomer_takes_over_from_a_leaver_and_otherwise_waits_for_the_turn() -> None:
    turns = [{"who": ["primary"], "timeout_s": 300, "mode": "one_by_one"}, LAST]
    _, made, _ = shift_change(turns, {"primary": [A, B]}, {"primary": [A, B, C]})
    assert made == []
    _, made, _ = shift_change(turns, {"primary": [A]}, {"primary": [B, C]})
    assert made == [B]


def test_looking_twice_rings_nobody_twice() -> None:
    callout, _, _ = shift_change(PRIMARY, {"primary": [A]}, {"primary": [B]})
    made, taken_back = callout.reconcile(on_duty({"primary": [B]}), now=later(seconds=21), never=REQUESTER)
    assert (made, taken_back) == ([], [])


def test_the_next_change_of_duty_is_a_due_time_of_its_own() -> None:
    callout = ring(PRIMARY, on_duty({"primary": [A]}))
    answer(callout, A, "reached", START)
    assert callout.look_at(callout.preview, later(seconds=100), {"x": 1})
    assert callout.next_due_at == later(seconds=100)
    assert not callout.look_at(callout.preview, later(seconds=100), {"x": 1})


# --- capacity -----------------------------------------------------------------------------------------------------


def without_room(who: UUID) -> Candidate:
    return Candidate(who, f"BS {who.int}", "primary", capacity=1, full=True, crowded=True)


def test_a_doctor_without_room_is_passed_over_and_remembered() -> None:
    duty = on_duty({"primary": [A, B]}, a=without_room(A))
    callout = ring(PRIMARY, duty)
    assert rung(callout) == [B]
    assert callout.passed_over == [str(A)]


def test_with_nobody_who_has_room_the_coordinator_is_rung() -> None:
    callout = ring([PRIMARY[0], LAST], on_duty({"primary": [A]}, a=without_room(A)))
    assert rung(callout) == [DISPATCHER]


def test_a_coordinator_is_never_passed_over() -> None:
    full = Candidate(DISPATCHER, "ĐP", COORDINATOR, capacity=0, full=True, crowded=True)
    assert rung(ring([LAST], on_duty({COORDINATOR: [DISPATCHER]}, d=full))) == [DISPATCHER]


@pytest.mark.parametrize(("crowded", "made"), [(False, [A]), (True, [])])
def test_who_was_passed_over_is_rung_when_there_is_room_for_what_rings_already_too(
    crowded: bool,  # noqa: FBT001
    made: list[UUID],
) -> None:
    callout = ring(PRIMARY, on_duty({"primary": [A, B]}, a=without_room(A)))
    free = Candidate(A, "BS 1", "primary", capacity=1, full=False, crowded=crowded)
    found, _ = callout.reconcile(on_duty({"primary": [A, B]}, a=free), now=later(minutes=1), never=REQUESTER)
    assert [o.doctor_id for o in found] == made
    assert callout.passed_over == ([] if made else [str(A)])


def test_who_goes_off_duty_waits_no_longer() -> None:
    callout = ring(PRIMARY, on_duty({"primary": [A, B]}, a=without_room(A)))
    callout.reconcile(on_duty({"primary": [B]}), now=later(minutes=1), never=REQUESTER)
    assert callout.passed_over == []


# --- a second specialty -------------------------------------------------------------------------------------------


def two_specialties(*, held: bool) -> tuple[Consultation, Callout, Callout]:
    case = a_case()
    first = ring(PRIMARY, on_duty({"primary": [A]}), case)
    second = ring(PRIMARY, on_duty({"primary": [B]}), case, reason=SECOND_SPECIALTY)
    if held:
        case.accept(by=person(A), now=later(seconds=5), on_duty_at=[])
    return case, first, second


def test_accepting_the_case_leaves_the_second_specialty_ringing() -> None:
    case, first, second = two_specialties(held=True)
    assert (case.holder_id, first.state) == (A, CalloutState.ACCEPTED)
    assert second.ringing
    assert rung(second) == [B]


@pytest.mark.parametrize("held", [True, False])
def test_accepting_a_second_specialty_takes_the_case_from_nobody_and_ends_nothing_else(*, held: bool) -> None:
    case, first, second = two_specialties(held=held)
    done = case.accept(by=person(B), now=later(seconds=9), on_duty_at=[])
    assert (done.callout, done.ended, done.handed_over_from) == (second, [], None)
    assert case.holder_id == (A if held else None)
    assert case.status == (Status.ACTIVE if held else Status.RINGING)
    assert first.ringing is not held
    part = case.participant(B)
    assert part is not None
    assert part.role == "consultant"
    assert case.held_through is first


def test_a_doctor_rung_for_both_takes_the_case_first() -> None:
    case = a_case()
    second = ring(PRIMARY, on_duty({"primary": [A]}), case, reason=SECOND_SPECIALTY)
    first = ring(PRIMARY, on_duty({"primary": [A]}), case)
    case.accept(by=person(A), now=START, on_duty_at=[])
    assert case.holder_id == A
    assert first.state == CalloutState.ACCEPTED
    assert second.ringing
    case.accept(by=person(A), now=later(seconds=1), on_duty_at=[])
    part = case.participant(A)
    assert part is not None
    assert part.role == "assigned"


def test_a_second_specialty_rings_its_coordinator_until_somebody_takes_it_though_the_case_is_held() -> None:
    case, _, second = two_specialties(held=True)
    assert case.needs_somebody(second)


def test_what_ends_the_case_ends_the_second_specialty() -> None:
    case, _, second = two_specialties(held=True)
    case.conclude(now=later(minutes=9))
    assert (second.state, second.ended_reason) == (CalloutState.ENDED, "concluded")
