"""The clock's own decisions, tick by tick: who leads, what is asked again, what it does itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from gcal_plugin.jobs.clock import ALERT, ASK_AGAIN, QUIET, REST, SYNC_AGAIN, TICK, Clock
from gcal_plugin.jobs.duties import Duty
from gcal_plugin.services import leading, switching
from gcal_plugin.store.tables import Calendar
from tests.servers.databases import Databases
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MovedClock, World, make_world, minutes
from tests.support.runtime import make_schema


@pytest.fixture
def world(database_kind: str, databases: Databases) -> Iterator[World]:
    clock = MovedClock()
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(url, {"main": Exchange("main", clock=clock)}, clock=clock) as made,
    ):
        yield made


@pytest.fixture
def ticking(world: World) -> Iterator[tuple[Clock, list[float]]]:
    """A clock whose monotonic time the test moves."""
    time = [0.0]
    clock = Clock(world.app, duties=[], monotonic=lambda: time[0])
    yield clock, time
    for pool in (clock._battery._aside, clock._battery._urgent):
        pool.shutdown(wait=True)  # before the database goes
    clock._battery.close(2)
    clock._battery._clerks.shutdown(wait=True)


def asked(world: World) -> list[UUID]:
    found = list(world.wake.switched)
    world.wake.switched.clear()
    return found


def test_what_is_due_is_asked_once_and_again_when_nobody_took_it(
    world: World, ticking: tuple[Clock, list[float]]
) -> None:
    clock, time = ticking
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    clock.tick()
    assert asked(world) == [link]
    clock.tick()
    assert asked(world) == []
    time[0] += ASK_AGAIN + 0.1
    clock.tick()
    assert asked(world) == []  # nobody heard: the clock does it itself
    deadline = 200
    while world.held() != {JAN} and deadline:
        deadline -= 1
        clock._battery._urgent.submit(lambda: None).result()
    assert clock._asked


def test_an_edge_is_asked_for_shortly_before_it(
    world: World, ticking: tuple[Clock, list[float]]
) -> None:
    clock, time = ticking
    link = world.link()
    world.window(link, JAN, minutes(1), minutes(60))
    world.go()
    clock.tick()
    assert asked(world) == []
    world.clock.at += timedelta(seconds=56)
    time[0] += 56
    clock.tick()
    assert asked(world) == [link]


def test_a_line_that_changed_is_asked_for_anew(
    world: World, ticking: tuple[Clock, list[float]]
) -> None:
    clock, _ = ticking
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    clock.tick()
    assert asked(world) == [link]
    switching.prepare(world.rt, "main", [link])
    world.change(link)
    clock.tick()
    assert asked(world) == [link]


def test_the_clock_looks_seldom_at_rest_and_often_near_an_edge_or_without_a_queue(
    world: World, ticking: tuple[Clock, list[float]]
) -> None:
    clock, time = ticking

    def wait(seconds: float) -> float:
        world.clock.at += timedelta(seconds=seconds)
        time[0] += seconds
        return clock.tick()

    link = world.link()
    world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    ahead = world.rt.settings.arm_ahead_seconds
    assert wait(1) == TICK, "it does not know yet whether the queue takes anything"
    assert wait(ALERT) == REST
    assert wait(600 - ALERT - 1 - ahead - REST - 0.5) == REST
    assert wait(REST) == TICK, "soon to be asked for"
    assert asked(world) == []
    assert wait(0.5) == TICK
    assert asked(world) == [link]
    (claimed,) = switching.due_batches(world.rt)
    ready = switching.prepare(world.rt, "main", claimed.link_ids, claimed.due_at)
    assert wait(ahead + QUIET) == TICK, "somebody is at work on it"
    for armed in ready.armed:
        switching.fire(world.rt, armed)
        switching.finish(world.rt, armed)
    assert wait(1) == REST
    assert not clock._heard(False)
    assert wait(ALERT - 1) == TICK, "what others ask of the queue is lost too"
    assert wait(2) == REST


def test_a_calendar_that_came_due_again_between_two_slow_looks_is_asked_anew(
    world: World, ticking: tuple[Clock, list[float]]
) -> None:
    """On a busy machine every look may find a calendar due that is polled every two seconds."""
    clock, time = ticking
    calendar = world.calendars[world.link()]

    def due_at(at: datetime) -> None:
        with world.rt.store.begin() as session:
            session.get_one(Calendar, calendar).next_sync_at = at

    due_at(world.clock.at)
    clock.tick()
    clock.tick()
    assert world.wake.synced == [calendar]
    world.clock.at += timedelta(seconds=3)
    time[0] += 3
    due_at(world.clock.at - timedelta(seconds=1))
    clock.tick()
    clock.tick()
    assert world.wake.synced == [calendar] * 2
    time[0] += SYNC_AGAIN + 1
    clock.tick()
    assert world.wake.synced == [calendar] * 3, "nobody fetched it: asked once more"


def test_one_clock_leads_and_another_takes_over_within_ten_seconds(world: World) -> None:
    first, second = "first", "second"
    assert leading.lead(world.rt, "clock", first)
    assert not leading.lead(world.rt, "clock", second)
    world.clock.at += timedelta(seconds=5)
    assert leading.lead(world.rt, "clock", first)
    world.clock.at += timedelta(seconds=7)
    assert not leading.lead(world.rt, "clock", second)
    world.clock.at += timedelta(seconds=2)
    assert leading.lead(world.rt, "clock", second)
    assert not leading.lead(world.rt, "clock", first)
    leading.resign(world.rt, "clock", second)
    assert leading.lead(world.rt, "clock", first)
    beat = leading.last_beat(world.rt, "clock")
    assert beat is not None
    assert beat[1] == timedelta(0)


def test_duties_are_asked_for_in_their_turn(world: World) -> None:
    time = [0.0]
    duties = [Duty("sweep", 30, per_exchange=True), Duty("mail", 10)]
    clock = Clock(world.app, duties=duties, monotonic=lambda: time[0])
    for _ in range(61):
        time[0] += 1
        world.clock.at += timedelta(seconds=1)
        clock.tick()
    clock._battery.close(0)
    assert {name for name, _ in world.wake.cared} == {"sweep"}
    assert world.wake.cared[0] == ("sweep", {"pbx": "main"})
    assert 1 <= len(world.wake.cared) <= 3
    assert 5 <= world.wake.mails <= 7
