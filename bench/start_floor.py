"""The floor of a start: PostgreSQL on the same data, one connection, one socket that answers."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from app.embedded import EmbeddedPostgres


async def main() -> None:
    """Start, answer everything with 200, and stop on Ctrl-C."""
    postgres = EmbeddedPostgres(Path(os.environ["HOICHAN_DATA_DIR"]))
    address = make_url(await postgres.start()).set(drivername="postgresql")
    connection = await asyncpg.connect(address.render_as_string(hide_password=False))
    await connection.fetchval("SELECT demo FROM installation")
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    server = await asyncio.start_server(_answer, "127.0.0.1", int(os.environ["HOICHAN_PORT"]))
    await stopped.wait()
    server.close()
    await connection.close()
    await postgres.stop()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
    await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main())
