"""How a case is shown: the board header, the offer card and the whole case, built from the rows without a query."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.database import plain
from app.models import clinical
from app.models.callout import Callout, CalloutState, Offer
from app.models.consultation import Consultation
from app.models.discussion import Conclusion, Message, Outcome, Participant, ReadBack, VitalSigns
from app.models.reminder import Reminder, TelephoneCall

Json = dict[str, Any]
DRILL = "DIỄN TẬP"


def header(case: Consultation, *, content: bool = False) -> Json:
    """Return the board row: who has the case and what happens next. Free text only where content may be read."""
    case, callout = plain(case), _leading(case)
    row: Json = {
        "consultation_id": case.id,
        "id": case.id,
        "number": case.number,
        "version": case.version,
        "status": case.status,
        "urgency": case.urgency,
        "specialty": case.specialty,
        "hospital": case.hospital_id,
        "hospital_name": case.hospital_name,
        "ward_name": case.ward_name,
        "requester_name": case.requester_name,
        "sex": case.sex,
        "age_years": _age_years(case),
        "age_months": case.age_months,
        "diagnosis_code": case.diagnosis_code,
        "holder": case.holder_id,
        "holder_name": case.holder_name,
        "held_since": case.held_since,
        "answer_due_at": case.answer_due_at,
        "answered_at": case.answered_at,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
        "concluded_at": case.concluded_at,
        "outcome_due_at": case.outcome_due_at,
        "warnings": case.warnings,
        "drill": case.drill,
        "telephone": _telephone_times(case),
        "quiet": False,
        "exhausted": False,
        "ringing": [],
        "next_names": [],
    }
    if callout is not None:
        callout = plain(callout)
        row |= {
            "callout_id": callout.id,
            "desk": callout.desk_id,
            "desk_name": callout.desk_name,
            "answering_hospital": callout.hospital_id,
            "answering_hospital_name": callout.hospital_name,
            "step": callout.step,
            "steps_total": len(callout.steps),
            "round": callout.round,
            "next_due_at": callout.step_due_at if callout.ringing else None,
            "next_names": _next_names(callout),
            "ringing": [_ring(o) for c in (callout, *_beside(case)) for o in c.offers if o.rings],
            "quiet": callout.ringing and callout.quiet,
            "exhausted": callout.ringing and callout.on_last_step and not callout.quiet,
        }
    if content:
        row |= {"label": label(case), "question": case.question, "situation": case.situation}
    return row


def full(case: Consultation, *, may: Collection[str] = (), view: str = "full", demo: bool = False) -> Json:
    """Return the case in the widest view its reader may have: `full`, `card` or `header`."""
    if view == "header":
        return header(case) | {"view": "header", "may": list(may), "demo": demo, "callouts": [], "participants": []}
    case, card = plain(case), view == "card"
    newest = case.newest_vitals
    conclusion = case.conclusion
    read: Json = {
        "id": case.id,
        "number": case.number,
        "version": case.version,
        "view": view,
        "status": case.status,
        "urgency": case.urgency,
        "specialty": case.specialty,
        "question": case.question,
        "situation": case.situation,
        "background": case.background,
        "assessment": case.assessment,
        "recommendation": case.recommendation,
        "kind_of_help": case.kind_of_help,
        "patient": {
            "label": label(case),
            "sex": case.sex,
            "birth_date": None if card else case.birth_date,
            "age_years": _age_years(case),
            "age_months": case.age_months,
            "weight_kg": _number(case.weight_kg),
            "identifiers": [] if card else case.identifiers,
        },
        "diagnosis": {"code": case.diagnosis_code, "text": case.diagnosis_text}
        if case.diagnosis_code or case.diagnosis_text
        else None,
        "safety": case.safety,
        "vitals": [vitals(v) for v in case.vitals],
        "news2": newest.news2 if newest else None,
        "hospital": case.hospital_id,
        "hospital_name": case.hospital_name,
        "ward": case.ward_id,
        "ward_name": case.ward_name,
        "ward_phone": case.ward_phone,
        "requester": case.requester_id,
        "requester_name": case.requester_name,
        "requester_phone": case.requester_phone,
        "requester_licence": case.requester_licence,
        "holder": case.holder_id,
        "holder_name": case.holder_name,
        "holder_licence": case.holder_licence,
        "held_since": case.held_since,
        "heard_at": case.heard_at,
        "ward_owner": case.ward_owner,
        "ward_owner_name": _ward_owner_name(case),
        "callouts": [callout(c) for c in case.callouts],
        "participants": [] if card else [participant(p, case) for p in case.participants],
        "warnings": case.warnings,
        "answer_due_at": case.answer_due_at,
        "answered_at": case.answered_at,
        "written_at": case.written_at,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
        "concluded_at": case.concluded_at,
        "closed_at": case.closed_at,
        "cancelled_at": case.cancelled_at,
        "cancel_reason": case.cancel_reason,
        "conclusion": conclusion_read(conclusion) if conclusion and not card else None,
        "conclusions": [] if card else [conclusion_read(c) for c in case.conclusions],
        "outcomes": [] if card else [outcome(o) for o in case.outcomes],
        "read_backs": [] if card else [read_back(r) for r in case.read_backs],
        "calls": [] if card else [call(c) for c in case.calls],
        "unread": [] if card else [unread(r) for r in case.reminders],
        "outcome_due_at": case.outcome_due_at,
        "telephone": by_telephone(case),
        "drill": case.drill,
        "demo": demo,
        "may": list(may),
    }
    return read


def callout(call: Callout, *, ladder: bool = True) -> Json:
    """Return one desk's ladder with the people rung and what they did."""
    call = plain(call)
    read: Json = {
        "id": call.id,
        "desk": call.desk_id,
        "desk_name": call.desk_name,
        "desk_phone": call.desk_phone,
        "hospital": call.hospital_id,
        "hospital_name": call.hospital_name,
        "specialty": call.specialty,
        "urgency": call.urgency,
        "state": call.state,
        "step": call.step,
        "steps_total": len(call.steps),
        "round": call.round,
        "next_due_at": call.step_due_at if call.ringing else None,
        "opened_at": call.opened_at,
        "ended_at": call.ended_at,
        "reason": call.reason,
        "ended_reason": call.ended_reason,
        "question": call.question,
        **hand_over_note(call),
        "offers": [offer(o) for o in call.offers],
    }
    if ladder:
        read["ladder"] = ladder_of(call)
    return read


