"""All authorisation. Allow = role ∧ tenant or share ∧ relation to the case ∧ state ∧ class of field; default deny.

`decide` is pure: it sees who asks, what they want and the facts of the case, and touches no database. `visible_*`
are the same rules as a query. A foreign case and an absent one get the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, false, or_, select

from app.errors import Forbidden, NotFound, Problem, WrongState
from app.models.callout import Callout, CalloutState, Offer, OfferState
from app.models.consultation import LIVE, OPEN, Consultation, Status
from app.models.discussion import Participant
from app.models.user import ANSWERING, MAY_HEAD, Role
from app.work import Subject

if TYPE_CHECKING:
    from app.work import Work


class Action(StrEnum):
    """Everything that can be asked of the house."""

    ASK = "ask"
    ENTER_TELEPHONE_CASE = "enter_telephone_case"
    SEE_HEADER = "see_header"
    READ_CARD = "read_card"
    READ = "read"
    READ_HISTORY = "read_history"
    UPDATE = "update"
    RECORD_VITALS = "record_vitals"
    POST_MESSAGE = "post_message"
    GIVE_OPINION = "give_opinion"
    READ_BACK = "read_back"
    RAISE_URGENCY = "raise_urgency"
    CANCEL = "cancel"
    ACCEPT = "accept"
    DECLINE = "decline"
    FORWARD = "forward"
    ATTEND = "attend"
    STAND_DOWN = "stand_down"
    ASSIGN = "assign"
    INVITE = "invite"
    HAND_OVER = "hand_over"
    JUMP = "jump"
    RE_ROUTE = "re_route"
    ASK_SPECIALTY = "ask_specialty"
    CONCLUDE = "conclude"
    REPORT_OUTCOME = "report_outcome"
    RECORD_CALL = "record_call"
    CONFIRM_CALL = "confirm_call"
    NAME_WARD_OWNER = "name_ward_owner"
    MAKE_REAL = "make_real"
    SEE_OWN_CASES = "see_own_cases"
    ACKNOWLEDGE_OFFER = "acknowledge_offer"
    SEE_NETWORK = "see_network"
    SEE_DUTY = "see_duty"
    SEE_LADDER = "see_ladder"
    SEE_WAITING = "see_waiting"
    READ_BOARD = "read_board"
    READ_OWN_STREAM = "read_own_stream"
    MANAGE_OWN_ACCOUNT = "manage_own_account"


class Relation(StrEnum):
    """How somebody stands to one case."""

    REQUESTER = "requester"
    COLLEAGUE = "colleague"
    SAME_HOSPITAL = "same_hospital"
    OFFERED = "offered"
    FORMERLY_OFFERED = "formerly_offered"
    HOLDER = "holder"
    TEAM = "team"
    INVITED = "invited"
    FORMER = "former"
    ON_DUTY = "on_duty"
    COORDINATOR_ASKING = "coordinator_asking"
    COORDINATOR_ANSWERING = "coordinator_answering"
    INTEGRATOR = "integrator"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What `decide` needs to know of a case."""

    status: str
    relations: frozenset[Relation]
    ringing: bool = False


_REQUESTING = frozenset({Relation.REQUESTER, Relation.COLLEAGUE})
_COORDINATORS = frozenset({Relation.COORDINATOR_ASKING, Relation.COORDINATOR_ANSWERING})
_CONSULTING = frozenset({Relation.HOLDER, Relation.TEAM, Relation.INVITED})
_MEMBERS = _REQUESTING | _CONSULTING
_READERS = _MEMBERS | {Relation.FORMER, Relation.INTEGRATOR} | _COORDINATORS
_CARD = _READERS | {Relation.OFFERED}
_HEADER = _CARD | {Relation.ON_DUTY, Relation.FORMERLY_OFFERED, Relation.SAME_HOSPITAL}

