"""The herd's surroundings: Postgres, Redis, demo PBX, thousands of linked extensions, processes."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from gcal_plugin.store.crypto import new_key
from gcal_plugin.store.tables import Base, Calendar, Forwarding, Grant, Link, WindowRow
from gcal_plugin.store.tables.base import new_id
from tests.servers import PostgresServer, RedisServer
from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child

ROOT = Path(__file__).parents[1]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
TENANTS = 200


@dataclass
class Ground:
    """The servers of one run."""

    folder: Path
    postgres: PostgresServer
    redis: RedisServer
    pbx_port: int
    database: str
    engine: sa.Engine
    stack: ExitStack

    @property
    def pbx_url(self) -> str:
        return f"http://127.0.0.1:{self.pbx_port}"

    def host(self, telephony: dict[str, Any], **settings: Any) -> dict[str, str]:
        """The environment of a worker or a clock."""
        values = {
            "database": self.database,
            "redis": self.redis.url(),
            "telephony": telephony,
            "keys": [new_key()],
            "settings": settings,
        }
        return {"HOST": json.dumps(values)}

    def start(self, name: str, arguments: list[str], env: dict[str, str]) -> Child:
        """Start one of our processes and wait until it is ready."""
        child = Child(
            [sys.executable, "-m", *arguments],
            log=self.folder / f"{name}.log",
            name=name,
            cwd=ROOT,
            env=env,
        )
        self.stack.enter_context(child)
        child.wait_for("ready", timeout=30)
        return child

    def switching(self, telephony: dict[str, Any], workers: int) -> None:
        """Start what switches in production: workers and a clock."""
        env = self.host(telephony)
        for number in range(workers):
            self.start(f"worker{number}", ["tests.support.host", "worker", "gcal-switch"], env)
        self.start("clock", ["tests.support.host", "clock"], env)

    def history(self, since: int) -> list[dict[str, Any]]:
        """The writes of the PBX from the given one on."""
        answer = httpx.get(f"{self.pbx_url}/_control/history?since={since}", timeout=120)
        writes: list[dict[str, Any]] = answer.json()["writes"]
        return writes


def entry(url: str) -> dict[str, Any]:
    """The settings entry of the demo PBX."""
    return {"backend": "webhook", "url": url, "secret": SECRET, "allow_loopback": True}


def demo_pbx(folder: Path, name: str) -> tuple[Child, int]:
    """A demo PBX in a process of its own, which takes requests, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "example_app.demo_pbx"]
    options = ["--port", str(port), "--secret", SECRET]
    child = Child([*command, *options], log=folder / f"{name}.log", name=name, cwd=ROOT).start()
    wait_for_port(port)
    return child, port


@contextmanager
def ground() -> Iterator[Ground]:
    """Fresh servers; a database with the schema and nothing in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gcal-herd-")))
        options = {"shared_buffers": "256MB", "synchronous_commit": "on", "fsync": "on"}
        postgres = stack.enter_context(PostgresServer(options=options))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        pbx, port = demo_pbx(folder, "pbx")
        stack.enter_context(pbx)
        name = postgres.create_database(template="template1")
        database = postgres.url(name)
        engine = sa.create_engine(database)
        stack.callback(engine.dispose)
        Base.metadata.create_all(engine)
        yield Ground(folder, postgres, redis, port, database, engine, stack)


def set_edge(place: Ground, seconds: float, *, ends: bool = False) -> datetime:
    """Have every event start (or end) at one instant from now, once all processes are ready."""
    edge = datetime.now(UTC) + timedelta(seconds=seconds)
    start = edge - timedelta(hours=1) if ends else edge
    with place.engine.begin() as connection:
        connection.execute(
            sa.update(WindowRow).values(start_at=start, end_at=start + timedelta(hours=1))
        )
        connection.execute(
            sa.update(Forwarding).values(
                due_at=edge,
                asked_at=edge,
                # Whoever is still at work on a line has been overtaken, as by any change.
                generation=Forwarding.generation
                + sa.case((Forwarding.lease_until.is_not(None), 1), else_=0),
                lease_until=None,
                failures=0,
            )
        )
    return edge


def on_main(tenant: int) -> str:
    """All tenants on one PBX."""
    return "main"


def populate(place: Ground, count: int, pbx_of: Callable[[int], str] = on_main) -> list[UUID]:
    """`count` linked extensions of 200 tenants, each with one event that is far away.

    `pbx_of` names the PBX of a tenant, by its number.
    """
    now = datetime.now(UTC)
    start = now + timedelta(days=1)
    tables: dict[type[Base], list[dict[str, Any]]] = {
        Grant: [],
        Calendar: [],
        Link: [],
        WindowRow: [],
        Forwarding: [],
    }
    ids = []
    for number in range(count):
        tenant = number % TENANTS
        grant, calendar, link = new_id(), new_id(), new_id()
        ids.append(link)
        where = {
            "tenant_id": f"t{tenant}",
            "pbx": pbx_of(tenant),
            "domain": f"t{tenant}.example",
            "extension": str(10_000 + number // TENANTS),
        }
        tables[Grant].append(
            {
                "id": grant,
                "client_id": "c",
                "subject": str(link),
                "email": "a@b.c",
                "created_at": now,
            }
        )
        tables[Calendar].append(
            {"id": calendar, "grant_id": grant, "google_id": "p", "synced_at": now}
        )
        tables[Link].append(
            {
                "id": link,
                **where,
                "account_id": f"a{tenant}",
                "state": "linked",
                "grant_id": grant,
                "calendar_id": calendar,
                "created_at": now,
            }
        )
        tables[WindowRow].append(
            {
                "calendar_id": calendar,
                "event_id": str(link),
                "start_at": start,
                "end_at": start + timedelta(hours=1),
                "kind": "number",
                "value": f"+316{10_000_000 + number}",
                "received_at": now,
            }
        )
        tables[Forwarding].append(
            {
                "link_id": link,
                **where,
                "due_at": start,
                "asked_at": start,
                "observed": [],
                "observed_revision": 0,
            }
        )
    with place.engine.begin() as connection:
        for table, rows in tables.items():
            for at in range(0, len(rows), 2000):
                connection.execute(sa.insert(table), rows[at : at + 2000])
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    return ids
