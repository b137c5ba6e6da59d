"""Nights of any kind: whatever people do and leave undone, no case that nobody holds is ever forgotten.

Ladders, rotas, answers, publications, lost devices, jumps of the clock and deaths of the process come from a die whose
seed is the test's name. HOICHAN_TEST_SEEDS="7 8 9" throws others.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.database import make_engine, make_sessions
from app.services.facts.verify import verify
from tests.conftest import a_copy
from tests.faults.server import Server, lost_on_the_way, new_key, night_around
from tests.hotline import Hotline, Json, Person
from tests.staff import Staff, everybody

pytestmark = pytest.mark.slow

NIGHTS = [int(seed) for seed in os.environ.get("HOICHAN_TEST_SEEDS", "0 1 2").split()]
HAPPENINGS = 24
MOST_CASES = 4
URGENCIES = ["red", "orange", "orange", "yellow", "green"]
ROLES = ["primary", "backup", "head_of_shift", "red_team"]
REASONS = ["procedure", "wrong_specialty", "busy", "not_on_duty"]
PLACES = ["received", "written", "committed", "queued", "heard"]
ADMIN, REQUESTER, PARTNER = "tn-quantri", "sonla-capcuu-1", "tn-capcuu-1"
LATE = timedelta(seconds=5)
PATIENCE_S = 30.0


class World(Protocol):
    """Where a night takes place: how time passes there, and what may break."""

    staff: Staff

    def now(self) -> datetime: ...

    async def passes(self, seconds: float) -> None:
        """Time passes; whoever must be rung meanwhile is rung."""

    async def is_away(self, seconds: float) -> None:
        """The process is away for so long: nobody is rung meanwhile."""

    async def tells(self, who: Person, path: str, body: Json | None, *, dies: tuple[str, str] | None) -> int:
        """Send a command, repeat it should it be lost, and return the status."""


class OwnProcess:
    """The house in this process, whose clock the test moves."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff

    def now(self) -> datetime:
        return self.staff.hotline.clock.now()

    async def passes(self, seconds: float) -> None:
        await self.staff.hotline.fast_forward(seconds=seconds)
        assert await self.staff.hotline.app.state.timers.check() == 0

    async def is_away(self, seconds: float) -> None:
        self.staff.hotline.clock.advance(seconds=seconds)
        await self.passes(0)

    async def tells(self, who: Person, path: str, body: Json | None, *, dies: tuple[str, str] | None) -> int:
        del dies  # here nothing can be killed
        status = (await who.post(path, body)).status_code
        await self.passes(0)
        return status


