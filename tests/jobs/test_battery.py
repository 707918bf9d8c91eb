"""Armed batches of several exchanges in one process: what one does must not hold up another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest

from gcal_plugin.jobs import battery as module
from gcal_plugin.jobs.battery import Battery
from gcal_plugin.ports import Line
from gcal_plugin.services import switching
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.services.switching import Armed, batch
from tests.servers.databases import Databases
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MovedClock, World, make_world, minutes
from tests.support.runtime import make_schema


@pytest.fixture
def world(database_kind: str, databases: Databases) -> Iterator[World]:
    clock = MovedClock()
    exchanges = {name: Exchange(name, clock=clock) for name in ("main", "slow")}
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(url, dict(exchanges), clock=clock) as made,
    ):
        yield made


def eventually(what: Callable[[], bool], within: float = 15.0) -> bool:
    deadline = time.monotonic() + within
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def fill_the_lanes(world: World, battery: Battery, main: Exchange, links: Sequence[UUID]) -> None:
    """Leave a batch for each line of a hanging exchange here, until no more of them can go out."""
    for link in links:
        for armed in switching.prepare(world.rt, "main", [link]).armed:
            battery.put(armed)
    world.rt.store.release()
    assert eventually(lambda: main.asked.writes == module.LANES)
    time.sleep(0.5)


def test_an_exchange_that_does_not_end_keeps_nobody_from_being_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECORD_WITHIN", 0.2)
    answers = Event()
    slow = world.rt.telephony["slow"]
    assert isinstance(slow, Exchange)

    def hang(line: Line) -> None:
        answers.wait(60)

    slow.before = hang
    stuck, quick = world.link("200", pbx="slow"), world.link("200")
    for link in (stuck, quick):
        world.window(link, JAN, minutes(0), minutes(60))
    battery = Battery(world.app)
    try:
        for pbx, link in (("slow", stuck), ("main", quick)):
            for armed in switching.prepare(world.rt, pbx, [link]).armed:
                battery.put(armed)
            world.rt.store.release()
            if pbx == "slow":
                assert eventually(lambda: slow.asked.writes == 1), "it is on its way, and stays so"
        assert eventually(lambda: world.row(quick).observed == [["number", JAN]])
        assert world.row(stuck).observed is None
        assert eventually(lambda: battery.busy == 1)
        answers.set()
        assert eventually(lambda: world.row(stuck).observed == [["number", JAN]])
        assert eventually(lambda: battery.busy == 0)
    finally:
        answers.set()
        battery.close(5)
        battery._clerks.shutdown(wait=True)


def test_an_exchange_gets_no_more_batches_at_once_than_its_lanes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that wait for a lane until their leases might end take them anew, and go out too."""
    monkeypatch.setattr(batch, "LEASE", batch.LAST_SEND + timedelta(seconds=0.3))
    answers = Event()
    main = world.rt.telephony["main"]
    assert isinstance(main, Exchange)

    def hang(line: Line) -> None:
        answers.wait(60)

    main.before = hang
    links = [world.link(str(200 + number)) for number in range(module.LANES * 3)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    battery = Battery(world.app)
    try:
        fill_the_lanes(world, battery, main, links)
        assert main.asked.writes == module.LANES
        answers.set()
        assert eventually(lambda: battery.busy == 0)
        assert main.asked.writes == len(links)
        assert all(world.row(link).observed == [["number", JAN]] for link in links)
    finally:
        answers.set()
        battery.close(5)
        battery._clerks.shutdown(wait=True)


def test_what_waited_for_its_turn_looks_once_more_before_it_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause in the meantime counts."""
    monkeypatch.setattr(batch, "LOOK_HOLDS", timedelta(seconds=0.3))
    looks: list[set[str]] = []
    look_again = batch.look_again

    def look(rt: Runtime, armed: Armed) -> None:
        looks.append({one.line.extension for one in armed.volley.intents})
        look_again(rt, armed)

    monkeypatch.setattr(batch, "look_again", look)
    answers = Event()
    main = world.rt.telephony["main"]
    assert isinstance(main, Exchange)

    def hang(line: Line) -> None:
        answers.wait(60)

    links = [world.link(str(200 + number)) for number in range(module.LANES + 1)]
    for link in links:
        world.change(link)
    world.go()
    looks.clear()
    main.before = hang
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    battery = Battery(world.app)
    try:
        fill_the_lanes(world, battery, main, links)
        world.change(links[-1], paused_at=world.clock.at)
        world.rt.store.release()
        answers.set()
        assert eventually(lambda: battery.busy == 0)
        assert {"204"} in looks
        assert main.asked.writes == module.LANES
        assert world.held("204") == set()
    finally:
        answers.set()
        battery.close(5)
        battery._clerks.shutdown(wait=True)


def test_switching_without_a_queue_waits_behind_no_hanging_exchange(world: World) -> None:
    battery = Battery(world.app)
    answers, done = Event(), Event()
    try:
        for _ in range(module.ASIDE * 2):
            battery.aside(lambda rt: answers.wait(60), "sweep")
        battery.aside(lambda rt: done.set(), "switch", urgent=True)
        assert done.wait(15)
    finally:
        answers.set()
        battery.close(5)
        for pool in (battery._aside, battery._urgent):
            pool.shutdown(wait=True)
