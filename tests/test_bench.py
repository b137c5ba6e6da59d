"""The benches' own parts: a figure knows whether its target is met, and the floor serves the light client."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.client import Http, open_socket
from bench.figures import Figure, p50, p99, print_table, write_json
from bench.servers import launch


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
