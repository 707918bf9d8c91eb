"""The example's own pages: the portal that people see first, and the page where its mails end."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from example_app.mailbox.kept import Kept
from example_app.mailbox.page import make_app as mail_page
from tests.browser.portal import serve
from tests.browser.test_accessibility import RULES, SCHEMES, Scheme
from tests.servers.ports import free_port
from tests.support.portal_app import JAN

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The mail page with one letter in it."""
    kept = Kept(tmp_path_factory.mktemp("letters"))
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@b.example", JAN, "Je offerte staat klaar"
    letter.set_content("Dag Jan")
    letter.add_alternative('<html lang="nl"><title>x</title><p>Dag Jan</p></html>', subtype="html")
    kept.add((JAN,), letter.as_bytes())
    with serve(mail_page(kept), free_port()) as served:
        yield served


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_portals_and_the_mail_page_are_for_everyone(
    page: Page, address: str, mailbox: str, scheme: Scheme
) -> None:
    """Axe finds nothing, and nothing is wider than the smallest phone."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    found, wide = [], []
    places = [f"{address}{path}" for path in ("/", "/settings")]
    places += [f"{mailbox}{path}" for path in ("/", "/1")]
    for place in [*places, f"{address}/login"]:
        if place.endswith("/login"):
            page.context.clear_cookies()
        page.goto(place)
        answer = Axe().run(page, options=RULES).response
        found += [(place, one["id"], one["nodes"][0]["html"][:160]) for one in answer["violations"]]
        wide += [place] * (page.evaluate("document.documentElement.scrollWidth") > 320)
    assert found == []
    assert wide == []


def test_one_press_lets_you_in_as_somebody_of_the_demonstration(page: Page, address: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{address}/login")
    page.get_by_role("button", name="Els Jansen").click()
    expect(page.get_by_role("heading", name="Dag Els Jansen")).to_be_visible()


def test_the_mail_page_throws_all_away_on_its_button(page: Page, mailbox: str) -> None:
    page.goto(mailbox)
    page.get_by_role("button", name="Alles weggooien").click()
    expect(page.get_by_text("Nog geen mail.")).to_be_visible()
