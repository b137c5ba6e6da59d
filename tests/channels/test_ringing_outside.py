"""An offer rings beyond the open page: in which order, when, and when it stops."""

import re

import pytest

from tests.channels.conftest import EMAIL, PUSH, SMS, VOICE, Outbox, put_channels
from tests.hotline import Json, Person
from tests.staff import Staff


async def first_of(house: Staff, **how: str) -> tuple[Json, Person]:
    """A case, and the one doctor whom it rings first."""
    case = await house.hotline.ask("K04", **how)
    [doctor] = house.rung(case)
    return case, doctor


async def doctor_with(house: Staff, *channels: Json) -> Person:
    """Whoever a case would ring first, with these channels."""
    case, doctor = await first_of(house)
    asker = await house.hotline.requester("K04")
    await asker.do(case, "cancellation", {"reason": "Bấm nhầm"})
    await put_channels(doctor, *channels)
    return doctor


async def test_whoever_chose_no_channels_is_called_and_texted_at_the_number_that_the_hospital_noted(
    house: Staff, outbox: Outbox
):
    _, doctor = await first_of(house)
    await outbox.send()
    await outbox.send(seconds=5)
    items = await outbox.items(doctor)
    assert [i["channel"] for i in items] == ["voice", "sms"]
    assert {i["would_send"]["to"] for i in items} == {"+84" + doctor_phone(doctor)[1:]}


def doctor_phone(person: Person) -> str:
    return person.account["phone"].replace(" ", "") if "phone" in person.account else PHONES[person.account["username"]]


PHONES: dict[str, str] = {}


@pytest.fixture(autouse=True)
async def phones(house: Staff) -> None:
    for row in await house.execute("SELECT username, phone FROM user_account WHERE phone IS NOT NULL"):
        PHONES[row.username] = row.phone.replace(" ", "")


async def test_a_push_goes_at_once_and_the_others_when_no_device_has_the_offer_after_five_seconds(
    house: Staff, outbox: Outbox
):
    doctor = await doctor_with(house, VOICE, PUSH, SMS, EMAIL)
    await first_of(house)
    await outbox.send()
    assert await outbox.sent(doctor) == ["push"]
    await outbox.send(seconds=5)
    assert sorted(await outbox.sent(doctor)) == ["email", "push", "sms", "voice"]


async def test_with_the_offer_on_a_device_the_channels_follow_twenty_seconds_apart(house: Staff, outbox: Outbox):
    doctor = await doctor_with(house, PUSH, VOICE, SMS)
    await doctor.connect()
    case, _ = await first_of(house)
    await doctor.acknowledges(await doctor.hears_event("offer.made", case))
    await doctor.settled()
    await outbox.send(seconds=5)
    assert await outbox.sent(doctor) == ["push"]
    await outbox.send(seconds=15)
    assert await outbox.sent(doctor) == ["push", "voice"]
    await outbox.send(seconds=20)
    assert await outbox.sent(doctor) == ["push", "voice", "sms"]


async def test_what_the_doctor_looks_at_waits_a_minute_and_then_goes_on(house: Staff, outbox: Outbox):
    doctor = await doctor_with(house, PUSH, VOICE)
    await doctor.connect()
    case, _ = await first_of(house)
    await doctor.acknowledges(await doctor.hears_event("offer.made", case), "seen")
    await doctor.settled()
    await outbox.send(seconds=50)
    assert await outbox.sent(doctor) == ["push"]
    await outbox.send(seconds=15)
    assert await outbox.sent(doctor) == ["push", "voice"]


