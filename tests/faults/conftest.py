"""Real processes to break: each test starts what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.proxy import Proxy
from tests.google.conftest import google, local_google, pushed, world  # noqa: F401 (fixtures)
from tests.servers.databases import Databases
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage


@pytest.fixture(scope="session")
def database_kind() -> str:
    """Faults run on Postgres, as in production; what is particular to SQLite names it."""
    return "postgres"


@pytest.fixture
def stage(tmp_path: Path, databases: Databases, redis_url: str) -> Iterator[Stage]:
    """A stage on Postgres and Redis that nobody breaks."""
    with (
        databases.fresh("postgres", key="schema", prepare=make_schema) as url,
        make_stage(tmp_path, url, redis_url) as made,
    ):
        yield made


@pytest.fixture
def between(tmp_path: Path, databases: Databases, redis_url: str) -> Iterator[tuple[Stage, Proxy]]:
    """A stage whose exchange is reached through a proxy."""
    with ExitStack() as stack:
        found: list[Proxy] = []

        def port(pbx) -> int:
            found.append(stack.enter_context(Proxy(pbx.port)))
            return found[0].port

        url = stack.enter_context(databases.fresh("postgres", key="schema", prepare=make_schema))
        stage = stack.enter_context(make_stage(tmp_path, url, redis_url, pbx_port=port))
        yield stage, found[0]
