"""A breaker per exchange: one that does not answer is left alone for a while, then tried once.

Kept per process. A process learns within a handful of writes, so sharing it would buy little and
make switching depend on the queue's server.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Lock

from ..runtime import Runtime

OPENS_AFTER = 3
"""Writes in a row that got no answer."""
SHORTEST, LONGEST = 1.0, 20.0
"""Seconds that an open breaker waits: doubling, always well below the promised minute."""


class Breaker:
    """Lets writes through, or says how long to wait. Safe to use from several threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._failures = 0
        self._wait = SHORTEST
        self._closed_at = 0.0
        self._probing_until = 0.0

    def waits(self) -> float:
        """Seconds until a write may go; 0 lets this one through.

        Once the wait is over one write goes as a probe, while the others wait for what it finds.
        """
        with self._lock:
            if self._failures < OPENS_AFTER:
                return 0.0
            now = self._monotonic()
            if now < self._closed_at:
                return self._closed_at - now
            if now < self._probing_until:
                return min(SHORTEST, self._probing_until - now)
            self._probing_until = now + LONGEST
            return 0.0

    def answered(self) -> None:
        """The exchange answered, whatever it said."""
        with self._lock:
            self._failures, self._wait, self._probing_until = 0, SHORTEST, 0.0

    def silent(self) -> None:
        """No answer, or a 5xx: one step towards leaving it alone."""
        with self._lock:
            self._failures += 1
            if self._failures < OPENS_AFTER:
                return
            jitter = random.uniform(0.8, 1.2)  # noqa: S311 (no secret)
            self._closed_at = self._monotonic() + self._wait * jitter
            self._wait = min(self._wait * 2, LONGEST)
            self._probing_until = 0.0

    @property
    def open(self) -> bool:
        """Whether writes are held back."""
        with self._lock:
            return self._failures >= OPENS_AFTER and self._monotonic() < self._closed_at


def breaker_of(rt: Runtime, pbx: str) -> Breaker:
    """This process's breaker of an exchange."""
    return rt.kept(f"switching.breaker.{pbx}", Breaker)
