"""A real server process on data of its own, which tests kill and start again; and people who live through it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from app.services.people.sessions import BEARER, COOKIE
from tests.hotline import Hotline, Person

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0
Json = dict[str, Any]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Server:
    """`hoichan demo` in a process of its own, on a port and data that stay the same whenever it is started again."""

    folder: Path
    database_url: str | None = None
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    @property
    def accounts(self) -> list[Json]:
        found: list[Json] = json.loads((self.data / "demo-accounts.json").read_text())
        return found

    async def start(self) -> "Server":
        """Start it, and wait until it is ready to store requests."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("HOICHAN_")}
        environment |= {
            "HOICHAN_DATA_DIR": str(self.data),
            "HOICHAN_HOST": "127.0.0.1",
            "HOICHAN_PORT": str(self.port),
            "HOICHAN_TEST_FAULTS": str(self.folder),
        }
        if self.database_url:
            environment["DATABASE_URL"] = self.database_url
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.failpoint", "demo"],
                cwd=ROOT,
                env=environment | self.settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self.until_ready()
        return self

    async def until_ready(self) -> None:
        """Wait until requests can be stored."""
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(base_url=self.url, timeout=5) as http:
            while True:
                assert self.process is not None
                assert self.process.poll() is None, self.log[-2000:]
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.02)

    async def says(self, words: str, *, times: int = 1) -> None:
        """Wait until the log says this so often more than it did."""
        before = self.log.count(words)
        async with asyncio.timeout(PATIENCE_S):
            while self.log.count(words) < before + times:
                await asyncio.sleep(0.02)

    async def ended(self) -> int:
        """Wait for the process to end, and say how it did: negative is the signal that killed it."""
        assert self.process is not None
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), PATIENCE_S)

    async def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        assert self.process is not None
        self.process.kill()
        assert await self.ended() == -signal.SIGKILL

    async def restart(self) -> "Server":
        """Start again after a kill, with nothing armed any more."""
        self.disarm()
        return await self.start()

    async def stop(self) -> int:
        """Ctrl-C, as an operator would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return await self.ended()

    def die_at(self, fact: str, place: str, *, timer: bool = False) -> None:
        """Arm the place at which the process kills itself; see `failpoint`."""
        (self.folder / "die").write_text(f"{fact} {place}{' timer' if timer else ''}")

    def disarm(self) -> None:
        """Let it live."""
        (self.folder / "die").unlink(missing_ok=True)

    def time_passes(self, seconds: float) -> None:
        """Let the house believe that so much more time has passed; also while it is down."""
        file = self.folder / "ahead"
        before = float(file.read_text()) if file.exists() else 0.0
        new = file.with_suffix(".new")
        new.write_text(str(before + seconds))
        new.replace(file)

    def postgres(self) -> list[psutil.Process]:
        """The processes of the embedded PostgreSQL of this data directory, the postmaster first."""
        try:
            pid = int((self.data / "postgres/cluster/postmaster.pid").read_text().split()[0])
            postmaster = psutil.Process(pid)
            return [postmaster, *postmaster.children(recursive=True)]
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return []

    async def clear_away(self) -> None:
        """Leave nothing running, whatever the test did."""
        try:
            if self.process is not None and self.process.poll() is None:
                await self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            for process in self.postgres():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()


class ByPassword:
    """Signing in at a process whose database is out of reach: at its door, as everybody does."""

    http: httpx.AsyncClient
    port: int

    async def session_of(self, account: Json, kind: str = BEARER) -> tuple[str, str]:
        """Open a session with the password, and return whose it is and its token."""
        form = {"username": account["username"], "password": account["password"]}
        if kind == BEARER:
            answer = await self.http.post("/api/v1/auth/token", data=form)
            assert answer.status_code == 200, answer.text
            token = answer.json()["access_token"]
            answer = await self.http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
            return answer.json()["id"], token
        answer = await self.http.post("/api/v1/auth/session", json=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 200, answer.text
        cookies = SimpleCookie()
        for line in answer.headers.get_list("set-cookie"):
            cookies.load(line)
        return answer.json()["id"], cookies[COOKIE].value


@dataclass
class Night(ByPassword, Hotline):
    """The people around a server that may die: they come back with the place up to which they have heard."""

    server: Server | None = None

    async def come_back(self) -> None:
        """After a restart: everybody who listened listens again, from where they were."""
        for person in self.people.values():
            if person.socket is not None:
                cursors = cursors_of(person)
                await person.disconnect()
                person.heard.append({"k": "came back"})
                person.heard = [m for m in person.heard if m["k"] != "welcome"]
                await person.connect(cursors)


def night_around(server: Server) -> Night:
    """The people of the demo network, who speak to this process."""
    http = httpx.AsyncClient(base_url=server.url, timeout=20)
    # There is neither an application in this process nor a clock to move: time passes in the server's own.
    return Night(None, None, http, server.port, server.accounts, server=server)


def cursors_of(person: Person) -> Json:
    """How far somebody has heard, as their device would say on coming back."""
    cursors: Json = {}
    for message in person.heard:
        if message["k"] in ("event", "snapshot"):
            cursors[message["s"]] = [message["e"], message["n"]]
    return cursors


def assert_gapless(person: Person) -> None:
    """Nothing came twice and nothing is missing, over all connections together."""
    last: dict[str, int] = {}
    for message in person.heard:
        if message["k"] == "snapshot":
            assert message["n"] >= last.get(message["s"], 0), message
        elif message["k"] == "event":
            if message["s"] in last:
                assert message["n"] == last[message["s"]] + 1, (message["s"], last[message["s"]], message)
            else:
                assert message["n"] == 1, message
        else:
            continue
        last[message["s"]] = message["n"]


async def lost_on_the_way(person: Person, path: str, body: Json, key: str) -> httpx.Response | None:
    """Send a command to a server that may die of it: the answer, or None when none came."""
    try:
        return await person.post(path, body, key=key)
    except httpx.TransportError:
        return None


def new_key() -> str:
    """An idempotency key, as a device makes one at the tap."""
    return str(uuid4())
