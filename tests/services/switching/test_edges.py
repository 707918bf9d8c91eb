"""Edges: the right set at the right instant, no write where nothing changes, on both databases."""

from __future__ import annotations

from datetime import timedelta

from tests.support.exchanges import Exchange
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes


def test_a_window_forwards_from_its_start_to_its_end(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(60), minutes(120))
    world.go()
    assert world.held() == set()
    world.go(minutes(60))
    assert world.held() == {JAN}
    world.go(minutes(119))
    assert world.held() == {JAN}
    world.go(minutes(120))
    assert world.held() == set()
    assert world.row(link).due_at is None


def test_adjoining_windows_with_one_number_cause_no_write(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.window(link, JAN, minutes(60), minutes(120))
    world.walk(minutes(119))
    assert world.held() == {JAN}
    assert len(exchange.exchange.history) == 1


def test_overlapping_windows_ring_together_and_end_apart(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.window(link, PIET, minutes(30), minutes(90))
    seen = []
    world.walk(minutes(100), step=lambda: seen.append((world.clock.at - MONDAY, world.held())))
    assert seen == [
        (minutes(0), {JAN}),
        (minutes(30), {JAN, PIET}),
        (minutes(60), {PIET}),
        (minutes(90), set()),
    ]


def test_eight_hours_late_only_what_is_true_now_is_pushed(world: World, exchange: Exchange) -> None:
    link = world.link()
    for hour in range(8):
        world.window(link, JAN if hour % 2 else PIET, minutes(hour * 60), minutes(hour * 60 + 30))
    world.window(link, KEES, timedelta(hours=8), timedelta(hours=9))
    world.go(timedelta(hours=8, minutes=10))
    assert world.held() == {KEES}
    assert len(exchange.exchange.history) == 1


def test_a_late_end_still_runs(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(timedelta(days=2))
    assert world.held() == set()


def test_two_tenants_may_both_have_a_200(world: World) -> None:
    mine = world.link("200", domain="bakkerij.example")
    world.link("200", domain="garage.example", tenant_id="ander", account_id="piet")
    world.window(mine, JAN, minutes(0), minutes(60))
    world.go()
    assert world.held("200", "bakkerij.example") == {JAN}
    assert world.held("200", "garage.example") == set()


def test_over_the_platforms_maximum_the_earliest_start_wins(world: World) -> None:
    exchange = world.rt.telephony["main"]
    link = world.link()
    exchange.capabilities = type(exchange.capabilities)(max_destinations=1, bulk=500, fences=True)
    world.window(link, PIET, minutes(-10), minutes(60))
    world.window(link, JAN, minutes(-5), minutes(60))
    world.go()
    assert world.held() == {PIET}
    assert world.row(link).refused == [["number", JAN, "too_many"]]


def test_a_number_that_is_refused_by_the_rules_is_never_pushed(world: World) -> None:
    link = world.link()
    world.window(link, "+31900123456", minutes(0), minutes(60))
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    assert world.held() == {JAN}
    assert world.row(link).refused == [["number", "+31900123456", "premium"]]


def test_a_batch_of_many_lines_goes_in_one_write(world: World, exchange: Exchange) -> None:
    links = [world.link(str(300 + number)) for number in range(40)]
    for link in links:
        world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    before = exchange.asked.bulks
    world.go(minutes(10))
    assert exchange.asked.bulks == before + 1
    assert all(world.held(str(300 + number)) == {JAN} for number in range(40))


def test_the_ledger_tells_what_was_asked_and_what_came_of_it(world: World) -> None:
    from gcal_plugin.services.ledger import punctuality, switches_of

    link = world.link()
    event = world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    world.go(minutes(10) + timedelta(seconds=2))
    world.go(minutes(60))
    end, start = switches_of(world.rt, link)
    assert (start.cause, start.outcome, start.event_ids) == ("edge", "done", (event,))
    assert start.at == MONDAY + minutes(10)
    assert {one.value for one in start.destinations} == {JAN}
    assert start.seconds_late is not None
    assert 2 <= start.seconds_late < 3
    assert end.destinations == frozenset()
    counted = punctuality(world.rt, tenant_id="bel")
    assert counted.switches == 2
    assert counted.worst == start.seconds_late
    assert punctuality(world.rt, tenant_id="ander").switches == 0


def test_a_changed_calendar_takes_effect_at_once(world: World) -> None:
    link = world.link()
    event = world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(minutes(5))
    world.drop(link, event)
    world.go(minutes(5))
    assert world.held() == set()
