"""The watchdog: runs on another machine, needs no database, and telephones people when the house does not answer.

It asks `/ready` and `/overdue` again and again. After a few failures in a row it calls and writes to everybody in its
file of people, again every five minutes, until the house is well or somebody has acknowledged; then it says that the
house is well again. What it has told stands in a file, so that its own restart tells nobody twice and forgets nobody;
a file that cannot be written keeps nobody from being told.

A key acknowledges what its call told, for half an hour: who knows that something is late does not know that the house
is away.
"""

import asyncio
import contextlib
import json
import sys
import tomllib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
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
from app.watch_memory import OVERDUE, READY, Memory

log = structlog.get_logger()
TIMEOUT_S: Final = 8.0
"""For a whole look: the client's own limit is for each piece of an answer."""
SENT_WITHIN_S: Final = 20.0
MEMORY_FILE: Final = "watch.json"
ACKNOWLEDGE: Final = "1"
THANKS: Final = "Đã ghi là bạn biết. Cảm ơn bạn."
TOO_LATE: Final = "Cuộc gọi này nói về một sự cố đã qua. Không có gì được ghi."


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
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        """Remember what an earlier process of this watchdog knew."""
        self.memory = Memory.read(self.file)

    async def look(self) -> str | None:
        """Look once and tell whoever must be told; return what is wrong."""
        why = await self._trouble()
        memory = self.memory
        if why is None:
            if memory.told:
                await self._tell(well=True)
            elif memory.failures:
                log.info("well again", after=memory.failures)
            self.memory = Memory()
            self._keep()
            return None
        memory.failures += 1
        memory.away = memory.away + 1 if why.startswith(READY) else 0
        memory.path = READY if memory.away >= self.after else OVERDUE
        memory.since = memory.since or self.clock.now().isoformat()
        memory.why = why
        self._hear_of_acknowledgement()
        known = memory.is_known(self.clock.now())
        log.warning("not well", why=why, looks=memory.failures, acknowledged=known)
        if memory.failures >= self.after and not known:
            await self._tell_in_turn()
            self._hear_of_acknowledgement()
        self._keep()
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
        """Somebody on this machine knows: nobody is told of this trouble for half an hour, unless it becomes worse."""
        memory = self.memory
        if memory.since is None:
            log.info("there is nothing to acknowledge")
            return
        memory.acknowledge(memory.path, self.clock.now())
        memory.write(self.file)  # the process that watches reads it there
        log.info("acknowledged", what=memory.path)

    def hear(self, calls: Iterable[str | None]) -> bool:
        """Somebody pressed the key in a call that goes by one of these names; False: it told of a trouble that is over.

        A gateway repeats a callback that it had no answer to, perhaps when another trouble has begun.
        """
        told = next((self.memory.calls[call] for call in calls if call and call in self.memory.calls), None)
        if told is None:
            return False
        self.memory.acknowledge(told, self.clock.now())
        self._keep()
        log.info("acknowledged", what=told)
        return True

    async def _trouble(self) -> str | None:
        for path, good in ((READY, {"status": "ready"}), (OVERDUE, {"overdue": False})):
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    answer = await self.client.get(f"{self.url}{path}", timeout=TIMEOUT_S)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                return f"{path}: {type(error).__name__}"
            if answer.status_code != 200 or _json(answer) != good:
                return f"{path}: HTTP {answer.status_code}"
        return None

    async def _tell_in_turn(self) -> None:
        """Begin a new round when it is time or worse, and try again whoever was not reached in this one."""
        memory, now = self.memory, self.clock.now()
        worse = memory.path == READY != memory.told_of
        if memory.told_at is None or worse or now >= datetime.fromisoformat(memory.told_at) + self.repeat:
            memory.told += 1
            memory.told_at = now.isoformat()
            memory.told_of = memory.path
            memory.reached = []
        await self._tell(well=False)

    async def _tell(self, *, well: bool) -> None:
        await asyncio.gather(*(self._tell_one(place, person, well=well) for place, person in enumerate(self.people)))

    async def _tell_one(self, place: int, person: Watched, *, well: bool) -> None:
        """Tell one person in every way that has not reached them yet; who can be called is reached by a call alone."""
        ways = {kind: adapter for kind in person.addresses() if (adapter := self.adapters.get(kind))}
        if well:
            ways.pop(ChannelKind.VOICE, None)
        else:
            gone_out = {kind for kind in ways if f"{place}:{kind}" in self.memory.reached}
            if gone_out and (ChannelKind.VOICE in gone_out or ChannelKind.VOICE not in ways):
                return
            ways = {kind: adapter for kind, adapter in ways.items() if kind not in gone_out}
        await asyncio.gather(*(self._send(place, person, kind, adapter, well=well) for kind, adapter in ways.items()))

    async def _send(self, place: int, person: Watched, kind: ChannelKind, adapter: Adapter, *, well: bool) -> None:
        memory = self.memory
        out = _outgoing(memory, kind, person.addresses()[kind], well=well, host=self.url)
        if kind == ChannelKind.VOICE:
            memory.calls[out.key] = memory.told_of  # a key may be pressed before the gateway's answer is here
        if await self._gone_out(person.name, adapter, out):
            memory.reached.append(f"{place}:{kind}")

    async def _gone_out(self, name: str, adapter: Adapter, out: Outgoing) -> bool:
        if self.dry_run:
            log.info("would tell", who=name, channel=out.channel, text=out.rendered.text)
            return True
        try:
            async with asyncio.timeout(SENT_WITHIN_S):
                receipt = await adapter.send(out)
        except Undelivered as error:
            log.warning("could not tell", who=name, channel=out.channel, why=error.why)
            return False
        except Exception as error:  # noqa: BLE001 (the others must still be told)
            log.warning("could not tell", who=name, channel=out.channel, why=type(error).__name__)
            return False
        if receipt.provider_id and out.key in self.memory.calls:
            self.memory.calls[receipt.provider_id] = self.memory.calls[out.key]
        log.info("told", who=name, channel=out.channel)
        return True

    def _hear_of_acknowledgement(self) -> None:
        """Heed what `--acknowledge` has written of this trouble."""
        written = Memory.read(self.file)
        if written.since == self.memory.since and (written.known_at or "") > (self.memory.known_at or ""):
            self.memory.known, self.memory.known_at = written.known, written.known_at

    def _keep(self) -> None:
        """Write down what is known, if that can be done: this process knows it anyhow."""
        try:
            self.memory.write(self.file)
        except OSError as error:
            log.warning("what was told cannot be written down", error=type(error).__name__)


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
        _try_to_write(memory_file(settings))
        dog = Watchdog(url.rstrip("/"), people, dict(ways.adapters), client, clock, memory_file(settings), **how)
        for person in people:
            if not any(kind in dog.adapters for kind in person.addresses()):
                raise WatchError(
                    f"{person.name}: chưa cài HOICHAN_VOICE_URL, HOICHAN_SMS_URL, HOICHAN_SMTP_URL. / no way to tell."
                )
        yield dog


