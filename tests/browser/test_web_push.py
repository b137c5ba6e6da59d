"""A push reaches a device: what stands on its screen, where a touch leads, and that it goes once somebody has answered.

The house makes every push itself; a stand-in takes the place of the push service, and the browser's own tools hand its
service worker what a push service would have brought.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Page, expect

from app.channels.port import Outside, Receipt
from app.channels.web_push import payload
from app.models.channel import ChannelKind
from app.services.outside.sending import Outgoing
from tests.browser.conftest import DESKTOP, PHONE, Ward
from tests.browser.hands import QUESTION
from tests.channels.conftest import PUSH
from tests.hotline import Json, Person

pytestmark = pytest.mark.browser

SHOWN = """async () => {
  const there = await navigator.serviceWorker.ready;
  return (await there.getNotifications()).map(({ title, body, tag, lang, data, actions, requireInteraction }) => (
    { title, body, tag, lang, data, actions: actions.map((a) => a.title), stays: requireInteraction }));
}"""
# A browser opens a window for nobody but a person who touched it, and a test touches no notification: it asks where to.
ACTIVE = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  const changed = () => new Promise((next) => { active.addEventListener("statechange", next, { once: true }); });
  while (active.state !== "activated") await changed();
}"""
TOUCHED = """async (action) => {
  const opened = new Promise((found) => { self.clients.openWindow = async (url) => found(url); });
  const [notification] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
  return (await self.clients.matchAll({ type: "window" })).length && !action ? null : opened;
}"""


@dataclass
class PushService:
    """Keeps what the house pushes until a device takes it."""

    waiting: list[str] = field(default_factory=list)

    async def send(self, out: Outgoing) -> Receipt:
        """Take a push over; what goes elsewhere (a call, a text) is left alone."""
        if out.channel == ChannelKind.PUSH:
            self.waiting.append(payload(out).decode())
        return Receipt()


class Device:
    """A phone whose page may be closed: it has a service worker, and what stands on its screen."""

    def __init__(self, page: Page, origin: str, service: PushService) -> None:
        self.page, self.origin, self.service = page, origin, service

    async def opened(self) -> "Device":
        """Allow notifications, and find the worker that pushes go to."""
        context = self.page.context
        await context.grant_permissions(["notifications"], origin=self.origin)
        self.tools = await context.new_cdp_session(self.page)
        known: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def told(event: Json) -> None:
            if event["registrations"] and not known.done():
                known.set_result(event["registrations"][0]["registrationId"])

        self.tools.on("ServiceWorker.workerRegistrationUpdated", told)
        await self.tools.send("ServiceWorker.enable")
        self.registration = await asyncio.wait_for(known, 30)
        await self.page.evaluate(ACTIVE)  # a push to a worker that is not yet is lost, as it would be on a telephone
        return self

    async def receives(self) -> None:
        """What waits at the push service arrives."""
        while self.service.waiting:
            pushed = self.service.waiting.pop(0)
            self.delivered = {"origin": self.origin, "registrationId": self.registration, "data": pushed}
            await self.tools.send("ServiceWorker.deliverPushMessage", self.delivered)

    async def shows(self, how_many: int) -> list[Json]:
        """Wait until so many notifications stand on the screen."""
        async with asyncio.timeout(30):
            for looks in itertools.count(1):
                shown = await self.page.evaluate(SHOWN)
                if len(shown) == how_many:
                    break
                await asyncio.sleep(0.02)
                if looks % 100 == 0:  # a busy browser loses one sometimes; like a push service, ours delivers again
                    await self.tools.send("ServiceWorker.deliverPushMessage", self.delivered)
        found: list[Json] = shown
        return found

    async def is_touched(self, action: str = "") -> str | None:
        """Touch what is shown, or a button on it; return the address for which a new window opens, if one does."""
        [worker] = self.page.context.service_workers
        address: str | None = await worker.evaluate(TOUCHED, action)
        return address


