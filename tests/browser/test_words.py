"""What somebody typed is theirs until it is sent: no reload, no other tab and no second tap loses a word of it."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.cable import Cable
from tests.browser.conftest import DESKTOP, Ward
from tests.browser.hands import button, draft_kept, holds_the_drafts, writes
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser


async def a_case(ward: Ward) -> tuple[Person, Json]:
    """A case that somebody holds, and who asked."""
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    await (await ward.first_of(case)).do(case, "acceptance")
    return requester, case


async def texts(person: Person, case: Json) -> list[str]:
    return [m["text"] for m in (await person.get(f"/consultations/{case['id']}/messages")).json()["items"]]


async def test_what_waits_goes_in_the_order_in_which_it_was_written_and_what_is_being_typed_stays(
    ward: Ward, cable: Cable
) -> None:
    requester, case = await a_case(ward)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}", through=cable, works_offline=True)
    box = page.locator(".composer textarea")
    cable.is_cut()
    written = [f"Mạch {pulse}" for pulse in (112, 118, 124, 131, 96)]
    for text in written:
        await writes(page, text)
    await box.fill("Da lạnh, vã")
    await draft_kept(page, case, "Da lạnh, vã")
    await page.reload()
    await expect(page.get_by_text(f"{len(written)} tin chờ gửi, đã lưu trên máy. Không mất gì.")).to_be_visible()
    cable.is_mended()
    await page.evaluate("dispatchEvent(new Event('online'))")  # the device has noticed
    await expect(page.locator(".m.me").get_by_text("đã gửi")).to_have_count(len(written))
    await expect(page.locator(".m.me .m-text")).to_have_text(written)
    assert await texts(requester, case) == written
    await expect(box).to_have_value("Da lạnh, vã")


async def test_what_is_on_its_way_is_neither_deleted_nor_changed_and_what_may_have_arrived_says_so(
    ward: Ward, cable: Cable
) -> None:
    requester, case = await a_case(ward)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}", through=cable)
    await expect(page.locator(".composer textarea")).to_be_visible()
    cable.falls_silent()
    await writes(page, "Mạch 112")
    bubble = page.locator(".m.me")
    await expect(bubble).to_contain_text("đang gửi", ignore_case=True)
    await page.evaluate("() => { const now = performance.now; performance.now = () => now.call(performance) + 130e3; }")
    await expect(bubble).to_contain_text("Chưa gửi được")
    await expect(button(bubble, "Sửa")).to_have_count(0)
    cable.is_cut()
    cable.speaks_again()
    await expect(button(bubble, "Sửa")).to_be_visible()
    await expect(bubble).to_contain_text("Tin này có thể đã đến.")


async def test_a_message_is_sent_even_when_sending_is_tried_before_the_device_has_kept_it(ward: Ward) -> None:
    requester, case = await a_case(ward)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}")
    answer = await page.evaluate(SENT_AND_TRIED_AT_ONCE, case["id"])
    assert answer["text"] == "Mạch 112"
    assert await texts(requester, case) == ["Mạch 112"]


async def test_whoever_waits_for_a_message_is_told_also_when_it_was_sent_at_once_on_demand(
    ward: Ward, cable: Cable
) -> None:
    requester, case = await a_case(ward)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}", through=cable)
    cable.is_cut()
    await page.evaluate(SENT_AND_PRESSED_AGAIN, case["id"])
    cable.is_mended()
    await page.evaluate("dispatchEvent(new Event('online'))")  # the device has noticed
    async with asyncio.timeout(30):
        assert await page.evaluate("answers.then((all) => all.map((m) => m.text))") == ["Mạch 112", "Mạch 112"]
    assert await texts(requester, case) == ["Mạch 112"]


async def test_words_step_aside_for_a_correction_and_come_back(ward: Ward) -> None:
    requester, case = await a_case(ward)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}")
    box = page.locator(".composer textarea")
    await writes(page, "Mạch 12")
    sent = page.locator(".m.me")
    await expect(sent.get_by_text("đã gửi")).to_be_visible()
    await box.fill("Da lạnh, vã")
    await button(sent, "Sửa").click()
    await expect(box).to_have_value("Mạch 12")
    await button(page.locator(".composer"), "Thôi sửa").click()
    await expect(box).to_have_value("Da lạnh, vã")
    await button(sent, "Sửa").click()
    await writes(page, "Mạch 112")
    await expect(box).to_have_value("Da lạnh, vã")
    await expect(sent).to_have_count(2)
    await draft_kept(page, case, "Da lạnh, vã")
    await page.reload()
    await expect(box).to_have_value("Da lạnh, vã")
    assert await texts(requester, case) == ["Mạch 12", "Mạch 112"]


async def test_two_tabs_on_one_case_lose_nothing_of_each_other(ward: Ward) -> None:
    requester, case = await a_case(ward)
    first = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}")
    second = await first.context.new_page()
    await second.goto(f"/cases/{case['id']}")
    here, there = (page.locator(".composer textarea") for page in (first, second))
    await there.fill("Mạch 112")
    await draft_kept(first, case, "Mạch 112")
    await here.fill("Da lạnh")
    await draft_kept(first, case, "Da lạnh")
    await button(second.locator(".composer"), "Gửi", exact=True).click()
    await expect(second.locator(".m.me").get_by_text("đã gửi")).to_be_visible()
    await expect(there).to_have_value("")

    await first.goto("/")
    row = first.locator(".case").filter(has_text=case["number"])
    await expect(row).to_be_visible()
    await holds_the_drafts(second)  # a slow device: somebody types before the draft is there
    await row.click()
    await here.fill("vã mồ hôi")
    await expect(here).to_have_value("vã mồ hôi")
    await second.evaluate("released()")
    await expect(here).to_have_value("Da lạnh\nvã mồ hôi")
    await draft_kept(second, case, "Da lạnh\nvã mồ hôi")


SENT_AND_PRESSED_AGAIN = """async (caseId) => {
  const { command, resend } = await import("/assets/core/outbox.js");
  const body = { text: "Mạch 112" };
  const sent = command({ path: `/consultations/${caseId}/messages`, body, caseId, optimistic: true, what: "message" });
  globalThis.answers = Promise.all([sent.promise, resend(sent.id).promise]);
}"""

SENT_AND_TRIED_AT_ONCE = """async (caseId) => {
  const { all } = await import("/assets/core/db.js");
  const { command, retryNow } = await import("/assets/core/outbox.js");
  const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
  const later = async () => { for (let n = 0; n < 20; n += 1) await all("outbox"); };
  crypto.subtle.encrypt = (...words) => later().then(() => encrypt(...words)); // a slow device
  const body = { text: "Mạch 112" };
  const sent = command({ path: `/consultations/${caseId}/messages`, body, caseId, optimistic: true, what: "message" });
  retryNow();
  return sent.promise;
}"""
