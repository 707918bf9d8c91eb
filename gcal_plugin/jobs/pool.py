"""All workers of one machine: a process per queue, started again when one dies.

Whoever dies young is waited for, each time twice as long: a worker that cannot start (a setting, a
full disk) would otherwise cost a core, and its log tell nothing else. One that has lived is
replaced at once.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from threading import Event

import structlog

from .queues import QueueName

log = structlog.get_logger(__name__)

PATIENCE = 20.0
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
SETTLED = 60.0
"""Seconds after which a worker counts as one that works: its end begins the waiting anew."""
LOOK_EVERY = 0.5


@dataclass
class _Place:
    """One worker's place: who holds it, or from when on it may be filled again."""

    queue: QueueName
    child: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    wait: float = 0.0

    def look(self, now: float) -> None:
        """Note that the worker died, and fill the place where its time has come."""
        if self.child is not None and self.child.poll() is not None:
            self._note_end(self.child.returncode, now)
        if self.child is None and now >= self.since + self.wait:
            self.child, self.since = _start(self.queue), now

    def _note_end(self, code: int, now: float) -> None:
        lived = now - self.since
        if lived >= SETTLED:
            self.wait = 0.0
        else:
            self.wait = min(max(FIRST_WAIT, 2 * self.wait), LONGEST_WAIT)
        self.child, self.since = None, now
        log.warning(
            "worker_ended",
            queue=self.queue.value, code=code, lived=round(lived, 1), again_in=self.wait,
        )  # fmt: skip


def run_pool(counts: dict[QueueName, int], stop: Event) -> None:
    """Keep the workers running until `stop`, then end them gently."""
    places = [_Place(queue) for queue, count in counts.items() for _ in range(count)]
    try:
        while True:
            for place in places:
                place.look(time.monotonic())
            if stop.wait(LOOK_EVERY):
                return
    finally:
        _end([place.child for place in places if place.child is not None])


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
