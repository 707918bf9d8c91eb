"""A hundred thousand links and five million windows: how quick the look-ups and pages still are.

Seeds a Postgres of its own, shows the plans of the hot queries, times them, asks for pages, and
watches real processes (web worker, job worker, clock) at rest. No peer: the limits are our own.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from example_app import create_app
from example_app import seed as people
from example_app.database import Base as PortalBase
from example_app.database import db
from gcal_plugin.store import migrate, queries_due, queries_switching
from gcal_plugin.store.crypto import new_key
from tests.servers import PostgresServer, RedisServer
from tests.support.portal_app import JAN, OPERATOR, Person

from . import scale_rest, scale_seed
from .scale_plot import draw, draw_memory

LIMITS = {
    "due_query_ms": 5.0,
    "status_p99_ms": 50.0,
    "board_ms": 300.0,
    "metrics_ms": 300.0,
    "web_hour_mib": 150.0,
    "worker_hour_mib": 200.0,
    "idle_cpu_percent": 2.0,
}
PREFIX = "/google-calendar"
PLOTS = Path(__file__).parent.parent / "docs/images"
Say = Callable[[str], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """How large, how long, and where the picture goes."""
    parser.add_argument("--links", type=int, default=100_000)
    parser.add_argument("--windows", type=int, default=50, help="windows of each link")
    parser.add_argument(
        "--idle", type=float, default=120, help="seconds to watch it at rest (3600: a whole hour)"
    )
    parser.add_argument("--plot", action="store_true", help="draw the pictures for the docs")


def run(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Everything, in one database."""
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder)) as servers:
        config = _config(servers)
        figures = _seed(servers, config, options, say)
        figures |= _queries(servers, say)
        figures |= _pages(config, say)
        rest, held = scale_rest.watch(Path(folder), config, options.idle, say)
    figures |= rest
    missed = [key for key, limit in LIMITS.items() if figures[key] > limit]
    for key, limit in LIMITS.items():
        say(f"{key:16} {figures[key]:9.2f}   limit {limit:g}{'   MISSED' if key in missed else ''}")
    if options.plot:
        draw(PLOTS / "scale.svg", figures, LIMITS)
        draw_memory(PLOTS / "scale-memory.svg", held)
    worst = max(LIMITS, key=lambda key: figures[key] / LIMITS[key])
    return {
        "ours": figures[worst], "peer": None, "ratio": figures[worst] / LIMITS[worst],
        "unit": worst, "limit": LIMITS[worst], "passed": not missed, **figures,
    }  # fmt: skip


class _servers:  # noqa: N801 (used as a function)
    """Postgres and Redis of this run alone."""

    def __init__(self, folder: Path) -> None:
        self.postgres = PostgresServer(
            options={
                "shared_buffers": "512MB",
                "max_wal_size": "8GB",
                "maintenance_work_mem": "256MB",
            }
        )
        self.redis = RedisServer(folder / "redis")

    def __enter__(self) -> _servers:
        self.postgres.start()
        self.redis.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.stop()
        self.postgres.close()


def _config(servers: _servers) -> dict[str, Any]:
    return {
        "SECRET_KEY": "scale",
        "SQLALCHEMY_DATABASE_URI": servers.postgres.url(),
        "GCAL_GOOGLE_CLIENT_ID": "client.example",
        "GCAL_GOOGLE_CLIENT_SECRET": "secret",
        "GCAL_GOOGLE_METADATA_URL": "http://127.0.0.1:9/.well-known/openid-configuration",
        "GCAL_GOOGLE_API_ROOT": "http://127.0.0.1:9",
        "GCAL_REDIS_URL": servers.redis.url(),
        "GCAL_ENCRYPTION_KEYS": [new_key()],
        "GCAL_TELEPHONY": {"main": {"backend": "memory"}},
        "GCAL_METRICS_TOKEN": "scale",
        "GCAL_PUBLIC_URL": "https://portal.example",
        "WTF_CSRF_ENABLED": True,
    }


def _seed(
    servers: _servers, config: dict[str, Any], options: argparse.Namespace, say: Say
) -> dict[str, Any]:
    app = create_app(config)
    with app.app_context():
        migrate.upgrade(db.engine)
        PortalBase.metadata.create_all(db.engine)
        app.test_cli_runner().invoke(people.command, catch_exceptions=False)
        began = time.monotonic()
        scale_seed.fill(db.engine, links=options.links, windows=options.windows)
        seconds = time.monotonic() - began
        size = db.session.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0
        db.session.remove()
        db.engine.dispose()
    windows = options.links * options.windows
    say(f"seeded {options.links} links, {windows} windows in {seconds:.0f} s")
    return {
        "links": options.links,
        "windows": windows,
        "seed_s": round(seconds, 1),
        "database_mib": round(size / 2**20),
    }


def _queries(servers: _servers, say: Say) -> dict[str, Any]:
    engine = sa.create_engine(servers.postgres.url())
    with sa.orm.Session(engine) as session:
        times: list[float] = []
        rows: list[queries_switching.Due] = []
        for _ in range(300):
            began = time.perf_counter()
            rows, _ = queries_due.due(session, None, timedelta(seconds=5), 60_000)
            times.append((time.perf_counter() - began) * 1000)
        for name, statement in scale_seed.HOT.items():
            explain = f"EXPLAIN (ANALYZE, COSTS OFF) {statement}"  # our own statements, no values
            plan = session.connection().exec_driver_sql(explain).scalars().all()
            say(f"-- {name}\n" + "\n".join(plan))
            used = "\n".join(plan)
            assert "Seq Scan" not in used, f"{name} reads a whole table:\n{used}"
    engine.dispose()
    say(f"{len(rows)} lines due: median {statistics.median(times):.2f} ms")
    return {
        "due_lines": len(rows),
        "due_query_ms": round(_p(times, 0.99), 3),
        "due_query_p50_ms": round(statistics.median(times), 3),
    }


def _pages(config: dict[str, Any], say: Say) -> dict[str, Any]:
    app = create_app(config)
    found: dict[str, Any] = {}
    jan, operator = Person(app, JAN), Person(app, OPERATOR)
    bearer = {"Authorization": "Bearer scale"}
    asked: dict[str, tuple[Callable[[], Any], int]] = {
        "status": (lambda: jan.client.get(f"{PREFIX}/"), 300),
        "board": (lambda: operator.client.get(f"{PREFIX}/operator/"), 20),
        "metrics": (lambda: app.test_client().get(f"{PREFIX}/metrics", headers=bearer), 20),
    }
    for name, (ask, times) in asked.items():
        taken = []
        for turn in range(times + 3):
            began = time.perf_counter()
            answer = ask()
            if turn >= 3:  # the first ones compile templates and open connections
                taken.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (name, answer.status_code)
        found[f"{name}_p50_ms"] = round(statistics.median(taken), 2)
        found[f"{name}_p99_ms"] = round(_p(taken, 0.99), 2)
        say(f"{name}: p50 {found[f'{name}_p50_ms']} ms, p99 {found[f'{name}_p99_ms']} ms")
    found["board_ms"], found["metrics_ms"] = found["board_p50_ms"], found["metrics_p50_ms"]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return found


def _p(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
