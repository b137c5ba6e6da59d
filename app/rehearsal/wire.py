"""HTTP as a device does it: every command has a key, and is sent again with the same key until it is answered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

TRY_FOR_S: Final = 120.0
PAUSE_S: Final = 0.3
AWAY: Final = frozenset({429, 502, 503, 504})


class GaveUpError(Exception):
    """A command stayed without an answer for too long."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status and what was said."""

    status: int
    said: Any
    replayed: bool = False

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def problem(self) -> str:
        """The kind of problem, without its path."""
        kind = self.said.get("type", "") if isinstance(self.said, dict) else ""
        return str(kind).rpartition("/")[2] or str(self.status)


class Wire:
    """One server, spoken to by everybody in the rehearsal."""

    def __init__(self, url: str) -> None:
        """Keep as many connections as there may be commands at a time."""
        self.url = url.rstrip("/")
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(base_url=self.url, limits=limits, timeout=15.0, trust_env=False)
        self.resent = 0

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def ready(self) -> bool:
        """Whether the server answers and has its database."""
        try:
            return (await self._http.get("/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    async def sign_in(self, username: str, password: str) -> str:
        """Get a bearer token. Raises GaveUpError when the account is refused."""
        reply = await self._http.post("/api/v1/auth/token", data={"username": username, "password": password})
        if reply.status_code != 200:
            raise GaveUpError(f"{username}: {reply.status_code}")
        return str(reply.json()["access_token"])

    async def sign_out(self, token: str) -> None:
        """End the session of a token."""
        try:
            await self._http.delete("/api/v1/auth/session", headers=_bearer(token))
        except httpx.HTTPError:
            return

    async def read(self, token: str, path: str) -> Reply:
        """Read something, trying again while the server is away."""
        return await self._ask("GET", path, headers=_bearer(token), body=None)

    async def command(self, token: str, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Reply:
        """Do something exactly once, however often it must be sent."""
        headers = _bearer(token) | {"Idempotency-Key": key or str(uuid4())}
        return await self._ask("POST", path, headers=headers, body=body)

    async def _ask(self, method: str, path: str, *, headers: dict[str, str], body: Mapping[str, Any] | None) -> Reply:
        loop = asyncio.get_running_loop()
        until = loop.time() + TRY_FOR_S
        while True:
            try:
                reply = await self._http.request(method, "/api/v1" + path, headers=headers, json=body)
            except httpx.TransportError as error:
                last = type(error).__name__
            else:
                if reply.status_code not in AWAY:
                    said = reply.json() if reply.content else None
                    return Reply(reply.status_code, said, "idempotent-replayed" in reply.headers)
                last = str(reply.status_code)
            if loop.time() > until:
                raise GaveUpError(f"{method} {path}: {last}")
            self.resent += 1
            await asyncio.sleep(PAUSE_S)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept-Language": "vi"}
