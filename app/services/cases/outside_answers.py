"""Answers from outside the client: a key pressed in a call, a button on the page of a single-use link.

They act as the doctor who was asked, through the same services and the same policy as the client. Delivery, an opened
push and an answered call (it may be voicemail) are no answers.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, text, update

from app.errors import NotFound, NotRinging, Problem, Taken
from app.models.callout import CalloutState, Offer
from app.models.channel import AnswerLink, Notice, NoticeState
from app.services.cases import answers
from app.services.outside import answer_links, notices
from app.services.rostering import reachability
from app.work import Subject, Work

Sentence = tuple[str, str]

ACCEPT, DECLINE, HERE = "accept", "decline", "here"
ACCEPTED: Final[Sentence] = (
    "Bạn đã nhận ca hội chẩn. Mở hoichan để xem ca.",
    "You have accepted the case. Open hoichan to see it.",
)
COMING: Final[Sentence] = (
    "Đã báo trưởng kíp là bạn đang đến.",
    "The leader has been told that you are coming.",
)
DECLINED: Final[Sentence] = (
    "Đã ghi là bạn không nhận. hoichan gọi người tiếp theo.",
    "Noted that you cannot take it. hoichan rings the next person.",
)
PRESENT: Final[Sentence] = ("Đã ghi là bạn có mặt. Cảm ơn bạn.", "Noted that you are there. Thank you.")
ALREADY: Final[Sentence] = ("Bạn đã trả lời rồi.", "You have answered already.")
OVER: Final[Sentence] = (
    "Ca này không còn đổ chuông cho bạn.",
    "This case no longer rings for you.",
)


class Used(Exception):
    """This link or call has answered already; nothing was done again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody was asked: `offer:<id>`, `check:<id>` or, to try a channel, `test:<id>`."""

    user_id: UUID
    about: str

    @property
    def kind(self) -> str:
        """What it is about."""
        return self.about.partition(":")[0]

    @property
    def id(self) -> UUID:
        """Of the offer or the check."""
        return UUID(self.about.partition(":")[2])

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be answered."""
        return (ACCEPT, DECLINE) if self.kind == "offer" else (HERE,)


async def state(work: Work, asked: Asked) -> Sentence | None:
    """Say why it cannot be answered any more, or None when it can."""
    if asked.kind != "offer":
        return None
    row = (await work.session.execute(_OFFER, {"id": asked.id, "user": asked.user_id})).one_or_none()
    if row is None:
        return OVER
    if row.rings:
        return None
    if row.state == "accepted":
        return ACCEPTED
    return _taken_by(row.holder_name) if row.holder_name else OVER


async def by_link(work: Work, link: AnswerLink, answer: str) -> Sentence:
    """Answer by a link, once. Raises Used, or what refuses the answer (then the link can still be used)."""
    said = await _answer(work, Asked(link.user_id, link.about), answer, "link")
    if not await answer_links.use(work, link, answer):
        raise Used
    if link.notice_id is not None:
        await _note(work, link.notice_id, answer)
    await _stop_the_rest(work, link.about)
    return said


async def by_key(work: Work, notice: Notice, answer: str, key: str) -> Sentence:
    """Answer by a key pressed in a call, once. Raises Used, or what refuses the answer."""
    assert notice.user_id is not None
    said = await _answer(work, Asked(notice.user_id, notice.about), answer, "voice")
    if not await _note(work, notice.id, key):
        raise Used
    # Whoever took the answer may have ended what was sent about it: not the call in which it was given.
    await work.session.execute(delete(Notice).where(Notice.key == f"{notices.HANGUP}:{notice.id}"))
    await _stop_the_rest(work, notice.about)
    return said


def refusal(problem: Problem) -> Sentence:
    """Say why an answer was refused."""
    if isinstance(problem, Taken):
        return _taken_by(problem.extra.get("holder_name") or "")
    if isinstance(problem, (NotRinging, NotFound)):
        return OVER
    return problem.sentence("vi")[1], problem.sentence("en")[1]


async def _answer(work: Work, asked: Asked, answer: str, via: str) -> Sentence:
    work.actor = await _doctor(work, asked.user_id)
    if answer not in asked.choices:
        raise NotRinging(status="")
    if asked.kind == "offer":
        return await _answer_offer(work, asked, answer, via)
    if asked.kind == "check":
        await reachability.answer(work, asked.id, asked.user_id, via)
    return PRESENT


