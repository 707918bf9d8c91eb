"""Push channels over time: renewed in good hand, closed when unused, done without when lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.services import breaking, grant_tokens, syncing, watching
from gcal_plugin.services.channel_tokens import new_token
from gcal_plugin.store.tables import Calendar, Channel, Grant, Link
from gcal_plugin.store.tables.base import new_id
from tests.support.channels import channels
from tests.support.world import HOUR, MINUTE, Linked, World

JAN = "jan@gmail.example"


def watched(world: World) -> Linked:
    link = world.link()
    world.sync(link)
    watching.renew_due(world.rt)
    world.sync(link)
    return link


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_idle_week_costs_two_and_a_half_requests_a_day(pushed: World) -> None:
    watched(pushed)
    pushed.forget_asked()
    days = 14
    for _ in range(days * 24):
        pushed.later(HOUR)
        syncing.sync_due(pushed.rt)
        watching.renew_due(pushed.rt)
    asked = pushed.google.counters()["endpoints"]
    calendar = sum(asked.get(name, 0) for name in ("events.list", "events.watch", "channels.stop"))
    assert calendar / days <= 2.5
    assert asked["events.list"] / days >= 1.8, "the safety fetches are made"
    assert asked["events.watch"] >= 2, "and the channel is renewed"
    assert len(channels(pushed)) == 1


def test_a_change_whose_notification_is_lost_is_found_by_the_safety_fetch(pushed: World) -> None:
    link = watched(pushed)
    pushed.google.fault("push_loss")
    pushed.event("0612345678", pushed.now + 24 * HOUR, pushed.now + 25 * HOUR)
    for _ in range(13):
        pushed.later(HOUR)
        syncing.sync_due(pushed.rt)
    assert pushed.values(link) == ["+31612345678"]


def is_polled(world: World, link: Linked) -> bool:
    """Whether the fetch after this one comes within a minute."""
    world.sync(link)
    again = world.calendar_of(link).next_sync_at
    assert again is not None
    return again - world.now <= MINUTE


def test_a_calendar_whose_channel_ended_is_polled_again(pushed: World) -> None:
    link = watched(pushed)
    assert not is_polled(pushed, link)
    pushed.google.fault("backendError", endpoint="events.watch")  # so that no new one is opened
    pushed.later(timedelta(days=8))
    watching.renew_due(pushed.rt)
    assert pushed.calendar_of(link).push_state == "none"
    assert is_polled(pushed, link)


def test_without_a_public_address_channels_are_stopped_and_calendars_polled(pushed: World) -> None:
    link = watched(pushed)
    pushed.configure(public_url="")
    watching.renew_due(pushed.rt)
    assert channels(pushed) == []
    assert pushed.google.control("GET", "channels")["channels"] == []
    assert syncing.due_calendars(pushed.rt) == {}, "not within a second of the last fetch"
    pushed.later(2 * timedelta(seconds=1))
    assert list(syncing.due_calendars(pushed.rt)) == [link.calendar_id]
    assert is_polled(pushed, link)


def test_what_cannot_be_stopped_yet_counts_no_more_without_a_public_address(pushed: World) -> None:
    link = watched(pushed)
    pushed.configure(public_url="")
    pushed.google.fault("backendError", endpoint="channels.stop")
    watching.renew_due(pushed.rt)
    assert [one.state for one in channels(pushed)] == ["stopping"]
    assert is_polled(pushed, link)
    pushed.google.clear_faults()
    pushed.later(11 * MINUTE)
    watching.renew_due(pushed.rt)
    assert channels(pushed) == []


def test_another_public_address_gets_channels_of_its_own(pushed: World) -> None:
    link = watched(pushed)
    (old,) = channels(pushed)
    moved = pushed.rt.settings.public_url.replace("127.0.0.1", "localhost")
    pushed.configure(public_url=moved)
    pushed.google.fault("backendError", endpoint="events.watch", count=1)
    watching.renew_due(pushed.rt)
    assert [one.id for one in channels(pushed)] == [old.id], "it goes on until another works"
    assert is_polled(pushed, link)

    pushed.later(HOUR)
    watching.renew_due(pushed.rt)
    (new,) = channels(pushed)
    assert new.id != old.id
    assert new.address == f"{moved}/google-calendar/hooks/google"
    assert [one["id"] for one in pushed.google.control("GET", "channels")["channels"]] == [new.id]
    assert pushed.calendar_of(link).push_state == "open"
    pushed.sync(link)
    assert not is_polled(pushed, link)
    pushed.forget_asked()
    watching.renew_due(pushed.rt)
    assert pushed.asked("events.watch") == [], "once"


def test_a_channel_from_before_addresses_were_kept_lives_on(pushed: World) -> None:
    link = watched(pushed)
    with pushed.rt.store.begin() as session:
        session.execute(sa.update(Channel).values(address=None))
    pushed.forget_asked()
    watching.renew_due(pushed.rt)
    assert pushed.calendar_of(link).push_state == "open"
    assert pushed.asked("events.watch") == []
    pushed.configure(public_url="")
    watching.renew_due(pushed.rt)
    assert channels(pushed) == []


def test_letting_go_stops_the_channels_at_google(pushed: World) -> None:
    link = watched(pushed)
    with pushed.rt.store.begin() as session:
        session.execute(sa.update(Link).values(calendar_id=None, state="ready"))
    watching.close_unused_channels(pushed.rt, link.grant_id)
    assert channels(pushed) == []
    assert len(pushed.asked("channels.stop")) == 1


def test_a_channel_that_cannot_be_stopped_is_tried_again(pushed: World) -> None:
    link = watched(pushed)
    pushed.google.fault("backendError", endpoint="channels.stop", count=1)
    watching.close_channels(pushed.rt, link.calendar_id)
    assert [one.state for one in channels(pushed)] == ["stopping"]
    with pushed.rt.store.begin() as session:
        session.execute(sa.update(Link).values(calendar_id=None, state="ready"))
    pushed.later(HOUR)
    watching.renew_due(pushed.rt)
    assert channels(pushed) == []


def test_an_opening_that_nobody_finished_is_cleaned_up(pushed: World) -> None:
    link = watched(pushed)
    with pushed.rt.store.begin() as session:
        session.add(
            Channel(
                id="half-open",
                calendar_id=link.calendar_id,
                token_digest="-",
                state="opening",
                created_at=pushed.now,
                renew_at=pushed.now + 5 * MINUTE,
            )
        )
    pushed.later(10 * MINUTE)
    watching.renew_due(pushed.rt)
    assert [one.state for one in channels(pushed)] == ["open"]


def test_a_channel_whose_opening_was_never_answered_is_stopped_all_the_same(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    pushed.google.fault("truncate", endpoint="events.watch", count=1)
    assert not watching.open_channel(pushed.rt, link.calendar_id)
    (half,) = channels(pushed)
    assert half.state == "opening"
    assert half.resource_id, "the first message on it told"
    assert len(pushed.google.control("GET", "channels")["channels"]) == 1

    pushed.later(6 * MINUTE)
    watching.renew_due(pushed.rt)
    assert channels(pushed) == []
    assert pushed.google.control("GET", "channels")["channels"] == []


def test_a_channel_that_nobody_waits_for_any_more_is_stopped_when_it_opens(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    source = pushed.rt.calendars

    class Slow:
        def __getattr__(self, name: str) -> object:
            return getattr(source, name)

        def watch(self, *given: object, **named: object) -> object:
            info = source.watch(*given, **named)  # type: ignore[arg-type]
            with pushed.rt.store.begin() as session:
                session.execute(sa.delete(Channel))  # the calendar was let go meanwhile
            return info

    object.__setattr__(pushed.rt, "calendars", Slow())
    watching.open_channel(pushed.rt, link.calendar_id)
    object.__setattr__(pushed.rt, "calendars", source)
    assert channels(pushed) == []
    assert pushed.google.control("GET", "channels")["channels"] == []
    assert len(pushed.asked("channels.stop")) == 1


def test_a_channel_whose_row_is_lost_is_stopped_and_what_it_told_is_fetched(pushed: World) -> None:
    link = watched(pushed)
    (lost,) = channels(pushed)
    with pushed.rt.store.begin() as session:
        session.execute(sa.delete(Channel))  # as in a database of an hour ago
    pushed.wake.synced.clear()
    pushed.event("0612345678", pushed.now + HOUR, pushed.now + 2 * HOUR)
    assert pushed.google.settle() == 0
    assert [(one.id, one.state) for one in channels(pushed)] == [(lost.id, "stopping")]
    assert pushed.wake.synced == [link.calendar_id]

    watching.renew_due(pushed.rt)
    assert len(pushed.asked("channels.stop")) == 1
    (new,) = channels(pushed)
    assert (new.id != lost.id, new.state) == (True, "open")
    assert [one["id"] for one in pushed.google.control("GET", "channels")["channels"]] == [new.id]


@pytest.mark.parametrize(
    "token", ["", "v1.x.y", "v1.{key}.???", "v1.{key}.AAAA", "v1.{key}." + "A" * 120]
)
def test_a_strangers_token_stops_nothing(pushed: World, token: str) -> None:
    link = watched(pushed)
    keyring = pushed.rt.store.keyring
    said = token.format(key=keyring.current_id)
    others = new_token(keyring, "another-channel", link.calendar_id)
    for forged in (said, others):
        status = watching.handle_push(
            pushed.rt, channel_id="stray", token=forged, resource_state="exists", resource_id="r"
        )
        assert status == 404
    assert [one.state for one in channels(pushed)] == ["open"]


def test_a_stray_channel_of_a_calendar_that_is_gone_is_refused_and_forgotten(pushed: World) -> None:
    token = new_token(pushed.rt.store.keyring, "stray", new_id())
    status = watching.handle_push(
        pushed.rt, channel_id="stray", token=token, resource_state="exists", resource_id="r"
    )
    assert status == 404
    assert channels(pushed) == []


def test_changed_calendars_come_before_those_that_are_merely_due(world: World) -> None:
    links = [world.link(f"p{number}@gmail.example", None, str(200 + number)) for number in range(3)]
    with world.rt.store.begin() as session:
        for number, link in enumerate(links):
            session.execute(
                sa.update(Calendar)
                .where(Calendar.id == link.calendar_id)
                .values(next_sync_at=world.now - number * MINUTE, dirty=number == 0)
            )
    due = list(syncing.due_calendars(world.rt))
    assert due == [links[0].calendar_id, links[2].calendar_id, links[1].calendar_id]


def test_a_calendar_is_not_fetched_twice_within_a_second(world: World) -> None:
    link = world.link()
    assert world.sync(link).synced
    report = syncing.sync_calendars(world.rt, [link.calendar_id])
    assert report.postponed == {link.calendar_id}
    assert syncing.due_calendars(world.rt) == {}
    world.later(timedelta(seconds=1.1))
    assert list(syncing.due_calendars(world.rt)) == [link.calendar_id]
    assert syncing.sync_due(world.rt).synced == {link.calendar_id}
    assert syncing.sync_due(world.rt, [link.calendar_id]).requests == 0, "not due any more"


def test_a_disconnect_during_a_fetch_wins(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + HOUR)
    source = world.rt.calendars

    class Slow:
        def __getattr__(self, name: str) -> object:
            return getattr(source, name)

        def events(self, *given: object, **named: object) -> object:
            page = source.events(*given, **named)  # type: ignore[arg-type]
            with world.rt.store.begin() as session:
                session.execute(sa.update(Link).values(calendar_id=None, state="ready"))
                session.execute(sa.update(Calendar).values(generation=Calendar.generation + 1))
            return page

    object.__setattr__(world.rt, "calendars", Slow())
    report = world.sync(link)
    object.__setattr__(world.rt, "calendars", source)
    assert report.synced == set()
    assert world.rows(link, history=True) == []
    assert world.calendar_of(link).lease_until is None


def test_a_grant_that_was_lost_gets_a_channel_of_its_own_when_it_comes_back(pushed: World) -> None:
    link = watched(pushed)
    (old,) = channels(pushed)
    breaking.grant_lost(pushed.rt, link.grant_id, "revoked")
    assert [one.state for one in channels(pushed)] == ["stopping"]
    assert pushed.calendar_of(link).push_state == "none"
    tokens = pushed.google.grant(JAN)
    with pushed.rt.store.begin() as session:
        grant = session.get(Grant, link.grant_id)
        assert grant is not None
        grant.state, grant.consented_at = "live", pushed.now
        grant_tokens.put_refresh_token(pushed.rt.store.keyring, grant, tokens["refresh_token"])
        session.execute(sa.update(Link).values(state="linked"))
    pushed.later(MINUTE)
    assert is_polled(pushed, link), "whatever Google still means to tell"
    watching.renew_due(pushed.rt)
    (new,) = channels(pushed)
    assert (new.id != old.id, new.state) == (True, "open")
    assert [one["id"] for one in pushed.google.control("GET", "channels")["channels"]] == [new.id]
