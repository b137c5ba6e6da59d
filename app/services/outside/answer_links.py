"""Links that answer once, for one person: made when a message goes out, kept only as their SHA-256.

Opening a link answers nothing (previewers and scanners open links); the button on its page does. A link ends with its
first answer that counts, and with what it is about: an offer that rings no longer cannot be accepted by it.
"""

import re
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select, update

from app.models.channel import AnswerLink, Notice
from app.work import Work

LIVES: Final = timedelta(hours=24)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def make(work: Work, notice: Notice) -> str:
    """Make a link for the person whom a notice is for, and return its token, which nobody will see again."""
    assert notice.user_id is not None
    token = secrets.token_urlsafe(16)
    work.session.add(
        AnswerLink(
            digest=_digest(token),
            user_id=notice.user_id,
            about=notice.about,
            notice_id=notice.id,
            made_at=work.now,
            expires_at=work.now + LIVES,
        )
    )
    return token


async def find(work: Work, token: str) -> AnswerLink | None:
    """Return the link that a token stands for, used or not; None when there is none, or it is too old."""
    if not _TOKEN.fullmatch(token):
        return None
    link = await work.session.scalar(select(AnswerLink).where(AnswerLink.digest == _digest(token)))
    return link if link is not None and (link.used_at is not None or link.expires_at > work.now) else None


async def use(work: Work, link: AnswerLink, answer: str) -> bool:
    """Use a link up, in the transaction of its effect; False when it was used already."""
    used = await work.session.scalar(
        update(AnswerLink)
        .where(AnswerLink.digest == link.digest, AnswerLink.used_at.is_(None))
        .values(used_at=work.now, answer=answer)
        .returning(AnswerLink.digest)
        .execution_options(synchronize_session=False)
    )
    return used is not None


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
