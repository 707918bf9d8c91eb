"""Fixtures for every room: real servers, fresh databases, and no test that skips in silence.

- `redis_url`: the address of a real Redis that is empty at the start of the test.
- `database_url`: an empty SQLite file and an empty Postgres database, one after the other.
- `databases`: the same with a schema that is made once and copied for each test.
- `archives`: the wheel and the sdist of this tree, built once in a run.
- `redis_server`, `postgres_server`: the servers behind them, shared by the tests of one process.
  A test that stops, kills or fills a server starts its own: `make_redis`, `make_postgres`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import canary
from tests.servers import PostgresServer, RedisServer
from tests.servers.databases import Databases
from tests.support.package import built

# -- no silent skips -------------------------------------------------------------------------


def _skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    return longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test fails, unless it carries `may_skip("why")`: a missing server is a fault.

    So does one that printed a token of the local Google.
    """
    report = yield
    folder = canary.own_folder(item) if report.when == "teardown" else None
    if report.passed and (places := canary.leaks(report.sections, folder)):
        report.outcome = "failed"
        report.longrepr = f"a token was printed: {', '.join(places)}"
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and not expected_failure and item.get_closest_marker("may_skip") is None:
        report.outcome = "failed"
        report.longrepr = f"skipped without leave ({_skip_reason(report)})"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself as a whole fails the run too."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"module skipped without leave ({_skip_reason(report)})"
    return report


# -- the package -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Path, Path]:
    """The wheel and the sdist, which all processes of a run share."""
    own = tmp_path_factory.getbasetemp()
    return built(own if worker_id == "master" else own.parent)


# -- Redis -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The Redis of this test process. Do not stop it; see `make_redis`."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of a Redis without any key in it."""
    redis_server.flush()
    return redis_server.url()


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Start a Redis of one's own, to be killed, paused or filled: `make_redis(durable=True)`."""
    with ExitStack() as stack:

        def make(**options: Any) -> RedisServer:
            folder = tmp_path / f"redis-{len(list(tmp_path.glob('redis-*')))}"
            return stack.enter_context(RedisServer(folder, **options))

        yield make


# -- databases -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The Postgres of this test process. Do not stop it; see `make_postgres`."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def make_postgres() -> Iterator[Callable[..., PostgresServer]]:
    """Start a Postgres of one's own, to be crashed or paused: `make_postgres(durable=True)`."""
    with ExitStack() as stack:

        def make(**options: Any) -> PostgresServer:
            return stack.enter_context(PostgresServer(**options))

        yield make


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """Fresh databases with a schema: `with databases.fresh("sqlite", key=..., prepare=...)`."""
    return Databases(
        tmp_path_factory.mktemp("databases"), lambda: request.getfixturevalue("postgres_server")
    )


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; everything that stores must do so on both.

    `@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)` narrows it down.
    """
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(database_kind: Any, databases: Databases) -> Iterator[str]:
    """The address of an empty database of this test's own."""
    with databases.fresh(database_kind) as url:
        yield url
