"""Accounts: the first ones of an installation, new passwords, closing; and the doors of HTTP that lead to them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from app.clock import FakeClock
from app.config import Settings
from app.identifiers import new_id
from app.main import create_app
from app.models.desk import Desk
from app.models.event import Event, StreamEntry, StreamHead
from app.models.organization import Organization, Ward
from app.models.rota import DutySlot, Layer, Schedule
from app.models.specialty import Specialty
from app.models.user import Session, User
from app.realtime.house import House
from app.services.facts.events import FIRST_HASH, chain_hash
from app.services.people import passwords
from app.services.people.accounts import AccountError, add_account, deactivate_account, reset_account
from app.work import Work

NOW = datetime(2026, 11, 23, 20, 8, 20, tzinfo=UTC)
NEW = "mưa rào trên mái tôn"
HERE = "http://127.0.0.1:8000"


@dataclass
class Installation:
    """A hospital with a desk and nobody in it yet, and the program that serves it."""

    app: FastAPI
    house: House
    clock: FakeClock
    desk: UUID

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Work]:
        async with self.house.work(None) as work:
            yield work
            await self.house.commit(work)

    async def add(self, username: str = "bm-timmach-1", role: str = "specialist", **more: Any) -> str:
        given: dict[str, Any] = {"name": "BS trực Tim mạch 1", "hospital": None if role == "operator" else "bm"}
        if role == "specialist":
            given["specialties"] = ["K04"]
        async with self.working() as work:
            return await add_account(work, username=username, role=role, **(given | more))

    async def user(self, username: str = "bm-timmach-1") -> User:
        async with self.house.database() as session:
            return (await session.scalars(select(User).where(User.username == username))).one()

    async def facts(self, username: str = "bm-timmach-1") -> list[Event]:
        chain = f"user:{(await self.user(username)).id}"
        async with self.house.database() as session:
            return list(await session.scalars(select(Event).where(Event.chain == chain).order_by(Event.seq)))

    async def open_sessions(self) -> int:
        async with self.house.database() as session:
            return await session.scalar(select(func.count(Session.id)).where(Session.revoked_at.is_(None))) or 0

    def client(self, base_url: str = HERE, address: str = "127.0.0.1", **more: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=(address, 50_000), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=base_url, **more)

    @asynccontextmanager
    async def browser(self, password: str = NEW, username: str = "bm-timmach-1") -> AsyncIterator[httpx.AsyncClient]:
        """A browser that has signed in; like Chromium, it sends Secure cookies to this very machine over http."""
        async with self.client() as client:
            answer = await client.post("/api/v1/auth/session", json={"username": username, "password": password})
            assert answer.status_code == 200, answer.text
            client.headers["Cookie"] = "; ".join(f"{n}={m.value}" for n, m in cookies_of(answer).items())
            yield client

    async def bearer(self, password: str, username: str = "bm-timmach-1") -> dict[str, str]:
        async with self.client() as client:
            answer = await client.post("/api/v1/auth/token", data={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def settled(self, username: str = "bm-timmach-1") -> None:
        """Replace the one-time password of a new account by `NEW`."""
        once = await self.add(username)
        headers = await self.bearer(once, username)
        async with self.client(headers=headers) as client:
            answer = await client.post("/api/v1/me/password", json={"current": once, "new": NEW})
            assert answer.status_code == 204, answer.text


@pytest.fixture(autouse=True)
def hasty_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests sign in hundreds of times; what the real parameters do is tested with signing in."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(passwords, "_HASHER", cheap)


@pytest_asyncio.fixture
async def installation(settings: Settings) -> AsyncIterator[Installation]:
    clock = FakeClock(NOW)
    app = create_app(settings, clock=clock, background=False)
    house: House = app.state.house
    desk_id = new_id(NOW)
    async with house.database() as session:
        hospital, ward = new_id(NOW), new_id(NOW)
        session.add_all(
            [
                Organization(id=hospital, key="bm", kind="hospital", name="Bệnh viện", short_name="BV", created_at=NOW),
                Organization(
                    id=new_id(NOW), key="syt", kind="health_department", name="Sở Y tế", short_name="Sở", created_at=NOW
                ),
                Specialty(code="K04", vi="Tim mạch", en="Cardiology"),
            ]
        )
        await session.flush()
        session.add(Ward(id=ward, key="bm-cc", hospital_id=hospital, name="Khoa Cấp cứu", phone="024 000 112"))
        session.add(Desk(id=desk_id, key="bm-tm", hospital_id=hospital, specialty="K04", name="Bàn trực Tim mạch"))
        await session.commit()
    yield Installation(app, house, clock, desk_id)
    await house.engine.dispose()


def cookies_of(answer: httpx.Response) -> dict[str, Any]:
    jar: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    return dict(jar)


def kind_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).removeprefix("/problems/")


# From the command line


async def test_the_first_operator_and_administrator_of_an_installation_can_sign_in(installation: Installation) -> None:
    for username, role in (("van-hanh", "operator"), ("quan-tri", "admin")):
        password = await installation.add(username, role)
        user = await installation.user(username)
        assert (user.role, user.must_change_password, user.active, user.demo) == (role, True, True, False)
        assert (user.hospital_id is None) == (role == "operator")
        assert password not in user.password_hash
        headers = await installation.bearer(password, username)
        async with installation.client(headers=headers) as client:
            me = (await client.get("/api/v1/me")).json()
        assert (me["username"], me["role"], me["must_change_password"]) == (username, role, True)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"username": "Có Dấu"}, "«có dấu»"),
        ({"username": "x" * 65}, "«?»"),
        ({"username": "-x-"}, "«-x-»"),
        ({"username": ""}, "«?»"),
        ({"role": "boss"}, "boss"),
        ({"role": "admin", "hospital": None}, "bệnh viện"),
        ({"role": "operator", "hospital": "bm"}, "vận hành"),
        ({"hospital": "none"}, "«none»"),
        ({"hospital": "syt"}, "«syt»"),
        ({"ward": "none"}, "«none»"),
        ({"specialties": ["K99"]}, "K99"),
        ({"specialties": []}, "chuyên khoa"),
        ({"username": "BM-TimMach-1"}, "Đã có"),
    ],
)
async def test_an_account_that_makes_no_sense_is_not_made(
    installation: Installation, change: dict[str, Any], word: str
) -> None:
    await installation.add()
    given = {"username": "bm-timmach-2", "name": "BS", "role": "specialist", "hospital": "bm", "specialties": ["K04"]}
    async with installation.house.work(None) as work:
        with pytest.raises(AccountError, match=re.escape(word)) as caught:
            await add_account(work, **(given | change))
    assert " / " in str(caught.value)


async def test_a_requesting_doctor_belongs_to_a_ward(installation: Installation) -> None:
    password = await installation.add("bm-capcuu-1", "requester", ward="bm-cc", name="  BS trực  Cấp cứu ")
    async with installation.client(headers=await installation.bearer(password, "bm-capcuu-1")) as client:
        me = (await client.get("/api/v1/me")).json()
    assert (me["name"], me["ward_name"], me["ward_phone"]) == ("BS trực Cấp cứu", "Khoa Cấp cứu", "024 000 112")
    assert me["hospital_name"] == "BV"


async def test_every_change_of_an_account_is_a_fact_in_its_own_chain(installation: Installation) -> None:
    once = await installation.add()
    headers = await installation.bearer(once)
    async with installation.client(headers=headers) as client:
        await client.post("/api/v1/me/password", json={"current": once, "new": NEW})
        await client.delete("/api/v1/auth/session", params={"everywhere": "true"})
    async with installation.working() as work:
        await reset_account(work, "bm-timmach-1")
    async with installation.working() as work:
        await deactivate_account(work, "bm-timmach-1")
    async with installation.working() as work:
        await reset_account(work, "bm-timmach-1", reactivate=True)
    facts = await installation.facts()
    changes = [fact.data["change"] for fact in facts if fact.data]
    assert changes == [
        "created",
        "password_changed",
        "signed_out_everywhere",
        "password_reset",
        "deactivated",
        "reactivated",
    ]
    user = await installation.user()
    assert [fact.actor_id for fact in facts] == [None, user.id, user.id, None, None, None]
    assert not any(once in str(fact.data) or NEW in str(fact.data) for fact in facts)
    previous = FIRST_HASH
    for place, fact in enumerate(facts, start=1):
        assert fact.seq == place
        actor = (fact.actor_id, fact.actor_name)
        previous = chain_hash(previous, fact.chain, fact.seq, fact.id, fact.type, fact.at, actor, bytes(fact.data_hash))
        assert bytes(fact.hash) == previous
    async with installation.house.database() as session:
        head = await session.get_one(StreamHead, f"user:{user.id}")
        entries = await session.scalars(select(StreamEntry.seq).where(StreamEntry.stream == f"user:{user.id}"))
        assert sorted(entries) == list(range(1, 7))
    assert (head.head, head.chain_seq, bytes(head.chain_hash)) == (6, 6, previous)


async def test_a_reset_ends_every_session_and_the_old_password(installation: Installation) -> None:
    await installation.settled()
    headers = await installation.bearer(NEW)
    async with installation.working() as work:
        once = await reset_account(work, " BM-timmach-1 ")
    assert await installation.open_sessions() == 0
    async with installation.client() as client:
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
        form = {"username": "bm-timmach-1", "password": NEW}
        assert kind_of(await client.post("/api/v1/auth/token", data=form)) == "wrong-credentials"
        again = await installation.bearer(once)
        assert (await client.get("/api/v1/me", headers=again)).json()["must_change_password"] is True


async def test_deactivating_ends_sessions_sign_in_and_duty_with_one_commit(installation: Installation) -> None:
    await installation.settled()
    headers = await installation.bearer(NEW)
    user = await installation.user()
    await on_duty(installation, user.id)
    async with installation.working() as work:
        await deactivate_account(work, "bm-timmach-1")
        assert ("user", str(user.id)) in work.barred
    async with installation.client() as client:
        assert kind_of(await client.get("/api/v1/me", headers=headers)) == "unauthenticated"
        form = {"username": "bm-timmach-1", "password": NEW}
        assert kind_of(await client.post("/api/v1/auth/token", data=form)) == "wrong-credentials"
    async with installation.house.database() as session:
        slots = await session.scalars(select(DutySlot).where(DutySlot.doctor_id == user.id))
        assert all(slot.during.upper is not None and slot.during.upper <= NOW for slot in slots)
    assert await installation.open_sessions() == 0


async def test_what_is_deactivated_or_unknown_is_not_reset_by_mistake(installation: Installation) -> None:
    await installation.add()
    async with installation.working() as work:
        await deactivate_account(work, "bm-timmach-1")
    for change in (reset_account, deactivate_account):
        for username in ("bm-timmach-1", "nobody"):
            async with installation.house.work(None) as work:
                with pytest.raises(AccountError):
                    await change(work, username)


# Programs, over HTTP


async def test_a_program_gets_a_token_by_the_password_form(installation: Installation) -> None:
    await installation.settled()
    form = {"grant_type": "password", "username": "bm-timmach-1", "password": NEW, "scope": ""}
    async with installation.client(base_url="http://10.0.0.5:8000", address="10.0.0.9") as client:
        answer = await client.post("/api/v1/auth/token", data=form)
        assert answer.status_code == 200
        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", 12 * 3600)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        headers = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
        assert (await client.delete("/api/v1/auth/session", headers=headers)).status_code == 204
        assert kind_of(await client.get("/api/v1/me", headers=headers)) == "unauthenticated"


@pytest.mark.parametrize(
    "given", [{"username": "bm-timmach-1", "password": "wrong"}, {"username": "x", "password": NEW}]
)
async def test_every_refusal_reads_the_same(installation: Installation, given: dict[str, str]) -> None:
    await installation.settled()
    async with installation.client(headers={"Accept-Language": "en"}) as client:
        for answer in (
            await client.post("/api/v1/auth/token", data=given),
            await client.post("/api/v1/auth/session", json=given),
        ):
            assert (answer.status_code, kind_of(answer)) == (401, "wrong-credentials")
            assert answer.json()["detail"] == "User name or password is not right."
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"username": 1, "password": true}',
        b'{"username": "x"}',
        b'{"username": "\\ud800", "password": "x"}',
        b'{"username": "x", "password": "' + b"y" * 300 + b'"}',
        b'{"username": "x", "password": "y", "admin": true}',
    ],
)
async def test_a_malformed_sign_in_is_bad_input_and_repeats_no_password(
    installation: Installation, body: bytes
) -> None:
    async with installation.client() as client:
        answer = await client.post("/api/v1/auth/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 401, 422)
    assert "yyy" not in answer.text


async def test_too_many_failures_are_told_how_long_to_wait(installation: Installation) -> None:
    wrong = {"username": "nobody-here", "password": "x"}
    async with installation.client() as client:
        for _ in range(installation.house.settings.failed_sign_ins):
            assert (await client.post("/api/v1/auth/token", data=wrong)).status_code == 401
        answer = await client.post("/api/v1/auth/token", data=wrong)
    assert (answer.status_code, kind_of(answer)) == (429, "too-many-attempts")
    assert 1 <= int(answer.headers["retry-after"]) <= 300


# Browsers, over HTTP


async def test_a_browser_session_is_a_cookie_that_no_script_and_no_other_site_can_use(
    installation: Installation,
) -> None:
    await installation.settled()
    async with installation.client() as client:
        answer = await client.post("/api/v1/auth/session", json={"username": "bm-timmach-1", "password": NEW})
    assert answer.status_code == 200
    assert answer.json()["username"] == "bm-timmach-1"
    assert answer.headers["cache-control"] == "no-store"
    for name, cookie in cookies_of(answer).items():
        assert name.startswith("__Host-hoichan")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"].lower() == "strict"
        assert cookie["path"] == "/"
        assert not cookie["domain"]
    token = cookies_of(answer)["__Host-hoichan"].value
    assert token not in answer.text
    async with installation.house.database() as session:
        row = (await session.scalars(select(Session).where(Session.kind == "cookie"))).one()
    assert row.digest == sha256(token.encode()).digest()


@pytest.mark.parametrize(
    ("base_url", "address", "headers"),
    [
        ("http://hoichan.example", "203.0.113.7", {}),
        ("http://10.0.0.5:8000", "10.0.0.9", {}),
        ("http://hoichan.example", "127.0.0.1", {}),
        (HERE, "203.0.113.7", {}),
        (HERE, "127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}),
        (HERE, "127.0.0.1", {"X-Forwarded-Proto": "https"}),
        (HERE, "127.0.0.1", {"Forwarded": "for=203.0.113.7"}),
        (HERE, "", {}),
    ],
)
async def test_a_browser_session_over_plain_http_from_elsewhere_is_clearly_refused(
    installation: Installation, base_url: str, address: str, headers: dict[str, str]
) -> None:
    await installation.settled()
    async with installation.client(base_url, address, headers=headers) as client:
        answer = await client.post("/api/v1/auth/session", json={"username": "bm-timmach-1", "password": NEW})
    assert (answer.status_code, kind_of(answer)) == (403, "insecure-transport")
    assert "set-cookie" not in answer.headers
    assert await installation.open_sessions() == 1  # the program that set the password


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://hoichan.example", "203.0.113.7"),
        ("http://localhost:8000", "::1"),
        ("http://[::1]:8000", "::1"),
        ("http://127.0.0.1", "127.0.0.1"),
    ],
)
async def test_a_browser_session_over_https_or_on_the_machine_itself_is_opened(
    installation: Installation, base_url: str, address: str
) -> None:
    await installation.settled()
    async with installation.client(base_url, address) as client:
        answer = await client.post("/api/v1/auth/session", json={"username": "bm-timmach-1", "password": NEW})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_another_site_cannot_sign_anybody_in_or_out(installation: Installation, headers: dict[str, str]) -> None:
    await installation.settled()
    given = {"username": "bm-timmach-1", "password": NEW}
    async with installation.client() as client:
        for answer in (
            await client.post("/api/v1/auth/session", json=given, headers=headers),
            await client.post("/api/v1/auth/token", data=given, headers=headers),
        ):
            assert (answer.status_code, kind_of(answer)) == (403, "cross-site")
    async with installation.browser() as browser:
        for answer in (
            await browser.delete("/api/v1/auth/session", headers=headers),
            await browser.post("/api/v1/me/password", json={"current": NEW, "new": "x" * 20}, headers=headers),
        ):
            assert (answer.status_code, kind_of(answer)) == (403, "cross-site")
        assert (await browser.get("/api/v1/me")).status_code == 200


async def test_signing_out_ends_this_session_and_takes_the_cookie_back(installation: Installation) -> None:
    await installation.settled()
    async with installation.browser() as one, installation.browser() as other:
        answer = await one.delete("/api/v1/auth/session")
        assert answer.status_code == 204
        assert cookies_of(answer)["__Host-hoichan"]["max-age"] == "0"
        assert (await one.get("/api/v1/me")).status_code == 401
        assert (await other.get("/api/v1/me")).status_code == 200


async def test_signing_out_everywhere_ends_browsers_and_programs(installation: Installation) -> None:
    await installation.settled()
    headers = await installation.bearer(NEW)
    async with installation.browser() as one, installation.browser() as other:
        answer = await one.delete("/api/v1/auth/session", params={"everywhere": "true"})
        assert answer.status_code == 204
        for again in (await one.get("/api/v1/me"), await other.get("/api/v1/me")):
            assert again.status_code == 401
    async with installation.client(headers=headers) as program:
        assert (await program.get("/api/v1/me")).status_code == 401
    assert await installation.open_sessions() == 0


async def test_whoever_sits_down_at_anothers_browser_does_not_keep_the_others_session(
    installation: Installation,
) -> None:
    await installation.settled()
    await installation.settled("bm-timmach-2")
    async with installation.browser() as browser:
        before = dict(browser.headers)
        given = {"username": "bm-timmach-2", "password": NEW}
        assert (await browser.post("/api/v1/auth/session", json=given)).status_code == 200
        assert (await browser.get("/api/v1/me", headers={"Cookie": before["cookie"]})).status_code == 401


async def test_a_browser_that_is_used_keeps_its_session(installation: Installation) -> None:
    await installation.settled()
    life = timedelta(hours=installation.house.settings.session_hours)
    async with installation.browser() as browser:
        assert "set-cookie" not in (await browser.get("/api/v1/me")).headers
        installation.clock.advance(seconds=life.total_seconds() * 0.75)
        prolonged = await browser.get("/api/v1/me")
        assert cookies_of(prolonged)["__Host-hoichan"]["max-age"] == str(int(life.total_seconds()))
        installation.clock.advance(seconds=life.total_seconds() * 0.75)
        assert (await browser.get("/api/v1/me")).status_code == 200
        installation.clock.advance(seconds=life.total_seconds() * 1.01)
        assert (await browser.get("/api/v1/me")).status_code == 401


# Oneself, over HTTP


async def test_i_see_who_i_am_and_where_i_am_on_duty_until_when(installation: Installation) -> None:
    await installation.settled()
    user = await installation.user()
    await on_duty(installation, user.id, NOW + timedelta(hours=4))
    async with installation.browser() as browser:
        me = (await browser.get("/api/v1/me")).json()
    assert me["desks"] == [
        {
            "desk": str(installation.desk),
            "desk_name": "Bàn trực Tim mạch",
            "specialty": "K04",
            "roles": ["primary"],
            "until": "2026-11-24T00:08:20Z",
        }
    ]
    assert (me["id"], me["specialties"], me["server_time"]) == (str(user.id), ["K04"], "2026-11-23T20:08:20Z")
    assert (me["demo"], me["must_change_password"], me["board"]) == (False, False, [])


async def test_a_coordinator_may_watch_the_board_of_the_own_hospital(installation: Installation) -> None:
    password = await installation.add("bm-dieuphoi", "coordinator")
    async with installation.client(headers=await installation.bearer(password, "bm-dieuphoi")) as client:
        me = (await client.get("/api/v1/me")).json()
    assert me["board"] == [me["hospital"]]


async def test_nobody_signed_in_is_nobody(installation: Installation) -> None:
    async with installation.client() as client:
        assert kind_of(await client.get("/api/v1/me")) == "unauthenticated"
        assert kind_of(await client.delete("/api/v1/auth/session")) == "unauthenticated"
        assert kind_of(await client.post("/api/v1/me/password", json={"current": "x", "new": NEW})) == "unauthenticated"


async def test_a_one_time_password_opens_only_the_way_to_a_new_one(installation: Installation) -> None:
    once = await installation.add()
    async with installation.browser(once) as browser:
        assert (await browser.get("/api/v1/me")).json()["must_change_password"] is True
        refused = await browser.get("/api/v1/consultations")
        assert (refused.status_code, kind_of(refused)) == (403, "password-change-needed")
        answer = await browser.post("/api/v1/me/password", json={"current": once, "new": NEW})
        assert answer.status_code == 204
        assert (await browser.get("/api/v1/me")).json()["must_change_password"] is False
        assert (await browser.get("/api/v1/consultations")).status_code == 200


async def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(installation: Installation) -> None:
    await installation.settled()
    other = await installation.bearer(NEW)
    newer = "gió mùa đông bắc về"
    async with installation.browser() as browser:
        assert (await browser.post("/api/v1/me/password", json={"current": NEW, "new": newer})).status_code == 204
        assert (await browser.get("/api/v1/me")).status_code == 200
    async with installation.client(headers=other) as client:
        assert (await client.get("/api/v1/me")).status_code == 401
    await installation.bearer(newer)
    assert await installation.open_sessions() == 2


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("not my password", "gió mùa đông bắc về", "current"),
        (NEW, "ngắn", "new"),
        (NEW, "bm-timmach-1", "new"),
        (NEW, "matkhau123456", "new"),
        (NEW, NEW, "new"),
        (NEW, "x" * 300, "new"),
        (NEW, None, "new"),
    ],
)
async def test_a_password_change_that_cannot_be_says_which_field_is_wrong(
    installation: Installation, current: str, new: str | None, field: str
) -> None:
    await installation.settled()
    async with installation.browser() as browser:
        answer = await browser.post("/api/v1/me/password", json={"current": current, "new": new})
        assert (answer.status_code, kind_of(answer)) == (422, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        assert NEW not in answer.text
    await installation.bearer(NEW)


async def test_a_stolen_session_cannot_guess_the_password_for_ever(installation: Installation) -> None:
    await installation.settled()
    async with installation.browser() as browser:
        wrong = {"current": "not my password", "new": "gió mùa đông bắc về"}
        for _ in range(installation.house.settings.failed_sign_ins):
            assert (await browser.post("/api/v1/me/password", json=wrong)).status_code == 422
        assert (await browser.post("/api/v1/me/password", json=wrong)).status_code == 429
    # … and has not locked the doctor out.
    await installation.bearer(NEW)


async def test_two_password_changes_at_once_leave_one_password(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await installation.settled()
    hash_password = passwords.hash_password

    async def overtaken(password: str) -> str:
        async with installation.house.database() as session:
            user = await session.get_one(User, (await installation.user()).id)
            user.password_hash = await hash_password("gió mùa đông bắc về")
            await session.commit()
        return await hash_password(password)

    async with installation.browser() as browser:
        monkeypatch.setattr(passwords, "hash_password", overtaken)
        answer = await browser.post("/api/v1/me/password", json={"current": NEW, "new": "nắng tháng tám rám trái bưởi"})
        assert (answer.status_code, kind_of(answer)) == (401, "unauthenticated")
    await installation.bearer("gió mùa đông bắc về")


async def on_duty(installation: Installation, doctor: UUID, until: datetime = NOW + timedelta(days=2)) -> None:
    async with installation.house.database() as session:
        schedule = Schedule(id=new_id(NOW), desk_id=installation.desk, compiled_until=NOW + timedelta(days=90))
        session.add(schedule)
        await session.flush()
        session.add(Layer(id=new_id(NOW), schedule_id=schedule.id, role="primary", turns=[[str(doctor)]]))
        session.add(
            DutySlot(
                id=new_id(NOW),
                schedule_id=schedule.id,
                doctor_id=doctor,
                role="primary",
                during=Range(NOW - timedelta(hours=1), until),
            )
        )
        await session.commit()