@pytest.mark.parametrize(
    ("language", "title", "level", "answer"),
    [
        ("vi", "Có ca hội chẩn cần bạn trả lời", "Mức cam", "Trả lời"),
        ("en", "A consultation needs your answer", "Orange", "Answer"),
    ],
)
async def test_a_push_says_in_ones_own_language_that_somebody_is_asked_and_nothing_of_the_patient(
    ward: Ward, language: str, title: str, level: str, answer: str
) -> None:
    doctor, device = await device_of_the_first(ward, language)
    case = await pushed(ward, device)
    [shown] = await device.shows(1)
    assert shown["title"] == title
    assert shown["body"].startswith(f"{level}, ")
    assert (shown["lang"], shown["stays"], shown["actions"]) == (language, True, [answer])
    assert "58" not in shown["title"] + shown["body"]  # a link may have it in its random part
    for secret in ("MC-017", QUESTION, case["number"], case["id"], doctor.name):
        assert secret not in str(shown), secret


async def test_a_touch_leads_the_open_page_to_the_offer_and_the_button_to_a_page_that_answers(ward: Ward) -> None:
    _, device = await device_of_the_first(ward)
    await device.page.goto("/account")
    await pushed(ward, device)
    await device.shows(1)
    assert await device.is_touched() is None
    await device.page.wait_for_url(f"{ward.url}/")
    await expect(device.page.get_by_role("alertdialog", name=QUESTION)).to_be_visible()
    assert await device.page.evaluate(SHOWN) == []

    case = await pushed(ward, device)
    await device.shows(1)
    address = await device.is_touched("answer")
    assert address is not None
    there = await ward.open(None, on=PHONE, at=address.removeprefix(ward.url))
    await there.get_by_role("button", name="Nhận ca").click()
    await expect(there.locator("body")).to_contain_text("Bạn đã nhận ca hội chẩn")
    requester = await ward.requester("K04")
    assert (await requester.get(f"/consultations/{case['id']}")).json()["status"] == "active"


async def test_with_every_page_closed_a_touch_opens_the_desk_where_it_rings(ward: Ward) -> None:
    doctor, device = await device_of_the_first(ward)
    await pushed(ward, device)
    await device.shows(1)
    await device.page.close()
    address = await device.is_touched()
    assert address == f"{ward.url}/"  # a doctor begins at the desk, a coordinator at the board
    desk = await ward.open(doctor, on=PHONE)
    await expect(desk.get_by_role("alertdialog", name=QUESTION)).to_be_visible()


async def test_once_somebody_else_has_answered_it_goes_off_the_screen(ward: Ward) -> None:
    _, device = await device_of_the_first(ward)
    case = await pushed(ward, device)
    await device.shows(1)
    await ward.moves_on(minutes=5, seconds=1)
    [colleague] = await ward.rung(case, step=1)
    desk = await ward.open(colleague, on=DESKTOP)
    await desk.get_by_role("alertdialog").get_by_role("button", name="Tiếp nhận").click()
    await expect(desk.locator("html")).to_have_attribute("data-ringing", "")
    await ward.app.state.dispatcher.run_due()
    assert device.service.waiting
    await device.receives()
    assert await device.shows(0) == []


async def device_of_the_first(ward: Ward, language: str = "vi") -> tuple[Person, Device]:
    """The doctor who would be rung first, with a phone that takes pushes."""
    case = await ward.ask("K04", by=await ward.requester("K04"))
    doctor = await ward.first_of(case)
    await (await ward.requester("K04")).do(case, "cancellation", {"reason": "Bấm nhầm"})
    channel = PUSH | {"language": language}
    assert (await doctor.put("/me/channels", {"channels": [channel]})).status_code == 200
    service = PushService()
    ward.app.state.house.outside = Outside(dict.fromkeys(ChannelKind, service), service)
    page = await ward.open(doctor, on=PHONE, lang=language, works_offline=True)
    return doctor, await Device(page, ward.url, service).opened()


async def pushed(ward: Ward, device: Device) -> Json:
    """A new case, of which the device hears by a push."""
    case = await ward.ask("K04", by=await ward.requester("K04"))
    await ward.app.state.dispatcher.run_due()
    assert device.service.waiting
    await device.receives()
    return case