ANY_STATE = frozenset(Status)
OPEN_STATES = frozenset(OPEN)
LIVE_STATES = frozenset(LIVE)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do it, in which relation, in which states. An empty set of relations means: not about one case."""

    roles: frozenset[Role]
    relations: frozenset[Relation] = frozenset()
    states: frozenset[Status] = ANY_STATE


_EVERYBODY = frozenset(Role)
_DOCTORS = frozenset({Role.REQUESTER, Role.SPECIALIST, Role.COORDINATOR})

RULES: Mapping[Action, Rule] = {
    Action.ASK: Rule(frozenset({Role.REQUESTER})),
    Action.ENTER_TELEPHONE_CASE: Rule(frozenset({Role.REQUESTER})),
    Action.SEE_HEADER: Rule(_DOCTORS | {Role.INTEGRATOR}, _HEADER),
    Action.READ_CARD: Rule(_DOCTORS | {Role.INTEGRATOR}, _CARD),
    Action.READ: Rule(_DOCTORS | {Role.INTEGRATOR}, _READERS),
    Action.READ_HISTORY: Rule(_DOCTORS, _READERS - {Relation.INTEGRATOR}),
    Action.UPDATE: Rule(frozenset({Role.REQUESTER}), _REQUESTING, OPEN_STATES),
    Action.RECORD_VITALS: Rule(frozenset({Role.REQUESTER}), _REQUESTING, LIVE_STATES),
    Action.POST_MESSAGE: Rule(_DOCTORS, _MEMBERS | _COORDINATORS, LIVE_STATES),
    Action.GIVE_OPINION: Rule(ANSWERING, _CONSULTING, LIVE_STATES),
    Action.READ_BACK: Rule(frozenset({Role.REQUESTER}), _REQUESTING, LIVE_STATES),
    Action.RAISE_URGENCY: Rule(_DOCTORS, _REQUESTING | {Relation.HOLDER} | _COORDINATORS, OPEN_STATES),
    Action.CANCEL: Rule(frozenset({Role.REQUESTER}), _REQUESTING, OPEN_STATES),
    Action.ACCEPT: Rule(
        ANSWERING, frozenset({Relation.OFFERED, Relation.FORMERLY_OFFERED, Relation.ON_DUTY, Relation.HOLDER})
    ),
    Action.DECLINE: Rule(ANSWERING, frozenset({Relation.OFFERED, Relation.FORMERLY_OFFERED})),
    Action.FORWARD: Rule(ANSWERING, frozenset({Relation.OFFERED, Relation.HOLDER}), OPEN_STATES),
    Action.ATTEND: Rule(
        ANSWERING, frozenset({Relation.OFFERED, Relation.TEAM, Relation.FORMERLY_OFFERED}), OPEN_STATES
    ),
    Action.STAND_DOWN: Rule(ANSWERING, frozenset({Relation.HOLDER}), OPEN_STATES),
    Action.ASSIGN: Rule(frozenset({Role.COORDINATOR}), _COORDINATORS, OPEN_STATES),
    Action.INVITE: Rule(_DOCTORS, _REQUESTING | {Relation.HOLDER} | _COORDINATORS, LIVE_STATES),
    Action.HAND_OVER: Rule(ANSWERING, frozenset({Relation.HOLDER}), OPEN_STATES),
    Action.JUMP: Rule(frozenset({Role.COORDINATOR}), _COORDINATORS, OPEN_STATES),
    Action.RE_ROUTE: Rule(_DOCTORS, _REQUESTING | {Relation.HOLDER} | _COORDINATORS, OPEN_STATES),
    Action.ASK_SPECIALTY: Rule(_DOCTORS, _REQUESTING | {Relation.HOLDER} | _COORDINATORS, OPEN_STATES),
    Action.CONCLUDE: Rule(ANSWERING, frozenset({Relation.HOLDER}), LIVE_STATES),
    Action.REPORT_OUTCOME: Rule(frozenset({Role.REQUESTER}), _REQUESTING, frozenset({Status.CONCLUDED})),
    Action.RECORD_CALL: Rule(_DOCTORS, _MEMBERS, LIVE_STATES),
    Action.CONFIRM_CALL: Rule(_DOCTORS, _MEMBERS, LIVE_STATES),
    Action.NAME_WARD_OWNER: Rule(frozenset({Role.REQUESTER}), _REQUESTING, LIVE_STATES),
    Action.MAKE_REAL: Rule(frozenset({Role.REQUESTER}), _REQUESTING, OPEN_STATES),
    Action.SEE_OWN_CASES: Rule(ANSWERING),
    Action.ACKNOWLEDGE_OFFER: Rule(ANSWERING, frozenset({Relation.OFFERED})),
    Action.SEE_NETWORK: Rule(_EVERYBODY),
    Action.SEE_DUTY: Rule(_EVERYBODY),
    Action.SEE_LADDER: Rule(_EVERYBODY),
    Action.SEE_WAITING: Rule(ANSWERING),
    Action.READ_BOARD: Rule(frozenset({Role.COORDINATOR})),
    Action.READ_OWN_STREAM: Rule(_EVERYBODY - {Role.INTEGRATOR}),
    Action.MANAGE_OWN_ACCOUNT: Rule(_EVERYBODY),
}


class Verdict(StrEnum):
    """Yes; no; no, and you may not even know that it exists; or: it is yours to do, but not in this state."""

    ALLOW = "allow"
    DENY = "deny"
    UNSEEN = "unseen"
    WRONG_STATE = "wrong_state"


def decide(subject: Subject, action: Action, case: CaseFacts | None = None) -> Verdict:
    """May this subject do this (to this case)? Unknown is no."""
    rule = RULES.get(action)
    if rule is None:
        return Verdict.DENY
    if not rule.relations:
        return Verdict.ALLOW if subject.role in rule.roles else Verdict.DENY
    if case is None or not (case.relations & _HEADER):
        return Verdict.UNSEEN
    if subject.role not in rule.roles or not (case.relations & rule.relations):
        return Verdict.DENY if action not in _READS else Verdict.UNSEEN
    if case.status not in rule.states:
        return Verdict.WRONG_STATE
    return Verdict.ALLOW


_READS = frozenset({Action.SEE_HEADER, Action.READ_CARD, Action.READ, Action.READ_HISTORY})


def facts_of(case: Consultation, subject: Subject, on_duty_at: Collection[UUID]) -> CaseFacts:
    """Work out how the subject stands to the case, from its own rows and the desks the subject is on duty at now."""
    return CaseFacts(case.status, frozenset(_relations(case, subject, on_duty_at)), bool(case.ringing_callouts))


def _relations(case: Consultation, subject: Subject, on_duty_at: Collection[UUID]) -> Iterator[Relation]:
    yield from _relations_of_role(case, subject)
    for offer in case.offers_to(subject.id):
        yield Relation.OFFERED if offer.state == OfferState.MADE else Relation.FORMERLY_OFFERED
    part = case.participant(subject.id)
    if part is not None:
        yield from _relations_of_part(case, part, subject)
    if case.holder_id == subject.id and case.status != Status.CANCELLED:
        yield Relation.HOLDER
    if any(c.desk_id in on_duty_at for c in case.callouts):
        yield Relation.ON_DUTY


def _relations_of_role(case: Consultation, subject: Subject) -> Iterator[Relation]:
    own_hospital = subject.hospital_id is not None and subject.hospital_id == case.hospital_id
    if subject.role == Role.REQUESTER and own_hospital:
        if case.requester_id == subject.id:
            yield Relation.REQUESTER
        elif case.ward_id is not None and case.ward_id == subject.ward_id:
            yield Relation.COLLEAGUE
        else:
            yield Relation.SAME_HOSPITAL
    elif subject.role == Role.INTEGRATOR and own_hospital:
        yield Relation.INTEGRATOR
    elif subject.role == Role.COORDINATOR:
        if own_hospital:
            yield Relation.COORDINATOR_ASKING
        if any(c.hospital_id == subject.hospital_id for c in case.callouts):
            yield Relation.COORDINATOR_ANSWERING


def _relations_of_part(case: Consultation, part: Participant, subject: Subject) -> Iterator[Relation]:
    asks = subject.role == Role.REQUESTER and subject.hospital_id == case.hospital_id
    if part.left_at is not None:
        yield Relation.FORMER
    elif part.role == "requester":
        yield Relation.REQUESTER if asks else Relation.FORMER
    elif part.role == "colleague":
        yield Relation.COLLEAGUE if asks else Relation.INVITED
    else:
        yield _PARTS.get(part.role, Relation.FORMER)


_PARTS = {
    "assigned": Relation.HOLDER,
    "team": Relation.TEAM,
    "invited": Relation.INVITED,
    "consultant": Relation.INVITED,
    "former": Relation.FORMER,
}


def allow(
    work: Work, action: Action, case: Consultation | None = None, on_duty_at: Collection[UUID] = ()
) -> CaseFacts | None:
    """Let the actor of this work go on, or raise NotFound, Forbidden or WrongState."""
    facts = facts_of(case, work.subject, on_duty_at) if case is not None else None
    verdict = decide(work.subject, action, facts)
    if verdict is Verdict.ALLOW:
        return facts
    problem: Problem
    if verdict is Verdict.UNSEEN:
        problem = NotFound()
    elif verdict is Verdict.WRONG_STATE:
        problem = WrongState(status=case.status if case else "")
    else:
        problem = Forbidden()
    raise problem


def view_of(subject: Subject, facts: CaseFacts) -> str | None:
    """Return the widest view the subject may have of the case: full, card, header, or None."""
    for action, view in ((Action.READ, "full"), (Action.READ_CARD, "card"), (Action.SEE_HEADER, "header")):
        if decide(subject, action, facts) is Verdict.ALLOW:
            return view
    return None


def reads_until(subject: Subject, case: Consultation, facts: CaseFacts | None) -> datetime | None:
    """When did somebody who was taken out of the case leave it? They read what they took part in and nothing later.

    None for everybody who may read on: who takes part, or stands to the case in another way that lets them read it.
    """
    part = case.participant(subject.id)
    if part is None or part.left_at is None or (facts and facts.relations & (_READERS - {Relation.FORMER})):
        return None
    return part.left_at


def hears(subject: Subject, case: Consultation) -> bool:
    """Whether the subject hears what is said in the case from now on: reads all of it, and was not taken out of it."""
    facts = facts_of(case, subject, ())
    return view_of(subject, facts) == "full" and reads_until(subject, case, facts) is None


def may(subject: Subject, facts: CaseFacts) -> list[str]:
    """Return what the subject may do to the case now, for the client to offer."""
    return [a.value for a in _OFFERABLE if decide(subject, a, facts) is Verdict.ALLOW]


_OFFERABLE = (
    Action.UPDATE,
    Action.RECORD_VITALS,
    Action.POST_MESSAGE,
    Action.GIVE_OPINION,
    Action.READ_BACK,
    Action.RAISE_URGENCY,
    Action.CANCEL,
    Action.FORWARD,
    Action.STAND_DOWN,
    Action.ASSIGN,
    Action.INVITE,
    Action.HAND_OVER,
    Action.JUMP,
    Action.RE_ROUTE,
    Action.ASK_SPECIALTY,
    Action.CONCLUDE,
    Action.REPORT_OUTCOME,
    Action.RECORD_CALL,
    Action.CONFIRM_CALL,
    Action.NAME_WARD_OWNER,
    Action.MAKE_REAL,
)


def sees_ladder(subject: Subject, asking: UUID, answering: Collection[UUID]) -> bool:
    """Whether the subject may see who would be rung when `asking` asks desks of the hospitals `answering`.

    Everybody for their own hospital; the answering side also for whoever may ask its desks; operators for all.
    """
    if subject.role == Role.OPERATOR or subject.hospital_id == asking:
        return True
    if subject.role in (Role.REQUESTER, Role.INTEGRATOR) or subject.hospital_id is None:
        return False
    return subject.hospital_id in answering


class DutyAction(StrEnum):
    """Everything that can be asked about duty: rotas, leave, swaps, policies, agreements, feeds."""

    READ_ROTA = "read_rota"
    PUBLISH_ROTA = "publish_rota"
    SET_ROTA = "set_rota"
    SET_HOLIDAYS = "set_holidays"
    OVERRIDE_SOON = "override_soon"
    IMPORT_ROTA = "import_rota"
    ASK_LEAVE = "ask_leave"
    DECIDE_LEAVE = "decide_leave"
    OFFER_SWAP = "offer_swap"
    TAKE_SWAP = "take_swap"
    ANSWER_CHECK = "answer_check"
    SEE_GAPS = "see_gaps"
    SET_POLICY = "set_policy"
    SET_CAPACITY = "set_capacity"
    SEE_AGREEMENT = "see_agreement"
    SET_AGREEMENT = "set_agreement"
    MAKE_OWN_FEED = "make_own_feed"
    MAKE_ROTA_FEED = "make_rota_feed"


class Standing(StrEnum):
    """How somebody stands to a rota, to a piece of duty, or to a party of an agreement."""

    ADMIN = "admin"
    """Administrator of the hospital."""
    OPERATOR = "operator"
    """Operator of the platform: stands for health departments."""
    HEAD = "head"
    """Responsible for this rota."""
    COORDINATOR = "coordinator"
    """Coordinator of the hospital."""
    STAFF = "staff"
    """Specialist of the hospital."""
    ON_ROTA = "on_rota"
    """May be on duty in this rota: has its specialty at its hospital."""
    SELF = "self"
    """The duty is one's own."""


