"""Tokens: what the database keeps of them, what a process remembers, and how soon a revocation counts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import event, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.clock import FakeClock
from app.database import make_engine, make_sessions
from app.identifiers import new_id
from app.models.organization import Organization, Ward
from app.models.specialty import Specialty
from app.models.user import Session, User, UserSpecialty
from app.services.people import sessions as module
from app.services.people.passwords import unusable
from app.services.people.sessions import BEARER, BROWSER, Sessions, open_session, prolong, revoke
from app.work import Subject, Work

NOW = datetime(2026, 11, 23, 20, 8, 20, tzinfo=UTC)
LIFETIME = timedelta(hours=12)


class Stopwatch:
    """Real seconds, as far as the cache can tell."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Place:
    engine: AsyncEngine
    database: async_sessionmaker[AsyncSession]
    clock: FakeClock
    stopwatch: Stopwatch
    sessions: Sessions
    doctor: UUID

    async def signed_in(self, kind: str = BEARER) -> tuple[Subject, str]:
        async with self.database() as session:
            subject, token = await open_session(Work(session, None, NOW), self.doctor, kind, LIFETIME)
            await session.commit()
        return subject, token

    async def elsewhere(self, statement: Any) -> None:
        """Another process, or the command line, changes something and tells nobody."""
        async with self.database() as session:
            await session.execute(statement)
            await session.commit()

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


@pytest_asyncio.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    engine = make_engine(database_url, pool_size=3)
    database = make_sessions(engine)
    clock, stopwatch = FakeClock(NOW), Stopwatch()
    doctor = new_id(NOW)
    async with database() as session:
        hospital = Organization(
            id=new_id(NOW),
            key="bm",
            kind="hospital",
            name="Bệnh viện Bạch Mai",
            short_name="BV Bạch Mai",
            created_at=NOW,
        )
        ward = Ward(id=new_id(NOW), key="bm-tm", hospital_id=hospital.id, name="Viện Tim mạch", phone="024 000 111")
        session.add_all([hospital, *(Specialty(code=code, vi=code, en=code) for code in ("K04", "STROKE"))])
        await session.flush()
        session.add(ward)
        await session.flush()
        session.add(
            User(
                id=doctor,
                username="bm-timmach-1",
                password_hash=unusable(),
                name="BS trực Tim mạch 1",
                role="specialist",
                hospital_id=hospital.id,
                ward_id=ward.id,
                licence="000101/DEMO-CCHN",
                phone="024 000 101",
                created_at=NOW,
            )
        )
        await session.flush()
        session.add_all([UserSpecialty(user_id=doctor, specialty=code) for code in ("STROKE", "K04")])
        await session.commit()
    yield Place(engine, database, clock, stopwatch, Sessions(database, clock, stopwatch=stopwatch), doctor)
    await engine.dispose()


async def test_a_token_tells_who_calls_with_everything_that_authorisation_needs(place: Place) -> None:
    opened, token = await place.signed_in()
    subject = await place.sessions.subject(token)
    assert subject == opened
    assert subject is not None
    assert (subject.id, subject.username, subject.role) == (place.doctor, "bm-timmach-1", "specialist")
    assert (subject.hospital_name, subject.ward_name, subject.ward_phone) == (
        "BV Bạch Mai",
        "Viện Tim mạch",
        "024 000 111",
    )
    assert subject.specialties == {"K04", "STROKE"}
    assert (subject.session_kind, subject.session_expires_at) == (BEARER, NOW + LIFETIME)


async def test_the_database_never_holds_a_token(place: Place) -> None:
    _, token = await place.signed_in()
    async with place.database() as session:
        row = (await session.execute(select(Session))).scalar_one()
        assert row.digest == sha256(token.encode()).digest()
        dump = (await session.execute(text("SELECT CAST(s AS text) FROM session s"))).scalar_one()
    assert token not in dump


async def test_a_second_look_at_a_token_asks_the_database_nothing(place: Place) -> None:
    _, token = await place.signed_in()
    await place.sessions.subject(token)
    with place.queries() as seen:
        assert await place.sessions.subject(token)
    assert seen == []


