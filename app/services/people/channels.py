"""One's own channels: which, in which order, and when they stay quiet. Nobody reads another's addresses."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import select

from app.errors import Invalid
from app.identifiers import new_id
from app.models.channel import Channel, ChannelKind
from app.models.telephone import e164
from app.policy import Action, allow
from app.schemas.channels import ChannelIn
from app.services.outside import notices
from app.services.outside.notices import Announcement, Reach
from app.services.people import accounts
from app.work import Work

_EMAIL: Final = re.compile(
    r"[^@\s<>,;:\"()\\]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@dataclass(frozen=True, slots=True)
class Mine:
    """The channels of the actor, and whether they chose them."""

    reaches: Sequence[Reach]
    own: bool


async def mine(work: Work) -> Mine:
    """Return how the actor is reached, in order."""
    allow(work, Action.MANAGE_OWN_ACCOUNT)
    reaches = await notices.reaches(work, [work.subject.id])
    return Mine(reaches, any(reach.channel_id for reach in reaches))


async def replace(work: Work, wanted: Sequence[ChannelIn], *, push_hosts: str) -> Mine:
    """Replace the actor's channels by these, in this order. Raises Invalid, naming the one that cannot be.

    A channel that is there already keeps its identity, and a push its keys; one that is left out is used no more.
    """
    allow(work, Action.MANAGE_OWN_ACCOUNT)
    addresses = [_address(i, channel, push_hosts) for i, channel in enumerate(wanted)]
    _refuse_twins(wanted, addresses)
    _refuse_no_hours(wanted)
    rows = await work.session.scalars(
        select(Channel).where(Channel.user_id == work.subject.id).order_by(Channel.id).with_for_update()
    )
    known = {(row.kind, row.address): row for row in rows}
    for row in known.values():
        row.gone_at = row.gone_at or work.now
    for position, (channel, address) in enumerate(zip(wanted, addresses, strict=True)):
        row = known.get((channel.kind, address)) or _new(work, channel.kind, address)
        keys = channel.keys.model_dump() if channel.keys else row.keys
        if channel.kind == ChannelKind.PUSH and not keys:
            raise Invalid(
                f"channels.{position}.keys",
                "Kênh báo trên máy cần khóa p256dh và auth của trình duyệt.",
                "A push channel needs the browser's keys p256dh and auth.",
            )
        if keys is not None:
            row.keys = keys
        row.position = position
        row.language = channel.language
        row.quiet_from = channel.quiet.from_ if channel.quiet else None
        row.quiet_to = channel.quiet.to if channel.quiet else None
        row.gone_at = None
    await work.session.flush()
    await accounts.tell_of_channels(work, [channel.kind for channel in wanted])
    return await mine(work)


async def try_out(work: Work, kind: str | None, kinds: Collection[str]) -> int:
    """Send a test to oneself on one's channels of a kind; returns on how many. Raises Invalid when there is none."""
    allow(work, Action.MANAGE_OWN_ACCOUNT)
    test = new_id(work.now)
    said = Announcement(kind="test", about=f"test:{test}", key=f"test:{test}", urgent=True)
    sent = await notices.tell(work, [work.subject.id], said, only=[kind] if kind else sorted(kinds))
    if not sent:
        raise Invalid("kind", "Bạn chưa có kênh báo loại này.", "You have no channel of this kind.")
    return sent


def _address(index: int, channel: ChannelIn, push_hosts: str) -> str:
    field = f"channels.{index}.address"
    given = channel.address.strip()
    if channel.kind in (ChannelKind.SMS, ChannelKind.VOICE):
        found = e164(given)
        if found is None:
            raise Invalid(
                field,
                "Không phải số điện thoại. Ghi như 0912 345 678 hoặc +84912345678.",
                "This is no telephone number. Write 0912 345 678 or +84912345678.",
            )
        return found
    if channel.kind == ChannelKind.EMAIL:
        if not _EMAIL.fullmatch(given) or len(given) > 254:
            raise Invalid(field, "Không phải địa chỉ e-mail.", "This is no e-mail address.")
        return given
    return _endpoint(field, given, push_hosts)


def _endpoint(field: str, given: str, push_hosts: str) -> str:
    """The house posts to this address: only to push services that it knows, and over https."""
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    known = any(fnmatch(host, pattern.strip()) for pattern in push_hosts.split(",") if pattern.strip())
    if parts.scheme != "https" or not known or port not in (None, 443) or parts.username or not given.isascii():
        raise Invalid(
            field,
            "Không phải dịch vụ thông báo mà hệ thống này biết (https).",
            "This is no push service that this installation knows (https).",
        )
    return given


def _refuse_twins(wanted: Sequence[ChannelIn], addresses: Sequence[str]) -> None:
    seen: set[tuple[str, str]] = set()
    for index, (channel, address) in enumerate(zip(wanted, addresses, strict=True)):
        if (channel.kind, address) in seen:
            raise Invalid(
                f"channels.{index}.address", "Kênh này đã có trong danh sách.", "This channel is listed twice."
            )
        seen.add((channel.kind, address))


def _refuse_no_hours(wanted: Sequence[ChannelIn]) -> None:
    """Hours that end as they begin would be none, or all: nobody who wrote them can mean either."""
    for index, channel in enumerate(wanted):
        if channel.quiet and channel.quiet.from_ == channel.quiet.to:
            raise Invalid(
                f"channels.{index}.quiet.to",
                "Giờ yên lặng phải kết thúc vào một giờ khác.",
                "Quiet hours must end at another time than they begin.",
            )


def _new(work: Work, kind: str, address: str) -> Channel:
    row = Channel(
        id=new_id(work.now),
        user_id=work.subject.id,
        kind=kind,
        address=address,
        position=0,
        added_at=work.now,
    )
    work.session.add(row)
    return row


def shown(reach: Reach, kinds: Collection[str]) -> dict[str, Any]:
    """Return a channel as its owner sees it."""
    quiet = {"from": reach.quiet_from, "to": reach.quiet_to} if reach.quiet_from and reach.quiet_to else None
    return {
        "kind": reach.kind,
        "address": reach.address,
        "quiet": quiet,
        "language": reach.language,
        "able": reach.kind in kinds,
    }
