"""Many brands, one Google: three host names, one registered callback, or a client of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from example_app import portal as example
from example_app.database import db
from example_app.fake_google.process import LocalGoogle
from gcal_plugin import OAuthClient
from gcal_plugin.store.tables import Attempt, Consent, Grant, Link
from tests.servers.databases import Databases
from tests.support.consent import consent
from tests.support.portal_app import FEMKE, JAN, PREFIX, portal

BELWINKEL = "http://belwinkel.localhost:8000"
HAVENSTEM = "http://havenstem.localhost:8000"
CALLBACK_HOST = "http://127.0.0.1:8000"
CALLBACK = f"{CALLBACK_HOST}{PREFIX}/callback"


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle(seed="demo") as running:
        yield running


@pytest.fixture(scope="module")
def three_names(databases: Databases, google: LocalGoogle) -> Iterator[Flask]:
    """The portal under three names; tenants have their own address, Google knows only one."""
    settings = {
        "GCAL_GOOGLE_CLIENT_ID": google.client_id,
        "GCAL_GOOGLE_CLIENT_SECRET": google.client_secret,
        "GCAL_GOOGLE_METADATA_URL": f"{google.url}/.well-known/openid-configuration",
        "GCAL_GOOGLE_API_ROOT": google.url,
        "GCAL_CALLBACK_URL": CALLBACK,
        "GCAL_PUBLIC_URL": CALLBACK_HOST,
    }
    with pytest.MonkeyPatch.context() as patch, portal(databases, **settings) as made:
        for key, host in (("belwinkel", BELWINKEL), ("havenstem", HAVENSTEM)):
            patch.setitem(example.TENANTS, key, replace(example.TENANTS[key], public_url=host))
        yield made
        made.extensions["gcal"].calendars.close()


@pytest.fixture
def app(three_names: Flask) -> Flask:
    """The same portal, without what an earlier test began."""
    with three_names.app_context():
        for table in (Attempt, Consent):
            db.session.execute(sa.delete(table))
        db.session.commit()
    return three_names


class Browser:
    """A browser at one host name; cookies of one host never reach another."""

    def __init__(self, app: Flask, host: str, email: str | None = None) -> None:
        self.host = host
        self.client: FlaskClient = app.test_client()
        if email is not None:
            page = self.get("/login")
            self.post("/login", page, email=email, password="demo")

    def get(self, path: str) -> str:
        answer = self.client.get(path, base_url=self.host, follow_redirects=True)
        return answer.get_data(as_text=True)

    def post(self, path: str, page: str, **fields: str) -> str:
        """Answers where the form leads."""
        token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
        answer = self.client.post(path, base_url=self.host, data={"csrf_token": token, **fields})
        return answer.headers.get("Location", "")

    def begin(self) -> str:
        return self.post(f"{PREFIX}/connect", self.get(f"{PREFIX}/"))

    def follow(self, location: str) -> str:
        """Open an address as the browser does: another host is another cookie jar."""
        parts = urlsplit(location)
        host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else self.host
        answer = self.client.get(f"{parts.path}?{parts.query}", base_url=host)
        return answer.headers.get("Location", "")


def back(query: dict[str, str]) -> str:
    return f"{CALLBACK}?{urlencode(query)}"


def grants(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(Grant)) or 0


@pytest.mark.parametrize("host, email", [(BELWINKEL, JAN), (HAVENSTEM, FEMKE)])
def test_a_brand_on_its_own_host_links_over_the_one_callback(
    app: Flask, host: str, email: str
) -> None:
    browser = Browser(app, host, email)
    to_google = browser.begin()
    assert dict(parse_qsl(urlsplit(to_google).query))["redirect_uri"] == CALLBACK

    handed_over = browser.follow(back(consent(to_google, email)))
    assert handed_over.startswith(f"{host}{PREFIX}/callback?")
    assert browser.follow(handed_over) == f"{PREFIX}/calendars"
    assert email in browser.get(f"{PREFIX}/calendars")


def test_the_callbacks_own_host_needs_no_hand_over(app: Flask) -> None:
    browser = Browser(app, CALLBACK_HOST, JAN)
    assert browser.follow(back(consent(browser.begin(), JAN))) == f"{PREFIX}/calendars"


def test_what_is_handed_over_works_once(app: Flask) -> None:
    browser = Browser(app, BELWINKEL, JAN)
    handed_over = browser.follow(back(consent(browser.begin(), JAN)))
    assert browser.follow(handed_over) == f"{PREFIX}/calendars"
    assert browser.follow(handed_over) == f"{PREFIX}/"
    assert "in een andere browser begonnen" in browser.get(f"{PREFIX}/")


def test_another_session_gets_nothing_out_of_it(app: Flask) -> None:
    """The address was overheard, and is opened in another browser, even by the same person."""
    browser = Browser(app, BELWINKEL, JAN)
    handed_over = browser.follow(back(consent(browser.begin(), JAN)))
    thief = Browser(app, BELWINKEL, JAN)
    assert thief.follow(handed_over) == f"{PREFIX}/"
    assert "andere browser" in thief.get(f"{PREFIX}/")
    assert grants(app) == 0
    with app.app_context():
        assert set(db.session.scalars(sa.select(Link.state))) == {"ready"}


def test_a_visitor_without_a_session_is_sent_to_log_in(app: Flask) -> None:
    browser = Browser(app, BELWINKEL, JAN)
    handed_over = browser.follow(back(consent(browser.begin(), JAN)))
    assert "/login" in Browser(app, BELWINKEL).follow(handed_over)


def test_nobody_is_handed_over_to_a_host_that_the_portal_does_not_name(app: Flask) -> None:
    browser = Browser(app, BELWINKEL, JAN)
    query = consent(browser.begin(), JAN)
    with app.app_context():
        db.session.execute(sa.update(Attempt).values(return_host="evil.example"))
        db.session.commit()
    assert "evil.example" not in browser.follow(back(query))


@pytest.mark.parametrize("host", ["http://evil.example", "http://belwinkel.localhost.evil.example"])
def test_a_made_up_host_name_never_becomes_a_way_back(app: Flask, host: str) -> None:
    browser = Browser(app, host, JAN)
    to_google = browser.begin()
    assert dict(parse_qsl(urlsplit(to_google).query))["redirect_uri"] == CALLBACK
    with app.app_context():
        assert set(db.session.scalars(sa.select(Attempt.return_host))) == {""}


def test_an_unknown_state_stays_where_it_is(app: Flask) -> None:
    browser = Browser(app, CALLBACK_HOST, JAN)
    assert browser.follow(back({"state": "made-up", "code": "x"})) == f"{PREFIX}/"


def test_each_brand_shows_its_own_theme_on_its_own_host(app: Flask) -> None:
    for host, email, theme in (
        (BELWINKEL, JAN, "belwinkel"),
        (HAVENSTEM, FEMKE, "havenstem"),
    ):
        page = Browser(app, host, email).get(f"{PREFIX}/")
        assert f"/static/themes/{theme}/" in page


def test_a_tenant_may_bring_a_google_client_of_its_own(
    app: Flask, google: LocalGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = OAuthClient(id="havenstem.apps.example", secret="own", app_name="Havenstem Agenda")
    google.control(
        "POST",
        "clients",
        {
            "id": client.id,
            "secret": client.secret,
            "redirect_uris": [CALLBACK],
            "name": client.app_name,
        },
    )
    own = replace(example.TENANTS["havenstem"], oauth_client=client)
    monkeypatch.setitem(example.TENANTS, "havenstem", own)
    browser = Browser(app, HAVENSTEM, FEMKE)
    to_google = browser.begin()
    assert dict(parse_qsl(urlsplit(to_google).query))["client_id"] == client.id
    other = Browser(app, BELWINKEL, JAN).begin()
    assert dict(parse_qsl(urlsplit(other).query))["client_id"] == google.client_id
    assert browser.follow(browser.follow(back(consent(to_google, FEMKE)))) == f"{PREFIX}/calendars"
