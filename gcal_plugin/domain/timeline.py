"""The windows of one extension in order of time, walked from edge to edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gcal_plugin.domain.schedule import Window
from gcal_plugin.domain.values import Destination, Kind


@dataclass(frozen=True, order=True, slots=True)
class Entry:
    """One forwarding window; sorted by start, then by destination so that the order is stable."""

    start: datetime
    destination: Destination
    event_id: str
    end: datetime


class Timeline:
    """What one extension's windows ask for, under the exchange's limits."""

    def __init__(
        self, windows: Iterable[Window], max_destinations: int | None, own_extension: str | None
    ) -> None:
        self._entries = sorted(
            Entry(window.start, destination, window.event_id, window.end)
            for window in windows
            if window.start < window.end and (destination := window.destination) is not None
        )
        self._most = max_destinations
        self._own = own_extension

    def open_at(self, now: datetime) -> list[Entry]:
        """Answer the windows that hold at `now`, the earliest start first."""
        return [entry for entry in self._entries if entry.start <= now < entry.end]

    def kept(self, wanted: Iterable[Destination]) -> tuple[Destination, ...]:
        """Answer who rings, of what open windows ask for in order of their start."""
        kept = tuple(dict.fromkeys(wanted))[: self._most]
        alone = len(kept) == 1 and kept[0].kind is Kind.EXTENSION and kept[0].value == self._own
        return () if alone else kept

    def stretches(
        self, start: datetime, until: datetime
    ) -> Iterator[tuple[datetime, datetime, tuple[Destination, ...]]]:
        """Answer each stretch between two edges with who rings then, gaps and repeats included."""
        waiting = [entry for entry in self._entries if entry.start < until and entry.end > start]
        edges = {edge for entry in waiting for edge in (entry.start, entry.end)}
        inner = sorted(edge for edge in edges if start < edge < until)
        opened: list[Entry] = []
        taken = 0
        for begin, end in zip([start, *inner], [*inner, until], strict=True):
            opened = [entry for entry in opened if entry.end > begin]
            while taken < len(waiting) and waiting[taken].start <= begin:
                opened.append(waiting[taken])
                taken += 1
            yield begin, end, self.kept(entry.destination for entry in opened)

    def next_change(self, now: datetime) -> datetime | None:
        """Answer the first instant after `now` with another set of who rings, or None."""
        last = max((entry.end for entry in self._entries), default=now)
        if last <= now:
            return None
        current: frozenset[Destination] | None = None
        for begin, _, destinations in self.stretches(now, last):
            if current is None:
                current = frozenset(destinations)
            elif frozenset(destinations) != current:
                return begin
        return last if current else None
