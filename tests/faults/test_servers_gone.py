"""Redis and the database: killed, emptied, full, hung, locked."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gcal_plugin.jobs.connection import connect
from gcal_plugin.jobs.queue import RqWake
from tests.servers import PostgresServer, RedisServer
from tests.servers.databases import Databases
from tests.support import portal_app
from tests.support.lines import JAN, PIET
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage

pytestmark = pytest.mark.faults


@pytest.fixture
def redis(make_redis: Callable[..., RedisServer]) -> RedisServer:
    """A Redis to break; what it holds is gone when it dies."""
    return make_redis()


@pytest.fixture
def stage(tmp_path: Path, databases: Databases, redis: RedisServer):
    with (
        databases.fresh("postgres", key="schema", prepare=make_schema) as url,
        make_stage(tmp_path, url, redis.url()) as made,
    ):
        yield made


def test_05_redis_killed_with_all_it_held(stage: Stage, redis: RedisServer) -> None:
    link = stage.world.link()
    stage.worker()
    stage.clock()
    stage.soon(lambda: stage.world.row(link).due_at, None)
    _, end = stage.forward(link, JAN, 3, 6)
    redis.kill()
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=20)
    redis.start()
    stage.soon(lambda: stage.pbx.rings("200"), set(), within=20)
    assert stage.world.clock.at - end < timedelta(seconds=10)


def test_06_flushall_loses_nothing(stage: Stage, redis: RedisServer) -> None:
    link = stage.world.link()
    stage.world.window(link, JAN, stage.world.clock.at, stage.world.clock.at + timedelta(hours=1))
    stage.clock()
    time.sleep(1)  # asked, and no worker took it
    redis.flush()
    stage.worker()
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=20)


def test_07_redis_full(stage: Stage, redis: RedisServer) -> None:
    link = stage.world.link()
    with redis.client() as client:
        client.config_set("maxmemory", "1")
    stage.worker()
    stage.clock()
    stage.forward(link, JAN, 2, 300)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=20)


def test_08_redis_hangs_and_nobody_waits_for_it(stage: Stage, redis: RedisServer) -> None:
    """Whoever asks is answered in a third of a second, and the clock switches by itself."""
    link = stage.world.link()
    stage.clock()
    stage.soon(lambda: stage.world.row(link).due_at, None)
    redis.pause()
    wake = RqWake(connect(redis.url()))
    began = time.monotonic()
    assert not wake.switch("main", [link])
    assert not wake.mail()
    assert time.monotonic() - began < 0.6
    wake.close()
    stage.forward(link, JAN, 2, 300)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=20)
    redis.resume()


def test_08_redis_hangs_and_the_pages_answer(databases: Databases, redis: RedisServer) -> None:
    """The first one waits a third of a second for it, and the others not at all."""
    with portal_app.portal(databases, GCAL_REDIS_URL=redis.url()) as app:
        person = portal_app.Person(app, portal_app.JAN)
        healthy = min(seconds_for(person) for _ in range(3))
        redis.pause()
        try:
            first, *others = [seconds_for(person) for _ in range(4)]
        finally:
            redis.resume()
    assert first < healthy + 1
    assert min(others) < healthy + 0.25


def seconds_for(person: portal_app.Person) -> float:
    began = time.monotonic()
    person.get(portal_app.PREFIX + "/")
    assert person.answer.status_code == 200, person.text
    return time.monotonic() - began


def test_10_a_locked_row_holds_up_nobody_else(stage: Stage) -> None:
    locked, free = stage.world.link("200"), stage.world.link("201")
    now = stage.world.clock.at
    for link in (locked, free):
        stage.world.window(link, JAN, now, now + timedelta(hours=1))
    with psycopg.connect(stage.host["database"].replace("+psycopg", "")) as other:
        other.execute(
            "SELECT 1 FROM gcal_forwarding WHERE link_id = %s FOR UPDATE", [locked]
        ).fetchone()
        stage.worker()
        stage.clock()
        stage.soon(lambda: stage.pbx.rings("201"), {JAN}, within=15)
        assert stage.pbx.rings("200") == set()
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=15)


def test_09_postgres_crashes_and_comes_back(
    tmp_path: Path, make_postgres: Callable[..., PostgresServer], redis: RedisServer
) -> None:
    postgres = make_postgres(durable=True)
    name = postgres.create_database(template="template1")
    make_schema(postgres.url(name))
    with make_stage(tmp_path, postgres.url(name), redis.url()) as stage:
        link = stage.world.link()
        stage.worker()
        stage.clock()
        stage.forward(link, JAN, 4, 300)
        stage.soon(lambda: stage.world.row(link).due_cause, "edge")
        stage.world.rt.store.release()
        postgres.crash()
        time.sleep(3)
        postgres.start()
        stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=45)


def test_11_sqlite_busy_is_waited_out(
    tmp_path: Path, databases: Databases, redis: RedisServer
) -> None:
    """Somebody writes for seconds on end; worker and clock go on afterwards."""
    with (
        databases.fresh("sqlite", key="schema", prepare=make_schema) as url,
        make_stage(tmp_path, url, redis.url()) as stage,
    ):
        link = stage.world.link()
        stage.worker()
        stage.clock()
        stage.forward(link, JAN, 3, 300)
        stage.world.rt.store.release()
        with sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(6)
            other.execute("COMMIT")
        stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=30)
        assert all(child.running for child in stage.children.values())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_12_a_full_disk_breaks_nothing(
    small_disk: Path, tmp_path: Path, redis: RedisServer
) -> None:
    """Nothing can be recorded while the disk is full; what should end does, nothing is damaged, and
    once there is room again every line is as it should be."""
    database = small_disk / "gcal.sqlite"
    make_schema(f"sqlite:///{database}")
    with make_stage(tmp_path, f"sqlite:///{database}", redis.url()) as stage:
        link = stage.world.link()
        stage.worker()
        stage.clock()
        _, end = stage.forward(link, JAN, 1, 9)
        stage.soon(lambda: stage.pbx.rings("200"), {JAN})
        stage.soon(lambda: stage.world.row(link).due_at == end, True)
        stage.world.rt.store.release()
        ballast = small_disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        time.sleep(max(0, (end - stage.world.clock.at).total_seconds()))
        stage.soon(lambda: stage.pbx.rings("200"), set(), within=40)
        assert all(child.running for child in stage.children.values())
        assert "ended_unrecorded" in stage.children["clock"].output()
        ballast.unlink()
        stage.soon(lambda: stage.world.row(link).observed, [], within=40)
        assert stage.world.row(link).last_error is None
        with sqlite3.connect(database) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        now = stage.world.clock.at
        stage.world.window(link, PIET, now, now + timedelta(hours=1))
        stage.soon(lambda: stage.pbx.rings("200"), {PIET}, within=30)