async def test_a_red_alert_goes_out_on_every_channel_at_once_with_a_call_even_in_quiet_hours(
    house: Staff, outbox: Outbox
):
    quiet = {"from": "22:00", "to": "06:00"}
    probe = await house.hotline.ask("K04", urgency="red")
    team = house.rung(probe)
    asker = await house.hotline.requester("K04")
    await asker.do(probe, "cancellation", {"reason": "Bấm nhầm"})
    for doctor in team:
        await put_channels(
            doctor, PUSH | {"address": PUSH["address"] + doctor.account["username"]}, VOICE | {"quiet": quiet}, SMS
        )
    case = await house.hotline.ask("K04", urgency="red")
    await outbox.send()
    assert len(team) >= 2
    for doctor in house.rung(case):
        assert sorted(await outbox.sent(doctor)) == ["push", "sms", "voice"], doctor.name


async def test_a_red_team_is_told_again_by_the_next_step_and_every_two_minutes_once_there_is_a_leader(
    house: Staff, outbox: Outbox
):
    requester = await house.hotline.requester("K04")
    case = (await requester.post("/consultations", {"specialty": "K04", "urgency": "red"})).json()
    await outbox.send()
    leader, member, *_ = house.rung(case)

    async def calls(person: Person) -> int:
        return len(await outbox.items(person, kind="offer", channel="voice"))

    assert (await calls(leader), await calls(member)) == (1, 1)
    # With the offer on every device the whole team is rung once more after two minutes, outside the page too.
    await house.execute("UPDATE offer SET delivered_at = made_at")
    await house.hotline.fast_forward(minutes=2)
    for _ in range(3):
        await outbox.send()
    assert (await calls(leader), await calls(member)) == (2, 2)
    await leader.do(case, "acceptance")
    await outbox.send(minutes=1, seconds=59)
    assert await calls(member) == 2
    for told in (3, 4):
        await outbox.send(seconds=1)
        await outbox.send()
        assert await calls(member) == told
        await outbox.send(minutes=1, seconds=59)
    assert await calls(leader) == 2
    await member.do(case, "attendance", {"coming": True})
    await outbox.send(minutes=10)
    assert await calls(member) == 4


@pytest.mark.parametrize(("urgency", "at_night"), [("orange", True), ("yellow", False)])
async def test_quiet_hours_hold_everything_but_emergencies_until_they_end(
    house: Staff, outbox: Outbox, urgency: str, *, at_night: bool
):
    doctor = await doctor_with(house, SMS | {"quiet": {"from": "22:00", "to": "06:30"}})
    case = await house.hotline.ask("K04", urgency=urgency)
    assert doctor in house.rung(case)
    await outbox.send(seconds=10)  # 03:04 in Vietnam
    assert bool(await outbox.sent(doctor)) is at_night
    await outbox.send(hours=3, minutes=30)
    assert await outbox.sent(doctor) == ["sms"]


async def test_an_answer_in_the_client_ends_every_other_ring_and_takes_the_push_off_the_screen(
    house: Staff, outbox: Outbox
):
    doctor = await doctor_with(house, PUSH, VOICE, SMS)
    case, _ = await first_of(house)
    await outbox.send()
    await outbox.send(seconds=5)
    await doctor.do(case, "acceptance")
    await outbox.send(seconds=1)
    items = [i for i in await outbox.items(doctor) if i["about"].startswith("offer:")]
    assert {i["state"] for i in items if i["kind"] == "offer"} == {"stopped"}
    assert sorted((i["kind"], i["channel"], i["state"]) for i in items if i["kind"] != "offer") == [
        ("clear", "push", "sent"),
        ("hangup", "voice", "sent"),
    ]
    [clear] = [i for i in items if i["kind"] == "clear"]
    await outbox.send(minutes=10)
    assert await outbox.sent(doctor) == [i["channel"] for i in items]
    assert clear["about"] == items[0]["about"]


async def test_what_has_not_gone_out_when_somebody_answers_never_goes_out(house: Staff, outbox: Outbox):
    doctor = await doctor_with(house, PUSH, VOICE, SMS)
    case, _ = await first_of(house)
    await outbox.send()
    await doctor.do(case, "refusal", {"reason": "busy"})
    await outbox.send(seconds=60)
    assert [i["state"] for i in await outbox.items(doctor, kind="offer")] == ["stopped"] * 3
    assert await outbox.sent(doctor) == ["push", "push"]  # the second takes the first off the screen


