"""Exchanges that do not answer, lie, refuse, or are changed by hand."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from gcal_plugin.ports import Line
from gcal_plugin.services import switching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.services.switching.retrying import REFUSED_TRIES
from gcal_plugin.store import queries_signals
from gcal_plugin.store.tables import Activity, Forwarding
from tests.fakes.proxy import Proxy
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.lines import JAN, KEES, PIET
from tests.support.runtime import make_schema
from tests.support.stage import SECRET, Stage, demo_pbx, make_stage

pytestmark = pytest.mark.faults

LINE = Line("bakkerij.example", "200")


def settled(stage: Stage, link, value: str) -> None:
    stage.world.window(link, value, stage.world.clock.at, stage.world.clock.at + timedelta(hours=1))
    stage.soon(lambda: stage.pbx.rings("200"), {value})
    stage.soon(lambda: stage.world.row(link).last_error, None)


@pytest.mark.parametrize("mode", ["refuse", "silent"])
def test_20_an_unreachable_exchange_comes_back(between: tuple[Stage, Proxy], mode: str) -> None:
    """The end that fell in between is carried out within seconds of its return."""
    stage, proxy = between
    link = stage.world.link()
    stage.worker()
    stage.clock()
    _, end = stage.forward(link, JAN, 0, 8)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN})
    proxy.mode = mode  # type: ignore[assignment]
    time.sleep(max(0, (end - stage.world.clock.at).total_seconds()) + 6)
    assert stage.pbx.rings("200") == {JAN}
    proxy.mode = "pass"
    assert stage.soon(lambda: stage.pbx.rings("200"), set(), within=45) < 45


def test_20_one_dead_exchange_does_not_slow_the_others(
    tmp_path: Path, databases: Databases, redis_url: str
) -> None:
    """Its breaker opens; everybody else switches on time."""
    with ExitStack() as stack:
        url = stack.enter_context(databases.fresh("postgres", key="schema", prepare=make_schema))
        other = stack.enter_context(demo_pbx(tmp_path, "other"))
        entries = {
            name: {
                "backend": "webhook",
                "url": f"http://127.0.0.1:{port}",
                "secret": SECRET,
                "timeout": 2.0,
                "allow_loopback": True,
            }
            for name, port in (("main", other.port), ("dead", free_port()))
        }
        stage = stack.enter_context(make_stage(tmp_path, url, redis_url, telephony=entries))
        good = [stage.world.link(str(300 + number)) for number in range(10)]
        bad = [stage.world.link(str(300 + number), pbx="dead") for number in range(40)]
        stage.worker()
        stage.clock()
        now = stage.world.clock.at
        for link in bad:
            stage.world.window(link, JAN, now, now + timedelta(hours=1))
        edge = stage.world.clock.at + timedelta(seconds=6)
        for link in good:
            stage.world.window(link, JAN, edge, edge + timedelta(hours=1))
        stage.soon(lambda: len(other.history()), 10, within=25)
        late = [
            (datetime.fromisoformat(one["at"]) - edge).total_seconds() for one in other.history()
        ]
        assert min(late) >= 0
        assert max(late) < 1.5


def test_21_an_exchange_that_says_yes_and_ignores(stage: Stage) -> None:
    """Its answer gives it away, or the sweep finds it; then it is repaired."""
    link = stage.world.link()
    stage.worker()
    stage.clock()
    stage.know(link)
    stage.pbx.faults(ignore_writes=True, times=2)
    settled(stage, link, JAN)
    assert {one.outcome for one in switches_of(stage.world.rt, link)} >= {"done", "mismatch"}


@pytest.mark.parametrize("status", [400, 401, 423])
def test_22_a_refusing_exchange_is_asked_five_times_at_most(
    between: tuple[Stage, Proxy], status: int
) -> None:
    """Ever later, told once, and counted for the alert; then it waits for the next edge."""
    stage, proxy = between
    link = stage.world.link()
    stage.worker()
    stage.clock()
    stage.know(link)
    stage.pbx.faults(status=status, error="no")
    start = stage.world.clock.at
    end = start + timedelta(hours=1)
    stage.world.window(link, JAN, start, end)
    for tries in range(1, REFUSED_TRIES + 1):
        stage.soon(lambda: stage.world.row(link).failures, tries)
        row = stage.world.row(link)
        assert str(status) in (row.last_error or "")
        assert row.due_at is not None
        if tries == REFUSED_TRIES:
            assert row.due_at == end
        else:
            assert row.due_at - stage.world.clock.at > timedelta(seconds=15)
            with stage.world.rt.store.begin() as session:  # the wait, over at once
                session.get_one(Forwarding, link).due_at = stage.world.clock.at
    assert proxy.count("PUT") == REFUSED_TRIES
    with stage.world.rt.store.begin() as session:
        told = session.scalars(sa.select(Activity.what).where(Activity.link_id == link)).all()
        counted = [one.refused for one in queries_signals.lines(session, stage.world.clock.at)]
    assert (list(told), counted) == (["refused"], [1])
    stage.pbx.faults()
    assert switching.apply_now(stage.world.rt, link)
    assert stage.pbx.rings("200") == {JAN}


def test_23_only_the_failed_lines_of_a_batch_are_tried_again(stage: Stage) -> None:
    links = [stage.world.link(str(300 + number)) for number in range(12)]
    stage.worker()
    stage.clock()
    for link in links:
        stage.know(link)
    edge = stage.world.clock.at + timedelta(seconds=3)
    stage.pbx.faults(partial=4, times=1)
    for link in links:
        stage.world.window(link, JAN, edge, edge + timedelta(hours=1))
    stage.soon(
        lambda: all(stage.pbx.rings(str(300 + number)) == {JAN} for number in range(12)), True
    )
    assert len(stage.pbx.history()) == 12


def test_24_an_answer_that_is_cut_off_after_the_write(stage: Stage) -> None:
    """Reading comes before writing again: one write."""
    link = stage.world.link()
    stage.worker()
    stage.clock()
    stage.know(link)
    stage.pbx.faults(cut_after_apply=True, times=1)
    settled(stage, link, JAN)
    stage.soon(lambda: stage.world.row(link).observed, [["number", JAN]])
    assert len(stage.pbx.history("200")) == 1


def test_30_an_event_that_breaks_its_line_leaves_the_others_alone(stage: Stage) -> None:
    """An event that cannot be read is closed and told, a line that cannot be worked out set apart
    after three tries, with the reason; whatever can be understood switches."""
    links = [stage.world.link(str(300 + number)) for number in range(4)]
    stage.world.change(links[2], state="a_newer_one")
    stage.worker()
    stage.clock()
    now = stage.world.clock.at
    for link in links:
        stage.world.window(link, JAN, now, now + timedelta(hours=1))
    stage.world.window(links[1], KEES, now, now + timedelta(hours=1), reason="something_newer")
    for number in (0, 1, 3):
        stage.soon(partial(stage.pbx.rings, str(300 + number)), {JAN})
    stage.soon(lambda: stage.world.row(links[1]).refused, [["number", KEES, "not_understood"]])
    stage.soon(lambda: stage.world.row(links[2]).quarantined_at is not None, True, within=30)
    assert "a_newer_one" in (stage.world.row(links[2]).last_error or "")
    assert stage.pbx.rings("302") == set()
    assert stage.pbx.rings("301") == {JAN}


def test_31_a_forward_changed_by_hand(stage: Stage) -> None:
    """Put back once; changed again it stands, and is told; the next edge is ours again."""
    link = stage.world.link()
    stage.worker()
    stage.clock()
    settled(stage, link, JAN)
    stage.soon(lambda: stage.world.row(link).observed, [["number", JAN]])
    stage.pbx.by_hand(LINE, KEES)
    switching.sweep(stage.world.rt, "main")
    stage.soon(lambda: stage.pbx.rings("200"), {JAN})
    stage.soon(lambda: stage.world.row(link).lease_until, None)
    stage.pbx.by_hand(LINE, KEES)
    for _ in range(3):
        switching.sweep(stage.world.rt, "main")
        time.sleep(0.7)
    assert stage.pbx.rings("200") == {KEES}
    assert stage.world.row(link).contested_at is not None
    stage.world.window(link, PIET, stage.world.clock.at, stage.world.clock.at + timedelta(hours=1))
    stage.soon(lambda: stage.pbx.rings("200"), {JAN, PIET})


def test_a_paused_exchange_is_swept_after_it_wakes(between: tuple[Stage, Proxy]) -> None:
    """Drift that arose meanwhile is found by the periodic reading, without anybody's help."""
    stage, _ = between
    link = stage.world.link()
    stage.worker()
    stage.worker("gcal-care", "care")
    stage.clock()
    settled(stage, link, JAN)
    stage.soon(lambda: stage.world.row(link).observed, [["number", JAN]])
    stage.pbx.by_hand(LINE)
    assert stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=60) < 60
