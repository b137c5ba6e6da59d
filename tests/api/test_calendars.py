"""Calendars in and out: a rota kept elsewhere is imported whole or not at all, and a feed can be imported again."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from app.models.civil_time import Clockface
from app.services.rostering.rota_calendars import read_calendar
from tests.api.rota_desk import cleared
from tests.hotline import Json, Person
from tests.staff import Staff

LICENCES = {number: f"{12 + number:06}/DEMO-CCHN" for number in range(1, 7)}
FIVE = "tn-timmach-5"


@pytest_asyncio.fixture
async def house(staff: Staff) -> Staff:
    return await cleared(staff)


def desk_of(house: Staff) -> str:
    return str(house["tn-timmach-1"].account["desk"])


async def send(house: Staff, text: str | bytes, *, by: str = "tn-timmach-1", **query: Any) -> httpx.Response:
    raw = text.encode() if isinstance(text, str) else text
    headers = house[by].headers | {"Idempotency-Key": str(uuid4()), "Content-Type": "text/csv"}
    return await house.hotline.http.post(
        f"/api/v1/desks/{desk_of(house)}/rota/import", content=raw, headers=headers, params=query
    )


async def imported(house: Staff, text: str | bytes, **query: Any) -> tuple[int, int, int, int]:
    answer = await send(house, text, **query)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done["errors"] == []
    return done["rows"], done["added"], done["changed"], done["removed"]


async def shifts(house: Staff) -> list[Json]:
    rota = (await house["tn-timmach-1"].get(f"/desks/{desk_of(house)}/rota")).json()
    found: list[Json] = rota["imported"]
    return found


async def on_at(house: Staff, moment: str, role: str = "primary") -> list[str]:
    read = (await house["tn-timmach-1"].get(f"/desks/{desk_of(house)}/on-call", at=moment)).json()
    return [p["doctor"] for p in read["on_call"] if p["role"] == role]


def calendar(*events: str) -> str:
    inside = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{inside}END:VCALENDAR\n".replace("\n", "\r\n")


TABLE = f"role,doctor,from,to\nprimary,{LICENCES[5]},2026-12-24 08:00,2026-12-25 08:00\n"


@pytest.mark.parametrize(
    "table",
    [
        TABLE.encode(),
        b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode("utf-16"),
        f"Vai trò;Bác sĩ;Từ;Đến;Ghi chú\nTrực chính;{FIVE.upper()};24/12/2026 08:00;25/12/2026 8h00;x\n\n".encode(),
        f'to,from,doctor,role\n2026-12-25T08:00+07:00,2026-12-24T01:00:00Z," {LICENCES[5]} ",PRIMARY\n'.encode(),
    ],
    ids=["plain", "BOM and CRLF", "semicolons", "UTF-16 and tabs", "Vietnamese", "zones and another order"],
)
async def test_a_table_is_read_however_it_was_saved_and_twice_is_once(house: Staff, table: bytes) -> None:
    assert await imported(house, table, dry_run=True) == (1, 1, 0, 0)
    assert await shifts(house) == []
    assert await imported(house, table) == (1, 1, 0, 0)
    assert await on_at(house, "2026-12-24T02:00:00Z") == [house.id_of(house[FIVE])]
    version = (await send(house, table)).json()["version"]
    assert await imported(house, table) == (1, 0, 0, 0)
    assert (await send(house, table)).json()["version"] == version
    [shift] = await shifts(house)
    assert (shift["from"], shift["to"]) == ("2026-12-24T01:00:00Z", "2026-12-25T01:00:00Z")


async def test_a_key_that_was_used_for_a_dry_run_is_no_key_for_the_real_thing(house: Staff) -> None:
    headers = house["tn-timmach-1"].headers | {"Idempotency-Key": str(uuid4())}
    path = f"/api/v1/desks/{desk_of(house)}/rota/import"
    shown = await house.hotline.http.post(f"{path}?dry_run=true", content=TABLE, headers=headers)
    real = await house.hotline.http.post(path, content=TABLE, headers=headers)
    assert shown.json()["added"] == 1
    assert (real.status_code, real.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_each_wrong_line_is_named_and_nothing_is_saved(house: Staff) -> None:
    table = f"""role,doctor,from,to
