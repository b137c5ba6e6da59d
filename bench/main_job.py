"""The main job: request sent → offer at the on-call doctor's, acceptance sent → requester told, and lifecycles/s.

Floor and product take turns, three rounds each, in one PostgreSQL (a database each), with the same client, the same
200 sockets open and the same people. Latencies at 20 requests a second; throughput by sixteen cases at a time.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any, Protocol

from pydantic_core import from_json

from bench.client import Http, Socket, open_socket
from bench.figures import Figure, p50, p99
from bench.product import Pair, Person, accept, ask, choose_pairs, listen, request_body, sign_in
from bench.servers import Ground, Server, ground

PAIRS = 24
SOCKETS = 200
RATE = 20.0
AT_A_TIME = 16
ROUNDS = 3
PATIENCE_S = 20.0
PRODUCT, FLOOR = "product", "floor"


@dataclass(slots=True)
class Lifecycle:
    """When one case was asked, offered, accepted and told."""

    asked: float = 0.0
    offered: float = 0.0
    accepted: float = 0.0
    told: float = 0.0


@dataclass(slots=True)
class Round:
    """What one round of one side measured."""

    offers_ms: list[float] = field(default_factory=list)
    told_ms: list[float] = field(default_factory=list)
    per_second: float = 0.0
    python_ms: float = 0.0
    postgres_ms: float = 0.0


class Side(Protocol):
    """Floor or product, as the load sees them."""

    server: Server
    http: Http
    cases: "Cases"

    async def ask(self, place: int, label: str) -> None:
        """Ask; returns when it is answered."""

    async def accept(self, place: int, case_id: str) -> None:
        """Accept; returns when it is answered."""


class Cases:
    """What the sockets have heard: matches frames to the cases under way."""

    def __init__(self) -> None:
        self.offers: dict[str, asyncio.Future[tuple[str, float]]] = {}
        self.tellings: dict[str, asyncio.Future[float]] = {}
        self._told: dict[str, float] = {}

    def heard(self, envelope: dict[str, Any], arrived: float) -> None:
        """Take one envelope."""
        kind = envelope.get("t")
        if kind == "offer.made" and "offer" in envelope["d"]:
            label = envelope["d"]["offer"]["card"]["patient"]["label"]
            waiting = self.offers.pop(label, None)
            if waiting and not waiting.done():
                waiting.set_result((envelope["d"]["consultation_id"], arrived))
        elif kind == "offer.accepted":
            telling = self.tellings.pop(envelope["d"]["consultation_id"], None)
            if telling and not telling.done():
                telling.set_result(arrived)


class Product:
    """The product, as it is shipped."""

    def __init__(self, server: Server, pairs: list[Pair]) -> None:
        self.server, self.pairs = server, pairs
        self.http = Http(server.port)
        self.cases = Cases()

    async def connect(self, others: list[Person]) -> list[Socket]:
        """Open everybody's socket; what is timed is heard at the doctor's own stream and the requester's case."""
        answerers = {pair.answerer.id for pair in self.pairs}
        askers = {pair.asker.id for pair in self.pairs}

        def at_answerer(envelope: dict[str, Any], arrived: float) -> None:
            if envelope.get("t") == "offer.made" and envelope["s"].startswith("user:"):
                self.cases.heard(envelope, arrived)

        def at_asker(envelope: dict[str, Any], arrived: float) -> None:
            if not str(envelope.get("s")).startswith("consultation:"):
                return
            if envelope.get("t") == "offer.accepted":
                self.cases.heard(envelope, arrived)
            elif envelope["k"] == "snapshot" and envelope["d"]["consultation"]["holder"]:
                # Heard in another process, the case may begin with a state in which it is held already.
                case_id = envelope["d"]["consultation"]["id"]
                self.cases.heard({"t": "offer.accepted", "d": {"consultation_id": case_id}}, arrived)

        sockets = []
        for person in others:
            heard: Callable[[dict[str, Any], float], None] | None = None
            if person.id in answerers:
                heard = at_answerer
            elif person.id in askers:
                heard = at_asker
            sockets.append(
                await listen(self.server.port, person, heard) if heard else await idle(self.server.port, person)
            )
        return sockets

    async def ask(self, place: int, label: str) -> None:
        """Ask the desk of a pair."""
        pair = self.pairs[place]
        (await ask(self.http, pair.asker, pair.specialty, label)).expect(201)

    async def accept(self, place: int, case_id: str) -> None:
        """Accept as its doctor on call."""
        (await accept(self.http, self.pairs[place].answerer, case_id)).expect(200)


