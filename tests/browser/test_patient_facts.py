"""Vital signs, scores, allergies and times: unknown is shown as unknown, old as old, and nothing is guessed."""

import random
from types import SimpleNamespace

import pytest
from playwright.async_api import Locator, expect

from app.models.news2 import assess
from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, button, choice, field, fill_request, form_kept, send_request
from tests.hotline import Json

pytestmark = pytest.mark.browser

WHOLE_SET = {
    "pulse": 112,
    "systolic": 94,
    "diastolic": 60,
    "respiration": 24,
    "spo2": 93,
    "on_oxygen": False,
    "temperature": 36.6,
    "consciousness": "alert",
}


async def test_the_score_on_the_phone_is_the_servers_for_every_kind_of_patient(ward: Ward) -> None:
    page = await ward.open(None, at="/telephones")
    chance = random.Random(17)
    asked = [(a_set(chance), a_patient(chance)) for _ in range(3000)]
    told = await page.evaluate(
        "asked => import('/assets/core/news2.js').then((m) => asked.map(([v, patient]) => m.assess(v, patient)))", asked
    )
    for (vitals, patient), client in zip(asked, told, strict=True):
        server = assess(SimpleNamespace(**vitals), **patient).as_read()
        for part in ("state", "total", "why_not"):
            assert client[part] == server[part], (part, vitals, patient, client, server)
        if server["state"] != "not_applicable":
            for part in ("band", "suggests", "missing", "parts"):
                assert client[part] == server[part], (part, vitals, patient, client, server)


def a_set(chance: random.Random) -> Json:
    ranges = {"respiration": (4, 40), "spo2": (75, 100), "systolic": (60, 240), "pulse": (30, 150)}
    vitals: Json = {part: chance.choice([None, *[chance.randint(*ends)] * 5]) for part, ends in ranges.items()}
    return vitals | {
        "spo2_scale": chance.choice([1, 1, 1, 2]),
        "on_oxygen": chance.choice([None, True, False, False]),
        "temperature": chance.choice([None, *[round(chance.uniform(33, 41), 1)] * 5]),
        "consciousness": chance.choice([None, *["alert"] * 4, "confusion", "voice", "pain", "unresponsive"]),
    }


def a_patient(chance: random.Random) -> Json:
    return {
        "age_years": chance.choice([None, 0, 11, 12, 15, 16, 30, 55, 56, 80]),
        "sex": chance.choice(["male", "female", "other", "unknown"]),
        "pregnancy": chance.choice(["none", "value", "unknown", "not_asked"]),
    }


async def test_a_low_score_says_what_it_does_not_exclude_and_a_child_has_none(ward: Ward) -> None:
    requester = await ward.requester("K04")
    page = await ward.open(requester, on=DESKTOP, at="/request")
    await field(page, "Tuổi").fill("58")
    await choice(page, "Giới", "Nam").click()
    healthy = {"Nhịp thở": "16", "SpO₂": "98", "Mạch": "72", "HA tâm thu": "128", "Nhiệt độ": "36,6"}
    for label, value in healthy.items():
        await field(page, label).fill(value)
    score = page.locator(".side")
    await expect(score).to_contain_text("NEWS2 chưa đủ: thiếu")
    await expect(score.locator(".tot")).to_have_text("?")
    await choice(page, "Thở", "Khí trời").click()
    await page.get_by_role("radio", name="A · Tỉnh").click()
    await expect(score).to_contain_text("Thấp (0–4)")
    await expect(score).to_contain_text("Điểm thấp không loại trừ bệnh nặng.")
    await field(page, "Tuổi").fill("15")
    await expect(score).to_contain_text("Không dùng cho người dưới 16 tuổi hoặc mang thai")
    await expect(score.locator(".tot")).to_have_text("–")
    await expect(page.locator(".vg .nw")).to_have_count(0)  # nor a digit beside any value