_EDITORS = frozenset({Standing.ADMIN, Standing.HEAD})
_HOSPITAL = _EDITORS | {Standing.COORDINATOR, Standing.STAFF, Standing.ON_ROTA}

DUTY_RULES: Mapping[DutyAction, frozenset[Standing]] = {
    DutyAction.READ_ROTA: _HOSPITAL,
    DutyAction.PUBLISH_ROTA: _EDITORS,
    DutyAction.SET_ROTA: frozenset({Standing.ADMIN}),
    DutyAction.SET_HOLIDAYS: frozenset({Standing.ADMIN}),
    DutyAction.OVERRIDE_SOON: _EDITORS | {Standing.COORDINATOR},
    DutyAction.IMPORT_ROTA: _EDITORS,
    DutyAction.ASK_LEAVE: frozenset({Standing.SELF}),
    DutyAction.DECIDE_LEAVE: _EDITORS,
    DutyAction.OFFER_SWAP: frozenset({Standing.SELF}),
    DutyAction.TAKE_SWAP: frozenset({Standing.ON_ROTA}),
    DutyAction.ANSWER_CHECK: frozenset({Standing.SELF}),
    DutyAction.SEE_GAPS: _HOSPITAL,
    DutyAction.SET_POLICY: frozenset({Standing.ADMIN}),
    DutyAction.SET_CAPACITY: _EDITORS,
    DutyAction.SEE_AGREEMENT: frozenset({Standing.ADMIN, Standing.OPERATOR, Standing.COORDINATOR}),
    DutyAction.SET_AGREEMENT: frozenset({Standing.ADMIN, Standing.OPERATOR}),
    DutyAction.MAKE_OWN_FEED: frozenset({Standing.SELF}),
    DutyAction.MAKE_ROTA_FEED: _HOSPITAL,
}


