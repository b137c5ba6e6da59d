"""The life of a notice between the plan and the network: claimed, sent, marked; and ended when its offer is answered.

At least once, with one key. A process claims what is due (SKIP LOCKED, attempts + 1, due time pushed ahead), sends
outside any transaction, and marks. If it dies in between, the notice is due again when the reserve is over.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import select, text

from app.models.channel import Channel, ChannelKind, Notice, NoticeState
from app.models.urgency import EMERGENCIES
from app.models.user import User
from app.prepared import Prepared
from app.services.outside import answer_links, notice_plan, notices
from app.services.outside.notice_plan import Ringing
from app.services.outside.notice_texts import Rendered, render
from app.work import Work

BATCH: Final = 50
LEAST_TTL: Final = timedelta(seconds=60)
USEFUL: Final = timedelta(hours=1)
"""How long the network may keep what is not an offer."""
OVERDUE: Final = timedelta(seconds=60)
LATELY: Final = timedelta(minutes=10)
TRIED_IN_VAIN: Final = 3
"""Attempts after which it is more than a hiccup: 20 s after the first."""
NOT_SET_UP: Final = "no such channel is set up"
"""What is noted of a message on a channel that this house has chosen not to have: no fault of tonight."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One notice as an adapter gets it: everything that it may know, and nothing about a patient."""

    notice_id: UUID
    key: str
    kind: str
    about: str
    channel: str
    address: str
    keys: dict[str, Any] | None
    language: str
    rendered: Rendered
    urgent: bool
    loud: bool
    """Red and orange: it stays on the screen until somebody has touched it."""
    drill: bool
    ttl: timedelta
    provider_id: str | None = None
    """The call to end, in a `hangup`."""
    answer: str | None = None
    """A single-use token for a page on which the doctor can answer."""
    demo: bool = False
    """To an account of the demonstration: it never leaves the house."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What there is to do for the dispatcher."""

    to_plan: bool
    """Offers of which nobody has been told, or told again."""
    to_end: bool
    """Notices about offers that ring no longer."""
    earliest: datetime | None
    """When the next notice is due."""
    due: bool
    """Whether one is now."""


