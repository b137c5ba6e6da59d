"""Signing in and out, and the limits on guessing.

Nobody learns from the answer or from the time it took whether an account exists, is deactivated, or has no password
yet. Only failures count, in a moving window of five minutes, and a stranger cannot lock anybody out:
- a browser that has signed in to this account before shows so by a cookie, and has a count of its own;
- an address that the account has signed in from keeps a count of its own too, apart from what else comes from there
  (a whole hospital may share one address);
- everybody else is counted by account and address, and by address.
"""

import asyncio
import math
import time
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import LargeBinary, and_, exists, func, literal, or_, select, update

from app.config import Settings
from app.errors import TooManyAttempts, WrongCredentials
from app.models.installation import Installation
from app.models.user import Session, User
from app.services.people import passwords
from app.services.people.sessions import digest_of, open_session, revoke_token
from app.work import Subject, Work

WINDOW_MINUTES: Final = 5
LONGEST_NAME: Final = 64
_ROOM: Final = 20_000

Bucket = tuple[RateLimitItem, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to sign in: to which account, from where, and on which browser, if it has been there before."""

    account: str
    address: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever wants to come in, before it is known who they are."""

    address: str
    device: str | None = None
    """What an earlier sign-in left with this browser (`device_of`)."""
    replaces: str | None = None
    """The token that this browser still holds."""


class Guard:
    """Counts failures of this process. Kept in memory: a restart forgets, a guesser gains one window by it."""

    def __init__(self, settings: Settings) -> None:
        """Take the limits from `failed_sign_ins` and `failed_sign_ins_address`."""
        self._each = RateLimitItemPerMinute(settings.failed_sign_ins, WINDOW_MINUTES)
        self._address = RateLimitItemPerMinute(settings.failed_sign_ins_address, WINDOW_MINUTES)
        self._storage = MemoryStorage()
        self._window = MovingWindowRateLimiter(self._storage)
        self._homes: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._turns = asyncio.Semaphore(passwords.AT_ONCE)

    @asynccontextmanager
    async def turn(self, attempt: Attempt) -> AsyncIterator[None]:
        """Wait for a turn to try; raises TooManyAttempts.

        The limit is looked at before and after the wait, so that a thousand guesses at once get no further than a
        thousand in a row.
        """
        self.admit(attempt)
        async with self._turns:
            self.admit(attempt)
            yield

    def admit(self, attempt: Attempt) -> None:
        """Raise TooManyAttempts, with the seconds to wait, when there were too many failures."""
        full = [bucket for bucket in self._buckets(attempt) if not self._window.test(bucket[0], *bucket[1])]
        if full:
            opens = max(self._window.get_window_stats(item, *names).reset_time for item, names in full)
            raise TooManyAttempts(retry_s=max(1, math.ceil(opens - time.time())))

    def failed(self, attempt: Attempt) -> None:
        """Count a wrong password, or an account that does not exist: the same thing."""
        for item, names in self._buckets(attempt):
            self._window.hit(item, *names)
        self._forget_the_old()

    def succeeded(self, attempt: Attempt) -> None:
        """Remember that this account signs in from this address."""
        self._homes[attempt.account, _place(attempt.address)] = None
        self._homes.move_to_end((attempt.account, _place(attempt.address)))
        if len(self._homes) > _ROOM:
            self._homes.popitem(last=False)

    def _buckets(self, attempt: Attempt) -> list[Bucket]:
        place = _place(attempt.address)
        if attempt.device is not None:
            return [(self._each, ("device", attempt.device))]
        if (attempt.account, place) in self._homes:
            return [(self._each, ("home", attempt.account, place))]
        return [(self._each, ("account", attempt.account, place)), (self._address, ("address", place))]

    def _forget_the_old(self) -> None:
        if len(self._storage.events) > _ROOM:
            # The library empties what has expired, but keeps its name for ever.
            for key in [key for key, entries in self._storage.events.items() if not entries]:
                self._storage.clear(key)


async def sign_in(
    work: Work, guard: Guard, username: str, password: str, visitor: Visitor, kind: str, lifetime: timedelta
) -> tuple[Subject, str]:
    """Open a session of `kind` (bearer or cookie) and return whose it is and its token; the work becomes theirs.

    Raises WrongCredentials, whatever the reason, and TooManyAttempts.
    """
    name = account_name(username)
    found = await _look_up(work, name, visitor.device)
    # Passwords take their time: the connection goes back meanwhile, because calls need it more.
    await work.session.rollback()
    attempt = Attempt(name, visitor.address, visitor.device if found.knows_device else None)
    async with guard.turn(attempt):
        checked = await passwords.check(password, found.password_hash)
        if not checked.fits or not found.active:
            guard.failed(attempt)
            raise WrongCredentials
        guard.succeeded(attempt)
    if found.id is None or not await _is_still_so(work, found, checked.rehashed):
        raise WrongCredentials
    subject, token = await open_session(work, found.id, kind, lifetime)
    if visitor.replaces is not None:
        await revoke_token(work, visitor.replaces, unless_of=subject.id)
    work.actor = subject
    return subject, token


def account_name(username: str) -> str:
    """The one form of a user name: NFC, without white space around it, case does not count."""
    name = unicodedata.normalize("NFC", username.strip()).lower()
    return name if name.isprintable() and 0 < len(name) <= LONGEST_NAME else "?"


def device_of(token: str) -> str:
    """What a browser may keep to show that it has signed in before; nobody can sign in with it."""
    return urlsafe_b64encode(digest_of(token)).decode()


@dataclass(frozen=True, slots=True)
class _Found:
    id: UUID | None = None
    password_hash: str | None = None
    active: bool = False
    knows_device: bool = False


async def _look_up(work: Work, name: str, device: str | None) -> _Found:
    digest = literal(_digest_in(device), LargeBinary)
    row = (
        await work.session.execute(
            select(
                User.id,
                User.password_hash,
                # A demonstration's accounts sign in to a demonstration only, wherever its rows were copied to.
                and_(User.active, or_(~User.demo, select(Installation.demo).scalar_subquery())),
                exists().where(Session.user_id == User.id, Session.digest == digest).label("knows_device"),
            ).where(func.lower(User.username) == name)
        )
    ).one_or_none()
    return _Found(*row) if row else _Found()


def _digest_in(device: str | None) -> bytes:
    try:
        return urlsafe_b64decode(device or "")
    except ValueError:
        return b""


async def _is_still_so(work: Work, found: _Found, rehashed: str | None) -> bool:
    """Lock the account and see that nobody has deactivated it or changed its password while it was being checked.

    Whoever does so later waits for this commit, and then ends the session that is opened here.
    """
    same = (User.id == found.id, User.active, User.password_hash == found.password_hash)
    if rehashed is not None:
        changed = update(User).where(*same).values(password_hash=rehashed).returning(User.id)
        return await work.session.scalar(changed) is not None
    return await work.session.scalar(select(User.id).where(*same).with_for_update(read=True)) is not None


def _place(address: str) -> str:
    """An address as far as one person has it: a whole IPv6 /64 belongs to one subscriber."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "?"
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
    return str(ip)
