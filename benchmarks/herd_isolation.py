"""What a slow and a dead PBX do to others' tenants: `python -m benchmarks herd --isolation`.

A twentieth of the tenants are on a PBX of their own that takes lines one by one. All lines switch
at the same instants, on and off in turn; the others' lateness is compared between rounds in which
that PBX is healthy, in which each of its answers takes 100 ms longer, and in which it hangs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import sqlalchemy as sa

from gcal_plugin.store.tables import Forwarding

from .herd_world import TENANTS, Ground, demo_pbx, entry, ground, populate, set_edge

LINES = 4_000
BAD_TENANTS = TENANTS // 20
ROUNDS = 8
"""Of each kind, in turn, so that a drift of the machine's speed meets all kinds alike."""
SLOW = 0.1
LIMIT = 1.2
"""How many times the others' p99 may be what it is beside a healthy PBX."""


def isolation(workers: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; `ours` is the others' p99 beside the dead PBX, `peer` beside a healthy one."""
    with ground() as place:
        bad, port = demo_pbx(place.folder, "bad")
        with bad:
            url = f"http://127.0.0.1:{port}"
            populate(place, LINES, lambda tenant: "bad" if tenant < BAD_TENANTS else "main")
            place.switching(
                {"main": entry(place.pbx_url), "bad": entry(url) | {"timeout": 2}}, workers
            )
            time.sleep(3)
            states: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
                "healthy": (lambda: _fault(url, 0), lambda: None),
                "slow": (lambda: _fault(url, SLOW), lambda: _fault(url, 0)),
                "dead": (bad.pause, bad.resume),
            }
            rounds = _rounds(place, states, say)
    p99 = {name: round(statistics.median(found), 4) for name, found in rounds.items()}
    slow, dead = (round(p99[name] / p99["healthy"], 2) for name in ("slow", "dead"))
    return {
        "form": "isolation",
        "ours": p99["dead"],
        "peer": p99["healthy"],
        "ratio": dead,
        "unit": "s",
        "limit": LIMIT,
        "lines": LINES,
        "rounds": ROUNDS,
        **{f"p99_s_beside_{name}": value for name, value in p99.items()},
        "slow_ratio": slow,
        "dead_ratio": dead,
        "passed": max(slow, dead) <= LIMIT,
    }


def _fault(url: str, latency: float) -> None:
    fault = {"no_bulk": True, "latency": latency}
    httpx.put(f"{url}/_control/faults", json=fault, timeout=30).raise_for_status()


def _rounds(
    place: Ground,
    states: dict[str, tuple[Callable[[], object], Callable[[], object]]],
    say: Callable[[str], None],
) -> dict[str, list[float]]:
    """The others' p99 in seconds, of each round by the state of the bad PBX."""
    found: dict[str, list[float]] = {name: [] for name in states}
    others = LINES - LINES * BAD_TENANTS // TENANTS
    seen, ends = 0, False
    states["healthy"][0]()
    for number in range(ROUNDS + 1):
        for name, (begin, heal) in states.items():
            edge = set_edge(place, 7 + LINES * 1.1 / 1000, ends=ends)
            ends = not ends
            begin()
            late = _lateness(place, edge, seen, others)
            seen += others
            heal()
            say(f"beside a {name} PBX: p99 {late:.3f} s{'' if number else ' (warming up)'}")
            if number:
                found[name].append(late)
    return found


def _lateness(place: Ground, edge: datetime, seen: int, lines: int) -> float:
    time.sleep(max(0.0, (edge - datetime.now(UTC)).total_seconds()) + 1.5)
    deadline = time.monotonic() + 60
    while len(writes := place.history(seen)) < lines:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(writes)} of {lines} lines after a minute")
        time.sleep(0.5)
    while _unrecorded(place):
        if time.monotonic() > deadline:
            raise RuntimeError("not everything was recorded after a minute")
        time.sleep(0.2)
    moments = [datetime.fromisoformat(one["at"]) for one in writes]
    late = sorted((one - edge).total_seconds() for one in moments)
    if late[0] < 0:
        raise RuntimeError(f"a line switched {-late[0]:.3f} s early")
    return late[int(len(late) * 0.99) - 1]


def _unrecorded(place: Ground) -> int:
    """How many of the others' lines somebody is still at work on."""
    query = sa.select(sa.func.count()).where(
        Forwarding.pbx == "main", Forwarding.lease_until.is_not(None)
    )
    with place.engine.connect() as connection:
        return connection.scalar(query) or 0
