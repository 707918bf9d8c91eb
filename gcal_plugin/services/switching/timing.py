"""The database's clock, carried between two looks at it, and never ahead of it.

Due times are measured by the database. A worker cannot ask it at the very instant of an edge, so
it asks early and counts on with its own monotonic clock. The answer was made before it arrived,
so counting from its arrival lags by the way back: a switch can be that much late, never early.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ..runtime import Runtime


class EdgeClock:
    """Counts on from the best of several looks at the database's clock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._base: datetime | None = None
        self._at = 0.0

    def look(self, rt: Runtime, session: Session) -> datetime:
        """Ask the database, keep the look that lags least, answer its instant."""
        seen = rt.store.now(session)
        at = self._monotonic()
        if self._base is None or seen > self._base + timedelta(seconds=at - self._at):
            self._base, self._at = seen, at
        return seen

    def now(self) -> datetime:
        """The database's instant, at most a round trip behind it."""
        if self._base is None:
            raise RuntimeError("the database was not asked yet")
        return self._base + timedelta(seconds=self._monotonic() - self._at)

    def seconds_until(self, instant: datetime) -> float:
        """How long to wait for `instant`; negative when it has passed."""
        return (instant - self.now()).total_seconds()

    def sleep_until(self, instant: datetime) -> None:
        """Wait for `instant`, and never come back before it."""
        while (left := self.seconds_until(instant)) > 0:
            # The last stretch in small steps: a long sleep may overshoot by its timer's slack.
            time.sleep(left - 0.002 if left > 0.01 else min(left, 0.001))