class AnotherProcess:
    """The house in a process of its own, which is killed and started again on the same database."""

    def __init__(self, server: Server, staff: Staff) -> None:
        self.server, self.staff = server, staff

    def now(self) -> datetime:
        ahead = self.server.folder / "ahead"
        return datetime.now(UTC) + timedelta(seconds=float(ahead.read_text()) if ahead.exists() else 0.0)

    async def passes(self, seconds: float) -> None:
        """The clock jumps: what was due in between is overdue all at once."""
        self.server.time_passes(seconds)
        await self.settled()

    async def is_away(self, seconds: float) -> None:
        await self.server.kill()
        self.server.time_passes(seconds)
        await self.server.restart()
        await self.settled()

    async def tells(self, who: Person, path: str, body: Json | None, *, dies: tuple[str, str] | None) -> int:
        key = new_key()
        if dies:
            self.server.die_at(*dies)
        answer = await lost_on_the_way(who, path, body or {}, key)
        if answer is None:
            await self.server.ended()
            await self.server.restart()
            answer = await who.post(path, body, key=key)
        self.server.disarm()
        await self.settled()
        return answer.status_code

    async def settled(self) -> None:
        """Wait until the loops have done what is due."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.staff.execute(_DUE, now=self.now()))[0].n:
                assert self.server.process is not None
                assert self.server.process.poll() is None, self.server.log[-2000:]
                await asyncio.sleep(0.02)


class Night:
    """One night: a few cases, and a die that decides what happens next."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.house, self.chance = world, world.staff, random.Random(seed)
        self.requester = self.house[REQUESTER]
        self.doctors = [self.house[f"tn-timmach-{n}"] for n in range(1, 7)]
        self.desk = self.doctors[0].account["desk"]
        self.cases: list[Json] = []
        self.told: list[str] = [f"seed {seed}"]
        self.accepted: set[tuple[str, str]] = set()
        self.offers: dict[str, str] = {}

    # --- before it begins -----------------------------------------------------------------------------------------

    async def begins(self) -> None:
        """Ladders and a rota that somebody might have made."""
        for doctor in self.doctors:
            room = {"n": self.chance.choice([None, None, 1, 2]), "id": self.house.id_of(doctor)}
            await self.house.execute("UPDATE user_account SET capacity = :n WHERE id = CAST(:id AS uuid)", **room)
        for urgency in ("red", "orange", "yellow", "green"):
            steps = [self._step(urgency) for _ in range(self.chance.randint(0, 3))]
            body = {"steps": [*steps, {"who": ["coordinator"], "timeout_s": 120}], "silent_s": 600}
            answer = await self.house[ADMIN].put(f"/desks/{self.desk}/policies/{urgency}", body)
            assert answer.status_code == 200, answer.text
        await self.publishes("temporary")
        await self.ask()

    def _step(self, urgency: str) -> Json:
        named = [
            f"user:{self.house.id_of(self.chance.choice(self.doctors))}",
            f"desk:{self.house[PARTNER].account['desk']}",
        ]
        step = {
            "who": self.chance.sample([*ROLES, "leadership", *named], self.chance.randint(1, 3)),
            "mode": self.chance.choice(["all", "one_by_one", "least_offered"]),
            "timeout_s": self.chance.choice([20, 60, 300]),
            "clock": self.chance.choice(["wall", "wall", "wall", "working_hours"]),
            "skip_empty": self.chance.random() < 0.7,
            "keep": self.chance.random() < 0.7,
        }
        return step | ({"clock": "wall"} if urgency in ("red", "orange") else {})

    # --- what may happen ------------------------------------------------------------------------------------------

    async def ask(self) -> None:
        if len(self.cases) < MOST_CASES:
            urgency = self.chance.choice(URGENCIES)
            self.cases.append(await self.house.hotline.ask("K04", by=self.requester, urgency=urgency))
            self.told.append(f"asked {urgency}")

    async def time_passes(self) -> None:
        seconds = self.chance.choice([5, 29, 31, 61, 130, 400, 1900])
        self.told.append(f"{seconds} s pass")
        await self.world.passes(seconds)

    async def the_house_sleeps(self) -> None:
        """The process was away: time passed and nobody was rung meanwhile."""
        seconds = self.chance.choice([0, 40, 700, 4000])
        self.told.append(f"the house was away for {seconds} s")
        await self.world.is_away(seconds)

    async def publishes(self, kind: str | None = None) -> None:
        """Duty changes, from now or in a while: whoever rings may go, and others come."""
        kind = kind or self.chance.choice(["add", "remove", "replace", "temporary"])
        start = self.world.now() + timedelta(seconds=self.chance.choice([-1, -1, 45, 200]))
        end = start + timedelta(minutes=self.chance.choice([3, 30, 600]))
        stretch = {"from": start.isoformat(), "to": end.isoformat()}
        first, second = (self.house.id_of(d) for d in self.chance.sample(self.doctors, 2))
        if kind == "temporary":
            roles = self.chance.sample(ROLES, 2)
            shifts = [{"role": role, "doctor": first} | stretch for role in roles if self.chance.random() < 0.7]
            change = {"kind": "temporary", "body": {"roles": roles, "shifts": shifts, "reason": "Tết"} | stretch}
        else:
            by = {"by": second} if kind == "replace" else {}
            what = {"kind": kind, "role": self.chance.choice(ROLES), "doctor": first, "reason": "Ốm"}
            change = {"kind": "override", "body": what | by | stretch}
        head = self.house[ADMIN]
        version = (await head.get(f"/desks/{self.desk}/rota")).json()["version"]
        body = {"version": version, "changes": [{"op": "put"} | change]}
        status = await self.world.tells(head, f"/desks/{self.desk}/rota", body, dies=self._dies("rota.published"))
        self._note(f"published {kind}", status)

    async def a_device(self) -> None:
        """Somebody's device gets what rings, perhaps shows it, and drops off the network."""
        found = await self._somebody_rung()
        if found is None:
            return
        case, who = found
        how = self.chance.choice(["delivered", "seen"])
        self.told.append(f"{who.account['username']} {how}")
        await who.connect()
        stream = f"user:{self.house.id_of(who)}"
        card = await who.hears(lambda m: m["k"] == "snapshot" and m["s"] == stream)
        for offer in card["d"]["offers"]:
            if offer["consultation_id"] == case["id"]:
                receipt = {"k": "ack", "s": stream, "n": card["n"], "as": how, "offer_id": offer["offer_id"]}
                await who.send(receipt)
        await who.settled()
        await who.disconnect()
        who.heard.clear()
        await self.world.passes(0)

    async def somebody(self, command: str, body: Json | None = None) -> None:
        """Somebody who is rung answers; an answer that is refused is no harm."""
        found = await self._somebody_rung()
        if found is None:
            return
        case, who = found
        fact = {"refusal": "offer.declined", "acceptance": "offer.accepted"}.get(command, "attendance.answered")
        path = f"/consultations/{case['id']}/{command}"
        status = await self.world.tells(who, path, body, dies=self._dies(fact))
        self._note(f"{who.account['username']} {command}", status)
        if command == "acceptance" and status == 200:
            self.accepted.add((case["id"], self.house.id_of(who)))

    async def somebody_declines(self) -> None:
        await self.somebody("refusal", {"reason": self.chance.choice(REASONS)})

    async def the_holder_says(self, body: Json) -> None:
        held = [(case, seen["holder"]) for case in self.cases if (seen := await self._read(case))["holder"]]
        if held:
            case, holder = self.chance.choice(held)
            path = f"/consultations/{case['id']}/messages"
            dies = self._dies("message.posted")
            self._note("holder says", await self.world.tells(self.house.by_id[holder], path, body, dies=dies))

    async def worse(self, urgency: str) -> None:
        case = self.chance.choice(self.cases)
        body = {"urgency": urgency, "reason": "Nặng hơn"}
        dies = self._dies("consultation.urgency_raised")
        status = await self.world.tells(self.requester, f"/consultations/{case['id']}/urgency", body, dies=dies)
        self._note(f"asker raises to {urgency}", status)

    def _dies(self, fact: str) -> tuple[str, str] | None:
        """Whether the process dies of this command, and where."""
        return (fact, self.chance.choice(PLACES)) if self.chance.random() < 0.15 else None

    def _note(self, what: str, status: int) -> None:
        self.told.append(f"{what} {status}")
        assert status < 500, self.told

    async def _read(self, case: Json) -> Json:
        seen: Json = (await self.requester.get(f"/consultations/{case['id']}")).json()
        return seen

    async def _somebody_rung(self) -> tuple[Json, Person] | None:
        rung = [(case, who) for case in self.cases for who in self.house.rung(await self._read(case))]
        rung.sort(key=lambda found: (found[0]["number"], found[1].account["username"]))
        return self.chance.choice(rung) if rung else None

    # --- what must always be so -----------------------------------------------------------------------------------

    async def nothing_is_forgotten(self) -> None:
        async with self.house.sql() as session:
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            cases, callouts, offers, facts = [
                list(await session.execute(text(s))) for s in (_CASES, _CALLOUTS, _OFFERS, _FACTS)
            ]
        now = self.world.now() - LATE
        rings = {o.callout for o in offers if o.state == "made" and o.attendance is None and o.expired_at is None}
        ringing = {c.consultation for c in callouts if c.state == "ringing"}
        for case in cases:
            if case.status == "ringing":
                assert case.holder is None, self.told
                assert case.id in ringing, (self.told, "a case that nobody holds rings nobody")
            elif case.status == "active" and (case.heard_at is None or case.answered_at is None):
                assert case.next_due_at is not None, (self.told, "a silent case is not looked at again")
        for callout in callouts:
            assert (callout.state == "ringing") is (callout.next_due_at is not None), self.told
            if callout.state == "ringing":
                assert callout.id in rings, (self.told, "it rings, and nobody hears it")
                assert callout.next_due_at > now, (self.told, "a due time passed")
        self._of_offers(callouts, offers, facts)

    def _of_offers(self, callouts: list[Any], offers: list[Any], facts: list[Any]) -> None:
        """No offer is lost or doubled, what has ended stays so, and each callout has one acceptance at most."""
        states = {o.id: o.state for o in offers}
        for offer, state in self.offers.items():
            assert states[offer] == state or state == "made", (self.told, "an answer was taken back")
        self.offers = states
        assert Counter(f.offer for f in facts if f.type == "offer.made") == Counter(list(states)), (
            self.told,
            "lost, doubled",
        )
        open_to = Counter((o.callout, o.doctor) for o in offers if o.state == "made")
        assert set(open_to.values()) <= {1}, (self.told, "rung twice")
        won = Counter(o.callout for o in offers if o.state == "accepted")
        assert won == Counter(c.id for c in callouts if c.state == "accepted"), (self.told, "one acceptance each")
        taken = {(f.consultation, f.doctor) for f in facts if f.type == "offer.accepted"}
        assert self.accepted <= taken, (self.told, "an acceptance that was acknowledged is lost")


