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
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from app.channels.gateway import Gateway, Route, Signer
from app.channels.port import Receipt
from app.channels.ways import VOICE_PATH
from app.clock import FakeClock
from app.config import Settings
from app.services.outside.sending import Outgoing
from app.watch_memory import Memory
from app.watchdog import THANKS, TOO_LATE, Watchdog, Watched, WatchError, listen, read_people, watch, watchdog
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
        dog.clock.advance(seconds=every_s)


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
    await looks(dog, 80)
    assert len(gateway.received) == 4
    sick.ready = 200
    await looks(dog, 1)
    assert len(gateway.received) == 6
    assert Memory.read(dog.file) == Memory()


@pytest.mark.parametrize(
    ("known", "then", "calls"),
    [("overdue", "not ready", True), ("not ready", "overdue", False), ("overdue", "overdue", False)],
)
async def test_who_knows_of_one_trouble_is_called_when_it_becomes_worse_and_only_then(
    dog: Watchdog, gateway: Provider, sick: Sick, known: str, then: str, *, calls: bool
):
    states = {"overdue": (200, 503), "not ready": (503, 503)}
    sick.ready, sick.overdue = states[known]
    await looks(dog, 2)
    dog.acknowledge()
    sick.ready, sick.overdue = states[then]
    await looks(dog, 1)
    assert len(gateway.received) == 4  # one look may be a hiccup
    await looks(dog, 3)
    assert len(gateway.received) == (8 if calls else 4)
    if calls:
        assert "/ready" in gateway.received[-1].json["text"] + gateway.received[-2].json["text"]


async def test_a_trouble_that_becomes_worse_begins_a_new_round_at_once(dog: Watchdog, gateway: Provider, sick: Sick):
    sick.overdue = 503
    await looks(dog, 2)
    sick.ready = 0
    await looks(dog, 6)
    assert len(gateway.received) == 8


async def test_an_acknowledgement_lapses_after_half_an_hour(dog: Watchdog, gateway: Provider, sick: Sick):
    sick.overdue = 503
    await looks(dog, 2)
    dog.acknowledge()
    await looks(dog, 89)
    assert len(gateway.received) == 4
    await looks(dog, 2)
    assert len(gateway.received) == 8


async def test_what_another_process_acknowledges_is_heard_and_only_of_this_trouble(
    dog: Watchdog, gateway: Provider, sick: Sick
):
    Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, dog.file).acknowledge()
    sick.ready = 503
    await looks(dog, 2)
    assert len(gateway.received) == 4
    Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, dog.file).acknowledge()
    await looks(dog, 40)
    assert len(gateway.received) == 4


async def test_a_folder_that_cannot_be_written_keeps_nobody_from_being_told(
    dog: Watchdog, gateway: Provider, sick: Sick, tmp_path: Path
):
    (tmp_path / "full").write_text("")
    unwritten = Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, tmp_path / "full" / "watch.json")
    sick.ready = 503
    await looks(unwritten, 5)
    assert len(gateway.received) == 4
    call = next(r for r in gateway.received if r.path == "/voice")
    assert unwritten.hear([call.json["key"]])
    await looks(unwritten, 40)
    assert len(gateway.received) == 4


@pytest.mark.parametrize(
    ("fails", "tried"),
    [
        # A text that went out is no call: the telephone is tried at every look, and the text is not sent twice.
        ({"/voice"}, ["/sms", "/voice", "/voice", "/voice"]),
        # Who was called is reached.
        ({"/sms"}, ["/sms", "/voice"]),
    ],
)
async def test_whoever_has_a_telephone_is_reached_by_a_call_alone(
    dog: Watchdog, gateway: Provider, sick: Sick, fails: set[str], tried: list[str]
):
    sick.ready = 503
    gateway.answer = lambda r, n: (503, {}) if r.path in fails else (200, {"id": str(n)})
    dog.people = [Watched("Trực", "+84912345678", None), Watched("Trực", "+84912345679", None)]  # two of one name
    await looks(dog, 4)
    for phone in ("+84912345678", "+84912345679"):
        assert sorted(r.path for r in gateway.received if r.json["to"] == phone) == tried


