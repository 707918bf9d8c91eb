"""Two hundred random kills and pauses while edges pass; the PBX's own history against an oracle.

Every choice comes from `SOAK_SEED` (printed), so that a failure can be replayed; `SOAK_KILLS`
makes it shorter or longer.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.oracle import Who
from tests.servers import PostgresServer, RedisServer
from tests.servers.ports import wait_for_port
from tests.servers.process import Child
from tests.soak.lines import Line, Span, early, longest_wrong, supposed
from tests.support.lines import JAN, KEES, PIET
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
TENANTS = ("bakkerij.example", "slager.example", "kapper.example")
LINES = 30
CALM_AFTER = 20
"""Faults after which everything is left alone until every line is right."""
HEAL = 60.0
"""Seconds after which every line must be right once everything runs again: the promise."""


@dataclass(frozen=True)
class Victim:
    """A process to hurt, and how."""

    name: str
    kill: Callable[[], object]
    start: Callable[[], object]
    pause: Callable[[], object]
    resume: Callable[[], object]


def of_child(child: Child, start: Callable[[], object] | None = None) -> Victim:
    return Victim(child.name, child.kill, start or child.start, child.pause, child.resume)


def everybody(stage: Stage, postgres: PostgresServer, redis: RedisServer) -> list[Victim]:
    """Starts all that runs in production, each part twice where it may be, and answers it all."""
    ours = [
        *(stage.worker(name=f"worker{number}") for number in range(2)),
        *(stage.clock(f"clock{number}") for number in range(2)),
        stage.worker("gcal-care", "care"),
    ]

    def start_pbx() -> None:
        stage.pbx.child.start()
        wait_for_port(stage.pbx.port)

    return [
        *(of_child(child) for child in ours),
        of_child(redis.child, redis.start),
        of_child(stage.pbx.child, start_pbx),
        Victim("postgres", postgres.crash, postgres.start, postgres.pause, postgres.resume),
    ]


def plan(stage: Stage, chance: random.Random, seconds: int) -> dict[Line, list[Span]]:
    """Events all through the soak, on every line; the tenants' lines have the same numbers."""
    now = datetime.now(UTC)
    spans: dict[Line, list[tuple[datetime, datetime, Who]]] = {}
    for number in range(LINES):
        line = (TENANTS[number % len(TENANTS)], str(300 + number // len(TENANTS)))
        domain, extension = line
        link = stage.world.link(extension, domain=domain, tenant_id=domain)
        at = 10.0
        while at < seconds:
            begin = now + timedelta(seconds=at + chance.uniform(0, 5))
            end = begin + timedelta(seconds=chance.uniform(5, 60))
            value = chance.choice([JAN, PIET, KEES])
            stage.world.window(link, value, begin, end)
            spans.setdefault(line, []).append((begin, end, ("number", value)))
            at += chance.uniform(15, 60)
    return {line: sorted(found) for line, found in spans.items()}


def hurt(chance: random.Random, victims: list[Victim]) -> str:
    """Kill or stop one process, and bring it back a little later; answers what was done."""
    victim = chance.choice(victims)
    if chance.random() < 0.5:
        victim.kill()
        time.sleep(chance.uniform(0, 1.5))
        victim.start()
        return f"killed {victim.name}"
    victim.pause()
    time.sleep(chance.uniform(0.2, 4))
    victim.resume()
    return f"stopped {victim.name}"


def wrong(stage: Stage, spans: dict[Line, list[Span]]) -> list[Line]:
    """Lines that do not ring now as the oracle says."""
    at = datetime.now(UTC)
    return [
        (domain, extension)
        for (domain, extension), found in spans.items()
        if stage.pbx.rings(extension, domain) != supposed(found, at)
    ]


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_random_kills_lose_no_edge(
    tmp_path: Path,
    make_postgres: Callable[..., PostgresServer],
    make_redis: Callable[..., RedisServer],
) -> None:
    seed = int(os.environ.get("SOAK_SEED", random.SystemRandom().randrange(10**6)))
    print(f"SOAK_SEED={seed}")
    chance = random.Random(seed)
    postgres = make_postgres(durable=True)
    name = postgres.create_database(template="template1")
    make_schema(postgres.url(name))
    redis = make_redis()
    with make_stage(tmp_path, postgres.url(name), redis.url()) as stage:
        spans = plan(stage, chance, KILLS * 8 + 120)
        stage.world.rt.store.release()
        victims = everybody(stage, postgres, redis)
        began = datetime.now(UTC)
        for number in range(KILLS):
            print(f"{datetime.now(UTC):%T} {hurt(chance, victims)}", flush=True)
            if (number + 1) % CALM_AFTER == 0:
                took = stage.soon(lambda: wrong(stage, spans), [], within=HEAL)
                print(f"all right {took:.1f} s after fault {number + 1}", flush=True)
        until = datetime.now(UTC)
        writes = stage.pbx.history()
    assert {(one["domain"], one["extension"]) for one in writes} <= set(spans)
    assert early(writes, spans) == [], f"rang before its event (seed {seed})"
    seconds, line, at = longest_wrong(writes, spans, began, until)
    print(f"{len(writes)} writes; the longest that a line was wrong: {seconds:.1f} s")
    assert seconds <= HEAL, f"{line} was wrong for {seconds:.0f} s from {at} on (seed {seed})"
