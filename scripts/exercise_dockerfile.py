"""Carry out the Dockerfile's steps outside a container: install, migrate, serve as its user, ask its health check.

Where no container engine is at hand this shows that the file's own words work. Container paths become paths in a
scratch folder; both stages share it, because what the second copies from the first keeps its place. Only `useradd` and
`install`, which would change this machine, are replaced by making the folder that they make.
"""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from app.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
PLACES = ("/opt/hoichan", "/srv/hoichan", "/var/lib/hoichan")
SECONDS_TO_HEALTH = 30


class Wrong(Exception):  # noqa: D101 - what is wrong is its text
    pass


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, continuation lines joined."""

    word: str
    rest: str

    @property
    def flags(self) -> dict[str, str]:
        """The --flags in front, such as --from of COPY."""
        return dict(re.findall(r"--([a-z-]+)=(\S+)", self.rest.partition("CMD")[0]))

    @property
    def arguments(self) -> list[str]:
        """The words behind the flags."""
        return [part for part in shlex.split(self.rest) if not part.startswith("--")]

    @property
    def command(self) -> list[str]:
        """The exec form of CMD or HEALTHCHECK."""
        found = re.search(r"\[.*\]$", self.rest)
        if found is None:
            raise Wrong(f"{self.word} is not in exec form, so that signals would end in a shell: {self.rest}")
        words: list[str] = json.loads(found[0])
        return words


@dataclass
class Image:
    """What the instructions so far have made of the image's last stage."""

    scratch: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    health: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def here(self, words: str) -> str:
        """The same words with container paths replaced by those of the scratch folder."""
        for place in PLACES:
            words = re.sub(rf"(?<![\w.]){re.escape(place)}", f"{self.scratch}{place}", words)
        return words

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a command in the image: nothing of ours gets in but what pip needs to find its index."""
        ours = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
        path = self.here(self.environment.get("PATH", "")) or f"{self.scratch}/bin:/usr/local/bin:/usr/bin:/bin"
        mapped = {name: self.here(value) for name, value in self.environment.items()}
        return ours | mapped | {"PATH": path, "LC_ALL": "C.UTF-8"} | more


def parse(text: str) -> list[Instruction]:
    """Read a Dockerfile's instructions in order."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages(instructions: list[Instruction]) -> list[list[Instruction]]:
    """Split the instructions at each FROM."""
    found: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.word == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def in_context(path: str, rules: list[str]) -> bool:
    """Tell whether .dockerignore lets the path into the build: the last rule that matches decides."""
    inside = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        if fnmatch(path, pattern) or path.startswith(pattern + "/"):
            inside = rule.startswith("!")
    return inside


def build(instructions: list[Instruction], scratch: Path) -> Image:
    """Carry out the instructions in the scratch folder and give the image of the last stage."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    (scratch / "bin").mkdir()
    (scratch / "bin/python").symlink_to(getattr(sys, "_base_executable", sys.executable))
    image = Image(scratch)
    for instruction in instructions:
        print(f"  {instruction.word} {instruction.rest}"[:120], flush=True)
        match instruction.word:
            case "FROM":
                image = Image(scratch)
            case "WORKDIR":
                image.folder = instruction.rest
                Path(image.here(image.folder)).mkdir(parents=True, exist_ok=True)
            case "ENV":
                image.environment |= dict(word.split("=", 1) for word in shlex.split(instruction.rest))
            case "USER":
                image.user = instruction.rest
            case "COPY":
                copy(instruction, image, rules)
            case "RUN":
                run(instruction, image)
            case "HEALTHCHECK":
                image.health = instruction.command
            case "CMD":
                image.command = instruction.command
    return image


def copy(instruction: Instruction, image: Image, rules: list[str]) -> None:
    """Copy from the build context; from another stage everything is in its place already."""
    *sources, target = instruction.arguments
    if "from" in instruction.flags:
        if sources != [target] or not Path(image.here(target)).exists():
            raise Wrong(f"COPY {instruction.rest}: a virtual environment works only in the place where it was made")
        return
    folder = Path(image.here(image.folder))
    for source in sources:
        if not (ROOT / source).exists() or not in_context(source, rules):
            raise Wrong(f"COPY {instruction.rest}: {source} is not in the build context")
        into = folder / target / Path(source).name if target.endswith("/") else folder / target
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, into)


def run(instruction: Instruction, image: Image) -> None:
    """Run a build step; making the account is replaced by making its folder.

    An image keeps no cache of pip's, but this machine has one, which need not be fetched again.
    """
    if instruction.rest.startswith("useradd"):
        for place in re.findall(r"--mode=0700 (\S+)", instruction.rest):
            Path(image.here(place)).mkdir(parents=True, mode=0o700)
        return
    step = image.here(instruction.rest).replace(" --no-cache-dir", "")
    subprocess.run(["/bin/sh", "-ec", step], cwd=image.here(image.folder), env=image.variables(), check=True)


def as_user(user: str) -> list[str]:
    """Words before a command that make it run with the image's user number, as far as this machine allows."""
    number = user.partition(":")[0]
    if os.geteuid() != 0:
        return []
    words = ["unshare", "--user", f"--map-user={number}", "--"]
    return words if subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0 else []


async def operate(image: Image, database_url: str) -> None:
    """Migrate, serve, wait until the health check is content, stop; then it must no longer be content."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    variables = image.variables(DATABASE_URL=database_url, HOICHAN_HOST="127.0.0.1", HOICHAN_PORT=port)
    before, folder = as_user(image.user), image.here(image.folder)

    def call(*words: str) -> int:
        return subprocess.run([*before, *words], cwd=folder, env=variables, check=False, timeout=60).returncode

    print("  hoichan migrate", flush=True)
    if call("hoichan", "migrate") != 0:
        raise Wrong("`hoichan migrate` failed")
    print(f"  {shlex.join(image.command)}", flush=True)
    server = subprocess.Popen([*before, *image.command], cwd=folder, env=variables)  # noqa: ASYNC220 - nothing else waits
    try:
        for _ in range(SECONDS_TO_HEALTH * 2):
            if server.poll() is not None:
                raise Wrong(f"the server ended at once with {server.returncode}")
            if call("sh", "-c", 'exec "$@" 2>/dev/null', "sh", *image.health) == 0:
                break
            await asyncio.sleep(0.5)
        else:
            raise Wrong("the health check was never content")
        print("  healthy", flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(server.wait, 30)
    if status not in {0, -signal.SIGTERM, 128 + signal.SIGTERM}:
        raise Wrong(f"the server ended with {status} when asked to stop")
    if call("sh", "-c", 'exec "$@" 2>/dev/null', "sh", *image.health) == 0:
        raise Wrong("the health check is content with a server that is gone")


async def main() -> int:
    """Exit with 0 when every step works."""
    with tempfile.TemporaryDirectory(prefix="hoichan-image-") as folder, tempfile.TemporaryDirectory() as data:
        database = EmbeddedPostgres(Path(data), durable=False)  # stands for the PostgreSQL that is elsewhere
        try:
            image = build(parse((ROOT / "Dockerfile").read_text()), Path(folder))
            await operate(image, await database.start())
        except (Wrong, subprocess.CalledProcessError) as error:
            print(f"The Dockerfile does not work: {error}", file=sys.stderr)
            return 1
        finally:
            await database.stop()
    print("The Dockerfile's steps work.")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