async def test_a_call_that_hangs_holds_nothing_up_for_long(dog: Watchdog, sick: Sick, monkeypatch: pytest.MonkeyPatch):
    class Hangs:
        async def send(self, out: Outgoing) -> Receipt:
            await asyncio.Event().wait()
            raise AssertionError(out.key)

    async def trickles(_: str, **__: object) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("app.watchdog.SENT_WITHIN_S", 0.01)
    monkeypatch.setattr("app.watchdog.TIMEOUT_S", 0.01)
    monkeypatch.setattr(dog.client, "get", trickles)
    dog.adapters = {"voice": Hangs()}
    async with asyncio.timeout(5):
        await looks(dog, 3)
    assert dog.memory.why == "/ready: TimeoutError"
    assert dog.memory.reached == []


async def test_a_dry_run_tells_nobody(dog: Watchdog, gateway: Provider, sick: Sick):
    sick.ready = 503
    dry = Watchdog(dog.url, dog.people, dog.adapters, dog.client, dog.clock, dog.file, dry_run=True)
    await looks(dry, 3)
    assert gateway.received == []


async def test_a_key_pressed_in_a_call_of_this_trouble_acknowledges_and_only_a_signed_one(
    dog: Watchdog, gateway: Provider, sick: Sick
):
    sick.ready = 503
    await looks(dog, 2)
    old = next(r for r in gateway.received if r.path == "/voice").json["key"]
    sick.ready = 200
    await looks(dog, 1)
    sick.ready = 503
    await looks(dog, 2)
    new = next(r for r in gateway.received[6:] if r.path == "/voice").json["key"]
    settings, port = Settings(gateway_secret="s"), free_port()
    listening = asyncio.create_task(listen(dog, settings, "127.0.0.1", port))
    body = json.dumps({"key": new, "event": "keypress", "digit": "1"}).encode()
    signer = Signer("s", dog.clock)
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
        for nonsense in (b"{", b"event=dance", b'{"digit": 1}'):
            answer = await http.post(url, content=nonsense, headers=signer.headers(nonsense))
            assert answer.status_code == 200
        # A callback that comes once more, about a trouble that is over; one that names no call; a signed body whose
        # address says another call than it does.
        for late in ({"key": old}, {}, {"id": "call-1"}):
            said = json.dumps(late | {"event": "keypress", "digit": "1"}).encode()
            answer = await http.post(f"{url}?n={new}", content=said, headers=signer.headers(said))
            assert answer.json()["say"] == TOO_LATE
        assert (await http.post(signer.callback(url[:-14], VOICE_PATH, UUID(old)), content=body)).json()[
            "say"
        ] == TOO_LATE
        assert not Memory.read(dog.file).known
        signed = await http.post(url, content=body, headers=signer.headers(body))
        assert signed.json() == {"say": THANKS, "keys": {}, "end": True}
        assert Memory.read(dog.file).known == "/ready"
        by_address = await http.post(signer.callback(url[:-14], VOICE_PATH, UUID(new)), content=b"digit=1")
        assert by_address.json()["say"] == THANKS
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


async def test_it_says_so_at_the_start_when_its_folder_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "people.toml"
    file.write_text('[[people]]\nname = "A"\nphone = "0912 345 678"\n')
    settings = Settings(watch_people=file, voice_url="http://127.0.0.1:1", data_dir=file / "data")
    how: dict[str, Any] = {
        "every_s": 20.0,
        "after": 2,
        "repeat_min": 5.0,
        "dry_run": True,
        "acknowledge": False,
        "listen_at": None,
    }
    assert await watch(settings, "http://127.0.0.1:1", once=True, **how) == 2
    assert "HOICHAN_DATA_DIR" in capsys.readouterr().err


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
