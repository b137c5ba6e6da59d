"""The line falls silent while everything looks connected; clocks are wrong. The screen says only what it knows."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.cable import Cable
from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, button, fill_request, send_request

pytestmark = pytest.mark.browser


async def test_a_silent_line_shows_the_age_of_what_is_on_the_screen_and_checks_what_is_past(
    ward: Ward, cable: Cable
) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}", through=cable, own_time=True)
    connection = phone.locator(".conn").first
    await expect(phone.locator(".hero")).to_be_visible()
    cable.falls_silent()
    await time_passes(phone, 28)
    await expect(connection).to_have_text("Đang nối lại…")
    await time_passes(phone, 11)
    await expect(connection).to_have_text("Mất mạng")
    await expect(phone.get_by_role("status").filter(has_text="dữ liệu lúc")).to_contain_text("dữ liệu lúc 03:04")
    await time_passes(phone, 5 * 60)
    await expect(phone.locator(".hero")).to_contain_text("đang kiểm tra…")
    await expect(phone.locator(".hero")).not_to_contain_text("−")
    cable.speaks_again()
    await time_passes(phone, 20)
    await expect(connection).to_have_text("Trực tuyến")
    await expect(phone.get_by_text("dữ liệu lúc")).to_have_count(0)


async def test_an_acceptance_waits_for_the_server_and_offers_the_telephone_meanwhile(ward: Ward, cable: Cable) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    desk = await ward.open(doctor, on=DESKTOP, through=cable)
    card = desk.get_by_role("alertdialog")
    await expect(card).to_be_visible()
    cable.falls_silent()
    await desk.evaluate("dispatchEvent(new Event('offline'))")  # without its stream the page may still reach the server
    await button(card, "Tiếp nhận").click()
    await expect(button(card, "Đang gửi…")).to_be_visible()
    await expect(desk.get_by_role("status").filter(has_text="Máy chủ chưa trả lời. Vẫn đang gửi.")).to_be_visible()
    await expect(desk.locator("a[href^='tel:']").first).to_be_visible()
    assert (await requester.get(f"/consultations/{case['id']}")).json()["holder"] is None
    await expect(card).to_be_visible()
    cable.speaks_again()
    await desk.wait_for_url(CASE_PAGE)
    assert (await requester.get(f"/consultations/{case['id']}")).json()["holder_name"] == doctor.name


@pytest.mark.parametrize("device_ahead_s", [3 * 3600, -26 * 3600], ids=["fast", "slow"])
async def test_a_wrong_clock_is_named_changes_no_time_and_stops_no_request(ward: Ward, device_ahead_s: float) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request", device_ahead_s=device_ahead_s)
    way = "chạy nhanh khoảng 180 phút" if device_ahead_s > 0 else "chạy chậm khoảng 1560 phút"
    await expect(phone.get_by_role("status").filter(has_text="Đồng hồ máy này")).to_contain_text(way)
    await fill_request(phone)
    await send_request(phone)
    await phone.wait_for_url(CASE_PAGE)
    await expect(phone.get_by_role("region", name="Thang gọi")).to_contain_text("03:04")
    await expect(phone.locator(".hero .t")).to_contain_text("4:")
    [case] = (await requester.get("/consultations")).json()["items"]
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert read["created_at"].startswith("2026-11-23T20:04")
    assert read["written_at"].startswith("2026-11-23T20:04")


async def test_a_clock_that_jumps_while_the_page_is_open_moves_no_countdown(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}")
    await expect(phone.locator(".hero .t")).to_contain_text("4:")
    await phone.evaluate("() => { const now = Date.now; Date.now = () => now() + 7200e3; }")
    await expect(phone.get_by_role("status").filter(has_text="Đồng hồ máy này")).to_be_visible()
    await expect(phone.locator(".hero .t")).to_contain_text("4:")
    await expect(phone.locator(".hero")).not_to_contain_text("đang kiểm tra")


async def test_the_time_of_the_web_server_does_not_move_the_time_of_the_house(ward: Ward) -> None:
    """Answers carry the web server's own Date; facts and countdowns follow the database's clock alone."""
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE)
    for path in ("/telephones", "/account", "/"):
        await phone.goto(path)
        await phone.get_by_role("main").wait_for()
    await expect(phone.locator(".conn").first).to_have_text("Trực tuyến")
    before = ward.clock.now().timestamp()
    now = await phone.evaluate("import('/assets/core/clock.js').then((m) => m.serverNow())")
    assert before - 2 < now / 1000 < ward.clock.now().timestamp() + 2


async def time_passes(page: Page, seconds: float) -> None:
    """Let the page's own time pass, timers included."""
    await page.clock.run_for(round(seconds * 1000))
