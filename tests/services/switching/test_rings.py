"""On exchanges that chain forwards no calls go round, whoever switches what at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.domain.policy import find_loops
from gcal_plugin.ports import Extension, Line
from gcal_plugin.services import switching
from tests.servers.databases import Databases
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MONDAY, MovedClock, World, make_world, minutes
from tests.support.portal import SmallPortal
from tests.support.runtime import make_schema

LINES = ("200", "201", "202", "203")
NUMBERS = {line: f"+3120123456{place}" for place, line in enumerate(LINES)}
SECOND = timedelta(seconds=1)


@pytest.fixture
def chaining(database_kind: str, databases: Databases) -> Iterator[World]:
    """An exchange on which a forward to an extension follows that extension's own forward."""
    clock = MovedClock()
    exchange = Exchange("main", clock=clock, chains_forwards=True)
    listed = tuple(Extension(line, line, public_numbers=(NUMBERS[line],)) for line in LINES)
    portal = SmallPortal(lines={"bakkerij.example": listed})
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(url, {"main": exchange}, clock=clock, portal=portal) as made,
    ):
        yield made


def held(world: World) -> dict[str, set[str]]:
    return {line: world.held(line) for line in LINES}


def rings(world: World) -> dict[str, frozenset[Destination]]:
    """The calls that go round on the exchange as it stands."""
    numbers = {number: line for line, number in NUMBERS.items()}
    sets = {line: [Destination.parse(one) for one in on] for line, on in held(world).items()}
    return find_loops(sets, numbers)


def settle(world: World) -> None:
    """Let the clock go round until nothing is due."""
    for _ in range(10):
        world.clock.at += SECOND
        if not world.go():
            return
    raise AssertionError("the lines keep waking each other")


def test_what_stands_stays_and_the_other_half_is_refused_each_time_it_is_looked_at(
    chaining: World,
) -> None:
    first, second = chaining.link("201"), chaining.link("200")
    chaining.window(first, "200", minutes(0), minutes(60))
    chaining.go()
    chaining.window(second, "201", minutes(10), minutes(90))
    chaining.go(minutes(10))
    for links in ([second], [first], [first, second], [second]):
        for link in links:
            chaining.change(link)
        settle(chaining)
        assert held(chaining) == {"200": set(), "201": {"200"}, "202": set(), "203": set()}
    assert chaining.row(second).refused == [["extension", "201", "loop"]]
    assert chaining.row(first).refused == []


def test_the_refused_half_has_its_turn_when_the_ring_opens(chaining: World) -> None:
    first, second = chaining.link("200"), chaining.link("201")
    chaining.window(first, "201", minutes(0), minutes(60))
    chaining.window(second, "200", minutes(0), minutes(90))
    chaining.go()
    assert held(chaining)["201"] == set()
    chaining.go(minutes(60))
    settle(chaining)
    assert held(chaining) == {"200": set(), "201": {"200"}, "202": set(), "203": set()}
    assert chaining.row(second).refused == []


def test_one_batch_refuses_by_the_order_of_the_extensions(chaining: World) -> None:
    for line, to in (("202", "200"), ("200", "201"), ("201", "202")):
        chaining.window(chaining.link(line), to, minutes(0), minutes(60))
    chaining.go()
    settle(chaining)
    assert held(chaining) == {"200": {"201"}, "201": {"202"}, "202": set(), "203": set()}


def test_other_destinations_of_a_refused_event_ring_all_the_same(chaining: World) -> None:
    first, second = chaining.link("200"), chaining.link("201")
    chaining.window(first, "201", minutes(0), minutes(60))
    chaining.window(second, "200", minutes(0), minutes(60))
    chaining.window(second, JAN, minutes(0), minutes(60))
    chaining.go()
    assert held(chaining)["201"] == {JAN}


