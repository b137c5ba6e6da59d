"""A doctor with room for one case: a second routine one is refused in words, an emergency is taken all the same."""

import pytest
from playwright.async_api import expect
from sqlalchemy import text

from app.database import make_engine
from tests.browser.conftest import DESKTOP, Ward
from tests.browser.hands import CASE_PAGE, button
from tests.hotline import Person

pytestmark = pytest.mark.browser


async def test_a_routine_case_beyond_ones_room_is_refused_in_words_and_an_emergency_is_taken(ward: Ward) -> None:
    requester = await ward.requester("K04")
    first = await ward.ask("K04", by=requester, urgency="yellow")
    doctor = await ward.first_of(first)
    await has_room_for(ward, doctor, 1)
    second = await ward.ask("K04", by=requester, urgency="yellow", patient={"label": "MC-018", "sex": "female"})
    desk = await ward.open(doctor, on=DESKTOP)
    await desk.locator(".qi.ringing").filter(has_text="Nam 58 tuổi").click()
    card = desk.get_by_role("alertdialog")
    await expect(card).to_contain_text(first["number"])
    await button(card, "Tiếp nhận").click()
    await desk.wait_for_url(CASE_PAGE)

    await desk.goto("/desk")
    await expect(card).to_contain_text(second["number"])
    async with desk.expect_response("**/acceptance") as answered:
        await button(card, "Tiếp nhận").click()
    assert (await answered.value).status == 409
    told = card.get_by_role("alert").filter(has_text="Bạn đang giữ 1 ca, tối đa 1.")
    await expect(told).to_contain_text("Kết luận hoặc bàn giao một ca trước; ca này vẫn chờ bạn.")
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "yellow")
    assert (await requester.get(f"/consultations/{second['id']}")).json()["holder"] is None

    urgent = await ward.ask("K04", by=requester, urgency="orange", patient={"label": "MC-019", "sex": "male"})
    await expect(card).to_contain_text(urgent["number"])
    await button(card, "Tiếp nhận").click()
    await desk.wait_for_url(CASE_PAGE)
    assert desk.url.endswith(urgent["id"])
    assert (await requester.get(f"/consultations/{urgent['id']}")).json()["holder_name"] == doctor.name


async def has_room_for(ward: Ward, doctor: Person, cases: int) -> None:
    """The network file says how many cases a doctor holds at once."""
    engine = make_engine(ward.app.state.house.settings.database_url)
    async with engine.begin() as connection:
        given = {"n": cases, "who": doctor.account["username"]}
        await connection.execute(text("UPDATE user_account SET capacity = :n WHERE username = :who"), given)
    await engine.dispose()
    ward.app.state.house.sessions.clear()
