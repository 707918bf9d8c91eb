"""The kill switch in real processes: within five seconds nothing is forwarded any more.

Exchanges that hold plans are the hard case: what they were told yesterday has to go as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from gcal_plugin.ports import Account, Line, Role
from gcal_plugin.services import guarding, stopping
from gcal_plugin.services.pulling import ringing_now
from gcal_plugin.services.stopping import Why
from gcal_plugin.store.scope import NotInReach, Reach, Viewer
from gcal_plugin.store.tables import Audit
from tests.servers.databases import Databases
from tests.support.lines import JAN, PIET
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage

DOMAIN = "bakkerij.example"
ALL = Viewer("", "", reach=Reach.ALL)
PROMISED = 5.0
pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@pytest.fixture
def stage(
    tmp_path: Path, database_kind: str, databases: Databases, redis_url: str
) -> Iterator[Stage]:
    """Worker, clock and an exchange that holds plans."""
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_stage(tmp_path, url, redis_url) as made,
    ):
        made.host["telephony"]["main"]["plan"] = True
        yield made


def two(stage: Stage) -> list[UUID]:
    """Two lines of one tenant, the first forwards now; and a line of another tenant that does."""
    first, second = stage.world.link("200"), stage.world.link("201")
    other = stage.world.link("200", domain="garage.example", tenant_id="ander", account_id="piet")
    stage.forward(first, JAN, -5, 600)
    stage.forward(other, PIET, -5, 600)
    return [first, second]


def everybody(stage: Stage) -> list[set[str]]:
    return [
        stage.pbx.rings("200"),
        stage.pbx.rings("201"),
        stage.pbx.rings("200", "garage.example"),
    ]


Kill = Callable[[Stage, list[UUID], bool], object]


def by_tenant(stage: Stage, links: list[UUID], on: bool) -> object:
    return guarding.kill_tenant(stage.world.rt, "bel", actor="operator:test", on=on)


def by_link(stage: Stage, links: list[UUID], on: bool) -> object:
    for link in links[:2]:
        guarding.kill_link(stage.world.rt, ALL, link, actor="support:test", on=on)
    return None


def by_desk(stage: Stage, links: list[UUID], on: bool) -> object:
    """What the button at the desk does."""
    sam = Account(id="4", tenant_id="bel", email="sam@bel.example", roles=frozenset({Role.SUPPORT}))
    return stopping.stop(stage.world.rt, sam, Why.FRAUD if on else None)


@pytest.mark.parametrize("kill", [by_tenant, by_desk, by_link])
def test_everything_ends_within_five_seconds_plans_included(stage: Stage, kill: Kill) -> None:
    links = two(stage)
    stage.worker()
    stage.clock()
    stage.soon(lambda: everybody(stage), [{JAN}, set(), {PIET}], within=40)
    starts, _ = stage.forward(links[1], JAN, 8, 600)
    stage.soon(lambda: len(stage.pbx.history("201")), 1)  # the plan is on the exchange
    kill(stage, links, True)
    took = stage.soon(lambda: everybody(stage), [set(), set(), {PIET}], within=PROMISED)
    assert took < PROMISED
    assert ringing_now(stage.world.rt, "main", Line(DOMAIN, "200")) == ()
    # The second line's event begins: the plan that the exchange held is gone as well.
    time.sleep(max(0.0, (starts - datetime.now(UTC)).total_seconds()) + 1.0)
    assert everybody(stage) == [set(), set(), {PIET}]
    kill(stage, links, False)
    stage.soon(lambda: everybody(stage), [{JAN}, {JAN}, {PIET}], within=PROMISED)


def test_it_needs_neither_the_queue_nor_a_worker(stage: Stage) -> None:
    """With Redis gone and no worker left the clock does it by itself."""
    stage.host["redis"] = "redis://127.0.0.1:9/0"
    links = two(stage)
    stage.clock()
    stage.soon(lambda: everybody(stage), [{JAN}, set(), {PIET}], within=40)
    by_tenant(stage, links, True)
    took = stage.soon(lambda: everybody(stage), [set(), set(), {PIET}], within=PROMISED)
    assert took < PROMISED


def test_nobody_kills_what_is_not_theirs_and_each_switch_is_noted(stage: Stage) -> None:
    link = stage.world.link("200")
    rt = stage.world.rt
    for stranger in (
        Viewer("ander", "piet", reach=Reach.TENANT),
        Viewer("bel", "anna"),
        Viewer("bel", "anna", domain="other.example", reach=Reach.CUSTOMER),
    ):
        with pytest.raises(NotInReach):
            guarding.kill_link(rt, stranger, link, actor="support:stranger")
    guarding.kill_link(rt, ALL, link, actor="support:els")
    guarding.kill_tenant(rt, "bel", actor="operator:ops")
    guarding.kill_tenant(rt, "bel", actor="operator:ops", on=False)
    with rt.store.begin() as session:
        noted = session.execute(
            sa.select(Audit.actor, Audit.action, Audit.subject).order_by(Audit.id)
        ).all()
    assert [tuple(one) for one in noted] == [
        ("support:els", "kill", f"link:{link}"),
        ("operator:ops", "kill", "tenant:bel"),
        ("operator:ops", "unkill", "tenant:bel"),
    ]
    # The tenant is on again, the link by itself is still off.
    assert guarding.is_killed(rt, ALL, link)


def test_hundreds_of_lines_end_as_quickly(stage: Stage) -> None:
    """One tenant with many lines is the case that the switch was made for."""
    links = [stage.world.link(str(1000 + number)) for number in range(150)]
    for link in links:
        stage.forward(link, JAN, -5, 600)
    stage.worker()
    stage.clock()

    def ringing() -> int:
        return sum(1 for line in range(1000, 1150, 10) if stage.pbx.rings(str(line)))

    stage.soon(ringing, 15, within=60)
    by_tenant(stage, links, True)
    took = stage.soon(ringing, 0, within=PROMISED)
    assert took < PROMISED
