"""The discussion: messages, opinions and their read-back, the conclusion, invitations, what became of the patient."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.errors import Invalid, NotFound
from app.identifiers import new_id
from app.models import clinical
from app.models.consultation import Consultation, Person
from app.models.discussion import Conclusion, Message, Outcome, ReadBack
from app.models.organization import Organization
from app.models.user import Role, User
from app.policy import Action, allow, reads_until
from app.schemas import consultation as show
from app.schemas.requests import ConclusionIn, MessageIn, OutcomeIn, ReadBackIn
from app.services.cases import after, reminders
from app.services.cases.consultations import Seen, answer, locked, log_read
from app.services.facts import case_rows, events
from app.services.ringing import ladder
from app.work import Work

PAGE = 200


async def post_message(work: Work, case_id: UUID, posted: MessageIn) -> Message:
    """Say something; as an opinion it is advice, cites the vital signs it was given on, and must be read back."""
    action = Action.GIVE_OPINION if posted.opinion else Action.POST_MESSAGE
    case, _ = await locked(work, case_id, action)
    subject = work.subject
    written, _ = clinical.written_at(posted.written_at, work.now)
    corrected = await _corrected(work, case, posted.supersedes)
    if corrected and corrected.opinion and not posted.opinion:
        raise Invalid(
            "opinion",
            "Sửa một ý kiến hội chẩn thì bản sửa cũng là ý kiến, và cần bên yêu cầu xác nhận đã đọc và hiểu.",
            "What corrects an opinion is an opinion too, and must be read back.",
        )
    newest = case.newest_vitals
    message = Message(
        id=new_id(work.now),
        consultation_id=case.id,
        n=case.version + 1,
        author_id=subject.id,
        author_name=subject.name,
        author_hospital_name=subject.hospital_name,
        text=posted.text,
        opinion=posted.opinion,
        at=work.now,
        written_at=written,
        supersedes=corrected.id if corrected else None,
        vitals_id=newest.id if newest and posted.opinion else None,
    )
    work.session.add(message)
    await work.session.flush()
    case.said += 1
    if corrected:
        await work.session.execute(update(Message).where(Message.id == corrected.id).values(superseded_by=message.id))
    events.record(work, case, "message.posted", {"message": show.message(message)}, event_id=message.id)
    after.heard(work, case, case.consulted(by=subject.id, at=work.now, now=work.now))
    if posted.opinion:
        after.heard(work, case, case.answer(by=subject.id, now=work.now))
        await reminders.wait_for(work, case, message.id, corrects=message.supersedes)
    elif subject.id == case.holder_id:
        after.heard(work, case, case.hear(now=work.now))
    return message


async def messages(work: Work, case_id: UUID, after: int) -> tuple[list[Message], int | None]:
    """Read the discussion in the server's order, 200 at a time from place `after`."""
    case, on_duty_at = await case_rows.load(work, case_id)
    facts = allow(work, Action.READ, case, on_duty_at)
    log_read(work, case, "full", "messages")
    return await messages_of(work, case_id, after, until=reads_until(work.subject, case, facts))


async def messages_of(
    work: Work, case_id: UUID, after: int = 0, *, until: datetime | None = None
) -> tuple[list[Message], int | None]:
    """Return messages after a place (and until a time), and where to go on; the caller has authorised it."""
    chosen = select(Message).where(Message.consultation_id == case_id, Message.n > after)
    if until is not None:
        chosen = chosen.where(Message.at <= until)
    found = list(await work.session.scalars(chosen.order_by(Message.n).limit(PAGE + 1)))
    return found[:PAGE], found[PAGE - 1].n if len(found) > PAGE else None


async def read_back(work: Work, case_id: UUID, said: ReadBackIn) -> Seen:
    """The requesting side has read one piece of advice and says what it understood."""
    case, on_duty_at = await locked(work, case_id, Action.READ_BACK)
    corrects = await _advice(work, case, said.event_id)
    if said.done_already is not None and not corrects:
        raise Invalid(
            "done_already",
            "Ý kiến này không sửa ý kiến nào trước đó.",
            "This advice corrects no earlier one.",
        )
    back = ReadBack(
        id=new_id(work.now),
        consultation_id=case.id,
        event_id=said.event_id,
        by_id=work.subject.id,
        by_name=work.subject.name,
        understood=said.understood,
        text=said.text,
        at=work.now,
        done_already=said.done_already,
    )
    work.session.add(back)
    await work.session.flush()
    case.read_backs.append(back)
    told = {case.holder_id} if case.holder_id else set()
    if said.understood:
        told |= await reminders.rung_for(work, case, said.event_id)
        await reminders.close(work, case, said.event_id)
    data = {"read_back": show.read_back(back), "event_id": said.event_id, "understood": said.understood}
    events.record(work, case, "advice.read_back", data, to=told, event_id=back.id)
    return answer(work, case, on_duty_at)


