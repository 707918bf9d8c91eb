"""Two transactions on the same lines: none waits for one that waits for it (Postgres only)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gcal_plugin.ports import Line
from gcal_plugin.services import switching
from gcal_plugin.store.queries_settling import doubt
from gcal_plugin.store.queries_switching import mark_due
from gcal_plugin.store.tables import Forwarding
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, World, minutes


@pytest.fixture
def database_kind() -> str:
    return "postgres"


@pytest.fixture
def links(world: World) -> list[UUID]:
    """Three lines by their ids; as they are stored, the first is the last."""
    made = sorted(world.link(str(300 + number)) for number in range(3))
    for link in reversed(made):
        world.window(link, JAN, minutes(0), minutes(60))
    return made


@pytest.fixture
def beside(world: World) -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """Do something in another thread, with a session of its own."""

    def run(work: Callable[[], object]) -> object:
        with world.app.app_context():
            try:
                return work()
            finally:
                world.rt.store.release()

    with ThreadPoolExecutor(1) as pool:
        yield lambda work: pool.submit(run, work)


@contextmanager
def locked(world: World, link: UUID) -> Iterator[sa.Connection]:
    with world.rt.store.engine.begin() as other:
        other.execute(lock(link))
        yield other


def lock(link: UUID) -> sa.Select[UUID]:
    rows = sa.select(Forwarding.link_id).where(Forwarding.link_id == link)
    return rows.with_for_update(nowait=True)


def wait_for_a_waiter(other: sa.Connection) -> None:
    """Until somebody waits for a lock that this connection holds."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted "
        "AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    for _ in range(1000):
        if other.execute(waiting).scalar_one():
            return
        other.execute(sa.text("SELECT pg_sleep(0.01)"))
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("what", ["settle", "mark_due", "doubt"])
def test_lines_are_locked_in_one_order(
    world: World, links: list[UUID], what: str, beside: Callable[..., Future[object]]
) -> None:
    first, *others = links
    [armed] = switching.prepare(world.rt, "main", links).armed
    switching.fire(world.rt, armed)

    def begin(work: Callable[[Session], object]) -> object:
        with world.rt.store.begin() as session:
            return work(session)

    works: dict[str, Callable[[], object]] = {
        "settle": lambda: switching.finish(world.rt, armed),
        "mark_due": lambda: begin(lambda s: mark_due(s, links[::-1], world.clock.at)),
        "doubt": lambda: begin(lambda s: doubt(s, links[::-1], world.clock.at)),
    }
    with locked(world, first) as other:
        done = beside(works[what])
        wait_for_a_waiter(other)
        for link in others:
            other.execute(lock(link))  # NOWAIT: whoever waits for the first holds none of them
    done.result(30)


def test_a_record_outlives_a_deadlock(
    world: World, links: list[UUID], beside: Callable[..., Future[object]]
) -> None:
    """A transaction that goes about it in another order: the record is written all the same."""
    low, middle, high = links
    [armed] = switching.prepare(world.rt, "main", links).armed
    switching.fire(world.rt, armed)
    with locked(world, high) as other:
        done = beside(lambda: switching.finish(world.rt, armed))
        wait_for_a_waiter(other)
        other.execute(sa.update(Forwarding).where(Forwarding.link_id == low).values(wanted=None))
    report = done.result(30)
    assert (report.done, report.overtaken) == (3, 0)  # type: ignore[attr-defined]
    assert world.row(middle).observed == [["number", JAN]]


def test_a_sweep_waits_for_nobody(
    world: World, links: list[UUID], beside: Callable[..., Future[object]]
) -> None:
    """It takes its lines in an order of its own: the one that is locked is for the next look."""
    world.go()
    world.clock.at += minutes(1)
    exchange = world.rt.telephony["main"]
    assert isinstance(exchange, Exchange)
    extensions = {link: world.row(link).extension for link in links}
    for link in links[:2]:
        exchange.by_hand(Line("bakkerij.example", extensions[link]))
    first, second, third = links
    with locked(world, first):
        beside(lambda: switching.sweep(world.rt, "main")).result(30)
    assert world.row(second).due_cause == "repair"
    assert world.row(third).observed_at == world.clock.at
    assert world.row(first).due_cause != "repair"
    switching.sweep(world.rt, "main")
    assert world.row(first).due_cause == "repair"
