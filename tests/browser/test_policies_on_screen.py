"""Ladders and agreements: who may change them does so where they read them, and the preview says what then happens."""

import re
from datetime import datetime

import pytest
from playwright.async_api import expect

from app.models.working_hours import ZONE
from app.services.rostering import holidays
from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import button, choice, field
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser


async def test_an_administrator_changes_a_ladder_and_the_preview_says_what_then_happens(ward: Ward) -> None:
    requester, doctor, admin = await people(ward)
    page = await ward.open(admin, on=DESKTOP)
    await expect(page.get_by_role("heading", name="Trang đầu")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="Thang gọi").click()
    await page.get_by_label("Thang gọi của").select_option(doctor.account["desk"])
    ladder = page.get_by_role("region", name="Cam · Cấp cứu")
    await expect(ladder).to_contain_text("mặc định")
    await button(ladder, "Sửa").click()
    first = ladder.get_by_role("group", name="Nấc 1")
    await first.get_by_role("textbox", name="Chờ").fill("không rõ")
    await button(ladder, "Lưu").click()
    await expect(first).to_contain_text("Ghi thời gian như 5:00")
    await first.get_by_role("textbox", name="Chờ").fill("0:05")
    await button(ladder, "Lưu").click()
    await expect(first.locator(".err")).to_be_visible()  # the server's own words, at the field
    await first.get_by_role("textbox", name="Chờ").fill("1:30")
    await button(ladder, "Lưu").click()
    await expect(ladder).to_contain_text("của bàn trực")
    await expect(ladder.get_by_role("listitem").first).to_contain_text("1:30")

    asked = page.get_by_role("region", name="Nếu … hỏi … lúc …")
    hospital = (await requester.get("/me")).json()["hospital"]
    await asked.get_by_label("Bệnh viện hỏi").select_option(hospital)
    await asked.get_by_label("Chuyên khoa").select_option("K04")
    await asked.get_by_label("Lúc").fill("06/02/2027 02:00")  # the first of Tết
    await button(asked, "Xem ai được gọi").click()
    answer = asked.get_by_role("status")
    await expect(answer).to_contain_text(re.compile(r"Thang riêng của bàn trực, bản \d"))
    steps = answer.locator(".ladder > li")
    await expect(steps.first).to_contain_text("02:00:00")
    await expect(steps.nth(1)).to_contain_text("02:01:30")
    await expect(answer).to_contain_text("đổ chuông đến khi có người nhận")

    form = await ward.open(requester, on=DESKTOP, at="/request")  # whoever asks reads the same before sending
    await choice(form, "Chuyên khoa", "Tim mạch").click()
    await choice(form, "Mức khẩn", "Cam").click()
    await form.locator(".who li").first.wait_for()
    promised = await form.locator(".who li").all_inner_texts()
    assert promised[1].endswith("sau 1:30")

    case = await ward.ask("K04", by=requester)  # and so it does
    ladder = (await requester.get(f"/consultations/{case['id']}")).json()["callouts"][0]["ladder"]
    second = datetime.fromisoformat(ladder[1]["at"]) - datetime.fromisoformat(case["created_at"])
    assert second.total_seconds() == pytest.approx(90, abs=1)
    for said, step in zip(promised[:-1], ladder, strict=False):
        assert step["doctors"][0]["doctor_name"] in said
    load = page.get_by_role("region", name="Khối lượng trực").first
    await expect(load.get_by_role("row")).not_to_have_count(0)


