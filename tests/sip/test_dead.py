"""Worker, clock and Redis are killed for real; the plan that they handed over goes on by itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones
from tests.support.lines import JAN, PIET
from tests.support.runtime import make_schema
from tests.support.stage import Stage, make_stage

pytestmark = pytest.mark.sip

DOMAIN = "bakkerij.example"


def rings(kamailio: Kamailio, phones: Phones, at: datetime | None = None) -> set[str]:
    """Who rings when 200 is called, now or at an instant."""
    call = phones.call(kamailio.sip, "200", DOMAIN, at=int(at.timestamp()) if at else None)
    return {f"+31{one[1:]}" for one in call.rang} | ({"own"} if call.own else set())


def _kill(stage: Stage, redis: RedisServer) -> None:
    for child in stage.children.values():
        child.kill()
    redis.stop()
    assert not any(child.running for child in stage.children.values())


def test_edges_pass_while_worker_clock_and_redis_are_dead(
    kamailio: Kamailio, phones: Phones, databases: Databases, tmp_path: Path
) -> None:
    entry = {
        "backend": "kamailio",
        "url": f"http://127.0.0.1:{kamailio.port}",
        "token": kamailio.token,
        "allow_loopback": True,
    }
    with (
        databases.fresh("postgres", key="schema", prepare=make_schema) as url,
        RedisServer(tmp_path / "redis") as redis,
        make_stage(tmp_path, url, redis.url(), telephony={"main": entry}) as stage,
    ):
        stage.worker()
        stage.clock()
        link = stage.world.link("200")
        edge = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=14)
        ends = edge + timedelta(seconds=2)
        stage.world.window(link, JAN, edge - timedelta(hours=1), edge)
        stage.world.window(link, PIET, edge, ends)
        stage.soon(
            lambda: [rings(kamailio, phones, at) for at in (None, edge, ends)],
            [{JAN}, {PIET}, {"own"}],
            within=12,
        )
        _kill(stage, redis)
        seen, wrong = set(), []
        while (began := datetime.now(UTC)) < ends + timedelta(seconds=1):
            rang = rings(kamailio, phones)
            ended = datetime.now(UTC)
            possible = [
                {JAN} if at < edge else {PIET} if at < ends else {"own"} for at in (began, ended)
            ]
            seen.add(frozenset(rang))
            if rang not in possible:
                wrong.append((began - edge, ended - edge, rang))
            time.sleep(0.01 if edge - began < timedelta(seconds=1) else 0.5)
        assert wrong == []
        assert seen == {frozenset({JAN}), frozenset({PIET}), frozenset({"own"})}
