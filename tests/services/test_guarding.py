"""Policies in layers, kill switches and blocked numbers: what holds right now for a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.destination import Kind
from gcal_plugin.domain.link_state import LinkState
from gcal_plugin.domain.policy import Policy
from gcal_plugin.ports import Line
from gcal_plugin.services import blocking, guarding, switching
from gcal_plugin.services.blocking import NotANumber
from gcal_plugin.services.linking import provision_link
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.scope import NotInReach, Reach, Viewer
from gcal_plugin.store.tables import (
    Audit,
    Calendar,
    Forwarding,
    Grant,
    Link,
    TenantState,
    WindowRow,
)
from tests.servers.databases import Databases
from tests.support.portal import BEL, JAN, PIET
from tests.support.runtime import make_app, make_runtime, make_schema

MOBILE = "+31612345678"
DESK = Viewer("bel", "desk", reach=Reach.TENANT)


@pytest.fixture
def rt(database_kind: str, databases: Databases) -> Iterator[Runtime]:
    with databases.fresh(database_kind, key="schema", prepare=make_schema) as url:
        app, db = make_app(url)
        with app.app_context():
            yield make_runtime(db)
            db.session.remove()
            db.engine.dispose()


def forwarding(rt: Runtime, tenant: str = "bel", extension: str = "200") -> UUID:
    """A line whose calendar says: the mobile, for the coming hour; pushed already."""
    owner = JAN if tenant == "bel" else PIET
    link_id = provision_link(
        rt, tenant_id=tenant, account_id=owner.id, domain=owner.domain, extension=extension,
        actor="system",
    )  # fmt: skip
    with rt.store.begin() as session:
        now = rt.store.now(session)
        grant = Grant(client_id="c", subject=str(link_id), email="", scopes=[], created_at=now)
        session.add(grant)
        session.flush()
        calendar = Calendar(grant_id=grant.id, google_id="x", synced_at=now)
        session.add(calendar)
        session.flush()
        session.add(
            WindowRow(
                calendar_id=calendar.id, event_id="e", start_at=now - timedelta(minutes=1),
                end_at=now + timedelta(hours=1), kind=Kind.NUMBER, value=MOBILE, received_at=now,
            )
        )  # fmt: skip
        link = session.get_one(Link, link_id)
        link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, LinkState.LINKED.value
        switching.mark_due(session, [link_id], now)
    work(rt)
    assert rings(rt, owner.domain, extension) == {MOBILE}
    return link_id


def work(rt: Runtime) -> None:
    """What the workers do with what is due now."""
    for batch in switching.due_batches(rt, timedelta(0)):
        switching.switch_batch(rt, batch.pbx, list(batch.link_ids))


def rings(rt: Runtime, domain: str = JAN.domain, extension: str = "200") -> set[str]:
    held = rt.telephony["main"].read(Line(domain, extension))
    return {str(one) for one in held.destinations}


# -- kill switches ------------------------------------------------------------------------------


def test_a_killed_tenant_forwards_nothing_and_others_go_on(rt: Runtime) -> None:
    link_id = forwarding(rt)
    forwarding(rt, "ander")
    assert guarding.kill_tenant(rt, "bel", actor="operator:1") == 1
    assert rt.wake.switched  # type: ignore[attr-defined]
    with rt.store.begin() as session:
        # Twice over: no verdict allows a destination, and switching clears whatever is there.
        assert guarding.line_context(rt, session, session.get_one(Link, link_id)).killed
    work(rt)
    assert rings(rt) == set()
    assert rings(rt, PIET.domain) == {MOBILE}
    guarding.kill_tenant(rt, "bel", actor="operator:1", on=False)
    work(rt)
    assert rings(rt) == {MOBILE}


def test_a_killed_link_stops_alone_and_only_its_own_desk_can_kill_it(rt: Runtime) -> None:
    one, _other = forwarding(rt), forwarding(rt, extension="201")
    for viewer in (Viewer("ander", "x", reach=Reach.TENANT), Viewer("bel", "anna")):
        with pytest.raises(NotInReach):
            guarding.kill_link(rt, viewer, one, actor="support:x")
    guarding.kill_link(rt, DESK, one, actor="support:desk")
    work(rt)
    assert (rings(rt), rings(rt, extension="201")) == (set(), {MOBILE})
    guarding.kill_link(rt, DESK, one, actor="support:desk", on=False)
    work(rt)
    assert rings(rt) == {MOBILE}
    with rt.store.begin() as session:
        actions = session.scalars(sa.select(Audit.action).order_by(Audit.id)).all()
    assert actions == ["kill", "unkill"]


# -- blocked numbers ----------------------------------------------------------------------------


def test_blocking_ends_the_forwards_that_run_to_a_number(rt: Runtime) -> None:
    forwarding(rt)
    assert blocking.block_number(rt, "06-12 34 56 78", actor="support:desk") == MOBILE
    assert blocking.block_number(rt, MOBILE, actor="support:desk") == MOBILE
    work(rt)
    assert rings(rt) == set()
    assert [one.value for one in blocking.blocked_numbers(rt, "bel")] == [MOBILE]
    blocking.unblock_number(rt, "0031612345678", actor="support:desk")
    work(rt)
    assert rings(rt) == {MOBILE}


def test_a_resellers_block_holds_for_its_own_lines_and_an_operators_for_all(rt: Runtime) -> None:
    forwarding(rt)
    forwarding(rt, "ander")
    blocking.block_number(rt, MOBILE, actor="support:desk", tenant_id="bel")
    work(rt)
    assert (rings(rt), rings(rt, PIET.domain)) == (set(), {MOBILE})
    blocking.block_number(rt, MOBILE, actor="operator:1")
    work(rt)
    assert rings(rt, PIET.domain) == set()
    with pytest.raises(LookupError):
        blocking.unblock_number(rt, MOBILE, actor="support:x", tenant_id="ander")


def test_a_coming_forward_and_a_fallback_are_looked_at_as_well(rt: Runtime) -> None:
    link_id = forwarding(rt)
    with rt.store.begin() as session:
        session.execute(sa.delete(WindowRow))
        session.get_one(Link, link_id).fallback_number = MOBILE
        session.execute(sa.update(Forwarding).values(due_at=None, desired=[], observed=[]))
    blocking.block_number(rt, MOBILE, actor="support:desk")
    with rt.store.begin() as session:
        assert session.scalar(sa.select(Forwarding.due_at)) is not None


@pytest.mark.parametrize("typed", ["", "333", "bel mij", "061234567", "*21*0612345678#", "<b>"])
def test_what_is_no_number_cannot_be_blocked(rt: Runtime, typed: str) -> None:
    with pytest.raises(NotANumber):
        blocking.block_number(rt, typed, actor="support:desk")
    assert blocking.blocked_numbers(rt, "bel") == []


def test_the_audit_never_holds_the_number(rt: Runtime) -> None:
    blocking.block_number(rt, MOBILE, actor="support:desk", note="Jan belde")
    with rt.store.begin() as session:
        [row] = session.scalars(sa.select(Audit)).all()
        assert MOBILE not in f"{row.subject}{row.detail}"
        assert (row.actor, row.action) == ("support:desk", "block")


# -- layers of policy -----------------------------------------------------------------------------


def test_each_layer_of_policy_names_only_what_differs() -> None:
    tenant = replace(BEL, policy={"allowed_countries": ["NL", "BE"], "max_simultaneous": 3})
    state = TenantState(tenant_id="bel", policy={"max_simultaneous": 2})
    link = Link(policy={"allowed_countries": ["NL"]})
    found = guarding.policy_for(tenant, link, state)
    assert found.allowed_countries == frozenset({"NL"})
    assert found.max_simultaneous == 2
    assert guarding.policy_for(None) == Policy()
    assert guarding.policy_for(replace(BEL, accept_invitations=True)).accept_invitations


def test_a_value_that_cannot_be_read_gives_way_to_the_careful_default() -> None:
    tenant = replace(BEL, policy={"allowed_countries": "all", "max_simultaneous": 2})
    found = guarding.policy_for(tenant)
    assert found.allowed_countries == Policy().allowed_countries
    assert found.max_simultaneous == 2


def test_500_lines_are_asked_about_in_a_handful_of_queries(rt: Runtime) -> None:
    with rt.store.begin() as session:
        now = rt.store.now(session)
        links = [
            Link(
                tenant_id="bel", account_id="jan", pbx="main", domain=f"d{n}", extension="200",
                created_at=now,
            )
            for n in range(500)
        ]  # fmt: skip
        session.add_all(links)
        session.flush()
        statements: list[str] = []
        engine = rt.store.engine
        listen = lambda *args: statements.append(args[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listen)
        found = guarding.contexts(rt, session, links)
        guarding.policies(rt, session, links)
        sa.event.remove(engine, "before_cursor_execute", listen)
    assert len(found) == 500
    assert len(statements) <= 4, statements
    one = found[links[0].id]
    assert one.own_numbers == frozenset({"+31201234567"})
    assert one.known_extensions == frozenset({"200", "201", "333"})