async def test_values_say_when_they_were_taken_and_are_called_old(ward: Ward) -> None:
    requester = await ward.requester("K04")
    vitals = [WHOLE_SET | {"taken_at": "2026-11-23T20:00:00Z"}]
    case = await ward.ask("K04", by=requester, vitals=vitals)
    doctor = await ward.first_of(case)
    await doctor.do(case, "acceptance")
    desk = await ward.open(doctor, on=DESKTOP, at=f"/cases/{case['id']}")
    shown = desk.locator(".vit")
    await expect(desk.get_by_text("Đo lúc 03:00, 4 phút trước.")).to_be_visible()
    await expect(shown).not_to_have_class("old")
    await ward.moves_on(minutes=27)
    await expect(desk.locator(".vit.old")).to_be_visible()
    await expect(desk.locator(".vit-at")).to_contain_text("Đo lúc 03:00, 31 phút trước.")
    await expect(desk.locator(".vit-at")).to_contain_text("cũ")


async def test_new_vital_signs_keep_the_minute_of_the_first_key_and_the_scale_of_the_last_set(ward: Ward) -> None:
    requester = await ward.requester("K04")
    vitals = [WHOLE_SET | {"spo2": 89, "spo2_scale": 2, "taken_at": "2026-11-23T20:00:00Z"}]
    case = await ward.ask("K04", by=requester, vitals=vitals)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}?view=full")
    await button(page, "Thêm sinh hiệu").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Mạch").fill("118")
    await form_kept(page, f"vitals:{case['id']}", "118")
    await page.keyboard.press("Escape")
    await ward.moves_on(minutes=90)
    await button(page, "Thêm sinh hiệu").click()
    await expect(dialog.get_by_label("Giờ đo")).to_have_value("03:04")
    await expect(dialog.get_by_role("radio", name="Thang 2")).to_have_attribute("aria-checked", "true")
    await button(dialog, "Lưu sinh hiệu").click()
    await expect(dialog).to_have_count(0)
    [*_, last] = (await requester.get(f"/consultations/{case['id']}")).json()["vitals"]
    assert (last["pulse"], last["taken_at"][:16]) == (118, "2026-11-23T20:04")


async def test_a_time_without_a_date_is_echoed_with_its_date_across_midnight(ward: Ward) -> None:
    requester = await ward.requester("K04")
    page = await ward.open(requester, on=PHONE, at="/request")
    await fill_request(page)
    await field(page, "Mạch").fill("112")
    await expect(page.get_by_text("lúc 03:04 ngày 24/11/2026")).to_be_visible()
    await button(page, "sửa giờ").click()
    await field(page, "Giờ đo").fill("23:50")
    await expect(page.get_by_text("lúc 23:50 ngày 23/11/2026")).to_be_visible()
    await button(page, "Xong").click()
    await send_request(page)
    await page.wait_for_url(CASE_PAGE)
    await expect(page.get_by_text("Đo lúc hôm qua 23:50")).to_be_visible()
    read = (await requester.get(f"/consultations/{page.url.rsplit('/', 1)[1]}")).json()
    assert read["vitals"][0]["taken_at"] == "2026-11-23T16:50:00Z"


async def test_numbers_are_asked_about_and_never_guessed(ward: Ward) -> None:
    requester = await ward.requester("K04")
    page = await ward.open(requester, on=PHONE, at="/request")
    await fill_request(page, age="2")
    await field(page, "Cân nặng").fill("3.500")
    await expect(page.get_by_text("Ý bạn là 3,5 kg hay 3500 kg? Chọn một số.")).to_be_visible()
    await send_request(page)
    summary = page.get_by_role("alert").filter(has_text="mục cần sửa")
    await expect(summary).to_be_focused()
    await field(page, "Cân nặng").fill("11,5")
    for typed, words in {"98,6": "98,6 giống độ F. Nhập độ C", "366": "Nhập số từ 13 đến 43"}.items():
        await field(page, "Nhiệt độ").fill(typed)
        await send_request(page)
        await expect(summary).to_contain_text(words)
    await field(page, "Nhiệt độ").fill("36.6")
    await field(page, "Mạch").fill("0")
    await expect(page.get_by_text("0: đúng là ngừng tim hoặc không đo được?")).to_be_visible()
    await expect(summary).to_have_count(0)
    await field(page, "Nhiệt độ").fill("366")
    await button(page, "Báo động đỏ").click()  # nothing that was typed keeps the team from being rung
    await page.wait_for_url(CASE_PAGE)
    await expect(page.locator(".note").filter(has_text="Không gửi kèm vì không đọc được")).to_be_visible()
    read = (await requester.get(f"/consultations/{page.url.rsplit('/', 1)[1]}")).json()
    assert (read["urgency"], read["vitals"][0]["temperature"]) == ("red", None)


