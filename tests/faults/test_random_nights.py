"""Nights of any kind: whatever people do and leave undone, no case that nobody holds is ever forgotten."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from tests.hotline import Hotline, Json
from tests.staff import Staff, everybody

pytestmark = pytest.mark.slow

HAPPENINGS = 40
MOST_CASES = 5
URGENCIES = ["red", "orange", "orange", "yellow", "green"]


class Night:
    """One night: a few cases, and a die that decides what happens next."""

    def __init__(self, house: Staff, chance: random.Random) -> None:
        self.house = house
        self.chance = chance
        self.requester = house["sonla-capcuu-1"]
        self.cases: list[Json] = []
        self.told: list[str] = []

    async def ask(self) -> None:
        if len(self.cases) < MOST_CASES:
            urgency = self.chance.choice(URGENCIES)
            self.cases.append(await self.house.hotline.ask("K04", by=self.requester, urgency=urgency))
            self.told.append(f"asked {urgency}")

    async def time_passes(self) -> None:
        seconds = self.chance.choice([5, 29, 31, 61, 130, 400, 1900])
        self.told.append(f"{seconds} s pass")
        await self.house.hotline.fast_forward(seconds=seconds)

    async def the_house_sleeps(self) -> None:
        """The process was away: time passed and nobody was rung meanwhile."""
        self.told.append("the house was away")
        self.house.hotline.clock.advance(seconds=self.chance.choice([40, 700, 4000]))
        await self.house.hotline.fast_forward(seconds=0)

    async def somebody(self, command: str, body: Json | None = None) -> None:
        """Somebody who is rung answers; an answer that is refused is no harm."""
        rung = [(case, who) for case in self.cases for who in self.house.rung(await self.read(case))]
        if rung:
            case, who = self.chance.choice(rung)
            answer = await who.post(f"/consultations/{case['id']}/{command}", body)
            self.told.append(f"{who.name} {command} {answer.status_code}")
            assert answer.status_code < 500, answer.text

    async def the_holder_says(self, body: Json) -> None:
        held = [(case, seen["holder"]) for case in self.cases if (seen := await self.read(case))["holder"]]
        if held:
            case, holder = self.chance.choice(held)
            answer = await self.house.by_id[holder].post(f"/consultations/{case['id']}/messages", body)
            self.told.append(f"holder says {answer.status_code}")
            assert answer.status_code < 500, answer.text

    async def asker(self, command: str, body: Json) -> None:
        if self.cases:
            case = self.chance.choice(self.cases)
            answer = await self.requester.post(f"/consultations/{case['id']}/{command}", body)
            self.told.append(f"asker {command} {answer.status_code}")
            assert answer.status_code < 500, answer.text

    async def read(self, case: Json) -> Json:
        seen: Json = (await self.requester.get(f"/consultations/{case['id']}")).json()
        return seen

    async def nothing_is_forgotten(self) -> None:
        assert await self.house.hotline.app.state.timers.check() == 0, self.told
        silent = await self.house.execute(
            "SELECT number FROM consultation WHERE next_due_at IS NULL AND status = 'active' "
            "AND (heard_at IS NULL OR answered_at IS NULL)"
        )
        assert not silent, self.told
        for case in self.cases:
            seen = await self.read(case)
            if seen["status"] != "ringing":
                continue
            ringing = [c for c in seen["callouts"] if c["state"] == "ringing"]
            assert ringing, (self.told, seen["number"])
            assert seen["holder"] is None or ringing, self.told
            for callout in ringing:
                due = datetime.fromisoformat(callout["next_due_at"])
                assert due > self.house.hotline.clock.now(), (self.told, seen["number"])
                assert [o for o in callout["offers"] if o["state"] == "made"], (self.told, seen["number"])


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_every_unheld_case_has_a_due_time_and_somebody_who_is_rung(
    hotline: Hotline, seed: int
) -> None:
    night = Night(await everybody(hotline), random.Random(seed))
    await night.ask()
    may_happen: list[tuple[int, Callable[[], Awaitable[None]]]] = [
        (3, night.ask),
        (6, night.time_passes),
        (1, night.the_house_sleeps),
        (3, lambda: night.somebody("refusal", {"reason": "procedure"})),
        (2, lambda: night.somebody("refusal", {"reason": "wrong_specialty"})),
        (1, lambda: night.somebody("acceptance")),
        (1, lambda: night.the_holder_says({"text": "ok"})),
        (1, lambda: night.the_holder_says({"text": "Chuyển ngay.", "opinion": True})),
        (1, lambda: night.somebody("attendance", {"coming": False})),
        (1, lambda: night.asker("urgency", {"urgency": "red", "reason": "Nặng hơn"})),
        (1, lambda: night.asker("urgency", {"urgency": "orange", "reason": "Nặng hơn"})),
    ]
    weights = [weight for weight, _ in may_happen]
    for _ in range(HAPPENINGS):
        [(_, happens)] = night.chance.choices(may_happen, weights)
        await happens()
        await hotline.fast_forward(seconds=0)
        await night.nothing_is_forgotten()

    # In the end a person stands behind every case that nobody holds: a coordinator, rung again and again.
    await hotline.fast_forward(hours=2)
    for case in night.cases:
        seen = await night.read(case)
        if seen["status"] == "ringing" and seen["urgency"] != "green":
            rung = [o["role"] for c in seen["callouts"] if c["state"] == "ringing" for o in c["offers"]]
            assert "coordinator" in rung, (night.told, seen["number"])
            assert any(c["round"] > 0 for c in seen["callouts"] if c["state"] == "ringing"), night.told
