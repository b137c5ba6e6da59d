"""Once a case is held: silence rings again, unread advice rings the ward, and a duty ends in a hand-over."""

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.async_api import expect
from sqlalchemy import text

from app.database import make_engine
from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import CASE_PAGE, button, field, writes
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser

ADVICE = "Tiêu sợi huyết ngay rồi chuyển."
CHANGED = "Không tiêu sợi huyết, chuyển thẳng can thiệp."


# A computer on which nobody has touched the page yet: its browser lets it make no sound.
SILENT_UNTIL_TOUCHED = """(() => {
  let touched = false;
  Object.defineProperty(AudioContext.prototype, "state", { get: () => (touched ? "running" : "suspended") });
  AudioContext.prototype.resume = async () => { touched = true; };
})()"""


async def test_advice_unread_rings_the_ward_until_it_is_read_back_and_a_change_asks_what_was_done(ward: Ward) -> None:
    requester, case, doctor = await held(ward)
    mate = await colleague_of(ward, requester)
    first = await doctor.do(case, "messages", {"text": ADVICE, "opinion": True})
    phone = await ward.open(requester, on=PHONE)
    other = await ward.open(mate, on=PHONE)
    await ward.moves_on(minutes=5, seconds=1)
    for page in (phone, other):
        bar = page.get_by_role("alert").filter(has_text="chưa ai xác nhận đã đọc và hiểu")
        await expect(bar).to_contain_text(case["number"])
        await expect(page.locator("html")).to_have_attribute("data-ringing", "orange")
        await expect(page).to_have_title(re.compile("Ý kiến chờ xác nhận đã đọc và hiểu"))
    await other.add_init_script(SILENT_UNTIL_TOUCHED)
    await other.reload()  # a page that starts while it rings, rings
    await expect(other.locator("html")).to_have_attribute("data-ringing", "orange")
    await button(other.get_by_role("alert").filter(has_text="Máy này chưa phát được chuông"), "Bật và nghe thử").click()
    await expect(other.get_by_text("Máy này chưa phát được chuông")).to_have_count(0)

    await phone.get_by_role("link", name="Đọc và xác nhận").click()
    ask = phone.get_by_role("group", name="Xác nhận đã đọc và hiểu ý kiến")
    await expect(ask).to_be_in_viewport()
    await button(ask, "Đã hiểu").click()
    for page in (phone, other):
        await expect(page.locator("html")).to_have_attribute("data-ringing", "")
    await expect(other.locator(".advice-bar")).to_have_count(0)

    await doctor.do(case, "messages", {"text": CHANGED, "opinion": True, "supersedes": first["event_id"]})
    await expect(phone.locator("html")).to_have_attribute("data-ringing", "orange")
    await expect(other.get_by_role("alert").filter(has_text="ý kiến đã đổi")).to_be_visible()
    await expect(phone.locator(".m.old s")).to_have_text(ADVICE)
    note = phone.get_by_role("alert").filter(has_text="Ý kiến đã đổi lúc")
    await button(note, "Đọc và xác nhận").click()
    ask = phone.get_by_role("group", name="Xác nhận đã đọc và hiểu ý kiến")
    await expect(ask).to_contain_text("Ý kiến cũ đã thực hiện chưa?")
    await expect(button(ask, "Đã hiểu")).to_be_disabled()
    await ask.get_by_role("radio", name="Đã làm", exact=True).click()
    await button(ask, "Đã hiểu").click()
    await expect(phone.locator(".m.op").last).to_contain_text("Đã làm theo ý kiến trước.")
    await expect(phone.locator("html")).to_have_attribute("data-ringing", "")
    read = (await doctor.get(f"/consultations/{case['id']}")).json()
    assert read["read_backs"][-1]["done_already"] is True


async def test_a_silent_holder_sees_why_it_rings_again_and_a_confirmed_call_ends_it(ward: Ward) -> None:
    requester, case, doctor = await held(ward)
    desk = await ward.open(doctor, on=DESKTOP)
    phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}")
    await ward.moves_on(minutes=10, seconds=1)
    card = desk.get_by_role("alertdialog")
    await expect(card).to_contain_text("khoa chưa nhận được tin nào của bạn")
    await expect(card).to_contain_text("Chuông tắt khi bạn nhắn một tin")
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "orange")
    await expect(phone.get_by_role("status").filter(has_text="nhưng chưa trả lời")).to_contain_text("Đang gọi thêm")
    await card.get_by_role("link", name="Mở ca và trả lời").click()
    await expect(desk.get_by_role("alert").filter(has_text="khoa chưa nhận được tin nào của bạn")).to_be_visible()

    await button(desk, "Ghi cuộc gọi").click()
    form = desk.get_by_role("dialog", name="Ghi cuộc gọi")
    await expect(form).to_contain_text("MC-017")
    await field(form, "Đã nói gì").fill("Dặn tiêm tenecteplase 35 mg.")
    await button(form, "Lưu cuộc gọi").click()
    line = phone.locator(".call-line")
    await expect(line).to_contain_text("Qua điện thoại")
    await expect(line).to_contain_text("Dặn tiêm tenecteplase 35 mg.")
    await expect(desk.locator(".call-line")).to_contain_text("Chờ bên kia xác nhận")
    await button(line, "Xác nhận").click()
    await expect(desk.locator(".call-line")).to_contain_text(f"{requester.name} xác nhận")
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    await expect(phone.get_by_role("status").filter(has_text="nhưng chưa trả lời")).to_have_count(0)


