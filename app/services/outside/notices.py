"""Telling people things away from the socket: one row a channel, written with what caused it, sent afterwards.

`words` fill the template of a kind (`notice_texts`). They name duty, desks and times, and never anything about a
patient. Whoever has given no channels of their own is reached by the telephone and e-mail of the network file.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import select, text, update

from app.identifiers import new_id
from app.models.channel import ChannelKind, Notice, NoticeState
from app.models.telephone import e164
from app.models.working_hours import ZONE
from app.prepared import Prepared
from app.work import Work

CLEAR, HANGUP = "clear", "hangup"
_PENDING: Final = (NoticeState.WAITING, NoticeState.SENT, NoticeState.DELIVERED)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What people are told, on whatever channels they have."""

    kind: str
    """The template: `reachability`, `gap`, `advice`, `alarm`, `duty`, `agreement`, `test`."""
    about: str
    """What all such notices stop with: `check:<id>`, `gap:<id>`, `consultation:<id>`."""
    key: str
    """Telling the same key again tells nobody twice."""
    words: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    """Quiet hours give way."""
    drill: bool = False
    consultation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """One way to one person, in their own order."""

    user_id: UUID | None
    """Empty: nobody's own, as the telephone of a ward."""
    channel_id: UUID | None
    """Empty: not chosen by the person, but the telephone or e-mail of the network file."""
    kind: str
    address: str
    language: str = "vi"
    quiet_from: time | None = None
    quiet_to: time | None = None
    for_red_only: bool = False
    """The telephone of the network file, of somebody who has chosen channels and no telephone among them."""

    @property
    def name(self) -> str:
        """What tells one channel of a person from another, in the keys of notices."""
        return str(self.channel_id or self.kind)

    def may_speak_at(self, now: datetime, *, urgent: bool) -> datetime:
        """When it may be sent: now, or at the end of the quiet hours, which give way to what is urgent."""
        if urgent or self.quiet_from is None or self.quiet_to is None or self.quiet_from == self.quiet_to:
            return now
        local = now.astimezone(ZONE)
        begins, ends, at = self.quiet_from, self.quiet_to, local.time()
        quiet = begins <= at < ends if begins < ends else at >= begins or at < ends
        if not quiet:
            return now
        until = datetime.combine(local.date(), ends, ZONE)
        return until if until > local else until + timedelta(days=1)


async def tell(work: Work, people: Collection[UUID], said: Announcement, *, only: Collection[str] = ()) -> int:
    """Tell these people on every channel that they have, or `only` on these kinds; the stream is the caller's business.

    What is not urgent calls nobody by telephone, unless that is the only way to reach them.
    Returns on how many channels it will be said for the first time.
    """
    found = [reach for reach in await reaches(work, people) if not only or reach.kind in only]
    written = {reach.user_id for reach in found if reach.kind != ChannelKind.VOICE}
    rows = [
        notice_row(reach, said, key=f"{said.key}:{reach.name}", due_at=reach.may_speak_at(work.now, urgent=said.urgent))
        | {"id": new_id(work.now), "made_at": work.now}
        for reach in found
        if said.urgent or reach.kind != ChannelKind.VOICE or reach.user_id not in written
    ]
    return await put(work, rows)


async def tell_number(work: Work, number: str, said: Announcement, *, channel: str) -> int:
    """Tell a telephone that is nobody's own, as that of a ward is. A number that is none is told nothing."""
    address = e164(number, noted=True)
    if address is None:
        return 0
    row = notice_row(Reach(None, None, channel, address), said, key=f"{said.key}:{address}", due_at=work.now)
    return await put(work, [row | {"id": new_id(work.now), "made_at": work.now}])


async def stop(work: Work, about: str) -> None:
    """What these notices ask has been answered, or matters no more: what waits is not sent, what rings is ended."""
    open_ones = (
        select(Notice.id)
        .where(Notice.about == about, Notice.state.in_(_PENDING), Notice.kind.not_in((CLEAR, HANGUP)))
        .order_by(Notice.id)
        .with_for_update()
    )
    stopped = await work.session.scalars(
        update(Notice)
        .where(Notice.id.in_(open_ones))
        .values(state=NoticeState.STOPPED)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    )
    await end_what_was_sent(work, list(stopped))


async def reaches(work: Work, people: Collection[UUID], *, call_anyway: Collection[UUID] = ()) -> list[Reach]:
    """Return every live channel of these people in their order; for whoever chose none, what the network file says.

    `call_anyway`: whose telephone in the network file is added where their own list has no telephone call.
    """
    if not people:
        return []
    parameters = {"people": list(people), "anyway": list(call_anyway)}
    return [Reach(*row) for row in await _REACHES.rows(work.session, parameters)]


