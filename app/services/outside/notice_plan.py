"""Which channels an offer goes out on beyond the socket, and when: the rule, and the planner that applies it.

The rule, per doctor, in the order of channels that they chose:
1. A red alert goes out on every channel at once, a telephone call included: to the number that the hospital noted where
   the doctor's own list has none, and whatever channels its step names.
2. Otherwise a push goes out at once, and every other channel five seconds later, when no device has the offer by then.
3. When a device has it (`offer.delivered`), the other channels follow 20 s apart, and what the doctor has looked at
   (`offer.seen`) waits until a minute after that. Neither silences anything: only an answer does.
4. Quiet hours hold everything but red and orange; and from 17:00 to 07:00 Vietnam time a routine (green) case makes no
   sound at all: it may be written in an e-mail, all else waits. What waits is told once, however often it rang.
5. A step that names channels is limited to them; a limit that leaves a doctor nothing is no limit.
6. A call to be confirmed (`quiet`) is told like what is not urgent: no telephone, unless there is no other way.
7. When the end of the ladder rings round again, everybody who still rings is told again; and whoever a later step rings
   once more (the whole red team). In a red alert that has its leader, each member who has not answered, every 2 min.

Whether a doctor has a socket is not asked: it may be in another process. The delivery that it reports is a fact.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.identifiers import new_id
from app.models.channel import ChannelKind, Notice
from app.models.urgency import EMERGENCIES, Urgency
from app.models.working_hours import CLOSES, OPENS, ZONE
from app.prepared import Prepared
from app.services.outside import notices
from app.services.outside.notices import Announcement, Reach
from app.work import Work

FOR_A_DEVICE: Final = timedelta(seconds=5)
APART: Final = timedelta(seconds=20)
AFTER_SEEN: Final = timedelta(seconds=60)
OWED_AGAIN: Final = timedelta(minutes=2)
"""How often a member of a red team who owes the leader an answer is told again."""
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Ringing:
    """An offer as the planner and the dispatcher see it; read without a lock, because a late look only rings less."""

    id: UUID
    doctor_id: UUID
    consultation_id: UUID
    urgency: str
    desk_name: str
    drill: bool
    rings: bool
    since: datetime
    """When it began to ring, or to ring again; what is planned late is late for nobody else."""
    step_due_at: datetime
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    channels: Sequence[str] = ()
    """The kinds that its step is limited to; empty: all."""
    again: str = ""
    """What tells this ring from those before: a round at the end of the ladder, a later step, the last time told."""
    quiet: bool = False
    """Nobody waits: what was said by telephone is to be confirmed."""

    @property
    def red(self) -> bool:
        """Whether every channel goes out at once."""
        return self.urgency == Urgency.RED


def plan(offer: Ringing, reaches: Sequence[Reach], *, now: datetime, kinds: Collection[str]) -> list[dict[str, Any]]:
    """Return the notices of one offer. `kinds`: what this installation can send at all."""
    known = reaches if offer.red else [r for r in reaches if not r.for_red_only]
    able = [r for r in known if r.kind in kinds] or list(known)
    if offer.quiet:
        able = [r for r in able if r.kind != ChannelKind.VOICE] or able
    limited = [r for r in able if r.kind in offer.channels] if offer.channels and not offer.red else able
    rows = []
    rank = 0
    for reach in limited or able:
        push = reach.kind == ChannelKind.PUSH
        rank += not push
        urgent = offer.urgency in EMERGENCIES
        at = offer.since if offer.red or push else offer.since + FOR_A_DEVICE
        said = Announcement(
            kind="confirmation" if offer.quiet else "offer",
            about=f"offer:{offer.id}",
            key="",
            words={"urgency": offer.urgency, "desk_name": offer.desk_name, "at": offer.since.isoformat(), "rank": rank},
            urgent=urgent,
            drill=offer.drill,
            consultation_id=offer.consultation_id,
        )
        due_at = reach.may_speak_at(max(at, now), urgent=urgent)
        if offer.urgency == Urgency.GREEN and reach.kind != ChannelKind.EMAIL:
            due_at = reach.may_speak_at(_by_day(due_at), urgent=urgent)
        held = due_at > max(at, now)
        again = f":{due_at:%Y%m%dT%H%M}" if held else f":{offer.again}" if offer.again else ""
        row = notices.notice_row(
            reach,
            said,
            key=f"offer:{offer.id}:{reach.name}{again}",
            due_at=due_at,
        )
        rows.append(row | {"id": new_id(now), "made_at": now, "offer_id": offer.id})
    return rows


def _by_day(at: datetime) -> datetime:
    """Return the same instant, or 07:00 if it lies in the night: from 17:00 to 07:00 Vietnam time.

    Source: the default ladder of routine (Xanh) requests.
    """
    local = at.astimezone(ZONE)
    if OPENS <= local.time() < CLOSES:
        return at
    day = local.date() + timedelta(days=local.time() >= CLOSES)
    return datetime.combine(day, OPENS, ZONE)


def not_before(notice: Notice, offer: Ringing) -> datetime:
    """When a notice of this offer may go out, as things stand now."""
    if offer.red or notice.channel == ChannelKind.PUSH or offer.delivered_at is None:
        return notice.made_at
    earliest = datetime.fromisoformat(notice.words["at"]) + APART * int(notice.words["rank"])
    return max(earliest, offer.seen_at + AFTER_SEEN) if offer.seen_at else earliest


async def plan_offers(work: Work, kinds: Collection[str], *, again: bool) -> list[UUID]:
    """Plan the messages of offers that have none yet, and return those offers; `mark` them in the next transaction.

    `again`: look also at whoever is rung once more by a later step, or owes the leader of a red team an answer.
    Two processes that plan the same offer write the same keys, and so one set of notices. The mark comes after the
    commit, so that no lock of an offer is ever held together with another.
    """
    found = [
        _ringing(row)
        for row in await (_UNPLANNED if again else _UNTOLD).rows(work.session, {"limit": BATCH, "now": work.now})
    ]
    if not found:
        return []
    by_person: dict[UUID, list[Reach]] = {}
    red = {offer.doctor_id for offer in found if offer.red}
    for reach in await notices.reaches(work, {offer.doctor_id for offer in found}, call_anyway=red):
        if reach.user_id is not None:
            by_person.setdefault(reach.user_id, []).append(reach)
    rows = [
        row for offer in found for row in plan(offer, by_person.get(offer.doctor_id, ()), now=work.now, kinds=kinds)
    ]
    await notices.put(work, rows)
    return [offer.id for offer in found]


async def mark(work: Work, offer_ids: Collection[UUID]) -> None:
    """Note that these offers are planned. Whoever is being written just now is marked the next time; nobody waits."""
    await _MARK.rows(work.session, {"ids": list(offer_ids), "now": work.now})


async def ringing(work: Work, offer_ids: Collection[UUID]) -> dict[UUID, Ringing]:
    """Return these offers as they are now."""
    if not offer_ids:
        return {}
    rows = await _NOW.rows(work.session, {"ids": list(offer_ids)})
    return {offer.id: offer for offer in map(_ringing, rows)}


def _ringing(row: Sequence[Any]) -> Ringing:
    *facts, step, again, quiet = row
    ring: tuple[Any, ...] = (*facts, tuple((step or {}).get("channels") or ()), again, quiet)
    return Ringing(*ring)


RINGS: Final = "(o.state = 'made' AND o.attendance IS NULL AND o.expired_at IS NULL)"
_OFFER: Final = f"o.id, o.doctor_id, o.consultation_id, k.urgency, k.desk_name, c.drill, {RINGS}"
_TIMES: Final = "k.step_due_at, o.delivered_at, o.seen_at, k.policy -> 'steps' -> o.step"
_QUIET: Final = "coalesce(k.reason = 'telephone', false)"
_JOINS: Final = "JOIN callout k ON k.id = o.callout_id JOIN consultation c ON c.id = o.consultation_id"
_SINCE_TOLD: Final = f"k.state = 'ringing' AND {RINGS} AND o.noticed_at < k.step_started_at"
ROUND_AGAIN: Final = f"k.round > 1 AND {_SINCE_TOLD}"
STEP_AGAIN: Final = f"""k.round <= 1 AND {_SINCE_TOLD} AND o.step < k.step
  AND (k.policy -> 'steps' -> k.step -> 'who') ?| ARRAY[o.role, 'user:' || o.doctor_id]"""
"""As `Callout.rung_again` has it."""
# From the few offers that are open to their callouts, never the other way round: callouts are kept for ever.
LEADER_WAITS: Final = f"""{RINGS} AND o.noticed_at <= CAST(:now AS timestamptz) - interval '{OWED_AGAIN.seconds} s'
  AND (SELECT k.state = 'accepted' AND k.urgency = 'red' FROM callout k WHERE k.id = o.callout_id)"""  # noqa: S608
_NEWS: Final = f"""
(SELECT {_OFFER}, o.made_at, {_TIMES}, '', {_QUIET} FROM offer o {_JOINS}
 WHERE o.state = 'made' AND o.noticed_at IS NULL ORDER BY o.made_at LIMIT :limit)
