"""Two languages: every sentence in both, no draft lost, and nothing that a doctor typed is touched."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from app.models.callout import PASSED_ON
from app.models.offer import ROLES_OF_DUTY
from tests.browser.conftest import DESKTOP, PHONE, SMALLEST, Ward
from tests.browser.eyes import look
from tests.browser.hands import CASE_PAGE, QUESTION, choice, field, fill_request
from tests.conftest import ROOT
from tests.hotline import Json

pytestmark = pytest.mark.browser

WEB = ROOT / "app" / "web"
STRINGS = ("", "desk.", "rota.", "after.", "run.", "told.")
MODULES = {lang: [f"{part}{lang}.js" for part in STRINGS] for lang in ("vi", "en")}
VIETNAMESE = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.IGNORECASE)


@pytest_asyncio.fixture
async def files(browser: Browser) -> AsyncIterator[Page]:
    """An empty page that can import the client's modules, without a server."""
    page = await browser.new_page()

    async def read(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/assets/"):
            await route.fulfill(path=WEB / path.removeprefix("/assets/"), content_type="text/javascript")
        else:
            await route.fulfill(body="<!doctype html>", content_type="text/html")

    await page.route("**/*", read)
    await page.goto("http://hoichan.test/")
    yield page
    await page.close()


async def test_every_sentence_stands_in_both_languages_with_the_same_holes(files: Page) -> None:
    words: dict[str, dict[str, str]] = {}
    for language, modules in MODULES.items():
        words[language] = {}
        for module in modules:
            found = await files.evaluate("m => import(`/assets/strings/${m}`).then((x) => x.default)", module)
            words[language] |= found
    assert set(words["vi"]) == set(words["en"])
    for key, vi in words["vi"].items():
        en = words["en"][key]
        assert vi.strip(), key
        assert en.strip(), key
        # A sentence may leave a hole out that its language does not need, but never name one that nothing fills.
        holes = set(re.findall(r"\{\w+\}", vi)) ^ set(re.findall(r"\{\w+\}", en))
        assert not holes, (key, vi, en)
        named = {"account.language", "app.name", "app.brand", "demo.band"}
        assert key in named or not VIETNAMESE.search(en), (key, en)


async def test_every_key_that_the_client_asks_for_exists(files: Page) -> None:
    missing = await look(files, "missingKeys", MODULES["vi"])
    assert missing == []


AGES = [
    ({"age_years": 58, "age_months": None}, "58 tuổi"),
    ({"age_years": 1, "age_months": None}, "1 tuổi"),
    ({"age_years": 0, "age_months": None}, "dưới 1 tuổi"),
    ({"age_years": 0, "age_months": 8}, "8 tháng tuổi"),
    ({"age_years": None, "age_months": 0}, "0 tháng tuổi"),
    ({"age_years": None, "age_months": 30}, "30 tháng tuổi"),
    ({"age_years": None, "age_months": None}, "chưa rõ tuổi"),
]


async def test_an_age_is_as_exact_as_what_was_said(files: Page) -> None:
    said = "ages => import('/assets/parts/facts.js').then((facts) => ages.map(facts.ageText))"
    assert await files.evaluate(said, [age for age, _ in AGES]) == [words for _, words in AGES]


ROLES = {
    *ROLES_OF_DUTY,
    *PASSED_ON,
    "on_duty",
    "named",
    "partner",
    "telephone",
    f"user:{UUID(int=1)}",
    f"desk:{UUID(int=2)}",
}


async def test_no_role_is_shown_as_its_code(files: Page) -> None:
    words = "(roles) => import('/assets/parts/facts.js').then((facts) => roles.map(facts.roleText))"
    shown = await files.evaluate(words, sorted(ROLES))
    assert [text for text in shown if re.search(r"[a-z]_|:|^[a-z]", text)] == []


async def test_switching_the_language_keeps_what_is_typed_and_what_is_chosen(ward: Ward) -> None:
    requester = await ward.requester("K04")
    page = await ward.open(requester, on=DESKTOP, at="/request")
    await fill_request(page)
    await field(page, "Nhiệt độ").fill("36,6")
    await choice(page, "Thở", "Oxy").click()
    await page.get_by_role("link", name="Đóng").click()
    await page.get_by_role("radio", name="English").locator("visible=true").first.click()
    await expect(page.get_by_role("heading", name="My cases")).to_be_visible()
    await page.get_by_role("link", name="New request").click()
    await expect(field(page, "The specific question")).to_have_value(QUESTION)
    await expect(field(page, "Name or temporary code")).to_have_value("MC-017")
    await expect(field(page, "Temp.")).to_have_value("36,6")
    await expect(choice(page, "Breathing", "Oxygen")).to_have_attribute("aria-checked", "true")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.get_by_role("button", name="Send request").locator("visible=true").click()
    await page.wait_for_url(CASE_PAGE)
    read = (await requester.get(f"/consultations/{page.url.rsplit('/', 1)[1]}")).json()
    assert read["question"] == QUESTION
    assert read["specialty"] == "K04"
    assert read["urgency"] == "orange"
    assert read["vitals"][0]["temperature"] == 36.6
    assert read["vitals"][0]["on_oxygen"] is True


async def test_a_message_that_is_being_written_survives_the_switch(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}?view=full")
    box = page.locator(".composer textarea")
    await box.fill("Mạch 112, da lạnh")
    await page.get_by_role("radio", name="English").locator("visible=true").first.click()
    await expect(page.get_by_role("tab", name="Discussion").or_(page.get_by_text("Discussion")).first).to_be_attached()
    await expect(box).to_have_value("Mạch 112, da lạnh")
    await expect(box).to_be_visible()
    assert await page.evaluate("document.querySelectorAll('.composer').length") == 1


async def test_an_english_screen_has_no_vietnamese_but_names_and_what_was_typed(ward: Ward) -> None:
    requester = await ward.requester("K04")
    vitals = [{"taken_at": "2026-11-23T20:00:00Z", "pulse": 112, "systolic": 94}]
    case = await ward.ask("K04", by=requester, vitals=vitals)
    doctor = await ward.first_of(case)
    names = names_of(ward.accounts, (await requester.get("/desks")).json()["items"])
    phone = await ward.open(requester, on=PHONE, lang="en")
    for path in (
        "/",
        "/request",
        "/request/telephone",
        "/red-alert",
        f"/cases/{case['id']}",
        "/account",
        "/telephones",
    ):
        await phone.goto(path)
        await phone.get_by_role("main").wait_for()
        await assert_english(phone, names)
    desk = await ward.open(doctor, on=DESKTOP, lang="en")
    await desk.get_by_role("alertdialog").wait_for()
    await assert_english(desk, names)
    await doctor.do(case, "acceptance")
    await desk.goto(f"/cases/{case['id']}")
    await desk.locator(".composer").wait_for()
    await assert_english(desk, names)
    coordinator = await ward.sign_in(next(a for a in ward.accounts if a["username"] == "tn-dieuphoi-1"))
    board = await ward.open(coordinator, on=DESKTOP, lang="en")
    await board.get_by_role("row").first.wait_for()
    await assert_english(board, names)
    await board.goto("/rota")
    await board.get_by_role("main").get_by_role("region").first.wait_for()
    await assert_english(board, names)


def names_of(accounts: list[Json], desks: list[Json]) -> list[str]:
    """What is a name and stays as it is, in any language."""
    fields = ("name", "hospital_name", "ward_name", "desk_name")
    names = {str(x[f]) for x in (*accounts, *desks) for f in fields if x.get(f)}
    short = {re.sub(r"^(BS|Bác sĩ) trực ", "", n) for n in names}
    return sorted(names | short | {QUESTION}, key=len, reverse=True)


async def assert_english(page: Page, names: list[str]) -> None:
    mixed = []
    for text in await look(page, "unmarked"):
        rest = text
        for name in names:
            rest = rest.replace(name, "")
        if VIETNAMESE.search(rest) and "KHÔNG DÙNG CHO NGƯỜI BỆNH" not in rest and "Tiếng Việt" not in rest:
            mixed.append(text)
    assert mixed == [], (page.url, mixed)


async def test_the_smallest_phone_in_english_scrolls_in_one_direction_only(ward: Ward) -> None:
    requester = await ward.requester("K04")
    page = await ward.open(requester, on=SMALLEST, lang="en", at="/request")
    await page.get_by_role("main").wait_for()
    assert await look(page, "outside") == []
