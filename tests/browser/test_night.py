"""One night's case, from the phone of the doctor who asks to the desk of the one who answers, until it is closed."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, QUESTION, button, choice, field, fill_request, send_request, writes
from tests.hotline import Json

pytestmark = pytest.mark.browser


async def test_a_doctor_signs_in_at_the_page(ward: Ward) -> None:
    account = next(a for a in ward.accounts if a["role"] == "requester")
    page = await ward.open(None, on=PHONE)
    await field(page, "Tài khoản bệnh viện cấp").fill(account["username"])
    await page.get_by_label("Mật khẩu", exact=True).fill("không phải mật khẩu này")
    await button(page, "Đăng nhập").click()
    await expect(page.get_by_text("Tài khoản hoặc mật khẩu không đúng.")).to_be_visible()
    await page.get_by_label("Mật khẩu", exact=True).fill(account["password"])
    await button(page, "Đăng nhập").click()
    await expect(page.get_by_role("heading", name="Ca của tôi")).to_be_visible()
    await expect(page.get_by_text(account["hospital_name"]).first).to_be_visible()


async def test_a_case_from_the_question_to_the_outcome(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE)
    case = await is_asked(phone)
    ladder = phone.get_by_role("region", name="Thang gọi")
    doctor = await ward.first_of(case)
    row = ladder.get_by_role("listitem").filter(has_text=doctor.name)
    await expect(row).to_contain_text("đang gọi")
    await expect(ladder).to_contain_text("đổ chuông đến khi có người nhận")

    desk = await ward.open(doctor, on=DESKTOP)
    card = desk.get_by_role("alertdialog", name=QUESTION)
    await expect(card).to_contain_text(str(requester.account["hospital_name"]))
    await rings(desk)
    for fact in ("Đã đến máy", "Đã xem", "Chưa tiếp nhận, vẫn đổ chuông"):
        await expect(row).to_contain_text(fact)

    await button(card, "Tiếp nhận").click()
    await desk.wait_for_url(CASE_PAGE)
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    await expect(desk).to_have_title("HC-0001 – hoichan")
    await expect(phone.locator("body")).to_contain_text(f"{doctor.name} đang giữ ca")
    await expect(phone).to_have_title("HC-0001 – hoichan")

    await is_discussed(phone, desk)
    await is_concluded(desk)
    await is_recorded_and_closed(phone)


async def is_asked(phone: Page) -> Json:
    """The form is filled in and sent; the waiting screen appears when the server has stored it."""
    await phone.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await fill_request(phone)
    for label, value in {"Nhịp thở": "22", "Mạch": "112", "HA tâm thu": "94", "HA tâm trương": "60"}.items():
        await field(phone, label).fill(value)
    await send_request(phone)
    await phone.wait_for_url(CASE_PAGE)
    await expect(phone.get_by_role("heading", name="Đang tìm bác sĩ")).to_be_visible()
    await expect(phone.get_by_text(QUESTION)).to_be_visible()
    return {"id": phone.url.rsplit("/", 1)[1]}


async def rings(desk: Page) -> None:
    """The card, the sound, and a title that counts and names no patient."""
    card = desk.get_by_role("alertdialog", name=QUESTION)
    await expect(card).to_contain_text("MC-017 · Nam 58 tuổi · HC-0001")
    await expect(card).to_contain_text("Dị ứng: Chưa hỏi")
    await expect(button(desk, "Âm báo bật")).to_be_visible()
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "orange")
    await expect(desk).to_have_title(re.compile(r"^\(4:\d\d\) Cam – Tim mạch$"))


async def is_discussed(phone: Page, desk: Page) -> None:
    """They talk; an opinion is read back by the side that asked."""
    await writes(phone, "Đau ngực giờ thứ hai, ST chênh lên V1–V4.")
    await expect(desk.get_by_role("log")).to_contain_text("ST chênh lên V1–V4")
    await expect(phone.locator(".m.me .st")).to_contain_text("đã xem")
    await button(desk, "Ghi là ý kiến hội chẩn").click()
    await writes(desk, "Tiêu sợi huyết ngay rồi chuyển.")
    opinion = phone.locator(".m.op")
    await expect(opinion).to_contain_text("Tiêu sợi huyết ngay rồi chuyển.")
    await opinion.get_by_role("group", name="Xác nhận đã đọc và hiểu ý kiến").get_by_role("button").first.click()
    await expect(desk.locator(".m.op")).to_contain_text("đã hiểu")


async def is_concluded(desk: Page) -> None:
    """The conclusion names the patient once more before it is made."""
    await choice(desk, "Quyết định", "Chuyển viện sau xử trí").click()
    await field(desk, "Tóm tắt").fill("Nam 58 tuổi, nhồi máu cơ tim trước rộng giờ thứ hai.")
    await field(desk, "Kết luận").fill("Nhồi máu cơ tim cấp có ST chênh lên.")
    await field(desk, "Hướng điều trị tiếp").fill("Tiêu sợi huyết tại chỗ, chuyển can thiệp.")
    await button(desk, "Kết luận…").click()
    confirm = desk.get_by_role("dialog")
    await expect(confirm).to_contain_text("MC-017 · Nam 58 tuổi")
    await expect(confirm).to_contain_text("HC-0001")
    await expect(button(confirm, "Kết luận ca này")).to_be_disabled()
    await confirm.get_by_role("checkbox").check()
    await button(confirm, "Kết luận ca này").click()
    await expect(confirm).to_be_hidden()


async def is_recorded_and_closed(phone: Page) -> None:
    """The asking side reads the conclusion, sees the record, reports the outcome, and the case is closed."""
    await phone.get_by_role("tab", name="Biên bản").click()
    record = phone.locator("#pane-record")
    await expect(record).to_contain_text("Nhồi máu cơ tim cấp có ST chênh lên.")
    await button(record, "Xem, in").click()
    await expect(phone.locator(".pg")).to_contain_text("Tiêu sợi huyết tại chỗ, chuyển can thiệp.")
    await button(phone, "Quay lại").click()
    await phone.get_by_role("tab", name="Biên bản").click()
    await button(record, "Báo kết quả").click()
    dialog = phone.get_by_role("dialog")
    await choice(dialog, "Mốc", "Ra viện").click()
    await choice(dialog, "Kết quả", "Đã chuyển viện").click()
    await button(dialog, "Báo kết quả").click()
    await expect(dialog).to_be_hidden()
    await phone.goto("/")
    await expect(phone.locator(".case").first).to_contain_text("Đã đóng ca")
