"""Exchanges that are not in this process's settings: gone by mistake, or not there yet."""

from __future__ import annotations

from datetime import timedelta

from gcal_plugin.services import switching
from gcal_plugin.store.tables import Activity
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MONDAY, PIET, World, minutes

HALF_A_MINUTE = timedelta(seconds=30)


def pass_time(world: World, until: timedelta) -> None:
    """Look every half a minute, as long as the exchange is gone: nobody claims, so all is due."""
    while world.clock.at < MONDAY + until:
        world.go(world.clock.at + HALF_A_MINUTE)


def test_an_exchange_that_left_the_settings_is_told_on_the_line(world: World) -> None:
    link = world.link(pbx="gone")
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(HALF_A_MINUTE)
    row = world.row(link)
    assert row.last_error == "no exchange named 'gone' is configured"
    assert row.due_at == world.clock.at + HALF_A_MINUTE
    pass_time(world, minutes(10))
    assert world.row(link).failures == 1, "it takes no tries"
    with world.rt.store.begin() as session:
        assert [one.what for one in session.query(Activity)] == ["refused"]


def test_back_in_the_settings_its_lines_are_right_within_half_a_minute(
    world: World, exchange: Exchange
) -> None:
    ending, coming = world.link(), world.link("201")
    world.window(ending, JAN, minutes(0), minutes(60))
    world.window(coming, PIET, minutes(180), minutes(240))
    world.go()
    assert world.held() == {JAN}
    del world.rt.telephony["main"]  # type: ignore[attr-defined]
    world.clock.at = MONDAY + minutes(60)
    pass_time(world, minutes(100))
    world.rt.telephony["main"] = exchange  # type: ignore[index]
    world.go(minutes(100) + HALF_A_MINUTE)
    assert world.held() == set()
    row = world.row(ending)
    assert (row.last_error, row.failures) == (None, 0)
    world.walk(minutes(180))
    assert world.held("201") == {PIET}
    world.walk(minutes(240))
    assert world.held("201") == set()


def test_a_process_that_does_not_know_an_exchange_leaves_its_lines_to_one_that_does(
    world: World, exchange: Exchange
) -> None:
    """As in a deployment, where old and new workers take the same jobs."""
    old, new = world.link("200"), world.link("201", pbx="new")
    other = Exchange("new", clock=world.clock)
    for link in (old, new):
        world.window(link, JAN, minutes(0), minutes(60))
    before = world.row(new)
    report = switching.switch_batch(world.rt, "", [old, new])
    assert (report.claimed, report.done) == (1, 1)
    assert switching.switch_batch(world.rt, "new", [new]).claimed == 0
    row = world.row(new)
    assert (row.generation, row.due_at, row.last_error) == (before.generation, before.due_at, None)
    world.rt.telephony["new"] = other  # type: ignore[index]
    world.go()
    assert [len(one.held.destinations) for one in other.exchange.history] == [1]
