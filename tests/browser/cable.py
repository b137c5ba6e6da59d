"""The line between a device and the server: it can be cut, and it can fall silent while everything looks connected."""

import asyncio
import contextlib
from typing import Self


class Cable:
    """Carries bytes both ways between a port of its own and the server's."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.port = 0
        self._passes = asyncio.Event()
        self._passes.set()
        self._up = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def falls_silent(self) -> None:
        """Half open: connections stay, and nothing comes through any more, either way."""
        self._passes.clear()

    def speaks_again(self) -> None:
        """What was held back goes on its way."""
        self._passes.set()

    def is_cut(self) -> None:
        """Every connection breaks, and no new one is made."""
        self._up = False
        for writer in list(self._writers):
            writer.transport.abort()

    def is_mended(self) -> None:
        """New connections are made again."""
        self._up = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.is_cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        try:
            if self._up:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
                ends.append(far_writer)
                self._writers.update(ends)
                await asyncio.gather(self._one_way(reader, far_writer), self._one_way(far_reader, writer))
        except OSError:
            pass
        finally:
            for end in ends:
                end.transport.abort()
                self._writers.discard(end)
            self._tasks.discard(task)

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
