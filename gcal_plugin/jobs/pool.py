"""All workers of one machine: a process per queue, started again when one dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from threading import Event

import structlog

from .queues import QueueName

log = structlog.get_logger(__name__)

PATIENCE = 20.0


def run_pool(counts: dict[QueueName, int], stop: Event) -> None:
    """Keep the workers running until `stop`, then end them gently."""
    wanted = [queue for queue, count in counts.items() for _ in range(count)]
    children = [_start(queue) for queue in wanted]
    try:
        while not stop.wait(0.5):
            for place, child in enumerate(children):
                if child.poll() is not None:
                    log.warning("worker_ended", queue=wanted[place].value, code=child.returncode)
                    children[place] = _start(wanted[place])
    finally:
        _end(children)


def _start(queue: QueueName) -> subprocess.Popen[bytes]:
    """This very command once more, for one queue."""
    return subprocess.Popen(  # noqa: S603 (our own command line)
        [sys.executable, *sys.orig_argv[1:], "--queue", queue.value]
    )


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
