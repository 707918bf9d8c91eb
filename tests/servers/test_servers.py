"""The servers of the tests are real, recover as they say, and leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa

from tests.servers import (
    Child,
    ChildFailed,
    PostgresServer,
    RedisServer,
    ServerMissing,
    free_port,
    wait_for_port,
)
from tests.servers.databases import Databases
from tests.servers.process import find_program


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _until_dead(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _alive(pid)


class TestChild:
    def test_says_what_was_waited_for(self, tmp_path: Path) -> None:
        script = "print('ready on 4711', flush=True); import time; time.sleep(60)"
        with Child([sys.executable, "-c", script], log=tmp_path / "log") as child:
            assert child.wait_for(r"ready on (\d+)")[1] == "4711"
        assert not child.running

    def test_tells_the_end_of_the_log_when_it_ends_early(self, tmp_path: Path) -> None:
        child = Child([sys.executable, "-c", "raise SystemExit('no key')"], log=tmp_path / "log")
        with child, pytest.raises(ChildFailed, match="no key"):
            child.wait_for("ready")

    def test_stop_takes_its_children_along(self, tmp_path: Path) -> None:
        script = "sleep 60 & echo child $!; wait"
        with Child(["bash", "-c", script], log=tmp_path / "log") as child:
            grandchild = int(child.wait_for(r"child (\d+)")[1])
        assert _until_dead(grandchild)

    def test_stop_ends_one_that_does_not_listen(self, tmp_path: Path) -> None:
        script = "trap '' TERM; echo deaf; while :; do sleep 1; done"
        child = Child(["bash", "-c", script], log=tmp_path / "log").start()
        child.wait_for("deaf")
        child.stop(timeout=0.2)
        assert not child.running

    def test_does_not_outlive_its_parent(self, tmp_path: Path) -> None:
        parent = (
            "import pathlib, os, signal\n"
            "from tests.servers import Child\n"
            f"child = Child(['sleep', '60'], log=pathlib.Path({str(tmp_path / 'log')!r})).start()\n"
            "print(child.pid, flush=True)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", parent], capture_output=True, text=True, cwd=root, check=False
        )
        assert _until_dead(int(done.stdout))

    def test_a_paused_one_hangs_and_comes_back(self, tmp_path: Path) -> None:
        script = "while :; do date +%s%N; sleep 0.02; done"
        with Child(["bash", "-c", script], log=tmp_path / "log") as child:
            child.wait_for(r"\d+\n")
            child.pause()
            time.sleep(0.05)
            held = child.output()
            time.sleep(0.2)
            assert child.output() == held
            child.resume()
            child.wait_for(held + r"\d+\n")

    def test_a_missing_program_is_named_with_the_mend(self) -> None:
        with pytest.raises(ServerMissing, match=r"no-such-server is not installed: run"):
            find_program("no-such-server")


def test_ports_are_free_and_never_given_twice() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    with pytest.raises(TimeoutError, match="nothing listens"):
        wait_for_port(ports[0], timeout=0.1)


class TestRedis:
    def test_is_empty_at_the_start_of_each_test(self, redis_url: str) -> None:
        with redis.Redis.from_url(redis_url) as client:
            assert client.dbsize() == 0
            client.set("left", "behind")

    test_is_empty_again = test_is_empty_at_the_start_of_each_test

    @pytest.mark.faults
    @pytest.mark.parametrize("durable", [True, False])
    def test_a_kill_loses_what_was_not_durable(
        self, make_redis: Callable[..., RedisServer], durable: bool
    ) -> None:
        server = make_redis(durable=durable)
        with server.client() as client:
            client.set("key", "value")
        server.kill()
        server.start()
        with server.client() as client:
            assert client.get("key") == (b"value" if durable else None)

    @pytest.mark.faults
    def test_a_paused_one_does_not_answer(self, make_redis: Callable[..., RedisServer]) -> None:
        server = make_redis()
        impatient = redis.Redis.from_url(server.url(), socket_timeout=0.2, retry=None)
        with impatient as client:
            client.ping()
            server.pause()
            with pytest.raises(redis.exceptions.TimeoutError):
                client.ping()
            server.resume()
            assert client.ping()


class TestPostgres:
    @pytest.mark.faults
    def test_a_durable_one_recovers_what_was_committed(
        self, make_postgres: Callable[..., PostgresServer]
    ) -> None:
        server = make_postgres(durable=True)
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        server.crash()
        server.start()
        with server.connect() as connection:
            assert connection.execute("SELECT one FROM kept").fetchall() == [(1,)]
        server.close()
        assert not server.folder.exists()

    def test_does_not_run_as_root(self, postgres_server: PostgresServer) -> None:
        assert Path(f"/proc/{postgres_server.child.pid}").stat().st_uid != 0

    def test_dropping_a_database_ends_its_sessions(self, postgres_server: PostgresServer) -> None:
        name = postgres_server.create_database()
        with postgres_server.connect(name) as connection:
            postgres_server.drop_database(name)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")


class TestDatabases:
    def test_each_test_has_an_empty_one(self, database_url: str) -> None:
        engine = sa.create_engine(database_url)
        assert sa.inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE leftover (id INTEGER)"))
        engine.dispose()

    test_an_empty_one_again = test_each_test_has_an_empty_one

    def test_a_schema_is_prepared_once_and_copied(
        self, databases: Databases, database_kind: str
    ) -> None:
        prepared: list[str] = []

        def prepare(url: str) -> None:
            prepared.append(url)
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                connection.execute(sa.text("CREATE TABLE numbers (id INTEGER)"))
            engine.dispose()

        for _ in range(2):
            with databases.fresh(database_kind, key="check", prepare=prepare) as url:
                engine = sa.create_engine(url)
                with engine.begin() as connection:
                    connection.execute(sa.text("INSERT INTO numbers VALUES (1)"))
                    count = connection.scalar(sa.text("SELECT count(*) FROM numbers"))
                engine.dispose()
            assert count == 1
        assert len(prepared) == 1
