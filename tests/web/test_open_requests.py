"""A request that waits is seen from every page, also by whoever has a line that works already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from gcal_plugin.store.tables import Link
from tests.servers.databases import Databases
from tests.support.portal_app import ELS, JAN, PREFIX, SUPPORT, Person, portal

from .test_onboarding_pages import NEXT_MONTH, ask

WAITS = "A quote for extension 201 waits for your answer."


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases) as made:
        yield made


def quote(app: Flask, request_id: str) -> None:
    sam = Person(app, SUPPORT, language="en")
    sam.get(f"{PREFIX}/support/requests/{request_id}")
    sam.submit("/quote", once="0", monthly="10", vat="21", valid_until=NEXT_MONTH)


def test_a_quote_is_seen_beside_a_line_that_is_there(app: Flask) -> None:
    jan = Person(app, JAN, language="en")
    request_id = ask(jan)
    jan.get(f"{PREFIX}/")
    assert f"/request/{request_id}" in jan.page
    assert "Extension 201" in jan.text
    assert WAITS not in jan.text
    quote(app, request_id)
    for page in (f"{PREFIX}/", "/settings"):
        jan.get(page)
        assert WAITS in jan.text, page
        assert f"/request/{request_id}" in jan.page
    jan.get(f"{PREFIX}/request/{request_id}")
    jan.submit("/agree")
    for page in (f"{PREFIX}/", "/settings"):
        jan.get(page)
        assert WAITS not in jan.text, page


def test_a_quote_is_seen_on_the_overview_of_several_lines(app: Flask) -> None:
    sam = Person(app, SUPPORT, language="en")
    sam.get(f"{PREFIX}/support/direct")
    sam.post(f"{PREFIX}/support/direct", email=JAN, extension="333")
    els = Person(app, ELS, language="en")
    els.get(f"{PREFIX}/")
    assert els.page.count("g-overview-item") > 1
    request_id = ask(els, "201")
    quote(app, request_id)
    els.get(f"{PREFIX}/")
    assert WAITS in els.text


def test_without_a_line_a_quote_goes_before_what_was_asked_later(app: Flask) -> None:
    with app.app_context():
        db.session.execute(sa.update(Link).values(ended_at=datetime.now(UTC), state="ended"))
        db.session.commit()
        db.session.remove()
    jan = Person(app, JAN, language="en")
    quote(app, ask(jan))
    later = ask(jan, "333")
    jan.get(f"{PREFIX}/")
    assert "View the quote" in jan.text
    assert f"/request/{later}" in jan.page


def test_the_last_day_of_a_contract_counts(app: Flask) -> None:
    with app.app_context():
        last = datetime(2031, 3, 31, 21, 59, 59, tzinfo=UTC)
        db.session.execute(sa.update(Link).values(ends_at=last))
        db.session.commit()
        db.session.remove()
    jan = Person(app, JAN, language="nl")
    jan.get(f"{PREFIX}/")
    assert "Na 31 maart 2031 wordt er niet meer doorgeschakeld." in jan.text, jan.text


def test_what_is_over_can_be_looked_up(app: Flask) -> None:
    jan = Person(app, JAN, language="en")
    jan.get(f"{PREFIX}/request?new=1")
    assert "Earlier requests" not in jan.text
    request_id = ask(jan)
    jan.submit("/cancel")
    jan.get(f"{PREFIX}/request")
    assert "Earlier requests" in jan.text
    assert request_id not in jan.page
    jan.get(f"{PREFIX}/request?earlier=1")
    assert f"/request/{request_id}" in jan.page
    assert "Cancelled" in jan.text
    # Where nothing is over there is no list to show.
    els = Person(app, "praktijk@tandarts-devries.example", language="en")
    els.get(f"{PREFIX}/request?earlier=1")
    assert "Your requests" not in els.text
