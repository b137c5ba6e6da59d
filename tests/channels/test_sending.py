"""From the plan to the network: once, with one key, by whichever process, and no longer than it is of use."""

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from app.channels.capture import Capture
from app.channels.gateway import Gateway, Route, Signer
from app.channels.port import Adapter, Outside, Receipt, Undelivered
from app.channels.smtp import Smtp
from app.channels.web_push import WebPush, new_private_key
from app.realtime.dispatcher import Dispatcher
from app.services.outside import sending
from app.services.outside.sending import Outgoing
from tests.channels.conftest import EMAIL, PUSH, SMS, VOICE, Outbox, put_channels
from tests.channels.fakes import Mailbox, Provider, mail_server, provider
from tests.channels.test_adapters import Browser
from tests.hotline import Json, Person
from tests.staff import Staff


class World:
    """The real adapters, with a gateway, a push service and a mail server on this machine at the other end."""

    def __init__(self, house: Staff, there: Provider, box: Mailbox, client: httpx.AsyncClient) -> None:
        self.house, self.there, self.box = house, there, box
        clock = house.hotline.clock
        signer = Signer("s3cret", clock)
        template = '{"to": "{to}", "text": "{text}", "key": "{key}", "callback": "{callback}", "menu": {keys}}'
        url = "https://hoichan.example"
        adapters: dict[str, Adapter] = {
            "push": WebPush(new_private_key(), "mailto:it@bv.example", client, clock),
            "sms": Gateway(Route(f"{there.url}/sms", template), signer, client, path="/gateway/sms", public_url=url),
            "voice": Gateway(
                Route(f"{there.url}/voice", template),
                signer,
                client,
                path="/gateway/voice",
                public_url=url,
                cancel_url=f"{there.url}/cancel",
            ),
            "email": Smtp(f"smtp://127.0.0.1:{box.port}", "hoichan@bv.example", clock),
        }
        self.running = house.hotline.app.state.house
        self.running.outside = Outside(adapters, None, "key")
        self.running.settings.public_url = url
        self.running.settings.gateway_secret = "s3cret"

    async def pass_time(self, **delta: float) -> None:
        self.house.hotline.clock.advance(**delta)
        await self.house.hotline.app.state.dispatcher.run_due()

    def got(self, path: str) -> list[Any]:
        return [r for r in self.there.received if r.path.startswith(path)]

    async def subscribe(self, doctor: Person, *channels: Json) -> Browser:
        """Give a doctor these channels, and a push to a browser on this machine."""
        browser = Browser()
        await put_channels(doctor, PUSH | {"keys": browser.keys}, *channels)
        await self.house.execute(
            "UPDATE channel SET address = :a WHERE kind = 'push' AND user_id = CAST(:u AS uuid)",
            a=f"{self.there.url}/push/{uuid4()}",
            u=self.house.id_of(doctor),
        )
        return browser


@pytest_asyncio.fixture
async def world(house: Staff) -> AsyncIterator[World]:
    with provider() as there:
        async with mail_server() as box, httpx.AsyncClient() as client:
            await house.execute("UPDATE user_account SET demo = false")  # what the demonstration never sends
            yield World(house, there, box, client)


async def first_doctor(house: Staff, **channels: Any) -> Person:
    probe = await house.hotline.ask("K04")
    [doctor] = house.rung(probe)
    asker = await house.hotline.requester("K04")
    await asker.do(probe, "cancellation", {"reason": "Bấm nhầm"})
    await house.execute("UPDATE offer SET noticed_at = made_at")
    return doctor


PATIENT = {
    "label": "Quàng Văn Lường",
    "sex": "male",
    "age_years": 58,
    "identifiers": [{"system": "cccd", "value": "011168004321"}],
}
WORDS = {
    "question": "Nhồi máu cơ tim trên người nghiện rượu, mổ hay can thiệp?",
    "situation": "Đau ngực sau gặt lúa từ nửa đêm",
    "background": "Viêm gan siêu vi B",
    "diagnosis": {"code": "I21", "text": "Nhồi máu thành dưới"},
}
SECRETS = ("Quàng", "Lường", "011168004321", "Nhồi máu", "rượu", "gặt lúa", "Viêm gan", "I21", "58")