async def passes(night: Night, happenings: int) -> None:
    """Let things happen, and look after each."""
    await night.begins()
    may_happen: list[tuple[int, Callable[[], Awaitable[None]]]] = [
        (3, night.ask),
        (6, night.time_passes),
        (2, night.the_house_sleeps),
        (3, night.publishes),
        (2, night.a_device),
        (4, night.somebody_declines),
        (1, lambda: night.somebody("acceptance")),
        (1, lambda: night.the_holder_says({"text": "ok"})),
        (1, lambda: night.the_holder_says({"text": "Chuyển ngay.", "opinion": True})),
        (1, lambda: night.somebody("attendance", {"coming": night.chance.random() < 0.5})),
        (1, lambda: night.worse("red")),
        (1, lambda: night.worse("orange")),
    ]
    weights = [weight for weight, _ in may_happen]
    for _ in range(happenings):
        [(_, happens)] = night.chance.choices(may_happen, weights)
        await happens()
        await night.nothing_is_forgotten()


@pytest.mark.parametrize("seed", NIGHTS)
async def test_whatever_happens_every_unheld_case_has_a_due_time_and_somebody_who_is_rung(
    hotline: Hotline, seed: int
) -> None:
    night = Night(OwnProcess(await everybody(hotline)), seed)
    await passes(night, HAPPENINGS)
    # In the end a person stands behind every case that nobody holds: a coordinator, rung again and again.
    await night.world.passes(3600)
    await night.nothing_is_forgotten()
    slow = {row.consultation for row in await night.house.execute(_WAITS_FOR_THE_MORNING)}
    for case in night.cases:
        seen = await night._read(case)
        if seen["status"] == "ringing" and case["id"] not in slow:
            rung = [o["role"] for c in seen["callouts"] if c["state"] == "ringing" for o in c["offers"]]
            assert "coordinator" in rung, (night.told, seen["number"])
            assert any(c["round"] > 0 for c in seen["callouts"] if c["state"] == "ringing"), night.told


