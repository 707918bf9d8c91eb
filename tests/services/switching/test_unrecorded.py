"""A database that can be read and takes no writes: what is overdue ends, and nothing starts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line
from gcal_plugin.services import switching
from gcal_plugin.services.switching import unrecorded as unrecorded_module
from gcal_plugin.services.switching.unrecorded import GRACE
from gcal_plugin.store.queries_switching import mark_due
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes

LINE = Line("bakkerij.example", "200")


def test_an_end_runs_once_and_is_recorded_when_there_is_room(world: World) -> None:
    link = world.link()
    exchange = world.rt.telephony["main"]
    assert isinstance(exchange, Exchange)
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    before = world.row(link)
    unrecorded = switching.Unrecorded()
    world.clock.at = MONDAY + minutes(60)
    assert unrecorded.end_overdue(world.rt) == 0, "within the grace somebody may still record it"
    world.clock.at += GRACE
    assert unrecorded.end_overdue(world.rt) == 1
    assert world.held() == set()
    writes = exchange.asked.writes
    assert unrecorded.end_overdue(world.rt) == 0
    assert exchange.asked.writes == writes
    untouched = world.row(link)
    assert (untouched.generation, untouched.desired) == (before.generation, before.desired)
    world.go()
    settled = world.row(link)
    assert (settled.desired, settled.observed, settled.last_error) == ([], [], None)
    assert world.held() == set()


def test_one_of_two_ends_and_a_successor_waits_for_the_record(world: World) -> None:
    link, idle = world.link(), world.link("201")
    world.window(link, JAN, minutes(0), minutes(60))
    world.window(link, PIET, minutes(0), minutes(90))
    world.window(link, KEES, minutes(60), minutes(120))
    world.window(idle, KEES, minutes(60), minutes(120))
    world.go()
    unrecorded = switching.Unrecorded()
    world.clock.at = MONDAY + minutes(61)
    assert unrecorded.end_overdue(world.rt) == 1
    assert world.held() == {PIET}
    assert world.held("201") == set()
    world.clock.at = MONDAY + minutes(91)
    assert unrecorded.end_overdue(world.rt) == 1
    assert world.held() == set()
    for _ in range(5):
        world.go(world.clock.at + minutes(0.1))
    assert world.held() == {KEES}
    assert world.held("201") == {KEES}


def test_a_pause_is_an_end_too(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.change(link, paused_at=world.clock.at)
    world.clock.at += GRACE
    assert switching.Unrecorded().end_overdue(world.rt) == 1
    assert world.held() == set()


def test_the_customers_own_forward_comes_back(world: World, exchange: Exchange) -> None:
    exchange.by_hand(LINE, KEES)
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()  # finds the customer's own, at a revision that was not known
    world.go()
    assert world.held() == {JAN}
    world.clock.at = MONDAY + minutes(61)
    assert switching.Unrecorded().end_overdue(world.rt) == 1
    assert world.held() == {KEES}


def test_a_newer_revision_on_the_exchange_is_gone_above(world: World, exchange: Exchange) -> None:
    """After a restored database, say: the next round starts above what the exchange told."""
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    held = exchange.read(LINE)
    exchange.replace(LINE, frozenset({Destination.parse(JAN)}), revision=held.revision + 50)
    unrecorded = switching.Unrecorded()
    world.clock.at = MONDAY + minutes(61)
    assert unrecorded.end_overdue(world.rt) == 0
    assert unrecorded.end_overdue(world.rt) == 1
    assert world.held() == set()


def test_an_exchange_that_keeps_the_plan_is_left_to_it(planning: World) -> None:
    link = planning.link()
    planning.window(link, JAN, minutes(0), minutes(60))
    planning.go()
    planning.clock.at = MONDAY + minutes(61)
    assert switching.Unrecorded().end_overdue(planning.rt) == 0
    assert planning.held() == set()


def test_only_a_database_that_refuses_writes_is_meant(world: World) -> None:
    """Real refusals of either database; one that is merely busy or gone is none."""
    link = world.link()
    if world.rt.store.is_postgres:
        refuse, allow = (f"SET default_transaction_read_only = {on}" for on in ("on", "off"))
    else:
        refuse, allow = (f"PRAGMA query_only = {on}" for on in ("on", "off"))
    world.rt.store.release()
    with world.rt.store.begin() as session:
        session.execute(sa.text(refuse))
    with pytest.raises(DBAPIError) as refused, world.rt.store.begin() as session:
        mark_due(session, [link], world.clock.at)
    with world.rt.store.begin() as session:
        session.execute(sa.text(allow))
    assert switching.takes_no_writes(refused.value)
    with pytest.raises(OperationalError) as gone:
        sa.create_engine("postgresql+psycopg://x@127.0.0.1:9/x").connect()
    assert not switching.takes_no_writes(gone.value)


# -- more lines than one look takes ---------------------------------------------------------------


def rounds(world: World, unrecorded: switching.Unrecorded, count: int) -> list[int]:
    return [unrecorded.end_overdue(world.rt) for _ in range(count)]


def test_every_end_runs_however_many_are_overdue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrecorded_module, "MOST", 5)
    links = [world.link(str(300 + number)) for number in range(12)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
        world.window(link, PIET, minutes(0), minutes(70))
    world.go()
    unrecorded = switching.Unrecorded()
    world.clock.at = MONDAY + minutes(61)
    assert rounds(world, unrecorded, 3) == [12, 0, 0]
    assert all(world.held(str(300 + number)) == {PIET} for number in range(12))
    world.clock.at = MONDAY + minutes(71)
    assert rounds(world, unrecorded, 3) == [12, 0, 0]
    assert all(world.held(str(300 + number)) == set() for number in range(12))


def test_overdue_starts_keep_no_end_from_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrecorded_module, "MOST", 5)
    ending = world.link("300")
    world.window(ending, JAN, minutes(0), minutes(60))
    waiting = [world.link(str(400 + number)) for number in range(8)]
    for link in waiting:
        world.window(link, JAN, minutes(30), minutes(160))
    world.go()
    world.clock.at = MONDAY + minutes(61)
    assert rounds(world, switching.Unrecorded(), 1) == [1]
    assert world.held("300") == set()
    assert all(world.held(str(400 + number)) == set() for number in range(8)), "nothing starts"


def test_a_round_that_ran_out_of_time_goes_on_where_it_stopped(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrecorded_module, "MOST", 5)
    monkeypatch.setattr(unrecorded_module, "PATIENCE", timedelta(0))
    links = [world.link(str(300 + number)) for number in range(12)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    unrecorded = switching.Unrecorded()
    world.clock.at = MONDAY + minutes(61)
    assert rounds(world, unrecorded, 5) == [5, 5, 2, 0, 0]


def test_what_is_over_ends_on_a_line_that_cannot_be_worked_out(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.change(link, state="a_newer_one")
    world.clock.at = MONDAY + minutes(61)
    assert switching.Unrecorded().end_overdue(world.rt) == 1
    assert world.held() == set()
