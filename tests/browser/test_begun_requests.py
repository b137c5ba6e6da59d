"""What a doctor has written for a request is in one place, begun, on its way or stored: never in none, never in two."""

import asyncio
import json

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.cable import Cable
from tests.browser.conftest import PHONE, Ward
from tests.browser.hands import QUESTION, button, field, fill_request, form_kept, holds_the_drafts, send_request

pytestmark = pytest.mark.browser


async def test_a_request_sent_after_a_reload_leaves_nothing_to_send_again(ward: Ward, cable: Cable) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request", through=cable, works_offline=True)
    await fill_request(phone, label="MC-041")
    await form_kept(phone, "request", "MC-041", QUESTION)
    cable.is_cut()
    await send_request(phone)
    await expect(phone.locator(".card.queued")).to_contain_text("MC-041")
    await on_device(phone, drafts=0, outbox=1)
    await phone.reload()
    await phone.get_by_role("link", name="Đóng").click()
    await expect(phone.locator(".card.queued")).to_contain_text("MC-041")
    cable.is_mended()
    await phone.evaluate("dispatchEvent(new Event('online'))")  # the device has noticed
    await expect(phone.locator(".case")).to_contain_text("MC-041")
    await on_device(phone, drafts=0, outbox=0)
    await phone.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await expect(field(phone, "Tên hoặc mã tạm")).to_have_value("")
    assert len((await requester.get("/consultations")).json()["items"]) == 1


