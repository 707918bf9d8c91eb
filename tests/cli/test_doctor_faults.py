"""Faults as operators make them, planted for real: `doctor` names each, with its mend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask, Response

from example_app.database import db
from example_app.fake_google.process import LocalGoogle
from gcal_plugin.services import grant_tokens
from gcal_plugin.settings import CALENDAR_LIST_SCOPE, EVENTS_SCOPE
from gcal_plugin.store.tables import Grant
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.portal_app import portal

from .test_doctor import NOWHERE, findings, served


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as running:
        yield running


def at(google: LocalGoogle, **more: Any) -> dict[str, Any]:
    return {
        "GCAL_GOOGLE_CLIENT_ID": google.client_id,
        "GCAL_GOOGLE_CLIENT_SECRET": google.client_secret,
        "GCAL_GOOGLE_METADATA_URL": google.metadata_url,
        "GCAL_GOOGLE_API_ROOT": google.url,
        "GCAL_PUBLIC_URL": NOWHERE,
        **more,
    }


# -- clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "fine"), [(90, False), (-90, False), (0, True)])
def test_a_database_whose_clock_is_off(databases: Databases, seconds: int, fine: bool) -> None:
    """Its server gives another time than this machine has, to whoever asks."""
    with portal(databases, "postgres", GCAL_PUBLIC_URL=NOWHERE) as app:
        with app.app_context():
            _turn_clock(db.engine, seconds)
            db.engine.dispose()
        found = findings(app)["clock against the database's"]
    assert found["ok"] is fine
    if not fine:
        assert 89 < float(found["detail"].removesuffix(" s")) < 95
        assert "NTP" in found["mend"]


def _turn_clock(engine: sa.Engine, seconds: int) -> None:
    with engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA off",
            f"""CREATE FUNCTION off.clock_timestamp() RETURNS timestamptz LANGUAGE sql
                AS $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$""",
            f'ALTER DATABASE "{engine.url.database}" SET search_path = off, pg_catalog, public',
        ):
            connection.exec_driver_sql(statement)


# -- scopes ------------------------------------------------------------------------------------


def _connected(app: Flask, google: LocalGoogle, allowed: list[str], told: list[str]) -> None:
    """Somebody consented to `allowed` at Google; `told` is what our records say of it."""
    email = f"{uuid4().hex}@bakery.example"  # Google adds to what an account allowed before
    google.add_account(email)
    tokens = google.grant(email, scopes=" ".join(["openid", "email", *allowed]))
    rt = app.extensions["gcal"]
    with app.app_context(), rt.store.begin() as session:
        grant = Grant(
            client_id=google.client_id, subject=tokens["sub"], email=email, scopes=told,
            state="live", created_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(grant)
        session.flush()
        grant_tokens.put_refresh_token(rt.store.keyring, grant, tokens["refresh_token"])


def test_a_grant_without_a_scope(databases: Databases, google: LocalGoogle) -> None:
    with portal(databases, **at(google)) as app:
        _connected(app, google, [CALENDAR_LIST_SCOPE], [CALENDAR_LIST_SCOPE])
        found = findings(app)
    assert not found["google scopes"]["ok"]
    assert found["google scopes"]["detail"] == (
        f"1 of 1 grants lack {EVENTS_SCOPE.rpartition('/')[2]}"
    )
    assert "consent screen" in found["google scopes"]["mend"]
    assert "connect again" in found["google scopes"]["mend"]


def test_a_scope_that_only_google_knows_is_missing(
    databases: Databases, google: LocalGoogle
) -> None:
    with portal(databases, **at(google)) as app:
        _connected(app, google, [EVENTS_SCOPE], [CALENDAR_LIST_SCOPE, EVENTS_SCOPE])
        found = findings(app)
    assert "google scopes" not in found
    assert not found["google calendars"]["ok"]
    assert "insufficientPermissions" in found["google calendars"]["detail"]
    assert "both Calendar scopes" in found["google calendars"]["mend"]


def test_both_scopes(databases: Databases, google: LocalGoogle) -> None:
    both = [CALENDAR_LIST_SCOPE, EVENTS_SCOPE]
    with portal(databases, **at(google)) as app:
        _connected(app, google, both, both)
        found = findings(app)
    assert found["google calendars"]["ok"], found["google calendars"]
    assert "google scopes" not in found


# -- the host's policy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "fine"),
    [
        ("form-action 'self'", False),
        ("default-src 'self'; form-action 'self' https://accounts.google.com", True),
        ("form-action 'self' https://*.google.com", True),
        ("form-action 'self' https://google.com", False),
        ("form-action 'self' https:", True),
        ("form-action 'none'", False),
        ("default-src 'self'", True),
    ],
)
def test_a_policy_that_stops_the_way_to_google(
    databases: Databases, policy: str, fine: bool
) -> None:
    place = "https://accounts.google.com/.well-known/openid-configuration"
    with portal(databases, GCAL_PUBLIC_URL=NOWHERE, GCAL_GOOGLE_METADATA_URL=place) as app:
        # Google itself is not asked here: only what the host's pages say is looked at.
        app.extensions["gcal"].extras.pop("check_google")

        @app.after_request
        def _host(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = policy
            return response

        found = findings(app)["host's form-action"]
    assert found["ok"] is fine, found
    if not fine:
        assert found["mend"] == (
            "Add https://accounts.google.com to form-action in the host's Content-Security-Policy."
        )


# -- the way back ------------------------------------------------------------------------------


class _SomebodyElse(BaseHTTPRequestHandler):
    """What may stand at a wrong address: a page, a redirect to a log-in, a 404 with a page."""

    status = 200

    def do_POST(self) -> None:
        """Answer as what stands there."""
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "/login")
        self.end_headers()
        self.wfile.write(b"" if self.status == 302 else b"<h1>Nothing here</h1>")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize(
    ("status", "said"),
    [(200, "it answers 200"), (302, "it answers 302 to /login"), (404, "it answers 404")],
)
def test_a_public_address_that_leads_elsewhere(
    databases: Databases, google: LocalGoogle, status: int, said: str
) -> None:
    handler = type("Handler", (_SomebodyElse,), {"status": status})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        with portal(databases, **at(google, GCAL_PUBLIC_URL=url)) as app:
            found = findings(app)["push address"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not found["ok"]
    assert found["detail"] == f"{url}: {said}"
    assert f"POST to {url}/google-calendar/hooks/google" in found["mend"]
    assert "GCAL_PUBLIC_URL" in found["mend"]


def test_a_public_address_that_misses_the_prefix(databases: Databases, google: LocalGoogle) -> None:
    """The right portal, one folder too deep: its own 404 is no answer of the hook."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        portal(databases, **at(google, GCAL_PUBLIC_URL=f"{url}/portal")) as app,
        served(app, port),
    ):
        found = findings(app)["push address"]
    assert not found["ok"]
    assert "it answers 404" in found["detail"]


def test_a_public_address_where_nobody_listens(databases: Databases) -> None:
    with portal(databases, GCAL_PUBLIC_URL=NOWHERE) as app:
        found = findings(app)["push address"]
    assert not found["ok"]
    assert "no usable answer" in found["detail"]
