"""Several batches of calendars at once: one is asked for while the one before is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from gcal_plugin.services import sync_store, syncing
from gcal_plugin.services.sync_fetch import Fetched
from gcal_plugin.services.sync_store import Outcome
from tests.support.world import HOUR, Linked, World

MOST = 2
"""Calendars in a batch, in these tests."""


@pytest.fixture
def links(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Linked]:
    """Three batches of calendars that were read once, in the order in which they are fetched."""
    monkeypatch.setattr(syncing, "BATCH", MOST)
    monkeypatch.setattr(syncing, "_COLD_BATCH", MOST)
    made = [
        world.link(f"p{number}@gmail.example", extension=str(200 + number)) for number in range(6)
    ]
    assert len(world.sync(*made).synced) == len(made)
    for number in range(6):
        world.event(
            f"061234567{number}",
            world.now + HOUR,
            world.now + 2 * HOUR,
            calendar=f"p{number}@gmail.example",
        )
    return sorted(made, key=lambda link: link.calendar_id)


def storing(monkeypatch: pytest.MonkeyPatch, before: Callable[[Sequence[Fetched]], object]) -> None:
    """Have something happen before each batch is stored."""
    store = sync_store.store

    def watched(session: Any, settings: Any, batch: Sequence[Fetched], *rest: Any) -> Outcome:
        before(batch)
        return store(session, settings, batch, *rest)

    monkeypatch.setattr(sync_store, "store", watched)


def test_the_next_batch_is_asked_for_while_one_is_stored(
    world: World, links: list[Linked], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, threading.Event] = {
        world.calendar_of(one).google_id: threading.Event() for one in links
    }
    names = list(asked)
    events = type(world.rt.calendars).events

    def noted(self: Any, access: Any, calendar_id: str, **given: Any) -> Any:
        asked[calendar_id].set()
        return events(self, access, calendar_id, **given)

    monkeypatch.setattr(type(world.rt.calendars), "events", noted)
    ahead: list[bool] = []

    def look(batch: Sequence[Fetched]) -> None:
        last = max(names.index(fetched.claim.google_id) for fetched in batch)
        ahead.extend(asked[name].wait(10) for name in names[last + 1 : last + 1 + MOST])

    storing(monkeypatch, look)
    assert len(world.sync(*links).synced) == 6
    assert ahead == [True] * 4, "the second and the third batch were asked for in time"
    assert sorted(value or "" for one in links for value in world.values(one)) == [
        f"+3161234567{number}" for number in range(6)
    ]


def test_a_batch_that_cannot_be_stored_takes_no_other_with_it(
    world: World, links: list[Linked], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {one.calendar_id for one in links[:MOST]}

    def fail(batch: Sequence[Fetched]) -> None:
        if first & {fetched.claim.id for fetched in batch}:
            raise RuntimeError("the disk is full")

    storing(monkeypatch, fail)
    with pytest.raises(RuntimeError, match="the disk is full"):
        world.sync(*links)
    stored = [len(world.values(one)) for one in links]
    assert stored == [0, 0, 1, 1, 0, 0], "the batch that was on its way is stored, none begun after"
    leases = [world.calendar_of(one).lease_until for one in links[MOST:]]
    assert leases == [None] * 4


def test_a_visit_to_the_token_endpoint_waits_until_what_was_fetched_is_stored(
    world: World, links: list[Linked], monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.rt.store.begin() as session:
        for one in links[MOST:]:
            grant = session.get(type(world.grant_of(one)), one.grant_id)
            assert grant is not None
            grant.access_expires_at = world.now
    done: list[str] = []
    refresh = type(world.rt.oauth).refresh

    def noted(self: Any, *given: Any) -> Any:
        done.append("refresh")
        return refresh(self, *given)

    monkeypatch.setattr(type(world.rt.oauth), "refresh", noted)
    storing(monkeypatch, lambda batch: done.append("store"))
    world.later(timedelta(seconds=2))
    syncing.sync_calendars(world.rt, {one.calendar_id for one in links})
    assert done == ["store", "refresh", "refresh", "store", "refresh", "refresh", "store"]
