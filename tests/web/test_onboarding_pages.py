"""Requests and the desk as pages: the whole way without scripts, and what goes wrong on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from gcal_plugin.services import addresses
from gcal_plugin.store.tables import BlockedNumber, Link, MailOut, Request
from tests.servers.databases import Databases
from tests.support.portal_app import (
    ELS,
    FEMKE,
    JAN,
    OTHER_SUPPORT,
    PREFIX,
    SUPPORT,
    Person,
    portal,
)

NEXT_MONTH = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases) as made:
        yield made


def rows(app: Flask, table: type[Any], *terms: Any) -> list[Any]:
    with app.app_context():
        found = list(db.session.scalars(sa.select(table).where(*terms)))
        db.session.expunge_all()
        return found


def ask(jan: Person, extension: str = "201") -> str:
    jan.get(f"{PREFIX}/request?new=1")
    jan.post(f"{PREFIX}/request", extensions=extension, remarks="<b>Snel</b>")
    found = re.search(r"/request/([0-9a-f-]{36})", jan.answer.request.path)
    assert found is not None, jan.text
    return found[1]


def test_the_whole_way_by_pages(app: Flask) -> None:
    jan, sam = Person(app, JAN, language="en"), Person(app, SUPPORT, language="en")
    request_id = ask(jan)
    assert "&lt;b&gt;Snel" in jan.page

    sam.get(f"{PREFIX}/support/")
    assert "Bakkerij Jansen" in sam.text
    sam.get(f"{PREFIX}/support/requests/{request_id}")
    sam.submit("/quote", once="1.250,00", monthly="12,50", vat="21", valid_until=NEXT_MONTH)
    assert sam.answer.status_code == 200, sam.text
    assert "EUR 12.50" in sam.text

    jan.get(f"{PREFIX}/request/{request_id}")
    assert "EUR 12.50 a month excl. VAT" in jan.text
    assert "EUR 15.13 incl. 21% VAT" in jan.text
    assert "EUR 1,250.00" in jan.text
    jan.submit("/agree")
    assert "Terms version 2026-11" in jan.text

    sam.get(f"{PREFIX}/support/requests/{request_id}")
    sam.submit("/provision")
    assert "The exchange knows this extension." in sam.text
    sam.submit("/finish", countries="NL, BE")
    assert "Ready to connect" in sam.text
    jan.get(f"{PREFIX}/request/{request_id}")
    assert "Connect your Google account" in jan.text
    [link] = rows(app, Link, Link.extension == "201")
    assert link.policy == {"allowed_countries": ["BE", "NL"]}


def test_faults_are_told_beside_their_field_and_what_was_typed_stays(app: Flask) -> None:
    jan, sam = Person(app, JAN, language="en"), Person(app, SUPPORT, language="en")
    jan.get(f"{PREFIX}/request?new=1")
    jan.post(f"{PREFIX}/request", remarks="keep me")
    assert jan.answer.status_code == 422
    assert "Choose an extension." in jan.text
    assert "keep me" in jan.page
    jan.post(f"{PREFIX}/request", extensions="999")
    assert "This extension is not in the list of this customer." in jan.text

    request_id = ask(jan)
    sam.get(f"{PREFIX}/support/requests/{request_id}")
    sam.submit("/quote", once="gratis", monthly="-1", vat="x", valid_until="2020-01-01")
    assert sam.answer.status_code == 422
    for words in ("not a price", "cannot be negative", "percentage", "has passed"):
        assert words in sam.text
    assert 'value="gratis"' in sam.page


def test_a_click_on_an_old_page_is_told_and_changes_nothing(app: Flask) -> None:
    jan, sam = Person(app, JAN, language="en"), Person(app, SUPPORT, language="en")
    request_id = ask(jan)
    for price in ("10", "20"):
        sam.get(f"{PREFIX}/support/requests/{request_id}")
        sam.submit("/quote", once="0", monthly=price, vat="21", valid_until=NEXT_MONTH)
        if price == "10":
            jan.get(f"{PREFIX}/request/{request_id}")
    jan.submit("/agree")
    assert "Somebody else was just before you." in jan.text
    [row] = rows(app, Request)
    assert (row.state, row.monthly_price) == ("quoted", 20)


def test_the_link_in_the_mail_wants_a_log_in_and_the_right_person(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    jan = Person(app, JAN, language="en")
    request_id = ask(jan)
    with app.app_context():
        rt = app.extensions["gcal"]
        token = addresses.sign_quote(rt, rows(app, Request)[0].id)
    stranger = Person(app)
    assert "/login" in stranger.get(f"{PREFIX}/request/quote/{token}").request.path
    femke = Person(app, FEMKE)
    assert femke.get(f"{PREFIX}/request/quote/{token}").status_code == 404
    assert jan.get(f"{PREFIX}/request/quote/{token}").request.path.endswith(request_id)
    assert jan.get(f"{PREFIX}/request/quote/{token}x").status_code == 404
    monkeypatch.setattr(addresses, "QUOTE_LINK_DAYS", -1)
    assert jan.get(f"{PREFIX}/request/quote/{token}").request.path.endswith(request_id)
    assert "The link in the mail has expired." in jan.text
    jan.submit("/cancel")
    assert jan.get(f"{PREFIX}/request/quote/{token}").request.path == f"{PREFIX}/request"
    assert jan.get(f"{PREFIX}/request/quote/{request_id}").status_code == 404


def test_the_desk_is_a_404_for_customers_and_other_resellers(app: Flask) -> None:
    request_id = ask(Person(app, JAN))
    for email in (JAN, ELS, FEMKE):
        person = Person(app, email)
        for page in ("", "direct", "prices", "blocked", "mails", f"requests/{request_id}"):
            assert person.get(f"{PREFIX}/support/{page}").status_code == 404
    hugo = Person(app, OTHER_SUPPORT)
    assert hugo.get(f"{PREFIX}/support/requests/{request_id}").status_code == 404
    hugo.get(f"{PREFIX}/support/")
    assert "Jansen" not in hugo.text
    hugo.post(f"{PREFIX}/support/requests/{request_id}/cancel", why="x")
    assert hugo.answer.status_code == 404
    assert rows(app, Request)[0].state == "requested"


def test_prices_are_kept_and_picked(app: Flask) -> None:
    jan, sam = Person(app, JAN, language="nl"), Person(app, SUPPORT, language="nl")
    sam.get(f"{PREFIX}/support/prices")
    sam.post(
        f"{PREFIX}/support/prices", name="Standaard", once="25", monthly="12,50", vat="21",
        valid_days="14", summary="Per maand op te zeggen.",
    )  # fmt: skip
    assert "Standaard" in sam.text
    request_id = ask(jan)
    sam.get(f"{PREFIX}/support/requests/{request_id}")
    assert 'value="12,50"' in sam.page
    assert "Per maand op te zeggen." in sam.page


def test_a_number_is_blocked_and_allowed_again(app: Flask) -> None:
    sam = Person(app, SUPPORT, language="en")
    sam.get(f"{PREFIX}/support/blocked")
    sam.post(f"{PREFIX}/support/blocked", number="06-1234567")
    assert sam.answer.status_code == 422
    sam.post(f"{PREFIX}/support/blocked", number="06-12345678", note="ticket 5")
    assert [row.value for row in rows(app, BlockedNumber)] == ["+31612345678"]
    sam.post(f"{PREFIX}/support/blocked", remove="+31612345678")
    assert rows(app, BlockedNumber) == []


def test_what_was_settled_by_telephone(app: Flask) -> None:
    sam = Person(app, SUPPORT, language="en")
    sam.get(f"{PREFIX}/support/direct")
    sam.post(f"{PREFIX}/support/direct", email=FEMKE, extension="333")
    assert "no account with this address" in sam.text
    sam.post(f"{PREFIX}/support/direct", email=JAN, extension="333")
    assert "Ready to connect" in sam.text
    assert [row.account_id for row in rows(app, Link, Link.extension == "333")] == ["1"] * (
        len(rows(app, Link, Link.extension == "333"))
    )


def test_failed_mails_are_shown_and_go_out_again(app: Flask) -> None:
    jan, sam = Person(app, JAN, language="en"), Person(app, SUPPORT, language="en")
    ask(jan)
    with app.app_context():
        from gcal_plugin.services import outbox

        outbox.send_due(app.extensions["gcal"])
        db.session.remove()
    sam.get(f"{PREFIX}/support/")
    assert "2 mails did not go out." in sam.text
    sam.get(f"{PREFIX}/support/mails")
    assert "Connection" in sam.text
    [mail, _] = rows(app, MailOut)
    sam.post(f"{PREFIX}/support/mails", mail=str(mail.id))
    assert "The mail goes out again." in sam.text


def test_by_mail_the_page_prepares_the_mail(databases: Databases) -> None:
    with portal(databases, GCAL_REQUEST_MODE="mail") as app:
        jan = Person(app, JAN, language="en")
        jan.get(f"{PREFIX}/request")
        jan.post(f"{PREFIX}/request", extensions="201", remarks="Graag & snel")
        assert "mailto:support@belwinkel.example" in jan.page
        assert "Klantcode: BW1001" in jan.page
        assert "Graag &amp; snel" in jan.page
        assert rows(app, Request) == []


def test_a_form_without_its_token_changes_nothing(app: Flask) -> None:
    jan = Person(app, JAN, language="en")
    jan.page = ""
    jan.post(f"{PREFIX}/request", extensions="201")
    assert jan.answer.status_code == 400
    assert rows(app, Request) == []
