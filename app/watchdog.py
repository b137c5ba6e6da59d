"""The watchdog: runs on another machine, needs no database, and telephones people when the house does not answer.

It asks `/ready` and `/overdue` again and again. After a few failures in a row it calls and writes to everybody in its
file of people, again every five minutes, until the house is well or somebody has acknowledged; then it says that the
house is well again. What it has told stands in a file, so that its own restart tells nobody twice and forgets nobody.
"""

import asyncio
import contextlib
import json
import sys
import tomllib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import structlog
import uvicorn
from fastapi import FastAPI, Request, Response

from app.channels.gateway import Signer
from app.channels.port import Adapter, Undelivered
from app.channels.ways import VOICE_PATH, ways_out
from app.channels.web_push import new_private_key
from app.clock import Clock, DatabaseClock
from app.config import Settings
from app.models.channel import ChannelKind
from app.models.telephone import e164
from app.models.working_hours import ZONE
from app.schemas.channels import GatewayEvent, digit_of
from app.services.outside.notice_texts import Rendered
from app.services.outside.sending import Outgoing

log = structlog.get_logger()
TIMEOUT_S: Final = 8.0
MEMORY_FILE: Final = "watch.json"
ACKNOWLEDGE: Final = "1"


class WatchError(ValueError):
    """The watchdog cannot watch as it is set up."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Somebody who is told."""

    name: str
    phone: str | None
    email: str | None

    def addresses(self) -> dict[ChannelKind, str]:
        """Where they are reached, by kind of channel."""
        found = {ChannelKind.VOICE: self.phone, ChannelKind.SMS: self.phone, ChannelKind.EMAIL: self.email}
        return {kind: address for kind, address in found.items() if address}