class Floor:
    """The floor, asked for the same."""

    def __init__(self, server: Server, pairs: list[Pair]) -> None:
        self.server, self.pairs = server, pairs
        self.http = Http(server.port)
        self.cases = Cases()

    async def connect(self, others: list[Person]) -> list[Socket]:
        """Open everybody's socket."""

        def on_text(text: bytes, arrived: float) -> None:
            self.cases.heard(from_json(text), arrived)

        return [await open_socket(self.server.port, f"/stream/{person.id}", on_text) for person in others]

    async def ask(self, place: int, label: str) -> None:
        """Write the rows of a request."""
        pair = self.pairs[place]
        body = request_body(pair.specialty, label)
        (await self.http.request("POST", f"/request/{place}", headers=pair.asker.command(), body=body)).expect(201)

    async def accept(self, place: int, case_id: str) -> None:
        """Write the rows of an acceptance."""
        path = f"/acceptance/{place}/{case_id}"
        (await self.http.request("POST", path, headers=self.pairs[place].answerer.command(), body=b"{}")).expect(200)


async def idle(port: int, person: Person) -> Socket:
    """Open the stream of somebody who is only there; frames are counted by nobody."""
    socket = await listen(port, person, lambda _envelope, _arrived: None)
    socket.on_text = lambda _text, _arrived: None
    return socket


async def run(seconds: float) -> list[Figure]:
    """Measure, three interleaved rounds, and return medians of rounds."""
    async with ground() as under, AsyncExitStack() as stack:
        product, floor = await prepare(under, stack)
        rounds: dict[str, list[Round]] = {FLOOR: [], PRODUCT: []}
        sides: tuple[tuple[str, Side], ...] = ((FLOOR, floor), (PRODUCT, product))
        for _, side in sides:
            await measure(under, side, 1.0)  # plans, caches and connections: not what is measured
        for _ in range(ROUNDS):
            for name, side in sides:
                rounds[name].append(await measure(under, side, seconds))
        return figures(rounds)