async def test_a_step_that_names_channels_is_limited_to_them_and_a_limit_that_leaves_nothing_is_none(
    house: Staff, outbox: Outbox
):
    doctor = await doctor_with(house, VOICE, SMS)
    for channels, expected in ((["sms"], ["sms"]), (["push"], ["voice", "sms"])):
        case, _ = await first_of(house)
        await house.execute(
            "UPDATE callout SET policy = jsonb_set(policy, '{steps,0,channels}', CAST(:c AS jsonb)) "
            "WHERE consultation_id = CAST(:id AS uuid)",
            c=str(channels).replace("'", '"'),
            id=case["id"],
        )
        await outbox.send()
        await outbox.send(seconds=5)
        about = [i for i in await outbox.items(doctor, kind="offer") if i["about"] == f"offer:{offer_of(case)}"]
        assert [i["channel"] for i in about] == expected
        asker = await house.hotline.requester("K04")
        await asker.do(case, "cancellation", {"reason": "Bấm nhầm"})


async def test_a_red_alert_calls_whoever_has_no_telephone_in_their_list_whatever_its_step_names(
    house: Staff, outbox: Outbox
):
    requester = await house.hotline.requester("K04")
    case = (await requester.post("/consultations", {"specialty": "K04", "urgency": "red"})).json()
    doctor, *_ = house.rung(case)
    await put_channels(doctor, PUSH, SMS)
    await house.execute("""UPDATE callout SET policy = jsonb_set(policy, '{steps,0,channels}', '["push"]')""")
    await house.hotline.ask("K04", to="/consultations")
    await outbox.send()
    await outbox.send(seconds=5)
    told = await outbox.items(doctor, kind="offer")
    red = [i for i in told if i["about"] in {f"offer:{o['id']}" for c in case["callouts"] for o in c["offers"]}]
    assert sorted(i["channel"] for i in red) == ["push", "sms", "voice"]
    [call] = [i for i in red if i["channel"] == "voice"]
    assert call["would_send"]["to"] == "+84" + doctor_phone(doctor)[1:]
    # For anything else the doctor's own list holds.
    assert not [i for i in told if i not in red and i["channel"] == "voice"]


def offer_of(case: Json) -> str:
    offer: str = case["callouts"][0]["offers"][0]["id"]
    return offer


async def test_a_drill_says_so_with_its_first_word_on_every_channel(house: Staff, outbox: Outbox):
    doctor = await doctor_with(house, PUSH, VOICE, SMS, EMAIL)
    case, _ = await first_of(house)
    await house.execute("UPDATE consultation SET drill = true WHERE id = CAST(:id AS uuid)", id=case["id"])
    await outbox.send()
    await outbox.send(seconds=5)
    items = await outbox.items(doctor, kind="offer")
    assert len(items) == 4
    for item in items:
        sent = item["would_send"]
        assert sent["drill"] is True
        for words in (sent["title"], sent["text"], sent.get("spoken", sent["title"])):
            assert words.startswith("DIỄN TẬP"), item["channel"]


async def test_the_end_of_the_ladder_rings_outside_again_every_round(house: Staff, outbox: Outbox):
    case = await house.hotline.ask("K04")
    rounds: set[str] = set()
    for _ in range(16):
        await house.hotline.fast_forward(minutes=5)
        await outbox.send()
        made = await outbox.items(kind="offer")
        rounds |= {found.group(1) for i in made if (found := re.search(r":(\d+)$", i["key"]))}
    assert len(rounds) >= 3
    asker = await house.hotline.requester("K04")
    [read] = (await asker.get(f"/consultations/{case['id']}")).json()["callouts"]
    assert max(map(int, rounds)) == read["round"]
