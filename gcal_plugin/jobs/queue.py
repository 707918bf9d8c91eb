"""`Wake` on RQ: JSON, ids only, and never an exception to whoever asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from .queues import JOB_SECONDS, TASK_MODULE, QueueName

log = structlog.get_logger(__name__)

SULK = 2.0
"""Seconds without asking a server that did not answer: a page that wakes several waits once."""


class RqWake:
    """Enqueues wake-ups. Everything enqueued can be lost: the clock asks again."""

    def __init__(self, redis: Redis, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._monotonic = monotonic
        self._away_until = 0.0
        self._queues = {
            name: Queue(
                name.value,
                connection=redis,
                serializer=JSONSerializer,
                default_timeout=JOB_SECONDS[name],
            )
            for name in QueueName
        }

    def sync(self, calendar_ids: Sequence[UUID], *, urgent: bool = False) -> bool:
        ids = [str(one) for one in calendar_ids]
        if len(ids) == 1 and not urgent and self._somebody_waits(QueueName.SYNC):
            return True  # each wake-up takes along what else is due when it gets its turn
        return self._put(QueueName.SYNC, "sync_calendars", [ids, urgent], at_front=urgent)

    def switch(self, pbx: str, link_ids: Sequence[UUID], *, due_at: datetime | None = None) -> bool:
        ids = [str(one) for one in link_ids]
        instant = due_at.isoformat() if due_at is not None else None
        # What is due now goes before what is being armed for a coming instant.
        return self._put(
            QueueName.SWITCH, "switch_batch", [pbx, ids, instant], at_front=due_at is None
        )

    def care(self, task: str, **ids: str) -> bool:
        return self._put(QueueName.CARE, "care", [task, ids])

    def mail(self) -> bool:
        return self._put(QueueName.MAIL, "send_mail", [])

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()

    def _somebody_waits(self, name: QueueName) -> bool:
        if self._monotonic() < self._away_until:
            return False
        try:
            return self._queues[name].count > 0
        except RedisError:
            return False  # the attempt to enqueue tells what is the matter

    def _put(
        self, name: QueueName, task: str, arguments: list[object], *, at_front: bool = False
    ) -> bool:
        if self._monotonic() < self._away_until:
            return False
        try:
            self._queues[name].enqueue_call(
                f"{TASK_MODULE}.{task}",
                args=arguments,
                result_ttl=0,
                failure_ttl=86_400,
                ttl=600,
                at_front=at_front,
                description=task,
            )
        except RedisError as error:
            # A full, hung or missing server: the clock finds the same work in the database.
            self._away_until = self._monotonic() + SULK
            log.warning("queue_away", queue=name.value, error=type(error).__name__)
            return False
        return True
