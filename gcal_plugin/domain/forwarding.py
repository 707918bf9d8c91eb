"""Windows and an instant -> who rings now, until when; desired and observed -> what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.schedule import Window
from gcal_plugin.domain.values import Destination


@dataclass(frozen=True, slots=True)
class Desired:
    """Who should ring at one instant.

    `destinations`: earliest start first, each once; empty means the extension's own route.
    `dropped`: open windows' destinations that did not make it, each with its reason.
    `causes`: destination -> the ids of the events that ask for it, earliest first.
    `until`: the next instant at which the set becomes another one; None when it never does.
    """

    destinations: tuple[Destination, ...] = ()
    dropped: tuple[tuple[Destination, Reason], ...] = ()
    causes: Mapping[Destination, tuple[str, ...]] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time with one and the same set, never empty; from `start` to before `end`."""

    start: datetime
    end: datetime
    destinations: tuple[Destination, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What must be added and removed to come from the observed set to the desired one."""

    add: frozenset[Destination]
    remove: frozenset[Destination]

    @property
    def nothing(self) -> bool:
        """Whether the sets are the same already."""
        return not self.add and not self.remove


def desired_at(
    windows: Iterable[Window],
    now: datetime,
    *,
    max_destinations: int | None = None,
    own_extension: str | None = None,
) -> Desired:
    """Answer who should ring at `now`.

    Over `max_destinations` the earliest start wins and the others get `too_many`. The own
    extension beside others means that the own phone rings too; alone it means nothing.
    """
    raise NotImplementedError


def next_edge(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Answer the first instant after `now` at which a forwarding window starts or ends."""
    raise NotImplementedError


def next_change(
    windows: Iterable[Window],
    now: datetime,
    *,
    max_destinations: int | None = None,
    own_extension: str | None = None,
) -> datetime | None:
    """Answer the first instant after `now` at which the set of who rings is another one."""
    raise NotImplementedError


def segments(
    windows: Iterable[Window],
    start: datetime,
    until: datetime,
    *,
    max_destinations: int | None = None,
    own_extension: str | None = None,
) -> list[Segment]:
    """Answer the plan from `start` to `until`: merged stretches in order, without the gaps."""
    raise NotImplementedError


def change(desired: Desired | Iterable[Destination], observed: Iterable[Destination]) -> Change:
    """Answer what must change on the exchange; order does not matter."""
    wanted = desired.destinations if isinstance(desired, Desired) else desired
    want, have = frozenset(wanted), frozenset(observed)
    return Change(add=want - have, remove=have - want)
