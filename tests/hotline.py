"""The hospital at night, for tests: a real server on a real socket, people who ask and answer, and a clock to move.

Only the clock is not real. `fast_forward` stops at every due time on its way, so that a test passes through the night
as the hospital would, without waiting. And nobody types a password, which takes a fifth of a second by design: sessions
are opened in the database. `tests/test_sign_in.py` and the tests of the sign-in screen prove that door.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
import websockets
from fastapi import FastAPI
from sqlalchemy import select

from app.clock import FakeClock
from app.config import Settings
from app.database import make_engine, make_sessions
from app.main import create_app
from app.models.user import User
from app.services.facts import events
from app.services.people.demo import load_demo
from app.services.people.sessions import BEARER, BROWSER, open_session
from app.work import Work

NIGHT = datetime(2026, 11, 23, 20, 4, tzinfo=UTC)  # Tuesday 24/11/2026, 03:04 in Vietnam
PATIENCE_S = 10.0
SUBPROTOCOL = "hotline.v1"

Json = dict[str, Any]


@dataclass
class Person:
    """Somebody with an account: speaks HTTP, and listens on the stream once connected."""

    hotline: "Hotline"
    account: Json
    token: str
    socket: websockets.ClientConnection | None = None
    heard: list[Json] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    reader: "asyncio.Task[None] | None" = None
    closed: int | None = None

    @property
    def name(self) -> str:
        """The name that others are shown."""
        return str(self.account["name"])

    @property
    def headers(self) -> dict[str, str]:
        """How every request of this person is signed."""
        return {"Authorization": f"Bearer {self.token}", "Accept-Language": "vi"}

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """Read something under /api/v1."""
        return await self.hotline.http.get(f"/api/v1{path}", headers=self.headers, params=params)

    async def post(self, path: str, body: Json | None = None, *, key: str | None = None) -> httpx.Response:
        """Send a command under /api/v1, with a new key unless one is given."""
        headers = self.headers | {"Idempotency-Key": key or str(uuid4())}
        return await self.hotline.http.post(f"/api/v1{path}", headers=headers, json=body or {})

    async def patch(self, path: str, body: Json) -> httpx.Response:
        """Correct something."""
        headers = self.headers | {"Idempotency-Key": str(uuid4())}
        return await self.hotline.http.patch(f"/api/v1{path}", headers=headers, json=body)

    async def put(self, path: str, body: Json, *, key: str | None = None) -> httpx.Response:
        """Put something in place."""
        headers = self.headers | {"Idempotency-Key": key or str(uuid4())}
        return await self.hotline.http.put(f"/api/v1{path}", headers=headers, json=body)

    async def do(self, case: Json, command: str, body: Json | None = None) -> Json:
        """Send a command about a case and expect it to be done."""
        answer = await self.post(f"/consultations/{case['id']}/{command}", body)
        assert answer.status_code in (200, 201), answer.text
        done: Json = answer.json()
        return done

    async def me(self) -> Json:
        """Who the server says this is."""
        answer = await self.get("/me")
        assert answer.status_code == 200, answer.text
        who: Json = answer.json()
        return who

    async def connect(self, cursors: Json | None = None) -> "Person":
        """Open the stream and wait for the welcome."""
        self.socket = await websockets.connect(
            f"ws://127.0.0.1:{self.hotline.port}/api/v1/stream", subprotocols=[websockets.Subprotocol(SUBPROTOCOL)]
        )
        self.closed = None
        await self.socket.send(json.dumps({"k": "hello", "token": self.token, "cursors": cursors or {}}))
        self.reader = asyncio.create_task(self._listen(self.socket))
        await self.hears(lambda m: m["k"] == "welcome")
        return self

    async def disconnect(self) -> None:
        """Close the stream as a phone that loses its network would: without a word."""
        if self.socket is not None:
            self.socket.transport.abort()
        if self.reader is not None:
            await asyncio.gather(self.reader, return_exceptions=True)
        self.socket = None

    async def send(self, message: Json) -> None:
        """Say something on the stream."""
        assert self.socket is not None
        await self.socket.send(json.dumps(message))

    async def hears(self, wanted: Callable[[Json], bool]) -> Json:
        """Wait until the stream has brought a message, and return it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for message in self.heard:
                    if wanted(message):
                        return message
                self.news.clear()
                await self.news.wait()

    async def hears_event(self, event_type: str, case: Json | None = None, **fields: Any) -> Json:
        """Wait for an event of a type, of a case, whose data has these values."""

        def wanted(message: Json) -> bool:
            data = message.get("d") or {}
            return (
                message["k"] == "event"
                and message["t"] == event_type
                and (case is None or data.get("consultation_id") == case["id"])
                and all(data.get(k) == v for k, v in fields.items())
            )

        return await self.hears(wanted)

    def has_heard(self, event_type: str, case: Json | None = None) -> bool:
        """Whether an event has come already."""
        return any(
            m["k"] == "event" and m["t"] == event_type and (case is None or m["d"].get("consultation_id") == case["id"])
            for m in self.heard
        )

    async def acknowledges(self, event: Json, how: str = "delivered") -> None:
        """Tell the server that the device has an offer (delivered) or that the doctor looked at it (seen)."""
        await self.send({"k": "ack", "s": event["s"], "n": event["n"], "as": how})

    async def settled(self) -> None:
        """Wait until everything sent to the server before has been answered on the stream."""
        marker = f"consultation:{uuid4()}"
        await self.send({"k": "subscribe", "s": marker})
        await self.hears(lambda m: m.get("s") == marker or m.get("re") == marker)

    async def _listen(self, socket: websockets.ClientConnection) -> None:
        try:
            async for frame in socket:
                message = json.loads(frame)
                self.heard.extend(message if isinstance(message, list) else [message])
                self.news.set()
        except websockets.ConnectionClosed:
            pass
        finally:
            self.closed = socket.close_code
            self.heard.append({"k": "closed", "code": socket.close_code})
            self.news.set()


