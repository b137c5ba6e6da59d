"""The smallest phone and the largest text: what decides is never cut, and nothing lies outside the screen."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import SMALLEST, Ward
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
    await whole(question)
    await scrolls_one_way(page)
    await reaches_its_last_line(question)
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
        await scrolls_one_way(page)


async def test_the_waiting_screen_and_the_case_fit_the_smallest_phone(reader: Ward) -> None:
    requester = await reader.requester("K04")
    case = await reader.ask("K04", by=requester, question=LONG)
    page = await reader.open(requester, on=SMALLEST, at=f"/cases/{case['id']}")
    await page.locator(".hero").wait_for()
    await scrolls_one_way(page)
    await whole(page.locator(".question"))
    await page.goto(f"/cases/{case['id']}?view=full")
    await page.locator(".composer").wait_for()
    for tab in ("Tóm tắt", "Thảo luận", "Biên bản"):
        await page.get_by_role("tab", name=tab).click()
        await scrolls_one_way(page)


async def scrolls_one_way(page: Page) -> None:
    wide = await page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !inBox(e))
          .slice(0, 5).map((e) => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`);
        function inBox(e) {
          for (let at = e.parentElement; at; at = at.parentElement) {
            if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(at).overflowX) && at !== document.body) return true;
          }
          return e.classList.contains("vh") || e.closest(".vh, svg") !== null;
        }"""
    )
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page.url, wide)


async def whole(text: Locator) -> None:
    """Nothing of it is cut: no line, no ellipsis, no box around it that hides a part."""
    cut = await text.evaluate(
        """e => {
          const style = getComputedStyle(e);
          if (e.scrollHeight > e.clientHeight + 1 && style.overflowY !== "visible") return "its box is too low";
          if (e.scrollWidth > e.clientWidth + 1) return "its box is too narrow";
          if (style.webkitLineClamp !== "none") return "it is clamped";
          for (let at = e.parentElement; at; at = at.parentElement) {
            const box = at.getBoundingClientRect(), own = e.getBoundingClientRect();
            if (["hidden", "clip"].includes(getComputedStyle(at).overflowY) && own.bottom > box.bottom + 1 && at !== document.body && at !== document.documentElement)
              return `${at.tagName}.${at.className} hides a part`;
          }
          return null;
        }"""
    )
    assert cut is None, cut


async def reaches_its_last_line(text: Locator) -> None:
    """The reader gets to its end, and nothing that stays in place lies over it."""
    covered = await text.evaluate(
        """(e) => {
          const range = document.createRange();
          range.selectNodeContents(e);
          const end = () => [...range.getClientRects()].at(-1);
          for (let at = e.parentElement; at; at = at.parentElement) at.scrollTop += end().top - innerHeight * 0.35;
          const over = document.elementFromPoint(end().left + end().width / 2, end().top + end().height / 2);
          return over && e.contains(over) ? null : `${over?.tagName}.${over?.className} at ${Math.round(end().top)}`;
        }"""
    )
    assert covered is None, covered


async def readable(control: Locator) -> None:
    """Its words are not cut off, and it can be hit."""
    box = await control.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert await control.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
