"""Stopping on purpose: everything ends, nothing is left running, and the next start finds all of it."""

import contextlib
import json
import signal
from pathlib import Path

import psutil
import pytest
import websockets

from tests.faults.server import Server, night_around

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
async def test_the_whole_house_ends_with_the_command(tmp_path: Path, sign: signal.Signals) -> None:
    server = Server(tmp_path)
    try:
        await server.start()
        night = night_around(server)
        async with night.http:
            requester = await (await night.requester("K04")).connect()
            case = await night.ask("K04", by=requester)
            postgres = server.postgres()
            assert postgres
            assert server.process is not None
            server.process.send_signal(sign)
            assert await server.ended() in (0, 130)
            await requester.hears(lambda m: m["k"] == "closed")
            assert requester.closed is not None
            assert requester.closed < 4500  # come back, this was no dismissal
            assert not [p for p in postgres if still_runs(p)]
            assert not server.postgres()
            with pytest.raises(OSError, match=r"."):
                await websockets.connect(f"ws://127.0.0.1:{server.port}/")

            accounts = json.loads((server.data / "demo-accounts.json").read_text())
            await server.start()
            assert server.accounts == accounts
            assert (await requester.get(f"/consultations/{case['id']}")).json()["status"] == "ringing"
            await requester.disconnect()
    finally:
        await server.clear_away()


def still_runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