async def test_no_channel_carries_anything_about_the_patient(house: Staff, world: World):
    doctor = await first_doctor(house)
    browser = await world.subscribe(doctor, VOICE, SMS, EMAIL)
    case = await house.hotline.ask("K04", patient=PATIENT, **WORDS)
    await world.pass_time()
    await world.pass_time(seconds=6)
    await doctor.do(case, "acceptance")
    await world.pass_time(seconds=1)
    pushes = [browser.read(r.body) for r in world.got("/push")]
    assert len(pushes) == 2
    assert len(world.got("/voice")) == len(world.got("/sms")) == len(world.got("/cancel")) == len(world.box.mails) == 1
    spoken = world.got("/voice")[0].json
    texted = world.got("/sms")[0].json
    mailed = base64_or_plain(world.box.mails[0])
    everything = json.dumps([pushes, spoken, texted], ensure_ascii=False) + mailed
    heads = json.dumps([[r.headers, r.path] for r in world.there.received], ensure_ascii=False)
    stored = await house.execute("SELECT CAST(words AS text) AS words, key, about, error FROM notice")
    kept = " ".join(" ".join(map(str, row)) for row in stored)
    for text in (everything, heads, kept):
        for secret in (*SECRETS[:-1], case["number"], case["id"]):
            assert secret not in text, secret
    assert "58" not in spoken["text"] + mailed.partition("\r\n\r\n")[2].partition("/a/")[0]
    assert "Mức cam" in everything


def base64_or_plain(mail: bytes) -> str:
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    return "\r\n".join(f"{k}: {v}" for k, v in parsed.items()) + "\r\n\r\n" + str(parsed.get_content())


async def test_a_failed_send_is_tried_again_with_the_same_key_and_sent_once_it_works(house: Staff, world: World):
    doctor = await first_doctor(house)
    await put_channels(doctor, SMS)
    world.there.answer = lambda _, n: (503, {}) if n < 3 else (200, {"id": "x"})
    await house.hotline.ask("K04")
    await world.pass_time(seconds=5)
    assert len(world.there.received) == 1
    await world.pass_time(seconds=5)
    assert len(world.there.received) == 2
    await world.pass_time(seconds=14)
    assert len(world.there.received) == 2
    await world.pass_time(seconds=1)
    assert len(world.there.received) == 3
    await world.pass_time(minutes=5)
    assert len(world.there.received) == 3
    assert len({r.headers["idempotency-key"] for r in world.there.received}) == 1
    assert {r.json["key"] for r in world.there.received} == {world.there.received[0].headers["idempotency-key"]}


async def test_a_slow_gateway_full_of_drills_and_reminders_holds_up_no_real_emergency(house: Staff, world: World):
    class Slow:
        def __init__(self) -> None:
            self.open, self.tried = asyncio.Event(), list[str]()

        async def send(self, out: Outgoing) -> Receipt:
            self.tried.append(out.address)
            await self.open.wait()
            return Receipt()

    async def wait(address: str, how_many: int, *, urgent: bool, drill: bool) -> None:
        await house.execute(
            "INSERT INTO notice (id, key, kind, about, channel, address, language, words, urgent, drill, state,"
            " attempts, due_at, made_at) SELECT gen_random_uuid(), :a || n, 'test', 'test', 'sms', :a, 'vi', '{}',"
            " :urgent, :drill, 'waiting', 0, :at, :at FROM generate_series(1, CAST(:n AS int)) n",
            a=address,
            n=how_many,
            urgent=urgent,
            drill=drill,
            at=house.hotline.clock.now(),
        )

    slow, dispatcher = Slow(), house.hotline.app.state.dispatcher
    world.running.outside = Outside({"sms": slow}, None, "key")
    await wait("drill", 80, urgent=True, drill=True)
    house.hotline.clock.advance(seconds=1)
    await wait("reminder", 2, urgent=False, drill=False)
    await wait("emergency", 2, urgent=True, drill=False)
    await dispatcher.look()
    await asyncio.sleep(0)  # each begins
    assert slow.tried[:5] == ["emergency", "emergency", "reminder", "reminder", "drill"]
    begun = len(slow.tried)
    await wait("late emergency", 3, urgent=True, drill=False)
    await dispatcher.look()
    await asyncio.sleep(0)
    assert slow.tried[begun:] == ["late emergency"] * 3
    slow.open.set()
    await dispatcher.run_due()
    assert len(slow.tried) == 87


