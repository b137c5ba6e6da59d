"""The coordinator's board: the end of a ladder rings a person, who acts and is rung until somebody holds the case."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, SMALLEST, Ward
from tests.browser.eyes import look
from tests.browser.hands import button

pytestmark = pytest.mark.browser


async def test_nobody_answers_and_the_coordinator_assigns_somebody_who_accepts(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    await ward.moves_on(minutes=3)
    callout = (await requester.get(f"/consultations/{case['id']}")).json()["callouts"][0]
    last = next(o for o in callout["offers"] if o["role"] == "coordinator")
    coordinator = await ward.by_name(last["doctor_name"], last["doctor"])
    board = await ward.open(coordinator, on=DESKTOP, at="/desk")  # an old link leads to the board all the same
    alarm = board.get_by_role("alert", name="Ca chưa ai trả lời")
    await expect(alarm).to_contain_text("Chưa ai trả lời: Tim mạch, Nam 58 tuổi")
    await expect(alarm).to_contain_text(str(requester.account["hospital_name"]))
    await expect(board.locator("html")).to_have_attribute("data-ringing", "red")
    await expect(board).to_have_title(re.compile("Điều phối – chưa ai trả lời$"))
    row = board.get_by_role("row").filter(has_text=case["number"])
    await expect(row).to_contain_text("Đang gọi điều phối")
    for secret in ("MC-017", case["question"]):
        await expect(board.locator("body")).not_to_contain_text(secret)

    for read in ("**/on-call", "**/desks?*"):  # what cannot be read is not nobody
        await board.route(read, lambda route: route.abort())
    await button(alarm, "Nhận xử lý").click()
    dialog = board.get_by_role("dialog")
    for words in ("Chưa đọc được ai đang trực.", "Chưa đọc được danh sách bàn trực."):
        await expect(dialog.get_by_text(words)).to_be_visible()
    await expect(dialog.get_by_text("Không có")).to_have_count(0)
    await board.unroute_all()
    for _ in range(2):
        await button(dialog, "Thử lại").first.click()
    assigned = await ward.first_of(case)
    await button(dialog, assigned.name).first.click()
    await expect(dialog).to_be_hidden()
    told = board.locator(".note").filter(has_text=f"Đang gọi {assigned.name}. Ca vẫn đổ chuông")
    await expect(told).to_be_visible()
    assert (await requester.get(f"/consultations/{case['id']}")).json()["status"] == "ringing"

    desk = await ward.open(assigned, on=DESKTOP)
    await button(desk.get_by_role("alertdialog"), "Tiếp nhận").click()
    await expect(alarm).to_be_hidden()
    await expect(row).to_contain_text(assigned.name)
    await expect(board.locator("html")).to_have_attribute("data-ringing", "")

    another = await ward.ask("K04", by=requester)
    wrongly = await ward.first_of(another)
    await wrongly.do(another, "refusal", {"reason": "not_on_duty"})
    said = board.get_by_role("alert").filter(has_text=f"{wrongly.name} báo không phải ca của mình: trực chính")
    await said.get_by_role("link", name="Mở lịch trực").click()
    await board.wait_for_url(re.compile(f"/rota.desk={wrongly.account['desk']}"))
    await expect(said).to_be_visible()
    await board.go_back()
    await expect(said).to_be_visible()  # until somebody puts it aside
    await board.set_viewport_size(SMALLEST)
    assert await look(board, "outside") == []
    await button(said, "Đóng").click()
    await expect(said).to_have_count(0)


async def test_an_assignment_that_nobody_takes_rings_the_coordinator_again(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    await ward.moves_on(minutes=3)
    offers = (await requester.get(f"/consultations/{case['id']}")).json()["callouts"][0]["offers"]
    last = next(o for o in offers if o["role"] == "coordinator")
    coordinator = await ward.by_name(last["doctor_name"], last["doctor"])
    board = await ward.open(coordinator, on=DESKTOP)
    await expect(board.locator("html")).to_have_attribute("data-ringing", "red")
    await button(board.get_by_role("alert", name="Ca chưa ai trả lời"), "Nhận xử lý").click()
    await button(board.get_by_role("dialog"), offers[0]["doctor_name"]).first.click()
    await expect(board.locator("html")).to_have_attribute("data-ringing", "")
    await ward.moves_on(minutes=2, seconds=10)
    await expect(board.locator("html")).to_have_attribute("data-ringing", "red")
    await expect(board.get_by_role("alert", name="Ca chưa ai trả lời")).to_be_visible()


async def test_a_coordinator_rings_a_later_step_now_and_whoever_rings_already_rings_on(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    there = (a for a in ward.accounts if a["hospital_name"] == doctor.account["hospital_name"])
    coordinator = await ward.sign_in(next(a for a in there if a["role"] == "coordinator"))
    board = await ward.open(coordinator, on=DESKTOP)
    await button(board.get_by_role("row").filter(has_text=case["number"]), "Thao tác khác").click()
    await button(board.get_by_role("dialog", name="Thao tác khác"), "Gọi ngay nấc sau").click()
    dialog = board.get_by_role("dialog", name="Gọi ngay nấc sau")
    await dialog.get_by_role("button", name=re.compile("Trưởng ca trực")).click()
    await expect(dialog).to_be_hidden()
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    rung = {o["role"] for o in read["callouts"][0]["offers"] if o["state"] == "made"}
    assert rung == {"primary", "head_of_shift"}


async def test_nothing_is_called_none_before_it_is_known(ward: Ward) -> None:
    requester = await ward.requester("K04")
    case = await ward.ask("K04", by=requester)
    doctor = await ward.first_of(case)
    await doctor.do(case, "acceptance")
    done = {"summary": "Đau ngực.", "conclusion": "Viêm cơ tim.", "plan": "Theo dõi.", "decision": "Điều trị tại chỗ"}
    await doctor.do(case, "conclusion", done)

    there = (a for a in ward.accounts if a["hospital_name"] == doctor.account["hospital_name"])
    coordinator = await ward.sign_in(next(a for a in there if a["role"] == "coordinator"))
    board = await ward.open(coordinator, on=DESKTOP, at="/account")
    await board.evaluate(FORGETS, "boards")
    await board.evaluate(GOES, "/board")
    await expect(board.get_by_role("main").get_by_role("status")).to_contain_text("Đang tải…")
    await expect(board.locator(".b-counts")).to_have_count(0)
    await board.evaluate(KNOWS)
    await expect(board.get_by_text("Không có ca nào đang mở.")).to_be_visible()
    await button(board, "Cần kết quả 1").click()  # the board has all of them, and not only the newest page
    await expect(board.get_by_role("row").filter(has_text=case["number"])).to_contain_text("hạn báo kết quả")

    desk = await ward.open(doctor, on=DESKTOP, at="/account")
    await desk.route("**/api/v1/consultations?status=*", lambda route: route.abort())
    await desk.evaluate(FORGETS, "offersRead")
    await desk.evaluate(GOES, "/desk")
    await expect(desk.locator(".queue")).to_contain_text("Không tải được danh sách ca")
    await expect(desk.get_by_text("Không có ca nào đang gọi")).to_have_count(0)
    await desk.evaluate(KNOWS)
    await expect(desk.get_by_text("Không có ca nào đang gọi").first).to_be_visible()


# What the server has said is put aside, as if it had not spoken yet, and said again.
FORGETS = """async (name) => {
  const { getState, initial, setState } = await import("/assets/core/store.js");
  const said = () => getState()[name] === true || getState()[name].size > 0;
  while (!said()) await new Promise(requestAnimationFrame);
  globalThis.said = { [name]: getState()[name] };
  setState({ [name]: initial()[name] });
}"""
KNOWS = """async () => (await import("/assets/core/store.js")).setState(globalThis.said)"""
GOES = """async (path) => (await import("/assets/core/router.js")).navigate(path)"""