async def test_the_ward_gives_a_case_to_a_colleague_and_asks_a_second_specialty_its_own_question(ward: Ward) -> None:
    requester, case, doctor = await held(ward)
    mate = await colleague_of(ward, requester)
    page = await ward.open(requester, on=DESKTOP, at=f"/cases/{case['id']}")
    await page.route("**/me/colleagues", lambda route: route.abort(), times=1)
    await button(page, "Giao cho đồng nghiệp").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("alert")).to_contain_text("Chưa đọc được danh sách đồng nghiệp.")
    await expect(dialog).not_to_contain_text("Chưa có đồng nghiệp cùng khoa có tài khoản.")
    await button(dialog, "Thử lại").click()
    await dialog.get_by_role("button", name=mate.name).click()
    await expect(page.get_by_text(f"Phụ trách phía khoa: {mate.name}")).to_be_visible()

    # That a colleague has read it says nothing of the other side.
    await writes(page, "Đã lấy máu xét nghiệm.")
    other = await ward.open(mate, on=DESKTOP, at=f"/cases/{case['id']}")
    await expect(other.get_by_role("log")).to_contain_text("Đã lấy máu xét nghiệm.")
    async with asyncio.timeout(30):
        while not await has_seen_all(mate, case):
            await asyncio.sleep(0.1)
    await page.reload()
    await expect(page.locator(".m.me .st")).to_have_text("đã gửi")

    await button(page, "Thao tác khác").click()
    await button(page.get_by_role("dialog"), "Hỏi thêm chuyên khoa").click()
    dialog = page.get_by_role("dialog", name="Hỏi thêm chuyên khoa")
    await expect(dialog).to_contain_text("MC-017")
    await dialog.get_by_label("Chuyên khoa", exact=True).select_option("K02")
    await field(dialog, "Câu hỏi cho chuyên khoa này").fill("Có cần lọc máu không?")
    await button(dialog, "Gọi chuyên khoa này").click()
    await expect(page.locator(".other-q")).to_contain_text("Có cần lọc máu không?")
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    [second] = [c for c in read["callouts"] if c["reason"] == "second_specialty"]
    asked = await ward.by_name(second["offers"][0]["doctor_name"], second["offers"][0]["doctor"])
    desk = await ward.open(asked, on=DESKTOP)
    card = desk.get_by_role("alertdialog", name="Có cần lọc máu không?")
    await expect(card).to_contain_text("Câu hỏi cho chuyên khoa của bạn")
    await expect(card).to_contain_text(f"{doctor.name} đang giữ ca")
    await button(card, "Tiếp nhận").click()
    await desk.wait_for_url(CASE_PAGE)
    await expect(page.locator("body")).to_contain_text(f"{doctor.name} đang giữ ca")


