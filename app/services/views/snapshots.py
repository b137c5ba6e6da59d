"""How things stand, as the first thing a stream says: a case, what rings for me, the coordinator's board."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import select, text

from app.models.consultation import Consultation
from app.models.discussion import Message
from app.models.user import Role
from app.schemas import consultation as show
from app.schemas.events import CONSULTATION, USER, kind_of
from app.services.cases import reminders
from app.services.cases.consultations import answer, may_now
from app.services.facts import case_rows
from app.services.ringing import agreements
from app.services.rostering import duty, gaps
from app.services.views import offers
from app.work import Subject, Work

BOARD_ROWS: Final = 500
_TOLD_OF_ADVICE: Final = frozenset({Role.REQUESTER, Role.COORDINATOR})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What this process knows and the database does not."""

    demo: bool = False
    online: Callable[[UUID], bool] = lambda _: False


async def of(
    work: Work, names: Collection[str], cases: Mapping[str, Consultation], circumstances: Circumstances
) -> dict[str, Json]:
    """Return what each of these streams would say first. `cases`: those of the `consultation:` streams."""
    found: dict[str, Json] = {}
    chosen = {name: cases[name] for name in names if kind_of(name) == CONSULTATION}
    if chosen:
        found |= await _of_cases(work, chosen, circumstances)
    for name in names:
        if name in found:
            continue
        if kind_of(name) == USER:
            found[name] = await _of_user(work, name, circumstances)
        else:
            found[name] = await _of_board(work, UUID(name.partition(":")[2]), circumstances)
    return found


def of_unspoken(case: Consultation, subject: Subject, *, demo: bool, shown: str | None = None) -> str:
    """What the stream of a case says first as long as nothing has been said in it, as JSON: the case itself.

    `shown`: the case as the subject is shown it, where it was rendered already.
    """
    if shown is None:
        shown = to_json(show.full(case, may=may_now(subject, case), demo=demo)).decode()
    return f'{{"consultation":{shown},"messages":[]}}'


async def _of_cases(work: Work, cases: Mapping[str, Consultation], circumstances: Circumstances) -> dict[str, Json]:
    """The whole case with what the reader may do now, and everything that was said."""
    rows = await work.session.execute(_MY_DESKS, {"user": work.subject.id, "now": work.now})
    on_duty_at = [row.desk_id for row in rows]
    said: dict[UUID, list[Json]] = defaultdict(list)
    for message in await work.session.scalars(
        select(Message).where(Message.consultation_id.in_([c.id for c in cases.values()])).order_by(Message.n)
    ):
        said[message.consultation_id].append(show.message(message))
    return {
        name: {
            "consultation": answer(work, case, on_duty_at).as_read(demo=circumstances.demo),
            "messages": said[case.id],
        }
        for name, case in cases.items()
    }


async def _of_user(work: Work, name: str, circumstances: Circumstances) -> Json:
    """What rings for me: offers with their cards and their places in this stream, and cases that nobody holds."""
    advice = await reminders.ringing_at(work, name) if work.subject.role in _TOLD_OF_ADVICE else []
    open_to_me = await offers.open_to(work, demo=circumstances.demo)
    if not open_to_me:
        return {"offers": [], "alarms": [], "advice": advice}
    case_ids = list({offer["consultation_id"] for offer in open_to_me})
    rows = await work.session.execute(_OFFER_PLACES, {"name": name, "ids": case_ids})
    places = {row.offer_id: row.seq for row in rows}
    alarms = await work.session.execute(_ALARMS, {"user": work.subject.id})
    return {
        "offers": [offer | {"n": places.get(str(offer["offer_id"]))} for offer in open_to_me],
        "alarms": [
            {"consultation_id": row.id, "number": row.number, "round": row.round, "at": row.step_started_at}
            for row in alarms
        ],
        "advice": advice,
    }


