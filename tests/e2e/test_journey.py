"""The main job, clicked through in a real browser while an event's edges pass in real time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Product

JAN = "jan@bakkerij-jansen.example"
PRIVATE = "jan.prive@gmail.example"
CALENDAR = "c_bereikbaarheid-bakkerij@group.calendar.google.example"
pytestmark = pytest.mark.browser


def log_in(page: Page, product: Product, email: str = JAN) -> None:
    page.goto(product.portal)
    page.get_by_label("E-mailadres").fill(email)
    page.get_by_label("Wachtwoord").fill("demo")
    page.get_by_role("button", name="Inloggen").click()


def open_integration(page: Page, product: Product) -> None:
    """Top right at the name: Instellingen; at the bottom: Google Calendar Integratie."""
    page.locator("summary", has_text="Jan Jansen").click()
    page.get_by_role("link", name="Instellingen").first.click()
    expect(page.get_by_role("heading", name="Google Calendar Integratie")).to_be_visible()
    page.locator("main a[href$='/google-calendar/']").click()


def allow_at_google(page: Page, email: str = JAN) -> None:
    page.locator("button.g-google").click()
    page.locator("button, a", has_text=email).first.click()
    page.locator("button[value=allow]").click()


def wait_until(what: str, seconds: float, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


def values(row: dict[str, Any]) -> set[str]:
    return {one["value"] for one in row["destinations"]}


def link_up(page: Page, product: Product) -> None:
    """Log in and link the calendar, emptied first, unless that was done."""
    log_in(page, product)
    open_integration(page, product)
    if page.locator("button.g-google").count() == 0:
        return
    with product.google() as google:
        for event in google.control("GET", f"calendars/{CALENDAR}/events")["events"]:
            if event["status"] != "cancelled":
                google.delete_event(CALENDAR, event["id"])
    allow_at_google(page)
    expect(page.get_by_text(JAN).first).to_be_visible()
    page.get_by_label("Bereikbaarheid").check()
    page.locator("main button.g-button-primary").first.click()
    expect(page).to_have_url(re.compile("/google-calendar/$"))


def test_from_settings_to_a_forward_that_comes_and_goes_with_its_event(
    product: Product, page: Page
) -> None:
    link_up(page, product)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=7)
    end = start + timedelta(seconds=6)
    with product.google() as google:
        google.add_event(CALENDAR, "06 12345678", start, end)
    wait_until("the forward's end", 40, lambda: ended(product))

    on, off = product.history()[-2:]
    assert values(on) == {"+31612345678"}
    assert values(off) == set()
    for row, due in ((on, start), (off, end)):
        late = (datetime.fromisoformat(str(row["at"])) - due).total_seconds()
        assert 0 <= late < 2, f"{late} s beside its edge"
    seen = page.goto(f"{product.portal}/google-calendar/")
    assert seen
    assert seen.status == 200


def ended(product: Product) -> bool:
    rows = product.history()
    return len(rows) >= 2 and values(rows[-1]) == set() and values(rows[-2]) != set()


def test_explain_answers_for_the_link_as_for_a_title(product: Product) -> None:
    said = json.loads(product.flask("gcal", "explain", "06-12 34 56 78 Jan", "--json"))
    assert (said["allowed"], said["suggestion"]) == (False, "0612345678")
    assert "0612345678" in product.flask("gcal", "explain", "06-12 34 56 78 Jan")


def test_access_taken_back_at_google_comes_back_with_the_right_account(
    product: Product, page: Page
) -> None:
    link_up(page, product)
    now = datetime.now(UTC)
    with product.google() as google:
        event = google.add_event(
            CALENDAR, "06 12345678", now - timedelta(minutes=5), now + timedelta(hours=1)
        )
    wait_until("the forward", 30, lambda: forwards(product) == {"+31612345678"})

    page.goto(f"{product.url('google')}/permissions")
    page.get_by_role("button", name=JAN).click()
    page.goto(f"{product.portal}/google-calendar/")
    page.get_by_role("button", name="Nu ophalen").first.click()
    wait_until("the forward's end", 30, lambda: forwards(product) == set())
    page.goto(f"{product.portal}/google-calendar/")
    expect(page.get_by_text("Geen toegang tot Google").first).to_be_visible()

    allow_at_google(page, PRIVATE)
    other = page.get_by_text("Dit is een ander Google-account dan eerst.")
    expect(other).to_be_visible()
    page.locator("input[name=calendar]:enabled").first.check()
    page.locator("main button.g-button-primary").first.click()
    expect(other).to_be_visible()  # nothing is switched without a yes
    assert forwards(product) == set()

    page.get_by_role("button", name="Ander account").click()
    page.locator("button, a", has_text=JAN).first.click()
    page.locator("button[value=allow]").click()
    expect(page.get_by_text(f"Weer gekoppeld als {JAN}.")).to_be_visible()
    wait_until("the forward again", 30, lambda: forwards(product) == {"+31612345678"})
    with product.google() as google:
        google.delete_event(CALENDAR, event["id"])
    wait_until("the end", 30, lambda: forwards(product) == set())


def forwards(product: Product) -> set[str] | None:
    """Where the extension is forwarded to now; None before anything was ever applied to it."""
    rows = product.history()
    return values(rows[-1]) if rows else None


def test_disconnect_reports_each_outcome_and_clears_the_forward(
    product: Product, page: Page
) -> None:
    link_up(page, product)
    now = datetime.now(UTC)
    with product.google() as google:
        google.add_event(CALENDAR, "333", now - timedelta(minutes=5), now + timedelta(hours=1))
    wait_until(
        "the forward", 30, lambda: [values(one) for one in product.history()][-1:] == [{"333"}]
    )
    page.goto(f"{product.portal}/google-calendar/disconnect")
    page.locator("main button.g-button-primary, main button.g-button-danger").first.click()
    expect(page.get_by_text("Ontkoppeld; je eigen toestel gaat weer over.").first).to_be_visible()
    assert values(product.history()[-1]) == set()
    permissions = httpx.get(f"{product.url('google')}/permissions", timeout=5)
    assert JAN not in permissions.text


def test_everything_ends_with_the_command_and_comes_back_with_its_data(
    product: Product, page: Page
) -> None:
    log_in(page, product)
    page.goto(f"{product.portal}/google-calendar/")
    sentence = page.locator("main h2").first.inner_text()
    before = product.history()
    product.process.stop(timeout=30)
    assert "ending" in product.process.output()
    with pytest.raises(httpx.ConnectError):
        httpx.get(product.portal, timeout=2)
    with pytest.raises(httpx.ConnectError):
        httpx.get(product.url("pbx"), timeout=2)
    product.process.start()
    product.process.wait_for("Ctrl-C ends everything", timeout=120)
    assert product.history()[: len(before)] == before
    page.goto(f"{product.portal}/google-calendar/")
    expect(page.locator("main h2").first).to_have_text(sentence)