async def test_nothing_is_tried_again_once_the_offer_has_its_answer(house: Staff, world: World):
    doctor = await first_doctor(house)
    await put_channels(doctor, SMS)
    world.there.answer = lambda _, __: (503, {})
    case = await house.hotline.ask("K04")
    await world.pass_time(seconds=5)
    await doctor.do(case, "acceptance")
    await world.pass_time(minutes=5)
    assert len([r for r in world.got("/sms") if r.json["to"] == "+84912345678"]) == 1


async def test_a_device_that_is_gone_is_written_to_no_more_and_leaves_the_list(house: Staff, world: World):
    doctor = await first_doctor(house)
    await world.subscribe(doctor, SMS)
    world.there.answer = lambda r, n: (410, {}) if r.path.startswith("/push") else (200, {"id": str(n)})
    for _ in range(2):
        case = await house.hotline.ask("K04")
        await world.pass_time(seconds=6)
        asker = await house.hotline.requester("K04")
        await asker.do(case, "cancellation", {"reason": "Bấm nhầm"})
    assert len(world.got("/push")) == 1
    assert len(world.got("/sms")) == 2
    left = (await doctor.get("/me/channels")).json()
    assert [c["kind"] for c in left["channels"]] == ["sms"]
    [row] = await house.execute("SELECT gone_at FROM channel WHERE kind = 'push'")
    assert row.gone_at is not None


async def test_a_gateway_that_is_set_up_wrongly_costs_no_doctor_their_number(house: Staff, world: World):
    doctor = await first_doctor(house)
    await put_channels(doctor, SMS)
    world.there.answer = lambda _, n: (404, {}) if n < 3 else (200, {"id": "x"})
    await house.hotline.ask("K04")
    for seconds in (5, 5, 15):
        await world.pass_time(seconds=seconds)
    mine = [r for r in world.got("/sms") if r.json["to"] == "+84912345678"]
    assert len(mine) == 3
    assert (await house.execute("SELECT 1 FROM notice WHERE address = '+84912345678' AND state = 'sent'")) != []
    assert [c["kind"] for c in (await doctor.get("/me/channels")).json()["channels"]] == ["sms"]


async def test_no_adapter_can_say_that_a_number_is_gone(house: Staff, world: World):
    class Hasty:
        async def send(self, out: Outgoing) -> Receipt:
            raise Undelivered(f"{out.kind} gone", again=False, gone=True)

    doctor = await first_doctor(house)
    await put_channels(doctor, VOICE, SMS)
    world.running.outside = Outside(dict.fromkeys(("voice", "sms"), Hasty()), None, "key")
    await house.hotline.ask("K04")
    await world.pass_time(seconds=5)
    assert len(await house.execute("SELECT 1 FROM notice WHERE error = 'offer gone' AND channel_id IS NOT NULL")) >= 2
    assert await house.execute("SELECT 1 FROM channel WHERE gone_at IS NOT NULL") == []


async def test_two_dispatchers_on_one_database_send_each_notice_once(house: Staff, world: World):
    other = Dispatcher(world.running)
    mine = house.hotline.app.state.dispatcher
    for _ in range(4):
        await house.hotline.ask("K04", urgency="red")
    await asyncio.gather(mine.run_due(), other.run_due(), mine.run_due(), other.run_due())
    await asyncio.gather(mine.run_due(), other.run_due())
    keys = [r.headers["idempotency-key"] for r in world.there.received]
    assert len(keys) >= 8
    assert len(keys) == len(set(keys))
    [row] = await house.execute("SELECT count(*) AS n, count(*) FILTER (WHERE state = 'sent') AS sent FROM notice")
    assert row.n == row.sent == len(keys)


async def test_a_process_that_dies_while_it_sends_leaves_the_notice_to_another_with_the_same_key(
    house: Staff, world: World
):
    doctor = await first_doctor(house)
    await put_channels(doctor, SMS)
    await house.hotline.ask("K04")
    house.hotline.clock.advance(seconds=5)
    mine = house.hotline.app.state.dispatcher
    await mine._plan()
    async with world.running.work(None) as work:
        [claimed] = await sending.claim(work)
        await work.session.commit()  # and here it dies
    await world.pass_time(seconds=29)
    assert world.there.received == []
    await world.pass_time(seconds=2)
    assert [r.headers["idempotency-key"] for r in world.there.received] == [claimed.key]


