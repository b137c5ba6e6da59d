"""The doctor on call has no page open, only a telephone: a key pressed in the call takes the case."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, DEMO, QUESTION, button, fill_request, send_request, writes
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser

ANSWER = "Tiêu sợi huyết ngay rồi chuyển."


async def test_a_key_pressed_in_the_call_takes_the_case_and_everybody_sees_so(ward: Ward) -> None:
    requester = await ward.requester("K04")
    phone = await ward.open(requester, on=PHONE)
    case = await is_asked(phone)
    doctor = await ward.first_of(case)
    await ward.moves_on(seconds=31)  # no device has it: the next doctor's rings too
    mate = next(p for p in await ward.rung(case) if p is not doctor)
    beside = await ward.open(mate, on=DESKTOP)
    await expect(beside.locator("html")).to_have_attribute("data-ringing", "orange")
    await ward.app.state.dispatcher.run_due()

    outside = await ward.open(None, on=PHONE, at="/dev/outbox")
    call = outside.locator("section").filter(has_text=" · Gọi điện").filter(has_text=doctor.name)
    await expect(call).to_contain_text("Có ca hội chẩn cần bạn trả lời")
    await expect(call).to_contain_text("Bấm 1 để nhận")
    await expect(outside.locator("body")).to_contain_text(DEMO)
    number = (await requester.get(f"/consultations/{case['id']}")).json()["number"]
    for secret in ("MC-017", "58", QUESTION, number):
        await expect(outside.locator("main")).not_to_contain_text(secret)

    await button(call, "Bấm 3").click()  # hearing it again answers nothing
    await outside.wait_for_load_state()
    await expect(phone.get_by_role("heading", name="Đang tìm bác sĩ")).to_be_visible()
    await button(call, "Bấm 1").click()

    holder = phone.get_by_role("main").locator(".holder")
    await expect(holder).to_contain_text(f"{doctor.name} đang giữ ca")
    await expect(holder).to_contain_text("bấm phím qua điện thoại")
    await expect(beside.locator("html")).to_have_attribute("data-ringing", "")
    await expect(beside.get_by_role("alertdialog")).to_have_count(0)
    await expect(beside.get_by_role("main").get_by_role("alert")).to_contain_text(doctor.name)
    await ward.app.state.dispatcher.run_due()
    await outside.reload()
    await expect(call).to_contain_text("đã trả lời")
    await expect(call.get_by_role("button")).to_have_count(0)
    states = outside.locator("section .cap").filter(has_text=mate.name)
    for state in await states.all_inner_texts():
        assert state.rpartition(" · ")[2] in ("không cần nữa / no longer needed", "đã gửi / sent"), state
    await opens_and_writes(ward, doctor, case, phone)


async def is_asked(phone: Page) -> Json:
    """A request in orange, sent from a phone."""
    await phone.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await fill_request(phone)
    await send_request(phone)
    await phone.wait_for_url(CASE_PAGE)
    await expect(phone.get_by_role("heading", name="Đang tìm bác sĩ")).to_be_visible()
    return {"id": phone.url.rsplit("/", 1)[1]}


async def opens_and_writes(ward: Ward, doctor: Person, case: Json, phone: Page) -> None:
    """The doctor has reached a computer: the case is there, is theirs, and what they write arrives."""
    desk = await ward.open(doctor, on=DESKTOP)
    await desk.locator("a.qi").filter(has_text="Nam 58 tuổi").click()
    await desk.wait_for_url(CASE_PAGE)
    assert desk.url.rstrip("/").endswith(case["id"])
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    await button(desk, "Ghi là ý kiến hội chẩn").click()
    await writes(desk, ANSWER)
    await expect(phone.locator(".m.op")).to_contain_text(ANSWER)
    read = (await doctor.get(f"/consultations/{case['id']}")).json()
    assert read["answered_at"] is not None
    assert [o["answered_via"] for c in read["callouts"] for o in c["offers"] if o["state"] == "accepted"] == ["voice"]
