"""The herd: thousands of extensions of 200 tenants switch at one instant.

How late is measured at the PBX, by its own record of when each line changed. The peer is one RQ
job per link by `enqueue_at`, on the same machine, database and PBX, in the same run.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from .herd_peer import plan
from .herd_plot import draw
from .herd_world import SECRET, TENANTS, Ground, entry, ground, populate, set_edge

LIMIT = 1.0
"""Seconds: what 99 of 100 of 10,000 lines on one bulk PBX may be late."""
WANTED_RATIO = 50
PLOT = Path(__file__).parents[1] / "docs" / "img" / "herd.svg"

Say = Callable[[str], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--variants", action="store_true", help="also 200 PBXes and one by one")
    parser.add_argument("--growth", action="store_true", help="also 1,000 and 50,000 lines")
    parser.add_argument("--no-peer", action="store_true", help="leave the peer out")
    parser.add_argument("--plot", action="store_true", help=f"draw {PLOT.name} for the docs")


def run(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Measure; answers the figures."""
    late = herd(options.lines, options.workers, say)
    result: dict[str, Any] = {
        "ours": late.p99,
        "unit": "s",
        "limit": LIMIT,
        "lines": options.lines,
        "p50_s": late.p50,
        "p99_s": late.p99,
        "max_s": late.worst,
        "early": late.early,
    }
    peer = None
    if not options.no_peer:
        peer = herd_of_jobs(options.lines, options.workers, say)
        result |= {
            "peer": peer.p99,
            "ratio": round(peer.p99 / late.p99, 1),
            "peer_p50_s": peer.p50,
            "wanted_ratio": WANTED_RATIO,
        }
    if options.variants:
        many = herd(options.lines, options.workers, say, per_tenant_pbx=True)
        result |= {"pbx200_p99_s": many.p99, "pbx200_early": many.early}
        result |= one_by_one(min(options.lines, 5_000), options.workers, say)
    if options.growth:
        for lines in (1_000, 50_000):
            grown = herd(lines, options.workers, say)
            result[f"p99_s_at_{lines}"] = grown.p99
            result[f"max_s_at_{lines}"] = grown.worst
    if options.plot and peer is not None:
        draw(PLOT, late.seconds, peer.seconds)
    result["passed"] = late.p99 <= LIMIT and late.early == 0
    return result


class Lateness:
    """Seconds between the edge and each line's change at the PBX."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self.seconds = sorted(seconds)

    def at(self, share: float) -> float:
        place = max(0, math.ceil(len(self.seconds) * share) - 1)
        return round(self.seconds[place], 3)

    @property
    def p50(self) -> float:
        return self.at(0.5)

    @property
    def p99(self) -> float:
        return self.at(0.99)

    @property
    def worst(self) -> float:
        return self.at(1.0)

    @property
    def early(self) -> int:
        return sum(one < 0 for one in self.seconds)

    def __str__(self) -> str:
        return f"p50 {self.p50} s, p99 {self.p99} s, max {self.worst} s, early {self.early}"


def herd(
    lines: int, workers: int, say: Say, *, per_tenant_pbx: bool = False, no_bulk: bool = False
) -> Lateness:
    """Our way: armed before the edge, in batches."""
    with ground() as place:
        populate(place, lines, per_tenant_pbx=per_tenant_pbx)
        names = [f"pbx{number}" for number in range(TENANTS)] if per_tenant_pbx else ["main"]
        env = place.host({name: entry(place.pbx_url) for name in names})
        if no_bulk:
            httpx.put(f"{place.pbx_url}/_control/faults", json={"no_bulk": True})
        for number in range(workers):
            place.start(f"worker{number}", ["tests.support.host", "worker", "gcal-switch"], env)
        place.start("clock", ["tests.support.host", "clock"], env)
        time.sleep(3)
        # Far enough to arm in the usual time, the few seconds of the clock's look-ahead.
        edge = set_edge(place, 10 + lines / 500)
        seconds = _measure(place, edge, lines, patience=120)
    late = Lateness(seconds)
    kind = "200 PBXes" if per_tenant_pbx else "one by one" if no_bulk else "one bulk PBX"
    say(f"{lines} lines, {kind}: {late}")
    return late


def herd_of_jobs(lines: int, workers: int, say: Say) -> Lateness:
    """The peer's way: a job per link."""
    with ground() as place:
        ids = populate(place, lines)
        values = {
            "database": place.database,
            "redis": place.redis.url(),
            "pbx": place.pbx_url,
            "secret": SECRET,
        }
        for number in range(workers):
            place.start(f"peer{number}", ["benchmarks.herd_peer"], {"PEER": json.dumps(values)})
        edge = set_edge(place, 5 + lines / 400)
        plan(place.redis.url(), ids, edge)
        seconds = _measure(place, edge, lines, patience=60 + lines / 20)
    late = Lateness(seconds)
    say(f"{lines} lines, one job each: {late}")
    return late


def _measure(place: Ground, edge: datetime, lines: int, *, patience: float) -> list[float]:
    left = (edge - datetime.now(UTC)).total_seconds()
    if left < 1:
        raise RuntimeError("this machine is too slow to get ready in time: nothing was measured")
    time.sleep(left)
    deadline = time.monotonic() + patience
    # The PBX is asked for its history only after the heat, so that asking does not slow it.
    time.sleep(1.5)
    writes: list[dict[str, Any]] = []
    while len(writes) < lines:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(writes)} of {lines} lines after {patience} s")
        time.sleep(1.0)
        writes += place.history(len(writes))
    moments = [datetime.fromisoformat(one["at"]) for one in writes]
    return [(one - edge).total_seconds() for one in moments]


def one_by_one(lines: int, workers: int, say: Say) -> dict[str, Any]:
    """A PBX without bulk writes: the whole herd, beside a bare client with the same requests."""
    ours = herd(lines, workers, say, no_bulk=True)
    with ground() as place:
        bare = _bare_client(place, lines)
    total = ours.worst
    say(f"{lines} requests by a bare keep-alive client: {bare:.2f} s; ours {total:.2f} s")
    return {
        "one_by_one_s": total,
        "bare_client_s": round(bare, 3),
        "one_by_one_ratio": round(total / bare, 2),
    }


def _bare_client(place: Ground, lines: int) -> float:
    """Signed PUTs over one kept connection of a plain httpx client, prepared beforehand."""
    webhook = Webhook(SECRET)
    requests = []
    for number in range(lines):
        line = {"domain": f"t{number % TENANTS}.example", "extension": str(10_000 + number)}
        value = {"kind": "number", "value": f"+316{10_000_000 + number}"}
        body = json.dumps({**line, "destinations": [value], "revision": 1})
        now, message = datetime.now(UTC), f"msg_{uuid.uuid4().hex}"
        headers = {
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(message, now, body),
            "content-type": "application/json",
        }
        path = f"/domains/{line['domain']}/extensions/{line['extension']}/forwards"
        requests.append((path, body, headers))
    with httpx.Client(base_url=place.pbx_url, trust_env=False) as client:
        began = time.perf_counter()
        for path, body, headers in requests:
            client.put(path, content=body, headers=headers).raise_for_status()
        return time.perf_counter() - began
