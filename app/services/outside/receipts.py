"""What the network tells of a message: it arrived, it never will, the call ended. None of that is an answer."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.identifiers import new_id
from app.models.channel import ChannelKind, Notice, NoticeState
from app.services.outside import notice_plan, notices
from app.services.outside.notices import Announcement, Reach
from app.work import Work

CALL_AGAIN: Final = timedelta(seconds=30)
MOST_CALLS: Final = 5
_ENDS: Final = frozenset({"ended", "failed"})


async def note(work: Work, notice_id: UUID, event: str, reason: str | None) -> None:
    """Note one receipt. A call that ended without a key being pressed is made again while its offer rings.

    A busy line is told so soon that the gateway's answer to the call itself may not be noted yet.
    """
    notice = await work.session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        return
    ended = event in _ENDS and notice.channel == ChannelKind.VOICE
    begun = notice.state in (NoticeState.SENT, NoticeState.DELIVERED) or (
        notice.state == NoticeState.WAITING and notice.attempts > 0
    )
    if event == "failed":
        notice.undeliverable(" ".join((reason or "the network could not deliver it").split())[:80])
    elif event in ("delivered", "answered", "ended"):
        notice.deliver(now=work.now)
    if ended and begun and notice.state != NoticeState.FAILED:
        notice.stop()  # there is no call to end any more
    await work.session.flush()
    if ended and begun and notice.offer_id is not None:
        await _call_again(work, notice)


async def _call_again(work: Work, notice: Notice) -> None:
    assert notice.offer_id is not None
    offer = (await notice_plan.ringing(work, [notice.offer_id])).get(notice.offer_id)
    base, _, count = notice.key.partition("~")
    calls = int(count or 1)
    if offer is None or not offer.rings or calls >= MOST_CALLS:
        return
    reach = Reach(notice.user_id, notice.channel_id, notice.channel, notice.address, notice.language)
    said = Announcement(
        notice.kind,
        notice.about,
        "",
        notice.words,
        urgent=notice.urgent,
        drill=notice.drill,
        consultation_id=notice.consultation_id,
    )
    row = notices.notice_row(reach, said, key=f"{base}~{calls + 1}", due_at=work.now + CALL_AGAIN)
    await notices.put(work, [row | {"id": new_id(work.now), "made_at": work.now, "offer_id": notice.offer_id}])
