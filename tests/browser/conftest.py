"""Real pages in a real Chromium, on a real server at night, whose clock runs and can be moved on."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from app.clock import FakeClock
from app.config import Settings
from app.main import create_app
from app.services.people.sessions import BROWSER, COOKIE
from tests.browser.cable import Cable
from tests.conftest import a_copy
from tests.hotline import NIGHT, Hotline, Json, Person, PromptServer

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
SMALLEST = {"width": 320, "height": 568}
HEARTBEAT_S = 25

expect.set_options(timeout=PATIENCE_MS)


class RunningClock(FakeClock):
    """A clock that starts where it is told, runs as time does, and can be moved on."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self._since = time.monotonic()

    def now(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._since)


@dataclass
class Ward(Hotline):
    """The people of the demo network, with a page each."""

    browser: Browser | None = None
    contexts: list[BrowserContext] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    url: str = ""

    async def open(
        self,
        person: Person | None,
        *,
        on: dict[str, int] = DESKTOP,
        at: str = "/",
        lang: str = "vi",
        device_ahead_s: float = 0.0,
        through: Cable | None = None,
        own_time: bool = False,
        works_offline: bool = False,
    ) -> Page:
        """Open the client as this person (signed out: None) on a device, whose clock may be ahead of the server's.

        `own_time`: the page's time is the test's to pass (`page.clock`), its timers included. `works_offline`: the
        device has been here before, and keeps the client's files; without it each page is spared fetching them all.
        """
        assert self.browser is not None
        url = through.url if through else self.url
        context = await self.browser.new_context(
            viewport=on,
            base_url=url,
            reduced_motion="reduce",
            service_workers="allow" if works_offline else "block",
            has_touch=on["width"] < 1000,
            locale="vi-VN",
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        if own_time:
            await context.clock.install(time=self.clock.now())
        else:
            ahead = (self.clock.now() - datetime.now(UTC)).total_seconds() + device_ahead_s
            await context.add_init_script(device_clock(ahead))
        await context.add_init_script(
            f"localStorage.getItem('hoichan.lang') ?? localStorage.setItem('hoichan.lang', '{lang}')"
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        if person is not None:
            await context.add_cookies([await self.browser_session(person, url)])
        await page.goto(at)
        if person is not None:
            await expect(page.locator(".conn").first).to_have_text("Trực tuyến" if lang == "vi" else "Live")
        if works_offline:
            await page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        return page

    async def browser_session(self, person: Person, url: str) -> Any:
        """The cookie of a browser that this person has signed in on."""
        _, token = await self.session_of(person.account, BROWSER)
        secure = url.replace("http:", "https:")  # as browsers treat this machine's own addresses
        return {"name": COOKIE, "value": token, "url": secure, "httpOnly": True, "sameSite": "Strict"}

    async def moves_on(self, **delta: float) -> None:
        """Let time pass, ring whoever must be rung on the way, and tell all pages the new time."""
        await self.fast_forward(**delta)
        hub = self.app.state.house.hub
        for line in hub.roster.lines:
            line.ping_at = 1e-9
        hub.tick(HEARTBEAT_S)

    async def first_of(self, case: Json) -> Person:
        """The doctor whom a case rings first."""
        [first] = await self.rung(case, step=0)
        return first


def device_clock(ahead_s: float) -> str:
    """A script that puts the device's own clock ahead of this machine's."""
    return DEVICE_CLOCK.replace("AHEAD", str(round(ahead_s * 1000)))


DEVICE_CLOCK = """(() => {
  const Real = Date;
  class Device extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + AHEAD); }
    static now() { return Real.now() + AHEAD; }
  }
  globalThis.Date = Device;
})()"""


@pytest_asyncio.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One Chromium for the whole run; every page has a context, and so a device, of its own."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session")
async def large_print(chromium: str) -> AsyncIterator[Browser]:
    """A Chromium of somebody who reads all text at twice its size."""
    async with async_playwright() as playwright:
        flags = [*FLAGS, "--blink-settings=defaultFontSize=32"]
        running = await playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        await running.close()


@pytest_asyncio.fixture
async def ward(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path: Path, browser: Browser
) -> AsyncIterator[Ward]:
    """A running server with the demo network at night; people open pages on it."""
    async with a_ward(server_url, demo_template, tmp_path, browser) as running:
        yield running


@asynccontextmanager
async def a_ward(
    server_url: str, demo_template: tuple[str, list[Json]], folder: Path, browser: Browser
) -> AsyncIterator[Ward]:
    """A ward with a database of its own, on whose pages no script may fail."""
    name, accounts = demo_template
    async with a_copy(server_url, name) as url:
        settings = Settings(database_url=url, data_dir=folder, host="127.0.0.1", port=0, heartbeat_s=HEARTBEAT_S)
        async with open_ward(settings, accounts, browser) as running:
            yield running
            assert running.errors == []


@asynccontextmanager
async def open_ward(settings: Settings, accounts: list[Json], browser: Browser) -> AsyncIterator[Ward]:
    """Start a server on a free port of this machine, whose timers run, and close all pages before it stops."""
    clock = RunningClock(NIGHT)
    app = create_app(settings, clock=clock, background=False)
    server = PromptServer(app)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
        if running.done():
            running.result()
    timers = asyncio.create_task(app.state.timers.run())
    port = server.servers[0].sockets[0].getsockname()[1]
    fresh = httpx.Limits(max_keepalive_connections=0)  # a page may be open for longer than an idle connection is kept
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_MS / 1000, limits=fresh) as http:
        ward = Ward(app, clock, http, port, accounts, browser=browser, url=f"http://127.0.0.1:{port}")
        try:
            yield ward
        finally:
            for context in ward.contexts:
                await context.close()
            for person in ward.people.values():
                with contextlib.suppress(Exception):
                    await person.disconnect()
            app.state.timers.stop()
            await timers
            server.stop()
            await running


@pytest_asyncio.fixture
async def cable(ward: Ward) -> AsyncIterator[Cable]:
    """The line between a device and the server, which can be cut or fall silent."""
    async with Cable(ward.port) as line:
        yield line
