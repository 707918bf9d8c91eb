"""The life of a link, at random, against an oracle; thousands of steps more in the soak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.servers.databases import Databases
from tests.support.exchanges import Exchange
from tests.support.life import Life
from tests.support.lines import MovedClock, World, make_world
from tests.support.runtime import make_schema


def machine(databases: Databases) -> type[Life]:
    """The machine on a fresh SQLite database for each run."""

    @contextmanager
    def open_world() -> Iterator[World]:
        clock = MovedClock()
        with (
            databases.fresh("sqlite", key="schema", prepare=make_schema) as url,
            make_world(url, {"main": Exchange("main", clock=clock)}, clock=clock) as world,
        ):
            yield world

    class OnSqlite(Life):
        pass

    OnSqlite.open_world = staticmethod(open_world)
    return OnSqlite


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def test_a_life_at_random(databases: Databases) -> None:
    run_state_machine_as_test(
        machine(databases),
        settings=settings(
            max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=CHECKS
        ),
    )


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_lives_of_fifty_steps(databases: Databases) -> None:
    run_state_machine_as_test(
        machine(databases),
        settings=settings(
            max_examples=1000, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS
        ),
    )
