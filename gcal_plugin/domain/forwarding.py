"""Windows and an instant -> who rings now, until when; desired and observed -> what to change.

Windows are half-open, instants are UTC, and a set has no order: two sets with the same destinations
are one and need no write between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.schedule import Window
from gcal_plugin.domain.timeline import Timeline
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

    Over `max_destinations` the earliest start wins and the others get `too_many`; of equal starts
    extensions come before numbers, and lower digits before higher. The own extension beside others
    means that the own phone rings too; alone it means nothing.
    """
    timeline = Timeline(windows, max_destinations, own_extension)
    causes: dict[Destination, tuple[str, ...]] = {}
    for entry in timeline.open_at(now):
        causes[entry.destination] = (*causes.get(entry.destination, ()), entry.event_id)
    over = () if max_destinations is None else tuple(causes)[max_destinations:]
    return Desired(
        destinations=timeline.kept(causes),
        dropped=tuple((destination, Reason.TOO_MANY) for destination in over),
        causes=causes,
        until=timeline.next_change(now),
    )


def next_edge(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Answer the first instant after `now` at which a forwarding window starts or ends."""
    edges = (
        edge
        for window in windows
        if window.destination is not None and window.start < window.end
        for edge in (window.start, window.end)
        if edge > now
    )
    return min(edges, default=None)


def next_change(
    windows: Iterable[Window],
    now: datetime,
    *,
    max_destinations: int | None = None,
    own_extension: str | None = None,
) -> datetime | None:
    """Answer the first instant after `now` at which the set of who rings is another one."""
    return Timeline(windows, max_destinations, own_extension).next_change(now)


def segments(
    windows: Iterable[Window],
    start: datetime,
    until: datetime,
    *,
    max_destinations: int | None = None,
    own_extension: str | None = None,
) -> list[Segment]:
    """Answer the plan from `start` to `until`: merged stretches in order, without the gaps."""
    timeline = Timeline(windows, max_destinations, own_extension)
    found: list[Segment] = []
    for begin, end, destinations in timeline.stretches(start, until):
        last = found[-1] if found else None
        if last and last.end == begin and set(last.destinations) == set(destinations):
            found[-1] = Segment(last.start, end, last.destinations)
        elif destinations:
            found.append(Segment(begin, end, destinations))
    return found


def change(desired: Desired | Iterable[Destination], observed: Iterable[Destination]) -> Change:
    """Answer what must change on the exchange; order does not matter."""
    wanted = desired.destinations if isinstance(desired, Desired) else desired
    want, have = frozenset(wanted), frozenset(observed)
    return Change(add=want - have, remove=have - want)
