"""Every screen carries the demo band, and none shuts anybody out: axe-core's rules in light and in dark."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Ward, a_ward
from tests.browser.eyes import barriers, look
from tests.browser.hands import DEMO, button, entered
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser
IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Scene:
    """A night on which every screen has something to show."""

    ward: Ward
    requester: Person
    doctor: Person
    coordinator: Person
    ringing: Json
    held: Json
    concluded: Json
    drill: Json
    told: Json
    admin: Person
    pages: dict[tuple[str | None, int], Page] = field(default_factory=dict)

    async def page_of(self, who: str | None, on: dict[str, int]) -> Page:
        """The page that this person has open on such a device."""
        key = (who, on["width"])
        if key not in self.pages:
            self.pages[key] = await self.ward.open(getattr(self, who) if who else None, on=on)
        return self.pages[key]


@pytest_asyncio.fixture(scope="module")
async def scene(
    server_url: str,
    demo_template: tuple[str, list[Json]],
    tmp_path_factory: pytest.TempPathFactory,
    browser: Browser,
) -> AsyncIterator[Scene]:
    """One night for all tests of this file: they look, and change nothing."""
    async with a_ward(server_url, demo_template, tmp_path_factory.mktemp("scene"), browser) as ward:
        yield await play(ward)


async def play(ward: Ward) -> Scene:
    requester = await ward.requester("K04")
    before = {"taken_at": "2026-11-23T19:40:00Z", "pulse": 96, "systolic": 104, "diastolic": 66, "respiration": 20}
    now = {"taken_at": "2026-11-23T20:00:00Z", "pulse": 112, "systolic": 94, "diastolic": 60, "respiration": 24}
    vitals = [before, now | {"spo2": 93, "on_oxygen": False, "temperature": 36.6, "consciousness": "alert"}]
    safety = {"allergies": {"state": "value", "text": "Penicillin"}, "anticoagulant": {"state": "unknown"}}
    lost = await ward.ask("K04", by=requester, patient={"label": "MC-011", "sex": "female", "age_years": 71})
    await ward.moves_on(minutes=3)
    offers = (await requester.get(f"/consultations/{lost['id']}")).json()["callouts"][0]["offers"]
    last = next(o for o in offers if o["role"] == "coordinator")
    coordinator = await ward.by_name(last["doctor_name"], last["doctor"])
    held = await ward.ask("K04", by=requester, vitals=vitals, safety=safety)
    doctor = await ward.first_of(held)
    await doctor.do(held, "acceptance")
    await requester.do(held, "messages", {"text": "Đau ngực giờ thứ hai."})
    await doctor.do(held, "messages", {"text": "Tiêu sợi huyết ngay rồi chuyển.", "opinion": True})
    concluded = await ward.ask("K04", by=requester, patient={"label": "MC-012", "sex": "male", "age_years": 44})
    await doctor.do(concluded, "acceptance")
    done = {"summary": "Đau ngực.", "conclusion": "Viêm cơ tim.", "plan": "Theo dõi.", "decision": "Điều trị tại chỗ"}
    await doctor.do(concluded, "conclusion", done)
    ringing = await ward.ask("K04", by=requester, vitals=vitals, safety=safety)
    drill = await ward.ask(
        "K04", by=requester, urgency="green", patient={"label": "MC-013", "sex": "female"}, drill=True
    )
    told = await entered(ward, requester, answered_by=(await doctor.me())["id"])
    there = (a for a in ward.accounts if a["hospital_name"] == doctor.account["hospital_name"])
    admin = await ward.sign_in(next(a for a in there if a["role"] == "admin"))
    return Scene(ward, requester, doctor, coordinator, ringing, held, concluded, drill, told, admin)


Open = Callable[[Scene, dict[str, int]], Awaitable[Page]]


def at(who: str | None, path: str, ready: str) -> Open:
    async def opens(scene: Scene, on: dict[str, int]) -> Page:
        names = {case: getattr(scene, case)["id"] for case in ("ringing", "held", "concluded", "drill", "told")}
        page = await scene.page_of(who, on)
        await page.goto(path.format(**names))
        await page.locator(ready).first.wait_for()
        return page

    return opens


SCREENS = [
    ("sign-in", at(None, "/sign-in", "form")),
    ("telephones", at(None, "/telephones", ".numbers")),
    ("home", at("requester", "/", ".case")),
    ("request", at("requester", "/request", "#f-question")),
    ("red alert", at("requester", "/red-alert", ".team")),
    ("call", at("requester", "/request/telephone", ".when")),
    ("entered case", at("requester", "/cases/{told}", ".told-note")),
    ("waiting", at("requester", "/cases/{ringing}", ".hero")),
    ("asking case", at("requester", "/cases/{held}", ".composer")),
    ("concluded case", at("requester", "/cases/{concluded}", ".disc")),
    ("account", at("requester", "/account", "form")),
    ("desk", at("doctor", "/desk", ".wake")),
    ("call to confirm", at("doctor", "/desk", ".told-card")),
    ("answering case", at("doctor", "/cases/{held}", ".composer")),
    ("rota", at("doctor", "/rota", ".wk .bk, .wk .day-d")),
    ("month", at("doctor", "/rota?view=month", ".mo li, .mp-d")),
    ("own duty", at("doctor", "/rota?view=mine", ".mine .duty")),
    ("import and feeds", at("doctor", "/rota?view=exchange", ".mine .card")),
    ("board", at("coordinator", "/board", ".alarm")),
    ("drill", at("requester", "/cases/{drill}", ".drill-band")),
    ("start", at("admin", "/", ".tile")),
    ("ladders", at("admin", "/policies", ".pol-steps")),
    ("agreements", at("admin", "/agreements", ".agr-card")),
]


@pytest.mark.parametrize("on", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_every_screen_carries_the_band_and_can_be_read_by_everybody(scene: Scene, on: dict[str, int]) -> None:
    wrong: list[str] = []
    for name, opens in SCREENS:
        page = await opens(scene, on)
        await expect(page.locator(".demo-band"), name).to_contain_text(DEMO)
        await expect(page.locator(".demo-band"), name).to_be_in_viewport()
        wrong += [f"{name}, {words}" for words in await barriers(page)]
    assert wrong == [], "\n".join(wrong)


async def test_a_tick_and_the_ring_of_the_focus_stand_out_from_their_ground(scene: Scene) -> None:
    page = await at(None, "/sign-in", "form")(scene, PHONE)
    await page.get_by_role("checkbox", name="Máy dùng chung").check()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for what, contrast in (await look(page, "marks")).items():
            assert contrast >= 3, (scheme, what)  # WCAG 2.2, 1.4.11


# What opens a dialog on the view of a case that a doctor holds, and for whom.
OPENERS = {
    "Gọi": {"requester", "doctor"},
    "Ghi cuộc gọi": {"requester", "doctor"},
    "Mời thêm": {"requester", "doctor"},
    "Bàn giao ca": {"doctor"},
    "Thao tác khác": {"requester", "doctor"},
    "Thêm sinh hiệu": {"requester"},
    "Sửa thông tin": {"requester"},
    "Nâng mức khẩn": {"requester", "doctor"},
}


@pytest.mark.parametrize("who", ["requester", "doctor"])
async def test_the_dialogs_of_a_case_carry_the_band_and_can_be_read_by_everybody(scene: Scene, who: str) -> None:
    wrong: list[str] = []
    page = await at(who, "/cases/{held}", ".composer")(scene, DESKTOP)
    openers = {name: button(page, name, exact=True).locator("visible=true") for name in OPENERS}
    shown = {name for name, opener in openers.items() if await opener.count()}
    assert shown == {name for name, theirs in OPENERS.items() if who in theirs}
    for name in sorted(shown):
        opener = openers[name].first
        await opener.click()
        await page.get_by_role("dialog").wait_for()
        await expect(page.locator(".demo-band")).to_be_visible()
        wrong += [f"{name}, {words}" for words in await barriers(page)]
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(opener).to_be_focused()
    assert wrong == [], "\n".join(wrong)


async def test_a_page_title_and_an_address_name_no_patient(scene: Scene) -> None:
    """Titles and addresses are read over shoulders, on shared screens and in histories."""
    for who, path, ready in (
        ("requester", "/", ".case"),
        ("requester", "/cases/{ringing}", ".hero"),
        ("requester", "/cases/{held}", ".composer"),
        ("doctor", "/desk", ".wake"),
        ("doctor", "/cases/{held}", ".composer"),
        ("coordinator", "/board", ".alarm"),
    ):
        page = await at(who, path, ready)(scene, DESKTOP)
        shown = IDENTIFIER.sub("…", f"{await page.title()} {page.url}")  # which may hold any two digits
        for secret in ("MC-0", "58", "Tiêu sợi huyết", "Penicillin"):
            assert secret not in shown.replace(scene.ward.url, ""), shown
