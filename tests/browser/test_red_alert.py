"""A red alert: one tap rings the whole team, the first to accept leads, and the others answer for themselves."""

import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, button, choice, field

pytestmark = pytest.mark.browser


async def test_the_team_rings_until_each_has_answered_or_is_stood_down(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE)
    await phone.get_by_role("link", name="Báo động đỏ").click()
    await phone.get_by_role("group", name="Chọn kíp").get_by_role("button", name="Tim mạch").click()
    await phone.wait_for_url(CASE_PAGE)
    undo = phone.get_by_role("status").filter(has_text="có 10 giây để hủy, không cần lý do")
    await expect(undo.get_by_role("button", name=re.compile(r"Hủy \d"))).to_be_visible()
    case = {"id": phone.url.rsplit("/", 1)[1]}
    team = await ward.rung(case)
    assert len(team) >= 3
    ladder = phone.get_by_role("region", name="Thang gọi")
    for member in team:
        await expect(ladder.get_by_role("listitem").filter(has_text=member.name).first).to_contain_text("đang gọi")

    leader, second, third = [await ward.open(doctor, on=DESKTOP) for doctor in team[:3]]
    for desk in (leader, second, third):
        await expect(desk.locator("html")).to_have_attribute("data-ringing", "red")
    await second.locator("body").press("m")  # red cannot be silenced
    await expect(second.locator("html")).to_have_attribute("data-ringing", "red")

    await button(leader.get_by_role("alertdialog"), "Tiếp nhận").click()
    await leader.wait_for_url(CASE_PAGE)
    await expect(phone.locator("body")).to_contain_text(f"{team[0].name} đang giữ ca")
    for desk in (second, third):
        card = desk.get_by_role("alertdialog")
        await expect(card).to_contain_text(f"{team[0].name} đã nhận, làm trưởng kíp.")
        await expect(desk.locator("html")).to_have_attribute("data-ringing", "red")

    await button(second.get_by_role("alertdialog"), "Đến được", exact=True).click()
    await expect(second.locator("html")).to_have_attribute("data-ringing", "")
    await expect(third.locator("html")).to_have_attribute("data-ringing", "red")
    await expect(leader.get_by_text(f"{team[1].name} đến được")).to_be_visible()

    # The alert named nobody: who the patient is can be said now too, and what cannot be read is not dropped in silence.
    await phone.get_by_role("tab", name="Tóm tắt").click()
    await button(phone.locator("#pane-summary .todo"), "Người bệnh").click()
    dialog = phone.get_by_role("dialog", name="Người bệnh")
    await field(dialog, "Tên hoặc mã tạm").fill("MC-017")
    await field(dialog, "Tuổi").fill("58 tuổi")
    await choice(dialog, "Giới", "Nam").click()
    await button(dialog, "Gửi phần bổ sung").click()
    await expect(dialog).to_contain_text("Nhập tuổi bằng số, ví dụ 58")
    await field(dialog, "Tuổi").fill("58")
    await button(dialog, "Gửi phần bổ sung").click()
    await expect(dialog).to_be_hidden()
    await expect(leader.locator("#pane-summary .pline")).to_contain_text("MC-017Nam 58 tuổi")
    await button(leader, "người chưa trả lời: không cần đến").click()
    await expect(third.locator("html")).to_have_attribute("data-ringing", "")
    await expect(third.get_by_role("main").get_by_role("alert")).to_contain_text("Trưởng kíp báo không cần đến")
    await expect(phone.locator("body")).to_contain_text("Trưởng kíp báo không cần đến")


async def test_a_wrong_tap_is_taken_back_within_ten_seconds_and_everybody_rung_is_told(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", urgency="red", by=requester)
    team = await ward.rung(case)
    desk = await ward.open(team[0], on=DESKTOP)
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "red")
    phone = await ward.open(requester, on=PHONE)
    second = await ward.ask("K04", urgency="red", by=requester)
    await phone.goto(f"/cases/{second['id']}")
    await expect(desk.locator(".qi.ringing")).to_have_count(2)
    await phone.get_by_role("button", name=re.compile(r"^Hủy \d")).click()
    await expect(phone.get_by_role("heading", name="Yêu cầu đã hủy")).to_be_visible()
    await expect(phone.get_by_text("Đã báo cho mọi người được gọi.")).to_be_visible()
    await expect(desk.get_by_role("alert").filter(has_text="Yêu cầu đã hủy").first).to_be_visible()
    await expect(desk.locator(".qi.ringing")).to_have_count(1)
    await ward.moves_on(seconds=11)
    late = await requester.post(f"/consultations/{case['id']}/cancellation")
    assert late.status_code == 422

    # A tap in time may arrive late: then the reason is asked for, and without one nothing is sent.
    third = await ward.ask("K04", urgency="red", by=requester)
    await phone.goto(f"/cases/{third['id']}")

    async def late_by_a_minute(route: Route) -> None:
        await ward.moves_on(minutes=1)
        await route.continue_()

    await phone.route("**/cancellation", late_by_a_minute, times=1)
    await phone.get_by_role("button", name=re.compile(r"^Hủy \d")).click()
    dialog = phone.get_by_role("dialog", name="Hủy yêu cầu")
    await expect(button(dialog, "Hủy yêu cầu này")).to_be_disabled()
    await field(dialog, "Lý do").fill("Bấm nhầm ca.")
    await button(dialog, "Hủy yêu cầu này").click()
    await expect(phone.get_by_role("heading", name="Yêu cầu đã hủy")).to_be_visible()
    again = phone.get_by_role("link", name="Gọi lại")
    await again.click()
    await expect(phone.get_by_role("heading", name="Yêu cầu hội chẩn")).to_be_visible()


async def test_urgency_raised_while_waiting_rings_the_holder_and_the_whole_team(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}")
    await button(phone.get_by_role("region", name="Bổ sung khi đang đổ chuông"), "Sinh hiệu").click()
    dialog = phone.get_by_role("dialog")
    await expect(dialog).to_contain_text("MC-017")
    values = {
        "Nhịp thở": "28",
        "SpO₂": "88",
        "Mạch": "134",
        "HA tâm thu": "84",
        "HA tâm trương": "50",
        "Nhiệt độ": "38,4",
    }
    for label, value in values.items():
        await dialog.get_by_role("textbox", name=re.compile(f"^{label}")).fill(value)
    await dialog.get_by_role("radio", name="Khí trời").click()
    await dialog.get_by_role("radio", name="Lú lẫn mới (C)").click()
    await button(dialog, "Lưu sinh hiệu").click()
    await expect(dialog).to_be_hidden()
    worse = phone.locator(".note").filter(has_text="NEWS2 tăng hoặc từ 7 điểm")
    await expect(worse).to_be_visible()
    await doctor.do(case, "acceptance")
    desk = await ward.open(doctor, on=DESKTOP)
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    discussion = phone.get_by_role("main")  # whichever pane of the case is chosen, the prompt stands above it
    await expect(discussion.locator(".holder")).to_contain_text(f"{doctor.name} đang giữ ca")
    await button(worse, "Nâng mức khẩn").click()
    await expect(dialog).to_contain_text("HC-0001")
    await dialog.get_by_role("radio", name="Đỏ · Nguy kịch").click()
    await dialog.get_by_role("textbox", name=re.compile("^Lý do")).fill("Tụt huyết áp, lú lẫn.")
    await button(dialog, "Nâng mức khẩn").click()
    await expect(dialog).to_be_hidden()
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "red")
    assert doctor in (rung := await ward.rung(case))
    assert len(rung) >= 3
