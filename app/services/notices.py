"""Telling people things away from the socket: one row a channel, written with what caused it, sent afterwards.

`words` fill the template of a kind. They name duty, desks and times, and never anything about a patient.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text, update

from app.models.channel import Notice, NoticeState
from app.work import Work


@dataclass(frozen=True, slots=True)
class Announcement:
    """What people are told, on whatever channels they have."""

    kind: str
    """The template: `offer`, `reachability`, `gap`, `advice`, `alarm`, `duty`, `agreement`."""
    about: str
    """What all such notices stop with: `offer:<id>`, `check:<id>`, `gap:<id>`, `consultation:<id>`."""
    key: str
    """Telling the same key again tells nobody twice."""
    words: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    """Quiet hours give way."""
    drill: bool = False
    consultation_id: UUID | None = None


async def tell(work: Work, people: Collection[UUID], said: Announcement) -> None:
    """Tell these people on every channel that they have; the stream is the caller's business."""
    await work.session.execute(
        _TELL,
        {
            "people": list(people),
            "kind": said.kind,
            "about": said.about,
            "key": said.key,
            "words": to_json(said.words).decode(),
            "urgent": said.urgent,
            "drill": said.drill,
            "case": said.consultation_id,
            "now": work.now,
        },
    )


async def tell_number(work: Work, number: str, said: Announcement, *, channel: str) -> None:
    """Tell a telephone that is nobody's own, as that of a ward is."""
    await work.session.execute(
        _TELL_NUMBER,
        {
            "number": number,
            "channel": channel,
            "kind": said.kind,
            "about": said.about,
            "key": said.key,
            "words": to_json(said.words).decode(),
            "urgent": said.urgent,
            "drill": said.drill,
            "case": said.consultation_id,
            "now": work.now,
        },
    )


async def stop(work: Work, about: str) -> None:
    """What these notices ask has been answered, or matters no more: what waits is not sent."""
    await work.session.execute(
        update(Notice)
        .where(Notice.about == about, Notice.state == NoticeState.WAITING)
        .values(state=NoticeState.STOPPED)
        .execution_options(synchronize_session=False)
    )


_TELL = text("""
INSERT INTO notice (id, key, kind, about, user_id, channel_id, channel, address, language, words, urgent, drill,
                    consultation_id, state, attempts, due_at, made_at)
SELECT gen_random_uuid(), CAST(:key AS text) || ':' || c.id, CAST(:kind AS text), CAST(:about AS text), c.user_id, c.id,
       c.kind, c.address, 'vi', CAST(:words AS jsonb), CAST(:urgent AS boolean), CAST(:drill AS boolean),
       CAST(:case AS uuid), 'waiting', 0, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
FROM channel c JOIN user_account u ON u.id = c.user_id AND u.active
WHERE c.user_id = ANY(CAST(:people AS uuid[])) AND c.gone_at IS NULL
ON CONFLICT (key) DO NOTHING
""")

_TELL_NUMBER = text("""
INSERT INTO notice (id, key, kind, about, channel, address, language, words, urgent, drill,
                    consultation_id, state, attempts, due_at, made_at)
VALUES (gen_random_uuid(), CAST(:key AS text) || ':' || CAST(:number AS text), CAST(:kind AS text),
        CAST(:about AS text), CAST(:channel AS text), CAST(:number AS text), 'vi', CAST(:words AS jsonb),
        CAST(:urgent AS boolean), CAST(:drill AS boolean), CAST(:case AS uuid), 'waiting', 0,
        CAST(:now AS timestamptz), CAST(:now AS timestamptz))
ON CONFLICT (key) DO NOTHING
""")
