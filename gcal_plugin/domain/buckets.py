"""Histograms of seconds: fixed bounds, so that counts of days and machines can be added up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

BOUNDS = (
    0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0,
    10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0,
)  # fmt: skip
"""Upper bounds in seconds; a last bucket holds everything above. Five or six to the decade keep
a quantile within a third of the truth, and the switches that matter lie below a second."""

SIZE = len(BOUNDS) + 1

Counts = list[int]
"""How many fell into each bucket; `SIZE` long, not cumulative."""


def empty() -> Counts:
    """Nothing seen yet."""
    return [0] * SIZE


def place(seconds: float) -> int:
    """The bucket of a value; a bound belongs to its own bucket."""
    return bisect_left(BOUNDS, seconds)


def added(first: Sequence[int], second: Sequence[int]) -> Counts:
    """Two histograms in one."""
    return [one + other for one, other in zip(first, second, strict=True)]


def cumulative(counts: Iterable[int]) -> Counts:
    """How many were at most each bound; the last is their number."""
    total, found = 0, []
    for count in counts:
        total += count
        found.append(total)
    return found


def quantile(counts: Sequence[int], share: float) -> float | None:
    """The value that `share` (0 to 1) of them do not exceed, evenly spread within its bucket.

    None where there are none; the last bound where it lies above all of them.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, before = share * total, 0
    for bucket, count in enumerate(counts):
        if count and before + count >= wanted:
            if bucket == len(BOUNDS):
                return BOUNDS[-1]
            low = BOUNDS[bucket - 1] if bucket else 0.0
            return low + (BOUNDS[bucket] - low) * (wanted - before) / count
        before += count
    return BOUNDS[-1]
