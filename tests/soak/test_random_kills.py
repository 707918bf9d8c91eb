"""Two hundred random kills and pauses while edges pass; the PBX's own history against an oracle.

Every choice comes from `SOAK_SEED` (printed), so that a failure can be replayed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.oracle import Who, ringing
from tests.servers import PostgresServer, RedisServer
from tests.servers.process import Child
from tests.support.lines import JAN, KEES, PIET
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
LINES = 30
HEAL = 60.0
"""Seconds after which every line must be right once everything runs again: the promise."""


def plan(stage: Stage, chance: random.Random, seconds: int) -> dict[str, list]:
    """Events all through the soak, on every line; answers their spans by extension."""
    now = datetime.now(UTC)
    spans: dict[str, list[tuple[datetime, datetime, Who]]] = {}
    for number in range(LINES):
        extension = str(300 + number)
        link = stage.world.link(extension)
        at = 10.0
        while at < seconds:
            begin = now + timedelta(seconds=at + chance.uniform(0, 5))
            end = begin + timedelta(seconds=chance.uniform(5, 60))
            value = chance.choice([JAN, PIET, KEES])
            stage.world.window(link, value, begin, end)
            spans.setdefault(extension, []).append((begin, end, ("number", value)))
            at += chance.uniform(15, 60)
    return {extension: sorted(found) for extension, found in spans.items()}


def hurt(chance: random.Random, victims: list[Child], starters: list[Callable[[], object]]) -> None:
    """Kill or stop one process, and bring it back a little later."""
    place = chance.randrange(len(victims))
    victim = victims[place]
    if chance.random() < 0.5:
        victim.kill()
        time.sleep(chance.uniform(0, 1.5))
        starters[place]()
    else:
        victim.pause()
        time.sleep(chance.uniform(0.2, 4))
        victim.resume()


def wrong(stage: Stage, spans: dict[str, list], at: datetime) -> list[str]:
    """Lines that do not ring as the oracle says."""
    return [
        extension
        for extension, found in spans.items()
        if stage.pbx.rings(extension) != {value for _, value in ringing(found, at)}
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
        workers = [stage.worker(name=f"worker{n}") for n in range(2)]
        clocks = [stage.clock(f"clock{n}") for n in range(2)]
        stage.worker("gcal-care", "care")
        victims = [*workers, *clocks, redis.child, stage.pbx.child]
        starters: list[Callable[[], object]] = [
            *(child.start for child in (*workers, *clocks)),
            redis.start,
            stage.pbx.child.start,
        ]
        for number in range(KILLS):
            hurt(chance, victims, starters)
            if number % 20 == 19:
                # Everything runs: within a minute every line is as it should be.
                stage.soon(lambda: wrong(stage, spans, datetime.now(UTC)), [], within=HEAL)
        for write in stage.pbx.history():
            allowed = {
                value
                for begin, end, (_, value) in spans[write["extension"]]
                if begin <= datetime.fromisoformat(write["at"]) < end + timedelta(seconds=HEAL + 60)
            }
            held = {one["value"] for one in write["destinations"]}
            assert held <= allowed, f"early, or long after its end (seed {seed}): {write}"