async def test_an_answer_while_a_message_is_on_its_way_ends_it_right_after(house: Staff, world: World):
    doctor = await first_doctor(house)
    browser = await world.subscribe(doctor, VOICE)
    case = await house.hotline.ask("K04")
    dispatcher = house.hotline.app.state.dispatcher
    await dispatcher._plan()
    house.hotline.clock.advance(seconds=6)
    async with world.running.work(None) as work:
        claimed = await sending.claim(work)
        await work.session.commit()
    assert {out.channel for out in claimed} == {"push", "voice"}
    await doctor.do(case, "acceptance")
    await dispatcher.run_due()
    await asyncio.gather(*(dispatcher._send(out) for out in claimed))
    await dispatcher.run_due()
    assert browser.read(world.got("/push")[-1].body)["clear"] is True
    assert len(world.got("/cancel")) == 1


async def test_a_channel_that_this_installation_does_not_have_is_said_to_have_failed_and_holds_nothing_up(
    house: Staff, world: World
):
    doctor = await first_doctor(house)
    await put_channels(doctor, EMAIL)
    adapters = {k: a for k, a in world.running.outside.adapters.items() if k != "email"}
    world.running.outside = Outside(adapters, None, "key")
    await house.hotline.ask("K04")
    await world.pass_time(seconds=6)
    [row] = await house.execute(
        "SELECT state, error FROM notice WHERE user_id = CAST(:u AS uuid)", u=house.id_of(doctor)
    )
    assert (row.state, row.error) == ("failed", "no such channel is set up")


async def test_an_account_of_the_demonstration_is_never_written_to_from_a_real_house(house: Staff, outbox: Outbox):
    with provider() as there:
        async with mail_server() as box, httpx.AsyncClient() as client:
            world = World(house, there, box, client)
            kept = world.running.outside
            world.running.outside = Outside(kept.adapters, Capture(), "key")
            await house.hotline.ask("K04", urgency="red")
            await world.pass_time(seconds=6)
            assert there.received == []
            [row] = await house.execute("SELECT count(*) AS n FROM notice WHERE captured IS NOT NULL")
            assert row.n >= 2


async def test_where_messages_really_go_out_there_is_no_outbox(house: Staff, world: World):
    http = house.hotline.http
    assert (await http.get("/dev/outbox")).status_code == 404
    assert (await http.post(f"/dev/outbox/{uuid4()}/keypress", json={"key": "1"})).status_code == 404


@pytest.mark.parametrize(
    ("demo", "headers", "status"),
    [
        (True, {"X-Forwarded-For": "203.0.113.9"}, 200),
        (False, {}, 200),
        (False, {"X-Forwarded-For": "203.0.113.9"}, 404),
        (False, {"Forwarded": "for=203.0.113.9"}, 404),
        (False, {"Host": "hoichan.example"}, 404),
    ],
    ids=["the demonstration", "on the server", "by a proxy", "by another proxy", "under a name"],
)
async def test_what_a_house_that_is_no_demonstration_captures_is_seen_on_its_own_machine_alone(
    house: Staff, outbox: Outbox, headers: dict[str, str], status: int, *, demo: bool
):
    await house.hotline.ask("K04", urgency="red")
    await outbox.send()
    call = (await outbox.items(channel="voice"))[0]
    house.hotline.app.state.house.demo = demo
    http = house.hotline.http
    assert (await http.get("/dev/outbox", headers=headers)).status_code == status
    pressed = await http.post(f"/dev/outbox/{call['id']}/keypress", json={"key": "3"}, headers=headers)
    assert pressed.status_code == status


async def test_a_message_that_nobody_sends_is_an_alarm_that_reveals_nothing(house: Staff, world: World):
    http, watches = house.hotline.http, house.hotline.app.state.watches
    await watches.run_due()
    fine = await http.get("/overdue")
    assert (fine.status_code, fine.json()) == (200, {"overdue": False})
    await house.hotline.ask("K04", urgency="red")
    await house.hotline.app.state.dispatcher._plan()
    house.hotline.clock.advance(seconds=61)
    await house.hotline.app.state.timers.run_due()
    late = await http.get("/overdue")
    assert (late.status_code, late.json()) == (503, {"overdue": True})
    await watches.run_due()
    await world.pass_time()
    assert (await http.get("/overdue")).status_code == 200