@dataclass(slots=True)
class Memory:
    """What the watchdog knows from before; kept in a file."""

    failures: int = 0
    """Looks in a row at which something was wrong."""
    since: str | None = None
    """When the first of them was."""
    why: str = ""
    told: int = 0
    """How often people were told of this trouble."""
    told_at: str | None = None
    reached: list[str] = field(default_factory=list)
    """Who was reached in the present round."""
    acknowledged: bool = False

    @classmethod
    def read(cls, file: Path) -> "Memory":
        """Read the file; without one, or with a broken one, all was well."""
        try:
            return cls(**json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, file: Path) -> None:
        """Write the file, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), ensure_ascii=False), "utf-8")
        draft.replace(file)


@dataclass(slots=True)
class Watchdog:
    """Watches one house."""

    url: str
    people: Sequence[Watched]
    adapters: dict[str, Adapter]
    client: httpx.AsyncClient
    clock: Clock
    file: Path
    after: int = 2
    repeat: timedelta = timedelta(minutes=5)
    dry_run: bool = False

    async def look(self) -> str | None:
        """Look once and tell whoever must be told; return what is wrong."""
        why = await self._trouble()
        memory = Memory.read(self.file)  # somebody may have acknowledged meanwhile
        if why is None:
            if memory.told:
                await self._tell(memory, well=True)
            elif memory.failures:
                log.info("well again", after=memory.failures)
            Memory().write(self.file)
            return None
        memory.failures += 1
        memory.since = memory.since or self.clock.now().isoformat()
        memory.why = why
        log.warning("not well", why=why, looks=memory.failures, acknowledged=memory.acknowledged)
        if memory.failures >= self.after and not memory.acknowledged:
            await self._tell_in_turn(memory)
        self._keep(memory)
        return why

    async def run(self, every_s: float) -> None:
        """Look for ever."""
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 (whatever happens, it goes on watching)
                log.warning("the watchdog stumbled", error=type(error).__name__)
            await asyncio.sleep(max(0.5, every_s - (asyncio.get_running_loop().time() - started)))

    def acknowledge(self) -> None:
        """Somebody knows: nobody is told again of this trouble until it is over."""
        memory = Memory.read(self.file)
        memory.acknowledged = True
        memory.write(self.file)
        log.info("acknowledged")

    async def _trouble(self) -> str | None:
        for path, good in (("/ready", {"status": "ready"}), ("/overdue", {"overdue": False})):
            try:
                answer = await self.client.get(f"{self.url}{path}", timeout=TIMEOUT_S)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                return f"{path}: {type(error).__name__}"
            if answer.status_code != 200 or _json(answer) != good:
                return f"{path}: HTTP {answer.status_code}"
        return None

    async def _tell_in_turn(self, memory: Memory) -> None:
        """Begin a new round when it is time, and try again whoever was not reached in this one."""
        now = self.clock.now()
        if memory.told_at is None or now >= datetime.fromisoformat(memory.told_at) + self.repeat:
            memory.told += 1
            memory.told_at = now.isoformat()
            memory.reached = []
        await self._tell(memory, well=False)

    async def _tell(self, memory: Memory, *, well: bool) -> None:
        missing = [person for person in self.people if well or person.name not in memory.reached]
        reached = await asyncio.gather(*(self._tell_one(person, memory, well=well) for person in missing))
        memory.reached += [person.name for person, done in zip(missing, reached, strict=True) if done]

    async def _tell_one(self, person: Watched, memory: Memory, *, well: bool) -> bool:
        sends = [
            self._send(person.name, adapter, _outgoing(memory, kind, address, well=well, host=self.url))
            for kind, address in person.addresses().items()
            if (adapter := self.adapters.get(kind)) and not (well and kind == ChannelKind.VOICE)
        ]
        done = await asyncio.gather(*sends)
        return any(done)

    async def _send(self, name: str, adapter: Adapter, out: Outgoing) -> bool:
        if self.dry_run:
            log.info("would tell", who=name, channel=out.channel, text=out.rendered.text)
            return True
        try:
            await adapter.send(out)
        except Undelivered as error:
            log.warning("could not tell", who=name, channel=out.channel, why=error.why)
            return False
        except Exception as error:  # noqa: BLE001 (the others must still be told)
            log.warning("could not tell", who=name, channel=out.channel, why=type(error).__name__)
            return False
        log.info("told", who=name, channel=out.channel)
        return True

    def _keep(self, memory: Memory) -> None:
        """Keep what was done, and an acknowledgement that came while it was being done."""
        memory.acknowledged = memory.acknowledged or Memory.read(self.file).acknowledged
        memory.write(self.file)


def read_people(file: Path | None) -> list[Watched]:
    """Read whom to tell: TOML, `[[people]]` with `name`, and `phone`, `email` or both. Raises WatchError."""
    if file is None:
        raise WatchError("HOICHAN_WATCH_PEOPLE: chưa có danh sách người nhận. / no list of people.")
    try:
        rows = tomllib.loads(file.read_text("utf-8")).get("people", [])
        people = [Watched(str(row["name"]), _phone(row), row.get("email")) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WatchError(f"{file}: {type(error).__name__}: {error}") from None
    if not people or any(not person.addresses() for person in people):
        raise WatchError(f"{file}: mỗi người cần tên, và số điện thoại hoặc e-mail. / name, and phone or email.")
    return people


@contextlib.asynccontextmanager
async def watchdog(settings: Settings, url: str, **how: Any) -> AsyncIterator[Watchdog]:
    """Set a watchdog up from its own settings. Raises WatchError when it could tell nobody."""
    people = read_people(settings.watch_people)
    clock = DatabaseClock()
    async with httpx.AsyncClient() as client:
        try:
            ways = ways_out(settings, client, clock, push_key=new_private_key(), capture=False)
        except ValueError as error:
            raise WatchError(str(error)) from None
        if ways.capturing:
            raise WatchError("HOICHAN_CHANNELS=capture: không báo được ai. / nobody would be told.")
        dog = Watchdog(url.rstrip("/"), people, dict(ways.adapters), client, clock, memory_file(settings), **how)
        for person in people:
            if not any(kind in dog.adapters for kind in person.addresses()):
                raise WatchError(
                    f"{person.name}: chưa cài HOICHAN_VOICE_URL, HOICHAN_SMS_URL, HOICHAN_SMTP_URL. / no way to tell."
                )
        yield dog


def memory_file(settings: Settings) -> Path:
    """Where the watchdog keeps what it knows."""
    return settings.data_dir / MEMORY_FILE


async def listen(dog: Watchdog, settings: Settings, host: str, port: int) -> None:
    """Take the key that somebody presses in the call: 1 acknowledges."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    signer = Signer(settings.gateway_secret, dog.clock)

    @app.post(VOICE_PATH)
    async def voice(request: Request) -> Response:
        body, asked, given = await request.body(), request.query_params, request.headers
        signed = signer.is_ours(body, given.get("X-Hoichan-Timestamp"), given.get("X-Hoichan-Signature"))
        if not signed and not signer.is_our_callback(
            VOICE_PATH, asked.get("n", ""), asked.get("t", ""), asked.get("s", "")
        ):
            return Response(status_code=401)
        try:
            event = GatewayEvent.model_validate_json(body)
        except ValueError:
            event = GatewayEvent.model_validate(dict(parse_qsl(body.decode("utf-8", "replace"))))
        if digit_of(event) != ACKNOWLEDGE:
            return Response('{"say": "", "keys": {"1": "acknowledge"}, "end": false}', media_type="application/json")
        dog.acknowledge()
        said = {"say": "Đã ghi là bạn biết. Cảm ơn bạn.", "keys": {}, "end": True}
        return Response(json.dumps(said, ensure_ascii=False), media_type="application/json")

    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


