"""A drill says so with its first word everywhere, sounds like nothing real, and becomes real with one tap."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, button, fill_request

pytestmark = pytest.mark.browser

MARK = "DIỄN TẬP"


async def test_a_drill_of_a_red_alert_turned_real_in_one_tap(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/red-alert")
    await phone.get_by_role("switch", name=MARK_SWITCH).check()
    await expect(phone.locator(".drill-band")).to_contain_text("không có người bệnh thật")
    await expect(phone).to_have_title(re.compile(f"^{MARK}"))
    team = phone.get_by_role("group", name="Chọn kíp").get_by_role("button", name="Tim mạch")
    await expect(team).to_contain_text(MARK)
    await team.click()
    await phone.wait_for_url(CASE_PAGE)
    drill = {"id": phone.url.rsplit("/", 1)[1]}
    assert (await requester.get(f"/consultations/{drill['id']}")).json()["drill"] is True
    await expect(phone.locator(".drill-band")).to_contain_text(MARK)
    await expect(phone).to_have_title(re.compile(f"^{MARK}"))
    doctor = (await ward.rung(drill))[0]
    desk = await ward.open(doctor, on=DESKTOP)
    card = desk.get_by_role("alertdialog")
    await expect(card.locator(".drill-band")).to_contain_text(MARK)
    await expect(desk.locator(".qi.ringing")).to_contain_text(MARK)
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "drill")
    await expect(desk).to_have_title(re.compile(rf"^\(.*\) {MARK} – Đỏ"))
    await desk.locator("body").press("m")  # unlike a real red alert
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")

    await button(phone, "Đây là ca thật").click()
    await phone.wait_for_url(lambda url: drill["id"] not in url)
    await expect(phone.locator(".drill-band")).to_have_count(0)
    real = (await requester.get(f"/consultations/{phone.url.rsplit('/', 1)[1]}")).json()
    assert (real["drill"], real["urgency"], real["status"]) == (False, "red", "ringing")
    assert (await requester.get(f"/consultations/{drill['id']}")).json()["status"] == "cancelled"
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "red")
    await expect(desk.get_by_role("alertdialog").locator(".drill-band")).to_have_count(0)
    await expect(desk).not_to_have_title(re.compile(MARK))


async def test_what_is_real_sounds_and_shows_over_a_drill_that_somebody_looks_at(ward: Ward) -> None:
    requester = await ward.requester("K04")
    drill = await ward.ask("K04", by=requester, drill=True)
    doctor = await ward.first_of(drill)
    desk = await ward.open(doctor, on=DESKTOP)
    await desk.locator(".qi.ringing").click()
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "drill")
    real = await ward.ask("K04", by=requester, urgency="yellow", patient={"label": "MC-018", "sex": "female"})
    assert doctor in await ward.rung(real)
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "yellow")
    await expect(desk.get_by_role("alertdialog")).to_contain_text("MC-018")
    await expect(desk.locator(".qi.ringing").first).not_to_contain_text(MARK)
    await expect(desk).to_have_title(re.compile(r"Vàng – Tim mạch$"))


async def test_a_drill_is_named_on_the_form_the_lists_the_board_and_the_record(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await fill_request(phone)
    await phone.get_by_role("switch", name=MARK_SWITCH).check()
    await expect(phone.locator(".drill-band")).to_contain_text("diễn tập")
    await phone.get_by_role("button", name="Gửi diễn tập").locator("visible=true").click()
    await phone.wait_for_url(CASE_PAGE)
    case = {"id": phone.url.rsplit("/", 1)[1]}
    await phone.goto("/")
    await expect(phone.locator(".case").first.locator(".drill")).to_have_text(MARK)
    doctor = await ward.first_of(case)
    at_the_desk = (a for a in ward.accounts if a["hospital_name"] == doctor.account["hospital_name"])
    coordinator = await ward.sign_in(next(a for a in at_the_desk if a["role"] == "coordinator"))
    board = await ward.open(coordinator, on=DESKTOP)
    await expect(board.get_by_role("row").filter(has_text="HC-0001").locator(".drill")).to_have_text(MARK)
    await doctor.do(case, "acceptance")
    done = {"summary": "Diễn tập.", "conclusion": "Diễn tập.", "plan": "Diễn tập.", "decision": "Điều trị tại chỗ"}
    await doctor.do(case, "conclusion", done)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}")
    await expect(page.locator(".drill-band")).to_contain_text(MARK)
    await button(page, "Xem, in").click()
    for sheet in await page.locator(".sheet").all():
        assert (await sheet.inner_text()).strip().startswith(MARK)


MARK_SWITCH = re.compile("^Diễn tập")