async def test_allergy_and_what_nobody_asked_stand_out_on_card_case_and_beside_the_conclusion(ward: Ward) -> None:
    requester = await ward.requester("K04")
    safety = {"allergies": {"state": "value", "text": "Penicillin, phản vệ"}, "anticoagulant": {"state": "unknown"}}
    case = await ward.ask("K04", by=requester, safety=safety)
    doctor = await ward.first_of(case)
    desk = await ward.open(doctor, on=DESKTOP)
    card = desk.get_by_role("alertdialog")
    await safety_stands_out(card)
    await button(card, "Tiếp nhận").click()
    await desk.wait_for_url(CASE_PAGE)
    await safety_stands_out(desk.locator("#pane-summary"))
    await safety_stands_out(desk.locator("#pane-record"))
    for label, text in {"Tóm tắt": "Đau ngực.", "Kết luận": "NMCT.", "Hướng điều trị tiếp": "Kháng sinh."}.items():
        await field(desk, label).fill(text)
    await button(desk, "Kết luận…").click()
    await safety_stands_out(desk.get_by_role("dialog"))
    await desk.keyboard.press("Escape")

    await doctor.do(case, "messages", {"text": "Ceftriaxon 2 g.", "opinion": True})
    await expect(desk.get_by_role("log")).to_contain_text("Ceftriaxon 2 g.")
    change = await requester.patch(f"/consultations/{case['id']}", {"patient": {"weight_kg": 41}})
    assert change.status_code == 200, change.text
    alert = desk.locator(".note").filter(has_text="An toàn dùng thuốc vừa đổi sau khi đã có ý kiến: MC-017")
    await expect(alert).to_be_visible()


async def safety_stands_out(where: Locator) -> None:
    facts = where.locator(".safety-line, .safety").first
    await expect(facts).to_contain_text("Penicillin, phản vệ")
    await expect(facts.locator(".sf-val").first).to_contain_text("Penicillin")
    unknown = facts.locator(".sf-open")
    await expect(unknown).to_have_count(2)  # the anticoagulant nobody knows, the weight nobody asked
    await expect(unknown.first).to_contain_text("Không rõ")
    await expect(unknown.last).to_contain_text("Chưa hỏi")


async def test_the_card_names_what_is_missing_and_follows_what_is_completed_while_it_rings(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    desk = await ward.open(doctor, on=DESKTOP)
    card = desk.get_by_role("alertdialog")
    await expect(card).to_contain_text("Sinh hiệu: chưa cho biết")
    missing = card.locator(".facts2 .missing")
    for what in ("tình hình", "bệnh sử", "đánh giá, đã xử trí", "đề nghị, tại chỗ có", "chẩn đoán"):
        await expect(missing).to_contain_text(what)
    await requester.patch(f"/consultations/{case['id']}", {"background": "Đái tháo đường, dùng metformin."})
    await expect(card).to_contain_text("Đái tháo đường, dùng metformin.")
    await expect(missing).not_to_contain_text("bệnh sử")
    await requester.do(case, "vitals", WHOLE_SET | {"taken_at": "2026-11-23T20:04:00Z"})
    await expect(card.locator(".vit")).to_contain_text("94/60")
    await expect(card.locator(".tt")).to_contain_text("NEWS2")
    question = "Huyết áp còn 84/50: có đặt bóng đối xung không?"
    await requester.patch(f"/consultations/{case['id']}", {"question": question})
    await expect(card.get_by_role("heading", level=1)).to_have_text(question)


async def test_text_that_is_cut_says_so_and_one_tap_shows_all_of_it(ward: Ward) -> None:
    requester = await ward.requester("K04")
    background = "Đái tháo đường mười năm, dùng metformin. " * 20
    case = await ward.ask("K04", by=requester, background=background + "Dị ứng thuốc cản quang.")
    doctor = await ward.first_of(case)
    page = await ward.open(doctor, on=PHONE)
    card = page.get_by_role("alertdialog")
    more = button(card, "Đọc hết")
    await expect(more).to_be_visible()
    await more.click()
    await expect(button(card, "Thu gọn")).to_be_visible()
    text = card.locator(".clamp.open")
    assert await text.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    await expect(text).to_contain_text("Dị ứng thuốc cản quang.")
