"""`flask gcal doctor`: each neighbour that is away is found, with its mend; nothing else stops."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from werkzeug.serving import make_server

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.services.tallying import EVER
from gcal_plugin.store.tables import Tally
from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.portal_app import portal

NOWHERE = "https://127.0.0.1:9"


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as running:
        yield running


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """The application as a web process, so that somebody can post to it."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def findings(app: Flask) -> dict[str, dict[str, Any]]:
    said = app.test_cli_runner().invoke(args=["gcal", "doctor", "--json"])
    told = json.loads(said.output.splitlines()[-1])
    assert (said.exit_code == 0) == told["ok"] == all(one["ok"] for one in told["findings"])
    for one in told["findings"]:
        assert one["ok"] or one["mend"], f"{one['what']} has no mend"
    return {one["what"]: one for one in told["findings"]}


def test_everything_in_place(
    databases: Databases, make_redis: Callable[..., RedisServer], google: LocalGoogle
) -> None:
    redis, port = make_redis(), free_port()
    places = {
        "GCAL_REDIS_URL": redis.url(),
        "GCAL_GOOGLE_METADATA_URL": google.metadata_url,
        "GCAL_GOOGLE_API_ROOT": google.url,
        "GCAL_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    with portal(databases, **places) as app, served(app, port):
        found = findings(app)
    # The tables of this database were made without a revision, and no clock runs.
    wrong = {name for name, one in found.items() if not one["ok"]}
    assert wrong == {"tables", "clock"}
    for name in ("database", "redis", "redis policy", "google", "push address"):
        assert found[name]["ok"], found[name]
    assert found["exchange main: reach and log in"]["ok"]


def test_a_redis_that_forgets_is_found(
    databases: Databases, make_redis: Callable[..., RedisServer]
) -> None:
    redis = make_redis(options={"maxmemory-policy": "allkeys-lru"})
    with portal(databases, GCAL_REDIS_URL=redis.url(), GCAL_PUBLIC_URL=NOWHERE) as app:
        found = findings(app)
    assert not found["redis policy"]["ok"]
    assert "noeviction" in found["redis policy"]["mend"]


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-lru"])
def test_a_redis_whose_settings_are_its_hostings(
    databases: Databases, make_redis: Callable[..., RedisServer], policy: str
) -> None:
    """Hosted ones refuse `CONFIG`, and a user of few rights may not use it either."""
    redis = make_redis(options={"maxmemory-policy": policy})
    with Redis.from_url(redis.url()) as admin:
        admin.execute_command(
            "ACL", "SETUSER", "few", "on", ">secret", "~*", "&*", "+@all", "-config"
        )
    address = redis.url().replace("://", "://few:secret@", 1)
    with portal(databases, GCAL_REDIS_URL=address, GCAL_PUBLIC_URL=NOWHERE) as app:
        found = findings(app)
    assert found["redis"]["ok"], found["redis"]
    assert (found["redis policy"]["ok"], found["redis policy"]["detail"]) == (
        policy == "noeviction", policy,
    )  # fmt: skip


def test_a_redis_that_tells_us_nothing_but_works(
    databases: Databases, make_redis: Callable[..., RedisServer]
) -> None:
    redis = make_redis()
    with Redis.from_url(redis.url()) as admin:
        admin.execute_command(
            "ACL", "SETUSER", "few", "on", ">secret", "~*", "&*", "+@all", "-config", "-info"
        )
    address = redis.url().replace("://", "://few:secret@", 1)
    with portal(databases, GCAL_REDIS_URL=address, GCAL_PUBLIC_URL=NOWHERE) as app:
        found = findings(app)
    assert found["redis"]["ok"], found["redis"]
    assert not found["redis policy"]["ok"]
    assert "noeviction" in found["redis policy"]["mend"]


def test_what_is_away_is_told_and_stops_nothing(databases: Databases) -> None:
    with portal(databases, GCAL_PUBLIC_URL="") as app:
        found = findings(app)
    for name in ("redis", "google", "push address"):
        assert not found[name]["ok"]
    assert found["database"]["ok"]


def test_a_clock_that_never_beat_is_found(databases: Databases) -> None:
    with portal(databases, GCAL_PUBLIC_URL=NOWHERE) as app:
        found = findings(app)
    assert not found["clock"]["ok"]
    assert "gcal clock" in found["clock"]["mend"]


def test_daily_figures_are_forgotten_and_the_sum_stays(databases: Databases) -> None:
    from gcal_plugin.services.purging import purge

    with portal(databases) as app, app.app_context():
        rt = app.extensions["gcal"]
        with rt.store.begin() as session:
            session.add_all(
                Tally(name="late", day=day, tenant_id="t", pbx="main", counts=[1], total=1.0)
                for day in ("2020-01-01", "2999-01-01", EVER)
            )
        assert purge(rt) == 1
        with rt.store.begin() as session:
            assert {row.day for row in session.query(Tally)} == {"2999-01-01", EVER}


def test_a_portal_that_breaks_is_found_and_stops_nothing(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tenants may be in the database that is away just now."""

    def tenants() -> list[Any]:
        raise TimeoutError("jan@bakkerij.example is not told")

    with portal(databases, GCAL_PUBLIC_URL=NOWHERE) as app:
        monkeypatch.setattr(app.extensions["gcal"].portal, "tenants", tenants)
        found = findings(app)
    assert (found["portal"]["ok"], found["portal"]["detail"]) == (False, "TimeoutError")
    assert found["exchange main: reach and log in"]["ok"]
    assert "host's form-action" in found