@dataclass
class Hotline:
    """One running server with the demo network."""

    app: FastAPI
    clock: FakeClock
    http: httpx.AsyncClient
    port: int
    accounts: list[Json]
    people: dict[str, Person] = field(default_factory=dict)
    watch: bool = False
    """Whether duty is watched too as time passes: gaps, «are you there?», duty told, agreements that end."""

    async def sign_in(self, account: Json) -> Person:
        """Sign somebody in; the same person is the same object, whose account has its identifier too."""
        username = account["username"]
        if username not in self.people:
            user_id, token = await self.session_of(account)
            self.people[username] = Person(self, account | {"id": user_id}, token)
        return self.people[username]

    async def session_of(self, account: Json, kind: str = BEARER) -> tuple[str, str]:
        """Open a session, and return whose it is and its token."""
        house = self.app.state.house
        hours = {BEARER: house.settings.token_hours, BROWSER: house.settings.session_hours}[kind]
        async with house.database() as session:
            user_id = await session.scalar(select(User.id).where(User.username == account["username"]))
            work = Work(session, None, self.clock.now())
            _, token = await open_session(work, user_id, kind, timedelta(hours=hours))
            await session.commit()
        return str(user_id), token

    async def person(self, username: str) -> Person:
        """Sign in by user name."""
        return await self.sign_in(next(a for a in self.accounts if a["username"] == username))

    async def requester(self, specialty: str = "K04", *, index: int = 0) -> Person:
        """A doctor whose hospital has an agreement for the specialty."""
        able = [a for a in self.accounts if a["role"] == "requester" and specialty in a["may_ask"]]
        return await self.sign_in(able[index])

    async def ask(
        self,
        specialty: str = "K04",
        *,
        urgency: str = "orange",
        by: Person | None = None,
        to: str = "/consultations",
        **more: Any,
    ) -> Json:
        """Ask for a consultation and return it as the server stored it; `to`: by which door.

        A requester who listens has heard of it then: what happens from then on is heard as events.
        """
        person = by or await self.requester(specialty)
        body: Json = {
            "specialty": specialty,
            "urgency": urgency,
            "question": "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?",
            "patient": {"label": "MC-017", "sex": "male", "age_years": 58},
        } | more
        answer = await person.post(to, body)
        assert answer.status_code == 201, answer.text
        case: Json = answer.json()
        if person.account["role"] == "requester" and person.socket is not None and person.closed is None:
            await person.hears(lambda m: m.get("s") == f"consultation:{case['id']}")
        return case

    async def rung(self, case: Json, *, step: int | None = None) -> list[Person]:
        """The doctors whom a case rings now (of one step, if given), signed in."""
        person = next(p for p in self.people.values() if p.account["role"] == "requester")
        read = (await person.get(f"/consultations/{case['id']}")).json()
        offers = [
            o for c in read["callouts"] for o in c["offers"] if o["state"] == "made" and step in (None, o["step"])
        ]
        return [await self.by_name(o["doctor_name"], o["doctor"]) for o in offers]

    async def by_name(self, name: str, user_id: str) -> Person:
        """The person with this name and identifier (names of roles repeat between hospitals)."""
        for account in (a for a in self.accounts if a["name"] == name):
            person = await self.sign_in(account)
            if person.account["id"] == user_id:
                return person
        raise AssertionError(f"nobody is called {name}")

    async def fast_forward(self, **delta: float) -> None:
        """Let time pass, ringing whoever must be rung on the way."""
        target = self.clock.now() + timedelta(**delta)
        while True:
            earliest = await self.run_due()
            if earliest is None or earliest > target:
                break
            self.clock.advance(seconds=max(0.0, (earliest - self.clock.now()).total_seconds()))
        self.clock.advance(seconds=(target - self.clock.now()).total_seconds())
        await self.run_due()

    async def run_due(self) -> datetime | None:
        """Do everything that is due now; return when something will be."""
        earliest: datetime | None = await self.app.state.timers.run_due()
        if not self.watch:
            return earliest
        watched: datetime = await self.app.state.watches.run_due()
        return watched if earliest is None else min(earliest, watched)