async def _stop_the_rest(work: Work, about: str) -> None:
    """Messages about an offer end by themselves when the offer has its answer; what else was asked ends here."""
    if not about.startswith("offer:"):
        await notices.stop(work, about)


async def _answer_offer(work: Work, asked: Asked, answer: str, via: str) -> Sentence:
    row = (await work.session.execute(_OFFER, {"id": asked.id, "user": asked.user_id})).one_or_none()
    if row is None:
        raise NotRinging(status="")
    if not row.rings:
        if row.state == "accepted":
            return ACCEPTED
        if row.holder_name:
            raise Taken(holder_name=row.holder_name, at=None)
        raise NotRinging(status=row.status)
    case_id: UUID = row.consultation_id
    if row.callout_state == CalloutState.ACCEPTED:
        said = await _attend(work, case_id, coming=answer == ACCEPT)
    elif answer == DECLINE:
        await answers.refuse(work, case_id, "other", _DECLINED_BY[via], via=via)
        said = DECLINED
    else:
        said = await _accept(work, case_id, via)
    for offer in work.cases[case_id].offers_to(asked.user_id):
        _note_way(offer, work, via)
    return said


async def _accept(work: Work, case_id: UUID, via: str) -> Sentence:
    try:
        await answers.accept(work, case_id, via=via)
    except Taken as taken:
        # In a red alert somebody else may have become the leader a moment ago: then «1» means «I am coming».
        try:
            return await _attend(work, case_id, coming=True)
        except Problem:
            raise taken from None
    return ACCEPTED


async def _attend(work: Work, case_id: UUID, *, coming: bool) -> Sentence:
    await answers.attend(work, case_id, coming=coming)
    return COMING if coming else DECLINED


def _note_way(offer: Offer, work: Work, via: str) -> None:
    if work.now in (offer.answered_at, offer.attendance_at):
        offer.came_by(via)


async def _note(work: Work, notice_id: UUID, answer: str) -> bool:
    """Keep the answer with the message that brought it; False when it has one already."""
    noted = await work.session.scalar(
        update(Notice)
        .where(Notice.id == notice_id, Notice.answered_at.is_(None))
        .values(answered_at=work.now, answer=answer, state=NoticeState.ANSWERED)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    )
    return noted is not None


async def _doctor(work: Work, user_id: UUID) -> Subject:
    row = (await work.session.execute(_SUBJECT, {"id": user_id})).one_or_none()
    if row is None:
        raise NotFound
    values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's mapping)
    return Subject(**values | {"specialties": frozenset(values["specialties"])})


def _taken_by(name: str) -> Sentence:
    return f"Đã có người nhận: {name}. Cảm ơn bạn.", f"{name} has accepted it. Thank you."


_DECLINED_BY: Final = {"voice": "Từ chối qua điện thoại", "link": "Từ chối qua liên kết"}

_OFFER = text("""
SELECT o.consultation_id, o.state, (o.state = 'made' AND o.attendance IS NULL) AS rings, k.state AS callout_state,
       c.holder_name, c.status
FROM offer o JOIN callout k ON k.id = o.callout_id JOIN consultation c ON c.id = o.consultation_id
WHERE o.id = CAST(:id AS uuid) AND o.doctor_id = CAST(:user AS uuid)
""")

_SUBJECT = text("""
SELECT u.id, u.name, u.role, u.username, u.hospital_id, o.short_name AS hospital_name, u.ward_id,
       w.name AS ward_name, w.phone AS ward_phone, u.licence, u.phone, u.capacity,
       coalesce((SELECT array_agg(us.specialty) FROM user_specialty us WHERE us.user_id = u.id), '{}') AS specialties
FROM user_account u LEFT JOIN organization o ON o.id = u.hospital_id LEFT JOIN ward w ON w.id = u.ward_id
WHERE u.id = CAST(:id AS uuid) AND u.active
""")


async def notice_called(work: Work, *, key: str | None, notice_id: UUID | None, provider_id: str | None) -> Notice:
    """Return the call or message that a gateway speaks of. Raises NotFound."""
    wanted = (
        Notice.id == notice_id
        if notice_id is not None
        else Notice.key == key
        if key is not None
        else Notice.provider_id == provider_id
    )
    notice = await work.session.scalar(select(Notice).where(wanted).limit(1))
    if notice is None:
        raise NotFound
    return notice
