"""An exchange that is away shows in the figures: what is held back waits as much as what failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gcal_plugin.ports import AuthFailed, Temporary
from gcal_plugin.store import queries_signals
from gcal_plugin.store.queries_signals import LineCounts
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, World, minutes

LINES = 12


def counts(world: World) -> LineCounts:
    with world.rt.store.begin() as session:
        (found,) = queries_signals.lines(session, world.clock.at)
        return found


def oldest(world: World) -> float:
    with world.rt.store.begin() as session:
        asked = queries_signals.oldest_due(session, world.clock.at)
        return (world.clock.at - asked).total_seconds() if asked is not None else 0.0


def pass_by(world: World, seconds: int) -> None:
    for _ in range(0, seconds, 10):
        world.go(world.clock.at + timedelta(seconds=10))


def test_every_line_of_an_exchange_that_is_away_counts(world: World, exchange: Exchange) -> None:
    """Its breaker lets one write through each twenty seconds; the other lines are put off a little
    each time, and are as late as the one that was tried."""
    for place in range(LINES):
        world.window(world.link(extension=str(300 + place)), JAN, minutes(0), minutes(60))
    exchange.capabilities = replace(exchange.capabilities, bulk=0)
    exchange.before = lambda line: Temporary("no answer")
    world.go()
    assert counts(world).overdue == 0
    pass_by(world, 150)
    away = counts(world)
    assert away.lines == LINES
    assert away.refused + away.overdue == LINES
    assert away.overdue > 0
    assert oldest(world) >= 150
    exchange.before = lambda line: None
    del world.rt.extras["switching.breaker.main"]  # a breaker waits by no clock that a test moves
    pass_by(world, 60)
    back = counts(world)
    assert (back.refused, back.overdue, back.forwarding) == (0, 0, LINES)
    assert oldest(world) == 0


def test_a_line_that_is_refused_for_good_is_refused_and_not_overdue(
    world: World, exchange: Exchange
) -> None:
    exchange.before = lambda line: AuthFailed("401")
    world.window(world.link(), JAN, minutes(0), timedelta(days=2))
    for _ in range(30):
        world.go(world.clock.at + minutes(1))
        assert counts(world).overdue == 0
    assert counts(world).refused == 1
    assert oldest(world) == 0
