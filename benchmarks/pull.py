"""How long an exchange waits that asks at each call who rings: p99 at 200 calls a second.

Ten thousand linked extensions on Postgres, each with an event that runs now; two gunicorn workers
with threads. The calls come at fixed instants, whether or not the last one was answered, and each
is timed from its instant, so that a stall counts for every call it held up. The peer is a bare
Flask page with one indexed query, on the same processes.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gcal_plugin.store.crypto import new_key
from gcal_plugin.store.tables import WindowRow
from tests.servers.ports import free_port, wait_for_port
from tests.support.web_host import gunicorn

from .herd_world import TENANTS, Ground, ground, populate

LIMIT_S = 0.040
TOKEN = "pull-benchmark-token"
CALLERS = 16


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--extensions", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=200, help="calls a second")
    parser.add_argument("--seconds", type=int, default=20)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; `ours` and `peer` are the p99 of each, in seconds."""
    with ground() as place:
        populate(place, options.extensions)
        _all_run_now(place)
        port = _serve(place)
        count = options.rate * options.seconds
        paths = [_path(number % options.extensions) for number in range(count)]
        say(f"{count} calls at {options.rate}/s on {options.extensions} extensions")
        _calls(port, ["/bare/" + path for path in paths[: options.rate]], options.rate)
        ours = _calls(port, ["/google-calendar/pull/main/" + path for path in paths], options.rate)
        peer = _calls(port, ["/bare/" + path for path in paths], options.rate)
    p50, p99, theirs = statistics.median(ours), _p99(ours), _p99(peer)
    say(f"ours p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms; bare page {theirs * 1000:.1f} ms")
    return {
        "ours": p99,
        "peer": theirs,
        "ratio": p99 / theirs,
        "unit": "s at p99",
        "limit": LIMIT_S,
        "p50_s": p50,
        "p99_s": p99,
        "rate": options.rate,
        "passed": p99 <= LIMIT_S,
    }


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def _path(number: int) -> str:
    return f"t{number % TENANTS}.example/{10_000 + number // TENANTS}"


def _all_run_now(place: Ground) -> None:
    now = datetime.now(UTC)
    span = {"start_at": now - timedelta(hours=1), "end_at": now + timedelta(hours=2)}
    with place.engine.begin() as connection:
        connection.execute(sa.update(WindowRow).values(**span))


def _serve(place: Ground) -> int:
    port = free_port()
    values = {
        "database": place.database,
        "redis": place.redis.url(),
        "telephony": {"main": {"backend": "pull"}},
        "keys": [new_key()],
        "pull_tokens": {"main": TOKEN},
    }
    factory = "benchmarks.pull_host:create_app()"
    child = gunicorn(port, values, place.folder / "web.log", factory=factory)
    place.stack.enter_context(child)
    wait_for_port(port)
    for _ in range(8):  # both workers have imported everything before the clock starts
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", f"/bare/{_path(0)}")
        assert connection.getresponse().status == 200
        connection.close()
    return port


def _calls(port: int, paths: list[str], rate: int) -> list[float]:
    """The seconds that each call took from the instant at which it was due."""
    begin = time.perf_counter() + 0.5

    def caller(first: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        taken = []
        for number in range(first, len(paths), CALLERS):
            due = begin + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("GET", paths[number], headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            taken.append(time.perf_counter() - due)
            assert answer.status == 200, answer.status
            assert body.strip(), "every extension forwards"
        connection.close()
        return taken

    with ThreadPoolExecutor(CALLERS) as pool:
        return [one for part in pool.map(caller, range(CALLERS)) for one in part]
