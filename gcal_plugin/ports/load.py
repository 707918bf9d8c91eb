"""How busy the neighbours are that we share: the queue, and the provider's quota."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Busy:
    """Long work that somebody is in the midst of."""

    task: str
    """A name of `jobs.duties.CARE`, or of what a command does: `sync`, `rotate`, `import`."""
    done: int
    """So many so far."""
    total: int | None = None
    """Of how many; None where that is not known beforehand."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue of wake-ups."""

    name: str
    depth: int
    """Jobs that wait."""
    lag: float
    """Seconds that the oldest of them has waited; 0 where none waits."""
    failed: int
    workers: int
    busy: Busy | None = None
    """What its first running job tells of itself; None where it tells nothing."""


class QueueStates(Protocol):
    """Looks at every queue; None where the queue's server does not answer."""

    def __call__(self) -> Sequence[QueueState] | None: ...


class QuotaUse(Protocol):
    """What part of the provider's quota is used up at this moment, for one client.

    0 is idle, 1 is all of it; None where nobody knows.
    """

    def __call__(self, client_id: str) -> float | None: ...