async def watch(  # noqa: PLR0913 (each is an option of the command)
    settings: Settings,
    url: str,
    *,
    every_s: float,
    after: int,
    repeat_min: float,
    once: bool,
    dry_run: bool,
    acknowledge: bool,
    listen_at: str | None,
) -> int:
    """Run the command. 0: well; 1: not well (with `once`); 2: it cannot watch as it is set up."""
    try:
        how = {"after": after, "repeat": timedelta(minutes=repeat_min), "dry_run": dry_run}
        async with watchdog(settings, url, **how) as dog:
            if acknowledge:
                dog.acknowledge()
                return 0
            if once:
                return 1 if await dog.look() else 0
            tasks = [asyncio.create_task(dog.run(every_s))]
            if listen_at:
                host, _, port = listen_at.rpartition(":")
                tasks.append(asyncio.create_task(listen(dog, settings, host or "127.0.0.1", int(port))))
            log.info("watching", url=dog.url, every_s=every_s, people=len(dog.people))
            await asyncio.gather(*tasks)
    except WatchError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _outgoing(memory: Memory, kind: str, address: str, *, well: bool, host: str) -> Outgoing:
    assert memory.since is not None
    at = datetime.fromisoformat(memory.since).astimezone(ZONE)
    clock = f"{at:%H:%M} {at.day}/{at.month}"
    if well:
        title = "hoichan đã hoạt động lại / hoichan is well again"
        text = f"{title}. Gián đoạn từ {clock}. / It was not well from {clock} on."
    else:
        title = "hoichan KHÔNG hoạt động / hoichan is NOT well"
        text = (
            f"{title} từ {clock} ({memory.why}, {host}). Gọi theo danh bạ trực đã in. / "
            f"Since {clock}. Use the printed telephone list."
        )
    spoken = "" if well else f"hoichan không hoạt động từ {clock}. Gọi theo danh bạ trực đã in. Bấm 1 nếu bạn đã biết."
    key = f"watch:{memory.since}:{'well' if well else memory.told}:{kind}:{address}"
    return Outgoing(
        notice_id=_id_of(key),
        key=str(_id_of(key)),
        kind="alarm",
        about="watch",
        channel=kind,
        address=address,
        keys=None,
        language="vi",
        rendered=Rendered(title, text, spoken, {} if well else {ACKNOWLEDGE: "acknowledge"}),
        urgent=True,
        loud=True,
        drill=False,
        ttl=timedelta(minutes=5),
    )


def _id_of(key: str) -> UUID:
    return uuid5(NAMESPACE_URL, key)


def _phone(row: dict[str, Any]) -> str | None:
    if not row.get("phone"):
        return None
    number = e164(str(row["phone"]), noted=True)
    if number is None:
        raise ValueError(f"{row['name']}: phone")
    return number


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
