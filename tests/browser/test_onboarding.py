"""From request to a phone that forwards, in two browsers and two languages, by mail in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from example_app.database import db
from example_app.fake_google.process import LocalGoogle
from example_app.mailbox.process import MailboxProcess
from example_app.models import User
from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line
from gcal_plugin.services import outbox, resyncing, switching
from tests.browser.portal import serve
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.portal_app import SUPPORT, portal

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
    # Werkzeug's server has a thread for each request, which takes its connection to Google along
    # when it ends; the threads of a real server stay.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PICTURES = Path(__file__).parents[1] / ".artifacts" / "onboarding"
BRAM = "bram@bakkerij-jansen.example"
GMAIL = "bram@gmail.example"
ROTA = "rota-bram"
BY_HAND = "+31201112222"
LINE = Line("bakkerij-jansen.example", "201")
UNTIL = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()


@dataclass(frozen=True)
class Words:
    """What the pages and mails say in one language."""

    send: str
    once: str
    monthly: str
    send_quote: str
    agree: str
    total: str
    start: str
    ready: str
    go_on: str
    choose: str
    quote_mail: str
    done_mail: str
    forwards: str
    answer: str
    """What this one does with the forward that stands on the extension already."""
    left: frozenset[str]
    """What the extension has outside appointments then."""


WORDS = {
    "nl": Words(
        "Aanvraag versturen", "Eenmalig, excl. btw", "Per maand, excl. btw", "Offerte versturen",
        "Akkoord geven", "EUR 15,13 incl. 21% btw", "Begin met inrichten", "Klaar", "Doorgaan",
        "Deze agenda koppelen", "Je offerte voor extensie 201", "Klaar: koppel nu",
        "Doorgeschakeld naar 06 12345678", "Houden", frozenset({BY_HAND}),
    ),
    "en": Words(
        "Send the request", "Once, excl. VAT", "Per month, excl. VAT", "Send the quote", "Agree",
        "EUR 15.13 incl. 21% VAT", "Start setting up", "Ready", "Continue",
        "Connect this calendar", "Your quote for extension 201", "Done: now connect",
        "Forwarded to 06 12345678", "Remove it", frozenset(),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as server:
        yield server


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailboxProcess]:
    with MailboxProcess(tmp_path_factory.mktemp("mailbox")) as running:
        yield running


@dataclass
class Stage:
    """The portal with its neighbours, and the workers' part, which the test plays itself."""

    app: Flask
    url: str
    google: LocalGoogle
    mailbox: MailboxProcess

    def mail(self, to: str, words: str) -> str:
        """Let the mail job run; answers the text of the newest such letter."""
        with self.app.app_context():
            outbox.send_due(self.app.extensions["gcal"])
            db.session.remove()
        return str(self.mailbox.wait_for(to, words)["text"])

    def work(self) -> None:
        """Fetch the calendars and switch what is due."""
        with self.app.app_context():
            rt = self.app.extensions["gcal"]
            resyncing.fetch(rt, resyncing.not_fetched_since(rt, 0))
            for batch in switching.due_batches(rt, timedelta(0)):
                switching.switch_batch(rt, batch.pbx, list(batch.link_ids))
            db.session.remove()


@pytest.fixture
def stage(
    databases: Databases, google: LocalGoogle, mailbox: MailboxProcess
) -> Iterator[Callable[[str], Stage]]:
    google.reset()
    mailbox.clear()
    google.add_account(GMAIL)
    google.add_calendar(ROTA, GMAIL, summary="Bereikbaarheid")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings: dict[str, Any] = {
        "GCAL_GOOGLE_CLIENT_ID": google.client_id,
        "GCAL_GOOGLE_CLIENT_SECRET": google.client_secret,
        "GCAL_GOOGLE_METADATA_URL": google.metadata_url,
        "GCAL_GOOGLE_API_ROOT": google.url,
        "GCAL_PUBLIC_URL": url,
        "MAIL_PORT": mailbox.smtp_port,
        "TESTING": False,
    }
    with portal(databases, **settings) as app, serve(app, port):

        def make(language: str) -> Stage:
            with app.app_context():
                bram = User(
                    id=77, tenant_id="belwinkel", customer_id=1, email=BRAM, name="Bram Jansen",
                    roles="customer", locale=language,
                )  # fmt: skip
                bram.set_password("demo")
                sam = db.session.get_one(User, 4)
                sam.locale = language
                db.session.add(bram)
                db.session.commit()
                db.session.remove()
            return Stage(app, url, google, mailbox)

        yield make


