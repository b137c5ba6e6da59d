"""One's own channels on the account page: what is refused is said at its field, and what was saved is there again."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.eyes import barriers
from tests.browser.hands import button
from tests.hotline import Json

pytestmark = pytest.mark.browser

SAVE = "Lưu kênh báo"
NUMBER = "Số điện thoại"


async def at_account(ward: Ward, on: Json, **more: str) -> tuple[Page, Json]:
    """A specialist's account page, where the hospital's noted number stands as two channels."""
    case = await ward.ask("K04", by=await ward.requester("K04"))
    doctor = await ward.first_of(case)
    page = await ward.open(doctor, on=on, at="/account", **more)
    return page, (await doctor.get("/me/channels")).json()


@pytest.mark.parametrize("on", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_bad_number_is_refused_at_its_field_and_what_is_corrected_is_there_after_a_reload(
    ward: Ward, on: Json
) -> None:
    page, noted = await at_account(ward, on)
    call, text = (page.get_by_role("group", name=f"{n} · {kind}") for n, kind in ((1, "Gọi điện"), (2, "Tin nhắn")))
    await expect(call.get_by_label(NUMBER)).to_have_value(noted["channels"][0]["address"])
    await expect(page.get_by_text("Đây là số bệnh viện đã ghi")).to_be_visible()
    await call.get_by_label(NUMBER).fill("0912 34")
    await text.get_by_label("Có giờ yên lặng").check()
    await text.get_by_label("Từ (giờ Việt Nam)").fill("21h30")
    await text.get_by_label("Đến", exact=True).fill("25:00")
    await expect(text).to_contain_text("Ca đỏ, ca cam và báo động vẫn đến")
    await button(page, SAVE).click()
    await expect(text.locator(".err")).to_contain_text("Ghi giờ như 22:00")
    await expect(text.get_by_label("Đến", exact=True)).to_be_focused()
    await text.get_by_label("Đến", exact=True).fill("5:45")
    await button(page, SAVE).click()
    await expect(call.locator(".err")).to_contain_text("Không phải số điện thoại")  # the server's words
    await expect(call.get_by_label(NUMBER)).to_be_focused()
    await expect(page.get_by_text("Chưa lưu", exact=True)).to_be_visible()
    assert await barriers(page) == []
    await call.get_by_label(NUMBER).fill("0912 345 678")
    await call.get_by_label(NUMBER).press("Enter")
    await expect(page.get_by_text("Đã lưu kênh báo.").first).to_be_visible()
    await expect(page.get_by_text("Chưa lưu", exact=True)).to_be_hidden()

    await page.route("**/api/v1/me/channels", lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_role("heading", name="Chưa đọc được các kênh báo")).to_be_visible()
    await page.unroute("**/api/v1/me/channels")
    await button(page, "Thử lại").click()
    await expect(call.get_by_label(NUMBER)).to_have_value("+84912345678")
    await expect(text.get_by_label("Từ (giờ Việt Nam)")).to_have_value("21:30")
    await expect(text.get_by_label("Đến", exact=True)).to_have_value("05:45")
    await expect(page.get_by_text("Đây là số bệnh viện đã ghi")).to_be_hidden()


async def test_the_order_is_changed_by_keyboard_and_a_channel_is_added_and_removed(ward: Ward) -> None:
    page, _ = await at_account(ward, DESKTOP)
    down = button(page, "Đưa 1 · Gọi điện xuống")
    await down.focus()
    await page.keyboard.press("Enter")
    text_first = page.get_by_role("group", name="1 · Tin nhắn")
    await expect(text_first).to_be_visible()
    await expect(button(page, "Đưa 2 · Gọi điện xuống")).to_be_focused()
    await expect(page.locator("#say")).to_contain_text("Gọi điện: thứ 2 trong 2 kênh")
    await page.get_by_role("group", name="Thêm kênh").get_by_role("button", name="E-mail").press("Enter")
    address = page.get_by_label("Địa chỉ e-mail")
    await expect(address).to_be_focused()
    await button(page, SAVE).click()
    await expect(page.get_by_role("group", name="3 · E-mail").locator(".err")).to_contain_text("Cần điền mục này")
    await address.fill("bs.truc@benhvien.example")
    await button(page, "Bỏ 2 · Gọi điện").press("Enter")
    await button(page, SAVE).click()
    await expect(page.get_by_text("Đã lưu kênh báo.").first).to_be_visible()
    await button(page, "Gửi thử 2 · E-mail").click()
    await expect(page.get_by_text("Đã gửi thử 1 tin").first).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("group", name="2 · E-mail").get_by_label("Địa chỉ e-mail")).to_have_value(
        "bs.truc@benhvien.example"
    )
    await expect(text_first).to_be_visible()
    await expect(page.get_by_role("group", name="3 ·")).to_have_count(0)


async def test_nothing_is_saved_before_the_server_has_answered_and_nothing_typed_is_lost(ward: Ward) -> None:
    page, _ = await at_account(ward, PHONE, lang="en")
    call = page.get_by_role("group", name="1 · Telephone call")
    await call.get_by_label("Telephone number").fill("0912345678")
    await page.context.set_offline(True)
    await button(page, "Save channels").click()
    await expect(page.get_by_text("What you wrote is still here.")).to_be_visible()
    await expect(call.get_by_label("Telephone number")).to_have_value("0912345678")
    await expect(page.get_by_text("Not saved yet")).to_be_visible()
    await page.context.set_offline(False)
    await button(page, "Save channels").click()
    await expect(page.get_by_text("Your channels are saved.").first).to_be_visible()
    await expect(page.get_by_role("group", name="1 · Telephone call").get_by_label("Telephone number")).to_have_value(
        "+84912345678"
    )
