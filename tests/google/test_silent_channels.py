"""Channels that Google opened and on which nothing ever arrives: their calendars are polled."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.services import signals, syncing, watching
from gcal_plugin.services.doctor_google import google
from gcal_plugin.store.tables import Channel
from tests.support.world import Linked, World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def watched(world: World) -> Linked:
    link = world.link()
    world.sync(link)
    assert watching.open_channel(world.rt, link.calendar_id)
    world.google.settle()
    world.sync(link)
    return link


def upkeep(world: World, step: timedelta) -> None:
    world.later(step)
    watching.renew_due(world.rt)


def state(world: World, link: Linked) -> str:
    return world.calendar_of(link).push_state


def test_a_calendar_of_whose_channel_nothing_is_heard_is_polled(pushed: World) -> None:
    pushed.google.fault("push_loss")
    link = watched(pushed)
    upkeep(pushed, 3 * MINUTE)
    assert state(pushed, link) == "open", "the first message may take its time"
    upkeep(pushed, 3 * MINUTE)
    assert state(pushed, link) == "silent"
    assert signals.gather(pushed.rt).push_states == {"silent": 1}
    (told,) = [one for one in google(pushed.rt) if one.what == "push messages"]
    assert not told.ok
    assert told.detail == "none arrive for 1 of 1 watched calendars"

    pushed.event("0612345678", pushed.now + HOUR, pushed.now + 2 * HOUR)
    synced = 0
    for _ in range(4):
        pushed.later(MINUTE)
        synced += len(syncing.sync_due(pushed.rt).synced)
    assert synced >= 3
    pushed.later(HOUR)
    assert pushed.rings(link) == {"+31612345678"}


def test_one_message_is_enough_and_polling_ends(pushed: World) -> None:
    pushed.google.fault("push_loss")
    link = watched(pushed)
    upkeep(pushed, 6 * MINUTE)
    assert state(pushed, link) == "silent"
    pushed.google.clear_faults()
    pushed.event("0612345678", pushed.now + HOUR, pushed.now + 2 * HOUR)
    pushed.google.settle()
    assert state(pushed, link) == "open"
    assert pushed.sync(link).synced
    upkeep(pushed, 6 * MINUTE)
    assert state(pushed, link) == "open"
    assert syncing.due_calendars(pushed.rt) == {}


def test_a_channel_that_was_heard_of_stays_open_until_its_successor_is_silent(
    pushed: World,
) -> None:
    link = watched(pushed)
    upkeep(pushed, HOUR)
    assert state(pushed, link) == "open"
    pushed.google.fault("push_loss")
    upkeep(pushed, timedelta(days=6, hours=12))
    with pushed.rt.store.begin() as session:
        (channel,) = session.scalars(sa.select(Channel).where(Channel.state == "open"))
        assert channel.last_message_at is None, "the successor"
    upkeep(pushed, 6 * MINUTE)
    assert state(pushed, link) == "silent"


def test_a_renewal_does_not_end_the_polling_of_a_silent_calendar(pushed: World) -> None:
    pushed.google.fault("push_loss")
    link = watched(pushed)
    upkeep(pushed, 6 * MINUTE)
    upkeep(pushed, timedelta(days=6, hours=12))
    assert state(pushed, link) == "silent"
    pushed.google.clear_faults()
    assert watching.open_channel(pushed.rt, link.calendar_id)
    pushed.google.settle()
    assert state(pushed, link) == "open", "its first message"


def test_a_silent_calendar_whose_channel_ended_gets_another(pushed: World) -> None:
    pushed.google.fault("push_loss")
    link = watched(pushed)
    upkeep(pushed, 6 * MINUTE)
    pushed.google.fault("backendError", endpoint="events.watch")
    upkeep(pushed, timedelta(days=8))
    assert state(pushed, link) == "none"
    pushed.google.clear_faults()
    upkeep(pushed, HOUR)
    pushed.google.settle()
    assert state(pushed, link) == "open"


@pytest.mark.parametrize("hours", [1, 23])
def test_a_burst_is_noted_on_its_channel_once_a_day(pushed: World, hours: int) -> None:
    link = watched(pushed)

    def noted() -> object:
        with pushed.rt.store.begin() as session:
            return session.scalar(sa.select(Channel.last_message_at))

    first = noted()
    assert first is not None
    pushed.later(timedelta(hours=hours))
    pushed.event("0612345678", pushed.now + HOUR, pushed.now + 2 * HOUR)
    pushed.google.settle()
    assert noted() == first
    pushed.sync(link)
    pushed.later(timedelta(days=1))
    pushed.event("0612345679", pushed.now + HOUR, pushed.now + 2 * HOUR)
    pushed.google.settle()
    assert noted() == pushed.now
