"""The smallest phone and the largest text: what decides is never cut, and nothing lies outside the screen."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import SMALLEST, Ward
from tests.browser.eyes import look
from tests.browser.hands import button, sees_at_once

pytestmark = pytest.mark.browser

LONG = (
    "Nhồi máu cơ tim trước rộng giờ thứ hai, huyết áp 94/60, tại chỗ không có can thiệp, xe đi bốn giờ: "
    "tiêu sợi huyết tại chỗ rồi chuyển, hay chuyển thẳng can thiệp, và có cần thuốc vận mạch trên đường không? "
    "Gia đình đã đồng ý chuyển, máy thở trên xe chỉ chạy được hai giờ."
)


@pytest.fixture(params=["100 %", "200 %"])
def reader(request: pytest.FixtureRequest, ward: Ward) -> Ward:
    """People who read text at its size, or at twice its size, as their browser is told to."""
    if request.param == "200 %":
        ward.browser = request.getfixturevalue("large_print")
    return ward


async def test_the_question_on_the_offer_card_is_never_cut(reader: Ward) -> None:
    requester = await reader.requester("K04")
    case = await reader.ask("K04", by=requester, question=LONG)
    doctor = await reader.first_of(case)
    page = await reader.open(doctor, on=SMALLEST)
    card = page.get_by_role("alertdialog")
    question = card.get_by_role("heading", level=1)
    await expect(question).to_have_text(LONG)
    assert await look(question, "cut") is None
    assert await look(page, "outside") == []
    assert await look(question, "overLastLine") is None
    for name in ("Tiếp nhận", "Chuyển cho…", "Từ chối…"):
        await readable(button(card, name))
    await button(card, "Tiếp nhận").click()
    await page.locator(".casev").wait_for()


async def test_the_smallest_phone_shows_the_question_and_the_way_to_accept_at_once(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    page = await ward.open(doctor, on=SMALLEST)
    card = page.get_by_role("alertdialog")
    await sees_at_once(card.get_by_role("heading", level=1))
    await sees_at_once(button(card, "Tiếp nhận"))


async def test_screens_of_the_asking_doctor_scroll_one_way_only(reader: Ward) -> None:
    requester = await reader.requester("K04")
    await reader.ask("K04", by=requester, question=LONG)
    page = await reader.open(requester, on=SMALLEST)
    for path in ("/", "/request", "/red-alert", "/account", "/telephones"):
        await page.goto(path)
        await page.get_by_role("main").wait_for()
        assert await look(page, "outside") == []


async def test_screens_of_administrators_scroll_one_way_only(reader: Ward) -> None:
    admin = await reader.sign_in(next(a for a in reader.accounts if a["role"] == "admin"))
    page = await reader.open(admin, on=SMALLEST)
    for path, ready in (("/", ".tile"), ("/policies", ".pol-steps"), ("/agreements", ".run")):
        await page.goto(path)
        await page.locator(ready).first.wait_for()
        assert await look(page, "outside") == [], path
    await page.goto("/policies")
    await button(page, "Sửa").first.click()
    await page.locator(".step-ed").first.wait_for()
    assert await look(page, "outside") == []


async def test_a_drill_fits_the_smallest_phone_of_both_sides(reader: Ward) -> None:
    requester = await reader.requester("K04")
    case = await reader.ask("K04", by=requester, question=LONG, drill=True)
    doctor = await reader.first_of(case)
    card = await reader.open(doctor, on=SMALLEST)
    await card.locator(".wake .drill-band").wait_for()
    assert await look(card, "outside") == []
    page = await reader.open(requester, on=SMALLEST, at=f"/cases/{case['id']}")
    await readable(button(page, "Đây là ca thật"))
    assert await look(page, "outside") == []


async def test_the_waiting_screen_and_the_case_fit_the_smallest_phone(reader: Ward) -> None:
    requester = await reader.requester("K04")
    case = await reader.ask("K04", by=requester, question=LONG)
    page = await reader.open(requester, on=SMALLEST, at=f"/cases/{case['id']}")
    await page.locator(".hero").wait_for()
    assert await look(page, "outside") == []
    assert await look(page.locator(".question"), "cut") is None
    await page.goto(f"/cases/{case['id']}?view=full")
    await page.locator(".composer").wait_for()
    for tab in ("Tóm tắt", "Thảo luận", "Biên bản"):
        await page.get_by_role("tab", name=tab).click()
        assert await look(page, "outside") == []


async def readable(control: Locator) -> None:
    """Its words are not cut off, and it can be hit."""
    box = await control.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert await look(control, "cut") is None
