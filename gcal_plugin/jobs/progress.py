"""How far long work is, for the operators' board: a job notes it in its own meta, a command that
somebody runs at a terminal below a key of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import get_current_job

from ..ports.load import Busy

log = structlog.get_logger(__name__)

COMMANDS = ("sync", "rotate", "import")
"""Work of commands that can take long."""
_KEPT_SECONDS = 300
"""So long a command that was killed is still shown."""
_EVERY_SECONDS = 1.0


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
        _quietly(task, job.save_meta)

    return note


def read(meta: bytes | None) -> Busy | None:
    """What was noted; None where that says nothing that we know."""
    try:
        told = json.loads(meta or b"null")
        total = told.get("total")
        return Busy(str(told["task"]), int(told["done"]), None if total is None else int(total))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@contextmanager
def of_command(redis: Redis, task: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """What a command calls with each portion, about once a second written down."""
    done, told_at = 0, 0.0

    def write() -> None:
        nonlocal told_at
        told_at = time.monotonic()
        value = json.dumps({"task": task, "done": done, "total": total})
        _quietly(task, lambda: redis.set(_key(task), value, ex=_KEPT_SECONDS))

    def note(count: int) -> None:
        nonlocal done
        done += count
        if time.monotonic() - told_at >= _EVERY_SECONDS:
            write()

    write()
    try:
        yield note
    finally:
        _quietly(task, lambda: redis.delete(_key(task)))


def commands(redis: Redis) -> Sequence[Busy]:
    """The commands that are at work now; none where the server is away, which is told elsewhere."""
    asked = redis.pipeline(transaction=False)
    for task in COMMANDS:
        asked.get(_key(task))
    try:
        answers = asked.execute()
    except RedisError:
        return []
    return [one for one in map(read, answers) if one is not None]


def _key(task: str) -> str:
    return f"gcal:work:{task}"


def _quietly(task: str, act: Callable[[], object]) -> None:
    try:
        act()
    except RedisError as error:  # the work matters, not its picture
        log.info("progress_not_noted", task=task, error=type(error).__name__)
