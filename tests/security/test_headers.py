"""What a browser is told, and what a form must bring: tokens, framing, the operators' dashboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from gcal_plugin.store.tables import Base
from gcal_plugin.web.blueprint import ROUTES
from tests.servers.databases import Databases
from tests.support.portal_app import JAN, OPERATOR, PREFIX, SUPPORT, Person, portal


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases, RATELIMIT_ENABLED=False) as made:
        yield made


def snapshot(app: Flask) -> list[str]:
    with app.app_context():
        rows = [
            str(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in db.session.execute(sa.select(table))
        ]
        db.session.remove()
    return sorted(rows)


@pytest.mark.parametrize("guarded", [True, False], ids=["host_guards_too", "host_does_not"])
def test_no_form_does_anything_without_its_token(databases: Databases, guarded: bool) -> None:
    """Also where the host has no CSRF guard of its own."""
    with portal(databases, RATELIMIT_ENABLED=False, WTF_CSRF_CHECK_DEFAULT=guarded) as app:
        before = snapshot(app)
        for email in (JAN, SUPPORT):
            person = Person(app, email, language="en")
            for route in ROUTES:
                if "POST" not in route.methods or route.open or "<" in route.rule:
                    continue
                for token in ("", "forged"):
                    form = {"csrf_token": token, "extensions": "201", "number": "0612345678"}
                    form |= {"email": JAN, "extension": "201", "name": "x", "once": "1"}
                    form |= {"monthly": "1", "vat": "21", "valid_days": "3", "until": "hour"}
                    answer = person.client.post(f"{PREFIX}{route.rule}", data=form)
                    assert answer.status_code in {400, 404}, route.name
        assert snapshot(app) == before


def test_pages_may_not_be_framed_kept_or_guessed_at(app: Flask) -> None:
    jan = Person(app, JAN)
    for path in ("/", "/request?new=1"):
        headers = jan.client.get(f"{PREFIX}{path}").headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_the_session_cookie_is_for_this_site_and_not_for_scripts(app: Flask) -> None:
    client = app.test_client()
    cookie = client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("path", ["/operator/rq/", "/operator/rq/0/data/queues.json"])
def test_the_dashboard_is_for_operators(app: Flask, path: str, redis_url: str) -> None:
    for email in (None, JAN, SUPPORT):
        assert Person(app, email).client.get(path).status_code == 404
    del redis_url


def test_the_dashboard_takes_orders_from_its_own_pages_only(app: Flask) -> None:
    operator = Person(app, OPERATOR)
    orders = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("rq_dashboard.") and "POST" in (rule.methods or ())
    ]
    assert orders
    for origin in ({"Origin": "https://evil.example"}, {}, {"Referer": "https://evil.example/"}):
        for rule in orders:
            values = dict.fromkeys(rule.arguments, "x")
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method="POST")
            assert operator.client.post(path, headers=origin).status_code == 403, path
