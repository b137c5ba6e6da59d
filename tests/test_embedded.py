"""The embedded PostgreSQL: started, shared, killed, found again."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app import embedded_programs
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.embedded_programs import RunAs, find_programs, find_way

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@pytest.fixture(autouse=True)
def sockets_in_a_folder_of_their_own(monkeypatch):
    """Test folders are deep, so sockets go to the system's temporary folder; here to one that is cleared away."""
    with tempfile.TemporaryDirectory(prefix="hc-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
async def first_day(tmp_path_factory):
    """What a server lays out on its first day, which takes a second: copied where that day is not the subject."""
    folder = tmp_path_factory.mktemp("first-day")
    server = EmbeddedPostgres(folder, durable=False)
    await server.start()
    await server.stop()
    return folder / "postgres"


@pytest.fixture
async def new_server(tmp_path):
    """A server with an empty folder."""
    server = EmbeddedPostgres(tmp_path, durable=False)
    yield server
    await server.stop()


@pytest.fixture
def server(new_server, first_day, tmp_path):
    """A server with data of its own."""
    lay_out(first_day, tmp_path)
    return new_server


def lay_out(first_day, data_dir):
    home = data_dir / "postgres"
    home.mkdir(mode=0o700)
    shutil.copytree(first_day / "cluster", home / "cluster")
    shutil.copy2(first_day / "password", home)


@contextlib.asynccontextmanager
async def connected(server):
    engine = create_async_engine(server.url)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def ask(server, sql):
    async with connected(server) as connection:
        return (await connection.execute(text(sql))).scalar()


def pid_of(data_dir):
    server = EmbeddedPostgres(data_dir)._postmaster()
    return server.pid if server else None


def runs(data_dir):
    return pid_of(data_dir) is not None


async def until(condition, seconds=15.0):
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come about in time"
        await asyncio.sleep(0.02)


async def test_it_starts_in_an_empty_folder_keeps_what_it_was_told_and_stops(new_server, tmp_path):
    await new_server.start()
    async with connected(new_server) as connection:
        await connection.execute(text("CREATE TABLE fact (n int)"))
        await connection.execute(text("INSERT INTO fact VALUES (115)"))
    await new_server.stop()
    assert not runs(tmp_path)

    await new_server.start()

    assert await ask(new_server, "SELECT n FROM fact") == 115


async def test_it_brings_the_extension_and_the_collation_that_the_schema_needs(server):
    await server.start()
    async with connected(server) as connection:
        await connection.execute(text("CREATE EXTENSION btree_gist"))
    assert await ask(server, "SHOW server_encoding") == "UTF8"
    assert await ask(server, "SELECT lower('ĐẶNG THỊ Ổ') = 'đặng thị ổ'")


async def test_as_shipped_a_commit_reaches_the_disk(tmp_path):
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    try:
        assert await ask(server, "SHOW fsync") == "on"
        assert await ask(server, "SHOW synchronous_commit") == "on"
        assert await ask(server, "SHOW full_page_writes") == "on"
        assert await ask(server, "SHOW data_checksums") == "on"
    finally:
        await server.stop()


async def test_it_opens_no_network_port_and_asks_for_a_password_even_on_its_socket(server, tmp_path):
    url = await server.start()
    assert await ask(server, "SHOW listen_addresses") == ""
    rules = (tmp_path / "postgres/cluster/pg_hba.conf").read_text()
    methods = {line.split()[-1] for line in rules.splitlines() if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}
    folder = url.partition("host=")[2].partition("&")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=folder, user="hoichan", password="a guess", database="hoichan")


async def test_the_password_is_in_one_private_file_and_nowhere_else(new_server, tmp_path):
    await new_server.start()
    file = tmp_path / "postgres/password"
    password = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(password) > 30
    assert password not in (tmp_path / "postgres/server.log").read_text()
    assert password not in Path(f"/proc/{pid_of(tmp_path)}/cmdline").read_text()
    assert password not in Path(f"/proc/{pid_of(tmp_path)}/environ").read_text()


