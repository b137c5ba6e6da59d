"""What a doctor has written for a request is in one place, begun, on its way or stored: never in none, never in two."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.browser.cable import Cable
from tests.browser.conftest import PHONE, Ward
from tests.browser.hands import QUESTION, field, fill_request, form_kept, send_request

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
