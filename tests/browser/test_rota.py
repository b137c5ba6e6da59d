"""The rota on its screens: a gap is filled and gone, an edit shown before it counts, duty swapped, a file taken in."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Locator, Page, expect
from sqlalchemy import text

from app.routers.problems import VIETNAM
from tests.browser.conftest import DESKTOP, PHONE, SMALLEST, Ward
from tests.browser.eyes import look
from tests.browser.hands import button, choice, field, form_kept
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser

HEAD, COORDINATOR, ADMIN = "tn-timmach-1", "tn-dieuphoi-1", "tn-quantri"
SATURDAY = {"from": "2026-11-28T01:00:00Z", "to": "2026-11-29T01:00:00Z"}  # 08:00 to 08:00 in Vietnam


async def test_a_gap_found_on_friday_is_closed_before_the_weekend(ward: Ward) -> None:
    await ward.moves_on(days=3, hours=7)  # Friday morning
    head, coordinator = await ward.person(HEAD), await ward.person(COORDINATOR)
    board = await ward.open(coordinator, on=DESKTOP)
    gap = board.get_by_role("link", name="Bàn trực Tim mạch: thiếu trực hai ngày mai 08:00")
    await expect(board.get_by_text("14 ngày tới không thiếu trực.")).to_be_visible()
    desk = await ward.open(head, on=DESKTOP)
    [ill] = [s["doctor"] for s in await duty(head, "backup")]
    await publish(head, {"kind": "remove", "role": "backup", "doctor": ill, **SATURDAY, "reason": "Ốm"})
    await expect(gap).to_be_visible()

    banner = desk.get_by_role("alert").filter(has_text="Thiếu trực hai, Bàn trực Tim mạch")
    await banner.get_by_role("link", name="Mở lịch trực").click()
    missing = "Thiếu trực hai: Thứ Bảy 28/11, 08:00 đến 08:00 (24 giờ)"
    await expect(desk.get_by_role("alert").filter(has_text=missing)).to_be_visible()
    await button(desk, "Tìm người trực").click()
    await expect(choice(desk, "Loại", "thêm người")).to_have_attribute("aria-checked", "true")
    await expect(field(desk, "Từ")).to_have_value("28/11/2026 08:00")
    await desk.get_by_label("Người trực thêm").select_option("BS trực Tim mạch 5")
    await field(desk, "Lý do").fill("Trực thay người ốm")
    await button(desk, "Lưu ghi đè").click()
    await expect(desk.get_by_text("+ 24 giờ: trực hai 28/11 08:00 – 29/11 08:00")).to_be_visible()
    await expect(desk.get_by_text(missing)).to_have_count(0)
    await expect(gap).to_be_visible()  # a draft fills nothing

    await button(desk, "Công bố 1 thay đổi").click()
    await expect(desk.locator(".note").filter(has_text="Đã công bố, bản 3.")).to_be_visible()
    await expect(gap).to_have_count(0)
    await expect(board.get_by_text("14 ngày tới không thiếu trực.")).to_be_visible()
    result = await duty(head, "backup")
    assert [s["doctor_name"] for s in result] == ["BS trực Tim mạch 5"]


async def test_an_edit_is_shown_refused_kept_and_published_over_somebody_elses(ward: Ward) -> None:
    head, admin = await ward.person(HEAD), await ward.person(ADMIN)
    page = await ward.open(head, on=DESKTOP, at=f"/rota?desk={head.account['desk']}")
    row = page.get_by_role("row", name=re.compile("^Kết quả · Trực chính"))
    await row.get_by_role("button", name=re.compile("Thứ Sáu 27.11, 08:00")).click()
    await button(page, "Thay người này").click()
    await button(page, "Lưu ghi đè").click()
    form = page.locator(".r-form")
    await expect(form.get_by_role("alert")).to_have_text("2 mục cần sửa.")
    await expect(form.get_by_label("Người trực thay")).to_have_attribute("aria-invalid", "true")
    await expect(field(form, "Lý do")).to_have_attribute("aria-invalid", "true")
    await form.get_by_label("Người trực thay").select_option("BS trực Tim mạch 6")
    await field(form, "Lý do").fill("Đổi ca đã đồng ý")
    await button(form, "Lưu ghi đè").click()
    changed = row.get_by_role("button", name=re.compile("BS trực Tim mạch 6 · Thứ Sáu 27.11, 08:00"))
    await expect(changed).to_be_visible()
    assert "BS trực Tim mạch 6" not in [s["doctor_name"] for s in await duty(head, "primary", "2026-11-27T02:00:00Z")]

    await form_kept(page, f"rota:desk:{head.account['desk']}", "Đổi ca đã đồng ý")
    await page.reload()
    await expect(changed).to_be_visible()
    other = {"kind": "add", "role": "red_team", "doctor": await id_of(head), **SATURDAY, "reason": "Thêm người"}
    await publish(admin, other)
    await button(page, "Công bố 1 thay đổi").click()
    news = page.get_by_role("alert").filter(has_text="Lịch Bàn trực Tim mạch vừa được")
    await expect(news).to_contain_text(f"{admin.name} công bố. Lịch đã tải lại, bản nháp của bạn còn nguyên.")
    await expect(changed).to_be_visible()
    await button(page, "Công bố 1 thay đổi").click()
    await expect(page.locator(".note").filter(has_text="Đã công bố, bản 3.")).to_be_visible()
    await expect(button(page, "Công bố 1 thay đổi")).to_have_count(0)
    assert [s["doctor_name"] for s in await duty(head, "primary", "2026-11-27T02:00:00Z")] == ["BS trực Tim mạch 6"]


async def test_layers_are_drawn_as_they_are_worked_out_and_edited_from_the_keyboard(ward: Ward) -> None:
    head = await ward.person(HEAD)
    page = await ward.open(head, on=DESKTOP, at=f"/rota?desk={head.account['desk']}&week=2026-12-07")
    for drawn in ("^Kết quả · Trực chính", "^Trực chính"):  # what is worked out, and what is written: two answers
        await page.get_by_role("row", name=re.compile(drawn)).get_by_role("button").first.wait_for()
    for role in ("Trực chính", "Trực hai", "Trưởng ca trực", "Kíp báo động đỏ"):
        layer = await blocks(page.get_by_role("row", name=re.compile(f"^{role}")))
        result = await blocks(page.get_by_role("row", name=re.compile(f"^Kết quả · {role}")))
        assert layer == result
        assert layer != []
    layer_row = page.get_by_role("row", name=re.compile("^Trực chính"))
    await layer_row.get_by_role("gridcell").get_by_role("button").first.focus()
    await page.keyboard.press("ArrowRight")
    focused = page.locator(":focus")
    await expect(focused).to_have_attribute("aria-label", re.compile("Thứ Hai 07/12, 08:00"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Lớp · Trực chính")).to_be_visible()
    await field(page, "Mức ưu tiên").fill("5")
    await button(page, "Bỏ lượt 4").click()
    await button(page, "Lưu lớp").click()
    await expect(page.get_by_text("Sửa lớp")).to_be_visible()
    await expect(page.get_by_text(re.compile("^− "))).to_have_count(4)
    await page.keyboard.press("n")
    await expect(page.get_by_role("heading", name="Ghi đè mới")).to_be_visible()


async def test_a_duty_is_offered_and_taken_and_both_see_it_at_once(ward: Ward) -> None:
    giver, taker = await ward.person(HEAD), await ward.person("tn-timmach-6")
    where = f"/rota?desk={giver.account['desk']}&view=mine"
    theirs = await ward.open(taker, on=PHONE, at=where)
    mine = await ward.open(giver, on=DESKTOP, at=where)
    first = mine.get_by_role("listitem").filter(has_text="Thứ Năm 26/11, 08:00 đến 08:00 (24 giờ)Trực chính")
    await button(first, "Nhờ trực thay").click()
    dialog = mine.get_by_role("dialog")
    await field(dialog, "Đến").fill("26/11 20:00")
    await field(dialog, "Lời nhắn").fill("Con ốm")
    await button(dialog, "Gửi cho đồng nghiệp").click()
    await expect(first).to_contain_text("đang nhờ trực thay")
    offered = theirs.get_by_role("listitem").filter(has_text="Con ốm")
    await expect(offered).to_contain_text("Thứ Năm 26/11, 08:00 đến 20:00 (12 giờ)")
    await button(offered, "Nhận trực").click()
    await expect(theirs.locator(".note").filter(has_text="Bạn đã nhận ca này. Lịch đã đổi.")).to_be_visible()
    await expect(mine.get_by_role("listitem").filter(has_text="đã có người nhận")).to_contain_text(taker.name)
    assert [s["doctor_name"] for s in await duty(giver, "primary", "2026-11-26T02:00:00Z")] == [taker.name]
    assert [s["doctor_name"] for s in await duty(giver, "primary", "2026-11-26T14:00:00Z")] == [giver.name]


async def test_a_file_with_one_wrong_line_says_which_and_saves_nothing(ward: Ward) -> None:
    head = await ward.person(HEAD)
    page = await ward.open(head, on=DESKTOP, at=f"/rota?desk={head.account['desk']}&view=exchange")
    good = "role,doctor,from,to\nprimary,tn-timmach-6,2026-12-24 08:00,2026-12-25 08:00\n"
    await chooses(page, good + "primary,khong-co-ai,2026-12-25 08:00,2026-12-26 08:00\n")
    await button(page, "Thử, chưa lưu").click()
    await expect(page.get_by_role("row").filter(has_text="Không tìm thấy bác sĩ")).to_contain_text("3")
    await expect(button(page, "Lưu vào lịch")).to_have_count(0)
    await chooses(page, good)
    await button(page, "Thử, chưa lưu").click()
    await expect(page.get_by_text("1 dòng: thêm 1, đổi 0, bỏ 0.")).to_be_visible()
    await button(page, "Lưu vào lịch").click()
    await expect(page.locator(".note").filter(has_text="Đã lưu: thêm 1, đổi 0, bỏ 0.")).to_be_visible()
    assert [s["doctor_name"] for s in await duty(head, "primary", "2026-12-24T02:00:00Z")] == ["BS trực Tim mạch 6"]
    await button(page, "Lịch Bàn trực Tim mạch").click()
    address = page.get_by_label("Địa chỉ lịch")
    await expect(address).to_have_value(re.compile(r"/api/v1/feeds/.+\.ics$"))
    path = (await address.input_value()).removeprefix(ward.url)
    assert "BEGIN:VCALENDAR" in (await ward.http.get(path)).text
    await button(page, "Thu hồi: Bàn trực Tim mạch").click()
    await expect(page.locator(".note").filter(has_text="Đã thu hồi.")).to_be_visible()
    assert (await ward.http.get(path)).status_code == 404


async def test_who_comes_on_duty_is_asked_on_any_screen_and_answers_with_one_tap(ward: Ward) -> None:
    doctor, head = await ward.person("tn-timmach-5"), await ward.person(HEAD)
    ward.app.state.house.settings.reachability = "on"
    async with ward.app.state.house.work(None) as work:  # as if the watch had gone on all day
        told = "UPDATE duty_slot SET start_told_at = lower(during) WHERE lower(during) <= :now"
        await work.session.execute(text(told), {"now": ward.clock.now()})
        await work.session.commit()
    page = await ward.open(doctor, on=PHONE, at="/account")
    start = ward.clock.now() + timedelta(minutes=10)
    soon = {"from": start.isoformat(), "to": (start + timedelta(hours=3)).isoformat()}
    await publish(head, {"kind": "add", "role": "backup", "doctor": await id_of(doctor), **soon, "reason": "Thêm"})
    await ward.app.state.watches.run_due()
    asked = page.get_by_role("alertdialog", name="Bạn có mặt để trực không?")
    await expect(asked).to_contain_text(f"Trực hai · Bàn trực Tim mạch, từ {clock(start)}")
    await button(asked, "Tôi có mặt").click()
    await expect(page.get_by_text(re.compile(r"Đã ghi nhận lúc \d\d:\d\d: bạn có mặt\."))).to_be_visible()
    await expect(asked).to_have_count(0)
    checks = (await doctor.get("/duty/checks")).json()["items"]
    assert [c for c in checks if c["state"] != "answered"] == []


@pytest.fixture(params=["100 %", "200 %"])
def reader(request: pytest.FixtureRequest, ward: Ward) -> Ward:
    """People who read text at its size, or at twice its size."""
    if request.param == "200 %":
        ward.browser = request.getfixturevalue("large_print")
    return ward


async def test_the_rota_fits_the_smallest_phone_in_any_size_of_text(reader: Ward) -> None:
    head = await reader.person(HEAD)
    page = await reader.open(head, on=SMALLEST, at="/rota")
    for view, ready in (("week", ".day-r"), ("mine", ".duty"), ("exchange", ".mine .card"), ("month", ".mp-who")):
        await page.goto(f"/rota?desk={head.account['desk']}&view={view}")
        await page.locator(ready).locator("visible=true").first.wait_for()
        assert await look(page, "outside") == [], view


@pytest.mark.parametrize("on", [SMALLEST, PHONE], ids=["320", "390"])
async def test_a_month_on_a_phone_shows_each_day_whole_and_which_of_them_miss_somebody(ward: Ward, on: Json) -> None:
    head = await ward.person(HEAD)
    [ill] = [s["doctor"] for s in await duty(head, "backup")]
    await publish(head, {"kind": "remove", "role": "backup", "doctor": ill, **SATURDAY, "reason": "Ốm"})
    page = await ward.open(head, on=on, at=f"/rota?desk={head.account['desk']}&view=month")
    today = page.get_by_role("button", name=re.compile("^Thứ Ba 24.11 · hôm nay · Trực chính: BS trực Tim mạch"))
    missing = page.get_by_role("button", name=re.compile("^Thứ Bảy 28.11 .*Thiếu trực hai 08–"))
    await expect(today).to_have_attribute("aria-pressed", "true")
    await expect(missing).to_contain_text("!")
    assert await look(page, "outside") == []
    heights = await page.locator(".mp-d").evaluate_all("days => days.map(d => d.getBoundingClientRect().height)")
    assert (len(heights), min(heights) >= 48) == (42, True)
    await missing.click()
    await expect(missing).to_have_attribute("aria-pressed", "true")
    day = page.locator(".day-d")
    await expect(day.get_by_role("heading", name="Thứ Bảy 28/11")).to_be_visible()
    await expect(day.get_by_role("button", name="Thiếu trực hai")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Thứ Hai 30.11")).click()
    await page.get_by_role("region", name="Thiếu trực trong tháng: 1").get_by_role("button").click()
    await expect(missing).to_have_attribute("aria-pressed", "true")
    await button(page, "Mở tuần này").click()
    await page.wait_for_url(re.compile("week=2026-11-23"))
    await expect(page.locator(".day-r").locator("visible=true").first).to_be_visible()


# --- what the others do -----------------------------------------------------------------------------------------------


async def publish(person: Person, body: Json) -> None:
    """Publish one override of the cardiology desk, as another page would."""
    desk = (await person.hotline.person(HEAD)).account["desk"]
    version = (await person.get(f"/desks/{desk}/rota")).json()["version"]
    changes = [{"op": "put", "kind": "override", "body": body}]
    answer = await person.post(f"/desks/{desk}/rota", {"version": version, "changes": changes})
    assert answer.status_code == 200, answer.text


async def duty(person: Person, role: str, at: str = "2026-11-28T02:00:00Z") -> list[Json]:
    """Who has a role of the cardiology desk at an instant."""
    desk = (await person.hotline.person(HEAD)).account["desk"]
    answer = await person.get(f"/desks/{desk}/on-call", at=at)
    return [s for s in answer.json()["on_call"] if s["role"] == role]


async def id_of(person: Person) -> str:
    return str((await person.me())["id"])


async def blocks(row: Locator) -> list[str]:
    """What the blocks of a row say to whoever cannot see them."""
    names = [await b.get_attribute("aria-label") for b in await row.get_by_role("gridcell").get_by_role("button").all()]
    return [n for n in names if n]


async def chooses(page: Page, table: str) -> None:
    file = {"name": "lich.csv", "mimeType": "text/csv", "buffer": table.encode()}
    await page.get_by_label("Tệp", exact=True).set_input_files(file)


def clock(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%H:%M")