@pytest.mark.parametrize(
    ("channels", "refuses", "without", "alarms"),
    [
        ([SMS], {"/sms": 503}, "", True),
        ([SMS], {"/sms": 400}, "", True),
        ([VOICE, SMS], {"/voice": 503}, "", True),
        ([SMS], {}, "", False),
        ([SMS], {}, "sms", False),
    ],
    ids=["away", "set up wrongly", "one of two", "well", "not set up"],
)
async def test_a_gateway_that_takes_nothing_urgent_is_an_alarm_until_it_does_and_one_that_is_not_set_up_is_none(
    house: Staff, world: World, channels: list[Json], refuses: dict[str, int], without: str, *, alarms: bool
):
    async def overdue() -> int:
        async with world.running.work(None) as work:
            return await sending.overdue(work)

    doctor = await first_doctor(house)
    await put_channels(doctor, *channels)
    world.there.answer = lambda r, n: (refuses.get(r.path, 200), {"id": str(n)})
    adapters = {kind: adapter for kind, adapter in world.running.outside.adapters.items() if kind != without}
    world.running.outside = Outside(adapters, None, "key")
    await house.hotline.ask("K04")
    for seconds in (5, 5, 15):
        await world.pass_time(seconds=seconds)
    assert bool(await overdue()) is alarms
    refuses.clear()
    await house.hotline.ask("K04")
    for seconds in (5, 5, 60):
        await world.pass_time(seconds=seconds)
    assert await overdue() == 0


async def test_one_device_that_is_gone_or_one_number_that_is_wrong_alarms_nobody_while_others_are_reached(
    house: Staff, world: World
):
    doctor = await first_doctor(house)
    await world.subscribe(doctor, SMS)
    refuses = {"/push": 410, "+84900000000": 400}
    world.there.answer = lambda r, n: (
        next((status for what, status in refuses.items() if what in r.path or what.encode() in r.body), 200),
        {"id": str(n)},
    )
    await house.hotline.ask("K04")
    await house.hotline.app.state.dispatcher._plan()
    await house.hotline.ask("K04")
    await house.hotline.app.state.dispatcher._plan()
    await house.execute(
        "UPDATE notice SET address = '+84900000000' WHERE id IN (SELECT id FROM notice WHERE channel = 'sms' LIMIT 1)"
    )
    await world.pass_time(seconds=5)
    states = await house.execute("SELECT channel, state FROM notice WHERE state = 'failed'")
    assert {row.channel for row in states} >= {"push", "sms"}
    async with world.running.work(None) as work:
        assert await sending.overdue(work) == 0


async def test_a_due_time_that_passed_unnoticed_is_overdue(house: Staff, world: World):
    await house.hotline.ask("K04")
    house.hotline.clock.advance(minutes=10)
    await world.pass_time()
    assert (await house.hotline.http.get("/overdue")).status_code == 503
    await house.hotline.app.state.timers.run_due()
    await house.hotline.app.state.watches.run_due()
    await world.pass_time()
    assert (await house.hotline.http.get("/overdue")).status_code == 200


@pytest.mark.parametrize("kind", [None, "sms"])
async def test_a_doctor_tries_their_own_channels_at_the_start_of_a_shift(
    house: Staff, outbox: Outbox, kind: str | None
):
    doctor = await first_doctor(house)
    await put_channels(doctor, VOICE | {"quiet": {"from": "00:00", "to": "23:59"}}, SMS | {"language": "en"})
    answer = await doctor.post("/me/channels/test", {"kind": kind} if kind else {})
    assert (answer.status_code, answer.json()["sent"]) == (202, 1 if kind else 2)
    await outbox.send()
    items = await outbox.items(doctor, kind="test")
    assert items[-1]["would_send"]["text"].startswith("If you hear or read this")
    if kind is None:
        assert (await outbox.press(items[0], "1"))["say"].startswith("Đã ghi là bạn có mặt")
    none = await doctor.post("/me/channels/test", {"kind": "push"})
    assert none.status_code == 422
    assert none.json()["errors"][0]["field"] == "kind"
