"""The same hostile texts in a real browser: no script of theirs runs, nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.portal import CHROMIUM, FLAGS, serve
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.payloads import BODIES, furnish, payloads, places, plant
from tests.support.portal_app import JAN, OPERATOR, PREFIX, SUPPORT, portal

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases, RATELIMIT_ENABLED=False) as made:
        yield made


class Watch:
    """Opens pages as one person, and notes whatever a page should never have done."""

    def __init__(self, browser: Browser, address: str, email: str) -> None:
        self.address = address
        self.faults: list[str] = []
        self.page: Page = browser.new_context(locale="nl-NL").new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("dialog", lambda dialog: self._fault("a dialog", dialog.message))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._fault("an error", str(error)))
        self.page.on("request", lambda one: self._asked(one.url))
        self.page.on("popup", lambda one: self._fault("a window", one.url))
        self.page.goto(f"{address}/login")
        self.page.locator("input[type=email]").fill(email)
        self.page.locator("input[type=password]").fill("demo")
        self.page.locator("main button[type=submit], form button").first.click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def _fault(self, what: str, words: str) -> None:
        self.faults.append(f"{self.page.url}: {what}: {words[:200]}")

    def _said(self, message: ConsoleMessage) -> None:
        # The content policy speaks up here, and with text that is text it has nothing to say.
        if message.type in {"error", "warning"}:
            self._fault("the console", message.text)

    def _asked(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.address).netloc and not url.startswith("data:"):
            self._fault("a request", url)

    def look(self, path: str) -> None:
        """Open a page, and touch what a person would."""
        self.page.goto(f"{self.address}{path}")
        for details in self.page.locator("main details > summary").all()[:3]:
            details.click()
        self.page.keyboard.press("Tab")
        self.page.mouse.move(200, 300)
        if self.page.evaluate("window.zxhit"):
            self._fault("a script", path)
        foreign = self.page.evaluate(
            "[...document.querySelectorAll('script:not([src]), iframe, object, base, [onerror], "
            "[onload], [onfocus], [href^=javascript]')].length"
        )
        if foreign:
            self._fault("elements", f"{foreign} of them")


@pytest.mark.timeout(240)
def test_no_payload_does_anything_in_a_browser(app: Flask, browser: Browser) -> None:
    request_id = furnish(app)
    texts = payloads(2 * len(BODIES))
    with serve(app, free_port()) as address:
        jan, desk = Watch(browser, address, JAN), Watch(browser, address, SUPPORT)
        operator = Watch(browser, address, OPERATOR)
        tour = [
            (jan, f"{PREFIX}/"),
            (jan, f"{PREFIX}/request/{request_id}"),
            (jan, "/settings"),
            (desk, f"{PREFIX}/support/?state=all"),
            (desk, f"{PREFIX}/support/requests/{request_id}"),
            (desk, f"{PREFIX}/support/mails?state=all"),
            (desk, f"{PREFIX}/support/prices"),
            (operator, f"{PREFIX}/operator/"),
        ]
        for shift in range(0, len(texts), places(app)):
            plant(app, texts, shift)
            for watch, path in tour:
                watch.look(path)
        for watch in (jan, desk, operator):
            assert watch.faults == []
            watch.page.context.close()


def test_the_watch_sees_a_script_that_does_run(browser: Browser, app: Flask) -> None:
    """So that silence above means something."""
    with serve(app, free_port()) as address:
        watch = Watch(browser, address, JAN)
        watch.page.add_init_script("window.zxhit = 1")
        watch.look("/settings")
        assert any("a script" in fault for fault in watch.faults)
        watch.faults.clear()
        watch.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"1\">')"
        )
        watch.page.wait_for_timeout(300)
        assert any("the console" in fault for fault in watch.faults), "the content policy is mute"
        watch.page.context.close()
