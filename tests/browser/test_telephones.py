"""The system is away: the list of numbers is there, dated, signed out, without a network, and on paper."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.cable import Cable
from tests.browser.conftest import PHONE, Ward
from tests.browser.hands import DEMO

pytestmark = pytest.mark.browser


async def test_the_list_is_read_signed_out_and_without_a_network(ward: Ward, cable: Cable) -> None:
    page = await ward.open(None, on=PHONE, through=cable, works_offline=True)
    call = page.get_by_role("link", name=re.compile(r"0\d{2,3} \d{3} \d{3}"))
    await expect(call.first).to_be_visible()  # the hotline, on the sign-in screen already
    await page.goto("/telephones")
    await expect(page.get_by_text("Danh bạ lúc")).to_contain_text("24/11/2026")
    numbers = await page.locator(".numbers a").count()
    assert numbers > 50
    for kind in ("điều phối viên", "bàn trực", "khoa", "bệnh viện"):
        await expect(page.locator(".numbers").get_by_text(kind, exact=True).first).to_be_visible()

    cable.is_cut()
    await page.goto("/telephones")
    await expect(page.get_by_text("Không nối được với máy chủ. Đây là danh bạ đã lưu lúc")).to_contain_text(
        "24/11/2026"
    )
    await expect(page.locator(".numbers a")).to_have_count(numbers)
    await page.get_by_role("searchbox").fill("tim mach thai nguyen")
    await expect(page.locator(".demo-band")).to_contain_text(DEMO)
    first = page.locator(".numbers a").first
    await expect(first).to_have_attribute("href", re.compile(r"^tel:0\d{8,9}$"))


async def test_a_list_that_arrives_between_the_drawing_and_the_listening_is_shown(ward: Ward) -> None:
    page = await ward.open(None, on=PHONE, at="/docs")  # a page of this house that has not read the list
    number = await page.evaluate(ARRIVES_BEFORE_ANYBODY_LISTENS)
    assert number == "024 7300 0000"


# Nothing here takes as long as until the next frame, which is when what has been drawn begins to listen.
ARRIVES_BEFORE_ANYBODY_LISTENS = """async () => {
  const { html, render } = await import("/assets/core/html.js");
  const { HotlineLink } = await import("/assets/core/shell.js");
  const { loadTelephones } = await import("/assets/core/telephones.js");
  const list = JSON.stringify({ at: "2026-11-23T20:00:00Z", items: [{ kind: "coordinator", phone: "024 7300 0000" }] });
  const answered = fetch;
  globalThis.fetch = async () => ({ ok: true, status: 200, headers: new Headers(), text: async () => list });
  const box = document.body.appendChild(document.createElement("div"));
  render(html`<${HotlineLink} />`, box);
  await loadTelephones();
  globalThis.fetch = answered;
  for (let frame = 0; frame < 30 && !box.querySelector(".num"); frame++) await new Promise(requestAnimationFrame);
  return box.querySelector(".num")?.textContent;
}"""


async def test_every_screen_of_a_device_without_a_network_leads_to_a_telephone(ward: Ward, cable: Cable) -> None:
    requester = await ward.requester("K04")
    page = await ward.open(requester, on=PHONE, through=cable, works_offline=True)
    cable.is_cut()
    for path in ("/", "/request", "/red-alert", "/telephones", "/account"):
        await page.goto(path)
        await page.get_by_role("main").wait_for()
        if path in ("/request", "/account"):  # here one writes; the bar on top says what has not been sent
            continue
        await expect(page.locator("a[href^='tel:'], a[href='/telephones']").first).to_be_visible()


async def test_the_list_is_printed_with_its_date_and_nothing_but_numbers(ward: Ward) -> None:
    page = await ward.open(None, on=PHONE, at="/telephones")
    await page.locator(".numbers a").first.wait_for()
    await page.emulate_media(media="print")
    await expect(page.get_by_text("Danh bạ lúc")).to_be_visible()
    await expect(page.get_by_role("searchbox")).to_be_hidden()
    await expect(page.locator(".numbers a").first).to_be_visible()
    assert await ink_on_paper(page) == "rgb(0, 0, 0)"


async def ink_on_paper(page: Page) -> str:
    colour: str = await page.locator(".numbers a").first.evaluate("e => getComputedStyle(e).color")
    return colour
