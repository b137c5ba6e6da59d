"""A case is on every open list of its ward within seconds, whichever device it was asked on."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, PHONE, Ward

pytestmark = pytest.mark.browser

SOON_MS = 5_000


async def test_a_case_asked_on_another_device_is_on_the_open_lists_of_its_ward_at_once(ward: Ward) -> None:
    requester = await ward.requester("K04")
    colleague = await ward.person(requester.account["username"].replace("-1", "-2"))
    assert colleague.account["ward_name"] == requester.account["ward_name"]
    lists = [await ward.open(requester, on=PHONE), await ward.open(colleague, on=DESKTOP)]
    for page in lists:
        await expect(page.get_by_text("Chưa có ca nào")).to_be_visible()
    case = await ward.ask("K04", by=requester)
    for page in lists:
        row = page.locator(".case")
        await expect(row).to_contain_text("MC-017", timeout=SOON_MS)
        await expect(row).to_contain_text(case["number"])
