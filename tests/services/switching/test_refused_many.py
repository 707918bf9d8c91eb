"""Many lines towards one number that the exchange refuses: the others go, within the lease."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line, Temporary
from gcal_plugin.services import switching
from gcal_plugin.services.switching import batch
from gcal_plugin.services.switching.breaker import OPENS_AFTER
from gcal_plugin.store.tables import Forwarding
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MONDAY, PIET, World, minutes

LINES = 40
EACH = 0.05
EDGE = MONDAY + minutes(10)


def lines_towards_a_refused_number(world: World, exchange: Exchange) -> list[str]:
    """Lines that hold JAN, and should hold PIET and a refused number instead."""
    names = [str(300 + number) for number in range(LINES)]
    links = [world.link(name) for name in names]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(10))
    world.go()
    exchange.exchange.refused = frozenset({Destination.parse("333")})
    for link in links:
        world.window(link, PIET, minutes(10), minutes(60))
        world.window(link, "333", minutes(10), minutes(60))
    world.go()
    exchange.asked.lines.clear()
    return names


def slow(exchange: Exchange) -> None:
    """Each write of one line takes its time; a bulk of them is refused at once."""
    put, put_many = exchange.replace, exchange.replace_many

    def replace(line, destinations, *, revision, expires_at=None):
        time.sleep(EACH)
        return put(line, destinations, revision=revision, expires_at=expires_at)

    def replace_many(states):
        exchange.replace = put  # type: ignore[method-assign]
        try:
            return put_many(states)
        finally:
            exchange.replace = replace  # type: ignore[method-assign]

    exchange.replace = replace  # type: ignore[method-assign]
    exchange.replace_many = replace_many  # type: ignore[method-assign]


def test_what_is_left_of_them_goes_several_at_once(world: World, exchange: Exchange) -> None:
    names = lines_towards_a_refused_number(world, exchange)
    slow(exchange)
    began = time.monotonic()
    world.go(minutes(10))
    assert time.monotonic() - began < LINES * EACH * 0.8
    assert all(world.held(name) == {PIET} for name in names)


def test_at_the_deadline_the_others_are_given_back_and_come_next(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = lines_towards_a_refused_number(world, exchange)
    monkeypatch.setattr(batch, "LEASE", batch.LAST_SEND + timedelta(seconds=LINES * EACH / 10))
    slow(exchange)
    world.clock.at = EDGE
    [due] = switching.due_batches(world.rt, timedelta(0))
    [armed] = switching.prepare(world.rt, due.pbx, due.link_ids, due.due_at).armed
    began = time.monotonic()
    switching.fire(world.rt, armed)
    assert time.monotonic() - began < LINES * EACH / 10 + EACH * 6 + 1
    report = switching.finish(world.rt, armed)
    done = sum(world.held(name) == {PIET} for name in names)
    assert 0 < done < LINES
    assert (report.done, report.held_back, report.failed) == (done, LINES - done, 0)
    monkeypatch.undo()
    world.go()
    assert all(world.held(name) == {PIET} for name in names)


def test_an_exchange_that_falls_silent_meanwhile_is_left_alone(
    world: World, exchange: Exchange
) -> None:
    names = lines_towards_a_refused_number(world, exchange)

    def silent(line: Line) -> Temporary | None:
        # The bulk request asks each line once; what comes after that gets no answer.
        return Temporary("no answer") if len(exchange.asked.lines) > LINES else None

    exchange.before = silent
    world.go(minutes(10))
    # Those on their way when the breaker opened, and no more.
    assert len(exchange.asked.lines) - LINES <= OPENS_AFTER + 4
    with world.rt.store.begin() as session:
        due = list(session.scalars(sa.select(Forwarding.due_at)))
    soon = world.clock.at + timedelta(seconds=60)
    assert len(due) == len(names)
    assert all(one is not None and one <= soon for one in due), "each is tried again soon"
