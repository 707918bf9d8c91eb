"""An exchange that asks at each call hears what a pushed one holds, and hears it at the edge."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line
from gcal_plugin.services import switching
from gcal_plugin.services.pulling import ringing_now
from gcal_plugin.store.store import Store
from gcal_plugin.store.tables import BlockedNumber, Calendar, Grant, Link, TenantState
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes

PREMIUM = "+31906123456"
DAY = timedelta(days=1)


def asked(world: World, extension: str = "200", domain: str = "bakkerij.example") -> set[str]:
    """What an exchange hears that asks now."""
    return {one.value for one in ringing_now(world.rt, "main", Line(domain, extension))}


def test_every_edge_of_a_busy_day_is_heard_before_anything_was_pushed(world: World) -> None:
    link, chance = world.link(), random.Random(5)
    for number in range(30):
        start = chance.randrange(0, 600)
        value = chance.choice([JAN, PIET, KEES, PREMIUM, "200", "333"])
        length = chance.randrange(5, 90)
        world.window(link, value, minutes(start), minutes(start + length), event_id=f"e{number}")
    heard = []
    for minute in range(-1, 700, 3):
        world.clock.at = MONDAY + minutes(minute)
        before = asked(world)
        world.go()
        assert (minute, before) == (minute, world.held())
        assert asked(world) == before
        heard.append(frozenset(before))
    assert len(set(heard)) > 8
    assert not any(PREMIUM in one for one in heard)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "reconnect"},
        {"state": "reconnect", "fallback_number": KEES},
        {"state": "reconnect", "fallback_number": PREMIUM},
        {"state": "reconnect", "broken_reason": "unreadable"},
        {"state": "calendar_gone"},
        {"state": "calendar_gone", "fallback_number": KEES},
        {"state": "ready"},
        {"killed_at": MONDAY},
        {"paused_at": MONDAY},
        {"paused_at": MONDAY, "paused_until": MONDAY + minutes(20)},
        {"ends_at": MONDAY + minutes(5)},
        {"policy": {"max_simultaneous": 1}},
        {"policy": {"max_changes_per_day": 2}},
        {"stale_choice": "stop"},
        {"stale_choice": "fallback", "fallback_number": KEES},
        {},
    ],
    ids=str,
)
def test_whatever_counts_for_a_push_counts_for_an_answer(
    world: World, change: dict[str, Any]
) -> None:
    link = world.link()
    for start in (0, 10, 20, DAY // minutes(1) + 10):
        world.window(link, JAN, minutes(start), minutes(start + 8))
        world.window(link, PIET, minutes(start + 4), minutes(start + 9))
    for at in (minutes(0), minutes(1), DAY - minutes(1), DAY + minutes(11), DAY + minutes(15)):
        world.walk(at)
        if at == minutes(1):
            world.change(link, **change)
        before = asked(world)
        world.go()
        assert before == world.held(), at


def test_a_dead_grant_and_a_calendar_that_is_gone_end_the_answer(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    assert asked(world) == {JAN}
    with world.rt.store.begin() as session:
        session.get_one(Grant, session.get_one(Link, link).grant_id).state = "revoked"
    assert asked(world) == set()
    with world.rt.store.begin() as session:
        session.get_one(Grant, session.get_one(Link, link).grant_id).state = "live"
        session.get_one(Calendar, session.get_one(Link, link).calendar_id).gone_at = MONDAY
    assert asked(world) == set()


def test_a_tenants_kill_switch_and_policy_hold_for_its_own_lines_only(world: World) -> None:
    for domain, tenant, account in (
        ("bakkerij.example", "bel", "jan"),
        ("garage.example", "ander", "piet"),
    ):
        link = world.link("200", domain=domain, tenant_id=tenant, account_id=account)
        world.window(link, JAN, minutes(0), minutes(60))
    with world.rt.store.begin() as session:
        session.add(TenantState(tenant_id="bel", policy={"denied_prefixes": ["+316"]}))
    assert (asked(world), asked(world, domain="garage.example")) == (set(), {JAN})
    with world.rt.store.begin() as session:
        state = session.get_one(TenantState, "bel")
        state.policy, state.killed_at = {}, MONDAY
    assert (asked(world), asked(world, domain="garage.example")) == (set(), {JAN})


@pytest.mark.parametrize("tenant", ["", "bel", "ander"])
def test_a_blocked_number_rings_for_nobody_whom_its_owner_refused(
    world: World, tenant: str
) -> None:
    refused = tenant != "ander"
    link = world.link(fallback_number=KEES)
    world.window(link, JAN, minutes(0), minutes(60))
    world.window(link, PIET, minutes(0), minutes(60))
    with world.rt.store.begin() as session:
        for value in (JAN, KEES):
            session.add(BlockedNumber(value=value, tenant_id=tenant, at=MONDAY, by="test"))
    assert asked(world) == ({PIET} if refused else {JAN, PIET})
    world.change(link, state="reconnect")
    assert asked(world) == (set() if refused else {KEES})
    world.change(link, state="linked")
    switching.trial(world.rt, link, Destination.parse(JAN), 60)
    assert asked(world) == ({PIET} if refused else {JAN})


def test_a_trial_is_heard_for_its_minute(world: World) -> None:
    link = world.link()
    world.window(link, PIET, minutes(-10), minutes(60))
    world.go()
    switching.trial(world.rt, link, Destination.parse(JAN), 60)
    assert asked(world) == world.held() == {JAN}
    world.clock.at = MONDAY + timedelta(seconds=61)
    assert asked(world) == {PIET}


def test_nobody_linked_nobody_rings(world: World) -> None:
    world.link()
    assert asked(world, "201") == asked(world, domain="other.example") == set()


def test_the_databases_own_clock_decides_where_no_other_is_set(world: World) -> None:
    """On Postgres in the one statement itself: the instant is not asked for apart."""
    link = world.link()
    now = Store(world.rt.store._db, world.rt.store.keyring)
    with now.begin() as session:
        at = now.now(session)
    world.window(link, JAN, at - minutes(5), at + minutes(5))
    world.window(link, PIET, at + minutes(5), at + minutes(9))
    world.clock.at = at + minutes(6)
    assert asked(world) == {PIET}
    object.__setattr__(world.rt, "store", now)
    assert asked(world) == {JAN}


def test_it_reads_without_a_transaction_and_joins_one_that_is_open(world: World) -> None:
    store = world.rt.store
    with store.begin() as session:
        session.add(TenantState(tenant_id="bel", policy={}))
        session.flush()
        with store.glance() as same:
            assert same is session
            assert same.get(TenantState, "bel") is not None
    store.release()
    with store.glance() as session:
        level = session.connection().get_execution_options().get("isolation_level")
        assert level == "AUTOCOMMIT"
    with store.begin() as session:
        assert "isolation_level" not in session.connection().get_execution_options()
        session.rollback()