primary,{LICENCES[5]},2026-12-24 08:00,2026-12-25 08:00
king,{LICENCES[5]},2026-12-24 08:00,2026-12-25 08:00
primary,,2026-12-24 08:00,2026-12-25 08:00
primary,{LICENCES[5]},tomorrow,2026-13-25 08:00
primary,{LICENCES[5]},2026-12-25 08:00,2026-12-24 08:00
primary,tn-nhi-1,2026-12-24 08:00,2026-12-25 08:00
primary,{FIVE},2026-12-24 08:00,2026-12-26 08:00
"""
    dry = await send(house, table, dry_run=True)
    assert dry.status_code == 200
    assert [error["line"] for error in dry.json()["errors"]] == [3, 4, 5, 5, 6, 7, 8]
    real = await send(house, table)
    assert real.status_code == 422
    assert real.json()["type"] == "/problems/import-refused"
    assert real.json()["errors"] == dry.json()["errors"]
    assert await shifts(house) == []


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff\xfe\x00",
        b"\x00\x01\x02",
        b"caf\xe9,x\n",
        b"role,doctor\nprimary,x\n",
        b"role,role,doctor,from,to\n",
        b'role,doctor,from,to\n"primary,x\n',
        b"BEGIN:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        calendar("UID:a\nDTSTART:2026\nDTEND:2027").encode(),
        calendar("DTSTART:20261224T080000\nDTEND:20261225T080000").encode(),
        calendar(f"UID:a\nSUMMARY:{FIVE}\nDTSTART:20261224T080000").encode(),
        calendar(f"UID:a\nSUMMARY:{FIVE}\nDTSTART:20261225T080000\nDTEND:20261224T080000").encode(),
        calendar(f"UID:a\nSUMMARY:{FIVE}\nX-HOICHAN-ROLE:king\nDTSTART:20261224T080000\nDURATION:PT4H").encode(),
        calendar(f"UID:a\nSUMMARY:{FIVE}\nDTSTART:00010101T000000\nDURATION:PT4H").encode(),
        calendar(
            f"UID:a\nSUMMARY:{FIVE}\nDTSTART:20261224T080000\nDURATION:PT1S\nRRULE:FREQ=SECONDLY;UNTIL=20361224T080000"
        ).encode(),
        calendar(
            f"UID:a\nSUMMARY:{FIVE}\nDTSTART:20261224T080000\nDURATION:PT1S\n"
            "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1"
        ).encode(),
        calendar("UID:a\nSUMMARY:nobody\nDTSTART:20261224T080000\nDURATION:PT4H").encode(),
        calendar(f"UID:a\nSUMMARY:{FIVE}\nDTSTART;TZID=Mars/Base:20261224T080000\nDURATION:PT4H").encode(),
        calendar(f"UID:a\nSUMMARY:{FIVE}\nDTSTART:20261224T080000Z\nDTEND;TZID=Mars/Base:20261224T220000").encode(),
    ],
)
async def test_what_cannot_be_read_is_an_error_in_words_and_never_a_fault(house: Staff, file: bytes) -> None:
    answer = await send(house, file)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["detail"]
    assert answer.json()["errors"][0]["line"] >= 1


def expanded(*events: str) -> tuple[int, list[tuple[int, str]]]:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    clock = Clockface(ZoneInfo("Asia/Ho_Chi_Minh"))
    uids = (f"UID:{number}\n{event}" for number, event in enumerate(events))
    sheet = read_calendar(calendar(*uids).encode(), clock, now, now + timedelta(days=90))
    return len(sheet.entries), [(complaint.line, complaint.en) for complaint in sheet.complaints]


@pytest.mark.parametrize(
    "times",
    [
        "DTSTART:PT1H\nDURATION:PT1H",
        "DTSTART:120000\nDURATION:PT1H",
        "DTSTART;VALUE=PERIOD:20261127T010000Z/PT1H",
        "DTSTART;TZID=Asia/Ho_Chi_Minh:00010101T000000\nDURATION:PT1H",
        "DTSTART:20261127T010000Z\nDTEND:130000",
        "DTSTART:20261127T010000Z\nDTEND:00010101T000000",
        "DTSTART:20261127T010000Z\nDTEND:20261127T010000Z/PT1H",
        "DTSTART:20261127T010000Z\nDURATION:20261127",
        "DTSTART:20261127T010000Z\nDURATION:P99999999D",
        "DTSTART:20261127T010000Z\nDURATION:PT1H\nRECURRENCE-ID:120000",
    ],
)
def test_what_is_no_date_where_one_belongs_is_an_error_of_its_line(times: str) -> None:
    entries, errors = expanded(times)
    assert (entries, [line for line, _ in errors]) == (0, [4])


@pytest.mark.parametrize(
    ("rule", "shifts"),
    [
        ("FREQ=DAILY", 90),
        ("FREQ=DAILY;UNTIL=99990101T000000Z", 90),
        ("FREQ=DAILY;COUNT=400", 37),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", 13),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 3),
        ("FREQ=MONTHLY;BYMONTHDAY=31", 2),
        ("FREQ=MONTHLY;BYDAY=-1SU;COUNT=99", 3),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25", 1),
        # What never comes, and would be looked for until the year 9999.
        ("FREQ=HOURLY;INTERVAL=0", None),
        ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=99990101T000000Z", None),
        ("FREQ=HOURLY;UNTIL=PT1H", None),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", None),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=3", None),
        ("FREQ=MONTHLY;BYDAY=6MO;COUNT=1", None),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=7", None),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", None),
        ("FREQ=YEARLY;BYWEEKNO=60", None),
    ],
)
def test_a_series_is_expanded_as_far_as_duty_is_known_and_refused_where_it_might_never_end(
    rule: str, shifts: int | None
) -> None:
    entries, errors = expanded(f"DTSTART:20251127T010000Z\nDURATION:PT1H\nRRULE:{rule}")
    assert (entries, [line for line, _ in errors]) == (shifts or 0, [] if shifts else [4])


def test_the_series_of_a_file_are_counted_together() -> None:
    daily = "DTSTART:19900101T010000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    hourly = "DTSTART:19960101T010000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY"
    assert expanded(daily, hourly)[1][0][0] == 10
    assert expanded(hourly) == (0, [(4, expanded(daily, hourly)[1][0][1])])
    entries, errors = expanded(*[daily] * 16)
    assert (entries, [line for line, _ in errors]) == (14 * 90, [4 + 14 * 6])


async def test_a_series_is_expanded_in_the_zone_of_the_rota_and_a_higher_sequence_wins(house: Staff) -> None:
    series = f"UID:s@x\nSUMMARY:Trực chính: {FIVE}\nDTSTART:20261201T200000\nDTEND:20261202T080000\n"
    series += "RRULE:FREQ=DAILY;COUNT=5\nEXDATE:20261203T200000"
    assert await imported(house, calendar(series)) == (1, 4, 0, 0)
    assert await imported(house, calendar(series)) == (1, 0, 0, 0)
    assert [shift["from"] for shift in await shifts(house)] == [f"2026-12-{day:02}T13:00:00Z" for day in (1, 2, 4, 5)]
    moved = (
        f"UID:s@x\nRECURRENCE-ID:20261202T200000\nSEQUENCE:2\nSUMMARY:{FIVE}\nDTSTART:20261202T220000\nDURATION:PT10H"
    )
    called_off = f"UID:s@x\nRECURRENCE-ID:20261204T200000\nSTATUS:CANCELLED\nSUMMARY:{FIVE}\nDTSTART:20261204T200000\n"
    called_off += "SEQUENCE:2"
    assert await imported(house, calendar(series, moved, called_off)) == (3, 0, 1, 1)
    assert [shift["from"] for shift in await shifts(house)] == [
        "2026-12-01T13:00:00Z",
        "2026-12-02T15:00:00Z",
        "2026-12-05T13:00:00Z",
    ]
    older = moved.replace("SEQUENCE:2", "SEQUENCE:1").replace("T220000", "T210000")
    assert await imported(house, calendar(older)) == (1, 0, 0, 0)
    assert await imported(house, calendar(series + "\nSTATUS:CANCELLED\nSEQUENCE:3")) == (1, 0, 0, 3)


async def test_what_is_missing_goes_only_when_the_file_is_the_whole_of_its_source(house: Staff) -> None:
    first = f"UID:a@x\nSUMMARY:{FIVE}\nDTSTART;VALUE=DATE:20261210"
    second = "UID:b@x\nSUMMARY:Đội báo động đỏ\nATTENDEE:mailto:Bs5@bv.vn\nDTSTART:20261211T010000Z\nDURATION:PT4H"
    await house.execute(f"UPDATE user_account SET email = 'bs5@bv.vn' WHERE username = '{FIVE}'")
    assert await imported(house, calendar(first, second)) == (2, 2, 0, 0)
    assert await imported(house, TABLE) == (1, 1, 0, 0)
    found = await shifts(house)
    assert [(s["role"], s["from"], s["to"]) for s in found[:2]] == [
        ("primary", "2026-12-09T17:00:00Z", "2026-12-10T17:00:00Z"),
        ("red_team", "2026-12-11T01:00:00Z", "2026-12-11T05:00:00Z"),
    ]
    assert await imported(house, calendar(second)) == (1, 0, 0, 0)
    assert await imported(house, calendar(second), replace=True) == (1, 0, 0, 1)
    assert [s["source"] for s in await shifts(house)] == ["ical", "csv"]
    later = second.replace("DURATION:PT4H", "DURATION:PT5H")
    assert later != second
    assert await imported(house, calendar(later)) == (1, 0, 1, 0)
    said = "SELECT data -> 'changes' AS changes FROM event WHERE type = 'rota.published' ORDER BY seq DESC LIMIT 4"
    edits = [[(c["op"], c["before"], c["after"]) for c in row.changes] for row in await house.execute(said)]
    assert [[(op, bool(b), bool(a)) for op, b, a in edit] for edit in edits] == [
        [("put", True, True)],
        [("delete", True, False)],
        [("put", False, True)],
        [("put", False, True)] * 2,
    ]
    _, before, after = edits[0][0]
    assert {name for name in before if before[name] != after[name]} == {"to"}
    assert (after["to"], after["role"], after["uid"]) == ("2026-12-11T06:00:00Z", "red_team", edits[3][1][2]["uid"])


async def test_a_doctor_who_could_be_two_is_an_error(house: Staff) -> None:
    await house.execute(
        "UPDATE user_account SET email = 'truc@bv.vn' WHERE username IN ('tn-timmach-4', :five)", five=FIVE
    )
    table = "role,doctor,from,to\nprimary,truc@bv.vn,2026-12-24 08:00,2026-12-25 08:00\n"
    answer = await send(house, table)
    assert answer.status_code == 422
    assert "Nhiều bác sĩ" in answer.json()["errors"][0]["detail"]


async def test_whoever_wrote_the_calendar_is_not_on_duty_for_a_stranger(house: Staff) -> None:
    await house.execute("UPDATE user_account SET email = 'bs5@bv.vn' WHERE username = :five", five=FIVE)
    when = "DTSTART:20261211T010000Z\nDURATION:PT4H\nORGANIZER:mailto:bs5@bv.vn"
    for named in ("ATTENDEE:mailto:nobody@bv.vn", "X-HOICHAN-DOCTOR:999999/DEMO-CCHN\nATTENDEE:mailto:bs5@bv.vn"):
        refused = await send(house, calendar(f"UID:a\nSUMMARY:Trực\n{named}\n{when}"))
        assert refused.status_code == 422, named
        assert "Không tìm thấy" in refused.json()["errors"][0]["detail"]
    assert await imported(house, calendar(f"UID:a\nSUMMARY:Trực\n{when}")) == (1, 1, 0, 0)


async def test_an_import_of_nothing_makes_no_rota(house: Staff) -> None:
    [row] = await house.execute(
        "INSERT INTO desk (id, key, hospital_id, specialty, name, active) "
        "VALUES (gen_random_uuid(), 'tn-moi', CAST(:h AS uuid), 'K04', 'Bàn trực mới', true) RETURNING id",
        h=house["tn-timmach-1"].account["hospital"],
    )
    headers = house["tn-quantri"].headers | {"Content-Type": "text/csv"}
    for number, text in enumerate(("role,doctor,from,to\n", calendar())):
        answer = await house.hotline.http.post(
            f"/api/v1/desks/{row.id}/rota/import",
            content=text,
            headers=headers | {"Idempotency-Key": f"nothing-{number}"},
        )
        assert (answer.status_code, answer.json()["added"]) == (200, 0), answer.text
    assert await house.execute("SELECT id FROM schedule WHERE desk_id = :d", d=row.id) == []
    await house.execute("DELETE FROM desk WHERE id = :d", d=row.id)


async def test_who_may_not_edit_the_rota_may_not_import_it(house: Staff) -> None:
    assert (await send(house, TABLE, by="tn-dieuphoi-1")).status_code == 403
    assert (await send(house, TABLE, by="tn-timmach-2")).status_code == 403
    assert (await send(house, TABLE, by="tudu-sanphu-1")).status_code == 404
    assert (await send(house, TABLE, by="tn-quantri")).status_code == 200


async def make_feed(person: Person, **what: str) -> Json:
    answer = await person.hotline.http.post("/api/v1/feeds", json=what, headers=person.headers)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def test_a_feed_shows_duty_to_whoever_has_its_address_until_it_is_revoked(house: Staff) -> None:
    doctor, http = house["tn-timmach-2"], house.hotline.http
    made = await make_feed(doctor, desk=desk_of(house))
    secret = made["url"].rsplit("/", 1)[1].removesuffix(".ics")
    assert len(secret) >= 43
    path = f"/api/v1/feeds/{secret}.ics"
    read = await http.get(path)
    assert read.status_code == 200
    assert read.headers["content-type"].startswith("text/calendar")
    assert read.text.count("BEGIN:VEVENT") > 90
    assert "Trực chính" in read.text.replace("\r\n ", "")
    assert (await http.get(path, headers={"If-None-Match": read.headers["etag"]})).status_code == 304
    assert (await http.get(path)).content == read.content
    far = await http.get(path, params={"days": 400})
    last = max(re.findall(r"DTEND:(\d{8})", far.text))
    assert last > (house.hotline.clock.now() + timedelta(days=395)).strftime("%Y%m%d")
    assert set(re.findall(r"UID:(\S+)", read.text)) <= set(re.findall(r"UID:(\S+)", far.text))
    stored = await house.execute("SELECT coalesce(string_agg(body, ''), '') AS kept FROM stored_answer")
    assert secret not in stored[0].kept
    [listed] = (await doctor.get("/feeds")).json()["items"]
    assert (listed["id"], "url" in listed) == (made["id"], False)
    stranger = await http.delete(f"/api/v1/feeds/{made['id']}", headers=house["tn-timmach-3"].headers)
    assert stranger.status_code == 404
    assert (await http.delete(f"/api/v1/feeds/{made['id']}", headers=doctor.headers)).status_code == 204
    gone, never = await http.get(path), await http.get("/api/v1/feeds/khong-co.ics")
    assert gone.status_code == never.status_code == 404
    assert gone.content == never.content
    assert (await doctor.get("/feeds")).json()["items"] == []


@pytest.mark.parametrize(
    "change", ["role = 'requester'", "hospital_id = (SELECT id FROM organization WHERE key = 'tudu')"]
)
async def test_a_feed_of_a_rota_ends_when_its_maker_could_not_make_it_any_more(house: Staff, change: str) -> None:
    doctor, http = house["tn-timmach-2"], house.hotline.http
    made = await make_feed(doctor, desk=desk_of(house))
    path = "/api/v1/feeds/" + made["url"].rsplit("/", 1)[1]
    assert (await http.get(path)).status_code == 200
    [before] = await house.execute("SELECT role, hospital_id FROM user_account WHERE username = 'tn-timmach-2'")
    await house.execute(f"UPDATE user_account SET {change} WHERE username = 'tn-timmach-2'")
    try:
        assert (await http.get(path)).status_code == 404
    finally:
        await house.execute(
            "UPDATE user_account SET role = :role, hospital_id = :hospital WHERE username = 'tn-timmach-2'",
            role=before.role,
            hospital=before.hospital_id,
        )


async def test_ones_own_feed_shows_ones_own_duty_only_and_ends_with_the_account(house: Staff) -> None:
    doctor, http = house["tn-timmach-2"], house.hotline.http
    made = await make_feed(doctor)
    path = "/api/v1/feeds/" + made["url"].rsplit("/", 1)[1]
    text = (await http.get(path)).text.replace("\r\n ", "")
    assert set(re.findall(r"X-HOICHAN-DOCTOR:(\S+)", text)) == {house.id_of(doctor)}
    await house.execute("UPDATE user_account SET active = false WHERE username = 'tn-timmach-2'")
    assert (await http.get(path)).status_code == 404


async def test_what_a_feed_gives_can_be_imported_and_changes_nobodys_duty(house: Staff) -> None:
    head = house["tn-timmach-1"]
    made = await make_feed(head, desk=desk_of(house))
    text = (await house.hotline.http.get("/api/v1/feeds/" + made["url"].rsplit("/", 1)[1])).content
    span = {"from": house.hotline.clock.now().isoformat()}
    before = (await head.get(f"/desks/{desk_of(house)}/duty", **span)).json()["slots"]
    answer = await send(house, text)
    assert answer.status_code == 200, answer.text
    assert answer.json()["added"] > 90
    assert (await head.get(f"/desks/{desk_of(house)}/duty", **span)).json()["slots"] == before
    assert (await send(house, text)).json()["added"] == 0


async def test_nobody_makes_a_feed_of_a_rota_that_is_not_theirs_to_see(house: Staff) -> None:
    http = house.hotline.http
    for who, body, status in (
        ("tudu-sanphu-1", {"desk": desk_of(house)}, 404),
        ("sonla-capcuu-1", {"desk": desk_of(house)}, 404),
        ("sonla-capcuu-1", {}, 403),
        ("tn-timmach-1", {"desk": str(uuid4())}, 404),
        ("tn-timmach-1", {"desk": "x"}, 422),
        ("tn-timmach-1", {"days": 3}, 422),
    ):
        answer = await http.post("/api/v1/feeds", json=body, headers=house[who].headers)
        assert answer.status_code == status, (who, body, answer.text)
    assert (await http.get("/api/v1/feeds/x.ics", params={"days": 401})).status_code == 422
