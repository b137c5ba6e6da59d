"""What was tapped is done once and in time, or a person reads that it was not, on whatever page they are."""

import pytest
from playwright.async_api import expect

from tests.browser.cable import Cable
from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import button, fill_request, send_request

pytestmark = pytest.mark.browser

REFUSES = """() => {
  const real = fetch;
  globalThis.fetch = (url, with_) => with_?.method === "POST" && String(url).endsWith("/consultations")
    ? Promise.resolve(new Response('{"type":"about:blank","title":"Không","status":409}', {status: 409}))
    : real(url, with_);
}"""
TWO_TAPS = """(button) => { button.click(); button.click(); }"""


async def test_an_acceptance_given_up_long_ago_is_not_sent_when_the_page_is_opened_again(
    ward: Ward, cable: Cable
) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    desk = await ward.open(doctor, on=DESKTOP, through=cable)
    card = desk.get_by_role("alertdialog")
    await expect(card).to_be_visible()
    await button(card, "Từ chối").focus()
    await desk.keyboard.press("t")
    await expect(desk.get_by_role("dialog")).to_have_count(0)  # a button that has the focus keeps its own keys
    await card.focus()
    await desk.keyboard.press("t")
    await expect(desk.get_by_role("dialog")).to_be_visible()
    await desk.keyboard.press("Escape")
    cable.is_cut()
    await button(card, "Tiếp nhận").click()
    await expect(button(card, "Đang gửi…")).to_be_visible()
    await expect(button(card, "Từ chối")).to_be_disabled()
    await desk.close()
    ward.clock.advance(minutes=2)
    cable.is_mended()
    desk = await desk.context.new_page()
    await desk.goto("/account")
    given_up = desk.get_by_role("alert").filter(has_text="Chưa rõ đã gửi được chưa: tiếp nhận")
    await expect(given_up).to_contain_text("Xem ca rồi làm lại")
    await expect(desk.locator(".conn").first).to_have_text("Trực tuyến")
    assert (await requester.get(f"/consultations/{case['id']}")).json()["holder"] is None
    await button(given_up, "Xóa").click()
    await expect(given_up).to_have_count(0)


async def test_what_the_server_refuses_is_said_on_every_page(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await phone.evaluate(REFUSES)
    await fill_request(phone, label="MC-061")
    await send_request(phone)
    await expect(phone.get_by_text("Máy chủ không nhận yêu cầu này.").first).to_be_visible()
    await phone.goto("/account")
    band = phone.get_by_role("alert").filter(has_text="Máy chủ không nhận yêu cầu. Bác sĩ tuyến trên chưa biết.")
    await expect(band.locator("a[href^='tel:']")).to_be_visible()
    nowhere = "01a20a03-a608-7d2e-9c55-2f60b1a4d803"
    await phone.evaluate(
        "async (id) => (await import('/assets/core/outbox.js')).command({path: `/consultations/${id}/messages`, "
        "caseId: id, what: 'message', optimistic: true, body: {text: 'Bù dịch'}})",
        nowhere,
    )
    lost = phone.get_by_role("alert").filter(has_text="Chưa gửi được: tin nhắn")
    await expect(lost.get_by_role("link", name="Mở ca này")).to_have_attribute("href", f"/cases/{nowhere}")
    await band.get_by_role("link", name="Xem yêu cầu").click()
    await expect(phone.locator(".card.queued")).to_contain_text("MC-061")
    await expect(band).to_have_count(0)


async def test_whoever_is_rung_sees_it_on_any_page(ward: Ward) -> None:
    requester = await ward.requester("K04")
    first = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(first)
    page = await ward.open(doctor, on=PHONE, at="/account")
    ring = page.get_by_role("alert").filter(has_text="ca đang gọi")
    await expect(ring).to_be_visible()
    await ring.get_by_role("link").click()
    await expect(page.get_by_role("alertdialog")).to_be_visible()
    await expect(ring).to_have_count(0)


async def test_a_second_tap_is_no_second_command_and_the_end_of_a_session_closes_what_is_open(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    await (await ward.first_of(case)).do(case, "acceptance")
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}?view=full")
    await button(page, "Ghi cuộc gọi").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").last.fill("Đã gọi, bác sĩ nghe máy")
    await dialog.locator("button[type=submit]").evaluate(TWO_TAPS)
    await expect(dialog).to_have_count(0)
    assert len((await requester.get(f"/consultations/{case['id']}")).json()["calls"]) == 1

    await button(page, "Ghi cuộc gọi").click()
    await expect(dialog).to_be_visible()
    await page.evaluate("import('/assets/core/shell.js').then((shell) => shell.announce('Ca mới', true))")
    await expect(dialog.locator(".say-now")).to_have_text("Ca mới")  # outside of it nothing would be read out
    await page.evaluate("import('/assets/core/store.js').then((store) => store.setState({session: 'ended'}))")
    await expect(page.get_by_role("dialog", name="Phiên làm việc đã kết thúc")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(1)
