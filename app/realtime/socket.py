"""The door of the stream: a raw ASGI endpoint, because every layer between costs each socket memory."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog

from app import outages
from app.errors import DatabaseAway, PasswordChangeNeeded
from app.realtime import protocol
from app.realtime.line import Line, Send
from app.realtime.protocol import Ack, Close, Hello, Message, Refusal, Resume, Subscribe, Unsubscribe
from app.realtime.receipts import Receipts
from app.services.people.sessions import COOKIE_NAMES
from app.work import Subject

if TYPE_CHECKING:
    from app.realtime.house import House

MOST_MISTAKES: Final = 5
"""Frames that cannot be understood before the socket is closed."""
MESSAGES_A_SECOND: Final = 100
MOST_STRANGERS: Final = 1000
"""Sockets that have not said who they are; more are asked to come again."""

log = structlog.get_logger()
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class StreamEndpoint:
    """One socket after another: who is it, may this page ask, and then what it says."""

    def __init__(self, house: "House") -> None:
        """Serve this house."""
        self.house = house
        self.receipts = Receipts(house)
        house.hub.last_words.append(self.receipts.stop)
        self._strangers = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket from handshake to close."""
        await receive()
        with contextlib.suppress(OSError):  # the other end may be gone at any moment
            line = await self._enter(scope, receive, send)
            if line is not None:
                await self._serve(line, receive)

    # --- at the door --------------------------------------------------------------------------------------------------

    async def _enter(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> Line | None:
        headers = _headers(scope["headers"])
        language = "en" if headers.get("accept-language", "").lower().startswith("en") else "vi"
        if protocol.SUBPROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.accept"})
            await _close(send, Close.PROTOCOL)
            return None
        await send({"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL})
        origin = headers.get("origin")
        if origin is not None and not self._is_own_page(origin, headers):
            await _close(send, Close.BAD_ORIGIN)
            return None
        hello = await self._hello(receive, send, language)
        if hello is None:
            return None
        if hello.token is None and origin is None:
            await _close(send, Close.BAD_ORIGIN)
            return None
        subject = await self._subject(hello.token or _cookie(headers), send, language)
        if subject is None:
            return None
        line = Line(subject, send, language=language, abort=_drop)
        return await self._welcome(line, hello, send)

    async def _hello(self, receive: Receive, send: Send, language: str) -> Hello | None:
        """Wait for the first message, not for ever and not for too many at once."""
        if self._strangers >= MOST_STRANGERS:
            await _close(send, Close.TOO_MANY)
            return None
        self._strangers += 1
        try:
            async with asyncio.timeout(protocol.HELLO_WITHIN_S):
                frame = await receive()
        except TimeoutError:
            await _close(send, Close.HELLO_LATE)
            return None
        finally:
            self._strangers -= 1
        if frame["type"] != "websocket.receive":
            return None
        messages = _read(frame)
        if len(messages) == 1 and isinstance(messages[0], Hello):
            return messages[0]
        wrong = messages[0] if isinstance(messages[0], Refusal) else protocol.HELLO_FIRST
        await send({"type": "websocket.send", "text": protocol.refuse(wrong, language)})
        await _close(send, Close.PROTOCOL)
        return None

    async def _subject(self, token: str | None, send: Send, language: str) -> Subject | None:
        try:
            subject = await self.house.sessions.subject(token) if token else None
        except outages.TROUBLE:
            await send({"type": "websocket.send", "text": protocol.problem(DatabaseAway(), language)})
            await _close(send, Close.UNAVAILABLE)
            return None
        if subject is None:
            await _close(send, Close.UNAUTHENTICATED)
        elif subject.must_change_password:
            await send({"type": "websocket.send", "text": protocol.problem(PasswordChangeNeeded(), language)})
            await _close(send, Close.PASSWORD_CHANGE_NEEDED)
            return None
        return subject

    async def _welcome(self, line: Line, hello: Hello, send: Send) -> Line | None:
        house = self.house
        if not house.hub.add(line):
            await send({"type": "websocket.send", "text": protocol.refuse(protocol.TOO_MANY_SOCKETS, line.language)})
            await _close(send, Close.TOO_MANY)
            return None
        heartbeat = house.settings.heartbeat_s
        line.say(protocol.welcome(line.subject, heartbeat_s=heartbeat, at=house.clock.now(), epoch=house.hub.epoch))
        house.hub.catch_up.open_soon(line, hello.cursors)
        return line

    def _is_own_page(self, origin: str, headers: Mapping[str, str]) -> bool:
        allowed = {headers.get("host", "")}
        if self.house.settings.public_url:
            allowed.add(urlsplit(self.house.settings.public_url).netloc)
        try:
            found = urlsplit(origin)
        except ValueError:
            return False
        return found.scheme in ("http", "https") and bool(found.netloc) and found.netloc in allowed

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _serve(self, line: Line, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        mistakes, said, since = 0, 0, loop.time()
        try:
            while not line.gone:
                found = await self._take(line, await receive())
                if found is None:
                    break
                mistakes += found
                if mistakes >= MOST_MISTAKES:
                    line.close(Close.PROTOCOL)
                said += 1
                if said >= MESSAGES_A_SECOND:
                    await asyncio.sleep(max(0.0, since + 1.0 - loop.time()))
                    said, since = 0, loop.time()
        finally:
            await line.drained(1.0)
            self.house.hub.remove(line)

    async def _take(self, line: Line, frame: Mapping[str, Any]) -> int | None:
        """Do what one frame says; return how many mistakes it held, or None at the end of the connection."""
        if frame["type"] != "websocket.receive":
            return None
        await line.room()
        mistakes = 0
        for said in [] if line.closing else _read(frame):
            message = protocol.HELLO_ONCE if isinstance(said, Hello) else said
            if not isinstance(message, Refusal):
                await self._do(line, message)
                continue
            mistakes += MOST_MISTAKES if message is protocol.TOO_LARGE else 1
            line.say(protocol.refuse(message, line.language))
        return mistakes

    async def _do(self, line: Line, message: Message) -> None:
        hub = self.house.hub
        if isinstance(message, Ack):
            await self.receipts.take(line, message)
        elif isinstance(message, Subscribe):
            self._subscribe(line, message.stream, None)
        elif isinstance(message, Unsubscribe):
            hub.unsubscribe(line, message.stream)
        elif isinstance(message, Resume) and not hub.resume(line, message.stream, message.cursor):
            self._subscribe(line, message.stream, message.cursor)

    def _subscribe(self, line: Line, stream: str, cursor: tuple[str, int] | None) -> None:
        hub = self.house.hub
        if line.unsubscribed:
            line.unsubscribed.discard(stream)
        epoch, n = cursor or ("", 0)
        if hub.subscribe(line, stream, last=n if epoch == hub.epoch else None, origin="asked") is None:
            line.say(protocol.refuse(protocol.TOO_MANY_STREAMS, line.language))


def _read(frame: Mapping[str, Any]) -> list[Message | Refusal]:
    text = frame.get("text")
    if text is None:
        return [protocol.BINARY]
    return [protocol.TOO_LARGE] if len(text) > protocol.LARGEST_FRAME else protocol.parse(text)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def _cookie(headers: Mapping[str, str]) -> str | None:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return next((cookies[name].value for name in COOKIE_NAMES if name in cookies), None)


async def _close(send: Send, code: Close) -> None:
    await send({"type": "websocket.close", "code": int(code), "reason": code.name.lower().replace("_", " ")})


def _drop(send: Send) -> None:
    """Drop the connection at once.

    ASGI can only ask for a close, which waits behind what the other end does not read. uvicorn hands in a bound method
    of the connection, whose transport can be dropped; any other server must notice by itself that nobody is there.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
