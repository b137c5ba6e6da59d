"""Advice that nobody has read back: the ward is rung, then its telephone, then the asking hospital's coordinator.

A row of `reminder` is the timer of one opinion or conclusion. It is opened, rung and closed under the lock of its case,
so that a read-back and a ring never pass each other.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text, update

from app.models.channel import ChannelKind
from app.models.consultation import Consultation
from app.models.reminder import Reach, Reminder
from app.models.urgency import EMERGENCIES
from app.services.facts import events
from app.services.outside import notices
from app.services.outside.notices import Announcement
from app.services.ringing import coordinators
from app.work import Work


async def wait_for(work: Work, case: Consultation, advice: UUID, *, corrects: UUID | None = None) -> None:
    """Wait for the ward to read this back; what it corrects is waited for no longer, and the ward rings at once."""
    reminder = Reminder.of(case.id, advice, case.urgency, now=work.now)
    work.session.add(reminder)
    await work.session.flush()
    case.reminders.append(reminder)
    if corrects is not None:
        await close(work, case, corrects)
        await _ring(work, case, reminder, changed=True)


async def hurry(work: Work, case: Consultation) -> None:
    """The urgency was raised: advice given before it waits no longer than advice given now would."""
    for reminder in case.reminders:
        if reminder.hurry(case.urgency, now=work.now):
            await _keep(work, reminder)


async def close(work: Work, case: Consultation, *advice: UUID) -> None:
    """Stop ringing for this advice (for all of it, if none is named): it was read back, or matters no more."""
    for reminder in [r for r in case.reminders if not advice or r.event_id in advice]:
        reminder.close(now=work.now)
        case.reminders.remove(reminder)
        await _keep(work, reminder)
        await notices.stop(work, _about(reminder))


async def fire(work: Work, case: Consultation) -> bool:
    """Ring for all advice of this case whose time has come; False when none has."""
    due = [r for r in case.reminders if r.next_due_at is not None and r.next_due_at <= work.now]
    for reminder in due:
        await _ring(work, case, reminder)
    return bool(due)


async def _ring(work: Work, case: Consultation, reminder: Reminder, *, changed: bool = False) -> None:
    was_due = reminder.next_due_at
    reach = reminder.ring(telephone=bool(case.ward_phone), now=work.now)
    await _keep(work, reminder)
    rung = await ward_people(work, case)
    if reach == Reach.COORDINATOR:
        rung |= set(await coordinators.of_hospital(work, case.hospital_id, *(c.hospital_id for c in case.callouts)))
    data = {
        "event_id": reminder.event_id,
        "step": int(reach),
        "opinion_at": reminder.opened_at,
        "due_at": reminder.next_due_at,
        "changed": changed,
    }
    events.record(work, case, "advice.unread", data, to=sorted(rung))
    said = Announcement(
        kind="advice",
        about=_about(reminder),
        key=f"{_about(reminder)}:{int(was_due.timestamp()) if was_due else 0}{':changed' if changed else ''}",
        words={"number": case.number, "ward": case.ward_name, "at": reminder.opened_at, "changed": changed},
        urgent=case.urgency in EMERGENCIES,
        drill=case.drill,
        consultation_id=case.id,
    )
    if reach >= Reach.TELEPHONE and case.ward_phone:
        await notices.tell_number(work, case.ward_phone, said, channel=ChannelKind.VOICE)
    if reach != Reach.TELEPHONE:
        await notices.tell(work, sorted(rung), said)


async def rung_for(work: Work, case: Consultation, advice: UUID) -> set[UUID]:
    """Who has been rung for this advice: their devices fall silent once it is read back."""
    if not any(r.event_id == advice and r.step > Reach.NOBODY for r in case.reminders):
        return set()
    rows = await work.session.execute(_RUNG, {"case": case.id, "advice": str(advice)})
    return {UUID(row.stream.partition(":")[2]) for row in rows}


async def ringing_at(work: Work, stream: str) -> list[dict[str, Any]]:
    """What advice rings at whom this stream belongs to, because nobody has read it back, oldest first."""
    rows = await work.session.execute(_RINGING, {"stream": stream})
    return [dict(row._mapping) for row in rows]  # noqa: SLF001


async def ward_people(work: Work, case: Consultation) -> set[UUID]:
    """Who reads back for the asking side: requester, ward owner, colleagues of the ward and of the case."""
    people = {case.requester_id, case.ward_owner}
    people |= {p.user_id for p in case.participants if p.role == "colleague" and p.left_at is None}
    rows = await work.session.execute(_WARD, {"ward": case.ward_id, "people": list(people)})
    return {row.id for row in rows}


def _about(reminder: Reminder) -> str:
    return f"advice:{reminder.id}"


async def _keep(work: Work, reminder: Reminder) -> None:
    await work.session.execute(
        update(Reminder)
        .where(Reminder.id == reminder.id)
        .values(step=reminder.step, next_due_at=reminder.next_due_at, closed_at=reminder.closed_at)
        .execution_options(synchronize_session=False)
    )


_WARD = text("""
SELECT id FROM user_account
WHERE active AND (ward_id = CAST(:ward AS uuid) OR id = ANY(CAST(:people AS uuid[])))
""")

_RUNG = text("""
SELECT DISTINCT e.stream FROM event v JOIN stream_entry e ON e.event_id = v.id
WHERE v.consultation_id = CAST(:case AS uuid) AND v.type = 'advice.unread' AND v.data->>'event_id' = :advice
  AND e.stream LIKE 'user:%'
""")

_RINGING = text("""
SELECT r.consultation_id, r.event_id, r.step, r.next_due_at AS due_at, r.opened_at AS opinion_at, c.number,
       bool_or((v.data->>'changed')::boolean) AS changed
FROM reminder r JOIN consultation c ON c.id = r.consultation_id
JOIN event v ON v.consultation_id = r.consultation_id AND v.type = 'advice.unread'
  AND v.data->>'event_id' = r.event_id::text
JOIN stream_entry e ON e.event_id = v.id AND e.stream = :stream
WHERE r.closed_at IS NULL AND r.step >= 0
GROUP BY r.id, c.id ORDER BY r.opened_at
""")
