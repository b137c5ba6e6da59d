"""What every test may ask for: a real PostgreSQL, and a fresh migrated database within a tenth of a second.

One server serves the whole run, however many processes run it; each test gets a copy of a template that was migrated
once. Set DATABASE_URL to use another server (its account must be allowed to make databases).
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.config import Settings
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.hotline import Hotline, Json, load, open_hotline
from tests.staff import Staff, everybody

ROOT = Path(__file__).parent.parent
PREFIX = f"hoichan-tests-{os.getuid()}-"
TEMPLATE_LOCK = 115
LEFT_BEHIND_AFTER_SECONDS = 3600
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is private
MEMORY_FOR_THE_SERVER = 4 * 2**30


def _place() -> Path:
    """Where this run keeps its server: in memory, where there is plenty, since a copy on a disk takes far longer."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_FOR_THE_SERVER
    return MEMORY if roomy else Path(tempfile.gettempdir())


# The processes of one run inherit its folder: the first starts the server there, the last one stops it.
FOLDER = Path(os.environ.setdefault("HOICHAN_TEST_FOLDER", str(_place() / (PREFIX + uuid4().hex[:12]))))
_administrators: dict[str, AsyncConnection] = {}
_kept = AsyncExitStack()


@pytest_asyncio.fixture(scope="session")
async def server_url() -> AsyncIterator[str]:
    """The address of the PostgreSQL server of this run, as an account that may make databases."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        await _kept.aclose()
        return
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    server = EmbeddedPostgres(FOLDER, durable=False)
    yield await server.start()
    await _kept.aclose()
    await server.stop()


@pytest_asyncio.fixture(scope="session")
async def template(server_url: str) -> str:
    """The name of a migrated database to copy; migrated by whichever process comes first."""
    name = f"hoichan_template_{_fingerprint_of_migrations()}"
    async with administering(server_url) as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({TEMPLATE_LOCK})"))
        finished = await connection.execute(
            text("SELECT datistemplate FROM pg_database WHERE datname = :name"), {"name": name}
        )
        if not finished.scalar():
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            await connection.execute(text(f'CREATE DATABASE "{name}"'))
            await migrate(_with_database(server_url, name))
            await connection.execute(text(f'ALTER DATABASE "{name}" IS_TEMPLATE true'))
    return name


@pytest_asyncio.fixture
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """A fresh, migrated database for this test alone."""
    async with a_copy(server_url, template) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def demo_template(server_url: str, template: str) -> tuple[str, list[Json]]:
    """A database with the demo network to copy, and its accounts; loaded by whichever process comes first."""
    name = template.replace("template", "demo")
    folder = FOLDER.with_name(f"{FOLDER.name}-demo")
    async with administering(server_url) as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({TEMPLATE_LOCK})"))
        finished = await connection.execute(
            text("SELECT datistemplate FROM pg_database WHERE datname = :name"), {"name": name}
        )
        if not finished.scalar() or not (folder / "demo-accounts.json").exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            await connection.execute(text(f"UPDATE pg_database SET datistemplate = false WHERE datname = '{name}'"))
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
            await load(_with_database(server_url, name), folder)
            await connection.execute(text(f'ALTER DATABASE "{name}" IS_TEMPLATE true'))
    return name, json.loads((folder / "demo-accounts.json").read_text())


@pytest_asyncio.fixture
async def hotline(server_url: str, demo_template: tuple[str, list[Json]], tmp_path: Path) -> AsyncIterator[Hotline]:
    """A running server with the demo network, at night, whose clock the test moves."""
    name, accounts = demo_template
    async with a_copy(server_url, name) as url:
        settings = Settings(database_url=url, data_dir=tmp_path, host="127.0.0.1", port=0)
        async with open_hotline(settings, accounts) as running:
            yield running


@pytest_asyncio.fixture
async def house(hotline: Hotline) -> Staff:
    """The same, and everybody of it, signed in, by user name."""
    return await everybody(hotline)


@pytest_asyncio.fixture(scope="module")
async def shared_hotline(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hotline]:
    """One for all tests of a file: they look, and change nothing that another one counts on."""
    name, accounts = demo_template
    async with a_copy(server_url, name) as url:
        settings = Settings(database_url=url, data_dir=tmp_path_factory.mktemp("hotline"), host="127.0.0.1", port=0)
        async with open_hotline(settings, accounts) as running:
            yield running


@pytest_asyncio.fixture(scope="module")
async def staff(shared_hotline: Hotline) -> Staff:
    """Everybody of the shared one, signed in."""
    return await everybody(shared_hotline)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a server with a database of its own, on this machine only and on any free port."""
    return Settings(database_url=database_url, data_dir=tmp_path / "data", host="127.0.0.1", port=0)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the Chromium that browser tests start; skips them where they were switched off by hand."""
    if os.environ.get("HOICHAN_TEST_BROWSER") == "off":
        pytest.skip("browser tests are switched off by HOICHAN_TEST_BROWSER")
    named = os.environ.get("CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    found = named or next(filter(None, map(shutil.which, names)), None)
    assert found, "no Chromium here; `make test` says how to get one"
    return found


@asynccontextmanager
async def a_copy(server_url: str, template: str) -> AsyncIterator[str]:
    """Copy the template, and drop the copy afterwards whoever is still connected to it."""
    name = f"hoichan_{uuid4().hex[:16]}"
    connection = await _administrator(server_url)
    await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    try:
        yield _with_database(server_url, name)
    finally:
        await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


async def _administrator(server_url: str) -> AsyncConnection:
    """The connection on which this process makes and drops all its databases: to make one costs half a copy."""
    if server_url not in _administrators:
        _administrators[server_url] = await _kept.enter_async_context(administering(server_url))
    return _administrators[server_url]


@asynccontextmanager
async def administering(server_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection outside any transaction, as making and dropping databases wants it."""
    engine = create_async_engine(_with_database(server_url, "postgres"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def migrate(url: str) -> None:
    """Bring the database to the newest revision, as `hoichan migrate` does."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _fingerprint_of_migrations() -> str:
    found = hashlib.sha256()
    for file in sorted((ROOT / "migrations").rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Clear away this run's folders, and those that killed runs have left behind, with their servers."""
    if hasattr(session.config, "workerinput"):
        return
    for folder in (found for place in {MEMORY, Path(tempfile.gettempdir())} for found in place.glob(PREFIX + "*")):
        with contextlib.suppress(FileNotFoundError):  # another run that ends now has just cleared its own away
            ours = folder.name.removesuffix("-demo") == FOLDER.name
            if ours or time.time() - folder.stat().st_mtime > LEFT_BEHIND_AFTER_SECONDS:
                asyncio.run(_clear_away(folder))


async def _clear_away(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    with contextlib.suppress(EmbeddedPostgresError):
        if server._postmaster():
            await server.start()
            await server.stop()
        if not server._postmaster():
            shutil.rmtree(folder, ignore_errors=True)