def standings_to(
    subject: Subject,
    hospitals: Iterable[UUID | None],
    *,
    head: UUID | None = None,
    specialty: str | None = None,
    doctor: UUID | None = None,
    departments: bool = False,
) -> frozenset[Standing]:
    """Work out how the subject stands to something of these hospitals.

    `head`: who is responsible for the rota, as long as they work at its hospital; `specialty`: of its desk; `doctor`:
    whose duty it is; `departments`: a health department is a party.
    """
    found: set[Standing] = set()
    of = set(hospitals)
    if subject.hospital_id is not None and subject.hospital_id in of:
        if subject.role in _AT_HOSPITAL:
            found.add(_AT_HOSPITAL[subject.role])
        if subject.role in ANSWERING and (specialty is None or specialty in subject.specialties):
            found.add(Standing.ON_ROTA)
    here = not of or (subject.hospital_id is not None and subject.hospital_id in of)
    if head is not None and head == subject.id and here and subject.role in MAY_HEAD:
        found.add(Standing.HEAD)
    if doctor is not None and doctor == subject.id and subject.role in ANSWERING:
        found.add(Standing.SELF)
    if departments and subject.role == Role.OPERATOR:
        found.add(Standing.OPERATOR)
    return frozenset(found)


_AT_HOSPITAL: Mapping[str, Standing] = {
    Role.ADMIN: Standing.ADMIN,
    Role.COORDINATOR: Standing.COORDINATOR,
    Role.SPECIALIST: Standing.STAFF,
}


