"""A world on both databases, with an exchange in memory that takes sets only (no plans)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gcal_plugin.telephony.memory import MemoryTelephony
from tests.servers.databases import Databases
from tests.support.exchanges import Exchange
from tests.support.lines import MovedClock, World, make_world
from tests.support.runtime import make_schema


@pytest.fixture
def world(database_kind: str, databases: Databases) -> Iterator[World]:
    """One exchange, "main", that takes bulk writes and keeps no plans."""
    clock = MovedClock()
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(url, {"main": Exchange("main", clock=clock)}, clock=clock) as made,
    ):
        yield made


@pytest.fixture
def exchange(world: World) -> Exchange:
    """The exchange of `world`."""
    found = world.rt.telephony["main"]
    assert isinstance(found, Exchange)
    return found


@pytest.fixture
def planning(database_kind: str, databases: Databases) -> Iterator[World]:
    """The same with the shipped exchange in memory, which keeps plans."""
    clock = MovedClock()
    exchange = MemoryTelephony("main")
    exchange.exchange.clock = clock
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(url, {"main": exchange}, clock=clock) as made,
    ):
        yield made
