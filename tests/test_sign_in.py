"""Signing in: the same answer for every failure, limits that a guesser meets and a doctor does not."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.config import Settings
from app.database import make_engine, make_sessions
from app.errors import Invalid, TooManyAttempts, WrongCredentials
from app.identifiers import new_id
from app.models.user import Session, User
from app.services.people import passwords
from app.services.people.passwords import Checked
from app.services.people.sessions import BEARER, BROWSER
from app.services.people.sign_in import Attempt, Guard, Visitor, account_name, device_of, sign_in
from app.work import Subject, Work

NOW = datetime(2026, 11, 23, 20, 8, 20, tzinfo=UTC)
LIFETIME = timedelta(hours=12)
PASSWORD = "mưa rào trên mái tôn"
WARD_COMPUTER = "203.0.113.7"
STRANGER = "198.51.100.66"


@dataclass
class Door:
    engine: AsyncEngine
    database: async_sessionmaker[AsyncSession]
    guard: Guard
    doctor: UUID
    seen: list[str] = field(default_factory=list)

    async def come_in(
        self, username: str = "bm-timmach-1", password: str = PASSWORD, kind: str = BEARER, **visitor: Any
    ) -> tuple[Subject, str]:
        async with self.database() as session:
            work = Work(session, None, NOW)
            who = Visitor(**({"address": WARD_COMPUTER} | visitor))
            subject, token = await sign_in(work, self.guard, username, password, who, kind, LIFETIME)
            await session.commit()
        assert work.actor == subject
        return subject, token

    async def fail(self, times: int, username: str = "bm-timmach-1", **visitor: Any) -> None:
        for _ in range(times):
            with pytest.raises(WrongCredentials):
                await self.come_in(username, "not the password", **visitor)

    async def change(self, **values: Any) -> None:
        async with self.database() as session:
            await session.execute(update(User).where(User.id == self.doctor).values(**values))
            await session.commit()

    async def sessions_open(self) -> int:
        async with self.database() as session:
            found = await session.scalar(select(func.count()).select_from(Session).where(Session.revoked_at.is_(None)))
        return found or 0

    @contextmanager
    def queries(self) -> Iterator[list[str]]:
        seen: list[str] = []

        def see(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(self.engine.sync_engine, "before_cursor_execute", see)
        try:
            yield seen
        finally:
            event.remove(self.engine.sync_engine, "before_cursor_execute", see)


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords._HASHER.hash(PASSWORD)


@pytest_asyncio.fixture
async def door(database_url: str, hashed: str) -> AsyncIterator[Door]:
    engine = make_engine(database_url, pool_size=5)
    database = make_sessions(engine)
    doctor = new_id(NOW)
    async with database() as session:
        for id_, username in ((doctor, "bm-timmach-1"), (new_id(NOW), "bm-timmach-2")):
            session.add(
                User(
                    id=id_,
                    username=username,
                    password_hash=hashed,
                    name="BS trực Tim mạch",
                    role="specialist",
                    created_at=NOW,
                )
            )
        await session.commit()
    yield Door(engine, database, Guard(Settings(failed_sign_ins=3, failed_sign_ins_address=8)), doctor)
    await engine.dispose()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, hashed: str) -> list[str]:
    """Compare passwords without Argon2, and list those that were compared."""
    compared: list[str] = []

    async def check(password: str, stored: str | None) -> Checked:
        await asyncio.sleep(0)
        compared.append(password)
        return Checked(stored == hashed and password == PASSWORD)

    monkeypatch.setattr(passwords, "check", check)
    return compared


async def test_the_right_password_opens_a_session_of_the_kind_asked_for(door: Door) -> None:
    subject, token = await door.come_in(kind=BROWSER)
    assert (subject.id, subject.session_kind) == (door.doctor, BROWSER)
    assert subject.session_expires_at == NOW + LIFETIME
    assert len(token) == 43
    assert await door.sessions_open() == 1


@pytest.mark.parametrize("username", ["BM-TimMach-1", "  bm-timmach-1\t", "bm-timmach-1\n"])
async def test_case_and_white_space_do_not_count_in_a_user_name(door: Door, quick: list[str], username: str) -> None:
    assert (await door.come_in(username))[0].id == door.doctor


async def test_a_password_is_the_same_on_every_keyboard(door: Door) -> None:
    decomposed = unicodedata.normalize("NFD", PASSWORD)
    assert decomposed != PASSWORD
    assert (await door.come_in(password=decomposed))[0].id == door.doctor


@pytest.mark.parametrize(
    "username", ["", " ", "x" * 65, "a\x00b", "\ud800", "bm-timmach-1\x00", "bm-timmach-1' OR '1'='1", "%", "🫀"]
)
async def test_a_hostile_user_name_is_just_nobody(door: Door, quick: list[str], username: str) -> None:
    with pytest.raises(WrongCredentials):
        await door.come_in(username)
    assert len(quick) == 1


@pytest.mark.parametrize("password", ["", "\x00", "\ud800" * 20, "x" * 100_000])
async def test_a_hostile_password_is_just_wrong(door: Door, password: str) -> None:
    with pytest.raises(WrongCredentials):
        await door.come_in(password=password)


async def test_unknown_wrong_deactivated_and_without_a_password_look_and_cost_the_same(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    verify = passwords._HASHER.verify_and_update

    def counting(password: str, stored: str) -> tuple[bool, str | None]:
        compared.append(stored)
        return verify(password, stored)

    monkeypatch.setattr(passwords._HASHER, "verify_and_update", counting)

    async def refused(username: str, password: str) -> tuple[Any, ...]:
        door.guard = Guard(Settings())
        compared.clear()
        with door.queries() as queries, pytest.raises(WrongCredentials) as caught:
            await door.come_in(username, password)
        parameters = {stored.split("$")[3] for stored in compared}
        return (
            caught.value.status,
            caught.value.extra,
            caught.value.sentence("vi"),
            queries,
            len(compared),
            parameters,
        )

    wrong = await refused("bm-timmach-1", "not the password")
    assert wrong[4] == 1, "exactly one Argon2"
    assert await refused("nobody-here", PASSWORD) == wrong
    await door.change(password_hash=passwords.unusable())
    assert await refused("bm-timmach-1", PASSWORD) == wrong
    await door.change(password_hash=passwords._HASHER.hash(PASSWORD), active=False)
    assert await refused("bm-timmach-1", PASSWORD) == wrong
    assert await door.sessions_open() == 0


async def test_what_is_stored_that_is_no_hash_lets_nobody_in(door: Door) -> None:
    await door.change(password_hash="!")
    for attempt in ("!", "", PASSWORD):
        with pytest.raises(WrongCredentials):
            await door.come_in(password=attempt)


async def test_no_connection_is_held_while_a_password_is_compared(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    async def check(_password: str, _stored: str | None) -> Checked:
        held.append(door.engine.sync_engine.pool.checkedout())
        return Checked(fits=True)

    monkeypatch.setattr(passwords, "check", check)
    await door.come_in()
    assert held == [0]


async def test_a_hash_of_yesterdays_strength_is_made_anew_at_sign_in(door: Door) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await door.change(password_hash=weak)
    await door.come_in()
    async with door.database() as session:
        stored = await session.scalar(select(User.password_hash).where(User.id == door.doctor))
    assert stored is not None
    assert stored.split("$")[3] == passwords.unusable().split("$")[3]
    await door.come_in()


@pytest.mark.parametrize("change", [{"active": False}, {"password_hash": passwords.unusable()}])
async def test_an_account_closed_while_its_password_is_compared_stays_out(
    door: Door, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    async def check(_password: str, _stored: str | None) -> Checked:
        await door.change(**change)
        return Checked(fits=True)

    monkeypatch.setattr(passwords, "check", check)
    with pytest.raises(WrongCredentials):
        await door.come_in()
    assert await door.sessions_open() == 0


async def test_guessing_one_account_from_one_address_ends_and_the_right_password_tells_nothing_then(
    door: Door, quick: list[str]
) -> None:
    await door.fail(3, address=STRANGER)
    with pytest.raises(TooManyAttempts) as caught:
        await door.come_in(address=STRANGER)
    assert 1 <= caught.value.extra["retry_s"] <= 300
    assert len(quick) == 3


async def test_an_unknown_account_is_limited_like_a_known_one(door: Door, quick: list[str]) -> None:
    await door.fail(3, "nobody-here", address=STRANGER)
    with pytest.raises(TooManyAttempts):
        await door.come_in("Nobody-Here ", address=STRANGER)


async def test_a_stranger_elsewhere_cannot_lock_a_doctor_out(door: Door, quick: list[str]) -> None:
    await door.fail(3, address=STRANGER)
    assert (await door.come_in(address=WARD_COMPUTER))[0].id == door.doctor


async def test_guessing_many_accounts_from_one_address_ends_too(door: Door, quick: list[str]) -> None:
    for number in range(8):
        await door.fail(1, f"bm-timmach-{number + 10}", address=STRANGER)
    with pytest.raises(TooManyAttempts):
        await door.come_in("bm-timmach-2", address=STRANGER)


async def test_an_account_at_home_at_an_address_is_not_kept_out_by_what_else_comes_from_there(
    door: Door, quick: list[str]
) -> None:
    await door.come_in()
    for number in range(8):
        await door.fail(1, f"bm-timmach-{number + 10}")
    with pytest.raises(TooManyAttempts):
        await door.come_in("bm-timmach-2")
    assert (await door.come_in())[0].id == door.doctor


async def test_a_browser_that_was_in_before_is_not_kept_out_by_guesses_from_its_own_address(
    door: Door, quick: list[str]
) -> None:
    _, token = await door.come_in(kind=BROWSER)
    await door.fail(3)
    with pytest.raises(TooManyAttempts):
        await door.come_in()
    assert (await door.come_in(device=device_of(token)))[0].id == door.doctor


async def test_the_mark_of_a_browser_opens_nothing_and_counts_for_its_own_account_only(
    door: Door, quick: list[str]
) -> None:
    _, token = await door.come_in(kind=BROWSER)
    mark = device_of(token)
    assert token not in mark
    await door.fail(3, device=mark)
    with pytest.raises(TooManyAttempts):
        await door.come_in(device=mark)
    await door.fail(3, "bm-timmach-2", address=STRANGER, device=mark)
    with pytest.raises(TooManyAttempts):
        await door.come_in("bm-timmach-2", address=STRANGER, device=mark)


@pytest.mark.parametrize("mark", ["", "x", "%%%", "é", "A" * 44, "\x00"])
async def test_a_made_up_mark_is_worth_nothing(door: Door, quick: list[str], mark: str) -> None:
    await door.fail(3, address=STRANGER, device=mark)
    with pytest.raises(TooManyAttempts):
        await door.come_in(address=STRANGER, device=mark)


async def test_a_thousand_guesses_at_once_get_no_further_than_a_thousand_in_a_row(door: Door, quick: list[str]) -> None:
    tries = [door.come_in(password=f"guess {number}", address=STRANGER) for number in range(30)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    kinds = [type(answer) for answer in answers]
    assert len(quick) <= 3 + passwords.AT_ONCE - 1
    assert kinds.count(WrongCredentials) == len(quick)
    assert kinds.count(TooManyAttempts) == 30 - len(quick)


async def test_signing_in_often_is_no_guessing(door: Door, quick: list[str]) -> None:
    for _ in range(12):
        await door.come_in(address=STRANGER)
    assert await door.sessions_open() == 12


async def test_whoever_signs_in_on_anothers_browser_ends_the_others_session(door: Door, quick: list[str]) -> None:
    _, left_open = await door.come_in("bm-timmach-2", kind=BROWSER)
    subject, _ = await door.come_in(kind=BROWSER, replaces=left_open)
    assert await door.sessions_open() == 1
    assert subject.id == door.doctor


async def test_signing_in_again_in_a_second_tab_leaves_the_first_alone(door: Door, quick: list[str]) -> None:
    _, first = await door.come_in(kind=BROWSER)
    await door.come_in(kind=BROWSER, replaces=first)
    assert await door.sessions_open() == 2


def test_a_failure_counts_for_five_minutes_and_no_longer() -> None:
    attempt = Attempt("bm-timmach-1", STRANGER)
    with time_machine.travel(NOW, tick=False) as clock:
        guard = Guard(Settings(failed_sign_ins=2))
        guard.failed(attempt)
        clock.shift(100)
        guard.failed(attempt)
        with pytest.raises(TooManyAttempts) as caught:
            guard.admit(attempt)
        assert caught.value.extra == {"retry_s": 200}
        clock.shift(199)
        with pytest.raises(TooManyAttempts):
            guard.admit(attempt)
        clock.shift(2)
        guard.admit(attempt)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.66", "198.51.100.66", True),
        ("198.51.100.66", "198.51.100.67", False),
        ("", "no address", True),
    ],
)
def test_an_address_is_counted_as_far_as_one_subscriber_has_it(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    guard = Guard(Settings(failed_sign_ins=1))
    guard.failed(Attempt("bm-timmach-1", one))
    if same:
        with pytest.raises(TooManyAttempts):
            guard.admit(Attempt("bm-timmach-1", other))
    else:
        guard.admit(Attempt("bm-timmach-1", other))


def test_the_memory_of_the_limits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.people.sign_in._ROOM", 50)
    with time_machine.travel(NOW, tick=False) as clock:
        guard = Guard(Settings())
        for number in range(200):
            guard.failed(Attempt(f"account-{number}", f"198.51.{number}.1"))
            guard.succeeded(Attempt(f"account-{number}", f"198.51.{number}.1"))
        assert len(guard._homes) == 50
        clock.shift(301)
        guard._storage._MemoryStorage__expire_events()
        guard.failed(Attempt("account", STRANGER))
        assert len(guard._storage.events) == 2


@pytest.mark.parametrize(
    ("typed", "known"),
    [(" BM-TimMach-1 ", "bm-timmach-1"), ("e\u0301", "é"), ("", "?"), ("a\x07", "?"), ("x" * 65, "?")],
)
def test_a_user_name_has_one_form(typed: str, known: str) -> None:
    assert account_name(typed) == known


@pytest.mark.parametrize(
    "password",
    [
        "ngắn quá",
        "bm-timmach-1",
        "BM-TimMach-1",
        "bm-timmach-1!",
        "1bm-timmach-12",
        "123456789012",
        "0912345678901",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "password1234",
        "P@ssw0rd2026!",
        "Mật khẩu 2026!",
        "matkhaumatkhau",
        "hoichan-benhvien-1",
        "Bệnh viện Bạch Mai",
        "qwertyuiop[]1",
        "!@#$%^&*()_+",
        "            ",
        "tab\tin the middle",
        "nul\x00in the middle",
        "\ud800" * 12,
        "x7" * 200,
    ],
)
def test_a_password_that_anybody_would_try_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        passwords.refuse_weak(password, "bm-timmach-1")
    ((at, vi, en),) = caught.value.errors
    assert at == "new"
    assert vi
    assert en


@pytest.mark.parametrize(
    "password",
    [PASSWORD, "correct horse battery", "k7mq-x3rd-9wpt-2hvn", "ga-sen-tre-nui-mua-42", "🫀 trái tim của tôi"],
)
def test_a_password_of_ones_own_is_accepted(password: str) -> None:
    passwords.refuse_weak(password, "bm-timmach-1")


def test_a_one_time_password_is_never_one_that_would_be_refused() -> None:
    made = {passwords.one_time() for _ in range(500)}
    assert len(made) == 500
    for password in made:
        passwords.refuse_weak(password, "bm-timmach-1")
        assert not set(password) & set("0o1il")
