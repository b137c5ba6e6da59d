"""The outbox, where the demonstration keeps messages."""

from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from tests.hotline import Json, Person
from tests.staff import Staff


@dataclass
class Outbox:
    """What would have gone outside."""

    house: Staff

    async def send(self, **delta: float) -> None:
        """Let time pass without the timers, and send what is due then."""
        self.house.hotline.clock.advance(**delta)
        await self.house.hotline.app.state.dispatcher.run_due()

    async def items(self, person: Person | None = None, **wanted: Any) -> list[Json]:
        """Notices, oldest first."""
        params = {"user": self.house.id_of(person)} if person else {}
        answer = await self.house.hotline.http.get("/dev/outbox", params=params)
        assert answer.status_code == 200, answer.text
        items: list[Json] = answer.json()["items"][::-1]
        return [i for i in items if all(i[k] == v for k, v in wanted.items())]

    async def sent(self, person: Person | None = None) -> list[str]:
        """The kinds of channel on which something has gone out."""
        return [i["channel"] for i in await self.items(person) if i["would_send"] is not None]

    async def press(self, item: Json, key: str) -> Json:
        answer = await self.house.hotline.http.post(f"/dev/outbox/{item['id']}/keypress", json={"key": key})
        assert answer.status_code == 200, answer.text
        said: Json = answer.json()
        return said


@pytest_asyncio.fixture
async def outbox(house: Staff) -> Outbox:
    return Outbox(house)


async def put_channels(person: Person, *channels: Json) -> Json:
    answer = await person.hotline.http.put(
        "/api/v1/me/channels", headers=person.headers, json={"channels": list(channels)}
    )
    assert answer.status_code == 200, answer.text
    read: Json = answer.json()
    return read


PUSH_KEY = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
PUSH = {
    "kind": "push",
    "address": "https://fcm.googleapis.com/fcm/send/dK3x",
    "keys": {"p256dh": PUSH_KEY, "auth": "tBHItJI5svbpez7KI4CCXg"},
}
VOICE = {"kind": "voice", "address": "0912 345 678"}
SMS = {"kind": "sms", "address": "0912 345 678"}
EMAIL = {"kind": "email", "address": "bs@bv.example.vn"}