def notice_row(reach: Reach, said: Announcement, *, key: str, due_at: datetime) -> dict[str, Any]:
    """Return the row of one notice, without its identifier and the time at which it was made."""
    return {
        "key": key,
        "kind": said.kind,
        "about": said.about,
        "user_id": reach.user_id,
        "channel_id": reach.channel_id,
        "channel": reach.kind,
        "address": reach.address,
        "language": reach.language,
        "words": from_json(to_json(said.words)),
        "urgent": said.urgent,
        "drill": said.drill,
        "consultation_id": said.consultation_id,
        "state": NoticeState.WAITING,
        "attempts": 0,
        "due_at": due_at,
    }


async def put(work: Work, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write notices that are not there yet, in the order of their keys, so that two writers never wait in a circle."""
    written = list(rows)
    return len(await _PUT.rows(work.session, {"rows": to_json(written).decode()})) if written else 0


async def end_what_was_sent(work: Work, stopped: Collection[UUID]) -> None:
    """A push that was shown is taken off the screen, and a call that rings is ended, by notices of their own."""
    if stopped:
        await work.session.execute(_END, {"ids": list(stopped), "now": work.now})


# A number is taken only when nothing but a number stands there: a guess would wake a stranger.
_REACHES = Prepared(r"""
WITH chosen AS (
  SELECT c.user_id, c.id AS channel_id, c.kind, c.address, c.language, c.quiet_from, c.quiet_to, c.position
  FROM channel c JOIN user_account u ON u.id = c.user_id AND u.active
  WHERE c.user_id = ANY(CAST(:people AS uuid[])) AND c.gone_at IS NULL
), given AS (
  SELECT u.id AS user_id, CAST(NULL AS uuid) AS channel_id, d.kind,
         CASE WHEN d.kind = 'email' THEN d.address
              WHEN d.address LIKE '0%' THEN '+84' || substr(d.address, 2) ELSE d.address END AS address,
         'vi' AS language, CAST(NULL AS time) AS quiet_from, CAST(NULL AS time) AS quiet_to, d.position
  FROM user_account u, LATERAL (VALUES
    ('voice', translate(u.phone, ' .()-', ''), 0), ('sms', translate(u.phone, ' .()-', ''), 1),
    ('email', btrim(u.email), 2)) d(kind, address, position)
  WHERE u.id = ANY(CAST(:people AS uuid[])) AND u.active
    AND CASE WHEN d.kind = 'email' THEN d.address LIKE '%_@_%' ELSE d.address ~ '^[+]?[0-9]{8,15}$' END
    AND (NOT EXISTS (SELECT 1 FROM chosen c WHERE c.user_id = u.id)
         OR (d.kind = 'voice' AND u.id = ANY(CAST(:anyway AS uuid[]))
             AND NOT EXISTS (SELECT 1 FROM chosen c WHERE c.user_id = u.id AND c.kind = 'voice')))
)
SELECT user_id, channel_id, kind, address, language, quiet_from, quiet_to,
       channel_id IS NULL AND EXISTS (SELECT 1 FROM chosen c WHERE c.user_id = r.user_id) AS for_red_only
FROM (SELECT * FROM chosen UNION ALL SELECT * FROM given) r ORDER BY user_id, position
""")

_PUT = Prepared("""
INSERT INTO notice (id, key, kind, about, user_id, channel_id, channel, address, language, words, urgent, drill,
                    offer_id, consultation_id, state, attempts, due_at, made_at)
SELECT id, key, kind, about, user_id, channel_id, channel, address, language, words, urgent, drill,
       offer_id, consultation_id, state, attempts, due_at, made_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
  id uuid, key text, kind text, about text, user_id uuid, channel_id uuid, channel text, address text, language text,
  words jsonb, urgent boolean, drill boolean, offer_id uuid, consultation_id uuid, state text, attempts integer,
  due_at timestamptz, made_at timestamptz)
ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING id
""")

# The notices that end others, of `n`: what was sent, stopped, and is still on a screen or in somebody's ear.
ENDING: Final = """
INSERT INTO notice (id, key, kind, about, user_id, channel_id, channel, address, language, words, urgent, drill,
                    consultation_id, provider_id, state, attempts, due_at, made_at)
SELECT gen_random_uuid(), CASE n.channel WHEN 'push' THEN 'clear:' ELSE 'hangup:' END || n.id,
       CASE n.channel WHEN 'push' THEN 'clear' ELSE 'hangup' END, n.about, n.user_id, n.channel_id, n.channel,
       n.address, n.language, '{{}}', true, n.drill, n.consultation_id, n.provider_id, 'waiting', 0,
       CAST(:now AS timestamptz), CAST(:now AS timestamptz)
FROM {sent} n
WHERE n.state = 'stopped' AND n.kind NOT IN ('clear', 'hangup')
  AND n.sent_at > CAST(:now AS timestamptz) - interval '1 day'
  AND (n.channel = 'push' OR (n.channel = 'voice' AND n.provider_id IS NOT NULL AND n.answered_at IS NULL))
ON CONFLICT (key) DO NOTHING
"""
_END = text(ENDING.format(sent="(SELECT * FROM notice WHERE id = ANY(CAST(:ids AS uuid[])))"))