async def prepare(under: Ground, stack: AsyncExitStack) -> tuple[Product, Floor]:
    """Start both on the same data, with the same people listening."""
    await under.make(PRODUCT)
    server = await under.product(PRODUCT)
    accounts = under.accounts(PRODUCT)
    people = await sign_in(under, PRODUCT, [a["username"] for a in accounts])
    pairs = await choose_pairs(Http(server.port), accounts, people, PAIRS)
    sizes = await frame_sizes(server, pairs[0])
    await server.stop()
    await under.make(FLOOR, template=PRODUCT)
    server = await under.product(PRODUCT)
    stack.push_async_callback(server.stop)
    floor_server = await under.floor(FLOOR, cases=[pair.sample for pair in pairs], sizes=sizes)
    stack.push_async_callback(floor_server.stop)
    chosen = {p.id: p for pair in pairs for p in (pair.asker, pair.answerer)}
    others = [person for person in people.values() if person.id not in chosen]
    step = max(1, len(others) // (SOCKETS - len(chosen)))
    listeners = [*chosen.values(), *others[::step]][:SOCKETS]
    product, floor = Product(server, pairs), Floor(floor_server, pairs)
    for socket in [*await product.connect(listeners), *await floor.connect(listeners)]:
        stack.callback(socket.close)
    await asyncio.sleep(1.0)
    return product, floor


async def frame_sizes(server: Server, pair: Pair) -> tuple[int, int]:
    """Learn how long the product's own frames are, so that the floor's are as long."""
    sizes: dict[str, int] = {}
    done = asyncio.Event()

    def on_text(text: bytes, _arrived: float) -> None:
        said = from_json(text)
        for envelope in said if isinstance(said, list) else [said]:
            kind, stream = envelope.get("t"), str(envelope.get("s"))
            if (kind == "offer.made" and stream.startswith("user:")) or (
                kind == "offer.accepted" and stream.startswith("consultation:")
            ):
                sizes[kind] = len(text)
            if len(sizes) == 2:
                done.set()

    http = Http(server.port)
    sockets = [await listen(server.port, person, lambda _e, _a: None) for person in (pair.asker, pair.answerer)]
    for socket in sockets:
        socket.on_text = on_text
    await asyncio.sleep(0.3)
    case = (await ask(http, pair.asker, pair.specialty, "size")).expect(201).json()
    (await accept(http, pair.answerer, case["id"])).expect(200)
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    for socket in sockets:
        socket.close()
    return sizes["offer.made"], sizes["offer.accepted"]


_labels = count(1)


async def one(side: Side, place: int) -> Lifecycle:
    """Ask, hear the offer, accept, hear the acceptance."""
    life, label = Lifecycle(), f"B-{next(_labels)}"
    loop = asyncio.get_running_loop()
    offer: asyncio.Future[tuple[str, float]] = loop.create_future()
    side.cases.offers[label] = offer
    life.asked = perf_counter()
    await _both(asyncio.ensure_future(side.ask(place, label)), offer)
    case_id, life.offered = offer.result()
    telling: asyncio.Future[float] = loop.create_future()
    side.cases.tellings[case_id] = telling
    life.accepted = perf_counter()
    await _both(asyncio.ensure_future(side.accept(place, case_id)), telling)
    life.told = telling.result()
    return life


async def _both(answer: asyncio.Future[None], frame: asyncio.Future[Any]) -> None:
    """Wait for the answer to a command and for the frame that it causes; an error ends the bench at once."""
    done, waiting = await asyncio.wait({answer, frame}, timeout=PATIENCE_S, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()
    if waiting:
        raise TimeoutError("no frame" if frame in waiting else "no answer")


async def measure(under: Ground, side: Side, seconds: float) -> Round:
    """One round: latencies at a steady rate, then as many lifecycles as go through."""
    result = Round()
    lives = await steadily(side, seconds)
    result.offers_ms = [(life.offered - life.asked) * 1000 for life in lives]
    result.told_ms = [(life.told - life.accepted) * 1000 for life in lives]
    python, postgres, began = side.server.cpu_s(), under.cpu_s(), perf_counter()
    done = await flat_out(side, seconds)
    took = perf_counter() - began
    result.per_second = done / took
    result.python_ms = (side.server.cpu_s() - python) / done * 1000
    result.postgres_ms = (under.cpu_s() - postgres) / done * 1000
    return result


async def steadily(side: Side, seconds: float) -> list[Lifecycle]:
    """Ask 20 times a second, whether or not the last one has been answered."""
    began, tasks = perf_counter(), []
    for turn in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, began + turn / RATE - perf_counter()))
        tasks.append(asyncio.create_task(one(side, turn % PAIRS)))
    return await asyncio.gather(*tasks)


async def flat_out(side: Side, seconds: float) -> int:
    """Keep sixteen cases under way, each pair by turns."""
    until, turns, done = perf_counter() + seconds, count(), 0

    async def keep_going() -> None:
        nonlocal done
        while perf_counter() < until:
            await one(side, next(turns) % PAIRS)
            done += 1

    await asyncio.gather(*(keep_going() for _ in range(AT_A_TIME)))
    return done


def figures(rounds: dict[str, list[Round]]) -> list[Figure]:
    """Compare the medians of the rounds."""
    floor, product = rounds[FLOOR], rounds[PRODUCT]

    def median(side: list[Round], of: Callable[[Round], float]) -> float:
        return p50(of(r) for r in side)

    def figure(name: str, unit: str, of: Callable[[Round], float], **target: Any) -> Figure:
        return Figure(name, median(product, of), unit, median(floor, of), **target)

    return [
        figure("request to offer p50", "ms", lambda r: p50(r.offers_ms), target=2.4),
        figure("request to offer p99", "ms", lambda r: p99(r.offers_ms)),
        figure("acceptance to requester told p50", "ms", lambda r: p50(r.told_ms), target=2.6),
        figure("acceptance to requester told p99", "ms", lambda r: p99(r.told_ms)),
        figure("lifecycles per second, one process", "/s", lambda r: r.per_second, target=0.30, at_least=True),
        figure("CPU of a lifecycle, Python and PostgreSQL", "ms", lambda r: r.python_ms + r.postgres_ms, target=3.1),
        figure("CPU of a lifecycle, Python", "ms", lambda r: r.python_ms),
        figure("CPU of a lifecycle, PostgreSQL", "ms", lambda r: r.postgres_ms),
    ]
