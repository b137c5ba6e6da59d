"""A case and everything of it, as one prebuilt load and one prebuilt write (no statement is built per call).

The load brings the whole aggregate in one round trip, as JSON made by the database. The write is part of the one
statement of `events.write`. Rows become model instances, so that verbs live on the models only.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import Date, DateTime, LargeBinary, Numeric, Uuid
from sqlalchemy.orm.attributes import manager_of_class

from app.database import Base
from app.errors import NotFound
from app.models.callout import Callout, Offer
from app.models.consultation import Consultation
from app.models.discussion import Conclusion, Outcome, Participant, ReadBack, VitalSigns
from app.models.reminder import Reminder, TelephoneCall
from app.prepared import Prepared
from app.work import Work

Row = TypeVar("Row", bound=Base)

_FIXED = {
    *("id", "number", "hospital_id", "requester_id", "created_at", "written_at", "drill", "consultation_id"),
    *("telephoned_at", "told_at", "told_by_id", "told_by_name"),
}


def _columns(model: type[Base]) -> list[str]:
    return [c.name for c in model.__table__.columns]


def _converter(kind: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, DateTime):
        return datetime.fromisoformat
    if isinstance(kind, Date):
        return date.fromisoformat
    if isinstance(kind, Uuid):
        return UUID
    if isinstance(kind, LargeBinary):
        return lambda value: bytes.fromhex(value[2:])
    if isinstance(kind, Numeric):
        return lambda value: Decimal(str(value))
    return None


_CONVERTERS: Mapping[type[Base], tuple[tuple[str, Callable[[Any], Any]], ...]] = {
    model: tuple(
        (column.name, converter)
        for column in model.__table__.columns
        if (converter := _converter(column.type)) is not None
    )
    for model in (
        *(Consultation, Callout, Offer, Participant, VitalSigns),
        *(Conclusion, ReadBack, Outcome, TelephoneCall, Reminder),
    )
}


def revive(model: type[Row], values: dict[str, Any]) -> Row:
    """Make a model instance of a row that the database rendered as JSON.

    The attributes are put where the mapper keeps them, as loading does: setting them one by one costs ten times more.
    """
    for name, convert in _CONVERTERS[model]:
        value = values[name]
        if value is not None:
            values[name] = convert(value)
    row: Row = manager_of_class(model).new_instance()
    row.__dict__.update(values)
    row.__dict__[_STORED] = values
    return row


_STORED = "_stored"
"""Where a row keeps its values as they are in the database, so that only what a verb has changed is written."""


def _changed(row: Base) -> bool:
    held = row.__dict__
    stored: dict[str, Any] | None = held.get(_STORED)
    return stored is None or any(held[name] is not value and held[name] != value for name, value in stored.items())


async def load(work: Work, case_id: UUID, *, lock: bool = False, wait: bool = True) -> tuple[Consultation, list[UUID]]:
    """Load a case with all its parts, and the desks at which the actor is on duty now. Absent: NotFound.

    With `lock` the row is locked first; an optimistic work locks nothing, and its write will tell. Parts read in the
    same statement may be older than the lock; then the version tells, and they are read again under the lock.
    """
    parameters = {"id": case_id, "actor": work.actor.id if work.actor else None, "now": work.now}
    statement = (_LOCK if wait else _TRY_LOCK) if lock and not work.optimistic else _LOAD
    rows = await statement.rows(work.session, parameters)
    if not rows:
        raise NotFound
    if rows[0][_VERSION] != rows[0][_SEEN_VERSION]:
        rows = await _LOAD.rows(work.session, parameters)
    _, _, body, duty = rows[0]
    case = _assemble(body)
    if lock:
        work.cases[case.id] = case
    return case, [UUID(d) for d in duty or ()]


def opened(body: str) -> Consultation:
    """Return a case that another statement has read."""
    return _assemble(body)


async def load_many(work: Work, case_ids: Iterable[UUID]) -> list[Consultation]:
    """Load several cases with their parts, oldest first, in one statement."""
    rows = await _LOAD_MANY.rows(work.session, {"ids": list(case_ids)})
    return [_assemble(body) for (body,) in rows]


def _assemble(body: str) -> Consultation:
    data = from_json(body)
    said = data.pop("said")
    parts = {name: data.pop(name) or [] for name in _PARTS}
    case = revive(Consultation, data)
    case.said = said
    offers = [revive(Offer, o) for o in parts["offers"]]
    case.callouts = [revive(Callout, c) for c in parts["callouts"]]
    for callout in case.callouts:
        callout.offers = [o for o in offers if o.callout_id == callout.id]
    case.participants = [revive(Participant, p) for p in parts["participants"]]
    case.vitals = [revive(VitalSigns, v) for v in parts["vitals"]]
    case.conclusions = [revive(Conclusion, c) for c in parts["conclusions"]]
    case.read_backs = [revive(ReadBack, r) for r in parts["read_backs"]]
    case.outcomes = [revive(Outcome, o) for o in parts["outcomes"]]
    case.calls = [revive(TelephoneCall, t) for t in parts["calls"]]
    case.reminders = [revive(Reminder, r) for r in parts["reminders"]]
    return case


def fresh(model: type[Row], **values: Any) -> Row:
    """Make a row that is not stored yet; what is not given is empty. Put where the mapper keeps it, as in `revive`."""
    row: Row = manager_of_class(model).new_instance()
    row.__dict__.update(_EMPTY[model], **values)
    return row


def parameters(work: Work) -> dict[str, Any]:
    """Return every case that this transaction changed and the rows of it that have changed, as JSON for the write."""
    cases = list(work.cases.values()) if work.facts or work.touched else []
    made = [case for case in cases if case.id in work.new_cases]
    changed = [case for case in cases if case.id not in work.new_cases]
    callouts = [c for case in cases for c in case.callouts]
    offers = [o for c in callouts for o in c.offers]
    new = [v for case in cases if case.id in work.new_cases for v in case.vitals]
    told = [call for case in made for call in case.calls]
    # In the order in which read markers lock them, so that neither ever waits for the other in a circle.
    order = attrgetter("consultation_id", "user_id")
    participants = sorted((p for case in cases for p in case.participants if _changed(p)), key=order)
    return {
        "changed": [case.id for case in changed],
        "cases": _json(Consultation, changed or made),
        "made": _json(Consultation, made if changed else []),
        "callouts": _json(Callout, filter(_changed, callouts)),
        "offers": _json(Offer, filter(_changed, offers)),
        "participants": _json(Participant, participants),
        "vitals": _json(VitalSigns, new),
        "calls": _json(TelephoneCall, told),
    }


def _json(model: type[Base], rows: Iterable[Base]) -> str:
    names, binary = _NAMES[model], _BINARY[model]
    objects = []
    for row in rows:
        held = row.__dict__
        values = {name: held.get(name) for name in names}
        for name in binary:
            values[name] = "\\x" + bytes(values[name] or b"").hex()
        objects.append(values)
    return to_json(objects).decode()


_MODELS = (Consultation, Callout, Offer, Participant, VitalSigns, TelephoneCall)
_NAMES: Mapping[type[Base], list[str]] = {m: _columns(m) for m in _MODELS}
_EMPTY: Mapping[type[Base], dict[str, None]] = {m: dict.fromkeys(names) for m, names in _NAMES.items()}
_BINARY: Mapping[type[Base], list[str]] = {
    m: [c.name for c in m.__table__.columns if isinstance(c.type, LargeBinary)] for m in _MODELS
}


def _assignments(model: type[Base], source: str, *, but: Iterable[str]) -> str:
    skip = set(but)
    return ", ".join(f"{c} = {source}.{c}" for c in _columns(model) if c not in skip)


def _insert(model: type[Base], parameter: str) -> str:
    table = model.__tablename__
    names = ", ".join(_columns(model))
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} "  # noqa: S608 (names come from the models)
        f"FROM json_populate_recordset(CAST(NULL AS {table}), CAST(:{parameter} AS json))"
    )


_CALLOUT_FIXED = {
    "id",
    "consultation_id",
    "desk_id",
    "desk_name",
    "desk_phone",
    "hospital_id",
    "hospital_name",
    "policy",
}
# `noticed_at` belongs to the planner of messages, which never takes the lock of a case.
_OFFER_FIXED = {
    "id",
    "callout_id",
    "consultation_id",
    "doctor_id",
    "doctor_name",
    "made_at",
    "role",
    "step",
    "noticed_at",
}
_PART_FIXED = {"consultation_id", "user_id", "delivered_n", "seen_n"}

# The case before its counters, whether or not the transaction holds it already: nobody ever waits in a circle.
_HELD = (
    "WITH held AS (SELECT c.id FROM consultation c WHERE c.id = ANY(CAST(:changed AS uuid[])) ORDER BY c.id FOR UPDATE)"
)
_NEW_VITALS = f"new_vitals AS ({_insert(VitalSigns, 'vitals')})"

INSERT_CASES = f"WITH held AS (SELECT), cases AS ({_insert(Consultation, 'cases')}), {_NEW_VITALS}"

# A case that is entered afterwards brings with it what was said by telephone.
INSERT_TOLD_CASES = f"{INSERT_CASES}, new_calls AS ({_insert(TelephoneCall, 'calls')})"

UPDATE_CASES = (
    f"{_HELD}, cases AS (UPDATE consultation c SET {_assignments(Consultation, 'n', but=_FIXED)} "  # noqa: S608
    "FROM json_populate_recordset(CAST(NULL AS consultation), CAST(:cases AS json)) n "
    "WHERE c.id = n.id AND c.id = ANY(CAST(:changed AS uuid[]))), "
    f"{_NEW_VITALS}"
)

UPDATE_CASES_AT_ONCE = UPDATE_CASES.replace("ORDER BY c.id FOR UPDATE)", "ORDER BY c.id FOR UPDATE NOWAIT)")

# A case that is opened out of another one, which ends in the same moment.
INSERT_AND_UPDATE_CASES = f"{UPDATE_CASES}, made AS ({_insert(Consultation, 'made')})"

UPSERT_PARTS = (
    f", called AS ({_insert(Callout, 'callouts')} "  # noqa: S608
    f"ON CONFLICT (id) DO UPDATE SET {_assignments(Callout, 'excluded', but=_CALLOUT_FIXED)})"
    f", offered AS ({_insert(Offer, 'offers')} "
    f"ON CONFLICT (id) DO UPDATE SET {_assignments(Offer, 'excluded', but=_OFFER_FIXED)})"
    f", joined AS ({_insert(Participant, 'participants')} "
    f"ON CONFLICT (consultation_id, user_id) DO UPDATE SET {_assignments(Participant, 'excluded', but=_PART_FIXED)})"
)

_PARTS = ("callouts", "offers", "participants", "vitals", "conclusions", "read_backs", "outcomes", "calls", "reminders")
# A row of over 40 columns and its parts are more than json_build_object takes: two objects, joined as text.
BODY = """
  left(to_json(c)::text, -1) || ',' || substr(json_build_object(
    'said', (SELECT count(*) FROM message m WHERE m.consultation_id = c.id),
    'callouts', (SELECT json_agg(to_json(k) ORDER BY k.opened_at, k.id) FROM callout k WHERE k.consultation_id = c.id),
    'offers', (SELECT json_agg(to_json(o) ORDER BY o.made_at, o.step, o.id)
               FROM offer o WHERE o.consultation_id = c.id),
    'participants', (SELECT json_agg(to_json(p) ORDER BY p.joined_at)
                     FROM participant p WHERE p.consultation_id = c.id),
    'vitals', (SELECT json_agg(to_json(v) ORDER BY v.taken_at, v.id)
               FROM vital_signs v WHERE v.consultation_id = c.id),
    'conclusions', (SELECT json_agg(to_json(x) ORDER BY x.at) FROM conclusion x WHERE x.consultation_id = c.id),
    'read_backs', (SELECT json_agg(to_json(r) ORDER BY r.at) FROM read_back r WHERE r.consultation_id = c.id),
    'outcomes', (SELECT json_agg(to_json(u) ORDER BY u.reported_at) FROM outcome u WHERE u.consultation_id = c.id),
    'calls', (SELECT json_agg(to_json(t) ORDER BY t.recorded_at) FROM telephone_call t WHERE t.consultation_id = c.id),
    'reminders', (SELECT json_agg(to_json(w) ORDER BY w.opened_at)
                  FROM reminder w WHERE w.consultation_id = c.id AND w.closed_at IS NULL)
  )::text, 2) AS body
"""

_DUTY = """
  (SELECT json_agg(DISTINCT s.desk_id) FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id
   WHERE d.doctor_id = CAST(:actor AS uuid) AND upper(d.during) > CAST(:now AS timestamptz)
     AND d.during @> CAST(:now AS timestamptz) AND s.desk_id IS NOT NULL) AS duty
"""

_SELECT = f"SELECT c.version, (SELECT v.version FROM consultation v WHERE v.id = c.id) AS seen_version, {BODY}, {_DUTY}"  # noqa: S608
_VERSION, _SEEN_VERSION = 0, 1
_LOAD = Prepared(f"{_SELECT} FROM consultation c WHERE c.id = :id")
_LOCK = Prepared(f"{_SELECT} FROM consultation c WHERE c.id = :id FOR UPDATE OF c")
_TRY_LOCK = Prepared(f"{_SELECT} FROM consultation c WHERE c.id = :id FOR UPDATE OF c SKIP LOCKED")
_LOAD_MANY = Prepared(
    f"SELECT {BODY} FROM consultation c WHERE c.id = ANY(CAST(:ids AS uuid[])) ORDER BY c.created_at"  # noqa: S608
)