async def claim(
    work: Work, *, limit: int = BATCH, public_url: str | None = None, pressing: bool = False
) -> list[Outgoing]:
    """Take what is due now, look once more whether it is still wanted, and return what must be sent.

    What is real goes before any drill, what is urgent before the rest. `pressing`: only what is both.
    """
    asked = select(Notice).where(Notice.state == NoticeState.WAITING, Notice.due_at <= work.now)
    if pressing:
        asked = asked.where(Notice.urgent, ~Notice.drill)
    due = list(
        await work.session.scalars(
            asked.order_by(Notice.drill, Notice.urgent.desc(), Notice.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    if not due:
        return []
    offers = await notice_plan.ringing(work, {n.offer_id for n in due if n.offer_id})
    wanted = [n for n in due if _still_wanted(n, offers, work.now)]
    keys = await _push_keys(work, wanted)
    demo = await _demo_accounts(work, wanted)
    outgoing = []
    for notice in wanted:
        notice.claim(now=work.now)
        offer = offers.get(notice.offer_id) if notice.offer_id else None
        outgoing.append(_outgoing(work, notice, offer, keys, demo, public_url))
    await work.session.flush()
    return outgoing


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a notice that the network has taken."""

    id: UUID
    provider_id: str | None = None
    captured: dict[str, Any] | None = None


async def mark_sent(work: Work, sent: Sequence[Sent]) -> None:
    """They are on their way, in one statement; what was stopped meanwhile stays stopped, and is ended at once."""
    await _SENT.rows(work.session, {"now": work.now, "sent": to_json(sent).decode()})


async def mark_failed(work: Work, out: Outgoing, why: str, *, again: bool, gone: bool) -> None:
    """It did not go: try again in a moment, or give up. A device that is gone is written to no more.

    Only a device can be gone: no gateway's answer takes a doctor's telephone number out of use.
    """
    notice = await _locked(work, out.notice_id)
    if notice is None:
        return
    notice.failed(why, again=again, now=work.now)
    if gone and notice.channel == ChannelKind.PUSH and notice.channel_id is not None:
        channel = await work.session.get(Channel, notice.channel_id, with_for_update=True)
        if channel is not None:
            channel.gone_at = channel.gone_at or work.now
    await work.session.flush()


async def glance(work: Work) -> Glance:
    """Say what there is to do, in one statement, so that a look with nothing to do costs next to nothing."""
    [row] = await _GLANCE.rows(work.session, {"now": work.now})
    return Glance(*row)


async def rung_again(work: Work) -> bool:
    """Whether a later step, or a red team's leader who waits, lets somebody be told again; costs with what rings."""
    [(again,)] = await _AGAIN.rows(work.session, {"now": work.now})
    return bool(again)


async def settle(work: Work) -> int:
    """End everything about offers that ring no longer, whoever answered and wherever; returns how much it was."""
    ended = list(await work.session.scalars(_SETTLE))
    await notices.end_what_was_sent(work, ended)
    return len(ended)


async def overdue(work: Work) -> int:
    """Count notices that nobody has tried to send for a minute, and urgent ones that their channel does not take.

    The latter are those that were tried three times, or given up in the last ten minutes, on a kind of channel that has
    taken nothing since: a gateway that is away or set up wrongly. A device that is gone, a number that does not answer
    and a channel that this house does not have are none of that.
    """
    asked = {
        "before": work.now - OVERDUE,
        "lately": work.now - LATELY,
        "tries": TRIED_IN_VAIN,
        "not_set_up": NOT_SET_UP,
    }
    return int(await work.session.scalar(_OVERDUE, asked) or 0)


def _still_wanted(notice: Notice, offers: dict[UUID, Ringing], now: datetime) -> bool:
    if notice.offer_id is None:
        return True
    offer = offers.get(notice.offer_id)
    if offer is None or not offer.rings:
        notice.stop()
        return False
    not_before = notice_plan.not_before(notice, offer)
    if not_before > now:
        notice.hold(not_before)
        return False
    return True


def _outgoing(
    work: Work,
    notice: Notice,
    offer: Ringing | None,
    keys: dict[UUID, dict[str, Any] | None],
    demo: Collection[UUID],
    public_url: str | None,
) -> Outgoing:
    token = None
    if notice.channel != ChannelKind.VOICE and _takes_link(notice):
        token = answer_links.make(work, notice)
    rendered = render(notice.kind, notice.words, language=notice.language, drill=notice.drill)
    if token and public_url and notice.channel != ChannelKind.PUSH:
        answer = ("Trả lời", "Answer")[notice.language == "en"]
        link = f"{public_url.rstrip('/')}/a/{token}"
        rendered = Rendered(rendered.title, f"{rendered.text} {answer}: {link}", rendered.spoken, rendered.menu)
    ttl = max(LEAST_TTL, offer.step_due_at - work.now) if offer else USEFUL
    return Outgoing(
        notice_id=notice.id,
        key=notice.key,
        kind=notice.kind,
        about=notice.about,
        channel=notice.channel,
        address=notice.address,
        keys=keys.get(notice.channel_id) if notice.channel_id else None,
        language=notice.language,
        rendered=rendered,
        urgent=notice.urgent,
        loud=offer is not None and offer.urgency in EMERGENCIES,
        drill=notice.drill,
        ttl=ttl,
        provider_id=notice.provider_id if notice.kind == notices.HANGUP else None,
        answer=token,
        demo=notice.user_id in demo,
    )


def _takes_link(notice: Notice) -> bool:
    """An offer can be answered by a link; «are you there?» too, but an e-mail proves nothing about tonight."""
    if notice.user_id is None:
        return False
    return notice.kind == "offer" or (notice.kind == "reachability" and notice.channel != ChannelKind.EMAIL)


async def _push_keys(work: Work, wanted: Sequence[Notice]) -> dict[UUID, dict[str, Any] | None]:
    ids = {n.channel_id for n in wanted if n.channel == ChannelKind.PUSH and n.channel_id}
    if not ids:
        return {}
    rows = await work.session.execute(select(Channel.id, Channel.keys).where(Channel.id.in_(ids)))
    return {row.id: row.keys for row in rows}


async def _demo_accounts(work: Work, wanted: Sequence[Notice]) -> set[UUID]:
    people = {n.user_id for n in wanted if n.user_id}
    if not people:
        return set()
    return set(await work.session.scalars(select(User.id).where(User.id.in_(people), User.demo)))


async def _locked(work: Work, notice_id: UUID) -> Notice | None:
    return await work.session.get(Notice, notice_id, with_for_update=True)


# From the few notices that are open to their offers, never the other way round: offers are kept for ever.
_ANSWERED: Final = f"""n.offer_id IS NOT NULL AND n.state IN ('waiting', 'sent', 'delivered')
  AND (SELECT NOT {notice_plan.RINGS} FROM offer o WHERE o.id = n.offer_id)"""  # noqa: S608
_GLANCE = Prepared(f"""
SELECT EXISTS (SELECT 1 FROM offer WHERE state = 'made' AND noticed_at IS NULL)
    OR EXISTS (SELECT 1 FROM callout k JOIN offer o ON o.callout_id = k.id WHERE {notice_plan.ROUND_AGAIN}),
  EXISTS (SELECT 1 FROM notice n WHERE {_ANSWERED}),
  (SELECT min(due_at) FROM notice WHERE state = 'waiting'),
  EXISTS (SELECT 1 FROM notice WHERE state = 'waiting' AND due_at <= :now)
""")  # noqa: S608 (all parts stand in the code)
_AGAIN = Prepared(f"""
SELECT EXISTS (SELECT 1 FROM callout k JOIN offer o ON o.callout_id = k.id WHERE {notice_plan.STEP_AGAIN})
    OR EXISTS (SELECT 1 FROM offer o WHERE {notice_plan.LEADER_WAITS})
""")  # noqa: S608 (all parts stand in the code)
# A mark that is lost in a crash of the database repeats a send under the same key: it need not wait for the disk.
_SENT = Prepared(f"""
WITH hasty AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'off', true)
), marked AS (
  UPDATE notice n SET sent_at = :now, provider_id = r.provider_id, captured = r.captured, error = NULL,
                      state = CASE n.state WHEN 'waiting' THEN 'sent' ELSE n.state END
  FROM hasty, jsonb_to_recordset(CAST(:sent AS jsonb)) AS r (id uuid, provider_id text, captured jsonb)
  WHERE n.id = r.id RETURNING n.*
)
{notices.ENDING.format(sent="marked")}
""")  # noqa: S608 (all parts stand in the code)
_OVERDUE = text("""
WITH untaken AS (
  SELECT channel, made_at FROM notice WHERE state = 'waiting' AND urgent AND attempts >= :tries
  UNION ALL
  SELECT channel, made_at FROM notice
  WHERE made_at > CAST(:lately AS timestamptz) AND state = 'failed' AND urgent AND sent_at IS NULL
    AND channel <> 'push' AND error IS DISTINCT FROM CAST(:not_set_up AS text)
), taken AS (
  SELECT channel, max(sent_at) AS at FROM notice
  WHERE made_at > CAST(:lately AS timestamptz) AND sent_at IS NOT NULL AND captured IS NULL AND kind <> 'hangup'
  GROUP BY channel
)
SELECT (SELECT count(*) FROM notice WHERE state = 'waiting' AND due_at < CAST(:before AS timestamptz))
  + (SELECT count(*) FROM untaken u LEFT JOIN taken t USING (channel) WHERE t.at IS NULL OR t.at < u.made_at)
""")
_SETTLE = text(f"""
UPDATE notice SET state = 'stopped' WHERE id IN (
  SELECT n.id FROM notice n WHERE {_ANSWERED}
  ORDER BY n.id LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING id
""")  # noqa: S608 (all parts stand in the code)
