"""What stands outside the house, on this machine: a push service and gateway (HTTP), and a mail server (SMTP)."""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Provider:
    """A push service or gateway that keeps what it gets and answers as it is told."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received, int], tuple[int, dict[str, Any]]] = lambda _, n: (200, {"id": f"call-{n}"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def gets(self, how_many: int, *, within_s: float = 30.0) -> list[Received]:
        """Wait until so many requests have come in."""
        async with asyncio.timeout(within_s):
            while len(self.received) < how_many:
                await asyncio.sleep(0.02)
        return self.received


@contextmanager
def provider() -> Iterator[Provider]:
    """Serve on a free port of this machine, in a thread of its own."""
    kept = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received = Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            kept.received.append(received)
            status, said = kept.answer(received, len(kept.received))
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # a red alert sends to the whole team at once

    server = Server(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """A mail server that takes everything, or refuses with the code that it is told."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    refuse: str = ""
    tls: ssl.SSLContext | None = None
    """With it STARTTLS is offered (RFC 3207)."""
    secured: int = 0
    """How many connections took it."""


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[Mailbox]:
    """Speak just enough SMTP (RFC 5321) to take one message after the other."""
    box = Mailbox(tls=tls)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while line := (await reader.readline()).decode().strip().upper():
                if line.startswith("EHLO"):
                    writer.write(b"250-sink\r\n250 STARTTLS\r\n" if box.tls else b"250-sink\r\n250 8BITMIME\r\n")
                elif line == "STARTTLS" and box.tls:
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    await writer.start_tls(box.tls)
                    box.secured += 1
                elif line.startswith("RCPT") and box.refuse:
                    writer.write(f"{box.refuse} no\r\n".encode())
                elif line == "DATA":
                    writer.write(b"354 go on\r\n")
                    box.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    writer.write(b"250 taken\r\n")
                elif line == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
