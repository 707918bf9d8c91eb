"""Coming back from Google with two tabs open: each tab lands on the extension it began with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from example_app.fake_google.process import LocalGoogle
from gcal_plugin.services.onboarding import direct
from gcal_plugin.store.tables import Link
from tests.servers.databases import Databases
from tests.support.consent import consent
from tests.support.portal_app import ELS, PREFIX, Person, portal

GOOGLE_ACCOUNT = "jan@bakkerij-jansen.example"


@pytest.fixture(scope="module")
def connectable(databases: Databases) -> Iterator[Flask]:
    """The portal with a Google that answers."""
    with LocalGoogle(seed="demo") as google:
        settings = {
            "GCAL_GOOGLE_CLIENT_ID": google.client_id,
            "GCAL_GOOGLE_CLIENT_SECRET": google.client_secret,
            "GCAL_GOOGLE_METADATA_URL": f"{google.url}/.well-known/openid-configuration",
            "GCAL_GOOGLE_API_ROOT": google.url,
            "GCAL_PUBLIC_URL": "http://localhost",
        }
        with portal(databases, **settings) as app:
            yield app


@pytest.fixture
def lines(connectable: Flask) -> tuple[str, str]:
    """The links of two extensions that Els may connect."""
    with connectable.app_context():
        rt = connectable.extensions["gcal"]
        account = rt.portal.find_account("belwinkel", ELS)
        held = sa.select(Link.extension).where(Link.domain == account.domain)
        taken = set(db.session.scalars(held))
        for one in rt.portal.extensions(account)[:3]:
            if one.number not in taken:
                direct.provision_for(rt, "belwinkel", email=ELS, extension=one.number, who="cli")
        theirs = sa.select(Link.id).where(Link.domain == account.domain).order_by(Link.extension)
        found = db.session.scalars(theirs).all()
        db.session.remove()
    assert len(found) >= 2
    return str(found[0]), str(found[1])


@pytest.fixture
def els(connectable: Flask) -> Person:
    return Person(connectable, ELS)


def begin(els: Person, link: str) -> str:
    """Press the button on a link's page; answers where at Google the tab goes."""
    els.get(f"{PREFIX}/links/{link}/")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', els.page)
    assert token is not None
    sent = els.client.post(f"{PREFIX}/links/{link}/connect", data={"csrf_token": token[1]})
    return sent.headers["Location"]


def come_back(els: Person, query: dict[str, str]) -> str:
    """The tab returns; answers where it is sent, and follows."""
    answer = els.client.get(f"{PREFIX}/callback?{urlencode(query)}")
    els.get(answer.headers["Location"])
    return answer.headers["Location"]


def test_the_calendars_that_are_shown_are_of_the_tab_that_returned(
    els: Person, lines: tuple[str, str]
) -> None:
    first, second = lines
    at_google = begin(els, first)
    begin(els, second)
    assert come_back(els, consent(at_google, GOOGLE_ACCOUNT)).endswith(f"/links/{first}/calendars")
    assert els.answer.status_code == 200
    assert "Kies" in els.text


def test_a_cancel_is_told_on_its_own_extension_only(els: Person, lines: tuple[str, str]) -> None:
    first, second = lines
    in_a, in_b = begin(els, first), begin(els, second)
    come_back(els, consent(in_a, GOOGLE_ACCOUNT))
    told = els.client.get(
        f"{PREFIX}/callback?{urlencode(consent(in_b, GOOGLE_ACCOUNT, deny=True))}"
    )
    assert told.headers["Location"].endswith(f"/links/{second}/")
    els.get(f"{PREFIX}/links/{first}/")
    assert "afgebroken" not in els.text
    assert "Kies nog een agenda" in els.text
    els.get(told.headers["Location"])
    assert "afgebroken" in els.text
    els.get(told.headers["Location"])
    assert "afgebroken" not in els.text


def test_a_box_left_unticked_is_told_where_it_was_asked(
    els: Person, lines: tuple[str, str]
) -> None:
    first, second = lines
    in_a = begin(els, first)
    begin(els, second)
    query = consent(in_a, GOOGLE_ACCOUNT, untick=("calendar.events.readonly",))
    assert come_back(els, query).endswith(f"/links/{first}/")
    assert "Google gaf niet alle toestemming" in els.text


def test_google_failing_leads_back_to_the_same_extension(
    els: Person, lines: tuple[str, str]
) -> None:
    first, second = lines
    in_a = begin(els, first)
    begin(els, second)
    query = consent(in_a, GOOGLE_ACCOUNT)
    assert come_back(els, query | {"code": "made-up"}).endswith(f"/links/{first}/")
    assert "Google" in els.text
    # The same way back a second time belongs to no attempt: the overview says so.
    assert come_back(els, query).endswith(f"{PREFIX}/")
    assert "Koppel opnieuw" in els.text