async def test_the_log_does_not_repeat_what_a_failed_statement_carried(server, tmp_path):
    await server.start()
    async with connected(server) as connection:
        await connection.execute(text("CREATE TABLE patient (label text PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO patient VALUES ('bệnh nhân A')"))
    engine = create_async_engine(server.url)
    with pytest.raises(Exception, match="duplicate key"):
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO patient VALUES ('bệnh nhân A')"))
    await engine.dispose()
    said = (tmp_path / "postgres/server.log").read_text()
    assert "duplicate key" in said
    assert "bệnh nhân" not in said


async def test_a_folder_too_deep_for_a_socket_is_no_obstacle(first_day, tmp_path):
    deep = tmp_path / ("bệnh viện " + "x" * 80)
    deep.mkdir()
    lay_out(first_day, deep)
    server = EmbeddedPostgres(deep, durable=False)
    url = await server.start()
    folder = Path((deep / "postgres/socket-folder").read_text())
    assert await ask(server, "SELECT 1") == 1
    assert len(str(folder)) < 80
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await server.stop()
    assert not folder.exists()
    assert await server.start() == url
    await server.stop()


async def test_a_second_process_adopts_the_live_server_and_the_last_to_leave_stops_it(server, tmp_path):
    url = await server.start()
    first = pid_of(tmp_path)
    second = EmbeddedPostgres(tmp_path, durable=False)
    assert await second.start() == url
    assert pid_of(tmp_path) == first
    await server.stop()
    assert await ask(second, "SELECT 1") == 1
    await second.stop()
    assert not runs(tmp_path)


async def test_several_at_once_start_one_server(tmp_path):
    servers = [EmbeddedPostgres(tmp_path, durable=False) for _ in range(4)]
    urls = await asyncio.gather(*(server.start() for server in servers))
    assert len(set(urls)) == 1
    await asyncio.gather(*(server.stop() for server in servers))
    assert not runs(tmp_path)


async def test_a_server_that_an_administrator_started_is_left_running(server, tmp_path):
    await server.start()
    await server.stop()
    way = find_way(find_programs(None), tmp_path / "postgres")
    settings = [f"--{name}={value}" for name, value in server._settings(server._socket_folder(way)).items()]
    cluster = str(tmp_path / "postgres/cluster")
    theirs = way.start(find_programs(None).postgres, "-D", cluster, *settings, log=tmp_path / "log")
    await until(lambda: runs(tmp_path))
    await server.start()
    assert pid_of(tmp_path) == theirs.pid
    await server.stop()
    assert runs(tmp_path)
    theirs.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(theirs.wait) == 0


async def test_when_the_server_is_killed_while_serving_it_comes_back_with_every_commit(server, tmp_path):
    url = await server.start()
    async with connected(server) as connection:
        await connection.execute(text("CREATE TABLE fact AS SELECT generate_series(1, 1000) AS n"))
    watching = asyncio.create_task(server.watch())
    for _ in range(3):
        dead = pid_of(tmp_path)
        os.kill(dead, signal.SIGKILL)
        await until(lambda dead=dead: pid_of(tmp_path) not in {None, dead})
        await server.start()
        assert await ask(server, "SELECT count(*) FROM fact") == 1000
    assert server.url == url
    watching.cancel()


async def test_a_stopped_server_is_not_brought_back_by_the_watch(server, tmp_path):
    await server.start()
    watching = asyncio.create_task(server.watch())
    await server.stop()
    await asyncio.wait_for(watching, 5)
    assert not runs(tmp_path)


async def test_when_the_application_is_killed_the_next_one_takes_its_server_over_and_may_stop_it(first_day, tmp_path):
    lay_out(first_day, tmp_path)
    program = (
        "import asyncio, pathlib, sys; from app.embedded import EmbeddedPostgres\n"
        "asyncio.run(EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False).start()); print('up', flush=True)\n"
        "import time; time.sleep(60)"
    )
    application = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent
    )
    assert await application.stdout.readline() == b"up\n"
    orphan = pid_of(tmp_path)
    application.kill()
    await application.wait()

    server = EmbeddedPostgres(tmp_path, durable=False)
    await server.start()
    assert pid_of(tmp_path) == orphan
    await server.stop()
    assert not runs(tmp_path)