@pytest.mark.parametrize("seed", NIGHTS[:1])
async def test_whatever_happens_and_wherever_the_process_is_killed_nothing_is_lost_or_doubled(
    another: AnotherProcess, seed: int
) -> None:
    night = Night(another, seed)
    await passes(night, HAPPENINGS * 2 // 3)
    await another.is_away(120)
    await night.nothing_is_forgotten()
    async with another.staff.sql() as session:
        report = await verify(session)
    assert not report.findings, night.told


@pytest_asyncio.fixture
async def another(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path: Path
) -> AsyncIterator[AnotherProcess]:
    """A server process on a database of its own, with everybody signed in."""
    name, accounts = demo_template
    async with a_copy(server_url, name) as url:
        server = Server(tmp_path, database_url=url)
        engine = make_engine(url, pool_size=2)
        try:
            await server.start()
            people = night_around(server)
            people.accounts = accounts
            house = SimpleNamespace(database=make_sessions(engine))
            people.app = SimpleNamespace(state=SimpleNamespace(house=house))
            people.clock = SimpleNamespace(now=lambda: datetime.now(UTC))
            async with people.http:
                yield AnotherProcess(server, await everybody(people))
                for person in people.people.values():
                    with suppress(Exception):
                        await person.disconnect()
        finally:
            await server.clear_away()
            await engine.dispose()


_CASES = """
SELECT CAST(id AS text) AS id, status, holder_id AS holder, next_due_at, heard_at, answered_at FROM consultation
"""
_CALLOUTS = """
SELECT CAST(id AS text) AS id, CAST(consultation_id AS text) AS consultation, state, next_due_at FROM callout
"""
_OFFERS = """
SELECT CAST(id AS text) AS id, CAST(callout_id AS text) AS callout, CAST(doctor_id AS text) AS doctor, state,
       attendance, expired_at
FROM offer
"""
_FACTS = """
SELECT type, CAST(consultation_id AS text) AS consultation, data->>'offer_id' AS offer, data->>'doctor' AS doctor
FROM event WHERE type IN ('offer.made', 'offer.accepted') AND data->>'again' IS NULL
"""
_DUE = """
SELECT (SELECT count(*) FROM callout WHERE next_due_at <= CAST(:now AS timestamptz))
     + (SELECT count(*) FROM consultation WHERE next_due_at <= CAST(:now AS timestamptz))
     + (SELECT count(*) FROM reminder WHERE next_due_at <= CAST(:now AS timestamptz)) AS n
"""
_WAITS_FOR_THE_MORNING = """
SELECT DISTINCT CAST(k.consultation_id AS text) AS consultation
FROM callout k, jsonb_array_elements(k.policy->'steps') AS s
WHERE k.state = 'ringing' AND s->>'clock' = 'working_hours'
"""
