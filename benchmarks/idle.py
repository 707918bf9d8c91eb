"""What a fleet costs Google, and us, on a day on which nothing happens.

A day passes on a simulated clock, after a first day that only spreads the calendars out: each
fetch, each listing and each renewal of a push channel is decided by the plugin's own rules of
time, and counted. The same figures come out for any number of links, since nothing in the rules
depends on the others; what grows is looked at too: the clock's own questions to the database, on
Postgres, with that many calendars in it, asked as often as at rest.

Token refreshes are no Calendar requests and stand apart. The peer is the same fleet without push:
polled every five minutes, as calendar tools commonly do.
"""

from __future__ import annotations

import argparse
import heapq
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gcal_plugin.jobs.clock import REST
from gcal_plugin.services import switching, sync_timing, watching
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.settings import GcalSettings
from gcal_plugin.store.tables import Calendar, Channel
from tests.servers import PostgresServer
from tests.support.runtime import make_app, make_runtime, make_schema

from .sync_world import populate

LIMIT = 2.5
POLLED_EVERY = timedelta(minutes=5)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_TOKEN_LIFE = timedelta(hours=1)
_START = datetime(2026, 6, 1, tzinfo=UTC)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--links", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--days", type=int, default=7, help="simulated days after the first")


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; `ours` is Calendar requests a day per link at the largest fleet."""
    fleets = []
    for links in options.links:
        counted = simulate(GcalSettings(), links, options.days)
        counted |= questions(links)
        say(f"{links} links: {counted}")
        fleets.append({"links": links, **counted})
    ours = fleets[-1]["requests"]
    peer = _DAY / POLLED_EVERY
    return {
        "ours": ours,
        "peer": peer,
        "ratio": round(ours / peer, 4),
        "unit": "Calendar requests a day per link",
        "limit": LIMIT,
        "passed": all(fleet["requests"] <= LIMIT for fleet in fleets),
        "peer_name": "polling every five minutes",
        "fleets": fleets,
        "load": round(os.getloadavg()[0], 2),
    }


def simulate(settings: GcalSettings, links: int, days: int) -> dict[str, Any]:
    """Let days pass for a fleet with push; answers requests a day per link by kind."""
    random.seed(17)
    begin, end = _START + _DAY, _START + (days + 1) * _DAY
    counts: Counter[str] = Counter()
    minutes: Counter[int] = Counter()
    queue: list[tuple[datetime, int, str]] = []
    relist: dict[int, datetime] = {}
    token: dict[int, datetime] = {}
    for link in range(links):
        first = _START + _DAY * random.random()
        relist[link] = first
        token[link] = first
        heapq.heappush(queue, (first, link, "sync"))
        heapq.heappush(queue, (first + _WEEK * random.random(), link, "renew"))
    while queue and queue[0][0] < end:
        now, link, what = heapq.heappop(queue)
        asked: tuple[str, ...]
        if what == "renew":
            asked = ("watch", "stop")
            heapq.heappush(queue, (watching.renewal(now, now + _WEEK), link, "renew"))
        else:
            asked = ("listing",) if relist[link] <= now else ("delta",)
            if asked == ("listing",):
                relist[link] = sync_timing.next_listing(settings, now)
            following = sync_timing.next_sync(settings, now, pushed=True)
            heapq.heappush(queue, (following, link, "sync"))
        if now < begin:
            continue
        counts.update(asked)
        minutes[int((now - begin).total_seconds() // 60)] += len(asked)
        if token[link] <= now:
            counts["refresh"] += 1
            token[link] = now + _TOKEN_LIFE
    per_link = {kind: round(count / links / days, 3) for kind, count in sorted(counts.items())}
    refreshes = per_link.pop("refresh", 0.0)
    return {
        "requests": round(sum(per_link.values()), 3),
        **per_link,
        "token_refreshes": refreshes,
        "busiest_minute": max(minutes.values()),
        "mean_minute": round(sum(minutes.values()) / days / 1440, 1),
    }


def questions(links: int, rounds: int = 50) -> dict[str, float]:
    """What the clock asks with nothing due: CPU here and wall time of each question, in ms."""
    with PostgresServer() as server:
        url = server.url(server.create_database(template="template1"))
        make_schema(url)
        app, db = make_app(url)
        with app.app_context():
            rt = make_runtime(db, public_url="https://portal.example")
            _fill(rt, links)
            look = _asked(lambda: switching.anything_near(rt, timedelta(seconds=REST)), rounds)
            channels = _asked(lambda: watching.renew_due(rt), rounds)
            db.session.remove()
            db.engine.dispose()
    return {
        "look_cpu_ms": look[0],
        "look_ms": look[1],
        "channels_cpu_ms": channels[0],
        "channels_ms": channels[1],
        "at_rest_percent": round((look[1] / REST + channels[1] / 60) / 10, 2),
    }


def _asked(question: Callable[[], int], rounds: int) -> tuple[float, float]:
    """CPU and wall time of one question, in ms."""
    question()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        if question():
            raise RuntimeError("something is due in an idle fleet")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return round(cpu / rounds * 1000, 2), round(wall / rounds * 1000, 2)


def _fill(rt: Runtime, links: int) -> None:
    now = time.time()
    for first in range(0, links, 10_000):
        people = [
            {
                "account": f"p{number}@bulk.example",
                "calendar": f"p{number}@bulk.example",
                "sub": str(number),
                "access_token": "token",
                "refresh_token": "token",
                "expires_at": now + 3600,
            }
            for number in range(first, min(first + 10_000, links))
        ]
        populate(rt, people, first)
    at = datetime.now(UTC)
    later = at + timedelta(hours=6)
    with rt.store.begin() as session:
        session.execute(
            sa.update(Calendar).values(next_sync_at=later, push_state="open", synced_at=at)
        )
        session.execute(
            sa.insert(Channel).from_select(
                [
                    *("id", "calendar_id", "token_digest", "resource_id"),
                    *("state", "created_at", "last_message_at", "expires_at", "renew_at"),
                ],
                sa.select(
                    sa.cast(Calendar.id, sa.String),
                    Calendar.id,
                    sa.literal("-"),
                    sa.literal("resource"),
                    sa.literal("open"),
                    sa.literal(at),
                    sa.literal(at),
                    sa.literal(at + timedelta(days=7)),
                    sa.literal(later),
                ),
            )
        )
    with rt.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
