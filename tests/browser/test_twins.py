"""Two patients who are easily taken for each other: each screen on which somebody writes, signs or calls says which."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import button, choice, field, fill_request, writes

pytestmark = pytest.mark.browser

ELDER, YOUNGER = "Con bà Hai 1", "Con bà Hai 2"


async def test_a_like_open_case_of_the_ward_is_named_before_a_second_one_is_sent(ward: Ward) -> None:
    requester = await ward.requester("K04")
    await ward.ask("K04", by=requester)
    phone = await ward.open(requester, on=PHONE, at="/")
    await expect(phone.locator(".case")).to_have_count(1)
    await phone.get_by_role("link", name="Yêu cầu hội chẩn").click()
    await fill_request(phone, label="MC-018", age="58")
    like = phone.get_by_role("status").filter(has_text="Khoa bạn đang có ca giống:")
    await expect(like).to_contain_text("HC-0001 · MC-017 · Nam 58 tuổi")
    await expect(like.get_by_role("link", name="Cùng người bệnh thì mở ca đó")).to_be_visible()

    second = await ward.ask("K04", by=requester)  # all the same: both doctors read that there are two
    twins = "Khoa này đang có ca khác cùng tên hoặc mã"
    await phone.goto(f"/cases/{second['id']}")
    await expect(phone.get_by_text(twins)).to_be_visible()
    doctor = await ward.first_of(second)
    await doctor.do(second, "acceptance")
    desk = await ward.open(doctor, on=DESKTOP, at=f"/cases/{second['id']}")
    await expect(desk.get_by_text(twins)).to_be_visible()


async def test_drafts_and_signatures_stay_with_their_patient(ward: Ward) -> None:
    requester = await ward.requester("K04")
    patient = {"sex": "male", "age_years": 1, "weight_kg": 9.5}
    elder = await ward.ask("K04", by=requester, patient=patient | {"label": ELDER})
    younger = await ward.ask("K04", by=requester, patient=patient | {"label": YOUNGER, "sex": "female"})
    doctor = await ward.first_of(elder)
    for case in (elder, younger):
        await doctor.do(case, "acceptance")
    desk = await ward.open(doctor, on=DESKTOP, at=f"/cases/{elder['id']}")
    composer = desk.locator(".composer")
    await expect(composer).to_contain_text(f"{ELDER} · Nam 1 tuổi · {elder['number']}")
    await composer.locator("textarea").fill("Liều cho 9,5 kg:")
    await field(desk, "Tóm tắt").fill("Bé trai, sốt ngày thứ hai.")

    await goes_to(desk, younger)
    await expect(composer).to_contain_text(f"{YOUNGER} · Nữ 1 tuổi · {younger['number']}")
    await expect(composer.locator("textarea")).to_have_value("")
    await expect(field(desk, "Tóm tắt")).to_have_value("")
    await writes(desk, "Cho xem phim phổi.")

    await button(desk, "Gọi", exact=True).first.click()
    call = desk.get_by_role("dialog", name="Gọi")
    await expect(call).to_contain_text(f"{younger['number']} · {YOUNGER} · Nữ 1 tuổi")
    await expect(call.get_by_role("link", name=str(requester.name))).to_be_visible()
    await button(call, "Đóng").click()

    for label, text in {"Tóm tắt": "Bé gái.", "Kết luận": "Viêm phổi.", "Hướng điều trị tiếp": "Kháng sinh."}.items():
        await field(desk, label).fill(text)
    await choice(desk, "Quyết định", "Điều trị tại chỗ").click()
    await button(desk, "Kết luận…").click()
    sign = desk.get_by_role("dialog")
    await expect(sign).to_contain_text(f"{YOUNGER} · Nữ 1 tuổi")
    await expect(sign).to_contain_text(younger["number"])
    await expect(sign).not_to_contain_text(ELDER)
    await desk.keyboard.press("Escape")

    await goes_to(desk, elder)
    await expect(composer).to_contain_text(f"{ELDER} · Nam 1 tuổi · {elder['number']}")
    await expect(composer.locator("textarea")).to_have_value("Liều cho 9,5 kg:")
    await expect(field(desk, "Tóm tắt")).to_have_value("Bé trai, sốt ngày thứ hai.")
    messages = {
        c["id"]: (await doctor.get(f"/consultations/{c['id']}/messages")).json()["items"] for c in (elder, younger)
    }
    assert [m["text"] for m in messages[younger["id"]]] == ["Cho xem phim phổi."]
    assert messages[elder["id"]] == []


async def test_ringing_again_copies_the_words_but_no_vital_signs_and_no_safety_facts(ward: Ward) -> None:
    requester = await ward.requester("K04")
    vitals = [{"taken_at": "2026-11-23T20:00:00Z", "pulse": 112}]
    safety = {"allergies": {"state": "value", "text": "Penicillin"}}
    case = await ward.ask("K04", by=requester, vitals=vitals, safety=safety)
    await requester.do(case, "cancellation", {"reason": "Bấm nhầm"})
    phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}")
    await phone.get_by_role("link", name="Gọi lại").click()
    await expect(field(phone, "Tên hoặc mã tạm")).to_have_value("MC-017")
    await expect(field(phone, "Mạch")).to_have_value("")
    await expect(phone.locator("body")).not_to_contain_text("Penicillin")


async def goes_to(page: Page, case: dict[str, object]) -> None:
    """Move to another case within the page, as a doctor does from the queue."""
    await page.get_by_role("link", name="Quay lại").click()
    await page.locator(f'a.qi[href="/cases/{case["id"]}"]').click()
