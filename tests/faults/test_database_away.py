"""PostgreSQL dies and comes back: a clear answer meanwhile, and nobody starts the server again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from app.embedded import EmbeddedPostgres
from tests.faults.server import Json, Night, Server, assert_gapless, lost_on_the_way, new_key, night_around
from tests.hotline import Person

pytestmark = pytest.mark.slow

PATIENCE_S = 30.0
REQUEST = {
    "specialty": "K04",
    "urgency": "orange",
    "question": "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?",
    "patient": {"label": "MC-017", "sex": "male", "age_years": 58},
}


@dataclass
class Database:
    """A PostgreSQL beside the server, which nobody starts again but the test."""

    postgres: EmbeddedPostgres
    url: str

    def processes(self) -> list[psutil.Process]:
        found = self.postgres._postmaster()
        if found is None:
            return []
        postmaster = psutil.Process(found.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    async def die(self, processes: list[psutil.Process] | None = None) -> None:
        """SIGKILL to the postmaster and everything under it."""
        processes = processes or self.processes()
        assert processes
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        async with asyncio.timeout(PATIENCE_S):
            while self.postgres._postmaster() is not None:
                await asyncio.sleep(0.01)

    async def come_back(self) -> None:
        await self.postgres.start()


@pytest_asyncio.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("database"))
    database = Database(postgres, await postgres.start())
    yield database
    if not database.processes():
        await database.come_back()
    await postgres.stop()


@pytest_asyncio.fixture(scope="module")
async def server(database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    running = Server(tmp_path_factory.mktemp("house"), database_url=database.url)
    try:
        yield await running.start()
    finally:
        await running.clear_away()


def assert_says_come_back_later(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    problem = answer.json()
    assert problem["status"] == 503
    assert problem["type"] == "/problems/unavailable"
    assert problem["title"]
    assert problem["detail"]


async def until_stored(person: Person, path: str, body: Json, key: str) -> httpx.Response:
    """What a device does: the same command under the same key, until there is an answer that is no 503."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await lost_on_the_way(person, path, body, key)
            if answer is not None and answer.status_code != 503:
                return answer
            await asyncio.sleep(0.1)


async def test_a_request_is_refused_clearly_while_the_database_is_away_and_stored_once_it_is_back(
    server: Server, night: Night, database: Database
) -> None:
    requester = await (await night.requester("K04")).connect()
    before = await night.ask("K04", by=requester)
    [doctor] = await night.rung(before)
    await doctor.connect()
    await doctor.hears(lambda m: m["k"] == "snapshot" and m["s"].startswith("user:"))
    await requester.hears_event("offer.made", before)
    assert server.process is not None
    pid = server.process.pid

    await database.die()
    key = new_key()
    for language, unsure, telephone in (
        ("vi", "Chưa rõ đã lưu hay chưa", "gọi điện thoại"),
        ("en", "may or may not have been stored", "telephone"),
    ):
        requester_says = requester.headers | {"Idempotency-Key": key, "Accept-Language": language}
        answer = await night.http.post("/api/v1/consultations", headers=requester_says, json=REQUEST)
        assert_says_come_back_later(answer)
        assert unsure in answer.json()["detail"]  # a commit may have gone through before its answer was lost
        assert telephone in answer.json()["detail"]
    assert_says_come_back_later(await requester.get("/consultations"))
    assert_says_come_back_later(await doctor.post(f"/consultations/{before['id']}/acceptance"))
    signing_in = {"username": "nobody", "password": "wrong"}
    assert_says_come_back_later(await night.http.post("/api/v1/auth/token", data=signing_in))
    assert (await night.http.get("/health")).status_code == 200
    assert (await night.http.get("/ready")).status_code == 503
    assert (await night.http.get("/")).status_code == 200  # the page itself, with the telephone, needs no database

    await database.come_back()
    stored = await until_stored(requester, "/consultations", REQUEST, key)
    assert stored.status_code == 201
    await server.until_ready()
    assert server.process.poll() is None
    assert server.process.pid == pid
    again = await requester.post("/consultations", REQUEST, key=key)
    assert again.json()["id"] == stored.json()["id"]
    kept = (await requester.get(f"/consultations/{before['id']}")).json()
    assert kept["status"] == "ringing"

    case = stored.json()
    await requester.hears_event("consultation.requested", case)  # on the socket that was open all the time
    await doctor.hears_event("offer.made", case)
    assert requester.closed is None
    assert doctor.closed is None
    await requester.settled()
    assert_gapless(requester)
    assert_gapless(doctor)