async def conclude(work: Work, case_id: UUID, given: ConclusionIn) -> Seen:
    """The holder concludes; a further conclusion supersedes the last one and needs a new read-back."""
    case, on_duty_at = await locked(work, case_id, Action.CONCLUDE)
    subject, before = work.subject, case.conclusion
    conclusion = Conclusion(
        id=new_id(work.now),
        consultation_id=case.id,
        at=work.now,
        author_id=subject.id,
        author_name=subject.name,
        author_licence=subject.licence,
        summary=given.summary,
        conclusion=given.conclusion,
        plan=given.plan,
        decision=given.decision,
        supersedes=before.id if before else None,
    )
    ending = case.conclude(now=work.now)
    work.session.add(conclusion)
    await work.session.flush()
    case.conclusions.append(conclusion)
    ladder.record_ending(work, case, ending)
    data = {"conclusion": show.conclusion_read(conclusion)}
    events.record(work, case, "consultation.concluded", data, event_id=conclusion.id)
    await reminders.wait_for(work, case, conclusion.id, corrects=conclusion.supersedes)
    return answer(work, case, on_duty_at)


async def report_outcome(work: Work, case_id: UUID, told: OutcomeIn) -> Seen:
    """Tell what became of the patient; at discharge the case closes."""
    case, on_duty_at = await locked(work, case_id, Action.REPORT_OUTCOME)
    closed = case.report_outcome(told.at, now=work.now)
    outcome = Outcome(
        id=new_id(work.now),
        consultation_id=case.id,
        due=told.at,
        result=told.result,
        text=told.text,
        by_id=work.subject.id,
        by_name=work.subject.name,
        reported_at=work.now,
    )
    work.session.add(outcome)
    await work.session.flush()
    case.outcomes.append(outcome)
    events.record(work, case, "outcome.reported", {"outcome": show.outcome(outcome)}, event_id=outcome.id)
    if closed:
        await reminders.close(work, case)
        events.record(work, case, "consultation.closed", {})
    return answer(work, case, on_duty_at)


async def invite(work: Work, case_id: UUID, user_id: UUID, role: str) -> Seen:
    """Let a colleague of either hospital into the case from now on."""
    case, on_duty_at = await locked(work, case_id, Action.INVITE)
    user = await work.session.get(User, user_id)
    sides = {case.hospital_id, *(c.hospital_id for c in case.callouts)}
    doctors = (Role.REQUESTER, Role.SPECIALIST, Role.COORDINATOR)
    if user is None or not user.active or user.hospital_id not in sides or user.role not in doctors:
        raise Invalid("user_id", "Không có bác sĩ này ở hai bệnh viện.", "No such doctor at either hospital.")
    hospital = await work.session.get(Organization, user.hospital_id)
    person = Person(user.id, user.name, user.licence, user.hospital_id, hospital.short_name if hospital else None)
    former = case.participant(user_id)
    if not case.is_member(user_id) or (former is not None and former.role == "former"):
        part = case.join(person, "colleague" if user.role == Role.REQUESTER else role, now=work.now)
        data = {
            "user": user.id,
            "role": part.role,
            "participants": [show.participant(p, case) for p in case.participants],
        }
        events.record(work, case, "participant.joined", data, to=[user.id])
    return answer(work, case, on_duty_at)


async def leave(work: Work, case_id: UUID, user_id: UUID) -> Seen:
    """Take an invited person out of the case; they receive nothing after this commit."""
    case, on_duty_at = await locked(work, case_id, Action.INVITE)
    part = case.participant(user_id)
    if part is None or part.left_at is not None or part.role in ("requester", "assigned"):
        raise NotFound
    part.left_at = work.now
    work.barred.append((f"consultation:{case.id}", str(user_id)))
    data = {"user": user_id, "role": part.role, "participants": [show.participant(p, case) for p in case.participants]}
    events.record(work, case, "participant.left", data, to=[user_id])
    return answer(work, case, on_duty_at)


async def _corrected(work: Work, case: Consultation, message_id: UUID | None) -> Message | None:
    if message_id is None:
        return None
    message = await work.session.get(Message, message_id)
    if message is None or message.consultation_id != case.id or message.author_id != work.subject.id:
        raise Invalid(
            "supersedes", "Chỉ sửa được tin của chính bạn trong ca này.", "Only your own message in this case."
        )
    if message.superseded_by is not None:
        raise Invalid("supersedes", "Tin này đã được sửa. Sửa tin mới nhất.", "Already corrected. Correct the newest.")
    return message


async def _advice(work: Work, case: Consultation, event_id: UUID) -> bool:
    """Whether this opinion or conclusion corrects an earlier one; raises Invalid when it is none of this case."""
    conclusion = next((c for c in case.conclusions if c.id == event_id), None)
    if conclusion is not None:
        return conclusion.supersedes is not None
    message = await work.session.get(Message, event_id)
    if message is None or message.consultation_id != case.id or not message.opinion:
        raise Invalid("event_id", "Không có ý kiến hay kết luận này.", "There is no such opinion or conclusion.")
    return message.supersedes is not None


def history_row(row: Any) -> dict[str, Any]:
    """Return one fact of the case as its history shows it."""
    return {
        "n": row.seq,
        "id": row.id,
        "type": row.type,
        "at": row.at,
        "by": row.actor_id,
        "by_name": row.actor_name,
        "d": {k: v for k, v in (row.data or {}).items() if k != "header"},
    }
