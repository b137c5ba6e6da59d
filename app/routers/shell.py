"""What surrounds every request: the stream's door, the limit on bodies, and the headers that protect a browser."""

from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.routers.problems import fault, render

STREAM_PATH = "/api/v1/stream"
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), camera=(self), microphone=(self)"),
]
_CSP = (
    b"content-security-policy",
    (
        b"default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        b"frame-ancestors 'none'; form-action 'self'"
    ),
)
_NO_STORE = (b"cache-control", b"no-store")


class _TooLargeError(Exception):
    pass


class Shell:
    """Pure ASGI, because every layer of the other kind costs a request nearly a millisecond."""

    def __init__(self, app: ASGIApp, *, stream: ASGIApp, body_limit: int) -> None:
        """Wrap the application; `body_limit` in bytes."""
        self.app = app
        self.stream = stream
        self.body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send sockets to the stream and everything else on, measured and with its headers."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == STREAM_PATH:
            await self.stream(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 4404})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        exchange = _Exchange(scope, receive, send, self.body_limit)
        if declared.isdigit() and int(declared) > self.body_limit:
            await exchange.refuse()
            return
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except _TooLargeError:
            await exchange.refuse()
        except Exception as error:
            if exchange.started:
                raise
            await fault(Request(scope), error)(scope, receive, exchange.send)


class _Exchange:
    """One request and its answer: the body measured, the answer given its headers."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self.started = False
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._got = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._got += len(message.get("body", b""))
        if self._got > self._limit:
            raise _TooLargeError
        return message

    async def send(self, message: Message) -> None:
        if self._got > self._limit:
            # Whatever was made of the half that was read: the one answer is that it was too large.
            await self.refuse()
            return
        await self._pass_on(message)

    async def refuse(self) -> None:
        """Say that it is too large, unless an answer has begun."""
        if not self.started:
            said = render(Request(self._scope), TooLarge(limit=self._limit))
            await said(self._scope, self._receive, self._pass_on)

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message["headers"], *_protection(self._scope["path"], message["headers"])]
        await self._send(message)


def _protection(path: str, present: list[Any]) -> list[tuple[bytes, bytes]]:
    added = [*_HEADERS, _CSP]
    if path.startswith("/api/") and not any(name == b"cache-control" for name, _ in present):
        added.append(_NO_STORE)
    return added
