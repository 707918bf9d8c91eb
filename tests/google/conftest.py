"""A link between a simulated person's calendar and an extension, on real servers, in any time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from example_app.fake_google.process import LocalGoogle
from tests.servers.databases import Databases
from tests.support.hooks import hooks
from tests.support.runtime import make_app, make_schema
from tests.support.world import World


@pytest.fixture(scope="session")
def local_google() -> Iterator[LocalGoogle]:
    """One local Google a test process; every answer that it gave must fit Google's schema."""
    with LocalGoogle() as server:
        yield server
        assert server.violations() == []


@pytest.fixture
def google(local_google: LocalGoogle) -> LocalGoogle:
    """A local Google without accounts, on the machine's clock."""
    local_google.reset()
    return local_google


@pytest.fixture
def pushed(world: World) -> Iterator[World]:
    """The world with a hook that Google can reach, so that channels are opened."""
    with hooks(world, world.app) as address:
        world.configure(public_url=address)
        yield world


@pytest.fixture
def world(google: LocalGoogle, database_kind: str, databases: Databases) -> Iterator[World]:
    """An empty plugin on SQLite and on Postgres; its clock and Google's are the test's."""
    with databases.fresh(database_kind, key="schema", prepare=make_schema) as url:
        app, db = make_app(url)
        with app.app_context():
            made = World(db, google)
            made.app = app
            yield made
            made.close()
            db.session.remove()
            db.engine.dispose()
