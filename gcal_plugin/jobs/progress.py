"""How far a long job is: noted in its own meta, shown on the operators' board."""

from __future__ import annotations

import json
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from rq import get_current_job

from ..ports.load import Busy

log = structlog.get_logger(__name__)


def noting(task: str) -> Callable[[int], None]:
    """What the work calls with each portion; outside a job (in the clock) it notes nothing."""
    job = get_current_job()
    done = 0

    def note(count: int) -> None:
        nonlocal done
        done += count
        if job is None or not count:
            return
        job.meta = {"task": task, "done": done}
        try:
            job.save_meta()  # type: ignore[no-untyped-call]
        except RedisError as error:  # the work matters, not its picture
            log.info("progress_not_noted", task=task, error=type(error).__name__)

    return note


def read(meta: bytes | None) -> Busy | None:
    """What a job's stored meta says; None where it says nothing that we know."""
    try:
        told = json.loads(meta or b"null")
        return Busy(str(told["task"]), int(told["done"]))
    except (ValueError, TypeError, KeyError):
        return None
