"""The life of a link, at random, against an oracle; thousands of steps more in the soak.

The soak's choices come from `LIFE_SEED` (printed), so that a failure can be replayed; it takes
`LIFE_RUNS` lives of `LIFE_STEPS` steps.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, seed, settings
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
    number = int(os.environ.get("LIFE_SEED", random.SystemRandom().randrange(10**6)))
    print(f"LIFE_SEED={number}")
    run_state_machine_as_test(
        seed(number)(machine(databases)),
        settings=settings(
            max_examples=int(os.environ.get("LIFE_RUNS", "1000")),
            stateful_step_count=int(os.environ.get("LIFE_STEPS", "50")),
            deadline=None,
            # What is tried comes from the seed alone, not from what failed some other day.
            database=None,
            print_blob=True,
            suppress_health_check=CHECKS,
        ),
    )
