"""The life of a consultation on the asking side: request, read, complete, raise, cancel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, text

from app.errors import Invalid, NobodyToRing, NotFound
from app.identifiers import new_id
from app.models import clinical, news2
from app.models.callout import SECOND_SPECIALTY, CalloutState, Candidate, Offer, OfferState
from app.models.consultation import Consultation, Status
from app.models.discussion import VitalSigns
from app.models.urgency import Urgency
from app.policy import Action, CaseFacts, Relation, allow, facts_of, may, reads_until, view_of, visible_consultations
from app.schemas import consultation as show
from app.schemas import messages
from app.schemas.requests import ConsultationPatch, RequestIn
from app.schemas.vitals import VitalsIn
from app.services.cases import reminders
from app.services.facts import case_rows, events
from app.services.ringing import ladder, routing, sticky
from app.work import Subject, Work

PAGE = 50
SAFETY_UNASKED = {"state": "not_asked", "text": ""}


@dataclass(frozen=True, slots=True)
class Seen:
    """A case with the view its reader may have of it and what they may do."""

    case: Consultation
    view: str
    may: list[str]
    rendered: dict[str, Any] | None = None
    """The full view, where a fact has it already."""

    def as_read(self, *, demo: bool = False) -> dict[str, Any]:
        """Return the case as the contract shows it."""
        if self.rendered is not None:
            return self.rendered | {"may": self.may, "demo": demo}
        return show.full(self.case, may=self.may, view=self.view, demo=demo)


async def ask(work: Work, request: RequestIn, *, online: Callable[[UUID], bool] = lambda _: False, **more: Any) -> Seen:
    """Take a request, find the desk on call by agreement, specialty and duty, and ring it. All of it, or nothing.

    `online`: whether a device of somebody's is connected; the doctor who knows the patient is rung first if reachable.
    `more` is told with the fact of the request: where it came from.
    """
    allow(work, Action.ASK)
    request.check(work.now)
    case, desk = await begin(work, request)
    await sticky.put_first(work, case, desk, previous_id=request.previous_id, online=online)
    made = await _ring_somebody(work, case, desk)
    requested = events.record(work, case, "consultation.requested", more)
    ladder.record_step(work, case, case.callouts[0], made)
    body = requested.data["consultation"] = show.full(case)
    return replace(answer(work, case), rendered=body)


async def _ring_somebody(work: Work, case: Consultation, desk: routing.Desk) -> list[Offer]:
    """Ring the desk; where it has nobody, not even a coordinator, the next one that may be asked.

    Raises NobodyToRing: a request that rings nobody is not taken, and the ward is told to telephone.
    """
    made = await ladder.open_callout(work, case, desk, reason="request")
    if made:
        return made
    others = await routing.instead_of(
        work, desk, hospital=case.hospital_id, specialty=case.specialty, urgency=Urgency(case.urgency)
    )
    for other in others:
        case.callouts.clear()
        made = await ladder.open_callout(work, case, other, reason="request")
        if made:
            said = routing.warnings_of(other, case.specialty)
            case.warnings = [*case.warnings, *(w for w in said if w not in case.warnings)]
            case.answer_due_at = routing.answer_due(work.now, other.policy)
            return made
    raise NobodyToRing


async def begin(work: Work, request: RequestIn) -> tuple[Consultation, routing.Desk]:
    """Find the desk and make the case, with its requester and vital signs; nobody is asked yet, nothing recorded."""
    route = await routing.route(
        work,
        specialty=request.specialty,
        urgency=request.urgency,
        desk_id=request.desk_id,
        label=request.patient.label,
    )
    case = _new_case(work, request, route)
    work.cases[case.id] = case
    work.new_cases.add(case.id)
    if work.command:
        work.command.consultation_id = case.id
    case.join(work.subject.person, "requester", now=work.now)
    for taken in request.vitals:
        case.vitals.append(_vital_signs(work, case, taken))
    return case, route.desk


async def read(work: Work, case_id: UUID, *, via: str = "read") -> Seen:
    """Read one case in the widest view the reader may have; reading content is logged."""
    case, on_duty_at = await case_rows.load(work, case_id)
    facts = facts_of(case, work.subject, on_duty_at)
    view = view_of(work.subject, facts)
    if view is None:
        raise NotFound
    if reads_until(work.subject, case, facts) is not None:
        view = "header"  # what was said while they took part stands in the messages and the history
    log_read(work, case, view, via)
    return Seen(case, view, may_now(work.subject, case, on_duty_at))


async def locked(work: Work, case_id: UUID, action: Action) -> tuple[Consultation, list[UUID]]:
    """Lock a case for a command, if the actor may do it."""
    case, on_duty_at = await case_rows.load(work, case_id, lock=True)
    if work.command:
        work.command.consultation_id = case.id
    allow(work, action, case, on_duty_at)
    return case, on_duty_at


def log_read(work: Work, case: Consultation, view: str, via: str) -> None:
    """Note a read of patient data; the board header is none."""
    if view != "header":
        work.reads.append((case.id, view, via))


def answer(work: Work, case: Consultation, on_duty_at: Sequence[UUID] = ()) -> Seen:
    """Return the case after a command, as its actor may see it now."""
    return _seen(work, case, on_duty_at)


async def page(
    work: Work,
    *,
    statuses: Sequence[str],
    specialty: str | None,
    hospital: UUID | None,
    query: str | None,
    cursor: tuple[datetime, UUID] | None,
) -> tuple[list[dict[str, Any]], tuple[datetime, UUID] | None]:
    """List cases, newest first, 50 a page; free text only of cases whose content the reader may read."""
    on_duty_at = await _duty_desks(work)
    chosen = visible_consultations(work.subject, on_duty_at)
    chosen = _filtered(chosen, statuses=statuses, specialty=specialty, hospital=hospital, query=query, cursor=cursor)
    ids = (
        await work.session.execute(
            chosen.with_only_columns(Consultation.id, Consultation.created_at)
            .order_by(Consultation.created_at.desc(), Consultation.id.desc())
            .limit(PAGE + 1)
        )
    ).all()
    cases = {c.id: c for c in await case_rows.load_many(work, [row.id for row in ids[:PAGE]])}
    rows = [_list_row(work, cases[row.id], on_duty_at) for row in ids[:PAGE] if row.id in cases]
    last = ids[PAGE - 1] if len(ids) > PAGE else None
    return rows, (last.created_at, last.id) if last else None


async def update(work: Work, case_id: UUID, patch: ConsultationPatch) -> Seen:
    """Complete or correct the request while it is open; offer cards change with it."""
    case, on_duty_at = await locked(work, case_id, Action.UPDATE)
    patch.check(work.now)
    changed = _apply(case, patch)
    events.record(
        work,
        case,
        "consultation.updated",
        {"changed": changed, "consultation": show.full(case)},
        to=_told_of_changes(case),
        attach=_cards(case),
    )
    return _seen(work, case, on_duty_at)


async def record_vitals(work: Work, case_id: UUID, taken: VitalsIn) -> Seen:
    """Add a set of vital signs, with the NEWS2 of this set alone."""
    case, on_duty_at = await locked(work, case_id, Action.RECORD_VITALS)
    taken.check(work.now)
    before = case.newest_vitals
    signs = _vital_signs(work, case, taken)
    work.session.add(signs)
    await work.session.flush()
    case.vitals.append(signs)
    case.vitals.sort(key=lambda v: (v.taken_at, v.recorded_at))
    total = signs.news2["total"]
    prompts = news2.prompts_raise(before.news2["total"] if before else None, total)
    events.record(
        work,
        case,
        "vitals.recorded",
        {"vitals": show.vitals(signs), "prompts_raise": prompts},
        to=_told_of_changes(case),
        attach=_cards(case),
    )
    return _seen(work, case, on_duty_at)


async def raise_urgency(work: Work, case_id: UUID, urgency: Urgency, reason: str) -> Seen:
    """The patient is worse: ring the ladder of the new urgency from its first step, and the holder."""
    case, on_duty_at = await locked(work, case_id, Action.RAISE_URGENCY)
    found = [await routing.desk_now(work, desk_id, urgency.value) for desk_id in _desks_to_ring(case)]
    desks = [desk for desk in found if desk is not None]
    if not desks:
        raise NotFound
    beside = [(c, await routing.desk_now(work, c.desk_id, urgency.value)) for c in case.ringing_callouts if c.parallel]
    before = case.urgency
    ringing = {desk.id: _rung_at(case, desk.id) for desk in desks}
    due = min(routing.answer_due(work.now, desk.policy) for desk in desks)
    ending = case.raise_urgency(urgency, answer_due_at=due, now=work.now)
    if case.holder_id and case.holder_name:
        ringing[desks[0].id].insert(0, Candidate(case.holder_id, case.holder_name, "holder"))
    events.record(
        work,
        case,
        "consultation.urgency_raised",
        {"urgency": urgency, "before": before, "reason": reason},
        to=_told_of_changes(case),
    )
    ladder.record_ending(work, case, ending)
    await reminders.hurry(work, case)
    for desk in desks:
        made = await ladder.open_callout(work, case, desk, reason="urgency_raised", also=ringing[desk.id])
        await ladder.record_opened(work, case, case.callouts[-1], made)
    for asked, again_at in beside:
        if again_at is not None:
            again = await ladder.open_callout(work, case, again_at, reason=SECOND_SPECIALTY, question=asked.question)
            await ladder.record_opened(work, case, case.callouts[-1], again)
    return _seen(work, case, on_duty_at)


async def cancel(work: Work, case_id: UUID, reason: str | None) -> Seen:
    """Take the request back; everybody who was rung is told, by name."""
    case, on_duty_at = await locked(work, case_id, Action.CANCEL)
    await call_off(work, case, reason)
    return _seen(work, case, on_duty_at)


async def call_off(work: Work, case: Consultation, reason: str | None, **more: Any) -> None:
    """End a case that its asking side needs no longer, and tell everybody who was rung or takes part."""
    ending = case.cancel(reason=reason, now=work.now)
    ladder.record_ending(work, case, ending)
    await reminders.close(work, case)
    told = [p.user_id for p in case.participants if p.left_at is None and p.role != "requester"]
    events.record(work, case, "consultation.cancelled", {"reason": reason, **more}, to=told)


def _desks_to_ring(case: Consultation) -> list[UUID]:
    """The desk that holds the case, and every desk that rings: one that it was forwarded to does not replace the first.

    Another desk may be of another specialty, whose ladder the doctors of the first one could not accept.
    """
    held = [case.held_through] if case.holder_id else []
    own = (c for c in case.ringing_callouts if not c.parallel)
    return list(dict.fromkeys(c.desk_id for c in (*held, *own)))


def _rung_at(case: Consultation, desk_id: UUID) -> list[Candidate]:
    callouts = [c for c in case.ringing_callouts if c.desk_id == desk_id and not c.parallel]
    return [Candidate(o.doctor_id, o.doctor_name, o.role) for c in callouts for o in c.offers if o.rings]


def _new_case(work: Work, request: RequestIn, route: routing.Route) -> Consultation:
    subject, patient, now = work.subject, request.patient, work.now
    if subject.hospital_id is None:
        raise Invalid("hospital", "Tài khoản chưa thuộc bệnh viện nào.", "The account belongs to no hospital.")
    written, _ = clinical.written_at(request.written_at, now)
    case = case_rows.fresh(
        Consultation,
        id=new_id(now),
        number=route.number,
        hospital_id=subject.hospital_id,
        hospital_name=subject.hospital_name,
        ward_id=subject.ward_id,
        ward_name=subject.ward_name,
        ward_phone=subject.ward_phone,
        requester_id=subject.id,
        requester_name=subject.name,
        requester_phone=subject.phone,
        requester_licence=subject.licence,
        specialty=request.specialty,
        urgency=request.urgency,
        status=Status.RINGING,
        question=request.question,
        situation=request.situation,
        background=request.background,
        assessment=request.assessment,
        recommendation=request.recommendation,
        kind_of_help=request.kind_of_help,
        label=patient.label or clinical.temporary_label(int(route.number.partition("-")[2])),
        sex=patient.sex,
        birth_date=patient.birth_date,
        age_years=patient.age_years,
        age_months=patient.age_months,
        weight_kg=patient.weight_kg,
        identifiers=[i.model_dump() for i in patient.identifiers],
        diagnosis_code=(request.diagnosis.code or None) if request.diagnosis else None,
        diagnosis_text=(request.diagnosis.text or None) if request.diagnosis else None,
        safety=request.safety.model_dump(),
        warnings=route.warnings,
        drill=request.drill,
        version=0,
        head_hash=b"",
        answer_due_at=routing.answer_due(now, route.desk.policy),
        written_at=written,
        created_at=now,
        updated_at=now,
    )
    case.said = 0
    case.callouts, case.participants, case.vitals = [], [], []
    case.conclusions, case.read_backs, case.outcomes = [], [], []
    case.calls, case.reminders = [], []
    return case


def _vital_signs(work: Work, case: Consultation, taken: VitalsIn) -> VitalSigns:
    years = clinical.age_years(
        birth_date=case.birth_date, years=case.age_years, months=case.age_months, on=clinical.ward_day(work.now)
    )
    pregnancy = (case.safety.get("pregnancy") or SAFETY_UNASKED)["state"]
    score = news2.assess(taken, age_years=years, sex=case.sex, pregnancy=pregnancy)
    return case_rows.fresh(
        VitalSigns,
        id=new_id(work.now),
        consultation_id=case.id,
        taken_at=taken.taken_at,
        recorded_at=work.now,
        recorded_by=work.subject.id,
        recorded_by_name=work.subject.name,
        spo2_scale=taken.spo2_scale,
        warnings=[_warning(doubt) for doubt in taken.doubts(work.now)],
        news2=score.as_read(),
        **taken.values(),
    )


def _warning(doubt: clinical.Doubt) -> dict[str, str]:
    """In both languages, because the two sides of a case may read in different ones."""
    return messages.warning(doubt, "vi") | {"detail_en": messages.warning(doubt, "en")["detail"]}


_PLAIN = ("question", "situation", "background", "assessment", "recommendation", "kind_of_help")
_PATIENT = ("label", "sex", "birth_date", "age_years", "age_months", "weight_kg", "identifiers")


def _apply(case: Consultation, patch: ConsultationPatch) -> list[str]:
    changes = patch.changes()
    changed: list[str] = []
    for name in _PLAIN:
        if name in changes:
            setattr(case, name, changes[name])
            changed.append(name)
    for name in _PATIENT:
        if name in changes.get("patient", {}):
            setattr(case, name, changes["patient"][name])
            changed.append(f"patient.{name}")
    changed += _age_in_one_unit(case, changes.get("patient", {}))
    if "diagnosis" in changes:
        case.diagnosis_code = changes["diagnosis"]["code"] or None
        case.diagnosis_text = changes["diagnosis"]["text"] or None
        changed.append("diagnosis")
    for name, fact in changes.get("safety", {}).items():
        case.safety = case.safety | {name: SAFETY_UNASKED | fact}
        changed.append(f"safety.{name}")
    return changed


def _age_in_one_unit(case: Consultation, given: dict[str, Any]) -> list[str]:
    """A new age takes the place of one in the other unit that contradicts it: 8 months instead of 8 years."""
    day = clinical.ward_day(case.created_at)
    agree = clinical.ages_disagree(birth_date=None, years=case.age_years, months=case.age_months, on=day) is None
    if agree or not given.keys() & {"age_years", "age_months"}:
        return []
    replaced = "age_years" if "age_months" in given else "age_months"
    setattr(case, replaced, None)
    return [f"patient.{replaced}"]


def _told_of_changes(case: Consultation) -> list[UUID]:
    """The holder and all who are rung: a late allergy or a new blood pressure must reach them."""
    told = {o.doctor_id for c in case.callouts for o in c.offers if o.rings}
    if case.holder_id:
        told.add(case.holder_id)
    return sorted(told)


def _cards(case: Consultation) -> dict[str, dict[str, Any]]:
    return {"user": {"card": show.full(case, view="card")}} if any(_open_offers(case)) else {}


def _open_offers(case: Consultation) -> list[Offer]:
    return [o for c in case.callouts for o in c.offers if o.state == OfferState.MADE]


def _filtered(
    chosen: Select[Consultation],
    *,
    statuses: Sequence[str],
    specialty: str | None,
    hospital: UUID | None,
    query: str | None,
    cursor: tuple[datetime, UUID] | None,
) -> Select[Consultation]:
    if statuses:
        chosen = chosen.where(Consultation.status.in_(statuses))
    if specialty:
        chosen = chosen.where(Consultation.specialty == specialty)
    if hospital:
        chosen = chosen.where(Consultation.hospital_id == hospital)
    if query:
        chosen = chosen.where(
            or_(Consultation.number.ilike(_like(query)), Consultation.hospital_name.ilike(_like(query)))
        )
    if cursor:
        at, case_id = cursor
        chosen = chosen.where(
            or_(Consultation.created_at < at, (Consultation.created_at == at) & (Consultation.id < case_id))
        )
    return chosen


def _like(query: str) -> str:
    escaped = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _list_row(work: Work, case: Consultation, on_duty_at: Sequence[UUID]) -> dict[str, Any]:
    facts = facts_of(case, work.subject, on_duty_at)
    content = bool(facts.relations & _LISTS_CONTENT)
    if content:
        log_read(work, case, "card", "list")
    return show.header(case, content=content)


_LISTS_CONTENT = frozenset(
    {Relation.REQUESTER, Relation.COLLEAGUE, Relation.HOLDER, Relation.TEAM, Relation.INVITED, Relation.OFFERED}
)


def _seen(work: Work, case: Consultation, on_duty_at: Sequence[UUID] = ()) -> Seen:
    """The answer to a command shows the case, so it is a read."""
    facts = facts_of(case, work.subject, on_duty_at)
    view = view_of(work.subject, facts) or "header"
    log_read(work, case, view, "command")
    return Seen(case, view, may_now(work.subject, case, on_duty_at, facts))


def may_now(
    subject: Subject, case: Consultation, on_duty_at: Sequence[UUID] = (), facts: CaseFacts | None = None
) -> list[str]:
    """Return what the subject may do to the case now, the answers to its own offers included.

    `facts`: how the subject stands to the case, where that is known already.
    """
    allowed = may(subject, facts or facts_of(case, subject, on_duty_at))
    own = [o for c in case.callouts for o in c.offers if o.doctor_id == subject.id and o.rings]
    ringing = [
        c for c in case.ringing_callouts if c.open_offer_of(subject.id) or (c.desk_id in on_duty_at and not c.personal)
    ]
    if any(c.specialty in subject.specialties for c in ringing):
        allowed.append("accept")
    if own:
        allowed.append("decline")
    if case.urgency == Urgency.RED:
        allowed = [a for a in allowed if a != Action.RAISE_URGENCY]
    if case.holder_id != subject.id and not any(c.open_offer_of(subject.id) for c in case.ringing_callouts):
        allowed = [a for a in allowed if a != Action.FORWARD]
    if not any(not c.on_last_step for c in case.ringing_callouts):
        allowed = [a for a in allowed if a != Action.JUMP]
    red_led = [c for c in case.callouts if c.state == CalloutState.ACCEPTED and c.urgency == Urgency.RED]
    if any(c.open_offer_of(subject.id) for c in red_led):
        allowed.append("attend")
    if case.quiet:
        allowed = [a for a in allowed if a != Action.RE_ROUTE]
    if not any(not call.confirmed and call.side != case.side_of(subject.id) for call in case.calls):
        allowed = [a for a in allowed if a != Action.CONFIRM_CALL]
    if not case.drill:
        allowed = [a for a in allowed if a != Action.MAKE_REAL]
    return allowed


async def _duty_desks(work: Work) -> list[UUID]:
    rows = await work.session.execute(_MY_DESKS, {"actor": work.subject.id, "now": work.now})
    return [row.desk_id for row in rows]


_MY_DESKS = text(
    "SELECT DISTINCT s.desk_id FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id "
    "WHERE d.doctor_id = CAST(:actor AS uuid) AND upper(d.during) > CAST(:now AS timestamptz) "
    "AND d.during @> CAST(:now AS timestamptz) AND s.desk_id IS NOT NULL"
)

__all__ = [
    "Seen",
    "answer",
    "ask",
    "begin",
    "call_off",
    "cancel",
    "locked",
    "log_read",
    "page",
    "raise_urgency",
    "read",
    "record_vitals",
    "update",
]
