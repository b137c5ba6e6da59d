"""Choosing how one is reached: what is kept, what is refused and why, and that nobody reads another's."""

from typing import Any

import pytest

from app.models.telephone import e164
from tests.channels.conftest import EMAIL, PUSH, PUSH_KEY, SMS, VOICE, put_channels
from tests.hotline import Person
from tests.staff import Staff


@pytest.fixture
def doctor(staff: Staff) -> Person:
    return staff["tn-capcuu-1"]


async def put(person: Person, channels: Any) -> Any:
    return await person.hotline.http.put("/api/v1/me/channels", headers=person.headers, json={"channels": channels})


async def test_the_list_is_kept_in_its_order_with_numbers_in_one_form(staff: Staff, doctor: Person):
    quiet = {"from": "22:00", "to": "06:00"}
    read = await put_channels(doctor, PUSH, VOICE | {"quiet": quiet}, SMS | {"language": "en"}, EMAIL)
    assert [c["kind"] for c in read["channels"]] == ["push", "voice", "sms", "email"]
    assert read["channels"][1]["address"] == "+84912345678"
    assert read["channels"][1]["quiet"] == {"from": "22:00:00", "to": "06:00:00"}
    assert read["own"] is True
    assert read["capturing"] is True
    assert len(read["push_key"]) == 87
    assert (await doctor.get("/me/channels")).json() == read
    assert (await put_channels(doctor, SMS))["channels"][0]["kind"] == "sms"
    # A push that is known already may come without its keys.
    bare = {"kind": "push", "address": PUSH["address"]}
    again = await put_channels(doctor, bare)
    assert [c["kind"] for c in again["channels"]] == ["push"]
    rows = await staff.execute("SELECT keys FROM channel WHERE kind = 'push'")
    assert [r.keys for r in rows] == [PUSH["keys"]]


async def test_an_empty_list_goes_back_to_what_the_hospital_has_noted(doctor: Person):
    await put_channels(doctor, EMAIL)
    read = await put_channels(doctor)
    assert read["own"] is False
    assert [c["kind"] for c in read["channels"]] == ["voice", "sms"]
    assert read["channels"][0]["address"] == "+84208000120"


@pytest.mark.parametrize(
    ("channels", "field"),
    [
        ([{"kind": "sms", "address": "12345"}], "channels.0.address"),
        ([VOICE, {"kind": "voice", "address": "0912x45678"}], "channels.1.address"),
        ([{"kind": "email", "address": "bs.bv.vn"}], "channels.0.address"),
        ([{"kind": "email", "address": "a@b.vn\nBcc: x@y.vn"}], "channels.0.address"),
        ([PUSH | {"address": "http://fcm.googleapis.com/x"}], "channels.0.address"),
        ([PUSH | {"address": "https://169.254.169.254/latest"}], "channels.0.address"),
        ([PUSH | {"address": "https://fcm.googleapis.com.evil.example/x"}], "channels.0.address"),
        ([PUSH | {"address": "https://fcm.googleapis.com:8443/x"}], "channels.0.address"),
        ([{"kind": "push", "address": "https://fcm.googleapis.com/new"}], "channels.0.keys"),
        ([PUSH | {"keys": {"p256dh": PUSH_KEY}}], "channels.0.keys.auth"),
        ([VOICE, VOICE | {"address": "+84 912 345 678"}], "channels.1.address"),
        ([{"kind": "fax", "address": "0912345678"}], "channels.0.kind"),
        ([VOICE | {"quiet": {"from": "25:00", "to": "06:00"}}], "channels.0.quiet.from"),
        ([SMS, VOICE | {"quiet": {"from": "06:00", "to": "06:00"}}], "channels.1.quiet.to"),
        ([VOICE | {"address": f"09123456{i:02d}"} for i in range(9)], "channels"),
        ([VOICE | {"owner": "x"}], "channels.0.owner"),
    ],
)
async def test_what_cannot_be_reached_is_refused_by_its_field_and_nothing_changes(
    doctor: Person, channels: Any, field: str
):
    before = (await doctor.get("/me/channels")).json()
    answer = await put(doctor, channels)
    assert answer.status_code == 422, answer.text
    assert field in [e["field"] for e in answer.json()["errors"]]
    assert (await doctor.get("/me/channels")).json() == before


async def test_nobody_reads_anothers_channels_and_the_change_is_a_fact_without_an_address(staff: Staff, doctor: Person):
    await put_channels(doctor, VOICE)
    admin = next(p for p in staff.by_username.values() if p.account["role"] == "admin")
    assert "912345678" not in (await admin.get("/me/channels")).text
    rows = await staff.execute(
        "SELECT CAST(data AS text) AS data FROM event WHERE type = 'account.changed' AND chain = :c",
        c=f"user:{staff.id_of(doctor)}",
    )
    assert "channels_changed" in rows[-1].data
    assert "912345678" not in "".join(r.data for r in rows)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0912 345 678", "+84912345678"),
        ("(024) 3826-1234", "+842438261234"),
        ("+84 (0) 912.345.678", "+84912345678"),
        ("0084912345678", "+84912345678"),
        ("+66812345678", "+66812345678"),
        ("115", None),
        ("0912 345 678 máy lẻ 12", None),
        ("+0912345678", None),
        ("", None),
    ],
)
def test_telephone_numbers_are_kept_in_one_form_and_never_guessed(written: str, kept: str | None):
    assert e164(written) == kept
