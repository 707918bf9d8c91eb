"""What a link's own state makes of its calendar: ends always run, starts need a live grant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.policy import Policy
from gcal_plugin.services import switching
from gcal_plugin.services.explaining import UnknownLink, explain_at
from gcal_plugin.store.tables import Calendar, Grant, LedgerEntry, Link, MailOut, TenantState
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes


@pytest.mark.parametrize(
    "change",
    [
        {"state": "reconnect"},
        {"state": "calendar_gone"},
        {"state": "ready"},
        {"state": "ended"},
        {"killed_at": MONDAY},
        {"paused_at": MONDAY},
        {"ends_at": MONDAY},
    ],
    ids=lambda change: next(iter(change)) + "-" + str(next(iter(change.values())))[:12],
)
def test_whatever_stops_a_link_ends_its_running_forward(
    world: World, change: dict[str, Any]
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    assert world.held() == {JAN}
    world.change(link, **change)
    world.go(minutes(1))
    assert world.held() == set()


def test_a_pause_ends_by_itself_and_the_forward_comes_back(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.change(link, paused_at=MONDAY, paused_until=MONDAY + minutes(30))
    world.go(minutes(1))
    assert world.held() == set()
    assert world.row(link).due_at == MONDAY + minutes(30)
    world.walk(minutes(31))
    assert world.held() == {JAN}


def test_a_tenants_kill_switch_clears_its_lines_and_nobody_elses(world: World) -> None:
    mine = world.link("200")
    other = world.link("200", domain="garage.example", tenant_id="ander", account_id="piet")
    for link in (mine, other):
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    with world.rt.store.begin() as session:
        session.add(TenantState(tenant_id="bel", killed_at=MONDAY, policy={}))
        switching.mark_due(session, [mine, other], MONDAY, cause="kill")
    world.go(minutes(1))
    assert world.held("200", "bakkerij.example") == set()
    assert world.held("200", "garage.example") == {JAN}


def test_lost_access_goes_to_the_fallback_number(world: World) -> None:
    link = world.link(fallback_number=KEES)
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.change(link, state="reconnect")
    world.go(minutes(1))
    assert world.held() == {KEES}


def test_a_dead_grant_stops_a_linked_link_too(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    with world.rt.store.begin() as session:
        grant_id = session.get_one(Link, link).grant_id
        session.get_one(Grant, grant_id).state = "revoked"
    world.go()
    assert world.held() == set()


@pytest.mark.parametrize(
    ("choice", "running", "later"),
    [("keep", {JAN}, {PIET}), ("stop", {JAN}, set()), ("fallback", {KEES}, {KEES})],
)
def test_past_the_stale_age_the_links_own_choice_decides(
    world: World, choice: str, running: set[str], later: set[str]
) -> None:
    link = world.link(stale_choice=choice, fallback_number=KEES)
    day = timedelta(days=1)
    world.window(link, JAN, day - minutes(30), day + minutes(30))
    world.window(link, PIET, day + minutes(60), day + minutes(90))
    world.walk(day - minutes(1))
    assert world.held() == {JAN}
    world.walk(day + minutes(1))
    assert world.held() == running
    world.walk(day + minutes(61))
    assert world.held() == later


def test_the_days_cap_stops_starts_and_never_an_end(world: World) -> None:
    link = world.link(policy={"max_changes_per_day": 2})
    for number in range(4):
        world.window(link, JAN, minutes(number * 20), minutes(number * 20 + 10))
    seen = []
    world.walk(minutes(100), step=lambda: seen.append(world.held()))
    assert seen[:4] == [{JAN}, set(), {JAN}, set()]
    assert {JAN} not in seen[4:]
    assert world.held() == set()


def letters(world: World) -> list[tuple[str, str]]:
    """To whom and about which limit the tenant was written."""
    with world.rt.store.begin() as session:
        rows = session.scalars(
            sa.select(MailOut).where(MailOut.kind == "limit_desk").order_by(MailOut.id)
        )
        return [(row.recipient, row.values["reason"]) for row in rows]


def test_a_limit_that_bites_is_told_to_the_tenant_once_a_day(world: World) -> None:
    """Quietly: one letter a line, limit and day, however often it bites."""
    link = world.link(policy={"max_changes_per_day": 1})
    for number in range(4):
        world.window(link, JAN, minutes(number * 20), minutes(number * 20 + 10))
    world.walk(minutes(15))
    assert letters(world) == []
    world.walk(minutes(100))
    assert letters(world) == [("desk@bel.example", "changes_cap")]


@pytest.mark.parametrize(
    "policy, reason",
    [({"max_simultaneous": 1}, "too_many"), ({"max_forward_length": 600}, "too_long_forward")],
)
def test_the_other_limits_are_told_too(world: World, policy: dict[str, int], reason: str) -> None:
    link = world.link(policy=policy)
    world.window(link, JAN, minutes(-5), minutes(5))
    world.window(link, PIET, minutes(-5), minutes(60))
    world.go()
    world.go()
    assert letters(world) == [("desk@bel.example", reason)]
    assert len(world.held()) == 1


def test_a_refused_destination_is_no_limit(world: World) -> None:
    link = world.link()
    world.window(link, "+319008844", minutes(-5), minutes(60))
    world.go()
    assert letters(world) == []


def test_the_ledger_says_which_rules_let_a_push_through(world: World) -> None:
    rules = {"max_simultaneous": 7}
    link = world.link(policy=rules)
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    with world.rt.store.begin() as session:
        (entry,) = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.link_id == link))
        assert entry.policy_version == Policy.from_json(rules).version
        assert entry.policy_version != Policy().version


def test_disconnecting_clears_at_once_and_says_so(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    with world.rt.store.begin() as session:
        session.get_one(Link, link).state = "ready"
    assert switching.clear_link(world.rt, link, "disconnect")
    assert world.held() == set()


def test_a_trial_rings_for_its_minute_and_gives_the_line_back(world: World) -> None:
    from gcal_plugin.domain.destination import Destination

    link = world.link()
    world.window(link, PIET, minutes(-10), minutes(60))
    world.go()
    assert switching.trial(world.rt, link, Destination.parse(JAN), 60)
    assert world.held() == {JAN}
    world.walk(minutes(2))
    assert world.held() == {PIET}
    assert world.row(link).trial_value is None


def test_a_trial_to_a_refused_number_rings_nobody(world: World) -> None:
    from gcal_plugin.domain.destination import Destination

    link = world.link()
    assert not switching.trial(world.rt, link, Destination.parse("+31900123456"), 60)
    assert world.held() == set()


def test_explaining_answers_now_and_the_past(world: World) -> None:
    link = world.link()
    event = world.window(link, JAN, minutes(0), minutes(60))
    refused = world.window(link, "+31900123456", minutes(0), minutes(60))
    answer = explain_at(world.rt, link, MONDAY + minutes(5))
    assert answer["active"] == [{"kind": "number", "value": JAN}]
    assert answer["at"] == "2026-03-02T09:05:00+01:00"
    assert answer["next_edge"] == "2026-03-02T10:00:00+01:00"
    reasons = {one["id"]: one["reason"] for one in answer["events"]}
    assert reasons == {event: None, refused: "premium"}
    world.clock.at = MONDAY + minutes(10)
    world.drop(link, event)
    world.clock.at = MONDAY + timedelta(days=10)
    # As we knew it then: it was still there at five past.
    assert explain_at(world.rt, link, MONDAY + minutes(5))["active"] == answer["active"]
    assert explain_at(world.rt, link, MONDAY + minutes(15))["active"] == []
    with pytest.raises(UnknownLink):
        explain_at(world.rt, world.calendars[link])


def test_a_vanished_calendar_stops_the_link(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    with world.rt.store.begin() as session:
        session.get_one(Calendar, world.calendars[link]).gone_at = MONDAY
    world.go()
    assert world.held() == set()
