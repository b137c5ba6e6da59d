"""The history of a case, and the consultation record (biên bản hội chẩn) that is built from it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text

from app.errors import NotFound
from app.models.callout import Callout
from app.models.consultation import Consultation
from app.models.discussion import Message
from app.models.event import Event
from app.policy import Action, allow, reads_until
from app.schemas import consultation as show
from app.services.cases import record_timeline, record_words
from app.services.cases.consultations import log_read
from app.services.cases.discussion import history_row
from app.services.facts import case_rows
from app.work import Work

PAGE = 500
TITLE = "TRÍCH BIÊN BẢN HỘI CHẨN"
Json = dict[str, Any]
Fact = Row[Any]


async def history(work: Work, case_id: UUID, after: int = 0) -> tuple[list[Json], int | None]:
    """Read the facts of a case in order, 500 at a time from place `after`. The read is logged. Raises NotFound."""
    _, until = await _opened(work, case_id, Action.READ_HISTORY, "history")
    rows = await _facts(work, case_id, after, PAGE + 1, until=until)
    return [history_row(row) for row in rows[:PAGE]], rows[PAGE - 1].seq if len(rows) > PAGE else None


async def record(work: Work, case_id: UUID) -> Json:
    """Build the consultation record from the facts: the boxes of form 27/BV2, and the annex.

    A draft until the specialist has concluded. What nobody recorded is null and listed under `missing`, never guessed.
    The read is logged. Raises NotFound.
    """
    case, until = await _opened(work, case_id, Action.READ, "record")
    if until is not None:
        raise NotFound  # the record tells of more than they took part in
    facts = await _facts(work, case_id)
    about = (await work.session.execute(_ABOUT, {"id": case_id})).one()
    given = select(Message).where(Message.consultation_id == case_id, Message.opinion)
    opinions = await work.session.scalars(given.order_by(Message.n))
    built: Json = {
        "form": "27/BV2",
        "title": f"{show.DRILL}. {TITLE}" if case.drill else TITLE,
        "state": "final" if case.conclusion else "draft",
        "made_at": work.now,
        "consultation_id": case.id,
        "number": case.number,
        "version": case.version,
        "status": case.status,
        "demo": about.demo,
        "drill": case.drill,
        "health_department": about.health_department,
    }
    annex = _annex(case, facts, list(opinions), about)
    fields = record_words.fields(case, annex, built["health_department"])
    built |= {"fields": fields, "missing": [f["key"] for f in fields if f["value"] is None], "annex": annex}
    return built | {"text": record_words.as_text(built)}


async def _opened(work: Work, case_id: UUID, action: Action, via: str) -> tuple[Consultation, datetime | None]:
    """Return the case, and until when somebody who was taken out of it may read."""
    case, on_duty_at = await case_rows.load(work, case_id)
    until = reads_until(work.subject, case, allow(work, action, case, on_duty_at))
    log_read(work, case, "full", via)
    return case, until


async def _facts(
    work: Work, case_id: UUID, after: int = 0, limit: int | None = None, *, until: datetime | None = None
) -> list[Fact]:
    chosen = (
        select(Event.id, Event.seq, Event.type, Event.at, Event.actor_id, Event.actor_name, Event.data)
        .where(Event.chain == f"consultation:{case_id}", Event.seq > after)
        .order_by(Event.seq)
        .limit(limit)
    )
    if until is not None:
        chosen = chosen.where(Event.at <= until)
    return list((await work.session.execute(chosen)).all())


def _annex(case: Consultation, facts: list[Fact], opinions: list[Message], about: Fact) -> Json:
    accepted = next((f.at for f in facts if f.type == "offer.accepted"), None)
    standing = case.conclusion
    return {
        "asking_hospital": case.hospital_name,
        "answering_hospitals": _answering(case),
        "specialty": about.specialty,
        "urgency": case.urgency,
        "channel": ["text", "telephone"] if case.calls else ["text"],
        "requested_at": case.asked_at,
        "started_at": case.told_at if case.told and case.told.confirmed else accepted,
        "answered_at": case.answered_at,
        "ended_at": standing.at if standing else None,
        "patient_informed": None,
        "files": [],
        "warnings": case.warnings,
        "people": _people(case, about.licences or {}),
        "request": {
            "question": case.question,
            "situation": case.situation,
            "background": case.background,
            "assessment": case.assessment,
            "recommendation": case.recommendation,
        },
        "safety": case.safety,
        "vitals": [show.vitals(v) for v in case.vitals],
        "timeline": [row for f in facts if (row := _timeline_row(f))],
        "opinions": [_opinion(case, m) for m in opinions],
        "conclusions": [
            show.conclusion_read(c) | {"superseded": c is not standing, "read_backs": _read_backs(case, c.id)}
            for c in case.conclusions
        ],
        "calls": [show.call(c) for c in case.calls],
        "telephone": show.by_telephone(case),
        "outcomes": [show.outcome(o) for o in case.outcomes],
    }


def _answering(case: Consultation) -> list[str]:
    """The hospital that held the case first; then others whose desks were rung, as they were rung."""

    def held(callout: Callout) -> bool:
        return any(o.doctor_id == case.holder_id and o.state == "accepted" for o in callout.offers)

    return list(dict.fromkeys(c.hospital_name for c in sorted(case.callouts, key=held, reverse=True)))


def _people(case: Consultation, licences: dict[str, str | None]) -> list[Json]:
    known = {case.requester_id: case.requester_licence}
    if case.holder_id:
        known[case.holder_id] = case.holder_licence
    return [
        {
            "user": p.user_id,
            "name": p.name,
            "role": p.role,
            "hospital_name": p.hospital_name,
            "licence": known.get(p.user_id) or licences.get(str(p.user_id)),
            "joined_at": p.joined_at,
            "left_at": p.left_at,
        }
        for p in case.participants
    ]


def _timeline_row(fact: Fact) -> Json | None:
    words = record_timeline.words_of(fact.type, fact.data)
    if words is None:
        return None
    return {"n": fact.seq, "at": fact.at, "by_name": fact.actor_name, "type": fact.type, "text": words}


def _opinion(case: Consultation, message: Message) -> Json:
    cited = next((v for v in case.vitals if v.id == message.vitals_id), None)
    return show.message(message) | {
        "vitals": show.vitals(cited) if cited else None,
        "read_backs": _read_backs(case, message.id),
    }


def _read_backs(case: Consultation, advice: UUID) -> list[Json]:
    return [show.read_back(r) for r in case.read_backs if r.event_id == advice]


# Names and licences that the case itself does not keep, and whether this is a demonstration, in one round trip.
_ABOUT = text("""
SELECT d.name AS health_department, s.vi AS specialty,
  COALESCE((SELECT demo FROM installation WHERE id = 1), false) AS demo,
  (SELECT json_object_agg(u.id, u.licence) FROM participant p JOIN user_account u ON u.id = p.user_id
   WHERE p.consultation_id = c.id) AS licences
FROM consultation c JOIN organization h ON h.id = c.hospital_id LEFT JOIN organization d ON d.id = h.department_id
JOIN specialty s ON s.code = c.specialty
WHERE c.id = CAST(:id AS uuid)
""")
