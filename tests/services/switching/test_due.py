"""What falls due, cut into batches: everybody's turn, and enough time for a herd."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from gcal_plugin.services import switching
from gcal_plugin.services.switching import due as due_module
from gcal_plugin.services.switching.due import fair_turns
from gcal_plugin.store.queries_switching import Due
from gcal_plugin.store.store import Store
from gcal_plugin.store.tables import Calendar, Forwarding
from tests.support.lines import JAN, MONDAY, World, minutes


def due(tenant: str) -> Due:
    return Due(uuid4(), tenant, "main", MONDAY)


def test_a_tenant_with_thousands_does_not_go_before_one_with_a_few() -> None:
    many = [due("many") for _ in range(1000)]
    few = [due("few") for _ in range(3)]
    order = fair_turns([*many, *few])
    assert sorted(order, key=str) == sorted((one.link_id for one in many + few), key=str)
    assert {one.link_id for one in few} <= set(order[:6])


def test_overdue_lines_of_two_tenants_share_the_first_batch(world: World) -> None:
    def lines(tenant: str, count: int, first: int) -> list[UUID]:
        links = [
            world.link(str(first + number), tenant_id=tenant, domain=f"{tenant}.example")
            for number in range(count)
        ]
        for link in links:
            world.window(link, JAN, minutes(0), minutes(60))
        return links

    lines("many", 40, 1000)
    few = lines("few", 2, 2000)
    object.__setattr__(world.rt.settings, "batch_size", 10)
    batches = switching.due_batches(world.rt, timedelta(0))
    assert len(batches) == 5
    assert set(few) <= set(batches[0].link_ids)


def test_a_herd_is_begun_earlier_than_a_few(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By as long as it takes to get it ready, beyond the usual look-ahead (here 20 a second)."""
    herd = 20
    monkeypatch.setattr(due_module, "HERD", herd)
    ahead = timedelta(seconds=world.rt.settings.arm_ahead_seconds)
    links = [world.link(str(10_000 + number)) for number in range(herd + 5)]
    edge = MONDAY + timedelta(minutes=10)
    with world.rt.store.begin() as session:
        session.query(Forwarding).update({"due_at": edge})
        session.get_one(Forwarding, links[0]).due_at = edge + timedelta(seconds=0.5)
    lead = ahead + timedelta(seconds=(herd + 4) / herd)
    world.clock.at = edge - lead - timedelta(seconds=0.1)
    assert switching.due_batches(world.rt) == []
    world.clock.at = edge - lead + timedelta(seconds=0.1)
    batches = switching.due_batches(world.rt)
    assert {one for batch in batches for one in batch.link_ids} == set(links[1:])
    assert all(batch.due_at == edge for batch in batches)


@pytest.mark.parametrize("own_time", [False, True], ids=["told", "own"])
def test_what_a_clock_at_rest_asks_finds_lines_herds_and_calendars(
    world: World, monkeypatch: pytest.MonkeyPatch, *, own_time: bool
) -> None:
    """By an instant that is told, and by the database's own time."""
    monkeypatch.setattr(due_module, "HERD", 3)
    store = world.rt.store
    rt = replace(world.rt, store=Store(store._db, store.keyring)) if own_time else world.rt
    links = [world.link(str(200 + number)) for number in range(3)]

    pause = 2.0

    def near(*seconds: float | None, leased: bool = False, fetch: float | None = None) -> bool:
        with rt.store.begin() as session:
            at = rt.store.now(session)
            for link, offset in zip(links, (*seconds, None, None, None), strict=False):
                row = session.get_one(Forwarding, link)
                row.due_at = None if offset is None else at + timedelta(seconds=offset)
                row.lease_until = at + timedelta(seconds=60) if leased else None
            calendar = session.get_one(Calendar, world.calendars[links[0]])
            calendar.next_sync_at = None if fetch is None else at + timedelta(seconds=fetch)
        return switching.anything_near(rt, timedelta(seconds=pause))

    reach = rt.settings.arm_ahead_seconds + pause
    assert not near()
    assert near(-60)
    assert near(reach - 1), "to be asked for before the next look is over"
    assert near(reach - 1, leased=True), "whoever holds it may fail"
    assert not near(reach + 1, reach + 1)
    assert near(reach + 20, reach + 20, reach + 20), "a herd"
    assert not near(reach + 20, reach + 20, reach + 21)
    assert not near(reach + 120, reach + 120, reach + 120), "a herd that has time"
    assert near(fetch=-1)
    assert near(fetch=pause - 1)
    assert not near(fetch=60)
