"""A small HTTP/1.1 and WebSocket client on bare asyncio protocols, so that the client is not what is measured.

Loopback only: no TLS, no redirects, no chunked answers. Floor and product are spoken to through the same code.
"""

import asyncio
import base64
import contextlib
import os
import re
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

from pydantic_core import from_json

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
OnText = Callable[[bytes, float], None]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Read the body."""
        return from_json(self.body)

    def expect(self, *statuses: int) -> "Reply":
        """Stop the bench when the answer is not what a correct server would say: a fast error is no figure."""
        if self.status not in statuses:
            raise RuntimeError(f"answered {self.status}: {self.body[:400]!r}")
        return self


class _Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.open = True
        self._buffer = bytearray()
        self._needed = 0
        self._answer: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def ask(self, request: bytes) -> Awaitable[Reply]:
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while buffer:
            if not self._needed:
                end = buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                length = _LENGTH.search(buffer, 0, end + 2)
                self._needed = end + 4 + (int(length.group(1)) if length else 0)
            if len(buffer) < self._needed:
                return
            whole, self._needed = bytes(buffer[: self._needed]), 0
            del buffer[: len(whole)]
            if self._answer and not self._answer.done():
                self._answer.set_result(Reply(int(whole[9:12]), whole[whole.index(b"\r\n\r\n") + 4 :]))


class Http:
    """Keep-alive connections to one server; as many as there are requests at a time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._free: list[_Connection] = []

    async def request(self, method: str, path: str, *, headers: bytes = b"", body: bytes = b"") -> Reply:
        """Ask once and wait. `headers` is whole lines, each with its CRLF."""
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-length: {len(body)}\r\n".encode()
        if body and b"content-type:" not in headers:
            head += b"content-type: application/json\r\n"
        request = head + headers + b"\r\n" + body
        while self._free:
            connection = self._free.pop()
            if connection.open:
                with contextlib.suppress(ConnectionError):  # it was idle so long that the server has just closed it
                    return await self._ask(connection, request)
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", self.port)
        return await self._ask(connection, request)

    async def _ask(self, connection: _Connection, request: bytes) -> Reply:
        reply = await connection.ask(request)
        self._free.append(connection)
        return reply

    def close(self) -> None:
        """Close what is open."""
        for connection in self._free:
            if connection.transport:
                connection.transport.close()


class Socket(asyncio.Protocol):
    """One WebSocket; every text frame goes to `on_text` with the moment at which its bytes arrived."""

    def __init__(self, on_text: OnText) -> None:
        self.on_text = on_text
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.close_code = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._parts = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("closed during the handshake"))

    def handshake(self, port: int, path: str, subprotocol: str) -> None:
        """Ask for the upgrade."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
            f"sec-websocket-protocol: {subprotocol}\r\n\r\n"
        )
        self._write(lines.encode())

    def send(self, text: bytes, *, kind: int = _TEXT) -> None:
        """Send one frame. The mask is all zeros: allowed, and it costs nothing."""
        size = len(text)
        if size < 126:
            head = struct.pack("!BB", 0x80 | kind, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | kind, 0x80 | 127, size)
        self._write(head + b"\x00\x00\x00\x00" + text)

    def close(self) -> None:
        """Leave at once."""
        if self._transport:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        arrived = perf_counter()
        buffer = self._buffer
        buffer += data
        if not self.opened.done():
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(buffer[:end])
            del buffer[: end + 4]
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(RuntimeError(f"no upgrade: {head[:200]!r}"))
                return
            self.opened.set_result(None)
        while (frame := self._next_frame()) is not None:
            self._handle(*frame, arrived)

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            if len(buffer) < 4:
                return None
            size, start = int.from_bytes(buffer[2:4]), 4
        elif size == 127:
            if len(buffer) < 10:
                return None
            size, start = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < start + size:
            return None
        first, payload = buffer[0], bytes(buffer[start : start + size])
        del buffer[: start + size]
        return first, payload

    def _handle(self, first: int, payload: bytes, arrived: float) -> None:
        kind = first & 0x0F
        if kind == _PING:
            self.send(payload, kind=_PONG)
        elif kind == _CLOSE:
            self.close_code = int.from_bytes(payload[:2]) if payload else 0
            self.close()
        elif kind != _PONG:
            if first & 0x80 and not self._parts:
                self.on_text(payload, arrived)
                return
            self._parts += payload
            if first & 0x80:
                whole, self._parts = bytes(self._parts), bytearray()
                self.on_text(whole, arrived)

    def _write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)


async def open_socket(port: int, path: str, on_text: OnText, *, subprotocol: str = "hotline.v1") -> Socket:
    """Open one socket and wait for the upgrade."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: Socket(on_text), "127.0.0.1", port)
    socket.handshake(port, path, subprotocol)
    await socket.opened
    return socket
