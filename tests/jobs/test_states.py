"""What the queues' server tells of the queues: a worker that died hard is none."""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from gcal_plugin.jobs.queues import QueueName
from gcal_plugin.jobs.states import queue_states
from tests.support.runtime import make_schema
from tests.support.stage import make_stage

LONGEST = 120
"""Seconds until a dead worker's own key has run out (its `worker_ttl`, and RQ's minute)."""


def test_a_worker_that_was_killed_serves_no_more(tmp_path: Path, redis_url: str) -> None:
    """It stays in the queue's set: only another worker of the same queue would take it out."""
    database = f"sqlite:///{tmp_path}/gcal.sqlite"
    make_schema(database)

    with (
        Redis.from_url(redis_url) as redis,
        make_stage(tmp_path, database, redis_url) as stage,
    ):

        def serving() -> dict[str, int]:
            return {one.name: one.workers for one in queue_states(redis) or () if one.workers}

        switching = stage.worker()
        stage.worker(QueueName.CARE.value, "care")
        stage.soon(serving, {"gcal-switch": 1, "gcal-care": 1})
        switching.kill()
        (key,) = redis.smembers("rq:workers:gcal-switch")
        assert 0 < redis.ttl(key) <= LONGEST
        redis.delete(key)  # as it runs out
        assert redis.scard("rq:workers:gcal-switch") == 1
        assert serving() == {"gcal-care": 1}
