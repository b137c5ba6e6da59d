"""The page that describes the API."""

import pytest
from playwright.async_api import Browser, Route

from tests.hotline import Hotline

pytestmark = pytest.mark.browser


async def test_the_docs_work_without_any_other_host(hotline: Hotline, browser: Browser) -> None:
    """Under the policy of the page itself, with every other host out of reach."""
    base = f"http://127.0.0.1:{hotline.port}"
    strayed: list[str] = []
    complaints: list[str] = []

    async def keep_inside(route: Route) -> None:
        if route.request.url.startswith((base, "data:", "blob:")):
            await route.continue_()
        else:
            strayed.append(route.request.url)
            await route.abort()

    page = await browser.new_page()
    try:
        await page.route("**/*", keep_inside)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        await page.goto(f"{base}/docs")
        accept = page.locator("#operations-answering-accept")
        await accept.wait_for()
        await accept.locator("button").first.click()
        await accept.get_by_text("Exactly one doctor can win").wait_for()
        assert await page.locator(".errors-wrapper").count() == 0
    finally:
        await page.close()
    assert strayed == []
    assert complaints == []
