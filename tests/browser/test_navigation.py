"""Every page that a role may open is in its menu, and every page of the menu opens."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import button
from tests.hotline import Person

pytestmark = pytest.mark.browser

PAGES = {
    "requester": ["/", "/telephones", "/account"],
    "specialist": ["/desk", "/rota", "/policies", "/telephones", "/account"],
    "coordinator": ["/board", "/rota", "/policies", "/agreements", "/telephones", "/account"],
    "admin": ["/", "/rota", "/policies", "/agreements", "/telephones", "/account"],
    "operator": ["/", "/agreements", "/telephones", "/account"],
}


@pytest.mark.parametrize("role", PAGES)
async def test_the_menu_names_what_a_role_may_open_and_all_of_it_opens(ward: Ward, role: str) -> None:
    page = await ward.open(await of(ward, role), on=PHONE)
    for path in PAGES[role]:
        await button(page, "Mở menu").click()
        menu = page.get_by_role("navigation", name="Mở menu")
        links = menu.get_by_role("link")
        await expect(links).to_have_count(len(PAGES[role]))  # it is drawn a moment after the tap
        assert await links.evaluate_all("all => all.map((a) => a.getAttribute('href'))") == PAGES[role]
        link = menu.locator(f'a[href="{path}"]')
        name = (await link.inner_text()).strip()
        await link.click()
        await opened(page)
        await expect(page).to_have_title(f"{name} – hoichan")
        if path != PAGES[role][0]:  # where one began
            await expect(page.locator("h1")).to_be_focused()  # else the focus is lost with the link that was touched


async def test_a_menu_that_is_tapped_while_the_next_page_comes_is_open_there(ward: Ward) -> None:
    page = await ward.open(await of(ward, "coordinator"), on=PHONE)
    await button(page, "Mở menu").click()
    await expect(page.get_by_role("navigation", name="Mở menu")).to_be_visible()
    await page.evaluate("""() => {
      document.querySelector('.menu a[href="/policies"]').click();
      document.querySelector('.menu button[aria-label="Mở menu"]').click();
    }""")
    await opened(page)
    await expect(page.get_by_role("navigation", name="Mở menu").locator('a[aria-current="page"]')).to_have_attribute(
        "href", "/policies"
    )


async def test_a_specialist_comes_from_the_rota_to_the_ladder_of_that_desk_and_reads_it(ward: Ward) -> None:
    doctor = await of(ward, "specialist")
    page = await ward.open(doctor, on=DESKTOP, at=f"/rota?desk={doctor.account['desk']}")
    await page.get_by_role("link", name="Thang gọi: ai được gọi tiếp").click()
    await expect(page.locator("#pol-desk")).to_have_value(str(doctor.account["desk"]))
    await opened(page)
    await expect(page.locator(".pol-steps").first).to_be_visible()
    await expect(page.get_by_role("button", name="Sửa", exact=True)).to_have_count(0)


async def opened(page: Page) -> None:
    """The page is there, and nothing of it was refused."""
    await expect(page.locator("main")).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await expect(page.locator(".failed, .note.bad[role=alert]")).to_have_count(0)


async def of(ward: Ward, role: str) -> Person:
    """Somebody of the central hospital that answers (whoever has one), or of one that asks."""
    theirs = [a for a in ward.accounts if a["role"] == role]
    return await ward.sign_in(next((a for a in theirs if a["desk"]), theirs[0]))