@pytest.mark.parametrize("on", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_one_button_shows_whom_moc_chau_would_ring_for_cardiology_at_two_on_the_first_of_tet(
    ward: Ward, on: dict[str, int]
) -> None:
    _, doctor, admin = await people(ward)
    await knows_the_holidays(ward)
    page = await ward.open(admin, on=on, at=f"/policies?desk={doctor.account['desk']}")
    asked = page.get_by_role("region", name="Nếu … hỏi … lúc …")
    await asked.get_by_label("Bệnh viện hỏi").select_option("BVĐK Mộc Châu")
    await asked.get_by_label("Chuyên khoa").select_option("K04")
    await button(asked, "02:00 mùng một Tết (06/02/2027)").click()
    await expect(asked.get_by_label("Lúc")).to_have_value("06/02/2027 02:00")
    await button(asked, "Xem ai được gọi").click()
    answer = asked.get_by_role("status")

    hospital = next(h for h in (await admin.get("/hospitals")).json()["items"] if h["short_name"] == "BVĐK Mộc Châu")
    given = {"hospital": hospital["id"], "specialty": "K04", "urgency": "orange", "at": "2027-02-06T02:00:00+07:00"}
    ladder = (await admin.get("/ladder", **given)).json()
    await expect(answer.locator(".w-desk")).to_contain_text(ladder["desk"]["name"])
    rows = answer.locator(".ladder > li")
    await expect(rows).to_have_count(len(ladder["steps"]))
    for row, step in zip(await rows.all(), ladder["steps"], strict=True):
        for person in step["rung"]:
            await expect(row).to_contain_text(person["doctor_name"])
        if step["at"]:
            local = datetime.fromisoformat(step["at"]).astimezone(ZONE)
            await expect(row).to_contain_text(f"{local:%H:%M:%S}")
    await expect(rows.first).to_contain_text("02:00:00")
    assert ladder["steps"][0]["rung"], "somebody is on duty at Tết"
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_once_the_first_of_tet_has_passed_the_button_means_the_next_years(ward: Ward) -> None:
    await knows_the_holidays(ward)
    ward.clock.advance(days=76)  # the third of Tết, which is a day off as well
    admin = await ward.sign_in(next(a for a in ward.accounts if a["role"] == "admin"))
    page = await ward.open(admin, on=PHONE, at="/policies")
    await expect(button(page, "02:00 mùng một Tết (26/01/2028)")).to_be_visible()


async def test_two_who_edit_one_ladder_do_not_overwrite_each_other(ward: Ward) -> None:
    _, doctor, admin = await people(ward)
    desk = doctor.account["desk"]
    policy = (await admin.get(f"/desks/{desk}/policies/yellow")).json()
    body = {"steps": policy["steps"], "silent_s": 900}
    assert (await admin.put(f"/desks/{desk}/policies/yellow", body)).status_code == 200
    page = await ward.open(admin, on=PHONE, at=f"/policies?desk={desk}")
    ladder = page.get_by_role("region", name="Vàng · Khẩn")
    await button(ladder, "Sửa").click()
    await expect(field(ladder, "Im lặng bao lâu")).to_have_value("15:00")
    assert (await admin.put(f"/desks/{desk}/policies/yellow", body | {"silent_s": 1200})).status_code == 200
    await button(ladder, "Lưu").click()
    await expect(ladder.get_by_role("alert")).to_contain_text(f"{admin.account['name']} vừa đổi thang này")
    await button(ladder, "Xem bản mới").click()
    await expect(ladder).to_contain_text("im lặng 20:00")


async def test_an_agreement_is_made_and_an_overlap_names_the_one_in_the_way(ward: Ward) -> None:
    requester, doctor, admin = await people(ward)
    page = await ward.open(admin, on=DESKTOP, at="/agreements")
    await expect(page.locator(".agr-card").first).to_be_visible()
    asking = (await requester.get("/me")).json()["hospital"]
    form = page.get_by_role("dialog")
    for time in ("first", "again"):
        await button(page, "Thêm thỏa thuận").click()
        await form.get_by_label("Bên hỏi").select_option(asking)
        await form.get_by_label("Chuyên khoa").select_option("K04")
        await button(form, "Lưu").click()
        await expect(form).to_contain_text("Cần điền mục này.")
        await form.get_by_label("Thêm bàn trực").select_option(doctor.account["desk"])
        await button(form, "Lưu").click()
        if time == "first":
            await expect(form).to_be_hidden()
    await expect(form.get_by_role("alert").first).to_contain_text("Hai bên đã có thỏa thuận")
    await expect(form.get_by_role("alert").first).to_contain_text("Đổi thời hạn, hoặc sửa thỏa thuận đó.")
    await page.keyboard.press("Escape")
    card = page.locator(".agr-card").filter(has=button(page, "Sửa")).first
    await button(card, "Sửa").click()
    form = page.get_by_role("dialog")
    await field(form, "Tên thỏa thuận").fill("Thỏa thuận hợp tác chuyên môn")
    await button(form, "Lưu").click()
    await expect(form).to_be_hidden()
    card = page.locator(".agr-card").filter(has_text="Thỏa thuận hợp tác chuyên môn").first
    for words, shown, end in (
        ("31/12/2027", "đến hết Thứ Sáu 31/12", "2027-12-31T17:00:00Z"),  # a date alone counts whole
        ("", "", None),
    ):
        await button(card, "Sửa").click()
        ends = field(form, "Hết hạn")
        await ends.fill("31/12/2027 lúc nửa đêm")
        await button(form, "Lưu").click()
        await expect(ends).to_be_focused()
        await expect(ends).to_have_attribute("aria-invalid", "true")
        await ends.fill(words)
        await expect(form).to_contain_text(shown)
        await button(form, "Lưu").click()
        await expect(form).to_be_hidden()
        items = (await admin.get("/agreements")).json()["items"]
        assert [a["to"] for a in items if a["title"] == "Thỏa thuận hợp tác chuyên môn"] == [end]


async def test_a_coordinator_reads_ladders_and_agreements_and_may_change_neither(ward: Ward) -> None:
    _, doctor, _ = await people(ward)
    account = next(
        a for a in ward.accounts if a["role"] == "coordinator" and a["hospital_name"] == doctor.account["hospital_name"]
    )
    page = await ward.open(await ward.sign_in(account), on=DESKTOP, at=f"/policies?desk={doctor.account['desk']}")
    await expect(page.get_by_role("region", name="Đỏ · Nguy kịch").get_by_role("listitem").first).to_be_visible()
    await expect(button(page, "Sửa")).to_have_count(0)
    await page.goto("/agreements")
    await expect(page.locator(".agr-card").first).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("Sửa|Thêm thỏa thuận"))).to_have_count(0)


