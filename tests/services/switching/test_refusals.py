"""An exchange that refuses: ends are asked for on and on, and it heals without anybody's help."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcal_plugin.ports import AuthFailed, Line, TelephonyError, Temporary
from gcal_plugin.services import switching
from gcal_plugin.services.switching import retrying
from gcal_plugin.store.tables import Link
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, World, minutes

SECOND = timedelta(seconds=1)


def refuse(exchange: Exchange, *, reads: bool) -> None:
    exchange.before = lambda line: AuthFailed("401")
    if reads:
        exchange.reading = lambda: AuthFailed("401")


def heal(exchange: Exchange) -> None:
    exchange.before = lambda line: None
    exchange.reading = lambda: None


def live(world: World, span: timedelta, *, step: timedelta = SECOND * 30) -> None:
    """Time passes as with a clock: what is due is done, and the exchange is swept."""
    end = world.clock.at + span
    while world.clock.at < end:
        world.go(world.clock.at + step)
        switching.sweep(world.rt, "main")
        world.go()


@pytest.mark.parametrize("reads", [True, False], ids=["refuses all", "refuses writes only"])
def test_an_end_that_was_refused_runs_within_a_minute_of_healing(
    world: World, exchange: Exchange, reads: bool
) -> None:
    links = [world.link(str(200 + number)) for number in range(5)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(minutes(59))
    refuse(exchange, reads=reads)
    live(world, timedelta(hours=6), step=minutes(2))
    assert all(world.row(link).last_error == "401" for link in links)
    heal(exchange)
    assert world.held() == {JAN}
    live(world, minutes(1), step=SECOND * 29)
    assert [world.held(str(200 + number)) for number in range(5)] == [set()] * 5
    assert all(world.row(link).failures == 0 for link in links)


def test_an_end_is_asked_for_on_and_on_without_a_sweep(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    refuse(exchange, reads=True)
    world.walk(timedelta(hours=3))
    row = world.row(link)
    assert row.failures > retrying.REFUSED_TRIES
    assert row.due_at is not None
    heal(exchange)
    world.walk(timedelta(hours=3, minutes=19))
    assert world.held() == set()


def test_a_disconnect_that_was_refused_is_carried_out_after_all(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), timedelta(days=5))
    world.go()
    refuse(exchange, reads=False)
    with world.rt.store.begin() as session:
        session.get_one(Link, link).state = "ready"
    assert not switching.clear_link(world.rt, link)
    live(world, timedelta(hours=1), step=minutes(1))
    heal(exchange)
    live(world, minutes(1), step=SECOND * 29)
    assert world.held() == set()


def test_a_start_is_asked_five_times_and_again_once_the_exchange_lets_us_in(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.go()
    refuse(exchange, reads=True)
    world.window(link, JAN, minutes(1), timedelta(days=2))
    live(world, timedelta(hours=6), step=minutes(1))
    assert exchange.asked.writes <= retrying.REFUSED_TRIES
    heal(exchange)
    live(world, minutes(1), step=SECOND * 29)
    assert world.held() == {JAN}


def test_one_line_that_stays_refused_is_not_pestered(world: World, exchange: Exchange) -> None:
    """As a user who was deleted there: the others work, so it is this line's own affair."""
    dead, good = world.link("300"), world.link("301")
    for link in (dead, good):
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    gone = Line("bakkerij.example", "300")
    exchange.before = lambda line: TelephonyError("400") if line == gone else None
    world.window(good, JAN, minutes(90), minutes(91))
    live(world, timedelta(hours=3))
    assert world.held("301") == set()
    asked = exchange.asked.lines.count(gone)
    live(world, timedelta(hours=1))
    # One line of an exchange is tried at each sweep, since nothing else could tell.
    assert exchange.asked.lines.count(gone) - asked <= 125


def test_reconcile_asks_for_everything_that_was_refused(world: World, exchange: Exchange) -> None:
    links = [world.link(str(200 + number)) for number in range(3)]
    switching.sweep(world.rt, "main")
    world.go()
    refuse(exchange, reads=False)
    for link in links:
        world.window(link, JAN, minutes(0), timedelta(days=1))
    live(world, timedelta(hours=1))
    heal(exchange)
    live(world, minutes(2))
    assert world.held() == set(), "starts that were refused five times wait for their next edge"
    switching.sweep(world.rt, "main", again=True)
    world.go()
    assert [world.held(str(200 + number)) for number in range(3)] == [{JAN}] * 3


def test_an_end_waits_no_hour_because_the_exchange_says_so(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    told = [Temporary("503", retry_after=3600)]
    exchange.before = lambda line: told.pop() if told else None
    world.go(minutes(60))
    assert told == []
    assert world.held() == {JAN}
    world.walk(minutes(61))
    assert world.held() == set()
