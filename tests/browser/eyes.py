"""What a test looks at on a page, and cannot ask in words; the looking itself is in eyes.js."""

from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page

HERE = Path(__file__).parent
EYES = (HERE / "eyes.js").read_text()
AXE = (HERE / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ONLY_COLOUR = {"type": "rule", "values": ["color-contrast"]}


async def look(at: Page | Locator, what: str, given: Any = None) -> Any:
    """Look at a page (or one element of it) in a way that eyes.js names."""
    if isinstance(at, Page):
        return await at.evaluate(f"(given) => {EYES}.{what}(given)", given)
    return await at.evaluate(f"(element, given) => {EYES}.{what}(element, given)", given)


async def barriers(page: Page) -> list[str]:
    """What shuts somebody out on this page, in light and in dark."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found: list[str] = []
    for scheme, rules in (("light", RULES), ("dark", ONLY_COLOUR)):  # nothing but colours changes in the dark
        await page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {words}" for words in await look(page, "barriers", rules)]
    return found
