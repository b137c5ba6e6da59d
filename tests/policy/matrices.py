"""What every door about a case answers, to everybody, in every state. Columns: `cast.CAST`.

F full case, C offer card only, H board header only, + done, 2 refused as bad input (422), 3 not allowed (403),
4 there is no such case (404, to the last byte as for one that does not exist), 9 not in this state (409), . nobody is.
"""

RINGING = """
door                 rq cl wa fr of fo ho te in fm rm du by st ca cb cx ad op ig ix
GET …                F  F  H  4  C  H  .  .  F  .  H  H  4  4  F  F  4  4  4  F  4
GET messages         +  +  4  4  4  4  .  .  +  .  +  4  4  4  +  +  4  4  4  +  4
GET attachments      +  +  4  4  4  4  .  .  +  .  +  4  4  4  +  +  4  4  4  +  4
GET history          +  +  4  4  4  4  .  .  +  .  +  4  4  4  +  +  4  4  4  4  4
GET record           +  +  4  4  4  4  .  .  +  .  4  4  4  4  +  +  4  4  4  +  4
PATCH …              +  +  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
vitals               +  +  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
urgency              +  +  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
cancellation         +  +  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
acceptance           3  3  3  4  +  9  .  .  3  .  3  +  4  4  3  3  4  4  4  3  4
refusal              3  3  3  4  +  9  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
attendance           3  3  3  4  9  9  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
stand-down           3  3  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
forwarding           3  3  3  4  +  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
assignment           3  3  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
hand-over            3  3  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
step                 3  3  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
re-route             +  +  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
specialties          +  +  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
messages             +  +  3  4  3  3  .  .  +  .  3  3  4  4  +  +  4  4  4  3  4
messages (opinion)   3  3  3  4  3  3  .  .  +  .  3  3  4  4  3  3  4  4  4  3  4
read-back            +  +  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
conclusion           3  3  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
outcome              9  9  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
participants         +  +  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
DELETE participants  +  +  3  4  3  3  .  .  3  .  3  3  4  4  +  +  4  4  4  3  4
calls                +  +  3  4  3  3  .  .  +  .  3  3  4  4  3  3  4  4  4  3  4
confirmation         3  3  3  4  3  3  .  .  +  .  3  3  4  4  3  3  4  4  4  3  4
ward-owner           +  +  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
real                 9  9  3  4  3  3  .  .  3  .  3  3  4  4  3  3  4  4  4  3  4
"""

# A red alert that is led: the offered member of the team still owes an answer, and may not pass the leader's case on.
ACTIVE = """
door                 rq cl wa fr of fo ho te in fm rm du by st ca cb cx ad op ig ix
GET …                F  F  H  4  C  H  F  F  F  F  H  H  4  4  F  F  4  4  4  F  4
GET messages         +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  +  4
GET attachments      +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  +  4
GET history          +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  4  4
GET record           +  +  4  4  4  4  +  +  +  +  4  4  4  4  +  +  4  4  4  +  4
PATCH …              +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
vitals               +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
urgency              2  2  3  4  3  3  2  3  3  3  3  3  4  4  2  2  4  4  4  3  4
cancellation         +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
acceptance           3  3  3  4  9  9  +  9  3  9  3  9  4  4  3  3  4  4  4  3  4
refusal              3  3  3  4  +  9  9  9  3  9  3  3  4  4  3  3  4  4  4  3  4
attendance           3  3  3  4  +  9  9  +  3  9  3  3  4  4  3  3  4  4  4  3  4
stand-down           3  3  3  4  3  3  +  3  3  3  3  3  4  4  3  3  4  4  4  3  4
forwarding           3  3  3  4  9  3  +  9  3  3  3  3  4  4  3  3  4  4  4  3  4
assignment           3  3  3  4  3  3  3  3  3  3  3  3  4  4  +  +  4  4  4  3  4
hand-over            3  3  3  4  3  3  +  3  3  3  3  3  4  4  3  3  4  4  4  3  4
step                 3  3  3  4  3  3  3  3  3  3  3  3  4  4  9  9  4  4  4  3  4
re-route             +  +  3  4  3  3  +  3  3  3  3  3  4  4  +  +  4  4  4  3  4
specialties          +  +  3  4  3  3  +  3  3  3  3  3  4  4  +  +  4  4  4  3  4
messages             +  +  3  4  3  3  +  +  +  3  3  3  4  4  +  +  4  4  4  3  4
messages (opinion)   3  3  3  4  3  3  +  +  +  3  3  3  4  4  3  3  4  4  4  3  4
read-back            +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
conclusion           3  3  3  4  3  3  +  3  3  3  3  3  4  4  3  3  4  4  4  3  4
outcome              9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
participants         +  +  3  4  3  3  +  3  3  3  3  3  4  4  +  +  4  4  4  3  4
DELETE participants  +  +  3  4  3  3  +  3  3  3  3  3  4  4  +  +  4  4  4  3  4
calls                +  +  3  4  3  3  +  +  +  3  3  3  4  4  3  3  4  4  4  3  4
confirmation         3  3  3  4  3  3  +  +  +  3  3  3  4  4  3  3  4  4  4  3  4
ward-owner           +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
real                 9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
"""