async def test_not_my_duty_rings_the_next_and_a_ring_taken_back_says_why(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    desk = await ward.open(doctor, on=DESKTOP)
    phone = await ward.open(requester, on=PHONE, at=f"/cases/{case['id']}")
    await button(desk.get_by_role("alertdialog"), "Từ chối…").click()
    await button(desk.get_by_role("dialog"), "Không phải ca của tôi").click()
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    ladder = phone.get_by_role("region", name="Thang gọi")
    await expect(ladder).to_contain_text("Không phải ca của tôi")
    [second] = await ward.rung(case, step=1)
    await second.do(case, "refusal", {"reason": "other", "text": "Đang mổ, 20 phút nữa xong."})
    await expect(ladder.get_by_role("listitem").filter(has_text=second.name)).to_contain_text(
        re.compile(r"Từ chối \d\d:\d\d · Đang mổ, 20 phút nữa xong\.")
    )


async def test_a_night_on_a_cardiology_desk_through_a_shift_change_with_a_case_ringing(ward: Ward) -> None:
    """A duty ends: the list is there, the successor is chosen, and the case stays until it is accepted."""
    requester, case, doctor = await held(ward)
    await doctor.do(case, "messages", {"text": ADVICE, "opinion": True})
    desk = await ward.open(doctor, on=DESKTOP)
    successor = await ends_in(ward, doctor, minutes=20)
    ringing = await ward.ask("K04", by=requester, urgency="yellow", patient={"label": "MC-018", "sex": "female"})
    await ward.moves_on(minutes=21)
    next_desk = await ward.open(successor, on=DESKTOP)
    await expect(next_desk.get_by_role("alertdialog")).to_contain_text(ringing["number"])
    await desk.reload()
    ended = desk.get_by_role("alert").filter(has_text="Bạn đang ngoài ca trực và còn giữ 1 ca.")
    await button(ended, "Bàn giao ca trực").click()
    dialog = desk.get_by_role("dialog", name="Bàn giao ca trực")
    await expect(dialog).to_contain_text(case["number"])
    await expect(dialog).to_contain_text("1 ý kiến chưa được xác nhận đã đọc và hiểu")
    await expect(dialog.get_by_role("radio", name=successor.name)).to_have_attribute("aria-checked", "true")
    await field(dialog, "Ghi chú bàn giao").fill("Chờ troponin lúc 06:00")
    await button(dialog, "Bàn giao 1 ca").click()
    await expect(dialog).to_be_hidden()
    await next_desk.locator(".qi.ringing").filter(has_text="Cam").click()
    card = next_desk.get_by_role("alertdialog")
    await expect(card).to_contain_text(f"{doctor.name} bàn giao ca này cho bạn.")
    await expect(card).to_contain_text("Chờ troponin lúc 06:00")
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert read["holder_name"] == doctor.name
    await button(card, "Tiếp nhận").click()
    await next_desk.wait_for_url(CASE_PAGE)
    await expect(next_desk.get_by_role("log")).to_contain_text("Chờ troponin lúc 06:00")
    await expect(ended).to_have_count(0)
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert read["holder_name"] == successor.name


async def held(ward: Ward) -> tuple[Person, Json, Person]:
    """A case that its first doctor has accepted, without a word yet."""
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    await doctor.do(case, "acceptance")
    return requester, case, doctor


async def has_seen_all(person: Person, case: Json) -> bool:
    read = (await person.get(f"/consultations/{case['id']}")).json()
    seen = {p["name"]: p["seen_n"] for p in read["participants"]}
    said = (await person.get(f"/consultations/{case['id']}/messages")).json()["items"]
    return int(seen[person.name]) >= int(said[-1]["n"])


async def colleague_of(ward: Ward, requester: Person) -> Person:
    """Somebody else who asks at the same ward."""
    same = [
        a
        for a in ward.accounts
        if a["role"] == "requester"
        and a["hospital_name"] == requester.account["hospital_name"]
        and a["ward_name"] == requester.account["ward_name"]
        and a["username"] != requester.account["username"]
    ]
    return await ward.sign_in(same[0])


async def ends_in(ward: Ward, doctor: Person, *, minutes: float) -> Person:
    """Let the doctor's duty end then, and another doctor of the desk take it up."""
    me = (await doctor.get("/me")).json()
    end = ward.clock.now() + timedelta(minutes=minutes)
    desk = doctor.account["desk"]
    others = [
        a
        for a in ward.accounts
        if a["role"] == "specialist" and a["desk"] == desk and a["username"] != doctor.account["username"]
    ]
    successor = await ward.sign_in(others[-1])
    who = (await successor.get("/me")).json()["id"]
    engine = make_engine(ward.app.state.house.settings.database_url)
    async with engine.begin() as connection:
        given = {"me": me["id"], "who": who, "desk": desk, "end": end, "until": end + timedelta(hours=8)}
        for statement in HANDS_OVER:
            await connection.execute(text(statement), given)
    await engine.dispose()
    return successor


HANDS_OVER = (
    """DELETE FROM duty_slot d USING schedule s WHERE s.id = d.schedule_id AND s.desk_id = CAST(:desk AS uuid)
       AND (d.doctor_id IN (CAST(:me AS uuid), CAST(:who AS uuid)) OR d.role = 'primary')
       AND lower(d.during) >= :end AND lower(d.during) < :until""",
    """UPDATE duty_slot SET during = tstzrange(lower(during), :end) WHERE doctor_id = CAST(:me AS uuid)
       AND upper(during) > :end AND lower(during) < :end""",
    """DELETE FROM duty_slot d USING schedule s WHERE s.id = d.schedule_id AND s.desk_id = CAST(:desk AS uuid)
       AND d.doctor_id = CAST(:who AS uuid) AND d.during && tstzrange(:end, :until)""",
    """INSERT INTO duty_slot (id, schedule_id, doctor_id, role, during)
       SELECT gen_random_uuid(), id, CAST(:who AS uuid), 'primary', tstzrange(:end, :until)
       FROM schedule WHERE desk_id = CAST(:desk AS uuid)""",
)
