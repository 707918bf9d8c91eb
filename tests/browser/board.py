"""The operators' board on a bad day: faults that happened, and `python -m tests.browser.board`,
which makes the pictures of it for the documentation anew.

What is wrong here went wrong through the product itself: the exchange refuses a number, Google's
withdrawal of a grant is noted, a mail server refuses a letter. Only time is made up: what has
waited for days gets the date.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, sync_playwright

from example_app.mailbox.catcher import BOUNCES, SmtpServer
from example_app.mailbox.kept import Kept
from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.ports.load import Busy, QueueState
from gcal_plugin.services import breaking, leading, outbox, switching
from gcal_plugin.services.tallying import tally
from gcal_plugin.store.queries_switching import ensure_rows
from gcal_plugin.store.tables import (
    Calendar,
    Forwarding,
    Grant,
    LedgerEntry,
    Link,
    Request,
    WindowRow,
)
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.portal_app import OPERATOR, PREFIX, portal

from .portal import CHROMIUM, FLAGS, serve

IMAGES = Path(__file__).parents[2] / "docs" / "images"
DESKTOP, PHONE = {"width": 1200, "height": 1000}, {"width": 390, "height": 844}
CUSTOMERS = {
    "belwinkel": ("bakkerij-jansen.example", "fietsen-bos.example", "notaris-klaver.example"),
    "havenstem": ("tandarts-devries.example", "garage-kade.example"),
}
GOOD, BARRED = "+31201234567", "+31687654321"


@contextmanager
def bad_day(databases: Databases, folder: Path) -> Iterator[Flask]:
    """The portal after it."""
    smtp = SmtpServer(Kept(folder / "letters")).start()
    try:
        with portal(databases, MAIL_SERVER="127.0.0.1", MAIL_PORT=smtp.port) as app:
            with app.app_context():
                _lines(app)
                _go_wrong(app)
                _machinery(app)
            yield app
    finally:
        smtp.stop()


def _lines(app: Flask) -> None:
    """Customers whose calendars were fetched just now and whose forwards really run."""
    rt = app.extensions["gcal"]
    with rt.store.begin() as session:
        now = rt.store.now(session)
        session.execute(sa.update(Forwarding).values(due_at=None))
        for tenant, domains in CUSTOMERS.items():
            for place, domain in enumerate(domains):
                for extension in range(210 + place * 10, 216 + place * 10):
                    _line(session, now, tenant, domain, str(extension))
    with rt.store.begin() as session:
        waiting = session.scalars(
            sa.select(Forwarding.link_id).where(Forwarding.due_at.is_not(None))
        )
        links = list(waiting)
    switching.switch_batch(rt, "main", links)


def _line(session: Any, now: datetime, tenant: str, domain: str, extension: str) -> None:
    grant = Grant(
        client_id="c", subject=f"{domain}-{extension}", email="a@b.example", created_at=now
    )
    session.add(grant)
    session.flush()
    calendar = Calendar(
        grant_id=grant.id, google_id="primary", synced_at=now, next_sync_at=now + timedelta(days=1)
    )
    session.add(calendar)
    session.flush()
    link = Link(
        tenant_id=tenant, account_id="1", pbx="main", domain=domain, extension=extension,
        state="linked", grant_id=grant.id, calendar_id=calendar.id, created_at=now, linked_at=now,
    )  # fmt: skip
    session.add(link)
    session.flush()
    if int(extension) % 2 == 0:
        session.add(
            WindowRow(
                calendar_id=calendar.id, event_id="e", start_at=now - timedelta(hours=1),
                end_at=now + timedelta(hours=3), kind="number", value=GOOD, received_at=now,
            )
        )  # fmt: skip
    ensure_rows(session, [link.id])
    session.execute(
        sa.update(Forwarding)
        .where(Forwarding.link_id == link.id)
        .values(due_at=now, due_cause="change")
    )


def _link(session: Any, domain: str, extension: str) -> Link:
    return session.scalars(
        sa.select(Link).where(Link.domain == domain, Link.extension == extension)
    ).one()


def _go_wrong(app: Flask) -> None:
    rt = app.extensions["gcal"]
    rt.telephony["main"].exchange.refused = frozenset({Destination(Kind.NUMBER, BARRED)})
    with rt.store.begin() as session:
        now = rt.store.now(session)
        withdrawn = _link(session, "fietsen-bos.example", "223").grant_id
        refused = _link(session, "bakkerij-jansen.example", "211")
        session.add(
            WindowRow(
                calendar_id=refused.calendar_id, event_id="f", start_at=now - timedelta(minutes=5),
                end_at=now + timedelta(hours=2), kind="number", value=BARRED, received_at=now,
            )
        )  # fmt: skip
        session.execute(
            sa.update(Forwarding)
            .where(Forwarding.link_id == refused.id)
            .values(due_at=now - timedelta(minutes=5), due_cause="edge")
        )
        stale = _link(session, "garage-kade.example", "222").calendar_id
        session.execute(
            sa.update(Calendar)
            .where(Calendar.id == stale)
            .values(
                synced_at=now - timedelta(hours=3), next_sync_at=now - timedelta(hours=2),
                failures=4, last_error="backendError",
            )
        )  # fmt: skip
        session.add(
            Request(
                tenant_id="belwinkel", account_id="5", account_email="info@notaris-klaver.example",
                customer_code="BW1007", customer_name="Notaris Klaver",
                domain="notaris-klaver.example", extension="240", state="agreed",
                created_at=now - timedelta(days=6), changed_at=now - timedelta(days=4),
            )
        )  # fmt: skip
        outbox.queue(
            session, key="board", kind="note", tenant_id="havenstem",
            recipient=f"{BOUNCES}@garage-kade.example", now=now, name="Kim", extension="222",
            note="De koppeling staat klaar.",
        )  # fmt: skip
        barred = refused.id
    assert withdrawn is not None
    breaking.grant_lost(rt, withdrawn, "revoked")
    switching.switch_batch(rt, "main", [barred])
    outbox.send_due(rt)


def _machinery(app: Flask) -> None:
    """A clock that beats, queues that are served, and a month of switches behind us."""
    rt = app.extensions["gcal"]
    leading.lead(rt, "clock", "somebody")
    busy = {"gcal-care": Busy("purge", 15_000)}
    rt.extras["queue_states"] = lambda: [
        QueueState(name, int(name == "gcal-sync"), 0.0, 0, 2, busy.get(name))
        for name in ("gcal-switch", "gcal-sync", "gcal-care", "gcal-mail")
    ]
    with rt.store.begin() as session:
        now = rt.store.now(session)
        for tenant, domains in CUSTOMERS.items():
            link = _link(session, domains[0], "210")
            session.add_all(
                LedgerEntry(
                    link_id=link.id, tenant_id=tenant, pbx="main",
                    due_at=now - timedelta(days=1), cause="edge", revision=1, outcome="done",
                    sent_at=now - timedelta(days=1), answered_at=now - timedelta(days=1),
                    seconds_late=0.02 + 0.004 * number + (0.9 if number % 40 == 0 else 0.0),
                )
                for number in range(120)
            )  # fmt: skip
    tally(rt)
    tally(rt)


def open_board(page: Page, address: str, language: str) -> None:
    """The operator logs in, chooses a language and looks."""
    page.goto(f"{address}/login")
    page.locator("#email").fill(OPERATOR)
    page.locator("#password").fill("demo")
    page.locator("main button[type=submit]").first.click()
    page.goto(f"{address}/settings")
    page.locator("#language").select_option(language)
    page.locator("main button[type=submit]").first.click()
    page.goto(f"{address}{PREFIX}/operator/")


def main() -> None:
    """Write `board.png` and `board-phone.png`, in English."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)

        def no_server() -> Any:
            raise AssertionError("the pictures need no Postgres")

        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        databases = Databases(folder, no_server)
        with bad_day(databases, folder) as app, serve(app, free_port()) as address:
            for picture, size in (("board", DESKTOP), ("board-phone", PHONE)):
                page = chromium.new_page(viewport=size, locale="en")  # type: ignore[arg-type]
                open_board(page, address, "en")
                page.screenshot(path=IMAGES / f"{picture}.png", full_page=True)
                page.close()
        chromium.close()


if __name__ == "__main__":
    main()
