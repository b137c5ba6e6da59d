"""What people do on their pages, in the words that they read there."""

import asyncio
import re

from playwright.async_api import Locator, Page, expect

from tests.hotline import Hotline, Json, Person

QUESTION = "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?"
CASE_PAGE = re.compile(r"/cases/[0-9a-f-]+")
SAID = "Hỏi tiêu sợi huyết hay chuyển. BS dặn tenecteplase 35 mg tĩnh mạch, rồi chuyển."
DEMO = "KHÔNG DÙNG CHO NGƯỜI BỆNH"
UNSENT = "Chưa gửi được. Bác sĩ tuyến trên chưa biết."


def button(page: Page | Locator, name: str, *, exact: bool = False) -> Locator:
    return page.get_by_role("button", name=name, exact=exact)


def choice(page: Page | Locator, group: str, name: str) -> Locator:
    """One of a group of chips."""
    return page.get_by_role("radiogroup", name=re.compile(f"^{group}")).get_by_role("radio", name=name)


def field(page: Page | Locator, label: str) -> Locator:
    return page.get_by_role("textbox", name=re.compile(f"^{re.escape(label)}"))


async def fill_request(
    page: Page, *, label: str = "MC-017", age: str = "58", urgency: str = "Cam", question: str = QUESTION
) -> None:
    """Fill in what a request needs, and no more."""
    await field(page, "Tên hoặc mã tạm").fill(label)
    await field(page, "Tuổi").fill(age)
    await choice(page, "Giới", "Nam").click()
    await choice(page, "Chuyên khoa", "Tim mạch").click()
    await choice(page, "Mức khẩn", urgency).click()
    await field(page, "Câu hỏi cụ thể").fill(question)


async def entered(ward: Hotline, by: Person, **who: str) -> Json:
    """A red case that this doctor's ward had telephoned about; a name that somebody typed, unless a doctor is named."""
    call = {"asked_at": "2026-11-24T02:40:00+07:00", "answered_at": "2026-11-24T02:55:00+07:00", "text": SAID}
    told = call | (who or {"answered_by_name": "BS trực tim mạch"})
    return await ward.ask("K04", urgency="red", by=by, to="/consultations/telephone", telephone=told)


async def send_request(page: Page) -> None:
    await page.get_by_role("button", name="Gửi yêu cầu").locator("visible=true").click()


async def writes(page: Page, text: str) -> None:
    """Write a message in the open case and send it."""
    await page.locator(".composer textarea").fill(text)
    await page.locator(".composer").get_by_role("button", name="Gửi", exact=True).click()


async def form_kept(page: Page, form: str, *words: str) -> None:
    """Wait until the device keeps a draft of this form that holds all these words."""
    async with asyncio.timeout(30):
        await page.evaluate(FORM_KEPT, [form, words])


FORM_KEPT = """async ([form, words]) => {
  const { one } = await import("/assets/core/db.js");
  const kept = async () => JSON.stringify((await one("drafts", form))?.value ?? null);
  while (!words.every(((found) => (word) => found.includes(word))(await kept()))) {
    await new Promise((again) => setTimeout(again, 20));
  }
}"""


async def draft_kept(page: Page, case: Json, text: str) -> None:
    """Wait until the device keeps these words as the draft of a case's next message."""
    # Not `wait_for_function`: it takes the promise of an asynchronous function for a yes.
    async with asyncio.timeout(30):
        await page.evaluate(DRAFT_KEPT, [f"message:{case['id']}", text])


DRAFT_KEPT = """async ([name, text]) => {
  const { one } = await import("/assets/core/db.js");
  while ((await one("drafts", name))?.value.value.text !== text) await new Promise((again) => setTimeout(again, 20));
}"""


async def holds_the_drafts(page: Page) -> None:
    """Keep the device's store of drafts locked until the page calls `released()`."""
    await page.evaluate(HOLDS_THE_DRAFTS)


HOLDS_THE_DRAFTS = """() => new Promise((held) => {
  let free = false;
  globalThis.released = () => { free = true; };
  indexedDB.open("hoichan").onsuccess = ({ target: { result: db } }) => {
    const store = db.transaction("drafts", "readwrite").objectStore("drafts");
    const hold = () => {
      held(null);
      if (free) db.close();
      else store.count().onsuccess = hold;
    };
    store.count().onsuccess = hold;
  };
})"""


async def sees_at_once(locator: Locator) -> None:
    """The whole of it stands on the screen, nothing cut off and nothing to scroll for."""
    await expect(locator).to_be_visible()
    await expect(locator).to_be_in_viewport(ratio=0.99)
