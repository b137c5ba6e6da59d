"""The benches' own parts: a figure knows whether its target is met, and the floor serves the light client."""

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from uuid import UUID

import asyncpg
import psutil
import pytest

from bench import duty, timers
from bench.client import Http, open_socket
from bench.crew import Crew
from bench.figures import Figure, p50, p99, print_table, write_json
from bench.servers import launch
from tests.hotline import Hotline
from tests.staff import everybody

IDLE_STEP = """
CREATE SCHEMA bench;
CREATE FUNCTION bench.floor_step(OUT fired boolean, OUT passed_over boolean, OUT wait_s double precision)
  LANGUAGE sql AS 'SELECT false, false, 1.0'
"""


def test_a_figure_is_judged_by_its_ratio_to_the_floor() -> None:
    assert Figure("latency", 4.8, "ms", 2.0, target=2.4).met
    assert not Figure("latency", 4.9, "ms", 2.0, target=2.4).met
    assert Figure("throughput", 300, "/s", 1000, target=0.3, at_least=True).met
    assert not Figure("throughput", 299, "/s", 1000, target=0.3, at_least=True).met


def test_a_figure_with_an_absolute_target_is_judged_by_its_value() -> None:
    assert Figure("memory", 24.0, "kB", 10.0, target=25.0, absolute=True).met
    assert not Figure("start", 2.1, "s", 0.3, target=2.0, absolute=True).met


def test_quantiles_are_those_of_the_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert p50(values) == 50.5
    assert p99(values) == 100.0


def test_figures_are_printed_and_written_as_the_contract_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = [Figure("request to offer p50", 9.0, "ms", 3.0, target=2.4), Figure("p99", 12.0, "ms", 5.0)]
    print_table("main-job", figures)
    write_json(tmp_path / "figures.json", figures)
    assert "3.00x" in capsys.readouterr().out
    first, second = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert first == {
        "name": "request to offer p50",
        "value": 9.0,
        "unit": "ms",
        "floor": 3.0,
        "ratio": 3.0,
        "target": 2.4,
        "met": False,
    }
    assert second["met"] is True


def test_a_bench_that_has_nothing_to_measure_says_so() -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "scale"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing to measure" in done.stderr


async def test_the_floor_answers_and_pushes_frames(database_url: str, tmp_path: Path) -> None:
    url = database_url.replace("postgresql+asyncpg", "postgresql")
    server = launch(["bench.floor", "--url", url], {}, tmp_path / "floor.log")
    try:
        await server.ready()
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        socket = await open_socket(server.port, "/stream/7", lambda text, _at: heard.set_result(text))
        http = Http(server.port)
        frame = json.dumps({"t": "offer.made", "pad": "x" * 70_000}).encode()
        (await http.request("POST", "/say/7", body=frame)).expect(200)
        assert await asyncio.wait_for(heard, 10) == frame
        socket.close()
        http.close()
    finally:
        await server.stop()


async def test_the_floor_of_the_timers_rings_a_copied_case_once_and_writes_what_the_product_writes(
    hotline: Hotline,
) -> None:
    staff = await everybody(hotline)
    case = await hotline.ask("K04", by=staff["sonla-capcuu-1"])
    async with hotline.app.state.house.engine.connect() as borrowed:
        connection = (await borrowed.get_raw_connection()).driver_connection
        assert connection is not None
        await connection.execute(timers.SQL.read_text("utf-8"))
        await timers.keep(connection, [UUID(case["id"])])
        await connection.execute("UPDATE offer SET delivered_at = made_at")
        hotline.clock.advance(minutes=6)
        await hotline.app.state.timers.run_due()
        samples = await timers.rung(connection)
        assert samples == [UUID(case["id"])]
        await timers.copy(connection, samples, timers.Size(timers=5, due_per_s=2, rounds=2), 1.0)
        await connection.execute("SELECT bench.schedule(0, clock_timestamp() - interval '1 minute', 1)")
        steps = [await connection.fetchrow("SELECT * FROM bench.floor_step()") for _ in range(3)]
        assert [step["fired"] for step in steps] == [True, True, False]
        assert await connection.fetchval("SELECT bench.still_due(0)") == 0
        assert await connection.fetchval("SELECT bench.still_due(1)") == 2
        written = await connection.fetch(
            "SELECT consultation_id, array_agg(type ORDER BY seq) AS types FROM event "
            "WHERE seq > (SELECT min(version) FROM bench.consultation) GROUP BY consultation_id"
        )
        assert len(written) == 3
        assert len({tuple(row["types"]) for row in written}) == 1


async def test_processes_are_killed_and_replaced_and_all_are_gone_at_the_end(database_url: str, tmp_path: Path) -> None:
    url = database_url.replace("postgresql+asyncpg", "postgresql")
    connection = await asyncpg.connect(url)
    await connection.execute(IDLE_STEP)
    await connection.close()
    arguments = ["bench.timer_floor", "--url", url, "--processes", "2"]
    crew = Crew(lambda: launch(arguments, {}, tmp_path / "floor.log"), mean_life_s=0.05)
    await crew.begin(2)
    try:
        await crew.be_killed(1.0, random.Random(1))
        assert crew.kills > 0
        assert await crew.all_up(perf_counter() + 60)
        last = crew.members()
    finally:
        await crew.end()
    assert [pid for pid in last if psutil.pid_exists(pid)] == []


def test_a_time_that_was_lost_or_acted_on_twice_misses_the_target() -> None:
    floor = timers.Side(late_ms=[[1.0, 2.0]])
    good = timers.Side(late_ms=[[1.0, 3.0]])
    assert all(figure.met for figure in timers.figures(timers.Size(timers=2), floor, good))
    for bad in (
        timers.Side(late_ms=[[1.0]], lost=1),
        timers.Side(late_ms=[[1.0, 3.0]], doubled=1),
        timers.Side(late_ms=[[1.0]], early=1),
    ):
        assert not all(figure.met for figure in timers.figures(timers.Size(timers=2), floor, bad))


async def test_the_bench_of_duty_measures_compiling_and_asking_and_finds_the_slots_in_an_index() -> None:
    found = {f.name: f for f in await duty.measure(duty.Size(desks=2, rounds=1, doctors=60, at_once=2, questions=20))}
    assert any(name.startswith("90 days of 2 desks compiled") for name in found)
    assert all(f.met for f in found.values() if f.unit == "of all")