async def _of_board(work: Work, hospital_id: UUID, circumstances: Circumstances) -> Json:
    """Every open case of the hospital, those whose outcome is due, and who is on call at its desks."""
    rows = await work.session.execute(_BOARD_CASES, {"hospital": hospital_id, "most": BOARD_ROWS})
    ids = [row.id for row in rows]
    cases = await case_rows.load_many(work, ids) if ids else []
    open_gaps = await gaps.of_board(work, hospital_id)
    return {
        "consultations": [show.header(case) for case in cases],
        "desks": await _desks(work, hospital_id, open_gaps, circumstances),
        "gaps": [_gap(gap) for gap in open_gaps if gap["desk"] is None],
        "agreements_expiring": await agreements.expiring(work, hospital_id),
    }


async def _desks(work: Work, hospital_id: UUID, open_gaps: Sequence[Json], circumstances: Circumstances) -> list[Json]:
    desks = (await work.session.execute(_DESKS, {"hospital": hospital_id})).all()
    if not desks:
        return []
    ids = [desk.id for desk in desks]
    on_call = await duty.on_duty_at_desks(work, ids, work.now)
    away = {(gap["desk"], gap["doctor"]) for gap in open_gaps if gap["kind"] == "unreachable" and gap["running"]}
    return [
        {
            "desk": desk.id,
            "desk_name": desk.name,
            "specialty": desk.specialty,
            "on_call": [
                {
                    "doctor": person.doctor_id,
                    "doctor_name": person.doctor_name,
                    "role": person.role,
                    "until": person.end,
                    "online": circumstances.online(person.doctor_id),
                    "reachable": (desk.id, person.doctor_id) not in away,
                }
                for person in on_call[desk.id]
            ],
            "gaps": [_gap(gap) for gap in open_gaps if gap["desk"] == desk.id],
        }
        for desk in desks
    ]


def _gap(gap: Json) -> Json:
    return {
        name: gap[name] for name in ("id", "role", "from", "to", "kind", "doctor", "doctor_name", "running", "told")
    }


_MY_DESKS = text("""
SELECT DISTINCT s.desk_id FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id
WHERE d.doctor_id = CAST(:user AS uuid) AND upper(d.during) > CAST(:now AS timestamptz)
  AND d.during @> CAST(:now AS timestamptz) AND s.desk_id IS NOT NULL
""")

# Where in my stream an offer was made: what an acknowledgement names. Looking back a thousand facts is far enough.
_OFFER_PLACES = text("""
SELECT v.data->>'offer_id' AS offer_id, e.seq FROM stream_entry e JOIN event v ON v.id = e.event_id
WHERE e.stream = :name AND v.type = 'offer.made' AND v.consultation_id = ANY(CAST(:ids AS uuid[]))
  AND e.seq > (SELECT head FROM stream WHERE name = :name) - 1000
""")

# The end of the ladder rings this coordinator, and nobody holds the case. Whom a ward spoke to is no alarm.
_ALARMS = text("""
SELECT c.id, c.number, k.round, k.step_started_at
FROM offer o JOIN callout k ON k.id = o.callout_id JOIN consultation c ON c.id = o.consultation_id
WHERE o.doctor_id = CAST(:user AS uuid) AND o.state = 'made' AND o.role = 'coordinator' AND o.attendance IS NULL
  AND k.state = 'ringing' AND k.reason IS DISTINCT FROM 'telephone'
  AND k.step >= jsonb_array_length(k.policy->'steps') - 1
  AND c.status = 'ringing' AND c.holder_id IS NULL
ORDER BY k.step_started_at
""")

_BOARD_CASES = text("""
SELECT c.id FROM consultation c
WHERE (c.status IN ('ringing', 'active') OR (c.status = 'concluded' AND c.outcome_due_at IS NOT NULL))
  AND (c.hospital_id = CAST(:hospital AS uuid)
       OR EXISTS (SELECT 1 FROM callout k WHERE k.consultation_id = c.id AND k.hospital_id = CAST(:hospital AS uuid)))
ORDER BY c.status = 'concluded', c.created_at DESC LIMIT :most
""")

_DESKS = text(
    "SELECT id, name, specialty FROM desk WHERE hospital_id = CAST(:hospital AS uuid) AND active ORDER BY name"
)