def hand_over_note(call: Callout) -> Json:
    """Return what whoever passed the case on wrote to whoever takes it, and who wrote it; free text, so on no board.

    A callout that rings again for a silent holder goes on with the policy of the hand-over, and not with its note.
    """
    own = call.policy if call.policy.get("name") == call.reason else {}
    return {"note": own.get("note"), "note_by_name": own.get("note_by_name")}


def ladder_of(call: Callout) -> list[Json]:
    """Return the frozen steps with the time at which each was, or will be, added."""
    rows: list[Json] = []
    at = call.step_due_at
    passed_over = set(call.passed_over or ())
    for index, step in enumerate(call.steps):
        started = index <= call.step
        rung = [o for o in call.offers if o.step == index]
        if started:
            when: datetime | None = min((o.made_at for o in rung), default=None)
            doctors = [{"doctor": o.doctor_id, "doctor_name": o.doctor_name} for o in rung]
        else:
            when = at if call.ringing else None
            doctors = call.preview[index]["doctors"] if index < len(call.preview) else []
            turns = len(doctors) or 1 if step.get("mode", "all") != "all" else 1
            at = at + timedelta(seconds=turns * step["timeout_s"])
        known = call.preview[index]["doctors"] if index < len(call.preview or ()) else []
        rows.append(
            {
                "step": index,
                "who": step["who"],
                "mode": step.get("mode", "all"),
                "sticky": step.get("sticky", False),
                "at": when,
                "started": started,
                "doctors": doctors,
                "passed_over": [d for d in known if d["doctor"] in passed_over],
            }
        )
    return rows