async def test_a_dead_server_that_nobody_has_reaped_counts_as_dead(server, tmp_path):
    await server.start()
    dead = pid_of(tmp_path)
    os.kill(dead, signal.SIGKILL)
    other = EmbeddedPostgres(tmp_path, durable=False)  # not the parent: it cannot reap, it sees a zombie
    await until(lambda: Path(f"/proc/{dead}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    await other.start()
    assert pid_of(tmp_path) != dead
    assert await ask(other, "SELECT 1") == 1
    await other.stop()


async def test_a_number_that_another_process_has_taken_over_is_not_mistaken_for_the_server(server, tmp_path):
    await server.start()
    file = tmp_path / "postgres/cluster/postmaster.pid"
    lines = file.read_text().splitlines()
    await server.stop()
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    await server.start()
    assert pid_of(tmp_path) != os.getpid()


async def test_a_first_start_that_was_killed_midway_is_begun_again(new_server, tmp_path):
    half = tmp_path / "postgres/cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    await new_server.start()
    assert await ask(new_server, "SELECT 1") == 1


async def test_data_of_a_version_that_is_not_here_is_refused_and_the_way_out_is_named(new_server, tmp_path):
    cluster = tmp_path / "postgres/cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match=r"version 9 .*DATABASE_URL"):
        await new_server.start()


async def test_a_server_that_cannot_start_says_what_its_log_says(server, tmp_path, monkeypatch):
    await server.start()
    await server.stop()
    monkeypatch.setattr("app.embedded.SECONDS_TO_START", 0.2)
    (tmp_path / "postgres/cluster/postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        await server.start()


async def test_without_the_wheel_the_newest_of_the_system_serves(monkeypatch):
    monkeypatch.setattr(embedded_programs, "find_spec", lambda _: None)
    installed = [int(folder.parent.name) for folder in Path("/usr/lib/postgresql").glob("*/bin")]
    if not installed or max(installed) < embedded_programs.OLDEST_MAJOR:
        pytest.skip("this system has no PostgreSQL of its own")
    with tempfile.TemporaryDirectory(prefix="hc-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        await server.start()
        assert int(await ask(server, "SHOW server_version_num")) // 10000 == max(installed)
        assert await ask(server, "SELECT lower('Đ') = 'đ'")
        await server.stop()


@ROOT_ONLY
async def test_where_root_may_make_no_user_namespace_an_unprivileged_account_runs_it(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded_programs, "_user_namespace", lambda: iter(()))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)  # as root's home is: nobody else can enter
    server = EmbeddedPostgres(closed, durable=False)
    await server.start()
    try:
        runner = Path(f"/proc/{pid_of(closed)}").stat().st_uid
        assert runner != 0
        assert pwd.getpwuid(runner).pw_name in {"nobody", "postgres"}
        assert await ask(server, "SELECT 1") == 1
    finally:
        await server.stop()
    monkeypatch.undo()
    await server.start()  # its folder belongs to that account now, and stays with it
    assert Path(f"/proc/{pid_of(closed)}").stat().st_uid == runner
    await server.stop()


@ROOT_ONLY
async def test_root_may_use_a_folder_that_everybody_can_reach_by_changing_the_account_only(monkeypatch):
    monkeypatch.setattr(embedded_programs, "_user_namespace", lambda: iter(()))
    monkeypatch.setattr(embedded_programs.shutil, "which", lambda _: None)
    with tempfile.TemporaryDirectory(prefix="hc-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "postgres").mkdir(mode=0o700)
        try:
            way = find_way(find_programs(None), Path(folder) / "postgres")
        except EmbeddedPostgresError as error:
            pytest.skip(f"the programs lie where no other account can reach them: {error}")
        assert isinstance(way, RunAs)
        assert way.before == ()
        assert way.uid


async def test_an_ordinary_user_runs_it_as_themselves(tmp_path):
    """As root, the test becomes an ordinary user first; then it proves the same."""
    program = (
        "import asyncio, pathlib, sys; from app.embedded import EmbeddedPostgres\n"
        "async def main():\n"
        "    server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False)\n"
        "    await server.start(); await server.stop()\n"
        "asyncio.run(main()); print('done')"
    )
    way = RunAs() if os.geteuid() else next(embedded_programs._user_namespace(), None)
    if way is None or subprocess.run([*way.before, "true"], check=False).returncode != 0:
        pytest.skip("root may not become an ordinary user here")
    done = await asyncio.to_thread(
        subprocess.run,
        [*way.before, sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert done.stdout == "done\n", done.stderr