async def load(url: str, folder: Path, at: datetime = NIGHT) -> list[Json]:
    """Load the demo network into a database, with duty around `at`, and return its accounts."""
    engine = make_engine(url, pool_size=2)
    try:
        async with make_sessions(engine)() as session:
            work = Work(session, None, at)
            await load_demo(work, folder)
            await events.write(work)
            await session.commit()
    finally:
        await engine.dispose()
    accounts: list[Json] = json.loads((folder / "demo-accounts.json").read_text())
    return accounts


class PromptServer(uvicorn.Server):
    """Ends as soon as it is told to, where uvicorn looks every tenth of a second and rests another before it goes."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app, port=0, ws="websockets-sansio", ws_per_message_deflate=False, log_config=None, lifespan="on"
            )
        )
        self._told = asyncio.Event()

    def stop(self) -> None:
        self._told.set()

    async def main_loop(self) -> None:
        ticks = 0
        while not (await self.on_tick(ticks) or self._told.is_set()):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 0.1)

    async def shutdown(self, sockets: Any = None) -> None:  # noqa: ARG002 (it opened its own)
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            try:
                connection.shutdown()
            except websockets.exceptions.InvalidState:  # it is closing already
                connection.transport.close()
        async with asyncio.timeout(PATIENCE_S):
            while self.server_state.connections or self.server_state.tasks:
                await asyncio.sleep(0.002)
            for server in self.servers:
                await server.wait_closed()
        await self.lifespan.shutdown()


@asynccontextmanager
async def open_hotline(settings: Settings, accounts: list[Json], *, at: datetime = NIGHT) -> AsyncIterator[Hotline]:
    """Start a server on a free port of this machine, and stop it afterwards."""
    clock = FakeClock(at)
    app = create_app(settings, clock=clock, background=False)
    server = PromptServer(app)
    running = asyncio.create_task(server.serve())
    while not server.started:  # uvicorn offers no event for it
        await asyncio.sleep(0.005)
        if running.done():
            running.result()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as http:
        hotline = Hotline(app, clock, http, port, accounts)
        try:
            yield hotline
        finally:
            for person in hotline.people.values():
                with contextlib.suppress(Exception):
                    await person.disconnect()
            server.stop()
            await running
