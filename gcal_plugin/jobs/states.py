"""How full the queues are, and who serves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from redis import Redis
from redis.exceptions import RedisError

from ..ports.load import QueueState
from . import progress
from .queues import QueueName

_ANSWERS = 6
"""Questions about one queue."""


def queue_states(redis: Redis) -> Sequence[QueueState] | None:
    """Depth, lag, failures and workers of each queue; None where the server is away.

    Two round trips. A worker that died hard stays in its queue's set until another of the same
    queue tidies up, so only those count whose own key has not run out: two minutes at most.
    """
    names = [queue.value for queue in QueueName]
    try:
        asked = redis.pipeline(transaction=False)
        for name in names:
            key = f"rq:queue:{name}"
            asked.llen(key)
            asked.lrange(key, 0, 0)
            asked.lrange(key, -1, -1)
            asked.zcard(f"rq:failed:{name}")
            asked.smembers(f"rq:workers:{name}")
            asked.zrange(f"rq:wip:{name}", 0, 0)
        answers = asked.execute()
        waiting = [
            # What is urgent goes to the front, so the oldest is at either end.
            [job.decode() for job in {*answers[place + 1], *answers[place + 2]}]
            for place in range(0, len(answers), _ANSWERS)
        ]
        asked = redis.pipeline(transaction=False)
        for jobs in waiting:
            for job in jobs:
                asked.hget(f"rq:job:{job}", "enqueued_at")
        running = [b"".join(one) for one in answers[_ANSWERS - 1 :: _ANSWERS]]
        for one in running:  # "job:execution", or nothing
            asked.hget(f"rq:job:{one.decode().partition(':')[0]}", "meta")
        members = answers[_ANSWERS - 2 :: _ANSWERS]
        for workers in members:  # the names of their own keys
            asked.exists(*workers or ("rq:worker:",))
        since = asked.execute()
    except RedisError:
        return None  # the caller shows that it is away
    alive = since[-len(names) :]
    busy = [progress.read(meta) for meta in since[-2 * len(names) : -len(names)]]
    states, at = [], 0
    for place, name in enumerate(names):
        depth, _, _, failed, *_ = answers[place * _ANSWERS : (place + 1) * _ANSWERS]
        count = len(waiting[place])
        lags = [_age(one) for one in since[at : at + count] if one]
        at += count
        lag = max(lags, default=0.0)
        states.append(QueueState(name, depth, lag, failed, alive[place], busy[place]))
    return states


def _age(enqueued_at: bytes) -> float:
    then = datetime.fromisoformat(enqueued_at.decode())
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (datetime.now(UTC) - then).total_seconds())
