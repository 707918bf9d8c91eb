"""Exchanges that keep the coming windows themselves: no write at an edge, and everything at once
when the link is stopped."""

from __future__ import annotations

from datetime import timedelta

from gcal_plugin.services import switching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.support.lines import JAN, MONDAY, PIET, World, minutes


def writes(world: World) -> int:
    exchange = world.rt.telephony["main"]
    assert isinstance(exchange, MemoryTelephony)
    return len(exchange.exchange.history)


def test_edges_pass_by_themselves(planning: World) -> None:
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(60))
    planning.window(link, PIET, minutes(30), minutes(90))
    planning.go()
    before = writes(planning)
    seen = []
    for minute in (5, 15, 40, 70, 95):
        planning.clock.at = MONDAY + minutes(minute)  # nobody of ours is awake
        seen.append(planning.held())
    assert seen == [set(), {JAN}, {JAN, PIET}, {PIET}, set()]
    assert writes(planning) == before == 1


def test_the_edges_are_noted_without_a_write(planning: World) -> None:
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(60))
    planning.go()
    before = writes(planning)
    planning.walk(minutes(61))
    assert writes(planning) == before
    entries = switches_of(planning.rt, link)
    assert [one.detail for one in entries] == ["by plan", "by plan", "plan"]
    assert planning.row(link).desired == []


def test_a_plan_is_handed_over_anew_before_it_runs_out(planning: World) -> None:
    link = planning.link()
    for day in range(5):
        planning.window(link, JAN, timedelta(days=day, hours=1), timedelta(days=day, hours=2))
    planning.walk(timedelta(days=3))
    until = planning.row(link).plan_until
    assert until is not None
    assert until - planning.clock.at > timedelta(hours=11)
    planning.clock.at = MONDAY + timedelta(days=3, hours=1, minutes=30)
    assert planning.held() == {JAN}


def test_a_changed_calendar_changes_the_plan_at_once(planning: World) -> None:
    link = planning.link()
    event = planning.window(link, JAN, minutes(10), minutes(60))
    planning.go()
    planning.drop(link, event)
    planning.go()
    planning.clock.at = MONDAY + minutes(20)
    assert planning.held() == set()


def test_whatever_stops_a_link_replaces_its_plan_at_once(planning: World) -> None:
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(60))
    planning.go()
    planning.change(link, paused_at=MONDAY)
    planning.go()
    planning.clock.at = MONDAY + minutes(20)
    assert planning.held() == set()


def test_the_sweep_compares_with_the_plan(planning: World) -> None:
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(60))
    planning.walk(minutes(20))
    assert switching.sweep(planning.rt, "main").same == 1
    assert planning.row(link).observed == [["number", JAN]]
