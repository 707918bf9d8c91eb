"""A runtime with real neighbours for the stories: SQLite and Postgres, and a local Google."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.google.calendar import GoogleCalendars
from gcal_plugin.services.runtime import Runtime
from tests.servers.databases import Databases
from tests.support.runtime import make_app, make_runtime, make_schema


@pytest.fixture(scope="session")
def local_google() -> Iterator[LocalGoogle]:
    """One local Google a test process; a test starts with it empty (see `google`)."""
    with LocalGoogle() as server:
        yield server
        assert server.violations() == []


@pytest.fixture
def google(local_google: LocalGoogle) -> LocalGoogle:
    """A local Google without accounts."""
    local_google.reset()
    return local_google


@pytest.fixture
def rt(google: LocalGoogle, database_kind: str, databases: Databases) -> Iterator[Runtime]:
    """A runtime on an empty database with the schema, within an application context."""
    with databases.fresh(database_kind, key="schema", prepare=make_schema) as url:
        app, db = make_app(url)
        with app.app_context():
            calendars = GoogleCalendars(google.url)
            yield replace(make_runtime(db, google.url), calendars=calendars)
            calendars.close()
            db.session.remove()
            db.engine.dispose()
