"""Google away, slow, forgetful or closed to us: what is stored goes on driving the forwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gcal_plugin.services import linking, syncing
from tests.support import portal
from tests.support.world import World

pytestmark = pytest.mark.faults

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FIRST, SECOND = "+31612345678", "+31687654321"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def test_13_google_unreachable_and_the_stored_schedule_drives(world: World) -> None:
    link = world.link()
    start = world.now
    world.event("0612345678", start + HOUR, start + 2 * HOUR)
    world.sync(link)
    world.google.fault("reset")
    assert link.calendar_id in world.sync(link).failed
    world.at(start + HOUR + MINUTE)
    assert world.rings(link) == {FIRST}
    assert link.calendar_id in world.sync(link).failed
    assert world.rings(link) == {FIRST}
    world.at(start + 2 * HOUR)
    assert world.rings(link) == set()


@pytest.mark.parametrize("kind", ["rateLimitExceeded", "userRateLimitExceeded", "backendError"])
def test_14_a_google_in_trouble_is_asked_ever_less_often(
    world: World,
    kind: str,
) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + 8 * HOUR)
    world.sync(link)
    assert world.rings(link) == {FIRST}
    world.google.fault(kind)
    world.forget_asked()
    for _ in range(120):
        world.later(MINUTE)
        if link.calendar_id in syncing.due_calendars(world.rt):
            syncing.sync_calendars(world.rt, [link.calendar_id])
    assert 0 < len(world.asked()) < 60
    assert world.rings(link) == {FIRST}


def test_15_a_token_that_google_forgot_swaps_in_one_step(world: World) -> None:
    link = world.link()
    event = world.event("0612345678", world.now, world.now + HOUR)
    world.event("0687654321", world.now, world.now + HOUR)
    world.sync(link)
    assert world.rings(link) == {FIRST, SECOND}
    from tests.google.test_cases import JAN

    world.google.delete_event(JAN, event)
    world.google.expire_sync_tokens(JAN)
    world.google.fault("backendError", endpoint="events.list", skip=1, count=1)
    assert link.calendar_id in world.sync(link).failed
    assert world.rings(link) == {FIRST, SECOND}
    assert not world.sync(link).failed
    assert world.rings(link) == {SECOND}


def test_16_access_withdrawn_ends_the_running_forward(world: World) -> None:
    from tests.google.test_cases import JAN

    link = world.link()
    world.event("0612345678", world.now, world.now + 2 * HOUR)
    world.event("0687654321", world.now + HOUR, world.now + 2 * HOUR)
    world.sync(link)
    assert world.rings(link) == {FIRST}
    world.google.revoke(JAN)
    world.sync(link)
    assert world.fresh(link).state == "reconnect"
    assert world.rings(link) == set()
    world.later(HOUR + MINUTE)
    assert world.rings(link) == set()


def test_17_without_any_notification_the_poll_catches_up(pushed: World) -> None:
    world = pushed
    link = world.link()
    world.sync(link)
    world.event("0612345678", world.now, world.now + 20 * HOUR)
    for _ in range(13):
        world.later(HOUR)
        due = syncing.due_calendars(world.rt)
        if due:
            syncing.sync_calendars(world.rt, due)
    assert world.rings(link) == {FIRST}


def test_27_the_night_the_clocks_change(world: World) -> None:
    """From one to four by the wall: four hours in October, two in March, by instants."""
    link = world.link()
    for day, hours in (
        (datetime(2026, 3, 29, tzinfo=AMSTERDAM), 2),
        (
            datetime(2026, 10, 25, tzinfo=AMSTERDAM),
            4,
        ),
    ):
        world.at(day - 20 * HOUR)
        start, end = day.replace(hour=1), day.replace(hour=4)
        world.event("0612345678", start, end)
        world.due_again(link.calendar_id)
        world.sync(link)
        first = world.rows(link)[-1]
        assert first.end_at - first.start_at == timedelta(hours=hours)
        for offset, expected in (
            (timedelta(seconds=-1), set()),
            (timedelta(0), {FIRST}),
            (timedelta(hours=hours) - timedelta(seconds=1), {FIRST}),
            (timedelta(hours=hours), set()),
        ):
            world.at(first.start_at + offset)
            assert world.rings(link) == expected


def test_29_a_disconnect_during_a_sync_wins(world: World) -> None:
    """The fetch is under way when the customer disconnects: nothing is written afterwards."""
    link = world.link()
    world.event("0612345678", world.now, world.now + 2 * HOUR)
    world.sync(link)
    assert world.rings(link) == {FIRST}
    world.event("0687654321", world.now, world.now + 2 * HOUR)
    fetch = world.rt.calendars.events
    done: list[str] = []

    def events_while_disconnecting(*arguments, **options):
        page = fetch(*arguments, **options)
        if not done:
            done.append(linking.disconnect(world.rt, portal.JAN, link.id).forward)
        return page

    world.rt.calendars.events = events_while_disconnecting  # type: ignore[method-assign]
    world.sync(link)
    assert done == ["done"]
    assert world.rings(link) == set()
    assert world.fresh(link).state == "ready"
