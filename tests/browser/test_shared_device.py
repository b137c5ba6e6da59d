"""What stays on a device: encrypted, its author's alone, and gone from a shared one when somebody else signs in."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, Ward
from tests.browser.hands import QUESTION, button, field, fill_request

pytestmark = pytest.mark.browser

# Everything that this origin keeps on the device, as text: databases, storages, caches.
KEPT = """async () => {
  const found = [];
  const read = (value) => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return found.push(new TextDecoder("latin1").decode(value), new TextDecoder().decode(value));
    if (value instanceof CryptoKey) return found.push(`key extractable: ${value.extractable}`);
    if (value && typeof value === "object") return Object.values(value).forEach(read);
    return found.push(String(value));
  };
  const done = (request) => new Promise((yes, no) => { request.onsuccess = () => yes(request.result); request.onerror = no; });
  for (const { name } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames) for (const row of await done(db.transaction(store).objectStore(store).getAll())) read(row);
    db.close();
  }
  read({ ...localStorage });
  read({ ...sessionStorage });
  for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) found.push(request.url);
  return found;
}"""  # noqa: E501


async def test_drafts_and_what_waits_are_unreadable_on_the_device(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    page = await ward.open(requester, on=PHONE, at="/request", works_offline=True)
    await fill_request(page, label="Nguyễn thử 41")
    await expect(page.get_by_text("Đã lưu nháp")).to_be_visible()
    await page.goto(f"/cases/{case['id']}")
    await page.locator(".hero").wait_for()
    kept = await page.evaluate(KEPT)
    assert any("key extractable: false" in text for text in kept)
    for secret in ("Nguyễn thử 41", QUESTION, "MC-017", "Tiêu sợi huyết"):
        assert not [text for text in kept if secret in text], secret
    assert not [text for text in kept if "/api/" in text and "/api/v1/telephones" not in text]


async def test_on_a_shared_device_nothing_of_the_former_doctor_is_left(ward: Ward) -> None:
    first = await ward.requester("K04", index=0)
    second = await ward.requester("K04", index=1)
    page = await ward.open(None, on=PHONE, at="/sign-in")
    await page.get_by_role("checkbox", name="Máy dùng chung").check()
    await signs_in(page, first.account["username"], first.account["password"])
    await page.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await fill_request(page, label="MC-077")
    await expect(page.get_by_text("Đã lưu nháp")).to_be_visible()
    await page.goto("/account")
    await button(page, "Đăng xuất", exact=True).click()
    await expect(page.get_by_role("heading", name="Đăng nhập")).to_be_visible()
    await expect(page.locator("body")).not_to_contain_text("MC-077")
    await signs_in(page, second.account["username"], second.account["password"])
    await page.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await expect(field(page, "Tên hoặc mã tạm")).to_have_value("")
    rows = await page.evaluate(KEPT)
    me = (await first.me())["id"]
    assert not [text for text in rows if text == me]


async def signs_in(page: Page, username: str, password: str) -> None:
    await field(page, "Tài khoản bệnh viện cấp").fill(username)
    await page.get_by_label("Mật khẩu", exact=True).fill(password)
    await button(page, "Đăng nhập").click()
    await expect(page.locator(".conn").first).to_have_text("Trực tuyến")