def decide_duty(action: DutyAction, standings: Collection[Standing]) -> Verdict:
    """May somebody who stands so do this? Who stands in no relation to it does not learn that it exists."""
    if not standings:
        return Verdict.UNSEEN
    return Verdict.ALLOW if DUTY_RULES.get(action, frozenset()) & frozenset(standings) else Verdict.DENY


SOON = timedelta(hours=24)


def is_coordinators(now: datetime, start: datetime, end: datetime, *, by_coordinator: bool) -> bool:
    """Say whether an override that is there is a coordinator's to replace or to delete.

    What begins within 24 h is. What has begun is only where a coordinator made it, or where it ends within 24 h: nobody
    undoes at night what a head settled for weeks; what tonight needs goes on top of it.
    """
    if start > now + SOON:
        return False
    return start >= now or by_coordinator or end <= now + SOON


def allow_duty(action: DutyAction, standings: Collection[Standing]) -> None:
    """Let them go on, or raise NotFound or Forbidden."""
    verdict = decide_duty(action, standings)
    if verdict is Verdict.UNSEEN:
        raise NotFound
    if verdict is not Verdict.ALLOW:
        raise Forbidden


def visible_consultations(subject: Subject, on_duty_at: Collection[UUID] = ()) -> Select[Consultation]:
    """Select the cases whose header the subject may see; the same rules as `decide`."""
    return select(Consultation).where(_visible(subject, on_duty_at))


