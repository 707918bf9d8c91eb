"""Whether the product's own processes run: what stands still makes every other figure stale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..signals import BEAT_LIMIT, Signals


class Standstill(StrEnum):
    """What does not run, the gravest first."""

    CLOCK = "clock"
    QUEUE = "queue"
    WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class Halted:
    """One part of the machinery that stands still."""

    what: Standstill
    queues: tuple[str, ...] = ()
    """For `WORKERS`: the queues that nobody serves."""


def halted(seen: Signals) -> list[Halted]:
    """Everything of ours that stands still at that moment."""
    found = []
    if seen.beat_age is None or seen.beat_age > BEAT_LIMIT:
        found.append(Halted(Standstill.CLOCK))
    if seen.queues is None:
        found.append(Halted(Standstill.QUEUE))
    elif unserved := tuple(one.name for one in seen.queues if not one.workers):
        found.append(Halted(Standstill.WORKERS, unserved))
    return found
