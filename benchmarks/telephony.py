"""Pushes a second of each adapter beside a bare client loop, and what a plan costs a call.

The peer of an adapter sends the same requests to the same server, made and signed before the
clock starts, through the same HTTP library or a plain socket, and only reads the answers. Both
take turns within one run. `ratio` is the worst adapter's time over its peer's.

Calls: sipp through a real Kamailio to a sipp that answers, with the look-up in a plan of 50
windows and with a config that knows no look-up, by turns; CPU is shared with both sipps.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.telephony_calls import calls_per_second
from benchmarks.telephony_peers import Contest, ami, broadworks, kamailio, webhook

LIMIT = 1.3
SLOWER = 5
"""Percent that the look-up may cost."""
FEWEST = 5
"""Rounds of each side, however slow the machine is."""
CONTESTS: dict[str, Callable[[ExitStack, Path], Contest]] = {
    "webhook": webhook,
    "kamailio": kamailio,
    "asterisk": ami,
    "broadworks": broadworks,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--pushes", type=int, default=50, help="a round")
    parser.add_argument("--rounds", type=int, default=40, help="of each side, at most")
    parser.add_argument("--seconds", type=float, default=30, help="an adapter, at most")
    parser.add_argument("--calls", type=int, default=3000, help="a round; 0 leaves the calls out")


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Every adapter in turn, then the calls."""
    found: dict[str, dict[str, float]] = {}
    for name, make in CONTESTS.items():
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            found[name] = _measure(make(stack, folder), options)
        one = found[name]
        say(f"{name}: {one['ours']:.0f}/s, bare {one['peer']:.0f}/s, {one['ratio']:.2f}x")
    worst = max(found, key=lambda name: found[name]["ratio"])
    result: dict[str, Any] = {
        "ours": round(found[worst]["ours"], 1),
        "peer": round(found[worst]["peer"], 1),
        "ratio": round(found[worst]["ratio"], 3),
        "unit": "pushes/s",
        "limit": LIMIT,
        "worst": worst,
        "adapters": {
            name: {key: round(value, 3) for key, value in one.items()}
            for name, one in found.items()
        },
    }
    if options.calls:
        with tempfile.TemporaryDirectory() as folder_name:
            plain, plan = calls_per_second(Path(folder_name), options.calls, say)
        slower = max(0.0, (plain / plan - 1) * 100)
        say(
            f"calls: {plain:.0f}/s without the look-up, {plan:.0f}/s with it, {slower:.1f} % slower"
        )
        result |= {
            "calls_plain": round(plain, 1),
            "calls_plan": round(plan, 1),
            "slower_percent": round(slower, 2),
            "slower_limit": SLOWER,
        }
    result["passed"] = result["ratio"] <= LIMIT and result.get("slower_percent", 0) <= SLOWER
    return result


def _measure(contest: Contest, options: argparse.Namespace) -> dict[str, float]:
    """Turn by turn, so that what else the machine does falls on both; the best fifth counts."""
    contest.peer(contest.prepare(20))
    contest.ours(20)
    ours: list[float] = []
    peer: list[float] = []
    ends = time.monotonic() + options.seconds
    while len(ours) < options.rounds and (len(ours) < FEWEST or time.monotonic() < ends):
        prepared = contest.prepare(options.pushes)
        began = time.perf_counter()
        contest.peer(prepared)
        peer.append(time.perf_counter() - began)
        began = time.perf_counter()
        contest.ours(options.pushes)
        ours.append(time.perf_counter() - began)
    best = max(1, len(ours) // 5)
    mine, theirs = statistics.mean(sorted(ours)[:best]), statistics.mean(sorted(peer)[:best])
    return {
        "ours": options.pushes / mine,
        "peer": options.pushes / theirs,
        "ratio": mine / theirs,
        "rounds": len(ours),
    }
