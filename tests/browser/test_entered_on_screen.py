"""A case that was handled by telephone: entered on a phone, confirmed by the doctor, on the board, in print."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, SAID, button, choice, entered, field, fill_request

pytestmark = pytest.mark.browser

LINE = "Hỏi qua điện thoại lúc 02:40, nhập lúc 03:04"


async def test_a_ward_enters_a_case_on_its_phone_and_the_doctor_confirms_it_without_a_sound(ward: Ward) -> None:
    requester = await ward.requester("K04")
    desks = (await requester.get("/desks", specialty="K04")).json()["items"]
    on_call = (await requester.get(f"/desks/{desks[0]['id']}/on-call")).json()["on_call"]
    first = next(p for p in on_call if p["role"] == "primary")
    doctor = await ward.by_name(first["doctor_name"], first["doctor"])
    phone = await ward.open(requester, on=PHONE)
    desk = await ward.open(doctor, on=PHONE)
    await phone.get_by_role("link", name="Nhập ca đã xử trí qua điện thoại").click()
    await expect(phone.get_by_text("Không ai bị gọi dậy")).to_be_visible()
    send = phone.get_by_role("button", name="Lưu ca, nhờ xác nhận").locator("visible=true")
    await fill_request(phone, urgency="Đỏ")
    await send.click()
    summary = phone.get_by_role("alert").filter(has_text="Ghi giờ hỏi")
    await expect(summary).to_contain_text("Chọn bác sĩ đã trả lời")
    await field(phone, "Hỏi lúc").fill("2:40")
    await expect(phone.get_by_text("24/11/2026").filter(has_text="02:40")).to_be_visible()
    await field(phone, "Được trả lời lúc").fill("02:30")
    await choice(phone, "Bác sĩ đã trả lời", first["doctor_name"]).first.click()
    await field(phone, "Đã hỏi gì và được dặn gì").fill(SAID)
    await send.click()
    await expect(phone.get_by_role("alert").filter(has_text="sớm hơn giờ hỏi")).to_be_visible()
    # That a list could not be read does not mean that nobody was on duty.
    await phone.route("**/on-call?at=*", lambda route: route.abort())
    await field(phone, "Được trả lời lúc").fill("02:55")
    unread = phone.get_by_role("alert").filter(has_text="Chưa đọc được ai trực lúc đó")
    await expect(unread).to_be_visible()
    await phone.unroute("**/on-call?at=*")
    await button(unread, "Thử lại").click()
    await choice(phone, "Bác sĩ đã trả lời", first["doctor_name"]).first.click()
    await expect(unread).to_have_count(0)
    await send.click()
    await phone.wait_for_url(CASE_PAGE)
    note = phone.locator(".told-note")
    await expect(note).to_contain_text(LINE)
    await expect(note).to_contain_text(f"Chờ {doctor.name} xác nhận, không đổ chuông")

    card = desk.get_by_role("article", name="Một khoa ghi là đã hỏi bạn qua điện thoại")
    await expect(card).to_contain_text(SAID)
    await expect(card).to_contain_text(LINE)
    await expect(desk.get_by_role("alertdialog")).to_have_count(0)
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    await button(card, "Đúng, tôi đã trả lời").click()
    await desk.wait_for_url(CASE_PAGE)
    for page in (phone, desk):
        await expect(page.locator(".told-note")).to_contain_text(f"{doctor.name} xác nhận lúc 03:04")
    await expect(phone.locator(".call-line")).to_contain_text(SAID)
    read = (await requester.get(f"/consultations/{phone.url.rsplit('/', 1)[1]}")).json()
    assert (read["urgency"], read["holder_name"]) == ("red", doctor.name)
    assert (read["telephone"]["asked_at"], read["answered_at"]) == ("2026-11-23T19:40:00Z", "2026-11-23T19:55:00Z")
    await phone.goto("/")
    await expect(phone.get_by_role("link").filter(has_text="MC-017")).to_contain_text(LINE)


async def test_whoever_was_not_asked_says_so_with_one_tap(ward: Ward) -> None:
    requester = await ward.requester("K04")
    desks = (await requester.get("/desks", specialty="K04")).json()["items"]
    on_call = (await requester.get(f"/desks/{desks[0]['id']}/on-call")).json()["on_call"]
    first = next(p for p in on_call if p["role"] == "primary")
    case = await entered(ward, requester, answered_by=first["doctor"])
    desk = await ward.open(await ward.by_name(first["doctor_name"], first["doctor"]), on=DESKTOP)
    await button(desk, "Không phải tôi").click()
    await expect(desk.get_by_text("Đã báo điều phối viên tìm đúng người.").first).to_be_visible()
    await expect(desk.locator(".told-card")).to_have_count(0)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert read["callouts"][0]["step"] == 1


async def test_the_coordinator_is_asked_without_an_alarm_and_assigns_who_was_on_duty_then(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await entered(ward, requester)
    [dispatcher, *_] = await ward.rung(case)
    board = await ward.open(dispatcher, on=DESKTOP)
    asked = board.get_by_role("region", name="chờ xác nhận cuộc gọi")
    await expect(asked).to_contain_text(case["number"])
    await expect(asked).to_contain_text("BS trực tim mạch trả lời lúc 02:55")
    await expect(board.locator("section.alarm")).to_have_count(0)
    await expect(board.locator("html")).to_have_attribute("data-ringing", "")
    await expect(board.locator("table.cases")).to_contain_text(LINE)
    await expect(board.locator("tr.late")).to_have_count(0)
    await button(asked, "Phân công").click()
    dialog = board.get_by_role("dialog")
    await dialog.locator(".pk-row").first.click()
    await expect(dialog).to_have_count(0)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert "assigned" in [o["role"] for o in read["callouts"][0]["offers"]]


async def test_the_printed_record_has_both_times_and_what_was_said(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await entered(ward, requester)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}")
    await page.locator("#pane-record").get_by_role("button").first.click()
    told = page.locator(".a4-told")
    await expect(told).to_contain_text(
        "Hỏi qua điện thoại lúc 02:40:00 24/11/2026; BS trực tim mạch trả lời lúc 02:55:00"
    )
    await expect(told).to_contain_text("chưa có người xác nhận")
    await expect(page.locator(".sheet").last).to_contain_text(SAID)
    await expect(page.locator(".sheet").last).to_contain_text("hình thức: nhắn tin, điện thoại")


async def test_in_english_the_form_and_the_card_say_the_same(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, lang="en", at="/request/telephone")
    await expect(phone.get_by_text("Nobody is woken")).to_be_visible()
    await expect(phone.get_by_role("textbox", name="Asked at")).to_be_visible()
    await phone.goto("/telephones")
    await expect(phone.get_by_role("link", name="Enter a case handled by telephone")).to_be_visible()
