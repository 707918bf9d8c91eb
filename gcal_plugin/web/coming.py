"""The coming appointments by day: a week of them in sight, what comes later folded away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ..services.reporting import EventView
from . import current

Days = list[tuple[date, list[EventView]]]

IN_SIGHT = timedelta(days=7)
"""Today and six days more: what the drawing of the week shows too."""
FEW = 3
"""So many later appointments are not worth a fold."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Appointments under the day on which they start; one that runs already is under today."""

    near: Days
    later: Days

    @property
    def count_later(self) -> int:
        return sum(len(events) for _day, events in self.later)

    @property
    def wrong_later(self) -> int:
        """How many of the later ones do not forward: nobody should have to unfold to learn it."""
        return sum(not event.forwards for _day, events in self.later for event in events)


def coming(events: Sequence[EventView]) -> Coming:
    """What the page lists, and what it folds; the first day with an appointment is never folded."""
    zone = current.zone()
    today = current.now().astimezone(zone).date()
    grouped: dict[date, list[EventView]] = {}
    for event in events:
        begins = event.start.astimezone(zone).date()
        grouped.setdefault(max(begins, today), []).append(event)
    days = sorted(grouped.items())
    near = [one for one in days if one[0] < today + IN_SIGHT] or days[:1]
    later = days[len(near) :]
    if sum(len(found) for _day, found in later) <= FEW:
        return Coming(days, [])
    return Coming(near, later)
