"""When to try again, and when to stop: decided by what the exchange's error says."""

from __future__ import annotations

import random
from datetime import timedelta

SOON = (0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 25.0)
"""Seconds before each retry after silence: the first at once, never beyond half a minute, so that
every line is right within a minute after its exchange is back."""
LONGEST_WISH = 60.0
"""Seconds: a longer Retry-After is taken as this."""
LATER = (30.0, 120.0, 300.0, 900.0)
"""Seconds before each retry after a refusal, which seldom mends itself."""
REFUSED_TRIES = 5
POISON_TRIES = 3
QUARANTINE = timedelta(hours=1)
"""A quarantined line is looked at again after this long, or when its calendar changes."""


def _jittered(steps: tuple[float, ...], failures: int) -> timedelta:
    base = steps[min(failures, len(steps)) - 1]
    return timedelta(seconds=base * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)


def after_silence(failures: int, retry_after: float | None) -> timedelta:
    """The wait after the given number of failures in a row.

    The exchange's own wish counts, up to a minute: while it means it, its breaker lets one write
    through at a time, and no end may wait for an hour.
    """
    wait = _jittered(SOON, failures)
    return max(wait, timedelta(seconds=min(retry_after, LONGEST_WISH))) if retry_after else wait


def after_refusal(failures: int, *, ends: bool = False) -> timedelta | None:
    """The wait before asking a refusing exchange again; None once it was asked often enough.

    What `ends` a forward is never given up: it is asked for on, every quarter of an hour.
    """
    return _jittered(LATER, failures) if failures < REFUSED_TRIES or ends else None


def after_poison(failures: int) -> timedelta:
    """The wait before working out a poisoned line again."""
    return _jittered((2.0, 5.0, 10.0), failures)