def offer(o: Offer) -> Json:
    """Return one doctor's offer: delivered, seen and answered are separate facts with separate times."""
    o = plain(o)
    return {
        "id": o.id,
        "doctor": o.doctor_id,
        "doctor_name": o.doctor_name,
        "role": o.role,
        "step": o.step,
        "state": o.state,
        "reason": o.reason,
        "reason_text": o.reason_text,
        "made_at": o.made_at,
        "delivered_at": o.delivered_at,
        "seen_at": o.seen_at,
        "undelivered": o.undelivered_at is not None and o.delivered_at is None,
        "expired_at": o.expired_at,
        "answered_at": o.answered_at,
        "answered_via": o.answered_via,
        "attendance": o.attendance,
    }


def offer_card(case: Consultation, call: Callout, o: Offer, *, may_accept: bool = True, demo: bool = False) -> Json:
    """Return what the wake-up card shows: the question and the patient, without identifiers."""
    call, o = plain(call), plain(o)
    return {
        "offer_id": o.id,
        "consultation_id": case.id,
        "callout_id": call.id,
        "desk": call.desk_id,
        "desk_name": call.desk_name,
        "question": call.question,
        **hand_over_note(call),
        "step": o.step,
        "role": o.role,
        "state": o.state,
        "made_at": o.made_at,
        "due_at": call.step_due_at,
        "delivered_at": o.delivered_at,
        "seen_at": o.seen_at,
        "expired_at": o.expired_at,
        "attendance": o.attendance,
        "doctor": o.doctor_id,
        "doctor_name": o.doctor_name,
        "quiet": call.quiet,
        "may_accept": may_accept,
        "leader_name": case.holder_name if call.state == CalloutState.ACCEPTED else None,
        "card": full(case, view="card", demo=demo),
    }


def vitals(v: VitalSigns) -> Json:
    """Return one set of vital signs with its time, its author and its own NEWS2."""
    v = plain(v)
    return {
        "id": v.id,
        "taken_at": v.taken_at,
        "recorded_at": v.recorded_at,
        "recorded_by_name": v.recorded_by_name,
        "pulse": v.pulse,
        "systolic": v.systolic,
        "diastolic": v.diastolic,
        "respiration": v.respiration,
        "temperature": _number(v.temperature),
        "spo2": v.spo2,
        "spo2_scale": v.spo2_scale,
        "on_oxygen": v.on_oxygen,
        "oxygen_l_min": _number(v.oxygen_l_min),
        "consciousness": v.consciousness,
        "warnings": v.warnings,
        "news2": v.news2,
    }


def participant(p: Participant, case: Consultation) -> Json:
    """Return one person's part and how far they have read."""
    p = plain(p)
    attendance = next((o.attendance for o in case.offers_to(p.user_id) if o.attendance), None)
    return {
        "user": p.user_id,
        "name": p.name,
        "role": p.role,
        "hospital_name": p.hospital_name,
        "joined_at": p.joined_at,
        "left_at": p.left_at,
        "attendance": attendance,
        "delivered_n": p.delivered_n,
        "seen_n": p.seen_n,
    }


def message(m: Message) -> Json:
    """Return one message; a superseded one stays readable and says so."""
    return {
        "event_id": m.id,
        "n": m.n,
        "text": m.text,
        "opinion": m.opinion,
        "author": m.author_id,
        "author_name": m.author_name,
        "author_hospital_name": m.author_hospital_name,
        "at": m.at,
        "written_at": m.written_at,
        "supersedes": m.supersedes,
        "superseded_by": m.superseded_by,
        "vitals_id": m.vitals_id,
    }


