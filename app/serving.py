"""One serving process: uvicorn on a socket, until it is told to end."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn

from app.config import Settings

COLLECT_AFTER: Final = 10_000
"""New objects beyond those freed; Python's own 700 are half a request, whose objects are freed without it."""
GRACE_S: Final = 3
"""What is under way when a process is told to end has so long to finish."""
WIRE: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_per_message_deflate": False,
    "ws_max_size": 128 * 1024,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "access_log": False,
    "log_config": None,
    "server_header": False,
}
"""How uvicorn speaks HTTP and WebSocket."""


def bind(settings: Settings) -> socket.socket:
    """Take the address that the settings name. Raises OSError."""
    # The protocol is named so that asyncio sees TCP and switches Nagle's delay off: a small answer must not wait 40 ms.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((settings.host, settings.port))
    return sock


async def serve(
    settings: Settings, sock: socket.socket, ready: Callable[[], None], *, parent: int | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called when requests are taken.

    `parent`: a descriptor that can be read when the process which started this one has ended: then this one ends too.
    """
    gc.disable()  # nothing of a program is garbage while it is loaded: a start takes a sixth less time
    server = make_server(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    if parent is not None:
        loop.add_reader(parent, _orphaned, server, parent)
    announcer = asyncio.create_task(_announce(server, ready))
    await server.serve(sockets=[sock])
    announcer.cancel()


def make_server(settings: Settings) -> uvicorn.Server:
    """Build the application and what serves it; nothing is connected yet."""
    from app.main import create_app  # noqa: PLC0415 (loaded with the collector off)

    return _Server(
        uvicorn.Config(
            create_app(settings),
            **WIRE,
            timeout_graceful_shutdown=GRACE_S,
            forwarded_allow_ips=settings.trusted_proxies or None,
            proxy_headers=bool(settings.trusted_proxies),
        )
    )


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn raises them again at its end, before the embedded PostgreSQL is stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _orphaned(server: uvicorn.Server, parent: int) -> None:
    asyncio.get_running_loop().remove_reader(parent)
    server.handle_exit(signal.SIGTERM, None)


async def _announce(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:  # noqa: ASYNC110 (uvicorn offers no event for it)
        await asyncio.sleep(0.02)
    _leave_alone_what_stays()
    ready()


def _leave_alone_what_stays() -> None:
    """Spare the collector the hundred thousand objects of a started program, and let it look at new ones less often."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    gc.enable()
