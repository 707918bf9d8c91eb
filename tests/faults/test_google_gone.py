"""Google away, slow, forgetful or closed to us: what is stored goes on driving the forwards."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gcal_plugin.services import linking, syncing, watching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.store.tables import Activity, MailOut
from tests.support import portal
from tests.support.channels import channels
from tests.support.world import Linked, Message, World

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
    assert world.sync(link).failed == {link.calendar_id: "invalid_grant"}
    assert link.id in world.wake.switched, "a worker is woken at once"
    assert world.rings(link) == set()
    assert world.fresh(link).state == "reconnect"
    with world.rt.store.begin() as session:
        letters = session.scalars(sa.select(MailOut)).all()
        assert {letter.kind for letter in letters} == {"link_broken"}
        told = session.scalars(sa.select(Activity.what).where(Activity.link_id == link.id)).all()
    assert "revoked" in told
    ended = switches_of(world.rt, link.id)[0]
    assert ended.seconds_late is not None
    assert ended.seconds_late < MINUTE.total_seconds()
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


def notified(world: World) -> Message:
    """The next notification of a change, as Google sent it."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for message in world.heard:
            if message.resource_state == "exists":
                return message
        time.sleep(0.01)
    raise AssertionError("no notification came")


def opened(world: World) -> Linked:
    """A link whose calendar Google notifies us of, fetched and quiet."""
    link = world.link()
    world.sync(link)
    assert watching.open_channel(world.rt, link.calendar_id)
    world.sync(link)
    return link


def test_18_a_storm_of_notifications_is_one_fetch_and_one_more(pushed: World) -> None:
    """Hundreds during a fetch make one more afterwards, at least a second after the one before."""
    world = pushed
    link = opened(world)
    world.event("0612345678", world.now, world.now + HOUR)
    message = notified(world)
    fetch = world.rt.calendars.events
    answers: list[int] = []

    def events_in_a_storm(*arguments, **options):
        page = fetch(*arguments, **options)
        while len(answers) < 300:
            answers.append(watching.handle_push(world.rt, **asdict(message)))
            # Whoever wakes up meanwhile finds the calendar taken.
            if len(answers) % 100 == 0:
                assert not syncing.sync_due(world.rt, [link.calendar_id]).synced
        return page

    world.rt.calendars.events = events_in_a_storm  # type: ignore[method-assign]
    world.forget_asked()
    world.wake.synced.clear()
    assert world.sync(link).synced == {link.calendar_id}
    assert answers == [204] * 300
    # The first of the storm asks, and the fetch itself at its end; the other 299 do not.
    assert 1 <= len(world.wake.synced) <= 2
    assert len(world.asked()) == 1
    assert not syncing.sync_due(world.rt, [link.calendar_id]).synced, "not within the second"
    world.later(timedelta(seconds=1))
    assert syncing.sync_due(world.rt, [link.calendar_id]).synced == {link.calendar_id}
    assert syncing.due_calendars(world.rt) == {}
    assert len(world.asked()) == 2
    assert world.rings(link) == {FIRST}


def test_19_a_channel_is_renewed_before_it_expires(pushed: World) -> None:
    """The new one is open before the old one is stopped: a change in between is heard of."""
    world = pushed
    link = opened(world)
    (old,) = channels(world)
    assert old.renew_at is not None
    assert old.expires_at is not None
    world.at(old.renew_at)
    assert world.now < old.expires_at
    watching.renew_due(world.rt)
    (new,) = channels(world)
    assert new.id != old.id
    assert new.expires_at is not None
    assert new.expires_at > old.expires_at
    opening, stopping = world.asked("events.watch")[-1], world.asked("channels.stop")[-1]
    assert opening["at"] <= stopping["at"]
    world.at(old.expires_at + MINUTE)
    world.heard.clear()
    world.event("0612345678", world.now, world.now + HOUR)
    assert notified(world).channel_id == new.id
    assert watching.handle_push(world.rt, **asdict(notified(world))) == 204
    world.later(timedelta(seconds=2))
    syncing.sync_due(world.rt)
    assert world.rings(link) == {FIRST}
