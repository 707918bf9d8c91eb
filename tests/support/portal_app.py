"""The example portal as a Flask application for tests: its people, an exchange in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_app import create_app, seed
from example_app.database import Base as PortalBase
from example_app.database import db
from gcal_plugin.services import syncing
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.crypto import new_key
from gcal_plugin.store.tables import Base, Forwarding
from tests.servers.databases import Databases

PREFIX = "/google-calendar"
JAN = "jan@bakkerij-jansen.example"
ELS = "els@bakkerij-jansen.example"
FEMKE = "praktijk@tandarts-devries.example"
SUPPORT = "support@belwinkel.example"
OTHER_SUPPORT = "hulp@havenstem.example"
OPERATOR = "operator@belwinkel.example"


def config(url: str, **more: Any) -> dict[str, Any]:
    """What the portal needs to run on its own; nothing listens where it says that Google is."""
    values: dict[str, Any] = {
        "TESTING": True,
        "SECRET_KEY": "test",
        "SQLALCHEMY_DATABASE_URI": url,
        "GCAL_GOOGLE_CLIENT_ID": "client.example",
        "GCAL_GOOGLE_CLIENT_SECRET": "secret",
        "GCAL_GOOGLE_METADATA_URL": "http://127.0.0.1:9/.well-known/openid-configuration",
        "GCAL_GOOGLE_API_ROOT": "http://127.0.0.1:9",
        "GCAL_REDIS_URL": "redis://127.0.0.1:9/0",
        "GCAL_ENCRYPTION_KEYS": [new_key()],
        "GCAL_TELEPHONY": {"main": {"backend": "memory"}},
        "GCAL_PUBLIC_URL": "https://portal.example",
        "MAIL_BACKEND": "smtp",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": 9,
    }
    return values | more


def prepare(url: str) -> None:
    """The portal's people and two provisioned extensions, in an empty database."""
    app = create_app(config(url))
    with app.app_context():
        Base.metadata.create_all(db.engine)
        PortalBase.metadata.create_all(db.engine)
        app.test_cli_runner().invoke(seed.command, catch_exceptions=False)
        db.session.remove()
        db.engine.dispose()


@contextmanager
def running(values: dict[str, Any]) -> Iterator[Flask]:
    """The portal with these settings; its threads and connections end with it."""
    app = create_app(values)
    yield app
    rt = app.extensions["gcal"]
    syncing.close(rt)
    rt.calendars.close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def portal(databases: Databases, kind: str = "sqlite", **more: Any) -> Iterator[Flask]:
    """The portal on a database of its own; `more` are settings that differ."""
    with (
        databases.fresh(kind, key="portal", prepare=prepare) as url,
        running(config(url, **more)) as app,
    ):
        yield app


@contextmanager
def portal_at_rest(databases: Databases, kind: str = "sqlite", **more: Any) -> Iterator[Flask]:
    """The same with nothing due: the seeded lines have waited since the template was made."""
    with portal(databases, kind, **more) as app:
        with app.app_context(), runtime(app).store.begin() as session:
            session.execute(sa.update(Forwarding).values(due_at=None))
        yield app


def runtime(app: Flask) -> Runtime:
    """The plugin of a portal."""
    found: Runtime = app.extensions["gcal"]
    return found


class Person:
    """Somebody at a browser without scripts: follows pages, sends the forms that are on them."""

    def __init__(self, app: Flask, email: str | None = None, *, language: str = "nl") -> None:
        self.client: FlaskClient = app.test_client()
        self.page = ""
        self.answer: TestResponse
        if email is not None:
            self.get("/login")
            self.post("/login", email=email, password="demo")
            assert self.answer.request.path != "/login", self.text
        with self.client.session_transaction() as session:
            session["language"] = language

    def get(self, path: str) -> TestResponse:
        """Open a page and follow its redirects."""
        return self._see(self.client.get(path, follow_redirects=True))

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form with the token of the page that is open."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.page)
        fields.setdefault("csrf_token", token[1] if token else "")
        return self._see(self.client.post(path, data=fields, follow_redirects=True))

    def submit(self, action: str, **fields: Any) -> TestResponse:
        """Send the form of the open page whose address ends so, with its hidden fields."""
        pattern = rf'<form[^>]*action="([^"]*{re.escape(action)})"[^>]*>(.*?)</form>'
        found = re.search(pattern, self.page, re.DOTALL)
        assert found is not None, f"no form to {action} on the page"
        hidden = re.findall(r"<input\b[^>]*>", found[2])
        values = {}
        for tag in hidden:
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and 'type="hidden"' in tag:
                values[name[1]] = unescape(value[1]) if value else ""
        return self.post(unescape(found[1]), **(values | fields))

    @property
    def text(self) -> str:
        """What the page says, without its tags."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.page)).split())

    def _see(self, answer: TestResponse) -> TestResponse:
        self.answer = answer
        self.page = answer.get_data(as_text=True)
        return answer