UNION ALL
(SELECT {_OFFER}, k.step_started_at, {_TIMES}, k.round::text, {_QUIET} FROM offer o {_JOINS}
 WHERE {ROUND_AGAIN} LIMIT :limit)
"""  # noqa: S608 (all parts stand in this file)
_UNTOLD = Prepared(_NEWS)
_UNPLANNED = Prepared(f"""{_NEWS}UNION ALL
(SELECT {_OFFER}, k.step_started_at, {_TIMES}, 's' || k.step, {_QUIET} FROM offer o {_JOINS}
 WHERE {STEP_AGAIN} LIMIT :limit)
UNION ALL
(SELECT {_OFFER}, o.noticed_at + interval '{OWED_AGAIN.seconds} s', {_TIMES},
        'told' || floor(extract(epoch FROM o.noticed_at)), {_QUIET}
 FROM offer o {_JOINS} WHERE {LEADER_WAITS} LIMIT :limit)
""")  # noqa: S608 (all parts stand in this file)
_NOW = Prepared(f"""
SELECT {_OFFER}, o.made_at, {_TIMES}, '', {_QUIET} FROM offer o {_JOINS} WHERE o.id = ANY(CAST(:ids AS uuid[]))
""")  # noqa: S608 (all parts stand in this file)
_MARK = Prepared("""
UPDATE offer SET noticed_at = CAST(:now AS timestamptz)
WHERE id IN (SELECT id FROM offer WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE SKIP LOCKED)
""")
