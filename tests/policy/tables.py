"""Who may do what, written down a second time, to be read by people: the tests hold the house to these tables.

Roles: R requesting doctor, S specialist, C coordinator, A hospital administrator, O operator of the platform,
I integrator. A `y` says that this relation (this state) is one in which it may be done; `.` that it is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

ROLE_LETTERS = {
    "R": "requester",
    "S": "specialist",
    "C": "coordinator",
    "A": "admin",
    "O": "operator",
    "I": "integrator",
}

RELATIONS = {
    "rq": "requester",
    "cl": "colleague",
    "ho": "holder",
    "te": "team",
    "in": "invited",
    "fm": "former",
    "of": "offered",
    "fo": "formerly_offered",
    "du": "on_duty",
    "ca": "coordinator_asking",
    "cb": "coordinator_answering",
    "ig": "integrator",
    "sh": "same_hospital",
}
STATES = {"rin": "ringing", "act": "active", "con": "concluded", "clo": "closed", "can": "cancelled"}

# Actions about one case: by whom, in which relation to it, in which state of it.
ABOUT_A_CASE = """
action             roles  rq cl ho te in fm of fo du ca cb ig sh  rin act con clo can
see_header         RSCI   y  y  y  y  y  y  y  y  y  y  y  y  y   y   y   y   y   y
read_card          RSCI   y  y  y  y  y  y  y  .  .  y  y  y  .   y   y   y   y   y
read               RSCI   y  y  y  y  y  y  .  .  .  y  y  y  .   y   y   y   y   y
read_history       RSC    y  y  y  y  y  y  .  .  .  y  y  .  .   y   y   y   y   y
update             R      y  y  .  .  .  .  .  .  .  .  .  .  .   y   y   .   .   .
record_vitals      R      y  y  .  .  .  .  .  .  .  .  .  .  .   y   y   y   .   .
post_message       RSC    y  y  y  y  y  .  .  .  .  y  y  .  .   y   y   y   .   .
give_opinion       SC     .  .  y  y  y  .  .  .  .  .  .  .  .   y   y   y   .   .
read_back          R      y  y  .  .  .  .  .  .  .  .  .  .  .   y   y   y   .   .
raise_urgency      RSC    y  y  y  .  .  .  .  .  .  y  y  .  .   y   y   .   .   .
cancel             R      y  y  .  .  .  .  .  .  .  .  .  .  .   y   y   .   .   .
accept             SC     .  .  y  .  .  .  y  y  y  .  .  .  .   y   y   y   y   y
decline            SC     .  .  .  .  .  .  y  y  .  .  .  .  .   y   y   y   y   y
forward            SC     .  .  y  .  .  .  y  .  .  .  .  .  .   y   y   .   .   .
attend             SC     .  .  .  y  .  .  y  y  .  .  .  .  .   y   y   .   .   .
stand_down         SC     .  .  y  .  .  .  .  .  .  .  .  .  .   y   y   .   .   .
assign             C      .  .  .  .  .  .  .  .  .  y  y  .  .   y   y   .   .   .
invite             RSC    y  y  y  .  .  .  .  .  .  y  y  .  .   y   y   y   .   .
hand_over          SC     .  .  y  .  .  .  .  .  .  .  .  .  .   y   y   .   .   .
jump               C      .  .  .  .  .  .  .  .  .  y  y  .  .   y   y   .   .   .
re_route           RSC    y  y  y  .  .  .  .  .  .  y  y  .  .   y   y   .   .   .
ask_specialty      RSC    y  y  y  .  .  .  .  .  .  y  y  .  .   y   y   .   .   .
conclude           SC     .  .  y  .  .  .  .  .  .  .  .  .  .   y   y   y   .   .
report_outcome     R      y  y  .  .  .  .  .  .  .  .  .  .  .   .   .   y   .   .
record_call        RSC    y  y  y  y  y  .  .  .  .  .  .  .  .   y   y   y   .   .
confirm_call       RSC    y  y  y  y  y  .  .  .  .  .  .  .  .   y   y   y   .   .
name_ward_owner    R      y  y  .  .  .  .  .  .  .  .  .  .  .   y   y   y   .   .
make_real          R      y  y  .  .  .  .  .  .  .  .  .  .  .   y   y   .   .   .
acknowledge_offer  SC     .  .  .  .  .  .  y  .  .  .  .  .  .   y   y   y   y   y
"""

# Actions that are not about one case.
NOT_ABOUT_A_CASE = """
action                roles
ask                   R
enter_telephone_case  R
see_network           RSCAOI
see_duty              RSCAOI
see_ladder            RSCAOI
see_waiting           SC
read_board            C
read_own_stream       RSCAO
manage_own_account    RSCAOI
see_own_cases         SC
"""

# Actions about duty, by how somebody stands to the rota (or to the parties of an agreement).
STANDINGS = {
    "ad": "admin",
    "op": "operator",
    "hd": "head",
    "co": "coordinator",
    "st": "staff",
    "on": "on_rota",
    "se": "self",
}
ABOUT_DUTY = """
action          ad op hd co st on se
read_rota       y  .  y  y  y  y  .
publish_rota    y  .  y  .  .  .  .
set_rota        y  .  .  .  .  .  .
set_holidays    y  .  .  .  .  .  .
override_soon   y  .  y  y  .  .  .
import_rota     y  .  y  .  .  .  .
ask_leave       .  .  .  .  .  .  y
decide_leave    y  .  y  .  .  .  .
offer_swap      .  .  .  .  .  .  y
take_swap       .  .  .  .  .  y  .
answer_check    .  .  .  .  .  .  y
see_gaps        y  .  y  y  y  y  .
set_policy      y  .  .  .  .  .  .
set_capacity    y  .  y  .  .  .  .
see_agreement   y  y  .  y  .  .  .
set_agreement   y  y  .  .  .  .  .
make_own_feed   .  .  .  .  .  .  y
make_rota_feed  y  .  y  y  y  y  .
"""

# Refusing these must not tell that the case exists; refusing anything else may, to whoever sees its header.
HIDDEN = {"see_header", "read_card", "read", "read_history"}

# Every HTTP route that the application has. «nobody»: without signing in; «by_secret»: whoever has the address;
# «signature»: a gateway's; «own_…»: everybody reads what is theirs; otherwise the action that is asked for.
ROUTES = """
GET    /health                                                 nobody
GET    /ready                                                  nobody
GET    /overdue                                                nobody
POST   /gateway/voice                                          signature
POST   /gateway/sms                                            signature
GET    /a/{token}                                              by_secret
POST   /a/{token}                                              by_secret
GET    /dev/outbox                                             nobody
POST   /dev/outbox/{notice_id}/keypress                        by_secret
POST   /api/v1/auth/token                                      nobody
POST   /api/v1/auth/session                                    nobody
DELETE /api/v1/auth/session                                    manage_own_account
GET    /api/v1/me                                              manage_own_account
POST   /api/v1/me/password                                     manage_own_account
GET    /api/v1/me/channels                                     manage_own_account
PUT    /api/v1/me/channels                                     manage_own_account
POST   /api/v1/me/channels/test                                manage_own_account
GET    /api/v1/telephones                                      nobody
GET    /api/v1/installation                                    nobody
GET    /api/v1/specialties                                     see_network
GET    /api/v1/hospitals                                       see_network
GET    /api/v1/desks                                           see_network
GET    /api/v1/desks/{desk_id}/on-call                         see_duty
GET    /api/v1/desks/{desk_id}/duty                            see_duty
GET    /api/v1/desks/{desk_id}/rota                            read_rota
POST   /api/v1/desks/{desk_id}/rota                            publish_rota
POST   /api/v1/desks/{desk_id}/duty-corrections                publish_rota
GET    /api/v1/hospitals/{hospital_id}/rota                    read_rota
POST   /api/v1/hospitals/{hospital_id}/rota                    publish_rota
GET    /api/v1/hospitals/{hospital_id}/duty                    see_duty
GET    /api/v1/gaps                                            see_gaps
GET    /api/v1/duty/checks                                     answer_check
POST   /api/v1/duty/checks/{check_id}/answer                   answer_check
GET    /api/v1/agreements                                      see_agreement
POST   /api/v1/agreements                                      set_agreement
PATCH  /api/v1/agreements/{agreement_id}                       set_agreement
POST   /api/v1/desks/{desk_id}/rota/import                     import_rota
GET    /api/v1/swaps                                           own_swaps
POST   /api/v1/swaps                                           offer_swap
POST   /api/v1/swaps/{swap_id}/acceptance                      take_swap
DELETE /api/v1/swaps/{swap_id}                                 offer_swap
GET    /api/v1/leaves                                          own_leaves
POST   /api/v1/leaves                                          ask_leave
POST   /api/v1/leaves/{leave_id}/approval                      decide_leave
DELETE /api/v1/leaves/{leave_id}                               ask_leave
GET    /api/v1/holidays                                        see_network
GET    /api/v1/feeds                                           own_feeds
POST   /api/v1/feeds                                           make_own_feed
DELETE /api/v1/feeds/{feed_id}                                 make_own_feed
GET    /api/v1/feeds/{secret}.ics                              by_secret
GET    /api/v1/desks/{desk_id}/load                            read_rota
PUT    /api/v1/desks/{desk_id}/doctors/{user_id}/capacity      set_capacity
GET    /api/v1/desks/{desk_id}/policies/{urgency}              read_rota
PUT    /api/v1/desks/{desk_id}/policies/{urgency}              set_policy
GET    /api/v1/hospitals/{hospital_id}/policies/{urgency}      read_rota
PUT    /api/v1/hospitals/{hospital_id}/policies/{urgency}      set_policy
GET    /api/v1/ladder                                          see_ladder
GET    /api/v1/me/waiting                                      see_waiting
GET    /api/v1/me/colleagues                                   ask
GET    /api/v1/offers                                          own_offers
GET    /api/v1/consultations                                   own_list
POST   /api/v1/consultations                                   ask
POST   /api/v1/consultations/telephone                         enter_telephone_case
GET    /api/v1/consultations/{consultation_id}                 see_header
PATCH  /api/v1/consultations/{consultation_id}                 update
POST   /api/v1/consultations/{consultation_id}/vitals          record_vitals
POST   /api/v1/consultations/{consultation_id}/urgency         raise_urgency
POST   /api/v1/consultations/{consultation_id}/cancellation    cancel
POST   /api/v1/consultations/{consultation_id}/acceptance      accept
POST   /api/v1/consultations/{consultation_id}/refusal         decline
POST   /api/v1/consultations/{consultation_id}/attendance      attend
POST   /api/v1/consultations/{consultation_id}/stand-down      stand_down
POST   /api/v1/consultations/{consultation_id}/forwarding      forward
POST   /api/v1/consultations/{consultation_id}/assignment      assign
POST   /api/v1/consultations/{consultation_id}/hand-over       hand_over
POST   /api/v1/consultations/{consultation_id}/step            jump
POST   /api/v1/consultations/{consultation_id}/re-route        re_route
POST   /api/v1/consultations/{consultation_id}/specialties     ask_specialty
POST   /api/v1/consultations/{consultation_id}/messages        post_message
GET    /api/v1/consultations/{consultation_id}/messages        read
POST   /api/v1/consultations/{consultation_id}/read-back       read_back
POST   /api/v1/consultations/{consultation_id}/conclusion      conclude
POST   /api/v1/consultations/{consultation_id}/outcome         report_outcome
POST   /api/v1/consultations/{consultation_id}/participants    invite
DELETE /api/v1/consultations/{consultation_id}/participants/{user_id}    invite
POST   /api/v1/consultations/{consultation_id}/calls           record_call
POST   /api/v1/consultations/{consultation_id}/calls/{call_id}/confirmation    confirm_call
POST   /api/v1/consultations/{consultation_id}/ward-owner      name_ward_owner
POST   /api/v1/consultations/{consultation_id}/real            make_real
GET    /api/v1/me/hand-over                                    see_own_cases
POST   /api/v1/me/hand-over                                    see_own_cases
GET    /api/v1/consultations/{consultation_id}/attachments     read
GET    /api/v1/consultations/{consultation_id}/history         read_history
GET    /api/v1/consultations/{consultation_id}/record          read
GET    /                                                       nobody
GET    /sign-in                                                nobody
GET    /request                                                nobody
GET    /request/telephone                                      nobody
GET    /red-alert                                              nobody
GET    /cases/{case}                                           nobody
GET    /cases/{case}/record                                    nobody
GET    /desk                                                   nobody
GET    /board                                                  nobody
GET    /rota                                                   nobody
GET    /policies                                               nobody
GET    /agreements                                             nobody
GET    /telephones                                             nobody
GET    /account                                                nobody
GET    /records                                                nobody
GET    /sw.js                                                  nobody
GET    /manifest.webmanifest                                   nobody
GET    /favicon.ico                                            nobody
GET    /openapi.json                                           nobody
GET    /docs                                                   nobody
MOUNT  /assets                                                 nobody
"""

# Lists that everybody may ask for; each shows what is the caller's.
OWN = ("own_offers", "own_list", "own_swaps", "own_leaves", "own_feeds")

# What a client may say on the stream, and what is asked before it is done.
STREAM_MESSAGES = """
Hello        a live session of an active account
Subscribe    the stream is readable (see KINDS_OF_STREAM)
Unsubscribe  nothing: to hear less is always allowed
Resume       the stream is heard already, and readable still
Ack          an offer: made to this doctor; a case: this person takes part
"""

# Who may hear which kind of stream.
KINDS_OF_STREAM = """
kind          whose         roles
user          own           RSCAO
user          another's     .
hospital      own           C
hospital      another's     .
"""


@dataclass(frozen=True)
class CaseRow:
    """One action about a case."""

    action: str
    roles: frozenset[str]
    relations: frozenset[str]
    states: frozenset[str]


def rows(table: str) -> list[list[str]]:
    """The cells of a table."""
    return [line.split() for line in table.strip().splitlines()]


def roles_of(letters: str) -> frozenset[str]:
    return frozenset(ROLE_LETTERS[letter] for letter in letters if letter != ".")


def case_rows() -> Iterator[CaseRow]:
    columns = [*RELATIONS, *STATES]
    heading, *body = rows(ABOUT_A_CASE)
    assert heading == ["action", "roles", *columns]
    for action, letters, *marks in body:
        assert set(marks) <= {"y", "."}
        marked = {name for name, mark in zip(columns, marks, strict=True) if mark == "y"}
        relations = frozenset(RELATIONS[name] for name in marked & RELATIONS.keys())
        states = frozenset(STATES[name] for name in marked & STATES.keys())
        yield CaseRow(action, roles_of(letters), relations, states)


def plain_rows() -> dict[str, frozenset[str]]:
    return {action: roles_of(letters) for action, letters in rows(NOT_ABOUT_A_CASE)[1:]}


def duty_rows() -> dict[str, frozenset[str]]:
    """Who may do what about duty: action, and the standings that allow it."""
    heading, *body = rows(ABOUT_DUTY)
    assert heading == ["action", *STANDINGS]
    return {
        action: frozenset(STANDINGS[name] for name, mark in zip(STANDINGS, marks, strict=True) if mark == "y")
        for action, *marks in body
    }


def routes() -> dict[tuple[str, str], str]:
    return {(method, path): action for method, path, action in rows(ROUTES)}
