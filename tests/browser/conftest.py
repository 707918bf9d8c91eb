"""Debian's Chromium, and the portal with the gallery beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.portal import CHROMIUM, FLAGS, gallery_server, serve
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.portal_app import JAN, portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address below which every page of every theme is."""
    with gallery_server(tmp_path_factory.mktemp("gallery")) as address:
        yield address


@pytest.fixture(scope="module")
def product(databases: Databases) -> Iterator[Flask]:
    with portal(databases) as app:
        yield app


@pytest.fixture(scope="module")
def address(product: Flask) -> Iterator[str]:
    with serve(product, free_port()) as served:
        yield served


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Jan, logged in, on a phone; scripts may run, and none of theirs may."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="nl-NL")
    context.set_default_timeout(15_000)
    opened = context.new_page()
    opened.goto(f"{address}/login")
    opened.get_by_label("E-mailadres").fill(JAN)
    opened.get_by_label("Wachtwoord").fill("demo")
    opened.get_by_role("button", name="Inloggen").click()
    yield opened
    context.close()
