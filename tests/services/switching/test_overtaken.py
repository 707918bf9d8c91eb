"""A write that was overtaken on its way: what it leaves on the exchange is mended at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gcal_plugin.ports import Temporary
from gcal_plugin.services import switching
from gcal_plugin.services.switching import Armed
from gcal_plugin.store.tables import Link
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MONDAY, PIET, World, minutes

SECOND = timedelta(seconds=1)
EDGE = MONDAY + minutes(10)


@pytest.fixture(params=["fences", "takes what comes last"])
def exchange(request: pytest.FixtureRequest, exchange: Exchange) -> Exchange:
    fences = request.param == "fences"
    exchange.capabilities = replace(exchange.capabilities, fences=fences)
    return exchange


def armed_for_its_edge(world: World, link: UUID) -> Armed:
    """The line's batch after its last look, a moment before the edge."""
    world.clock.at = EDGE - SECOND
    [armed] = switching.prepare(world.rt, "main", [link], EDGE).armed
    switching.look_again(world.rt, armed)
    return armed


def sent(world: World, armed: Armed) -> None:
    world.clock.at = max(world.clock.at, EDGE)
    switching.fire(world.rt, armed)
    switching.finish(world.rt, armed)


def settle(world: World, seconds: int = 5) -> None:
    """Time passes second by second; no sweep looks."""
    for _ in range(seconds):
        world.go(world.clock.at + SECOND)


def let_go(world: World, link: UUID) -> None:
    with world.rt.store.begin() as session:
        session.get_one(Link, link).state = "ready"


@pytest.mark.parametrize("known", [True, False], ids=["known line", "first write"])
def test_a_disconnect_just_before_the_edge_stays_one(
    world: World, exchange: Exchange, known: bool
) -> None:
    link = world.link()
    if known:
        world.go()
    world.window(link, JAN, minutes(10), minutes(60))
    if known:
        world.go()
    armed = armed_for_its_edge(world, link)
    let_go(world, link)
    assert switching.clear_link(world.rt, link)
    sent(world, armed)
    if exchange.capabilities.fences:
        assert world.held() == set(), "the stop moved the fence: not even for a moment"
    settle(world)
    assert world.held() == set()
    assert world.row(link).foreign_set is None, "and it is not taken for the customer's own"


@pytest.mark.parametrize("stop", ["pause", "kill"])
def test_a_stop_by_the_queue_just_before_the_edge_stays_one(
    world: World, exchange: Exchange, stop: str
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    armed = armed_for_its_edge(world, link)
    if stop == "pause":
        world.change(link, paused_at=world.clock.at)
    else:
        world.change(link, cause="kill", killed_at=world.clock.at)
    world.go()
    sent(world, armed)
    settle(world)
    assert world.held() == set()
    row = world.row(link)
    assert (row.desired, row.observed, row.due_at) == ([], [], None)


def test_nor_does_a_late_write_stay_whose_answer_was_lost(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    armed = armed_for_its_edge(world, link)
    let_go(world, link)
    assert switching.clear_link(world.rt, link)
    exchange.after = lambda line: Temporary("cut")
    sent(world, armed)
    exchange.after = lambda line: None
    settle(world)
    assert world.held() == set()


def test_a_change_to_another_number_outlives_the_older_write(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    old = world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    armed = armed_for_its_edge(world, link)
    world.drop(link, old)
    world.window(link, PIET, minutes(0), minutes(60))
    world.go()
    assert world.held() == {PIET}
    sent(world, armed)
    settle(world)
    assert world.held() == {PIET}


def test_one_that_left_the_right_set_is_read_and_not_written_again(
    world: World, exchange: Exchange
) -> None:
    """Overtaken by a change that changed nothing, and not worked on since."""
    link = world.link()
    world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    armed = armed_for_its_edge(world, link)
    world.change(link)
    sent(world, armed)
    writes = exchange.asked.writes
    settle(world)
    assert world.held() == {JAN}
    assert world.row(link).observed == [["number", JAN]]
    assert exchange.asked.writes == writes
