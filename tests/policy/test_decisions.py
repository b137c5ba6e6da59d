"""Every decision that the house can make, held against the tables: all roles, relations, states and actions."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import get_args
from uuid import UUID, uuid4

import pytest

from app.models.consultation import Status
from app.models.user import Role
from app.policy import (
    Action,
    CaseFacts,
    DutyAction,
    Relation,
    Standing,
    Verdict,
    decide,
    decide_duty,
    is_coordinators,
    readable_stream,
    standings_to,
)
from app.realtime import protocol
from app.work import Subject
from tests.policy import tables
from tests.policy.doors import application, doors

CASE_ROWS = list(tables.case_rows())
PLAIN_ROWS = tables.plain_rows()
DUTY_ROWS = tables.duty_rows()


def somebody(role: str, hospital: UUID | None = None) -> Subject:
    return Subject(uuid4(), "Một tài khoản", role, hospital_id=hospital)


def expected(row: tables.CaseRow, role: str, relations: frozenset[str], state: str) -> Verdict:
    """Read one cell of the table."""
    if not relations:
        return Verdict.UNSEEN
    if role in row.roles and relations & row.relations:
        return Verdict.ALLOW if state in row.states else Verdict.WRONG_STATE
    return Verdict.UNSEEN if row.action in tables.HIDDEN else Verdict.DENY


# --- nothing is left out ----------------------------------------------------------------------------------------


def test_every_role_relation_state_and_action_stands_in_the_tables() -> None:
    assert set(tables.ROLE_LETTERS.values()) == set(Role)
    assert set(tables.RELATIONS.values()) == set(Relation)
    assert set(tables.STATES.values()) == set(Status)
    actions = [row.action for row in CASE_ROWS] + list(PLAIN_ROWS)
    assert sorted(actions) == sorted(Action)


def test_every_route_stands_in_the_table() -> None:
    found = list(doors(application().routes))
    assert len(found) == len(set(found))
    assert set(found) == set(tables.routes())


def test_every_route_asks_for_an_action_that_exists() -> None:
    known = {*Action, *DutyAction, "nobody", "by_secret", "signature", *tables.OWN}
    assert set(tables.routes().values()) <= known


def test_every_message_on_the_stream_stands_in_the_table() -> None:
    listed = [line.split()[0] for line in tables.STREAM_MESSAGES.strip().splitlines()]
    assert sorted(listed) == sorted(message.__name__ for message in get_args(protocol.Message))


def test_every_kind_of_stream_stands_in_the_table() -> None:
    listed = {row[0] for row in tables.rows(tables.KINDS_OF_STREAM)[1:]}
    assert listed | {"consultation"} == set(protocol.KINDS)


# --- every cell -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", CASE_ROWS, ids=lambda row: row.action)
def test_each_relation_alone_allows_what_the_table_says(row: tables.CaseRow) -> None:
    for role in Role:
        for relation in [None, *tables.RELATIONS.values()]:
            for state in Status:
                relations = frozenset({relation} if relation else ())
                facts = CaseFacts(state, frozenset(Relation(r) for r in relations))
                decided = decide(somebody(role), Action(row.action), facts)
                assert decided is expected(row, role, relations, state), (role, relation, state)


@pytest.mark.parametrize("row", CASE_ROWS, ids=lambda row: row.action)
def test_two_relations_together_allow_what_either_allows_and_no_more(row: tables.CaseRow) -> None:
    for role in Role:
        for pair in combinations(tables.RELATIONS.values(), 2):
            for state in Status:
                facts = CaseFacts(state, frozenset(Relation(r) for r in pair))
                decided = decide(somebody(role), Action(row.action), facts)
                assert decided is expected(row, role, frozenset(pair), state), (role, pair, state)


@pytest.mark.parametrize("row", CASE_ROWS, ids=lambda row: row.action)
def test_without_a_case_nothing_about_a_case_is_allowed(row: tables.CaseRow) -> None:
    for role in Role:
        assert decide(somebody(role), Action(row.action)) is Verdict.UNSEEN


@pytest.mark.parametrize("action", PLAIN_ROWS)
def test_what_is_not_about_a_case_depends_on_the_role_alone(action: str) -> None:
    for role in Role:
        verdict = Verdict.ALLOW if role in PLAIN_ROWS[action] else Verdict.DENY
        assert decide(somebody(role), Action(action)) is verdict, role


def test_every_action_about_duty_and_every_standing_stands_in_the_table() -> None:
    assert set(DUTY_ROWS) == set(DutyAction)
    assert set(tables.STANDINGS.values()) == set(Standing)


@pytest.mark.parametrize("action", DutyAction)
def test_what_is_about_duty_depends_on_how_one_stands_to_it(action: DutyAction) -> None:
    assert decide_duty(action, ()) is Verdict.UNSEEN
    for one, other in combinations(Standing, 2):
        for standings in ((one,), (other,), (one, other)):
            allowed = bool(DUTY_ROWS[action] & set(standings))
            assert decide_duty(action, standings) is (Verdict.ALLOW if allowed else Verdict.DENY), standings


def test_nobody_stands_in_any_relation_to_a_rota_of_another_hospital() -> None:
    for role in Role:
        for hospital in (None, uuid4()):
            assert standings_to(somebody(role, hospital), [uuid4()], head=uuid4(), doctor=uuid4()) == frozenset()


def test_whoever_heads_a_rota_does_so_only_while_they_work_at_its_hospital() -> None:
    hospital = uuid4()
    head = somebody("specialist", hospital)
    assert Standing.HEAD in standings_to(head, [hospital], head=head.id)
    assert standings_to(head, [uuid4()], head=head.id) == frozenset()
    nowhere = somebody("specialist", None)
    assert standings_to(nowhere, [uuid4()], head=nowhere.id) == frozenset()


@pytest.mark.parametrize(
    ("begins", "ends", "by_coordinator", "theirs"),
    [
        (0, 9600, False, True),  # what begins within a day is a coordinator's, ONCALL.md says, however long it is
        (24, 9600, False, True),
        (24.1, 25, False, False),
        (24.1, 25, True, False),
        (-1, 24, False, True),  # what has begun, for as long as this night goes
        (-9600, 24, False, True),
        (-1, 24.1, False, False),
        (-1, 24.1, True, True),
        (-9600, 9600, False, False),
        (-9600, 9600, True, True),
    ],
)
def test_which_override_is_a_coordinators_to_replace(
    *, begins: float, ends: float, by_coordinator: bool, theirs: bool
) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    start, end = now + timedelta(hours=begins), now + timedelta(hours=ends)
    assert is_coordinators(now, start, end, by_coordinator=by_coordinator) is theirs


def test_at_ones_own_hospital_the_role_decides() -> None:
    hospital = uuid4()
    found = {role: standings_to(somebody(role, hospital), [hospital], departments=True) for role in Role}
    assert found == {
        Role.REQUESTER: frozenset(),
        Role.SPECIALIST: {Standing.STAFF, Standing.ON_ROTA},
        Role.COORDINATOR: {Standing.COORDINATOR, Standing.ON_ROTA},
        Role.ADMIN: {Standing.ADMIN},
        Role.OPERATOR: {Standing.OPERATOR},
        Role.INTEGRATOR: frozenset(),
    }
    assert standings_to(somebody("specialist", hospital), [hospital], specialty="K04") == {Standing.STAFF}


def test_an_unknown_role_may_do_nothing() -> None:
    everything = CaseFacts(Status.ACTIVE, frozenset(Relation))
    for action in Action:
        assert decide(somebody("auditor"), action, everything) is not Verdict.ALLOW


def test_an_unknown_action_is_refused() -> None:
    for role in Role:
        assert decide(somebody(role), "export_everything", None) is Verdict.DENY


def test_each_kind_of_stream_is_heard_by_whom_the_table_says() -> None:
    for kind, whose, letters in tables.rows(tables.KINDS_OF_STREAM)[1:]:
        for role in Role:
            subject = somebody(role, hospital=uuid4())
            own = subject.id if kind == "user" else subject.hospital_id
            name = f"{kind}:{own if whose == 'own' else uuid4()}"
            assert readable_stream(subject, name) is (role in tables.roles_of(letters)), (kind, whose, role)


def test_a_stream_of_no_kind_is_readable_by_nobody() -> None:
    for role in Role:
        for name in ("", "user", "user:", "hospital:None", f"ward:{uuid4()}", "*", "user:*"):
            assert readable_stream(somebody(role), name) is False


def test_whether_a_cases_stream_may_be_heard_is_for_its_facts_to_say() -> None:
    assert readable_stream(somebody("coordinator"), f"consultation:{uuid4()}") is None
