"""The embedded PostgreSQL, used when no DATABASE_URL is given.

It lives in the folder `postgres` of the data directory: the cluster, the password (mode 600) and the server's log. Only
a Unix socket is opened, in a folder that only its owner may enter, with a password even there. Processes that share a
data directory share one server: the first starts it, the others adopt it, the last to leave stops it. Nothing that is
killed, not even with SIGKILL, loses a committed transaction.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import structlog

from app.embedded_programs import EmbeddedPostgresError, Programs, RunAs, find_programs, find_way

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

USER = "hoichan"
DATABASE = "hoichan"
PORT = 5432  # names the socket only; no network port is opened

# A socket's path has 104 to 108 bytes at most, depending on the system.
LONGEST_SOCKET_FOLDER = 85

SECONDS_TO_RECOVER = 120.0
SECONDS_TO_START = 10.0
SECONDS_TO_STOP = 20.0
LARGEST_LOG_BYTES = 4_000_000

log = structlog.get_logger(__name__)

# A server may outlive the object that started it, when another process still uses it; Python minds a forgotten child.
_started_here: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Postmaster:
    """What a running server says about itself in `postmaster.pid`."""

    pid: int
    socket: Path
    ready: bool


class EmbeddedPostgres:
    """One PostgreSQL server in a data directory.

    `durable=False` leaves out fsync: killed processes still lose nothing, a power cut may. For tests only.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._home = data_dir.absolute() / "postgres"
        self._cluster = self._home / "cluster"
        self._log = self._home / "server.log"
        self._durable = durable
        self._child: subprocess.Popen[bytes] | None = None
        self._presence: int | None = None
        self._url: str | None = None
        self._tools: tuple[Programs, RunAs] | None = None

    @property
    def url(self) -> str:
        """The address for SQLAlchemy. It contains the password: never log it."""
        if self._url is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL has not been started.")
        return self._url

    async def start(self) -> str:
        """Have the server running and answering, and give its address; adopts one that runs already.

        Raises EmbeddedPostgresError with the end of the server's log when it does not come up.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with _exclusive(self._home / "starting.lock"):
            self._announce_presence()
            try:
                await self._serve()
            except BaseException:
                self._withdraw_presence()
                raise
        return self.url

    async def stop(self) -> None:
        """Stop the server, unless another process still uses it or somebody else started it."""
        if self._presence is None:
            return
        async with _exclusive(self._home / "starting.lock"):
            others = not self._withdraw_presence()
            postmaster = self._postmaster()
            if postmaster is None or others or self._launched() != postmaster.pid:
                return
            await self._shut_down(postmaster)

    async def watch(self) -> None:
        """Start the server again whenever it dies, until cancelled or stopped. Run it as a task beside the serving."""
        while True:
            await asyncio.sleep(0.1)
            if self._presence is None:
                return
            if self._postmaster() is not None:
                continue
            log.error("embedded_postgres_died")
            try:
                async with _exclusive(self._home / "starting.lock"):
                    if self._presence is not None:
                        await self._serve()
            except (EmbeddedPostgresError, OSError) as error:
                log.error("embedded_postgres_not_restarted", reason=str(error))  # noqa: TRY400 - the reason is the text
                await asyncio.sleep(1)
            else:
                log.warning("embedded_postgres_restarted")

    async def _serve(self) -> None:
        """Wait until a live server answers, starting one when there is none."""
        clock = asyncio.get_running_loop().time
        recover_until, start_until = clock() + SECONDS_TO_RECOVER, clock() + SECONDS_TO_START
        if not self._cluster.exists():
            await self._initialise()
        while clock() < recover_until:
            postmaster = self._postmaster()
            if postmaster is None:
                if self._child is None or self._child.poll() is not None:
                    # Back ends of a killed server need a moment to notice; until then a new one ends at once.
                    if clock() > start_until:
                        break
                    await self._launch()
            elif postmaster.ready and await self._answers(postmaster.socket):
                host = quote(str(postmaster.socket), safe="/")
                self._url = f"postgresql+asyncpg://{USER}:{self._password()}@/{DATABASE}?host={host}&port={PORT}"
                return
            await asyncio.sleep(0.02)
        raise EmbeddedPostgresError(f"PostgreSQL did not start in {self._cluster}.\n{self._log_end()}")

    async def _initialise(self) -> None:
        """Lay out a new cluster beside its place and move it there when whole: a kill midway leaves nothing half."""
        programs, way = await self._ways_and_means()
        new = self._home / "cluster.new"
        shutil.rmtree(new, ignore_errors=True)
        self._new_password(way)
        # PostgreSQL 17 brought its own collation, which no system library can change under the indexes.
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        command = [
            programs.initdb,
            f"--pgdata={new}",
            f"--username={USER}",
            f"--pwfile={self._home / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
            *(locale if programs.major >= 17 else ("--locale=C.UTF-8",)),
            *(() if self._durable else ("--no-sync",)),
        ]
        child = way.start(*command, log=self._log)
        if await asyncio.to_thread(child.wait) != 0:
            raise EmbeddedPostgresError(f"PostgreSQL could not lay out its data in {self._home}.\n{self._log_end()}")
        new.rename(self._cluster)

    async def _launch(self) -> None:
        programs, way = await self._ways_and_means()
        socket = self._socket_folder(way)
        for stale in (self._cluster / "postmaster.pid", socket / f".s.PGSQL.{PORT}.lock"):
            # The server would take any process that now has the number, and even a dead one not yet reaped, for itself.
            stale.unlink(missing_ok=True)
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        way.own(self._cluster)
        settings = [f"--{name}={value}" for name, value in self._settings(socket).items()]
        self._child = way.start(programs.postgres, "-D", str(self._cluster), *settings, log=self._log)
        _started_here[:] = [child for child in _started_here if child.poll() is None] + [self._child]
        (self._home / "launched").write_text(str(self._child.pid))

    def _settings(self, socket: Path) -> dict[str, str]:
        durable = "on" if self._durable else "off"
        return {
            "listen_addresses": "",
            "unix_socket_directories": str(socket),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "max_connections": "100",
            "shared_buffers": "64MB",
            "max_wal_size": "512MB",
            "fsync": durable,
            "synchronous_commit": "on",
            "full_page_writes": durable,
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Statements and values can hold patients' data, and a log outlives every retention rule.
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }

    async def _ways_and_means(self) -> tuple[Programs, RunAs]:
        if self._tools is None:
            version = self._cluster / "PG_VERSION"
            major = int(version.read_text()) if version.exists() else None
            programs = await asyncio.to_thread(find_programs, major)
            self._tools = programs, await asyncio.to_thread(find_way, programs, self._home)
        return self._tools

    async def _answers(self, socket: Path) -> bool:
        """Tell whether the server takes our password; makes the database on its first day."""
        try:
            connection = await self._connect(socket, DATABASE)
        except asyncpg.InvalidCatalogNameError:
            connection = await self._connect(socket, "postgres")
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError):
            return False
        except asyncpg.PostgresError as error:
            raise EmbeddedPostgresError(f"The PostgreSQL of {self._cluster} refuses us: {error}") from error
        await connection.close()
        return True

    async def _connect(self, socket: Path, database: str) -> asyncpg.Connection:
        return await asyncpg.connect(
            host=str(socket), port=PORT, user=USER, password=self._password(), database=database, timeout=10
        )

    async def _shut_down(self, postmaster: Postmaster) -> None:
        clock = asyncio.get_running_loop().time
        # Fast: roll back what is open and write a checkpoint. Then at once: as safe as a crash, that is, safe.
        for sign in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster.pid, sign)
            until = clock() + SECONDS_TO_STOP
            while clock() < until:
                if self._postmaster() is None:
                    break
                await asyncio.sleep(0.02)
        if self._child is not None and self._child.pid == postmaster.pid:
            await asyncio.to_thread(self._child.wait)
        if postmaster.socket.parent != self._home:
            shutil.rmtree(postmaster.socket, ignore_errors=True)

    def _postmaster(self) -> Postmaster | None:
        """The live server of this data directory, if there is one."""
        if self._child is not None:
            self._child.poll()  # a dead child stays in the process table until it is asked for
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if not _is_server_of(pid, self._cluster):
            return None
        socket = Path(lines[4]) if len(lines) > 4 else Path()
        return Postmaster(pid, socket, ready=len(lines) > 7 and lines[7].strip() == "ready")

    def _launched(self) -> int | None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((self._home / "launched").read_text())
        return None

    def _announce_presence(self) -> None:
        """Hold a shared lock for as long as we live; the kernel lets go of it whatever kills us."""
        if self._presence is None:
            self._presence = os.open(self._home / "present.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._presence, fcntl.LOCK_SH)

    def _withdraw_presence(self) -> bool:
        """Let go of the shared lock and tell whether nobody else holds it."""
        presence, self._presence = self._presence, None
        if presence is None:
            return False
        try:
            fcntl.flock(presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(presence)

    def _new_password(self, way: RunAs) -> None:
        path = self._home / "password"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        way.own(self._home)

    def _password(self) -> str:
        return (self._home / "password").read_text().strip()

    def _socket_folder(self, way: RunAs) -> Path:
        """A folder for the socket that only the server's account may enter, with a path short enough for a socket."""
        folder = self._home / "socket"
        if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
            folder = self._short_folder()
        elif not folder.exists():
            folder.mkdir(mode=0o700)
        way.own(folder)
        return folder

    def _short_folder(self) -> Path:
        """The folder of the last start where it is still ours, so that the address outlives a restart."""
        note = self._home / "socket-folder"
        if note.exists():
            folder = Path(note.read_text())
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            if self._is_private(folder):
                return folder
        temporary = tempfile.gettempdir()
        folder = Path(tempfile.mkdtemp(prefix="hoichan-", dir=temporary if len(temporary) < 60 else "/tmp"))  # noqa: S108 - mkdtemp makes it private
        note.write_text(str(folder))
        return folder

    def _is_private(self, folder: Path) -> bool:
        found = folder.lstat()
        owners = {os.geteuid(), self._home.stat().st_uid}
        return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid in owners

    def _log_end(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
        return ""


@contextlib.asynccontextmanager
async def _exclusive(path: Path) -> AsyncIterator[None]:
    """Let one process at a time start or stop the server of a data directory."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.02)
        yield
    finally:
        os.close(file)


def _is_server_of(pid: int, cluster: Path) -> bool:
    """Tell whether the process is a live server of the cluster: not a zombie, not a later process with its number."""
    if sys.platform != "linux":
        answer = subprocess.run(  # noqa: S603 - the only argument is a number
            ["/bin/ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        return "postgres" in answer and not answer.startswith("Z")
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        if name != "postgres" or rest.split()[0] in "ZX":
            return False
        return Path(f"/proc/{pid}/cwd").readlink() == cluster
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        # Another account's process: it wrote our file, so it can only be ours.
        return True
