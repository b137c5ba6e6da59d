"""The network goes away: what only this device knows is never shown as sent, and goes by itself, once."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.cable import Cable
from tests.browser.conftest import DESKTOP, PHONE, RunningClock, Ward
from tests.browser.hands import UNSENT, button, draft_kept, fill_request, form_kept, send_request, writes
from tests.conftest import a_copy
from tests.faults.server import ByPassword, Server
from tests.hotline import Json

pytestmark = pytest.mark.browser


async def test_a_request_without_a_network_is_called_unsent_offers_the_telephone_and_goes_by_itself(
    ward: Ward, cable: Cable
) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request", through=cable, works_offline=True)
    await fill_request(phone, label="MC-041")
    cable.is_cut()
    await send_request(phone)

    unsent = phone.get_by_role("main").get_by_role("alert").filter(has_text=UNSENT)
    await expect(unsent).to_be_visible()
    width = await unsent.evaluate("e => e.getBoundingClientRect().width / innerWidth")
    assert width > 0.85
    call = phone.get_by_role("main").get_by_role("link", name="Gọi tổng đài")
    await expect(call).to_have_attribute("href", re.compile(r"^tel:\d{8,}$"))
    await expect(phone.get_by_text("đã gửi", exact=True)).to_have_count(0)
    await phone.get_by_role("link", name="Quay lại").click()
    waiting = phone.locator(".card.queued")
    await expect(waiting).to_contain_text(UNSENT)
    await expect(waiting).to_contain_text("MC-041")
    assert (await requester.get("/consultations")).json()["items"] == []

    ward.clock.advance(minutes=4)
    cable.is_mended()
    row = phone.locator(".case").filter(has_text="MC-041")
    await expect(row).to_be_visible(timeout=30_000)
    await expect(waiting).to_have_count(0)
    await row.click()
    await expect(phone.get_by_role("region", name="Thang gọi")).to_contain_text("viết 03:04 · đến 03:08")
    [case] = (await requester.get("/consultations")).json()["items"]
    doctor = await ward.first_of(case)
    desk = await ward.open(doctor, on=DESKTOP)
    await expect(desk.get_by_role("alertdialog")).to_contain_text("viết 03:04 · đến 03:08")


async def test_the_form_comes_back_at_the_same_field_after_a_crash_without_a_network(ward: Ward, cable: Cable) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE, at="/request", through=cable, works_offline=True)
    await fill_request(phone, label="MC-042", question="Có cần chọc dịch màng tim không?")
    await expect(phone.get_by_text("Đã lưu nháp")).to_be_visible()
    await form_kept(phone, "request", "MC-042", "Có cần chọc dịch màng tim không?")
    cable.is_cut()
    await phone.reload()
    question = phone.get_by_role("textbox", name="Câu hỏi cụ thể")
    await expect(question).to_have_value("Có cần chọc dịch màng tim không?")
    await expect(question).to_be_focused()
    await expect(phone.get_by_role("textbox", name="Tên hoặc mã tạm")).to_have_value("MC-042")


async def test_the_server_dies_while_the_doctor_types(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path: Path, browser: Browser
) -> None:
    async with a_copy(server_url, demo_template[0]) as url, dying(Server(tmp_path, url), browser) as (server, ward):
        requester = await ward.requester("K04")
        case = await ward.ask("K04", by=requester)
        doctor = await ward.first_of(case)
        await doctor.do(case, "acceptance")
        phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}?view=full", works_offline=True)
        box = phone.locator(".composer textarea")
        await box.fill("Mạch 112, huyết áp")

        await server.kill()
        await expect(phone.locator(".conn").first).not_to_have_text("Trực tuyến")
        await expect(box).to_have_value("Mạch 112, huyết áp")
        await writes(phone, "Mạch 112, huyết áp 94/60.")
        await expect(phone.locator(".m.me")).to_contain_text("Chờ gửi")
        await box.fill("Da lạnh, vã")
        await draft_kept(phone, case, "Da lạnh, vã")
        await phone.reload()  # of patients, only what one wrote oneself stays on the device
        await expect(phone.get_by_text("1 tin chờ gửi, đã lưu trên máy. Không mất gì.")).to_be_visible()
        await expect(phone.get_by_role("main").get_by_role("link", name="Gọi tổng đài trực")).to_be_visible()

        await server.start()
        await expect(phone.locator(".m.me .st")).to_have_text("đã gửi", timeout=40_000)
        messages = (await requester.get(f"/consultations/{case['id']}/messages")).json()["items"]
        assert [m["text"] for m in messages] == ["Mạch 112, huyết áp 94/60."]
        await expect(box).to_have_value("Da lạnh, vã")
        await box.fill("Da lạnh, vã mồ hôi.")
        await button(phone.locator(".composer"), "Gửi", exact=True).click()
        await expect(phone.locator(".m.me")).to_have_count(2)


class FarWard(ByPassword, Ward):
    """The people around a server in a process of its own."""


@asynccontextmanager
async def dying(server: Server, browser: Browser) -> AsyncIterator[tuple[Server, Ward]]:
    """A server in a process of its own, and the people around it."""
    try:
        await server.start()
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
            clock = RunningClock(datetime.now(UTC))
            ward = FarWard(None, clock, http, server.port, server.accounts, browser=browser, url=server.url)
            try:
                yield server, ward
            finally:
                for context in ward.contexts:
                    await context.close()
            assert ward.errors == []
    finally:
        await server.clear_away()
