"""The watchdog on another machine: people are telephoned when the house is away, once a round, until it is well."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.channels.gateway import Gateway, Route, Signer
from app.clock import FakeClock
from app.config import Settings
from app.watchdog import Memory, Watchdog, Watched, WatchError, listen, read_people, watchdog
from tests.channels.fakes import Provider, provider
from tests.conftest import a_copy
from tests.faults.server import ROOT, Server, free_port
from tests.hotline import NIGHT

PEOPLE = [Watched("Trưởng phòng CNTT", "+84912345678", None), Watched("Điều phối", "+84912345679", None)]


@pytest.fixture
def gateway() -> Iterator[Provider]:
    with provider() as there:
        yield there


class Sick:
    """A house that answers as it is told."""

    def __init__(self) -> None:
        self.ready, self.overdue = 200, 200

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not self.ready:
            raise httpx.ConnectError("refused")
        if request.url.path == "/ready":
            good = self.ready == 200
            return httpx.Response(self.ready, json={"status": "ready" if good else "not ready"})
        return httpx.Response(self.overdue, json={"overdue": self.overdue != 200})


@pytest.fixture
def sick() -> Sick:
    return Sick()


@pytest_asyncio.fixture
async def dog(gateway: Provider, sick: Sick, tmp_path: Path) -> AsyncIterator[Watchdog]:
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(sick.answer)) as house,
        httpx.AsyncClient() as outside,
    ):
        clock = FakeClock(NIGHT)
        template = '{"to": "{to}", "text": "{text}", "key": "{key}"}'
        adapters = {
            kind: Gateway(Route(f"{gateway.url}/{kind}", template), Signer("s", clock), outside, path="/gateway/voice")
            for kind in ("voice", "sms")
        }
        yield Watchdog("https://h.example", PEOPLE, adapters, house, clock, tmp_path / "watch.json")


async def looks(dog: Watchdog, how_many: int, every_s: float = 20) -> None:
    for _ in range(how_many):
        await dog.look()
        dog.clock.advance(seconds=every_s)  # type: ignore[attr-defined]


async def test_a_house_that_is_well_disturbs_nobody(dog: Watchdog, gateway: Provider):
    await looks(dog, 30)
    assert gateway.received == []


@pytest.mark.parametrize("what", ["away", "not ready", "overdue"])
async def test_everybody_is_telephoned_and_texted_within_two_minutes_and_again_every_five(
    dog: Watchdog, gateway: Provider, sick: Sick, what: str
):
    sick.ready, sick.overdue = {"away": (0, 200), "not ready": (503, 200), "overdue": (200, 503)}[what]
    await looks(dog, 1)
    assert gateway.received == []  # one look may be a hiccup
    await looks(dog, 1)
    assert sorted((r.path, r.json["to"]) for r in gateway.received) == [
        (path, person.phone) for path in ("/sms", "/voice") for person in (PEOPLE[0], PEOPLE[1])
    ]
    assert "KHÔNG hoạt động" in next(r for r in gateway.received if r.path == "/sms").json["text"]
    assert "Bấm 1" in next(r for r in gateway.received if r.path == "/voice").json["text"]
    await looks(dog, 14)
    assert len(gateway.received) == 4
    await looks(dog, 2)
    assert len(gateway.received) == 8
    assert len({r.headers["idempotency-key"] for r in gateway.received}) == 8


async def test_it_says_by_text_when_the_house_is_well_again_and_begins_anew(
    dog: Watchdog, gateway: Provider, sick: Sick
):
    sick.ready = 503
    await looks(dog, 3)
    sick.ready = 200
    await looks(dog, 2)
    last = gateway.received[4:]
    assert [r.path for r in last] == ["/sms", "/sms"]
    assert "đã hoạt động lại" in last[0].json["text"]
    sick.ready = 503
    await looks(dog, 2)
    assert len(gateway.received) == 10


async def test_a_hiccup_tells_nobody(dog: Watchdog, gateway: Provider, sick: Sick):
    for ready in (503, 200, 503, 200):
        sick.ready = ready
        await looks(dog, 1)
    assert gateway.received == []


async def test_its_own_restart_tells_nobody_twice_and_forgets_nothing(dog: Watchdog, gateway: Provider, sick: Sick):
    sick.ready = 503
    await looks(dog, 2)
    again = Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, dog.file)
    await looks(again, 5)
    assert len(gateway.received) == 4
    sick.ready = 200
    await looks(again, 1)
    assert len(gateway.received) == 6


async def test_who_was_not_reached_is_tried_at_the_next_look_and_the_others_are_left_alone(
    dog: Watchdog, gateway: Provider, sick: Sick
):
    sick.ready = 503
    down = {PEOPLE[1].phone}
    gateway.answer = lambda r, n: (503, {}) if r.json["to"] in down else (200, {"id": str(n)})
    await looks(dog, 2)
    assert len(gateway.received) == 4
    await looks(dog, 1)
    assert len(gateway.received) == 6
    assert {r.json["to"] for r in gateway.received[4:]} == down
    down.clear()
    await looks(dog, 3)
    assert len(gateway.received) == 8


async def test_once_somebody_has_acknowledged_nobody_is_told_again_of_the_same_trouble(
    dog: Watchdog, gateway: Provider, sick: Sick
):
    sick.ready = 503
    await looks(dog, 2)
    dog.acknowledge()
    await looks(dog, 40)
    assert len(gateway.received) == 4
    sick.ready = 200
    await looks(dog, 1)
    assert len(gateway.received) == 6
    assert Memory.read(dog.file) == Memory()


async def test_a_dry_run_tells_nobody(dog: Watchdog, gateway: Provider, sick: Sick):
    sick.ready = 503
    dry = Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, dog.file, dry_run=True)
    await looks(dry, 3)
    assert gateway.received == []


async def test_a_key_pressed_in_the_call_acknowledges_and_only_a_signed_one(dog: Watchdog):
    settings, port = Settings(gateway_secret="s"), free_port()
    listening = asyncio.create_task(listen(dog, settings, "127.0.0.1", port))
    body = json.dumps({"event": "keypress", "digit": "1"}).encode()
    async with httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}/gateway/voice"
        async with asyncio.timeout(10):
            while True:
                try:
                    unsigned = await http.post(url, content=body)
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
        assert unsigned.status_code == 401
        assert not Memory.read(dog.file).acknowledged
        nonsense = await http.post(url, content=b"{", headers=Signer("s", dog.clock).headers(b"{"))
        assert nonsense.status_code == 200
        assert not Memory.read(dog.file).acknowledged
        signed = await http.post(url, content=body, headers=Signer("s", dog.clock).headers(body))
        assert signed.json()["end"] is True
    assert Memory.read(dog.file).acknowledged
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "people = 3",
        '[[people]]\nname = "A"',
        '[[people]]\nphone = "0912345678"',
        '[[people]]\nname = "A"\nphone = "12"',
        "[[people",
    ],
)
def test_a_list_of_people_that_would_reach_nobody_is_refused(tmp_path: Path, text: str):
    file = tmp_path / "people.toml"
    file.write_text(text)
    with pytest.raises(WatchError):
        read_people(file)


async def test_it_refuses_to_watch_when_it_could_tell_nobody(tmp_path: Path):
    file = tmp_path / "people.toml"
    file.write_text('[[people]]\nname = "A"\nphone = "0912 345 678"\n')
    for settings in (Settings(), Settings(watch_people=file), Settings(watch_people=file, channels="capture")):
        with pytest.raises(WatchError):
            async with watchdog(settings, "https://h.example"):
                pass


@pytest.mark.slow
async def test_when_the_server_is_killed_people_are_telephoned_and_told_when_it_is_back(
    gateway: Provider, server_url: str, demo_template: tuple[str, object]
):
    folder = Path(tempfile.mkdtemp(prefix="hoichan-watch-"))
    people = folder / "people.toml"
    people.write_text('[[people]]\nname = "Trưởng phòng CNTT"\nphone = "0912 345 678"\n')
    async with a_copy(server_url, demo_template[0]) as database_url:
        server = await Server(folder / "server", database_url).start()
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("HOICHAN_")}
        environment |= {
            "HOICHAN_DATA_DIR": str(folder / "watch"),
            "HOICHAN_WATCH_PEOPLE": str(people),
            "HOICHAN_VOICE_URL": f"{gateway.url}/voice",
            "HOICHAN_SMS_URL": f"{gateway.url}/sms",
            "HOICHAN_GATEWAY_SECRET": "s",
        }
        command = [sys.executable, "-m", "app.cli", "watch", "--url", server.url, "--every", "0.5", "--after", "2"]
        with (folder / "watch.log").open("wb") as said:
            watching = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=said)
        try:
            assert server.process is not None
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            await gateway.gets(2, within_s=60)
            assert {r.path for r in gateway.received} == {"/voice", "/sms"}
            assert {r.json["to"] for r in gateway.received} == {"+84912345678"}
            await server.start()
            await gateway.gets(3, within_s=60)
            assert "đã hoạt động lại" in gateway.received[2].json["text"]
            once = subprocess.run([*command[:6], "--once"], cwd=ROOT, env=environment, capture_output=True, check=False)
            assert once.returncode == 0
            assert "912345678" not in (folder / "watch.log").read_text()
        finally:
            watching.terminate()
            watching.wait()
            await server.clear_away()


@pytest.mark.parametrize(
    "interrupts", [signal.SIG_DFL, signal.SIG_IGN], ids=["heeded", "ignored, as in the background"]
)
def test_it_ends_when_it_is_asked_to(tmp_path: Path, interrupts: signal.Handlers):
    people = tmp_path / "people.toml"
    people.write_text('[[people]]\nname = "Trưởng phòng CNTT"\nphone = "0912 345 678"\n')
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("HOICHAN_")}
    environment |= {
        "HOICHAN_DATA_DIR": str(tmp_path),
        "HOICHAN_WATCH_PEOPLE": str(people),
        "HOICHAN_VOICE_URL": "http://127.0.0.1:1/voice",
        "HOICHAN_GATEWAY_SECRET": "s",
    }
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "watch",
        "--url",
        "http://127.0.0.1:1",
        "--every",
        "0.2",
        "--after",
        "1",
    ]
    before = signal.signal(signal.SIGINT, interrupts)
    try:
        watching = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    with watching:
        assert watching.stderr is not None
        watching.stderr.readline()  # it looks
        watching.terminate()
        watching.stderr.read()
    assert watching.returncode == 130


async def test_repeats_come_when_they_are_set_to(dog: Watchdog, gateway: Provider, sick: Sick):
    sick.ready = 503
    often = Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, dog.file, repeat=timedelta(minutes=1))
    await looks(often, 5)
    assert len(gateway.received) == 8
