"""Real processes on both databases: worker and clock, Redis, a demo PBX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.databases import Databases
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage


@pytest.fixture
def stage(
    tmp_path: Path, database_kind: str, databases: Databases, redis_url: str
) -> Iterator[Stage]:
    """A stage on which a test starts the workers and clocks that it wants."""
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_stage(tmp_path, url, redis_url) as made,
    ):
        yield made