def _visible(subject: Subject, on_duty_at: Collection[UUID]) -> ColumnElement[bool]:
    takes_part = exists().where(Participant.consultation_id == Consultation.id, Participant.user_id == subject.id)
    if subject.role == Role.REQUESTER:
        return or_(Consultation.hospital_id == subject.hospital_id, takes_part)
    if subject.role == Role.INTEGRATOR:
        return Consultation.hospital_id == subject.hospital_id
    if subject.role not in ANSWERING:
        return false()
    offered = exists().where(Offer.consultation_id == Consultation.id, Offer.doctor_id == subject.id)
    reach: list[ColumnElement[bool]] = [takes_part, offered]
    if on_duty_at:
        reach.append(exists().where(Callout.consultation_id == Consultation.id, Callout.desk_id.in_(tuple(on_duty_at))))
    if subject.role == Role.COORDINATOR and subject.hospital_id is not None:
        reach.append(Consultation.hospital_id == subject.hospital_id)
        reach.append(
            exists().where(Callout.consultation_id == Consultation.id, Callout.hospital_id == subject.hospital_id)
        )
    return or_(*reach)


def readable_stream(subject: Subject, stream: str) -> bool | None:
    """May the subject hear this stream? None: it is a case's, so its facts decide."""
    kind, _, name = stream.partition(":")
    if kind == "user":
        return name == str(subject.id) and decide(subject, Action.READ_OWN_STREAM) is Verdict.ALLOW
    if kind == "hospital":
        own = subject.hospital_id is not None and name == str(subject.hospital_id)
        return own and decide(subject, Action.READ_BOARD) is Verdict.ALLOW
    if kind == "consultation":
        return None
    return False


__all__ = [
    "DUTY_RULES",
    "RULES",
    "Action",
    "CalloutState",
    "CaseFacts",
    "DutyAction",
    "Relation",
    "Rule",
    "Standing",
    "Verdict",
    "allow",
    "allow_duty",
    "decide",
    "decide_duty",
    "facts_of",
    "hears",
    "is_coordinators",
    "may",
    "readable_stream",
    "reads_until",
    "sees_ladder",
    "standings_to",
    "view_of",
    "visible_consultations",
]