def conclusion_read(c: Conclusion) -> Json:
    """Return a conclusion and what it supersedes."""
    return {
        "event_id": c.id,
        "at": c.at,
        "by": c.author_id,
        "by_name": c.author_name,
        "by_licence": c.author_licence,
        "summary": c.summary,
        "conclusion": c.conclusion,
        "plan": c.plan,
        "decision": c.decision,
        "supersedes": c.supersedes,
    }


def read_back(r: ReadBack) -> Json:
    """Return what the requesting side said it understood."""
    return {
        "event_id": r.event_id,
        "by": r.by_id,
        "by_name": r.by_name,
        "understood": r.understood,
        "text": r.text,
        "at": r.at,
        "done_already": r.done_already,
    }


def call(c: TelephoneCall) -> Json:
    """Return a conversation by telephone: typed by one side, confirmed by the other."""
    return {
        "id": c.id,
        "at": c.at,
        "by": c.by_id,
        "by_name": c.by_name,
        "side": c.side,
        "text": c.text,
        "recorded_at": c.recorded_at,
        "confirmed_by": c.confirmed_by,
        "confirmed_by_name": c.confirmed_by_name,
        "confirmed_at": c.confirmed_at,
    }


def by_telephone(case: Consultation) -> Json | None:
    """Return what was asked and answered before the case was entered, as the ward says, and who has confirmed it."""
    times, said = _telephone_times(case), case.told
    if times is None:
        return None
    return times | {
        "answered_by": case.told_by_id,
        "answered_by_name": case.told_by_name,
        "entered_by_name": case.requester_name,
        "text": said.text if said else "",
        "confirmed_by_name": said.confirmed_by_name if said else None,
        "confirmed_at": said.confirmed_at if said else None,
    }


def _telephone_times(case: Consultation) -> Json | None:
    """What a board may show of it: no name that somebody typed."""
    if case.telephoned_at is None:
        return None
    return {"asked_at": case.telephoned_at, "answered_at": case.told_at, "entered_at": case.created_at}


def unread(r: Reminder) -> Json:
    """Return one piece of advice that nobody has read back, and how far the ringing for it has gone."""
    return {"event_id": r.event_id, "opinion_at": r.opened_at, "step": r.step, "due_at": r.next_due_at}


def label(case: Consultation) -> str:
    """Name the patient; in a drill the first word says that there is none."""
    if not case.drill or case.label.startswith(DRILL):
        return case.label
    return f"{DRILL} · {case.label}"


def outcome(o: Outcome) -> Json:
    """Return what became of the patient."""
    return {
        "at": o.due,
        "result": o.result,
        "text": o.text,
        "by": o.by_id,
        "by_name": o.by_name,
        "reported_at": o.reported_at,
    }


def _leading(case: Consultation) -> Callout | None:
    own = [c for c in case.callouts if not c.parallel]
    ringing = [c for c in own if c.ringing]
    accepted = [c for c in own if c.state == CalloutState.ACCEPTED]
    found = ringing or accepted or own
    return found[-1] if found else None


def _beside(case: Consultation) -> list[Callout]:
    """Second specialties that are being rung in parallel."""
    return [c for c in case.callouts if c.parallel and c.ringing]


def _ring(o: Offer) -> Json:
    return {
        "doctor": o.doctor_id,
        "doctor_name": o.doctor_name,
        "role": o.role,
        "delivered_at": o.delivered_at,
        "seen_at": o.seen_at,
        "undelivered": o.undelivered_at is not None and o.delivered_at is None,
    }


def _next_names(call: Callout) -> list[str]:
    if not call.ringing or call.on_last_step:
        return []
    following = call.preview[call.step + 1 : call.step + 2]
    return [d["doctor_name"] for step in following for d in step["doctors"]]


def _ward_owner_name(case: Consultation) -> str:
    part = case.participant(case.ward_owner)
    return part.name if part else case.requester_name


def _age_years(case: Consultation) -> int | None:
    if case.age_years is not None or case.birth_date is None:
        return case.age_years
    return clinical.age_years(birth_date=case.birth_date, years=None, on=clinical.ward_day(case.created_at))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