def _try_to_write(file: Path) -> None:
    attempt = file.with_suffix(".try")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        attempt.write_text("{}", "utf-8")
        attempt.unlink()
    except OSError as error:
        raise WatchError(
            f"HOICHAN_DATA_DIR: không ghi được {file.parent} ({type(error).__name__}). / it cannot be written."
        ) from None


def memory_file(settings: Settings) -> Path:
    """Where the watchdog keeps what it knows."""
    return settings.data_dir / MEMORY_FILE


async def listen(dog: Watchdog, settings: Settings, host: str, port: int) -> None:
    """Take the key that somebody presses in the call: 1 acknowledges what that call told."""
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
        event = _event_in(body)
        if event is None or digit_of(event) != ACKNOWLEDGE:
            return Response('{"say": "", "keys": {"1": "acknowledge"}, "end": false}', media_type="application/json")
        heard = dog.hear((event.key, event.id) if signed else (asked.get("n"),))
        said: dict[str, Any] = {"say": THANKS if heard else TOO_LATE, "keys": {}, "end": True}
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


def _event_in(body: bytes) -> GatewayEvent | None:
    try:
        return GatewayEvent.model_validate_json(body)
    except ValueError:
        pass
    try:
        return GatewayEvent.model_validate(dict(parse_qsl(body.decode("utf-8", "replace"))))
    except ValueError:
        return None


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
