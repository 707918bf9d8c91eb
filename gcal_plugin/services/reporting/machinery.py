"""Whether what is ours works: what stands still makes every other figure stale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..signals import BEAT_LIMIT, Signals
from ..sync_failures import PROJECT_FAULTS


class Standstill(StrEnum):
    """What does not run, the gravest first."""

    CLOCK = "clock"
    QUEUE = "queue"
    WORKERS = "workers"
    GOOGLE = "google"
    """Google refuses our project or a client of ours, whosever calendar it is."""


@dataclass(frozen=True, slots=True)
class Halted:
    """One part of the machinery that stands still."""

    what: Standstill
    queues: tuple[str, ...] = ()
    """For `WORKERS`: the queues that nobody serves."""
    codes: tuple[str, ...] = ()
    """For `GOOGLE`: what it says."""


def halted(seen: Signals) -> list[Halted]:
    """Everything of ours that stands still at that moment."""
    found = []
    if seen.beat_age is None or seen.beat_age > BEAT_LIMIT:
        found.append(Halted(Standstill.CLOCK))
    if seen.queues is None:
        found.append(Halted(Standstill.QUEUE))
    elif unserved := tuple(one.name for one in seen.queues if not one.workers):
        found.append(Halted(Standstill.WORKERS, unserved))
    if refused := tuple(code for code, _ in seen.failing if code in PROJECT_FAULTS):
        found.append(Halted(Standstill.GOOGLE, codes=refused))
    return found