@pytest.mark.parametrize("token", ["", "x", "a" * 42, "a" * 44, "a" * 42 + "\n", "é" * 43, "a" * 42 + "\x00"])
async def test_what_cannot_be_a_token_never_reaches_the_database(place: Place, token: str) -> None:
    with place.queries() as seen:
        assert await place.sessions.subject(token) is None
    assert seen == []


async def test_a_token_that_was_never_given_out_is_nobody(place: Place) -> None:
    await place.signed_in()
    assert await place.sessions.subject("a" * 43) is None


@pytest.mark.parametrize("kind", ["session", "user"])
async def test_a_revocation_of_this_process_counts_at_its_commit(place: Place, kind: str) -> None:
    subject, token = await place.signed_in()
    await place.sessions.subject(token)
    async with place.database() as session:
        work = Work(session, subject, NOW)
        await revoke(work, subject.id)
        assert work.barred == [("session", str(subject.session_id))]
        await session.commit()
        place.sessions.forget(work.barred if kind == "session" else [("user", str(subject.id))])
    assert await place.sessions.subject(token) is None


async def test_ending_one_session_leaves_the_others_alone(place: Place) -> None:
    first, token = await place.signed_in()
    _, other = await place.signed_in()
    async with place.database() as session:
        work = Work(session, first, NOW)
        await revoke(work, first.id, only=first.session_id)
        await session.commit()
        place.sessions.forget(work.barred)
    assert await place.sessions.subject(token) is None
    assert await place.sessions.subject(other) is not None


async def test_a_barred_stream_is_no_signing_out(place: Place) -> None:
    _, token = await place.signed_in()
    await place.sessions.subject(token)
    place.sessions.forget([(f"consultation:{new_id(NOW)}", str(place.doctor))])
    with place.queries() as seen:
        assert await place.sessions.subject(token)
    assert seen == []


async def test_a_look_up_that_a_revocation_overtakes_is_not_remembered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, token = await place.signed_in()
    has_read, may_go_on = asyncio.Event(), asyncio.Event()
    find = module._find

    async def slow(*arguments: Any) -> Any:
        found = await find(*arguments)
        has_read.set()
        await may_go_on.wait()
        return found

    monkeypatch.setattr(module, "_find", slow)
    looking = asyncio.create_task(place.sessions.subject(token))
    await has_read.wait()
    async with place.database() as session:
        work = Work(session, subject, NOW)
        await revoke(work, subject.id)
        await session.commit()
        place.sessions.forget(work.barred)
    may_go_on.set()
    await looking
    assert await place.sessions.subject(token) is None


@pytest.mark.parametrize(
    "statement",
    [
        update(Session).values(revoked_at=NOW),
        update(User).values(active=False),
        update(Session).values(expires_at=NOW),
    ],
    ids=["revoked", "deactivated", "expired"],
)
async def test_what_ends_elsewhere_ends_here_within_two_seconds(place: Place, statement: Any) -> None:
    subject, token = await place.signed_in()
    await place.sessions.subject(token)
    await place.elsewhere(statement)
    place.stopwatch.seconds += module.TRUST_S
    assert await place.sessions.subject(token) is None
    assert subject.session_id is not None


@pytest.mark.parametrize(
    ("statement", "field", "value"),
    [
        (update(User).values(role="coordinator"), "role", "coordinator"),
        (update(User).values(must_change_password=True), "must_change_password", True),
        (update(Organization).values(short_name="BM"), "hospital_name", "BM"),
        (update(Ward).values(phone="024 000 999"), "ward_phone", "024 000 999"),
        (text("DELETE FROM user_specialty WHERE specialty = 'STROKE'"), "specialties", {"K04"}),
    ],
    ids=["role", "password", "hospital", "ward", "specialties"],
)
async def test_what_changes_elsewhere_is_known_here_within_two_seconds(
    place: Place, statement: Any, field: str, value: Any
) -> None:
    _, token = await place.signed_in()
    assert getattr(await place.sessions.subject(token), field) != value
    await place.elsewhere(statement)
    place.stopwatch.seconds += module.TRUST_S
    assert getattr(await place.sessions.subject(token), field) == value