# Nobody is rung any more: the share that an offer opened has ended.
CONCLUDED = """
door                 rq cl wa fr of fo ho te in fm rm du by st ca cb cx ad op ig ix
GET …                F  F  H  4  H  H  F  F  F  F  H  H  4  4  F  F  4  4  4  F  4
GET messages         +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  +  4
GET attachments      +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  +  4
GET history          +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  4  4
GET record           +  +  4  4  4  4  +  +  +  +  4  4  4  4  +  +  4  4  4  +  4
PATCH …              9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
vitals               +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
urgency              9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
cancellation         9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
acceptance           3  3  3  4  9  9  9  9  3  9  3  9  4  4  3  3  4  4  4  3  4
refusal              3  3  3  4  9  9  9  9  3  9  3  3  4  4  3  3  4  4  4  3  4
attendance           3  3  3  4  9  9  9  9  3  9  3  3  4  4  3  3  4  4  4  3  4
stand-down           3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
forwarding           3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
assignment           3  3  3  4  3  3  3  3  3  3  3  3  4  4  9  9  4  4  4  3  4
hand-over            3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
step                 3  3  3  4  3  3  3  3  3  3  3  3  4  4  9  9  4  4  4  3  4
re-route             9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
specialties          9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
messages             +  +  3  4  3  3  +  +  +  3  3  3  4  4  +  +  4  4  4  3  4
messages (opinion)   3  3  3  4  3  3  +  +  +  3  3  3  4  4  3  3  4  4  4  3  4
read-back            +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
conclusion           3  3  3  4  3  3  +  3  3  3  3  3  4  4  3  3  4  4  4  3  4
outcome              +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
participants         +  +  3  4  3  3  +  3  3  3  3  3  4  4  +  +  4  4  4  3  4
DELETE participants  +  +  3  4  3  3  +  3  3  3  3  3  4  4  +  +  4  4  4  3  4
calls                +  +  3  4  3  3  +  +  +  3  3  3  4  4  3  3  4  4  4  3  4
confirmation         3  3  3  4  3  3  +  +  +  3  3  3  4  4  3  3  4  4  4  3  4
ward-owner           +  +  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
real                 9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
"""