def test_a_ring_through_a_public_number_is_one(chaining: World) -> None:
    first, second = chaining.link("200"), chaining.link("201")
    chaining.window(first, NUMBERS["201"], minutes(0), minutes(60))
    chaining.go()
    chaining.window(second, NUMBERS["200"], minutes(1), minutes(60))
    chaining.go(minutes(1))
    assert rings(chaining) == {}
    assert chaining.row(second).refused == [["number", NUMBERS["200"], "loop"]]


def test_a_forward_set_by_hand_counts_and_is_left_alone(chaining: World) -> None:
    first, second = chaining.link("200"), chaining.link("201")
    exchange = chaining.rt.telephony["main"]
    assert isinstance(exchange, Exchange)
    exchange.by_hand(Line("bakkerij.example", "200"), "201")
    chaining.decide(first, keep=True)
    chaining.change(first)
    chaining.go()
    chaining.window(second, "200", minutes(0), minutes(60))
    chaining.go()
    assert held(chaining)["200"] == {"201"}
    assert held(chaining)["201"] == set()


def test_no_line_of_another_customer_takes_part(chaining: World) -> None:
    chaining.window(chaining.link("200"), "201", minutes(0), minutes(60))
    other = chaining.link("201", domain="garage.example", tenant_id="ander", account_id="piet")
    chaining.window(other, "200", minutes(0), minutes(60))
    chaining.go()
    assert held(chaining)["200"] == {"201"}
    assert chaining.held("201", "garage.example") == {"200"}


def test_a_line_in_trouble_is_not_hurried_by_its_neighbours(chaining: World) -> None:
    first, second = chaining.link("200"), chaining.link("201")
    chaining.window(first, "201", minutes(0), minutes(60))
    chaining.window(second, "200", minutes(0), minutes(90))
    chaining.go()
    with chaining.rt.store.begin() as session:
        row = session.merge(chaining.row(second))
        row.failures, row.due_at = 3, chaining.clock.at + minutes(70)
    chaining.go(minutes(60))
    assert chaining.row(second).failures == 3


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
@pytest.mark.timeout(180)
def test_workers_at_the_same_instant_never_close_a_ring(chaining: World) -> None:
    """Each of four lines is switched by a worker of its own, all at once, again and again."""
    links = {line: chaining.link(line) for line in LINES}
    together = Barrier(len(LINES))

    def switch(link: UUID) -> dict[str, frozenset[Destination]]:
        with chaining.app.app_context():
            together.wait(30)
            try:
                switching.switch_batch(chaining.rt, "main", [link])
            finally:
                chaining.rt.store.release()
            return rings(chaining)

    with ThreadPoolExecutor(len(LINES)) as workers:
        for number in range(12):
            begin, end = minutes(10 * number), minutes(10 * number + 5)
            for place, line in enumerate(LINES):
                to = LINES[(place + 1 + number % 3) % len(LINES)]
                chaining.window(links[line], to, begin, end)
            chaining.clock.at = MONDAY + begin
            found = list(workers.map(switch, links.values()))
            assert found == [{}] * len(LINES)
            settle(chaining)
            assert rings(chaining) == {}
            assert sum(1 for sets in held(chaining).values() if sets) >= len(LINES) // 2
            chaining.go(end + SECOND)
            settle(chaining)
            assert held(chaining) == {line: set() for line in LINES}


def test_no_plan_is_handed_over_where_forwards_chain(chaining: World) -> None:
    """Whether calls would go round is known at each instant, not a day ahead."""
    exchange = chaining.rt.telephony["main"]
    assert isinstance(exchange, Exchange)
    exchange.capabilities = replace(exchange.capabilities, plan=True)
    first, second = chaining.link("200"), chaining.link("201")
    chaining.window(first, "201", minutes(5), minutes(60))
    chaining.window(second, "200", minutes(5), minutes(60))
    chaining.go()
    assert chaining.row(first).plan is None
    chaining.go(minutes(5))
    settle(chaining)
    assert rings(chaining) == {}
    assert held(chaining)["200"] == {"201"}