async def test_a_check_says_which_sessions_ended_so_that_their_sockets_can_be_closed(place: Place) -> None:
    ended, token = await place.signed_in()
    _, other = await place.signed_in()
    for each in (token, other):
        await place.sessions.subject(each)
    assert await place.sessions.recheck() == []
    await place.elsewhere(update(Session).where(Session.id == ended.session_id).values(revoked_at=NOW))
    assert await place.sessions.recheck() == [("session", str(ended.session_id))]
    with place.queries() as seen:
        assert await place.sessions.subject(other)
    assert seen == []


async def test_a_crowd_that_comes_after_a_silence_costs_one_check(place: Place) -> None:
    tokens = [(await place.signed_in())[1] for _ in range(5)]
    for token in tokens:
        await place.sessions.subject(token)
    place.stopwatch.seconds += module.TRUST_S
    with place.queries() as seen:
        assert all(await asyncio.gather(*(place.sessions.subject(token) for token in tokens)))
    assert len(seen) == 1


async def test_a_process_that_cannot_ask_the_database_does_not_answer_from_memory(
    place: Place, unused_tcp_port_factory: Any
) -> None:
    _, token = await place.signed_in()
    await place.sessions.subject(token)
    away = make_engine(f"postgresql+asyncpg://nobody@127.0.0.1:{unused_tcp_port_factory()}/none", pool_size=2)
    place.sessions._database = make_sessions(away)
    assert await place.sessions.subject(token) is not None
    place.stopwatch.seconds += module.TRUST_S
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await place.sessions.subject(token)
    await away.dispose()


async def test_clearing_forgets_everybody_and_signs_nobody_out(place: Place) -> None:
    _, token = await place.signed_in()
    await place.sessions.subject(token)
    place.sessions.clear()
    with place.queries() as seen:
        assert await place.sessions.subject(token)
    assert len(seen) == 1


async def test_the_memory_is_bounded_and_keeps_who_came_last(place: Place) -> None:
    small = Sessions(place.database, place.clock, room=2, stopwatch=place.stopwatch)
    tokens = [(await place.signed_in())[1] for _ in range(3)]
    for token in tokens:
        await small.subject(token)
    with place.queries() as seen:
        assert await small.subject(tokens[2])
        assert await small.subject(tokens[1])
        assert seen == []
        assert await small.subject(tokens[0])
    assert len(seen) == 1


async def test_a_session_ends_on_the_second(place: Place) -> None:
    _, token = await place.signed_in()
    assert await place.sessions.subject(token)
    place.clock.advance(seconds=LIFETIME.total_seconds() - 1)
    assert await place.sessions.subject(token)
    place.clock.advance(seconds=1)
    assert await place.sessions.subject(token) is None


async def test_a_browser_in_use_is_not_put_out_in_the_middle_of_a_night(place: Place) -> None:
    subject, token = await place.signed_in(BROWSER)
    assert await place.sessions.subject(token)
    async with place.database() as session:
        early = Work(session, subject, NOW + LIFETIME / 2 - timedelta(seconds=1))
        assert not await prolong(early, LIFETIME)
        late = Work(session, subject, NOW + LIFETIME - timedelta(minutes=1))
        assert await prolong(late, LIFETIME)
        await session.commit()
    place.clock.advance(seconds=(LIFETIME * 1.5).total_seconds())
    assert await place.sessions.subject(token) is not None


async def test_a_token_of_a_program_and_a_revoked_session_are_not_prolonged(place: Place) -> None:
    late = NOW + LIFETIME - timedelta(minutes=1)
    program, _ = await place.signed_in(BEARER)
    browser, _ = await place.signed_in(BROWSER)
    async with place.database() as session:
        assert not await prolong(Work(session, program, late), LIFETIME)
        await revoke(Work(session, browser, NOW), browser.id, only=browser.session_id)
        assert not await prolong(Work(session, browser, late), LIFETIME)
