"""What would have gone outside, newest first: for development and the demonstration."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.models.channel import Notice
from app.models.user import User
from app.work import Work

MOST = 200


async def captured(work: Work, *, about: str | None = None, who: UUID | None = None) -> list[dict[str, Any]]:
    """Return the newest notices, with exactly what would have been sent."""
    chosen = select(Notice, User.name).outerjoin(User, User.id == Notice.user_id)
    if about is not None:
        chosen = chosen.where(Notice.about == about)
    if who is not None:
        chosen = chosen.where(Notice.user_id == who)
    rows = await work.session.execute(chosen.order_by(Notice.made_at.desc(), Notice.id.desc()).limit(MOST))
    return [
        {
            "id": notice.id,
            "at": notice.made_at,
            "kind": notice.kind,
            "about": notice.about,
            "channel": notice.channel,
            "user": notice.user_id,
            "who": name,
            "state": notice.state,
            "attempts": notice.attempts,
            "due_at": notice.due_at,
            "key": notice.key,
            "answer": notice.answer,
            "would_send": notice.captured,
        }
        for notice, name in rows
    ]


async def one(work: Work, notice_id: UUID) -> Notice | None:
    """Return one notice."""
    return await work.session.get(Notice, notice_id)