def log_in(browser: Browser, stage: Stage, email: str, language: str) -> Page:
    """Somebody in a browser of their own; scripts are off, since nothing may need them."""
    context = browser.new_context(locale=language, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{stage.url}/login")
    page.get_by_label("E-mail").fill(email)
    page.locator("#password").fill("demo")
    page.locator("main form button").first.click()
    return page


def link_in(text: str, part: str) -> str:
    """The address in a mail's text that has `part` in it."""
    return next(word for word in text.split() if part in word)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_from_request_to_a_phone_that_forwards(
    browser: Browser, stage: Callable[[str], Stage], language: str
) -> None:
    words, world = WORDS[language], stage(language)
    shots = Shots(language)
    bram = log_in(browser, world, BRAM, language)
    sam = log_in(browser, world, SUPPORT, language)
    home = f"{world.url}/google-calendar"

    bram.goto(f"{home}/request")
    bram.get_by_label("201").check()
    shots.take(bram, "request")
    bram.get_by_role("button", name=words.send).click()
    shots.take(bram, "requested")

    sam.goto(f"{home}/support/")
    shots.take(sam, "queue")
    sam.get_by_role("link", name="201").click()
    sam.get_by_label(words.once).fill("25")
    sam.get_by_label(words.monthly).fill("12,50")
    sam.locator("input[type=date]").first.fill(UNTIL)
    shots.take(sam, "quote-form")
    sam.get_by_role("button", name=words.send_quote).click()

    letter = world.mail(BRAM, words.quote_mail)
    bram.goto(link_in(letter, "/request/quote/"))
    expect(bram.get_by_text(words.total)).to_be_visible()
    shots.take(bram, "quote")
    bram.get_by_role("button", name=words.agree, exact=True).click()
    shots.take(bram, "agreed")

    sam.reload()
    sam.get_by_role("button", name=words.start).click()
    shots.take(sam, "checklist")
    sam.get_by_role("button", name=words.ready, exact=True).click()

    letter = world.mail(BRAM, words.done_mail)
    assert "0612345678" in letter
    bram.goto(link_in(letter, "/google-calendar/"))
    shots.take(bram, "ready")
    now = datetime.now(UTC)
    begin, end = now - timedelta(minutes=5), now + timedelta(hours=2)
    event = world.google.add_event(ROTA, "0612345678", begin, end)
    exchange = world.app.extensions["gcal"].telephony["main"]
    exchange.replace(LINE, frozenset({Destination.parse(BY_HAND)}), revision=1)
    bram.locator(".g-google").click()
    bram.get_by_role("button", name=GMAIL).click()
    bram.get_by_role("button", name=words.go_on).click()
    bram.get_by_label("Bereikbaarheid").check()
    shots.take(bram, "calendar")
    bram.get_by_role("button", name=words.choose).click()
    expect(bram.get_by_label("Bereikbaarheid")).to_be_checked()
    expect(bram.locator("#replace_forward-error")).to_be_visible()
    shots.take(bram, "forward-by-hand")
    bram.get_by_label(words.answer).check()
    bram.get_by_role("button", name=words.choose).click()
    world.work()

    bram.goto(f"{home}/")
    expect(bram.locator(".g-sentence-text")).to_contain_text(words.forwards)
    shots.take(bram, "forwarding")
    running = exchange.read(LINE).destinations
    assert {str(one) for one in running} == {"+31612345678"}
    world.google.delete_event(ROTA, event["id"])
    deadline = time.monotonic() + 30
    while exchange.read(LINE).destinations == running and time.monotonic() < deadline:
        world.work()  # a calendar that was fetched this very second is left alone
    assert {str(one) for one in exchange.read(LINE).destinations} == words.left
    bram.reload()
    shots.take(bram, "after")
    for page in (bram, sam):
        page.context.close()


class Shots:
    """A picture of each step, in `tests/.artifacts/onboarding/<language>`."""

    def __init__(self, language: str) -> None:
        self._folder = PICTURES / language
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count = 0

    def take(self, page: Page, name: str) -> None:
        self._count += 1
        page.screenshot(path=self._folder / f"{self._count:02}-{name}.png", full_page=True)