# Read, and nothing else, in a closed case and in a cancelled one alike.
ENDED = """
door                 rq cl wa fr of fo ho te in fm rm du by st ca cb cx ad op ig ix
GET …                F  F  H  4  H  H  F  F  F  F  H  H  4  4  F  F  4  4  4  F  4
GET messages         +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  +  4
GET attachments      +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  +  4
GET history          +  +  4  4  4  4  +  +  +  +  +  4  4  4  +  +  4  4  4  4  4
GET record           +  +  4  4  4  4  +  +  +  +  4  4  4  4  +  +  4  4  4  +  4
PATCH …              9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
vitals               9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
urgency              9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
cancellation         9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
acceptance           3  3  3  4  9  9  9  9  3  9  3  9  4  4  3  3  4  4  4  3  4
refusal              3  3  3  4  9  9  9  9  3  9  3  3  4  4  3  3  4  4  4  3  4
attendance           3  3  3  4  9  9  9  9  3  9  3  3  4  4  3  3  4  4  4  3  4
stand-down           3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
forwarding           3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
assignment           3  3  3  4  3  3  3  3  3  3  3  3  4  4  9  9  4  4  4  3  4
hand-over            3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
step                 3  3  3  4  3  3  3  3  3  3  3  3  4  4  9  9  4  4  4  3  4
re-route             9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
specialties          9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
messages             9  9  3  4  3  3  9  9  9  3  3  3  4  4  9  9  4  4  4  3  4
messages (opinion)   3  3  3  4  3  3  9  9  9  3  3  3  4  4  3  3  4  4  4  3  4
read-back            9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
conclusion           3  3  3  4  3  3  9  3  3  3  3  3  4  4  3  3  4  4  4  3  4
outcome              9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
participants         9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
DELETE participants  9  9  3  4  3  3  9  3  3  3  3  3  4  4  9  9  4  4  4  3  4
calls                9  9  3  4  3  3  9  9  9  3  3  3  4  4  3  3  4  4  4  3  4
confirmation         9  9  3  4  3  3  9  9  9  3  3  3  4  4  3  3  4  4  4  3  4
ward-owner           9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
real                 9  9  3  4  3  3  3  3  3  3  3  3  4  4  3  3  4  4  4  3  4
"""

MATRICES = {"ringing": RINGING, "active": ACTIVE, "concluded": CONCLUDED, "closed": ENDED, "cancelled": ENDED}

# What a client is told that it may do (`may`) and the door through which it is done.
OFFERED_BY_MAY = {
    "update": "PATCH …",
    "record_vitals": "vitals",
    "raise_urgency": "urgency",
    "cancel": "cancellation",
    "accept": "acceptance",
    "decline": "refusal",
    "attend": "attendance",
    "stand_down": "stand-down",
    "forward": "forwarding",
    "assign": "assignment",
    "hand_over": "hand-over",
    "jump": "step",
    "re_route": "re-route",
    "ask_specialty": "specialties",
    "post_message": "messages",
    "give_opinion": "messages (opinion)",
    "read_back": "read-back",
    "conclude": "conclusion",
    "report_outcome": "outcome",
    "invite": "participants",
    "record_call": "calls",
    "confirm_call": "confirmation",
    "name_ward_owner": "ward-owner",
    "make_real": "real",
}

# What everybody hears of the case's stream when they ask for it: y a snapshot, - as of a case that is not there.
CASE_STREAM = """
state      rq cl wa fr of fo ho te in fm rm du by st ca cb cx ad op ig ix
ringing    y  y  -  -  -  -  .  .  y  .  -  -  -  -  y  y  -  -  -  y  -
active     y  y  -  -  -  -  y  y  y  y  -  -  -  -  y  y  -  -  -  y  -
concluded  y  y  -  -  -  -  y  y  y  y  -  -  -  -  y  y  -  -  -  y  -
closed     y  y  -  -  -  -  y  y  y  y  -  -  -  -  y  y  -  -  -  y  -
cancelled  y  y  -  -  -  -  y  y  y  y  -  -  -  -  y  y  -  -  -  y  -
"""


def matrix(text: str) -> dict[str, dict[str, str]]:
    """The cells of a matrix, by row and column."""
    heading, *lines = text.strip().splitlines()
    columns = heading.split()[1:]
    width = len(columns)
    rows = {}
    for line in lines:
        cells = line.split()
        rows[" ".join(cells[:-width])] = dict(zip(columns, cells[-width:], strict=True))
    return rows