async def knows_the_holidays(ward: Ward) -> None:
    """As every server that starts seeds them."""
    house = ward.app.state.house
    async with house.work(None) as work:
        await holidays.seed(work)
        await house.commit(work)


@pytest.mark.parametrize("on", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_an_administrator_changes_what_a_doctor_has_room_for_beside_the_load(ward: Ward, on: Json) -> None:
    _, doctor, admin = await people(ward)
    name = doctor.account["name"]
    desk = doctor.account["desk"]
    who = (await doctor.me())["id"]
    told = await ward.open(doctor, on=DESKTOP, at="/desk")
    page = await ward.open(admin, on=on, at=f"/policies?desk={desk}")
    load = page.get_by_role("region", name="Khối lượng trực").first
    await button(load, "7 ngày").click()
    row = load.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("1 / –")
    change = row.get_by_role("button", name=f"Sửa số ca giữ cùng lúc của {name}")
    await change.focus()
    await page.keyboard.press("Enter")
    form = page.get_by_role("dialog")
    room = field(form, "Số ca giữ cùng lúc")
    await expect(form).to_contain_text("đang giữ 1 ca")
    await room.fill("nhiều")
    await button(form, "Lưu").click()
    await expect(form.locator(".err")).to_contain_text("Ghi một số nguyên")
    await expect(room).to_be_focused()
    await room.fill("5000")
    await button(form, "Lưu").click()
    await expect(form.locator(".err")).to_contain_text("1000")  # the server's own words, at the field
    path = f"/desks/{desk}/doctors/{who}/capacity"
    assert (await admin.put(path, {"capacity": 2})).status_code == 200
    await room.fill("3")
    await room.press("Enter")
    await expect(form.get_by_role("alert")).to_contain_text(f"{admin.account['name']} vừa đổi, nay là 2")
    await room.press("Enter")
    await expect(form).to_be_hidden()
    await expect(row).to_contain_text("1 / 3")
    await expect(change).to_be_focused()
    await expect(told.get_by_text("đặt số ca bạn giữ cùng lúc: 3").first).to_be_visible()
    await change.click()
    await room.fill("")
    await button(form, "Lưu").click()
    await expect(row).to_contain_text("1 / –")


async def people(ward: Ward) -> tuple[Person, Person, Person]:
    """Who asks, who would be rung first, and who administers that doctor's hospital."""
    requester = await ward.requester("K04")
    case: Json = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    await doctor.do(case, "acceptance")
    hospital = doctor.account["hospital_name"]
    account = next(a for a in ward.accounts if a["role"] == "admin" and a["hospital_name"] == hospital)
    return requester, doctor, await ward.sign_in(account)
