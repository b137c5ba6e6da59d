"""The smallest phone and the largest text: what decides is never cut, and nothing lies outside the screen."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import PHONE, SMALLEST, Ward
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
    for path in ("/", "/request", "/request/telephone", "/red-alert", "/account", "/telephones"):
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


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("ringing", [False, True])
async def test_a_phone_says_whole_as_what_and_until_when_one_is_on_duty(
    ward: Ward, lang: str, *, ringing: bool
) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester, urgency="red")
    doctor = (await ward.rung(case))[0]
    if not ringing:
        await doctor.do(case, "acceptance")
    phone = await ward.open(doctor, on=PHONE, lang=lang, at="/desk")
    bar = phone.locator(".bar")
    await bar.locator(".duty-chip").wait_for()
    for words in (bar.locator(".bar-t"), bar.locator(".cap")):
        assert await look(words, "cut") is None
    assert await look(phone, "outside") == []


async def test_a_phone_says_whole_which_patient_a_case_is(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester, vitals=[{"taken_at": "2026-11-23T20:00:00Z", "on_oxygen": False}])
    doctor = await ward.first_of(case)
    await doctor.do(case, "acceptance")
    phone = await ward.open(doctor, on=PHONE, at=f"/cases/{case['id']}")
    title = phone.locator(".bar-t")
    await expect(title).to_have_text("MC-017 · Nam 58 tuổi")
    assert await look(title, "cut") is None
    await phone.get_by_role("tab", name="Tóm tắt").click()
    await expect(phone.locator(".vit")).to_contain_text("Khí trời")
    assert await look(phone.locator(".vit"), "cut") is None


async def test_a_board_of_red_alerts_scrolls_one_way_on_a_phone(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester, urgency="red")
    answering = (await ward.rung(case))[0].account["hospital"]
    coordinator = next(a for a in ward.accounts if a["role"] == "coordinator" and a["hospital"] == answering)
    phone = await ward.open(await ward.sign_in(coordinator), on=PHONE, at="/board")
    await expect(phone.locator(".b-card")).to_contain_text("người khác")
    width = await phone.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width == 0


async def readable(control: Locator) -> None:
    """Its words are not cut off, and it can be hit."""
    box = await control.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert await look(control, "cut") is None
