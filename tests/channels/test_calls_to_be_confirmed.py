"""A call that is to be confirmed goes outside like what is not urgent, however urgent the patient was."""

from datetime import timedelta

from tests.channels.conftest import PUSH, SMS, VOICE, Outbox, put_channels
from tests.hotline import NIGHT, Json
from tests.staff import Staff

DOCTOR = "tn-timmach-2"


async def entered(house: Staff) -> Json:
    """A red case that the ward had telephoned about, an hour and a half ago."""
    answer = await house["sonla-capcuu-1"].post(
        "/consultations/telephone",
        {
            "specialty": "K04",
            "urgency": "red",
            "question": "Ngừng tim, đã có mạch lại. Xử trí tiếp?",
            "patient": {"label": "MC-017"},
            "telephone": {
                "asked_at": (NIGHT - timedelta(minutes=90)).isoformat(),
                "answered_at": (NIGHT - timedelta(minutes=80)).isoformat(),
                "answered_by": house.id_of(house[DOCTOR]),
                "text": "Dặn hạ thân nhiệt 33 độ và chuyển.",
            },
        },
    )
    assert answer.status_code == 201, answer.text
    case: Json = answer.json()
    return case


async def test_a_red_case_entered_afterwards_calls_nobody_by_telephone_and_says_nothing_of_the_patient(
    house: Staff, outbox: Outbox
) -> None:
    doctor = house[DOCTOR]
    await put_channels(doctor, VOICE, PUSH, SMS)
    await entered(house)
    await outbox.send()
    await outbox.send(seconds=5)
    assert await outbox.sent(doctor) == [], "nobody is woken for it"
    await outbox.send(hours=4)
    items = await outbox.items(doctor)
    assert sorted(i["channel"] for i in items) == ["push", "sms"]
    assert {i["kind"] for i in items} == {"confirmation"}
    said = str([i["would_send"] for i in items])
    for secret in ("MC-017", "Ngừng tim", "33 độ", "/a/"):
        assert secret not in said
    assert "xác nhận" in said


async def test_quiet_hours_hold_it_though_the_patient_was_red_and_an_answer_ends_it(
    house: Staff, outbox: Outbox
) -> None:
    doctor = house[DOCTOR]
    quiet = {"from": "22:00", "to": "06:00"}
    await put_channels(doctor, PUSH | {"quiet": quiet}, SMS | {"quiet": quiet})
    case = await entered(house)
    await outbox.send()
    await outbox.send(hours=2)
    assert await outbox.sent(doctor) == []
    await doctor.do(case, "acceptance")
    await outbox.send(hours=2)
    assert await outbox.sent(doctor) == []


async def test_coordinators_are_told_again_every_day_and_never_called_while_they_can_be_written_to(
    house: Staff, outbox: Outbox
) -> None:
    await put_channels(house[DOCTOR], SMS)
    for person in house.by_id.values():
        if person.account["role"] == "coordinator":
            await put_channels(person, SMS, VOICE)
    await entered(house)
    told = [0]
    for hours in (12, 24, 24):
        await house.hotline.fast_forward(hours=hours)
        await outbox.send()
        await outbox.send(seconds=5)
        items = [i for i in await outbox.items(kind="confirmation") if i["user"] != house.id_of(house[DOCTOR])]
        assert {i["channel"] for i in items} == {"sms"}
        told.append(len(items))
    assert told == sorted(set(told))