async def test_a_case_that_was_ringing_rings_on_after_the_database_was_away(
    server: Server, night: Night, database: Database
) -> None:
    requester = await (await night.requester("K04")).connect()
    case = await night.ask("K04", by=requester)
    await requester.hears_event("offer.made", case)
    await database.die()
    server.time_passes(31)  # the due time passes while nothing can be read
    await server.says('"due times"', times=2)  # the loop meets a database that is away, more than once
    await database.come_back()
    await requester.hears_event("offer.undelivered", case)
    await requester.hears_event("offer.made", case, step=1)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert [o["step"] for o in read["callouts"][0]["offers"]] == [0, 1]
    await requester.settled()
    assert_gapless(requester)


async def test_whoever_comes_while_the_database_is_away_is_asked_to_come_again(
    night: Night, database: Database
) -> None:
    requester = await night.requester("K04")
    await database.die()
    try:
        connecting = asyncio.create_task(requester.connect())
        error = await requester.hears(lambda m: m["k"] == "error")
        connecting.cancel()
        assert error["type"].endswith("unavailable")
        assert error["title"]
        assert requester.closed is None or 4000 <= requester.closed < 4500
    finally:
        await database.come_back()


async def test_commands_sent_while_the_database_dies_under_them_are_lost_or_stored_but_never_both(
    night: Night, database: Database
) -> None:
    requester = await night.requester("K04")
    processes = database.processes()  # finding them takes long enough for all commands to be answered
    keys = {new_key(): {**REQUEST, "patient": {"label": f"T-{n}"}} for n in range(12)}
    first = {k: asyncio.create_task(lost_on_the_way(requester, "/consultations", b, k)) for k, b in keys.items()}
    await asyncio.wait(first.values(), return_when=asyncio.FIRST_COMPLETED)  # the others are on their way
    await database.die(processes)
    answers = {k: await task for k, task in first.items()}
    acknowledged = {k: a.json()["id"] for k, a in answers.items() if a is not None and a.status_code == 201}
    assert {a.status_code for a in answers.values() if a is not None} <= {201, 503}

    await database.come_back()
    stored = {k: (await until_stored(requester, "/consultations", b, k)).json()["id"] for k, b in keys.items()}
    assert len(set(stored.values())) == len(keys)
    assert acknowledged.items() <= stored.items()
    items = (await requester.get("/consultations")).json()["items"]
    labels = [i["label"] for i in items if i["label"].startswith("T-")]
    assert sorted(labels) == sorted(b["patient"]["label"] for b in keys.values())


async def test_the_embedded_database_is_started_again_by_the_server_itself(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        await server.start()
        night = night_around(server)
        async with night.http:
            requester = await (await night.requester("K04")).connect()
            case = await night.ask("K04", by=requester)
            before = server.postgres()
            for process in before:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            key, path = new_key(), f"/consultations/{case['id']}/messages"
            answer = await until_stored(requester, path, {"text": "Mạch 112"}, key)
            assert answer.status_code == 201
            assert server.postgres()[0].pid != before[0].pid
            await requester.hears_event("message.posted", case)
            assert requester.closed is None
            assert_gapless(requester)
            await requester.disconnect()
    finally:
        await server.clear_away()
