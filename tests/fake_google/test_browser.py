"""The local Google's pages in a real browser: accessible, on a phone and in the dark too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from example_app.fake_google.process import LocalGoogle

pytestmark = pytest.mark.browser

JAN = "jan@bakkerij-jansen.example"
ROTA = "c_bereikbaarheid-bakkerij@group.calendar.google.example"
PLACE = urlencode({"account": JAN, "calendar": ROTA})
ASKED = urlencode(
    {
        "client_id": LocalGoogle.client_id,
        "redirect_uri": "http://127.0.0.1:1/callback",
        "response_type": "code",
        "scope": "openid email https://www.googleapis.com/auth/calendar.events.readonly",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
)
PAGES = {
    "start": "/",
    "calendar": f"/calendar?{PLACE}",
    "template": "/calendar/render?action=TEMPLATE&text=333",
    "permissions": "/permissions",
    "switchboard": "/_control/",
    "chooser": f"/o/oauth2/v2/auth?{ASKED}",
    "consent": f"/signin/choose?{ASKED}&account={JAN}",
    "refused": "/o/oauth2/v2/auth?client_id=unknown",
}


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle(seed="demo") as server:
        server.grant("jan.prive@gmail.example")
        server.fault("latency", endpoint="nothing", seconds=1)
        yield server
        assert server.violations() == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=["desktop", "phone-dark"])
def page(request: pytest.FixtureRequest, google: LocalGoogle, chromium: Browser) -> Iterator[Page]:
    phone = request.param != "desktop"
    context = chromium.new_context(
        base_url=google.url,
        locale="nl-NL",
        java_script_enabled=True,
        viewport={"width": 360, "height": 740} if phone else {"width": 1200, "height": 900},
        color_scheme="dark" if phone else "light",
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_accessible_and_fits(page: Page, name: str) -> None:
    page.goto(PAGES[name])
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], "nothing sticks out at the side"  # type: ignore[index]


def test_an_event_is_made_and_deleted_by_hand(page: Page) -> None:
    page.goto(PAGES["calendar"])
    page.get_by_label("Titel").first.fill("0687654321")
    page.get_by_role("button", name="Over 1 min, 2 min lang").click()
    expect(page.get_by_role("status")).to_have_text("De afspraak is opgeslagen.")
    row = page.get_by_role("row").filter(has_text="0687654321").first
    row.get_by_role("button", name="Verwijderen").click()
    expect(page.get_by_role("status")).to_have_text("De afspraak is verwijderd.")


def test_the_browser_comes_back_to_the_app_by_every_way(page: Page, google: LocalGoogle) -> None:
    home = google.url.replace("127.0.0.1", "localhost")  # another origin, which the policy allows
    asked = dict(parse_qsl(ASKED)) | {"redirect_uri": f"{home}/", "state": "S"}
    start = f"/o/oauth2/v2/auth?{urlencode(asked)}"

    page.goto(start)
    page.get_by_role("button", name=JAN).click()
    page.get_by_role("button", name="Annuleren").click()
    page.wait_for_url(re.compile(rf"{home}/\?.*error=access_denied"))

    page.goto(start)
    page.get_by_role("button", name=JAN).click()
    page.get_by_role("button", name="Doorgaan").click()
    page.wait_for_url(re.compile(rf"{home}/\?.*state=S.*code="))

    page.goto(start)
    page.get_by_role("button", name=JAN).click()  # allowed before, so nothing is asked
    page.wait_for_url(re.compile(rf"{home}/\?.*state=S.*code="))

    page.goto("/permissions")
    entry = page.get_by_role("listitem").filter(has_text=JAN).first
    entry.get_by_role("button", name="Toegang intrekken").click()
    expect(page.get_by_role("status")).to_contain_text(JAN)
