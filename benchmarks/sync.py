"""Incremental syncs a second of one worker process, beside gcal-sync on the same changes.

Ours decrypts each grant's token, asks the governor on Redis before each request, and commits every
delta durably to Postgres; gcal-sync keeps what it reads in memory. In each round every calendar
has one changed title; the two take turns in going first. Where our CPU time goes is told apart in a
round of its own: `claim` takes the calendars and opens their tokens, `ask` is Google's client, the
governor and reading the answers, `store` writes them down.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

from gcal_plugin.services import syncing

from .sync_peer import BareClient, GcalSync
from .sync_world import Ground, Stopwatch, ground, stages

LIMIT = 167.0
"""Google's whole project quota of 10,000 requests a minute, as requests a second."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--calendars", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; the rates are syncs a second of wall time."""
    count, rounds = options.calendars, options.rounds
    with ground(count) as place:
        peer, bare = GcalSync(place), BareClient(place)
        ours_time, peer_time, bare_time = Stopwatch(), Stopwatch(), Stopwatch()
        say(f"{count} calendars, {rounds} rounds; reading them for the first time")
        _ours(place)
        peer.start()
        bare.start()
        runners: list[tuple[Stopwatch, Callable[[], None]]] = [
            (ours_time, lambda: _ours(place)),
            (peer_time, peer.run),
            (bare_time, bare.run),
        ]
        for number in range(rounds):
            place.google.touch([person["calendar"] for person in place.people])
            time.sleep(1.0)  # no calendar is fetched twice within a second
            for watch, work in runners[number % 3 :] + runners[: number % 3]:
                with watch.running():
                    work()
            say(f"round {number + 1}: ours {ours_time.wall:.2f} s, peer {peer_time.wall:.2f} s")
        where = _where(place)
        done = count * rounds
        served = _serving_rate(place)
        peer.close()
        bare.close()
        syncing.close(place.rt)
    ours, theirs = done / ours_time.wall, done / peer_time.wall
    ratio = ours / theirs
    return {
        "ours": round(ours, 1),
        "peer": round(theirs, 1),
        "ratio": round(ratio, 3),
        "unit": "incremental syncs a second",
        "limit": LIMIT,
        "passed": ours >= LIMIT and ratio >= 0.5 and served >= 2 * LIMIT,
        "peer_name": "gcal-sync, in memory",
        "bare_client": round(done / bare_time.wall, 1),
        "cpu_ms": round(ours_time.cpu / done * 1000, 3),
        "where_cpu_ms": where,
        "peer_cpu_ms": round(peer_time.cpu / done * 1000, 3),
        "bare_cpu_ms": round(bare_time.cpu / done * 1000, 3),
        "server_rate": round(served, 1),
        "calendars": count,
        "rounds": rounds,
        "load": round(os.getloadavg()[0], 2),
    }


def _ours(place: Ground) -> None:
    report = syncing.sync_calendars(place.rt, place.calendar_ids)
    if len(report.synced) != len(place.calendar_ids):
        raise RuntimeError(f"not all were synced: {report.failed or report.postponed}")


def _where(place: Ground) -> dict[str, float]:
    """Milliseconds of CPU a sync, by stage; batch by batch, so that no stage meets another's."""
    place.google.touch([person["calendar"] for person in place.people])
    time.sleep(1.0)
    with stages() as spent:
        for first in range(0, len(place.calendar_ids), syncing.BATCH):
            batch = place.calendar_ids[first : first + syncing.BATCH]
            syncing.sync_calendars(place.rt, batch)
    return {stage: round(spent[stage] / len(place.people) * 1000, 3) for stage in sorted(spent)}


def _serving_rate(place: Ground) -> float:
    """Requests a second that the local Google answers to a client that does nothing else."""
    import http.client
    from concurrent.futures import ThreadPoolExecutor
    from urllib.parse import urlsplit

    person = place.people[0]
    address = urlsplit(place.google.url)
    path = f"/calendar/v3/calendars/{person['calendar']}/events?maxResults=1&fields=kind"

    def ask(times: int) -> None:
        line = http.client.HTTPConnection(address.hostname or "", address.port)
        for _ in range(times):
            line.request("GET", path, headers={"Authorization": f"Bearer {person['access_token']}"})
            line.getresponse().read()
        line.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, [500] * 4))
    return 2000 / (time.perf_counter() - began)
