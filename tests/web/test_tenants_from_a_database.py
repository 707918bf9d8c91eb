"""A portal that keeps its tenants in its database: also at the start, and while that is away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from example_app import create_app
from example_app.database import db
from example_app.portal import TENANTS, DemoPortal
from gcal_plugin.ports import Tenant
from gcal_plugin.web import current
from tests.servers.databases import Databases
from tests.support.portal_app import FEMKE, PREFIX, Person, config, portal

TOKEN = "figures-token"


def asked(self: DemoPortal) -> Sequence[Tenant]:
    db.session.execute(sa.text("SELECT count(*) FROM portal_user"))
    return list(TENANTS.values())


def away(self: DemoPortal) -> Sequence[Tenant]:
    raise sa.exc.OperationalError("SELECT", {}, ConnectionError("the database is away"))


def test_tenants_are_asked_for_within_the_application(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DemoPortal, "tenants", asked)
    with portal(databases) as app:
        page = Person(app, FEMKE).get(f"{PREFIX}/").get_data(as_text=True)
    assert "/themes/havenstem/" in page


def test_the_start_does_not_wait_for_the_tenants(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else neither `gcal db upgrade` nor `doctor` could be run on an empty database."""
    monkeypatch.setattr(DemoPortal, "tenants", away)
    with portal(databases, GCAL_METRICS_TOKEN=TOKEN) as app:
        told = app.test_client().get(
            f"{PREFIX}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert told.status_code == 200, "an answer of 500 would look as if we were down"
        assert "gcal_database_up 1.0" in told.get_data(as_text=True)
        monkeypatch.undo()
        page = Person(app, FEMKE).get(f"{PREFIX}/").get_data(as_text=True)
    assert "/themes/havenstem/" in page


def test_a_theme_that_a_tenant_names_and_nobody_made_still_stops_the_start(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(self: DemoPortal) -> Sequence[Tenant]:
        return [Tenant(id="a", name="A", pbx="main", theme="nobody-made-it")]

    monkeypatch.setattr(DemoPortal, "tenants", named)
    with pytest.raises(Exception, match="nobody-made-it"):
        create_app(config("sqlite://"))
    assert current.THEMING
