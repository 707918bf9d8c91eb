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
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from .herd_peer import plan
from .herd_plot import draw
from .herd_world import SECRET, TENANTS, Ground, entry, ground, populate, set_edge

LIMIT = 1.0
"""Seconds: what 99 of 100 of 10,000 lines on one bulk PBX may be late."""
MANY_LIMIT = 3.0
"""Seconds: the same on 200 bulk PBXes, one a tenant."""
BARE_LIMIT = 1.3
"""How much longer than a bare keep-alive client a PBX without bulk writes may take in all."""
WANTED_RATIO = 50
BUDGET = 240.0
"""Seconds in which an idle machine with two cores gets to begin every form."""
PLOT = Path(__file__).parents[1] / "docs" / "images" / "herd.svg"

Say = Callable[[str], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--budget",
        type=float,
        default=BUDGET,
        metavar="SECONDS",
        help=f"begin no further form after so long ({BUDGET:.0f}); what was left out is named",
    )
    parser.add_argument("--no-peer", action="store_true", help="leave the peer out")
    parser.add_argument("--plot", action="store_true", help=f"draw {PLOT.name} for the docs")
    parser.add_argument(
        "--isolation",
        action="store_true",
        help="instead: what a slow and a dead PBX do to the others",
    )


def run(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Measure; answers the figures."""
    if options.isolation:
        from .herd_isolation import isolation

        return isolation(options.workers, say)
    began = time.monotonic()
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
    goals = {"p99_s": late.p99 <= LIMIT, "early": late.early == 0}
    if not options.no_peer:
        peer = herd_of_jobs(options.lines, options.workers, say)
        ratio = round(peer.p99 / late.p99, 1)
        result |= {"peer": peer.p99, "ratio": ratio, "wanted_ratio": WANTED_RATIO}
        result |= {"peer_p50_s": peer.p50, "peer_max_s": peer.worst, "peer_early": peer.early}
        goals["ratio"] = ratio >= WANTED_RATIO
        if options.plot:
            draw(PLOT, late.seconds, peer.seconds)
    left_out = []
    for name, form in _other_forms(options, say, result, goals):
        if time.monotonic() - began < options.budget:
            form()
        else:
            left_out.append(name)
    result["left_out"] = left_out
    result["missed"] = [name for name, met in goals.items() if not met]
    result["passed"] = not result["missed"]
    return result


def _other_forms(
    options: argparse.Namespace, say: Say, result: dict[str, Any], goals: dict[str, bool]
) -> list[tuple[str, Callable[[], None]]]:
    """A PBX for each tenant, one PBX line by line, and how lateness grows with the herd."""

    def pbx200() -> None:
        many = herd(options.lines, options.workers, say, per_tenant_pbx=True)
        result.update(pbx200_p99_s=many.p99, pbx200_max_s=many.worst, pbx200_early=many.early)
        goals.update(pbx200_p99_s=many.p99 <= MANY_LIMIT, pbx200_early=many.early == 0)

    def singly() -> None:
        result.update(one_by_one(min(options.lines, 5_000), options.workers, say))
        goals["one_by_one_ratio"] = result["one_by_one_ratio"] <= BARE_LIMIT

    def grown(lines: int) -> None:
        late = herd(lines, options.workers, say)
        result[f"p99_s_at_{lines}"], result[f"max_s_at_{lines}"] = late.p99, late.worst
        goals[f"early_at_{lines}"] = late.early == 0

    return [
        ("pbx200", pbx200),
        ("one_by_one", singly),
        *((f"growth_{lines}", partial(grown, lines)) for lines in (1_000, 50_000)),
    ]


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


def herd(lines: int, workers: int, say: Say, *, per_tenant_pbx: bool = False) -> Lateness:
    """Our way: armed before the edge, in batches."""
    names = [f"pbx{number}" for number in range(TENANTS)] if per_tenant_pbx else ["main"]
    with ground() as place:
        late = _herd_on(place, lines, workers, names)
    say(f"{lines} lines, {'200 PBXes' if per_tenant_pbx else 'one bulk PBX'}: {late}")
    return late


def _herd_on(place: Ground, lines: int, workers: int, names: Sequence[str]) -> Lateness:
    populate(place, lines, lambda tenant: names[tenant % len(names)])
    place.switching({name: entry(place.pbx_url) for name in names}, workers)
    time.sleep(3)
    # Beyond the clock's look-ahead: a few seconds, and a second more for each thousand.
    edge = set_edge(place, 10 + lines * 1.1 / 1000)
    return Lateness(_measure(place, edge, lines, patience=120))


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
        edge = set_edge(place, 5 + lines / 600)
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
    with ground() as place:
        httpx.put(f"{place.pbx_url}/_control/faults", json={"no_bulk": True})
        ours = _herd_on(place, lines, workers, ["main"])
    with ground() as place:
        bare = _bare_client(place, lines)
    total = ours.worst
    say(f"{lines} lines, one by one: {ours}; a bare keep-alive client {bare:.2f} s")
    return {
        "one_by_one_lines": lines,
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
