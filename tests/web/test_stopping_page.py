"""The desk's switch for the whole tenant: asked with a reason, told, undone, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from gcal_plugin.services import guarding
from gcal_plugin.store.tables import Audit, Forwarding, Link, TenantState
from tests.servers.databases import Databases
from tests.support.portal_app import OPERATOR, OTHER_SUPPORT, PREFIX, SUPPORT, Person, portal

PAGE = f"{PREFIX}/support/stop"


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases) as made:
        yield made


def killed(app: Flask, tenant_id: str = "belwinkel") -> str | None:
    """Who switched a tenant off."""
    with app.app_context():
        row = db.session.get(TenantState, tenant_id, populate_existing=True)
        return row.killed_by if row is not None else None


def test_a_press_with_a_reason_ends_everything_and_a_press_undoes_it(app: Flask) -> None:
    with app.app_context():
        link_id = db.session.scalars(sa.select(Link.id).where(Link.account_id == "1")).one()
        line = db.session.get_one(Forwarding, link_id)
        line.observed = [["number", "+31612345678"]]
        line.due_at = None
        db.session.commit()
    sam = Person(app, SUPPORT, language="en")
    sam.get(PAGE)
    assert "1 extension is set up. 1 is forwarded now." in sam.text
    sam.post(PAGE, why="")
    assert sam.answer.status_code == 422
    assert killed(app) is None

    sam.post(PAGE, why="fraud")
    assert "Abuse is suspected" in sam.text
    assert "A forward still stands on 1 extension." in sam.text
    assert killed(app) == "support:4"
    assert killed(app, "havenstem") is None
    with app.app_context():
        line = db.session.get_one(Forwarding, link_id, populate_existing=True)
        assert line.due_at is not None
        assert line.due_cause == "kill"
    sam.post(PAGE, step="on")
    assert killed(app) is None
    assert "Switch all forwarding off" in sam.text
    with app.app_context():
        noted = db.session.execute(
            sa.select(Audit.actor, Audit.action, Audit.subject, Audit.detail)
            .where(Audit.subject == "tenant:belwinkel")
            .order_by(Audit.id)
        ).all()
    assert [tuple(one) for one in noted] == [
        ("support:4", "kill", "tenant:belwinkel", {"lines": 1, "reason": "fraud"}),
        ("support:4", "unkill", "tenant:belwinkel", {"lines": 1}),
    ]


def test_what_operators_switched_off_the_desk_cannot_switch_on(app: Flask) -> None:
    with app.app_context():
        guarding.kill_tenant(app.extensions["gcal"], "belwinkel", actor="operator:cli")
    sam = Person(app, SUPPORT, language="en")
    sam.get(PAGE)
    assert "only they switch it on again" in sam.text
    assert "Switch on again" not in sam.text
    # An old page still has both forms; neither may loosen what the operators did.
    sam.client.post(PAGE, data={"csrf_token": token(sam), "step": "on"})
    assert killed(app) == "operator:cli"
    sam.client.post(PAGE, data={"csrf_token": token(sam), "why": "asked"})
    sam.client.post(PAGE, data={"csrf_token": token(sam), "step": "on"})
    assert killed(app) == "operator:cli"
    with app.app_context():
        noted = db.session.scalars(sa.select(Audit.actor).where(Audit.action == "unkill")).all()
        assert noted == []
        guarding.kill_tenant(app.extensions["gcal"], "belwinkel", actor="operator:cli", on=False)
    assert killed(app) is None


def test_the_log_names_the_request_of_each_press(app: Flask) -> None:
    """By the proxy's name for it, or one of ours; never the name of the request before."""
    sam = Person(app, SUPPORT, language="en")
    for number, why in enumerate(("fraud", "costs", "fault")):
        headers = {"X-Request-ID": "proxy-7"} if number == 1 else {}
        form = {"csrf_token": token(sam), "why": why}
        assert sam.client.post(PAGE, data=form, headers=headers).status_code == 303
    with app.app_context():
        names = db.session.scalars(
            sa.select(Audit.request_id).where(Audit.action == "kill").order_by(Audit.id)
        ).all()
    assert names[1] == "proxy-7"
    assert len(set(names)) == 3
    assert all(names)


def test_nobody_else_has_this_switch(app: Flask) -> None:
    for email in (OPERATOR, "jan@bakkerij-jansen.example"):
        stranger = Person(app, email, language="en")
        assert stranger.client.get(PAGE).status_code == 404
        stranger.client.post(PAGE, data={"csrf_token": token(stranger), "why": "fraud"})
        assert killed(app) is None
    hugo = Person(app, OTHER_SUPPORT, language="en")
    hugo.get(PAGE)
    hugo.post(PAGE, why="other")
    assert killed(app) is None
    assert killed(app, "havenstem") == "support:5"


def token(person: Person) -> str:
    """A token that is right for this person, from a page with a form."""
    person.get(f"{PREFIX}/request?new=1")
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', person.page)
    if found is None:
        person.get("/settings")
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', person.page)
    assert found is not None
    return found[1]
