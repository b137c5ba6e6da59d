"""Answers by a key in a call and by a link: once, as the doctor who was asked; nothing else is an answer."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.channels.gateway import Signer
from app.services.outside import notices
from app.services.outside.notices import Announcement
from tests.channels.conftest import EMAIL, PUSH, SMS, VOICE, Outbox, put_channels
from tests.hotline import Json, Person
from tests.staff import Staff

SECRET = "a secret of the tests"


@pytest_asyncio.fixture
async def rung(house: Staff, outbox: Outbox) -> tuple[Json, Person]:
    """A case that rings one doctor on every channel, all of it sent."""
    house.hotline.app.state.house.settings.gateway_secret = SECRET
    house.hotline.app.state.house.settings.public_url = "https://hoichan.example"
    probe = await house.hotline.ask("K04")
    [doctor] = house.rung(probe)
    asker = await house.hotline.requester("K04")
    await asker.do(probe, "cancellation", {"reason": "Bấm nhầm"})
    await put_channels(doctor, VOICE, PUSH, SMS)
    case = await house.hotline.ask("K04")
    await outbox.send()
    await outbox.send(seconds=5)
    return case, doctor


async def the(outbox: Outbox, doctor: Person, channel: str, case: Json) -> Json:
    about = f"offer:{case['callouts'][0]['offers'][0]['id']}"
    [found] = await outbox.items(doctor, channel=channel, kind="offer", about=about)
    return found


async def read(house: Staff, case: Json) -> Json:
    asker = await house.hotline.requester("K04")
    found: Json = (await asker.get(f"/consultations/{case['id']}")).json()
    return found


async def via_of(house: Staff, case: Json, doctor: Person) -> str | None:
    [row] = await house.execute(
        "SELECT answered_via FROM offer WHERE consultation_id = CAST(:id AS uuid) AND doctor_id = CAST(:d AS uuid)",
        id=case["id"],
        d=house.id_of(doctor),
    )
    via: str | None = row.answered_via
    return via


async def test_a_key_in_a_captured_call_accepts_the_case_and_stops_the_other_channels(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    call = await the(outbox, doctor, "voice", case)
    assert call["would_send"]["menu"] == {"1": "accept", "2": "decline", "3": "again"}
    again = await outbox.press(call, "3")
    assert again["say"] == call["would_send"]["spoken"]
    assert again["end"] is False
    said = await outbox.press(call, "1")
    assert said == {"say": "Bạn đã nhận ca hội chẩn. Mở hoichan để xem ca.", "keys": {}, "end": True}
    now = await read(house, case)
    assert now["status"] == "active"
    assert house.id_of(doctor) in str(now["holder"])
    assert await via_of(house, case, doctor) == "voice"
    await outbox.send(seconds=1)
    assert {i["channel"]: i["state"] for i in await outbox.items(doctor, kind="offer", about=call["about"])} == {
        "voice": "answered",
        "push": "stopped",
        "sms": "stopped",
    }
    assert [i["channel"] for i in await outbox.items(doctor, kind="clear")][-1] == "push"
    assert not await outbox.items(doctor, kind="hangup")


@pytest.mark.parametrize("way", ["key", "link"])
async def test_whoever_has_no_room_takes_a_routine_case_from_outside_as_little_as_on_the_page(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person], way: str
):
    emergency, doctor = rung
    await doctor.do(emergency, "acceptance")
    case = await house.hotline.ask("K04", urgency="yellow", patient={"label": "MC-018"})
    await house.execute("UPDATE user_account SET capacity = 1 WHERE id = CAST(:id AS uuid)", id=house.id_of(doctor))
    house.hotline.app.state.house.sessions.clear()
    await outbox.send()
    await outbox.send(seconds=5)
    if way == "key":
        said = str(await outbox.press(await the(outbox, doctor, "voice", case), "1"))
    else:
        path = (await the(outbox, doctor, "sms", case))["would_send"]["answer"]
        said = (await house.hotline.http.post(path, data={"answer": "accept"})).text
    assert "nhận ca hội chẩn. Mở" not in said
    assert (await read(house, case))["holder"] is None, said


async def test_the_second_key_declines_and_the_next_doctor_is_rung(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    said = await outbox.press(await the(outbox, doctor, "voice", case), "2")
    assert said["say"].startswith("Đã ghi là bạn không nhận")
    now = await read(house, case)
    assert doctor not in house.rung(now)
    assert house.rung(now)
    assert await via_of(house, case, doctor) == "voice"


async def test_who_comes_second_hears_who_has_the_case(house: Staff, outbox: Outbox):
    case = await house.hotline.ask("K04")
    [first] = house.rung(case)
    await house.hotline.fast_forward(minutes=6)
    await outbox.send()
    await outbox.send(seconds=10)
    calls = [i for i in await outbox.items(kind="offer", channel="voice") if i["would_send"]]
    mine = next(i for i in calls if i["user"] == house.id_of(first))
    other = next(i for i in calls if i["user"] != house.id_of(first))
    assert (await outbox.press(mine, "1"))["say"].startswith("Bạn đã nhận ca")
    said = await outbox.press(other, "1")
    assert said["say"] == f"Đã có người nhận: {first.name}. Cảm ơn bạn."
    assert said["end"] is True


async def test_of_many_answers_at_once_on_every_channel_exactly_one_wins(house: Staff, outbox: Outbox):
    case = await house.hotline.ask("K04")
    await house.hotline.fast_forward(minutes=6)
    await outbox.send()
    await outbox.send(seconds=10)
    calls = [i for i in await outbox.items(kind="offer", channel="voice") if i["would_send"]]
    links = [i for i in await outbox.items(kind="offer", channel="sms") if i["would_send"]]
    rung = house.rung(await read(house, case))
    assert len(rung) >= 2
    said = await asyncio.gather(
        *(outbox.press(call, "1") for call in calls),
        *(
            house.hotline.http.post(
                i["would_send"]["answer"], json={"answer": "accept"}, headers={"Accept": "application/json"}
            )
            for i in links
        ),
        *(doctor.post(f"/consultations/{case['id']}/acceptance") for doctor in rung),
    )
    assert len(said) >= 6
    [row] = await house.execute("SELECT count(*) AS n FROM offer WHERE state = 'accepted'")
    assert row.n == 1
    [facts] = await house.execute("SELECT count(*) AS n FROM event WHERE type = 'offer.accepted'")
    assert facts.n == 1
    assert (await read(house, case))["status"] == "active"


async def test_a_link_answers_once_and_only_by_its_button(house: Staff, outbox: Outbox, rung: tuple[Json, Person]):
    case, doctor = rung
    text = (await the(outbox, doctor, "sms", case))["would_send"]
    path = text["answer"]
    assert text["text"].endswith(f"Trả lời: https://hoichan.example{path}")
    http = house.hotline.http
    for _ in range(3):  # previewers open links
        page = await http.get(path)
        assert page.status_code == 200
        assert "Tôi nhận ca này" in page.text
        assert 'href="/"' in page.text  # where whoever it is begins
        assert "no-store" in page.headers["cache-control"]
    assert (await read(house, case))["status"] == "ringing"
    done = await http.post(path, data={"answer": "accept"})
    assert "Bạn đã nhận ca hội chẩn" in done.text
    assert await via_of(house, case, doctor) == "link"
    again = await http.post(path, data={"answer": "decline"})
    assert "Bạn đã trả lời rồi" in again.text
    assert (await read(house, case))["status"] == "active"
    assert "Tôi nhận ca này" not in (await http.get(path)).text


async def test_a_link_ends_with_its_offer_and_says_who_has_the_case(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    path = (await the(outbox, doctor, "sms", case))["would_send"]["answer"]
    await house.hotline.fast_forward(minutes=6)
    rings = house.rung(await read(house, case))
    other = next(p for p in rings if p is not doctor and p.account["role"] == "specialist")
    await other.do(case, "acceptance")
    assert f"Đã có người nhận: {other.name}" in (await house.hotline.http.get(path)).text
    late = await house.hotline.http.post(path, json={"answer": "accept"}, headers={"Accept": "application/json"})
    assert late.status_code == 409
    assert late.json()["done"] is False


async def test_who_guesses_links_is_stopped_and_whoever_has_one_is_not(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    first, *others = [await house.hotline.http.get(f"/a/{i:022d}") for i in range(12)]
    assert "Liên kết đã quá 24 giờ, hoặc địa chỉ bị thiếu." in first.text
    statuses = [first.status_code, *(page.status_code for page in others)]
    assert statuses[:10] == [404] * 10
    assert statuses[-1] == 429
    stopped = await house.hotline.http.get("/a/short")
    assert stopped.status_code == 429
    assert f"Thử lại sau {stopped.headers['retry-after']} giây" in stopped.text
    case, doctor = rung
    path = (await the(outbox, doctor, "sms", case))["would_send"]["answer"]
    assert (await house.hotline.http.get(path)).status_code == 200
    assert "Bạn đã nhận ca hội chẩn" in (await house.hotline.http.post(path, data={"answer": "accept"})).text


async def test_a_link_of_a_closed_account_answers_nothing(house: Staff, outbox: Outbox, rung: tuple[Json, Person]):
    case, doctor = rung
    path = (await the(outbox, doctor, "sms", case))["would_send"]["answer"]
    await house.execute("UPDATE user_account SET active = false WHERE id = CAST(:id AS uuid)", id=house.id_of(doctor))
    answer = await house.hotline.http.post(path, json={"answer": "accept"}, headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert (await read(house, case))["status"] == "ringing"


# --- the gateway has a door of its own -----------------------------------------------------------------------------


async def tell(
    house: Staff, body: Json, *, path: str = "/gateway/voice", late_s: int = 0, secret: str = SECRET
) -> Json:
    clock = house.hotline.clock
    content = json.dumps(body).encode()
    signer = Signer(secret, clock)
    headers = signer.headers(content)
    clock.advance(seconds=late_s)
    answer = await house.hotline.http.post(
        path, content=content, headers=headers | {"Content-Type": "application/json"}
    )
    return {"status": answer.status_code} | (answer.json() if answer.content else {})


async def test_a_signed_keypress_accepts_and_said_again_does_nothing_twice(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    call = await the(outbox, doctor, "voice", case)
    press = {"key": call["key"], "event": "keypress", "digit": "1"}
    first = await tell(house, press)
    assert first["say"].startswith("Bạn đã nhận ca")
    second = await tell(house, press)
    assert second["status"] == 200
    assert second["end"] is True
    [facts] = await house.execute("SELECT count(*) AS n FROM event WHERE type = 'offer.accepted'")
    assert facts.n == 1
    # Whoever replays it after the case was handed on takes nothing.
    await tell(house, press | {"digit": "2"})
    assert (await read(house, case))["status"] == "active"


async def test_what_is_unsigned_too_old_or_signed_with_another_secret_is_refused(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    call = await the(outbox, doctor, "voice", case)
    press = {"key": call["key"], "event": "keypress", "digit": "1"}
    assert (await house.hotline.http.post("/gateway/voice", json=press)).status_code == 401
    assert (await tell(house, press, secret="another"))["status"] == 401
    assert (await tell(house, press, late_s=301))["status"] == 401
    assert (await tell(house, press, path="/gateway/sms", secret="another"))["status"] == 401
    assert (await read(house, case))["status"] == "ringing"
    assert (await tell(house, press, late_s=299))["status"] == 200


async def test_a_gateway_that_cannot_sign_answers_at_the_address_that_the_call_was_begun_with(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    call = await the(outbox, doctor, "voice", case)
    other = await the(outbox, doctor, "sms", case)
    signer = Signer(SECRET, house.hotline.clock)
    address = signer.callback("", "/gateway/voice", call["id"])
    forged = address.replace(call["id"], other["id"])
    assert (await house.hotline.http.post(forged, data={"dtmf": "1"})).status_code == 401
    answer = await house.hotline.http.post(address, data={"dtmf": "1"})
    assert answer.json()["say"].startswith("Bạn đã nhận ca")
    house.hotline.clock.advance(minutes=16)
    assert (await house.hotline.http.post(address, data={"dtmf": "1"})).status_code == 401


async def test_a_signed_body_speaks_of_the_call_that_it_names_whatever_its_address_says(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    call, sms = await the(outbox, doctor, "voice", case), await the(outbox, doctor, "sms", case)
    nowhere = {"key": "offer:unknown", "event": "keypress", "digit": "1"}
    assert (await tell(house, nowhere, path=f"/gateway/voice?n={call['id']}"))["status"] == 404
    # A key is pressed in a call, never in a text message.
    assert (await tell(house, nowhere | {"key": sms["key"]}))["status"] == 404
    assert (await read(house, case))["status"] == "ringing"
    mine = nowhere | {"key": call["key"]}
    assert (await tell(house, mine, path=f"/gateway/voice?n={sms['id']}"))["say"].startswith("Bạn đã nhận ca")


async def test_delivery_and_an_answered_call_are_no_answer_and_a_call_that_ends_is_made_again(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person]
):
    case, doctor = rung
    call = await the(outbox, doctor, "voice", case)
    sms = await the(outbox, doctor, "sms", case)
    assert (await tell(house, {"key": sms["key"], "event": "delivered"}, path="/gateway/sms"))["status"] == 204
    await tell(house, {"key": call["key"], "event": "answered"})
    await tell(house, {"key": call["key"], "event": "ended"})
    assert (await read(house, case))["status"] == "ringing"
    assert (await the(outbox, doctor, "sms", case))["state"] == "delivered"
    await outbox.send(seconds=31)
    calls = await outbox.items(doctor, channel="voice", kind="offer", about=call["about"])
    assert [c["key"].partition("~")[2] for c in calls] == ["", "2"]
    assert calls[1]["would_send"]["spoken"] == call["would_send"]["spoken"]
    assert (await outbox.press(calls[1], "1"))["say"].startswith("Bạn đã nhận ca")


@pytest.mark.parametrize(
    ("event", "noted"),
    [("busy", True), ("busy", False), ("No_Answer", True), ("rejected", True), ("canceled", True), ("completed", True)],
)
async def test_a_call_that_nobody_took_is_made_again_whatever_the_provider_calls_it(
    house: Staff, outbox: Outbox, rung: tuple[Json, Person], event: str, *, noted: bool
):
    case, doctor = rung
    call = await the(outbox, doctor, "voice", case)
    if not noted:  # the line is busy before the gateway's answer to the call has been noted
        await house.execute(
            "UPDATE notice SET state = 'waiting', sent_at = NULL WHERE id = CAST(:id AS uuid)", id=call["id"]
        )
    told = {"key": call["key"], "event": event}
    assert [(await tell(house, told))["status"] for _ in range(2)] == [200, 200]
    assert (await read(house, case))["status"] == "ringing"
    await outbox.send(seconds=31)
    calls = await outbox.items(doctor, channel="voice", kind="offer", about=call["about"])
    assert [c["key"].partition("~")[2] for c in calls] == ["", "2"]
    assert calls[1]["would_send"]["spoken"] == call["would_send"]["spoken"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"event": "dance", "key": "x"}', b"{}", b'{"key": "unknown"}'])
async def test_nonsense_from_a_gateway_is_refused_and_never_a_fault(
    house: Staff, rung: tuple[Json, Person], body: bytes
):
    headers = Signer(SECRET, house.hotline.clock).headers(body)
    answer = await house.hotline.http.post("/gateway/voice", content=body, headers=headers)
    assert answer.status_code in (404, 422)


async def test_in_a_red_alert_the_first_key_leads_and_the_others_keys_say_that_they_come(house: Staff, outbox: Outbox):
    case = await house.hotline.ask("K04", urgency="red")
    await outbox.send()
    calls = [i for i in await outbox.items(kind="offer", channel="voice") if i["would_send"]]
    team = [house.id_of(p) for p in house.rung(case)]
    calls = [c for c in calls if c["user"] in team][:3]
    assert len(calls) >= 2
    said = [await outbox.press(call, "1") for call in calls]
    assert said[0]["say"].startswith("Bạn đã nhận ca")
    assert all(s["say"] == "Đã báo trưởng kíp là bạn đang đến." for s in said[1:])
    offers = {o["doctor"]: o for o in (await read(house, case))["callouts"][0]["offers"]}
    assert offers[calls[1]["user"]]["attendance"] == "coming"


async def asked_whether_there(house: Staff, outbox: Outbox) -> tuple[str, Person]:
    """«Are you there?», asked of a doctor on every channel, all of it sent."""
    doctor = house["tn-timmach-1"]
    await put_channels(doctor, VOICE, PUSH, SMS, EMAIL)
    check, now = str(uuid4()), house.hotline.clock.now()
    await house.execute(
        "INSERT INTO reachability_check (id, schedule_id, role, doctor_id, starts_at, ends_at, asked_at, state) "
        "SELECT CAST(:id AS uuid), s.id, 'primary', CAST(:d AS uuid), :start, :end, :now, 'asked' FROM schedule s "
        "WHERE s.desk_id IS NOT NULL LIMIT 1",
        id=check,
        d=house.id_of(doctor),
        start=now + timedelta(minutes=15),
        end=now + timedelta(hours=8),
        now=now,
    )
    running = house.hotline.app.state.house
    about = f"check:{check}"
    words = {"place": "Bàn trực Tim mạch", "role": "primary", "from": now + timedelta(minutes=15)}
    async with running.work(None) as work:
        await notices.tell(
            work, [UUID(house.id_of(doctor))], Announcement("reachability", about, about, words, urgent=True)
        )
        await running.commit(work)
    await outbox.send()
    return check, doctor


@pytest.mark.parametrize(("channel", "via"), [("voice", "voice"), ("sms", "link"), ("push", "link")])
async def test_whether_one_is_there_is_answered_by_a_key_or_a_link_and_never_by_a_link_in_an_e_mail(
    house: Staff, outbox: Outbox, channel: str, via: str
):
    check, doctor = await asked_whether_there(house, outbox)
    items = {i["channel"]: i for i in await outbox.items(doctor, kind="reachability")}
    assert len(items) == 4
    assert "answer" not in items["email"]["would_send"]
    if channel == "voice":
        assert items["voice"]["would_send"]["menu"] == {"1": "here", "3": "again"}
        assert (await outbox.press(items["voice"], "1"))["say"].startswith("Đã ghi là bạn có mặt")
    else:
        path = items[channel]["would_send"]["answer"]
        assert "Tôi có mặt" in (await house.hotline.http.get(path)).text
        assert "Đã ghi là bạn có mặt" in (await house.hotline.http.post(path, data={"answer": "here"})).text
    [row] = await house.execute("SELECT state, via FROM reachability_check WHERE id = CAST(:id AS uuid)", id=check)
    assert (row.state, row.via) == ("answered", via)
    await outbox.send(seconds=1)
    states = {i["channel"]: i["state"] for i in await outbox.items(doctor, kind="reachability")}
    assert states == {name: "answered" if name == channel else "stopped" for name in states}
    assert bool(await outbox.items(doctor, kind="hangup")) is (channel != "voice")