async def test_a_device_that_dies_as_soon_as_it_keeps_the_request_sends_it_once(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await fill_request(phone, label="MC-042")
    await form_kept(phone, "request", "MC-042", QUESTION)
    await phone.evaluate(KEEPS_ONE_COMMAND_AND_NO_MORE)
    await send_request(phone)
    await expect(phone.get_by_role("heading", name="Đang tìm bác sĩ")).to_be_visible()
    await phone.goto("/request")
    await expect(phone.locator(".conn")).to_have_text("Trực tuyến")
    await on_device(phone, drafts=0, outbox=0)
    await expect(field(phone, "Tên hoặc mã tạm")).to_have_value("")
    assert len((await requester.get("/consultations")).json()["items"]) == 1


# From the moment at which a command is kept, nothing more is written on this device.
KEEPS_ONE_COMMAND_AND_NO_MORE = """() => {
  const { transaction } = IDBDatabase.prototype;
  let kept = false;
  IDBDatabase.prototype.transaction = function (stores, mode) {
    if (kept && mode === "readwrite") throw new Error("the device has died");
    const begun = transaction.call(this, stores, mode);
    if (mode === "readwrite" && [stores].flat().includes("outbox")) begun.addEventListener("complete", () => { kept = true; });
    return begun;
  };
}"""  # noqa: E501


async def test_ringing_again_keeps_a_request_that_was_begun(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    await requester.do(case, "cancellation", {"reason": "Bấm nhầm"})
    phone = await ward.open(requester, on=PHONE, at="/request")
    await fill_request(phone, label="MC-043", question="Có cần chọc dịch màng tim không?")
    await form_kept(phone, "request", "MC-043", "chọc dịch")
    await phone.goto(f"/cases/{case['id']}")
    await phone.get_by_role("link", name="Gọi lại").click()
    label = field(phone, "Tên hoặc mã tạm")
    await expect(label).to_have_value("MC-017")
    begun = phone.get_by_role("region", name="Viết dở, chưa gửi")
    await expect(begun).to_contain_text("MC-043 · Có cần chọc dịch màng tim không?")
    await label.fill("MC-017b")
    await form_kept(phone, "request", "MC-017b")
    await phone.reload()  # what was copied once is not copied again
    await expect(label).to_have_value("MC-017b")

    first, second = begun.filter(has_text="MC-043"), begun.filter(has_text="MC-017b")
    await button(first, "Viết tiếp").click()
    await expect(label).to_have_value("MC-043")
    await expect(second).to_be_visible()
    await phone.get_by_role("link", name="Đóng").click()
    await expect(second).to_be_visible()
    await button(second, "Viết tiếp").click()
    await expect(label).to_have_value("MC-017b")
    await send_request(phone)
    await expect(phone.get_by_role("heading", name="Đang tìm bác sĩ")).to_be_visible()
    await phone.get_by_role("link", name="Quay lại").click()
    await expect(begun).to_have_count(1)
    await expect(begun).to_contain_text("MC-043")
    await button(begun, "Xóa nháp").click()
    await button(phone.get_by_role("dialog"), "Xóa nháp").click()
    await expect(begun).to_have_count(0)
    await on_device(phone, drafts=0, outbox=0)


async def test_correcting_a_refused_request_keeps_the_one_that_was_begun(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await refuses(phone)
    await fill_request(phone, label="MC-044")
    await send_request(phone)
    await expect(phone.get_by_text("Máy chủ không nhận yêu cầu này.").first).to_be_visible()
    await phone.get_by_role("link", name="Quay lại").click()
    await phone.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await fill_request(phone, label="MC-045")
    await form_kept(phone, "request", "MC-045", QUESTION)
    await phone.get_by_role("link", name="Đóng").click()
    await button(phone.locator(".card.queued"), "Sửa").click()
    await expect(field(phone, "Tên hoặc mã tạm")).to_have_value("MC-044")
    await expect(phone.get_by_role("region", name="Viết dở, chưa gửi")).to_contain_text("MC-045")
    await on_device(phone, drafts=2, outbox=0)


async def test_what_is_typed_before_the_kept_form_is_there_is_not_mixed_with_it(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await fill_request(phone, label="MC-046")
    await form_kept(phone, "request", "MC-046", QUESTION)
    other = await phone.context.new_page()
    await other.goto("/")
    await phone.get_by_role("link", name="Đóng").click()
    await holds_the_drafts(other)  # a slow device
    await phone.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await field(phone, "Tên hoặc mã tạm").fill("MC-047")
    await other.evaluate("released()")
    await expect(phone.get_by_role("region", name="Viết dở, chưa gửi")).to_contain_text("MC-046")
    await expect(field(phone, "Tên hoặc mã tạm")).to_have_value("MC-047")
    await expect(field(phone, "Câu hỏi cụ thể")).to_have_value("")


async def test_a_refused_request_that_is_sent_again_leads_to_its_case(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await refuses(phone)
    await fill_request(phone)
    await send_request(phone)
    await expect(phone.get_by_text("Máy chủ không nhận yêu cầu này.")).to_be_visible()
    await phone.unroute("**/api/v1/consultations")
    await button(phone, "Gửi lại").click()
    await expect(phone.get_by_role("heading", name="Đang tìm bác sĩ")).to_be_visible()


async def test_a_request_that_another_tab_has_sent_is_on_the_list_of_the_tab_that_waits(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request")
    await phone.route("**/api/v1/consultations", lambda route: route.abort())
    await fill_request(phone)
    await send_request(phone)
    await expect(phone.locator(".card.queued")).to_contain_text("MC-017")
    other = await phone.context.new_page()
    await other.goto("/")
    await expect(other.locator(".case")).to_contain_text("MC-017")
    await expect(phone.locator(".case")).to_contain_text("MC-017")
    await expect(phone.locator(".queued")).to_have_count(0)
    assert len((await requester.get("/consultations")).json()["items"]) == 1


async def refuses(page: Page) -> None:
    """From now on the server takes no request from this page."""
    problem = {"type": "about:blank", "title": "Không nhận", "status": 422, "detail": "Không nhận.", "errors": []}
    answer = {"status": 422, "content_type": "application/problem+json", "body": json.dumps(problem)}

    async def refused(route: Route) -> None:
        await (route.fulfill(**answer) if route.request.method == "POST" else route.fallback())

    await page.route("**/api/v1/consultations", refused)


async def on_device(page: Page, **rows: int) -> None:
    """Wait until the device keeps so many drafts and commands."""
    async with asyncio.timeout(30):
        await page.evaluate(ON_DEVICE, rows)


ON_DEVICE = """async (rows) => {
  const { all } = await import("/assets/core/db.js");
  const differs = async () => {
    for (const [store, n] of Object.entries(rows)) if ((await all(store)).length !== n) return true;
    return false;
  };
  while (await differs()) await new Promise((again) => setTimeout(again, 20));
}"""
